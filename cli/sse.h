/* Server-sent events out of a stream of bytes, whatever its pieces. */
#ifndef PROPOLIS_CLI_SSE_H
#define PROPOLIS_CLI_SSE_H

#include "base/buf.h"

typedef struct Sse {
    Buf line, data, id;
    bool after_cr; /* a following LF belongs to the line end before */
} Sse;

enum { SSE_MAX_BYTES = 16 * 1024 * 1024 };

/* Gets each complete event; false ends the reading. */
typedef bool (*SseEvent)(Str id, Str data, void *arg);

Sse cli_sse_new(void);
void cli_sse_free(Sse *sse);
/* False when FN said so or an event is longer than SSE_MAX_BYTES. */
bool cli_sse_feed(Sse *sse, Str bytes, SseEvent fn, void *arg);

#endif
