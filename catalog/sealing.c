#include "catalog/sealing.h"

#include <stdatomic.h>

#include "catalog/sql/connections_sql.h"
#include "config/config.h"

static Str object_id(Ctx *ctx, int64_t id) { return arena_printf(ctx->arena, "connection:%lld", (long long)id); }

bool sealing_close_named(Ctx *ctx, Str name, Str plain, Str *ret_sealed, Err *err) {
    const SecretKeys *keys = ctx->catalog->keys;
    if (!keys) {
        return err_set(err, ERR_INVALID_CONFIG, "This server has no key to seal secrets with, so it cannot keep any.");
    }
    return secret_seal(keys, name, plain, ctx->arena, ret_sealed, err);
}

bool sealing_open_named(Ctx *ctx, Str name, Str sealed, Str *ret_plain, Err *err) {
    Err ignored; /* that the key is missing says more */
    if (!ctx->catalog->keys) {
        return err_set(err, ERR_INVALID_CONFIG, "This server has no key to open secrets with.");
    }
    if (!secret_has_key(ctx->catalog->keys, sealed)) {
        (void)!sealing_reload(ctx->catalog, &ignored);
    }
    return secret_open(ctx->catalog->keys, name, sealed, ctx->arena, ret_plain, err);
}

bool sealing_close(Ctx *ctx, int64_t connection_id, Str plain, Str *ret_sealed, Err *err) {
    return sealing_close_named(ctx, object_id(ctx, connection_id), plain, ret_sealed, err);
}

bool sealing_open(Ctx *ctx, int64_t connection_id, Str sealed, Str *ret_plain, Err *err) {
    return sealing_open_named(ctx, object_id(ctx, connection_id), sealed, ret_plain, err);
}

bool sealing_reload(Catalog *catalog, Err *err) {
    enum { PATH_BYTES = 64 * 1024 };
    CLEANUP(arena_cleanup) Arena *arena = arena_new(PATH_BYTES);
    SecretKeys *fresh, *former = catalog->keys;
    if (!secret_keys_load(arena_cstr(arena, catalog->config->secret_key_file), false, &fresh, err)) {
        return false;
    }
    bool same = former && secret_keys_equal(fresh, former);
    if (!same && atomic_compare_exchange_strong(&catalog->keys, &former, fresh)) {
        secret_keys_follow(fresh, former);
    } else {
        secret_keys_free(fresh); /* nothing new, or another thread was faster */
    }
    return true;
}

/* --- under the newest key ------------------------------------------------------------------------------------- */

typedef struct Renewal {
    Ctx *ctx;
    StrList marks; /* of older keys */
    int64_t id;
    bool done;
} Renewal;

static bool is_old(const Renewal *r, Str sealed) {
    for (size_t i = 0; i < r->marks.count; i++) {
        if (str_starts(sealed, r->marks.items[i])) {
            return true;
        }
    }
    return false;
}

/* The row is locked and looked at again: somebody may have changed or dropped it meanwhile. */
static bool renew_body(PgConn *conn, void *arg, Err *err) {
    Renewal *r = arg;
    Str sealed, plain, fresh;
    r->done = false;
    if (!connections_sql_sealed(r->ctx, conn, r->id, &sealed, err)) {
        return false;
    }
    if (!is_old(r, sealed)) {
        return true;
    }
    r->done = true;
    return sealing_open(r->ctx, r->id, sealed, &plain, err) && sealing_close(r->ctx, r->id, plain, &fresh, err) &&
           connections_sql_seal(r->ctx, conn, r->id, fresh, err);
}

static bool next_old(Ctx *ctx, StrList marks, int64_t after, int64_t *ret_id, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           connections_sql_sealed_under(ctx, conn, marks, after, ret_id, err);
}

/* Each in an arena of its own: there can be many, and opened texts are wiped with it. */
static bool renew(Ctx *ctx, StrList marks, int64_t id, bool *ret_done, Err *err) {
    enum { MEMORY = 128 * 1024 * 1024 };
    CLEANUP(arena_cleanup) Arena *arena = arena_new(MEMORY);
    Ctx step = *ctx;
    step.arena = arena;
    Renewal r = {.ctx = &step, .marks = marks, .id = id};
    bool ok = pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, arena, renew_body, &r, err);
    *ret_done = ok && r.done;
    return ok;
}

bool sealing_renew(Ctx *ctx, int64_t *ret_count, Err *err) {
    int64_t count = 0, failed = 0, id = 0;
    Err why = {0};
    StrList marks = {0};
    if (ctx->catalog->keys) {
        marks = secret_old_marks(ctx->catalog->keys, ctx->arena);
    }
    while (marks.count) {
        bool done;
        if (!next_old(ctx, marks, id, &id, err)) {
            return false;
        }
        if (id == 0) {
            break;
        }
        bool ok = renew(ctx, marks, id, &done, &why);
        if (!ok && err_info(why.code)->retryable) {
            *err = why;
            return false;
        }
        count += ok && done;
        failed += !ok;
    }
    *ret_count = count;
    return failed == 0 ||
           err_set(err, why.code, "The secrets of %" PRId64 " connections stay under an older key. %s", failed, why.message);
}

/* --- does the key file fit ------------------------------------------------------------------------------------ */

static void try_one(Ctx *ctx, const SecretKeys *keys, const SealedSample *sample, SealHealth *health) {
    Str plain;
    Err why;
    if (secret_open(keys, object_id(ctx, sample->id), sample->sealed, ctx->arena, &plain, &why)) {
        health->opened += sample->connections;
        return;
    }
    if (health->closed == 0) {
        health->why = why;
    }
    health->closed += sample->connections;
    if (why.code == ERR_SECRET_KEY_MISSING) {
        Str id = secret_key_of(sample->sealed, ctx->arena);
        health->missing = str_is_null(health->missing) ? id : ARENA_CONCAT(ctx->arena, health->missing, STR(", "), id);
    }
}

bool sealing_try(Ctx *ctx, const SecretKeys *keys, SealHealth *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    SealedSample *samples;
    size_t count;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !connections_sql_sealed_samples(ctx, conn, &samples, &count, err)) {
        return false;
    }
    SealHealth health = {.missing = STR_NULL};
    for (size_t i = 0; i < count; i++) {
        try_one(ctx, keys, &samples[i], &health);
    }
    *ret = health;
    return arena_check(ctx->arena, err);
}
