#include <doctest/doctest.h>

#include <faas/function.hpp>
#include <faas/layer.hpp>

using namespace faas;

TEST_CASE("an ARN names region, account and function") {
  CHECK(function_arn({"123456789012", "resize"}, "eu-west-1") ==
        "arn:aws:lambda:eu-west-1:123456789012:function:resize");
  CHECK(function_arn("resize", "us-east-1") ==
        "arn:aws:lambda:us-east-1:000000000000:function:resize");
}

TEST_CASE("the same name in two accounts is two functions") {
  CHECK(FunctionName("000000000001", "f") != FunctionName("000000000002", "f"));
  CHECK(FunctionName("f") == FunctionName(std::string(kDefaultAccount), "f"));
}

TEST_CASE("an ARN of a layer names region, account and layer") {
  CHECK(layer_arn({"123456789012", "libs"}, "eu-west-1") ==
        "arn:aws:lambda:eu-west-1:123456789012:layer:libs");
}
