// The sandbox alone: start a program nobody trusts, and see what it sees of this machine.
#include <unistd.h>

#include <cstdio>
#include <faas/sandbox.hpp>
#include <string>

int main() {
  // Without cgroup v2 controllers only rlimits and a memory watch hold a jail: that has to be
  // allowed.
  auto sandbox = faas::Sandbox::open({.allow_degraded = true});
  if (!sandbox) return std::puts(sandbox.error().message.c_str()), 1;

  int output[2];
  if (pipe(output) != 0) return 1;

  faas::Spec spec;
  spec.id = "stranger";
  spec.argv = {"/bin/sh", "-c", "id -u; hostname; ls /; ls /root /home; echo pid $$; kill -9 -1"};
  spec.working_directory = "/tmp";
  spec.memory = {64 << 20};
  spec.output_fd = output[1];
  spec.error_fd = output[1];

  auto end = sandbox->run(spec);  // the blocking form; a server uses submit, native_handle and poll
  close(output[1]);
  if (!end) return std::puts(end.error().message.c_str()), 1;

  std::string seen;
  char buffer[4096];
  for (ssize_t n; (n = read(output[0], buffer, sizeof buffer)) > 0;)
    seen.append(buffer, static_cast<std::size_t>(n));
  std::printf("it saw:\n%sand ended with %d, having used %llu KiB\n", seen.c_str(),
              end->code.value_or(-1),
              static_cast<unsigned long long>(end->max_memory.count / 1024));

  // Its id, its host's name, its root, its processes: all of them the jail's, none of this machine.
  bool const contained = seen.starts_with("1000\nsandbox\nbin\ndev\n") &&
                         seen.find("/root': No such file") != std::string::npos &&
                         seen.find("/home': No such file") != std::string::npos &&
                         seen.find("pid 2\n") != std::string::npos;
  std::puts(contained ? "none of it was ours" : "THIS IS NOT CONTAINED");
  return contained ? 0 : 1;
}
