"""Kills at every named fault point, at several hits of each, in the process that reaches it."""

import json
import os
import re
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .audit import Audit, counts_as_json
from .report import Figures
from .sandbox import Sandbox, Stuck

JOBS = 6
# Most of a case is waiting.
LANES = 4
LONG_SUBMIT = 30_000
# Changed in four parts, the first of which is part of the asking.
MANY = 40_000


# Only a cluster's worker comes by these.
OF_CLUSTERS = ("intend.", "submission.", "accept.", "fence.", "forbid.")
# And by these one that brings files to jobs, on this machine or another.
OF_STAGING = ("file.", "bundle.", "fetch.", "project.")


def names(top):
    """The names as the source has them, so that a new one is never forgotten."""
    text = (Path(top) / "Sources/SweepModel/FaultPoint.swift").read_text()
    return re.findall(r'case \w+ = "([a-z.-]+)"', text)


def run(sweepq, top, work, short=False, only=None):
    figures, audits = Figures("faults"), []
    chosen = [name for name in names(top) if not name.startswith(OF_CLUSTERS + OF_STAGING) and (not only or only in name)]
    lock = threading.Lock()

    def walk(name):
        fired = 0
        for hits in (1, 3) if short else (1, 2, 3, 4, 5, 6, 8, 12):
            sandbox = Sandbox(sweepq, work / f"fault-{name}-{hits}")
            try:
                breaches, did_fire = one(sandbox, name, hits, audits)
            except (Stuck, subprocess.TimeoutExpired) as stuck:
                breaches, did_fire = [str(stuck)], sandbox.mark.exists()
            fired += did_fire
            if hits == 1 and not did_fire:
                breaches.append("the fault point was never reached")
            with lock:
                figures.case(f"{name}:{hits}", breaches)
            if not breaches or os.environ.get("CRASH_LAB_KEEP") is None:
                sandbox.discard()
            if not did_fire:
                break  # it is not reached that often in one cycle
        return fired

    with ThreadPoolExecutor(LANES) as lanes:
        for name, fired in zip(chosen, lanes.map(walk, chosen)):
            figures.count("kills that fired", fired)
            figures.values[f"  {name}"] = f"{fired} kills"
    figures.values["attempts by outcome"] = counts_as_json(audits)
    return figures.close()


def one(sandbox, name, hits, audits):
    """One kill, recovery and audit. Returns the breaches and whether the fault fired."""
    fault = f"{name}:{hits}"
    sandbox.create()
    if name.startswith("submit."):
        breaches = killed_submit(sandbox, name, fault)
    elif name.startswith("errand."):
        breaches = killed_change(sandbox, "cancel" if hits % 2 else "prune", fault)
    else:
        breaches = killed_worker(sandbox, name, fault)
    if not sandbox.mark.exists():
        return breaches, False
    audit = Audit(sandbox, may_lose=name.startswith(("supervisor.", "gate.")))
    audits.append(audit)
    return breaches + audit.run(), sandbox.mark.exists()


def killed_submit(sandbox, name, fault):
    """A submit that died has added all of its jobs or none, and what it had printed is there."""
    count = LONG_SUBMIT if "batches" in name else JOBS
    done = sandbox.submit(count, fault=fault, check=False, name="killed")
    breaches = []
    if sandbox.mark.exists():
        if done.returncode != -signal.SIGKILL:
            breaches.append(f"submit ended with {done.returncode}, not by the kill")
        if done.stdout.strip():
            breaches.append("submit printed ids before its jobs were durable and complete")
        listed = {sweep["name"]: sweep for sweep in json.loads(sandbox.run("sweeps", "--json").stdout)["sweeps"]}
        sweep = listed.get("killed")
        # What is there and not half loaded counts as submitted from now on: all of it must run, once.
        if sweep and not sweep["loading"]:
            sandbox.expected = sweep["counts"]["total"]
            if sandbox.expected != count:
                breaches.append(f"{sandbox.expected} of {count} jobs are there after their submit died")
    else:
        return breaches
    sandbox.submit(JOBS, name="second")
    sandbox.recover(timeout=300)
    return breaches


def killed_change(sandbox, change, fault):
    """A change of many jobs goes on whoever dies: none of the cancelled starts, and a prune leaves nothing."""
    sandbox.submit(JOBS)
    sandbox.run("submit", "-q", "-p", f"n=1..{MANY}", "--name", "many", "--cwd", sandbox.folder, "--", "/bin/sh",
                sandbox.job, "{n}", 0)
    if change == "prune":
        sandbox.run("cancel", "@many", "--wait")
    done = sandbox.run(change, "@many", "--wait", fault=fault, check=False)
    if not sandbox.mark.exists():
        return []
    breaches = []
    if done.returncode != -signal.SIGKILL:
        breaches.append(f"{change} ended with {done.returncode}, not by the kill")
    sandbox.recover()
    if change == "cancel":
        counts = json.loads(sandbox.run("sweeps", "@many", "--json").stdout)["sweeps"][0]["counts"]
        if counts["cancelled"] != MANY:
            breaches.append(f"{MANY} jobs should be cancelled, the sweep has {counts}")
        sandbox.run("prune", "@many", "--wait")
    return breaches


def killed_worker(sandbox, name, fault):
    sandbox.submit(JOBS, pause=0.3 if name.startswith("adopt.") else 0.25)
    if name.startswith("adopt."):
        first = sandbox.start_worker("--slots", 2, "--until-empty")
        sandbox.wait_for(lambda: sandbox.line_count("S") > 0, 30, "no job has started")
        first.kill()
        first.wait()
    worker = sandbox.start_worker("--slots", 2, "--until-empty", fault=fault)
    status = worker.wait(timeout=60)
    breaches = []
    if sandbox.mark.exists() and not name.startswith(("supervisor.", "gate.")) and status != -signal.SIGKILL:
        breaches.append(f"the worker ended with {status}, not by the kill")
    if not sandbox.mark.exists() and status != 0:
        breaches.append(f"the worker ended with {status} without a kill")
    sandbox.recover()
    return breaches
