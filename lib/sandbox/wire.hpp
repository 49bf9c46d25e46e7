// What the library and its spawner say to each other over SOCK_SEQPACKET: plain data, one message a
// verb, no allocation on the spawner's side. Both ends are built together; the version guards
// against a spawner image of another build.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faas::inline v0::sandbox::wire {

inline constexpr std::uint32_t kVersion = 6;
// The default send buffer of a unix socket (212,992 bytes) carries it in one message.
inline constexpr std::size_t kMaxMessage = 192 * 1024;
inline constexpr std::size_t kMaxFilter = 4096 * 8;  // BPF_MAXINSNS instructions
inline constexpr int kFilters = 4;                   // one for each SeccompClass
inline constexpr int kSlots = 25;
inline constexpr std::uint32_t kTrees = 8;          // roots the spawner keeps
inline constexpr std::uint32_t kMaxNetworks = 256;  // that wait for a jail
inline constexpr std::uint32_t kSpawnersOwn = ~0u;  // Start::owner: no id but the spawner's
inline constexpr int kSpawnerSocket = 3;            // the descriptors a spawner is born with
inline constexpr int kSpawnerHost = 4;              // pidfd of the host

enum class Verb : std::uint32_t { start = 1, kill, terminate, filter, tree, networks };
enum class ReplyKind : std::uint32_t { hello = 1, waiting, started, failed, exited };

// Where in the start of a jail a step runs.
enum class Where : std::uint8_t {
  before,   // the spawner, before clone3
  after,    // the spawner, after clone3: what only the parent namespace may do
  jail,     // pid 1 of the jail
  network,  // likewise, in a network namespace that is new
  package,  // likewise: what of the jail is the function's
  program,  // the function's own process, until its exec
  tree,     // who builds a root for many jails
};

enum class ArgKind : std::uint8_t {
  number,
  slot,     // the descriptor in that slot
  data,     // address of the arena at that offset
  list,     // address of a null-terminated vector of strings in the arena
  scratch,  // address of 4 KiB to write to
  filter,   // address of the sock_fprog of that class
};

// What makes a step a success.
enum class Check : std::uint8_t {
  done,      // the call did not fail
  equals,    // it returned `expected`
  device,    // and the struct stat in scratch is the character device `expected`
  absolute,  // and the path in scratch starts with '/': "(unreachable)" is a way out
             // (CVE-2024-21626)
};

// Calls that are not one system call; numbered above all of those.
enum class Special : std::uint32_t {
  announce = 1u << 20,  // sendmsg on the report socket: args are three slots whose descriptors, if
                        // any, go along (AnnounceFds)
  jail_directory,       // open /proc/<pid 1 of the jail>
};

struct Step {
  char name[24];
  std::uint32_t call;
  Where where;
  Check check;
  std::int8_t into;  // slot for the result, or -1
  std::uint8_t reserved;
  ArgKind kinds[6];
  std::uint8_t pad[2];
  std::uint64_t args[6];
  std::uint64_t expected;
};
static_assert(sizeof(Step) == 96);

// Slots the spawner fills before it walks; a plan chooses the others.
enum Slot : std::int8_t {
  kReport = 0,  // socket between spawner and jail: each side sees its own end
  kOutput = 1,
  kError = 2,
  kJailDirectory = 3,
  kListener = 4,
  kChannel = 24,  // the program's descriptor 3
};

// Which descriptors travel with a start, in this order.
enum StartFds : std::uint32_t { kHasOutput = 1, kHasError = 2, kHasCgroup = 4, kHasChannel = 8 };
// Which descriptors travel with the announcement, in this order: that of its arguments.
enum AnnounceFds : std::uint32_t { kHasListener = 1, kHasProc = 2, kHasTmp = 4 };

struct Start {  // followed by steps[], then the arena
  Verb verb = Verb::start;
  std::uint32_t fds = 0;
  std::uint64_t ticket = 0;
  std::uint64_t clone_flags = 0;
  std::uint64_t watched_memory = 0;  // the memory watch kills above this; 0: no watch
  std::uint32_t steps = 0;
  std::uint32_t arena = 0;             // bytes
  std::uint32_t owner = kSpawnersOwn;  // host uid that makes the user namespace
  std::uint32_t tree = 0;              // 1 + index of the root it stands on; 0: it builds its own
  std::uint64_t recycle = 0;   // its network may become that of a jail with the same; 0: of none
  std::uint32_t listener = 0;  // 1: Spec::listener
  std::uint32_t pause = 0;     // 1: pid 1 waits before its program; a start with `shell` wakes it
  std::uint64_t shell = 0;     // ticket of one that waits, to be used if it lives
};

struct Networks {  // followed by steps[], then the arena: at most 4 KiB
  Verb verb = Verb::networks;
  std::uint32_t count = 0;  // to keep ready, at most kMaxNetworks
  std::uint32_t steps = 0;
  std::uint32_t arena = 0;
};

struct Tree {  // followed by steps[], then the arena
  Verb verb = Verb::tree;
  std::uint32_t index = 0;  // whatever was there goes; jails that stand on it have copies
  std::uint32_t steps = 0;
  std::uint32_t arena = 0;
  std::uint64_t clone_flags = 0;
};

struct Signal {  // kill, terminate
  Verb verb;
  std::uint32_t reserved = 0;
  std::uint64_t ticket;
};

struct Filter {  // followed by the instructions
  Verb verb = Verb::filter;
  std::uint32_t index = 0;
  std::uint64_t bytes = 0;
};

struct Reply {  // started carries a pidfd of the jail's pid 1, then the listener if there is one
  ReplyKind kind;
  std::uint32_t version;
  std::uint64_t ticket;
  std::int32_t pid;     // of the function's process, in the spawner's pid namespace
  std::int32_t error;   // failed: errno
  std::int32_t status;  // exited: as of waitpid
  std::int32_t out_of_memory;
  std::uint32_t tree_missing;  // failed: the root it was to stand on is not there
  std::uint16_t pooled;        // started: its network was ready
  std::uint16_t shell;         // started: all of the jail was
  std::uint64_t exec_at;       // started: CLOCK_MONOTONIC, ns; 0: not known
  std::uint64_t exec_ns;       // started: how long the exec took
  std::uint64_t cpu_us;        // of all its processes, pid 1 included
  std::uint64_t own_us;        // of pid 1 alone: what building the jail took
  std::uint64_t peak;          // bytes
  char step[24];               // failed
};

// From the jail to the spawner.
enum class ReportKind : std::uint32_t { waiting = 1, announce, started, failed, exited };
struct Report {
  ReportKind kind;
  std::int32_t error;              // failed
  std::int32_t status;             // exited
  std::uint32_t fds;               // announce
  std::uint64_t own_us;            // exited: CPU time of pid 1 itself, not the function's
  std::uint64_t exec_at, exec_ns;  // started: as in Reply
  char step[24];                   // failed
};

}  // namespace faas::inline v0::sandbox::wire
