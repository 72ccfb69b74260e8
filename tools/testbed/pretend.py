"""A pretended cluster: jobs that really run, a limited number at a time, behind commands that keep their state in a folder.

The folder holds `state.db` (SQLite), `faults`, `spool/`, and what happened: `calls` and `fired`, a line of JSON each.
Commands change rows; one process behind them, the keeper, starts what has been queued, ends what was deleted or has run too long, and writes down how each ended. It is started by the first
command that needs it and goes when there is nothing to do. Both look at rows only within a transaction."""

import contextlib
import json
import os
import pwd
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

IDLE = 1.0  # seconds that the keeper stays for when it has nothing to do
ACTIVE = ("queued", "running", "ending", "waiting")


def now():
    return time.time()


def user():
    """Whose command this is; SWEEPQ_FAKE_USER pretends to be somebody else."""
    return os.environ.get("SWEEPQ_FAKE_USER") or pwd.getpwuid(os.geteuid()).pw_name


def started_at(pid):
    """The start time of a living process in clock ticks since boot; None for a dead one or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def session(leader):
    """The living processes of a session."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    fields = f.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] not in "ZX":
                found.append(int(entry))
    return found


def signal_session(leader, number):
    for pid in session(leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class Faults(dict):
    """What one call of a command is to meet, {fault: its argument}. To ask whether one is there is to meet it."""

    def __init__(self, cluster, command):
        super().__init__()
        self.cluster, self.command, self.told = cluster, command, set()

    def __contains__(self, name):
        found = super().__contains__(name)
        if found:
            self.fired(name)
        return found

    def fired(self, name):
        """Writes down, once for this call, that a fault was met."""
        if name not in self.told:
            self.told.add(name)
            self.cluster.note_fired(self.command, name)

    def shortened(self, rows):
        """What is shown of a listing that does not have everything."""
        left = 0 if self.get("empty") is not None else int(self["miss"] or 0) if self.get("miss") is not None else len(rows)
        if left < len(rows):
            self.fired("empty" if self.get("empty") is not None else "miss")
        return rows[:left]


class Job(dict):
    """A row: key, seq, idx (of a member), parent (a member's array), state, name; the rest is kept as JSON."""

    COLUMNS = ("key", "seq", "idx", "parent", "state", "name")

    @staticmethod
    def read(row):
        return Job(json.loads(row[6]), **dict(zip(Job.COLUMNS, row[:6])))

    def row(self):
        rest = {k: v for k, v in self.items() if k not in Job.COLUMNS}
        return (*(self.get(c) for c in Job.COLUMNS), json.dumps(rest))


class Cluster:
    """The state. Every read and write of rows is within `with cluster:`, which is one transaction."""

    def __init__(self, folder, defaults):
        self.folder = Path(folder)
        self.spool = self.folder / "spool"
        self.spool.mkdir(parents=True, exist_ok=True)
        self.defaults = defaults
        self.db = sqlite3.connect(self.folder / "state.db", timeout=60, isolation_level=None)
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.executescript("""
            CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
            CREATE TABLE IF NOT EXISTS job (key TEXT PRIMARY KEY, seq INTEGER, idx INTEGER, parent TEXT, state TEXT,
              name TEXT, rest TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS job_state ON job (state, seq, idx);
            CREATE INDEX IF NOT EXISTS job_parent ON job (parent, idx);
            CREATE INDEX IF NOT EXISTS job_seq ON job (seq);
            CREATE TABLE IF NOT EXISTS used (line TEXT PRIMARY KEY, times INTEGER NOT NULL);
        """)

    def __enter__(self):
        self.db.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, kind, error, trace):
        self.db.execute("COMMIT" if kind is None or kind is SystemExit else "ROLLBACK")

    def setting(self, name):
        row = self.db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else self.defaults.get(name)

    def set(self, name, value):
        self.db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))

    def jobs(self, where="1", *values, limit=-1):
        """Rows in order of submission; an array (idx -1) before its members."""
        query = f"SELECT key, seq, idx, parent, state, name, rest FROM job WHERE {where} ORDER BY seq, idx LIMIT {limit}"
        return [Job.read(row) for row in self.db.execute(query, values)]

    def job(self, key):
        found = self.jobs("key = ?", key)
        return found[0] if found else None

    def put(self, *jobs):
        self.db.executemany("INSERT OR REPLACE INTO job VALUES (?, ?, ?, ?, ?, ?, ?)", [job.row() for job in jobs])

    def drop(self, key):
        self.db.execute("DELETE FROM job WHERE key = ? OR parent = ?", (key, key))

    def count(self, where="1", *values):
        return self.db.execute(f"SELECT count(*) FROM job WHERE {where}", values).fetchone()[0]

    def next_number(self, first):
        number = self.setting("next")
        number = first if number is None else number
        while self.count("seq = ?", number):  # ids start again after lost state, and jump over what is left
            number += 1
        self.number(number)
        return number

    def number(self, given):
        self.set("next", given + 1)
        self.set("last", given)

    def reused(self, faults):
        """The number that a job gets again: the one asked for, or the last that was given to any."""
        number = int(faults["reuse-id"] or self.setting("last") or 0)
        self.db.execute("DELETE FROM job WHERE seq = ?", (number,))
        self.number(number)
        return number

    # Faults

    def note_fired(self, command, fault):
        with open(self.folder / "fired", "a", encoding="utf-8") as file:
            file.write(json.dumps([round(time.time(), 3), command, fault]) + "\n")

    def faults(self, command, is_counted=True):
        """The faults for one call of a command. A line is `COMMAND FAULT [ARGUMENT]`, with `*` for any command, and with
        `times=N` for the next N calls only, `skip=N` for all but the next N. A call that is not counted, such as the
        question for the version, meets only those without such limits."""
        lines = os.environ.get("SWEEPQ_FAKE_FAULTS", "").replace(";", "\n").splitlines()
        with contextlib.suppress(FileNotFoundError):
            lines += (self.folder / "faults").read_text(encoding="utf-8").splitlines()
        found = Faults(self, command)
        for line in lines:
            words = line.split()
            if len(words) < 2 or words[0].startswith("#") or words[0] not in ("*", command):
                continue
            limits = {w.partition("=")[0]: int(w.partition("=")[2]) for w in words if re.fullmatch(r"(times|skip)=\d+", w)}
            if limits:
                if not is_counted:
                    continue
                with self:
                    row = self.db.execute("SELECT times FROM used WHERE line = ?", (line,)).fetchone()
                    used = row[0] if row else 0
                    self.db.execute("INSERT OR REPLACE INTO used VALUES (?, ?)", (line, used + 1))
                skip = limits.get("skip", 0)
                if used < skip or ("times" in limits and used >= skip + limits["times"]):
                    continue
            found[words[1]] = " ".join(w for w in words[2:] if not re.fullmatch(r"(times|skip)=\d+", w))
        return found

    def wait_while_frozen(self):
        """Blocks as long as the server is stopped, and for ever when nobody lets it go on."""
        while self.setting("server") == "frozen":
            time.sleep(0.02)


def sleep_for_ever():
    while True:
        time.sleep(3600)


def die():
    """Ends this process as SIGKILL from outside would."""
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
    sleep_for_ever()


def before(faults):
    """Faults that a command meets before it has done anything."""
    if "late" in faults:
        time.sleep(float(faults["late"] or 1))
    if "hang" in faults:
        sleep_for_ever()
    if "die" in faults:
        die()


def after(faults):
    """Faults that a command meets when it has done its work and before it says so."""
    if "accept-hang" in faults:
        sleep_for_ever()
    if "accept-late" in faults:
        time.sleep(float(faults["accept-late"] or 1))
    if "accept-die" in faults:
        die()


class Keeper:
    """Runs the jobs of a cluster. A dialect says how: see its methods that raise NotImplementedError."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.children = {}  # pid: key

    # What a dialect says

    def prepare(self, job):
        """(arguments, environment, folder, standard input, output, errors) of a job that starts now; paths, or None."""
        raise NotImplementedError

    def ended(self, job, status):
        """Writes down how a job ended: the status as of waitpid, None where nobody knows. Returns when it is over, or a
        later time to be called at again."""
        raise NotImplementedError

    def members_changed(self, array):
        """Brings an array's own row up to date."""

    def tick(self):
        """Whatever else is due; in a transaction."""

    def overdue(self, job):
        """A job has run longer than allowed."""
        raise NotImplementedError

    # The loop

    def run(self):
        alive = (os.getpid(), started_at(os.getpid()))
        with self.cluster as c:
            other = c.setting("keeper")
            if other and started_at(other[0]) == other[1]:
                return
            c.set("keeper", alive)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        wake, wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_end)
        idle_since, looked, seen, hurry = None, 0.0, None, False
        while True:
            if not self.cluster.folder.exists():
                for pid in self.children:
                    signal_session(pid, signal.SIGKILL)
                return
            ended = self.reap()
            # Another's commit is cheap to see; besides, there is a look twice a second, or more often while a job is ending.
            version = self.cluster.db.execute("PRAGMA data_version").fetchone()[0]
            launches = []
            if ended or version != seen or now() - looked > (0.05 if hurry else 0.5):
                seen, looked = version, now()
                with self.cluster as c:
                    self.adopt()
                    self.tick()
                    hurry = self.enforce()
                    launches = self.choose()
                    busy = self.children or launches or c.count("state IN ('queued', 'running', 'ending', 'waiting')")
                    if busy or idle_since is None:
                        idle_since = now()
                    elif now() - idle_since > IDLE:
                        c.set("keeper", None)
                        return
                for key in launches:
                    self.launch(key)
                if launches:
                    looked = 0.0  # there may be room for more
            select.select([wake], [], [], 0.0 if launches else 0.03)
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)

    def choose(self):
        """Marks as running what fits, in order of submission."""
        c = self.cluster
        if c.setting("server") != "up" or c.setting("node") != "up" or c.setting("started") is False:
            return []
        free = c.setting("slots") - sum(j.get("cpus", 1) for j in c.jobs("state IN ('running', 'ending') AND idx IS NOT -1"))
        chosen, arrays, running = [], {}, {}
        if free <= 0:
            return []
        for job in c.jobs("state = 'queued' AND idx IS NOT -1", limit=200):
            if job.get("cpus", 1) > free or job.get("begin", 0) > now() or self.blocked(job):
                continue
            parent = job["parent"]
            if parent:
                arrays.setdefault(parent, c.job(parent))
                limit = arrays[parent].get("throttle")
                if limit:
                    if parent not in running:
                        running[parent] = c.count("parent = ? AND state IN ('running', 'ending')", parent)
                    if running[parent] >= limit:
                        continue
                    running[parent] += 1
            free -= job.get("cpus", 1)
            job.update(state="running", started=now(), runs=job.get("runs", 0) + 1, pid=None)
            c.put(job)
            chosen.append(job["key"])
            if free <= 0:
                break
        for array in {c.job(key)["parent"] for key in chosen} - {None}:
            self.members_changed(array)
        return chosen

    def blocked(self, job):
        """Whether a dependency keeps a job back."""
        return False

    def launch(self, key):
        with self.cluster as c:
            job = c.job(key)
            if not job or job["state"] != "running":
                return
            try:
                arguments, environment, folder, source, output, errors = self.prepare(job)
                files = [open(source or os.devnull, "rb"), open(output or os.devnull, "ab")]
                files.append(files[1] if errors == output else open(errors or os.devnull, "ab"))
                with contextlib.ExitStack() as stack:
                    for f in files:
                        stack.enter_context(f)
                    process = subprocess.Popen(
                        arguments, env=environment, cwd=folder, stdin=files[0], stdout=files[1], stderr=files[2],
                        start_new_session=True, umask=job.get("umask", -1),
                    )
                process.returncode = 0  # waited for below, not by the object
                job.update(pid=process.pid, ticks=started_at(process.pid))
                self.children[process.pid] = key
                c.put(job)
            except OSError as error:
                job["trouble"] = str(error)
                self.settle(job, 0x7F00)

    def reap(self):
        """Whether a job has ended."""
        ended = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            key = self.children.pop(pid, None)
            if key:
                ended = True
                signal_session(pid, signal.SIGKILL)
                with self.cluster as c:
                    job = c.job(key)
                    if job and job.get("pid") == pid and job["state"] in ("running", "suspended"):
                        self.settle(job, status)

    def settle(self, job, status):
        job["raw"] = status
        due = self.ended(job, status)
        if due:
            job.update(state="ending", due=due)
        self.cluster.put(job)
        if job["parent"]:
            self.members_changed(job["parent"])

    def adopt(self):
        """Jobs that an earlier keeper started and that have ended: nobody knows how."""
        for job in self.cluster.jobs("state IN ('running', 'suspended') AND idx IS NOT -1"):
            pid = job.get("pid")
            if pid and pid not in self.children and started_at(pid) != job.get("ticks"):
                self.settle(job, None)
            elif job.get("pid") is None and job.get("started", 0) < now() - 5:
                job["state"] = "queued"
                self.cluster.put(job)

    def enforce(self):
        """Ends what is to be ended, and takes the last step of what is ending. Whether more of it is to come soon."""
        c, soon = self.cluster, False
        for job in c.jobs("state IN ('running', 'suspended', 'ending') AND idx IS NOT -1"):
            if job["state"] == "ending":
                if now() >= job["due"]:
                    self.settle(job, job["raw"])
                soon = True
                continue
            limit, pid = job.get("walltime"), job.get("pid")
            if not pid:
                continue
            if limit and not job.get("over"):
                left = job["started"] + limit + c.setting("walltime_lag") - now()
                soon = soon or left < 1
                if left < 0:
                    job["over"] = now()
                    self.overdue(job)
                    c.put(job)
            if job.get("signals") and c.setting("node") == "up":
                soon = True
                at, number = job["signals"][0]
                if now() >= at:
                    job["signals"].pop(0)
                    c.put(job)
                    signal_session(pid, number)
        return soon


def start_keeper(cluster, scheduler):
    """Sees to it that a keeper runs. Called after a command's own transaction."""
    with cluster as c:
        keeper = c.setting("keeper")
        if keeper and started_at(keeper[0]) == keeper[1]:
            return
        if not c.count("state IN ('queued', 'running', 'ending', 'waiting')"):
            return
    log = open(cluster.folder / "keeper.log", "ab")
    clean = {k: v for k, v in os.environ.items() if k in ("HOME", "LANG", "USER", "LOGNAME", "PATH", "SHELL", "TZ")}
    # A grandchild, so that the keeper is nobody's child and no command waits for it.
    child = os.fork()
    if child == 0:
        subprocess.Popen(
            ["/usr/bin/python3", "-IS", str(Path(__file__).with_name("pretended")), "--keeper", scheduler, str(cluster.folder)], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, cwd="/", env=clean,
        )
        os._exit(0)
    os.waitpid(child, 0)


def control(dialect, arguments):
    """The command that brings a pretended cluster up and down; `dialect` gives its name, defaults and variable."""
    import argparse
    import shlex
    import shutil

    top = argparse.ArgumentParser(prog=dialect.NAME, description=dialect.__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name, text):
        made = verbs.add_parser(name, help=text, description=text)
        made.add_argument("folder", metavar="DIR")
        return made

    up = verb("up", "makes the folder or changes its settings, and prints exports for the shell")
    for name, value in dialect.DEFAULTS.items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            up.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=f"({value})")
        elif name not in ("server", "node", "keeper"):
            up.add_argument(option, type=type(value), default=None, help=f"({value})")
    verb("down", "ends its jobs and its keeper")
    verb("freeze", "the server stops as with SIGSTOP: commands wait")
    verb("thaw", "the server goes on")
    verb("kill-controller", "the server is gone; jobs run on")
    verb("start-controller", "the server comes back; ids jump as the real one's do")
    verb("kill-node", "the execution daemon is gone; jobs run on").add_argument("--with-jobs", action="store_true")
    verb("start-node", "the execution daemon comes back")
    verb("save-state", "remembers all jobs for lose-state")
    verb("lose-state", "back to the remembered jobs, or to none; ids start again; what runs is killed")
    verb("next", "the number of the next job").add_argument("number", type=int)
    verb("forget", "the server forgets a job, whose processes live on").add_argument("id", type=int)
    verb("requeue", "the server starts a job again, whatever it was told").add_argument("id")
    verb("expire", "forgets all that has finished, as if its time had passed")
    fault = verb("fault", "sets the faults: lines such as 'qsub accept-die times=3'; none clears them")
    fault.add_argument("lines", nargs="*")
    verb("status", "every job with its state")
    asked = top.parse_args(arguments)
    if asked.verb == "up":
        os.makedirs(asked.folder, exist_ok=True)
    elif not os.path.isdir(asked.folder):
        print(f"{dialect.NAME}: {asked.folder} does not exist.", file=sys.stderr)
        return 69
    folder = os.path.realpath(asked.folder)
    cluster = Cluster(folder, dialect.DEFAULTS)
    if asked.verb == "up":
        with cluster as c:
            for name in dialect.DEFAULTS:
                if getattr(asked, name, None) is not None:
                    c.set(name, getattr(asked, name))
            dialect.settled(c)
        print(f"export {dialect.VARIABLE}={shlex.quote(folder)}\nexport PATH={shlex.quote(dialect.COMMANDS)}:$PATH")
    elif asked.verb in ("freeze", "thaw", "kill-controller", "start-controller"):
        with cluster as c:
            if asked.verb == "start-controller" and c.setting("server") == "down":
                dialect.jump(c)
            c.set("server", {"freeze": "frozen", "kill-controller": "down"}.get(asked.verb, "up"))
            if asked.verb == "thaw":
                dialect.thawed(c)
    elif asked.verb in ("kill-node", "start-node"):
        with cluster as c:
            c.set("node", "up" if asked.verb == "start-node" else "down")
            if getattr(asked, "with_jobs", False):
                for job in c.jobs("state = 'running' AND idx IS NOT -1"):
                    if job.get("pid"):
                        signal_session(job["pid"], signal.SIGKILL)
    elif asked.verb == "save-state":
        with cluster as c:
            rows = [job.row() for job in c.jobs()]
            (cluster.folder / "saved.json").write_text(json.dumps([c.setting("next"), rows]), encoding="utf-8")
    elif asked.verb in ("lose-state", "down"):
        with cluster as c:
            running = [job["pid"] for job in c.jobs("state IN ('running', 'suspended') AND idx IS NOT -1") if job.get("pid")]
            keeper = c.setting("keeper")
            c.db.execute("DELETE FROM job")
            c.set("next", None)
            c.set("keeper", None)
            if asked.verb == "lose-state" and (cluster.folder / "saved.json").exists():
                number, rows = json.loads((cluster.folder / "saved.json").read_text(encoding="utf-8"))
                c.set("next", number)
                c.db.executemany("INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            if keeper and started_at(keeper[0]) == keeper[1]:
                os.kill(keeper[0], signal.SIGKILL)
        for pid in running:
            signal_session(pid, signal.SIGKILL)
        if asked.verb == "down":
            cluster.db.close()
            for name in ("state.db", "state.db-wal", "state.db-shm", "saved.json", "keeper.log"):
                (cluster.folder / name).unlink(missing_ok=True)
            shutil.rmtree(cluster.spool, ignore_errors=True)
            shutil.rmtree(cluster.folder / "cache", ignore_errors=True)
            return 0
    elif asked.verb == "next":
        with cluster as c:
            c.set("next", asked.number)
    elif asked.verb == "forget":
        with cluster as c:
            c.db.execute("DELETE FROM job WHERE seq = ?", (asked.id,))
    elif asked.verb == "requeue":
        with cluster as c:
            job = c.job(asked.id)
            if not job:
                print(f"{dialect.NAME}: there is no job {asked.id}.", file=sys.stderr)
                return 65
            if job.get("pid") and started_at(job["pid"]) == job.get("ticks"):
                signal_session(job["pid"], signal.SIGKILL)
            for name in ("pid", "raw", "status", "finished", "deleted", "signals", "over"):
                job.pop(name, None)
            job.update(state="queued")
            c.put(job)
    elif asked.verb == "expire":
        with cluster as c:
            dialect.expire(c)
    elif asked.verb == "fault":
        (cluster.folder / "faults.new").write_text("".join(line + "\n" for line in asked.lines), encoding="utf-8")
        (cluster.folder / "faults.new").rename(cluster.folder / "faults")
        with cluster as c:
            c.db.execute("DELETE FROM used")
    elif asked.verb == "status":
        with cluster as c:
            for job in c.jobs():
                print(job["key"], job["state"], job["name"], job.get("status", "-"))
    start_keeper(cluster, dialect.NAME)
    return 0
