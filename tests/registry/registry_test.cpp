#include "registry/registry.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "support/temp_dir.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::Keep;
using registry::Registry;
using store::Store;

namespace {

// A registry on its database, as after one more start of the program.
struct Open {
  std::unique_ptr<Store> store;
  Registry registry;
};
Open open_at(std::string const& path) {
  auto store = Store::open({.path = path}).value();
  auto registry = Registry::open(*store).value();
  return {std::move(store), std::move(registry)};
}

std::vector<std::string> names(std::vector<FunctionInfo> const& list) {
  std::vector<std::string> out;
  for (auto const& i : list) out.push_back(i.function.name.name);
  return out;
}

bool same(FunctionInfo const& a, FunctionInfo const& b) {
  return a.function == b.function && a.revision == b.revision &&
         a.revision_uuid == b.revision_uuid && a.version == b.version &&
         a.code_sha256 == b.code_sha256 && a.code_size == b.code_size &&
         a.last_modified == b.last_modified;
}

void run_sql(Store& store, std::string_view sql) {
  CHECK(store.run([&](store::Transaction& t) -> Result<void> {
    auto r = t.execute(sql);
    if (!r) return r.error();
    return {};
  }));
}

}  // namespace

TEST_CASE("a function is there after a restart exactly as it was given") {
  TempDir dir;
  auto f = function("hello");
  f.limits = {.memory = 1769_MiB,
              .tmp = 600_MiB,
              .timeout = milliseconds(1500),
              .concurrency = 3,
              .queue = 0};
  f.environment = {{"KEY", "välue \" \\ \n"}, {"EMPTY", ""}};
  f.annotations = {{"tags", R"({"a":"b"})"}, {"odd \x01 key", std::string("nul\0in", 6)}};
  f.description = "日本";
  FunctionInfo stored;
  {
    auto open = open_at(dir / "db");
    stored = add(open.registry, info(f)).value();
    CHECK(same(open.registry.get("hello").value(), stored));
  }
  CHECK(stored.function == f);
  auto open = open_at(dir / "db");
  CHECK(same(open.registry.get("hello").value(), stored));
  CHECK(open.registry.damaged().empty());
}

TEST_CASE("a function that is not there is not found, by Lambda's name for it") {
  auto open = open_at("");
  for (auto const& r : {open.registry.get("nobody"), put(open.registry, info(function("nobody"))),
                        remove(open.registry, "nobody")}) {
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::not_found);
    CHECK(r.error().reason == "ResourceNotFoundException");
    CHECK(r.error().message.find("nobody") != std::string::npos);
  }
  CHECK(open.registry.find("nobody") == nullptr);
}

TEST_CASE("a second function of one name is a conflict, and the first stays") {
  auto open = open_at("");
  CHECK(add(open.registry, info(function("hello"), "first")));
  auto again = add(open.registry, info(function("hello"), "second"));
  REQUIRE(again.has_error());
  CHECK(again.error().code == Errc::conflict);
  CHECK(again.error().reason == "ResourceConflictException");
  CHECK(open.registry.get("hello")->revision_uuid == "first");
}

TEST_CASE("of two that are added at once exactly one wins") {
  TempDir dir;
  auto open = open_at(dir / "db");
  std::vector<Waiter> waiters(50);
  for (auto& w : waiters) open.registry.add(info(function("hello")), Keep::durable, w.done());
  auto const good =
      std::count_if(waiters.begin(), waiters.end(), [](auto& w) { return w.get().has_value(); });
  CHECK(good == 1);
  CHECK(open.registry.size() == 1);
}

TEST_CASE("accounts have names of their own") {
  auto open = open_at("");
  FunctionName const theirs("111111111111", "hello");
  auto f = function("hello");
  f.name = theirs;
  CHECK(add(open.registry, info(function("hello"), "mine")));
  CHECK(add(open.registry, info(f, "theirs")));
  CHECK(open.registry.get("hello")->revision_uuid == "mine");
  CHECK(open.registry.get(theirs)->revision_uuid == "theirs");
  CHECK(open.registry.list().size() == 1);
  CHECK(open.registry.list("111111111111").size() == 1);
  CHECK(open.registry.list("222222222222").empty());
  CHECK(remove(open.registry, theirs));
  CHECK(open.registry.get("hello"));
}

TEST_CASE("a list is by name, and its pages make the whole") {
  auto open = open_at("");
  for (auto name : {"b", "a-1", "B", "c", "a", "a_1"})
    CHECK(add(open.registry, info(function(name))));
  std::vector<std::string> const expected{"B", "a", "a-1", "a_1", "b", "c"};
  CHECK(names(open.registry.list()) == expected);
  for (std::size_t size : {1u, 2u, 4u, 6u, 100u}) {
    std::vector<std::string> paged;
    for (std::string after;;) {
      auto const page = open.registry.page(kDefaultAccount, after, size);
      CHECK(page.size() <= size);
      for (auto const& info : page) paged.push_back(info.function.name.name);
      if (page.empty()) break;
      after = paged.back();
    }
    CHECK(paged == expected);
  }
  CHECK(open.registry.page(kDefaultAccount, "a-zzz", 1).at(0).function.name.name == "a_1");
}

TEST_CASE("every change has a revision larger than any before it, also after removal and restart") {
  TempDir dir;
  std::uint64_t last = 0;
  auto larger = [&](Result<FunctionInfo> const& r) {
    auto const revision = static_cast<std::uint64_t>(r.value().revision);
    CHECK(revision > last);
    last = revision;
  };
  for (int start = 0; start < 3; ++start) {
    auto open = open_at(dir / "db");
    larger(add(open.registry, info(function("hello"))));
    larger(put(open.registry, info(function("hello"))));
    larger(add(open.registry, info(function("host")), Keep::this_process));
    CHECK(remove(open.registry, "hello"));
  }
}

TEST_CASE("a put replaces, and readers of the old state keep it") {
  TempDir dir;
  auto open = open_at(dir / "db");
  CHECK(add(open.registry, info(function("hello"), "old")));
  auto const old = open.registry.find("hello");
  auto f = function("hello");
  f.handler = "other";
  auto const changed = put(open.registry, info(f, "new")).value();
  CHECK(old->function.handler == "bootstrap");
  CHECK(open.registry.find("hello")->function.handler == "other");
  CHECK(open.registry.size() == 1);
  open = Open{nullptr, std::move(open.registry)};
  open = open_at(dir / "db");
  CHECK(same(open.registry.get("hello").value(), changed));
}

TEST_CASE("a put that expects another revision is refused and changes nothing") {
  auto open = open_at("");
  CHECK(add(open.registry, info(function("hello"), "one")));
  auto stale = put(open.registry, info(function("hello"), "two"), "zero");
  REQUIRE(stale.has_error());
  CHECK(stale.error().code == Errc::conflict);
  CHECK(stale.error().reason == "PreconditionFailedException");
  CHECK(open.registry.get("hello")->revision_uuid == "one");
  CHECK(put(open.registry, info(function("hello"), "two"), "one"));
  CHECK(open.registry.get("hello")->revision_uuid == "two");
}

TEST_CASE("of two puts that expect the same revision one wins, though both are in one batch") {
  auto open = open_at("");
  CHECK(add(open.registry, info(function("hello"), "one")));
  std::vector<Waiter> waiters(20);
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    open.registry.put(info(function("hello"), "two-" + std::to_string(i)), "one",
                      waiters[i].done());
  }
  int good = 0;
  for (auto& w : waiters) good += w.get() ? 1 : 0;
  CHECK(good == 1);
}

TEST_CASE("a removed function is gone, also after a restart, and what it was is told") {
  TempDir dir;
  {
    auto open = open_at(dir / "db");
    auto const stored = add(open.registry, info(function("hello"))).value();
    CHECK(same(remove(open.registry, "hello").value(), stored));
    CHECK(open.registry.list().empty());
  }
  CHECK(open_at(dir / "db").registry.size() == 0);
}

TEST_CASE("a function of this process is gone after a restart") {
  TempDir dir;
  {
    auto open = open_at(dir / "db");
    CHECK(add(open.registry, info(function("host")), Keep::this_process));
    CHECK(add(open.registry, info(function("kept"))));
    CHECK(put(open.registry, info(function("host"))));
    CHECK(open.registry.size() == 2);
  }
  CHECK(names(open_at(dir / "db").registry.list()) == std::vector<std::string>{"kept"});
}

TEST_CASE("the view changes only once the change is committed, and before its answer") {
  TempDir dir;
  auto open = open_at(dir / "db");
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  open.store->submit(
      [opened](store::Transaction&) -> Result<void> {
        opened.wait();
        return {};
      },
      [](Result<void>) {});
  std::promise<bool> seen;
  open.registry.add(info(function("hello")), Keep::durable, [&](Result<FunctionInfo>) {
    seen.set_value(open.registry.find("hello") != nullptr);
  });
  CHECK(open.registry.find("hello") == nullptr);
  gate.set_value();
  CHECK(seen.get_future().get());
}

TEST_CASE("a change the store could not commit does not show") {
  auto open = open_at("");
  CHECK(add(open.registry, info(function("before"))));
  run_sql(*open.store, "DROP TABLE functions");
  CHECK(add(open.registry, info(function("after"))).has_error());
  CHECK(remove(open.registry, "before").has_error());
  CHECK(names(open.registry.list()) == std::vector<std::string>{"before"});
}

TEST_CASE("a row that cannot be read is told and set aside; the rest is served") {
  TempDir dir;
  {
    auto open = open_at(dir / "db");
    for (auto name : {"good", "bad", "foreign"}) CHECK(add(open.registry, info(function(name))));
    run_sql(*open.store, "UPDATE functions SET info = substr(info, 1, 40) WHERE name = 'bad'");
    run_sql(*open.store,
            "UPDATE functions SET info = (SELECT info FROM functions WHERE name = 'good')"
            " WHERE name = 'foreign'");
  }
  auto open = open_at(dir / "db");
  CHECK(names(open.registry.list()) == std::vector<std::string>{"good"});
  REQUIRE(open.registry.damaged().size() == 2);
  CHECK(open.registry.damaged()[0].function == FunctionName("bad"));
  CHECK(open.registry.damaged()[0].error.code == Errc::corrupt);
  // The name is taken until someone decides.
  CHECK(add(open.registry, info(function("bad"))).error().code == Errc::conflict);
  CHECK(put(open.registry, info(function("bad")), "uuid-1").error().code == Errc::conflict);
  CHECK(put(open.registry, info(function("bad"))));
  CHECK(remove(open.registry, "foreign"));
  CHECK(names(open.registry.list()) == std::vector<std::string>{"bad", "good"});
}

TEST_CASE("many threads read while functions change") {
  auto open = open_at("");
  for (int i = 0; i < 100; ++i) CHECK(add(open.registry, info(function("f" + std::to_string(i)))));
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> wrong = 0;
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      while (!stop) {
        if (open.registry.list().size() < 100) ++wrong;
        if (!open.registry.find("f50")) ++wrong;
      }
    });
  }
  for (int i = 0; i < 300; ++i)
    CHECK(put(open.registry, info(function("f" + std::to_string(i % 100)))));
  stop = true;
  for (auto& reader : readers) reader.join();
  CHECK(wrong == 0);
}

TEST_CASE("thousands of functions are added in few commits, found again and listed by page") {
  TempDir dir;
  constexpr int kCount = 20'000;
  {
    auto open = open_at(dir / "db");
    for (int i = 0; i < kCount; ++i) {
      open.registry.add(info(function("f" + std::to_string(i))), Keep::durable, [](auto) {});
    }
  }
  auto open = open_at(dir / "db");
  CHECK(open.registry.size() == kCount);
  CHECK(open.registry.find("f19999"));
  CHECK(open.registry.page(kDefaultAccount, "f5", 50).size() == 50);
  std::set<RevisionId> revisions;
  for (auto const& info : open.registry.list()) revisions.insert(info.revision);
  CHECK(revisions.size() == kCount);
}

TEST_CASE("a registry that goes before its changes are answered leaves them to be answered") {
  TempDir dir;
  int answered = 0;
  {
    auto store = Store::open({.path = dir / "db"}).value();
    auto registry = Registry::open(*store).value();
    for (int i = 0; i < 100; ++i) {
      registry.add(info(function("f" + std::to_string(i))), Keep::durable,
                   [&](Result<FunctionInfo> r) { answered += r ? 1 : 0; });
    }
  }
  CHECK(answered == 100);
}
