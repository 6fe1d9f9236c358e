"""Spark 3.5 with the Hive client that is built into it (2.3.9)."""

import os

import pytest
from conftest import wait_for


@pytest.fixture
def db(sql, request):
    name = request.node.name.split("[")[0][:50]
    sql(f"CREATE DATABASE {name}")
    yield name
    sql(f"DROP DATABASE {name} CASCADE")


def test_databases(sql, server):
    sql("CREATE DATABASE first COMMENT 'the first' WITH DBPROPERTIES ('team'='sales')")
    assert ("first",) in sql("SHOW DATABASES") and ("default",) in sql("SHOW DATABASES")
    assert sql("SHOW DATABASES LIKE 'fir*|zz'") == [("first",)]
    described = dict(sql("DESCRIBE DATABASE EXTENDED first"))
    assert described["Comment"] == "the first" and "team" in described["Properties"]
    assert described["Location"] == f"file:{server.warehouse}/first.db" and os.path.isdir(server.warehouse / "first.db")
    sql("ALTER DATABASE first SET DBPROPERTIES ('team'='marketing')")
    assert "marketing" in dict(sql("DESCRIBE DATABASE EXTENDED first"))["Properties"]
    assert server.get("/catalogs/hive/databases/first")["parameters"]["team"] == "marketing"
    sql("CREATE TABLE first.t (a INT)")
    with pytest.raises(Exception, match="(?i)not.empty"):
        sql("DROP DATABASE first")
    with pytest.raises(Exception, match="(?i)already exists"):
        sql("CREATE DATABASE first")
    sql("CREATE DATABASE IF NOT EXISTS first")
    sql("DROP DATABASE first CASCADE")
    assert ("first",) not in sql("SHOW DATABASES") and wait_for(lambda: not os.path.exists(server.warehouse / "first.db"))
    with pytest.raises(Exception, match="(?i)cannot be found|not.found"):
        sql("DROP DATABASE first")
    sql("DROP DATABASE IF EXISTS first")


@pytest.mark.parametrize("how", ["USING parquet", "USING orc", "USING json", "USING csv", "STORED AS textfile", "STORED AS parquet",
                                 "STORED AS orc", "STORED AS avro", "STORED AS sequencefile", "STORED AS rcfile"])
def test_formats(sql, db, how):
    sql(f"CREATE TABLE {db}.t (a INT COMMENT 'number', b STRING, c DOUBLE) {how}")
    sql(f"INSERT INTO {db}.t VALUES (1, 'one', 1.5), (2, 'two', 2.5)")
    assert sorted(sql(f"SELECT * FROM {db}.t")) == [(1, "one", 1.5), (2, "two", 2.5)]
    assert sql(f"DESCRIBE {db}.t")[0] == ("a", "int", "number")
    sql(f"INSERT OVERWRITE {db}.t VALUES (3, 'three', 3.5)")
    assert sql(f"SELECT b FROM {db}.t") == [("three",)]


def test_managed_and_external(sql, db, server):
    outside = server.outside
    sql(f"CREATE TABLE {db}.kept (a INT) STORED AS parquet LOCATION '{outside}/kept'")
    sql(f"INSERT INTO {db}.kept VALUES (1)")
    sql(f"CREATE TABLE {db}.own (a INT) STORED AS parquet")
    sql(f"INSERT INTO {db}.own VALUES (1)")
    own = server.warehouse / f"{db}.db" / "own"
    assert any(own.iterdir()) and server.table(db, "kept")["type"] == "EXTERNAL_TABLE"
    assert server.table(db, "own")["type"] == "MANAGED_TABLE"
    sql(f"DROP TABLE {db}.kept")
    sql(f"DROP TABLE {db}.own")
    assert any((outside / "kept").iterdir()) and not own.exists()
    sql(f"CREATE EXTERNAL TABLE {db}.kept (a INT) STORED AS parquet LOCATION '{outside}/kept'")
    assert sql(f"SELECT * FROM {db}.kept") == [(1,)]
    sql(f"CREATE TABLE {db}.gone (a INT) STORED AS parquet")
    sql(f"DROP TABLE {db}.gone PURGE")
    with pytest.raises(Exception, match="(?i)cannot be found|not.found"):
        sql(f"SELECT * FROM {db}.gone")


def test_partitions(sql, db, server):
    sql(f"CREATE TABLE {db}.p (a INT, b STRING) PARTITIONED BY (day DATE, shop INT, kind STRING) STORED AS parquet")
    sql(f"INSERT INTO {db}.p PARTITION (day='2026-01-01', shop=1, kind='x') VALUES (1, 'one')")
    sql(f"INSERT INTO {db}.p PARTITION (day, shop, kind) SELECT 2, 'two', DATE'2026-01-02', 2, 'y'"
        " UNION ALL SELECT 3, 'three', DATE'2026-02-01', 10, 'x z'")
    sql(f"ALTER TABLE {db}.p ADD PARTITION (day='2026-03-01', shop=3, kind='a/b=c')")
    assert sorted(sql(f"SHOW PARTITIONS {db}.p")) == [
        ("day=2026-01-01/shop=1/kind=x",), ("day=2026-01-02/shop=2/kind=y",), ("day=2026-02-01/shop=10/kind=x z",),
        ("day=2026-03-01/shop=3/kind=a%2Fb%3Dc",)]
    assert sql(f"SHOW PARTITIONS {db}.p PARTITION (shop=2)") == [("day=2026-01-02/shop=2/kind=y",)]
    for where, expected in (
            ("day = DATE'2026-01-01'", [1]), ("day > DATE'2026-01-01'", [2, 3]), ("shop = 10", [3]), ("shop > 1", [2, 3]),
            ("shop IN (1, 10)", [1, 3]), ("kind LIKE 'x%'", [1, 3]), ("kind LIKE '%z'", [3]), ("kind = 'x' OR shop = 2", [1, 2]),
            ("NOT kind = 'x'", [2, 3]), ("kind != 'x' AND day < DATE'2026-01-15'", [2]), ("day BETWEEN DATE'2026-01-01' AND DATE'2026-01-31'", [1, 2])):
        assert sorted(a for (a,) in sql(f"SELECT a FROM {db}.p WHERE {where}")) == expected, where
    sql(f"INSERT OVERWRITE {db}.p PARTITION (day='2026-01-01', shop=1, kind='x') VALUES (9, 'nine')")
    assert sql(f"SELECT a FROM {db}.p WHERE shop = 1") == [(9,)]
    sql(f"ALTER TABLE {db}.p PARTITION (day='2026-01-01', shop=1, kind='x') RENAME TO PARTITION (day='2026-01-01', shop=5, kind='x')")
    assert sql(f"SELECT a FROM {db}.p WHERE shop = 5") == [(9,)]
    sql(f"ALTER TABLE {db}.p DROP PARTITION (day='2026-01-02', shop=2, kind='y')")
    with pytest.raises(Exception, match="(?i)not.found|cannot be found"):
        sql(f"ALTER TABLE {db}.p DROP PARTITION (day='2026-01-02', shop=2, kind='y')")
    sql(f"ALTER TABLE {db}.p DROP IF EXISTS PARTITION (day='2026-01-02', shop=2, kind='y')")
    with pytest.raises(Exception, match="(?i)already exist"):
        sql(f"ALTER TABLE {db}.p ADD PARTITION (day='2026-03-01', shop=3, kind='a/b=c')")
    assert sorted(a for (a,) in sql(f"SELECT a FROM {db}.p")) == [3, 9]
    assert len(server.get(f"/catalogs/hive/databases/{db}/tables/p/partitions?detail=name")["items"]) == 3


def test_msck_and_recover(sql, db, server):
    sql(f"CREATE TABLE {db}.m (a INT) PARTITIONED BY (d STRING) STORED AS parquet")
    sql(f"INSERT INTO {db}.m PARTITION (d='one') VALUES (1)")
    place = server.warehouse / f"{db}.db" / "m"
    os.system(f"cp -r '{place}/d=one' '{place}/d=two'")
    assert sql(f"SHOW PARTITIONS {db}.m") == [("d=one",)]
    sql(f"MSCK REPAIR TABLE {db}.m")
    assert sql(f"SHOW PARTITIONS {db}.m") == [("d=one",), ("d=two",)]
    assert sorted(sql(f"SELECT * FROM {db}.m")) == [(1, "one"), (1, "two")]


def test_renames_and_columns(sql, db, server):
    sql(f"CREATE TABLE {db}.t (a INT, b STRING) USING parquet")
    sql(f"INSERT INTO {db}.t VALUES (1, 'one')")
    sql(f"ALTER TABLE {db}.t RENAME TO {db}.u")
    assert sql(f"SELECT * FROM {db}.u") == [(1, "one")] and not (server.warehouse / f"{db}.db" / "t").exists()
    sql(f"ALTER TABLE {db}.u ADD COLUMNS (c DOUBLE COMMENT 'third')")
    assert sql(f"SELECT * FROM {db}.u") == [(1, "one", None)]
    sql(f"ALTER TABLE {db}.u CHANGE COLUMN b b STRING COMMENT 'second'")
    assert [r[:3] for r in sql(f"DESCRIBE {db}.u")] == [("a", "int", None), ("b", "string", "second"), ("c", "double", "third")]
    sql(f"ALTER TABLE {db}.u SET TBLPROPERTIES ('x'='1', 'comment'='about u')")
    sql(f"ALTER TABLE {db}.u UNSET TBLPROPERTIES ('x')")
    assert dict(sql(f"SHOW TBLPROPERTIES {db}.u")).get("x") is None
    sql(f"CREATE TABLE {db}.v (a INT)")
    with pytest.raises(Exception, match="(?i)already exists"):
        sql(f"ALTER TABLE {db}.u RENAME TO {db}.v")
    with pytest.raises(Exception, match="(?i)already exists"):
        sql(f"CREATE TABLE {db}.v (a INT)")
    versions = server.history(db, "u")
    assert len(versions) >= 5 and {v["change"]["protocol"] for v in versions} == {"hive"}


def test_ctas_views_functions(sql, db, server):
    sql(f"CREATE TABLE {db}.t USING parquet AS SELECT id, id * 2 AS twice FROM range(10)")
    assert sql(f"SELECT sum(twice) FROM {db}.t") == [(90,)]
    sql(f"CREATE TABLE {db}.h STORED AS orc AS SELECT * FROM {db}.t WHERE id < 3")
    assert sql(f"SELECT count(*) FROM {db}.h") == [(3,)]
    sql(f"CREATE VIEW {db}.view AS SELECT twice FROM {db}.t WHERE id > 5")
    assert sorted(sql(f"SELECT * FROM {db}.view")) == [(12,), (14,), (16,), (18,)]
    assert server.table(db, "view")["type"] == "VIRTUAL_VIEW"
    assert [r[1] for r in sql(f"SHOW VIEWS IN {db}")] == ["view"]
    sql(f"ALTER VIEW {db}.view AS SELECT id FROM {db}.t WHERE id > 8")
    assert sql(f"SELECT * FROM {db}.view") == [(9,)]
    sql(f"DROP VIEW {db}.view")
    sql(f"CREATE FUNCTION {db}.up AS 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFUpper'")
    assert sql(f"SELECT {db}.up('bee')") == [("BEE",)]
    assert (f"spark_catalog.{db}.up",) in sql(f"SHOW USER FUNCTIONS IN {db}")
    sql(f"DROP FUNCTION {db}.up")


def test_buckets(sql, db):
    sql(f"CREATE TABLE {db}.b (a INT, b STRING) USING parquet CLUSTERED BY (a) SORTED BY (b) INTO 4 BUCKETS")
    sql(f"INSERT INTO {db}.b VALUES (1, 'x'), (2, 'y')")
    described = {r[0]: r[1] for r in sql(f"DESCRIBE EXTENDED {db}.b")}
    assert described["Num Buckets"] == "4" and "a" in described["Bucket Columns"] and "b" in described["Sort Columns"]
    assert len(sql(f"SELECT * FROM {db}.b")) == 2


def test_analyze(sql, db, server):
    sql(f"CREATE TABLE {db}.t (a INT, b STRING) PARTITIONED BY (d STRING) STORED AS parquet")
    sql(f"INSERT INTO {db}.t PARTITION (d='x') VALUES (1, 'one'), (2, 'two')")
    sql(f"ANALYZE TABLE {db}.t COMPUTE STATISTICS")
    sql(f"ANALYZE TABLE {db}.t PARTITION (d='x') COMPUTE STATISTICS")
    sql(f"ANALYZE TABLE {db}.t COMPUTE STATISTICS FOR COLUMNS a, b")
    assert "2 rows" in {r[0]: r[1] for r in sql(f"DESCRIBE EXTENDED {db}.t")}["Statistics"]
    assert "2 rows" in {r[0]: r[1] for r in sql(f"DESCRIBE EXTENDED {db}.t PARTITION (d='x')")}["Partition Statistics"]
    assert dict(sql(f"DESCRIBE EXTENDED {db}.t a"))["distinct_count"] == "2"


def test_show(sql, db):
    sql(f"CREATE TABLE {db}.alpha (a INT)")
    sql(f"CREATE TABLE {db}.beta (a INT)")
    assert [r[1] for r in sql(f"SHOW TABLES IN {db}")] == ["alpha", "beta"]
    assert [r[1] for r in sql(f"SHOW TABLES IN {db} LIKE 'al*'")] == ["alpha"]
    assert "CREATE TABLE" in sql(f"SHOW CREATE TABLE {db}.alpha")[0][0]
    assert sql(f"SHOW COLUMNS IN {db}.alpha") == [("a",)]
    assert len(sql(f"SHOW TABLE EXTENDED IN {db} LIKE '*'")) == 2


def test_odd_names(sql, db):
    sql(f"CREATE TABLE {db}.odd (`a b` INT, `ü$%` STRING, `sel.ect` INT) PARTITIONED BY (`p_q` STRING) STORED AS orc")
    values = ["with space", "a/b", "a=b", "50%", "ünï", "quote'quote", 'double"quote', "back\\\\slash", "{brace}", "#hash", "a:b", "tab\tx"]
    for i, value in enumerate(values):
        text = value.replace("'", "\\'")
        sql(f"INSERT INTO {db}.odd PARTITION (`p_q`='{text}') VALUES ({i}, 'v', {i})")
    assert sorted(r[0] for r in sql(f"SELECT `a b` FROM {db}.odd")) == list(range(len(values)))
    assert len(sql(f"SHOW PARTITIONS {db}.odd")) == len(values)
    assert sql(f"SELECT `a b` FROM {db}.odd WHERE `p_q` = 'a/b'") == [(1,)]
    assert sql(f"SELECT `a b` FROM {db}.odd WHERE `p_q` = 'quote\\'quote'") == [(5,)]
