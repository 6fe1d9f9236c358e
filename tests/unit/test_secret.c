/* Sealed secrets, the key file, password hashes and tokens. */
#include "catalog/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"

static Arena *arena;
static char box[] = "/tmp/propolis-secret-XXXXXX";
static const char *path;
static Err err;

static int setup(void **state) {
    (void)state;
    arena = arena_new(64 << 20);
    memcpy(box + sizeof box - 7, "XXXXXX", 6);
    if (!mkdtemp(box)) {
        return -1;
    }
    path = arena_cstr(arena, arena_printf(arena, "%s/secret.key", box));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    unlink(path);
    arena_free(arena);
    return rmdir(box); /* fails when a temporary file was left behind */
}

static SecretKeys *load(bool create) {
    SecretKeys *keys = NULL;
    if (!secret_keys_load(path, create, &keys, &err)) {
        fail_msg("%s", err.message);
    }
    return keys;
}

static void refuse(const char *part) {
    SecretKeys *keys = NULL;
    assert_false(secret_keys_load(path, true, &keys, &err));
    assert_null(keys);
    assert_int_equal(err.code, ERR_INVALID_CONFIG);
    assert_non_null(strstr(err.message, path));
    if (!strstr(err.message, part)) {
        fail_msg("'%s' is not in: %s", part, err.message);
    }
}

static Str slurp(void) {
    static char text[70000];
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    return arena_str(arena, (Str){text, len});
}

static void spill(Str text) {
    unlink(path);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static void expect_open(const SecretKeys *keys, Str id, Str blob, Str wanted) {
    Str plain;
    if (!secret_open(keys, id, blob, arena, &plain, &err)) {
        fail_msg("%s", err.message);
    }
    assert_true(str_eq(plain, wanted));
}

static void expect_closed(const SecretKeys *keys, Str id, Str blob, const char *part) {
    Str plain = STR("untouched");
    assert_false(secret_open(keys, id, blob, arena, &plain, &err));
    assert_int_equal(err.code, strstr(err.message, "not in the secret key file") ? ERR_SECRET_KEY_MISSING : ERR_INTERNAL);
    assert_true(str_eq(plain, STR("untouched")));
    if (!strstr(err.message, part)) {
        fail_msg("'%s' is not in: %s", part, err.message);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    SecretKeys *keys = load(true);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    const Str plains[] = {STR(""), STR("x"), STR("p\0ss \xC3\xBC"), (Str){(const char *)arena_zalloc(arena, 100000), 100000}};
    for (size_t i = 0; i < ARRAY_LEN(plains); i++) {
        Str one, two;
        assert_true(secret_seal(keys, STR("id-1"), plains[i], arena, &one, &err));
        assert_true(secret_seal(keys, STR("id-1"), plains[i], arena, &two, &err));
        assert_false(str_eq(one, two)); /* a fresh nonce each time */
        assert_true(plains[i].len < 4 || str_find(one, plains[i]) == SIZE_MAX);
        expect_open(keys, STR("id-1"), one, plains[i]);
        assert_true(secret_has_key(keys, one));
    }
    Str blob;
    assert_true(secret_seal(keys, STR(""), STR("x"), arena, &blob, &err));
    expect_open(keys, STR(""), blob, STR("x"));
    secret_keys_free(keys);
    secret_keys_free(NULL);
    keys = load(false);
    expect_open(keys, STR(""), blob, STR("x"));
    secret_keys_free(keys);
}

static void test_tampering(void **state) {
    (void)state;
    SecretKeys *keys = load(true);
    Str blob;
    assert_true(secret_seal(keys, STR("connection-1"), STR("hunter2"), arena, &blob, &err));
    expect_closed(keys, STR("connection-2"), blob, "moved from another object");
    expect_closed(keys, STR(""), blob, "moved from another object");
    expect_closed(keys, STR("connection-1 "), blob, "moved from another object");
    for (size_t i = 0; i < blob.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            char *bad = arena_alloc(arena, blob.len);
            memcpy(bad, blob.ptr, blob.len);
            bad[i] = (char)(bad[i] ^ (1 << bit));
            expect_closed(keys, STR("connection-1"), (Str){bad, blob.len},
                          i == 0  ? "damaged"
                          : i < 9 ? "not in the secret key file"
                                  : "changed");
        }
    }
    for (size_t len = 0; len < blob.len; len++) {
        expect_closed(keys, STR("connection-1"), str_slice(blob, 0, len), "A stored secret");
    }
    expect_closed(keys, STR("connection-1"), ARENA_CONCAT(arena, blob, STR("x")), "changed");
    expect_closed(keys, STR("connection-1"), STR_NULL, "damaged");
    assert_null(strstr(err.message, "hunter2"));
    secret_keys_free(keys);
}

/* A prepared key opens, but nothing is sealed with it, and nothing of it is old. */
static void test_prepared_key(void **state) {
    (void)state;
    Str blob;
    assert_false(secret_keys_prepare(path, &err));
    SecretKeys *first = load(true);
    assert_true(secret_keys_prepare(path, &err));
    SecretKeys *prepared = load(false);
    assert_true(str_eq(secret_key_id(first, arena), secret_key_id(prepared, arena)));
    assert_false(secret_keys_prepare(path, &err));
    assert_non_null(strstr(err.message, "rotate to it"));
    assert_true(secret_keys_rotate(path, &err));
    SecretKeys *rotated = load(false);
    assert_false(str_eq(secret_key_id(first, arena), secret_key_id(rotated, arena)));
    assert_true(secret_seal(rotated, STR("c"), STR("x"), arena, &blob, &err));
    expect_open(prepared, STR("c"), blob, STR("x"));
    assert_int_equal(secret_old_marks(prepared, arena).count, 0);
    assert_int_equal(secret_old_marks(rotated, arena).count, 1);
    secret_keys_follow(rotated, prepared);
    secret_keys_free(rotated);
    secret_keys_free(first);
}

static void test_rotation(void **state) {
    (void)state;
    assert_false(secret_keys_rotate(path, &err));
    SecretKeys *old = load(true);
    Str first, second;
    assert_true(secret_seal(old, STR("c"), STR("one"), arena, &first, &err));
    assert_true(secret_keys_rotate(path, &err));
    SecretKeys *new_keys = load(false);
    expect_open(new_keys, STR("c"), first, STR("one"));
    assert_int_equal(secret_old_marks(old, arena).count, 0);
    StrList marks = secret_old_marks(new_keys, arena);
    assert_true(marks.count == 1 && str_starts(first, marks.items[0]));
    assert_false(secret_keys_equal(old, new_keys));
    assert_true(secret_seal(new_keys, STR("c"), STR("two"), arena, &second, &err));
    assert_false(str_starts(second, marks.items[0]));
    assert_false(secret_has_key(old, second));
    expect_closed(old, STR("c"), second, "not in the secret key file; put back");
    for (int i = 0; i < 254; i++) {
        assert_true(secret_keys_rotate(path, &err));
    }
    assert_false(secret_keys_rotate(path, &err));
    assert_non_null(strstr(err.message, "256 keys"));
    secret_keys_free(old);
    secret_keys_free(new_keys);
    new_keys = load(false);
    expect_open(new_keys, STR("c"), first, STR("one"));
    expect_open(new_keys, STR("c"), second, STR("two"));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    secret_keys_free(new_keys);
}

static void test_file_rights(void **state) {
    (void)state;
    SecretKeys *keys;
    assert_false(secret_keys_load(path, false, &keys, &err));
    assert_non_null(strstr(err.message, "is missing"));
    secret_keys_free(load(true));
    const mode_t bad[] = {0640, 0604, 0660, 0620, 0610, 0644, 0777, 0601};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        refuse("chmod 600");
        assert_false(secret_keys_rotate(path, &err));
    }
    assert_int_equal(chmod(path, 0400), 0);
    secret_keys_free(load(false));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    refuse("symbolic link");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse("not a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse("not a regular file");
    assert_int_equal(unlink(path), 0);
    spill((Str){arena_zalloc(arena, 65537), 65537});
    refuse("64 KB");
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        refuse("another user");
    }
    assert_int_equal(unlink(path), 0);
    path = arena_cstr(arena, arena_printf(arena, "%s/none/secret.key", box));
    refuse("No such file");
}

static void test_damaged_file(void **state) {
    (void)state;
    secret_keys_free(load(true));
    Str good = slurp();
    size_t current = str_find(good, STR("current ")), key = str_find(good, STR("\nkey ")) + 1;
    Str key_line = str_skip(good, key);
    const Str bad[] = {
        STR(""),
        STR("\n\n"),
        STR("garbage"),
        STR("\0\0\0"),
        str_slice(good, 0, key),
        key_line,
        str_slice(good, 0, good.len - 8),
        ARENA_CONCAT(arena, good, key_line),
        ARENA_CONCAT(arena, good, str_slice(good, current, key)),
        ARENA_CONCAT(arena, good, STR("key 0011223344556677 AAAA\n")),
        ARENA_CONCAT(arena, good, STR("key\n")),
        ARENA_CONCAT(arena, good, STR("current\n")),
        ARENA_CONCAT(arena, STR("current 0011223344556677\n"), key_line),
        ARENA_CONCAT(arena, str_slice(good, 0, good.len - 1), STR(" more\n")),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        spill(bad[i]);
        refuse("restore the file from a backup");
        assert_false(secret_keys_rotate(path, &err));
        assert_true(str_eq(slurp(), bad[i]) || bad[i].len == 0); /* and never overwritten */
    }
    for (size_t i = key + 4; i < good.len - 1; i++) { /* any character of the key's line */
        if (good.ptr[i] != ' ' && good.ptr[i] != '=') {
            char *text = arena_alloc(arena, good.len);
            memcpy(text, good.ptr, good.len);
            text[i] = text[i] == '0' ? '1' : '0';
            spill((Str){text, good.len});
            SecretKeys *keys = NULL;
            bool loaded = secret_keys_load(path, false, &keys, &err);
            /* Only the two unused bits of the last base64 digit may go unnoticed. */
            assert_true(!loaded || i == good.len - 3);
            secret_keys_free(keys);
            assert_true(loaded || !strstr(err.message, arena_cstr(arena, str_slice(good, key + 21, key + 40))));
        }
    }
    spill(good);
    secret_keys_free(load(false));
}

static void test_created_by_many(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        unlink(path);
        pid_t pids[6];
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                SecretKeys *keys;
                Str blob;
                bool ok = secret_keys_load(path, true, &keys, &err) &&
                          secret_seal(keys, STR("c"), STR("same"), arena, &blob, &err) &&
                          write(pipes[1], blob.ptr, blob.len) == (ssize_t)blob.len;
                _exit(ok ? 0 : 1);
            }
        }
        for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
            int status;
            waitpid(pids[i], &status, 0);
            assert_int_equal(status, 0);
        }
        SecretKeys *keys = load(false);
        for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
            char blob[41];
            assert_int_equal(read(pipes[0], blob, sizeof blob), sizeof blob);
            expect_open(keys, STR("c"), (Str){blob, sizeof blob}, STR("same"));
        }
        secret_keys_free(keys);
        close(pipes[0]);
        close(pipes[1]);
    }
}

static void test_passwords(void **state) {
    (void)state;
    Str one, two;
    assert_true(secret_password_hash(STR("correct horse"), arena, &one, &err));
    assert_true(secret_password_hash(STR("correct horse"), arena, &two, &err));
    assert_false(str_eq(one, two));
    assert_true(str_starts(one, STR("$scrypt$ln=15,r=8,p=1$")));
    assert_true(str_find(one, STR("horse")) == SIZE_MAX);
    assert_true(secret_password_verify(STR("correct horse"), one));
    assert_true(secret_password_verify(STR("correct horse"), two));
    const Str wrong[] = {STR("correct horsf"), STR("correct horse "), STR(""), STR("correct"), STR("correct horse\0")};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(secret_password_verify(wrong[i], one));
    }
    const Str bad[] = {STR_NULL,
                       STR(""),
                       STR("x"),
                       STR("$scrypt$ln=15,r=8,p=1$"),
                       STR("$scrypt$ln=63,r=8,p=1$AAAA$AAAA"),
                       ARENA_CONCAT(arena, one, STR("$")),
                       str_slice(one, 0, one.len - 4),
                       ARENA_CONCAT(arena, STR("$x"), one)};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(secret_password_verify(STR("correct horse"), bad[i]));
    }
    char text[SECRET_PASSWORD_MAX + 1];
    memset(text, 'p', sizeof text);
    assert_true(secret_password_hash((Str){text, SECRET_PASSWORD_MAX}, arena, &one, &err));
    assert_true(secret_password_verify((Str){text, SECRET_PASSWORD_MAX}, one));
    assert_false(secret_password_verify((Str){text, SECRET_PASSWORD_MAX + 1}, one));
    assert_false(secret_password_hash((Str){text, SECRET_PASSWORD_MAX + 1}, arena, &one, &err));
    assert_int_equal(err.code, ERR_INVALID_INPUT);
    assert_false(secret_password_hash(STR(""), arena, &one, &err));
    assert_false(secret_password_hash(STR("a\0b"), arena, &one, &err));
}

/* Made with Python's hashlib.scrypt. */
static void test_known_hash(void **state) {
    (void)state;
    assert_true(secret_password_verify(
        STR("pleaseletmein"), STR("$scrypt$ln=15,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$JYKBuLDQejdW91OoAVCiGR9fO7iKnG8TLMbJdrgwdPc")));
}

static void test_tokens(void **state) {
    (void)state;
    SecretToken one, two;
    unsigned char hash[32];
    for (int i = 0; i < 500; i++) {
        secret_token_new(&one);
        assert_int_equal(strlen(one.text), SECRET_TOKEN_LENGTH);
        assert_true(str_starts(str_from(one.text), STR("propolis_")));
        assert_int_equal(strspn(one.text + 9, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), 49);
        assert_true(secret_token_hash(str_from(one.text), hash));
        assert_memory_equal(hash, one.hash, 32);
    }
    secret_token_new(&two);
    assert_string_not_equal(one.text, two.text);
    for (size_t i = 0; i < SECRET_TOKEN_LENGTH; i++) {
        SecretToken bad = one;
        bad.text[i] = bad.text[i] == 'a' ? 'b' : 'a';
        assert_false(secret_token_hash(str_from(bad.text), hash));
        bad.text[i] = '\xC3';
        assert_false(secret_token_hash(str_from(bad.text), hash));
        assert_false(secret_token_hash((Str){one.text, i}, hash));
    }
    assert_false(secret_token_hash(STR_NULL, hash));
    assert_false(secret_token_hash((Str){one.text, SECRET_TOKEN_LENGTH + 1}, hash));
    secret_token_wipe(&one);
    assert_int_equal(one.text[0], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(round_trip),   TEST(tampering),       TEST(rotation),  TEST(prepared_key), TEST(file_rights),
        TEST(damaged_file), TEST(created_by_many), TEST(passwords), TEST(known_hash),   TEST(tokens),
    };
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
