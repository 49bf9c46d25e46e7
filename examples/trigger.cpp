// A trigger of your own is a client of Runtime::invoke. This one watches a directory: every file
// dropped into it becomes one call, and the answer is written beside it.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <faas/faas.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string read_file(fs::path const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One call a file: NAME.in -> NAME.out. An Error means nothing ran, so the file stays for the next
// round.
asio::awaitable<void> handle(faas::Runtime& runtime, fs::path file) {
  auto result = co_await runtime.invoke("shout", read_file(file));
  if (!result) co_return;
  std::ofstream(fs::path(file).replace_extension(".out")) << result->payload;
  fs::remove(file);
}

asio::awaitable<void> watch(faas::Runtime& runtime, fs::path directory, int wanted) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (int done = 0; done < wanted;) {
    for (auto const& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() != ".in") continue;
      co_await handle(runtime, entry.path());
      ++done;
    }
    timer.expires_after(10ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<std::string> shout(faas::HostCall call) { co_return call.payload + "!"; }

asio::awaitable<void> serve(faas::Runtime& runtime, fs::path directory) {
  faas::Function function;
  function.name = "shout";
  (co_await runtime.deploy(std::move(function), shout)).value();
  std::ofstream(directory / "a.in") << "one";
  std::ofstream(directory / "b.in") << "two";
  co_await watch(runtime, directory, 2);
  std::cout << read_file(directory / "a.out") << ' ' << read_file(directory / "b.out") << '\n';
  co_await runtime.close();
}

int main() {
  std::string directory = (fs::temp_directory_path() / "faas-trigger-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  asio::io_context io;
  faas::Options options;
  options.allow_degraded = true;
  auto runtime = faas::Runtime::open(io.get_executor(), options).value();
  std::exception_ptr failure;
  asio::co_spawn(io, serve(runtime, directory), [&](std::exception_ptr e) { failure = e; });
  io.run();
  bool const answered =
      fs::exists(fs::path(directory) / "a.out") && fs::exists(fs::path(directory) / "b.out");
  fs::remove_all(directory);
  if (failure) std::rethrow_exception(failure);
  return answered ? 0 : 1;
}
