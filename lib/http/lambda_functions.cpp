// CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration, DeleteFunction, and our own PUT
// that is create and update in one step.
#include <fmt/format.h>

#include "http/api.hpp"
#include "http/blobs.hpp"
#include "http/tags.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kBucket = "faas";

std::optional<LambdaError> missing_member(ConfigurationFields const& fields,
                                          CodeFields const& code) {
  constexpr std::string_view kNull = "not be null";
  if (!fields.function_name) return constraint_error("null", "functionName", kNull);
  if (!code.given()) return invalid_parameter("Please provide a source for function code.");
  if (!fields.runtime || fields.runtime->empty() || !fields.handler || fields.handler->empty()) {
    return invalid_parameter(
        "Runtime and Handler are mandatory parameters for functions created with deployment "
        "packages.");
  }
  return std::nullopt;
}

// What a new function has beside its configuration.
FunctionSettings settings_of(ConfigurationFields const& fields) {
  FunctionSettings settings;
  if (!fields.tags.empty()) settings.attributes[tags_key()] = to_attribute(fields.tags);
  return settings;
}

// What Lambda's console writes into a new function. Only our own path fills it in.
std::optional<std::string> default_handler(std::optional<std::string> const& runtime) {
  if (!runtime) return std::nullopt;
  if (runtime->starts_with("python")) return "lambda_function.lambda_handler";
  if (runtime->starts_with("nodejs")) return "index.handler";
  return "bootstrap";
}

LambdaError already_exists(std::string_view name) {
  return {"ResourceConflictException", fmt::format("Function already exist: {}", name)};
}

// A change made from what was read a moment ago: another's change in between starts it over.
asio::awaitable<LambdaResult<FunctionInfo>> update_function(Context& c, FunctionName name,
                                                            ConfigurationFields fields,
                                                            std::optional<Digest> code) {
  for (int attempt = 0;; ++attempt) {
    auto current = c.runtime.get(name);
    if (!current) co_return control_error(current.error());
    auto update = to_update(current->function, fields);
    update.code = code;
    update.expected_revision = fields.revision ? *fields.revision : current->revision_uuid;
    auto updated = co_await c.runtime.update(name, std::move(update));
    if (updated) co_return std::move(*updated);
    if (updated.error().code != Errc::conflict) co_return control_error(updated.error());
    if (fields.revision) co_return publish_error(updated.error());
    if (attempt == kAttempts) co_return conflict_error(updated.error());
  }
}

// What a client that asked for Publish gets: the version, or why there is none.
asio::awaitable<LambdaResult<FunctionInfo>> publish_it(Context& c, FunctionName name) {
  Publication wish;
  auto published = co_await c.runtime.publish(std::move(name), std::move(wish));
  if (published) co_return std::move(*published);
  co_return publish_error(published.error());
}

// DryRun: everything but the change.
FunctionInfo as_if_updated(FunctionInfo info, Package const& package) {
  info.code_sha256 = package.code_sha256;
  info.code_size = package.size;
  return info;
}

struct CodeUpdate {
  CodeFields code;
  std::optional<std::string> revision;
  bool dry_run = false;
  bool publish = false;
};

LambdaResult<CodeUpdate> read_code_update(json::object const& body) {
  CodeUpdate update;
  FieldReader reader(body);
  read_code(reader, update.code);
  update.publish = read_publish(reader);
  read_architectures(reader);
  if (auto const revision = reader.string("RevisionId")) update.revision = std::string(*revision);
  update.dry_run = reader.boolean("DryRun").value_or(false);
  if (auto r = reader.finish(); !r) return r.error();
  if (!update.code.given()) return invalid_parameter("Please provide a source for function code.");
  return update;
}

LambdaResult<ConfigurationFields> read_configuration_update(json::object const& body) {
  ConfigurationFields fields;
  FieldReader reader(body);
  read_configuration(reader, fields);
  if (auto const revision = reader.string("RevisionId")) fields.revision = std::string(*revision);
  if (auto r = reader.finish(); !r) return r.error();
  return fields;
}

struct Creation {
  ConfigurationFields fields;
  CodeFields code;
};

LambdaResult<Creation> read_creation(json::object const& body) {
  Creation creation;
  FieldReader reader(body);
  read_creation(reader, creation.fields, creation.code);
  if (auto r = reader.finish(); !r) return r.error();
  return creation;
}

}  // namespace

Response configuration_response(Context& c, unsigned status, FunctionInfo const& info,
                                std::string_view qualifier) {
  return json_response(status,
                       json::serialize(to_json(info, c.options.region, qualifier, Detail::full)));
}

asio::awaitable<LambdaResult<Package>> store_code(Context& c, std::shared_ptr<void const> owner,
                                                  CodeFields code) {
  if (code.zip && (code.bucket || code.key)) {
    co_return invalid_parameter(
        "Please do not provide other FunctionCode parameters when providing a ZipFile.");
  }
  if (code.zip) {
    std::shared_ptr<BlobSource> blob = std::make_shared<Base64Blob>(std::move(owner), *code.zip);
    auto stored = co_await c.runtime.store(std::move(blob));
    if (!stored) co_return control_error(stored.error());
    co_return std::move(*stored);
  }
  if (code.bucket != kBucket || !code.key) {
    co_return invalid_parameter(
        "The only bucket is 'faas': PUT the zip to /faas/v1/packages and give the Digest it "
        "answers as S3Key.");
  }
  auto known = c.runtime.package(Digest{std::string(*code.key)});
  if (!known) {
    co_return invalid_parameter(
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified "
        "key does not "
        "exist. PUT the zip to /faas/v1/packages first.");
  }
  co_return std::move(*known);
}

asio::awaitable<Response> create_function(Context& c, Request request) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  request.body.clear();
  request.body.shrink_to_fit();
  auto creation = read_creation(**body);
  if (!creation) co_return render(creation.error());
  auto& fields = creation->fields;
  if (auto const missing = missing_member(fields, creation->code)) co_return render(*missing);
  if (!fields.stored.contains("Role"))
    co_return render(constraint_error("null", "role", "not be null"));
  auto const ref = find_unqualified_ref(c, request.identity, *fields.function_name);
  if (!ref) co_return render(ref.error());
  if (c.runtime.get(ref->name)) co_return render(already_exists(ref->name.name));
  if (auto found = find_layers(c, ref->name, fields); !found) co_return render(found.error());

  auto const package = co_await store_code(c, *body, creation->code);
  if (!package) co_return render(package.error());
  auto function = to_function(ref->name, fields);
  function.code = package->digest;
  auto settings = settings_of(fields);
  auto const deployed = co_await c.runtime.deploy(std::move(function), std::move(settings));
  if (!deployed) {
    co_return render(deployed.error().code == Errc::conflict ? already_exists(ref->name.name)
                                                             : control_error(deployed.error()));
  }
  if (!fields.publish) co_return configuration_response(c, 201, *deployed, "");
  auto const published = co_await publish_it(c, ref->name);
  co_return published ? configuration_response(c, 201, *published, "") : render(published.error());
}

asio::awaitable<Response> put_function(Context& c, Request request, std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  auto creation = read_creation(**body);
  if (!creation) co_return render(creation.error());
  creation->fields.function_name = name;
  auto const ref = find_unqualified_ref(c, request.identity, name);
  if (!ref) co_return render(ref.error());

  bool const exists = c.runtime.get(ref->name).has_value();
  if (!exists && !creation->fields.handler)
    creation->fields.handler = default_handler(creation->fields.runtime);
  if (auto const missing = missing_member(creation->fields, creation->code); missing && !exists) {
    co_return render(*missing);
  }
  if (auto found = find_layers(c, ref->name, creation->fields); !found)
    co_return render(found.error());
  std::optional<Digest> digest;
  if (creation->code.given()) {
    auto const package = co_await store_code(c, *body, creation->code);
    if (!package) co_return render(package.error());
    digest = package->digest;
  }
  if (exists) {
    auto const updated =
        co_await update_function(c, ref->name, std::move(creation->fields), digest);
    co_return updated ? configuration_response(c, 200, *updated, "") : render(updated.error());
  }
  auto function = to_function(ref->name, creation->fields);
  function.code = *digest;
  auto settings = settings_of(creation->fields);
  auto const deployed = co_await c.runtime.deploy(std::move(function), std::move(settings));
  co_return deployed ? configuration_response(c, 201, *deployed, "")
                     : render(control_error(deployed.error()));
}

asio::awaitable<Response> update_function_code(Context& c, Request request, std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  request.body.clear();
  request.body.shrink_to_fit();
  auto const change = read_code_update(**body);
  if (!change) co_return render(change.error());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) co_return render(info.error());
  auto const package = co_await store_code(c, *body, change->code);
  if (!package) co_return render(package.error());
  if (change->dry_run) {
    if (change->revision && *change->revision != info->revision_uuid)
      co_return render(LambdaError{"PreconditionFailedException", std::string(kStaleFunction)});
    co_return configuration_response(c, 200, as_if_updated(*info, *package), "");
  }

  ConfigurationFields fields;
  fields.revision = change->revision;
  auto const& function = info->function.name;
  auto const updated = co_await update_function(c, function, std::move(fields), package->digest);
  if (!updated) co_return render(updated.error());
  if (!change->publish) co_return configuration_response(c, 200, *updated, "");
  auto const published = co_await publish_it(c, function);
  co_return published ? configuration_response(c, 200, *published, published->version)
                      : render(published.error());
}

asio::awaitable<Response> update_function_configuration(Context& c, Request request,
                                                        std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  auto fields = read_configuration_update(**body);
  if (!fields) co_return render(fields.error());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) co_return render(info.error());
  if (auto found = find_layers(c, info->function.name, *fields); !found)
    co_return render(found.error());
  auto const updated =
      co_await update_function(c, info->function.name, std::move(*fields), std::nullopt);
  co_return updated ? configuration_response(c, 200, *updated, "") : render(updated.error());
}

asio::awaitable<Response> delete_function(Context& c, Request request, std::string name) {
  auto const ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) co_return render(ref.error());
  if (ref->qualifier == "$LATEST") {
    co_return render(
        invalid_parameter("$LATEST version cannot be deleted without deleting the function."));
  }
  if (auto const info = find_function(c, *ref); !info) co_return render(info.error());
  if (ref->qualifier.empty()) {
    auto const removed = co_await c.runtime.remove(ref->name);
    co_return removed ? no_content() : render(control_error(removed.error()));
  }
  if (c.runtime.alias(ref->name, ref->qualifier))
    co_return render(invalid_parameter("Deletion of aliases is not currently supported."));
  auto const removed = co_await c.runtime.remove_version(ref->name, ref->qualifier);
  co_return removed ? no_content() : render(control_error(removed.error()));
}

}  // namespace faas::inline v0::http
