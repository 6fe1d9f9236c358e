#include "catalog/statistics.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/scope.h"
#include "catalog/sql/statistics_sql.h"
#include "catalog/sql/table_ref.h"

static Str engine_or_default(Str engine) { return str_is_empty(engine) ? DEFAULT_ENGINE : engine; }

static StrList folded(Ctx *ctx, StrList names) {
    StrList list = {ARENA_ARRAY(ctx->arena, Str, names.count), names.count};
    for (size_t i = 0; i < names.count && !arena_exceeded(ctx->arena); i++) {
        list.items[i] = scope_name(ctx, names.items[i]);
    }
    return list;
}

/* By bits: NaN equals itself, and -0 is not 0. */
static bool doubles_equal(double a, double b) {
    uint64_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static bool values_equal(const StatValue *a, const StatValue *b) {
    return a->given == b->given && a->integer == b->integer && doubles_equal(a->real, b->real) &&
           a->unscaled.len == b->unscaled.len && (a->unscaled.len == 0 || str_eq(a->unscaled, b->unscaled)) && a->scale == b->scale;
}

bool statistics_equal(const ColumnStatistic *a, const ColumnStatistic *b) {
    return str_eq(a->column, b->column) && str_eq(a->type, b->type) && a->kind == b->kind && a->nulls == b->nulls &&
           a->distinct == b->distinct && values_equal(&a->low, &b->low) && values_equal(&a->high, &b->high) &&
           a->max_length == b->max_length && doubles_equal(a->average_length, b->average_length) && a->trues == b->trues &&
           a->falses == b->falses && str_eq(a->bit_vector, b->bit_vector) && str_eq(a->histogram, b->histogram);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static bool get_sets(Ctx *ctx, TableRef ref, const StrList *partitions, const StatisticQuery *query, StatisticSets *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    StatisticQuery q = *query;
    q.engine = engine_or_default(q.engine);
    q.columns = folded(ctx, q.columns);
    ref = scope_table(ctx, ref);
    return ctx_authorize(ctx, ACTION_READ, "table", ref.catalog, ref.database, ref.name, err) && arena_check(ctx->arena, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           statistics_sql_get(ctx, conn, ref, partitions, &q, ret, err);
}

bool statistics_get(Ctx *ctx, TableRef ref, const StatisticQuery *query, StatisticSet *ret, Err *err) {
    StatisticSets sets;
    if (!get_sets(ctx, ref, NULL, query, &sets, err)) {
        return false;
    }
    *ret = sets.count ? sets.items[0] : (StatisticSet){0};
    return true;
}

/* Sorted, each once. */
static StrList name_set(Ctx *ctx, StrList names) {
    StrList list = {ARENA_ARRAY(ctx->arena, Str, names.count), 0};
    if (names.count == 0 || arena_exceeded(ctx->arena)) {
        return list;
    }
    memcpy(list.items, names.items, names.count * sizeof(Str));
    qsort(list.items, names.count, sizeof(Str), str_cmp_void);
    for (size_t i = 0; i < names.count; i++) {
        if (list.count == 0 || !str_eq(list.items[list.count - 1], list.items[i])) {
            list.items[list.count++] = list.items[i];
        }
    }
    return list;
}

bool statistics_get_partitions(Ctx *ctx, TableRef ref, StrList partitions, const StatisticQuery *query, StatisticSets *ret,
                               Err *err) {
    StrList names = name_set(ctx, partitions);
    return arena_check(ctx->arena, err) && get_sets(ctx, ref, &names, query, ret, err);
}

/* --- the change log -------------------------------------------------------------------------------------------- */

typedef struct StatisticChange {
    const char *action, *table_event, *partition_event, *batch_event;
    Str engine;
    StrList columns; /* none: all */
} StatisticChange;

static bool change_detail(Ctx *ctx, const StatisticChange *change, Str *ret, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(DETAIL_MAX_BYTES);
    JsonWriter w = jw_new(&buf);
    jw_object_begin(&w);
    jw_put_str(&w, "engine", change->engine);
    if (change->columns.count) {
        jw_put_strs(&w, "columns", change->columns);
    }
    jw_object_end(&w);
    return detail_take(ctx, &buf, ret, err);
}

/* PARTITIONS NULL: the table's own. */
static bool log_statistics(Ctx *ctx, PgConn *conn, TableRef ref, const TableFound *table, const StatisticChange *change,
                           const StrList *partitions, Err *err) {
    ChangeRecord record = {.kind = "statistics",
                           .action = change->action,
                           .catalog = ref.catalog,
                           .database = ref.database,
                           .name = ref.name,
                           .object_id = table->id,
                           .version = -1,
                           .hms_event = change->table_event,
                           .at = MICROS_NONE};
    if (partitions) {
        record.partitions = *partitions;
        record.hms_event = partitions->count == 1 ? change->partition_event : change->batch_event;
    }
    return change_detail(ctx, change, &record.detail, err) && change_write(ctx, conn, &record, NULL, err);
}

/* --- put ------------------------------------------------------------------------------------------------------- */

typedef struct Putting {
    Ctx *ctx;
    TableRef ref;
    Str engine;
    bool merge;
    StatisticRow *rows; /* by partition and column */
    size_t count;
    StrList partitions; /* each once */
    StrList columns;    /* each once */
    bool of_table;
} Putting;

static int compare_rows(const void *a, const void *b) {
    const StatisticRow *x = a, *y = b;
    int order = str_cmp(x->partition, y->partition);
    return order ? order : str_cmp(x->statistic->column, y->statistic->column);
}

static bool check_rows(const Putting *p, Err *err) {
    for (size_t i = 0; i < p->count; i++) {
        const StatisticRow *row = &p->rows[i];
        if (!stat_kind_valid(row->statistic->kind)) {
            return err_set(err, ERR_INVALID_INPUT, "The statistics of column %" STR_FMT " have no kind.",
                           STR_ARG(row->statistic->column));
        }
        if (!name_check_column("column", row->statistic->column, err)) {
            return false;
        }
        if (i && compare_rows(row - 1, row) == 0) {
            return err_set(err, ERR_INVALID_INPUT, "The statistics of column %" STR_FMT "%s%" STR_FMT " are given twice.",
                           STR_ARG(row->statistic->column), row->partition.len ? " of partition " : "", STR_ARG(row->partition));
        }
    }
    return true;
}

/* One flat, sorted list of all columns of all sets. */
static bool flatten(Ctx *ctx, const StatisticSets *sets, Putting *p, Err *err) {
    size_t total = 0;
    for (size_t i = 0; i < sets->count; i++) {
        total += sets->items[i].count;
    }
    p->rows = ARENA_ARRAY(ctx->arena, StatisticRow, total);
    ColumnStatistic *copies = ARENA_ARRAY(ctx->arena, ColumnStatistic, total);
    StrList partitions = {ARENA_ARRAY(ctx->arena, Str, sets->count), 0}, columns = {ARENA_ARRAY(ctx->arena, Str, total), 0};
    if (!arena_check(ctx->arena, err)) {
        return false;
    }
    for (size_t i = 0; i < sets->count; i++) {
        const StatisticSet *set = &sets->items[i];
        bool of_table = str_is_empty(set->partition);
        p->of_table |= of_table && set->count;
        if (!of_table && set->count) {
            partitions.items[partitions.count++] = set->partition;
        }
        for (size_t j = 0; j < set->count; j++) {
            ColumnStatistic *copy = &copies[p->count];
            *copy = set->items[j];
            copy->column = scope_name(ctx, copy->column);
            columns.items[columns.count++] = copy->column;
            p->rows[p->count++] = (StatisticRow){of_table ? STR("") : set->partition, copy};
        }
    }
    qsort(p->rows, p->count, sizeof *p->rows, compare_rows);
    p->partitions = name_set(ctx, partitions);
    p->columns = name_set(ctx, columns);
    return arena_check(ctx->arena, err) && check_rows(p, err);
}

/* What is there joins what comes. The body of a transaction may run twice, so the input stays as it is. */
static bool merge_rows(const Putting *p, PgConn *conn, int64_t table_id, StatisticRow **ret, Err *err) {
    Arena *arena = p->ctx->arena;
    ColumnStatistic *old = ARENA_ARRAY(arena, ColumnStatistic, p->count);
    StatisticRow *rows = ARENA_ARRAY(arena, StatisticRow, p->count);
    if (!arena_check(arena, err) || !statistics_sql_lock(p->ctx, conn, table_id, p->engine, p->rows, p->count, old, err)) {
        return false;
    }
    for (size_t i = 0; i < p->count; i++) {
        rows[i] = p->rows[i];
        if (old[i].kind) {
            if (!statistic_merge(&old[i], p->rows[i].statistic, err)) {
                return false;
            }
            rows[i].statistic = &old[i];
        }
    }
    *ret = rows;
    return true;
}

static bool expect_partitions(const Putting *p, PgConn *conn, int64_t table_id, Err *err) {
    Str missing = STR_NULL;
    if (p->partitions.count && !statistics_sql_missing_partition(p->ctx, conn, table_id, p->partitions, &missing, err)) {
        return false;
    }
    return str_is_null(missing) ||
           err_set(err, ERR_PARTITION_NOT_FOUND, "Partition %" STR_FMT " not found in table %" STR_FMT ".%" STR_FMT ".",
                   STR_ARG(missing), STR_ARG(p->ref.database), STR_ARG(p->ref.name));
}

static bool put_body(PgConn *conn, void *arg, Err *err) {
    const Putting *p = arg;
    TableFound table;
    StatisticRow *rows = p->rows;
    const StatisticChange change = {
        "update",  "UPDATE_TBL_COL_STAT_EVENT", "UPDATE_PART_COL_STAT_EVENT", "UPDATE_PART_COL_STAT_EVENT_BATCH", p->engine,
        p->columns};
    return table_ref_find(p->ctx, conn, p->ref, ROW_SHARE, &table, err) && expect_partitions(p, conn, table.id, err) &&
           (!p->merge || merge_rows(p, conn, table.id, &rows, err)) &&
           statistics_sql_upsert(p->ctx, conn, table.id, p->engine, rows, p->count, err) &&
           (!p->of_table || log_statistics(p->ctx, conn, p->ref, &table, &change, NULL, err)) &&
           (!p->partitions.count || log_statistics(p->ctx, conn, p->ref, &table, &change, &p->partitions, err));
}

bool statistics_put(Ctx *ctx, TableRef ref, const StatisticPut *put, Err *err) {
    Putting p = {.ctx = ctx, .ref = scope_table(ctx, ref), .engine = engine_or_default(put->engine), .merge = put->merge};
    return ctx_authorize(ctx, ACTION_ALTER, "table", p.ref.catalog, p.ref.database, p.ref.name, err) &&
           flatten(ctx, &put->sets, &p, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, put_body, &p, err);
}

/* --- delete ---------------------------------------------------------------------------------------------------- */

typedef struct Deleting {
    Ctx *ctx;
    TableRef ref;
    StatisticDelete which;
    int64_t count;
} Deleting;

static bool delete_body(PgConn *conn, void *arg, Err *err) {
    Deleting *d = arg;
    TableFound table;
    const StatisticChange change = {
        "delete",        "DELETE_TBL_COL_STAT_EVENT", "DELETE_PART_COL_STAT_EVENT", "DELETE_PART_COL_STAT_EVENT", d->which.engine,
        d->which.columns};
    if (!table_ref_find(d->ctx, conn, d->ref, ROW_SHARE, &table, err) ||
        !statistics_sql_delete(d->ctx, conn, table.id, &d->which, &d->count, err)) {
        return false;
    }
    return d->count == 0 ||
           log_statistics(d->ctx, conn, d->ref, &table, &change, d->which.with_partitions ? &d->which.partitions : NULL, err);
}

bool statistics_delete(Ctx *ctx, TableRef ref, const StatisticDelete *which, int64_t *ret_count, Err *err) {
    Deleting d = {.ctx = ctx, .ref = scope_table(ctx, ref), .which = *which};
    d.which.columns = folded(ctx, which->columns);
    d.which.partitions = name_set(ctx, which->partitions);
    if (!ctx_authorize(ctx, ACTION_ALTER, "table", d.ref.catalog, d.ref.database, d.ref.name, err) ||
        !arena_check(ctx->arena, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, delete_body, &d, err)) {
        return false;
    }
    *ret_count = d.count;
    return true;
}
