#include "catalog/roles.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/scope.h"
#include "catalog/sql/roles_sql.h"

bool principal_check(const Ctx *ctx, Principal *p, Err *err) {
    if (str_is_empty(p->name) || str_is_null(p->type)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "A principal has a name and a type: USER, GROUP or ROLE.");
    }
    p->name = str_eq(p->type, STR("ROLE")) ? scope_name(ctx, p->name) : p->name;
    return true;
}

/* --- reading --------------------------------------------------------------------------------------------------- */

bool role_list(Ctx *ctx, Roles *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return ctx_authorize(ctx, ACTION_LIST, "role", STR_NULL, STR_NULL, STR_NULL, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && roles_sql_list(ctx, conn, ret, err);
}

bool role_grant_list(Ctx *ctx, Str role, Principal to, RoleGrants *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    role = scope_name(ctx, role);
    if (!str_is_null(to.name) && !principal_check(ctx, &to, err)) {
        return false;
    }
    return ctx_authorize(ctx, ACTION_LIST, "role", STR_NULL, STR_NULL, role, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           role_grants_sql_list(ctx, conn, role, to, ret, err);
}

/* --- changes --------------------------------------------------------------------------------------------------- */

typedef struct RoleChange {
    Ctx *ctx;
    RoleGrant grant;
    bool option_only;
} RoleChange;

static bool run(RoleChange *change, Action action, PgTxnBody body, Err *err) {
    Ctx *ctx = change->ctx;
    return ctx_authorize(ctx, action, "role", STR_NULL, STR_NULL, change->grant.role.name, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, body, change, err);
}

static bool log_role(const RoleChange *change, PgConn *conn, const char *action, int64_t id, Err *err) {
    const RoleGrant *g = &change->grant;
    CLEANUP(buf_free) Buf buf = BUF_INIT(DETAIL_MAX_BYTES);
    ChangeRecord record = {
        .kind = "role", .action = action, .name = g->role.name, .object_id = id, .version = -1, .at = MICROS_NONE};
    if (!str_is_null(g->to.name)) {
        JsonWriter w = jw_new(&buf);
        jw_object_begin(&w);
        jw_put_str(&w, "principal", g->to.name);
        jw_put_str(&w, "principal_type", g->to.type);
        jw_object_end(&w);
        if (!detail_take(change->ctx, &buf, &record.detail, err)) {
            return false;
        }
    }
    return change_write(change->ctx, conn, &record, NULL, err);
}

static bool create_body(PgConn *conn, void *arg, Err *err) {
    RoleChange *change = arg;
    const Role *role = &change->grant.role;
    int64_t id;
    if (!roles_sql_insert(change->ctx, conn, role->name, role->owner, &id, err)) {
        return false;
    }
    if (id == 0) {
        return err_set(err, ERR_ALREADY_EXISTS, "Role %" STR_FMT " already exists.", STR_ARG(role->name));
    }
    return log_role(change, conn, "create", id, err);
}

bool role_create(Ctx *ctx, Str name, Str owner, Err *err) {
    RoleChange change = {.ctx = ctx, .grant.role = {.name = scope_name(ctx, name), .owner = owner}};
    Principal as_principal = {STR("ROLE"), name};
    if (str_eq(change.grant.role.name, ROLE_PUBLIC)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "public role implicitly exists. It can't be created.");
    }
    return principal_check(ctx, &as_principal, err) && run(&change, ACTION_CREATE, create_body, err);
}

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    RoleChange *change = arg;
    Str name = change->grant.role.name;
    int64_t id;
    return roles_sql_lock(conn, err) && roles_sql_find(change->ctx, conn, name, &id, err) &&
           roles_sql_delete(change->ctx, conn, id, name, err) && log_role(change, conn, "drop", id, err);
}

bool role_drop(Ctx *ctx, Str name, Err *err) {
    RoleChange change = {.ctx = ctx, .grant.role.name = scope_name(ctx, name)};
    if (str_eq(change.grant.role.name, ROLE_PUBLIC) || str_eq(change.grant.role.name, ROLE_ADMIN)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "public,admin roles can't be dropped.");
    }
    return run(&change, ACTION_DROP, drop_body, err);
}

/* --- grants ---------------------------------------------------------------------------------------------------- */

/* A role may be granted only when it exists, and when nothing goes round in a circle by it. */
static bool check_inner_role(RoleChange *change, PgConn *conn, Err *err) {
    const RoleGrant *g = &change->grant;
    int64_t id;
    bool circle;
    if (!str_eq(g->to.type, STR("ROLE"))) {
        return true;
    }
    if (!roles_sql_find(change->ctx, conn, g->to.name, &id, err) ||
        !role_grants_sql_contains(change->ctx, conn, g->to.name, g->role.name, &circle, err)) {
        return false;
    }
    return !circle || err_set(err, ERR_INVALID_ARGUMENT,
                              "Cannot grant role %" STR_FMT " to %" STR_FMT " as %" STR_FMT " already belongs to the role %" STR_FMT
                              ". (no cycles allowed)",
                              STR_ARG(g->role.name), STR_ARG(g->to.name), STR_ARG(g->role.name), STR_ARG(g->to.name));
}

static bool grant_body(PgConn *conn, void *arg, Err *err) {
    RoleChange *change = arg;
    const RoleGrant *g = &change->grant;
    int64_t id;
    bool is_new;
    if (!roles_sql_lock(conn, err) || !roles_sql_find(change->ctx, conn, g->role.name, &id, err) ||
        !check_inner_role(change, conn, err) || !role_grants_sql_insert(change->ctx, conn, id, g, &is_new, err)) {
        return false;
    }
    if (!is_new) {
        return err_set(err, ERR_INVALID_INPUT, "Principal %" STR_FMT " already has the role %" STR_FMT, STR_ARG(g->to.name),
                       STR_ARG(g->role.name));
    }
    return log_role(change, conn, "grant", id, err);
}

bool role_grant(Ctx *ctx, const RoleGrant *grant, Err *err) {
    RoleChange change = {.ctx = ctx, .grant = *grant};
    change.grant.role.name = scope_name(ctx, grant->role.name);
    if (str_eq(change.grant.role.name, ROLE_PUBLIC)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "No user can be added to public. Since all users implicitly belong to public role.");
    }
    return principal_check(ctx, &change.grant.to, err) && run(&change, ACTION_ALTER, grant_body, err);
}

static bool revoke_body(PgConn *conn, void *arg, Err *err) {
    RoleChange *change = arg;
    Ctx *ctx = change->ctx;
    const RoleGrant *g = &change->grant;
    RoleGrants found;
    int64_t id;
    if (!roles_sql_lock(conn, err) || !roles_sql_find(ctx, conn, g->role.name, &id, err) ||
        !role_grants_sql_list(ctx, conn, g->role.name, g->to, &found, err)) {
        return false;
    }
    if (found.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "Principal %" STR_FMT " does not have the role %" STR_FMT ".", STR_ARG(g->to.name),
                       STR_ARG(g->role.name));
    }
    if (change->option_only && !found.items[0].grant_option) {
        return err_set(err, ERR_INVALID_ARGUMENT, "User %" STR_FMT " does not have grant option with role %" STR_FMT,
                       STR_ARG(g->to.name), STR_ARG(g->role.name));
    }
    return (change->option_only ? role_grants_sql_no_option(ctx, conn, id, g->to, err)
                                : role_grants_sql_delete(ctx, conn, id, g->to, err)) &&
           log_role(change, conn, "revoke", id, err);
}

bool role_revoke(Ctx *ctx, Str role, Principal from, bool option_only, Err *err) {
    RoleChange change = {.ctx = ctx, .grant = {.role.name = scope_name(ctx, role), .to = from}, .option_only = option_only};
    if (str_eq(change.grant.role.name, ROLE_PUBLIC)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "public role can't be revoked.");
    }
    return principal_check(ctx, &change.grant.to, err) && run(&change, ACTION_ALTER, revoke_body, err);
}
