#include "sys/text_file.hpp"

#include "words.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a file of the kernel is read whole although it says that it is empty") {
  auto const status = sys::read_text("/proc/self/status");
  REQUIRE(status.has_value());
  CHECK(status->find("Pid:\t" + std::to_string(::getpid()) + "\n") != std::string::npos);
  CHECK(status->back() == '\n');
}

TEST_CASE("a text longer than one read is read to its end, and one beyond 1 MiB to there") {
  TempDir const dir;
  std::string const longer(100'000, 'x');
  dir.write("long", longer + "end");
  CHECK(sys::read_text(dir / "long").value() == longer + "end");
  dir.write("huge", std::string((1 << 20) + 5, 'x'));
  CHECK(sys::read_text(dir / "huge").value().size() == 1 << 20);
}

TEST_CASE("a path is relative to the directory given") {
  TempDir const dir;
  dir.write("a/b", "text");
  auto const root = open_directory(dir.path());
  CHECK(sys::read_text(root.get(), "a/b").value() == "text");
  auto const missing = sys::read_text(root.get(), "a/c");
  CHECK((missing.error() == Error{Errc::not_found, "open a/c: No such file or directory", {}, {}}));
  CHECK(sys::read_text(root.get(), "a").error().message == "read a: Is a directory");
}

TEST_CASE("a value is taken by the kernel as a whole") {
  auto const self = open_directory("/proc/self");
  auto const before = sys::read_text(self.get(), "comm").value();
  REQUIRE(sys::write_text(self.get(), "comm", "a text test").has_value());
  CHECK(sys::read_text(self.get(), "comm").value() == "a text test\n");
  CHECK(sys::write_text(self.get(), "comm", before.substr(0, before.size() - 1)).has_value());
}

TEST_CASE("a value that the kernel refuses is named with its file") {
  auto const self = open_directory("/proc/self");
  auto const written = sys::write_text(self.get(), "oom_score_adj", "many");
  REQUIRE_FALSE(written.has_value());
  CHECK((written.error() ==
         Error{Errc::io, "write \"many\" to oom_score_adj: Invalid argument", {}, {}}));
}

TEST_CASE("no file is made by writing to one that is missing") {
  TempDir const dir;
  auto const root = open_directory(dir.path());
  CHECK(sys::write_text(root.get(), "new", "1").error().code == Errc::not_found);
  CHECK_FALSE(exists(dir / "new"));
}
