#include "thrift/scan.h"

#include "thrift/wire.h"

/* ---- what a connection speaks -------------------------------------------------------------------------------------- */

static bool is_http(Str first) {
    static const char *const methods[] = {"GET ", "POST", "PUT ", "HEAD", "OPTI", "DELE", "PATC", "TRAC", "CONN", "PRI "};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (memcmp(first.ptr, methods[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_letter(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* A name's length and a frame's length look alike; what follows does not: a name begins with a letter, a message in a frame
 * with 0x80 (binary), 0x82 (compact) or 0 (the length of a name, old header). */
static ThriftOpening opening_by_length(const uint8_t *p, ThriftWire *ret_wire) {
    uint32_t length = wire_be32(p);
    if (length <= THRIFT_NAME_MAX && is_letter(p[4])) {
        *ret_wire = (ThriftWire){false, false};
        return THRIFT_OPENING_THRIFT;
    }
    if (length <= INT32_MAX && (p[4] == STRICT_BYTE || p[4] == COMPACT_BYTE || p[4] == 0)) {
        *ret_wire = (ThriftWire){true, p[4] == COMPACT_BYTE};
        return THRIFT_OPENING_THRIFT;
    }
    return THRIFT_OPENING_UNKNOWN;
}

ThriftOpening thrift_opening(Str first, ThriftWire *ret_wire) {
    const uint8_t *p = (const uint8_t *)first.ptr;
    if (first.len < THRIFT_OPENING_BYTES) {
        return THRIFT_OPENING_SHORT;
    }
    bool compact = p[0] == COMPACT_BYTE && (p[1] & 0x1F) == COMPACT_VERSION;
    if (compact || (p[0] == STRICT_BYTE && p[1] == 1)) {
        *ret_wire = (ThriftWire){false, compact};
        return THRIFT_OPENING_THRIFT;
    }
    if (p[0] == 0x16 && p[1] == 3) {
        return THRIFT_OPENING_TLS;
    }
    if (is_http(first)) {
        return THRIFT_OPENING_HTTP;
    }
    const uint32_t longest_mechanism = 20;
    if (p[0] == 1 && wire_be32(p + 1) - 1 < longest_mechanism) {
        return THRIFT_OPENING_SASL;
    }
    return opening_by_length(p, ret_wire);
}

/* ---- where a message ends ------------------------------------------------------------------------------------------ */

typedef struct Input {
    const uint8_t *bytes;
    size_t have;
    Err *err;
} Input;

static ThriftScanned bad(const Input *in, int what) {
    err_set(in->err, ERR_INVALID_MESSAGE, "%s", wire_problem(what));
    return THRIFT_SCAN_BAD;
}

static ThriftScanned too_large(const ThriftScan *scan, const Input *in) {
    err_set(in->err, ERR_REQUEST_TOO_LARGE, "it has more than the %zu bytes that are allowed", scan->limits->message_bytes);
    return THRIFT_SCAN_BAD;
}

/* How many bytes the message can still have behind what was understood. */
static size_t left(const ThriftScan *scan) { return scan->limits->message_bytes - MIN(scan->at, scan->limits->message_bytes); }

/* Counts SKIP bytes behind the head of HEAD bytes; they need not be there yet. */
static ThriftScanned pass(ThriftScan *scan, const Input *in, int head, size_t skip) {
    if ((size_t)head + skip > left(scan)) {
        return too_large(scan, in);
    }
    scan->at += (size_t)head + skip;
    return THRIFT_SCAN_DONE;
}

static ThriftScanned push(ThriftScan *scan, const Input *in, int head, ThriftScanFrame frame) {
    if (!wire_allow_depth(scan->limits, scan->depth + 1u, in->err)) {
        return THRIFT_SCAN_BAD;
    }
    scan->frames[scan->depth++] = frame;
    return pass(scan, in, head, 0);
}

static ThriftScanned container(ThriftScan *scan, const Input *in, ThriftKind kind, size_t before) {
    WireContainer head;
    int n = wire_container(scan->wire.compact, kind, in->bytes + scan->at + before, in->have - scan->at - before, &head);
    if (n <= 0) {
        return n == WIRE_MORE ? THRIFT_SCAN_MORE : bad(in, n);
    }
    if (!wire_allow_container(scan->limits, &head, scan->wire.compact, left(scan), in->err)) {
        return THRIFT_SCAN_BAD;
    }
    n += (int)before;
    size_t fixed = wire_fixed(head.item, scan->wire.compact), key = wire_fixed(head.key, scan->wire.compact);
    if (head.count == 0 || (fixed && (kind != THRIFT_MAP || key))) {
        return pass(scan, in, n, head.count * (fixed + (kind == THRIFT_MAP ? key : 0)));
    }
    return push(scan, in, n, (ThriftScanFrame){.kind = kind, .key = head.key, .item = head.item, .left = head.count});
}

static ThriftScanned string(ThriftScan *scan, const Input *in, size_t before) {
    uint32_t bytes;
    int n = wire_string(scan->wire.compact, in->bytes + scan->at + before, in->have - scan->at - before, &bytes);
    if (n <= 0) {
        return n == WIRE_MORE ? THRIFT_SCAN_MORE : bad(in, n);
    }
    if (!wire_allow_string(scan->limits, bytes, left(scan), in->err)) {
        return THRIFT_SCAN_BAD;
    }
    return pass(scan, in, n + (int)before, bytes);
}

/* One value, or its head, behind BEFORE bytes that are understood but not passed yet. */
static ThriftScanned value(ThriftScan *scan, const Input *in, ThriftKind kind, size_t before) {
    size_t fixed = wire_fixed(kind, scan->wire.compact);
    if (fixed) {
        return pass(scan, in, (int)before, fixed);
    }
    if (kind == THRIFT_STRING) {
        return string(scan, in, before);
    }
    if (kind == THRIFT_STRUCT) {
        return push(scan, in, (int)before, (ThriftScanFrame){.kind = kind});
    }
    if (kind == THRIFT_MAP || kind == THRIFT_SET || kind == THRIFT_LIST) {
        return container(scan, in, kind, before);
    }
    uint64_t number;
    int n = wire_varint(in->bytes + scan->at + before, in->have - scan->at - before, &number);
    if (n <= 0) {
        return n == WIRE_MORE ? THRIFT_SCAN_MORE : bad(in, n);
    }
    return pass(scan, in, (int)before + n, 0);
}

static ThriftScanned field(ThriftScan *scan, const Input *in) {
    ThriftScanFrame *frame = &scan->frames[scan->depth - 1];
    WireField head = {.id = 0};
    int n = wire_field(scan->wire.compact, in->bytes + scan->at, in->have - scan->at, frame->last_id, &head);
    if (n <= 0) {
        return n == WIRE_MORE ? THRIFT_SCAN_MORE : bad(in, n);
    }
    if (head.kind == THRIFT_STOP) {
        scan->depth--;
        return pass(scan, in, n, 0);
    }
    bool empty = head.kind == THRIFT_BOOL && scan->wire.compact;
    ThriftScanned passed = empty ? pass(scan, in, n, 0) : value(scan, in, head.kind, (size_t)n);
    if (passed == THRIFT_SCAN_DONE) {
        frame->last_id = head.id;
    }
    return passed;
}

static ThriftScanned item(ThriftScan *scan, const Input *in) {
    ThriftScanFrame *frame = &scan->frames[scan->depth - 1];
    if (frame->left == 0) {
        scan->depth--;
        return THRIFT_SCAN_DONE;
    }
    bool is_key = frame->kind == THRIFT_MAP && !frame->at_value;
    ThriftScanned passed = value(scan, in, is_key ? frame->key : frame->item, 0);
    if (passed == THRIFT_SCAN_DONE) {
        frame->at_value = is_key;
        frame->left -= !is_key;
    }
    return passed;
}

/* Until no struct and no container is open that was opened here. */
static ThriftScanned values(ThriftScan *scan, const Input *in) {
    while (scan->depth > scan->base) {
        if (scan->at > in->have) {
            return THRIFT_SCAN_MORE;
        }
        ThriftScanned passed = scan->frames[scan->depth - 1].kind == THRIFT_STRUCT ? field(scan, in) : item(scan, in);
        if (passed != THRIFT_SCAN_DONE) {
            return passed;
        }
    }
    return scan->at <= in->have ? THRIFT_SCAN_DONE : THRIFT_SCAN_MORE;
}

/* A frame says how long it is; what is in it is looked at when it is decoded. */
static ThriftScanned frame_head(ThriftScan *scan, const Input *in) {
    if (in->have < THRIFT_FRAME_HEAD) {
        return THRIFT_SCAN_MORE;
    }
    size_t length = wire_be32(in->bytes);
    if (length > scan->limits->message_bytes) {
        return too_large(scan, in);
    }
    scan->at = THRIFT_FRAME_HEAD + length;
    return THRIFT_SCAN_DONE;
}

static ThriftScanned message_head(ThriftScan *scan, const Input *in) {
    ThriftMessage message;
    int n = wire_message(scan->wire.compact, in->bytes, in->have, &message);
    if (n <= 0) {
        return n == WIRE_MORE ? THRIFT_SCAN_MORE : bad(in, n);
    }
    return push(scan, in, n, (ThriftScanFrame){.kind = THRIFT_STRUCT});
}

void thrift_scan_begin(ThriftScan *scan, ThriftWire wire, const ThriftLimits *limits) {
    scan->limits = limits;
    scan->wire = wire;
    scan->begun = false;
    scan->depth = scan->base = 0;
    scan->at = 0;
}

static ThriftScanned scan_on(ThriftScan *scan, const Input *in) {
    if (!scan->begun) {
        ThriftScanned begun = scan->wire.framed ? frame_head(scan, in) : message_head(scan, in);
        if (begun != THRIFT_SCAN_DONE) {
            return begun;
        }
        scan->begun = true;
    }
    return values(scan, in);
}

ThriftScanned thrift_scan(ThriftScan *scan, Str bytes, Err *err) {
    Input in = {(const uint8_t *)bytes.ptr, bytes.len, err};
    ThriftScanned scanned = scan_on(scan, &in);
    if (scanned == THRIFT_SCAN_BAD) {
        err_prefix(err, "Byte %zu of a Thrift message", scan->at);
    }
    return scanned;
}

bool thrift_scan_value(Str bytes, bool compact, ThriftKind kind, unsigned depth, const ThriftLimits *limits, size_t *ret_length,
                       Err *err) {
    ThriftScan scan;
    thrift_scan_begin(&scan, (ThriftWire){false, compact}, limits);
    scan.depth = scan.base = (uint8_t)MIN(depth, (unsigned)THRIFT_DEPTH_MAX);
    Input in = {(const uint8_t *)bytes.ptr, bytes.len, err};
    ThriftScanned passed = value(&scan, &in, kind, 0);
    if (passed == THRIFT_SCAN_DONE) {
        passed = values(&scan, &in);
    }
    if (passed == THRIFT_SCAN_MORE) {
        return err_set(err, ERR_INVALID_MESSAGE, "the message ends within a value of type %s", wire_kind_name(kind));
    }
    *ret_length = scan.at;
    return passed == THRIFT_SCAN_DONE;
}
