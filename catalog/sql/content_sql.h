/* Content-addressed column sets and storage formats: stored once, loaded shared. */
#ifndef PROPOLIS_CATALOG_SQL_CONTENT_SQL_H
#define PROPOLIS_CATALOG_SQL_CONTENT_SQL_H

#include "catalog/ctx.h"
#include "catalog/model.h"

/* Stores column sets and formats that may be new, sorted by id so that no two writers wait in a circle. */
bool content_store(Ctx *ctx, PgConn *conn, const ColumnSet *const *sets, size_t set_count, const StorageFormat *const *formats,
                   size_t format_count, Err *err) WARN_UNUSED;

/* Loads sets and formats by id, shared between the objects that point at them. */
typedef struct ContentCache ContentCache;
ContentCache *content_cache_new(Arena *arena);
void content_want(ContentCache *cache, Uuid columns, Uuid format);                             /* zero: none */
void content_know(ContentCache *cache, const ColumnSet *columns, const StorageFormat *format); /* need not be loaded */
/* CONN may be NULL: one is taken when something has to be read. */
bool content_load(Ctx *ctx, PgConn *conn, ContentCache *cache, Err *err) WARN_UNUSED;
const ColumnSet *content_columns(const ContentCache *cache, Uuid id);
const StorageFormat *content_format(const ContentCache *cache, Uuid id);

/* Columns of a select list, and how a row's run of them is read back. */
#define COLUMN_SET_COLUMNS(alias) alias ".id, " alias ".names, " alias ".types, " alias ".comments, " alias ".params"
#define FORMAT_COLUMNS(alias) \
    alias ".id, " alias ".input_format, " alias ".output_format, " alias ".compressed, " alias ".buckets, " alias \
          ".bucket_columns, " alias ".sort_columns, " alias ".sort_orders, " alias ".stored_as_sub_directories, " alias \
          ".serde, " alias ".skew"
enum { COLUMN_SET_WIDTH = 5, FORMAT_WIDTH = 11 };
bool column_set_from_row(const PgRows *rows, size_t row, int column, Arena *arena, const ColumnSet **ret, Err *err) WARN_UNUSED;
bool storage_format_from_row(const PgRows *rows, size_t row, int column, Arena *arena, const StorageFormat **ret,
                             Err *err) WARN_UNUSED;

#endif
