/* Feed: tells those who wait that there are new changes. A ticker thread numbers committed changes (so that they get
 * their ids even when nobody reads) and wakes long-polls and event streams; nobody who waits holds a thread. */
#ifndef PROPOLIS_SERVER_FEED_H
#define PROPOLIS_SERVER_FEED_H

#include "base/err.h"

typedef struct Feed Feed;
typedef struct Server Server;
struct Call;

/* One event stream. The feed owns it once it is parked. */
typedef struct FeedStream {
    struct FeedStream *next;
    int64_t after;       /* wake it when there is a change above this */
    int64_t retry_at_us; /* wake it then in any case; 0: no */
    int64_t beat_at_us;
    int64_t end_at_us;
    void (*wake)(struct FeedStream *stream); /* there is something new; on the ticker's thread, must not block */
    bool (*beat)(struct FeedStream *stream); /* send a sign of life; false: the peer has gone */
    void (*end)(struct FeedStream *stream);  /* close and free */
} FeedStream;

Feed *feed_start(Server *server, int64_t tick_ms, Err *err);
void feed_kick(Feed *feed); /* something was committed here: look at once */
/* Wakes the call (submits it again) when a change above call->parked_after exists or call->park_until_us has come. False:
 * the server is stopping, answer now. */
bool feed_park_call(Feed *feed, struct Call *call);
void feed_park_stream(Feed *feed, FeedStream *stream);
void feed_stop(Feed *feed); /* answers and ends all that is parked, ends the ticker */
void feed_free(Feed *feed); /* after feed_stop(), when nobody can park any more; NULL is fine */

#endif
