#include <doctest/doctest.h>

#include <faas/control.hpp>
#include <string>

using namespace faas;

namespace {

Error error(Errc code, std::string reason, std::string layer) {
  return {code, "", std::move(reason), std::move(layer)};
}

bool says(Error const& error, std::string_view what) {
  return next_step(error).find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("an error says what to type next") {
  CHECK(says(error(Errc::unavailable, "", "connect"), "faasd serve"));
  CHECK(says(error(Errc::conflict, "AddressInUse", "http"), "--listen"));
  CHECK(says(error(Errc::invalid_argument, "NotLoopback", "http"), "--listen 127.0.0.1:9000"));
  CHECK(says(error(Errc::not_found, "NoSuchPath", ""), "faasd deploy"));
  CHECK(says(error(Errc::not_found, "ResourceNotFoundException", ""), "faasd list"));
  CHECK(says(error(Errc::conflict, "ResourceConflictException", ""), "faasd list"));
  CHECK(says(error(Errc::invalid_argument, "", "config"), "Mend the file"));
  CHECK(says(error(Errc::io, "", "state"), "--state"));
  CHECK(says(error(Errc::unsupported, "", ""), "faasd doctor"));
  CHECK(says(error(Errc::throttled, "", ""), "faasd ps"));
  CHECK(says(error(Errc::throttled, "", ""), "faasd why NAME"));
  CHECK(says({Errc::not_found, "Cannot find alias arn: a", "ResourceNotFoundException", ""},
             "faasd alias NAME"));
  CHECK(says(error(Errc::not_found, "ProvisionedConcurrencyConfigNotFoundException", ""),
             "faasd concurrency NAME"));
  CHECK(says(error(Errc::not_found, "UnknownOperationException", ""), "faasd version"));
  CHECK(says(error(Errc::invalid_argument, "", "manifest"), "--dry-run"));
}

TEST_CASE("a daemon that nobody reaches is to be started, one that stops is to be started again") {
  CHECK(says(error(Errc::unavailable, "", "connect"), "FAASD_URL"));
  CHECK(says(error(Errc::unavailable, "", "runtime"), "stopping"));
}

TEST_CASE("where no command helps, none is named") {
  CHECK(next_step(error(Errc::internal, "", "")).empty());
  CHECK(next_step(error(Errc::unsupported, "", "url")).empty());
  CHECK(next_step(error(Errc::invalid_argument, "", "usage")).empty());
  CHECK(next_step(error(Errc::invalid_argument, "InvalidZipFileException", "code")).empty());
}
