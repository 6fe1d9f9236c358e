/* Statements on privileges. */
#ifndef PROPOLIS_CATALOG_SQL_PRIVILEGES_SQL_H
#define PROPOLIS_CATALOG_SQL_PRIVILEGES_SQL_H

#include "catalog/privileges.h"

/* What a privilege hangs on. */
typedef struct PrivilegePlace {
    PrivilegeKind kind;
    int64_t object_id;
    Str partition; /* name; "": none */
    int64_t partition_seq;
    Str column; /* "": none; null in a query: any */
} PrivilegePlace;

/* ON is folded. LOCK: it is not dropped until the transaction ends. Errors as of what is looked for. */
bool privileges_sql_place(Ctx *ctx, PgConn *conn, const PrivilegeTarget *on, bool lock, PrivilegePlace *ret, Err *err) WARN_UNUSED;

typedef struct PrivilegeQuery {
    const PrivilegePlace *at; /* NULL: anywhere */
    Principal to;             /* name null: any */
    const Str *user;          /* not NULL: this user, these groups, and these roles */
    StrList groups, roles;
    Str authorizer; /* null: any */
} PrivilegeQuery;
bool privileges_sql_list(Ctx *ctx, PgConn *conn, const PrivilegeQuery *query, Privileges *ret, Err *err) WARN_UNUSED;
bool privileges_sql_roles(Ctx *ctx, PgConn *conn, Str user, StrList groups, StrList *ret, Err *err) WARN_UNUSED;

/* Of one privilege. *ret_new false: the same grantor gave it before. */
bool privileges_sql_insert(Ctx *ctx, PgConn *conn, const PrivilegePlace *at, const Privilege *grant, bool *ret_new,
                           Err *err) WARN_UNUSED;
typedef struct PrivilegeFound {
    int64_t count, with_option;
} PrivilegeFound;
/* By whomever it was granted. OPTION_ONLY: the option goes where there is one. */
bool privileges_sql_remove(Ctx *ctx, PgConn *conn, const PrivilegePlace *at, const Privilege *grant, bool option_only,
                           PrivilegeFound *ret, Err *err) WARN_UNUSED;
bool privileges_sql_clear(Ctx *ctx, PgConn *conn, const PrivilegePlace *at, Str authorizer, Err *err) WARN_UNUSED;

#endif
