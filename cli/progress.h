/* A progress line on stderr for what takes longer than a second; nothing when stderr is no terminal. */
#ifndef PROPOLIS_CLI_PROGRESS_H
#define PROPOLIS_CLI_PROGRESS_H

#include "base/base.h"

typedef struct Progress {
    const char *what;
    bool active, shown;
    int64_t started_us, drawn_us;
    uint64_t done, total; /* total 0: unknown */
} Progress;

Progress progress_start(const char *what, uint64_t total, bool quiet);
void progress_step(Progress *progress, uint64_t more);
void progress_end(Progress *progress); /* wipes the line */

#endif
