// A configuration text as a tree that knows its lines: what JSON and YAML have in common. What a
// value means (a number, a truth) is for whoever reads it: here it is its text.
#pragma once

#include <cstddef>
#include <faas/error.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0::control {

// A file of configuration is small; one beyond these is somebody's attack or mistake.
inline constexpr std::size_t kDocumentBytes = 1 << 20;
inline constexpr std::size_t kDocumentDepth = 32;
inline constexpr std::size_t kDocumentNodes = 100'000;

struct Node {
  enum class Kind { null, scalar, sequence, map };
  struct Member;

  Kind kind = Kind::null;
  std::string text;             // of a scalar
  std::string tag;              // "!Sub"; empty: none
  std::size_t line = 0;         // from 1
  std::vector<Node> items;      // of a sequence
  std::vector<Member> members;  // of a map, in the file's order

  Node const* find(std::string_view key) const;  // of a map; nullptr: it has no such key
};
struct Node::Member {
  std::string key;
  std::size_t line = 0;
  Node value;
};

// JSON if the first character that is no space is '{', else YAML: one document of it, without
// anchors and aliases, which a small file could expand to a huge one with. Errors:
// invalid_argument, layer "manifest": "ORIGIN:LINE: what", also for a key that is there twice and
// for a text beyond the bounds above.
Result<Node> read_document(std::string_view text, std::string_view origin);

// "ORIGIN:LINE: what", as every complaint about a document is.
Error complaint_at(std::string_view origin, std::size_t line, std::string_view what);

// Joins the events of either parser to a tree; throws Complaint where the tree is refused.
class TreeBuilder {
 public:
  struct Complaint {
    std::size_t line;
    std::string what;
  };
  void scalar(std::size_t line, std::string text, std::string tag = {});
  void null(std::size_t line);
  void begin(Node::Kind, std::size_t line, std::string tag = {});
  void end();
  Node take();

 private:
  void add(Node);
  struct Open {
    Node node;
    std::set<std::string> keys;  // of a map, so far
    bool key_read = false;
  };
  std::vector<Open> open_;
  Node root_;
  bool done_ = false;
  std::size_t nodes_ = 0;
};

// One file each parser. Both throw TreeBuilder::Complaint, and nothing else but bad_alloc.
void parse_json_document(std::string_view text, TreeBuilder&);
void parse_yaml_document(std::string_view text, TreeBuilder&);

}  // namespace faas::inline v0::control
