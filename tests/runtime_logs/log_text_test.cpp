#include "runtime/log_text.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace faas;
using namespace faas::runtime;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kId = "8f5d3a5e-1111-4222-8333-444455556666";

// What a function's writes become in its log.
std::string lines_of(std::vector<std::string_view> const& writes) {
  LineAssembler lines;
  std::string out;
  for (auto write : writes) lines.feed(write, out);
  lines.flush(out);
  return out;
}

SystemTime at(std::int64_t ms) { return SystemTime(std::chrono::milliseconds(ms)); }

}  // namespace

TEST_CASE("platform lines are Lambda's, byte for byte") {
  CHECK(init_start_line("python:3.10.v11", "arn:aws:lambda:us-east-1::runtime:x") ==
        "INIT_START Runtime Version: python:3.10.v11\t"
        "Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:x\n");
  CHECK(start_line("id", "$LATEST") == "START RequestId: id Version: $LATEST\n");
  CHECK(end_line("id") == "END RequestId: id\n");
  Report report{.request_id = "id",
                .start = StartLevel::cold,
                .timing = {.queued = 120us, .jail = 1500us, .init = 110100us, .run = 3010us},
                .billed = 4ms,
                .memory = 128_MiB,
                .max_memory = 36_MiB};
  CHECK(report_line(report) ==
        "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t"
        "Stages: cold, queued 0.12 ms, jail 1.50 ms, init 110.10 ms\t\n");
  report.start = StartLevel::warm;
  report.timing.init.reset();
  report.max_memory = {(35 << 20) + 1};
  CHECK(report_line(report) ==
        "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\t\n");
}

TEST_CASE("a fault is told as Lambda tells it") {
  CHECK(timeout_line(at(1712580982123), "id", 3000ms) ==
        "2024-04-08T12:56:22.123Z id Task timed out after 3.00 seconds\n\n");
  CHECK(timeout_line(at(5), "id", 1500ms) ==
        "1970-01-01T00:00:00.005Z id Task timed out after 1.50 seconds\n\n");
  CHECK(fault_line("id", "Runtime exited with error: exit status 1", "Runtime.ExitError") ==
        "RequestId: id Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n");
}

TEST_CASE("a request id with a line feed ends no platform line") {
  CHECK(start_line("a\nREPORT RequestId: b", "1") ==
        "START RequestId: a\\x0aREPORT RequestId: b Version: 1\n");
}

TEST_CASE("writes are joined into lines wherever they were cut") {
  std::string_view const text = "one\ntwo\n\nthree";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CAPTURE(cut);
    CHECK(lines_of({text.substr(0, cut), text.substr(cut)}) == "one\ntwo\n\nthree\n");
  }
  CHECK(lines_of({}).empty());
  CHECK(lines_of({"\n"}) == "\n");
}

TEST_CASE("an unfinished line waits for its end, or for the end of the call") {
  LineAssembler lines;
  std::string out;
  lines.feed("half", out);
  CHECK(out.empty());
  lines.feed(" and half\nrest", out);
  CHECK(out == "half and half\n");
  lines.flush(out);
  lines.flush(out);
  CHECK(out == "half and half\nrest\n");
}

TEST_CASE("a function cannot forge a line of the platform") {
  std::vector<std::string> const forged{
      start_line(kId, "$LATEST"),
      end_line(kId),
      report_line({.request_id = kId}),
      init_start_line("v", "arn"),
      timeout_line(at(1712580982123), kId, 3s),
      fault_line(kId, "Runtime exited", "Runtime.ExitError"),
      dropped_line(5, 5_B),
      "INIT_REPORT Init Duration: 3 ms\n",
      "EXTENSION\tName: x\n",
      "TELEMETRY\tName: x\n",
      "XRAY TraceId: x\n",
  };
  for (auto const& line : forged) {
    CAPTURE(line);
    auto const first = line.substr(0, line.find('\n') + 1);
    CHECK(lines_of({first}).substr(0, 1) == ">");
    for (std::size_t cut = 1; cut < first.size(); ++cut) {
      auto const text = std::string_view(first);
      REQUIRE(lines_of({text.substr(0, cut), text.substr(cut)}) == lines_of({first}));
      REQUIRE(lines_of({"x\n", text.substr(0, cut), text.substr(cut)}) ==
              "x\n" + lines_of({first}));
    }
    // As the rest of a line that was too long.
    CHECK(lines_of({std::string(kMaxLogLine, 'x'), first}) ==
          std::string(kMaxLogLine, 'x') + "\n" + lines_of({first}));
    // A carriage return or an erased line hides nothing.
    CHECK(lines_of({"x\r" + first}).find("\n" + first) == std::string::npos);
  }
}

TEST_CASE("ordinary lines that resemble the platform's stay as they are") {
  for (std::string line :
       {"START\n", "starting RequestId: 5\n", " START RequestId: 5\n", "REPORT: all well\n",
        "2024-04-08T12:56:22.123Z\tid\tINFO\tTask timed out after 3\n",
        "2024-04-08T12:56:22.123Z id all well\n", "my Task timed out after 3 seconds\n"}) {
    CHECK(lines_of({line}) == line);
  }
}

TEST_CASE("control characters are shown, text in any script is not touched") {
  CHECK(lines_of({"a\rb\r\n"}) == "a\\rb\\r\n");
  CHECK(lines_of({"\x1b[2J\x1b]0;title\x07\n"}) == "\\x1b[2J\\x1b]0;title\\x07\n");
  CHECK(lines_of({std::string_view("\0\x08\x7f\n", 4)}) == "\\x00\\x08\\x7f\n");
  CHECK(lines_of({"\xc2\x9b"
                  "2J\n"}) == "\\u009b2J\n");
  CHECK(lines_of({"tab\tstays, ünïcödé 日本 \xc2\xa0 stays\n"}) ==
        "tab\tstays, ünïcödé 日本 \xc2\xa0 stays\n");
}

TEST_CASE("what would end a line elsewhere, or show it other than it is, is shown (O2)") {
  CHECK(lines_of({"a\u2028START RequestId: x\u2029END RequestId: x\n"}) ==
        "a\\u2028START RequestId: x\\u2029END RequestId: x\n");
  CHECK(lines_of({"\u2028REPORT RequestId: x\n"}) == "\\u2028REPORT RequestId: x\n");
  CHECK(lines_of({"\u202edetrevni\u2069\u2066\u202a\n"}) ==
        "\\u202edetrevni\\u2069\\u2066\\u202a\n");
  CHECK(lines_of({"\u2027 \u202f \u2065 \u206a \u2603\n"}) ==
        "\u2027 \u202f \u2065 \u206a \u2603\n");
}

TEST_CASE("bytes that are not UTF-8 pass as they are") {
  std::string const bytes("\xff\xfe\xc2 \xe2\x82 \xc2", 8);
  CHECK(lines_of({bytes + "\n"}) == bytes + "\n");
}

TEST_CASE("a line is cut at 256 KiB, never before") {
  std::string const full(kMaxLogLine, 'x');
  CHECK(lines_of({full + "\n"}) == full + "\n");
  CHECK(lines_of({full, "\n"}) == full + "\n");
  CHECK(lines_of({full + "y\n"}) == full + "\ny\n");
  CHECK(lines_of({full, "y"}) == full + "\ny\n");
  auto const endless = lines_of({full + full + full});
  CHECK(endless == full + "\n" + full + "\n" + full + "\n");
}

TEST_CASE("the tail of a call is its last 4,096 bytes however they came") {
  for (std::size_t piece : {1u, 7u, 4095u, 4096u, 4097u, 10000u}) {
    LogTail tail;
    std::string all;
    for (std::size_t i = 0; all.size() < 20'000; ++i) {
      std::string const text(piece, static_cast<char>('a' + i % 26));
      tail.append(text);
      all += text;
      REQUIRE(tail.text() == all.substr(all.size() > kMaxLogTail ? all.size() - kMaxLogTail : 0));
    }
  }
}
