"""Rows of starts: one at a time, and as many as go."""

import os
import pathlib

from files import interpreter, tool
from measure import Row
from memory import Density, DensityRow
from sides import Containerd, Missing, Rival

UNPINNED = "unpinned"
NATIVE = ("ours: Sandbox::submit to the first byte of a static program, {}, seven namespaces, own root, filter, "
          "no capabilities, listener")
FRESH = NATIVE.format("empty pools")
READY = {"pooled": "a network and a cgroup from the pools", "shell": "a locked jail that waits for its program"}


def native_vs_floor(files):
    return Row("cold.native.vs_floor", "cold", UNPINNED,
               FRESH + "; reference: cgroup, the same seven namespaces, exec, nothing else",
               files.run("bench_cold_native", files.hello(), "fresh"),
               files.run("floor_spawn", "net", files.hello() + "/hello"), (10, 10), function="hello")


def ready_vs_floor(files, kind):
    return Row(f"cold.native.{kind}.vs_floor_nonet", "cold", UNPINNED,
               NATIVE.format(READY[kind]) + "; reference: cgroup, six namespaces (no network), exec, nothing else",
               files.run("bench_cold_native", files.hello(), kind),
               files.run("floor_spawn", "nonet", files.hello() + "/hello"), (10, 10), function="hello")


HELD = "1"  # seconds that the program stays for its posture to be read


def native_vs_rival(files, rival, words, opener, block):
    return Row(f"cold.native.vs_{rival}", "cold", UNPINNED, f"{FRESH}; reference: {words}",
               files.run("bench_cold_native", files.hello(), "fresh"), opener, (10, block), function="hello")


def native_vs_bwrap(files):
    task = files.hello()
    shares = [f"--unshare-{kind}" for kind in ("user", "pid", "net", "ipc", "uts", "cgroup")]
    command = [tool("bwrap"), *shares, "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs",
               "/tmp", "--ro-bind", task, "/var/task", "--cap-drop", "ALL", "--clearenv", "/var/task/hello"]
    return native_vs_rival(files, "bwrap", "bwrap, the same namespaces, own root; no filter, no cgroup",
                           lambda: Rival(files.run("floor_program", "byte", *command), [*command, HELD]), 4)


def need_root(who):
    if os.geteuid() != 0:
        raise Missing(f"{who} with these namespaces and a cgroup needs root")


def runc(files, *arguments):
    need_root("runc")
    return [tool("runc"), "--root", files.directory("runc"), "run", "--bundle", files.bundle(*arguments)]


def native_vs_runc(files):
    command, held, name = runc(files), runc(files, HELD), f"bench-{os.getpid()}"
    return native_vs_rival(files, "runc", "runc run on a prebuilt bundle, the same namespaces; no filter, no limits",
                           lambda: Rival(files.run("floor_program", "byte", *command, name), [*held, name]), 2)


def native_vs_containerd(files):
    need_root("containerd")
    tool("runc")
    daemon, ctr, work = tool("containerd"), tool("ctr"), pathlib.Path(files.directory("containerd"))

    def run(*arguments):
        return [ctr, "-a", str(work / "socket"), "run", "--rm", "--config", files.bundle(*arguments) + "/config.json",
                f"bench-{os.getpid()}"]
    return native_vs_rival(files, "containerd",
                           "ctr run --rm at a containerd that runs, with the bundle of vs_runc: no image and no "
                           "snapshot, which it would have to make beside; no filter, no limits",
                           lambda: Containerd(daemon, work, files.run("floor_program", "byte", *run()), run(HELD)), 1)


def interpreter_vs_bare(files, kind, bare):
    return Row(f"cold.{kind}.vs_bare", "cold", UNPINNED,
               "ours: Runtime::invoke to the answer, a fresh jail each time, code cached, less the native start of "
               "the same round (as in cold.native.pooled.vs_floor_nonet: a runtime has pools, too); reference: the "
               "same interpreter outside of any jail, empty environment, an empty program, start to end",
               files.run("bench_calls", "cold", "spread", kind if kind == "python" else "nodejs",
                         files.directory(kind)),
               files.run("floor_program", "exit", *bare), (3, 3), function=kind,
               base=files.run("bench_cold_native", files.hello(), "pooled"))


def python_vs_bare(files):
    return interpreter_vs_bare(files, "python", [interpreter("python3"), "-I", "-c", "pass"])


def node_vs_bare(files):
    return interpreter_vs_bare(files, "node", [interpreter("node"), files.directory("empty/empty.js")])


SCALEOUT = ("ours: starts of a static program a second through Sandbox with pools of 64, 32 at once, each to its "
            "end with nothing left of it; ")


def scaleout(files, name, words, reference):
    milliseconds = files.settings.scaleout_milliseconds()
    return Row(name, "cold", UNPINNED, SCALEOUT + words,
               files.run("bench_many_jails", "rate", files.hello(), str(milliseconds)),
               files.run("floor_scaleout", *reference(str(milliseconds))), (1, 1), unit="1/s", scale=1,
               operations=lambda rate: rate * milliseconds / 1000, function="hello")


def scaleout_vs_floor(files):
    return scaleout(files, "scaleout.per_s.vs_floor_nonet",
                    "reference: cgroup, six namespaces (no network), exec, the same way",
                    lambda duration: ["nonet", duration, files.hello() + "/hello"])


def scaleout_vs_runc(files):
    return scaleout(files, "scaleout.per_s.vs_runc", "reference: 32 runc run at once on the bundle of vs_runc",
                    lambda duration: ["plain", duration, *runc(files), "@"])


POOL = 64  # of bench_many_jails


def scaleout_after_pools(files):
    starts = POOL if files.settings.smoke else 10 * POOL
    return Row("scaleout.after_ten_pools.vs_first", "cold", UNPINNED,
               f"{SCALEOUT}only the {POOL} that follow {starts} others without a pause, whose pools nobody had time "
               f"to fill; reference: the first {POOL}, pools full",
               files.run("bench_many_jails", "after", files.hello(), str(starts)),
               files.run("bench_many_jails", "after", files.hello(), "0"), (1, 1), unit="1/s", scale=1,
               operations=lambda rate: starts + POOL, reference_operations=lambda rate: POOL, function="hello")


def density_of(files):
    """Measured once, for both rows."""
    program = files.hello() + "/hello"
    if not hasattr(files, "density"):
        files.density = Density(
            files.run("bench_many_jails", "idle", files.hello()), files.run("floor_density", program),
            {"the process": files.run("floor_density", program),
             "with a cgroup": files.run("floor_density", program, "cgroup"),
             "with six namespaces": files.run("floor_density", program, "namespaces"),
             "with these and a network": files.run("floor_density", program, "namespaces", "net"),
             "with all of them": files.run("floor_density", program, "namespaces", "net", "cgroup")})
    return files.density


DENSITY = ("no A B B A: ours, the reference and the parts one after the other, five times; {} between 500 and 1,000 "
           "idle instances (jails with a private network and a listener, each a pid 1 and a static program that "
           "waits), one more of them, against plain idle processes of the same program")


def density(files):
    return DensityRow("density.native.vs_plain", DENSITY.format("how MemAvailable falls"), "MemAvailable",
                      density_of(files))


def density_counted(files):
    return DensityRow("density.native.counted.vs_plain",
                      DENSITY.format("what is counted as theirs, whatever other programs do meanwhile,"), "counted",
                      density_of(files))


ROWS = {
    "cold.native.vs_floor": native_vs_floor,
    "cold.native.pooled.vs_floor_nonet": lambda files: ready_vs_floor(files, "pooled"),
    "cold.native.shell.vs_floor_nonet": lambda files: ready_vs_floor(files, "shell"),
    "cold.native.vs_bwrap": native_vs_bwrap,
    "cold.native.vs_runc": native_vs_runc,
    "cold.native.vs_containerd": native_vs_containerd,
    "cold.python.vs_bare": python_vs_bare,
    "cold.node.vs_bare": node_vs_bare,
    "scaleout.per_s.vs_floor_nonet": scaleout_vs_floor,
    "scaleout.per_s.vs_runc": scaleout_vs_runc,
    "scaleout.after_ten_pools.vs_first": scaleout_after_pools,
    "density.native.vs_plain": density,
    "density.native.counted.vs_plain": density_counted,
}
