/* Any bytes as an event stream, whole and in pieces: the same events, and no memory beyond the limit. */
#include "cli/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool note(Str id, Str data, void *arg) {
    Buf *seen = arg;
    buf_add(seen, id);
    buf_add_char(seen, 0);
    buf_add(seen, data);
    buf_add_char(seen, 1);
    return true;
}

static void feed(Str all, size_t piece, Buf *seen) {
    CLEANUP(cli_sse_free) Sse sse = cli_sse_new();
    for (size_t at = 0; at < all.len; at += piece) {
        (void)cli_sse_feed(&sse, str_slice(all, at, at + piece), note, seen);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(buf_free) Buf whole = BUF_INIT(64 << 20), pieces = BUF_INIT(64 << 20);
    Str all = {(const char *)data, size};
    feed(all, size ? size : 1, &whole);
    feed(all, 3, &pieces);
    if (!str_eq(buf_str(&whole), buf_str(&pieces))) {
        abort();
    }
    return 0;
}
