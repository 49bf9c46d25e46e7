"""What holds a process, as lines and a hash: the same function must have the same in every row of ours."""

import hashlib
import os
import pathlib
import re

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
STATUS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters")
CODE = ("/var/task", "/opt")  # mounted from wherever a row keeps its code


def status_lines(text):
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return [f"{name} {fields[name].strip()}" for name in STATUS if name in fields]


def map_lines(kind, text):
    """The middle field is an id of the host's, another for each instance."""
    return [f"{kind} {inside} HOST {count}" for inside, _, count in (line.split() for line in text.splitlines())]


def mount_lines(text):
    """Without the numbers of mounts, devices and peer groups, the host's ids, and its paths of code. By mount
    point: when each was mounted is another story, but for those on the same point, of which the last one counts."""
    found = []
    for line in text.splitlines():
        before, after = line.split(" - ", 1)
        _, _, _, root, point, options, *tags = before.split()
        if point in CODE:
            root = "CODE"
        root = re.sub(r"^/.*faas-bench-[^/]+", "WORK", root)
        after = re.sub(r"\b([ug]id)=\d+", r"\1=HOST", after)
        tags = " ".join(tag.split(":")[0] for tag in tags)
        found.append((point, " ".join(f"mount {point} {root} {options} {tags} {after}".split())))
    return [line for _, line in sorted(found, key=lambda mount: mount[0])]


def namespace_lines(links, host):
    return [f"namespace {kind} {'host' if links[kind] == host[kind] else 'own'}" for kind in links]


def digest(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def namespaces(process):
    return {kind: os.readlink(process / "ns" / kind) for kind in KINDS}


def read(pid):
    """The lines of a process that runs."""
    process = pathlib.Path("/proc") / str(pid)
    return [*status_lines((process / "status").read_text()),
            *namespace_lines(namespaces(process), namespaces(pathlib.Path("/proc/self"))),
            *map_lines("uid", (process / "uid_map").read_text()),
            *map_lines("gid", (process / "gid_map").read_text()),
            *mount_lines((process / "mountinfo").read_text())]
