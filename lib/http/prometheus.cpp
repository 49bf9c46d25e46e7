#include "http/prometheus.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faas::inline v0::http {
namespace {

// The format's own escapes; other control characters would break the line for a reader.
void append_escaped(std::string& out, std::string_view value) {
  for (char c : value) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
}

}  // namespace

void Histogram::add(double seconds) {
  auto const bound = std::ranges::lower_bound(kBounds, seconds);
  ++counts_[static_cast<std::size_t>(bound - kBounds.begin())];
  sum_ += seconds;
}

void PrometheusText::family(std::string_view name, std::string_view type, std::string_view help) {
  family_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void PrometheusText::line(std::string_view suffix, Labels labels, std::string_view bound,
                          double value) {
  text_ += family_;
  text_ += suffix;
  char separator = '{';
  auto label = [&](std::string_view name, std::string_view label_value) {
    text_ += std::exchange(separator, ',');
    text_ += name;
    text_ += "=\"";
    append_escaped(text_, label_value);
    text_ += '"';
  };
  for (auto const& [name, label_value] : labels) label(name, label_value);
  if (!bound.empty()) label("le", bound);
  if (separator == ',') text_ += '}';
  text_ += fmt::format(" {}\n", value);
}

void PrometheusText::sample(Labels labels, double value) { line("", labels, "", value); }

void PrometheusText::histogram(Labels labels, Histogram const& histogram) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    total += histogram.counts_[i];
    line("_bucket", labels, fmt::format("{}", Histogram::kBounds[i]), static_cast<double>(total));
  }
  total += histogram.counts_.back();
  line("_bucket", labels, "+Inf", static_cast<double>(total));
  line("_sum", labels, "", histogram.sum_);
  line("_count", labels, "", static_cast<double>(total));
}

}  // namespace faas::inline v0::http
