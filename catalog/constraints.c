#include "catalog/constraints.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/scope.h"
#include "catalog/sql/constraints_sql.h"
#include "catalog/sql/table_ref.h"

/* --- reading --------------------------------------------------------------------------------------------------- */

static TableRef fold_or_any(Ctx *ctx, TableRef ref) { return str_is_null(ref.name) ? (TableRef){0} : scope_table(ctx, ref); }

bool constraint_list(Ctx *ctx, const ConstraintQuery *query, Constraints *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    ConstraintQuery q = *query;
    q.table = fold_or_any(ctx, q.table);
    q.parent = fold_or_any(ctx, q.parent);
    TableRef named = str_is_null(q.table.name) ? q.parent : q.table;
    return ctx_authorize(ctx, ACTION_READ, "table", named.catalog, named.database, named.name, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && constraints_sql_list(ctx, conn, &q, ret, err);
}

/* --- the change log -------------------------------------------------------------------------------------------- */

static void constraint_detail(JsonWriter *w, const void *object) { constraint_json(w, object); }

static bool log_constraint(Ctx *ctx, PgConn *conn, int64_t table_id, const Constraint *before, const Constraint *after, Err *err) {
    static const char *const events[] = {
        [CONSTRAINT_PRIMARY_KEY] = "ADD_PRIMARYKEY",    [CONSTRAINT_FOREIGN_KEY] = "ADD_FOREIGNKEY",
        [CONSTRAINT_UNIQUE] = "ADD_UNIQUECONSTRAINT",   [CONSTRAINT_NOT_NULL] = "ADD_NOTNULLCONSTRAINT",
        [CONSTRAINT_DEFAULT] = "ADD_DEFAULTCONSTRAINT", [CONSTRAINT_CHECK] = "ADD_CHECKCONSTRAINT",
    };
    const Constraint *c = after ? after : before;
    ChangeRecord record = {.kind = "constraint",
                           .action = after ? "create" : "drop",
                           .catalog = c->table.catalog,
                           .database = c->table.database,
                           .name = c->table.name,
                           .object_id = table_id,
                           .version = -1,
                           .hms_event = after ? events[c->kind] : "DROP_CONSTRAINT",
                           .at = after ? after->created_at : MICROS_NONE};
    return detail_before_after(ctx, constraint_detail, before, after, &record.detail, err) &&
           change_write(ctx, conn, &record, NULL, err);
}

/* --- rules ----------------------------------------------------------------------------------------------------- */

static bool has(StrList list, Str item) {
    for (size_t i = 0; i < list.count; i++) {
        if (str_eq(list.items[i], item)) {
            return true;
        }
    }
    return false;
}

static bool same_columns(StrList a, StrList b) {
    for (size_t i = 0; a.count == b.count && i < a.count; i++) {
        if (!has(b, a.items[i])) {
            return false;
        }
    }
    return a.count == b.count;
}

static StrList fold_list(Ctx *ctx, StrList names) {
    StrList list = {ARENA_ARRAY(ctx->arena, Str, names.count), names.count};
    for (size_t i = 0; i < names.count && !arena_exceeded(ctx->arena); i++) {
        list.items[i] = scope_name(ctx, names.items[i]);
    }
    return list;
}

static bool expect_columns(const Constraint *c, StrList wanted, StrList known, TableRef of, Err *err) {
    for (size_t i = 0; i < wanted.count; i++) {
        if (!has(known, wanted.items[i])) {
            return err_set(err, ERR_INVALID_INPUT,
                           "The %s constraint names column %" STR_FMT ", which table %" STR_FMT ".%" STR_FMT " has not.",
                           constraint_kind_name(c->kind), STR_ARG(wanted.items[i]), STR_ARG(of.database), STR_ARG(of.name));
        }
        for (size_t j = 0; j < i; j++) {
            if (str_eq(wanted.items[i], wanted.items[j])) {
                return err_set(err, ERR_INVALID_INPUT, "The %s constraint names column %" STR_FMT " twice.",
                               constraint_kind_name(c->kind), STR_ARG(wanted.items[i]));
            }
        }
    }
    return true;
}

static bool check_shape(const Constraint *c, Err *err) {
    const char *kind = constraint_kind_name(c->kind);
    bool single = c->kind == CONSTRAINT_NOT_NULL || c->kind == CONSTRAINT_DEFAULT;
    bool expression = c->kind == CONSTRAINT_DEFAULT || c->kind == CONSTRAINT_CHECK;
    if (c->columns.count == 0 && c->kind != CONSTRAINT_CHECK) {
        return err_set(err, ERR_INVALID_INPUT, "A %s constraint needs columns.", kind);
    }
    if (c->columns.count > 1 && (single || c->kind == CONSTRAINT_CHECK)) {
        return err_set(err, ERR_INVALID_INPUT, "A %s constraint is on one column; %zu are given.", kind, c->columns.count);
    }
    if (expression == str_is_null(c->expression)) {
        return err_set(err, ERR_INVALID_INPUT, "A %s constraint %s an expression.", kind, expression ? "needs" : "has no");
    }
    if (expression && (!utf8_valid(c->expression) || str_has_char(c->expression, '\0'))) {
        return err_set(err, ERR_INVALID_INPUT, "The expression of a %s constraint is no UTF-8 text.", kind);
    }
    if (c->kind == CONSTRAINT_FOREIGN_KEY && c->parent_columns.count && c->columns.count != c->parent_columns.count) {
        return err_set(err, ERR_INVALID_INPUT, "A foreign_key constraint has %zu columns but refers to %zu.", c->columns.count,
                       c->parent_columns.count);
    }
    return str_is_null(c->name) || name_check(NAME_GLUE, "constraint", c->name, err);
}

static Str make_name(Ctx *ctx, ConstraintKind kind) {
    static const char *const prefixes[] = {"pk", "fk", "uk", "nn", "dc", "cc"};
    char text[37];
    uuid_text(uuid_random(), text);
    return arena_printf(ctx->arena, "%s_%s", prefixes[kind], text);
}

/* --- adding ---------------------------------------------------------------------------------------------------- */

/* The primary or unique key a foreign key refers to; without columns the primary key. */
static bool bind_parent(Constraint *c, const Constraints *keys, Err *err) {
    for (size_t i = 0; i < keys->count; i++) {
        const Constraint *key = &keys->items[i];
        bool primary = key->kind == CONSTRAINT_PRIMARY_KEY;
        if ((primary && c->parent_columns.count == 0 && key->columns.count == c->columns.count) ||
            ((primary || key->kind == CONSTRAINT_UNIQUE) && same_columns(key->columns, c->parent_columns))) {
            c->parent_columns = c->parent_columns.count ? c->parent_columns : key->columns;
            c->parent_name = key->name;
            return true;
        }
    }
    return err_set(err, ERR_INVALID_INPUT,
                   "The foreign key refers to columns of table %" STR_FMT ".%" STR_FMT
                   " that are neither its primary key nor a unique key.",
                   STR_ARG(c->parent.database), STR_ARG(c->parent.name));
}

typedef struct Adding {
    Ctx *ctx;
    PgConn *conn;
    TableRef ref;
    int64_t table_id;
    StrList columns;
    bool has_primary;
} Adding;

static bool find_parent(Adding *a, Constraint *c, int64_t *ret_id, Err *err) {
    Ctx *ctx = a->ctx;
    TableFound parent = {.id = a->table_id};
    Constraints keys;
    StrList columns;
    c->parent.catalog = str_is_null(c->parent.catalog) ? a->ref.catalog : c->parent.catalog;
    c->parent.database = str_is_null(c->parent.database) ? a->ref.database : c->parent.database;
    c->parent = scope_table(ctx, c->parent);
    bool itself = str_eq(c->parent.catalog, a->ref.catalog) && str_eq(c->parent.database, a->ref.database) &&
                  str_eq(c->parent.name, a->ref.name);
    c->parent_columns = fold_list(ctx, c->parent_columns);
    if ((!itself && !table_ref_find(ctx, a->conn, c->parent, ROW_READ, &parent, err)) ||
        !constraints_sql_columns(ctx, a->conn, parent.id, &columns, err) ||
        !expect_columns(c, c->parent_columns, columns, c->parent, err) ||
        !constraints_sql_of_table(ctx, a->conn, parent.id, &keys, err)) {
        return false;
    }
    *ret_id = parent.id;
    return bind_parent(c, &keys, err);
}

static bool add_one(Adding *a, Constraint *c, Err *err) {
    int64_t parent_id = 0;
    c->table = a->ref;
    c->columns = fold_list(a->ctx, c->columns);
    c->name = str_is_empty(c->name) ? make_name(a->ctx, c->kind) : scope_name(a->ctx, c->name);
    if (!check_shape(c, err) || !expect_columns(c, c->columns, a->columns, a->ref, err) ||
        (c->kind == CONSTRAINT_FOREIGN_KEY && !find_parent(a, c, &parent_id, err))) {
        return false;
    }
    if (c->kind == CONSTRAINT_PRIMARY_KEY && a->has_primary) {
        return err_set(err, ERR_ALREADY_EXISTS, "Table %" STR_FMT ".%" STR_FMT " already has a primary key.",
                       STR_ARG(a->ref.database), STR_ARG(a->ref.name));
    }
    a->has_primary |= c->kind == CONSTRAINT_PRIMARY_KEY;
    return constraints_sql_insert(a->ctx, a->conn, a->table_id, parent_id, c, err) &&
           log_constraint(a->ctx, a->conn, a->table_id, NULL, c, err);
}

static bool constraints_add_to(Ctx *ctx, PgConn *conn, TableRef ref, int64_t table_id, const Constraints *add, Constraints *ret,
                               Err *err) {
    Adding a = {.ctx = ctx, .conn = conn, .ref = ref, .table_id = table_id};
    Constraints made = {ARENA_ARRAY(ctx->arena, Constraint, add->count), add->count}, old;
    if (!arena_check(ctx->arena, err) || !constraints_sql_columns(ctx, conn, table_id, &a.columns, err) ||
        !constraints_sql_of_table(ctx, conn, table_id, &old, err)) {
        return false;
    }
    for (size_t i = 0; i < old.count; i++) {
        a.has_primary |= old.items[i].kind == CONSTRAINT_PRIMARY_KEY;
    }
    for (size_t i = 0; i < add->count; i++) {
        made.items[i] = add->items[i];
        if (!arena_check(ctx->arena, err) || !add_one(&a, &made.items[i], err)) {
            return false;
        }
    }
    *ret = made;
    return true;
}

bool constraint_add_to(Ctx *ctx, PgConn *conn, const Table *table, const Constraints *add, Constraints *ret, Err *err) {
    TableRef ref = {table->catalog, table->database, table->name};
    return constraints_add_to(ctx, conn, ref, table->id, add, ret, err);
}

typedef struct ConstraintAdd {
    Ctx *ctx;
    TableRef ref;
    const Constraints *add;
    Constraints made;
} ConstraintAdd;

static bool add_body(PgConn *conn, void *arg, Err *err) {
    ConstraintAdd *how = arg;
    TableFound table;
    return table_ref_find(how->ctx, conn, how->ref, ROW_UPDATE, &table, err) &&
           constraints_add_to(how->ctx, conn, how->ref, table.id, how->add, &how->made, err);
}

bool constraint_add(Ctx *ctx, TableRef ref, const Constraints *add, Constraints *ret, Err *err) {
    ConstraintAdd how = {.ctx = ctx, .ref = scope_table(ctx, ref), .add = add};
    if (!ctx_authorize(ctx, ACTION_ALTER, "table", how.ref.catalog, how.ref.database, how.ref.name, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, add_body, &how, err)) {
        return false;
    }
    *ret = how.made;
    return true;
}

/* --- drop ------------------------------------------------------------------------------------------------------ */

typedef struct ConstraintDrop {
    Ctx *ctx;
    TableRef ref;
    Str name;
} ConstraintDrop;

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    ConstraintDrop *how = arg;
    TableFound table;
    Constraint gone;
    return table_ref_find(how->ctx, conn, how->ref, ROW_UPDATE, &table, err) &&
           constraints_sql_delete(how->ctx, conn, table.id, how->name, &gone, err) &&
           log_constraint(how->ctx, conn, table.id, &gone, NULL, err);
}

bool constraint_drop(Ctx *ctx, TableRef ref, Str name, Err *err) {
    ConstraintDrop how = {ctx, scope_table(ctx, ref), scope_name(ctx, name)};
    return ctx_authorize(ctx, ACTION_ALTER, "table", how.ref.catalog, how.ref.database, how.ref.name, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, drop_body, &how, err);
}
