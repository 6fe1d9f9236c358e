/* Statements on column statistics. */
#ifndef PROPOLIS_CATALOG_SQL_STATISTICS_SQL_H
#define PROPOLIS_CATALOG_SQL_STATISTICS_SQL_H

#include "catalog/statistics.h"

/* Of the table itself (PARTITIONS NULL: one set or none), or of those partitions. REF is folded. */
bool statistics_sql_get(Ctx *ctx, PgConn *conn, TableRef ref, const StrList *partitions, const StatisticQuery *query,
                        StatisticSets *ret, Err *err) WARN_UNUSED;
/* One column of one object, as a row of a bulk write. */
typedef struct StatisticRow {
    Str partition; /* "" for the table */
    ColumnStatistic *statistic;
} StatisticRow;
/* Fills the statistics that are stored for the keys of ROWS into OLD (kind 0: none), locked. ROWS are sorted. */
bool statistics_sql_lock(Ctx *ctx, PgConn *conn, int64_t table_id, Str engine, const StatisticRow *rows, size_t count,
                         ColumnStatistic *old, Err *err) WARN_UNUSED;
bool statistics_sql_upsert(Ctx *ctx, PgConn *conn, int64_t table_id, Str engine, const StatisticRow *rows, size_t count,
                           Err *err) WARN_UNUSED;
bool statistics_sql_delete(Ctx *ctx, PgConn *conn, int64_t table_id, const StatisticDelete *which, int64_t *ret_count,
                           Err *err) WARN_UNUSED;
/* The names of partitions that have statistics. */
bool statistics_sql_partitions(Ctx *ctx, PgConn *conn, int64_t table_id, StrList *ret, Err *err) WARN_UNUSED;

/* What STAT_ACCURATE_KEY is in the parameters of the table itself (name "") or of a partition. */
typedef struct StatisticMark {
    Str name, text; /* text null: not there */
} StatisticMark;
typedef struct StatisticMarks {
    StatisticMark *items; /* by name */
    size_t count;
} StatisticMarks;
/* Of the table, which the caller has locked, when OF_TABLE, and of those of PARTITIONS (sorted) that exist; these are locked. */
bool statistics_sql_marks(Ctx *ctx, PgConn *conn, int64_t table_id, bool of_table, StrList partitions, StatisticMarks *ret,
                          Err *err) WARN_UNUSED;
/* Makes no version: the mark changes with the data. */
bool statistics_sql_set_marks(Ctx *ctx, PgConn *conn, int64_t table_id, const StatisticMarks *marks, Err *err) WARN_UNUSED;
/* Takes COLUMNS (NULL: all) out of MARKS. */
bool statistics_sql_clear_marks(Ctx *ctx, PgConn *conn, int64_t table_id, StatisticMarks marks, const StrList *columns,
                                Err *err) WARN_UNUSED;

/* --- for the use cases that change tables and partitions, inside their transactions --------------------------------- */

/* Columns are gone or have another type: of the table, which the caller has locked, and of all its partitions. */
bool statistics_forget_columns(Ctx *ctx, PgConn *conn, int64_t table_id, StrList columns, Err *err) WARN_UNUSED;
bool statistics_rename_column(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) WARN_UNUSED;
bool statistics_move_partition(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) WARN_UNUSED;
bool statistics_drop_partitions(Ctx *ctx, PgConn *conn, int64_t table_id, StrList names, Err *err) WARN_UNUSED;

#endif
