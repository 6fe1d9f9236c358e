#include "server/auth/auth.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/hash.h"
#include "catalog/secret.h"
#include "catalog/users.h"
#include "server/auth/hosts.h"
#include "server/request.h"

/* What was found out about an Authorization header, kept by its keyed hash. For fresh_us the user is not looked up
 * again; a password is hashed again only when its record changed or VERIFIED_US are over. */
typedef struct CacheEntry {
    unsigned char key[16], record[32];
    char name[USER_NAME_MAX + 1];
    bool admin;
    int64_t fresh_until_us, verified_until_us;
    Micros token_expires_at; /* 0: not by itself */
} CacheEntry;

enum { ENTRIES = 1024, VERIFIED_US = 300 * 1000 * 1000, HASHING_AT_ONCE = 2, WAITING_MOST = 4 };

/* A password that is being checked. */
typedef struct Hashing {
    unsigned char key[16];
    uint64_t number; /* tells one check in this place from the next */
    bool busy;
} Hashing;

struct Auth {
    AuthMode mode;
    _Atomic int64_t fresh_us;
    unsigned char secret[16];
    pthread_mutex_t lock;
    pthread_cond_t hashing_ended;
    Hashing hashing[HASHING_AT_ONCE]; /* scrypt takes much memory: few at a time */
    unsigned waiting;
    CacheEntry entries[ENTRIES];
};

Auth *auth_new(AuthMode mode, int64_t fresh_ms) {
    Auth *auth = calloc(1, sizeof *auth);
    if (auth) {
        auth->mode = mode;
        auth->fresh_us = fresh_ms * 1000;
        random_bytes(auth->secret, sizeof auth->secret);
        pthread_mutex_init(&auth->lock, NULL);
        pthread_cond_init(&auth->hashing_ended, NULL);
    }
    return auth;
}

void auth_free(Auth *auth) {
    if (auth) {
        pthread_cond_destroy(&auth->hashing_ended);
        pthread_mutex_destroy(&auth->lock);
        free(auth);
    }
}

void auth_set_fresh(Auth *auth, int64_t fresh_ms) { auth->fresh_us = fresh_ms * 1000; }

AuthMode auth_mode(const Auth *auth) { return auth->mode; }

const char *auth_mode_name(AuthMode mode) {
    static const char *const NAMES[] = {[AUTH_LOCAL] = "local", [AUTH_OPEN] = "open", [AUTH_REQUIRED] = "required"};
    return NAMES[mode];
}

/* ---- the cache ---- */

static void cache_key(const Auth *auth, Str header, unsigned char key[16]) { siphash128(auth->secret, header, key); }

static CacheEntry *cache_slot(Auth *auth, const unsigned char key[16]) {
    uint16_t first;
    memcpy(&first, key, sizeof first);
    return &auth->entries[first % ENTRIES];
}

static bool cache_get(Auth *auth, const unsigned char key[16], CacheEntry *ret) {
    pthread_mutex_lock(&auth->lock);
    const CacheEntry *e = cache_slot(auth, key);
    bool found = memcmp(e->key, key, sizeof e->key) == 0 && e->name[0];
    if (found) {
        *ret = *e;
    }
    pthread_mutex_unlock(&auth->lock);
    return found;
}

static void cache_put(Auth *auth, const CacheEntry *entry) {
    pthread_mutex_lock(&auth->lock);
    *cache_slot(auth, entry->key) = *entry;
    pthread_mutex_unlock(&auth->lock);
}

static bool is_fresh(const CacheEntry *e) { return clock_monotonic_us() < e->fresh_until_us; }

bool auth_is_quick(Auth *auth, const HttpExchange *exchange) {
    Str header = exchange->headers[HTTP_AUTHORIZATION];
    if (str_is_null(header)) {
        return true;
    }
    unsigned char key[16];
    CacheEntry entry;
    cache_key(auth, header, key);
    return cache_get(auth, key, &entry) && is_fresh(&entry);
}

/* ---- credentials ---- */

static bool wrong_credentials(Err *err) {
    return err_set(err, ERR_UNAUTHENTICATED, "The credentials are not known here, have expired, or belong to a disabled user.");
}

/* Has somebody else verified the same header against the same record meanwhile? */
static bool verified_locked(Auth *auth, const CacheEntry *entry) {
    const CacheEntry *e = cache_slot(auth, entry->key);
    return e->name[0] && memcmp(e->key, entry->key, sizeof e->key) == 0 && memcmp(e->record, entry->record, 32) == 0 &&
           e->verified_until_us > clock_monotonic_us();
}

static Hashing *hashing_of_locked(Auth *auth, const unsigned char *key) {
    for (size_t i = 0; i < HASHING_AT_ONCE; i++) {
        Hashing *h = &auth->hashing[i];
        if (h->busy && memcmp(h->key, key, sizeof h->key) == 0) {
            return h;
        }
    }
    return NULL;
}

static Hashing *hashing_free_locked(Auth *auth) {
    for (size_t i = 0; i < HASHING_AT_ONCE; i++) {
        if (!auth->hashing[i].busy) {
            return &auth->hashing[i];
        }
    }
    return NULL;
}

/* Waits for a free place. Who waits holds a worker, so few may: wrong passwords sent in masses must leave workers for the
 * others. Whose very header is being checked right now may wait for that one outcome: many clients of one user come at once.
 * *RET is null when the password was verified meanwhile. */
static bool begin_hashing(Auth *auth, const CacheEntry *entry, Hashing **ret, Err *err) {
    bool full = false, verified = false;
    pthread_mutex_lock(&auth->lock);
    const Hashing *same = hashing_of_locked(auth, entry->key);
    uint64_t number = same ? same->number : 0;
    auth->waiting++;
    while (!(verified = verified_locked(auth, entry))) {
        bool mine = same && same->busy && same->number == number;
        full = !mine && !hashing_free_locked(auth) && auth->waiting > WAITING_MOST;
        if (full || (!mine && hashing_free_locked(auth))) {
            break;
        }
        pthread_cond_wait(&auth->hashing_ended, &auth->lock);
    }
    auth->waiting--;
    *ret = verified || full ? NULL : hashing_free_locked(auth);
    if (*ret) {
        memcpy((*ret)->key, entry->key, sizeof(*ret)->key);
        (*ret)->busy = true;
        (*ret)->number++;
    }
    pthread_mutex_unlock(&auth->lock);
    return !full || err_set(err, ERR_OVERLOADED,
                            "More passwords wait to be checked than the server accepts. Try again in a moment, or use a token.");
}

/* What is right goes into the cache at once, for those who wait with the same header; it is not fresh yet, so the user is
 * looked up all the same. */
static void end_hashing(Auth *auth, Hashing *place, const CacheEntry *entry, bool right) {
    pthread_mutex_lock(&auth->lock);
    place->busy = false;
    if (right && entry->name[0]) {
        *cache_slot(auth, entry->key) = *entry;
    }
    pthread_cond_broadcast(&auth->hashing_ended);
    pthread_mutex_unlock(&auth->lock);
}

/* Hashes for unknown users too, so that the time taken does not tell whether a name exists. */
static bool check_password(Auth *auth, Str password, Str stored, bool cached, CacheEntry *entry, bool *ret_right, Err *err) {
    unsigned char record[32];
    sha256(stored, record);
    *ret_right = cached && entry->verified_until_us > clock_monotonic_us() && memcmp(entry->record, record, 32) == 0;
    if (*ret_right) {
        return true;
    }
    Hashing *place;
    memcpy(entry->record, record, 32);
    if (!begin_hashing(auth, entry, &place, err)) {
        return false;
    }
    entry->verified_until_us = clock_monotonic_us() + VERIFIED_US;
    entry->fresh_until_us = 0;
    *ret_right = !place || secret_password_verify(password, stored);
    if (place) {
        end_hashing(auth, place, entry, *ret_right);
    }
    return true;
}

static void entry_of_login(CacheEntry *entry, const Login *login) {
    size_t len = MIN(login->name.len, (size_t)USER_NAME_MAX);
    if (len) {
        memcpy(entry->name, login->name.ptr, len);
    }
    entry->name[len] = '\0';
    entry->admin = login->admin;
}

static bool login_basic(Auth *auth, Ctx *ctx, Str encoded, bool cached, CacheEntry *entry, Login *ret, bool *ret_right, Err *err) {
    enum { MOST = 4096 };
    CLEANUP(buf_free) Buf plain = BUF_INIT(MOST);
    *ret_right = false;
    if (!base64_decode(encoded, &plain) || plain.failed) {
        return true;
    }
    Str both = arena_str(ctx->arena, buf_str(&plain));
    size_t colon = str_find_char(both, ':');
    bool found = false;
    if (colon == SIZE_MAX || !utf8_valid(both) || str_has_char(both, '\0')) {
        return true;
    }
    if (!login_by_name(ctx, str_slice(both, 0, colon), ret, &found, err)) {
        return false;
    }
    entry_of_login(entry, ret);
    return check_password(auth, str_skip(both, colon + 1), found ? ret->password_record : STR_NULL, cached, entry, ret_right, err);
}

static bool login_header(Auth *auth, Ctx *ctx, Str header, bool cached, CacheEntry *entry, Err *err) {
    Login login = {.expires_at = MICROS_NONE};
    bool right = false;
    if (str_starts_nocase(header, STR("Bearer "))) {
        if (!login_by_token(ctx, str_trim(str_skip(header, 7)), &login, &right, err)) {
            return false;
        }
    } else if (str_starts_nocase(header, STR("Basic "))) {
        if (!login_basic(auth, ctx, str_trim(str_skip(header, 6)), cached, entry, &login, &right, err)) {
            return false;
        }
    } else {
        return err_set(err, ERR_UNAUTHENTICATED, "The Authorization header must be \"Bearer TOKEN\" or \"Basic ...\".");
    }
    if (!right || login.name.len > USER_NAME_MAX) {
        return wrong_credentials(err);
    }
    entry_of_login(entry, &login);
    int64_t fresh = auth->fresh_us;
    if (login.expires_at != MICROS_NONE) {
        int64_t left = MAX(login.expires_at - clock_now(), (int64_t)0);
        fresh = MIN(fresh, left);
    }
    entry->token_expires_at = login.expires_at == MICROS_NONE ? 0 : login.expires_at;
    entry->fresh_until_us = clock_monotonic_us() + fresh;
    return true;
}

bool auth_login_with(Auth *auth, Ctx *ctx, Str header, Caller *caller, Err *err) {
    CacheEntry entry = {.admin = false};
    unsigned char key[16];
    cache_key(auth, header, key);
    bool cached = cache_get(auth, key, &entry);
    if (!cached || !is_fresh(&entry)) {
        memcpy(entry.key, key, sizeof entry.key);
        if (!login_header(auth, ctx, header, cached, &entry, err)) {
            return false;
        }
        cache_put(auth, &entry);
    }
    caller->principal = arena_str(ctx->arena, str_from(entry.name));
    caller->admin = caller->admin || entry.admin;
    caller->token_expires_at = entry.token_expires_at;
    return true;
}

static bool check_host(const Auth *auth, const Request *r, Err *err) {
    Str host = r->http->headers[HTTP_HOST];
    if (host_is_allowed(auth->mode, host, r->ctx.catalog->config)) {
        return true;
    }
    const char *names = auth->mode == AUTH_LOCAL ? "localhost, 127.0.0.1 and [::1]"
                                                 : "IP addresses, names without a dot and its own";
    return err_set(err, ERR_FORBIDDEN,
                   "Without login (auth.mode: %s) the server only answers to %s as host name, and to what auth.allowed_hosts lists;"
                   " this request calls it \"%" STR_FMT "\". Web pages of other sites could use any name.",
                   auth_mode_name(auth->mode), names, STR_ARG(str_slice(host, 0, 255)));
}

bool auth_login(Auth *auth, Request *r, Err *err) {
    Str header = r->http->headers[HTTP_AUTHORIZATION];
    if (r->method->flags & METHOD_PUBLIC) {
        return true;
    }
    if (!check_host(auth, r, err)) {
        return false;
    }
    /* Only a page of this very server may act without login, or with one that the browser adds by itself. */
    bool unasked = auth->mode != AUTH_REQUIRED || str_starts_nocase(header, STR("Basic "));
    if (unasked && !origin_is_own(r->http->headers[HTTP_ORIGIN], r->http->headers[HTTP_HOST])) {
        return err_set(
            err, ERR_FORBIDDEN,
            "The server does not answer to web pages of other sites (Origin), unless they log in with a token of theirs.");
    }
    r->caller.admin = auth->mode != AUTH_REQUIRED;
    if (!str_is_null(header)) {
        return auth_login_with(auth, &r->ctx, header, &r->caller, err);
    }
    if (auth->mode == AUTH_REQUIRED) {
        return err_set(err, ERR_UNAUTHENTICATED,
                       "This server needs a login: send \"Authorization: Bearer TOKEN\", or basic authentication.");
    }
    return true;
}
