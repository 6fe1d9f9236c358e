#include "catalog/privileges.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/scope.h"
#include "catalog/sql/privileges_sql.h"

/* --- what they are on ------------------------------------------------------------------------------------------ */

static bool fold(const Ctx *ctx, const PrivilegeTarget *on, PrivilegeTarget *ret, Err *err) {
    static const struct {
        const char *what;
        bool database, name, values;
    } NEEDS[] = {
        [PRIVILEGE_ALL] = {"everything", false, false, false}, [PRIVILEGE_DATABASE] = {"a database", true, false, false},
        [PRIVILEGE_TABLE] = {"a table", true, true, false},    [PRIVILEGE_PARTITION] = {"a partition", true, true, true},
        [PRIVILEGE_COLUMN] = {"a column", true, true, false},  [PRIVILEGE_CONNECTOR] = {"a data connector", false, true, false},
    };
    if (on->kind < PRIVILEGE_ALL || on->kind > PRIVILEGE_CONNECTOR) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "Privileges are on databases, tables, partitions, columns, data connectors or "
                       "on everything. Say which.");
    }
    if ((NEEDS[on->kind].database && str_is_null(on->database)) || (NEEDS[on->kind].name && str_is_null(on->name)) ||
        (NEEDS[on->kind].values && on->values.count == 0)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "What %s is called cannot be null.", NEEDS[on->kind].what);
    }
    *ret = (PrivilegeTarget){on->kind,   scope_catalog(ctx, on->catalog), scope_name(ctx, on->database), scope_name(ctx, on->name),
                             on->values, scope_name(ctx, on->column)};
    return true;
}

static bool authorize(const Ctx *ctx, Action action, const PrivilegeTarget *on, Err *err) {
    return ctx_authorize(ctx, action, "privilege", on->catalog, on->database, on->name, err);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

/* On what is not there nobody has any. */
static bool find_place(Ctx *ctx, PgConn *conn, const PrivilegeTarget *on, bool *ret_there, PrivilegePlace *ret, Err *err) {
    enum { NOT_FOUND = 404 };
    Err why;
    *ret_there = privileges_sql_place(ctx, conn, on, false, ret, &why);
    if (!*ret_there && err_info(why.code)->rest_status != NOT_FOUND) {
        *err = why;
        return false;
    }
    return true;
}

bool privileges_list(Ctx *ctx, const PrivilegeTarget *on, Principal to, Privileges *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PrivilegeTarget folded = {.kind = PRIVILEGE_ALL};
    PrivilegePlace at;
    bool there = true;
    if ((on && !fold(ctx, on, &folded, err)) || (!str_is_null(to.name) && !principal_check(ctx, &to, err)) ||
        !authorize(ctx, ACTION_LIST, &folded, err) || !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        (on && !find_place(ctx, conn, &folded, &there, &at, err))) {
        return false;
    }
    PrivilegeQuery query = {.at = on ? &at : NULL, .to = to};
    *ret = (Privileges){0};
    return !there || privileges_sql_list(ctx, conn, &query, ret, err);
}

bool privileges_of_user(Ctx *ctx, const PrivilegeTarget *on, Str user, StrList groups, Privileges *ret, StrList *ret_roles,
                        Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    PrivilegeTarget folded;
    PrivilegePlace at;
    StrList roles;
    bool there;
    if (!fold(ctx, on, &folded, err) || !authorize(ctx, ACTION_LIST, &folded, err) ||
        !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) || !find_place(ctx, conn, &folded, &there, &at, err) ||
        !privileges_sql_roles(ctx, conn, user, groups, &roles, err)) {
        return false;
    }
    PrivilegeQuery query = {.at = &at, .user = &user, .groups = groups, .roles = roles};
    Privileges found = {0};
    if (there && !privileges_sql_list(ctx, conn, &query, &found, err)) {
        return false;
    }
    *ret = found;
    *ret_roles = roles;
    return true;
}

/* --- changes --------------------------------------------------------------------------------------------------- */

typedef struct PrivilegeChange {
    Ctx *ctx;
    Privileges grants; /* folded, one privilege each */
    PrivilegeTarget on;
    Str authorizer;
    bool option_only;
} PrivilegeChange;

static Str target_text(Arena *arena, const PrivilegeTarget *on) {
    switch (on->kind) {
        case PRIVILEGE_DATABASE: return ARENA_CONCAT(arena, STR("database "), on->database);
        case PRIVILEGE_TABLE: return ARENA_CONCAT(arena, STR("table ["), on->database, STR(","), on->name, STR("]"));
        case PRIVILEGE_PARTITION: return ARENA_CONCAT(arena, STR("a partition of ["), on->database, STR(","), on->name, STR("]"));
        case PRIVILEGE_COLUMN:
            return ARENA_CONCAT(arena, STR("column "), on->column, STR(" of ["), on->database, STR(","), on->name, STR("]"));
        case PRIVILEGE_CONNECTOR: return ARENA_CONCAT(arena, STR("data connector "), on->name);
        default: return STR("everything");
    }
}

static bool log_privilege(Ctx *ctx, PgConn *conn, const char *action, const Privilege *p, int64_t object_id, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(DETAIL_MAX_BYTES);
    JsonWriter w = jw_new(&buf);
    jw_object_begin(&w);
    jw_put_str(&w, "privilege", p->privilege);
    jw_put_str(&w, "principal", p->to.name);
    jw_put_str(&w, "principal_type", p->to.type);
    jw_put_str(&w, "grantor", p->grantor);
    jw_put_str(&w, "column", p->on.column);
    jw_object_end(&w);
    bool named = p->on.kind != PRIVILEGE_ALL;
    ChangeRecord record = {.kind = "privilege",
                           .action = action,
                           .catalog = named ? p->on.catalog : STR_NULL,
                           .database = p->on.database,
                           .name = p->on.name,
                           .object_id = object_id,
                           .version = -1,
                           .at = MICROS_NONE};
    return detail_take(ctx, &buf, &record.detail, err) && change_write(ctx, conn, &record, NULL, err);
}

static bool check(const Ctx *ctx, const Privilege *grant, Privilege *ret, Err *err) {
    *ret = *grant;
    if (str_is_empty(grant->privilege)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "A grant names a privilege.");
    }
    if (grant->on.kind == PRIVILEGE_COLUMN && str_is_empty(grant->on.column)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "A grant on a column names it.");
    }
    return fold(ctx, &grant->on, &ret->on, err) && principal_check(ctx, &ret->to, err);
}

/* "SELECT,INSERT" is two. */
static bool split(PrivilegeChange *change, const Privileges *grants, Err *err) {
    Ctx *ctx = change->ctx;
    size_t most = 0;
    for (size_t i = 0; i < grants->count; i++) {
        Str rest = grants->items[i].privilege, part;
        while (str_split(&rest, ',', &part)) {
            most++;
        }
        most++;
    }
    change->grants = (Privileges){ARENA_ARRAY(ctx->arena, Privilege, most), 0};
    for (size_t i = 0; i < grants->count; i++) {
        Privilege one;
        if (!check(ctx, &grants->items[i], &one, err)) {
            return false;
        }
        Str rest = one.privilege, part;
        while (str_split(&rest, ',', &part)) {
            one.privilege = str_trim(part);
            if (one.privilege.len) {
                change->grants.items[change->grants.count++] = one;
            }
        }
    }
    return arena_check(ctx->arena, err);
}

static bool grant_one(PrivilegeChange *change, PgConn *conn, const Privilege *grant, Err *err) {
    Ctx *ctx = change->ctx;
    PrivilegePlace at;
    Privilege g = *grant;
    bool is_new;
    g.grantor = str_is_null(g.grantor) ? STR("") : g.grantor;
    g.authorizer = str_is_null(g.authorizer) ? STR("") : g.authorizer;
    if (!privileges_sql_place(ctx, conn, &g.on, true, &at, err) || !privileges_sql_insert(ctx, conn, &at, &g, &is_new, err)) {
        return false;
    }
    if (!is_new) {
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " is already granted on %" STR_FMT " by %" STR_FMT, STR_ARG(g.privilege),
                       STR_ARG(target_text(ctx->arena, &g.on)), STR_ARG(g.grantor));
    }
    return log_privilege(ctx, conn, "grant", &g, at.object_id, err);
}

static bool grant_body(PgConn *conn, void *arg, Err *err) {
    PrivilegeChange *change = arg;
    for (size_t i = 0; i < change->grants.count; i++) {
        if (!grant_one(change, conn, &change->grants.items[i], err)) {
            return false;
        }
    }
    return true;
}

static bool revoke_one(PrivilegeChange *change, PgConn *conn, const Privilege *g, Err *err) {
    Ctx *ctx = change->ctx;
    PrivilegePlace at;
    PrivilegeFound found;
    if (!privileges_sql_place(ctx, conn, &g->on, true, &at, err) ||
        !privileges_sql_remove(ctx, conn, &at, g, change->option_only, &found, err)) {
        return false;
    }
    Str where = target_text(ctx->arena, &g->on);
    if (found.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "No grant (%" STR_FMT ") found on %" STR_FMT, STR_ARG(g->privilege), STR_ARG(where));
    }
    if (change->option_only && found.with_option == 0) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "User %" STR_FMT " does not have grant option with privilege %" STR_FMT " on %" STR_FMT, STR_ARG(g->to.name),
                       STR_ARG(g->privilege), STR_ARG(where));
    }
    return log_privilege(ctx, conn, "revoke", g, at.object_id, err);
}

static bool revoke_body(PgConn *conn, void *arg, Err *err) {
    PrivilegeChange *change = arg;
    for (size_t i = 0; i < change->grants.count; i++) {
        if (!revoke_one(change, conn, &change->grants.items[i], err)) {
            return false;
        }
    }
    return true;
}

static bool run(PrivilegeChange *change, PgTxnBody body, Err *err) {
    Ctx *ctx = change->ctx;
    for (size_t i = 0; i < change->grants.count; i++) {
        if (!authorize(ctx, ACTION_ALTER, &change->grants.items[i].on, err)) {
            return false;
        }
    }
    return pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, body, change, err);
}

bool privileges_grant(Ctx *ctx, const Privileges *grants, Err *err) {
    PrivilegeChange change = {.ctx = ctx};
    return split(&change, grants, err) && run(&change, grant_body, err);
}

bool privileges_revoke(Ctx *ctx, const Privileges *grants, bool option_only, Err *err) {
    PrivilegeChange change = {.ctx = ctx, .option_only = option_only};
    return split(&change, grants, err) && run(&change, revoke_body, err);
}

/* --- refresh --------------------------------------------------------------------------------------------------- */

static bool list_equal(StrList a, StrList b) {
    for (size_t i = 0; a.count == b.count && i < a.count; i++) {
        if (!str_eq(a.items[i], b.items[i])) {
            return false;
        }
    }
    return a.count == b.count;
}

static bool target_covers(const PrivilegeTarget *all, const PrivilegeTarget *one) {
    return all->kind == one->kind && str_eq(all->catalog, one->catalog) && str_eq(all->database, one->database) &&
           str_eq(all->name, one->name) && list_equal(all->values, one->values) &&
           (str_is_null(all->column) || str_eq(all->column, one->column));
}

static bool same_grant(const Privilege *a, const Privilege *b) {
    return str_eq(a->privilege, b->privilege) && str_eq(a->to.type, b->to.type) && str_eq(a->to.name, b->to.name) &&
           str_cmp(a->on.column, b->on.column) == 0 && a->grant_option == b->grant_option &&
           (str_eq(a->grantor, b->grantor) || (str_is_empty(a->grantor) && str_is_empty(b->grantor)));
}

static bool has_grant(const Privileges *list, size_t upto, const Privilege *wanted) {
    for (size_t i = 0; i < upto; i++) {
        if (same_grant(&list->items[i], wanted)) {
            return true;
        }
    }
    return false;
}

/* It is called every few minutes for everything there is, so what stays as it is is not written again. */
static bool is_current(const PrivilegeChange *change, const Privileges *before) {
    for (size_t i = 0; i < before->count; i++) {
        if (!has_grant(&change->grants, change->grants.count, &before->items[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < change->grants.count; i++) {
        if (!has_grant(before, before->count, &change->grants.items[i])) {
            return false;
        }
    }
    return true;
}

static bool refresh_body(PgConn *conn, void *arg, Err *err) {
    PrivilegeChange *change = arg;
    Ctx *ctx = change->ctx;
    PrivilegePlace at;
    Privileges before;
    if (!privileges_sql_place(ctx, conn, &change->on, true, &at, err)) {
        return false;
    }
    PrivilegeQuery query = {.at = &at, .authorizer = change->authorizer};
    if (!privileges_sql_list(ctx, conn, &query, &before, err)) {
        return false;
    }
    if (is_current(change, &before)) {
        return true;
    }
    if (!privileges_sql_clear(ctx, conn, &at, change->authorizer, err)) {
        return false;
    }
    for (size_t i = 0; i < before.count; i++) {
        if (!has_grant(&change->grants, change->grants.count, &before.items[i]) &&
            !log_privilege(ctx, conn, "revoke", &before.items[i], at.object_id, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < change->grants.count; i++) {
        Privilege g = change->grants.items[i];
        PrivilegePlace column = at;
        bool is_new;
        column.column = g.on.kind == PRIVILEGE_COLUMN ? g.on.column : STR("");
        g.grantor = str_is_null(g.grantor) ? STR("") : g.grantor;
        g.authorizer = change->authorizer;
        if (!privileges_sql_insert(ctx, conn, &column, &g, &is_new, err) ||
            (!has_grant(&before, before.count, &g) && !has_grant(&change->grants, i, &g) &&
             !log_privilege(ctx, conn, "grant", &g, at.object_id, err))) {
            return false;
        }
    }
    return true;
}

bool privileges_refresh(Ctx *ctx, const PrivilegeTarget *on, Str authorizer, const Privileges *grants, Err *err) {
    PrivilegeChange change = {.ctx = ctx, .authorizer = authorizer};
    if (str_is_null(authorizer)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "The authorizer cannot be null.");
    }
    if (!fold(ctx, on, &change.on, err) || !authorize(ctx, ACTION_ALTER, &change.on, err) || !split(&change, grants, err)) {
        return false;
    }
    for (size_t i = 0; i < change.grants.count; i++) {
        if (!target_covers(&change.on, &change.grants.items[i].on)) {
            return err_set(err, ERR_INVALID_ARGUMENT, "A refresh of %" STR_FMT " can only grant on that, not on %" STR_FMT ".",
                           STR_ARG(target_text(ctx->arena, &change.on)),
                           STR_ARG(target_text(ctx->arena, &change.grants.items[i].on)));
        }
    }
    return run(&change, refresh_body, err);
}
