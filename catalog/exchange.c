#include "catalog/exchange.h"

#include "catalog/changes_write.h"
#include "catalog/moves.h"
#include "catalog/partitions.h"
#include "catalog/scope.h"
#include "catalog/sql/partitions_sql.h"
#include "catalog/sql/statistics_sql.h"
#include "config/config.h"
#include "storage/location.h"

typedef struct Exchanging {
    Ctx *ctx;
    const Params *spec;
    PartitionScope from, to;
    Partitions found; /* as they were read first */
    Partition *after;
    StrList names;
    Move *moves;
    bool same;
} Exchanging;

/* --- what may be exchanged ------------------------------------------------------------------------------------ */

static bool same_columns(const ColumnSet *a, const ColumnSet *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++) {
        same = str_eq(a->items[i].name, b->items[i].name) && str_eq(a->items[i].type, b->items[i].type);
    }
    return same;
}

static bool check_alike(const Table *from, const Table *to, Err *err) {
    if (from->id == to->id) {
        return err_set(err, ERR_INVALID_PARTITION, "Partitions cannot be exchanged between a table and itself.");
    }
    if (!same_columns(from->storage.columns, to->storage.columns) || !same_columns(from->partition_keys, to->partition_keys)) {
        return err_set(err, ERR_INVALID_PARTITION,
                       "The tables %" STR_FMT ".%" STR_FMT " and %" STR_FMT ".%" STR_FMT
                       " have different columns or partition keys, so they cannot exchange partitions.",
                       STR_ARG(from->database), STR_ARG(from->name), STR_ARG(to->database), STR_ARG(to->name));
    }
    return (!str_is_null(from->storage.location) && !str_is_null(to->storage.location)) ||
           err_set(err, ERR_INVALID_PARTITION, "Only tables that have a location can exchange partitions.");
}

/* The values of leading keys. A key without one, or with an empty one, ends them. */
static bool read_spec(const Exchanging *x, StrList *ret, Err *err) {
    const ColumnSet *keys = x->from.table.partition_keys;
    size_t given = 0;
    *ret = (StrList){ARENA_ARRAY(x->ctx->arena, Str, keys->count), 0};
    for (size_t k = 0; k < keys->count; k++) {
        for (size_t i = 0; i < x->spec->count; i++) {
            const Param *p = &x->spec->items[i];
            if (p->value.len && name_same(p->key, keys->items[k].name)) {
                ret->items[k] = p->value;
                given++;
            }
        }
        ret->count += ret->count == k && ret->items[k].len ? 1 : 0;
    }
    if (ret->count == 0 || given > ret->count) {
        return err_set(err, ERR_INVALID_PARTITION,
                       "The partition specification has to give values of the first partition key and those that follow it,"
                       " without a gap.");
    }
    return true;
}

static bool check_absent(PgConn *conn, const Exchanging *x, Err *err) {
    StrList taken;
    return partition_rows_existing(x->ctx, conn, x->to.table.id, x->names, &taken, err) &&
           (taken.count == 0 ||
            err_set(err, ERR_INVALID_PARTITION, "The partition %" STR_FMT " already exists in table %" STR_FMT ".%" STR_FMT ".",
                    STR_ARG(taken.items[0]), STR_ARG(x->to.table.database), STR_ARG(x->to.table.name)));
}

static bool plan_one(Exchanging *x, size_t i, Err *err) {
    const Partition *p = &x->found.items[i];
    Str place = location_join(x->ctx->arena, x->from.table.storage.location, p->name);
    if (!str_eq(p->storage.location, place)) {
        return err_set(err, ERR_INVALID_PARTITION,
                       "The partition %" STR_FMT " lies in a place of its own, %" STR_FMT ", so it cannot be exchanged.",
                       STR_ARG(p->name), STR_ARG(p->storage.location));
    }
    x->names.items[i] = p->name;
    x->after[i] = *p;
    x->after[i].storage.location = location_join(x->ctx->arena, x->to.table.storage.location, p->name);
    return true;
}

static bool find(PgConn *conn, Exchanging *x, Err *err) {
    Ctx *ctx = x->ctx;
    int64_t most = ctx->catalog->config->limits.partitions_per_request;
    PartitionQuery query = {.limit = most + 1};
    if (!read_spec(x, &query.prefix, err) || !partition_rows_get(ctx, conn, &x->from, &query, false, &x->found, err)) {
        return false;
    }
    size_t count = x->found.count;
    if (count == 0 || (int64_t)count > most) {
        return err_set(err, ERR_INVALID_PARTITION,
                       "%zu partitions have the values given; at least one has to, and at most %" PRId64 ".", count, most);
    }
    x->names = (StrList){ARENA_ARRAY(ctx->arena, Str, count), count};
    x->after = ARENA_ARRAY(ctx->arena, Partition, count);
    x->moves = ARENA_ARRAY(ctx->arena, Move, count);
    for (size_t i = 0; i < count; i++) {
        if (!plan_one(x, i, err)) {
            return false;
        }
    }
    return check_absent(conn, x, err);
}

static bool read_all(Exchanging *x, TableRef from, TableRef to, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Ctx *ctx = x->ctx;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           partition_scope_get(ctx, conn, from, &x->from, err) && partition_scope_get(ctx, conn, to, &x->to, err) &&
           check_alike(&x->from.table, &x->to.table, err) && find(conn, x, err);
}

/* --- directories ---------------------------------------------------------------------------------------------- */

static void reverse_moves(Exchanging *x) {
    for (size_t i = x->found.count; i-- > 0;) {
        move_reverse(x->ctx, &x->moves[i]);
        x->moves[i] = (Move){.intent = 0};
    }
}

/* A directory that has to stay where it is becomes the place of its own of the partition. */
static bool move_directories(Exchanging *x, Err *err) {
    for (size_t i = 0; i < x->found.count; i++) {
        Str *place = &x->after[i].storage.location;
        if (!move_begin_between(x->ctx, x->from.table.id, x->to.table.id, x->names.items[i], x->found.items[i].storage.location,
                                *place, &x->moves[i], err)) {
            reverse_moves(x);
            return false;
        }
        *place = x->moves[i].intent ? *place : x->found.items[i].storage.location;
    }
    return true;
}

/* --- metadata ------------------------------------------------------------------------------------------------- */

/* In one order, whichever way partitions go. */
static bool hold_both(PgConn *conn, Exchanging *x, Err *err) {
    bool from_first = x->from.table.id < x->to.table.id, also = false;
    if (!partition_scope_hold(x->ctx, conn, from_first ? &x->from : &x->to, &x->same, err) ||
        !partition_scope_hold(x->ctx, conn, from_first ? &x->to : &x->from, &also, err)) {
        return false;
    }
    x->same = x->same && also;
    return true;
}

/* Still there, and where they were. */
static bool lock_rows(PgConn *conn, Exchanging *x, Err *err) {
    PartitionQuery query = {.names = x->names, .with_names = true, .limit = -1};
    Partitions now;
    if (!partition_rows_get(x->ctx, conn, &x->from, &query, true, &now, err)) {
        return false;
    }
    x->same = now.count == x->found.count;
    for (size_t i = 0; i < now.count && x->same; i++) {
        const Partition *was = &x->found.items[i];
        Partition *after = &x->after[i];
        x->same = str_eq(now.items[i].name, was->name) && str_eq(now.items[i].storage.location, was->storage.location);
        Str place = after->storage.location;
        *after = now.items[i];
        after->storage.location = place;
    }
    return true;
}

static bool write_change(PgConn *conn, Exchanging *x, const Table *table, const char *action, const char *event, int64_t *ret_seq,
                         Err *err) {
    ChangeRecord record = {
        .kind = "partition",
        .action = action,
        .catalog = table->catalog,
        .database = table->database,
        .name = table->name,
        .object_id = table->id,
        .version = -1,
        .hms_event = event,
        .partitions = x->names,
        .at = MICROS_NONE,
    };
    return change_write(x->ctx, conn, &record, ret_seq, err);
}

static bool write_rows(PgConn *conn, Exchanging *x, Err *err) {
    Ctx *ctx = x->ctx;
    int64_t dropped, added;
    if (!write_change(conn, x, &x->from.table, "drop", "DROP_PARTITION", &dropped, err) ||
        !partition_rows_retire(ctx, conn, x->from.table.id, x->names, dropped, true, err) ||
        !statistics_drop_partitions(ctx, conn, x->from.table.id, x->names, err) ||
        !write_change(conn, x, &x->to.table, "add", "ADD_PARTITION", &added, err)) {
        return false;
    }
    for (size_t i = 0; i < x->found.count; i++) {
        x->after[i].added_seq = added;
        x->after[i].altered_seq = 0;
        if (!move_commit(ctx, conn, &x->moves[i], err)) {
            return false;
        }
    }
    return partition_rows_copy(ctx, conn, &x->to, x->after, x->found.count, err);
}

static bool exchange_body(PgConn *conn, void *arg, Err *err) {
    Exchanging *x = arg;
    return hold_both(conn, x, err) && (!x->same || lock_rows(conn, x, err)) &&
           (!x->same || (check_absent(conn, x, err) && write_rows(conn, x, err)));
}

bool partition_exchange(Ctx *ctx, TableRef from, TableRef to, const Params *spec, Partitions *ret, Err *err) {
    enum { TRIES = 8 };
    TableRef source = scope_table(ctx, from), target = scope_table(ctx, to);
    Exchanging x = {.ctx = ctx, .spec = spec};
    if (!ctx_authorize(ctx, ACTION_DROP, "partition", source.catalog, source.database, source.name, err) ||
        !ctx_authorize(ctx, ACTION_CREATE, "partition", target.catalog, target.database, target.name, err)) {
        return false;
    }
    for (int tries = 0; tries < TRIES; tries++) {
        if (!read_all(&x, source, target, err) || !move_directories(&x, err)) {
            return false;
        }
        bool ok = pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, exchange_body, &x, err);
        if ((!ok && err->code != ERR_STATE_UNKNOWN) || (ok && !x.same)) {
            reverse_moves(&x);
        }
        if (!ok) {
            return false;
        }
        if (x.same) {
            if (ret) {
                *ret = (Partitions){x.after, x.found.count};
            }
            return true;
        }
    }
    return err_set(err, ERR_CONFLICT, "The tables are changed by others all the time. Try again.");
}
