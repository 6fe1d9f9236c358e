/* The way of one Thrift call: from the bytes of a message to those of its answer. */
#ifndef PROPOLIS_SERVER_HMS_DOOR_H
#define PROPOLIS_SERVER_HMS_DOOR_H

#include "server/server.h"
#include "server/thrift_server.h"

/* The rows of all doors in one table for metrics and /admin/methods: REST's first. Lives until the process ends. */
bool hms_methods_join(MethodTable rest, MethodTable *ret_all, Err *err) WARN_UNUSED;

extern const size_t hms_conn_bytes;                  /* ThriftServerOptions.user_bytes */
void hms_on_message(ThriftConn *conn, void *server); /* ThriftServerOptions.on_message */
void hms_on_login(ThriftConn *conn, void *server);   /* ThriftServerOptions.on_login */
void hms_on_close(ThriftConn *conn, void *server);

#endif
