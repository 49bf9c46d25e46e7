#include "http/sign_in.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "http/hashes.hpp"
#include "http/signed_request.hpp"

using namespace faas;
using namespace faas::http;
using namespace faas::test;

namespace {

SignIn::Time const kThen = std::chrono::sys_days(std::chrono::year(2015) / 8 / 30) +
                           std::chrono::hours(12) + std::chrono::minutes(36);
std::string const kApiKey = "faas_0123456789";
std::string const kPrint(64, 'c');

Access access() {
  Principal signer, caller, machine, neighbour, root;
  signer.name = "signer";
  signer.account = "111122223333";
  signer.access_key_id = "AKIA1";
  signer.secret_access_key = "secret1";
  caller.name = "caller";
  caller.api_key_sha256 = sha256_hex(kApiKey);
  machine.name = "machine";
  machine.certificate_sha256 = kPrint;
  neighbour.name = "neighbour";
  neighbour.uid = 12'345;
  root.name = "root";
  root.account = kAnyAccount;
  root.access_key_id = "AKIA2";
  root.secret_access_key = "secret2";
  return {{signer, caller, machine, neighbour, root}};
}

Peer remote() {
  Peer peer;
  peer.local = false;
  return peer;
}

Peer on_socket(std::uint32_t uid) {
  Peer peer;
  peer.uid = uid;
  return peer;
}

Peer with_certificate(std::string print) {
  auto peer = remote();
  peer.certificate = std::move(print);
  return peer;
}

SignedRequest plain() { return {"GET", "/2015-03-31/functions", {{"Host", "localhost"}}, ""}; }

SignedRequest with(std::string name, std::string value) {
  auto request = plain();
  request.headers.emplace_back(std::move(name), std::move(value));
  return request;
}

// Who it is, or what it is told.
std::string who(SignIn const& sign_in, Peer const& peer, SignedRequest const& request) {
  auto const head = request.head();
  auto const target = request.target();
  auto const credentials = sign_in.look(peer, head, target, kThen);
  if (!credentials) return credentials.error().exception;
  auto const identity = sign_in.identify(peer, *credentials, head, target, request.body);
  return identity ? std::string(identity->name) : identity.error().exception;
}

constexpr auto kMissing = "MissingAuthenticationTokenException";
constexpr auto kUnknown = "UnrecognizedClientException";
constexpr auto kUnclear = "IncompleteSignatureException";

}  // namespace

TEST_CASE("without an access file local clients are operators, whatever they send") {
  SignIn const sign_in(std::nullopt, false, "us-east-1");
  CHECK(who(sign_in, {}, plain()) == "operator");
  CHECK(who(sign_in, {}, lambda_request("any", "thing")) == "operator");
  CHECK(who(sign_in, {}, with("Authorization", "Basic eDp5")) == "operator");
  CHECK(who(sign_in, {}, with("X-Api-Key", "x")) == "operator");
  auto shown = Peer{};
  shown.certificate = kPrint;  // that the CA signed it is all that was asked
  CHECK(who(sign_in, shown, plain()) == "operator");
  CHECK(who(sign_in, remote(), plain()) == kMissing);
  CHECK(who(sign_in, remote(), lambda_request("any", "thing")) == kMissing);
}

TEST_CASE("without an access file nobody can sign in where sign-in is required") {
  SignIn const sign_in(std::nullopt, true, "us-east-1");
  CHECK(who(sign_in, {}, plain()) == kMissing);
  CHECK(who(sign_in, {}, lambda_request("any", "thing")) == kMissing);
  CHECK(who(sign_in, on_socket(0), plain()) == kMissing);
}

TEST_CASE("a signature is verified, on loopback too") {
  SignIn const sign_in(access(), false, "us-east-1");
  for (auto const& peer : {Peer{}, remote()}) {
    CHECK(who(sign_in, peer, lambda_request("AKIA1", "secret1")) == "signer");
    CHECK(who(sign_in, peer, presigned_request("AKIA1", "secret1")) == "signer");
    CHECK(who(sign_in, peer, lambda_request("AKIA1", "secret2")) == "InvalidSignatureException");
    CHECK(who(sign_in, peer, lambda_request("AKIA2", "secret1")) == "InvalidSignatureException");
    CHECK(who(sign_in, peer, lambda_request("AKIA3", "secret1")) == kUnknown);
    CHECK(who(sign_in, peer, lambda_request("AKIA1", "secret1", "20150830T124200Z")) ==
          "InvalidSignatureException");
  }
}

TEST_CASE("who is not known is refused before there is room for a body") {
  SignIn const sign_in(access(), false, "us-east-1");
  auto const request = lambda_request("AKIA3", "secret1");
  auto const head = request.head();
  auto const target = request.target();
  auto const looked = sign_in.look(remote(), head, target, kThen);
  REQUIRE(looked.has_error());
  CHECK(looked.error().exception == kUnknown);
}

TEST_CASE("an API key is known by its hash") {
  SignIn const sign_in(access(), false, "us-east-1");
  for (auto const& peer : {Peer{}, remote()}) {
    CHECK(who(sign_in, peer, with("Authorization", "Bearer " + kApiKey)) == "caller");
    CHECK(who(sign_in, peer, with("authorization", "bearer " + kApiKey)) == "caller");
    CHECK(who(sign_in, peer, with("X-Api-Key", kApiKey)) == "caller");
    CHECK(who(sign_in, peer, with("X-Api-Key", kApiKey + "x")) == kUnknown);
    CHECK(who(sign_in, peer, with("X-Api-Key", sha256_hex(kApiKey))) == kUnknown);
    CHECK(who(sign_in, peer, with("X-Api-Key", "")) == kUnclear);
    CHECK(who(sign_in, peer, with("Authorization", "Bearer ")) == kUnclear);
    CHECK(who(sign_in, peer, with("X-Api-Key", std::string(1025, 'x'))) == kUnclear);
  }
}

TEST_CASE("who signs in in two ways, or in one that is not known, is nobody") {
  SignIn const sign_in(access(), false, "us-east-1");
  CHECK(who(sign_in, {}, with("Authorization", "Basic eDp5")) == kUnclear);
  CHECK(who(sign_in, {}, with("Authorization", "")) == kUnclear);
  auto two = with("X-Api-Key", kApiKey);
  two.headers.emplace_back("Authorization", "Bearer " + kApiKey);
  CHECK(who(sign_in, {}, two) == kUnclear);
  auto twice = with("X-Api-Key", kApiKey);
  twice.headers.emplace_back("x-api-key", "other");
  CHECK(who(sign_in, {}, twice) == kUnclear);
  auto both = lambda_request("AKIA1", "secret1");
  both.headers.emplace_back("X-Api-Key", kApiKey);
  CHECK(who(sign_in, {}, both) == kUnclear);
  auto signatures = lambda_request("AKIA1", "secret1");
  signatures.headers.emplace_back("Authorization",
                                  lambda_request("AKIA2", "secret2").header("Authorization"));
  CHECK(who(sign_in, {}, signatures) == kUnclear);
}

TEST_CASE("a connection may say who it is: a certificate, or the uid at the other end") {
  SignIn const sign_in(access(), false, "us-east-1");
  CHECK(who(sign_in, with_certificate(kPrint), plain()) == "machine");
  CHECK(who(sign_in, with_certificate(std::string(64, 'd')), plain()) == kUnknown);
  CHECK(who(sign_in, with_certificate(kPrint), lambda_request("AKIA1", "secret1")) == "signer");
  CHECK(who(sign_in, on_socket(12'345), plain()) == "neighbour");
  CHECK(who(sign_in, on_socket(12'346), plain()) == kMissing);
  CHECK(who(sign_in, on_socket(0), plain()) == "operator");
  CHECK(who(sign_in, on_socket(::geteuid()), plain()) == "operator");
  CHECK(who(sign_in, on_socket(12'346), with("X-Api-Key", kApiKey)) == "caller");
}

TEST_CASE("unsigned clients are operators on loopback, unless sign-in is required") {
  SignIn const open(access(), false, "us-east-1"), strict(access(), true, "us-east-1");
  CHECK(who(open, {}, plain()) == "operator");
  CHECK(who(open, remote(), plain()) == kMissing);
  CHECK(who(strict, {}, plain()) == kMissing);
  CHECK(who(strict, on_socket(0), plain()) == kMissing);
  CHECK(who(strict, on_socket(12'345), plain()) == "neighbour");
  CHECK(who(strict, {}, with("X-Api-Key", kApiKey)) == "caller");
}

TEST_CASE("a principal acts in its account, an operator in every one") {
  SignIn const sign_in(access(), false, "us-east-1");
  auto const identity = [&](SignedRequest const& request) {
    auto const head = request.head();
    auto const target = request.target();
    auto const credentials = sign_in.look({}, head, target, kThen);
    REQUIRE(credentials.has_value());
    return sign_in.identify({}, *credentials, head, target, request.body).value();
  };
  auto const signer = identity(lambda_request("AKIA1", "secret1"));
  CHECK(signer.account == "111122223333");
  CHECK_FALSE(signer.may_act_in("000000000000"));
  CHECK(signer.principal != nullptr);
  auto const root = identity(lambda_request("AKIA2", "secret2"));
  CHECK(root.account == kDefaultAccount);
  CHECK(root.may_act_in("111122223333"));
  CHECK(root.principal != nullptr);  // its grants count as anybody's
}
