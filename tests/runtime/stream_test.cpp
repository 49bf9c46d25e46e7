#include <boost/asio/steady_timer.hpp>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// Of tests that are about something else than Lambda's pace.
Options at_any_pace() {
  auto options = test_options();
  options.stream_rate = {0};
  return options;
}

void deploy_node(Host& host, std::string name, std::string_view code) {
  TempDir directory;
  directory.write("index.js", code);
  Function function;
  function.name = std::move(name);
  function.runtime = Host::node_runtime();
  function.handler = "index.handler";
  function.limits = {.memory = 512_MiB, .timeout = 20s};
  function.code = host.store(directory);
  host.deploy(std::move(function));
}

asio::awaitable<std::pair<std::string, Outcome>> read_all(Runtime& runtime, std::string name) {
  auto stream = (co_await runtime.invoke_stream(FunctionName(name), "{}")).value();
  std::string all;
  while (auto chunk = co_await stream.read()) all += *chunk;
  co_return std::pair{all, stream.trailer()};
}

}  // namespace

TEST_CASE("a streamed response arrives in order, larger than a collected one may be") {
  Host host(at_any_pace());
  deploy_node(host, "stream", R"(
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
  const part = 'x'.repeat(1 << 20);
  for (let i = 0; i < 16; i++) { if (!out.write(i + part)) await new Promise(r => out.once('drain', r)); }
  out.end();
});
)");
  auto const [text, trailer] = host.await(read_all(host.runtime(), "stream"));
  CHECK(trailer.status == Status::ok);
  std::string expected;
  for (int i = 0; i < 16; ++i) expected += std::to_string(i) + std::string(1 << 20, 'x');
  CHECK(text == expected);
}

TEST_CASE("a stream goes at the runtime's pace and to its limit") {
  auto options = test_options();
  options.stream_limit = 7_MiB;
  options.stream_rate = 1_MiB;
  Host host(options);
  deploy_node(host, "stream", R"(
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
  const part = 'x'.repeat(1 << 20);
  for (let i = 0; i < 8; i++) { if (!out.write(part)) await new Promise(r => out.once('drain', r)); }
  out.end();
});
)");
  auto const begun = std::chrono::steady_clock::now();
  auto const [text, trailer] = host.await(read_all(host.runtime(), "stream"));
  CHECK(text.size() == 7u << 20);
  CHECK(trailer.error_type == "Function.ResponseSizeTooLarge");
  CHECK(std::chrono::steady_clock::now() - begun > 900ms);  // 1 MiB beyond the first six
}

TEST_CASE("a byte at a time from the function is not a string a byte for its reader") {
  Host host(at_any_pace());
  deploy_node(host, "drip", R"(
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
  for (let i = 0; i < 1000; i++) out.write('x');
  out.end();
});
)");
  auto const chunks = host.await([](Host& h) -> asio::awaitable<std::pair<int, std::size_t>> {
    auto stream = (co_await h.runtime().invoke_stream("drip", "{}")).value();
    asio::steady_timer timer(co_await asio::this_coro::executor, 500ms);
    co_await timer.async_wait(asio::use_awaitable);
    int count = 0;
    std::size_t size = 0;
    while (auto chunk = co_await stream.read()) ++count, size += chunk->size();
    co_return std::pair{count, size};
  }(host));
  CHECK(chunks.first < 10);
  CHECK(chunks.second == 1000);
}

TEST_CASE("a failure after the first bytes is told in the trailer") {
  Host host;
  deploy_node(host, "mid", R"(
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
  out.write('begun');
  await new Promise(r => setTimeout(r, 50));
  throw new Error('mid');
});
)");
  auto const [text, trailer] = host.await(read_all(host.runtime(), "mid"));
  CHECK(text == "begun");
  CHECK(trailer.status == Status::function_error);
  CHECK(trailer.payload.find("mid") != std::string::npos);
}

TEST_CASE("a reader that does not read holds the function back") {
  Host host(at_any_pace());
  deploy_node(host, "fast", R"(
let written = 0;
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
  const part = 'x'.repeat(1 << 16);
  for (let i = 0; i < 512; i++) {
    if (!out.write(part)) await new Promise(r => out.once('drain', r));
    console.log('written', i);
  }
  out.end();
});
)");
  auto const log_after_pause = host.await([](Host& h) -> asio::awaitable<std::string> {
    auto stream = (co_await h.runtime().invoke_stream("fast", "{}")).value();
    asio::steady_timer timer(co_await asio::this_coro::executor, 500ms);
    co_await timer.async_wait(asio::use_awaitable);
    auto const log = (co_await h.runtime().logs("fast")).value().text;
    std::size_t size = 0;
    while (auto chunk = co_await stream.read()) size += chunk->size();
    CHECK(size == 512u << 16);
    co_return log;
  }(host));
  // 32 MiB in all; what was written before anybody read fits windows and socket buffers.
  CHECK(log_after_pause.find("written 400\n") == std::string::npos);
}

TEST_CASE("a reader who is gone does not hold the function back") {
  struct Watcher final : Observer {
    std::optional<Status> status;
    void on_invocation(InvocationRecord const& record) override { status = record.status; }
  } watcher;
  auto options = at_any_pace();
  options.observer = &watcher;
  Host host(options);
  deploy_node(host, "fast", R"(
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
  const part = 'x'.repeat(1 << 16);
  for (let i = 0; i < 256; i++) if (!out.write(part)) await new Promise(r => out.once('drain', r));
  out.end();
});
)");
  auto const begin = [](Host& h,
                        Duration deadline) -> asio::awaitable<std::optional<ResponseStream>> {
    auto stream = co_await h.runtime().invoke_stream("fast", "{}", {.deadline = deadline});
    co_return std::move(stream).value();
  };
  (void)host.await(read_all(host.runtime(), "fast"));
  watcher.status.reset();
  SUBCASE("it dropped the stream") {
    host.await([&](Host& h) -> asio::awaitable<void> { (void)co_await begin(h, {}); }(host));
  }
  SUBCASE("its deadline passed") {
    auto const stream = host.await(begin(host, 500ms));
    CHECK(stream->trailer().status == Status::abandoned);
  }
  CHECK(watcher.status == Status::ok);
}

TEST_CASE("a stream whose caller has left is not held to its pace") {
  struct Watcher final : Observer {
    std::optional<Status> status;
    void on_invocation(InvocationRecord const& record) override { status = record.status; }
  } watcher;
  auto options = test_options();
  options.observer = &watcher;
  options.stream_rate = 1_MiB;  // all of it would take longer than the function may
  Host host(options);
  deploy_node(host, "long", R"(
exports.handler = awslambda.streamifyResponse(async (event, out, context) => {
  const part = 'x'.repeat(1 << 20);
  for (let i = 0; i < 48; i++) if (!out.write(part)) await new Promise(r => out.once('drain', r));
  out.end();
});
)");
  InvokeOptions how;
  SUBCASE("it dropped the stream") {}
  SUBCASE("its deadline passed") { how.deadline = 1500ms; }
  host.await([](Host& h, InvokeOptions o) -> asio::awaitable<void> {
    auto stream = (co_await h.runtime().invoke_stream("long", "{}", o)).value();
    // Beyond what is sent at once, so that it waits for its pace.
    for (std::size_t size = 0; size < 6 << 20;) size += (co_await stream.read()).value().size();
    if (o.deadline == Duration{}) co_return;
    while (co_await stream.read()) {
    }
  }(host, how));
  CHECK(watcher.status == Status::ok);
}

TEST_CASE("a buffered function serves a streaming caller, and a refusal is still an error") {
  Host host;
  host.deploy_python("echo", kEcho);
  CHECK(host.await(read_all(host.runtime(), "echo")).first == "{}");
  CHECK(host.await([](Host& h) -> asio::awaitable<Errc> {
    auto refused = co_await h.runtime().invoke_stream("nobody", "{}");
    co_return refused.has_error() ? refused.error().code : Errc::internal;
  }(host)) == Errc::not_found);
}
