"""Prints "PASSED FAILED" of the crash lab's cases: count_crashes.py EXIT-STATUS JSON-FILE"""

import json
import sys

try:
    with open(sys.argv[2]) as file:
        figures = json.load(file)
except (OSError, ValueError):
    figures = []
failed = sum(experiment["failed"] for experiment in figures)
passed = sum(experiment["cases"] for experiment in figures) - failed
if failed == 0 and (sys.argv[1] != "0" or passed == 0):
    failed = 1
print(passed, failed)
