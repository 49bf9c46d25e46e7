// CreateFunction over HTTP, from the first byte of the request to the last of its answer. Each
// function has a name and a zip of its own; the runtime's state is on disk, its server is another
// thread of this process, and the connection is kept.
// Usage: bench_create DIRECTORY BYTES (of each zip, >= 1024)
#include <fmt/format.h>

#include <cstdlib>

#include "base/text.hpp"
#include "bench/client.hpp"
#include "bench/sampler.h"
#include "bench/served.hpp"
#include "support/zip_builder.hpp"

using namespace faas;

namespace {

std::string zip_with(std::string_view program) {
  return test::ZipBuilder().add("bootstrap", program, 0100755).finish();
}

// No two are alike: what is stored already would not be written again.
std::string zip_of(std::size_t number, std::size_t bytes) {
  auto const rest = bytes - zip_with("").size();
  return zip_with(fmt::format("#!/bin/sh\n# {:<{}}", number, rest - 12));
}

struct Creating {
  bench::Client client;
  std::size_t bytes;
  std::size_t created = 0;
};

std::string creation_of(Creating const& creating) {
  constexpr auto kBody =
      R"({{"FunctionName":"created-{}","Runtime":"provided.al2023","Handler":"bootstrap",)"
      R"("Role":"arn:aws:iam::000000000000:role/bench","Code":{{"ZipFile":"{}"}}}})";
  auto const zip = to_base64(zip_of(creating.created, creating.bytes));
  return bench::request("POST", "/2015-03-31/functions", fmt::format(kBody, creating.created, zip));
}

int block(void* context, long count, std::int64_t* out) {
  auto& creating = *static_cast<Creating*>(context);
  for (long i = 0; i < count; ++i, ++creating.created) {
    auto const request = creation_of(creating);
    std::int64_t const begin = nanoseconds();
    int const status = creating.client.ask(request);
    out[i] = nanoseconds() - begin;
    if (status != 201)
      return std::fprintf(stderr, "bench_create: %s\n", creating.client.answer().c_str()), 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto const bytes = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if (bytes < 1024) return std::fprintf(stderr, "usage: bench_create DIRECTORY BYTES\n"), 2;
  Options options;
  options.state_dir = argv[1];
  bench::Served host(options);
  if (!host.runtime || !host.serve()) return unavailable(host.problem.c_str());
  Creating creating{.client = bench::Client(host.address()), .bytes = bytes};
  return serve_blocks(block, &creating);
}
