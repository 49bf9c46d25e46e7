#include "http/router.hpp"

#include <doctest/doctest.h>

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
           Row{"POST", "/2014-11-13/functions/f/invoke-async/", Operation::unknown_lambda, ""},
           Row{"DELETE", "/2015-03-31/functions", Operation::unknown_lambda, ""},
           Row{"POST", "/function/f", Operation::call_function, "f"},
           Row{"PUT", "/faas/v1/packages", Operation::put_package, ""},
           Row{"GET", "/faas/v1/packages/abc", Operation::get_package, "abc"},
           Row{"PUT", "/faas/v1/functions/f", Operation::put_function, "f"},
           Row{"GET", "/faas/v1/functions/f/logs?follow=1", Operation::follow_logs, "f"},
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
