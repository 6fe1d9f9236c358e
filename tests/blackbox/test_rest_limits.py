"""Each named limit at its edge and one beyond, and what a browser of another site must not be able to do."""

import base64
import json
import socket
import threading

import pytest

from conftest import running

COLUMN = {"name": "a", "type": "int"}
KEY = {"name": "p", "type": "string"}


@pytest.fixture(scope="module")
def server():
    """Limits small enough to be reached quickly."""
    limits = {"columns": 10, "type_text": "1KiB", "comment": "256B", "view_text": "1KiB", "parameters": 16, "parameter_key": "64B",
              "parameter_value": "1KiB", "partitions_per_request": 3, "page": 5, "page_default": 2, "list_page": 4, "search_page": 3,
              "json_depth": 12}
    with running(*(word for name, value in limits.items() for word in ("--set", f"limits.{name}={value}"))) as server:
        server.expect_log("File name too long|stays where it is")  # 255 characters may be more bytes than a file system takes
        yield server


@pytest.fixture
def small(server):
    with server.client() as api:
        yield api


@pytest.fixture
def home(small, request):
    name = "d%x" % abs(hash(request.node.name))
    small.ok("POST", "/catalogs/hive/databases", 201, json={"name": name})
    yield f"/catalogs/hive/databases/{name}"
    small.request("DELETE", f"/catalogs/hive/databases/{name}?cascade=true")


def refused(api, verb, path, code, words, **more):
    before = api.ok("GET", "/changes?limit=1")["last_change_id"]
    problem = api.problem(verb, path, 413 if code == "request_too_large" else 400, code, **more)
    assert words in problem["detail"], problem
    assert api.ok("GET", "/changes?limit=1")["last_change_id"] == before


TABLE_LIMITS = {
    "limits.columns": lambda n: {"columns": [{"name": f"c{i}", "type": "int"} for i in range(n)]},
    "limits.type_text": lambda n: {"columns": [{"name": "a", "type": "struct<" + "x" * (n - 12) + ":int>"}]},
    "limits.comment": lambda n: {"columns": [COLUMN | {"comment": "c" * n}]},
    "limits.view_text": lambda n: {"columns": [COLUMN], "type": "VIRTUAL_VIEW", "view_original_text": "v" * n, "view_expanded_text": "v"},
    "limits.parameters": lambda n: {"columns": [COLUMN], "type": "EXTERNAL_TABLE", "parameters": {f"k{i}": "v" for i in range(n)}},
    "limits.parameter_key": lambda n: {"columns": [COLUMN], "parameters": {"k" * n: "v"}},
    "limits.parameter_value": lambda n: {"columns": [COLUMN], "parameters": {"k": "v" * n}},
}


@pytest.mark.parametrize("option, edge", [("limits.columns", 10), ("limits.type_text", 1024), ("limits.comment", 256), ("limits.view_text", 1024),
                                          ("limits.parameters", 16), ("limits.parameter_key", 64), ("limits.parameter_value", 1024)])
def test_limits_of_a_table(small, home, option, edge):
    make = TABLE_LIMITS[option]
    small.ok("POST", home + "/tables", 201, json={"name": "fits"} | make(edge))
    refused(small, "POST", home + "/tables", "limit_exceeded", option, json={"name": "beyond"} | make(edge + 1))
    refused(small, "PUT", home + "/tables/fits", "limit_exceeded", option, json=make(edge + 1))


@pytest.mark.parametrize("option, edge, make", [
    ("limits.parameters", 16, lambda n: {"parameters": {f"k{i}": "v" for i in range(n)}}),
    ("limits.parameter_key", 64, lambda n: {"parameters": {"k" * n: "v"}}),
    ("limits.parameter_value", 1024, lambda n: {"parameters": {"k": "v" * n}}),
    ("limits.view_text", 1024, lambda n: {"description": "d" * n}),
])
def test_limits_of_databases_and_catalogs(small, home, option, edge, make):
    small.ok("PATCH", home, json=make(edge))
    refused(small, "PATCH", home, "limit_exceeded", option, json=make(edge + 1))
    refused(small, "POST", "/catalogs/hive/databases", "limit_exceeded", option, json={"name": "never"} | make(edge + 1))
    refused(small, "POST", "/catalogs", "limit_exceeded", option, json={"name": "never"} | make(edge + 1))
    small.ok("PATCH", "/catalogs/hive", json=make(edge))
    refused(small, "PATCH", "/catalogs/hive", "limit_exceeded", option, json=make(edge + 1))
    small.ok("PATCH", "/catalogs/hive", json={"parameters": None, "description": None})


def test_owner_of_a_database_and_function(small, home):
    small.ok("PATCH", home, json={"owner": "o" * 256})
    refused(small, "PATCH", home, "limit_exceeded", "limits.comment", json={"owner": "o" * 257})
    function = {"name": "f", "class_name": "c" * 256, "owner": "o" * 256}
    small.ok("POST", home + "/functions", 201, json=function)
    refused(small, "POST", home + "/functions", "limit_exceeded", "limits.comment", json=function | {"name": "g", "class_name": "c" * 257})


def test_partitions_per_request(small, home):
    table = home + "/tables/t"
    small.ok("PUT", table, 201, json={"columns": [COLUMN], "partition_keys": [KEY], "type": "EXTERNAL_TABLE"})
    items = [{"values": [str(i)]} for i in range(4)]
    refused(small, "POST", table + "/partitions", "limit_exceeded", "limits.partitions_per_request", json={"items": items})
    small.ok("POST", table + "/partitions", json={"items": items[:3]})
    small.ok("POST", table + "/partitions", 201, json=items[3])
    refused(small, "POST", table + "/partitions:alter", "limit_exceeded", "limits.partitions_per_request", json={"items": items})
    small.ok("POST", table + "/partitions:alter", json={"items": items[:3]})
    names = [f"p={i}" for i in range(4)]
    refused(small, "POST", table + "/partitions:drop", "limit_exceeded", "limits.partitions_per_request", json={"names": names})
    assert small.ok("POST", table + "/partitions:drop", json={"names": names[:3]}) == {"dropped": 3}


def test_name_of_a_partition(small, home):
    table = home + "/tables/t"
    small.ok("PUT", table, 201, json={"columns": [COLUMN], "partition_keys": [KEY], "type": "EXTERNAL_TABLE"})
    small.ok("POST", table + "/partitions", 201, json={"values": ["v" * 1998]})
    refused(small, "POST", table + "/partitions", "invalid_partition", "2000", json={"values": ["v" * 1999]})
    small.ok("POST", table + "/partitions", 201, json={"values": ["a"]})
    first = small.ok("GET", table + "/partitions?limit=1&columns=false")
    assert small.ok("GET", table + "/partitions?limit=1&columns=false&page_token=" + first["next_page_token"])["items"][0]["values"] == ["v" * 1998]


def test_pages(small, home):
    for i in range(6):
        small.ok("POST", home + "/tables", 201, json={"name": f"needle_{i}", "columns": [COLUMN]})
    count = lambda query: len(small.ok("GET", home + "/tables" + query)["items"])
    assert (count(""), count("?limit=5"), count("?limit=1"), count("?limit=all")) == (2, 5, 1, 4)
    for wrong in ("6", "0", "-1", "99999999999999999999", "1e3", "", "ALL", "%201"):
        small.problem("GET", home + f"/tables?limit={wrong}", 400, "invalid_input")
    found = small.ok("GET", "/search?q=needle&limit=5&database=" + home.rsplit("/", 1)[1])
    assert len(found["items"]) == 3 and found["next_page_token"]


def test_page_tokens_cannot_be_made_or_moved(small, home):
    for i in range(3):
        small.ok("POST", home + "/tables", 201, json={"name": f"t{i}", "columns": [COLUMN]})
    token = small.ok("GET", home + "/tables?limit=1")["next_page_token"]
    assert [t["name"] for t in small.ok("GET", home + f"/tables?limit=2&page_token={token}")["items"]] == ["t1", "t2"]
    plain = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    forged = [base64.urlsafe_b64encode(b).decode().rstrip("=") for b in (plain[:8] + b"zz", bytes(8) + plain[8:], plain[:7], b"", plain + b"x")]
    for wrong in [*forged, "x", "%00", "!!!!", "A" * 20000, token[:-1]]:
        small.problem("GET", home + f"/tables?page_token={wrong}", 400, "invalid_input" if wrong == "%00" else "invalid_page_token")
    for path in (f"{home}/functions?page_token={token}", f"{home}/tables?pattern=t&page_token={token}", f"/catalogs/hive/databases?page_token={token}"):
        small.problem("GET", path, 400, "invalid_page_token")


def test_depth_of_json(small, home):
    def nested(levels):
        return b'{"name":"x","parameters":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    headers = {"Content-Type": "application/json"}
    small.problem("POST", "/catalogs/hive/databases", 400, "invalid_input", data=nested(12), headers=headers)
    refused(small, "POST", "/catalogs/hive/databases", "limit_exceeded", "12 levels; that is the limit (limits.json_depth)", data=nested(13), headers=headers)


@pytest.mark.parametrize("number", ["-1", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e999", "1.5", "1e400", "99999999999999999999999999"])
def test_numbers(small, home, number):
    body = b'{"name":"t","columns":[{"name":"a","type":"int"}],"retention":' + number.encode() + b"}"
    answer = small.request("POST", home + "/tables", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == (201 if number == "-1" else 400), answer.text


def test_names_at_the_edge(small, home):
    for letter in ("x", "é", "漢"):
        name = letter * 255
        small.ok("POST", home + "/tables", 201, json={"name": name, "columns": [COLUMN]})
        assert small.ok("GET", f"{home}/tables/{name}")["name"] == name
        refused(small, "POST", home + "/tables", "invalid_name", "255", json={"name": letter * 256, "columns": [COLUMN]})
    small.ok("POST", home + "/tables", 201, json={"name": "long", "columns": [{"name": "c" * 1024, "type": "int"}]})
    refused(small, "POST", home + "/tables", "invalid_name", "1024", json={"name": "longer", "columns": [{"name": "c" * 1025, "type": "int"}]})


@pytest.mark.parametrize("name", ["a/b", "..", "%41", "a?b", "", " ", "a\nb", "x" * 256])
def test_renaming_obeys_the_rules_of_making(small, home, name):
    small.ok("POST", home + "/tables", 201, json={"name": "t", "columns": [COLUMN]})
    small.ok("POST", home + "/functions", 201, json={"name": "f", "class_name": "c"})
    refused(small, "POST", home + ":rename", "invalid_name", "", json={"name": name})
    refused(small, "POST", home + "/tables/t:rename", "invalid_name", "", json={"name": name})
    refused(small, "POST", home + "/functions/f:rename", "invalid_name", "", json={"name": name})


def test_memory_of_a_request():
    with running("--set", "limits.request_memory=16MiB", "--set", "limits.request_body=2MiB") as server:
        api = server.client()
        wide = {"name": "w", "columns": [{"name": f"c{i}", "type": "int", "comment": "x" * 200} for i in range(3000)], "type": "EXTERNAL_TABLE"}
        for i in range(24):
            api.ok("POST", "/catalogs/hive/databases/default/tables", 201, json=wide | {"name": f"w{i}"})
        answer = api.request("GET", "/catalogs/hive/databases/default/tables?detail=full&limit=100")
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large"), answer.text[:500]
        # small as a text, large as a tree
        answer = api.request("POST", "/catalogs/hive/databases", data=b'{"a":[0' + b",{}" * 300000 + b"]}", headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large") and "limits.request_memory" in answer.json()["detail"]
        assert api.ok("GET", "//healthz").text == "ok\n"


def test_full_queue():
    with running("--set", "limits.queue=1", "--set", "http.workers=1") as server:
        server.expect_log("overloaded")
        answers = []

        def ask():
            with server.client() as api:
                answers.extend(api.request("GET", "/search?q=x") for _ in range(10))

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        busy = [a for a in answers if a.status_code == 503]
        assert len(answers) == 120 and {a.status_code for a in answers} <= {200, 503}
        assert busy and busy[0].json()["code"] == "overloaded" and "limits.queue" in busy[0].json()["detail"] and busy[0].headers["Retry-After"]
        assert server.client().ok("GET", "/search?q=x") == {"items": []}


# --- conditions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ['"1--1"', '"-1-1"', '"-1--1"', '"9223372036854775808-0"'])
def test_a_negative_etag_is_not_any(small, home, tag):
    small.problem("PATCH", home, 400, "invalid_input", json={"description": "x"}, headers={"If-Match": tag})


def test_a_condition_is_about_this_very_object(small, home):
    """One dropped and made again under the same name is at version 0 again, but it is not what the caller has seen."""
    place = home.rsplit("/", 2)[0]
    nouns = {home + "/tables/t": {"columns": [COLUMN]}, home + "/functions/f": {"class_name": "c"}, place + "/databases/again": {},
             place + "/connections/again": {"type": "JDBC", "properties": {}}, "/catalogs/again": {}}
    for path, body in nouns.items():
        assert small.request("PUT", path, json=body).status_code == 201
        old = small.request("GET", path).headers["ETag"]
        small.ok("DELETE", path, 204, headers={"If-Match": old})
        assert small.request("PUT", path, json=body).status_code == 201
        new = small.request("GET", path).headers["ETag"]
        assert old != new and old.endswith('-0"') and new.endswith('-0"')
        verbs = [("PUT", path, body), ("PATCH", path, body), ("DELETE", path, None)]
        verbs += [("POST", path + ":rename", {"name": "x"})] if path != "/catalogs/again" else []
        verbs += [("POST", path + ":restore", {"version": 0})] if "/tables/" in path else []
        for verb, where, what in verbs:
            small.problem(verb, where, 412, "version_conflict", json=what, headers={"If-Match": old})
        small.ok("DELETE", path, 204, headers={"If-Match": new})


def test_a_condition_is_never_ignored(small, home):
    table = home + "/tables/t"
    small.ok("PUT", table, 201, json={"columns": [COLUMN], "partition_keys": [KEY], "type": "EXTERNAL_TABLE"})
    small.ok("POST", table + "/partitions", 201, json={"values": ["1"]})
    tag = {"If-Match": '"987654321-0"'}
    for verb, path, body in (("PUT", table + "/tags", {"a": "b"}), ("DELETE", table + "/statistics", None), ("POST", home + "/tables", {"name": "u", "columns": [COLUMN]})):
        problem = small.problem(verb, path, 400, "invalid_input", json=body, headers=tag)
        assert "If-Match" in problem["detail"]
    small.ok("PUT", table + "/tags", json={"a": "b"}, headers={"If-Match": "*"})
    for path in (table, table + "/partitions/p=1"):
        small.problem("DELETE", path, 412, "version_conflict", headers=tag)
    small.ok("GET", table, headers=tag)


# --- who speaks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("LOCALHOST:8181", 200), ("127.0.0.1", 200), ("127.9.9.9:1", 200), ("[::1]", 200), ("[::1]:8181", 200),
    ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("127.evil.example:8181", 403), ("127.", 403), ("127.1", 403),
    ("localhost.evil.example", 403), ("[::2]", 403), ("0.0.0.0", 403), ("1" * 300, 403),
])
def test_host_of_a_server_without_login(api, host, status):
    assert api.request("GET", "/whoami", headers={"Host": host}).status_code == status


@pytest.fixture(scope="module")
def open_server():
    with running("--set", "auth.mode=open", "--listen", "0.0.0.0", "--set", "auth.allowed_hosts=catalog.example,other.example:8181") as server:
        server.expect_log("without a login")
        yield server


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("127.0.0.1:8181", 200), ("192.168.7.7:8181", 200), ("[2001:db8::7]:8181", 200), ("propolis", 200), ("propolis:8181", 200),
    (socket.gethostname(), 200), ("catalog.example", 200), ("CATALOG.example:99", 200), ("other.example:8181", 200), ("other.example:8182", 403),
    ("evil.example", 403), ("evil.example:8181", 403), ("catalog.example.evil.example", 403), ("192.168.7.7.evil.example", 403), ("192.168.7.", 403),
    ("[evil.example]", 403), ("[", 403), (":8181", 403), ("evil.example.", 403), ("1." * 300, 403),
])
def test_host_of_an_open_server(open_server, host, status):
    with open_server.client() as api:
        answer = api.request("GET", "/whoami", headers={"Host": host})
        assert answer.status_code == status, answer.text
        assert status == 200 or "auth.allowed_hosts" in answer.json()["detail"]
        assert api.request("GET", "//healthz", headers={"Host": host}).status_code == 200


def test_pages_of_other_sites_and_an_open_server(open_server):
    with open_server.client() as api:
        rebound = {"Host": "evil.example", "Origin": "http://evil.example"}  # what a browser sends that was fooled
        api.problem("POST", "/catalogs/hive/databases", 403, "forbidden", json={"name": "never"}, headers=rebound)
        api.problem("POST", "/catalogs/hive/databases", 403, "forbidden", json={"name": "never"}, headers={"Origin": "http://evil.example"})
        assert api.request("GET", "/whoami", headers={"Host": "catalog.example", "Origin": "http://catalog.example"}).status_code == 200


def test_listed_hosts():
    with running("--set", "auth.allowed_hosts=*") as server:
        assert server.client().request("GET", "/whoami", headers={"Host": "any.example"}).status_code == 200


ORIGINS = ["null", "http://evil.example", "http://localhost.evil.example", "http://evil.example/localhost", "file://", "http://", "localhost", "*"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_pages_of_other_sites_without_login(api, origin):
    api.problem("GET", "/whoami", 403, "forbidden", headers={"Origin": origin})
    api.problem("POST", "/catalogs/hive/databases", 403, "forbidden", json={"name": "never"}, headers={"Origin": origin})
    api.problem("GET", "/catalogs/hive/databases/never", 404, "database_not_found")
    assert api.request("GET", "/whoami", headers={"Origin": api.server.base}).status_code == 200


def test_pages_of_other_sites_with_login():
    with running("--set", "auth.mode=required") as server:
        token = (server.directory / "admin.token").read_text().strip()
        admin = server.client(token)
        admin.ok("POST", "/users", 201, json={"name": "ann", "password": "correct horse"})
        basic = {"Authorization": "Basic " + base64.b64encode(b"ann:correct horse").decode()}
        nobody = server.client()
        for origin in ORIGINS:  # a browser adds the password by itself, but not a token
            nobody.problem("POST", "/catalogs/hive/databases/default/tables/t:undrop", 403, "forbidden", headers=basic | {"Origin": origin})
            admin.ok("GET", "/whoami", headers={"Origin": origin})
        assert nobody.ok("GET", "/whoami", headers=basic | {"Origin": server.base})["principal"] == "ann"


def test_many_clients_of_one_password_and_many_wrong_ones():
    with running("--set", "auth.mode=required", "--set", "auth.token_cache=0s") as server:
        server.expect_log("overloaded")
        token = (server.directory / "admin.token").read_text().strip()
        server.client(token).ok("POST", "/users", 201, json={"name": "ann", "password": "correct horse"})
        right, wrong, tokens = [], [], []

        def ask(results, header):
            with server.client() as api:
                results.append(api.request("GET", "/catalogs", headers={"Authorization": header}).status_code)

        def all_at_once(wanted):
            threads = [threading.Thread(target=ask, args=w) for w in wanted]
            for t in threads:
                t.start()
            for t in threads:
                t.join(60)

        good = "Basic " + base64.b64encode(b"ann:correct horse").decode()
        all_at_once([(right, good)] * 32)
        assert right == [200] * 32
        bad = [(wrong, "Basic " + base64.b64encode(b"ann:wrong %d" % i).decode()) for i in range(60)]
        all_at_once(bad + [(tokens, "Bearer " + token)] * 10)
        assert set(wrong) <= {401, 503} and tokens == [200] * 10
        assert "correct horse" not in server.log() and token not in server.log() and "wrong 1" not in server.log()


def test_agents_that_cannot_be_stored(shared, api, database):
    host, port = shared.base.removeprefix("http://").rsplit(":", 1)
    for agent in (b"caf\xe9", b"x" * 20000):
        body = json.dumps({"description": str(len(agent))}).encode()
        head = f"PATCH /api/v1{database} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection((host, int(port)), timeout=20) as s:
            s.sendall(head.encode() + b"User-Agent: " + agent + b"\r\n\r\n" + body)
            assert s.recv(64).startswith(b"HTTP/1.1 200 ")
    name = database.rsplit("/", 1)[1]
    agents = [c["agent"] for c in api.ok("GET", f"/changes?kind=database&database={name}")["items"]][-2:]
    assert agents == ["caf?", "x" * 512]
