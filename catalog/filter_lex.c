/* Filter texts to tokens. */
#include "catalog/filter_tree.h"

typedef struct Lexer {
    Arena *arena;
    Str text;
    size_t at;
    const Dialect *dialect;
    Token *items;
    size_t count, capacity;
    Err *err;
} Lexer;

static bool fail(Lexer *lx, const char *why) {
    return err_set(lx->err, ERR_INVALID_FILTER, "%s: %s at character %zu", lx->dialect->unsupported, why, lx->at + 1);
}

static char ahead(const Lexer *lx, size_t n) { return lx->at + n < lx->text.len ? lx->text.ptr[lx->at + n] : 0; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_word_char(char c) {
    return is_digit(c) || c == '_' || c == '$' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static void add(Lexer *lx, TokenKind kind, FilterOp op, Str text, size_t from) {
    if (lx->count == lx->capacity) {
        lx->capacity = MAX(lx->capacity * 2, (size_t)32);
        Token *grown = ARENA_ARRAY(lx->arena, Token, lx->capacity);
        if (lx->count) {
            memcpy(grown, lx->items, lx->count * sizeof *grown);
        }
        lx->items = grown;
    }
    lx->items[lx->count++] = (Token){kind, op, text, from + 1};
}

static bool lex_operator(Lexer *lx) {
    static const struct {
        const char *text;
        FilterOp op;
        bool hive_only;
    } ops[] = {
        {"<=>", OP_EQ, true}, {"<>", OP_NE, false}, {"!=", OP_NE, false}, {"<=", OP_LE, false}, {">=", OP_GE, false},
        {"==", OP_EQ, true},  {"=", OP_EQ, false},  {"<", OP_LT, false},  {">", OP_GT, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        Str text = str_from(ops[i].text);
        if (str_starts(str_skip(lx->text, lx->at), text) && !(ops[i].hive_only && lx->dialect->glue)) {
            add(lx, TOKEN_OP, ops[i].op, text, lx->at);
            lx->at += text.len;
            return true;
        }
    }
    return fail(lx, "unexpected character");
}

/* A quoted text up to its closing quote. A doubled quote is one quote; with BACKSLASH so is a quote behind one. False: no
 * closing quote. */
static bool take_quoted(Lexer *lx, bool doubled, bool backslash, Str *ret) {
    char quote = ahead(lx, 0);
    char *out = arena_alloc(lx->arena, lx->text.len - lx->at);
    size_t len = 0, i = lx->at + 1;
    for (; i < lx->text.len; i++) {
        char c = lx->text.ptr[i];
        bool next_is_quote = i + 1 < lx->text.len && lx->text.ptr[i + 1] == quote;
        if ((c == quote && doubled && next_is_quote) || (c == '\\' && backslash && next_is_quote)) {
            out[len++] = quote;
            i++;
        } else if (c == quote) {
            lx->at = i + 1;
            *ret = (Str){out, len};
            return true;
        } else {
            out[len++] = c;
        }
    }
    return false;
}

/* Hive keeps the text between the quotes as it stands, backslashes included. */
static bool take_hive_string(Lexer *lx, Str *ret) {
    char quote = ahead(lx, 0);
    for (size_t i = lx->at + 1; i < lx->text.len; i++) {
        if (lx->text.ptr[i] == '\\') {
            i++;
        } else if (lx->text.ptr[i] == quote) {
            *ret = str_slice(lx->text, lx->at + 1, i);
            lx->at = i + 1;
            return true;
        }
    }
    return false;
}

static bool lex_quoted(Lexer *lx) {
    char quote = ahead(lx, 0);
    size_t from = lx->at;
    bool key = quote == '`' || (quote == '"' && lx->dialect->glue);
    Str text;
    bool ok;
    if (key) {
        ok = take_quoted(lx, true, false, &text);
    } else if (lx->dialect->glue) {
        /* 'a\' is a text that ends in a backslash when nothing else closes it. */
        ok = take_quoted(lx, true, true, &text) || take_quoted(lx, true, false, &text);
    } else {
        ok = take_hive_string(lx, &text);
    }
    if (!ok) {
        return fail(lx, "a quote that is never closed");
    }
    add(lx, key ? TOKEN_QUOTED : TOKEN_STRING, OP_EQ, text, from);
    return true;
}

static size_t digits_at(Str s, size_t at) {
    size_t n = 0;
    while (at + n < s.len && is_digit(s.ptr[at + n])) {
        n++;
    }
    return n;
}

/* Length of what fits PATTERN ('9' any digit, else itself) at AT, or 0. */
static size_t shape_at(Str s, size_t at, const char *pattern) {
    size_t n = 0;
    for (; pattern[n]; n++) {
        if (at + n >= s.len || !(pattern[n] == '9' ? is_digit(s.ptr[at + n]) : s.ptr[at + n] == pattern[n])) {
            return 0;
        }
    }
    return n;
}

/* yyyy-mm-dd [hh:mm:ss[.f]] without quotes, as Hive allows. */
static bool lex_bare_date(Lexer *lx) {
    size_t from = lx->at, len = shape_at(lx->text, from, "9999-99-99");
    if (!len || lx->dialect->glue || is_word_char(ahead(lx, len)) || ahead(lx, len) == '-') {
        return false;
    }
    TokenKind kind = TOKEN_DATE;
    size_t time = shape_at(lx->text, from + len, " 99:99:99");
    if (time) {
        kind = TOKEN_TIMESTAMP;
        len += time;
        size_t fraction = ahead(lx, len) == '.' ? digits_at(lx->text, from + len + 1) : 0;
        len += fraction ? fraction + 1 : 0;
    }
    add(lx, kind, OP_EQ, str_slice(lx->text, from, from + len), from);
    lx->at += len;
    return true;
}

/* [+-]digits[.digits][e[+-]digits] or .digits; false leaves the place for a word. */
static bool lex_number(Lexer *lx) {
    Str s = lx->text;
    size_t i = lx->at + (ahead(lx, 0) == '-' || ahead(lx, 0) == '+');
    size_t whole = digits_at(s, i), fraction = 0;
    i += whole;
    if (i < s.len && s.ptr[i] == '.') {
        fraction = digits_at(s, i + 1);
        i += 1 + fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        size_t sign = i + 1 < s.len && (s.ptr[i + 1] == '-' || s.ptr[i + 1] == '+');
        size_t digits = digits_at(s, i + 1 + sign);
        i += digits ? 1 + sign + digits : 0;
    }
    if (i < s.len && is_word_char(s.ptr[i])) {
        return false;
    }
    add(lx, TOKEN_NUMBER, OP_EQ, str_slice(s, lx->at, i), lx->at);
    lx->at = i;
    return true;
}

/* A dot belongs to a word when a word goes on behind it: parameter names have them. */
static bool lex_word(Lexer *lx) {
    size_t from = lx->at;
    while (is_word_char(ahead(lx, 0)) || (ahead(lx, 0) == '.' && lx->at > from && is_word_char(ahead(lx, 1)))) {
        lx->at++;
    }
    if (lx->at == from) {
        return lex_operator(lx);
    }
    add(lx, TOKEN_WORD, OP_EQ, str_slice(lx->text, from, lx->at), from);
    return true;
}

static bool lex_one(Lexer *lx) {
    char c = ahead(lx, 0);
    if (c == '(' || c == ')' || c == ',') {
        add(lx,
            c == '('   ? TOKEN_OPEN
            : c == ')' ? TOKEN_CLOSE
                       : TOKEN_COMMA,
            OP_EQ, str_slice(lx->text, lx->at, lx->at + 1), lx->at);
        lx->at++;
        return true;
    }
    if (c == '\'' || c == '"' || c == '`') {
        return lex_quoted(lx);
    }
    return lex_bare_date(lx) || lex_number(lx) || lex_word(lx);
}

bool filter_lex(Arena *arena, Str text, const Dialect *dialect, Tokens *ret, Err *err) {
    Lexer lx = {.arena = arena, .text = text, .dialect = dialect, .err = err};
    if (!utf8_valid(text) || str_has_char(text, 0)) {
        return fail(&lx, "the filter is not valid UTF-8 text without NUL");
    }
    for (;;) {
        while (lx.at < text.len && (unsigned char)text.ptr[lx.at] <= ' ') {
            lx.at++;
        }
        if (lx.at >= text.len) {
            break;
        }
        if (!lex_one(&lx) || !arena_check(arena, err)) {
            return false;
        }
    }
    add(&lx, TOKEN_END, OP_EQ, STR("end of the filter"), lx.at);
    *ret = (Tokens){lx.items, lx.count};
    return true;
}
