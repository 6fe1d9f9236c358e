"""Bad input: a precise error, and nothing changes."""

import base64
import contextlib
import gzip
import http.client
import json
import socket
import time

import pytest

from conftest import running

JSON = {"Content-Type": "application/json"}


def post(api, body, headers=JSON, path="/catalogs/hive/databases"):
    return api.request("POST", path, data=body, headers=headers)


@pytest.mark.parametrize("body, status, code, words", [
    (b"", 400, "invalid_json", "empty"),
    (b"{", 400, "invalid_json", "line 1"),
    (b'{"name":\n\n oops}', 400, "invalid_json", "line 3"),
    (b'{"name":"a"} x', 400, "invalid_json", ""),
    (b'{"name":"a","name":"b"}', 400, "invalid_json", ""),
    (b'{"name":"\xff\xfe"}', 400, "invalid_json", ""),
    (b'{"name":"a\\u0000b"}', 400, "invalid_json", "\\u0000 is not allowed."),
    (b'{"name":"\\ud800"}', 400, "invalid_json", ""),
    (b"[" * 10000, 400, "limit_exceeded", "limits.json_depth"),
    (b'{"a":' * 10000 + b"1" + b"}" * 10000, 400, "limit_exceeded", "limits.json_depth"),
    (b"[]", 400, "invalid_input", "object"),
    (b"null", 400, "invalid_input", ""),
    (b"7", 400, "invalid_input", "object"),
    (b"{}", 400, "invalid_input", "name"),
    (b'{"name":7}', 400, "invalid_input", "name"),
    (b'{"name":"a","descripton":"x"}', 400, "invalid_input", "description"),
    (b'{"name":"a","parameters":{"k":1}}', 400, "invalid_input", "parameters.k"),
    (b'{"name":"a/b"}', 400, "invalid_name", ""),
    (b'{"name":""}', 400, "invalid_name", ""),
    (b'{"name":".."}', 400, "invalid_name", ""),
    (json.dumps({"name": "x" * 256}).encode(), 400, "invalid_name", "255"),
])
def test_bodies(api, body, status, code, words):
    before = api.ok("GET", "/changes?limit=1")["last_change_id"]
    answer = post(api, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert words in answer.json()["detail"]
    others = api.ok("GET", f"/changes?after={before}&kind=database")["items"]
    assert not others


def test_paths_of_wrong_values(api, database):
    answer = post(api, json.dumps({"name": "t", "columns": [{"name": "a", "type": "int"}, {"name": "b", "type": 7}]}), path=database + "/tables")
    assert answer.status_code == 400 and "columns[1].type" in answer.json()["detail"]
    answer = post(api, json.dumps({"name": "t", "columns": [], "storage": {"serde": {"libary": "x"}}}), path=database + "/tables")
    assert "library" in answer.json()["detail"]
    answer = post(api, json.dumps({"name": "t", "retention": 10**12}), path=database + "/tables")
    assert answer.status_code == 400 and "retention" in answer.json()["detail"]
    answer = post(api, json.dumps({"name": "t", "retention": -(10**25)}), path=database + "/tables")
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_only_json_is_taken(api, kind):
    headers = {"Content-Type": kind} if kind else {}
    answer = post(api, b'{"name":"never"}', headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    api.problem("GET", "/catalogs/hive/databases/never", 404, "database_not_found")


@pytest.mark.parametrize("encoding, status", [("gzip", 415), ("deflate", 415), ("gzip, identity", 415), ("x" * 5000, 415), ("Identity", 201), ("", 201)])
def test_bodies_come_as_they_are(api, encoding, status):
    name = "as_it_is_" + (encoding[:3].lower() or "none")
    body = gzip.compress(json.dumps({"name": name}).encode()) if status == 415 else json.dumps({"name": name}).encode()
    answer = post(api, body, JSON | {"Content-Encoding": encoding})
    assert answer.status_code == status, answer.text
    if status == 415:
        assert answer.json()["code"] == "unsupported_media_type" and "uncompressed" in answer.json()["detail"]
    else:
        api.ok("DELETE", "/catalogs/hive/databases/" + name)
    assert api.request("GET", "/catalogs", headers={"Content-Encoding": encoding}).status_code == 200


@pytest.mark.parametrize("path, status, code", [
    ("/catalogs/%00", 400, "invalid_input"),
    ("/catalogs/%ff", 400, "invalid_input"),
    ("/catalogs/hive/databases/" + "x" * 8000, 404, "database_not_found"),
    ("/catalogs/", 404, "route_not_found"),
    ("/catalogs/hive/", 404, "route_not_found"),
    ("/catalogs?limit=1&limit=2", 400, "invalid_input"),
    ("/catalogs?nothing=1", 400, "invalid_input"),
    ("/nothing", 404, "route_not_found"),
    ("/" + "a/" * 100, 404, "route_not_found"),
    ("/changes?after=-1", 400, "invalid_input"),
    ("/changes?wait=3600s", 400, "invalid_input"),
    ("/changes?wait=soon", 400, "invalid_input"),
])
def test_paths(api, path, status, code):
    api.problem("GET", path, status, code)


def test_wrong_verb(api):
    answer = api.request("DELETE", "/changes")
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET"
    assert api.request("OPTIONS", "/catalogs").status_code == 405
    assert api.request("HEAD", "/catalogs").status_code == 200


@pytest.mark.parametrize("tag", ["x", '"x"', '"1"', '"1-"', '"-"', "1-1", '"1-2", "3-4"'])
def test_wrong_etags(api, database, tag):
    api.problem("PATCH", database, 400, "invalid_input", json={"description": "x"}, headers={"If-Match": tag})


def raw(server, data, read=True):
    host, port = server.base.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as s:
        s.sendall(data)
        answer = b""
        while read:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            answer += piece
        return answer


@pytest.mark.parametrize("path", ["/catalogs/%zz", "/catalogs/%", "/catalogs/%4", "/catalogs?limit=%zz", "/catalogs?%"])
def test_broken_escapes(shared, path):
    answer = raw(shared, f"GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert b" 400 " in answer.split(b"\r\n")[0] and b"invalid_input" in answer, answer


def test_size_of_the_body_at_the_edge():
    with running("--set", "limits.request_body=64KiB") as server:
        api = server.client()

        def of_size(size):
            start, end = b'{"name":"d%d","description":"' % size, b'"}'
            return start + b"x" * (size - len(start) - len(end)) + end

        assert post(api, of_size(65536)).status_code == 201
        answer = post(api, of_size(65537))
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
        assert "limits.request_body" in answer.json()["detail"]
        # announced: refused before a byte of it was sent
        early = raw(server, b"POST /api/v1/catalogs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000000\r\n\r\n")
        assert b" 413 " in early.split(b"\r\n")[0]
        # not announced: thrown away, then refused
        chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        head = b"POST /api/v1/catalogs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        late = raw(server, head + chunk * 3 + b"0\r\n\r\n")
        assert b" 413 " in late.split(b"\r\n")[0]
        assert api.ok("GET", "//healthz").text == "ok\n"


def test_size_of_the_body_by_default(api):
    """32 MiB, most of it white space, which JSON allows."""
    whole = 32 * 1024 * 1024

    def of_size(size, name):
        return json.dumps({"name": name}).encode().ljust(size)

    assert post(api, of_size(whole, "of_32_mib")).status_code == 201
    answer = post(api, of_size(whole + 1, "never"))
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large") and str(whole) in answer.json()["detail"]
    api.ok("DELETE", "/catalogs/hive/databases/of_32_mib")


def answers(connection, within):
    """Whether a request on this connection is answered in time."""
    connection.settimeout(within)
    try:
        return connection.recv(1000).startswith(b"HTTP/1.1 200")
    except TimeoutError:
        return False


@pytest.mark.parametrize("most, threads", [(4, 2), (3, 8), (1, 8)])
def test_connections_at_the_edge(most, threads):
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with running("--set", f"http.max_connections={most}", "--set", f"http.threads={threads}") as server, contextlib.ExitStack() as stack:
        host, port = server.base.removeprefix("http://").rsplit(":", 1)
        connections = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(most)]
        for connection in connections:
            connection.sendall(ask)
            assert answers(connection, 20)
        beyond = stack.enter_context(socket.create_connection((host, int(port))))
        beyond.sendall(ask)
        assert not answers(beyond, 1)  # it waits for one of the others to end
        connections[0].sendall(ask)
        assert answers(connections[0], 20)
        connections[0].close()
        assert answers(beyond, 20)


def held(server):
    """How many bytes of bodies the server says it holds."""
    text = server.client().ok("GET", "//metrics").text
    return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith("propolis_http_body_bytes "))))


def wait_until_held(server, size):
    deadline = time.monotonic() + 20
    while held(server) != size:
        assert time.monotonic() < deadline, (held(server), size)
        time.sleep(0.01)


def database_of_size(name, size):
    body = b'{"name":"%s","description":"' % name
    return body + b"x" * (size - len(body) - 2) + b'"}'


def test_all_bodies_together_at_the_edge():
    whole, left = 1024 * 1024, 100 * 1024
    with running("--set", "limits.request_bodies=1MiB", "--set", "limits.request_body=1MiB") as server:
        server.expect_log("overloaded")
        api = server.client()
        assert post(api, database_of_size(b"all_of_it", whole)).status_code == 201
        wait_until_held(server, 0)
        host, port = server.base.removeprefix("http://").rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(b"POST /api/v1/catalogs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % whole)
            slow.sendall(b" " * (whole - left))
            wait_until_held(server, whole - left)
            assert post(api, database_of_size(b"just_fits", left)).status_code == 201
            beyond = post(api, database_of_size(b"never", left + 1))
            assert (beyond.status_code, beyond.json()["code"]) == (503, "overloaded") and beyond.headers["Retry-After"]
            assert "limits.request_bodies" in beyond.json()["detail"]
            # not announced: noticed while it comes
            size = left // 2
            head = b"POST /api/v1/catalogs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            late = raw(server, head + (b"%x\r\n" % size + b" " * size + b"\r\n") * 3 + b"0\r\n\r\n")
            assert b" 503 " in late.split(b"\r\n")[0]
            wait_until_held(server, whole - left)
        wait_until_held(server, 0)
        assert post(api, database_of_size(b"room_again", left + 1)).status_code == 201
        api.problem("GET", "/catalogs/hive/databases/never", 404, "database_not_found")


def test_no_large_body_without_login():
    """Nobody sends more than 64 KiB before it is known who it is: the answer comes before the body."""
    size = 2 * 1024 * 1024
    with running("--set", "auth.mode=required", "--set", "auth.token_cache=0s") as server:
        token = (server.directory / "admin.token").read_text().strip()
        api = server.client(token)
        body = database_of_size(b"large", size)
        for credentials in (b"", b"Authorization: Bearer wrong\r\n", b"Authorization: Basic YTpi\r\n"):
            for length in (b"Content-Length: %d" % size, b"Transfer-Encoding: chunked", b"Content-Length: %d" % (65 * 1024)):
                for verb, path in ((b"POST", b"/api/v1/catalogs/hive/databases"), (b"PATCH", b"/api/v1/catalogs/hive"), (b"PUT", b"/api/v1/catalogs/hive")):
                    head = b"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s%s\r\n\r\n" % (verb, path, credentials, length)
                    assert raw(server, head).startswith(b"HTTP/1.1 401 "), head
        for path, answer in ((b"/nothing", b"404"), (b"/healthz", b"405")):
            head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (path, size)
            assert raw(server, head).startswith(b"HTTP/1.1 " + answer)
        assert post(api, body).status_code == 201
        assert post(api, iter([database_of_size(b"chunked", size)])).status_code == 201
        api.ok("POST", "/users", 201, json={"name": "ann", "password": "correct horse"})
        ann = {"Authorization": "Basic " + base64.b64encode(b"ann:correct horse").decode()}
        assert post(server.client(), database_of_size(b"of_ann", size), JSON | ann).status_code == 201
        # who waits for the word to go on gets it after the login
        host, port = server.base.removeprefix("http://").rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as s:
            s.sendall(b"POST /api/v1/catalogs/hive/databases HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
                      b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n" % (token.encode(), size))
            assert s.recv(100).startswith(b"HTTP/1.1 100 ")
            s.sendall(database_of_size(b"patient", size))
            assert s.recv(100).startswith(b"HTTP/1.1 201 ")
        for name in ("large", "chunked", "of_ann", "patient"):
            api.ok("GET", "/catalogs/hive/databases/" + name)


def test_broken_http(api, shared):
    for data in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET " + b"/" * 200000 + b" HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000 + b"\r\n", b"POST /api/v1/catalogs HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
        try:
            raw(shared, data + b"\r\n\r\n", read=False)
        except OSError:
            pass
    assert api.ok("GET", "//healthz").text == "ok\n"


def test_client_that_goes_away(api, shared):
    host, port = shared.base.removeprefix("http://").rsplit(":", 1)
    for _ in range(20):
        connection = http.client.HTTPConnection(host, int(port))
        connection.request("GET", "/api/v1/changes?wait=5s&after=99999999")
        connection.close()
    half = socket.create_connection((host, int(port)))
    half.sendall(b"POST /api/v1/catalogs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    half.close()
    assert api.ok("GET", "//readyz").text == "ready\n"


def test_request_id(api):
    given = "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert api.request("GET", "/catalogs", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    assert api.request("GET", "/catalogs", headers={"X-Request-Id": "x"}).headers["X-Request-Id"] != "x"
