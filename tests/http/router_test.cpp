#include "http/router.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "http/head.hpp"

using namespace faas;
using namespace faas::http;

namespace {

Route route(std::string_view method, std::string_view target) {
  return find_route(method, *parse_target(target));
}

}  // namespace

TEST_CASE("each operation has its method and path") {
  struct Row {
    char const* method;
    char const* target;
    Operation operation;
    char const* name;
  };
  for (auto const& row : {
           Row{"POST", "/2015-03-31/functions", Operation::create_function, ""},
           Row{"GET", "/2015-03-31/functions/", Operation::list_functions, ""},
           Row{"GET", "/2015-03-31/functions?MaxItems=3", Operation::list_functions, ""},
           Row{"GET", "/2015-03-31/functions/f", Operation::get_function, "f"},
           Row{"GET", "/2015-03-31/functions/arn%3Ax%3Af", Operation::get_function, "arn:x:f"},
           Row{"DELETE", "/2015-03-31/functions/f", Operation::delete_function, "f"},
           Row{"PUT", "/2015-03-31/functions/f/code", Operation::update_function_code, "f"},
           Row{"PUT", "/2015-03-31/functions/f/configuration",
               Operation::update_function_configuration, "f"},
           Row{"GET", "/2015-03-31/functions/f/configuration",
               Operation::get_function_configuration, "f"},
           Row{"POST", "/2015-03-31/functions/f/invocations", Operation::invoke, "f"},
           Row{"GET", "/2018-10-31/layers", Operation::list_layers, ""},
           Row{"GET", "/2018-10-31/layers?MaxItems=1", Operation::list_layers, ""},
           Row{"GET", "/2018-10-31/layers?find=LayerVersion&Arn=a",
               Operation::get_layer_version_by_arn, ""},
           Row{"POST", "/2018-10-31/layers/l/versions", Operation::publish_layer_version, "l"},
           Row{"GET", "/2018-10-31/layers/l/versions/", Operation::list_layer_versions, "l"},
           Row{"GET", "/2018-10-31/layers/l/versions/1", Operation::get_layer_version, "l"},
           Row{"DELETE", "/2018-10-31/layers/l/versions/1", Operation::delete_layer_version, "l"},
           Row{"GET", "/2018-10-31/layers/l/versions/1/policy", Operation::unknown_lambda, ""},
           Row{"GET", "/2016-08-19/account-settings/", Operation::get_account_settings, ""},
           Row{"POST", "/2015-03-31/functions/f/versions", Operation::publish_version, "f"},
           Row{"GET", "/2015-03-31/functions/f/aliases/live", Operation::get_alias, "f"},
           Row{"GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL",
               Operation::list_provisioned, "f"},
           Row{"GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1",
               Operation::get_provisioned, "f"},
           Row{"POST", "/2015-03-31/functions/f/version", Operation::unknown_lambda, ""},
           Row{"POST", "/2014-11-13/functions/f/invoke-async/", Operation::unknown_lambda, ""},
           Row{"DELETE", "/2015-03-31/functions", Operation::unknown_lambda, ""},
           Row{"POST", "/function/f", Operation::call_function, "f"},
           Row{"PUT", "/faas/v1/packages", Operation::put_package, ""},
           Row{"GET", "/faas/v1/packages/abc", Operation::get_package, "abc"},
           Row{"PUT", "/faas/v1/functions/f", Operation::put_function, "f"},
           Row{"GET", "/faas/v1/functions/f/logs?follow=1", Operation::follow_logs, "f"},
           Row{"GET", "/faas/v1/functions/f/limits?Qualifier=1", Operation::get_limits, "f"},
           Row{"GET", "/faas/v1/doctor", Operation::doctor, ""},
           Row{"GET", "/faas/v1/instances", Operation::list_instances, ""},
           Row{"GET", "/faas/v1/status", Operation::get_status, ""},
           Row{"GET", "/healthz", Operation::healthz, ""},
           Row{"HEAD", "/healthz", Operation::healthz, ""},
           Row{"GET", "/readyz", Operation::readyz, ""},
           Row{"GET", "/metrics", Operation::metrics, ""},
           Row{"GET", "/", Operation::unknown_path, ""},
           Row{"GET", "//healthz", Operation::unknown_path, ""},
           Row{"GET", "/healthz/x", Operation::unknown_path, ""},
           Row{"GET", "/faas/v1", Operation::unknown_path, ""},
       }) {
    CAPTURE(row.method);
    CAPTURE(row.target);
    auto const found = route(row.method, row.target);
    CHECK(static_cast<int>(found.operation) == static_cast<int>(row.operation));
    CHECK(found.name == row.name);
  }
}

TEST_CASE("every pattern is found by its method and path, with and without a '/' at its end") {
  struct Row {
    char const* method;
    char const* target;
    Operation operation;
    char const* name;
    char const* detail;
  };
  for (auto const& row : {
           Row{"POST", "/2015-03-31/functions", Operation::create_function, "", ""},
           Row{"GET", "/2015-03-31/functions", Operation::list_functions, "", ""},
           Row{"GET", "/2015-03-31/functions/the-name", Operation::get_function, "the-name", ""},
           Row{"DELETE", "/2015-03-31/functions/the-name", Operation::delete_function, "the-name",
               ""},
           Row{"PUT", "/2015-03-31/functions/the-name/code", Operation::update_function_code,
               "the-name", ""},
           Row{"PUT", "/2015-03-31/functions/the-name/configuration",
               Operation::update_function_configuration, "the-name", ""},
           Row{"GET", "/2015-03-31/functions/the-name/configuration",
               Operation::get_function_configuration, "the-name", ""},
           Row{"POST", "/2015-03-31/functions/the-name/invocations", Operation::invoke, "the-name",
               ""},
           Row{"POST", "/2015-03-31/functions/the-name/versions", Operation::publish_version,
               "the-name", ""},
           Row{"GET", "/2015-03-31/functions/the-name/versions", Operation::list_versions,
               "the-name", ""},
           Row{"POST", "/2015-03-31/functions/the-name/aliases", Operation::create_alias,
               "the-name", ""},
           Row{"GET", "/2015-03-31/functions/the-name/aliases", Operation::list_aliases, "the-name",
               ""},
           Row{"GET", "/2015-03-31/functions/the-name/aliases/the-detail", Operation::get_alias,
               "the-name", "the-detail"},
           Row{"PUT", "/2015-03-31/functions/the-name/aliases/the-detail", Operation::update_alias,
               "the-name", "the-detail"},
           Row{"DELETE", "/2015-03-31/functions/the-name/aliases/the-detail",
               Operation::delete_alias, "the-name", "the-detail"},
           Row{"PUT", "/2017-10-31/functions/the-name/concurrency",
               Operation::put_function_concurrency, "the-name", ""},
           Row{"GET", "/2019-09-30/functions/the-name/concurrency",
               Operation::get_function_concurrency, "the-name", ""},
           Row{"DELETE", "/2017-10-31/functions/the-name/concurrency",
               Operation::delete_function_concurrency, "the-name", ""},
           Row{"PUT", "/2019-09-30/functions/the-name/provisioned-concurrency",
               Operation::put_provisioned, "the-name", ""},
           Row{"GET", "/2019-09-30/functions/the-name/provisioned-concurrency?List=ALL",
               Operation::list_provisioned, "the-name", ""},
           Row{"GET", "/2019-09-30/functions/the-name/provisioned-concurrency",
               Operation::get_provisioned, "the-name", ""},
           Row{"DELETE", "/2019-09-30/functions/the-name/provisioned-concurrency",
               Operation::delete_provisioned, "the-name", ""},
           Row{"PUT", "/2019-09-25/functions/the-name/event-invoke-config",
               Operation::put_event_invoke, "the-name", ""},
           Row{"POST", "/2019-09-25/functions/the-name/event-invoke-config",
               Operation::update_event_invoke, "the-name", ""},
           Row{"GET", "/2019-09-25/functions/the-name/event-invoke-config",
               Operation::get_event_invoke, "the-name", ""},
           Row{"DELETE", "/2019-09-25/functions/the-name/event-invoke-config",
               Operation::delete_event_invoke, "the-name", ""},
           Row{"GET", "/2019-09-25/functions/the-name/event-invoke-config/list",
               Operation::list_event_invoke, "the-name", ""},
           Row{"POST", "/2015-03-31/functions/the-name/policy", Operation::add_permission,
               "the-name", ""},
           Row{"DELETE", "/2015-03-31/functions/the-name/policy/the-detail",
               Operation::remove_permission, "the-name", "the-detail"},
           Row{"GET", "/2015-03-31/functions/the-name/policy", Operation::get_policy, "the-name",
               ""},
           Row{"GET", "/2017-03-31/tags/the-name", Operation::list_tags, "the-name", ""},
           Row{"POST", "/2017-03-31/tags/the-name", Operation::tag_resource, "the-name", ""},
           Row{"DELETE", "/2017-03-31/tags/the-name", Operation::untag_resource, "the-name", ""},
           Row{"GET", "/2016-08-19/account-settings", Operation::get_account_settings, "", ""},
           Row{"GET", "/2020-06-30/functions/the-name/code-signing-config",
               Operation::get_code_signing, "the-name", ""},
           Row{"GET", "/2021-07-20/functions/the-name/runtime-management-config",
               Operation::get_runtime_management, "the-name", ""},
           Row{"PUT", "/2021-07-20/functions/the-name/runtime-management-config",
               Operation::put_runtime_management, "the-name", ""},
           Row{"GET", "/2024-08-31/functions/the-name/recursion-config", Operation::get_recursion,
               "the-name", ""},
           Row{"PUT", "/2024-08-31/functions/the-name/recursion-config", Operation::put_recursion,
               "the-name", ""},
       }) {
    CAPTURE(row.method);
    CAPTURE(row.target);
    std::string target = row.target;
    auto const question = std::min(target.find('?'), target.size());
    for (auto const& form : {target, std::string(target).insert(question, "/")}) {
      auto const found = route(row.method, form);
      CHECK(static_cast<int>(found.operation) == static_cast<int>(row.operation));
      CHECK(found.name == row.name);
      CHECK(found.detail == row.detail);
    }
    auto const other = std::string(target).insert(question, "/x/x/x/x");
    CHECK(static_cast<int>(route(row.method, other).operation) ==
          static_cast<int>(Operation::unknown_lambda));
    CHECK(static_cast<int>(route("PATCH", target).operation) ==
          static_cast<int>(Operation::unknown_lambda));
  }
}

TEST_CASE("what stands at a star is decoded once, and may be anything but nothing more") {
  auto const alias = route("GET", "/2015-03-31/functions/f%3A1/aliases/a%252Fb");
  CHECK(alias.name == "f:1");
  CHECK(alias.detail == "a%2Fb");
  auto const slash = route("DELETE", "/2015-03-31/functions/a%2Fb/policy/c%2Fd");
  CHECK(slash.name == "a/b");
  CHECK(slash.detail == "c/d");
  CHECK(static_cast<int>(route("GET", "/2015-03-31/functions//aliases/x").operation) ==
        static_cast<int>(Operation::get_alias));
}

TEST_CASE("a date that an operation does not have is not one of its paths") {
  for (auto const* target :
       {"/2015-03-31/functions/f/concurrency", "/2019-09-30/functions/f/event-invoke-config",
        "/2017-10-31/functions/f/provisioned-concurrency", "/2099-01-01/functions"}) {
    CAPTURE(target);
    CHECK(static_cast<int>(route("GET", target).operation) ==
          static_cast<int>(Operation::unknown_lambda));
  }
}

TEST_CASE("a known path with another method says which it has") {
  auto const found = route("DELETE", "/function/f");
  CHECK(static_cast<int>(found.operation) == static_cast<int>(Operation::wrong_method));
  CHECK(found.methods == "POST");
}

TEST_CASE("Lambda's errors are for Lambda's paths") {
  CHECK(speaks_lambda(Operation::invoke));
  CHECK(speaks_lambda(Operation::unknown_lambda));
  CHECK_FALSE(speaks_lambda(Operation::call_function));
  CHECK_FALSE(speaks_lambda(Operation::unknown_path));
}
