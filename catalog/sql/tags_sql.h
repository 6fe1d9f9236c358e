/* Statements on tags. */
#ifndef PROPOLIS_CATALOG_SQL_TAGS_SQL_H
#define PROPOLIS_CATALOG_SQL_TAGS_SQL_H

#include "catalog/tags.h"

const char *tag_kind_name(TagKind kind);
/* The id of what the (folded) names mean; LOCK: its row stays as it is until the transaction ends. */
bool tags_sql_find(Ctx *ctx, PgConn *conn, const TagTarget *target, bool lock, int64_t *ret_id, Err *err) WARN_UNUSED;
bool tags_sql_read(Ctx *ctx, PgConn *conn, TagKind kind, int64_t id, Params *ret, Err *err) WARN_UNUSED;
/* Writes exactly TAGS. */
bool tags_sql_replace(Ctx *ctx, PgConn *conn, TagKind kind, int64_t id, const Params *tags, Err *err) WARN_UNUSED;

#endif
