"""Many jobs, while the worker is killed, the controller frozen and killed, the accounts stopped, and somebody else
requeues and cancels what they like."""

import time

from crashlab.audit import Audit, counts_as_json
from crashlab.random_kills import LineCounter
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, seeded, stop

# What may have become of an attempt that was ended from outside half way.
BESIDES = ("cancelled", "preempted", "node_failed", "failed")


def run(sweepq, work, jobs=1000, kills=50, faults=True, seed=None):
    figures = Figures("storm" if faults else "kills")
    seed, chance = seeded(seed)
    figures.values |= {"jobs": jobs, "seed": seed}
    # A node tells soon which of its jobs have ended, which a controller without its memory does not know.
    cluster = Cluster("--cpus", "16", "--slurmd-timeout", "15", "--conf", "MessageTimeout=5")
    # Few at a time, so that there is always something to submit when a fault comes.
    sandbox = ClusterSandbox(sweepq, work / figures.name, cluster, "    max_in_flight: 60\n" if faults else "")
    sandbox.submit(jobs, pause="mixed")
    ended = LineCounter(sandbox.lines)
    # Without other faults two of them share the executor: neither may touch what is the other's.
    workers = [sandbox.start_worker() for _ in range(1 if faults else 2)]
    if faults:
        cluster.start_healing()
    deeds = [freeze, amnesia, accounts, requeue_running, requeue_finished, cancel] if faults else []
    try:
        for kill in range(1, kills + 1):
            due = jobs * 0.97 * kill / kills
            deadline = time.monotonic() + 300
            while ended() < due:
                if time.monotonic() > deadline:
                    raise Stuck(f"only {ended()} of {jobs} jobs have ended; {sandbox.log_tail()}")
                # What somebody has cancelled is asked for again, as a person would.
                if faults and sandbox.run("status", "--cancelled", "-q", check=False).stdout.strip():
                    sandbox.run("retry", "--cancelled", check=False)
                time.sleep(0.3)
            if deeds:
                deed = deeds[kill % len(deeds)]
                deed(cluster, chance)
                figures.count(deed.__doc__)
            time.sleep(chance.uniform(0, 0.5))
            victim = chance.randrange(len(workers))
            stop(workers[victim])
            figures.count("workers killed")
            workers[victim] = sandbox.start_worker()
        for worker in workers:
            stop(worker)
        settle(sandbox, faults)
        audit = Audit(sandbox, may_lose=faults, besides=BESIDES if faults else ())
        figures.case(f"seed {seed}", audit.run())
        figures.values["attempts by outcome"] = counts_as_json([audit])
        for command in ("sbatch", "squeue", "sacct", "scancel"):
            figures.values[f"calls of {command}"] = sandbox.count(command)
        if left := cluster.left():
            figures.case(f"seed {seed}", [f"{left} jobs are left in the scheduler's queue"])
    except Stuck as stuck:
        figures.case(f"seed {seed}", [str(stuck)])
    finally:
        for worker in workers:
            stop(worker)
        if figures.failed == 0:
            sandbox.discard()
        cluster.discard()
    return figures.close()


def settle(sandbox, faults):
    """Works until every job has completed; what others have ended is asked for again."""
    for _ in range(20):
        sandbox.recover()
        if not faults or not sandbox.run("status", "--cancelled", "--failed", "-q").stdout.strip():
            return
        sandbox.run("retry", "--cancelled", "--failed")
    raise Stuck(f"the jobs do not come to an end; {sandbox.log_tail()}")


def freeze(cluster, chance):
    """controller frozen for some seconds"""
    cluster.fault("freeze")
    time.sleep(chance.uniform(1, 8))
    cluster.fault("thaw")


def amnesia(cluster, chance):
    """controller killed, with what it had not saved"""
    cluster.fault("kill-controller")
    time.sleep(chance.uniform(0, 2))
    cluster.fault("start-controller")


def accounts(cluster, chance):
    """accounts stopped for some seconds"""
    cluster.fault("stop-accounting")
    time.sleep(chance.uniform(1, 4))
    cluster.fault("start-accounting")


def requeue_running(cluster, chance):
    """running job requeued by hand"""
    requeue(cluster, cluster.tasks("RUNNING"), chance)


def requeue_finished(cluster, chance):
    """finished job requeued by hand"""
    requeue(cluster, cluster.tasks("COMPLETED"), chance)


def requeue(cluster, tasks, chance):
    if tasks:
        task = chance.choice(tasks)
        # Jobs that must not be requeued are made so first: an administrator can.
        cluster.run("scontrol", "update", f"jobid={task}", "Requeue=1")
        cluster.run("scontrol", "requeue", task)
        cluster.run("scontrol", "update", f"jobid={task}", "StartTime=now")


def cancel(cluster, chance):
    """job cancelled by hand"""
    if tasks := cluster.tasks("PENDING", "RUNNING"):
        cluster.run("scancel", chance.choice(tasks))
