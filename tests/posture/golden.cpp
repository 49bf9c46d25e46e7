#include "posture/golden.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace faas::test {
namespace {

template <class Array>
std::size_t index_of(Array const& names, std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

Golden::Golden(std::string_view text) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) {
      lines_.push_back({line, {}});
      continue;
    }
    std::bitset<kCalls.size()> calls;
    std::bitset<kRights.size()> rights;
    if (auto const end = line.find("] "); line.starts_with('[') && end != line.npos) {
      std::istringstream words(line.substr(1, end - 1));
      for (std::string word; words >> word;) {
        auto const call = index_of(kCalls, word), right = index_of(kRights, word);
        if (call < kCalls.size())
          calls.set(call);
        else if (right < kRights.size())
          rights.set(right);
        else
          throw std::runtime_error("a golden file knows no [" + word + "]");
      }
      line.erase(0, end + 2);
    }
    if (calls.none()) calls.set();
    if (rights.none()) rights.set();
    Where where;
    for (std::size_t c = 0; c < kCalls.size(); ++c)
      for (std::size_t r = 0; r < kRights.size(); ++r)
        if (calls[c] && rights[r]) where.set(Situation{c, r}.index());
    add({line, where});
  }
}

// What holds in several sets of situations is written as several lines: one line here.
void Golden::add(Line line) {
  if (!lines_.empty() && lines_.back().where.any() && lines_.back().text == line.text &&
      (lines_.back().where & line.where).none())
    lines_.back().where |= line.where;
  else
    lines_.push_back(std::move(line));
}

// One for each set of calls, with the rights that have it.
Lines Golden::tags(Where where) {
  if (where.all()) return {""};
  std::array<std::bitset<kCalls.size()>, kRights.size()> rows;
  for (std::size_t r = 0; r < kRights.size(); ++r)
    for (std::size_t c = 0; c < kCalls.size(); ++c) rows[r][c] = where[Situation{c, r}.index()];
  Lines tags;
  for (std::size_t r = 0; r < kRights.size(); ++r) {
    if (rows[r].none() || std::find(rows.begin(), rows.begin() + r, rows[r]) != rows.begin() + r)
      continue;
    std::string words;
    for (std::size_t c = 0; c < kCalls.size(); ++c)
      if (rows[r][c] && !rows[r].all()) words += std::string(kCalls[c]) + " ";
    auto const with = std::count(rows.begin(), rows.end(), rows[r]);
    for (std::size_t other = r; other < kRights.size(); ++other)
      if (rows[other] == rows[r] && with < std::ssize(rows))
        words += std::string(kRights[other]) + " ";
    words.pop_back();
    tags.push_back("[" + words + "] ");
  }
  return tags;
}

std::string Golden::text() const {
  std::string text;
  for (auto const& line : lines_) {
    if (line.where.none()) text += line.text + "\n";
    if (line.where.any())
      for (auto const& tag : tags(line.where)) text += tag + line.text + "\n";
  }
  return text;
}

Lines Golden::expected(Situation at) const {
  Lines lines;
  for (auto const& line : lines_)
    if (line.where[at.index()]) lines.push_back(line.text);
  return lines;
}

void Golden::accept(Situation at, Lines const& found) {
  auto old = std::move(lines_);
  lines_.clear();
  auto const pairs = matches(old.size(), found.size(), [&](std::size_t i, std::size_t j) {
    return old[i].where.any() && old[i].text == found[j];
  });
  std::size_t i = 0, j = 0;
  auto const up_to = [&](std::size_t old_end, std::size_t found_end) {
    for (; i < old_end; ++i) {
      bool const comment = old[i].where.none();
      old[i].where.reset(at.index());
      if (comment || old[i].where.any()) lines_.push_back(old[i]);
    }
    for (; j < found_end; ++j) add({found[j], Where().set(at.index())});
  };
  for (auto const& [same_old, same_found] : pairs) {
    up_to(same_old, same_found);
    old[i].where.set(at.index());
    lines_.push_back(old[i]);
    ++i, ++j;
  }
  up_to(old.size(), found.size());
}

Lines Golden::unexplained() const {
  Lines lines;
  bool explained = false;
  for (auto const& line : lines_) {
    if (line.where.none())
      explained = !line.text.empty();
    else if (line.where.all())
      explained = false;
    else if (!explained)
      lines.push_back(line.text);
  }
  return lines;
}

}  // namespace faas::test
