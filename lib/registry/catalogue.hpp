// The functions of a registry in memory, packed: found by name for a call, walked in order for a
// page, counted by account.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <faas/function.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace faas::inline v0::registry {

using NameView = std::pair<std::string_view, std::string_view>;  // account, name

// Not thread-safe.
class Catalogue {
 public:
  // In place of the one of that name. Cheapest when names come in order.
  void set(FunctionInfo const&);
  void drop(FunctionName const&);
  // Code that a published version keeps, counted with the functions'.
  void hold(FunctionInfo const&);
  void let_go(FunctionInfo const&);

  // Allocates nothing.
  std::optional<RevisionId> revision(FunctionName const&) const;
  // Empty: not there. Views live until the next set or drop.
  std::string_view find(FunctionName const&) const;
  // At most `most` of `account` whose name follows `after`, by name.
  std::vector<std::string> page(std::string_view account, std::string_view after,
                                std::size_t most) const;
  // Until `visit` returns false; by account and name.
  void each_name(std::function<bool(FunctionName const&)> const& visit) const;
  std::size_t size() const { return by_name_.size(); }

  bool uses(Digest const&) const;
  AccountUsage usage(std::string_view account) const;

 private:
  // What pack returned, behind its length. A key is never changed: bytes are replaced by others of
  // the same account and name.
  struct Record {
    explicit Record(std::string_view packed);
    std::string_view view() const;
    NameView name() const;
    mutable std::unique_ptr<char[]> bytes;
  };
  static NameView name_of(Record const& record) { return record.name(); }
  static NameView name_of(NameView name) { return name; }
  struct ByName {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(A const& a, B const& b) const {
      return name_of(a) < name_of(b);
    }
  };
  using Ordered = std::set<Record, ByName>;
  static NameView name_of(Ordered::iterator at) { return at->name(); }

  // Not noexcept on purpose: libstdc++ then keeps each hash instead of reading the record for it.
  struct Hash {
    using is_transparent = void;
    template <class Key>
    std::size_t operator()(Key const& key) const {
      return hash_of(name_of(key));
    }
  };
  struct Same {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(A const& a, B const& b) const {
      return name_of(a) == name_of(b);
    }
  };
  static std::size_t hash_of(NameView);
  // Many small tables: one that grows holds its callers up for its own part only.
  static constexpr std::size_t kTables = 64;
  using Table = std::unordered_set<Ordered::iterator, Hash, Same>;

  struct Code {
    std::size_t users = 0;
    std::uint64_t size = 0;
  };
  struct Account {
    std::size_t functions = 0;
    std::uint64_t code_size = 0;
    std::unordered_map<std::string, Code> code;           // by the bytes of its digest
    std::unordered_map<std::string, std::size_t> layers;  // how often, by the bytes of its digest
    bool unused() const { return functions == 0 && code.empty(); }
  };

  Table& table(NameView name) { return tables_[hash_of(name) % kTables]; }
  Record const* lookup(NameView) const;
  void count(FunctionInfo const&);
  void discount(FunctionInfo const&);

  Ordered by_name_;
  std::array<Table, kTables> tables_;
  std::map<std::string, Account, std::less<>> accounts_;
};

}  // namespace faas::inline v0::registry
