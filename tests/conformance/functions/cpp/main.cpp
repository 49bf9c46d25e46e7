// The C++ function of the conformance tests: an object is a wish, anything else comes back as it
// is.
#include <aws/lambda-runtime/runtime.h>

#include <cstdlib>
#include <string>

using aws::lambda_runtime::invocation_request;
using aws::lambda_runtime::invocation_response;

namespace {

std::string quoted(std::string const& text) { return '"' + text + '"'; }

std::string every_byte() {
  std::string bytes;
  for (int value = 0; value < 256; ++value) bytes += static_cast<char>(value);
  return bytes;
}

std::string context(invocation_request const& request) {
  return "{\"request\":" + quoted(request.request_id) + ",\"arn\":" + quoted(request.function_arn) +
         ",\"remaining\":" + std::to_string(request.get_time_remaining().count()) +
         ",\"client\":" + (request.client_context.empty() ? "null" : request.client_context) + "}";
}

invocation_response answer(invocation_request const& request) {
  auto const& event = request.payload;
  if (event == R"({"do":"fail"})") return invocation_response::failure("not today", "Refused", "");
  if (event == R"({"do":"bytes"})") return invocation_response::success(every_byte(), "image/png");
  if (event == R"({"do":"context"})")
    return invocation_response::success(context(request), "application/json");
  if (event == R"({"do":"abort"})") std::abort();
  return invocation_response::success(event, "application/octet-stream");
}

}  // namespace

int main() { aws::lambda_runtime::run_handler(answer); }
