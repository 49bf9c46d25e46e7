#include "contract/replies.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace faas::inline v0::contract {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 505: return "HTTP Version Not Supported";
  }
  return "Error";
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  auto const start = out.size();
  out.append(value);
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
      [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  out.append("\r\n");
}

void add_optional_field(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) add_field(out, name, value);
}

void end_head(std::string& out, std::size_t body_size, bool keep_alive) {
  add_field(out, "Content-Length", std::to_string(body_size));
  if (!keep_alive) add_field(out, "Connection", "close");
  out.append("\r\n");
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// prefix[A-Z][a-zA-Z]+
bool is_error_type(std::string_view type, std::string_view prefix) {
  if (!type.starts_with(prefix)) return false;
  auto const name = type.substr(prefix.size());
  return name.size() >= 2 && name.front() <= 'Z' &&
         std::all_of(name.begin(), name.end(), is_letter);
}

}  // namespace

namespace replies {

Reply refusal(int status, std::string_view type, std::string_view message) {
  return {status, "{\"errorMessage\":" + json_quote(message) +
                      ",\"errorType\":" + json_quote(type) + "}\n"};
}

Reply accepted() { return {202, "{\"status\":\"OK\"}\n"}; }

Reply invalid_request_id() { return refusal(400, "InvalidRequestID", "Invalid request ID"); }

Reply invalid_response_mode() {
  return refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode");
}

Reply too_large(std::size_t limit) {
  return refusal(413, "RequestEntityTooLarge",
                 "Exceeded maximum allowed payload size (" + std::to_string(limit) + " bytes).");
}

Reply truncated() {
  return refusal(400, "TruncatedHTTPRequest", "HTTP request detected as truncated");
}

Reply invalid_transition(std::string_view from, std::string_view to) {
  std::string message = "State transition from ";
  message.append(from).append(" to ").append(to);
  message.append(" failed for runtime. Error: State transition is not allowed");
  return refusal(403, "InvalidStateTransition", message);
}

Reply invalid_invoke_id() {
  return refusal(400, "Runtime.InvalidInvokeId", "No invocation with this id runs here");
}

Reply invoke_timeout() {
  return refusal(400, "Runtime.InvokeTimeout", "The invocation is over: its answer comes too late");
}

Reply response_in_progress() {
  return refusal(400, "Runtime.InvokeResponseInProgress",
                 "Another answer to this invocation is being sent");
}

Reply response_was_sent() {
  return refusal(400, "Runtime.InvokeResponseWasSent", "This invocation has been answered");
}

Reply too_many_idle_runtimes() {
  return refusal(400, "Runtime.TooManyIdleRuntimes",
                 "As many requests for the next invocation wait as invocations may run at once");
}

}  // namespace replies

std::string reply_head(Reply const& reply, std::string_view content_type, bool keep_alive) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  out.append(reason_phrase(reply.status)).append("\r\n");
  add_field(out, "Content-Type", content_type);
  if (!reply.field.empty()) add_field(out, reply.field, reply.value);
  end_head(out, reply.body.size(), keep_alive);
  return out;
}

void invocation_head(std::string& out, Invocation const& invocation, bool keep_alive) {
  out.assign("HTTP/1.1 200 OK\r\n");
  // The C++ client crashes where Content-Type is absent.
  add_field(out, "Content-Type",
            invocation.content_type.empty() ? "application/json" : invocation.content_type);
  add_field(out, "Lambda-Runtime-Aws-Request-Id", invocation.request_id);
  add_field(out, "Lambda-Runtime-Deadline-Ms", std::to_string(invocation.deadline_ms));
  add_field(out, "Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn);
  add_optional_field(out, "Lambda-Runtime-Trace-Id", invocation.trace_id);
  add_optional_field(out, "Lambda-Runtime-Client-Context", invocation.client_context);
  add_optional_field(out, "Lambda-Runtime-Aws-Tenant-Id", invocation.tenant);
  end_head(out, invocation.payload.size(), keep_alive);
}

std::string extension_event(Invocation const& invocation) {
  return "{\"eventType\":\"INVOKE\",\"deadlineMs\":" + std::to_string(invocation.deadline_ms) +
         ",\"requestId\":" + json_quote(invocation.request_id) +
         ",\"invokedFunctionArn\":" + json_quote(invocation.function_arn) +
         ",\"tracing\":{\"type\":\"X-Amzn-Trace-Id\",\"value\":" + json_quote(invocation.trace_id) +
         "}}";
}

FunctionFailure response_too_large(std::size_t limit) {
  constexpr std::string_view kType = "Function.ResponseSizeTooLarge";
  auto const message = "Response payload size exceeded maximum allowed payload size (" +
                       std::to_string(limit) + " bytes).";
  return {std::string(kType),
          "{\"errorMessage\":" + json_quote(message) + ",\"errorType\":" + json_quote(kType) + "}"};
}

FunctionFailure platform_failure(std::string_view type, std::string_view message) {
  return {std::string(type), error_document(type, message)};
}

std::string known_error_type(std::string_view type) {
  if (is_error_type(type, "Runtime.") || is_error_type(type, "Function.")) return std::string(type);
  return type.starts_with("Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

std::string known_extension_error_type(std::string_view type, std::string_view otherwise) {
  return std::string(is_error_type(type, "Extension.") ? type : otherwise);
}

}  // namespace faas::inline v0::contract
