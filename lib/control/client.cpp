#include <fmt/format.h>

#include <boost/json.hpp>
#include <faas/control.hpp>

#include "base/text.hpp"
#include "control/json_place.hpp"
#include "control/package.hpp"
#include "control/replies.hpp"
#include "control/reply_fields.hpp"
#include "fetch/http_client.hpp"

namespace faas::inline v0 {
namespace {

namespace json = boost::json;

using control::lambda_path;
using control::own_path;

std::string deploy_body(DeployRequest const& r, std::string_view digest) {
  json::object out;
  json::object code{{"S3Bucket", "faas"}};
  code["S3Key"] = json::string_view(digest.data(), digest.size());
  out["Code"] = std::move(code);
  if (r.runtime) out["Runtime"] = *r.runtime;
  if (r.handler) out["Handler"] = *r.handler;
  if (r.description) out["Description"] = *r.description;
  if (r.memory) out["MemorySize"] = *r.memory;
  if (r.timeout) out["Timeout"] = *r.timeout;
  if (r.tmp) out["EphemeralStorage"] = json::object{{"Size", *r.tmp}};
  if (r.capacity) out["CapacityProviderConfig"] = control::capacity_config(*r.capacity);
  if (r.environment) {
    json::object variables;
    for (auto const& [name, value] : *r.environment) variables[name] = value;
    out["Environment"] = json::object{{"Variables", std::move(variables)}};
  }
  return json::serialize(out);
}

}  // namespace

struct Client::Impl {
  fetch::Url url;
  std::string api_key;

  // A response that is not 2xx is an Error.
  Result<fetch::Response> exchange(fetch::Request request,
                                   fetch::ClientOptions const& options = {}) const {
    if (!api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + api_key);
    auto response = fetch::send(url, request, options);
    if (!response) return response.error();
    if (response->status / 100 == 2) return response;
    return control::reply_error(response->status, response->header("x-amzn-ErrorType"),
                                response->body);
  }

  Result<std::string> get(std::string target) const {
    fetch::Request request;
    request.target = std::move(target);
    auto response = exchange(std::move(request));
    if (!response) return response.error();
    return std::move(response->body);
  }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client> Client::open(std::string_view url, std::string api_key) {
  auto parsed = fetch::parse_url(url);
  if (!parsed) return parsed.error();
  auto impl = std::make_unique<Impl>();
  impl->url = std::move(*parsed);
  impl->api_key = std::move(api_key);
  return Client(std::move(impl));
}

Result<std::string> Client::upload(std::string const& path, Progress const& progress) const {
  auto bytes = control::read_package(path);
  if (!bytes) return bytes.error();
  fetch::Request upload;
  upload.method = "PUT";
  upload.target = "/faas/v1/packages";
  upload.headers = {{"Content-Type", "application/zip"}};
  upload.body = std::move(*bytes);
  upload.on_sent = progress;
  auto const stored = impl_->exchange(std::move(upload));
  if (!stored) return stored.error();
  auto const package = control::parse_json(stored->body);
  auto const* digest =
      package && package->is_object() ? package->get_object().if_contains("Digest") : nullptr;
  if (digest == nullptr || !digest->is_string()) {
    return Error{Errc::io, "The answer to the upload names no Digest. Is it a faasd at that URL?",
                 "", "reply"};
  }
  auto const& hex = digest->get_string();
  return std::string(hex.data(), hex.size());
}

Result<std::string> Client::request(std::string_view method, std::string target,
                                    std::string body) const {
  fetch::Request request;
  request.method = method;
  request.target = std::move(target);
  if (!body.empty()) request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  auto response = impl_->exchange(std::move(request));
  if (!response) return response.error();
  return std::move(response->body);
}

Result<DeployReply> Client::deploy(DeployRequest const& r, Progress const& progress) const {
  auto const digest = upload(r.path, progress);
  if (!digest) return digest.error();
  fetch::Request change;
  change.method = "PUT";
  change.target = own_path(r.name);
  change.headers = {{"Content-Type", "application/json"}};
  change.body = deploy_body(r, *digest);
  auto response = impl_->exchange(std::move(change));
  if (!response) return response.error();
  return control::read_deploy(response->status, std::move(response->body));
}

Result<InvokeReply> Client::invoke(std::string_view name, std::string payload, bool log_tail,
                                   std::string_view qualifier) const {
  fetch::Request request;
  request.method = "POST";
  request.target = lambda_path(name) + "/invocations";
  if (!qualifier.empty()) request.target += "?Qualifier=" + fetch::percent_encoded(qualifier);
  if (log_tail) request.headers = {{"X-Amz-Log-Type", "Tail"}};
  request.body = std::move(payload);
  auto const begin = std::chrono::steady_clock::now();
  auto response = impl_->exchange(std::move(request));
  if (!response) return response.error();
  InvokeReply reply;
  reply.took = std::chrono::steady_clock::now() - begin;
  reply.function_error = !response->header("X-Amz-Function-Error").empty();
  reply.version = response->header("X-Amz-Executed-Version");
  reply.start = response->header("X-Faas-Start");
  reply.request_id = response->header("x-amzn-RequestId");
  reply.log = from_base64(response->header("X-Amz-Log-Result")).value_or("");
  reply.payload = std::move(response->body);
  return reply;
}

Result<FunctionList> Client::list() const {
  FunctionList result;
  json::array all;
  std::string marker;
  do {
    auto const query = marker.empty() ? std::string() : "?Marker=" + fetch::percent_encoded(marker);
    auto const body = impl_->get("/2015-03-31/functions" + query);
    if (!body) return body.error();
    auto next = control::read_functions(*body, result, all);
    if (!next) return next.error();
    marker = std::move(*next);
  } while (!marker.empty());
  result.json = json::serialize(json::object{{"Functions", std::move(all)}});
  return result;
}

Result<void> Client::remove(std::string_view name) const {
  fetch::Request request;
  request.method = "DELETE";
  request.target = lambda_path(name);
  auto const response = impl_->exchange(std::move(request));
  if (!response) return response.error();
  return {};
}

Result<void> Client::logs(std::string_view name, LogRequest ask,
                          std::function<bool(std::string_view)> text) const {
  fetch::Request request;
  request.target =
      fmt::format("{}/logs?tail={}{}", own_path(name), ask.tail, ask.follow ? "&follow=1" : "");
  request.on_chunk = std::move(text);
  fetch::ClientOptions options;
  if (ask.follow) options.read_timeout = std::chrono::hours(24 * 365);
  auto const response = impl_->exchange(std::move(request), options);
  if (!response) return response.error();
  return {};
}

Result<InstanceList> Client::instances() const {
  auto body = impl_->get("/faas/v1/instances");
  if (!body) return body.error();
  return control::read_instances(std::move(*body));
}

Result<StatusReply> Client::status() const {
  auto body = impl_->get("/faas/v1/status");
  if (!body) return body.error();
  return control::read_status(std::move(*body));
}

Result<DoctorReply> Client::doctor() const {
  auto body = impl_->get("/faas/v1/doctor");
  if (!body) return body.error();
  return control::read_doctor(std::move(*body));
}

}  // namespace faas::inline v0
