/* Any bytes as any struct, in both protocols. Input: a byte whose lowest bit picks the compact protocol, two bytes that pick the
 * struct, then the struct. What could be read can be written, and what was written is read as the same. */
#include "thrift/decode.h"
#include "thrift/encode.h"
#include "thrift/hms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 8 << 20 };

static const ThriftLimits limits = {1 << 20, 1 << 20, 1 << 20, THRIFT_DEPTH_MAX};

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

/* The body of a message with VALUE. */
static Str write(Arena *arena, ThriftProtocol protocol, const ThriftStruct *strukt, const void *value, Buf *out) {
    ThriftMessage message = {protocol, THRIFT_CALL, STR("m"), 1}, head;
    Str body;
    Err err;
    require(thrift_encode(&message, strukt, value, out, NULL, &err));
    require(thrift_decode_head(buf_str(out), protocol == THRIFT_COMPACT, &head, &body, &err));
    require(!arena_exceeded(arena));
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) {
        return 0;
    }
    CLEANUP(arena_cleanup) Arena *arena = arena_new(MEMORY);
    CLEANUP(arena_cleanup) Arena *other = arena_new(4 * MEMORY);
    CLEANUP(buf_free) Buf first = BUF_INIT(64 << 20);
    CLEANUP(buf_free) Buf second = BUF_INIT(64 << 20);
    ThriftProtocol protocol = data[0] & 1 ? THRIFT_COMPACT : THRIFT_BINARY;
    const ThriftStruct *strukt = &hms_structs[(data[1] << 8 | data[2]) % HMS_STRUCT_COUNT];
    void *value = arena_zalloc(arena, strukt->bytes);
    Err err = {.message = ""};
    bool read = thrift_decode((Str){(const char *)data + 3, size - 3}, protocol, &limits, strukt, arena, value, &err);
    require(arena_used(arena) <= MEMORY + 4096);
    if (!read) {
        require(err.code == ERR_INVALID_MESSAGE || err.code == ERR_REQUEST_TOO_LARGE);
        return 0;
    }
    Str body = write(arena, protocol, strukt, value, &first);
    void *again = arena_zalloc(other, strukt->bytes);
    require(
        thrift_decode(body, protocol, &(ThriftLimits){SIZE_MAX, SIZE_MAX, SIZE_MAX, THRIFT_DEPTH_MAX}, strukt, other, again, &err));
    require(str_eq(body, write(other, protocol, strukt, again, &second)));
    return 0;
}
