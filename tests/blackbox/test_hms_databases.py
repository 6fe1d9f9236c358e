"""Catalogs and databases through the Metastore's door."""

import os
import pathlib
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
def name(client):
    name = "hd_" + os.urandom(4).hex()
    yield name
    try:
        client.drop_database(name, True, True)
    except t.NoSuchObjectException:
        pass


@pytest.fixture
def catalog(shared, client):
    """A catalog of this test alone, with a directory of its own."""
    name = "hc_" + os.urandom(4).hex()
    client.create_catalog(t.CreateCatalogRequest(t.Catalog(name=name, description="ours", locationUri=at(shared, name))))
    yield name
    try:
        for database in client.get_databases(f"@{name}#"):
            if database != "default":
                client.drop_database(f"@{name}#{database}", True, True)
        client.drop_catalog(t.DropCatalogRequest(name))
    except t.NoSuchObjectException:
        pass


def at(server, path):
    return f"file:{server.directory}/warehouse/{path}"


def on_disk(location):
    return pathlib.Path(location.removeprefix("file:"))


def gone(path):
    for _ in range(200):
        if not path.exists():
            return True
        time.sleep(0.05)
    return False


def last_change(api, **which):
    return api.ok("GET", "/changes?" + "&".join(f"{k}={v}" for k, v in which.items()))["items"][-1]


def request_of(database):
    return t.CreateDatabaseRequest(
        databaseName=database.name, description=database.description, locationUri=database.locationUri,
        parameters=database.parameters, ownerName=database.ownerName, ownerType=database.ownerType,
        catalogName=database.catalogName, createTime=database.createTime, managedLocationUri=database.managedLocationUri,
        type=database.type, dataConnectorName=database.connector_name, remote_dbname=database.remote_dbname)


def create_old(client, database):
    assert client.create_database(database) is None


def create_new(client, database):
    assert client.create_database_req(request_of(database)) is None


creates = pytest.mark.parametrize("create", [create_old, create_new])


# ---- create and get ---------------------------------------------------------------------------------------------


@creates
def test_create_with_nothing_but_a_name(shared, api, client, name, create):
    before = int(time.time())
    create(client, t.Database(name=name.upper(), createTime=5))
    db = client.get_database(name)
    assert (db.name, db.catalogName, db.description, db.parameters) == (name, "hive", None, {})
    assert (db.ownerName, db.ownerType, db.type) == ("ann", t.PrincipalType.USER, t.DatabaseType.NATIVE)
    assert before <= db.createTime <= time.time() + 1
    assert db.locationUri == at(shared, name + ".db") and on_disk(db.locationUri).is_dir()
    assert (db.managedLocationUri, db.connector_name, db.remote_dbname) == (None, None, None)
    assert client.get_database_req(t.GetDatabaseRequest(name=f" {name} ", catalogName="hive")) == db
    assert client.get_database_req(t.GetDatabaseRequest(name=name)) == db
    assert client.get_database(f"@hive#{name}") == db
    rest = api.ok("GET", f"/catalogs/hive/databases/{name}")
    assert (rest["location"], rest["owner"], rest["owner_type"]) == (db.locationUri, "ann", "USER")
    change = last_change(api, kind="database", database=name)
    assert (change["principal"], change["protocol"], change["action"]) == ("ann", "hive", "create")
    assert change["operation"] == ("create_database" if create is create_old else "create_database_req")


@creates
def test_create_with_everything(shared, api, client, name, create):
    wanted = t.Database(
        name=name, description="all of it", locationUri=at(shared, f"x//{name}/"), parameters={"a": "1", "B": ""}, ownerName="staff",
        ownerType=t.PrincipalType.ROLE, catalogName="hive", managedLocationUri=at(shared, name + "_managed"),
        type=t.DatabaseType.NATIVE)
    create(client, wanted)
    db = client.get_database(name)
    assert db.locationUri == at(shared, f"x/{name}") and on_disk(db.locationUri).is_dir()
    assert db.managedLocationUri == wanted.managedLocationUri and on_disk(db.managedLocationUri).is_dir()
    assert (db.description, db.parameters, db.ownerName, db.ownerType) == ("all of it", {"a": "1", "B": ""}, "staff", t.PrincipalType.ROLE)
    rest = api.ok("GET", f"/catalogs/hive/databases/{name}")
    assert rest["parameters"] == {"a": "1", "B": ""} and rest["managed_location"] == db.managedLocationUri


@creates
def test_remote_databases_keep_what_they_stand_for(client, name, create):
    create(client, t.Database(name=name, type=t.DatabaseType.REMOTE, connector_name="pg", remote_dbname="sales"))
    db = client.get_database(name)
    assert (db.type, db.connector_name, db.remote_dbname) == (t.DatabaseType.REMOTE, "pg", "sales")


@creates
def test_create_refused(client, name, create):
    create(client, t.Database(name=name))
    with pytest.raises(t.AlreadyExistsException) as why:
        create(client, t.Database(name=name))
    assert why.value.message == f"Database {name} already exists"
    with pytest.raises(t.InvalidObjectException) as why:
        create(client, t.Database(name="back\\slash"))
    assert why.value.message == "back\\slash is not a valid database name"
    with pytest.raises(t.InvalidObjectException):
        create(client, t.Database(name=""))
    with pytest.raises(t.InvalidObjectException) as why:
        create(client, t.Database(name=name, catalogName="nocat"))
    assert why.value.message == "No such catalog nocat"
    with pytest.raises(t.MetaException, match="Database name cannot be null"):
        client.create_database(t.Database())
    with pytest.raises(t.MetaException, match="does not appear to have a catalog name in it"):
        create(client, t.Database(name="@x"))


def test_odd_names(client, name):
    odd = f"{name}. $x-y"
    client.create_database(t.Database(name=odd))
    assert odd in client.get_all_databases()
    assert client.get_database(odd.upper()).name == odd
    client.drop_database(odd, True, False)
    assert odd not in client.get_all_databases()


def test_missing_databases(client, name):
    for get in (lambda: client.get_database(name), lambda: client.get_database_req(t.GetDatabaseRequest(name)),
                lambda: client.drop_database(name, True, True), lambda: client.alter_database(name, t.Database(name=name)),
                lambda: client.drop_database_req(t.DropDatabaseRequest(name, None, True, True, True)),
                lambda: client.alter_database_req(t.AlterDatabaseRequest(name, t.Database(name=name)))):
        with pytest.raises(t.NoSuchObjectException) as why:
            get()
        assert why.value.message == f"There is no database hive.{name}"
    with pytest.raises(t.NoSuchObjectException):
        client.get_database(f"@nocat#{name}")
    with pytest.raises(t.MetaException, match="Database name cannot be null"):
        client.get_database("@hive#")
    with pytest.raises(t.NoSuchObjectException):
        client.get_database("@hive#!")


def test_bootstrap(shared, client):
    default = client.get_database("default")
    assert (default.name, default.catalogName, default.description) == ("default", "hive", "Default Hive database")
    assert (default.ownerName, default.ownerType, default.locationUri) == ("public", t.PrincipalType.ROLE, at(shared, "").rstrip("/"))
    hive = client.get_catalog(t.GetCatalogRequest("hive")).catalog
    assert (hive.name, hive.description, hive.locationUri) == ("hive", "Default catalog, for Hive", default.locationUri)


# ---- lists ------------------------------------------------------------------------------------------------------


def test_patterns(client, name):
    for end in ("b", "a", "c_x"):
        client.create_database(t.Database(name=f"{name}_{end}"))
    try:
        all_three = [f"{name}_a", f"{name}_b", f"{name}_c_x"]
        for pattern, found in [(f"{name}*", all_three), (f" {name.upper()}_A | {name}_b", all_three[:2]), (f"{name}", []),
                               (f"{name}_?", []), (f"{name}.*", all_three), (f"*{name}_*x", all_three[2:]), ("", []), (f"{name}_%", [])]:
            assert client.get_databases(pattern) == found, pattern
            assert client.get_databases(f"@hive#{pattern}" if pattern else "@hive#!") == found, pattern
            objects = client.get_databases_req(t.GetDatabaseObjectsRequest("hive", pattern)).databases
            assert [d.name for d in objects] == found, pattern
        everything = client.get_all_databases()
        assert everything == sorted(everything) and set(all_three) < set(everything) and "default" in everything
        for pattern in (None, "*", "@hive#", "@hive#*"):
            assert client.get_databases(pattern) == everything
        whole = client.get_databases_req(t.GetDatabaseObjectsRequest()).databases
        assert [d.name for d in whole] == everything
        assert whole[everything.index(all_three[0])] == client.get_database(all_three[0])
    finally:
        for database in all_three:
            client.drop_database(database, True, True)


def test_lists_of_catalogs(client, catalog, name):
    client.create_database(t.Database(name=name, catalogName=catalog))
    assert client.get_databases(f"@{catalog}#") == ["default", name]
    assert client.get_databases(f"@{catalog.upper()}#hd_*") == [name]
    assert [d.catalogName for d in client.get_databases_req(t.GetDatabaseObjectsRequest(catalog)).databases] == [catalog] * 2
    assert name not in client.get_all_databases()
    assert client.get_databases("@nocat#") == [] and client.get_databases_req(t.GetDatabaseObjectsRequest("nocat")).databases == []
    with pytest.raises(t.MetaException) as why:
        client.get_databases("@x")
    assert why.value.message == "@x is prepended with the catalog marker but does not appear to have a catalog name in it"


# ---- alter ------------------------------------------------------------------------------------------------------


def alter_old(client, name, database):
    assert client.alter_database(name, database) is None


def alter_new(client, name, database):
    assert client.alter_database_req(t.AlterDatabaseRequest(name, database)) is None


@pytest.mark.parametrize("alter", [alter_old, alter_new])
def test_alter(shared, api, client, name, alter):
    client.create_database(t.Database(name=name, description="first", parameters={"a": "1", "b": "2"}, ownerName="bob"))
    before = client.get_database(name)
    alter(client, name.upper(), t.Database(name="other", description=" ", locationUri="", parameters={"b": "3"}, ownerName="carl",
                                           ownerType=t.PrincipalType.GROUP, createTime=7))
    db = client.get_database(name)
    assert (db.parameters, db.ownerName, db.ownerType) == ({"b": "3"}, "carl", t.PrincipalType.GROUP)
    assert (db.name, db.description, db.locationUri, db.createTime) == (name, "first", before.locationUri, before.createTime)
    elsewhere = at(shared, name + "_new")
    alter(client, f"@hive#{name}", t.Database(name=name, description="second", locationUri=elsewhere + "/", managedLocationUri=elsewhere + "_m"))
    db = client.get_database(name)
    assert (db.parameters, db.ownerName, db.ownerType) == ({}, None, t.PrincipalType.GROUP)
    assert (db.description, db.locationUri, db.managedLocationUri) == ("second", elsewhere, elsewhere + "_m")
    rest = api.ok("GET", f"/catalogs/hive/databases/{name}")
    assert rest["description"] == "second" and "owner" not in rest and rest["location"] == elsewhere
    change = last_change(api, kind="database", database=name)
    assert (change["action"], change["principal"]) == ("alter", "ann")
    assert change["operation"] == ("alter_database" if alter is alter_old else "alter_database_req")


def test_one_write_seen_from_the_other_door(api, client, name):
    api.ok("POST", "/catalogs/hive/databases", 201, json={"name": name, "description": "by rest", "parameters": {"x": "y"}})
    db = client.get_database(name)
    assert (db.description, db.parameters, db.type, db.ownerName) == ("by rest", {"x": "y"}, t.DatabaseType.NATIVE, None)
    client.alter_database(name, db)
    assert api.ok("GET", f"/catalogs/hive/databases/{name}")["description"] == "by rest"
    api.ok("DELETE", f"/catalogs/hive/databases/{name}")
    assert name not in client.get_databases(name)


# ---- drop -------------------------------------------------------------------------------------------------------


def drop_old(client, name, data, cascade):
    assert client.drop_database(name, data, cascade) is None


def drop_new(client, name, data, cascade):
    done = client.drop_database_req(t.DropDatabaseRequest(name, None, False, data, cascade))
    assert done.id == "" and done.finished is True


drops = pytest.mark.parametrize("drop", [drop_old, drop_new])


@drops
def test_drop_refuses_what_holds_something(api, client, name, drop):
    client.create_database(t.Database(name=name))
    base = f"/catalogs/hive/databases/{name}"
    api.ok("POST", base + "/functions", 201, json={"name": "f", "class_name": "x.F"})
    with pytest.raises(t.InvalidOperationException) as why:
        drop(client, name, True, False)
    assert why.value.message == f"Database {name} is not empty. One or more functions exist."
    api.ok("POST", base + "/tables", 201, json={"name": "t", "columns": [{"name": "id", "type": "int"}]})
    with pytest.raises(t.InvalidOperationException) as why:
        drop(client, name, True, False)
    assert why.value.message == f"Database {name} is not empty. One or more tables exist."
    home = on_disk(client.get_database(name).locationUri)
    assert (home / "t").is_dir()
    drop(client, name, True, True)
    assert client.get_databases(name) == [] and gone(home)
    api.problem("GET", base + "/tables/t", 404, "database_not_found")
    change = last_change(api, kind="database", database=name)
    assert (change["action"], change["principal"]) == ("drop", "ann")
    assert change["operation"] == ("drop_database" if drop is drop_old else "drop_database_req")


@drops
def test_drop_without_data(api, client, name, drop):
    client.create_database(t.Database(name=name))
    home = on_disk(client.get_database(name).locationUri)
    api.ok("POST", f"/catalogs/hive/databases/{name}/tables", 201, json={"name": "t", "columns": [{"name": "id", "type": "int"}]})
    drop(client, name, False, True)
    assert client.get_databases(name) == []
    other = name + "_other"
    client.create_database(t.Database(name=other))
    gone_home = on_disk(client.get_database(other).locationUri)
    drop(client, other, True, False)
    assert gone(gone_home) and (home / "t").is_dir()  # the later one is gone: the earlier stays for good


def test_drop_keeps_the_managed_directory_when_asked(shared, client, name):
    managed = at(shared, name + "_m")
    client.create_database(t.Database(name=name, managedLocationUri=managed))
    home = on_disk(client.get_database(name).locationUri)
    done = client.drop_database_req(t.DropDatabaseRequest(name, "hive", True, True, False, deleteManagedDir=False, id="q7", asyncDrop=True))
    assert done.id == "q7" and done.finished is True
    assert gone(home) and on_disk(managed).is_dir()


@drops
def test_the_default_database_stays(client, drop):
    with pytest.raises(t.MetaException) as why:
        drop(client, "Default", True, True)
    assert why.value.message.startswith("Can not drop default database in catalog hive")
    assert "default" in client.get_all_databases()


# ---- catalogs ---------------------------------------------------------------------------------------------------


def test_catalogs(shared, api, client, catalog):
    got = client.get_catalog(t.GetCatalogRequest(f" {catalog.upper()} ")).catalog
    assert (got.name, got.description, got.locationUri, got.parameters) == (catalog, "ours", at(shared, catalog), {})
    assert abs(got.createTime - time.time()) < 60 and on_disk(got.locationUri).is_dir()
    names = client.get_catalogs().names
    assert names == sorted(names) and {"hive", catalog} <= set(names)
    default = client.get_database(f"@{catalog}#default")
    assert (default.catalogName, default.locationUri) == (catalog, got.locationUri)
    client.create_database(t.Database(name="d", catalogName=catalog))
    assert client.get_database(f"@{catalog}#d").locationUri == at(shared, f"{catalog}/d.db")
    assert client.get_database_req(t.GetDatabaseRequest("d", catalog)).catalogName == catalog
    with pytest.raises(t.NoSuchObjectException) as why:
        client.get_database_req(t.GetDatabaseRequest("e", catalog))
    assert why.value.message == f"There is no database {catalog}.e"
    change = last_change(api, kind="catalog", catalog=catalog)
    assert (change["principal"], change["operation"]) == ("ann", "create_catalog")
    assert api.ok("GET", f"/catalogs/{catalog}")["description"] == "ours"


def test_alter_catalog(shared, api, client, catalog):
    def alter(**to):
        client.alter_catalog(t.AlterCatalogRequest(catalog, t.Catalog(**to)))
        return client.get_catalog(t.GetCatalogRequest(catalog)).catalog

    got = alter(name=catalog, description="new", parameters={"a": "b"})
    assert (got.description, got.locationUri, got.parameters) == ("new", at(shared, catalog), {"a": "b"})
    got = alter(name=catalog, locationUri=at(shared, catalog + "_2"), description="")
    assert (got.description, got.locationUri, got.parameters) == ("new", at(shared, catalog + "_2"), {"a": "b"})
    assert alter(parameters={}).parameters == {}
    assert api.ok("GET", f"/catalogs/{catalog}")["location"] == at(shared, catalog + "_2")
    with pytest.raises(t.InvalidOperationException, match="cannot be renamed"):
        alter(name="another")
    with pytest.raises(t.MetaException, match="Catalog cannot be null"):
        client.alter_catalog(t.AlterCatalogRequest(catalog))
    with pytest.raises(t.NoSuchObjectException):
        client.alter_catalog(t.AlterCatalogRequest("nocat", t.Catalog(name="nocat")))


def test_create_catalog_refused(client, catalog):
    def create(**of):
        client.create_catalog(t.CreateCatalogRequest(t.Catalog(**of)))

    with pytest.raises(t.AlreadyExistsException) as why:
        create(name=catalog, locationUri="file:/x")
    assert why.value.message == f"Catalog {catalog} already exists"
    with pytest.raises(t.InvalidObjectException) as why:
        create(name="a b", locationUri="file:/x")
    assert why.value.message == "a b is not a valid catalog name"
    with pytest.raises(t.InvalidObjectException, match="specify a path"):
        create(name="hc_nowhere")
    with pytest.raises(t.MetaException, match="Catalog name cannot be null"):
        create(locationUri="file:/x")
    with pytest.raises(t.NoSuchObjectException):
        client.get_catalog(t.GetCatalogRequest("hc_nowhere"))


def test_drop_catalog(client, catalog):
    home = on_disk(client.get_catalog(t.GetCatalogRequest(catalog)).catalog.locationUri)
    client.create_database(t.Database(name="d", catalogName=catalog))
    with pytest.raises(t.InvalidOperationException, match="is not empty"):
        client.drop_catalog(t.DropCatalogRequest(catalog))
    assert client.drop_database_req(t.DropDatabaseRequest("d", catalog, False, True, False)).finished
    assert gone(home / "d.db")
    client.drop_catalog(t.DropCatalogRequest(catalog, False))
    assert catalog not in client.get_catalogs().names and gone(home)
    client.drop_catalog(t.DropCatalogRequest(catalog, True))
    for how in (False, None):
        request = t.DropCatalogRequest(catalog)
        request.ifExists = how  # None: not sent, as by clients before 4.1
        with pytest.raises(t.NoSuchObjectException):
            client.drop_catalog(request)
    with pytest.raises(t.MetaException):
        client.drop_catalog(t.DropCatalogRequest("Hive", True))
    assert "hive" in client.get_catalogs().names


def test_default_databases_of_other_catalogs_can_go(client, catalog):
    client.drop_database(f"@{catalog}#default", False, False)
    assert client.get_databases(f"@{catalog}#") == []


# ---- nothing given ----------------------------------------------------------------------------------------------


EMPTY = {
    "create_catalog": t.CreateCatalogRequest(), "alter_catalog": t.AlterCatalogRequest(), "get_catalog": t.GetCatalogRequest(),
    "drop_catalog": t.DropCatalogRequest(), "create_database": t.Database(), "create_database_req": None,
    "get_database": None, "get_database_req": t.GetDatabaseRequest(), "alter_database_req": None, "drop_database_req": None,
}


@pytest.mark.parametrize("method", EMPTY)
def test_without_arguments(client, method):
    for argument in (None, EMPTY[method]):
        with pytest.raises(t.MetaException, match="cannot be null"):
            getattr(client, method)(argument)
    assert client.getStatus() == 2


def test_without_arguments_more(client):
    with pytest.raises(t.MetaException, match="Database name cannot be null"):
        client.drop_database(None, None, None)
    with pytest.raises(t.MetaException, match="cannot be null"):
        client.alter_database(None, None)
    with pytest.raises(t.MetaException, match="Database cannot be null"):
        client.alter_database("default", None)
    assert client.get_databases(None) == client.get_all_databases()
    assert [d.name for d in client.get_databases_req(None).databases] == client.get_all_databases()


def test_without_a_user():
    """Nobody said who calls: there is no owner to take."""
    with running() as server, hms.connected(server) as client:
        client.create_database(t.Database(name="d"))
        assert client.get_database("d").ownerName is None
        assert client.get_all_databases() == ["d", "default"]
