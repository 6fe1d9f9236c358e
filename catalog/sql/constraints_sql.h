/* Statements on constraints. */
#ifndef PROPOLIS_CATALOG_SQL_CONSTRAINTS_SQL_H
#define PROPOLIS_CATALOG_SQL_CONSTRAINTS_SQL_H

#include "catalog/constraints.h"

/* REFs are folded and complete, or have a null name for "any". */
bool constraints_sql_list(Ctx *ctx, PgConn *conn, const ConstraintQuery *query, Constraints *ret, Err *err) WARN_UNUSED;
/* The same by the id of the table, inside a transaction. */
bool constraints_sql_of_table(Ctx *ctx, PgConn *conn, int64_t table_id, Constraints *ret, Err *err) WARN_UNUSED;
/* Names of the columns and partition keys of a table. */
bool constraints_sql_columns(Ctx *ctx, PgConn *conn, int64_t table_id, StrList *ret, Err *err) WARN_UNUSED;
bool constraints_sql_insert(Ctx *ctx, PgConn *conn, int64_t table_id, int64_t parent_id, Constraint *constraint,
                            Err *err) WARN_UNUSED;
bool constraints_sql_delete(Ctx *ctx, PgConn *conn, int64_t table_id, Str name, Constraint *ret, Err *err) WARN_UNUSED;

/* --- for the use cases that change tables, inside their transactions -------------------------------------------------- */

/* Columns are gone: what names one of them goes too, on both ends of foreign keys. Nothing waits. */
bool constraints_forget_columns(Ctx *ctx, PgConn *conn, int64_t table_id, StrList columns, Err *err) WARN_UNUSED;
bool constraints_rename_column(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) WARN_UNUSED;

#endif
