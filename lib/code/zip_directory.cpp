#include "code/zip_directory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "code/errors.hpp"
#include "code/links.hpp"
#include "code/names.hpp"
#include "code/path_set.hpp"
#include "code/zip_end.hpp"
#include "code/zip_record.hpp"

namespace faas::inline v0::code {
namespace {

constexpr std::uint64_t kMaxDirectoryBytes = 16u << 20;

Result<std::vector<ZipRecord>> read_records(ByteFile const& file, ZipEnd const& end) {
  auto directory = file.read(end.directory_offset, end.directory_size);
  if (!directory) return directory.error();
  std::string_view rest = *directory;
  std::vector<ZipRecord> records;
  while (!rest.empty()) {
    auto record = take_record(rest);
    if (!record) return record.error();
    records.push_back(std::move(*record));
    if (records.size() > end.entries) break;
  }
  if (records.size() == end.entries) return records;
  return bad_zip(fmt::format("Its end record counts {} entries, its central directory holds {}.",
                             end.entries, records.size() < end.entries ? "fewer" : "more"));
}

// Overlapping entries are how 42 kB become 5.5 GB, and gaps are where things hide: each entry must
// begin where the one before it ends.
Result<void> check_layout(ByteFile const& file, std::vector<ZipRecord>& records,
                          std::uint64_t directory_offset) {
  std::sort(records.begin(), records.end(),
            [](auto const& a, auto const& b) { return a.offset < b.offset; });
  auto const first = records.empty() ? directory_offset : records.front().offset;
  if (first != 0) return bad_zip(fmt::format("Its first {} bytes belong to no entry.", first));
  for (std::size_t i = 0; i < records.size(); ++i) {
    auto const next = i + 1 < records.size() ? records[i + 1].offset : directory_offset;
    if (auto checked = check_local(file, records[i], next); !checked) return checked;
  }
  return {};
}

class Collector {
 public:
  Collector(ByteFile const& file, PackageLimits const& limits) : file_(file), limits_(limits) {}

  Result<void> add(ZipRecord& record) {
    if (auto complaint = complaint_about_record(record)) return refuse(record.name, *complaint);
    ZipEntry entry{record.name, record.has_slash(), record.is_executable(), record.size, {}};
    if (entry.is_directory) entry.path.pop_back();
    if (auto complaint = complaint_about_path(entry.path)) return refuse(record.name, *complaint);
    if (auto complaint = paths_.add(entry.path, kind_of(record)))
      return refuse(record.name, *complaint);
    if (auto counted = count(record); !counted) return counted;
    if (record.is_link()) {
      auto target = read_target(file_, record);
      if (!target) return target.error();
      if (target->empty()) return refuse(record.name, "it is a symbolic link without a target");
      entry.target = std::move(*target);
    }
    directory_.entries.push_back(std::move(entry));
    return {};
  }

  // Links last: what they name may come behind them.
  Result<ZipDirectory> finish() {
    for (auto const& entry : directory_.entries) {
      if (entry.target.empty()) continue;
      if (auto complaint = complaint_about_link(paths_, entry.path, entry.target))
        return refuse(entry.path, "it is a symbolic link, and " + *complaint).error();
    }
    directory_.directories = std::move(paths_.directories());
    return std::move(directory_);
  }

 private:
  static Result<void> refuse(std::string_view name, std::string_view what) {
    return bad_zip(fmt::format("Entry {}: {}.", shown(name), what));
  }

  static PathSet::Kind kind_of(ZipRecord const& record) {
    if (record.is_link()) return PathSet::Kind::link;
    return record.has_slash() ? PathSet::Kind::directory : PathSet::Kind::file;
  }

  Result<void> count(ZipRecord const& record) {
    if (paths_.size() > limits_.entries) return too_many_entries(limits_.entries);
    if (paths_.name_bytes() > kMaxNameBytes) {
      return bad_zip(fmt::format("Its names take more than {} bytes together.", kMaxNameBytes));
    }
    auto& total = directory_.unpacked.count;
    if (record.size > limits_.unpacked.count || total > limits_.unpacked.count - record.size) {
      return unpacked_too_large(
          limits_.unpacked,
          fmt::format("With entry {} ({} bytes) it has more.", shown(record.name), record.size));
    }
    total += record.size;
    return {};
  }

  ByteFile const& file_;
  PackageLimits limits_;
  PathSet paths_;
  ZipDirectory directory_;
};

}  // namespace

Result<ZipDirectory> read_zip_directory(ByteFile const& file, PackageLimits const& limits) {
  auto end = find_zip_end(file);
  if (!end) return end.error();
  if (end->entries > limits.entries) return too_many_entries(limits.entries);
  if (end->directory_size > kMaxDirectoryBytes) {
    return bad_zip(fmt::format("Its central directory has {} bytes, the limit is {}.",
                               end->directory_size, kMaxDirectoryBytes));
  }
  auto records = read_records(file, *end);
  if (!records) return records.error();
  if (auto checked = check_layout(file, *records, end->directory_offset); !checked) {
    return checked.error();
  }
  Collector collector(file, limits);
  for (auto& record : *records) {
    if (auto added = collector.add(record); !added) return added.error();
  }
  return collector.finish();
}

}  // namespace faas::inline v0::code
