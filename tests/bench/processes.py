"""What the processes of a measured program are and cost, read from /proc: outside of any timed part."""

import os
import pathlib

PROC = pathlib.Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Process:
    """One line of /proc/PID/stat. `ticks` has what it used and what the children it waited for used."""

    def __init__(self, text):
        pid, rest = text.split(" (", 1)
        self.name, fields = rest.rsplit(") ", 1)
        fields = fields.split()
        self.ended = fields[0] == "Z"  # and nobody has waited for it
        self.pid, self.parent, self.ticks = int(pid), int(fields[1]), sum(int(f) for f in fields[11:15])


def everything():
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                found.append(Process((entry / "stat").read_text()))
            except OSError:
                pass  # it has ended
    return found


def tree(roots, processes):
    """[(process, depth)] of `roots` and all that descend from them."""
    children = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    found, level, depth = [], [p for p in processes if p.pid in roots], 0
    while level:
        found += [(process, depth) for process in level]
        level, depth = [child for process in level for child in children.get(process.pid, [])], depth + 1
    return found


def cpu_seconds(roots):
    """User and system time of the whole tree so far, with all in it that has ended. Not in it: what the
    kernel's own threads do later, as the end of a network namespace."""
    return sum(process.ticks for process, _ in tree(roots, everything())) / TICKS_PER_SECOND


def deepest(roots):
    """The process farthest from the roots: the program inside whatever holds it."""
    alive = [found for found in tree(roots, everything()) if not found[0].ended]
    return max(alive, key=lambda found: found[1])[0]


def descriptors(pid):
    try:
        return [os.readlink(entry) for entry in (PROC / str(pid) / "fd").iterdir()]
    except OSError:
        return []


def subdirectories(path):
    try:
        return {entry.path for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)}
    except OSError:
        return set()


def pools(roots):
    """What a tree keeps ready while nothing runs: counted as {kind: number}, by what its processes are and
    hold open, not by what they say of themselves."""
    found = [process for process, _ in tree(roots, everything()) if not process.ended]
    held = {link for process in found for link in descriptors(process.pid)}
    cgroups = {link for link in held if link.startswith("/sys/fs/cgroup/") and os.path.isdir(link)}
    return {"processes": len(found),
            "networks": sum(link.startswith("net:[") for link in held),
            "mount trees": sum(link.startswith("mnt:[") for link in held),
            "cgroups": len(cgroups.union(*map(subdirectories, cgroups)))}
