#include "server/hms/door.h"

#include "base/log.h"
#include "catalog/secret.h"
#include "server/hms/hms.h"
#include "server/hms/service.h"
#include "server/sasl.h"
#include "thrift/decode.h"
#include "thrift/encode.h"

/* What a connection carries. */
typedef struct Carried {
    Job job; /* first */
    Server *server;
    ThriftConn *conn;
    ThriftMessage message;
    Str body;
    HmsSession session;
} Carried;

const size_t hms_conn_bytes = sizeof(Carried);

/* ---- the table of methods --------------------------------------------------------------------------------------- */

/* By the number of the method in hms_methods; NULL: not there. */
static const HmsRow *rows[HMS_METHOD_COUNT];
static const Method *counted[HMS_METHOD_COUNT]; /* its row for metrics */

static size_t method_no(const ThriftMethod *method) { return (size_t)(method - hms_methods); }

static size_t find_rows(void) {
    size_t count = 0;
    for (size_t g = 0; g < hms_group_count; g++) {
        for (size_t i = 0; i < hms_groups[g]->count; i++) {
            const HmsRow *row = &hms_groups[g]->rows[i];
            const ThriftMethod *method = hms_method_find(str_from(row->name));
            if (!method || rows[method_no(method)]) {
                fprintf(stderr, "propolis: %s is no method of the metastore, or stands twice\n", row->name);
                abort();
            }
            rows[method_no(method)] = row;
            count++;
        }
    }
    return count;
}

bool hms_methods_join(MethodTable rest, MethodTable *ret_all, Err *err) {
    size_t count = rest.count + find_rows(), n = rest.count, name_bytes = 0;
    for (size_t i = 0; i < HMS_METHOD_COUNT; i++) {
        name_bytes += sizeof "hive." + strlen(hms_methods[i].name);
    }
    Method *all = calloc(1, count * sizeof *all + name_bytes);
    if (!all) {
        return err_set(err, ERR_INTERNAL, "There is no memory to start with.");
    }
    memcpy(all, rest.rows, rest.count * sizeof *all);
    char *name = (char *)(all + count);
    for (size_t i = 0; i < HMS_METHOD_COUNT; i++) {
        const HmsRow *row = rows[i];
        if (!row) {
            continue;
        }
        all[n] = (Method){
            .name = name,
            .flags = (row->flags & HMS_READ ? METHOD_READ : 0) | (row->flags & HMS_WRITE ? METHOD_WRITE : 0) |
                     (row->flags & HMS_BULK ? METHOD_BULK : 0) | (row->flags & HMS_PUBLIC ? METHOD_PUBLIC : 0),
            .since = hms_methods[i].since,
        };
        counted[i] = &all[n++];
        name += snprintf(name, sizeof "hive." + strlen(row->name), "hive.%s", row->name) + 1;
    }
    *ret_all = (MethodTable){all, n};
    return true;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static Buf answer_begin(const Carried *c) {
    Buf out = BUF_INIT((size_t)c->server->limits.request_memory);
    if (c->conn->wire.framed) {
        buf_add_be32(&out, 0);
    }
    return out;
}

static void answer_send(Carried *c, Buf *out, bool end) {
    if (c->conn->wire.framed && out->len >= THRIFT_FRAME_HEAD) {
        uint32_t length = __builtin_bswap32((uint32_t)(out->len - THRIFT_FRAME_HEAD));
        memcpy(out->ptr, &length, sizeof length);
    }
    thrift_reply(c->conn, out, end);
}

/* What Thrift itself says where no answer of the method fits. */
static void answer_application_error(Carried *c, int32_t type, const char *text) {
    HmsApplicationException why = {.message = str_from(text), .type = type, .has_type = true};
    ThriftMessage head = c->message;
    head.type = THRIFT_EXCEPTION;
    Buf out = answer_begin(c);
    Err err;
    bool ok = thrift_encode(&head, &hms_structs[HMS_STRUCT_APPLICATION_EXCEPTION], &why, &out, NULL, &err);
    answer_send(c, &out, !ok);
}

/* ---- exceptions ------------------------------------------------------------------------------------------------- */

static const unsigned EXCEPTION_STRUCTS[] = {
    [HMS_META] = HMS_STRUCT_META_EXCEPTION,
    [HMS_NO_SUCH_OBJECT] = HMS_STRUCT_NO_SUCH_OBJECT_EXCEPTION,
    [HMS_ALREADY_EXISTS] = HMS_STRUCT_ALREADY_EXISTS_EXCEPTION,
    [HMS_INVALID_OBJECT] = HMS_STRUCT_INVALID_OBJECT_EXCEPTION,
    [HMS_INVALID_OPERATION] = HMS_STRUCT_INVALID_OPERATION_EXCEPTION,
    [HMS_INVALID_INPUT] = HMS_STRUCT_INVALID_INPUT_EXCEPTION,
    [HMS_UNKNOWN_DB] = HMS_STRUCT_UNKNOWN_DB_EXCEPTION,
    [HMS_UNKNOWN_TABLE] = HMS_STRUCT_UNKNOWN_TABLE_EXCEPTION,
    [HMS_CONFIG_VAL_SECURITY] = HMS_STRUCT_CONFIG_VAL_SECURITY_EXCEPTION,
    [HMS_NO_SUCH_LOCK] = HMS_STRUCT_NO_SUCH_LOCK_EXCEPTION,
    [HMS_NO_SUCH_TXN] = HMS_STRUCT_NO_SUCH_TXN_EXCEPTION,
    [HMS_TXN_ABORTED] = HMS_STRUCT_TXN_ABORTED_EXCEPTION,
    [HMS_TXN_OPEN] = HMS_STRUCT_TXN_OPEN_EXCEPTION,
};

#define ANY NULL

static HmsException exception_of(const HmsCall *call, ErrCode code) {
    if (call->has_exception) {
        return call->exception;
    }
    HmsException exception = err_info(code)->hms;
    for (size_t i = 0; i < HMS_INSTEAD_MOST && call->row->instead[i].of != call->row->instead[i].say; i++) {
        if (call->row->instead[i].of == exception) {
            return call->row->instead[i].say;
        }
    }
    return exception;
}

/* Puts the exception into REPLY: ANY takes the first that the method declares. False: it declares none such. */
static bool put_exception(const HmsCall *call, const ThriftStruct *wanted, Str message, void *reply) {
    const ThriftStruct *strukt = call->method->reply;
    for (size_t i = 0; i < strukt->field_count; i++) {
        const ThriftField *field = &strukt->fields[i];
        if (field->id != 0 && (wanted == ANY || field->type->of == wanted)) {
            Str *why = hms_new(call->arena, field->type->of); /* all of them have a message, first */
            *why = message;
            memcpy((char *)reply + field->at, &why, sizeof why);
            return true;
        }
    }
    return false;
}

/* ---- serving ---------------------------------------------------------------------------------------------------- */

static void call_begin(HmsCall *call, Carried *c, Arena *arena) {
    Server *server = c->server;
    *call = (HmsCall){
        .server = server,
        .session = &c->session,
        .method = hms_method_find(c->message.name),
        .protocol = c->message.protocol,
        .arena = arena,
        .caller = {.principal = c->session.user,
                   .admin = auth_mode(server->auth) != AUTH_REQUIRED,
                   .client = c->conn->client,
                   .protocol = STR("hive"),
                   .request_id = uuid_random()},
    };
    call->row = rows[method_no(call->method)];
    call->caller.operation = str_from(call->method->name);
    call->ctx = (Ctx){
        .catalog = &server->catalog,
        .arena = arena,
        .caller = &call->caller,
        .deadline = {c->conn->received_us + server->limits.timeout_ms * 1000},
        .pool = call->row->flags & HMS_BULK ? PG_BULK : PG_READ,
    };
}

static bool admit(HmsCall *call, Err *err) {
    if (!str_is_null(call->session->login)) {
        return auth_login_with(call->server->auth, &call->ctx, call->session->login, &call->caller, err);
    }
    return auth_mode(call->server->auth) != AUTH_REQUIRED || (call->row->flags & HMS_PUBLIC) ||
           err_set(
               err, ERR_UNAUTHENTICATED,
               "This server wants a login (auth.mode: required). Connect with SASL PLAIN, a user's name and a password or token.");
}

static void note(const HmsCall *call, const Err *err) {
    if (refusals_note(call->server->refusals, err, clock_monotonic_us())) {
        log_err(err, call->method->name);
    } else {
        log_debug("%s: %s: %s", call->method->name, err_info(err->code)->name, err->message);
    }
}

/* The reply with what went wrong in it. False: there is no place for it, and TEXT says it. */
static bool fail(HmsCall *call, const Err *err, void *reply) {
    memset(reply, 0, call->method->reply->bytes);
    Str message = arena_str(call->arena, str_from(err->message));
    return put_exception(call, &hms_structs[EXCEPTION_STRUCTS[exception_of(call, err->code)]], message, reply) ||
           put_exception(call, &hms_structs[HMS_STRUCT_META_EXCEPTION], message, reply) || put_exception(call, ANY, message, reply);
}

static void answer(Carried *c, HmsCall *call, const void *reply) {
    Err err;
    ThriftMessage head = c->message;
    head.type = THRIFT_REPLY;
    Buf out = answer_begin(c);
    if (thrift_encode(&head, call->method->reply, reply, &out, NULL, &err)) {
        answer_send(c, &out, false);
        return;
    }
    buf_free(&out);
    note(call, &err);
    void *failed = hms_new(call->arena, call->method->reply);
    out = answer_begin(c);
    if (fail(call, &err, failed) && thrift_encode(&head, call->method->reply, failed, &out, NULL, &err)) {
        answer_send(c, &out, false);
    } else {
        buf_free(&out);
        answer_application_error(c, HMS_APPLICATION_ERROR_INTERNAL_ERROR, err.message);
    }
}

static void serve(Carried *c, Arena *arena) {
    HmsCall call;
    Err err = {.code = ERR_NONE};
    call_begin(&call, c, arena);
    const ThriftMethod *method = call.method;
    ThriftLimits limits = thrift_limits(c->server->catalog.config);
    void *args = hms_new(arena, method->args), *reply = hms_new(arena, method->reply);
    char text[sizeof err.message + 64];
    if (!thrift_decode(c->body, c->message.protocol, &limits, method->args, arena, args, &err)) {
        snprintf(text, sizeof text, "The arguments of %s cannot be read: %s", method->name, err.message);
        metrics_record(c->server->metrics, counted[method_no(method)], err.code, clock_monotonic_us() - c->conn->received_us);
        answer_application_error(c, HMS_APPLICATION_ERROR_PROTOCOL_ERROR, text);
        return;
    }
    bool ok = admit(&call, &err) && call.row->handler(&call, args, reply, &err) && arena_check(arena, &err);
    ErrCode code = ok ? ERR_NONE : err.code;
    metrics_record(c->server->metrics, counted[method_no(method)], code, clock_monotonic_us() - c->conn->received_us);
    if (!ok) {
        note(&call, &err);
    } else if (call.row->flags & HMS_WRITE) {
        feed_kick(c->server->feed);
    }
    if (method->oneway) {
        Buf none = {0};
        thrift_reply(c->conn, &none, false);
    } else if (ok || fail(&call, &err, reply)) {
        answer(c, &call, reply);
    } else {
        snprintf(text, sizeof text, "Internal error processing %s: %s", method->name, err.message);
        answer_application_error(c, HMS_APPLICATION_ERROR_INTERNAL_ERROR, text);
    }
}

static void run(Job *job, Arena *arena) {
    Carried *c = (Carried *)(void *)job;
    log_context_set(STR_NULL, STR_NULL, c->conn->client);
    serve(c, arena);
    log_context_clear();
}

void hms_on_message(ThriftConn *conn, void *arg) {
    Carried *c = conn->user;
    Err err;
    c->server = arg;
    c->conn = conn;
    if (!thrift_decode_head(conn->message, conn->wire.compact, &c->message, &c->body, &err)) {
        log_info("The connection from %" STR_FMT " is closed: %s", STR_ARG(conn->client), err.message);
        Buf none = {0};
        thrift_reply(conn, &none, true);
        return;
    }
    if (c->message.type != THRIFT_CALL && c->message.type != THRIFT_ONEWAY) {
        answer_application_error(c, HMS_APPLICATION_ERROR_INVALID_MESSAGE_TYPE, "A server takes calls only.");
        return;
    }
    const ThriftMethod *method = hms_method_find(c->message.name);
    const HmsRow *row = method ? rows[method_no(method)] : NULL;
    if (!row) {
        char text[THRIFT_NAME_MAX + 32];
        snprintf(text, sizeof text, "Invalid method name: '%.*s'", (int)MIN(c->message.name.len, (size_t)THRIFT_NAME_MAX),
                 c->message.name.ptr);
        metrics_record(c->server->metrics, NULL, ERR_ROUTE_NOT_FOUND, 0);
        answer_application_error(c, HMS_APPLICATION_ERROR_UNKNOWN_METHOD, text);
        return;
    }
    c->job.run = run;
    if (!workers_submit(row->flags & HMS_BULK ? c->server->bulk : c->server->read, &c->job)) {
        answer_application_error(c, HMS_APPLICATION_ERROR_INTERNAL_ERROR,
                                 "Too many calls wait for a worker (limits.queue). Try again in a moment.");
    }
}

/* ---- logging in ------------------------------------------------------------------------------------------------- */

/* As an Authorization header would say it. A password that is one of our tokens is taken as one. */
static Str login_header(Arena *arena, Str user, Str password) {
    unsigned char hash[32];
    if (secret_token_hash(password, hash)) {
        return ARENA_CONCAT(arena, STR("Bearer "), password);
    }
    CLEANUP(buf_free) Buf encoded = BUF_INIT(32 * 1024);
    buf_add_base64(&encoded, ARENA_CONCAT(arena, user, STR(":"), password), false);
    return ARENA_CONCAT(arena, STR("Basic "), buf_str(&encoded));
}

static bool login(Carried *c, Arena *arena, Err *err) {
    Server *server = c->server;
    Str user, password;
    Caller caller = {.client = c->conn->client, .protocol = STR("hive"), .operation = STR("login"), .request_id = uuid_random()};
    Ctx ctx = {
        .catalog = &server->catalog,
        .arena = arena,
        .caller = &caller,
        .deadline = {c->conn->received_us + server->limits.timeout_ms * 1000},
        .pool = PG_READ,
    };
    if (!sasl_plain(c->conn->message, &user, &password)) {
        return err_set(err, ERR_UNAUTHENTICATED, "The answer to PLAIN must be a zero byte, a user, a zero byte, a password.");
    }
    Str header = login_header(arena, user, password);
    if (!auth_login_with(server->auth, &ctx, header, &caller, err)) {
        return false;
    }
    if (!str_eq(caller.principal, user)) {
        return err_set(err, ERR_UNAUTHENTICATED, "The token belongs to another user than the one that was named.");
    }
    Arena *kept = hms_session_arena(&c->session);
    c->session.user = arena_str(kept, user);
    c->session.login = arena_str(kept, header);
    return true;
}

static void run_login(Job *job, Arena *arena) {
    Carried *c = (Carried *)(void *)job;
    Err err;
    log_context_set(STR_NULL, STR_NULL, c->conn->client);
    bool ok = login(c, arena, &err);
    if (!ok && refusals_note(c->server->refusals, &err, clock_monotonic_us())) {
        log_err(&err, "login");
    }
    thrift_login(c->conn, ok ? STR_NULL : str_from(err.message));
    log_context_clear();
}

void hms_on_login(ThriftConn *conn, void *arg) {
    Carried *c = conn->user;
    c->server = arg;
    c->conn = conn;
    c->job.run = run_login;
    if (!workers_submit(c->server->read, &c->job)) {
        thrift_login(conn, STR("Too many calls wait for a worker (limits.queue). Try again in a moment."));
    }
}

void hms_on_close(ThriftConn *conn, void *server) {
    (void)server;
    Carried *c = conn->user;
    if (c->session.arena) {
        arena_free(c->session.arena);
    }
}
