#include "server/sasl.h"

enum { HEAD = 5, PAYLOAD_MOST = 16 * 1024 };

SaslRead sasl_read(Str bytes, SaslMessage *ret) {
    if (bytes.len < HEAD) {
        return SASL_MORE;
    }
    uint32_t length;
    memcpy(&length, bytes.ptr + 1, sizeof length);
    length = __builtin_bswap32(length);
    unsigned char status = (unsigned char)bytes.ptr[0];
    if (status < SASL_START || status > SASL_COMPLETE || length > PAYLOAD_MOST) {
        return SASL_WRONG;
    }
    if (bytes.len - HEAD < length) {
        return SASL_MORE;
    }
    *ret = (SaslMessage){(SaslStatus)status, str_slice(bytes, HEAD, HEAD + length), HEAD + length};
    return SASL_WHOLE;
}

void sasl_write(Buf *out, SaslStatus status, Str payload) {
    buf_add_char(out, (char)status);
    buf_add_be32(out, (uint32_t)payload.len);
    buf_add(out, payload);
}

bool sasl_plain(Str response, Str *ret_user, Str *ret_password) {
    size_t first = str_find_char(response, '\0');
    if (first == SIZE_MAX) {
        return false;
    }
    Str acting_for = str_slice(response, 0, first), rest = str_skip(response, first + 1);
    size_t second = str_find_char(rest, '\0');
    if (second == SIZE_MAX || str_has_char(str_skip(rest, second + 1), '\0')) {
        return false;
    }
    *ret_user = str_slice(rest, 0, second);
    *ret_password = str_skip(rest, second + 1);
    return !str_is_empty(*ret_user) && (str_is_empty(acting_for) || str_eq(acting_for, *ret_user));
}
