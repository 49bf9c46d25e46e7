// The handlers: one request in, one response out. No sockets here.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <faas/host.hpp>
#include <faas/http_server.hpp>
#include <faas/runtime.hpp>
#include <string>

#include "http/body_budget.hpp"
#include "http/configuration.hpp"
#include "http/function_ref.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "http/sign_in.hpp"
#include "http/tls.hpp"

namespace faas::inline v0::http {

// What the handlers share. Outlives every handler.
struct Context {
  Context(Runtime r, HttpServerOptions o, HostReport h, std::optional<TlsContext> t = {})
      : runtime(std::move(r)),
        sign_in(std::exchange(o.access, std::nullopt), o.require_sign_in, o.region),
        tls(std::move(t)),
        options(std::move(o)),
        host(std::move(h)) {}

  Runtime runtime;
  SignIn sign_in;
  std::optional<TlsContext> tls;
  HttpServerOptions options;  // its access is sign_in's
  HostReport host;            // as audited when the server was opened
  std::atomic<bool> ready{true};
  std::atomic<bool> closing{false};
  BodyBudget budget;
};

inline constexpr std::uint64_t kInvokeLimit = 6'291'456;

// How much body an operation reads, and what a larger one is told. Known before the body arrives.
std::uint64_t body_limit(Operation, HttpServerOptions const&);
Response body_too_large(Operation, std::uint64_t limit);

// The one place that asks whether `request.identity` may do this. Never throws but bad_alloc; every
// failure is a response.
asio::awaitable<Response> dispatch(Context&, Route, Request);

// One file each group.
asio::awaitable<Response> create_function(Context&, Request);
asio::awaitable<Response> put_function(Context&, Request, std::string name);
asio::awaitable<Response> update_function_code(Context&, Request, std::string name);
asio::awaitable<Response> update_function_configuration(Context&, Request, std::string name);
asio::awaitable<Response> delete_function(Context&, Request, std::string name);
Response get_function(Context&, Request const&, std::string const& name);
Response get_function_configuration(Context&, Request const&, std::string const& name);
Response list_functions(Context&, Request const&);

asio::awaitable<Response> publish_version(Context&, Request, std::string name);
Response list_versions(Context&, Request const&, std::string const& name);

asio::awaitable<Response> publish_layer_version(Context&, Request, std::string name);
Response get_layer_version(Context&, Request const&, std::string const& name,
                           std::string const& version);
Response get_layer_version_by_arn(Context&, Request const&);
Response list_layers(Context&, Request const&);
Response list_layer_versions(Context&, Request const&, std::string const& name);
asio::awaitable<Response> delete_layer_version(Context&, Request, std::string name,
                                               std::string version);

asio::awaitable<Response> create_alias(Context&, Request, std::string name);
Response get_alias(Context&, Request const&, std::string const& name, std::string const& alias);
asio::awaitable<Response> update_alias(Context&, Request, std::string name, std::string alias);
asio::awaitable<Response> delete_alias(Context&, Request, std::string name, std::string alias);
Response list_aliases(Context&, Request const&, std::string const& name);

asio::awaitable<Response> put_function_concurrency(Context&, Request, std::string name);
Response get_function_concurrency(Context&, Request const&, std::string const& name);
asio::awaitable<Response> delete_function_concurrency(Context&, Request, std::string name);
asio::awaitable<Response> put_provisioned(Context&, Request, std::string name);
Response get_provisioned(Context&, Request const&, std::string const& name);
asio::awaitable<Response> delete_provisioned(Context&, Request, std::string name);
Response list_provisioned(Context&, Request const&, std::string const& name);

asio::awaitable<Response> put_event_invoke(Context&, Request, std::string name);
asio::awaitable<Response> update_event_invoke(Context&, Request, std::string name);
Response get_event_invoke(Context&, Request const&, std::string const& name);
asio::awaitable<Response> delete_event_invoke(Context&, Request, std::string name);
Response list_event_invoke(Context&, Request const&, std::string const& name);

asio::awaitable<Response> add_permission(Context&, Request, std::string name);
asio::awaitable<Response> remove_permission(Context&, Request, std::string name, std::string sid);
Response get_policy(Context&, Request const&, std::string const& name);

Response list_tags(Context&, Request const&, std::string const& arn);
asio::awaitable<Response> tag_resource(Context&, Request, std::string arn);
asio::awaitable<Response> untag_resource(Context&, Request, std::string arn);

Response get_account_settings(Context&, Request const&);
Response get_code_signing(Context&, Request const&, std::string const& name);
Response get_runtime_management(Context&, Request const&, std::string const& name);
asio::awaitable<Response> put_runtime_management(Context&, Request, std::string name);
Response get_recursion(Context&, Request const&, std::string const& name);
asio::awaitable<Response> put_recursion(Context&, Request, std::string name);

asio::awaitable<Response> invoke(Context&, Request, std::string name);
asio::awaitable<Response> call_function(Context&, Request, std::string name);

asio::awaitable<Response> put_package(Context&, Request);
Response get_package(Context&, std::string const& digest);
asio::awaitable<Response> follow_logs(Context&, Request, std::string name);
asio::awaitable<Response> list_instances(Context&, Request);
Response get_limits(Context&, Request const&, std::string const& name);
asio::awaitable<Response> get_status(Context&);
asio::awaitable<Response> metrics(Context&);

// Whom a client named, or what it is told instead. A ref need not exist.
LambdaResult<FunctionRef> find_ref(Context&, Identity const&, std::string_view name,
                                   std::optional<std::string_view> qualifier);
LambdaResult<FunctionInfo> find_function(Context&, FunctionRef const&);
// For operations on functions alone: a version or an alias is refused.
LambdaResult<FunctionRef> find_unqualified_ref(Context&, Identity const&, std::string_view name);
LambdaResult<FunctionInfo> find_unqualified(Context&, Identity const&, std::string_view name);
LambdaResult<FunctionName> find_function_name(Context&, Identity const&, std::string_view name);

// `qualifier` ends the ARN, if there is one.
Response configuration_response(Context&, unsigned status, FunctionInfo const&,
                                std::string_view qualifier);

// A change that is made from what was read is tried so often when others come in between.
inline constexpr int kAttempts = 8;
inline constexpr std::string_view kStaleFunction =
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias "
    "API to retrieve the latest Revision Id";
LambdaError publish_error(Error const&);

// Where a client that has nothing but this URL gets the zip. Host was checked to be ours.
std::string package_location(Request const&, Digest const&);

// Fills in what the ARNs of `fields` stand for; nothing is changed where none were given.
LambdaResult<void> find_layers(Context&, FunctionName const&, ConfigurationFields& fields);

// The code that a request brings or names, stored. `owner` keeps the views in `code` alive.
asio::awaitable<LambdaResult<Package>> store_code(Context&, std::shared_ptr<void const> owner,
                                                  CodeFields code);

}  // namespace faas::inline v0::http
