// Memory that request bodies may take together: connections times the largest body would be far too
// much.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "http/message.hpp"
#include "http/router.hpp"

namespace faas::inline v0::http {

class BodyBudget {
 public:
  static constexpr std::uint64_t kBytes = 1 << 30;

  // Gives its bytes back when it goes. False: none were granted.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(BodyBudget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation() {
      if (budget_ != nullptr) budget_->used_ -= bytes_;
    }
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    BodyBudget* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  Reservation reserve(std::uint64_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= kBytes) return {this, bytes};
    used_ -= bytes;
    return {};
  }

 private:
  std::atomic<std::uint64_t> used_{0};
};

// What a request is told that found no room.
Response body_memory_spent(Operation);

}  // namespace faas::inline v0::http
