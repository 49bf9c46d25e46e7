"""What Python programs do: each part prints one line, the answer."""

import asyncio
import concurrent.futures
import ctypes
import fcntl
import hashlib
import http.server
import locale
import lzma
import mmap
import multiprocessing
import multiprocessing.shared_memory
import os
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
import uuid
import zoneinfo
from datetime import datetime


def threads():
    total, lock = [0], threading.Lock()

    def add(n):
        for _ in range(1000):
            with lock:
                total[0] += n

    all_threads = [threading.Thread(target=add, args=(n,)) for n in range(1, 9)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        print("threads:", total[0], sum(pool.map(len, ["four"] * 10)))


def processes():
    product = subprocess.run(["/usr/bin/expr", "6", "*", "7"], capture_output=True, text=True, check=True).stdout.strip()
    shell = subprocess.check_output("echo shell | tr a-z A-Z", shell=True, text=True, start_new_session=True).strip()
    try:
        subprocess.run(["/usr/bin/sleep", "60"], timeout=0.1)
        slept = "whole"
    except subprocess.TimeoutExpired:
        slept = "cut short"
    child = os.fork()
    if child == 0:
        os._exit(7)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    watched = os.fork()
    if watched == 0:
        time.sleep(60)
    fd = os.pidfd_open(watched)
    signal.pidfd_send_signal(fd, signal.SIGKILL)
    ended = os.waitid(os.P_PIDFD, fd, os.WEXITED).si_status
    print("processes:", product, shell, slept, status, ended)


def square(n):
    return n * n


def fill(name):
    memory = multiprocessing.shared_memory.SharedMemory(name)
    memory.buf[0] = 42
    memory.close()


def multi():
    answers = []
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            answers.append(sum(pool.map(square, range(100))))
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    child = multiprocessing.Process(target=fill, args=(memory.name,))
    child.start()
    child.join()
    print("multiprocessing:", *answers, memory.buf[0])
    memory.close()
    memory.unlink()


async def talk():
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "localhost", 0, family=socket.AF_INET)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\n")
    answer = (await reader.readline()).decode().strip()
    writer.close()
    child = await asyncio.create_subprocess_exec("/usr/bin/echo", "from a child", stdout=subprocess.PIPE)
    said = (await child.communicate())[0].decode().strip()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0.01)
    return answer, said


def database():
    with tempfile.TemporaryDirectory() as folder:
        with sqlite3.connect(folder + "/db") as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE t (n INTEGER, s TEXT)")
            db.executemany("INSERT INTO t VALUES (?, ?)", ((n, f"row {n}") for n in range(1000)))
            db.commit()
            print("sqlite:", db.execute("SELECT sum(n), max(s) FROM t").fetchone())


def tls():
    """A whole handshake in memory, certificate made by nobody: the anonymous suites."""
    ends = []
    for side in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
        context = ssl.SSLContext(side)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aNULL@SECLEVEL=0")
        if side == ssl.PROTOCOL_TLS_CLIENT:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        ends.append(context)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ends[0].wrap_bio(to_server, to_client, server_side=True)
    client = ends[1].wrap_bio(to_client, to_server)
    for _ in range(8):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    client.write(b"sealed")
    print("ssl:", server.read(6).decode(), client.version())


def files():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a")
        with open(path, "wb") as f:
            f.write(b"line\n" * 1000)
            fcntl.flock(f, fcntl.LOCK_EX)
            os.fsync(f.fileno())
        shutil.copy2(path, path + "2")
        shutil.make_archive(os.path.join(folder, "zip"), "zip", folder, "a")
        shutil.make_archive(os.path.join(folder, "tar"), "xztar", folder, "a")
        os.symlink("a", os.path.join(folder, "link"))
        os.mkfifo(os.path.join(folder, "fifo"))
        os.replace(path + "2", path + "3")
        os.chown(path, os.getuid(), os.getgid())
        with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as mapped:
            mapped[0:4] = b"LINE"
            mapped.flush()
        names = sorted(os.listdir(folder))
        print("files:", *names, len(lzma.decompress(lzma.compress(b"x" * 10000))), shutil.disk_usage(folder).total > 0)


def web():
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    os.chdir("/usr/share/common-licenses")
    with http.server.ThreadingHTTPServer(("localhost", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        body = urllib.request.urlopen(f"http://localhost:{server.server_port}/GPL-3").read()
        server.shutdown()
    print("web:", hashlib.sha256(body).hexdigest()[:8])


def system():
    ctypes.CDLL(None).getpid()
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda a, b: 0)  # libffi's own memory
    numbers = (ctypes.c_int * 4)(3, 1, 2, 0)
    ctypes.CDLL(None).qsort(numbers, 4, 4, callback)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    os.nice(1)
    for limit in (resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        resource.setrlimit(limit, resource.getrlimit(limit))
    read, write = os.pipe()
    os.set_inheritable(read, True)
    assert time.process_time() > 0 and time.thread_time() > 0
    berlin = datetime.fromtimestamp(1e9, zoneinfo.ZoneInfo("Europe/Berlin"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # the usual recipe for an address of one's own
        address = fcntl.ioctl(s, 0x8915, b"lo".ljust(256, b"\0"))[20:24]
    assert socket.inet_ntoa(address) == "127.0.0.1"
    print("system:", len(os.sched_getaffinity(0)) > 0, soft <= hard, uuid.uuid1().version, berlin)


if __name__ == "__main__":
    threads()
    processes()
    multi()
    print("asyncio:", *asyncio.run(talk()))
    database()
    tls()
    files()
    web()
    system()
