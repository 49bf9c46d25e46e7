#include "registry/catalogue.hpp"

#include <cstring>

#include "registry/packed.hpp"

namespace faas::inline v0::registry {
namespace {

using Length = std::uint32_t;

NameView view_of(FunctionName const& name) { return {name.account, name.name}; }

std::unique_ptr<char[]> with_length(std::string_view packed) {
  auto const length = static_cast<Length>(packed.size());
  std::unique_ptr<char[]> bytes(new char[sizeof length + packed.size()]);
  std::memcpy(bytes.get(), &length, sizeof length);
  std::memcpy(bytes.get() + sizeof length, packed.data(), packed.size());
  return bytes;
}

}  // namespace

Catalogue::Record::Record(std::string_view packed) : bytes(with_length(packed)) {}

std::string_view Catalogue::Record::view() const {
  Length length = 0;
  std::memcpy(&length, bytes.get(), sizeof length);
  return {bytes.get() + sizeof length, length};
}

NameView Catalogue::Record::name() const { return {packed_account(view()), packed_name(view())}; }

std::size_t Catalogue::hash_of(NameView name) {
  constexpr std::size_t kOdd = 0x9E3779B97F4A7C15u;
  std::hash<std::string_view> const hash;
  return hash(name.first) * kOdd + hash(name.second);
}

Catalogue::Record const* Catalogue::lookup(NameView name) const {
  auto const& table = tables_[hash_of(name) % kTables];
  auto const found = table.find(name);
  return found != table.end() ? &**found : nullptr;
}

void Catalogue::set(FunctionInfo const& info) {
  Record record(pack(info));
  if (auto const* old = lookup(record.name())) {
    discount(unpack(old->view()));
    old->bytes = std::move(record.bytes);
  } else {
    auto const at = by_name_.insert(by_name_.end(), std::move(record));
    table(at->name()).insert(at);
  }
  count(info);
}

void Catalogue::drop(FunctionName const& name) {
  auto& hashed = table(view_of(name));
  auto const found = hashed.find(view_of(name));
  if (found == hashed.end()) return;
  auto const at = *found;
  discount(unpack(at->view()));
  hashed.erase(found);
  by_name_.erase(at);
}

std::optional<RevisionId> Catalogue::revision(FunctionName const& name) const {
  auto const* record = lookup(view_of(name));
  if (record == nullptr) return std::nullopt;
  return packed_revision(record->view());
}

std::string_view Catalogue::find(FunctionName const& name) const {
  auto const* record = lookup(view_of(name));
  return record != nullptr ? record->view() : std::string_view();
}

std::vector<std::string> Catalogue::page(std::string_view account, std::string_view after,
                                         std::size_t most) const {
  std::vector<std::string> out;
  auto at = by_name_.upper_bound(NameView(account, after));
  for (; at != by_name_.end() && out.size() < most && at->name().first == account; ++at)
    out.emplace_back(at->view());
  return out;
}

void Catalogue::each_name(std::function<bool(FunctionName const&)> const& visit) const {
  for (auto const& record : by_name_) {
    auto const [account, name] = record.name();
    if (!visit({std::string(account), std::string(name)})) return;
  }
}

void Catalogue::count(FunctionInfo const& info) {
  ++accounts_[info.function.name.account].functions;
  hold(info);
}

void Catalogue::discount(FunctionInfo const& info) {
  --accounts_.find(info.function.name.account)->second.functions;
  let_go(info);
}

void Catalogue::hold(FunctionInfo const& info) {
  auto& account = accounts_[info.function.name.account];
  auto const [at, is_new] = account.code.try_emplace(code_key(info.function.code));
  if (is_new) at->second.size = info.code_size.count;
  if (is_new) account.code_size += at->second.size;
  ++at->second.users;
  for (auto const& layer : info.function.layers) ++account.layers[code_key(layer)];
}

void Catalogue::let_go(FunctionInfo const& info) {
  auto const account = accounts_.find(info.function.name.account);
  auto const code = account->second.code.find(code_key(info.function.code));
  if (--code->second.users == 0) {
    account->second.code_size -= code->second.size;
    account->second.code.erase(code);
  }
  for (auto const& layer : info.function.layers) {
    auto const at = account->second.layers.find(code_key(layer));
    if (--at->second == 0) account->second.layers.erase(at);
  }
  if (account->second.unused()) accounts_.erase(account);
}

bool Catalogue::uses(Digest const& digest) const {
  auto const key = code_key(digest);
  for (auto const& [id, account] : accounts_)
    if (account.code.contains(key) || account.layers.contains(key)) return true;
  return false;
}

AccountUsage Catalogue::usage(std::string_view id) const {
  auto const found = accounts_.find(id);
  if (found == accounts_.end()) return {};
  return {found->second.functions, {found->second.code_size}};
}

}  // namespace faas::inline v0::registry
