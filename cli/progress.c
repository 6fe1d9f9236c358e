#include "cli/progress.h"

#include <unistd.h>

#include "base/clock.h"

enum { QUIET_US = 1000000, REDRAW_US = 100000, BAR = 24 };

Progress progress_start(const char *what, uint64_t total, bool quiet) {
    return (Progress){.what = what, .active = !quiet && isatty(STDERR_FILENO), .started_us = clock_monotonic_us(), .total = total};
}

static void draw(Progress *p) {
    if (p->total == 0) {
        fprintf(stderr, "\r\x1b[K%s: %" PRIu64, p->what, p->done);
        return;
    }
    char bar[BAR + 1];
    uint64_t full = MIN(p->done, p->total) * BAR / p->total;
    for (uint64_t i = 0; i < BAR; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[BAR] = 0;
    fprintf(stderr, "\r\x1b[K%s: [%s] %" PRIu64 "/%" PRIu64, p->what, bar, p->done, p->total);
}

void progress_step(Progress *p, uint64_t more) {
    p->done += more;
    int64_t now = p->active ? clock_monotonic_us() : 0;
    if (p->active && now - p->started_us > QUIET_US && now - p->drawn_us > REDRAW_US) {
        p->drawn_us = now;
        p->shown = true;
        draw(p);
    }
}

void progress_end(Progress *p) {
    if (p->shown) {
        fputs("\r\x1b[K", stderr);
    }
    p->active = p->shown = false;
}
