"""Reads strace's record of what was written to some files, and in which order it was made durable."""

import re

CALLS = "openat,write,pwrite64,ftruncate,fdatasync,fsync,unlink,unlinkat,rename"
_LINE = re.compile(r"^(?:\[pid +)?(\d+)\]? +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+|\?)")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_DESCRIPTOR = re.compile(r"^(\d+)<([^>]*)>(?:, )?(.*)$", re.S)
_STRING = re.compile(r'"([^"]*)"(\.\.\.)?')


def arguments(log, paths):
    """The strace command line that records into `log` what all processes do to `paths`."""
    command = ["strace", "-f", "-y", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(log)]
    for path in paths:
        command += ["-P", str(path)]
    return command


def text(escaped):
    return bytes.fromhex(escaped.replace("\\x", "")) if "\\x" in escaped else escaped.encode()


def events(log):
    """Yields (call, path, arguments) in order of completion; a sync also yields ("begin", path, ()) when it starts.

    Arguments: write and pwrite64 have (offset or None, bytes), ftruncate has (size,), openat has (flags,).
    """
    started = {}
    with open(log, errors="surrogateescape") as file:
        for line in file:
            match = _LINE.match(line.rstrip("\n"))
            if not match:
                continue
            pid, rest = match.groups()
            if rest.endswith("<unfinished ...>"):
                started[pid] = rest[: -len("<unfinished ...>")].rstrip()
                call, _, inside = started[pid].partition("(")
                if call in ("fsync", "fdatasync"):
                    yield "begin", _path(inside), ()
                continue
            if resumed := _RESUMED.match(rest):
                rest = started.pop(pid, resumed.group(1) + "(") + resumed.group(2)
                was_split = True
            else:
                was_split = False
            match = _CALL.match(rest)
            if not match or match.group(3) in ("?", "-1"):
                continue
            call, inside, result = match.groups()
            if call in ("fsync", "fdatasync") and not was_split:
                yield "begin", _path(inside), ()
            yield _event(call, inside, int(result))


def _path(inside):
    descriptor = _DESCRIPTOR.match(inside.rstrip(")"))
    return text(descriptor.group(2)).decode() if descriptor else ""


def _event(call, inside, result):
    if call in ("openat", "unlink", "unlinkat", "rename"):
        strings = [text(found[0]).decode() for found in _STRING.findall(inside)]
        if call == "openat":
            return call, strings[0], (inside,)
        if call == "rename":
            return call, strings[0], (strings[1],)
        return "unlink", strings[0], ()
    descriptor = _DESCRIPTOR.match(inside)
    path, rest = text(descriptor.group(2)).decode(), descriptor.group(3)
    if call in ("write", "pwrite64"):
        found = _STRING.match(rest)
        if found.group(2):
            raise ValueError("strace has cut a write short")
        data = text(found.group(1))[:result]
        offset = int(rest.rsplit(", ", 1)[1]) if call == "pwrite64" else None
        return call, path, (offset, data)
    if call == "ftruncate":
        return call, path, (int(rest),)
    return call, path, ()
