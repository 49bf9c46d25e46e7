// The words of the tests of the control operations: functions that are made and asked over HTTP,
// and what they are refused with. Nothing of them is called.
#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "base/text.hpp"
#include "http/serving.hpp"
#include "support/temp_dir.hpp"

namespace faas::test {

namespace json = boost::json;

struct Answer {
  int status = 0;
  std::string exception;  // x-amzn-ErrorType
  std::string text;
  json::value body;  // null: none, or not JSON

  json::value const& at(std::string_view member) const {
    return body.as_object().at(json::string_view(member.data(), member.size()));
  }
  bool has(std::string_view member) const {
    return body.is_object() &&
           body.get_object().contains(json::string_view(member.data(), member.size()));
  }
  std::string string(std::string_view member) const { return std::string(at(member).as_string()); }
};

inline constexpr auto kFunctions = "/2015-03-31/functions";
inline constexpr auto kArn = "arn:aws:lambda:us-east-1:000000000000:function:";

inline std::string zip_of(std::string const& text) {
  TempDir directory;
  std::ofstream(directory / "bootstrap") << text;
  std::filesystem::permissions(directory / "bootstrap", std::filesystem::perms::owner_all);
  return to_base64(pack(directory.path()).value());
}

class Control {
 public:
  explicit Control(Options options = {}, unsigned threads = 1)
      : serving_({}, std::move(options), threads) {}

  Answer ask(std::string method, std::string target, std::string body = {}) {
    auto const response = serving_.send(std::move(method), std::move(target), std::move(body));
    Answer answer{static_cast<int>(response.status),
                  std::string(response.header("x-amzn-ErrorType")), response.body, nullptr};
    boost::system::error_code error;
    if (auto value = json::parse(response.body, error); !error) answer.body = std::move(value);
    return answer;
  }

  Answer create(std::string const& name, std::string const& more = {}) {
    static auto const zip = zip_of("#!/bin/sh\n");
    return ask("POST", kFunctions,
               fmt::format(R"({{"FunctionName":"{}","Runtime":"provided.al2023","Handler":"h",)"
                           R"("Role":"arn:aws:iam::000000000000:role/r",)"
                           R"("Code":{{"ZipFile":"{}"}}{}}})",
                           name, zip, more));
  }

  // $LATEST, changed, as the next version.
  std::string publish(std::string const& name) {
    auto const described = fmt::format(R"({{"Description":"{}"}})", ++changes_);
    REQUIRE(ask("PUT", of(name, "configuration"), described).status == 200);
    auto const published = ask("POST", of(name, "versions"));
    REQUIRE(published.status == 201);
    return published.string("Version");
  }

  static std::string of(std::string const& name, std::string const& rest) {
    return fmt::format("{}/{}/{}", kFunctions, name, rest);
  }

  Serving& serving() { return serving_; }

 private:
  Serving serving_;
  int changes_ = 0;
};

inline void check_refused(Answer const& answer, int status, std::string const& exception,
                          std::string const& words) {
  CAPTURE(answer.text.substr(0, 400));
  CHECK(answer.status == status);
  CHECK(answer.exception == exception);
  CHECK(answer.text.find(words) != std::string::npos);
}

// Every page of a listing, by `key` of its entries; of each no more than `most`.
inline std::vector<std::string> all_pages(Control& control, std::string const& target,
                                          std::string const& list, std::string const& key,
                                          std::size_t most) {
  std::vector<std::string> out;
  std::string marker;
  auto const mark = target.find('?') == std::string::npos ? '?' : '&';
  for (int pages = 0; pages < 1000; ++pages) {
    auto const page = control.ask(
        "GET", fmt::format("{}{}MaxItems={}{}", target, mark, most,
                           marker.empty() ? "" : "&Marker=" + fetch::percent_encoded(marker)));
    REQUIRE(page.status == 200);
    auto const& entries = page.at(list).as_array();
    CHECK(entries.size() <= most);
    for (auto const& entry : entries)
      out.emplace_back(entry.at(json::string_view(key.data(), key.size())).as_string());
    if (!page.has("NextMarker")) return out;
    CHECK(entries.size() == most);
    marker = page.string("NextMarker");
  }
  FAIL("a listing without end");
  return out;
}

// A listing takes 1 to `largest` items, and the markers that it gave alone.
inline void check_paging(Control& control, std::string const& target, int largest) {
  auto const mark = target.find('?') == std::string::npos ? '?' : '&';
  auto const with = [&](std::string const& query) {
    return control.ask("GET", fmt::format("{}{}{}", target, mark, query));
  };
  CHECK(with("MaxItems=1").status == 200);
  CHECK(with(fmt::format("MaxItems={}", largest)).status == 200);
  check_refused(with("MaxItems=0"), 400, "ValidationException",
                "Value '0' at 'maxItems' failed to satisfy constraint: Member must have value "
                "greater than or equal to 1");
  check_refused(with(fmt::format("MaxItems={}", largest + 1)), 400, "ValidationException",
                fmt::format("less than or equal to {}", largest));
  check_refused(with("MaxItems=-1"), 400, "ValidationException", "'maxItems'");
  check_refused(with("MaxItems=1x"), 400, "ValidationException", "'maxItems'");
  check_refused(with("Marker=*"), 400, "InvalidParameterValueException", "Marker");
  check_refused(with("Marker=" + fetch::percent_encoded(to_base64("../x"))), 400,
                "InvalidParameterValueException", "Marker");
}

}  // namespace faas::test
