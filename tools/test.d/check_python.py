"""Compiles every Python program below a folder, without writing anything: check_python.py FOLDER"""

import sys
from pathlib import Path

bad = 0
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if not path.is_file():
        continue
    text = path.read_bytes()
    if path.suffix != ".py" and not text.startswith((b"#!/usr/bin/env python3", b"#!/usr/bin/python3")):
        continue
    try:
        compile(text, str(path), "exec")
    except SyntaxError as error:
        print(f"{path}: {error}")
        bad = 1
sys.exit(bad)
