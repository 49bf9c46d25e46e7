#include "contract/frames.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>

namespace faas::inline v0::contract {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kMagic = 0x53414146;  // "FAAS"
enum Flags : std::uint16_t { kInMemfd = 1, kAsks = 2, kStreams = 4 };

struct Header {
  std::uint32_t magic = kMagic;
  std::uint8_t version = kFrameVersion;
  std::uint8_t type = 0;
  std::uint16_t flags = 0;
  std::uint64_t call = 0;
  std::uint32_t meta = 0, payload = 0;
};
static_assert(sizeof(Header) == kFrameHeader);

// What follows the header of an invoke; then each string with its NUL.
struct InvokeMeta {
  std::int64_t deadline_ms;
  std::array<std::uint32_t, 6> sizes;
};

struct Rule {
  FrameType type;
  std::uint16_t flags;  // those it may have
  bool meta, payload;   // what it may have
};
constexpr Rule kRules[] = {
    {FrameType::ready, 0, false, false},      {FrameType::response, kInMemfd | kAsks, true, true},
    {FrameType::head, kStreams, true, false}, {FrameType::chunk, 0, false, true},
    {FrameType::end, kAsks, true, true},      {FrameType::error, kAsks, true, true},
    {FrameType::init_error, 0, true, true}};

Rule const* rule_of(std::uint8_t type) {
  for (auto const& rule : kRules)
    if (static_cast<std::uint8_t>(rule.type) == type) return &rule;
  return nullptr;
}

Error wrong(std::string text) { return {Errc::invalid_argument, std::move(text), {}, {}}; }

Result<void> check_kind(Header const& h) {
  if (h.magic != kMagic) return wrong("a frame without the magic \"FAAS\"");
  if (h.version != kFrameVersion)
    return wrong(fmt::format("version {} of the native contract, where the host speaks {}",
                             h.version, kFrameVersion));
  auto const* rule = rule_of(h.type);
  if (rule == nullptr) return wrong(fmt::format("a frame of the unknown type {}", h.type));
  if ((h.flags & ~rule->flags) != 0)
    return wrong(fmt::format("a frame of type {} with the flags {:#x}", h.type, h.flags));
  if ((h.meta > 0 && !rule->meta) || (h.payload > 0 && !rule->payload))
    return wrong(fmt::format("a frame of type {} with bytes that it may not have", h.type));
  return {};
}

Result<void> check_size(Header const& h, std::size_t size) {
  bool const chunk = h.type == static_cast<std::uint8_t>(FrameType::chunk);
  if (h.meta > kGuestMetaLimit)
    return wrong(
        fmt::format("a frame with {} bytes of meta; the limit is {}", h.meta, kGuestMetaLimit));
  if (chunk && h.payload == 0) return wrong("a chunk without bytes");
  if (size > (chunk ? kChunkFrameLimit : kFrameLimit))
    return wrong(fmt::format("a frame of {} bytes and type {}", size, h.type));
  auto const body = (h.flags & kInMemfd) != 0 ? 0 : std::uint64_t{h.meta} + h.payload;
  if (size != kFrameHeader + body)
    return wrong(fmt::format("a frame of {} bytes that says {}", size, kFrameHeader + body));
  return {};
}

}  // namespace

Result<Frame> decode_frame(std::string_view record) {
  Header h;
  if (record.size() < sizeof h) return wrong(fmt::format("a frame of {} bytes", record.size()));
  std::memcpy(&h, record.data(), sizeof h);
  if (auto ok = check_kind(h); !ok) return ok.error();
  if (auto ok = check_size(h, record.size()); !ok) return ok.error();
  Frame frame;
  frame.type = static_cast<FrameType>(h.type);
  frame.in_memfd = (h.flags & kInMemfd) != 0;
  frame.asks = frame.type == FrameType::ready || (h.flags & kAsks) != 0;
  frame.streams = (h.flags & kStreams) != 0;
  frame.call = h.call;
  frame.meta_size = h.meta;
  frame.payload_size = h.payload;
  if (frame.in_memfd) return frame;
  frame.meta = record.substr(sizeof h, h.meta);
  frame.payload = record.substr(sizeof h + h.meta);
  return frame;
}

bool encode_invoke(std::string& out, Invocation const& invocation, std::uint64_t call) {
  std::array<std::string const*, 6> const strings = {
      &invocation.request_id, &invocation.function_arn, &invocation.client_context,
      &invocation.tenant,     &invocation.trace_id,     &invocation.content_type};
  InvokeMeta meta{invocation.deadline_ms, {}};
  std::size_t size = sizeof meta;
  for (std::size_t i = 0; i < strings.size(); ++i) {
    meta.sizes[i] = static_cast<std::uint32_t>(strings[i]->size());
    size += strings[i]->size() + 1;
  }
  bool const in_memfd = kFrameHeader + size + invocation.payload.size() > kFrameLimit;
  Header h;
  h.type = static_cast<std::uint8_t>(FrameType::invoke);
  h.flags = in_memfd ? kInMemfd : 0;
  h.call = call;
  h.meta = static_cast<std::uint32_t>(size);
  h.payload = static_cast<std::uint32_t>(invocation.payload.size());
  out.append(reinterpret_cast<char const*>(&h), sizeof h);
  out.append(reinterpret_cast<char const*>(&meta), sizeof meta);
  for (auto const* text : strings) out.append(text->c_str(), text->size() + 1);
  return in_memfd;
}

}  // namespace faas::inline v0::contract
