// A directory of one test's own, removed at its end.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace faas::test {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "faas-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp " + path_);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(TempDir const&) = delete;

  std::string const& path() const { return path_; }
  // A file below it, with its directories; all readable by everybody, as code is.
  void write(std::string const& name, std::string_view content, bool executable = false) const {
    using std::filesystem::perms;
    std::filesystem::path const file = *this / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    std::filesystem::permissions(path_, perms(0755));
    std::filesystem::permissions(file, perms(executable ? 0755 : 0644));
  }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace faas::test
