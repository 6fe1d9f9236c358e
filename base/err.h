/* Err: what went wrong, said once at the deepest point that knows it.
 *
 * A function that can fail returns bool and takes `Err *err` last; on false *err is filled, on true it is untouched.
 * err may not be NULL. The codes and how each API shows them stand in errors.def. */
#ifndef PROPOLIS_BASE_ERR_H
#define PROPOLIS_BASE_ERR_H

#include "base/str.h"

typedef enum ErrCode {
    ERR_NONE = 0,
#define ERROR_ROW(NAME, text, rest_status, hms, glue, glue_status, level, retry) ERR_##NAME,
#include "base/errors.def"
#undef ERROR_ROW
    ERR_COUNT
} ErrCode;

/* The Thrift exceptions of the Hive Metastore that a code can become. */
typedef enum HmsException {
    HMS_META,
    HMS_NO_SUCH_OBJECT,
    HMS_ALREADY_EXISTS,
    HMS_INVALID_OBJECT,
    HMS_INVALID_OPERATION,
    HMS_INVALID_INPUT,
    HMS_UNKNOWN_DB,
    HMS_UNKNOWN_TABLE,
    HMS_CONFIG_VAL_SECURITY,
    HMS_NO_SUCH_LOCK,
    HMS_NO_SUCH_TXN,
    HMS_TXN_ABORTED,
    HMS_TXN_OPEN,
    HMS_INVALID_PARTITION,
} HmsException;

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } LogLevel;

typedef struct ErrInfo {
    const char *name; /* stable text code, e.g. "table_not_found" */
    int rest_status;
    HmsException hms;
    const char *glue; /* __type */
    int glue_status;
    LogLevel level;
    bool retryable;
} ErrInfo;

typedef struct Err {
    ErrCode code;
    char message[1024]; /* a sentence for a person: the thing, the rule, what to do */
    char detail[512];   /* for the log only, e.g. what PostgreSQL said; never sent to a client */
    const char *file;
    int line;
} Err;

const ErrInfo *err_info(ErrCode code);
ErrCode err_code_by_name(Str name); /* ERR_NONE when unknown */

/* Always returns false: return err_set(err, ERR_X, "..."); It says so here, because the static analyzer does not look into
 * err.c and would follow paths that do not exist. */
#define err_set(err, code, ...) \
    ({ \
        err_set_at((err), (code), __FILE__, __LINE__, __VA_ARGS__); \
        false; \
    })
bool err_set_at(Err *err, ErrCode code, const char *file, int line, const char *fmt, ...) PRINTF_LIKE(5, 6);
void err_detail(Err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts "text: " before the message, for a caller that knows the context. Always returns false. */
bool err_prefix(Err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
