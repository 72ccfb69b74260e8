"""What was done to a scheduler or a worker, and whether it struck: a deed that met nothing proves nothing."""

import re
import sqlite3
from collections import defaultdict


class Tally:
    """Of each deed, how often it was tried, how often it struck, and what else there is to count of it."""

    def __init__(self, *deeds):
        self.rows = {deed: {"tried": 0, "struck": 0} for deed in deeds}

    def count(self, deed, what="tried", amount=1):
        row = self.rows.setdefault(deed, {"tried": 0, "struck": 0})
        row[what] = row.get(what, 0) + amount

    def breaches(self):
        return [f"never struck: {deed}" for deed, row in self.rows.items() if not row["struck"]]


class Submissions:
    """What the rows say of submissions, when all is over and every process of the queue has gone."""

    def __init__(self, sandbox):
        database = sqlite3.connect(sandbox.queue / "queue.db")
        database.row_factory = sqlite3.Row
        try:
            self.rows = [dict(row) for row in database.execute(
                "SELECT * FROM submission WHERE native_id IS NOT NULL ORDER BY accepted_at, id")]
            self.attempts = defaultdict(list)
            for row in database.execute("SELECT * FROM attempt WHERE submission IS NOT NULL"):
                self.attempts[row["submission"]].append(dict(row))
        finally:
            database.close()
        for row in self.rows:
            row["number"] = re.match(r"\d+", row["native_id"])[0]

    def reasons(self):
        """{outcome, with its reason: how many attempts}, of those that did not succeed; numbers in it do not count."""
        found = defaultdict(int)
        for attempts in self.attempts.values():
            for attempt in attempts:
                if attempt["outcome"] != "succeeded":
                    found[f"{attempt['outcome']}: {re.sub(r'[0-9]+', 'N', attempt['reason'] or '')}"] += 1
        return dict(sorted(found.items()))

    def lost(self, at, listed):
        """Those that were accepted before this moment with something still to do, and are not listed after it."""
        return [row for row in self.rows
                if row["accepted_at"] <= at * 1000 and (row["number"], row["job_name"]) not in listed
                and any(attempt["ended_at"] > at * 1000 for attempt in self.attempts[row["id"]])]

    def given_again(self, since, until, listings):
        """Ids that were accepted before `since` and stand for something else between then and `until`: for a later
        submission, or for what was listed meanwhile, [(moment, listed)], under another name."""
        names = defaultdict(set)
        for row in self.rows:
            if row["accepted_at"] <= since * 1000:
                names[row["number"]].add(row["job_name"])
        found = {row["number"] for row in self.rows if since * 1000 < row["accepted_at"] <= until * 1000
                 and row["number"] in names and row["job_name"] not in names[row["number"]]}
        for at, listed in listings:
            if since < at <= until:
                found |= {number for number, name in listed if number in names and name not in names[number]}
        return found

    def of_task(self, task, at):
        """The attempts of what a scheduler lists as this task ("12_3", or "12"), at that moment."""
        number, _, index = task.partition("_")
        known = [row for row in self.rows if row["number"] == number and row["intended_at"] <= at * 1000]
        if not known:
            return []
        attempts = self.attempts[known[-1]["id"]]
        return [attempt for attempt in attempts if not index or attempt["task"] == int(index)]
