/* Statements on roles. */
#ifndef PROPOLIS_CATALOG_SQL_ROLES_SQL_H
#define PROPOLIS_CATALOG_SQL_ROLES_SQL_H

#include "catalog/roles.h"

/* Those who change roles or their grants go one after the other from here on. */
bool roles_sql_lock(PgConn *conn, Err *err) WARN_UNUSED;
bool roles_sql_list(Ctx *ctx, PgConn *conn, Roles *ret, Err *err) WARN_UNUSED;
bool roles_sql_find(Ctx *ctx, PgConn *conn, Str name, int64_t *ret_id, Err *err) WARN_UNUSED; /* ERR_NOT_FOUND */
/* *ret_id 0: there is one already. */
bool roles_sql_insert(Ctx *ctx, PgConn *conn, Str name, Str owner, int64_t *ret_id, Err *err) WARN_UNUSED;
bool roles_sql_delete(Ctx *ctx, PgConn *conn, int64_t id, Str name, Err *err) WARN_UNUSED;

bool role_grants_sql_list(Ctx *ctx, PgConn *conn, Str role, Principal to, RoleGrants *ret, Err *err) WARN_UNUSED;
/* Whether whoever has INNER has OUTER by it, too. */
bool role_grants_sql_contains(Ctx *ctx, PgConn *conn, Str outer, Str inner, bool *ret, Err *err) WARN_UNUSED;
bool role_grants_sql_insert(Ctx *ctx, PgConn *conn, int64_t role_id, const RoleGrant *grant, bool *ret_new, Err *err) WARN_UNUSED;
bool role_grants_sql_delete(Ctx *ctx, PgConn *conn, int64_t role_id, Principal from, Err *err) WARN_UNUSED;
bool role_grants_sql_no_option(Ctx *ctx, PgConn *conn, int64_t role_id, Principal from, Err *err) WARN_UNUSED;

/* All roles that a user of these groups has, those of his roles included, as a statement's "WITH RECURSIVE": has (name). */
#define ROLES_OF_USER(user, groups) \
    "WITH RECURSIVE has (name) AS (SELECT 'public'::text COLLATE \"C\" UNION SELECT r.name FROM role_grants g" \
    " JOIN roles r ON r.id = g.role_id WHERE (g.principal_type = 'USER' AND g.principal = " user ")" \
    " OR (g.principal_type = 'GROUP' AND g.principal = ANY (" groups "))" \
    " UNION SELECT r.name FROM has JOIN role_grants g ON g.principal_type = 'ROLE' AND g.principal = has.name" \
    " JOIN roles r ON r.id = g.role_id)"

#endif
