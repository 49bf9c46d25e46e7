// The vocabulary of these tests: functions, and changes that are waited for.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <string>

#include "registry/registry.hpp"
#include "support/result.hpp"

namespace faas::test {

inline Function function(std::string name) {
  Function f;
  f.name = FunctionName(std::move(name));
  f.runtime = "provided.al2023";
  f.handler = "bootstrap";
  f.code = {std::string(64, 'a')};
  return f;
}

inline FunctionInfo info(Function f, std::string uuid = "uuid-1") {
  FunctionInfo i;
  i.function = std::move(f);
  i.revision_uuid = std::move(uuid);
  i.code_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  i.code_size = {1234};
  i.last_modified = SystemTime(std::chrono::nanoseconds(1'718'000'000'123'456'789));
  return i;
}

// Waits for one change.
class Waiter {
 public:
  registry::Registry::Done done() {
    return [p = promise_](Result<FunctionInfo> r) { p->set_value(std::move(r)); };
  }
  Result<FunctionInfo> get() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<Result<FunctionInfo>>> promise_ =
      std::make_shared<std::promise<Result<FunctionInfo>>>();
};

inline Result<FunctionInfo> add(registry::Registry& r, FunctionInfo i,
                                registry::Keep keep = registry::Keep::durable) {
  Waiter w;
  r.add(std::move(i), keep, w.done());
  return w.get();
}
inline Result<FunctionInfo> put(registry::Registry& r, FunctionInfo i,
                                std::optional<std::string> expected = {}) {
  Waiter w;
  r.put(std::move(i), std::move(expected), w.done());
  return w.get();
}
inline Result<FunctionInfo> remove(registry::Registry& r, FunctionName name) {
  Waiter w;
  r.remove(std::move(name), w.done());
  return w.get();
}

// A registry on its database, as after one more start of the program.
struct Opened {
  std::unique_ptr<store::Store> store;
  registry::Registry registry;
};
inline Opened opened_at(std::string const& path) {
  auto store = store::Store::open({.path = path}).value();
  auto registry = registry::Registry::open(*store).value();
  return {std::move(store), std::move(registry)};
}
inline void execute(store::Store& store, std::string_view sql) {
  REQUIRE(store.run([&](store::Transaction& t) -> Result<void> {
    auto r = t.execute(sql);
    if (!r) return r.error();
    return {};
  }));
}

// What `ask` makes of a change, waited for.
template <class T, class Ask>
Result<T> made(Ask ask) {
  auto const promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  ask([promise](Result<T> r) { promise->set_value(std::move(r)); });
  return future.get();
}

inline Result<FunctionInfo> publish(registry::Registry& r, registry::Publish wish) {
  if (wish.revision_uuid.empty()) wish.revision_uuid = "published";
  return made<FunctionInfo>([&](auto done) { r.publish(wish, std::move(done)); });
}
inline Result<FunctionInfo> publish(registry::Registry& r, std::string name) {
  registry::Publish wish;
  wish.function = FunctionName(std::move(name));
  return publish(r, std::move(wish));
}
// Another code, published.
inline Result<FunctionInfo> publish_code(registry::Registry& r, std::string name, char code) {
  auto f = function(name);
  f.code = {std::string(64, code)};
  if (auto changed = put(r, info(f, std::string("uuid-") + code)); !changed) return changed;
  return publish(r, std::move(name));
}
inline Result<FunctionInfo> remove_version(registry::Registry& r, std::string name,
                                           registry::VersionNumber number) {
  return made<FunctionInfo>(
      [&](auto done) { r.remove_version(FunctionName(name), number, std::move(done)); });
}

inline AliasInfo alias(std::string function, std::string name, std::string version) {
  AliasInfo a;
  a.function = FunctionName(std::move(function));
  a.name = std::move(name);
  a.version = std::move(version);
  a.revision_uuid = "alias-1";
  return a;
}
inline Result<AliasInfo> add(registry::Registry& r, AliasInfo a) {
  return made<AliasInfo>([&](auto done) { r.add_alias(a, std::move(done)); });
}
inline registry::AliasChange change_of(std::string function, std::string name) {
  registry::AliasChange c;
  c.function = FunctionName(std::move(function));
  c.name = std::move(name);
  c.revision_uuid = "alias-2";
  return c;
}
inline Result<AliasInfo> put(registry::Registry& r, registry::AliasChange c) {
  return made<AliasInfo>([&](auto done) { r.put_alias(c, std::move(done)); });
}
inline Result<FunctionSettings> remove_alias(registry::Registry& r, std::string function,
                                             std::string name) {
  return made<FunctionSettings>(
      [&](auto done) { r.remove_alias(FunctionName(function), name, std::move(done)); });
}

inline Result<FunctionSettings> reserve(registry::Registry& r, FunctionName name,
                                        std::optional<unsigned> concurrency,
                                        registry::AccountConcurrency account = {}) {
  return made<FunctionSettings>(
      [&](auto done) { r.reserve(name, concurrency, account, std::move(done)); });
}
// 0: none any more.
inline Result<FunctionSettings> provision(registry::Registry& r, FunctionName name,
                                          std::string qualifier, unsigned instances,
                                          registry::AccountConcurrency account = {}) {
  std::optional<Provision> wish;
  if (instances > 0) wish = Provision{instances, SystemTime(std::chrono::nanoseconds(17))};
  return made<FunctionSettings>(
      [&](auto done) { r.provision(name, qualifier, wish, account, std::move(done)); });
}
inline Result<FunctionSettings> set_attribute(registry::Registry& r, FunctionName name,
                                              AttributeKey key, std::optional<std::string> value,
                                              std::optional<std::string> expected = {}) {
  return made<FunctionSettings>(
      [&](auto done) { r.set_attribute(name, key, value, expected, std::move(done)); });
}

}  // namespace faas::test
