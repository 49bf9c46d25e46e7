// Symbolic links that a package may hold (row K2): relative, and naming a file or directory of the
// same package that lies behind no other link. So no reader is led out of the tree, and what a link
// names is decided by its text alone. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "code/path_set.hpp"

namespace faas::inline v0::code {

// What is wrong with a target of the link at `path`, or nothing. `names` are those of the whole
// package. A target is in its shortest form: "./" or any number of "../", then names.
std::optional<std::string> complaint_about_link(PathSet const& names, std::string_view path,
                                                std::string_view target);

}  // namespace faas::inline v0::code
