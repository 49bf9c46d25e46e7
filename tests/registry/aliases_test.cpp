#include <doctest/doctest.h>

#include <limits>

#include "support/temp_dir.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::Registry;

namespace {

// A function "f" with versions 1, 2 and 3.
Opened with_versions(std::string const& path = "") {
  auto open = opened_at(path);
  CHECK(add(open.registry, info(function("f"))));
  for (char code : {'b', 'c', 'd'}) CHECK(publish_code(open.registry, "f", code));
  return open;
}

AliasInfo weighted(std::string version, std::map<std::string, double> weights) {
  auto a = alias("f", "live", std::move(version));
  a.weights = std::move(weights);
  return a;
}

void refused(Result<AliasInfo> const& r, Errc code, std::string_view text) {
  CAPTURE(text);
  REQUIRE(r.has_error());
  CHECK(r.error().code == code);
  CHECK(r.error().message.find(text) != std::string::npos);
}

std::string runs(Registry const& r, std::string_view qualifier, double lot = 0.5) {
  auto const target = r.resolve("f", qualifier, lot);
  return target ? target->version : "";
}

}  // namespace

TEST_CASE("an alias runs what it points at, in the moment it is moved and back") {
  auto open = with_versions();
  CHECK(add(open.registry, alias("f", "live", "1")).value() == alias("f", "live", "1"));
  CHECK(runs(open.registry, "live") == "1");
  CHECK(open.registry.resolve("f", "live", 0)->revision == open.registry.revision("f", "1"));
  CHECK(open.registry.get("f", "live").value().version == "1");
  for (auto const version : {"2", "1", "$LATEST", "3"}) {
    auto wish = change_of("f", "live");
    wish.version = version;
    CHECK(put(open.registry, wish).value().version == version);
    CHECK(runs(open.registry, "live") == version);
  }
  CHECK(open.registry.alias("f", "live").value().revision_uuid == "alias-2");
}

TEST_CASE("an alias of $LATEST follows it") {
  auto open = with_versions();
  CHECK(add(open.registry, alias("f", "dev", "$LATEST")));
  CHECK(put(open.registry, info(function("f"), "newer")));
  CHECK(open.registry.get("f", "dev").value().revision_uuid == "newer");
  CHECK(open.registry.get("f", "dev").value().version == "$LATEST");
}

TEST_CASE("what an alias points at must be there") {
  auto open = with_versions();
  refused(add(open.registry, alias("none", "live", "1")), Errc::not_found, "none");
  for (auto const version : {"4", "0", "01", "", "latest", "live", "-1"})
    refused(add(open.registry, alias("f", "live", version)), Errc::not_found, "f:");
  CHECK(open.registry.aliases("f", "", 10).empty());
  CHECK(add(open.registry, alias("f", "live", "1")));
  auto wish = change_of("f", "live");
  wish.version = "4";
  refused(put(open.registry, wish), Errc::not_found, "f:4");
  refused(put(open.registry, change_of("f", "other")), Errc::not_found, "Cannot find alias");
  refused(put(open.registry, change_of("none", "live")), Errc::not_found, "Cannot find alias");
  CHECK(runs(open.registry, "live") == "1");
  CHECK(open.registry.alias("f", "live").value().revision_uuid == "alias-1");
}

TEST_CASE("an alias that exists is not made again") {
  auto open = with_versions();
  CHECK(add(open.registry, alias("f", "live", "1")));
  auto const again = add(open.registry, alias("f", "live", "2"));
  refused(again, Errc::conflict, "Alias already exists");
  CHECK(again.error().reason == "ResourceConflictException");
  CHECK(runs(open.registry, "live") == "1");
}

TEST_CASE("weights that mean nothing are refused") {
  auto open = with_versions();
  auto const no = Errc::invalid_argument;
  refused(add(open.registry, weighted("$LATEST", {{"1", 0.1}})), no, "$LATEST");
  refused(add(open.registry, weighted("1", {{"$LATEST", 0.1}})), no, "number");
  refused(add(open.registry, weighted("1", {{"live", 0.1}})), no, "number");
  refused(add(open.registry, weighted("1", {{"2", 0.1}, {"3", 0.1}})), no, "greater than 1");
  refused(add(open.registry, weighted("1", {{"1", 0.1}})), no, "already included");
  auto const nan = std::numeric_limits<double>::quiet_NaN();
  for (double const share : {-0.1, 1.1, nan})
    refused(add(open.registry, weighted("1", {{"2", share}})), no, "0 to 1");
  refused(add(open.registry, weighted("1", {{"9", 0.1}})), Errc::not_found, "f:9");
  CHECK(open.registry.aliases("f", "", 10).empty());
  // What stays counts as well as what changes.
  CHECK(add(open.registry, weighted("1", {{"2", 0.1}})));
  auto wish = change_of("f", "live");
  wish.version = "2";
  refused(put(open.registry, wish), no, "already included");
  wish.version = "$LATEST";
  refused(put(open.registry, wish), no, "$LATEST");
  CHECK(open.registry.alias("f", "live").value().version == "1");
}

TEST_CASE("a canary gets its share, and a rollback is one change") {
  auto open = with_versions();
  CHECK(add(open.registry, weighted("1", {{"2", 0.2}})));
  CHECK(runs(open.registry, "live", 0.19) == "2");
  CHECK(runs(open.registry, "live", 0.2) == "1");
  CHECK(open.registry.get("f", "live").value().version == "1");  // weights aside
  auto wish = change_of("f", "live");
  wish.description = "what is unset stays";
  CHECK(put(open.registry, wish).value().weights.size() == 1);
  wish = change_of("f", "live");
  wish.weights.emplace();
  auto const back = put(open.registry, wish).value();
  CHECK(back.weights.empty());
  CHECK(back.description == "what is unset stays");
  CHECK(runs(open.registry, "live", 0) == "1");
}

TEST_CASE("of two who change an alias at once the second learns of the first") {
  auto open = with_versions();
  CHECK(add(open.registry, alias("f", "live", "1")));
  auto wish = change_of("f", "live");
  wish.version = "2";
  wish.expected_revision = "alias-1";
  CHECK(put(open.registry, wish));
  wish.version = "3";
  auto const second = put(open.registry, wish);
  refused(second, Errc::conflict, "alias-1");
  CHECK(second.error().reason == "PreconditionFailedException");
  CHECK(runs(open.registry, "live") == "2");
}

TEST_CASE("a removed alias takes its settings along and is not missed twice") {
  TempDir dir;
  auto const left = [](Registry const& r) {
    auto const settings = r.settings("f");
    CHECK(settings.provisioned.size() == 1);
    CHECK(settings.provisioned.contains("2"));
    CHECK(settings.attributes == std::map<AttributeKey, std::string>{{{"policy", ""}, "b"}});
    CHECK(settings.reserved == 7);
    CHECK(r.alias("f", "live").error().code == Errc::not_found);
  };
  {
    auto open = with_versions(dir / "db");
    CHECK(add(open.registry, alias("f", "live", "1")));
    CHECK(reserve(open.registry, "f", 7));
    CHECK(provision(open.registry, "f", "live", 1));
    CHECK(provision(open.registry, "f", "2", 1));
    CHECK(set_attribute(open.registry, "f", {"policy", "live"}, "a"));
    CHECK(set_attribute(open.registry, "f", {"policy", ""}, "b"));
    CHECK(remove_alias(open.registry, "f", "live").value().provisioned.size() == 1);
    CHECK(remove_alias(open.registry, "f", "live"));
    CHECK(remove_alias(open.registry, "none", "live").error().code == Errc::not_found);
    left(open.registry);
    CHECK(runs(open.registry, "live").empty());
  }
  left(opened_at(dir / "db").registry);
}

TEST_CASE("an alias goes with its function, and a new function of that name has none") {
  auto open = with_versions();
  CHECK(add(open.registry, alias("f", "live", "1")));
  CHECK(remove(open.registry, "f"));
  CHECK(runs(open.registry, "live").empty());
  CHECK(open.registry.alias("f", "live").error().reason == "ResourceNotFoundException");
  CHECK(add(open.registry, info(function("f"))));
  CHECK(runs(open.registry, "live").empty());
  refused(put(open.registry, change_of("f", "live")), Errc::not_found, "Cannot find alias");
}

TEST_CASE("aliases are listed by name, page by page") {
  auto open = with_versions();
  for (auto const name : {"c", "a", "d", "b"}) CHECK(add(open.registry, alias("f", name, "1")));
  auto const names = [&](std::string_view after, std::size_t most) {
    std::string out;
    for (auto const& a : open.registry.aliases("f", after, most)) out += a.name;
    return out;
  };
  CHECK(names("", 10) == "abcd");
  CHECK(names("a", 2) == "bc");
  CHECK(names("d", 2).empty());
  CHECK(open.registry.aliases("none", "", 10).empty());
}

TEST_CASE("aliases are there after a restart; one that cannot be read is told and not served") {
  TempDir dir;
  auto canary = weighted("1", {{"2", 0.1}});
  canary.description = "ü \"quoted\"";
  {
    auto open = with_versions(dir / "db");
    CHECK(add(open.registry, canary));
    for (auto const name : {"cut", "twin"}) CHECK(add(open.registry, alias("f", name, "1")));
    execute(*open.store, "UPDATE aliases SET info = substr(info, 1, 20) WHERE alias = 'cut'");
    execute(*open.store,
            "UPDATE aliases SET info = (SELECT info FROM aliases WHERE alias = 'live')"
            " WHERE alias = 'twin'");
  }
  auto open = opened_at(dir / "db");
  CHECK(open.registry.alias("f", "live").value() == canary);
  CHECK(open.registry.aliases("f", "", 10).size() == 1);
  REQUIRE(open.registry.damaged().size() == 2);
  for (auto const& damage : open.registry.damaged()) {
    CHECK(damage.function == FunctionName("f"));
    CHECK(damage.error.code == Errc::corrupt);
  }
  // The name is taken until someone decides.
  CHECK(add(open.registry, alias("f", "cut", "1")).error().code == Errc::corrupt);
  auto move = change_of("f", "twin");
  move.version = "3";
  CHECK(put(open.registry, move).error().code == Errc::corrupt);
  CHECK(open.registry.alias("f", "live").value() == canary);
  CHECK(remove_version(open.registry, "f", 3).error().code == Errc::corrupt);  // who points at it?
  CHECK(remove_alias(open.registry, "f", "twin"));
  CHECK(remove_alias(open.registry, "f", "cut"));
  CHECK(add(open.registry, alias("f", "cut", "1")));
  CHECK(remove_version(open.registry, "f", 3));
}
