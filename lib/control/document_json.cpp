#include <boost/json/basic_parser_impl.hpp>

#include "control/document.hpp"

namespace faas::inline v0::control {
namespace {

namespace json = boost::json;

// The parser's events, with the line that is being fed to it.
struct Events {
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_key_size = -1;
  static constexpr std::size_t max_string_size = -1;
  using error_code = boost::system::error_code;
  using View = json::string_view;

  TreeBuilder* tree;
  std::size_t line = 1;
  std::string part = {};

  std::string whole(View last) { return std::exchange(part, {}).append(last.data(), last.size()); }
  bool add(View last) {
    tree->scalar(line, whole(last));
    return true;
  }
  bool keep(View piece) {
    part.append(piece.data(), piece.size());
    return true;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return tree->begin(Node::Kind::map, line), true; }
  bool on_object_end(std::size_t, error_code&) { return tree->end(), true; }
  bool on_array_begin(error_code&) { return tree->begin(Node::Kind::sequence, line), true; }
  bool on_array_end(std::size_t, error_code&) { return tree->end(), true; }
  bool on_key_part(View s, std::size_t, error_code&) { return keep(s); }
  bool on_key(View s, std::size_t, error_code&) { return add(s); }
  bool on_string_part(View s, std::size_t, error_code&) { return keep(s); }
  bool on_string(View s, std::size_t, error_code&) { return add(s); }
  bool on_number_part(View s, error_code&) { return keep(s); }
  bool on_int64(std::int64_t, View s, error_code&) { return add(s); }
  bool on_uint64(std::uint64_t, View s, error_code&) { return add(s); }
  bool on_double(double, View s, error_code&) { return add(s); }
  bool on_bool(bool b, error_code&) { return add(b ? "true" : "false"); }
  bool on_null(error_code&) { return tree->null(line), true; }
  bool on_comment_part(View, error_code&) { return true; }
  bool on_comment(View, error_code&) { return true; }
};

json::parse_options bounded() {
  json::parse_options options;
  options.max_depth = kDocumentDepth + 1;  // the tree says it with a line
  return options;
}

}  // namespace

// Fed line by line, for the parser tells its handler no place.
void parse_json_document(std::string_view text, TreeBuilder& tree) {
  json::basic_parser<Events> parser(bounded(), Events{&tree});
  while (!text.empty()) {
    auto const end = text.find('\n');
    bool const more = end != std::string_view::npos && end + 1 < text.size();
    auto const line = text.substr(0, more ? end + 1 : text.size());
    boost::system::error_code error;
    auto const used = parser.write_some(more, line.data(), line.size(), error);
    // After the value nothing but space is read, and the rest is left.
    auto const rest = line.substr(used);
    if (!error && rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
      error = json::error::extra_data;
    if (error) throw TreeBuilder::Complaint{parser.handler().line, error.message()};
    ++parser.handler().line;
    text.remove_prefix(line.size());
  }
}

}  // namespace faas::inline v0::control
