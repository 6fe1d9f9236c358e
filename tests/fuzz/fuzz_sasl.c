/* The first bytes of a login: messages out of a stream, and the answer to PLAIN. */
#include <stdint.h>

#include "server/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str left = {(const char *)data, size};
    SaslMessage message;
    while (sasl_read(left, &message) == SASL_WHOLE) {
        Str user, password;
        if (message.length > left.len || message.payload.len > message.length) {
            abort();
        }
        if (sasl_plain(message.payload, &user, &password) && user.len + password.len + 2 > message.payload.len) {
            abort();
        }
        left = str_skip(left, message.length);
    }
    return 0;
}
