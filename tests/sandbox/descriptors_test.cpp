// Where descriptors are used up. The kernel drops those it has no number for, and the message that
// carried them arrives without: a jail without its cgroup, or one nobody can watch, must not be the
// consequence.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <iterator>
#include <set>

#include "jails.hpp"
#include "sys/text_file.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr int kPatience = 10'000;  // milliseconds
bool const pooled = jail_options().networks > 0;

// What a spawner holds for its jails alone: not what is ready for the next, which is all sockets
// and networks and comes and goes with the room.
std::ptrdiff_t files_of(pid_t pid) {
  std::ptrdiff_t count = 0;
  std::error_code closed;
  for (auto const& file :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    auto const to = std::filesystem::read_symlink(file, closed).string();
    count += !pooled || (!to.starts_with("net:") && !to.starts_with("socket:"));
  }
  return count;
}

// Many jails at once, and what became of them.
struct Crowd {
  explicit Crowd(Sandbox& of) : sandbox(of) {
    for (int i = 0; i < 12; ++i) pending.insert(sandbox.submit(Jails::victim({"sleep"})).value());
    while (!pending.empty()) REQUIRE(take_events(kPatience));
  }

  // False: none came for so long.
  bool take_events(int milliseconds) {
    pollfd p{sandbox.native_handle(), POLLIN, 0};
    if (::poll(&p, 1, milliseconds) == 0) return false;
    while (auto const event = sandbox.poll()) {
      auto const ticket = std::visit([](auto const& e) { return e.ticket; }, *event);
      pending.erase(ticket);
      if (std::holds_alternative<Started>(*event)) live.insert(ticket);
      if (std::holds_alternative<Exited>(*event)) live.erase(ticket);
      refused += std::holds_alternative<Failed>(*event);
    }
    return true;
  }

  // The spawner holds five for each that lives: its pidfd, cgroup, /proc and /tmp, and its report,
  // which is a socket.
  bool comes_to_be_watched(pid_t spawner, std::ptrdiff_t before) {
    auto const whole = [&] {
      return files_of(spawner) ==
             before + (pooled ? 4 : 5) * static_cast<std::ptrdiff_t>(live.size());
    };
    for (int i = 0; i < 100 && !whole(); ++i) take_events(50);
    return whole();
  }

  void end() {
    for (auto const ticket : live) sandbox.kill(ticket);
    while (!live.empty()) REQUIRE(take_events(kPatience));
  }

  Sandbox& sandbox;
  std::set<Ticket> pending, live;
  int refused = 0;
};

// For as long as it lives this process may have no descriptor from this number on.
class NarrowHost {
 public:
  explicit NarrowHost(rlim_t room) {
    ::getrlimit(RLIMIT_NOFILE, &usual_);
    rlimit const narrow{room, usual_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &narrow);
  }
  ~NarrowHost() { ::setrlimit(RLIMIT_NOFILE, &usual_); }

 private:
  rlimit usual_{};
};

}  // namespace

TEST_SUITE_BEGIN("room");

TEST_CASE("a spawner with no room for descriptors refuses jails, and runs none it cannot watch") {
  if (skipped_unless(::geteuid() == 0, "needs root, to narrow another process")) return;
  auto options = jail_options();
  options.shells = 0;  // how many of them wait depends on the room
  Jails jails(options);
  REQUIRE(jails.attempt({"hello"}).exited->code == 0);
  jails.settle();
  pid_t const spawner = jails.sandbox().spawner_pid();
  auto const before = files_of(spawner), all = Jails::files_of(spawner);
  for (rlim_t room = 16; room < 48; ++room) {
    CAPTURE(room);
    rlimit const narrow{room, 4096};
    REQUIRE(::prlimit(spawner, RLIMIT_NOFILE, &narrow, nullptr) == 0);
    Crowd crowd(jails.sandbox());
    CHECK(crowd.refused > 0);
    CHECK(crowd.comes_to_be_watched(spawner, before));
    crowd.end();
    CHECK(crowd.comes_to_be_watched(spawner, before));
  }
  rlimit const wide{4096, 4096};
  REQUIRE(::prlimit(spawner, RLIMIT_NOFILE, &wide, nullptr) == 0);
  CHECK(jails.attempt({"hello"}).exited->code == 0);
  jails.settle();
  CHECK(Jails::files_of(spawner) == all);
}

TEST_CASE("a host with no room for descriptors starts no jail without its cgroup or its listener") {
  if (skipped_unless(::geteuid() == 0, "needs a cgroup")) return;
  Jails jails;
  REQUIRE(jails.attempt({"hello"}).exited->code == 0);
  auto const lowest = static_cast<rlim_t>(sys::Fd(::dup(0)).get());
  int whole = 0, refused = 0;
  for (rlim_t room = 0; room < 8; ++room) {
    CAPTURE(room);
    auto spec = Jails::victim({"sleep"});
    spec.listener = true;
    std::optional<NarrowHost> narrow(lowest + room);
    auto const ticket = jails.sandbox().submit(spec);
    auto const event = ticket ? jails.next(*ticket) : std::nullopt;
    narrow.reset();
    if (!ticket && ++refused) continue;
    REQUIRE(event.has_value());
    auto const started = std::get<Started>(*event);
    sys::Fd const listener(started.listener);
    if (listener) {
      ++whole;
      auto const group = sys::read_text("/proc/" + std::to_string(started.pid) + "/cgroup").value();
      CHECK((group.find("/" + spec.id + "\n") != std::string::npos ||
             group.find("/_") != std::string::npos));  // made ahead
      jails.sandbox().kill(*ticket);
    }
    auto const end = jails.next(*ticket);  // of itself where the listener was lost
    REQUIRE(end.has_value());
    CHECK(std::get<Exited>(*end).signal == SIGKILL);
  }
  if (jail_options().networks == 0) CHECK(refused > 0);  // else its cgroup has one already
  CHECK(whole > 0);
}

TEST_SUITE_END();
