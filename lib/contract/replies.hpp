// What the Runtime API answers: heads and documents as text, in Lambda's words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "contract/runtime_api.hpp"

namespace faas::inline v0::contract {

struct Reply {
  int status = 0;               // 0: none
  std::string body;             // JSON, but for ping
  std::string_view field = {};  // one header more: its name, a literal, and its value
  std::string value = {};
};

namespace replies {

Reply accepted();  // 202 {"status":"OK"}
Reply refusal(int status, std::string_view type, std::string_view message);
Reply invalid_request_id();
Reply invalid_response_mode();
Reply too_large(std::size_t limit);
Reply truncated();
Reply invalid_transition(std::string_view from, std::string_view to);

// Where several invocations run at once.
Reply invalid_invoke_id();     // it never ran here, or too long ago to be known
Reply invoke_timeout();        // it was abandoned
Reply response_in_progress();  // another answer to it is under way
Reply response_was_sent();
Reply too_many_idle_runtimes();

}  // namespace replies

// A response head with its blank line. Control characters in values become spaces: a caller's
// metadata cannot add a header.
std::string reply_head(Reply const& reply, std::string_view content_type, bool keep_alive);
void invocation_head(std::string& out, Invocation const& invocation, bool keep_alive);

std::string extension_event(Invocation const& invocation);  // the INVOKE event's document

FunctionFailure response_too_large(std::size_t limit);  // Function.ResponseSizeTooLarge
FunctionFailure platform_failure(std::string_view type, std::string_view message);

// Keeps ^(Runtime|Function)\.[A-Z][a-zA-Z]+$, else Function.Unknown or Runtime.Unknown.
std::string known_error_type(std::string_view type);
// Keeps ^Extension\.[A-Z][a-zA-Z]+$, else `otherwise`.
std::string known_extension_error_type(std::string_view type, std::string_view otherwise);

}  // namespace faas::inline v0::contract
