/* Roles: which there are and who has them. Everybody has "public"; "admin" is always there. */
#ifndef PROPOLIS_CATALOG_ROLES_H
#define PROPOLIS_CATALOG_ROLES_H

#include "catalog/ctx.h"

#define ROLE_ADMIN STR("admin")
#define ROLE_PUBLIC STR("public")

/* Names of roles are folded, those of users and groups are kept as they are. */
typedef struct Principal {
    Str type; /* USER, ROLE, GROUP */
    Str name;
} Principal;

typedef struct Role {
    Str name, owner;
    Micros created_at;
} Role;
typedef struct Roles {
    Role *items;
    size_t count;
} Roles;

typedef struct RoleGrant {
    Role role;
    Principal to;
    bool grant_option;
    Str grantor, grantor_type;
    Micros at; /* MICROS_NONE: never granted, as everybody has it */
} RoleGrant;
typedef struct RoleGrants {
    RoleGrant *items;
    size_t count;
} RoleGrants;

bool role_list(Ctx *ctx, Roles *ret, Err *err) WARN_UNUSED; /* by name */
bool role_create(Ctx *ctx, Str name, Str owner, Err *err) WARN_UNUSED;
/* Together with all that was granted to it. */
bool role_drop(Ctx *ctx, Str name, Err *err) WARN_UNUSED;

/* ERR_INVALID_INPUT: has it already, or the role would contain itself. */
bool role_grant(Ctx *ctx, const RoleGrant *grant, Err *err) WARN_UNUSED;
/* OPTION_ONLY: the role stays, the right to hand it on goes. */
bool role_revoke(Ctx *ctx, Str role, Principal from, bool option_only, Err *err) WARN_UNUSED;

/* Of ROLE (null: any), to TO (name null: anybody), by role and principal. With a user the role "public" comes along. */
bool role_grant_list(Ctx *ctx, Str role, Principal to, RoleGrants *ret, Err *err) WARN_UNUSED;

/* The principal with a folded name when it is a role. ERR_INVALID_ARGUMENT: no type or no name. */
bool principal_check(const Ctx *ctx, Principal *principal, Err *err) WARN_UNUSED;

#endif
