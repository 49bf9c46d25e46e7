#include "http/sigv4.hpp"

#include <doctest/doctest.h>

#include <set>

#include <algorithm>

#include "base/text.hpp"
#include "http/hashes.hpp"
#include "http/signed_request.hpp"

using namespace faas;
using namespace faas::http;
using namespace faas::test;

namespace {

std::filesystem::path const kData = FAAS_SOURCE_DIR "/tests/http/data";
constexpr auto kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr auto kKey = "AKIDEXAMPLE";
constexpr Sigv4Place kSuite{"us-east-1", "service"};
constexpr Sigv4Place kLambda{"us-east-1", "lambda"};

using Time = std::chrono::system_clock::time_point;

// 2015-08-30 12:36:00 UTC, the time of every case of the suite.
Time const kThen = std::chrono::sys_days(std::chrono::year(2015) / 8 / 30) +
                   std::chrono::hours(12) + std::chrono::minutes(36);

// What it is told; empty: accepted.
std::string told(SignedRequest const& request, Sigv4Place here = kLambda, Time now = kThen,
                 std::string_view secret = kSecret) {
  auto const head = request.head();
  auto const target = parse_target(request.path);
  if (!target) return "malformed target";
  auto const claim = read_sigv4(head, *target);
  if (!claim) return claim.error().exception;
  if (!*claim) return "none";
  if (auto r = check_claim(**claim, head, *target, here, now); !r) return r.error().exception;
  auto const verified = verify_sigv4(**claim, head, *target, request.body, secret);
  return verified ? "" : verified.error().exception;
}

struct Case {
  std::string name;
  SignedRequest request;
  std::string canonical, to_sign;
};

std::vector<Case> suite() {
  std::vector<Case> cases;
  for (auto const& entry : std::filesystem::directory_iterator(kData / "aws4")) {
    auto path = entry.path();
    if (path.extension() != ".sreq") continue;
    auto request = read_request(read_file(path));
    // One of the signed requests has a scrambled signature; the file of its own has the right one.
    request.header("Authorization") = read_file(path.replace_extension(".authz"));
    cases.push_back({path.stem(), std::move(request), read_file(path.replace_extension(".creq")),
                     read_file(path.replace_extension(".sts"))});
  }
  std::ranges::sort(cases, {}, &Case::name);
  return cases;
}

// The suite signs with session tokens, too. We accept none.
bool has_token(SignedRequest const& request) {
  return !request.head().header("X-Amz-Security-Token").empty();
}

// Of the last letter or digit at or before `at` another one of its kind.
void change(std::string& text, std::size_t at) {
  auto& c = text.at(at);
  c = c == '1' ? '2' : c == 'a' ? 'b' : c >= '0' && c <= '9' ? '1' : 'a';
}

// Everything that is signed of it, each spoilt in turn.
std::vector<std::pair<std::string, SignedRequest>> tampered(SignedRequest const& good) {
  std::vector<std::pair<std::string, SignedRequest>> out;
  auto const add = [&](std::string what) -> SignedRequest& {
    out.emplace_back(std::move(what), good);
    return out.back().second;
  };
  add("method").method = good.method == "GET" ? "PUT" : "GET";
  add("body").body += "x";
  if (!good.body.empty()) change(add("first byte of the body").body, 0);
  auto const path_end = std::min(good.path.find('?'), good.path.size());
  add("path").path.insert(path_end, "x");
  add("query").path += (path_end < good.path.size() ? "&x=1" : "?x=1");
  if (path_end < good.path.size()) change(add("value").path, good.path.size() - 1);
  auto const list = read_sigv4(good.head(), good.target());
  std::vector<std::string> names;
  for (auto const name : (*list)->headers) names.emplace_back(name);
  for (auto const& name : names) {
    add("header " + name).header(name) += "x";
    auto& missing = add("no header " + name);
    std::erase_if(missing.headers, [&](auto const& h) { return same_without_case(h.first, name); });
    add("another header " + name).headers.emplace_back(name, "x");
  }
  auto const authorization = good.head().header("Authorization");
  for (std::string_view const what :
       {"/2015", "/us-", "/service", "/aws4", "SignedHeaders=", "Signature="}) {
    auto const at = authorization.find(what);
    if (at == std::string_view::npos) continue;
    change(add("authorization after " + std::string(what)).header("Authorization"),
           at + what.size());
  }
  change(add("end of the signature").header("Authorization"), authorization.size() - 1);
  add("longer signature").header("Authorization") += "0";
  add("shorter signature").header("Authorization").pop_back();
  return out;
}

}  // namespace

TEST_CASE("the public suite's requests are canonical in its way, and their signatures are right") {
  auto const cases = suite();
  REQUIRE(cases.size() == 34);
  for (auto const& c : cases) {
    CAPTURE(c.name);
    auto const head = c.request.head();
    auto const target = c.request.target();
    auto const claim = read_sigv4(head, target);
    REQUIRE(claim.has_value());
    REQUIRE(claim->has_value());
    auto const canonical = canonical_request(**claim, head, target, sha256_hex(c.request.body));
    CHECK(canonical == c.canonical);
    CHECK(string_to_sign(**claim, canonical) == c.to_sign);
    CHECK(verify_sigv4(**claim, head, target, c.request.body, kSecret).has_value());
    CHECK(told(c.request, kSuite) == (has_token(c.request) ? "UnrecognizedClientException" : ""));
    CHECK(told(c.request, kSuite, kThen, "another secret") != "");
  }
}

TEST_CASE("of the public suite nothing that is signed can be altered") {
  int altered = 0;
  for (auto const& c : suite()) {
    if (has_token(c.request)) continue;
    for (auto const& change : tampered(c.request)) {
      CAPTURE(c.name);
      CAPTURE(change.first);
      CHECK(told(change.second, kSuite) != "");
      ++altered;
    }
  }
  CHECK(altered > 500);
}

TEST_CASE("real clients sign as we verify") {
  int count = 0;
  for (auto const& entry : std::filesystem::directory_iterator(kData / "captured")) {
    if (entry.path().extension() != ".req") continue;
    CAPTURE(entry.path().filename().string());
    auto const bytes = read_file(entry.path());
    // As the server reads it, strictly.
    std::size_t scanned = 0;
    auto const length = head_length(bytes, scanned);
    REQUIRE(length);
    auto const head = parse_head(std::string_view(bytes).substr(0, *length));
    REQUIRE(head);
    auto const target = parse_target(head->target);
    REQUIRE(target);
    auto const body = std::string_view(bytes).substr(*length);
    auto const claim = read_sigv4(*head, *target);
    REQUIRE(claim.has_value());
    REQUIRE(claim->has_value());
    std::string const secret((*claim)->key_id);
    CHECK(verify_sigv4(**claim, *head, *target, body, secret).has_value());
    CHECK_FALSE(verify_sigv4(**claim, *head, *target, std::string(body) + " ", secret).has_value());
    CHECK_FALSE(verify_sigv4(**claim, *head, *target, body, secret + "x").has_value());
    // All were recorded on one day.
    Time const day = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
    bool in_time = false;
    for (int minute = 0; minute < 24 * 60 && !in_time; ++minute)
      in_time = check_claim(**claim, *head, *target, kLambda, day + std::chrono::minutes(minute))
                    .has_value();
    CHECK(in_time);
    ++count;
  }
  CHECK(count == 33);
}

TEST_CASE("a clock may be five minutes off") {
  auto const request = lambda_request(kKey, kSecret);
  for (auto const off : {-300, 0, 300}) {
    CAPTURE(off);
    CHECK(told(request, kLambda, kThen + std::chrono::seconds(off)) == "");
  }
  for (auto const off : {-360, -301, 301, 360, 86'400}) {
    CAPTURE(off);
    CHECK(told(request, kLambda, kThen + std::chrono::seconds(off)) == "InvalidSignatureException");
  }
}

TEST_CASE("a signature is for one day, region, service and protocol") {
  auto const with = [](std::string_view from, std::string_view to) {
    auto request = lambda_request(kKey, kSecret);
    auto& text = request.header("Authorization");
    text.replace(text.find(from), from.size(), to);
    request.sign(kSecret);  // rightly signed for what it says
    return told(request);
  };
  CHECK(with("us-east-1", "us-east-1") == "");
  CHECK(with("us-east-1", "eu-west-1") == "InvalidSignatureException");
  CHECK(with("/lambda/", "/s3/") == "InvalidSignatureException");
  CHECK(with("aws4_request", "aws5_request") == "InvalidSignatureException");
  CHECK(with("20150830", "20150829") == "InvalidSignatureException");
}

TEST_CASE("host, date and each X-Amz- header must be signed") {
  auto request = lambda_request(kKey, kSecret);
  CHECK(told(request) == "");
  request.headers.emplace_back("X-Amz-Invocation-Type", "Event");
  CHECK(told(request) == "InvalidSignatureException");
  auto const signing = [](std::string const& list) {
    auto other = lambda_request(kKey, kSecret);
    auto& text = other.header("Authorization");
    auto const at = text.find("host;x-amz-date;x-amz-log-type");
    text.replace(at, 30, list);
    other.sign(kSecret);
    return told(other);
  };
  CHECK(signing("host;x-amz-date;x-amz-log-type") == "");
  CHECK(signing("x-amz-date;x-amz-log-type") == "InvalidSignatureException");
  CHECK(signing("host;x-amz-log-type") == "InvalidSignatureException");
  CHECK(signing("host;x-amz-date") == "InvalidSignatureException");
}

TEST_CASE("the body is hashed, whatever the request says of its hash") {
  auto const with = [](std::string const& hash) {
    auto request = lambda_request(kKey, kSecret);
    request.headers.emplace_back("X-Amz-Content-Sha256", hash);
    auto& text = request.header("Authorization");
    text.replace(text.find("x-amz-date"), 10, "x-amz-content-sha256;x-amz-date");
    request.sign(kSecret);
    return told(request);
  };
  CHECK(with(sha256_hex(R"({"a":1})")) == "");
  CHECK(with(sha256_hex(R"({"a":2})")) == "InvalidSignatureException");
  CHECK(with("UNSIGNED-PAYLOAD") == "InvalidSignatureException");
  CHECK(with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") == "InvalidSignatureException");
}

TEST_CASE("a presigned request lives as long as it says") {
  auto const request = presigned_request(kKey, kSecret);
  for (auto const off : {-300, 0, 600})
    CHECK(told(request, kLambda, kThen + std::chrono::seconds(off)) == "");
  for (auto const off : {-301, 601})
    CHECK(told(request, kLambda, kThen + std::chrono::seconds(off)) == "InvalidSignatureException");
  auto const with = [](std::string_view from, std::string_view to) {
    auto other = presigned_request(kKey, kSecret);
    other.path.replace(other.path.find(from), from.size(), to);
    return told(other);
  };
  CHECK(with("Expires=600", "Expires=601") == "InvalidSignatureException");
  CHECK(with("/hello", "/other") == "InvalidSignatureException");
  CHECK(with("us-east-1", "us-east-2") == "InvalidSignatureException");
  for (auto const* life : {"Expires=0", "Expires=604801", "Expires=-1", "Expires=", "Expires=6x"})
    CHECK(with("Expires=600", life) == "IncompleteSignatureException");
  CHECK(with("X-Amz-Expires=600&", "") == "IncompleteSignatureException");
  CHECK(with("X-Amz-Expires=600&", "X-Amz-Expires=600&X-Amz-Expires=600&") ==
        "IncompleteSignatureException");
  CHECK(with("HMAC-SHA256", "HMAC-SHA1") == "IncompleteSignatureException");
  CHECK(with("SignedHeaders=host", "SignedHeaders=host%0A") == "IncompleteSignatureException");
  auto both = request;
  both.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  both.headers.emplace_back("Authorization", lambda_request(kKey, kSecret).header("Authorization"));
  CHECK(told(both) == "IncompleteSignatureException");
  auto body = request;
  body.body = "x";
  CHECK(told(body) == "InvalidSignatureException");
}

TEST_CASE("what does not say how it is signed is told what is missing") {
  auto const said = [](std::string const& authorization) {
    auto request = lambda_request(kKey, kSecret);
    request.header("Authorization") = authorization;
    return told(request);
  };
  std::string const signature = "Signature=" + std::string(64, '0');
  std::string const scope = "Credential=A/20150830/us-east-1/lambda/aws4_request";
  std::string const begin = "AWS4-HMAC-SHA256 ";
  CHECK(said("") == "none");
  CHECK(said("Bearer x") == "none");
  CHECK(said(begin + scope + ",SignedHeaders=host;x-amz-date;x-amz-log-type," + signature) ==
        "InvalidSignatureException");
  for (auto const& text : {
           begin,
           begin + scope,
           begin + scope + ", SignedHeaders=host",
           begin + signature,
           "AWS4-ECDSA-P256-SHA256 " + scope + ", SignedHeaders=host, " + signature,
           begin + scope + ", " + scope + ", SignedHeaders=host, " + signature,
           begin + scope + ", SignedHeaders=host, " + signature + ", X=1",
           begin + scope + ", SignedHeaders=host;host, " + signature,
           begin + scope + ", SignedHeaders=x-amz-date;host, " + signature,
           begin + scope + ", SignedHeaders=Host, " + signature,
           begin + scope + ", SignedHeaders=, " + signature,
           begin + scope + ", SignedHeaders=host, " + signature + "0",
           begin + scope + ", SignedHeaders=host, Signature=" + std::string(64, 'A'),
           begin + "Credential=A/B/C/D, SignedHeaders=host, " + signature,
           begin + "Credential=/20150830/us-east-1/lambda/aws4_request, SignedHeaders=host, " +
               signature,
       }) {
    CAPTURE(text);
    CHECK(said(text) == "IncompleteSignatureException");
  }
  auto request = lambda_request(kKey, kSecret);
  for (auto const* time : {"", "20150830", "20150830T123600", "20150830T12360Z0",
                           "20151330T123600Z", "20150830T243600Z", "2015083OT123600Z"}) {
    CAPTURE(time);
    request.header("X-Amz-Date") = time;
    CHECK(told(request) == "IncompleteSignatureException");
  }
  std::erase_if(request.headers, [](auto const& h) { return h.first == "X-Amz-Date"; });
  CHECK(told(request) == "IncompleteSignatureException");
}
