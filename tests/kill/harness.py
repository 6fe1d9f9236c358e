"""The program under test as a process, and HTTP to it. Python's standard library only: .ci/run needs no packages for this."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("PROPOLIS_BIN") or str(ROOT / "build" / "propolis")
READY = re.compile(rb"^propolis: ready http=127\.0\.0\.1:(\d+)", re.M)


class Unanswered(Exception):
    """The connection ended before the answer: the request may or may not have been carried out."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers = status, headers
        self.json = json.loads(body) if body and "json" in (headers.get("Content-Type") or "") else None

    def code(self):
        return (self.json or {}).get("code")


class Http:
    """One thread's connection. Every request has an id of its own, by which the change log can be asked about it."""

    def __init__(self, server, timeout=60):
        self.server, self.timeout, self.connection, self.port = server, timeout, None, None

    def call(self, method, path, body=None, headers=None, request_id=None):
        if self.connection is None or self.port != self.server.port:
            self.port = self.server.port
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        headers = {"X-Request-Id": request_id or str(uuid.uuid4()), **(headers or {})}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as e:
            self.close()
            raise Unanswered(f"{type(e).__name__}: {e}") from e

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def get(self, path, **query):
        answer = self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer.status} {answer.json}")
        return answer.json

    def items(self, path, **query):
        """All pages."""
        found, token = [], None
        while True:
            page = self.get(path, **query, **({"page_token": token} if token else {}))
            found += page["items"]
            token = page.get("next_page_token")
            if not token:
                return found


def segment(name):
    return urllib.parse.quote(name, safe="")


class Server:
    def __init__(self, *flags):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="pk"))  # short, for the socket in it
        os.chmod(self.home, 0o755)
        self.data = self.home / "data"
        self.flags = list(flags)
        self.process, self.port = None, 0
        self.log = open(self.home / "log", "ab")

    def launch(self):
        """Starts without waiting."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PROPOLIS_")}
        self.out = tempfile.TemporaryFile()
        command = [BINARY, "serve", "--data-dir", str(self.data), "--http-port", "0", "--thrift-port", "0", *self.flags]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.log, env=environment)

    def wait_ready(self, seconds=60):
        """Until it says so. Returns the seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            match = READY.search(os.pread(self.out.fileno(), 1 << 20, 0))
            if match:
                self.port = int(match[1])
                return time.monotonic() - began
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"the server did not become ready (exit code {self.process.poll()}):\n" + self.log_tail())

    def log_tail(self, lines=30):
        return "\n".join((self.home / "log").read_text(errors="replace").splitlines()[-lines:])

    def log_lines(self, pattern):
        return [line for line in (self.home / "log").read_text(errors="replace").splitlines() if re.search(pattern, line)]

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def postmaster(self):
        try:
            return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return 0

    def backends(self):
        """Processes of the cluster that serve a connection."""
        postmaster, found = self.postmaster(), []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"PPid:\t{postmaster}\n" in (entry / "status").read_text():
                    title = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    if b"postgres: " in title and b"[local]" in title:
                        found.append(int(entry.name))
            except OSError:
                continue
        return found

    def cluster_processes(self):
        postmaster, found = self.postmaster(), []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"PPid:\t{postmaster}\n" in (entry / "status").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
        return [postmaster, *found] if postmaster else []

    def stop(self):
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        postmaster = self.postmaster()
        if postmaster:  # the cluster of a server that was killed and not started again
            try:
                os.kill(postmaster, signal.SIGINT)
            except ProcessLookupError:
                pass
            for _ in range(100):
                if not (self.data / "postgres" / "postmaster.pid").exists():
                    break
                time.sleep(0.1)

    def remove(self):
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


class Report:
    """Counts checks; prints what failed as it happens."""

    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def check(self, good, text):
        with self.lock:
            if good:
                self.passed += 1
            else:
                self.failed += 1
                print(f"FAILED {text() if callable(text) else text}", flush=True)
        return good
