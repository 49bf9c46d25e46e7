// An untrusted function that attacks: argv[1] says how.
#define _GNU_SOURCE
#include "attacker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt.h"

void say(char const* what, long result) {
  printf("%s %s\n", what, result == -1 ? strerrorname_np(errno) : "done");
}

void say_number(char const* what, long long number) { printf("%s %lld\n", what, number); }

int status_has(char const* file, char const* line) {
  char found[256];
  int has = 0;
  FILE* f = fopen(file, "r");
  while (f && !has && fgets(found, sizeof found, f)) {
    found[strcspn(found, "\n")] = '\0';
    has = !strcmp(found, line);
  }
  if (f) fclose(f);
  return has;
}

int attempt(int argc, char** argv) {
  static struct {
    char const* name;
    int (*attack)(void);
  } const kAttacks[] = {{"orphans", orphans},
                        {"kill-everybody", kill_everybody},
                        {"threads-sleep", threads_sleep},
                        {"scheduling", scheduling},
                        {"limits", limits},
                        {"thread-status", thread_status},
                        {"run-foreign", run_foreign},
                        {"run-from-descriptors", run_from_descriptors},
                        {"identity", identity},
                        {"sockets", sockets},
                        {"scan", scan},
                        {"reserve", reserve},
                        {"lock-memory", lock_memory},
                        {"open-files", open_files},
                        {"large-pipes", large_pipes},
                        {"open-files-in-all", open_files_in_all},
                        {"watch-instances", watch_instances},
                        {"leave-traces", leave_traces},
                        {"look-for-traces", look_for_traces},
                        {"sparse", sparse},
                        {"deep", deep},
                        {"write-mounts", write_mounts},
                        {"flood-links", flood_links},
                        {"climb", climb},
                        {"climb-here", climb_here},
                        {"write-kernel", write_kernel},
                        {"write-programs", write_programs},
                        {"splice-code", splice_code},
                        {"device-nodes", device_nodes},
                        {"root-kinds", root_kinds}};
  char const* const what = argc > 1 ? argv[1] : "";
  for (size_t i = 0; i < sizeof kAttacks / sizeof *kAttacks; ++i)
    if (!strcmp(what, kAttacks[i].name)) return kAttacks[i].attack();
  if (!strcmp(what, "connect")) return connect_all(argc - 2, argv + 2);
  if (!strcmp(what, "connect-unix")) return connect_unix(argc - 2, argv + 2);
  if (!strcmp(what, "listen-abstract") && argc > 2) return listen_abstract(argv[2]);
  if (!strcmp(what, "swap-links") && argc > 2) return swap_links(argv[2]);
  fprintf(stderr, "attacker: what is \"%s\"?\n", what);
  return 64;
}
