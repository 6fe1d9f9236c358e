/* Statements on the data of what is dropped: who else uses it, where it is set aside, what of it is deleted. */
#ifndef PROPOLIS_CATALOG_SQL_DISCARD_SQL_H
#define PROPOLIS_CATALOG_SQL_DISCARD_SQL_H

#include "catalog/discard.h"

StrList discard_places(Ctx *ctx, const Discards *items); /* where each is from */

/* Where the data of the live tables of a database (or of the one TABLE_ID, when that is not 0) stands that goes when they
 * are dropped with their data: their directories, and partitions outside of them. By place. */
bool doomed_places(Ctx *ctx, PgConn *conn, int64_t database_id, int64_t table_id, Discards *ret, Err *err) WARN_UNUSED;

/* For each place the first live object at, above or below it that stays, null: none. */
bool doomed_users(Ctx *ctx, PgConn *conn, const DiscardWhat *what, const Discards *places, Str **ret, Err *err) WARN_UNUSED;
/* *ret_count how many of the partitions are still there. */
bool doomed_count(Ctx *ctx, PgConn *conn, const DiscardWhat *what, int64_t *ret_count, Err *err) WARN_UNUSED;

/* All or none; *ret_busy when one of them, its table or a partition of it is being moved already. After tables_hold(). */
bool asides_insert(Ctx *ctx, PgConn *conn, Discards *items, bool *ret_busy, Err *err) WARN_UNUSED;
bool asides_delete(Ctx *ctx, PgConn *conn, const Discards *items, Err *err) WARN_UNUSED;
/* From intents to what a new job deletes; FOR_GOOD: asides_undoom() does not find it. ERR_CONFLICT when a lease was lost. */
bool asides_doom(Ctx *ctx, PgConn *conn, const Discards *items, int64_t seq, bool for_good, Err *err) WARN_UNUSED;
/* The other way: what was dropped with the table, or (FROM not null) the partition that was there, best by the change SEQ.
 * *ret_busy when the table is being moved. */
bool asides_undoom(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, int64_t seq, Discards *ret, bool *ret_busy,
                   Err *err) WARN_UNUSED;
/* Is something there that undrop would bring back? */
bool doomed_has_table(Ctx *ctx, PgConn *conn, int64_t table_id, bool *ret, Err *err) WARN_UNUSED;
/* A rename takes along where the data of dropped partitions belongs. */
bool doomed_move(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, Str to, Err *err) WARN_UNUSED;

/* The next things a job deletes behind the id AFTER, which nobody brings back from here on; and that they are gone. */
bool doomed_begin(Ctx *ctx, PgConn *conn, int64_t job_id, int64_t after, Discards *ret, Err *err) WARN_UNUSED;
bool doomed_delete(Ctx *ctx, PgConn *conn, const Discards *items, Err *err) WARN_UNUSED;

#endif
