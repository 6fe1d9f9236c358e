"""Partitions over REST."""

import concurrent.futures
import urllib.parse

import pytest


def quoted(name):
    return urllib.parse.quote(name, safe="")


@pytest.fixture
def table(api, database):
    path = database + "/tables/p"
    api.ok("PUT", path, 201, json={
        "type": "EXTERNAL_TABLE",
        "columns": [{"name": "v", "type": "int"}],
        "partition_keys": [{"name": "ds", "type": "string"}, {"name": "n", "type": "int"}],
        "storage": {"location": "file:/nowhere/p"},
    })
    return path


def one(ds, n, **more):
    return {"values": [ds, n], "columns": [{"name": "v", "type": "int"}], "storage": {"location": f"file:/nowhere/p/{ds}/{n}"}} | more


def test_one_partition(api, table):
    made = api.ok("POST", table + "/partitions", 201, json=one("a", "1"))
    assert made["name"] == "ds=a/n=1"
    path = f"{table}/partitions/{quoted('ds=a/n=1')}"
    assert api.ok("GET", path)["values"] == ["a", "1"]
    assert "columns" not in api.ok("GET", path + "?columns=false")
    assert api.ok("PATCH", path, json={"parameters": {"k": "v"}})["parameters"]["k"] == "v"
    assert "k" not in api.ok("PUT", path, json=one("a", "1"))["parameters"]
    api.problem("PUT", path, 400, "invalid_input", json=one("b", "1"))
    assert len(api.ok("GET", path + "/history")["items"]) >= 2
    assert api.ok("POST", path + ":rename", json={"values": ["b", "2"]})["name"] == "ds=b/n=2"
    api.problem("GET", path, 404, "partition_not_found")
    path = f"{table}/partitions/{quoted('ds=b/n=2')}"
    assert api.ok("GET", path + "/history")["items"]
    api.ok("DELETE", path, 204)
    api.problem("GET", path, 404, "partition_not_found")
    assert api.ok("POST", path + ":restore")["name"] == "ds=b/n=2"
    assert api.request("PUT", f"{table}/partitions/{quoted('ds=new/n=5')}", json={"storage": {"location": "file:/x"}}).status_code == 201


def test_keys_must_be_the_tables(api, table):
    api.ok("POST", table + "/partitions", 201, json=one("a", "1"))
    for wrong in ("x=a/y=1", "ds=a", "n=1/ds=a", "nothing", "ds=a/n=1/z=2"):
        answer = api.request("GET", f"{table}/partitions/{quoted(wrong)}")
        assert answer.status_code in (400, 404), wrong


def test_no_door_takes_other_keys(api, table):
    """Values are looked up by position, so a path with other keys would find a partition that it does not name."""
    right = f"{table}/partitions/{quoted('ds=a/n=1')}"
    api.ok("POST", table + "/partitions", 201, json=one("a", "1"))
    api.ok("PATCH", right, json={"parameters": {"k": "v"}})
    for name in ("x=a/y=1", "n=a/ds=1", "ds=a/m=1"):
        wrong = f"{table}/partitions/{quoted(name)}"
        api.problem("GET", wrong + "/history", 404, "partition_not_found")
        api.problem("POST", wrong + ":restore", 404, "partition_not_found")
        api.problem("PUT", wrong, 404, "partition_not_found", json={})
        api.problem("PATCH", wrong, 404, "partition_not_found", json={})
        api.problem("POST", wrong + ":rename", 404, "partition_not_found", json={"values": ["b", "2"]})
        api.problem("DELETE", wrong, 404, "partition_not_found")
    assert api.ok("GET", right)["parameters"]["k"] == "v"
    assert len(api.ok("GET", f"{table}/partitions/{quoted('DS=a/N=1')}/history")["items"]) == 2
    assert "k" not in api.ok("POST", right + ":restore").get("parameters", {})


def test_a_name_stands_for_values(api, table):
    """In the order of the keys only: values in another order would be another partition."""
    path = table + "/partitions"
    assert api.ok("POST", path, 201, json={"name": "ds=2026-01-01/n=7"})["values"] == ["2026-01-01", "7"]
    made = api.ok("POST", path, json={"items": [{"name": "ds=a%2Fb/n=8"}, {"values": ["c", "9"]}]})
    assert [i["name"] for i in made["items"]] == ["ds=a%2Fb/n=8", "ds=c/n=9"]
    for name in ("n=7/ds=x", "ds=x", "ds=x/m=7", "ds=x/n=7/o=1", "x", ""):
        problem = api.problem("POST", path, 400, "invalid_partition", json={"items": [{"name": name}]})
        assert "ds=VALUE/n=VALUE" in problem["detail"]
        api.problem("POST", f"{path}/{quoted('ds=c/n=9')}:rename", 400, "invalid_partition", json={"name": name})
    api.problem("POST", path, 400, "invalid_input", json={"items": [{}]})
    assert api.ok("POST", f"{path}/{quoted('ds=c/n=9')}:rename", json={"name": "ds=c/n=10"})["values"] == ["c", "10"]


def test_escaped_values(api, table):
    made = api.ok("POST", table + "/partitions", 201, json=one("10:30/x y%", "1"))
    assert made["values"][0] == "10:30/x y%"
    assert api.ok("GET", f"{table}/partitions/{quoted(made['name'])}")["values"] == made["values"]


def test_bulk(api, table):
    items = [one(f"d{i:03}", str(i)) for i in range(200)]
    added = api.ok("POST", table + "/partitions", json={"items": items})
    assert len(added["items"]) == 200 and added["failed"] == 0
    assert {row["status"] for row in added["items"]} == {"added"}
    api.problem("POST", table + "/partitions", 409, "already_exists", json={"items": items[:2]})
    again = api.ok("POST", table + "/partitions", json={"items": items[:2], "if_not_exists": True})
    assert {row["status"] for row in again["items"]} == {"existed"}
    mixed = api.ok("POST", table + "/partitions", json={"items": [items[0], one("new", "1")], "per_item": True})
    assert [row["status"] for row in mixed["items"]] == ["failed", "added"] and mixed["items"][0]["code"] == "already_exists"
    assert api.ok("GET", table + "/partitions:count") == {"count": 201}
    names, token = [], ""
    while token is not None:
        page = api.ok("GET", table + "/partitions?detail=name&limit=60" + token)
        names += [row["name"] for row in page["items"]]
        token = "&page_token=" + page["next_page_token"] if "next_page_token" in page else None
    assert names == sorted(names) and len(names) == 201
    assert len(api.ok("GET", table + "/partitions?limit=500")["items"]) == 201
    assert api.ok("GET", table + "/partitions:count?filter=" + quoted('ds < "d010"')) == {"count": 10}
    assert [p["values"] for p in api.ok("GET", table + "/partitions?prefix=d007")["items"]] == [["d007", "7"]]
    picked = api.ok("GET", table + "/partitions", params={"names": ["ds=d001/n=1", "ds=d002/n=2"]})["items"]
    assert [p["name"] for p in picked] == ["ds=d001/n=1", "ds=d002/n=2"]
    altered = api.ok("POST", table + "/partitions:alter", json={"items": [one("d001", "1", parameters={"x": "y"})]})
    assert altered["items"][0]["status"] == "altered"
    assert api.ok("POST", table + "/partitions:drop", json={"names": ["ds=d001/n=1"]})["dropped"] == 1
    assert api.ok("POST", table + "/partitions:drop", json={"filter": 'ds < "d010"'})["dropped"] == 9
    api.problem("POST", table + "/partitions:drop", 404, "partition_not_found", json={"names": ["ds=d001/n=1"]})
    api.problem("POST", table + "/partitions:drop", 400, "invalid_input", json={})


def test_a_change_of_nothing_is_none(api, table):
    path = f"{table}/partitions/{quoted('ds=a/n=1')}"
    items = [one("a", "1", parameters={"b": "1", "a": "2"}), one("b", "2")]
    api.ok("POST", table + "/partitions", json={"items": items})
    before = api.ok("GET", path)
    assert api.ok("PUT", path, json=before) == before
    assert api.ok("PUT", path, json=items[0]) == before
    assert api.ok("PATCH", path, json={"parameters": {"a": "2"}}) == before
    assert api.ok("POST", path + ":rename", json={"values": ["a", "1"]}) == before
    assert {i["status"] for i in api.ok("POST", table + "/partitions:alter", json={"items": items})["items"]} == {"unchanged"}
    assert len(api.ok("GET", path + "/history")["items"]) == 1
    items[1]["parameters"] = {"k": "v"}
    answer = api.ok("POST", table + "/partitions:alter", json={"items": items})
    assert [i["status"] for i in answer["items"]] == ["unchanged", "altered"] and answer["failed"] == 0
    assert api.ok("GET", path) == before
    database = path.split("/")[4]
    changes = api.ok("GET", f"/changes?database={database}&kind=partition")["items"]
    assert [(c["action"], c["partitions"]) for c in changes] == [("add", ["ds=a/n=1", "ds=b/n=2"]), ("alter", ["ds=b/n=2"])]


@pytest.mark.parametrize("kind", ["EXTERNAL_TABLE", "MANAGED_TABLE"])
def test_etags(api, database, kind):
    table = database + "/tables/e"
    api.ok("PUT", table, 201, json={"type": kind, "columns": [{"name": "v", "type": "int"}], "partition_keys": [{"name": "n", "type": "int"}]})

    def path(n):
        return f"{table}/partitions/n={n}"

    def tag(answer, status=200):
        assert answer.status_code == status, answer.text
        return answer.headers["ETag"]

    def match(value):
        return {"If-Match": value}

    first = tag(api.request("PUT", path(1), json={}), 201)
    api.problem("PUT", path(1), 409, "already_exists", json={}, headers={"If-None-Match": "*"})
    api.problem("PUT", path(2), 404, "partition_not_found", json={}, headers=match(first))
    assert tag(api.request("GET", path(1))) == first
    same = api.request("GET", path(1), headers={"If-None-Match": first})
    assert tag(same, 304) == first and not same.content
    assert tag(api.request("PATCH", path(1), json={}, headers=match(first))) == first
    second = tag(api.request("PATCH", path(1), json={"parameters": {"k": "v"}}, headers=match(first)))
    assert second != first and tag(api.request("GET", path(1), headers={"If-None-Match": first})) == second
    for value in (first, second.replace("-", "0-")):
        api.problem("PUT", path(1), 412, "version_conflict", json={}, headers=match(value))
        api.problem("PATCH", path(1), 412, "version_conflict", json={}, headers=match(value))
        api.problem("POST", path(1) + ":rename", 412, "version_conflict", json={"values": ["5"]}, headers=match(value))
        api.problem("DELETE", path(1), 412, "version_conflict", headers=match(value))
    api.problem("DELETE", path(1), 400, "invalid_input", headers=match("x"))
    assert api.ok("GET", path(1))["parameters"]["k"] == "v"
    third = tag(api.request("PUT", path(1), json={"parameters": {"k": "w"}}, headers=match(second)))
    assert tag(api.request("GET", path(1))) == third

    # partitions that one change made have tags of their own
    api.ok("POST", table + "/partitions", json={"items": [{"values": ["8"]}, {"values": ["9"]}]})
    eight = tag(api.request("GET", path(8)))
    api.problem("DELETE", path(9), 412, "version_conflict", headers=match(eight))
    api.ok("DELETE", path(8), 204, headers=match(eight))
    assert tag(api.request("PUT", path(8), json={}), 201) != eight

    renamed = tag(api.request("POST", path(1) + ":rename", json={"values": ["5"]}, headers=match(third)))
    assert renamed != third and tag(api.request("GET", path(5))) == renamed
    api.ok("DELETE", path(5), 204, headers=match(renamed))
    restored = tag(api.request("POST", path(5) + ":restore"))
    assert restored != renamed and tag(api.request("GET", path(5))) == restored
    api.ok("DELETE", path(5), 204, headers=match("*"))
    api.problem("DELETE", path(5), 404, "partition_not_found", headers=match(restored))


def test_one_of_many_wins(api, table):
    path = f"{table}/partitions/{quoted('ds=a/n=1')}"
    api.ok("PUT", path, 201, json={})
    tag = api.request("GET", path).headers["ETag"]

    def patch(i):
        return api.request("PATCH", path, json={"parameters": {"winner": str(i)}}, headers={"If-Match": tag})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(patch, range(16)))
    assert sorted(a.status_code for a in answers) == [200] + [412] * 15
    winner = next(a for a in answers if a.status_code == 200)
    assert api.request("GET", path).headers["ETag"] == winner.headers["ETag"] != tag
    assert len(api.ok("GET", path + "/history")["items"]) == 2


@pytest.mark.parametrize("query, code", [
    ("filter=" + quoted("ds ="), "invalid_filter"),
    ("filter=" + quoted("nokey = 1"), None),
    ("grammar=sql", "invalid_input"),
    ("detail=some", "invalid_input"),
    ("columns=yes", "invalid_input"),
])
def test_bad_queries(api, table, query, code):
    answer = api.request("GET", f"{table}/partitions?{query}")
    assert answer.status_code == 400 and (code is None or answer.json()["code"] == code)
