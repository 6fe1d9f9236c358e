#include "catalog/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/hash.h"

enum {
    KEY_BYTES = 32,
    ID_BYTES = 8,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    BLOB_VERSION = 1,
    HEADER_BYTES = 1 + ID_BYTES,
    BLOB_OVERHEAD = HEADER_BYTES + NONCE_BYTES + TAG_BYTES,
    PLAIN_MAX = 16 << 20,
    KEYS_MAX = 256,
    FILE_MAX = 64 << 10,
};

typedef struct Key {
    unsigned char id[ID_BYTES];
    unsigned char bytes[KEY_BYTES];
} Key;

struct SecretKeys {
    SecretKeys *former;
    size_t count, current;
    Key items[KEYS_MAX];
};

/* Derived from the key, so that a damaged line in the file is noticed and not taken for another key. */
static void key_id(const unsigned char key[KEY_BYTES], unsigned char ret[ID_BYTES]) {
    unsigned char hash[32];
    hmac_sha256((Str){(const char *)key, KEY_BYTES}, STR("propolis key id"), hash);
    memcpy(ret, hash, ID_BYTES);
    OPENSSL_cleanse(hash, sizeof hash);
}

static const Key *find_key(const SecretKeys *keys, const unsigned char *id) {
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->items[i].id, id, ID_BYTES) == 0) {
            return &keys->items[i];
        }
    }
    return NULL;
}

static void wipe_buf(Buf *buf) {
    if (buf->ptr) {
        OPENSSL_cleanse(buf->ptr, buf->capacity);
    }
    buf_free(buf);
}

static bool bad_file(Err *err, const char *path, const char *rule) {
    return err_set(err, ERR_INVALID_CONFIG, "The secret key file %s %s", path, rule);
}

static bool bad_errno(Err *err, const char *path, const char *what) {
    char buffer[128];
    return err_set(err, ERR_INVALID_CONFIG, "Cannot %s the secret key file %s: %s", what, path,
                   strerror_r(errno, buffer, sizeof buffer));
}

static bool check_file(int fd, const char *path, Err *err) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return bad_errno(err, path, "look at");
    }
    if (!S_ISREG(st.st_mode)) {
        return bad_file(err, path, "is not a regular file");
    }
    if (st.st_mode & 077) {
        return err_set(
            err, ERR_INVALID_CONFIG,
            "The secret key file %s can be used by others (mode %04o); run chmod 600 on it, and if others may have read it, "
            "change the secrets it protects",
            path, st.st_mode & 07777);
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return bad_file(err, path, "belongs to another user; it must belong to the one the server runs as");
    }
    if (st.st_size > FILE_MAX) {
        return bad_file(err, path, "is larger than 64 KB, so it is no key file");
    }
    return true;
}

/* Appends the file to OUT. *RET_FOUND false: there is none. */
static bool read_file(const char *path, Buf *out, bool *ret_found, Err *err) {
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *ret_found = fd >= 0 || errno != ENOENT;
    if (!*ret_found) {
        return true;
    }
    if (fd < 0) {
        return errno == ELOOP ? bad_file(err, path, "is a symbolic link; name the file itself") : bad_errno(err, path, "open");
    }
    if (!check_file(fd, path, err)) {
        return false;
    }
    char *room = buf_reserve(out, FILE_MAX);
    if (!room) {
        return bad_file(err, path, "cannot be read: out of memory");
    }
    for (ssize_t got = 1; got > 0 && out->len < FILE_MAX; out->len += (size_t)got) {
        got = read(fd, room + out->len, FILE_MAX - out->len);
        if (got < 0) {
            return bad_errno(err, path, "read");
        }
    }
    return true;
}

static bool parse_key(SecretKeys *keys, Str id_text, Str key_text) {
    if (keys->count == KEYS_MAX) {
        return false;
    }
    Key *key = &keys->items[keys->count];
    CLEANUP(wipe_buf) Buf bytes = BUF_INIT(256);
    unsigned char id[ID_BYTES];
    if (!hex_decode(id_text, id, ID_BYTES) || !base64_decode(key_text, &bytes) || bytes.len != KEY_BYTES) {
        return false;
    }
    memcpy(key->bytes, bytes.ptr, KEY_BYTES);
    key_id(key->bytes, key->id);
    bool good = memcmp(key->id, id, ID_BYTES) == 0 && !find_key(keys, id);
    keys->count += good;
    return good;
}

/* "key ID BASE64" or "current ID". */
static bool parse_line(SecretKeys *keys, Str line, Str *current) {
    Str rest = line, word = STR_NULL, id = STR_NULL, key = STR_NULL;
    (void)(str_split(&rest, ' ', &word) && str_split(&rest, ' ', &id) && str_split(&rest, ' ', &key));
    if (!str_is_null(rest)) {
        return false;
    }
    if (str_eq(word, STR("current")) && str_is_null(key) && str_is_null(*current)) {
        *current = id;
        return !str_is_null(id);
    }
    return str_eq(word, STR("key")) && !str_is_null(key) && parse_key(keys, id, key);
}

static bool parse_file(SecretKeys *keys, const char *path, Str text, Err *err) {
    Str rest = text, line, current = STR_NULL;
    unsigned char id[ID_BYTES];
    for (unsigned number = 1; str_split(&rest, '\n', &line); number++) {
        line = str_trim(line);
        if (line.len && line.ptr[0] != '#' && !parse_line(keys, line, &current)) {
            return err_set(
                err, ERR_INVALID_CONFIG,
                "The secret key file %s, line %u, is neither a comment nor an intact 'key ID BASE64' nor the only 'current ID'; "
                "restore the file from a backup",
                path, number);
        }
    }
    const Key *key = hex_decode(current, id, ID_BYTES) ? find_key(keys, id) : NULL;
    if (!key) {
        return bad_file(err, path, "has no 'current ID' line that names one of its keys; restore the file from a backup");
    }
    keys->current = (size_t)(key - keys->items);
    return true;
}

static void write_keys(const SecretKeys *keys, Buf *out) {
    buf_add(out, STR("# Secret keys of Propolis. Back this file up, apart from the database: without it no stored\n"
                     "# secret can be read again. Never edit it by hand.\ncurrent "));
    buf_add_hex(out, keys->items[keys->current].id, ID_BYTES);
    for (size_t i = 0; i < keys->count; i++) {
        buf_add(out, STR("\nkey "));
        buf_add_hex(out, keys->items[i].id, ID_BYTES);
        buf_add_char(out, ' ');
        buf_add_base64(out, (Str){(const char *)keys->items[i].bytes, KEY_BYTES}, false);
    }
    buf_add_char(out, '\n');
}

static bool write_all(int fd, Str text) {
    while (text.len) {
        ssize_t put = write(fd, text.ptr, text.len);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        text = str_skip(text, put > 0 ? (size_t)put : 0);
    }
    return fsync(fd) == 0;
}

static int open_directory_of(const char *path) {
    char above[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)MAX(slash - path, 1) : 1;
    if (len >= sizeof above) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(above, slash ? path : ".", len);
    above[len] = 0;
    return open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Another name first, then one step: at no time is there half a key file. The directory is synced, because a secret may
 * be sealed with the new key right after. */
static bool write_file(const SecretKeys *keys, const char *path, int directory, bool replace, Err *err) {
    CLEANUP(wipe_buf) Buf text = BUF_INIT(FILE_MAX);
    char temporary[PATH_MAX];
    uint64_t tag;
    buf_reserve(&text, FILE_MAX); /* at once: growing would leave copies behind */
    write_keys(keys, &text);
    random_bytes(&tag, sizeof tag);
    if (text.failed || snprintf(temporary, sizeof temporary, "%s.%016" PRIx64, path, tag) >= (int)sizeof temporary) {
        return bad_file(err, path, "cannot be written: too many keys or too long a path");
    }
    CLEANUP(cleanup_close) int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return bad_errno(err, path, "create");
    }
    bool done = fchmod(fd, 0600) == 0 && write_all(fd, buf_str(&text)) &&
                renameat2(AT_FDCWD, temporary, AT_FDCWD, path, replace ? 0 : RENAME_NOREPLACE) == 0;
    if (!done) {
        int error = errno;
        unlink(temporary);
        errno = error;
        return !replace && error == EEXIST ? true : bad_errno(err, path, "write");
    }
    return fsync(directory) == 0 || bad_errno(err, path, "make durable");
}

static void add_fresh_key(SecretKeys *keys) {
    Key *key = &keys->items[keys->count];
    random_bytes(key->bytes, KEY_BYTES);
    key_id(key->bytes, key->id);
    keys->current = keys->count++;
}

/* All keys of the file in memory. *RET_FOUND false: no file, no keys. */
static bool read_keys(const char *path, SecretKeys *keys, bool *ret_found, Err *err) {
    CLEANUP(wipe_buf) Buf text = BUF_INIT(FILE_MAX);
    if (!read_file(path, &text, ret_found, err)) {
        return false;
    }
    return !*ret_found || parse_file(keys, path, buf_str(&text), err);
}

static SecretKeys *keys_new(void) {
    SecretKeys *keys = calloc(1, sizeof *keys);
    if (!keys) {
        abort();
    }
    return keys;
}

static void keys_cleanup(SecretKeys **keys) { secret_keys_free(*keys); }

static bool create_file(const char *path, Err *err) {
    CLEANUP(keys_cleanup) SecretKeys *fresh = keys_new();
    CLEANUP(cleanup_close) int directory = open_directory_of(path);
    if (directory < 0) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the analyzer does not see CLEANUP() */
        return bad_errno(err, path, "create");
    }
    add_fresh_key(fresh);
    return write_file(fresh, path, directory, false, err);
}

bool secret_keys_load(const char *path, bool create, SecretKeys **ret, Err *err) {
    CLEANUP(keys_cleanup) SecretKeys *keys = keys_new();
    bool found;
    if (!read_keys(path, keys, &found, err)) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the analyzer does not see CLEANUP() */
        return false;
    }
    if (!found && create) {
        if (!create_file(path, err) || !read_keys(path, keys, &found, err)) {
            return false;
        }
    }
    if (!found) {
        return bad_file(err, path, "is missing; restore it from a backup");
    }
    *ret = keys;
    keys = NULL;
    return true;
}

void secret_keys_free(SecretKeys *keys) {
    while (keys) {
        SecretKeys *former = keys->former;
        OPENSSL_cleanse(keys, sizeof *keys);
        free(keys);
        keys = former;
    }
}

bool secret_keys_equal(const SecretKeys *a, const SecretKeys *b) {
    return a->count == b->count && a->current == b->current && memcmp(a->items, b->items, a->count * sizeof *a->items) == 0;
}

void secret_keys_follow(SecretKeys *keys, SecretKeys *former) { keys->former = former; }

Str secret_key_id(const SecretKeys *keys, Arena *arena) {
    CLEANUP(buf_free) Buf id = BUF_INIT(64);
    buf_add_hex(&id, keys->items[keys->current].id, ID_BYTES);
    return arena_str(arena, buf_str(&id));
}

static bool add_or_advance(SecretKeys *keys, const char *path, bool advance, Err *err) {
    size_t current = keys->current;
    bool prepared = current + 1 < keys->count;
    if (prepared && advance) {
        keys->current = keys->count - 1;
        return true;
    }
    if (prepared) {
        return bad_file(err, path, "holds a prepared key already; rotate to it");
    }
    if (keys->count == KEYS_MAX) {
        return bad_file(err, path, "holds 256 keys already; seal all secrets again and take old ones out");
    }
    add_fresh_key(keys);
    keys->current = advance ? keys->current : current;
    return true;
}

static bool change_keys(const char *path, bool advance, Err *err) {
    CLEANUP(keys_cleanup) SecretKeys *keys = keys_new();
    CLEANUP(cleanup_close) int directory = open_directory_of(path);
    bool found;
    if (directory < 0 || flock(directory, LOCK_EX) != 0) { /* two rotations at once must not lose a key */
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the analyzer does not see CLEANUP() */
        return bad_errno(err, path, "lock the directory of");
    }
    if (!read_keys(path, keys, &found, err)) {
        return false;
    }
    if (!found) {
        return bad_file(err, path, "is missing; restore it from a backup");
    }
    return add_or_advance(keys, path, advance, err) && write_file(keys, path, directory, true, err);
}

bool secret_keys_prepare(const char *path, Err *err) { return change_keys(path, false, err); }
bool secret_keys_rotate(const char *path, Err *err) { return change_keys(path, true, err); }

/* Associated data: the header of the blob, then the id. */
static bool gcm_start(EVP_CIPHER_CTX *gcm, bool encrypt, const Key *key, const unsigned char *nonce, const unsigned char *header,
                      Str object_id) {
    int n;
    return EVP_CipherInit_ex(gcm, EVP_aes_256_gcm(), NULL, key->bytes, nonce, encrypt) == 1 &&
           EVP_CipherUpdate(gcm, NULL, &n, header, HEADER_BYTES) == 1 &&
           (object_id.len == 0 || EVP_CipherUpdate(gcm, NULL, &n, (const unsigned char *)object_id.ptr, (int)object_id.len) == 1);
}

static void gcm_cleanup(EVP_CIPHER_CTX **gcm) { EVP_CIPHER_CTX_free(*gcm); }

static bool update(EVP_CIPHER_CTX *gcm, unsigned char *out, const char *in, size_t len) {
    int n = 0;
    return len == 0 || (EVP_CipherUpdate(gcm, out, &n, (const unsigned char *)in, (int)len) == 1 && n == (int)len);
}

bool secret_seal(const SecretKeys *keys, Str object_id, Str plain, Arena *arena, Str *ret_blob, Err *err) {
    if (plain.len > PLAIN_MAX || object_id.len > PLAIN_MAX) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "A secret of %zu bytes is too large, the limit is %d", plain.len, PLAIN_MAX);
    }
    const Key *key = &keys->items[keys->current];
    unsigned char *blob = arena_alloc(arena, plain.len + BLOB_OVERHEAD);
    unsigned char *nonce = blob + HEADER_BYTES, *cipher = nonce + NONCE_BYTES, end[TAG_BYTES];
    CLEANUP(gcm_cleanup) EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int n;
    blob[0] = BLOB_VERSION;
    memcpy(blob + 1, key->id, ID_BYTES);
    random_bytes(nonce, NONCE_BYTES);
    if (!gcm || !gcm_start(gcm, true, key, nonce, blob, object_id) || !update(gcm, cipher, plain.ptr, plain.len) ||
        EVP_CipherFinal_ex(gcm, end, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, cipher + plain.len) != 1) {
        return err_set(err, ERR_INTERNAL, "A secret could not be encrypted");
    }
    *ret_blob = (Str){(const char *)blob, plain.len + BLOB_OVERHEAD};
    return true;
}

static const Key *key_of(const SecretKeys *keys, Str blob) {
    bool known = blob.len >= BLOB_OVERHEAD && blob.ptr[0] == BLOB_VERSION;
    return known ? find_key(keys, (const unsigned char *)blob.ptr + 1) : NULL;
}

bool secret_has_key(const SecretKeys *keys, Str blob) { return key_of(keys, blob) != NULL; }

StrList secret_old_marks(const SecretKeys *keys, Arena *arena) {
    _Static_assert((int)SECRET_MARK_BYTES == (int)HEADER_BYTES, "the mark is the header");
    StrList marks = {ARENA_ARRAY(arena, Str, keys->current), keys->current};
    for (size_t i = 0; i < keys->current; i++) {
        char *mark = arena_alloc(arena, HEADER_BYTES);
        mark[0] = BLOB_VERSION;
        memcpy(mark + 1, keys->items[i].id, ID_BYTES);
        marks.items[i] = (Str){mark, HEADER_BYTES};
    }
    return marks;
}

Str secret_key_of(Str blob, Arena *arena) {
    if (blob.len < BLOB_OVERHEAD || blob.ptr[0] != BLOB_VERSION) {
        return STR_NULL;
    }
    CLEANUP(buf_free) Buf text = BUF_INIT(3 * ID_BYTES);
    buf_add_hex(&text, blob.ptr + 1, ID_BYTES);
    return arena_str(arena, buf_str(&text));
}

static bool no_key(Str blob, Arena *arena, Err *err) {
    Str id = secret_key_of(blob, arena);
    if (str_is_null(id)) {
        return err_set(err, ERR_INTERNAL, "A stored secret is damaged or was written by a newer version; enter it again");
    }
    return err_set(err, ERR_SECRET_KEY_MISSING,
                   "A stored secret was encrypted with the key %" STR_FMT ", which is not in the secret key file; put back the "
                   "file that holds it (a restored catalog needs the secret.key of the server it was saved on), or enter the "
                   "secret again",
                   STR_ARG(id));
}

typedef struct Wipe {
    void *ptr;
    size_t len;
} Wipe;

static void wipe_later(void *arg) {
    const Wipe *wipe = arg;
    OPENSSL_cleanse(wipe->ptr, wipe->len);
}

static unsigned char *alloc_wiped(Arena *arena, size_t len) {
    Wipe *wipe = ARENA_NEW(arena, Wipe);
    *wipe = (Wipe){.ptr = arena_alloc(arena, len + 1), .len = len};
    arena_defer(arena, wipe_later, wipe);
    return wipe->ptr;
}

bool secret_open(const SecretKeys *keys, Str object_id, Str blob, Arena *arena, Str *ret_plain, Err *err) {
    const Key *key = key_of(keys, blob);
    if (!key) {
        return no_key(blob, arena, err);
    }
    size_t len = blob.len - BLOB_OVERHEAD;
    unsigned char tag[TAG_BYTES], end[TAG_BYTES];
    const unsigned char *bytes = (const unsigned char *)blob.ptr;
    CLEANUP(gcm_cleanup) EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int n;
    memcpy(tag, bytes + blob.len - TAG_BYTES, TAG_BYTES);
    if (len > PLAIN_MAX || object_id.len > PLAIN_MAX) {
        return err_set(err, ERR_INTERNAL, "A stored secret is larger than the limit of %d bytes", PLAIN_MAX);
    }
    unsigned char *plain = alloc_wiped(arena, len);
    if (!gcm || !gcm_start(gcm, false, key, bytes + HEADER_BYTES, bytes, object_id) ||
        !update(gcm, plain, blob.ptr + HEADER_BYTES + NONCE_BYTES, len) ||
        EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) != 1 || EVP_CipherFinal_ex(gcm, end, &n) != 1) {
        OPENSSL_cleanse(plain, len);
        return err_set(err, ERR_INTERNAL,
                       "A stored secret was changed or moved from another object, so it is not used; enter it again");
    }
    plain[len] = 0;
    *ret_plain = (Str){(const char *)plain, len};
    return true;
}

enum { SALT_BYTES = 16, HASH_BYTES = 32, LOG_N = 15, BLOCK_R = 8, PARALLEL_P = 1 };

typedef struct Scrypt {
    uint64_t log_n, r, p;
    unsigned char salt[SALT_BYTES], hash[HASH_BYTES];
} Scrypt;

static bool scrypt(Str password, const Scrypt *with, unsigned char out[HASH_BYTES]) {
    uint64_t n = (uint64_t)1 << with->log_n, memory = 128 * with->r * (n + with->p + 2) + (1 << 20);
    return EVP_PBE_scrypt(password.len ? password.ptr : "", password.len, with->salt, SALT_BYTES, n, with->r, with->p, memory, out,
                          HASH_BYTES) == 1;
}

/* HMAC, on which scrypt stands, takes "pw" and "pw\0" for the same key. */
static bool has_nul(Str password) { return password.len && memchr(password.ptr, 0, password.len); }

bool secret_password_hash(Str password, Arena *arena, Str *ret, Err *err) {
    if (str_is_empty(password) || password.len > SECRET_PASSWORD_MAX) {
        return err_set(err, ERR_INVALID_INPUT, "A password must have 1 to %d bytes, this one has %zu", SECRET_PASSWORD_MAX,
                       password.len);
    }
    if (has_nul(password)) {
        return err_set(err, ERR_INVALID_INPUT, "A password cannot have a NUL character");
    }
    Scrypt s = {.log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P};
    random_bytes(s.salt, SALT_BYTES);
    if (!scrypt(password, &s, s.hash)) {
        return err_set(err, ERR_INTERNAL, "A password could not be hashed (scrypt needs 33 MB of memory)");
    }
    CLEANUP(buf_free) Buf text = BUF_INIT(256);
    buf_printf(&text, "$scrypt$ln=%d,r=%d,p=%d$", LOG_N, BLOCK_R, PARALLEL_P);
    buf_add_base64(&text, (Str){(const char *)s.salt, SALT_BYTES}, true);
    buf_add_char(&text, '$');
    buf_add_base64(&text, (Str){(const char *)s.hash, HASH_BYTES}, true);
    *ret = arena_str(arena, buf_str(&text));
    return true;
}

static bool parse_number(Str *rest, Str name, uint64_t low, uint64_t high, uint64_t *ret) {
    Str part;
    return str_split(rest, ',', &part) && str_starts(part, name) && str_to_u64(str_skip(part, name.len), ret) && *ret >= low &&
           *ret <= high;
}

static bool parse_bytes(Str text, unsigned char *out, size_t bytes) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(128);
    if (!base64_decode(text, &buf) || buf.len != bytes) {
        return false;
    }
    memcpy(out, buf.ptr, bytes);
    return true;
}

/* The bounds keep a hostile row from costing more than 128 MB. */
static bool parse_scrypt(Str encoded, Scrypt *ret) {
    Str rest = encoded, empty, name, numbers, salt, hash;
    return str_split(&rest, '$', &empty) && empty.len == 0 && str_split(&rest, '$', &name) && str_eq(name, STR("scrypt")) &&
           str_split(&rest, '$', &numbers) && str_split(&rest, '$', &salt) && str_split(&rest, '$', &hash) && str_is_null(rest) &&
           parse_number(&numbers, STR("ln="), 10, 17, &ret->log_n) && parse_number(&numbers, STR("r="), 8, 8, &ret->r) &&
           parse_number(&numbers, STR("p="), 1, 4, &ret->p) && str_is_null(numbers) && parse_bytes(salt, ret->salt, SALT_BYTES) &&
           parse_bytes(hash, ret->hash, HASH_BYTES);
}

bool secret_password_verify(Str password, Str encoded) {
    Scrypt s;
    unsigned char out[HASH_BYTES];
    bool real = parse_scrypt(encoded, &s) && password.len > 0 && password.len <= SECRET_PASSWORD_MAX && !has_nul(password);
    if (!real) {
        s = (Scrypt){.log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P};
        password = str_slice(password, 0, SECRET_PASSWORD_MAX);
    }
    bool same = scrypt(password, &s, out) && CRYPTO_memcmp(out, s.hash, HASH_BYTES) == 0;
    OPENSSL_cleanse(out, sizeof out);
    return real && same;
}

static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
#define TOKEN_PREFIX "propolis_"
enum { PREFIX_LENGTH = sizeof TOKEN_PREFIX - 1, RANDOM_LENGTH = 43, CHECK_LENGTH = 6 };

static void token_checksum(const char *random, char out[CHECK_LENGTH]) {
    unsigned long sum = crc32(0, (const Bytef *)random, RANDOM_LENGTH);
    for (int i = CHECK_LENGTH - 1; i >= 0; i--) {
        out[i] = DIGITS[sum % 62];
        sum /= 62;
    }
}

void secret_token_new(SecretToken *ret) {
    char *at = ret->text + PREFIX_LENGTH;
    memcpy(ret->text, TOKEN_PREFIX, PREFIX_LENGTH);
    for (int i = 0; i < RANDOM_LENGTH;) {
        unsigned char byte;
        random_bytes(&byte, 1);
        if (byte < 62 * 4) { /* the rest would make some characters more likely */
            at[i++] = DIGITS[byte % 62];
        }
    }
    token_checksum(at, at + RANDOM_LENGTH);
    ret->text[SECRET_TOKEN_LENGTH] = 0;
    sha256((Str){ret->text, SECRET_TOKEN_LENGTH}, ret->hash);
}

void secret_token_wipe(SecretToken *token) { OPENSSL_cleanse(token, sizeof *token); }

bool secret_token_hash(Str text, unsigned char ret[32]) {
    char check[CHECK_LENGTH];
    if (text.len != SECRET_TOKEN_LENGTH || !str_starts(text, STR(TOKEN_PREFIX))) {
        return false;
    }
    for (size_t i = PREFIX_LENGTH; i < text.len; i++) {
        if (!memchr(DIGITS, text.ptr[i], 62)) {
            return false;
        }
    }
    token_checksum(text.ptr + PREFIX_LENGTH, check);
    if (CRYPTO_memcmp(check, text.ptr + PREFIX_LENGTH + RANDOM_LENGTH, CHECK_LENGTH) != 0) {
        return false;
    }
    sha256(text, ret);
    return true;
}
