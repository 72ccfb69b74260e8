"""SIGKILL at every system call of a worker's full cycle, one run for each; and the same for its supervisor."""

import random
import subprocess
import threading
from pathlib import Path

from .audit import Audit, counts_as_json
from .report import Figures
from .sandbox import Sandbox, Stuck

JOBS = 3
# Seconds that a job lasts: longer than the next worker needs to start, so that it finds some alive.
PAUSE = 0.15
LANES = 2
# A run that ends before its kill means that the cycle is walked to its end; the count varies a little between runs.
RUNS_TO_END = 5


def build_killer(work):
    killer = Path(work) / "killat"
    subprocess.run(["cc", "-O2", "-Wall", "-o", str(killer), str(Path(__file__).with_name("killat.c"))], check=True)
    return killer


class Walk:
    """Points 1, 1+stride, … shared by the lanes, until enough runs have ended before their kill."""

    def __init__(self, stride, limit):
        self.lock = threading.Lock()
        self.next = 1 if stride == 1 else random.randint(1, stride)
        self.stride, self.limit, self.ended = stride, limit, 0

    def take(self):
        with self.lock:
            if self.ended >= RUNS_TO_END or (self.limit and self.next > self.limit):
                return None
            point, self.next = self.next, self.next + self.stride
            return point

    def ran_to_end(self):
        with self.lock:
            self.ended += 1


def run(sweepq, work, stride=1, limit=None, supervisor=None):
    """`supervisor`: the argument by which a supervisor's command line is told; then that process is killed."""
    figures, audits, walk = Figures("supervisor" if supervisor else "syscalls"), [], Walk(stride, limit)
    killer = build_killer(work)
    calls = set()
    lock = threading.Lock()

    def lane(number):
        sandbox = Sandbox(sweepq, work / f"{figures.name}-{number}")
        sandbox.create()
        sandbox.submit(JOBS, pause=PAUSE)
        sandbox.keep_template()
        while (point := walk.take()) is not None:
            sandbox.restore_template()
            label = f"system call {point}"
            try:
                verdict, audit = one(sandbox, killer, point, supervisor)
            except (Stuck, subprocess.TimeoutExpired) as stuck:
                with lock:
                    figures.case(label, [str(stuck)])
                sandbox.kill_everything()
                continue
            with lock:
                audits.append(audit)
                if verdict[0] == "killed":
                    figures.count("kills that fired")
                    calls.add(verdict[2])
                    figures.values["last system call reached"] = max(
                        point, figures.values.get("last system call reached", 0))
                else:
                    walk.ran_to_end()
                figures.case(label, audit.breaches)
        sandbox.discard()

    lanes = [threading.Thread(target=lane, args=(n,)) for n in range(LANES)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    if not figures.values.get("kills that fired"):
        figures.case("all", ["no kill fired"])
    figures.values["kinds of system call"] = len(calls)
    figures.values["attempts by outcome"] = counts_as_json(audits)
    return figures.close()


def one(sandbox, killer, point, supervisor):
    report = sandbox.folder / "killed"
    report.unlink(missing_ok=True)
    prefix = [killer, *(["-m", supervisor] if supervisor else []), "-o", report, point]
    worker = sandbox.start_worker("--slots", 2, "--until-empty", prefix=prefix)
    worker.wait(timeout=60)
    verdict = report.read_text().split()
    sandbox.recover()
    audit = Audit(sandbox, may_lose=supervisor is not None)
    audit.run()
    return verdict, audit
