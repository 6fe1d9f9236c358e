/* Where a message ends, without decoding it: a stream without frames does not say. And what a connection speaks, which its
 * first bytes say. No tables and no allocation here; the state of a connection is one ThriftScan. */
#ifndef PROPOLIS_THRIFT_SCAN_H
#define PROPOLIS_THRIFT_SCAN_H

#include "thrift/thrift.h"

typedef enum ThriftOpening {
    THRIFT_OPENING_SHORT,   /* THRIFT_OPENING_BYTES are not there yet */
    THRIFT_OPENING_THRIFT,  /* see framed and compact */
    THRIFT_OPENING_SASL,    /* Thrift's SASL negotiation */
    THRIFT_OPENING_TLS,     /* a TLS handshake */
    THRIFT_OPENING_HTTP,    /* an HTTP request */
    THRIFT_OPENING_UNKNOWN, /* nothing of these */
} ThriftOpening;

enum { THRIFT_OPENING_BYTES = 5, THRIFT_FRAME_HEAD = 4 };

typedef struct ThriftWire {
    bool framed;  /* each message stands behind 4 bytes with its length */
    bool compact; /* else binary: each message says whether its header is strict or old */
} ThriftWire;

/* What a connection that begins with FIRST speaks. */
ThriftOpening thrift_opening(Str first, ThriftWire *ret_wire);

typedef enum ThriftScanned { THRIFT_SCAN_MORE, THRIFT_SCAN_DONE, THRIFT_SCAN_BAD } ThriftScanned;

typedef struct ThriftScanFrame {
    uint8_t kind, key, item; /* THRIFT_STRUCT, or a container and the kinds of its items */
    bool at_value;           /* of a map: the key was read */
    int16_t last_id;         /* of a struct */
    uint32_t left;           /* items, or pairs */
} ThriftScanFrame;

typedef struct ThriftScan {
    const ThriftLimits *limits;
    ThriftWire wire;
    bool begun;
    uint8_t depth, base; /* open levels; those that were open before */
    size_t at;           /* what was understood so far; the length of the message once it is done */
    ThriftScanFrame frames[THRIFT_DEPTH_MAX];
} ThriftScan;

void thrift_scan_begin(ThriftScan *scan, ThriftWire wire, const ThriftLimits *limits);
/* BYTES is the message from its first byte on, as far as it is there; it may have moved since the last call, and grown. No
 * byte is looked at twice except a few at the end. DONE: the message (with the head of its frame) is the first scan->at bytes.
 * BAD: it cannot become a message, or not one within the limits, and err says why. */
ThriftScanned thrift_scan(ThriftScan *scan, Str bytes, Err *err) WARN_UNUSED;

/* For the decoder: the length of one value of KIND that BYTES begins with. It stands DEPTH levels deep. */
bool thrift_scan_value(Str bytes, bool compact, ThriftKind kind, unsigned depth, const ThriftLimits *limits, size_t *ret_length,
                       Err *err) WARN_UNUSED;

#endif
