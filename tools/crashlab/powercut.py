"""Power cuts: what was written to the database is recorded with its syncs, and replayed up to every point."""

import random
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

from . import strace_log
from .audit import LEGAL
from .disk import Disk
from .report import Figures
from .sandbox import Sandbox

FILES = ("queue.db", "queue.db-wal", "queue.db-journal")
KINDS = ("dropped", "kept", "torn")
LANES = 2

# Every line of $LAB_ACKS is something that a person has been told: I = the queue is there, a number = this job is
# accepted, "C number" = this job is completed.
WORKLOAD = """set -eu
sweepq=$1 half=$2 all=$3 job=$4 folder=$5
submit() { "$sweepq" submit -q -p "n=$1..$1" --name "s$1" --cwd "$folder" -- /bin/sh "$job" '{n}' 0 >>"$LAB_ACKS"; }
"$sweepq" init "$folder" >/dev/null
echo I >>"$LAB_ACKS"
n=1
while [ "$n" -le "$half" ]; do submit "$n"; n=$((n + 1)); done
"$sweepq" worker --slots 2 >/dev/null &
worker=$!
while [ "$n" -le "$all" ]; do
  submit "$n"
  "$sweepq" wait "$n" >/dev/null
  echo "C $n" >>"$LAB_ACKS"
  n=$((n + 1))
done
"$sweepq" wait --all >/dev/null
n=1
while [ "$n" -le "$half" ]; do echo "C $n" >>"$LAB_ACKS"; n=$((n + 1)); done
kill -TERM "$worker"
wait "$worker" || true
"""


class Point:
    """One place in the record where the power may go: the disk's possible contents and what was acknowledged."""

    def __init__(self, index, images, initialised, accepted, completed):
        self.index, self.images = index, images
        self.initialised, self.accepted, self.completed = initialised, accepted, completed


def record(sandbox, jobs):
    acks, log = sandbox.folder / "acks", sandbox.folder / "strace.log"
    acks.touch()
    files = [sandbox.queue / name for name in FILES]
    command = strace_log.arguments(log, [*files, sandbox.queue, acks])
    script = ["sh", "-c", WORKLOAD, "sh", sandbox.sweepq, jobs // 2, jobs, sandbox.job, sandbox.folder]
    with open(sandbox.log, "ab") as err:
        subprocess.run([*command, *map(str, script)], check=True, stderr=err,
                       env=sandbox.environment | {"LAB_ACKS": str(acks)})
    sandbox.wait_until_gone()
    return log, acks


def points(log, acks, queue, every, chance, figures):
    """Replays the record, yielding a Point after each write, sync or change of a name, or each `every`-th of them."""
    disk, syncing = Disk(), {}
    initialised, accepted, completed = False, set(), set()
    changes = 0
    for call, path, arguments in strace_log.events(log):
        folder, _, name = path.rpartition("/")
        if path == str(acks):
            for line in arguments[1].decode().split("\n") if call == "write" else ():
                if line == "I":
                    initialised = True
                elif line.startswith("C "):
                    completed.add(int(line[2:]))
                elif line:
                    accepted.add(int(line))
                figures.count("acknowledgements", 1 if line else 0)
            continue
        if path == str(queue):
            if call in ("fsync", "fdatasync"):
                disk.sync_names()
                figures.count("syncs of the folder")
            continue
        if folder != str(queue) or name not in FILES:
            continue
        if call == "openat":
            if "O_CREAT" in arguments[0]:
                disk.create(name)
            continue
        if call == "begin":
            syncing[name] = disk.begin_sync(name)
            continue
        if call in ("fsync", "fdatasync"):
            disk.end_sync(syncing.pop(name))
            figures.count("syncs")
        elif call == "pwrite64":
            disk.write(name, *arguments)
            figures.count(f"writes to {name}")
        elif call == "ftruncate":
            disk.truncate(name, *arguments)
            figures.count("truncations")
        elif call == "unlink":
            disk.unlink(name)
            figures.count("unlinks")
        else:
            raise ValueError(f"{call} of {path} is not part of the model")
        changes += 1
        if changes % every == 0:
            images = {kind: disk.image(kind, chance) for kind in KINDS}
            yield Point(changes, images, initialised, set(accepted), set(completed))


class Examiner:
    """Opens images, one at a time, in a folder of its own."""

    def __init__(self, sandbox, folder, jobs):
        self.sandbox, self.jobs = sandbox, jobs
        self.queue = folder
        self.image = Sandbox(sandbox.sweepq, folder.with_name(folder.name + "-box"))
        self.image.queue = self.queue
        # For the worker that resumes, the machine has restarted.
        self.image.environment |= {"SWEEPQ_QUEUE": str(self.queue), "SWEEPQ_BOOT_ID": "after-the-power-cut"}

    def lay_out(self, files):
        shutil.rmtree(self.queue, ignore_errors=True)
        self.queue.mkdir(parents=True)
        for name in ("runs", "locks"):
            (self.queue / name).mkdir(mode=0o700)
        for name, contents in files.items():
            (self.queue / name).write_bytes(contents)

    def examine(self, point, files, resume):
        """The breaches of one image; with `resume` a worker also runs it to its end."""
        self.lay_out(files)
        breaches = []
        if not point.initialised and not files.get("queue.db") and not files.get("queue.db-wal"):
            return breaches
        checked = self.image.run("check", check=False)
        if checked.returncode != 0 and point.initialised:
            breaches.append(f"sweepq check ended with {checked.returncode}: {checked.stdout[-300:]} "
                            f"{self.image.log_tail()}")
        database = sqlite3.connect(self.queue / "queue.db")
        try:
            if (verdict := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                return [f"integrity: {verdict}"]
            if point.initialised:
                before = self._acknowledged(database, point, breaches)
        except sqlite3.DatabaseError as error:
            return [f"the image cannot be read: {error}"]
        finally:
            database.close()
        if resume and point.initialised and not breaches:
            breaches += self._resume(before)
        return breaches

    def _acknowledged(self, database, point, breaches):
        states = dict(database.execute("SELECT id, state FROM job"))
        if lost := point.accepted - states.keys():
            breaches.append(f"accepted jobs are gone: {sorted(lost)}")
        if undone := [job for job in point.completed if states.get(job) != "completed"]:
            breaches.append(f"completed jobs are not: {sorted(undone)}")
        results = {job for (job,) in database.execute("SELECT job FROM result WHERE name = 'echo'")}
        if bare := {job for job, state in states.items() if state == "completed"} - results:
            breaches.append(f"completed jobs without their result: {sorted(bare)}")
        return states

    def _resume(self, before):
        self.image.lines.write_text("")
        self.image.recover()
        breaches, state = [], {}
        database = sqlite3.connect(self.queue / "queue.db")
        if open_jobs := database.execute("SELECT count(*) FROM job WHERE state <> 'completed'").fetchone()[0]:
            breaches.append(f"{open_jobs} jobs are not completed after recovery")
        for job, source, target in database.execute("SELECT job, from_state, to_state FROM transition ORDER BY id"):
            if source != state.get(job) or target not in LEGAL.get(source, ()):
                breaches.append(f"job {job} went from {source} to {target} but was {state.get(job)}")
            state[job] = target
        parameter = dict(database.execute("SELECT json_extract(params, '$.n'), id FROM job"))
        database.close()
        for line in self.image.lines.read_text().splitlines():
            kind, n, _ = line.split()
            if kind == "S" and before.get(parameter.get(int(n))) == "completed":
                breaches.append(f"job n={n} was completed and has run again")
        return breaches


def run(sweepq, work, jobs=24, every=1, resume_every=25, seed=None):
    figures = Figures("powercut")
    seed = random.randrange(1 << 32) if seed is None else seed
    chance = random.Random(seed)
    sandbox = Sandbox(sweepq, work / "powercut")
    log, acks = record(sandbox, jobs)
    figures.values |= {"jobs": jobs, "seed": seed}
    source = points(log, acks, sandbox.queue, every, chance, figures)
    lock = threading.Lock()

    def lane(number):
        examiner = Examiner(sandbox, Path(work) / f"image-{number}", jobs)
        while True:
            with lock:
                point = next(source, None)
            if point is None:
                break
            for place, kind in enumerate(KINDS):
                resume = (point.index // every + place) % resume_every == 0
                try:
                    breaches = examiner.examine(point, point.images[kind], resume)
                except Exception as error:  # one bad image must not hide the others
                    breaches = [f"{type(error).__name__}: {error}"]
                with lock:
                    figures.count(f"images with un-synced writes {kind}")
                    figures.count("images run to the end", 1 if resume else 0)
                    figures.case(f"change {point.index}, {kind}, seed {seed}", breaches)
        examiner.image.discard()
        shutil.rmtree(examiner.queue, ignore_errors=True)

    lanes = [threading.Thread(target=lane, args=(n,)) for n in range(LANES)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    if figures.values.get("acknowledgements", 0) < 2 * jobs + 1:
        figures.case("record", [f"only {figures.values.get('acknowledgements', 0)} acknowledgements were recorded"])
    if not figures.values.get("syncs"):
        figures.case("record", ["no sync was recorded"])
    sandbox.discard()
    return figures.close()
