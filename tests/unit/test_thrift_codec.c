#include "thrift/decode.h"
#include "thrift/encode.h"
#include "thrift/hms.h"

#include "thrift_random.h"
#include "unit.h"

static const ThriftProtocol protocols[] = {THRIFT_BINARY, THRIFT_COMPACT};
static const RandomShape some = {.complete = false, .items = 3, .pairs = 3, .depth = 3};

#define TABLE(NAME) (&hms_structs[HMS_STRUCT_##NAME])
#define BYTES(literal) ((Str){"" literal, sizeof(literal) - 1})

#define LITERAL(array) ((Str){(array), sizeof(array) - 1})

/* The body only, of a message without a name. */
static Str body_of(ThriftProtocol protocol, const ThriftStruct *strukt, const void *value) {
    CLEANUP(buf_free) Buf out = BUF_INIT(64 << 20);
    ThriftMessage message = {protocol, THRIFT_REPLY, STR("m"), 7}, back;
    Str body;
    Err err;
    assert_ok(thrift_encode(&message, strukt, value, &out, NULL, &err));
    Str bytes = arena_str(unit_arena(), buf_str(&out));
    assert_ok(thrift_decode_head(bytes, protocol == THRIFT_COMPACT, &back, &body, &err));
    assert_int_equal(back.protocol, protocol);
    assert_int_equal(back.seqid, 7);
    assert_str_eq(back.name, STR("m"));
    return body;
}

static bool decode(Str body, ThriftProtocol protocol, const ThriftStruct *strukt, void *ret, Err *err) {
    return thrift_decode(body, protocol, &random_limits, strukt, unit_arena(), ret, err);
}

static void refuse_within(const ThriftLimits *limits, Str body, ThriftProtocol protocol, const ThriftStruct *strukt,
                          const char *text) {
    Err err = {.message = ""};
    void *value = arena_zalloc(unit_arena(), strukt->bytes);
    if (thrift_decode(body, protocol, limits, strukt, unit_arena(), value, &err)) {
        fail_msg("taken, where \"%s\" was expected", text);
    }
    assert_str_contains(str_from(err.message), text);
}

static void refuse(Str body, ThriftProtocol protocol, const ThriftStruct *strukt, const char *text) {
    refuse_within(&random_limits, body, protocol, strukt, text);
}

/* ---- known bytes --------------------------------------------------------------------------------------------------- */

static const char get_table_binary[] = "\x80\x01\x00\x01\x00\x00\x00\x09get_table\x00\x00\x00\x05"
                                       "\x0b\x00\x01\x00\x00\x00\x02"
                                       "db\x0b\x00\x02\x00\x00\x00\x01t\x00";
static const char get_table_old[] = "\x00\x00\x00\x09get_table\x01\x00\x00\x00\x05"
                                    "\x0b\x00\x01\x00\x00\x00\x02"
                                    "db\x0b\x00\x02\x00\x00\x00\x01t\x00";
static const char get_table_compact[] = "\x82\x21\x05\x09get_table\x18\x02"
                                        "db\x18\x01t\x00";

static void test_known_messages(void **state) {
    (void)state;
    const Str known[] = {LITERAL(get_table_binary), LITERAL(get_table_old), LITERAL(get_table_compact)};
    HmsGetTableArgs args = {.dbname = STR("db"), .tbl_name = STR("t")}, back;
    for (ThriftProtocol protocol = THRIFT_BINARY; protocol <= THRIFT_COMPACT; protocol++) {
        CLEANUP(buf_free) Buf out = BUF_INIT(1000);
        ThriftMessage message = {protocol, THRIFT_CALL, STR("get_table"), 5}, head;
        Str body;
        Err err;
        assert_ok(thrift_encode(&message, TABLE(GET_TABLE_ARGS), &args, &out, NULL, &err));
        assert_str_eq(buf_str(&out), known[protocol]);
        assert_ok(thrift_decode_head(buf_str(&out), protocol == THRIFT_COMPACT, &head, &body, &err));
        assert_int_equal(head.protocol, protocol);
        assert_int_equal(head.type, THRIFT_CALL);
        assert_str_eq(head.name, STR("get_table"));
        assert_ok(decode(body, protocol, TABLE(GET_TABLE_ARGS), &back, &err));
        assert_str_eq(back.dbname, STR("db"));
        assert_true(back.dbname.ptr > out.ptr && back.dbname.ptr < out.ptr + out.len);
    }
}

static void test_numbers(void **state) {
    (void)state;
    HmsSQLPrimaryKey key = {
        .key_seq = -2, .has_key_seq = true, .enable_cstr = true, .has_enable_cstr = true, .has_rely_cstr = true};
    Str binary = BYTES("\x08\x00\x04\xff\xff\xff\xfe\x02\x00\x06\x01\x02\x00\x08\x00\x00");
    Str compact = BYTES("\x45\x03\x21\x22\x00");
    assert_str_eq(body_of(THRIFT_BINARY, TABLE(SQL_PRIMARY_KEY), &key), binary);
    assert_str_eq(body_of(THRIFT_COMPACT, TABLE(SQL_PRIMARY_KEY), &key), compact);
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        HmsSQLPrimaryKey back;
        Err err;
        assert_ok(decode(i ? compact : binary, protocols[i], TABLE(SQL_PRIMARY_KEY), &back, &err));
        assert_int_equal(back.key_seq, -2);
        assert_true(back.enable_cstr && back.has_enable_cstr && !back.rely_cstr && back.has_rely_cstr && !back.has_validate_cstr);
    }
}

static void test_doubles(void **state) {
    (void)state;
    HmsDoubleColumnStatsData data = {.numNulls = 1, .numDVs = 2};
    THRIFT_SET(&data, lowValue, 1.0);
    Str binary = body_of(THRIFT_BINARY, TABLE(DOUBLE_COLUMN_STATS_DATA), &data);
    Str compact = body_of(THRIFT_COMPACT, TABLE(DOUBLE_COLUMN_STATS_DATA), &data);
    assert_str_eq(str_slice(binary, 0, 11), BYTES("\x04\x00\x01\x3f\xf0\0\0\0\0\0\0"));
    assert_str_eq(str_slice(compact, 0, 9), BYTES("\x17\0\0\0\0\0\0\xf0\x3f"));
}

/* ---- there and back ------------------------------------------------------------------------------------------------ */

static void round_trip(ThriftProtocol protocol, const ThriftStruct *strukt) {
    void *value = random_struct(unit_arena(), strukt, &some), *back = arena_zalloc(unit_arena(), strukt->bytes);
    Str body = body_of(protocol, strukt, value);
    Err err;
    assert_ok(decode(body, protocol, strukt, back, &err));
    assert_true(random_covers(strukt, value, back) && random_covers(strukt, back, value));
    assert_str_eq(body_of(protocol, strukt, back), body);
}

static void test_every_struct(void **state) {
    (void)state;
    for (size_t i = 0; i < HMS_STRUCT_COUNT; i++) {
        for (size_t round = 0; round < 10; round++) {
            round_trip(protocols[round % 2], &hms_structs[i]);
        }
    }
}

/* A message that ends early is refused wherever it ends, and says where. */
static void test_cut_off_anywhere(void **state) {
    (void)state;
    static const HmsStruct kinds[] = {HMS_STRUCT_TABLE, HMS_STRUCT_LOCK_REQUEST, HMS_STRUCT_PARTITIONS_STATS_RESULT};
    for (size_t i = 0; i < 3 * ARRAY_LEN(protocols); i++) {
        const ThriftStruct *strukt = &hms_structs[kinds[i / 2]];
        Str body = body_of(protocols[i % 2], strukt, random_struct(unit_arena(), strukt, &some));
        void *back = arena_zalloc(unit_arena(), strukt->bytes);
        for (size_t end = 0; end < body.len; end++) {
            char *exact = malloc(end + 1); /* so that a look behind the end is seen */
            memcpy(exact, body.ptr, end);
            Err err = {.message = ""};
            assert_false(decode((Str){exact, end}, protocols[i % 2], strukt, back, &err));
            assert_int_equal(err.code, ERR_INVALID_MESSAGE);
            free(exact);
        }
    }
}

/* What another struct wrote: unknown fields and wrong types everywhere. */
static void test_any_as_any_other(void **state) {
    (void)state;
    size_t taken = 0;
    for (size_t i = 0; i < 4000; i++) {
        CLEANUP(arena_cleanup) Arena *arena = arena_new(1 << 20);
        const ThriftStruct *wrote = &hms_structs[unit_random_below(HMS_STRUCT_COUNT)];
        const ThriftStruct *reads = &hms_structs[unit_random_below(HMS_STRUCT_COUNT)];
        Str body = body_of(protocols[i % 2], wrote, random_struct(arena, wrote, &some));
        void *back = arena_zalloc(arena, reads->bytes);
        Err err = {.message = ""};
        if (thrift_decode(body, protocols[i % 2], &random_limits, reads, arena, back, &err)) {
            taken++;
        } else if (!strstr(err.message, "is required and was not sent")) {
            fail_msg("%s as %s: %s", wrote->name, reads->name, err.message);
        }
        if (i % 500 == 0) {
            arena_reset(unit_arena());
        }
    }
    assert_true(taken > 1000);
}

/* ---- what is absent, and what is wrong ----------------------------------------------------------------------------- */

static void test_null_and_empty(void **state) {
    (void)state;
    HmsTable table = {.owner = STR(""), .parameters = {.items = THRIFT_NO_ITEMS}, .partitionKeys = {.items = THRIFT_NO_ITEMS}};
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        HmsTable back;
        Err err;
        assert_ok(decode(body_of(protocols[i], TABLE(TABLE), &table), protocols[i], TABLE(TABLE), &back, &err));
        assert_true(back.owner.ptr && back.owner.len == 0 && str_is_null(back.dbName));
        assert_true(back.parameters.items && back.parameters.count == 0);
        assert_true(back.partitionKeys.items && back.partitionKeys.count == 0);
        assert_true(!back.sd && !back.privileges && !back.requiredReadCapabilities.items);
    }
}

static void test_defaults(void **state) {
    (void)state;
    HmsGetPartitionsArgs args;
    HmsColumnStatistics statistics;
    Err err;
    assert_ok(decode(BYTES("\0"), THRIFT_BINARY, TABLE(GET_PARTITIONS_ARGS), &args, &err));
    assert_true(args.max_parts == -1 && !args.has_max_parts);
    Str least = BYTES("\x0c\x00\x01\x02\x00\x01\x01\x0b\x00\x02\0\0\0\0\x0b\x00\x03\0\0\0\0\x00\x0f\x00\x02\x0c\0\0\0\0\x00");
    assert_ok(decode(least, THRIFT_BINARY, TABLE(COLUMN_STATISTICS), &statistics, &err));
    assert_true(str_is_null(statistics.engine) && statistics.statsDesc->isTblLevel);
}

static void test_params_are_sorted(void **state) {
    (void)state;
    Str body = BYTES("\x0d\x00\x01\x0b\x0b\0\0\0\x03\0\0\0\x01"
                     "b\0\0\0\x01"
                     "1\0\0\0\x01"
                     "a\0\0\0\x01"
                     "2\0\0\0\x01"
                     "b\0\0\0\x01"
                     "3\0");
    HmsEnvironmentContext context;
    Err err;
    assert_ok(decode(body, THRIFT_BINARY, TABLE(ENVIRONMENT_CONTEXT), &context, &err));
    assert_int_equal(context.properties.count, 2);
    assert_str_eq(params_get(&context.properties, STR("b")), STR("3"));
    params_set(&context.properties, unit_arena(), STR("c"), STR("4"));
    assert_str_eq(params_get(&context.properties, STR("a")), STR("2"));
}

/* A list of i64 where texts are expected counts as absent. */
static void test_items_of_another_type(void **state) {
    (void)state;
    Str binary = BYTES("\x0f\x00\x02\x0a\0\0\0\x01\0\0\0\0\0\0\0\x05\x00"), compact = BYTES("\x29\x26\x05\x7e\x00");
    Str bools = BYTES("\x0f\x00\x02\x02\0\0\0\x02\0\x01\x00"), empty = BYTES("\x0f\x00\x02\x00\0\0\0\0\x00");
    HmsGetTableObjectsByNameArgs args;
    Err err;
    assert_ok(decode(binary, THRIFT_BINARY, TABLE(GET_TABLE_OBJECTS_BY_NAME_ARGS), &args, &err));
    assert_null(args.tbl_names.items);
    assert_ok(decode(compact, THRIFT_COMPACT, TABLE(GET_TABLE_OBJECTS_BY_NAME_ARGS), &args, &err));
    assert_null(args.tbl_names.items);
    assert_ok(decode(bools, THRIFT_BINARY, TABLE(GET_TABLE_OBJECTS_BY_NAME_ARGS), &args, &err));
    assert_null(args.tbl_names.items);
    assert_ok(decode(empty, THRIFT_BINARY, TABLE(GET_TABLE_OBJECTS_BY_NAME_ARGS), &args, &err));
    assert_non_null(args.tbl_names.items);
}

static void test_required(void **state) {
    (void)state;
    refuse(BYTES("\0"), THRIFT_BINARY, TABLE(LOCK_REQUEST), "LockRequest.component: this field is required and was not sent");
    HmsLockRequest request = {.user = STR("u"), .hostname = STR("h")};
    CLEANUP(buf_free) Buf out = BUF_INIT(1000);
    ThriftMessage message = {THRIFT_BINARY, THRIFT_CALL, STR("lock"), 1};
    Err err;
    assert_err_says(thrift_encode(&message, TABLE(LOCK_REQUEST), &request, &out, NULL, &err), ERR_INTERNAL,
                    "LockRequest.component has to be sent and is not set");
}

static void test_places(void **state) {
    (void)state;
    refuse(BYTES("\x0c\x00\x01\x0b\x00\x01\x7f\xff\xff\xff\0\0"), THRIFT_BINARY, TABLE(CREATE_TABLE_ARGS),
           "Table.tableName: a text has 2147483647 bytes, and at most 1048576 are allowed");
    refuse(BYTES("\x0b\x00\x01\x00\x00\x00\x09\0\0"), THRIFT_BINARY, TABLE(GET_TABLE_ARGS),
           "get_table_args.dbname: a text is said to have 9 bytes, where at most 2 can follow");
    refuse(BYTES("\x55\xff\xff\xff\xff\x1f\0"), THRIFT_COMPACT, TABLE(TABLE),
           "Table.lastAccessTime: -4294967296 does not fit into 32 bits");
    refuse(BYTES("\x01\x00\x01\0"), THRIFT_BINARY, TABLE(TABLE), "Table: a type is none that Thrift has");
    refuse(BYTES("\0\0"), THRIFT_BINARY, TABLE(TABLE), "Table: 1 bytes follow behind the end");
    refuse(BYTES("\x45\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0"), THRIFT_COMPACT, TABLE(TABLE),
           "Table.createTime: a number has more bytes than any number can have");
}

/* ---- limits -------------------------------------------------------------------------------------------------------- */

static void test_limits_at_their_edge(void **state) {
    (void)state;
    Str names[] = {STR("abc"), STR("de")};
    HmsGetTableObjectsByNameArgs args = {.dbname = STR("d"), .tbl_names = {names, 2}};
    const ThriftStruct *strukt = TABLE(GET_TABLE_OBJECTS_BY_NAME_ARGS);
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        Str body = body_of(protocols[i], strukt, &args);
        ThriftLimits exact = {body.len, 3, 2, 2};
        HmsGetTableObjectsByNameArgs back;
        Err err;
        assert_ok(thrift_decode(body, protocols[i], &exact, strukt, unit_arena(), &back, &err));
        refuse_within(&(ThriftLimits){body.len - 1, 3, 2, 2}, body, protocols[i], strukt, "A Thrift message has more than the");
        refuse_within(&(ThriftLimits){body.len, 2, 2, 2}, body, protocols[i], strukt, "a text has 3 bytes, and at most 2");
        refuse_within(&(ThriftLimits){body.len, 3, 1, 2}, body, protocols[i], strukt, "a list has 2 items, and at most 1");
        refuse_within(&(ThriftLimits){body.len, 3, 2, 1}, body, protocols[i], strukt, "deeper than 1 levels");
    }
}

/* Few bytes that ask for much: refused without the memory. */
static void test_huge_promises(void **state) {
    (void)state;
    ThriftLimits all = {SIZE_MAX, SIZE_MAX, SIZE_MAX, THRIFT_DEPTH_MAX};
    size_t before = arena_used(unit_arena());
    const ThriftStruct *strukt = TABLE(GET_TABLE_OBJECTS_BY_NAME_ARGS);
    refuse_within(&all, BYTES("\x0f\x00\x02\x0b\x7f\xff\xff\xff"), THRIFT_BINARY, strukt, "is said to have 2147483647 items");
    refuse_within(&all, BYTES("\x0f\x00\x02\x0b\xff\xff\xff\xff"), THRIFT_BINARY, strukt, "a size is below 0");
    refuse_within(&all, BYTES("\x0f\x00\x02\x00\x7f\xff\xff\xff"), THRIFT_BINARY, strukt, "a type is none that Thrift has");
    refuse_within(&all, BYTES("\x29\xf8\xff\xff\xff\xff\x07"), THRIFT_COMPACT, strukt, "is said to have 2147483647 items");
    refuse_within(&all, BYTES("\x18\xff\xff\xff\xff\x07"), THRIFT_COMPACT, strukt, "is said to have 2147483647 bytes");
    refuse_within(&all, BYTES("\x0d\x00\x63\x0b\x0b\x7f\xff\xff\xff"), THRIFT_BINARY, strukt, "the message ends within");
    assert_true(arena_used(unit_arena()) - before < 4096);
}

/* As many bytes as items, but each item is a struct of hundreds of bytes in memory. */
static void test_memory_of_items(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf bytes = BUF_INIT(2 << 20);
    CLEANUP(arena_cleanup) Arena *arena = arena_new(16 << 20);
    buf_add(&bytes, BYTES("\x0f\x00\x01\x0c\x00\x0f\xff\xff"));
    memset(buf_reserve(&bytes, 1 << 20), 0, 1 << 20);
    bytes.len += 1 << 20;
    HmsAddPartitionsArgs args;
    Err err;
    assert_err_says(thrift_decode(buf_str(&bytes), THRIFT_BINARY, &random_limits, TABLE(ADD_PARTITIONS_ARGS), arena, &args, &err),
                    ERR_REQUEST_TOO_LARGE, "add_partitions_args.new_parts: 1048575 items need more memory");
    assert_true(arena_used(arena) < 4096);
}

static void test_deep_nesting(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf binary = BUF_INIT(1 << 20);
    CLEANUP(buf_free) Buf compact = BUF_INIT(1 << 20);
    for (size_t i = 0; i < 100000; i++) {
        buf_add(&binary, BYTES("\x0c\x7f\xff"));
        buf_add(&compact, BYTES("\xfc"));
    }
    refuse(buf_str(&binary), THRIFT_BINARY, TABLE(TABLE), "deeper than 64 levels");
    refuse(buf_str(&compact), THRIFT_COMPACT, TABLE(TABLE), "deeper than 64 levels");
}

static void test_memory_is_bounded(void **state) {
    (void)state;
    CLEANUP(arena_cleanup) Arena *arena = arena_new(1 << 20);
    void *value = random_struct(unit_arena(), TABLE(TABLE), &some), *back = arena_zalloc(unit_arena(), TABLE(TABLE)->bytes);
    Str body = body_of(THRIFT_BINARY, TABLE(TABLE), value);
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        Err err;
        arena_reset(arena);
        arena_fail_at(arena, nth);
        done = thrift_decode(body, THRIFT_BINARY, &random_limits, TABLE(TABLE), arena, back, &err);
        assert_true(done || err.code == ERR_REQUEST_TOO_LARGE);
    }
}

/* ---- parts encoded before, and lists that are not held -------------------------------------------------------------- */

typedef struct Pieces {
    Buf all; /* empty when it may not grow: then only counted */
    size_t count, largest, bytes;
    size_t stop_after; /* 0: never */
} Pieces;

static bool take_piece(void *ctx, Buf *segment, Err *err) {
    Pieces *pieces = ctx;
    if (pieces->stop_after && pieces->count == pieces->stop_after) {
        return err_set(err, ERR_TIMEOUT, "gone");
    }
    buf_add(&pieces->all, buf_str(segment));
    pieces->bytes += segment->len;
    pieces->largest = MAX(pieces->largest, segment->len);
    pieces->count++;
    buf_clear(segment);
    return true;
}

typedef struct Source {
    HmsPartition partition;
    Str value;
    size_t made, fail_at;
} Source;

static bool next_partition(void *ctx, const void **ret_item, Err *err) {
    Source *source = ctx;
    if (++source->made == source->fail_at) {
        return err_set(err, ERR_DATABASE_UNAVAILABLE, "away");
    }
    *ret_item = &source->partition;
    return true;
}

static void test_raw_parts(void **state) {
    (void)state;
    HmsFieldSchema columns[] = {{.name = STR("a"), .type = STR("int")}, {.name = STR("b"), .type = STR("string")}};
    HmsSerDeInfo serde = {.name = STR("s"), .serializationLib = STR("lib")};
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        HmsStorageDescriptor plain = {.cols = {columns, 2}, .location = STR("l"), .serdeInfo = &serde};
        HmsStorageDescriptor raw = {.location = STR("l")};
        Err err;
        assert_ok(thrift_encode_raw(protocols[i], TABLE(STORAGE_DESCRIPTOR), 1, &plain, unit_arena(), &raw.cols_raw, &err));
        assert_ok(thrift_encode_raw(protocols[i], TABLE(STORAGE_DESCRIPTOR), 7, &plain, unit_arena(), &raw.serdeInfo_raw, &err));
        assert_str_eq(body_of(protocols[i], TABLE(STORAGE_DESCRIPTOR), &raw),
                      body_of(protocols[i], TABLE(STORAGE_DESCRIPTOR), &plain));
    }
}

static void stream_partitions(ThriftProtocol protocol, size_t count, Pieces *pieces) {
    Source source = {.partition = {.values = {&source.value, 1}, .dbName = STR("d")}, .value = STR("2026-01-01")};
    ThriftStream stream = {count, next_partition, &source};
    HmsGetPartitionsReply reply = {.success_stream = &stream};
    ThriftMessage message = {protocol, THRIFT_REPLY, STR("get_partitions"), 1};
    CLEANUP(buf_free) Buf out = BUF_INIT(100000);
    ThriftSink sink = {65536, take_piece, pieces};
    Err err;
    assert_ok(thrift_encode(&message, TABLE(GET_PARTITIONS_REPLY), &reply, &out, &sink, &err));
    assert_int_equal(source.made, count);
    assert_int_equal(out.len, 0);
    assert_true(out.capacity <= 2 * 65536);
}

static void test_streamed_list(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        Pieces pieces = {.all = BUF_INIT(64 << 20)};
        stream_partitions(protocols[i], 100000, &pieces);
        assert_true(pieces.count > 20 && pieces.largest < 65536 + 100);
        ThriftMessage head;
        Str body;
        HmsGetPartitionsReply back;
        CLEANUP(arena_cleanup) Arena *arena = arena_new(128 << 20);
        Err err;
        assert_ok(thrift_decode_head(buf_str(&pieces.all), protocols[i] == THRIFT_COMPACT, &head, &body, &err));
        assert_ok(thrift_decode(body, protocols[i], &random_limits, TABLE(GET_PARTITIONS_REPLY), arena, &back, &err));
        assert_int_equal(back.success.count, 100000);
        assert_str(back.success.items[99999].values.items[0], "2026-01-01");
        buf_free(&pieces.all);
    }
}

/* A million partitions in the memory of a piece. */
static void test_a_million(void **state) {
    (void)state;
    Pieces pieces = {.all = BUF_INIT(0)};
    stream_partitions(THRIFT_BINARY, 1000000, &pieces);
    assert_true(pieces.bytes > 30000000 && pieces.largest < 65536 + 100);
}

static void test_streams_that_fail(void **state) {
    (void)state;
    Source source = {.fail_at = 500};
    ThriftStream stream = {1000, next_partition, &source};
    HmsGetPartitionsReply reply = {.success_stream = &stream};
    ThriftMessage message = {THRIFT_BINARY, THRIFT_REPLY, STR("get_partitions"), 1};
    Pieces pieces = {.all = BUF_INIT(1 << 20), .stop_after = 2};
    ThriftSink sink = {100, take_piece, &pieces};
    CLEANUP(buf_free) Buf out = BUF_INIT(1000), small = BUF_INIT(100);
    Err err;
    assert_err(thrift_encode(&message, TABLE(GET_PARTITIONS_REPLY), &reply, &out, &sink, &err), ERR_TIMEOUT);
    assert_true(source.made < 500);
    assert_err(thrift_encode(&message, TABLE(GET_PARTITIONS_REPLY), &reply, &small, NULL, &err), ERR_REQUEST_TOO_LARGE);
    buf_clear(&out);
    assert_err(thrift_encode(&message, TABLE(GET_PARTITIONS_REPLY), &reply, &out, NULL, &err), ERR_DATABASE_UNAVAILABLE);
    buf_free(&pieces.all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_known_messages),        UNIT_TEST(test_numbers),           UNIT_TEST(test_doubles),
        UNIT_TEST(test_every_struct),          UNIT_TEST(test_cut_off_anywhere),  UNIT_TEST(test_any_as_any_other),
        UNIT_TEST(test_null_and_empty),        UNIT_TEST(test_defaults),          UNIT_TEST(test_params_are_sorted),
        UNIT_TEST(test_items_of_another_type), UNIT_TEST(test_required),          UNIT_TEST(test_places),
        UNIT_TEST(test_limits_at_their_edge),  UNIT_TEST(test_huge_promises),     UNIT_TEST(test_memory_of_items),
        UNIT_TEST(test_deep_nesting),          UNIT_TEST(test_memory_is_bounded), UNIT_TEST(test_raw_parts),
        UNIT_TEST(test_streamed_list),         UNIT_TEST(test_a_million),         UNIT_TEST(test_streams_that_fail),
    };
    return UNIT_RUN("thrift_codec", tests);
}
