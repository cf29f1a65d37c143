/* A full disk for those who may not mount a small one: while $FULL_DISK/ballast exists, nothing under $FULL_DISK grows. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Whether writing to this descriptor up to this offset would take space that is not there. */
static int no_space(int fd, off_t end) {
  const char *disk = getenv("FULL_DISK");
  char link[64], path[PATH_MAX];
  struct stat status;
  if (disk == NULL) return 0;
  snprintf(path, sizeof path, "%s/ballast", disk);
  if (stat(path, &status) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (strncmp(path, disk, strlen(disk)) != 0 || fstat(fd, &status) != 0) return 0;
  return end > status.st_size;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSE do { errno = ENOSPC; return -1; } while (0)

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  if (no_space(fd, offset + size)) REFUSE;
  return REAL(pwrite)(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
  if (no_space(fd, offset + size)) REFUSE;
  return REAL(pwrite64)(fd, data, size, offset);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  if (no_space(fd, offset + 1)) REFUSE;
  return REAL(pwritev)(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
  if (no_space(fd, offset + 1)) REFUSE;
  return REAL(pwritev64)(fd, parts, count, offset);
}
ssize_t write(int fd, const void *data, size_t size) {
  off_t at = lseek(fd, 0, SEEK_CUR);
  if (at >= 0 && no_space(fd, at + size)) REFUSE;
  return REAL(write)(fd, data, size);
}
int posix_fallocate(int fd, off_t offset, off_t size) {
  return no_space(fd, offset + size) ? ENOSPC : REAL(posix_fallocate)(fd, offset, size);
}
int posix_fallocate64(int fd, off_t offset, off_t size) {
  return no_space(fd, offset + size) ? ENOSPC : REAL(posix_fallocate64)(fd, offset, size);
}
