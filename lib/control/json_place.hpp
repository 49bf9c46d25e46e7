// JSON whose complaints name a line.
#pragma once

#include <boost/json/value.hpp>
#include <faas/error.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::control {

// The Error's message is "LINE:COLUMN: what".
Result<boost::json::value> parse_json(std::string_view text);

// The line of a key of the outermost object, from 1. `text` is valid JSON; 1 if the key is not in
// it.
std::size_t line_of_key(std::string_view text, std::string_view key);
// A key that the outermost object has twice; empty: none.
std::string repeated_key(std::string_view text);

}  // namespace faas::inline v0::control
