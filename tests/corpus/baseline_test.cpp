// What is not seen cannot be missed.
#include "corpus/baseline.hpp"

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("an instance is seen while it lives, in everything it holds of the machine") {
  Host host;
  auto status = [](Runtime& runtime) -> asio::awaitable<RuntimeStatus> {
    co_return co_await runtime.status();
  };
  auto const id = host.await(status(host.runtime())).runtime_id;
  host.deploy_python("echo", kEcho);
  auto const before = Baseline::now(id);
  CHECK(host.invoke("echo").value().ok());
  auto const difference = Baseline::now(id).difference(before);
  for (std::string const kind : {"process +", "network +", "descriptor +"}) {
    CAPTURE(kind);
    CHECK(difference.find(kind) != std::string::npos);
  }
  // An ordinary user without a delegated cgroup has none.
  if (host.await(status(host.runtime())).privilege != Privilege::unprivileged)
    CHECK(difference.find("cgroup +") != std::string::npos);
}
