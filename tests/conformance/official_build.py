"""Lambda's official runtime clients for Node and C++, fetched from npm by exact version and built as they build
themselves; what was built stays in the cache, so that only the first run of a build directory takes a minute."""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import time
import unittest

import fixture

# name, version, sha512 as the registry had it
CLIENT = ("aws-lambda-ric", "3.3.0",
          "9p06TbKVK4a050NY/vYOxhMHvnIiUu5o1W0//q6yNLSqA/c91pn4BOj3C3sRTpplkUNsGJdU5qWyU2STo6L8hA==")
ADDON_API = ("node-addon-api", "6.1.0",
             "+eawOlIgy680F0kBzPUNFhMZGtJ1YmqM6l4+Crf4IkImjYrO/mqPwRMh352g23uIaQKFItcQ64I7KMaJxHgAVA==")
TOOLS = ("npm", "cmake", "make", "g++", "autoconf", "automake", "libtoolize", "zip")
NO_NETWORK = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b")
SYSTEM_PATH = fixture.CLIENT_ENVIRONMENT["PATH"]


def node():
    """The interpreter as a jail sees it, too: below /usr."""
    return shutil.which("node", path="/usr/bin:/usr/local/bin")


def missing():
    """What is not here and cannot be done without; None if all is."""
    lacking = [tool for tool in TOOLS if not shutil.which(tool, path=SYSTEM_PATH)]
    if not node():
        lacking.append("node below /usr")
    elif not (node_prefix() / "include/node/node_api.h").exists():
        lacking.append(f"node's headers ({node_prefix()}/include/node)")
    return f"{', '.join(lacking)}: missing (scripts/setup --tests=2)" if lacking else None


def node_prefix():
    return pathlib.Path(node()).resolve().parents[1]


def run(command, log, cwd, **environment):
    """Runs one step; its words go to the log, and to the one who reads the failure."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env={**os.environ, "PATH": SYSTEM_PATH, **environment})
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(map(str, command))}\n{done.stdout}")
    print(f"  {time.monotonic() - began:5.1f} s  {' '.join(map(str, command))}", flush=True)
    if done.returncode:
        raise AssertionError(f"{command}: status {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def fetch(package, place, log):
    """Unpacks a package of exactly these bytes into the place."""
    name, version, sha512 = package
    place.mkdir(parents=True)
    try:
        run(["npm", "pack", f"{name}@{version}", "--loglevel=error"], log, place,
            npm_config_fetch_retries="1", npm_config_update_notifier="false")
    except AssertionError as failure:
        if NO_NETWORK.search(str(failure)):
            raise unittest.SkipTest(f"npm does not reach its registry for {name}@{version}") from failure
        raise
    packed = place / f"{name}-{version}.tgz"
    if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != sha512:
        raise AssertionError(f"{name}@{version} has other bytes than it had")
    with tarfile.open(packed) as archive:
        for member in archive:
            member.name = member.name.partition("/")[2]
            archive.extract(member, place)
    packed.unlink()


def client(cache):
    """The folder of the Node client, built; the C++ one and its libcurl are in deps/artifacts below it."""
    version = subprocess.run([node(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    key = hashlib.sha256(f"{CLIENT}{ADDON_API}{version}".encode()).hexdigest()[:12]
    place = cache / f"{CLIENT[0]}-{CLIENT[1]}-{key}"
    done = place / "done"
    if done.exists():
        return place / "package"
    shutil.rmtree(place, ignore_errors=True)
    package, log = place / "package", place / "log"
    fetch(CLIENT, package, log)
    fetch(ADDON_API, package / "node_modules" / ADDON_API[0], log)
    settings = {"MAKEFLAGS": f"-j{os.cpu_count()}", "npm_config_nodedir": str(node_prefix()),
                "npm_config_python": "/usr/bin/python3", "BUILD": "1"}  # BUILD: its sources are not swept away
    run(["./scripts/preinstall.sh"], log, package, **settings)
    run(["./scripts/postinstall.sh"], log, package, **settings)
    done.touch()
    return package


def node_zip(package, functions):
    """The function with the client beside it, where npm would have put it."""
    inside = f"node_modules/{CLIENT[0]}/"
    files = {inside + str(path.relative_to(package)): path
             for path in (package / "package.json", *package.glob("bin/*"), *package.glob("dist/*"))}
    files["bootstrap"] = (functions / "bootstrap").read_text().replace("@NODE@", node())
    files["index.js"] = functions / "index.js"
    return fixture.zip_of(files)


def cpp_zip(package, functions, cache):
    """The function as the client's own packager packs it: with its libraries and its loader."""
    build = cache / "cpp-function"
    build.mkdir(exist_ok=True)
    log = build / "log"
    run(["cmake", "-G", "Unix Makefiles", f"-DCMAKE_PREFIX_PATH={package}/deps/artifacts", "-DCMAKE_BUILD_TYPE=Release",
         functions], log, build)
    run(["cmake", "--build", ".", "--target", "aws-lambda-package-answer"], log, build)
    return (build / "answer.zip").read_bytes()
