#include "tests/oracle/peer.h"

#include <stdint.h>
#include <string.h>

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/thrift_struct.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

static char problem[500];

static const char *say(const char *what, GError **error) {
    g_snprintf(problem, sizeof problem, "%s: %s", what, *error ? (*error)->message : "no reason given");
    g_clear_error(error);
    return problem;
}

static const char *rewrite(ThriftStruct *strukt, ThriftProtocol *in, ThriftProtocol *out) {
    GError *error = NULL;
    if (thrift_struct_read(strukt, in, &error) < 0 || error) {
        return say("reading", &error);
    }
    if (thrift_struct_write(strukt, out, &error) < 0 || error) {
        return say("writing", &error);
    }
    return NULL;
}

static ThriftProtocol *protocol_over(ThriftTransport *transport, bool compact) {
    return g_object_new(compact ? THRIFT_TYPE_COMPACT_PROTOCOL : THRIFT_TYPE_BINARY_PROTOCOL, "transport", transport, NULL);
}

const char *peer_rewrite(size_t index, bool compact, bool to_compact, const void *bytes, size_t count, void *out, size_t most,
                         size_t *ret_count) {
    GByteArray *source = g_byte_array_append(g_byte_array_new(), bytes, (guint)count), *target = g_byte_array_new();
    ThriftTransport *from = g_object_new(THRIFT_TYPE_MEMORY_BUFFER, "buf", source, NULL);
    ThriftTransport *to = g_object_new(THRIFT_TYPE_MEMORY_BUFFER, "buf", target, NULL);
    ThriftProtocol *in = protocol_over(from, compact), *written = protocol_over(to, to_compact);
    ThriftStruct *strukt = g_object_new(peer_types[index].get_type(), NULL);
    const char *wrong = rewrite(strukt, in, written);
    if (!wrong && (source->len != 0 || target->len > most)) {
        wrong = source->len ? "bytes were left over" : "too much was written";
    }
    if (!wrong) {
        memcpy(out, target->data, target->len);
        *ret_count = target->len;
    }
    g_object_unref(strukt);
    g_object_unref(in);
    g_object_unref(written);
    g_object_unref(from);
    g_object_unref(to);
    return wrong;
}
