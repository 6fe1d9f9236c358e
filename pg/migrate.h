/* Migrations: the schema's numbered SQL files, applied once each, in order, under a lock.
 *
 * The schema remembers what was applied (schema_migrations: number, name, checksum, time) and which servers may use it
 * (schema_info.min_server). A server's own number is that of the newest migration it carries. A migration that older
 * servers cannot live with says so itself: UPDATE schema_info SET min_server = <its number>. So copies of the server can
 * be upgraded one by one, and an old copy refuses only a schema that asks for a newer one. */
#ifndef PROPOLIS_PG_MIGRATE_H
#define PROPOLIS_PG_MIGRATE_H

#include "base/buf.h"
#include "gen/migrations.auto.h"
#include "pg/pg.h"

typedef struct MigrationSet {
    const MigrationFile *files; /* numbered 1, 2, 3... */
    size_t count;
} MigrationSet;

MigrationSet migrations_built_in(void);

typedef struct MigrateStatus {
    bool schema_exists;   /* and holds our bookkeeping */
    int applied, pending; /* of those this server knows */
    int newest_applied;   /* may be newer than this server */
    int min_server;
} MigrateStatus;

/* ERR_SCHEMA_MISMATCH when the schema asks for a newer server, a file's checksum differs from what was applied, or the schema
 * holds another program's objects. Pending migrations are no error here. */
bool migrate_status(Pg *pg, MigrationSet set, MigrateStatus *ret, Err *err) WARN_UNUSED;
/* The same, and nothing may be pending. */
bool migrate_check(Pg *pg, MigrationSet set, Err *err) WARN_UNUSED;
/* The SQL that migrate_apply() would run, for a database administrator to run with psql. Empty when nothing is pending. */
bool migrate_print(Pg *pg, MigrationSet set, Buf *out, Err *err) WARN_UNUSED;
/* Creates the schema when it is missing and applies what is pending, each in a transaction of its own. Any number of servers
 * may do so at once. */
bool migrate_apply(Pg *pg, MigrationSet set, int *ret_applied, Err *err) WARN_UNUSED;

#endif
