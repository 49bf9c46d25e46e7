#include <doctest/doctest.h>

#include "support/temp_dir.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::AccountConcurrency;
using registry::Keep;
using registry::Registry;

namespace {

constexpr AccountConcurrency kThousand{1000};

// Functions "f" and "g" with a version and an alias "live" of it each.
Opened with_two(std::string const& path = "") {
  auto open = opened_at(path);
  for (auto const name : {"f", "g"}) {
    CHECK(add(open.registry, info(function(name))));
    CHECK(publish(open.registry, name));
    CHECK(add(open.registry, alias(name, "live", "1")));
  }
  return open;
}

void refused(Result<FunctionSettings> const& r, Errc code, std::string_view text) {
  CAPTURE(text);
  REQUIRE(r.has_error());
  CHECK(r.error().code == code);
  CHECK(r.error().message.find(text) != std::string::npos);
}

constexpr std::string_view kTooLittleLeft =
    "for function decreases account's UnreservedConcurrentExecution below its minimum value of "
    "[100].";

}  // namespace

TEST_CASE("a reservation leaves 100 to the functions that have none") {
  auto open = with_two();
  CHECK(reserve(open.registry, "f", 900, kThousand).value().reserved == 900);
  refused(reserve(open.registry, "f", 901, kThousand), Errc::invalid_argument, kTooLittleLeft);
  refused(reserve(open.registry, "f", 901, kThousand), Errc::invalid_argument,
          "Specified ReservedConcurrentExecutions");
  CHECK(open.registry.settings("f").reserved == 900);
  refused(reserve(open.registry, "g", 1, kThousand), Errc::invalid_argument, kTooLittleLeft);
  CHECK(reserve(open.registry, "g", 0, kThousand));  // stops it and takes nothing
  CHECK(reserve(open.registry, "f", 800, kThousand));
  CHECK(reserve(open.registry, "g", 100, kThousand));
  refused(reserve(open.registry, "g", 101, kThousand), Errc::invalid_argument, kTooLittleLeft);
  CHECK(reserve(open.registry, "f", std::nullopt, kThousand).value().reserved == std::nullopt);
  CHECK(reserve(open.registry, "g", 900, kThousand));
}

TEST_CASE("what a function reserves is free again once it is removed") {
  auto open = with_two();
  CHECK(reserve(open.registry, "f", 900, kThousand));
  CHECK(remove(open.registry, "f"));
  CHECK(open.registry.settings("f") == FunctionSettings{});
  CHECK(reserve(open.registry, "g", 900, kThousand));
  CHECK(add(open.registry, info(function("f"))));
  CHECK_FALSE(open.registry.settings("f").reserved);
}

TEST_CASE("each account has its own sum, and one without a limit none") {
  auto open = with_two();
  auto other = function("f");
  other.name.account = "111111111111";
  CHECK(add(open.registry, info(other)));
  CHECK(reserve(open.registry, "f", 900, kThousand));
  CHECK(reserve(open.registry, other.name, 900, kThousand));
  CHECK(reserve(open.registry, "g", 1'000'000));
  refused(reserve(open.registry, other.name, 1, {50}), Errc::invalid_argument, kTooLittleLeft);
}

TEST_CASE("what is provisioned without a reservation is taken from what others may reserve") {
  auto open = with_two();
  CHECK(provision(open.registry, "f", "1", 300, kThousand));
  CHECK(reserve(open.registry, "g", 600, kThousand));
  refused(reserve(open.registry, "g", 601, kThousand), Errc::invalid_argument, kTooLittleLeft);
  refused(provision(open.registry, "f", "1", 301, kThousand), Errc::invalid_argument,
          "Specified ConcurrentExecutions");
  // With a reservation it is part of that.
  refused(reserve(open.registry, "f", 299, kThousand), Errc::invalid_argument,
          "ReservedConcurrentExecutions 299 should not be lower than function's total provisioned "
          "concurrency [300].");
  CHECK(reserve(open.registry, "f", 300, kThousand));
  refused(provision(open.registry, "f", "1", 301, kThousand), Errc::invalid_argument,
          "should not be greater than the reservedConcurrentExecution");
  CHECK(provision(open.registry, "f", "1", 0, kThousand));
  CHECK(provision(open.registry, "f", "1", 0, kThousand));  // there is none: no error
  CHECK(open.registry.settings("f").provisioned.empty());
}

TEST_CASE("an alias and the version behind it are not provisioned both") {
  auto open = with_two();
  CHECK(provision(open.registry, "f", "1", 1));
  refused(provision(open.registry, "f", "live", 1), Errc::conflict, "already Provisioned");
  CHECK(provision(open.registry, "f", "1", 0));
  CHECK(provision(open.registry, "f", "live", 1));
  refused(provision(open.registry, "f", "1", 1), Errc::conflict, "Provisioned Concurrency alias");
  CHECK(provision(open.registry, "f", "live", 2).value().provisioned.at("live").instances == 2);
  CHECK(provision(open.registry, "g", "1", 1));
}

TEST_CASE("settings are of something that is there") {
  auto open = with_two();
  refused(reserve(open.registry, "none", 1), Errc::not_found, "none");
  refused(provision(open.registry, "none", "1", 1), Errc::not_found, "none");
  for (auto const qualifier : {"2", "dead", "$LATEST", "", "01"})
    refused(provision(open.registry, "f", qualifier, 1), Errc::not_found, "f:");
  refused(set_attribute(open.registry, "none", {"a", ""}, "x"), Errc::not_found, "none");
  for (auto const qualifier : {"2", "dead", "01"})
    refused(set_attribute(open.registry, "f", {"a", qualifier}, "x"), Errc::not_found, "f:");
  for (auto const qualifier : {"", "$LATEST", "1", "live"})
    CHECK(set_attribute(open.registry, "f", {"a", qualifier}, "x"));
}

TEST_CASE("an attribute is compared and set") {
  auto open = with_two();
  AttributeKey const key{"policy", ""};
  CHECK(set_attribute(open.registry, "f", key, "one", ""));  // if it is not there
  refused(set_attribute(open.registry, "f", key, "two", ""), Errc::conflict, "policy of f");
  auto const stale = set_attribute(open.registry, "f", key, std::nullopt, "zero");
  refused(stale, Errc::conflict, "read it again");
  CHECK(stale.error().reason == "PreconditionFailedException");
  CHECK(open.registry.settings("f").attributes.at(key) == "one");
  CHECK(set_attribute(open.registry, "f", key, "two", "one"));
  CHECK(open.registry.settings("f").attributes.at(key) == "two");
  CHECK(set_attribute(open.registry, "f", key, std::nullopt, "two"));
  CHECK(open.registry.settings("f").attributes.empty());
  refused(set_attribute(open.registry, "f", key, "three", "two"), Errc::conflict, "policy");
  CHECK(set_attribute(open.registry, "f", key, std::nullopt));  // there is none: no error
}

TEST_CASE("an attribute has a name of 1 to 64 characters and 64 KiB at most; there are 256") {
  auto open = with_two();
  CHECK(set_attribute(open.registry, "f", {"a", ""}, std::string(64 << 10, 'x')));
  auto const too_large =
      set_attribute(open.registry, "f", {"a", ""}, std::string((64 << 10) + 1, 'x'));
  refused(too_large, Errc::too_large, "65537");
  CHECK(set_attribute(open.registry, "f", {std::string(64, 'n'), ""}, "x"));
  for (auto const& name : {std::string(), std::string(65, 'n')})
    refused(set_attribute(open.registry, "f", {name, ""}, "x"), Errc::invalid_argument, "1 to 64");
  for (int i = 2; i < 256; ++i)
    CHECK(set_attribute(open.registry, "f", {std::to_string(i), ""}, "x"));
  refused(set_attribute(open.registry, "f", {"one more", ""}, "x"), Errc::invalid_argument, "256");
  CHECK(set_attribute(open.registry, "f", {"a", ""}, "another value"));
  CHECK(set_attribute(open.registry, "f", {"a", ""}, std::nullopt));
  CHECK(set_attribute(open.registry, "f", {"one more", ""}, "x"));
}

TEST_CASE("settings survive an update of their function, and a restart") {
  TempDir dir;
  FunctionSettings before;
  {
    auto open = with_two(dir / "db");
    CHECK(reserve(open.registry, "f", 5));
    CHECK(provision(open.registry, "f", "live", 3));
    CHECK(set_attribute(open.registry, "f", {"tags", ""}, std::string("\0ü\"", 4)));
    CHECK(set_attribute(open.registry, "f", {"policy", "1"}, ""));
    before = open.registry.settings("f");
    CHECK(put(open.registry, info(function("f"), "uuid-2")));
    CHECK(open.registry.settings("f") == before);
  }
  auto open = opened_at(dir / "db");
  CHECK(open.registry.settings("f") == before);
  CHECK(before.provisioned.at("live") == Provision{3, SystemTime(std::chrono::nanoseconds(17))});
  CHECK(open.registry.settings("g") == FunctionSettings{});
  std::vector<std::string> visited;
  open.registry.each_settings([&](FunctionName const& name, FunctionSettings const& settings) {
    visited.push_back(name.name);
    return settings == before;
  });
  CHECK(visited == std::vector<std::string>{"f"});
  // The sums are checked against what was there before.
  refused(reserve(open.registry, "g", 896, kThousand), Errc::invalid_argument, kTooLittleLeft);
}

TEST_CASE("a function may be made together with its attributes, which are then durable") {
  TempDir dir;
  FunctionSettings settings;
  settings.attributes = {{{"tags", ""}, "{}"}};
  {
    auto open = opened_at(dir / "db");
    auto const added = made<FunctionInfo>([&](auto done) {
      open.registry.add(info(function("f")), Keep::durable, std::move(done), settings);
    });
    CHECK(added);
    CHECK(open.registry.settings("f") == settings);
  }
  CHECK(opened_at(dir / "db").registry.settings("f") == settings);
}

TEST_CASE("what hangs on a function of one process goes with it at the next open") {
  TempDir dir;
  {
    auto open = opened_at(dir / "db");
    CHECK(add(open.registry, info(function("host")), Keep::this_process));
    CHECK(add(open.registry, alias("host", "live", "$LATEST")));
    CHECK(reserve(open.registry, "host", 900));
    CHECK(provision(open.registry, "host", "live", 1));
    CHECK(set_attribute(open.registry, "host", {"tags", ""}, "{}"));
  }
  auto open = opened_at(dir / "db");
  CHECK(open.registry.settings("host") == FunctionSettings{});
  CHECK(open.registry.aliases("host", "", 10).empty());
  CHECK(add(open.registry, info(function("f"))));
  CHECK(reserve(open.registry, "f", 900, kThousand));
  FunctionSettings settings;
  settings.attributes = {{{"tags", ""}, "{}"}};
  CHECK(made<FunctionInfo>([&](auto done) {
    open.registry.add(info(function("host")), Keep::durable, std::move(done), settings);
  }));
}
