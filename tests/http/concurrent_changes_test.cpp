// Two changes of one thing at once: each is made after the other or refused with 409; nothing that
// was answered with success is lost.
#include <future>

#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr int kClients = 8;
constexpr int kEach = 6;

// What every client was answered, all at once.
template <class F>
std::vector<Answer> at_once(F ask) {
  std::vector<std::future<std::vector<Answer>>> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.push_back(std::async(std::launch::async, [client, &ask] {
      std::vector<Answer> answers;
      for (int i = 0; i < kEach; ++i) answers.push_back(ask(client * kEach + i));
      return answers;
    }));
  }
  std::vector<Answer> all;
  for (auto& client : clients) {
    auto answers = client.get();
    std::move(answers.begin(), answers.end(), std::back_inserter(all));
  }
  return all;
}

// How many succeeded; every other one is a conflict.
int successes(std::vector<Answer> const& answers) {
  int count = 0;
  for (auto const& answer : answers) {
    CAPTURE(answer.text);
    if (answer.status / 100 == 2)
      ++count;
    else
      CHECK(answer.exception == "ResourceConflictException");
  }
  CHECK(count > 0);
  return count;
}

}  // namespace

TEST_CASE("tags that are added at once are all there") {
  Control control({}, 4);
  control.create("f");
  auto const target = "/2017-03-31/tags/" + fetch::percent_encoded(std::string(kArn) + "f");
  auto const answers = at_once([&](int i) {
    return control.ask("POST", target, fmt::format(R"({{"Tags":{{"k{}":"v"}}}})", i));
  });
  CHECK(control.ask("GET", target).at("Tags").as_object().size() ==
        static_cast<std::size_t>(successes(answers)));
}

TEST_CASE("permissions that are added at once are all there") {
  Control control({}, 4);
  control.create("f");
  auto const answers = at_once([&](int i) {
    return control.ask("POST", "/2015-03-31/functions/f/policy",
                       fmt::format(R"({{"StatementId":"s{}","Action":"*","Principal":"*"}})", i));
  });
  auto const policy =
      json::parse(control.ask("GET", "/2015-03-31/functions/f/policy").string("Policy"));
  CHECK(policy.at("Statement").as_array().size() == static_cast<std::size_t>(successes(answers)));
}

TEST_CASE("one statement that many add is added once") {
  Control control({}, 4);
  control.create("f");
  auto const answers = at_once([&](int) {
    return control.ask("POST", "/2015-03-31/functions/f/policy",
                       R"({"StatementId":"s","Action":"*","Principal":"*"})");
  });
  CHECK(successes(answers) == 1);
}

TEST_CASE("of many that change code from one revision, one does") {
  Control control({}, 4);
  auto const revision = control.create("f").string("RevisionId");
  auto const zip = zip_of("#!/bin/true\n");
  int done = 0;
  for (auto const& answer : at_once([&](int) {
         return control.ask("PUT", "/2015-03-31/functions/f/code",
                            fmt::format(R"({{"ZipFile":"{}","RevisionId":"{}"}})", zip, revision));
       })) {
    if (answer.status == 200)
      ++done;
    else
      CHECK(answer.exception == "PreconditionFailedException");
  }
  CHECK(done == 1);
}

TEST_CASE("changes of code and of configuration at once are both made") {
  Control control({}, 4);
  auto const before = control.create("f");
  auto const zip = zip_of("#!/bin/true\n");
  auto const answers = at_once([&](int i) {
    return i % 2 == 0
               ? control.ask("PUT", "/2015-03-31/functions/f/code",
                             fmt::format(R"({{"ZipFile":"{}"}})", zip))
               : control.ask("PUT", "/2015-03-31/functions/f/configuration", R"({"Timeout":77})");
  });
  successes(answers);
  auto const after = control.ask("GET", "/2015-03-31/functions/f/configuration");
  CHECK(after.at("Timeout") == 77);
  CHECK_FALSE(after.at("CodeSha256") == before.at("CodeSha256"));
}

TEST_CASE("publishing at once gives one version of one state, and no number twice") {
  Control control({}, 4);
  control.create("f");
  std::set<std::string> same;
  for (auto const& answer :
       at_once([&](int) { return control.ask("POST", "/2015-03-31/functions/f/versions"); })) {
    CHECK(answer.status == 201);
    same.insert(answer.string("Version"));
  }
  CHECK(same == std::set<std::string>{"1"});
  auto const answers = at_once([&](int i) {
    control.ask("PUT", "/2015-03-31/functions/f/configuration",
                fmt::format(R"({{"Description":"{}"}})", i));
    return control.ask("POST", "/2015-03-31/functions/f/versions");
  });
  auto const listed =
      all_pages(control, "/2015-03-31/functions/f/versions", "Versions", "Version", 50);
  std::set<std::string> const numbers(listed.begin(), listed.end());
  CHECK(numbers.size() == listed.size());
  CHECK(numbers.size() > 2);
  for (auto const& answer : answers) {
    CHECK(answer.status == 201);
    CHECK(numbers.contains(answer.string("Version")));
  }
}

TEST_CASE("an alias that many make is made once") {
  Control control({}, 4);
  control.create("f");
  auto const answers = at_once([&](int) {
    return control.ask("POST", "/2015-03-31/functions/f/aliases",
                       R"({"Name":"live","FunctionVersion":"$LATEST"})");
  });
  CHECK(successes(answers) == 1);
}
