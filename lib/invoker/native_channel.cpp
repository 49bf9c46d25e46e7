#include "invoker/native_channel.hpp"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "invoker/endings.hpp"
#include "sys/file.hpp"
#include "sys/memfd.hpp"
#include "sys/message.hpp"

namespace faas::inline v0::invoker {
namespace {

constexpr unsigned kChatterBurst = 1000;
constexpr int kTurns = 16;  // who sends without end gets its turn again after everybody else
constexpr std::size_t kPiece = 65'536;

TimePoint now() { return std::chrono::steady_clock::now(); }

iovec part(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

Result<std::pair<std::unique_ptr<NativeChannel>, sys::Fd>> NativeChannel::open(
    InvokerOptions const& options, Reactor& reactor, contract::CallEvents& events, End end) {
  auto ends = sys::seqpacket_pair();
  if (!ends) return ends.error();
  std::unique_ptr<NativeChannel> channel(
      new NativeChannel(options, reactor, events, std::move(end), std::move(ends->first)));
  return std::pair(std::move(channel), std::move(ends->second));
}

NativeChannel::NativeChannel(InvokerOptions const& options, Reactor& reactor,
                             contract::CallEvents& events, End end, sys::Fd socket)
    : options_(options),
      reactor_(reactor),
      end_(std::move(end)),
      socket_(std::move(socket)),
      api_(events, *this),
      chatter_pace_(kChatterBurst, options.chatter_rate) {}

NativeChannel::~NativeChannel() {
  for (auto* timer : {&rest_, &next_turn_, &last_words_}) cancel(*timer);
  if (interest_ != 0) reactor_.forget(socket_.get(), this);
  take_back();
}

void NativeChannel::cancel(Reactor::Timer& timer) {
  reactor_.cancel(std::exchange(timer, Reactor::Timer::none));
}

Result<void> NativeChannel::watch() {
  auto watched = reactor_.watch(socket_.get(), EPOLLIN, this);
  if (watched) interest_ = EPOLLIN;
  return watched;
}

void NativeChannel::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
  set_interest();
}

bool NativeChannel::on_expected() {
  if ((interest_ & EPOLLIN) == 0 || !read()) return false;
  set_interest();
  return true;
}

void NativeChannel::invoke(contract::Invocation invocation, std::size_t response_limit) {
  api_.invoke(std::move(invocation), response_limit);
  // Between calls of an idle runtime nobody reads: what it asked may wait in the socket.
  if (api_.kept()) read();
  set_interest();
}

void NativeChannel::resume() {
  api_.resume();
  pump();
  set_interest();
}

void NativeChannel::drain() {
  gone_ = true;
  for (auto* timer : {&rest_, &next_turn_}) cancel(*timer);
  api_.resume();
  pump();
  read();
}

// Writing

void NativeChannel::send(std::string_view head, std::string_view payload, bool in_memfd) {
  if (over_) return;
  in_memfd ? send_memfd(head, payload) : send_record(head, payload, -1);
}

void NativeChannel::send_memfd(std::string_view head, std::string_view payload) {
  // A jail that answers events without reading them would have us hold a descriptor and 6 MiB for
  // each.
  int unread = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &unread) == 0 && unread > 0)
    return broken("an answer to an event that it has not read");
  // The NUL is guest.h's promise to C programs.
  std::array const parts{part(head.substr(contract::kFrameHeader)), part(payload),
                         part(std::string_view("", 1))};
  auto memfd = sys::lent_memfd("faas-event", parts);
  if (!memfd) {
    over_ = true;
    return end_(lost_ending(memfd.error().message));
  }
  event_memfd_ = std::move(*memfd);
  send_record(head.substr(0, contract::kFrameHeader), {}, event_memfd_.get());
}

// One direct system call in the ordinary case.
void NativeChannel::send_record(std::string_view head, std::string_view payload, int memfd) {
  std::array const parts{part(head), part(payload)};
  std::span const fds(&memfd, memfd < 0 ? 0 : 1);
  auto const sent = sys::send_message(socket_.get(), parts, fds);
  if (!sent) return closed();
  if (!*sent) {
    pending_.assign(head).append(payload);
  } else if ((interest_ & EPOLLIN) != 0) {  // what is not watched is not forgotten, either
    reactor_.expect(this);
  }
}

void NativeChannel::flush() {
  if (pending_.empty()) return;
  auto const record = std::exchange(pending_, {});
  send_record(record, {}, event_memfd_ ? event_memfd_.get() : -1);
}

// Whoever keeps the event's memfd open keeps nothing: its pages are charged to the host.
void NativeChannel::take_back() {
  if (event_memfd_) sys::take_back(std::move(event_memfd_));
  pending_.clear();
}

// Reading

bool NativeChannel::read() {
  if (reading_) return false;
  reading_ = true;
  auto const before = reads_;
  for (int turn = 0; (gone_ || turn < kTurns) && read_record(); ++turn) {
  }
  reading_ = false;
  return reads_ != before;
}

bool NativeChannel::read_record() {
  if (over_ || rest_ != Reactor::Timer::none || !api_.wants_input()) return false;
  std::array<std::byte, contract::kChunkFrameLimit> buffer;
  auto message = sys::receive_message(socket_.get(), buffer);
  if (!message && message.error().code == Errc::unavailable) return false;
  ++reads_;
  if (!message || message->size == 0) return closed(), false;
  if (message->cut) return broken("a frame that is too long, or too many descriptors"), false;
  bool const more = accept({reinterpret_cast<char const*>(buffer.data()), message->size},
                           std::move(message->fds));
  if (api_.chatter() != chatter_) keep_pace();
  return more;
}

bool NativeChannel::accept(std::string_view record, std::vector<sys::Fd> fds) {
  auto frame = contract::decode_frame(record);
  if (!frame) return broken(frame.error().message), false;
  if (frame->in_memfd) return accept_memfd(std::move(*frame), std::move(fds));
  if (!fds.empty()) return broken("a descriptor with a frame that has none"), false;
  return receive(*frame);
}

bool NativeChannel::accept_memfd(contract::Frame frame, std::vector<sys::Fd> fds) {
  if (fds.size() != 1 || !sys::is_sealed_memfd(fds[0].get(), frame.meta_size + frame.payload_size))
    return broken("a payload that is no memfd of its size, sealed against every change"), false;
  std::array<char, contract::kGuestMetaLimit> meta;
  auto const read = sys::read_at(fds[0].get(), 0,
                                 std::as_writable_bytes(std::span(meta.data(), frame.meta_size)));
  if (!read || *read != frame.meta_size) return broken("a memfd that cannot be read"), false;
  frame.meta = {meta.data(), frame.meta_size};
  payload_ = std::move(fds[0]);
  payload_at_ = frame.meta_size;
  return receive(frame);
}

bool NativeChannel::receive(contract::Frame const& frame) {
  auto const taken = api_.receive(frame);
  if (!taken) return broken(taken.error().message), false;
  pump();
  // Who has asked waits for us.
  return !frame.asks;
}

// A response's memfd, as far as there is room for it.
void NativeChannel::pump() {
  cancel(next_turn_);
  for (int turn = 0; !over_ && api_.wants_payload() > 0; ++turn) {
    if (turn == kTurns && !gone_) {
      next_turn_ = reactor_.at(now(), [this] {
        next_turn_ = Reactor::Timer::none;
        pump();
        set_interest();
      });
      return;
    }
    std::array<char, kPiece> buffer;
    std::span const piece(buffer.data(), std::min(buffer.size(), api_.wants_payload()));
    auto const n = sys::read_at(payload_.get(), payload_at_, std::as_writable_bytes(piece));
    if (!n || *n == 0) return broken("a memfd that cannot be read");
    payload_at_ += *n;
    api_.receive_payload({buffer.data(), *n});
  }
  if (api_.wants_input()) payload_.reset();
}

// R16: as for a connection of the Lambda contract.
void NativeChannel::keep_pace() {
  auto const sent = api_.chatter() - std::exchange(chatter_, api_.chatter());
  auto const time = now();
  auto const rest = chatter_pace_.take(sent, time);
  if (rest == Duration{} || gone_ || over_) return;
  rest_ = reactor_.at(time + rest, [this] {
    rest_ = Reactor::Timer::none;
    set_interest();
  });
}

void NativeChannel::set_interest() {
  bool const reads = !over_ && rest_ == Reactor::Timer::none && api_.wants_input();
  std::uint32_t const wanted =
      (reads ? EPOLLIN : 0u) | (!over_ && !pending_.empty() ? EPOLLOUT : 0u);
  if (wanted == interest_ || gone_) return;
  auto const before = std::exchange(interest_, wanted);
  // Epoll tells of a hang-up whatever is asked for: who is not read is not watched.
  if (wanted == 0) return reactor_.forget(socket_.get(), this);
  if (before != 0) return reactor_.change(socket_.get(), wanted, this);
  if (!reactor_.watch(socket_.get(), wanted, this)) interest_ = 0;
}

// A function that ends closes its channel first; one that lives on without it can answer nothing.
void NativeChannel::closed() {
  over_ = true;
  if (gone_) return;
  last_words_ = reactor_.at(now() + options_.shutdown_grace, [this] {
    last_words_ = Reactor::Timer::none;
    end_(broken_contract_ending("its channel closed, or a frame without bytes"));
  });
}

void NativeChannel::broken(std::string_view how) {
  over_ = true;
  payload_.reset();
  end_(broken_contract_ending(how));
}

}  // namespace faas::inline v0::invoker
