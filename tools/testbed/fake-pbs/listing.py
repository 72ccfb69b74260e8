"""How OpenPBS shows jobs, queues and the server: as text, separated, as JSON and in tables."""

import json
import re
import time

SERVER = "pbshead"
VERSION = "23.06.06"
LETTERS = {"queued": "Q", "held": "H", "waiting": "W", "running": "R", "ending": "E", "ended": "F", "suspended": "S"}
SUBSTATES = {"Q": 10, "H": 20, "W": 30, "R": 42, "E": 51, "B": 70, "S": 43}


def full(key):
    return f"{key}.{SERVER}"


def destination(job, kind):
    """Where standard output ("o") or error ("e") goes: a path, with a folder's slash made a file in it."""
    path = job.get("output" if kind == "o" else "errors")
    suffix = f".{job['idx']}" if job["idx"] is not None else ""
    if path is None:
        path = f"{job['name']}.{kind}{job['seq']}{suffix}"
    else:
        path = re.sub(r"^[\w.-]*:(?=/)", "", path)
        path = path.replace("^array_index^", str(job["idx"]))
        if job.get("numbered") and job["idx"] is not None:
            path += f"-{job['idx']}"
    if not path.startswith("/"):
        path = f"{job['cwd']}/{path}"
    if path.endswith("/"):
        path += f"{full(job['key'])}.{'OU' if kind == 'o' else 'ER'}"
    return path


def letter(job, array=None):
    if job["idx"] == -1 and job["state"] == "running":
        return "B"
    if job["state"] == "ended" and array and array["state"] != "ended":
        return "X"
    return LETTERS[job["state"]]


def date(moment):
    return time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(moment)) if moment else None


def clock(seconds):
    seconds = int(seconds)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def comment(cluster, job, array):
    if job["idx"] == -1:
        if not job.get("began"):
            return None
        began = time.strftime("Job Array Began at %a %b %d at %H:%M", time.localtime(job["began"]))
        if job["state"] != "ended":
            return began
        return began + (" and terminated" if job.get("deleted") else " and failed" if job.get("status") else " and finished")
    if job.get("purged"):
        return "Subjob finished"
    if not job.get("runs"):
        if job["state"] == "queued":
            if job.get("cpus", 1) > cluster.setting("ncpus"):
                have = cluster.setting("ncpus")
                return f"Can Never Run: Insufficient amount of resource: ncpus (R: {job['cpus']} A: {have} T: {have})"
            if not cluster.setting("started"):
                return "Not Running: Queue not started."
            if cluster.setting("node") != "up":
                return "Not Running: Not enough free nodes available"
        return None
    text = time.strftime("Job run at %a %b %d at %H:%M", time.localtime(job["started"])) + f" on ({SERVER}:ncpus={job['cpus']})"
    if job["state"] != "ended" and not (job["state"] == "ending" and job.get("deleted")):
        return text
    if job.get("forced"):
        return text + " and terminated"
    if job.get("deleted"):
        return text + f" and terminated by {job['deleted']}"
    if job.get("over"):
        return text + " and exceeded resource walltime"
    return text + (" and finished" if job.get("status") == 0 else " and failed")


def substate(job, state, array):
    if state in ("F", "X"):
        if job.get("purged"):
            return 70 if state == "X" else 91
        if job.get("deleted"):
            return 91
        return 92 if not job.get("status") else 93
    if state == "Q" and job["idx"] == -1:
        return 10
    return SUBSTATES[state]


def status(job, array):
    """The exit status as it is told: of a member whose record is gone, the array's."""
    if job.get("purged"):
        return 1
    if job["state"] in ("ended", "ending"):
        return job.get("status")
    return None


def attributes(cluster, job, array):
    """(name, [(attribute, value)]); a value is a string, a number, or a list of pairs below it."""
    state = letter(job, array)
    is_array, is_member = job["idx"] == -1, bool(job["parent"])
    ran = job.get("runs") and not is_array
    sep = ".^array_index^" if is_array else f".{job['idx']}" if is_member else ""
    pairs = [("Job_Name", job["name"]), ("Job_Owner", f"{job['owner']}@localhost")]
    if ran and not job.get("purged"):
        used = (job.get("finished") or time.time()) - job["started"]
        pairs.append(("resources_used", [
            ("cpupercent", 0), ("cput", "00:00:00"), ("mem", "0kb"), ("ncpus", job["cpus"]), ("vmem", "0kb"),
            ("walltime", clock(used)),
        ]))
    pairs += [("job_state", state), ("queue", job["queue"]), ("server", SERVER)]
    if job.get("account"):
        pairs.append(("Account_Name", job["account"]))
    if not is_member:
        pairs.append(("Checkpoint", "u"))
    paths = {}
    for kind, option in (("o", "output"), ("e", "errors")):
        path = job.get(option) or f"{job['name']}.{kind}{job['seq']}{sep}"
        paths[kind] = path if path.startswith("/") else f"{job['cwd']}/{path}"
    pairs += [("ctime", date(job["created"])), ("Error_Path", f"localhost:{paths['e']}")]
    if ran and not job.get("purged"):
        pairs += [("exec_host", f"{SERVER}/0"), ("exec_vnode", f"({SERVER}:ncpus={job['cpus']})")]
    if not is_member:
        pairs.append(("Hold_Types", "s" if job.get("system_hold") else job.get("held", "n")))
    changed = job.get("finished") or job.get("started") or job.get("began") or job["modified"]
    pairs += [
        ("Join_Path", job["join"]), ("Keep_Files", job["keep"] or "n"), ("Mail_Points", job["mail"]), ("mtime", date(changed)),
        ("Output_Path", f"localhost:{paths['o']}"), ("Priority", job["priority"]), ("qtime", date(job["created"])),
        ("Rerunable", "True" if job["rerunable"] else "False"),
    ]
    asked = {"ncpus": job["cpus"], "nodect": job.get("nodes", 1), "place": "pack",
             "select": job.get("select") or f"1:ncpus={job['cpus']}"} | job["resources"]
    pairs.append(("Resource_List", sorted(asked.items())))
    if ran or job.get("began"):
        pairs.append(("stime", date(job.get("started") or job.get("began"))))
    if job["state"] == "ended" and (ran or job.get("began")):
        pairs.append(("obittime", date(job["finished"])))
    if ran and not job.get("purged"):
        pairs += [("session_id", job.get("pid") or 0), ("jobdir", dict(job["variables"])["PBS_O_HOME"])]
    pairs.append(("substate", substate(job, state, array)))
    pairs.append(("Variable_List", [*job["variables"], ("PBS_O_QUEUE", job["queue"]), ("PBS_O_HOST", "localhost")]))
    said = comment(cluster, job, array)
    if said:
        pairs.append(("comment", said))
    if state not in ("H", "W"):
        pairs.append(("etime", date(job["created"])))
    if ran:
        pairs.append(("run_count", job["runs"]))
    code = status(job, array)
    if is_array and state == "B":
        failed = cluster.count("parent = ? AND state = 'ended' AND json_extract(rest, '$.status') IS NOT 0", job["key"])
        code = 1 if failed else None
    if job["state"] == "ended" and job.get("stageout") is not None and not job.get("purged"):
        pairs.append(("Stageout_status", job["stageout"]))
    if code is not None:
        pairs.append(("Exit_status", code))
    if not is_member:
        pairs.append(("Submit_arguments", job["arguments"]))
    if job.get("command"):
        pairs.append(("executable", f"<jsdl-hpcpa:Executable>{job['command'][0]}</jsdl-hpcpa:Executable>"))
        if job["command"][1:]:
            escaped = [a.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;") for a in job["command"][1:]]
            pairs.append(("argument_list", "".join(f"<jsdl-hpcpa:Argument>{a}</jsdl-hpcpa:Argument>" for a in escaped)))
    if is_array:
        counts = dict(cluster.db.execute("SELECT state, count(*) FROM job WHERE parent = ? GROUP BY state", (job["key"],)).fetchall())
        waiting = [r[0] for r in cluster.db.execute(
            "SELECT idx FROM job WHERE parent = ? AND state IN ('queued', 'held', 'waiting') ORDER BY idx", (job["key"],))]
        over = state == "F"
        purged = cluster.count("parent = ? AND json_extract(rest, '$.purged')", job["key"])
        queued = counts.get("queued", 0) + counts.get("held", 0) + counts.get("waiting", 0)
        expired = counts.get("ended", 0) if not over else purged
        pairs += [
            ("array", "True"),
            ("array_state_count", f"Queued:{queued} Running:{counts.get('running', 0)} Exiting:{counts.get('ending', 0)} Expired:{expired}"),
            ("array_indices_submitted", job["range"]), ("array_indices_remaining", ranges(waiting) or "-"),
        ]
        if job.get("throttle"):
            pairs.append(("max_run_subjobs", job["throttle"]))
    if is_member:
        pairs += [("array_id", full(job["parent"])), ("array_index", job["idx"])]
    if state == "F":
        pairs.append(("history_timestamp", int(job["finished"])))
    pairs += [("project", job["project"]), ("Submit_Host", "localhost")]
    if cluster.setting("flavour") == "torque":
        pairs = torque(pairs)
    return full(job["key"]), pairs


def torque(pairs):
    """The same as Torque tells it: finished is C, and the exit status is written small."""
    said = {"job_state": lambda v: {"F": "C", "X": "C", "B": "R"}.get(v, v)}
    names = {"Exit_status": "exit_status", "array_index": "job_array_id"}
    unknown = {"project", "substate", "run_count", "Stageout_status", "history_timestamp", "executable", "argument_list", "obittime",
               "array", "array_id", "array_state_count", "array_indices_submitted", "array_indices_remaining"}
    return [(names.get(k, k), said.get(k, lambda v: v)(v)) for k, v in pairs if k not in unknown]


def ranges(numbers):
    parts, start = [], None
    for i, n in enumerate(numbers):
        if start is None:
            start = n
        if i + 1 == len(numbers) or numbers[i + 1] != n + 1:
            parts.append(str(start) if start == n else f"{start}-{n}")
            start = None
    return ",".join(parts)


def flat(pairs):
    """Attributes as the text forms have them: name.resource, lists joined with commas."""
    for name, value in pairs:
        if name == "Variable_List":
            # A comma within a value has a backslash, and a backslash is doubled already.
            yield name, ",".join(f"{k}={str(v).replace(',', chr(92) + ',')}" for k, v in value)
        elif isinstance(value, list):
            yield from ((f"{name}.{k}", str(v)) for k, v in value)
        else:
            yield name, str(value)


def folded(name, value):
    """A line of at most 79 characters, broken at commas where there are any, anywhere else; what follows has a tab."""
    out, column = f"    {name} = ", len(name) + 7
    for i, part in enumerate(value.split(",")):
        if i:
            out += ","
        if column + len(part) < 79:
            out += part
            column += len(part)
            continue
        if i:
            out += "\n\t"
            column = 8
        for at, character in enumerate(part):
            out += character
            column += 1
            if column >= 79 and at + 1 < len(part):
                out += "\n\t"
                column = 8
    return out


def text(record, whole=False):
    name, pairs = record
    lines = [f"    {k} = {v}" if whole else folded(k, v) for k, v in flat(pairs)]
    return "\n".join([f"Job Id: {name}", *lines, ""])


def dsv(record, delimiter):
    name, pairs = record
    return delimiter.join([f"Job Id: {name}", *(f"{k}={v}" for k, v in flat(pairs))])


def table(records, header):
    lines = []
    if header:
        lines += ["Job id            Name             User              Time Use S Queue",
                  "----------------  ---------------- ----------------  -------- - -----"]
    for name, pairs in records:
        of = dict(pairs)
        used = dict(of["resources_used"])["cput"] if "resources_used" in of and of["job_state"] != "R" else "0"
        if "resources_used" in of and of["job_state"] == "R" and dict(of["resources_used"])["walltime"] > "00:00:01":
            used = "00:00:00"
        owner = of["Job_Owner"].partition("@")[0]
        lines.append(f"{cut(name, 17):<17} {cut(of['Job_Name'], 16):<16} {owner:<16.16}  {used:>8} {of['job_state']} {of['queue']:<16}")
    return "\n".join(lines) + "\n"


def cut(text, width):
    return text if len(text) <= width else text[: width - 1] + "*"


def wide(records, comments):
    lines = ["", f"{SERVER}: ", " " * 60 + "Req'd  Req'd   Elap",
             "Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time",
             "--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----"]
    for name, pairs in records:
        of = dict(pairs)
        asked = dict(of["Resource_List"])
        state = of["job_state"]
        sid = str(of["session_id"]) if state == "R" and of.get("session_id") else " -- "
        wall = str(asked.get("walltime", " -- "))[:5]
        elapsed = dict(of["resources_used"])["walltime"][:5] if "resources_used" in of else " -- "
        lines.append(f"{name:<15.15} {of['Job_Owner'].partition('@')[0]:<8.8} {of['queue']:<8.8} {of['Job_Name']:<10.10} {sid:>6} "
                     f"{asked['nodect']:>3} {asked['ncpus']:>3} {asked.get('mem', ' -- '):>6} {wall:>5} {state} {elapsed:>5}")
        if comments:
            said = of.get("comment", " -- ")
            lines.append("   " + (said if len(said) <= 74 else said[:71] + "..."))
    return "\n".join(lines) + "\n"


# JSON


def number_like(value):
    """What the successor's client takes a variable's value for: any JSON, and numbers as C reads them."""
    if re.fullmatch(r"-?\d+", value):
        return int(value)
    if re.fullmatch(r"-?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?", value):
        number = float(value)
        return None if number in (float("inf"), float("-inf")) else number
    try:
        return json.loads(value)
    except ValueError:
        return value


def quoted(value, raw_tabs=False):
    text = json.dumps(str(value), ensure_ascii=False)
    return text.replace("\\t", "\t") if raw_tabs else text


def document(flavour, records):
    old = flavour == "openpbs-23"
    colon, tab = (":", "    ") if old else (":\t", "\t")

    def literal(name, value, parent):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        if old:
            # Everything that looks like a number, but for one with a zero before it.
            if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", value):
                return value
            return quoted(value.replace("\\\\", "\\"), raw_tabs=True)
        if parent == "Variable_List":
            found = number_like(value)
            if not isinstance(found, str):
                return json.dumps(found, separators=(",", ":"))
            return quoted(value)
        return quoted(value)

    def block(pairs, depth, parent=None):
        lines = []
        for name, value in pairs:
            inner = block(value, depth + 1, name) if isinstance(value, (list, tuple)) else literal(name, value, parent)
            lines.append(f"{tab * depth}{quoted(name)}{colon}{inner}")
        return "{\n" + ",\n".join(lines) + f"\n{tab * (depth - 1)}" + "}"

    pairs = [("timestamp", int(time.time())), ("pbs_version", VERSION), ("pbs_server", SERVER)]
    if records:
        pairs.append(("Jobs", list(records)))
    # The version is a string, whatever it looks like.
    return block(pairs, 1)


# The server and its queues


def server(cluster, whole):
    live = cluster.count("state != 'ended' AND idx IS NOT -1")
    running = cluster.count("state = 'running' AND idx IS NOT -1")
    if not whole:
        return (f"Server             Max   Tot   Que   Run   Hld   Wat   Trn   Ext Status\n"
                f"---------------- ----- ----- ----- ----- ----- ----- ----- ----- -----------\n"
                f"{SERVER:<16}     0 {live:>5} {live - running:>5} {running:>5}     0     0     0     0 Active\n")
    pairs = [("server_state", "Active"), ("server_host", "localhost"), ("scheduling", "True"), ("total_jobs", live),
             ("default_queue", cluster.setting("queues").split(",")[0])]
    if cluster.setting("flavour") == "torque":
        pairs += [("keep_completed", int(cluster.setting("keep_completed"))), ("max_job_array_size", cluster.setting("max_array")),
                  ("pbs_version", "6.1.3")]
    else:
        pairs += [("max_array_size", cluster.setting("max_array")), ("pbs_version", VERSION)]
        if cluster.setting("history"):
            pairs += [("job_history_enable", "True"), ("job_history_duration", "336:00:00")]
    if cluster.setting("max_queued_server"):
        pairs.append(("max_queued", f"[u:PBS_GENERIC={cluster.setting('max_queued_server')}]"))
    return "\n".join([f"Server: {SERVER}", *(folded(k, str(v)) for k, v in pairs), "", ""])


def queues(cluster, whole):
    names = cluster.setting("queues").split(",")
    enabled, started = ("True" if cluster.setting(s) else "False" for s in ("enabled", "started"))
    if whole:
        blocks = []
        for name in names:
            pairs = [("queue_type", "Execution"), ("total_jobs", cluster.count("state != 'ended' AND idx IS NOT -1")),
                     ("enabled", enabled), ("started", started)]
            if cluster.setting("max_queued"):
                pairs.append(("max_queued", f"[u:PBS_GENERIC={cluster.setting('max_queued')}]"))
            if cluster.setting("max_walltime"):
                pairs.append(("resources_max.walltime", clock(cluster.setting("max_walltime"))))
            blocks.append("\n".join([f"Queue: {name}", *(folded(k, str(v)) for k, v in pairs), "", ""]))
        return "".join(blocks)
    lines = ["Queue              Max   Tot Ena Str   Que   Run   Hld   Wat   Trn   Ext Type",
             "---------------- ----- ----- --- --- ----- ----- ----- ----- ----- ----- ----"]
    for name in names:
        of = {s: cluster.count("state = ? AND idx IS NOT -1", s) for s in ("queued", "running", "held", "waiting", "ending")}
        yes = ["yes" if cluster.setting(s) else " no" for s in ("enabled", "started")]
        lines.append(f"{name:<16}     0 {sum(of.values()):>5} {yes[0]:>3} {yes[1]:>3} {of['queued']:>5} {of['running']:>5} "
                     f"{of['held']:>5} {of['waiting']:>5}     0 {of['ending']:>5} Exe*")
    return "\n".join(lines) + "\n"


def node(cluster):
    state = "free" if cluster.setting("node") == "up" else "down"
    return (f"{SERVER}\n     Mom = localhost\n     ntype = PBS\n     state = {state}\n     pcpus = {cluster.setting('ncpus')}\n"
            f"     resources_available.ncpus = {cluster.setting('ncpus')}\n     resources_available.vnode = {SERVER}\n")
