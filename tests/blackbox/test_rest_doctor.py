"""What the server says about itself to whoever looks after it."""

import os
import signal
import time

from conftest import running

NAMES = {"database", "durability", "database_clock", "schema_version", "history", "max_connections", "storage_writable", "data_directory",
         "listen", "secret_key"}


def checks(api):
    answer = api.ok("GET", "//admin/doctor")
    assert list(answer) == ["checks"]
    return {c["name"]: c for c in answer["checks"]}


def test_all_is_well(api):
    found = checks(api)
    assert found.keys() == NAMES
    for check in found.values():
        # the room left on the disk is not ours to decide
        assert check["status"] == "ok" or "free" in check["detail"] or check["name"] == "database", check
        assert check["detail"] and (check["status"] == "ok") == ("advice" not in check)
    assert found["database"]["detail"].startswith("PostgreSQL ")
    assert "0 pending" in found["schema_version"]["detail"]


def test_what_is_wrong_is_told():
    with running() as server:
        api = server.client()
        key = server.directory / "secret.key"
        if not key.exists():
            key = next(p for p in server.directory.iterdir() if p.is_file() and b"current " in p.read_bytes())
        warehouse = server.directory / "warehouse"
        key.chmod(0o644)
        warehouse.rename(server.directory / "elsewhere")
        server.directory.chmod(0o777)
        found = checks(api)
        assert found["secret_key"]["status"] == "fail" and "chmod 600" in found["secret_key"]["detail"]
        assert found["storage_writable"]["status"] == "fail" and "is not there" in found["storage_writable"]["detail"]
        assert found["data_directory"]["status"] == "warn" and "chmod" in found["data_directory"]["advice"]
        (server.directory / "elsewhere").rename(warehouse)
        key.chmod(0o600)
        server.directory.chmod(0o700)
        assert {c["name"] for c in checks(api).values() if c["status"] == "fail"} == set()


def test_without_a_database():
    """The other checks are still told."""
    with running() as server:
        server.expect_log(".")
        api = server.client()
        pid = int((server.directory / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
        try:
            start = time.monotonic()
            answer = api.request("GET", "//admin/doctor", timeout=60)
            took = time.monotonic() - start
        finally:
            os.kill(pid, signal.SIGCONT)
        assert answer.status_code == 200 and took < 45, answer.text
        assert {"secret_key", "storage_writable", "listen"} <= {c["name"] for c in answer.json()["checks"]}


def test_open_to_all():
    with running("--listen", "0.0.0.0", environment={"PROPOLIS_AUTH_MODE": "open"}) as server:
        server.expect_log("open|unencrypted")
        server.base = server.base.replace("0.0.0.0", "127.0.0.1")
        server.api = server.base + "/api/v1"
        assert checks(server.client())["listen"]["status"] == "warn"
