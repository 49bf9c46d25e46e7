#include <fmt/format.h>

#include <boost/json.hpp>
#include <faas/releases.hpp>

#include "control/release_replies.hpp"
#include "control/reply_fields.hpp"
#include "fetch/url.hpp"

namespace faas::inline v0 {
namespace {

namespace json = boost::json;
using namespace control;

std::string alias_path(std::string_view name, std::string_view alias) {
  return lambda_path(name) + "/aliases/" + fetch::percent_encoded(alias);
}

std::string reserved_path(std::string_view name) {
  return "/2017-10-31/functions/" + fetch::percent_encoded(name) + "/concurrency";
}

std::string provisioned_path(std::string_view name) {
  return fmt::format("/2019-09-30/functions/{}/provisioned-concurrency",
                     fetch::percent_encoded(name));
}

std::string qualified(std::string_view qualifier) {
  return "?Qualifier=" + fetch::percent_encoded(qualifier);
}

// Every item of a list that comes in pages; `path` has no query yet but for `question`.
Result<json::array> all_pages(Client const& client, std::string const& path,
                              std::string const& question, char const* member) {
  json::array all;
  std::string marker;
  do {
    auto const next = marker.empty()
                          ? question
                          : fmt::format("{}&Marker={}", question, fetch::percent_encoded(marker));
    auto const body = client.request("GET", path + "?" + next);
    if (!body) return body.error();
    auto const page = parse_reply(*body);
    if (!page) return page.error();
    for (auto& item : list(*page, member)) {
      if (item.is_object()) all.push_back(std::move(item));
    }
    marker = text(*page, "NextMarker");
  } while (!marker.empty());
  return all;
}

constexpr auto kLargePages = "MaxItems=10000";

Result<void> ask(Client const& client, std::string_view method, std::string target,
                 std::string body = {}) {
  auto const done = client.request(method, std::move(target), std::move(body));
  if (!done) return done.error();
  return {};
}

bool missing(Error const& error) { return error.reason == "ResourceNotFoundException"; }

}  // namespace

Result<VersionList> list_versions(Client const& client, std::string_view name) {
  auto all = all_pages(client, lambda_path(name) + "/versions", kLargePages, "Versions");
  if (!all) return all.error();
  VersionList result;
  for (auto const& item : *all) result.versions.push_back(version_of(item.get_object()));
  result.json = json::serialize(json::object{{"Versions", std::move(*all)}});
  return result;
}

Result<VersionSummary> publish_version(Client const& client, std::string_view name,
                                       std::optional<std::string> const& description) {
  json::object wish;
  if (description) wish["Description"] = *description;
  auto const body = client.request("POST", lambda_path(name) + "/versions", json::serialize(wish));
  if (!body) return body.error();
  return read_version(*body);
}

Result<AliasList> list_aliases(Client const& client, std::string_view name) {
  auto all = all_pages(client, lambda_path(name) + "/aliases", kLargePages, "Aliases");
  if (!all) return all.error();
  AliasList result;
  for (auto const& item : *all) result.aliases.push_back(alias_of(item.get_object()));
  result.json = json::serialize(json::object{{"Aliases", std::move(*all)}});
  return result;
}

Result<AliasSummary> find_alias(Client const& client, std::string_view name,
                                std::string_view alias) {
  auto const body = client.request("GET", alias_path(name, alias));
  if (!body) return body.error();
  return read_alias(*body);
}

Result<AliasSummary> set_alias(Client const& client, std::string_view name, std::string_view alias,
                               AliasRequest const& change) {
  auto wish = alias_body(change);
  auto updated = client.request("PUT", alias_path(name, alias), json::serialize(wish));
  if (!updated && missing(updated.error()) && change.version) {
    wish["Name"] = json::string_view(alias.data(), alias.size());
    updated = client.request("POST", lambda_path(name) + "/aliases", json::serialize(wish));
  }
  if (!updated) return updated.error();
  return read_alias(*updated);
}

Result<void> remove_alias(Client const& client, std::string_view name, std::string_view alias) {
  return ask(client, "DELETE", alias_path(name, alias));
}

Result<ConcurrencySummary> concurrency_of(Client const& client, std::string_view name) {
  auto const reserved = client.request(
      "GET", "/2019-09-30/functions/" + fetch::percent_encoded(name) + "/concurrency");
  if (!reserved) return reserved.error();
  auto const o = parse_reply(*reserved);
  if (!o) return o.error();
  ConcurrencySummary result;
  if (o->contains("ReservedConcurrentExecutions"))
    result.reserved = number(*o, "ReservedConcurrentExecutions");
  auto const all =
      all_pages(client, provisioned_path(name), "List=ALL", "ProvisionedConcurrencyConfigs");
  if (!all) return all.error();
  for (auto const& item : *all) {
    auto one = read_provisioned(json::serialize(item), {});
    if (one) result.provisioned.push_back(std::move(*one));
  }
  return result;
}

Result<void> reserve_concurrency(Client const& client, std::string_view name,
                                 std::optional<std::uint64_t> count) {
  if (!count) return ask(client, "DELETE", reserved_path(name));
  return ask(client, "PUT", reserved_path(name),
             json::serialize(json::object{{"ReservedConcurrentExecutions", *count}}));
}

Result<ProvisionedSummary> provisioned_of(Client const& client, std::string_view name,
                                          std::string_view qualifier) {
  auto const body = client.request("GET", provisioned_path(name) + qualified(qualifier));
  if (!body) return body.error();
  return read_provisioned(*body, qualifier);
}

Result<ProvisionedSummary> provision(Client const& client, std::string_view name,
                                     std::string_view qualifier, std::uint64_t count) {
  auto const body =
      client.request("PUT", provisioned_path(name) + qualified(qualifier),
                     json::serialize(json::object{{"ProvisionedConcurrentExecutions", count}}));
  if (!body) return body.error();
  return read_provisioned(*body, qualifier);
}

Result<void> unprovision(Client const& client, std::string_view name, std::string_view qualifier) {
  return ask(client, "DELETE", provisioned_path(name) + qualified(qualifier));
}

Result<LimitList> effective_limits(Client const& client, std::string_view name,
                                   std::string_view qualifier) {
  auto target = own_path(name) + "/limits";
  if (!qualifier.empty()) target += qualified(qualifier);
  auto body = client.request("GET", std::move(target));
  if (!body) return body.error();
  return read_limits(std::move(*body));
}

}  // namespace faas::inline v0
