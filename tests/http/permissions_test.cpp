#include "http/permissions.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace faas;
using namespace faas::http;

namespace {

constexpr auto kLast = Operation::wrong_method;

std::vector<Operation> every_operation() {
  std::vector<Operation> all;
  for (int i = 0; i <= static_cast<int>(kLast); ++i) all.push_back(static_cast<Operation>(i));
  return all;
}

Principal with(Grant grant, std::string account = "111122223333") {
  Principal p;
  p.name = std::string("somebody");
  p.account = std::move(account);
  p.allow.push_back(std::move(grant));
  return p;
}

// What it is told; empty: it may.
std::string told(Principal const& p, Operation operation, std::string name = {},
                 std::string body = {}) {
  Request request;
  request.identity.name = p.name;
  request.identity.any_account = p.account == kAnyAccount;
  request.identity.account = request.identity.any_account ? kDefaultAccount : p.account;
  request.identity.principal = &p;
  request.body = std::move(body);
  auto const r = authorise({operation, std::move(name)}, request, "us-east-1");
  return r ? "" : r.error().exception;
}

constexpr auto kDenied = "AccessDeniedException";

}  // namespace

TEST_CASE("every operation asks for an action, but health and what is none") {
  std::set<Operation> without;
  for (auto const operation : every_operation()) {
    auto const permission = permission_of(operation);
    CAPTURE(static_cast<int>(operation));
    bool const acts =
        permission.subject != Subject::nobody_asked && permission.subject != Subject::signed_in;
    CHECK(acts == !permission.action.empty());
    if (!acts) {
      without.insert(operation);
      continue;
    }
    CHECK(permission.action != "faas:Nothing");
    // Lambda's own name on Lambda's paths.
    CHECK((permission.action.starts_with("lambda:") || permission.action.starts_with("faas:")));
    if (speaks_lambda(operation)) CHECK(permission.action.starts_with("lambda:"));
  }
  CHECK(without == std::set{Operation::unknown_lambda, Operation::healthz, Operation::readyz,
                            Operation::unknown_path, Operation::wrong_method});
}

TEST_CASE("nothing is done without a grant, and everything with all of them") {
  auto const nobody = with({{}, {}});
  auto const all = with({{"*"}, {"*"}});
  auto const wrong_function = with({{"other"}, {"*"}});
  auto const wrong_action = with({{"*"}, {"lambda:Other", "faas:Other"}});
  for (auto const operation : every_operation()) {
    CAPTURE(static_cast<int>(operation));
    if (permission_of(operation).action.empty()) continue;
    auto const body = R"({"FunctionName":"f"})";
    // Metrics name the functions of every account.
    if (operation == Operation::metrics) {
      CHECK(told(all, operation, "f", body) == kDenied);
    } else {
      CHECK(told(all, operation, "f", body).empty());
    }
    CHECK(told(with({{"*"}, {"*"}}, std::string(kAnyAccount)), operation, "f", body) == "");
    CHECK(told(nobody, operation, "f", body) == kDenied);
    CHECK(told(wrong_function, operation, "f", body) == kDenied);
    CHECK(told(wrong_action, operation, "f", body) == kDenied);
  }
}

TEST_CASE("a grant is for the function, however it is named") {
  auto const p = with({{"img-*"}, {"lambda:InvokeFunction"}});
  for (auto const* name : {"img-1", "img-1:live", "function:img-1", "111122223333:function:img-1",
                           "arn:aws:lambda:us-east-1:111122223333:function:img-1:2"}) {
    CAPTURE(name);
    CHECK(told(p, Operation::invoke, name) == "");
    CHECK(told(p, Operation::delete_function, name) == kDenied);
  }
  CHECK(told(p, Operation::invoke, "other") == kDenied);
  CHECK(told(p, Operation::invoke, "other:img-1") == kDenied);
  CHECK(told(p, Operation::call_function, "img-2") == "");
  CHECK(told(p, Operation::call_function, "other") == kDenied);
  CHECK(told(p, Operation::invoke, "a b") == "ValidationException");
}

TEST_CASE("another account's function is denied to all but an operator") {
  auto const arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
  CHECK(told(with({{"*"}, {"*"}}), Operation::invoke, arn) == kDenied);
  CHECK(told(with({{"*"}, {"*"}}, "000000000000"), Operation::invoke, arn) == "");
  CHECK(told(with({{"*"}, {"*"}}, "*"), Operation::invoke, arn) == "");
  CHECK(told(with({{"g"}, {"*"}}, "*"), Operation::invoke, arn) == kDenied);
}

TEST_CASE("a function to be created is named in the body, as the operation reads it") {
  auto const p = with({{"img-*"}, {"lambda:CreateFunction"}});
  auto const create = [&](std::string body) {
    return told(p, Operation::create_function, "", std::move(body));
  };
  CHECK(create(R"({"FunctionName":"img-1"})") == "");
  CHECK(create(R"({"FunctionName":"other"})") == kDenied);
  CHECK(create(R"({"FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:img-1"})") ==
        kDenied);
  CHECK(create(R"({"FunctionName":"img-1","FunctionName":"other"})") == "SerializationException");
  CHECK(create(R"({"functionName":"img-1"})") == "ValidationException");
  CHECK(create(R"({"FunctionName":1})") == "ValidationException");
  CHECK(create(R"({"x":{"FunctionName":"img-1"}})") == "ValidationException");
  CHECK(create("no json") == "SerializationException");
}

TEST_CASE("who did not sign in at all does not get here; the operator may do everything") {
  Request request;
  for (auto const operation : every_operation())
    CHECK(authorise({operation, "f"}, request, "us-east-1").has_value());
}

TEST_CASE("a refusal is told in the words of its path") {
  LambdaError const missing{"MissingAuthenticationTokenException", "Missing"};
  CHECK(refused(Operation::invoke, missing).status == 403);
  CHECK(find_header(refused(Operation::invoke, missing).headers, "x-amzn-ErrorType") ==
        "MissingAuthenticationTokenException");
  auto const ours = refused(Operation::call_function, missing);
  CHECK(ours.status == 401);
  CHECK(find_header(ours.headers, "WWW-Authenticate") == "Bearer");
  CHECK(ours.body ==
        R"({"code":"denied","reason":"MissingAuthenticationTokenException","message":"Missing"})");
  LambdaError const denied{kDenied, "no"};
  CHECK(refused(Operation::invoke, denied).status == 403);
  CHECK(refused(Operation::invoke, denied).body == R"({"Message":"no"})");
  CHECK(refused(Operation::put_package, denied).status == 403);
  CHECK(refused(Operation::put_package, {"ValidationException", "x"}).status == 400);
}
