// A C++ function of the host beside a jailed one: the same calls, limits and records, no jail.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <faas/faas.hpp>
#include <iostream>

namespace asio = boost::asio;

// Runs in this process, on this loop: for code you trust.
asio::awaitable<std::string> shout(faas::HostCall call) {
  for (char& c : call.payload) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  co_return call.payload;
}

// Sees both kinds of call alike.
struct Printer final : faas::Observer {
  void on_invocation(faas::InvocationRecord const& record) override {
    std::cout << record.function.name << ' ' << to_string(record.status) << ' '
              << to_string(record.start) << '\n';
  }
};

asio::awaitable<void> serve(faas::Runtime& runtime, std::string directory) {
  faas::Function trusted;
  trusted.name = "shout";
  (co_await runtime.deploy(std::move(trusted), shout)).value();

  faas::Function untrusted;
  untrusted.name = "hello";
  untrusted.runtime = "python3.11";
  untrusted.handler = "app.handler";
  untrusted.code = (co_await runtime.store(directory)).value().digest;
  (co_await runtime.deploy(std::move(untrusted))).value();

  std::cout << (co_await runtime.invoke("shout", R"("hello")")).value().payload << '\n';
  std::cout << (co_await runtime.invoke("hello", R"({"name":"you"})")).value().payload << '\n';
  co_await runtime.close();
}

int main(int argc, char** argv) {
  std::string const examples = argc > 1 ? argv[1] : "examples";
  asio::io_context io;
  Printer printer;  // outlives the runtime
  faas::Options options;
  options.allow_degraded = true;
  options.observer = &printer;
  auto runtime = faas::Runtime::open(io.get_executor(), options).value();
  std::exception_ptr failure;
  asio::co_spawn(io, serve(runtime, examples + "/functions/hello-python"),
                 [&](std::exception_ptr e) { failure = e; });
  io.run();
  if (failure) std::rethrow_exception(failure);
}
