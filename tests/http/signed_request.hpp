// A request as a test writes or reads it, and its signature.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "http/hashes.hpp"
#include "http/head.hpp"
#include "http/sigv4.hpp"
#include "support/result.hpp"

namespace faas::test {

inline std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>(file), {}};
}

// Owns what the head views. Lenient where parse_head is not: the public suite has folded lines, no
// CR and raw bytes in its targets.
struct SignedRequest {
  std::string method, path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  http::Head head() const {
    http::Head head;
    head.method = method;
    head.target = path;
    for (auto const& [name, value] : headers) head.headers.push_back({name, value});
    return head;
  }
  http::Target target() const {
    auto target = http::parse_target(path);
    REQUIRE(target);
    return *target;
  }

  std::string& header(std::string_view name) {
    for (auto& [key, value] : headers)
      if (http::same_without_case(key, name)) return value;
    return headers.emplace_back(name, "").second;
  }

  // Replaces the signature by the one that is right for what it is now.
  void sign(std::string const& secret) {
    auto const h = head();
    auto const t = target();
    auto const claim = http::read_sigv4(h, t);
    REQUIRE(claim.has_value());
    REQUIRE(claim->has_value());
    auto const text = http::string_to_sign(
        **claim, http::canonical_request(**claim, h, t, http::sha256_hex(body)));
    auto const signature = http::sigv4_signature(**claim, text, secret);
    auto& where = (*claim)->presigned ? path : header("Authorization");
    where.replace(where.find("Signature=") + 10, 64, signature);
  }
};

inline SignedRequest read_request(std::string text) {
  SignedRequest request;
  auto const take_line = [&] {
    auto const end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    return line;
  };
  auto const first = take_line();
  auto const space = first.find(' ');
  request.method = first.substr(0, space);
  request.path = first.substr(space + 1, first.rfind(' ') - space - 1);
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    if (line.starts_with(' ')) {
      request.headers.back().second += line;
      continue;
    }
    auto const colon = line.find(':');
    auto value = line.substr(colon + 1);
    value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
    request.headers.emplace_back(line.substr(0, colon), value);
  }
  request.body = text;
  return request;
}

// A fresh one in the form of awscli, for http::Sigv4Place{"us-east-1", "lambda"}.
inline SignedRequest lambda_request(std::string const& key_id, std::string const& secret,
                                    std::string const& time = "20150830T123600Z") {
  SignedRequest request{
      "POST",
      "/2015-03-31/functions/hello/invocations?Qualifier=1",
      {{"Host", "127.0.0.1:9000"},
       {"X-Amz-Date", time},
       {"X-Amz-Log-Type", "Tail"},
       {"Authorization", "AWS4-HMAC-SHA256 Credential=" + key_id + "/" + time.substr(0, 8) +
                             "/us-east-1/lambda/aws4_request, "
                             "SignedHeaders=host;x-amz-date;x-amz-log-type, Signature=" +
                             std::string(64, '0')}},
      R"({"a":1})"};
  request.sign(secret);
  return request;
}

inline SignedRequest presigned_request(std::string const& key_id, std::string const& secret,
                                       std::string const& time = "20150830T123600Z") {
  SignedRequest request{
      "GET",
      "/2015-03-31/functions/hello?X-Amz-Algorithm=AWS4-HMAC-SHA256&"
      "X-Amz-Credential=" +
          key_id + "%2F" + time.substr(0, 8) +
          "%2Fus-east-1%2Flambda%2Faws4_request&X-Amz-Date=" + time +
          "&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=" + std::string(64, '0'),
      {{"Host", "127.0.0.1:9000"}},
      ""};
  request.sign(secret);
  return request;
}

}  // namespace faas::test
