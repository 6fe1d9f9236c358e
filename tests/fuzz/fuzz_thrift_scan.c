/* Any bytes as what a connection sends: the scanner finds the same end however the bytes arrive, and what it found to be a whole
 * message is one for the decoder, whose method is looked up and whose arguments are read. */
#include "thrift/decode.h"
#include "thrift/hms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ThriftLimits limits = {1 << 16, 1 << 12, 1 << 12, 20};

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static ThriftScanned scan_all(Str bytes, ThriftWire wire, size_t step, size_t *ret_at) {
    ThriftScan scan;
    ThriftScanned scanned = THRIFT_SCAN_MORE;
    Err err;
    thrift_scan_begin(&scan, wire, &limits);
    for (size_t have = 0; scanned == THRIFT_SCAN_MORE && have < bytes.len;) {
        have = MIN(bytes.len, have + step);
        scanned = thrift_scan(&scan, (Str){bytes.ptr, have}, &err);
    }
    *ret_at = scan.at;
    return scanned;
}

static void decode(Str message, ThriftWire wire) {
    CLEANUP(arena_cleanup) Arena *arena = arena_new(4 << 20);
    ThriftMessage head;
    Str body;
    Err err = {.message = ""};
    if (!thrift_decode_head(message, wire.compact, &head, &body, &err)) {
        require(wire.framed);
        return;
    }
    const ThriftMethod *method = hms_method_find(head.name);
    const ThriftStruct *args = method ? method->args : &hms_structs[HMS_STRUCT_TABLE];
    if (!thrift_decode(body, head.protocol, &limits, args, arena, arena_zalloc(arena, args->bytes), &err) && !wire.framed) {
        require(!strstr(err.message, "follow behind") && !strstr(err.message, "ends"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str bytes = {(const char *)data, size};
    ThriftWire wire;
    if (thrift_opening(bytes, &wire) != THRIFT_OPENING_THRIFT) {
        return 0;
    }
    size_t at, at_in_steps;
    ThriftScanned scanned = scan_all(bytes, wire, size, &at);
    for (size_t step = 1; step <= 7; step += 3) {
        require(scan_all(bytes, wire, step, &at_in_steps) == scanned);
        require(scanned != THRIFT_SCAN_DONE || at == at_in_steps);
    }
    if (scanned == THRIFT_SCAN_DONE) {
        require(at <= size);
        size_t begin = wire.framed ? THRIFT_FRAME_HEAD : 0;
        decode(str_slice(bytes, begin, at), wire);
    }
    return 0;
}
