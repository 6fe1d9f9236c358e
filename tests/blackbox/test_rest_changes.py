"""The change log over REST: pages, long-poll, server-sent events."""

import json
import threading
import time

import requests


def make(api, database, name):
    return api.ok("POST", database + "/tables", 201, json={"name": name, "columns": [], "storage": {}})


def test_pages(api, database):
    name = database.rsplit("/", 1)[1]
    for i in range(5):
        make(api, database, f"t{i}")
    changes = api.ok("GET", f"/changes?database={name}")["items"]
    assert [c["kind"] for c in changes] == ["database"] + ["table"] * 5
    first = api.ok("GET", f"/changes?database={name}&limit=2")
    rest = api.ok("GET", f"/changes?database={name}&after={first['next_after']}")
    assert first["items"] + rest["items"] == changes
    assert [c["name"] for c in api.ok("GET", f"/changes?database={name}&kind=table&name=t3")["items"]] == ["t3"]
    assert "statistics" in api.problem("GET", "/changes?kind=tabel", 400, "invalid_input")["detail"]
    everything = api.ok("GET", "/changes?limit=1000")["items"]
    assert [c["change_id"] for c in everything] == list(range(1, len(everything) + 1))


def test_long_poll_wakes(api, database):
    name = database.rsplit("/", 1)[1]
    after = api.ok("GET", "/changes?limit=1")["last_change_id"]
    found = {}

    def wait():
        begun = time.monotonic()
        found["answer"] = requests.get(f"{api.server.api}/changes?after={after}&database={name}&wait=20s", timeout=30).json()
        found["took"] = time.monotonic() - begun

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    api.ok("PATCH", "/catalogs/hive/databases/default", json={"description": str(time.time())})  # of no interest
    time.sleep(0.5)
    make(api, database, "t")
    thread.join(25)
    assert [c["name"] for c in found["answer"]["items"]] == ["t"]
    assert 1.0 <= found["took"] < 3


def test_long_poll_ends(api):
    after = api.ok("GET", "/changes?limit=1")["last_change_id"] + 1000
    begun = time.monotonic()
    answer = api.ok("GET", f"/changes?after={after}&wait=1s")
    assert answer["items"] == [] and 0.9 < time.monotonic() - begun < 3


def events(answer):
    event = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        key, _, value = line.partition(": ")
        if line and key:
            event[key] = value
        elif "data" in event:
            yield event
            event = {}


def test_event_stream(api, database):
    name = database.rsplit("/", 1)[1]
    headers = {"Accept": "text/event-stream"}
    with requests.get(f"{api.server.api}/changes?database={name}", headers=headers, stream=True, timeout=20) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        stream = events(answer)
        first = next(stream)
        assert json.loads(first["data"])["kind"] == "database" and first["event"] == "change"
        make(api, database, "t")
        second = next(stream)
        assert json.loads(second["data"])["name"] == "t"
    headers["Last-Event-ID"] = first["id"]
    with requests.get(f"{api.server.api}/changes?database={name}", headers=headers, stream=True, timeout=20) as answer:
        assert next(events(answer))["id"] == second["id"]
    api.problem("GET", "/changes", 400, "invalid_input", headers={"Last-Event-ID": "x"})


def test_many_waiters_hold_no_worker(api):
    after = api.ok("GET", "/changes?limit=1")["last_change_id"] + 10**6
    waiters = [threading.Thread(target=requests.get, args=(f"{api.server.api}/changes?after={after}&wait=3s",)) for _ in range(60)]
    for waiter in waiters:
        waiter.start()
    time.sleep(1)
    begun = time.monotonic()
    api.ok("GET", "/catalogs")
    assert time.monotonic() - begun < 1
    for waiter in waiters:
        waiter.join(20)
