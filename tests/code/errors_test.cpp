#include "code/errors.hpp"

#include <doctest/doctest.h>

#include "support/result.hpp"

using namespace faas;
using namespace faas::code;

TEST_CASE("a limit that was met is named with its value, under Lambda's reason") {
  auto const entries = too_many_entries(7);
  CHECK(entries.code == Errc::too_large);
  CHECK(entries.reason == "InvalidParameterValueException");
  CHECK(entries.message.find("more than 7 files and directories") != std::string::npos);
  CHECK(unpacked_too_large(9_B, "It has 10.").message ==
        "Unzipped size must be smaller than 9 bytes. It has 10.");
  auto const upload = upload_too_large(9_B, "it has 10");
  CHECK(upload.reason == "RequestEntityTooLargeException");
  CHECK(upload.message.find("at most 9 bytes") != std::string::npos);
  CHECK(upload.message.find("it has 10") != std::string::npos);
}

TEST_CASE("what happened to a file of ours is no answer about a package") {
  Error const missing{Errc::not_found, "open x", {}, {}};
  CHECK((internal_io(missing) == Error{Errc::io, "open x", {}, {}}));
  CHECK(internal_io({Errc::conflict, "", {}, {}}).code == Errc::io);
  CHECK(internal_io({Errc::denied, "", {}, {}}).code == Errc::denied);
  CHECK(internal_io({Errc::corrupt, "", {}, {}}).code == Errc::corrupt);
}

TEST_CASE("the layer is named once, by whoever refused") {
  CHECK(in_layer(Result<int>(Error{Errc::io, "", {}, {}})).error().layer == "code");
  CHECK(in_layer(Result<int>(Error{Errc::io, "", {}, "start"})).error().layer == "start");
  CHECK(in_layer(Result<int>(3)).value() == 3);
  CHECK(bad_zip("").layer == "code");
  CHECK(corrupt("").code == Errc::corrupt);
}

TEST_CASE("what libarchive says is one line, and something where it says nothing") {
  CHECK(code::archive_words("Truncated ZIP file header\n", "unreadable") ==
        "Truncated ZIP file header");
  CHECK(code::archive_words(nullptr, "unreadable") == "unreadable");
}
