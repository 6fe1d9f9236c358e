/* Thrift over HTTP: POST /metastore with one binary message as the body. Each request stands alone: no set_ugi(), no settings. */
#include "server/hms/http.h"
#include "server/hms/door.h"
#include "thrift/decode.h"

static bool begin(Request *r, HmsSession *session, HmsIncoming *ret, Err *err) {
    Str actor = r->http->headers[HTTP_X_ACTOR_USERNAME];
    Str user = r->caller.principal;
    if (str_is_null(user) && !str_is_empty(actor) && actor.len <= 255 && utf8_valid(actor)) {
        user = actor; /* believed where nobody has to log in, as set_ugi() is */
    }
    *session = (HmsSession){.user = user, .login = r->http->headers[HTTP_AUTHORIZATION]};
    *ret = (HmsIncoming){
        .server = r->server,
        .session = session,
        .client = r->caller.client,
        .agent = r->caller.agent,
        .received_us = r->http->received_us,
    };
    bool compact = r->http->body.len > 0 && (unsigned char)r->http->body.ptr[0] == 0x82;
    return thrift_decode_head(r->http->body, compact, &ret->message, &ret->body, err);
}

bool hms_over_http(Request *r, Err *err) {
    HmsSession session;
    HmsIncoming in;
    if (!begin(r, &session, &in, err)) {
        return false;
    }
    r->answer.content_type = "application/x-thrift";
    if (hms_incoming(&in, &r->answer.body) != HMS_INCOMING_ANSWERED) {
        (void)hms_serve(&in, r->arena, &r->answer.body);
    }
    if (session.arena) {
        arena_free(session.arena);
    }
    return true;
}
