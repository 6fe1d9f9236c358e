#include "catalog/sql/things_sql.h"

#define THING_COLUMNS "number, key, body, created_at, updated_at"

static Thing from_row(const PgRows *rows, size_t i) {
    return (Thing){pg_i64(rows, i, 0, 0), pg_text(rows, i, 1), pg_bytes(rows, i, 2), pg_time(rows, i, 3), pg_time(rows, i, 4)};
}

bool things_sql_get(Ctx *ctx, PgConn *conn, const char *kind, Str key, bool *ret_found, Thing *ret, Err *err) {
    static const PgStmt stmt = {"thing_get", "SELECT " THING_COLUMNS " FROM things WHERE kind = $1 AND key = $2"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, str_from(kind));
    pg_arg_text(&args, key);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_found = rows.count > 0;
    if (rows.count) {
        *ret = from_row(&rows, 0);
    }
    return true;
}

/* A prefix ends in '/', behind which comes '0': so it is a range of the index. */
static Str range_end(Arena *arena, Str prefix) {
    return prefix.len ? ARENA_CONCAT(arena, str_slice(prefix, 0, prefix.len - 1), STR("0")) : STR_NULL;
}

static void range_args(PgArgs *args, const char *kind, Str prefix) {
    pg_arg_text(args, str_from(kind));
    pg_arg_text(args, prefix);
    pg_arg_text(args, range_end(args->arena, prefix));
}
#define IN_RANGE "kind = $1 AND key >= $2 AND ($3::text IS NULL OR key < $3)"

bool things_sql_list(Ctx *ctx, PgConn *conn, const char *kind, Str prefix, ThingList *ret, Err *err) {
    static const PgStmt stmt = {"thing_list", "SELECT " THING_COLUMNS " FROM things WHERE " IN_RANGE " ORDER BY key"};
    PgArgs args = pg_args(ctx->arena);
    range_args(&args, kind, prefix);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (ThingList){ARENA_ARRAY(ctx->arena, Thing, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        ret->items[i] = from_row(&rows, i);
    }
    return arena_check(ctx->arena, err);
}

bool things_sql_lock(PgConn *conn, Err *err) {
    static const PgStmt stmt = {"thing_lock", "LOCK TABLE things IN SHARE ROW EXCLUSIVE MODE"};
    return pg_exec_later(conn, &stmt, NULL, err);
}

#define THING_INSERT "INSERT INTO things (kind, key, body, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, key) DO "

bool things_sql_put(Ctx *ctx, PgConn *conn, const ThingKind *kind, Str key, Str body, bool replace, int64_t *ret_number,
                    bool *ret_new, Err *err) {
    static const PgStmt add = {"thing_add", THING_INSERT "NOTHING RETURNING number, true"};
    static const PgStmt put = {"thing_put", THING_INSERT "UPDATE SET body = excluded.body, sealed = excluded.sealed,"
                                                         " updated_at = clock_timestamp() RETURNING number, xmax = 0"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, str_from(kind->name));
    pg_arg_text(&args, key);
    pg_arg_bytes(&args, body);
    pg_arg_bool(&args, kind->sealed);
    PgRows rows;
    if (!pg_exec(conn, replace ? &put : &add, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_number = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    *ret_new = rows.count && pg_bool(&rows, 0, 1);
    return true;
}

bool things_sql_delete(Ctx *ctx, PgConn *conn, const char *kind, Str key, int64_t *ret_number, Err *err) {
    static const PgStmt stmt = {"thing_delete",
                                "WITH gone AS (DELETE FROM things WHERE kind = $1 AND key = $2 RETURNING number),"
                                " p AS (DELETE FROM privileges USING gone WHERE kind = 6 AND object_id = gone.number)"
                                " SELECT number FROM gone"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, str_from(kind));
    pg_arg_text(&args, key);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_number = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return true;
}

bool things_sql_delete_below(Ctx *ctx, PgConn *conn, const char *kind, Str prefix, Err *err) {
    static const PgStmt stmt = {"thing_delete_below", "DELETE FROM things WHERE " IN_RANGE};
    PgArgs args = pg_args(ctx->arena);
    range_args(&args, kind, prefix);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool things_sql_number(Ctx *ctx, PgConn *conn, int64_t *ret, Err *err) {
    static const PgStmt stmt = {"thing_number", "SELECT nextval(pg_get_serial_sequence('things', 'number'))"};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_i64(&rows, 0, 0, 0);
    return true;
}

bool things_sql_follow_database(Ctx *ctx, PgConn *conn, Str catalog, Str name, Str new_name, Err *err) {
#define OF_DATABASE "kind IN (" THINGS_IN_DATABASE ") AND key >= $1 AND key < $2"
    static const PgStmt drop = {"thing_drop_database", "DELETE FROM things WHERE " OF_DATABASE};
    static const PgStmt rename = {"thing_rename_database",
                                  "UPDATE things SET key = $3 || substr(key, length($1) + 1) WHERE " OF_DATABASE};
    Str from[] = {catalog, name}, to[] = {catalog, new_name};
    PgArgs args = pg_args(ctx->arena);
    Str key = thing_key(ctx->arena, ARRAY_LEN(from), from);
    pg_arg_text(&args, key);
    pg_arg_text(&args, range_end(ctx->arena, key));
    if (!str_is_null(new_name)) {
        pg_arg_text(&args, thing_key(ctx->arena, ARRAY_LEN(to), to));
    }
    return pg_exec_later(conn, str_is_null(new_name) ? &drop : &rename, &args, err);
}

bool things_sql_forget(Ctx *ctx, PgConn *conn, const char *kind, int64_t seconds, Err *err) {
    static const PgStmt stmt = {"thing_forget", "DELETE FROM things WHERE kind = $1"
                                                " AND created_at < clock_timestamp() - $2::float8 * interval '1 second'"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, str_from(kind));
    pg_arg_double(&args, (double)seconds);
    return pg_exec_later(conn, &stmt, &args, err);
}
