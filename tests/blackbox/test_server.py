"""The process: start, stop, signals, ports, health, metrics."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests

from conftest import BINARY, Server, running, temporary_directory


def run(*words, **more):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60, **more)


def test_version():
    done = run("version")
    assert done.returncode == 0 and done.stdout.startswith("propolis ")


def test_health_needs_nothing(api):
    assert api.ok("GET", "//healthz").text == "ok\n"
    assert api.ok("GET", "//readyz").text == "ready\n"
    assert api.ok("GET", "//version")["name"] == "propolis"


def test_an_outage_costs_two_lines():
    with running() as server:
        server.expect_log(r"database_unavailable|PostgreSQL ended|state_unknown")
        postmaster = int((server.directory / "postgres" / "postmaster.pid").read_text().split()[0])
        stop, refused = time.monotonic() + 3, []

        def ask():
            with server.client() as api:
                while time.monotonic() < stop:
                    answer = api.request("GET", "/catalogs")
                    if answer.status_code == 503 and answer.json()["code"] == "database_unavailable":
                        refused.append(answer)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        os.kill(postmaster, signal.SIGKILL)
        for t in threads:
            t.join()
        count = lambda words: sum(words in line for line in server.lines)
        deadline = time.monotonic() + 20
        while not count("No more requests are refused"):
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.05)
        assert len(refused) > 10 and count(": database_unavailable: ") == 1, server.log()
        assert count(f"refused with database_unavailable; {len(refused)} were") == 1, server.log()


def test_metrics_can_be_switched_off():
    with running("--set", "metrics.enabled=false") as server:
        assert "metrics.enabled" in server.client().problem("GET", "//metrics", 404, "not_found")["detail"]


def test_metrics_are_clean(api):
    text = api.ok("GET", "//metrics").text
    assert 'propolis_requests_total{method="healthz"}' in text
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    assert promtool, "tools/promtool did not get promtool"
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_database_away_is_told_in_one_line():
    with temporary_directory() as home:
        done = run("verify", "--data-dir", str(home), "--database-url", "postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "refused" in done.stderr, "and the reason with it"


def test_admin(api):
    assert {row["name"] for row in api.ok("GET", "//admin/methods")["items"]} >= {"table.get", "change.list"}
    assert [pool["name"] for pool in api.ok("GET", "//admin/pools")["database"]] == ["read", "bulk"]
    assert api.ok("GET", "//admin/connections")["open"] >= 1
    options = {row["key"]: row for row in api.ok("GET", "//admin/config")["items"]}
    assert options["http.port"]["source"] == "flag --http-port"


def test_port_in_use():
    with socket.socket() as taken, temporary_directory() as directory:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("serve", "--data-dir", str(directory / "data"), "--http-port", port, "--thrift-port", "0")
        assert done.returncode != 0
        assert f"Port {port} on 127.0.0.1 is in use" in done.stderr
        assert not (directory / "data").exists()


def test_other_addresses_need_a_word_about_login():
    with temporary_directory() as directory:
        done = run("serve", "--data-dir", str(directory / "data"), "--http-port", "0", "--thrift-port", "0", "--listen", "0.0.0.0")
        assert done.returncode != 0
        assert "auth.mode" in done.stderr


def test_wrong_option_stops_the_start():
    done = run("serve", "--http-prot", "1")
    assert done.returncode == 2 and "http-port" in done.stderr


def test_stop_waits_for_what_runs_and_ends_waiters():
    with running() as server:
        api = server.client()
        found = {}

        def wait():
            after = api.ok("GET", "/changes")["last_change_id"]
            found["answer"] = requests.get(f"{server.api}/changes?after={after}&wait=50s", timeout=60)

        stream = requests.get(f"{server.api}/changes", headers={"Accept": "text/event-stream"}, stream=True, timeout=60)
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.5)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 10
        thread.join(10)
        assert found["answer"].status_code == 200 and found["answer"].json()["items"] == []
        assert b"event: change" in stream.raw.read()


def test_restart_keeps_everything():
    with temporary_directory() as directory:
        with running(directory=directory / "data") as server:
            server.client().ok("POST", "/catalogs/hive/databases", 201, json={"name": "kept"})
        begun = time.monotonic()
        with running(directory=directory / "data") as server:
            assert time.monotonic() - begun < 5
            assert server.client().ok("GET", "/catalogs/hive/databases/kept")["name"] == "kept"


def test_killed_server_comes_back():
    with temporary_directory() as directory:
        server = Server(directory / "data").start()
        server.client().ok("POST", "/catalogs/hive/databases", 201, json={"name": "kept"})
        server.process.kill()
        server.process.wait()
        with running(directory=directory / "data") as again:
            assert again.client().ok("GET", "/catalogs/hive/databases/kept")["name"] == "kept"


def test_reload():
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(temporary_directory()) / "propolis.yaml"
        file.write_text("limits:\n  page_default: 1\n")
        server = stack.enter_context(running("--config", str(file)))
        api = server.client()
        api.ok("POST", "/catalogs/hive/databases", json={"name": "second"})
        assert len(api.ok("GET", "/catalogs/hive/databases")["items"]) == 1
        file.write_text("limits:\n  page_default: 50\n")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while len(api.ok("GET", "/catalogs/hive/databases")["items"]) == 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(api.ok("GET", "/catalogs/hive/databases")["items"]) == 2
        file.write_text("limits:\n  page_default: many\n")
        server.expect_log("was not reloaded")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while "was not reloaded" not in server.log() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "was not reloaded" in server.log()
        assert len(api.ok("GET", "/catalogs/hive/databases")["items"]) == 2


@pytest.mark.parametrize("accept, packed", [("gzip", True), ("identity", False), ("gzip;q=0", False)])
def test_gzip(api, accept, packed):
    answer = api.request("GET", "//admin/methods", headers={"Accept-Encoding": accept})
    assert (answer.headers.get("Content-Encoding") == "gzip") == packed
    assert len(answer.json()["items"]) > 40


def test_warehouse_of_a_scheme_for_fetching_files():
    with temporary_directory() as where:
        for flags in (["--warehouse", "ftp://host/x"], ["--set", "storage.readable_roots=HTTPS://host/x"]):
            done = subprocess.run([BINARY, "serve", "--data-dir", where / "data", "--http-port", "0", "--thrift-port", "0", *flags], capture_output=True, text=True, timeout=60)
            assert done.returncode == 2 and "which is for fetching files; no table can be kept there" in done.stderr, done.stderr
            assert flags[0] == "--set" or "warehouse: ftp://host/x has the scheme ftp" in done.stderr
        assert list(where.iterdir()) == []


def test_migrate_flags_exclude_one_another():
    with temporary_directory() as where:
        for flags in (["--check", "--print"], ["--print", "--data-dir", where / "data", "--check"]):
            done = subprocess.run([BINARY, "migrate", *flags], capture_output=True, text=True, timeout=60)
            assert done.returncode == 2 and "--check and --print exclude one another" in done.stderr, done.stderr
        done = subprocess.run([BINARY, "migrate", "--data-dir", where / "data", "--check"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "There is no catalog in the data directory" in done.stderr, done.stderr
        assert list(where.iterdir()) == []
