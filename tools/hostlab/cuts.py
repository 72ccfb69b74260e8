"""The network broken in the middle of a start, of an observation, of an upload, of a download and of a cancel, again and
again: at different bytes, up or down, by a cut or by silence."""

import threading
import time

from crashlab.audit import counts_as_json
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from clusterlab.cluster import seeded

from .hosts import HostAudit, Hosts, HostSandbox

# Trials after which all is audited.
BATCH = 25
# Of a start whose answer was lost it is known only after some time that it was none.
HOSTS = {"start": ("h1", "h2", "h3"), "observe": ("h4", "h5"), "download": ("h6", "h7"), "cancel": ("h8", "h9"),
         "upload": ("h10", "h11", "h12")}
# Bytes of a file that each job of an upload is given. It cannot be made smaller on the way.
FILE = 250_000
# What the worker says of its troubles: an answer that was lost, a start that was certainly none, and so on.
SAID = ("is not known (", "takes no more for now", "cannot be asked: ", "its files cannot be had", "cancel of job")


class Phase:
    """`up`, `down`: bytes among which a break is chosen; less when they turn out to be too many."""

    def __init__(self, name, up, down, jobs):
        self.name, self.jobs = name, jobs
        self.most = {"up": up, "down": down}
        self.least = {"up": 1, "down": 1}
        self.trials = self.left = 0
        self.turn = threading.Lock()
        self.breaches = []


def run(sweepq, work, times=100, seed=None):
    figures = Figures("cuts")
    seed, chance = seeded(seed)
    figures.values |= {"seed": seed}
    phases = {
        "start": Phase("start", 14_000, 1_500, 2),
        "observe": Phase("observe", 9_000, 2_500, 2),
        "download": Phase("download", None, 500_000, 3),
        "cancel": Phase("cancel", 9_000, 2_500, 2),
        "upload": Phase("upload", 2 * FILE, None, 2),
    }
    # Not in the looks before.
    phases["download"].least["down"] = 8_000
    phases["upload"].least["up"] = 40_000
    hosts = Hosts(sum(map(len, HOSTS.values())))
    sandbox = HostSandbox(sweepq, work / figures.name, hosts,
                          {host: (host, "    capacity: {slots: 8, cpus: 8}\n") for host in hosts.names})
    audits, worker = [], None
    try:
        while (left := times - phases["start"].trials) > 0:
            worker = sandbox.start_worker("--backend", ",".join(hosts.names))
            threads = []
            for phase in phases.values():
                phase.left = min(BATCH, left)
                threads += [threading.Thread(target=trials, args=(sandbox, phase, host, chance.random(), figures))
                            for host in HOSTS[phase.name]]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            breaches = [sentence for phase in phases.values() for sentence in phase.breaches]
            if not breaches:
                sandbox.wait(sandbox.is_tidy, 30, lambda: "there is still something on the hosts")
                sandbox.end(worker)
                audits[:] = [HostAudit(sandbox, ("cancelled",))]
                breaches = audits[0].run()
            figures.case(f"seed {seed}, after {phases['start'].trials} trials each", breaches)
            if breaches:
                break
    except Stuck as stuck:
        figures.case(f"seed {seed}", [str(stuck)])
    finally:
        if worker and worker.poll() is None:
            worker.kill()
            worker.wait()
        figures.values["jobs"] = sandbox.expected
        figures.values["attempts by outcome"] = counts_as_json(audits)
        for audit in audits:
            figures.values |= audit.figures()
        figures.values |= {f"the worker said: {word.strip(': (')}": count for word, count in sandbox.log_words(*SAID).items()}
        if figures.failed == 0:
            sandbox.discard()
        else:
            sandbox.kill_everything()
        hosts.discard()
    return figures.close()


def trials(sandbox, phase, host, seed, figures):
    """Those of one phase, on one of its own hosts."""
    _, chance = seeded(seed)
    try:
        # So that what is broken is not the worker's own beginning.
        sandbox.wait_until_in(("completed",), sandbox.submit(1, 0, f"first-{phase.name}{phase.trials}-{host}", host))
    except Stuck as stuck:
        phase.breaches.append(f"{phase.name} on {host}: before any break: {stuck}")
        return
    while True:
        with phase.turn:
            if phase.left == 0:
                return
            phase.left -= 1
            phase.trials += 1
            name = f"{phase.name}{phase.trials}"
        try:
            did_strike = one(sandbox, phase, name, host, chance)
        except Stuck as stuck:
            phase.breaches.append(f"{name} on {host}: {stuck}")
            return
        with phase.turn:
            figures.count(f"{phase.name}: breaks that struck" if did_strike else f"{phase.name}: breaks that came too late")


def one(sandbox, phase, name, host, chance):
    """One break and what comes after it. Returns whether it struck in time."""
    go = sandbox.folder / f"go-{name}"
    if phase.name in ("start", "upload"):
        fault = Break(sandbox.hosts, host, phase, chance)
        go.touch()
        ids = sandbox.submit(phase.jobs, go, name, host, FILE if phase.name == "upload" else 0)
        did_strike = fault.wait(lambda: finished(sandbox, ids))
    else:
        ids = sandbox.submit(phase.jobs, go, name, host)
        sandbox.wait_for_lines("S", sandbox.numbers(ids), 120)
        fault = Break(sandbox.hosts, host, phase, chance)
        if phase.name == "observe":
            did_strike = fault.wait(lambda: False, 8)
            go.touch()
        elif phase.name == "download":
            go.touch()
            did_strike = fault.wait(lambda: finished(sandbox, ids))
        else:
            sandbox.run("cancel", *ids)
            did_strike = fault.wait(lambda: finished(sandbox, ids))
    fault.over(did_strike)
    if phase.name == "cancel":
        sandbox.wait_until_in(("cancelled",), ids)
        # One that lives on in spite of it would now go on, and tell.
        go.touch()
        time.sleep(0.5)
        sandbox.run("retry", *ids)
    sandbox.wait_until_in(("completed",), ids)
    return did_strike


def finished(sandbox, ids):
    return not sandbox.rows(f"SELECT 1 FROM job WHERE id IN ({', '.join(map(str, ids))}) "
                            "AND state NOT IN ('completed', 'cancelled', 'failed') LIMIT 1")


class Break:
    """A cut or a stall that is to come after some bytes more."""

    def __init__(self, hosts, host, phase, chance):
        self.hosts, self.host, self.phase, self.chance = hosts, host, phase, chance
        self.verb = chance.choice(("cut", "cut", "stall"))
        self.way = chance.choice([way for way in ("up", "down") if phase.most[way]])
        self.bytes = chance.randint(phase.least[self.way], phase.most[self.way])
        self.before = hosts.strikes(host)
        hosts.run(self.verb, host, f"--{self.way}", self.bytes)

    def wait(self, is_over, seconds=60):
        """Until it has struck, or what it was to break is over."""
        deadline = time.monotonic() + seconds
        while self.hosts.strikes(self.host) == self.before:
            if is_over() or time.monotonic() > deadline:
                # Fewer the next time.
                most = self.phase.most
                most[self.way] = max(self.phase.least[self.way] + 200, min(most[self.way], int(self.bytes * 0.95)))
                return False
            time.sleep(0.05)
        return True

    def over(self, did_strike):
        if did_strike and self.verb == "stall":
            # For as long as is noticed, or shorter.
            time.sleep(self.chance.choice((1, 6)))
        if self.verb == "stall" or not did_strike:
            self.hosts.run("flow", self.host)
