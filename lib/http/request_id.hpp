// Random identifiers of requests.
#pragma once

#include <string>
#include <string_view>

namespace faas::inline v0::http {

// A version 4 UUID.
std::string new_request_id();
// "Root=1-<time>-<24 hex>;Parent=<16 hex>;Sampled=0", the hexadecimal taken from the request's id.
std::string new_trace_id(std::string_view request_id);

}  // namespace faas::inline v0::http
