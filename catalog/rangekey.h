/* Range keys: a partition value as bytes that sort (memcmp, PostgreSQL's bytea) as the value sorts by its type.
 *
 * Pure functions of (kind, text); stored beside the first value of each partition and compared with the same encoding of a
 * filter's literals. What does not cast to the type has no key (NULL in the store).
 *
 * Texts that cast:
 *   integer    [+-]digits                               any size up to RANGEKEY_NUMBER_MAX characters
 *   decimal    [+-]digits[.digits][e[+-]1-3 digits]     exact, the same limit
 *   date       yyyy-[m]m-[d]d                           that exists in the proleptic Gregorian calendar
 *   timestamp  yyyy-mm-dd[( |T)hh:mm:ss[.1-9 digits]]   likewise; a date alone is its midnight
 *   string     anything
 * Strings are their UTF-8 bytes (code point order) cut to RANGEKEY_STRING_MAX. Two long strings that agree so far have equal
 * keys, so a comparison of string keys may only narrow (>= and <=, never > and <) and the full value decides. */
#ifndef PROPOLIS_CATALOG_RANGEKEY_H
#define PROPOLIS_CATALOG_RANGEKEY_H

#include "base/arena.h"

enum {
    RANGEKEY_STRING_MAX = 512,
    RANGEKEY_NUMBER_MAX = 80, /* characters of a number's text */
};

typedef enum RangeKind {
    RANGE_NONE, /* types that no filter compares: float, boolean, nested, unknown */
    RANGE_STRING,
    RANGE_INTEGER,
    RANGE_DECIMAL,
    RANGE_DATE,
    RANGE_TIMESTAMP,
} RangeKind;

/* How values of a Hive type compare. */
RangeKind rangekey_kind(Str type);

/* False: VALUE does not cast to KIND (or KIND is RANGE_NONE), store NULL. For strings a null or empty VALUE gets the key of
 * DEFAULT_NAME (null: Hive's), as its partition name does. */
bool rangekey_encode(Arena *arena, RangeKind kind, Str value, Str default_name, Str *ret);

/* VALUE in the one spelling that SQL compares: integers as [-]digits, decimals as something PostgreSQL's numeric reads without
 * fail, dates as yyyy-mm-dd, timestamps as yyyy-mm-dd hh:mm:ss[.fraction without trailing zeros], strings as they are. */
bool rangekey_canonical(Arena *arena, RangeKind kind, Str value, Str *ret);
/* A number of any spelling that is whole (2, 2.0, 3e10) as an integer's canonical text. */
bool rangekey_whole(Arena *arena, Str text, Str *ret);

#endif
