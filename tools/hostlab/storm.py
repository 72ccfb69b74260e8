"""Many jobs over this machine, two hosts and a Slurm behind a third, while connections break, sshds end, hosts crash, a
disk fills, workers are killed, and one of the hosts vanishes for good."""

import errno
import os
import signal
import subprocess
import time

from clusterlab.cluster import Cluster, seeded
from crashlab.audit import counts_as_json
from crashlab.random_kills import LineCounter
from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .hosts import HostAudit, Hosts, HostSandbox

# What may have become of an attempt whose host crashed, or had no room left for what it wrote.
BESIDES = ("node_failed", "failed", "rejected", "cancelled")
EXECUTORS = ("local", "h1", "h2", "far")
# The host that vanishes, and by what share of the deeds; when a person gives it up, and waits no longer.
VANISHING, VANISHES, GIVEN_UP = "h2", 0.5, 0.75
# The jobs are so many sweeps, and to those of each fourth so many bytes are brought, and back.
SWEEPS, FILE = 8, 40_000
# Of the fleets whose parents were killed, no more workers than this go on.
MOST_WORKERS = 12


def run(sweepq, work, jobs=2000, deeds=60, seed=None):
    figures = Figures("storm")
    seed, chance = seeded(seed)
    figures.values |= {"jobs": jobs, "seed": seed}
    hosts, cluster, sandbox, storm = Hosts(3, disk=60), None, None, None
    try:
        cluster = Cluster("--cpus", "8", "--slurmd-timeout", "15", "--conf", "MessageTimeout=5")
        cluster.start_healing()
        far = hosts.folder / "far"
        far.mkdir()
        sandbox = HostSandbox(sweepq, work / figures.name, hosts, {
            "h1": ("h1", f"    capacity: {{slots: 4, cpus: 4}}\n    max_in_flight: 30\n    root: {hosts.disk}/sweepq\n"),
            "h2": ("h2", "    capacity: {slots: 4, cpus: 4}\n    max_in_flight: 30\n"),
            "far": ("h3", f"    scheduler: slurm\n    root: {far}/sweepq\n    workdir: {far}\n    max_in_flight: 30\n"
                          f"    submit_rate: 600\n    env: {{SLURM_CONF: {cluster.environment['SLURM_CONF']}}}\n"),
        })
        for number in range(SWEEPS):
            sandbox.submit(jobs // SWEEPS, "mixed", f"mixed{number}", file=FILE if number % 4 == 3 else 0)
        storm = Storm(sandbox, hosts, chance, figures)
        storm.rage(jobs, deeds)
        settle(sandbox, storm)
        audit = StormAudit(sandbox, storm)
        figures.case(f"seed {seed}", audit.run())
        figures.values["attempts by outcome"] = counts_as_json([audit])
        figures.values |= audit.figures()
        figures.values["jobs completed on"] = dict(sandbox.rows(
            "SELECT executor, count(*) FROM attempt WHERE outcome = 'succeeded' GROUP BY 1"))
        if left := cluster.left():
            figures.case(f"seed {seed}", [f"{left} jobs are left in Slurm's queue"])
    except Stuck as stuck:
        figures.case(f"seed {seed}", [str(stuck)])
    finally:
        if storm:
            storm.kill_all()
        if sandbox and figures.failed == 0:
            sandbox.discard()
        if cluster:
            cluster.discard()
        if figures.failed == 0 or "CRASH_LAB_KEEP" not in os.environ:
            hosts.discard()
    return figures.close()


class StormAudit(HostAudit):
    """Only what the vanished host had in hand may have been lost, and only then may it have run there, too."""

    def __init__(self, sandbox, storm):
        super().__init__(sandbox, BESIDES, may_lose=True)
        self.kept, self.left_empty = storm.kept, 0

    def figures(self):
        return super().figures() | {"gates left empty by a full disk, lost": self.left_empty}

    def _attempts(self, database):
        super()._attempts(database)
        lost = set(map(tuple, database.execute(
            "SELECT attempt.job, attempt.number, executor FROM attempt WHERE outcome = 'lost'")))
        # A full disk may leave a gate without a word: whoever took it has not started anything, but that cannot be known.
        empty = set(map(tuple, database.execute("""SELECT job, number, executor FROM attempt
            WHERE outcome = 'lost' AND executor = 'h1' AND reason LIKE '%gate was left empty'""")))
        self.left_empty = len(empty)
        for job, number, executor in lost - self.kept - empty:
            self.breach(f"job {job}, attempt {number} on {executor} was lost, and was nothing that a vanished host had")
        for job, number, executor in self.kept - lost:
            (outcome,) = database.execute("SELECT outcome FROM attempt WHERE job = ? AND number = ?", (job, number)).fetchone()
            if outcome not in ("void", "cancelled"):
                self.breach(f"job {job}, attempt {number} was in {executor}'s hand when it vanished, and is {outcome}")


def settle(sandbox, storm):
    """Works until every job has completed; what failed for want of room is asked for again."""
    storm.kill_all()
    for _ in range(6):
        try:
            sandbox.run("worker", "--backend", ",".join(storm.executors), "--slots", 1, "--until-empty", timeout=600)
        except subprocess.TimeoutExpired:
            query = "SELECT job, executor, submission FROM attempt WHERE ended_at IS NULL"
            raise Stuck(f"these do not end: {sandbox.rows(query)[:20]}; {sandbox.log_tail()}") from None
        sandbox.wait_until_gone(timeout=120)
        if not sandbox.run("status", "--failed", "--cancelled", "-q").stdout.strip():
            return
        sandbox.run("retry", "--failed", "--cancelled")
    raise Stuck(f"the jobs do not come to an end; {sandbox.log_tail()}")


class Storm:
    def __init__(self, sandbox, hosts, chance, figures):
        self.sandbox, self.hosts, self.chance, self.figures = sandbox, hosts, chance, figures
        self.ended = LineCounter(sandbox.lines)
        self.executors, self.there = list(EXECUTORS), list(hosts.names)
        # What the vanished host has in hand: (job, attempt's number, executor).
        self.kept = set()
        self.fleet = self.start()

    def start(self):
        return self.sandbox.start_worker("--backend", ",".join(self.executors), "--slots", 1)

    def rage(self, jobs, deeds):
        """So many deeds, each when its share of the jobs is done, so that the last one still meets work."""
        kinds = [self.cut, self.kill_worker, self.cut_amid, self.crash, self.kill_fleet, self.stall, self.stop_sshd, self.fill,
                 self.freeze, self.crash_login]
        for count in range(1, deeds + 1):
            due = jobs * 0.9 * count / (deeds + 1)
            self.sandbox.wait(lambda: self.ended() >= due, 300, lambda: f"only {self.ended()} of {jobs} jobs have ended")
            deed = kinds[count % len(kinds)]
            did_strike = deed(self.chance.choice(self.there))
            self.figures.count(deed.__doc__ + ("" if did_strike else ", which struck nothing"))
            time.sleep(self.chance.uniform(0, 0.5))
            if count == int(deeds * VANISHES):
                self.vanish()
            elif count == int(deeds * GIVEN_UP):
                self.give_up()

    def nap(self, most):
        time.sleep(self.chance.uniform(0, most))

    def running(self, executor):
        return self.sandbox.rows("SELECT count(*) FROM attempt WHERE ended_at IS NULL AND started_at IS NOT NULL "
                                 f"AND executor = '{executor}'")[0][0]

    def strike(self, host, *order):
        before = self.hosts.strikes(host)
        self.hosts.run(*order)
        return self.hosts.strikes(host) > before

    def cut(self, host):
        """connections cut"""
        return self.strike(host, "cut", host)

    def cut_amid(self, host):
        """connections cut after some bytes more"""
        before = self.hosts.strikes(host)
        way = self.chance.choice(("--up", "--down"))
        self.hosts.run("cut", host, way, self.chance.randint(1, 60_000))
        deadline = time.monotonic() + 8
        while self.hosts.strikes(host) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.hosts.strikes(host) > before

    def stall(self, host):
        """connections stalled for some seconds"""
        did_strike = self.strike(host, "stall", host)
        self.nap(8)
        self.hosts.run("flow", host)
        return did_strike

    def stop_sshd(self, host):
        """sshd killed, and started some seconds later"""
        self.hosts.run("stop", host)
        self.nap(6)
        self.hosts.run("start", host)
        return True

    def freeze(self, host):
        """sshd frozen for some seconds"""
        self.hosts.run("freeze", host)
        self.nap(6)
        self.hosts.run("thaw", host)
        return True

    def crash(self, _):
        """host crashed with all its jobs, and booted some seconds later"""
        host = max((name for name in ("h1", "h2") if name in self.there), key=self.running)
        met = self.running(host)
        self.reboot(host)
        return met > 0

    def crash_login(self, _):
        """host before Slurm crashed, whose jobs go on, and booted some seconds later"""
        met = self.running("far")
        self.reboot("h3")
        return met > 0

    def vanish(self):
        """While something runs there."""
        for _ in range(10):
            self.sandbox.wait(lambda: self.running(VANISHING), 120, lambda: f"nothing runs on {VANISHING}")
            met = self.running(VANISHING)
            self.hosts.run("crash", VANISHING)
            # What had ended there already may have been on its way here.
            time.sleep(1)
            if self.running(VANISHING):
                break
            self.hosts.run("boot", VANISHING)
        self.figures.values["running on the host that vanished"] = met
        self.there.remove(VANISHING)

    def in_hand(self):
        """What the vanished host has: (job, attempt's number, executor)."""
        return set(self.sandbox.rows(
            f"SELECT job, number, executor FROM attempt WHERE ended_at IS NULL AND executor = '{VANISHING}'"))

    def give_up(self):
        """By hand: whoever works for it is ended first."""
        self.fleet.kill()
        self.fleet.wait()
        for pid in self.members():
            end(pid)
        self.sandbox.wait(lambda: not self.members(), 30, lambda: f"workers of {VANISHING} live on")
        self.kept = self.in_hand()
        if not self.kept:
            raise Stuck(f"{VANISHING} had nothing in hand when it vanished")
        if self.sandbox.run("executors", "remove", VANISHING, check=False).returncode != 75:
            raise Stuck(f"{VANISHING} was removed without a word, with jobs in hand")
        self.sandbox.run("executors", "remove", VANISHING, "--lost")
        self.figures.values["in its hand when it was given up"] = len(self.kept)
        self.executors.remove(VANISHING)
        del self.sandbox.roots[VANISHING]
        self.fleet = self.start()

    def members(self):
        """The vanished host's workers."""
        return [pid for pid in self.workers() if VANISHING in self.sandbox.command_line(pid)]

    def reboot(self, host):
        self.hosts.run("crash", host)
        self.nap(4)
        self.hosts.run("boot", host)

    def fill(self, _):
        """disk of a host full for some seconds"""
        filler, is_full = self.hosts.disk / "filler", False
        deadline = time.monotonic() + self.chance.uniform(2, 6)
        # Also what is freed meanwhile.
        while time.monotonic() < deadline:
            is_full = fill_up(filler) or is_full
            time.sleep(0.02)
        filler.unlink()
        return is_full

    def workers(self):
        """All but the present fleet's parent."""
        return [pid for pid in self.sandbox.processes()
                if pid != self.fleet.pid and "worker" in self.sandbox.command_line(pid)[1:2]]

    def kill_worker(self, _):
        """workers killed"""
        if victims := self.workers():
            end(self.chance.choice(victims))
        return bool(victims)

    def kill_fleet(self, _):
        """parents of all workers killed, which go on without it"""
        self.fleet.kill()
        self.fleet.wait()
        self.fleet = self.start()
        for pid in sorted(self.workers())[:-MOST_WORKERS]:
            end(pid)
        return True

    def kill_all(self):
        if self.fleet.poll() is None:
            self.fleet.kill()
            self.fleet.wait()
        for pid in self.workers():
            end(pid)


def fill_up(path):
    """Whether there is no room left."""
    with open(path, "ab", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return True


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
