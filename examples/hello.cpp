// A host in forty lines: embed the runtime, deploy a function, call it twice (cold, then warm).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <faas/faas.hpp>
#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace faas::literals;

asio::awaitable<void> serve(faas::Runtime& runtime, std::string directory) {
  faas::Function hello;
  hello.name = "hello";
  hello.runtime = "python3.11";
  hello.handler = "app.handler";
  hello.code = (co_await runtime.store(directory)).value().digest;  // a directory or a zip
  hello.limits = {.memory = 128_MiB, .timeout = 3s};
  (co_await runtime.deploy(std::move(hello))).value();  // .value() throws the Error

  for (int i = 0; i < 2; ++i) {
    auto result = co_await runtime.invoke("hello", R"({"name":"you"})", {.deadline = 20s});
    if (!result) {
      std::cerr << "not started, safe to retry: " << result.error().message << '\n';
    } else {
      std::cout << to_string(result->start) << ": " << result->payload << '\n';
    }
  }
  co_await runtime.close();
}

int main(int argc, char** argv) {
  std::string const examples = argc > 1 ? argv[1] : "examples";
  asio::io_context io;  // the host's loop, not ours
  faas::Options options;
  options.allow_degraded = true;  // this host may lack cgroup v2 controllers; `faasd doctor` says
  auto runtime = faas::Runtime::open(io.get_executor(), options).value();
  std::exception_ptr failure;
  asio::co_spawn(io, serve(runtime, examples + "/functions/hello-python"),
                 [&](std::exception_ptr e) { failure = e; });
  io.run();
  if (failure) std::rethrow_exception(failure);
}
