/* One line per event on stderr: time, level, context (request, principal, peer), text. Never a secret.
 * Text form for people, JSON lines for machines. */
#ifndef PROPOLIS_BASE_LOG_H
#define PROPOLIS_BASE_LOG_H

#include "base/err.h"

void log_setup(LogLevel least, bool json);
bool log_enabled(LogLevel level);
/* What the current thread is working on; null parts are left out. The Strs must live until log_context_clear(). */
void log_context_set(Str request_id, Str principal, Str peer);
void log_context_clear(void);

void log_write(LogLevel level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_debug(...) (log_enabled(LOG_DEBUG) ? log_write(LOG_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
void log_err(const Err *err, const char *what); /* at the level of the error's row */

/* Test hook: lines go to FN instead of stderr (NULL switches back). */
void log_capture(void (*fn)(LogLevel level, Str line, void *arg), void *arg);

#endif
