// The floor of a change that survives a power cut, in DIRECTORY.
// Usage: floor_durable file DIRECTORY BYTES   a file of its own: temporary, write, fsync, rename,
//                                             fsync of the directory
//        floor_durable page DIRECTORY EVERY   a page within a file that is long enough: write,
//                                             fdatasync; each EVERY ms, counted from when it was
//                                             due
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../pace.h"
#include "../sampler.h"

enum { kPage = 4096, kPages = 256 };

struct floor {
  int directory, file;
  long number;  // bytes, or milliseconds
  long written;
  char* bytes;
};

static int write_file(struct floor* f) {
  char name[32], temporary[40];
  snprintf(name, sizeof name, "zip-%ld", f->written++);
  snprintf(temporary, sizeof temporary, "%s.new", name);
  int const fd = openat(f->directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, f->bytes, (size_t)f->number) != f->number || fsync(fd) != 0) return 1;
  close(fd);
  return renameat(f->directory, temporary, f->directory, name) != 0 || fsync(f->directory) != 0;
}

static int write_page(struct floor* f) {
  off_t const at = (off_t)(f->written++ % kPages) * kPage;
  return pwrite(f->file, f->bytes, kPage, at) != kPage || fdatasync(f->file) != 0;
}

static int file_block(void* context, long count, int64_t* out) {
  for (long i = 0; i < count; ++i) {
    int64_t const begin = nanoseconds();
    if (write_file(context) != 0) return perror("floor_durable"), 1;
    out[i] = nanoseconds() - begin;
  }
  return 0;
}

static int page_block(void* context, long count, int64_t* out) {
  struct floor* const f = context;
  int64_t due = nanoseconds();
  for (long i = 0; i < count; ++i, due += f->number * 1000000) {
    sleep_until(due);
    if (write_page(f) != 0) return perror("floor_durable"), 1;
    out[i] = nanoseconds() - due;
  }
  return 0;
}

static int make_pages(struct floor* f) {
  f->file = openat(f->directory, "pages", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  for (int i = 0; i < kPages; ++i)
    if (write_page(f) != 0) return perror("floor_durable: pages"), 1;
  return fsync(f->file);
}

int main(int argc, char** argv) {
  struct floor f = {.number = argc == 4 ? strtol(argv[3], NULL, 10) : 0};
  int const page = f.number > 0 && strcmp(argv[1], "page") == 0;
  if (f.number < 1 || (!page && strcmp(argv[1], "file") != 0))
    return fprintf(stderr, "usage: floor_durable file|page DIRECTORY BYTES|EVERY\n"), 2;
  mkdir(argv[2], 0755);
  f.directory = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  f.bytes = malloc(page ? kPage : (size_t)f.number);
  if (f.directory < 0 || !f.bytes) return perror(argv[2]), 1;
  memset(f.bytes, 'x', page ? kPage : (size_t)f.number);
  if (page && make_pages(&f) != 0) return 1;
  return serve_blocks(page ? page_block : file_block, &f);
}
