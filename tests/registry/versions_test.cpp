#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "support/temp_dir.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::Registry;

namespace {

std::vector<std::string> numbers(std::vector<FunctionInfo> const& list) {
  std::vector<std::string> out;
  for (auto const& i : list) out.push_back(i.version);
  return out;
}

registry::Publish of(std::string name) {
  registry::Publish wish;
  wish.function = FunctionName(std::move(name));
  return wish;
}

}  // namespace

TEST_CASE("a version is $LATEST as it was, and stays so whatever becomes of $LATEST") {
  auto open = opened_at("");
  CHECK(add(open.registry, info(function("f"))));
  auto wish = of("f");
  wish.revision_uuid = "of version 1";
  wish.now = SystemTime(std::chrono::seconds(99));
  auto const one = publish(open.registry, wish).value();
  CHECK(one.version == "1");
  CHECK(one.function == function("f"));
  CHECK(one.revision_uuid == "of version 1");
  CHECK(one.last_modified == wish.now);
  CHECK(one.revision != open.registry.find("f")->revision);

  auto changed = function("f");
  changed.code = {std::string(64, 'b')};
  changed.environment["a"] = "b";
  CHECK(put(open.registry, info(changed, "uuid-2")));
  auto const still = open.registry.get("f", "1").value();
  CHECK(still.function == function("f"));
  CHECK(still.revision == one.revision);
  CHECK(still.revision_uuid == "of version 1");
  CHECK(open.registry.get("f").value().function == changed);
  CHECK(open.registry.get("f").value().version == "$LATEST");
  CHECK(open.registry.get("f", "$LATEST").value().revision_uuid == "uuid-2");
}

TEST_CASE("what has not changed since the newest version makes no new one") {
  auto open = opened_at("");
  CHECK(add(open.registry, info(function("f"))));
  auto const one = publish(open.registry, "f").value();
  auto wish = of("f");
  wish.description = "another";
  CHECK(publish(open.registry, wish).value().version == "1");
  CHECK(open.registry.get("f", "1").value().function.description.empty());
  // The same again, by an update.
  CHECK(put(open.registry, info(function("f"), "uuid-2")));
  auto const again = publish(open.registry, "f").value();
  CHECK(again.version == "1");
  CHECK(again.revision_uuid == one.revision_uuid);
  CHECK(publish_code(open.registry, "f", 'b').value().version == "2");
  // Not the newest: what version 1 was is version 3 now.
  CHECK(publish_code(open.registry, "f", 'a').value().version == "3");
  CHECK(numbers(open.registry.versions("f", 0, 10)) == std::vector<std::string>{"1", "2", "3"});
}

TEST_CASE("a version has the description it was published with, or that of $LATEST") {
  auto open = opened_at("");
  auto f = function("f");
  f.description = "latest";
  CHECK(add(open.registry, info(f)));
  CHECK(publish(open.registry, "f").value().function.description == "latest");
  f.code = {std::string(64, 'b')};
  CHECK(put(open.registry, info(f)));
  auto wish = of("f");
  wish.description = "canary";
  CHECK(publish(open.registry, wish).value().function.description == "canary");
  CHECK(open.registry.get("f").value().function.description == "latest");
}

TEST_CASE("a publication that expects another $LATEST is refused, and no number is spent") {
  auto open = opened_at("");
  CHECK(add(open.registry, info(function("f"), "current")));
  auto wish = of("f");
  wish.expected_revision = "stale";
  auto const stale = publish(open.registry, wish);
  CHECK(stale.error().code == Errc::conflict);
  CHECK(stale.error().reason == "PreconditionFailedException");
  CHECK(stale.error().message.find("stale") != std::string::npos);
  wish.expected_revision = "current";
  wish.code_sha256 = "another";
  auto const other_code = publish(open.registry, wish);
  CHECK(other_code.error().code == Errc::invalid_argument);
  CHECK(other_code.error().message.find("is different from current CodeSHA256 in $LATEST") !=
        std::string::npos);
  wish.code_sha256 = info(function("f")).code_sha256;
  CHECK(publish(open.registry, wish).value().version == "1");
  CHECK(publish(open.registry, "none").error().code == Errc::not_found);
}

TEST_CASE("a number is never given twice, not after its version went nor after its function did") {
  TempDir dir;
  {
    auto open = opened_at(dir / "db");
    CHECK(add(open.registry, info(function("f"))));
    CHECK(publish(open.registry, "f").value().version == "1");
    CHECK(publish_code(open.registry, "f", 'b').value().version == "2");
    CHECK(remove_version(open.registry, "f", 2));
    CHECK(publish_code(open.registry, "f", 'b').value().version == "3");
    CHECK(remove(open.registry, "f"));
    CHECK(open.registry.versions("f", 0, 10).empty());
    CHECK(open.registry.get("f", "3").error().code == Errc::not_found);
  }
  auto open = opened_at(dir / "db");
  CHECK(add(open.registry, info(function("f"))));
  CHECK(publish(open.registry, "f").value().version == "4");
  CHECK(add(open.registry, info(function("other"))));
  CHECK(publish(open.registry, "other").value().version == "1");
}

TEST_CASE("versions are listed by number, page by page") {
  auto open = opened_at("");
  CHECK(add(open.registry, info(function("f"))));
  std::vector<std::string> all;
  for (int i = 1; i <= 12; ++i) {
    all.push_back(std::to_string(i));
    CHECK(publish_code(open.registry, "f", i % 2 ? 'b' : 'c').value().version == all.back());
  }
  CHECK(numbers(open.registry.versions("f", 0, 100)) == all);
  CHECK(numbers(open.registry.versions("f", 8, 3)) == std::vector<std::string>{"9", "10", "11"});
  CHECK(open.registry.versions("f", 12, 3).empty());
  CHECK(open.registry.versions("none", 0, 3).empty());
}

TEST_CASE("a version is not removed while an alias points at it, or gives it a share") {
  auto open = opened_at("");
  CHECK(add(open.registry, info(function("f"))));
  for (char code : {'b', 'c', 'd'}) CHECK(publish_code(open.registry, "f", code));
  CHECK(add(open.registry, alias("f", "live", "1")));
  auto canary = alias("f", "canary", "3");
  canary.weights = {{"1", 0.0}};
  CHECK(add(open.registry, canary));
  auto const refused = remove_version(open.registry, "f", 1);
  CHECK(refused.error().code == Errc::conflict);
  CHECK(refused.error().reason == "ResourceConflictException");
  CHECK(refused.error().message.find("canary, live") != std::string::npos);
  CHECK(remove_alias(open.registry, "f", "live"));
  CHECK(remove_version(open.registry, "f", 1).error().message.find("canary") != std::string::npos);
  CHECK(open.registry.get("f", "1"));
  CHECK(remove_alias(open.registry, "f", "canary"));
  CHECK(remove_version(open.registry, "f", 1));
  CHECK(open.registry.get("f", "1").error().code == Errc::not_found);
  CHECK_FALSE(open.registry.resolve("f", "1", 0));
  CHECK(remove_version(open.registry, "f", 1).error().code == Errc::not_found);
  CHECK(remove_version(open.registry, "none", 1).error().code == Errc::not_found);
}

TEST_CASE("a version takes its settings along, and those of others stay") {
  TempDir dir;
  auto const left = [&](Registry const& r) {
    auto const settings = r.settings("f");
    CHECK(settings.provisioned.size() == 1);
    CHECK(settings.provisioned.contains("2"));
    CHECK(settings.attributes ==
          std::map<AttributeKey, std::string>{{{"policy", "2"}, "b"}, {{"policy", ""}, "c"}});
  };
  {
    auto open = opened_at(dir / "db");
    CHECK(add(open.registry, info(function("f"))));
    for (char code : {'b', 'c'}) CHECK(publish_code(open.registry, "f", code));
    for (auto const version : {"1", "2"}) CHECK(provision(open.registry, "f", version, 1));
    CHECK(set_attribute(open.registry, "f", {"policy", "1"}, "a"));
    CHECK(set_attribute(open.registry, "f", {"policy", "2"}, "b"));
    CHECK(set_attribute(open.registry, "f", {"policy", ""}, "c"));
    CHECK(remove_version(open.registry, "f", 1));
    left(open.registry);
  }
  left(opened_at(dir / "db").registry);
}

TEST_CASE("versions are there after a restart exactly as they were") {
  TempDir dir;
  std::vector<FunctionInfo> before;
  auto f = function("f");
  f.layers = {{std::string(64, 'e')}};
  f.environment = {{"a", "b"}};
  {
    auto open = opened_at(dir / "db");
    CHECK(add(open.registry, info(f)));
    CHECK(publish(open.registry, "f"));
    CHECK(publish_code(open.registry, "f", 'c'));
    before = open.registry.versions("f", 0, 10);
  }
  auto open = opened_at(dir / "db");
  auto const after = open.registry.versions("f", 0, 10);
  REQUIRE(after.size() == 2);
  CHECK(after[0].function == f);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(after[i].function == before[i].function);
    CHECK(after[i].revision == before[i].revision);
    CHECK(after[i].revision_uuid == before[i].revision_uuid);
    CHECK(after[i].last_modified == before[i].last_modified);
    CHECK(after[i].code_sha256 == before[i].code_sha256);
  }
  CHECK(open.registry.revision("f", "2") == before[1].revision);
  // Nothing has changed, also for who opened it now.
  CHECK(publish(open.registry, "f").value().version == "2");
}

TEST_CASE("code is in use and counts once for as long as $LATEST or a version has it") {
  TempDir dir;
  Digest const a{std::string(64, 'a')}, b{std::string(64, 'b')};
  auto const usage = [](Registry const& r) { return r.usage(kDefaultAccount).code.count; };
  {
    auto open = opened_at(dir / "db");
    CHECK(add(open.registry, info(function("f"))));
    CHECK(publish(open.registry, "f"));
    CHECK(usage(open.registry) == 1234);  // $LATEST and a version
    CHECK(publish(open.registry, "f"));   // again, and it is still one that holds it
    CHECK(publish_code(open.registry, "f", 'b'));
    CHECK(usage(open.registry) == 2 * 1234);
  }
  auto open = opened_at(dir / "db");
  CHECK(usage(open.registry) == 2 * 1234);
  CHECK(open.registry.usage(kDefaultAccount).functions == 1);
  CHECK(open.registry.uses(a));                               // by version 1 alone
  CHECK(publish(open.registry, "f").value().version == "2");  // the same again holds nothing more
  CHECK(remove_version(open.registry, "f", 1));
  CHECK_FALSE(open.registry.uses(a));
  CHECK(usage(open.registry) == 1234);
  CHECK(remove(open.registry, "f"));
  CHECK_FALSE(open.registry.uses(b));
  CHECK(usage(open.registry) == 0);
}

TEST_CASE("a version that cannot be read is told and not served; the others are") {
  TempDir dir;
  {
    auto open = opened_at(dir / "db");
    CHECK(add(open.registry, info(function("f"))));
    for (char code : {'b', 'c', 'd', 'e'}) CHECK(publish_code(open.registry, "f", code));
    CHECK(add(open.registry, alias("f", "live", "2")));
    execute(*open.store, "UPDATE versions SET info = substr(info, 1, 40) WHERE version = 2");
    execute(*open.store,
            "UPDATE versions SET info = (SELECT info FROM versions WHERE version = 1)"
            " WHERE version = 3");
    execute(*open.store, "UPDATE versions SET revision = 99 WHERE version = 4");
  }
  auto open = opened_at(dir / "db");
  CHECK(numbers(open.registry.versions("f", 0, 10)) == std::vector<std::string>{"1"});
  REQUIRE(open.registry.damaged().size() == 3);
  for (auto const& damage : open.registry.damaged()) {
    CHECK(damage.function == FunctionName("f"));
    CHECK(damage.error.code == Errc::corrupt);
  }
  for (auto const qualifier : {"2", "3", "4", "live"}) {
    CHECK_FALSE(open.registry.resolve("f", qualifier, 0));
    CHECK(open.registry.get("f", qualifier).error().code == Errc::not_found);
  }
  CHECK(open.registry.get("f"));
  CHECK(publish(open.registry, "f").value().version == "5");
  CHECK(remove_version(open.registry, "f", 3));
  CHECK(remove(open.registry, "f"));
  CHECK(open.registry.usage(kDefaultAccount).code.count == 0);
}

TEST_CASE("nothing is published from a $LATEST that is another's") {
  auto open = opened_at("");
  for (auto const name : {"f", "g"}) CHECK(add(open.registry, info(function(name))));
  execute(*open.store,
          "UPDATE functions SET info = (SELECT info FROM functions WHERE name = 'g')"
          " WHERE name = 'f'");
  CHECK(publish(open.registry, "f").error().code == Errc::corrupt);
  CHECK(open.registry.versions("f", 0, 10).empty());
  CHECK(open.registry.versions("g", 0, 10).empty());
  CHECK(put(open.registry, info(function("f"))));
  CHECK(publish(open.registry, "f").value().version == "1");
}

namespace {

// In the child: state after state of "f", published, and "live" moved to it, until it is killed.
// Tells each that is durable.
[[noreturn]] void publish_until_killed(std::string const& path, int acknowledged) {
  auto open = opened_at(path);
  auto f = function("f");
  if (!open.registry.find("f") && !add(open.registry, info(f))) ::_exit(3);
  for (;;) {
    auto const old = open.registry.versions("f", 0, 1'000'000);
    auto const state = std::to_string(old.size() + 1);
    f.description = state;
    if (!put(open.registry, info(f))) ::_exit(4);
    auto const version = publish(open.registry, "f");
    if (!version) ::_exit(5);
    bool moved = false;
    if (open.registry.alias("f", "live")) {
      auto wish = change_of("f", "live");
      wish.version = version->version;
      wish.description = state;
      moved = put(open.registry, wish).has_value();
    } else {
      auto live = alias("f", "live", version->version);
      live.description = state;
      moved = add(open.registry, live).has_value();
    }
    if (!moved) ::_exit(6);
    auto const number = std::stoul(version->version);
    if (::write(acknowledged, &number, sizeof number) != sizeof number) ::_exit(7);
  }
}

// The last one that was told.
std::size_t killed_while_publishing(std::string const& path, std::size_t at_least,
                                    unsigned pause_us) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  auto const child = ::fork();
  if (child == 0) publish_until_killed(path, ends[1]);
  ::close(ends[1]);
  std::size_t number = 0;
  for (std::size_t i = 0; i < at_least; ++i)
    REQUIRE(::read(ends[0], &number, sizeof number) == sizeof number);
  ::usleep(pause_us);
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  while (::read(ends[0], &number, sizeof number) == sizeof number) {
  }
  ::close(ends[0]);
  return number;
}

}  // namespace

TEST_CASE("killed while it publishes and moves an alias: the old state or the new, never a mix") {
  TempDir dir;
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    auto const told = killed_while_publishing(dir / "db", 3, random() % 3000);
    auto const open = opened_at(dir / "db");
    CHECK(open.registry.damaged().empty());
    auto const live = open.registry.alias("f", "live").value();
    auto const at = open.registry.get("f", live.version).value();
    CHECK(at.function.description == live.description);
    auto const number = *registry::version_number(live.version);
    CHECK(number >= told);
    auto const all = open.registry.versions("f", 0, 1'000'000);
    CHECK(all.size() >= number);  // one may be published that the alias has not got to
    CHECK(all.size() <= number + 1);
    for (auto const& one : all) CHECK(one.function.description == one.version);
    auto const latest = std::stoul(open.registry.get("f").value().function.description);
    CHECK(latest >= all.size());
    CHECK(latest <= all.size() + 1);
  }
}
