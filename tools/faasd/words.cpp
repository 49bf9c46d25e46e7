#include "words.hpp"

#include "tree.hpp"

namespace faasd {
namespace {

Word word_of(CLI::Option const& option) {
  Word word;
  if (option.get_positional()) {
    word.names = {option.get_name(true)};
  } else {
    for (auto const& name : option.get_lnames()) word.names.push_back("--" + name);
    for (auto const& name : option.get_snames()) word.names.push_back("-" + name);
  }
  word.about = option.get_description();
  bool const flag = option.get_items_expected_max() == 0;
  if (!flag) word.type = option.get_type_name();
  word.usual = option.get_default_str();
  word.required = option.get_required();
  word.repeated = option.get_expected_max() > 1;
  return word;
}

Command command_of(CLI::App const& app) {
  Command command{app.get_name(), app.get_description(), app.get_group(), {}, {}};
  for (auto const* option : app.get_options()) {
    auto& list = option->get_positional() ? command.positionals : command.flags;
    list.push_back(word_of(*option));
  }
  return command;
}

}  // namespace

std::vector<Command> commands_of(CLI::App const& tree) {
  std::vector<Command> out;
  for (auto const* app : tree.get_subcommands([](CLI::App const*) { return true; }))
    out.push_back(command_of(*app));
  return out;
}

}  // namespace faasd
