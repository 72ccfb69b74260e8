"""What must be true of a queue after any crash and a recovery; each breach is one sentence."""

import json
import sqlite3
from collections import defaultdict

# Written out here on purpose, apart from the program's own table.
LEGAL = {
    None: {"held", "waiting", "queued"},
    "held": {"queued", "waiting", "cancelled"},
    "waiting": {"queued", "held", "cancelled"},
    "queued": {"claimed", "held", "cancelled"},
    "claimed": {"submitted", "running", "queued", "waiting", "held", "failed", "cancelled"},
    "submitted": {"running", "completed", "failed", "cancelled", "queued", "waiting", "held"},
    "running": {"completed", "failed", "cancelled", "queued", "waiting", "held"},
    "failed": {"queued", "waiting"},
    "cancelled": {"queued", "waiting"},
    "completed": {"queued"},
}


class Audit:
    """`may_lose`: attempts may have ended as lost (their supervisor was killed, or the power failed); `besides`: in which
    other ways they may have ended, since somebody else ended them."""

    # Attempts whose files are not below the queue's folder.
    ELSEWHERE = "FALSE"

    def __init__(self, sandbox, may_lose=False, besides=()):
        self.sandbox = sandbox
        self.may_lose = may_lose
        self.allowed = {"succeeded", "void", *besides} | ({"lost"} if may_lose else set())
        self.breaches = []
        self.outcomes = defaultdict(int)

    def breach(self, sentence):
        self.breaches.append(sentence)

    def run(self):
        """The breaches of a queue whose work is finished and whose processes are gone."""
        checked = self.sandbox.run("check", check=False)
        if checked.returncode != 0:
            self.breach(f"sweepq check ended with {checked.returncode}: {checked.stdout.strip()[-300:]} "
                        f"{self.sandbox.log_tail()}")
        database = sqlite3.connect(self.sandbox.queue / "queue.db")
        database.row_factory = sqlite3.Row
        try:
            self._rows(database)
            self._transitions(database)
            self._attempts(database)
            self._results(database)
            self._folders(database)
        except sqlite3.DatabaseError as error:
            self.breach(f"the database cannot be read: {error}")
        finally:
            database.close()
        return self.breaches

    def _rows(self, database):
        for (verdict,) in database.execute("PRAGMA integrity_check"):
            if verdict != "ok":
                self.breach(f"integrity: {verdict}")
        if orphans := database.execute("PRAGMA foreign_key_check").fetchall():
            self.breach(f"{len(orphans)} rows refer to rows that are not there")
        states = dict(database.execute("SELECT state, count(*) FROM job GROUP BY 1"))
        if states != ({"completed": self.sandbox.expected} if self.sandbox.expected else {}):
            self.breach(f"{self.sandbox.expected} jobs should be completed, the queue has {states}")
        for lane in database.execute("SELECT * FROM lane"):
            actual = dict(database.execute("SELECT state, count(*) FROM job WHERE lane = ? GROUP BY 1", (lane["id"],)))
            for state in filter(None, LEGAL):
                if lane[state] != actual.get(state, 0):
                    self.breach(f"lane {lane['id']} counts {lane[state]} {state}, there are {actual.get(state, 0)}")

    def _transitions(self, database):
        state = {}
        for row in database.execute("SELECT job, attempt, from_state, to_state FROM transition ORDER BY id"):
            before = state.get(row["job"])
            if row["from_state"] != before:
                self.breach(f"job {row['job']} went from {row['from_state']} but was {before}")
            if row["to_state"] not in LEGAL.get(row["from_state"], ()):
                self.breach(f"job {row['job']} went from {row['from_state']} to {row['to_state']}")
            if before == "completed":
                self.breach(f"job {row['job']} was completed and went on to {row['to_state']}")
            state[row["job"]] = row["to_state"]
        for row in database.execute("SELECT id, state FROM job"):
            if state.get(row["id"]) != row["state"]:
                self.breach(f"job {row['id']} is {row['state']} but its last transition says {state.get(row['id'])}")

    def _attempts(self, database):
        started, ended = self._lines()
        identity = {(row["n"], row["number"]): row for row in database.execute(
            "SELECT json_extract(job.params, '$.n') AS n, attempt.* FROM attempt JOIN job ON job.id = attempt.job")}
        succeeded = defaultdict(int)
        for (n, number), row in identity.items():
            self.outcomes[row["outcome"]] += 1
            where = f"job n={n}, attempt {number} ({row['outcome']}: {row['reason']})"
            if row["outcome"] not in self.allowed:
                self.breach(f"{where}: this outcome has no place here")
            if row["outcome"] == "succeeded":
                succeeded[n] += 1
                if started[n, number] != 1 or ended[n, number] != 1:
                    self.breach(f"{where}: its command wrote {started[n, number]} + {ended[n, number]} lines")
            if row["outcome"] == "void" and started[n, number]:
                self.breach(f"{where}: its command ran")
            if started[n, number] > 1:
                self.breach(f"{where}: its command started {started[n, number]} times")
        for n in range(1, self.sandbox.expected + 1):
            if succeeded[n] != 1:
                self.breach(f"job n={n} has {succeeded[n]} attempts that succeeded")
        for n, number in set(started) | set(ended):
            if (n, number) not in identity:
                self.breach(f"job n={n}: a command ran for attempt {number}, which has no row")

    def _lines(self):
        """Lines by job and attempt; also refuses two attempts of a job at the same time."""
        started, ended, open_attempt = defaultdict(int), defaultdict(int), {}
        for line in self.sandbox.lines.read_text().splitlines():
            try:
                kind, n, number = line.split()
                key = int(n), int(number)
            except ValueError:
                self.breach(f"the jobs' own file has the line {line!r}")
                continue
            if kind == "S":
                started[key] += 1
                if key[0] in open_attempt and not self.may_lose:
                    self.breach(f"job n={n}: attempt {number} started while {open_attempt[key[0]]} had not ended")
                open_attempt[key[0]] = number
            else:
                ended[key] += 1
                if open_attempt.get(key[0]) != number:
                    self.breach(f"job n={n}: attempt {number} was alive while another had started")
                open_attempt.pop(key[0], None)
        return started, ended

    def _results(self, database):
        wrong = database.execute("""
            SELECT count(*) FROM job LEFT JOIN result ON result.job = job.id AND result.name = 'echo'
            WHERE job.state = 'completed' AND result.value IS NOT json_extract(job.params, '$.n')""").fetchone()[0]
        if wrong:
            self.breach(f"{wrong} completed jobs do not have the result they reported")

    def _folders(self, database):
        """An attempt's folder goes when the attempt is settled and left nothing there."""
        runs = self.sandbox.queue / "runs"
        left = sum(1 for path in runs.glob("[0-9]*/*") if path.is_dir())
        kept = database.execute(f"SELECT count(*) FROM attempt WHERE has_files = 1 AND NOT ({self.ELSEWHERE})").fetchone()[0]
        if left != kept:
            self.breach(f"{left} attempt folders are left, {kept} attempts say that theirs holds something")


def counts_as_json(audits):
    """How many attempts ended in which way, over several audits."""
    total = defaultdict(int)
    for audit in audits:
        for outcome, count in audit.outcomes.items():
            total[outcome] += count
    return json.loads(json.dumps(total))
