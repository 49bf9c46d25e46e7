// Counts what operator new of this whole program gave out and has not got back: a function that is
// only registered must stay a short record, and looking one up must allocate nothing.
#include <doctest/doctest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "vocabulary.hpp"

namespace {
std::atomic<std::size_t> bytes_held{0}, allocations{0};
}

void* operator new(std::size_t size) {
  void* p = std::malloc(size ? size : 1);
  if (p == nullptr) throw std::bad_alloc();
  ++allocations;
  bytes_held += malloc_usable_size(p) + sizeof(void*);  // with the allocator's own word
  return p;
}
void operator delete(void* p) noexcept {
  if (p != nullptr) bytes_held -= malloc_usable_size(p) + sizeof(void*);
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

using namespace faas;
using namespace faas::test;
using registry::Keep;
using registry::Registry;
using store::Store;

namespace {

std::string name_of(std::size_t i) { return "resize-image-" + std::to_string(1'000'000 + i); }

FunctionInfo plain(std::size_t i) {
  auto f = function(name_of(i));
  f.environment = {{"TABLE", "images"}, {"LOG_LEVEL", "info"}};
  return info(std::move(f), "01234567-89ab-4def-8123-456789abcdef");
}

void add_many(Store& store, Registry& registry, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    registry.add(plain(i), Keep::durable, [](Result<FunctionInfo> r) { r.value(); });
  CHECK(store.run([](store::Transaction&) -> Result<void> { return {}; }));
}

}  // namespace

TEST_CASE("a registered function costs a short record") {
  constexpr std::size_t kCount = 20'000;
  auto store = Store::open({}).value();
  auto registry = Registry::open(*store).value();
  add_many(*store, registry, 1);
  REQUIRE(remove(registry, name_of(0)));
  std::size_t const before = bytes_held;
  add_many(*store, registry, kCount);
  std::size_t const each = (bytes_held - before) / kCount;
  CAPTURE(each);
  CHECK(each <= 400);
  CHECK(each >= 100);  // the count counts
}

TEST_CASE("a lookup among many allocates nothing") {
  auto store = Store::open({}).value();
  auto registry = Registry::open(*store).value();
  add_many(*store, registry, 5'000);
  FunctionName const there(name_of(4'321)), not_there("resize-image-nobody-has-this-one");
  std::size_t const before = allocations;
  CHECK(registry.revision(there).has_value());
  CHECK_FALSE(registry.revision(not_there).has_value());
  CHECK(allocations == before);
}

TEST_CASE("a page costs what is on it, however many functions there are") {
  std::size_t cost[2] = {};
  for (int many : {0, 1}) {
    auto store = Store::open({}).value();
    auto registry = Registry::open(*store).value();
    add_many(*store, registry, many ? 20'000 : 200);
    std::size_t const before = allocations;
    CHECK(registry.page(kDefaultAccount, name_of(100), 50).size() == 50);
    cost[many] = allocations - before;
  }
  CHECK(cost[0] == cost[1]);
  CHECK(cost[0] > 50);  // the count counts
}
