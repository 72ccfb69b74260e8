// System calls that Swift's Glibc module does not offer. Plain prototypes, no logic.
#ifndef CSYSTEM_H
#define CSYSTEM_H
#include <sys/types.h>

// The filesystem magic number of `statfs(2)` for `path`, or -1 with errno set.
long sq_filesystem_magic(const char *path);

#endif
