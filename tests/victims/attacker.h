// Attacks of the corpus (tests/corpus/rows.tsv), told line by line: "what answer". The test judges.
#pragma once

void say(char const* what, long result);  // "done", or errno's name
void say_number(char const* what, long long number);
int status_has(char const* file, char const* line);  // a whole line of a status file of /proc

int orphans(void);
int kill_everybody(void);
int threads_sleep(void);
int scheduling(void);
int limits(void);
int thread_status(void);
int run_foreign(void);
int run_from_descriptors(void);
int identity(void);

int sockets(void);
int connect_all(int count, char** targets);
int scan(void);
int listen_abstract(char const* name);
int connect_unix(int count, char** names);

int reserve(void);
int lock_memory(void);
int open_files(void);
int large_pipes(void);
int open_files_in_all(void);
int watch_instances(void);
int leave_traces(void);
int look_for_traces(void);

int sparse(void);
int deep(void);
int swap_links(char const* target);
int write_mounts(void);
int flood_links(void);
int climb(void);
int climb_here(void);
int write_kernel(void);
int write_programs(void);
int splice_code(void);
int device_nodes(void);
int root_kinds(void);
