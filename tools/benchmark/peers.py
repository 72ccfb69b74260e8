"""Other programs that run many commands. Each returns commands per second, its own start and end included."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .measure import Failed, timed

HYPERQUEUE = """
import sys
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=2))
    client, job = cluster.client(), Job(".")
    for _ in range(int(sys.argv[1])):
        job.program(["/bin/true"], stdout=None, stderr=None)
    client.wait_for_jobs([client.submit(job)])
"""


class Peers:
    def __init__(self, work, environment_folder):
        self.work = work
        self.venv = environment_folder
        self.skipped = []

    def available(self):
        """(name, function, how many commands, budget) of each that is here; a sentence for each that is not."""
        found = [("xargs -P2", self.xargs, 10_000, 0.9)]
        if shutil.which("parallel"):
            found.append(("GNU parallel --joblog", self.parallel, 1000, 3))
        else:
            self.skipped.append("GNU parallel is not installed (tools/setup --bench).")
        if shutil.which("tsp"):
            found.append(("task-spooler", self.task_spooler, 1000, 1.3))
        else:
            self.skipped.append("task-spooler is not installed (tools/setup --bench).")
        for name, package, function, count, budget in (
                ("HyperQueue (no journal)", "hyperqueue", self.hyperqueue, 2000, 2),
                ("HyperShell", "hypershell", self.hypershell, 200, 20)):
            problem = self.install(package)
            if problem:
                self.skipped.append(f"{name} could not be installed from PyPI: {problem}")
            else:
                found.append((name, function, count, budget))
        return found

    def install(self, package):
        """Into a Python environment of our own; returns why not, or None."""
        python = self.venv / "bin/python"
        try:
            if not python.exists():
                timed([sys.executable, "-m", "venv", self.venv])
            if not list(self.venv.glob(f"lib/python*/site-packages/{package}")):
                timed([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])
        except (Failed, OSError) as error:
            return str(error).strip().splitlines()[-1]
        return None

    def _rate(self, count, command, **options):
        seconds, _, _ = timed(command, **options)
        return count / seconds

    def _lines(self, count):
        path = self.work / "lines"
        path.write_text("".join(f"{n}\n" for n in range(count)))
        return path

    def xargs(self, count):
        with open(self._lines(count)) as lines:
            return self._rate(count, ["xargs", "-P2", "-n1", "/bin/true"], stdin=lines)

    def parallel(self, count):
        log = self.work / "joblog"
        log.unlink(missing_ok=True)
        with open(self._lines(count)) as lines:
            return self._rate(count, ["parallel", "--will-cite", "-j2", "--joblog", log, "/bin/true"], stdin=lines)

    def task_spooler(self, count):
        environment = os.environ | {"TS_SOCKET": str(self.work / "ts.socket"), "TMPDIR": str(self.work)}
        quiet = {"env": environment, "stdout": subprocess.DEVNULL, "check": True}
        subprocess.run(["tsp", "-S", "2"], **quiet)
        begun = time.perf_counter()
        for _ in range(count):
            subprocess.run(["tsp", "-n", "/bin/true"], **quiet)
        subprocess.run(["tsp", "-w"], **quiet)
        seconds = time.perf_counter() - begun
        subprocess.run(["tsp", "-K"], **quiet)
        return count / seconds

    def hyperqueue(self, count):
        return self._rate(count, [self.venv / "bin/python", "-c", HYPERQUEUE, count], folder=self.work)

    def hypershell(self, count):
        site = self.work / "hypershell"
        shutil.rmtree(site, ignore_errors=True)
        return self._rate(count, [self.venv / "bin/hs", "cluster", self._lines(count), "-t", "/bin/true", "-N", "2"],
                          environment=os.environ | {"HYPERSHELL_SITE": str(site)}, folder=self.work)
