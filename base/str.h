/* Str: a view of bytes somebody else owns. A null Str (ptr == NULL) is "absent", which is not the same as "". */
#ifndef PROPOLIS_BASE_STR_H
#define PROPOLIS_BASE_STR_H

#include "base/base.h"

typedef struct Str {
    const char *ptr;
    size_t len;
} Str;

typedef struct StrList {
    Str *items;
    size_t count;
} StrList;

#define STR(literal) ((Str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal) \
    { "" literal, sizeof(literal) - 1 } /* for static initialisers */
#define STR_NULL ((Str){NULL, 0})
/* printf("%" STR_FMT, STR_ARG(s)) */
#define STR_FMT ".*s"
#define STR_ARG(s) (int)MIN((s).len, (size_t)INT_MAX), ((s).ptr ? (s).ptr : "")

Str str_from(const char *c_string); /* NULL gives a null Str */
static inline bool str_is_null(Str s) { return s.ptr == NULL; }
static inline bool str_is_empty(Str s) { return s.len == 0; } /* null or "" */

bool str_eq(Str a, Str b);                      /* null equals only null */
bool str_eq_nocase(Str a, Str b);               /* ASCII letters only */
int str_cmp(Str a, Str b);                      /* by bytes, shorter first; null before everything */
int str_cmp_void(const void *a, const void *b); /* for qsort over Str */
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
bool str_starts_nocase(Str s, Str prefix);
bool str_has_char(Str s, char c);
size_t str_find(Str s, Str needle);           /* SIZE_MAX when absent */
size_t str_find_char(Str s, char c);          /* first, SIZE_MAX when absent */
size_t str_rfind_char(Str s, char c);         /* last, SIZE_MAX when absent */
Str str_slice(Str s, size_t from, size_t to); /* clamped */
static inline Str str_skip(Str s, size_t n) { return str_slice(s, n, s.len); }
Str str_trim(Str s);                                      /* ASCII white space at both ends */
bool str_split(Str *rest, char separator, Str *ret_part); /* loops: false once REST is used up (null) */

/* Whole-string number parsers: decimal only, no sign surprises, no spaces, no overflow; false leaves *ret alone. */
bool str_to_i64(Str s, int64_t *ret);
bool str_to_u64(Str s, uint64_t *ret);
bool str_to_double(Str s, double *ret);

/* UTF-8. Decoding refuses overlong forms, surrogates and values above U+10FFFF. */
bool utf8_valid(Str s);
size_t utf8_length(Str s);                           /* code points of valid UTF-8 */
bool utf8_next(Str *rest, uint32_t *ret_code_point); /* false at the end or at an invalid byte */
size_t utf8_encode(uint32_t code_point, char out[4]);

#endif
