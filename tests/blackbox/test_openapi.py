"""openapi.yaml and the server say the same: every route, every query parameter, every answer."""

import os
import re
import time
import urllib.parse

import jsonschema
import pytest
import yaml


@pytest.fixture(scope="module")
def document(shared):
    with shared.client() as client:
        return yaml.load(client.ok("GET", "//openapi.yaml").text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def resolve(document, node):
    while "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def operations(document):
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            yield verb.upper(), path, operation


def test_routes_are_the_same(api, document):
    served = {(m["verb"], m["path"]): m for m in api.ok("GET", "//admin/methods")["items"] if m["protocol"] == "rest"}
    described = {(verb, path): operation for verb, path, operation in operations(document)}
    assert served.keys() == described.keys()
    for key, method in served.items():
        assert described[key]["operationId"] == method["name"]
        assert described[key]["summary"] == method["doc"]
        assert ("security" in described[key]) == method["public"]


def test_query_parameters_are_the_same(api, document):
    """The error for an unknown parameter lists the known ones."""
    for verb, path, operation in operations(document):
        if path in ("/healthz", "/version", "/openapi.yaml") or verb != "GET":
            continue
        described = {p["name"] for p in (resolve(document, p) for p in operation.get("parameters", [])) if p["in"] == "query"}
        url = re.sub(r"\{\w+\}", "1", path)
        detail = api.problem("GET", api.server.base + url + "?q9_z-8=1", 400, "invalid_input")["detail"]
        known = detail.rsplit("Known: ", 1)[1].rstrip(".")
        assert {k.rstrip("+") for k in known.split(",") if k != "none"} == described, path


def test_schemas_are_schemas(document):
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
    used = set(re.findall(r"#/components/(\w+)/(\w+)", str(document)))
    there = {(kind, name) for kind in ("schemas", "parameters", "responses") for name in document["components"][kind]}
    assert used == there


class Checker:
    """Calls operations by id and holds every answer against its schema."""

    def __init__(self, api, document):
        self.api, self.document, self.seen = api, document, set()
        self.by_id = {operation["operationId"]: (verb, path, operation) for verb, path, operation in operations(document)}

    def call(self, name, *values, query="", status=None, **more):
        verb, path, operation = self.by_id[name]
        rest = list(values)
        url = re.sub(r"\{\w+\}", lambda _: urllib.parse.quote(str(rest.pop(0)), safe=""), path)
        if verb == "PATCH":
            more["headers"] = {"Content-Type": "application/merge-patch+json"} | more.get("headers", {})
        answer = self.api.request(verb, self.api.server.base + url + query, **more)
        code = str(answer.status_code)
        assert status is None or answer.status_code == status, f"{name}: {code} {answer.text}"
        described = resolve(self.document, operation["responses"].get(code) or operation["responses"]["default"])
        assert code in operation["responses"] or answer.status_code >= 400, f"{name}: {code} is not described"
        if "content" in described and answer.status_code != 304:
            kind = answer.headers["Content-Type"].split(";")[0]
            schema = described["content"][kind]["schema"]
            if kind.endswith("json"):
                whole = dict(schema, components=self.document["components"])
                jsonschema.Draft202012Validator(whole).validate(answer.json())
        else:
            assert not answer.content
        if answer.status_code < 400:
            self.seen.add(name)
        return answer


def test_answers_fit(api, document):
    check = Checker(api, document)
    call, c, d = check.call, "c" + os.urandom(3).hex(), "d" + os.urandom(3).hex()
    storage = {"location": "file:/nowhere/x", "input_format": "i", "output_format": "o", "buckets": 3, "bucket_columns": ["a"],
               "sort_columns": [{"name": "a", "order": "desc"}], "serde": {"name": "s", "library": "l", "parameters": {"p": "q"}},
               "skew": {"columns": ["a"], "values": [["1"]], "locations": [{"values": ["1"], "location": "file:/nowhere/s"}]}, "parameters": {"k": "v"}}
    columns = [{"name": "a", "type": "int", "comment": "c"}]
    table = {"name": "t", "type": "EXTERNAL_TABLE", "owner": "me", "columns": columns, "storage": storage, "parameters": {"x": "y"},
             "partition_keys": [{"name": "ds", "type": "string"}], "extra": {"glue.x": 1}}

    call("catalog.create", json={"name": c}, status=201)
    call("catalog.put", c, json={"description": "d"}, status=200)
    call("catalog.patch", c, json={"parameters": {"a": "b"}}, status=200)
    tag = call("catalog.get", c, status=200).headers["ETag"]
    call("catalog.get", c, headers={"If-None-Match": tag}, status=304)
    call("catalog.list", status=200)
    call("database.create", c, json={"name": d}, status=201)
    call("database.put", c, d, json={"description": "d"}, status=200)
    call("database.patch", c, d, json={"owner": "o"}, status=200)
    call("database.get", c, d, status=200)
    call("database.list", c, query="?pattern=*", status=200)
    call("table.create", c, d, json=table, status=201)
    call("table.put", c, d, "t", json=table, status=200)
    call("table.put", c, d, "u", json={"type": "VIRTUAL_VIEW", "view_original_text": "select 1", "columns": columns, "storage": {}}, status=201)
    call("table.patch", c, d, "t", json={"description": "d"}, status=200)
    call("table.get", c, d, "t", status=200)
    call("table.get", c, d, "t", query="?version=0", status=200)
    for query in ("", "?detail=full", "?limit=1", "?limit=all"):
        call("table.list", c, d, query=query, status=200)
    call("version.list", c, d, "t", query="?noops=true&pointer_moves=true", status=200)
    call("version.get", c, d, "t", 0, status=200)
    call("version.diff", c, d, "t", query="?from=0&to=1", status=200)
    call("version.restore", c, d, "t", json={"version": 0}, status=200)

    one = {"values": ["1"], "columns": columns, "storage": storage, "parameters": {"a": "b"}}
    call("partition.add", c, d, "t", json=one, status=201)
    call("partition.add", c, d, "t", json={"items": [one, one | {"values": ["2"]}], "per_item": True}, status=200)
    call("partition.alter_many", c, d, "t", json={"items": [one]}, status=200)
    for query in ("", "?detail=name", "?columns=false", "?limit=1"):
        call("partition.list", c, d, "t", query=query, status=200)
    call("partition.count", c, d, "t", status=200)
    call("partition.get", c, d, "t", "ds=1", status=200)
    call("partition.put", c, d, "t", "ds=1", json=one | {"parameters": {}}, status=200)
    call("partition.put", c, d, "t", "ds=3", json={"storage": {}}, status=201)
    call("partition.patch", c, d, "t", "ds=1", json={"parameters": {"z": "z"}}, status=200)
    call("partition.rename", c, d, "t", "ds=3", json={"values": ["4"]}, status=200)
    call("partition.history", c, d, "t", "ds=1", status=200)
    call("partition.drop", c, d, "t", "ds=1", status=204)
    call("partition.restore", c, d, "t", "ds=1", json={}, status=200)
    call("partition.drop_many", c, d, "t", json={"names": ["ds=1", "ds=9"], "if_exists": True, "per_item": True}, status=200)
    call("partition.drop_many", c, d, "t", json={"filter": 'ds = "2"'}, status=200)

    statistics = [{"column": "a", "type": "int", "kind": "long", "nulls": 1, "distinct": 2, "low": -1, "high": 5, "bit_vector": "AAE="}]
    call("statistics.put", c, d, "t", json={"columns": statistics}, status=204)
    call("statistics.get", c, d, "t", query="?columns=a,b", status=200)
    call("statistics.delete", c, d, "t", status=204)
    call("partition_statistics.put", c, d, "t", json={"items": [{"partition": "ds=4", "columns": statistics}]}, status=204)
    for query in ("", "?names=ds=4", "?filter=ds%3D'4'&sketches=false"):
        call("partition_statistics.list", c, d, "t", query=query, status=200)
    call("partition_statistics.get_many", c, d, "t", json={"names": ["ds=4"]}, status=200)
    call("partition_statistics.delete", c, d, "t", query="?names=ds=4", status=204)
    call("constraint.add", c, d, "t", json={"kind": "primary_key", "name": "pk", "columns": ["a"]}, status=201)
    call("constraint.add", c, d, "t", json={"items": [{"kind": "foreign_key", "columns": ["a"], "references": {"table": "t"}},
                                                      {"kind": "check", "expression": "a > 0"}]}, status=201)
    call("constraint.list", c, d, "t", status=200)
    call("constraint.drop", c, d, "t", "pk", status=204)
    for kind, names in (("table", (c, d, "t")), ("database", (c, d))):
        call(kind + "_tags.put", *names, json={"a": "b"}, status=200)
        call(kind + "_tags.patch", *names, json={"a": None, "c": "d"}, status=200)
        call(kind + "_tags.get", *names, status=200)
    call("search", query="?q=t&column=a&parameter=x=y&limit=1", status=200)

    connection = {"name": "n", "type": "JDBC", "properties": {"JDBC_CONNECTION_URL": "jdbc:postgresql://127.0.0.1:1/x", "USERNAME": "u",
                                                              "PASSWORD": "p"}}
    call("connection.create", c, json=connection, status=201)
    call("connection.put", c, "n", json=connection | {"description": "d"}, status=200)
    call("connection.put", c, "n2", json=connection | {"name": "n2"}, status=201)
    call("connection.patch", c, "n", json={"description": None}, status=200)
    tag = call("connection.get", c, "n", query="?with_secrets=true", status=200).headers["ETag"]
    call("connection.get", c, "n", headers={"If-None-Match": tag}, status=304)
    call("connection.list", c, query="?limit=1", status=200)
    call("connection.test", c, "n", status=200)
    call("connection.test_inline", c, json=connection, status=200)
    call("connection_tags.put", c, "n", json={"a": "b"}, status=200)
    call("connection_tags.patch", c, "n", json={"a": None}, status=200)
    call("connection_tags.get", c, "n", status=200)
    call("connection.rename", c, "n", json={"name": "m"}, status=200)
    call("connection.drop", c, "m", status=204)
    call("connection.drop", c, "n2", status=204)
    call("connection.types", status=200)

    call("table.rename", c, d, "t", json={"name": "v"}, status=200)
    call("table.drop", c, d, "v", status=204)
    call("table.dropped", c, d, status=200)
    call("table.undrop", c, d, "v", status=200)
    function = {"name": "f", "class_name": "F", "resources": [{"type": "JAR", "uri": "file:/f"}]}
    call("function.create", c, d, json=function, status=201)
    call("function.put", c, d, "f", json=function | {"owner": "o"}, status=200)
    call("function.patch", c, d, "f", json={"class_name": "G"}, status=200)
    call("function.get", c, d, "f", status=200)
    call("function.list", c, d, status=200)
    call("function.rename", c, d, "f", json={"name": "g"}, status=200)
    call("function.drop", c, d, "g", status=204)
    call("database.rename", c, d, json={"name": d + "x"}, status=200)
    d += "x"
    call("database.drop", c, d, query="?cascade=true", status=204)
    call("catalog.drop", c, status=204)
    call("change.list", query="?limit=1000", status=200)

    user = "u" + os.urandom(3).hex()
    call("user.create", json={"name": user, "password": "correct horse"}, status=201)
    call("user.patch", user, json={"disabled": True}, status=200)
    call("user.get", user, status=200)
    call("user.list", status=200)
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    token = call("token.create", user, json={"name": "n", "expires_at": expires}, status=201).json()["id"]
    call("token.list", user, status=200)
    call("token.revoke", user, token, status=204)
    call("user.delete", user, status=204)
    for name in ("whoami", "healthz", "readyz", "version", "openapi", "metrics", "admin.methods", "admin.pools", "admin.config", "admin.connections", "admin.doctor"):
        call(name, status=200)
    for name, names in (("metastore", ()), ("metastore.client", ("*",))):
        call(name, *names, data=b"\x80\x01\x00\x01\x00\x00\x00\x07getName\x00\x00\x00\x01\x00", status=200)
    call("table.get", "hive", "default", "no", status=404)
    assert check.seen == set(check.by_id), "not called: " + str(set(check.by_id) - check.seen)
