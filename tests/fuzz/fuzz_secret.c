/* Any bytes as a sealed blob, a token and a key file. */
#include "catalog/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char path[64];
static int file;

static void remove_file(void) { unlink(path); }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    snprintf(path, sizeof path, "/dev/shm/propolis-fuzz-%d.key", (int)getpid());
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    atexit(remove_file);
    return file < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(1 << 20);
    Str input = {(const char *)data, size}, plain, blob;
    unsigned char hash[32];
    SecretKeys *keys;
    Err err;
    (void)!secret_token_hash(input, hash);
    if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size || !secret_keys_load(path, false, &keys, &err)) {
        return 0;
    }
    if (secret_open(keys, STR(""), input, arena, &plain, &err) || !secret_seal(keys, input, input, arena, &blob, &err) ||
        !secret_open(keys, input, blob, arena, &plain, &err) || !str_eq(plain, input)) {
        abort();
    }
    secret_keys_free(keys);
    return 0;
}
