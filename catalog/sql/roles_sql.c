#include "catalog/sql/roles_sql.h"

bool roles_sql_lock(PgConn *conn, Err *err) {
    static const PgStmt stmt = {"role_lock", "LOCK TABLE role_grants IN SHARE ROW EXCLUSIVE MODE"};
    return pg_exec_later(conn, &stmt, NULL, err);
}

bool roles_sql_list(Ctx *ctx, PgConn *conn, Roles *ret, Err *err) {
    static const PgStmt stmt = {"role_list", "SELECT name, owner, created_at FROM roles ORDER BY name"};
    PgRows rows;
    if (!pg_exec(conn, &stmt, NULL, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (Roles){ARENA_ARRAY(ctx->arena, Role, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        ret->items[i] = (Role){pg_text(&rows, i, 0), pg_text(&rows, i, 1), pg_time(&rows, i, 2)};
    }
    return true;
}

bool roles_sql_find(Ctx *ctx, PgConn *conn, Str name, int64_t *ret_id, Err *err) {
    static const PgStmt stmt = {"role_find", "SELECT id FROM roles WHERE name = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, name);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "Role %" STR_FMT " does not exist.", STR_ARG(name));
    }
    *ret_id = pg_i64(&rows, 0, 0, 0);
    return true;
}

bool roles_sql_insert(Ctx *ctx, PgConn *conn, Str name, Str owner, int64_t *ret_id, Err *err) {
    static const PgStmt stmt = {"role_insert",
                                "INSERT INTO roles (name, owner) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, name);
    pg_arg_text(&args, owner);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_id = rows.count ? pg_i64(&rows, 0, 0, 0) : 0;
    return true;
}

bool roles_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Str name, Err *err) {
    static const PgStmt stmt = {"role_delete",
                                "WITH g AS (DELETE FROM role_grants WHERE principal_type = 'ROLE' AND principal = $2),"
                                " p AS (DELETE FROM privileges WHERE principal_type = 'ROLE' AND principal = $2)"
                                " DELETE FROM roles WHERE id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, id);
    pg_arg_text(&args, name);
    return pg_exec(conn, &stmt, &args, ctx->arena, NULL, err);
}

/* ---- grants ----------------------------------------------------------------------------------------------------- */

bool role_grants_sql_list(Ctx *ctx, PgConn *conn, Str role, Principal to, RoleGrants *ret, Err *err) {
    static const PgStmt stmt = {
        "role_grant_list",
        "SELECT r.name, r.owner, r.created_at, g.principal_type, g.principal, g.grant_option, g.grantor, g.grantor_type, g.granted_at"
        " FROM roles r JOIN role_grants g ON g.role_id = r.id WHERE ($1::text IS NULL OR r.name = $1)"
        " AND ($3::text IS NULL OR (g.principal_type = $2 AND g.principal = $3))"
        " UNION ALL SELECT r.name, r.owner, r.created_at, $2, $3, false, NULL, NULL, NULL FROM roles r"
        " WHERE r.name = 'public' AND $2 = 'USER' AND $3 IS NOT NULL AND ($1 IS NULL OR r.name = $1) ORDER BY 1, 4, 5"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, role);
    pg_arg_text(&args, to.type);
    pg_arg_text(&args, to.name);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = (RoleGrants){ARENA_ARRAY(ctx->arena, RoleGrant, rows.count), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        ret->items[i] = (RoleGrant){
            .role = {pg_text(&rows, i, 0), pg_text(&rows, i, 1), pg_time(&rows, i, 2)},
            .to = {pg_text(&rows, i, 3), pg_text(&rows, i, 4)},
            .grant_option = pg_bool(&rows, i, 5),
            .grantor = pg_text(&rows, i, 6),
            .grantor_type = pg_text(&rows, i, 7),
            .at = pg_time(&rows, i, 8),
        };
    }
    return true;
}

bool role_grants_sql_contains(Ctx *ctx, PgConn *conn, Str outer, Str inner, bool *ret, Err *err) {
    static const PgStmt stmt = {"role_contains",
                                "WITH RECURSIVE has (name) AS (SELECT $2::text COLLATE \"C\" UNION SELECT r.name FROM has"
                                " JOIN role_grants g ON g.principal_type = 'ROLE' AND g.principal = has.name"
                                " JOIN roles r ON r.id = g.role_id) SELECT FROM has WHERE name = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_text(&args, outer);
    pg_arg_text(&args, inner);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = rows.count > 0;
    return true;
}

bool role_grants_sql_insert(Ctx *ctx, PgConn *conn, int64_t role_id, const RoleGrant *g, bool *ret_new, Err *err) {
    static const PgStmt stmt = {"role_grant_insert",
                                "INSERT INTO role_grants (role_id, principal_type, principal, grant_option, grantor, grantor_type)"
                                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (role_id, principal_type, principal) DO NOTHING"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, role_id);
    pg_arg_text(&args, g->to.type);
    pg_arg_text(&args, g->to.name);
    pg_arg_bool(&args, g->grant_option);
    pg_arg_text(&args, g->grantor);
    pg_arg_text(&args, g->grantor_type);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_new = pg_affected(&rows) > 0;
    return true;
}

static bool change_grant(Ctx *ctx, PgConn *conn, const PgStmt *stmt, int64_t role_id, Principal from, Err *err) {
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, role_id);
    pg_arg_text(&args, from.type);
    pg_arg_text(&args, from.name);
    return pg_exec(conn, stmt, &args, ctx->arena, NULL, err);
}

bool role_grants_sql_delete(Ctx *ctx, PgConn *conn, int64_t role_id, Principal from, Err *err) {
    static const PgStmt stmt = {"role_grant_delete",
                                "DELETE FROM role_grants WHERE role_id = $1 AND principal_type = $2 AND principal = $3"};
    return change_grant(ctx, conn, &stmt, role_id, from, err);
}

bool role_grants_sql_no_option(Ctx *ctx, PgConn *conn, int64_t role_id, Principal from, Err *err) {
    static const PgStmt stmt = {"role_grant_no_option", "UPDATE role_grants SET grant_option = false"
                                                        " WHERE role_id = $1 AND principal_type = $2 AND principal = $3"};
    return change_grant(ctx, conn, &stmt, role_id, from, err);
}
