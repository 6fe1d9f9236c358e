/* Keys, types and literals of a parsed filter against partition keys. */
#include "catalog/filter_tree.h"
#include "catalog/names.h"
#include "catalog/partname.h"

typedef struct Binder {
    Arena *arena;
    Filter *filter;
    size_t count; /* of keys */
    Err *err;
} Binder;

FilterPolicy filter_policy_hive(void) {
    return (FilterPolicy){.default_partition = DEFAULT_PARTITION_NAME, .strict_literals = true, .hive_like = true};
}

FilterPolicy filter_policy_glue(void) {
    return (FilterPolicy){.default_partition = DEFAULT_PARTITION_NAME, .uncastable_is_error = true, .glue_words = true};
}

static const FilterPolicy *policy(const Binder *b) { return &b->filter->policy; }

static bool find_key(Binder *b, FilterNode *node) {
    for (size_t i = 0; i < b->count; i++) {
        if (name_same(node->key, b->filter->keys[i].name)) {
            node->key_index = i;
            return true;
        }
    }
    if (policy(b)->glue_words) {
        return err_set(b->err, ERR_INVALID_FILTER,
                       "Invalid partition expression! '%" STR_FMT "' at character %zu is not a partition key", STR_ARG(node->key),
                       node->at);
    }
    return err_set(b->err, ERR_INVALID_FILTER, "Specified key <%" STR_FMT "> is not a partitioning key for the table",
                   STR_ARG(node->key));
}

static bool find_range(Binder *b, FilterNode *node) {
    Str type = b->filter->keys[node->key_index].type;
    node->range = rangekey_kind(type);
    if (node->range != RANGE_NONE) {
        return true;
    }
    if (policy(b)->glue_words) {
        return err_set(b->err, ERR_INVALID_FILTER, "Unknown type : '%" STR_FMT "'", STR_ARG(type));
    }
    return err_set(b->err, ERR_INVALID_FILTER,
                   "Filtering is supported only on partition keys of type string, or integral types, decimal, date and timestamp: "
                   "key '%" STR_FMT "' has type '%" STR_FMT "'",
                   STR_ARG(node->key), STR_ARG(type));
}

static bool bad_literal(Binder *b, const FilterNode *node, const Literal *literal) {
    static const char *const nouns[] = {
        [RANGE_NONE] = "a value",      [RANGE_STRING] = "a string", [RANGE_INTEGER] = "an integer",
        [RANGE_DECIMAL] = "a decimal", [RANGE_DATE] = "a date",     [RANGE_TIMESTAMP] = "a timestamp",
    };
    Str text = str_slice(literal->text, 0, 200);
    if (policy(b)->glue_words) {
        const char *form = node->range == RANGE_TIMESTAMP ? "Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]. " : "";
        return err_set(b->err, ERR_INVALID_FILTER, "%s\"%" STR_FMT "\" is not %s.", form, STR_ARG(text), nouns[node->range]);
    }
    return err_set(b->err, ERR_INVALID_FILTER,
                   "Filtering is supported only on partition keys of type string, or integral types, with values of the same type: "
                   "'%" STR_FMT "' is not %s as key '%" STR_FMT "' needs",
                   STR_ARG(text), nouns[node->range], STR_ARG(node->key));
}

/* Hive takes a literal only for the kind of key its spelling says. */
static bool kind_allowed(RangeKind range, LiteralKind kind) {
    switch (range) {
        case RANGE_STRING: return kind == LITERAL_STRING;
        case RANGE_INTEGER: return kind == LITERAL_NUMBER;
        case RANGE_DECIMAL: return kind == LITERAL_NUMBER || kind == LITERAL_STRING;
        case RANGE_DATE: return kind == LITERAL_DATE || kind == LITERAL_STRING;
        case RANGE_TIMESTAMP: return kind != LITERAL_NUMBER;
        case RANGE_NONE: break;
    }
    return false;
}

static bool bind_literal(Binder *b, FilterNode *node, Literal *literal) {
    if (policy(b)->strict_literals && !kind_allowed(node->range, literal->kind)) {
        return bad_literal(b, node, literal);
    }
    Str text = literal->text;
    /* Without quotes an integer may be written with an exponent or a zero fraction. */
    if (node->range == RANGE_INTEGER && literal->kind == LITERAL_NUMBER && !rangekey_whole(b->arena, text, &text)) {
        return bad_literal(b, node, literal);
    }
    bool equality = node->kind == NODE_IN || node->op == OP_EQ || node->op == OP_NE;
    if (node->range == RANGE_STRING && text.len == 0) {
        if (!equality) {
            literal->value = literal->range = STR("");
            return true;
        }
        text = policy(b)->default_partition;
    }
    return (rangekey_canonical(b->arena, node->range, text, &literal->value) &&
            rangekey_encode(b->arena, node->range, text, STR_NULL, &literal->range)) ||
           bad_literal(b, node, literal);
}

/* The default partition's name compared for equality with a key of another type than text. */
static bool is_default_literal(const Binder *b, const FilterNode *node, const Literal *literal) {
    return node->range != RANGE_STRING && literal->kind == LITERAL_STRING && str_eq(literal->text, policy(b)->default_partition);
}

static bool bind_compare(Binder *b, FilterNode *node) {
    Literal *literal = &node->literals[0];
    if ((node->op == OP_EQ || node->op == OP_NE) && is_default_literal(b, node, literal)) {
        node->raw = true;
        literal->value = literal->range = literal->text;
        return true;
    }
    return bind_literal(b, node, literal);
}

/* Splits the default partition's name off a list for a typed key: key = default OR key IN (the rest). */
static bool bind_in(Binder *b, FilterNode *node) {
    size_t kept = 0;
    bool with_default = false;
    for (size_t i = 0; i < node->literal_count; i++) {
        if (is_default_literal(b, node, &node->literals[i])) {
            with_default = true;
            continue;
        }
        if (!bind_literal(b, node, &node->literals[i]) || !arena_check(b->arena, b->err)) {
            return false;
        }
        node->literals[kept++] = node->literals[i];
    }
    node->literal_count = kept;
    if (!with_default) {
        return true;
    }
    FilterNode *rest = ARENA_NEW(b->arena, FilterNode), *raw = filter_node_new(b->arena, NODE_COMPARE);
    *rest = *node;
    Str name = policy(b)->default_partition;
    filter_node_add_literal(b->arena, raw, (Literal){.text = name, .value = name, .range = name});
    raw->key = node->key;
    raw->key_index = node->key_index;
    raw->range = node->range;
    raw->raw = true;
    *node = (FilterNode){.kind = NODE_OR, .child_count = 0};
    node->children = ARENA_ARRAY(b->arena, FilterNode *, 2);
    node->children[node->child_count++] = raw;
    if (kept) {
        node->children[node->child_count++] = rest;
    }
    return true;
}

static bool bind_like(Binder *b, FilterNode *node) {
    static const char *const families[] = {
        [RANGE_INTEGER] = "Integral",
        [RANGE_DECIMAL] = "Decimal",
        [RANGE_DATE] = "Date",
        [RANGE_TIMESTAMP] = "Timestamp",
    };
    if (node->range != RANGE_STRING) {
        if (policy(b)->glue_words) {
            return err_set(b->err, ERR_INVALID_FILTER, "%s data type doesn't support operation 'LIKE'", families[node->range]);
        }
        return err_set(b->err, ERR_INVALID_FILTER,
                       "Filtering is supported only on partition keys of type string for LIKE: key '%" STR_FMT "' is not a string",
                       STR_ARG(node->key));
    }
    Str pattern = node->literals[0].text;
    if (pattern.len > GLOB_MAX_BYTES) {
        return err_set(b->err, ERR_INVALID_FILTER, "the pattern of LIKE has %zu bytes: at most %d are allowed", pattern.len,
                       GLOB_MAX_BYTES);
    }
    node->wildcard = policy(b)->hive_like ? wildcard_from_hive_like(b->arena, pattern) : wildcard_from_sql(b->arena, pattern, 0);
    return true;
}

static bool bind_leaf(Binder *b, FilterNode *node) {
    if (!find_key(b, node) || !find_range(b, node)) {
        return false;
    }
    switch (node->kind) {
        case NODE_COMPARE: return bind_compare(b, node);
        case NODE_IN: return bind_in(b, node);
        case NODE_LIKE: return bind_like(b, node);
        default: return true;
    }
}

static bool bind_node(Binder *b, FilterNode *node) {
    if (node->kind > NODE_NOT) {
        return bind_leaf(b, node);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (!bind_node(b, node->children[i])) {
            return false;
        }
    }
    return arena_check(b->arena, b->err);
}

bool filter_bind(Arena *arena, Filter *filter, const FilterKey *keys, size_t count, const FilterPolicy *with, Err *err) {
    FilterKey *copy = ARENA_ARRAY(arena, FilterKey, count + 1);
    StrList names = {ARENA_ARRAY(arena, Str, count + 1), count};
    for (size_t i = 0; i < count; i++) {
        copy[i] = keys[i];
        names.items[i] = keys[i].name;
    }
    filter->keys = copy;
    filter->key_names = names;
    filter->policy = *with;
    filter->bound = true;
    Binder b = {arena, filter, count, err};
    return bind_node(&b, filter->root);
}
