/* Files, directories and memory. */
#include "libc.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static void vectors(int fd) {
  char left[4] = "", right[4] = "";
  struct iovec out[] = {{"abc", 3}, {"def", 3}};
  struct iovec in[] = {{left, 3}, {right, 3}};
  NEED(writev(fd, out, 2) == 6);
  NEED(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 2) == 6);
  NEED(pwritev(fd, out, 2, 6) == 6 && preadv(fd, in, 2, 6) == 6);
  NEED(pwrite(fd, "xyz", 3, 12) == 3 && pread(fd, left, 3, 12) == 3);
  NEED(strcmp(left, "xyz") == 0 && strcmp(right, "def") == 0);
}

static void copies(int from) {
  int const to = open("/tmp/files/copy", O_RDWR | O_CREAT, 0600);
  NEED(to >= 0);
  off_t at = 0;
  NEED(sendfile(to, from, &at, 15) == 15);
  loff_t in = 0, out = 15;
  NEED(copy_file_range(from, &in, to, &out, 15, 0) == 15);
  NEED(lseek(to, 0, SEEK_END) == 30);
  close(to);
}

static void durable(int fd) {
  NEED(posix_fallocate(fd, 0, 8192) == 0 && ftruncate(fd, 4096) == 0);
  NEED(fsync(fd) == 0 && fdatasync(fd) == 0);
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  NEED(fcntl(fd, F_SETLK, &lock) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
  NEED(lockf(fd, F_ULOCK, 0) == 0);
}

static void attributes(int fd) {
  struct timespec const times[2] = {{1000000000, 5}, {1000000000, 5}};
  struct stat s;
  NEED(fchmod(fd, 0640) == 0 && chmod("/tmp/files/file", 0644) == 0);
  NEED(fchown(fd, getuid(), getgid()) == 0 && chown("/tmp/files/file", -1, getgid()) == 0);
  NEED(futimens(fd, times) == 0 && utimes("/tmp/files/file", NULL) == 0);
  NEED(utime("/tmp/files/file", &(struct utimbuf){1000000000, 1000000000}) == 0);
  NEED(stat("/tmp/files/file", &s) == 0 && s.st_mtime == 1000000000 && (s.st_mode & 0777) == 0644);
  char value[16]; /* tmpfs may have none: what counts is that the answer is its own */
  NEED(getxattr("/tmp/files/file", "user.none", value, sizeof value) == -1);
}

void files(void) {
  umask(022);
  NEED(mkdir("/tmp/files", 0700) == 0);
  int const fd = open("/tmp/files/file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  NEED(fd >= 0);
  vectors(fd);
  copies(fd);
  durable(fd);
  attributes(fd);
  int const other = dup(fd);
  NEED(other >= 0 && dup2(fd, other) == other && dup3(fd, other, O_CLOEXEC) == other);
  close(other);
  close(fd);
  FILE* unnamed = tmpfile();
  char name[] = "/tmp/files/XXXXXX";
  int const made = mkstemp(name);
  NEED(unnamed && fprintf(unnamed, "%d", 42) == 2 && made >= 0 && truncate(name, 100) == 0);
  fclose(unnamed);
  close(made);
  NEED(unlink(name) == 0);
  puts("files: written, read, copied, locked");
}

static int seen;
static int count(char const* path, struct stat const* s, int type, struct FTW* at) {
  (void)path, (void)s, (void)type, (void)at;
  ++seen;
  return 0;
}

void directories(void) {
  char target[64] = "", here[64];
  NEED(symlink("file", "/tmp/files/link") == 0 && readlink("/tmp/files/link", target, 63) == 4);
  NEED(link("/tmp/files/file", "/tmp/files/second") == 0);
  NEED(rename("/tmp/files/second", "/tmp/files/third") == 0 &&
       mkfifo("/tmp/files/fifo", 0600) == 0);
  NEED(access("/tmp/files/third", W_OK) == 0 &&
       faccessat(AT_FDCWD, "/tmp/files/link", R_OK, AT_EACCESS) == 0);
  int const folder = open("/tmp/files", O_RDONLY | O_DIRECTORY);
  NEED(folder >= 0 && mkdirat(folder, "sub", 0700) == 0 &&
       renameat(folder, "sub", folder, "below") == 0);
  NEED(chdir("/tmp/files/below") == 0 && fchdir(folder) == 0 && getcwd(here, sizeof here));
  NEED(strcmp(here, "/tmp/files") == 0);
  struct statvfs space;
  NEED(statvfs("/tmp", &space) == 0 && fstatvfs(folder, &space) == 0 && space.f_blocks > 0);
  NEED(nftw("/tmp/files", count, 8, FTW_PHYS) == 0);
  struct dirent** names;
  int const listed = scandir("/tmp/files", &names, NULL, alphasort);
  char* real = realpath("/tmp/files/link", NULL);
  NEED(real && strcmp(real, "/tmp/files/file") == 0);
  NEED(unlinkat(folder, "below", AT_REMOVEDIR) == 0 && rmdir("/tmp/files/none") == -1);
  printf("directories: %d walked, %d listed, the last is %s\n", seen, listed,
         names[listed - 1]->d_name);
}

void memory(void) {
  size_t const page = 4096;
  char* a = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  NEED(a != MAP_FAILED && mprotect(a, page, PROT_READ) == 0 &&
       mprotect(a, page, PROT_READ | PROT_WRITE) == 0);
  a[page] = 7;
  a = mremap(a, 4 * page, 4096 * page, MREMAP_MAYMOVE);
  NEED(a != MAP_FAILED && a[page] == 7);
  NEED(madvise(a + 8 * page, page, MADV_DONTNEED) == 0);
  unsigned char in[1];
  NEED(mincore(a + page, page, in) == 0 && (in[0] & 1));
  NEED(mlock(a, page) == 0 && munlock(a, page) == 0 && munmap(a, 4096 * page) == 0);
  int const fd = shm_open("/shared", O_RDWR | O_CREAT, 0600);
  NEED(fd >= 0 && ftruncate(fd, 4096) == 0);
  char* shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  NEED(shared != MAP_FAILED && strcpy(shared, "kept") && msync(shared, page, MS_SYNC) == 0);
  char back[5] = "";
  NEED(pread(fd, back, 4, 0) == 4 && shm_unlink("/shared") == 0);
  sem_t* semaphore = sem_open("/counted", O_CREAT, 0600, 1);
  NEED(semaphore != SEM_FAILED && sem_wait(semaphore) == 0 && sem_unlink("/counted") == 0);
  void* big = malloc(64 << 20);
  NEED(big && (big = realloc(big, 96 << 20)));
  free(big);
  printf("memory: mapped, moved, %s\n", back);
}
