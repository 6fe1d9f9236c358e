"""When the machine has no room or something is in the way: precise errors, no crash, nothing changed, and recovery."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import pytest

from conftest import BINARY, Server, running, temporary_directory

ROOT = os.geteuid() == 0


@contextlib.contextmanager
def small_disk(path, options):
    """A file system of its own; only root can have one."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        for _ in range(50):
            if subprocess.run(["umount", str(path)], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:
            subprocess.run(["umount", "-l", str(path)], check=True)


def can_mount():
    if not ROOT:
        return False
    with temporary_directory() as at:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(at)], capture_output=True)
        return done.returncode == 0 and subprocess.run(["umount", str(at)]).returncode == 0


MOUNTS = can_mount()


def serve(*words, **more):
    """A start that is meant to fail."""
    return subprocess.run([BINARY, "serve", "--http-port", "0", "--thrift-port", "0", *words], capture_output=True, text=True, timeout=90, **more)


def refused(done, *words):
    assert done.returncode != 0, done.stdout
    for word in words:
        assert word in done.stderr, f"{word!r} is not in: {done.stderr}"
    assert "Sanitizer" not in done.stderr and done.returncode > 0
    assert len([line for line in done.stderr.splitlines() if line.startswith("propolis: ")]) == 1


# ---- a full disk -----------------------------------------------------------------------------------------------------


def big_table(n):
    """Text that does not compress, so it takes its room."""
    return {"name": f"t{n}", "columns": [{"name": "x", "type": "int"}], "parameters": {f"k{i}": os.urandom(4000).hex() for i in range(10)}}


def fill_until_it_fails(api, database, most, stop=None):
    """Acknowledged names, and the first answer that tells of a failure (None when told to stop)."""
    made = []
    for n in range(most):
        if stop and stop.is_set():
            return made, None
        answer = api.request("POST", f"{database}/tables", json=big_table(n), timeout=90)
        if answer.status_code != 201:
            return made, answer
        made.append(f"t{n}")
    pytest.fail(f"{most} tables of 80 kB fit: the disk was not full")


def check_full(answer):
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.status_code in (500, 503, 507), problem
    assert problem["code"] in ("database_unavailable", "state_unknown"), problem


def wait_for_write(api, database):
    deadline = time.monotonic() + 60
    while True:
        answer = api.request("POST", f"{database}/tables", json={"name": f"again{time.monotonic_ns()}", "columns": []})
        if answer.status_code == 201:
            return
        assert time.monotonic() < deadline, f"no write a minute after there was room again: {answer.text}"
        time.sleep(0.2)


@pytest.mark.skipif(not MOUNTS, reason="a file system of a given size needs root and mount; test_file_size_limit is there for others")
def test_full_disk_below_the_database():
    with temporary_directory() as home, small_disk(home / "disk", "size=160m,mode=755") as disk:
        filler = disk / "filler"
        with running("--set", "database.embedded.shared_buffers=8MiB", directory=disk / "data") as server:
            server.expect_log(r"\b(WARN|ERROR)\b")
            api = server.client()
            database = "/catalogs/hive/databases/full"
            api.ok("POST", "/catalogs/hive/databases", 201, json={"name": "full"})
            room = shutil.disk_usage(disk).free
            filler.write_bytes(b"\0" * max(0, room - (8 << 20)))
            # A write that meets the end of the disk may wait half a minute for its COMMIT to be cleared up.
            outcome, stop = [], threading.Event()
            writer = threading.Thread(target=lambda: outcome.append(fill_until_it_fails(server.client(), database, 2000, stop)))
            writer.start()
            deadline = time.monotonic() + 120
            while (answer := api.request("POST", "/catalogs/hive/databases", timeout=90,
                                         json={"name": f"d{time.monotonic_ns()}"})).status_code == 201:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            check_full(answer)
            assert server.process.poll() is None
            while "No space left" not in server.log() and "disk is full" not in server.log():
                assert time.monotonic() < deadline, "nothing in the log says why"
                time.sleep(0.05)
            stop.set()
            filler.unlink()
            writer.join(90)
            made, last = outcome[0]
            assert made
            if last is not None:
                check_full(last)
            wait_for_write(api, database)
            names = {item["name"] for item in api.ok("GET", f"{database}/tables?limit=1000")["items"]}
            assert set(made) <= names, "acknowledged tables are missing"
            assert len(names) <= len(made) + 2  # one without an answer, one of wait_for_write()
        with running(directory=disk / "data") as server:
            server.expect_log(r"\bWARN\b")
            names = {item["name"] for item in server.client().ok("GET", f"{database}/tables?limit=1000")["items"]}
            assert set(made) <= names


def test_file_size_limit():
    """The same where nobody may mount: no file of the database can grow beyond a size. PostgreSQL sees it as a full disk."""

    class Limited(Server):
        def command(self):
            return ["sh", "-c", f'trap "" XFSZ; ulimit -S -f {(20 << 20) // 512}; exec "$@"', "sh", *super().command()]

    with temporary_directory() as home:
        with running(directory=home / "data"):
            pass
        server = Limited(home / "data").start()
        try:
            server.expect_log(r"\b(WARN|ERROR)\b")
            api = server.client()
            database = "/catalogs/hive/databases/full"
            api.ok("POST", "/catalogs/hive/databases", 201, json={"name": "full"})
            made, answer = fill_until_it_fails(api, database, 1500)
            check_full(answer)
            assert "disk is full" in answer.json()["detail"], answer.text
            assert server.process.poll() is None
            api.ok("GET", f"{database}/tables/{made[-1]}")
        finally:
            server.stop()
        with running(directory=home / "data") as again:
            again.expect_log(r"\bWARN\b")
            api = again.client()
            wait_for_write(api, database)
            names = {item["name"] for item in api.ok("GET", f"{database}/tables?limit=all")["items"]}
            assert set(made) <= names


@pytest.mark.skipif(not MOUNTS, reason="a file system of a given size needs root and mount; test_read_only_warehouse is there for others")
def test_full_disk_below_the_warehouse():
    with temporary_directory() as home, small_disk(home / "disk", "size=1m,nr_inodes=12,mode=777") as disk:
        with running("--warehouse", f"file:{disk}/wh", directory=home / "data") as server:
            warehouse_is_stuck(server, "No space left", lambda: None)
            for path in (disk / "wh").glob("*.db/t*"):
                shutil.rmtree(path)
            warehouse_works_again(server)


def test_read_only_warehouse():
    with temporary_directory() as home:
        with running(directory=home / "data") as server:
            warehouse = home / "data" / "warehouse"
            api = server.client()
            api.ok("POST", "/catalogs/hive/databases", 201, json={"name": "d"})
            owner = (warehouse / "d.db").stat()
            (warehouse / "d.db").chmod(0o555)
            body = {"name": "t", "columns": [], "storage": {}, "partition_keys": [{"name": "p", "type": "int"}]}
            server.expect_log("was not made: .*Permission denied|Permission denied")
            api.ok("POST", "/catalogs/hive/databases/d/tables", 201, json=body)
            problem = api.problem("POST", "/catalogs/hive/databases/d/tables/t/partitions", 500, "storage_error", json={"values": ["1"]})
            assert "Permission denied" in problem["detail"] and str(warehouse) in problem["detail"]
            assert api.ok("GET", "/catalogs/hive/databases/d/tables/t/partitions")["items"] == []
            (warehouse / "d.db").chmod(owner.st_mode & 0o777)
            api.ok("POST", "/catalogs/hive/databases/d/tables/t/partitions", 201, json={"values": ["1"]})


def warehouse_is_stuck(server, why, undo):
    """Tables are made without a directory and a WARN says so; partitions, which promise one, are refused."""
    api = server.client()
    api.ok("POST", "/catalogs/hive/databases", 201, json={"name": "d"})
    server.expect_log(why)
    body = {"columns": [], "storage": {}, "partition_keys": [{"name": "p", "type": "int"}]}
    for n in range(20):
        api.ok("POST", "/catalogs/hive/databases/d/tables", 201, json=body | {"name": f"t{n}"})
    assert why in server.log()
    problem = api.problem("POST", "/catalogs/hive/databases/d/tables/t19/partitions", 500, "storage_error", json={"values": ["1"]})
    assert why in problem["detail"] and "t19" in problem["detail"]
    assert api.ok("GET", "/catalogs/hive/databases/d/tables/t19/partitions")["items"] == []
    undo()


def warehouse_works_again(server):
    api = server.client()
    api.ok("POST", "/catalogs/hive/databases/d/tables/t19/partitions", 201, json={"values": ["1"]})
    assert len(api.ok("GET", "/catalogs/hive/databases/d/tables/t19/partitions")["items"]) == 1


# ---- what is in the way at the start ----------------------------------------------------------------------------------


def test_read_only_data_directory():
    with temporary_directory() as home:
        data = home / "data"
        if MOUNTS:
            with small_disk(data, "size=1m") as disk:
                subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
                refused(serve("--data-dir", str(disk)), str(disk), "Read-only file system")
        else:
            data.mkdir()
            data.chmod(0o555)
            refused(serve("--data-dir", str(data)), str(data), "Permission denied")


def test_data_directory_that_cannot_be_made():
    with temporary_directory() as home:
        (home / "file").write_text("")
        refused(serve("--data-dir", str(home / "file" / "data")), str(home / "file"), "Not a directory")
        refused(serve("--data-dir", str(home / "file")), str(home / "file"), "not a directory")


def test_data_directory_of_somebody_else():
    with temporary_directory() as home:
        data = home / "data"
        data.mkdir(mode=0o755)
        (data / "letter").write_text("precious")
        refused(serve("--data-dir", str(data)), str(data), "was not made by propolis", "left alone")
        (data / "PG_VERSION").write_text("15\n")
        refused(serve("--data-dir", str(data)), str(data), "a PostgreSQL that is not ours", "database.url")
        assert sorted(p.name for p in data.iterdir()) == ["PG_VERSION", "letter"]


def test_port_in_use():
    with socket.socket() as taken, temporary_directory() as home:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused(serve("--http-port", port, "--thrift-port", "0", "--data-dir", str(home / "data")), port, "in use")
        assert not (home / "data").exists()


def test_two_servers_on_one_data_directory():
    with running() as server:
        refused(serve("--data-dir", str(server.directory)), str(server.directory))
        assert server.client().ok("GET", "//readyz")


def test_data_directory_of_another_postgresql():
    with temporary_directory() as home:
        with running(directory=home / "data") as server:
            server.client().ok("POST", "/catalogs/hive/databases", 201, json={"name": "kept"})
        file = home / "data" / "postgres" / "PG_VERSION"
        real, before = file.read_text(), file.stat()
        for version, words in (("14", ["PostgreSQL 14", real.strip(), "propolis restore"]), ("99", ["PostgreSQL 99"]), ("9.6", ["PG_VERSION"]), ("nonsense", ["PG_VERSION"])):
            file.write_text(version + "\n")
            refused(serve("--data-dir", str(home / "data")), *words)
        file.write_text(real)
        os.chown(file, before.st_uid, before.st_gid)
        with running(directory=home / "data") as server:
            server.client().ok("GET", "/catalogs/hive/databases/kept")


# ---- a database by URL ------------------------------------------------------------------------------------------------


def postgres_programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else pathlib.Path(shutil.which("initdb")).parent


@pytest.fixture(scope="module")
def cluster():
    """A PostgreSQL that is not the server's; yields the URL of a new database in it, and a way to run SQL there."""
    with temporary_directory() as home:
        programs, data = postgres_programs(), home / "pg"
        user = None
        if ROOT:
            user = "nobody"
            shutil.chown(home, user)
        home.chmod(0o755)

        def run(*words, **more):
            done = subprocess.run([str(w) for w in words], user=user, capture_output=True, text=True, timeout=60, cwd="/", **more)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run(programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale")
        run(programs / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", f"-c listen_addresses= -c unix_socket_directories={home}", "start")
        count = 0

        def new_database(sql=""):
            nonlocal count
            count += 1
            name = f"d{count}"
            run(programs / "psql", "-h", home, "-U", "tester", "-d", "postgres", "-c", f"CREATE DATABASE {name}")
            url = f"postgresql:///{name}?host={home}&user=tester"

            def psql(text):
                return run(programs / "psql", "-v", "ON_ERROR_STOP=1", "-Atq", url, "-c", text)

            if sql:
                psql(sql)
            return url, psql

        try:
            yield new_database
        finally:
            run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def external(url, home):
    return ["--database-url", url, "--data-dir", str(home / "data")]


def test_database_full_of_other_tables(cluster):
    url, psql = cluster("CREATE SCHEMA propolis; CREATE TABLE propolis.tables (id int); INSERT INTO propolis.tables VALUES (7)")
    with temporary_directory() as home:
        refused(serve(*external(url, home)), 'The schema "propolis"', "another program", "database.schema")
        assert psql("SELECT id FROM propolis.tables") == "7\n"
        assert psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'propolis'::regnamespace") == "1\n"


def test_tables_in_another_schema_are_no_trouble(cluster):
    url, psql = cluster("CREATE TABLE tables (id int); CREATE TABLE databases (id int)")
    with temporary_directory() as home, running("--database-url", url, directory=home / "data") as server:
        server.client().ok("POST", "/catalogs/hive/databases", 201, json={"name": "d"})
        assert psql("SELECT count(*) FROM public.tables") == "0\n"


def test_newer_schema(cluster):
    url, psql = cluster()
    with temporary_directory() as home:
        with running("--database-url", url, directory=home / "data") as server:
            server.client().ok("POST", "/catalogs/hive/databases", 201, json={"name": "kept"})
        psql("UPDATE propolis.schema_info SET min_server = 9999")
        refused(serve(*external(url, home)), "9999", "newer release")
        done = subprocess.run([BINARY, "migrate", "--check", *external(url, home)], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and "9999" in done.stderr
        # A newer migration that asks for no newer server is fine: copies are upgraded one by one.
        psql("UPDATE propolis.schema_info SET min_server = 1")
        psql("INSERT INTO propolis.schema_migrations (number, name, sha256) VALUES (9999, '9999_later', 'x')")
        with running("--database-url", url, directory=home / "data") as server:
            server.client().ok("GET", "/catalogs/hive/databases/kept")


def test_schema_with_other_content(cluster):
    url, psql = cluster()
    with temporary_directory() as home:
        with running("--database-url", url, directory=home / "data"):
            pass
        psql("UPDATE propolis.schema_migrations SET sha256 = repeat('0', 64) WHERE number = 1")
        refused(serve(*external(url, home)), "0001", "another content")


def test_database_that_is_not_there(cluster):
    url, _ = cluster()
    with temporary_directory() as home:
        refused(serve(*external(url.replace("///d", "///none"), home)), "none", "does not exist", "CREATE DATABASE")
        refused(serve(*external("postgresql://127.0.0.1:1/d", home), "--set", "database.connect_timeout=2s"), "127.0.0.1")


def test_database_that_lets_nobody_in(cluster):
    url, psql = cluster("CREATE ROLE locked LOGIN PASSWORD 'sesame77'; CREATE ROLE barred LOGIN")
    rules = "local all locked scram-sha-256", "local all barred reject", "local all all trust"
    psql(f"COPY (SELECT unnest(ARRAY{list(rules)})) TO '{psql('SHOW hba_file').strip()}'")
    psql("SELECT pg_reload_conf()")
    time.sleep(0.5)
    as_user = {name: url.replace("user=tester", f"user={name}") for name in ("locked", "barred", "stranger")}

    def start(name, password=None):
        environment = {**os.environ, **({"PROPOLIS_DATABASE_PASSWORD": password} if password else {})}
        done = serve(*external(as_user[name], home), env=environment)
        assert "Try again" not in done.stderr and "LOCATION" not in done.stderr and "sesame" not in done.stderr, done.stderr
        return done

    with temporary_directory() as home:
        refused(start("locked"), "wants a password and none is given")
        refused(start("locked", "sesame78"), "refuses the user or the password", "password authentication failed")
        refused(start("barred"), "does not let this user in", "pg_hba.conf")
        refused(start("stranger"), "does not let this user in", "stranger")


def test_password_never_shows(cluster):
    with temporary_directory() as home:
        done = serve("--data-dir", str(home / "data"), env={**os.environ, "PROPOLIS_DATABASE_URL": "postgresql://u:sesame77@127.0.0.1:1/d"})
        assert done.returncode != 0 and "sesame77" not in done.stdout + done.stderr
