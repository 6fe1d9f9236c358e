#include "catalog/discard.h"

#include "base/log.h"
#include "catalog/sql/moves_sql.h"
#include "catalog/sql/tables_sql.h"
#include "storage/location.h"
#include "storage/roots.h"

typedef struct Discarding {
    Ctx *ctx;
    Str location, aside;
    int64_t table_id;
    bool partition;
} Discarding;

/* The same each time, so that a second attempt finds what the first one left. */
static Str place_aside(Ctx *ctx, Str location, int64_t table_id) {
    unsigned char sum[32];
    sha256(location, sum);
    Str name = arena_printf(ctx->arena, ".propolis-dropped-%" PRId64 "-%02x%02x%02x%02x", table_id, sum[0], sum[1], sum[2], sum[3]);
    return location_join(ctx->arena, location_parent(location), name);
}

bool discard_hold(Ctx *ctx, PgConn *conn, Str location, Err *err) {
    return str_is_null(location) || (location_lock(ctx, conn, location, true, err) && intent_expect_none(ctx, conn, location, err));
}

static bool is_live(Discarding *d, PgConn *conn, bool *ret, Err *err) {
    Table table;
    *ret = false;
    if (table_row_by_id(d->ctx, conn, d->table_id, true, &table, err)) {
        *ret = table.dropped_at == MICROS_NONE;
        return true;
    }
    return err->code == ERR_TABLE_NOT_FOUND;
}

/* Something made since the drop may live there now. */
static bool find_user(Discarding *d, PgConn *conn, Str *ret, Err *err) {
    bool live;
    if (!is_live(d, conn, &live, err)) {
        return false;
    }
    if (live && !d->partition) {
        *ret = STR("the restored table");
        return true;
    }
    return location_other_user(d->ctx, conn, d->location, d->table_id, ret, err) &&
           (!d->partition || !str_is_null(*ret) || location_own_user(d->ctx, conn, d->location, d->table_id, ret, err));
}

static bool set_aside_body(PgConn *conn, void *arg, Err *err) {
    Discarding *d = arg;
    Str user;
    StorageVerdict verdict;
    if (!location_lock(d->ctx, conn, d->location, false, err) || !find_user(d, conn, &user, err)) {
        return false;
    }
    if (!str_is_null(user)) {
        log_warn("The data at %" STR_FMT " is kept: %" STR_FMT " uses it too.", STR_ARG(d->location), STR_ARG(user));
        return true;
    }
    if (!roots_rename(d->ctx->catalog->roots, d->location, d->aside, &verdict, err)) {
        return false;
    }
    if (storage_warns(&verdict)) {
        log_warn("The data at %" STR_FMT " is kept: %s", STR_ARG(d->location), verdict.text);
    }
    return true;
}

/* Looked at first, because the usual second call after an early one finds nothing there. */
static bool set_aside(Discarding *d, Err *err) {
    bool there;
    StorageVerdict verdict;
    Ctx *ctx = d->ctx;
    roots_check(ctx->catalog->roots, ROOTS_REMOVE, d->location, &verdict);
    if (storage_done(&verdict) && roots_exists(ctx->catalog->roots, d->location, &there, &verdict, err) && !there &&
        verdict.reason == STORAGE_ABSENT) {
        return true;
    }
    return pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, set_aside_body, d, err);
}

bool discard_set_aside(Ctx *ctx, Str location, int64_t table_id, bool partition, Err *err) {
    Discarding d = {ctx, location, place_aside(ctx, location, table_id), table_id, partition};
    return set_aside(&d, err);
}

static bool delete_aside(Discarding *d, bool *ret_found, Err *err) {
    StorageVerdict verdict;
    if (!roots_delete_tree(d->ctx->catalog->roots, d->aside, d->ctx->deadline, &verdict, err)) {
        return false;
    }
    *ret_found = storage_done(&verdict);
    return verdict.reason != STORAGE_UNFINISHED ||
           err_set(err, ERR_TIMEOUT, "Deleting %" STR_FMT " takes longer than one turn; it goes on.", STR_ARG(d->location));
}

bool discard_data(Ctx *ctx, Str location, int64_t table_id, bool partition, Err *err) {
    Discarding d = {ctx, location, place_aside(ctx, location, table_id), table_id, partition};
    bool found;
    if (!delete_aside(&d, &found, err)) {
        return false;
    }
    /* A table's directory that was set aside is done with: what is there now belongs to another. */
    return (found && !partition) || (set_aside(&d, err) && delete_aside(&d, &found, err));
}
