// A tree of commands as lists of words, for what is written from it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace faasd {

struct Word {
  std::vector<std::string> names;  // "--follow", "-f"; of a positional its one name
  std::string about;
  std::string type;                  // "FILE"; empty: a flag
  std::string usual;                 // the value that it has if it is not typed; may be empty
  std::vector<std::string> choices;  // one of these; empty: anything
  bool required = false;             // of a positional
  bool repeated = false;             // takes more than one
};
struct Command {
  std::string name, about, group;
  std::vector<Word> positionals, flags;
};
// In the order of --help. One with commands of its own ("key") is left to those ("key new").
std::vector<Command> commands_of(CLI::App const& tree);
// As they are typed: what follows "key" is a word to choose, with the flags of all choices.
std::vector<Command> first_words_of(CLI::App const& tree);

}  // namespace faasd
