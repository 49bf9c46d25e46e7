// Options::secrets_key: what a runtime keeps of environments, and whom it tells.
#include <fmt/format.h>

#include <iterator>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr std::string_view kMarker = "canary-5f1d7c";

constexpr std::string_view kCode =
    "import os\n"
    "if os.environ.get('MODE') == 'init': raise RuntimeError('no start')\n"
    "def handler(event, context):\n"
    "    if event == 'exit': os._exit(3)\n"
    "    return os.environ['TOKEN']\n";

// All that a runtime says to its host beside results.
struct Listener : Observer {
  std::string said;
  void on_refusal(RefusalRecord const& refusal) override { said += refusal.error.message + "\n"; }
  void on_event(std::string_view kind, std::string_view text) override {
    said += fmt::format("{} {}\n", kind, text);
  }
};

bool tells(std::string_view text) { return text.find(kMarker) != std::string_view::npos; }

bool stands_in(std::string const& directory) {
  for (auto const& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    if (tells(std::string(std::istreambuf_iterator<char>(in), {}))) return true;
  }
  return false;
}

Function secret(Host& host, std::string name) {
  auto function = host.python(std::move(name), kCode);
  function.environment = {{"TOKEN", std::string(kMarker)}};
  return function;
}

Options with_key(TempDir const& state, std::string key) {
  auto options = test_options();
  options.state_dir = state.path();
  options.secrets_key = std::move(key);
  return options;
}

Error refusal(Options options) {
  asio::io_context io;
  return Runtime::open(io.get_executor(), std::move(options)).error();
}

}  // namespace

TEST_CASE("under a key no value of an environment is stored, or told in any refusal or event") {
  TempDir state;
  Listener listener;
  auto options = with_key(state, std::string(32, 'k'));
  options.observer = &listener;
  std::string told;
  {
    Host host(options);
    host.deploy(secret(host, "f"));
    CHECK(host.invoke("f").value().payload == fmt::format("\"{}\"", kMarker));
    auto large = secret(host, "large");
    for (int i = 0; i < 400; ++i) large.environment["TOKEN"] += kMarker;
    told += host.await(host.runtime().deploy(large)).error().message;
    auto reserved = secret(host, "reserved");
    reserved.environment["AWS_REGION"] = kMarker;
    told += host.await(host.runtime().deploy(reserved)).error().message;
    told += host.await(host.runtime().deploy(secret(host, "f"))).error().message;
    FunctionUpdate update;
    update.environment = large.environment;
    told += host.await(host.runtime().update("f", update)).error().message;
    auto const crashed = host.invoke("f", "\"exit\"").value();
    CHECK(crashed.status == Status::crashed);
    told += crashed.payload;
    auto broken = secret(host, "broken");
    broken.environment["MODE"] = "init";
    host.deploy(broken);
    auto const failed = host.invoke("broken").value();
    CHECK(failed.status != Status::ok);
    told += failed.payload;
    for (auto const* name : {"f", "broken"})
      told += host.await(host.runtime().logs(name)).value().text;
    host.await(host.runtime().close());
  }
  CHECK(told.size() > 500);
  CHECK_FALSE(tells(told));
  CHECK_FALSE(listener.said.empty());
  CHECK_FALSE(tells(listener.said));
  CHECK_FALSE(stands_in(state.path()));
}

TEST_CASE("the state opens again with its key alone, and says which key that is") {
  TempDir state;
  std::string id;
  {
    Host host(with_key(state, std::string(32, 'k')));
    host.deploy(secret(host, "f"));
    id = host.await(host.runtime().status()).secrets_key_id;
    CHECK(id.size() == 16);
  }
  for (auto const& key : {std::string(), std::string(32, 'x')}) {
    auto const refused = refusal(with_key(state, key));
    CHECK(refused.code == Errc::denied);
    CHECK(refused.reason == "SecretsKeyWrong");
    CHECK(refused.message.find(id) != std::string::npos);
  }
  CHECK(refusal(with_key(state, std::string(31, 'k'))).code == Errc::invalid_argument);
  Host host(with_key(state, std::string(32, 'k')));
  CHECK(host.invoke("f").value().payload == fmt::format("\"{}\"", kMarker));
}

TEST_CASE("what was stored without a key is sealed by the first open with one") {
  TempDir state;
  {
    Host host(with_key(state, ""));
    host.deploy(secret(host, "f"));
    CHECK(host.await(host.runtime().status()).secrets_key_id.empty());
  }
  CHECK(stands_in(state.path()));
  Host host(with_key(state, std::string(32, 'k')));
  CHECK_FALSE(stands_in(state.path()));
  CHECK(host.invoke("f").value().payload == fmt::format("\"{}\"", kMarker));
}
