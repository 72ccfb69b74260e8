// System calls that Swift's Glibc module does not offer. Plain prototypes, no logic.
#ifndef CSYSTEM_H
#define CSYSTEM_H
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

// The filesystem magic number of `statfs(2)` for `path`, or -1 with errno set.
long sq_filesystem_magic(const char *path);

// Bytes that an unprivileged user may still write to the filesystem of `path`, or -1 with errno set.
int64_t sq_free_bytes(const char *path);

// posix_spawn of `path` in a new session with an empty signal mask and every signal at its default.
// `cwd` is a directory descriptor, or -1 to stay; `in`, `out` and `err` become 0, 1 and 2.
// `extra` is duplicated to the number `extra_as` unless it is negative; with `close_from` >= 0 every descriptor
// from that number on is closed. Returns 0 or an errno value.
int sq_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int cwd, int in, int out,
             int err, int extra, int extra_as, int close_from);

// What WIFEXITED, WEXITSTATUS, WIFSIGNALED and WTERMSIG say about a wait status.
int sq_wait_exited(int status);
int sq_wait_exit_code(int status);
int sq_wait_signaled(int status);
int sq_wait_signal(int status);

int sq_pidfd_open(pid_t pid);
int sq_pidfd_send_signal(int pidfd, int signal);

// A descriptor that becomes readable when one of the `count` signals arrives; they are blocked first.
int sq_signal_descriptor(const int *signals, int count);

int sq_eventfd(void);
// A descriptor that is readable while one of those that it watches has news, or -1 with errno set.
int sq_watch_new(void);
// Has `watch` follow `fd`, from now on or anew: what can be read from it, and with `writable` also that it can be written
// to. 0, or -1 with errno set.
int sq_watch_follow(int watch, int fd, int writable);
int sq_watch_forget(int watch, int fd);
// A file in memory, close-on-exec: memfd_create(2), which Swift's Glibc module lacks.
int sq_memory_file(const char *name);
int sq_pipe(int fds[2]);
// A connected pair of stream sockets, close-on-exec, non-blocking.
int sq_socket_pair(int fds[2]);

// rename(2) that fails with EEXIST if `to` exists.
int sq_rename_new(const char *from, const char *to);
// Whether nobody else, in any process, has the open file `fd` open; 0 also where the filesystem cannot say.
int sq_is_sole_opener(int fd);

// copy_file_range(2) from and to the files' present places: bytes copied, 0 at the end, -1 with errno set.
ssize_t sq_copy_range(int from, int to, size_t length);
// syncfs(2): waits until all that was written to the filesystem of `fd` is on its disk.
int sq_sync_filesystem(int fd);

int sq_set_child_subreaper(int on);
int sq_set_process_name(const char *name);

// Closes every descriptor from `from` on.
int sq_close_from(int from);

// How many processors this process may run on, or -1 with errno set.
int sq_affinity_count(void);

// The three load averages; returns how many were read.
int sq_load_averages(double loads[3]);

// Tells SQLite, before its first use in this process, not to count the memory it allocates. Returns SQLite's code;
// too late is no harm.
int sq_sqlite_without_memory_count(void);

// The place of `needle` in `haystack`, or NULL.
const void *sq_find(const void *haystack, size_t length, const void *needle, size_t needle_length);

#endif
