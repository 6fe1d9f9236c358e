"""The rig of the benchmark: one server with a data directory of its own, and the tools that talk to it and to its
PostgreSQL. Python's standard library only, because `make bench` has to work on a plain Debian machine."""

import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("PROPOLIS_BIN", os.path.join(ROOT, "build", "propolis"))
HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 120
IDLE_SECONDS = 30  # the server closes a connection that nobody uses for a minute


class Failed(Exception):
    """Something the benchmark needs did not work; a slow result is no failure of this kind."""


def median(values):
    return statistics.median(values)


# ---- the server -----------------------------------------------------------------------------------------------------

class Server:
    """`propolis serve` on a fresh data directory: embedded cluster, login required, otherwise the defaults."""

    def __init__(self, clients):
        self.home = tempfile.mkdtemp(prefix="propolis-bench-", dir=os.environ.get("BENCH_DIR", "/var/tmp"))
        os.chmod(self.home, 0o755)  # started as root, the server works as a user of its own
        self.data = os.path.join(self.home, "data")
        self.log = open(os.path.join(self.home, "server.log"), "ab")
        # max_connections of the cluster follows the pools; pgbench needs as many as it has clients, beside the server's.
        self.flags = ["--data-dir", self.data, "--http-port", "0", "--thrift-port", "0", "--set", "auth.mode=required",
                      "--set", f"database.pool_bulk={clients}", "--set", "log.level=warn"]
        self.process = None

    def start(self):
        """Starts it and returns the seconds until it said it was ready."""
        began = time.monotonic()
        self.process = subprocess.Popen([PROGRAM, "serve", *self.flags], stdout=subprocess.PIPE, stderr=self.log,
                                        stdin=subprocess.DEVNULL, cwd=self.home)
        for raw in self.process.stdout:
            found = re.match(rb"propolis: ready http=(\S+):(\d+)", raw)
            if found:
                took = time.monotonic() - began
                self.address = (found[1].decode(), int(found[2]))
                with open(os.path.join(self.data, "admin.token"), encoding="ascii") as file:
                    self.token = file.read().strip()
                return took
        raise Failed(f"the server did not start; see {self.log.name}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(START_SECONDS)
        if self.process:
            self.process.stdout.close()

    def remove(self, keep):
        self.stop()
        self.log.close()
        if not keep:
            shutil.rmtree(self.home, ignore_errors=True)

    def processes(self):
        """(pids of the server and its workers, pids of PostgreSQL)."""
        ours, postgres = [], []
        children = {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            pid = int(text.split(" ", 1)[0])
            children.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(pid)
        with open(os.path.join(self.data, "postgres", "postmaster.pid"), encoding="utf-8") as file:
            postmaster = int(file.readline())
        todo = [self.process.pid]
        while todo:
            pid = todo.pop()
            (postgres if pid == postmaster or pid in postgres else ours).append(pid)
            for child in children.get(pid, []):
                if pid == postmaster or pid in postgres:
                    postgres.append(child)
                todo.append(child)
        return sorted(set(ours) - set(postgres)), sorted(set(postgres))


def pss_mb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M)[1])
    return total / 1024


# ---- REST -----------------------------------------------------------------------------------------------------------

def path(*names, **query):
    text = "/api/v1" + "".join("/" + (n if n.startswith(":") else urllib.parse.quote(n, safe="")) for n in names)
    text = text.replace("/:", ":")
    return text + ("?" + urllib.parse.urlencode(query) if query else "")


class Rest:
    """One keep-alive connection. Times count from the first byte sent to the last byte read; nothing is decoded in it."""

    def __init__(self, server):
        self.http = http.client.HTTPConnection(*server.address, timeout=300)
        self.used = 0
        self.headers = {"Authorization": f"Bearer {server.token}"}

    def raw(self, verb, where, body=None, accepted=(200, 201, 204), kind="application/json"):
        headers = dict(self.headers, **({"Content-Type": kind} if body is not None else {}))
        if time.monotonic() - self.used > IDLE_SECONDS:
            self.http.close()
            self.http.connect()
            self.http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.monotonic()
        self.http.request(verb, where, body=body, headers=headers)
        answer = self.http.getresponse()
        data = answer.read()
        self.used = time.monotonic()
        took = self.used - began
        if answer.status not in accepted:
            raise Failed(f"{verb} {where}: {answer.status} {data[:500].decode(errors='replace')}")
        return took, data

    def call(self, verb, where, body=None, **how):
        _, data = self.raw(verb, where, None if body is None else json.dumps(body).encode(), **how)
        return json.loads(data) if data else None

    def times(self, count, verb, where, warm=2):
        """Milliseconds of COUNT calls behind WARM unmeasured ones, and the last answer."""
        took = []
        data = b""
        for i in range(count + warm):
            seconds, data = self.raw(verb, where)
            if i >= warm:
                took.append(seconds * 1000)
        return took, json.loads(data)


# ---- PostgreSQL -----------------------------------------------------------------------------------------------------

class Postgres:
    """The server's own cluster, through its socket."""

    def __init__(self, server):
        self.where = ["-h", server.data, "-U", "propolis"]
        self.log = os.path.join(server.data, "postgres.log")

    def run(self, program, *args):
        done = subprocess.run([program, *self.where, *args], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"{program} {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def sql(self, *texts, database="propolis"):
        commands = [part for text in texts for part in ("-c", text)]
        out = self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", database, *commands)
        return [line.split("\t") for line in out.splitlines()]

    def value(self, text):
        return self.sql(text)[0][0]

    def size(self):
        return int(self.value("SELECT pg_database_size('propolis')"))


def pgbench_program():
    """Beside the server's own PostgreSQL, or in the PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"), key=lambda p: int(p.split("/")[4]))
    return found[-1] if found else shutil.which("pgbench")


# ---- load -----------------------------------------------------------------------------------------------------------

def pgbench_rate(postgres, clients, threads, seconds):
    out = postgres.run(pgbench_program(), "-n", "-S", "-M", "prepared", "-c", str(clients), "-j", str(threads),
                       "-T", str(seconds), "pgbench")
    return float(re.search(r"^tps = ([\d.]+)", out, re.M)[1])


def wrk_rate(server, where, clients, threads, seconds):
    """The token goes through the environment: a command line can be read by everybody."""
    url = f"http://{server.address[0]}:{server.address[1]}{where}"
    done = subprocess.run(["wrk", "-t", str(threads), "-c", str(clients), "-d", f"{seconds}s", "-s",
                           os.path.join(HERE, "token.lua"), url], capture_output=True, text=True, check=False,
                          env=dict(os.environ, BENCH_TOKEN=server.token))
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", done.stdout, re.M)
    if done.returncode or not rate or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise Failed(f"wrk {url}: {done.stdout}{done.stderr}")
    return float(rate[1])
