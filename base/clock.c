#include "base/clock.h"

#include <time.h>

Micros clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (Micros)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

Deadline deadline_in_ms(int64_t ms) { return (Deadline){clock_monotonic_us() + ms * 1000}; }

int64_t deadline_left_ms(Deadline d) {
    if (d.monotonic_us == 0) {
        return INT64_MAX;
    }
    return MAX((d.monotonic_us - clock_monotonic_us()) / 1000, (int64_t)0);
}

/* Both conversions count from 1 March of year 0 in eras of 400 years, so that the leap day comes last. */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (int64_t)((month + 9) % 12) + 2) / 5 + (int64_t)day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *ret_day = (unsigned)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *ret_month = (unsigned)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

bool civil_is_valid(int64_t year, unsigned month, unsigned day) {
    static const unsigned char length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= length[month - 1] + (unsigned)(month == 2 && leap);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* DIGITS decimal digits of VALUE, then MARK; where the next character goes. */
static char *put_digits(char *at, uint64_t value, int digits, char mark) {
    for (int i = digits - 1; i >= 0; i--, value /= 10) {
        at[i] = (char)('0' + value % 10);
    }
    at[digits] = mark;
    return at + digits + 1;
}

/* By hand, because lists carry thousands of times. A year that has not four digits is rare enough for printf. */
void time_format(Micros t, char out[32]) {
    const int64_t day_us = 86400000000;
    int64_t days = floor_div(t, day_us), rest = t % day_us + (t % day_us < 0 ? day_us : 0), year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    uint64_t seconds = (uint64_t)rest / 1000000, micros = (uint64_t)rest % 1000000;
    char *at = out;
    if (year >= 0 && year <= 9999) {
        at = put_digits(at, (uint64_t)year, 4, '-');
    } else {
        at += MAX(snprintf(out, 32, "%04d-", (int)year), 0);
    }
    at = put_digits(at, month, 2, '-');
    at = put_digits(at, day, 2, 'T');
    at = put_digits(at, seconds / 3600, 2, ':');
    at = put_digits(at, seconds / 60 % 60, 2, ':');
    at = put_digits(at, seconds % 60, 2, micros ? '.' : 'Z');
    if (micros) {
        at = put_digits(at, micros, 6, 'Z');
    }
    *at = 0;
}

static bool take_number(Str *s, size_t digits, unsigned *ret) {
    if (s->len < digits) {
        return false;
    }
    uint64_t value;
    if (!str_to_u64(str_slice(*s, 0, digits), &value)) {
        return false;
    }
    *s = str_skip(*s, digits);
    *ret = (unsigned)value;
    return true;
}

static bool take_char(Str *s, char c) {
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    *s = str_skip(*s, 1);
    return true;
}

static bool take_fraction(Str *s, int64_t *ret_micros) {
    *ret_micros = 0;
    if (!take_char(s, '.')) {
        return true;
    }
    int64_t unit = 100000;
    size_t digits = 0;
    while (s->len && s->ptr[0] >= '0' && s->ptr[0] <= '9') {
        *ret_micros += (s->ptr[0] - '0') * unit;
        unit /= 10;
        digits++;
        *s = str_skip(*s, 1);
    }
    return digits > 0 && digits <= 9;
}

static bool take_offset(Str *s, int64_t *ret_seconds) {
    *ret_seconds = 0;
    if (take_char(s, 'Z') || take_char(s, 'z')) {
        return true;
    }
    bool negative = s->len && s->ptr[0] == '-';
    unsigned hours, minutes;
    if (!take_char(s, negative ? '-' : '+') || !take_number(s, 2, &hours) || !take_char(s, ':') || !take_number(s, 2, &minutes) ||
        hours > 23 || minutes > 59) {
        return false;
    }
    *ret_seconds = (negative ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

bool time_parse(Str s, Micros *ret) {
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    int64_t micros = 0, offset = 0;
    if (!take_number(&s, 4, &year) || !take_char(&s, '-') || !take_number(&s, 2, &month) || !take_char(&s, '-') ||
        !take_number(&s, 2, &day) || !civil_is_valid(year, month, day)) {
        return false;
    }
    if (s.len) {
        if (!(take_char(&s, 'T') || take_char(&s, 't') || take_char(&s, ' ')) || !take_number(&s, 2, &hour) ||
            !take_char(&s, ':') || !take_number(&s, 2, &minute) || !take_char(&s, ':') || !take_number(&s, 2, &second) ||
            hour > 23 || minute > 59 || second > 59 || !take_fraction(&s, &micros) || !take_offset(&s, &offset) || s.len) {
            return false;
        }
    }
    int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *ret = seconds * 1000000 + micros;
    return true;
}
