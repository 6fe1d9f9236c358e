/* Tokens to a tree: one parser for both grammars, the dialect says what each lacks. */
#include "catalog/filter_tree.h"
#include "catalog/names.h"

typedef struct Parser {
    Arena *arena;
    Token *tokens;
    size_t at;
    const Dialect *dialect;
    unsigned depth;
    Err *err;
} Parser;

/* A key or a literal. */
typedef struct Operand {
    bool is_key;
    Str key;
    size_t at;
    Literal literal;
} Operand;

FilterNode *filter_node_new(Arena *arena, FilterNodeKind kind) {
    FilterNode *node = ARENA_NEW(arena, FilterNode);
    node->kind = kind;
    return node;
}

void filter_node_add_literal(Arena *arena, FilterNode *node, Literal literal) {
    size_t n = node->literal_count;
    if ((n & (n - 1)) == 0) {
        Literal *grown = ARENA_ARRAY(arena, Literal, n ? n * 2 : 1);
        if (n) {
            memcpy(grown, node->literals, n * sizeof literal);
        }
        node->literals = grown;
    }
    node->literals[node->literal_count++] = literal;
}

static bool is_equality(const FilterNode *node) {
    return node->kind == NODE_IN || (node->kind == NODE_COMPARE && node->op == OP_EQ);
}

static void push_child(Arena *arena, FilterNode *parent, FilterNode *child) {
    size_t n = parent->child_count;
    if ((n & (n - 1)) == 0) {
        FilterNode **grown = ARENA_ARRAY(arena, FilterNode *, n ? n * 2 : 1);
        if (n) {
            memcpy(grown, parent->children, n * sizeof child);
        }
        parent->children = grown;
    }
    parent->children[parent->child_count++] = child;
}

/* Children of the same kind are merged; in an OR, neighbours that compare one key for equality become one NODE_IN. */
static void node_add(Arena *arena, FilterNode *parent, FilterNode *child) {
    if (child->kind == parent->kind) {
        for (size_t i = 0; i < child->child_count; i++) {
            node_add(arena, parent, child->children[i]);
        }
        return;
    }
    FilterNode *last = parent->child_count ? parent->children[parent->child_count - 1] : NULL;
    if (parent->kind == NODE_OR && last && is_equality(last) && is_equality(child) && str_eq_nocase(last->key, child->key)) {
        last->kind = NODE_IN;
        for (size_t i = 0; i < child->literal_count; i++) {
            filter_node_add_literal(arena, last, child->literals[i]);
        }
        return;
    }
    push_child(arena, parent, child);
}

static bool fail(Parser *p, const char *why) {
    const Token *t = &p->tokens[p->at];
    return err_set(p->err, ERR_INVALID_FILTER, "%s: %s, found '%" STR_FMT "' at character %zu", p->dialect->unsupported, why,
                   STR_ARG(str_slice(t->text, 0, 100)), t->at);
}

static const Token *peek(const Parser *p, size_t ahead) {
    size_t at = p->at;
    while (ahead-- && p->tokens[at].kind != TOKEN_END) {
        at++;
    }
    return &p->tokens[at];
}

static bool token_is_word(const Token *t, const char *word) {
    return t->kind == TOKEN_WORD && str_eq_nocase(t->text, str_from(word));
}

static bool take(Parser *p, TokenKind kind) {
    bool hit = p->tokens[p->at].kind == kind && kind != TOKEN_END;
    p->at += hit;
    return hit;
}

static bool expect(Parser *p, TokenKind kind, const char *what) { return take(p, kind) || fail(p, what); }

static size_t open_run(const Parser *p, size_t from) {
    size_t n = 0;
    while (p->tokens[from + n].kind == TOKEN_OPEN) {
        n++;
    }
    return n;
}

/* Are the tokens from AT on N closing parentheses at least? */
static bool closes(const Parser *p, size_t at, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (p->tokens[at + i].kind != TOKEN_CLOSE) {
            return false; /* TOKEN_END stops here too */
        }
    }
    return true;
}

/* A keyword, on Glue's side in any number of parentheses of its own. */
static bool take_word(Parser *p, const char *word) {
    size_t n = p->dialect->glue ? open_run(p, p->at) : 0;
    if (!token_is_word(&p->tokens[p->at + n], word) || !closes(p, p->at + n + 1, n)) {
        return false;
    }
    p->at += 2 * n + 1;
    return true;
}

static bool take_op(Parser *p, FilterOp *ret) {
    size_t n = p->dialect->glue ? open_run(p, p->at) : 0;
    const Token *t = &p->tokens[p->at + n];
    if (t->kind != TOKEN_OP || !closes(p, p->at + n + 1, n)) {
        return false;
    }
    *ret = t->op;
    p->at += 2 * n + 1;
    return true;
}

/* How many tokens the operand at AT has, without parentheses around it; 0: none there. */
static size_t operand_length(const Parser *p, size_t at) {
    const Token *t = &p->tokens[at];
    if (t->kind < TOKEN_WORD) {
        return 0;
    }
    bool typed = token_is_word(t, "date") || token_is_word(t, "timestamp");
    return typed && t[1].kind == TOKEN_STRING ? 2 : 1;
}

/* Number of parentheses that hold nothing but one operand: 1 for "(a) = 1", 0 for "((a) = 1)". */
static size_t operand_wraps(const Parser *p) {
    size_t n = open_run(p, p->at), length = operand_length(p, p->at + n);
    return n && length && closes(p, p->at + n + length, n) ? n : 0;
}

static Literal literal_of(const Token *t) {
    LiteralKind kind = t->kind == TOKEN_NUMBER      ? LITERAL_NUMBER
                       : t->kind == TOKEN_DATE      ? LITERAL_DATE
                       : t->kind == TOKEN_TIMESTAMP ? LITERAL_TIMESTAMP
                                                    : LITERAL_STRING;
    return (Literal){.kind = kind, .text = t->text};
}

static bool parse_operand(Parser *p, Operand *ret) {
    size_t wraps = operand_wraps(p);
    p->at += wraps;
    const Token *t = &p->tokens[p->at];
    size_t length = operand_length(p, p->at);
    if (length == 0) {
        return fail(p, "a key or a value expected");
    }
    *ret = (Operand){.at = t->at};
    if (length == 2) {
        ret->literal = literal_of(t + 1);
        ret->literal.kind = token_is_word(t, "date") ? LITERAL_DATE : LITERAL_TIMESTAMP;
    } else if (t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED) {
        ret->is_key = true;
        ret->key = t->text;
    } else {
        ret->literal = literal_of(t);
    }
    p->at += length + wraps;
    return true;
}

static bool parse_literal(Parser *p, Literal *ret) {
    Operand operand = {0};
    size_t before = p->at;
    if (!parse_operand(p, &operand)) {
        return false;
    }
    if (operand.is_key) {
        p->at = before;
        return fail(p, "a value expected");
    }
    *ret = operand.literal;
    return true;
}

static FilterNode *compare_node(Parser *p, const Operand *key, FilterOp op, Literal literal) {
    FilterNode *node = filter_node_new(p->arena, NODE_COMPARE);
    node->key = key->key;
    node->at = key->at;
    node->op = op;
    filter_node_add_literal(p->arena, node, literal);
    return node;
}

static FilterNode *negate(Parser *p, FilterNode *node, bool negated) {
    if (!negated) {
        return node;
    }
    FilterNode *not = filter_node_new(p->arena, NODE_NOT);
    push_child(p->arena, not, node);
    return not ;
}

static bool parse_between(Parser *p, const Operand *key, bool negated, FilterNode **ret) {
    Literal low, high;
    if (!parse_literal(p, &low) || !(take_word(p, "and") || fail(p, "AND of BETWEEN expected")) || !parse_literal(p, &high)) {
        return false;
    }
    *ret = filter_node_new(p->arena, negated ? NODE_OR : NODE_AND);
    node_add(p->arena, *ret, compare_node(p, key, negated ? OP_LT : OP_GE, low));
    node_add(p->arena, *ret, compare_node(p, key, negated ? OP_GT : OP_LE, high));
    return true;
}

static bool parse_in(Parser *p, const Operand *key, bool negated, FilterNode **ret) {
    FilterNode *in = filter_node_new(p->arena, NODE_IN);
    in->key = key->key;
    in->at = key->at;
    if (!expect(p, TOKEN_OPEN, "'(' after IN expected")) {
        return false;
    }
    do {
        Literal literal;
        if (!arena_check(p->arena, p->err) || !parse_literal(p, &literal)) {
            return false;
        }
        filter_node_add_literal(p->arena, in, literal);
    } while (take(p, TOKEN_COMMA));
    *ret = negate(p, in, negated);
    return expect(p, TOKEN_CLOSE, "',' or ')' in the list of IN expected");
}

static bool parse_like(Parser *p, const Operand *key, bool negated, FilterNode **ret) {
    Literal literal;
    if (!parse_literal(p, &literal)) {
        return false;
    }
    if (literal.kind != LITERAL_STRING) {
        p->at--;
        return fail(p, "LIKE takes a quoted text");
    }
    FilterNode *node = compare_node(p, key, OP_EQ, literal);
    node->kind = NODE_LIKE;
    *ret = negate(p, node, negated);
    return true;
}

/* IS [NOT] NULL */
static bool parse_is(Parser *p, const Operand *key, FilterNode **ret) {
    bool negated = take_word(p, "not");
    if (!take_word(p, "null")) {
        return fail(p, "NULL expected");
    }
    FilterNode *node = filter_node_new(p->arena, NODE_IS_NULL);
    node->key = key->key;
    node->at = key->at;
    *ret = negate(p, node, negated);
    return true;
}

static FilterOp mirrored(FilterOp op) {
    return op == OP_LT ? OP_GT : op == OP_LE ? OP_GE : op == OP_GT ? OP_LT : op == OP_GE ? OP_LE : op;
}

static bool parse_comparison(Parser *p, const Operand *left, FilterOp op, FilterNode **ret) {
    Operand right = {0};
    size_t before = p->at;
    if (!parse_operand(p, &right)) {
        return false;
    }
    if (left->is_key == right.is_key) {
        p->at = before;
        return fail(p, left->is_key ? "a value expected" : "a key expected");
    }
    *ret = left->is_key ? compare_node(p, left, op, right.literal) : compare_node(p, &right, mirrored(op), left->literal);
    return true;
}

static bool parse_predicate(Parser *p, FilterNode **ret) {
    Operand left = {0};
    FilterOp op;
    if (!parse_operand(p, &left)) {
        return false;
    }
    if (take_op(p, &op)) {
        return parse_comparison(p, &left, op, ret);
    }
    if (!left.is_key) {
        return fail(p, "a comparison expected");
    }
    if (p->dialect->glue && take_word(p, "is")) {
        return parse_is(p, &left, ret);
    }
    bool negated = take_word(p, "not");
    if (take_word(p, "between")) {
        return parse_between(p, &left, negated, ret);
    }
    if (take_word(p, "in")) {
        return parse_in(p, &left, negated, ret);
    }
    if ((!negated || p->dialect->glue) && take_word(p, "like")) {
        return parse_like(p, &left, negated, ret);
    }
    return fail(p, "an operator (=, <>, <, <=, >, >=, LIKE, IN, BETWEEN) expected");
}

/* Hive's (STRUCT(a, b)) IN (CONST STRUCT(1, 2), ...). */
static bool struct_keys(Parser *p, Operand **ret, size_t *ret_count) {
    size_t count = 0, room = 0;
    while (peek(p, room)->kind != TOKEN_CLOSE && peek(p, room)->kind != TOKEN_END) {
        room++;
    }
    Operand *keys = ARENA_ARRAY(p->arena, Operand, room + 1);
    do {
        if (!parse_operand(p, &keys[count])) {
            return false;
        }
        if (!keys[count++].is_key) {
            p->at--;
            return fail(p, "a key of STRUCT expected");
        }
    } while (take(p, TOKEN_COMMA));
    *ret = keys;
    *ret_count = count;
    return expect(p, TOKEN_CLOSE, "')' after the keys of STRUCT expected");
}

static bool struct_row(Parser *p, const Operand *keys, size_t count, FilterNode **ret) {
    take_word(p, "const");
    if (!(take_word(p, "struct") || fail(p, "STRUCT expected")) || !expect(p, TOKEN_OPEN, "'(' after STRUCT expected")) {
        return false;
    }
    *ret = filter_node_new(p->arena, NODE_AND);
    for (size_t i = 0; i < count; i++) {
        Literal literal;
        if ((i && !expect(p, TOKEN_COMMA, "as many values as STRUCT has keys expected")) || !parse_literal(p, &literal)) {
            return false;
        }
        node_add(p->arena, *ret, compare_node(p, &keys[i], OP_EQ, literal));
    }
    return expect(p, TOKEN_CLOSE, "')' after the values of STRUCT expected");
}

static bool parse_struct_in(Parser *p, FilterNode **ret) {
    Operand *keys = NULL;
    size_t count = 0;
    bool wrapped = take(p, TOKEN_OPEN);
    p->at += 2; /* STRUCT ( */
    if (!struct_keys(p, &keys, &count) || (wrapped && !expect(p, TOKEN_CLOSE, "')' after STRUCT(...) expected"))) {
        return false;
    }
    bool negated = take_word(p, "not");
    if (!(take_word(p, "in") || fail(p, "IN after STRUCT(...) expected")) || !expect(p, TOKEN_OPEN, "'(' after IN expected")) {
        return false;
    }
    FilterNode *any = filter_node_new(p->arena, NODE_OR);
    do {
        FilterNode *row = NULL;
        if (!arena_check(p->arena, p->err) || !struct_row(p, keys, count, &row)) {
            return false;
        }
        node_add(p->arena, any, row);
    } while (take(p, TOKEN_COMMA));
    *ret = negate(p, any, negated);
    return expect(p, TOKEN_CLOSE, "',' or ')' in the list of IN expected");
}

/* STRUCT(a,b) IN or (STRUCT(a,b)) IN; in ((STRUCT(a,b)) IN ...) the first parenthesis belongs to the expression. */
static bool at_struct(const Parser *p) {
    size_t n = open_run(p, p->at), at = p->at + n;
    if (p->dialect->glue || n > 1 || !token_is_word(&p->tokens[at], "struct") || p->tokens[at + 1].kind != TOKEN_OPEN) {
        return false;
    }
    while (n && p->tokens[at].kind != TOKEN_CLOSE && p->tokens[at].kind != TOKEN_END) {
        at++;
    }
    return n == 0 || closes(p, at, 2);
}

static bool parse_or(Parser *p, FilterNode **ret);

static bool parse_primary(Parser *p, FilterNode **ret) {
    if (at_struct(p)) {
        return parse_struct_in(p, ret);
    }
    if (p->tokens[p->at].kind != TOKEN_OPEN || operand_wraps(p)) {
        return parse_predicate(p, ret);
    }
    if (++p->depth > FILTER_MAX_DEPTH) {
        return fail(p, "nested deeper than the limit of 200");
    }
    p->at++;
    if (!parse_or(p, ret)) {
        return false;
    }
    p->depth--;
    return expect(p, TOKEN_CLOSE, "')' expected");
}

/* NOT is a key when an operator follows it. */
static bool take_not(Parser *p) {
    if (!p->dialect->glue || !token_is_word(peek(p, 0), "not") || peek(p, 1)->kind == TOKEN_OP) {
        return false;
    }
    p->at++;
    return true;
}

static bool parse_not(Parser *p, FilterNode **ret) {
    bool negated = false;
    while (take_not(p)) {
        negated = !negated;
    }
    if (!parse_primary(p, ret)) {
        return false;
    }
    *ret = negate(p, *ret, negated);
    return true;
}

static bool parse_and(Parser *p, FilterNode **ret) {
    *ret = filter_node_new(p->arena, NODE_AND);
    do {
        FilterNode *child = NULL;
        if (!arena_check(p->arena, p->err) || !parse_not(p, &child)) {
            return false;
        }
        node_add(p->arena, *ret, child);
    } while (take_word(p, "and"));
    *ret = (*ret)->child_count == 1 ? (*ret)->children[0] : *ret;
    return true;
}

static bool parse_or(Parser *p, FilterNode **ret) {
    *ret = filter_node_new(p->arena, NODE_OR);
    do {
        FilterNode *child = NULL;
        if (!parse_and(p, &child)) {
            return false;
        }
        node_add(p->arena, *ret, child);
    } while (take_word(p, "or"));
    *ret = (*ret)->child_count == 1 ? (*ret)->children[0] : *ret;
    return true;
}

static bool parse(Arena *arena, Str text, const Dialect *dialect, Filter **ret, Err *err) {
    Filter *filter = ARENA_NEW(arena, Filter);
    if (name_trim(text).len == 0) {
        filter->root = filter_node_new(arena, NODE_AND);
        *ret = filter;
        return true;
    }
    Tokens tokens;
    if (!filter_lex(arena, text, dialect, &tokens, err)) {
        return false;
    }
    Parser p = {.arena = arena, .tokens = tokens.items, .dialect = dialect, .err = err};
    if (!parse_or(&p, &filter->root) || (peek(&p, 0)->kind != TOKEN_END && !fail(&p, "AND, OR or the end expected"))) {
        return false;
    }
    if (!arena_check(arena, err)) {
        return false;
    }
    *ret = filter;
    return true;
}

bool filter_parse_hive(Arena *arena, Str text, Filter **ret, Err *err) {
    static const Dialect hive = {.unsupported = "Error parsing partition filter"};
    if (text.len > FILTER_MAX_BYTES) {
        return err_set(err, ERR_INVALID_FILTER, "a filter of %zu bytes is over the limit of %u", text.len, FILTER_MAX_BYTES);
    }
    return parse(arena, text, &hive, ret, err);
}

bool filter_parse_glue(Arena *arena, Str text, Filter **ret, Err *err) {
    static const Dialect glue = {.glue = true, .unsupported = "Unsupported expression"};
    if (text.len > FILTER_GLUE_MAX_CHARS && (text.len > 4 * FILTER_GLUE_MAX_CHARS || utf8_length(text) > FILTER_GLUE_MAX_CHARS)) {
        return err_set(err, ERR_INVALID_FILTER, "the expression has more than %d characters, the limit", FILTER_GLUE_MAX_CHARS);
    }
    return parse(arena, text, &glue, ret, err);
}
