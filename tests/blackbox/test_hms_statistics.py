"""Column statistics through the Thrift door: every kind exactly, engines, adding up, marks of accuracy."""

import json
import random
import threading
import time

import hms
import pytest
from hms import t

COLUMNS = [("flag", "boolean"), ("id", "bigint"), ("ratio", "double"), ("note", "string"), ("blob", "binary"),
           ("price", "decimal(38,2)"), ("day", "date"), ("at", "timestamp")]
VECTOR, HISTOGRAM = b"HL\x00\xff\x80", b"\x00\x01\xfe"


def data(kind, **values):
    """A union with one member: data("long", lowValue=1, ...)."""
    struct = getattr(t, kind.capitalize() + "ColumnStatsData")
    return t.ColumnStatisticsData(**{kind + "Stats": struct(**values)})


def obj(name, kind, type=None, **values):
    return t.ColumnStatisticsObj(colName=name, colType=type or kind, statsData=data(kind, **values))


def long(name="id", nulls=0, distinct=1, low=None, high=None, **more):
    return obj(name, "long", "bigint", numNulls=nulls, numDVs=distinct, lowValue=low, highValue=high, **more)


ALL = [
    obj("flag", "boolean", numTrues=3, numFalses=2**62, numNulls=0, bitVectors=VECTOR),
    obj("id", "long", "bigint", lowValue=-(2**63), highValue=2**63 - 1, numNulls=1, numDVs=7, bitVectors=VECTOR, histogram=HISTOGRAM),
    obj("ratio", "double", lowValue=-0.1, highValue=float("inf"), numNulls=2, numDVs=8, histogram=b""),
    obj("note", "string", maxColLen=1 << 33, avgColLen=1 / 3, numNulls=3, numDVs=9, bitVectors=b""),
    obj("blob", "binary", maxColLen=4, avgColLen=2.5, numNulls=4, bitVectors=VECTOR),
    obj("price", "decimal", "decimal(38,2)", lowValue=t.Decimal(unscaled=b"\xfb\x1e", scale=2),
        highValue=t.Decimal(unscaled=b"\x00\x00\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff", scale=0), numNulls=5, numDVs=10),
    obj("day", "date", lowValue=t.Date(daysSinceEpoch=-719162), highValue=t.Date(daysSinceEpoch=19000), numNulls=6, numDVs=11),
    obj("at", "timestamp", lowValue=t.Timestamp(secondsSinceEpoch=-1), highValue=t.Timestamp(secondsSinceEpoch=2**40), numNulls=7, numDVs=12),
]
BARE = [
    obj("id", "long", "bigint", numNulls=0, numDVs=0),
    obj("ratio", "double", numNulls=0, numDVs=0, lowValue=0.0),
    obj("price", "decimal", numNulls=0, numDVs=0),
    obj("day", "date", numNulls=0, numDVs=0, highValue=t.Date(daysSinceEpoch=0)),
    obj("at", "timestamp", numNulls=0, numDVs=0),
]


def by_name(objects):
    return sorted(objects, key=lambda o: o.colName)


def make(api, database, name="t", partitions=(), keys=(("ds", "string"), ("hour", "int")), **more):
    body = {"name": name, "type": "EXTERNAL_TABLE", "columns": [{"name": n, "type": k} for n, k in COLUMNS], "storage": {"location": "s3://b/" + name}}
    if partitions:
        body["partition_keys"] = [{"name": n, "type": k} for n, k in keys]
    api.ok("POST", database + "/tables", 201, json=body | more)
    where = f"{database}/tables/{name}"
    if partitions:
        api.ok("POST", where + "/partitions", json={"items": [{"values": [p.split("=", 1)[1] for p in name.split("/")], "storage": {}} for name in partitions]})
    return database.rsplit("/", 1)[1], where


def stats(db, objects, partition=None, table="t", engine=None, **more):
    desc = t.ColumnStatisticsDesc(isTblLevel=partition is None, dbName=db, tableName=table, partName=partition, **more)
    return t.ColumnStatistics(statsDesc=desc, statsObj=objects, engine=engine)


def set_request(*all, **more):
    return t.SetPartitionsStatsRequest(colStats=list(all), engine=more.pop("engine", None), **more)


def table_request(db, columns, **more):
    return t.TableStatsRequest(dbName=db, tblName=more.pop("table", "t"), colNames=columns, engine=more.pop("engine", None), **more)


def parts_request(db, columns, parts, **more):
    return t.PartitionsStatsRequest(dbName=db, tblName=more.pop("table", "t"), colNames=columns, partNames=parts, engine=more.pop("engine", None), **more)


def mark(api, where):
    text = (api.ok("GET", where).get("parameters") or {}).get("COLUMN_STATS_ACCURATE")
    return text and json.loads(text)


@pytest.fixture
def client(shared):
    with hms.connected(shared) as connected:
        yield connected


@pytest.mark.parametrize("request_form", [False, True], ids=["old", "req"])
def test_every_kind_both_ways(client, api, database, request_form):
    db, where = make(api, database, partitions=["ds=a b/hour=1"])
    names = [o.colName for o in ALL]
    name = "ds=a b/hour=1"
    for objects in (ALL, BARE):
        if request_form:
            answers = [client.update_table_column_statistics_req(set_request(stats(db, objects))),
                       client.update_partition_column_statistics_req(set_request(stats(db, objects, name)))]
            assert [a.result for a in answers] == [True, True]
        else:
            assert client.update_table_column_statistics(stats(db, objects)) is True
            assert client.update_partition_column_statistics(stats(db, objects, name)) is True
        wanted = [o.colName for o in objects]
        of_table = client.get_table_statistics_req(table_request(db, wanted))
        assert by_name(of_table.tableStats) == by_name(objects) and of_table.isStatsCompliant is None
        of_part = client.get_partitions_statistics_req(parts_request(db, wanted, [name]))
        assert list(of_part.partStats) == [name] and by_name(of_part.partStats[name]) == by_name(objects)
        total = client.get_aggr_stats_for(parts_request(db, wanted, [name]))
        assert by_name(total.colStats) == by_name(objects) and total.partsFound == 1
    assert len(client.get_table_statistics_req(table_request(db, names)).tableStats) == len(ALL)  # what is not named stays
    seen = {c["column"]: c for c in api.ok("GET", where + "/statistics")["columns"]}
    assert seen["note"]["max_length"] == 1 << 33 and seen["flag"]["trues"] == 3 and "low" not in seen["id"]


def test_what_rest_writes(client, api, database):
    db, where = make(api, database)
    api.ok("PUT", where + "/statistics", 204, json={"columns": [
        {"column": "price", "kind": "decimal", "nulls": 0, "distinct": 4, "low": "-12.50", "high": "128"},
        {"column": "day", "kind": "date", "nulls": 0, "distinct": 1, "low": "1970-01-02"}]})
    price, day = by_name(client.get_table_statistics_req(table_request(db, ["price", "day"])).tableStats)[::-1]
    assert price == obj("price", "decimal", numNulls=0, numDVs=4, lowValue=t.Decimal(unscaled=b"\xfb\x1e", scale=2), highValue=t.Decimal(unscaled=b"\x00\x80", scale=0))
    assert day.colType == "date" and day.statsData.dateStats.lowValue.daysSinceEpoch == 1 and day.statsData.dateStats.highValue is None
    assert mark(api, where) == {"COLUMN_STATS": {"day": "true", "price": "true"}}


def test_names_and_catalogs(client, api, database):
    db, where = make(api, database, partitions=["ds=A%3A/hour=1".replace("%3A", ":")])
    at = int(time.time())
    assert client.update_table_column_statistics(stats(f"@hive#{db.upper()}", [long(" ID ")], table=" T"))
    (one,) = client.get_table_statistics_req(table_request(db.upper(), ["iD", "none"], table="T", catName="HIVE")).tableStats
    assert one.colName == "id"
    whole = client.get_table_column_statistics("@hive#" + db, "t", "ID")
    desc = whole.statsDesc
    assert (desc.isTblLevel, desc.catName, desc.dbName, desc.tableName, desc.partName) == (True, "hive", db, "t", None)
    assert abs(desc.lastAnalyzed - at) < 60 and whole.engine == "hive" and [o.colName for o in whole.statsObj] == ["id"]
    assert client.update_partition_column_statistics(stats(db, [long()], "DS=A%3A/Hour=1", lastAnalyzed=1234567890))
    whole = client.get_partition_column_statistics(db, "t", "dS=A%3a/hour=1", "id")
    assert (whole.statsDesc.isTblLevel, whole.statsDesc.partName, whole.statsDesc.lastAnalyzed) == (False, "ds=A%3A/hour=1", 1234567890)
    assert list(client.get_partitions_statistics_req(parts_request(db, ["id"], ["DS=A%3A/hour=1", "ds=x/hour=2", "", "odd"])).partStats) == ["ds=A%3A/hour=1"]
    items = api.ok("GET", where + "/partition-statistics?columns=id")["items"]
    assert items[0]["columns"][0]["analyzed_at"] == "2009-02-13T23:31:30Z"


def test_engines(client, api, database):
    db, where = make(api, database, partitions=["ds=a/hour=1"])
    name = "ds=a/hour=1"

    def distinct(engine=None):
        found = client.get_table_statistics_req(table_request(db, ["id"], engine=engine)).tableStats
        return found[0].statsData.longStats.numDVs if found else None

    client.update_table_column_statistics(stats(db, [long(distinct=1)]))
    assert (distinct(), distinct("hive"), distinct("impala")) == (1, 1, None)
    client.update_table_column_statistics(stats(db, [long(distinct=2)], engine="impala"))
    client.set_aggr_stats_for(set_request(stats(db, [long("flag")], engine="hive"), engine="impala"))
    client.set_aggr_stats_for(set_request(stats(db, [long(distinct=3)], name), engine="impala"))
    assert (distinct(), distinct("impala")) == (1, 2)
    assert mark(api, where) == {"COLUMN_STATS": {"id": "true"}}
    assert client.get_partitions_statistics_req(parts_request(db, ["id"], [name])).partStats == {}
    assert client.get_aggr_stats_for(parts_request(db, ["id"], [name], engine="impala")).partsFound == 1
    assert client.delete_table_column_statistics(db, "t", "id", "impala") is True
    assert (distinct(), distinct("impala")) == (1, None)
    client.update_table_column_statistics(stats(db, [long(distinct=2)], engine="impala"))
    assert client.delete_table_column_statistics(db, "t", "id", None) is True
    assert (distinct(), distinct("impala"), mark(api, where)) == (None, None, None)


def test_marks_of_accuracy(client, api, database):
    """One more fact that changes with the data: no version comes of it."""
    db, where = make(api, database, partitions=[f"ds={d}/hour=1" for d in "abc"], parameters={"k": "v", "zz": "", "A": "x", "COLUMN_STATS": "COLUMN_STATS_ACCURATE"})
    others = {"k": "v", "zz": "", "A": "x", "COLUMN_STATS": "COLUMN_STATS_ACCURATE"}
    client.update_table_column_statistics(stats(db, [long("id"), long("at")]))
    table = api.ok("GET", where)
    assert table["parameters"].pop("COLUMN_STATS_ACCURATE") == '{"COLUMN_STATS":{"at":"true","id":"true"}}'
    assert table["parameters"] == others and table["version"] == 0
    assert client.get_table(db, "t").parameters["COLUMN_STATS_ACCURATE"] == '{"COLUMN_STATS":{"at":"true","id":"true"}}'
    assert len(api.ok("GET", where + "/versions?noops=true")["items"]) == 1
    api.ok("PATCH", where, json={"parameters": {"COLUMN_STATS_ACCURATE": '{"BASIC_STATS":"true", "COLUMN_STATS":{"id":"true"}}'}})
    client.update_table_column_statistics(stats(db, [long("note")]))
    assert mark(api, where) == {"BASIC_STATS": "true", "COLUMN_STATS": {"id": "true", "note": "true"}}
    client.delete_table_column_statistics(db, "t", "ID", None)
    assert mark(api, where) == {"BASIC_STATS": "true", "COLUMN_STATS": {"note": "true"}}
    client.delete_table_column_statistics(db, "t", None, None)
    assert api.ok("GET", where)["parameters"]["COLUMN_STATS_ACCURATE"] == '{"BASIC_STATS":"true"}'
    api.ok("PATCH", where, json={"parameters": {"COLUMN_STATS_ACCURATE": "TRUE"}})
    client.update_table_column_statistics(stats(db, [long("id")]))
    assert mark(api, where) == {"BASIC_STATS": "true", "COLUMN_STATS": {"id": "true"}}

    client.set_aggr_stats_for(set_request(*[stats(db, [long("id")], f"ds={d}/hour=1") for d in "ca"]))
    parts = [where + f"/partitions/ds={d}%2Fhour=1" for d in "abc"]
    assert [mark(api, p) for p in parts] == [{"COLUMN_STATS": {"id": "true"}}, None, {"COLUMN_STATS": {"id": "true"}}]
    assert len(api.ok("GET", parts[0] + "/history")["items"]) == 1
    client.delete_partition_column_statistics(db, "t", "ds=a/hour=1", "id", None)
    assert [mark(api, p) for p in parts] == [None, None, {"COLUMN_STATS": {"id": "true"}}]
    assert "COLUMN_STATS_ACCURATE" not in (api.ok("GET", parts[0]).get("parameters") or {})


def test_marks_follow_the_columns(client, api, database):
    part = "ds=a/hour=1"
    db, where = make(api, database, partitions=[part, "ds=b/hour=1"], parameters={"k": "1"})
    at_part = where + "/partitions/ds=a%2Fhour=1"
    both = [long("id"), long("ratio"), long("note")]
    client.update_table_column_statistics(stats(db, both))
    client.update_partition_column_statistics(stats(db, both, part))
    columns = [dict(c) for c in api.ok("GET", where)["columns"]]
    changed = [dict(c, type="string") if c["name"] == "ratio" else c for c in columns if c["name"] != "id"]
    api.ok("PATCH", where, json={"columns": changed, "parameters": {"k": "2"}})
    assert mark(api, where) == mark(api, at_part) == {"COLUMN_STATS": {"note": "true"}}
    assert api.ok("GET", where)["parameters"]["k"] == "2" and api.ok("GET", where)["version"] == 1
    client.update_table_column_statistics(stats(db, [long("price")]))
    api.ok("POST", where + ":restore", json={"version": 0})
    assert api.ok("GET", where)["parameters"]["k"] == "1"
    assert mark(api, where) == {"COLUMN_STATS": {"note": "true", "price": "true"}}
    client.delete_table_column_statistics(db, "t", None, None)
    api.ok("POST", where + ":restore", json={"version": 1})
    assert mark(api, where) is None


def test_merge_into_what_is_accurate(client, api, database):
    db, where = make(api, database, partitions=["ds=a/hour=1", "ds=b/hour=1"])
    more = [long("id", 1, 5, -3, 9), obj("note", "string", maxColLen=4, avgColLen=2.0, numNulls=1, numDVs=3, bitVectors=VECTOR)]

    def merge(*all):
        assert client.set_aggr_stats_for(set_request(*all, needMerge=True)) is True

    def read(part=None):
        if part:
            return by_name(client.get_partitions_statistics_req(parts_request(db, ["id", "note"], [part])).partStats.get(part, []))
        return by_name(client.get_table_statistics_req(table_request(db, ["id", "note"])).tableStats)

    merge(stats(db, more))
    assert read() == [] and mark(api, where) is None  # there is data that nobody has looked at
    api.ok("PATCH", where, json={"parameters": {"COLUMN_STATS_ACCURATE": '{"COLUMN_STATS":{"id":"true"}}'}})
    merge(stats(db, more))
    assert read() == [more[0]]
    merge(stats(db, [long("id", 10, 2, -7, 1)]))
    assert read() == [long("id", 11, 5, -7, 9)]
    a, b = "ds=a/hour=1", "ds=b/hour=1"
    client.set_aggr_stats_for(set_request(stats(db, [long("id", 1, 2, 3, 4)], a)))
    merge(stats(db, more, a), stats(db, more, b))
    assert (read(a), read(b)) == ([long("id", 2, 5, -3, 9)], [])
    # the same partition twice in one request is one, merged or not
    client.set_aggr_stats_for(set_request(stats(db, [long("id", 1, 2, 3, 4)], b), stats(db, [long("id", 1, 3, 1, 2)], b)))
    assert read(b) == [long("id", 2, 3, 1, 4)]
    with pytest.raises(t.InvalidObjectException, match="cannot be merged"):
        merge(stats(db, [obj("id", "date", numNulls=0, numDVs=0)]))


def test_totals(client, api, database):
    parts = [f"ds={d}/hour=1" for d in "abcd"]
    db, where = make(api, database, partitions=parts)

    def total(columns, names=parts, **more):
        found = client.get_aggr_stats_for(parts_request(db, columns, names, **more))
        return by_name(found.colStats), found.partsFound

    assert total(["id"]) == ([], 0)
    a = [long("id", 1, 10, 0, 100, bitVectors=VECTOR), obj("note", "string", maxColLen=9, avgColLen=2.0, numNulls=1, numDVs=5),
         obj("price", "decimal", lowValue=t.Decimal(unscaled=b"\x64", scale=1), highValue=t.Decimal(unscaled=b"\x0b", scale=0), numNulls=0, numDVs=1),
         obj("flag", "boolean", numTrues=1, numFalses=2, numNulls=3)]
    b = [long("id", 2, 10, 200, 300), obj("note", "string", maxColLen=3, avgColLen=2.5, numNulls=1, numDVs=7),
         obj("price", "decimal", lowValue=t.Decimal(unscaled=b"\x03\xe7", scale=2), highValue=t.Decimal(unscaled=b"\x0c", scale=0), numNulls=0, numDVs=2)]
    client.set_aggr_stats_for(set_request(stats(db, a, parts[0]), stats(db, b, parts[1])))
    # both have all of it: what one has is sure; nothing says that the other's are different values
    assert total(["ID", "note", "id"], parts[:2]) == (
        [long("id", 3, 10, 0, 300), obj("note", "string", maxColLen=9, avgColLen=2.5, numNulls=2, numDVs=7)], 2)
    # two of four: the same density over the whole range, at most what all have
    assert total(["id"]) == ([long("id", 3, 20, 0, 300)], 2)
    client.set_aggr_stats_for(set_request(stats(db, [long("id", 0, 100, 0, 100)], parts[2])))
    found, count = total(["id"])
    assert count == 3 and found == [long("id", 3, 100, 0, 300)]
    found, count = total(["id", "flag", "price", "none"])
    assert count == 0 and [o.colName for o in found] == ["flag", "id", "price"]
    assert found[0] == a[3]
    assert found[2].statsData.decimalStats == t.DecimalColumnStatsData(
        lowValue=t.Decimal(unscaled=b"\x03\xe7", scale=2), highValue=t.Decimal(unscaled=b"\x0c", scale=0), numNulls=0, numDVs=2)
    assert total(["id", "price"])[1] == 2
    assert total(["id"], parts[:1]) == ([a[0]], 1)  # sketches of one are those of all
    for columns, names in ((["id"], []), ([], parts), ([], [])):
        assert total(columns, names) == ([], 0)
    with pytest.raises(t.NoSuchObjectException, match=f"hive.{db}.none table not found"):
        total(["id"], table="none")


def test_delete(client, api, database):
    parts = ["ds=a/hour=1", "ds=b/hour=1"]
    db, where = make(api, database, partitions=parts)

    def fill():
        client.update_table_column_statistics(stats(db, [long("id"), long("at")]))
        client.set_aggr_stats_for(set_request(*[stats(db, [long("id"), long("at")], p) for p in parts]))

    def left():
        found = client.get_partitions_statistics_req(parts_request(db, ["id", "at"], parts)).partStats
        return [len(client.get_table_statistics_req(table_request(db, ["id", "at"])).tableStats)] + [len(found.get(p, [])) for p in parts]

    fill()
    assert client.delete_table_column_statistics(db, "t", "AT", None) is True and left() == [1, 2, 2]
    assert client.delete_table_column_statistics(db, "t", None, None) is True and left() == [0, 2, 2]
    assert client.delete_table_column_statistics(db, "t", None, None) is True
    with pytest.raises(t.NoSuchObjectException, match=f"Column stats doesn't exist for db={db} table=t col=id"):
        client.delete_table_column_statistics(db, "t", "id", None)
    assert client.delete_partition_column_statistics(db, "t", "DS=a/hour=1", "id", "hive") is True and left() == [0, 1, 2]
    assert client.delete_partition_column_statistics(db, "t", parts[0], None, None) is True and left() == [0, 0, 2]
    assert client.delete_partition_column_statistics(db, "t", parts[0], None, None) is True
    with pytest.raises(t.NoSuchObjectException, match="Column stats doesn't exist for .* partition=ds=b/hour=1 col=none"):
        client.delete_partition_column_statistics(db, "t", parts[1], "none", None)
    with pytest.raises(t.NoSuchObjectException, match="Partition ds=x/hour=1 for which stats deletion is requested doesn't exist"):
        client.delete_partition_column_statistics(db, "t", "ds=x/hour=1", None, None)

    def request(**more):
        return client.delete_column_statistics_req(t.DeleteColumnStatisticsRequest(db_name=db, tbl_name="t", engine=more.pop("engine", None), **more))

    fill()
    assert request(part_names=parts[:1], col_names=["id"]) is True and left() == [2, 1, 2]
    assert request(tableLevel=True, col_names=["id", "at"]) is True and left() == [0, 1, 2]
    assert request() is True and left() == [0, 0, 0]
    assert [mark(api, f"{where}/partitions/ds={d}%2Fhour=1") for d in "ab"] == [None, None]
    assert request() is True
    with pytest.raises(t.NoSuchObjectException, match="Column stats doesn't exist"):
        request(col_names=["id"])
    make(api, database, "plain")
    client.update_table_column_statistics(stats(db, [long()], table="plain"))
    assert client.delete_column_statistics_req(t.DeleteColumnStatisticsRequest(db_name=db, tbl_name="plain", engine="impala")) is True
    assert len(client.get_table_statistics_req(table_request(db, ["id"], table="plain")).tableStats) == 1
    assert client.delete_column_statistics_req(t.DeleteColumnStatisticsRequest(db_name=db, tbl_name="plain")) is True
    assert client.get_table_statistics_req(table_request(db, ["id"], table="plain")).tableStats == []
    make(api, database, "acid", parameters={"transactional": "TRUE"})
    client.update_table_column_statistics(stats(db, [long()], table="acid"))
    for call in (lambda: client.delete_table_column_statistics(db, "acid", None, None),
                 lambda: client.delete_partition_column_statistics(db, "acid", "ds=1", None, None),
                 lambda: client.delete_column_statistics_req(t.DeleteColumnStatisticsRequest(db_name=db, tbl_name="acid"))):
        with pytest.raises(t.MetaException, match="Cannot delete stats via this API for a transactional table"):
            call()


def test_refused(client, api, database):
    db, where = make(api, database, partitions=["ds=a/hour=1"])
    missing = f"hive.{db}.none table not found"
    for call in (lambda: client.update_table_column_statistics(stats(db, [long()], table="none")),
                 lambda: client.update_partition_column_statistics(stats(db, [long()], "ds=a/hour=1", table="none")),
                 lambda: client.set_aggr_stats_for(set_request(stats(db, [long()], table="none"))),
                 lambda: client.get_table_statistics_req(table_request(db, ["id"], table="none")),
                 lambda: client.get_partitions_statistics_req(parts_request(db, ["id"], ["ds=a/hour=1"], table="none")),
                 lambda: client.get_table_column_statistics(db, "none", "id"),
                 lambda: client.get_partition_column_statistics(db, "none", "ds=a/hour=1", "id"),
                 lambda: client.delete_table_column_statistics(db, "none", None, None),
                 lambda: client.delete_partition_column_statistics(db, "none", "ds=a/hour=1", None, None),
                 lambda: client.delete_column_statistics_req(t.DeleteColumnStatisticsRequest(db_name=db, tbl_name="none"))):
        with pytest.raises(t.NoSuchObjectException, match=missing):
            call()
    with pytest.raises(t.NoSuchObjectException, match="no_such_database"):
        client.update_table_column_statistics(stats("no_such_database", [long()]))
    with pytest.raises(t.NoSuchObjectException, match="Partition ds=z/hour=1 not found"):
        client.update_partition_column_statistics(stats(db, [long()], "ds=z/hour=1"))
    with pytest.raises(t.NoSuchObjectException, match="ds=z/hour=1"):
        client.set_aggr_stats_for(set_request(stats(db, [long()], "ds=a/hour=1"), stats(db, [long()], "ds=z/hour=1")))
    assert client.get_partitions_statistics_req(parts_request(db, ["id"], ["ds=a/hour=1"])).partStats == {}
    with pytest.raises(t.NoSuchObjectException, match=f"Statistics for dbName={db}, tableName=t, columnName=id doesn't exist"):
        client.get_table_column_statistics(db, "t", "id")
    with pytest.raises(t.NoSuchObjectException, match="partName=ds=a/hour=1, columnName=id doesn't exist"):
        client.get_partition_column_statistics(db, "t", "ds=a/hour=1", "id")
    with pytest.raises(t.MetaException, match="Partition name cannot be null"):
        client.update_partition_column_statistics(stats(db, [long()]))
    for method in (client.update_table_column_statistics_req, client.update_partition_column_statistics_req):
        for all in ((), (stats(db, [long()]), stats(db, [long()]))):
            with pytest.raises(t.InvalidInputException, match="Only one stats object expected"):
                method(set_request(*all))
        with pytest.raises(t.InvalidInputException, match="Merge is not supported for non-aggregate stats"):
            method(set_request(stats(db, [long()]), needMerge=True))
    assert client.set_aggr_stats_for(set_request()) is True
    with pytest.raises(t.MetaException, match="Expecting only 1 ColumnStatistics for table's column stats, but find 2"):
        client.set_aggr_stats_for(set_request(stats(db, [long()]), stats(db, [long()])))
    with pytest.raises(t.InvalidInputException, match="of one table"):
        client.set_aggr_stats_for(set_request(stats(db, [long()], "ds=a/hour=1"), stats(db, [long()], "ds=a/hour=1", table="other")))
    with pytest.raises(t.InvalidObjectException, match="given twice"):
        client.update_table_column_statistics(stats(db, [long("id"), long("ID")]))
    with pytest.raises(t.InvalidObjectException, match="no kind"):
        client.update_table_column_statistics(stats(db, [t.ColumnStatisticsObj(colName="id", colType="x", statsData=t.ColumnStatisticsData())]))
    with pytest.raises(t.InvalidObjectException):
        client.update_table_column_statistics(stats(db, [long("")]))
    with pytest.raises(t.InvalidObjectException, match="no UTF-8"):
        client.update_table_column_statistics(stats(db, [obj("id", "long", "big\x00int", numNulls=0, numDVs=0)]))
    assert client.get_table_statistics_req(table_request(db, [])).tableStats == []
    assert api.ok("GET", where)["version"] == 0 and mark(api, where) is None


def test_nothing_given(client, api, database):
    """An exception that the method declares, never an internal error."""
    for call in (lambda: client.update_table_column_statistics(None), lambda: client.update_partition_column_statistics(None),
                 lambda: client.update_table_column_statistics_req(None), lambda: client.update_partition_column_statistics_req(None),
                 lambda: client.set_aggr_stats_for(None), lambda: client.get_table_column_statistics(None, None, None),
                 lambda: client.get_partition_column_statistics(None, None, None, None), lambda: client.get_table_statistics_req(None),
                 lambda: client.get_partitions_statistics_req(None), lambda: client.get_aggr_stats_for(None),
                 lambda: client.delete_table_column_statistics(None, None, None, None),
                 lambda: client.delete_partition_column_statistics(None, None, None, None, None),
                 lambda: client.delete_column_statistics_req(None)):
        with pytest.raises(t.MetaException, match="cannot be null"):
            call()
    db, _ = make(api, database, partitions=["ds=a/hour=1"])
    for call in (lambda: client.get_table_column_statistics(db, "t", None), lambda: client.get_partition_column_statistics(db, "t", None, "id"),
                 lambda: client.delete_partition_column_statistics(db, "t", None, None, None), lambda: client.delete_table_column_statistics(db, None, None, None)):
        with pytest.raises(t.MetaException, match="cannot be null"):
            call()


def test_who_did_it(shared, api, database):
    db, _ = make(api, database, partitions=["ds=a/hour=1", "ds=b/hour=1"])
    with hms.connected(shared) as client:
        client.set_ugi("ann", [])
        client.update_table_column_statistics(stats(db, [long()]))
        client.set_aggr_stats_for(set_request(*[stats(db, [long()], f"ds={d}/hour=1") for d in "ab"]))
        client.delete_table_column_statistics(db, "t", None, None)
    changes = api.ok("GET", "/changes?kind=statistics&limit=10&database=" + db)["items"]
    assert [(c["action"], c["operation"], c["principal"], c["protocol"], c.get("partitions")) for c in changes] == [
        ("update", "update_table_column_statistics", "ann", "hive", None),
        ("update", "set_aggr_stats_for", "ann", "hive", ["ds=a/hour=1", "ds=b/hour=1"]),
        ("delete", "delete_table_column_statistics", "ann", "hive", None)]


def test_merges_at_the_same_time(shared, client, api, database):
    parts = [f"ds={d}/hour={h}" for d in "abcde" for h in range(4)]
    db, where = make(api, database, partitions=parts)
    client.update_table_column_statistics(stats(db, [long()]))
    client.set_aggr_stats_for(set_request(*[stats(db, [long()], p) for p in parts]))
    failed = []

    def work(seed):
        order = random.Random(seed)
        try:
            with hms.connected(shared) as own:
                for _ in range(10):
                    own.set_aggr_stats_for(set_request(*[stats(db, [long(nulls=1)], p) for p in order.sample(parts, len(parts))], needMerge=True))
                    own.set_aggr_stats_for(set_request(stats(db, [long(nulls=1)]), needMerge=True))
        except Exception as e:  # noqa: B902
            failed.append(e)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    found = client.get_partitions_statistics_req(parts_request(db, ["id"], parts)).partStats
    assert {o.statsData.longStats.numNulls for p in parts for o in found[p]} == {40}
    assert client.get_table_statistics_req(table_request(db, ["id"])).tableStats == [long(nulls=40)]


def test_thousand_partitions(client, api, database):
    """Not slower than what a person waits for; the benchmark has the numbers."""
    columns = [(f"c{i:02}", "bigint") for i in range(20)]
    body = {"name": "t", "columns": [{"name": n, "type": k} for n, k in columns], "partition_keys": [{"name": "p", "type": "int"}], "storage": {"location": "s3://b/t"}}
    api.ok("POST", database + "/tables", 201, json=body)
    names = [f"p={i}" for i in range(1000)]
    api.ok("POST", database + "/tables/t/partitions", json={"items": [{"values": [n[2:]], "storage": {}} for n in names]})
    db = database.rsplit("/", 1)[1]
    wanted = [n for n, _ in columns]
    sets = [stats(db, [long(c, i, 10, i, i + 9) for c in wanted], n) for i, n in enumerate(names)]
    start = time.monotonic()
    assert client.set_aggr_stats_for(set_request(*sets)) is True
    assert client.set_aggr_stats_for(set_request(*sets)) is True
    found = client.get_partitions_statistics_req(parts_request(db, wanted, names)).partStats
    assert len(found) == 1000 and found["p=7"] == sets[7].statsObj
    total = client.get_aggr_stats_for(parts_request(db, wanted, names))
    assert total.partsFound == 1000 and total.colStats[3] == long("c03", sum(range(1000)), 10, 0, 1008)
    assert time.monotonic() - start < 60
