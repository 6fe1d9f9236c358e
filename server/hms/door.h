/* The way of one Thrift call: from the bytes of a message to those of its answer, whatever they came over. */
#ifndef PROPOLIS_SERVER_HMS_DOOR_H
#define PROPOLIS_SERVER_HMS_DOOR_H

#include "server/hms/hms.h"

/* The rows of all doors in one table for metrics and /admin/methods: REST's first. Lives until the process ends. */
bool hms_methods_join(MethodTable rest, MethodTable *ret_all, Err *err) WARN_UNUSED;

typedef struct HmsIncoming {
    Server *server;
    HmsSession *session;
    Str client, agent;
    int64_t received_us; /* monotonic */
    ThriftMessage message;
    Str body;
} HmsIncoming;

typedef enum HmsIncomingKind {
    HMS_INCOMING_READ, /* hms_serve() by a worker of this class */
    HMS_INCOMING_BULK,
    HMS_INCOMING_ANSWERED, /* there is nothing to serve: OUT has the answer */
} HmsIncomingKind;

/* What to do with a message whose head was decoded. Does not block. */
HmsIncomingKind hms_incoming(HmsIncoming *in, Buf *out);
/* Appends the answer to OUT. False: the call wants none. */
bool hms_serve(const HmsIncoming *in, Arena *arena, Buf *out);
void hms_overloaded(const HmsIncoming *in, Buf *out); /* the answer when no worker takes it */

ThriftLimits thrift_limits(const Config *config); /* of a message */

#endif
