"""A real Slurm for one experiment, and a queue whose workers use it."""

import os
import random
import signal
import subprocess
import tempfile
from pathlib import Path

from crashlab.sandbox import Sandbox, Stuck

TESTBED = Path(__file__).resolve().parent.parent / "testbed" / "slurm"

# Quick to notice things, so that an experiment is short; the folder is on a local disk, where nothing comes late.
SETTINGS = """executors:
  lab:
    scheduler: slurm
    poll: 1s
    poll_max: 5s
    late_files: 3s
    submit_rate: 600
"""

# In front of Slurm's commands: counts every call but those after its version, and kills a submit when it is told to.
WRAPPER = """#!/usr/bin/python3 -S
import os, random, signal, subprocess, sys, time
name = os.path.basename(sys.argv[0])
if "--version" in sys.argv:
    os.execv("/usr/bin/" + name, sys.argv)
with open(os.environ["LAB_CALLS"], "a") as file:
    file.write(name + "\\n")
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
    def __init__(self, *options):
        # Unix sockets have short names.
        self.folder = Path(tempfile.mkdtemp(prefix="sl", dir="/tmp"))
        self.folder.chmod(0o755)
        done = subprocess.run([TESTBED, "up", self.folder, *options], stdout=subprocess.PIPE, text=True, check=True,
                              stderr=subprocess.PIPE)
        self.environment = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())

    def fault(self, name, *arguments):
        subprocess.run([TESTBED, name, self.folder, *arguments], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def run(self, *command, check=False, timeout=60):
        done = subprocess.run(command, env=os.environ | self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise Stuck(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
        return done.stdout

    def tasks(self, *states):
        """Ids of single tasks in these states."""
        return self.run("squeue", "-h", "-r", "-t", ",".join(states), "-o", "%i").split()

    def heal(self):
        """Slurm drains a node whose job it could not end in time, which on a busy machine is no fault of the node."""
        for line in self.run("sinfo", "-h", "-N", "-t", "drain,down", "-o", "%N").split():
            self.run("scontrol", "update", f"nodename={line}", "state=resume")

    def discard(self):
        subprocess.run([TESTBED, "down", self.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", self.folder])


class ClusterSandbox(Sandbox):
    """`settings`: more lines for the executor."""

    def __init__(self, sweepq, folder, cluster, settings=""):
        super().__init__(sweepq, folder)
        self.cluster = cluster
        self.calls = self.folder / "calls"
        self.calls.touch()
        bin = self.folder / "bin"
        bin.mkdir()
        for name in ("sbatch", "squeue", "sacct", "scancel", "scontrol", "sacctmgr", "sinfo"):
            (bin / name).write_text(WRAPPER)
            (bin / name).chmod(0o755)
        self.environment |= cluster.environment
        self.environment |= {"PATH": f"{bin}:{self.environment['PATH']}", "LAB_CALLS": str(self.calls)}
        self.create()
        (self.queue / "config.yaml").write_text(SETTINGS + settings)

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

    def log_since(self, place):
        return self.log.read_bytes()[place:].decode(errors="replace")

    def recover(self, timeout=600):
        self.run("worker", "--backend", "lab", "--until-empty", timeout=timeout)
        self.wait_until_gone(timeout=120)

    def count(self, command):
        return self.calls.read_text().split().count(command)


def stop(worker):
    worker.send_signal(signal.SIGKILL)
    worker.wait()


def seeded(seed):
    seed = random.randrange(1 << 32) if seed is None else seed
    return seed, random.Random(seed)
