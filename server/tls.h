/* TLS for both doors, by GnuTLS: HTTP leaves sessions to libmicrohttpd and only gets its certificates here, Thrift uses sessions
 * of this module. One certificate at a time for the whole process; a reload puts another in its place for new connections. */
#ifndef PROPOLIS_SERVER_TLS_H
#define PROPOLIS_SERVER_TLS_H

#include <sys/types.h>

#include "base/err.h"

typedef struct TlsFiles {
    Str certificate; /* PEM, with the chain behind it; empty: no TLS */
    Str key;         /* PEM, without a password */
    Str client_ca;   /* PEM; empty: clients need no certificate */
} TlsFiles;

/* Reads and checks them. At the start, and again when something changed; an error leaves what there was. What was loaded once
 * stays until the process ends, because a handshake may be using it. */
bool tls_load(const TlsFiles *files, Err *err) WARN_UNUSED;
bool tls_is_on(void);
const char *tls_client_ca(void); /* PEM; NULL: clients need no certificate */
void *tls_retrieve(void);        /* the function for MHD_OPTION_HTTPS_CERT_CALLBACK */
/* Did the client of this session (a gnutls_session_t) show a certificate of the client CA's, or need none? */
bool tls_client_is_welcome(void *session);

typedef struct TlsConn TlsConn;
TlsConn *tls_accept(int fd); /* NULL: no memory. The handshake happens in tls_recv(). */
void tls_free(TlsConn *tls);
/* As recv() and send() on a socket that does not block: -1 with EAGAIN, or with EPROTO when the peer does not speak TLS. */
ssize_t tls_recv(TlsConn *tls, void *at, size_t bytes);
ssize_t tls_send(TlsConn *tls, const void *at, size_t bytes);
bool tls_pending(const TlsConn *tls); /* bytes that were decrypted and not read */

#endif
