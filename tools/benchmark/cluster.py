"""A thousand trivial jobs through a real Slurm: what a cluster's worker adds to the scheduler's own time."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .measure import Row

TESTBED = Path(__file__).resolve().parent.parent / "testbed" / "slurm"
SETTINGS = """executors:
  single: {scheduler: slurm}
  bundled: {scheduler: slurm, bundle: 50, bundle_parallel: 4}
"""
ARRAY = "#!/bin/sh\n#SBATCH --output=/dev/null\ntrue\n"


def through_slurm(bench, _):
    """One array by hand, the same jobs by sweepq, and the same in bundles of 50."""
    jobs = 200 if bench.quick else 1000
    row = Row(f"{jobs} jobs through Slurm", "s", "sbatch --array by hand", "≤ 1.15 ×", at_most=1.15)
    bundled = Row("  in bundles of 50, 4 at a time", "s", "sbatch --array by hand", None)
    calls = Row("  calls of the scheduler: submits", "", None, "1", at_most=1, ratio=False)
    polls = Row("  questions after the state", "", None, None, ratio=False)
    if shutil.which("slurmctld") is None or os.geteuid() != 0:
        row.note = "Slurm is missing, or this is not root: tools/setup --cluster"
        return [row]
    folder = tempfile.mkdtemp(prefix="sl", dir="/tmp")
    try:
        up = subprocess.run([TESTBED, "up", folder, "--cpus", "8"], stdout=subprocess.PIPE, text=True, check=True,
                            stderr=subprocess.DEVNULL)
        exported = dict(line.removeprefix("export ").split("=", 1) for line in up.stdout.splitlines())
        environment = bench.environment | exported

        def by_hand():
            script = bench.work / "array.sh"
            script.write_text(ARRAY)
            begun = time.perf_counter()
            sent = subprocess.run(["sbatch", "--parsable", f"--array=1-{jobs}", script], env=environment, check=True,
                                  stdout=subprocess.PIPE, text=True)
            # sbatch --wait itself looks so seldom that it would flatter us.
            number = sent.stdout.strip()
            while subprocess.run(["squeue", "-h", "-j", f"{number},{number}"], env=environment, check=True,
                                 stdout=subprocess.PIPE).stdout:
                time.sleep(0.2)
            return time.perf_counter() - begun

        def ours(executor):
            queue = bench.queue()
            (queue / "config.yaml").write_text(SETTINGS)
            begun = time.perf_counter()
            bench.submit(queue, jobs)
            done = subprocess.run([bench.sweepq, "worker", "--queue", queue, "--backend", executor, "--until-empty",
                                   "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
            # The worker stays a little for the accounts; the jobs are done when the last has been settled.
            last = timed_last(bench, queue)
            report = json.loads(done.stdout)
            if executor == "single":
                calls.add(report["scheduler_calls"].get("submit", 0))
                polls.add(report["scheduler_calls"].get("status", 0))
            return last - (time.time() - (time.perf_counter() - begun))

        for _ in range(bench.long_rounds):
            single, hand, many = bench.interleaved(lambda: ours("single"), by_hand, lambda: ours("bundled"))
            row.add(single, hand)
            bundled.add(many, hand)
    finally:
        subprocess.run([TESTBED, "down", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
    return [row, bundled, calls, polls]


def timed_last(bench, queue):
    """When the last job of the queue was completed, in seconds since 1970."""
    shown = subprocess.run([bench.sweepq, "events", "--queue", queue, "--json", "--limit", "1"], stdout=subprocess.PIPE,
                           env=bench.environment, check=True).stdout
    return json.loads(shown.splitlines()[-1])["at"] / 1000
