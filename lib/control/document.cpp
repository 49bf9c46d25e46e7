#include "control/document.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faas::inline v0::control {

Node const* Node::find(std::string_view key) const {
  auto const found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &found->value;
}

Error complaint_at(std::string_view origin, std::size_t line, std::string_view what) {
  return {Errc::invalid_argument, fmt::format("{}:{}: {}", origin, line, what), "", "manifest"};
}

void TreeBuilder::add(Node node) {
  if (++nodes_ > kDocumentNodes) {
    throw Complaint{node.line,
                    fmt::format("more than {} values are no configuration", kDocumentNodes)};
  }
  if (open_.empty()) {
    if (done_)
      throw Complaint{node.line,
                      "a second document begins here; a file holds one (is the line indented as it "
                      "should be?)"};
    root_ = std::move(node);
    done_ = true;
    return;
  }
  auto& [parent, keys, key_read] = open_.back();
  if (parent.kind == Node::Kind::sequence) {
    parent.items.push_back(std::move(node));
    return;
  }
  if (key_read) {
    parent.members.back().value = std::move(node);
    key_read = false;
    return;
  }
  if (node.kind != Node::Kind::scalar) throw Complaint{node.line, "a key must be a plain word"};
  if (!keys.insert(node.text).second)
    throw Complaint{node.line, fmt::format("the key '{}' is there twice", node.text)};
  parent.members.push_back({std::move(node.text), node.line, {}});
  key_read = true;
}

void TreeBuilder::scalar(std::size_t line, std::string text, std::string tag) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.text = std::move(text);
  node.tag = std::move(tag);
  node.line = line;
  add(std::move(node));
}

void TreeBuilder::null(std::size_t line) {
  Node node;
  node.line = line;
  add(std::move(node));
}

void TreeBuilder::begin(Node::Kind kind, std::size_t line, std::string tag) {
  if (open_.size() == kDocumentDepth)
    throw Complaint{line, fmt::format("nested more than {} deep", kDocumentDepth)};
  // A map as a key would be added to its parent only at its end: told here, with its own line.
  if (!open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().key_read)
    throw Complaint{line, "a key must be a plain word"};
  Open opened;
  opened.node.kind = kind;
  opened.node.tag = std::move(tag);
  opened.node.line = line;
  open_.push_back(std::move(opened));
}

void TreeBuilder::end() {
  auto node = std::move(open_.back().node);
  open_.pop_back();
  add(std::move(node));
}

Node TreeBuilder::take() { return std::move(root_); }

Result<Node> read_document(std::string_view text, std::string_view origin) {
  if (text.size() > kDocumentBytes) {
    return complaint_at(origin, 1,
                        fmt::format("the file has {} bytes; at most {} are read as configuration",
                                    text.size(), kDocumentBytes));
  }
  auto const first = text.find_first_not_of(" \t\r\n");
  TreeBuilder tree;
  try {
    if (first != std::string_view::npos && text[first] == '{') {
      parse_json_document(text, tree);
    } else {
      parse_yaml_document(text, tree);
    }
  } catch (TreeBuilder::Complaint const& complaint) {
    return complaint_at(origin, complaint.line, complaint.what);
  }
  return tree.take();
}

}  // namespace faas::inline v0::control
