// A function as its owner describes it, and as the registry gives it back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/units.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faas::inline v0 {

// The account of a host that has only one: 12 digits, as on AWS.
inline constexpr std::string_view kDefaultAccount = "000000000000";

// A function is owned by an account; names are unique within it.
// name: 1..64 of [a-zA-Z0-9-_]. account: 12 digits.
struct FunctionName {
  std::string account{kDefaultAccount};
  std::string name;

  FunctionName() = default;
  FunctionName(std::string n) : name(std::move(n)) {}  // NOLINT: the common case
  FunctionName(std::string_view n) : name(n) {}        // NOLINT
  FunctionName(char const* n) : name(n) {}             // NOLINT
  FunctionName(std::string a, std::string n) : account(std::move(a)), name(std::move(n)) {}
  friend auto operator<=>(FunctionName const&, FunctionName const&) = default;
};

// Behaviour first, performance after. Ranges are Lambda's and are checked by deploy.
struct Limits {
  Bytes memory = 128_MiB;      // 128 MiB .. 10,240 MiB; use beyond it ends as out of memory
  Bytes tmp = 512_MiB;         // 512 MiB .. 10,240 MiB of /tmp; full is ENOSPC, never OOM
  milliseconds timeout{3000};  // 1 s .. 900 s, from dispatch; past it the jail is killed
  unsigned concurrency = 0;    // instances at most at once; 0: as many as the host's budget
  unsigned queue = 1000;       // calls waiting at most; one more is refused (QueueFull)
  // Calls at once in one instance, 1..1600. Above 1 the function's runtime must ask for several
  // (Lambda's multi-concurrency): isolation is between instances, so these calls share memory,
  // files and fate. One past its timeout ends as timed_out; the instance takes no further call, the
  // others run to their end, then it is killed. A crash or use of too much memory ends them all.
  unsigned capacity = 1;
  friend bool operator==(Limits const&, Limits const&) = default;
};

// The name of a normalised tree: 64 lower-case hex digits of SHA-256. Empty: no code.
// Not the digest of the uploaded bytes; that is Package::code_sha256 (code_cache.hpp).
struct Digest {
  std::string hex;
  bool empty() const { return hex.empty(); }
  friend auto operator<=>(Digest const&, Digest const&) = default;
};

// What is deployed. An aggregate; only name, runtime and code have no usable default.
struct Function {
  FunctionName name;
  // provided | provided.al2 | provided.al2023 | native | python3.N | nodejsN.x
  std::string runtime;
  std::string handler;  // "module.function" for python and node; free text for others
  Digest code;          // from Runtime::store or CodeCache::store
  // Packages seen at /opt, read-only, as one tree: of two with the same file the later one's. At
  // most 5 (layer.hpp). With the code they are within Lambda's limit of what is unpacked.
  std::vector<Digest> layers;
  Limits limits;
  // at most 4 KiB as JSON; Lambda's reserved names refused
  std::map<std::string, std::string> environment;
  std::string description;  // 0..256 characters
  // opaque: a front end's own fields, given back unchanged
  std::map<std::string, std::string> annotations;
  friend bool operator==(Function const&, Function const&) = default;
};

// One immutable state of a function: code digest and configuration. Instances belong to a revision,
// never to a name, so an update never meets an old instance. Unique within one state directory.
enum class RevisionId : std::uint64_t {};

// A function as stored: what is being edited ($LATEST), or one of its published versions, which
// never change. `revision_uuid` is Lambda's RevisionId: new with every change.
struct FunctionInfo {
  Function function;
  RevisionId revision{};
  std::string revision_uuid;
  std::string version = "$LATEST";  // or a number from 1 on, never given twice to one name
  std::string code_sha256;  // base64 of SHA-256 of the uploaded bytes, as Lambda's CodeSha256
  Bytes code_size;          // of the uploaded bytes
  SystemTime last_modified{};
};

// A name for a version. Calls of NAME:ALIAS run what it points at when they arrive.
struct AliasInfo {
  FunctionName function;
  std::string name;         // 1..128 of [a-zA-Z0-9-_], not digits alone
  std::string version;      // "$LATEST" or a number
  std::string description;  // 0..256 characters
  // The share of calls, 0..1, that another version gets (a canary); at most one, never $LATEST.
  std::map<std::string, double> weights{};
  std::string revision_uuid;  // new with every change
  friend bool operator==(AliasInfo const&, AliasInfo const&) = default;
};

// Instances that are started before any call and kept.
struct Provision {
  unsigned instances = 0;  // at least 1
  SystemTime last_modified{};
  friend bool operator==(Provision const&, Provision const&) = default;
};

// What a front end keeps with a function or one qualifier of it; goes with either.
struct AttributeKey {
  std::string name;       // 1..64 characters
  std::string qualifier;  // a version, an alias, or empty: of the function itself
  friend auto operator<=>(AttributeKey const&, AttributeKey const&) = default;
};

// What holds for a function whatever its version: changed without a new revision, so that no
// instance ends.
struct FunctionSettings {
  // Lambda's reserved concurrency: calls at once over all versions, kept for this function and its
  // limit; 0 stops it.
  std::optional<unsigned> reserved;
  std::map<std::string, Provision> provisioned{};    // by version or alias
  std::map<AttributeKey, std::string> attributes{};  // opaque; at most 64 KiB each, 256 in all
  friend bool operator==(FunctionSettings const&, FunctionSettings const&) = default;
};

// What an account has. Code that several of its functions share counts once, and so does that of
// several versions of its layers.
struct AccountUsage {
  std::size_t functions = 0;
  Bytes code;                  // of the uploaded bytes
  unsigned concurrency = 0;    // calls at once; 0: no limit
  std::size_t unreserved = 0;  // of it, for functions without a reservation
};

// "arn:aws:lambda:<region>:<account>:function:<name>"; the region is where the host says it is.
std::string function_arn(FunctionName const&, std::string_view region);

}  // namespace faas::inline v0
