/* JsonWriter: JSON written straight into a Buf, so that a large answer never exists as a tree. */
#ifndef PROPOLIS_BASE_JSON_WRITER_H
#define PROPOLIS_BASE_JSON_WRITER_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"

typedef struct JsonWriter {
    Buf *out;
    unsigned depth;
    bool need_comma;
    bool after_key;
} JsonWriter;

static inline JsonWriter jw_new(Buf *out) { return (JsonWriter){.out = out}; }
void jw_object_begin(JsonWriter *w);
void jw_object_end(JsonWriter *w);
void jw_array_begin(JsonWriter *w);
void jw_array_end(JsonWriter *w);
void jw_key(JsonWriter *w, Str key);
void jw_str(JsonWriter *w, Str s); /* null Str writes null; invalid UTF-8 becomes U+FFFD */
void jw_i64(JsonWriter *w, int64_t value);
void jw_double(JsonWriter *w, double value); /* shortest form that reads back the same; NaN and infinities as null */
void jw_bool(JsonWriter *w, bool value);
void jw_null(JsonWriter *w);
void jw_time(JsonWriter *w, Micros t);               /* ISO 8601 text, null for MICROS_NONE */
void jw_raw(JsonWriter *w, Str text);                /* one complete JSON value, already encoded */
void jw_params(JsonWriter *w, const Params *params); /* object of texts */
void jw_strs(JsonWriter *w, StrList list);
/* key + value, left out when the value is null / none; KEY is of the code, without anything to escape */
void jw_put_str(JsonWriter *w, const char *key, Str s);
void jw_put_i64(JsonWriter *w, const char *key, int64_t value);
void jw_put_bool(JsonWriter *w, const char *key, bool value);
void jw_put_time(JsonWriter *w, const char *key, Micros t);
void jw_put_params(JsonWriter *w, const char *key, const Params *params);
void jw_put_strs(JsonWriter *w, const char *key, StrList list);

#endif
