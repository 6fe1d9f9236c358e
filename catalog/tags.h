/* Tags: texts by key that people hang on catalogs, databases, tables, functions and connections. */
#ifndef PROPOLIS_CATALOG_TAGS_H
#define PROPOLIS_CATALOG_TAGS_H

#include "catalog/ctx.h"
#include "catalog/model.h"

enum { TAGS_MAX = 50, TAG_KEY_MAX = 128, TAG_VALUE_MAX = 256 }; /* characters */

typedef enum TagKind { TAG_CATALOG, TAG_DATABASE, TAG_TABLE, TAG_FUNCTION, TAG_CONNECTION } TagKind;

/* What a tag hangs on; the kind says which names are needed. Tags of a table stay with its incarnation. */
typedef struct TagTarget {
    TagKind kind;
    Str catalog, database, name;
} TagTarget;

/* The error of the kind when there is no such thing. */
bool tags_get(Ctx *ctx, const TagTarget *target, Params *ret, Err *err) WARN_UNUSED;
/* Exactly these. */
bool tags_put(Ctx *ctx, const TagTarget *target, const Params *tags, Params *ret, Err *err) WARN_UNUSED;
/* Sets these, removes those (also ones that are not there). */
bool tags_change(Ctx *ctx, const TagTarget *target, const Params *set, StrList remove, Params *ret, Err *err) WARN_UNUSED;

#endif
