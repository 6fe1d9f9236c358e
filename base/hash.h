/* Hashes, random bytes, ids and constant-time compare (OpenSSL's libcrypto underneath). */
#ifndef PROPOLIS_BASE_HASH_H
#define PROPOLIS_BASE_HASH_H

#include "base/err.h"

typedef struct Uuid {
    unsigned char bytes[16];
} Uuid;

uint64_t hash64(Str s); /* keyed once per process, for hash tables: not to be stored */
/* SipHash-2-4 with 128 bits: as good as an HMAC under a key nobody sees, at a fiftieth of its price. For caches, not to be stored. */
void siphash128(const unsigned char key[16], Str s, unsigned char out[16]);
void sha256(Str s, unsigned char out[32]);
void hmac_sha256(Str key, Str message, unsigned char out[32]);

void random_bytes(void *out, size_t count);
Uuid uuid_random(void); /* version 4 */
static inline bool uuid_is_zero(Uuid u) {
    static const Uuid zero;
    return memcmp(u.bytes, zero.bytes, sizeof u.bytes) == 0;
}
static inline bool uuid_eq(Uuid a, Uuid b) { return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0; }
void uuid_text(Uuid u, char out[37]);
bool uuid_parse(Str s, Uuid *ret);

bool equal_constant_time(Str a, Str b);

#endif
