/* Cron: when something that is repeated comes next. Expressions are Quartz's: seconds minutes hours day-of-month month
 * day-of-week and perhaps a year, each * or ? or a list of numbers and ranges with steps ("0/15", "MON-FRI"). The last day of a
 * month (L), working days (W) and the n-th weekday (#) are not known. Times are UTC. */
#ifndef PROPOLIS_BASE_CRON_H
#define PROPOLIS_BASE_CRON_H

#include "base/clock.h"
#include "base/err.h"

enum { CRON_YEAR_FIRST = 1970, CRON_YEAR_LAST = 2099 };

/* A bit for each that matches; weekdays from 1, Sunday. */
typedef struct Cron {
    uint64_t seconds, minutes, hours, days, months, weekdays;
    bool years[CRON_YEAR_LAST - CRON_YEAR_FIRST + 1];
} Cron;

bool cron_parse(Str text, Cron *ret, Err *err) WARN_UNUSED;
bool cron_next(const Cron *cron, Micros after, Micros *ret) WARN_UNUSED; /* false: never again */

#endif
