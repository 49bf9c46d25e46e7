// From a function to the jail it runs in: interpreter, arguments, environment. Pure but for looking
// whether files exist.
#pragma once

#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/invoker.hpp>
#include <faas/sandbox.hpp>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0::invoker {

enum class RuntimeFamily { provided, native, python, node };

// How a runtime name is run.
struct Launch {
  RuntimeFamily family = RuntimeFamily::provided;
  std::string interpreter;  // absolute path; empty for provided and native
};
// By its name alone: "provided.al2023", "native", "python3.11", "nodejs20.x". Errors:
// invalid_argument (no such runtime).
Result<Launch> parse_runtime(std::string_view runtime, std::string const& runtimes_directory);

// Which runtimes are installed, looked up once, and again only when one is asked for that was not
// there. Thread-safe. The first look runs `node --version`.
class Runtimes {
 public:
  explicit Runtimes(std::string directory) : directory_(std::move(directory)) {}
  // Errors: as parse_runtime; unsupported (not installed; the message lists those that are).
  Result<void> check(std::string_view runtime);

 private:
  std::string directory_;
  std::mutex mutex_;
  std::vector<std::string> installed_;
};

// Host directories that the jail has at /var/task and /opt; an empty `opt`: nothing there.
struct Directories {
  std::filesystem::path task;
  std::filesystem::path opt;
};

// Where a provided or native function starts, as seen in the jail: the executable file "bootstrap"
// of `task`, else that of `opt`; empty if neither has one.
std::string find_bootstrap(Directories const&);

// Why an instance is started, as its function is told.
enum class Initialization { on_demand, provisioned };

// Everything but output and the ticket. `id` names the jail.
Spec make_spec(FunctionInfo const&, Launch const&, Directories const&, std::string const& region,
               std::string id, Initialization = Initialization::on_demand);

// Lambda's documented environment, less what names AWS's own services, then the function's own.
std::vector<std::string> make_environment(FunctionInfo const&, RuntimeFamily,
                                          std::string const& region,
                                          Initialization = Initialization::on_demand);

}  // namespace faas::inline v0::invoker
