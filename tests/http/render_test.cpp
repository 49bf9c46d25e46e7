#include "http/render.hpp"

#include <doctest/doctest.h>

using namespace faas::http;

TEST_CASE("a head has its framing, its id and its date") {
  auto const text =
      render_head(json_response(200, "{}"), "id-1", Connection::keep_alive, 784'111'777);
  CHECK(text ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-amzn-RequestId: id-1\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\n");
}

TEST_CASE("what a function says cannot end its line") {
  Response response;
  response.with("Content-Type", "a\r\nX-Evil: 1\r\n\r\nbody\x7f");
  auto const text = render_head(response, "i", Connection::close, 0);
  CHECK(text.find("Content-Type: aX-Evil: 1body\r\n") != std::string::npos);
  CHECK(text.find("\r\nX-Evil") == std::string::npos);
  CHECK(text.ends_with("Connection: close\r\n\r\n"));
}

TEST_CASE("204 has no body and no length") {
  Response response;
  response.status = 204;
  CHECK(render_head(response, "i", Connection::keep_alive, 0).find("Content-Length") ==
        std::string::npos);
}
