#include "server/hms/tcp.h"

#include "base/log.h"
#include "catalog/secret.h"
#include "server/hms/door.h"
#include "server/sasl.h"
#include "thrift/decode.h"

/* What a connection carries. */
typedef struct Carried {
    Job job; /* first */
    ThriftConn *conn;
    HmsIncoming in;
    HmsSession session;
} Carried;

const size_t hms_conn_bytes = sizeof(Carried);

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static Buf answer_begin(const Carried *c) {
    Buf out = BUF_INIT((size_t)c->in.server->limits.request_memory);
    if (c->conn->wire.framed) {
        buf_add_be32(&out, 0);
    }
    return out;
}

static void answer_send(Carried *c, Buf *out) {
    if (c->conn->wire.framed && out->len >= THRIFT_FRAME_HEAD) {
        uint32_t length = __builtin_bswap32((uint32_t)(out->len - THRIFT_FRAME_HEAD));
        memcpy(out->ptr, &length, sizeof length);
    }
    thrift_reply(c->conn, out, false);
}

static void answer_nothing(Carried *c, bool end) {
    Buf none = {0};
    thrift_reply(c->conn, &none, end);
}

static void run(Job *job, Arena *arena) {
    Carried *c = (Carried *)(void *)job;
    log_context_set(STR_NULL, STR_NULL, c->conn->client);
    Buf out = answer_begin(c);
    if (hms_serve(&c->in, arena, &out)) {
        answer_send(c, &out);
    } else {
        buf_free(&out);
        answer_nothing(c, false);
    }
    log_context_clear();
}

void hms_on_message(ThriftConn *conn, void *arg) {
    Carried *c = conn->user;
    Err err;
    c->conn = conn;
    c->in.server = arg;
    c->in.session = &c->session;
    c->in.client = conn->client;
    c->in.received_us = conn->received_us;
    if (!thrift_decode_head(conn->message, conn->wire.compact, &c->in.message, &c->in.body, &err)) {
        log_info("The connection from %" STR_FMT " is closed: %s", STR_ARG(conn->client), err.message);
        answer_nothing(c, true);
        return;
    }
    Buf out = answer_begin(c);
    HmsIncomingKind kind = hms_incoming(&c->in, &out);
    if (kind != HMS_INCOMING_ANSWERED) {
        c->job.run = run;
        Workers *workers = kind == HMS_INCOMING_BULK ? c->in.server->bulk : c->in.server->read;
        if (workers_submit(workers, &c->job)) { /* C is another's now */
            buf_free(&out);
            return;
        }
        hms_overloaded(&c->in, &out);
    }
    answer_send(c, &out);
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
    Server *server = c->in.server;
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
    if (!ok && refusals_note(c->in.server->refusals, &err, clock_monotonic_us())) {
        log_err(&err, "login");
    }
    thrift_login(c->conn, ok ? STR_NULL : str_from(err.message));
    log_context_clear();
}

void hms_on_login(ThriftConn *conn, void *arg) {
    Carried *c = conn->user;
    c->in.server = arg;
    c->conn = conn;
    c->job.run = run_login;
    if (!workers_submit(c->in.server->read, &c->job)) {
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
