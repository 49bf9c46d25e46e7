// Any bytes as an upload: the directory reader first, and libarchive behind it on what was
// accepted.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <vector>

#include "code/names.hpp"
#include "code/zip_directory.hpp"
#include "code/zip_reader.hpp"

namespace {

using namespace faas;
using namespace faas::code;

constexpr PackageLimits kLimits{.upload = 1_MiB, .unpacked = 1_MiB, .entries = 1'000};

void require(bool condition) {
  if (!condition) std::abort();
}

// Walks a link as the kernel would, and finds no other link on its way.
bool leads_to_an_entry(ZipDirectory const& directory, ZipEntry const& link) {
  namespace fs = std::filesystem;
  auto const named = (fs::path(link.path).parent_path() / link.target).lexically_normal();
  if (named.empty() || named.is_absolute() || *named.begin() == "..") return false;
  auto const same = [&](auto const& entry) { return entry.path == named.string(); };
  auto const& entries = directory.entries;
  auto const found = std::find_if(entries.begin(), entries.end(), same);
  if (found != entries.end()) return found->target.empty();
  auto const& directories = directory.directories;
  return std::find(directories.begin(), directories.end(), named.string()) != directories.end();
}

void check_promises(ZipDirectory const& directory) {
  std::uint64_t declared = 0;
  require(directory.unpacked <= kLimits.unpacked);
  require(directory.entries.size() <= kLimits.entries);
  for (auto const& path : directory.directories) require(!complaint_about_path(path));
  for (auto const& entry : directory.entries) {
    require(!complaint_about_path(entry.path));
    require(!entry.is_directory || entry.size == 0);
    require(entry.target.empty() || leads_to_an_entry(directory, entry));
    declared += entry.size;
  }
  require(declared == directory.unpacked.count);
}

// The entry's whole content and no more, or a refusal.
bool read_entry(ZipReader& reader, ZipEntry const& entry) {
  std::byte buffer[4096];
  for (std::uint64_t got = 0;;) {
    auto const n = reader.read(buffer);
    if (!n) return false;
    got += *n;
    require(got <= entry.size);
    if (*n == 0) {
      require(got == entry.size);
      return true;
    }
  }
}

void read_all(ByteFile const& file, ZipDirectory const& directory) {
  ZipReader reader(file, directory);
  for (std::size_t seen = 0;; ++seen) {
    auto const entry = reader.next();
    if (!entry) return;
    if (*entry == nullptr) {
      require(seen == directory.entries.size());
      return;
    }
    bool const is_file = !(*entry)->is_directory && (*entry)->target.empty();
    if (is_file && !read_entry(reader, **entry)) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  ByteFile const file(std::as_bytes(std::span(data, size)));
  auto const directory = read_zip_directory(file, kLimits);
  if (!directory) {
    require(!directory.error().message.empty() && !directory.error().reason.empty());
    return 0;
  }
  check_promises(*directory);
  read_all(file, *directory);
  return 0;
}
