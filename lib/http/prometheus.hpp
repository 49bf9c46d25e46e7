// Prometheus' text exposition format, version 0.0.4. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace faas::inline v0::http {

// Seconds, cumulative when written. From a warm call's tenth of a millisecond to Lambda's 900 s.
class Histogram {
 public:
  static constexpr std::array kBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                      0.025,  0.05,    0.1,    0.25,  0.5,    1.0,   2.5,
                                      5.0,    10.0,    30.0,   60.0,  300.0,  900.0};
  void add(double seconds);

 private:
  friend class PrometheusText;
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};  // the last: above every bound
  double sum_ = 0;
};

class PrometheusText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Starts a family; the samples that follow are of it.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(Labels, double value);
  void histogram(Labels, Histogram const&);
  std::string text() && { return std::move(text_); }

 private:
  void line(std::string_view suffix, Labels, std::string_view bound, double value);

  std::string text_;
  std::string family_;
};

}  // namespace faas::inline v0::http
