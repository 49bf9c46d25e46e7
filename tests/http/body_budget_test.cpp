#include "http/body_budget.hpp"

#include <doctest/doctest.h>

#include <vector>

using faas::http::BodyBudget;

namespace {

// How many of `bytes` each fit beside one another.
std::size_t fit(BodyBudget& budget, std::uint64_t bytes, BodyBudget::Sender sender,
                std::vector<BodyBudget::Reservation>& held) {
  for (std::size_t count = 0;; ++count) {
    auto reservation = budget.reserve(bytes, sender);
    if (!reservation) return count;
    held.push_back(std::move(reservation));
  }
}

constexpr auto kKnown = BodyBudget::Sender::known;
constexpr auto kUnproved = BodyBudget::Sender::unproved;
constexpr std::uint64_t kLarge = 64 << 20;

}  // namespace

TEST_CASE("bodies have a gibibyte together, and give it back") {
  BodyBudget budget;
  for (int again = 0; again < 2; ++again) {
    std::vector<BodyBudget::Reservation> held;
    CHECK(fit(budget, kLarge, kKnown, held) == 16);
  }
}

TEST_CASE("who is not proved yet cannot take all, neither with large bodies nor with small ones") {
  BodyBudget budget;
  for (int again = 0; again < 2; ++again) {
    std::vector<BodyBudget::Reservation> held;
    CHECK(fit(budget, kLarge, kUnproved, held) == 4);
    CHECK(fit(budget, BodyBudget::kSmall, kUnproved, held) == 512);
    CHECK(fit(budget, kLarge, kKnown, held) == 4);
  }
}
