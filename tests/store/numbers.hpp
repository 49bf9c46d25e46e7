// The vocabulary of these tests: a table of numbers in a store.
#pragma once

#include <array>
#include <cstdint>
#include <faas/error.hpp>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "store/store.hpp"
#include "support/result.hpp"

namespace faas::test {

inline constexpr std::array<std::string_view, 1> kNumbers{
    "CREATE TABLE numbers (n INTEGER PRIMARY KEY, body BLOB) STRICT"};

inline Result<std::unique_ptr<store::Store>> open_numbers(std::string path) {
  return store::Store::open({.path = std::move(path), .migrations = kNumbers});
}

inline store::Store::Work insert(std::int64_t n, std::string body = "") {
  return [n, body = std::move(body)](store::Transaction& t) -> Result<void> {
    auto r = t.execute("INSERT INTO numbers (n, body) VALUES (?, ?)", {n, store::Blob{body}});
    if (!r) return r.error();
    return {};
  };
}

inline std::set<std::int64_t> numbers_in(store::Store& store) {
  std::set<std::int64_t> all;
  store
      .run([&](store::Transaction& t) {
        return t.query("SELECT n FROM numbers", {}, [&](store::Row const& row) -> Result<void> {
          all.insert(row.integer(0));
          return {};
        });
      })
      .value();
  return all;
}

// A submitted work whose answer can be waited for.
inline std::future<Result<void>> submitted(store::Store& store, store::Store::Work work) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  store.submit(std::move(work), [promise](Result<void> r) { promise->set_value(std::move(r)); });
  return future;
}

}  // namespace faas::test
