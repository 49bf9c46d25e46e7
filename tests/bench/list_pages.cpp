// ListFunctions over HTTP: one page of 50 of FUNCTIONS functions, each with a version.
// Usage: bench_list_pages FUNCTIONS DIRECTORY first|middle|last latest|all
//   all   FunctionVersion=ALL: functions and their versions in one list
// DIRECTORY keeps what was deployed, as that of bench_functions_million does. The marker of the
// page is what a client gets that reads all pages before it; the one of the last shows that all are
// there.
#include <cstdlib>

#include "bench/client.hpp"
#include "bench/registered.hpp"
#include "bench/sampler.h"
#include "bench/served.hpp"

using namespace faas;

namespace {

constexpr std::size_t kPage = 50;

struct Listing {
  bench::Client client;
  std::string target, request;
};

std::string escaped(std::string_view marker) {
  std::string out;
  for (char const c : marker) {
    if (c == '+' || c == '/' || c == '=')
      out += c == '+' ? "%2B" : c == '/' ? "%2F" : "%3D";
    else
      out += c;
  }
  return out;
}

// Empty: it was the last page.
std::string next_marker(std::string_view body) {
  constexpr std::string_view kBefore = R"("NextMarker":")";
  auto const at = body.find(kBefore);
  if (at == std::string_view::npos) return {};
  auto const marker = body.substr(at + kBefore.size());
  return escaped(marker.substr(0, marker.find('"')));
}

std::size_t entries(std::string_view body) {
  constexpr std::string_view kEach = R"("FunctionArn":)";
  std::size_t count = 0;
  for (auto at = body.find(kEach); at != std::string_view::npos; at = body.find(kEach, at + 1))
    ++count;
  return count;
}

void ask_for_page(Listing& listing, std::string const& marker) {
  listing.request =
      bench::request("GET", listing.target + (marker.empty() ? "" : "&Marker=" + marker));
}

int no_page(Listing const& listing) {
  std::fprintf(stderr, "bench_list_pages: no page of 50: %s\n", listing.client.answer().c_str());
  return 1;
}

bool whole_page(Listing& listing) {
  int const status = listing.client.ask(listing.request);
  if (status == 200 && entries(listing.client.body()) == kPage) return true;
  no_page(listing);
  return false;
}

// Reads all `pages` before the one that is measured.
bool go_behind(Listing& listing, std::size_t pages) {
  ask_for_page(listing, {});
  for (std::size_t i = 0; i < pages; ++i) {
    if (!whole_page(listing)) return false;
    auto const marker = next_marker(listing.client.body());
    if (marker.empty()) return std::fprintf(stderr, "bench_list_pages: too few pages\n"), false;
    ask_for_page(listing, marker);
  }
  return whole_page(listing);
}

int block(void* context, long count, std::int64_t* out) {
  auto& listing = *static_cast<Listing*>(context);
  listing.client.renew();  // the other side may have taken minutes to deploy its functions
  if (!whole_page(listing)) return 1;
  for (long i = 0; i < count; ++i) {
    std::int64_t const begin = nanoseconds();
    int const status = listing.client.ask(listing.request);
    out[i] = nanoseconds() - begin;
    if (status != 200 || entries(listing.client.body()) != kPage) return no_page(listing);
  }
  return 0;
}

int measure(bench::Served& host, std::size_t pages, std::string const& where, bool all) {
  if (!host.serve()) return unavailable(host.problem.c_str());
  Listing listing{.client = bench::Client(host.address()),
                  .target = "/2015-03-31/functions?MaxItems=50",
                  .request = {}};
  if (all) listing.target += "&FunctionVersion=ALL";
  if (!go_behind(listing, where == "first" ? 0 : where == "middle" ? pages / 2 : pages - 1))
    return 1;
  if (where == "last" && !next_marker(listing.client.body()).empty())
    return std::fprintf(stderr, "bench_list_pages: the last page has one behind it\n"), 1;
  return serve_blocks(block, &listing);
}

int usage() {
  std::fprintf(stderr,
               "usage: bench_list_pages FUNCTIONS (a multiple of 50) DIRECTORY first|middle|last "
               "latest|all\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  auto const functions = argc == 5 ? std::strtoul(argv[1], nullptr, 10) : 0;
  if (functions < 2 * kPage || functions % kPage != 0) return usage();
  std::string const directory = argv[2], where = argv[3], what = argv[4];
  if (where != "first" && where != "middle" && where != "last") return usage();
  if (what != "latest" && what != "all") return usage();
  auto const problem = bench::register_functions(directory, functions, bench::Versions::one);
  if (!problem.empty()) return unavailable(problem.c_str());
  bench::Served host(bench::registered_options(directory, functions));
  if (!host.problem.empty()) return unavailable(host.problem.c_str());
  bool const all = what == "all";
  return measure(host, (all ? 2 : 1) * functions / kPage, where, all);
}
