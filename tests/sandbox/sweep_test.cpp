// G20, by exhaustion: of all system calls that the spawner, pid 1 and the program make for one
// jail, from the request to its end, each one is made to fail once, in every way a call can. Then
// either no byte of the program runs, or its jail is the same to the byte; nothing runs in a weaker
// one, nothing is left behind, and nobody waits for ever.
#include <fmt/format.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "injector.hpp"
#include "jails.hpp"
#include "sandbox/cgroups.hpp"
#include "sys/process.hpp"
#include "sys/text_file.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr int kPatience = 10'000;  // milliseconds
constexpr char const* kPidOne = "== pid 1\n";
constexpr std::uint32_t kUids = 8;  // one that is not given back is missed soon

std::string of(pid_t pid, std::string const& what) {
  return "/proc/" + std::to_string(pid) + "/" + what;
}

std::string text_of(std::string const& path) {
  auto text = sys::read_text(path);
  return text ? *text : "(" + path + " cannot be read)";
}

// Each file as its link says, without the number that tells two sockets apart.
std::string files_of(pid_t pid) {
  std::multiset<std::string> files;
  std::error_code error;
  for (auto const& entry : std::filesystem::directory_iterator(of(pid, "fd"), error)) {
    auto const link = std::filesystem::read_symlink(entry, error).string();
    files.insert(link.substr(0, std::min(link.find(":["), link.find("/_"))));  // "_": made ahead
  }
  std::string all;
  for (auto const& file : files) all += "file " + file + "\n";
  return all;
}

// Host ids that no other runtime of this machine uses: they are locked by 256.
std::uint32_t first_uid() { return 2'000'000'000u + 256 * static_cast<std::uint32_t>(::getpid()); }

void replace_all(std::string& text, std::string_view found, std::string_view instead) {
  for (auto at = text.find(found); at != std::string::npos; at = text.find(found, at))
    text.replace(at, found.size(), instead);
}

// By their points, for a jail that waited has its package last; those on one stay in their order.
using Mounts = std::multimap<std::string, std::string>;

// A mount, without its numbers, or what became of a write to it.
bool take_mount(std::string line, Mounts& mounts) {
  bool const is_mount = line.starts_with("mount ");
  if (!is_mount && !line.starts_with("write /")) return false;
  for (int i = 0; is_mount && i < 3; ++i) line.erase(6, line.find(' ', 6) - 5);
  auto const point = is_mount ? line.find(' ', 6) + 1 : 6;
  mounts.emplace(line.substr(point, line.find(' ', point) - point), line);
  return true;
}

// What differs from one jail to the next: its name, host id, and the numbers of mounts and
// namespaces.
std::string normalise(std::string const& text, std::string const& id) {
  std::string out;
  Mounts mounts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (take_mount(line, mounts)) continue;
    for (auto const& [point, mount] : std::exchange(mounts, {})) out += mount + "\n";
    if (auto const number = line.find(":["); number != std::string::npos) line.resize(number);
    out += line + "\n";
  }
  replace_all(out, id, "JAIL");
  if (auto const at = out.find("/_"); at != std::string::npos)  // a cgroup made ahead
    out.replace(at + 1, out.find_first_not_of("s0123456789", at + 2) - at - 1, "JAIL");
  // pid 1 sleeps in sigwaitinfo, and what it waits for is not blocked meanwhile.
  replace_all(out, "SigBlk:\tfffffffe7ffabeff", "SigBlk:\tfffffffe7ffbfeff");
  for (std::uint32_t uid = 0; uid < kUids; ++uid)
    replace_all(out, std::to_string(first_uid() + uid), "UID");
  return out;
}

// A process as the host sees it: what the spawner, or pid 1 of a jail, holds and may do.
std::string outside_view(pid_t pid) {
  std::string view;
  std::istringstream status(text_of(of(pid, "status")));
  for (std::string line; std::getline(status, line);)
    for (auto const* wanted :
         {"Name:", "Umask:", "Uid:", "Gid:", "Groups:", "SigPnd", "SigBlk", "SigIgn", "SigCgt",
          "ShdPnd", "Cap", "NoNewPrivs:", "Seccomp", "Threads:"})
      if (line.starts_with(wanted)) view += line + "\n";
  for (auto const* file :
       {"limits", "cgroup", "oom_score_adj", "uid_map", "gid_map", "setgroups", "environ"})
    view += fmt::format("{}: {}\n", file, text_of(of(pid, file)));
  std::error_code error;
  for (auto const* link : {"cwd", "root"})
    view +=
        fmt::format("{} {}\n", link, std::filesystem::read_symlink(of(pid, link), error).string());
  for (auto const* kind : {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"}) {
    auto const link = fmt::format("ns/{}", kind);
    bool const host = std::filesystem::read_symlink(of(pid, link), error) ==
                      std::filesystem::read_symlink("/proc/self/" + link, error);
    view += fmt::format("namespace {} {}\n", kind, host ? "of the host" : "of its own");
  }
  struct stat owner {};
  ::stat(of(pid, "environ").c_str(), &owner);
  view += owner.st_uid == 0 ? "not dumpable\n" : "dumpable\n";
  return view + files_of(pid);
}

pid_t parent_of(pid_t pid) {
  auto const stat = text_of(of(pid, "stat"));
  auto const at = stat.find(") ");
  return at == std::string::npos ? 0 : std::atoi(stat.c_str() + at + 4);
}

struct Run {
  std::optional<long> failed;  // the call that was made to fail
  std::string ending;          // "refused STEP ERRNO", "ran", "lost", or what must not be
  std::string posture;         // if it ran: as seen from inside and outside
};

// Launches on one sandbox, each with another fault.
class Launches {
 public:
  Launches() : jails_(options()), mounts_(text_of("/proc/self/mountinfo")) {
    launch();
    jails_.settle();
    golden_ = launch().posture;
    jails_.settle();
    files_ = files_of(::getpid());
    spawner_ = outside_view(jails_.sandbox().spawner_pid());
  }

  // With something made ahead: the sweep goes on until that is there again.
  static bool pooled() { return options().networks > 0 || options().shells > 0; }
  static bool shells() { return options().shells > 0; }

  std::string const& golden() const { return golden_; }

  Run run(Fault fault) {
    int const spawner = jails_.sandbox().spawner_pid();
    Run run;
    {
      Injector injector(spawner, fault);
      run = launch();
      if (pooled()) jails_.settle();
      run.failed = injector.failed();
    }
    judge(run);
    if (auto const left = leftovers(spawner); !left.empty()) run.ending += " LEFT " + left;
    return run;
  }

  // The same for the spawner's own start, from the call after clone on; with one jail by it.
  Run run_new_spawner(Fault fault) {
    end_spawner();
    Run run;
    {
      Injector injector(Injector::NextSpawner{}, fault);
      run = launch();
      run.failed = injector.failed();
    }
    judge(run);
    if (run.ending != "ran") end_spawner();
    if (auto const left = leftovers(jails_.sandbox().spawner_pid()); !left.empty())
      run.ending += " LEFT " + left;
    return run;
  }

 private:
  static SandboxOptions options() {
    auto options = jail_options();
    options.runtime_id = "sweep" + std::to_string(::getpid());
    options.uid_base = first_uid();
    options.uid_count = kUids;
    return options;
  }

  // Also where the jail was ended after the program had said all: its own half is the same.
  void judge(Run& run) const {
    auto const program = [](std::string const& text) { return text.substr(0, text.find(kPidOne)); };
    bool const told = run.posture.find("== end\n") != std::string::npos;
    if (run.ending == "ran" && run.posture != golden_)
      run.ending = "RAN WEAKER\n" + difference(golden_, run.posture);
    else if (told && program(run.posture) != program(golden_))
      run.ending = "RAN WEAKER\n" + difference(program(golden_), program(run.posture));
  }

  // The next event of this ticket, within the patience of a test.
  std::optional<SandboxEvent> next() {
    for (;;) {
      if (auto event = jails_.sandbox().poll()) return event;
      pollfd p{jails_.sandbox().native_handle(), POLLIN, 0};
      if (::poll(&p, 1, kPatience) == 0) return {};
    }
  }

  static std::string read_posture(int output) {
    std::string text;
    char buffer[8192];
    pollfd p{output, POLLIN, 0};
    while (text.find("== end\n") == std::string::npos && ::poll(&p, 1, kPatience) > 0) {
      auto const n = ::read(output, buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }

  void end_spawner() {
    auto const pid = jails_.sandbox().spawner_pid();
    if (pid == 0) return;
    auto const process = sys::open_process(pid);
    ::kill(pid, SIGKILL);
    if (process) REQUIRE(sys::wait_until_ended(process->get(), milliseconds(kPatience)));
  }

  Run launch() {
    Run run;
    auto [ours, theirs] = Jails::pipe();
    auto spec = Jails::victim({"posture-hold"});
    spec.environment = {"ONLY=this"};
    spec.listener = true;
    spec.output_fd = spec.error_fd = theirs.get();
    auto const ticket = jails_.sandbox().submit(spec);
    theirs.reset();
    if (!ticket) return run.ending = "not taken: " + ticket.error().message, run;
    for (;;) {
      auto const event = next();
      if (!event) return give_up(run);
      if (auto const* started = std::get_if<Started>(&*event)) {
        sys::Fd const listener(started->listener);
        run.posture = normalise(
            read_posture(ours.get()) + kPidOne + outside_view(parent_of(started->pid)), spec.id);
        ours.reset();  // and it ends
        continue;
      }
      if (auto const* failed = std::get_if<Failed>(&*event))
        run.ending = fmt::format("refused {} {}", failed->step, ::strerrorname_np(failed->error));
      if (auto const* exited = std::get_if<Exited>(&*event))
        run.ending = exited->lost        ? "lost"
                     : exited->code == 0 ? "ran"
                     : exited->code      ? fmt::format("exited {}", *exited->code)
                                         : fmt::format("ended by signal {}", *exited->signal);
      // What had run and is not told of as having run.
      if (run.ending.starts_with("refused") && !read_posture(ours.get()).empty())
        run.ending += " BUT RAN";
      return run;
    }
  }

  Run give_up(Run& run) {
    run.ending = "HUNG";
    ::kill(jails_.sandbox().spawner_pid(), SIGKILL);
    while (auto const event = next())
      if (std::holds_alternative<Exited>(*event)) break;
    return run;
  }

  static std::string difference(std::string const& wanted, std::string const& found) {
    std::istringstream a(wanted), b(found);
    std::multiset<std::string> gone, come;
    for (std::string line; std::getline(a, line);) gone.insert(line);
    for (std::string line; std::getline(b, line);)
      if (auto const it = gone.find(line); it != gone.end())
        gone.erase(it);
      else
        come.insert(line);
    std::string text;
    for (auto const& line : gone) text += "  -" + line + "\n";
    for (auto const& line : come) text += "  +" + line + "\n";
    return text;
  }

  // A spawner that has ended is replaced, and the next jail must be as good as the first; so must
  // be those on what was made ahead while something failed. That jail makes up for what was not
  // made, so all is to be there again, and no more.
  std::string leftovers(int spawner) {
    std::string left;
    auto const want = [&](bool gone, char const* what) {
      if (!gone) left += std::string(left.empty() ? "" : ", ") + what;
    };
    auto again = options().networks + options().shells;  // what waits may be on what waited
    if (jails_.sandbox().spawner_pid() != spawner || !std::filesystem::exists(of(spawner, "exe")))
      again = std::max(again, 1u);
    for (; again > 0; --again) {
      auto next = launch();
      judge(next);
      want(next.ending == "ran", ("a sandbox whose next jail " + next.ending).c_str());
      jails_.settle();
    }
    jails_.settle();
    int const now = jails_.sandbox().spawner_pid();
    auto const changed = difference(spawner_, outside_view(now));
    want(changed.empty(), ("a changed spawner\n" + changed).c_str());
    want(children_of(now) == options().shells, "a process");
    want(files_of(::getpid()) == files_, "a descriptor here");
    want(text_of("/proc/self/mountinfo") == mounts_, "a mount");
    want(groups() == options().networks + options().shells, "a cgroup");
    return left;
  }

  static unsigned children_of(pid_t pid) {
    std::istringstream children(text_of(of(pid, "task/" + std::to_string(pid) + "/children")));
    unsigned count = 0;
    for (pid_t child; children >> child;) ++count;
    return count;
  }

  // Those below our own, which are all of jails, living or to come.
  static unsigned groups() {
    std::filesystem::directory_iterator const all(
        sandbox::find_cgroup2(sys::read_text("/proc/self/mountinfo").value()).mount + "/faas-" +
        options().runtime_id);
    return static_cast<unsigned>(
        std::count_if(begin(all), end(all), [](auto const& e) { return e.is_directory(); }));
  }

  Jails jails_;
  std::string mounts_, golden_, files_, spawner_;
};

std::string name_of(Role role) {
  constexpr char const* kNames[] = {"spawner", "pid 1", "program", "pid 1 made ahead"};
  return kNames[static_cast<int>(role)];
}

std::string name_of(long call) {
  char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(call));
  std::string const text = name ? name : std::to_string(call);
  std::free(name);
  return text;
}

std::string error_name(int error) { return ::strerrorname_np(error); }

// Where a failure ends more than the launch, on purpose: nobody can be told otherwise, or it is too
// late to refuse.
struct OnPurpose {
  Role role;
  long call;
  char const* ending;
  char const* why;
  bool seen = false;
};
OnPurpose on_purpose[] = {
    {Role::spawner, SYS_recvmsg, "lost",
     "who cannot hear its library or a jail knows nothing any more: the spawner ends"},
    {Role::spawner, SYS_sendmsg, "lost",
     "a library that cannot be told would believe what is not: the spawner ends"},
    {Role::spawner, SYS_epoll_ctl, "lost", "the end of this jail would never be seen: likewise"},
    {Role::spawner, SYS_setresuid, "lost",
     "a spawner that cannot become itself again after clone must not go on: likewise"},
    {Role::spawner, SYS_setns, "lost",
     "a spawner that does not come home from the root of jails must not go on: likewise"},
    {Role::spawner, SYS_fchdir, "lost", "likewise"},
    {Role::spawner, SYS_chroot, "lost", "likewise"},
    {Role::init, SYS_dup3, "ended by signal 9",
     "the program runs, in a jail that is complete; pid 1 must not keep what it holds, and ends "
     "all"},
    {Role::init, SYS_close_range, "ended by signal 9", "likewise"},
    {Role::init, SYS_sendto, "ended by signal 9",
     "the program runs and nobody would know: pid 1 ends it, and its exit status says so"},
};

bool accepted(Role role, long call, int error, std::string const& ending) {
  if (ending == "ran") return true;
  if (ending.starts_with("refused ") && ending.ends_with(" " + error_name(error))) return true;
  for (auto& exception : on_purpose)
    if (exception.role == role && exception.call == call && exception.ending == ending)
      return exception.seen = true;
  return false;
}

// What is no call that a jail waits for and no end of one: the spawner waits for the first request.
bool waits(long call) { return call == SYS_epoll_wait; }

int sweep_new_spawner(Launches& launches, int error) {
  int nth = 1;
  for (;; ++nth) {
    auto const run = launches.run_new_spawner({Role::spawner, nth, error});
    if (!run.failed || waits(*run.failed)) break;
    if (std::getenv("FAAS_TEST_SWEEP"))
      fmt::print("new spawner {} {} {}: {}\n", nth, name_of(*run.failed), error_name(error),
                 run.ending);
    // Who may not raise its limit of queued signals keeps it; each jail has its own, which is less.
    if (run.ending.starts_with("ran LEFT a changed spawner\n  -Max pending signals")) continue;
    bool const refused =
        run.ending.starts_with("not taken: ") || run.ending.starts_with("refused ");
    if (run.ending != "ran" && !refused)
      FAIL_CHECK("the new spawner's call " << nth << ", " << name_of(*run.failed) << ", failed by "
                                           << error_name(error) << ": " << run.ending);
  }
  return nth - 1;
}

// Each call of who builds the first root of a new spawner. How many there were.
int sweep_builder(Launches& launches, int error) {
  int nth = 1;
  for (;; ++nth) {
    auto const run = launches.run_new_spawner({Role::init, nth, error});
    if (!run.failed) break;
    bool const refused = run.ending.starts_with("refused ");
    if (run.ending != "ran" && !refused)
      FAIL_CHECK("the builder's call " << nth << ", " << name_of(*run.failed) << ", failed by "
                                       << error_name(error) << ": " << run.ending);
  }
  return nth - 1;
}

// Each call of that process, with that error. How many there were.
int sweep(Launches& launches, Role role, int error) {
  int nth = 1;
  for (;; ++nth) {
    auto const run = launches.run({role, nth, error});
    if (!run.failed) break;
    if (std::getenv("FAAS_TEST_SWEEP"))
      fmt::print("{} {} {} {}: {}\n", name_of(role), nth, name_of(*run.failed), error_name(error),
                 run.ending);
    if (!accepted(role, *run.failed, error, run.ending))
      FAIL_CHECK(name_of(role) << "'s call " << nth << ", " << name_of(*run.failed)
                               << ", failed by " << error_name(error) << ": " << run.ending);
  }
  return nth - 1;
}

}  // namespace

TEST_CASE("whichever call of a launch fails, nothing runs in a weaker jail and nothing is left") {
  if (skipped_unless(::geteuid() == 0, "needs root, to see all of a jail from outside")) return;
  Launches launches;
  REQUIRE(launches.golden().find("== end") != std::string::npos);
  for (int const error : {EPERM, ENOMEM, EINTR, ENOSYS}) {
    // What a start costs: each call more is paid by every cold start. Fewer is fine, and then the
    // number here; the lower bounds say that the sweep saw the whole launch.
    int const spawner = sweep(launches, Role::spawner, error);
    int const init = sweep(launches, Role::init, error);
    int const program = sweep(launches, Role::program, error);
    CAPTURE(spawner);
    CAPTURE(init);
    CAPTURE(program);
    CHECK((spawner > 40 && spawner <= 57));
    CHECK((init > 90 && init <= 102));
    CHECK((program > 8 && program <= 12));
  }
  for (auto const& exception : on_purpose) {
    CAPTURE(std::string(exception.why));
    CHECK(exception.seen);  // else it is none any more
  }
}

// What was made while a call failed is what the next jail gets.
TEST_CASE("whichever call of a launch from pools fails, the next is as good, and all is refilled" *
          doctest::test_suite("pooled")) {
  if (skipped_unless(::geteuid() == 0, "needs root, to see all of a jail from outside")) return;
  REQUIRE(Launches::pooled());  // FAAS_TEST_NETWORKS, FAAS_TEST_SHELLS
  Launches launches;
  REQUIRE(launches.golden().find("== end") != std::string::npos);
  for (int const error : {EPERM, EINTR}) {
    int const spawner = sweep(launches, Role::spawner, error);
    int const init = sweep(launches, Role::init, error);
    int const program = sweep(launches, Role::program, error);
    int const ahead = sweep(launches, Role::ahead, error);
    // As above: more is paid by every such start, or by what makes the next one ready.
    bool const shells = Launches::shells();  // the rest of init is the jail's made ahead
    INFO("spawner " << spawner << ", init " << init << ", ahead " << ahead);
    CHECK((spawner > 50 && spawner <= (shells ? 83 : 72)));
    CHECK((init > (shells ? 8 : 85) && init <= (shells ? 10 : 93)));
    CHECK((program > 8 && program <= 12));
    CHECK((shells ? ahead > 75 && ahead <= 82 : ahead == 0));
  }
}

TEST_CASE("whichever call of who builds a root fails, no jail stands on it") {
  if (skipped_unless(::geteuid() == 0, "needs root, to see all of a jail from outside")) return;
  Launches launches;
  for (int const error : {EPERM, ENOMEM}) CHECK(sweep_builder(launches, error) > 70);
}

TEST_CASE("whichever call of a new spawner fails, it starts no jail or is the same") {
  if (skipped_unless(::geteuid() == 0, "needs root, to see all of a jail from outside")) return;
  Launches launches;
  CHECK(sweep_new_spawner(launches, EPERM) > 140);
}
