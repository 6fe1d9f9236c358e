#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

static bool listen_on(const struct addrinfo *ai, int *ret_fd) {
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
    if (fd < 0) {
        return false;
    }
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 1024) < 0) {
        int why = errno;
        close(fd);
        errno = why;
        return false;
    }
    *ret_fd = fd;
    return true;
}

static uint16_t bound_port(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t len = sizeof at;
    memset(&at, 0, sizeof at);
    if (getsockname(fd, &at.any, &len) < 0) {
        return 0;
    }
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

static bool resolve(const char *address, uint16_t port, struct addrinfo **ret, Err *err) {
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int failed = getaddrinfo(address, service, &hints, ret);
    if (failed) {
        return err_set(err, ERR_INVALID_CONFIG, "The listen address \"%s\" is not one of this machine: %s.", address,
                       gai_strerror(failed));
    }
    return true;
}

bool listen_open(const char *address, uint16_t port, const char *flag, int *ret_fd, uint16_t *ret_port, Err *err) {
    struct addrinfo *found = NULL;
    if (!resolve(address, port, &found, err)) {
        return false;
    }
    bool ok = listen_on(found, ret_fd);
    int why = errno;
    freeaddrinfo(found);
    if (!ok && why == EADDRINUSE) {
        return err_set(
            err, ERR_INVALID_CONFIG,
            "Port %u on %s is in use by another program. Stop that program, or choose another port with --%s (0 picks a free one).",
            (unsigned)port, address, flag);
    }
    if (!ok) {
        return err_set(err, ERR_INVALID_CONFIG, "The server cannot listen on %s port %u: %s.", address, (unsigned)port,
                       strerror(why));
    }
    *ret_port = bound_port(*ret_fd);
    return true;
}
