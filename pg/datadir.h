/* The server's data directory: made or recognised as ours, locked against a second server. */
#ifndef PROPOLIS_PG_DATADIR_H
#define PROPOLIS_PG_DATADIR_H

#include "base/err.h"

enum { DATADIR_PATH = 3072 };

typedef struct DataDir {
    char path[DATADIR_PATH]; /* absolute, links resolved */
    int lock_fd;
} DataDir;

/* Creates the directory (0700) when it is missing, takes an empty one, recognises its own by a marker file, and refuses any
 * other. Holds a lock until datadir_close() or the end of the process, however it ends. */
bool datadir_open(Str path, DataDir *ret, Err *err) WARN_UNUSED;
void datadir_close(DataDir *dir);
/* Ours already? (Does not create or lock.) */
bool datadir_is_ours(const char *path);

bool remove_tree(const char *path, Err *err) WARN_UNUSED; /* never follows links; a missing path is fine */

/* To be called by main() first thing, before any thread. Started as root, the whole server becomes the owner of the data
 * directory when that is one of ours already, else the system user "propolis", which is made when missing; a new or empty
 * data directory is given to that user. Not root: nothing happens. RET_USER: the name, or NULL when nothing happened. */
bool service_user_become(Str data_dir, const char **ret_user, Err *err) WARN_UNUSED;

#endif
