#include "runtime/pressure.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <string_view>

#include "sys/file.hpp"

namespace faas::inline v0::runtime {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

// Microseconds of stall in a window. Without privilege the window is a multiple of two seconds.
constexpr std::string_view kTrigger("some 300000 2000000", 20);  // with its NUL
constexpr std::chrono::seconds kCalm(3);  // longer than a window: the next event would have come

}  // namespace

std::shared_ptr<PressureWatch> PressureWatch::start(asio::any_io_executor executor,
                                                    std::function<void(bool)> tell,
                                                    std::string const& file) {
  auto trigger = sys::open_file(file, O_RDWR | O_NONBLOCK);
  if (!trigger) return nullptr;
  if (::write(trigger->get(), kTrigger.data(), kTrigger.size()) < 0) return nullptr;
  std::shared_ptr<PressureWatch> watch(
      new PressureWatch(std::move(executor), std::move(*trigger), std::move(tell)));
  watch->wait();
  return watch;
}

PressureWatch::PressureWatch(asio::any_io_executor executor, sys::Fd trigger,
                             std::function<void(bool)> tell)
    : strand_(asio::make_strand(executor)),
      trigger_(strand_, trigger.release()),
      calm_(strand_),
      tell_(std::move(tell)) {}

void PressureWatch::stop() {
  asio::post(strand_, [self = shared_from_this()] {
    error_code ignored;
    self->trigger_.close(ignored);
    self->calm_.cancel();
  });
}

void PressureWatch::wait() {
  trigger_.async_wait(stream_descriptor::wait_error, [self = shared_from_this()](error_code error) {
    if (!error && self->trigger_.is_open()) self->stalls();
  });
}

void PressureWatch::stalls() {
  calm_.expires_after(kCalm);  // and cancels the one before
  calm_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled && self->trigger_.is_open()) self->tell_(false);
  });
  tell_(true);
  wait();
}

}  // namespace faas::inline v0::runtime
