"""The figures of one experiment, and how they are printed."""

import time


class Figures:
    """One experiment: how many crashes, what they did, what was found."""

    def __init__(self, name):
        self.name = name
        self.values = {}
        self.cases = 0
        self.failed = 0
        self.breaches = []
        self.begun = time.monotonic()

    def count(self, name, amount=1):
        self.values[name] = self.values.get(name, 0) + amount

    def case(self, label, breaches):
        """One crash with its recovery; every breach is kept with the label that reproduces it."""
        self.cases += 1
        if breaches:
            self.failed += 1
            self.breaches += [f"{label}: {sentence}" for sentence in breaches]

    def close(self):
        self.seconds = time.monotonic() - self.begun
        return self

    def json(self):
        return {"experiment": self.name, "cases": self.cases, "failed": self.failed, "seconds": round(self.seconds, 1),
                **self.values, "breaches": self.breaches}


def print_rows(name, rows):
    """A table within the figures: {row: {column: number}}."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    print(f"    {name:<58} " + " ".join(f"{column:>8}" for column in columns))
    for label, row in rows.items():
        print(f"      {label:<56} " + " ".join(f"{row.get(column, ''):>8}" for column in columns))


def print_table(all_figures):
    for figures in all_figures:
        print(f"{figures.name:<10} {figures.cases:>6} cases {figures.failed:>4} failed {figures.seconds:>8.1f} s")
        for name, value in figures.values.items():
            if isinstance(value, dict) and any(isinstance(row, dict) for row in value.values()):
                print_rows(name, value)
            else:
                print(f"    {name:<58} {value}")
        for sentence in figures.breaches[:20]:
            print(f"    BREACH {sentence}")
        if len(figures.breaches) > 20:
            print(f"    … and {len(figures.breaches) - 20} more")
