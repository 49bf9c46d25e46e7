// The whole library, installed: deploy a function from a directory, call it, expect its answer.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <exception>
#include <faas/faas.hpp>

namespace asio = boost::asio;

asio::awaitable<void> serve(faas::Runtime runtime, std::string directory) {
  auto const package = (co_await runtime.store(directory)).value();
  faas::Function hello;
  hello.name = "hello";
  hello.runtime = "python3.11";
  for (auto const& installed : faas::installed_runtimes("/usr/bin"))
    if (installed.starts_with("python3.")) hello.runtime = installed;
  hello.handler = "hello.handler";
  hello.code = package.digest;
  (co_await runtime.deploy(std::move(hello))).value();

  auto const outcome = (co_await runtime.invoke("hello", R"({"name": "embedder"})")).value();
  std::printf("%s\n", outcome.payload.c_str());
  if (!outcome.ok() || outcome.payload != R"({"hello": "embedder"})")
    throw std::runtime_error("hello did not say hello: " + outcome.error_type);
  co_await runtime.close();
}

int main(int, char** argv) {
  asio::io_context io;
  faas::Options options;
  options.allow_degraded = true;
  auto runtime = faas::Runtime::open(io.get_executor(), options);
  if (!runtime) return std::printf("%s\n", runtime.error().message.c_str()), 1;
  std::exception_ptr failed;
  asio::co_spawn(io, serve(*runtime, std::string(argv[1]) + "/hello"),
                 [&](std::exception_ptr e) { failed = e; });
  io.run();
  if (failed) std::rethrow_exception(failed);
}
