#include "control/document.hpp"

#include <doctest/doctest.h>

#include "support/result.hpp"

using namespace faas;
using namespace faas::control;

namespace {

std::string fault(std::string_view text) {
  auto const read = read_document(text, "f");
  return read ? "none" : read.error().message;
}

// The tree in one line: text as it is, null as ~, lines where `lines`.
std::string shown(Node const& node) {
  auto const tag = node.tag.empty() ? "" : node.tag + " ";
  if (node.kind == Node::Kind::null) return "~";
  if (node.kind == Node::Kind::scalar) return tag + node.text;
  std::string out;
  for (auto const& item : node.items) out += (out.empty() ? "" : ",") + shown(item);
  for (auto const& m : node.members)
    out += (out.empty() ? "" : ",") + m.key + "@" + std::to_string(m.line) + ":" + shown(m.value);
  return tag + (node.kind == Node::Kind::map ? "{" + out + "}" : "[" + out + "]");
}

std::string read(std::string_view text) { return shown(read_document(text, "f").value()); }

std::string many(std::string_view piece, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += piece;
  return out;
}

}  // namespace

TEST_CASE("YAML and JSON give the same tree, with the lines of its keys") {
  CHECK(read("a: 1\nb:\n  - x\n  - 'y z'\nc: {d: true}\n") == "{a@1:1,b@2:[x,y z],c@5:{d@5:true}}");
  CHECK(read("{\"a\": 1,\n\"b\": [\"x\", \"y z\"],\n\"c\": {\"d\": true}}\n") ==
        "{a@1:1,b@2:[x,y z],c@3:{d@3:true}}");
  CHECK(read("{\"\\ud83d\\ude00\": \"a\\/b\", \"n\": null, \"x\": -1.5e3}") ==
        "{\U0001f600@1:a/b,n@1:~,x@1:-1.5e3}");
}

TEST_CASE("a plain nothing is null, a quoted one is text") {
  CHECK(read("a:\nb: ~\nc: ''\nd: 'null'\n") == "{a@1:~,b@2:~,c@3:,d@4:null}");
  CHECK(read("") == "~");
  CHECK(read("# only a comment\n") == "~");
}

TEST_CASE("a text keeps its tag, for whoever reads it to refuse") {
  CHECK(read("a: !Sub ${x}\nb: !GetAtt [c, d]\n") == "{a@1:!Sub ${x},b@2:!GetAtt [c,d]}");
}

TEST_CASE("a key that is there twice is refused with the line of the second, however deep") {
  CHECK(fault("a: 1\nb: 2\na: 3\n") == "f:3: the key 'a' is there twice");
  CHECK(fault("a:\n  b: 1\n  b: 2\n") == "f:3: the key 'b' is there twice");
  CHECK(fault("{\"a\": 1,\n\"a\": 2}") == "f:2: the key 'a' is there twice");
  CHECK(fault("a: {b: 1}\nc: {b: 1}\n") == "none");
}

TEST_CASE("what is neither is refused with its line") {
  CHECK(fault("{\"a\": 1,\n \"b\" 2}").starts_with("f:2: "));
  CHECK(fault("{\n\"a\": 1}\n}").starts_with("f:3: "));
  CHECK(fault("{\"a\": 1").starts_with("f:1: "));
  CHECK(fault("a: 1\n b: 2\n").starts_with("f:2: "));
  CHECK(fault("a: [1\n").starts_with("f:"));
  CHECK(fault("? [a]\n: 1\n") == "f:1: a key must be a plain word");
  CHECK(fault("a: 1\n---\nb: 2\n") ==
        "f:3: a second document begins here; a file holds one (is the line indented as it should "
        "be?)");
  CHECK(fault("- a\n-b\n").starts_with("f:2: a second document"));
  CHECK(fault("a: 1\n...\n") == "none");
}

// yaml-cpp alone reads all three as if they were whole, and what follows as part of the text.
TEST_CASE("a quotation that is not closed is refused, not read to the end of the file") {
  CHECK(fault("x: 1\na: \"b\nc: 1\nd: 2\n") ==
        "f:2: a quotation that begins here or later is not closed");
  CHECK(fault("a: 'b\n") == "f:1: a quotation that begins here or later is not closed");
  CHECK(fault("a: !Sub \"b\n") == "f:1: a quotation that begins here or later is not closed");
  CHECK(fault("a: \"b\n  c\"\nd: |\n  text\n") == "none");
}

TEST_CASE("a character that a parser takes for the end of the file is refused") {
  CHECK(fault("a: 1\nb: \x04\nc: 3\n") == "f:2: a control character, or text that is no UTF-8");
  CHECK(fault(std::string_view("a: 1\0b", 6)).find("control character") != std::string::npos);
  CHECK(fault("\xff\xfe").find("no UTF-8") != std::string::npos);
  CHECK(fault("a: h\u00e9llo \u2603\n") == "none");
}

TEST_CASE("a small file that is a huge one is refused: nothing is ever expanded (YAML bombs)") {
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c < 'z'; ++c)
    bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" + char(c - 1) + "]\n";
  CHECK(fault(bomb) == "f:1: anchors (&) and aliases (*) are not read; write the value out");
  CHECK(fault("a: 1\n<<: *a\n").starts_with("f:2: "));
  CHECK(fault("a: &x\nb: *x\n").starts_with("f:1: anchors"));
}

TEST_CASE("deep, long and big files are refused at the bound, and read below it") {
  CHECK(fault(many("[", 31) + many("]", 31)) == "none");
  CHECK(fault(many("[", kDocumentDepth + 1) + many("]", kDocumentDepth + 1))
            .find("nested more than 32 deep") != std::string::npos);
  CHECK(fault("{\"a\":" + many("[", kDocumentDepth)).find("nested more than 32 deep") !=
        std::string::npos);
  CHECK(fault(many("[", 500'000) + many("]", 500'000)).find("nested more than 32 deep") !=
        std::string::npos);
  CHECK(fault(many("[", 1'000'000)) != "none");
  CHECK(fault("{\"a\":" + many("[", 1'000'000)).find("nested more than 32 deep") !=
        std::string::npos);
  CHECK(fault(many("- ", 400'000)).find("nested more than 32 deep") != std::string::npos);
  CHECK(fault(many("x", 10 << 20)) ==
        "f:1: the file has 10485760 bytes; at most 1048576 are read as configuration");
  CHECK(fault("[" + many("1,", kDocumentNodes + 1) + "1]").find("more than 100000 values") !=
        std::string::npos);
}
