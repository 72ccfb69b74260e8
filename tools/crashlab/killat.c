/* killat [-m WORD] [-o FILE] N COMMAND...
 *
 * Runs COMMAND and kills it (SIGKILL) at the entry of its N-th system call, counted over all its threads and from its
 * exec on; its children are not touched. With -m the process that is counted and killed is not COMMAND but every
 * descendant that was executed with WORD among its arguments.
 * FILE gets one line: "killed PID SYSCALL-NUMBER COUNT" or "ended STATUS COUNT". Exit status: 0 killed, 1 ended before.
 *
 * Killing at the entry of call N is the same, for everyone outside, as killing after the return of call N-1: every
 * instant between two calls is covered by walking N. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum role { PENDING, COUNTED, BYSTANDER };
struct process {
  pid_t tgid;
  enum role role;
};
static struct process processes[4096];
static int process_count;
static pid_t thread_group[1 << 22]; /* by thread id: its process */
static const char *word;

static void fail(const char *what) {
  perror(what);
  exit(70);
}

static pid_t group_of(pid_t tid) {
  if (thread_group[tid]) return thread_group[tid];
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  FILE *file = fopen(path, "re");
  pid_t tgid = tid;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "Tgid: %d", &tgid) == 1) break;
  if (file) fclose(file);
  return thread_group[tid] = tgid;
}

static struct process *process_of(pid_t tid) {
  pid_t tgid = group_of(tid);
  for (int i = process_count - 1; i >= 0; i--)
    if (processes[i].tgid == tgid) return &processes[i];
  if (process_count == sizeof processes / sizeof *processes) exit(70);
  processes[process_count] = (struct process){tgid, word ? BYSTANDER : PENDING};
  return &processes[process_count++];
}

/* Whether the process was executed with `word` as one of its arguments. */
static int has_word(pid_t pid) {
  char path[64], text[65536];
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (size <= 0) return 0;
  text[size] = 0;
  for (char *at = text; at < text + size; at += strlen(at) + 1)
    if (strcmp(at, word) == 0) return 1;
  return 0;
}

int main(int argc, char **argv) {
  const char *report = NULL;
  int option;
  while ((option = getopt(argc, argv, "+m:o:")) != -1) {
    if (option == 'm') word = optarg;
    else if (option == 'o') report = optarg;
    else return 64;
  }
  if (argc - optind < 2) return 64;
  long limit = atol(argv[optind]), count = 0;
  int start[2];
  if (pipe2(start, O_CLOEXEC)) fail("pipe2");
  pid_t root = fork();
  if (root < 0) fail("fork");
  if (root == 0) {
    char byte;
    close(start[1]);
    if (read(start[0], &byte, 1) != 1) _exit(70);
    execvp(argv[optind + 1], argv + optind + 1);
    _exit(127);
  }
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  if (word) options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
  if (ptrace(PTRACE_SEIZE, root, 0, options)) fail("ptrace");
  if (write(start[1], "", 1) != 1) fail("write");

  pid_t victim = 0;
  int root_status = -1;
  unsigned long long fatal_call = 0;
  for (;;) {
    int status;
    pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      thread_group[tid] = 0;
      if (tid == root) {
        root_status = status;
        break;
      }
      continue;
    }
    struct process *process = process_of(tid);
    int event = status >> 16, signal = WSTOPSIG(status), deliver = 0;
    int request = process->role == COUNTED ? PTRACE_SYSCALL : PTRACE_CONT;
    if (event == PTRACE_EVENT_EXEC) {
      enum role role = !word || has_word(tid) ? COUNTED : BYSTANDER;
      if (word && role == BYSTANDER && process->tgid != root && process->role != COUNTED) {
        ptrace(PTRACE_DETACH, tid, 0, 0); /* a job or another child: none of ours */
        continue;
      }
      process->role = role;
      request = role == COUNTED ? PTRACE_SYSCALL : PTRACE_CONT;
    } else if (event == PTRACE_EVENT_STOP) {
      if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) request = PTRACE_LISTEN;
    } else if (event == 0 && signal == (SIGTRAP | 0x80)) {
      struct __ptrace_syscall_info info;
      if (process->role == COUNTED && !victim &&
          ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
          ++count == limit) {
        fatal_call = info.entry.nr;
        victim = process->tgid;
        kill(victim, SIGKILL);
      }
    } else if (event == 0) {
      deliver = signal;
    }
    ptrace(request, tid, 0, deliver);
  }

  FILE *out = report ? fopen(report, "we") : stdout;
  if (!out) fail(report);
  if (victim) fprintf(out, "killed %d %llu %ld\n", victim, fatal_call, count);
  else fprintf(out, "ended %d %ld\n", root_status, count);
  fclose(out);
  return victim ? 0 : 1;
}
