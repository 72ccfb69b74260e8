"""Prints "PASSED FAILED" of a test run: count_tests.py EXIT-STATUS XUNIT-FILE..."""

import sys
import xml.etree.ElementTree as ElementTree

status, files = int(sys.argv[1]), sys.argv[2:]
passed = failed = 0
for name in files:
    try:
        cases = ElementTree.parse(name).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        continue
    for case in cases:
        if case.find("skipped") is not None:
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
# A run that crashed, or that ran nothing, has failed even where no case says so.
if failed == 0 and (status != 0 or passed == 0):
    failed = 1
print(passed, failed)
