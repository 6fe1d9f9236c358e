#include "server/hms/http.h"
#include "server/rest/rest.h"

/* The REST API, one row a route. openapi.yaml says the same for the world; a test compares the two. */

#define API "/api/v1"
#define CATALOG API "/catalogs/{catalog}"
#define DATABASE CATALOG "/databases/{database}"
#define TABLE DATABASE "/tables/{table}"
#define FUNCTION DATABASE "/functions/{function}"
#define PARTITION TABLE "/partitions/{partition}"
#define CONNECTION CATALOG "/connections/{connection}"

#define READ METHOD_READ
#define POINT (METHOD_READ | METHOD_POINT)
#define WRITE METHOD_WRITE
#define MATCHED (METHOD_WRITE | METHOD_MATCH) /* heeds If-Match */
#define BULK_READ (METHOD_READ | METHOD_BULK)
#define BULK_WRITE (METHOD_WRITE | METHOD_BULK)
#define PROBE (METHOD_READ | METHOD_PROBE | METHOD_PUBLIC)

#define PAGE "limit,page_token"
#define PARTITION_QUERY "filter,grammar,names+,prefix+"

/* Few rows have the last member. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const Method ROWS[] = {
    {"catalog.list", "GET", API "/catalogs", rest_catalog_list, READ, "list", PAGE ",pattern", "0.1", "Catalogs, by name."},
    {"catalog.create", "POST", API "/catalogs", rest_catalog_create, WRITE, "create", NULL, "0.1", "Make a catalog."},
    {"catalog.get", "GET", CATALOG, rest_catalog_get, POINT, "read", NULL, "0.1", "One catalog."},
    {"catalog.put", "PUT", CATALOG, rest_catalog_put, MATCHED, "alter", NULL, "0.1", "Make a catalog, or replace all of it."},
    {"catalog.patch", "PATCH", CATALOG, rest_catalog_patch, MATCHED, "alter", NULL, "0.1", "Change parts of a catalog."},
    {"catalog.drop", "DELETE", CATALOG, rest_catalog_drop, MATCHED, "drop", NULL, "0.1", "Drop an empty catalog."},

    {"database.list", "GET", CATALOG "/databases", rest_database_list, READ, "list", PAGE ",pattern", "0.1", "Databases, by name."},
    {"database.create", "POST", CATALOG "/databases", rest_database_create, WRITE, "create", NULL, "0.1", "Make a database."},
    {"database.get", "GET", DATABASE, rest_database_get, POINT, "read", NULL, "0.1", "One database."},
    {"database.put", "PUT", DATABASE, rest_database_put, MATCHED, "alter", NULL, "0.1", "Make a database, or replace all of it."},
    {"database.patch", "PATCH", DATABASE, rest_database_patch, MATCHED, "alter", NULL, "0.1", "Change parts of a database."},
    {"database.drop", "DELETE", DATABASE, rest_database_drop, BULK_WRITE | METHOD_MATCH, "drop", "cascade,delete_data", "0.1",
     "Drop a database, with cascade=true also all that is in it."},
    {"database.rename", "POST", DATABASE ":rename", rest_database_rename, MATCHED, "alter", NULL, "0.1",
     "Give a database another name; data stays where it is."},

    {"table.list", "GET", DATABASE "/tables", rest_table_list, READ, "list", PAGE ",pattern,type,detail", "0.1",
     "Tables, by name."},
    {"table.create", "POST", DATABASE "/tables", rest_table_create, WRITE, "create", NULL, "0.1", "Make a table or view."},
    {"table.get", "GET", TABLE, rest_table_get, POINT, "read", "version,as_of", "0.1", "One table, as it is or was.",
     rest_table_get_each},
    {"table.put", "PUT", TABLE, rest_table_put, MATCHED, "alter", NULL, "0.1", "Make a table, or replace all of its definition."},
    {"table.patch", "PATCH", TABLE, rest_table_patch, MATCHED, "alter", NULL, "0.1", "Change parts of a table."},
    {"table.drop", "DELETE", TABLE, rest_table_drop, MATCHED, "drop", "delete_data", "0.1",
     "Drop a table; it can be restored for a while."},
    {"table.rename", "POST", TABLE ":rename", rest_table_rename, BULK_WRITE | METHOD_MATCH, "alter", NULL, "0.1",
     "Give a table another name or database."},
    {"table.undrop", "POST", TABLE ":undrop", rest_table_undrop, BULK_WRITE, "create", NULL, "0.1",
     "Bring a dropped table back with its partitions."},
    {"table.dropped", "GET", DATABASE "/dropped-tables", rest_dropped_table_list, READ, "list", PAGE ",name", "0.1",
     "Dropped tables that can be restored, newest first."},

    {"version.list", "GET", TABLE "/versions", rest_version_list, READ, "read", PAGE ",noops,pointer_moves", "0.1",
     "What was done to a table, newest first."},
    {"version.get", "GET", TABLE "/versions/{version}", rest_version_get, READ, "read", NULL, "0.1",
     "One version of a table and who made it."},
    {"version.diff", "GET", TABLE "/diff", rest_table_diff, READ, "read", "from,to", "0.1",
     "The differences between two versions."},
    {"version.restore", "POST", TABLE ":restore", rest_table_restore, MATCHED, "alter", NULL, "0.1",
     "Make a table what it was, as a new version."},

    {"partition.list", "GET", TABLE "/partitions", rest_partition_list, BULK_READ, "list",
     PAGE "," PARTITION_QUERY ",columns,detail", "0.1", "Partitions, by name."},
    {"partition.count", "GET", TABLE "/partitions:count", rest_partition_count, BULK_READ, "list", PARTITION_QUERY ",columns",
     "0.1", "How many partitions match."},
    {"partition.add", "POST", TABLE "/partitions", rest_partition_add, BULK_WRITE, "create", NULL, "0.1",
     "Add one partition, or many."},
    {"partition.alter_many", "POST", TABLE "/partitions:alter", rest_partitions_alter, BULK_WRITE, "alter", NULL, "0.1",
     "Replace many partitions."},
    {"partition.drop_many", "POST", TABLE "/partitions:drop", rest_partitions_drop, BULK_WRITE, "drop", NULL, "0.1",
     "Drop partitions by name or filter."},
    {"partition.get", "GET", PARTITION, rest_partition_get, POINT, "read", "columns", "0.1", "One partition."},
    {"partition.put", "PUT", PARTITION, rest_partition_put, MATCHED, "alter", NULL, "0.1",
     "Add a partition, or replace all of it."},
    {"partition.patch", "PATCH", PARTITION, rest_partition_patch, MATCHED, "alter", NULL, "0.1", "Change parts of a partition."},
    {"partition.drop", "DELETE", PARTITION, rest_partition_drop, MATCHED, "drop", "delete_data", "0.1",
     "Drop a partition; it can be restored."},
    {"partition.rename", "POST", PARTITION ":rename", rest_partition_rename, BULK_WRITE | METHOD_MATCH, "alter", NULL, "0.1",
     "Give a partition other values."},
    {"partition.history", "GET", PARTITION "/history", rest_partition_history, READ, "read", NULL, "0.1",
     "What was done to a partition, newest first."},
    {"partition.restore", "POST", PARTITION ":restore", rest_partition_restore, WRITE, "create", NULL, "0.1",
     "Make a partition what it was before a change."},

    {"function.list", "GET", DATABASE "/functions", rest_function_list, READ, "list", PAGE ",pattern,type", "0.1",
     "Functions, by name."},
    {"function.create", "POST", DATABASE "/functions", rest_function_create, WRITE, "create", NULL, "0.1", "Make a function."},
    {"function.get", "GET", FUNCTION, rest_function_get, POINT, "read", NULL, "0.1", "One function."},
    {"function.put", "PUT", FUNCTION, rest_function_put, MATCHED, "alter", NULL, "0.1", "Make a function, or replace all of it."},
    {"function.patch", "PATCH", FUNCTION, rest_function_patch, MATCHED, "alter", NULL, "0.1", "Change parts of a function."},
    {"function.drop", "DELETE", FUNCTION, rest_function_drop, MATCHED, "drop", NULL, "0.1", "Drop a function."},
    {"function.rename", "POST", FUNCTION ":rename", rest_function_rename, MATCHED, "alter", NULL, "0.1",
     "Give a function another name or database."},

    {"statistics.get", "GET", TABLE "/statistics", rest_statistics_get, POINT, "read", "columns+,engine,sketches", "0.1",
     "Statistics of a table's columns."},
    {"statistics.put", "PUT", TABLE "/statistics", rest_statistics_put, WRITE, "alter", "engine,merge", "0.1",
     "Set statistics of columns; the others stay."},
    {"statistics.delete", "DELETE", TABLE "/statistics", rest_statistics_delete, WRITE, "alter", "columns+,engine", "0.1",
     "Delete statistics of a table's columns."},
    {"partition_statistics.list", "GET", TABLE "/partition-statistics", rest_partition_statistics_list, BULK_READ, "read",
     PAGE ",names+,filter,grammar,columns+,engine,sketches", "0.1", "Statistics of partitions, by name of the partition."},
    {"partition_statistics.get_many", "POST", TABLE "/partition-statistics:get", rest_partition_statistics_get_many, BULK_READ,
     "read", NULL, "0.1", "Statistics of many named partitions."},
    {"partition_statistics.put", "PUT", TABLE "/partition-statistics", rest_partition_statistics_put, BULK_WRITE, "alter",
     "engine,merge", "0.1", "Set statistics of partitions, all or none."},
    {"partition_statistics.delete", "DELETE", TABLE "/partition-statistics", rest_partition_statistics_delete, BULK_WRITE, "alter",
     "names+,columns+,engine", "0.1", "Delete statistics of named partitions."},

    {"constraint.list", "GET", TABLE "/constraints", rest_constraint_list, READ, "read", "kind+", "0.1",
     "Constraints of a table, by kind and name."},
    {"constraint.add", "POST", TABLE "/constraints", rest_constraint_add, WRITE, "alter", NULL, "0.1",
     "Add one constraint, or several."},
    {"constraint.drop", "DELETE", TABLE "/constraints/{constraint}", rest_constraint_drop, WRITE, "alter", NULL, "0.1",
     "Drop a constraint."},

    {"table_tags.get", "GET", TABLE "/tags", rest_table_tags_get, POINT, "read", NULL, "0.1", "Tags of a table."},
    {"table_tags.put", "PUT", TABLE "/tags", rest_table_tags_put, WRITE, "alter", NULL, "0.1", "Replace all tags of a table."},
    {"table_tags.patch", "PATCH", TABLE "/tags", rest_table_tags_patch, WRITE, "alter", NULL, "0.1",
     "Set some tags of a table; null removes one."},
    {"database_tags.get", "GET", DATABASE "/tags", rest_database_tags_get, POINT, "read", NULL, "0.1", "Tags of a database."},
    {"database_tags.put", "PUT", DATABASE "/tags", rest_database_tags_put, WRITE, "alter", NULL, "0.1",
     "Replace all tags of a database."},
    {"database_tags.patch", "PATCH", DATABASE "/tags", rest_database_tags_patch, WRITE, "alter", NULL, "0.1",
     "Set some tags of a database; null removes one."},
    {"connection_tags.get", "GET", CONNECTION "/tags", rest_connection_tags_get, POINT, "read", NULL, "0.1",
     "Tags of a connection."},
    {"connection_tags.put", "PUT", CONNECTION "/tags", rest_connection_tags_put, WRITE, "alter", NULL, "0.1",
     "Replace all tags of a connection."},
    {"connection_tags.patch", "PATCH", CONNECTION "/tags", rest_connection_tags_patch, WRITE, "alter", NULL, "0.1",
     "Set some tags of a connection; null removes one."},

    {"connection.list", "GET", CATALOG "/connections", rest_connection_list, READ, "list", PAGE ",pattern,type", "0.1",
     "Connections, by name; never their secrets."},
    {"connection.create", "POST", CATALOG "/connections", rest_connection_create, WRITE, "create", NULL, "0.1",
     "Make a connection."},
    {"connection.test_inline", "POST", CATALOG "/connections:test", rest_connection_test_inline, BULK_READ, "create", NULL, "0.1",
     "Try a connection that is not kept."},
    {"connection.get", "GET", CONNECTION, rest_connection_get, POINT, "read", "with_secrets", "0.1",
     "One connection; its secrets only when asked for by somebody who may see them."},
    {"connection.put", "PUT", CONNECTION, rest_connection_put, MATCHED, "alter", "replace_secrets", "0.1",
     "Make a connection, or replace all of it but the secrets that are not given."},
    {"connection.patch", "PATCH", CONNECTION, rest_connection_patch, MATCHED, "alter", NULL, "0.1",
     "Change parts of a connection."},
    {"connection.drop", "DELETE", CONNECTION, rest_connection_drop, MATCHED, "drop", NULL, "0.1",
     "Drop a connection with its secrets."},
    {"connection.rename", "POST", CONNECTION ":rename", rest_connection_rename, MATCHED, "alter", NULL, "0.1",
     "Give a connection another name."},
    {"connection.test", "POST", CONNECTION ":test", rest_connection_test, BULK_WRITE, "alter", NULL, "0.1",
     "Try a connection and remember the outcome as its status."},
    {"connection.types", "GET", API "/connection-types", rest_connection_types, READ, "read", NULL, "0.1",
     "The types of connections, and the properties there are."},

    {"search", "GET", API "/search", rest_search, READ, "list", PAGE ",q,kind,catalog,database,type,column,parameter+,owner", "0.1",
     "Tables by words and by what they have; the best matches first."},

    {"change.list", "GET", API "/changes", rest_change_list, READ | METHOD_HELD, "list",
     "after,limit,catalog,database,name,kind,principal,wait", "0.1",
     "The change log from an id on; waits for new ones, or streams them as server-sent events."},

    {"user.list", "GET", API "/users", rest_user_list, READ, "admin", PAGE, "0.1", "Users, by name."},
    {"user.create", "POST", API "/users", rest_user_create, WRITE, "admin", NULL, "0.1", "Make a user."},
    {"user.get", "GET", API "/users/{user}", rest_user_get, READ, "own", NULL, "0.1", "One user."},
    {"user.patch", "PATCH", API "/users/{user}", rest_user_patch, WRITE, "own", NULL, "0.1",
     "Change password, admin right, disabled."},
    {"user.delete", "DELETE", API "/users/{user}", rest_user_delete, WRITE, "admin", NULL, "0.1", "Delete a user and its tokens."},
    {"token.list", "GET", API "/users/{user}/tokens", rest_token_list, READ, "own", PAGE, "0.1",
     "A user's tokens; never the tokens themselves."},
    {"token.create", "POST", API "/users/{user}/tokens", rest_token_create, WRITE, "own", NULL, "0.1",
     "Make a token; it is shown in this answer only."},
    {"token.revoke", "DELETE", API "/users/{user}/tokens/{id}", rest_token_revoke, WRITE, "own", NULL, "0.1", "Take a token back."},
    {"whoami", "GET", API "/whoami", rest_whoami, READ, "read", NULL, "0.1", "Who the server takes you for."},

    {"metastore", "POST", "/metastore", hms_over_http, READ, "read", NULL, "0.1",
     "Thrift over HTTP for Hive Metastore clients: one binary message as the body."},
    {"metastore.client", "POST", "/metastore/{path}", hms_over_http, READ, "read", NULL, "0.1",
     "The same under the path that Hive's own client takes."},

    {"healthz", "GET", "/healthz", rest_healthz, PROBE, "read", NULL, "0.1", "The process lives."},
    {"readyz", "GET", "/readyz", rest_readyz, READ | METHOD_PUBLIC, "read", NULL, "0.1",
     "The database can be reached and its schema fits."},
    {"version", "GET", "/version", rest_version, PROBE, "read", NULL, "0.1", "Version of the server."},
    {"openapi", "GET", "/openapi.yaml", rest_openapi, PROBE, "read", NULL, "0.1", "This API's description."},
    {"metrics", "GET", "/metrics", rest_metrics, READ, "read", NULL, "0.1", "Numbers for Prometheus."},
    {"admin.methods", "GET", "/admin/methods", rest_admin_methods, READ, "admin", NULL, "0.1",
     "Every method, and how often it was called."},
    {"admin.pools", "GET", "/admin/pools", rest_admin_pools, READ, "admin", NULL, "0.1", "Database connections and workers."},
    {"admin.config", "GET", "/admin/config", rest_admin_config, READ, "admin", NULL, "0.1",
     "Every option, its value and where that came from."},
    {"admin.doctor", "GET", "/admin/doctor", rest_admin_doctor, BULK_READ, "admin", NULL, "0.1",
     "Whether all that the server stands on is in order."},
    {"admin.connections", "GET", "/admin/connections", rest_admin_connections, READ, "admin", NULL, "0.1",
     "Open HTTP connections and streams."},
};

const MethodTable rest_methods = {ROWS, ARRAY_LEN(ROWS)};
