"""Tables over Thrift: what engines make, read, alter and drop, and that other doors see the same."""

import contextlib
import copy
import pathlib
import re
import time

import hms
import pytest
from hms import t

READS = {
    "get_table": 2, "get_table_req": 1, "get_table_objects_by_name": 2, "get_table_objects_by_name_req": 1, "get_tables_ext": 1,
    "get_all_tables": 1, "get_tables": 2, "get_tables_by_type": 3, "get_table_names_by_filter": 3,
    "get_materialized_views_for_rewriting": 1, "get_fields": 2, "get_fields_with_environment_context": 3, "get_fields_req": 1,
    "get_schema": 2, "get_schema_with_environment_context": 3, "get_schema_req": 1,
}
WRITES = {
    "create_table": 1, "create_table_with_environment_context": 2, "create_table_with_constraints": 7, "create_table_req": 1,
    "alter_table": 3, "alter_table_with_cascade": 4, "alter_table_with_environment_context": 4, "alter_table_req": 1,
    "truncate_table": 3, "truncate_table_req": 1, "drop_table": 3, "drop_table_with_environment_context": 4, "drop_table_req": 1,
}
MODELLED = (t.MetaException, t.UnknownDBException, t.InvalidOperationException, t.InvalidObjectException)


@pytest.fixture
def client(shared):
    with hms.connected(shared) as client:
        yield client


@pytest.fixture
def db(database):
    return database.rsplit("/", 1)[1]


def rest(api, db, name):
    return api.ok("GET", f"/catalogs/hive/databases/{db}/tables/{name}")


@contextlib.contextmanager
def throws(kind, match=None):
    """pytest looks at how an exception is printed, clients at its message."""
    with pytest.raises(kind) as why:
        yield why
    if match:
        assert re.search(match, why.value.message), why.value.message


def env(**properties):
    return t.EnvironmentContext(properties=properties)


def local(location):
    assert location.startswith("file:/"), location
    return pathlib.Path(location[5:])


# ---- reading -------------------------------------------------------------------------------------------------------


def test_what_is_made_is_read(client, api, db):
    before = int(time.time())
    sent = hms.table(db, "Orders", columns=[("ID", "bigint", "the key"), ("Note", "string")], keys=[("Day", "date")],
                     parameters={"Team": "Sales", "comment": "what was sold"})
    sent.createTime = 7
    client.create_table(sent)
    got = client.get_table(db, "ORDERS")
    assert (got.catName, got.dbName, got.tableName, got.owner, got.ownerType) == ("hive", db, "orders", "tester", t.PrincipalType.USER)
    assert [(c.name, c.type, c.comment) for c in got.sd.cols] == [("id", "bigint", "the key"), ("note", "string", None)]
    assert [(c.name, c.type) for c in got.partitionKeys] == [("day", "date")]
    assert got.tableType == "MANAGED_TABLE" and got.viewOriginalText is None and got.temporary is False and got.privileges is None
    assert got.parameters.pop("transient_lastDdlTime").isdigit()
    assert got.parameters == {"Team": "Sales", "comment": "what was sold"}
    assert before <= got.createTime <= time.time() and got.id > 0
    assert got.sd.location.endswith(f"/{db}.db/orders") and local(got.sd.location).is_dir()
    assert (got.sd.bucketCols, got.sd.sortCols, got.sd.parameters, got.sd.numBuckets) == ([], [], {}, -1)
    assert got.sd.serdeInfo.parameters == {"serialization.format": "1"} and got.sd.skewedInfo.skewedColNames == []
    by_request = client.get_table_req(t.GetTableRequest(dbName=db, tblName="orders")).table
    assert by_request.tableName == "orders" and by_request.sd == got.sd
    assert client.get_table(f"@hive#{db}", "orders").sd == got.sd
    seen = rest(api, db, "orders")
    assert seen["description"] == "what was sold" and seen["parameters"]["Team"] == "Sales" and "comment" not in seen["parameters"]
    assert seen["columns"][0]["name"] == "id" and seen["partition_keys"][0]["name"] == "day"


def test_missing_and_null(client, db):
    for call in (lambda: client.get_table(db, "none"), lambda: client.get_table_req(t.GetTableRequest(dbName=db, tblName="none"))):
        with throws(t.NoSuchObjectException, match=rf"hive\.{db}\.none table not found"):
            call()
    for call in (lambda: client.get_table("no_such_db", "none"), lambda: client.get_table("@nocat#x", "none")):
        with throws(t.NoSuchObjectException):
            call()
    with throws(t.MetaException, match="does not appear to have a catalog name in it"):
        client.get_table("@x", "none")
    for method, count in (READS | WRITES).items():
        with throws(MODELLED):
            getattr(client, method)(*[None] * count)


def test_lists(client, api, db):
    for name in ("b_one", "a_two", "c three"):
        client.create_table(hms.table(db, name, kind="EXTERNAL_TABLE" if name[0] == "a" else "MANAGED_TABLE"))
    view = hms.table(db, "the_view", kind="VIRTUAL_VIEW")
    view.viewOriginalText = view.viewExpandedText = "select 1"
    view.parameters = {"comment": "a view"}
    client.create_table(view)
    api.ok("POST", f"/catalogs/hive/databases/{db}/tables", 201, json={"name": "from_rest", "columns": [{"name": "x", "type": "int"}]})
    everything = ["a_two", "b_one", "c three", "from_rest", "the_view"]
    assert client.get_all_tables(db) == client.get_all_tables(f"@hive#{db.upper()}") == everything
    for pattern in ("*", ".*", None, "A*|.*_*|c*|FROM*|x"):
        assert client.get_tables(db, pattern) == everything
    assert client.get_tables(db, "*_*o*|the_view|b") == ["a_two", "b_one", "the_view"]
    assert client.get_tables(db, "nothing") == client.get_tables(db, "") == []
    for call in (client.get_all_tables, client.get_materialized_views_for_rewriting):
        assert call("no_such_db") == []
    assert client.get_tables("no_such_db", "*") == client.get_tables_by_type("no_such_db", "*", "VIRTUAL_VIEW") == []
    assert client.get_tables_by_type(db, ".*", "VIRTUAL_VIEW") == ["the_view"]
    assert client.get_tables_by_type(db, None, "EXTERNAL_TABLE") == ["a_two"]
    assert client.get_tables_by_type(db, "b*|f*", "MANAGED_TABLE") == ["b_one", "from_rest"]
    with throws(t.MetaException, match="no table type NOPE"):
        client.get_tables_by_type(db, "*", "NOPE")
    metas = client.get_table_meta(db, "*", [])
    assert [(m.dbName, m.tableName, m.tableType, m.comments, m.catName) for m in metas] == [
        (db, "a_two", "EXTERNAL_TABLE", None, "hive"), (db, "b_one", "MANAGED_TABLE", None, "hive"),
        (db, "c three", "MANAGED_TABLE", None, "hive"), (db, "from_rest", "MANAGED_TABLE", None, "hive"),
        (db, "the_view", "VIRTUAL_VIEW", "a view", "hive")]
    assert metas[0].ownerName == "tester" and metas[0].ownerType == t.PrincipalType.USER
    assert [m.tableName for m in client.get_table_meta(db[:-2] + "*", "*e", ["MANAGED_TABLE"])] == ["b_one", "c three"]
    assert any(m.tableName == "a_two" for m in client.get_table_meta(None, None, None))
    assert client.get_table_meta("no_such*", "*", None) == client.get_table_meta("@nocat#*", "*", None) == []
    extended = client.get_tables_ext(t.GetTablesExtRequest(catalog="hive", database=db, tableNamePattern="*", requestedFields=1, limit=2))
    assert [e.tblName for e in extended] == ["a_two", "b_one"]


def test_a_type_that_was_never_given_is_derived(client, api, db):
    api.ok("POST", f"/catalogs/hive/databases/{db}/tables", 201, json={"name": "v", "view_original_text": "select 1"})
    assert client.get_table(db, "v").tableType == "VIRTUAL_VIEW"
    assert client.get_tables_by_type(db, "*", "VIRTUAL_VIEW") == ["v"]


def test_many_at_once(client, db):
    for name in ("one", "two", "three"):
        client.create_table(hms.table(db, name))
    got = client.get_table_objects_by_name(db, ["Two", "missing", "one", "one"])
    assert sorted(table.tableName for table in got) == ["one", "two"]
    assert all(table.sd.cols[0].name == "id" and table.parameters is not None for table in got)
    assert client.get_table_objects_by_name(db, []) == client.get_table_objects_by_name(db, ["missing"]) == []
    for name in (None, ""):
        with throws(t.UnknownDBException, match="DB name is null or empty"):
            client.get_table_objects_by_name(name, ["one"])
    with throws(t.UnknownDBException, match=r"Could not find database hive\.no_such_db"):
        client.get_table_objects_by_name("no_such_db", ["one"])
    with throws(t.InvalidOperationException, match=f"{db} cannot find null tables"):
        client.get_table_objects_by_name(db, None)
    by_pattern = client.get_table_objects_by_name_req(t.GetTablesRequest(dbName=db, tablesPattern="t*"))
    assert [table.tableName for table in by_pattern.tables] == ["three", "two"]
    names = t.GetProjectionsSpec(fieldList=["dbName", "tableName", "owner"])
    for projection in (names, t.GetProjectionsSpec(fieldList=["tableName", "sd.location", "sd.cols.name"])):
        tables = client.get_table_objects_by_name_req(
            t.GetTablesRequest(dbName=db, tablesPattern="*", projectionSpec=projection)).tables
        assert [table.tableName for table in tables] == ["one", "three", "two"]
        assert all(table.parameters is None and table.createTime is None for table in tables)
        if projection is names:
            assert all((table.owner, table.dbName, table.sd) == ("tester", db, None) for table in tables)
        else:
            assert tables[0].sd.location.endswith("/one") and tables[0].sd.serdeInfo is None
            assert [(c.name, c.type) for c in tables[0].sd.cols] == [("id", None), ("note", None)]
    with throws(t.UnknownDBException):
        client.get_table_objects_by_name_req(t.GetTablesRequest(dbName="no_such_db", tblNames=["one"]))


def test_names_by_filter(client, api, db):
    client.create_table(hms.table(db, "ice", kind="EXTERNAL_TABLE", parameters={"table_type": "ICEBERG", "size": "10"}))
    client.create_table(hms.table(db, "plain", parameters={"comment": "told"}))
    api.ok("POST", f"/catalogs/hive/databases/{db}/tables", 201, json={"name": "other", "owner": "ann", "columns": [{"name": "x", "type": "int"}]})

    def names(text, most=-1):
        return client.get_table_names_by_filter(db, text, most)

    assert names('hive_filter_field_params__table_type like "ICEBERG"') == ["ice"]
    assert names('hive_filter_field_params__table_type = "ICEBERG"') == ["ice"]
    assert names('hive_filter_field_params__table_type <> "ICEBERG"') == []
    assert names('hive_filter_field_params__comment = "told"') == ["plain"]
    assert names('hive_filter_field_owner__ like "test.*"') == ["ice", "plain"]
    assert names('hive_filter_field_owner__ = "ann" or hive_filter_field_tableName__ = "plain"') == ["other", "plain"]
    assert names('hive_filter_field_tableType__ = "MANAGED_TABLE"') == ["other", "plain"]
    assert names('hive_filter_field_last_access__ < 1', 1) == ["ice"] and names('hive_filter_field_last_access__ < 1', 0) == []
    assert names('hive_filter_field_last_access__ > 1') == []
    for call, kind, text in ((lambda: names(None), t.InvalidOperationException, "cannot apply null filter"),
                             (lambda: names("nonsense ="), t.MetaException, None),
                             (lambda: names('unknown_key = "1"'), t.MetaException, "Invalid key name"),
                             (lambda: client.get_table_names_by_filter(None, "x", -1), t.UnknownDBException, "null or empty"),
                             (lambda: client.get_table_names_by_filter("no_such_db", 'hive_filter_field_owner__ = "a"', -1),
                              t.UnknownDBException, r"Could not find database hive\.no_such_db")):
        with throws(kind, match=text):
            call()


def test_columns(client, db):
    client.create_table(hms.table(db, "orders", keys=[("day", "date")]))
    fields, schema = ["id", "note"], ["id", "note", "day"]
    for call, names in ((client.get_fields, fields), (client.get_schema, schema)):
        assert [f.name for f in call(db, "orders")] == [f.name for f in call(db, "Orders.note")] == names
        for database, table in ((db, "none"), ("no_such_db", "orders"), (db, "none.note")):
            with throws(t.UnknownTableException):
                call(database, table)
    assert [f.name for f in client.get_fields_with_environment_context(db, "orders", None)] == fields
    assert [f.name for f in client.get_schema_with_environment_context(db, "orders", env(a="b"))] == schema
    assert [f.name for f in client.get_fields_req(t.GetFieldsRequest(dbName=db, tblName="orders")).fields] == fields
    assert [f.name for f in client.get_schema_req(t.GetSchemaRequest(dbName=db, tblName="orders")).fields] == schema


def test_insert_only_tables_ask_for_a_capability(client, db):
    client.create_table(hms.table(db, "acid", parameters={"transactional": "true", "transactional_properties": "insert_only"}))
    able = t.ClientCapabilities(values=[t.ClientCapability.INSERT_ONLY_TABLES])
    assert client.get_table_req(t.GetTableRequest(dbName=db, tblName="acid", capabilities=able)).table.tableName == "acid"
    for call in (lambda: client.get_table(db, "acid"), lambda: client.get_table_objects_by_name(db, ["acid"]),
                 lambda: client.get_table_req(t.GetTableRequest(dbName=db, tblName="acid", capabilities=t.ClientCapabilities(values=[])))):
        with throws(t.MetaException, match="^Your client does not appear to support insert-only tables"):
            call()
    client.setMetaConf("metastore.client.capability.check", "false")
    assert client.get_table(db, "acid").tableName == "acid"


def test_materialized_views(client, db):
    for name, enabled in (("used", True), ("unused", False)):
        view = hms.table(db, name, kind="MATERIALIZED_VIEW")
        view.viewOriginalText, view.rewriteEnabled = "select 1", enabled
        client.create_table(view)
    assert client.get_materialized_views_for_rewriting(db) == ["used"]
    found = [v for v in client.get_all_materialized_view_objects_for_rewriting() if v.dbName == db]
    assert [v.tableName for v in found] == ["used"] and found[0].rewriteEnabled and found[0].creationMetadata is None


def test_what_a_materialized_view_was_made_from(client, api, db):
    view = hms.table(db, "made", kind="MATERIALIZED_VIEW")
    view.creationMetadata = t.CreationMetadata(catName="hive", dbName=db, tblName="made", tablesUsed={f"{db}.base"}, validTxnList="x:1",
                                               materializationTime=5)
    client.create_table(view)
    got = client.get_table(db, "made").creationMetadata
    assert (got.tablesUsed, got.validTxnList, got.materializationTime) == ({f"{db}.base"}, "x:1", 5)
    body = rest(api, db, "made")
    api.ok("PATCH", f"/catalogs/hive/databases/{db}/tables/made", json={"extra": body["extra"] | {"glue.y": "z"}})
    view = client.get_table(db, "made")
    view.creationMetadata.validTxnList = "x:2"
    client.alter_table(db, "made", view)
    view.creationMetadata = None
    client.alter_table(db, "made", view)
    assert client.get_table(db, "made").creationMetadata.validTxnList == "x:2"
    assert rest(api, db, "made")["extra"]["glue.y"] == "z"


# ---- making --------------------------------------------------------------------------------------------------------


def creates(client):
    return (client.create_table, lambda table: client.create_table_with_environment_context(table, None),
            lambda table: client.create_table_with_constraints(table, None, None, None, None, None, None),
            lambda table: client.create_table_req(t.CreateTableRequest(table=table)))


def test_what_cannot_be_made(client, db):
    client.create_table(hms.table(db, "there"))
    for create in creates(client):
        def refused(kind, text, change, **more):
            table = hms.table(db, "new_one", **more)
            change(table)
            with throws(kind, match=text):
                create(table)

        refused(t.AlreadyExistsException, f"Table hive.{db}.there already exists", lambda x: setattr(x, "tableName", "There"))
        refused(t.InvalidObjectException, "no_such_db", lambda x: setattr(x, "dbName", "no_such_db"))
        refused(t.InvalidObjectException, None, lambda x: setattr(x, "catName", "nocat"))
        refused(t.InvalidObjectException, r"^bad\\name is not a valid object name", lambda x: setattr(x, "tableName", "bad\\name"))
        refused(t.InvalidObjectException, "is not a valid object name", lambda x: setattr(x, "tableName", ""))
        refused(t.MetaException, "Null database name is not allowed", lambda x: setattr(x, "dbName", None))
        refused(t.MetaException, "Table name cannot be null", lambda x: setattr(x, "tableName", None))
        refused(t.MetaException, "storage descriptor", lambda x: setattr(x, "sd", None))
        refused(t.MetaException, "columns", lambda x: setattr(x.sd, "cols", None))
        refused(t.MetaException, "type of column id", lambda x: setattr(x.sd.cols[0], "type", None))
        refused(t.InvalidObjectException, "Invalid column type: nonsense", lambda x: None, columns=[("a", "nonsense")])
        refused(t.InvalidObjectException, "Invalid partition column type: BIGINT", lambda x: None, keys=[("a", "BIGINT")])
        refused(t.InvalidObjectException, "must not be root path", lambda x: setattr(x.sd, "location", "file:///"))
    assert client.get_all_tables(db) == ["there"]


def test_managed_and_external(client, db):
    def made(name, kind, external, location=None):
        table = hms.table(db, name, location=location)
        table.tableType = kind
        table.parameters = {} if external is None else {"EXTERNAL": external}
        client.create_table(table)
        return client.get_table(db, name).tableType

    assert made("a", "MANAGED_TABLE", "TRUE") == "EXTERNAL_TABLE"
    assert made("b", "EXTERNAL_TABLE", None) == made("c", "EXTERNAL_TABLE", "false") == "MANAGED_TABLE"
    assert made("d", None, "true") == "EXTERNAL_TABLE" and made("e", None, None) == "MANAGED_TABLE"


def test_parameters_that_are_not_kept(client, db):
    table = hms.table(db, "made", parameters={"DO_NOT_UPDATE_STATS": "true", "created_with_ctas": "true", "transient_lastDdlTime": "5"})
    client.create_table(table)
    assert client.get_table(db, "made").parameters == {"transient_lastDdlTime": "5"}


def test_quick_statistics(shared, client, db):
    shared.expect_log("over uses it too")
    client.create_table(hms.table(db, "made"))
    table = client.get_table(db, "made")
    assert "numFiles" not in table.parameters
    place = local(table.sd.location)
    (place / "deeper").mkdir()
    (place / "deeper" / "data").write_bytes(b"x" * 100)
    (place / "_SUCCESS").write_bytes(b"y")
    table.parameters["COLUMN_STATS_ACCURATE"] = '{"BASIC_STATS":"true"}'
    keep = copy.deepcopy(table)
    client.alter_table_with_environment_context(db, "made", keep, env(DO_NOT_UPDATE_STATS="true"))
    assert "numFiles" not in client.get_table(db, "made").parameters
    keep.parameters["DO_NOT_UPDATE_STATS"] = "true"
    client.alter_table(db, "made", keep)
    kept = client.get_table(db, "made").parameters
    assert "numFiles" not in kept and "DO_NOT_UPDATE_STATS" not in kept and "COLUMN_STATS_ACCURATE" in kept
    client.alter_table(db, "made", table)
    counted = client.get_table(db, "made").parameters
    assert (counted["numFiles"], counted["totalSize"]) == ("1", "100") and "COLUMN_STATS_ACCURATE" not in counted
    client.alter_table_with_environment_context(db, "made", table, env(STATS_GENERATED="TASK"))
    assert client.get_table(db, "made").parameters["COLUMN_STATS_ACCURATE"] == '{"BASIC_STATS":"true"}'
    client.create_table(hms.table(db, "over", location=table.sd.location, kind="EXTERNAL_TABLE"))
    assert client.get_table(db, "over").parameters["totalSize"] == "100"
    elsewhere = hms.table(db, "far", location="s3://bucket/far", kind="EXTERNAL_TABLE", parameters={"numFiles": "3", "totalSize": "9"})
    client.create_table(elsewhere)
    client.alter_table(db, "far", elsewhere)
    assert client.get_table(db, "far").parameters["totalSize"] == "9"


def test_constraints_come_with_the_table(client, api, db):
    def key(name, seq, constraint=None):
        return t.SQLPrimaryKey(table_db=db, table_name="made", column_name=name, key_seq=seq, pk_name=constraint, enable_cstr=False,
                               validate_cstr=False, rely_cstr=True)

    wrong = hms.table(db, "wrong")
    with throws(t.InvalidObjectException, match="nothing_like_it"):
        client.create_table_with_constraints(wrong, [key("nothing_like_it", 1)], [], [], [], [], [])
    assert client.get_all_tables(db) == []
    not_null = t.SQLNotNullConstraint(catName="hive", table_db=db, table_name="made", column_name="Note", nn_name="NN_note", enable_cstr=True,
                                      validate_cstr=True, rely_cstr=False)
    default = t.SQLDefaultConstraint(table_db=db, table_name="made", column_name="note", default_value="'-'", dc_name="dflt", enable_cstr=True)
    client.create_table_req(t.CreateTableRequest(table=hms.table(db, "made"), primaryKeys=[key("note", 2), key("id", 1)],
                                                 notNullConstraints=[not_null], defaultConstraints=[default]))
    found = {c["kind"]: c for c in api.ok("GET", f"/catalogs/hive/databases/{db}/tables/made/constraints")["items"]}
    assert found["primary_key"]["columns"] == ["id", "note"] and found["primary_key"]["rely"]
    assert (found["not_null"]["name"], found["not_null"]["columns"]) == ("nn_note", ["note"])
    assert found["default"]["expression"] == "'-'"
    foreign = t.SQLForeignKey(pktable_db=db, pktable_name="made", pkcolumn_name="id", fktable_db=db, fktable_name="child",
                              fkcolumn_name="id", key_seq=1, update_rule=0, delete_rule=0, fk_name="fk1")
    second = copy.copy(foreign)
    second.pkcolumn_name, second.fkcolumn_name, second.key_seq = "note", "note", 2
    client.create_table_with_constraints(hms.table(db, "child"), [], [foreign, second], [], [], [], [])
    child = api.ok("GET", f"/catalogs/hive/databases/{db}/tables/child/constraints")["items"]
    assert [(c["kind"], c["columns"]) for c in child] == [("foreign_key", ["id", "note"])]


# ---- altering ------------------------------------------------------------------------------------------------------


def alters(client):
    return (client.alter_table, lambda d, n, x: client.alter_table_with_cascade(d, n, x, False),
            lambda d, n, x: client.alter_table_with_environment_context(d, n, x, None),
            lambda d, n, x: client.alter_table_req(t.AlterTableRequest(dbName=d, tableName=n, table=x)))


def test_what_cannot_be_altered(client, db):
    client.create_table(hms.table(db, "made", keys=[("day", "date")]))
    client.create_table(hms.table(db, "taken"))
    for alter in alters(client):
        def refused(kind, text, change, database=db, name="made"):
            table = client.get_table(db, "made")
            change(table)
            with throws(kind, match=text):
                alter(database, name, table)

        operation = t.InvalidOperationException
        refused(operation, "table not found", lambda x: None, name="none")
        refused(operation, "no_such_db", lambda x: None, database="no_such_db")
        refused(operation, f"^new table {db}.taken already exists$", lambda x: setattr(x, "tableName", "Taken"))
        refused(operation, "no_such_db", lambda x: setattr(x, "dbName", "no_such_db"))
        refused(operation, "is not a valid object name", lambda x: setattr(x, "tableName", "a\\b"))
        refused(operation, "another catalog", lambda x: setattr(x, "catName", "other"))
        refused(operation, "Invalid column type: nonsense", lambda x: setattr(x.sd.cols[0], "type", "nonsense"))
        refused(operation, r"partition keys can not be changed\.", lambda x: setattr(x.partitionKeys[0], "name", "month"))
        refused(operation, r"partition keys can not be changed\.", lambda x: setattr(x, "partitionKeys", []))
        for part in ("location", "cols", "serdeInfo"):
            refused(t.MetaException, None, lambda x, part=part: setattr(x.sd, part, None))
        refused(t.MetaException, "storage descriptor", lambda x: setattr(x, "sd", None))
        for part in ("tableName", "dbName"):
            refused(t.MetaException, None, lambda x, part=part: setattr(x, part, None))
    assert client.get_all_tables(db) == ["made", "taken"]


def test_all_of_a_table_is_replaced(client, api, db):
    client.create_table(hms.table(db, "made", parameters={"a": "1", "b": "2"}))
    made = client.get_table(db, "made")
    for i, alter in enumerate(alters(client)):
        table = copy.deepcopy(made)
        table.owner, table.retention, table.lastAccessTime, table.createTime = "ann", 5 + i, 1234, 1
        table.parameters = {"c": str(i)}
        table.sd.cols = [hms.column("ID", "bigint"), hms.column("extra", "map<string,int>", "new")]
        table.sd.inputFormat = "in"
        alter(db, "made", table)
        got = client.get_table(db, "made")
        assert (got.owner, got.retention, got.lastAccessTime, got.createTime) == ("ann", 5 + i, 1234, made.createTime)
        assert got.parameters.pop("transient_lastDdlTime") and got.parameters.pop("numFiles") == "0" and got.parameters.pop("totalSize") == "0"
        assert got.parameters == {"c": str(i)} and [c.name for c in got.sd.cols] == ["id", "extra"] and got.sd.inputFormat == "in"
        assert rest(api, db, "made")["retention"] == 5 + i


def test_what_hive_does_not_know_is_kept(client, api, db):
    api.ok("POST", f"/catalogs/hive/databases/{db}/tables", 201, json={
        "name": "made", "description": "from elsewhere", "type": "EXTERNAL_TABLE", "extra": {"glue.x": 1},
        "storage": {"location": "s3://bucket/made"},
        "columns": [{"name": "x", "type": "int", "parameters": {"k": "v"}}, {"name": "y", "type": "int"}]})
    table = client.get_table(db, "made")
    assert table.parameters["comment"] == "from elsewhere"
    table.sd.cols.insert(0, hms.column("new", "string"))
    client.alter_table(db, "made", table)
    seen = rest(api, db, "made")
    assert seen["columns"][1] == {"name": "x", "type": "int", "parameters": {"k": "v"}} and len(seen["columns"]) == 3
    assert seen["description"] == "from elsewhere" and "comment" not in seen["parameters"] and seen["extra"] == {"glue.x": 1}
    assert seen["type"] == "EXTERNAL_TABLE"  # though no parameter says so
    table = client.get_table(db, "made")
    table.parameters["comment"] = "said anew"
    client.alter_table(db, "made", table)
    assert rest(api, db, "made")["description"] == "said anew"
    del table.parameters["comment"]
    client.alter_table(db, "made", table)
    assert "comment" not in client.get_table(db, "made").parameters and not rest(api, db, "made").get("description")


def test_external_becomes_managed_only_when_somebody_says_so(client, db):
    client.create_table(hms.table(db, "made", kind="EXTERNAL_TABLE"))
    table = client.get_table(db, "made")
    table.parameters = {}
    client.alter_table(db, "made", table)
    assert client.get_table(db, "made").tableType == "EXTERNAL_TABLE"
    table.tableType = None
    client.alter_table(db, "made", table)
    assert client.get_table(db, "made").tableType == "EXTERNAL_TABLE"
    table.tableType, table.parameters = "EXTERNAL_TABLE", {"EXTERNAL": "FALSE"}
    client.alter_table(db, "made", table)
    assert client.get_table(db, "made").tableType == "MANAGED_TABLE"
    table.tableType, table.parameters = "MANAGED_TABLE", {"EXTERNAL": "TRUE"}
    client.alter_table(db, "made", table)
    assert client.get_table(db, "made").tableType == "EXTERNAL_TABLE"


def test_compare_and_set(client, db):
    ice = hms.table(db, "ice", kind="EXTERNAL_TABLE", location="s3://bucket/ice",
                    parameters={"table_type": "ICEBERG", "metadata_location": "s3://m/1"})
    client.create_table(ice)

    def commit(previous, next_one, expected, how):
        table = client.get_table(db, "ice")
        table.parameters.update(metadata_location=next_one, previous_metadata_location=previous)
        if next_one is None:
            del table.parameters["metadata_location"]
        if how == "request":
            client.alter_table_req(t.AlterTableRequest(dbName=db, tableName="ice", table=table, expectedParameterKey="metadata_location",
                                                       expectedParameterValue=expected))
        else:
            properties = {"expected_parameter_key": "metadata_location", "DO_NOT_UPDATE_STATS": "true"}
            if expected:
                properties["expected_parameter_value"] = expected
            client.alter_table_with_environment_context(db, "ice", table, env(**properties))

    for how, at in (("environment", 1), ("request", 2)):
        commit(f"s3://m/{at}", f"s3://m/{at + 1}", f"s3://m/{at}", how)
        with throws(t.MetaException) as why:
            commit(f"s3://m/{at + 1}", "s3://m/late", "s3://m/0", how)
        assert why.value.message == ("The table has been modified. The parameter value for key 'metadata_location' is "
                                     f"'s3://m/{at + 1}'. The expected was value was 's3://m/0'")
        with throws(t.MetaException, match="^New value for expected key metadata_location is not set$"):
            commit("s3://m/x", None, f"s3://m/{at + 1}", how)
    commit("s3://m/3", "s3://m/4", None, "environment")
    with throws(t.MetaException) as why:  # who does not say what he expects must name what he replaces
        commit("s3://m/1", "s3://m/5", None, "environment")
    assert "The table has been modified. The parameter value for key 'metadata_location' is 's3://m/4'" in why.value.message
    assert client.get_table(db, "ice").parameters["metadata_location"] == "s3://m/4"


@pytest.mark.concurrency
def test_one_of_many_commits_wins(shared, db):
    import concurrent.futures

    with hms.connected(shared) as client:
        client.create_table(hms.table(db, "ice", kind="EXTERNAL_TABLE", location="s3://bucket/ice",
                                      parameters={"table_type": "ICEBERG", "metadata_location": "s3://m/0", "count": "0"}))

    def add(worker):
        done = 0
        with hms.connected(shared) as client:
            while done < 5:
                table = client.get_table(db, "ice")
                now = table.parameters["metadata_location"]
                table.parameters.update(metadata_location=f"s3://m/{worker}-{done}", previous_metadata_location=now,
                                        count=str(int(table.parameters["count"]) + 1))
                try:
                    client.alter_table_with_environment_context(
                        db, "ice", table, env(expected_parameter_key="metadata_location", expected_parameter_value=now))
                    done += 1
                except t.MetaException as why:
                    assert "The table has been modified. The parameter value for key 'metadata_location' is" in why.message

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    with hms.connected(shared) as client:
        assert client.get_table(db, "ice").parameters["count"] == "20"


def test_rename_moves_the_directory(client, api, db):
    client.create_table(hms.table(db, "old"))
    table = client.get_table(db, "old")
    (local(table.sd.location) / "data").write_bytes(b"x")
    table.tableName = "New"
    client.alter_table(db, "OLD", table)
    moved = client.get_table(db, "new")
    assert moved.sd.location.endswith("/new") and (local(moved.sd.location) / "data").exists() and not local(table.sd.location).exists()
    with throws(t.NoSuchObjectException):
        client.get_table(db, "old")
    external = hms.table(db, "ext", kind="EXTERNAL_TABLE", location=moved.sd.location + "_x")
    client.create_table(external)
    external = client.get_table(db, "ext")
    external.tableName = "ext2"
    client.alter_table(db, "ext", external)
    assert client.get_table(db, "ext2").sd.location.endswith("/new_x")
    assert rest(api, db, "new")["storage"]["location"] == moved.sd.location


def test_cascade(client, api, db):
    client.create_table(hms.table(db, "made", keys=[("day", "string")]))
    path = f"/catalogs/hive/databases/{db}/tables/made/partitions"
    api.ok("POST", path, 201, json={"values": ["1"]})
    table = client.get_table(db, "made")
    table.sd.cols.append(hms.column("more", "int"))
    client.alter_table(db, "made", table)

    def columns():
        (partition,) = api.ok("GET", path + "?detail=full")["items"]
        return [c["name"] for c in partition.get("columns", [])]

    assert columns() == ["id", "note"]
    client.alter_table_with_cascade(db, "made", table, True)
    table.sd.cols.append(hms.column("last", "int"))
    client.alter_table_with_environment_context(db, "made", table, env(CASCADE="true"))
    assert columns() == ["id", "note", "more", "last"]


def test_incompatible_types_are_a_matter_of_choice(client, db):
    client.create_table(hms.table(db, "made"))
    table = client.get_table(db, "made")
    table.sd.cols[1].type = "int"
    client.setMetaConf("metastore.disallow.incompatible.col.type.changes", "true")
    with throws(t.InvalidOperationException, match="(?s)The following columns have types incompatible with the existing columns "
                                                          "in their respective positions :\nnote"):
        client.alter_table(db, "made", table)
    client.setMetaConf("metastore.disallow.incompatible.col.type.changes", "false")
    client.alter_table(db, "made", table)
    assert client.get_table(db, "made").sd.cols[1].type == "int"


# ---- dropping and history ------------------------------------------------------------------------------------------


def test_drop(client, db):
    def made(name, **more):
        client.create_table(hms.table(db, name, **more))
        place = local(client.get_table(db, name).sd.location)
        place.mkdir(parents=True, exist_ok=True)
        (place / "data").write_bytes(b"x")
        return place

    places = {name: made(name) for name in ("a", "b", "c", "d")}
    external, purged = made("e", kind="EXTERNAL_TABLE"), made("f", kind="EXTERNAL_TABLE", parameters={"external.table.purge": "true"})
    client.drop_table(db, "A", True)
    client.drop_table_with_environment_context(db, "b", True, env(ifPurge="TRUE"))
    answer = client.drop_table_req(t.DropTableRequest(dbName=db, tableName="c", deleteData=True))
    assert (answer.id, answer.finished) == ("", True)
    client.drop_table(db, "d", False)
    client.drop_table(db, "e", True)
    client.drop_table(db, "f", True)
    assert client.get_all_tables(db) == []
    assert [places[name].exists() for name in "abcd"] == [False, False, False, True]
    assert external.exists() and not purged.exists()
    for call in (lambda: client.drop_table(db, "a", True), lambda: client.drop_table_with_environment_context(db, "a", True, None),
                 lambda: client.drop_table_req(t.DropTableRequest(dbName=db, tableName="a")),
                 lambda: client.drop_table("no_such_db", "a", True)):
        with throws(t.NoSuchObjectException):
            call()


def filled(client, db, name, **more):
    client.create_table(hms.table(db, name, **more))
    home = local(client.get_table(db, name).sd.location)
    (home / "data").write_bytes(b"xyz")
    return home


def test_truncate(shared, client, db):
    home = filled(client, db, "made")
    client.truncate_table(db, "Made", None)
    assert home.is_dir() and list(home.iterdir()) == []
    parameters = client.get_table(db, "made").parameters
    assert [parameters[k] for k in ("numFiles", "totalSize", "numRows", "rawDataSize")] == ["0"] * 4
    assert parameters["COLUMN_STATS_ACCURATE"] == '{"BASIC_STATS":"true"}'
    (home / "data").write_bytes(b"x")
    skip = env(truncateSkipDataDeletion="true")
    client.truncate_table_req(t.TruncateTableRequest(dbName=db, tableName="made", environmentContext=skip))
    assert (home / "data").exists()
    client.truncate_table_req(t.TruncateTableRequest(dbName=db, tableName="made"))
    assert list(home.iterdir()) == []
    external = filled(client, db, "ext", kind="EXTERNAL_TABLE")
    iceberg = filled(client, db, "ice", parameters={"table_type": "ICEBERG"})
    shared.expect_log("inner uses it too")
    outer = filled(client, db, "outer")
    client.create_table(hms.table(db, "inner", location=f"file:{outer}/inner", kind="EXTERNAL_TABLE"))
    far = hms.table(db, "far", location="s3://bucket/far")
    client.create_table(far)
    for name, text in (("ext", "not managed"), ("ice", "log of its own"), ("none", "not found"), ("outer", "cannot be emptied"),
                       ("far", "may not be emptied")):
        with throws(t.MetaException, text):
            client.truncate_table(db, name, None)
    assert all((place / "data").exists() for place in (external, iceberg, outer))


def test_truncate_partitions(client, api, db):
    client.create_table(hms.table(db, "made", keys=[("day", "string")]))
    home = local(client.get_table(db, "made").sd.location)
    path = f"/catalogs/hive/databases/{db}/tables/made/partitions"
    for day in "12":
        api.ok("POST", path, 201, json={"values": [day], "parameters": {"numRows": "5"}})
        (home / f"day={day}" / "data").write_bytes(b"xyz")
    with throws(t.MetaException, "Of the 2 partitions"):
        client.truncate_table(db, "made", ["day=1", "day=3"])
    client.truncate_table(db, "made", ["day=1"])

    def state():
        partitions = api.ok("GET", path + "?detail=full")["items"]
        return [(len(list((home / p["name"]).iterdir())), p["parameters"]["numRows"]) for p in partitions]

    assert state() == [(0, "0"), (1, "5")]
    client.truncate_table(db, "made", None)
    assert state() == [(0, "0"), (0, "0")]


def test_history_says_who_and_how(shared, api, db):
    with hms.connected(shared) as client:
        client.set_ugi("ann", [])
        client.create_table_req(t.CreateTableRequest(table=hms.table(db, "made")))
        table = client.get_table(db, "made")
        table.parameters["a"] = "b"
        client.alter_table_with_environment_context(db, "made", table, None)
    versions = api.ok("GET", f"/catalogs/hive/databases/{db}/tables/made/versions")["items"]
    who = [(v["change"]["principal"], v["change"]["protocol"], v["change"]["operation"]) for v in versions]
    assert who == [("ann", "hive", "alter_table_with_environment_context"), ("ann", "hive", "create_table_req")]
