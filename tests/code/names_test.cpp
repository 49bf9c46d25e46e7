#include "code/names.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::code;

namespace {

std::string complaint(std::string_view path) { return complaint_about_path(path).value_or("none"); }

bool is_refused(std::string_view path, std::string_view why) {
  return complaint(path).find(why) != std::string::npos;
}

}  // namespace

TEST_CASE("ordinary names pass") {
  for (auto name : {"a", "index.py", "a/b/c", ".hidden", "..a", "a..", "...", "a b", "C", "c/d:e",
                    "caf\xc3\xa9/\xe6\x97\xa5\xe6\x9c\xac.py", "\xf0\x9f\x90\x8d.py", "a\nb"}) {
    CAPTURE(name);
    CHECK(complaint(name) == "none");
  }
}

TEST_CASE("names that leave the tree or mean different things to different readers do not") {
  CHECK(is_refused("", "empty"));
  CHECK(is_refused("/etc/passwd", "absolute"));
  CHECK(is_refused("//x", "absolute"));
  CHECK(is_refused("C:/x", "drive letter"));
  CHECK(is_refused("z:x", "drive letter"));
  CHECK(is_refused("C:", "drive letter"));
  CHECK(is_refused("..\\x", "backslash"));
  CHECK(is_refused("a\\b", "backslash"));
  CHECK(is_refused(std::string_view("a\0b", 3), "NUL"));
  for (auto name : {"..", "../x", "a/..", "a/../b", "a/b/../../../c"}) {
    CHECK(is_refused(name, "\"..\""));
  }
  for (auto name : {".", "./x", "a/.", "a/./b"}) CHECK(is_refused(name, "\".\""));
  for (auto name : {"a//b", "a/"}) CHECK(is_refused(name, "empty component"));
}

TEST_CASE("names have the kernel's lengths") {
  std::string const part(255, 'x');
  CHECK(complaint(part) == "none");
  CHECK(is_refused(part + "x", "component of 256 bytes, the limit is 255"));
  std::string path = part;
  while (path.size() + 256 <= 4095) path += '/' + part;
  CHECK(complaint(path) == "none");
  CHECK(path.size() == 4095);
  CHECK(is_refused(path + "x", "4096 bytes, the limit is 4095"));
  CHECK(is_refused(path + "xx", "4097 bytes"));
}

TEST_CASE("names have a depth that a removal can walk") {
  std::string path = "d";
  for (int i = 1; i < 128; ++i) path += "/d";
  CHECK(complaint(path) == "none");
  CHECK(is_refused(path + "/d", "more than 128 directories deep"));
}

TEST_CASE("names are UTF-8 of the shortest form") {
  for (auto bad :
       {"\xc0\xae\xc0\xae/x", "\xe0\x80\xae", "\xf0\x80\x80\xae", "\xc1\xbf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\x80", "a\xc3", "\xe6\x97", "\xc3("}) {
    CAPTURE(bad);
    CHECK(is_refused(bad, "UTF-8"));
  }
  for (auto good : {"\xc2\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80",
                    "\xf0\x90\x80\x80"}) {
    CAPTURE(good);
    CHECK(complaint(good) == "none");
  }
}

TEST_CASE("case folds for letters that come in pairs and leaves the rest") {
  CHECK(fold_case("README.md") == "readme.md");
  CHECK(fold_case("\xc3\x89t\xc3\xa9") == "\xc3\xa9t\xc3\xa9");           // Été
  CHECK(fold_case("\xce\x91\xce\xa3") == fold_case("\xce\xb1\xcf\x82"));  // ΑΣ and ας
  CHECK(fold_case("\xd0\x90\xd0\x81") == "\xd0\xb0\xd1\x91");             // АЁ
  CHECK(fold_case("\xe2\x84\xaa") == "k");                                // the Kelvin sign
  CHECK(fold_case("\xc5\xb8\xc5\xb9") == "\xc3\xbf\xc5\xba");             // ŸŹ
  CHECK(fold_case("\xe6\x97\xa5_\xf0\x9f\x90\x8d") == "\xe6\x97\xa5_\xf0\x9f\x90\x8d");
  CHECK(fold_case("\xc3\x97") == "\xc3\x97");  // the multiplication sign
}

TEST_CASE("a name is shown without its control characters and without its length") {
  CHECK(shown("a\x1b[2J\"\\\n\xff") == R"("a\x1b[2J\x22\x5c\x0a\xff")");
  CHECK(shown(std::string(10'000, 'x')).size() < 250);
}
