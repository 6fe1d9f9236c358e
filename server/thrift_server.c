#include "server/thrift_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/sasl.h"
#include "server/tls.h"

enum {
    ROOM = 4096,            /* to read into, at least */
    KEPT_INPUT = 64 * 1024, /* an idle connection keeps a buffer of this size at most */
    EVENTS = 64,
    TICK_MS = 500, /* how often idle connections are looked for */
};

typedef enum State { STATE_READING, STATE_SERVING, STATE_WRITING } State;

typedef struct Io Io;

/* LOCK is held while the connection goes from one hand to the other. In STATE_SERVING it belongs to whoever serves it, else to
 * its I/O thread. */
typedef struct Conn {
    ThriftConn pub; /* first: the two are cast into each other */
    Io *io;
    int fd;
    TlsConn *tls; /* NULL: none */
    pthread_mutex_t lock;
    State state;
    bool opened, end;
    bool logging_in, logged_in; /* by SASL; afterwards all messages have frames */
    ThriftScan scan;
    Buf in; /* IN_AT bytes that are done with, the message that is read or served, and what came behind it */
    size_t in_at;
    size_t counted; /* of IN's capacity, in the server's BUFFERED */
    Buf out;
    size_t sent;
    int64_t active_us;
    struct Conn *previous, *next; /* all of its Io */
    char address[INET6_ADDRSTRLEN];
} Conn;

struct Io {
    ThriftServer *server;
    pthread_t thread;
    int epoll, wake;
    pthread_mutex_t lock; /* of the list */
    Conn *conns;
};

struct ThriftServer {
    ThriftServerOptions options;
    Io *ios;
    unsigned started;
    atomic_uint connections, serving, next_io;
    atomic_size_t buffered; /* bytes of messages that are larger than what every connection may have */
    atomic_ullong accepted, refused;
    atomic_bool stopping;
};

static Conn *conn_of(ThriftConn *pub) { return (Conn *)(void *)pub; }

/* on_message() may answer at once. Then whoever called it goes on, not thrift_reply(): a thousand calls in one buffer must not
 * become a thousand frames on the stack. */
static _Thread_local Conn *handing_over;
static _Thread_local bool answered_at_once;

/* ---- one connection --------------------------------------------------------------------------------------------- */

static void list_add(Io *io, Conn *c) {
    pthread_mutex_lock(&io->lock);
    c->next = io->conns;
    if (io->conns) {
        io->conns->previous = c;
    }
    io->conns = c;
    pthread_mutex_unlock(&io->lock);
}

static void list_remove(Io *io, Conn *c) {
    pthread_mutex_lock(&io->lock);
    *(c->previous ? &c->previous->next : &io->conns) = c->next;
    if (c->next) {
        c->next->previous = c->previous;
    }
    pthread_mutex_unlock(&io->lock);
}

/* Large messages of all connections together have a limit, too: whoever begins one may not be known yet. */
static bool count_input(Conn *c) {
    ThriftServer *server = c->io->server;
    size_t now = c->in.capacity > KEPT_INPUT ? c->in.capacity : 0;
    size_t all = atomic_fetch_add(&server->buffered, now - c->counted) + (now - c->counted);
    bool ok = now <= c->counted || all <= server->options.max_buffered;
    c->counted = now;
    if (!ok) {
        log_warn("The connection from %" STR_FMT " is closed: messages that are being received have filled their memory"
                 " (thrift.max_buffered).",
                 STR_ARG(c->pub.client));
    }
    return ok;
}

/* On its I/O thread, or while no other thread runs any more. */
static void conn_close(Conn *c) {
    ThriftServer *server = c->io->server;
    list_remove(c->io, c);
    if (server->options.on_close) {
        server->options.on_close(&c->pub, server->options.arg);
    }
    tls_free(c->tls);
    close(c->fd);
    buf_free(&c->in);
    (void)count_input(c);
    buf_free(&c->out);
    pthread_mutex_destroy(&c->lock);
    free(c);
    atomic_fetch_sub(&server->connections, 1);
}

/* Hands the connection to its I/O thread until the socket is ready. */
static void conn_arm(Conn *c, State state) {
    c->state = state;
    struct epoll_event event = {.events = (state == STATE_WRITING ? EPOLLOUT : EPOLLIN | EPOLLRDHUP) | EPOLLONESHOT, .data.ptr = c};
    epoll_ctl(c->io->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

typedef enum Step { STEP_WAIT, STEP_SERVE, STEP_WRITE, STEP_CLOSE } Step;

static const char NOT_HTTP[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
                               "This port speaks Thrift (the Hive Metastore). REST and Thrift over HTTP are on the HTTP port.\n";

static Step refuse_opening(Conn *c, ThriftOpening opening) {
    log_debug("A connection from %" STR_FMT " does not begin with Thrift (%d).", STR_ARG(c->pub.client), (int)opening);
    if (opening != THRIFT_OPENING_HTTP) {
        return STEP_CLOSE;
    }
    buf_add_cstr(&c->out, NOT_HTTP);
    c->end = true;
    return STEP_WRITE;
}

static Str unread(const Conn *c) { return str_skip(buf_str(&c->in), c->in_at); }

static Step refuse_login(Conn *c, Str why) {
    sasl_write(&c->out, SASL_BAD, why);
    c->end = true;
    return STEP_WRITE;
}

static Step scan_login(Conn *c) {
    SaslMessage message;
    for (;;) {
        SaslRead read = sasl_read(unread(c), &message);
        if (read != SASL_WHOLE) {
            return read == SASL_MORE ? STEP_WAIT : STEP_CLOSE;
        }
        if (message.status != SASL_START) {
            break;
        }
        if (!str_eq(message.payload, STR("PLAIN"))) {
            return refuse_login(c, STR("The only SASL mechanism here is PLAIN."));
        }
        c->in_at += message.length;
    }
    if (message.status != SASL_OK && message.status != SASL_COMPLETE) {
        return STEP_CLOSE;
    }
    c->pub.message = message.payload;
    c->scan.at = message.length;
    return STEP_SERVE;
}

/* Looks whether the bytes that are there make a message. */
static Step conn_scan(Conn *c) {
    ThriftServer *server = c->io->server;
    Err err;
    if (c->logging_in) {
        return scan_login(c);
    }
    if (!c->opened) {
        ThriftOpening opening = thrift_opening(unread(c), &c->pub.wire);
        if (opening == THRIFT_OPENING_SHORT) {
            return STEP_WAIT;
        }
        if (opening == THRIFT_OPENING_SASL && server->options.on_login && !c->logged_in) {
            c->logging_in = true;
            return scan_login(c);
        }
        if (opening != THRIFT_OPENING_THRIFT || (c->logged_in && !c->pub.wire.framed)) {
            return refuse_opening(c, opening);
        }
        c->opened = true;
        thrift_scan_begin(&c->scan, c->pub.wire, &server->options.limits);
    }
    switch (thrift_scan(&c->scan, unread(c), &err)) {
        case THRIFT_SCAN_MORE: return STEP_WAIT;
        case THRIFT_SCAN_BAD:
            log_info("The connection from %" STR_FMT " is closed: %s", STR_ARG(c->pub.client), err.message);
            break;
        case THRIFT_SCAN_DONE: return STEP_SERVE;
    }
    return STEP_CLOSE;
}

static void serve(Conn *c) {
    ThriftServer *server = c->io->server;
    if (c->logging_in) {
        c->pub.received_us = clock_monotonic_us();
        server->options.on_login(&c->pub, server->options.arg);
        return;
    }
    size_t head = c->pub.wire.framed ? THRIFT_FRAME_HEAD : 0;
    c->pub.message = str_slice(unread(c), head, c->scan.at);
    c->pub.received_us = clock_monotonic_us();
    server->options.on_message(&c->pub, server->options.arg);
}

/* Reads what is there. A peer that closed its half behind a whole message still gets its answer. */
static Step conn_read(Conn *c) {
    if (c->in_at > 0) {
        c->in.len -= c->in_at;
        memmove(c->in.ptr, c->in.ptr + c->in_at, c->in.len);
        c->in_at = 0;
    }
    for (;;) {
        char *at = buf_reserve(&c->in, ROOM);
        if (!at || !count_input(c)) {
            return STEP_CLOSE;
        }
        size_t room = c->in.capacity - c->in.len;
        ssize_t n = c->tls ? tls_recv(c->tls, at, room) : recv(c->fd, at, room, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? STEP_WAIT : STEP_CLOSE;
        }
        c->in.len += (size_t)n;
        c->active_us = clock_monotonic_us();
        Step step = conn_scan(c);
        if (step != STEP_WAIT) {
            return step;
        }
    }
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* STEP_SERVE: all is out, and the next message may begin. */
static Step conn_write(Conn *c) {
    while (c->sent < c->out.len) {
        const char *at = c->out.ptr + c->sent;
        size_t left = c->out.len - c->sent;
        ssize_t n = c->tls ? tls_send(c->tls, at, left) : send(c->fd, at, left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? STEP_WRITE : STEP_CLOSE;
        }
        c->sent += (size_t)n;
        c->active_us = clock_monotonic_us();
    }
    buf_free(&c->out);
    c->sent = 0;
    return c->end ? STEP_CLOSE : STEP_SERVE;
}

/* The answer is out: what came behind the message may be a message already. */
static Step next_message(Conn *c) {
    c->in_at = MIN(c->in_at + c->scan.at, c->in.len);
    c->scan.at = 0;
    bool more = c->in_at < c->in.len;
    if (!more) {
        c->in.len = c->in_at = 0;
        if (c->in.capacity > KEPT_INPUT) {
            buf_free(&c->in);
            (void)count_input(c);
        }
    }
    thrift_scan_begin(&c->scan, c->pub.wire, &c->io->server->options.limits);
    return more ? conn_scan(c) : STEP_WAIT;
}

/* Called and left with the lock, unless the connection is in other hands then (false). */
static bool serve_locked(Conn *c) {
    ThriftServer *server = c->io->server;
    c->state = STATE_SERVING;
    atomic_fetch_add(&server->serving, 1);
    pthread_mutex_unlock(&c->lock);
    handing_over = c;
    answered_at_once = false;
    serve(c);
    handing_over = NULL;
    if (!answered_at_once) {
        return false;
    }
    pthread_mutex_lock(&c->lock);
    atomic_fetch_sub(&server->serving, 1);
    return true;
}

/* Goes on until somebody else has to do something. Called with the lock, which is free afterwards. */
static void conn_go_on_locked(Conn *c, Step step) {
    for (;;) {
        if (step == STEP_WRITE) {
            step = conn_write(c);
            step = step == STEP_SERVE ? next_message(c) : step;
            /* What TLS decrypted already, no event of the socket will tell of. */
            step = step == STEP_WAIT && c->tls && tls_pending(c->tls) ? conn_read(c) : step;
        }
        if (step != STEP_SERVE) {
            break;
        }
        if (!serve_locked(c)) {
            return;
        }
        step = STEP_WRITE;
    }
    if (step == STEP_CLOSE) { /* only its I/O thread may: it finds the socket shut */
        shutdown(c->fd, SHUT_RDWR);
        c->end = true;
    }
    conn_arm(c, step == STEP_WRITE ? STATE_WRITING : STATE_READING);
    pthread_mutex_unlock(&c->lock);
}

void thrift_reply(ThriftConn *conn, Buf *reply, bool end) {
    Conn *c = conn_of(conn);
    ThriftServer *server = c->io->server;
    c->out = *reply;
    *reply = (Buf){.max = reply->max};
    c->end = end;
    c->active_us = clock_monotonic_us();
    if (handing_over == c) {
        answered_at_once = true;
        return;
    }
    pthread_mutex_lock(&c->lock);
    conn_go_on_locked(c, STEP_WRITE);
    atomic_fetch_sub(&server->serving, 1);
}

void thrift_login(ThriftConn *conn, Str why) {
    Conn *c = conn_of(conn);
    Buf out = BUF_INIT(1024 + why.len);
    bool ok = str_is_null(why);
    sasl_write(&out, ok ? SASL_COMPLETE : SASL_BAD, ok ? STR("") : why);
    c->logging_in = false;
    c->logged_in = ok;
    thrift_reply(conn, &out, !ok);
}

static void on_event(Conn *c) {
    pthread_mutex_lock(&c->lock);
    Step step = c->end && c->state == STATE_READING ? STEP_CLOSE : c->state == STATE_WRITING ? STEP_WRITE : conn_read(c);
    if (step == STEP_CLOSE) {
        pthread_mutex_unlock(&c->lock);
        conn_close(c);
        return;
    }
    conn_go_on_locked(c, step);
}

/* ---- accepting -------------------------------------------------------------------------------------------------- */

static void address_text(const struct sockaddr_storage *from, char *out) {
    const void *at = from->ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr
                                                 : (const void *)&((const struct sockaddr_in *)(const void *)from)->sin_addr;
    if (!inet_ntop(from->ss_family, at, out, INET6_ADDRSTRLEN)) {
        out[0] = 0;
    }
}

static void conn_open(ThriftServer *server, int fd, const struct sockaddr_storage *from) {
    Conn *c = calloc(1, sizeof *c + server->options.user_bytes);
    if (!c) {
        close(fd);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    c->io = &server->ios[atomic_fetch_add(&server->next_io, 1) % server->started];
    c->fd = fd;
    c->tls = server->options.tls ? tls_accept(fd) : NULL;
    if (server->options.tls && !c->tls) {
        close(fd);
        free(c);
        return;
    }
    c->in = BUF_INIT(server->options.limits.message_bytes + THRIFT_FRAME_HEAD + ROOM);
    c->out = BUF_INIT(sizeof NOT_HTTP);
    c->active_us = clock_monotonic_us();
    c->pub.user = c + 1;
    address_text(from, c->address);
    c->pub.client = str_from(c->address);
    pthread_mutex_init(&c->lock, NULL);
    atomic_fetch_add(&server->connections, 1);
    atomic_fetch_add(&server->accepted, 1);
    list_add(c->io, c);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c};
    epoll_ctl(c->io->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(ThriftServer *server) {
    struct sockaddr_storage from = {0};
    for (;;) {
        socklen_t len = sizeof from;
        int fd = accept4(server->options.listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) {
            continue;
        }
        if (fd < 0) {
            return;
        }
        if (atomic_load(&server->connections) >= server->options.max_connections || atomic_load(&server->stopping)) {
            atomic_fetch_add(&server->refused, 1);
            close(fd);
            continue;
        }
        conn_open(server, fd, &from);
    }
}

/* ---- the I/O threads -------------------------------------------------------------------------------------------- */

/* A connection that is served is never idle. One that stopped in the middle of something has less time than one that rests. */
static void close_idle(Io *io, int64_t now) {
    const ThriftServerOptions *options = &io->server->options;
    pthread_mutex_lock(&io->lock);
    Conn *next;
    for (Conn *c = io->conns; c; c = next) {
        next = c->next;
        if (pthread_mutex_trylock(&c->lock) != 0) {
            continue;
        }
        bool rests = c->state == STATE_READING && c->in.len == c->in_at && (!c->tls || c->opened);
        int64_t most_ms = rests ? options->idle_timeout_ms : options->stall_timeout_ms;
        if (c->state != STATE_SERVING && now - c->active_us > most_ms * 1000) {
            c->end = true;
            c->state = STATE_READING;
            shutdown(c->fd, SHUT_RDWR); /* its event comes at once, and closes it */
        }
        pthread_mutex_unlock(&c->lock);
    }
    pthread_mutex_unlock(&io->lock);
}

static void *io_main(void *arg) {
    Io *io = arg;
    ThriftServer *server = io->server;
    int64_t looked_us = clock_monotonic_us();
    pthread_setname_np(pthread_self(), "thrift-io");
    for (;;) {
        struct epoll_event events[EVENTS] = {0};
        int n = epoll_wait(io->epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == server) {
                accept_all(server);
            } else if (events[i].data.ptr == io) {
                return NULL;
            } else {
                on_event(events[i].data.ptr);
            }
        }
        int64_t now = clock_monotonic_us();
        if (now - looked_us > TICK_MS * 1000LL) {
            close_idle(io, now);
            looked_us = now;
        }
    }
    return NULL;
}

static bool io_start(ThriftServer *server, Io *io) {
    *io = (Io){.server = server, .epoll = epoll_create1(EPOLL_CLOEXEC), .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&io->lock, NULL);
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = io};
    return io->epoll >= 0 && io->wake >= 0 && epoll_ctl(io->epoll, EPOLL_CTL_ADD, io->wake, &wake) == 0 &&
           pthread_create(&io->thread, NULL, io_main, io) == 0;
}

ThriftServer *thrift_server_start(const ThriftServerOptions *options, Err *err) {
    ThriftServer *server = calloc(1, sizeof *server);
    if (!server || !(server->ios = calloc(options->threads, sizeof *server->ios))) {
        free(server);
        err_set(err, ERR_INTERNAL, "There is no memory for Thrift connections.");
        return NULL;
    }
    server->options = *options;
    for (unsigned i = 0; i < options->threads; i++) {
        if (!io_start(server, &server->ios[i])) {
            err_set(err, ERR_INTERNAL, "Thread %u of %u for Thrift connections cannot be started: %s.", i + 1, options->threads,
                    strerror(errno));
            thrift_server_stop(server);
            return NULL;
        }
        server->started++;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};
    epoll_ctl(server->ios[0].epoll, EPOLL_CTL_ADD, options->listen_fd, &event);
    return server;
}

void thrift_server_stop_accepting(ThriftServer *server) {
    epoll_ctl(server->ios[0].epoll, EPOLL_CTL_DEL, server->options.listen_fd, NULL);
    atomic_store(&server->stopping, true);
}

bool thrift_server_drain(ThriftServer *server, int64_t timeout_ms) {
    Deadline deadline = deadline_in_ms(timeout_ms);
    while (atomic_load(&server->serving) > 0 && deadline_left_ms(deadline) > 0) {
        usleep(2000);
    }
    return atomic_load(&server->serving) == 0;
}

void thrift_server_stop(ThriftServer *server) {
    atomic_store(&server->stopping, true);
    for (unsigned i = 0; i < server->started; i++) {
        uint64_t one = 1;
        (void)!write(server->ios[i].wake, &one, sizeof one);
        pthread_join(server->ios[i].thread, NULL);
    }
    for (unsigned i = 0; i < server->started; i++) {
        Io *io = &server->ios[i];
        while (io->conns) {
            conn_close(io->conns);
        }
        close(io->epoll);
        close(io->wake);
        pthread_mutex_destroy(&io->lock);
    }
    close(server->options.listen_fd);
    free(server->ios);
    free(server);
}

void thrift_server_stats(const ThriftServer *server, ThriftServerStats *ret) {
    *ret = (ThriftServerStats){
        .connections = atomic_load(&server->connections),
        .accepted = atomic_load(&server->accepted),
        .refused = atomic_load(&server->refused),
    };
}
