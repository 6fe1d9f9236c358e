/* What runs in a cluster's directory, according to its postmaster.pid and the process table. */
#ifndef PROPOLIS_PG_POSTMASTER_H
#define PROPOLIS_PG_POSTMASTER_H

#include "base/base.h"

#include <sys/types.h>

enum { POSTMASTER_PATH = 3200, SOCKET_DIR_BYTES = 128 };

typedef struct Postmaster {
    pid_t pid; /* of a live postmaster of this very directory, 0: none */
    bool ready, stopping;
    char socket_dir[SOCKET_DIR_BYTES]; /* as the file says, even when nothing is alive */
} Postmaster;

Postmaster postmaster_look(const char *cluster);
/* Processes that work in CLUSTER (a postmaster, or backends that outlived theirs). Sends SIGNAL to each when not 0. */
int postmaster_processes(const char *cluster, int signal);

#endif
