"""Bad input: a precise error, and nothing changes."""

import gzip
import http.client
import json
import socket

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
    (b'{"name":"a\\u0000b"}', 400, "invalid_json", ""),
    (b'{"name":"\\ud800"}', 400, "invalid_json", ""),
    (b"[" * 10000, 400, "invalid_json", "deep"),
    (b'{"a":' * 10000 + b"1" + b"}" * 10000, 400, "invalid_json", "deep"),
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
