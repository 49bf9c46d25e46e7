// apply and export: what was planned, asked of a daemon.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <faas/code_cache.hpp>
#include <filesystem>
#include <fstream>

#include "control/manifest_existing.hpp"
#include "control/manifest_plan.hpp"
#include "control/manifest_reader.hpp"
#include "control/package.hpp"
#include "control/reply_fields.hpp"
#include "fetch/url.hpp"

namespace faas::inline v0 {
namespace {

namespace json = boost::json;
using namespace control;

Error usage(std::string message) {
  return {Errc::invalid_argument, std::move(message), "", "usage"};
}

// GetFunction's answer; nothing: there is no such function.
Result<std::optional<json::object>> get_function(Client const& client, std::string const& name) {
  auto const body = client.request("GET", lambda_path(name));
  if (!body && body.error().reason == "ResourceNotFoundException")
    return std::optional<json::object>();
  if (!body) return body.error();
  auto told = parse_reply(*body);
  if (!told) return told.error();
  return std::optional(std::move(*told));
}

Result<std::optional<ExistingFunction>> find_existing(Client const& client,
                                                      std::string const& name) {
  auto const told = get_function(client, name);
  if (!told) return told.error();
  if (!*told) return std::optional<ExistingFunction>();
  auto there = existing_of(**told);
  auto const versions = list_versions(client, name);
  if (!versions) return versions.error();
  add_newest(there, versions->versions, object(**told, "Configuration"));
  auto const aliases = list_aliases(client, name);
  if (!aliases) return aliases.error();
  add_aliases(there, aliases->aliases);
  auto const concurrency = concurrency_of(client, name);
  if (!concurrency) return concurrency.error();
  add_provisioned(there, concurrency->provisioned);
  return std::optional(std::move(there));
}

Result<WantedFunction> wanted_of(ManifestFunction const& f, std::string const& origin) {
  WantedFunction wanted{&f, {}};
  if (f.code.empty()) return wanted;
  auto const bytes = read_package(f.code);
  if (!bytes) {
    auto error = bytes.error();
    error.message = fmt::format("{}:{}: {}: {}", origin, f.line, f.name, error.message);
    return error;
  }
  wanted.code_sha256 = code_sha256(*bytes);
  return wanted;
}

struct Plan {
  std::vector<Step> steps;
  std::size_t unchanged = 0;
};

// Functions that the manifest does not name are asked for their tags alone.
Result<void> add_prune(Client const& client, Manifest const& manifest, Plan& plan) {
  auto const all = client.list();
  if (!all) return all.error();
  std::vector<ExistingFunction> others;
  for (auto const& f : all->functions) {
    if (std::ranges::find(manifest.functions, f.name, &ManifestFunction::name) !=
        manifest.functions.end())
      continue;
    auto const told = get_function(client, f.name);
    if (!told) return told.error();
    if (*told) others.push_back(existing_of(**told));
  }
  std::ranges::move(plan_prune(manifest, others), std::back_inserter(plan.steps));
  return {};
}

Result<Plan> make_plan(Client const& client, Manifest const& manifest, bool prune) {
  Plan plan;
  for (auto const& f : manifest.functions) {
    auto const wanted = wanted_of(f, manifest.origin);
    if (!wanted) return wanted.error();
    auto const there = find_existing(client, f.name);
    if (!there) return there.error();
    auto steps =
        plan_function(*wanted, *there ? &**there : nullptr, manifest.origin, manifest.stack);
    if (!steps) return steps.error();
    if (steps->empty()) ++plan.unchanged;
    std::ranges::move(*steps, std::back_inserter(plan.steps));
  }
  if (!prune) return plan;
  if (auto const added = add_prune(client, manifest, plan); !added) return added.error();
  return plan;
}

// Takes the steps of a plan one after the other.
class Actor {
 public:
  explicit Actor(Client const& client) : client_(client) {}

  Result<void> take(Step const& step) {
    auto const& name = step.shown.function;
    switch (step.action) {
      case Step::Action::put: return put(step);
      case Step::Action::tag: return tag(step);
      case Step::Action::reserve: return reserve_concurrency(client_, name, step.reserved.calls);
      case Step::Action::unprovision: return unprovision(client_, name, step.subject);
      case Step::Action::provision: return provision_it(step);
      case Step::Action::set_alias: return set(step);
      case Step::Action::remove_alias: return remove_alias(client_, name, step.subject);
      case Step::Action::publish: return publish(name);
      case Step::Action::remove: return client_.remove(name);
    }
    return {};
  }

 private:
  Result<void> put(Step const& step) {
    std::string digest;
    if (step.with_code) {
      auto stored = client_.upload(step.function->code);
      if (!stored) return stored.error();
      digest = std::move(*stored);
    }
    auto const done = client_.request("PUT", own_path(step.shown.function),
                                      json::serialize(put_body(step, digest)));
    if (!done) return done.error();
    return {};
  }

  Result<void> tag(Step const& step) {
    json::object tags;
    for (auto const& [key, value] : step.tags) tags[key] = value;
    auto const done =
        client_.request("POST", "/2017-03-31/tags/" + fetch::percent_encoded(step.arn),
                        json::serialize(json::object{{"Tags", std::move(tags)}}));
    if (!done) return done.error();
    return {};
  }

  Result<void> publish(std::string const& name) {
    auto const version = publish_version(client_, name);
    if (!version) return version.error();
    published_ = version->version;
    return {};
  }

  Result<void> set(Step const& step) {
    auto const& alias = step.alias;
    AliasRequest change{alias.version == kPublished ? published_ : alias.version, alias.weights,
                        alias.description};
    auto const done = set_alias(client_, step.shown.function, step.subject, change);
    if (!done) return done.error();
    return {};
  }

  Result<void> provision_it(Step const& step) {
    auto const done = provision(client_, step.shown.function, step.subject, step.count);
    if (!done) return done.error();
    return {};
  }

  Client const& client_;
  std::string published_;  // of the function whose steps are taken: its publish comes before
};

// Where an export puts a function's zip. The name comes from a daemon: it is no path.
Result<std::string> save_code(Client const& client, ExistingFunction const& there,
                              std::string const& directory) {
  auto const& name = there.state.name;
  try {
    check_function_name(name, 0);
  } catch (Complaint const& complaint) {
    return Error{Errc::io, "The daemon's answer: " + complaint.what, "", "reply"};
  }
  auto const zip = client.request("GET", there.code_target);
  if (!zip) return zip.error();
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  auto path = (std::filesystem::path(directory) / (name + ".zip")).string();
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(zip->data(), static_cast<std::streamsize>(zip->size()));
  file.close();
  if (!file) return Error{Errc::io, fmt::format("{} cannot be written", path), "", "usage"};
  return path;
}

Result<std::vector<std::string>> all_names(Client const& client) {
  auto const all = client.list();
  if (!all) return all.error();
  std::vector<std::string> names;
  for (auto const& f : all->functions) names.push_back(f.name);
  return names;
}

}  // namespace

Result<ApplyReply> apply_manifest(Client const& client, Manifest const& manifest,
                                  ApplyOptions const& options) {
  if (!is_stack_name(manifest.stack)) {
    return usage(
        fmt::format("'{}' is no name of a stack (1 to 128 of a-z A-Z 0-9 . _ -); say "
                    "--stack NAME",
                    manifest.stack));
  }
  if (options.prune && !manifest.stack_named) {
    return usage(fmt::format(
        "--prune removes what an earlier apply of this stack made, and another project may have a "
        "file called {}, too: name the stack, in the file (stack: NAME) or by --stack NAME",
        manifest.origin));
  }
  auto const plan = make_plan(client, manifest, options.prune);
  if (!plan) return plan.error();
  ApplyReply reply;
  reply.unchanged = plan->unchanged;
  Actor actor(client);
  for (auto const& step : plan->steps) {
    if (options.on_step) options.on_step(step.shown);
    reply.steps.push_back(step.shown);
    if (options.dry_run) continue;
    if (auto const done = actor.take(step); !done) return done.error();
  }
  return reply;
}

Result<Manifest> export_manifest(Client const& client, std::vector<std::string> const& names,
                                 std::string const& code_directory) {
  auto const wanted = names.empty() ? all_names(client) : Result<std::vector<std::string>>(names);
  if (!wanted) return wanted.error();
  Manifest manifest;
  for (auto const& name : *wanted) {
    auto const there = find_existing(client, name);
    if (!there) return there.error();
    if (!*there && names.empty()) continue;  // removed meanwhile
    if (!*there)
      return Error{Errc::not_found, fmt::format("There is no function called {}", name),
                   "ResourceNotFoundException", "daemon"};
    auto f = exported(**there, manifest.notes);
    if (!code_directory.empty()) {
      auto path = save_code(client, **there, code_directory);
      if (!path) return path.error();
      f.code = std::move(*path);
    }
    manifest.functions.push_back(std::move(f));
  }
  return manifest;
}

}  // namespace faas::inline v0
