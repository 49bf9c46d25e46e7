// The language shim of a runtime as a jail is given it, in real files.
#pragma once

#include <faas/function.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "invoker/launch.hpp"
#include "support/temp_dir.hpp"

namespace contract_test {

class Shipped {
 public:
  explicit Shipped(std::string const& runtime) {
    faas::FunctionInfo info;
    info.function.runtime = runtime;
    auto const launch = faas::invoker::parse_runtime(runtime, "/usr/bin").value();
    auto const spec =
        faas::invoker::make_spec(info, launch, {directory_.path(), {}}, "us-east-1", "i");
    auto const here = [&](std::filesystem::path const& there) { return path(there.filename()); };
    for (auto const& file : spec.files) std::ofstream(here(file.path)) << file.content;
    command = {spec.argv[0], here(spec.argv[1])};
  }
  std::string path(std::string const& name) const { return directory_.path() + "/" + name; }

  std::vector<std::string> command;

 private:
  faas::test::TempDir directory_;
};

}  // namespace contract_test
