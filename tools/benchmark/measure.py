"""Running a command and timing it; figures over rounds."""

import json
import os
import statistics
import subprocess
import time


class Failed(Exception):
    """A command that should have worked did not."""


def timed(command, environment=None, folder=None, stdin=None):
    """Runs a command to its end. Returns seconds, peak resident bytes and what it printed."""
    begun = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], env=environment, cwd=folder, stdin=stdin or subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    if process.returncode != 0:
        raise Failed(f"{command[0]} ended with {process.returncode}: {errors.decode(errors='replace')[-300:]}")
    return seconds, usage.ru_maxrss * 1024, output.decode(errors="replace")


def milliseconds(command, environment, repeats):
    """The median wall time of a short command, started as a shell would start it and with its output discarded."""
    actions = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    command = [str(part) for part in command]
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
        _, status = os.waitpid(pid, 0)
        times.append((time.perf_counter() - begun) * 1000)
        if status != 0:
            raise Failed(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return statistics.median(times)


def reported(command):
    """What a benchmark program says of itself, as a dictionary."""
    return json.loads(timed(command)[2])


class Row:
    """One line of the table: a figure of ours, and that of a reference measured in the same rounds."""

    def __init__(self, name, unit, reference, budget, at_least=None, at_most=None, ratio=True):
        self.name, self.unit, self.reference, self.budget = name, unit, reference, budget
        self.at_least, self.at_most = at_least, at_most
        self.by_ratio = ratio
        self.ours, self.theirs, self.note = [], [], None

    def add(self, ours, theirs=None):
        self.ours.append(ours)
        if theirs is not None:
            self.theirs.append(theirs)

    @property
    def ratios(self):
        return [a / b for a, b in zip(self.ours, self.theirs)]

    @property
    def meets_budget(self):
        values = self.ratios if self.by_ratio else self.ours
        if not values or (self.at_least is None and self.at_most is None):
            return None
        value = statistics.median(values)
        return value >= self.at_least if self.at_least is not None else value <= self.at_most

    def json(self):
        return {"name": self.name, "unit": self.unit, "reference": self.reference, "budget": self.budget,
                "sweepq": figures(self.ours), "reference_figures": figures(self.theirs),
                "ratio": figures(self.ratios), "meets_budget": self.meets_budget, "note": self.note}


def figures(values):
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def short(value):
    """Four significant digits, thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def span(values):
    if not values:
        return "-"
    return f"{short(statistics.median(values))} [{short(min(values))}..{short(max(values))}]"


def print_table(rows):
    lines = [("what", "unit", "sweepq", "reference", "", "ratio", "budget", "")]
    for row in rows:
        verdict = {None: "", True: "met", False: "MISSED"}[row.meets_budget]
        lines.append((row.name, row.unit, span(row.ours), row.reference or "-", span(row.theirs), span(row.ratios),
                      row.budget or "-", row.note or verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
