/* A bound filter as SQL. The exact condition is always written; where an index can help, a condition that follows from it is
 * added beside it. POSITIVE says that UNKNOWN and FALSE mean the same at this place (nothing negates it), so conditions may
 * be added that turn one into the other. */
#include "catalog/filter_tree.h"
#include "catalog/partname.h"

/* No braces for repetition: PostgreSQL's regular expressions run five times slower with them. */
#define RE_INTEGER "^[+-]?[0-9]+$"
#define RE_DECIMAL "^[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9][0-9]?[0-9]?)?$"
#define RE_DAY \
    "(?:[0-9][0-9][0-9][0-9]-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)" \
    "|(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
#define RE_DATE "^" RE_DAY "$"
#define RE_LOOSE_DATE "^[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?$"
#define RE_TIMESTAMP "^" RE_DAY "(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?)?$"

static void emit(SqlWriter *w, const FilterNode *node, bool positive);

static FilterParam *param_new(SqlWriter *w, FilterParamKind kind) {
    FilterParams *params = w->params;
    if (params->count == params->capacity) {
        params->capacity = MAX(params->capacity * 2, (size_t)16);
        FilterParam *grown = ARENA_ARRAY(w->arena, FilterParam, params->capacity);
        if (params->count) {
            memcpy(grown, params->items, params->count * sizeof *grown);
        }
        params->items = grown;
    }
    params->items[params->count] = (FilterParam){.kind = kind};
    return &params->items[params->count++];
}

static unsigned last_param(const SqlWriter *w) { return w->params->first + (unsigned)w->params->count - 1; }

unsigned sql_param(SqlWriter *w, FilterParamKind kind, Str value) {
    param_new(w, kind)->value = value;
    return last_param(w);
}

unsigned sql_param_list(SqlWriter *w, FilterParamKind kind, const FilterNode *node) {
    StrList list = {ARENA_ARRAY(w->arena, Str, node->literal_count + 1), node->literal_count};
    for (size_t i = 0; i < list.count; i++) {
        list.items[i] = kind == FILTER_PARAM_BYTES_LIST ? node->literals[i].range : node->literals[i].value;
    }
    param_new(w, kind)->values = list;
    return last_param(w);
}

const char *sql_op(FilterOp op) {
    static const char *const texts[] = {
        [OP_EQ] = "=", [OP_NE] = "<>", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">=",
    };
    return texts[op];
}

bool sql_finish(const SqlWriter *w, Err *err) {
    if (w->params->count > FILTER_MAX_PARAMS) {
        return err_set(err, ERR_INVALID_FILTER, "the filter compares %zu values: at most %d are allowed; use IN lists",
                       w->params->count, FILTER_MAX_PARAMS);
    }
    return arena_check(w->arena, err) && buf_check(w->sql, "the statement of the filter", err);
}

static bool is_typed(const FilterNode *node) {
    return (node->kind == NODE_COMPARE || node->kind == NODE_IN) && node->range != RANGE_STRING && !node->raw;
}

/* The value as it stands, without what makes it NULL or empty mean the default partition. */
static Str stored(SqlWriter *w, const FilterNode *node) {
    return arena_printf(w->arena, "(%svals[%zu] COLLATE \"C\")", w->row, node->key_index + 1);
}

static Str effective(SqlWriter *w, const FilterNode *node) {
    if (!w->default_param) {
        w->default_param = sql_param(w, FILTER_PARAM_TEXT, w->filter->policy.default_partition);
    }
    return arena_printf(w->arena, "coalesce(nullif(%svals[%zu] COLLATE \"C\", ''), $%u::text)", w->row, node->key_index + 1,
                        w->default_param);
}

/* "<op> $n" or "= ANY ($n)" over texts, cast to CAST ("" or "::numeric"). */
static void emit_right_side(SqlWriter *w, const FilterNode *node, const char *cast) {
    if (node->kind == NODE_IN) {
        unsigned n = sql_param_list(w, FILTER_PARAM_TEXT_LIST, node);
        buf_printf(w->sql, " = ANY ($%u::text[]%s%s)", n, cast, *cast ? "[]" : "");
    } else {
        unsigned n = sql_param(w, FILTER_PARAM_TEXT, node->literals[0].value);
        buf_printf(w->sql, " %s $%u::text%s", sql_op(node->op), n, cast);
    }
}

/* The first key by its range key; exact for all but texts. LOOSE: < and > become <= and >=. */
static void emit_key1(SqlWriter *w, const FilterNode *node, bool loose) {
    if (node->kind == NODE_IN) {
        unsigned n = sql_param_list(w, FILTER_PARAM_BYTES_LIST, node);
        buf_printf(w->sql, "%skey1 = ANY ($%u::bytea[])", w->row, n);
        return;
    }
    FilterOp op = !loose ? node->op : node->op == OP_LT ? OP_LE : node->op == OP_GT ? OP_GE : node->op;
    unsigned n = sql_param(w, FILTER_PARAM_BYTES, node->literals[0].range);
    buf_printf(w->sql, "%skey1 %s $%u::bytea", w->row, sql_op(op), n);
}

/* "A op $n" */
static void emit_text_op(SqlWriter *w, Str a, const char *op, Str b) {
    unsigned n = sql_param(w, FILTER_PARAM_TEXT, b);
    buf_printf(w->sql, "%" STR_FMT " %s $%u::text", STR_ARG(a), op, n);
}

static Str without_sign_and_zeros(Str digits) {
    while (digits.len && strchr("+-0", digits.ptr[0])) {
        digits = str_skip(digits, 1);
    }
    return digits;
}

static void emit_integer_equality_guard(SqlWriter *w, const FilterNode *node, Str v) {
    FilterNode bare = *node;
    bare.literals = ARENA_ARRAY(w->arena, Literal, node->literal_count);
    for (size_t i = 0; i < node->literal_count; i++) {
        bare.literals[i].value = without_sign_and_zeros(node->literals[i].value);
    }
    buf_printf(w->sql, "ltrim(%" STR_FMT ", '+-0')", STR_ARG(v));
    emit_right_side(w, &bare, "");
    buf_add_cstr(w->sql, " AND ");
}

/* What must hold for the text as it stands, so that most rows need no regular expression. Texts below '1' (signs, leading
 * zeros) always pass; those from '1' on are compared by length, then by digits. */
static void emit_integer_guard(SqlWriter *w, const FilterNode *node, Str v) {
    if (node->kind == NODE_IN || node->op == OP_EQ) {
        emit_integer_equality_guard(w, node, v);
        return;
    }
    Str limit = node->literals[0].value;
    bool above = node->op == OP_GT || node->op == OP_GE;
    if (node->op == OP_NE || (above && limit.ptr[0] == '-')) {
        return;
    }
    if (limit.ptr[0] == '-') {
        buf_printf(w->sql, "%" STR_FMT " < '.' AND ", STR_ARG(v));
        return;
    }
    buf_printf(w->sql, "(%" STR_FMT " < '1' OR octet_length(%" STR_FMT ") %s %zu OR (octet_length(%" STR_FMT ") = %zu AND ",
               STR_ARG(v), STR_ARG(v), above ? ">" : "<", limit.len, STR_ARG(v), limit.len);
    emit_text_op(w, v, above ? ">=" : "<=", limit);
    buf_add_cstr(w->sql, ")) AND ");
}

static void emit_number(SqlWriter *w, const FilterNode *node, Str v) {
    buf_printf(w->sql, "CASE WHEN octet_length(%" STR_FMT ") <= %d AND %" STR_FMT " ~ '%s' THEN %" STR_FMT "::numeric END",
               STR_ARG(v), RANGEKEY_NUMBER_MAX, STR_ARG(v), node->range == RANGE_INTEGER ? RE_INTEGER : RE_DECIMAL, STR_ARG(v));
    emit_right_side(w, node, "::numeric");
}

static void emit_date_value(SqlWriter *w, Str v) {
    Str padded = arena_printf(w->arena, "regexp_replace(%" STR_FMT ", '-([0-9])(?![0-9])', '-0\\1', 'g')", STR_ARG(v));
    buf_printf(w->sql,
               "(CASE WHEN %" STR_FMT " ~ '" RE_DATE "' THEN %" STR_FMT " WHEN %" STR_FMT " ~ '" RE_LOOSE_DATE "' AND %" STR_FMT
               " ~ '" RE_DATE "' THEN %" STR_FMT " END) COLLATE \"C\"",
               STR_ARG(v), STR_ARG(v), STR_ARG(v), STR_ARG(padded), STR_ARG(padded));
}

static void emit_timestamp_value(SqlWriter *w, Str v) {
    buf_printf(w->sql,
               "(CASE WHEN octet_length(%" STR_FMT ") <= 29 AND %" STR_FMT " ~ '" RE_TIMESTAMP "' THEN CASE octet_length(%" STR_FMT
               ") WHEN 19 THEN translate(%" STR_FMT ", 'T', ' ') WHEN 10 THEN %" STR_FMT " || ' 00:00:00' ELSE left(%" STR_FMT
               ", 10) || ' ' || substr(%" STR_FMT ", 12, 8) || rtrim(substr(%" STR_FMT ", 20), '0.') END END) COLLATE \"C\"",
               STR_ARG(v), STR_ARG(v), STR_ARG(v), STR_ARG(v), STR_ARG(v), STR_ARG(v), STR_ARG(v), STR_ARG(v));
}

/* The same for dates. A date of ten bytes is in canonical form; shorter ones always pass. */
static void emit_date_guard(SqlWriter *w, const FilterNode *node, Str v) {
    buf_printf(w->sql, "(octet_length(%" STR_FMT ") <> 10 OR ", STR_ARG(v));
    emit_text_op(w, v, sql_op(node->op), node->literals[0].value);
    buf_add_cstr(w->sql, ") AND ");
}

/* The same for timestamps. Those with a space order as texts do, but for zeros behind the fraction ('~' comes after all that
 * can follow); those with a T stand behind them within their day; a day alone stands in front. */
static void emit_timestamp_guard(SqlWriter *w, const FilterNode *node, Str v) {
    Str limit = node->literals[0].value, day = str_slice(limit, 0, 10);
    bool midnight = str_ends(limit, STR(" 00:00:00"));
    if (node->op != OP_LT && node->op != OP_LE) {
        emit_text_op(w, v, ">=", midnight ? day : limit);
        buf_add_cstr(w->sql, " AND ");
    }
    if (node->op != OP_GT && node->op != OP_GE) {
        buf_add_char(w->sql, '(');
        emit_text_op(w, v, "<", ARENA_CONCAT(w->arena, limit, STR("~")));
        buf_add_cstr(w->sql, " OR (");
        emit_text_op(w, v, ">=", ARENA_CONCAT(w->arena, day, STR("T")));
        buf_add_cstr(w->sql, " AND ");
        emit_text_op(w, v, "<", ARENA_CONCAT(w->arena, day, STR("~")));
        buf_add_cstr(w->sql, ")) AND ");
    }
}

static void emit_guard(SqlWriter *w, const FilterNode *node, Str v) {
    bool one = node->kind == NODE_COMPARE && node->op != OP_NE;
    if (node->range == RANGE_INTEGER) {
        emit_integer_guard(w, node, v);
    } else if (node->range == RANGE_DATE && one) {
        emit_date_guard(w, node, v);
    } else if (node->range == RANGE_TIMESTAMP && one) {
        emit_timestamp_guard(w, node, v);
    }
}

static void emit_typed(SqlWriter *w, const FilterNode *node, bool positive) {
    if (node->key_index == 0) {
        emit_key1(w, node, false);
        return;
    }
    Str v = stored(w, node);
    if (positive) {
        emit_guard(w, node, v);
    }
    if (node->range == RANGE_INTEGER || node->range == RANGE_DECIMAL) {
        emit_number(w, node, v);
        return;
    }
    if (node->range == RANGE_DATE) {
        emit_date_value(w, v);
    } else {
        emit_timestamp_value(w, v);
    }
    emit_right_side(w, node, "");
}

static bool any_literal_is(const FilterNode *node, Str text) {
    for (size_t i = 0; i < node->literal_count; i++) {
        if (str_eq(node->literals[i].value, text)) {
            return true;
        }
    }
    return false;
}

/* Can an index on key1 find what this comparison of a text key is true for? */
static bool has_key1_range(const FilterNode *node) {
    return node->key_index == 0 && !node->raw && (node->kind == NODE_IN || (node->op != OP_NE && node->op != OP_EQ));
}

static void emit_text(SqlWriter *w, const FilterNode *node, bool positive) {
    if (positive && has_key1_range(node)) {
        emit_key1(w, node, true);
        buf_add_cstr(w->sql, " AND ");
    }
    bool equality = node->kind == NODE_IN || node->op == OP_EQ;
    bool plain = positive && equality && !any_literal_is(node, w->filter->policy.default_partition);
    Str v = plain ? stored(w, node) : effective(w, node);
    buf_add(w->sql, v);
    emit_right_side(w, node, "");
}

/* The smallest text above all that start with PREFIX; its last byte is never FF in UTF-8. */
static Str behind_prefix(Arena *arena, Str prefix) {
    char *copy = arena_alloc(arena, prefix.len);
    memcpy(copy, prefix.ptr, prefix.len);
    copy[prefix.len - 1] = (char)(copy[prefix.len - 1] + 1);
    return (Str){copy, prefix.len};
}

static void emit_like(SqlWriter *w, const FilterNode *node, bool positive) {
    Str prefix = str_slice(wildcard_prefix(w->arena, node->wildcard), 0, RANGEKEY_STRING_MAX);
    if (positive && node->key_index == 0 && prefix.len) {
        unsigned low = sql_param(w, FILTER_PARAM_BYTES, prefix);
        unsigned high = sql_param(w, FILTER_PARAM_BYTES, behind_prefix(w->arena, prefix));
        buf_printf(w->sql, "%skey1 >= $%u::bytea AND %skey1 < $%u::bytea AND ", w->row, low, w->row, high);
    }
    Str v = effective(w, node);
    unsigned pattern = sql_param(w, FILTER_PARAM_TEXT, wildcard_sql_like(w->arena, node->wildcard));
    buf_printf(w->sql, "%" STR_FMT " LIKE $%u::text", STR_ARG(v), pattern);
}

/* The leading keys that CHILDREN (all must hold) bind to one text each, as values; returns how many. */
static size_t leading_values(SqlWriter *w, FilterNode *const *children, size_t count, Str *values) {
    size_t bound = 0;
    for (size_t k = 0; k < w->filter->key_names.count; k++) {
        for (size_t i = 0; i < count && bound == k; i++) {
            const FilterNode *c = children[i];
            if (c->kind == NODE_COMPARE && c->op == OP_EQ && !is_typed(c) && c->key_index == k) {
                values[bound++] = c->literals[0].value;
            }
        }
        if (bound == k) {
            break;
        }
    }
    return bound;
}

/* "name >= ... AND name < ... AND " when leading keys are bound. */
static void emit_name_range(SqlWriter *w, FilterNode *const *children, size_t count) {
    Str *values = ARENA_ARRAY(w->arena, Str, w->filter->key_names.count + 1);
    size_t bound = leading_values(w, children, count, values);
    if (bound == 0) {
        return;
    }
    Str low, high;
    partname_range(w->arena, w->filter->key_names, (StrList){values, bound}, w->filter->policy.default_partition, &low, &high);
    unsigned n = sql_param(w, FILTER_PARAM_TEXT, low);
    if (str_is_null(high)) {
        buf_printf(w->sql, "%sname = $%u::text AND ", w->row, n);
    } else {
        unsigned m = sql_param(w, FILTER_PARAM_TEXT, high);
        buf_printf(w->sql, "%sname >= $%u::text AND %sname < $%u::text AND ", w->row, n, w->row, m);
    }
}

static void emit_leaf(SqlWriter *w, const FilterNode *node, bool positive) {
    buf_add_char(w->sql, '(');
    if (node->kind == NODE_IS_NULL) {
        if (w->filter->policy.null_is_default) {
            Str v = effective(w, node); /* adds the parameter */
            buf_printf(w->sql, "%" STR_FMT " = $%u::text", STR_ARG(v), w->default_param);
        } else {
            buf_add_cstr(w->sql, "false");
        }
    } else if (node->kind == NODE_LIKE) {
        emit_like(w, node, positive);
    } else if (is_typed(node)) {
        emit_typed(w, node, positive);
    } else {
        emit_text(w, node, positive);
    }
    buf_add_char(w->sql, ')');
}

static void emit_and(SqlWriter *w, FilterNode *const *children, size_t count, bool positive) {
    buf_add_char(w->sql, '(');
    if (positive) {
        emit_name_range(w, children, count);
    }
    for (size_t i = 0; i < count; i++) {
        buf_add_cstr(w->sql, i ? " AND " : "");
        if (children[i]->kind > NODE_NOT) {
            emit_leaf(w, children[i], positive);
        } else {
            emit(w, children[i], positive);
        }
    }
    buf_add_cstr(w->sql, count ? ")" : "true)");
}

static void emit_or(SqlWriter *w, const FilterNode *node, bool positive) {
    buf_add_char(w->sql, '(');
    for (size_t i = 0; i < node->child_count; i++) {
        buf_add_cstr(w->sql, i ? " OR " : "");
        emit(w, node->children[i], positive);
    }
    buf_add_cstr(w->sql, node->child_count ? ")" : "false)");
}

static void emit(SqlWriter *w, const FilterNode *node, bool positive) {
    switch (node->kind) {
        case NODE_AND: emit_and(w, node->children, node->child_count, positive); break;
        case NODE_OR: emit_or(w, node, positive); break;
        case NODE_NOT:
            buf_add_cstr(w->sql, "(NOT ");
            emit(w, node->children[0], false);
            buf_add_char(w->sql, ')');
            break;
        default: {
            FilterNode *one = arena_alloc(w->arena, sizeof *one);
            *one = *node;
            emit_and(w, &one, 1, positive);
        }
    }
}

static bool check_bound(const Filter *filter, Err *err) {
    return (filter->bound && !filter->table) ||
           err_set(err, ERR_INTERNAL, "a filter became SQL before it was bound to partition keys");
}

bool filter_sql(Arena *arena, const Filter *filter, const char *row, Buf *sql, FilterParams *params, Err *err) {
    SqlWriter w = {.arena = arena, .filter = filter, .row = row, .sql = sql, .params = params};
    if (!check_bound(filter, err)) {
        return false;
    }
    emit(&w, filter->root, true);
    return sql_finish(&w, err);
}

/* Which keys have typed comparisons. */
static void typed_keys(const FilterNode *node, bool *first, bool *other) {
    if (is_typed(node)) {
        *first |= node->key_index == 0;
        *other |= node->key_index != 0;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        typed_keys(node->children[i], first, other);
    }
}

bool filter_sql_uncastable(Arena *arena, const Filter *filter, const char *row, Buf *sql, FilterParams *params, bool *ret_needed,
                           Err *err) {
    SqlWriter w = {.arena = arena, .filter = filter, .row = row, .sql = sql, .params = params};
    bool first = false, other = false;
    if (!check_bound(filter, err)) {
        return false;
    }
    typed_keys(filter->root, &first, &other);
    *ret_needed = filter->policy.uncastable_is_error && (first || other);
    if (!*ret_needed) {
        return true;
    }
    FilterNode *root = filter->root;
    FilterNode *const *children = root->kind == NODE_AND ? root->children : &root;
    size_t count = root->kind == NODE_AND ? root->child_count : 1;
    buf_add_char(sql, '(');
    emit_name_range(&w, children, count);
    if (!other) {
        buf_printf(sql, "%skey1 IS NULL AND ", row);
    }
    for (size_t i = 0; other && i < count; i++) {
        if (is_typed(children[i]) && children[i]->key_index == 0) {
            buf_printf(sql, "(%skey1 IS NULL OR ", row);
            emit_key1(&w, children[i], false);
            buf_add_cstr(sql, ") AND ");
        }
    }
    emit(&w, root, false);
    buf_add_cstr(sql, " IS NULL)");
    return sql_finish(&w, err);
}
