// What a victim printed, line by line.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

namespace faas::test {

inline bool said(std::string const& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

// What stands after "name " on its line.
inline std::string said_after(std::string const& text, std::string_view name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(std::string(name) + " ")) return line.substr(name.size() + 1);
  return "(not said)";
}

}  // namespace faas::test
