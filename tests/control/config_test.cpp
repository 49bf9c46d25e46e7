#include <doctest/doctest.h>

#include <faas/control.hpp>

#include "support/result.hpp"

using namespace faas;

namespace {

std::string fault(std::string_view text) {
  auto const config = read_config(text, "faasd.json");
  return config ? "none" : config.error().message;
}

}  // namespace

TEST_CASE("every key of the file is a long flag") {
  auto const config = read_config(
      R"({"listen":"[::1]:80","state":"/s","allow_degraded":true,"max_instances":7,"memory":1024,
    "queue":5,"account_concurrency":200,"caller_rate":50,"caller_burst":60,"scaling_burst":70,
    "scaling_rate":0,"cpus":4,"pids":5000,"fds":900,"idle_expiry":60,"drain_timeout":9,"threads":2,"max_connections":11,"log_size":3,"secrets_key_file":"/etc/key","runtimes":"/opt","region":"eu-west-1",
    "cgroup_root":"/c","uid_base":70000,"uid_count":16,"networks":0,"shells":64,
    "access":"/a","require_sign_in":true,"host":["a.example","b.example"],"socket":"/sock",
    "tls_certificate":"/c.pem","tls_key":"/k.pem","tls_client_ca":"/ca.pem","insecure_http":true})",
      "faasd.json");
  REQUIRE(config);
  CHECK(config->listen == "[::1]:80");
  CHECK(config->state == "/s");
  CHECK(config->allow_degraded);
  CHECK(config->max_instances == 7);
  CHECK(config->memory == 1024);
  CHECK(config->queue == 5);
  CHECK(config->account_concurrency == 200);
  CHECK(config->caller_rate == 50);
  CHECK(config->caller_burst == 60);
  CHECK(config->scaling_burst == 70);
  CHECK(config->scaling_rate == 0);
  CHECK(config->cpus == 4);
  CHECK(config->pids == 5000);
  CHECK(config->fds == 900);
  CHECK(config->idle_expiry == 60);
  CHECK(config->drain_timeout == 9);
  CHECK(config->threads == 2);
  CHECK(config->max_connections == 11);
  CHECK(config->log_size == 3);
  CHECK(config->secrets_key_file == "/etc/key");
  CHECK(config->runtimes == "/opt");
  CHECK(config->region == "eu-west-1");
  CHECK(config->cgroup_root == "/c");
  CHECK(config->uid_base == 70'000);
  CHECK(config->uid_count == 16);
  CHECK(config->networks == 0);
  CHECK(config->shells == 64);
  CHECK(config->access == "/a");
  CHECK(config->require_sign_in);
  CHECK(config->host == std::vector<std::string>{"a.example", "b.example"});
  CHECK(config->socket == "/sock");
  CHECK(config->tls_certificate == "/c.pem");
  CHECK(config->tls_key == "/k.pem");
  CHECK(config->tls_client_ca == "/ca.pem");
  CHECK(config->insecure_http);
}

TEST_CASE("what the file does not say stays") {
  DaemonConfig base;
  base.queue = 3;
  CHECK(read_config("{}", "f", base)->queue == 3);
}

TEST_CASE("a mistake is named with its file and line") {
  CHECK(fault("{\n  \"listen\": \"x:1\",\n  \"lisen\": 1\n}")
            .starts_with("faasd.json:3: unknown key 'lisen'; the keys are: listen, "));
  CHECK(fault("{\n\"threads\": \"two\"}") ==
        "faasd.json:2: 'threads' must be a whole number from 1 to 64");
  CHECK(fault("{\"threads\": 65}").find("from 1 to 64") != std::string::npos);
  CHECK(fault("{\"threads\": -1}").find("from 1 to 64") != std::string::npos);
  CHECK(fault("{\"threads\": 1.5}").find("from 1 to 64") != std::string::npos);
  CHECK(fault("{\"host\": \"a\"}").find("must be a list of strings") != std::string::npos);
  CHECK(fault("{\"host\": [1]}").find("must be a list of strings") != std::string::npos);
  CHECK(fault("{\"networks\": 257}").find("from 0 to 256") != std::string::npos);
  CHECK(fault("{\"shells\": 65}").find("from 0 to 64") != std::string::npos);
  CHECK(fault("{\"listen\": 9000}") == "faasd.json:1: 'listen' must be a string");
  CHECK(fault("{\n\"listen\": \"9000\"}").starts_with("faasd.json:2: 'listen': '9000' is not an "));
  CHECK(fault("{\"allow_degraded\": 1}") == "faasd.json:1: 'allow_degraded' must be true or false");
  CHECK(fault("{\n \"queue\": 1,,\n}").starts_with("faasd.json:2:13: "));
  CHECK(fault("[]") == "faasd.json:1: the file must hold one JSON object");
  CHECK(fault("{\"queue\": 1,\n\"queue\": 2}") == "faasd.json:2: the key 'queue' is there twice");
}

TEST_CASE("a file that is not there is named") {
  auto const config = read_config_file("/proc/faasd.json");
  REQUIRE_FALSE(config);
  CHECK(config.error().code == Errc::not_found);
  CHECK(config.error().message.find("/proc/faasd.json") != std::string::npos);
}

TEST_CASE("an empty file is read, and holds no JSON") {
  auto const config = read_config_file("/dev/null");
  REQUIRE_FALSE(config);
  CHECK(config.error().message.starts_with("/dev/null:1:1: "));
  auto const directory = read_config_file("/");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().message == "The configuration file / cannot be read: Is a directory");
}

TEST_CASE("an address to listen on has a host and a port") {
  CHECK(parse_listen("127.0.0.1:9000")->port == 9000);
  CHECK(parse_listen("[::1]:0")->host == "::1");
  CHECK(parse_listen("localhost:1")->host == "localhost");
  for (auto const* text : {"", "9000", ":9000", "h:", "h:x", "h:65536", "h:-1", "h:1x"}) {
    CAPTURE(text);
    auto const parsed = parse_listen(text);
    REQUIRE_FALSE(parsed);
    CHECK(next_step(parsed.error()).empty());  // it may have been typed: there may be no file
  }
}
