#include "store/store.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.hpp"
#include "store/connection.hpp"
#include "store/database.hpp"
#include "sys/thread.hpp"

namespace faas::inline v0::store {
namespace {

// A transaction ends at either, so that large rows do not keep small ones waiting.
constexpr std::uint64_t kBatchBytes = 1 << 20;
constexpr std::size_t kBatchItems = 4096;
// Pages in the write-ahead log that start a checkpoint: when nobody waits, and in any case.
constexpr int kCheckpointIdle = 250;
constexpr int kCheckpointAlways = 1000;

struct Item {
  Store::Work work;  // empty: the file is written anew
  Store::Done done;
  Result<void> result = {};
};
using Queue = std::deque<Item>;

}  // namespace

struct Store::Impl {
  explicit Impl(std::unique_ptr<Connection> c) : connection(std::move(c)) {}

  void loop();
  bool take(Queue&);
  void commit_batch(Queue&);
  std::size_t run_works(Queue&);
  Result<void> run_one(Work const&);
  Result<void> end_transaction();
  void checkpoint_if_due(bool idle);
  void fail(Error);
  std::optional<Error> failure() const;

  // Of the writer thread, once it runs.
  std::unique_ptr<Connection> connection;

  mutable std::mutex mutex;
  std::condition_variable wake;
  Queue queue;
  bool stopping = false;
  std::optional<Error> failed;

  std::thread thread;
};

void Store::Impl::loop() {
  Queue batch;
  while (take(batch)) {
    while (!batch.empty()) {
      commit_batch(batch);
      checkpoint_if_due(false);
    }
  }
  connection.reset();  // checkpoints and closes here, where it was used
}

// Everything that waits; false: stopped, and nothing is left.
bool Store::Impl::take(Queue& batch) {
  std::unique_lock lock(mutex);
  if (queue.empty() && !stopping) {
    lock.unlock();
    checkpoint_if_due(true);
    lock.lock();
  }
  wake.wait(lock, [&] { return !queue.empty() || stopping; });
  std::swap(batch, queue);
  return !batch.empty();
}

// Runs, commits and answers the first part of `batch`.
void Store::Impl::commit_batch(Queue& batch) {
  std::size_t ran = batch.size();
  Result<void> committed = {};
  if (auto reason = failure()) {
    committed = *reason;
  } else if (!batch.front().work) {
    ran = 1;
    committed = connection->rewrite();
  } else if (committed = connection->run("BEGIN IMMEDIATE"); committed) {
    ran = run_works(batch);
    committed = end_transaction();
  }
  if (connection->broken()) fail(*connection->broken());
  for (; ran > 0; --ran) {
    auto item = std::move(batch.front());
    batch.pop_front();
    item.done(committed ? std::move(item.result) : committed);
  }
}

std::size_t Store::Impl::run_works(Queue& batch) {
  connection->clear_fault();
  std::uint64_t bytes = 0;
  std::size_t ran = 0;
  auto const goes_on = [&] {
    return ran < batch.size() && ran < kBatchItems && bytes < kBatchBytes && batch[ran].work;
  };
  while (goes_on() && !connection->fault()) {
    batch[ran].result = run_one(batch[ran].work);
    bytes += connection->take_bound_bytes();
    ++ran;
  }
  return ran;
}

Result<void> Store::Impl::run_one(Work const& work) {
  if (auto r = connection->run("SAVEPOINT work"); !r) return r;
  Transaction transaction(*connection);
  auto result = work(transaction);
  if (!result && connection->in_transaction()) {
    if (auto r = connection->run("ROLLBACK TO work"); !r) return r;
  }
  if (!connection->in_transaction()) return result;  // a fault has undone the whole transaction
  if (auto r = connection->run("RELEASE work"); !r) return r;
  return result;
}

Result<void> Store::Impl::end_transaction() {
  auto committed =
      connection->fault() ? Result<void>(*connection->fault()) : connection->run("COMMIT");
  if (!committed && connection->in_transaction()) static_cast<void>(connection->run("ROLLBACK"));
  return committed;
}

void Store::Impl::checkpoint_if_due(bool idle) {
  if (connection->broken()) return;
  if (connection->log_pages() < (idle ? kCheckpointIdle : kCheckpointAlways)) return;
  // A full disk is no failure: the log keeps everything, and the next commit tries again.
  static_cast<void>(connection->checkpoint());
  if (connection->broken()) fail(*connection->broken());
}

void Store::Impl::fail(Error error) {
  std::lock_guard lock(mutex);
  if (!failed) failed = std::move(error);
}

std::optional<Error> Store::Impl::failure() const {
  std::lock_guard lock(mutex);
  return failed;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Store>> Store::open(Options options) {
  auto connection = open_database(options.path, options.migrations);
  if (!connection) return connection.error();
  auto impl = std::make_unique<Impl>(std::move(*connection));
  auto thread = sys::start_thread("faas-store", [state = impl.get()] { state->loop(); });
  if (!thread) return thread.error();
  impl->thread = std::move(thread).value();
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

void Store::submit(Work work, Done done) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back({std::move(work), std::move(done)});
  }
  impl_->wake.notify_one();
}

Result<void> Store::run(Work work) {
  FAAS_CHECK(std::this_thread::get_id() != impl_->thread.get_id());
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Result<void>> answer;
  submit(std::move(work), [&](Result<void> result) {
    std::lock_guard lock(mutex);
    answer = std::move(result);
    answered.notify_one();  // under the lock: the waiter owns what it stands on
  });
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return answer.has_value(); });
  return std::move(*answer);
}

Result<void> Store::rewrite() { return run({}); }

std::optional<Error> Store::failure() const { return impl_->failure(); }

Store::~Store() {
  FAAS_CHECK(std::this_thread::get_id() != impl_->thread.get_id());
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  impl_->thread.join();
}

}  // namespace faas::inline v0::store
