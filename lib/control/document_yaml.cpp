#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "control/document.hpp"

namespace faas::inline v0::control {
namespace {

std::size_t line_of(YAML::Mark const& mark) {
  return mark.line < 0 ? 1 : static_cast<std::size_t>(mark.line) + 1;
}

// "?" is the tag of what has none, "!" of what is quoted; !!str and the like say no more here.
std::string own_tag(std::string const& tag) {
  bool const plain = tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:");
  return plain ? std::string() : tag;
}

class Events : public YAML::EventHandler {
 public:
  explicit Events(TreeBuilder& tree) : tree_(tree) {}
  std::size_t last_line() const { return last_line_; }

  void OnDocumentStart(YAML::Mark const&) override {}
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    refuse(mark, anchor);
    tree_.null(line_of(mark));
  }
  void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override { refuse(mark, anchor); }
  void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                std::string const& value) override {
    refuse(mark, anchor);
    bool const null = tag == "?" && (value == "null" || value == "~" || value.empty());
    if (null) return tree_.null(line_of(mark));
    tree_.scalar(line_of(mark), value, own_tag(tag));
  }
  void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse(mark, anchor);
    tree_.begin(Node::Kind::sequence, line_of(mark), own_tag(tag));
  }
  void OnSequenceEnd() override { tree_.end(); }
  void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse(mark, anchor);
    tree_.begin(Node::Kind::map, line_of(mark), own_tag(tag));
  }
  void OnMapEnd() override { tree_.end(); }

 private:
  void refuse(YAML::Mark const& mark, YAML::anchor_t anchor) {
    last_line_ = line_of(mark);
    if (anchor == 0) return;
    throw TreeBuilder::Complaint{line_of(mark),
                                 "anchors (&) and aliases (*) are not read; write the value out"};
  }
  TreeBuilder& tree_;
  std::size_t last_line_ = 1;
};

// The parser takes 0x04 for the end of the file, and a file that begins so for UTF-16.
void refuse_control_characters(std::string_view text) {
  std::size_t line = 1;
  for (unsigned char c : text) {
    line += c == '\n' ? 1 : 0;
    bool const space = c == '\t' || c == '\n' || c == '\r';
    if ((c < 0x20 && !space) || c == 0x7f || c >= 0xfe)
      throw TreeBuilder::Complaint{line, "a control character, or text that is no UTF-8"};
  }
}

}  // namespace

void parse_yaml_document(std::string_view text, TreeBuilder& tree) {
  refuse_control_characters(text);
  // A quotation that is never closed would be read as if it were, with all that follows in it; the
  // mark of a document's end, which none may hold, tells.
  std::istringstream stream{std::string(text) + "\n...\n"};
  Events events(tree);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(events)) {
    }
  } catch (YAML::ParserException const& error) {
    if (error.msg == YAML::ErrorMsg::DOC_IN_SCALAR) {
      throw TreeBuilder::Complaint{events.last_line(),
                                   "a quotation that begins here or later is not closed"};
    }
    throw TreeBuilder::Complaint{line_of(error.mark), error.msg};
  }
}

}  // namespace faas::inline v0::control
