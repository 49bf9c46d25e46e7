// A callback as an awaitable of the engine's own coroutines.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "invoker/completion.hpp"

namespace faas::inline v0::runtime {

// Calls start(Completion<T>) and resumes its caller, on the caller's executor, with what the
// completion is given. `start` runs when the awaitable is awaited. A lambda with captures is never
// written inside a co_await expression: g++ 12 destroys it twice. Return awaited(…) from a plain
// function, or give the lambda a name.
template <class T, class Start>
boost::asio::awaitable<T> awaited(boost::asio::any_io_executor executor, Start start) {
  return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(T)>(
      [](auto handler, boost::asio::any_io_executor fallback, Start begin) {
        begin(invoker::Completion<T>(std::move(handler), fallback));
      },
      boost::asio::use_awaitable, std::move(executor), std::move(start));
}

}  // namespace faas::inline v0::runtime
