// What a jail may use has an end, and it is the jail that notices.
#include "jails.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a fork bomb ends at the wish's processes") {
  Jails jails;
  auto spec = Jails::victim({"fork-bomb"});
  spec.processes = 50;
  auto const story = jails.run(spec);
  CHECK(story.output == "forks 49 EAGAIN\n");  // the bomb itself is the fiftieth
}

TEST_CASE("threads count as processes") {
  Jails jails;
  auto spec = Jails::victim({"thread-bomb"});
  spec.processes = 50;
  CHECK(jails.run(spec).output == "threads 49 EAGAIN\n");
}

TEST_CASE("two jails do not share their limit of processes") {
  Jails jails;
  auto spec = Jails::victim({"sleep"});
  spec.processes = 20;
  auto running = jails.start(spec);
  auto bomb = Jails::victim({"fork-bomb"});
  bomb.processes = 20;
  CHECK(jails.run(bomb).output == "forks 19 EAGAIN\n");
  jails.sandbox().kill(running.ticket);
  jails.end(running);
}

TEST_CASE("private memory ends at the limit") {
  Jails jails;
  auto spec = Jails::victim({"memory", "private"});
  spec.memory = 64_MiB;
  auto const story = jails.run(spec);
  if (jails.sandbox().degraded()) {
    CHECK(story.output.starts_with("refused at "));  // RLIMIT_DATA: the program is told
    CHECK(story.output.find("ENOMEM") != std::string::npos);
  } else {
    CHECK(story.exited->out_of_memory);
  }
  CHECK(story.exited->max_memory >= 40_MiB);
  CHECK(story.exited->max_memory <= 72_MiB);
}

TEST_CASE("shared anonymous memory, which no rlimit counts, ends the jail") {
  Jails jails;
  auto spec = Jails::victim({"memory", "shared"});
  spec.memory = 64_MiB;
  auto const story = jails.run(spec);
  CHECK(story.exited->out_of_memory);
  CHECK(story.exited->signal == 9);
}

TEST_CASE("memory files are charged, or not to be had") {
  Jails jails;
  auto spec = Jails::victim({"memory", "memfd"});
  spec.memory = 64_MiB;
  auto const story = jails.run(spec);
  if (jails.sandbox().degraded())
    CHECK(story.output == "refused at 0 MiB ENOSYS\n");
  else
    CHECK(story.exited->out_of_memory);
}

TEST_CASE("a full /tmp is ENOSPC, not the end, and neither is having too many files") {
  Jails jails;
  auto spec = Jails::victim({"fill-tmp"});
  spec.memory = 32_MiB;
  spec.tmp = 40_MiB;
  auto const story = jails.run(spec);
  CHECK(story.exited->code == 0);
  CHECK(story.answer("bytes") == std::to_string(40 << 20) + " ENOSPC");
  CHECK(story.answer("files") ==
        std::to_string((32 << 20) / 4096 - 1) + " ENOSPC");  // one is /tmp itself
}

TEST_CASE("files of /tmp that are mapped are not held against the memory") {
  Jails jails;
  auto spec = Jails::victim({"map-tmp"});
  spec.memory = 32_MiB;
  spec.tmp = 128_MiB;
  auto const story = jails.run(spec);
  CHECK(story.output == "mapped 96 MiB\n");
  CHECK_FALSE(story.exited->out_of_memory);
  CHECK(story.exited->code == 0);
}

TEST_CASE("the core limit is 1 and stays 1, however it is asked") {
  Jails jails;
  auto const story = jails.attempt({"core-limit"});
  CHECK(story.answer("prlimit64") == "EPERM");
  CHECK(story.answer("prlimit64-high") == "EPERM");
  CHECK(story.answer("prlimit64-pid") == "EPERM");
#ifdef __x86_64__
  CHECK(story.answer("setrlimit") == "EPERM");
#endif
  CHECK(story.answer("core") == "1 1");
}

TEST_CASE("the peak of memory can be asked while a jail lives") {
  Jails jails;
  auto running = jails.start(Jails::victim({"sleep"}));
  Jails::read(running, 6);
  CHECK(jails.sandbox().max_memory(running.ticket) > Bytes{0});
  jails.sandbox().kill(running.ticket);
  CHECK(jails.end(running).max_memory > Bytes{0});
  CHECK(jails.sandbox().max_memory(running.ticket) == Bytes{0});
}
