/* From bytes to C structs, by table. */
#ifndef PROPOLIS_THRIFT_DECODE_H
#define PROPOLIS_THRIFT_DECODE_H

#include "thrift/scan.h"

/* The head of a message, which BYTES begins with (without the head of a frame). *ret_body is what stands behind it. The name
 * points into BYTES. */
bool thrift_decode_head(Str bytes, bool compact, ThriftMessage *ret, Str *ret_body, Err *err) WARN_UNUSED;

/* A whole struct out of BODY: *ret_value (strukt->bytes of memory) is filled on success. Its texts point into BODY, all else is
 * in the arena. Fields that the table does not have, or has with another type, are skipped; of a field that comes twice the
 * last one counts, and of a key that comes twice in a map of texts, too. An error says which field it was. Bytes behind the
 * struct are an error. */
bool thrift_decode(Str body, ThriftProtocol protocol, const ThriftLimits *limits, const ThriftStruct *strukt, Arena *arena,
                   void *ret_value, Err *err) WARN_UNUSED;

#endif
