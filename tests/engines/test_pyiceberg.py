"""PyIceberg's Hive catalog."""

import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import (CommitFailedException, NamespaceAlreadyExistsError, NamespaceNotEmptyError, NoSuchNamespaceError,
                                  NoSuchTableError, TableAlreadyExistsError)
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

SCHEMA = Schema(NestedField(1, "id", LongType(), required=True), NestedField(2, "name", StringType()),
                NestedField(3, "at", TimestampType()), identifier_field_ids=[1])


@pytest.fixture
def catalog(server):
    return load_catalog("hive", type="hive", uri=server.thrift, warehouse=f"file://{server.warehouse}/py")


@pytest.fixture
def space(catalog, request):
    name = request.node.name
    catalog.create_namespace(name, {"team": "bees"})
    yield name
    for table in catalog.list_tables(name):
        catalog.drop_table(table)
    catalog.drop_namespace(name)


def rows(*ids):
    return pa.table({"id": pa.array(ids, pa.int64()), "name": [f"n{i}" for i in ids], "at": pa.array([None] * len(ids), pa.timestamp("us"))},
                    schema=pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string()), pa.field("at", pa.timestamp("us"))]))


def test_py_namespaces(catalog, space):
    assert (space,) in catalog.list_namespaces()
    assert catalog.load_namespace_properties(space)["team"] == "bees"
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(space)
    with pytest.raises(NoSuchNamespaceError):
        catalog.load_namespace_properties("nowhere")
    with pytest.raises(NoSuchNamespaceError):
        catalog.drop_namespace("nowhere")
    catalog.update_namespace_properties(space, removals={"team"}, updates={"color": "yellow"})
    properties = catalog.load_namespace_properties(space)
    assert properties["color"] == "yellow" and "team" not in properties
    catalog.create_table((space, "t"), SCHEMA)
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(space)


def test_py_tables(catalog, space, server):
    table = catalog.create_table((space, "t"), SCHEMA)
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table((space, "t"), SCHEMA)
    table.append(rows(1, 2, 3))
    table.append(rows(4))
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == [1, 2, 3, 4]
    table.delete("id = 2")
    with table.update_schema() as update:
        update.add_column("price", LongType(), "what it costs")
    with table.update_schema() as update:
        update.rename_column("name", "label")
    with table.update_spec() as update:
        update.add_field("at", DayTransform(), "day")
    table = catalog.load_table((space, "t"))
    assert [f.name for f in table.schema().fields] == ["id", "label", "at", "price"] and table.spec().fields[0].name == "day"
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == [1, 3, 4]
    assert catalog.list_tables(space) == [(space, "t")] and catalog.table_exists((space, "t"))
    catalog.rename_table((space, "t"), (space, "u"))
    with pytest.raises(NoSuchTableError):
        catalog.load_table((space, "t"))
    assert sorted(catalog.load_table((space, "u")).scan().to_arrow()["id"].to_pylist()) == [1, 3, 4]
    assert [c["name"] for c in server.table(space, "u")["columns"]] == ["id", "label", "at", "price"]
    catalog.drop_table((space, "u"))
    with pytest.raises(NoSuchTableError):
        catalog.drop_table((space, "u"))


def test_py_commits_that_collide(catalog, space):
    catalog.create_table((space, "t"), SCHEMA)
    one, two = catalog.load_table((space, "t")), catalog.load_table((space, "t"))
    one.append(rows(1))
    try:  # of another snapshot than the table is at by now: refused, or done again on top of that; never lost
        two.append(rows(2))
        expected = [1, 2]
    except CommitFailedException:
        expected = [1]
    assert sorted(catalog.load_table((space, "t")).scan().to_arrow()["id"].to_pylist()) == expected
