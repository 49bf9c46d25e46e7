// Attacks by files: of /tmp, of the root, of /proc, of the package.
#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <thread>

#include "attacker.hpp"

using namespace faas;
using namespace faas::test;
namespace fs = std::filesystem;

namespace {

constexpr int kStarts = 1000;

bool is_one_of(std::string const& word, std::initializer_list<char const*> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// A directory of the host that no jail may change, or see.
struct Precious {
  Precious() { directory.write("canary", "untouched"); }
  bool is_untouched() const {
    auto const all = fs::directory_iterator(directory.path());
    return slurp(directory / "canary") == "untouched" && std::distance(begin(all), end(all)) == 1;
  }
  TempDir directory;
};

// A layer whose link "way" is that descriptor of the function's; to name it would be refused.
std::unique_ptr<TempDir> way_to(int fd) {
  auto layer = std::make_unique<TempDir>();
  layer->write("readme", "");
  fs::create_symlink("/proc/self/fd/" + std::to_string(fd), *layer / "way");
  return layer;
}

// Each name of the package is a directory, a link out of it and a file in turn, for ever.
void change_kinds(TempDir const& package, std::string const& outside,
                  std::atomic<bool> const& stop) {
  std::error_code ignored;
  while (!stop)
    for (std::string const name : {"dev", "proc", "sys", "tmp", "var"}) {
      fs::path const at = package / name;
      fs::remove_all(at, ignored);
      fs::create_directories(at / "task", ignored);
      fs::rename(at, package / "aside", ignored);
      fs::create_symlink(outside, at, ignored);
      fs::remove(at, ignored);
      std::ofstream(at) << "a file";
      fs::remove_all(package / "aside", ignored);
    }
}

}  // namespace

TEST_CASE(
    "a sparse file of a pebibyte takes its used pages, and no more can be allocated") {  // B11
  Jails jails;
  auto spec = attacker({"sparse"});
  spec.tmp = 32_MiB;
  auto const story = jails.run(spec);
  CAPTURE(story.output);
  CHECK(is_one_of(story.answer("truncate"), {"done", "EFBIG"}));
  CHECK(story.answer("blocks after truncate") == "0");
  CHECK(is_one_of(story.answer("allocate"), {"ENOSPC", "EFBIG"}));
  CHECK(is_one_of(story.answer("allocate beyond the end"), {"ENOSPC", "EFBIG"}));
  CHECK(story.answer("blocks after allocate") == "0");
  CHECK(std::stol(story.answer("blocks after write")) <= 8);
  CHECK(story.exited->code == 0);
}

TEST_CASE("a jail a hundred thousand directories deep ends like any other") {  // B12
  Jails jails;
  auto spec = attacker({"deep"});
  spec.memory = 512_MiB;
  auto running = jails.start(spec);
  CHECK(Jails::read(running, 13) == "depth 100000\n");
  jails.sandbox().kill(running.ticket);
  CHECK(jails.end(running).signal == 9);  // within ten seconds, or there is no event
  CHECK(jails.attempt({"hello"}).output == "hello\n");
}

TEST_CASE("a link in a directory's place leads no teardown out of the jail") {  // B13
  Jails jails;
  Precious precious;
  for (int i = 0; i < 30; ++i) {
    auto running = jails.start(attacker({"swap-links", precious.directory.path()}));
    CHECK(Jails::read(running, 9) == "swapping\n");
    jails.sandbox().kill(running.ticket);
    CHECK(jails.end(running).signal == 9);
  }
  CHECK(precious.is_untouched());
}

TEST_CASE("of all mounts of a jail one can be written to, and it is memory") {  // B14, B18
  Jails jails;
  auto const story = jails.run(attacker({"write-mounts"}));
  std::istringstream lines(story.output);
  int mounts = 0;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    if (line.starts_with("mounts "))
      mounts = std::stoi(line.substr(7));
    else if (line.starts_with("opened "))
      CHECK(line.starts_with("opened /dev/"));  // devices
    else
      CHECK(line == "made /tmp 1021994");  // TMPFS_MAGIC
  }
  CHECK(mounts >= 10);
  CHECK(story.says("made /tmp 1021994"));
}

TEST_CASE(
    "attributes are refused, hard links and locks end at the limits of /tmp and of files") {  // B16
  Jails jails;
  auto spec = attacker({"flood-links"});
  spec.tmp = 4_MiB;  // 1,024 inodes, and a hard link counts as one
  auto const story = jails.run(spec);
  CAPTURE(story.output);
  for (auto const* what : {"attribute", "attribute by descriptor", "access list"})
    CHECK(story.answer(what) == "EOPNOTSUPP");
  CHECK(story.answer("links") == "1022 ENOSPC");
  CHECK(story.answer("locks") == "EMFILE");
}

TEST_CASE("no way up leads beyond the root") {  // D3
  Jails jails;
  CHECK(jails.run(attacker({"climb"})).output ==
        "from root root\nfrom tmp root\nfrom task root\nby proc root\nby cwd root\n"
        "by pid 1 ENOENT\nchroot EPERM\nafter chroot root\nmove up done\nafter move root\n");
}

TEST_CASE("a working directory that is a descriptor leads nowhere outside") {  // D2
  Jails jails;
  for (int fd = 0; fd < 40; ++fd) {
    auto const way = way_to(fd);
    auto spec = attacker({"climb-here"});
    spec.opt = way->path();
    spec.working_directory = "/opt/way";
    auto const story = jails.run(spec);
    CAPTURE(fd);
    CAPTURE(story.output);
    // A descriptor of the walk's own may lead to a place of the jail; never to one beyond it.
    if (story.failed) {
      CHECK(is_one_of(story.failed->step, {"working-directory", "verify-directory"}));
    } else {
      CHECK(story.answer("directory").starts_with("/"));
      CHECK(story.answer("up") == "root");
    }
  }
}

TEST_CASE("a descriptor of a directory of the host's is no working directory") {  // D2, G3
  Jails jails;
  TempDir host;
  ::chmod(host.path().c_str(), 0755);
  sys::Fd const directory(::open(host.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto spec = attacker({"climb-here"});
  spec.output_fd = directory.get();  // what a host should not do: it is the program's descriptor 1
  auto const way = way_to(1);
  spec.opt = way->path();
  spec.working_directory = "/opt/way";
  auto const ticket = jails.sandbox().submit(spec).value();
  auto const event = jails.next(ticket);
  REQUIRE(event.has_value());
  REQUIRE(std::holds_alternative<Failed>(*event));
  CHECK(std::get<Failed>(*event).step == "verify-directory");
}

TEST_CASE("nothing of the kernel's can be written") {  // D6
  Jails jails;
  auto const story = jails.run(attacker({"write-kernel"}));
  std::istringstream lines(story.output);
  int files = 0;
  for (std::string path, answer; lines >> path >> answer; ++files) {
    CAPTURE(path);
    CHECK(is_one_of(answer, {"ENOENT", "EACCES", "EPERM", "EROFS", "EINVAL"}));
    if (path.starts_with("/proc/sys") || path.starts_with("/sys/")) CHECK(answer == "ENOENT");
  }
  CHECK(files == 17);
}

TEST_CASE("while a thousand jails start, none writes to a program") {  // D4
  Jails jails;
  auto const program = std::string(FAAS_VICTIMS) + "/attacker";
  auto const before = slurp(program);
  auto const spawner = "/proc/" + std::to_string(jails.sandbox().spawner_pid()) + "/exe";
  auto const spawner_before = slurp(spawner);  // empty where we may not look
  for (int i = 0; i < kStarts; ++i) {
    auto const story = jails.run(attacker({"write-programs"}));
    std::istringstream lines(story.output);
    int attempts = 0;
    for (std::string path, answer; lines >> path >> answer; ++attempts) {
      CAPTURE(path);
      CHECK(is_one_of(answer, {"ENOENT", "EACCES", "EROFS", "ETXTBSY"}));
    }
    CHECK(attempts == 5);
  }
  CHECK(slurp(program) == before);
  CHECK(slurp(spawner) == spawner_before);
  if (::geteuid() == 0) CHECK(spawner_before.size() > 1000);
}

TEST_CASE("code that lies in a pipe is not changed by what the pipe is given") {  // C19
  Jails jails;
  auto const before = slurp(std::string(FAAS_VICTIMS) + "/attacker");
  CHECK(jails.run(attacker({"splice-code"})).output == "splice done\nwrite done\ncode unchanged\n");
  CHECK(slurp(std::string(FAAS_VICTIMS) + "/attacker") == before);
}

TEST_CASE("device nodes are not made, and none but five opened") {  // C25
  Jails jails;
  auto const story = jails.run(attacker({"device-nodes"}));
  CAPTURE(story.output);
  CHECK(story.answer("character device") == "EPERM");
  CHECK(story.answer("block device") == "EPERM");
  CHECK(story.answer("fifo") == "done");
  std::istringstream lines(story.output);
  int devices = 0;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("/dev/")) {
      CHECK(line.ends_with(" ENOENT"));
      ++devices;
    }
  CHECK(devices == 11);
}

TEST_CASE(
    "a package with names of the system's own has them below its own directory alone") {  // D12
  TempDir package;
  package.write("etc/ld.so.preload", "/var/task/evil.so\n");
  package.write("etc/passwd", "root::0:0::/:/bin/sh\n");
  package.write("etc/nsswitch.conf", "hosts: evil\n");
  package.write("etc/resolv.conf", "nameserver 6.6.6.6\n");
  for (auto const& directory : {package.path(), package / "etc"}) ::chmod(directory.c_str(), 0755);
  Jails jails;
  auto spec = Jails::victim({});
  spec.task = package.path();
  spec.argv = {"/bin/sh", "-c",
               "cat /etc/passwd /etc/nsswitch.conf /etc/resolv.conf; "
               "ls /etc/ld.so.preload 2>&1; cat /var/task/etc/passwd; "
               "echo x 2>&1 > /var/task/etc/passwd"};
  auto const story = jails.run(spec);
  CAPTURE(story.output);
  CHECK(story.output.starts_with("sandbox:x:1000:1000:"));
  CHECK(story.output.find("evil") == std::string::npos);
  CHECK(story.output.find("6.6.6.6") == std::string::npos);
  CHECK(story.output.find("/etc/ld.so.preload': No such file") != std::string::npos);
  CHECK(story.says("root::0:0::/:/bin/sh"));
  CHECK(story.output.find("/var/task/etc/passwd: Read-only file system") != std::string::npos);
  CHECK(slurp(package / "etc/passwd") == "root::0:0::/:/bin/sh\n");
}

TEST_CASE("a package that changes its kind while a thousand jails start changes no jail") {  // D11
  TempDir package;
  Precious precious;
  package.write("attacker", slurp(std::string(FAAS_VICTIMS) + "/attacker"), true);
  std::atomic<bool> stop = false;
  std::thread changing([&] { change_kinds(package, precious.directory.path(), stop); });
  Jails jails;
  for (int i = 0; i < kStarts; ++i) {
    auto spec = attacker({"root-kinds"});
    spec.task = package.path();
    auto const story = jails.run(spec);
    CHECK(story.output.starts_with("/dev tmpfs\n/proc proc\n/tmp tmpfs\n/etc tmpfs\n/var/task "));
    CHECK(story.output.ends_with("\nnull 1\nsys ENOENT\n"));
  }
  stop = true;
  changing.join();
  CHECK(precious.is_untouched());
}
