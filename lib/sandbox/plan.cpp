#include "sandbox/plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>

#include <csignal>

#include "sandbox/plan_builder.hpp"

namespace faas::inline v0::sandbox {
namespace {

void write_jail_file(Builder& b, char const* open_name, char const* write_name, std::string path,
                     std::string const& text) {
  b.open(slot::temp, open_name, FAAS_CALL(openat),
         {slot::jail_directory, std::move(path), FAAS_N(O_WRONLY | O_CLOEXEC)});
  b.exactly(text.size(), write_name, FAAS_CALL(write),
            {slot::temp, Blob{text, fmt::format("\"{}\"", text)}, number(text.size())});
  b.close(slot::temp);
}

// The maps of a user namespace may only be written from its parent, so the spawner does, while the
// jail waits at "await-maps".
void plan_maps(Builder& b, std::uint32_t uid, std::uint32_t gid) {
  b.in(wire::Where::after);
  // By directory, not by number: the pid is ours until we wait for it, so this can be no other
  // process.
  b.open(slot::jail_directory, "open-jail-directory",
         {static_cast<std::uint32_t>(wire::Special::jail_directory), "open-jail-directory"}, {});
  // G6. Before gid_map: the kernel demands it of an ordinary user (CVE-2014-8989: dropping a group
  // could add rights).
  write_jail_file(b, "open-setgroups", "deny-setgroups", "setgroups", "deny");
  // One id, so nothing in the jail can become anybody else.
  write_jail_file(b, "open-uid-map", "map-uid", "uid_map", map_of(uid));
  write_jail_file(b, "open-gid-map", "map-gid", "gid_map", map_of(gid));
  // The host's own score may be -1000 (a service unit); under pressure a jail goes first, never the
  // host.
  write_jail_file(b, "open-oom-score", "oom-score", "oom_score_adj", "1000");
  b.exactly(1, "release-jail", FAAS_CALL(write), {slot::report, Blob{"g", "\"g\""}, number(1)});
}

// A new uts namespace copies the host's names.
void plan_names(Builder& b) {
  b.step("host-name", FAAS_CALL(sethostname), {std::string("sandbox"), number(7)});
  b.step("domain-name", FAAS_CALL(setdomainname), {std::string("localdomain"), number(11)});
}

void plan_identity(Builder& b) {
  b.exactly(1, "await-maps", FAAS_CALL(read), {slot::report, Scratch{}, number(1)});
  // The capabilities of a new user namespace survive this: id 0 is not mapped in it, so nothing
  // here counts as a change from root.
  b.step("become-gid", FAAS_CALL(setresgid), {number(1000), number(1000), number(1000)});
  b.step("become-uid", FAAS_CALL(setresuid), {number(1000), number(1000), number(1000)});
  // Again: a change of ids clears it. If the spawner died before this, the next read or write on
  // the report socket fails, and no byte of the function runs.
  b.step("die-with-spawner", FAAS_CALL(prctl), {FAAS_N(PR_SET_PDEATHSIG), FAAS_N(SIGKILL)});
  // The function has the same id: it must not attach to pid 1 nor read its memory or descriptors.
  b.step("not-dumpable", FAAS_CALL(prctl), {FAAS_N(PR_SET_DUMPABLE), number(0)});
}

// What needs no mapped id: while the spawner writes the maps, so that nobody waits for them.
void plan_unmapped(Builder& b) {
  plan_network(b);
  plan_names(b);
  plan_scheduling(b);
  plan_limits(b);
  plan_bounds(b);
}

}  // namespace

std::string map_of(std::uint32_t host_id) { return fmt::format("1000 {} 1", host_id); }

Plan make_plan(Spec const& spec, Facts const& host, std::uint32_t host_uid,
               std::uint32_t host_gid) {
  Builder b(spec, host);
  // G7. Network and cgroup included: a jail without its own cgroup namespace sees the host's tree
  // (CVE-2022-0492), without its own network the abstract sockets (CVE-2020-15257).
  b.plan.clone_flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                       CLONE_NEWUTS | CLONE_NEWCGROUP;
  // What the kernel counts by id (inotify instances, queued signals, …) it counts for the maker of
  // the user namespace, too: were that root, one jail could take all of root's (B8, A12).
  if (b.ids_of_its_own()) b.plan.owner = host_uid;
  b.in(wire::Where::before);
  if (b.ids_of_its_own()) {
    // The jail may not (setgroups is denied in it), and root's groups are not the function's.
    b.step("no-groups", FAAS_CALL(setgroups), {number(0), number(0)});
    plan_package_trees(b);
  }
  plan_maps(b, host_uid, host_gid);
  b.in(wire::Where::jail);
  // First of all: whatever happens to the spawner, nothing of the jail outlives it.
  b.step("die-with-spawner", FAAS_CALL(prctl), {FAAS_N(PR_SET_PDEATHSIG), FAAS_N(SIGKILL)});
  plan_unmapped(b);
  plan_identity(b);
  plan_root(b);
  plan_lock(b);
  b.in(wire::Where::program);
  plan_program(b);
  return std::move(b.plan);
}

}  // namespace faas::inline v0::sandbox
