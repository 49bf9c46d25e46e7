// Little-endian numbers out of a zip record (APPNOTE.TXT 6.3.10).
#pragma once

#include <cstdint>
#include <string_view>

namespace faas::inline v0::code {

template <class T>
T little_endian(std::string_view record, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(record[offset + i]))
                                       << 8 * i);
  }
  return value;
}

inline std::uint16_t u16(std::string_view record, std::size_t offset) {
  return little_endian<std::uint16_t>(record, offset);
}
inline std::uint32_t u32(std::string_view record, std::size_t offset) {
  return little_endian<std::uint32_t>(record, offset);
}
inline std::uint64_t u64(std::string_view record, std::size_t offset) {
  return little_endian<std::uint64_t>(record, offset);
}

inline constexpr std::string_view kLocalSignature{"PK\3\4", 4};
inline constexpr std::string_view kCentralSignature{"PK\1\2", 4};
inline constexpr std::string_view kEndSignature{"PK\5\6", 4};
inline constexpr std::string_view kEnd64Signature{"PK\6\6", 4};
inline constexpr std::string_view kLocator64Signature{"PK\6\7", 4};
inline constexpr std::string_view kDescriptorSignature{"PK\7\10", 4};

// A field that says: look in the zip64 extra field.
inline constexpr std::uint32_t kIn64 = 0xffffffff;
inline constexpr std::uint16_t kIn64Short = 0xffff;

}  // namespace faas::inline v0::code
