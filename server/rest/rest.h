/* rest: REST JSON <-> use cases.
 *
 * Purpose:   one file a noun; a handler reads path, query and body, calls one use case and writes its answer. No rule
 *            about the catalog stands here. routes.c is the table that names every handler.
 * Ownership: everything is in the request's arena; the answer's body is its own buffer.
 * Threads:   a handler runs on one thread, see METHOD_POINT for which. */
#ifndef PROPOLIS_SERVER_REST_H
#define PROPOLIS_SERVER_REST_H

#include "base/json_reader.h"
#include "catalog/databases.h"
#include "catalog/tables.h"
#include "server/request.h"

extern const MethodTable rest_methods;

/* --- in ---------------------------------------------------------------------------------------------------------- */

/* The body as JSON object. PATCH takes application/merge-patch+json too. OPTIONAL: no body is like {}. */
bool rest_body(Request *r, bool optional, JsonAt *ret, Err *err) WARN_UNUSED;
/* Members read in one go by handlers of small bodies. */
bool rest_member_str(Request *r, const JsonAt *object, const char *key, Str *ret, Err *err) WARN_UNUSED;
bool rest_member_bool(Request *r, const JsonAt *object, const char *key, bool *ret, Err *err) WARN_UNUSED;
/* A body may repeat the name that its path gives, but not name another one. */
bool rest_same_name(Request *r, const JsonAt *body, Str path_name, Err *err) WARN_UNUSED;
bool rest_other_name(Str name, Str path_name, Err *err) WARN_UNUSED; /* says that it does; false */
TableRef rest_table_ref(const Request *r);                           /* of a path that begins with catalog, database, table */

bool rest_if_match(const Request *r, Expect *ret, Err *err) WARN_UNUSED;
bool rest_create_only(const Request *r); /* If-None-Match: * */

/* RFC 7396: PATCH into TARGET. */
json_t *rest_merge_patch(json_t *target, const json_t *patch);
/* CURRENT (JSON text of an object) with PATCH merged into it. */
bool rest_merge(Request *r, Str current, const JsonAt *patch, JsonAt *ret, Err *err) WARN_UNUSED;

/* --- pages ------------------------------------------------------------------------------------------------------- */

/* limit, page_token, pattern. ALL_ALLOWED: limit=all may be asked for. */
bool rest_page(Request *r, bool all_allowed, Page *ret, Err *err) WARN_UNUSED;
/* Writes next_page_token when there is MORE; LAST is where the next page begins. */
void rest_next_page(Request *r, JsonWriter *w, bool more, Str last);
/* A page of a list, each item in a form of its own. */
typedef struct RestItems {
    const void *items;
    size_t count, size; /* how many, and how large one is */
    void (*json)(JsonWriter *w, const void *item);
    bool more;
    Str last; /* where the next page begins */
} RestItems;
#define REST_ITEMS(found, write, last_of_some) \
    ((RestItems){(found).items, (found).count, sizeof *(found).items, write, (found).more, \
                 (found).count ? (last_of_some) : STR_NULL})
bool rest_items(Request *r, const RestItems *page); /* {"items": [...], "next_page_token": ...}; returns true */

/* --- out --------------------------------------------------------------------------------------------------------- */

void rest_etag(Request *r, int64_t id, int64_t version);
/* Whether If-None-Match names this state: then the answer is 304 without body. */
bool rest_not_modified(Request *r, int64_t id, int64_t version);
void rest_created(Request *r);                                    /* 201 */
bool rest_restored(Request *r, const Table *table, StrList gone); /* a table that came back, and locations that did not */
bool rest_no_content(Request *r);                                 /* 204; returns true, for "return rest_no_content(r);" */

/* --- handlers, by file ------------------------------------------------------------------------------------------- */

#define HANDLER(name) bool name(Request *r, Err *err)
/* rest_catalogs.c */
HANDLER(rest_catalog_list);
HANDLER(rest_catalog_get);
HANDLER(rest_catalog_create);
HANDLER(rest_catalog_put);
HANDLER(rest_catalog_patch);
HANDLER(rest_catalog_drop);
/* rest_databases.c */
HANDLER(rest_database_list);
HANDLER(rest_database_get);
HANDLER(rest_database_create);
HANDLER(rest_database_put);
HANDLER(rest_database_patch);
HANDLER(rest_database_drop);
HANDLER(rest_database_rename);
/* rest_tables.c */
HANDLER(rest_table_list);
HANDLER(rest_table_get);
void rest_table_get_each(Request *const *requests, size_t count, bool *ret_ok, Err *errs);
HANDLER(rest_table_create);
HANDLER(rest_table_put);
HANDLER(rest_table_patch);
HANDLER(rest_table_drop);
HANDLER(rest_table_rename);
HANDLER(rest_table_undrop);
HANDLER(rest_dropped_table_list);
/* rest_functions.c */
HANDLER(rest_function_list);
HANDLER(rest_function_get);
HANDLER(rest_function_create);
HANDLER(rest_function_put);
HANDLER(rest_function_patch);
HANDLER(rest_function_drop);
HANDLER(rest_function_rename);
/* rest_versions.c */
bool rest_table_get_version(Request *r, Err *err); /* GET of a table with version= or as_of= */
HANDLER(rest_version_list);
HANDLER(rest_version_get);
HANDLER(rest_table_diff);
HANDLER(rest_table_restore);
/* rest_partitions.c, rest_partitions_bulk.c */
HANDLER(rest_partition_list);
HANDLER(rest_partition_count);
HANDLER(rest_partition_get);
HANDLER(rest_partition_put);
HANDLER(rest_partition_patch);
HANDLER(rest_partition_drop);
HANDLER(rest_partition_rename);
HANDLER(rest_partition_history);
HANDLER(rest_partition_restore);
HANDLER(rest_partition_add);
HANDLER(rest_partitions_alter);
HANDLER(rest_partitions_drop);
/* rest_changes.c */
HANDLER(rest_change_list);
/* rest_users.c */
HANDLER(rest_user_list);
HANDLER(rest_user_get);
HANDLER(rest_user_create);
HANDLER(rest_user_patch);
HANDLER(rest_user_delete);
HANDLER(rest_token_list);
HANDLER(rest_token_create);
HANDLER(rest_token_revoke);
HANDLER(rest_whoami);
/* rest_server.c */
HANDLER(rest_healthz);
HANDLER(rest_readyz);
HANDLER(rest_version);
HANDLER(rest_openapi);
HANDLER(rest_metrics);
HANDLER(rest_admin_methods);
HANDLER(rest_admin_pools);
HANDLER(rest_admin_connections);
HANDLER(rest_admin_config);
/* rest_statistics.c */
HANDLER(rest_statistics_get);
HANDLER(rest_statistics_put);
HANDLER(rest_statistics_delete);
HANDLER(rest_partition_statistics_list);
HANDLER(rest_partition_statistics_get_many);
HANDLER(rest_partition_statistics_put);
HANDLER(rest_partition_statistics_delete);
/* rest_constraints.c */
HANDLER(rest_constraint_list);
HANDLER(rest_constraint_add);
HANDLER(rest_constraint_drop);
/* rest_tags.c */
HANDLER(rest_table_tags_get);
HANDLER(rest_table_tags_put);
HANDLER(rest_table_tags_patch);
HANDLER(rest_database_tags_get);
HANDLER(rest_database_tags_put);
HANDLER(rest_database_tags_patch);
HANDLER(rest_connection_tags_get);
HANDLER(rest_connection_tags_put);
HANDLER(rest_connection_tags_patch);
/* rest_search.c */
HANDLER(rest_search);
/* rest_connections.c */
HANDLER(rest_connection_list);
HANDLER(rest_connection_get);
HANDLER(rest_connection_create);
HANDLER(rest_connection_put);
HANDLER(rest_connection_patch);
HANDLER(rest_connection_drop);
HANDLER(rest_connection_rename);
HANDLER(rest_connection_test);
HANDLER(rest_connection_test_inline);
HANDLER(rest_connection_types);
/* rest_doctor.c */
HANDLER(rest_admin_doctor);
#undef HANDLER

#endif
