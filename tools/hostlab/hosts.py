"""Hosts behind real sshds for one experiment, and a queue whose workers use them."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

from crashlab.audit import Audit
from crashlab.sandbox import Sandbox, Stuck

TESTBED = Path(__file__).resolve().parent.parent / "testbed" / "ssh"

# Quick to notice things, so that an experiment is short.
SETTINGS = """  NAME:
    ssh: HOST
    ssh_config: BED/ssh_config
    ssh_options: [ServerAliveInterval=1, ServerAliveCountMax=3]
    connect_timeout: 3s
    scheduler: direct
    workdir: project
    poll: 1s
    poll_max: 3s
    late_files: 3s
    watch: 2s
"""

# What it prints takes some 200 kB and follows from its number. It may wait for a file, and hand back the one that it was given.
JOB = """#!/bin/sh
printf 'S %s %s\\n' "$1" "$SWEEPQ_ATTEMPT" >>"$LAB_LINES" || exit 9
case $2 in
/*)
  looks=0
  until [ -e "$2" ]; do
    looks=$((looks + 1))
    [ $looks -lt 1500 ] || exit 8
    sleep 0.2
  done
  ;;
mixed) if [ $(($1 % 3)) = 0 ]; then sleep 4; else sleep 0.5; fi ;;
*) sleep "$2" ;;
esac
[ "${3-}" != files ] || cp input back || exit 9
text=$(awk -v n="$1" 'BEGIN { for (i = 0; i < LINES; i++) printf "%08d %08d %016d\\n", n, i, n * 7919 + i * 104729 }')
printf '%s\\n' "$text" || exit 9
printf '{"echo": %s}' "$1" >"$SWEEPQ_RESULT" || exit 9
printf 'E %s %s\\n' "$1" "$SWEEPQ_ATTEMPT" >>"$LAB_LINES"
"""
LINES = 6000

FINAL = ("completed", "failed", "cancelled")


def output(n):
    """What the job with this number prints."""
    return "".join(f"{n:08d} {i:08d} {n * 7919 + i * 104729:016d}\n" for i in range(LINES)).encode()


class Hosts:
    """The testbed. `disk`: megabytes of a disk that all hosts see at the same place, and that can be filled."""

    def __init__(self, count, disk=0):
        # Unix sockets have short names.
        self.folder = Path(tempfile.mkdtemp(prefix="hl", dir="/tmp"))
        self.folder.chmod(0o755)
        self.disk = self.folder / "disk"
        if disk:
            self.disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk}m", "none", self.disk], check=True)
        self.names = [f"h{i}" for i in range(1, count + 1)]
        self.run("up", "--hosts", count)
        for host in self.names:
            (self.home(host) / "project").mkdir()
            (self.home(host) / "project" / "mine").write_text("not to be touched\n")

    def run(self, verb, *arguments):
        done = subprocess.run([TESTBED, verb, self.folder, *map(str, arguments)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, timeout=180)
        if done.returncode != 0:
            raise Stuck(f"the testbed's {verb} ended with {done.returncode}: {done.stderr.strip()[-300:]}")

    def home(self, host):
        return self.folder / host / "home"

    def strikes(self, host):
        """How many cuts and stalls have struck, and met a connection."""
        try:
            return sum(1 for line in (self.folder / host / "struck").read_text().splitlines() if not line.endswith(" 0"))
        except FileNotFoundError:
            return 0

    def discard(self):
        subprocess.run([TESTBED, "down", self.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self.disk.is_mount():
            subprocess.run(["umount", "--lazy", self.disk], check=False)
        subprocess.run(["rm", "-rf", self.folder])


class HostSandbox(Sandbox):
    """`executors`: by name, the host and more lines of settings."""

    def __init__(self, sweepq, folder, hosts, executors):
        super().__init__(sweepq, folder)
        self.hosts = hosts
        self.roots = {}
        # The parameters of jobs to which a file is brought, and back.
        self.with_files = set()
        self.job.write_text(JOB.replace("LINES;", f"{LINES};"))
        self.counting = threading.Lock()
        self.create()
        text = "executors:\n"
        for name, (host, settings) in executors.items():
            own = dict(line.strip().split(": ", 1) for line in settings.splitlines())
            # What is said twice would be refused.
            kept = [line for line in SETTINGS.splitlines() if line.strip().split(":")[0] not in own]
            lines = "\n".join(kept).replace("NAME", name).replace("HOST", host).replace("BED", str(hosts.folder))
            text += lines + "\n" + settings
            self.roots[name] = Path(own["root"]) if "root" in own else hosts.home(host) / ".sweepq"
        (self.queue / "config.yaml").write_text(text)

    def submit(self, count, pause=0, name="lab", backend=None, file=0):
        """Returns the ids of the jobs. `file`: bytes of a file of its own that each is given, and hands back."""
        with self.counting:
            numbers = range(self.expected + 1, self.expected + count + 1)
            only = ["--backend", backend] if backend else []
            if file:
                (self.folder / "input").mkdir(exist_ok=True)
                for n in numbers:
                    (self.folder / "input" / str(n)).write_bytes(random.Random(n).randbytes(file))
                self.with_files.update(numbers)
                only += ["--isolate", "--forward", "input/{n}:input", "--collect", "back:back/{n}"]
            done = self.run("submit", "-q", "-p", f"n={numbers[0]}..{numbers[-1]}", "--name", name, "--cwd", self.folder,
                            "--env", "LAB_LINES", *only, "--", "/bin/sh", self.job, "{n}", pause, *["files"][: bool(file)])
            self.expected += count
        return [int(id) for id in done.stdout.split()]

    def numbers(self, ids):
        """The parameters of jobs, which are in their commands."""
        return {n for (n,) in self.rows(f"SELECT json_extract(params, '$.n') FROM job WHERE id IN ({listed(ids)})")}

    def rows(self, query):
        database = sqlite3.connect(f"file:{self.queue}/queue.db?mode=ro", uri=True, timeout=30)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def wait_until_in(self, states, ids, timeout=180):
        """Waits until all these jobs are in one of the states."""
        words = ", ".join(f"'{state}'" for state in states)
        query = f"SELECT id, state, reason FROM job WHERE id IN ({listed(ids)}) AND state NOT IN ({words})"
        self.wait(lambda: not self.rows(query), timeout, lambda: f"these are not {'/'.join(states)}: {self.rows(query)}")

    def wait_for_lines(self, kind, numbers, timeout=60):
        """Waits until all these jobs have written such a line."""
        def are_there():
            lines = [line.split() for line in self.lines.read_text().splitlines()]
            return numbers <= {int(words[1]) for words in lines if words[0] == kind}

        self.wait(are_there, timeout, lambda: f"not all jobs of {sorted(numbers)} have a line {kind}")

    def wait(self, condition, timeout, what):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise Stuck(f"after {timeout} s {what()}; {self.log_tail()}")
            time.sleep(0.05)

    def processes(self):
        """Without ssh's own, which keeps a connection for a while."""
        return [pid for pid in super().processes() if self.command_line(pid)[:1] == [self.sweepq]]

    def end(self, worker, timeout=60):
        """Asks a worker to end, and waits for it."""
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Stuck(f"a worker has not ended {timeout} s after SIGTERM; {self.log_tail()}") from None

    def left(self):
        """What there is of attempts and submissions on the hosts: [(executor, folder, names in it)]. A gate that was taken
        for ever, for what may still be on its way there, is alone in its folder, but for the draft of one that was broken off."""
        return [(name, folder, sorted(path.name for path in folder.iterdir() if not path.name.startswith(".sweepq-"))
                 if folder.is_dir() else []) for name, root in self.roots.items() for folder in root.glob("*/runs/*/*")]

    def is_tidy(self):
        return all(inside == ["gate"] for _, _, inside in self.left())

    def log_words(self, *words):
        """How often each stands in the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return {word: text.count(word) for word in words}


class HostAudit(Audit):
    """Besides: every job's output is whole and here, and nothing is left on the hosts."""

    # What may live on there, for all that is known, has its files there.
    ELSEWHERE = "executor <> 'local' AND outcome IN ('lost', 'node_failed')"

    def __init__(self, sandbox, outcomes, may_lose=False):
        super().__init__(sandbox, may_lose=True, besides=outcomes)
        if not may_lose:
            self.allowed -= {"lost"}
        self.left_gates = self.left_folders = self.left_pieces = 0

    def _folders(self, database):
        super()._folders(database)
        runs = self.sandbox.queue / "runs"
        for n, sweep, job, number in database.execute("""
                SELECT json_extract(job.params, '$.n'), job.sweep, job.id, attempt.number FROM job
                JOIN attempt ON attempt.job = job.id WHERE attempt.outcome = 'succeeded'"""):
            try:
                found = (runs / str(sweep) / f"{job}.{number}" / "stdout").read_bytes()
            except OSError as error:
                self.breach(f"job n={n}: its output is not here: {error}")
                continue
            if found != output(n):
                self.breach(f"job n={n}: its output has {len(found)} bytes and is not what it wrote")
        self._handed_back()
        forgotten = defaultdict(list)
        for path in runs.glob(".*"):
            self.breach(f"{path} is left")
        # One that was given up, and may live on for all that is known, keeps its folder.
        given_up = {f"{job}.{number}" for job, number in database.execute(
            "SELECT job, number FROM attempt WHERE outcome IN ('lost', 'node_failed')")}
        for name, folder, inside in self.sandbox.left():
            if folder.name in given_up:
                self.left_folders += 1
            elif inside == ["gate"] and (folder / "gate").read_text().startswith("void "):
                self.left_gates += 1
            else:
                forgotten[name].append(f"{folder.parent.name}/{folder.name}")
        for name, folders in forgotten.items():
            self.breach(f"on {name} {len(folders)} folders are left of what is settled: {' '.join(folders[:5])} …")
        # Removed when they are a day old: nobody can know sooner that nobody writes there any more.
        for root in self.sandbox.roots.values():
            self.left_pieces += sum(1 for _ in root.glob("incoming/*"))
        for host in self.sandbox.hosts.names:
            mine = self.sandbox.hosts.home(host) / "project"
            if [path.name for path in mine.iterdir()] != ["mine"] or (mine / "mine").read_text() != "not to be touched\n":
                self.breach(f"on {host} {[path.name for path in mine.iterdir()]} are in the folder of the user's own")

    def _handed_back(self):
        """What was given to jobs is back whole, and nothing else is where it was to be."""
        back = self.sandbox.folder / "back"
        found = {path.name for path in back.iterdir()} if back.is_dir() else set()
        for name in found ^ {str(n) for n in self.sandbox.with_files}:
            self.breach(f"{back / name} {'has no place here' if name in found else 'is missing'}")
        for n in self.sandbox.with_files:
            if str(n) in found and (back / str(n)).read_bytes() != (self.sandbox.folder / "input" / str(n)).read_bytes():
                self.breach(f"job n={n}: {back / str(n)} is not what it was given")

    def figures(self):
        return {"gates left for what may be on its way": self.left_gates,
                "folders left of attempts that were given up": self.left_folders, "pieces of broken transfers": self.left_pieces}


def listed(ids):
    return json.dumps(sorted(ids))[1:-1]
