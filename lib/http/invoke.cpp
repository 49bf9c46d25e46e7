// Calls: Lambda's Invoke and our own POST /function/NAME. Once a function has been handed the event
// the answer on Lambda's path is 200, whatever it did: clients retry 5xx, and it would run twice.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "http/api.hpp"
#include "http/request_id.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kClientContext = 3583;

LambdaError invalid_content(std::string message) {
  return {"InvalidRequestContentException", std::move(message)};
}

// What the X-Amz- headers ask for. Decoded values are owned here: InvokeOptions only views them.
struct Ask {
  bool dry_run = false;
  bool log_tail = false;
  std::string client_context;
  std::string tenant;
};

std::optional<LambdaError> read_type(Head const& head, Ask& ask) {
  auto const type = head.header("X-Amz-Invocation-Type");
  if (type == "Event") {
    return invalid_parameter(
        "Asynchronous invocation (InvocationType Event) is not available yet in this version of "
        "faas. Use "
        "RequestResponse.");
  }
  if (!type.empty() && type != "RequestResponse" && type != "DryRun") {
    return constraint_error(fmt::format("'{}'", type.substr(0, 40)), "invocationType",
                            "satisfy enum value set: [Event, RequestResponse, DryRun]");
  }
  ask.dry_run = type == "DryRun";
  return std::nullopt;
}

std::optional<LambdaError> read_durable(Head const& head, Ask&) {
  if (head.header("X-Amz-Durable-Execution-Name").empty()) return std::nullopt;
  return invalid_parameter(
      "Durable executions are not available in this version of faas. Leave DurableExecutionName "
      "out.");
}

std::optional<LambdaError> read_log_type(Head const& head, Ask& ask) {
  auto const type = head.header("X-Amz-Log-Type");
  ask.log_tail = type == "Tail";
  if (type.empty() || type == "None" || ask.log_tail) return std::nullopt;
  return constraint_error(fmt::format("'{}'", type.substr(0, 40)), "logType",
                          "satisfy enum value set: [None, Tail]");
}

std::optional<LambdaError> read_client_context(Head const& head, Ask& ask) {
  auto const text = head.header("X-Amz-Client-Context");
  if (text.size() > kClientContext) {
    return invalid_content(
        fmt::format("The client context has {} bytes of base64; the limit is {}.", text.size(),
                    kClientContext));
  }
  auto decoded = from_base64(text);
  if (!decoded) return invalid_content("Could not decode the client context: it is not base64.");
  if (!decoded->empty() && json_fault(*decoded)) {
    return invalid_content("Could not parse the client context into json: " +
                           *json_fault(*decoded));
  }
  // It goes to the function as a header, so line ends that JSON allows between tokens must not.
  std::ranges::replace_if(
      *decoded, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  ask.client_context = std::move(*decoded);
  return std::nullopt;
}

std::optional<LambdaError> read_tenant(Head const& head, Ask& ask) {
  ask.tenant = head.header("X-Amz-Tenant-Id");
  constexpr std::string_view kMarks = "._:/=+-@ ";
  bool const valid = ask.tenant.size() <= 256 && std::ranges::all_of(ask.tenant, [&](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                              (c >= 'a' && c <= 'z') || kMarks.find(c) != std::string_view::npos;
                     });
  if (valid) return std::nullopt;
  return constraint_error(fmt::format("'{}'", std::string_view(ask.tenant).substr(0, 40)),
                          "tenantId",
                          "satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]{1,256}");
}

LambdaResult<Ask> read_ask(Head const& head) {
  Ask ask;
  for (auto* read : {read_type, read_durable, read_log_type, read_client_context, read_tenant}) {
    if (auto error = read(head, ask)) return *error;
  }
  return ask;
}

// Of POST /function/NAME: what it cannot give is refused, not passed over.
LambdaResult<Ask> read_plain_ask(Head const& head) {
  Ask ask;
  for (auto* read : {read_type, read_durable, read_tenant}) {
    if (auto error = read(head, ask)) return *error;
  }
  if (!ask.dry_run) return ask;
  return invalid_parameter("A dry run is asked for on Lambda's own path: …/invocations.");
}

LambdaError body_fault(std::string const& fault) {
  return invalid_content("Could not parse request body into json: " + fault);
}

std::string trace_of(Head const& head, std::string_view request_id) {
  auto const given = head.header("X-Amzn-Trace-Id");
  return given.empty() ? new_trace_id(request_id) : std::string(given);
}

// The stages of a start as W3C's Server-Timing: "queued;dur=0.120, code;dur=0.010, …",
// milliseconds.
std::string server_timing(Timing const& timing) {
  std::string out;
  for (auto const& stage : stages(timing))
    out += fmt::format("{}{};dur={:.3f}", out.empty() ? "" : ", ", stage.name,
                       std::chrono::duration<double, std::milli>(stage.took).count());
  return out;
}

void tell_start(Outcome const& outcome, Response& response) {
  response.with("X-Faas-Start", std::string(to_string(outcome.start)));
  if (outcome.start != StartLevel::warm)
    response.with("Server-Timing", server_timing(outcome.timing));
}

Response invocation_response(Outcome outcome, Ask const& ask, std::string trace) {
  auto response = json_response(200, std::move(outcome.payload));
  response.with("X-Amz-Executed-Version", std::move(outcome.version))
      .with("x-amzn-Remapped-Content-Length", "0");
  response.with("X-Amzn-Trace-Id", std::move(trace));
  tell_start(outcome, response);
  if (!outcome.ok()) response.with("X-Amz-Function-Error", "Unhandled");
  if (ask.log_tail) response.with("X-Amz-Log-Result", to_base64(outcome.log_tail));
  return response;
}

std::string own_content_type(Outcome const& outcome) {
  return outcome.ok() && !outcome.content_type.empty() ? outcome.content_type : "application/json";
}

Response plain_response(Outcome outcome) {
  Response response;
  response.status = outcome.ok() ? 200 : outcome.status == Status::abandoned ? 504 : 502;
  response.with("Content-Type", own_content_type(outcome));
  tell_start(outcome, response);
  response.with("X-Amz-Executed-Version", std::move(outcome.version));
  if (!outcome.ok()) response.with("X-Amz-Function-Error", "Unhandled");
  response.body = std::move(outcome.payload);
  return response;
}

}  // namespace

asio::awaitable<Response> invoke(Context& c, Request request, std::string name) {
  auto const ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) co_return render(ref.error());
  auto const ask = read_ask(request.head);
  if (!ask) co_return render(ask.error());
  if (!request.body.empty()) {
    if (auto const fault = json_fault(request.body)) co_return render(body_fault(*fault));
  }
  if (ask->dry_run) {
    auto const info = find_function(c, *ref);
    co_return info ? no_content() : render(info.error());
  }

  auto trace = trace_of(request.head, request.id);
  InvokeOptions options;
  options.account = ref->name.account;
  options.qualifier = ref->qualifier;
  options.caller = request.identity.name;
  options.log_tail = ask->log_tail;
  options.client_context = ask->client_context;
  options.tenant = ask->tenant;
  options.request_id = request.id;
  options.trace_id = trace;
  auto outcome = co_await c.runtime.invoke(ref->name, std::move(request.body), options);
  if (outcome) co_return invocation_response(std::move(*outcome), *ask, std::move(trace));
  if (outcome.error().code == Errc::not_found) {
    auto asked = *ref;
    if (asked.qualifier.empty()) asked.qualifier = "$LATEST";
    co_return render(function_not_found(asked, c.options.region));
  }
  co_return render(invoke_error(outcome.error()));
}

// NAME, NAME:QUALIFIER, or ?Qualifier=.
asio::awaitable<Response> call_function(Context& c, Request request, std::string name) {
  auto const ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) {
    Error const error{Errc::not_found,
                      "No function has such a name: names are 1 to 64 of a-z A-Z 0-9 - _, with "
                      ":VERSION or :ALIAS behind them.",
                      "ResourceNotFoundException", "http"};
    co_return render_error(error);
  }
  auto const ask = read_plain_ask(request.head);
  if (!ask) {
    co_return render_error(
        {Errc::invalid_argument, ask.error().message, ask.error().exception, "http"});
  }
  auto const content_type = request.head.header("Content-Type");
  auto const trace = trace_of(request.head, request.id);
  InvokeOptions options;
  options.account = ref->name.account;
  options.qualifier = ref->qualifier;
  options.caller = request.identity.name;
  options.tenant = ask->tenant;
  options.request_id = request.id;
  options.trace_id = trace;
  if (!content_type.empty()) options.content_type = content_type;
  auto outcome = co_await c.runtime.invoke(ref->name, std::move(request.body), options);
  co_return outcome ? plain_response(std::move(*outcome)) : render_error(outcome.error());
}

}  // namespace faas::inline v0::http
