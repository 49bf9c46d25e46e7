#include "invoker/launch.hpp"

#include <elf.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "invoker/shims.hpp"
#include "sandbox/interpreters.hpp"
#include "sys/file.hpp"

namespace faas::inline v0 {

std::vector<std::string> installed_runtimes(std::string const& directory) {
  return sandbox::find_interpreters(directory);
}

namespace invoker {
namespace {

constexpr std::string_view kPythonStart = "/var/runtime/start.py";
constexpr std::string_view kPythonShim = "/var/runtime/bootstrap.py";
constexpr std::string_view kPythonBytecode = "/var/runtime/bootstrap.pyc";
constexpr std::string_view kNodeShim = "/var/runtime/bootstrap.cjs";

bool is_executable_file(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IXUSR) != 0;
}

#if defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
constexpr Elf64_Half kMachine = EM_X86_64;
#endif

// K15. The kernel may run a 32-bit program, which the jail's filter then kills at its first call:
// an entry point that cannot be, and not a crash.
bool is_foreign_elf(int file) {
  std::array<std::byte, sizeof(Elf64_Ehdr)> bytes{};
  auto const size = sys::read_at(file, 0, bytes);
  if (!size || *size < EI_NIDENT || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) return false;
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != kMachine;
}

bool has_bootstrap(std::filesystem::path const& tree) {
  auto const directory = sys::open_file(tree.string(), O_PATH | O_DIRECTORY);
  if (!directory) return false;
  // A link of the package may be followed, as the jail will; none of them out of it.
  auto const file = sys::open_inside(directory->get(), "bootstrap", O_RDONLY | O_NONBLOCK);
  return file && is_executable_file(file->get()) && !is_foreign_elf(file->get());
}

// The text is there also beside bytecode: for another interpreter of that name, for tracebacks, and
// for multiprocessing, which runs it again.
void add_python(Spec& spec, std::string const& interpreter, std::string_view bytecode) {
  spec.argv = {interpreter, std::string(bytecode.empty() ? kPythonShim : kPythonStart)};
  spec.files = {{std::string(kPythonShim), std::string(python_shim())}};
  if (bytecode.empty()) return;
  spec.files.push_back({std::string(kPythonStart), std::string(python_start())});
  spec.files.push_back({std::string(kPythonBytecode), std::string(bytecode)});
}

// Where a layer may have modules: for one version of Node first, "nodejs20.x" in
// /opt/nodejs/node20, then for all. Python's places are the shim's to add.
std::string node_path(std::string_view runtime) {
  auto const version = runtime.substr(6, runtime.size() - 8);
  return fmt::format(
      "/opt/nodejs/node{}/node_modules:/opt/nodejs/node_modules:/var/task/node_modules", version);
}

}  // namespace

Result<Launch> parse_runtime(std::string_view runtime, std::string const& directory) {
  if (runtime == "provided" || runtime == "provided.al2" || runtime == "provided.al2023")
    return Launch{};
  if (runtime == "native") return Launch{RuntimeFamily::native, {}};
  if (runtime.starts_with("python3.")) {
    return Launch{RuntimeFamily::python, fmt::format("{}/{}", directory, runtime)};
  }
  if (runtime.starts_with("nodejs") && runtime.ends_with(".x"))
    return Launch{RuntimeFamily::node, directory + "/node"};
  return Error{Errc::invalid_argument,
               fmt::format("Runtime: no runtime is called {:?}; use provided.al2023, native, "
                           "python3.N or nodejsN.x",
                           runtime),
               "InvalidParameterValueException",
               {}};
}

Result<void> Runtimes::check(std::string_view runtime) {
  if (auto parsed = parse_runtime(runtime, directory_); !parsed) return parsed.error();
  std::lock_guard lock(mutex_);
  auto const has = [&] {
    return std::find(installed_.begin(), installed_.end(), runtime) != installed_.end();
  };
  if (has()) return {};
  installed_ = installed_runtimes(directory_);
  if (has()) return {};
  return Error{Errc::unsupported,
               fmt::format("Runtime: {} is not installed in {}; installed: {}", runtime, directory_,
                           fmt::join(installed_, ", ")),
               "InvalidParameterValueException",
               {}};
}

std::string find_bootstrap(Directories const& directories) {
  if (has_bootstrap(directories.task)) return "/var/task/bootstrap";
  if (!directories.opt.empty() && has_bootstrap(directories.opt)) return "/opt/bootstrap";
  return {};
}

namespace {

std::string initialization_type(Function const& function, Initialization initialization) {
  if (function.limits.capacity > 1) return "lambda-managed-instances";
  return initialization == Initialization::provisioned ? "provisioned-concurrency" : "on-demand";
}

}  // namespace

std::vector<std::string> make_environment(FunctionInfo const& info, RuntimeFamily family,
                                          std::string const& region,
                                          Initialization initialization) {
  auto const& function = info.function;
  std::map<std::string, std::string> env = {
      {"AWS_DEFAULT_REGION", region},
      {"AWS_REGION", region},
      {"AWS_LAMBDA_FUNCTION_NAME", function.name.name},
      {"AWS_LAMBDA_FUNCTION_VERSION", info.version},
      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", fmt::format("{}", function.limits.memory.mib())},
      {"AWS_LAMBDA_INITIALIZATION_TYPE", initialization_type(function, initialization)},
      {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + function.name.name},
      {"AWS_LAMBDA_LOG_STREAM_NAME",
       fmt::format("{:%Y/%m/%d}/[{}]{:032x}",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(info.last_modified)),
                   info.version, static_cast<std::uint64_t>(info.revision))},
      {"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"},
      {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
      {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
      {"LAMBDA_TASK_ROOT", "/var/task"},
      {"LANG", "C.UTF-8"},  // Debian has no en_US.UTF-8 unless it was generated
      {"LD_LIBRARY_PATH", "/var/task:/var/task/lib:/opt/lib"},
      {"PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"},
      {"TZ", ":UTC"},
      {"_HANDLER", function.handler},
  };
  // There is no such API: events come over descriptor 3.
  if (family == RuntimeFamily::native) env.erase("AWS_LAMBDA_RUNTIME_API");
  if (family == RuntimeFamily::python || family == RuntimeFamily::node)
    env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + function.runtime;
  if (function.limits.capacity > 1)
    env["AWS_LAMBDA_MAX_CONCURRENCY"] = fmt::format("{}", function.limits.capacity);
  if (family == RuntimeFamily::node) env["NODE_PATH"] = node_path(function.runtime);
  for (auto const& [name, value] : function.environment) env[name] = value;
  std::vector<std::string> out;
  out.reserve(env.size());
  for (auto const& [name, value] : env) out.push_back(name + "=" + value);
  return out;
}

Spec make_spec(FunctionInfo const& info, Launch const& launch, Directories const& directories,
               std::string const& region, std::string id, Initialization initialization) {
  auto const& limits = info.function.limits;
  Spec spec;
  spec.id = std::move(id);
  spec.task = directories.task.string();
  spec.opt = directories.opt.string();
  spec.environment = make_environment(info, launch.family, region, initialization);
  spec.memory = limits.memory;
  spec.tmp = limits.tmp;
  // Lambda's share is one CPU for each 1,769 MB. Below one CPU we do not throttle: it would make a
  // cold start of a small function slower by the same factor, and peers are protected by
  // cpu.weight.
  spec.cpus = std::max(1.0, static_cast<double>(limits.memory.mib()) / 1769.0);
  spec.listener = launch.family != RuntimeFamily::native;
  spec.recycle = fmt::format("{} {} {}", info.function.name.account, info.function.name.name,
                             static_cast<std::uint64_t>(info.revision));
  switch (launch.family) {
    case RuntimeFamily::provided:
    case RuntimeFamily::native:
      spec.argv = {find_bootstrap(directories)};
      spec.seccomp =
          launch.family == RuntimeFamily::native ? SeccompClass::native : SeccompClass::general;
      break;
    case RuntimeFamily::python:
      add_python(spec, launch.interpreter, python_bytecode(info.function.runtime));
      spec.seccomp = SeccompClass::python;
      break;
    case RuntimeFamily::node:
      spec.argv = {launch.interpreter, std::string(kNodeShim)};
      spec.files = {{std::string(kNodeShim), std::string(node_shim())}};
      spec.seccomp = SeccompClass::node;
      break;
  }
  return spec;
}

}  // namespace invoker
}  // namespace faas::inline v0
