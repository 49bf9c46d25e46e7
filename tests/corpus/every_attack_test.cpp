// The attacks that tests/sandbox/attacks_*_test.cpp judge one by one, made by a whole function:
// after each of them holds what must hold after every attack (corpus.hpp).
#include "corpus/corpus.hpp"

using namespace faas;
using namespace faas::test;

namespace {

void after_each_of(std::initializer_list<char const*> attacks, Limits limits) {
  Corpus corpus("attacker");
  for (std::string const attack : attacks) {
    CAPTURE(attack);
    auto const seen = corpus.attack(attack, limits);
    CAPTURE(seen.payload);
    CHECK(seen.ok());
    CHECK(seen.says("ended: exit 0"));
  }
}

}  // namespace

TEST_CASE("attacks on processes leave everything else as it was") {
  after_each_of({"orphans", "scheduling", "limits", "thread-status", "run-foreign",
                 "run-from-descriptors", "identity"},
                {.timeout = 40s});
}

TEST_CASE("attacks on the network leave everything else as it was") {
  after_each_of({"sockets", "scan"}, {.timeout = 40s});
}

TEST_CASE("attacks on memory and descriptors leave everything else as it was") {
  after_each_of(
      {"reserve", "lock-memory", "open-files", "large-pipes", "leave-traces", "look-for-traces"},
      {.timeout = 40s});
}

TEST_CASE("attacks on files leave everything else as it was") {
  after_each_of({"sparse", "write-mounts", "flood-links", "climb", "climb-here", "write-kernel",
                 "write-programs", "splice-code", "device-nodes", "root-kinds"},
                {.memory = 512_MiB, .timeout = 40s});
}

TEST_CASE("attacks that go on until they are killed leave everything else as it was") {
  Corpus corpus("attacker");
  for (std::string const attack :
       {"threads-sleep", "open-files-in-all", "watch-instances", "deep"}) {
    CAPTURE(attack);
    CHECK(corpus.attack(attack, {.memory = 512_MiB, .timeout = 4s}).status == Status::timed_out);
  }
}
