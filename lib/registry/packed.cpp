#include "registry/packed.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <span>

#include "base/check.hpp"
#include "base/text.hpp"

namespace faas::inline v0::registry {
namespace {

using std::chrono::nanoseconds;
using Strings = std::map<std::string, std::string>;

// How a text is written: as it is, or as the bytes it encodes.
enum class Form : unsigned char { text, hex, base64, uuid };
constexpr unsigned kFormBits = 2;

constexpr std::size_t kUuidText = 36;
constexpr std::array<std::size_t, 4> kUuidDashes{8, 13, 18, 23};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes(text.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    int const high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::string hex_of(std::string_view bytes) { return to_hex(std::as_bytes(std::span(bytes))); }

std::string uuid_of(std::string_view bytes) {
  auto text = hex_of(bytes);
  for (auto const at : kUuidDashes) text.insert(at, 1, '-');
  return text;
}

std::optional<std::string> from_uuid(std::string_view text) {
  if (text.size() != kUuidText) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const dash = std::ranges::find(kUuidDashes, i) != kUuidDashes.end();
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) digits += text[i];
  }
  return from_hex(digits);
}

// Base64 has other spellings of the same bytes.
std::optional<std::string> from_exact_base64(std::string_view text) {
  auto bytes = from_base64(text);
  if (bytes && to_base64(*bytes) != text) bytes.reset();
  return bytes;
}

class Writer {
 public:
  void fixed(std::uint64_t n) { out_.append(reinterpret_cast<char const*>(&n), sizeof n); }
  void number(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out_ += static_cast<char>(n | 0x80);
    out_ += static_cast<char>(n);
  }
  void text(std::string_view text) {
    number(text.size());
    out_ += text;
  }
  // `bytes` if the text encodes some in this form.
  void encoded(std::string_view text, Form form, std::optional<std::string> const& bytes) {
    std::string_view const kept = bytes ? *bytes : text;
    number(kept.size() << kFormBits | static_cast<unsigned>(bytes ? form : Form::text));
    out_ += kept;
  }
  void strings(Strings const& strings) {
    number(strings.size());
    for (auto const& [key, value] : strings) {
      text(key);
      text(value);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  std::string_view bytes(std::size_t count) {
    FAAS_CHECK(count <= in_.size());
    auto const out = in_.substr(0, count);
    in_.remove_prefix(count);
    return out;
  }
  std::uint64_t fixed() {
    std::uint64_t n = 0;
    std::memcpy(&n, bytes(sizeof n).data(), sizeof n);
    return n;
  }
  std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
      auto const byte = static_cast<unsigned char>(bytes(1)[0]);
      n |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return n;
    }
  }
  std::string_view text() { return bytes(number()); }
  std::string encoded() {
    auto const head = number();
    auto const kept = bytes(head >> kFormBits);
    switch (static_cast<Form>(head & ((1u << kFormBits) - 1))) {
      case Form::text: break;
      case Form::hex: return hex_of(kept);
      case Form::base64: return to_base64(kept);
      case Form::uuid: return uuid_of(kept);
    }
    return std::string(kept);
  }
  Strings strings() {
    Strings out;
    for (auto left = number(); left > 0; --left) {
      auto const key = text();
      out.emplace_hint(out.end(), key, text());
    }
    return out;
  }
  bool at_end() const { return in_.empty(); }

 private:
  std::string_view in_;
};

// By structured bindings, here and in pack: a field that is added does not compile until it is
// kept.
void write_limits(Writer& out, Limits const& limits) {
  auto const& [memory, tmp, timeout, concurrency, queue, capacity] = limits;
  out.number(memory.count);
  out.number(tmp.count);
  out.number(static_cast<std::uint64_t>(timeout.count()));
  out.number(concurrency);
  out.number(queue);
  out.number(capacity);
}

Limits read_limits(Reader& in) {
  Limits limits;
  limits.memory = {in.number()};
  limits.tmp = {in.number()};
  limits.timeout = milliseconds(static_cast<std::int64_t>(in.number()));
  limits.concurrency = static_cast<unsigned>(in.number());
  limits.queue = static_cast<unsigned>(in.number());
  limits.capacity = static_cast<unsigned>(in.number());
  return limits;
}

}  // namespace

std::string pack(FunctionInfo const& info) {
  auto const& [function, revision, uuid, version, sha256, size, modified] = info;
  auto const& [name, runtime, handler, code, layers, limits, environment, description,
               annotations] = function;
  Writer out;
  out.fixed(static_cast<std::uint64_t>(revision));
  out.text(name.account);
  out.text(name.name);
  out.text(runtime);
  out.text(handler);
  out.encoded(code.hex, Form::hex, from_hex(code.hex));
  out.number(layers.size());
  for (auto const& layer : layers) out.encoded(layer.hex, Form::hex, from_hex(layer.hex));
  write_limits(out, limits);
  out.strings(environment);
  out.text(description);
  out.strings(annotations);
  out.encoded(uuid, Form::uuid, from_uuid(uuid));
  out.text(version);
  out.encoded(sha256, Form::base64, from_exact_base64(sha256));
  out.number(size.count);
  out.fixed(static_cast<std::uint64_t>(nanoseconds(modified.time_since_epoch()).count()));
  return out.take();
}

FunctionInfo unpack(std::string_view packed) {
  Reader in(packed);
  FunctionInfo info;
  auto& f = info.function;
  info.revision = RevisionId{in.fixed()};
  f.name.account = in.text();
  f.name.name = in.text();
  f.runtime = in.text();
  f.handler = in.text();
  f.code.hex = in.encoded();
  f.layers.resize(in.number());
  for (auto& layer : f.layers) layer.hex = in.encoded();
  f.limits = read_limits(in);
  f.environment = in.strings();
  f.description = in.text();
  f.annotations = in.strings();
  info.revision_uuid = in.encoded();
  info.version = in.text();
  info.code_sha256 = in.encoded();
  info.code_size = {in.number()};
  info.last_modified = SystemTime(nanoseconds(static_cast<std::int64_t>(in.fixed())));
  FAAS_CHECK(in.at_end());
  return info;
}

std::string_view packed_account(std::string_view packed) {
  Reader in(packed);
  in.fixed();
  return in.text();
}

std::string_view packed_name(std::string_view packed) {
  Reader in(packed);
  in.fixed();
  in.text();
  return in.text();
}

std::string code_key(Digest const& digest) { return from_hex(digest.hex).value_or(digest.hex); }

RevisionId packed_revision(std::string_view packed) { return RevisionId{Reader(packed).fixed()}; }

}  // namespace faas::inline v0::registry
