// A function's configuration between AWS's JSON and faas::Function. Pure.
#pragma once

#include <faas/function.hpp>
#include <faas/runtime.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/json.hpp"

namespace faas::inline v0::http {

// Members that nothing here acts on but clients read back (Role, Tags, VpcConfig, …) are kept as
// one JSON object in this annotation.
inline constexpr std::string_view kAnnotation = "aws.lambda";

// Where the code comes from. Views into the request's tree.
struct CodeFields {
  std::optional<std::string_view> zip;  // base64
  std::optional<std::string_view> bucket, key;
  bool given() const { return zip || bucket || key; }
};

// What a request sets; unset members were absent.
struct ConfigurationFields {
  std::optional<std::string> function_name, runtime, handler, description, revision;
  std::optional<std::int64_t> timeout, memory, tmp, capacity;
  std::optional<std::map<std::string, std::string>> environment;
  std::optional<std::vector<std::string>> layer_arns;
  std::optional<std::vector<Digest>> layers;  // what these are, once somebody looked
  std::map<std::string, std::string> tags;    // of a creation
  bool publish = false;                       // likewise
  json::object stored;
};

// The members shared by CreateFunction and UpdateFunctionConfiguration, checked with Lambda's
// texts.
void read_configuration(FieldReader&, ConfigurationFields&);
// Members of CreateFunction alone: FunctionName, Code, Tags, PackageType, Publish, Architectures, …
void read_creation(FieldReader&, ConfigurationFields&, CodeFields&);
// ZipFile, S3Bucket, S3Key and what may stand beside them.
void read_code(FieldReader&, CodeFields&);
// Architectures and Publish, which create and update both have.
void read_architectures(FieldReader&);
bool read_publish(FieldReader&);

Function to_function(FunctionName, ConfigurationFields const&);
FunctionUpdate to_update(Function const& current, ConfigurationFields const&);

// FunctionConfiguration as clients read it. `qualifier` ends its ARN, if there is one: as the
// client asked, or the version.
enum class Detail { listed, full };  // listed: without State and LastUpdateStatus
json::object to_json(FunctionInfo const&, std::string_view region, std::string_view qualifier,
                     Detail);

// "2026-11-23T06:42:02.123+0000"
std::string lambda_time(SystemTime);

}  // namespace faas::inline v0::http
