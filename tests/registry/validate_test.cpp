#include "registry/validate.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "registry/utf8.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::validate;

namespace {

using Change = std::function<void(Function&)>;

bool accepted(Change const& change) {
  auto f = function("hello");
  change(f);
  return validate(f).has_value();
}

// The message of a refusal; it must name the field.
std::string refusal(std::string_view field, Change const& change) {
  auto f = function("hello");
  change(f);
  auto r = validate(f);
  REQUIRE(r.has_error());
  CHECK(r.error().code == Errc::invalid_argument);
  bool const constraint = r.error().message.starts_with("1 validation error detected: ");
  CHECK(r.error().reason ==
        (constraint ? "ValidationException" : "InvalidParameterValueException"));
  CHECK_MESSAGE(r.error().message.find(field) != std::string::npos, r.error().message);
  return r.error().message;
}

std::string environment_of(std::size_t json_size) {
  // {"KEY":"…"}
  return std::string(json_size - 10, 'v');
}

}  // namespace

TEST_CASE("an ordinary function is valid") {
  CHECK(accepted([](Function&) {}));
}

TEST_CASE("names are Lambda's: 1 to 64 of [a-zA-Z0-9-_]") {
  for (auto const& name : {std::string("a"), std::string("A-b_9"), std::string(64, 'x')}) {
    CHECK(accepted([&](Function& f) { f.name.name = name; }));
  }
  for (std::string name :
       {std::string(), std::string(65, 'x'), std::string("a b"), std::string("a/b"),
        std::string(".."), std::string("a.b"), std::string("ü"), std::string("a\0", 2)}) {
    refusal("functionName", [&](Function& f) { f.name.name = name; });
  }
}

TEST_CASE("an account is 12 digits") {
  CHECK(accepted([](Function& f) { f.name.account = "123456789012"; }));
  for (auto account : {"", "12345678901", "1234567890123", "12345678901a", "../../../../.."}) {
    refusal("account", [&](Function& f) { f.name.account = account; });
  }
}

TEST_CASE("limits are held at both ends, and the message names value and range") {
  CHECK(accepted([](Function& f) { f.limits.memory = 128_MiB; }));
  CHECK(accepted([](Function& f) { f.limits.memory = 10'240_MiB; }));
  CHECK(refusal("memorySize", [](Function& f) { f.limits.memory = 127_MiB; }) ==
        "1 validation error detected: Value '127' at 'memorySize' failed to satisfy constraint: "
        "Member must be 128 to 10240 whole MiB");
  refusal("memorySize", [](Function& f) { f.limits.memory = 10'241_MiB; });
  refusal("memorySize", [](Function& f) { f.limits.memory = {(128 << 20) + 1}; });
  refusal("memorySize", [](Function& f) { f.limits.memory = {~std::uint64_t{0}}; });

  CHECK(accepted([](Function& f) { f.limits.tmp = 10'240_MiB; }));
  refusal("ephemeralStorage", [](Function& f) { f.limits.tmp = 511_MiB; });
  refusal("ephemeralStorage", [](Function& f) { f.limits.tmp = 10'241_MiB; });

  CHECK(accepted([](Function& f) { f.limits.timeout = milliseconds(1000); }));
  CHECK(accepted([](Function& f) { f.limits.timeout = milliseconds(900'000); }));
  auto const text =
      refusal("timeout", [](Function& f) { f.limits.timeout = milliseconds(900'001); });
  CHECK(text.find("900001 ms") != std::string::npos);
  CHECK(text.find("1 to 900 seconds") != std::string::npos);
  refusal("timeout", [](Function& f) { f.limits.timeout = milliseconds(999); });
  refusal("timeout", [](Function& f) { f.limits.timeout = milliseconds(-1); });

  CHECK(accepted([](Function& f) { f.limits.concurrency = registry::kMaxConcurrency; }));
  refusal("concurrency", [](Function& f) { f.limits.concurrency = registry::kMaxConcurrency + 1; });
  CHECK(accepted([](Function& f) { f.limits.queue = 0; }));
  refusal("queue", [](Function& f) { f.limits.queue = registry::kMaxQueue + 1; });
  CHECK(accepted([](Function& f) { f.limits.capacity = 1600; }));
  refusal("capacity", [](Function& f) { f.limits.capacity = 0; });
  refusal("capacity", [](Function& f) { f.limits.capacity = 1601; });
}

TEST_CASE("a handler is at most 128 characters without spaces; python and node need one") {
  CHECK(accepted([](Function& f) { f.handler = std::string(128, 'x'); }));
  CHECK(accepted([](Function& f) { f.handler = ""; }));
  refusal("handler", [](Function& f) { f.handler = std::string(129, 'x'); });
  refusal("handler", [](Function& f) { f.handler = "app handler"; });
  refusal("handler", [](Function& f) { f.handler = "app\nhandler"; });
  for (auto climbing : {"../../x", "..", "a/../x.handler", "a/.."})
    refusal("handler", [&](Function& f) { f.handler = climbing; });
  for (auto below : {"a/b.handler", "a..b", "...", "a/..b/c", "/a"})
    CHECK(accepted([&](Function& f) { f.handler = below; }));
  for (auto runtime : {"python3.11", "nodejs20.x"}) {
    CHECK(accepted([&](Function& f) { f.runtime = runtime; }));
    refusal("handler", [&](Function& f) { f.runtime = runtime, f.handler = ""; });
  }
  refusal("runtime", [](Function& f) { f.runtime = "a b"; });
  refusal("runtime", [](Function& f) { f.runtime = std::string(65, 'x'); });
}

TEST_CASE("a code digest is 64 lower-case hex digits, or none") {
  CHECK(accepted([](Function& f) { f.code = {}; }));
  for (auto hex : {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
                   std::string(64, 'g'), std::string("../") + std::string(61, 'a')}) {
    refusal("code", [&](Function& f) { f.code = {hex}; });
  }
}

TEST_CASE("names of variables are Lambda's") {
  for (auto name :
       {"AB", "key_1", "LANG", "PATH", "LD_LIBRARY_PATH", "NODE_PATH", "PYTHONPATH", "TZ",
        "AWS_XRAY_CONTEXT_MISSING", "AWS_LAMBDA_LOG_LEVEL", "AWS_REGIONS", "_HANDLER2x"}) {
    bool const ordinary = name[0] != '_';
    CHECK(accepted([&](Function& f) { f.environment[name] = "v"; }) == ordinary);
  }
  for (std::string name :
       {std::string(), std::string("A"), std::string("1A"), std::string("_A"), std::string("A-B"),
        std::string("A B"), std::string("A="), std::string("AB\0", 3), std::string("Ä1")}) {
    refusal("environment", [&](Function& f) { f.environment[name] = "v"; });
  }
}

TEST_CASE("the platform's own variables are refused with Lambda's text") {
  CHECK(refusal("AWS_REGION",
                [](Function& f) {
                  f.environment = {{"AWS_REGION", "x"}, {"MINE", "x"}, {"_HANDLER", "x"}};
                }) ==
        "Lambda was unable to configure your environment variables because the environment "
        "variables you "
        "have provided contains reserved keys that are currently not supported for modification. "
        "Reserved "
        "keys used in this request: AWS_REGION, _HANDLER");
  for (auto name :
       {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API",
        "AWS_EXECUTION_ENV", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "_HANDLER",
        "_LAMBDA_TELEMETRY_LOG_FD", "AWS_LAMBDA_MAX_CONCURRENCY"}) {
    CAPTURE(name);
    CHECK(registry::is_reserved_variable(name));
    refusal(name, [&](Function& f) { f.environment[name] = "x"; });
  }
}

TEST_CASE("an environment is at most 4 KB as JSON, to the byte, and its values are not repeated") {
  CHECK(accepted([](Function& f) { f.environment["KEY"] = environment_of(4096); }));
  auto const text =
      refusal("4KB limit", [](Function& f) { f.environment["KEY"] = environment_of(4097); });
  CHECK(text.find("4097") != std::string::npos);
  CHECK(text.find("vvv") == std::string::npos);
  // Escapes count as JSON counts them.
  CHECK(accepted([](Function& f) { f.environment["KEY"] = std::string(2043, '"'); }));
  refusal("4KB limit", [](Function& f) { f.environment["KEY"] = std::string(2044, '"'); });
}

TEST_CASE("a value that execve could not pass on is refused") {
  refusal("environment", [](Function& f) { f.environment["KEY"] = std::string("a\0b", 3); });
  refusal("environment", [](Function& f) { f.environment["KEY"] = "\xff"; });
}

TEST_CASE("a description is at most 256 characters, not bytes") {
  std::string long_text;
  for (int i = 0; i < 256; ++i) long_text += "日";
  CHECK(accepted([&](Function& f) { f.description = long_text; }));
  refusal("description", [&](Function& f) { f.description = long_text + "x"; });
  refusal("description", [](Function& f) { f.description = "\xc3"; });
}

TEST_CASE("annotations are opaque text up to 64 KiB") {
  CHECK(accepted([](Function& f) { f.annotations["k"] = std::string(65'535, 'x'); }));
  CHECK(refusal("annotations", [](Function& f) {
          f.annotations["k"] = std::string(65'536, 'x');
        }).find("65537") != std::string::npos);
  refusal("annotations", [](Function& f) { f.annotations[""] = "x"; });
  refusal("annotations", [](Function& f) { f.annotations["k"] = "\xff"; });
}

TEST_CASE("a refused value is shown short and printable") {
  auto const text = refusal("functionName",
                            [](Function& f) { f.name.name = "\x1b[2J" + std::string(5000, 'x'); });
  CHECK(text.size() < 400);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("UTF-8 is counted in characters, and what is not UTF-8 is told") {
  using registry::utf8_length;
  CHECK(utf8_length("") == 0u);
  CHECK(utf8_length("aü日😀") == 4u);
  for (auto bad : {"\x80", "\xc3", "\xc3(", "\xe2\x82", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                   "\xf4\x90\x80\x80", "\xf0\x82\x82\xac", "\xf8\x88\x80\x80\x80", "\xff"}) {
    CHECK_FALSE(utf8_length(bad));
  }
  CHECK(utf8_length("\xf4\x8f\xbf\xbf") == 1u);
}

TEST_CASE("a function has at most five layers, each the digest of a package") {
  auto f = function("f");
  f.layers.assign(5, {std::string(64, 'b')});
  CHECK(validate(f).has_value());
  f.layers.push_back({std::string(64, 'c')});
  CHECK(validate(f).error().message == "Cannot reference more than 5 layers.");
  f.layers = {{"xyz"}};
  CHECK(validate(f).error().message.find("'layers'") != std::string::npos);
  f.layers = {{}};
  CHECK(validate(f).has_error());
}
