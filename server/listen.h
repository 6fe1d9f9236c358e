/* Listening on a TCP port. */
#ifndef PROPOLIS_SERVER_LISTEN_H
#define PROPOLIS_SERVER_LISTEN_H

#include "base/err.h"

/* Port 0: a free one. FLAG is the one that chooses the port, for the message when it is taken. The socket does not block. */
bool listen_open(const char *address, uint16_t port, const char *flag, int *ret_fd, uint16_t *ret_port, Err *err) WARN_UNUSED;

#endif
