#include "control/package.hpp"

#include <fmt/format.h>

#include <faas/code_cache.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace faas::inline v0::control {

Result<std::string> read_package(std::string const& path) {
  std::error_code error;
  auto const kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::directory) return pack(path);
  if (kind != std::filesystem::file_type::regular) {
    return Error{Errc::not_found, fmt::format("There is no directory or zip file at {}", path),
                 "NoSuchPath", "package"};
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bool const empty = file && file.peek() == std::ifstream::traits_type::eof();
  if (!file.is_open() || file.bad() || !(empty || bytes << file.rdbuf())) {
    return Error{Errc::io, fmt::format("{} cannot be read", path), "", "package"};
  }
  return std::move(bytes).str();
}

}  // namespace faas::inline v0::control
