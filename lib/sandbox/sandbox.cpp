#include <faas/sandbox.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <span>

#include "base/text.hpp"
#include "sandbox/plan.hpp"
#include "sandbox/privilege.hpp"
#include "sandbox/sandbox_impl.hpp"
#include "sandbox/seccomp.hpp"
#include "sandbox/spec_check.hpp"
#include "sys/random.hpp"
#include "sys/text_file.hpp"

namespace faas::inline v0 {

using namespace sandbox;

namespace {

// Shared by every runtime of the machine, so that no host id is given out twice.
constexpr char const* kUidLocks = "/run/faas/uids";

template <class T>
std::string bytes_of(T const& value) {
  return {reinterpret_cast<char const*>(&value), sizeof value};
}

std::string random_id() {
  std::array<std::byte, 8> bytes;
  sys::random_bytes(bytes);
  return to_hex(bytes);
}

Error degraded_host(Facts const& facts) {
  std::string missing;
  auto const add = [&](bool there, char const* name) {
    if (!there) missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  add(facts.memory_controller, "memory");
  add(facts.pids_controller, "pids");
  add(facts.cpu_controller, "cpu");
  return {Errc::unsupported,
          fmt::format("no cgroup v2 controller for {} is available here, so limits would rest on "
                      "rlimits and a memory watch: boot with cgroup_no_v1=all (or "
                      "systemd.unified_cgroup_hierarchy=1) and give cgroup_root a delegated "
                      "directory, or set allow_degraded",
                      missing),
          "Degraded", "start"};
}

}  // namespace

std::string_view to_string(Privilege p) {
  switch (p) {
    case Privilege::automatic: return "automatic";
    case Privilege::root: return "root";
    case Privilege::delegated: return "delegated";
    case Privilege::unprivileged: return "unprivileged";
  }
  return "?";
}

Sandbox::Impl::~Impl() {
  spawner.reset();  // kills and reaps its jails, and waits
  for (auto& [ticket, jail] : jails)
    if (jail.pidfd) {
      sys::wait_until_ended(jail.pidfd.get(), std::chrono::seconds(2));
      sys::reap(jail.pidfd.get());
    }
}

Result<void> Sandbox::Impl::open_cgroups(SandboxOptions const& options) {
  if (options.privilege == Privilege::unprivileged) return {};
  auto groups = Cgroups::open(options.cgroup_root,
                              options.runtime_id.empty() ? random_id() : options.runtime_id);
  if (!groups) return groups.error();
  cgroups = std::move(*groups);
  if (!cgroups) return {};
  auto const on = cgroups->controllers();
  facts.memory_controller = on.memory;
  facts.pids_controller = on.pids;
  facts.cpu_controller = on.cpu;
  return {};
}

Result<void> Sandbox::Impl::open_ids(SandboxOptions const& options) {
  if (facts.privilege != Privilege::root) return {};
  for (auto const* map : {"/proc/self/uid_map", "/proc/self/gid_map"}) {
    auto const text = sys::read_text(map);
    if (!text || !maps_ids(*text, options.uid_base, options.uid_count))
      return Error{Errc::unsupported,
                   fmt::format("host ids {} to {} do not all exist in this user namespace ({}): "
                               "set uid_base and uid_count to a range that does",
                               options.uid_base, options.uid_base + options.uid_count - 1, map),
                   {},
                   "start"};
  }
  auto pool = UidPool::open(kUidLocks, options.uid_base, options.uid_count);
  if (!pool) return pool.error();
  uids = std::move(*pool);
  return {};
}

Result<void> Sandbox::Impl::open_handles() {
  epoll = sys::Fd(::epoll_create1(EPOLL_CLOEXEC));
  wake = sys::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  if (!epoll || !wake || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0)
    return sys::errno_error("epoll_ctl", errno);
  return {};
}

Result<void> Sandbox::Impl::open(SandboxOptions const& options) {
  if (auto ok = check(options); !ok) return ok;
  facts = read_facts();
  if (auto ok = open_cgroups(options); !ok) return ok;
  auto const privilege = choose_privilege(options, facts, cgroups.has_value());
  if (!privilege) return privilege.error();
  facts.privilege = *privilege;
  if (auto const missing = missing_feature(*privilege))
    return Error{Errc::unsupported, *missing, {}, "start"};
  if (facts.degraded() && !options.allow_degraded) return degraded_host(facts);
  if (auto ok = open_ids(options); !ok) return ok;
  if (auto ok = open_handles(); !ok) return ok;
  if (facts.privilege == Privilege::root) {
    networks = options.networks;
    shells = options.shells;
  }
  return ensure_spawner();
}

Result<void> Sandbox::Impl::ensure_spawner() {
  if (spawner) return {};
  auto started = SpawnerProcess::start();
  if (!started) return started.error();
  spawner = std::make_unique<SpawnerProcess>(std::move(*started));
  filter_sent = {};
  watching_writes = false;
  for (auto& tree : trees) tree.sent = false;
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, spawner->socket(), &event) != 0)
    return sys::errno_error("epoll_ctl", errno);
  return networks ? send_pool() : Result<void>();
}

Result<void> Sandbox::Impl::send_pool() {
  auto const encoded = encode(make_network(facts));
  wire::Networks head;
  head.count = networks;
  head.steps = encoded.steps;
  head.arena = encoded.arena;
  return send(bytes_of(head) + encoded.bytes, {});
}

std::uint64_t Sandbox::Impl::recycle_key(std::string const& text) {
  constexpr std::size_t kRemembered = 64;
  if (text.empty() || networks == 0) return 0;
  auto const it = std::find_if(recycled.begin(), recycled.end(),
                               [&](auto const& known) { return known.first == text; });
  if (it != recycled.end()) return it->second;
  if (recycled.size() == kRemembered) recycled.pop_front();
  recycled.emplace_back(text, next_recycle);
  return next_recycle++;
}

// Nothing waits for us: one cgroup for a start to come.
void Sandbox::Impl::prepare() {
  if (building > 0) return;
  if (cgroups && cgroups->ready() < networks) return cgroups->prepare();
  if (shells > 0 && !shells_failed && spawner) prepare_shell();
}

Result<void> Sandbox::Impl::ensure_filter(SeccompClass which) {
  auto const index = static_cast<std::size_t>(which);
  if (filters.at(index).empty()) filters[index] = compile_filter(which, facts.memory_controller);
  if (filter_sent[index]) return {};
  wire::Filter head;
  head.index = static_cast<std::uint32_t>(index);
  head.bytes = filters[index].size();
  auto sent = send(bytes_of(head) + filters[index], {});
  filter_sent[index] = static_cast<bool>(sent);
  return sent;
}

// 1 + its index, once the spawner has it or will before the next start; 0 where each jail builds
// its own.
Result<std::uint32_t> Sandbox::Impl::ensure_tree(Spec const& spec, Ticket ticket) {
  if (facts.privilege != Privilege::root) return 0;
  auto it = std::find_if(trees.begin(), trees.end(),
                         [&](Tree const& tree) { return tree.used && tree.files == spec.files; });
  if (it == trees.end()) {
    it = std::min_element(trees.begin(), trees.end(),
                          [](Tree const& a, Tree const& b) { return a.used < b.used; });
    *it = {spec.files, 0, false};
  }
  it->used = ticket;
  auto const index = static_cast<std::uint32_t>(it - trees.begin());
  if (it->sent) return index + 1;
  auto const plan = make_tree(spec.files, facts);
  auto const encoded = encode(plan);
  wire::Tree head;
  head.index = index;
  head.steps = encoded.steps;
  head.arena = encoded.arena;
  head.clone_flags = plan.clone_flags;
  auto sent = send(bytes_of(head) + encoded.bytes, {});
  it->sent = static_cast<bool>(sent);
  if (!sent) return sent.error();
  return index + 1;
}

Result<void> Sandbox::Impl::send(std::string message, std::vector<int> const& fds) {
  if (message.size() > wire::kMaxMessage)
    return Error{Errc::invalid_argument,
                 fmt::format("the start takes {} bytes, the limit is {}: fewer files or arguments",
                             message.size(), wire::kMaxMessage),
                 {},
                 "start"};
  auto sent = spawner->send(std::move(message), fds);
  watch_socket();
  return sent;
}

// What the kernel must hold before the jail exists: an id of its own, a cgroup with its limits.
Result<void> Sandbox::Impl::claim(Spec const& spec, Jail& jail) {
  if (uids) {
    auto const blocks = uids->blocks();
    auto id = uids->take();
    if (!id) return id.error();
    jail.uid = *id;
    // A block that was a killed runtime's until now: its last jails may not have ended yet.
    if (cgroups && uids->blocks() > blocks) cgroups->remove_dead_neighbours();
  }
  if (cgroups) {
    jail.pooled = cgroups->ready() > 0;
    auto group = cgroups->create(spec);
    if (!group) return group.error();
    jail.cgroup = std::move(*group);
  }
  return {};
}

void Sandbox::Impl::end_building(Jail& jail) { building -= std::exchange(jail.building, false); }

void Sandbox::Impl::release(Jail& jail) {
  if (jail.cgroup && !cgroups->remove(jail.cgroup)) jail.cgroup.kill();
  end_building(jail);
  if (jail.uid) uids->give_back(*std::exchange(jail.uid, std::nullopt));
}

// Where every jail starts from. Now, for somebody may have reniced it.
void Sandbox::Impl::look_at_spawner() {
  facts.nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(spawner->pid()));
  facts.background = ::sched_getscheduler(spawner->pid()) == SCHED_IDLE;
}

Result<void> Sandbox::Impl::send_start(Spec const& spec, Jail const& jail, Ticket ticket,
                                       Ticket shell) {
  look_at_spawner();
  bool const pause = !jail.shape.empty();
  auto const& plan =
      plans.get(spec, facts, jail.uid.value_or(facts.uid), jail.uid.value_or(facts.gid), pause);
  wire::Start head;
  head.ticket = ticket;
  head.pause = pause;
  head.shell = shell;
  head.clone_flags = plan.clone_flags;
  head.owner = plan.owner;
  head.tree = jail.tree;
  head.recycle = recycle_key(spec.recycle);
  head.listener = spec.listener;
  head.watched_memory = spec.memory.count;
  head.steps = plan.encoded.steps;
  head.arena = plan.encoded.arena;
  std::vector<int> fds;
  auto const pass = [&](int fd, wire::StartFds flag) {
    if (fd < 0) return;
    fds.push_back(fd);
    head.fds |= flag;
  };
  pass(spec.output_fd, wire::kHasOutput);
  pass(spec.error_fd, wire::kHasError);
  pass(jail.cgroup.fd(), wire::kHasCgroup);
  pass(spec.channel_fd, wire::kHasChannel);
  return send(bytes_of(head) + plan.encoded.bytes, fds);
}

Result<Ticket> Sandbox::Impl::submit(Spec const& spec) {
  auto const submitted = std::chrono::steady_clock::now();
  if (auto ok = check(spec); !ok) return ok.error();
  for (auto const& [ticket, other] : jails)
    if (other.id == spec.id)
      return Error{Errc::invalid_argument,
                   fmt::format("id is \"{}\": a living jail has it", spec.id),
                   {},
                   "start"};
  auto ticket = start(spec, submitted);
  if (ticket || !spawner || spawner->alive()) return ticket;
  // It died and poll() has not said so yet: those who were with it are lost, this one need not be.
  lose_all();
  return start(spec, submitted);
}

Result<Ticket> Sandbox::Impl::start(Spec const& spec, TimePoint submitted) {
  if (auto ok = ensure_spawner(); !ok) return ok.error();
  if (auto ok = ensure_filter(spec.seccomp); !ok) return ok.error();
  if (shells > 0) want_shells(spec);
  if (auto const it = find_shell(shells > 0 ? shape_of(spec) : std::string()); it != jails.end())
    return start_in(it, spec, submitted);
  Jail jail;
  jail.id = spec.id;
  jail.submitted = submitted;
  jail.files += spec.listener;
  auto const ticket = next_ticket++;
  if (auto ok = begin(spec, std::move(jail), ticket); !ok) return ok.error();
  return ticket;
}

Result<void> Sandbox::Impl::begin(Spec const& spec, Jail jail, Ticket ticket) {
  auto const tree = ensure_tree(spec, ticket);
  if (!tree) return tree.error();
  jail.tree = *tree;
  ++building;
  jail.building = true;
  auto ok = claim(spec, jail);
  if (ok) ok = send_start(spec, jail, ticket);
  if (!ok) {
    release(jail);
    return ok;
  }
  jails.emplace(ticket, std::move(jail));
  return {};
}

// Should it have ended, the spawner makes another jail with its id and in its cgroup.
Result<Ticket> Sandbox::Impl::start_in(Jails::iterator it, Spec const& spec, TimePoint submitted) {
  auto& jail = it->second;
  auto const ticket = next_ticket++;
  auto const tree = ensure_tree(spec, ticket);
  if (!tree) return tree.error();
  jail.tree = *tree;
  auto shape = std::exchange(jail.shape, {});
  if (auto ok = send_start(spec, jail, ticket, it->first); !ok) {
    jail.shape = std::move(shape);  // it waits on, and its id is still its own
    return ok.error();
  }
  jail.waiting = false;
  jail.id = spec.id;
  jail.submitted = submitted;
  jail.files = 1u + spec.listener;
  jail.building = true;
  ++building;
  auto node = jails.extract(it);
  node.key() = ticket;
  jails.insert(std::move(node));
  return ticket;
}

void Sandbox::Impl::signal(Ticket ticket, wire::Verb verb) {
  auto const it = jails.find(ticket);
  if (it == jails.end() || it->second.lost) return;
  auto& jail = it->second;
  jail.killed |= verb == wire::Verb::kill;
  if (verb == wire::Verb::kill && jail.cgroup) jail.cgroup.kill();
  // Through the spawner too, in order behind the start: the jail may not exist yet.
  (void)send(bytes_of(wire::Signal{verb, 0, ticket}), {});
}

bool Sandbox::Impl::freeze(Ticket ticket, bool stand_still) const {
  auto const it = jails.find(ticket);
  return it != jails.end() && it->second.cgroup && it->second.cgroup.freeze(stand_still);
}

Bytes Sandbox::Impl::max_memory(Ticket ticket) const {
  auto const it = jails.find(ticket);
  if (it == jails.end()) return {};
  auto const& jail = it->second;
  if (jail.cgroup)
    if (auto const peak = jail.cgroup.peak()) return {peak};
  if (jail.pid == 0 || (jail.pidfd && sys::has_ended(jail.pidfd.get()))) return {};
  auto const status = sys::read_text(fmt::format("/proc/{}/status", jail.pid));
  if (!status) return {};
  auto const at = status->find("VmHWM:");
  if (at == std::string::npos) return {};
  return {std::strtoull(status->c_str() + at + 6, nullptr, 10) * 1024};
}

Result<Sandbox> Sandbox::open(SandboxOptions options) {
  auto impl = std::make_unique<Impl>();
  if (auto ok = impl->open(options); !ok) return ok.error();
  return Sandbox(std::move(impl));
}

Sandbox::Sandbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sandbox::~Sandbox() = default;
Sandbox::Sandbox(Sandbox&&) noexcept = default;
Sandbox& Sandbox::operator=(Sandbox&&) noexcept = default;

Result<Ticket> Sandbox::submit(Spec const& spec) { return impl_->submit(spec); }
int Sandbox::native_handle() const { return impl_->epoll.get(); }
std::optional<SandboxEvent> Sandbox::poll() { return impl_->poll(); }
void Sandbox::kill(Ticket ticket) { impl_->signal(ticket, wire::Verb::kill); }
void Sandbox::terminate(Ticket ticket) { impl_->signal(ticket, wire::Verb::terminate); }
bool Sandbox::freeze(Ticket ticket) { return impl_->freeze(ticket, true); }
bool Sandbox::thaw(Ticket ticket) { return impl_->freeze(ticket, false); }
Bytes Sandbox::max_memory(Ticket ticket) const { return impl_->max_memory(ticket); }
bool Sandbox::degraded() const { return impl_->facts.degraded(); }
Privilege Sandbox::privilege() const { return impl_->facts.privilege; }
int Sandbox::spawner_pid() const { return impl_->spawner ? impl_->spawner->pid() : 0; }

Result<Exited> Sandbox::run(Spec const& spec) {
  auto ticket = submit(spec);
  if (!ticket) return ticket.error();
  for (;;) {
    while (auto event = poll()) {
      if (auto const* started = std::get_if<Started>(&*event); started && started->listener >= 0)
        ::close(started->listener);
      if (auto const* failed = std::get_if<Failed>(&*event); failed && failed->ticket == *ticket)
        return sys::errno_error("the jail could not be built: " + failed->step, failed->error);
      if (auto const* exited = std::get_if<Exited>(&*event); exited && exited->ticket == *ticket)
        return *exited;
    }
    pollfd p{native_handle(), POLLIN, 0};
    if (::poll(&p, 1, -1) < 0 && errno != EINTR) return sys::errno_error("poll", errno);
  }
}

}  // namespace faas::inline v0
