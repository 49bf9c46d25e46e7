// Watches file descriptors and timers through one epoll descriptor, of which the host's executor
// waits only while something is held. That is how an idle runtime with a thousand warm instances
// leaves no work outstanding: io.run() returns, and what happened meanwhile is seen with the next
// hold.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <faas/error.hpp>
#include <faas/units.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace faas::inline v0::invoker {

// Told of a descriptor's readiness; level-triggered.
class Source {
 public:
  virtual void on_ready(std::uint32_t events) = 0;  // EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR
  // It may be readable. False: it was not, and nothing was done.
  virtual bool on_expected() { return false; }

 protected:
  ~Source() = default;
};

// Serialised by the owner's mutex: every member is called with it held, and so is every callback.
// Callbacks may call any member, and may destroy the Source that is being told.
class Reactor {
 public:
  enum class Timer : std::uint64_t { none = 0 };

  static Result<std::unique_ptr<Reactor>> open(boost::asio::any_io_executor,
                                               std::shared_ptr<std::mutex>);
  ~Reactor();  // closes
  Reactor(Reactor const&) = delete;
  Reactor& operator=(Reactor const&) = delete;

  // The descriptor and the source outlive the watch. One watch a descriptor. Errors: io.
  Result<void> watch(int fd, std::uint32_t events, Source*);
  void change(int fd, std::uint32_t events, Source*);
  void forget(int fd, Source*);

  // Something was asked of the source's peer: when one such source answers after the other, it is
  // told on_expected() without asking the kernel who is ready, which costs as much as reading. A
  // guess that fails is not made again for some turns; nor are more than a few made in a row, for
  // the others' sake.
  void expect(Source*);

  // Once, not before `when`; without a hold it comes with the next one.
  Timer at(TimePoint when, std::function<void()>);
  void cancel(Timer);

  // While held, the executor has work and callbacks come.
  void hold();
  void release();
  bool held() const;  // from any thread, also without the mutex

  // `run` is called after each turn of the executor, when the next one is on its way: with the
  // mutex, which it may let go.
  void after_turns(std::function<void(std::unique_lock<std::mutex>&)> run);
  // Between the first callback of such a turn and its end. Not in poll().
  bool in_turn() const;

  // No callback comes any more.
  void close();

  // Without waiting: what is ready, unless somebody holds and it is on its way.
  void poll();

 private:
  struct Impl;
  explicit Reactor(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

// A hold that ends with its owner.
class Hold {
 public:
  Hold() = default;
  explicit Hold(Reactor& reactor) : reactor_(&reactor) { reactor.hold(); }
  Hold(Hold&& other) noexcept : reactor_(std::exchange(other.reactor_, nullptr)) {}
  Hold& operator=(Hold&& other) noexcept {
    std::swap(reactor_, other.reactor_);
    return *this;
  }
  ~Hold() {
    if (reactor_) reactor_->release();
  }

 private:
  Reactor* reactor_ = nullptr;
};

}  // namespace faas::inline v0::invoker
