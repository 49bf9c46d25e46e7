// From a path to a connection that may be trusted: created whole, owned alone, checked, of our
// version.
#pragma once

#include <faas/error.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "store/connection.hpp"

namespace faas::inline v0::store {

// Empty path: in memory. Errors: as Store::open.
Result<std::unique_ptr<Connection>> open_database(std::string const& path,
                                                  std::span<std::string_view const> migrations);

}  // namespace faas::inline v0::store
