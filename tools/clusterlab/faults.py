"""The worker killed at every named point that one of a cluster comes by."""

import signal

from crashlab.audit import Audit, counts_as_json
from crashlab.faults import OF_CLUSTERS, names
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, stop

ALSO = ("turn.", "launch.folder-made", "harvest.", "adopt.")
# Its attempts have to be given up first, which takes a minute.
SLOW = ("fence.",)
JOBS = 6


def run(sweepq, top, work, short=False):
    figures, audits = Figures("faults"), []
    cluster = Cluster("--cpus", "16")
    try:
        for name in names(top):
            if not name.startswith(OF_CLUSTERS + ALSO) or short and name.startswith(SLOW):
                continue
            fired = 0
            for hits in (1,) if short else (1, 2, 3, 5):
                # Where the memory of one is lost, its ids meet what is left of the case before.
                own = Cluster("--cpus", "16") if name.startswith(SLOW) else cluster
                sandbox = ClusterSandbox(sweepq, work / f"fault-{name}-{hits}", own)
                try:
                    breaches, did_fire = one(sandbox, f"{name}:{hits}", audits)
                except Stuck as stuck:
                    breaches, did_fire = [str(stuck)], True
                finally:
                    if own is not cluster:
                        own.discard()
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
    is_given_up = fault.startswith("fence.")
    # Long enough for the jobs that are to be given up while they run.
    sandbox.submit(JOBS, pause=4 if is_given_up else 0.2)
    if fault.startswith("adopt."):
        first = sandbox.start_worker()
        sandbox.wait_for(lambda: sandbox.line_count("S") > 0, 60, "no job has started")
        stop(first)
    elif fault.startswith("forbid."):
        leave_unsubmitted(sandbox)
    elif is_given_up:
        vanish(sandbox)
    worker = sandbox.start_worker("--until-empty", fault=fault)
    status = worker.wait(timeout=120)
    breaches = []
    if sandbox.mark.exists() and status != -signal.SIGKILL:
        breaches.append(f"the worker ended with {status}, not by the kill")
    sandbox.recover()
    audit = Audit(sandbox, may_lose=is_given_up)
    audits.append(audit)
    breaches += audit.run()
    if is_given_up and not audit.outcomes["lost"]:
        breaches.append("no attempt was given up")
    return breaches, sandbox.mark.exists()


def leave_unsubmitted(sandbox):
    """Jobs that are claimed, and whose worker dies before it could intend to submit them."""
    worker = sandbox.start_worker(fault="intend.before-commit")
    if worker.wait(timeout=60) != -signal.SIGKILL:
        raise Stuck(f"the worker has not died before it submitted anything; {sandbox.log_tail()}")
    sandbox.mark.unlink()


def vanish(sandbox):
    """Jobs that run, and die with their nodes while the controller is away; and when it comes back it has never heard of
    them."""
    worker = sandbox.start_worker()
    sandbox.wait_for(lambda: sandbox.line_count("S") == JOBS, 60, "not every job has started")
    stop(worker)
    sandbox.cluster.fault("kill-controller")
    for node in ("n1", "n2"):
        sandbox.cluster.fault("kill-node", node, "--with-jobs")
    sandbox.cluster.fault("lose-state", "--everything")
    for node in ("n1", "n2"):
        sandbox.cluster.fault("start-node", node)
