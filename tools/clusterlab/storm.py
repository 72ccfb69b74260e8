"""Many jobs, while the worker is killed, the controller frozen and killed, the accounts stopped, and somebody else
requeues and cancels what they like."""

import shutil
import signal
import sys
import time

from crashlab.audit import Audit, counts_as_json
from crashlab.random_kills import LineCounter
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, seeded, stop
from .deeds import KILL, Deeds
from .strikes import Submissions, Tally

# What may have become of an attempt that was ended from outside half way.
BESIDES = ("cancelled", "preempted", "node_failed", "failed")


def run(sweepq, work, jobs=1000, kills=50, faults=True, seed=None, short=False):
    """The long form fails also when a deed never struck, or a worker was not there to be killed."""
    figures = Figures("storm" if faults else "kills")
    seed, chance = seeded(seed)
    figures.values |= {"jobs": jobs, "seed": seed}
    # A node tells soon which of its jobs have ended, which a controller without its memory does not know.
    cluster = Cluster("--cpus", "16", "--slurmd-timeout", "15", "--conf", "MessageTimeout=5")
    # In the short form too few for the worker to take the loss of all of them for an alarm, after which it would wait for
    # a minute.
    room = 18 if short else 60
    in_flight = f"    max_in_flight: {room}\n" if faults else ""
    sandbox = ClusterSandbox(sweepq, work / figures.name, cluster, in_flight)
    storm = Storm(sandbox, cluster, chance, faults, jobs, kills, room)
    try:
        storm.rage(short)
        figures.values["deeds"] = storm.tally.rows
        audit = Audit(sandbox, may_lose=faults, besides=BESIDES if faults else ())
        figures.case(f"seed {seed}", audit.run() + ([] if short else storm.misses()))
        figures.values["attempts by outcome"] = counts_as_json([audit])
        figures.values |= Submissions(sandbox).reasons()
        for command in ("sbatch", "squeue", "sacct", "scancel"):
            figures.values[f"calls of {command}"] = sandbox.count(command)
    except Stuck as stuck:
        figures.values["deeds"] = storm.tally.rows
        figures.case(f"seed {seed}", [str(stuck)])
    finally:
        storm.end()
        if figures.failed == 0:
            sandbox.discard()
        else:
            shutil.copytree(cluster.folder / "log", sandbox.folder / "slurm", dirs_exist_ok=True)
        if cluster.deaths:
            figures.values["the controller ended by itself"] = cluster.deaths
        cluster.discard()
    return figures.close()


class Storm:
    def __init__(self, sandbox, cluster, chance, faults, jobs, kills, room):
        self.sandbox, self.cluster, self.chance, self.faults = sandbox, cluster, chance, faults
        self.jobs, self.kills = jobs, kills
        # With each deed come so many jobs, once those that are there leave room for them in the scheduler.
        self.portion = jobs * 9 // 10 // kills
        self.backlog = max(0, room - self.portion)
        self.tally = Tally(KILL)
        self.deeds = Deeds(cluster, sandbox, chance, self.tally, self.kill, self.provide) if faults else None
        self.workers = []
        self.ended = LineCounter(sandbox.lines)
        self.begun = time.monotonic()

    def rage(self, short):
        if self.faults:
            self.sandbox.submit(self.jobs - self.kills * self.portion, pause="long")
        else:
            self.sandbox.submit(self.jobs, pause="mixed")
        # Without other faults two of them share the executor: neither may touch what is the other's.
        self.workers = [self.sandbox.start_worker() for _ in range(1 if self.faults else 2)]
        cycle = self.deeds.cycle(short) if self.faults else []
        if self.faults:
            self.cluster.start_healing()
        for turn in range(self.kills):
            if cycle:
                self.wait_until(self.sandbox.expected - self.backlog)
                deed, begun = cycle[turn % len(cycle)], time.monotonic()
                deed()
                self.deeds.look()
                self.say(f"{self.ended.count} of {self.sandbox.expected} jobs have ended; {deed.__name__}, "
                         f"{time.monotonic() - begun:.1f} s")
            else:
                self.wait_until(self.jobs * 0.97 * turn / self.kills)
            if self.tally.rows[KILL]["tried"] == turn:
                time.sleep(self.chance.uniform(0, 0.5))
                self.kill()
        self.end()
        self.say("settling")
        settle(self.sandbox, self.faults)
        self.sandbox.wait_for(lambda: not self.cluster.left(), 120, "there are jobs left in the scheduler's queue")
        if self.faults:
            self.deeds.close()

    def say(self, what):
        print(f"cluster-lab: {time.monotonic() - self.begun:.0f} s: {what}", file=sys.stderr, flush=True)

    def provide(self):
        """A deed's share of the jobs."""
        self.sandbox.submit(self.portion, pause="long", name=f"portion{self.sandbox.expected}")

    def wait_until(self, due):
        deadline = time.monotonic() + 300
        if self.faults:
            self.cluster.revive()
        while True:
            if self.faults:
                ask_again(self.sandbox)
            if self.ended() >= due:
                return
            if time.monotonic() > deadline:
                raise Stuck(f"only {self.ended.count} of {due:.0f} jobs have ended; {self.sandbox.log_tail()}")
            time.sleep(0.3)

    def kill(self):
        """Kills a worker and starts another; it struck if it was this that ended it."""
        self.tally.count(KILL)
        place = self.chance.randrange(len(self.workers))
        worker = self.workers[place]
        worker.send_signal(signal.SIGKILL)
        self.tally.count(KILL, "struck", int(worker.wait() == -signal.SIGKILL))
        self.workers[place] = self.sandbox.start_worker()

    def misses(self):
        found = self.tally.breaches()
        if self.tally.rows[KILL]["struck"] < self.kills:
            found.append(f"only {self.tally.rows[KILL]['struck']} of {self.kills} kills struck")
        return found

    def end(self):
        for worker in self.workers:
            stop(worker)


def ask_again(sandbox):
    """What somebody has ended is asked for again, as a person would."""
    if sandbox.run("status", "--cancelled", "--failed", "-q", check=False).stdout.strip():
        sandbox.run("retry", "--cancelled", "--failed", check=False)
        return True
    return False


def settle(sandbox, faults):
    """Works until every job has completed; what others have ended is asked for again."""
    for _ in range(20):
        sandbox.recover()
        if not faults or not ask_again(sandbox):
            return
    raise Stuck(f"the jobs do not come to an end; {sandbox.log_tail()}")
