#include "catalog/table_check.h"

#include "catalog/content.h"
#include "catalog/diff.h"
#include "catalog/places.h"
#include "catalog/types.h"
#include "config/config.h"

bool table_is_view(const Table *t) {
    return str_eq(t->type, STR("VIRTUAL_VIEW")) || (str_is_null(t->type) && !str_is_null(t->view_original));
}

bool table_is_managed(const Table *t) {
    return str_eq(t->type, STR("MANAGED_TABLE")) && !params_is_true(&t->params, STR("EXTERNAL"));
}

/* --- texts and parameters ------------------------------------------------------------------------------------- */

bool text_check(const char *what, Str text, int64_t limit, const char *limit_name, Err *err) {
    if ((int64_t)text.len > limit) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "%s is %zu bytes long; the limit is %" PRId64 " (%s).", what, text.len, limit,
                       limit_name);
    }
    if (str_has_char(text, 0)) {
        return err_set(err, ERR_INVALID_INPUT, "%s holds a NUL character, which cannot be stored.", what);
    }
    return utf8_valid(text) || err_set(err, ERR_INVALID_INPUT, "%s is not valid UTF-8.", what);
}

bool params_check(Ctx *ctx, const char *what, const Params *params, Err *err) {
    const Config *config = ctx->catalog->config;
    if ((int64_t)params->count > config->limits.parameters) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "%s: %zu parameters are given; the limit is %" PRId64 " (limits.parameters).", what,
                       params->count, config->limits.parameters);
    }
    for (size_t i = 0; i < params->count; i++) {
        const Param *p = &params->items[i];
        if (!text_check("a parameter's key", p->key, config->limits.parameter_key, "limits.parameter_key", err) ||
            !text_check("a parameter's value", p->value, config->limits.parameter_value, "limits.parameter_value", err)) {
            return err_prefix(err, "%s, parameter %" STR_FMT, what, STR_ARG(str_slice(p->key, 0, 200)));
        }
    }
    return true;
}

/* --- columns -------------------------------------------------------------------------------------------------- */

/* In the Metastore's own words. */
static bool hive_type_check(const char *what, const Column *c, const ColumnSet *before, Err *err) {
    if (types_check_first_token(c->type)) {
        return true;
    }
    const Column *was = before ? column_find(before, c->name) : NULL;
    return (was && str_eq(was->type, c->type)) || err_set(err, ERR_INVALID_TYPE, "Invalid %s type: %" STR_FMT " (of %" STR_FMT ")",
                                                          strcmp(what, "column") == 0 ? "column" : "partition column",
                                                          STR_ARG(str_slice(c->type, 0, 200)), STR_ARG(str_slice(c->name, 0, 200)));
}

static bool column_check(Ctx *ctx, const char *what, const Column *c, const ColumnSet *before, Err *err) {
    const Config *config = ctx->catalog->config;
    if (!name_check_column(what, c->name, err)) {
        return false;
    }
    if (str_is_null(c->type) && !ctx_door_is(ctx, "glue")) {
        return err_set(err, ERR_INVALID_TYPE, "%s %" STR_FMT " has no type.", what, STR_ARG(c->name));
    }
    if (!text_check("its type", c->type, config->limits.type_text, "limits.type_text", err) ||
        !text_check("its comment", c->comment, config->limits.comment, "limits.comment", err) ||
        !params_check(ctx, "it", &c->params, err)) {
        return err_prefix(err, "%s %" STR_FMT, what, STR_ARG(c->name));
    }
    if (ctx_door_is(ctx, "hive")) {
        return hive_type_check(what, c, before, err);
    }
    if (ctx_door_is(ctx, "rest") && !types_check_first_token(c->type)) {
        return err_set(err, ERR_INVALID_TYPE, "%s %" STR_FMT " has the type %" STR_FMT ", which no engine knows.", what,
                       STR_ARG(c->name), STR_ARG(str_slice(c->type, 0, 200)));
    }
    return true;
}

/* Folded names make a new set; it keeps the old one when nothing had to be folded. */
static const ColumnSet *columns_fold(Ctx *ctx, const ColumnSet *set) {
    bool same = true;
    Column *items = ARENA_ARRAY(ctx->arena, Column, set->count);
    for (size_t i = 0; i < set->count; i++) {
        items[i] = set->items[i];
        items[i].name = name_fold(ctx->arena, set->items[i].name);
        same = same && str_eq(items[i].name, set->items[i].name);
    }
    return same ? set : column_set_make(ctx->arena, items, set->count);
}

static bool columns_check(Ctx *ctx, const char *what, const ColumnSet **set, const ColumnSet *before, Err *err) {
    if (before && uuid_eq((*set)->id, before->id)) {
        return true;
    }
    if ((int64_t)(*set)->count > ctx->catalog->config->limits.columns) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "%zu columns are given; the limit is %" PRId64 " (limits.columns).", (*set)->count,
                       ctx->catalog->config->limits.columns);
    }
    *set = columns_fold(ctx, *set);
    for (size_t i = 0; i < (*set)->count; i++) {
        if (!column_check(ctx, what, &(*set)->items[i], before, err)) {
            return false;
        }
    }
    return true;
}

/* Hive and Glue let one name stand twice and engines fail on it later; this door says so at once. */
static bool names_once(Ctx *ctx, const Table *t, Err *err) {
    StrMap *seen = strmap_new(ctx->arena, t->storage.columns->count + t->partition_keys->count);
    const ColumnSet *sets[] = {t->storage.columns, t->partition_keys};
    for (size_t s = 0; s < ARRAY_LEN(sets); s++) {
        for (size_t i = 0; i < sets[s]->count; i++) {
            if (strmap_put(seen, sets[s]->items[i].name, sets[s]->items)) {
                return err_set(err, ERR_INVALID_INPUT,
                               "The column name %" STR_FMT " is given twice; columns and partition keys share"
                               " one set of names, and case does not count.",
                               STR_ARG(sets[s]->items[i].name));
            }
        }
    }
    return true;
}

/* --- storage -------------------------------------------------------------------------------------------------- */

static bool texts_check(Ctx *ctx, const char *what, StrList list, Err *err) {
    const Config *config = ctx->catalog->config;
    if ((int64_t)list.count > config->limits.columns) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "%s has %zu entries; the limit is %" PRId64 " (limits.columns).", what, list.count,
                       config->limits.columns);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!text_check(what, list.items[i], config->limits.comment, "limits.comment", err)) {
            return false;
        }
    }
    return true;
}

static bool skew_check(Ctx *ctx, const Skew *s, Err *err) {
    int64_t limit = ctx->catalog->config->limits.parameters;
    if ((int64_t)MAX(s->value_count, s->location_count) > limit) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "storage.skew has %zu values; the limit is %" PRId64 " (limits.parameters).",
                       MAX(s->value_count, s->location_count), limit);
    }
    for (size_t i = 0; i < s->value_count; i++) {
        if (!texts_check(ctx, "storage.skew.values", s->values[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < s->location_count; i++) {
        if (!texts_check(ctx, "storage.skew.locations", s->locations[i].values, err) ||
            !texts_check(ctx, "storage.skew.locations", (StrList){&s->locations[i].location, 1}, err)) {
            return false;
        }
    }
    return texts_check(ctx, "storage.skew.columns", s->columns, err);
}

static bool sort_check(Ctx *ctx, const StorageFormat *f, Err *err) {
    StrList names = {ARENA_ARRAY(ctx->arena, Str, f->sort_column_count), f->sort_column_count};
    for (size_t i = 0; i < names.count; i++) {
        names.items[i] = f->sort_columns[i].name;
    }
    return texts_check(ctx, "storage.sort_columns", names, err);
}

static bool format_check(Ctx *ctx, const StorageFormat *f, Err *err) {
    int64_t limit = ctx->catalog->config->limits.comment;
    return text_check("storage.input_format", f->input_format, limit, "limits.comment", err) &&
           text_check("storage.output_format", f->output_format, limit, "limits.comment", err) &&
           text_check("storage.serde.name", f->serde.name, limit, "limits.comment", err) &&
           text_check("storage.serde.library", f->serde.library, limit, "limits.comment", err) &&
           text_check("storage.serde.description", f->serde.description, limit, "limits.comment", err) &&
           text_check("storage.serde.serializer", f->serde.serializer, limit, "limits.comment", err) &&
           text_check("storage.serde.deserializer", f->serde.deserializer, limit, "limits.comment", err) &&
           texts_check(ctx, "storage.bucket_columns", f->bucket_columns, err) && sort_check(ctx, f, err) &&
           skew_check(ctx, &f->skew, err) && params_check(ctx, "storage.serde", &f->serde.params, err);
}

bool storage_check(Ctx *ctx, Storage *s, const Storage *before, Err *err) {
    if (!s->given) {
        return true;
    }
    bool same_format = before && uuid_eq(before->format->id, s->format->id);
    bool same_place = before && str_eq(before->location, s->location);
    if (!columns_check(ctx, "column", &s->columns, before ? before->columns : NULL, err) ||
        (!same_format && !format_check(ctx, s->format, err)) || !params_check(ctx, "storage", &s->params, err)) {
        return false;
    }
    if (str_is_empty(s->location)) {
        s->location = STR_NULL;
    }
    return same_place || place_normalise(ctx, s->location, &s->location, err);
}

static bool keys_check(const Table *t, Err *err) {
    for (size_t i = 0; i < t->partition_keys->count; i++) {
        if (t->partition_keys->items[i].params.count) {
            return err_set(err, ERR_INVALID_INPUT, "Partition key %" STR_FMT ": Parameters not supported for partition columns",
                           STR_ARG(t->partition_keys->items[i].name));
        }
    }
    return true;
}

bool table_check(Ctx *ctx, Table *t, const Table *before, Err *err) {
    const Config *config = ctx->catalog->config;
    bool renamed = !before || !str_eq(before->name, t->name);
    if (renamed && !name_check(ctx_name_rule(ctx), "table", t->name, err)) {
        return ctx_door_is(ctx, "hive")
                   ? err_prefix(err, "%" STR_FMT " is not a valid object name", STR_ARG(str_slice(t->name, 0, 300)))
                   : false;
    }
    bool same_columns = before && uuid_eq(before->storage.columns->id, t->storage.columns->id) &&
                        uuid_eq(before->partition_keys->id, t->partition_keys->id);
    if (!storage_check(ctx, &t->storage, before ? &before->storage : NULL, err) ||
        !columns_check(ctx, "partition key", &t->partition_keys, before ? before->partition_keys : NULL, err) ||
        !keys_check(t, err) || (!same_columns && ctx_door_is(ctx, "rest") && !names_once(ctx, t, err)) ||
        !params_check(ctx, "the table", &t->params, err)) {
        return false;
    }
    return text_check("the type", t->type, config->limits.comment, "limits.comment", err) &&
           text_check("the owner", t->owner, config->limits.comment, "limits.comment", err) &&
           text_check("the owner's type", t->owner_type, config->limits.comment, "limits.comment", err) &&
           text_check("the description", t->description, config->limits.view_text, "limits.view_text", err) &&
           text_check("view_original_text", t->view_original, config->limits.view_text, "limits.view_text", err) &&
           text_check("view_expanded_text", t->view_expanded, config->limits.view_text, "limits.view_text", err) &&
           text_check("extra", t->extra, config->limits.view_text, "limits.view_text", err);
}
