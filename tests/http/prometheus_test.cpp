#include "http/prometheus.hpp"

#include <doctest/doctest.h>

using namespace faas::http;

TEST_CASE("a label's value cannot leave its quotes") {
  PrometheusText out;
  out.family("m", "counter", "Help.");
  out.sample({{"reason", "a\"b\\c\nd"}}, 2);
  CHECK(std::move(out).text() ==
        "# HELP m Help.\n# TYPE m counter\nm{reason=\"a\\\"b\\\\c\\nd\"} 2\n");
}

TEST_CASE("buckets are cumulative and end in all") {
  Histogram histogram;
  histogram.add(0.0001);
  histogram.add(0.2);
  histogram.add(5000);
  PrometheusText out;
  out.family("d", "histogram", "Help.");
  out.histogram({{"level", "warm"}}, histogram);
  auto const text = std::move(out).text();
  CHECK(text.find("d_bucket{level=\"warm\",le=\"0.0001\"} 1\n") != std::string::npos);
  CHECK(text.find("d_bucket{level=\"warm\",le=\"0.1\"} 1\n") != std::string::npos);
  CHECK(text.find("d_bucket{level=\"warm\",le=\"0.25\"} 2\n") != std::string::npos);
  CHECK(text.find("d_bucket{level=\"warm\",le=\"900\"} 2\n") != std::string::npos);
  CHECK(text.find("d_bucket{level=\"warm\",le=\"+Inf\"} 3\n") != std::string::npos);
  CHECK(text.find("d_count{level=\"warm\"} 3\n") != std::string::npos);
}
