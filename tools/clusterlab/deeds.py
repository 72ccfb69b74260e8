"""What may be done to a real Slurm while it has a worker's jobs, and how it is known that it struck."""

import time

from .strikes import Submissions

FREEZE = "controller frozen while a submit is under way"
LOSE = "controller killed, acknowledged jobs lost"
REUSE = "ids given again after that"
ACCOUNTS = "accounts stopped while they are asked or something is submitted"
REQUEUE_RUNNING = "running job requeued by hand"
REQUEUE_FINISHED = "finished job requeued by hand"
CANCEL = "job cancelled by hand"
KILL = "worker killed"

# How long a deed waits for something to strike, in seconds.
PATIENCE = 12


class Deeds:
    """Each deed returns when it is done. `kill` kills the worker and starts another; `provide` adds some jobs to the queue,
    so that there is something to submit when a deed is under way."""

    def __init__(self, cluster, sandbox, chance, tally, kill, provide):
        self.cluster, self.sandbox, self.chance, self.tally = cluster, sandbox, chance, tally
        self.kill, self.provide = kill, provide
        self.losses, self.listings, self.cancels = [], [], []

    def cycle(self, short):
        # After a loss the accounts are what is asked, and nothing is submitted for a while.
        once = [self.freeze, self.requeue_running, self.lose, self.accounts, self.cancel, self.requeue_finished]
        return once if short else [*once, self.freeze, self.requeue_running, self.cancel, self.requeue_finished]

    def freeze(self):
        """In every second one the worker is killed as well, and the next one meets a controller that does not answer."""
        self.tally.count(FREEZE)
        self.cluster.fault("freeze")
        frozen = time.time()
        try:
            self.provide()
            struck = self.soon(lambda: self.sandbox.is_under_way("sbatch") or self.sandbox.calls_since(frozen, "sbatch"))
            self.tally.count(FREEZE, "struck", int(struck))
            time.sleep(self.chance.uniform(0, 7))
            if self.chance.random() < 0.5:
                self.kill()
                time.sleep(self.chance.uniform(0, 3))
        finally:
            self.cluster.fault("thaw")

    def lose(self):
        """Every second time with all that it ever knew: its ids begin with the first one again."""
        self.tally.count(LOSE)
        self.tally.count(REUSE)
        self.cluster.fault("save-state")
        saved = time.time()
        self.provide()
        self.soon(lambda: self.sandbox.calls_since(saved, "sbatch"))
        time.sleep(self.chance.uniform(0.2, 1.5))
        at = time.time()
        self.cluster.fault("lose-state", *(["--everything"] if len(self.losses) % 2 == 0 else []))
        self.losses.append((at, self.cluster.listed()))

    def accounts(self):
        self.tally.count(ACCOUNTS)
        self.cluster.fault("stop-accounting")
        stopped = time.time()
        try:
            self.provide()
            struck = self.soon(lambda: self.sandbox.calls_since(stopped, "sacct", "sbatch"))
            self.tally.count(ACCOUNTS, "struck", int(struck))
            time.sleep(self.chance.uniform(0.5, 4))
        finally:
            self.cluster.fault("start-accounting")

    def requeue_running(self):
        self.tally.count(REQUEUE_RUNNING)
        self.provide()
        self.until_done(lambda: self.requeue(REQUEUE_RUNNING, "RUNNING", self.cluster.tasks("RUNNING")))

    def requeue_finished(self):
        """Of what has finished, that can no longer be made requeueable: it is done before."""
        self.tally.count(REQUEUE_FINISHED)
        self.provide()
        marked = set()

        def one():
            tasks = self.cluster.tasks("PENDING", "RUNNING")
            for array in {task.partition("_")[0] for task in tasks} - marked:
                if self.cluster.call("scontrol", "update", f"jobid={array}", "Requeue=1").returncode == 0:
                    marked.add(array)
            finished = [task for task in self.cluster.tasks("COMPLETED") if task.partition("_")[0] in marked]
            return self.requeue(REQUEUE_FINISHED, "COMPLETED", finished)

        self.until_done(one)

    def requeue(self, deed, state, tasks):
        """Whether one of the tasks was in this state and has been requeued."""
        if not tasks:
            return False
        task = self.chance.choice(tasks)
        if state == "RUNNING":
            # Jobs that must not be requeued are made so first: an administrator can.
            self.cluster.call("scontrol", "update", f"jobid={task}", "Requeue=1")
        if self.cluster.run("squeue", "-h", "-t", "all", "-j", task, "-o", "%T").split() != [state]:
            return False
        if self.cluster.call("scontrol", "requeue", task).returncode != 0:
            self.tally.count(deed, "refused")
            return False
        self.cluster.call("scontrol", "update", f"jobid={task}", "StartTime=now")
        self.tally.count(deed, "struck")
        return True

    def cancel(self):
        self.tally.count(CANCEL)
        self.provide()

        def one():
            tasks = self.cluster.tasks("PENDING", "RUNNING")
            if not tasks:
                return False
            task = self.chance.choice(tasks)
            if self.cluster.call("scancel", task).returncode != 0:
                self.tally.count(CANCEL, "refused")
                return False
            self.cancels.append((time.time(), task))
            return True

        self.until_done(one)

    def until_done(self, deed):
        deadline = time.monotonic() + PATIENCE
        while not deed() and time.monotonic() < deadline:
            time.sleep(0.1)

    def soon(self, condition):
        """Whether it comes true while there is patience for it."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def look(self):
        """What the controller lists now, for the ids that it may have given again."""
        if self.losses:
            self.listings.append((time.time(), self.cluster.listed()))

    def close(self):
        """Counts what only the rows can tell."""
        submissions = Submissions(self.sandbox)
        ends = [at for at, _ in self.losses[1:]] + [float("inf")]
        for (at, listed), end in zip(self.losses, ends):
            self.tally.count(LOSE, "struck", int(bool(submissions.lost(at, listed))))
            self.tally.count(REUSE, "struck", int(bool(submissions.given_again(at, end, self.listings))))
        for at, task in self.cancels:
            outcomes = {attempt["outcome"] for attempt in submissions.of_task(task, at)}
            self.tally.count(CANCEL, "struck", int(bool(outcomes & {"cancelled", "void", "preempted"})))
