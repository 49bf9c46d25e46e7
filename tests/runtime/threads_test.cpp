// A runtime whose executor is run by several threads, is a strand of them, or is a pool.
#include <array>
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <latch>
#include <thread>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr int kThreads = 8;
constexpr int kCallsEach = 50;

class Threads {
 public:
  Threads() {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { io_.run(); });
  }
  ~Threads() {
    work_.reset();
    for (auto& thread : threads_) thread.join();
  }
  Threads(Threads const&) = delete;
  asio::io_context& io() { return io_; }

 private:
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::vector<std::thread> threads_;
};

struct Home {
  std::string name;
  asio::any_io_executor executor;
  std::function<bool()> here;  // this thread runs it
  unsigned lanes = 1;
  bool one_at_a_time = false;
};

class Homes {
 public:
  std::array<Home, 4> all() {
    auto const io = threads_.io().get_executor();
    auto const strand = asio::make_strand(io);
    auto const pool = pool_.get_executor();
    return {Home{"threads", io, [io] { return io.running_in_this_thread(); }},
            Home{"lanes", io, [io] { return io.running_in_this_thread(); }, 4},
            Home{"strand", strand, [strand] { return strand.running_in_this_thread(); }, 2, true},
            Home{"pool", pool, [pool] { return pool.running_in_this_thread(); }, 4}};
  }
  asio::io_context& others() { return others_.io(); }

 private:
  Threads threads_, others_;
  asio::thread_pool pool_{kThreads};
};

template <class T>
T wait(Home const& home, asio::awaitable<T> work) {
  auto done = asio::co_spawn(home.executor, std::move(work), asio::use_future);
  REQUIRE(done.wait_for(60s) == std::future_status::ready);
  return done.get();
}

asio::awaitable<std::string> callable(HostCall call) { co_return call.payload; }

Runtime open_at(Home const& home, Observer* observer = nullptr) {
  auto options = test_options();
  options.observer = observer;
  options.threads = home.lanes;
  return Runtime::open(home.executor, std::move(options)).value();
}

Function jailed(Home const& home, Runtime& runtime, std::string name, std::string_view code) {
  TempDir directory;
  directory.write("app.py", code);
  Function function;
  function.name = std::move(name);
  function.runtime = python_runtime();
  function.handler = "app.handler";
  function.code = wait(home, runtime.store(directory.path())).value().digest;
  return function;
}

void deploy_all(Home const& home, Runtime& runtime) {
  wait(home, runtime.deploy(jailed(home, runtime, "jailed", kEcho))).value();
  auto crowd = jailed(home, runtime, "crowd", kEcho);
  crowd.limits.capacity = 4;
  crowd.limits.concurrency = 4;
  wait(home, runtime.deploy(std::move(crowd))).value();
  Function native;
  native.name = "native";
  native.runtime = "native";
  native.code = wait(home, runtime.store(FAAS_BINARY_DIR "/native_task")).value().digest;
  wait(home, runtime.deploy(std::move(native))).value();
  Function function;
  function.name = "callable";
  wait(home, runtime.deploy(std::move(function), callable)).value();
}

// Calls again from inside each answer.
class Caller : public std::enable_shared_from_this<Caller> {
 public:
  using Own = asio::strand<asio::io_context::executor_type>;
  Caller(Runtime runtime, std::string function, Home const& home, std::optional<Own> own)
      : runtime_(std::move(runtime)),
        function_(std::move(function)),
        home_(home),
        own_(std::move(own)) {}

  void call() {
    auto handler = [self = shared_from_this()](Result<Outcome> r) { self->answered(r); };
    calling_ = true;
    if (own_) {
      runtime_->invoke(function_, payload(), {}, asio::bind_executor(*own_, std::move(handler)));
    } else {
      runtime_->invoke(function_, payload(), {}, std::move(handler));
    }
    calling_ = false;
  }

  std::future<void> done() { return done_.get_future(); }
  int good = 0, misplaced = 0, nested = 0;

 private:
  std::string payload() const {
    return (function_ == "native" ? "echo " : "") + std::to_string(answers_);
  }

  void answered(Result<Outcome> const& r) {
    nested += calling_;
    misplaced += own_ ? !own_->running_in_this_thread() : !home_.here();
    good += r.has_value() && r->ok() && r->payload == payload();
    if (++answers_ < kCallsEach) return call();
    runtime_.reset();
    done_.set_value();
  }

  static thread_local bool calling_;
  std::optional<Runtime> runtime_;
  std::string const function_;
  Home const& home_;
  std::optional<Own> const own_;
  int answers_ = 0;
  std::promise<void> done_;
};

thread_local bool Caller::calling_ = false;

asio::awaitable<std::size_t> read_stream(Runtime runtime, std::string payload, bool whole) {
  auto stream = (co_await runtime.invoke_stream("jailed", std::move(payload))).value();
  std::size_t size = 0;
  while (auto part = co_await stream.read()) {
    size += part->size();
    if (!whole) break;
  }
  co_return size;
}

struct Cancelled {
  explicit Cancelled(asio::io_context& io) : strand(asio::make_strand(io)) {}
  Caller::Own strand;
  asio::cancellation_signal signal;
};

struct Counter final : Observer {
  std::atomic<int> calls{0};
  void on_invocation(InvocationRecord const& record) override {
    calls += record.status == Status::ok && !record.request_id.empty();
  }
};

}  // namespace

TEST_CASE("on several threads, a strand or a pool each answer comes once, at its caller's home") {
  Homes homes;
  for (auto const& home : homes.all()) {
    CAPTURE(home.name);
    Counter counter;
    auto runtime = open_at(home, &counter);
    deploy_all(home, runtime);
    std::vector<std::shared_ptr<Caller>> callers;
    std::vector<std::future<void>> done;
    for (auto const* function : {"jailed", "crowd", "native", "callable"}) {
      for (int i = 0; i < 4; ++i) {
        auto own = i % 2 ? std::optional(asio::make_strand(homes.others())) : std::nullopt;
        callers.push_back(std::make_shared<Caller>(runtime, function, home, std::move(own)));
        done.push_back(callers.back()->done());
      }
    }
    std::vector<std::thread> starting;
    for (auto const& caller : callers) starting.emplace_back([caller] { caller->call(); });
    for (auto& thread : starting) thread.join();
    // A handle may be moved, and asked anything, whatever others are doing with theirs.
    for (int i = 0; i < 20; ++i) {
      Runtime other = std::move(runtime);
      CHECK(other.list().size() == 4);
      CHECK(wait(home, other.status()).functions == 4);
      CHECK_FALSE(wait(home, other.instances()).empty());
      CHECK(wait(home, other.logs("jailed")).has_value());
      if (i % 7 == 0)
        CHECK(wait(home, other.update("jailed", {.description = std::to_string(i)})).has_value());
      runtime = std::move(other);
    }
    for (auto& each : done) REQUIRE(each.wait_for(60s) == std::future_status::ready);
    for (auto const& caller : callers) {
      CHECK(caller->good == kCallsEach);
      CHECK(caller->misplaced == 0);
      CHECK(caller->nested == 0);
    }
    wait(home, runtime.close());
    callers.clear();
    CHECK(counter.calls == 16 * kCallsEach);
  }
}

TEST_CASE("on a strand no two answers are given at once") {
  Homes homes;
  auto const home = homes.all()[2];
  REQUIRE(home.one_at_a_time);
  auto runtime = open_at(home);
  deploy_all(home, runtime);
  std::atomic<int> inside{0}, together{0};
  std::latch answered(200);
  for (int i = 0; i < 200; ++i) {
    runtime.invoke(i % 2 ? "jailed" : "callable", "{}", {}, [&](Result<Outcome>) {
      together += inside.fetch_add(1) > 0;
      std::this_thread::yield();
      --inside;
      answered.count_down();
    });
  }
  answered.wait();
  CHECK(together == 0);
}

TEST_CASE("the last handle goes from inside an answer while others run: each caller is told once") {
  Homes homes;
  constexpr int kCalls = 60;
  for (auto const& home : homes.all()) {
    CAPTURE(home.name);
    for (int round = 0; round < 5; ++round) {
      std::optional<Runtime> runtime = open_at(home);
      deploy_all(home, *runtime);
      auto slow = jailed(home, *runtime, "slow",
                         "import time\ndef handler(event, context):\n    time.sleep(30)\n");
      slow.limits.timeout = 60s;
      slow.limits.concurrency = 1;
      wait(home, runtime->deploy(std::move(slow))).value();
      std::array<std::atomic<int>, kCalls> told{};
      std::atomic<int> ok{0};
      std::latch started(1), answered(kCalls);
      for (int i = 0; i < kCalls; ++i) {
        auto const* const function = std::array{"slow", "jailed", "callable"}[i % 3];
        runtime->invoke(function, "{}", {}, [&, i](Result<Outcome> r) {
          if (r.has_value() && r->ok() && ++ok == 5 + round) {
            started.wait();
            runtime.reset();
          }
          ++told[static_cast<std::size_t>(i)];
          answered.count_down();
        });
      }
      started.count_down();
      answered.wait();
      for (auto const& times : told) CHECK(times == 1);
      CHECK(ok >= 5 + round);
      CHECK_FALSE(runtime.has_value());
    }
  }
}

TEST_CASE("calls are cancelled, streams read and left, on threads that are not the runtime's") {
  Homes homes;
  std::string const text = '"' + std::string(1 << 20, 'x') + '"';
  for (auto const& home : homes.all()) {
    CAPTURE(home.name);
    auto runtime = open_at(home);
    deploy_all(home, runtime);
    std::vector<std::future<std::size_t>> reads;
    for (int i = 0; i < 8; ++i)
      reads.push_back(asio::co_spawn(asio::make_strand(homes.others()),
                                     read_stream(runtime, text, i % 2 == 0), asio::use_future));
    constexpr int kCalls = 40;
    std::array<std::atomic<int>, kCalls> told{};
    std::latch answered(kCalls);
    for (std::size_t i = 0; i < kCalls; ++i) {
      auto const call = std::make_shared<Cancelled>(homes.others());
      asio::post(call->strand, [&, call, i, mine = runtime]() mutable {
        auto handler = asio::bind_cancellation_slot(call->signal.slot(), [&, i](Result<Outcome>) {
          ++told[i];
          answered.count_down();
        });
        mine.invoke(i % 2 ? "native" : "callable", "echo", {},
                    asio::bind_executor(call->strand, std::move(handler)));
        asio::post(call->strand, [call] { call->signal.emit(asio::cancellation_type::terminal); });
      });
    }
    answered.wait();
    for (auto const& times : told) CHECK(times == 1);
    for (std::size_t i = 0; i < reads.size(); ++i) {
      REQUIRE(reads[i].wait_for(60s) == std::future_status::ready);
      auto const size = reads[i].get();
      CHECK((i % 2 == 0 ? size == text.size() : size > 0));
    }
  }
}

TEST_CASE("an observer is told nothing any more once close has ended or the last handle is gone") {
  struct Slow final : Observer {
    std::promise<void> begun;
    std::atomic<bool> over{false};
    void on_invocation(InvocationRecord const&) override {
      begun.set_value();
      ::usleep(50'000);
      over = true;
    }
  };
  Homes homes;
  for (auto const& home : homes.all()) {
    for (bool const closes : {true, false}) {
      CAPTURE(home.name);
      CAPTURE(closes);
      Slow observer;
      std::optional<Runtime> runtime = open_at(home, &observer);
      Function function;
      function.name = "callable";
      wait(home, runtime->deploy(std::move(function), callable)).value();
      CHECK(runtime->invoke("callable", "{}", {}, asio::use_future).get()->ok());
      observer.begun.get_future().wait();
      if (closes)
        wait(home, runtime->close());
      else
        runtime.reset();
      CHECK(observer.over);
    }
  }
}

TEST_CASE("an observer may let go of the last handle, and is told no more") {
  struct Last final : Observer {
    std::optional<Runtime> runtime;
    std::latch alone{1};
    std::promise<void> gone;
    void on_invocation(InvocationRecord const&) override {
      alone.wait();
      runtime.reset();
      gone.set_value();
    }
  };
  Homes homes;
  for (auto const& home : homes.all()) {
    CAPTURE(home.name);
    Last observer;
    observer.runtime = open_at(home, &observer);
    Function function;
    function.name = "callable";
    wait(home, observer.runtime->deploy(std::move(function), callable)).value();
    {
      Runtime mine = *observer.runtime;
      mine.invoke("callable", "{}", {}, [](Result<Outcome>) {});
    }
    observer.alone.count_down();
    CHECK(observer.gone.get_future().wait_for(60s) == std::future_status::ready);
  }
}

TEST_CASE("a callable may hold the last handle, which goes with the removal of its function") {
  Homes homes;
  for (auto const& home : homes.all()) {
    CAPTURE(home.name);
    for (int round = 0; round < 10; ++round) {
      CAPTURE(round);
      std::optional<Runtime> runtime = open_at(home);
      std::promise<void> gone;
      std::shared_ptr<Runtime> held(new Runtime(*runtime), [&](Runtime* last) {
        delete last;
        gone.set_value();
      });
      auto holds = [held](HostCall call) -> asio::awaitable<std::string> {
        co_return call.payload;
      };
      Function function;
      function.name = "callable";
      wait(home, runtime->deploy(std::move(function), std::move(holds))).value();
      // Its instance goes with it; or one of its calls may still run.
      auto first = runtime->invoke("callable", "{}", {}, asio::use_future);
      if (round % 2 == 0) CHECK(first.get()->ok());
      auto removed = asio::co_spawn(home.executor, runtime->remove("callable"), asio::use_future);
      runtime.reset();
      held.reset();
      REQUIRE(removed.wait_for(60s) == std::future_status::ready);
      CHECK(removed.get().has_value());
      CHECK(gone.get_future().wait_for(60s) == std::future_status::ready);
    }
  }
}

TEST_CASE("close beside callers on other threads: each of them is told, and then nothing lives") {
  Homes homes;
  for (auto const& home : homes.all()) {
    CAPTURE(home.name);
    auto runtime = open_at(home);
    deploy_all(home, runtime);
    std::atomic<int> asked{0}, told{0};
    std::atomic<bool> closed{false};
    std::latch warm(kThreads);
    std::vector<std::thread> callers;
    for (int i = 0; i < kThreads; ++i) {
      callers.emplace_back([&, mine = runtime, i]() mutable {
        for (int n = 0; !closed; ++n) {
          ++asked;
          std::promise<void> answer;
          mine.invoke(i % 2 ? "jailed" : "callable", "{}", {}, [&](Result<Outcome>) {
            ++told;
            answer.set_value();
          });
          answer.get_future().wait();
          if (n == 10) warm.count_down();
        }
      });
    }
    warm.wait();
    wait(home, runtime.close(10ms));
    closed = true;
    for (auto& caller : callers) caller.join();
    CHECK(told == asked);
    CHECK(wait(home, runtime.instances()).empty());
  }
}
