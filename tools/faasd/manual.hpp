// The manual page, from the tree of commands. Pure.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace faasd {

// faasd(1) for man(1), in the macros of man(7).
std::string manual(CLI::App const& tree, std::string const& version);

}  // namespace faasd
