#include "http/sign_in.hpp"

#include <unistd.h>

#include <algorithm>

#include "http/hashes.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kApiKeyLimit = 1024;

LambdaError missing() {
  return {"MissingAuthenticationTokenException",
          "Missing Authentication Token. Sign in: an AWS signature (SigV4), `Authorization: Bearer "
          "KEY`, `X-Api-Key: KEY` or a client certificate, of a principal of the server's access "
          "file."};
}

LambdaError unrecognized(std::string_view what) {
  return {"UnrecognizedClientException", "The security token included in the request is invalid. " +
                                             std::string(what) +
                                             " is not one of the server's access file."};
}

LambdaError ambiguous() {
  return {"IncompleteSignatureException",
          "The request signs in more than once, or in a way that is not known here. Give one "
          "Authorization (AWS4-HMAC-SHA256 … or Bearer KEY) or one X-Api-Key."};
}

// A uid that may do everything without being in the access file.
bool is_ours(std::uint32_t uid) { return uid == 0 || uid == ::geteuid(); }

Identity as(Principal const& p) {
  Identity who;
  who.name = p.name;
  who.any_account = p.account == kAnyAccount;
  who.account = who.any_account ? kDefaultAccount : std::string_view(p.account);
  who.principal = &p;
  return who;
}

// The key; empty: none given. Error: said in two ways.
LambdaResult<std::string_view> read_api_key(Head const& head) {
  std::string_view key;
  for (auto const& header : head.headers) {
    bool const bearer = same_without_case(header.name, "Authorization");
    if (!bearer && !same_without_case(header.name, "X-Api-Key")) continue;
    auto value = header.value;
    if (bearer && value.starts_with("AWS4-")) continue;
    if (bearer && !same_without_case(value.substr(0, kBearer.size()), kBearer)) return ambiguous();
    if (bearer) value.remove_prefix(kBearer.size());
    if (!key.empty() || value.empty() || value.size() > kApiKeyLimit) return ambiguous();
    key = value;
  }
  return key;
}

LambdaResult<Credentials> read_credentials(Head const& head, Target const& target) {
  auto const key = read_api_key(head);
  if (!key) return key.error();
  auto signature = read_sigv4(head, target);
  if (!signature) return signature.error();
  auto const headers = std::ranges::count_if(
      head.headers, [](auto const& h) { return same_without_case(h.name, "Authorization"); });
  if (headers > 1 || (*signature && !key->empty())) return ambiguous();
  return Credentials{std::move(*signature), *key};
}

}  // namespace

SignIn::SignIn(std::optional<Access> access, bool required, std::string region)
    : access_(std::move(access)), required_(required), region_(std::move(region)) {
  if (!access_) return;
  for (auto const& p : access_->principals) {
    if (!p.access_key_id.empty()) keys_.emplace(p.access_key_id, &p);
    if (!p.api_key_sha256.empty()) api_keys_.emplace(p.api_key_sha256, &p);
    if (!p.certificate_sha256.empty()) certificates_.emplace(p.certificate_sha256, &p);
    if (p.uid) uids_.emplace(*p.uid, &p);
  }
}

LambdaResult<Credentials> SignIn::look(Peer const& peer, Head const& head, Target const& target,
                                       Time now) const {
  if (!access_) {
    if (auto const who = by_connection(peer); !who) return who.error();
    return Credentials{};
  }
  auto credentials = read_credentials(head, target);
  if (!credentials) return credentials;
  if (credentials->signature) {
    auto const checked =
        check_claim(*credentials->signature, head, target, {region_, "lambda"}, now);
    if (!checked) return checked.error();
    // Which keys there are is no secret; room for the body of somebody unknown would be a gift.
    if (!keys_.contains(credentials->signature->key_id)) return unrecognized("The access key");
    return credentials;
  }
  // All that is left is known without a body.
  if (auto const who = identify(peer, *credentials, head, target, ""); !who) return who.error();
  return credentials;
}

LambdaResult<Identity> SignIn::identify(Peer const& peer, Credentials const& credentials,
                                        Head const& head, Target const& target,
                                        std::string_view body) const {
  if (!access_ || credentials.none()) return by_connection(peer);
  if (credentials.signature) return by_signature(*credentials.signature, head, target, body);
  // Looked up by its hash, so how long a look takes tells of no key.
  auto const known = api_keys_.find(sha256_hex(credentials.api_key));
  if (known == api_keys_.end()) return unrecognized("The API key");
  return as(*known->second);
}

LambdaResult<Identity> SignIn::by_signature(Sigv4Claim const& claim, Head const& head,
                                            Target const& target, std::string_view body) const {
  auto const known = keys_.find(claim.key_id);
  if (known == keys_.end()) return unrecognized("The access key");
  auto const verified = verify_sigv4(claim, head, target, body, known->second->secret_access_key);
  if (!verified) return verified.error();
  return as(*known->second);
}

LambdaResult<Identity> SignIn::by_connection(Peer const& peer) const {
  if (access_ && !peer.certificate.empty()) {
    auto const known = certificates_.find(peer.certificate);
    if (known == certificates_.end()) return unrecognized("The client certificate");
    return as(*known->second);
  }
  if (peer.uid) {
    if (auto const known = uids_.find(*peer.uid); known != uids_.end()) return as(*known->second);
  }
  bool const trusted = peer.local && (!peer.uid || is_ours(*peer.uid));
  if (trusted && !required_) return Identity{};
  return missing();
}

}  // namespace faas::inline v0::http
