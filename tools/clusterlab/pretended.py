"""The same storm for schedulers that cannot be had: their pretended commands, with every fault that the real ones were
seen to have."""

import time

from crashlab.audit import Audit, counts_as_json
from crashlab.random_kills import LineCounter
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, seeded, stop
from .storm import BESIDES, settle

KINDS = {
    "pbs": [(), ("--no-history",), ("--flavour", "openpbs-23"), ("--flavour", "torque")],
    "lsf": [("--flavour", "old"), ("--flavour", "modern")],
}
SUBMIT = {"pbs": "qsub", "lsf": "bsub"}
QUERY = {"pbs": "qstat", "lsf": "bjobs"}


def run(sweepq, work, jobs=120, turns=24, seed=None):
    figures = Figures("pretended")
    seed, chance = seeded(seed)
    figures.values |= {"jobs each": jobs, "seed": seed}
    for kind, flavours in KINDS.items():
        for options in flavours:
            label = " ".join((kind, *options))
            try:
                figures.case(f"{label}, seed {seed}", storm(figures, sweepq, work, kind, options, jobs, turns, chance))
            except Stuck as stuck:
                figures.case(f"{label}, seed {seed}", [str(stuck)])
    return figures.close()


def storm(figures, sweepq, work, kind, options, jobs, turns, chance):
    cluster = Cluster("--slots", "8", *options, kind=kind)
    # Few at a time, so that there is always something to submit when a fault comes.
    sandbox = ClusterSandbox(sweepq, work / f"{kind}{len(figures.values)}{figures.cases}", cluster, "    max_in_flight: 12\n")
    sandbox.submit(jobs, pause="mixed")
    ended = LineCounter(sandbox.lines)
    worker = sandbox.start_worker()
    breaches = []
    try:
        for turn in range(turns):
            due, deadline = jobs * 0.9 * turn / turns, time.monotonic() + 180
            while ended() < due:
                if time.monotonic() > deadline:
                    raise Stuck(f"only {ended()} of {jobs} jobs have ended; {sandbox.log_tail()}")
                if sandbox.run("status", "--cancelled", "--failed", "-q", check=False).stdout.strip():
                    sandbox.run("retry", "--cancelled", "--failed", check=False)
                time.sleep(0.2)
            fault = FAULTS[turn % len(FAULTS)].replace("SUBMIT", SUBMIT[kind]).replace("QUERY", QUERY[kind])
            if fault == "freeze":
                cluster.fault("freeze")
                time.sleep(chance.uniform(0.5, 3))
                cluster.fault("thaw")
            elif fault == "restart":
                cluster.fault("kill-controller")
                time.sleep(chance.uniform(0.5, 2))
                cluster.fault("start-controller")
            elif fault == "amnesia":
                cluster.fault("save-state")
                time.sleep(chance.uniform(0.1, 1))
                cluster.fault("lose-state")
            else:
                cluster.fault("fault", fault)
            figures.count(fault)
            time.sleep(chance.uniform(0, 0.5))
            stop(worker)
            worker = sandbox.start_worker()
        cluster.fault("fault")
        stop(worker)
        settle(sandbox, True)
        audit = Audit(sandbox, may_lose=True, besides=BESIDES)
        breaches += audit.run()
        figures.values[f"attempts, {kind} {' '.join(options)}"] = counts_as_json([audit])
        if left := cluster.left():
            breaches.append(f"{left} jobs are left in the scheduler's queue")
        return breaches
    finally:
        stop(worker)
        if not breaches:
            sandbox.discard()
        cluster.discard()


FAULTS = (
    "SUBMIT accept-die times=1",
    "freeze",
    "SUBMIT lose-answer times=1",
    "QUERY fail times=2",
    "restart",
    "SUBMIT noise Cannot connect to the server. Please wait ...",
    "QUERY empty times=2",
    "amnesia",
    "SUBMIT forget times=1",
    "QUERY miss 1 times=3",
    "SUBMIT reuse-id times=1",
    "* run lose-status",
)
