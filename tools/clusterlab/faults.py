"""The worker killed at every named point that one of a cluster comes by."""

import signal

from crashlab.audit import Audit, counts_as_json
from crashlab.faults import OF_CLUSTERS, names
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, stop

ALSO = ("turn.", "launch.folder-made", "harvest.", "adopt.")
JOBS = 6


def run(sweepq, top, work, short=False):
    figures, audits = Figures("faults"), []
    cluster = Cluster("--cpus", "16")
    try:
        for name in names(top):
            if not name.startswith(OF_CLUSTERS + ALSO):
                continue
            fired = 0
            for hits in (1,) if short else (1, 2, 3, 5):
                sandbox = ClusterSandbox(sweepq, work / f"fault-{name}-{hits}", cluster)
                try:
                    breaches, did_fire = one(sandbox, f"{name}:{hits}", audits)
                except Stuck as stuck:
                    breaches, did_fire = [str(stuck)], True
                fired += did_fire
                if hits == 1 and not did_fire:
                    breaches.append("the fault point was never reached")
                figures.case(f"{name}:{hits}", breaches)
                if not breaches:
                    sandbox.discard()
                if not did_fire:
                    break  # it is not reached that often in one cycle
            figures.count("kills that fired", fired)
    finally:
        cluster.discard()
    figures.values["attempts by outcome"] = counts_as_json(audits)
    return figures.close()


def one(sandbox, fault, audits):
    """One kill, recovery and audit. Returns the breaches and whether the fault fired."""
    sandbox.submit(JOBS, pause=0.2)
    if fault.startswith("adopt."):
        first = sandbox.start_worker()
        sandbox.wait_for(lambda: sandbox.line_count("S") > 0, 60, "no job has started")
        stop(first)
    worker = sandbox.start_worker("--until-empty", fault=fault)
    status = worker.wait(timeout=120)
    breaches = []
    if sandbox.mark.exists() and status != -signal.SIGKILL:
        breaches.append(f"the worker ended with {status}, not by the kill")
    sandbox.recover()
    audit = Audit(sandbox)
    audits.append(audit)
    return breaches + audit.run(), sandbox.mark.exists()
