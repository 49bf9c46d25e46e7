// Many instances of one function at once, while another one's calls are answered.
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <future>
#include <iterator>

#include "sandbox/cgroups.hpp"
#include "support/host.hpp"
#include "support/spawners.hpp"
#include "sys/text_file.hpp"

using namespace faas;
using namespace faas::test;

namespace {

namespace fs = std::filesystem;

// Its directories of cgroup2; there is none where no cgroup is writable.
std::size_t groups_of(std::string const& runtime_id) {
  auto const mounts = sys::read_text("/proc/self/mountinfo").value();
  std::error_code none;
  fs::directory_iterator const all(sandbox::find_cgroup2(mounts).mount + "/faas-" + runtime_id,
                                   none);
  if (none) return 0;
  return static_cast<std::size_t>(
      std::count_if(begin(all), end(all), [](auto const& entry) { return entry.is_directory(); }));
}

long open_descriptors() {
  return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

// Calls of "many" that are held running together, and of "other" in between.
class Burst {
 public:
  explicit Burst(unsigned width, asio::any_io_executor blocking = {})
      : width_(width), host_(options(state_.path(), width, std::move(blocking))) {
    TempDir code;
    fs::copy_file(fs::path(FAAS_BINARY_DIR) / "victims" / "gather",
                  fs::path(code.path()) / "bootstrap");
    digest_ = host_.store(code);
    for (auto const* name : {"many", "other"}) {
      Function function;
      function.name = name;
      function.runtime = "provided";
      function.handler = "gather";
      function.code = digest_;
      function.limits.timeout = 300s;
      host_.deploy(std::move(function));
    }
    CHECK(host_.invoke("other", "1").value().payload == "1");
  }

  void ask_for_all() {
    for (unsigned i = 0; i < width_; ++i)
      host_.runtime().invoke("many", "\"wait\"", {}, [this](Result<Outcome> r) {
        answered_ += r && r->ok() && r->payload == "\"wait\"";
        refused_ += !r;
        ended_ += 1;
      });
  }

  // One call of "other" after the other until all of "many" run.
  void call_other_until_all_run() {
    while (running() < width_) {
      auto const outcome = wait(host_.runtime().invoke("other", "1")).value();
      CHECK(outcome.payload == "1");
      CHECK(outcome.start == StartLevel::warm);
      ++others_;
      REQUIRE(ended_ == 0);
    }
  }

  void let_go() {
    std::ofstream(fs::path(state_.path()) / "code/trees" / digest_.hex / "go").put(10);
    host_.run();
  }

  void close() { host_.await(host_.runtime().close()); }

  std::string runtime_id() { return wait(host_.runtime().status()).runtime_id; }
  std::size_t running() { return wait(host_.runtime().status()).scheduler.calls_running; }
  Host& host() { return host_; }
  unsigned answered() const { return answered_; }
  unsigned refused() const { return refused_; }
  unsigned others() const { return others_; }

 private:
  static Options options(std::string state, unsigned width, asio::any_io_executor blocking) {
    auto options = test_options();
    options.state_dir = std::move(state);
    options.scheduler.max_instances = width + 1;
    options.blocking = std::move(blocking);
    return options;
  }

  // Not until nothing is outstanding, as Host::await would.
  template <class T>
  T wait(asio::awaitable<T> work) {
    std::optional<T> value;
    asio::co_spawn(host_.io(), std::move(work), [&](std::exception_ptr e, T v) {
      if (e) std::rethrow_exception(e);
      value.emplace(std::move(v));
    });
    host_.io().restart();
    while (!value) REQUIRE(host_.io().run_one_for(60s) == 1);
    return std::move(*value);
  }

  TempDir state_;
  unsigned const width_;
  Host host_;
  Digest digest_;
  unsigned answered_ = 0, refused_ = 0, ended_ = 0, others_ = 0;
};

void burst_of(unsigned width) {
  auto const descriptors = open_descriptors();
  std::string id;
  {
    Burst burst(width);
    id = burst.runtime_id();
    burst.ask_for_all();
    burst.call_other_until_all_run();
    CHECK(burst.others() > 1);
    CHECK(burst.refused() == 0);
    CHECK(own_spawners().size() == 1);
    if (groups_of(id) > 0) CHECK(groups_of(id) >= width);
    burst.let_go();
    CHECK(burst.answered() == width);
    burst.close();
  }
  CHECK(groups_of(id) == 0);
  CHECK(own_spawners().empty());
  CHECK(open_descriptors() == descriptors);
}

// While it lives this process can open no file.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit const none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

}  // namespace

TEST_CASE("a hundred instances at once: all run, another function is answered, nothing is left") {
  burst_of(100);
}

TEST_CASE("a thousand instances at once: all run, another function is answered, nothing is left" *
          doctest::test_suite("long")) {
  burst_of(1000);
}

TEST_CASE("starts that waited for their code are begun a few at a time") {
  asio::thread_pool pool(1);
  Burst burst(100, pool.get_executor());
  std::promise<void> gate, brought;
  asio::post(pool, [opened = gate.get_future().share()] { opened.wait(); });
  burst.ask_for_all();  // all wait for the code, which is brought behind the gate
  auto const before = open_descriptors();
  asio::post(pool, [&] { brought.set_value(); });
  gate.set_value();
  brought.get_future().wait();
  CHECK(open_descriptors() >= before + 8);  // each instance has one or more
  CHECK(open_descriptors() < before + 100);
  burst.let_go();
  CHECK(burst.answered() == 100);
  burst.close();
}

TEST_CASE("a start that the host has no room for is refused with the reason, and tried again") {
  Burst burst(4);
  {
    NoDescriptors const none;
    auto const refused = burst.host().invoke("many", "1");
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::unavailable);
    CHECK(refused.error().layer == "start");
    CHECK(refused.error().reason == "InstanceNotStarted");
    CHECK(refused.error().message.find("Too many open files") != std::string::npos);
  }
  CHECK(burst.host().invoke("many", "1").value().payload == "1");
}

TEST_CASE("more instances than host ids is refused at open" * doctest::test_suite("root")) {
  asio::io_context io;
  auto options = test_options();
  options.scheduler.max_instances = 20;
  options.uid_count = 19;
  auto refused = Runtime::open(io.get_executor(), options);
  REQUIRE(refused.has_error());
  CHECK(refused.error().reason == "TooManyInstances");
  CHECK(refused.error().message.find("uid_count is 19") != std::string::npos);
}
