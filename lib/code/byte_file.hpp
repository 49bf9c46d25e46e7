// Bytes that can be read at any offset: an open file, or memory. Borrows either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/error.hpp>
#include <span>
#include <string>

namespace faas::inline v0::code {

class ByteFile {
 public:
  explicit ByteFile(std::span<std::byte const> memory) : memory_(memory), size_(memory.size()) {}
  static Result<ByteFile> of(int fd);

  std::uint64_t size() const { return size_; }
  // The front of `into`; less than all of it only at the end.
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const;
  // `count` bytes, fewer at the end.
  Result<std::string> read(std::uint64_t offset, std::size_t count) const;

 private:
  ByteFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  int fd_ = -1;
  std::span<std::byte const> memory_;
  std::uint64_t size_;
};

}  // namespace faas::inline v0::code
