// The tables of every module, as steps from one version of the database to the next.
#pragma once

#include <span>
#include <string_view>

namespace faas::inline v0::store {

// Step i leads from version i to i + 1 (SQLite's user_version); the newest version is their number.
// A step that was released is never changed: a new one is added.
std::span<std::string_view const> schema();

}  // namespace faas::inline v0::store
