// A cache in a directory of its own, and words for what lies in it.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <faas/code_cache.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.hpp"
#include "support/temp_dir.hpp"
#include "support/zip_builder.hpp"

namespace faas::test {

namespace fs = std::filesystem;

inline std::span<std::byte const> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string read_file(fs::path const& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path.string());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void write_file(fs::path const& path, std::string_view text, unsigned mode = 0644) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

inline std::vector<std::string> names_in(fs::path const& directory) {
  std::vector<std::string> names;
  for (auto const& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// "0644 path content" a line, "0755 path/" for directories, sorted by path.
inline std::string describe(fs::path const& root) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (auto const& entry : fs::recursive_directory_iterator(root)) {
    struct stat status {};
    REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o ", status.st_mode & 07777u);
    auto const path = fs::relative(entry.path(), root).string();
    auto line = mode + path + (entry.is_directory() ? "/" : " " + read_file(entry.path())) + "\n";
    lines.emplace_back(path, std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (auto const& [path, line] : lines) out += line;
  return out;
}

// A cache that can be closed and opened again on the same directory.
class Workshop {
 public:
  explicit Workshop(PackageLimits limits = {}) : limits_(limits) { open(); }

  CodeCache& cache() { return *cache_; }
  fs::path path(std::string_view below = "") const { return fs::path(dir_.path()) / below; }
  Result<Package> store(std::string_view zip) {
    MemoryBlob blob(bytes(zip));
    return cache_->store(blob);
  }
  void close() { cache_.reset(); }
  void open() {
    close();
    cache_.emplace(CodeCache::open({.directory = dir_.path(), .limits = limits_}).value());
  }
  // Names in uploads/, packages/, trees/, quarantine/ and tmp/ together.
  std::vector<std::string> everything() const {
    std::vector<std::string> all;
    for (auto const& part : names_in(dir_.path())) {
      for (auto const& name : names_in(path(part))) all.push_back(part + "/" + name);
    }
    return all;
  }

 private:
  TempDir dir_;
  PackageLimits limits_;
  std::optional<CodeCache> cache_;
};

}  // namespace faas::test
