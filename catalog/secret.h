/* Secret: what protects the secrets that the catalog keeps: sealed texts, passwords and tokens.
 *
 * Purpose:   connection secrets are sealed with AES-256-GCM under a key that is not in the database; passwords are kept as
 *            scrypt hashes, tokens as SHA-256.
 * Ownership: SecretKeys belongs to the server. Opened texts live in the arena and are wiped when it is reset.
 * Threads:   SecretKeys never changes after loading; everything may be called from any thread.
 *
 * No error, log line or file name made here ever contains a key, a password, a token or a sealed text. */
#ifndef PROPOLIS_CATALOG_SECRET_H
#define PROPOLIS_CATALOG_SECRET_H

#include "base/arena.h"

typedef struct SecretKeys SecretKeys;

/* The key file is text, a line per key ("key ID BASE64") and one "current ID". It must be a regular file that belongs to
 * the server's user (or root) and that nobody else can read. CREATE: make one with a fresh key when there is none; if two
 * servers do so at once, both end up with the same file. ERR_INVALID_CONFIG, naming path and rule. */
bool secret_keys_load(const char *path, bool create, SecretKeys **ret, Err *err) WARN_UNUSED;
/* Wipes the keys, and those they came after. */
void secret_keys_free(SecretKeys *keys);
/* Adds a fresh key to the file, behind the others, but seals with it only after the next rotation: so it can be brought to
 * all machines first. */
bool secret_keys_prepare(const char *path, Err *err) WARN_UNUSED;
/* Makes the last key of the file the current one, a fresh one if the last is current already; the others stay for opening.
 * Running servers see it when they load the file again. */
bool secret_keys_rotate(const char *path, Err *err) WARN_UNUSED;
bool secret_keys_equal(const SecretKeys *a, const SecretKeys *b);
/* FORMER lives as long as KEYS from now on, because somebody may still be using it. */
void secret_keys_follow(SecretKeys *keys, SecretKeys *former);
/* Of the current key; nothing secret. */
Str secret_key_id(const SecretKeys *keys, Arena *arena);

/* OBJECT_ID binds the blob to what it belongs to: put anywhere else, it cannot be opened. */
bool secret_seal(const SecretKeys *keys, Str object_id, Str plain, Arena *arena, Str *ret_blob, Err *err) WARN_UNUSED;
/* ERR_SECRET_KEY_MISSING: KEYS lack its key; ERR_INTERNAL: it is damaged, or somebody else's. */
bool secret_open(const SecretKeys *keys, Str object_id, Str blob, Arena *arena, Str *ret_plain, Err *err) WARN_UNUSED;
/* False: the key file must be loaded again, or is the wrong one. */
bool secret_has_key(const SecretKeys *keys, Str blob);
/* Which key it was sealed with; nothing secret. Null: damaged, or of a newer version. */
Str secret_key_of(Str blob, Arena *arena);
/* A blob should be sealed again when it begins with one of these: the marks of the keys before the current one. A key behind
 * it is one that another server has rotated to already. */
enum { SECRET_MARK_BYTES = 9 };
StrList secret_old_marks(const SecretKeys *keys, Arena *arena);

enum { SECRET_PASSWORD_MAX = 1024 };

/* scrypt, N = 2^15, r = 8, p = 1: "$scrypt$ln=15,r=8,p=1$SALT$HASH". ERR_INVALID_INPUT: empty, too long, a NUL in it. */
bool secret_password_hash(Str password, Arena *arena, Str *ret, Err *err) WARN_UNUSED;
/* Takes the same time whether ENCODED is null (no such user), or the password is right or wrong. False also for an
 * ENCODED that is none. Costs 32 MB and some 60 ms: cache what was verified, and limit how many run at once. */
bool secret_password_verify(Str password, Str encoded) WARN_UNUSED;

/* "propolis_" + 43 random characters (256 bits) + 6 of checksum, all in [0-9A-Za-z]: scanners for leaked secrets find it
 * by propolis_[0-9A-Za-z]{49} and can tell a real one from a look-alike. */
enum { SECRET_TOKEN_LENGTH = 9 + 43 + 6 };

typedef struct SecretToken {
    char text[SECRET_TOKEN_LENGTH + 1]; /* shown once, never stored */
    unsigned char hash[32];             /* what is stored */
} SecretToken;

void secret_token_new(SecretToken *ret);
void secret_token_wipe(SecretToken *token); /* also for CLEANUP() */
/* The hash to look up; false for a text that cannot be a token (form or checksum), which needs no look-up. */
bool secret_token_hash(Str text, unsigned char ret[32]) WARN_UNUSED;

#endif
