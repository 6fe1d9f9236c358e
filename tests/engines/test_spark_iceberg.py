"""Iceberg's HiveCatalog inside Spark 3.5."""

import threading

import pytest
from conftest import jar, rows

pytestmark = pytest.mark.skipif(not jar("iceberg-spark-runtime-3.5*.jar"), reason="Iceberg's jar is not there (make deps-engines)")


@pytest.fixture
def db(sql, request):
    name = request.node.name.split("[")[0][:50]
    sql(f"CREATE NAMESPACE ice.{name}")
    yield name
    for (_, table, _) in sql(f"SHOW TABLES IN ice.{name}"):
        sql(f"DROP TABLE IF EXISTS ice.{name}.{table}")
    sql(f"DROP NAMESPACE ice.{name}")


def test_life_of_a_table(sql, db, server):
    t = f"ice.{db}.t"
    sql(f"CREATE TABLE {t} (id BIGINT, name STRING, day DATE) USING iceberg PARTITIONED BY (days(day))")
    with pytest.raises(Exception, match="(?i)already exists"):
        sql(f"CREATE TABLE {t} (id BIGINT) USING iceberg")
    sql(f"INSERT INTO {t} VALUES (1, 'one', DATE'2026-01-01'), (2, 'two', DATE'2026-01-02')")
    first = sql(f"SELECT snapshot_id FROM {t}.snapshots ORDER BY committed_at")[0][0]
    sql(f"MERGE INTO {t} USING (SELECT 2 AS id, 'zwei' AS name UNION ALL SELECT 3, 'drei') s ON {t}.id = s.id"
        " WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT (id, name, day) VALUES (s.id, s.name, DATE'2026-01-03')")
    assert sorted(sql(f"SELECT id, name FROM {t}")) == [(1, "one"), (2, "zwei"), (3, "drei")]
    sql(f"DELETE FROM {t} WHERE id = 1")
    sql(f"UPDATE {t} SET name = 'trois' WHERE id = 3")
    assert sorted(sql(f"SELECT id, name FROM {t} VERSION AS OF {first}")) == [(1, "one"), (2, "two")]
    sql(f"ALTER TABLE {t} ADD COLUMN price DECIMAL(10,2) AFTER id")
    sql(f"ALTER TABLE {t} RENAME COLUMN name TO label")
    sql(f"ALTER TABLE {t} ALTER COLUMN id COMMENT 'key'")
    sql(f"ALTER TABLE {t} DROP COLUMN price")
    sql(f"ALTER TABLE {t} ADD PARTITION FIELD bucket(4, id)")
    assert sorted(sql(f"SELECT id, label FROM {t}")) == [(2, "zwei"), (3, "trois")]
    sql(f"ALTER TABLE {t} RENAME TO ice.{db}.u")
    assert sorted(sql(f"SELECT id FROM ice.{db}.u")) == [(2,), (3,)]
    assert [r[1] for r in sql(f"SHOW TABLES IN ice.{db}")] == ["u"]
    table = server.table(db, "u")
    assert table["parameters"]["table_type"] == "ICEBERG" and table["parameters"]["metadata_location"].endswith(".metadata.json")
    assert "DO_NOT_UPDATE_STATS" not in table["parameters"]
    sql(f"DROP TABLE ice.{db}.u")
    with pytest.raises(Exception, match="(?i)not found|cannot be found"):
        sql(f"SELECT * FROM ice.{db}.u")


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no-locks"])
def test_concurrent_writers_lose_nothing(spark, sql, db, locks):
    t = f"ice.{db}.t"
    sql(f"CREATE TABLE {t} (id BIGINT, who INT) USING iceberg TBLPROPERTIES ('engine.hive.lock-enabled'='{str(locks).lower()}',"
        " 'commit.retry.num-retries'='100', 'commit.retry.min-wait-ms'='50', 'commit.retry.max-wait-ms'='500')")
    failures = []

    def write(who):
        try:
            for i in range(3):
                rows(spark.sql(f"INSERT INTO {t} VALUES ({i}, {who})"))
        except Exception as why:  # noqa: B902
            failures.append(why)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    assert sorted(sql(f"SELECT who, id FROM {t}")) == [(who, i) for who in range(8) for i in range(3)]
    assert len(sql(f"SELECT * FROM {t}.snapshots")) == 24


def test_namespaces(sql, db):
    sql(f"CREATE TABLE ice.{db}.t (a INT) USING iceberg")
    with pytest.raises(Exception, match="(?i)not empty"):
        sql(f"DROP NAMESPACE ice.{db}")
    sql(f"ALTER NAMESPACE ice.{db} SET PROPERTIES ('team'='sales')")
    assert "team" in dict(sql(f"DESCRIBE NAMESPACE EXTENDED ice.{db}"))["Properties"]
    sql(f"CREATE VIEW ice.{db}.v AS SELECT a FROM ice.{db}.t")
    sql(f"INSERT INTO ice.{db}.t VALUES (1)")
    assert sql(f"SELECT * FROM ice.{db}.v") == [(1,)]
    sql(f"DROP VIEW ice.{db}.v")
