#include "completion.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tree.hpp"
#include "words.hpp"

namespace faasd {
namespace {

std::string joined(std::vector<std::string> const& words, std::string_view between) {
  std::string out;
  for (auto const& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

// What a value is completed with: "function", "file", "directory", "text" for nothing, or words.
std::string kind_of(Word const& word) {
  if (!word.choices.empty()) return joined(word.choices, " ");
  if (word.type == kFunctionType) return "function";
  if (word.type == "FILE" || word.type == kPackageType) return "file";
  if (word.type == "DIR") return "directory";
  return "text";
}

std::vector<std::string> names_of(std::vector<Command> const& commands) {
  std::vector<std::string> names;
  for (auto const& c : commands) names.push_back(c.name);
  return names;
}

std::vector<std::string> flags_of(Command const& command) {
  std::vector<std::string> flags;
  for (auto const& flag : command.flags)
    flags.insert(flags.end(), flag.names.begin(), flag.names.end());
  return flags;
}

// In single quotation marks, which these shells close and open again around one.
std::string quoted(std::string_view text, std::string_view escaped_quote) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += escaped_quote;
    } else {
      out += c;
    }
  }
  return out + "'";
}

constexpr std::string_view kBash = R"bash(
_faasd() {
  local current=${COMP_WORDS[COMP_CWORD]} command= value= kind= count=0 i word
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then continue
    elif [[ -n $value ]]; then value=
    elif [[ $word == -* ]]; then value=$(_faasd_value "$command" "$word")
    elif [[ -z $command ]]; then command=$word
    else count=$((count + 1)); fi
  done
  if [[ $current == '=' ]]; then current=; fi
  if [[ -n $value ]]; then kind=$value
  elif [[ $current == -* ]]; then kind=$(_faasd_flags "$command")
  elif [[ -z $command ]]; then kind=$(_faasd_commands)
  else kind=$(_faasd_word "$command" "$count"); fi
  case $kind in
    '' | text) ;;
    function) mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" list --names 2>/dev/null)" -- "$current") ;;
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    directory) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
  esac
}
complete -F _faasd faasd
)bash";

std::string bash_script(std::vector<Command> const& commands) {
  std::string flags, values, words;
  for (auto const& c : commands) {
    flags += fmt::format("    {}) echo '{}' ;;\n", c.name, joined(flags_of(c), " "));
    for (auto const& flag : c.flags) {
      if (flag.type.empty()) continue;
      for (auto const& name : flag.names)
        values += fmt::format("    {}:{}) echo '{}' ;;\n", c.name, name, kind_of(flag));
    }
    for (std::size_t i = 0; i < c.positionals.size(); ++i) {
      auto const& word = c.positionals[i];
      words += fmt::format("    {}:{}) echo '{}' ;;\n", c.name,
                           word.repeated ? "*" : std::to_string(i), kind_of(word));
    }
  }
  return fmt::format(
             "# Completion of faasd for bash; written by `faasd completion bash`.\n"
             "_faasd_commands() {{ echo '{}'; }}\n"
             "_faasd_flags() {{\n  case $1 in\n{}    *) echo '--help --version' ;;\n  esac\n}}\n"
             "_faasd_value() {{\n  case $1:$2 in\n{}  esac\n}}\n"
             "_faasd_word() {{\n  case $1:$2 in\n{}  esac\n}}",
             joined(names_of(commands), " "), flags, values, words) +
         std::string(kBash);
}

// [ ] and : have a meaning in what _arguments is told.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(Word const& word) {
  auto const kind = kind_of(word);
  if (kind == "function") return "_faasd_functions";
  if (kind == "file") return "_files";
  if (kind == "directory") return "_files -/";
  return kind == "text" ? " " : "(" + kind + ")";
}

std::string zsh_script(std::vector<Command> const& commands) {
  auto const quote = [](std::string const& text) { return quoted(text, R"('\'')"); };
  std::string list, cases;
  for (auto const& c : commands) {
    list += fmt::format("    {}\n", quote(c.name + ":" + zsh_text(c.about)));
    cases += fmt::format("    {}) _arguments", c.name);
    for (auto const& flag : c.flags) {
      for (auto const& name : flag.names) {
        auto text = fmt::format("{}{}[{}]", flag.repeated ? "*" : "", name, zsh_text(flag.about));
        if (!flag.type.empty())
          text += fmt::format(":{}:{}", zsh_text(flag.type), zsh_action(flag));
        cases += " \\\n      " + quote(text);
      }
    }
    for (auto const& word : c.positionals) {
      cases += " \\\n      " + quote(fmt::format("{}:{}:{}", word.repeated ? "*" : "",
                                                 word.names[0], zsh_action(word)));
    }
    cases += " ;;\n";
  }
  return fmt::format(
      "#compdef faasd\n# Completion of faasd for zsh; written by `faasd completion zsh`.\n"
      "_faasd_functions() {{\n  local -a names\n"
      "  names=(${{(f)\"$(faasd list --names 2>/dev/null)\"}})\n  compadd -a names\n}}\n"
      "_faasd() {{\n  local -a commands\n  commands=(\n{}  )\n"
      "  if ((CURRENT == 2)); then\n    _describe command commands\n    return\n  fi\n"
      "  local command=$words[2]\n  shift words\n  ((--CURRENT))\n"
      "  case $command in\n{}  esac\n}}\ncompdef _faasd faasd\n",
      list, cases);
}

std::string fish_action(Word const& word) {
  auto const kind = kind_of(word);
  if (kind == "function") return " -a '(faasd list --names 2>/dev/null)'";
  if (kind == "file" || kind == "directory") return " -F";
  return kind == "text" ? "" : " -a '" + kind + "'";
}

std::string fish_script(std::vector<Command> const& commands) {
  auto const quote = [](std::string const& text) { return quoted(text, R"(\')"); };
  std::string out =
      "# Completion of faasd for fish; written by `faasd completion fish`.\ncomplete -c faasd -f\n";
  for (auto const& c : commands) {
    out += fmt::format("complete -c faasd -n __fish_use_subcommand -a {} -d {}\n", c.name,
                       quote(c.about));
    auto const here = fmt::format("complete -c faasd -n '__fish_seen_subcommand_from {}'", c.name);
    for (auto const& flag : c.flags) {
      out += here;
      for (auto const& name : flag.names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      out += flag.type.empty() ? "" : " -r" + fish_action(flag);
      out += " -d " + quote(flag.about) + "\n";
    }
    for (auto const& word : c.positionals) {
      if (auto const action = fish_action(word); !action.empty()) out += here + action + "\n";
    }
  }
  return out;
}

}  // namespace

std::string completion_script(CLI::App const& tree, std::string const& shell) {
  auto const commands = first_words_of(tree);
  if (shell == "zsh") return zsh_script(commands);
  if (shell == "fish") return fish_script(commands);
  return bash_script(commands);
}

}  // namespace faasd
