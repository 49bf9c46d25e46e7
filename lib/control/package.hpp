// The bytes that a client uploads.
#pragma once

#include <faas/error.hpp>
#include <string>

namespace faas::inline v0::control {

// A directory is packed, a file is taken as it is. Errors: not_found (NoSuchPath), io; as pack.
Result<std::string> read_package(std::string const& path);

}  // namespace faas::inline v0::control
