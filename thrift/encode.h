/* From C structs to bytes, by table. Members that are absent are not written. */
#ifndef PROPOLIS_THRIFT_ENCODE_H
#define PROPOLIS_THRIFT_ENCODE_H

#include "base/buf.h"
#include "thrift/thrift.h"

/* Where long answers go, piece by piece: whenever SEGMENT_BYTES came together, and at the end, take() gets the buffer and
 * leaves it empty; it may keep the memory and put another buffer in its place. A piece is as large as SEGMENT_BYTES and the
 * largest single item of a container at most, so a list whose items come from a ThriftStream needs no more memory than that
 * however long it is. A frame needs the length of all pieces in front: framed answers have to be collected. */
typedef struct ThriftSink {
    size_t segment_bytes;
    bool (*take)(void *ctx, Buf *segment, Err *err);
    void *ctx;
} ThriftSink;

/* MESSAGE with VALUE, a struct of type STRUKT, as its body. SINK may be NULL: then all of it is appended to OUT. Fails when a
 * required member is absent or OUT would be larger than it may; what was written until then is no message. */
bool thrift_encode(const ThriftMessage *message, const ThriftStruct *strukt, const void *value, Buf *out, const ThriftSink *sink,
                   Err *err) WARN_UNUSED;

/* VALUE alone, without the head of a message: for keeping it, in THRIFT_BINARY. */
bool thrift_encode_struct(ThriftProtocol protocol, const ThriftStruct *strukt, const void *value, Arena *arena, Str *ret,
                          Err *err) WARN_UNUSED;

/* The member of VALUE with this id alone, for the NAME_raw of many structs that share it: good for answers in the same
 * protocol. */
bool thrift_encode_raw(ThriftProtocol protocol, const ThriftStruct *strukt, int16_t id, const void *value, Arena *arena, Str *ret,
                       Err *err) WARN_UNUSED;

#endif
