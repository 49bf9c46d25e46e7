#include "registry/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "registry/catalogue.hpp"
#include "registry/json.hpp"
#include "registry/packed.hpp"

namespace faas::inline v0::registry {
namespace {

using store::Row;
using store::Transaction;

Error not_there(FunctionName const& name) {
  return {Errc::not_found,
          fmt::format("Function not found: {} (account {})", name.name, name.account),
          "ResourceNotFoundException", "registry"};
}

// One change on its way through the store.
struct Change {
  FunctionInfo info;
  std::optional<std::string> expected_uuid;
  Keep keep = Keep::durable;
  Registry::Done done;

  FunctionName const& name() const { return info.function.name; }
};

// The stored JSON; nothing: no such row.
Result<std::optional<std::string>> stored(Transaction& t, FunctionName const& name) {
  std::optional<std::string> info;
  auto r = t.query("SELECT info FROM functions WHERE account = ? AND name = ?",
                   {name.account, name.name}, [&](Row const& row) -> Result<void> {
                     info = std::string(row.text(0));
                     return {};
                   });
  if (!r) return r.error();
  return info;
}

// Never given twice, though the function that had it is long gone.
Result<RevisionId> next_revision(Transaction& t) {
  std::uint64_t revision = 0;
  auto r = t.query(
      "INSERT INTO counters (name, value) VALUES ('revision', 1)"
      " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
      {}, [&](Row const& row) -> Result<void> {
        revision = static_cast<std::uint64_t>(row.integer(0));
        return {};
      });
  if (!r) return r.error();
  return RevisionId{revision};
}

Result<void> insert(Transaction& t, Change& change) {
  auto before = stored(t, change.name());
  if (!before) return before.error();
  if (*before) {
    return Error{Errc::conflict, fmt::format("Function already exist: {}", change.name().name),
                 "ResourceConflictException", "registry"};
  }
  auto revision = next_revision(t);
  if (!revision) return revision.error();
  change.info.revision = *revision;
  auto r = t.execute(
      "INSERT INTO functions (account, name, revision, kept, info) VALUES (?, ?, ?, ?, ?)",
      {change.name().account, change.name().name, static_cast<std::uint64_t>(*revision),
       change.keep == Keep::durable ? 1 : 0, to_json(change.info)});
  if (!r) return r.error();
  return {};
}

// A row that cannot be read has no uuid: only an unconditional change replaces it.
Result<void> check_expected(Change const& change, std::string_view row) {
  if (!change.expected_uuid) return {};
  auto info = from_json(row);
  if (info && info->revision_uuid == *change.expected_uuid) return {};
  return Error{
      Errc::conflict,
      fmt::format("The Revision Id provided ({}) does not match the latest Revision Id ({}) of "
                  "function {}: read it again, then retry",
                  *change.expected_uuid, info ? info->revision_uuid : "unreadable",
                  change.name().name),
      "PreconditionFailedException", "registry"};
}

Result<void> replace(Transaction& t, Change& change) {
  auto before = stored(t, change.name());
  if (!before) return before.error();
  if (!*before) return not_there(change.name());
  if (auto r = check_expected(change, **before); !r) return r;
  auto revision = next_revision(t);
  if (!revision) return revision.error();
  change.info.revision = *revision;
  auto r = t.execute("UPDATE functions SET revision = ?, info = ? WHERE account = ? AND name = ?",
                     {static_cast<std::uint64_t>(*revision), to_json(change.info),
                      change.name().account, change.name().name});
  if (!r) return r.error();
  return {};
}

Result<void> erase(Transaction& t, Change& change) {
  auto before = stored(t, change.name());
  if (!before) return before.error();
  if (!*before) return not_there(change.name());
  // A damaged row may bear another's name: the one asked for stays.
  auto info = from_json(**before);
  if (info && info->function.name == change.name()) change.info = std::move(*info);
  auto r = t.execute("DELETE FROM functions WHERE account = ? AND name = ?",
                     {change.name().account, change.name().name});
  if (!r) return r.error();
  return {};
}

Result<FunctionInfo> read_row(Row const& row, FunctionName const& name) {
  auto info = from_json(row.text(3));
  if (!info) return info;
  bool const same = info->function.name == name && static_cast<std::uint64_t>(info->revision) ==
                                                       static_cast<std::uint64_t>(row.integer(2));
  if (!same) {
    return Error{Errc::corrupt,
                 fmt::format("stored function {}: its row belongs to another", name.name),
                 "StateCorrupt", "registry"};
  }
  return std::move(*info);
}

}  // namespace

struct Registry::State {
  explicit State(store::Store& s) : store(s) {}

  Result<void> load(Transaction&);
  void set(FunctionInfo const&);
  void drop(FunctionInfo const&);
  std::vector<std::string> packed_page(std::string_view account, std::string_view after,
                                       std::size_t most) const;

  store::Store& store;
  mutable std::mutex mutex;  // held to copy packed bytes, never to decode them
  Catalogue catalogue;
  std::vector<Damage> damaged;
};

// Row by row, in the catalogue's order.
Result<void> Registry::State::load(Transaction& t) {
  if (auto r = t.execute("DELETE FROM functions WHERE kept = 0"); !r) return r.error();
  return t.query("SELECT account, name, revision, info FROM functions ORDER BY account, name", {},
                 [&](Row const& row) -> Result<void> {
                   FunctionName name(std::string(row.text(0)), std::string(row.text(1)));
                   auto info = read_row(row, name);
                   if (info) {
                     catalogue.set(*info);
                   } else {
                     damaged.push_back({std::move(name), info.error()});
                   }
                   return {};
                 });
}

void Registry::State::set(FunctionInfo const& info) {
  std::lock_guard lock(mutex);
  catalogue.set(info);
}

void Registry::State::drop(FunctionInfo const& info) {
  std::lock_guard lock(mutex);
  catalogue.drop(info.function.name);
}

std::vector<std::string> Registry::State::packed_page(std::string_view account,
                                                      std::string_view after,
                                                      std::size_t most) const {
  std::lock_guard lock(mutex);
  return catalogue.page(account, after, most);
}

namespace {

// Hands a change to the store; the view follows once it is committed.
template <class State>
void submit(std::shared_ptr<State> state, Change made, Result<void> (*work)(Transaction&, Change&),
            void (State::*apply)(FunctionInfo const&)) {
  auto change = std::make_shared<Change>(std::move(made));
  auto& store = state->store;
  store.submit([=](Transaction& t) { return work(t, *change); },
               [=, state = std::move(state)](Result<void> committed) {
                 if (!committed) return change->done(committed.error());
                 (state.get()->*apply)(change->info);
                 change->done(std::move(change->info));
               });
}

}  // namespace

Registry::Registry(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<Registry> Registry::open(store::Store& store) {
  auto state = std::make_shared<State>(store);
  auto loaded = store.run([&](Transaction& t) { return state->load(t); });
  if (!loaded) return loaded.error();
  return Registry(std::move(state));
}

Result<FunctionInfo> Registry::get(FunctionName const& name) const {
  if (auto entry = find(name)) return *entry;
  return not_there(name);
}

std::optional<RevisionId> Registry::revision(FunctionName const& name) const {
  std::lock_guard lock(state_->mutex);
  return state_->catalogue.revision(name);
}

Entry Registry::find(FunctionName const& name) const {
  std::string packed;
  {
    std::lock_guard lock(state_->mutex);
    packed = state_->catalogue.find(name);
  }
  return packed.empty() ? nullptr : std::make_shared<FunctionInfo const>(unpack(packed));
}

std::vector<FunctionInfo> Registry::page(std::string_view account, std::string_view after,
                                         std::size_t most) const {
  auto const packed = state_->packed_page(account, after, most);
  std::vector<FunctionInfo> out;
  out.reserve(packed.size());
  for (auto const& one : packed) out.push_back(unpack(one));
  return out;
}

std::vector<FunctionInfo> Registry::list(std::string_view account) const {
  constexpr std::size_t kPage = 256;  // so that calls wait for one page at most
  std::vector<FunctionInfo> out;
  for (std::size_t had = 0;; had = out.size()) {
    auto next = page(account, out.empty() ? "" : out.back().function.name.name, kPage);
    std::move(next.begin(), next.end(), std::back_inserter(out));
    if (out.size() - had < kPage) return out;
  }
}

void Registry::each_name(std::function<bool(FunctionName const&)> const& visit) const {
  std::lock_guard lock(state_->mutex);
  state_->catalogue.each_name(visit);
}

std::size_t Registry::size() const {
  std::lock_guard lock(state_->mutex);
  return state_->catalogue.size();
}

bool Registry::uses(Digest const& digest) const {
  std::lock_guard lock(state_->mutex);
  return state_->catalogue.uses(digest);
}

AccountUsage Registry::usage(std::string_view account) const {
  std::lock_guard lock(state_->mutex);
  return state_->catalogue.usage(account);
}

std::vector<Damage> const& Registry::damaged() const { return state_->damaged; }

void Registry::add(FunctionInfo info, Keep keep, Done done) {
  submit(state_, {std::move(info), {}, keep, std::move(done)}, insert, &State::set);
}

void Registry::put(FunctionInfo info, std::optional<std::string> expected_uuid, Done done) {
  submit(state_, {std::move(info), std::move(expected_uuid), Keep::durable, std::move(done)},
         replace, &State::set);
}

void Registry::remove(FunctionName name, Done done) {
  Change change;
  change.info.function.name = std::move(name);
  change.done = std::move(done);
  submit(state_, std::move(change), erase, &State::drop);
}

}  // namespace faas::inline v0::registry
