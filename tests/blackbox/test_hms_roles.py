"""Roles, grants and privileges over Thrift, as engines with SQL-standard security use them."""

import os
import time

import hms
import pytest
from hms import t
from thrift.Thrift import TApplicationException

USER, ROLE, GROUP = t.PrincipalType.USER, t.PrincipalType.ROLE, t.PrincipalType.GROUP
GRANT, REVOKE = t.GrantRevokeType.GRANT, t.GrantRevokeType.REVOKE
METHODS = ["create_role", "drop_role", "grant_role", "revoke_role", "grant_revoke_role", "list_roles", "get_principals_in_role",
           "get_role_grants_for_principal", "get_privilege_set", "list_privileges", "grant_privileges", "revoke_privileges",
           "grant_revoke_privileges", "refresh_privileges"]


@pytest.fixture
def client(shared):
    with hms.connected(shared) as client:
        yield client


@pytest.mark.parametrize("method", METHODS)
def test_without_arguments(client, method):
    with pytest.raises(t.MetaException, match="cannot be null"):
        hms.call_empty(client, method)


def unique(name):
    return name + "_" + os.urandom(4).hex()


def role_grant(name, principal, kind=USER, option=None, how=GRANT, **more):
    return t.GrantRevokeRoleRequest(requestType=how, roleName=name, principalName=principal, principalType=kind, grantOption=option, **more)


def test_roles(client):
    name = unique("Analysts")
    assert client.create_role(t.Role(name, 0, "ann")) is True
    assert name.lower() in client.get_role_names()
    assert {"admin", "public"} <= set(client.get_role_names())
    with pytest.raises(t.MetaException) as why:
        client.create_role(t.Role(name.upper(), 0, "ann"))
    assert why.value.message == f"InvalidObjectException(message:Role {name.lower()} already exists.)"
    with pytest.raises(t.MetaException) as why:
        client.create_role(t.Role("PUBLIC", 0, None))
    assert why.value.message == "public role implicitly exists. It can't be created."
    for bootstrap in ("admin", "Public"):
        with pytest.raises(t.MetaException, match="public,admin roles can't be dropped"):
            client.drop_role(bootstrap)
    assert client.drop_role(name) is True
    assert name.lower() not in client.get_role_names()
    with pytest.raises(t.MetaException, match=r"NoSuchObjectException\(message:Role analysts_\w+ does not exist"):
        client.drop_role(name)


def test_grants_of_roles(client):
    outer, inner, user = unique("outer"), unique("inner"), unique("Bob")
    for name in (outer, inner):
        client.create_role(t.Role(name, 0, "root"))
    before = int(time.time()) - 1
    assert client.grant_role(outer, user, USER, "root", USER, True) is True
    assert client.grant_revoke_role(role_grant(inner, outer.upper(), ROLE, grantor="root", grantorType=USER)).success is True
    assert sorted(r.roleName for r in client.list_roles(user, USER)) == sorted([outer, "public"])
    assert [(r.roleName, r.ownerName) for r in client.list_roles(outer, ROLE)] == [(inner, "root")]

    [grant] = client.get_principals_in_role(t.GetPrincipalsInRoleRequest(outer.upper())).principalGrants
    assert (grant.roleName, grant.principalName, grant.principalType, grant.grantOption) == (outer, user, USER, True)
    assert (grant.grantorName, grant.grantorPrincipalType) == ("root", USER) and grant.grantTime >= before
    of_user = client.get_role_grants_for_principal(t.GetRoleGrantsForPrincipalRequest(user, USER)).principalGrants
    assert {(g.roleName, g.grantOption) for g in of_user} == {(outer, True), ("public", False)}
    assert client.get_principals_in_role(t.GetPrincipalsInRoleRequest(unique("none"))).principalGrants == []

    with pytest.raises(t.MetaException, match="already has the role"):
        client.grant_role(outer, user, USER, "root", USER, False)
    with pytest.raises(t.MetaException, match=r"already belongs to the role .* \(no cycles allowed\)"):
        client.grant_role(outer, inner, ROLE, "root", USER, False)
    with pytest.raises(t.MetaException, match="Since all users implicitly belong to"):
        client.grant_role("public", user, USER, "root", USER, False)
    with pytest.raises(t.MetaException, match="NoSuchObjectException"):
        client.grant_role(unique("none"), user, USER, "root", USER, False)
    with pytest.raises(t.MetaException, match="NoSuchObjectException"):
        client.grant_role(outer, unique("none"), ROLE, "root", USER, False)
    with pytest.raises(t.MetaException, match="Unknown request type 9"):
        client.grant_revoke_role(role_grant(outer, user, how=9))

    assert client.grant_revoke_role(role_grant(outer, user, option=True, how=REVOKE)).success is True  # the option only
    assert [g.grantOption for g in client.get_principals_in_role(t.GetPrincipalsInRoleRequest(outer)).principalGrants] == [False]
    with pytest.raises(t.MetaException, match="does not have grant option with role"):
        client.grant_revoke_role(role_grant(outer, user, option=True, how=REVOKE))
    assert client.revoke_role(outer, user, USER) is True
    assert [r.roleName for r in client.list_roles(user, USER)] == ["public"]
    with pytest.raises(t.MetaException, match="NoSuchObjectException"):
        client.revoke_role(outer, user, USER)
    with pytest.raises(t.MetaException, match="public role can't be revoked"):
        client.revoke_role("public", user, USER)
    client.drop_role(outer)
    assert client.get_principals_in_role(t.GetPrincipalsInRoleRequest(inner)).principalGrants == []
    client.drop_role(inner)


def test_changes_of_roles_are_in_the_log(client, api):
    name = unique("logged")
    client.set_ugi("carol", [])
    client.create_role(t.Role(name, 0, None))
    client.grant_role(name, "dave", USER, "carol", USER, False)
    client.drop_role(name)
    changes = api.ok("GET", f"/changes?kind=role&name={name}&after=0&limit=1000")["items"]
    assert [(c["action"], c["principal"], c["operation"]) for c in changes] == [
        ("create", "carol", "create_role"), ("grant", "carol", "grant_role"), ("drop", "carol", "drop_role")]


# ---- privileges ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(api, database):
    for name in ("orders", "other"):
        api.ok("POST", f"{database}/tables", 201, json={
            "name": name, "columns": [{"name": "id", "type": "bigint"}, {"name": "note", "type": "string"}],
            "partition_keys": [{"name": "day", "type": "string"}]})
    api.ok("POST", f"{database}/tables/orders/partitions", json={"items": [{"values": ["a/b"]}, {"values": ["c"]}]})
    return database.rsplit("/", 1)[1]


def on(kind, database=None, name=None, values=None, column=None):
    return t.HiveObjectRef(objectType=kind, dbName=database, objectName=name, partValues=values, columnName=column)


def bag(*grants, authorizer="SQL"):
    return t.PrivilegeBag([t.HiveObjectPrivilege(
        where, who, kind, t.PrivilegeGrantInfo(privilege, 0, "root", USER, option), authorizer) for where, who, kind, privilege, option in grants])


def granted(client, where, who=None, kind=USER):
    return {(p.principalName, p.grantInfo.privilege) for p in client.list_privileges(who, kind, where)}


def test_privileges_on_everything_there_is(client, tables):
    user = unique("eve")
    kinds = t.HiveObjectType
    places = [on(kinds.GLOBAL), on(kinds.DATABASE, tables), on(kinds.TABLE, tables.upper(), "Orders"),
              on(kinds.PARTITION, tables, "orders", ["a/b"]), on(kinds.COLUMN, tables, "orders", None, "ID"),
              on(kinds.COLUMN, tables, "orders", ["c"], "note")]
    for place in places:
        assert client.grant_privileges(bag((place, user, USER, "SELECT, INSERT", True))) is True
        assert granted(client, place, user) == {(user, "SELECT"), (user, "INSERT")}
        with pytest.raises(t.MetaException, match=r"InvalidObjectException\(message:INSERT is already granted on .* by root\)"):
            client.grant_privileges(bag((place, user, USER, "UPDATE,INSERT", False)))
        assert granted(client, place, user) == {(user, "SELECT"), (user, "INSERT")}  # all or none
    everything = client.list_privileges(user, USER, None)
    assert len(everything) == 12
    [of_partition] = [p for p in everything if p.hiveObject.objectType == kinds.PARTITION and p.grantInfo.privilege == "SELECT"]
    ref = of_partition.hiveObject
    assert (ref.catName, ref.dbName, ref.objectName, ref.partValues, ref.columnName) == ("hive", tables, "orders", ["a/b"], None)
    assert (of_partition.authorizer, of_partition.principalType, of_partition.grantInfo.grantor) == ("SQL", USER, "root")
    assert of_partition.grantInfo.grantOption is True and of_partition.grantInfo.createTime > 0
    [of_column] = [p for p in everything if p.hiveObject.columnName == "note" and p.grantInfo.privilege == "SELECT"]
    assert of_column.hiveObject.partValues == ["c"]
    assert granted(client, on(kinds.TABLE, tables, "other"), user) == set()
    assert granted(client, on(kinds.TABLE, tables, "none"), user) == set()
    for place in places:
        assert client.revoke_privileges(bag((place, user, USER, "SELECT", False))) is True
        assert granted(client, place, user) == {(user, "INSERT")}
        with pytest.raises(t.MetaException, match=r"NoSuchObjectException\(message:No grant \(SELECT\) found on"):
            client.revoke_privileges(bag((place, user, USER, "SELECT", False)))


def test_the_grant_option_alone(client, tables):
    table, user = on(t.HiveObjectType.TABLE, tables, "orders"), unique("fred")
    request = t.GrantRevokePrivilegeRequest(GRANT, bag((table, user, USER, "DELETE", True), authorizer=None))
    assert client.grant_revoke_privileges(request).success is True
    revoke = t.GrantRevokePrivilegeRequest(REVOKE, bag((table, user, USER, "DELETE", True), authorizer=None), revokeGrantOption=True)
    assert client.grant_revoke_privileges(revoke).success is True
    assert [p.grantInfo.grantOption for p in client.list_privileges(user, USER, table)] == [False]
    with pytest.raises(t.MetaException, match="does not have grant option with privilege DELETE"):
        client.grant_revoke_privileges(revoke)
    revoke.revokeGrantOption = False
    assert client.grant_revoke_privileges(revoke).success is True
    assert client.list_privileges(user, USER, table) == []
    with pytest.raises(t.MetaException, match="Unknown request type"):
        client.grant_revoke_privileges(t.GrantRevokePrivilegeRequest(7, revoke.privileges))


@pytest.mark.parametrize("grant,text", [
    (lambda d: (on(2, "no_such_db"), "u", USER, "ALL", False), r"NoSuchObjectException\(message:.*no_such_db"),
    (lambda d: (on(3, d, "none"), "u", USER, "ALL", False), r"NoSuchObjectException\(message:.*none table not found"),
    (lambda d: (on(4, d, "orders", ["z"]), "u", USER, "ALL", False), "NoSuchObjectException"),
    (lambda d: (on(4, d, "orders", ["z", "y"]), "u", USER, "ALL", False), "MetaException"),
    (lambda d: (on(3, d), "u", USER, "ALL", False), "a table is called cannot be null"),
    (lambda d: (on(6, None, "none"), "u", USER, "ALL", False), "no data connector none"),
    (lambda d: (on(99, d), "u", USER, "ALL", False), "Privileges are on databases"),
    (lambda d: (on(3, d, "orders"), None, USER, "ALL", False), "A principal has a name and a type"),
    (lambda d: (on(3, d, "orders"), "u", 9, "ALL", False), "A principal has a name and a type"),
    (lambda d: (on(3, d, "orders"), "u", USER, "", False), "A grant names a privilege"),
    (lambda d: (on(5, d, "orders"), "u", USER, "ALL", False), "names it"),
    (lambda d: (on(3, d, "orders"), "u" * 3000 + os.urandom(2000).hex(), USER, "ALL", False), "too long"),
])
def test_grants_that_cannot_be(client, tables, grant, text):
    with pytest.raises(t.MetaException, match=text):
        client.grant_privileges(bag(grant(tables)))


def test_grants_do_not_come_back_with_a_name(client, api, database, tables):
    """But they do with the table itself."""
    user, table = unique("gina"), on(t.HiveObjectType.TABLE, tables, "orders")
    part = on(t.HiveObjectType.PARTITION, tables, "orders", ["c"])
    client.grant_privileges(bag((table, user, USER, "SELECT", False), (part, user, USER, "SELECT", False)))
    api.ok("DELETE", f"{database}/tables/orders/partitions/day=c")
    api.ok("POST", f"{database}/tables/orders/partitions", 201, json={"values": ["c"]})
    assert granted(client, part, user) == set()
    assert granted(client, table, user) == {(user, "SELECT")}
    dropped = api.ok("GET", f"{database}/tables/orders")
    api.ok("DELETE", f"{database}/tables/orders")
    assert client.list_privileges(user, USER, None) == []
    api.ok("POST", f"{database}/tables", 201, json={"name": "orders", "columns": [{"name": "id", "type": "int"}]})
    assert granted(client, table, user) == set()
    api.ok("DELETE", f"{database}/tables/orders")
    api.ok("POST", f"{database}/tables/orders:undrop", json={"incarnation": dropped["incarnation"]})
    assert granted(client, table, user) == {(user, "SELECT")}


def test_privilege_set_follows_roles(client, tables):
    outer, inner, user = unique("outer"), unique("inner"), unique("hugo")
    table = on(t.HiveObjectType.TABLE, tables, "orders")
    for name in (outer, inner):
        client.create_role(t.Role(name, 0, None))
    client.grant_role(inner, outer, ROLE, None, None, False)
    client.grant_role(outer, "staff", GROUP, None, None, False)
    client.grant_privileges(bag((table, user, USER, "SELECT", True), (table, inner, ROLE, "INSERT", False),
                                (table, "staff", GROUP, "DELETE", False), (table, "public", ROLE, "UPDATE", False),
                                (table, "nobody", USER, "ALL", False)))

    def names(grants):
        return {who: {g.privilege for g in what} for who, what in grants.items()}

    found = client.get_privilege_set(table, user, ["staff", "guests"])
    assert names(found.userPrivileges) == {user: {"SELECT"}} and found.userPrivileges[user][0].grantOption is True
    assert names(found.groupPrivileges) == {"staff": {"DELETE"}, "guests": set()}
    assert names(found.rolePrivileges) == {outer: set(), inner: {"INSERT"}, "public": {"UPDATE"}}
    found = client.get_privilege_set(table, None, None)
    assert (found.userPrivileges, found.groupPrivileges) == ({}, {}) and names(found.rolePrivileges) == {"public": {"UPDATE"}}
    assert client.get_privilege_set(on(t.HiveObjectType.GLOBAL), user, []).rolePrivileges == {}
    client.drop_role(inner)  # with what it was granted
    assert granted(client, table) == {(user, "SELECT"), ("staff", "DELETE"), ("public", "UPDATE"), ("nobody", "ALL")}
    client.drop_role(outer)


def test_refresh(client, api, tables):
    table, columns = on(t.HiveObjectType.TABLE, tables, "orders"), on(t.HiveObjectType.COLUMN, tables, "orders")
    note = on(t.HiveObjectType.COLUMN, tables, "orders", None, "note")
    client.grant_privileges(bag((table, "u1", USER, "SELECT", False)))

    def refresh(place, *grants):
        request = t.GrantRevokePrivilegeRequest(GRANT, bag(*grants, authorizer="ranger"))
        assert client.refresh_privileges(place, "ranger", request).success is True

    refresh(table, (table, "u1", USER, "INSERT", False), (table, "u2", USER, "INSERT", False))
    assert granted(client, table) == {("u1", "SELECT"), ("u1", "INSERT"), ("u2", "INSERT")}
    refresh(table, (table, "u2", USER, "INSERT", False), (table, "u2", USER, "DELETE", False))
    assert granted(client, table) == {("u1", "SELECT"), ("u2", "INSERT"), ("u2", "DELETE")}
    newest = api.ok("GET", f"/changes?kind=privilege&database={tables}&after=0&limit=1000")["items"]
    refresh(table, (table, "u2", USER, "DELETE", False), (table, "u2", USER, "INSERT", False))
    assert api.ok("GET", f"/changes?kind=privilege&database={tables}&after=0&limit=1000")["items"] == newest
    refresh(columns, (note, "u3", USER, "SELECT", False))
    assert granted(client, note) == {("u3", "SELECT")}
    refresh(columns)
    refresh(table)
    assert granted(client, table) == {("u1", "SELECT")} and granted(client, note) == set()
    with pytest.raises(t.MetaException, match="can only grant on that"):
        refresh(table, (on(2, tables), "u2", USER, "ALL", False))
    with pytest.raises(t.MetaException, match="authorizer cannot be null"):
        client.refresh_privileges(table, None, t.GrantRevokePrivilegeRequest(GRANT, bag()))


def test_the_admin_role_may_do_all(client):
    [all_of_it] = [p for p in client.list_privileges("admin", ROLE, on(t.HiveObjectType.GLOBAL)) if p.grantInfo.privilege == "All"]
    assert all_of_it.grantInfo.grantOption is True


def test_bytes_that_are_no_text(client):
    with pytest.raises(t.MetaException):
        client.create_role(t.Role("nul\0role", 0, None))
    assert not isinstance(client.get_role_names(), TApplicationException)
