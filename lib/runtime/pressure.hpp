// Is the host short of memory? The kernel's pressure stall information tells, by a trigger
// (Documentation/accounting/psi.rst): no polling.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "invoker/reactor.hpp"
#include "sys/fd.hpp"

namespace faas::inline v0::runtime {

// Lives in one lane: every member and the callback run with its mutex held.
class PressureWatch final : public invoker::Source {
 public:
  // `tell(true)` while tasks stall for memory for more than 15 % of two seconds, again with every
  // two seconds of it; `tell(false)` once that has ended. Null where the kernel has no such
  // trigger, or lets us set none.
  static std::unique_ptr<PressureWatch> open(invoker::Reactor&, std::function<void(bool)> tell,
                                             std::string const& file = "/proc/pressure/memory");
  ~PressureWatch();

  void on_ready(std::uint32_t events) override;

 private:
  PressureWatch(invoker::Reactor&, sys::Fd trigger, std::function<void(bool)> tell);
  void relax();

  invoker::Reactor& reactor_;
  sys::Fd trigger_;
  std::function<void(bool)> tell_;
  invoker::Reactor::Timer calm_ = invoker::Reactor::Timer::none;
};

}  // namespace faas::inline v0::runtime
