// SHA-256 of a stream.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace faas::inline v0::code {

using Sum = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::span<std::byte const>);
  // The sum of all bytes so far. Once.
  Sum finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sum sha256(std::span<std::byte const>);
// 64 lower-case hexadecimal digits: the only form in which a name comes near the disk.
bool is_sum(std::string_view text);

}  // namespace faas::inline v0::code
