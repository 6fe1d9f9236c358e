#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <sys/random.h>

static uint64_t hash_key;
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void hash_key_init(void) { random_bytes(&hash_key, sizeof hash_key); }

/* FNV-1a started from a random key and finished with a strong mix: enough against prepared collisions because the
 * key is never seen outside. */
uint64_t hash64(Str s) {
    pthread_once(&hash_key_once, hash_key_init);
    uint64_t h = hash_key ^ 0xCBF29CE484222325u;
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001B3u;
        h ^= h >> 29;
    }
    h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

typedef struct Sip {
    uint64_t a, b, c, d;
} Sip;

static uint64_t rotated(uint64_t v, int by) { return v << by | v >> (64 - by); }

static uint64_t little_endian(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
}

static void sip_rounds(Sip *s, int count) {
    while (count-- > 0) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotated(s->b, 13) ^ s->a;
        s->d = rotated(s->d, 16) ^ s->c;
        s->a = rotated(s->a, 32) + s->d;
        s->c += s->b;
        s->d = rotated(s->d, 21) ^ s->a;
        s->b = rotated(s->b, 17) ^ s->c;
        s->c = rotated(s->c, 32);
    }
}

static void sip_word(Sip *s, uint64_t word) {
    s->d ^= word;
    sip_rounds(s, 2);
    s->a ^= word;
}

void siphash128(const unsigned char key[16], Str s, unsigned char out[16]) {
    uint64_t k0 = little_endian(key), k1 = little_endian(key + 8);
    Sip sip = {0x736f6d6570736575u ^ k0, 0x646f72616e646f6du ^ k1 ^ 0xee, 0x6c7967656e657261u ^ k0, 0x7465646279746573u ^ k1};
    size_t whole = s.len / 8 * 8;
    unsigned char last[8] = {[7] = (unsigned char)s.len};
    for (size_t i = 0; i < whole; i += 8) {
        sip_word(&sip, little_endian(s.ptr + i));
    }
    if (s.len > whole) {
        memcpy(last, s.ptr + whole, s.len - whole);
    }
    sip_word(&sip, little_endian(last));
    for (int half = 0; half < 2; half++) {
        *(half ? &sip.b : &sip.c) ^= half ? 0xdd : 0xee;
        sip_rounds(&sip, 4);
        uint64_t word = sip.a ^ sip.b ^ sip.c ^ sip.d;
        for (int i = 0; i < 8; i++) {
            out[half * 8 + i] = (unsigned char)(word >> (8 * i));
        }
    }
}

void sha256(Str s, unsigned char out[32]) {
    if (EVP_Digest(s.len ? s.ptr : "", s.len, out, NULL, EVP_sha256(), NULL) != 1) {
        abort(); /* cannot fail but by lack of memory */
    }
}

void hmac_sha256(Str key, Str message, unsigned char out[32]) {
    unsigned int len = 32;
    const void *key_bytes = key.len ? key.ptr : ""; /* NULL would mean "the key of the last call" */
    if (!HMAC(EVP_sha256(), key_bytes, (int)key.len, (const unsigned char *)message.ptr, message.len, out, &len)) {
        abort();
    }
}

void random_bytes(void *out, size_t count) {
    unsigned char *p = out;
    while (count) {
        ssize_t got = getrandom(p, count, 0);
        if (got < 0) {
            continue; /* interrupted by a signal */
        }
        p += got;
        count -= (size_t)got;
    }
}

Uuid uuid_random(void) {
    Uuid u;
    random_bytes(u.bytes, sizeof u.bytes);
    u.bytes[6] = (unsigned char)(0x40 | (u.bytes[6] & 0x0F));
    u.bytes[8] = (unsigned char)(0x80 | (u.bytes[8] & 0x3F));
    return u;
}

void uuid_text(Uuid u, char out[37]) {
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *at++ = '-';
        }
        *at++ = digits[u.bytes[i] >> 4];
        *at++ = digits[u.bytes[i] & 15];
    }
    *at = 0;
}

bool uuid_parse(Str s, Uuid *ret) {
    if (s.len != 36) {
        return false;
    }
    Uuid u;
    size_t nibble = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') {
                return false;
            }
            continue;
        }
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (v < 0) {
            return false;
        }
        unsigned char *byte = &u.bytes[nibble / 2];
        *byte = nibble % 2 ? (unsigned char)(*byte | v) : (unsigned char)(v << 4);
        nibble++;
    }
    *ret = u;
    return true;
}

bool equal_constant_time(Str a, Str b) { return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0); }
