// Is the host short of memory? The kernel's pressure stall information tells, by a trigger
// (Documentation/accounting/psi.rst): no polling.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <memory>
#include <string>

#include "sys/fd.hpp"

namespace faas::inline v0::runtime {

// Holds its executor until stop(). Not a Source of a reactor: a trigger's event is gone with the
// first look at it, and of two epoll descriptors, one in the other, only the outer one would see
// it.
class PressureWatch final : public std::enable_shared_from_this<PressureWatch> {
 public:
  // `tell(true)` while tasks stall for more than 15 % of two seconds, again with every two seconds
  // of it; `tell(false)` once that has ended; on the executor, one at a time. Null where the kernel
  // has no such trigger, or lets us set none.
  static std::shared_ptr<PressureWatch> start(boost::asio::any_io_executor,
                                              std::function<void(bool)> tell,
                                              std::string const& file = "/proc/pressure/memory");
  // Any thread. What is being told may still end.
  void stop();

 private:
  PressureWatch(boost::asio::any_io_executor, sys::Fd trigger, std::function<void(bool)> tell);
  void wait();
  void stalls();

  boost::asio::strand<boost::asio::any_io_executor> strand_;
  boost::asio::posix::stream_descriptor trigger_;
  boost::asio::steady_timer calm_;
  std::function<void(bool)> tell_;
};

}  // namespace faas::inline v0::runtime
