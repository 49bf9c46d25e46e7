// Whose a revision is, and how many calls its function and its account may have.
//
// Nothing is counted by what happened: what a revision takes from its account's pool follows from
// its calls, what is provisioned for it and whether its function has a reservation. Each change of
// one of them takes the old out and puts the new in, so the sums are right whatever is changed
// while calls run.
#pragma once

#include <faas/scheduler.hpp>
#include <functional>
#include <map>

#include "scheduler/rate.hpp"

namespace faas::inline v0::scheduler {

struct AccountState;

struct FunctionState {
  std::string key;
  AccountState* account = nullptr;
  std::optional<unsigned> reserved;
  std::size_t revisions = 0;
  std::size_t instances = 0;    // on the host
  std::size_t calls = 0;        // of all its revisions
  std::size_t provisioned = 0;  // of all its revisions
  std::size_t spilled = 0;      // calls that no provisioned instance is there for
  TimePoint scaling = Rate::kFull;
};

struct AccountState {
  std::string id;
  std::optional<unsigned> limit;
  std::map<std::string, FunctionState, std::less<>> functions;
  std::size_t reserved = 0;
  std::size_t provisioned = 0, spilled = 0;  // of functions without a reservation
};

// One revision's part in them.
struct Share {
  FunctionState* function = nullptr;
  unsigned provisioned = 0;
  std::size_t calls = 0;         // without a tenant
  std::size_t tenant_calls = 0;  // which no provisioned instance takes

  std::size_t spilled() const {
    return tenant_calls + (calls > provisioned ? calls - provisioned : 0);
  }
  bool has_own(bool tenant) const { return !tenant && calls < provisioned; }
};

class Accounts {
 public:
  explicit Accounts(unsigned limit) : limit_(limit) {}

  void join(Share&, FunctionName const&, RevisionId);
  void leave(Share&);
  void add_call(Share&, bool tenant);
  void remove_call(Share&, bool tenant);
  void provision(Share&, unsigned instances);
  void reserve(FunctionName const&, std::optional<unsigned>);
  void limit(std::string const& account, std::optional<unsigned>);

  unsigned limit_of(AccountState const& a) const { return a.limit.value_or(limit_); }
  std::size_t pool_of(AccountState const&) const;  // unreserved; of an account with a limit
  bool pool_is_full(AccountState const& a) const {
    return limit_of(a) > 0 && a.spilled >= pool_of(a);
  }

  std::optional<FunctionCounts> counts(FunctionName const&) const;
  AccountCounts counts(std::string_view account) const;
  bool empty() const { return accounts_.empty(); }

 private:
  AccountState& account(std::string const& id);
  FunctionState& function(std::string const& account, std::string const& key);
  void forget(FunctionState&);  // if nothing needs it
  void forget(AccountState&);

  unsigned limit_;
  std::map<std::string, AccountState, std::less<>> accounts_;
};

}  // namespace faas::inline v0::scheduler
