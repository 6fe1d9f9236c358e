/* Privileges: what principals were granted on which things. They are kept for the engines that ask, which decide by them; this
 * server itself looks at none. What they are called is the engines' business, too. */
#ifndef PROPOLIS_CATALOG_PRIVILEGES_H
#define PROPOLIS_CATALOG_PRIVILEGES_H

#include "catalog/roles.h"

typedef enum PrivilegeKind {
    PRIVILEGE_ALL = 1, /* everything there is */
    PRIVILEGE_DATABASE,
    PRIVILEGE_TABLE,
    PRIVILEGE_PARTITION,
    PRIVILEGE_COLUMN, /* of a table, or of a partition when there are values */
    PRIVILEGE_CONNECTOR,
} PrivilegeKind;

typedef struct PrivilegeTarget {
    PrivilegeKind kind;
    Str catalog, database, name; /* of the table or connector */
    StrList values;              /* of the partition */
    Str column;                  /* null in a query: any */
} PrivilegeTarget;

typedef struct Privilege {
    PrivilegeTarget on;
    Principal to;
    Str privilege; /* in what is granted or revoked: one or several, with commas between */
    Str grantor, grantor_type;
    bool grant_option;
    Str authorizer; /* whose rules these are; null in what is revoked: anybody's */
    Micros at;
} Privilege;
typedef struct Privileges {
    Privilege *items;
    size_t count;
} Privileges;

/* All or none. ERR_INVALID_INPUT: one was granted by that grantor already. */
bool privileges_grant(Ctx *ctx, const Privileges *grants, Err *err) WARN_UNUSED;
/* ERR_NOT_FOUND: one was not granted. OPTION_ONLY: they stay, the right to hand them on goes. */
bool privileges_revoke(Ctx *ctx, const Privileges *grants, bool option_only, Err *err) WARN_UNUSED;
/* What AUTHORIZER says about ON (with COLUMN null: about all its columns) is GRANTS from here on, and nothing else. */
bool privileges_refresh(Ctx *ctx, const PrivilegeTarget *on, Str authorizer, const Privileges *grants, Err *err) WARN_UNUSED;
/* ON NULL: on anything. TO without a name: of anybody. */
bool privileges_list(Ctx *ctx, const PrivilegeTarget *on, Principal to, Privileges *ret, Err *err) WARN_UNUSED;
/* Of a user, of groups, and of all roles (RET_ROLES) that they have. */
bool privileges_of_user(Ctx *ctx, const PrivilegeTarget *on, Str user, StrList groups, Privileges *ret, StrList *ret_roles,
                        Err *err) WARN_UNUSED;

#endif
