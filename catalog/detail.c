#include "catalog/detail.h"

bool detail_take(Ctx *ctx, const Buf *buf, Str *ret, Err *err) {
    if (!buf_check(buf, "the text of a change", err)) {
        return false;
    }
    *ret = arena_str(ctx->arena, buf_str(buf));
    return true;
}

bool detail_before_after(Ctx *ctx, DetailJson json, const void *before, const void *after, Str *ret, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(DETAIL_MAX_BYTES);
    JsonWriter w = jw_new(&buf);
    jw_object_begin(&w);
    if (before) {
        jw_key(&w, STR("before"));
        json(&w, before);
    }
    if (after) {
        jw_key(&w, STR("after"));
        json(&w, after);
    }
    jw_object_end(&w);
    return detail_take(ctx, &buf, ret, err);
}
