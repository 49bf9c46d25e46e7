// The native contract of one execution environment, as pure code: its frames in, the same events as
// the Lambda contract's out. No socket, no clock, no descriptor. One call at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/error.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "contract/frames.hpp"
#include "contract/runtime_api.hpp"

namespace faas::inline v0::contract {

// Called from inside NativeApi's members, like CallEvents.
class NativeWire {
 public:
  // One record: `head`, then `payload`; in_memfd: of `head` the first kFrameHeader bytes are the
  // record, and the rest and `payload` go into the memfd. Borrowed until the next send or
  // take_back.
  virtual void send(std::string_view head, std::string_view payload, bool in_memfd) = 0;
  // The function asks for more: what it was sent last it has no use for.
  virtual void take_back() = 0;

 protected:
  ~NativeWire() = default;
};

class NativeApi {
 public:
  // Both outlive this.
  NativeApi(CallEvents& events, NativeWire& wire) : events_(events), wire_(wire) {}
  NativeApi(NativeApi const&) = delete;
  NativeApi& operator=(NativeApi const&) = delete;

  // A frame arrived; in_memfd, its meta has been read, and its payload is to follow by
  // receive_payload. Errors: invalid_argument, the environment broke the contract and is to be
  // ended; the message says how. Nothing may be received after that.
  Result<void> receive(Frame const&);
  // How many bytes of a memfd are to be read now: 0 when it is done, refused, or waits for
  // resume().
  std::size_t wants_payload() const { return paused_ ? 0 : payload_left_; }
  // At most wants_payload() bytes, at least one.
  void receive_payload(std::string_view);
  // Whether to receive frames: not while a response waits for resume() or for its payload.
  bool wants_input() const { return !paused_ && payload_left_ == 0; }

  // Precondition: !busy(). Given to the function when it asks, or at once if it has.
  void invoke(Invocation, std::size_t response_limit);
  // The running invocation, if any, is over: frames that are late for it are ignored.
  void abandon();
  // The response's reader has room again.
  void resume() { paused_ = false; }

  bool busy() const { return invocation_.has_value(); }
  bool kept() const { return busy() && state_ == State::kept; }  // it has not asked yet
  bool idle() const { return waiting_ && !invocation_; }
  // Frames that moved no call, since the beginning: late ones, chunks of less than 1 KiB.
  std::uint64_t chatter() const { return chatter_; }

 private:
  enum class State : std::uint8_t { kept, given, responding };

  Result<void> init_error(Frame const&);
  Result<void> next();
  Result<void> answer(Frame const&);
  void begin(Frame const&);
  void chunk(std::string_view bytes);
  void take(std::string_view bytes);
  Invocation end_invocation();
  void finish_response(std::optional<FunctionFailure>);
  void fail_response(FunctionFailure);
  void fail_call(FunctionFailure);
  bool running(std::uint64_t call) const;
  void ask();
  void settle();
  void give();

  CallEvents& events_;
  NativeWire& wire_;
  std::optional<Invocation> invocation_;  // given to invoke() and not ended
  State state_ = State::kept;
  std::uint64_t call_ = 0;  // of the invocation given last
  std::size_t response_limit_ = kPayloadLimit, received_ = 0;
  std::size_t payload_left_ = 0;  // of a memfd
  bool asks_ = false;             // the answer's last frame has come: it asks for the next event
  bool waiting_ = false;          // the function has asked, and was given nothing since
  bool announced_ = false;        // and on_next was called for it
  bool initialized_ = false;
  bool failed_init_ = false;
  bool paused_ = false;
  std::uint64_t chatter_ = 0;
  std::string head_;  // of the frame sent last
};

}  // namespace faas::inline v0::contract
