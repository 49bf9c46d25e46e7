#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "support/case_log.hpp"

REGISTER_LISTENER("case log", 1, faas::test::CaseLog);

// What TSan asks the program for. Tests fork as hosts of the library do, beside its threads. glibc
// guards its time zone with a lock TSan does not see (libarchive asks for local time).
#define FAAS_ASKED_FOR extern "C" __attribute__((visibility("default")))
FAAS_ASKED_FOR char const* __tsan_default_options() { return "die_after_fork=0"; }
FAAS_ASKED_FOR char const* __tsan_default_suppressions() { return "race:tzset_internal\n"; }
