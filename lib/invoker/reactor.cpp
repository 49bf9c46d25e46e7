#include "invoker/reactor.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <array>
#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <map>

#include "base/check.hpp"
#include "sys/fd.hpp"

namespace faas::inline v0::invoker {

using boost::asio::posix::stream_descriptor;

namespace {

constexpr int kGuessesInARow = 16;
constexpr int kTurnsWithoutGuess = 16;

}  // namespace

struct Reactor::Impl : std::enable_shared_from_this<Impl> {
  using TimerKey = std::pair<TimePoint, std::uint64_t>;

  Impl(boost::asio::any_io_executor executor, std::shared_ptr<std::mutex> m, int epoll,
       sys::Fd timer)
      : mutex(std::move(m)), descriptor(std::move(executor), epoll), timer_fd(std::move(timer)) {}

  int epoll() { return descriptor.native_handle(); }

  void arm();
  void turn();
  bool serve_expected();
  void dispatch();
  void run_timers();
  void set_timer();

  std::shared_ptr<std::mutex> mutex;
  stream_descriptor descriptor;  // owns the epoll descriptor
  sys::Fd timer_fd;
  std::atomic<unsigned> holds = 0;
  bool waiting = false;  // an async_wait is outstanding
  bool closed = false;
  bool in_turn = false;
  Source* expected = nullptr;
  int guesses = 0, guess_rest = 0;  // in a row; turns until the next
  std::function<void(std::unique_lock<std::mutex>&)> after_turn;
  std::array<epoll_event, 64> batch{};  // being dispatched; forget() takes its source out
  int batch_size = 0;
  std::map<TimerKey, std::function<void()>> timers;
  std::map<std::uint64_t, TimePoint> timer_times;
  std::uint64_t next_timer = 1;
  TimePoint timer_set = TimePoint::max();  // what timer_fd is set to
};

void Reactor::Impl::arm() {
  if (waiting || closed || holds == 0) return;
  waiting = true;
  descriptor.async_wait(stream_descriptor::wait_read,
                        [self = shared_from_this()](boost::system::error_code) { self->turn(); });
}

// Also after a cancel: what is ready now need not wait for the next hold.
void Reactor::Impl::turn() {
  std::unique_lock lock(*mutex);
  waiting = false;
  if (closed) return;
  in_turn = true;
  if (!serve_expected()) dispatch();
  in_turn = false;
  arm();
  if (!closed && after_turn) after_turn(lock);
}

// What else is ready makes the next wait return at once: it is level-triggered.
bool Reactor::Impl::serve_expected() {
  auto* const source = std::exchange(expected, nullptr);
  bool const tried = source != nullptr && guess_rest == 0 && guesses < kGuessesInARow;
  if (tried && source->on_expected()) return ++guesses, true;
  guesses = 0;
  if (tried)
    guess_rest = kTurnsWithoutGuess;
  else if (guess_rest > 0)
    --guess_rest;
  return false;
}

void Reactor::Impl::dispatch() {
  batch_size = ::epoll_wait(epoll(), batch.data(), static_cast<int>(batch.size()), 0);
  for (int i = 0; i < batch_size && !closed; ++i) {
    auto* source = static_cast<Source*>(batch[static_cast<std::size_t>(i)].data.ptr);
    if (source == nullptr) continue;  // forgotten by an earlier callback of this batch
    auto const events = batch[static_cast<std::size_t>(i)].events;
    if (static_cast<void*>(source) == static_cast<void*>(this)) {
      run_timers();
    } else {
      source->on_ready(events);
    }
  }
  batch_size = 0;
}

void Reactor::Impl::run_timers() {
  std::uint64_t expirations;
  while (::read(timer_fd.get(), &expirations, sizeof expirations) < 0 && errno == EINTR) {
  }
  timer_set = TimePoint::max();
  auto const now = std::chrono::steady_clock::now();
  while (!timers.empty() && timers.begin()->first.first <= now && !closed) {
    auto first = timers.extract(timers.begin());
    timer_times.erase(first.key().second);
    first.mapped()();
  }
  if (!closed) set_timer();
}

// The descriptor is only moved forward in time when it fires: a warm call sets and cancels a timer
// that never gets to be the earliest, and pays no system call for it.
void Reactor::Impl::set_timer() {
  if (timers.empty() || timers.begin()->first.first >= timer_set) return;
  timer_set = timers.begin()->first.first;
  auto const ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(timer_set.time_since_epoch());
  itimerspec spec{};
  spec.it_value.tv_sec = ns.count() / 1'000'000'000;
  spec.it_value.tv_nsec = ns.count() % 1'000'000'000;
  if (spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec == 0) spec.it_value.tv_nsec = 1;
  FAAS_CHECK(::timerfd_settime(timer_fd.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

Result<std::unique_ptr<Reactor>> Reactor::open(boost::asio::any_io_executor executor,
                                               std::shared_ptr<std::mutex> mutex) {
  sys::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return sys::errno_error("epoll_create1", errno);
  // steady_clock is CLOCK_MONOTONIC on Linux.
  sys::Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return sys::errno_error("timerfd_create", errno);
  auto impl = std::make_shared<Impl>(std::move(executor), std::move(mutex), epoll.release(),
                                     std::move(timer));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = impl.get();
  if (::epoll_ctl(impl->epoll(), EPOLL_CTL_ADD, impl->timer_fd.get(), &event) != 0) {
    return sys::errno_error("epoll_ctl", errno);
  }
  return std::unique_ptr<Reactor>(new Reactor(std::move(impl)));
}

Reactor::Reactor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Reactor::~Reactor() { close(); }

// Also by the destructor, without the mutex: the last turn may still be on its way, and reads.
void Reactor::close() {
  if (impl_->closed) return;
  impl_->closed = true;
  impl_->timers.clear();
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

Result<void> Reactor::watch(int fd, std::uint32_t events, Source* source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = source;
  if (::epoll_ctl(impl_->epoll(), EPOLL_CTL_ADD, fd, &event) != 0)
    return sys::errno_error("epoll_ctl", errno);
  return {};
}

void Reactor::change(int fd, std::uint32_t events, Source* source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = source;
  FAAS_CHECK(::epoll_ctl(impl_->epoll(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Reactor::expect(Source* source) { impl_->expected = source; }

void Reactor::forget(int fd, Source* source) {
  if (impl_->expected == source) impl_->expected = nullptr;
  ::epoll_ctl(impl_->epoll(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = 0; i < impl_->batch_size; ++i) {
    auto& entry = impl_->batch[static_cast<std::size_t>(i)];
    if (entry.data.ptr == source) entry.data.ptr = nullptr;
  }
}

Reactor::Timer Reactor::at(TimePoint when, std::function<void()> callback) {
  auto const id = impl_->next_timer++;
  impl_->timers.emplace(Impl::TimerKey{when, id}, std::move(callback));
  impl_->timer_times.emplace(id, when);
  impl_->set_timer();
  return Timer{id};
}

void Reactor::cancel(Timer timer) {
  auto const found = impl_->timer_times.find(static_cast<std::uint64_t>(timer));
  if (found == impl_->timer_times.end()) return;
  impl_->timers.erase({found->second, found->first});
  impl_->timer_times.erase(found);
}

void Reactor::hold() {
  if (++impl_->holds == 1) impl_->arm();
}

bool Reactor::held() const { return impl_->holds > 0; }

void Reactor::after_turns(std::function<void(std::unique_lock<std::mutex>&)> run) {
  impl_->after_turn = std::move(run);
}

bool Reactor::in_turn() const { return impl_->in_turn; }

void Reactor::poll() {
  if (impl_->holds == 0) impl_->dispatch();
}

void Reactor::release() {
  FAAS_CHECK(impl_->holds > 0);
  if (--impl_->holds == 0 && impl_->waiting) impl_->descriptor.cancel();
}

}  // namespace faas::inline v0::invoker
