/* catalog: what a metadata catalog is, whatever protocol asks: names, types, tables, partitions, versions, changes.
 *
 * Purpose:   the model (this file) and its use cases, one file a noun. Adapters translate shapes and errors; every rule
 *            lives here. SQL stands in catalog/sql only.
 * Ownership: everything a use case returns lives in the arena of its Ctx.
 * Threads:   a Ctx belongs to one thread; Catalog itself is shared and does its own locking.
 *
 * In the model a null Str is "not given"; names are folded (catalog/names.h); times without value are MICROS_NONE.
 * "extra" is a JSON object of what only one protocol's model knows, its members prefixed by the door ("glue.",
 * "hive."), kept untouched by the others. */
#ifndef PROPOLIS_CATALOG_MODEL_H
#define PROPOLIS_CATALOG_MODEL_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"

typedef struct CatalogInfo {
    int64_t id, version;
    Str name, description, location;
    Params params;
    Str extra;
    Micros created_at, updated_at;
} CatalogInfo;

typedef struct Database {
    int64_t id, version;
    Str catalog, name;
    Str description, location, managed_location;
    Params params;
    Str owner, owner_type; /* USER, ROLE, GROUP */
    Str type, connector, remote_name;
    Str extra;
    bool bootstrap; /* made by the server and never used since */
    Micros created_at, updated_at, dropped_at;
} Database;

typedef struct Column {
    Str name, type, comment;
    Params params;
} Column;

/* Columns in order. Shared: partitions with equal columns point at one set. id is zero for "none given". */
typedef struct ColumnSet {
    Uuid id;
    Column *items;
    size_t count;
    Str json; /* the same as JSON, where somebody has it ready (catalog/definitions.h); else null */
} ColumnSet;

typedef struct SortColumn {
    Str name;
    int32_t order; /* 1 ascending, 0 descending */
} SortColumn;

typedef struct SkewLocation {
    StrList values;
    Str location;
} SkewLocation;

typedef struct Skew {
    StrList columns;
    StrList *values;
    size_t value_count;
    SkewLocation *locations;
    size_t location_count;
} Skew;

typedef struct Serde {
    Str name, library, description, serializer, deserializer;
    int32_t type; /* Hive's SerdeType, 0 = not given */
    Params params;
} Serde;

/* How the bytes are laid out. Shared like ColumnSet. */
typedef struct StorageFormat {
    Uuid id;
    Str input_format, output_format;
    bool compressed, stored_as_sub_directories;
    int32_t buckets; /* as given; -1 and 0 both mean none */
    StrList bucket_columns;
    SortColumn *sort_columns;
    size_t sort_column_count;
    Serde serde;
    Skew skew;
} StorageFormat;

/* The storage descriptor of a table or partition. */
typedef struct Storage {
    bool given; /* false: the object has no descriptor at all */
    Str location;
    const ColumnSet *columns;    /* never NULL when given */
    const StorageFormat *format; /* never NULL when given */
    Params params;
} Storage;

typedef struct Table {
    int64_t id; /* the incarnation */
    int64_t version;
    Str catalog, database, name;
    Str type; /* MANAGED_TABLE, EXTERNAL_TABLE, VIRTUAL_VIEW, MATERIALIZED_VIEW or whatever was given; null: not given */
    Str owner, owner_type;
    Str description;
    Storage storage;
    const ColumnSet *partition_keys; /* never NULL; empty: not partitioned */
    Params params;
    int32_t retention;
    Str view_original, view_expanded;
    bool rewrite_enabled;
    Str extra;
    Str created_by;
    Micros created_at, updated_at, last_access_at, last_analyzed_at;
    Micros dropped_at;
    /* The store's own bookkeeping. */
    int64_t database_id, full_version;
    int32_t base;
} Table;

typedef struct TableRef {
    Str catalog, database, name; /* null catalog: the default one */
} TableRef;

typedef struct Partition {
    Str name; /* k1=v1/k2=v2 */
    StrList values;
    Storage storage;
    Params params;
    Str extra;
    Micros created_at, last_access_at, last_analyzed_at;
    int64_t added_seq, altered_seq; /* changes.seq; 0: never altered */
} Partition;

typedef struct Partitions {
    Partition *items;
    size_t count;
} Partitions;

typedef struct Function {
    int64_t id, version;
    Str catalog, database, name;
    Str class_name, owner, owner_type, type;
    StrList resource_types, resource_uris; /* same length */
    Str extra;
    Micros created_at, updated_at;
} Function;

/* Who did what, as the change log keeps it. */
typedef struct Change {
    int64_t change_id;    /* dense */
    int64_t hms_event_id; /* dense among changes with an HMS event; 0: none */
    int64_t seq;
    Micros at;
    Str principal, client, agent, protocol, operation;
    Uuid request_id;
    Str kind, action; /* "table", "alter" */
    Str catalog, database, name;
    int64_t object_id, version; /* version -1: the object has none */
    Str hms_event;
    StrList partitions;
    Str detail; /* JSON or null */
} Change;

/* One version of a table with who made it. */
typedef struct TableVersion {
    int64_t version;
    Micros at;
    Change change; /* who, how, through which door */
    bool noop, pointer_move, archived;
    Str diff;    /* JSON or null */
    Table table; /* filled by version_get only */
} TableVersion;

#define DEFAULT_CATALOG STR("hive")

#endif
