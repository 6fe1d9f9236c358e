/* Points: reads of single objects that come while others are under way line up, and a worker serves all that wait in one
 * round trip. Who comes alone is served on the HTTP thread at once: that is quickest for one, this is for many.
 *
 * Threads: any. */
#ifndef PROPOLIS_SERVER_POINTS_H
#define PROPOLIS_SERVER_POINTS_H

#include "server/dispatch.h"

typedef struct Points Points;

/* Serves calls of one method; resets the arena as it likes. */
typedef void (*PointsServe)(Call *const *calls, size_t count, Arena *arena);

Points *points_new(Workers *workers, PointsServe serve);
void points_free(Points *points); /* after the workers have ended; NULL is fine */

typedef enum PointsPlace {
    POINTS_HERE,        /* to be served now, points_leave() follows */
    POINTS_LINED_UP,    /* suspended; it will be served */
    POINTS_TURNED_AWAY, /* suspended, and there is no worker for it */
} PointsPlace;
PointsPlace points_enter(Points *points, Call *call);
void points_leave(Points *points);

#endif
