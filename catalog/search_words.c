/* The words of a table and of a query.
 *
 * One tsvector per table holds words of several kinds, told apart by a letter in front:
 *   *            every table
 *   x:NAME       the whole name                 n:WORD   a word of the name
 *   t:WORD       a word of anything             c:NAME   a column
 *   g:CATALOG    b:DATABASE    y:TYPE    o:OWNER    k:KEY a parameter    p:HASH of key and value
 * So filters and words are answered by one index, and no language's stemming decides what is found. */
#include "catalog/names.h"
#include "catalog/search.h"

#include "base/buf.h"

enum {
    WORD_MAX_BYTES = 200,
    WORDS_MAX_BYTES = 600 << 10, /* of one table: PostgreSQL's tsvector ends at 1 MB */
    TEXT_MAX_BYTES = 64 << 10,   /* of one text that is looked at */
    QUERY_MAX_WORDS = 32,
};

/* Letters, digits and whatever is not ASCII; '_' separates like any other sign. */
static bool is_word_char(unsigned char c) {
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool next_word(Str *rest, Str *ret) {
    size_t from = 0;
    while (from < rest->len && !is_word_char((unsigned char)rest->ptr[from])) {
        from++;
    }
    size_t to = from;
    while (to < rest->len && is_word_char((unsigned char)rest->ptr[to])) {
        to++;
    }
    *ret = str_slice(*rest, from, to);
    *rest = str_skip(*rest, to);
    return to > from;
}

/* Cut between characters. */
static Str cut(Str s, size_t max) {
    if (s.len <= max) {
        return s;
    }
    while (max && ((unsigned char)s.ptr[max] & 0xC0) == 0x80) {
        max--;
    }
    return str_slice(s, 0, max);
}

static Str lexeme(Arena *arena, char kind, Str word) {
    char prefix[2] = {kind, ':'};
    return ARENA_CONCAT(arena, ((Str){prefix, 2}), cut(word, WORD_MAX_BYTES));
}

/* Long names and values are told apart by a hash of the whole. */
static Str lexeme_exact(Arena *arena, char kind, Str text) {
    if (text.len <= WORD_MAX_BYTES) {
        return lexeme(arena, kind, text);
    }
    unsigned char hash[32];
    char hex[65];
    sha256(text, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    return lexeme(arena, kind, (Str){hex, 64});
}

static Str lexeme_param(Arena *arena, Str key, Str value) {
    unsigned char hash[32];
    char hex[33];
    sha256(ARENA_CONCAT(arena, key, ((Str){"\0", 1}), value), hash);
    for (size_t i = 0; i < 16; i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    return lexeme(arena, 'p', (Str){hex, 32});
}

/* --- a table --------------------------------------------------------------------------------------------------- */

typedef struct Words {
    Arena *arena;
    StrMap *seen;
    StrList list;
    size_t capacity, bytes;
} Words;

static void add(Words *w, Str word) {
    if (w->bytes + word.len > WORDS_MAX_BYTES || arena_exceeded(w->arena) || strmap_put(w->seen, word, w)) {
        return;
    }
    if (w->list.count == w->capacity) {
        w->capacity = MAX(w->capacity * 2, (size_t)128);
        Str *grown = ARENA_ARRAY(w->arena, Str, w->capacity);
        if (w->list.count) {
            memcpy(grown, w->list.items, w->list.count * sizeof(Str));
        }
        w->list.items = grown;
    }
    w->list.items[w->list.count++] = word;
    w->bytes += word.len;
}

/* NULs cannot be stored, and what is no UTF-8 PostgreSQL would refuse. */
static Str searchable(Words *w, Str text) {
    text = cut(text, TEXT_MAX_BYTES);
    return utf8_valid(text) ? name_fold(w->arena, text) : STR("");
}

static void add_text(Words *w, Str text, bool is_name) {
    Str rest = searchable(w, text), word;
    while (next_word(&rest, &word)) {
        add(w, lexeme(w->arena, 't', word));
        if (is_name) {
            add(w, lexeme(w->arena, 'n', word));
        }
    }
}

static void add_exact(Words *w, char kind, Str text) {
    if (!str_is_empty(text)) {
        add(w, lexeme_exact(w->arena, kind, text));
    }
}

static void add_columns(Words *w, const ColumnSet *set) {
    for (size_t i = 0; set && i < set->count; i++) {
        add_exact(w, 'c', name_fold(w->arena, set->items[i].name));
    }
    for (size_t i = 0; set && i < set->count; i++) {
        add_text(w, set->items[i].name, false);
        add_text(w, set->items[i].comment, false);
    }
}

static void add_params(Words *w, const Params *params) {
    for (size_t i = 0; i < params->count; i++) {
        add_exact(w, 'k', params->items[i].key);
        add(w, lexeme_param(w->arena, params->items[i].key, params->items[i].value));
    }
    for (size_t i = 0; i < params->count; i++) {
        add_text(w, params->items[i].key, false);
        add_text(w, params->items[i].value, false);
    }
}

/* What matters most comes first, should the room run out. */
StrList search_lexemes(Arena *arena, const Table *t) {
    Words w = {.arena = arena, .seen = strmap_new(arena, 256)};
    add(&w, STR("*"));
    add_exact(&w, 'x', t->name);
    add_exact(&w, 'g', t->catalog);
    add_exact(&w, 'y', t->type);
    add_exact(&w, 'o', t->owner);
    add_text(&w, t->name, true);
    add_columns(&w, t->partition_keys);
    add_columns(&w, t->storage.given ? t->storage.columns : NULL);
    add_text(&w, t->owner, false);
    add_text(&w, t->description, false);
    add_text(&w, t->storage.given ? t->storage.location : STR_NULL, false);
    add_params(&w, &t->params);
    return w.list;
}

/* --- a query --------------------------------------------------------------------------------------------------- */

static void add_operand(Buf *out, Str word, bool beginning) {
    buf_add_cstr(out, out->len ? " & '" : "'");
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\'' || word.ptr[i] == '\\') {
            buf_add_char(out, word.ptr[i]);
        }
        buf_add_char(out, word.ptr[i]);
    }
    buf_add_cstr(out, beginning ? "':*" : "'");
}

static void add_filter(Buf *out, Arena *arena, char kind, Str text) {
    if (!str_is_null(text)) {
        add_operand(out, lexeme_exact(arena, kind, text), false);
    }
}

static void add_databases(Buf *out, Arena *arena, const StrList *ids) {
    for (size_t i = 0; i < ids->count; i++) {
        buf_add_cstr(out, i ? " | '" : out->len ? " & ('" : "('");
        buf_add(out, lexeme_exact(arena, 'b', ids->items[i]));
        buf_add_char(out, '\'');
    }
    buf_add_cstr(out, ids->count ? ")" : "");
}

static void add_filters(Buf *out, Arena *arena, const SearchQuery *q) {
    add_filter(out, arena, 'g', name_fold(arena, q->catalog));
    add_filter(out, arena, 'y', q->type);
    add_filter(out, arena, 'o', q->owner);
    add_filter(out, arena, 'c', name_fold(arena, q->column));
    for (size_t i = 0; i < q->params.count; i++) {
        const Param *p = &q->params.items[i];
        if (str_is_empty(p->value)) {
            add_filter(out, arena, 'k', p->key);
        } else {
            add_operand(out, lexeme_param(arena, p->key, p->value), false);
        }
    }
}

/* Words of the text, as beginnings of KIND of words; quoted ones whole. False when there are too many. */
static bool add_words(Buf *out, Arena *arena, Str text, char kind, size_t *ret_count) {
    Str rest = text, word;
    size_t count = 0;
    while (next_word(&rest, &word)) {
        size_t quotes = 0;
        for (const char *p = text.ptr; p < word.ptr; p++) {
            quotes += *p == '"';
        }
        if (++count > QUERY_MAX_WORDS) {
            return false;
        }
        add_operand(out, lexeme(arena, kind, word), quotes % 2 == 0);
    }
    *ret_count = count;
    return true;
}

static Str take(Arena *arena, Buf *buf) {
    Str text = arena_str(arena, buf_str(buf));
    buf_clear(buf);
    return text;
}

bool search_conditions(Arena *arena, const SearchQuery *q, const StrList *databases, Str ret_tiers[3], Err *err) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(1 << 20);
    size_t words = 0;
    if (!utf8_valid(q->text) || q->text.len > TEXT_MAX_BYTES || memchr(q->text.ptr ? q->text.ptr : "", 0, q->text.len)) {
        return err_set(err, ERR_INVALID_INPUT, "A search text is at most %d bytes of UTF-8.", TEXT_MAX_BYTES);
    }
    Str text = name_fold(arena, q->text);
    add_filters(&buf, arena, q);
    if (databases) {
        add_databases(&buf, arena, databases);
    }
    Str filters = take(arena, &buf);
    Str glue = filters.len ? STR(" & ") : STR("");
    if (!add_words(&buf, arena, text, 'n', &words)) {
        return err_set(err, ERR_LIMIT_EXCEEDED, "A search takes at most %d words.", QUERY_MAX_WORDS);
    }
    Str in_name = take(arena, &buf);
    if (words == 0) {
        ret_tiers[0] = ret_tiers[1] = STR_NULL;
        ret_tiers[2] = filters.len ? filters : STR("'*'");
        return true;
    }
    bool ignored = add_words(&buf, arena, text, 't', &words);
    (void)ignored;
    Str anywhere = take(arena, &buf);
    add_operand(&buf, lexeme_exact(arena, 'x', str_trim(text)), false);
    Str exact = take(arena, &buf);
    ret_tiers[0] = ARENA_CONCAT(arena, exact, glue, filters);
    ret_tiers[1] = ARENA_CONCAT(arena, in_name, STR(" & !"), exact, glue, filters);
    ret_tiers[2] = ARENA_CONCAT(arena, anywhere, STR(" & !("), in_name, STR(") & !"), exact, glue, filters);
    return true;
}
