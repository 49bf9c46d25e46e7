#include "registry/json.hpp"

#include <doctest/doctest.h>

#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::from_json;
using registry::to_json;

namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  auto const at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("the stored form is one JSON object that stays readable") {
  auto f = function("hello");
  f.environment["KEY"] = "v";
  auto i = info(f);
  i.revision = RevisionId{7};
  CHECK(
      to_json(i) ==
      R"({"account":"000000000000","name":"hello","runtime":"provided.al2023","handler":"bootstrap",)"
      R"("code":")" +
          std::string(64, 'a') +
          R"(","memory":134217728,"tmp":536870912,"timeout_ms":3000,"concurrency":0,"queue":1000,)"
          R"("environment":{"KEY":"v"},"description":"","annotations":{},"revision":7,)"
          R"("revision_uuid":"uuid-1","version":"$LATEST",)"
          R"("code_sha256":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","code_size":1234,)"
          R"("last_modified_ns":1718000000123456789})");
}

TEST_CASE("the largest values come back") {
  auto i = info(function("hello"));
  i.code_size = {~std::uint64_t{0}};
  i.revision = RevisionId{~std::uint64_t{0}};
  i.function.limits.queue = ~0u;
  i.last_modified = SystemTime::max();
  auto const back = from_json(to_json(i)).value();
  CHECK(back.code_size == i.code_size);
  CHECK(back.revision == i.revision);
  CHECK(back.function == i.function);
  CHECK(back.last_modified == i.last_modified);
}

TEST_CASE("a capacity above 1 is stored, and what was stored without one has 1") {
  auto i = info(function("hello"));
  CHECK(to_json(i).find("capacity") == std::string::npos);
  CHECK(from_json(to_json(i)).value().function.limits.capacity == 1);
  i.function.limits.capacity = 8;
  CHECK(from_json(to_json(i)).value().function.limits.capacity == 8);
  CHECK(from_json(replaced(to_json(i), R"("capacity":8)", R"("capacity":"8")")).error().code ==
        Errc::corrupt);
}

TEST_CASE("a field that is missing or of the wrong kind is named") {
  auto const good = to_json(info(function("hello")));
  struct {
    char const *what, *by, *field;
  } const cases[] = {
      {R"("name":"hello",)", "", "name"},
      {R"("name":"hello")", R"("name":5)", "name"},
      {R"("queue":1000)", R"("queue":-1)", "queue"},
      {R"("queue":1000)", R"("queue":4294967296)", "queue"},
      {R"("queue":1000)", R"("queue":"many")", "queue"},
      {R"("memory":134217728)", R"("memory":1.5)", "memory"},
      {R"("environment":{})", R"("environment":[])", "environment"},
      {R"("environment":{})", R"("environment":{"A":1})", "environment"},
      {R"(,"last_modified_ns":1718000000123456789)", "", "last_modified_ns"},
  };
  for (auto const& c : cases) {
    auto const r = from_json(replaced(good, c.what, c.by));
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::corrupt);
    CHECK(r.error().message.find(c.field) != std::string::npos);
  }
}

TEST_CASE("what is no object is refused") {
  for (auto text : {"", "5", "[]", "{", "null", "{\"name\":\"\xff\"}"}) {
    CHECK(from_json(text).error().code == Errc::corrupt);
  }
}

TEST_CASE("a field of a later version is passed over") {
  auto const text = replaced(to_json(info(function("hello"))), "{", R"({"later":[1,{"a":2}],)");
  CHECK(from_json(text)->function.name == FunctionName("hello"));
}

TEST_CASE("layers are stored in their order, and left out where there are none") {
  auto i = info(function("hello"));
  CHECK(to_json(i).find("layers") == std::string::npos);
  i.function.layers = {{std::string(64, 'b')}, {std::string(64, 'a')}};
  CHECK(from_json(to_json(i)).value().function.layers == i.function.layers);
  CHECK(from_json(replaced(to_json(i), R"("layers":[")", R"("layers":[7,")")).error().code ==
        Errc::corrupt);
  CHECK(from_json(replaced(to_json(i), R"("layers":[)", R"("layers":{},"x":[)")).error().code ==
        Errc::corrupt);
}
