#include "code/path_set.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::code;

TEST_CASE("a set of paths has each name once, in one kind and one case") {
  using Kind = PathSet::Kind;
  PathSet set;
  auto complaint = [&](std::string_view path, Kind kind) {
    return set.add(path, kind).value_or("none");
  };
  CHECK(complaint("a/b", Kind::file) == "none");
  CHECK(complaint("a", Kind::directory) == "none");  // implied before, named now
  CHECK(complaint("a/c/d", Kind::file) == "none");
  CHECK(set.size() == 4);
  CHECK(set.directories() == std::vector<std::string>{"a", "a/c"});
  CHECK(set.name_bytes() == 1 + 3 + 3 + 5);

  CHECK(complaint("a/b", Kind::file) == "its name appears twice");
  CHECK(complaint("a", Kind::directory) == "its name appears twice");
  CHECK(complaint("a/B", Kind::file) == "another entry's name differs only in case: \"b\"");
  CHECK(complaint("A/x", Kind::file) == "another entry's name differs only in case: \"a\"");
  CHECK(complaint("a/b/x", Kind::file) == "\"a/b\" is a file and a directory at once");
  CHECK(complaint("a/b", Kind::directory) == "\"a/b\" is a file and a directory at once");
  CHECK(complaint("a/c", Kind::file) == "another entry uses it as a directory");
}

TEST_CASE("a component is one name only beneath one parent") {
  using Kind = PathSet::Kind;
  PathSet set;
  for (auto path : {"x", "a/x", "b/x", "b/a/x"}) CHECK_FALSE(set.add(path, Kind::file));
  CHECK(set.size() == 7);
  CHECK(set.directories() == std::vector<std::string>{"a", "b", "b/a"});
}

TEST_CASE("a deep path costs its names once, and implies its directories parents first") {
  using Kind = PathSet::Kind;
  PathSet set;
  CHECK_FALSE(set.add("a/b/c", Kind::directory));
  CHECK_FALSE(set.add("a/b/d", Kind::directory));
  CHECK(set.size() == 4);
  CHECK(set.directories() == std::vector<std::string>{"a", "a/b", "a/b/c", "a/b/d"});
  CHECK(set.name_bytes() == 1 + 3 + 5 + 5);
}

TEST_CASE("the case of letters beyond ASCII does not tell two names apart either") {
  using Kind = PathSet::Kind;
  PathSet set;
  CHECK_FALSE(set.add("\xc3\xa9", Kind::file));        // é
  CHECK(set.add("\xc3\x89", Kind::file).has_value());  // É
  CHECK_FALSE(set.add("\xc3\xa8", Kind::file));        // è
}

TEST_CASE("what has a name is found by it, to the letter") {
  using Kind = PathSet::Kind;
  PathSet set;
  CHECK_FALSE(set.add("a/file", Kind::file));
  CHECK_FALSE(set.add("a/link", Kind::link));
  CHECK_FALSE(set.add("b", Kind::directory));
  CHECK(set.find("a/file") == Kind::file);
  CHECK(set.find("a/link") == Kind::link);
  CHECK(set.find("a") == Kind::directory);
  CHECK(set.find("b") == Kind::directory);
  for (auto absent : {"A", "a/File", "c", "a/file/x", "b/x"}) CHECK_FALSE(set.find(absent));
  CHECK(set.add("a/link/x", Kind::file) == "\"a/link\" is a file and a directory at once");
  CHECK(set.add("a/link", Kind::file) == "its name appears twice");
}
