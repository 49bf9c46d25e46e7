// Which runtimes a directory holds interpreters for.
#pragma once

#include <string>
#include <vector>

namespace faas::inline v0::sandbox {

// Sorted: "python3.N" for each such program, "nodejsN.x" for the node there (by running `node
// --version` once), and always "native", "provided", "provided.al2", "provided.al2023".
std::vector<std::string> find_interpreters(std::string const& directory);

}  // namespace faas::inline v0::sandbox
