#include "catalog/constraints.h"

#include "catalog/databases.h"
#include "catalog/sql/constraints_sql.h"
#include "tests/unit/catalog_bed.h"

/* A table with columns a, b, c and the key p. */
static int64_t make_table(Bed *bed, const char *name) {
    int64_t id = bed_table(bed, "default", name, "MANAGED_TABLE", "file:/wh/x");
    bed_sql(
        bed,
        "INSERT INTO column_sets (id, names, types) VALUES ('00000000-0000-0000-0000-000000000001', '{a,b,c}', '{int,int,int}'),"
        " ('00000000-0000-0000-0000-000000000002', '{p}', '{int}') ON CONFLICT DO NOTHING;"
        " UPDATE tables SET columns = '00000000-0000-0000-0000-000000000001',"
        " partition_keys = '00000000-0000-0000-0000-000000000002'");
    return id;
}

static TableRef ref(const char *name) { return (TableRef){.database = STR("default"), .name = str_from(name)}; }

static Str AB[] = {STR_INIT("A"), STR_INIT("b")}, A[] = {STR_INIT("a")}, B[] = {STR_INIT("b")}, X[] = {STR_INIT("x")},
           P[] = {STR_INIT("p")};

static bool add(Bed *bed, const char *table, Constraint c, Constraint *ret, Err *err) {
    Constraints one = {&c, 1}, made;
    if (!constraint_add(&bed->ctx, ref(table), &one, &made, err)) {
        return false;
    }
    *ret = made.items[0];
    return true;
}

static Constraints list(Bed *bed, const char *table, const char *parent, unsigned kinds) {
    Err err;
    Constraints found = {0};
    ConstraintQuery q = {.kinds = kinds};
    if (table) {
        q.table = ref(table);
    }
    if (parent) {
        q.parent = ref(parent);
    }
    assert_ok(constraint_list(&bed->ctx, &q, &found, &err));
    return found;
}

static void test_all_kinds(void **state) {
    Bed *bed = *state;
    Err err;
    Constraint c;
    make_table(bed, "t");
    assert_ok(add(bed, "T", (Constraint){.kind = CONSTRAINT_PRIMARY_KEY, .columns = {AB, 2}, .rely = true}, &c, &err));
    assert_true(str_starts(c.name, STR("pk_")) && c.id > 0 && str_eq(c.columns.items[0], STR("a")));
    assert_ok(add(bed, "t", (Constraint){.kind = CONSTRAINT_UNIQUE, .name = STR("U"), .columns = {P, 1}}, &c, &err));
    assert_ok(add(bed, "t", (Constraint){.kind = CONSTRAINT_NOT_NULL, .columns = {A, 1}, .enable = true}, &c, &err));
    assert_ok(add(bed, "t", (Constraint){.kind = CONSTRAINT_DEFAULT, .columns = {B, 1}, .expression = STR("'x'")}, &c, &err));
    assert_ok(add(bed, "t", (Constraint){.kind = CONSTRAINT_CHECK, .expression = STR("a > 0"), .validate = true}, &c, &err));
    Constraints found = list(bed, "t", NULL, 0);
    assert_int_equal(found.count, 5);
    assert_true(found.items[0].kind == CONSTRAINT_PRIMARY_KEY && found.items[0].rely && found.items[0].columns.count == 2);
    assert_str(found.items[1].name, "u");
    assert_true(found.items[2].enable && found.items[4].validate);
    assert_str(found.items[4].expression, "a > 0");
    assert_int_equal(list(bed, "t", NULL, 1U << CONSTRAINT_CHECK | 1U << CONSTRAINT_DEFAULT).count, 2);
    assert_int_equal(list(bed, "nix", NULL, 0).count, 0);
    assert_str(bed_value(bed, "SELECT string_agg(hms_event, ' ' ORDER BY seq) FROM changes WHERE kind = 'constraint'"),
               "ADD_PRIMARYKEY ADD_UNIQUECONSTRAINT ADD_NOTNULLCONSTRAINT ADD_DEFAULTCONSTRAINT ADD_CHECKCONSTRAINT");
}

static void test_errors(void **state) {
    Bed *bed = *state;
    Err err;
    Constraint c;
    make_table(bed, "t");
    assert_err(add(bed, "t", (Constraint){.kind = CONSTRAINT_UNIQUE, .columns = {X, 1}}, &c, &err), ERR_INVALID_INPUT);
    assert_err(add(bed, "t", (Constraint){.kind = CONSTRAINT_UNIQUE}, &c, &err), ERR_INVALID_INPUT);
    assert_err(add(bed, "t", (Constraint){.kind = CONSTRAINT_NOT_NULL, .columns = {AB, 2}}, &c, &err), ERR_INVALID_INPUT);
    assert_err(add(bed, "t", (Constraint){.kind = CONSTRAINT_CHECK}, &c, &err), ERR_INVALID_INPUT);
    assert_err(add(bed, "t", (Constraint){.kind = CONSTRAINT_UNIQUE, .columns = {A, 1}, .expression = STR("1")}, &c, &err),
               ERR_INVALID_INPUT);
    assert_err(add(bed, "nix", (Constraint){.kind = CONSTRAINT_UNIQUE, .columns = {A, 1}}, &c, &err), ERR_TABLE_NOT_FOUND);
    assert_ok(add(bed, "t", (Constraint){.kind = CONSTRAINT_PRIMARY_KEY, .name = STR("k"), .columns = {A, 1}}, &c, &err));
    assert_err(add(bed, "t", (Constraint){.kind = CONSTRAINT_PRIMARY_KEY, .columns = {B, 1}}, &c, &err), ERR_ALREADY_EXISTS);
    assert_err(add(bed, "t", (Constraint){.kind = CONSTRAINT_UNIQUE, .name = STR("K"), .columns = {B, 1}}, &c, &err),
               ERR_ALREADY_EXISTS);
    assert_err(constraint_drop(&bed->ctx, ref("t"), STR("nix"), &err), ERR_CONSTRAINT_NOT_FOUND);
    assert_ok(constraint_drop(&bed->ctx, ref("t"), STR("K"), &err));
    assert_int_equal(list(bed, "t", NULL, 0).count, 0);
    assert_int_equal(bed_count(bed, "SELECT count(*) FROM changes WHERE hms_event = 'DROP_CONSTRAINT'"), 1);
}

static void test_foreign_keys(void **state) {
    Bed *bed = *state;
    Err err;
    Constraint c;
    int64_t parent = make_table(bed, "parent");
    make_table(bed, "child");
    Constraint fk = {
        .kind = CONSTRAINT_FOREIGN_KEY, .name = STR("f"), .columns = {B, 1}, .parent = {.name = STR("Parent")}, .delete_rule = 2};
    assert_err(add(bed, "child", fk, &c, &err), ERR_INVALID_INPUT); /* no key there */
    assert_ok(add(bed, "parent", (Constraint){.kind = CONSTRAINT_PRIMARY_KEY, .name = STR("pk"), .columns = {A, 1}}, &c, &err));
    assert_ok(add(bed, "child", fk, &c, &err));
    assert_str(c.parent_name, "pk");
    assert_str(c.parent_columns.items[0], "a");
    fk.name = STR("g");
    fk.parent_columns = (StrList){B, 1};
    assert_err(add(bed, "child", fk, &c, &err), ERR_INVALID_INPUT);
    fk.parent.name = STR("nix");
    assert_err(add(bed, "child", fk, &c, &err), ERR_TABLE_NOT_FOUND);
    Constraints found = list(bed, NULL, "parent", 1U << CONSTRAINT_FOREIGN_KEY);
    assert_true(found.count == 1 && str_eq(found.items[0].table.name, STR("child")) && found.items[0].delete_rule == 2);
    assert_int_equal(list(bed, "child", "parent", 0).count, 1);
    assert_int_equal(list(bed, "child", "child", 0).count, 0);
    /* out of sight with the parent, back with it, and not inherited by another table of that name */
    bed_sql(bed, "UPDATE tables SET dropped_at = now() WHERE name = 'parent'");
    assert_int_equal(list(bed, "child", NULL, 0).count, 0);
    make_table(bed, "parent");
    assert_int_equal(list(bed, NULL, "parent", 0).count, 0);
    Str back = arena_printf(bed->arena,
                            "UPDATE tables SET dropped_at = now() WHERE name = 'parent'; UPDATE tables SET dropped_at = NULL"
                            " WHERE id = %lld",
                            (long long)parent);
    bed_sql(bed, arena_cstr(bed->arena, back));
    assert_int_equal(list(bed, "child", NULL, 0).count, 1);
}

typedef struct Follow {
    Bed *bed;
    int64_t id;
} Follow;

static bool follow_body(PgConn *conn, void *arg, Err *err) {
    Follow *f = arg;
    return constraints_forget_columns(&f->bed->ctx, conn, f->id, (StrList){B, 1}, err) &&
           constraints_rename_column(&f->bed->ctx, conn, f->id, STR("a"), STR("z"), err);
}

static void test_following_the_table(void **state) {
    Bed *bed = *state;
    Err err;
    Constraint c;
    Follow f = {bed, make_table(bed, "t")};
    make_table(bed, "child");
    assert_ok(add(bed, "t", (Constraint){.kind = CONSTRAINT_PRIMARY_KEY, .name = STR("p"), .columns = {A, 1}}, &c, &err));
    assert_ok(add(bed, "t", (Constraint){.kind = CONSTRAINT_UNIQUE, .name = STR("u"), .columns = {AB, 2}}, &c, &err));
    assert_ok(
        add(bed, "child", (Constraint){.kind = CONSTRAINT_FOREIGN_KEY, .columns = {A, 1}, .parent = {.name = STR("t")}}, &c, &err));
    assert_ok(pg_transaction(bed->pg, PG_READ, bed->ctx.deadline, bed->arena, follow_body, &f, &err));
    Constraints found = list(bed, "t", NULL, 0);
    assert_true(found.count == 1 && str_eq(found.items[0].columns.items[0], STR("z")));
    found = list(bed, "child", NULL, 0);
    assert_true(found.count == 1 && str_eq(found.items[0].parent_columns.items[0], STR("z")) &&
                str_eq(found.items[0].columns.items[0], STR("a")));
}

static bool parse(const char *text, Constraint *ret, Err *err) {
    json_t *top;
    if (!jr_parse(unit_arena(), str_from(text), 10, &top, err)) {
        return false;
    }
    JsonAt at = jr_top(top);
    return constraint_from_json(&at, unit_arena(), ret, err);
}

static void test_json(void **state) {
    (void)state;
    Err err;
    Constraint c;
    const char *text =
        "{\"name\":\"f\",\"kind\":\"foreign_key\",\"columns\":[\"a\"],\"references\":{\"database\":\"d\",\"table\":\"t\","
        "\"columns\":[\"b\"]},\"update_rule\":\"no_action\",\"delete_rule\":\"set_null\",\"enable\":true,\"validate\":false,"
        "\"rely\":true}";
    assert_ok(parse(text, &c, &err));
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 16);
    JsonWriter w = jw_new(&buf);
    constraint_json(&w, &c);
    assert_str(buf_str(&buf), text);
    assert_err_says(parse("{\"kind\":\"foreign_key\",\"columns\":[\"a\"]}", &c, &err), ERR_INVALID_INPUT, "references");
    assert_err_says(parse("{\"kind\":\"fk\"}", &c, &err), ERR_INVALID_INPUT, "kind");
    assert_err_says(parse("{\"kind\":\"check\",\"update_rule\":\"x\"}", &c, &err), ERR_INVALID_INPUT, "update_rule");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BED_TEST(test_all_kinds),           BED_TEST(test_errors), BED_TEST(test_foreign_keys),
        BED_TEST(test_following_the_table), UNIT_TEST(test_json),
    };
    return BED_RUN("constraints", tests);
}
