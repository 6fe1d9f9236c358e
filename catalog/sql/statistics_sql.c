#include "catalog/sql/statistics_sql.h"

#include "catalog/sql/table_ref.h"

/* Behind the number of what was asked for. */
#define STATISTIC_COLUMNS "s.column_name, s.column_type, s.kind, s.data, s.analyzed_at"
#define STATISTIC_SKETCHES ", s.bit_vector, s.histogram"

static bool statistic_from_row(const PgRows *rows, size_t row, bool sketches, ColumnStatistic *ret, Err *err) {
    *ret = (ColumnStatistic){
        .column = pg_text(rows, row, 1),
        .type = pg_text(rows, row, 2),
        .analyzed_at = pg_time(rows, row, 5),
        .bit_vector = sketches ? pg_bytes(rows, row, 6) : STR_NULL,
        .histogram = sketches ? pg_bytes(rows, row, 7) : STR_NULL,
    };
    return statistic_unpack(pg_bytes(rows, row, 4), (StatKind)pg_i16(rows, row, 3, 0), ret, err);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

/* Rows come by partition and column: runs of one number are a set. */
static bool sets_from_rows(const PgRows *rows, bool sketches, StrList partitions, Arena *arena, StatisticSets *ret, Err *err) {
    ColumnStatistic *items = ARENA_ARRAY(arena, ColumnStatistic, rows->count);
    StatisticSets sets = {ARENA_ARRAY(arena, StatisticSet, MIN(partitions.count, rows->count)), 0};
    if (!arena_check(arena, err)) {
        return false;
    }
    int64_t last = 0;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t no = pg_i64(rows, i, 0, 1);
        if (no != last) {
            Str partition = partitions.items[no - 1];
            sets.items[sets.count++] = (StatisticSet){partition.len ? partition : STR_NULL, items + i, 0};
            last = no;
        }
        if (!statistic_from_row(rows, i, sketches, &items[i], err)) {
            return false;
        }
        sets.items[sets.count - 1].count++;
    }
    *ret = sets;
    return true;
}

/* One probe of the primary key an object, in its order: no plan with a sort or a bitmap can come of this. */
#define STATISTICS_OF(columns) \
    "SELECT n.no, o.* FROM unnest($4::text[]) WITH ORDINALITY AS n(name, no) CROSS JOIN LATERAL (SELECT " columns \
    " FROM column_statistics s" \
    " WHERE s.table_id = " TABLE_ID_OF_123 " AND s.partition = n.name AND s.engine = $5" \
    " AND ($6::text[] IS NULL OR s.column_name = ANY ($6)) ORDER BY s.column_name OFFSET 0) o"

bool statistics_sql_get(Ctx *ctx, PgConn *conn, TableRef ref, const StrList *partitions, const StatisticQuery *q,
                        StatisticSets *ret, Err *err) {
    static const PgStmt numbers = {"statistics_get", STATISTICS_OF(STATISTIC_COLUMNS)};
    static const PgStmt all = {"statistics_get_all", STATISTICS_OF(STATISTIC_COLUMNS STATISTIC_SKETCHES)};
    Str itself = STR("");
    StrList names = partitions ? *partitions : (StrList){&itself, 1};
    PgArgs args = pg_args(ctx->arena);
    table_ref_args(&args, ref);
    pg_arg_texts(&args, names);
    pg_arg_text(&args, q->engine);
    if (q->with_columns) {
        pg_arg_texts(&args, q->columns);
    } else {
        pg_arg_null(&args);
    }
    PgRows rows;
    if (!pg_exec(conn, q->without_sketches ? &numbers : &all, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count == 0) { /* a table without statistics is fine, a missing one is not */
        TableFound found;
        *ret = (StatisticSets){0};
        return table_ref_find(ctx, conn, ref, ROW_READ, &found, err);
    }
    return sets_from_rows(&rows, !q->without_sketches, names, ctx->arena, ret, err);
}

bool statistics_sql_partitions(Ctx *ctx, PgConn *conn, int64_t table_id, StrList *ret, Err *err) {
    static const PgStmt stmt = {"statistics_partitions",
                                "SELECT coalesce(array_agg(DISTINCT partition ORDER BY partition), '{}') FROM column_statistics"
                                " WHERE table_id = $1 AND partition > ''"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret = pg_texts(&rows, 0, 0, ctx->arena);
    return arena_check(ctx->arena, err);
}

/* --- marks of accuracy ------------------------------------------------------------------------------------------- */

/* Parameters are key, value, key, value, by key. */
#define MARK "'" STAT_ACCURATE_KEY "'"
#define PAIRS_OF(object) "generate_series(1, cardinality(" object ".params), 2) i"
#define MARK_OF(object) "(SELECT " object ".params[i + 1] FROM " PAIRS_OF(object) " WHERE " object ".params[i] = " MARK ")"
#define PARAMS_WITH_MARK(object, value) \
    "nullif(ARRAY(SELECT u.part FROM (SELECT " object ".params[i] AS key, " object ".params[i + 1] AS value FROM " PAIRS_OF( \
        object) " WHERE " object ".params[i] <> " MARK " UNION ALL SELECT " MARK ", " value " WHERE " value " IS NOT NULL) pair," \
                " LATERAL (VALUES (1, pair.key), (2, pair.value)) u (no, part) ORDER BY pair.key COLLATE \"C\", u.no), '{}')"

static bool mark_of_table(Ctx *ctx, PgConn *conn, int64_t table_id, StatisticMarks *marks, Err *err) {
    static const PgStmt stmt = {"statistics_mark", "SELECT " MARK_OF("t") " FROM tables t WHERE t.id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    if (rows.count) {
        marks->items[marks->count++] = (StatisticMark){STR(""), pg_text(&rows, 0, 0)};
    }
    return true;
}

static bool marks_of_partitions(Ctx *ctx, PgConn *conn, int64_t table_id, StrList names, StatisticMarks *marks, Err *err) {
    static const PgStmt stmt = {NULL, /* planned for as many names as there are */
                                "SELECT p.name, " MARK_OF("p") " FROM partitions p WHERE p.table_id = $1 AND p.name = ANY ($2)"
                                                               " ORDER BY p.name FOR NO KEY UPDATE OF p"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, names);
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.count; i++) {
        marks->items[marks->count++] = (StatisticMark){pg_text(&rows, i, 0), pg_text(&rows, i, 1)};
    }
    return true;
}

bool statistics_sql_marks(Ctx *ctx, PgConn *conn, int64_t table_id, bool of_table, StrList partitions, StatisticMarks *ret,
                          Err *err) {
    StatisticMarks marks = {ARENA_ARRAY(ctx->arena, StatisticMark, partitions.count + 1), 0};
    if (!arena_check(ctx->arena, err) || (of_table && !mark_of_table(ctx, conn, table_id, &marks, err)) ||
        (partitions.count && !marks_of_partitions(ctx, conn, table_id, partitions, &marks, err))) {
        return false;
    }
    *ret = marks;
    return true;
}

static bool set_mark_of_table(Ctx *ctx, PgConn *conn, int64_t table_id, Str text, Err *err) {
    static const PgStmt stmt = {"statistics_set_mark",
                                "UPDATE tables t SET params = " PARAMS_WITH_MARK("t", "$2::text") " WHERE t.id = $1"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, text);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool statistics_sql_set_marks(Ctx *ctx, PgConn *conn, int64_t table_id, const StatisticMarks *marks, Err *err) {
    static const PgStmt stmt = {"statistics_set_marks", "UPDATE partitions p SET params = " PARAMS_WITH_MARK(
                                                            "p", "n.mark") " FROM unnest($2::text[], $3::text[]) AS n (name, mark)"
                                                                           " WHERE p.table_id = $1 AND p.name = n.name"};
    size_t first = marks->count && marks->items[0].name.len == 0;
    StrList names = {ARENA_ARRAY(ctx->arena, Str, marks->count), 0}, texts = {ARENA_ARRAY(ctx->arena, Str, marks->count), 0};
    if (!arena_check(ctx->arena, err) || (first && !set_mark_of_table(ctx, conn, table_id, marks->items[0].text, err))) {
        return false;
    }
    for (size_t i = first; i < marks->count; i++) {
        names.items[names.count++] = marks->items[i].name;
        texts.items[texts.count++] = marks->items[i].text;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, names);
    pg_arg_texts(&args, texts);
    return names.count == 0 || pg_exec_later(conn, &stmt, &args, err);
}

bool statistics_sql_clear_marks(Ctx *ctx, PgConn *conn, int64_t table_id, StatisticMarks marks, const StrList *columns, Err *err) {
    size_t changed = 0;
    for (size_t i = 0; i < marks.count && !arena_exceeded(ctx->arena); i++) {
        StatisticMark mark = {marks.items[i].name, stat_accurate_without(ctx->arena, marks.items[i].text, columns)};
        if (!str_eq(mark.text, marks.items[i].text)) {
            marks.items[changed++] = mark;
        }
    }
    marks.count = changed;
    return arena_check(ctx->arena, err) && statistics_sql_set_marks(ctx, conn, table_id, &marks, err);
}

/* --- writing --------------------------------------------------------------------------------------------------- */

/* $1 table, $2 engine, $3 partitions, $4 columns. */
static PgArgs key_args(Ctx *ctx, int64_t table_id, Str engine, const StatisticRow *rows, size_t count) {
    StrList partitions = {ARENA_ARRAY(ctx->arena, Str, count), count};
    StrList columns = {ARENA_ARRAY(ctx->arena, Str, count), count};
    for (size_t i = 0; i < count; i++) {
        partitions.items[i] = rows[i].partition;
        columns.items[i] = rows[i].statistic->column;
    }
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, engine);
    pg_arg_texts(&args, partitions);
    pg_arg_texts(&args, columns);
    return args;
}

bool statistics_sql_lock(Ctx *ctx, PgConn *conn, int64_t table_id, Str engine, const StatisticRow *keys, size_t count,
                         ColumnStatistic *old, Err *err) {
    static const PgStmt stmt = {
        "statistics_lock",
        "SELECT k.no, " STATISTIC_COLUMNS STATISTIC_SKETCHES " FROM unnest($3::text[], $4::text[]) WITH ORDINALITY k (partition,"
        " name, no) JOIN column_statistics s ON s.table_id = $1 AND s.partition = k.partition AND s.engine = $2"
        " AND s.column_name = k.name ORDER BY k.no FOR UPDATE OF s"};
    PgArgs args = key_args(ctx, table_id, engine, keys, count);
    PgRows rows;
    if (!arena_check(ctx->arena, err) || !pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.count; i++) {
        if (!statistic_from_row(&rows, i, true, &old[pg_i64(&rows, i, 0, 1) - 1], err)) {
            return false;
        }
    }
    return true;
}

static bool pack_all(Ctx *ctx, const StatisticRow *rows, size_t count, StrList *ret, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 20);
    *ret = (StrList){ARENA_ARRAY(ctx->arena, Str, count), count};
    for (size_t i = 0; i < count && !arena_exceeded(ctx->arena); i++) {
        buf_clear(&buf);
        statistic_pack(rows[i].statistic, &buf);
        if (!buf_check(&buf, "column statistics", err)) {
            return false;
        }
        ret->items[i] = arena_str(ctx->arena, buf_str(&buf));
    }
    return arena_check(ctx->arena, err);
}

/* $5 type, $6 kind, $7 data, $8 bit vector, $9 histogram, $10 analysed at. */
static void value_args(Ctx *ctx, PgArgs *args, const StatisticRow *rows, size_t count, StrList packed) {
    StrList types = {ARENA_ARRAY(ctx->arena, Str, count), count};
    StrList vectors = {ARENA_ARRAY(ctx->arena, Str, count), count};
    StrList histograms = {ARENA_ARRAY(ctx->arena, Str, count), count};
    int32_t *kinds = ARENA_ARRAY(ctx->arena, int32_t, count);
    Micros *times = ARENA_ARRAY(ctx->arena, Micros, count);
    for (size_t i = 0; i < count; i++) {
        const ColumnStatistic *s = rows[i].statistic;
        types.items[i] = s->type;
        vectors.items[i] = s->bit_vector;
        histograms.items[i] = s->histogram;
        kinds[i] = s->kind;
        times[i] = s->analyzed_at;
    }
    pg_arg_texts(args, types);
    pg_arg_i32s(args, kinds, count);
    pg_arg_byteas(args, packed);
    pg_arg_byteas(args, vectors);
    pg_arg_byteas(args, histograms);
    pg_arg_times(args, times, count);
}

bool statistics_sql_upsert(Ctx *ctx, PgConn *conn, int64_t table_id, Str engine, const StatisticRow *rows, size_t count, Err *err) {
    static const PgStmt stmt = {
        "statistics_upsert",
        "INSERT INTO column_statistics (table_id, engine, partition, column_name, column_type, kind, data, bit_vector, histogram,"
        " analyzed_at) SELECT $1, $2, partition, name, type, kind, data, vector, histogram, coalesce(at, clock_timestamp())"
        " FROM unnest($3::text[], $4::text[], $5::text[], $6::integer[], $7::bytea[], $8::bytea[], $9::bytea[], $10::timestamptz[])"
        "     AS n (partition, name, type, kind, data, vector, histogram, at)"
        " ON CONFLICT (table_id, partition, engine, column_name) DO UPDATE SET column_type = excluded.column_type,"
        " kind = excluded.kind, data = excluded.data, bit_vector = excluded.bit_vector, histogram = excluded.histogram,"
        " analyzed_at = excluded.analyzed_at"};
    StrList packed;
    if (!pack_all(ctx, rows, count, &packed, err)) {
        return false;
    }
    PgArgs args = key_args(ctx, table_id, engine, rows, count);
    value_args(ctx, &args, rows, count, packed);
    return arena_check(ctx->arena, err) && pg_exec_later(conn, &stmt, &args, err);
}

bool statistics_sql_delete(Ctx *ctx, PgConn *conn, int64_t table_id, const StatisticDelete *which, int64_t *ret_count, Err *err) {
    static const PgStmt stmt = {
        "statistics_delete",
        "DELETE FROM column_statistics WHERE table_id = $1 AND partition = ANY ($2) AND ($3::text IS NULL OR engine = $3)"
        " AND ($4::text[] IS NULL OR column_name = ANY ($4))"};
    Str itself = STR("");
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, which->with_partitions ? which->partitions : (StrList){&itself, 1});
    pg_arg_text(&args, which->engine);
    if (which->with_columns) {
        pg_arg_texts(&args, which->columns);
    } else {
        pg_arg_null(&args);
    }
    PgRows rows;
    if (!pg_exec(conn, &stmt, &args, ctx->arena, &rows, err)) {
        return false;
    }
    *ret_count = pg_affected(&rows);
    return true;
}

/* --- for other use cases --------------------------------------------------------------------------------------- */

bool statistics_forget_columns(Ctx *ctx, PgConn *conn, int64_t table_id, StrList columns, Err *err) {
    static const PgStmt stmt = {"statistics_forget_columns",
                                "WITH gone AS (DELETE FROM column_statistics WHERE table_id = $1 AND column_name = ANY ($2)"
                                " RETURNING partition) SELECT array_agg(DISTINCT partition ORDER BY partition) FROM gone"
                                " WHERE partition > ''"};
    PgArgs args = pg_args(ctx->arena);
    PgRows rows;
    StatisticMarks marks;
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, columns);
    return columns.count == 0 || (pg_exec(conn, &stmt, &args, ctx->arena, &rows, err) &&
                                  statistics_sql_marks(ctx, conn, table_id, true, pg_texts(&rows, 0, 0, ctx->arena), &marks, err) &&
                                  statistics_sql_clear_marks(ctx, conn, table_id, marks, &columns, err));
}

bool statistics_rename_column(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) {
    static const PgStmt stmt = {"statistics_rename_column",
                                "UPDATE column_statistics SET column_name = $3 WHERE table_id = $1 AND column_name = $2"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, from);
    pg_arg_text(&args, to);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool statistics_move_partition(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) {
    static const PgStmt stmt = {"statistics_move_partition",
                                "UPDATE column_statistics SET partition = $3 WHERE table_id = $1 AND partition = $2"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_text(&args, from);
    pg_arg_text(&args, to);
    return pg_exec_later(conn, &stmt, &args, err);
}

bool statistics_drop_partitions(Ctx *ctx, PgConn *conn, int64_t table_id, StrList names, Err *err) {
    static const PgStmt stmt = {"statistics_drop_partitions",
                                "DELETE FROM column_statistics WHERE table_id = $1 AND partition = ANY ($2)"};
    PgArgs args = pg_args(ctx->arena);
    pg_arg_i64(&args, table_id);
    pg_arg_texts(&args, names);
    return names.count == 0 || pg_exec_later(conn, &stmt, &args, err);
}
