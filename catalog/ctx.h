/* Ctx: what a use case needs to know about the request it serves. */
#ifndef PROPOLIS_CATALOG_CTX_H
#define PROPOLIS_CATALOG_CTX_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "catalog/names.h"
#include "pg/pg.h"

typedef struct Config Config;
typedef struct Roots Roots;
typedef struct SecretKeys SecretKeys;
typedef struct Definitions Definitions;
typedef struct Ctx Ctx;

/* What is done to a thing, for the permission hook. */
typedef enum Action {
    ACTION_LIST,
    ACTION_READ,
    ACTION_CREATE,
    ACTION_ALTER,
    ACTION_DROP,
    ACTION_READ_SECRET, /* see a connection's secret in clear */
    ACTION_ADMIN,       /* users, tokens, server settings */
} Action;

typedef struct Resource {
    const char
        *kind; /* "catalog", "database", "table", "partition", "function", "connection", "user", "password", "token", "server" */
    Str catalog, database, name;
} Resource;

/* Who calls, through which door. Goes into the change log as it stands. */
typedef struct Caller {
    Str principal; /* null: nobody logged in (local mode) */
    bool admin;
    Micros token_expires_at; /* of the token that was logged in with; 0: none, or it lives on */
    Str client;              /* address */
    Str agent;
    Str protocol;  /* rest, hive, glue, crawler, server */
    Str operation; /* method name */
    Uuid request_id;
} Caller;

/* One per server. */
typedef struct Catalog {
    Pg *pg;
    const Config *_Atomic config; /* a reload swaps it; what was read once stays valid until the process ends */
    Roots *roots;                 /* where data may be touched */
    SecretKeys *_Atomic keys;     /* swapped when the key file has a new one; see sealing_reload() */
    Definitions *definitions;     /* NULL: none are kept in memory */
    Uuid server_id;               /* this process, for leases */
    bool cluster_settled;         /* atomic; see change_sequence() */
    int64_t swept_changes;        /* housekeeping's own: the change that retention looked at last */
    /* The permission hook: called by every use case before it does anything. NULL allows all. */
    bool (*authorize)(const Ctx *ctx, Action action, const Resource *resource, Err *err);
} Catalog;

struct Ctx {
    Catalog *catalog;
    Arena *arena;
    const Caller *caller;
    Deadline deadline;
    PgClass pool;
};

bool ctx_authorize(const Ctx *ctx, Action action, const char *kind, Str catalog, Str database, Str name, Err *err) WARN_UNUSED;

static inline bool ctx_door_is(const Ctx *ctx, const char *door) { return str_eq(ctx->caller->protocol, str_from(door)); }
/* Which names the caller's door lets in for databases, tables and what is named like them. */
NameRule ctx_name_rule(const Ctx *ctx);

#endif
