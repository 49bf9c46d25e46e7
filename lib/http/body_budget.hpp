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
  // A signature is proved by the body. Until then large ones have this much of it together, so that
  // who knows but the name of a key cannot take all.
  static constexpr std::uint64_t kUnprovedBytes = kBytes / 4;
  static constexpr std::uint64_t kSmall = 1 << 20;
  enum class Sender { known, unproved };

  // Gives its bytes back when it goes. False: none were granted.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(BodyBudget* budget, std::uint64_t bytes, std::uint64_t unproved)
        : budget_(budget), bytes_(bytes), unproved_(unproved) {}
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          bytes_(other.bytes_),
          unproved_(other.unproved_) {}
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation() {
      if (budget_ == nullptr) return;
      budget_->used_ -= bytes_;
      budget_->unproved_ -= unproved_;
    }
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    BodyBudget* budget_ = nullptr;
    std::uint64_t bytes_ = 0, unproved_ = 0;
  };

  Reservation reserve(std::uint64_t bytes, Sender sender) {
    auto const unproved = sender == Sender::unproved && bytes > kSmall ? bytes : 0;
    bool const fits = used_.fetch_add(bytes) + bytes <= kBytes;
    bool const allowed = unproved_.fetch_add(unproved) + unproved <= kUnprovedBytes;
    if (fits && allowed) return {this, bytes, unproved};
    used_ -= bytes;
    unproved_ -= unproved;
    return {};
  }

 private:
  std::atomic<std::uint64_t> used_{0}, unproved_{0};
};

// What a request is told that found no room.
Response body_memory_spent(Operation);

}  // namespace faas::inline v0::http
