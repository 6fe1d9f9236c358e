/* Time: wall clock in microseconds since 1970 UTC, monotonic clock for deadlines, ISO 8601 in and out. */
#ifndef PROPOLIS_BASE_CLOCK_H
#define PROPOLIS_BASE_CLOCK_H

#include "base/str.h"

typedef int64_t Micros;       /* since 1970-01-01T00:00:00Z */
#define MICROS_NONE INT64_MIN /* no time given */

Micros clock_now(void);
int64_t clock_monotonic_us(void);

typedef struct Deadline {
    int64_t monotonic_us; /* 0 = none */
} Deadline;

Deadline deadline_in_ms(int64_t milliseconds);
int64_t deadline_left_ms(Deadline d); /* INT64_MAX when none, 0 when over */

/* "2026-11-21T10:15:30.123456Z"; the fraction is left out when zero. */
void time_format(Micros t, char out[32]);
/* The same with any number of fraction digits, offset (Z or +hh:mm) required; also a plain date. */
bool time_parse(Str s, Micros *ret);

/* Days since 1970-01-01 of the proleptic Gregorian calendar. */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);
void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);
bool civil_is_valid(int64_t year, unsigned month, unsigned day);

#endif
