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

}  // namespace faas::test
