// Why each rule is there: somebody is named who needs it, and either a workload was seen to use it
// (tests/workloads/calls.txt, by record.py) or tests/workloads/unseen.txt says why none was.
#include <doctest/doctest.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sandbox/seccomp_rules.hpp"

using namespace faas;
using namespace faas::sandbox;

namespace {

std::string const kWorkloads = FAAS_SOURCE_DIR "/tests/workloads/";

// Libcs, runtimes, and programs that people run. "Old programs" or "event loops" are nobody.
char const* const kSomebody[] = {"glibc",
                                 "musl",
                                 "libc",  //
                                 "Go",
                                 "Rust",
                                 "Java",
                                 "Python",
                                 "Node",
                                 "libuv",
                                 "V8",
                                 "perl",
                                 "every runtime",  //
                                 "bash",
                                 "dash",
                                 "coreutils",
                                 "util-linux",
                                 "findutils",
                                 "tar",
                                 "install",
                                 "mkfifo",  //
                                 "cp",
                                 "mv",
                                 "ls",
                                 "touch",
                                 "ln",
                                 "df",
                                 "git",
                                 "curl",  //
                                 "SQLite",
                                 "PostgreSQL",
                                 "RocksDB",
                                 "LMDB",
                                 "Redis",
                                 "nginx",
                                 "Chromium",
                                 "tini",
                                 "GnuPG",  //
                                 "libsodium",
                                 "OpenSSL",
                                 "OpenMP",
                                 "OpenBLAS",
                                 "libffi",
                                 "libcap",
                                 "libevent",
                                 "Asio",
                                 "glib",
                                 "systemd libraries",
                                 "getaddrinfo",
                                 "the posture test"};

// As a word of its own: "cp" is not in "tcp".
bool names_somebody(std::string_view reason) {
  auto const is_letter = [&](std::size_t at) {
    return at < reason.size() && std::isalpha(static_cast<unsigned char>(reason[at])) != 0;
  };
  return std::any_of(std::begin(kSomebody), std::end(kSomebody), [&](std::string_view name) {
    auto const at = reason.find(name);
    return at != reason.npos && !(at > 0 && is_letter(at - 1)) && !is_letter(at + name.size());
  });
}

template <class Rule>
std::string told(Rule const& rule) {
  return std::string(rule.call) + ": " + rule.reason;
}

struct Line {
  std::string text;  // before the colon
  std::string call;
  std::array<std::uint64_t, 3> arguments{};
  std::string error;
  std::string rest;  // after the colon
};

// "call [0xargument ...] [ERRNO]: rest"
std::vector<Line> lines_of(std::string const& file) {
  std::ifstream in(kWorkloads + file);
  REQUIRE(in.good());
  std::vector<Line> lines;
  for (std::string text; std::getline(in, text);) {
    auto const colon = text.find(": ");
    if (text.empty() || text.front() == '#') continue;
    REQUIRE_MESSAGE(colon != text.npos, file << ": " << text);
    Line line{.text = text.substr(0, colon), .rest = text.substr(colon + 2)};
    std::istringstream words(line.text);
    words >> line.call;
    std::size_t i = 0;
    for (std::string word; words >> word;)
      word.starts_with("0x") ? void(line.arguments.at(i++) = std::stoull(word, nullptr, 16))
                             : void(line.error = word);
    lines.push_back(line);
  }
  REQUIRE(lines.size() > 10);
  return lines;
}

bool covers(CallRule const& rule, Line const& line) { return rule.call == line.call; }
bool covers(ArgumentRule const& rule, Line const& line) {
  return rule.call == line.call &&
         std::all_of(rule.compare, rule.compare + rule.compares, [&](Compare const& c) {
           return (line.arguments[c.argument] & c.mask) == c.value;
         });
}

unsigned class_of(std::string const& workload) {
  if (workload == "python" || workload == "numeric") return kPython;
  return workload == "node" ? kNode : kGeneral;
}

bool allowed(unsigned which, Line const& line) {
  auto const calls = call_rules();
  auto const arguments = argument_rules();
  return std::any_of(calls.begin(), calls.end(),
                     [&](auto& r) { return covers(r, line) && (r.classes & which); }) ||
         std::any_of(arguments.begin(), arguments.end(), [&](auto& r) { return covers(r, line); });
}

// As a line of unseen.txt begins: enough to tell this rule from the others of the same call.
std::string text_of(CallRule const& rule) { return rule.call; }
std::string text_of(ArgumentRule const& rule) {
  std::array<std::uint64_t, 3> arguments{};
  unsigned count = 0;
  for (int i = 0; i < rule.compares; ++i) {
    arguments[rule.compare[i].argument] = rule.compare[i].value;
    count = std::max(count, rule.compare[i].argument + 1);
  }
  std::ostringstream text;
  text << rule.call << std::hex;
  for (unsigned i = 0; i < count; ++i) text << " 0x" << arguments[i];
  return text.str();
}

template <class Rule>
void note_unseen(std::span<Rule const> rules, std::vector<Line> const& seen,
                 std::set<std::string>& unseen) {
  for (auto const& rule : rules)
    if (std::none_of(seen.begin(), seen.end(), [&](auto& line) { return covers(rule, line); }))
      unseen.insert(text_of(rule));
}

}  // namespace

TEST_CASE("every rule names the libc, the runtime or the program that needs it") {
  for (auto const& rule : call_rules()) CHECK_MESSAGE(names_somebody(rule.reason), told(rule));
  for (auto const& rule : argument_rules()) CHECK_MESSAGE(names_somebody(rule.reason), told(rule));
  for (auto const& rule : error_rules()) CHECK_MESSAGE(names_somebody(rule.reason), told(rule));
  CHECK_FALSE(names_somebody("old programs"));
  CHECK_FALSE(names_somebody("tcp clients, every Gopher"));
}

TEST_CASE("no call has two kinds of rule, but where memory is not counted or a class has one") {
  std::set<std::string> always, sometimes;
  for (auto const& rule : call_rules())
    CHECK_MESSAGE((rule.needs == Needs::nothing ? always : sometimes).insert(rule.call).second,
                  std::string(rule.call));
  for (auto const& rule : argument_rules())
    CHECK_MESSAGE((rule.call == std::string_view("setsockopt") ||
                   always.count(rule.call) + sometimes.count(rule.call) == 0),
                  std::string(rule.call));
  for (auto const& rule : error_rules())
    CHECK_MESSAGE(!always.contains(rule.call), std::string(rule.call));
}

TEST_CASE("what a workload was seen to use is allowed in its class") {
  for (auto const& line : lines_of("calls.txt")) {
    if (!line.error.empty()) continue;  // it went on without
    std::istringstream names(line.rest);
    for (std::string name; names >> name;)
      CHECK_MESSAGE(allowed(class_of(name), line), name << " uses " << line.text);
  }
}

TEST_CASE("a rule that no workload was seen to use is kept for a written reason, or goes") {
  std::set<std::string> unseen, kept;
  auto const seen = lines_of("calls.txt");
  note_unseen(call_rules(), seen, unseen);
  note_unseen(argument_rules(), seen, unseen);
  for (auto const& line : lines_of("unseen.txt")) {
    kept.insert(line.text);
    CHECK_MESSAGE(line.rest.size() > 20, line.text);
    CHECK_MESSAGE(unseen.contains(line.text), line.text << ": seen, or no rule any more");
  }
  for (auto const& rule : unseen) CHECK_MESSAGE(kept.contains(rule), rule);
}
