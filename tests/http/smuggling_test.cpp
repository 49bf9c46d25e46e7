// Row R9 on the public server.
#include "support/smuggling.hpp"

#include <doctest/doctest.h>

#include "http/serving.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a request that hides another has one reading in public, or is refused") {
  Serving serving;
  serving.deploy_echo("echo");
  SmugglingRows const table("/function/echo", "/healthz");
  for (auto const& row : table.rows()) {
    CAPTURE(row.name);
    Wire wire(serving);
    auto const answer = (wire.write(row.bytes), wire.half_close(), wire.read_all());
    auto const answers = count_of(answer, "\r\nDate: ");
    CHECK(answers == (row.in_public == Fate::two ? 2 : row.in_public == Fate::none ? 0 : 1));
    if (row.in_public != Fate::refused) continue;
    CHECK((answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5")));
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  }
}
