/* Thrift's SASL negotiation, as far as a server that knows PLAIN needs it: a byte that says what comes, four with its length,
 * and the text itself. Afterwards every message stands behind its length, as in a framed connection. */
#ifndef PROPOLIS_SERVER_SASL_H
#define PROPOLIS_SERVER_SASL_H

#include "base/buf.h"

typedef enum SaslStatus { SASL_START = 1, SASL_OK, SASL_BAD, SASL_ERROR, SASL_COMPLETE } SaslStatus;

typedef struct SaslMessage {
    SaslStatus status;
    Str payload;   /* of the bytes it was found in */
    size_t length; /* of the whole message */
} SaslMessage;

typedef enum SaslRead { SASL_MORE, SASL_WHOLE, SASL_WRONG } SaslRead;

/* The first message of BYTES. */
SaslRead sasl_read(Str bytes, SaslMessage *ret);
void sasl_write(Buf *out, SaslStatus status, Str payload);
/* PLAIN (RFC 4616): who it is to be, a zero byte, the user, a zero byte, the password. To act for somebody else is refused. */
bool sasl_plain(Str response, Str *ret_user, Str *ret_password);

#endif
