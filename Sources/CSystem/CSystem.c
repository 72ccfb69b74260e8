#define _GNU_SOURCE
#include "CSystem.h"

#include <sys/vfs.h>

long sq_filesystem_magic(const char *path) {
  struct statfs s;
  if (statfs(path, &s) != 0) return -1;
  return (long)(unsigned int)s.f_type;
}
