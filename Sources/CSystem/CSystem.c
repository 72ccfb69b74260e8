#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

long sq_filesystem_magic(const char *path) {
  struct statfs s;
  if (statfs(path, &s) != 0) return -1;
  return (long)(unsigned int)s.f_type;
}

int64_t sq_free_bytes(const char *path) {
  struct statfs s;
  if (statfs(path, &s) != 0) return -1;
  return (int64_t)s.f_bavail * (int64_t)(s.f_frsize ? s.f_frsize : s.f_bsize);
}

int sq_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int cwd, int in, int out,
             int err, int extra, int extra_as, int close_from) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  int rc = posix_spawn_file_actions_init(&actions);
  if (rc != 0) return rc;
  rc = posix_spawnattr_init(&attributes);
  if (rc != 0) goto done_actions;
  sigemptyset(&none);
  sigfillset(&all);
  if ((rc = posix_spawnattr_setsigmask(&attributes, &none)) != 0) goto done;
  if ((rc = posix_spawnattr_setsigdefault(&attributes, &all)) != 0) goto done;
  if ((rc = posix_spawnattr_setflags(
           &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) != 0)
    goto done;
  if (cwd >= 0 && (rc = posix_spawn_file_actions_addfchdir_np(&actions, cwd)) != 0) goto done;
  if ((rc = posix_spawn_file_actions_adddup2(&actions, in, 0)) != 0) goto done;
  if ((rc = posix_spawn_file_actions_adddup2(&actions, out, 1)) != 0) goto done;
  if ((rc = posix_spawn_file_actions_adddup2(&actions, err, 2)) != 0) goto done;
  if (extra >= 0 && (rc = posix_spawn_file_actions_adddup2(&actions, extra, extra_as)) != 0) goto done;
  if (close_from >= 0 && (rc = posix_spawn_file_actions_addclosefrom_np(&actions, close_from)) != 0) goto done;
  rc = posix_spawn(pid, path, &actions, &attributes, argv, envp);
done:
  posix_spawnattr_destroy(&attributes);
done_actions:
  posix_spawn_file_actions_destroy(&actions);
  return rc;
}

int sq_wait_exited(int status) { return WIFEXITED(status); }
int sq_wait_exit_code(int status) { return WEXITSTATUS(status); }
int sq_wait_signaled(int status) { return WIFSIGNALED(status); }
int sq_wait_signal(int status) { return WTERMSIG(status); }

int sq_pidfd_open(pid_t pid) { return pidfd_open(pid, 0); }
int sq_pidfd_send_signal(int pidfd, int signal) { return pidfd_send_signal(pidfd, signal, NULL, 0); }

int sq_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int sq_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int sq_watch_new(void) { return epoll_create1(EPOLL_CLOEXEC); }

int sq_watch_follow(int watch, int fd, int writable) {
  struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data = {.fd = fd}};
  if (epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  return errno == EEXIST ? epoll_ctl(watch, EPOLL_CTL_MOD, fd, &event) : -1;
}

int sq_watch_forget(int watch, int fd) { return epoll_ctl(watch, EPOLL_CTL_DEL, fd, NULL); }

int sq_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int sq_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC); }
int sq_socket_pair(int fds[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
}

int sq_rename_new(const char *from, const char *to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int sq_is_sole_opener(int fd) {
  // A write lease is granted only while there is no other open description. Should somebody open the file before it
  // is given back, the kernel sends a signal: one that is ignored unless asked for, not the deadly default.
  if (fcntl(fd, F_SETSIG, SIGURG) != 0) return 0;
  if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return 0;
  return fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

ssize_t sq_copy_range(int from, int to, size_t length) {
  return copy_file_range(from, NULL, to, NULL, length, 0);
}
int sq_sync_filesystem(int fd) { return syncfs(fd); }

int sq_set_child_subreaper(int on) { return prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)on, 0, 0, 0); }
int sq_set_process_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

int sq_close_from(int from) {
  closefrom(from);
  return 0;
}

int sq_affinity_count(void) {
  // The kernel refuses a set smaller than its own, so one for 8,192 processors is offered.
  cpu_set_t sets[8];
  if (sched_getaffinity(0, sizeof sets, sets) != 0) return -1;
  return CPU_COUNT_S(sizeof sets, sets);
}

int sq_load_averages(double loads[3]) { return getloadavg(loads, 3); }

const void *sq_find(const void *haystack, size_t length, const void *needle, size_t needle_length) {
  return memmem(haystack, length, needle, needle_length);
}
