// Preloaded: fdatasync fails once with EIO when the file that FAIL_FSYNC_ONCE names exists, and succeeds from then on, as after a failed
// write-back of the kernel.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd) {
  const char *name = getenv("FAIL_FSYNC_ONCE");
  if (name != NULL && unlink(name) == 0) {
    errno = EIO;
    return -1;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return real(fd);
}
