#include "catalog/sql/privileges_sql.h"

#include "catalog/partname.h"
#include "catalog/scope.h"
#include "catalog/sql/partitions_sql.h"
#include "catalog/sql/roles_sql.h"
#include "catalog/sql/table_ref.h"
#include "catalog/sql/things_sql.h"
#include "catalog/things.h"

/* --- what they hang on ----------------------------------------------------------------------------------------- */

static bool find_partition(Ctx *ctx, PgConn *conn, TableRef ref, StrList values, PrivilegePlace *ret, Err *err) {
    static const PgStmt stmt = {"privilege_partition", "SELECT added_seq FROM partitions WHERE table_id = $1 AND name = $2"};
    PartitionScope scope;
    if (!partition_scope_get(ctx, conn, ref, &scope, err)) {
        return false;
    }
    const ColumnSet *keys = scope.table.partition_keys;
    StrList names = {ARENA_ARRAY(ctx->arena, Str, keys->count), keys->count};
    for (size_t i = 0; i < keys->count; i++) {
        names.items[i] = keys->items[i].name;
    }
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    if (!partname_make(ctx->arena, names, values, STR_NULL, &ret->partition, err)) {
        return false;
    }
    pg_arg_i64(&args, scope.table.id);
    pg_arg_text(&args, ret->partition);
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    ret->partition_seq = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return rows.count || err_set(err, ERR_PARTITION_NOT_FOUND, "Partition %" STR_FMT " not found in table %" STR_FMT ".",
                                 STR_ARG(ret->partition), STR_ARG(ref.name));
}

static bool find_connector(Ctx *ctx, PgConn *conn, Str name, PrivilegePlace *ret, Err *err) {
    Thing thing;
    bool found;
    Str key = thing_key(ctx->arena, 1, &name);
    if (!things_sql_get(ctx, conn, THING_CONNECTOR, key, &found, &thing, err)) {
        return false;
    }
    ret->object_id = found ? thing.number : 0;
    return found || err_set(err, ERR_NOT_FOUND, "There is no data connector %" STR_FMT ".", STR_ARG(name));
}

bool privileges_sql_place(Ctx *ctx, PgConn *conn, const PrivilegeTarget *on, bool lock, PrivilegePlace *ret, Err *err) {
    RowLock row_lock = lock ? ROW_SHARE : ROW_READ;
    TableRef ref = {on->catalog, on->database, on->name};
    Database database;
    TableFound table;
    *ret = (PrivilegePlace){.kind = on->kind, .partition = STR(""), .column = STR("")};
    switch (on->kind) {
        case PRIVILEGE_ALL: return true;
        case PRIVILEGE_CONNECTOR: return find_connector(ctx, conn, on->name, ret, err);
        case PRIVILEGE_DATABASE:
            if (!databases_sql_get(ctx, conn, on->catalog, on->database, row_lock, &database, err)) {
                return false;
            }
            ret->object_id = database.id;
            return true;
        default:
            if (!table_ref_find(ctx, conn, ref, row_lock, &table, err)) {
                return false;
            }
            ret->object_id = table.id;
            ret->column = on->kind == PRIVILEGE_COLUMN ? on->column : STR("");
            bool in_partition = on->kind == PRIVILEGE_PARTITION || (on->kind == PRIVILEGE_COLUMN && on->values.count);
            return !in_partition || find_partition(ctx, conn, ref, on->values, ret, err);
    }
}

static void place_args(PgArgs *args, const PrivilegePlace *at) {
    pg_arg_i16(args, (int16_t)at->kind);
    pg_arg_i64(args, at->object_id);
    pg_arg_text(args, at->partition);
    pg_arg_i64(args, at->partition_seq);
    pg_arg_text(args, at->column);
}
#define IS_AT \
    "p.kind = $1 AND p.object_id = $2 AND p.partition = $3 AND p.partition_seq = $4 AND ($5::text IS NULL OR p.column_name = $5)"

/* --- reading --------------------------------------------------------------------------------------------------- */

/* Those on what is dropped are not there, as long as it is. */
#define LIST_FROM \
    "SELECT p.kind, c.name, d.name, coalesce(t.name, h.key), p.partition, p.column_name, p.principal_type, p.principal," \
    " p.privilege, p.grantor, p.grantor_type, p.grant_option, p.authorizer, p.granted_at" \
    " FROM privileges p LEFT JOIN tables t ON p.kind IN (3, 4, 5) AND t.id = p.object_id AND t.dropped_at IS NULL" \
    " LEFT JOIN databases d ON d.id = CASE p.kind WHEN 2 THEN p.object_id ELSE t.database_id END AND d.dropped_at IS NULL" \
    " LEFT JOIN catalogs c ON c.id = d.catalog_id LEFT JOIN things h ON p.kind = 6 AND h.number = p.object_id" \
    " WHERE (p.kind = 1 OR d.id IS NOT NULL OR h.number IS NOT NULL)" \
    " AND (p.partition = '' OR EXISTS (SELECT FROM partitions q WHERE q.table_id = p.object_id AND q.name = p.partition" \
    "     AND q.added_seq = p.partition_seq))" \
    " AND ($6::text IS NULL OR p.authorizer = $6)"
#define LIST_ORDER \
    " ORDER BY p.kind, c.name, d.name, 4, p.partition, p.column_name, p.principal_type, p.principal, p.privilege, p.grantor, p.id"
#define IS_TO " AND ($8::text IS NULL OR (p.principal_type = $7 AND p.principal = $8))"
#define IS_OF_USER \
    " AND ((p.principal_type = 'USER' AND p.principal = $7) OR (p.principal_type = 'GROUP' AND p.principal = ANY ($8))" \
    "     OR (p.principal_type = 'ROLE' AND p.principal = ANY ($9)))"

static bool list_rows(Ctx *ctx, PgConn *conn, const PrivilegeQuery *q, PgRows *ret, Err *err) {
    static const PgStmt everywhere = {"privilege_list_all", LIST_FROM " AND $1::smallint IS NOT NULL AND $2::bigint IS NOT NULL"
                                                                      " AND $3::text IS NOT NULL AND $4::bigint IS NOT NULL"
                                                                      " AND $5::text IS NOT NULL" IS_TO LIST_ORDER};
    static const PgStmt one_place = {"privilege_list", LIST_FROM " AND " IS_AT IS_TO LIST_ORDER};
    static const PgStmt of_user = {"privilege_list_user", LIST_FROM " AND " IS_AT IS_OF_USER LIST_ORDER};
    static const PrivilegePlace nowhere = {.kind = PRIVILEGE_ALL, .partition = STR_INIT(""), .column = STR_INIT("")};
    PgArgs args = pg_args(ctx->arena);
    place_args(&args, q->at ? q->at : &nowhere);
    pg_arg_text(&args, q->authorizer);
    if (q->user) {
        pg_arg_text(&args, *q->user);
        pg_arg_texts(&args, q->groups);
        pg_arg_texts(&args, q->roles);
        return pg_exec(conn, &of_user, &args, ctx->arena, ret, err);
    }
    pg_arg_text(&args, q->to.type);
    pg_arg_text(&args, q->to.name);
    return pg_exec(conn, q->at ? &one_place : &everywhere, &args, ctx->arena, ret, err);
}

static bool from_row(const PgRows *rows, size_t i, Arena *arena, Privilege *ret, Err *err) {
    *ret = (Privilege){
        .on = {.kind = (PrivilegeKind)pg_i16(rows, i, 0, 0),
               .catalog = pg_text(rows, i, 1),
               .database = pg_text(rows, i, 2),
               .name = pg_text(rows, i, 3),
               .column = pg_text(rows, i, 5)},
        .to = {pg_text(rows, i, 6), pg_text(rows, i, 7)},
        .privilege = pg_text(rows, i, 8),
        .grantor = pg_text(rows, i, 9),
        .grantor_type = pg_text(rows, i, 10),
        .grant_option = pg_bool(rows, i, 11),
        .authorizer = pg_text(rows, i, 12),
        .at = pg_time(rows, i, 13),
    };
    if (ret->on.kind == PRIVILEGE_CONNECTOR) {
        ret->on.name = thing_key_last(arena, ret->on.name);
    }
    ret->on.column = str_is_empty(ret->on.column) ? STR_NULL : ret->on.column;
    Str partition = pg_text(rows, i, 4);
    return str_is_empty(partition) || partname_to_values(arena, partition, &ret->on.values, err);
}

bool privileges_sql_list(Ctx *ctx, PgConn *conn, const PrivilegeQuery *query, Privileges *ret, Err *err) {
    PgRows rows;
    if (!list_rows(ctx, conn, query, &rows, err)) {
        return false;
    }
    Privileges list = {ARENA_ARRAY(ctx->arena, Privilege, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        if (!from_row(&rows, i, ctx->arena, &list.items[i], err)) {
            return false;
        }
    }
    *ret = list;
    return arena_check(ctx->arena, err);
}

bool privileges_sql_roles(Ctx *ctx, PgConn *conn, Str user, StrList groups, StrList *ret, Err *err) {
    static const PgStmt stmt = {"privilege_roles", ROLES_OF_USER("$1", "$2") " SELECT name FROM has ORDER BY name"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, user);
    pg_arg_texts(&args, groups);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (StrList){ARENA_ARRAY(ctx->arena, Str, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        ret->items[i] = pg_text(&rows, i, 0);
    }
    return true;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

bool privileges_sql_insert(Ctx *ctx, PgConn *conn, const PrivilegePlace *at, const Privilege *g, bool *ret_new, Err *err) {
    static const PgStmt stmt = {
        "privilege_insert",
        "INSERT INTO privileges (kind, object_id, partition, partition_seq, column_name, principal_type, principal,"
        " privilege, grantor, grantor_type, grant_option, authorizer, granted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, coalesce($13, clock_timestamp()))"
        " ON CONFLICT (object_id, kind, partition, partition_seq, column_name, principal_type, principal,"
        " privilege, grantor, authorizer) DO NOTHING"};
    PgArgs args = pg_args(ctx->arena);
    place_args(&args, at);
    pg_arg_text(&args, g->to.type);
    pg_arg_text(&args, g->to.name);
    pg_arg_text(&args, g->privilege);
    pg_arg_text(&args, g->grantor);
    pg_arg_text(&args, g->grantor_type);
    pg_arg_bool(&args, g->grant_option);
    pg_arg_text(&args, g->authorizer);
    pg_arg_time(&args, g->at);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_new = pg_affected(&rows) > 0;
    return true;
}

#define IS_GRANT \
    IS_AT " AND p.principal_type = $6 AND p.principal = $7 AND p.privilege = $8 AND ($9::text IS NULL OR p.authorizer = $9)"

bool privileges_sql_remove(Ctx *ctx, PgConn *conn, const PrivilegePlace *at, const Privilege *g, bool option_only,
                           PrivilegeFound *ret, Err *err) {
    static const PgStmt remove = {"privilege_remove",
                                  "WITH gone AS (DELETE FROM privileges p WHERE " IS_GRANT
                                  " RETURNING grant_option) SELECT count(*), count(*) FILTER (WHERE grant_option) FROM gone"};
    static const PgStmt keep = {"privilege_no_option",
                                "WITH found AS MATERIALIZED (SELECT id, grant_option FROM privileges p WHERE " IS_GRANT
                                " FOR UPDATE), done AS (UPDATE privileges SET grant_option = false WHERE id IN"
                                " (SELECT id FROM found WHERE grant_option))"
                                " SELECT count(*), count(*) FILTER (WHERE grant_option) FROM found"};
    PgArgs args = pg_args(ctx->arena);
    place_args(&args, at);
    pg_arg_text(&args, g->to.type);
    pg_arg_text(&args, g->to.name);
    pg_arg_text(&args, g->privilege);
    pg_arg_text(&args, g->authorizer);
    PgRows rows;
    if (!pg_exec(conn, option_only ? &keep : &remove, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (PrivilegeFound){pg_i64(&rows, 0, 0, 0), pg_i64(&rows, 0, 1, 0)};
    return true;
}

bool privileges_sql_clear(Ctx *ctx, PgConn *conn, const PrivilegePlace *at, Str authorizer, Err *err) {
    static const PgStmt stmt = {"privilege_clear", "DELETE FROM privileges p WHERE " IS_AT " AND p.authorizer = $6"};
    PgArgs args = pg_args(ctx->arena);
    place_args(&args, at);
    pg_arg_text(&args, authorizer);
    return pg_exec_later(conn, &stmt, &args, err);
}
