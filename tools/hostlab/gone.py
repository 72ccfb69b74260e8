"""A host that vanishes for good: what it had in hand comes back by a person's word, and by nothing else."""

import time

from crashlab.audit import counts_as_json
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .hosts import HostAudit, Hosts, HostSandbox

JOBS = 40
IN_HAND = "SELECT job FROM attempt WHERE ended_at IS NULL AND executor = 'h2' ORDER BY job"


def run(sweepq, work):
    figures, worker = Figures("gone"), None
    hosts = Hosts(2)
    sandbox = HostSandbox(sweepq, work / figures.name, hosts, {
        host: (host, "    capacity: {slots: 4, cpus: 4}\n") for host in hosts.names})
    try:
        sandbox.submit(JOBS, "mixed")
        worker = sandbox.start_worker("--backend", "local,h1,h2", "--slots", 1)
        running = "SELECT 1 FROM attempt WHERE ended_at IS NULL AND started_at IS NOT NULL AND executor = 'h2'"
        sandbox.wait(lambda: len(sandbox.rows(running)) > 1, 60, lambda: "h2 runs nothing")
        hosts.run("crash", "h2")
        others = f"SELECT id FROM job WHERE state <> 'completed' AND id NOT IN ({IN_HAND})"
        sandbox.wait(lambda: not sandbox.rows(others), 120, lambda: f"the others do not end: {sandbox.rows(others)}")
        kept = sandbox.rows(IN_HAND)
        if not kept:
            raise Stuck("h2 had nothing in hand")
        # Longer than everything after which a worker gives up a host that can be asked.
        time.sleep(10)
        breaches = []
        if sandbox.rows(IN_HAND) != kept:
            breaches.append(f"h2 had {kept} in hand, and has {sandbox.rows(IN_HAND)} though nobody could ask it")
        sandbox.end(worker)
        if sandbox.run("executors", "remove", "h2", check=False).returncode != 75:
            breaches.append("an executor with jobs in hand was removed without a word")
        sandbox.run("executors", "remove", "h2", "--lost")
        sandbox.run("worker", "--backend", "local,h1", "--until-empty", timeout=180)
        sandbox.wait_until_gone()
        del sandbox.roots["h2"]
        audit = HostAudit(sandbox, (), may_lose=True)
        figures.case("all", breaches + audit.run())
        figures.values["jobs that it had in hand"] = len(kept)
        figures.values["attempts by outcome"] = counts_as_json([audit])
    except Stuck as stuck:
        figures.case("all", [str(stuck)])
    finally:
        if worker and worker.poll() is None:
            worker.kill()
            worker.wait()
        if figures.failed == 0:
            sandbox.discard()
        else:
            sandbox.kill_everything()
        hosts.discard()
    return figures.close()
