"""The rows of the table: what is measured, and against what."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time

from .cluster import through_slurm
from .hosts import over_ssh
from .measure import Row, milliseconds, reported, timed


class Bench:
    """Programs and folders that the rows share."""

    def __init__(self, sweepq, store_benchmark, reference, work, quick, long_rounds=None):
        self.sweepq, self.store_benchmark, self.reference = sweepq, store_benchmark, reference
        self.work, self.quick = work, quick
        self.rounds = 3 if quick else 5
        # Of what takes minutes.
        self.long_rounds = long_rounds or (1 if quick else 3)
        self.queues = 0
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SWEEPQ_")}

    def queue(self, jobs=0):
        """A new queue with so many jobs of /bin/true; returns its folder."""
        self.queues += 1
        folder = self.work / f"queue-{self.queues}"
        folder.mkdir()
        timed([self.sweepq, "init", folder], environment=self.environment)
        if jobs:
            self.submit(folder / ".sweepq", jobs)
        return folder / ".sweepq"

    def submit(self, queue, jobs):
        return timed([self.sweepq, "submit", "-q", "--queue", queue, "-p", f"n=1..{jobs}", "--name", "true", "--",
                      "/bin/true", "{n}"], environment=self.environment)

    def interleaved(self, *measurements):
        """One round: each measurement once, in an order that changes from round to round."""
        order = list(range(len(measurements)))
        random.shuffle(order)
        values = [None] * len(order)
        for place in order:
            values[place] = measurements[place]()
        return values


def running(bench, peers):
    """Thousands of the shortest possible command, two at a time; every job, attempt and change a durable row."""
    rows = []
    available = peers.available()
    count = 2000 if bench.quick else 10_000

    def ours(jobs=count):
        queue = bench.queue()
        begun = time.perf_counter()
        bench.submit(queue, jobs)
        timed([bench.sweepq, "worker", "--queue", queue, "--slots", 2, "--until-empty"], environment=bench.environment)
        return jobs / (time.perf_counter() - begun)

    measurements = [ours]
    for name, peer, size, budget in available:
        rows.append(Row("run /bin/true, 2 slots", "jobs/s", name, f"≥ {budget} ×", at_least=budget))
        size = min(size, count) if name.startswith("xargs") else size // 5 if bench.quick else size
        measurements.append(lambda peer=peer, size=size: peer(size))
    for _ in range(bench.rounds):
        mine, *others = bench.interleaved(*measurements)
        for row, rate in zip(rows, others):
            row.add(mine, rate)
    return rows


def enqueueing(bench, _):
    """One submit of a whole sweep."""
    count = 100_000 if bench.quick else 1_000_000
    rate = Row(f"submit a sweep of {count:,}", "jobs/s", "C, batches of 1,000", "≥ 0.5 ×", at_least=0.5)
    memory = Row("  its memory at most", "MB", None, "< 200 MB", at_most=200, ratio=False)

    def ours():
        queue = bench.queue()
        seconds, peak, _ = bench.submit(queue, count)
        memory.add(peak / 1e6)
        return count / seconds

    def theirs():
        path = bench.work / "enqueue.db"
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return count / timed([bench.reference, "enqueue", path, count, 1000])[0]

    for _ in range(3):
        rate.add(*bench.interleaved(ours, theirs))
    return [rate, memory]


def submitting_one(bench, _):
    """One job from the shell, the program's start included."""
    row = Row("submit one job", "ms", "C, one commit", "≤ 10 ms", at_most=10, ratio=False)
    queue = bench.queue(1)
    path = bench.work / "commit.db"
    timed([bench.reference, "enqueue", path, 1, 1])
    ours = [bench.sweepq, "submit", "-q", "--queue", queue, "--", "/bin/true"]
    for _ in range(bench.rounds):
        row.add(*bench.interleaved(lambda: milliseconds(ours, bench.environment, 21),
                                   lambda: milliseconds([bench.reference, "commit", path], bench.environment, 21)))
    return [row]


def sharing(bench, _):
    """Eight at once on one queue: does each get its share, and how long does the unluckiest wait?"""
    seconds = 2 if bench.quick else 5
    store = Row("8 processes claim and settle: Jain index", "", None, "≥ 0.95", at_least=0.95, ratio=False)
    wait = Row("  longest wait for a turn", "ms", None, "≤ 100 ms", at_most=100, ratio=False)
    workers = Row("8 workers run /bin/true: Jain index", "", None, "≥ 0.95", at_least=0.95, ratio=False)
    gap = Row("  longest time between claims of a worker", "ms", None, None, ratio=False)
    for _ in range(3):
        queue = bench.queue(400_000 if not bench.quick else 150_000)
        command = [str(bench.store_benchmark), str(queue), "100000000", "1", str(seconds)]
        running_now = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
        reports = [json.loads(process.communicate()[0]) for process in running_now]
        store.add(jain([report["jobs"] / report["seconds"] for report in reports]))
        wait.add(max(report["longest_ms"] for report in reports))
        shares, longest = worker_shares(bench, seconds)
        workers.add(jain(shares))
        gap.add(longest)
    return [store, wait, workers, gap]


def worker_shares(bench, seconds):
    """How many jobs each of eight workers claimed in the middle of a run, and the longest pause of one, in ms."""
    queue = bench.queue(20_000 * seconds)
    command = [str(bench.sweepq), "worker", "--queue", str(queue), "--slots", "1"]
    workers = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=bench.environment)
               for _ in range(8)]
    time.sleep(seconds + 2)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.wait()
    wait_for_supervisors(queue)
    database = sqlite3.connect(queue / "queue.db")
    rows = database.execute("SELECT worker, at FROM transition WHERE to_state = 'claimed' ORDER BY id").fetchall()
    database.close()
    # The window begins when all have claimed, and ends when the first has stopped.
    first, last = {}, {}
    for worker, at in rows:
        first.setdefault(worker, at)
        last[worker] = at
    begin, end = max(first.values()), min(last.values())
    counts, gaps, before = dict.fromkeys(first, 0), 0, {}
    for worker, at in rows:
        if begin <= at <= end:
            counts[worker] += 1
            gaps = max(gaps, at - before.get(worker, at))
            before[worker] = at
    return list(counts.values()) + [0] * (8 - len(counts)), gaps


def wait_for_supervisors(queue):
    """The database must not be opened from here while a process of the queue may be ending."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not any(str(queue).encode() in open_quietly(f"/proc/{pid}/environ") + open_quietly(f"/proc/{pid}/cmdline")
                   for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()):
            return
        time.sleep(0.05)


def open_quietly(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def jain(shares):
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares)) if any(shares) else 0.0


def depth(bench, _):
    """Claim and settle one job a transaction, with few and with very many jobs queued; and a look at the counts."""
    deep_count = 100_000 if bench.quick else 1_000_000
    jobs = 800
    shallow = Row("claim and settle, 1,000 queued", "jobs/s", "the same SQL in C", "≥ 0.7 ×", at_least=0.7)
    deep = Row(f"claim and settle, {deep_count:,} queued", "jobs/s", "the same SQL in C", "≥ 0.7 ×", at_least=0.7)
    growth = Row("  cost of the second over the first", "×", None, "≤ 1.2 ×", at_most=1.2, ratio=False)
    status = Row(f"status with {deep_count:,} jobs", "ms", "C, one SELECT", "≤ 10 ms", at_most=10, ratio=False)
    big = bench.queue(deep_count)

    def ours(queue):
        report = reported([bench.store_benchmark, queue, jobs, 1, 60])
        return report["jobs"] / report["seconds"]

    def theirs(queue):
        return jobs / reported([bench.reference, "turns", queue / "queue.db", jobs, 1])["seconds"]

    for _ in range(bench.rounds):
        few, fewer = bench.queue(1000), bench.queue(1000)
        ours_few, theirs_few, ours_many, theirs_many = bench.interleaved(
            lambda: ours(few), lambda: theirs(fewer), lambda: ours(big), lambda: theirs(big))
        shallow.add(ours_few, theirs_few)
        deep.add(ours_many, theirs_many)
        growth.add(ours_few / ours_many)
        status.add(*bench.interleaved(
            lambda: milliseconds([bench.sweepq, "status", "--queue", big], bench.environment, 21),
            lambda: milliseconds([bench.reference, "status", big / "queue.db"], bench.environment, 21)))
    return [shallow, deep, growth, status]


def idling(bench, _):
    """A worker that has nothing to do."""
    cpu = Row("an idle worker's processor time", "% of a core", None, "< 2%", at_most=2, ratio=False)
    memory = Row("  its memory", "MB", None, "< 100 MB", at_most=100, ratio=False)
    seconds = 3 if bench.quick else 10
    for _ in range(3):
        queue = bench.queue(1)
        command = [str(bench.sweepq), "worker", "--queue", str(queue)]
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=bench.environment)
        time.sleep(1)
        family = [worker.pid] + children(worker.pid)
        before = sum(map(ticks, family))
        time.sleep(seconds)
        cpu.add(100 * (sum(map(ticks, family)) - before) / os.sysconf("SC_CLK_TCK") / seconds)
        memory.add(sum(map(resident, family)) / 1e6)
        worker.send_signal(signal.SIGTERM)
        worker.wait()
    return [cpu, memory]


def children(pid):
    return [int(child) for child in open_quietly(f"/proc/{pid}/task/{pid}/children").split()]


def ticks(pid):
    fields = open_quietly(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12]) if fields else 0


def resident(pid):
    for line in open_quietly(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


ALL = {"run": running, "enqueue": enqueueing, "submit": submitting_one, "share": sharing, "depth": depth,
       "idle": idling, "slurm": through_slurm, "ssh": over_ssh}
# Those that use the references in C, or the benchmark of the store.
IN_C = {"enqueue", "submit", "share", "depth"}
