"""The commands of OpenPBS, pretended: qsub, qstat, qdel, qselect, qhold, qrls, qsig, qrerun, pbsnodes.

They print what OpenPBS 23.06 was seen to print and keep its quirks. With `flavour` "openpbs-23" qstat's JSON is that of the
released client, otherwise that of its successor; with "torque" there is no JSON, arrays are made with -t, and finished
jobs are listed as C for keep_completed seconds. Called by one of those names, with the folder of the cluster in
FAKE_PBS_DIR."""

import getopt
import json
import os
import pwd
import re
import signal
import sys
import time
from pathlib import Path

import pretend
import listing
from pretend import Cluster, Job, Keeper, user

NAME = "pbs"
COMMANDS = str(Path(__file__).resolve().parent / "bin")
VARIABLE = "FAKE_PBS_DIR"
SERVER = listing.SERVER
DEFAULTS = {
    "flavour": "openpbs", "slots": 4, "history": True, "max_array": 10000, "max_queued": 0, "max_queued_server": 0,
    "max_walltime": 0, "queues": "workq", "enabled": True, "started": True, "kill_delay": 5.0, "walltime_lag": 0.0,
    "stageout_wait": 30.0, "ncpus": 8, "gpus": False, "keep_completed": 300.0, "others": True,
    "server": "up", "node": "up", "keeper": None,
}
KNOWN = "ncpus mem walltime select place nodes nodect vmem pmem pvmem cput pcput mpiprocs ompthreads host vnode arch file nice software ppn procs"
QSUB_USAGE = """usage: qsub [-a date_time] [-A account_string] [-c interval]
	[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
	[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
	[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
	[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
	[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]
       qsub --version"""
QSTAT_USAGE = """usage: 
qstat [-f] [-J] [-p] [-t] [-x] [-E] [-F format | -w] [-D delim] [ job_identifier... | destination... ]
qstat [-a|-i|-r|-H|-T] [-J] [-t] [-u user] [-n] [-s] [-G|-M] [-1] [-w]
	[ job_identifier... | destination... ]
qstat -Q [-f] [-F format] [-D delim] [ destination... ]
qstat -q [-G|-M] [ destination... ]
qstat -B [-f] [-F format] [-D delim] [ server_name... ]
qstat --version"""
QSELECT_USAGE = """usage: qselect [-a [op]date_time] [-A account_string] [-c [op]interval]
	[-h hold_list] [-H] [-J] [-l resource_list] [-N name] [-p [op]priority]
	[-q destination] [-r y|n] [-s states] [-t subopt[op]date_time] [-T] [-P project_name]
	[-x] [-u user_name]
       qselect --version"""


class Refusal(Exception):
    """What a command says on standard error, and its exit code."""

    def __init__(self, text, code):
        super().__init__(text)
        self.text, self.code = text, code


def jump(cluster):
    """After a crash the server goes on with the next multiple of 1000."""
    cluster.set("next", ((cluster.setting("next") or 0) // 1000 + 1) * 1000)


def expire(cluster):
    cluster.db.execute("DELETE FROM job WHERE state = 'ended' AND (parent IS NULL OR parent IN "
                       "(SELECT key FROM job WHERE state = 'ended'))")


def thawed(_):
    """Who waited for the server goes on by itself, and what was killed meanwhile had sent nothing."""


def settled(cluster):
    """After a change of settings. Without a history what it held is gone."""
    if not cluster.setting("history"):
        expire(cluster)


# The server


class Mom(Keeper):
    def prepare(self, job):
        c = self.cluster
        home = dict(job["variables"])["PBS_O_HOME"]
        home = home if os.path.isdir(home) else pwd.getpwuid(os.geteuid()).pw_dir
        shell = job.get("shell") or pwd.getpwuid(os.geteuid()).pw_shell or "/bin/sh"
        full = listing.full(job["key"])
        environment = {
            "HOME": home, "LOGNAME": job["owner"], "USER": job["owner"], "SHELL": shell, "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            **dict(job["variables"]), **job.get("exported", {}), "PBS_O_QUEUE": job["queue"], "PBS_O_HOST": "localhost",
            "PBS_JOBNAME": job["name"], "PBS_JOBID": full, "PBS_QUEUE": job["queue"], "PBS_NODENUM": "0",
            "PBS_TASKNUM": "1", "PBS_MOMPORT": "15003", "PBS_NODEFILE": str(c.spool / f"{full}.nodes"), "PBS_JOBDIR": home,
            "PBS_ENVIRONMENT": "PBS_BATCH", "PBS_JOBCOOKIE": os.urandom(16).hex().upper(), "NCPUS": str(job["cpus"]),
        }
        Path(environment["PBS_NODEFILE"]).write_text(f"{SERVER}\n" * job["cpus"], encoding="utf-8")
        if job["parent"]:
            environment |= {"PBS_ARRAY_INDEX": str(job["idx"]), "PBS_ARRAY_ID": listing.full(job["parent"])}
            if c.setting("flavour") == "torque":
                environment["PBS_ARRAYID"] = str(job["idx"])
        script = c.spool / f"{full}.SC"
        if job.get("command"):
            arguments = job["command"]
            if not os.access(arguments[0], os.X_OK):
                # What pbs_mom's exec of a program that is not there amounts to.
                arguments = ["/bin/sh", "-c", f"echo '{arguments[0]}: No such file or directory' >&2; exit 254"]
        else:
            script.write_bytes((c.spool / f"{job['seq']}.script").read_bytes())
            script.chmod(0o700)
            # The login shell is told the script's name and stays: what ends the script by a signal makes 128 + N.
            arguments = [shell, "-c", '"$0"; exit $?', str(script)]
        out, err = self.spooled(job)
        return arguments, environment, home, None, out, err

    def spooled(self, job):
        """Where output goes while the job runs: to its destination at once with -k doe, else to the spool."""
        full = listing.full(job["key"])
        job["umask"] = job.get("umask", 0o077)
        if "d" in job.get("keep", ""):
            out, err = listing.destination(job, "o"), listing.destination(job, "e")
        else:
            out, err = str(self.cluster.spool / f"{full}.OU"), str(self.cluster.spool / f"{full}.ER")
        return {"oe": (out, out), "eo": (err, err)}.get(job.get("join", "n"), (out, err))

    def deliver(self, job):
        """Whether all output has reached its destination."""
        if "d" in job.get("keep", ""):
            return True
        done = True
        full = listing.full(job["key"])
        for kind, suffix in (("o", "OU"), ("e", "ER")):
            source, target = self.cluster.spool / f"{full}.{suffix}", listing.destination(job, kind)
            if not source.exists():
                continue
            try:
                if target != "/dev/null":
                    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 & ~job["umask"])
                    with os.fdopen(fd, "wb") as f:
                        f.write(source.read_bytes())
                source.unlink()
            except OSError:
                done = False
        return done

    def ended(self, job, status):
        c = self.cluster
        if "status" not in job:
            faults = c_faults_of_run(c)
            if status is None:
                job["status"] = None
            elif job.get("over"):
                job["status"] = -29
            elif os.WIFSIGNALED(status):
                job["status"] = 256 + os.WTERMSIG(status)
            else:
                job["status"] = os.WEXITSTATUS(status)
            if "status" in faults:
                job["status"] = int(faults["status"])
                c.note_fired("run", "status")
            job["finished"] = pretend.now()
        if c.setting("server") != "up" or c.setting("node") != "up":
            return pretend.now() + 0.1  # the execution daemon tells it when both are back
        delivered = self.deliver(job)
        if not delivered and pretend.now() < job["finished"] + c.setting("stageout_wait"):
            return pretend.now() + 0.2
        job["stageout"] = 1 if delivered else 0
        job["state"] = "ended"
        for path in c.spool.glob(re.sub(r"([\[\]])", r"[\1]", listing.full(job["key"])) + ".*"):
            path.unlink(missing_ok=True)
        if not c.setting("history"):
            if job["parent"]:
                job["purged"] = True
            else:
                c.drop(job["key"])
                (c.spool / f"{job['seq']}.script").unlink(missing_ok=True)
                job["gone"] = True
        return None

    def settle(self, job, status):
        super().settle(job, status)
        if job.get("gone"):
            self.cluster.drop(job["key"])

    def overdue(self, job):
        elapsed = int(pretend.now() - job["started"])
        try:
            with open(self.spooled(job)[1], "ab") as f:
                f.write(f"=>> PBS: job killed: walltime {elapsed} exceeded limit {job['walltime']}\n".encode())
        except OSError:
            pass
        job["signals"] = [(pretend.now(), signal.SIGTERM), (pretend.now() + self.cluster.setting("kill_delay"), signal.SIGKILL)]

    def members_changed(self, key):
        c, array = self.cluster, self.cluster.job(key)
        if not array:
            return
        states = dict(c.db.execute("SELECT state, count(*) FROM job WHERE parent = ? GROUP BY state", (key,)).fetchall())
        if any(state in states for state in ("running", "ending", "ended")) and not array.get("began"):
            array["began"] = pretend.now()
        if set(states) <= {"ended"}:
            members = c.jobs("parent = ?", key)
            array.update(state="ended", finished=pretend.now(), stageout=1)
            if array.get("began"):
                array["status"] = 1 if any(m.get("status") != 0 for m in members) else 0
            if not c.setting("history"):
                c.drop(key)
                return
        elif array["state"] != "ended":
            array["state"] = "held" if set(states) == {"held"} else "queued" if not array.get("began") else "running"
        c.put(array)

    def blocked(self, job):
        """afterok and its like, for jobs of this server that are known."""
        after = job.get("depend")
        if not after:
            return False
        kind, ids = after
        for key in ids:
            other = self.cluster.job(key)
            if other and other["state"] != "ended":
                return True
            failed = not other or other.get("status") != 0
            if (kind == "afterok" and failed) or (kind == "afternotok" and other and not failed):
                # Finished without an exit status.
                job.update(state="ended", finished=pretend.now(), system_hold=True)
                self.cluster.put(job)
                return True
        return False


def c_faults_of_run(cluster):
    """Faults of jobs' ends (`run status 0`); their use is not counted, since this happens within a transaction."""
    found = {}
    path = cluster.folder / "faults"
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) >= 2 and words[0] == "run":
                found[words[1]] = " ".join(words[2:])
    return found


# Commands


class Session:
    """One call of a command."""

    def __init__(self, command, asks_version=False):
        self.command = command
        configuration = os.environ.get("PBS_CONF_FILE")
        if configuration and not os.path.exists(configuration):
            print("pbsconf error: pbs conf variables not found: PBS_HOME PBS_EXEC PBS_SERVER \nNo such file or directory\n"
                  f"{command}: cannot connect to server  (errno=0)", file=sys.stderr)
            sys.exit(255 if command == "qstat" else 1)
        folder = os.environ.get(VARIABLE)
        if not folder or not os.path.isdir(folder):
            print(f"{command}: {VARIABLE} names no folder", file=sys.stderr)
            sys.exit(1)
        self.cluster = Cluster(folder, DEFAULTS)
        self.faults = self.cluster.faults(command, is_counted=not asks_version)
        self.flavour = self.cluster.setting("flavour")
        self.code = 0

    def log(self, arguments):
        with open(self.cluster.folder / "calls", "a", encoding="utf-8") as f:
            f.write(json.dumps([round(time.time(), 3), self.command, *arguments]) + "\n")

    def connect(self, json_too=False):
        """Ends the command as it ends when the server cannot be reached."""
        pretend.before(self.faults)
        if "noise" in self.faults:
            print(self.faults["noise"] or "Warning: this system will be down for maintenance on Monday")
        named = os.environ.get("PBS_SERVER", SERVER)
        problem = None
        if named != SERVER:
            problem, number = "Unknown Host.", 15008
        elif "down" in self.faults or self.cluster.setting("server") == "down":
            problem, number = "Connection refused", 15010
        if problem:
            if json_too:
                print(listing.document(self.flavour, {}), end="" if self.flavour == "openpbs-23" else "\n")
            sys.stdout.flush()
            print(problem, file=sys.stderr)
            if self.command == "qdel":
                print(f"Couldn't connect to cluster: {named}", file=sys.stderr)
            else:
                print(f"{self.command}: cannot connect to server {named} (errno={number})", file=sys.stderr)
            sys.exit(255 if self.command == "qstat" else number & 255)
        self.cluster.wait_while_frozen()

    def complain(self, text, code):
        sys.stdout.flush()
        print(f"{self.command}: {text}", file=sys.stderr)
        self.code = code

    def key(self, word):
        """The key of a job's name; raises when it is not one of this server."""
        match = re.fullmatch(r"(\d+)(\[[\d,-]*\])?(?:\.([\w-]+))?", word)
        if not match:
            raise Refusal(f"illegally formed job identifier: {word}", 1)
        if match[3] and match[3] != SERVER:
            raise Refusal(f"illegally formed job identifier: {word}", 1)
        return match[1] + (match[2] or "")

    def options(self, arguments, short, usage):
        try:
            return getopt.getopt(arguments, short)
        except getopt.GetoptError as error:
            print(f"{self.command}: invalid option -- '{error.opt[:1]}'\n{usage}", file=sys.stderr)
            sys.exit(2)


def qsub(session, arguments):
    c = session.cluster
    torque = session.flavour == "torque"
    short = "a:A:b:c:C:d:D:e:fhIj:J:k:K:l:m:M:N:o:p:P:q:r:R:S:t:T:u:v:VW:w:xXz"
    operands, command = list(arguments), None
    if "--" in operands:
        at = operands.index("--")
        operands, command = operands[:at], operands[at + 1 :]
    given, rest = session.options(operands, short, QSUB_USAGE)
    if command is not None and not command or len(rest) > (0 if command else 1):
        raise Refusal(QSUB_USAGE, 2)
    script = None
    if not command:
        if rest and rest[0] != "-":
            if not os.path.exists(rest[0]):
                raise Refusal("qsub: script file:: No such file or directory", 1)
            if not os.path.isfile(rest[0]):
                raise Refusal("qsub: script not a file", 1)
            script = Path(rest[0]).read_bytes()
        else:
            script = sys.stdin.buffer.read()
    prefix = dict(given).get("-C", os.environ.get("PBS_DPREFIX", "#PBS"))
    directives = []
    for line in (script or b"").decode(errors="surrogateescape").splitlines():
        if prefix and line.startswith(prefix) and line[len(prefix) : len(prefix) + 1] in (" ", "\t"):
            import shlex

            directives += getopt.getopt(shlex.split(line[len(prefix) :]), short)[0]
        elif line.strip() and not line.startswith(("#", ":")):
            break
    name = os.path.basename(rest[0])[:15] if rest and rest[0] != "-" else "STDIN"
    job = Job(name=name, cpus=1, queue=c.setting("queues").split(",")[0], resources={}, select=None, hold=False, priority=0,
              project="_pbs_project_default", rerunable=True, arguments=" ".join(arguments), variables=[], quiet=False,
              keep="", join="n", mail="a", owner=user(), script=bool(script), command=command, numbered=torque)
    seen, variables, every = set(), None, False
    for number, (option, value) in enumerate(given + directives):
        if number >= len(given) and option in seen and option not in "-l-W-v":
            continue
        seen |= {option} if number < len(given) else set()
        match option:
            case "-N":
                if not re.fullmatch(r"[\x21-\x7e]+", value) or re.search(r"[/:\[\]\\'\"*?|<>&;()@,%$!]", value):
                    raise Refusal(f"qsub: illegal -N value\n{QSUB_USAGE}", 2)
                if len(value) > 230:
                    raise Refusal("qsub: Job name is too long ", 2)
                job["name"] = value
            case "-J" | "-t":
                if torque != (option == "-t"):
                    raise Refusal(f"qsub: invalid option -- '{option[1]}'\n{QSUB_USAGE}", 2)
                job["indices"] = indices(value, torque)
                job["range"] = value.partition("%")[0]
                job["throttle"] = int(value.partition("%")[2] or 0)
            case "-p":
                if not re.fullmatch(r"-?\d+", value) or not -1024 <= int(value) <= 1023:
                    raise Refusal(f"qsub: illegal -p value\n{QSUB_USAGE}", 2)
                job["priority"] = int(value)
            case "-a":
                job["begin"] = moment(value)
            case "-l":
                resources(session, job, value)
            case "-P":
                if re.search("[/:]", value):
                    raise Refusal("qsub: Illegal attribute or resource value project", 166)
                job["project"] = value
            case "-W":
                extra(session, job, value)
            case "-q":
                job["queue"] = value
            case "-v":
                variables = value if variables is None else f"{variables},{value}"
            case "-V":
                every = True
            case "-u" if value.split("@")[0] not in [p.pw_name for p in pwd.getpwall()]:
                raise Refusal("qsub: Bad UID for job execution", 175)
            case "-r":
                job["rerunable"] = value != "n"
            case "-I":
                raise Refusal("qsub: standard input and output must be a terminal for interactive job submission", 1)
            case "-h" | "-z" | "-o" | "-e" | "-j" | "-k" | "-m" | "-A" | "-S":
                names = {"-h": "hold", "-z": "quiet", "-o": "output", "-e": "errors", "-j": "join", "-k": "keep", "-m": "mail",
                         "-A": "account", "-S": "shell"}
                job[names[option]] = True if option in ("-h", "-z") else value
    session.connect()
    environment(job, variables, every)
    with c:
        check_site(session, job)
        seq = c.next_number(0) if "reuse-id" not in session.faults else c.reused(session.faults)
        key = f"{seq}[]" if "indices" in job else str(seq)
        state = "held" if job.pop("hold") else "waiting" if job.get("begin", 0) > time.time() else "queued"
        job.update(seq=seq, state=state, key=key, created=time.time(), modified=time.time(), cwd=os.getcwd(), queued=time.time())
        job["held"] = "u" if state == "held" else "n"
        if "forget" not in session.faults:
            if "indices" in job:
                members = job.pop("indices")
                array = Job(job, idx=-1, parent=None, size=len(members))
                rest = Job((k, v) for k, v in job.items() if k not in ("throttle", "range"))
                c.put(array, *(Job(rest, key=f"{seq}[{i}]", idx=i, parent=key) for i in members))
            else:
                c.put(Job(job, idx=None, parent=None))
            if script is not None:
                (c.spool / f"{seq}.script").write_bytes(script)
    pretend.start_keeper(c, NAME)
    pretend.after(session.faults)
    if "lose-answer" in session.faults:
        print("qsub: End of File", file=sys.stderr)
        sys.exit(15031 & 255)
    if not job["quiet"]:
        print(listing.full(key), flush=True)
    if job.get("block"):
        while True:
            with c:
                found = c.job(key)
            if not found or found["state"] == "ended":
                sys.exit((found or {}).get("status") or 0)
            time.sleep(0.05)


def indices(text, torque):
    match = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?(%\d+)?", text)
    if torque:
        if not re.fullmatch(r"[\d,-]+(%\d+)?", text):
            raise Refusal("qsub: submit error (Bad Job Array Request)", 1)
        found = []
        for part in text.partition("%")[0].split(","):
            first, _, last = part.partition("-")
            found += range(int(first), int(last or first) + 1)
        return found
    if not match or int(match[2]) <= int(match[1]):
        raise Refusal(f"qsub: illegal -J value\n{QSUB_USAGE}", 2)
    return list(range(int(match[1]), int(match[2]) + 1, int(match[3] or 1)))


def moment(text):
    if not re.fullmatch(r"\d{4}(\d\d){0,4}(\.\d\d)?", text):
        raise Refusal(f"qsub: illegal -a value\n{QSUB_USAGE}", 2)
    digits = text.partition(".")[0]
    today = time.strftime("%Y%m%d")
    return time.mktime(time.strptime(today[: 12 - len(digits)] + digits if len(digits) < 12 else digits, "%Y%m%d%H%M"))


def seconds(text):
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text):
        return None
    total = 0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return int(total)


def resources(session, job, value):
    known = KNOWN.split() + (["ngpus"] if session.cluster.setting("gpus") else [])
    for word in value.split(",") if not value.startswith(("select=", "nodes=")) else [value]:
        name, _, amount = word.partition("=")
        bad = Refusal(f"qsub: Illegal attribute or resource value Resource_List.{name}", 166)
        if name not in known:
            raise Refusal(f"qsub: Unknown resource Resource_List.{name}", 187)
        if name in ("select", "nodes"):
            amount, _, more = amount.partition(",")
            if more:
                resources(session, job, more)
            chunks = []
            for chunk in amount.split("+"):
                parts = chunk.split(":")
                count = int(parts[0]) if parts[0].isdigit() else 1
                of = dict(p.partition("=")[::2] for p in (parts[1:] if parts[0].isdigit() else parts))
                for part in of:
                    if part not in known and name == "select":
                        raise Refusal(f"qsub: Unknown resource: {part}", 187)
                chunks.append((count, int(of.get("ncpus", of.get("ppn", 1))), of.get("mem")))
            if any(m and not re.fullmatch(r"\d+(b|w|[kmgt][bw]?)?", m, re.I) for _, _, m in chunks):
                raise Refusal("qsub: Illegal attribute or resource value Resource_List.select", 166)
            job["cpus"] = sum(n * cpus for n, cpus, _ in chunks)
            job["nodes"] = sum(n for n, _, _ in chunks)
            job["select"] = amount if name == "select" else "+".join(f"{n}:ncpus={k}" for n, k, _ in chunks)
            if name == "nodes":
                job["resources"]["nodes"] = amount
        elif name in ("walltime", "cput", "pcput"):
            if seconds(amount) is None:
                raise bad
            if name == "walltime":
                job["walltime"] = seconds(amount)
            total = seconds(amount)
            job["resources"][name] = f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"
        elif name == "ncpus":
            if not amount.isdigit():
                raise bad
            job["cpus"] = int(amount)
        elif name in ("mem", "vmem", "pmem", "pvmem", "file"):
            if not re.fullmatch(r"\d+(b|w|[kmgt][bw]?)?", amount, re.I):
                raise bad
            job["resources"][name] = amount
        else:
            job["resources"][name] = amount


def extra(session, job, value):
    name, _, amount = value.partition("=")
    if name == "block":
        job["block"] = amount == "true"
    elif name == "umask":
        job["umask"] = int(amount, 8)
    elif name == "depend":
        kind, _, ids = amount.partition(":")
        job["depend"] = (kind, [session.key(i) for i in ids.split(":")])
    elif name == "group_list":
        import grp

        if amount.split("@")[0] not in [g.gr_name for g in grp.getgrall()]:
            raise Refusal("qsub: Bad GID for job execution", 197)
    elif name == "comment":
        raise Refusal("qsub: Cannot set attribute, read only or insufficient permission  comment", 155)
    elif name not in ("sandbox", "stagein", "stageout", "run_count", "release_nodes_on_stageout", "tolerate_node_failures", "x"):
        raise Refusal("qsub: Error (15002) submitting job", 154)


def split_variables(text):
    """At commas outside of quotes."""
    return [part for part in re.findall(r"((?:\"[^\"]*\"|'[^']*'|[^,])*)(?:,|$)", text) if part]


def environment(job, variables, every):
    """-v and -V, with what the client makes of quotes and backslashes."""
    passed = dict(os.environ) if every else {}
    for part in split_variables(variables or ""):
        name, given, value = part.partition("=")
        if not given:
            if name not in os.environ:
                continue
            value = os.environ[name]
            if value.count('"') % 2:
                raise Refusal("qsub: cannot send environment with the job", 1)
            if '"' in value:
                value = value.replace('"', "\\") + f",PBS_O_QUEUE={job['queue']}"
            else:
                value = value.replace("\\", "\\\\")
        elif re.fullmatch(r"'.*'|\".*\"", value, re.S):
            value = value[1:-1]
        elif '"' in value:
            raise Refusal("qsub: cannot send environment with the job", 1)
        passed[name] = value
    passed = {k: v for k, v in passed.items() if not re.match(r"(PBS_(?!O_)|FAKE_PBS|SWEEPQ_FAKE)", k)}
    job["exported"] = passed
    job["variables"] = [
        ("PBS_O_HOME", os.environ.get("HOME", "/")), ("PBS_O_LANG", "C.UTF-8"), ("PBS_O_LOGNAME", user()),
        ("PBS_O_PATH", os.environ.get("PATH", "")), ("PBS_O_INTERACTIVE_AUTH_METHOD", "resvport"),
        ("PBS_O_INTERACTIVE_ENCRYPT_METHOD", ""), ("PBS_O_WORKDIR", os.getcwd()), ("PBS_O_SYSTEM", "Linux"), *passed.items(),
    ]


def check_site(session, job):
    """Refusals that are the server's. In a transaction."""
    c = session.cluster
    queue, _, host = job["queue"].partition("@")
    if host and host != SERVER:
        print(f"Unknown Host.\nqsub: cannot connect to server {SERVER} (errno=15008)", file=sys.stderr)
        sys.exit(160)
    if queue not in c.setting("queues").split(","):
        raise Refusal("qsub: Unknown queue", 170)
    if not c.setting("enabled") or "disabled" in session.faults:
        raise Refusal("qsub: Queue is not enabled", 173)
    if len(job.get("indices", ())) > c.setting("max_array") or max(job.get("indices", [0])) > c.setting("max_array"):
        raise Refusal("qsub: Array job exceeds server or queue size limit", 3)
    if c.setting("max_walltime") and job.get("walltime", 0) > c.setting("max_walltime"):
        raise Refusal("qsub: Job violates queue and/or server resource limits", 188)
    known = c.count("idx IS NOT -1 AND state != 'ended'") + len(job.get("indices", "1"))
    if "quota" in session.faults or (c.setting("max_queued") and known > c.setting("max_queued")):
        raise Refusal("qsub: would exceed queue generic's per-user limit", 38)
    if c.setting("max_queued_server") and known > c.setting("max_queued_server"):
        raise Refusal("qsub: would exceed complex's per-user limit", 38)
    if not job["rerunable"] and "indices" in job and session.flavour != "torque":
        raise Refusal("qsub: Cannot set attribute, array jobs must be rerunable  r", 15182 & 255)


def visible(job, history, now=None):
    return history or job["state"] != "ended"


def find(session, word, history):
    """The rows that a name stands for. In a transaction; raises what the server says."""
    c, key = session.cluster, session.key(word)
    job = c.job(key)
    name = listing.full(key)
    array = c.job(f"{job['seq']}[]") if job and job["parent"] else None
    live = job and (job["state"] != "ended" or (array and array["state"] != "ended"))
    if session.flavour == "torque":
        if not job:
            raise Refusal(f"Unknown Job Id Error {name}", 153)
    elif history and not c.setting("history"):
        raise Refusal(f"PBS is not configured to maintain job history {name}", 0)
    elif not job and not history and re.search(r"\[\d+\]", key) and c.job(re.sub(r"\[.*", "[]", key)):
        raise Refusal(f"{name} Job has finished, use -x or -H to obtain historical job information", 35)
    elif not job:
        raise Refusal(f"Unknown Job Id {name}", 153)
    elif not history and not live:
        raise Refusal(f"{name} Job has finished, use -x or -H to obtain historical job information", 35)
    return job


def qstat(session, arguments):
    c = session.cluster
    given, words = session.options(arguments, "afiJprstTxEF:wD:HnGMu:1QqBl", QSTAT_USAGE)
    flags, values = {o for o, _ in given}, dict(given)
    form = values.get("-F", "text").lower()
    if "-f" in flags and flags & {"-a", "-i", "-r", "-H", "-T", "-u", "-n", "-s"} or (
        session.flavour == "torque" and flags & {"-F", "-J"}
    ):
        raise Refusal(f"qstat: conflicting options.\n{QSTAT_USAGE}", 2)
    session.connect(json_too="-f" in flags and form == "json")
    if "fail" in session.faults:
        raise Refusal(f"qstat: {session.faults['fail'] or 'End of File'}", 15031 & 255)
    if "empty" in session.faults:
        return
    if flags & {"-Q", "-B", "-q"}:
        with c:
            print(listing.server(c, "-f" in flags) if "-B" in flags else listing.queues(c, "-f" in flags), end="")
        return
    history = bool(flags & {"-x", "-H"}) and session.flavour != "torque"
    shown, troubles, first_failed = [], [], False
    with c:
        if not words:
            if history and not c.setting("history"):
                session.complain("PBS is not configured to maintain job history ", 0)
            history = history and c.setting("history")
            for job in c.jobs():
                array = job["parent"] and c.job(job["parent"])
                member_of_live = array and array["state"] != "ended"
                if job["idx"] not in (None, -1) and "-t" not in flags:
                    continue
                if job["state"] == "ended" and not history and not member_of_live and session.flavour != "torque":
                    continue
                if "-J" in flags and job["idx"] is None or ("-u" in values and job["owner"] not in values["-u"].split(",")):
                    continue
                shown.append(job)
        for word in words:
            if not word[:1].isdigit():
                if word.split("@")[0] in c.setting("queues").split(","):
                    shown += [j for j in c.jobs() if visible(j, history) and j["idx"] in (None, -1)]
                else:
                    troubles.append((f"Unknown queue destination {word}", 170))
                continue
            try:
                job = find(session, word, history)
                members = c.jobs("parent = ?", job["key"]) if job["idx"] == -1 and "-t" in flags else []
                shown += members if members and session.flavour == "torque" else [job, *members]
            except Refusal as refusal:
                troubles.append((refusal.text, refusal.code))
                first_failed = first_failed or not shown
        shown = session.faults.shortened(shown)
        arrays = {}
        for job in shown:
            if job["parent"] and job["parent"] not in arrays:
                arrays[job["parent"]] = c.job(job["parent"])
        records = [listing.attributes(c, job, arrays.get(job["parent"])) for job in shown]
    if "-f" in flags and form == "json":
        # The successor's client prints the first job of several ids only.
        chosen = records[:1] if session.flavour == "openpbs" and words and "-t" not in flags else records
        print(listing.document(session.flavour, chosen), end="" if session.flavour == "openpbs-23" else "\n")
    elif "-f" in flags:
        delimiter = values.get("-D", "|")
        for record in records:
            print(listing.dsv(record, delimiter) if form == "dsv" else listing.text(record, "-1" in flags or "-w" in flags))
    elif flags & {"-a", "-s", "-u", "-i", "-r", "-H", "-T", "-n"}:
        if records:
            print(listing.wide(records, "-s" in flags), end="")
    elif records:
        print(listing.table(records, not first_failed), end="")
    sys.stdout.flush()
    for text, code in troubles:
        session.complain(text, code)
    if "code" in session.faults:
        session.code = int(session.faults["code"])


def each(session, words, act):
    """Calls `act` with every id; what is wrong with one is said, and the rest is done."""
    session.connect()
    if not words:
        raise Refusal(f"usage: {session.command} job_identifier...", 2)
    for word in words:
        try:
            with session.cluster as c:
                act(c, session.key(word))
        except Refusal as refusal:
            session.complain(refusal.text, refusal.code)
    pretend.after(session.faults)
    pretend.start_keeper(session.cluster, NAME)


def one(session, c, key, finished):
    job = c.job(key)
    name = listing.full(key)
    if not job:
        raise Refusal(f"Unknown Job Id {name}" if session.flavour != "torque" else f"Unknown Job Id Error {name}", 153)
    if user() not in (job["owner"], "root"):
        raise Refusal(f"Unauthorized Request  {name}", 159)
    if job["state"] == "ended":
        array = job["parent"] and c.job(job["parent"])
        if array and array["state"] != "ended" and session.command == "qdel":
            raise Refusal(f"Request invalid for finished array subjob {name}", 55)
        if not c.setting("history"):
            raise Refusal(f"Unknown Job Id {name}", 153)
        raise Refusal(finished.format(name), 35)
    return job


def qdel(session, arguments):
    given, words = session.options(arguments, "W:xam:p", "usage:\tqdel [-W force|suppress_email=X] [-x] job_identifier...")
    force = ("-W", "force") in given or ("-p", "") in given
    session.connect()
    with session.cluster as c:
        # An unknown id behind two others of which the first is queued or held takes the server with it.
        jobs = [c.job(session.key(w)) for w in words]
        crash = (session.flavour != "torque" and len(words) > 2 and jobs[0] and jobs[0]["state"] in ("queued", "held", "waiting")
                 and None in jobs)
    if crash:
        each(session, [w for w, j in zip(words, jobs) if j], lambda c, key: delete(session, c, key, force))
        with session.cluster as c:
            c.set("server", "down")
        return

    def act(c, key):
        match = re.fullmatch(r"(\d+)\[(\d+)-(\d+)(?::(\d+))?\]", key)
        if match:
            for i in range(int(match[2]), int(match[3]) + 1, int(match[4] or 1)):
                if c.job(f"{match[1]}[{i}]"):
                    delete(session, c, f"{match[1]}[{i}]", force)
        elif ("-x", "") in given and (job := c.job(key)) and job["state"] == "ended":
            c.drop(key)
        else:
            delete(session, c, key, force)

    each(session, words, act)


def delete(session, c, key, force):
    job = one(session, c, key, "Job has finished {}")
    mom = Mom(c)
    now = time.time()
    who = f"{user()}@localhost"
    if job["idx"] == -1:
        for member in c.jobs("parent = ?", key):
            if member["state"] == "ended":
                member["purged"] = True  # what had ended by itself is known no more
                c.put(member)
            else:
                end_job(c, member, force, now, who)
        array = c.job(key)
        array.update(deleted=who)
        c.put(array)
        mom.members_changed(key)
    else:
        end_job(c, job, force, now, who)
        if job["parent"]:
            mom.members_changed(job["parent"])
    if not c.setting("history") and (job := c.job(key)) and job["state"] == "ended":
        c.drop(key)


def end_job(c, job, force, now, who):
    job["deleted"] = job.get("deleted") or who
    job["modified"] = now
    if job["state"] in ("queued", "held", "waiting"):
        job.update(state="ended", finished=now)
    elif job["state"] in ("running", "ending"):
        if c.setting("node") != "up":
            if not force:
                raise Refusal(f"Server could not connect to MOM {listing.full(job['key'])}", 222)
            job.update(state="ended", finished=now, forced=True)
        elif force:
            job["signals"] = [(now, signal.SIGKILL)]
        elif not job.get("signals"):
            job["signals"] = [(now, signal.SIGTERM), (now + c.setting("kill_delay"), signal.SIGKILL)]
    c.put(job)


def qselect(session, arguments):
    given, words = session.options(arguments, "a:A:c:h:HJl:N:p:q:r:s:t:TP:u:x", QSELECT_USAGE)
    values, flags = dict(given), {o for o, _ in given}
    if "-l" in values and not re.match(r"\w+\.(eq|ne|ge|gt|le|lt)\.", values["-l"]):
        raise Refusal(f"qselect: illegal -l value\nresource_list: {values['-l']}\n{QSELECT_USAGE}", 2)
    if words:
        raise Refusal(QSELECT_USAGE, 2)
    session.connect()
    if "fail" in session.faults:
        raise Refusal(f"qselect: {session.faults['fail'] or 'End of File'}", 15031 & 255)
    if "empty" in session.faults:
        return
    history = bool(flags & {"-x", "-H"}) and session.cluster.setting("history")
    with session.cluster as c:
        for job in c.jobs():
            member = job["idx"] not in (None, -1)
            # Torque lists members wherever it lists arrays.
            if member != ("-T" in flags or session.flavour == "torque") and job["idx"] is not None:
                continue
            state = listing.letter(job, None if not member else c.job(job["parent"]))
            if (
                (not history and job["state"] == "ended" and session.flavour != "torque")
                or ("-N" in values and values["-N"] != job["name"])
                or ("-u" in values and job["owner"] not in [u.partition("@")[0] for u in values["-u"].split(",")])
                or ("-s" in values and state not in values["-s"])
                or ("-P" in values and values["-P"] != job["project"])
                or ("-A" in values and values["-A"] != job.get("account"))
                or ("-q" in values and values["-q"] != job["queue"])
                or ("-J" in flags and job["idx"] != -1)
            ):
                continue
            print(listing.full(job["key"]))


def change(kind):
    def command(session, arguments):
        _, words = session.options(arguments, "h:", f"usage: {session.command} [-h hold_list] job_identifier...")

        def act(c, key):
            job = one(session, c, key, "Job has finished")
            if job["parent"]:
                raise Refusal(f"Request not allowed on array subjob  {listing.full(key)}", 15086 & 255)
            for row in [job, *c.jobs("parent = ?", key)]:
                if kind == "hold":
                    row["held"] = "u"
                    if row["state"] in ("queued", "waiting"):
                        row["state"] = "held"
                else:
                    row["held"] = "n"
                    if row["state"] == "held":
                        row["state"] = "waiting" if row.get("begin", 0) > time.time() else "queued"
                c.put(row)

        each(session, words, act)

    return command


def qsig(session, arguments):
    given, words = session.options(arguments, "s:", "usage: qsig [-s signal] job_identifier...")
    number = dict(given).get("-s", "TERM").removeprefix("SIG")
    number = int(number) if number.isdigit() else signal.Signals[f"SIG{number}"].value

    def act(c, key):
        job = one(session, c, key, "Job has finished")
        if job["state"] != "running":
            raise Refusal(f"Request invalid for state of job {listing.full(key)}", 15018 & 255)
        job["signals"] = [(time.time(), number), *job.get("signals", [])]
        c.put(job)

    each(session, words, act)


def qrerun(session, arguments):
    def act(c, key):
        job = one(session, c, key, "Job has finished")
        if not job["rerunable"]:
            raise Refusal(f"Job is not rerunnable {listing.full(key)}", 15025 & 255)
        if job["state"] == "running" and job.get("pid"):
            pretend.signal_session(job["pid"], signal.SIGKILL)
        for name in ("pid", "raw", "signals", "over"):
            job.pop(name, None)
        job["state"] = "queued"
        c.put(job)

    each(session, [a for a in arguments if not a.startswith("-")], act)


def pbsnodes(session, arguments):
    session.connect()
    with session.cluster as c:
        print(listing.node(c))


RUN = {"qsub": qsub, "qstat": qstat, "qdel": qdel, "qselect": qselect, "qhold": change("hold"), "qrls": change("release"),
       "qsig": qsig, "qrerun": qrerun, "pbsnodes": pbsnodes}


def tick(mom):
    """What is due besides: jobs whose time has come, and history that has."""
    c = mom.cluster
    for job in c.jobs("state = 'waiting' AND idx IS NOT -1"):
        if job.get("begin", 0) <= time.time():
            job["state"] = "queued"
            c.put(job)
    if c.setting("flavour") == "torque":
        limit = time.time() - c.setting("keep_completed")
        for job in c.jobs("state = 'ended' AND parent IS NULL"):
            if job.get("finished", 0) < limit:
                c.drop(job["key"])


Mom.tick = tick


def main():
    command = os.path.basename(sys.argv[0])
    if sys.argv[1:2] == ["--keeper"]:
        Mom(Cluster(sys.argv[3], DEFAULTS)).run()
        return 0
    if command not in RUN:
        return pretend.control(sys.modules[__name__], sys.argv[1:])
    asks_version = sys.argv[1:] == ["--version"]
    session = Session(command, asks_version)
    session.log(sys.argv[1:])
    try:
        if asks_version:
            pretend.before(session.faults)
            if session.flavour == "torque":
                print("Version: 6.1.3", file=sys.stderr)
            else:
                print("pbs_version = 23.06.06")
            return 0
        RUN[command](session, sys.argv[1:])
    except Refusal as refusal:
        sys.stdout.flush()
        print(refusal.text, file=sys.stderr)
        return refusal.code
    except BrokenPipeError:
        os._exit(0)
    return session.code
