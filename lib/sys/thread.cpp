#include "sys/thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <system_error>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {
namespace {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Result<std::thread> start_thread(char const* name, std::function<void()> body) {
  // A new thread inherits its creator's mask: blocked here, it has no moment of its own with an
  // open one.
  SignalsBlocked blocked;
  try {
    std::thread thread(std::move(body));
    pthread_setname_np(thread.native_handle(), name);
    return thread;
  } catch (std::system_error const& e) {
    // In place: std::thread would take an Error for something to run.
    return {boost::system::in_place_error,
            errno_error("clone of a thread (raise RLIMIT_NPROC or pids.max)", e.code().value())};
  }
}

}  // namespace faas::inline v0::sys
