"""The same storm for schedulers that cannot be had: their pretended commands, with every fault that the real ones were
seen to have."""

import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from crashlab.audit import Audit, counts_as_json
from crashlab.random_kills import LineCounter
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, seeded, stop
from .storm import BESIDES, ask_again, settle
from .strikes import Submissions, Tally

KINDS = {
    "pbs": [(), ("--no-history",), ("--flavour", "openpbs-23"), ("--flavour", "torque")],
    "lsf": [("--flavour", "old"), ("--flavour", "modern")],
}
# How each calls what the faults are about: to submit, to ask, and the end of a job that it tells wrong.
WORDS = {
    "pbs": {"SUBMIT": "qsub", "QUERY": "qstat", "LIE": "status 1"},
    "lsf": {"SUBMIT": "bsub", "QUERY": "bjobs", "LIE": "lose-status"},
}
FREEZE, RESTART = "server frozen while something is submitted", "server away while something is submitted"
LOSE, REUSE = "server's memory lost, with accepted jobs", "ids given again"

# A fault of the pretended commands is over when it was met that often; one of jobs' ends, when the next is set.
FAULTS = (
    "SUBMIT accept-die times=1",
    FREEZE,
    "SUBMIT lose-answer times=1",
    "QUERY fail times=2",
    RESTART,
    "SUBMIT noise Cannot connect to the server. Please wait ...",
    "QUERY empty times=2",
    LOSE,
    "SUBMIT forget times=1",
    "QUERY miss 1 times=6",
    "SUBMIT reuse-id times=1",
    "run LIE",
)

LANES = 6

# Jobs that come with each fault.
MORE = 3

# How long a fault waits for something to strike, in seconds.
PATIENCE = 15


def run(sweepq, work, jobs=120, turns=24, seed=None, short=False):
    """The long form fails also when a fault never struck one of them."""
    figures = Figures("pretended")
    seed, _ = seeded(seed)
    figures.values |= {"jobs each": jobs, "seed": seed}

    def one(kind, options):
        label = " ".join((kind, *(option.removeprefix("--") for option in options)))
        storm = Storm(sweepq, work / label.replace(" ", "-"), kind, options, random.Random(f"{seed} {label}"))
        breaches = ["it was broken off"]
        try:
            breaches = storm.run(jobs, turns) + ([] if short else storm.tally.breaches())
        except Stuck as stuck:
            breaches = [str(stuck)]
        finally:
            storm.discard(keep=bool(breaches))
        return label, storm, breaches

    # Most of it is waiting.
    with ThreadPoolExecutor(LANES) as lanes:
        runs = [lanes.submit(one, kind, options) for kind, flavours in KINDS.items() for options in flavours]
        for run in runs:
            label, storm, breaches = run.result()
            figures.values[f"{label}: faults"] = storm.tally.rows
            figures.values[f"{label}: attempts by outcome"] = storm.outcomes
            figures.case(f"{label}, seed {seed}", breaches)
    return figures.close()


class Storm:
    def __init__(self, sweepq, folder, kind, options, chance):
        self.kind, self.chance = kind, chance
        self.cluster = Cluster("--slots", "8", *options, kind=kind)
        # Few at a time, and yet room for what comes with a fault while earlier submissions are still looked for.
        self.sandbox = ClusterSandbox(sweepq, folder, self.cluster, "    max_in_flight: 30\n")
        self.tally = Tally()
        self.losses, self.outcomes, self.worker = [], {}, None

    def run(self, jobs, turns):
        self.sandbox.submit(jobs - MORE * turns, pause="mixed")
        ended = LineCounter(self.sandbox.lines)
        self.worker = self.sandbox.start_worker()
        for turn in range(turns):
            self.wait_until(ended, jobs * 0.9 * turn / turns)
            fault, begun = FAULTS[turn % len(FAULTS)], time.monotonic()
            self.strike(fault, f"turn{turn}")
            print(f"cluster-lab: {self.sandbox.folder.name}: {ended.count} of {jobs} jobs have ended; {fault}, "
                  f"{time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)
            time.sleep(self.chance.uniform(0, 0.5))
            stop(self.worker)
            self.worker = self.sandbox.start_worker()
        self.cluster.fault("fault")
        stop(self.worker)
        settle(self.sandbox, True)
        audit = Audit(self.sandbox, may_lose=True, besides=BESIDES)
        breaches = audit.run()
        self.outcomes = counts_as_json([audit])
        self.look_back()
        if left := self.cluster.left():
            breaches.append(f"{left} jobs are left in the scheduler's queue")
        return breaches

    def wait_until(self, ended, due):
        deadline = time.monotonic() + 180
        while ended() < due:
            if time.monotonic() > deadline:
                raise Stuck(f"only {ended.count} of {due:.0f} jobs have ended; {self.sandbox.log_tail()}")
            ask_again(self.sandbox)
            time.sleep(0.2)

    def strike(self, fault, name):
        """Waits until the fault has struck, but not for ever. Whatever has gone out by now, it finds something to submit,
        and that is there for a while."""
        def provide():
            self.sandbox.submit(MORE, pause=3, name=name)

        self.tally.count(fault)
        if fault == LOSE or "reuse-id" in fault:
            self.tally.count(REUSE)
        submit, begun = WORDS[self.kind]["SUBMIT"], time.time()
        if fault in (FREEZE, RESTART):
            first, last = ("freeze", "thaw") if fault == FREEZE else ("kill-controller", "start-controller")
            self.cluster.fault(first)
            provide()
            struck = self.soon(lambda: self.sandbox.calls_since(begun, submit))
            time.sleep(self.chance.uniform(0, 2))
            self.cluster.fault(last)
            self.tally.count(fault, "struck", int(struck))
        elif fault == LOSE:
            self.cluster.fault("save-state")
            provide()
            self.soon(lambda: self.is_accepted(name))
            time.sleep(self.chance.uniform(0, 1))
            at = time.time()
            self.cluster.fault("lose-state")
            self.losses.append((at, self.cluster.listed()))
        else:
            line = fault
            for word, meaning in WORDS[self.kind].items():
                line = line.replace(word, meaning)
            command, kind = line.split()[:2]
            self.cluster.fault("fault", line)
            provide()
            self.soon(lambda: self.fired(command, kind, begun))
            self.tally.count(fault, "struck", int(self.fired(command, kind, begun) > 0))

    def is_accepted(self, name):
        """Whether the worker knows that the scheduler has a sweep's jobs, and they have not ended."""
        sweeps = json.loads(self.sandbox.run("sweeps", "--json").stdout)["sweeps"]
        return any(row["name"] == name and row["counts"]["submitted"] + row["counts"]["running"] for row in sweeps)

    def fired(self, command, fault, since):
        """How often the pretended commands have met it since."""
        try:
            lines = (self.cluster.folder / "fired").read_text().splitlines()
        except FileNotFoundError:
            return 0
        met = [json.loads(line) for line in lines if line.endswith("]")]
        return sum(1 for at, *what in met if at >= since and what == [command, fault])

    def look_back(self):
        """Counts what only the rows can tell."""
        submissions = Submissions(self.sandbox)
        for at, listed in self.losses:
            self.tally.count(LOSE, "struck", int(bool(submissions.lost(at, listed))))
        ids = [row["native_id"] for row in submissions.rows]
        again = len(ids) - len(set(ids))
        if again:
            self.tally.count(REUSE, "struck", again)

    def soon(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def discard(self, keep):
        if self.worker:
            stop(self.worker)
        if not keep:
            self.sandbox.discard()
        self.cluster.discard()
