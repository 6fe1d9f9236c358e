"""Users, tokens and who may do what."""

import base64
import datetime
import time

import pytest

from conftest import running


@pytest.fixture(scope="module")
def server():
    with running("--set", "auth.mode=required") as server:
        yield server


@pytest.fixture(scope="module")
def admin(server):
    file = server.directory / "admin.token"
    assert file.stat().st_mode & 0o777 == 0o600
    token = file.read_text().strip()
    assert token not in server.log() and token not in server.stdout()
    assert "admin.token" in server.stdout()
    return server.client(token)


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_nobody_gets_in_without_login(server):
    nobody = server.client()
    nobody.problem("GET", "/catalogs", 401, "unauthenticated")
    assert "Bearer" in nobody.request("GET", "/catalogs").headers["WWW-Authenticate"]
    nobody.problem("GET", "//metrics", 401, "unauthenticated")
    nobody.problem("GET", "//admin/config", 401, "unauthenticated")
    assert nobody.ok("GET", "//healthz").text == "ok\n"
    for wrong in ("Bearer nonsense", "Bearer " + "x" * 5000, "Basic !!!", "Basic " + base64.b64encode(b"admin").decode(), "Digest x", ""):
        nobody.problem("GET", "/catalogs", 401, "unauthenticated", headers={"Authorization": wrong})


def test_first_admin(server, admin):
    assert admin.ok("GET", "/whoami") == {"principal": "admin", "admin": True, "auth_mode": "required"}


def test_password_and_rights(server, admin):
    assert admin.ok("POST", "/users", 201, json={"name": "ann", "password": "correct horse"})["has_password"] is True
    ann = server.client()
    ann.headers.update(basic("ann", "correct horse"))
    assert ann.ok("GET", "/whoami")["principal"] == "ann"
    ann.ok("POST", "/catalogs/hive/databases", 201, json={"name": "of_ann"})
    change = [c for c in ann.ok("GET", "/changes?principal=ann")["items"]][-1]
    assert (change["operation"], change["name"] if "name" in change else change["database"]) == ("database.create", "of_ann")
    for method, path in (("GET", "/users"), ("GET", "/users/admin"), ("GET", "//admin/config"), ("GET", "//admin/methods")):
        ann.problem(method, path, 403, "forbidden")
    ann.problem("POST", "/users", 403, "forbidden", json={"name": "eve"})
    ann.problem("POST", "/users/admin/tokens", 403, "forbidden", json={"name": "t"})
    server.client().problem("GET", "/whoami", 401, "unauthenticated", headers=basic("ann", "wrong horse"))
    server.client().problem("GET", "/whoami", 401, "unauthenticated", headers=basic("nobody", "correct horse"))


def until_refused(client):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if client.request("GET", "/whoami").status_code == 401:
            return True
        time.sleep(0.1)
    return False


def test_token_life(server, admin):
    admin.ok("POST", "/users", 201, json={"name": "bob"})
    made = admin.ok("POST", "/users/bob/tokens", 201, json={"name": "laptop"})
    bob = server.client(made["token"])
    assert bob.ok("GET", "/whoami")["principal"] == "bob"
    listed = admin.ok("GET", "/users/bob/tokens")["items"]
    assert [t["id"] for t in listed] == [made["id"]] and "token" not in listed[0]
    admin.ok("DELETE", f"/users/bob/tokens/{made['id']}", 204)
    assert until_refused(bob)
    admin.problem("DELETE", "/users/bob/tokens/00000000-0000-4000-8000-000000000000", 404, "token_not_found")
    admin.problem("DELETE", "/users/bob/tokens/x", 400, "invalid_input")
    admin.problem("POST", "/users/bob/tokens", 400, "invalid_input", json={"name": "late", "expires_at": "2001-01-01T00:00:00Z"})
    changes = admin.ok("GET", "/changes?kind=token&name=bob")["items"]
    assert [c["action"] for c in changes] == ["create", "revoke"]
    assert made["token"] not in str(changes) and made["token"] not in server.log()


def test_disabled_and_deleted(server, admin):
    admin.ok("POST", "/users", 201, json={"name": "carl", "password": "correct horse"})
    carl = server.client()
    carl.headers.update(basic("carl", "correct horse"))
    carl.ok("GET", "/whoami")
    assert admin.ok("PATCH", "/users/carl", json={"disabled": True})["disabled"] is True
    assert until_refused(carl)
    admin.ok("PATCH", "/users/carl", json={"disabled": False, "password": "another horse"})
    carl.problem("GET", "/whoami", 401, "unauthenticated")
    carl.headers.update(basic("carl", "another horse"))
    carl.ok("GET", "/whoami")
    admin.ok("DELETE", "/users/carl", 204)
    assert until_refused(carl)
    admin.problem("GET", "/users/carl", 404, "user_not_found")


def later(**span):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_own_tokens(server, admin):
    admin.ok("POST", "/users", 201, json={"name": "dora", "password": "correct horse"})
    admin.ok("POST", "/users", 201, json={"name": "emil"})
    of_emil = admin.ok("POST", "/users/emil/tokens", 201, json={"name": "t"})
    dora = server.client()
    dora.headers.update(basic("dora", "correct horse"))
    assert dora.ok("GET", "/users/dora")["name"] == "dora"
    made = dora.ok("POST", "/users/dora/tokens", 201, json={"name": "short", "expires_at": later(hours=1)})
    by_token = server.client(made["token"])
    assert by_token.ok("GET", "/whoami")["admin"] is False
    for lives in ({}, {"expires_at": later(hours=2)}):
        problem = by_token.problem("POST", "/users/dora/tokens", 403, "forbidden", json={"name": "long"} | lives)
        assert "may not live longer" in problem["detail"]
    by_token.ok("POST", "/users/dora/tokens", 201, json={"name": "shorter", "expires_at": later(minutes=30)})
    forever = dora.ok("POST", "/users/dora/tokens", 201, json={"name": "forever"})
    server.client(forever["token"]).ok("POST", "/users/dora/tokens", 201, json={"name": "forever too"})
    assert sorted(t["name"] for t in dora.ok("GET", "/users/dora/tokens")["items"]) == ["forever", "forever too", "short", "shorter"]
    for who in ("emil", "admin", "nobody"):
        dora.problem("GET", f"/users/{who}", 403, "forbidden")
        dora.problem("GET", f"/users/{who}/tokens", 403, "forbidden")
        dora.problem("POST", f"/users/{who}/tokens", 403, "forbidden", json={"name": "t"})
        dora.problem("DELETE", f"/users/{who}/tokens/{of_emil['id']}", 403, "forbidden")
    dora.problem("DELETE", f"/users/dora/tokens/{of_emil['id']}", 404, "token_not_found")
    dora.problem("DELETE", "/users/dora", 403, "forbidden")
    by_token.ok("DELETE", f"/users/dora/tokens/{made['id']}", 204)
    assert until_refused(by_token)


def test_own_password(server, admin):
    admin.ok("POST", "/users", 201, json={"name": "fred", "password": "correct horse"})
    fred = server.client()
    fred.headers.update(basic("fred", "correct horse"))
    token = fred.ok("POST", "/users/fred/tokens", 201, json={"name": "t"})["token"]
    right = {"password": "another horse", "current_password": "correct horse"}
    for client in (fred, server.client(token)):
        for body in (
            {"password": "another horse"},
            right | {"current_password": "wrong horse"},
            right | {"admin": True},
            right | {"disabled": False},
            right | {"password": None},
            {"current_password": "correct horse"},
            {"admin": True},
        ):
            client.problem("PATCH", "/users/fred", 403, "forbidden", json=body)
        client.problem("PATCH", "/users/admin", 403, "forbidden", json=right)
    assert fred.ok("PATCH", "/users/fred", json=right)["has_password"] is True
    assert until_refused(fred)
    fred.headers.update(basic("fred", "another horse"))
    assert fred.ok("GET", "/whoami") == {"principal": "fred", "admin": False, "auth_mode": "required"}
    change = admin.ok("GET", "/changes?kind=user&name=fred")["items"][-1]
    assert (change["action"], change["principal"]) == ("alter", "fred")
    admin.ok("POST", "/users", 201, json={"name": "gina"})
    gina = server.client(admin.ok("POST", "/users/gina/tokens", 201, json={"name": "t"})["token"])
    for current in ({}, {"current_password": ""}, {"current_password": "correct horse"}):
        gina.problem("PATCH", "/users/gina", 403, "forbidden", json={"password": "a first horse"} | current)


def test_last_admin_stays(admin):
    admin.problem("DELETE", "/users/admin", 409, "invalid_operation")
    admin.problem("PATCH", "/users/admin", 409, "invalid_operation", json={"admin": False})
    admin.problem("PATCH", "/users/admin", 409, "invalid_operation", json={"disabled": True})


@pytest.mark.parametrize("body, code", [
    ({"name": "a:b"}, "invalid_name"),
    ({"name": ""}, "invalid_name"),
    ({"name": "x" * 129}, "invalid_name"),
    ({"name": "short", "password": "1234567"}, "invalid_input"),
    ({"name": "ok", "pasword": "12345678"}, "invalid_input"),
    ({"password": "12345678"}, "invalid_input"),
    ({"name": 7}, "invalid_input"),
])
def test_bad_users(admin, body, code):
    admin.problem("POST", "/users", 400, code, json=body)


def test_open_and_local_do_not_ask(api):
    assert api.ok("GET", "/whoami") == {"admin": True, "auth_mode": "local"}
    api.problem("GET", "/whoami", 401, "unauthenticated", headers={"Authorization": "Bearer wrong"})
    api.problem("GET", "/whoami", 403, "forbidden", headers={"Host": "evil.example"})


def test_open_mode():
    with running("--set", "auth.mode=open", "--listen", "0.0.0.0") as server:
        server.expect_log(r"WARN .*Whoever reaches 0\.0\.0\.0 port \d+ may do everything, without a login")
        assert server.client().ok("GET", "/whoami")["auth_mode"] == "open"
        assert len([line for line in server.lines if " WARN " in line]) == 1
        assert "none: whoever reaches this port may do everything" in server.stdout()
    with running("--set", "auth.mode=open") as server:  # the machine's own users only: nothing to warn of
        assert "whoever reaches" not in server.stdout()
