// Attacks by memory and descriptors; and what one jail leaves for the next.
#include <sys/inotify.h>

#include "attacker.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::ptrdiff_t open_files() {
  auto const all = std::filesystem::directory_iterator("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

}  // namespace

TEST_CASE("a terabyte that is reserved and not used takes no memory") {  // B3
  Jails jails;
  auto const story = jails.run(attacker({"reserve"}));
  auto const answer = story.answer("reserve");
  CHECK((answer == "done" || answer == "ENOMEM"));
  CHECK(std::stol(story.answer("grown KiB")) < 1024);
  CHECK_FALSE(story.exited->out_of_memory);
  CHECK(story.exited->code == 0);
}

TEST_CASE("memory is locked up to the limit and no further") {  // B4
  Jails jails;
  CHECK(jails.run(attacker({"lock-memory"})).output ==
        "lock 4 KiB done\nlock 1 MiB ENOMEM\nlock all EPERM\n");
}

TEST_CASE("files are opened to the limit, and the host's are not fewer") {  // B5
  Jails jails;
  auto spec = attacker({"open-files"});
  CHECK(jails.run(spec).output == "files EMFILE\nlast descriptor 1023\n");
  spec = attacker({"open-files"});
  spec.open_files = 64;
  CHECK(jails.run(spec).output == "files EMFILE\nlast descriptor 63\n");
  jails.settle();
  auto const before = open_files();
  spec.id += "-again";
  CHECK(jails.run(spec).output == "files EMFILE\nlast descriptor 63\n");
  jails.settle();
  CHECK(open_files() == before);
}

TEST_CASE("twenty processes with all their files take what they may, and give it back") {  // B6
  Jails jails;
  auto const in_kernel = [] { return std::stol(slurp("/proc/sys/fs/file-nr")); };
  auto const before = in_kernel();
  auto running = jails.start(attacker({"open-files-in-all"}));
  // Each has a standard stream three times and both ends of a pipe beside them.
  CHECK(Jails::read(running, 12) == "files " + std::to_string(20 * (1024 - 5)) + "\n");
  auto const held = in_kernel();
  CHECK(held - before > 10'000);  // other tests open and close meanwhile
  CHECK(held - before < 30'000);
  jails.sandbox().kill(running.ticket);
  jails.end(running);
  auto left = in_kernel();
  for (int i = 0; i < 200 && left - before > 10'000; ++i) ::usleep(10'000), left = in_kernel();
  CHECK(left - before < 10'000);
}

TEST_CASE("a jail that has all the watches of its id takes none from another's") {  // B8
  Jails jails;
  auto first = jails.start(attacker({"watch-instances"}));
  auto const had = Jails::read(first, 12);
  CAPTURE(had);
  CHECK((had.ends_with(" EMFILE\n")));
  CHECK(std::stoi(had.substr(10)) > 0);
  auto second = jails.start(attacker({"watch-instances"}));
  auto const got = Jails::read(second, 12);
  // An ordinary user's jails have one id, and share what the kernel counts by id (SECURITY.md).
  if (jails.sandbox().privilege() == Privilege::root) {
    CHECK(got == had);
    CHECK(static_cast<bool>(sys::Fd(::inotify_init1(IN_CLOEXEC))));  // nor the host's root its own
  }
  CHECK(jails.attempt({"hello"}).output == "hello\n");
  for (auto* running : {&first, &second}) {
    jails.sandbox().kill(running->ticket);
    jails.end(*running);
  }
}

TEST_CASE("large pipes are refused before they are many") {  // B7
  Jails jails;
  auto const story = jails.run(attacker({"large-pipes"}));
  CAPTURE(story.output);
  auto const why = story.answer("refused by");
  // The kernel counts pages of pipes for each id of the host; an ordinary user's jails share one,
  // and what else that user has may have left them none.
  CHECK(why == "EPERM");
  CHECK(std::stol(story.answer("large pipes")) < 100);
}

TEST_CASE("nothing of one jail is there in the next, not with its host id either") {  // B20, O4
  auto options = jail_options();
  options.uid_base = 200'000'000;
  options.uid_count = 1;
  Jails jails(options);
  auto const left = jails.run(attacker({"leave-traces"}));
  CHECK(left.output == "/tmp/trace done\n/tmp/.hidden done\n/dev/shm/trace done\n");
  CHECK(jails.run(attacker({"look-for-traces"})).output ==
        "files in /tmp 0\nfiles in /dev/shm 0\nenvironment clean\nprocesses 1\n"
        "old bytes in memory 0\nold bytes in a file 0\nold bytes beside a write 0\n");
}
