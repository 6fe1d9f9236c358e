#include "catalog/moves.h"

#include <time.h>

#include "base/log.h"
#include "catalog/discard.h"
#include "catalog/places.h"
#include "catalog/sql/moves_sql.h"
#include "catalog/sql/tables_sql.h"
#include "storage/location.h"
#include "storage/roots.h"

/* May the directory move at all? Null: yes. */
static Str why_not(Ctx *ctx, Str from, Str to) {
    StorageVerdict verdict;
    roots_check(ctx->catalog->roots, ROOTS_REMOVE, from, &verdict);
    if (storage_done(&verdict)) {
        roots_check(ctx->catalog->roots, ROOTS_CREATE, to, &verdict);
    }
    return storage_done(&verdict) ? STR_NULL : arena_str(ctx->arena, str_from(verdict.text));
}

static bool move_directory(Ctx *ctx, Move *move, Err *err) {
    StorageVerdict verdict;
    if (!place_rename(ctx, move->from, move->to, &verdict, err)) {
        return false;
    }
    move->moved = storage_done(&verdict);
    if (storage_warns(&verdict)) {
        return err_set(err, ERR_INVALID_OPERATION, "The directory %" STR_FMT " cannot be moved to %" STR_FMT ": %s",
                       STR_ARG(move->from), STR_ARG(move->to), verdict.text);
    }
    return true;
}

typedef struct Announcing {
    Ctx *ctx;
    Move *move;
    Str partition;
    Str why; /* it stays, because */
    bool busy;
} Announcing;

static bool expect_no_user(PgConn *conn, Announcing *a, Str place, int64_t owner_id, const char *what, Err *err) {
    Str user;
    if (!location_other_user(a->ctx, conn, place, owner_id, &user, err)) {
        return false;
    }
    if (!str_is_null(user)) {
        a->why = ARENA_CONCAT(a->ctx->arena, str_from(what), user);
    }
    return true;
}

static bool write_intents(PgConn *conn, Announcing *a, Err *err) {
    Ctx *ctx = a->ctx;
    Move *move = a->move;
    if (!intent_insert(ctx, conn, move->table_id, a->partition, move->from, move->to, &move->intent, err)) {
        return false;
    }
    a->busy = move->intent == 0;
    if (a->busy || move->source_id == move->table_id) {
        return true;
    }
    if (!intent_insert(ctx, conn, move->source_id, a->partition, move->from, move->to, &move->guard, err)) {
        return false;
    }
    a->busy = move->guard == 0;
    return !a->busy || intent_delete(ctx, conn, move->intent, err);
}

/* The lock keeps away who makes an object in the new place; see discard.h. */
static bool announce_body(PgConn *conn, void *arg, Err *err) {
    Announcing *a = arg;
    Ctx *ctx = a->ctx;
    Move *move = a->move;
    const int64_t tables[] = {move->table_id, move->source_id};
    size_t held, wanted = move->source_id == move->table_id ? 1 : 2;
    int64_t version;
    a->why = STR_NULL;
    a->busy = false;
    move->intent = move->guard = 0;
    if (!tables_hold(ctx, conn, tables, wanted, &held, &version, err)) {
        return false;
    }
    if (held < wanted) {
        return err_set(err, ERR_TABLE_NOT_FOUND, "The table was dropped meanwhile.");
    }
    if (!location_lock(ctx, conn, move->to, false, err) ||
        !expect_no_user(conn, a, move->from, move->source_id, "it is also used by ", err) ||
        !expect_no_user(conn, a, move->to, move->table_id, "its new place is used by ", err)) {
        return false;
    }
    return !str_is_null(a->why) || write_intents(conn, a, err);
}

bool move_wait(const Ctx *ctx, int tries) {
    enum { TRIES = 50, LONGEST_MS = 50 };
    int64_t ms = MIN(5 * (tries + 1), LONGEST_MS);
    if (tries >= TRIES || deadline_left_ms(ctx->deadline) <= ms) {
        return false;
    }
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
    return true;
}

static bool announce(Announcing *a, Err *err) {
    Ctx *ctx = a->ctx;
    for (int tries = 0;; tries++) {
        if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, announce_body, a, err)) {
            return false;
        }
        if (!a->busy) {
            return true;
        }
        if (!move_wait(ctx, tries)) {
            return err_set(err, ERR_CONFLICT,
                           "The directory %" STR_FMT " is being moved by another request. Try again in a moment.",
                           STR_ARG(a->move->from));
        }
    }
}

bool move_begin(Ctx *ctx, int64_t table_id, Str partition, Str from, Str to, Move *ret, Err *err) {
    return move_begin_between(ctx, table_id, table_id, partition, from, to, ret, err);
}

bool move_begin_between(Ctx *ctx, int64_t source_id, int64_t table_id, Str partition, Str from, Str to, Move *ret, Err *err) {
    Move move = {.table_id = table_id, .source_id = source_id, .from = from, .to = to};
    Announcing announcing = {.ctx = ctx, .move = &move, .partition = partition, .why = why_not(ctx, from, to)};
    if (str_is_null(announcing.why) && !announce(&announcing, err)) {
        return false;
    }
    if (!str_is_null(announcing.why)) {
        log_warn("The directory %" STR_FMT " stays where it is, only metadata changes: %" STR_FMT, STR_ARG(from),
                 STR_ARG(announcing.why));
        *ret = move;
        return true;
    }
    if (!move_directory(ctx, &move, err)) {
        move_reverse(ctx, &move);
        return false;
    }
    *ret = move;
    return true;
}

bool move_commit(Ctx *ctx, PgConn *conn, const Move *move, Err *err) {
    return move->intent == 0 ||
           (intent_delete(ctx, conn, move->intent, err) && (move->guard == 0 || intent_delete(ctx, conn, move->guard, err)));
}

static bool forget(Ctx *ctx, int64_t intent, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) && intent_delete(ctx, conn, intent, err);
}

void move_reverse(Ctx *ctx, const Move *move) {
    Err err;
    StorageVerdict verdict;
    if (move->intent == 0) {
        return;
    }
    if (move->moved && !place_rename(ctx, move->to, move->from, &verdict, &err)) {
        log_err(&err, "A directory could not be moved back and will be looked at again");
        return;
    }
    if (!forget(ctx, move->intent, &err) || (move->guard && !forget(ctx, move->guard, &err))) {
        log_err(&err, "A finished directory move stays noted and will be looked at again");
    }
}

static bool is_there(Ctx *ctx, Str location, bool *ret, Err *err) {
    StorageVerdict verdict;
    return roots_exists(ctx->catalog->roots, location, ret, &verdict, err);
}

/* Time has passed since the move was cut off: something else may live there now. */
static bool wrong_place_user(Ctx *ctx, Str location, int64_t table_id, Str *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           location_other_user(ctx, conn, location, table_id, ret, err);
}

/* The metadata decides: a location that was committed is right, so the directory belongs there. */
static bool settle(Ctx *ctx, const Intent *intent, Err *err) {
    bool committed = str_eq(intent->location, intent->to);
    Str wrong = committed ? intent->from : intent->to, right = committed ? intent->to : intent->from;
    bool at_wrong;
    if (!is_there(ctx, wrong, &at_wrong, err)) {
        return false;
    }
    if (!at_wrong) {
        log_info("A directory move that was cut off is settled: %" STR_FMT " is right.", STR_ARG(right));
        return forget(ctx, intent->id, err);
    }
    StorageVerdict verdict;
    Str user;
    if (!wrong_place_user(ctx, wrong, intent->table_id, &user, err)) {
        return false;
    }
    if (!str_is_null(user)) {
        log_warn("The directory %" STR_FMT " stays where it is: by now it is used by %" STR_FMT ".", STR_ARG(wrong), STR_ARG(user));
        return forget(ctx, intent->id, err);
    }
    bool at_right;
    if (!is_there(ctx, right, &at_right, err)) {
        return false;
    }
    if (at_right && place_clear_empty(ctx, wrong)) {
        /* A create that met the intent left an empty directory there. What is in the right place stays, empty or not. */
        log_info("A directory move that was cut off is settled: %" STR_FMT " is right.", STR_ARG(right));
        return forget(ctx, intent->id, err);
    }
    bool moved = place_rename(ctx, wrong, right, &verdict, err);
    if (!moved && err->code != ERR_ALREADY_EXISTS) {
        return false;
    }
    if (moved) {
        log_info("A directory move that was cut off is settled: the data was moved to %" STR_FMT ".", STR_ARG(right));
    } else {
        log_warn("A directory move was cut off, and data was written to both places since. %" STR_FMT
                 " belongs to the table; what is at %" STR_FMT " has to be moved there by hand.",
                 STR_ARG(right), STR_ARG(wrong));
    }
    return forget(ctx, intent->id, err);
}

bool move_recover(Ctx *ctx, bool alone, Err *err) {
    for (;;) {
        CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
        Intent intent;
        bool found;
        if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
            !intent_take_over(ctx, conn, alone, &intent, &found, err)) {
            return false;
        }
        pg_release(conn);
        conn = NULL;
        if (!found) {
            return true;
        }
        /* What cannot be settled now keeps its lease and is tried again when that is over; it must not hold up the others. */
        Err why;
        Discard left = {intent.id, intent.table_id, intent.partition, intent.from, intent.to, true};
        if (!(intent.aside ? discard_settle(ctx, &left, &why) : settle(ctx, &intent, &why))) {
            if (why.code == ERR_DATABASE_UNAVAILABLE) {
                *err = why;
                return false;
            }
            log_error("The directory move from %" STR_FMT " to %" STR_FMT
                      " that was cut off cannot be settled and is tried again: %s",
                      STR_ARG(intent.from), STR_ARG(intent.to), why.message);
        }
    }
}
