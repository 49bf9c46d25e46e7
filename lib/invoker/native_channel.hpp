// The host's end of a native instance's channel: frames from a socket of records into the native
// contract, and back. All that comes out of the jail is hostile: a record is checked before it is
// used, a memfd is copied from and never mapped, no other descriptor is accepted, and whoever
// breaks the contract is ended with the reason.
#pragma once

#include <faas/invoker.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "contract/native_api.hpp"
#include "invoker/pace.hpp"
#include "invoker/reactor.hpp"
#include "sys/fd.hpp"

namespace faas::inline v0::invoker {

class NativeChannel final : public Source, private contract::NativeWire {
 public:
  // Ends the instance; called from inside any member but the destructor.
  using End = std::function<void(Ending)>;

  // Our end and the function's (for Spec::channel_fd). The options, the reactor and the events
  // outlive the channel. Errors: io.
  static Result<std::pair<std::unique_ptr<NativeChannel>, sys::Fd>> open(InvokerOptions const&,
                                                                         Reactor&,
                                                                         contract::CallEvents&,
                                                                         End);
  ~NativeChannel();

  // Begins to read. Errors: io.
  Result<void> watch();
  // As NativeApi's.
  void invoke(contract::Invocation, std::size_t response_limit);
  void abandon() { api_.abandon(); }
  void resume();
  bool idle() const { return api_.idle(); }
  // The jail has ended: what it left in the socket, to its end.
  void drain();

  void on_ready(std::uint32_t events) override;
  bool on_expected() override;

 private:
  NativeChannel(InvokerOptions const&, Reactor&, contract::CallEvents&, End, sys::Fd);

  void send(std::string_view head, std::string_view payload, bool in_memfd) override;
  void take_back() override;
  void send_memfd(std::string_view head, std::string_view payload);
  void send_record(std::string_view head, std::string_view payload, int memfd);
  void flush();
  bool read();         // false: there was nothing
  bool read_record();  // false: nothing more for now
  bool accept(std::string_view record, std::vector<sys::Fd>);
  bool accept_memfd(contract::Frame, std::vector<sys::Fd>);
  bool receive(contract::Frame const&);
  void pump();
  void keep_pace();
  void set_interest();
  void closed();
  void broken(std::string_view how);
  void cancel(Reactor::Timer&);

  InvokerOptions const& options_;
  Reactor& reactor_;
  End end_;
  sys::Fd socket_;
  contract::NativeApi api_;
  sys::Fd event_memfd_;  // lent to the function until it asks for more
  std::string pending_;  // a record that the socket has not taken; its memfd is the one lent
  sys::Fd payload_;      // a response's memfd
  std::uint64_t payload_at_ = 0;
  std::uint32_t interest_ = 0;
  std::uint64_t reads_ = 0;
  bool reading_ = false;
  bool gone_ = false;  // the jail has ended
  bool over_ = false;  // nothing more is read or written
  Pace chatter_pace_;
  std::uint64_t chatter_ = 0;                         // as far as charged
  Reactor::Timer rest_ = Reactor::Timer::none;        // it sent too much: not read until then
  Reactor::Timer next_turn_ = Reactor::Timer::none;   // a large response is read on
  Reactor::Timer last_words_ = Reactor::Timer::none;  // it closed its end: is it about to exit?
};

}  // namespace faas::inline v0::invoker
