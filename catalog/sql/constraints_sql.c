#include "catalog/sql/constraints_sql.h"

#include "catalog/sql/table_ref.h"

/* "body" keeps what no statement asks for. */
static void write_body(JsonWriter *w, const Constraint *c) {
    jw_object_begin(w);
    jw_put_str(w, "expression", c->expression);
    jw_put_str(w, "parent_name", c->parent_name);
    jw_put_i64(w, "update_rule", c->update_rule);
    jw_put_i64(w, "delete_rule", c->delete_rule);
    jw_put_bool(w, "enable", c->enable);
    jw_put_bool(w, "validate", c->validate);
    jw_put_bool(w, "rely", c->rely);
    jw_object_end(w);
}

static bool read_body(Str body, Arena *arena, Constraint *c, Err *err) {
    json_t *top;
    int64_t update = 0, delete = 0;
    if (!jr_parse(arena, body, 4, &top, err)) {
        return false;
    }
    JsonAt at = jr_top(top);
    JsonAt expression = jr_member(&at, "expression"), parent = jr_member(&at, "parent_name"), enable = jr_member(&at, "enable"),
           validate = jr_member(&at, "validate"), rely = jr_member(&at, "rely"), update_at = jr_member(&at, "update_rule"),
           delete_at = jr_member(&at, "delete_rule");
    bool ok = jr_str(&expression, arena, &c->expression, err) && jr_str(&parent, arena, &c->parent_name, err) &&
              jr_i64(&update_at, arena, INT32_MIN, INT32_MAX, &update, err) &&
              jr_i64(&delete_at, arena, INT32_MIN, INT32_MAX, &delete, err) && jr_bool(&enable, arena, &c->enable, err) &&
              jr_bool(&validate, arena, &c->validate, err) && jr_bool(&rely, arena, &c->rely, err);
    c->update_rule = (int32_t)update;
    c->delete_rule = (int32_t) delete;
    return ok;
}

/* --- reading --------------------------------------------------------------------------------------------------- */

#define CONSTRAINT_COLUMNS \
    "k.id, k.kind, k.name, c.name, d.name, t.name, k.columns, pc.name, pd.name, pt.name, k.parent_columns, k.body, k.created_at"
/* Whatever hangs on a dropped table, at either end, is out of sight. */
#define CONSTRAINT_FROM \
    " FROM constraints k JOIN tables t ON t.id = k.table_id AND t.dropped_at IS NULL JOIN databases d ON d.id = t.database_id" \
    " AND d.dropped_at IS NULL JOIN catalogs c ON c.id = d.catalog_id LEFT JOIN tables pt ON pt.id = k.parent_table_id AND" \
    " pt.dropped_at IS NULL LEFT JOIN databases pd ON pd.id = pt.database_id LEFT JOIN catalogs pc ON pc.id = pd.catalog_id"
#define CONSTRAINT_VISIBLE " (k.parent_table_id IS NULL OR pt.id IS NOT NULL)"

static bool constraint_from_row(const PgRows *rows, size_t row, Arena *arena, Constraint *c, Err *err) {
    *c = (Constraint){
        .id = pg_i64(rows, row, 0, 0),
        .name = pg_text(rows, row, 2),
        .table = {pg_text(rows, row, 3), pg_text(rows, row, 4), pg_text(rows, row, 5)},
        .columns = pg_texts(rows, row, 6, arena),
        .parent = {pg_text(rows, row, 7), pg_text(rows, row, 8), pg_text(rows, row, 9)},
        .parent_columns = pg_texts(rows, row, 10, arena),
        .created_at = pg_time(rows, row, 12),
    };
    if (!constraint_kind_by_name(pg_text(rows, row, 1), &c->kind)) {
        return err_set(err, ERR_INTERNAL, "Constraint %" PRId64 " has an unknown kind.", c->id);
    }
    return read_body(pg_text(rows, row, 11), arena, c, err);
}

static int compare(const void *a, const void *b) {
    const Constraint *x = a, *y = b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : str_cmp(x->name, y->name);
}

static bool constraints_from_rows(const PgRows *rows, Arena *arena, unsigned kinds, Constraints *ret, Err *err) {
    Constraints found = {ARENA_ARRAY(arena, Constraint, rows->count), 0};
    for (size_t i = 0; i < rows->count; i++) {
        Constraint c;
        if (!arena_check(arena, err) || !constraint_from_row(rows, i, arena, &c, err)) {
            return false;
        }
        if (!kinds || kinds & 1U << c.kind) {
            found.items[found.count++] = c;
        }
    }
    if (found.count) {
        qsort(found.items, found.count, sizeof *found.items, compare);
    }
    *ret = found;
    return true;
}

bool constraints_sql_of_table(Ctx *ctx, PgConn *conn, int64_t table_id, Constraints *ret, Err *err) {
    static const PgStmt stmt = {"constraints_of_table",
                                "SELECT " CONSTRAINT_COLUMNS CONSTRAINT_FROM " WHERE k.table_id = $1 AND" CONSTRAINT_VISIBLE};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    PgRows rows;
    return pg_exec(conn, &stmt, &args, ctx->arena, &rows, err) && constraints_from_rows(&rows, ctx->arena, 0, ret, err);
}

static bool table_id_or_zero(Ctx *ctx, PgConn *conn, TableRef ref, int64_t *ret, Err *err) {
    static const PgStmt stmt = {"constraints_table_id", "SELECT " TABLE_ID_OF_123};
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, ref);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_i64(&rows, 0, 0, 0);
    return true;
}

static bool list_of_parent(Ctx *ctx, PgConn *conn, int64_t parent_id, Constraints *ret, Err *err) {
    static const PgStmt stmt = {"constraints_of_parent", "SELECT " CONSTRAINT_COLUMNS CONSTRAINT_FROM
                                                         " WHERE k.parent_table_id = $1 AND" CONSTRAINT_VISIBLE};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, parent_id);
    PgRows rows;
    return pg_exec(conn, &stmt, &args, ctx->arena, &rows, err) && constraints_from_rows(&rows, ctx->arena, 0, ret, err);
}

static bool same_table(TableRef a, TableRef b) {
    return str_eq(a.catalog, b.catalog) && str_eq(a.database, b.database) && str_eq(a.name, b.name);
}

bool constraints_sql_list(Ctx *ctx, PgConn *conn, const ConstraintQuery *q, Constraints *ret, Err *err) {
    bool by_table = !str_is_null(q->table.name), by_parent = !str_is_null(q->parent.name);
    int64_t id = 0;
    Constraints found = {0};
    if ((by_table || by_parent) && !table_id_or_zero(ctx, conn, by_table ? q->table : q->parent, &id, err)) {
        return false;
    }
    if (id && !(by_table ? constraints_sql_of_table(ctx, conn, id, &found, err) : list_of_parent(ctx, conn, id, &found, err))) {
        return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < found.count; i++) {
        Constraint *c = &found.items[i];
        if ((!q->kinds || q->kinds & 1U << c->kind) && (!by_parent || same_table(c->parent, q->parent))) {
            found.items[kept++] = *c;
        }
    }
    found.count = kept;
    *ret = found;
    return true;
}

bool constraints_sql_columns(Ctx *ctx, PgConn *conn, int64_t table_id, StrList *ret, Err *err) {
    static const PgStmt stmt = {"constraints_columns",
                                "SELECT coalesce(c.names, '{}') || coalesce(k.names, '{}') FROM tables t LEFT JOIN column_sets c ON"
                                " c.id = t.columns LEFT JOIN column_sets k ON k.id = t.partition_keys WHERE t.id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = rows.count ? pg_texts(&rows, 0, 0, ctx->arena) : (StrList){0};
    return true;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

/* A foreign key to a dropped table that nobody can see does not hold its name either. */
static bool free_name(Ctx *ctx, PgConn *conn, int64_t table_id, Str name, Err *err) {
    static const PgStmt stmt = {
        "constraint_free_name",
        "DELETE FROM constraints k WHERE table_id = $1 AND name = $2 AND parent_table_id IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM tables p WHERE p.id = k.parent_table_id AND p.dropped_at IS NULL)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, name);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool constraints_sql_insert(Ctx *ctx, PgConn *conn, int64_t table_id, int64_t parent_id, Constraint *c, Err *err) {
    static const PgStmt stmt = {
        "constraint_insert",
        "INSERT INTO constraints (table_id, name, kind, columns, parent_table_id, parent_columns, body, created_at)"
        " VALUES ($1, $2, $3, $4, nullif($5::bigint, 0), $6, $7, clock_timestamp())"
        " ON CONFLICT (table_id, name) DO NOTHING RETURNING id, created_at"};
    CLEANUP(buf_free) Buf body = BUF_INIT(16 << 20);
    JsonWriter w = jw_new(&body);
    write_body(&w, c);
    if (!buf_check(&body, "a constraint", err) || !free_name(ctx, conn, table_id, c->name, err)) {
        return false;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, c->name);
    pg_arg_text(&args, str_from(constraint_kind_name(c->kind)));
    pg_arg_texts(&args, c->columns.items ? c->columns : (StrList){&c->name, 0});
    pg_arg_i64(&args, parent_id);
    pg_arg_texts(&args, c->parent_columns);
    pg_arg_text(&args, buf_str(&body));
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_ALREADY_EXISTS, "Constraint %" STR_FMT " already exists on table %" STR_FMT ".%" STR_FMT ".",
                       STR_ARG(c->name), STR_ARG(c->table.database), STR_ARG(c->table.name));
    }
    c->id = pg_i64(&rows, 0, 0, 0);
    c->created_at = pg_time(&rows, 0, 1);
    return true;
}

bool constraints_sql_delete(Ctx *ctx, PgConn *conn, int64_t table_id, Str name, Constraint *ret, Err *err) {
    static const PgStmt find = {"constraint_find",
                                "SELECT " CONSTRAINT_COLUMNS CONSTRAINT_FROM
                                " WHERE k.table_id = $1 AND k.name = $2 AND" CONSTRAINT_VISIBLE " FOR UPDATE OF k"};
    static const PgStmt delete = {"constraint_delete", "DELETE FROM constraints WHERE table_id = $1 AND name = $2"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, name);
    PgRows rows;
    if (!pg_exec(conn, &find, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_CONSTRAINT_NOT_FOUND, "Constraint %" STR_FMT " not found on this table.", STR_ARG(name));
    }
    return constraint_from_row(&rows, 0, ctx->arena, ret, err) && pg_exec_later(conn, &delete, &args, err);
}

/* --- for other use cases --------------------------------------------------------------------------------------- */

bool constraints_forget_columns(Ctx *ctx, PgConn *conn, int64_t table_id, StrList columns, Err *err) {
    static const PgStmt stmt = {
        "constraints_forget_columns",
        "DELETE FROM constraints WHERE (table_id = $1 AND columns && $2) OR (parent_table_id = $1 AND parent_columns && $2)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, columns);
    return columns.count == 0 || pg_exec_later(conn, &stmt, &args, err);
}

bool constraints_rename_column(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) {
    static const PgStmt stmt = {
        "constraints_rename_column",
        "UPDATE constraints SET columns = CASE WHEN table_id = $1 THEN array_replace(columns, $2, $3) ELSE columns END,"
        " parent_columns = CASE WHEN parent_table_id = $1 THEN array_replace(parent_columns, $2, $3) ELSE parent_columns END"
        " WHERE table_id = $1 OR parent_table_id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, from);
    pg_arg_text(&args, to);
    return pg_exec_later(conn, &stmt, &args, err);
}
