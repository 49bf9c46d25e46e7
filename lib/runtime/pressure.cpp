#include "runtime/pressure.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <string_view>

#include "sys/file.hpp"

namespace faas::inline v0::runtime {
namespace {

using namespace std::chrono_literals;

// Microseconds of stall in a window. Without privilege the window is a multiple of two seconds.
constexpr std::string_view kTrigger("some 300000 2000000", 20);  // with its NUL
constexpr auto kCalm = 3s;  // longer than a window: the next event would have come

}  // namespace

std::unique_ptr<PressureWatch> PressureWatch::open(invoker::Reactor& reactor,
                                                   std::function<void(bool)> tell,
                                                   std::string const& file) {
  auto trigger = sys::open_file(file, O_RDWR | O_NONBLOCK);
  if (!trigger) return nullptr;
  if (::write(trigger->get(), kTrigger.data(), kTrigger.size()) < 0) return nullptr;
  std::unique_ptr<PressureWatch> watch(
      new PressureWatch(reactor, std::move(*trigger), std::move(tell)));
  if (!reactor.watch(watch->trigger_.get(), EPOLLPRI, watch.get())) return nullptr;
  return watch;
}

PressureWatch::PressureWatch(invoker::Reactor& reactor, sys::Fd trigger,
                             std::function<void(bool)> tell)
    : reactor_(reactor), trigger_(std::move(trigger)), tell_(std::move(tell)) {}

PressureWatch::~PressureWatch() {
  reactor_.cancel(calm_);
  reactor_.forget(trigger_.get(), this);
}

void PressureWatch::on_ready(std::uint32_t events) {
  if ((events & EPOLLERR) != 0) reactor_.forget(trigger_.get(), this);  // the kernel took it away
  if ((events & EPOLLPRI) == 0) return;
  reactor_.cancel(calm_);
  calm_ = reactor_.at(std::chrono::steady_clock::now() + kCalm, [this] { relax(); });
  tell_(true);
}

void PressureWatch::relax() {
  calm_ = invoker::Reactor::Timer::none;
  tell_(false);
}

}  // namespace faas::inline v0::runtime
