"""Many clients at once: one winner, a conflict for all others, and no error that only concurrency explains."""

import pathlib
import random
import threading
import time

import pytest

from conftest import running

pytestmark = pytest.mark.concurrency

CLIENTS = 32


@pytest.fixture(scope="module")
def server():
    with running("--set", "jobs.delete_interval=100ms") as server:
        server.expect_log("stays where it is|is kept: ")  # directories that two tables came to share
        yield server


@pytest.fixture
def place(server, request):
    """The path of a new database."""
    name = request.node.originalname + "_" + str(random.randrange(10**9))
    with server.client() as api:
        api.ok("POST", "/catalogs/hive/databases", 201, json={"name": name})
    return f"/catalogs/hive/databases/{name}"


def at_once(server, act, clients=CLIENTS):
    """Runs act(number, api) in as many threads, all from the same moment on. Their results; the first exception is raised."""
    barrier, results, failures = threading.Barrier(clients), [None] * clients, []

    def run(number):
        try:
            with server.client() as api:
                api.request("GET", "//healthz")  # the connection is there before the race begins
                barrier.wait(60)
                results[number] = act(number, api)
        except BaseException as e:  # noqa: B902
            failures.append(e)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a client got no answer in two minutes"
    if failures:
        raise failures[0]
    return results


def statuses(answers):
    return sorted(a.status_code for a in answers)


def make_table(api, place, name="t", **more):
    body = {"name": name, "columns": [{"name": "id", "type": "bigint"}], "storage": {}} | more
    return api.ok("POST", f"{place}/tables", 201, json=body)


def history(api, table):
    return [v["version"] for v in api.ok("GET", f"{table}/versions?noops=true&pointer_moves=true&limit=1000")["items"]]


def test_one_of_many_updates_wins_each_round(server, place):
    table = f"{place}/tables/t"
    with server.client() as api:
        made = make_table(api, place)
        for round_ in range(6):
            tag = f'"{made["incarnation"]}-{round_}"'
            answers = at_once(
                server, lambda n, c: c.request("PATCH", table, json={"parameters": {"winner": f"{round_}/{n}"}}, headers={"If-Match": tag})
            )
            assert statuses(answers) == [200] + [412] * (CLIENTS - 1)
            assert {a.json()["code"] for a in answers if a.status_code == 412} == {"version_conflict"}
            winner = next(n for n, a in enumerate(answers) if a.status_code == 200)
            now = api.ok("GET", table)
            assert (now["version"], now["parameters"]["winner"]) == (round_ + 1, f"{round_}/{winner}")
        assert history(api, table) == [6, 5, 4, 3, 2, 1, 0]
        for version in range(1, 7):
            old = api.ok("GET", f"{table}?version={version}")
            assert old["parameters"]["winner"].startswith(f"{version - 1}/")


def test_updates_without_an_expectation_all_happen(server, place):
    table = f"{place}/tables/t"
    with server.client() as api:
        make_table(api, place)
        answers = at_once(server, lambda n, c: c.request("PATCH", table, json={"parameters": {f"k{n}": "x"}}))
        assert statuses(answers) == [200] * CLIENTS
        assert sorted(a.json()["version"] for a in answers) == list(range(1, CLIENTS + 1))
        assert len(api.ok("GET", table)["parameters"]) == CLIENTS
        assert history(api, table) == list(range(CLIENTS, -1, -1))


def test_one_iceberg_commit_wins_each_round(server, place):
    table = f"{place}/tables/t"
    with server.client() as api:
        make_table(api, place, parameters={"table_type": "ICEBERG", "metadata_location": "s3://b/0.json"})
        for round_ in range(3):
            pointer = api.ok("GET", table)["parameters"]["metadata_location"]

            def commit(n, c):
                moved = {"metadata_location": f"s3://b/{round_ + 1}-{n}.json", "previous_metadata_location": pointer}
                return c.request("PATCH", table, json={"parameters": moved})

            answers = at_once(server, commit)
            assert statuses(answers) == [200] + [409] * (CLIENTS - 1)
            assert {a.json()["code"] for a in answers if a.status_code == 409} == {"pointer_conflict"}


@pytest.mark.parametrize("what", ["table", "database", "partition"])
def test_one_of_many_creators_wins(server, place, what):
    with server.client() as api:
        make_table(api, place, "p", partition_keys=[{"name": "p", "type": "int"}])
        for round_ in range(3):
            path, body, one = {
                "table": (f"{place}/tables", {"name": f"t{round_}", "columns": [], "storage": {}}, f"{place}/tables/t{round_}"),
                "database": ("/catalogs/hive/databases", {"name": f"{place.split('/')[-1]}_{round_}"}, f"{place}_{round_}"),
                "partition": (f"{place}/tables/p/partitions", {"values": [str(round_)]}, f"{place}/tables/p/partitions/p={round_}"),
            }[what]
            answers = at_once(server, lambda n, c: c.request("POST", path, json=body))
            assert statuses(answers) == [201] + [409] * (CLIENTS - 1)
            assert {a.json()["code"] for a in answers if a.status_code == 409} == {"already_exists"}
            api.ok("GET", one)


def test_one_of_many_drops_wins(server, place):
    with server.client() as api:
        for _ in range(3):
            make_table(api, place)
            answers = at_once(server, lambda n, c: c.request("DELETE", f"{place}/tables/t"))
            assert statuses(answers) == [204] + [404] * (CLIENTS - 1)


def test_one_of_many_renames_to_a_name_wins(server, place):
    with server.client() as api:
        for n in range(8):
            made = make_table(api, place, f"from{n}")
            (directory(made) / "mine").write_text(f"from{n}")
        answers = at_once(server, lambda n, c: c.request("POST", f"{place}/tables/from{n}:rename", json={"name": "to"}), 8)
        assert statuses(answers) == [200] + [409] * 7, [a.text for a in answers if a.status_code not in (200, 409)]
        for n, answer in enumerate(answers):
            table = api.ok("GET", f"{place}/tables/" + ("to" if answer.status_code == 200 else f"from{n}"))
            assert (directory(table) / "mine").read_text() == f"from{n}"


def directory(table):
    return pathlib.Path(table["storage"]["location"].removeprefix("file:"))


def test_create_against_rename_to_the_same_name(server, place):
    """Whoever wins, each live table has its directory and its own data."""
    with server.client() as api:
        for round_ in range(12):
            made = make_table(api, place, f"old{round_}")
            (directory(made) / "mine").write_text("old")

            def act(n, c):
                if n == 0:
                    return c.request("POST", f"{place}/tables/old{round_}:rename", json={"name": f"new{round_}"})
                return c.request("POST", f"{place}/tables", json={"name": f"new{round_}", "columns": [], "storage": {}})

            renamed, created = at_once(server, act, 2)
            assert {renamed.status_code, created.status_code} <= {200, 201, 409}, (renamed.text, created.text)
            assert renamed.status_code == 200 or created.status_code == 201, (renamed.text, created.text)
            assert renamed.status_code == 409 or created.status_code == 409
            new = api.ok("GET", f"{place}/tables/new{round_}")
            assert directory(new).is_dir(), f"round {round_}: {renamed.status_code} {created.status_code}"
            holder = new if renamed.status_code == 200 else api.ok("GET", f"{place}/tables/old{round_}")
            assert (directory(holder) / "mine").read_text() == "old"


def test_drop_and_create_again_never_loses_new_data(server, place):
    """The data of a dropped table is deleted later: not that of its successor in the same place."""
    with server.client() as api:
        made = []
        for round_ in range(60):
            table = make_table(api, place)
            new = directory(table) / f"data{round_}"
            new.write_text("new")
            made.append(new)
            time.sleep(random.random() * 0.02)
            if round_ < 59:
                assert new.exists(), f"round {round_}: the new table's data is gone"
                api.ok("DELETE", f"{place}/tables/t", 204)
        time.sleep(1)
        assert made[-1].exists()


def lost_location(api, table):
    """How a table came to have none, oldest step first."""
    versions = api.ok("GET", f"{table}/versions?noops=true&limit=1000")["items"]
    return "\n".join(str((v["version"], v["change"]["action"], v["change"]["operation"], v["change"]["at"], v.get("diff"))) for v in reversed(versions))


def storm(server, place, clients, seconds):
    """Everything at once on few names. What is allowed: success, or an answer that names a conflict or a missing object."""
    ends = time.monotonic() + seconds
    seen = {}
    lock = threading.Lock()

    def act(number, api):
        rng = random.Random(number)
        while time.monotonic() < ends:
            name, other = rng.choice("abcd"), rng.choice("abcd")
            table = f"{place}/tables/{name}"
            value = str(rng.randrange(5))
            method, path, body = rng.choice(
                [
                    ("POST", f"{place}/tables", {"name": name, "columns": [{"name": "x", "type": "int"}], "storage": {}, "partition_keys": [{"name": "p", "type": "int"}]}),
                    ("POST", f"{table}:rename", {"name": other}),
                    ("PATCH", table, {"parameters": {f"k{value}": str(rng.random())}}),
                    ("PATCH", table, {"columns": [{"name": f"c{value}", "type": "int"}]}),
                    ("DELETE", table, None),
                    ("POST", f"{table}/partitions", {"items": [{"values": [str(v)]} for v in rng.sample(range(5), 3)], "if_not_exists": True}),
                    ("POST", f"{table}/partitions:drop", {"names": [f"p={v}" for v in rng.sample(range(5), 2)], "if_exists": True}),
                    ("PATCH", f"{table}/partitions/p={value}", {"parameters": {"n": str(rng.random())}}),
                    ("POST", f"{table}/partitions/p={value}:rename", {"values": [str(rng.randrange(5))]}),
                    ("POST", f"{table}:undrop", {}),
                    ("GET", f"{table}/partitions", None),
                    ("GET", f"{table}/versions", None),
                ]
            )
            answer = api.request(method, path, json=body)
            key = f"{answer.status_code} {answer.json().get('code', '') if answer.content else ''}".strip()
            with lock:
                seen[key] = seen.get(key, 0) + 1
            if answer.status_code >= 500 or "deadlock" in answer.text.lower():
                return f"{method} {path} {body}: {answer.status_code} {answer.text}"
        return None

    return at_once(server, act, clients), seen


def test_storm(server, place):
    failures, seen = storm(server, place, 12, 8)
    assert not any(failures), "\n".join(f for f in failures if f)
    assert seen.get("200", 0) > 50 and seen.get("201", 0) > 5, seen
    with server.client() as api:
        for item in api.ok("GET", f"{place}/tables")["items"]:
            table = f"{place}/tables/{item['name']}"
            found = api.ok("GET", table)
            assert history(api, table) == list(range(found["version"], -1, -1))
            assert "location" in found["storage"], lost_location(api, table)
            actions = {v["change"]["action"] for v in api.ok("GET", f"{table}/versions?noops=true&limit=1000")["items"]}
            assert directory(found).is_dir() or "undrop" in actions, found  # who undrops too late is told that the data is gone
        changes, after = [], 0
        while page := api.ok("GET", f"/changes?after={after}&limit=1000")["items"]:
            changes += page
            after = page[-1]["change_id"]
        assert [c["change_id"] for c in changes] == list(range(1, len(changes) + 1))
        events = [c["hms_event_id"] for c in changes if "hms_event_id" in c]
        assert events == list(range(1, len(events) + 1))


def test_reads_that_travel_together(server, place):
    """Each of many readers gets its own table, error or former state, whatever the others ask for at the moment."""
    with server.client() as api:
        made = [make_table(api, place, f"t{i}", columns=[{"name": f"c{i}", "type": "int"}]) for i in range(8)]

    def read(number, api):
        rng = random.Random(number)
        for _ in range(150):
            i = rng.randrange(8)
            table, kind = f"{place}/tables/t{i}", rng.randrange(6)
            if kind == 0:
                assert api.problem("GET", f"{place}/tables/none{i}", 404, "table_not_found")["detail"].count(f"none{i}")
            elif kind == 1:
                assert api.ok("GET", f"{table}?version=0")["columns"][0]["name"] == f"c{i}"
            elif kind == 2:
                api.problem("GET", f"{table}?version=many", 400, "invalid_input")
            elif kind == 3:
                answer = api.request("GET", table, headers={"If-None-Match": f'"{made[i]["incarnation"]}-0"'})
                assert answer.status_code == 304 and not answer.content
            else:
                found = api.ok("GET", table)
                assert (found["name"], found["columns"][0]["name"]) == (f"t{i}", f"c{i}")
        return True

    assert all(at_once(server, read))


def test_reads_too_large_to_travel_together():
    """What 24 of them need together is more than one request may have: each is then served by itself."""
    with running("--set", "limits.request_memory=16MiB", "--set", "limits.request_body=1536KiB") as server:
        with server.client() as api:
            api.ok("POST", "/catalogs/hive/databases", 201, json={"name": "wide"})
            place, text = "/catalogs/hive/databases/wide", "x" * 100_000
            for i in range(4):
                make_table(api, place, f"t{i}", parameters={f"p{n}": f"{i} {text}" for n in range(12)})

        def read(number, api):
            for i in range(20):
                found = api.ok("GET", f"{place}/tables/t{(number + i) % 4}")["parameters"]
                assert len(found) == 12 and all(v == f"{(number + i) % 4} {text}" for v in found.values())
            return True

        assert all(at_once(server, read))
