"""Search, and databases that get another name."""


def fill(api, database, word):
    def make(name, **more):
        api.ok("POST", database + "/tables", 201, json={"name": name, "type": "EXTERNAL_TABLE", "storage": {"location": "s3://b/" + name}} | more)

    make(word, owner="ann", columns=[{"name": "id", "type": "int"}])
    make(word + "_archive", owner="bob", columns=[{"name": "id", "type": "int"}, {"name": "e_mail", "type": "string"}], parameters={"table_type": "ICEBERG", "a,b": "c=d"})
    make("other", type="VIRTUAL_VIEW", description=f"made from {word}", columns=[{"name": "x", "type": "int"}])


def names(api, **query):
    return [i["name"] for i in api.ok("GET", "/search", params=query)["items"]]


def test_search(api, database):
    word = "q" + database.rsplit("_", 1)[1]
    name = database.rsplit("/", 1)[1]
    fill(api, database, word)
    hits = api.ok("GET", "/search", params={"q": word})["items"]
    assert [(h["name"], h["match"]) for h in hits] == [(word, "exact"), (word + "_archive", "name"), ("other", "text")]
    assert hits[0]["kind"] == "table" and hits[0]["database"] == name and hits[0]["version"] == 0
    assert names(api, q=word, type="VIRTUAL_VIEW") == ["other"]
    assert names(api, q=word, owner="bob") == [word + "_archive"]
    assert names(api, q=word, column="E_MAIL") == [word + "_archive"]
    assert names(api, q=word, parameter="table_type=ICEBERG") == [word + "_archive"]
    assert names(api, database=name, parameter="a,b") == [word + "_archive"]
    assert names(api, database=name, parameter=["a,b=c=d", "table_type"]) == [word + "_archive"]
    assert names(api, database=name, parameter=["a,b=c=d", "table_type=DELTA"]) == []
    assert names(api, database=name.upper(), kind="table") == ["other", word, word + "_archive"] == names(api, database=name, catalog="hive")
    assert names(api, q=word, database="nix_" + word) == [] == names(api, q=word, catalog="nix")
    seen, token = [], None
    for _ in range(3):
        page = api.ok("GET", "/search", params={"q": word, "limit": 1} | ({"page_token": token} if token else {}))
        seen += [i["name"] for i in page["items"]]
        token = page.get("next_page_token")
    assert seen == [word, word + "_archive", "other"] and token is None
    token = api.ok("GET", "/search", params={"q": word, "limit": 1})["next_page_token"]
    api.problem("GET", "/search?q=other&page_token=" + token, 400, "invalid_page_token")
    api.problem("GET", "/search?kind=function", 400, "invalid_input")
    api.problem("GET", "/search?parameter==x", 400, "invalid_input")
    api.problem("GET", "/search?limit=all", 400, "invalid_input")
    api.problem("GET", "/search?q=" + "+".join(f"w{i}" for i in range(33)), 400, "limit_exceeded")


def test_rename_database(api, database):
    word = "r" + database.rsplit("_", 1)[1]
    old = database.rsplit("/", 1)[1]
    new = old + "2"
    there = database[: -len(old)] + new
    fill(api, database, word)
    api.ok("POST", database + "/functions", 201, json={"name": "f", "class_name": "F"})
    before = api.ok("GET", database)
    api.problem("POST", database + ":rename", 409, "already_exists", json={"name": "default"})
    api.problem("POST", database + ":rename", 400, "invalid_input", json={})
    api.problem("POST", database + ":rename", 400, "invalid_input", json={"name": "x", "location": "y"})
    api.problem("POST", database + ":rename", 400, "invalid_name", json={"name": " "})
    api.problem("POST", database + ":rename", 412, "version_conflict", json={"name": new}, headers={"If-Match": '"1-0"'})
    api.problem("POST", "/catalogs/hive/databases/default:rename", 409, "invalid_operation", json={"name": "x"})
    tag = api.request("GET", database).headers["ETag"]
    answer = api.request("POST", database + ":rename", json={"name": new.upper()}, headers={"If-Match": tag})
    assert answer.status_code == 200 and answer.headers["ETag"] != tag
    after = answer.json()
    try:
        assert after["name"] == new and after["version"] == before["version"] + 1
        assert {k: v for k, v in after.items() if k not in ("name", "version", "updated_at")} == {k: v for k, v in before.items() if k not in ("name", "version", "updated_at")}
        api.problem("GET", database, 404, "database_not_found")
        assert api.ok("GET", there + "/tables/" + word)["database"] == new
        assert api.ok("GET", there + "/functions/f")["database"] == new
        assert names(api, database=new, q=word)[0] == word and names(api, database=old) == []
        assert api.ok("GET", "/search", params={"q": word})["items"][0]["database"] == new
        change = api.ok("GET", "/changes", params={"kind": "database", "database": new, "limit": 1000})["items"][-1]
        assert change["action"] == "rename" and change["detail"]["before"]["name"] == old
        api.ok("POST", "/catalogs/hive/databases", 201, json={"name": old})  # the old name is free
        assert api.ok("GET", database + "/tables")["items"] == []
    finally:
        api.ok("DELETE", there + "?cascade=true", 204)
