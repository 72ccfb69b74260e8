"""A real Slurm for one experiment, and a queue whose workers use it."""

import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from crashlab.sandbox import Sandbox, Stuck

TESTBEDS = Path(__file__).resolve().parent.parent / "testbed"

SLURM = ("sbatch", "squeue", "sacct", "scancel", "scontrol", "sacctmgr", "sinfo")

# Quick to notice things, so that an experiment is short; the folder is on a local disk, where nothing comes late.
SETTINGS = """grace: 2s
executors:
  lab:
    scheduler: SCHEDULER
    poll: 1s
    poll_max: 5s
    late_files: 3s
    watch: 2s
    submit_rate: 600
"""

# In front of Slurm's commands: writes down every call but those after its version, and kills a submit when it is told to.
WRAPPER = """#!/usr/bin/python3 -S
import os, random, signal, subprocess, sys, time
name = os.path.basename(sys.argv[0])
if "--version" in sys.argv:
    os.execv("/usr/bin/" + name, sys.argv)
with open(os.environ["LAB_CALLS"], "a") as file:
    file.write(f"{name} {time.time():.3f}\\n")
real = "/usr/bin/" + name
fault = os.environ.get("LAB_SUBMIT_FAULT") if name == "sbatch" else None
if not fault:
    os.execv(real, [real, *sys.argv[1:]])
call = subprocess.Popen([real, *sys.argv[1:]], stdout=subprocess.PIPE if fault == "mute" else None)
if fault == "mute":  # accepted, and nobody learns the id
    call.wait()
else:  # killed some milliseconds after its start
    time.sleep(random.uniform(0.001, 0.012))
    call.kill()
    call.wait()
os.kill(os.getpid(), signal.SIGKILL)
"""


class Cluster:
    """A testbed, real or pretended, under the faults that it knows."""

    def __init__(self, *options, kind="slurm"):
        self.kind = kind
        self.is_gone = threading.Event()
        # How often its controller has died of itself.
        self.deaths = 0
        # Unix sockets have short names.
        self.folder = Path(tempfile.mkdtemp(prefix="sl", dir="/tmp"))
        self.folder.chmod(0o755)
        done = self.up(*options)
        # The shell itself knows best what its exports mean.
        shown = subprocess.run(["sh", "-c", done.stdout + "\nenv -0"], stdout=subprocess.PIPE, text=True, check=True)
        exported = dict(entry.split("=", 1) for entry in shown.stdout.split("\0") if "=" in entry)
        self.environment = {name: value for name, value in exported.items() if os.environ.get(name) != value}

    def up(self, *options):
        """Also for one that is up, with other options."""
        return subprocess.run([TESTBEDS / self.kind, "up", self.folder, *options], stdout=subprocess.PIPE, text=True,
                              check=True, stderr=subprocess.PIPE)

    def fault(self, name, *arguments):
        done = subprocess.run([TESTBEDS / self.kind, name, self.folder, *map(str, arguments)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Stuck(f"{self.kind} {name} ended with {done.returncode}: {done.stderr.strip()[-300:]}")

    def call(self, *command, timeout=60):
        """Runs a command of the scheduler's as somebody else would."""
        try:
            return subprocess.run(command, env=os.environ | self.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Stuck(f"{' '.join(command)} has not ended after {timeout} s") from None

    def run(self, *command, check=False, timeout=60):
        done = self.call(*command, timeout=timeout)
        if check and done.returncode != 0:
            raise Stuck(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
        return done.stdout

    def tasks(self, *states):
        """Ids of single tasks of Slurm in these states."""
        return self.run("squeue", "-h", "-r", "-t", ",".join(states), "-o", "%i").split()

    def listed(self):
        """{(a submission's id, its name)} of all that the scheduler knows. Of Slurm's arrays each task has an id besides."""
        if self.kind == "slurm":
            done = self.call("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%A %j|%F %j")
            for _ in range(20):
                if done.returncode == 0:
                    break
                self.revive()
                done = self.call("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%A %j|%F %j")
            else:
                raise Stuck(f"squeue does not answer: {done.stderr.strip()[-200:]}")
            return {tuple(pair.split(" ", 1)) for line in done.stdout.splitlines() for pair in line.split("|")}
        status = subprocess.run([TESTBEDS / self.kind, "status", self.folder], stdout=subprocess.PIPE, text=True, check=True)
        rows = [line.split() for line in status.stdout.splitlines()]
        return {(re.match(r"\d+", row[0])[0], row[2]) for row in rows}

    def left(self):
        """How many jobs the scheduler still has that are not over."""
        if self.kind == "slurm":
            return len(self.tasks("PENDING", "RUNNING"))
        status = subprocess.run([TESTBEDS / self.kind, "status", self.folder], stdout=subprocess.PIPE, text=True)
        return sum(1 for line in status.stdout.splitlines() if re.search(r"\b(Q|R|H|E|B|PEND|RUN|PSUSP|USUSP|SSUSP)\b", line))

    def heal(self):
        """Slurm drains a node whose job it could not end in time, which on a busy machine is no fault of the node."""
        if self.kind != "slurm":
            return
        for node in set(self.run("sinfo", "-h", "-N", "-t", "drain,drng,down", "-o", "%N").split()):
            self.run("scontrol", "update", f"nodename={node}", "state=resume")

    def revive(self):
        """Starts the controller where it has ended by itself, as a service manager would. It must not be frozen."""
        shown = subprocess.run([TESTBEDS / self.kind, "status", self.folder], stdout=subprocess.PIPE, text=True).stdout
        if "slurmctld -" in shown.splitlines():
            self.deaths += 1
            self.fault("start-controller")
        time.sleep(0.3)

    def start_healing(self):
        """Every quarter of a minute, until the cluster goes. The nodes are asked what runs there: a controller that has lost
        its memory goes on believing in jobs that have ended, and asks by itself only every few minutes."""
        def heal():
            while not self.is_gone.wait(15):
                try:
                    self.run("scontrol", "reconfigure", timeout=20)
                    self.heal()
                except Stuck:
                    pass

        threading.Thread(target=heal, daemon=True).start()

    def discard(self):
        self.is_gone.set()
        subprocess.run([TESTBEDS / self.kind, "down", self.folder], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", self.folder])


class ClusterSandbox(Sandbox):
    """`settings`: more lines for the executor."""

    def __init__(self, sweepq, folder, cluster, settings=""):
        super().__init__(sweepq, folder)
        self.cluster = cluster
        # Not every scheduler hands on the environment of its submit command.
        self.submit_options = ["--env", "LAB_LINES"]
        self.calls = self.folder / "calls"
        self.calls.touch()
        bin = self.folder / "bin"
        bin.mkdir()
        commands = SLURM if cluster.kind == "slurm" else ()
        for name in commands:
            (bin / name).write_text(WRAPPER)
            (bin / name).chmod(0o755)
        self.environment |= cluster.environment
        self.environment |= {"PATH": f"{bin}:{self.environment['PATH']}", "LAB_CALLS": str(self.calls)}
        self.create()
        (self.queue / "config.yaml").write_text(SETTINGS.replace("SCHEDULER", cluster.kind) + settings)

    def start_worker(self, *arguments, **options):
        return super().start_worker("--backend", "lab", *arguments, **options)

    def start_worker_with(self, **variables):
        """A worker with more in its environment; it remembers where its part of the log begins."""
        kept, begun = self.environment, self.log.stat().st_size if self.log.exists() else 0
        self.environment = kept | variables
        try:
            worker = self.start_worker()
        finally:
            self.environment = kept
        worker.begun = begun
        return worker

    def folder_of(self, sweep):
        """Where the attempts of a sweep have their folders."""
        listed = json.loads(self.run("sweeps", "--json").stdout)["sweeps"]
        return self.queue / "runs" / str(next(row["id"] for row in listed if row["name"] == sweep))

    def log_since(self, place):
        return self.log.read_bytes()[place:].decode(errors="replace")

    def recover(self, timeout=600):
        self.run("worker", "--backend", "lab", "--until-empty", timeout=timeout)
        self.wait_until_gone(timeout=120)

    def count(self, command):
        return self.calls.read_text().split().count(command)

    def calls_since(self, moment, *commands):
        """How many calls of these commands have begun since."""
        if self.cluster.kind == "slurm":
            calls = [line.split() for line in self.calls.read_text().splitlines()]
            calls = [(float(at), name) for name, at in calls]
        else:
            text = (self.cluster.folder / "calls").read_text()
            calls = [tuple(json.loads(line)[:2]) for line in text.splitlines() if line.endswith("]")]
        return sum(1 for at, name in calls if at >= moment and name in commands)

    def is_under_way(self, command):
        """Whether the worker is just calling it."""
        return any(Path((self.command_line(pid) or [""])[0]).name == command for pid in self.processes())


def stop(worker):
    worker.send_signal(signal.SIGKILL)
    worker.wait()


def seeded(seed):
    seed = random.randrange(1 << 32) if seed is None else seed
    return seed, random.Random(seed)
