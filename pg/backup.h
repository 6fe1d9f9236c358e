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

/* Writes into FD, pg_dump's custom format. */
bool backup_dump(const BackupOptions *options, int fd, Err *err) WARN_UNUSED;
/* Reads FD. All or nothing, into a database that does not have the schema yet. */
bool backup_restore(const BackupOptions *options, int fd, Err *err) WARN_UNUSED;

/* The file of a backup that is being made, under a temporary name that nobody else may read. It is opened, and given its
 * name, with the rights of the one who asked for it; what is written between may be written with less. */
typedef struct BackupFile {
    int fd;
    const char *path;
    char part[4096];
} BackupFile;

bool backup_file_create(const char *path, BackupFile *ret, Err *err) WARN_UNUSED;
/* An existing file of that name is replaced. */
bool backup_file_keep(BackupFile *file, Err *err) WARN_UNUSED;
void backup_file_discard(BackupFile *file);

#endif
