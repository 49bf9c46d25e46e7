#include <doctest/doctest.h>

#include <faas/access.hpp>

#include "support/result.hpp"

using namespace faas;

namespace {

Principal deployer() {
  Principal p;
  p.name = "deployer";
  p.account = "123456789012";
  p.access_key_id = "AKIA1";
  p.secret_access_key = "secret";
  p.allow = {{{"img-*", "resize"}, {"lambda:Get*", "lambda:InvokeFunction"}}};
  return p;
}

// What check_access says of a principal that `change` has spoilt.
template <class Change>
std::string fault(Change change) {
  Access access{{deployer()}};
  change(access.principals.front());
  auto const checked = check_access(access);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("a pattern is a text or a prefix") {
  CHECK(matches_pattern("*", ""));
  CHECK(matches_pattern("*", "anything"));
  CHECK(matches_pattern("img-*", "img-"));
  CHECK(matches_pattern("img-*", "img-1"));
  CHECK_FALSE(matches_pattern("img-*", "img"));
  CHECK_FALSE(matches_pattern("img-*", "Img-1"));
  CHECK(matches_pattern("resize", "resize"));
  CHECK_FALSE(matches_pattern("resize", "resize2"));
  CHECK_FALSE(matches_pattern("resize", ""));
}

TEST_CASE("what no grant says is denied") {
  auto p = deployer();
  CHECK(allows(p, "lambda:InvokeFunction", "resize"));
  CHECK(allows(p, "lambda:GetFunction", "img-1"));
  CHECK_FALSE(allows(p, "lambda:InvokeFunction", "other"));
  CHECK_FALSE(allows(p, "lambda:DeleteFunction", "resize"));
  CHECK_FALSE(allows(p, "lambda:GetAccountSettings", ""));
  p.allow.push_back({{"other"}, {"lambda:DeleteFunction"}});
  CHECK_FALSE(allows(p, "lambda:DeleteFunction", "resize"));  // two grants do not mix
  p.allow = {{{"*"}, {"lambda:GetAccountSettings"}}};
  CHECK(allows(p, "lambda:GetAccountSettings", ""));
  p.allow = {};
  CHECK_FALSE(allows(p, "lambda:GetAccountSettings", ""));
}

TEST_CASE("a fault of a principal is named with its principal") {
  CHECK(fault([](Principal&) {}).empty());
  CHECK(fault([](Principal& p) { p.account = "*"; }).empty());
  CHECK(fault([](Principal& p) { p.name = ""; }).starts_with("principal number 1: Name must"));
  CHECK(fault([](Principal& p) { p.name = "a b"; }).find("Name must") != std::string::npos);
  CHECK(fault([](Principal& p) { p.account = "12"; }).starts_with("principal 'deployer': Account"));
  CHECK(fault([](Principal& p) { p.secret_access_key = ""; }).find("go together") !=
        std::string::npos);
  CHECK(fault([](Principal& p) { p.access_key_id = "a/b"; }).find("AccessKeyId must") !=
        std::string::npos);
  CHECK(fault([](Principal& p) { p.api_key_sha256 = "AB"; }).find("ApiKeySha256") !=
        std::string::npos);
  CHECK(fault([](Principal& p) {
          p.certificate_sha256 = std::string(64, 'A');
        }).find("CertificateSha256") != std::string::npos);
  for (auto const* pattern : {"", "a*b", "*a", "**"}) {
    CAPTURE(pattern);
    CHECK_FALSE(fault([&](Principal& p) { p.allow[0].functions = {pattern}; }).empty());
    CHECK_FALSE(fault([&](Principal& p) { p.allow[0].actions = {pattern}; }).empty());
  }
  CHECK(fault([](Principal& p) { p.allow[0].actions = {"s3:GetObject"}; }).find("'s3:GetObject'") !=
        std::string::npos);
}

TEST_CASE("two principals share neither name nor credential") {
  auto const shares = [](auto change) {
    Principal a, b;
    a.name = "a";
    b.name = "b";
    change(a);
    change(b);
    auto const checked = check_access({{a, b}});
    return checked ? "" : checked.error().message;
  };
  auto const hash = std::string(64, 'a');
  CHECK(shares([](Principal&) {}).empty());
  CHECK(shares([](Principal& p) { p.name = "same"; }).ends_with("the same Name"));
  CHECK(shares([](Principal& p) {
          p.access_key_id = p.secret_access_key = "k";
        }).ends_with("the same AccessKeyId"));
  CHECK(shares([&](Principal& p) { p.api_key_sha256 = hash; }).ends_with("the same ApiKeySha256"));
  CHECK(shares([&](Principal& p) {
          p.certificate_sha256 = hash;
        }).ends_with("the same CertificateSha256"));
  CHECK(shares([](Principal& p) { p.uid = 0; }).ends_with("the same Uid"));
}
