#include "registry/layers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "registry/state.hpp"

namespace faas::inline v0::registry {
namespace {

namespace json = boost::json;
using store::Row;
using store::Transaction;

json::array array_of(std::vector<std::string> const& texts) {
  json::array out;
  for (auto const& text : texts) out.emplace_back(text);
  return out;
}

std::vector<std::string> texts_of(json::value const& array) {
  std::vector<std::string> out;
  for (auto const& text : array.as_array()) out.emplace_back(text.as_string());
  return out;
}

// Name and version are the row's key.
std::string to_json(LayerInfo const& info) {
  auto const& layer = info.layer;
  return json::serialize(json::object{
      {"code", layer.code.hex},
      {"description", layer.description},
      {"license", layer.license},
      {"runtimes", array_of(layer.runtimes)},
      {"architectures", array_of(layer.architectures)},
      {"code_sha256", info.code_sha256},
      {"code_size", info.code_size.count},
      {"created_ns", std::chrono::nanoseconds(info.created.time_since_epoch()).count()}});
}

std::optional<LayerInfo> from_json(std::string_view text) try {
  auto const value = json::parse(text);
  auto const& in = value.as_object();
  auto const text_of = [&](char const* field) { return std::string(in.at(field).as_string()); };
  LayerInfo info;
  info.layer.code = {text_of("code")};
  info.layer.description = text_of("description");
  info.layer.license = text_of("license");
  info.layer.runtimes = texts_of(in.at("runtimes"));
  info.layer.architectures = texts_of(in.at("architectures"));
  info.code_sha256 = text_of("code_sha256");
  info.code_size = {in.at("code_size").to_number<std::uint64_t>()};
  info.created =
      SystemTime(std::chrono::nanoseconds(in.at("created_ns").to_number<std::int64_t>()));
  return info;
} catch (std::exception const&) {  // what json throws of another text
  return std::nullopt;
}

bool has(std::vector<std::string> const& values, std::string_view wanted) {
  return wanted.empty() || std::ranges::find(values, wanted) != values.end();
}

bool matches(LayerInfo const& info, LayerFilter filter) {
  return has(info.layer.runtimes, filter.runtime) &&
         has(info.layer.architectures, filter.architecture);
}

Result<void> insert(Transaction& t, LayerInfo& info) {
  auto const& name = info.layer.name;
  auto const version = next_number(t, fmt::format("layer/{}/{}", name.account, name.name));
  if (!version) return version.error();
  info.version = *version;
  auto r =
      t.execute("INSERT INTO layer_versions (account, name, version, info) VALUES (?, ?, ?, ?)",
                {name.account, name.name, info.version, to_json(info)});
  if (!r) return r.error();
  return {};
}

Result<void> erase(Transaction& t, LayerName const& name, std::uint64_t version) {
  auto r = t.execute("DELETE FROM layer_versions WHERE account = ? AND name = ? AND version = ?",
                     {name.account, name.name, version});
  if (!r) return r.error();
  return {};
}

}  // namespace

struct Layers::State {
  explicit State(store::Store& s) : store(s) {}

  Result<void> load(Transaction&);
  void set(LayerInfo const&);
  void drop(LayerName const&, std::uint64_t version);

  using Versions = std::map<std::uint64_t, LayerInfo, std::greater<>>;  // the newest first

  store::Store& store;
  mutable std::mutex mutex;
  std::map<LayerName, Versions> layers;  // none without a version
  std::map<Digest, std::size_t> uses;    // versions of each package
};

Result<void> Layers::State::load(Transaction& t) {
  return t.query("SELECT account, name, version, info FROM layer_versions", {},
                 [&](Row const& row) -> Result<void> {
                   auto info = from_json(row.text(3));
                   if (!info) return {};
                   info->layer.name = {std::string(row.text(0)), std::string(row.text(1))};
                   info->version = static_cast<std::uint64_t>(row.integer(2));
                   set(*info);
                   return {};
                 });
}

void Layers::State::set(LayerInfo const& info) {
  layers[info.layer.name].emplace(info.version, info);
  ++uses[info.layer.code];
}

void Layers::State::drop(LayerName const& name, std::uint64_t version) {
  std::lock_guard lock(mutex);
  auto const layer = layers.find(name);
  if (layer == layers.end()) return;
  auto const found = layer->second.find(version);
  if (found == layer->second.end()) return;
  auto const used = uses.find(found->second.layer.code);
  if (--used->second == 0) uses.erase(used);
  layer->second.erase(found);
  if (layer->second.empty()) layers.erase(layer);
}

Layers::Layers(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<Layers> Layers::open(store::Store& store) {
  auto state = std::make_shared<State>(store);
  auto loaded = store.run([&](Transaction& t) { return state->load(t); });
  if (!loaded) return loaded.error();
  return Layers(std::move(state));
}

Result<LayerInfo> Layers::get(LayerName const& name, std::uint64_t version) const {
  std::lock_guard lock(state_->mutex);
  if (auto const layer = state_->layers.find(name); layer != state_->layers.end()) {
    auto const found = layer->second.find(version);
    if (found != layer->second.end()) return found->second;
  }
  return Error{
      Errc::not_found,
      fmt::format("Layer version not found: {}:{} (account {})", name.name, version, name.account),
      "ResourceNotFoundException", "registry"};
}

std::vector<LayerInfo> Layers::page(std::string_view account, std::string_view after,
                                    std::size_t most, LayerFilter filter) const {
  std::vector<LayerInfo> out;
  std::lock_guard lock(state_->mutex);
  auto at = state_->layers.upper_bound({std::string(account), std::string(after)});
  for (; at != state_->layers.end() && at->first.account == account && out.size() < most; ++at) {
    auto const newest =
        std::ranges::find_if(at->second, [&](auto const& v) { return matches(v.second, filter); });
    if (newest != at->second.end()) out.push_back(newest->second);
  }
  return out;
}

std::vector<LayerInfo> Layers::versions(LayerName const& name, std::uint64_t before,
                                        std::size_t most, LayerFilter filter) const {
  std::vector<LayerInfo> out;
  std::lock_guard lock(state_->mutex);
  auto const layer = state_->layers.find(name);
  if (layer == state_->layers.end()) return out;
  auto at = before == 0 ? layer->second.begin() : layer->second.upper_bound(before);
  for (; at != layer->second.end() && out.size() < most; ++at) {
    if (matches(at->second, filter)) out.push_back(at->second);
  }
  return out;
}

bool Layers::uses(Digest const& digest) const {
  std::lock_guard lock(state_->mutex);
  return state_->uses.contains(digest);
}

Bytes Layers::usage(std::string_view account) const {
  std::map<Digest, Bytes> sizes;
  std::lock_guard lock(state_->mutex);
  auto at = state_->layers.lower_bound({std::string(account), {}});
  for (; at != state_->layers.end() && at->first.account == account; ++at) {
    for (auto const& [number, info] : at->second) sizes[info.layer.code] = info.code_size;
  }
  Bytes sum;
  for (auto const& [digest, size] : sizes) sum.count += size.count;
  return sum;
}

void Layers::publish(LayerInfo info, std::function<void(Result<LayerInfo>)> done) {
  auto shared = std::make_shared<LayerInfo>(std::move(info));
  state_->store.submit([shared](Transaction& t) { return insert(t, *shared); },
                       [state = state_, shared, done = std::move(done)](Result<void> committed) {
                         if (!committed) return done(committed.error());
                         {
                           std::lock_guard lock(state->mutex);
                           state->set(*shared);
                         }
                         done(std::move(*shared));
                       });
}

void Layers::remove(LayerName name, std::uint64_t version, std::function<void(Result<void>)> done) {
  // No column holds more, so no version has it.
  if (version > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) version = 0;
  state_->store.submit([=](Transaction& t) { return erase(t, name, version); },
                       [=, state = state_](Result<void> committed) {
                         if (committed) state->drop(name, version);
                         done(std::move(committed));
                       });
}

}  // namespace faas::inline v0::registry
