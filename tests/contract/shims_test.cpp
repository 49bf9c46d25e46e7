// The language shims offer Lambda's handler and context contract.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <string>

#include "contract/shim_host.hpp"
#include "contract/shipped.hpp"
#include "support/interpreters.hpp"

using contract_test::have_program;
using contract_test::ShimCall;
using contract_test::ShimHost;

namespace {

using Files = std::map<std::string, std::string>;

ShimHost python(std::string handler, Files files) {
  static contract_test::Shipped const shipped(faas::test::python_runtime());
  return {shipped.command, std::move(handler), std::move(files)};
}
// A test of its own sets the flag, by which the shim takes `net` instead of the handles below it.
ShimHost node(std::string handler, Files files) {
  static contract_test::Shipped const shipped(faas::test::node_runtime());
  auto command = shipped.command;
  if (std::getenv("FAAS_TEST_SHIM_BY_NET"))
    command.insert(command.begin() + 1, "--pending-deprecation");
  return {std::move(command), std::move(handler), std::move(files)};
}

boost::json::value parse(std::string const& text) {
  boost::system::error_code error;
  auto value = boost::json::parse(text, error);
  INFO(text);
  REQUIRE(!error);
  return value;
}
std::string field(ShimCall const& call, char const* name) {
  auto const document = parse(call.body);
  auto const* value = document.as_object().if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : "";
}
bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != text.npos;
}

std::string response(ShimHost& host, std::string payload) {
  auto const call = host.call(std::move(payload));
  CHECK(call.ending == "response");
  return call.body;
}

}  // namespace

TEST_CASE("python: a handler gets its event and its result is answered") {
  if (!have_program("/usr/bin/python3")) return;
  auto host =
      python("app.handler", {{"app.py", "def handler(event, context): return {'event': event}\n"}});
  CHECK(response(host, R"({"a": [1, 2.5, null, true]})") ==
        R"({"event": {"a": [1, 2.5, null, true]}})");
  CHECK(response(host, "\"caf\xc3\xa9 \\ud83d\\ude00\"") ==
        "{\"event\": \"caf\xc3\xa9 \xf0\x9f\x98\x80\"}");
  CHECK(response(host, R"("\ud83d")") ==
        R"({"event": "\ud83d"})");  // a lone surrogate stays an escape
  CHECK(response(host, "") == R"({"event": {}})");
  CHECK(response(host, " null ") == R"({"event": null})");
  auto const large = host.call("\"" + std::string(6'000'000, 'x') + "\"");
  CHECK(large.body.size() == 6'000'000 + 13);
  CHECK(large.content_type == "application/json");
}

TEST_CASE("python: the context") {
  if (!have_program("/usr/bin/python3")) return;
  auto host = python("app.handler", {{"app.py", R"(import os
def handler(event, c):
    left = c.get_remaining_time_in_millis()
    return [c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb, c.invoked_function_arn,
            c.log_group_name, c.log_stream_name, 50000 < left <= 60000, os.environ['_X_AMZN_TRACE_ID'],
            c.client_context and [c.client_context.custom, c.client_context.client.app_title], c.identity.cognito_identity_id]
)"}});
  auto const call = host.invoke(
      {.payload = "{}", .client_context = R"({"custom":{"k":"v"},"client":{"app_title":"t"}})"});
  CHECK(
      call.body ==
      R"(["00000000-0000-4000-8000-000000000001", "shimmed", "$LATEST", "128", )"
      R"("arn:aws:lambda:us-east-1:000000000000:function:shimmed", "/aws/lambda/shimmed", "stream", true, )"
      R"("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1", [{"k": "v"}, "t"], null])");
  CHECK(contains(host.call("{}").body, "Sampled=1\", null, null]"));
}

TEST_CASE("python: handlers in packages, by both spellings") {
  if (!have_program("/usr/bin/python3")) return;
  Files const files = {{"pkg/sub/mod.py", "def fn(event, context): return __name__\n"}};
  auto slashes = python("pkg/sub/mod.fn", files);
  CHECK(response(slashes, "{}") == "\"pkg.sub.mod\"");
  auto dots = python("pkg.sub.mod.fn", files);
  CHECK(response(dots, "{}") == "\"pkg.sub.mod\"");
}

TEST_CASE("python: an exception is the error document, and the next call works") {
  if (!have_program("/usr/bin/python3")) return;
  auto host = python("app.handler", {{"app.py", R"(def deep(event):
    raise ValueError('bad ' + event['x'])
def handler(event, context):
    if event: deep(event)
    return 'fine'
)"}});
  auto const call = host.call(R"({"x": "caf\u00e9"})");
  CHECK(call.ending == "error");
  CHECK(call.error_type == "Function.Unknown");
  auto const document = parse(call.body);
  CHECK(field(call, "errorType") == "ValueError");
  CHECK(field(call, "errorMessage") == "bad caf\xc3\xa9");
  CHECK(field(call, "requestId") == "00000000-0000-4000-8000-000000000001");
  auto const& trace = document.at("stackTrace").as_array();
  REQUIRE(trace.size() == 2);  // the function's frames, not ours
  CHECK(contains(std::string(trace[0].as_string()), "app.py\", line 4, in handler"));
  CHECK(contains(host.take_log(),
                 "[ERROR] ValueError: bad caf\xc3\xa9\rTraceback (most recent call last):\r"));
  CHECK(response(host, "{}") == "\"fine\"");
}

TEST_CASE("python: what cannot be JSON") {
  if (!have_program("/usr/bin/python3")) return;
  auto host =
      python("app.handler", {{"app.py", "def handler(event, context): return {'s': {1}}\n"}});
  auto const call = host.call("{}");
  CHECK(call.ending == "error");
  CHECK(call.error_type == "Runtime.MarshalError");
  CHECK(field(call, "errorMessage") ==
        "Unable to marshal response: Object of type set is not JSON serializable");
  auto const bad = host.call("{\"a\":");
  CHECK(bad.error_type == "Runtime.UnmarshalError");
  CHECK(host.call("{} x").error_type == "Runtime.UnmarshalError");
  CHECK(host.call("\xff").error_type == "Runtime.UnmarshalError");
}

TEST_CASE("python: a body that is not JSON is handed on as bytes") {
  if (!have_program("/usr/bin/python3")) return;
  auto host = python(
      "app.handler",
      {{"app.py", "def handler(event, context): return [type(event).__name__, len(event)]\n"}});
  CHECK(host.invoke({.payload = "\xff\xfe", .content_type = "application/octet-stream"}).body ==
        "[\"bytes\", 2]");
}

TEST_CASE("python: what curl -d sends as a form is JSON where it reads as JSON") {
  if (!have_program("/usr/bin/python3")) return;
  auto host = python("app.handler",
                     {{"app.py", "def handler(event, context): return type(event).__name__\n"}});
  std::string const form = "application/x-www-form-urlencoded";
  CHECK(host.invoke({.payload = "{\"name\":\"you\"}", .content_type = form}).body == "\"dict\"");
  CHECK(host.invoke({.payload = "name=you", .content_type = form}).body == "\"bytes\"");
}

TEST_CASE("python: init errors are reported by type and end the runtime") {
  if (!have_program("/usr/bin/python3")) return;
  struct Row {
    std::string handler, source, type, message;
  };
  Row const rows[] = {
      {"app.nosuch", "", "Runtime.HandlerNotFound", "Handler 'nosuch' missing on module 'app'"},
      {"nosuch.handler", "", "Runtime.ImportModuleError",
       "Unable to import module 'nosuch': No module named 'nosuch'"},
      {"app.handler", "import nosuch", "Runtime.ImportModuleError",
       "Unable to import module 'app': No module named 'nosuch'"},
      {"app.handler", "def (", "Runtime.UserCodeSyntaxError",
       "Syntax error in module 'app': invalid syntax (app.py, line 1)"},
      {"handler", "", "Runtime.MalformedHandlerName", "Bad handler 'handler': not MODULE.FUNCTION"},
      {"sys.exit", "", "Runtime.BuiltInModuleConflict",
       "Cannot use built-in module sys as a handler module"},
      {"app.handler", "1 / 0", "ZeroDivisionError", "division by zero"},
  };
  for (auto const& row : rows) {
    CAPTURE(row.handler);
    auto host = python(row.handler, {{"app.py", row.source}});
    auto const call = host.call("{}");
    CHECK(call.ending == "init error");
    CHECK(field(call, "errorType") == row.type);
    CHECK(field(call, "errorMessage") == row.message);
    CHECK(call.error_type == (row.type.starts_with("Runtime.") ? row.type : "Runtime.Unknown"));
    CHECK(host.wait_for_exit() == "exit 1");
    CHECK(contains(host.take_log(), "[ERROR] " + row.type + ": " + row.message));
  }
}

TEST_CASE("python: the root logger writes in Lambda's form, and only warnings by default") {
  if (!have_program("/usr/bin/python3")) return;
  auto host = python("app.handler", {{"app.py", R"(import logging
logging.basicConfig(level=logging.DEBUG)  # has no effect: the root logger has its handler
logging.error('early')
def handler(event, context):
    logging.info('quiet'); logging.warning('loud %d', 7); print('printed')
)"}});
  CHECK(response(host, "{}") == "null");
  auto const log = host.take_log();
  CHECK_FALSE(contains(log, "quiet"));
  CHECK(contains(log, "printed\n"));
  CHECK(contains(log, "Z\t\tearly\n"));
  CHECK(contains(log, "[WARNING]\t20"));
  CHECK(contains(log, "Z\t00000000-0000-4000-8000-000000000001\tloud 7\n"));
}

TEST_CASE("python: a function that exits, exits") {
  if (!have_program("/usr/bin/python3")) return;
  auto host =
      python("app.handler", {{"app.py", "import sys\ndef handler(event, context): sys.exit(7)\n"}});
  CHECK(host.call("{}").ending == "exit 7");
}

TEST_CASE("node: async handlers in CommonJS and ES modules") {
  if (!have_program("/usr/bin/node")) return;
  std::string const module = "export const handler = async (event) => ({ event });\n";
  std::pair<std::string, Files> const rows[] = {
      {"index.handler", {{"index.js", "exports.handler = async (event) => ({ event });"}}},
      {"index.handler", {{"index.cjs", "exports.handler = async (event) => ({ event });"}}},
      {"index.handler", {{"index.mjs", module}}},
      {"index.handler", {{"index.js", module}, {"package.json", R"({"type":"module"})"}}},
      {"dir/sub/index.a.b",
       {{"dir/sub/index.js", "exports.a = { b: async (event) => ({ event }) };"}}},
      {"index.handler", {{"index.js", "exports.handler = (event) => Promise.resolve({ event });"}}},
      {"pkg.handler",
       {{"node_modules/pkg/index.js", "exports.handler = async (event) => ({ event });"}}},
  };
  for (auto const& [handler, files] : rows) {
    auto const& module_file = files.begin()->first;
    CAPTURE(module_file);
    auto host = node(handler, files);
    CHECK(response(host, R"({"a":[1,2.5,null]})") == R"({"event":{"a":[1,2.5,null]}})");
    CHECK(response(host, "\"caf\xc3\xa9\"") == "{\"event\":\"caf\xc3\xa9\"}");
    CHECK(response(host, "") == R"({"event":{}})");
  }
}

TEST_CASE("node: large payloads and empty results") {
  if (!have_program("/usr/bin/node")) return;
  auto host =
      node("index.handler",
           {{"index.js", "exports.handler = async (event) => event === 1 ? undefined : event;"}});
  CHECK(host.call("\"" + std::string(6'000'000, 'x') + "\"").body.size() == 6'000'002);
  CHECK(response(host, "1") == "null");
}

TEST_CASE("node: the context") {
  if (!have_program("/usr/bin/node")) return;
  auto host =
      node("index.handler",
           {{"index.js", R"(exports.handler = async (event, c) => [c.awsRequestId, c.functionName,
    c.functionVersion, c.memoryLimitInMB, c.invokedFunctionArn, c.logGroupName, c.logStreamName,
    c.getRemainingTimeInMillis() > 50000 && c.getRemainingTimeInMillis() <= 60000, process.env._X_AMZN_TRACE_ID,
    c.clientContext, c.callbackWaitsForEmptyEventLoop];)"}});
  CHECK(
      host.invoke({.payload = "{}", .client_context = R"({"custom":{"k":"v"}})"}).body ==
      R"(["00000000-0000-4000-8000-000000000001","shimmed","$LATEST","128",)"
      R"("arn:aws:lambda:us-east-1:000000000000:function:shimmed","/aws/lambda/shimmed","stream",true,)"
      R"("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1",{"custom":{"k":"v"}},true])");
}

TEST_CASE("node: callbacks and the event loop") {
  if (!have_program("/usr/bin/node")) return;
  auto host = node("index.handler", {{"index.js", R"(let late = 'no';
exports.handler = (event, context, callback) => {
  if (event === 'waits') { setTimeout(() => { late = 'yes'; }, 50); callback(null, 'answered'); }
  else if (event === 'waives') { context.callbackWaitsForEmptyEventLoop = false; late = 'no';
    setTimeout(() => { late = 'yes'; }, 60000); callback(null, 'answered'); }
  else if (event === 'late') callback(null, late);
  else if (event === 'fails') callback(new TypeError('bad'));
  else if (event === 'text') callback('just text');
  else if (event === 'done') context.done(null, 'done');
  else if (event === 'succeed') context.succeed('succeed');
  else if (event === 'fail') context.fail(new RangeError('far'));
  else if (event === 'timer') setTimeout(() => callback(null, 'timer'), 10);
  else if (event === 'throws') throw new SyntaxError('thrown');
};)"}});
  CHECK(response(host, "\"waits\"") == "\"answered\"");
  CHECK(response(host, "\"late\"") == "\"yes\"");  // the callback waited for the timer
  CHECK(response(host, "\"timer\"") == "\"timer\"");
  CHECK(response(host, "\"nothing\"") == "null");  // nobody answers, and nothing is left that could
  CHECK(field(host.call("\"fails\""), "errorType") == "TypeError");
  auto const text = host.call("\"text\"");
  CHECK(field(text, "errorType") == "string");
  CHECK(field(text, "errorMessage") == "just text");
  CHECK(response(host, "\"done\"") == "\"done\"");
  CHECK(response(host, "\"succeed\"") == "\"succeed\"");
  CHECK(field(host.call("\"fail\""), "errorMessage") == "far");
  CHECK(field(host.call("\"throws\""), "errorType") == "SyntaxError");
  CHECK(response(host, "\"waives\"") == "\"answered\"");
  CHECK(response(host, "\"succeed\"") == "\"succeed\"");
}

TEST_CASE("node: an error has its type, message and trace, and is logged") {
  if (!have_program("/usr/bin/node")) return;
  auto host =
      node("index.handler",
           {{"index.js", "exports.handler = async () => { throw new TypeError('bad'); };"}});
  auto const call = host.call("{}");
  CHECK(call.ending == "error");
  CHECK(call.error_type == "Function.Unknown");
  CHECK(field(call, "errorType") == "TypeError");
  CHECK(field(call, "errorMessage") == "bad");
  CHECK(parse(call.body).at("trace").as_array().size() >= 2);
  CHECK(contains(host.take_log(),
                 "\t00000000-0000-4000-8000-000000000001\tERROR\tInvoke Error "
                 "\t{\"errorType\":\"TypeError\","));
  auto big = node("index.handler", {{"index.js", "exports.handler = async () => ({ n: 1n });"}});
  CHECK(big.call("{}").error_type == "Runtime.MarshalError");
  CHECK(big.call("{\"a\":").error_type == "Runtime.UnmarshalError");
}

TEST_CASE("node: init errors are reported by type and end the runtime") {
  if (!have_program("/usr/bin/node")) return;
  struct Row {
    std::string handler, source, type, message;
  };
  Row const rows[] = {
      {"index.nosuch", "", "Runtime.HandlerNotFound", "index.nosuch is undefined or not exported"},
      {"index.text", "exports.text = 'x';", "Runtime.HandlerNotFound",
       "index.text is not a function"},
      {"nosuch.handler", "", "Runtime.ImportModuleError", "Error: Cannot find module 'nosuch'"},
      {"index.handler", "require('nosuch')", "Runtime.ImportModuleError",
       "Error: Cannot find module 'nosuch'"},
      {"index.handler", "function (", "Runtime.UserCodeSyntaxError", "SyntaxError: "},
      {"index", "", "Runtime.MalformedHandlerName", "Bad handler 'index': not MODULE.FUNCTION"},
      {"../index.handler", "", "Runtime.MalformedHandlerName",
       "Bad handler '../index.handler': not MODULE.FUNCTION"},
      {"index.handler", "null.x", "TypeError", "Cannot read properties of null"},
      {"index.handler", "throw 'text'", "string", "text"},
  };
  for (auto const& row : rows) {
    CAPTURE(row.handler + " " + row.source);
    auto host = node(row.handler, {{"index.js", row.source}});
    auto const call = host.call("{}");
    CHECK(call.ending == "init error");
    CHECK(field(call, "errorType") == row.type);
    CHECK(field(call, "errorMessage").starts_with(row.message));
    CHECK(call.error_type == (row.type.starts_with("Runtime.") ? row.type : "Runtime.Unknown"));
    CHECK(host.wait_for_exit() == "exit 129");
  }
}

TEST_CASE("node: what nobody catches is reported, then the runtime exits") {
  if (!have_program("/usr/bin/node")) return;
  auto thrown = node(
      "index.handler",
      {{"index.js",
        "exports.handler = () => { setTimeout(() => { throw new RangeError('late'); }, 1); };"}});
  auto const exception = thrown.call("{}");
  CHECK(exception.ending == "error");
  CHECK(field(exception, "errorType") == "RangeError");
  CHECK(thrown.wait_for_exit() == "exit 129");
  CHECK(contains(thrown.take_log(), "\tERROR\tUncaught Exception \t{\"errorType\":\"RangeError\""));
  auto rejected = node("index.handler", {{"index.js",
                                          "exports.handler = () => { Promise.reject(new "
                                          "Error('lost')); setTimeout(() => {}, 9e6); };"}});
  auto const rejection = rejected.call("{}");
  CHECK(rejection.ending == "error");
  CHECK(rejection.error_type == "Runtime.UnhandledPromiseRejection");
  CHECK(field(rejection, "errorMessage") == "Error: lost");
  CHECK(rejected.wait_for_exit() == "exit 128");
}

TEST_CASE("node: the console writes in Lambda's form") {
  if (!have_program("/usr/bin/node")) return;
  auto host = node("index.handler", {{"index.js", R"(console.log('early');
exports.handler = async () => { console.log('a %d', 1, { b: 2 }); console.error('two\nlines'); console.warn('w');
  console.debug('d'); console.info('i'); };)"}});
  CHECK(response(host, "{}") == "null");
  auto const log = host.take_log();
  CHECK(contains(log, "Z\tundefined\tINFO\tearly\n"));
  std::string const id = "Z\t00000000-0000-4000-8000-000000000001\t";
  CHECK(contains(log, id + "INFO\ta 1 { b: 2 }\n"));
  CHECK(contains(log, id + "ERROR\ttwo\rlines\n"));
  CHECK(contains(log, id + "WARN\tw\n"));
  CHECK(contains(log, id + "DEBUG\td\n"));
  CHECK(contains(log, id + "INFO\ti\n"));
}

TEST_CASE("node: a loop that logs keeps nothing of its lines, and loses none") {
  if (!have_program("/usr/bin/node")) return;
  auto host = node("index.handler", {{"index.js", R"(
exports.handler = async () => {
  process.stdout.write('this makes the pipe non-blocking\n');
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 60000; i++) console.log('line', i);
  return process.memoryUsage().rss - before < 40e6;
};)"}});
  CHECK(response(host, "{}") == "true");
  auto const log = host.take_log();
  CHECK(std::ranges::count(log, '\n') >= 60'000);
  CHECK(contains(log, "\tINFO\tline 59999\n"));
}

TEST_CASE("node: streaming") {
  if (!have_program("/usr/bin/node")) return;
  auto const stream = [](std::string const& body) {
    return Files{{"index.js",
                  "exports.handler = awslambda.streamifyResponse(async (event, out, context) => {" +
                      body + "});"}};
  };
  SUBCASE("chunks, strings and bytes") {
    auto host =
        node("index.handler",
             stream("out.setContentType('text/x'); out.write('a'); out.write(Buffer.from('b'));"
                    "out.write({ c: 1 }); out.end('caf\xc3\xa9');"));
    for (int i = 0; i < 2; ++i) {
      auto const call = host.call("{}");
      CHECK(call.ending == "response");
      CHECK(call.streaming);
      CHECK(call.content_type == "text/x");
      CHECK(call.body == "ab{\"c\":1}caf\xc3\xa9");
      CHECK(call.error_type.empty());
    }
  }
  SUBCASE("a prelude for HTTP") {
    auto host = node("index.handler",
                     stream("out = awslambda.HttpResponseStream.from(out, { statusCode: 201 });"
                            "out.write('body'); out.end();"));
    auto const call = host.call("{}");
    CHECK(call.content_type == "application/vnd.awslambda.http-integration-response");
    CHECK(call.body == std::string("{\"statusCode\":201}\0\0\0\0\0\0\0\0body", 30));
  }
  SUBCASE("a prelude without a body") {
    auto host = node("index.handler", stream("awslambda.HttpResponseStream.from(out, {}).end();"));
    CHECK(host.call("{}").body == std::string("{}\0\0\0\0\0\0\0\0", 10));
  }
  SUBCASE("an error before the first byte is an error") {
    auto host = node("index.handler", stream("throw new TypeError('early');"));
    auto const call = host.call("{}");
    CHECK(call.ending == "error");
    CHECK(field(call, "errorType") == "TypeError");
    CHECK(host.call("{}").ending == "error");
  }
  SUBCASE("an error in the middle is in the trailers") {
    auto host =
        node("index.handler",
             stream("out.write('half'); if (event) throw new TypeError('mid'); out.end();"));
    auto const call = host.call("1");
    CHECK(call.ending == "response");
    CHECK(call.body == "half");
    CHECK(call.error_type.starts_with(
        "Runtime.Unknown {\"errorType\":\"TypeError\",\"errorMessage\":\"mid\",\"trace\":["));
    CHECK(host.call("0").error_type.empty());  // and the connection is fine
  }
  SUBCASE("a stream that nobody ends, ends when nothing is left that could") {
    auto host =
        node("index.handler", stream("out.write('x'); setTimeout(() => out.write('y'), 20);"));
    CHECK(host.call("{}").body == "xy");
  }
  SUBCASE("a large stream, piped") {
    auto host =
        node("index.handler", stream("const { Readable } = require('stream'); const { pipeline } = "
                                     "require('stream/promises');"
                                     "await pipeline(Readable.from((function* () { for (let i = 0; "
                                     "i < 60; ++i) yield 'x'.repeat(100000); })()), out);"));
    CHECK(host.call("{}").body.size() == 6'000'000);
  }
}
