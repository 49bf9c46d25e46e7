// What the evidence table of SECURITY.md is checked against: one line a case, "pass", "FAIL" or
// "skip", a tab and "tests/dir/file.cpp: its sentence", at the end of the file that FAAS_CASE_LOG
// names.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

namespace faas::test {

// Set by skipped_unless: a case that left something out has shown nothing.
inline bool case_has_skipped = false;

class CaseLog final : public doctest::IReporter {
 public:
  explicit CaseLog(doctest::ContextOptions const&) {}

  void test_case_start(doctest::TestCaseData const& test) override {
    std::string const path = test.m_file.c_str();
    auto const at = path.rfind("/tests/");
    name_ = (at == path.npos ? path : path.substr(at + 1)) + ": " + test.m_name;
    pid_ = ::getpid();
    case_has_skipped = false;
  }
  void test_case_end(doctest::CurrentTestCaseStats const& stats) override {
    if (::getpid() != pid_) return;  // a child that a test forked and that ran on: not its case
    auto const* verdict = !stats.testCaseSuccess ? "FAIL\t"
                          : case_has_skipped     ? "skip\t"
                                                 : "pass\t";
    append(verdict + name_ + "\n");
  }

  void report_query(doctest::QueryData const&) override {}
  void test_run_start() override {}
  void test_run_end(doctest::TestRunStats const&) override {}
  void test_case_reenter(doctest::TestCaseData const&) override {}
  void test_case_exception(doctest::TestCaseException const&) override {}
  void subcase_start(doctest::SubcaseSignature const&) override {}
  void subcase_end() override {}
  void log_assert(doctest::AssertData const&) override {}
  void log_message(doctest::MessageData const&) override {}
  void test_case_skipped(doctest::TestCaseData const&) override {}

 private:
  // One write, because many programs append at once. Opened anew each time: no case finds a
  // descriptor of ours among its own.
  static void append(std::string const& line) {
    char const* path = std::getenv("FAAS_CASE_LOG");
    if (!path || !*path) return;
    int const fd = ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || ::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      std::cerr << "FAAS_CASE_LOG: cannot append to " << path << std::endl;
    if (fd >= 0) ::close(fd);
  }

  std::string name_;
  pid_t pid_ = 0;
};

}  // namespace faas::test
