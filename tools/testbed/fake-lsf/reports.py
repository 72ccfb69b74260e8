"""How LSF shows jobs, their history, queues and itself: in tables, in long text of 79 columns, in columns of choice, as JSON;
and the report that it appends to a job's output."""

import json
import os
import re
import time
from pathlib import Path

import pretend

HOST = "vm"
USAGE = {
    "bjobs": """Usage: bjobs [-h] [-V] [-w |-l] [-a] [-d] [-p] [-s] [-r] [-A]
             [-m host_name] [-q queue_name] [-u user_name | -u all]
             [-P project_name] [-N host_spec]
             [-J name_spec] [jobId | "jobId[idxList]" ...]""",
    "bkill": """Usage: bkill [-h] [-V] [-l] [-m host_name] [-q queue_name]
               [-u user_name | -u all] [0] [-r | -s sigval] [-J job_name] 
               [jobId | "jobId[index_list]"]...""",
    "bhist": """Usage: bhist [-h] [-V] [-l] [-b] [-w] [-a] [-d] [-e] [-p] [-s] [-r] 
             [-f logfile_name | -n num_logfiles | -n min_logfile, max_logfile]
             [-C time0,time1] [-S time0,time1] [-D time0,time1]
             [-N host_spec] [-P project_name]
             [-q queue_name] [-m host_name] [-J job_name]
             [-u user_name | -u all] [jobId | "jobId[index]" ...]
       bhist [-h] [-V] -t [-f logfile_name] [-T time0,time1]""",
    "bsub": """Usage: bsub [-h] [-V] [-x] [-H] [-r] [-N] [-B] [-I | -K | -Ip | -Is]
		[-L login_shell] [-c cpu_limit[/host_spec]] [-F file_limit]
		[-W run_limit[/host_spec]] [-k chkpnt_dir [chkpnt_period] [method=chkpnt_dir]]
		[-P project_name] 
		[-q queue_name ...]  [-R res_req]
		[-m "host_name[+[pref_level]] | host_group[+[pref_level]]...]"
		[-n min_processors[,max_processors]] [-J job_name]
		[-b begin_time] [-t term_time] [-u mail_user]
		[-i in_file | -is in_file] [-o out_file] [-e err_file]
		[-M mem_limit]  [-D data_limit]  [-S stack_limit]
		[[-f "lfile op [rfile]"] ...] [-w depend_cond]
		[-E "pre_exec_command [argument ...]"] [-Zs]
		[-sp job_priority]
		[command [argument ...]]
		[-a additional_esub_information]""",
}
USAGE["bstop"] = USAGE["bresume"] = USAGE["bkill"]


def version(flavour):
    if flavour == "old":
        return "openlava project 2.2, Nov 21 2026"
    return ("IBM Spectrum LSF Standard 10.1.0.13, Apr 15 2022\nCopyright International Business Machines Corp. 1992, 2016.\n"
            "US Government Users Restricted Rights - Use, duplication or disclosure restricted by GSA ADP Schedule Contract with "
            "IBM Corp.\n\n  binary type: linux3.10-glibc2.17-x86_64")


def cluster(flavour):
    return "openlava" if flavour == "old" else "cluster1"


def label(job):
    return f"{job['seq']}[{job['idx']}]" if job["parent"] else str(job["seq"])


def dotted(job):
    return f"{job['seq']}.{job['idx']}" if job["parent"] else str(job["seq"])


def name(job):
    return f"{job['name']}[{job['idx']}]" if job["parent"] else job["name"]


def expanded(job, path):
    return path.replace("%J", str(job["seq"])).replace("%I", str(job["idx"] or 0))


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def shown_script(script):
    """What is shown as the command of a job from standard input: its lines but for the directives."""
    lines = [line for line in script.splitlines() if line.strip() and not line.startswith("#")]
    return ";".join(lines) or script.strip()


def begin(text):
    parts = [int(p) for p in text.split(":")]
    now = time.localtime()
    day = parts[-3] if len(parts) > 2 else now.tm_mday
    month = parts[-4] if len(parts) > 3 else now.tm_mon
    at = time.mktime((now.tm_year, month, day, parts[-2], parts[-1], 0, 0, 0, -1))
    return at if at > time.time() or len(parts) > 2 else at + 86400


def faults_of_run(cluster):
    """Faults of jobs' ends: `run lose-status`, `run done`."""
    path = cluster.folder / "faults"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {line.split()[1]: True for line in lines if line.split()[:1] == ["run"] and len(line.split()) > 1}


def date(moment, year=False):
    return time.strftime("%a %b %e %H:%M:%S" + (" %Y" if year else ""), time.localtime(moment))


def state(job, node):
    if job["state"] == "ended":
        return job["verdict"]
    if job["state"] == "held":
        return "PSUSP"
    if job["state"] in ("queued", "waiting"):
        return "PEND"
    if node != "up":
        return "UNKWN"
    return "USUSP" if job["state"] == "suspended" else "RUN"


def padded(text, width):
    """By bytes, as C counts."""
    return text + " " * max(0, width - len(text.encode(errors="surrogateescape")))


def table(jobs, whole, node, header=True):
    lines = ["JOBID   USER    STAT  QUEUE      FROM_HOST   EXEC_HOST   JOB_NAME   SUBMIT_TIME"] if header else []
    for job in jobs:
        shown = name(job)
        if not whole and len(shown) > 10:
            shown = "*" + shown[-9:]
        host = HOST if job.get("runs") else "   -" if whole else ""
        owner = job["owner"] if whole else job["owner"][:7]
        submitted = time.strftime("%b %e %H:%M", time.localtime(job["created"]))
        lines.append(f"{job['seq']:<7} {owner:<7} {state(job, node):<5} {job['queue']:<10} {HOST:<11} {host:<11} {padded(shown, 10)} {submitted}")
    return "\n".join(lines) + "\n"


def pending(cluster, jobs):
    lines = ["JOBID   USER    STAT  QUEUE       FROM_HOST      JOB_NAME           SUBMIT_TIME"]
    for job in jobs:
        submitted = time.strftime("%b %e %H:%M", time.localtime(job["created"]))
        lines.append(f"{job['seq']:<7} {job['owner']:<7} {state(job, 'up'):<5} {job['queue']:<11} {HOST:<14} {name(job):<18} {submitted}")
        lines.append(f" {why(cluster, job)}: 1 host;")
    return "\n".join(lines) + "\n"


def why(cluster, job):
    if job["state"] == "held":
        return "The job was suspended by the user while pending"
    if job["state"] == "waiting":
        return "The job has a specified start time"
    if job.get("after"):
        return "Job dependency condition not satisfied"
    if job.get("impossible") or job["cpus"] > cluster.setting("slots"):
        return "Job's resource requirements not satisfied"
    return "Job slot limit reached"


def folded(text):
    """Lines of at most 79 columns, broken anywhere; what follows stands behind 21 blanks, and a blank at the break goes."""
    out, column, skip = [], 0, False
    for character in text:
        if skip and character == " ":
            skip = False
            continue
        skip = False
        out.append(character)
        column = 0 if character == "\n" else column + 1
        if column == 79:
            out.append("\n" + " " * 21)
            column, skip = 21, True
    return "".join(out)


def arrays(cluster, rows):
    lines = ["JOBID    ARRAY_SPEC  OWNER   NJOBS PEND DONE  RUN EXIT SSUSP USUSP PSUSP"]
    for row in rows:
        of = {}
        for job in cluster.jobs("parent = ?", row["key"]):
            of[state(job, "up")] = of.get(state(job, "up"), 0) + 1
        counts = [of.get(s, 0) for s in ("PEND", "DONE", "RUN", "EXIT", "SSUSP", "USUSP", "PSUSP")]
        spec = row["spec"] if len(row["spec"]) <= 8 else "*" + row["spec"][-7:]
        lines.append(f"{row['seq']:<8} {spec:<8}  {row['owner']:<8} {row['size']:>6} " + "{:>4} {:>4} {:>4} {:>4} {:>5} {:>5} {:>5}".format(*counts))
    return "\n".join(lines) + "\n"


def folder(job):
    home = job["environment"].get("HOME", "/")
    cwd = job["cwd"]
    return "$HOME" + cwd[len(home) :] if cwd == home or cwd.startswith(home.rstrip("/") + "/") else cwd


def head(job, status):
    text = f"Job <{label(job)}>, "
    if job["named"]:
        text += f"Job Name <{name(job)}>, "
    text += f"User <{job['owner']}>, Project <{job['project']}>, "
    if status:
        text += f"Status <{status}>, Queue <{job['queue']}>, "
    return text + f"Command <{job['command']}>"


def submitted(job, queue):
    text = f"Submitted from host <{HOST}>, "
    if queue:
        text += f"to Queue <{job['queue']}>, "
    text += f"CWD <{folder(job)}>"
    for option, title in (("output", "Output File"), ("errors", "Error File")):
        if job.get(option):
            text += f", {title} <{job[option]}>"
    if job["resources"]:
        text += f", Requested Resources <{job['resources']}>"
    return text + ";"


def verdict(job, end):
    """The last line of a job's story."""
    cpu = f" The CPU time used is 0.0 seconds{end}"
    if job["verdict"] == "DONE":
        return "Done successfully." + cpu
    if job.get("lost"):
        return f"Exited The CPU time used is unknown{end}"
    if job.get("signal"):
        return f"Exited by signal {job['signal']}." + cpu
    if job["code"] is None:
        return "Exited"
    return f"Exited with exit code {job['code']}.{cpu}"


def limit(job):
    if not job.get("minutes"):
        return ""
    return f"\n RUNLIMIT                \n {job['minutes']:.1f} min of {HOST}           \n"


def long(cluster, jobs, node, whole=False):
    blocks = []
    fold = (lambda text: text) if whole else folded
    for job in jobs:
        home = job["environment"].get("HOME", "/")
        text = "\n" + fold(head(job, state(job, node)) + "\n")
        text += fold(f"{date(job['created'])}: {submitted(job, False)}\n") + limit(job)
        if job.get("runs"):
            began = f"[{job['idx']}] started on" if job["parent"] else "Started on"
            text += fold(f"{date(job['started'])}: {began} <{HOST}>, Execution Home <{home}>, Execution CWD <{job['cwd']}>;\n")
        if job["state"] == "ended":
            text += fold(f"{date(job['finished'])}: {verdict(job, '.')}\n")
            if job.get("reason"):
                text += fold(f"{date(job['finished'])}: Completed <exit>; {job['reason']}.\n")
        elif job["state"] in ("running", "suspended"):
            text += (f"{date(time.time())}: Resource usage collected.\n" + " " * 21 + "MEM: 4 Mbytes;  SWAP: 10 Mbytes\n" + " " * 21
                     + f"PGID: {job['pid']};  PIDs: {job['pid']} \n\n")
        else:
            text += f" PENDING REASONS:\n {why(cluster, job)}: 1 host;\n"
        text += ("\n SCHEDULING PARAMETERS:\n           r15s   r1m  r15m   ut      pg    io   ls    it    tmp    swp    mem\n"
                 " loadSched   -     -     -     -       -     -    -     -     -      -      -  \n"
                 " loadStop    -     -     -     -       -     -    -     -     -      -      -  \n\n")
        blocks.append(text)
    return ("-" * 78 + "\n").join(blocks)


def times(job):
    end = job.get("finished") or time.time()
    start = job.get("started") if job.get("runs") else None
    waited = int(round((start or end) - job["created"]))
    held = job["hold"] and not start
    ran = int(round(end - start)) if start else 0
    return [0 if held else waited, waited if held else 0, ran, 0, 0, 0, waited + ran]


def history(cluster, jobs, whole):
    if not whole:
        lines = ["Summary of time in seconds spent in various states:",
                 "JOBID   USER    JOB_NAME  PEND    PSUSP   RUN     USUSP   SSUSP   UNKWN   TOTAL"]
        for job in jobs:
            shown = name(job)
            shown = shown if len(shown) <= 9 else "*" + shown[-8:]
            seconds = times(job)
            lines.append(f"{label(job):<7} {job['owner']:<7.7} {shown:<9} " + " ".join(f"{n:<7}" for n in seconds[:6]) + f" {seconds[6]:<10}")
        return "\n".join([*lines, "", ""])
    blocks = []
    for job in jobs:
        home = job["environment"].get("HOME", "/")
        text = "\n" + folded(head(job, None) + "\n") + folded(f"{date(job['created'])}: {submitted(job, True)}\n") + limit(job)
        events = [(moment, said + ";") for moment, said in job["events"]]
        if job.get("runs"):
            began = job["started"]
            events += [(began, f"Dispatched to <{HOST}>;"), (began, f"Starting (Pid {job['pid']});"),
                       (began, f"Running with execution home <{home}>, Execution CWD <{job['cwd']}>, Execution Pid <{job['pid']}>;")]
        if job["state"] == "ended":
            events.append((job["finished"], verdict(job, ";")))
            if job.get("reason"):
                events.append((job["finished"], f"Completed <exit>; {job['reason']};"))
            if job["verdict"] == "DONE":
                events.append((job["finished"], "Post job process done successfully;"))
        last = job["created"]
        for moment, said in sorted(events, key=lambda event: event[0]):
            text += folded(f"{date(moment)}: {said}\n")
            last = moment
        seconds = times(job)
        text += (f"\nSummary of time in seconds spent in various states by  {date(last)}\n"
                 "  PEND     PSUSP    RUN      USUSP    SSUSP    UNKWN    TOTAL\n  "
                 + "".join(f"{n:<9}" for n in seconds[:6]) + f"{seconds[6]:<12}\n")
        blocks.append(text)
    return ("-" * 78 + "\n").join(blocks) + "\n"


# Columns of choice, and JSON


def field(cluster, job, wanted, node):
    run = int((job.get("finished") or time.time()) - job["started"]) if job.get("runs") else 0
    ended = job["state"] == "ended"
    of = {
        "jobid": str(job["seq"]), "jobindex": str(job["idx"] or 0), "stat": state(job, node), "user": job["owner"],
        "queue": job["queue"], "job_name": name(job), "job_description": job.get("description", ""), "proj_name": job["project"],
        "exit_code": str(job["code"]) if ended and job.get("code") else "", "exit_reason": job.get("reason", "") if ended else "",
        "from_host": HOST, "exec_host": (f"{job['cpus']}*" if job["cpus"] > 1 else "") + HOST if job.get("runs") else "",
        "submit_time": moment(job["created"]), "start_time": moment(job.get("started")) if job.get("runs") else "",
        "finish_time": moment(job.get("finished")) + " L" if job.get("finished") else "", "run_time": f"{run} second(s)",
        "cpu_used": "0.0 second(s)" if job.get("runs") else "", "max_mem": "4 Mbytes" if job.get("runs") else "",
        "pend_reason": f"{why(cluster, job)};" if state(job, node) in ("PEND", "PSUSP") else "", "command": job["command"],
        "exec_cwd": job["cwd"], "sub_cwd": folder(job), "output_file": job.get("output") or "", "error_file": job.get("errors") or "",
        "slots": str(job["cpus"]), "nexec_host": "1" if job.get("runs") else "", "jobid_index": label(job),
    }
    return of.get(wanted, "")


def moment(at):
    return time.strftime("%b %e %H:%M", time.localtime(at)) if at else ""


def wanted(text):
    """(columns, delimiter) of -o."""
    found = re.search(r"delimiter='(.*?)'|delimiter=\"(.*?)\"|delimiter=(\S+)", text)
    delimiter = next((g for g in found.groups() if g is not None), None) if found else None
    if found:
        text = text.replace(found[0], "")
    return [word.partition(":")[0].lower() for word in text.split()], delimiter


def columns(cluster, jobs, text, header, node):
    names, delimiter = wanted(text)
    rows = [[field(cluster, job, n, node) or "-" for n in names] for job in jobs]
    if header:
        rows.insert(0, [n.upper() for n in names])
    if delimiter is not None:
        return "".join(delimiter.join(row) + "\n" for row in rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
    return "".join(" ".join(value.ljust(w) for value, w in zip(row, widths)) + "\n" for row in rows)


def document(cluster, jobs, missing, text, node):
    names, _ = wanted(text)
    records = [{n.upper(): field(cluster, job, n, node) for n in names} for job in jobs]
    records += [{"JOBID": label, "ERROR": f"Job <{label}> is not found"} for label in missing]
    whole = {"COMMAND": "bjobs", "JOBS": len(records), "RECORDS": records}
    return json.dumps(whole, indent=2, separators=(",", ":"), ensure_ascii=False).replace("/", "\\/")


# The report


def write_output(cluster, job):
    """Appends LSF's report and the output to the file that was asked for; what cannot be written is lost."""
    stem = str(cluster.spool / f"{int(job['created'])}.{dotted(job)}")
    home = job["environment"].get("HOME", "/")
    said = Path(stem + ".out").read_bytes() if os.path.exists(stem + ".out") else b""
    errors = Path(stem + ".err").read_bytes() if os.path.exists(stem + ".err") else b""
    for path in cluster.spool.glob(f"{int(job['created'])}.{dotted(job)}*"):
        if re.fullmatch(rf"{re.escape(stem)}(\.(out|err|shell))?", str(path)):
            path.unlink(missing_ok=True)
    if job.get("output"):
        path = os.path.join(job["cwd"], expanded(job, job["output"]))
        if os.path.isdir(path):
            path = os.path.join(path, f"{dotted(job)}.out")
        shown = job["spec"] if job["parent"] else job["name"]
        how = ("Successfully completed." if job["verdict"] == "DONE" else f"Exited with exit code {job['code']}."
               if job["code"] else "Exited")
        if job.get("reason"):
            how = f"{job['reason']}.\nExited with exit code {job['code']}."
        tail = f"\n\nPS:\n\nRead file <{expanded(job, job['errors'])}> for stderr output of this job.\n\n" if job.get("errors") else ""
        if job.get("lost"):
            usage = ""
        else:
            usage = ("\nResource usage summary:\n\n    CPU time   :      0.02 sec.\n    Max Memory :         4 MB\n"
                     "    Max Swap   :        10 MB\n\n    Max Processes  :         1\n\n")
        report = (
            f"Sender: LSF System <{cluster_user(cluster)}@{HOST}>\nSubject: Job {label(job)}: <{shown}> "
            f"{'Done' if job['verdict'] == 'DONE' else 'Exited'}\n\nJob <{shown}> was submitted from host <{HOST}> by user "
            f"<{job['owner']}>.\nJob was executed on host(s) <{HOST}>, in queue <{job['queue']}>, as user <{job['owner']}>.\n"
            f"<{home}> was used as the home directory.\n<{job['cwd']}> was used as the working directory.\n"
            f"Started at {date(job['started'], True)}\nResults reported at {date(job['finished'], True)}\n\nYour job looked like:\n\n"
            f"{'-' * 60}\n# LSBATCH: User input\n{job['script'].rstrip() if job['script'] else job['command']}\n{'-' * 60}\n\n"
            f"{how}\n{usage}The output (if any) follows:\n\n")
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if job["overwrite"] else os.O_APPEND), 0o666 & ~job["umask"])
            with os.fdopen(fd, "wb") as f:
                f.write(report.encode(errors="surrogateescape") + said + tail.encode())
        except OSError:
            pass
    if job.get("errors"):
        try:
            with open(os.path.join(job["cwd"], expanded(job, job["errors"])), "ab") as f:
                f.write(errors)
        except OSError:
            pass


def cluster_user(cluster):
    return "openlava" if cluster.setting("flavour") == "old" else "lsfadmin"


# The cluster


def queues(cluster, _):
    lines = ["QUEUE_NAME      PRIO STATUS          MAX JL/U JL/P JL/H NJOBS  PEND   RUN  SUSP "]
    for i, queue in enumerate(sorted(cluster.setting("queues").split(","), reverse=True)):
        of = [cluster.count(f"idx IS NOT -1 AND state IN ({s}) AND json_extract(rest, '$.queue') = ?", queue)
              for s in ("'queued', 'waiting', 'held'", "'running', 'ending'", "'suspended'")]
        lines.append(f"{queue:<14} {40 - 10 * i:>4}   Open:Active      -    -    -    - {sum(of):>5} {of[0]:>5} {of[1]:>5} {of[2]:>5}")
    return "\n".join(lines) + "\n"


def hosts(cluster, _):
    run = cluster.count("idx IS NOT -1 AND state IN ('running', 'ending')")
    status = "ok" if cluster.setting("node") == "up" else "unavail"
    return ("HOST_NAME          STATUS       JL/U    MAX  NJOBS    RUN  SSUSP  USUSP    RSV \n"
            f"{HOST:<18} {status:<12} {'-':>4} {cluster.setting('host_cpus'):>6} {run:>6} {run:>6} {0:>6} {0:>6} {0:>6}\n")


def users(cluster, _):
    me = pretend.user()
    pend = cluster.count("idx IS NOT -1 AND state IN ('queued', 'waiting', 'held')")
    run = cluster.count("idx IS NOT -1 AND state IN ('running', 'ending')")
    return ("USER/GROUP          JL/P    MAX  NJOBS   PEND    RUN  SSUSP  USUSP    RSV \n"
            f"{me:<19} {'-':>4} {'-':>6} {pend + run:>6} {pend:>6} {run:>6} {0:>6} {0:>6} {0:>6} \n")


def parameters(cluster, arguments):
    if "-l" not in arguments:
        return "Default Queues:  normal idle\nMBD_SLEEP_TIME used for calculations:  20 seconds\nJob Checking Interval:  15 seconds\nJob Accepting Interval:  20 seconds\n"
    return ("System default queues for automatic queue selection:\n DEFAULT_QUEUE =  normal idle\n\n"
            "The interval for dispatching jobs by master batch daemon:\n MBD_SLEEP_TIME = 20 (seconds)\n\n"
            "The interval for checking jobs by slave batch daemon:\n SBD_SLEEP_TIME = 15 (seconds)\n\n"
            "The period for which finished jobs are kept in core memory:\n"
            f" CLEAN_PERIOD = {int(cluster.setting('clean_period'))} (seconds)\n\n"
            f"Maximum size of a job array:\n MAX_JOB_ARRAY_SIZE = {cluster.setting('max_array')}\n\n"
            + (f"Maximum number of pending jobs:\n MAX_PEND_JOBS = {cluster.setting('max_pending')}\n\n" if cluster.setting("max_pending") else ""))
