/* Dump and restore of the schema with PostgreSQL's own programs, consistent while the server goes on serving.
 * The connection goes to them in their environment: no address and no password on a command line. */
#ifndef PROPOLIS_PG_BACKUP_H
#define PROPOLIS_PG_BACKUP_H

#include "base/err.h"

typedef struct BackupOptions {
    Str url;    /* as for pg_open() */
    Str schema; /* null: "propolis" */
    Str bindir; /* null: look for the programs */
} BackupOptions;

/* Writes FILE (pg_dump's custom format) under a temporary name first; an existing FILE is replaced when all went well. */
bool backup_dump(const BackupOptions *options, const char *file, Err *err) WARN_UNUSED;
/* All or nothing, into a database that does not have the schema yet. */
bool backup_restore(const BackupOptions *options, const char *file, Err *err) WARN_UNUSED;

#endif
