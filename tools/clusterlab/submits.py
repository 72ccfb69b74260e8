"""Submit commands that die between the scheduler's acceptance and its answer."""

from crashlab.audit import Audit, counts_as_json
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, stop


def run(sweepq, work, times=200):
    """Each time some jobs are submitted, and the worker's own submit is killed; then it is let go on."""
    figures = Figures("submits")
    cluster = Cluster("--cpus", "16")
    sandbox = ClusterSandbox(sweepq, work / figures.name, cluster)
    try:
        for turn in range(times):
            fault = "mute" if turn % 2 else "kill"
            sandbox.submit(2, pause=0, name=f"turn{turn}")
            before = sandbox.count("sbatch")
            worker = sandbox.start_worker_with(LAB_SUBMIT_FAULT=fault)
            sandbox.wait_for(lambda: sandbox.count("sbatch") > before, 60, "the worker has not submitted anything")
            # It has seen that the submit died: the next worker starts from that row.
            sandbox.wait_for(lambda: "looking for it" in sandbox.log_since(worker.begun), 60, "the worker has not noticed")
            stop(worker)
            figures.count(f"submits killed ({'after acceptance' if fault == 'mute' else 'within 12 ms'})")
            if turn % 20 == 19:
                sandbox.recover()
        sandbox.recover()
        audit = Audit(sandbox)
        figures.case("all", audit.run())
        figures.values["attempts by outcome"] = counts_as_json([audit])
        if left := cluster.left():
            figures.case("queue", [f"{left} jobs are left in the scheduler's queue"])
    except Stuck as stuck:
        figures.case("all", [str(stuck)])
    finally:
        if figures.failed == 0:
            sandbox.discard()
        cluster.discard()
    return figures.close()
