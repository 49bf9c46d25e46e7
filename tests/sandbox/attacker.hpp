// Jails whose program attacks (tests/victims/attacker.c), row by row of tests/corpus/rows.tsv.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>

#include "jails.hpp"
#include "support/temp_dir.hpp"

namespace faas::test {

inline Spec attacker(std::vector<std::string> arguments) {
  auto spec = Jails::victim({});
  spec.argv = {"/var/task/attacker"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  return spec;
}

inline std::string slurp(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace faas::test
