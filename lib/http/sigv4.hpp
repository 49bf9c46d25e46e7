// AWS Signature Version 4, the verifying side: header form and presigned query form. Pure; the time
// is an argument. Source: "AWS Signature Version 4 for API requests" of the IAM user guide, and the
// public test suite (tests/http/data/aws4).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/function_ref.hpp"
#include "http/message.hpp"

namespace faas::inline v0::http {

// What a request says it was signed with; nothing of it is proved. Views into the head and target.
struct Sigv4Claim {
  bool presigned = false;
  std::string_view key_id;
  std::string_view scope;                              // "20150830/us-east-1/lambda/aws4_request"
  std::string_view date, region, service, terminator;  // the parts of it
  std::string_view time;                               // "20150830T123600Z"
  std::string_view header_list;                        // "host;x-amz-date"
  std::vector<std::string_view> headers;               // the parts of it
  std::string_view signature;                          // 64 hexadecimal digits
  std::chrono::seconds lifetime{};                     // of a presigned one, 1 s to 7 days
};

struct Sigv4Place {
  std::string_view region, service;
};

// Nothing: the request claims no such signature. Error: IncompleteSignatureException.
LambdaResult<std::optional<Sigv4Claim>> read_sigv4(Head const&, Target const&);

// What can be known without secret and body: that it is for here and now, covers `host`, the date
// and each X-Amz- header, and came without a session token.
LambdaResult<void> check_claim(Sigv4Claim const&, Head const&, Target const&, Sigv4Place,
                               std::chrono::system_clock::time_point now);

// The rest. The body's own hash is what was signed, whatever the request says of it.
LambdaResult<void> verify_sigv4(Sigv4Claim const&, Head const&, Target const&,
                                std::string_view body, std::string_view secret);

// The steps of it.
std::string canonical_request(Sigv4Claim const&, Head const&, Target const&,
                              std::string_view body_hash);
std::string string_to_sign(Sigv4Claim const&, std::string_view canonical);
std::string sigv4_signature(Sigv4Claim const&, std::string_view text, std::string_view secret);

}  // namespace faas::inline v0::http
