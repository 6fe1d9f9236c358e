"""Constraints through the Thrift door: a row for each column there, one object in the catalog."""

import hms
import pytest
from hms import t

COLUMNS = [("id", "bigint"), ("part", "int"), ("note", "string"), ("ref_id", "bigint"), ("ref_part", "int")]


def make(api, database, *names):
    for name in names:
        api.ok("POST", database + "/tables", 201, json={"name": name, "columns": [{"name": n, "type": k} for n, k in COLUMNS]})
    return database.rsplit("/", 1)[1]


@pytest.fixture
def client(shared):
    with hms.connected(shared) as connected:
        yield connected


FLAGS = {"enable_cstr": True, "validate_cstr": False, "rely_cstr": True}


def pk(db, column, seq=1, name=None, table="t", **more):
    return t.SQLPrimaryKey(table_db=db, table_name=table, column_name=column, key_seq=seq, pk_name=name, **{**FLAGS, **more})


def fk(db, column, to, seq=1, name=None, table="child", parent="t", **more):
    return t.SQLForeignKey(pktable_db=db, pktable_name=parent, pkcolumn_name=to, fktable_db=db, fktable_name=table, fkcolumn_name=column,
                           key_seq=seq, update_rule=1, delete_rule=2, fk_name=name, pk_name=None, **{**FLAGS, **more})


def uk(db, column, seq=1, name=None, table="t"):
    return t.SQLUniqueConstraint(catName="hive", table_db=db, table_name=table, column_name=column, key_seq=seq, uk_name=name, **FLAGS)


def nn(db, column, name=None, table="t"):
    return t.SQLNotNullConstraint(catName="hive", table_db=db, table_name=table, column_name=column, nn_name=name, **FLAGS)


def default(db, column, value, name=None):
    return t.SQLDefaultConstraint(catName="hive", table_db=db, table_name="t", column_name=column, default_value=value, dc_name=name, **FLAGS)


def check(db, column, expression, name=None):
    return t.SQLCheckConstraint(catName="hive", table_db=db, table_name="t", column_name=column, check_expression=expression, dc_name=name, **FLAGS)


def primary_keys(client, db, table="t", cat=None):
    return client.get_primary_keys(t.PrimaryKeysRequest(db_name=db, tbl_name=table, catName=cat)).primaryKeys


def foreign_keys(client, parent_db=None, parent=None, db=None, table=None):
    return client.get_foreign_keys(t.ForeignKeysRequest(parent_db_name=parent_db, parent_tbl_name=parent, foreign_db_name=db, foreign_tbl_name=table)).foreignKeys


def unique(client, db, table="t"):
    return client.get_unique_constraints(t.UniqueConstraintsRequest(catName="hive", db_name=db, tbl_name=table)).uniqueConstraints


def not_null(client, db, table="t"):
    return client.get_not_null_constraints(t.NotNullConstraintsRequest(catName="hive", db_name=db, tbl_name=table)).notNullConstraints


def defaults(client, db, table="t"):
    return client.get_default_constraints(t.DefaultConstraintsRequest(catName="hive", db_name=db, tbl_name=table)).defaultConstraints


def checks(client, db, table="t"):
    return client.get_check_constraints(t.CheckConstraintsRequest(catName="hive", db_name=db, tbl_name=table)).checkConstraints


def everything(client, db, table="t"):
    return client.get_all_table_constraints(t.AllTableConstraintsRequest(dbName=db, tblName=table, catName="hive")).allTableConstraints


def drop(client, db, name, table="t"):
    client.drop_constraint(t.DropConstraintRequest(dbname=db, tablename=table, constraintname=name))


def test_primary_key(client, api, database):
    db = make(api, database, "t")
    assert primary_keys(client, db) == []
    client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk("@hive#" + db.upper(), "Part", 2, "My_PK", "T"), pk("@hive#" + db.upper(), "ID", 1, "my_pk", "T")]))
    rows = [pk(db, "id", 1, "my_pk", catName="hive"), pk(db, "part", 2, "my_pk", catName="hive")]
    assert primary_keys(client, db) == rows and primary_keys(client, db.upper(), "T", "hive") == rows
    (seen,) = api.ok("GET", database + "/tables/t/constraints")["items"]
    assert (seen["kind"], seen["name"], seen["columns"], seen["rely"]) == ("primary_key", "my_pk", ["id", "part"], True)
    with pytest.raises(t.MetaException, match="already has a primary key"):
        client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk(db, "note")]))
    drop(client, "@hive#" + db, " MY_PK ", "T")
    assert primary_keys(client, db) == []
    with pytest.raises(t.NoSuchObjectException, match="my_pk not found"):
        drop(client, db, "my_pk")
    client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk(db, "note"), pk(db, "id", 2)]))
    one, two = primary_keys(client, db)
    assert (one.column_name, one.key_seq, two.column_name, two.key_seq) == ("note", 1, "id", 2)
    assert one.pk_name == two.pk_name and len(one.pk_name) > 30


def test_foreign_keys(client, api, database):
    db = make(api, database, "t", "child", "other")
    with pytest.raises(t.MetaException, match="neither its primary key nor a unique key"):
        client.add_foreign_key(t.AddForeignKeyRequest(foreignKeyCols=[fk(db, "ref_id", "id")]))
    client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk(db, "id", 1, "p"), pk(db, "part", 2, "p")]))
    client.add_unique_constraint(t.AddUniqueConstraintRequest(uniqueConstraintCols=[uk(db, "note", 1, "u")]))
    client.add_foreign_key(t.AddForeignKeyRequest(foreignKeyCols=[
        fk(db, "ref_id", "id", 1, "f"), fk(db, "note", "note", 1, "g"), fk(db, "ref_part", "part", 2, "f")]))
    client.add_foreign_key(t.AddForeignKeyRequest(foreignKeyCols=[fk(db, "note", "note", table="other")]))
    of_child = [fk(db, "ref_id", "id", 1, "f", catName="hive"), fk(db, "ref_part", "part", 2, "f", catName="hive"), fk(db, "note", "note", 1, "g", catName="hive")]
    of_child[0].pk_name = of_child[1].pk_name = "p"
    of_child[2].pk_name = "u"
    assert foreign_keys(client, db=db, table="child") == of_child
    assert foreign_keys(client, db, "T", db, "child") == of_child
    assert [k.fktable_name for k in foreign_keys(client, db, "t")] .count("other") == 1 and len(foreign_keys(client, db, "t")) == 4
    assert foreign_keys(client, db, "other", db, "child") == [] and foreign_keys(client, db, "other") == []
    assert foreign_keys(client, db, "none") == [] and foreign_keys(client, "none", "t") == []
    for request in (t.ForeignKeysRequest(), t.ForeignKeysRequest(parent_db_name=db, foreign_db_name=db)):
        with pytest.raises(t.MetaException, match="must be named"):
            client.get_foreign_keys(request)
    with pytest.raises(t.NoSuchObjectException, match=f"hive.{db}.none table not found"):
        client.add_foreign_key(t.AddForeignKeyRequest(foreignKeyCols=[fk(db, "ref_id", "id", parent="none")]))
    drop(client, db, "f", "child")
    assert [k.fk_name for k in foreign_keys(client, db=db, table="child")] == ["g"]


def test_the_other_kinds(client, api, database):
    db = make(api, database, "t")
    client.add_unique_constraint(t.AddUniqueConstraintRequest(uniqueConstraintCols=[uk(db, "id"), uk(db, "part", 2), uk(db, "note")]))
    one, two, three = sorted(unique(client, db), key=lambda r: ("id", "part", "note").index(r.column_name))
    assert one.uk_name == two.uk_name != three.uk_name and [r.key_seq for r in (one, two, three)] == [1, 2, 1]
    assert (one.catName, one.table_db, one.table_name, one.enable_cstr, one.validate_cstr, one.rely_cstr) == ("hive", db, "t", True, False, True)
    client.add_not_null_constraint(t.AddNotNullConstraintRequest(notNullConstraintCols=[nn(db, "ID", "n1"), nn(db, "note")]))
    rows = not_null(client, db)
    assert nn(db, "id", "n1") in rows and {r.column_name for r in rows} == {"id", "note"} and len({r.nn_name for r in rows}) == 2
    client.add_default_constraint(t.AddDefaultConstraintRequest(defaultConstraintCols=[default(db, "note", "'ü\"x'", "d1")]))
    assert defaults(client, db) == [default(db, "note", "'ü\"x'", "d1")]
    client.add_check_constraint(t.AddCheckConstraintRequest(checkConstraintCols=[check(db, "id", "id > 0", "c1"), check(db, None, "id > part", "c2")]))
    assert checks(client, db) == [check(db, "id", "id > 0", "c1"), check(db, None, "id > part", "c2")]
    client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk(db, "id", name="p")]))
    all = everything(client, db)
    assert (all.primaryKeys, all.foreignKeys) == ([pk(db, "id", 1, "p", catName="hive")], [])
    assert (all.uniqueConstraints, all.notNullConstraints) == (unique(client, db), rows)
    assert (all.defaultConstraints, all.checkConstraints) == (defaults(client, db), checks(client, db))
    with pytest.raises(t.MetaException, match="n1 already exists"):
        client.add_not_null_constraint(t.AddNotNullConstraintRequest(notNullConstraintCols=[nn(db, "part"), nn(db, "id", "N1")]))
    assert len(not_null(client, db)) == 2  # all of a call or none
    for name in ("n1", "d1", "c1", "p"):
        drop(client, db, name)
    all = everything(client, db)
    assert (all.primaryKeys, all.defaultConstraints, [r.dc_name for r in all.checkConstraints]) == ([], [], ["c2"])
    kinds = {c["kind"] for c in api.ok("GET", database + "/tables/t/constraints")["items"]}
    assert kinds == {"unique", "not_null", "check"}


def test_what_rest_adds(client, api, database):
    db = make(api, database, "t")
    api.ok("POST", database + "/tables/t/constraints", 201, json={"kind": "primary_key", "name": "k", "columns": ["part", "id"]})
    assert [(r.column_name, r.key_seq, r.pk_name, r.rely_cstr) for r in primary_keys(client, db)] == [("part", 1, "k", False), ("id", 2, "k", False)]


def test_nothing_there(client, api, database):
    db = make(api, database)
    for where in ((db, "none"), ("no_such_database", "t")):
        assert [f(client, *where) for f in (primary_keys, unique, not_null, defaults, checks)] == [[]] * 5
        assert everything(client, *where) == t.SQLAllTableConstraints([], [], [], [], [], [])


def test_refused(client, api, database):
    db = make(api, database, "t")
    adds = [lambda table, column="id": client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk(db, column, table=table)])),
            lambda table, column="id": client.add_foreign_key(t.AddForeignKeyRequest(foreignKeyCols=[fk(db, column, "id", table=table)])),
            lambda table, column="id": client.add_unique_constraint(t.AddUniqueConstraintRequest(uniqueConstraintCols=[uk(db, column, table=table)])),
            lambda table, column="id": client.add_not_null_constraint(t.AddNotNullConstraintRequest(notNullConstraintCols=[nn(db, column, table=table)]))]
    for add in adds:
        with pytest.raises(t.NoSuchObjectException, match=f"hive.{db}.none table not found"):
            add("none")
        with pytest.raises(t.MetaException, match="names column nix"):
            add("t", "nix")
        with pytest.raises(t.MetaException, match="Column name cannot be null"):
            add("t", None)
        with pytest.raises(t.MetaException, match="Table name cannot be null"):
            add(None)
    with pytest.raises(t.NoSuchObjectException, match="no_such_database"):
        client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk("no_such_database", "id")]))
    with pytest.raises(t.MetaException, match="needs an expression"):
        client.add_default_constraint(t.AddDefaultConstraintRequest(defaultConstraintCols=[default(db, "id", None)]))
    with pytest.raises(t.MetaException, match="no UTF-8"):
        client.add_check_constraint(t.AddCheckConstraintRequest(checkConstraintCols=[check(db, "id", "a\x00b")]))
    with pytest.raises(t.MetaException, match="twice"):
        client.add_unique_constraint(t.AddUniqueConstraintRequest(uniqueConstraintCols=[uk(db, "id"), uk(db, "ID", 2)]))
    with pytest.raises(t.MetaException, match="of one table"):
        client.add_unique_constraint(t.AddUniqueConstraintRequest(uniqueConstraintCols=[uk(db, "id"), uk(db, "id", table="u")]))
    client.add_unique_constraint(t.AddUniqueConstraintRequest(uniqueConstraintCols=[]))
    with pytest.raises(t.NoSuchObjectException, match=f"hive.{db}.none table not found"):
        drop(client, db, "x", "none")
    assert everything(client, db) == t.SQLAllTableConstraints([], [], [], [], [], [])


def test_nothing_given(client):
    for method in ("add_primary_key", "add_foreign_key", "add_unique_constraint", "add_not_null_constraint", "add_default_constraint", "add_check_constraint",
                   "get_primary_keys", "get_foreign_keys", "get_unique_constraints", "get_not_null_constraints", "get_default_constraints",
                   "get_check_constraints", "get_all_table_constraints", "drop_constraint"):
        with pytest.raises(t.MetaException, match="request cannot be null"):
            getattr(client, method)(None)


def test_who_did_it(shared, api, database):
    db = make(api, database, "t")
    with hms.connected(shared) as client:
        client.set_ugi("ann", [])
        client.add_primary_key(t.AddPrimaryKeyRequest(primaryKeyCols=[pk(db, "id", 1, "k"), pk(db, "part", 2, "k")]))
        drop(client, db, "k")
    changes = api.ok("GET", "/changes?kind=constraint&limit=10&database=" + db)["items"]
    assert [(c["action"], c["operation"], c["principal"]) for c in changes] == [("create", "add_primary_key", "ann"), ("drop", "drop_constraint", "ann")]
