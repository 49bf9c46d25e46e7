// What is printed for programs.
#include "faasd/output.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

using namespace faasd;

TEST_CASE("any bytes are told as a JSON string") {
  CHECK(json_text("") == R"("")");
  CHECK(json_text("a \"b\" \\ \n") == R"("a \"b\" \\ \u000a")");
  CHECK(json_text(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(json_text("h\u00e9 \u2603 \U0001f600") == "\"h\u00e9 \u2603 \U0001f600\"");
}

TEST_CASE("what is no UTF-8 becomes the replacement character, byte for byte") {
  CHECK(json_text("a\xff\xfe z") == R"("a\ufffd\ufffd z")");
  CHECK(json_text("\xe2\x98") == R"("\ufffd\ufffd")");  // cut short
  CHECK(json_text("\x83 b") == R"("\ufffd b")");        // begun in the middle
  CHECK(json_text("\xc0\xaf") == R"("\ufffd\ufffd")");  // overlong
  CHECK(json_text("\xe0\x80\xaf") == R"("\ufffd\ufffd\ufffd")");
  CHECK(json_text("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");  // a surrogate
  CHECK(json_text("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
}

TEST_CASE("a log is one JSON object a line, wherever it was cut") {
  std::string const log = "h\u00e9llo\n\n\u2603\nno end";
  for (std::size_t cut = 0; cut <= log.size(); ++cut) {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* const out = ::open_memstream(&text, &size);
    Lines lines(out, json_line);
    lines.add(log.substr(0, cut));
    lines.add(log.substr(cut));
    lines.finish();
    std::fclose(out);
    CAPTURE(cut);
    CHECK(std::string(text, size) ==
          "{\"Text\":\"h\u00e9llo\"}\n{\"Text\":\"\"}\n"
          "{\"Text\":\"\u2603\"}\n{\"Text\":\"no end\"}\n");
    std::free(text);
  }
}

TEST_CASE("a function's text on a terminal is seen, not obeyed (O2)") {
  CHECK(visible("plain\ttext\n") == "plain\ttext\n");
  CHECK(visible("\x1b[2Jgone\rSTART\x07") == "\\x1b[2Jgone\\x0dSTART\\x07");
  CHECK(visible("\u009b31m \u00a0") == "\\u009b31m \u00a0");
  CHECK(visible("a\u2028b\u202ec\u2069d \u2603") == "a\\u2028b\\u202ec\\u2069d \u2603");
  CHECK(visible("\x9b 31m \xff") == "\ufffd 31m \ufffd");
}

TEST_CASE("a program that reads what is printed gets a function's bytes as they are") {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const out = ::open_memstream(&text, &size);
  show(out, "\x1b[2J\xff");
  std::fclose(out);
  CHECK(std::string(text, size) == "\x1b[2J\xff");
  std::free(text);
}

TEST_CASE("what is printed to a terminal holds no escape sequence of a function's (O2)") {
  int const master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(master >= 0);
  REQUIRE((::grantpt(master) == 0 && ::unlockpt(master) == 0));
  std::FILE* const terminal = ::fdopen(::open(::ptsname(master), O_RDWR | O_NOCTTY), "w");
  REQUIRE(terminal != nullptr);
  termios raw{};
  ::tcgetattr(::fileno(terminal), &raw);
  ::cfmakeraw(&raw);
  ::tcsetattr(::fileno(terminal), TCSANOW, &raw);
  show(terminal, "\x1b]0;title\x07");
  std::fflush(terminal);
  char buffer[64];
  auto const n = ::read(master, buffer, sizeof buffer);
  CHECK(std::string_view(buffer, static_cast<std::size_t>(n)) == "\\x1b]0;title\\x07");
  std::fclose(terminal);
  ::close(master);
}
