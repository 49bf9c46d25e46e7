// Frames of the native contract, version 1, as bytes: a header of 24 bytes (little-endian), then
// meta, then payload, in one record of a socket. Or in_memfd: the record is the header alone, and
// meta and payload lie in a sealed memfd that comes with it. <faas/guest.h> is the other side.
//
//   0 magic "FAAS"   4 version   5 type   6 flags (2)   8 call (8)   16 meta (4)   20 payload (4)
//
// Pure: what a function sent is checked here before anything is done with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/error.hpp>
#include <string>
#include <string_view>

#include "contract/runtime_api.hpp"

namespace faas::inline v0::contract {

inline constexpr std::uint8_t kFrameVersion = 1;
inline constexpr std::size_t kFrameHeader = 24;
inline constexpr std::size_t kFrameLimit = 4096;         // bytes of a record, but for a chunk
inline constexpr std::size_t kChunkFrameLimit = 65'536;  // bytes of a record that is a chunk
inline constexpr std::size_t kGuestMetaLimit = 1024;     // of a content type or an error's type

enum class FrameType : std::uint8_t {
  ready = 1,       // asks for the first event, or for the next one after an answer without `asks`
  response = 2,    // a whole answer: meta is its content type
  head = 3,        // an answer begins: meta is its content type
  chunk = 4,       // more of it
  end = 5,         // its end; a failed one has the error's type as meta, its document as payload
  error = 6,       // the call failed; likewise
  init_error = 7,  // there will be no ready; likewise
  invoke = 16      // the host's only frame
};

// Of a function.
struct Frame {
  FrameType type = FrameType::ready;
  bool in_memfd = false;  // meta and payload are not here but in a memfd, which has just these
  bool asks = false;      // with the last frame of an answer: and asks for the next event
  bool streams = false;   // of a head: it is a streamed answer
  std::uint64_t call = 0;
  std::size_t meta_size = 0, payload_size = 0;
  std::string_view meta, payload;  // into the record; empty if in_memfd
};

// One record of a function. Errors: invalid_argument; the message says what is wrong with it.
Result<Frame> decode_frame(std::string_view record);

// Header and meta of an invoke, appended to `out`; the payload follows them, here or in the memfd.
// True: in_memfd, because together they would not fit into kFrameLimit.
bool encode_invoke(std::string& out, Invocation const&, std::uint64_t call);

}  // namespace faas::inline v0::contract
