#include "scheduler/accounts.hpp"

namespace faas::inline v0::scheduler {
namespace {

void add(FunctionState& f, Share const& share) {
  f.spilled += share.spilled();
  f.provisioned += share.provisioned;
}

void subtract(FunctionState& f, Share const& share) {
  f.spilled -= share.spilled();
  f.provisioned -= share.provisioned;
}

void add(AccountState& a, FunctionState const& f) {
  if (f.reserved) {
    a.reserved += *f.reserved;
  } else {
    a.spilled += f.spilled, a.provisioned += f.provisioned;
  }
}

void subtract(AccountState& a, FunctionState const& f) {
  if (f.reserved) {
    a.reserved -= *f.reserved;
  } else {
    a.spilled -= f.spilled, a.provisioned -= f.provisioned;
  }
}

template <class Change>
void recount(FunctionState& f, Change change) {
  subtract(*f.account, f);
  change();
  add(*f.account, f);
}

template <class Change>
void recount(Share& share, Change change) {
  recount(*share.function, [&] {
    subtract(*share.function, share);
    change();
    add(*share.function, share);
  });
}

// A name has no '#', so nobody can name a function that has none.
std::string key_of(FunctionName const& name, RevisionId revision) {
  return name.name.empty() ? "#" + std::to_string(static_cast<std::uint64_t>(revision)) : name.name;
}

}  // namespace

void Accounts::join(Share& share, FunctionName const& name, RevisionId revision) {
  share.function = &function(name.account, key_of(name, revision));
  ++share.function->revisions;
}

void Accounts::leave(Share& share) {
  FunctionState& f = *share.function;
  recount(share, [&] { share = {.function = &f}; });
  --f.revisions;
  forget(f);
}

void Accounts::add_call(Share& share, bool tenant) {
  ++share.function->calls;
  recount(share, [&] { ++(tenant ? share.tenant_calls : share.calls); });
}

void Accounts::remove_call(Share& share, bool tenant) {
  --share.function->calls;
  recount(share, [&] { --(tenant ? share.tenant_calls : share.calls); });
}

void Accounts::provision(Share& share, unsigned instances) {
  recount(share, [&] { share.provisioned = instances; });
}

void Accounts::reserve(FunctionName const& name, std::optional<unsigned> concurrency) {
  FunctionState& f = function(name.account, name.name);
  recount(f, [&] { f.reserved = concurrency; });
  forget(f);
}

void Accounts::limit(std::string const& id, std::optional<unsigned> concurrency) {
  AccountState& a = account(id);
  a.limit = concurrency;
  forget(a);
}

std::size_t Accounts::pool_of(AccountState const& a) const {
  std::size_t const taken = a.reserved + a.provisioned;
  return limit_of(a) > taken ? limit_of(a) - taken : 0;
}

std::optional<FunctionCounts> Accounts::counts(FunctionName const& name) const {
  auto const a = accounts_.find(name.account);
  if (a == accounts_.end()) return {};
  auto const found = a->second.functions.find(name.name);
  if (found == a->second.functions.end()) return {};
  FunctionState const& f = found->second;
  return FunctionCounts{.reserved = f.reserved,
                        .calls = f.calls,
                        .instances = f.instances,
                        .provisioned = f.provisioned};
}

AccountCounts Accounts::counts(std::string_view id) const {
  auto const found = accounts_.find(id);
  if (found == accounts_.end()) return {.limit = limit_, .unreserved_limit = limit_};
  AccountState const& a = found->second;
  return {.limit = limit_of(a),
          .reserved = a.reserved,
          .unreserved_limit = pool_of(a),
          .unreserved_used = a.spilled};
}

AccountState& Accounts::account(std::string const& id) {
  auto const [found, added] = accounts_.try_emplace(id);
  if (added) found->second.id = id;
  return found->second;
}

FunctionState& Accounts::function(std::string const& account_id, std::string const& key) {
  AccountState& owner = account(account_id);
  auto const [found, added] = owner.functions.try_emplace(key);
  if (added) found->second.key = key, found->second.account = &owner;
  return found->second;
}

void Accounts::forget(FunctionState& f) {
  if (f.revisions > 0 || f.reserved) return;
  AccountState& owner = *f.account;
  owner.functions.erase(owner.functions.find(f.key));
  forget(owner);
}

void Accounts::forget(AccountState& a) {
  if (!a.functions.empty() || a.limit) return;
  accounts_.erase(accounts_.find(a.id));
}

}  // namespace faas::inline v0::scheduler
