/* Any bytes as a definition file: what is accepted must survive being written and read again. */
#include "cli/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(Arena *arena, const json_t *value) {
    CLEANUP(buf_free) Buf text = BUF_INIT(64 << 20);
    json_t *again;
    Err err;
    if (!cli_yaml_write(&text, value, true, &err) || !cli_yaml_read(arena, "again", buf_str(&text), &again, &err) ||
        json_array_size(again) != 1 || !json_equal(json_array_get(again, 0), value)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Arena *arena;
    json_t *documents;
    Err err;
    if (!arena) {
        arena = arena_new(256 << 20);
    }
    if (cli_yaml_read(arena, "fuzz", (Str){(const char *)data, size}, &documents, &err)) {
        for (size_t i = 0; i < json_array_size(documents); i++) {
            check_round_trip(arena, json_array_get(documents, i));
        }
    }
    arena_reset(arena);
    return 0;
}
