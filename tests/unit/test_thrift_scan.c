#include "thrift/decode.h"
#include "thrift/encode.h"
#include "thrift/hms.h"

#include "thrift_random.h"
#include "unit.h"

#define BYTES(literal) ((Str){"" literal, sizeof(literal) - 1})

static const RandomShape some = {.complete = false, .items = 3, .pairs = 3, .depth = 3};

/* ---- the opening --------------------------------------------------------------------------------------------------- */

static void test_openings(void **state) {
    (void)state;
    static const struct {
        Str first;
        ThriftOpening opening;
        bool framed, compact;
    } cases[] = {
        {STR_INIT("\x80\x01\x00\x01\x00"), THRIFT_OPENING_THRIFT, false, false},
        {STR_INIT("\x82\x21\x01\x09g"), THRIFT_OPENING_THRIFT, false, true},
        {STR_INIT("\x00\x00\x00\x09g"), THRIFT_OPENING_THRIFT, false, false},
        {STR_INIT("\x00\x00\x00\x31\x80"), THRIFT_OPENING_THRIFT, true, false},
        {STR_INIT("\x00\x00\x00\x31\x82"), THRIFT_OPENING_THRIFT, true, true},
        {STR_INIT("\x00\x00\x00\x31\x00"), THRIFT_OPENING_THRIFT, true, false},
        {STR_INIT("\x01\x23\x45\x67\x80"), THRIFT_OPENING_THRIFT, true, false},
        {STR_INIT("\x01\x00\x00\x00\x80"), THRIFT_OPENING_THRIFT, true, false},
        {STR_INIT("\x01\x00\x00\x00\x05"), THRIFT_OPENING_SASL, false, false},
        {STR_INIT("\x16\x03\x01\x02\x00"), THRIFT_OPENING_TLS, false, false},
        {STR_INIT("POST /metastore"), THRIFT_OPENING_HTTP, false, false},
        {STR_INIT("GET / HTTP/1.1"), THRIFT_OPENING_HTTP, false, false},
        {STR_INIT("PRI * HTTP/2.0"), THRIFT_OPENING_HTTP, false, false},
        {STR_INIT("\x80\x02\x00\x01\x00"), THRIFT_OPENING_UNKNOWN, false, false},
        {STR_INIT("\x82\x22\x00\x01\x00"), THRIFT_OPENING_UNKNOWN, false, false},
        {STR_INIT("\x00\x00\x00\x09\x09"), THRIFT_OPENING_UNKNOWN, false, false},
        {STR_INIT("\x80\x00\x00\x09\x80"), THRIFT_OPENING_UNKNOWN, false, false},
        {STR_INIT("SSH-2.0-OpenSSH"), THRIFT_OPENING_UNKNOWN, false, false},
        {STR_INIT("POST"), THRIFT_OPENING_SHORT, false, false},
        {STR_INIT(""), THRIFT_OPENING_SHORT, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ThriftWire wire = {false, false};
        assert_int_equal(thrift_opening(cases[i].first, &wire), cases[i].opening);
        assert_int_equal(wire.framed, cases[i].framed);
        assert_int_equal(wire.compact, cases[i].compact);
    }
}

/* ---- where messages end -------------------------------------------------------------------------------------------- */

static Str random_message(ThriftProtocol protocol, bool framed) {
    CLEANUP(buf_free) Buf out = BUF_INIT(16 << 20);
    const ThriftMethod *method = &hms_methods[unit_random_below(HMS_METHOD_COUNT)];
    ThriftMessage message = {protocol, THRIFT_CALL, str_from(method->name), (int32_t)unit_random()};
    Err err;
    buf_add_be32(&out, 0);
    assert_ok(thrift_encode(&message, method->args, random_struct(unit_arena(), method->args, &some), &out, NULL, &err));
    for (size_t i = 0; i < 4; i++) {
        out.ptr[i] = (char)((out.len - 4) >> (24 - 8 * i));
    }
    return arena_str(unit_arena(), str_skip(buf_str(&out), framed ? 0 : 4));
}

/* Grown byte by byte, the end is found exactly when it is there, also with another message behind it. */
static void find_end(Str message, ThriftWire wire) {
    ThriftScan scan;
    Err err;
    thrift_scan_begin(&scan, wire, &random_limits);
    for (size_t have = 0; have < message.len; have++) {
        assert_int_equal(thrift_scan(&scan, (Str){message.ptr, have}, &err), THRIFT_SCAN_MORE);
    }
    assert_int_equal(thrift_scan(&scan, message, &err), THRIFT_SCAN_DONE);
    assert_int_equal(scan.at, message.len);
    Str two = ARENA_CONCAT(unit_arena(), message, message);
    thrift_scan_begin(&scan, wire, &random_limits);
    assert_int_equal(thrift_scan(&scan, two, &err), THRIFT_SCAN_DONE);
    assert_int_equal(scan.at, message.len);
}

static void test_ends(void **state) {
    (void)state;
    for (size_t i = 0; i < 600; i++) {
        ThriftProtocol protocol = (ThriftProtocol)(i % 3);
        bool framed = i / 3 % 2;
        Str message = random_message(protocol, framed);
        ThriftWire wire = {false, false};
        assert_int_equal(thrift_opening(message, &wire), THRIFT_OPENING_THRIFT);
        assert_int_equal(wire.framed, framed);
        assert_int_equal(wire.compact, protocol == THRIFT_COMPACT);
        find_end(message, wire);
    }
}

/* In pieces of any size, and moved between the calls. */
static void test_moving_pieces(void **state) {
    (void)state;
    for (size_t i = 0; i < 300; i++) {
        Str message = random_message((ThriftProtocol)(i % 3), false);
        ThriftScan scan;
        ThriftScanned scanned = THRIFT_SCAN_MORE;
        Err err;
        thrift_scan_begin(&scan, (ThriftWire){false, i % 3 == THRIFT_COMPACT}, &random_limits);
        for (size_t have = 0; scanned == THRIFT_SCAN_MORE;) {
            have = MIN(message.len, have + 1 + unit_random_below(100));
            char *moved = malloc(have);
            memcpy(moved, message.ptr, have);
            scanned = thrift_scan(&scan, (Str){moved, have}, &err);
            free(moved);
        }
        assert_int_equal(scanned, THRIFT_SCAN_DONE);
        assert_int_equal(scan.at, message.len);
    }
}

/* ---- refusals ------------------------------------------------------------------------------------------------------ */

static void refuse(Str bytes, ThriftWire wire, const ThriftLimits *limits, ErrCode code, const char *text) {
    ThriftScan scan;
    Err err = {.message = ""};
    thrift_scan_begin(&scan, wire, limits);
    assert_int_equal(thrift_scan(&scan, bytes, &err), THRIFT_SCAN_BAD);
    assert_str_contains(str_from(err.message), text);
    assert_int_equal(err.code, code);
}

#define HEAD "\x80\x01\x00\x01\x00\x00\x00\x01m\x00\x00\x00\x00"
#define COMPACT_HEAD "\x82\x21\x00\x01m"

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        Str bytes;
        ThriftWire wire;
        const char *text;
    } cases[] = {
        {STR_INIT("\x80\x02\x00\x01\x00\x00\x00\x01"), {false, false}, "Byte 0 of a Thrift message: the message has a version"},
        {STR_INIT("\x82\x22\x00\x01"), {false, true}, "the message has a version"},
        {STR_INIT("\x80\x01\x00\x09\x00\x00\x00\x01m\0\0\0\0"), {false, false}, "neither a call nor an answer"},
        {STR_INIT("\x80\x01\x00\x01\x00\x00\x01\x01"), {false, false}, "the name of the method is longer than 256 bytes"},
        {STR_INIT("\x00\x00\x01\x01"), {false, false}, "the name of the method is longer than 256 bytes"},
        {STR_INIT(HEAD "\x01\x00\x01"), {false, false}, "Byte 13 of a Thrift message: a type is none that Thrift has"},
        {STR_INIT(HEAD "\x0f\x00\x01\x0b\xff\xff\xff\xff"), {false, false}, "a size is below 0"},
        {STR_INIT(HEAD "\x0f\x00\x01\x00\x00\x00\x00\x01"), {false, false}, "a type is none that Thrift has"},
        {STR_INIT(COMPACT_HEAD "\x1d"), {false, true}, "a type is none that Thrift has"},
        {STR_INIT(COMPACT_HEAD "\x06\x80\x80\x04"), {false, true}, "a field has a number that no field can have"},
        {STR_INIT(COMPACT_HEAD "\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), {false, true}, "more bytes than any number"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        refuse(cases[i].bytes, cases[i].wire, &random_limits, ERR_INVALID_MESSAGE, cases[i].text);
    }
}

static void test_limits(void **state) {
    (void)state;
    ThriftLimits limits = {100, 50, 10, 4};
    ThriftWire binary = {false, false}, framed = {true, false};
    refuse(BYTES(HEAD "\x0b\x00\x01\x7f\xff\xff\xff"), binary, &limits, ERR_REQUEST_TOO_LARGE, "at most 50 are allowed");
    refuse(BYTES(HEAD "\x0f\x00\x01\x0a\x00\x00\x00\x0b"), binary, &limits, ERR_REQUEST_TOO_LARGE, "at most 10 are allowed");
    refuse(BYTES(HEAD "\x0f\x00\x01\x0d\x00\x00\x00\x0a"), binary, &(ThriftLimits){70, 50, 10, 4}, ERR_INVALID_MESSAGE,
           "is said to have 10 items");
    refuse(BYTES(HEAD "\x0c\x00\x01\x0c\x00\x01\x0c\x00\x01\x0c\x00\x01"), binary, &limits, ERR_REQUEST_TOO_LARGE, "deeper than 4");
    refuse(BYTES("\x00\x00\x00\x65"), framed, &limits, ERR_REQUEST_TOO_LARGE, "more than the 100 bytes");
    ThriftScan scan;
    Err err;
    thrift_scan_begin(&scan, framed, &limits);
    assert_int_equal(thrift_scan(&scan, BYTES("\x00\x00\x00\x64"), &err), THRIFT_SCAN_MORE);
    Str whole = BYTES(HEAD "\x08\x00\x01\x00\x00\x00\x00\x00");
    ThriftLimits exact = {whole.len, 50, 10, 4}, less = {whole.len - 1, 50, 10, 4};
    thrift_scan_begin(&scan, binary, &exact);
    assert_int_equal(thrift_scan(&scan, whole, &err), THRIFT_SCAN_DONE);
    refuse(whole, binary, &less, ERR_REQUEST_TOO_LARGE, "more than the 20 bytes");
}

static void test_deep_nesting(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf bytes = BUF_INIT(1 << 20);
    buf_add(&bytes, BYTES(HEAD));
    for (size_t i = 0; i < 100000; i++) {
        buf_add(&bytes, BYTES("\x0c\x00\x01"));
    }
    refuse(buf_str(&bytes), (ThriftWire){false, false}, &random_limits, ERR_REQUEST_TOO_LARGE, "deeper than 64 levels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_openings), UNIT_TEST(test_ends),   UNIT_TEST(test_moving_pieces),
        UNIT_TEST(test_refusals), UNIT_TEST(test_limits), UNIT_TEST(test_deep_nesting),
    };
    return UNIT_RUN("thrift_scan", tests);
}
