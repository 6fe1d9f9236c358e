#include "base/cron.h"

typedef struct CronField {
    const char *what;
    int first, last;
    const char *names; /* three letters each */
    int name_from;     /* the number of the first */
} CronField;
enum { SECONDS, MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS, YEARS, FIELDS };

static const CronField CRON_FIELDS[] = {
    [SECONDS] = {"second", 0, 59, NULL, 0},
    [MINUTES] = {"minute", 0, 59, NULL, 0},
    [HOURS] = {"hour", 0, 23, NULL, 0},
    [DAYS] = {"day of the month", 1, 31, NULL, 0},
    [MONTHS] = {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 1},
    [WEEKDAYS] = {"day of the week", 1, 7, "SUNMONTUEWEDTHUFRISAT", 1},
    [YEARS] = {"year", CRON_YEAR_FIRST, CRON_YEAR_LAST, NULL, 0},
};

static void set(Cron *cron, size_t field, int value) {
    uint64_t *const bits[] = {&cron->seconds, &cron->minutes, &cron->hours, &cron->days, &cron->months, &cron->weekdays};
    if (field == YEARS) {
        cron->years[value - CRON_YEAR_FIRST] = true;
    } else {
        *bits[field] |= UINT64_C(1) << value;
    }
}

static bool parse_number(const CronField *field, Str text, int *ret) {
    enum { LETTERS = 3 };
    int64_t number;
    if (str_to_i64(text, &number) && number >= field->first && number <= field->last) {
        *ret = (int)number;
        return true;
    }
    for (size_t i = 0; field->names && text.len == LETTERS && field->names[i * LETTERS]; i++) {
        if (str_eq_nocase(text, (Str){field->names + i * LETTERS, LETTERS})) {
            *ret = field->name_from + (int)i;
            return true;
        }
    }
    return false;
}

/* "5", "1-5", "*", "2/10", "0-30/5" */
static bool parse_range(Cron *cron, size_t no, Str text) {
    const CronField *field = &CRON_FIELDS[no];
    Str range = text;
    int64_t step = 1;
    int from = field->first, to = field->last;
    size_t slash = str_find_char(text, '/'), dash;
    if (slash != SIZE_MAX) {
        range = str_slice(text, 0, slash);
        if (!str_to_i64(str_skip(text, slash + 1), &step) || step < 1 || step > field->last) {
            return false;
        }
    }
    dash = str_find_char(range, '-');
    if (dash != SIZE_MAX) {
        if (!parse_number(field, str_slice(range, 0, dash), &from) || !parse_number(field, str_skip(range, dash + 1), &to)) {
            return false;
        }
    } else if (!str_eq(range, STR("*")) && !str_eq(range, STR("?"))) {
        if (!parse_number(field, range, &from)) {
            return false;
        }
        to = slash == SIZE_MAX ? from : to;
    }
    if (to < from) { /* "FRI-MON" goes on from the beginning */
        for (int i = field->first; i <= to; i++) {
            set(cron, no, i);
        }
        to = field->last;
    }
    for (int64_t i = from; i <= to; i += step) {
        set(cron, no, (int)i);
    }
    return true;
}

bool cron_parse(Str text, Cron *ret, Err *err) {
    Cron cron = {0};
    size_t no = 0;
    Str rest = str_trim(text), word, range;
    while (str_split(&rest, ' ', &word)) {
        if (word.len == 0) {
            continue;
        }
        if (no == FIELDS) {
            return err_set(err, ERR_INVALID_INPUT, "A schedule has 6 fields, or 7 with the year.");
        }
        while (str_split(&word, ',', &range)) {
            if (!parse_range(&cron, no, range)) {
                return err_set(err, ERR_INVALID_INPUT, "\"%" STR_FMT "\" is no %s of a schedule.", STR_ARG(range),
                               CRON_FIELDS[no].what);
            }
        }
        no++;
    }
    if (no < YEARS) {
        return err_set(err, ERR_INVALID_INPUT, "A schedule has 6 fields (second minute hour day month weekday), not %zu.", no);
    }
    for (int i = CRON_YEAR_FIRST; no == YEARS && i <= CRON_YEAR_LAST; i++) {
        set(&cron, YEARS, i);
    }
    *ret = cron;
    return true;
}

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, MINUTE_SECONDS = 60 };

static bool day_matches(const Cron *cron, int64_t day) {
    enum { SUNDAY_BEFORE = 4, WEEK = 7 }; /* 1970 began on a Thursday */
    int64_t year;
    unsigned month, of_month;
    civil_from_days(day, &year, &month, &of_month);
    if (year < CRON_YEAR_FIRST || year > CRON_YEAR_LAST) {
        return false;
    }
    int64_t weekday = (day + SUNDAY_BEFORE) % WEEK + 1;
    return cron->years[year - CRON_YEAR_FIRST] && cron->months >> month & 1 && cron->days >> of_month & 1 &&
           cron->weekdays >> weekday & 1;
}

/* The first second of a day from FROM on; -1: none. */
static int64_t second_of_day(const Cron *cron, int64_t from) {
    for (int64_t s = from; s < DAY_SECONDS;) {
        if (!(cron->hours >> s / HOUR_SECONDS & 1)) {
            s = (s / HOUR_SECONDS + 1) * HOUR_SECONDS;
        } else if (!(cron->minutes >> s % HOUR_SECONDS / MINUTE_SECONDS & 1)) {
            s = (s / MINUTE_SECONDS + 1) * MINUTE_SECONDS;
        } else if (!(cron->seconds >> s % MINUTE_SECONDS & 1)) {
            s++;
        } else {
            return s;
        }
    }
    return -1;
}

bool cron_next(const Cron *cron, Micros after, Micros *ret) {
    int64_t start = MAX(after, (Micros)0) / 1000000 + 1;
    int64_t last = days_from_civil(CRON_YEAR_LAST, 12, 31);
    for (int64_t day = start / DAY_SECONDS; day <= last; day++) {
        if (!day_matches(cron, day)) {
            continue;
        }
        int64_t second = second_of_day(cron, day == start / DAY_SECONDS ? start % DAY_SECONDS : 0);
        if (second >= 0) {
            *ret = (day * DAY_SECONDS + second) * 1000000;
            return true;
        }
    }
    return false;
}
