// Who may do what over HTTP: data, as an access file describes it (control.hpp reads one) and
// HttpServerOptions takes it. Default deny: a principal may do what one of its grants says.
#pragma once

#include <cstdint>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

// Of an account: may do everything in every account; what names no account means the default one.
inline constexpr std::string_view kAnyAccount = "*";

// Some functions, and what may be done with them. A pattern is a text ("resize"), or ends in the
// only '*' it has, which stands for any rest ("img-*", "lambda:Get*", "*"). Case counts.
// Actions are IAM's of AWS Lambda ("lambda:InvokeFunction", also for POST /function/NAME), and ours
// of /faas/v1 and /metrics: faas:PutFunction, faas:GetLogs and faas:GetLimits of a function;
// faas:PutPackage, faas:GetPackage, faas:GetDoctor, faas:GetStatus, faas:GetMetrics and
// faas:ListInstances. Metrics are of all accounts: they take an account of "*", too. What is done
// with no function in particular (these six, lambda:ListFunctions, lambda:GetAccountSettings) asks
// for the pattern "*", as on AWS.
struct Grant {
  std::vector<std::string> functions;
  std::vector<std::string> actions;
};

// Each of its credentials is optional; without any nobody can be it. Two principals share none.
struct Principal {
  std::string name;  // 1..64 of [a-zA-Z0-9-_+=,.@]; unique
  // 12 digits: of the functions that it names without an account, and the only one it acts in; or
  // kAnyAccount.
  std::string account{kDefaultAccount};
  std::string access_key_id;  // SigV4: 1..128 of [a-zA-Z0-9_-]
  std::string secret_access_key;
  std::string api_key_sha256;        // of the whole key; 64 hexadecimal digits, lower case
  std::string certificate_sha256;    // of the DER form, as `openssl x509 -fingerprint -sha256` says
                                     // it but lower case and without colons
  std::optional<std::uint32_t> uid;  // of who connects to the Unix socket
  std::vector<Grant> allow;
};

struct Access {
  std::vector<Principal> principals;
};

// The first fault. Errors: invalid_argument; the message names the principal and the member.
Result<void> check_access(Access const&);

bool matches_pattern(std::string_view pattern, std::string_view text);

// Whether a grant has both. `function` is empty for what is done with none in particular.
bool allows(Principal const&, std::string_view action, std::string_view function);

}  // namespace faas::inline v0
