// What a shell needs to complete a command line, from the tree of commands. Pure.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace faasd {

// `shell`: bash, zsh or fish. The names of functions are asked of the daemon when they are needed.
std::string completion_script(CLI::App const& tree, std::string const& shell);

}  // namespace faasd
