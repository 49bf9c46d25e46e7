#include "code/intake.hpp"

#include <fmt/format.h>

#include <memory>

#include "code/errors.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {
namespace {

constexpr std::size_t kBlock = 256 * 1024;

}  // namespace

Result<Upload> receive(BlobSource& source, Disk const& disk, Bytes limit) {
  auto temporary = disk.fresh_temporary();
  auto file = sys::open_beneath(disk.tmp(), temporary.name(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!file) return internal_io(file.error());
  auto const buffer = std::make_unique<std::byte[]>(kBlock);
  Sha256 hash;
  Bytes size;
  for (;;) {
    auto n = source.read({buffer.get(), kBlock});
    if (!n) return n.error();
    if (*n == 0) break;
    size.count += *n;
    if (size > limit) {
      return upload_too_large(limit,
                              fmt::format("{} had arrived when it was refused.", size.count));
    }
    auto const block = std::span(buffer.get(), *n);
    hash.update(block);
    if (auto put = sys::write_all(file->get(), block, "the upload"); !put) {
      return internal_io(put.error());
    }
  }
  return Upload{std::move(temporary), std::move(*file), hash.finish(), size};
}

Result<Sum> sum_of(int fd) {
  auto const buffer = std::make_unique<std::byte[]>(kBlock);
  Sha256 hash;
  for (std::uint64_t offset = 0;;) {
    auto n = sys::read_at(fd, offset, {buffer.get(), kBlock});
    if (!n) return n.error();
    if (*n == 0) return hash.finish();
    hash.update({buffer.get(), *n});
    offset += *n;
  }
}

}  // namespace faas::inline v0::code
