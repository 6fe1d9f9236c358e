/* Connections: how to reach a data source, with its secrets.
 *
 * What belongs into one stands in connection_types.def. Secrets (passwords, credentials) are taken out of it, sealed under a
 * key outside the database and bound to this very connection; nobody gets them back who does not ask for them and may see
 * them. They are never in the change log, in errors or in the log. Names keep their case. */
#ifndef PROPOLIS_CATALOG_CONNECTIONS_H
#define PROPOLIS_CATALOG_CONNECTIONS_H

#include "catalog/connection_types.h"
#include "catalog/ctx.h"
#include "catalog/databases.h"
#include "catalog/model.h"

typedef struct Connection {
    int64_t id, version;
    Str catalog, name, type, description;
    Params properties;  /* secret ones only when written, or read with them */
    const json_t *more; /* all else, by Glue's names; secrets likewise; NULL: nothing */
    Str status, status_reason, updated_by;
    Micros validated_at, created_at, updated_at;
    bool has_secrets; /* secrets are kept for it, seen or not */
} Connection;
typedef struct Connections {
    Connection *items;
    size_t count;
    bool more;
} Connections;

typedef struct ConnectionQuery {
    Page page;
    Str type; /* null: all */
    bool with_secrets;
} ConnectionQuery;
bool connection_list(Ctx *ctx, Str catalog, const ConnectionQuery *query, Connections *ret, Err *err) WARN_UNUSED;
/* WITH_SECRETS needs ACTION_READ_SECRET. */
bool connection_get(Ctx *ctx, Str catalog, Str name, bool with_secrets, Connection *ret, Err *err) WARN_UNUSED;
bool connection_create(Ctx *ctx, const Connection *connection, Connection *ret, Err *err) WARN_UNUSED;

/* EDIT gets the connection without its secrets; a changed name renames. Secrets it adds replace the ones of that name, a secret
 * property set to "" is forgotten, the others stay: so what was read can be written back. */
typedef bool (*ConnectionEdit)(Ctx *ctx, Connection *connection, void *arg, Err *err);
typedef struct ConnectionAlter {
    ConnectionEdit edit;
    void *arg;
    Expect expect;
    bool replace_secrets; /* secrets that EDIT does not give are forgotten (Glue) */
} ConnectionAlter;
bool connection_alter(Ctx *ctx, Str catalog, Str name, const ConnectionAlter *how, Connection *ret, Err *err) WARN_UNUSED;
bool connection_drop(Ctx *ctx, Str catalog, Str name, Expect expect, Err *err) WARN_UNUSED;

/* Connects, within seconds. It not working is no error: ret->ok is false and the message says why. ERR_NOT_SUPPORTED for
 * sources this server cannot speak to (yet). The first one remembers the outcome as the connection's status. */
typedef struct ConnectionTest {
    bool ok;
    Str message;
} ConnectionTest;
bool connection_test(Ctx *ctx, Str catalog, Str name, ConnectionTest *ret, Err *err) WARN_UNUSED;
bool connection_test_inline(Ctx *ctx, const Connection *connection, ConnectionTest *ret, Err *err) WARN_UNUSED;

void connection_json(JsonWriter *w, const Connection *connection); /* as REST shows it */
bool connection_from_json(const JsonAt *at, Arena *arena, Connection *ret, Err *err) WARN_UNUSED;

#endif
