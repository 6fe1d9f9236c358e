/* The model as JSON: one form, used by the REST API, by version bodies, by exports and by the change log. */
#ifndef PROPOLIS_CATALOG_JSON_H
#define PROPOLIS_CATALOG_JSON_H

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "catalog/model.h"

/* Objects as the REST API shows them. */
void columns_json(JsonWriter *w, const ColumnSet *set);
void table_json(JsonWriter *w, const Table *table);
void database_json(JsonWriter *w, const Database *database);
void catalog_json(JsonWriter *w, const CatalogInfo *info);
void function_json(JsonWriter *w, const Function *function);
void change_json(JsonWriter *w, const Change *change);
/* LAST: encodes equal column sets and formats of a run of partitions once; start with (PartitionJson){0} per answer. */
typedef struct PartitionJson {
    const ColumnSet *columns;
    const StorageFormat *format;
    size_t columns_at, columns_len, format_at, format_len; /* where their text stands in the output */
} PartitionJson;
void partition_json(JsonWriter *w, const Partition *partition, PartitionJson *last, bool with_columns);

/* A document replaces the whole object: what it does not name is cleared in *ret, identity and read-only members are
 * accepted and ignored. Unknown members and wrong types are errors that name their path. */
bool table_from_json(const JsonAt *at, Arena *arena, Table *ret, Err *err) WARN_UNUSED;
bool database_from_json(const JsonAt *at, Arena *arena, Database *ret, Err *err) WARN_UNUSED;
bool catalog_from_json(const JsonAt *at, Arena *arena, CatalogInfo *ret, Err *err) WARN_UNUSED;
bool function_from_json(const JsonAt *at, Arena *arena, Function *ret, Err *err) WARN_UNUSED;
bool partition_from_json(const JsonAt *at, Arena *arena, Partition *ret, Err *err) WARN_UNUSED;

/* Everything of a table but its identity and the content-addressed parts (columns, keys, format), for version rows. */
void table_body_json(JsonWriter *w, const Table *table);
bool table_from_body(Str body, Arena *arena, Table *table, Err *err) WARN_UNUSED;

/* Parts that the store keeps as JSON text. */
void serde_json(JsonWriter *w, const Serde *serde);
void skew_json(JsonWriter *w, const Skew *skew);
bool serde_from_json(const JsonAt *at, Arena *arena, Serde *ret, Err *err) WARN_UNUSED;
bool skew_from_json(const JsonAt *at, Arena *arena, Skew *ret, Err *err) WARN_UNUSED;
bool skew_is_empty(const Skew *skew);

#endif
