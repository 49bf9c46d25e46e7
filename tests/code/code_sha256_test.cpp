#include <doctest/doctest.h>

#include <faas/code_cache.hpp>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("the sum of an upload is known before it is stored, and is what the cache says") {
  CHECK(code_sha256("") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  TempDir directory;
  directory.write("f/app.py", "print(1)\n");
  auto const zip = pack(directory / "f");
  REQUIRE(zip);
  auto cache = CodeCache::open({directory / "cache", {}});
  REQUIRE(cache);
  CHECK(cache->store(std::filesystem::path(directory / "f"))->code_sha256 == code_sha256(*zip));
}
