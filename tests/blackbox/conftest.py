"""Starts the real program on free ports, each with a data directory of its own, and watches what it logs."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest
import requests

BINARY = os.environ.get("PROPOLIS_BIN") or str(pathlib.Path(__file__).parents[2] / "build" / "propolis")
READY = re.compile(r"^propolis: ready http=(\S+) thrift=(\S+)$", re.M)
LOUD = re.compile(r"\b(WARN|ERROR)\b|Sanitizer|runtime error:")


class Server:
    """One running `propolis serve`. Lines at WARN or above that no test expected fail the test that stops it."""

    def __init__(self, directory, *flags, environment=None):
        self.directory = pathlib.Path(directory)
        self.flags = flags
        self.environment = environment or {}
        self.expected = []
        self.lines = []
        self.process = None

    def command(self):
        return [BINARY, "serve", "--data-dir", str(self.directory), "--http-port", "0", "--thrift-port", "0", *self.flags]

    def start(self, timeout=60):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PROPOLIS_")} | self.environment
        self.out = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.command(), stdout=self.out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, errors="replace", env=environment
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            match = READY.search(self.stdout())
            if match:
                self.base = "http://" + match[1]
                self.thrift = match[2]
                self.api = self.base + "/api/v1"
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        raise AssertionError(f"the server did not start:\n{self.stdout()}\n{self.log()}")

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def stdout(self):
        return os.pread(self.out.fileno(), 1 << 20, 0).decode()

    def log(self):
        return "\n".join(self.lines)

    def expect_log(self, pattern):
        """A line at WARN or above that matches is fine from here on."""
        self.expected.append(re.compile(pattern))

    def stop(self, how=signal.SIGTERM, timeout=40):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server did not stop:\n" + self.log())
        self.reader.join(5)
        loud = [line for line in self.lines if LOUD.search(line) and not any(e.search(line) for e in self.expected)]
        assert not loud, "unexpected lines in the log:\n" + "\n".join(loud)
        return self.process.returncode

    def client(self, token=None):
        session = Client(self)
        if token:
            session.headers["Authorization"] = "Bearer " + token
        return session


class Client(requests.Session):
    """A session that takes paths below /api/v1 (or absolute ones) and keeps every JSON answer for test_openapi.py."""

    answers = []

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.trust_env = False

    def request(self, method, path, **more):
        url = path if path.startswith("http") else (self.server.base if path.startswith("//") else self.server.api) + path.replace("//", "/", 1)
        answer = super().request(method, url, timeout=more.pop("timeout", 30), **more)
        return answer

    def ok(self, method, path, status=None, **more):
        answer = self.request(method, path, **more)
        if status is not None:
            assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content and "json" in answer.headers.get("Content-Type", "") else answer

    def problem(self, method, path, status, code, **more):
        answer = self.request(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == code, problem
        assert problem["status"] == status
        assert problem["request_id"] == answer.headers["X-Request-Id"]
        return problem


@contextlib.contextmanager
def temporary_directory():
    """Short (a unix socket lives in it) and open to the user that a server started as root becomes."""
    path = tempfile.mkdtemp(prefix="pp")
    os.chmod(path, 0o755)
    try:
        yield pathlib.Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(*flags, directory=None, environment=None):
    with contextlib.ExitStack() as stack:
        where = directory or stack.enter_context(temporary_directory()) / "data"
        server = Server(where, *flags, environment=environment).start()
        try:
            yield server
        except BaseException:
            server.process.kill()
            server.process.wait()
            print(server.log())
            raise
        server.stop()


@pytest.fixture(scope="session")
def shared():
    """One server in local mode for all tests that only need names of their own."""
    with running() as server:
        server.expect_log("is not below any of the writable roots")  # most tests use locations that do not exist
        yield server


@pytest.fixture
def api(shared):
    with shared.client() as client:
        yield client


@pytest.fixture
def database(api, request):
    """A database of this test alone."""
    name = re.sub(r"\W", "_", request.node.name)[:60].lower() + "_" + os.urandom(3).hex()
    api.ok("POST", "/catalogs/hive/databases", 201, json={"name": name})
    yield f"/catalogs/hive/databases/{name}"
    api.request("DELETE", f"/catalogs/hive/databases/{name}?cascade=true")
