"""Rows of what is asked of functions beside calling them: create, move an alias, list."""

import os

from measure import Row
from sides import Missing

UNPINNED = "unpinned"
ZIP = 4096     # bytes of each zip that is deployed
EVERY = 20     # ms from one move to the next
CALLS = 100    # a second, of the alias that is moved
MANY, FEW = 100_000, 1000


def file_system(path):
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="ascii") as mounts:
        kinds = [line.split(" - ")[1].split()[0] for line in mounts if line.split()[2] == number]
    return kinds[0] if kinds else "a file system without a device"


def on_disk(files):
    """The kind of file system that both sides write to."""
    kind = file_system(files.work)
    if kind in ("tmpfs", "ramfs") and not files.settings.smoke:
        raise Missing(f"{files.work} is on {kind}, where fsync costs nothing; set TMPDIR to a directory on a disk")
    return kind


def create(files):
    return Row("api.create.p50.vs_written", "none", UNPINNED,
               "ours: CreateFunction over HTTP, each with a name and a zip of its own, state on disk, one keep-alive "
               f"connection; reference: a file as large as the zip ({ZIP} bytes): temporary, write, fsync, rename, "
               f"fsync of the directory; both on {on_disk(files)}",
               files.run("bench_create", files.directory("created"), str(ZIP)),
               files.run("floor_durable", "file", files.directory("written"), str(ZIP)), (50, 50))


def alias_move(files):
    return Row("alias.move.p99.vs_fsync", "warm", UNPINNED,
               f"ours: UpdateAlias over HTTP each {EVERY} ms, from when it was due to its answer, while the alias gets "
               f"{CALLS} calls a second of a function in C; a call that fails, or is answered by a version that the "
               "alias had left before it began, fails the row; reference: a page within a file written and "
               f"fdatasynced at the same pace, no calls beside; both on {on_disk(files)}; the ratio is that of the "
               "p99 of each round",
               files.run("bench_alias_moves", files.directory("moved"), str(EVERY),
                         files.code("version", "bench_version", "bootstrap")),
               files.run("floor_durable", "page", files.directory("paged"), str(EVERY)), (100, 100), at=99)


def listing(files, where, what):
    """Each side has a state of its own: one runtime opens it at a time."""
    many = FEW if files.settings.smoke else MANY
    words = {"latest": "", "all": ", FunctionVersion=ALL"}

    def side(directory, page):
        return files.run("bench_list_pages", str(many), files.directory(directory), page, what)
    return Row(f"list.100k.{'all.' if what == 'all' else ''}{where}_vs_first", "none", UNPINNED,
               f"ours: the {where} page of 50 of ListFunctions over HTTP{words[what]}, with {MANY:,} functions, each "
               "with a version; reference: the first page",
               side("listed", where), side("listed-too", "first"), (50, 50))


ROWS = {
    "api.create.p50.vs_written": create,
    "alias.move.p99.vs_fsync": alias_move,
    "list.100k.middle_vs_first": lambda files: listing(files, "middle", "latest"),
    "list.100k.last_vs_first": lambda files: listing(files, "last", "latest"),
    "list.100k.all.middle_vs_first": lambda files: listing(files, "middle", "all"),
    "list.100k.all.last_vs_first": lambda files: listing(files, "last", "all"),
}
