#include "catalog/moves.h"

#include "base/log.h"
#include "catalog/places.h"
#include "catalog/sql/moves_sql.h"
#include "catalog/sql/tables_sql.h"
#include "storage/location.h"
#include "storage/roots.h"

/* May the directory move at all? *ret_why gets the reason when not. */
static bool may_move(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Str *ret_why, Err *err) {
    StorageVerdict verdict;
    roots_check(ctx->catalog->roots, ROOTS_REMOVE, from, &verdict);
    if (storage_done(&verdict)) {
        roots_check(ctx->catalog->roots, ROOTS_CREATE, to, &verdict);
    }
    if (!storage_done(&verdict)) {
        *ret_why = arena_str(ctx->arena, str_from(verdict.text));
        return true;
    }
    Str user;
    if (!location_other_user(ctx, conn, from, table_id, &user, err)) {
        return false;
    }
    *ret_why = str_is_null(user) ? STR_NULL : ARENA_CONCAT(ctx->arena, STR("it is also used by "), user);
    return true;
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
} Announcing;

/* The lock keeps away who makes an object in the new place; see discard.h. */
static bool announce_body(PgConn *conn, void *arg, Err *err) {
    Announcing *a = arg;
    Str user;
    if (!location_lock(a->ctx, conn, a->move->to, false, err) ||
        !location_other_user(a->ctx, conn, a->move->to, a->move->table_id, &user, err)) {
        return false;
    }
    if (!str_is_null(user)) {
        a->why = ARENA_CONCAT(a->ctx->arena, STR("its new place is used by "), user);
        return true;
    }
    return intent_insert(a->ctx, conn, a->move->table_id, a->partition, a->move->from, a->move->to, &a->move->intent, err);
}

bool move_begin(Ctx *ctx, int64_t table_id, Str partition, Str from, Str to, Move *ret, Err *err) {
    Move move = {.table_id = table_id, .from = from, .to = to};
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Str why;
    if (!pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !may_move(ctx, conn, table_id, from, to, &why, err)) {
        return false;
    }
    pg_release(conn);
    conn = NULL;
    Announcing announcing = {ctx, &move, partition, why};
    if (str_is_null(why) &&
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, announce_body, &announcing, err)) {
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
    return move->intent == 0 || intent_delete(ctx, conn, move->intent, err);
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
    if (!forget(ctx, move->intent, &err)) {
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
        if (!settle(ctx, &intent, &why)) {
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
