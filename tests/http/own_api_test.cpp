#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "http/serving.hpp"
#include "support/result.hpp"

using namespace faas;
using namespace faas::test;
namespace json = boost::json;

TEST_CASE("the log of a function is given whole, in part, and as it grows") {
  Serving serving;
  serving.deploy_echo("echo");
  CHECK(serving.send("GET", "/faas/v1/functions/none/logs").status == 404);
  serving.send("POST", "/function/echo", "1");
  auto const log = serving.send("GET", "/faas/v1/functions/echo/logs");
  CHECK(log.status == 200);
  CHECK(log.body.find("START RequestId: ") != std::string::npos);
  auto const tail = serving.send("GET", "/faas/v1/functions/echo/logs?tail=10");
  CHECK(tail.body == log.body.substr(log.body.size() - 10));
  CHECK(serving.send("GET", "/faas/v1/functions/echo/logs?tail=all").status == 400);
  CHECK(serving.send("GET", "/faas/v1/functions/echo/logs?position=1x").status == 400);

  Wire wire(serving);
  wire.write("GET /faas/v1/functions/echo/logs?follow=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  wire.read_until("REPORT RequestId: ");
  wire.forget();
  auto const id =
      std::string(serving.send("POST", "/function/echo", "2").header("x-amzn-RequestId"));
  CHECK(wire.read_until("REPORT RequestId: " + id).find("START RequestId: " + id) !=
        std::string::npos);
}

TEST_CASE("a log of many pages is given to its end") {
  Serving serving;
  serving.deploy_echo("echo");
  for (int i = 0; i < 1500; ++i) serving.send("POST", "/function/echo", "1");
  auto const id =
      std::string(serving.send("POST", "/function/echo", "2").header("x-amzn-RequestId"));
  auto const log = serving.send("GET", "/faas/v1/functions/echo/logs");
  CHECK(log.body.size() > 300'000);
  CHECK(count_of(log.body, "START RequestId: ") == 1501);
  CHECK(log.body.find("REPORT RequestId: " + id) != std::string::npos);
  auto const end = std::string(log.header("X-Faas-Log-Position"));
  CHECK(end == std::to_string(log.body.size()));
  CHECK(serving.send("GET", "/faas/v1/functions/echo/logs?position=" + end).body.empty());
}

TEST_CASE("closing the server ends those who follow") {
  std::optional<Wire> wire;
  {
    Serving serving;
    serving.deploy_echo("echo");
    wire.emplace(serving);
    wire->write("GET /faas/v1/functions/echo/logs?follow=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wire->read_until("\r\n\r\n");
  }
  CHECK(count_of(wire->read_all(), "HTTP/1.1 ") == 1);
}

TEST_CASE("instances, status and the host are told as JSON") {
  Serving serving;
  serving.deploy_echo("echo");
  serving.send("POST", "/function/echo", "1");
  auto const instances = json::parse(serving.send("GET", "/faas/v1/instances").body);
  CHECK(instances.at("Instances").as_array().size() == 1);
  CHECK(instances.at("Instances").at(0).at("Function") == "echo");
  CHECK(instances.at("Instances").at(0).at("Start") == "cold");
  auto const& stages = instances.at("Instances").at(0).at("StagesMs").as_object();
  CHECK(stages.contains("code"));
  CHECK(stages.contains("queued"));
  CHECK(stages.contains("first_byte"));
  auto const status = json::parse(serving.send("GET", "/faas/v1/status").body);
  CHECK(status.at("Functions") == 1);
  CHECK(status.at("Ready") == true);
  auto const doctor = json::parse(serving.send("GET", "/faas/v1/doctor").body);
  CHECK_FALSE(doctor.at("Checks").as_array().empty());
}

TEST_CASE("metrics count what was called") {
  Serving serving;
  serving.deploy_echo("echo");
  serving.send("POST", "/function/echo", "1");
  serving.send("POST", "/function/none", "1");
  auto const metrics = serving.send("GET", "/metrics");
  CHECK(metrics.header("Content-Type").starts_with("text/plain; version=0.0.4"));
  CHECK(metrics.body.find(
            "faas_calls_total{account=\"000000000000\",function=\"echo\",outcome=\"ok\"} 1\n") !=
        std::string::npos);
  CHECK(metrics.body.find("faas_functions 1\n") != std::string::npos);
}

TEST_CASE("the limits of a function are told with their values and where each was set") {
  Options options;
  options.scheduler.account_concurrency = 500;
  Serving serving({}, std::move(options));
  Limits limits;
  limits.queue = 7;
  serving.deploy(
      "f", [](HostCall call) -> asio::awaitable<std::string> { co_return call.payload; }, limits);
  auto const limit = [&](char const* name) -> json::object {
    auto const told = json::parse(serving.send("GET", "/faas/v1/functions/f/limits").body);
    CHECK(told.at("FunctionName") == "f");
    for (auto const& one : told.at("Limits").as_array())
      if (one.at("Name") == name) return one.as_object();
    return {};
  };
  CHECK(limit("AccountConcurrency").at("Value") == 500);
  CHECK(limit("AccountConcurrency").at("Source") == "SchedulerOptions::account_concurrency");
  CHECK(limit("FunctionQueue").at("Value") == 7);
  CHECK(limit("FunctionQueue").at("Source") == "configuration of the function");
  CHECK(limit("InstancesOfVersion").at("Value").is_null());
  CHECK(limit("ReservedConcurrency").empty());
  serving.send("PUT", "/2017-10-31/functions/f/concurrency",
               R"({"ReservedConcurrentExecutions":3})");
  CHECK(limit("ReservedConcurrency").at("Value") == 3);
  CHECK(limit("ReservedConcurrency").at("Used") == 0);
  CHECK(serving.send("GET", "/faas/v1/functions/none/limits").status == 404);
  CHECK(serving.send("GET", "/faas/v1/functions/f/limits?Qualifier=9").status == 404);
  CHECK(serving.send("GET", "/faas/v1/functions/f%20g/limits").status == 404);
  CHECK(serving.send("POST", "/faas/v1/functions/f/limits").status == 405);
}
