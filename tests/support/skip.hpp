// A skip is seen: it prints why, and it is a failure when FAAS_TEST_REQUIRE_ALL=1.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "support/case_log.hpp"

namespace faas::test {

// True where everything must run (the continuous integration), so that nothing may be skipped.
inline bool require_all() {
  char const* all = std::getenv("FAAS_TEST_REQUIRE_ALL");
  return all && std::string_view(all) == "1";
}

// if (test::skipped_unless(getuid() == 0, "needs root")) return;
// scripts/test collects the printed lines and repeats them at its end.
inline bool skipped_unless(bool available, std::string_view why) {
  if (available) return false;
  case_has_skipped = true;
  if (require_all()) FAIL("skipped although everything must run: " << std::string(why));
  char const* name = doctest::getContextOptions()->currentTest->m_name;
  std::cout << "SKIP: " << name << ": " << why << std::endl;
  return true;
}

}  // namespace faas::test
