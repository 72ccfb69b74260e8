"""Line coverage by module from llvm-cov's JSON: coverage.py MINIMUM-PERCENT JSON-FILE MODULE..."""

import json
import sys

minimum, path, modules = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
with open(path) as file:
    files = json.load(file)["data"][0]["files"]
good = True
for module in modules:
    lines = [entry["summary"]["lines"] for entry in files if f"/Sources/{module}/" in entry["filename"]]
    count, covered = sum(line["count"] for line in lines), sum(line["covered"] for line in lines)
    percent = 100 * covered / count if count else 0.0
    print(f"coverage of {module}: {percent:.1f}% of {count} lines")
    good = good and percent >= minimum
sys.exit(0 if good else 1)
