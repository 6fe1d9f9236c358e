"""Functions through the Metastore's door."""

import time

import hms
import pytest
from conftest import running
from hms import t


@pytest.fixture
def client(shared):
    with hms.connected(shared) as client:
        client.set_ugi("ann", [])
        yield client


@pytest.fixture
def db(database):
    return database.rsplit("/", 1)[1]


def function(db, name, **more):
    what = {"className": "org.x.F", "ownerType": t.PrincipalType.USER, "functionType": t.FunctionType.JAVA, "resourceUris": []}
    return t.Function(functionName=name, dbName=db, **(what | more))


def uri(kind, where):
    return t.ResourceUri(resourceType=kind, uri=where)


def test_create_and_get(api, client, db, database):
    resources = [uri(t.ResourceType.JAR, "hdfs://nn/a.jar"), uri(t.ResourceType.FILE, "s3://b/f"), uri(t.ResourceType.ARCHIVE, "/z.zip")]
    client.create_function(function(db.upper(), "MyFun", resourceUris=resources, createTime=5))
    got = client.get_function(db, " MYFUN ")
    assert (got.functionName, got.dbName, got.catName, got.className) == ("myfun", db, "hive", "org.x.F")
    assert (got.ownerName, got.ownerType, got.functionType) == ("ann", t.PrincipalType.USER, t.FunctionType.JAVA)
    assert got.resourceUris == resources and abs(got.createTime - time.time()) < 60
    assert client.get_function(f"@hive#{db}", "myfun") == got
    rest = api.ok("GET", f"{database}/functions/myfun")
    assert rest["class_name"] == "org.x.F" and rest["owner"] == "ann"
    assert [r["type"] for r in rest["resources"]] == ["JAR", "FILE", "ARCHIVE"]
    change = api.ok("GET", f"/changes?kind=function&database={db}")["items"][-1]
    assert (change["principal"], change["protocol"], change["operation"]) == ("ann", "hive", "create_function")
    client.create_function(function(db, "g", ownerName="bob", ownerType=t.PrincipalType.ROLE, resourceUris=None))
    got = client.get_function(db, "g")
    assert (got.ownerName, got.ownerType, got.resourceUris) == ("bob", t.PrincipalType.ROLE, [])


def test_create_refused(client, db):
    client.create_function(function(db, "f"))
    with pytest.raises(t.AlreadyExistsException) as why:
        client.create_function(function(db, "F"))
    assert why.value.message.lower() == "function f already exists"
    with pytest.raises(t.NoSuchObjectException) as why:
        client.create_function(function("nodb", "f"))
    assert why.value.message == "There is no database hive.nodb"
    with pytest.raises(t.InvalidObjectException) as why:
        client.create_function(function(db, "a-b"))
    assert why.value.message == "a-b is not a valid object name"
    with pytest.raises(t.InvalidObjectException):
        client.create_function(function(db, ""))
    with pytest.raises(t.InvalidObjectException, match="Function class name cannot be null"):
        client.create_function(function(db, "f2", className=None))
    for missing in ("ownerType", "functionType"):
        with pytest.raises(t.MetaException, match="cannot be null"):
            client.create_function(function(db, "f2", **{missing: None}))
    for nameless in (function(None, "f2"), function(db, None), function("@hive#", "f2"), t.Function(), None):
        with pytest.raises(t.MetaException, match="cannot be null"):
            client.create_function(nameless)
    assert client.get_functions(db, None) == ["f"]


def test_lists(api, client, db, database):
    assert client.get_functions(db, "*") == []
    for name in ("fb", "fa", "g"):
        client.create_function(function(db, name))
    api.ok("POST", f"{database}/functions", 201, json={"name": "by_rest", "type": "AGGREGATE_FUNCTION"})
    everything = ["by_rest", "fa", "fb", "g"]
    for pattern, found in [(None, everything), ("*", everything), ("f*", ["fa", "fb"]), ("G|FA", ["fa", "g"]), ("f", []), ("", [])]:
        assert client.get_functions(db, pattern) == found, pattern
        names = client.get_functions_req(t.GetFunctionsRequest(db, "hive", pattern))
        assert names.function_names == found and names.functions is None
        whole = client.get_functions_req(t.GetFunctionsRequest(db, None, pattern, False))
        assert [f.functionName for f in whole.functions] == found and whole.function_names is None
    assert client.get_functions("nodb", "*") == [] and client.get_functions("@nocat#nodb", "*") == []
    assert client.get_functions_req(t.GetFunctionsRequest("nodb", returnNames=False)).functions == []
    by_rest = client.get_functions_req(t.GetFunctionsRequest(db, pattern="by_rest", returnNames=False)).functions[0]
    assert by_rest == client.get_function(db, "by_rest")
    assert (by_rest.functionType, by_rest.ownerType, by_rest.resourceUris) == (t.FunctionType.JAVA, t.PrincipalType.USER, [])
    assert [f.functionName for f in client.get_all_functions().functions if f.dbName == db] == everything


def test_no_functions_at_all():
    """Hive's client counts on the list being there."""
    with running() as server, hms.connected(server) as client:
        assert client.get_all_functions().functions == []


def test_alter(api, client, db, database):
    api.ok("POST", f"{database}/functions", 201, json={"name": "f", "class_name": "a.A", "type": "AGGREGATE_FUNCTION"})
    created = client.get_function(db, "f").createTime
    client.alter_function(db.upper(), "F", function(db, "f", className="b.B", ownerName="bob", createTime=9,
                                                    resourceUris=[uri(t.ResourceType.FILE, "data")]))
    got = client.get_function(db, "f")
    assert (got.className, got.ownerName, got.createTime) == ("b.B", "bob", created)
    assert got.resourceUris == [uri(t.ResourceType.FILE, "data")]
    rest = api.ok("GET", f"{database}/functions/f")
    assert rest["type"] == "AGGREGATE_FUNCTION" and rest["class_name"] == "b.B"  # what Hive cannot say stays
    change = api.ok("GET", f"/changes?kind=function&database={db}")["items"][-1]
    assert (change["action"], change["operation"], change["principal"]) == ("alter", "alter_function", "ann")


def test_alter_renames(api, client, db):
    other = db[:40] + "_other"
    client.create_database(t.Database(name=other))
    try:
        client.create_function(function(db, "f"))
        client.alter_function(f"@hive#{db}", "f", function(other, "G"))
        assert client.get_functions(db, None) == [] and client.get_functions(other, None) == ["g"]
        assert api.ok("GET", f"/changes?kind=function&database={db}")["items"][-1]["action"] == "rename"
    finally:
        client.drop_database(other, True, True)


def test_alter_refused(client, db):
    """Whatever is wrong, it is a MetaException."""
    client.create_function(function(db, "f"))
    client.create_function(function(db, "g"))
    for where, name, to, why in [
        (db, "none", function(db, "none"), "none does not exist"), ("nodb", "f", function(db, "f"), "There is no database hive.nodb"),
        (db, "f", function(db, "g"), "Function g already exists"), (db, "f", function("nodb", "f"), "There is no database hive.nodb"),
        (db, "f", function(db, "a-b"), "a-b is not a valid object name"), (db, "f", function(db, "f", className=None), "cannot be null"),
        (db, "f", function(db, None), "cannot be null"), (db, "f", None, "Function cannot be null"), (None, None, None, "cannot be null"),
    ]:
        with pytest.raises(t.MetaException, match=why):
            client.alter_function(where, name, to)
    assert client.get_function(db, "f").className == "org.x.F"


def test_drop(api, client, db, database):
    client.create_function(function(db, "f"))
    assert client.drop_function(db.upper(), " F") is None
    api.problem("GET", f"{database}/functions/f", 404, "function_not_found")
    assert api.ok("GET", f"/changes?kind=function&database={db}")["items"][-1]["operation"] == "drop_function"
    assert client.get_functions(db, "*") == []


def test_missing(client, db):
    """Spark finds out by the end of the text."""
    for where in (db, "nodb"):
        for call in (client.get_function, client.drop_function):
            with pytest.raises(t.NoSuchObjectException) as why:
                call(where, "nofun")
            assert why.value.message == f"Function {where}.nofun does not exist"


@pytest.mark.parametrize("method", ["get_function", "drop_function", "get_functions"])
def test_without_names(client, db, method):
    for arguments in ((None, None), ("@hive#", "f")) + (((db, None),) if method != "get_functions" else ()):
        with pytest.raises(t.MetaException, match="cannot be null"):
            getattr(client, method)(*arguments)
    with pytest.raises(t.MetaException, match="cannot be null"):
        client.get_functions_req(None)


def test_names_of_other_doors_can_be_altered(api, client, db, database):
    api.ok("POST", f"{database}/functions", 201, json={"name": "a-b", "class_name": "x.X"})
    client.alter_function(db, "a-b", function(db, "a-b", className="y.Y"))
    assert api.ok("GET", f"{database}/functions/a-b")["class_name"] == "y.Y"
