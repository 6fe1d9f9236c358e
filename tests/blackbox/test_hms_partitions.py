"""Reading partitions through the Metastore's door."""

import hms
import pytest
from conftest import running
from hms import t

KEYS = (("ds", "string"), ("n", "int"))
COLUMNS = [{"name": "id", "type": "bigint", "comment": "the key"}, {"name": "note", "type": "string"}]
DEFAULT = "__HIVE_DEFAULT_PARTITION__"
NULL_METHODS = [
    "get_partition", "get_partition_req", "get_partition_with_auth", "get_partition_by_name", "get_partitions", "get_partitions_req",
    "get_partitions_with_auth", "get_partitions_pspec", "get_partition_names", "fetch_partition_names_req", "get_partition_values",
    "get_partitions_ps", "get_partitions_ps_with_auth", "get_partitions_ps_with_auth_req", "get_partition_names_ps",
    "get_partition_names_ps_req", "get_partition_names_req", "get_partitions_by_filter", "get_partitions_by_filter_req",
    "get_part_specs_by_filter", "get_num_partitions_by_filter", "get_partitions_by_expr", "get_partitions_spec_by_expr",
    "get_partitions_by_names", "get_partitions_by_names_req", "get_partitions_with_specs", "partition_name_to_vals",
    "partition_name_to_spec", "partition_name_has_valid_characters",
]


def make_table(api, database, name="p", keys=KEYS, **more):
    api.ok("PUT", f"{database}/tables/{name}", 201, json={
        "type": "EXTERNAL_TABLE", "columns": COLUMNS, "partition_keys": [{"name": k, "type": kind} for k, kind in keys],
        "storage": {"location": f"file:/nowhere/{name}"}} | more)


def add(api, database, items, name="p"):
    items = [i if isinstance(i, dict) else {"values": list(i)} for i in items]
    api.ok("POST", f"{database}/tables/{name}/partitions", json={"items": items})


@pytest.fixture
def db(database):
    return database.rsplit("/", 1)[1]


@pytest.fixture
def client(shared):
    with hms.connected(shared) as c:
        yield c


@pytest.fixture
def filled(api, database):
    """ds a to c, n 1 to 10; made in another order than that of their names."""
    make_table(api, database)
    add(api, database, [(ds, str(n)) for n in range(10, 0, -1) for ds in "cab"])


def names(partitions):
    return [f"ds={p.values[0]}/n={p.values[1]}" for p in partitions]


ALL = sorted(f"ds={ds}/n={n}" for ds in "abc" for n in range(1, 11))


def of(ds, *ns):
    return sorted(f"ds={ds}/n={n}" for n in ns)


# --- one ---------------------------------------------------------------------------------------------------------


def test_one_partition_has_all_that_clients_read(client, api, database, db):
    make_table(api, database)
    add(api, database, [{"values": ["a b", "1"], "parameters": {"numRows": "5"}}])
    p = client.get_partition(db.upper(), " P ", ["a b", "1"])
    assert (p.catName, p.dbName, p.tableName, p.values, p.writeId) == ("hive", db, "p", ["a b", "1"], -1)
    assert p.parameters["numRows"] == "5" and p.createTime > 1_700_000_000 and p.lastAccessTime == 0
    assert p.sd.location == "file:/nowhere/p/ds=a b/n=1"
    assert [(c.name, c.type, c.comment) for c in p.sd.cols] == [("id", "bigint", "the key"), ("note", "string", None)]
    assert (p.sd.bucketCols, p.sd.sortCols, p.sd.parameters) == ([], [], {})
    assert p.sd.serdeInfo.parameters is not None and p.sd.skewedInfo.skewedColNames == []
    assert p.privileges is None
    assert client.get_partition_with_auth(db, "p", ["a b", "1"], "ann", ["staff"]) == p
    assert client.get_partition_by_name(db, "p", "ds=a b/n=1") == p
    assert client.get_partition_by_name(db, "p", "N=1/DS=a b") == p
    assert client.get_partition_req(t.GetPartitionRequest(dbName=db, tblName="p", partVals=["a b", "1"])).partition == p
    assert client.get_partition(f"@hive#{db}", "p", ["a b", "1"]) == p


def test_what_is_said_of_one_that_is_not_there(client, filled, api, database, db):
    def req(table, values):
        return client.get_partition_req(t.GetPartitionRequest(dbName=db, tblName=table, partVals=values)).partition

    gets = (lambda table, values: client.get_partition(db, table, values), req,
            lambda table, values: client.get_partition_with_auth(db, table, values, None, None))
    for get in gets:
        with pytest.raises(t.NoSuchObjectException) as e:
            get("p", ["z", "99"])
        assert e.value.message == "partition values=[z, 99]"
        with pytest.raises(t.MetaException) as e:
            get("p", ["a"])
        assert e.value.message == "Invalid partition key & values; keys [ds, n, ], values [a, ]"
        with pytest.raises(t.MetaException, match="Invalid partition key & values"):
            get("p", [])
        with pytest.raises(t.NoSuchObjectException) as e:
            get("None", ["a", "1"])
        assert e.value.message == f"Unable to get partition because hive.{db}.none does not exist"
    with pytest.raises(t.MetaException, match="Database name cannot be null"):
        client.get_partition(None, "p", ["a", "1"])
    with pytest.raises(t.MetaException, match="Table name cannot be null"):
        client.get_partition(db, None, ["a", "1"])
    with pytest.raises(t.NoSuchObjectException, match="incomplete partition name - missing n"):
        client.get_partition_by_name(db, "p", "ds=a")
    with pytest.raises(t.NoSuchObjectException, match="incomplete partition name - missing ds"):
        client.get_partition_by_name(db, "p", "nonsense")
    with pytest.raises(t.NoSuchObjectException, match=r"partition values=\[A, 1\]"):
        client.get_partition_by_name(db, "p", "ds=A/n=1")
    with pytest.raises(t.MetaException):
        client.get_partition_by_name(db, "p", "")
    with pytest.raises(t.NoSuchObjectException, match=f"hive.{db}.none table not found"):
        client.get_partition_by_name(db, "none", "ds=a/n=1")
    make_table(api, database, "plain", keys=())
    with pytest.raises(t.MetaException, match="Invalid partition key & values"):
        client.get_partition(db, "plain", ["a"])


def test_nothing_given_is_answered_with_an_exception(shared):
    for wire in ({}, {"framed": True, "compact": True}):
        with hms.connected(shared, **wire) as client:
            for name in NULL_METHODS:
                args = getattr(hms.ThriftHiveMetastore, name + "_args")()
                count = sum(1 for s in args.thrift_spec if s)
                with pytest.raises(t.MetaException):
                    getattr(client, name)(*[None] * count)


# --- lists -------------------------------------------------------------------------------------------------------


def test_lists_and_how_many(client, filled, db):
    def req(most):
        return client.get_partitions_req(t.PartitionsRequest(dbName=db, tblName="p", maxParts=most)).partitions

    lists = (lambda n: client.get_partitions(db, "p", n), req, lambda n: client.get_partitions_with_auth(db, "p", n, "ann", []),
             lambda n: client.get_partitions_ps(db, "p", [""], n), lambda n: client.get_partitions_by_filter(db, "p", "", n))
    for get in lists:
        assert names(get(-1)) == ALL
        assert names(get(-7)) == ALL
        assert get(0) == []
        assert names(get(3)) == ALL[:3]
        assert names(get(32767)) == ALL
    assert names(client.get_partitions_req(t.PartitionsRequest(dbName=db, tblName="p")).partitions) == ALL
    for get in (lambda n: client.get_partition_names(db, "p", n),
                lambda n: client.fetch_partition_names_req(t.PartitionsRequest(dbName=db, tblName="p", maxParts=n)),
                lambda n: client.get_partition_names_ps(db, "p", ["", ""], n)):
        assert get(-1) == ALL
        assert get(0) == []
        assert get(4) == ALL[:4]
    assert client.get_partitions_by_names(db, "p", ALL)[4] == client.get_partitions(db, "p", 5)[4]


def test_tables_that_are_not_there_or_have_no_partitions(client, api, database, db):
    for where in ((db, "none"), ("no_such_db", "t"), ("@nocat#x", "t")):
        assert client.get_partition_names(*where, -1) == []
        request = t.PartitionsRequest(dbName=where[0], tblName=where[1])
        assert client.fetch_partition_names_req(request) == []
        for call in (lambda: client.get_partitions(*where, -1), lambda: client.get_partitions(*where, 0),
                     lambda: client.get_partitions_req(request),
                     lambda: client.get_partitions_with_auth(*where, -1, None, None),
                     lambda: client.get_partitions_pspec(*where, -1), lambda: client.get_partitions_ps(*where, ["a"], -1),
                     lambda: client.get_partitions_ps_with_auth(*where, ["a"], -1, None, None),
                     lambda: client.get_partition_names_ps(*where, ["a"], -1),
                     lambda: client.get_partition_names_ps(*where, [], -1),
                     lambda: client.get_partitions_by_filter(*where, "", -1),
                     lambda: client.get_part_specs_by_filter(*where, "", -1),
                     lambda: client.get_num_partitions_by_filter(*where, ""),
                     lambda: client.get_partitions_by_names(*where, ["a=1"]),
                     lambda: client.get_partitions_by_names(*where, []),
                     lambda: client.get_partition_values(t.PartitionValuesRequest(where[0], where[1], [])),
                     lambda: client.get_partitions_by_expr(t.PartitionsByExprRequest(*where, b"\xff")),
                     lambda: client.get_partition_names_req(t.PartitionsByExprRequest(*where, b"\xff"))):
            with pytest.raises(t.NoSuchObjectException) as e:
                call()
            assert e.value.message == ("nocat.x.t" if "nocat" in where[0] else f"hive.{where[0]}.{where[1]}") + " table not found"
        with pytest.raises(t.MetaException, match="table not found"):
            client.get_partitions_with_specs(t.GetPartitionsRequest(dbName=where[0], tblName=where[1]))
    make_table(api, database, "plain", keys=())
    assert client.get_partition_names(db, "plain", -1) == [] and client.get_partitions(db, "plain", -1) == []
    make_table(api, database)
    assert client.get_partitions(db, "p", -1) == [] and client.get_partitions_by_filter(db, "p", 'ds = "a"', -1) == []
    assert client.get_partitions_by_expr(t.PartitionsByExprRequest(db, "p", b"\xff")).partitions == []
    assert client.get_partitions_with_specs(t.GetPartitionsRequest(dbName=db, tblName="p")).partitionSpec == []
    [spec] = client.get_partitions_pspec(db, "p", -1)
    assert spec.partitionList.partitions == [] and spec.rootPath == "file:/nowhere/p"


def test_by_names(client, filled, db):
    wanted = ["ds=c/n=2", "ds=none/n=1", "ds=a/n=10", "ds=a/n=10", "ds=a/n=1", "", "a\x00b", "ds=a"]
    assert names(client.get_partitions_by_names(db, "p", wanted)) == ["ds=a/n=1", "ds=a/n=10", "ds=c/n=2"]
    assert client.get_partitions_by_names(db, "p", []) == []
    with pytest.raises(t.MetaException, match="null"):
        client.get_partitions_by_names(db, "p", None)
    request = t.GetPartitionsByNamesRequest(db_name=f"@hive#{db}", tbl_name="p", names=wanted)
    assert names(client.get_partitions_by_names_req(request).partitions) == ["ds=a/n=1", "ds=a/n=10", "ds=c/n=2"]
    request.names = None
    with pytest.raises(t.MetaException, match="null"):
        client.get_partitions_by_names_req(request)


def test_what_a_request_leaves_out(client, api, database, db):
    make_table(api, database)
    add(api, database, [{"values": ["a", "1"], "parameters": {"numRows": "1", "num_x": "2", "spark.a": "3", "spark.b": "4"}}])

    def shown(**how):
        lists = [client.get_partitions_req(t.PartitionsRequest(dbName=db, tblName="p", **how)).partitions,
                 client.get_partitions_by_names_req(t.GetPartitionsByNamesRequest(db, "p", ["ds=a/n=1"], **how)).partitions,
                 client.get_partitions_by_filter_req(t.GetPartitionsByFilterRequest(dbName=db, tblName="p", filter="", **how)),
                 client.get_partitions_ps_with_auth_req(t.GetPartitionsPsWithAuthRequest(dbName=db, tblName="p", partVals=["a"], **how))
                 .partitions,
                 client.get_partitions_by_expr(t.PartitionsByExprRequest(db, "p", b"\xff", **how)).partitions]
        assert all(one == lists[0] for one in lists)
        return lists[0][0]

    p = shown(skipColumnSchemaForPartition=True)
    assert p.sd.cols == [] and p.sd.location == "file:/nowhere/p/ds=a/n=1" and p.sd.serdeInfo is not None
    assert len(shown(skipColumnSchemaForPartition=False).sd.cols) == 2
    assert sorted(k for k in shown(includeParamKeyPattern="spark%").parameters) == ["spark.a", "spark.b"]
    assert "spark.a" not in shown(excludeParamKeyPattern="spark.%").parameters
    assert sorted(shown(includeParamKeyPattern="num%", excludeParamKeyPattern="num__").parameters) == ["numRows"]
    assert sorted(shown(includeParamKeyPattern="num%", excludeParamKeyPattern="").parameters) == ["numRows", "num_x"]
    assert shown(includeParamKeyPattern="none").parameters == {}
    with pytest.raises(t.MetaException, match="pattern"):
        shown(includeParamKeyPattern="%" * 5000)


# --- part of the values ------------------------------------------------------------------------------------------


def test_partial_specifications(client, filled, db):
    def ask(values, most=-1):
        got = client.get_partition_names_ps(db, "p", values, most)
        request = t.GetPartitionNamesPsRequest(dbName=db, tblName="p", partValues=values, maxParts=most)
        assert client.get_partition_names_ps_req(request).names == got
        assert names(client.get_partitions_ps(db, "p", values, most)) == got
        assert names(client.get_partitions_ps_with_auth(db, "p", values, most, "u", ["g"])) == got
        request = t.GetPartitionsPsWithAuthRequest(dbName=db, tblName="p", partVals=values, maxParts=most)
        assert names(client.get_partitions_ps_with_auth_req(request).partitions) == got
        return got

    assert ask(["a"]) == of("a", *range(1, 11))
    assert ask(["b", ""], 2) == of("b", *range(1, 11))[:2]
    assert ask(["", "1"]) == ["ds=a/n=1", "ds=b/n=1", "ds=c/n=1"]
    assert ask(["c", "10"]) == ["ds=c/n=10"]
    assert ask(["", ""]) == ALL
    assert ask(["z"]) == [] and ask(["", "99"]) == [] and ask(["."]) == [] and ask(["", ".*"]) == []
    for call in (lambda: client.get_partition_names_ps(db, "p", ["a", "1", "x"], -1),
                 lambda: client.get_partitions_ps(db, "p", ["a", "1", "x"], -1)):
        with pytest.raises(t.MetaException, match="Incorrect number of partition values. numPartKeys=2"):
            call()
    for empty in ([], None):
        with pytest.raises(t.MetaException, match=r"Invalid partition key & values; keys \[ds, n, \], values \[\]"):
            client.get_partition_names_ps(db, "p", empty, -1)
    assert names(client.get_partitions_ps(db, "p", [], -1)) == ALL
    with pytest.raises(t.MetaException):
        client.get_partitions_ps(db, "p", None, -1)
    by = t.GetPartitionsPsWithAuthRequest(dbName=db, tblName="p", partNames=["ds=b/n=3", "ds=x/n=3"])
    assert names(client.get_partitions_ps_with_auth_req(by).partitions) == ["ds=b/n=3"]


def test_odd_values(client, api, database, db):
    """Values with every kind of character are matched as they are, never as patterns."""
    values = ["a.c", "abc", "a%c", "a/c", "a=c", "a c", "é+ü", 'q"', "100%", "{x}", "^$", "", DEFAULT]
    make_table(api, database)
    add(api, database, [(v, str(i)) for i, v in enumerate(values)] + [("x", "")])
    for i, value in enumerate(values[:-2]):
        [p] = client.get_partitions_ps(db, "p", [value], -1)
        assert p.values == [value, str(i)]
        [name] = client.get_partition_names_ps(db, "p", [value], -1)
        assert client.get_partition_by_name(db, "p", name) == p == client.get_partition(db, "p", p.values)
        assert client.get_partitions_by_names(db, "p", [name]) == [p]
        assert client.partition_name_to_vals(name) == p.values
        assert client.partition_name_to_spec(name) == {"ds": value, "n": str(i)}
    assert client.get_partition_names_ps(db, "p", [DEFAULT], -1) == [f"ds={DEFAULT}/n=11", f"ds={DEFAULT}/n=12"]
    assert client.get_partition_names_ps(db, "p", ["", DEFAULT], -1) == [f"ds=x/n={DEFAULT}"]
    assert client.get_partition_names_ps(db, "p", ["a/c"], -1) == ["ds=a%2Fc/n=3"]


# --- filters -----------------------------------------------------------------------------------------------------


FILTERS = [
    ('ds = "a"', of("a", *range(1, 11))),
    ("ds = 'a' and n = 10", ["ds=a/n=10"]),
    ('"b" = ds and 3 > n', of("b", 1, 2)),
    ("n > 8", sorted(of("a", 9, 10) + of("b", 9, 10) + of("c", 9, 10))),
    ("n >= 9 AND (ds = \"a\" or ds = \"c\")", sorted(of("a", 9, 10) + of("c", 9, 10))),
    ("(n = 1 or n = 2) and ds != 'a' and ds <> \"b\"", of("c", 1, 2)),
    ("n between 2 and 3 and ds = 'b'", of("b", 2, 3)),
    ("n not between 2 and 10 and ds = 'b'", of("b", 1)),
    ("ds in ('a') and n in (1, 2, 99)", of("a", 1, 2)),
    ("(ds) not in ('a', 'b') and n < 2", of("c", 1)),
    ('ds like ".*a.*" and n <= 1', of("a", 1)),
    ('ds like "a.*" and n <= 1', of("a", 1)),
    ('ds like "%b" and n <= 1', of("b", 1)),
    ("not_a_thing", None),
    ("ds = ", None),
    ("id = 1", None),
    ("ds = \"a\" nonsense", None),
    ('n = "a', None),
    ("'a' like ds", None),
]


@pytest.mark.parametrize("text,expected", FILTERS, ids=[f for f, _ in FILTERS])
def test_filters(client, filled, db, text, expected):
    calls = (lambda: names(client.get_partitions_by_filter(db, "p", text, -1)),
             lambda: names(client.get_partitions_by_filter_req(t.GetPartitionsByFilterRequest(dbName=db, tblName="p", filter=text))),
             lambda: names(client.get_part_specs_by_filter(db, "p", text, -1)[0].partitionList.partitions),
             lambda: names(client.get_partitions_by_expr(t.PartitionsByExprRequest(db, "p", text.encode())).partitions),
             lambda: client.get_partition_names_req(t.PartitionsByExprRequest(db, "p", text.encode())))
    for call in calls:
        if expected is None:
            with pytest.raises(t.MetaException):
                call()
        else:
            assert call() == expected
    if expected is None:
        with pytest.raises(t.MetaException):
            client.get_num_partitions_by_filter(db, "p", text)
    else:
        assert client.get_num_partitions_by_filter(db, "p", text) == len(expected)
        assert names(client.get_partitions_by_filter(db, "p", text, 1)) == expected[:1]
        assert client.get_partitions_by_filter(db, "p", text, 0) == []


def test_filters_on_dates_as_spark_sends_them(client, api, database, db):
    make_table(api, database, keys=(("d", "date"), ("t", "timestamp")))
    add(api, database, [(f"2026-01-{day:02}", "2026-01-01 10:00:00") for day in range(1, 11)] + [(DEFAULT, DEFAULT)])
    assert client.get_num_partitions_by_filter(db, "p", None) == 11

    def days(text):
        return [p.values[0][-2:] for p in client.get_partitions_by_filter(db, "p", text, -1)]

    assert days("d >= 2026-01-09") == days('d >= "2026-01-09"') == days("d >= DATE '2026-01-09'") == ["09", "10"]
    assert days("d = 2026-01-03 or d = '2026-01-05'") == ["03", "05"]
    assert days("t > '2026-01-01 09:59:59' and d < '2026-01-02'") == ["01"]
    assert days(f'd = "{DEFAULT}"') == ["__"]
    with pytest.raises(t.MetaException) as e:
        client.get_partitions_by_filter(db, "p", "id = 1", -1)
    assert "not a partitioning key for the table" in e.value.message


# --- expressions -------------------------------------------------------------------------------------------------


KRYO = b"\x01\x00org.apache.hadoop.hive.ql.plan.ExprNodeGenericFuncDe\xf3\x01\x01\x02"


def test_expressions(client, filled, db):
    def ask(expr, **how):
        answer = client.get_partitions_by_expr(t.PartitionsByExprRequest(db, "p", expr, **how))
        specs = client.get_partitions_spec_by_expr(t.PartitionsByExprRequest(db, "p", expr, **how))
        assert specs.hasUnknownPartitions == answer.hasUnknownPartitions
        members = [m for s in specs.partitionsSpec for m in s.sharedSDPartitionSpec.partitions]
        assert [m.values for m in members] == [p.values for p in answer.partitions]
        return names(answer.partitions), answer.hasUnknownPartitions

    assert ask(b"\xff") == (ALL, False)
    assert ask(b"\xff", maxParts=2) == (ALL[:2], False)
    assert ask(b'ds = "a" and n < 3') == (of("a", 1, 2), False)
    assert ask(KRYO) == (ALL, True)
    assert ask(KRYO, maxParts=2) == (ALL, True)  # those the client wants may be among the others
    assert ask(b"n < 3", order="0,1:-+", maxParts=3)[0] == ["ds=c/n=1", "ds=c/n=2", "ds=b/n=1"]
    assert ask(b"ds = 'a'", order="1:+")[0] == [f"ds=a/n={n}" for n in range(1, 11)]
    assert client.get_partition_names_req(t.PartitionsByExprRequest(db, "p", b"\xff")) == ALL
    assert client.get_partition_names_req(t.PartitionsByExprRequest(db, "p", b"\xff", maxParts=3)) == ALL[:3]
    assert client.get_partition_names_req(t.PartitionsByExprRequest(db, "p", b"ds = 'a'", order="1,:-", maxParts=2)) == [
        "ds=a/n=10", "ds=a/n=9"]
    with pytest.raises(t.MetaException, match="cannot read the expression"):
        client.get_partition_names_req(t.PartitionsByExprRequest(db, "p", KRYO))
    for order in ("x", "2:+", "0:", "0:x", "0,1:+", ":", "0:++"):
        with pytest.raises(t.MetaException, match="Invalid order"):
            ask(b"\xff", order=order)


# --- values ------------------------------------------------------------------------------------------------------


def test_values(client, filled, db):
    def ask(keys, **how):
        request = t.PartitionValuesRequest(db, "p", [hms.column(k) for k in keys], **how)
        return [r.row for r in client.get_partition_values(request).partitionValues]

    assert ask(["ds"]) == [["a"], ["b"], ["c"]]
    assert ask(["DS"], ascending=False) == [["c"], ["b"], ["a"]]
    assert len(ask(["ds"], applyDistinct=False)) == 30
    assert ask(["n"], partitionOrder=[hms.column("n")])[:3] == [["1"], ["2"], ["3"]]
    assert ask(["n"], partitionOrder=[hms.column("n")], ascending=False, maxParts=2) == [["10"], ["9"]]
    assert ask(["n", "ds"], filter="n = 1", maxParts=2) == [["1", "a"], ["1", "b"]]
    assert len(ask([])) == 30 and ask(["ds"], maxParts=0) == []
    for wrong in (["id"], ["ds", "n", "ds"]):
        with pytest.raises(t.MetaException):
            ask(wrong)
    with pytest.raises(t.MetaException):
        ask(["ds"], filter="nonsense")


# --- partition specs ---------------------------------------------------------------------------------------------


@pytest.fixture
def scattered(api, database):
    """Two groups below the table, in turn, and one partition elsewhere."""
    make_table(api, database)
    more = COLUMNS + [{"name": "extra", "type": "int"}]
    add(api, database, [{"values": ["a", str(n)], "columns": more if n % 2 else COLUMNS} for n in range(6)])
    add(api, database, [{"values": ["far", "1"], "storage": {"location": "file:/elsewhere/x"}},
                        {"values": ["near", "1"], "storage": {"location": "file:/nowhere/p2/x"}}])


def test_specs_of_the_old_calls(client, api, scattered, database, db):
    [spec] = client.get_partitions_pspec(db, "p", -1)
    assert (spec.catName, spec.dbName, spec.tableName, spec.rootPath) == ("hive", db, "p", "file:/nowhere/p")
    assert spec.sharedSDPartitionSpec is None
    assert spec.partitionList.partitions == client.get_partitions(db, "p", -1)
    [spec] = client.get_partitions_pspec(db, "p", 3)
    assert len(spec.partitionList.partitions) == 3
    [spec] = client.get_part_specs_by_filter(db, "p", "n = 1", -1)
    assert [p.values for p in spec.partitionList.partitions] == [["a", "1"], ["far", "1"], ["near", "1"]]
    api.ok("PATCH", f"{database}/tables/p", json={"parameters": {"hive.hcatalog.partition.spec.grouping.enabled": "true"}})
    specs = client.get_partitions_pspec(db, "p", -1)
    assert [s.sharedSDPartitionSpec is None for s in specs] == [False, False, True]
    assert len(client.get_part_specs_by_filter(db, "p", "n = 1 and ds = 'a'", -1)) == 1


def test_specs_share_descriptors(client, scattered, db):
    def ask(fields=None, mode=None, filters=None, **masks):
        projection = t.GetProjectionsSpec(fieldList=fields, **masks) if fields is not None or masks else None
        spec = t.GetPartitionsFilterSpec(filterMode=mode, filters=filters) if mode is not None else None
        return client.get_partitions_with_specs(
            t.GetPartitionsRequest(dbName=db, tblName="p", projectionSpec=projection, filterSpec=spec)).partitionSpec

    whole = {tuple(p.values): p for p in client.get_partitions(db, "p", -1)}
    specs = ask()
    assert len(specs) == 3 and all(s.rootPath == "file:/nowhere/p" and s.dbName == db for s in specs)
    seen = {}
    for s in specs[:2]:
        shared = s.sharedSDPartitionSpec
        assert s.partitionList is None and shared.sd.location == "file:/nowhere/p" and len(shared.partitions) == 3
        for m in shared.partitions:
            p = whole[tuple(m.values)]
            assert shared.sd.location + m.relativePath == p.sd.location and m.relativePath.startswith("/ds=")
            assert shared.sd.cols == p.sd.cols and m.parameters == p.parameters and m.createTime == p.createTime
            seen[tuple(m.values)] = len(shared.sd.cols)
    assert seen == {("a", str(n)): 3 if n % 2 else 2 for n in range(6)}
    assert specs[2].partitionList.partitions == [whole["far", "1"], whole["near", "1"]]

    one, two, far = ask(["values", "sd.cols.name", "sd.location", "parameters"])
    shared = one.sharedSDPartitionSpec
    assert [(c.name, c.type, c.comment) for c in shared.sd.cols] == [("id", None, None), ("note", None, None)]
    assert shared.sd.serdeInfo is None and shared.sd.inputFormat is None and shared.partitions[0].createTime is None
    assert shared.partitions[0].relativePath == "/ds=a/n=0" and shared.partitions[0].values == ["a", "0"]
    p = far.partitionList.partitions[0]
    assert p.values == ["far", "1"] and p.sd.location == "file:/elsewhere/x" and p.dbName is None and p.createTime is None
    assert [c.name for c in p.sd.cols] == ["id", "note"] and p.sd.cols[0].type is None

    [only] = ask(["values"])
    shared = only.sharedSDPartitionSpec
    assert shared.sd is None and len(shared.partitions) == 8
    assert all(m.relativePath is None and m.parameters is None for m in shared.partitions)
    no_place = ask(["values", "sd.cols", "sd.serdeInfo.serializationLib"])
    assert [s.partitionList for s in no_place] == [None] * len(no_place)
    assert all(s.sharedSDPartitionSpec.sd.location is None for s in no_place)
    assert no_place[0].sharedSDPartitionSpec.sd.serdeInfo.parameters is None

    def found(specs):
        return [m.values for s in specs for m in (s.sharedSDPartitionSpec or s.partitionList).partitions]

    assert found(ask(["values"], t.PartitionFilterMode.BY_NAMES, ["ds=a/n=5", "ds=a/n=1", "ds=x/n=1"])) == [["a", "1"], ["a", "5"]]
    assert found(ask(["values"], t.PartitionFilterMode.BY_VALUES, ["", "1"])) == [["a", "1"], ["far", "1"], ["near", "1"]]
    assert found(ask(["values"], t.PartitionFilterMode.BY_EXPR, ["n > 1", "n < 4 or n = 9"])) == [["a", "2"], ["a", "3"]]
    assert len(found(ask(["values"], t.PartitionFilterMode.BY_EXPR, []))) == 8
    masked = ask(None, includeParamKeyPattern="none%")
    assert all(m.parameters == {} for s in masked for m in (s.sharedSDPartitionSpec or s.partitionList).partitions)
    for wrong in (["nothing"], ["values.x"], ["sd."], [""], ["sd.cols.name.x"], ["sd.cols", "sd.parameters.k"]):
        with pytest.raises(t.MetaException, match="Invalid field in the projection spec"):
            ask(wrong)
    with pytest.raises(t.MetaException):
        ask(["values"], t.PartitionFilterMode.BY_EXPR, ["nonsense"])
    with pytest.raises(t.MetaException, match="No such partition filter mode"):
        ask(["values"], 77, ["a"])


@pytest.mark.parametrize("wire", [{}, {"compact": True}], ids=["binary", "compact"])
def test_shared_bytes_are_those_of_each_partition(shared, api, database, db, wire):
    """More columns sets and formats than are kept at one time, in turn."""
    make_table(api, database)
    add(api, database, [{"values": ["a", f"{n:03}"], "columns": [{"name": f"c{n % 40}", "type": "int"}],
                         "storage": {"serde": {"library": f"lib{n % 7}", "parameters": {"k": str(n % 7)}}, "buckets": n % 7}}
                        for n in range(200)])
    with hms.connected(shared, **wire) as client:
        partitions = client.get_partitions(db, "p", -1)
    rest = api.ok("GET", f"{database}/tables/p/partitions?limit=200")["items"]
    assert len(partitions) == len(rest) == 200
    for n, (p, r) in enumerate(zip(partitions, rest)):
        assert p.values == r["values"] == ["a", f"{n:03}"]
        assert [c.name for c in p.sd.cols] == [f"c{n % 40}"]
        assert p.sd.serdeInfo.serializationLib == f"lib{n % 7}" and p.sd.serdeInfo.parameters == {"k": str(n % 7)}
        assert p.sd.numBuckets == n % 7 and p.sd.location == r["storage"]["location"]


# --- names as such -----------------------------------------------------------------------------------------------


def test_names_as_such(client):
    assert client.partition_name_to_vals("") == [] and client.partition_name_to_spec("") == {}
    assert client.partition_name_to_vals("ds=a%2Fb/n=1") == ["a/b", "1"]
    assert client.partition_name_to_spec("ds=a%3Db/n=x=y") == {"ds": "a=b", "n": "x=y"}
    assert client.partition_name_to_spec("ds=a/nothing") == {"ds": "a"}
    with pytest.raises(t.MetaException, match="Unexpected component nothing"):
        client.partition_name_to_vals("ds=a/nothing")
    assert client.partition_name_has_valid_characters(["a,b", "é"], True) is True
    client.setMetaConf("metastore.partition.name.whitelist.pattern", "[a-z0-9]*")
    assert client.partition_name_has_valid_characters(["abc", ""], True) is True
    assert client.partition_name_has_valid_characters(["abc", "A"], False) is False
    with pytest.raises(t.MetaException, match="Partition value 'A' contains a character not matched by whitelist pattern"):
        client.partition_name_has_valid_characters(["abc", "A"], True)


# --- limits ------------------------------------------------------------------------------------------------------


def test_limit_of_partitions_in_one_request():
    with running("--set", "hive.partition_limit=5") as server, server.client() as api, hms.connected(server) as client:
        server.expect_log("is not below any of the writable roots")
        api.ok("POST", "/catalogs/hive/databases", 201, json={"name": "d"})
        make_table(api, "/catalogs/hive/databases/d")
        add(api, "/catalogs/hive/databases/d", [("a", str(n)) for n in range(6)] + [("b", "1")])
        over = [lambda: client.get_partitions("d", "p", -1), lambda: client.get_partitions_ps("d", "p", ["a"], -1),
                lambda: client.get_partitions_ps("d", "p", [], -1),
                lambda: client.get_partitions_by_filter("d", "p", "ds = 'a'", -1), lambda: client.get_partitions_pspec("d", "p", -1),
                lambda: client.get_partitions_by_expr(t.PartitionsByExprRequest("d", "p", b"\xff")),
                lambda: client.get_partitions_with_specs(t.GetPartitionsRequest(dbName="d", tblName="p"))]
        for call in over:
            with pytest.raises(t.MetaException) as e:
                call()
            assert "Number of partitions scanned (=" in e.value.message
            assert e.value.message.endswith("on table 'p' exceeds limit (=5). This is controlled on the metastore server by "
                                            "hive.partition_limit.")
        with pytest.raises(t.MetaException, match=r"\(=6\)"):
            client.get_partitions("d", "p", 6)
        assert len(client.get_partitions("d", "p", 5)) == 5
        assert len(client.get_partitions_by_filter("d", "p", "n < 3 and ds = 'a'", -1)) == 3
        assert len(client.get_partition_names("d", "p", -1)) == 7
        assert len(client.get_partitions_by_names("d", "p", [f"ds=a/n={n}" for n in range(6)])) == 6
        assert client.get_num_partitions_by_filter("d", "p", "") == 7
