/* Compares our codec with Thrift's own C GLib library: random values of every struct, both ways, from each protocol to each.
 *
 * The peer reads what we wrote in one protocol and writes it again, in the same and in the other one: there it has to know
 * what the bytes mean. Complete values must come to the bytes that we write for them. Of sparse values the peer writes
 * members that were absent as empty ones, unless they are optional; so we read what it wrote: what was set must be equal, what
 * was not may at most be empty. Maps and sets have one item, because the peer writes them in the order of a hash table. */
#include "thrift/decode.h"
#include "thrift/encode.h"
#include "thrift/hms.h"

#include "tests/oracle/peer.h"
#include "tests/unit/thrift_random.h"
#include "tests/unit/unit.h"

enum { ROUNDS = 40, MOST = 16 << 20 };

static char rewritten[MOST];

static Str write_body(Arena *arena, ThriftProtocol protocol, const ThriftStruct *strukt, const void *value) {
    CLEANUP(buf_free) Buf out = BUF_INIT(MOST);
    ThriftMessage message = {protocol, THRIFT_CALL, STR("m"), 1}, head;
    Str body;
    Err err;
    assert_ok(thrift_encode(&message, strukt, value, &out, NULL, &err));
    assert_ok(thrift_decode_head(arena_str(arena, buf_str(&out)), protocol == THRIFT_COMPACT, &head, &body, &err));
    return body;
}

static void compare(size_t index, ThriftProtocol from, ThriftProtocol to, const RandomShape *shape) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(256 << 20);
    const ThriftStruct *strukt = &hms_structs[index];
    void *value = random_struct(arena, strukt, shape), *back = arena_zalloc(arena, strukt->bytes);
    Str ours = write_body(arena, from, strukt, value), theirs = {rewritten, 0};
    const char *wrong = peer_rewrite(index, from == THRIFT_COMPACT, to == THRIFT_COMPACT, ours.ptr, ours.len, rewritten, MOST,
                                     &theirs.len);
    if (wrong) {
        fail_msg("%s: the peer fails while %s", strukt->name, wrong);
    }
    if (shape->complete && !str_eq(write_body(arena, to, strukt, value), theirs)) {
        fail_msg("%s: the peer writes other bytes than we", strukt->name);
    }
    Err err;
    assert_ok(thrift_decode(theirs, to, &random_limits, strukt, arena, back, &err));
    assert_true(random_covers(strukt, value, back));
}

static void compare_all(ThriftProtocol from, ThriftProtocol to) {
    for (size_t i = 0; i < HMS_STRUCT_COUNT; i++) {
        assert_string_equal(peer_types[i].name, hms_structs[i].name);
        for (unsigned round = 0; round < ROUNDS; round++) {
            RandomShape shape = {.complete = round % 2, .items = round < 2 ? 20 : 3, .pairs = 1, .depth = round < 2 ? 1 : 2};
            compare(i, from, to, &shape);
        }
    }
}

static void test_binary(void **state) {
    (void)state;
    compare_all(THRIFT_BINARY, THRIFT_BINARY);
}

static void test_compact(void **state) {
    (void)state;
    compare_all(THRIFT_COMPACT, THRIFT_COMPACT);
}

static void test_binary_to_compact(void **state) {
    (void)state;
    compare_all(THRIFT_BINARY, THRIFT_COMPACT);
}

static void test_compact_to_binary(void **state) {
    (void)state;
    compare_all(THRIFT_COMPACT, THRIFT_BINARY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_binary),
        UNIT_TEST(test_compact),
        UNIT_TEST(test_binary_to_compact),
        UNIT_TEST(test_compact_to_binary),
    };
    return UNIT_RUN("oracle", tests);
}
