"""Several workers on one queue, killed at random over and over while they work; and, in chaos, their supervisors too."""

import os
import random
import signal
import time

from .audit import Audit, counts_as_json
from .report import Figures
from .sandbox import Sandbox, Stuck


def run(sweepq, work, jobs=5000, workers=3, kills=1000, pause="mixed", seed=None, supervisor=None):
    """`supervisor`: the argument by which a supervisor is told; then every third kill is that of a supervisor."""
    figures = Figures("chaos" if supervisor else "random")
    seed = random.randrange(1 << 32) if seed is None else seed
    chance = random.Random(seed)
    sandbox = Sandbox(sweepq, work / figures.name)
    sandbox.create()
    sandbox.submit(jobs, pause=pause)
    figures.values |= {"jobs": jobs, "workers": workers, "seed": seed}
    ended = LineCounter(sandbox.lines)
    running = [sandbox.start_worker("--slots", 2) for _ in range(workers)]
    try:
        for kill in range(1, kills + 1):
            # A kill is due when its share of the jobs is done, so that the last one still meets work.
            due = (jobs * 0.97) * kill / kills
            sandbox.wait_for(lambda: ended() >= due, 120, f"only {ended()} of {jobs} jobs have ended")
            time.sleep(chance.uniform(0, 0.02))
            if supervisor and kill % 3 == 0:
                figures.count("supervisors killed", kill_one_supervisor(sandbox, supervisor, chance))
                continue
            victim = chance.randrange(workers)
            running[victim].send_signal(signal.SIGKILL)
            if running[victim].wait() != -signal.SIGKILL:
                raise Stuck(f"a worker had ended by itself with {running[victim].returncode}; {sandbox.log_tail()}")
            figures.count("workers killed")
            running[victim] = sandbox.start_worker("--slots", 2)
        sandbox.wait_for(lambda: ended() >= jobs, 120, f"only {ended()} of {jobs} jobs have ended")
        for worker in running:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        sandbox.recover()
        audit = Audit(sandbox, may_lose=supervisor is not None)
        figures.case(f"seed {seed}", audit.run())
        figures.values["attempts by outcome"] = counts_as_json([audit])
    except Stuck as stuck:
        figures.case(f"seed {seed}", [str(stuck)])
    finally:
        for worker in running:
            worker.kill()
            worker.wait()
        sandbox.discard()
    return figures.close()


def kill_one_supervisor(sandbox, word, chance):
    """Returns how many were killed: none if there was none at that moment."""
    # A command that has been forked and not yet executed has its supervisor's command line: it is not one.
    found = [pid for pid in sandbox.processes() if word in sandbox.command_line(pid)
             and word not in sandbox.command_line(sandbox.parent(pid))]
    if not found:
        return 0
    try:
        os.kill(chance.choice(found), signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


class LineCounter:
    """Jobs that have written their last line; reads only what was appended since it was asked last."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.count = 0

    def __call__(self):
        self.count += self.file.read().count(b"E")
        return self.count
