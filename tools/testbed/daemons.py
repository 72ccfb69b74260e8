"""What the testbeds of real schedulers share: daemons started, found again and ended by process id and start time,
ports that nobody else has, and a host name on loopback."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path

NAME = os.path.basename(sys.argv[0])
BEGUN = time.monotonic()
RENAME = 'echo localhost >/proc/sys/kernel/hostname && exec "$@"'


class Trouble(Exception):
    """What is wrong and what to do about it, in one sentence or two."""


def say(text):
    print(f"{NAME}: {time.monotonic() - BEGUN:.1f} s: {text}", file=sys.stderr, flush=True)


def started_at(pid):
    """The start time of a living process in clock ticks since boot; None for a dead one or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def table():
    """Every process: {pid: (parent, name)}."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                head, _, tail = (entry / "stat").read_text().rpartition(")")
                if tail.split()[0] not in "ZX":
                    found[int(entry.name)] = (int(tail.split()[1]), head.partition("(")[2])
    return found


def below(pids):
    """The processes and all that descend from them."""
    processes, found, fresh = table(), set(), set(pids)
    while fresh:
        found |= fresh
        fresh = {pid for pid, (parent, _) in processes.items() if parent in found} - found
    return found & set(processes)


def holders(name, folder):
    """The processes called so that work in the folder, or have a file below it open."""
    found = set()
    for pid, (_, called) in table().items():
        if called == name:
            links = [Path(f"/proc/{pid}/cwd")]
            with contextlib.suppress(OSError):
                links += Path(f"/proc/{pid}/fd").iterdir()
            for link in links:
                with contextlib.suppress(OSError):
                    if os.readlink(link).startswith(f"{folder}/"):
                        found.add(pid)
    return found


def with_environment(*assignments):
    """The processes that were given all of these assignments ("NAME=value", or "NAME=" for any value)."""
    found = set()
    for pid in table():
        with contextlib.suppress(OSError):
            given = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if all(any(g.startswith(a.encode()) if a.endswith("=") else g == a.encode() for g in given) for a in assignments):
                found.add(pid)
    return found - {os.getpid(), os.getppid()}


def end(pids, grace):
    """SIGTERM, and SIGKILL to what is left after the grace in seconds; without a grace, SIGKILL to all as if at one instant.
    Returns what had to be killed."""
    alive = {pid: started_at(pid) for pid in pids}
    alive = {pid: at for pid, at in alive.items() if at is not None}
    left = dict(alive)
    # What is stopped cannot write down how another has died.
    for number, seconds in ((signal.SIGTERM if grace else signal.SIGSTOP, grace), (signal.SIGKILL, 5)):
        if number == signal.SIGKILL:
            killed = set(left)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                if number != signal.SIGSTOP:
                    os.kill(pid, signal.SIGCONT)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            left = {pid: at for pid, at in left.items() if started_at(pid) == at}
            if left:
                time.sleep(0.02)
    return killed


def until(what, seconds, true, hint=""):
    """Waits until the condition holds; raises after the time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise Trouble(f"{what} after {seconds} s.{' ' + hint if hint else ''}")
        time.sleep(0.05)


def loopback():
    """(host name, command prefix) for daemons that bind to the address of their own host name. Where that is not on
    loopback they get a host name of their own: "localhost", in a UTS namespace."""
    name = socket.gethostname()
    with contextlib.suppress(OSError):
        # Not any other loopback address: Debian's installer gives the host name 127.0.1.1, where nobody asks.
        if socket.gethostbyname(name) == "127.0.0.1":
            return name.partition(".")[0], []
    prefix = ["unshare", "-u", "sh", "-c", RENAME, "sh"]
    try:
        if subprocess.run([*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0:
            return "localhost", prefix
    except OSError:
        pass
    raise Trouble(
        f"the host name {name} is not on loopback, and this user or container may not make a UTS namespace (unshare -u). "
        f"Add the line  127.0.0.1 {name}  to /etc/hosts, or run this as root with CAP_SYS_ADMIN."
    )


def missing(commands, option="--cluster"):
    """Says which packages to install when a command is missing, with which option of the setup: {command: package}."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    os.environ["PATH"] = path
    for command, package in commands.items():
        if not any(os.access(f"{folder}/{command}", os.X_OK) for folder in path.split(":")):
            raise Trouble(f"{command} is not installed (package {package}). Run tools/setup {option}.")


class Testbed:
    """A folder with a testbed's configuration and state, its settings and the daemons that were started for it."""

    def __init__(self, folder, longest):
        self.folder = Path(folder).resolve()
        if len(str(self.folder)) > longest:
            raise Trouble(f"{self.folder} is too long for the sockets in it ({longest} characters). Choose a shorter folder.")
        fresh = not self.folder.exists()
        for part in ("", "run", "log", "etc"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        if fresh:
            self.folder.chmod(0o755)
        self.lock = open(self.folder / "lock", "w", encoding="utf-8")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.environment = dict(os.environ)
        self.bare = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/"}

    def path(self, *parts):
        return self.folder.joinpath(*parts)

    def remember(self, **values):
        known = {**self.recall(), **values}
        self.path("settings.json.new").write_text(json.dumps(known, indent=1), encoding="utf-8")
        self.path("settings.json.new").rename(self.path("settings.json"))

    def recall(self):
        try:
            return json.loads(self.path("settings.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def write(self, path, text, mode=0o644):
        """True when the file changed."""
        path = self.path(path)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return True

    # Daemons

    def start(self, name, command, **environment):
        """Starts a daemon in the foreground of a session of its own, with little in its environment: jobs inherit it."""
        with open(self.path("log", f"{name}.out"), "ab") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/",
                env={**self.bare, **environment},
            )
        self.record(name, process.pid)
        return process

    def record(self, name, pid):
        """Takes note of a daemon by the process that it is now."""
        at = started_at(pid)
        if at is not None:
            self.path("run", f"{name}.process").write_text(f"{pid} {at}\n", encoding="utf-8")

    def alive(self, name):
        """The daemon's process id, or None."""
        try:
            pid, at = map(int, self.path("run", f"{name}.process").read_text(encoding="utf-8").split())
        except (FileNotFoundError, ValueError):
            return None
        return pid if started_at(pid) == at else None

    def daemons(self):
        return sorted(path.name.removesuffix(".process") for path in self.path("run").glob("*.process"))

    def stop(self, name, grace):
        """Ends a daemon that may not be running; grace in seconds, 0 for SIGKILL at once."""
        pid = self.alive(name)
        if pid and grace:
            if end([pid], grace):
                say(f"{name} ({pid}) did not end within {grace} s and was killed")
        elif pid:
            at = started_at(pid)
            os.kill(pid, signal.SIGKILL)
            until(f"{name} still lives", 10, lambda: started_at(pid) != at)
        self.path("run", f"{name}.process").unlink(missing_ok=True)

    def send(self, name, number):
        pid = self.alive(name)
        if not pid:
            raise Trouble(f"{name} is not running in {self.folder}.")
        os.kill(pid, number)

    def answers(self, command, **environment):
        """Whether a command succeeds."""
        try:
            return subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
                env={**self.environment, **environment},
            ).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def run(self, command, **environment):
        """A command's standard output; raises with its last line when it fails, or takes longer than a minute."""
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
                env={**self.environment, **environment},
            )
        except subprocess.TimeoutExpired:
            raise Trouble(f"{' '.join(map(str, command))} has not ended after 60 s. The logs are in {self.path('log')}.") from None
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
            raise Trouble(f"{' '.join(map(str, command))}: exit {done.returncode}: {last[0]}")
        return done.stdout

    def ready(self, name, process, seconds, true):
        """Waits until a daemon answers; raises with the end of its logs when it does not."""
        def tail():
            lines = []
            for path in (self.path("log", f"{name}.log"), self.path("log", f"{name}.out")):
                with contextlib.suppress(OSError):
                    lines += path.read_text(encoding="utf-8", errors="replace").splitlines()[-4:]
            return " | ".join(lines) or "It said nothing."

        deadline = time.monotonic() + seconds
        while not true():
            if process is not None and process.poll() is not None:
                raise Trouble(f"{name} ended with {process.returncode}: {tail()}")
            if time.monotonic() > deadline:
                raise Trouble(f"{name} does not answer after {seconds} s: {tail()}")
            time.sleep(0.05)

    def ports(self, count, running):
        """The first of some consecutive free ports on loopback, the same again when the testbed had some before. A name
        in the abstract socket space keeps others that start at the same moment away until this process ends."""
        def reserve(base):
            mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                mark.bind(f"\0sweepq-testbed-{base}")
            except OSError:
                return False
            self.mark = mark
            return True

        def free(port):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return False
                return True

        known = self.recall().get("ports")
        if known and (running or (reserve(known) and all(free(known + i) for i in range(count)))):
            return known
        slots = 60
        first = zlib.crc32(str(self.folder).encode()) % slots
        for slot in range(slots):
            base = 22000 + (first + slot) % slots * 80
            if reserve(base) and all(free(base + i) for i in range(count)):
                self.remember(ports=base)
                return base
        raise Trouble("no free ports between 22000 and 26800. End testbeds that are no longer needed.")
