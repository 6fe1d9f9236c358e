"""Catalogs, databases, tables, versions over REST."""

import concurrent.futures
import os
import time
import urllib.parse

import pytest

COLUMNS = [{"name": "id", "type": "bigint"}, {"name": "what", "type": "string", "comment": "said"}]


def table(name="t", **more):
    return {
        "name": name,
        "type": "EXTERNAL_TABLE",
        "columns": COLUMNS,
        "storage": {"location": f"file:/nowhere/{name}", "input_format": "i", "output_format": "o", "serde": {"library": "l"}},
        "parameters": {"a": "1", "b": "2"},
    } | more


def test_catalog_life(api):
    name = "c" + os.urandom(4).hex()
    api.problem("GET", f"/catalogs/{name}", 404, "catalog_not_found")
    made = api.request("PUT", f"/catalogs/{name}", json={"name": name, "description": "d"})
    assert made.status_code == 201 and made.headers["ETag"]
    api.problem("POST", "/catalogs", 409, "already_exists", json={"name": name})
    assert api.ok("PATCH", f"/catalogs/{name}", json={"parameters": {"x": "y"}})["description"] == "d"
    assert "description" not in api.ok("PUT", f"/catalogs/{name}", json={})
    assert name in [c["name"] for c in api.ok("GET", "/catalogs")["items"]]
    api.ok("DELETE", f"/catalogs/{name}", 204)
    api.problem("DELETE", f"/catalogs/{name}", 404, "catalog_not_found")


def test_database_life(api, database):
    first = api.request("GET", database)
    tag = first.headers["ETag"]
    assert api.request("GET", database, headers={"If-None-Match": tag}).status_code == 304
    assert api.ok("PATCH", database, headers={"If-Match": tag}, json={"description": "new"})["version"] == 1
    api.problem("PATCH", database, 412, "version_conflict", headers={"If-Match": tag}, json={"description": "newer"})
    api.problem("PATCH", database, 412, "version_conflict", headers={"If-Match": '"999999-1"'}, json={"description": "newer"})
    api.problem("PUT", database, 409, "already_exists", headers={"If-None-Match": "*"}, json={})
    assert api.request("GET", database, headers={"If-None-Match": tag}).status_code == 200
    api.ok("POST", database + "/tables", 201, json=table())
    api.problem("DELETE", database, 409, "not_empty")
    api.ok("DELETE", database + "?cascade=true", 204)
    api.problem("GET", database, 404, "database_not_found")


def test_table_get_can_be_put_back(api, database):
    made = api.ok("POST", database + "/tables", 201, json=table(partition_keys=[{"name": "ds", "type": "string"}]))
    assert made["version"] == 0
    read = api.ok("GET", database + "/tables/t")
    assert read == made
    again = api.ok("PUT", database + "/tables/t", json=read)
    assert again["version"] == 0, "nothing changed"
    assert api.ok("GET", database + "/tables/T")["incarnation"] == made["incarnation"]


def test_patch_and_put(api, database):
    path = database + "/tables/t"
    api.ok("PUT", path, 201, json=table())
    patched = api.ok("PATCH", path, json={"parameters": {"a": None, "c": "3"}, "storage": {"serde": {"name": "n"}}})
    assert {"b": "2", "c": "3"}.items() <= patched["parameters"].items() and "a" not in patched["parameters"]
    assert patched["storage"]["serde"] == {"name": "n", "library": "l", "parameters": {}} or patched["storage"]["serde"]["library"] == "l"
    assert patched["version"] == 1
    put = api.ok("PUT", path, json={"columns": COLUMNS[:1], "storage": patched["storage"]})
    assert put["columns"] == COLUMNS[:1] and "c" not in put["parameters"]
    api.problem("PUT", path, 400, "invalid_input", json={"name": "other"})


def test_the_same_document_put_twice(api, database):
    """What the server chose at the creation, the place and the type, is not lost when a later PUT does not repeat it."""
    for path, body in ((f"/catalogs/c{os.urandom(4).hex()}", {}), (database + "_again", {"description": "d"}),
                       (database + "/tables/managed", {"columns": COLUMNS}),
                       (database + "/tables/view", {"view_original_text": "select 1", "columns": COLUMNS})):
        made = api.ok("PUT", path, 201, json=body)
        again = api.ok("PUT", path, json=body)
        assert again == made and again["version"] == 0
    made = api.ok("GET", database + "/tables/managed")
    assert made["type"] == "MANAGED_TABLE" and made["storage"]["location"]
    changed = api.ok("PUT", database + "/tables/managed", json={"columns": COLUMNS[:1]})
    assert changed["storage"]["location"] == made["storage"]["location"] and changed["version"] == 1
    assert "location" not in api.ok("PATCH", database + "/tables/managed", json={"storage": {"location": None}})["storage"]
    api.ok("DELETE", database + "_again", 204)


def test_patch_knows_its_members(api, database):
    path = database + "/tables/t"
    api.ok("PUT", path, 201, json=table())
    for body in ({"descripton": None}, {"storage": {"serde": {"libary": None}}}, {"nope": 1}):
        assert "not a known field" in api.problem("PATCH", path, 400, "invalid_input", json=body)["detail"]
    same = api.ok("PATCH", path, json={"description": None, "parameters": {"never": None}, "storage": {"serde": {"name": None}}})
    assert same["version"] == 0
    api.problem("PATCH", database, 400, "invalid_input", json={"nope": None})


def test_lists_and_pages(api, database):
    names = [f"t{i:02}" for i in range(25)]
    for name in names:
        api.ok("PUT", f"{database}/tables/{name}", 201, json=table(name))
    seen, token = [], None
    while True:
        page = api.ok("GET", database + "/tables?limit=7" + (f"&page_token={token}" if token else ""))
        seen += [row["name"] for row in page["items"]]
        token = page.get("next_page_token")
        if not token:
            break
    assert seen == names
    assert [row["name"] for row in api.ok("GET", database + "/tables?limit=all")["items"]] == names
    assert [row["name"] for row in api.ok("GET", database + "/tables?pattern=t0*|t24")["items"]] == names[:10] + ["t24"]
    assert api.ok("GET", database + "/tables?detail=full&limit=2")["items"][0]["columns"] == COLUMNS
    token = api.ok("GET", database + "/tables?limit=7")["next_page_token"]
    for bad in ("x", token[:-2] + "AA", token + "A" * 5000, "", "%00"):
        assert api.request("GET", f"{database}/tables?limit=7&page_token={bad}").status_code == 400
    api.problem("GET", f"{database}/tables?pattern=t*&page_token={token}", 400, "invalid_page_token")
    api.ok("GET", f"{database}/tables?limit=3&page_token={token}")
    for bad in ("0", "-1", "1001", "1e3", "99999999999999999999", "", "x"):
        api.problem("GET", f"{database}/tables?limit={bad}", 400, "invalid_input")
    api.problem("GET", f"{database}/tables?detail=full&limit=all", 400, "invalid_input")


def test_versions(api, database):
    path = database + "/tables/t"
    api.ok("PUT", path, 201, json=table())
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    time.sleep(1.1)
    api.ok("PATCH", path, json={"columns": COLUMNS + [{"name": "more", "type": "int"}]}, headers={"User-Agent": "tester"})
    api.ok("PATCH", path, json={"description": "d"})
    versions = api.ok("GET", path + "/versions")["items"]
    assert [v["version"] for v in versions] == [2, 1, 0]
    assert versions[1]["change"]["agent"] == "tester" and versions[1]["change"]["operation"] == "table.patch"
    assert api.ok("GET", path + "/versions/0")["table"]["columns"] == COLUMNS
    assert api.ok("GET", path + "?version=0")["columns"] == COLUMNS
    assert api.ok("GET", path + "?as_of=" + before)["version"] == 0
    assert "more" in str(api.ok("GET", path + "/diff?from=0&to=1"))
    restored = api.ok("POST", path + ":restore", json={"version": 0})
    assert restored["table"]["version"] == 3 and restored["table"]["columns"] == COLUMNS
    api.problem("GET", path + "?version=77", 404, "version_not_found")
    api.problem("GET", path + "?version=1&as_of=" + before, 400, "invalid_input")
    api.problem("GET", path + "?as_of=yesterday", 400, "invalid_input")
    api.problem("GET", path + "/diff?from=0", 400, "invalid_input")
    api.problem("GET", path + "/versions/-1", 400, "invalid_input")


def test_rename_drop_undrop(api, database):
    path = database + "/tables/t"
    api.ok("PUT", path, 201, json=table())
    moved = api.ok("POST", path + ":rename", json={"name": "u"})
    assert moved["name"] == "u"
    api.problem("GET", path, 404, "table_not_found")
    api.problem("POST", database + "/tables/u:rename", 400, "invalid_input", json={})
    api.ok("DELETE", database + "/tables/u", 204)
    dropped = api.ok("GET", database + "/dropped-tables")["items"]
    assert [t["name"] for t in dropped] == ["u"]
    back = api.ok("POST", database + "/tables/u:undrop", json={"incarnation": dropped[0]["incarnation"]})
    assert back["table"]["incarnation"] == moved["incarnation"]
    assert api.ok("GET", database + "/tables/u")["columns"] == COLUMNS


def test_one_of_many_wins(api, database):
    path = database + "/tables/t"
    tag = api.request("PUT", path, json=table()).headers["ETag"]

    def write(i):
        with api.server.client() as client:
            return client.request("PATCH", path, json={"parameters": {"n": str(i)}}, headers={"If-Match": tag}).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(write, range(8)))
    assert codes == [200] + [412] * 7


@pytest.mark.parametrize("name", ["with space", "Ünïcode", "a.b", "per%cent", "semi;colon", "a+b", "x" * 255])
def test_names_in_paths(api, database, name):
    quoted = urllib.parse.quote(name, safe="")
    answer = api.request("PUT", f"{database}/tables/{quoted}", json=table(name))
    if answer.status_code == 400:
        assert answer.json()["code"] == "invalid_name"
        return
    assert answer.status_code == 201, answer.text
    assert api.ok("GET", f"{database}/tables/{quoted}")["name"] == answer.json()["name"]
    assert api.ok("GET", f"{database}/tables")["items"][0]["name"] == answer.json()["name"]


def test_functions(api, database):
    path = database + "/functions/f"
    function = {"name": "f", "class_name": "org.example.F", "resources": [{"type": "JAR", "uri": "file:/f.jar"}]}
    assert api.ok("POST", database + "/functions", 201, json=function)["resources"] == function["resources"]
    api.problem("POST", database + "/functions", 409, "already_exists", json=function)
    assert api.ok("PATCH", path, json={"class_name": "org.example.G"})["version"] == 1
    assert [f["name"] for f in api.ok("GET", database + "/functions")["items"]] == ["f"]
    assert api.ok("POST", path + ":rename", json={"name": "g"})["name"] == "g"
    api.problem("GET", path, 404, "function_not_found")
    api.ok("DELETE", database + "/functions/g", 204)
