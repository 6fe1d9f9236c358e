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

bool statistics_get_total(Ctx *ctx, TableRef ref, StrList partitions, const StatisticQuery *query, StatisticTotal *ret, Err *err) {
    StatisticQuery q = *query;
    StatisticSets sets;
    StrList names = name_set(ctx, partitions);
    q.columns = name_set(ctx, folded(ctx, query->columns));
    q.without_sketches = names.count > 1;
    return arena_check(ctx->arena, err) && get_sets(ctx, ref, &names, &q, &sets, err) &&
           statistics_total(ctx->arena, &sets, names.count, q.columns.count, ret, err);
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
    bool merge, join, only_accurate;
    StatisticRow *rows; /* by partition and column */
    size_t count;
    StrList partitions; /* each once */
    bool of_table;
} Putting;

/* What one run of the transaction makes of it. */
typedef struct Written {
    StatisticRow *rows;
    size_t count;
    StatisticMarks marks; /* of all objects, as they were */
} Written;

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
        Str type = row->statistic->type;
        if (!name_check_column("column", row->statistic->column, err)) {
            return false;
        }
        if (!utf8_valid(type) || str_has_char(type, '\0')) {
            return err_set(err, ERR_INVALID_INPUT, "The type of column %" STR_FMT " is no UTF-8 text.",
                           STR_ARG(row->statistic->column));
        }
        if (i && compare_rows(row - 1, row) == 0) {
            return err_set(err, ERR_INVALID_INPUT, "The statistics of column %" STR_FMT "%s%" STR_FMT " are given twice.",
                           STR_ARG(row->statistic->column), row->partition.len ? " of partition " : "", STR_ARG(row->partition));
        }
    }
    return true;
}

/* What is given twice becomes one. */
static bool join_rows(Putting *p, Err *err) {
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (kept == 0 || compare_rows(&p->rows[kept - 1], &p->rows[i]) != 0) {
            p->rows[kept++] = p->rows[i];
        } else if (!statistic_merge(p->rows[kept - 1].statistic, p->rows[i].statistic, err)) {
            return false;
        }
    }
    p->count = kept;
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
    StrList partitions = {ARENA_ARRAY(ctx->arena, Str, sets->count), 0};
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
            p->rows[p->count++] = (StatisticRow){of_table ? STR("") : set->partition, copy};
        }
    }
    qsort(p->rows, p->count, sizeof *p->rows, compare_rows);
    p->partitions = name_set(ctx, partitions);
    return arena_check(ctx->arena, err) && (!p->join || join_rows(p, err)) && check_rows(p, err);
}

/* Columns without a mark are left out. Objects and their marks come in the same order. */
static void keep_accurate(const Putting *p, Written *w) {
    Arena *arena = p->ctx->arena;
    StatisticRow *rows = ARENA_ARRAY(arena, StatisticRow, w->count);
    StatAccurate accurate = {0};
    Str read = STR_NULL;
    size_t kept = 0, m = 0;
    for (size_t i = 0; i < w->count && !arena_exceeded(arena); i++) {
        while (m + 1 < w->marks.count && !str_eq(w->marks.items[m].name, w->rows[i].partition)) {
            m++;
        }
        if (!str_eq(read, w->marks.items[m].text)) {
            read = w->marks.items[m].text;
            accurate = stat_accurate_read(arena, read);
        }
        if (params_has(&accurate.columns, w->rows[i].statistic->column)) {
            rows[kept++] = w->rows[i];
        }
    }
    w->rows = rows;
    w->count = kept;
}

/* What is there joins what comes. The body of a transaction may run twice, so the input stays as it is. */
static bool merge_rows(const Putting *p, PgConn *conn, int64_t table_id, Written *w, Err *err) {
    Arena *arena = p->ctx->arena;
    ColumnStatistic *old = ARENA_ARRAY(arena, ColumnStatistic, w->count);
    StatisticRow *rows = ARENA_ARRAY(arena, StatisticRow, w->count);
    if (!arena_check(arena, err) || !statistics_sql_lock(p->ctx, conn, table_id, p->engine, w->rows, w->count, old, err)) {
        return false;
    }
    for (size_t i = 0; i < w->count; i++) {
        rows[i] = w->rows[i];
        if (old[i].kind) {
            if (!statistic_merge(&old[i], w->rows[i].statistic, err)) {
                return false;
            }
            old[i].analyzed_at = w->rows[i].statistic->analyzed_at;
            rows[i].statistic = &old[i];
        }
    }
    w->rows = rows;
    return true;
}

/* MARKS has the partitions that there are, and before them the table when it was asked for. */
static bool expect_partitions(const Putting *p, const StatisticMarks *marks, Err *err) {
    for (size_t i = 0; i < p->partitions.count; i++) {
        size_t at = i + p->of_table;
        if (at >= marks->count || !str_eq(marks->items[at].name, p->partitions.items[i])) {
            return err_set(err, ERR_PARTITION_NOT_FOUND, "Partition %" STR_FMT " not found in table %" STR_FMT ".%" STR_FMT ".",
                           STR_ARG(p->partitions.items[i]), STR_ARG(p->ref.database), STR_ARG(p->ref.name));
        }
    }
    return true;
}

/* The end of the rows that are of the same object as the one at FROM. */
static size_t end_of_object(const Written *w, size_t from) {
    size_t to = from + 1;
    while (to < w->count && str_eq(w->rows[to].partition, w->rows[from].partition)) {
        to++;
    }
    return to;
}

static bool same_columns(const StatisticRow *a, size_t a_count, const StatisticRow *b, size_t b_count) {
    for (size_t i = 0; a_count == b_count && i < a_count; i++) {
        if (!str_eq(a[i].statistic->column, b[i].statistic->column)) {
            return false;
        }
    }
    return a_count == b_count;
}

static Str text_with(Arena *arena, Str text, const StatisticRow *rows, size_t count) {
    StatAccurate accurate = stat_accurate_read(arena, text);
    size_t before = accurate.columns.count;
    for (size_t i = 0; i < count; i++) {
        if (!params_has(&accurate.columns, rows[i].statistic->column)) {
            params_set(&accurate.columns, arena, rows[i].statistic->column, STR("true"));
        }
    }
    return accurate.columns.count == before ? text : stat_accurate_text(arena, &accurate);
}

/* Neighbours mostly have the same text and get the same columns, so it is worked out once for all of them. */
static bool set_marks(const Putting *p, PgConn *conn, int64_t table_id, const Written *w, Err *err) {
    Arena *arena = p->ctx->arena;
    StatisticMarks changed = {ARENA_ARRAY(arena, StatisticMark, w->marks.count), 0};
    Str was = STR_NULL, text = STR_NULL;
    size_t m = 0, last = 0, last_count = 0;
    if (!str_eq(p->engine, DEFAULT_ENGINE)) {
        return true;
    }
    for (size_t from = 0, to; from < w->count && !arena_exceeded(arena); from = to) {
        to = end_of_object(w, from);
        while (m + 1 < w->marks.count && !str_eq(w->marks.items[m].name, w->rows[from].partition)) {
            m++;
        }
        StatisticMark *mark = &w->marks.items[m];
        if (last_count == 0 || !str_eq(was, mark->text) || !same_columns(w->rows + last, last_count, w->rows + from, to - from)) {
            was = mark->text;
            text = text_with(arena, was, w->rows + from, to - from);
        }
        last = from;
        last_count = to - from;
        if (!str_eq(text, mark->text)) {
            changed.items[changed.count++] = (StatisticMark){mark->name, text};
        }
    }
    return arena_check(arena, err) && statistics_sql_set_marks(p->ctx, conn, table_id, &changed, err);
}

static bool log_put(const Putting *p, PgConn *conn, const TableFound *table, const Written *w, Err *err) {
    Ctx *ctx = p->ctx;
    StrList columns = {ARENA_ARRAY(ctx->arena, Str, w->count), w->count}, partitions = {ARENA_ARRAY(ctx->arena, Str, w->count), 0};
    if (!arena_check(ctx->arena, err)) {
        return false;
    }
    for (size_t i = 0; i < w->count; i++) {
        Str partition = w->rows[i].partition;
        columns.items[i] = w->rows[i].statistic->column;
        if (partition.len && (partitions.count == 0 || !str_eq(partitions.items[partitions.count - 1], partition))) {
            partitions.items[partitions.count++] = partition;
        }
    }
    const StatisticChange change = {
        "update",  "UPDATE_TBL_COL_STAT_EVENT", "UPDATE_PART_COL_STAT_EVENT", "UPDATE_PART_COL_STAT_EVENT_BATCH",
        p->engine, name_set(ctx, columns)};
    return (w->rows[0].partition.len || log_statistics(ctx, conn, p->ref, table, &change, NULL, err)) &&
           (partitions.count == 0 || log_statistics(ctx, conn, p->ref, table, &change, &partitions, err));
}

static bool put_body(PgConn *conn, void *arg, Err *err) {
    const Putting *p = arg;
    TableFound table;
    Written w = {p->rows, p->count, {0}};
    if (!table_ref_find(p->ctx, conn, p->ref, p->of_table ? ROW_UPDATE : ROW_SHARE, &table, err) ||
        !statistics_sql_marks(p->ctx, conn, table.id, p->of_table, p->partitions, &w.marks, err) ||
        !expect_partitions(p, &w.marks, err)) {
        return false;
    }
    if (p->only_accurate && str_eq(p->engine, DEFAULT_ENGINE)) {
        keep_accurate(p, &w);
    }
    return w.count == 0 || ((!p->merge || merge_rows(p, conn, table.id, &w, err)) &&
                            statistics_sql_upsert(p->ctx, conn, table.id, p->engine, w.rows, w.count, err) &&
                            set_marks(p, conn, table.id, &w, err) && log_put(p, conn, &table, &w, err));
}

bool statistics_put(Ctx *ctx, TableRef ref, const StatisticPut *put, Err *err) {
    Putting p = {.ctx = ctx,
                 .ref = scope_table(ctx, ref),
                 .engine = engine_or_default(put->engine),
                 .merge = put->merge,
                 .join = put->join,
                 .only_accurate = put->only_accurate};
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
    Ctx *ctx = d->ctx;
    TableFound table;
    StatisticDelete which = d->which;
    StatisticMarks marks = {0}; /* they speak of what Hive reads, so other engines' statistics have none */
    bool marked = str_is_null(which.engine) || str_eq(which.engine, DEFAULT_ENGINE);
    const StatisticChange change = {
        "delete",     "DELETE_TBL_COL_STAT_EVENT", "DELETE_PART_COL_STAT_EVENT", "DELETE_PART_COL_STAT_EVENT", which.engine,
        which.columns};
    if (!table_ref_find(ctx, conn, d->ref, which.with_partitions ? ROW_SHARE : ROW_UPDATE, &table, err) ||
        (which.every_partition && !statistics_sql_partitions(ctx, conn, table.id, &which.partitions, err)) ||
        (marked && !statistics_sql_marks(ctx, conn, table.id, !which.with_partitions, which.partitions, &marks, err)) ||
        !statistics_sql_delete(ctx, conn, table.id, &which, &d->count, err)) {
        return false;
    }
    return d->count == 0 ||
           (statistics_sql_clear_marks(ctx, conn, table.id, marks, which.with_columns ? &which.columns : NULL, err) &&
            log_statistics(ctx, conn, d->ref, &table, &change, which.with_partitions ? &which.partitions : NULL, err));
}

bool statistics_delete(Ctx *ctx, TableRef ref, const StatisticDelete *which, int64_t *ret_count, Err *err) {
    Deleting d = {.ctx = ctx, .ref = scope_table(ctx, ref), .which = *which};
    d.which.columns = folded(ctx, which->columns);
    d.which.partitions = name_set(ctx, which->partitions);
    d.which.with_partitions |= which->every_partition;
    if (!ctx_authorize(ctx, ACTION_ALTER, "table", d.ref.catalog, d.ref.database, d.ref.name, err) ||
        !arena_check(ctx->arena, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, delete_body, &d, err)) {
        return false;
    }
    *ret_count = d.count;
    return true;
}
