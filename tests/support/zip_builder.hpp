// Zip files made byte by byte, so that a test can lie in any field.
//   ZipBuilder().add("index.py", "x = 1").add("bin/run", "...", 0100755).finish()
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::test {

inline std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (unsigned char c : bytes) {
    crc ^= c;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

// The CRC of `count` zero bytes, without a loop over them: squaring the shift operator.
std::uint32_t crc32_of_zeros(std::uint64_t count);
// The CRC of two texts, one behind the other, by their own and the length of the second.
std::uint32_t crc32_of_both(std::uint32_t first, std::uint32_t second, std::uint64_t length);
// A deflate stream of `count` zero bytes, about 1:1030.
std::string deflated_zeros(std::uint64_t count);
// Any bytes as one deflate stream of stored blocks.
std::string deflated_stored(std::string_view bytes);

// What an entry says of itself. Unset: the truth.
struct ZipOptions {
  std::uint16_t method = 0;               // 8: `bytes` are deflated already, set `size` and `crc`
  std::uint16_t flags = 0;                // bit 3: sizes in a data descriptor
  std::uint16_t made_by = 3 << 8 | 30;    // Unix
  std::optional<std::uint32_t> crc;       // everywhere
  std::optional<std::uint64_t> size;      // unpacked, everywhere
  std::optional<std::uint64_t> packed;    // in the central directory
  std::optional<std::string> local_name;  // the local header lies
  std::optional<std::uint32_t> local_size;
  std::optional<std::uint32_t> local_crc;
  std::optional<std::uint16_t> local_flags;
  std::optional<std::uint16_t> local_method;
  std::optional<std::uint32_t> offset;      // of the local header, in the central directory
  std::optional<std::uint32_t> attributes;  // instead of mode << 16
  std::string descriptor;                   // instead of the true one
  std::string local_extra, central_extra, comment;
  bool in_directory = true;  // false: bytes that no entry owns
};

class ZipBuilder {
 public:
  // A name that ends in a slash is a directory. `mode` holds the type bits.
  ZipBuilder& add(std::string_view name, std::string_view bytes, unsigned mode = 0100644,
                  ZipOptions const& options = {});
  // Bytes between entries.
  ZipBuilder& raw(std::string_view bytes);
  ZipBuilder& comment(std::string_view text);
  // The end record counts this many entries instead of the true number.
  ZipBuilder& count(std::uint16_t entries);
  // A zip64 end record and locator before the end record, whose fields point there.
  ZipBuilder& zip64();
  std::string finish() const;

 private:
  std::string body_, directory_, comment_;
  std::uint16_t entries_ = 0;
  std::optional<std::uint16_t> claimed_;
  bool zip64_ = false;
};

namespace zip_detail {

inline void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
}
inline void put16(std::string& out, std::uint64_t value) { put(out, value, 2); }
inline void put32(std::string& out, std::uint64_t value) { put(out, value, 4); }

class BitWriter {
 public:
  void bits(std::uint32_t value, int count) {  // least significant first
    for (int i = 0; i < count; ++i) bit(value >> i & 1);
  }
  void code(std::uint32_t value, int count) {  // Huffman codes go most significant first
    for (int i = count; i-- > 0;) bit(value >> i & 1);
  }
  std::string finish() {
    while (used_ != 0) bit(0);
    return std::move(out_);
  }

 private:
  void bit(std::uint32_t b) {
    now_ |= b << used_;
    if (++used_ == 8) {
      out_ += static_cast<char>(now_);
      now_ = 0;
      used_ = 0;
    }
  }
  std::string out_;
  std::uint32_t now_ = 0;
  int used_ = 0;
};

using CrcMatrix = std::array<std::uint32_t, 32>;
inline std::uint32_t times(CrcMatrix const& m, std::uint32_t v) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; v != 0; v >>= 1, ++i) {
    if (v & 1) sum ^= m[i];
  }
  return sum;
}
inline CrcMatrix squared(CrcMatrix const& m) {
  CrcMatrix out;
  for (std::size_t i = 0; i < 32; ++i) out[i] = times(m, m[i]);
  return out;
}

// What `crc` becomes by `count` zero bytes.
inline std::uint32_t shifted(std::uint32_t crc, std::uint64_t count) {
  CrcMatrix shift{0xedb88320u};  // one zero bit
  for (std::size_t i = 1; i < 32; ++i) shift[i] = 1u << (i - 1);
  for (int i = 0; i < 3; ++i) shift = squared(shift);  // one zero byte
  for (; count != 0; count >>= 1, shift = squared(shift)) {
    if (count & 1) crc = times(shift, crc);
  }
  return crc;
}

}  // namespace zip_detail

inline std::uint32_t crc32_of_zeros(std::uint64_t count) {
  return ~zip_detail::shifted(~0u, count);
}

inline std::uint32_t crc32_of_both(std::uint32_t first, std::uint32_t second,
                                   std::uint64_t length) {
  return zip_detail::shifted(first, length) ^ second;
}

// Dynamic Huffman codes would need one bit a symbol; here: literal 0 and length 258 one bit each.
inline std::string deflated_zeros(std::uint64_t count) {
  zip_detail::BitWriter out;
  out.bits(1, 1);   // last block
  out.bits(2, 2);   // dynamic codes
  out.bits(29, 5);  // 286 literals and lengths
  out.bits(0, 5);   // 1 distance
  out.bits(14, 4);  // 18 code lengths given
  // Code lengths in the format's odd order: symbol 18 (long run of zeros) 1, symbol 1 2, symbol
  // 2 2.
  constexpr std::array order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1};
  for (int symbol : order) out.bits(symbol == 18 ? 1 : symbol == 1 || symbol == 2 ? 2 : 0, 3);
  auto one = [&] { out.code(0b10, 2); };
  auto two = [&] { out.code(0b11, 2); };
  auto zeros = [&](std::uint32_t n) {
    out.code(0, 1);
    out.bits(n - 11, 7);
  };
  two();       // literal 0: 2 bits
  zeros(138);  // literals 1..138
  zeros(117);  // 139..255
  two();       // end of block: 2 bits
  zeros(28);   // lengths 257..284
  one();       // length 258: 1 bit
  one();       // distance 1
  auto literal = [&] { out.code(0b10, 2); };
  if (count > 0) literal();
  if (count > 0) --count;
  for (; count >= 258; count -= 258) out.bits(0, 2);  // the length and its distance
  for (; count > 0; --count) literal();
  out.code(0b11, 2);
  return out.finish();
}

inline std::string deflated_stored(std::string_view bytes) {
  std::string out;
  do {
    auto const block = bytes.substr(0, 65'535);
    bytes.remove_prefix(block.size());
    out += static_cast<char>(bytes.empty());
    zip_detail::put16(out, block.size());
    zip_detail::put16(out, ~block.size() & 0xffff);
    out += block;
  } while (!bytes.empty());
  return out;
}

inline ZipBuilder& ZipBuilder::add(std::string_view name, std::string_view bytes, unsigned mode,
                                   ZipOptions const& o) {
  using namespace zip_detail;
  bool const follows = o.flags & 8;
  auto const offset = o.offset.value_or(static_cast<std::uint32_t>(body_.size()));
  auto const crc = o.crc.value_or(crc32(bytes));
  auto const size = o.size.value_or(bytes.size());
  auto const packed = o.packed.value_or(bytes.size());
  auto const local_name = o.local_name.value_or(std::string(name));

  body_ += std::string_view("PK\3\4", 4);
  put16(body_, 20);
  put16(body_, o.local_flags.value_or(o.flags));
  put16(body_, o.local_method.value_or(o.method));
  put32(body_, 0x00210000);
  put32(body_, o.local_crc.value_or(follows ? 0 : crc));
  put32(body_, follows ? 0 : packed);
  put32(body_, o.local_size.value_or(follows ? 0 : static_cast<std::uint32_t>(size)));
  put16(body_, local_name.size());
  put16(body_, o.local_extra.size());
  body_ += local_name + o.local_extra;
  body_ += bytes;
  if (!o.descriptor.empty()) {
    body_ += o.descriptor;
  } else if (follows) {
    body_ += std::string_view("PK\7\10", 4);
    put32(body_, crc);
    put32(body_, packed);
    put32(body_, size);
  }
  if (!o.in_directory) return *this;

  ++entries_;
  directory_ += std::string_view("PK\1\2", 4);
  put16(directory_, o.made_by);
  put16(directory_, 20);
  put16(directory_, o.flags);
  put16(directory_, o.method);
  put32(directory_, 0x00210000);
  put32(directory_, crc);
  put32(directory_, packed);
  put32(directory_, size);
  put16(directory_, name.size());
  put16(directory_, o.central_extra.size());
  put16(directory_, o.comment.size());
  put16(directory_, 0);
  put16(directory_, 0);
  put32(directory_, o.attributes.value_or(mode << 16));
  put32(directory_, offset);
  directory_ += name;
  directory_ += o.central_extra + o.comment;
  return *this;
}

inline ZipBuilder& ZipBuilder::raw(std::string_view bytes) {
  body_ += bytes;
  return *this;
}
inline ZipBuilder& ZipBuilder::comment(std::string_view text) {
  comment_ = text;
  return *this;
}
inline ZipBuilder& ZipBuilder::count(std::uint16_t entries) {
  claimed_ = entries;
  return *this;
}
inline ZipBuilder& ZipBuilder::zip64() {
  zip64_ = true;
  return *this;
}

inline std::string ZipBuilder::finish() const {
  using namespace zip_detail;
  auto const entries = claimed_.value_or(entries_);
  std::string out = body_ + directory_;
  if (zip64_) {
    auto const at = out.size();
    out += std::string_view("PK\6\6", 4);
    put(out, 44, 8);
    put16(out, 45);
    put16(out, 45);
    put32(out, 0);
    put32(out, 0);
    put(out, entries, 8);
    put(out, entries, 8);
    put(out, directory_.size(), 8);
    put(out, body_.size(), 8);
    out += std::string_view("PK\6\7", 4);
    put32(out, 0);
    put(out, at, 8);
    put32(out, 1);
  }
  out += std::string_view("PK\5\6", 4);
  put32(out, 0);
  put16(out, zip64_ ? 0xffff : entries);
  put16(out, zip64_ ? 0xffff : entries);
  put32(out, zip64_ ? 0xffffffff : directory_.size());
  put32(out, zip64_ ? 0xffffffff : body_.size());
  put16(out, comment_.size());
  return out + comment_;
}

}  // namespace faas::test
