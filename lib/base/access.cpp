#include <fmt/format.h>

#include <algorithm>
#include <faas/access.hpp>
#include <set>

namespace faas::inline v0 {
namespace {

bool is_word(std::string_view text, std::string_view marks) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_account(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_pattern(std::string_view text) {
  return !text.empty() && text.find('*') >= text.size() - 1;
}

bool is_action(std::string_view text) {
  return text == "*" || text.starts_with("lambda:") || text.starts_with("faas:");
}

// What is wrong with one principal, beginning with the member; empty: nothing.
std::string fault_of(Principal const& p) {
  constexpr std::string_view kHash = "must be 64 lower-case hexadecimal digits (SHA-256)";
  if (p.name.empty() || p.name.size() > 64 || !is_word(p.name, "-_+=,.@"))
    return "Name must be 1 to 64 of a-z A-Z 0-9 - _ + = , . @";
  if (!is_account(p.account) && p.account != kAnyAccount)
    return "Account must be 12 digits, or * for an operator of all accounts";
  if (p.access_key_id.empty() != p.secret_access_key.empty())
    return "AccessKeyId and SecretAccessKey go together: give both or neither";
  if (p.access_key_id.size() > 128 || !is_word(p.access_key_id, "-_"))
    return "AccessKeyId must be 1 to 128 of a-z A-Z 0-9 - _";
  if (!p.api_key_sha256.empty() && !is_sha256(p.api_key_sha256))
    return fmt::format("ApiKeySha256 {}", kHash);
  if (!p.certificate_sha256.empty() && !is_sha256(p.certificate_sha256))
    return fmt::format("CertificateSha256 {}", kHash);
  for (auto const& grant : p.allow) {
    for (auto const& function : grant.functions) {
      if (!is_pattern(function))
        return fmt::format("'{}' in Functions must be a name, a prefix and *, or *", function);
    }
    for (auto const& action : grant.actions) {
      if (!is_pattern(action) || !is_action(action))
        return fmt::format(
            "'{}' in Actions must be lambda:…, faas:… or *, with at most one * and "
            "that at the end",
            action);
    }
  }
  return {};
}

Error fault(std::size_t index, Principal const& p, std::string_view what) {
  auto const who = p.name.empty() ? fmt::format("number {}", index + 1)
                                  : fmt::format("'{}'", p.name.substr(0, 64));
  return {Errc::invalid_argument, fmt::format("principal {}: {}", who, what), "", "access"};
}

}  // namespace

Result<void> check_access(Access const& access) {
  std::set<std::string> names, keys, api_keys, certificates;
  std::set<std::uint32_t> uids;
  auto const again = [](std::set<std::string>& seen, std::string const& value) {
    return !value.empty() && !seen.insert(value).second;
  };
  for (std::size_t i = 0; i < access.principals.size(); ++i) {
    auto const& p = access.principals[i];
    if (auto const what = fault_of(p); !what.empty()) return fault(i, p, what);
    std::string_view twice;
    if (again(names, p.name)) twice = "Name";
    if (again(keys, p.access_key_id)) twice = "AccessKeyId";
    if (again(api_keys, p.api_key_sha256)) twice = "ApiKeySha256";
    if (again(certificates, p.certificate_sha256)) twice = "CertificateSha256";
    if (p.uid && !uids.insert(*p.uid).second) twice = "Uid";
    if (!twice.empty()) return fault(i, p, fmt::format("another principal has the same {}", twice));
  }
  return {};
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  if (pattern.ends_with('*')) return text.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

bool allows(Principal const& principal, std::string_view action, std::string_view function) {
  auto const has = [](std::vector<std::string> const& patterns, std::string_view text) {
    return std::ranges::any_of(patterns, [&](auto const& p) { return matches_pattern(p, text); });
  };
  return std::ranges::any_of(principal.allow, [&](Grant const& grant) {
    // An empty text would match a prefix only if that is empty: "*".
    return has(grant.actions, action) && has(grant.functions, function);
  });
}

}  // namespace faas::inline v0
