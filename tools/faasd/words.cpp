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
  if (word.type == kShellType) word.choices = {"bash", "zsh", "fish"};
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

std::vector<CLI::App const*> below(CLI::App const& app) {
  return app.get_subcommands([](CLI::App const*) { return true; });
}

}  // namespace

std::vector<Command> commands_of(CLI::App const& tree) {
  std::vector<Command> out;
  for (auto const* app : below(tree)) {
    auto const inner = below(*app);
    if (inner.empty()) out.push_back(command_of(*app));
    for (auto const* further : inner) {
      auto command = command_of(*further);
      command.name = app->get_name() + " " + command.name;
      command.group = app->get_group();
      out.push_back(std::move(command));
    }
  }
  return out;
}

std::vector<Command> first_words_of(CLI::App const& tree) {
  std::vector<Command> out;
  for (auto const* app : below(tree)) {
    auto command = command_of(*app);
    Word next;
    next.names = {"command"};
    for (auto const* further : below(*app)) {
      next.choices.push_back(further->get_name());
      auto const inner = command_of(*further);
      for (auto const& flag : inner.flags) {
        if (flag.names[0] != "--help") command.flags.push_back(flag);
      }
    }
    if (!next.choices.empty()) command.positionals.push_back(std::move(next));
    out.push_back(std::move(command));
  }
  return out;
}

}  // namespace faasd
