"""A backup made while the server writes, brought back into a fresh directory, keeps every promise of the store."""

import subprocess
import threading

from conftest import BINARY, running, temporary_directory

TABLES = "/catalogs/hive/databases/default/tables"
COLUMNS = [{"name": "id", "type": "bigint"}, {"name": "note", "type": "string"}]


def tool(*words):
    return subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=120)


def fill(api):
    api.ok("POST", TABLES, 201, json={"name": "t", "columns": COLUMNS, "partition_keys": [{"name": "day", "type": "date"}]})
    api.ok("POST", TABLES + "/t/partitions", json={"items": [{"values": [f"2026-01-{day:02}"]} for day in range(1, 11)]})
    for number in range(5):
        api.ok("PATCH", TABLES + "/t", json={"parameters": {"round": str(number)}}, headers={"Content-Type": "application/merge-patch+json"})


def changes_of(api):
    return api.ok("GET", "/changes?limit=1000")["items"]


def test_backup_while_serving_and_restore():
    with temporary_directory() as where:
        with running(directory=where / "one") as server, server.client() as api:
            fill(api)
            before = changes_of(api)
            history = api.ok("GET", TABLES + "/t/versions")["items"]
            stop = threading.Event()

            def keep_writing():
                with server.client() as writer:
                    number = 0
                    while not stop.is_set():
                        writer.ok("POST", TABLES, 201, json={"name": f"w{number}", "columns": COLUMNS})
                        number += 1

            thread = threading.Thread(target=keep_writing)
            thread.start()
            saved = tool("backup", where / "catalog.dump", "--data-dir", where / "one")
            stop.set()
            thread.join()
            assert saved.returncode == 0, saved.stderr
            assert tool("verify", "--data-dir", where / "one").returncode == 0
        assert (where / "catalog.dump").stat().st_mode & 0o777 == 0o600
        again = tool("backup", where / "again.dump", "--data-dir", where / "one")  # no server runs
        assert again.returncode == 0, again.stderr
        assert sorted(f.name for f in where.iterdir() if f.is_file()) == ["again.dump", "catalog.dump"]
        restored = tool("restore", where / "catalog.dump", "--data-dir", where / "two")
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert "BROKEN" not in restored.stdout
        with running(directory=where / "two") as server, server.client() as api:
            server.expect_log("writable roots")  # the catalog still names the warehouse it comes from
            assert changes_of(api)[: len(before)] == before
            assert api.ok("GET", TABLES + "/t/versions")["items"] == history
            assert len(api.ok("GET", TABLES + "/t/partitions?limit=100")["items"]) == 10
            # The change log goes on where it was, without a gap.
            api.ok("POST", TABLES, 201, json={"name": "after", "columns": COLUMNS})
            ids = [change["change_id"] for change in changes_of(api)]
            assert ids == list(range(1, len(ids) + 1))
            again = tool("restore", where / "catalog.dump", "--data-dir", where / "two")
            not_empty = "The store is not empty: its schema \"propolis\" holds a catalog already, so nothing was restored. Restore into a new --data-dir"
            assert again.returncode != 0 and not_empty in again.stderr  # also while somebody works there
            assert len(changes_of(api)) == len(ids)
        again = tool("restore", where / "catalog.dump", "--data-dir", where / "two")
        assert again.returncode != 0 and not_empty in again.stderr


def test_tools_make_no_catalog():
    with temporary_directory() as where:
        for words in (["verify"], ["backup", where / "dump"], ["migrate", "--check"], ["rotate-key"]):
            done = tool(*words, "--data-dir", where / "typo")
            assert done.returncode == 1 and "There is no catalog in the data directory" in done.stderr, done.stderr
        assert list(where.iterdir()) == []
