/* Discarding the data of what was dropped.
 *
 * Deleting a tree takes long, and by then somebody may have made a new table in the same place. So the directory is first
 * set aside under another name beside it, in one step and only while no live object uses it; that is deleted then. Who
 * makes a table takes discard_hold() in its transaction and makes the directory (again) after it: then nothing that is
 * written to a live table's directory is ever set aside. */
#ifndef PROPOLIS_CATALOG_DISCARD_H
#define PROPOLIS_CATALOG_DISCARD_H

#include "catalog/ctx.h"

/* In the transaction that makes or brings back an object at LOCATION; null: nothing. ERR_CONFLICT when a rename is moving a
 * directory to there, because whichever of the two came too late would be left with the directory of the other. */
bool discard_hold(Ctx *ctx, PgConn *conn, Str location, Err *err) WARN_UNUSED;
/* Out of the way at once, so that the place is free. PARTITION: the directory of one, which may lie in that of its live
 * table; otherwise of the dropped table itself. What still uses it is told by a WARN. */
bool discard_set_aside(Ctx *ctx, Str location, int64_t table_id, bool partition, Err *err) WARN_UNUSED;
/* The same, and deletes it. May be called again when it failed half-way. */
bool discard_data(Ctx *ctx, Str location, int64_t table_id, bool partition, Err *err) WARN_UNUSED;

#endif
