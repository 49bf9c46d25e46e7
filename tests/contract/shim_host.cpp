#include "contract/shim_host.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "contract/runtime_api.hpp"
#include "sys/fd.hpp"

namespace contract_test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using faas::contract::ConnectionId;
using faas::contract::FunctionFailure;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

struct TaskDirectory {
  fs::path path;
  explicit TaskDirectory(std::map<std::string, std::string> const& files) {
    std::string name = fs::temp_directory_path() / "faas-shim-XXXXXX";
    REQUIRE(::mkdtemp(name.data()));
    path = name;
    for (auto const& [file, text] : files) {
      fs::create_directories((path / file).parent_path());
      std::ofstream(path / file) << text;
    }
  }
  ~TaskDirectory() { fs::remove_all(path); }
};

}  // namespace

struct ShimHost::State final : faas::contract::RuntimeApiEvents {
  explicit State(std::map<std::string, std::string> const& files) : task(files) {}

  TaskDirectory task;
  faas::contract::RuntimeApi api{*this, {}};
  faas::sys::Fd listener, output;
  std::map<ConnectionId, faas::sys::Fd> connections;
  std::string log;
  pid_t pid = -1;
  std::optional<int> exit_code;
  std::optional<ShimCall> done;
  ShimCall current;
  int number = 0;

  void listen();
  std::string address() const;
  void start(std::vector<std::string> command, std::string const& handler);
  bool step(int timeout_ms);
  void accept();
  void read(ConnectionId);
  bool read_output();
  void run_until(auto&& finished);
  void finish(std::string ending) {
    current.ending = std::move(ending);
    done = current;
  }

  void on_next() override {}
  void on_init_error(FunctionFailure f) override {
    current = {.body = f.payload, .error_type = f.type};
    finish("init error");
  }
  void on_response_head(std::string_view, std::string_view type, bool streaming) override {
    current = {.content_type = std::string(type), .streaming = streaming};
  }
  bool on_response_chunk(std::string_view, std::string_view bytes) override {
    current.body.append(bytes);
    return true;
  }
  void on_response_end(std::string_view, std::optional<FunctionFailure> f) override {
    if (f) current.error_type = f->type + " " + f->payload;
    finish("response");
  }
  void on_response_failed(std::string_view, FunctionFailure f) override {
    current.error_type = f.type;
    finish("failed");
  }
  void on_invocation_error(std::string_view, FunctionFailure f) override {
    current = {.body = f.payload, .error_type = f.type};
    finish("error");
  }
  void on_extension_registered(std::string_view) override {}
  void on_extension_failed(std::string_view, FunctionFailure) override {}
  void send(ConnectionId id, std::string_view head, std::string_view body) override {
    write_all(connections.at(id).get(), head);
    write_all(connections.at(id).get(), body);
  }
  void close(ConnectionId id) override { connections.erase(id); }
};

void ShimHost::State::listen() {
  listener.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) == 0);
  REQUIRE(::listen(listener.get(), 8) == 0);
}

std::string ShimHost::State::address() const {
  sockaddr_in local{};
  socklen_t size = sizeof local;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&local), &size);
  return "127.0.0.1:" + std::to_string(ntohs(local.sin_port));
}

void ShimHost::State::start(std::vector<std::string> command, std::string const& handler) {
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin",
                                          "LANG=C.UTF-8",
                                          "TZ=:UTC",
                                          "_HANDLER=" + handler,
                                          "LAMBDA_TASK_ROOT=" + task.path.string(),
                                          "AWS_LAMBDA_RUNTIME_API=" + address(),
                                          "AWS_LAMBDA_FUNCTION_NAME=shimmed",
                                          "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
                                          "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
                                          "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/shimmed",
                                          "AWS_LAMBDA_LOG_STREAM_NAME=stream"};
  std::vector<char*> argv, envp;
  for (auto& text : command) argv.push_back(text.data());
  for (auto& text : environment) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  output.reset(ends[0]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  posix_spawn_file_actions_addchdir_np(&actions, task.path.c_str());
  REQUIRE(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), envp.data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
}

void ShimHost::State::accept() {
  faas::sys::Fd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  auto const id = api.open();
  if (id) connections[*id] = std::move(peer);
}

void ShimHost::State::read(ConnectionId id) {
  static thread_local char bytes[65'536];
  auto const size = ::recv(connections.at(id).get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (size > 0) return api.receive(id, {bytes, static_cast<std::size_t>(size)});
  connections.erase(id);
  api.closed(id);
}

// False at the end of the output: the shim and all it started are gone.
bool ShimHost::State::read_output() {
  char bytes[4096];
  auto const size = ::read(output.get(), bytes, sizeof bytes);
  if (size <= 0) return false;
  log.append(bytes, static_cast<std::size_t>(size));
  return true;
}

bool ShimHost::State::step(int timeout_ms) {
  std::vector<pollfd> fds = {{output.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
  std::vector<ConnectionId> ids;
  for (auto const& [id, fd] : connections) {
    fds.push_back({fd.get(), POLLIN, 0});
    ids.push_back(id);
  }
  if (::poll(fds.data(), fds.size(), timeout_ms) <= 0) return false;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (fds[i + 2].revents && connections.contains(ids[i])) read(ids[i]);
  if (fds[1].revents) accept();
  if (fds[0].revents && !read_output() && !exit_code) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return true;
}

void ShimHost::State::run_until(auto&& finished) {
  auto const deadline = Clock::now() + std::chrono::seconds(60);
  while (!finished() && Clock::now() < deadline) step(1000);
}

ShimHost::ShimHost(std::vector<std::string> command, std::string handler,
                   std::map<std::string, std::string> files)
    : state_(std::make_unique<State>(files)) {
  state_->listen();
  state_->start(std::move(command), handler);
}

ShimHost::~ShimHost() {
  if (state_->exit_code) return;
  ::kill(state_->pid, SIGKILL);
  ::waitpid(state_->pid, nullptr, 0);
}

ShimCall ShimHost::invoke(ShimInvocation wanted) {
  auto& s = *state_;
  s.done.reset();
  s.current = {};
  faas::contract::Invocation invocation;
  invocation.request_id = "00000000-0000-4000-8000-00000000000" + std::to_string(++s.number % 10);
  invocation.payload = std::move(wanted.payload);
  invocation.client_context = std::move(wanted.client_context);
  invocation.content_type = std::move(wanted.content_type);
  invocation.function_arn = "arn:aws:lambda:us-east-1:000000000000:function:shimmed";
  invocation.trace_id = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1";
  invocation.deadline_ms = now_ms() + 60'000;
  s.api.abandon();
  s.api.invoke(std::move(invocation));
  s.run_until([&] { return s.done || s.exit_code; });
  if (s.done) return *s.done;
  s.current.ending = s.exit_code ? "exit " + std::to_string(*s.exit_code) : "timeout";
  return s.current;
}

std::string ShimHost::wait_for_exit() {
  state_->run_until([&] { return state_->exit_code.has_value(); });
  return state_->exit_code ? "exit " + std::to_string(*state_->exit_code) : "timeout";
}

std::string ShimHost::take_log() {
  ::pollfd out{state_->output.get(), POLLIN, 0};
  while (!state_->exit_code && ::poll(&out, 1, 0) > 0) state_->step(0);
  return std::exchange(state_->log, {});
}

bool have_program(std::string const& path) {
  if (::access(path.c_str(), X_OK) == 0) return true;
  auto const* required = std::getenv("FAAS_TEST_REQUIRE_ALL");
  if (required && std::string(required) == "1") FAIL("not installed: " << path);
  MESSAGE("skipped: " << path << " is not installed");
  return false;
}

}  // namespace contract_test
