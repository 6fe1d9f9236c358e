/* Hosts: which names of the server a request without login may call it by.
 *
 * A page of another site can have its own name point at this server (DNS rebinding). The browser then takes the two for one
 * site, and only the Host header tells. So a name must be one that no other site can own. */
#ifndef PROPOLIS_SERVER_AUTH_HOSTS_H
#define PROPOLIS_SERVER_AUTH_HOSTS_H

#include "config/config.h"
#include "server/auth/auth.h"

/* HOST as the header has it; null (no browser leaves it out) is fine. */
bool host_is_allowed(AuthMode mode, Str host, const Config *config);
/* ORIGIN names the site a page belongs to; null is fine. */
bool origin_is_own(Str origin, Str host);

#endif
