#include "posture/golden.hpp"

#include <doctest/doctest.h>

using namespace faas::test;

namespace {

constexpr Situation kColdRoot{0, 0}, kThreadDelegated{2, 1}, kColdUser{0, 2};

Golden accepted_everywhere(Golden golden, Lines const& found) {
  for (std::size_t call = 0; call < kCalls.size(); ++call)
    for (std::size_t rights = 0; rights < kRights.size(); ++rights)
      golden.accept({call, rights}, found);
  return golden;
}

}  // namespace

TEST_CASE("a line without a tag is expected everywhere, one with a tag only there") {
  Golden const golden(
      "# why\nsame\n[thread] two\n[cold tenth] one\n[cold unprivileged] here\nend\n");
  CHECK(golden.expected(kColdRoot) == Lines{"same", "one", "end"});
  CHECK(golden.expected(kThreadDelegated) == Lines{"same", "two", "end"});
  CHECK(golden.expected(kColdUser) == Lines{"same", "one", "here", "end"});
}

TEST_CASE("what was found everywhere is accepted as one text without tags") {
  CHECK(accepted_everywhere(Golden(""), {"a", "b"}).text() == "a\nb\n");
}

TEST_CASE("what changes in one situation gets a tag, and comments stay where they are") {
  auto golden = accepted_everywhere(Golden("# top\na\n# why\nb\nc\n"), {"a", "b", "c"});
  golden.accept(kColdUser, {"a", "B", "c"});
  CHECK(golden.expected(kColdUser) == Lines{"a", "B", "c"});
  CHECK(golden.expected(kColdRoot) == Lines{"a", "b", "c"});
  CHECK(golden.text() ==
        "# top\na\n# why\n[root delegated] b\n[tenth thread unprivileged] b\n"
        "[cold unprivileged] B\nc\n");
  CHECK(Golden(golden.text()).text() == golden.text());
  golden.accept(kColdUser, {"a", "b", "c"});
  CHECK(golden.text() == "# top\na\n# why\nb\nc\n");
}

TEST_CASE("a difference without a comment above it is named") {
  CHECK(Golden("[root] a\n# why\n[root] b\n[delegated] c\nd\n[cold] e\n").unexplained() ==
        Lines{"a", "e"});
}

TEST_CASE("a tag nobody knows is an error, not a line") { CHECK_THROWS(Golden("[warm] a\n")); }
