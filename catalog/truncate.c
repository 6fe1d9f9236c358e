#include "catalog/truncate.h"

#include "catalog/diff.h"
#include "catalog/discard.h"
#include "catalog/partitions.h"
#include "catalog/places.h"
#include "catalog/scope.h"
#include "catalog/sql/discard_sql.h"
#include "catalog/sql/tables_sql.h"
#include "catalog/statistics.h"
#include "catalog/table_check.h"
#include "catalog/tables.h"
#include "storage/roots.h"

typedef struct Truncating {
    Ctx *ctx;
    TableRef ref;
    const TableTruncate *how;
    Table table;
    Partitions partitions; /* all, or those that are named; none: the table has none */
    StrList names;         /* theirs */
    StrList places;        /* of the files, as they were read */
    Discards data;
    bool same;
} Truncating;

/* --- what goes ------------------------------------------------------------------------------------------------- */

/* Readers of a table with a log of its own find files by that log. */
static bool check_kind(const Table *t, bool keep_data, Err *err) {
    const char *why = table_is_view(t) || str_eq(t->type, STR("MATERIALIZED_VIEW")) ? "it is a view"
                      : table_is_log_format(t)                                      ? "its format has a log of its own"
                      : !keep_data && !table_is_managed(t) && !params_is_true(&t->params, STR("external.table.purge"))
                          ? "it is not managed, so its files are not ours to delete"
                          : NULL;
    return !why || err_set(err, ERR_INVALID_ARGUMENT, "Table %" STR_FMT ".%" STR_FMT " cannot be truncated: %s.",
                           STR_ARG(t->database), STR_ARG(t->name), why);
}

static bool read_partitions(Truncating *t, Err *err) {
    PartitionQuery query = {
        .names = t->how->partitions, .with_names = t->how->with_partitions, .limit = -1, .without_columns = true};
    bool more;
    t->partitions = (Partitions){0};
    if (t->table.partition_keys->count && !partition_list(t->ctx, t->ref, &query, &t->partitions, &more, NULL, err)) {
        return false;
    }
    if (t->how->with_partitions && t->partitions.count < t->how->partitions.count) {
        return err_set(err, ERR_PARTITION_NOT_FOUND, "Of the %zu partitions to truncate, table %" STR_FMT ".%" STR_FMT " has %zu.",
                       t->how->partitions.count, STR_ARG(t->ref.database), STR_ARG(t->ref.name), t->partitions.count);
    }
    t->names = (StrList){ARENA_ARRAY(t->ctx->arena, Str, t->partitions.count), t->partitions.count};
    for (size_t i = 0; i < t->partitions.count; i++) {
        t->names.items[i] = t->partitions.items[i].name;
    }
    return arena_check(t->ctx->arena, err);
}

static bool find_places(Truncating *t, Err *err) {
    Ctx *ctx = t->ctx;
    if (!t->how->with_partitions) {
        CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
        return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
               doomed_places(ctx, conn, 0, t->table.id, &t->data, err);
    }
    t->data = (Discards){ARENA_ARRAY(ctx->arena, Discard, t->partitions.count), 0};
    for (size_t i = 0; i < t->partitions.count; i++) {
        const Partition *p = &t->partitions.items[i];
        if (!str_is_null(p->storage.location)) {
            t->data.items[t->data.count++] = (Discard){.table_id = t->table.id, .partition = p->name, .from = p->storage.location};
        }
    }
    return true;
}

static bool expect_ours(const Truncating *t, Err *err) {
    for (size_t i = 0; i < t->data.count; i++) {
        StorageVerdict verdict = {.reason = STORAGE_NO_DRIVER};
        if (t->ctx->catalog->roots) {
            roots_check(t->ctx->catalog->roots, ROOTS_REMOVE, t->data.items[i].from, &verdict);
        }
        if (!storage_done(&verdict)) {
            return err_set(err, ERR_INVALID_ARGUMENT, "Nothing is truncated, because %" STR_FMT " may not be emptied: %s",
                           STR_ARG(t->data.items[i].from), verdict.text);
        }
    }
    return true;
}

/* --- setting the files aside ----------------------------------------------------------------------------------- */

/* What somebody else uses too was left in its place. */
static bool expect_gone(const Truncating *t, Err *err) {
    for (size_t i = 0; i < t->places.count; i++) {
        StorageVerdict verdict;
        bool there;
        if (!roots_exists(t->ctx->catalog->roots, t->places.items[i], &there, &verdict, err)) {
            return false;
        }
        if (there) {
            return err_set(err, ERR_INVALID_ARGUMENT,
                           "Nothing is truncated, because %" STR_FMT " cannot be emptied: something else uses it, or it cannot be"
                           " moved; the log says more.",
                           STR_ARG(t->places.items[i]));
        }
    }
    return true;
}

static bool commit_body(PgConn *conn, void *arg, Err *err) {
    Truncating *t = arg;
    Table now;
    if (!table_row_get(t->ctx, conn, t->ref, true, &now, err)) {
        return false;
    }
    t->same = now.id == t->table.id && str_eq(now.storage.location, t->table.storage.location);
    return !t->same || discard_commit_for_good(t->ctx, conn, &t->data, err);
}

static bool empty_places(Truncating *t, Err *err) {
    Ctx *ctx = t->ctx;
    DiscardWhat what = {.tables = &t->table.id,
                        .table_count = 1,
                        .partitions = t->how->with_partitions ? t->names : (StrList){0},
                        .version = t->table.version};
    t->places = discard_places(ctx, &t->data);
    if (!discard_begin(ctx, &what, &t->data, &t->same, err)) {
        return false;
    }
    if (!t->same) {
        return true;
    }
    bool done = expect_gone(t, err) && pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, commit_body, t, err);
    if ((!done && err->code != ERR_STATE_UNKNOWN) || (done && !t->same)) {
        discard_reverse(ctx, &t->data);
    }
    for (size_t i = 0; done && t->same && i < t->places.count; i++) {
        place_make(ctx, t->places.items[i]);
    }
    return done;
}

/* Engines expect the directory of each partition to be there. */
static void make_partition_places(const Truncating *t) {
    for (size_t i = 0; i < t->partitions.count; i++) {
        place_make(t->ctx, t->partitions.items[i].storage.location);
    }
}

/* --- numbers --------------------------------------------------------------------------------------------------- */

static void zero(Ctx *ctx, Params *params) {
    static const char *const COUNTS[] = {"numFiles", "totalSize", "numRows", "rawDataSize"};
    *params = params_copy(params, ctx->arena);
    for (size_t i = 0; i < ARRAY_LEN(COUNTS); i++) {
        params_set(params, ctx->arena, str_from(COUNTS[i]), STR("0"));
    }
    params_set(params, ctx->arena, STR("COLUMN_STATS_ACCURATE"), STR("{\"BASIC_STATS\":\"true\"}"));
}

static bool zero_table(Ctx *ctx, Table *table, void *arg, Err *err) {
    (void)arg, (void)err;
    zero(ctx, &table->params);
    return true;
}

static bool zero_partition(Ctx *ctx, const Table *table, Partition *partition, size_t index, void *arg, Err *err) {
    (void)table, (void)index, (void)arg, (void)err;
    zero(ctx, &partition->params);
    return true;
}

static bool zero_partitions(Truncating *t, Err *err) {
    PartitionAlter how = {
        .values = ARENA_ARRAY(t->ctx->arena, StrList, t->partitions.count), .count = t->partitions.count, .edit = zero_partition};
    StatisticDelete statistics = {.partitions = t->names, .with_partitions = true};
    int64_t ignored;
    for (size_t i = 0; i < how.count; i++) {
        how.values[i] = t->partitions.items[i].values;
    }
    return how.count == 0 || (statistics_delete(t->ctx, t->ref, &statistics, &ignored, err) &&
                              partition_alter(t->ctx, t->ref, &how, NULL, NULL, err));
}

static bool zero_numbers(Truncating *t, Err *err) {
    TableAlter how = {.edit = zero_table, .expect_version = -1, .expect_id = t->table.id, .write_noop = true};
    StatisticDelete statistics = {0};
    int64_t ignored;
    Table ret;
    return zero_partitions(t, err) &&
           (t->table.partition_keys->count ||
            (statistics_delete(t->ctx, t->ref, &statistics, &ignored, err) && table_alter(t->ctx, t->ref, &how, &ret, err)));
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

static bool truncate_once(Truncating *t, Err *err) {
    t->same = true;
    if (!table_get(t->ctx, t->ref, &t->table, err) || !check_kind(&t->table, t->how->keep_data, err) || !read_partitions(t, err)) {
        return false;
    }
    if (t->how->keep_data) {
        return true;
    }
    return find_places(t, err) && expect_ours(t, err) && empty_places(t, err);
}

bool table_truncate(Ctx *ctx, TableRef ref, const TableTruncate *how, Err *err) {
    enum { TRIES = 5 };
    Truncating t = {.ctx = ctx, .ref = scope_table(ctx, ref), .how = how};
    if (!ctx_authorize(ctx, ACTION_ALTER, "table", t.ref.catalog, t.ref.database, t.ref.name, err)) {
        return false;
    }
    for (int tries = 0; tries < TRIES; tries++) {
        if (!truncate_once(&t, err)) {
            return false;
        }
        if (t.same) {
            if (!how->keep_data) {
                make_partition_places(&t);
            }
            return zero_numbers(&t, err);
        }
    }
    return err_set(err, ERR_CONFLICT,
                   "Table %" STR_FMT ".%" STR_FMT " was changed by others each time it was to be truncated. Try again.",
                   STR_ARG(t.ref.database), STR_ARG(t.ref.name));
}
