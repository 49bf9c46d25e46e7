#include "store/schema.hpp"

#include <array>

namespace faas::inline v0::store {
namespace {

// Version 1. functions: `info` is the JSON of registry/json.hpp; `kept` 0: of one process only (a
// host callable). counters: numbers that only grow. usage: the sums of metering/meter.hpp.
constexpr std::string_view kFirst = R"(
CREATE TABLE functions (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  info TEXT NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE usage (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  ok INTEGER NOT NULL,
  function_error INTEGER NOT NULL,
  timed_out INTEGER NOT NULL,
  out_of_memory INTEGER NOT NULL,
  killed INTEGER NOT NULL,
  crashed INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  abandoned INTEGER NOT NULL,
  warm INTEGER NOT NULL,
  fork INTEGER NOT NULL,
  pooled INTEGER NOT NULL,
  cold INTEGER NOT NULL,
  first INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL,
  run_ns INTEGER NOT NULL,
  init_ns INTEGER NOT NULL,
  memory_mib_ms INTEGER NOT NULL,
  max_memory INTEGER NOT NULL,
  last_ns INTEGER NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
)";

// Version 2. versions: as functions; `source` is the revision of $LATEST that was published.
// aliases: the JSON of registry/json.hpp. settings, provisioned, attributes: FunctionSettings.
constexpr std::string_view kSecond = R"(
CREATE TABLE versions (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  source INTEGER NOT NULL,
  info TEXT NOT NULL,
  PRIMARY KEY (account, name, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE aliases (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  alias TEXT NOT NULL,
  info TEXT NOT NULL,
  PRIMARY KEY (account, name, alias)
) STRICT, WITHOUT ROWID;
CREATE TABLE settings (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  reserved INTEGER NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE provisioned (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  qualifier TEXT NOT NULL,
  instances INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL,
  PRIMARY KEY (account, name, qualifier)
) STRICT, WITHOUT ROWID;
CREATE TABLE attributes (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  attribute TEXT NOT NULL,
  qualifier TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (account, name, attribute, qualifier)
) STRICT, WITHOUT ROWID;
)";

// Version 3. layer_versions: `info` is the JSON of registry/layers.cpp.
constexpr std::string_view kLayers = R"(
CREATE TABLE layer_versions (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  info TEXT NOT NULL,
  PRIMARY KEY (account, name, version)
) STRICT, WITHOUT ROWID;
)";

// Version 4. The event queue (events/rows.hpp). event_bodies: written once, with the CRC-64 of the
// row. event_states: what changes; small, without another index than the one a client asks by.
constexpr std::string_view kEvents = R"(
CREATE TABLE event_bodies (
  id INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  qualifier TEXT NOT NULL,
  request_id TEXT NOT NULL,
  content_type TEXT NOT NULL,
  client_context TEXT NOT NULL,
  tenant TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  payload BLOB NOT NULL,
  crc INTEGER NOT NULL
) STRICT;
CREATE TABLE event_states (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  state INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  throttles INTEGER NOT NULL,
  deaths INTEGER NOT NULL,
  condition INTEGER,
  result BLOB
) STRICT;
CREATE TABLE event_keys (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  request_id TEXT NOT NULL,
  crc INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (account, name, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_keys_expire ON event_keys (expires_ms);
)";

constexpr std::array<std::string_view, 4> kSteps{kFirst, kSecond, kLayers, kEvents};

}  // namespace

std::span<std::string_view const> schema() { return kSteps; }

}  // namespace faas::inline v0::store
