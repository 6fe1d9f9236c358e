/* Where PostgreSQL's programs are. */
#ifndef PROPOLIS_PG_BINARIES_H
#define PROPOLIS_PG_BINARIES_H

#include "base/err.h"

enum { OLDEST_MAJOR = 15, BINARIES_PATH = 256 };

typedef struct Binaries {
    char dir[BINARIES_PATH];
    int major;
} Binaries;

/* Looks in BINDIR when given, else in /usr/lib/postgresql, /usr/pgsql-N and PATH. MAJOR 0: the newest from 15 on; else
 * exactly that one. */
bool binaries_find(Str bindir, int major, Binaries *ret, Err *err) WARN_UNUSED;
/* DIR + "/" + PROGRAM */
void binaries_path(const Binaries *binaries, const char *program, char out[BINARIES_PATH + 32]);

#endif
