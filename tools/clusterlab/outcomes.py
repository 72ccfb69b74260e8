"""Every way in which a job may end on Slurm besides its own: the outcome, who pays for it, and the sentence."""

import json
import re
import time

from crashlab.report import Figures
from crashlab.sandbox import Stuck

from .cluster import Cluster, ClusterSandbox, stop

# Allocates what it is told to, in megabytes, and touches it.
EAT = "import sys; block = bytearray(int(sys.argv[1]) << 20); block[::4096] = b'x' * len(block[::4096])"


class Expect:
    """What is to become of one job: the outcomes of its attempts in order, its last state, and words of its reason."""

    def __init__(self, name, outcomes, state, words=""):
        self.name, self.outcomes, self.state, self.words = name, outcomes, state, words

    def breaches(self, sandbox):
        job = story(sandbox, self.name)
        outcomes = [attempt["outcome"] for attempt in job["attempts_made"]]
        reasons = [attempt.get("reason") or "" for attempt in job["attempts_made"]]
        found = []
        if outcomes != self.outcomes:
            found.append(f"{self.name}: attempts ended {outcomes} ({reasons}), not {self.outcomes}")
        if job["state"] != self.state:
            found.append(f"{self.name}: is {job['state']}, not {self.state}")
        if not re.search(self.words, "; ".join(reasons)):
            found.append(f"{self.name}: the reason {reasons} does not say {self.words!r}")
        return found


def story(sandbox, sweep):
    """All that is known of the only job of a sweep."""
    job = sandbox.run("status", "-q", f"@{sweep}").stdout.strip()
    return json.loads(sandbox.run("show", "--json", job).stdout)["jobs"][0]


def run(sweepq, work):
    figures = Figures("outcomes")
    for case in (ends, limits):
        try:
            case(figures, sweepq, work)
        except Stuck as stuck:
            figures.case(case.__name__, [str(stuck)])
    return figures.close()


def ends(figures, sweepq, work):
    cluster = Cluster("--cgroup", "--nodes", "3", "--cpus", "2", "--slurmd-timeout", "10", "--kill-wait", "2")
    sandbox = ClusterSandbox(sweepq, work / "ends", cluster, "    start_deadline: 20s\n")
    worker = None

    def submit(name, *options, command=("sh", "-c", "sleep 600"), place="--nodelist=n1"):
        sandbox.run("submit", "--name", name, "--cwd", sandbox.folder, f"--scheduler-option={place}", *options, "-p",
                    "n=1", "--", *command, "{n}")

    def running(name):
        return sandbox.run("status", "-q", "--state", "running", f"@{name}").stdout.strip() != ""

    def native(name):
        return story(sandbox, name)["attempts_made"][-1]["native_id"]

    def node(name):
        return cluster.run("squeue", "-h", "-j", native(name), "-o", "%N").strip()

    try:
        worker = sandbox.start_worker()
        submit("pushed", "--partition", "low", "--exclusive", "--nodes", "2",
               command=("sh", "-c", 'test "$SWEEPQ_ATTEMPT" != 1 || sleep 600'), place="--no-kill=off")
        sandbox.wait_for(lambda: running("pushed"), 120, "the job of low priority does not run")
        submit("pusher", "--partition", "high", "--exclusive", "--nodes", "2", command=("true",), place="--no-kill=off")
        sandbox.run("wait", "@pusher", "--timeout", "100s", timeout=120)
        gone = sandbox.folder / "gone"
        gone.mkdir()
        submit("limit", "--scheduler-option=--time=1")
        submit("own-limit", "--time", "5s")
        submit("memory", "--mem", "40M", "--retries", "1", "--retry-mem", "8x",
               command=("python3", "-c", EAT, "100"))
        submit("nowhere", "--cwd", gone, "--hold")
        gone.rmdir()
        sandbox.run("release", "@nowhere")
        submit("partition", "--partition", "nosuch")
        submit("missing", command=("no-such-command",))
        submit("code", command=("sh", "-c", "exit 137"))
        submit("cancelled")
        sandbox.wait_for(lambda: running("cancelled"), 60, "nothing runs")
        time.sleep(1)
        cluster.run("scancel", native("cancelled"))
        # Nobody can write where its gate should be, for a while.
        submit("unwritable", command=("true",), place="--begin=now+15")
        folder = sandbox.folder_of("unwritable")
        sandbox.wait_for(lambda: any(folder.glob("*/order")), 60, "the job's folder was not made")
        place = next(folder.glob("*/order")).parent
        cluster.run("chattr", "+i", str(place), check=True)
        sandbox.wait_for(lambda: f"{place.name}" in sandbox.log_since(0), 90, "that its gate cannot be made is not told")
        cluster.run("chattr", "-i", str(place), check=True)
        # Its daemon dies; what runs there lives on, as the real one's does, until it finds the fence.
        submit("node", command=("sh", "-c", 'test "$SWEEPQ_ATTEMPT" != 1 || sleep 600'), place="--exclude=n1")
        sandbox.wait_for(lambda: running("node") and node("node"), 60, "the job for the node does not run")
        cluster.fault("kill-node", node("node"))
        sandbox.run("wait", "--timeout", "240s", check=False, timeout=300)
        for expected in (
            Expect("limit", ["timed_out"], "failed", "time limit"),
            Expect("own-limit", ["timed_out"], "failed", "time limit"),
            Expect("memory", ["out_of_memory", "succeeded"], "completed", "out of memory"),
            Expect("nowhere", ["rejected"], "failed", "working directory"),
            Expect("partition", ["rejected"], "failed", "invalid partition"),
            Expect("unwritable", ["void", "succeeded"], "completed", "never started"),
            Expect("missing", ["rejected"], "failed", "no-such-command"),
            Expect("code", ["failed"], "failed", "137"),
            Expect("cancelled", ["cancelled"], "cancelled", "by somebody else"),
            Expect("node", ["node_failed", "succeeded"], "completed", "node failed"),
            Expect("pushed", ["preempted", "succeeded"], "completed", "pre-empted"),
            Expect("pusher", ["succeeded"], "completed"),
        ):
            figures.case(expected.name, expected.breaches(sandbox))
        figures.case("check", [] if sandbox.run("check", check=False).returncode == 0 else ["the queue is not sound"])
    finally:
        if worker:
            stop(worker)
        if figures.failed == 0:
            sandbox.discard()
        cluster.discard()


def limits(figures, sweepq, work):
    """The site allows small arrays and few jobs; and its controller is away when the worker comes."""
    cluster = Cluster("--max-array", "11", "--conf", "AccountingStorageEnforce=limits,qos", "--conf", "MessageTimeout=5")
    sandbox = ClusterSandbox(sweepq, work / "limits", cluster)
    worker = None
    try:
        cluster.run("sacctmgr", "-i", "modify", "qos", "normal", "set", "MaxSubmitJobsPerUser=15", check=True)
        sandbox.run("submit", "--name", "many", "-p", "n=1..60", "--", "sh", "-c", "sleep 0.2", "{n}")
        worker = sandbox.start_worker()
        sandbox.run("wait", "--timeout", "240s", check=False, timeout=300)
        figures.case("limits", all_completed(sandbox, 60))
        lost = json.loads(sandbox.run("show", "--json", "1-60").stdout)["jobs"]
        figures.case("cost", [f"job {job['id']} has {job['attempts']} attempts" for job in lost if job["attempts"] != 1])
        # The site changes its mind, and the worker does not know: its next array is refused, and made smaller.
        cluster.up("--max-array", "5", "--conf", "AccountingStorageEnforce=limits,qos", "--conf", "MessageTimeout=5")
        cluster.run("sacctmgr", "-i", "modify", "qos", "normal", "set", "MaxSubmitJobsPerUser=1000", check=True)
        sandbox.run("submit", "--name", "refused", "-p", "n=1..12", "--", "true", "{n}")
        sandbox.run("wait", "@refused", "--timeout", "240s", check=False, timeout=300)
        figures.case("array too large", all_completed(sandbox, 72) + (
            [] if "refuses an array" in sandbox.log_since(0) else ["no array was refused"]))
        cluster.fault("kill-controller")
        sandbox.run("submit", "--name", "away", "-p", "n=1..5", "--", "true", "{n}")
        sandbox.wait_for(lambda: "takes no more for now" in sandbox.log_since(0) or "not known" in sandbox.log_since(0), 60,
                         "the worker does not say that the controller is away")
        cluster.fault("start-controller")
        sandbox.run("wait", "--timeout", "240s", check=False, timeout=300)
        figures.case("controller away", all_completed(sandbox, 77))
        away = sandbox.environment["SLURM_CONF"]
        sandbox.environment["SLURM_CONF"] = "/nonexistent/slurm.conf"
        refused = sandbox.run("worker", "--backend", "slurm", "--until-empty", check=False, timeout=200)
        sandbox.environment["SLURM_CONF"] = away
        figures.case("wrong configuration", [] if refused.returncode == 69 else [f"worker ended with {refused.returncode}"])
    finally:
        if worker:
            stop(worker)
        if figures.failed == 0:
            sandbox.discard()
        cluster.discard()


def all_completed(sandbox, count):
    counts = json.loads(sandbox.run("status", "--json").stdout)["counts"]
    return [] if counts["completed"] == count else [f"{counts}, not {count} completed; {sandbox.log_tail()}"]
