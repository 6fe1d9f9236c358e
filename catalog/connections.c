#include "catalog/connections.h"

#include "catalog/changes_write.h"
#include "catalog/detail.h"
#include "catalog/scope.h"
#include "catalog/sealing.h"
#include "catalog/sql/connections_sql.h"
#include "config/config.h"

/* --- secrets --------------------------------------------------------------------------------------------------- */

/* What is sealed: {"properties":{…},"more":{…}}. */
typedef struct Secrets {
    Params properties;
    const json_t *more;
} Secrets;

static bool secrets_empty(const Secrets *s) { return s->properties.count == 0 && !s->more; }

static bool secrets_equal(const Secrets *a, const Secrets *b) {
    bool none = !a->more && !b->more;
    return params_equal(&a->properties, &b->properties) &&
           (none || (a->more && b->more && json_equal((json_t *)(uintptr_t)a->more, (json_t *)(uintptr_t)b->more)));
}

static bool seal(Ctx *ctx, int64_t id, const Secrets *s, Str *ret, Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(4 << 20);
    JsonWriter w = jw_new(&buf);
    *ret = STR_NULL;
    if (secrets_empty(s)) {
        return true;
    }
    jw_object_begin(&w);
    jw_put_params(&w, "properties", &s->properties);
    jw_key(&w, STR("more"));
    jw_object_begin(&w);
    connection_more_json(&w, s->more, CONNECTION_NAMES_GLUE);
    jw_object_end(&w);
    jw_object_end(&w);
    bool ok = buf_check(&buf, "the secrets of a connection", err) && sealing_close(ctx, id, buf_str(&buf), ret, err);
    explicit_bzero(buf.ptr, buf.len);
    return ok;
}

static bool open_sealed(Ctx *ctx, int64_t id, Str sealed, Secrets *ret, Err *err) {
    enum { DEPTH = 10 };
    Str plain;
    json_t *top;
    *ret = (Secrets){0};
    if (str_is_null(sealed)) {
        return true;
    }
    if (!sealing_open(ctx, id, sealed, &plain, err) || !jr_parse(ctx->arena, plain, DEPTH, &top, err)) {
        return false;
    }
    JsonAt at = jr_top(top), properties = jr_member(&at, "properties"), more = jr_member(&at, "more");
    ret->more = more.value && json_object_size(more.value) ? more.value : NULL;
    return jr_params(&properties, ctx->arena, &ret->properties, err);
}

static bool is_secret_key(Str key) {
    const ConnectionKey *known = connection_key_find(key);
    return known && known->secret;
}

/* Takes the secrets out of *C. A secret property of "" stays in *RET as "forget it". */
static bool split(Ctx *ctx, Connection *c, Secrets *ret, Err *err) {
    Params open = {0}, sealed = {0};
    json_t *open_more = NULL, *sealed_more = NULL;
    for (size_t i = 0; i < c->properties.count; i++) {
        const Param *p = &c->properties.items[i];
        params_append(is_secret_key(p->key) ? &sealed : &open, ctx->arena, p->key, p->value);
    }
    params_sort(&open);
    params_sort(&sealed);
    if (c->more) {
        JsonAt at = jr_top(c->more);
        if (!connection_more_split(&at, CONNECTION_NAMES_GLUE, NULL, ctx->arena, &open_more, &sealed_more, err)) {
            return false;
        }
    }
    c->properties = open;
    c->more = open_more;
    *ret = (Secrets){sealed, sealed_more};
    return true;
}

static void join(Ctx *ctx, Connection *c, const Secrets *s) {
    c->properties = params_copy(&c->properties, ctx->arena);
    for (size_t i = 0; i < s->properties.count; i++) {
        params_set(&c->properties, ctx->arena, s->properties.items[i].key, s->properties.items[i].value);
    }
    c->more = connection_more_join(c->more, s->more, ctx->arena);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static bool authorize_read(Ctx *ctx, Action action, Str catalog, Str name, bool with_secrets, Err *err) {
    return ctx_authorize(ctx, action, "connection", catalog, STR_NULL, name, err) &&
           (!with_secrets || ctx_authorize(ctx, ACTION_READ_SECRET, "connection", catalog, STR_NULL, name, err));
}

static bool shown(Ctx *ctx, const ConnectionRow *row, bool with_secrets, Connection *ret, Err *err) {
    Secrets s = {0};
    if (with_secrets && !open_sealed(ctx, row->connection.id, row->sealed, &s, err)) {
        return false;
    }
    *ret = row->connection;
    if (!secrets_empty(&s)) {
        join(ctx, ret, &s);
    }
    return true;
}

bool connection_get(Ctx *ctx, Str catalog, Str name, bool with_secrets, Connection *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    ConnectionRow row;
    catalog = scope_catalog(ctx, catalog);
    return authorize_read(ctx, ACTION_READ, catalog, name, with_secrets, err) &&
           pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           connections_sql_get(ctx, conn, catalog, name, false, &row, err) && shown(ctx, &row, with_secrets, ret, err);
}

bool connection_list(Ctx *ctx, Str catalog, const ConnectionQuery *query, Connections *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    const Glob *glob;
    ConnectionRow *rows;
    Connections found = {0};
    catalog = scope_catalog(ctx, catalog);
    if (!authorize_read(ctx, ACTION_LIST, catalog, STR_NULL, query->with_secrets, err) ||
        !glob_parse_hive(ctx->arena, query->page.pattern, &glob, err) ||
        !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !connections_sql_list(ctx, conn, catalog, query, glob, &rows, &found.count, &found.more, err)) {
        return false;
    }
    found.items = ARENA_ARRAY(ctx->arena, Connection, found.count);
    for (size_t i = 0; i < found.count; i++) {
        if (!arena_check(ctx->arena, err) || !shown(ctx, &rows[i], query->with_secrets, &found.items[i], err)) {
            return false;
        }
    }
    *ret = found;
    return true;
}

/* --- rules ----------------------------------------------------------------------------------------------------- */

/* A password in an address would be shown to everybody who sees the connection. */
static bool url_has_password(Str url) {
    size_t scheme = str_find(url, STR("://"));
    Str rest = scheme == SIZE_MAX ? url : str_skip(url, scheme + 3);
    Str authority = str_slice(rest, 0, MIN(rest.len, str_find_char(rest, '/')));
    size_t at = str_rfind_char(authority, '@');
    if (at != SIZE_MAX && str_has_char(str_slice(authority, 0, at), ':')) {
        return true;
    }
    for (size_t i = 0; i + 9 <= url.len; i++) {
        bool starts = i > 0 && strchr("?&;", url.ptr[i - 1]);
        if (starts && str_starts_nocase(str_skip(url, i), STR("password="))) {
            return true;
        }
    }
    return false;
}

static bool check(const Ctx *ctx, const Connection *c, const Secrets *s, Err *err) {
    static const char *const urls[] = {"JDBC_CONNECTION_URL", "CONNECTION_URL", "CONNECTOR_URL"};
    enum { DESCRIPTION_MAX = 2048 };
    if (!name_check(ctx_name_rule(ctx), "connection", c->name, err)) {
        return false;
    }
    if (!connection_type_known(c->type)) {
        const char *near = nearest_word(c->type, connection_types);
        return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " is not a type of connections%s%s%s", STR_ARG(c->type),
                       near ? ". Did you mean " : "", near ? near : "", near ? "?" : ".");
    }
    if (c->description.len > DESCRIPTION_MAX) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "The description of a connection has at most %d bytes.", DESCRIPTION_MAX);
    }
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        if (url_has_password(params_get(&c->properties, str_from(urls[i])))) {
            return err_set(err, ERR_INVALID_INPUT, "%s carries a password. Give it as the property PASSWORD, which is kept sealed.",
                           urls[i]);
        }
    }
    return connection_properties_check(&c->properties, err) && connection_properties_check(&s->properties, err);
}

/* --- the change log: never a secret ----------------------------------------------------------------------------- */

static void connection_detail(JsonWriter *w, const void *object) { connection_json(w, object); }

static bool log_connection(Ctx *ctx, PgConn *conn, const char *action, const Connection *before, const Connection *after,
                           Err *err) {
    const Connection *named = before ? before : after;
    ChangeRecord record = {.kind = "connection",
                           .action = action,
                           .catalog = named->catalog,
                           .name = named->name,
                           .object_id = named->id,
                           .version = after ? after->version : before->version,
                           .at = after ? after->updated_at : MICROS_NONE};
    return detail_before_after(ctx, connection_detail, before, after, &record.detail, err) &&
           change_write(ctx, conn, &record, NULL, err);
}

/* --- create ---------------------------------------------------------------------------------------------------- */

typedef struct ConnectionCreate {
    Ctx *ctx;
    const Connection *wanted; /* without secrets */
    const Secrets *secrets;
    Connection made;
} ConnectionCreate;

static bool create_body(PgConn *conn, void *arg, Err *err) {
    ConnectionCreate *create = arg;
    Ctx *ctx = create->ctx;
    Str sealed;
    create->made = *create->wanted;
    return connections_sql_insert(ctx, conn, &create->made, err) && seal(ctx, create->made.id, create->secrets, &sealed, err) &&
           (str_is_null(sealed) || connections_sql_seal(ctx, conn, create->made.id, sealed, err)) &&
           log_connection(ctx, conn, "create", NULL, &create->made, err);
}

bool connection_create(Ctx *ctx, const Connection *connection, Connection *ret, Err *err) {
    Connection wanted = *connection;
    Secrets secrets;
    wanted.catalog = scope_catalog(ctx, connection->catalog);
    wanted.updated_by = ctx->caller->principal;
    if (!ctx_authorize(ctx, ACTION_CREATE, "connection", wanted.catalog, STR_NULL, wanted.name, err) ||
        !split(ctx, &wanted, &secrets, err) || !check(ctx, &wanted, &secrets, err)) {
        return false;
    }
    wanted.has_secrets = !secrets_empty(&secrets);
    ConnectionCreate create = {.ctx = ctx, .wanted = &wanted, .secrets = &secrets};
    if (!pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, create_body, &create, err)) {
        return false;
    }
    *ret = create.made;
    return true;
}

/* --- alter ----------------------------------------------------------------------------------------------------- */

typedef struct Altering {
    Ctx *ctx;
    Str catalog, name;
    const ConnectionAlter *how;
    Connection result;
} Altering;

static bool connections_equal(const Connection *a, const Connection *b) {
    bool none = !a->more && !b->more;
    return str_eq(a->name, b->name) && str_eq(a->type, b->type) && str_eq(a->description, b->description) &&
           params_equal(&a->properties, &b->properties) &&
           (none || (a->more && b->more && json_equal((json_t *)(uintptr_t)a->more, (json_t *)(uintptr_t)b->more)));
}

/* Old secrets and given ones. */
static Secrets combine(const Altering *a, const Secrets *old, const Secrets *given) {
    Ctx *ctx = a->ctx;
    Secrets both = {a->how->replace_secrets ? (Params){0} : params_copy(&old->properties, ctx->arena), NULL};
    for (size_t i = 0; i < given->properties.count; i++) {
        const Param *p = &given->properties.items[i];
        params_set(&both.properties, ctx->arena, p->key, p->value.len ? p->value : STR_NULL);
    }
    both.more = connection_more_join(a->how->replace_secrets ? NULL : old->more, given->more, ctx->arena);
    return both;
}

static bool edit_connection(Altering *a, const Connection *before, const Secrets *old, Secrets *ret, Err *err) {
    Connection *after = &a->result;
    Secrets given;
    *after = *before;
    after->properties = params_copy(&before->properties, a->ctx->arena);
    if (!a->how->edit(a->ctx, after, a->how->arg, err) || !split(a->ctx, after, &given, err)) {
        return false;
    }
    after->id = before->id;
    after->version = before->version;
    after->catalog = before->catalog;
    after->created_at = before->created_at;
    after->updated_at = before->updated_at;
    *ret = combine(a, old, &given);
    after->has_secrets = !secrets_empty(ret);
    return check(a->ctx, after, ret, err);
}

static bool write_altered(Altering *a, PgConn *conn, const Connection *before, const Secrets *secrets, Err *err) {
    Str sealed;
    a->result.updated_by = a->ctx->caller->principal;
    return connections_sql_update(a->ctx, conn, &a->result, err) && seal(a->ctx, before->id, secrets, &sealed, err) &&
           connections_sql_seal(a->ctx, conn, before->id, sealed, err) &&
           log_connection(a->ctx, conn, str_eq(before->name, a->result.name) ? "alter" : "rename", before, &a->result, err);
}

static bool alter_body(PgConn *conn, void *arg, Err *err) {
    Altering *a = arg;
    ConnectionRow row;
    Secrets old, secrets;
    if (!connections_sql_get(a->ctx, conn, a->catalog, a->name, true, &row, err) ||
        !expect_state(a->how->expect, row.connection.id, row.connection.version, "Connection", row.connection.name, err) ||
        !open_sealed(a->ctx, row.connection.id, row.sealed, &old, err) ||
        !edit_connection(a, &row.connection, &old, &secrets, err)) {
        return false;
    }
    return (connections_equal(&row.connection, &a->result) && secrets_equal(&old, &secrets)) ||
           write_altered(a, conn, &row.connection, &secrets, err);
}

bool connection_alter(Ctx *ctx, Str catalog, Str name, const ConnectionAlter *how, Connection *ret, Err *err) {
    Altering a = {.ctx = ctx, .catalog = scope_catalog(ctx, catalog), .name = name, .how = how};
    if (!ctx_authorize(ctx, ACTION_ALTER, "connection", a.catalog, STR_NULL, name, err) ||
        !pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, alter_body, &a, err)) {
        return false;
    }
    *ret = a.result;
    return true;
}

/* --- drop ------------------------------------------------------------------------------------------------------ */

typedef struct ConnectionDrop {
    Ctx *ctx;
    Str catalog, name;
    Expect expect;
} ConnectionDrop;

static bool drop_body(PgConn *conn, void *arg, Err *err) {
    ConnectionDrop *how = arg;
    ConnectionRow row;
    return connections_sql_get(how->ctx, conn, how->catalog, how->name, true, &row, err) &&
           expect_state(how->expect, row.connection.id, row.connection.version, "Connection", row.connection.name, err) &&
           connections_sql_delete(how->ctx, conn, row.connection.id, err) &&
           log_connection(how->ctx, conn, "drop", &row.connection, NULL, err);
}

bool connection_drop(Ctx *ctx, Str catalog, Str name, Expect expect, Err *err) {
    ConnectionDrop how = {ctx, scope_catalog(ctx, catalog), name, expect};
    return ctx_authorize(ctx, ACTION_DROP, "connection", how.catalog, STR_NULL, name, err) &&
           pg_transaction(ctx->catalog->pg, ctx->pool, ctx->deadline, ctx->arena, drop_body, &how, err);
}

/* --- test ------------------------------------------------------------------------------------------------------ */

/* Where a PostgreSQL is and as whom to enter. */
typedef struct Target {
    Str host, port, database, user, password;
    bool tls;
} Target;

static Str credential(const Connection *c, const char *member) {
    const json_t *auth = json_object_get(c->more, "AuthenticationConfiguration");
    const json_t *basic = json_object_get(auth, "BasicAuthenticationCredentials");
    return str_from(json_string_value(json_object_get(basic, member)));
}

static Str first_of(Str a, Str b) { return str_is_empty(a) ? b : a; }

/* jdbc:postgresql://host[:port]/database[?...] */
static bool parse_jdbc(Str url, Target *t) {
    if (!str_starts_nocase(url, STR("jdbc:postgresql://"))) {
        return false;
    }
    Str rest = str_skip(url, strlen("jdbc:postgresql://"));
    size_t slash = str_find_char(rest, '/');
    Str authority = str_slice(rest, 0, MIN(slash, rest.len));
    Str path = slash == SIZE_MAX ? STR("") : str_skip(rest, slash + 1);
    size_t colon = str_rfind_char(authority, ':');
    bool ported = colon != SIZE_MAX && !str_ends(authority, STR("]"));
    t->host = ported ? str_slice(authority, 0, colon) : authority;
    t->port = ported ? str_skip(authority, colon + 1) : STR("5432");
    t->database = str_slice(path, 0, MIN(path.len, str_find_char(path, '?')));
    if (str_starts(t->host, STR("[")) && str_ends(t->host, STR("]"))) {
        t->host = str_slice(t->host, 1, t->host.len - 1);
    }
    return t->host.len > 0;
}

/* "db.example.com", "*.example.com", "*". */
static bool host_listed(Str listed, Str host) {
    if (str_starts(listed, STR("*."))) {
        Str end = str_skip(listed, 1);
        return host.len > end.len && host.ptr[0] != '/' && str_eq_nocase(str_skip(host, host.len - end.len), end);
    }
    return str_eq_nocase(listed, host);
}

/* libpq takes a list of hosts, and a directory (or "@name") for a Unix socket, which leads to databases that ask this server's
 * user for no password: its own one first. */
static bool may_reach(const Ctx *ctx, Str host, Err *err) {
    StrList listed = ctx->catalog->config->connections.test_hosts;
    bool socket = host.ptr[0] == '/' || host.ptr[0] == '@';
    if (str_has_char(host, ',')) {
        return err_set(err, ERR_INVALID_INPUT, "A connection that is tested names one host, not several.");
    }
    for (size_t i = 0; i < listed.count; i++) {
        if (host_listed(listed.items[i], host) || (!socket && str_eq(listed.items[i], STR("*")))) {
            return true;
        }
    }
    return err_set(err, ERR_FORBIDDEN, "This server tests no connections to %" STR_FMT ": connections.test_hosts does not list it.",
                   STR_ARG(host));
}

static bool find_target(const Ctx *ctx, const Connection *c, Target *ret, Err *err) {
    const Params *p = &c->properties;
    Target t = {.user = first_of(params_get(p, STR("USERNAME")), credential(c, "Username")),
                .password = first_of(params_get(p, STR("PASSWORD")), credential(c, "Password")),
                .tls = params_is_true(p, STR("JDBC_ENFORCE_SSL"))};
    if (str_eq(c->type, STR("JDBC"))) {
        if (!parse_jdbc(params_get(p, STR("JDBC_CONNECTION_URL")), &t)) {
            return err_set(err, ERR_NOT_SUPPORTED,
                           "Only JDBC connections to jdbc:postgresql://HOST:PORT/DATABASE can be tested: there is no "
                           "driver for other databases here yet.");
        }
    } else if (str_eq(c->type, STR("POSTGRESQL"))) {
        t.host = params_get(p, STR("HOST"));
        t.port = first_of(params_get(p, STR("PORT")), STR("5432"));
        t.database = params_get(p, STR("DATABASE"));
    } else {
        return err_set(err, ERR_NOT_SUPPORTED,
                       "Connections of type %" STR_FMT " cannot be tested: this server has no client for them.", STR_ARG(c->type));
    }
    if (str_is_empty(t.password) && params_has(p, STR("SECRET_ID"))) {
        return err_set(err, ERR_NOT_SUPPORTED,
                       "The password of this connection is in a secret manager (SECRET_ID), which this server cannot "
                       "ask. Give USERNAME and PASSWORD to test it.");
    }
    if (str_is_empty(t.host)) {
        return err_set(err, ERR_INVALID_INPUT, "The connection says no HOST to connect to.");
    }
    if (!may_reach(ctx, t.host, err)) {
        return false;
    }
    *ret = t;
    return true;
}

static void add_setting(Buf *out, const char *key, Str value) {
    buf_printf(out, "%s='", key);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\'' || value.ptr[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, value.ptr[i]);
    }
    buf_add_cstr(out, "' ");
}

static bool probe(const Target *t, ConnectionTest *ret, Arena *arena, Err *err) {
    enum { TIMEOUT_MS = 5000 };
    CLEANUP(buf_free) Buf settings = BUF_INIT(64 << 10);
    Pg *pg;
    Err failure;
    add_setting(&settings, "host", t->host);
    add_setting(&settings, "port", t->port);
    add_setting(&settings, "dbname", t->database);
    add_setting(&settings, "user", t->user);
    add_setting(&settings, "password", t->password);
    add_setting(&settings, "sslmode", t->tls ? STR("require") : STR("prefer"));
    /* What libpq would else take from this server's own environment and home, and show to whoever answers. */
    add_setting(&settings, "passfile", STR("/nonexistent"));
    add_setting(&settings, "sslcert", STR("/nonexistent"));
    add_setting(&settings, "gssencmode", STR("disable"));
    const PgOptions options = {.url = buf_str(&settings),
                               .application_name = STR("propolis test"),
                               .pool = {1, 1},
                               .connect_timeout_ms = TIMEOUT_MS,
                               .statement_timeout_ms = TIMEOUT_MS};
    if (!buf_check(&settings, "the settings of a connection", err)) {
        return false;
    }
    bool ok = pg_open(&options, &pg, &failure);
    if (ok) {
        ok = pg_ping(pg, deadline_in_ms(TIMEOUT_MS), &failure);
        pg_close(pg);
    }
    explicit_bzero(settings.ptr, settings.len);
    ret->ok = ok;
    ret->message = ok ? STR("Connected.") : arena_str(arena, str_from(failure.message));
    if (!ok && failure.detail[0]) {
        ret->message = arena_printf(arena, "%s (%s)", failure.message, failure.detail);
    }
    return true;
}

bool connection_test_inline(Ctx *ctx, const Connection *connection, ConnectionTest *ret, Err *err) {
    Connection open = *connection;
    Secrets secrets;
    Target target;
    open.name = str_is_null(open.name) ? STR("test") : open.name;
    return ctx_authorize(ctx, ACTION_CREATE, "connection", scope_catalog(ctx, connection->catalog), STR_NULL, open.name, err) &&
           split(ctx, &open, &secrets, err) && check(ctx, &open, &secrets, err) && find_target(ctx, connection, &target, err) &&
           probe(&target, ret, ctx->arena, err);
}

/* No connection of ours is held while we wait for the other side. */
static bool load_for_test(Ctx *ctx, Str catalog, Str name, Connection *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    ConnectionRow row;
    return pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) &&
           connections_sql_get(ctx, conn, catalog, name, false, &row, err) && shown(ctx, &row, true, ret, err);
}

bool connection_test(Ctx *ctx, Str catalog, Str name, ConnectionTest *ret, Err *err) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    Connection c;
    Target target;
    ConnectionTest test;
    catalog = scope_catalog(ctx, catalog);
    if (!ctx_authorize(ctx, ACTION_ALTER, "connection", catalog, STR_NULL, name, err) ||
        !load_for_test(ctx, catalog, name, &c, err) || !find_target(ctx, &c, &target, err) ||
        !probe(&target, &test, ctx->arena, err) || !pg_acquire(ctx->catalog->pg, ctx->pool, ctx->deadline, &conn, err) ||
        !connections_sql_status(ctx, conn, c.id, test.ok ? STR("READY") : STR("FAILED"), test.ok ? STR_NULL : test.message, err)) {
        return false;
    }
    *ret = test;
    return true;
}
