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
  // A signature is proved by the body. Until then small ones have half of it together, and large
  // ones a quarter, so that who knows but the name of a key cannot take all, nor with a few large
  // ones what small ones need.
  static constexpr std::uint64_t kSmall = 1 << 20;
  static constexpr std::uint64_t kUnprovedSmall = kBytes / 2;
  static constexpr std::uint64_t kUnprovedLarge = kBytes / 4;
  enum class Sender { known, unproved };

  // Gives its bytes back when it goes. False: none were granted.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(BodyBudget* budget, std::uint64_t bytes, std::atomic<std::uint64_t>* unproved)
        : budget_(budget), bytes_(bytes), unproved_(unproved) {}
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          bytes_(other.bytes_),
          unproved_(other.unproved_) {}
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation() {
      if (budget_ == nullptr) return;
      budget_->used_ -= bytes_;
      if (unproved_ != nullptr) *unproved_ -= bytes_;
    }
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    BodyBudget* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
    std::atomic<std::uint64_t>* unproved_ = nullptr;
  };

  Reservation reserve(std::uint64_t bytes, Sender sender) {
    if (sender == Sender::known) return take(bytes, nullptr);
    auto& unproved = bytes > kSmall ? unproved_large_ : unproved_small_;
    auto const most = bytes > kSmall ? kUnprovedLarge : kUnprovedSmall;
    if (unproved.fetch_add(bytes) + bytes <= most) {
      if (auto taken = take(bytes, &unproved)) return taken;
    }
    unproved -= bytes;
    return {};
  }

 private:
  Reservation take(std::uint64_t bytes, std::atomic<std::uint64_t>* unproved) {
    if (used_.fetch_add(bytes) + bytes <= kBytes) return {this, bytes, unproved};
    used_ -= bytes;
    return {};
  }

  std::atomic<std::uint64_t> used_{0}, unproved_small_{0}, unproved_large_{0};
};

// What a request is told that found no room.
Response body_memory_spent(Operation);

}  // namespace faas::inline v0::http
