#include "server/hms/door.h"

#include "base/log.h"
#include "server/hms/hms.h"
#include "thrift/decode.h"
#include "thrift/encode.h"

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

static const HmsRow *row_of(Str name) {
    const ThriftMethod *method = hms_method_find(name);
    return method ? rows[method_no(method)] : NULL;
}

/* ---- what Thrift itself says ------------------------------------------------------------------------------------ */

static void application_error(const HmsIncoming *in, int32_t type, const char *text, Buf *out) {
    HmsApplicationException why = {.message = str_from(text), .type = type, .has_type = true};
    ThriftMessage head = in->message;
    head.type = THRIFT_EXCEPTION;
    Err err;
    if (!thrift_encode(&head, &hms_structs[HMS_STRUCT_APPLICATION_EXCEPTION], &why, out, NULL, &err)) {
        log_err(&err, "Thrift");
    }
}

HmsIncomingKind hms_incoming(HmsIncoming *in, Buf *out) {
    if (in->message.type != THRIFT_CALL && in->message.type != THRIFT_ONEWAY) {
        application_error(in, HMS_APPLICATION_ERROR_INVALID_MESSAGE_TYPE, "A server takes calls only.", out);
        return HMS_INCOMING_ANSWERED;
    }
    const HmsRow *row = row_of(in->message.name);
    if (!row) {
        char text[THRIFT_NAME_MAX + 32];
        snprintf(text, sizeof text, "Invalid method name: '%.*s'", (int)MIN(in->message.name.len, (size_t)THRIFT_NAME_MAX),
                 in->message.name.ptr);
        metrics_record(in->server->metrics, NULL, ERR_ROUTE_NOT_FOUND, 0);
        application_error(in, HMS_APPLICATION_ERROR_UNKNOWN_METHOD, text, out);
        return HMS_INCOMING_ANSWERED;
    }
    return row->flags & HMS_BULK ? HMS_INCOMING_BULK : HMS_INCOMING_READ;
}

void hms_overloaded(const HmsIncoming *in, Buf *out) {
    application_error(in, HMS_APPLICATION_ERROR_INTERNAL_ERROR,
                      "Too many calls wait for a worker (limits.queue). Try again in a moment.", out);
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
    [HMS_INVALID_PARTITION] = HMS_STRUCT_INVALID_PARTITION_EXCEPTION,
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

static void call_begin(HmsCall *call, const HmsIncoming *in, Arena *arena) {
    Server *server = in->server;
    *call = (HmsCall){
        .server = server,
        .session = in->session,
        .method = hms_method_find(in->message.name),
        .protocol = in->message.protocol,
        .arena = arena,
        .caller = {.principal = in->session->user,
                   .admin = auth_mode(server->auth) != AUTH_REQUIRED,
                   .client = in->client,
                   .agent = in->agent,
                   .protocol = STR("hive"),
                   .request_id = uuid_random()},
    };
    call->row = rows[method_no(call->method)];
    call->caller.operation = str_from(call->method->name);
    call->ctx = (Ctx){
        .catalog = &server->catalog,
        .arena = arena,
        .caller = &call->caller,
        .deadline = {in->received_us + server->limits.timeout_ms * 1000},
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
    if (put_exception(call, &hms_structs[EXCEPTION_STRUCTS[exception_of(call, err->code)]], message, reply) ||
        put_exception(call, &hms_structs[HMS_STRUCT_META_EXCEPTION], message, reply)) {
        return true;
    }
    /* "No such lock" for a database that is away would make a client give up what it holds. */
    bool ours = err_info(err->code)->retryable || err_info(err->code)->level == LOG_ERROR;
    return !ours && put_exception(call, ANY, message, reply);
}

static bool encode(const HmsIncoming *in, const HmsCall *call, const void *reply, Buf *out, Err *err) {
    ThriftMessage head = in->message;
    head.type = THRIFT_REPLY;
    return thrift_encode(&head, call->method->reply, reply, out, NULL, err);
}

/* An answer that cannot be encoded (it is too large) becomes an exception. */
static void answer(const HmsIncoming *in, HmsCall *call, const void *reply, Buf *out) {
    Err err;
    size_t begun = out->len;
    if (encode(in, call, reply, out, &err)) {
        return;
    }
    note(call, &err);
    void *failed = hms_new(call->arena, call->method->reply);
    out->len = begun;
    out->failed = false;
    if (!fail(call, &err, failed) || !encode(in, call, failed, out, &err)) {
        out->len = begun;
        out->failed = false;
        application_error(in, HMS_APPLICATION_ERROR_INTERNAL_ERROR, err.message, out);
    }
}

static void count(const HmsIncoming *in, const HmsCall *call, ErrCode code) {
    metrics_record(in->server->metrics, counted[method_no(call->method)], code, clock_monotonic_us() - in->received_us);
}

bool hms_serve(const HmsIncoming *in, Arena *arena, Buf *out) {
    HmsCall call;
    Err err = {.code = ERR_NONE};
    call_begin(&call, in, arena);
    const ThriftMethod *method = call.method;
    ThriftLimits limits = thrift_limits(in->server->catalog.config);
    void *args = hms_new(arena, method->args), *reply = hms_new(arena, method->reply);
    char text[sizeof err.message + 128];
    if (!thrift_decode(in->body, in->message.protocol, &limits, method->args, arena, args, &err)) {
        count(in, &call, err.code);
        snprintf(text, sizeof text, "The arguments of %s cannot be read: %s", method->name, err.message);
        application_error(in, HMS_APPLICATION_ERROR_PROTOCOL_ERROR, text, out);
        return true;
    }
    bool ok = admit(&call, &err) && call.row->handler(&call, args, reply, &err) && arena_check(arena, &err);
    count(in, &call, ok ? ERR_NONE : err.code);
    if (!ok) {
        note(&call, &err);
    } else if (call.row->flags & HMS_WRITE) {
        feed_kick(in->server->feed);
    }
    if (method->oneway) {
        return false;
    }
    if (ok || fail(&call, &err, reply)) {
        answer(in, &call, reply, out);
    } else {
        snprintf(text, sizeof text, "Internal error processing %s: %s", method->name, err.message);
        application_error(in, HMS_APPLICATION_ERROR_INTERNAL_ERROR, text, out);
    }
    return true;
}
