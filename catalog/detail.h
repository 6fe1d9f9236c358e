/* The "detail" of a change: what an object was and what it is, {"before":{…},"after":{…}}, in the form of catalog/json.h. */
#ifndef PROPOLIS_CATALOG_DETAIL_H
#define PROPOLIS_CATALOG_DETAIL_H

#include "base/json_writer.h"
#include "catalog/ctx.h"

typedef void (*DetailJson)(JsonWriter *w, const void *object);
/* BEFORE NULL: it was made. AFTER NULL: it is gone. */
bool detail_before_after(Ctx *ctx, DetailJson json, const void *before, const void *after, Str *ret, Err *err) WARN_UNUSED;
/* TEXT of a writer's buffer, kept in the arena. */
bool detail_take(Ctx *ctx, const Buf *buf, Str *ret, Err *err) WARN_UNUSED;
enum { DETAIL_MAX_BYTES = 64 << 20 };

#endif
