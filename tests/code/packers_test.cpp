// One directory packed by the tools people use, in tests/code/data/packers: Info-ZIP (to a file, to
// a pipe, with zip64), Python's zipfile (to a file, to a stream, with zip64), Go, libarchive (cmake
// -E tar).
#include <doctest/doctest.h>

#include <clocale>

#include "code/fixture.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string const kTree =
    "0755 bin/\n0755 bin/run #!/bin/sh\n\n0644 caf\xc3\xa9.txt x\n\n0755 empty/\n"
    "0644 index.py def handler(e, c):\n    return 1\n\n0644 zeros " +
    std::string(3'000, '\0') + "\n";

}  // namespace

TEST_CASE("what the usual packers make of a directory is one package, whoever packed it") {
  Workshop shop;
  std::vector<std::string> digests;
  fs::path const packers = FAAS_SOURCE_DIR "/tests/code/data/packers";
  for (auto const& name : names_in(packers)) {
    CAPTURE(name);
    auto const package = shop.cache().store(packers / name);
    REQUIRE(package.has_value());
    digests.push_back(package->digest.hex);
    CHECK(describe(shop.cache().pin(package->digest).value().path()) == kTree);
  }
  REQUIRE(digests.size() == 9);
  for (auto const& digest : digests) CHECK(digest == digests[0]);
}

TEST_CASE("the locale of the process changes no name") {
  std::string const before = std::setlocale(LC_ALL, nullptr);
  for (auto locale : {"C", "C.UTF-8", "POSIX"}) {
    if (std::setlocale(LC_ALL, locale) == nullptr) continue;  // not every host has them all
    CAPTURE(locale);
    Workshop shop;
    auto const zip =
        ZipBuilder().add("\xe6\x97\xa5\xe6\x9c\xac.py", "1", 0100644, {.flags = 1 << 11}).finish();
    auto const tree = shop.cache().pin(shop.store(zip).value().digest).value();
    CHECK(describe(tree.path()) == "0644 \xe6\x97\xa5\xe6\x9c\xac.py 1\n");
    CHECK(shop.store(pack(tree.path()).value()).value().digest ==
          Digest{tree.path().filename().string()});
  }
  std::setlocale(LC_ALL, before.c_str());
}
