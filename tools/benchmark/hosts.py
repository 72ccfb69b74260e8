"""Short jobs on one host over SSH, through the same sshd: sweepq without a batch system there, and dpdispatcher's Shell."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from .measure import Failed, Row, timed

TESTBED = Path(__file__).resolve().parent.parent / "testbed" / "ssh"
GROUP = 50
SETTINGS = """executors:
  single: {{ssh: h1, ssh_config: {bed}/ssh_config, scheduler: direct, workdir: work}}
  grouped: {{ssh: h1, ssh_config: {bed}/ssh_config, scheduler: direct, workdir: work, bundle: {group}}}
"""

# As its documentation has it, but that it looks each second rather than each 30, which would flatter us.
DPDISPATCHER = """
import os, sys
from dpdispatcher import Machine, Resources, Submission, Task

port, user, key, remote_root, count, group = sys.argv[1:]
machine = Machine.load_from_dict({
    "batch_type": "Shell", "context_type": "SSHContext", "local_root": "./", "remote_root": remote_root,
    "remote_profile": {"hostname": "127.0.0.1", "port": int(port), "username": user, "key_filename": key}})
resources = Resources.load_from_dict({
    "number_node": 1, "cpu_per_node": 1, "gpu_per_node": 0, "queue_name": "", "group_size": int(group)})
tasks = []
for n in range(int(count)):
    os.makedirs(f"base/{n}")
    tasks.append(Task(command=f"/bin/true {n}", task_work_path=f"{n}/", forward_files=[], backward_files=["log", "err"],
                      outlog="log", errlog="err"))
submission = Submission(work_base="base/", machine=machine, resources=resources, task_list=tasks)
submission.run_submission(check_interval=1)
"""


def over_ssh(bench, peers):
    """Each job with a state of its own, and the same in groups; and how many commands each has run on the host."""
    jobs = 400 if bench.quick else 1000
    peer = "dpdispatcher, Shell"
    row = Row(f"{jobs:,} × /bin/true on a host over SSH", "jobs/s", peer, "≥ 5 ×", at_least=5)
    grouped = Row(f"  in groups of {GROUP}", "jobs/s", peer, None)
    commands = Row("  ssh commands, each job for itself", "", peer, None)
    starts = Row("    of these: batches of starts", "", None, None, ratio=False)
    polls = Row("    of these: polls", "", None, None, ratio=False)
    others = Row("    of these: others", "", None, "≤ 2", at_most=2, ratio=False)
    if shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin") is None:
        row.note = "sshd is missing: tools/setup --tests"
        return [row]
    problem = peers.install("dpdispatcher")
    if problem:
        peers.skipped.append(f"dpdispatcher could not be installed from PyPI: {problem}")
    folder = Path(tempfile.mkdtemp(prefix="bs", dir="/tmp"))
    folder.chmod(0o755)
    try:
        host = Host(folder)
        counts = {}

        def ours(executor):
            queue = bench.queue()
            (queue / "config.yaml").write_text(SETTINGS.format(bed=folder, group=GROUP))
            before = host.sessions()
            submitted, _, _ = bench.submit(queue, jobs)
            seconds, _, printed = timed([bench.sweepq, "worker", "--queue", queue, "--backend", executor, "--until-empty",
                                         "--json"], environment=bench.environment)
            report = json.loads(printed)
            if report["succeeded"] != jobs:
                raise Failed(f"of {jobs} jobs over SSH {report['succeeded']} have succeeded")
            counts[executor] = (host.sessions() - before, report["scheduler_calls"])
            return jobs / (submitted + seconds)

        def theirs(group):
            local = Path(tempfile.mkdtemp(prefix="dp-", dir=bench.work))
            before = host.sessions()
            seconds, _, _ = timed([peers.venv / "bin/python", "-c", DPDISPATCHER, host.port, host.user, folder / "id",
                                   folder / "h1/home/work", jobs, group], folder=local)
            if missing := [n for n in range(jobs) if not (local / "base" / str(n) / "log").exists()]:
                raise Failed(f"dpdispatcher has brought {len(missing)} of {jobs} outputs less")
            counts[group] = (host.sessions() - before, {})
            return jobs / seconds

        for _ in range(bench.long_rounds):
            if problem:
                row.add(ours("single"))
                grouped.add(ours("grouped"))
            else:
                single, alone, many, together = bench.interleaved(
                    lambda: ours("single"), lambda: theirs(1), lambda: ours("grouped"), lambda: theirs(GROUP))
                row.add(single, alone)
                grouped.add(many, together)
            sessions, calls = counts["single"]
            commands.add(sessions, counts[1][0] if 1 in counts else None)
            starts.add(calls["submit"])
            polls.add(calls["round"])
            others.add(sessions - calls["submit"] - calls["round"])
    finally:
        subprocess.run([TESTBED, "down", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
    return [row, grouped, commands, starts, polls, others]


class Host:
    """One host of the testbed."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run([TESTBED, "up", folder, "--hosts", "1"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        (folder / "h1/home/work").mkdir()
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        options = subprocess.run(["ssh", "-F", folder / "ssh_config", "-G", "h1-direct"], check=True, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        self.port = dict(line.split(" ", 1) for line in options.splitlines())["port"]

    def sessions(self):
        """How many commands have been run there, and channels for files opened, by sshd's own word."""
        return (self.folder / "log/h1.sshd.out").read_text(errors="replace").count("Starting session: ")
