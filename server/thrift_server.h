/* ThriftServer: connections that speak Thrift over TCP, and where one message ends.
 *
 * I/O threads (epoll) read and scan; a whole message is handed to on_message(), which must not block. While it is served
 * nothing is read from its connection, so answers come in the order of the calls, and a client can make the server keep
 * no more than one message and one answer. Whoever serves it calls thrift_reply() once, from any thread; what the socket
 * does not take at once an I/O thread sends later. A peer that is slow, silent or gone pins no worker. */
#ifndef PROPOLIS_SERVER_THRIFT_SERVER_H
#define PROPOLIS_SERVER_THRIFT_SERVER_H

#include "base/buf.h"
#include "thrift/scan.h"

typedef struct ThriftServer ThriftServer;

typedef struct ThriftConn {
    Str client;          /* address without port */
    ThriftWire wire;     /* known from the first message on */
    Str message;         /* the one that is served, without the head of its frame */
    int64_t received_us; /* monotonic */
    void *user;          /* user_bytes, cleared */
} ThriftConn;

typedef struct ThriftServerOptions {
    int listen_fd; /* taken over */
    unsigned threads, max_connections;
    bool tls;                 /* and nothing else (server/tls.h) */
    int64_t idle_timeout_ms;  /* nothing came or went for this long between two messages */
    int64_t stall_timeout_ms; /* the same in the middle of one, of an answer or of a handshake */
    ThriftLimits limits;      /* of a message */
    size_t max_buffered;      /* of all messages that are being received */
    size_t user_bytes;
    void (*on_message)(ThriftConn *conn, void *arg); /* on an I/O thread, or on that of the reply before it */
    /* A client logs in by SASL PLAIN: like on_message(), but thrift_login() follows. NULL: nobody can. */
    void (*on_login)(ThriftConn *conn, void *arg);
    void (*on_close)(ThriftConn *conn, void *arg); /* frees what USER points to */
    void *arg;
} ThriftServerOptions;

ThriftServer *thrift_server_start(const ThriftServerOptions *options, Err *err);
/* REPLY is taken; empty: the call wants none. END closes the connection behind it. CONN must not be used afterwards. */
void thrift_reply(ThriftConn *conn, Buf *reply, bool end);
/* The end of a login: WHY null is success; else the client is told WHY and the connection ends. */
void thrift_login(ThriftConn *conn, Str why);
void thrift_server_stop_accepting(ThriftServer *server);
/* Waits until no message is being served. False: not in time. */
bool thrift_server_drain(ThriftServer *server, int64_t timeout_ms);
void thrift_server_stop(ThriftServer *server); /* after a successful drain: closes all connections */

typedef struct ThriftServerStats {
    unsigned connections;
    uint64_t accepted, refused; /* since start; refused: too many connections */
} ThriftServerStats;
void thrift_server_stats(const ThriftServer *server, ThriftServerStats *ret);

#endif
