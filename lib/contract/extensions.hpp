// The extensions registered from inside a function's process (Extensions API 2020-01-01): who they
// are, and which of them wait for their next event. There are no external extensions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/replies.hpp"
#include "contract/runtime_api.hpp"

namespace faas::inline v0::contract {

struct Extension {
  std::string name;
  std::string id;
  bool listens = false;                // to INVOKE
  std::optional<ConnectionId> parked;  // waits for its next event there
};

class Extensions {
 public:
  static constexpr std::size_t kLimit = 10;

  // Where several invocations run at once there is no INVOKE event.
  explicit Extensions(unsigned capacity) : hears_invocations_(capacity == 1) {}

  // 200 with its identifier, or a refusal. Registration closes at the runtime's first `next`.
  Reply enroll(std::string_view name, std::string_view document, std::string_view metadata);
  void close_registration() { closed_ = true; }

  // The extension of that Lambda-Extension-Identifier, or nullptr and why in `refusal`.
  Extension* identify(std::optional<std::string_view> id, Reply& refusal);

  void connection_closed(ConnectionId);
  bool all_listeners_parked() const;
  std::vector<Extension>& all() { return extensions_; }

 private:
  std::optional<Reply> check(std::string_view name, std::string_view document, bool& listens) const;

  std::vector<Extension> extensions_;
  bool hears_invocations_;
  bool closed_ = false;
};

}  // namespace faas::inline v0::contract
