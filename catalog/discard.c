#include "catalog/discard.h"

#include "base/log.h"
#include "catalog/moves.h"
#include "catalog/places.h"
#include "catalog/sql/discard_sql.h"
#include "catalog/sql/moves_sql.h"
#include "catalog/sql/tables_sql.h"
#include "storage/location.h"
#include "storage/roots.h"

bool discard_hold(Ctx *ctx, PgConn *conn, Str location, Err *err) {
    return str_is_null(location) || (location_lock(ctx, conn, location, true, err) && intent_expect_none(ctx, conn, location, err));
}

static void kept(Str location, const char *why) { log_warn("The data at %" STR_FMT " is kept: %s", STR_ARG(location), why); }

/* --- setting aside -------------------------------------------------------------------------------------------- */

/* Only what a rule forbids to move is told; nothing to be done is said of what is not there or not ours to look after. */
static bool choose_aside(Ctx *ctx, Discard *d, Str name) {
    StorageVerdict verdict;
    Err err;
    if (!roots_aside(ctx->catalog->roots, d->from, name, ctx->arena, &d->to, &verdict, &err)) {
        kept(d->from, err.message);
        return false;
    }
    if (storage_warns(&verdict)) {
        kept(d->from, verdict.text);
    }
    return storage_done(&verdict);
}

static int by_place(const void *a, const void *b) { return str_cmp(((const Discard *)a)->from, ((const Discard *)b)->from); }

/* In the order of the places, so that one that lies in another comes after it; each once. */
static void choose_asides(Ctx *ctx, Discards *items) {
    char id[37];
    uuid_text(uuid_random(), id);
    size_t count = 0;
    if (items->count) {
        qsort(items->items, items->count, sizeof *items->items, by_place);
    }
    for (size_t i = 0; i < items->count; i++) {
        Discard *d = &items->items[i];
        bool twice = count && str_eq(items->items[count - 1].from, d->from);
        if (!twice && choose_aside(ctx, d, arena_printf(ctx->arena, "%" PRId64 "-%s-%zu", d->table_id, id, i))) {
            items->items[count++] = *d;
        }
    }
    items->count = count;
}

typedef struct Beginning {
    Ctx *ctx;
    const DiscardWhat *what;
    const Discards *asked;
    Discards items;
    Str *users;
    bool same, busy;
} Beginning;

static bool is_same(PgConn *conn, Beginning *b, Err *err) {
    const DiscardWhat *what = b->what;
    size_t held;
    int64_t version, partitions = 0;
    if (!tables_hold(b->ctx, conn, what->tables, what->table_count, &held, &version, err) ||
        (what->partitions.count && !doomed_count(b->ctx, conn, what, &partitions, err))) {
        return false;
    }
    b->same = held == what->table_count && (what->version < 0 || what->version == version) &&
              partitions == (int64_t)what->partitions.count;
    return true;
}

static void leave_out_used(Beginning *b) {
    b->items = (Discards){ARENA_ARRAY(b->ctx->arena, Discard, b->asked->count), 0};
    for (size_t i = 0; i < b->asked->count; i++) {
        if (str_is_null(b->users[i])) {
            b->items.items[b->items.count++] = b->asked->items[i];
        }
    }
}

static bool begin_body(PgConn *conn, void *arg, Err *err) {
    Beginning *b = arg;
    b->items.count = 0;
    b->busy = false;
    if (!is_same(conn, b, err)) {
        return false;
    }
    if (!b->same) {
        return true;
    }
    if (!locations_lock(b->ctx, conn, discard_places(b->ctx, b->asked), err) ||
        !doomed_users(b->ctx, conn, b->what, b->asked, &b->users, err)) {
        return false;
    }
    leave_out_used(b);
    if (b->items.count && !asides_insert(b->ctx, conn, &b->items, &b->busy, err)) {
        return false;
    }
    return !b->busy ||
           err_set(err, ERR_CONFLICT, "The directory %" STR_FMT " is being moved by another request. Try again in a moment.",
                   STR_ARG(b->asked->items[0].from));
}

static bool announce(Beginning *b, Err *err) {
    Ctx *ctx = b->ctx;
    for (int tries = 0;; tries++) {
        if (pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, begin_body, b, err)) {
            return true;
        }
        if (!b->busy || !move_wait(ctx, tries)) {
            return false;
        }
    }
}

/* The directories above, each once: neighbours mostly have the same. */
static void make_durable(Ctx *ctx, const Discards *items) {
    Str last_from = STR_NULL, last_to = STR_NULL;
    for (size_t i = 0; i < items->count; i++) {
        Str from = location_parent(items->items[i].from), to = location_parent(items->items[i].to);
        if (!items->items[i].moved) {
            continue;
        }
        if (!str_eq(from, last_from)) {
            roots_sync(ctx->catalog->roots, from);
        }
        if (!str_eq(to, last_to)) {
            roots_sync(ctx->catalog->roots, to);
        }
        last_from = from;
        last_to = to;
    }
}

/* Backwards: what lies in another goes first. */
static void set_aside(Ctx *ctx, Discards *items) {
    for (size_t i = items->count; i-- > 0;) {
        Discard *d = &items->items[i];
        StorageVerdict verdict;
        Err err;
        if (!roots_rename_later(ctx->catalog->roots, d->from, d->to, &verdict, &err)) {
            kept(d->from, err.message);
            continue;
        }
        if (storage_warns(&verdict)) {
            kept(d->from, verdict.text);
        }
        d->moved = storage_done(&verdict);
    }
    make_durable(ctx, items);
}

bool discard_begin(Ctx *ctx, const DiscardWhat *what, Discards *items, bool *ret_same, Err *err) {
    if (!ctx->catalog->roots) {
        items->count = 0;
    }
    choose_asides(ctx, items);
    Beginning b = {.ctx = ctx, .what = what, .asked = items, .same = true};
    *ret_same = true;
    if (items->count == 0) {
        return true;
    }
    if (!announce(&b, err)) {
        return false;
    }
    *ret_same = b.same;
    for (size_t i = 0; b.same && i < items->count; i++) {
        if (!str_is_null(b.users[i])) {
            kept(items->items[i].from, arena_printf(ctx->arena, "%" STR_FMT " uses it too.", STR_ARG(b.users[i])).ptr);
        }
    }
    set_aside(ctx, &b.items);
    *items = b.items;
    return true;
}

bool discard_foresaw(Ctx *ctx, StrList places, const Discards *now) {
    StrMap *asked = strmap_new(ctx->arena, places.count);
    bool all = true;
    for (size_t i = 0; i < places.count; i++) {
        strmap_put(asked, places.items[i], asked);
    }
    for (size_t i = 0; i < now->count; i++) {
        all = all && strmap_get(asked, now->items[i].from);
    }
    return all;
}

bool discard_commit(Ctx *ctx, PgConn *conn, const Discards *items, int64_t seq, Err *err) {
    return items->count == 0 || asides_doom(ctx, conn, items, seq, false, err);
}

bool discard_commit_for_good(Ctx *ctx, PgConn *conn, const Discards *items, Err *err) {
    return items->count == 0 || asides_doom(ctx, conn, items, 0, true, err);
}

/* --- moving back ---------------------------------------------------------------------------------------------- */

/* False: to be tried again. */
static bool move_back(Ctx *ctx, const Discard *d, Err *err) {
    StorageVerdict verdict;
    if (!d->moved || place_rename(ctx, d->to, d->from, &verdict, err)) {
        return true;
    }
    if (err->code != ERR_ALREADY_EXISTS) {
        return false;
    }
    if (place_clear_empty(ctx, d->to)) {
        return true; /* no data, so there is nothing to miss in the place that others have made again */
    }
    log_warn("The data of %" STR_FMT " could not be moved back to it, because there is other data by now; it is kept at %" STR_FMT,
             STR_ARG(d->from), STR_ARG(d->to));
    return true;
}

static bool forget(Ctx *ctx, const Discards *items, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && asides_delete(ctx, conn, items, err);
}

void discard_reverse(Ctx *ctx, const Discards *items) {
    Err err;
    Discards settled = {ARENA_ARRAY(ctx->arena, Discard, items->count), 0};
    for (size_t i = 0; i < items->count; i++) {
        if (move_back(ctx, &items->items[i], &err)) {
            settled.items[settled.count++] = items->items[i];
        } else {
            log_err(&err, "Data that was set aside could not be moved back and will be looked at again");
        }
    }
    if (settled.count && !forget(ctx, &settled, &err)) {
        log_err(&err, "A finished directory move stays noted and will be looked at again");
    }
}

bool discard_around(Ctx *ctx, const DiscardWhat *what, Discards *items, bool *ret_same, PgTxnBody body, void *arg, Err *err) {
    if (!discard_begin(ctx, what, items, ret_same, err)) {
        return false;
    }
    if (!*ret_same) {
        return true;
    }
    bool ok = pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, body, arg, err);
    if ((!ok && err->code != ERR_STATE_UNKNOWN) || (ok && !*ret_same)) {
        discard_reverse(ctx, items);
    }
    return ok;
}

/* Time has passed since the move was cut off: something else may live there now. */
static bool find_user(Ctx *ctx, const Discard *d, Str *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           location_other_user(ctx, conn, d->from, d->table_id, ret, err);
}

bool discard_settle(Ctx *ctx, const Discard *left, Err *err) {
    Str user;
    bool there;
    StorageVerdict verdict;
    Discard copy = *left;
    Discards items = {&copy, 1};
    if (!roots_exists(ctx->catalog->roots, left->to, &there, &verdict, err) || !find_user(ctx, left, &user, err)) {
        return false;
    }
    if (there && !str_is_null(user)) {
        log_warn("The data of %" STR_FMT " is kept at %" STR_FMT ": by now %" STR_FMT " uses its place.", STR_ARG(left->from),
                 STR_ARG(left->to), STR_ARG(user));
    } else if (there && !move_back(ctx, left, err)) {
        return false;
    }
    log_info("A drop that was cut off is settled: the data is at %" STR_FMT ".", STR_ARG(left->from));
    return forget(ctx, &items, err);
}

bool discard_take_back(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, int64_t seq, Discards *ret, Err *err) {
    bool busy;
    return asides_undoom(ctx, conn, table_id, from, seq, ret, &busy, err) &&
           (!busy || err_set(err, ERR_RETRY, "A directory of the table is being moved."));
}

/* --- deleting ------------------------------------------------------------------------------------------------- */

static bool delete_tree(Ctx *ctx, const Discard *d, Err *err) {
    StorageVerdict verdict;
    return roots_delete_tree(ctx->catalog->roots, d->to, ctx->deadline, &verdict, err) &&
           (verdict.reason != STORAGE_UNFINISHED ||
            err_set(err, ERR_TIMEOUT, "Deleting %" STR_FMT " takes longer than one turn; it goes on.", STR_ARG(d->from)));
}

static bool next_doomed(Ctx *ctx, int64_t job_id, int64_t after, Discards *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && doomed_begin(ctx, conn, job_id, after, ret, err);
}

static bool strike_off(Ctx *ctx, const Discards *gone, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && doomed_delete(ctx, conn, gone, err);
}

/* One that cannot be deleted does not keep the others: its error comes at the end. */
bool discard_delete(Ctx *ctx, int64_t job_id, Err *err) {
    bool all = true;
    Discards items;
    int64_t after = 0;
    do {
        if (!next_doomed(ctx, job_id, after, &items, err)) {
            return false;
        }
        Discards gone = {ARENA_ARRAY(ctx->arena, Discard, items.count), 0};
        for (size_t i = 0; i < items.count; i++) {
            Err why;
            after = MAX(after, items.items[i].id);
            if (delete_tree(ctx, &items.items[i], &why)) {
                gone.items[gone.count++] = items.items[i];
            } else {
                *err = why;
                all = false;
            }
        }
        if (gone.count && !strike_off(ctx, &gone, err)) {
            return false;
        }
    } while (items.count);
    return all;
}
