"""A worker that comes back when all has ended and the scheduler has forgotten it."""

from crashlab.audit import Audit
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, stop


def run(sweepq, work, jobs=100):
    figures = Figures("resume")
    for accounts in ("--accounting", "--no-accounting"):
        cluster = Cluster("--cpus", "16", "--min-job-age", "2", accounts)
        sandbox = ClusterSandbox(sweepq, work / (figures.name + accounts), cluster)
        worker = None
        try:
            sandbox.submit(jobs, pause=0.2)
            worker = sandbox.start_worker()
            sandbox.wait_for(lambda: cluster.tasks("PENDING", "RUNNING"), 60, "nothing was submitted")
            sandbox.wait_for(lambda: "submitted" in sandbox.run("status", "--json").stdout, 60, "nothing is submitted")
            stop(worker)
            sandbox.wait_for(lambda: not cluster.run("squeue", "-h", "-t", "all"), 240, "Slurm still lists the jobs")
            submits = sandbox.count("sbatch")
            sandbox.recover()
            breaches = Audit(sandbox).run()
            if sandbox.count("sbatch") != submits:
                breaches.append(f"the new worker called sbatch {sandbox.count('sbatch') - submits} times")
            figures.case(accounts[2:], breaches)
        except Stuck as stuck:
            figures.case(accounts[2:], [str(stuck)])
        finally:
            if worker:
                stop(worker)
            if figures.failed == 0:
                sandbox.discard()
            cluster.discard()
    return figures.close()
