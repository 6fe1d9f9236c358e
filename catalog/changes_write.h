/* Writing the change log: for the use cases in this folder only. Every change of anything inserts one row (long partition
 * lists several) in its own transaction, after the row lock of what it changes. */
#ifndef PROPOLIS_CATALOG_CHANGES_WRITE_H
#define PROPOLIS_CATALOG_CHANGES_WRITE_H

#include "catalog/ctx.h"
#include "catalog/model.h"

typedef struct ChangeRecord {
    const char *kind;   /* "table", "partition", "database", ... */
    const char *action; /* "create", "alter", "drop", "rename", "restore", ... */
    Str catalog, database, name;
    int64_t object_id;     /* 0: none */
    int64_t version;       /* < 0: the object has none */
    const char *hms_event; /* NULL: Hive has no event for it */
    StrList partitions;
    Str detail; /* JSON or null */
    Micros at;  /* MICROS_NONE: the database's clock */
} ChangeRecord;

/* A row with a hundred thousand names would be slow to read and to send; readers see several rows instead. */
enum { CHANGES_PARTITIONS_PER_ROW = 10000 };

/* RET_SEQ (may be NULL): of the first row. */
bool change_write(Ctx *ctx, PgConn *conn, const ChangeRecord *record, int64_t *ret_seq, Err *err) WARN_UNUSED;

/* The columns that say who did what; for statements that insert a change together with something else.
 * CHANGE_COLUMNS names them, CHANGE_VALUES their parameters $1 to $17, change_args() fills those. */
#define CHANGE_COLUMNS \
    "at, principal, client, agent, protocol, operation, request_id, kind, action, catalog, database, name, " \
    "object_id, version, hms_event, partitions, detail"
#define CHANGE_VALUES \
    "coalesce($1::timestamptz, clock_timestamp()), $2::text, $3::text, $4::text, $5::text, $6::text, $7::uuid, " \
    "$8::text, $9::text, $10::text, $11::text, $12::text, $13::bigint, $14::bigint, $15::text, $16::text[], $17::text"
enum { CHANGE_ARG_COUNT = 17 };
void change_args(const Ctx *ctx, PgArgs *args, const ChangeRecord *record);

#endif
