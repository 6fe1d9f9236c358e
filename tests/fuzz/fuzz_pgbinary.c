/* Any bytes as a value that PostgreSQL sent in binary: whatever the readers make of them lies within them, and what we write
 * we read back. The first byte picks the type, behind it stands the value; its lines are also the texts that are written. */
#include <libpq-fe.h>

#include "pg/pg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OID_TEXT = 25, OID_JSONB = 3802 };

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

/* One row, one column; a null Str is NULL. */
static PgRows row_of(Str value, unsigned type) {
    char name[] = "v";
    PGresAttDesc column = {.name = name, .format = 1, .typid = type, .typlen = -1};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    require(result && PQsetResultAttrs(result, 1, &column));
    require(PQsetvalue(result, 0, 0, (char *)(uintptr_t)value.ptr, value.ptr ? (int)value.len : -1));
    return (PgRows){.count = 1, .result = result};
}

static PgRows row_of_arg(const PgArgs *args) {
    const char *value = args->values[args->count - 1];
    return row_of((Str){value, value ? (size_t)args->lengths[args->count - 1] : 0}, args->types[args->count - 1]);
}

static void require_within(Str item, Str whole) {
    require(!item.ptr || (item.ptr >= whole.ptr && item.len <= whole.len && item.ptr + item.len <= whole.ptr + whole.len));
}

static void read_any(const PgRows *rows, Arena *arena) {
    Str whole = pg_bytes(rows, 0, 0);
    require_within(pg_text(rows, 0, 0), whole);
    int64_t number = pg_i64(rows, 0, 0, 7);
    require(pg_i32(rows, 0, 0, 7) == MAX(MIN(number, (int64_t)INT32_MAX), (int64_t)INT32_MIN));
    require(pg_i16(rows, 0, 0, 7) == MAX(MIN(number, (int64_t)INT16_MAX), (int64_t)INT16_MIN));
    (void)pg_bool(rows, 0, 0);
    (void)pg_double(rows, 0, 0, 0.5);
    (void)pg_uuid(rows, 0, 0);
    StrList texts = pg_texts(rows, 0, 0, arena);
    for (size_t i = 0; i < texts.count; i++) {
        require_within(texts.items[i], whole);
    }
    Params params = pg_params(rows, 0, 0, arena);
    require(params.count <= texts.count / 2);
    for (size_t i = 0; i < params.count; i++) {
        require_within(params.items[i].key, whole);
        require_within(params.items[i].value, whole);
        require(i == 0 || str_cmp(params.items[i - 1].key, params.items[i].key) < 0);
    }
    size_t count;
    const int64_t *numbers = pg_i64s(rows, 0, 0, arena, &count);
    require(count == texts.count && (count == 0 || numbers));
    require(arena_used(arena) <= 64 * whole.len + 4096); /* a count that lies reserves nothing */
}

static void write_time(const PgRows *rows, Arena *arena) {
    PgArgs args = pg_args(arena);
    Micros time = pg_time(rows, 0, 0);
    pg_arg_time(&args, time);
    PgRows back = row_of_arg(&args);
    require(pg_time(&back, 0, 0) == time);
    PQclear(back.result);
    pg_arg_times(&args, &time, 1);
    back = row_of_arg(&args);
    require(pg_texts(&back, 0, 0, arena).count == 1);
    PQclear(back.result);
}

static StrList lines_of(Str text, Arena *arena) {
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++) {
        most += text.ptr[i] == '\n';
    }
    StrList list = {ARENA_ARRAY(arena, Str, most), 0};
    Str line;
    while (str_split(&text, '\n', &line)) {
        list.items[list.count++] = str_eq(line, STR("-")) ? STR_NULL : line;
    }
    return list;
}

static void write_texts(StrList list, Arena *arena) {
    PgArgs args = pg_args(arena);
    pg_arg_texts(&args, list);
    PgRows rows = row_of_arg(&args);
    StrList back = pg_texts(&rows, 0, 0, arena);
    require(back.count == list.count);
    for (size_t i = 0; i < list.count; i++) {
        require(str_eq(back.items[i], list.items[i]));
    }
    PQclear(rows.result);
}

static void write_params(StrList list, Arena *arena) {
    Params params = {0};
    for (size_t i = 0; i < list.count; i++) {
        Str rest = list.items[i], key = STR_NULL;
        if (str_split(&rest, '=', &key) && rest.ptr) {
            params_append(&params, arena, key, rest);
        }
    }
    params_sort(&params);
    PgArgs args = pg_args(arena);
    pg_arg_params(&args, &params);
    PgRows rows = row_of_arg(&args);
    Params back = pg_params(&rows, 0, 0, arena);
    require(params_equal(&params, &back));
    PQclear(rows.result);
}

static void write_numbers(Str bytes, Arena *arena) {
    size_t count = bytes.len / sizeof(int64_t), back_count;
    int64_t *numbers = ARENA_ARRAY(arena, int64_t, count);
    if (count) {
        memcpy(numbers, bytes.ptr, count * sizeof *numbers);
    }
    PgArgs args = pg_args(arena);
    pg_arg_i64s(&args, numbers, count);
    PgRows rows = row_of_arg(&args);
    const int64_t *back = pg_i64s(&rows, 0, 0, arena, &back_count);
    require(back_count == count && (count == 0 || memcmp(back, numbers, count * sizeof *numbers) == 0));
    PQclear(rows.result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > 64 * 1024) {
        return 0;
    }
    CLEANUP(arena_cleanup) Arena *readers = arena_new(SIZE_MAX / 2), *writers = arena_new(SIZE_MAX / 2);
    Str value = {(const char *)data + 1, size - 1};
    PgRows rows = row_of(data[0] == 'n' ? STR_NULL : value, data[0] == 'j' ? OID_JSONB : OID_TEXT);
    read_any(&rows, readers);
    write_time(&rows, writers);
    PQclear(rows.result);
    StrList lines = lines_of(value, writers);
    write_texts(lines, writers);
    write_params(lines, writers);
    write_numbers(value, writers);
    return 0;
}
