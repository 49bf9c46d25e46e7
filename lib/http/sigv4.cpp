#include "http/sigv4.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "http/hashes.hpp"

namespace faas::inline v0::http {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr auto kSkew = std::chrono::minutes(5);
constexpr seconds kLongestLife = std::chrono::days(7);

LambdaError incomplete(std::string message) {
  return {"IncompleteSignatureException",
          std::move(message) + " Let an AWS SDK or `aws` sign the request."};
}

LambdaError invalid(std::string message) {
  return {"InvalidSignatureException", std::move(message)};
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto const end = text.find(mark);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::size_t header_count(Head const& head, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count_if(
      head.headers, [&](auto const& h) { return same_without_case(h.name, name); }));
}

// Both forms have these, by the names of the query form less "X-Amz-".
struct Parts {
  std::optional<std::string_view> credential, headers, signature;
};

std::optional<std::string_view>* part_named(Parts& parts, std::string_view name) {
  if (name == "Credential") return &parts.credential;
  if (name == "SignedHeaders") return &parts.headers;
  if (name == "Signature") return &parts.signature;
  return nullptr;
}

std::string_view trim_front(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

// "Credential=…, SignedHeaders=…, Signature=…", in any order, each once.
LambdaResult<Parts> read_parameters(std::string_view text) {
  Parts parts;
  for (auto const piece : split(text, ',')) {
    auto const parameter = trim_front(piece);
    auto const equals = parameter.find('=');
    auto* part =
        equals == std::string_view::npos ? nullptr : part_named(parts, parameter.substr(0, equals));
    if (part == nullptr || *part) {
      return incomplete(
          "The Authorization header must hold Credential, SignedHeaders and Signature, each once "
          "and nothing else.");
    }
    *part = parameter.substr(equals + 1);
  }
  return parts;
}

LambdaError requires_parameter(std::string_view name) {
  return incomplete(fmt::format("Authorization header requires '{}' parameter.", name));
}

bool is_signature(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A query's is percent-decoded and could hold line ends, which separate what is signed.
bool is_header_name(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

LambdaResult<void> fill(Sigv4Claim& claim, Parts const& parts) {
  if (!parts.credential) return requires_parameter("Credential");
  if (!parts.headers) return requires_parameter("SignedHeaders");
  if (!parts.signature) return requires_parameter("Signature");
  auto const words = split(*parts.credential, '/');
  if (words.size() != 5 || std::ranges::any_of(words, &std::string_view::empty)) {
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term.");
  }
  claim.key_id = words[0];
  claim.scope = parts.credential->substr(words[0].size() + 1);
  claim.date = words[1];
  claim.region = words[2];
  claim.service = words[3];
  claim.terminator = words[4];
  claim.header_list = *parts.headers;
  claim.headers = split(*parts.headers, ';');
  // Sorted and each once, so that there is one way to write it.
  bool const sorted = std::ranges::adjacent_find(claim.headers, std::ranges::greater_equal{}) ==
                      claim.headers.end();
  if (!sorted || !std::ranges::all_of(claim.headers, is_header_name))
    return incomplete("SignedHeaders must be lower case, sorted, and name each header once.");
  claim.signature = *parts.signature;
  if (!is_signature(claim.signature))
    return incomplete("Signature must be 64 lower-case hexadecimal digits.");
  return {};
}

LambdaResult<std::optional<Sigv4Claim>> read_header(std::string_view authorization,
                                                    Head const& head) {
  auto const space = std::min(authorization.find(' '), authorization.size());
  if (authorization.substr(0, space) != kAlgorithm) {
    return incomplete(fmt::format("Of AWS's signatures only {} is known here.", kAlgorithm));
  }
  if (header_count(head, "X-Amz-Date") != 1)
    return incomplete("Authorization header requires existence of one 'X-Amz-Date' header.");
  auto const parts = read_parameters(authorization.substr(space));
  if (!parts) return parts.error();
  Sigv4Claim claim;
  if (auto r = fill(claim, *parts); !r) return r.error();
  claim.time = head.header("X-Amz-Date");
  return claim;
}

// Nothing: not there, or more than once.
std::optional<std::string_view> only(Target const& target, std::string_view name) {
  auto const count =
      std::ranges::count(target.query, name, &std::pair<std::string, std::string>::first);
  return count == 1 ? target.parameter(name) : std::nullopt;
}

LambdaResult<std::optional<Sigv4Claim>> read_query(Target const& target) {
  Parts const parts{only(target, "X-Amz-Credential"), only(target, "X-Amz-SignedHeaders"),
                    only(target, "X-Amz-Signature")};
  auto const algorithm = only(target, "X-Amz-Algorithm");
  auto const time = only(target, "X-Amz-Date");
  auto const expires = only(target, "X-Amz-Expires");
  if (!parts.credential || !parts.headers || !parts.signature || !algorithm || !time || !expires) {
    return incomplete(
        "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', "
        "'X-Amz-Signature', 'X-Amz-SignedHeaders', 'X-Amz-Date' and 'X-Amz-Expires', each once.");
  }
  if (*algorithm != kAlgorithm)
    return incomplete(fmt::format("X-Amz-Algorithm only supports \"{}\".", kAlgorithm));
  Sigv4Claim claim;
  claim.presigned = true;
  if (auto r = fill(claim, parts); !r) return r.error();
  claim.time = *time;
  std::uint32_t life = 0;
  auto const* const end = expires->data() + expires->size();
  auto const [stop, error] = std::from_chars(expires->data(), end, life);
  if (error != std::errc{} || stop != end || life == 0 || seconds(life) > kLongestLife)
    return incomplete("X-Amz-Expires must be a whole number of seconds from 1 to 604800.");
  claim.lifetime = seconds(life);
  return claim;
}

std::optional<unsigned> number(std::string_view digits) {
  unsigned value = 0;
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// "20150830T123600Z"
std::optional<sys_seconds> read_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  auto const year = number(text.substr(0, 4)), month = number(text.substr(4, 2));
  auto const day = number(text.substr(6, 2)), hour = number(text.substr(9, 2));
  auto const minute = number(text.substr(11, 2)), second = number(text.substr(13, 2));
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  std::chrono::year_month_day const date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         seconds(*second);
}

std::string time_text(sys_seconds time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(time.time_since_epoch().count()));
}

LambdaResult<void> check_place(Sigv4Claim const& claim, Sigv4Place here) {
  if (claim.terminator != kTerminator) {
    return invalid(
        fmt::format("Credential should be scoped with a valid terminator: '{}'.", kTerminator));
  }
  if (claim.region != here.region) {
    return invalid(
        fmt::format("Credential should be scoped to a valid region. This server's is '{}': set "
                    "AWS_DEFAULT_REGION, or start it with --region.",
                    here.region));
  }
  if (claim.service != here.service) {
    return invalid(
        fmt::format("Credential should be scoped to correct service: '{}'.", here.service));
  }
  return {};
}

LambdaResult<void> check_time(Sigv4Claim const& claim, sys_seconds now) {
  auto const time = read_time(claim.time);
  if (!time) {
    return incomplete("Date must be in ISO-8601 'basic format', e.g. 20150830T123600Z.");
  }
  if (claim.date != claim.time.substr(0, 8)) {
    return invalid(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
        "HTTP.");
  }
  auto const latest = *time + (claim.presigned ? claim.lifetime : kSkew);
  if (now > latest) {
    return invalid(fmt::format(
        "Signature expired: {} is now earlier than {} ({} - {} s). Sign it "
        "anew; if it is new, set the client's clock.",
        claim.time, time_text(now - (latest - *time)), time_text(now), (latest - *time).count()));
  }
  if (*time > now + kSkew) {
    return invalid(
        fmt::format("Signature not yet current: {} is still later than {} ({} + 5 "
                    "min.). Set the client's clock, or this host's.",
                    claim.time, time_text(now + kSkew), time_text(now)));
  }
  return {};
}

LambdaResult<void> check_headers(Sigv4Claim const& claim, Head const& head) {
  auto const is_signed = [&](std::string_view name) {
    return std::ranges::find(claim.headers, name) != claim.headers.end();
  };
  if (!is_signed("host"))
    return invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  for (auto const& header : head.headers) {
    auto const name = lower_case(header.name);
    // Unsigned, somebody on the way could add one, or change what it asks for.
    if (name.starts_with("x-amz-") && !is_signed(name)) {
      return invalid(fmt::format(
          "'{}' must be a 'SignedHeader' in the AWS Authorization: each X-Amz- header must.",
          name.substr(0, 100)));
    }
  }
  return {};
}

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

void append_encoded(std::string& out, std::string_view text, bool slash_stays) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (is_unreserved(c) || (slash_stays && c == '/')) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
}

// Every service but S3: dot segments and empty ones go, then what came encoded is encoded again.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> segments;
  for (auto const segment : split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  }
  std::string out;
  for (auto const segment : segments) {
    out += '/';
    append_encoded(out, segment, true);
  }
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

// Of the decoded parameters, those that the handlers see.
std::string canonical_query(Target const& target, bool presigned) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (auto const& [name, value] : target.query) {
    if (presigned && name == "X-Amz-Signature") continue;
    auto& [key, text] = encoded.emplace_back();
    append_encoded(key, name, false);
    append_encoded(text, value, false);
  }
  std::ranges::sort(encoded);
  std::string out;
  for (auto const& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name + '=' + value;
  }
  return out;
}

// Blanks at the ends go, those between words become one.
void append_value(std::string& out, std::string_view value) {
  constexpr std::string_view kBlank = " \t";
  bool between = false;
  while (!value.empty()) {
    auto const end = std::min(value.find_first_of(kBlank), value.size());
    if (end > 0) {
      if (between) out += ' ';
      out += value.substr(0, end);
      between = true;
    }
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

void append_header(std::string& out, Head const& head, std::string_view name) {
  out += name;
  out += ':';
  bool again = false;
  for (auto const& header : head.headers) {
    if (!same_without_case(header.name, name)) continue;
    if (again) out += ',';
    append_value(out, header.value);
    again = true;
  }
  out += '\n';
}

LambdaResult<void> check_body_hash(Head const& head, std::string_view hash) {
  auto const claimed = head.header("X-Amz-Content-Sha256");
  if (claimed.empty() || same_secret(claimed, hash)) return {};
  return invalid(
      "The value of the X-Amz-Content-Sha256 header must be the SHA-256 of the body: unsigned and "
      "streaming payloads are not accepted here.");
}

}  // namespace

LambdaResult<std::optional<Sigv4Claim>> read_sigv4(Head const& head, Target const& target) {
  auto const authorization = head.header("Authorization");
  bool const in_header = authorization.starts_with("AWS4-");
  bool const in_query = target.parameter("X-Amz-Algorithm") || target.parameter("X-Amz-Signature");
  if (in_header && in_query)
    return incomplete("A request is signed in its header or in its query, not in both.");
  if (in_header) return read_header(authorization, head);
  if (in_query) return read_query(target);
  return std::optional<Sigv4Claim>();
}

LambdaResult<void> check_claim(Sigv4Claim const& claim, Head const& head, Target const& target,
                               Sigv4Place here, std::chrono::system_clock::time_point now) {
  if (header_count(head, "X-Amz-Security-Token") > 0 || target.parameter("X-Amz-Security-Token")) {
    return LambdaError{"UnrecognizedClientException",
                       "The security token included in the request is invalid. This server knows "
                       "no session tokens: unset AWS_SESSION_TOKEN and sign with an access key of "
                       "its access file."};
  }
  if (auto r = check_place(claim, here); !r) return r;
  if (auto r = check_time(claim, std::chrono::floor<seconds>(now)); !r) return r;
  return check_headers(claim, head);
}

LambdaResult<void> verify_sigv4(Sigv4Claim const& claim, Head const& head, Target const& target,
                                std::string_view body, std::string_view secret) {
  auto const hash = sha256_hex(body);
  if (auto r = check_body_hash(head, hash); !r) return r;
  auto const text = string_to_sign(claim, canonical_request(claim, head, target, hash));
  if (!same_secret(sigv4_signature(claim, text, secret), claim.signature)) {
    return invalid(
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details.");
  }
  return {};
}

std::string canonical_request(Sigv4Claim const& claim, Head const& head, Target const& target,
                              std::string_view body_hash) {
  std::string out(head.method);
  out += '\n';
  out += canonical_path(head.target.substr(0, head.target.find('?')));
  out += '\n';
  out += canonical_query(target, claim.presigned);
  out += '\n';
  for (auto const name : claim.headers) append_header(out, head, name);
  out += '\n';
  out += claim.header_list;
  out += '\n';
  out += body_hash;
  return out;
}

std::string string_to_sign(Sigv4Claim const& claim, std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, claim.time, claim.scope, sha256_hex(canonical));
}

std::string sigv4_signature(Sigv4Claim const& claim, std::string_view text,
                            std::string_view secret) {
  auto const date = hmac_sha256("AWS4" + std::string(secret), claim.date);
  auto const region = hmac_sha256(as_text(date), claim.region);
  auto const service = hmac_sha256(as_text(region), claim.service);
  auto const key = hmac_sha256(as_text(service), claim.terminator);
  return to_hex(hmac_sha256(as_text(key), text));
}

}  // namespace faas::inline v0::http
