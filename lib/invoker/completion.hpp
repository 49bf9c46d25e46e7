// A caller's handler on its way back: keeps the caller's executor busy until it is called, and
// calls it there, never from inside the caller.
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace faas::inline v0::invoker {

template <class T>
class Completion {
 public:
  using Handler = boost::asio::any_completion_handler<void(T)>;

  Completion() = default;
  // `home` is where the caller is left; a handler with an executor of its own goes on from there.
  // Asking it with no candidate saves the common one, without its own, two allocations.
  Completion(Handler handler, boost::asio::any_io_executor const& home)
      : handler_(std::move(handler)),
        home_(tracked(home)),
        own_(boost::asio::get_associated_executor(handler_,
                                                  boost::asio::any_completion_executor())) {
    if (own_) own_ = tracked(own_);
  }

  // By swap: move assignment of Boost 1.81's any_completion_handler calls itself without end.
  Completion(Completion&& other) noexcept { swap(other); }
  Completion& operator=(Completion&& other) noexcept {
    Completion taken(std::move(other));
    swap(taken);
    return *this;
  }

  explicit operator bool() const { return static_cast<bool>(handler_); }

  // Once. Nothing happens for one that is empty or was called.
  void operator()(T value) {
    if (!handler_) return;
    Completion self(std::move(*this));
    auto home = self.home_;
    boost::asio::post(home, [self = std::move(self), v = std::move(value)]() mutable {
      self.call_at_home(std::move(v));
    });
  }

  // The same for whoever is at home already, with nothing of the caller's further up the stack.
  void call_at_home(T value) {
    if (!handler_) return;
    Completion self(std::move(*this));
    if (!self.own_) return std::move(self.handler_)(std::move(value));
    auto executor = std::move(self.own_);
    executor.execute([handler = std::move(self.handler_), v = std::move(value)]() mutable {
      std::move(handler)(std::move(v));
    });
  }

 private:
  template <class Executor>
  static Executor tracked(Executor const& executor) {
    return boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
  }

  void swap(Completion& other) noexcept {
    handler_.swap(other.handler_);
    std::swap(home_, other.home_);
    std::swap(own_, other.own_);
  }

  Handler handler_;
  boost::asio::any_io_executor home_;
  boost::asio::any_completion_executor own_;  // the handler's, if it has one
};

}  // namespace faas::inline v0::invoker
