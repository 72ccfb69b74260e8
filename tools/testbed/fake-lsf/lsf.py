"""The commands of LSF, pretended: bsub, bjobs, bkill, bstop, bresume, bhist, bqueues, bhosts, busers, bparams, lsid.

With `flavour` "old" they print what OpenLava 2.2 was seen to print and keep its quirks: no -o and no -json, options of newer
ones misread, and jobs whose top shell dies of a signal are DONE. With "modern" they are IBM Spectrum LSF 10.1 as its
documentation has it. Called by one of those names, with the folder of the cluster in FAKE_LSF_DIR."""

import fnmatch
import getopt
import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path

import pretend
import reports
from pretend import Cluster, Job, Keeper, user

NAME = "lsf"
COMMANDS = str(Path(__file__).resolve().parent / "bin")
VARIABLE = "FAKE_LSF_DIR"
DEFAULTS = {
    "flavour": "old", "slots": 4, "max_array": 1000, "max_pending": 0, "clean_period": 3600.0, "queues": "normal,short",
    "host_cpus": 8, "minute": 60.0, "kill_delay": 5.0, "walltime_lag": 0.0, "retry": 10.0, "started": True,
    "server": "up", "node": "up", "keeper": None,
}
OLD_BSUB = "hVxHrNBIKL:c:F:W:k:P:q:R:m:n:J:b:t:u:i:o:e:M:D:S:f:w:E:Z:s:a:"
MODERN_LONG = {  # options of several letters, and whether they take a value
    "oo": True, "eo": True, "cwd": True, "env": True, "Jd": True, "rn": False, "json": False, "app": True, "gpu": True,
    "sla": True, "ti": False, "tl": True, "outdir": True, "We": True, "sp": True, "Lp": True, "Ip": False, "Is": False,
    "ptl": True, "eptl": True, "hostfile": True, "network": True, "rcacct": True, "Ep": True, "notify": True, "is": True,
    "csm": True, "XF": False, "IS": False, "ISp": False, "ISs": False, "IX": False, "freq": True, "Zs": False,
}
CLEAN = re.compile(r"(FAKE_LSF|SWEEPQ_FAKE|LSB_(?!DEFAULT))")


class Refusal(Exception):
    """What a command says on standard error (or output, with `out`), and its exit code."""

    def __init__(self, text, code=255, out=False):
        super().__init__(text)
        self.text, self.code, self.out = text, code, out


def jump(cluster):
    """After a restart of mbatchd ids go on a hundred further."""
    cluster.set("next", (cluster.setting("next") or 1) + 100)


def expire(cluster):
    for job in cluster.jobs("state = 'ended' AND idx IS NOT -1"):
        job["cleaned"] = True
        cluster.put(job)


def thawed(cluster):
    """What was sent to mbatchd while it stood still is read now, whoever has sent it."""
    for tag, job in cluster.setting("limbo") or []:
        try:
            answer = [accept(cluster, Job(job)), None]
        except Refusal as refusal:
            answer = [None, refusal.text]
        cluster.set(f"answer {tag}", answer)
    cluster.set("limbo", [])


def settled(_):
    """After a change of settings."""


# The daemons


class Sbatchd(Keeper):
    def prepare(self, job):
        c = self.cluster
        stem = str(c.spool / f"{int(job['created'])}.{reports.dotted(job)}")
        shell = job.get("shell") or "/bin/sh"
        if job["script"] is not None:
            # A script from standard input is a file of its own, and a child of the job's shell.
            Path(stem + ".shell").write_text(job["script"], encoding="utf-8", errors="surrogateescape")
            os.chmod(stem + ".shell", 0o700)
            text = shlex.quote(stem + ".shell")
        else:
            text = job["command"]
        Path(stem).write_text(
            f"#! {shell}\n\n# LSBATCH: User input\n{text}\nExitStat=$?\nwait\n# LSBATCH: End user input\ntrue\n"
            'exit `expr $? "|" $ExitStat`\n', encoding="utf-8", errors="surrogateescape")
        os.chmod(stem, 0o700)
        environment = {
            **job["environment"], "LSB_JOBID": str(job["seq"]), "LSB_JOBINDEX": str(job["idx"] or 0),
            "LSB_JOBNAME": job["spec"] if job["parent"] and c.setting("flavour") == "old" else reports.name(job),
            "LSB_QUEUE": job["queue"], "LSB_SUB_HOST": reports.HOST, "LSB_HOSTS": " ".join([reports.HOST] * job["cpus"]),
            "LSB_MCPU_HOSTS": f"{reports.HOST} {job['cpus']} ", "LSB_JOBFILENAME": stem, "LSB_CHKFILENAME": stem,
            "LSB_JOBEXIT_STAT": "0", "LSB_EXIT_PRE_ABORT": "99", "LSB_TRAPSIGS": "trap # 15 10 12 2 1", "LSFUSER": job["owner"],
            "LSB_BATCH_JID": reports.label(job), "LS_SUBCWD": job["cwd"], "LSB_JOBPEND": "0",
        }
        if job["parent"]:
            environment |= {"LSB_JOBINDEX_STEP": "1", "LSB_JOBINDEX_END": str(job["last"])}
        if job.get("output"):
            environment["LSB_OUTPUTFILE"] = reports.expanded(job, job["output"])
        folder = job["cwd"] if os.path.isdir(job["cwd"]) else "/tmp"
        out = stem + ".out"
        errors = stem + ".err" if job.get("errors") else out
        return [shell, stem], environment, folder, job.get("input"), out, errors

    def ended(self, job, status):
        c = self.cluster
        if "finished" not in job:
            old = c.setting("flavour") == "old"
            job["finished"] = pretend.now()
            faults = reports.faults_of_run(c)
            for fault in faults:
                c.note_fired("run", fault)
            if status is None or c.setting("node") != "up" or "lose-status" in faults:
                job.update(verdict="EXIT", code=None, lost=True)
            elif os.WIFEXITED(status):
                code = os.WEXITSTATUS(status)
                job.update(verdict="EXIT" if code else "DONE", code=code)
            else:
                number = os.WTERMSIG(status)
                if job.get("over") or (job.get("deleted") and number != signal.SIGKILL) or not old:
                    job.update(verdict="EXIT", code=128 + number)
                elif job.get("deleted"):
                    job.update(verdict="EXIT", code=None, signal=number)
                else:
                    job.update(verdict="DONE", code=0)  # the top shell's own death is not seen
            if not old and job["verdict"] == "EXIT":
                job["reason"] = (
                    "TERM_RUNLIMIT: job killed after reaching LSF run time limit" if job.get("over")
                    else "TERM_OWNER: job killed by owner" if job.get("deleted") else "")
            if "done" in faults:
                job.update(verdict="DONE", code=0)
        if c.setting("server") != "up" or c.setting("node") != "up":
            return pretend.now() + 0.1
        reports.write_output(c, job)
        job["state"] = "ended"
        job["order"] = pretend.now()
        return None

    def overdue(self, job):
        delay = self.cluster.setting("kill_delay")
        job["signals"] = [(pretend.now(), signal.SIGUSR2), (pretend.now() + delay, signal.SIGKILL)]

    def tick(self):
        c = self.cluster
        for job in c.jobs("state = 'waiting' AND idx IS NOT -1"):
            if job["begin"] <= time.time():
                job["state"] = "queued"
                c.put(job)
        limit = time.time() - c.setting("clean_period")
        for job in c.jobs("state = 'ended' AND idx IS NOT -1 AND json_extract(rest, '$.cleaned') IS NULL"):
            if job["finished"] < limit:
                job["cleaned"] = True
                c.put(job)

    def blocked(self, job):
        if job["cpus"] > self.cluster.setting("slots") or job.get("impossible"):
            return True
        after = job.get("after")
        if not after:
            return False
        kind, seq = after
        others = self.cluster.jobs("seq = ? AND idx IS NOT -1", seq)
        if kind == "done":
            return not all(j.get("verdict") == "DONE" for j in others)
        if kind == "exit":
            return not any(j.get("verdict") == "EXIT" for j in others)
        return not all(j["state"] == "ended" for j in others)


# Commands


class Session:
    def __init__(self, command, asks_version=False):
        self.command = command
        folder = os.environ.get(VARIABLE)
        if not folder or not os.path.isdir(folder):
            print(f"{command}: {VARIABLE} names no folder", file=sys.stderr)
            sys.exit(255)
        self.cluster = Cluster(folder, DEFAULTS)
        self.faults = self.cluster.faults(command, is_counted=not asks_version)
        self.flavour = self.cluster.setting("flavour")
        self.code = 0

    def log(self, arguments):
        with open(self.cluster.folder / "calls", "a", encoding="utf-8") as f:
            f.write(json.dumps([round(time.time(), 3), self.command, *arguments]) + "\n")

    def connect(self, refused=254, ending=""):
        """Waits for mbatchd as the commands do: for ever, or as often as LSB_NTRIES says."""
        pretend.before(self.faults)
        if "noise" in self.faults:
            print(self.faults["noise"] or "Cannot connect to LSF. Please wait ...", flush=True)
        tries = int(os.environ.get("LSB_NTRIES") or 0)
        told = 0
        while self.cluster.setting("server") == "down" or "down" in self.faults:
            if tries and told + 1 >= tries:
                raise Refusal(f"Connection refused by server{ending}", refused)
            told += 1
            if self.flavour == "old":
                print("batch system daemon not responding ... still trying", file=sys.stderr, flush=True)
            else:
                print("LSF is down. Please wait ...", flush=True)
            deadline = time.monotonic() + self.cluster.setting("retry")
            while time.monotonic() < deadline and self.cluster.setting("server") == "down":
                time.sleep(0.05)
            if "down" in self.faults:
                time.sleep(max(0, deadline - time.monotonic()))

    def complain(self, text, code=255):
        sys.stdout.flush()
        print(text, file=sys.stderr, flush=True)
        self.code = code


def split_options(session, arguments, short, long):
    """(options, the rest): as getopt has it, with the options of several letters that the modern ones know."""
    if session.flavour == "old":
        try:
            return getopt.getopt(arguments, short)
        except getopt.GetoptError as error:
            raise Refusal(f"{session.command}: invalid option -- '{error.opt[:1]}'\n{reports.USAGE[session.command]}") from None
    given, rest = [], list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word[1:] in long:
            given.append((word, rest.pop(0) if long[word[1:]] and rest else ""))
            continue
        letter = word[1]
        at = short.find(letter)
        if at < 0 or letter == ":":
            raise Refusal(f"{session.command}: illegal option -- {letter}\n{reports.USAGE[session.command]}")
        if short[at + 1 : at + 2] == ":":
            given.append((f"-{letter}", word[2:] or (rest.pop(0) if rest else "")))
        else:
            given += [(f"-{each}", "") for each in word[1:]]
    return given, rest


def bsub(session, arguments):
    c = session.cluster
    given, rest = split_options(session, arguments, OLD_BSUB + ("g:G:U:" if session.flavour == "modern" else ""), MODERN_LONG)
    if ("-h", "") in given:
        raise Refusal(reports.USAGE["bsub"])
    script = None
    if not rest:
        if sys.stdin.isatty():
            raise Refusal("No command is specified. Job not submitted.")
        script = sys.stdin.buffer.read().decode(errors="surrogateescape")
        if not script.strip():
            raise Refusal("No command is specified. Job not submitted.")
        more = []
        for line in script.splitlines():
            if line.startswith("#BSUB"):
                more += split_options(session, shlex.split(line[5:], comments=True),
                                      OLD_BSUB + ("g:G:U:" if session.flavour == "modern" else ""), MODERN_LONG)[0]
        given = more + given  # the command line goes before
    values = dict(given)
    command = " ".join(rest) if len(rest) < 2 else rest[0] + " " + " ".join(
        shlex.quote(w) if re.search(r"[^\w./=,:@%+-]", w) or not w else w for w in rest[1:])
    environment = {k: v for k, v in os.environ.items() if not CLEAN.match(k)}
    job = Job(
        command=command if script is None else reports.shown_script(script), script=script, cwd=os.getcwd(), owner=user(),
        environment=environment, umask=reports.umask(), queue=values.get("-q", c.setting("queues").split(",")[0]),
        asked_queue="-q" in values, project=values.get("-P", "default"), cpus=1, named="-J" in values,
        resources=values.get("-R"), hold="-H" in values, shell=values.get("-L"), input=values.get("-i"),
        output=values.get("-oo", values.get("-o")), overwrite="-oo" in values, errors=values.get("-eo", values.get("-e")),
        rerunable="-r" in values, description=values.get("-Jd", ""), group=values.get("-g", ""),
    )
    if job["input"] and not job["input"].startswith("/"):
        job["input"] = f"{job['cwd']}/{job['input']}"
    bad = "Bad {} specification. Job not submitted."
    if "-cwd" in values:
        job["cwd"] = os.path.join(job["cwd"], values["-cwd"])
    if "-c" in values and not re.fullmatch(r"(\d+:)?\d+(/\S+)?", values["-c"]):
        raise Refusal(f"{values['-c']}: " + bad.format("CPULIMIT"))
    if "-W" in values:
        match = re.fullmatch(r"(?:(\d+):)?(\d+)(/\S+)?", values["-W"])
        if not match:
            raise Refusal(f"{values['-W']}: " + bad.format("RUNLIMIT"))
        job["minutes"] = int(match[1] or 0) * 60 + int(match[2])
    if "-M" in values and not re.fullmatch(r"\d+(\.\d+)?[kmgtpezKMGTPEZ]?[bB]?", values["-M"]):
        raise Refusal(f"{values['-M']}: " + bad.format("MEMLIMIT"))
    if "-n" in values:
        job["cpus"] = int(values["-n"].partition(",")[0])
    if "-b" in values:
        job["begin"] = reports.begin(values["-b"])
    if "-env" in values:
        for part in re.split(r"\s*,\s*", values["-env"]):
            name, is_set, value = part.partition("=")
            if name == "none":
                job["environment"] = {k: environment[k] for k in ("HOME", "PATH", "USER") if k in environment}
            elif is_set:
                job["environment"][name] = value
    job["spec"] = values.get("-J", "")
    if "-w" in values:
        match = re.search(r"(done|exit|ended|started)?\(?\s*\"?([\w.\[\]-]+)\"?", values["-w"])
        job["dependency"] = [match[1] or "done", match[2]]
    tag = f"{os.getpid()}-{time.time_ns()}"
    session.connect(255, ". Job not submitted.")
    if "quota" in session.faults:
        session.faults["quota"] = True
        if os.environ.get("LSB_NTRIES") == "1":
            raise Refusal(f"User <{user()}>: Pending job threshold reached. Job not submitted.")
        print("Pending job threshold reached. Retrying in 60 seconds...", file=sys.stderr, flush=True)
        time.sleep(60)
    if c.setting("server") == "frozen":
        with c:
            if c.setting("server") == "frozen":
                c.set("limbo", [*(c.setting("limbo") or []), [tag, job]])
            else:
                tag = None
        if tag:
            while not (answer := c.setting(f"answer {tag}")):
                time.sleep(0.02)
            seq, refusal = answer
            if refusal:
                raise Refusal(refusal)
            pretend.start_keeper(c, NAME)
            return submitted(session, job, seq)
    with c:
        try:
            seq = accept(c, job, session.faults)
            refusal = None
        except Refusal as raised:
            refusal = raised  # which uses up an id, so the transaction stands
    if refusal:
        raise refusal
    pretend.start_keeper(c, NAME)
    pretend.after(session.faults)
    if "lose-answer" in session.faults:
        raise Refusal("Failed in an LSF library call: Failed in sending/receiving a message: Connection reset by peer. Job not submitted.")
    submitted(session, job, seq)
    if "-K" in values:
        print("<<Waiting for dispatch ...>>", file=sys.stderr, flush=True)
        while True:
            with c:
                found = c.job(str(seq))
            if not found or found["state"] == "ended":
                print("<<Job is finished>>", file=sys.stderr)
                sys.exit((found or {}).get("code") or 0)
            time.sleep(0.05)
    return None


def submitted(session, job, seq):
    where = "queue" if job["asked_queue"] else "default queue"
    if "quiet" not in session.faults:
        print(f"Job <{seq}> is submitted to {where} <{job['queue']}>.", flush=True)
    if job.get("begin"):
        when = time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(job["begin"]))
        print(f"Job will be scheduled after {when}", file=sys.stderr)


def accept(c, job, faults=()):
    """What mbatchd makes of a request: rows, and a number. In a transaction; a refusal uses up a number as well."""
    not_submitted = " Job not submitted."
    seq = c.reused(faults) if "reuse-id" in faults else c.next_number(1)
    if job["queue"] not in c.setting("queues").split(","):
        raise Refusal(f"{job['queue']}: No such queue.{not_submitted}")
    if job["cpus"] > c.setting("host_cpus") * 8:
        raise Refusal(f"Too many processors requested.{not_submitted}")
    if job["resources"] and job["resources"].count("[") != job["resources"].count("]"):
        raise Refusal(f"Bad resource requirement syntax.{not_submitted}")
    if len(job["project"]) >= 100:
        raise Refusal(f"{job['project']}:  project name too long.{not_submitted}")
    spec = job["spec"]
    if len(spec.encode(errors="surrogateescape")) >= 256:
        raise Refusal(f"Bad job name.{not_submitted}")
    if c.setting("max_pending") and c.count("state != 'ended' AND idx IS NOT -1") >= c.setting("max_pending"):
        raise Refusal(f"User <{job['owner']}>: Pending job threshold reached.{not_submitted}")
    if job.get("dependency"):
        kind, other = job["dependency"]
        found = c.jobs("seq = ?", int(other)) if other.isdigit() else c.jobs("name = ? AND idx IS NOT -1", other)
        if not found:
            raise Refusal(f"{other}: No matching job found.{not_submitted}")
        job["after"] = (kind, found[-1]["seq"])
    match = re.fullmatch(r"([^\[\]]*)\[([^\[\]]*)\](?:%(\d+))?", spec)
    name = match[1] if match else spec or job["command"]
    if job.get("minutes"):
        job["walltime"] = job["minutes"] * c.setting("minute")
    if re.search(r"mem>\d{7,}", job["resources"] or ""):
        job["impossible"] = True
    state = "held" if job["hold"] else "waiting" if job.get("begin", 0) > time.time() else "queued"
    job.update(seq=seq, name=name, state=state, created=time.time(), suspended_by="user" if job["hold"] else None, events=[])
    rows = []
    if match:
        indices = []
        for part in match[2].split(","):
            bounds = re.fullmatch(r"\s*(\d+)(?:-(\d+))?(?::(\d+))?\s*", part)
            if not bounds:
                raise Refusal(f"Bad job name.{not_submitted}")
            first, last = int(bounds[1]), int(bounds[2] or bounds[1])
            if first < 1 or last < first:
                raise Refusal(f"Bad job name.{not_submitted}")
            if last > c.setting("max_array"):
                raise Refusal(f"Job array index too large.{not_submitted}")
            indices += range(first, last + 1, int(bounds[3] or 1))
        key = f"{seq}[]"
        job["spec"] = f"{match[1]}[{match[2]}]"
        rows.append(Job(job, key=key, idx=-1, parent=None, throttle=int(match[3] or 0), size=len(indices)))
        rows += [Job(job, key=f"{seq}[{i}]", idx=i, parent=key, last=max(indices)) for i in indices]
    else:
        rows.append(Job(job, key=str(seq), idx=None, parent=None))
    if "forget" not in faults:
        c.put(*rows)
    return seq


def parse_ids(session, words):
    """(rows wanted, in words): "39", "39[2]", "43[5,9]". Complains of what is none."""
    found = []
    for word in words:
        match = re.fullmatch(r"(\d+)(?:\[([\d,:-]+)\])?", word)
        if not match:
            session.complain(f"{word}: Illegal job ID.")
            continue
        if match[2]:
            for part in match[2].split(","):
                first, _, last = part.partition("-")
                found += [(f"{match[1]}[{i}]", int(match[1]), i) for i in range(int(first), int(last or first) + 1)]
        else:
            found.append((match[1], int(match[1]), None))
    return found


def rows_of(c, seq, index):
    if index is None:
        return c.jobs("seq = ? AND idx IS NOT -1 AND json_extract(rest, '$.cleaned') IS NULL", seq)
    return c.jobs("seq = ? AND idx = ? AND json_extract(rest, '$.cleaned') IS NULL", seq, index)


def named(jobs, pattern):
    """Jobs whose name is like a pattern of -J: * is any text, / means all, arr[2] is a member."""
    if pattern == "/":
        return jobs
    match = re.fullmatch(r"(.*)\[(\d+)\]", pattern)
    if match:
        return [j for j in jobs if j["idx"] == int(match[2]) and fnmatch.fnmatchcase(j["name"], match[1].replace("[", "[[]"))]
    return [j for j in jobs if fnmatch.fnmatchcase(j["name"], pattern.replace("?", "[?]"))]


def in_order(jobs):
    """Started ones by their start, then what waits, then what has ended by its end."""
    rank = {"running": 0, "suspended": 0, "ending": 0, "ended": 2}
    return sorted(jobs, key=lambda j: (rank.get(j["state"], 1), j.get("order") or j.get("started") or 0, j["seq"], j["idx"] or 0)
                  if rank.get(j["state"], 1) != 1 else (1, j["seq"], j["idx"] or 0, 0))


def bjobs(session, arguments):
    c = session.cluster
    long = {"o": True, "json": False, "noheader": False, "UF": False, "X": False, "sum": False, "app": True, "hms": False,
            "pend": False, "script": False, "aff": False, "cname": False, "rusage": True, "env": False}
    short = "hVwladpsrAm:q:u:P:N:J:" + ("Wxg:G:X" if session.flavour == "modern" else "")
    given, words = split_options(session, arguments, short, long)
    flags, values = {o for o, _ in given}, dict(given)
    if "-h" in flags:
        raise Refusal(reports.USAGE["bjobs"])
    session.connect()
    if "fail" in session.faults:
        raise Refusal(session.faults["fail"] or "Failed in an LSF library call: Communication time out", 255)
    c.wait_while_frozen()
    ids = parse_ids(session, words)
    missing = []
    with c:
        if words:
            jobs = []
            for label, seq, index in ids:
                if seq == 0:
                    jobs += c.jobs("state != 'ended' AND idx IS NOT -1")
                    continue
                rows = rows_of(c, seq, index)
                jobs += rows
                if not rows:
                    missing.append(label)
        else:
            jobs = c.jobs("idx IS NOT -1 AND json_extract(rest, '$.cleaned') IS NULL")
            if "-d" in flags:
                jobs = [j for j in jobs if j["state"] == "ended"]
            elif "-a" not in flags:
                jobs = [j for j in jobs if j["state"] != "ended"]
            if "-p" in flags:
                jobs = [j for j in jobs if j["state"] in ("queued", "held", "waiting")]
            if "-r" in flags:
                jobs = [j for j in jobs if j["state"] == "running"]
            who = values.get("-u", user())
            if who != "all":
                jobs = [j for j in jobs if j["owner"] == who]
            if "-q" in values:
                if values["-q"] not in c.setting("queues").split(","):
                    raise Refusal(f"{values['-q']}: No such queue", 254)
                jobs = [j for j in jobs if j["queue"] == values["-q"]]
            if "-P" in values:
                jobs = [j for j in jobs if j["project"] == values["-P"]]
                if not jobs:
                    raise Refusal(f"No job found in project {values['-P']}")
            if "-J" in values:
                jobs = named(jobs, values["-J"])
                if not jobs and "-json" not in flags:
                    raise Refusal(f"Job <{values['-J']}> is not found", 254)
        arrays = c.jobs("idx = -1") if "-A" in flags else []
        node, server = c.setting("node"), c
        jobs = session.faults.shortened(jobs)
        if not ("-J" in values):
            jobs = in_order(jobs)
        if "-A" in flags:
            numbers = {seq for _, seq, _ in ids}
            arrays = [a for a in arrays if not numbers or a["seq"] in numbers]
            print(reports.arrays(c, arrays), end="")
            return
        if "-json" in flags:
            print(reports.document(c, jobs, missing, values.get("-o", "jobid stat"), node))
            if missing or session.code:
                session.code = 255
            return
        if jobs:
            if "-o" in values:
                print(reports.columns(c, jobs, values["-o"], "-noheader" not in flags, node), end="")
            elif "-l" in flags:
                print(reports.long(server, jobs, node, "-UF" in flags), end="")
            elif "-p" in flags and session.flavour == "old":
                print(reports.pending(server, jobs), end="")
            else:
                print(reports.table(jobs, "-w" in flags or "-W" in flags, node, "-noheader" not in flags), end="")
    for label in missing:
        session.complain(f"Job <{label}> is not found")
    if not jobs and not words:
        raise Refusal("No job found" if "-a" in flags else "No unfinished job found", 254)


def chosen(session, given, words):
    """Rows for bkill, bstop and bresume: by id, by -J, or all with 0. In a transaction."""
    c, values = session.cluster, dict(given)
    pattern = values.get("-J")
    if not words and pattern is None and not any(o in values for o in ("-m", "-u", "-q")):
        raise Refusal(f"Job ID or one of '-m', '-u' '-q' and '-J' must be specified.\n{reports.USAGE['bkill']}")
    if pattern is not None or words == ["0"] or not words:
        jobs = c.jobs("idx IS NOT -1 AND json_extract(rest, '$.cleaned') IS NULL")
        jobs = [j for j in jobs if user() in (j["owner"], "root")]
        if pattern is not None:
            jobs = named(jobs, pattern)
            if not jobs:
                raise Refusal(f"Job <{pattern}> is not found")
        else:
            jobs = [j for j in jobs if j["state"] != "ended"]
        return [(reports.label(j), [j]) for j in in_order(jobs)]
    return [(label, rows_of(c, seq, index)) for label, seq, index in parse_ids(session, words)]


def control_command(kind, said):
    def command(session, arguments):
        given, words = split_options(session, arguments, "hVlm:q:u:rs:J:" + ("g:a:C:" if session.flavour == "modern" else ""),
                                     {"app": True, "stat": True} if session.flavour == "modern" else {})
        if ("-h", "") in given:
            raise Refusal(reports.USAGE["bkill"])
        session.connect(255)
        session.cluster.wait_while_frozen()
        with session.cluster as c:
            for label, rows in chosen(session, given, words):
                if not rows:
                    session.complain(f"Job <{label}>: No matching job found")
                elif user() not in (rows[0]["owner"], "root"):
                    session.complain(f"Job <{label}>: User permission denied")
                elif all(r["state"] == "ended" or r.get("verdict") for r in rows):
                    session.complain(f"Job <{label}>: Job has already finished")
                else:
                    for row in rows:
                        act(c, kind, row, dict(given))
                    if len(rows) > 1 and kind == "kill" and session.flavour == "old":
                        # All of an array at once goes on behind the scenes.
                        session.complain(f"Job <{label}>: Operation is in progress")
                    else:
                        print(f"Job <{label}> is being {said}", flush=True)
        pretend.after(session.faults)
        pretend.start_keeper(session.cluster, NAME)

    return command


def act(c, kind, job, values):
    now, delay = time.time(), c.setting("kill_delay")
    if job["state"] == "ended":
        return
    if kind == "kill":
        job["events"].append([now, f"Signal <{values.get('-s', 'KILL')}> requested by user or administrator <{user()}>"])
        if "-s" in values and values["-s"] not in ("KILL", "9"):
            word = values["-s"].removeprefix("SIG")
            number = int(word) if word.isdigit() else signal.Signals[f"SIG{word}"].value
            job["signals"] = [*job.get("signals", []), (now, number)]
        elif job["state"] in ("queued", "held", "waiting"):
            job.update(state="ended", verdict="EXIT", code=None, finished=now, order=now, deleted=user(),
                       reason="" if c.setting("flavour") == "old" else "TERM_OWNER: job killed by owner")
        elif "-s" in values:
            job["signals"] = [(now, signal.SIGKILL)]
            job["deleted"] = user()
        elif not job.get("deleted"):
            job["deleted"] = user()
            job["signals"] = [(now, signal.SIGCONT), (now, signal.SIGINT), (now + delay, signal.SIGTERM),
                              (now + 2 * delay, signal.SIGKILL)]
            if job["state"] == "suspended":
                job["state"] = "running"
            if "-r" in values:
                job.update(state="ended", verdict="EXIT", code=None, finished=now, order=now)
    elif kind == "stop":
        if job["state"] in ("queued", "waiting"):
            job["state"] = "held"
        elif job["state"] == "running":
            job["state"] = "suspended"
            pretend.signal_session(job["pid"], signal.SIGSTOP)
    elif job["state"] == "held":
        job["state"] = "waiting" if job.get("begin", 0) > now else "queued"
    elif job["state"] == "suspended":
        job["state"] = "running"
        pretend.signal_session(job["pid"], signal.SIGCONT)
    c.put(job)


def bhist(session, arguments):
    """Reads the event log: works without mbatchd, and knows what bjobs has forgotten."""
    given, words = split_options(session, arguments, "hVlbwadeprstf:n:C:S:D:N:P:q:m:J:u:T:" + ("W" if session.flavour == "modern" else ""),
                                 {"UF": False, "hms": False})
    flags, values = {o for o, _ in given}, dict(given)
    pretend.before(session.faults)
    if "-h" in flags:
        raise Refusal(reports.USAGE["bhist"])
    if "fail" in session.faults:
        raise Refusal(session.faults["fail"] or "lsb.events: Permission denied")
    with session.cluster as c:
        jobs = []
        if words:
            for _, seq, index in parse_ids(session, words):
                jobs += c.jobs("seq = ? AND idx IS NOT -1 AND (? IS NULL OR idx = ?)", seq, index, index)
        else:
            jobs = [j for j in c.jobs("idx IS NOT -1") if "-a" in flags or j["state"] != "ended"]
            if "-J" in values:
                jobs = named(jobs, values["-J"])
        if not jobs:
            raise Refusal("No matching job found", 255, out=True)
        print(reports.history(c, jobs, "-l" in flags), end="")


def lsid(session, _):
    pretend.before(session.faults)
    if "down" in session.faults:
        print(reports.version(session.flavour), end="\n\n")
        raise Refusal("ls_getclustername(): LIM is down; try later")
    print(f"{reports.version(session.flavour)}\n\nMy cluster name is {reports.cluster(session.flavour)}\nMy master name is {reports.HOST}")


def information(show):
    def command(session, arguments):
        session.connect()
        session.cluster.wait_while_frozen()
        with session.cluster as c:
            print(show(c, arguments), end="")

    return command


RUN = {"bsub": bsub, "bjobs": bjobs, "bkill": control_command("kill", "terminated"),
       "bstop": control_command("stop", "stopped"), "bresume": control_command("resume", "resumed"), "bhist": bhist,
       "lsid": lsid, "bqueues": information(reports.queues), "bhosts": information(reports.hosts),
       "busers": information(reports.users), "bparams": information(reports.parameters)}


def main():
    command = os.path.basename(sys.argv[0])
    if sys.argv[1:2] == ["--keeper"]:
        Sbatchd(Cluster(sys.argv[3], DEFAULTS)).run()
        return 0
    if command not in RUN:
        return pretend.control(sys.modules[__name__], sys.argv[1:])
    asks_version = sys.argv[1:2] == ["-V"]
    session = Session(command, asks_version)
    session.log(sys.argv[1:])
    try:
        if asks_version:
            pretend.before(session.faults)
            print(reports.version(session.flavour), file=sys.stderr)
            return 0
        RUN[command](session, sys.argv[1:])
    except Refusal as refusal:
        sys.stdout.flush()
        print(refusal.text, file=sys.stdout if refusal.out else sys.stderr)
        return refusal.code
    except BrokenPipeError:
        os._exit(0)
    return session.code
