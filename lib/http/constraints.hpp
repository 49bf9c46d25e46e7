// The constraints of Lambda's service model on members of a request, refused in its words.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "http/json.hpp"

namespace faas::inline v0::http {

// What a client sent, for a message: bounded, and text whatever it is.
std::string in_quotes(std::string_view);
// "EphemeralStorage.Size" as messages name it: "ephemeralStorage.size".
std::string member_name(std::string_view path);

// Each reads one member and complains to the reader; absent stays absent.
std::optional<std::int64_t> ranged(FieldReader&, std::string_view name, std::int64_t low,
                                   std::int64_t high = std::numeric_limits<std::int32_t>::max());
struct Length {  // in characters
  std::size_t least = 0, most = std::numeric_limits<std::size_t>::max();
};
std::optional<std::string> sized(FieldReader&, std::string_view name, Length);
std::optional<std::string> one_of(FieldReader&, std::string_view name,
                                  std::initializer_list<std::string_view> values);
// Complains if it is absent.
void require(FieldReader&, std::string_view name);

// `pattern` is the model's own, of the whole text; what is longer than any member may be is not
// looked at.
std::optional<std::string> matching(FieldReader&, std::string_view name, char const* pattern,
                                    Length = {.most = 2048});
bool matches(std::string_view text, char const* pattern);
LambdaResult<void> check_pattern(std::string_view value, std::string_view member,
                                 char const* pattern, Length);

bool is_made_of(std::string_view text, std::string_view marks);  // letters, digits and `marks`
LambdaError pattern_error(std::string_view value, std::string_view member,
                          std::string_view pattern);

// MaxItems and Marker of a listing. A marker is the base64 of the last key of the page before.
struct Paging {
  std::string after;
  std::size_t most = 50;
};
inline constexpr std::size_t kPage = 50;  // Lambda's: a page never holds more
LambdaResult<Paging> read_paging(Target const&, std::int64_t max_items = 10'000);
std::string marker_of(std::string_view key);
LambdaError foreign_marker();

}  // namespace faas::inline v0::http
