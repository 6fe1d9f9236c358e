/* Finding a table by name without reading the whole of it, for what hangs on one. */
#ifndef PROPOLIS_CATALOG_SQL_TABLE_REF_H
#define PROPOLIS_CATALOG_SQL_TABLE_REF_H

#include "catalog/sql/databases_sql.h"

typedef struct TableFound {
    int64_t id, version;
    Uuid columns, partition_keys; /* content ids */
} TableFound;

/* REF is folded and complete. LOCK: as for databases; the row of the table only. ERR_TABLE_NOT_FOUND and what
 * databases_sql_get() says. */
bool table_ref_find(Ctx *ctx, PgConn *conn, TableRef ref, RowLock lock, TableFound *ret, Err *err) WARN_UNUSED;
bool table_not_found(TableRef ref, Err *err); /* fills the error, returns false */
/* The same inside a statement: which row of tables t is the one called $1, $2, $3. Nested selects, not joins, so that there is
 * one way only to find it, by both columns of the index: a plan made while the tables were still empty stays right. */
#define DATABASE_ID_OF(catalog, database) \
    "(SELECT d.id FROM databases d WHERE d.catalog_id = (SELECT c.id FROM catalogs c WHERE c.name = " catalog ")" \
    " AND d.name = " database " AND d.dropped_at IS NULL)"
#define TABLE_IS(catalog, database, name) \
    "t.database_id = " DATABASE_ID_OF(catalog, database) " AND t.name = " name " AND t.dropped_at IS NULL"
#define DATABASE_ID_OF_12 DATABASE_ID_OF("$1", "$2")
#define TABLE_IS_123 TABLE_IS("$1", "$2", "$3")
/* Its id, NULL when there is none. */
#define TABLE_ID_OF_123 "(SELECT t.id FROM tables t WHERE " TABLE_IS_123 ")"
void table_ref_args(PgArgs *args, TableRef ref);

#endif
