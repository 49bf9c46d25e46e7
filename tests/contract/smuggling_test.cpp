// Row R9 on the Runtime API.
#include "support/smuggling.hpp"

#include <doctest/doctest.h>

#include "contract/environment.hpp"

using namespace contract_test;
using namespace faas::test;

namespace {

std::size_t answers_in(std::string const& text) {
  std::size_t found = 0;
  for (auto at = text.find("HTTP/1.1 "); at != text.npos; at = text.find("HTTP/1.1 ", at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_CASE("a request that hides another has one reading, or is refused and its connection closed") {
  SmugglingRows const table("/2018-06-01/runtime/invocation/" + request_id(1) + "/response",
                            "/2018-06-01/ping");
  CHECK(table.rows().size() > 150);
  for (auto const& row : table.rows()) {
    for (std::size_t const step : {row.bytes.size(), std::size_t{1}}) {
      CAPTURE(row.name);
      CAPTURE(step);
      Environment environment;
      environment.next();
      environment.api.invoke(invocation(1));
      auto const id = environment.open();
      for (std::size_t at = 0; at < row.bytes.size(); at += step)
        environment.api.receive(id, row.bytes.substr(at, step));
      auto const& answer = environment.answers[id];
      CHECK(answers_in(answer) == (row.on_runtime_api == Fate::two ? 2 : 1));
      bool const refused = answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5");
      if (row.on_runtime_api != Fate::refused) continue;
      CHECK(refused);
      CHECK(environment.closed.contains(id));
    }
  }
}
