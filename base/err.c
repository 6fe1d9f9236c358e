#include "base/err.h"

static const ErrInfo INFO[ERR_COUNT] = {
    [ERR_NONE] = {"none", 200, HMS_META, "", 200, LOG_DEBUG, false},
#define ERROR_ROW(NAME, text, rest_status, hms, glue, glue_status, level, retry) \
    [ERR_##NAME] = {text, rest_status, hms, glue, glue_status, level, retry},
#include "base/errors.def"
#undef ERROR_ROW
};

const ErrInfo *err_info(ErrCode code) { return &INFO[(unsigned)code < ERR_COUNT ? code : ERR_INTERNAL]; }

ErrCode err_code_by_name(Str name) {
    for (int code = 1; code < ERR_COUNT; code++) {
        if (str_eq(name, str_from(INFO[code].name))) {
            return (ErrCode)code;
        }
    }
    return ERR_NONE;
}

/* A cut message must stay valid UTF-8, because it is sent as JSON. */
static void trim_broken_utf8(char *text, size_t capacity) {
    size_t len = strlen(text), start = len;
    if (len + 1 < capacity) {
        return;
    }
    while (start && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    start -= start > 0;
    Str last = {text + start, len - start};
    uint32_t ignored;
    if (!utf8_next(&last, &ignored) || last.len) {
        text[start] = 0;
    }
}

bool err_set_at(Err *err, ErrCode code, const char *file, int line, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    trim_broken_utf8(err->message, sizeof err->message);
    err->code = code;
    err->detail[0] = 0;
    err->file = file;
    err->line = line;
    return false;
}

void err_detail(Err *err, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->detail, sizeof err->detail, fmt, args);
    va_end(args);
    trim_broken_utf8(err->detail, sizeof err->detail);
}

bool err_prefix(Err *err, const char *fmt, ...) {
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    size_t at = n < 0 ? 0 : MIN((size_t)n, sizeof err->message - 1);
    snprintf(err->message + at, sizeof err->message - at, ": %s", old);
    trim_broken_utf8(err->message, sizeof err->message);
    return false;
}
