// DEPS: http base
// A request with a signature: whatever it says, what is signed has one reading, and the right
// signature fits this request and no other body or secret.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "http/hashes.hpp"
#include "http/head.hpp"
#include "http/sign_in.hpp"
#include "http/sigv4.hpp"

namespace {

using namespace faas;
using namespace faas::http;

constexpr auto kSecret = "secret";

faas::Access access() {
  Principal p;
  p.name = "p";
  p.access_key_id = "AKIDEXAMPLE";
  p.secret_access_key = kSecret;
  return {{p}};
}

// Method, path, query, one line a header, an empty one, the list, the hash.
void check_lines(Sigv4Claim const& claim, std::string const& canonical) {
  auto const lines = static_cast<std::size_t>(std::ranges::count(canonical, '\n'));
  FAAS_CHECK(lines == claim.headers.size() + 5);
  FAAS_CHECK(canonical.size() > 64 &&
             canonical.find('\n', canonical.size() - 64) == std::string::npos);
}

void check_signature(Sigv4Claim claim, Head const& head, Target const& target,
                     std::string_view body) {
  auto const hash = sha256_hex(body);
  auto const canonical = canonical_request(claim, head, target, hash);
  check_lines(claim, canonical);
  auto const right = sigv4_signature(claim, string_to_sign(claim, canonical), kSecret);
  claim.signature = right;
  auto const verified = verify_sigv4(claim, head, target, body, kSecret);
  auto const said = head.header("X-Amz-Content-Sha256");
  FAAS_CHECK(verified.has_value() == (said.empty() || said == hash));
  FAAS_CHECK(!verify_sigv4(claim, head, target, std::string(body) + "x", kSecret));
  FAAS_CHECK(!verify_sigv4(claim, head, target, body, "another"));
}

// It is somebody only by what it proves.
void check_sign_in(Head const& head, Target const& target, std::string_view body) {
  static SignIn const sign_in(access(), true, "us-east-1");
  auto const then = SignIn::Time(std::chrono::seconds(1'440'938'160));
  auto const credentials = sign_in.look({}, head, target, then);
  if (!credentials) return;
  FAAS_CHECK(credentials->signature.has_value());
  auto const who = sign_in.identify({}, *credentials, head, target, body);
  if (who) FAAS_CHECK(verify_sigv4(*credentials->signature, head, target, body, kSecret));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const input(reinterpret_cast<char const*>(data), size);
  std::size_t scanned = 0;
  auto const length = head_length(input, scanned);
  if (!length) return 0;
  auto const head = parse_head(input.substr(0, *length));
  if (!head) return 0;
  auto const target = parse_target(head->target);
  if (!target) return 0;
  auto const body = input.substr(*length);
  check_sign_in(*head, *target, body);
  auto const claim = read_sigv4(*head, *target);
  if (claim && *claim) check_signature(**claim, *head, *target, body);
  return 0;
}
