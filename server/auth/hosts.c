#include "server/auth/hosts.h"

#include <arpa/inet.h>
#include <unistd.h>

static bool parse_address(int family, Str text, void *ret) {
    char copy[INET6_ADDRSTRLEN];
    if (text.len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, ret) == 1;
}

/* 127.x.y.z and nothing else: "127.0.0.1.evil.example" is a name that may point here. */
static bool is_loopback(Str name) {
    struct in_addr at;
    return str_eq_nocase(name, STR("localhost")) || str_eq(name, STR("[::1]")) ||
           (parse_address(AF_INET, name, &at) && ntohl(at.s_addr) >> 24 == 127);
}

/* An address cannot be made to point elsewhere. */
static bool is_address(Str name) {
    struct in_addr four;
    struct in6_addr six;
    bool bracketed = str_starts(name, STR("[")) && str_ends(name, STR("]"));
    return bracketed ? parse_address(AF_INET6, str_slice(name, 1, name.len - 1), &six) : parse_address(AF_INET, name, &four);
}

/* Nobody owns a name without a dot in the public DNS. */
static bool is_local_name(Str name) { return name.len > 0 && !str_has_char(name, '.') && !str_has_char(name, '['); }

static bool is_this_machine(Str name, Str listen) {
    char own[256] = "";
    return str_eq_nocase(name, listen) || (gethostname(own, sizeof own - 1) == 0 && str_eq_nocase(name, str_from(own)));
}

static bool is_listed(Str host, Str name, StrList allowed) {
    for (size_t i = 0; i < allowed.count; i++) {
        Str entry = allowed.items[i];
        if (str_eq(entry, STR("*")) || str_eq_nocase(entry, name) || str_eq_nocase(entry, host)) {
            return true;
        }
    }
    return false;
}

bool host_is_allowed(AuthMode mode, Str host, const Config *config) {
    size_t colon = str_rfind_char(host, ':');
    Str name = str_ends(host, STR("]")) || colon == SIZE_MAX ? host : str_slice(host, 0, colon);
    if (mode == AUTH_REQUIRED || str_is_null(host) || is_loopback(name) || is_listed(host, name, config->auth.allowed_hosts)) {
        return true;
    }
    return mode == AUTH_OPEN && (is_address(name) || is_local_name(name) || is_this_machine(name, config->listen));
}

bool origin_is_own(Str origin, Str host) {
    size_t at = str_find(origin, STR("://"));
    return str_is_null(origin) || (at != SIZE_MAX && str_eq_nocase(str_skip(origin, at + 3), host));
}
