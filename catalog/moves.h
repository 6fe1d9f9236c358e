/* Moving the directory of a table or partition together with its metadata.
 *
 * A directory and a database cannot change in one step, so: commit an intent, move with no transaction open, commit the
 * metadata and take the intent away in one transaction. Whoever finds an intent whose lease is over looks at both sides
 * and finishes or reverses. */
#ifndef PROPOLIS_CATALOG_MOVES_H
#define PROPOLIS_CATALOG_MOVES_H

#include "catalog/ctx.h"

typedef struct Move {
    int64_t intent; /* 0: no directory is moved */
    int64_t table_id;
    int64_t source_id; /* the table that FROM belongs to: mostly the same */
    int64_t guard;     /* another one keeps that table from being moved meanwhile; 0: there is none */
    Str from, to;
    bool moved; /* the directory is at TO now */
} Move;

/* Writes the intent and moves the directory. Nothing may be moved when another live object uses the place or a rule of
 * the roots forbids it: then ret->intent is 0, the metadata keeps the old location, and a WARN says why. A directory
 * that is not there is no obstacle: the metadata moves alone. PARTITION null: the table's own directory. */
bool move_begin(Ctx *ctx, int64_t table_id, Str partition, Str from, Str to, Move *ret, Err *err) WARN_UNUSED;
/* The same for the directory of a partition that leaves the table SOURCE_ID for the table TABLE_ID, where it has that name. */
bool move_begin_between(Ctx *ctx, int64_t source_id, int64_t table_id, Str partition, Str from, Str to, Move *ret,
                        Err *err) WARN_UNUSED;
/* In the transaction that writes the new location. */
bool move_commit(Ctx *ctx, PgConn *conn, const Move *move, Err *err) WARN_UNUSED;
/* After that transaction failed. Problems are logged; the intent then stays for move_recover(). */
void move_reverse(Ctx *ctx, const Move *move);
/* Somebody else moves what is to be moved: waits a moment. False when that has been long enough. */
bool move_wait(const Ctx *ctx, int tries) WARN_UNUSED;
/* Finishes or reverses what servers left behind. At start and every few seconds. ALONE: no other server can be at work (the
 * private cluster has one owner), so leases need not run out first. */
bool move_recover(Ctx *ctx, bool alone, Err *err) WARN_UNUSED;

#endif
