#include "catalog/tags.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/scope.h"
#include "catalog/sql/tags_sql.h"

static TagTarget fold(Ctx *ctx, const TagTarget *t) {
    Str name = t->kind == TAG_CONNECTION ? t->name : scope_name(ctx, t->name);
    return (TagTarget){t->kind, scope_catalog(ctx, t->catalog), scope_name(ctx, t->database), name};
}

static bool authorize(Ctx *ctx, Action action, const TagTarget *t, Err *err) {
    return ctx_authorize(ctx, action, tag_kind_name(t->kind), t->catalog, t->database, t->name, err);
}

bool tags_get(Ctx *ctx, const TagTarget *target, Params *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    TagTarget t = fold(ctx, target);
    int64_t id;
    return authorize(ctx, ACTION_READ, &t, err) && pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           tags_sql_find(ctx, conn, &t, false, &id, err) && tags_sql_read(ctx, conn, t.kind, id, ret, err);
}

/* --- rules ----------------------------------------------------------------------------------------------------- */

static bool check_text(const char *what, Str text, size_t least, size_t most, Err *err) {
    if (!utf8_valid(text) || (text.len && memchr(text.ptr, 0, text.len))) {
        return err_set(err, ERR_INVALID_INPUT, "The %s of a tag must be UTF-8 text.", what);
    }
    size_t length = utf8_length(text);
    if (length < least || length > most) {
        return err_set(err, ERR_INVALID_INPUT, "The %s of a tag must have %zu to %zu characters, not %zu.", what, least, most,
                       length);
    }
    return true;
}

static bool check(const Params *tags, Err *err) {
    if (tags->count > TAGS_MAX) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "A resource has at most %d tags; these would be %zu.", TAGS_MAX, tags->count);
    }
    for (size_t i = 0; i < tags->count; i++) {
        if (!check_text("key", tags->items[i].key, 1, TAG_KEY_MAX, err) ||
            !check_text("value", tags->items[i].value, 0, TAG_VALUE_MAX, err)) {
            return false;
        }
    }
    return true;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

typedef struct TagChange {
    Ctx *ctx;
    TagTarget target;
    const Params *set;
    StrList remove;
    bool replace;
    Params result;
} TagChange;

static void tags_detail(JsonWriter *w, const void *object) { jw_params(w, object); }

static bool log_tags(TagChange *c, PgConn *conn, int64_t id, const Params *before, Err *err) {
    ChangeRecord record = {.kind = tag_kind_name(c->target.kind),
                           .action = "tag",
                           .catalog = c->target.catalog,
                           .database = c->target.database,
                           .name = c->target.name,
                           .object_id = id,
                           .version = -1,
                           .at = MICROS_NONE};
    return detail_before_after(c->ctx, tags_detail, before, &c->result, &record.detail, err) &&
           change_write(c->ctx, conn, &record, NULL, err);
}

static bool change_body(PgConn *conn, void *arg, Err *err) {
    TagChange *c = arg;
    Ctx *ctx = c->ctx;
    int64_t id;
    Params before;
    if (!tags_sql_find(ctx, conn, &c->target, true, &id, err) || !tags_sql_read(ctx, conn, c->target.kind, id, &before, err)) {
        return false;
    }
    c->result = c->replace ? (Params){0} : params_copy(&before, ctx->arena);
    for (size_t i = 0; i < c->remove.count; i++) {
        params_remove(&c->result, c->remove.items[i]);
    }
    for (size_t i = 0; i < c->set->count; i++) {
        params_set(&c->result, ctx->arena, c->set->items[i].key, c->set->items[i].value);
    }
    if (!check(&c->result, err)) {
        return false;
    }
    return params_equal(&before, &c->result) ||
           (tags_sql_replace(ctx, conn, c->target.kind, id, &c->result, err) && log_tags(c, conn, id, &before, err));
}

static bool change(TagChange *c, Params *ret, Err *err) {
    Ctx *ctx = c->ctx;
    if (!authorize(ctx, ACTION_ALTER, &c->target, err) || !check(c->set, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, change_body, c, err)) {
        return false;
    }
    *ret = c->result;
    return true;
}

bool tags_put(Ctx *ctx, const TagTarget *target, const Params *tags, Params *ret, Err *err) {
    TagChange c = {.ctx = ctx, .target = fold(ctx, target), .set = tags, .replace = true};
    return change(&c, ret, err);
}

bool tags_change(Ctx *ctx, const TagTarget *target, const Params *set, StrList remove, Params *ret, Err *err) {
    TagChange c = {.ctx = ctx, .target = fold(ctx, target), .set = set, .remove = remove};
    return change(&c, ret, err);
}
