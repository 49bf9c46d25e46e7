// AddPermission, RemovePermission, GetPolicy: a function's resource policy, kept and given back.
// Nothing here enforces it: who may call is the server's access file (faas/access.hpp).
#include <fmt/format.h>

#include "http/api.hpp"
#include "http/constraints.hpp"
#include "http/request_id.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kMostBytes = 20'480;
constexpr std::string_view kStale =
    "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to "
    "retrieve the latest Revision Id";

struct Policy {
  std::string stored;  // as it was read; empty: there is none
  std::string revision;
  json::array statements;

  json::object document() const {
    return {{"Version", "2012-10-17"}, {"Id", "default"}, {"Statement", statements}};
  }
};

AttributeKey policy_key(FunctionRef const& ref) { return {"policy", ref.qualifier}; }

Policy read_policy(Context& c, FunctionRef const& ref) {
  Policy policy;
  auto const settings = c.runtime.settings(ref.name);
  auto const found = settings.attributes.find(policy_key(ref));
  if (found == settings.attributes.end()) return policy;
  policy.stored = found->second;
  boost::system::error_code error;
  auto const value = json::parse(policy.stored, error);
  if (error || !value.is_object()) return policy;
  auto const& object = value.get_object();
  if (auto const* revision = object.if_contains("RevisionId"); revision && revision->is_string())
    policy.revision = revision->get_string().c_str();
  if (auto const* statements = object.if_contains("Statement");
      statements && statements->is_array())
    policy.statements = statements->get_array();
  return policy;
}

std::string to_attribute(json::array const& statements) {
  return json::serialize(
      json::object{{"RevisionId", RequestIds().next()}, {"Statement", statements}});
}

bool has_sid(json::value const& statement, std::string_view sid) {
  return statement.at("Sid").as_string() == json::string_view(sid.data(), sid.size());
}

// "s3.amazonaws.com", an account, an ARN, or everybody.
json::value principal_of(std::string_view text) {
  if (text == "*") return "*";
  bool const account = text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
  if (account) return json::object{{"AWS", fmt::format("arn:aws:iam::{}:root", text)}};
  auto const* const kind = text.starts_with("arn:") ? "AWS" : "Service";
  return json::object{{kind, json::string_view(text.data(), text.size())}};
}

struct PermissionFields {
  std::string sid;
  std::optional<std::string> revision;
  json::object statement;
};

void add_condition(json::object& conditions, char const* test, char const* key,
                   std::optional<std::string> const& value) {
  if (!value) return;
  auto& group = conditions[test];
  if (!group.is_object()) group.emplace_object();
  group.get_object()[key] = *value;
}

json::object read_conditions(FieldReader& fields) {
  json::object conditions;
  auto const source_account = sized(fields, "SourceAccount", {.most = 12});
  if (source_account && (source_account->size() != 12 ||
                         source_account->find_first_not_of("0123456789") != std::string::npos))
    fields.fail(pattern_error(*source_account, "sourceAccount", "\\d{12}"));
  add_condition(conditions, "StringEquals", "AWS:SourceAccount", source_account);
  auto const source_arn = sized(fields, "SourceArn", {});
  if (source_arn && !source_arn->starts_with("arn:"))
    fields.fail(pattern_error(*source_arn, "sourceArn",
                              "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-"
                              "\\d{1})?:(\\d{12})?:(.*)"));
  add_condition(conditions, "ArnLike", "AWS:SourceArn", source_arn);
  add_condition(conditions, "StringEquals", "lambda:EventSourceToken",
                matching(fields, "EventSourceToken", "[a-zA-Z0-9._\\-]+", {.most = 256}));
  add_condition(conditions, "StringEquals", "aws:PrincipalOrgID",
                matching(fields, "PrincipalOrgID", "o-[a-z0-9]{10,32}", {12, 34}));
  add_condition(conditions, "StringEquals", "lambda:FunctionUrlAuthType",
                one_of(fields, "FunctionUrlAuthType", {"NONE", "AWS_IAM"}));
  if (fields.boolean("InvokedViaFunctionUrl").value_or(false))
    add_condition(conditions, "Bool", "lambda:InvokedViaFunctionUrl", "true");
  return conditions;
}

bool is_action(std::string_view action) {
  if (action == "*" || action == "lambda:*") return true;
  return action.starts_with("lambda:") && action.size() > 7 && is_made_of(action.substr(7), "");
}

LambdaResult<PermissionFields> read_permission(std::string_view text) {
  auto const body = parse_object(text);
  if (!body) return body.error();
  PermissionFields out;
  FieldReader fields(**body);
  for (auto const* name : {"StatementId", "Action", "Principal"}) require(fields, name);
  out.sid = sized(fields, "StatementId", {1, 100}).value_or("");
  if (!is_made_of(out.sid, "-_"))
    fields.fail(pattern_error(out.sid, "statementId", "([a-zA-Z0-9-_]+)"));
  auto const action = sized(fields, "Action", {}).value_or("");
  if (fields.given("Action") && !is_action(action))
    fields.fail(pattern_error(action, "action", "(lambda:[*]|lambda:[a-zA-Z]+|[*])"));
  auto const principal = sized(fields, "Principal", {}).value_or("");
  if (fields.given("Principal") &&
      (principal.empty() || principal.find_first_of(" \t\r\n") != std::string::npos))
    fields.fail(pattern_error(principal, "principal", "[^\\s]+"));
  out.revision = sized(fields, "RevisionId", {});
  out.statement = {{"Sid", out.sid},
                   {"Effect", "Allow"},
                   {"Principal", principal_of(principal)},
                   {"Action", action},
                   {"Resource", ""}};  // known once the function is
  if (auto conditions = read_conditions(fields); !conditions.empty())
    out.statement["Condition"] = std::move(conditions);
  if (auto r = fields.finish(); !r) return r.error();
  return out;
}

LambdaResult<FunctionRef> find_policy_ref(Context& c, Request const& request,
                                          std::string_view name) {
  auto ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) return ref.error();
  if (ref->qualifier == "$LATEST") {
    return invalid_parameter("We currently do not support adding policies for $LATEST.");
  }
  if (!c.runtime.get(ref->name, ref->qualifier)) return function_not_found(*ref, c.options.region);
  return ref;
}

LambdaError no_policy() {
  return {"ResourceNotFoundException", "The resource you requested does not exist."};
}

LambdaResult<void> check_addition(Policy const& policy, PermissionFields const& wish) {
  if (wish.revision && *wish.revision != policy.revision)
    return LambdaError{"PreconditionFailedException", std::string(kStale)};
  for (auto const& statement : policy.statements) {
    if (!has_sid(statement, wish.sid)) continue;
    return LambdaError{
        "ResourceConflictException",
        fmt::format("The statement id ({}) provided already exists. Please provide a new statement "
                    "id, or remove the existing statement.",
                    wish.sid)};
  }
  return {};
}

}  // namespace

asio::awaitable<Response> add_permission(Context& c, Request request, std::string name) {
  auto wish = read_permission(request.body);
  if (!wish) co_return render(wish.error());
  auto const ref = find_policy_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  wish->statement["Resource"] = qualified_arn(ref->name, c.options.region, ref->qualifier);
  for (int attempt = 0;; ++attempt) {
    auto policy = read_policy(c, *ref);
    if (auto valid = check_addition(policy, *wish); !valid) co_return render(valid.error());
    policy.statements.push_back(wish->statement);
    if (auto const size = json::serialize(policy.document()).size(); size > kMostBytes) {
      co_return render(
          LambdaError{"PolicyLengthExceededException",
                      fmt::format("The final policy size ({}) is bigger than the limit ({}).", size,
                                  kMostBytes)});
    }
    auto const done = co_await c.runtime.set_attribute(
        ref->name, policy_key(*ref), to_attribute(policy.statements), policy.stored);
    if (done) {
      json::object const out{{"Statement", json::serialize(wish->statement)}};
      co_return json_response(201, json::serialize(out));
    }
    if (done.error().code != Errc::conflict || attempt == kAttempts)
      co_return render(conflict_error(done.error()));
  }
}

asio::awaitable<Response> remove_permission(Context& c, Request request, std::string name,
                                            std::string sid) {
  if (sid.empty() || sid.size() > 100 || !is_made_of(sid, "-_."))
    co_return render(pattern_error(sid, "statementId", "([a-zA-Z0-9-_.]+)"));
  auto const ref = find_policy_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  auto const expected = request.target.parameter("RevisionId");
  if (auto r = check_pattern(sid, "statementId", "([a-zA-Z0-9-_.]+)", {1, 100}); !r)
    co_return render(r.error());
  for (int attempt = 0;; ++attempt) {
    auto policy = read_policy(c, *ref);
    if (policy.stored.empty()) co_return render(no_policy());
    if (expected && *expected != policy.revision)
      co_return render(LambdaError{"PreconditionFailedException", std::string(kStale)});
    auto& all = policy.statements;
    auto const found =
        std::find_if(all.begin(), all.end(), [&](auto const& s) { return has_sid(s, sid); });
    if (found == all.end()) {
      co_return render(LambdaError{
          "ResourceNotFoundException",
          fmt::format("Statement {} is not found in resource policy.", sid.substr(0, 100))});
    }
    all.erase(found);
    std::optional<std::string> after;
    if (!all.empty()) after = to_attribute(all);
    auto const done =
        co_await c.runtime.set_attribute(ref->name, policy_key(*ref), after, policy.stored);
    if (done) co_return no_content();
    if (done.error().code != Errc::conflict || attempt == kAttempts)
      co_return render(conflict_error(done.error()));
  }
}

Response get_policy(Context& c, Request const& request, std::string const& name) {
  auto const ref = find_policy_ref(c, request, name);
  if (!ref) return render(ref.error());
  auto const policy = read_policy(c, *ref);
  if (policy.stored.empty()) return render(no_policy());
  json::object const out{{"Policy", json::serialize(policy.document())},
                         {"RevisionId", policy.revision}};
  return json_response(200, json::serialize(out));
}

}  // namespace faas::inline v0::http
