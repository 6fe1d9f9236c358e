"""Connections, and that their secrets stay where they belong."""

import glob
import json
import os
import re
import subprocess

import pytest

from conftest import BINARY, running

SECRETS = ["hunter2-Zq8", "second-Secret-77", "oauth-Zecret-5", "inline-Secret-31"]
HOME = "/catalogs/hive/connections"
PATCH = {"Content-Type": "application/merge-patch+json"}


def jdbc(**more):
    properties = {"JDBC_CONNECTION_URL": "jdbc:postgresql://127.0.0.1:1/sales", "USERNAME": "reader", "PASSWORD": SECRETS[0]}
    return {"type": "JDBC", "description": "d", "properties": properties | more}


@pytest.fixture
def name(api, request):
    name = "C_" + os.urandom(3).hex()
    yield name
    for each in (name, name + "2"):
        api.request("DELETE", f"{HOME}/{each}")


def test_life(api, name):
    made = api.request("POST", HOME, json=jdbc() | {"name": name})
    assert made.status_code == 201 and SECRETS[0] not in made.text
    first = made.json()
    assert first["has_secrets"] and "PASSWORD" not in first["properties"] and first["version"] == 0 and first["name"] == name
    api.problem("POST", HOME, 409, "already_exists", json=jdbc() | {"name": name})
    answer = api.request("GET", f"{HOME}/{name}")
    assert answer.json() == first and SECRETS[0] not in answer.text
    tag = answer.headers["ETag"]
    assert api.request("GET", f"{HOME}/{name}", headers={"If-None-Match": tag}).status_code == 304
    secret = api.request("GET", f"{HOME}/{name}?with_secrets=true")
    assert secret.json()["properties"]["PASSWORD"] == SECRETS[0] and secret.headers["Cache-Control"] == "no-store"

    # what was read can be put back, and keeps its secrets
    assert api.ok("PUT", f"{HOME}/{name}", 200, json=first)["version"] == 0
    changed = api.request("PUT", f"{HOME}/{name}", json=first | {"description": "e"}, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert changed.json()["version"] == 1 and changed.headers["ETag"] != tag
    assert api.ok("GET", f"{HOME}/{name}?with_secrets=true")["properties"]["PASSWORD"] == SECRETS[0]
    api.problem("PUT", f"{HOME}/{name}", 412, "version_conflict", json=first, headers={"If-Match": tag})
    api.problem("PATCH", f"{HOME}/{name}", 412, "version_conflict", json={}, headers=PATCH | {"If-Match": tag})
    api.problem("DELETE", f"{HOME}/{name}", 412, "version_conflict", headers={"If-Match": tag})
    api.problem("PUT", f"{HOME}/{name}", 409, "already_exists", json=first, headers={"If-None-Match": "*"})
    api.problem("PUT", f"{HOME}/{name}", 400, "invalid_input", json=first | {"name": name.lower()})

    patched = api.ok("PATCH", f"{HOME}/{name}", 200, json={"description": None, "properties": {"USERNAME": "w", "PASSWORD": SECRETS[1]}}, headers=PATCH)
    assert "description" not in patched and patched["properties"] == {"JDBC_CONNECTION_URL": "jdbc:postgresql://127.0.0.1:1/sales", "USERNAME": "w"}
    assert api.ok("GET", f"{HOME}/{name}?with_secrets=true")["properties"]["PASSWORD"] == SECRETS[1]
    assert not api.ok("PATCH", f"{HOME}/{name}", 200, json={"properties": {"PASSWORD": None}}, headers=PATCH)["has_secrets"]
    assert "PASSWORD" not in api.ok("GET", f"{HOME}/{name}?with_secrets=true")["properties"]
    api.ok("PATCH", f"{HOME}/{name}", 200, json={"properties": {"PASSWORD": SECRETS[1]}}, headers=PATCH)
    assert not api.ok("PUT", f"{HOME}/{name}?replace_secrets=true", 200, json=first | {"description": "f"})["has_secrets"]

    renamed = api.ok("POST", f"{HOME}/{name}:rename", 200, json={"name": name + "2"})
    assert renamed["name"] == name + "2" and renamed["incarnation"] == first["incarnation"]
    api.problem("GET", f"{HOME}/{name}", 404, "connection_not_found")
    assert name + "2" in [c["name"] for c in api.ok("GET", HOME, params={"pattern": "C_*", "type": "JDBC"})["items"]]
    api.ok("PUT", f"{HOME}/{name}", 201, json=jdbc())
    api.problem("POST", f"{HOME}/{name}:rename", 409, "already_exists", json={"name": name + "2"})
    listed = api.request("GET", HOME + "?limit=1")
    assert len(listed.json()["items"]) == 1 and listed.json()["next_page_token"] and "PASSWORD" not in listed.text
    api.ok("DELETE", f"{HOME}/{name}2", 204)
    api.problem("DELETE", f"{HOME}/{name}2", 404, "connection_not_found")


def test_refused(api, name):
    for body in (
        {"name": name},
        {"name": name, "type": "NIX"},
        {"name": name, "type": "JDBC", "properties": {"NIX": "1"}},
        {"name": name, "type": "JDBC", "properties": {"PASSWORD": "x" * 2000}},
        {"name": name, "type": "JDBC", "nix": 1},
        {"name": "", "type": "JDBC"},
        {"type": "JDBC"},
        {"name": name, "type": "JDBC", "properties": {"PASSWORD": 5}},
    ):
        answer = api.request("POST", HOME, json=body)
        assert answer.status_code == 400 and "x" * 100 not in answer.text, answer.text
    api.problem("POST", "/catalogs/nix/connections", 404, "catalog_not_found", json=jdbc() | {"name": name})
    api.problem("GET", f"{HOME}/{name}", 404, "connection_not_found")
    api.problem("POST", f"{HOME}/{name}:test", 404, "connection_not_found")


def test_types(api):
    types = api.ok("GET", "/connection-types")
    assert {"JDBC", "KAFKA", "NETWORK", "SALESFORCE"} <= set(types["types"])
    assert {"name": "PASSWORD", "secret": True} in types["properties"] and {"name": "USERNAME", "secret": False} in types["properties"]


def test_try_it(api, name):
    api.ok("POST", HOME, 201, json=jdbc() | {"name": name})
    answer = api.request("POST", f"{HOME}/{name}:test")
    assert answer.status_code == 200 and answer.json()["ok"] is False and answer.json()["message"] and SECRETS[0] not in answer.text
    assert api.ok("GET", f"{HOME}/{name}")["status"] == "FAILED"
    inline = api.request("POST", HOME + ":test", json=jdbc(PASSWORD=SECRETS[3]))
    assert inline.status_code == 200 and inline.json()["ok"] is False and SECRETS[3] not in inline.text
    api.problem("POST", HOME + ":test", 501, "not_supported", json={"type": "KAFKA", "properties": {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}})


def psql_programs():
    found = sorted(os.path.dirname(p) for p in glob.glob("/usr/lib/postgresql/*/bin/pg_dump"))
    return found[-1] if found else None


def test_secrets_stay_secret():
    """Neither the log at its loudest, nor errors, nor the change log, nor a dump of the database holds one."""
    with running(environment={"PROPOLIS_LOG_LEVEL": "debug"}) as server:
        server.expect_log("rest|connection|Connection")
        api = server.client()
        oauth = {"authentication_type": "OAUTH2", "oauth2_properties": {"oauth2_credentials": {"user_managed_client_application_client_secret": SECRETS[2]}}}
        seen = [api.request("POST", HOME, json=jdbc() | {"name": "a"}).text]
        seen.append(api.request("POST", HOME, json={"name": "b", "type": "SALESFORCE", "authentication_configuration": oauth}).text)
        seen.append(api.request("PATCH", f"{HOME}/a", json={"properties": {"PASSWORD": SECRETS[1]}}, headers=PATCH).text)
        seen.append(api.request("PATCH", f"{HOME}/a", json={"properties": {"PASSWORD": SECRETS[1] + "x" * 2000}}, headers=PATCH).text)
        seen.append(api.request("PATCH", f"{HOME}/a", json={"properties": {"PASSWORD": {"no": SECRETS[1]}}}, headers=PATCH).text)
        seen.append(api.request("POST", HOME, data='{"name":"c","properties":{"PASSWORD":"' + SECRETS[0] + '"', headers={"Content-Type": "application/json"}).text)
        seen.append(api.request("POST", f"{HOME}/a:test").text)
        seen.append(api.request("POST", HOME + ":test", json=jdbc(PASSWORD=SECRETS[3])).text)
        seen.append(api.request("POST", f"{HOME}/a:rename", json={"name": "d"}).text)
        for path in (HOME, f"{HOME}/d", f"{HOME}/b", "/changes?limit=1000", "/search?q=hunter2", "//admin/config", "//metrics"):
            seen.append(api.request("GET", path).text)
        opened = [api.ok("GET", f"{HOME}/{n}?with_secrets=true") for n in "db"]
        seen.append(api.request("DELETE", f"{HOME}/d").text)
        seen.append(api.request("PUT", f"{HOME}/kept", json=jdbc()).text)
        seen.append(api.request("GET", "/changes?kind=connection").text)
        actions = [c["action"] for c in api.ok("GET", "/changes?kind=connection")["items"]][:5]
        dump = subprocess.run([os.environ.get("PROPOLIS_BIN") or server.command()[0], "backup", str(server.directory / "b.dump"), "--data-dir", str(server.directory)],
                              capture_output=True, text=True)
        assert dump.returncode == 0, dump.stderr
        programs = psql_programs()
        text = subprocess.run([programs + "/pg_restore", "-f", "-", str(server.directory / "b.dump")], capture_output=True, check=True).stdout.decode()
        seen += [text, server.log(), server.stdout()]
    assert opened[0]["properties"]["PASSWORD"] == SECRETS[1] and SECRETS[2] in json.dumps(opened[1])
    assert actions == ["create", "create", "alter", "rename", "drop"], actions
    assert "\tkept\t" in text and "reader" in text  # the dump is one that would show it
    for secret in SECRETS:
        for where in seen:
            assert secret not in where, re.sub(r"\s+", " ", where)[:300]


def test_rights():
    with running(environment={"PROPOLIS_AUTH_MODE": "required"}) as server:
        server.expect_log("unencrypted|unauthenticated|forbidden")
        admin = server.client((server.directory / "admin.token").read_text().strip())
        admin.ok("POST", HOME, 201, json=jdbc() | {"name": "a"})
        admin.ok("POST", "/users", 201, json={"name": "joe", "password": "long enough"})
        joe = server.client(admin.ok("POST", "/users/joe/tokens", 201, json={"name": "t"})["token"])
        assert "PASSWORD" not in joe.ok("GET", f"{HOME}/a")["properties"]
        problem = joe.problem("GET", f"{HOME}/a?with_secrets=true", 403, "forbidden")
        assert SECRETS[0] not in problem["detail"]
        joe.problem("GET", "//admin/doctor", 403, "forbidden")
        assert admin.ok("GET", f"{HOME}/a?with_secrets=true")["properties"]["PASSWORD"] == SECRETS[0]
        server.client().problem("GET", f"{HOME}/a", 401, "unauthenticated")


def test_new_key():
    """propolis rotate-key beside a running server, which reads on without a restart and seals with the new key soon."""
    with running("--set", "jobs.purge_interval=1s") as server, server.client() as api:
        api.ok("POST", HOME, 201, json=jdbc() | {"name": "before"})
        key_file = server.directory / "secret.key"
        owner = key_file.stat().st_uid

        def rotate(*words):
            done = subprocess.run([BINARY, "rotate-key", *words, "--data-dir", str(server.directory)], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            return done.stdout

        prepared = rotate("--prepare")
        assert "not used yet" in prepared and len(re.findall("^key ", key_file.read_text(), re.M)) == 2
        new = re.search(r"under the key ([0-9a-f]{16}) .*those of 1 connections", rotate()).group(1)
        assert len(re.findall("^key ", key_file.read_text(), re.M)) == 2 and f"current {new}\n" in key_file.read_text()
        assert key_file.stat().st_mode & 0o777 == 0o600 and key_file.stat().st_uid == owner
        seen = api.ok("GET", f"{HOME}/before?with_secrets=true")
        assert seen["properties"]["PASSWORD"] == SECRETS[0] and seen["version"] == 0
        api.ok("POST", HOME, 201, json=jdbc() | {"name": "after"})
        assert "those of 2 connections" in rotate()
        assert api.ok("GET", f"{HOME}/after?with_secrets=true")["properties"]["PASSWORD"] == SECRETS[0]


def test_key_file_left_behind():
    """As after a restore without it: the server makes a new key, and says what is missing until the old one is back."""
    with running() as server, server.client() as api:
        api.ok("POST", HOME, 201, json=jdbc() | {"name": "old"})
        key_file, directory = server.directory / "secret.key", server.directory
        kept = key_file.read_text()
        key = re.search("^current (.*)$", kept, re.M).group(1)
        server.stop()
        key_file.unlink()
        with running(directory=directory) as again, again.client() as api:
            again.expect_log("secret_key_missing|is not in the secret key file")

            def doctor():
                return next(c for c in api.ok("GET", "//admin/doctor")["checks"] if c["name"] == "secret_key")

            api.ok("POST", HOME, 201, json=jdbc() | {"name": "new"})
            problem = api.problem("GET", f"{HOME}/old?with_secrets=true", 500, "secret_key_missing")
            assert key in problem["detail"] and "put back" in problem["detail"]
            assert api.ok("GET", f"{HOME}/old")["has_secrets"]
            found = doctor()
            assert found["status"] == "fail" and key in found["detail"] and "of 1 connections" in found["detail"]
            assert "put back the key file" in found["advice"]
            fresh = key_file.read_text()
            lines = [line for line in kept.splitlines(True) if line.startswith("key ")]
            key_file.write_text(fresh.replace("key ", "".join(lines) + "key ", 1))
            assert doctor()["status"] == "ok"
            for name in ("old", "new"):
                assert api.ok("GET", f"{HOME}/{name}?with_secrets=true")["properties"]["PASSWORD"] == SECRETS[0]
