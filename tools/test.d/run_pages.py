"""Runs the pages on clusters as a reader would: run_pages.py SWEEPQ PAGE...

A page is called like its scheduler. Every command of its ```sh blocks runs in their order in a folder that is empty at
first, on a scheduler of its own: the real Slurm and Grid Engine, the pretended PBS and LSF. A command must end with 0, or
with the code that a remark at its end states ("# exit code 1"), within a time; and in the end the page's sweeps must have
run: something completed, nothing failed, nothing left. Prints "PASSED FAILED", counting commands; what went wrong is on
standard error."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
SECONDS = 60  # for one command
BEDS = {
    "slurm": ["--nodes", "2", "--no-accounting", "--conf", "PartitionName=short Nodes=ALL MaxTime=60 State=UP"],
    "sge": [],
    "pbs": ["--slots", "8"],
    "lsf": ["--flavour", "modern", "--slots", "8"],
    "ssh": ["--hosts", "2"],
}
# Pages on more than one scheduler.
ALSO = {"several-machines": "ssh", "project-folder": "ssh"}


def commands(page):
    """[(line number, command, exit code)]"""
    found, command, inside, ends = [], [], False, None
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        if ends is None and not command and line.startswith("```"):
            inside = line == "```sh"
        elif inside and (command or line.strip() and not line.startswith("#")):
            command.append(line)
            if ends is None:
                here = re.search(r"<<-?\s*['\"]?(\w+)", line)
                ends = here and here[1]
            elif line.strip() == ends:
                ends = None
            if ends is None and not line.endswith("\\"):
                code = re.search(r"\s# .*\bexit code (\d+)", line)
                found.append((number - len(command) + 1, "\n".join(command), int(code[1]) if code else 0))
                command = []
    if command:
        found.append((number, "\n".join(command), 0))
    return found


class Reader:
    """Somebody who has just got an account."""

    def __init__(self, name, sweepq, work):
        self.name, self.home, self.bed = name, work / "home", work / "bed"
        self.folder = self.home / "page"
        self.folder.mkdir(parents=True)
        (work / "bin").mkdir()
        (work / "bin" / "sweepq").symlink_to(sweepq)
        settings = self.home / ".config" / "sweepq" / "config.yaml"
        settings.parent.mkdir(parents=True)
        if name != "ssh":
            settings.write_text(f"executors:\n  {name}:\n    scheduler: {name}\n    poll: 1s\n    late_files: 2s\n")
        kept = {k: v for k, v in os.environ.items() if k in ("LANG", "TERM", "TZ", "USER", "LOGNAME", "LLVM_PROFILE_FILE")}
        self.environment = kept | {
            "PATH": f"{work}/bin:{os.environ['PATH']}", "HOME": str(self.home), "TMUX_TMPDIR": str(work),
            "XDG_CONFIG_HOME": str(settings.parent.parent),
        }
        self.tool = TOOLS / "testbed" / {"sge": "gridengine"}.get(name, name)
        self.exports = ""

    def up(self):
        done = subprocess.run([self.tool, "up", self.bed, *BEDS[self.name]], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False, timeout=180)
        self.exports = done.stdout
        if self.name == "ssh" and not done.returncode:
            self.know_hosts()
        return done.stderr if done.returncode else None

    def know_hosts(self):
        """Its ssh knows the hosts h1, h2 as lab1, lab2: what ~/.ssh/config says cannot be changed for a test."""
        known = (self.bed / "ssh_config").read_text()
        own = self.home / "ssh_config"
        own.write_text(re.sub(r"^Host h(\d)$", r"Host lab\1", known, flags=re.MULTILINE))
        program = self.home.parent / "bin" / "ssh"
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {own} "$@"\n')
        program.chmod(0o755)

    def run(self, command):
        """(exit code, what it said); None as code when it took too long."""
        process = subprocess.Popen(["sh", "-c", f"{self.exports}\n{command}"], cwd=self.folder, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        try:
            said, _ = process.communicate(timeout=SECONDS)
            return process.returncode, said
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, process.communicate()[0]

    def left(self):
        """What is wrong with the queue that the page leaves."""
        _, said = self.run("sweepq status --json")
        try:
            counts = json.loads(said)["counts"]
        except (ValueError, KeyError):
            return f"sweepq status --json says {said}"
        if counts["completed"] and counts["completed"] + counts["cancelled"] == counts["total"]:
            return None
        log = self.folder / ".sweepq" / "worker.log"
        return f"its jobs ended as {counts}\n{log.read_text() if log.exists() else ''}"

    def leave(self):
        _, said = self.run("sweepq workers --json")
        with contextlib.suppress(ValueError, KeyError):
            for worker in json.loads(said)["workers"]:
                if worker["alive"]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker["pid"], signal.SIGTERM)
        self.run("tmux kill-server")
        subprocess.run([self.tool, "down", self.bed], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=180)


def read(page, sweepq):
    """(commands that did as they should, [what went wrong])"""
    begun, passed = time.monotonic(), 0
    try:
        found = commands(page)
    except OSError as error:
        return 0, [str(error)]
    if not found:
        return 0, [f"{page}: has no command"]
    bed = ALSO.get(page.stem, page.stem)
    if bed not in BEDS:
        return 0, [f"{page}: there is no scheduler {bed}"]
    work = Path(tempfile.mkdtemp(prefix=f"{page.stem}-", dir="/tmp"))
    work.chmod(0o755)
    reader = Reader(bed, sweepq, work)
    try:
        trouble = reader.up()
        if trouble:
            return 0, [f"{page}: the scheduler does not come up\n{trouble}"]
        for line, command, wanted in found:
            code, said = reader.run(command)
            if code != wanted:
                ended = f"not within {SECONDS} s" if code is None else f"exit code {code}, not {wanted}"
                # What follows builds on it.
                return passed, [f"{page}:{line}: {ended}: {command}\n{said}"]
            passed += 1
            if os.environ.get("RUN_PAGES_SHOW"):
                print(f"{page.stem} $ {command}", *said.splitlines()[:15], "", sep="\n", file=sys.stderr)
        trouble = reader.left()
        return (passed, [f"{page}: {trouble}"]) if trouble else (passed, [])
    except (OSError, subprocess.SubprocessError) as error:
        return passed, [f"{page}: {error}"]
    finally:
        reader.leave()
        shutil.rmtree(work, ignore_errors=True)
        print(f"{page}: {passed} of {len(found)} commands, {time.monotonic() - begun:.0f} s", file=sys.stderr)


def main():
    sweepq = Path(sys.argv[1]).resolve()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda page: read(Path(page), sweepq), sys.argv[2:]))
    for _, troubles in answers:
        for trouble in troubles:
            print(trouble, file=sys.stderr)
    failed = sum(len(troubles) for _, troubles in answers)
    print(sum(passed for passed, _ in answers), failed)
    return 1 if failed or not answers else 0


if __name__ == "__main__":
    sys.exit(main())
