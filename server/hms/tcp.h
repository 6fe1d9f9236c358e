/* Thrift over TCP: what ThriftServer calls. */
#ifndef PROPOLIS_SERVER_HMS_TCP_H
#define PROPOLIS_SERVER_HMS_TCP_H

#include "server/thrift_server.h"

extern const size_t hms_conn_bytes;                  /* ThriftServerOptions.user_bytes */
void hms_on_message(ThriftConn *conn, void *server); /* ThriftServerOptions.on_message */
void hms_on_login(ThriftConn *conn, void *server);   /* ThriftServerOptions.on_login */
void hms_on_close(ThriftConn *conn, void *server);   /* ThriftServerOptions.on_close */

#endif
