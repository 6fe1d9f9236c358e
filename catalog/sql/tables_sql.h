/* Statements about tables, their versions and their location bases. Functions run inside the caller's transaction, or outside any
 * when they only read. */
#ifndef PROPOLIS_CATALOG_SQL_TABLES_SQL_H
#define PROPOLIS_CATALOG_SQL_TABLES_SQL_H

#include "catalog/changes_write.h"
#include "catalog/ctx.h"
#include "catalog/diff.h"
#include "catalog/model.h"
#include "catalog/sql/row.h"
#include "catalog/tables.h"

/* Errors TABLE_NOT_FOUND, DATABASE_NOT_FOUND or CATALOG_NOT_FOUND. LOCK: FOR UPDATE of the table's row. */
bool table_row_get(Ctx *ctx, PgConn *conn, TableRef ref, bool lock, Table *ret, Err *err) WARN_UNUSED;
/* The same without a lock and outside any transaction; sets OK of each. They live in one arena. */
void table_rows_read_each(TableGet *const *reads, size_t count);
bool table_row_by_id(Ctx *ctx, PgConn *conn, int64_t id, bool lock, Table *ret, Err *err) WARN_UNUSED;
/* Dropped incarnations of a name (null: of the whole database), newest first; pages go by incarnation. They may come from a
 * database of that name that was dropped with them. */
bool table_rows_dropped(Ctx *ctx, PgConn *conn, int64_t database_id, Str name, const Page *page, Tables *ret, Err *err) WARN_UNUSED;
bool table_rows_names(Ctx *ctx, PgConn *conn, int64_t database_id, Str type, const Page *page, const Glob *glob,
                      TableSummaries *ret, Err *err) WARN_UNUSED;
bool table_rows_full(Ctx *ctx, PgConn *conn, int64_t database_id, StrList names, Tables *ret, Err *err) WARN_UNUSED;

typedef struct TableWrite {
    const Table *table;  /* as it is to be */
    const Table *before; /* NULL for a new one */
    int64_t database_id;
    const TableDiff *diff; /* NULL for a new one */
    const char *action;
    const char *hms_event;
    Str detail; /* of the change row; null: the diff */
    bool skip_archive;
    bool revive; /* take the drop mark off */
} TableWrite;
/* ret->id, version and times are set. ERR_ALREADY_EXISTS when the name is taken. */
bool table_row_insert(Ctx *ctx, PgConn *conn, const TableWrite *write, Table *ret, int64_t *ret_seq, Err *err) WARN_UNUSED;
/* Compare-and-set on (id, version): *ret_won false when another writer came first. */
bool table_row_update(Ctx *ctx, PgConn *conn, const TableWrite *write, bool *ret_won, Table *ret, int64_t *ret_seq,
                      Err *err) WARN_UNUSED;
/* DETAIL: of the change row. */
bool table_row_drop(Ctx *ctx, PgConn *conn, const Table *table, Str detail, bool *ret_won, Err *err) WARN_UNUSED;

/* Location bases of a table, index = number (0 is null: absolute). */
bool location_bases_get(Ctx *ctx, PgConn *conn, int64_t table_id, StrList *ret, Err *err) WARN_UNUSED;
bool location_base_add(Ctx *ctx, PgConn *conn, int64_t table_id, Str uri, int32_t *ret_no, Err *err) WARN_UNUSED;
/* Every base at or below FROM moves to TO; so do absolute partition locations of the table, and where the data of its dropped
 * partitions belongs. */
bool location_bases_move(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) WARN_UNUSED;
bool table_set_base(Ctx *ctx, PgConn *conn, int64_t table_id, int32_t no, Err *err) WARN_UNUSED;

/* A live object other than table EXCEPT_ID whose data is at URI, below it, or (a table's) above it; *ret null: none. */
bool location_other_user(Ctx *ctx, PgConn *conn, Str uri, int64_t except_id, Str *ret_who, Err *err) WARN_UNUSED;

#endif
