"""Writing partitions over Thrift: what becomes of them, here and over REST, and what each mistake is answered with."""

import concurrent.futures
import inspect
import pathlib
import time
import urllib.parse

import hms
import pytest
from hms import t

NO_TABLE = "Unable to add partition because table or database do not exist"
GROUP = """add_partition add_partition_with_environment_context add_partitions add_partitions_pspec add_partitions_req
    append_partition append_partition_with_environment_context append_partition_by_name
    append_partition_by_name_with_environment_context append_partition_req
    drop_partition drop_partition_with_environment_context drop_partition_req drop_partition_by_name
    drop_partition_by_name_with_environment_context drop_partitions_req
    alter_partition alter_partition_with_environment_context alter_partitions alter_partitions_with_environment_context
    alter_partitions_req rename_partition rename_partition_req exchange_partition exchange_partitions
    markPartitionForEvent isPartitionMarkedForEvent""".split()


@pytest.fixture
def client(shared):
    with hms.connected(shared) as client:
        client.set_ugi("ann", ["staff"])
        yield client


class Table:
    """A table and both ways to look at it."""

    def __init__(self, api, path, kind="MANAGED_TABLE", **more):
        self.api, self.path = api, path
        self.database, self.name = path.split("/")[-3], path.split("/")[-1]
        self.made = api.ok("PUT", path, 201, json={
            "type": kind, "columns": [{"name": "v", "type": "int"}, {"name": "w", "type": "string"}],
            "partition_keys": [{"name": "ds", "type": "string"}, {"name": "hr", "type": "int"}]} | more)
        self.location = self.made["storage"].get("location")
        self.directory = pathlib.Path(self.location.removeprefix("file:")) if self.location else None

    def partition(self, *values, location=None, columns=("v", "w"), parameters=None, **more):
        return t.Partition(values=list(values), dbName=more.pop("database", self.database), tableName=more.pop("table", self.name),
                           sd=hms.storage([(c, "int" if c == "v" else "string") for c in columns], location),
                           parameters=parameters if parameters is not None else {}, **more)

    def rest(self, name):
        return self.api.ok("GET", f"{self.path}/partitions/{urllib.parse.quote(name, safe='')}")

    def names(self):
        return [p["name"] for p in self.api.ok("GET", self.path + "/partitions?limit=1000")["items"]]

    def history(self, name):
        return self.api.ok("GET", f"{self.path}/partitions/{urllib.parse.quote(name, safe='')}/history")["items"]


@pytest.fixture
def table(api, database):
    return Table(api, database + "/tables/logs")


@pytest.fixture
def external(api, database):
    return Table(api, database + "/tables/outside", "EXTERNAL_TABLE")


def env(**properties):
    return t.EnvironmentContext(properties=properties)


# --- nothing given ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", GROUP)
def test_nothing_given_is_a_meta_exception(client, method):
    call = getattr(client, method)
    count = len(inspect.signature(call).parameters)
    with pytest.raises(t.MetaException):
        call(*[None] * count)
    assert client.getStatus() == 2


@pytest.mark.parametrize("method", [m for m in GROUP if m.endswith("_req") or "pspec" in m])
def test_an_empty_request_is_a_modelled_exception(client, method):
    empty = {
        "add_partitions_pspec": [t.PartitionSpec()],
        "append_partition_req": t.AppendPartitionsRequest(dbName="", tableName=""),
        "drop_partition_req": t.DropPartitionRequest(dbName="", tblName=""),
        "drop_partitions_req": t.DropPartitionsRequest(dbName="", tblName="", parts=t.RequestPartsSpec()),
        "add_partitions_req": t.AddPartitionsRequest(dbName="", tblName="", parts=[t.Partition()], ifNotExists=False),
        "alter_partitions_req": t.AlterPartitionsRequest(dbName="", tableName="", partitions=[t.Partition()]),
        "rename_partition_req": t.RenamePartitionRequest(dbName="", tableName="", partVals=[], newPart=t.Partition()),
    }[method]
    with pytest.raises(t.MetaException):
        getattr(client, method)(empty)


# --- add --------------------------------------------------------------------------------------------------------


def test_add_one(client, table):
    before = int(time.time())
    made = client.add_partition(table.partition("2026-01-01", "1", parameters={"k": "v"}, createTime=5))
    assert (made.values, made.dbName, made.tableName, made.catName) == (["2026-01-01", "1"], table.database, "logs", "hive")
    assert before <= made.createTime <= time.time() + 1
    assert made.parameters["k"] == "v" and before <= int(made.parameters["transient_lastDdlTime"]) <= time.time() + 1
    assert made.sd.location == table.location + "/ds=2026-01-01/hr=1"
    assert [(c.name, c.type) for c in made.sd.cols] == [("v", "int"), ("w", "string")]
    assert made.sd.serdeInfo.serializationLib.endswith("LazySimpleSerDe")
    assert (table.directory / "ds=2026-01-01" / "hr=1").is_dir()
    assert client.get_partition(table.database, "logs", ["2026-01-01", "1"]) == made
    seen = table.rest("ds=2026-01-01/hr=1")
    assert seen["storage"]["location"] == made.sd.location and seen["parameters"] == made.parameters
    (event,) = table.history("ds=2026-01-01/hr=1")
    assert (event["change"]["principal"], event["change"]["operation"], event["change"]["protocol"]) == ("ann", "add_partition", "hive")
    again = client.add_partition_with_environment_context(table.partition("2026-01-01", "2", location="/elsewhere//p/"), env(x="y"))
    assert again.sd.location == "file:/elsewhere/p"
    with pytest.raises(t.AlreadyExistsException, match="Partition already exists: "):
        client.add_partition(table.partition("2026-01-01", "1"))
    odd = client.add_partition(table.partition("a/b c", ""))
    assert odd.values == ["a/b c", ""] and odd.sd.location.endswith("/ds=a%2Fb c/hr=__HIVE_DEFAULT_PARTITION__")


def test_add_what_cannot_be(client, table, api, database):
    for broken, text in (
        (table.partition(), "values"),
        (table.partition("a"), "number of partition keys"),
        (table.partition("a", "1", "2"), "number of partition keys"),
        (t.Partition(values=["a", "1"], dbName=table.database, tableName="logs"), "storage descriptor"),
        (table.partition("a", "1", database=None), "Database name cannot be null"),
        (table.partition("a", "1", table=None), "Table name cannot be null"),
    ):
        with pytest.raises(t.MetaException, match=text):
            client.add_partition(broken)
    for change, text in (("name", "Column name"), ("type", "Column type")):
        broken = table.partition("a", "1")
        setattr(broken.sd.cols[0], change, None)
        with pytest.raises(t.MetaException, match=text):
            client.add_partition(broken)
    broken = table.partition("a", "1")
    broken.sd.serdeInfo = None
    with pytest.raises(t.MetaException, match="SerDe"):
        client.add_partition(broken)
    for names in ({"table": "none"}, {"database": "no_such_database"}, {"catName": "no_such_catalog"}):
        with pytest.raises(t.InvalidObjectException, match=NO_TABLE):
            client.add_partition(table.partition("a", "1", **names))
    api.ok("PUT", database + "/tables/flat", 201, json={"columns": [{"name": "v", "type": "int"}]})
    with pytest.raises(t.MetaException, match="no partition keys"):
        client.add_partition(table.partition("a", table="flat"))
    assert table.names() == []


def test_views(client, api, database):
    api.ok("PUT", database + "/tables/seen", 201, json={
        "type": "VIRTUAL_VIEW", "columns": [{"name": "v", "type": "int"}], "view_original_text": "select 1",
        "partition_keys": [{"name": "ds", "type": "string"}]})
    view = Table.__new__(Table)
    view.database, view.name = database.rsplit("/", 1)[1], "seen"
    with pytest.raises(t.MetaException, match="Cannot specify location for a view partition"):
        client.add_partition(view.partition("a", location="/somewhere"))
    assert client.add_partition(view.partition("a")).sd.location is None
    with pytest.raises(t.MetaException, match="Cannot append a partition to a view"):
        client.append_partition(view.database, "seen", ["b"])


def test_add_many(client, table):
    parts = [table.partition("d", str(i)) for i in range(1000)]
    started = time.monotonic()
    assert client.add_partitions(parts) == 1000
    assert time.monotonic() - started < 10
    assert len(table.names()) == 1000 and (table.directory / "ds=d" / "hr=999").is_dir()
    assert client.add_partitions([]) == 0
    with pytest.raises(t.MetaException, match="Duplicate partitions in the list: ds=x/hr=1"):
        client.add_partitions([table.partition("x", "1"), table.partition("x", "2"), table.partition("x", "1")])
    with pytest.raises(t.AlreadyExistsException, match="Partition already exists: "):
        client.add_partitions([table.partition("x", "1"), table.partition("d", "1")])
    with pytest.raises(t.MetaException, match="does not belong to target table"):
        client.add_partitions([table.partition("x", "1"), table.partition("x", "2", table="other")])
    with pytest.raises(t.MetaException):
        client.add_partitions([table.partition("x", "1"), table.partition("x")])
    with pytest.raises(t.InvalidObjectException, match=NO_TABLE):
        client.add_partitions([table.partition("x", "1", table="none")])
    assert len(table.names()) == 1000
    assert client.add_partitions([table.partition("x", "1", table="LOGS"), table.partition("x", "2", database=table.database.upper())]) == 2


def request(table, *parts, **more):
    return t.AddPartitionsRequest(dbName=table.database, tblName=table.name, parts=list(parts), ifNotExists=more.pop("skip", False), **more)


def test_add_by_request(client, table):
    made = client.add_partitions_req(request(table, table.partition("b", "2"), table.partition("a", "1")))
    assert [p.values for p in made.partitions] == [["b", "2"], ["a", "1"]]
    assert made.partitions[1].sd.location == table.location + "/ds=a/hr=1" and made.partitions[1].sd.cols
    made = client.add_partitions_req(request(table, table.partition("b", "2"), table.partition("c", "3"), skip=True))
    assert [p.values for p in made.partitions] == [["c", "3"]]
    assert client.add_partitions_req(request(table, table.partition("b", "2"), skip=True)).partitions == []
    assert client.add_partitions_req(request(table, table.partition("d", "4"), needResult=False)).partitions is None
    assert client.add_partitions_req(request(table)).partitions is None
    with pytest.raises(t.AlreadyExistsException):
        client.add_partitions_req(request(table, table.partition("e", "5"), table.partition("d", "4")))
    with pytest.raises(t.MetaException, match="does not belong"):
        client.add_partitions_req(request(table, table.partition("e", "5", table="other")))
    assert table.names() == ["ds=a/hr=1", "ds=b/hr=2", "ds=c/hr=3", "ds=d/hr=4"]


def test_many_add_the_same(shared, table):
    """As the tasks of one job do: each partition is new for exactly one of them."""

    def add(_):
        with hms.connected(shared) as client:
            parts = [table.partition("a", str(i)) for i in range(40)]
            return [p.values[1] for p in client.add_partitions_req(request(table, *parts, skip=True)).partitions]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        new = [n for made in pool.map(add, range(6)) for n in made]
    assert sorted(new, key=int) == [str(i) for i in range(40)] and len(table.names()) == 40


def test_columns_said_once(client, table):
    """Hive 4 leaves the columns out of the partitions and sends them beside."""
    bare = table.partition("a", "1")
    bare.sd.cols = None
    schema = [hms.column("x", "bigint")]
    made = client.add_partitions_req(request(table, bare, skipColumnSchemaForPartition=True, partitionColSchema=schema))
    assert made.partitions[0].sd.cols == [] and made.partitionColSchema == schema
    assert [c["name"] for c in table.rest("ds=a/hr=1")["columns"]] == ["x"]
    bare.values = ["b", "1"]
    assert [c.name for c in client.add_partition(bare).sd.cols] == ["v", "w"]


def test_add_by_specification(client, table):
    shared = t.PartitionSpecWithSharedSD(sd=hms.storage([("v", "int")], table.location), partitions=[
        t.PartitionWithoutSD(values=["a", str(i)], relativePath=f"/there/{i}", parameters={"n": str(i)}) for i in range(3)])
    spec = t.PartitionSpec(dbName=table.database, tableName="logs", rootPath=table.location, sharedSDPartitionSpec=shared)
    plain = t.PartitionSpec(dbName=table.database, tableName="logs", partitionList=t.PartitionListComposingSpec(
        partitions=[table.partition("b", "1"), table.partition("b", "2")]))
    assert client.add_partitions_pspec([spec, plain]) == 5
    assert table.rest("ds=a/hr=2")["storage"]["location"] == table.location + "/there/2"
    assert table.rest("ds=a/hr=2")["parameters"]["n"] == "2" and len(table.names()) == 5
    assert client.add_partitions_pspec([]) == 0
    with pytest.raises(t.AlreadyExistsException):
        client.add_partitions_pspec([plain])
    plain.tableName = "none"
    for p in plain.partitionList.partitions:
        p.tableName = "none"
    with pytest.raises(t.InvalidObjectException, match=NO_TABLE):
        client.add_partitions_pspec([plain])
    plain.tableName = "logs"
    with pytest.raises(t.MetaException, match="does not belong"):
        client.add_partitions_pspec([plain])


def test_files_are_counted(client, external):
    place = external.directory / "ds=a" / "hr=1"
    place.mkdir(parents=True)
    place.parent.chmod(0o777)
    (place / "one").write_bytes(b"12345")
    (place / "_hidden").write_bytes(b"12345")
    made = client.add_partition(external.partition("a", "1"))
    assert (made.parameters["numFiles"], made.parameters["totalSize"]) == ("1", "5")
    given = external.partition("a", "2", location=f"file:{place}", parameters={"numFiles": "7", "totalSize": "8"})
    assert client.add_partition(given).parameters["numFiles"] == "7"
    assert "numFiles" not in client.add_partition(external.partition("a", "3")).parameters
    quiet = external.partition("a", "4", location=f"file:{place}", parameters={"DO_NOT_UPDATE_STATS": "true"})
    assert set(client.add_partition(quiet).parameters) == {"transient_lastDdlTime"}
    quiet = external.partition("a", "5", location=f"file:{place}")
    assert "numFiles" not in client.add_partition_with_environment_context(quiet, env(DO_NOT_UPDATE_STATS="true")).parameters


# --- append -----------------------------------------------------------------------------------------------------


def test_append(client, table):
    made = client.append_partition(table.database, "logs", ["a", "1"])
    assert made.sd.location == table.location + "/ds=a/hr=1" and [c.name for c in made.sd.cols] == ["v", "w"]
    assert int(made.parameters["transient_lastDdlTime"]) == made.createTime
    assert (table.directory / "ds=a" / "hr=1").is_dir()
    assert client.append_partition_with_environment_context("@hive#" + table.database, "logs", ["a", "2"], None).catName == "hive"
    assert client.append_partition_by_name(table.database, "Logs", "HR=3/ds=a%20b").values == ["a b", "3"]
    assert client.append_partition_by_name_with_environment_context(table.database, "logs", "ds=a/hr=4", env()).values == ["a", "4"]
    q = t.AppendPartitionsRequest(dbName=table.database, tableName="logs", partVals=["a", "5"])
    assert client.append_partition_req(q).values == ["a", "5"]
    q = t.AppendPartitionsRequest(dbName=table.database, tableName="logs", name="ds=a/hr=6")
    assert client.append_partition_req(q).values == ["a", "6"]
    assert len(table.names()) == 6 and table.history("ds=a/hr=6")[0]["change"]["operation"] == "append_partition_req"
    with pytest.raises(t.AlreadyExistsException):
        client.append_partition(table.database, "logs", ["a", "1"])
    for call in (lambda: client.append_partition(table.database, "none", ["a", "1"]),
                 lambda: client.append_partition_by_name("no_such_database", "logs", "ds=a/hr=9")):
        with pytest.raises(t.InvalidObjectException, match=NO_TABLE):
            call()
    with pytest.raises(t.InvalidObjectException, match="incomplete partition name - missing hr"):
        client.append_partition_by_name(table.database, "logs", "ds=a")
    for call in (lambda: client.append_partition(table.database, "logs", []),
                 lambda: client.append_partition(table.database, "logs", ["a"]),
                 lambda: client.append_partition(table.database, None, ["a", "1"]),
                 lambda: client.append_partition_by_name(table.database, "logs", "")):
        with pytest.raises(t.MetaException):
            call()


# --- alter ------------------------------------------------------------------------------------------------------


def test_alter(client, table):
    made = client.add_partition(table.partition("a", "1", parameters={"old": "1"}))
    changed = table.partition("a", "1", location=made.sd.location, parameters={"new": "2", "DO_NOT_UPDATE_STATS": "true"},
                              lastAccessTime=77, columns=("v", "w", "x"))
    changed.sd.serdeInfo.serializationLib = "other"
    client.alter_partition(table.database, "logs", changed)
    seen = table.rest("ds=a/hr=1")
    assert set(seen["parameters"]) == {"new", "transient_lastDdlTime"} and seen["parameters"]["new"] == "2"
    assert [c["name"] for c in seen["columns"]] == ["v", "w", "x"] and seen["storage"]["serde"]["library"] == "other"
    assert seen["storage"]["location"] == made.sd.location
    assert [e["change"]["operation"] for e in table.history("ds=a/hr=1")] == ["alter_partition", "add_partition"]
    changed.sd.cols, changed.sd.location, changed.parameters = [], "/moved//here/", {"transient_lastDdlTime": "0"}
    client.alter_partition_with_environment_context(table.database, "logs", changed, env(DO_NOT_UPDATE_STATS="true"))
    seen = table.rest("ds=a/hr=1")
    assert [c["name"] for c in seen["columns"]] == ["v", "w"] and seen["storage"]["location"] == "file:/moved/here"
    assert abs(int(seen["parameters"]["transient_lastDdlTime"]) - time.time()) < 60
    changed.sd.location, changed.parameters = None, {"transient_lastDdlTime": "12"}
    client.alter_partition_with_environment_context(table.database, "logs", changed, None)
    assert table.rest("ds=a/hr=1")["storage"]["location"] == "file:/moved/here"
    assert table.rest("ds=a/hr=1")["parameters"]["transient_lastDdlTime"] == "12"


def test_alter_counts_files(client, table):
    made = client.add_partition(table.partition("a", "1"))
    (table.directory / "ds=a" / "hr=1" / "f").write_bytes(b"123")
    accurate = '{"BASIC_STATS":"true","COLUMN_STATS":{"v":"true"}}'
    changed = table.partition("a", "1", location=made.sd.location, parameters={"COLUMN_STATS_ACCURATE": accurate})
    client.alter_partition_with_environment_context(table.database, "logs", changed, env(DO_NOT_UPDATE_STATS="true"))
    assert table.rest("ds=a/hr=1")["parameters"]["COLUMN_STATS_ACCURATE"] == accurate
    client.alter_partition(table.database, "logs", changed)
    seen = table.rest("ds=a/hr=1")["parameters"]
    assert (seen["numFiles"], seen["totalSize"]) == ("1", "3") and "COLUMN_STATS_ACCURATE" not in seen
    changed.parameters = {"numFiles": "9", "totalSize": "9", "COLUMN_STATS_ACCURATE": '{"COLUMN_STATS":{"v":"true"}}'}
    client.alter_partition(table.database, "logs", changed)
    assert table.rest("ds=a/hr=1")["parameters"]["numFiles"] == "9"
    client.alter_partitions_with_environment_context(table.database, "logs", [changed], env(STATS_GENERATED="TASK"))
    seen = table.rest("ds=a/hr=1")["parameters"]
    assert seen["numFiles"] == "1" and seen["COLUMN_STATS_ACCURATE"] == accurate


def test_alter_many(client, table):
    client.add_partitions([table.partition("d", str(i)) for i in range(1000)])
    changed = [table.partition("d", str(i), parameters={"n": str(i)}) for i in range(1000)]
    started = time.monotonic()
    client.alter_partitions(table.database, "logs", changed)
    assert time.monotonic() - started < 10
    assert table.rest("ds=d/hr=777")["parameters"]["n"] == "777"
    for p in changed:
        p.parameters = {"m": "1"}
    q = t.AlterPartitionsRequest(dbName=table.database, tableName="logs", partitions=changed[:5] + [table.partition("none", "1")])
    with pytest.raises(t.InvalidOperationException, match="alter is not possible"):
        client.alter_partitions_req(q)
    assert "m" not in table.rest("ds=d/hr=1")["parameters"]
    q.partitions = changed[:5]
    assert client.alter_partitions_req(q) == t.AlterPartitionsResponse()
    assert "m" in table.rest("ds=d/hr=4")["parameters"] and "m" not in table.rest("ds=d/hr=5")["parameters"]


def test_alter_what_cannot_be(client, table):
    client.add_partition(table.partition("a", "1"))
    for database, name, part in ((table.database, "none", table.partition("a", "1", table="none")),
                                 ("no_such_database", "logs", table.partition("a", "1", database="no_such_database")),
                                 (table.database, "logs", table.partition("b", "1"))):
        for call in (lambda: client.alter_partition(database, name, part),
                     lambda: client.alter_partitions(database, name, [part]),
                     lambda: client.alter_partitions_with_environment_context(database, name, [part], None),
                     lambda: client.alter_partitions_req(t.AlterPartitionsRequest(dbName=database, tableName=name, partitions=[part]))):
            with pytest.raises(t.InvalidOperationException, match="alter is not possible"):
                call()
    with pytest.raises(t.InvalidOperationException):
        client.alter_partitions(table.database, "logs", [])
    for part in (table.partition("a"), table.partition(), table.partition("a", "1", table="other"),
                 table.partition("a", "1", database="other"), t.Partition(values=["a", "1"])):
        with pytest.raises(t.MetaException):
            client.alter_partition(table.database, "logs", part)
    with pytest.raises(t.MetaException):
        client.alter_partitions(table.database, "logs", [table.partition("a", "1"), table.partition("a", "1")])


# --- rename -----------------------------------------------------------------------------------------------------


def test_rename_moves_the_directory(client, table):
    made = client.add_partition(table.partition("a", "1", parameters={"k": "v"}))
    (table.directory / "ds=a" / "hr=1" / "f").write_bytes(b"123")
    made.values = ["b", "2"]
    client.rename_partition(table.database, "logs", ["a", "1"], made)
    assert table.names() == ["ds=b/hr=2"] and table.rest("ds=b/hr=2")["parameters"]["k"] == "v"
    assert table.rest("ds=b/hr=2")["storage"]["location"] == table.location + "/ds=b/hr=2"
    assert (table.directory / "ds=b" / "hr=2" / "f").read_bytes() == b"123" and not (table.directory / "ds=a" / "hr=1").exists()
    assert table.history("ds=b/hr=2")[0]["change"]["operation"] == "rename_partition"
    client.add_partition(table.partition("c", "3"))
    made.values = ["c", "3"]
    with pytest.raises(t.InvalidOperationException, match="already exists"):
        client.rename_partition(table.database, "logs", ["b", "2"], made)
    with pytest.raises(t.InvalidOperationException, match="alter is not possible"):
        client.rename_partition(table.database, "logs", ["no", "2"], made)
    with pytest.raises(t.InvalidOperationException, match="alter is not possible"):
        made.tableName = None
        client.rename_partition(table.database, "none", ["b", "2"], made)
    made.values = ["d", "4"]
    q = t.RenamePartitionRequest(dbName=table.database, tableName="logs", partVals=["b", "2"], newPart=made)
    assert client.rename_partition_req(q) == t.RenamePartitionResponse()
    assert table.names() == ["ds=c/hr=3", "ds=d/hr=4"]
    for old, new in ((["d"], ["e", "5"]), (["d", "4"], ["e"]), ([], ["e", "5"]), (["d", "4"], None)):
        made.values = new
        with pytest.raises(t.MetaException):
            client.rename_partition(table.database, "logs", old, made)


def test_rename_leaves_external_data(client, external):
    made = client.add_partition(external.partition("a", "1"))
    made.values = ["b", "2"]
    made.sd.location = None
    client.rename_partition(external.database, external.name, ["a", "1"], made)
    assert external.rest("ds=b/hr=2")["storage"]["location"] == external.location + "/ds=a/hr=1"
    assert (external.directory / "ds=a" / "hr=1").is_dir()


# --- drop -------------------------------------------------------------------------------------------------------


def test_drop(client, table):
    client.add_partitions([table.partition("a", str(i)) for i in range(6)])
    place = table.directory / "ds=a"
    (place / "hr=0" / "f").write_bytes(b"1")
    assert client.drop_partition(table.database, "logs", ["a", "0"], True) is True
    assert not (place / "hr=0").exists() and place.is_dir()
    assert client.drop_partition(table.database, "logs", ["a", "1"], False) is True
    with pytest.raises(t.NoSuchObjectException):
        client.get_partition(table.database, "logs", ["a", "1"])
    assert (place / "hr=1").is_dir()
    (place / "hr=1").rmdir()
    assert client.drop_partition_with_environment_context(table.database, "logs", ["a", "2"], True, env(ifPurge="TRUE")) is True
    assert client.drop_partition_by_name(table.database, "logs", "ds=a/hr=3", True) is True
    assert client.drop_partition_by_name_with_environment_context(table.database, "logs", "ds=a/HR=4", True, None) is True
    q = t.DropPartitionRequest(dbName=table.database, tblName="logs", partName="ds=a/hr=5", deleteData=True)
    assert client.drop_partition_req(q) is True
    assert table.names() == [] and not place.exists() and table.directory.is_dir()
    assert table.history("ds=a/hr=5")[0]["change"]["operation"] == "drop_partition_req"
    for call in (lambda: client.drop_partition(table.database, "logs", ["a", "0"], True),
                 lambda: client.drop_partition(table.database, "none", ["a", "0"], True),
                 lambda: client.drop_partition("no_such_database", "logs", ["a", "0"], True),
                 lambda: client.drop_partition_by_name(table.database, "logs", "ds=a/hr=5", True),
                 lambda: client.drop_partition_by_name(table.database, "logs", "nonsense", True),
                 lambda: client.drop_partition_req(t.DropPartitionRequest(dbName=table.database, tblName="logs", partVals=["a", "1"]))):
        with pytest.raises(t.NoSuchObjectException):
            call()
    for call in (lambda: client.drop_partition(table.database, "logs", [], True),
                 lambda: client.drop_partition(table.database, "logs", ["a"], True),
                 lambda: client.drop_partition(None, "logs", ["a", "0"], True),
                 lambda: client.drop_partition(table.database, None, ["a", "0"], True),
                 lambda: client.drop_partition_by_name(table.database, "logs", "", True),
                 lambda: client.drop_partition_by_name(table.database, "logs", None, True)):
        with pytest.raises(t.MetaException):
            call()


def test_drop_leaves_external_data(client, external, api, database):
    client.add_partition(external.partition("a", "1"))
    client.drop_partition(external.database, external.name, ["a", "1"], True)
    assert (external.directory / "ds=a" / "hr=1").is_dir()
    purged = Table(api, database + "/tables/purged", "EXTERNAL_TABLE", parameters={"external.table.purge": "TRUE"})
    client.add_partition(purged.partition("a", "1"))
    client.drop_partition(purged.database, purged.name, ["a", "1"], True)
    assert not (purged.directory / "ds=a").exists()


def drop_request(table, names=None, exprs=None, **more):
    spec = t.RequestPartsSpec(names=names, exprs=None if exprs is None else [t.DropPartitionsExpr(expr=e) for e in exprs])
    return t.DropPartitionsRequest(dbName=table.database, tblName=table.name, parts=spec, **{"ifExists": None} | more)


def test_drop_several(client, table):
    client.add_partitions([table.partition("a", str(i)) for i in range(10)] + [table.partition("b", "1")])
    gone = client.drop_partitions_req(drop_request(table, ["ds=a/hr=3", "ds=a/hr=1"], deleteData=True))
    assert sorted(p.values[1] for p in gone.partitions) == ["1", "3"] and gone.partitions[0].sd.cols
    assert not (table.directory / "ds=a" / "hr=3").exists()
    with pytest.raises(t.NoSuchObjectException, match="Some partitions to drop are missing"):
        client.drop_partitions_req(drop_request(table, ["ds=a/hr=2", "ds=a/hr=3"]))
    with pytest.raises(t.NoSuchObjectException, match="Some partitions to drop are missing"):
        client.drop_partitions_req(drop_request(table, ["ds=a/hr=2", "nonsense"]))
    assert "ds=a/hr=2" in table.names()
    gone = client.drop_partitions_req(drop_request(table, ["ds=a/hr=2", "ds=a/hr=3", "nonsense"], ifExists=True, needResult=False))
    assert gone.partitions is None and "ds=a/hr=2" not in table.names() and (table.directory / "ds=a" / "hr=2").is_dir()
    assert client.drop_partitions_req(drop_request(table, [])).partitions == []
    with pytest.raises(t.MetaException, match="Partition spec is not set"):
        client.drop_partitions_req(drop_request(table))
    with pytest.raises(t.NoSuchObjectException):
        client.drop_partitions_req(t.DropPartitionsRequest(dbName=table.database, tblName="none", parts=t.RequestPartsSpec(names=["a=b"])))
    assert table.history("ds=a/hr=1")[0]["change"]["operation"] == "drop_partitions_req"


def test_drop_by_expression(client, table):
    client.add_partitions([table.partition("a", str(i)) for i in range(10)] + [table.partition("b", "1")])
    gone = client.drop_partitions_req(drop_request(table, exprs=[b'ds = "a" and hr >= 8', b"hr = 9 or hr = 7"]))
    assert [p.values for p in gone.partitions] == [["a", "7"], ["a", "8"], ["a", "9"]]
    with pytest.raises(t.NoSuchObjectException, match="Some partitions to drop are missing"):
        client.drop_partitions_req(drop_request(table, exprs=[b'ds = "none"']))
    assert client.drop_partitions_req(drop_request(table, exprs=[b'ds = "none"'], ifExists=True)).partitions == []
    blob = b"\x01\x00org.apache.hadoop.hive.ql.plan.ExprNodeGenericFuncDes\xe3\x01\x01\x00"
    for refused in (blob, b"", b"  ", b"\xff", b"this is = not ( a filter"):
        with pytest.raises(t.MetaException):
            client.drop_partitions_req(drop_request(table, exprs=[b'ds = "a"', refused]))
    assert len(table.names()) == 8


# --- exchange ---------------------------------------------------------------------------------------------------


@pytest.fixture
def target(api, database):
    return Table(api, database + "/tables/target")


def test_exchange(client, table, target):
    client.add_partitions([table.partition("a", str(i), parameters={"n": str(i)}) for i in range(3)] + [table.partition("b", "1")])
    (table.directory / "ds=a" / "hr=1" / "f").write_bytes(b"123")
    made = client.exchange_partitions({"DS": "a"}, table.database, "logs", target.database, "target")
    assert [(p.values, p.tableName) for p in made] == [(["a", str(i)], "target") for i in range(3)]
    assert made[1].sd.location == target.location + "/ds=a/hr=1" and made[1].parameters["n"] == "1"
    assert table.names() == ["ds=b/hr=1"] and len(target.names()) == 3
    assert (target.directory / "ds=a" / "hr=1" / "f").read_bytes() == b"123" and not (table.directory / "ds=a" / "hr=1").exists()
    assert target.rest("ds=a/hr=1")["storage"]["location"] == made[1].sd.location
    assert target.history("ds=a/hr=1")[0]["change"]["operation"] == "exchange_partitions"
    assert table.history("ds=a/hr=1")[0]["action"] == "drop"
    back = client.exchange_partition({"hr": "1", "ds": "a"}, target.database, "target", table.database, "logs")
    assert back.values is None and table.names() == ["ds=a/hr=1", "ds=b/hr=1"]
    assert (table.directory / "ds=a" / "hr=1" / "f").read_bytes() == b"123"


def test_exchange_what_cannot_be(client, table, target, api, database):
    client.add_partitions([table.partition("a", "1"), table.partition("a", "2"), table.partition("c", "1", location=table.location + "/own")])
    client.add_partition(target.partition("a", "1"))
    Table(api, database + "/tables/other", columns=[{"name": "z", "type": "int"}])
    d = table.database
    for spec, source, dest, text in (
        ({"ds": "a"}, "logs", "target", "already exists in table"),
        ({"ds": "none"}, "logs", "target", "0 partitions"),
        ({"hr": "2"}, "logs", "target", "without a gap"),
        ({"no": "2"}, "logs", "target", "without a gap"),
        ({}, "logs", "target", "null or empty"),
        ({"ds": "c"}, "logs", "target", "place of its own"),
        ({"ds": "a"}, "logs", "other", "different columns"),
        ({"ds": "a"}, "logs", "logs", "itself"),
        ({"ds": "a"}, "none", "target", "not found"),
        ({"ds": "a"}, "logs", "none", "not found"),
        ({"ds": "a"}, None, "target", "cannot be null"),
    ):
        for call in (client.exchange_partition, client.exchange_partitions):
            with pytest.raises(t.MetaException, match=text):
                call(spec, d, source, d, dest)
    assert len(table.names()) == 3 and (table.directory / "ds=a" / "hr=2").is_dir() and target.names() == ["ds=a/hr=1"]


# --- marks ------------------------------------------------------------------------------------------------------


def test_marks(client, table, api, database):
    done = t.PartitionEventType.LOAD_DONE
    assert client.isPartitionMarkedForEvent(table.database, "logs", {"ds": "a", "hr": "1"}, done) is False
    client.markPartitionForEvent(table.database, "logs", {"hr": "1", "DS": "a"}, done)
    client.markPartitionForEvent(table.database, "logs", {"hr": "1", "ds": "a"}, done)
    assert client.isPartitionMarkedForEvent("@hive#" + table.database, "logs", {"ds": "a", "hr": "1"}, done) is True
    assert client.isPartitionMarkedForEvent(table.database, "logs", {"ds": "a", "hr": "2"}, done) is False
    other = Table(api, database + "/tables/other")
    assert client.isPartitionMarkedForEvent(other.database, "other", {"ds": "a", "hr": "1"}, done) is False
    for call in (client.markPartitionForEvent, client.isPartitionMarkedForEvent):
        with pytest.raises(t.UnknownTableException, match="not found"):
            call(table.database, "none", {"ds": "a", "hr": "1"}, done)
        with pytest.raises(t.UnknownDBException):
            call("no_such_database", "logs", {"ds": "a", "hr": "1"}, done)
        for wrong in ({"ds": "a"}, {"ds": "a", "no": "1"}, {"ds": "a", "hr": "1", "x": "y"}, {}):
            with pytest.raises(t.InvalidPartitionException, match="2 partition keys"):
                call(table.database, "logs", wrong, done)
        with pytest.raises(t.MetaException):
            call(table.database, "logs", {"ds": "a", "hr": "1"}, None)
