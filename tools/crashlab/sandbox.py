"""One queue in a folder of its own, and the processes that work on it."""

import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

# A job's command; "mixed" lasts for some jobs long enough that they outlive their worker and are found alive, "long" so
# that somebody can do something to them meanwhile. Each line is one write to a file opened with O_APPEND, so the file's order is the order of events.
JOB = """#!/bin/sh
printf 'S %s %s\\n' "$1" "$SWEEPQ_ATTEMPT" >>"$LAB_LINES"
case $2 in
0) ;;
mixed) if [ $(($1 % 6)) = 0 ]; then sleep 0.3; else sleep 0.01; fi ;;
long) if [ $(($1 % 6)) = 0 ]; then sleep 2; else sleep 0.01; fi ;;
*) sleep "$2" ;;
esac
printf '{"echo": %s}' "$1" >"$SWEEPQ_RESULT"
printf 'E %s %s\\n' "$1" "$SWEEPQ_ATTEMPT" >>"$LAB_LINES"
"""


class Stuck(Exception):
    """Something that should have ended did not."""


class Sandbox:
    def __init__(self, sweepq, folder):
        self.sweepq = str(sweepq)
        self.folder = Path(folder)
        self.queue = self.folder / ".sweepq"
        self.lines = self.folder / "lines"
        self.log = self.folder / "log"
        self.job = self.folder / "job.sh"
        self.mark = self.folder / "fault-fired"
        self.expected = 0
        self.submit_options = []
        self.marker = f"SWEEPQ_LAB={uuid.uuid4().hex}"
        name, value = self.marker.split("=")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SWEEPQ_")}
        self.environment = kept | {name: value, "SWEEPQ_QUEUE": str(self.queue), "LAB_LINES": str(self.lines)}
        self.folder.mkdir(parents=True)
        self.job.write_text(JOB)
        self.lines.touch()

    # Commands

    def command(self, *arguments):
        return [self.sweepq, *map(str, arguments)]

    def run(self, *arguments, fault=None, timeout=120, check=True):
        """Runs one command to its end; standard error goes to the log."""
        with open(self.log, "ab") as log:
            done = subprocess.run(self.command(*arguments), env=self._environment(fault), stdout=subprocess.PIPE,
                                  stderr=log, timeout=timeout, text=True)
        if check and done.returncode != 0:
            raise Stuck(f"sweepq {' '.join(map(str, arguments))} ended with {done.returncode}: {self.log_tail()}")
        return done

    def create(self):
        self.run("init", self.folder)

    def submit(self, count, pause=0, name="lab", **options):
        done = self.run("submit", "-q", "-p", f"n={self.expected + 1}..{self.expected + count}", "--name", name,
                        "--cwd", self.folder, *self.submit_options, "--", "/bin/sh", self.job, "{n}", pause, **options)
        if done.returncode == 0:
            self.expected += count
        return done

    def start_worker(self, *arguments, fault=None, prefix=()):
        """A worker in the background; `prefix` is the tracer's command line, if any."""
        with open(self.log, "ab") as log:
            return subprocess.Popen([*map(str, prefix), *self.command("worker", *arguments)], stdout=log, stderr=log,
                                    stdin=subprocess.DEVNULL, env=self._environment(fault))

    def recover(self, slots=2, timeout=120):
        """What a person would do after any crash: start a worker and let it finish."""
        self.run("worker", "--slots", slots, "--until-empty", timeout=timeout)
        self.wait_until_gone()

    def _environment(self, fault):
        if fault is None:
            return self.environment
        return self.environment | {"SWEEPQ_FAULT": fault, "SWEEPQ_FAULT_MARK": str(self.mark)}

    # Processes

    def processes(self):
        """Process ids of everything that descends from this sandbox's commands, told by their environment."""
        found = []
        marker = self.marker.encode()
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if marker in file.read():
                        found.append(int(entry))
            except OSError:
                pass
        return found

    @staticmethod
    def command_line(pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return []

    @staticmethod
    def parent(pid):
        try:
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return 0

    def wait_until_gone(self, timeout=60):
        """The database is read only after this: a reader that closes it too early would drop SQLite's locks."""
        self.wait_for(lambda: not self.processes(), timeout, "there are still processes of the queue")

    def wait_for(self, condition, timeout, what):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise Stuck(f"after {timeout} s {what}; {self.log_tail()}")
            time.sleep(0.002)

    def line_count(self, kind="E"):
        return sum(1 for line in self.lines.read_text().splitlines() if line.startswith(kind))

    def kill_everything(self):
        """Only for cleaning up after a violation or an interrupt."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def log_tail(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "log: " + " | ".join(text.splitlines()[-4:])

    # Templates

    def keep_template(self):
        shutil.copytree(self.queue, self.folder / "template", symlinks=True)

    def restore_template(self):
        shutil.rmtree(self.queue, ignore_errors=True)
        shutil.copytree(self.folder / "template", self.queue, symlinks=True)
        self.lines.write_text("")
        self.log.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)

    def discard(self):
        self.kill_everything()
        shutil.rmtree(self.folder, ignore_errors=True)
