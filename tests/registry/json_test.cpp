#include "registry/json.hpp"

#include <doctest/doctest.h>

#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::Secrets;

namespace {

std::string to_json(FunctionInfo const& i) { return registry::to_json(i, Secrets()); }
Result<FunctionInfo> from_json(std::string_view text) {
  return registry::from_json(text, Secrets());
}
Secrets key(char byte) { return Secrets::of(std::string(32, byte)).value(); }

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

TEST_CASE("under a key the environment is sealed, and opens with that key alone") {
  auto i = info(function("hello"));
  i.function.environment = {{"NAME", "canary-5f1d7c"}, {"EMPTY", ""}};
  auto const text = registry::to_json(i, key('a'));
  CHECK(text.find("canary") == std::string::npos);
  CHECK(text.find("NAME") == std::string::npos);
  CHECK(text != registry::to_json(i, key('a')));
  CHECK(registry::from_json(text, key('a')).value().function == i.function);
  for (auto const& other : {key('b'), Secrets()}) {
    auto const refused = registry::from_json(text, other).error();
    CHECK(refused.code == Errc::denied);
    CHECK(refused.reason == "SecretsKeyWrong");
    CHECK(refused.message.find(key('a').key_id()) != std::string::npos);
    CHECK(refused.message.find(other.has_key() ? other.key_id() : "no key") != std::string::npos);
  }
  // What was stored in clear is read under any key.
  CHECK(registry::from_json(to_json(i), key('b')).value().function == i.function);
}

TEST_CASE("nothing is sealed where there is nothing to hide") {
  auto const i = info(function("hello"));
  CHECK(registry::to_json(i, key('a')) == to_json(i));
}

TEST_CASE("what is sealed for one row does not open in another's") {
  auto i = info(function("hello"));
  i.function.environment = {{"NAME", "value"}};
  auto const text = registry::to_json(i, key('a'));
  struct Swap {
    std::string_view what, by;
  };
  for (auto const& swap :
       {Swap{R"("name":"hello")", R"("name":"other")"},
        Swap{R"("account":"000000000000")", R"("account":"000000000001")"},
        Swap{R"("version":"$LATEST")", R"("version":"1")"}, Swap{R"("text":")", R"("text":"AAAA)"},
        Swap{R"("text":")", R"("text":"%)"}, Swap{R"("text":")", R"("text":"","x":")"},
        Swap{R"("text":")", R"("x":")"}, Swap{R"("sealed":{)", R"("sealed":[],"x":{)"}}) {
    CAPTURE(swap.what);
    CHECK(registry::from_json(replaced(text, swap.what, swap.by), key('a')).error().code ==
          Errc::corrupt);
  }
}
