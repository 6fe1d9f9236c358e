/* Discarding the data of what is dropped, and bringing it back.
 *
 * Nothing can tell old files from those that somebody writes to the same place after a drop. So the directory leaves its
 * place before the drop is committed: first an intent is committed, then the directory is set aside in one step, then the
 * drop is committed together with a job that deletes what was set aside, and nothing else. An intent that is still there
 * belongs to a drop that was never committed: whoever finds it moves the directory back. Bringing back what was dropped
 * turns the job's rows into such intents again, in the transaction that brings back the metadata.
 *
 * Who makes a table takes discard_hold() in its transaction and makes the directory (again) after it: then nothing that is
 * written to a live table's directory is ever set aside. */
#ifndef PROPOLIS_CATALOG_DISCARD_H
#define PROPOLIS_CATALOG_DISCARD_H

#include "catalog/ctx.h"

/* The data of one thing. */
typedef struct Discard {
    int64_t id; /* of the intent; of what a job deletes */
    int64_t table_id;
    Str partition; /* dropped alone; null: goes with its table */
    Str from, to;
    bool moved;
} Discard;

typedef struct Discards {
    Discard *items;
    size_t count;
} Discards;

/* What goes, so that it does not count as a user of its own place. */
typedef struct DiscardWhat {
    const int64_t *tables; /* whole, or the one whose partitions go */
    size_t table_count;
    StrList partitions;  /* names; empty: the tables themselves */
    int64_t version;     /* of the one table as it was read, -1: any */
    int64_t database_id; /* dropped as well, or 0 */
} DiscardWhat;

/* In the transaction that makes or brings back an object at LOCATION; null: nothing. ERR_CONFLICT when a directory is being
 * moved to or from there, because whichever of the two came too late would be left with the directory of the other. */
bool discard_hold(Ctx *ctx, PgConn *conn, Str location, Err *err) WARN_UNUSED;

/* Sets aside what may be and is not used by others (told by a WARN): ITEMS with table_id, partition and from; only what was
 * announced is left in it. *ret_same false: what goes is not any more what it was, read again; nothing was done. */
bool discard_begin(Ctx *ctx, const DiscardWhat *what, Discards *items, bool *ret_same, Err *err) WARN_UNUSED;
/* All of a drop: begins, runs the transaction BODY, and takes the data back when nothing came of it. *ret_same as above; BODY
 * may clear it too. */
bool discard_around(Ctx *ctx, const DiscardWhat *what, Discards *items, bool *ret_same, PgTxnBody body, void *arg,
                    Err *err) WARN_UNUSED;
/* Whether PLACES, as they were asked for, hold all that there is NOW. */
bool discard_foresaw(Ctx *ctx, StrList places, const Discards *now);
/* In the transaction of the drop. SEQ: the change that drops partitions, else 0. */
bool discard_commit(Ctx *ctx, PgConn *conn, const Discards *items, int64_t seq, Err *err) WARN_UNUSED;
/* The same for data whose table stays: nothing brings it back. */
bool discard_commit_for_good(Ctx *ctx, PgConn *conn, const Discards *items, Err *err) WARN_UNUSED;
/* After that transaction failed, or the one of discard_take_back() did not: back to where it belongs. What cannot be moved
 * now stays for move_recover(). */
void discard_reverse(Ctx *ctx, const Discards *items);
/* In the transaction that brings back a table (FROM null; its row is held) or the partition that was at FROM, best of the
 * change SEQ. What a job has begun to delete stays gone. */
bool discard_take_back(Ctx *ctx, PgConn *conn, int64_t table_id, Str from, int64_t seq, Discards *ret, Err *err) WARN_UNUSED;

/* What a job is to delete. May be called again when it failed half-way. */
bool discard_delete(Ctx *ctx, int64_t job_id, Err *err) WARN_UNUSED;
/* Moves back what an intent tells of, unless somebody else uses the place by now or both have data. */
bool discard_settle(Ctx *ctx, const Discard *left, Err *err) WARN_UNUSED;

#endif
