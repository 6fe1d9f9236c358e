/* Small regular expressions: parsed to a tree, run as a set of positions (never backtracking), printed for PostgreSQL. */
#include "catalog/glob.h"
#include "catalog/names.h"

typedef enum NodeKind { RE_CHAR, RE_ANY, RE_CLASS, RE_SEQUENCE, RE_CHOICE, RE_REPEAT } NodeKind;

typedef struct Range {
    uint32_t low, high;
} Range;

typedef struct Node Node;
struct Node {
    NodeKind kind;
    uint32_t code_point; /* RE_CHAR, folded when the expression folds */
    Range *ranges;       /* RE_CLASS */
    size_t range_count;
    bool negated;
    int min, max;              /* RE_REPEAT; max -1: no end */
    Node *first, *last, *next; /* children, and the next child of the parent */
};

typedef enum OpKind { OP_CHAR, OP_ANY, OP_CLASS, OP_SPLIT, OP_JUMP, OP_MATCH } OpKind;

typedef struct Op {
    OpKind kind;
    const Node *node;
    size_t to, other;
} Op;

struct Regex {
    Node *root;
    bool fold;
    Op *program;
    size_t count, capacity;
};

typedef struct RegexParser {
    Arena *arena;
    Str all, rest;
    bool fold, quoting; /* quoting: between \Q and \E */
    unsigned depth;
    Err *err;
} RegexParser;

static bool refuse(RegexParser *p, const char *why) {
    return err_set(p->err, ERR_INVALID_FILTER, "pattern '%" STR_FMT "': %s at byte %zu", STR_ARG(str_slice(p->all, 0, 200)), why,
                   p->all.len - p->rest.len + 1);
}

static Node *node_new(RegexParser *p, NodeKind kind) {
    Node *node = ARENA_NEW(p->arena, Node);
    node->kind = kind;
    return node;
}

static void node_add(Node *parent, Node *child) {
    if (parent->last) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    parent->last = child;
}

static char peek(const RegexParser *p) { return p->rest.len ? p->rest.ptr[0] : 0; }

static bool take(RegexParser *p, const char *text) {
    Str s = str_from(text);
    if (!str_starts(p->rest, s)) {
        return false;
    }
    p->rest = str_skip(p->rest, s.len);
    return true;
}

static void class_add(RegexParser *p, Node *node, uint32_t low, uint32_t high) {
    size_t n = node->range_count;
    if ((n & (n - 1)) == 0) {
        Range *grown = ARENA_ARRAY(p->arena, Range, n ? n * 2 : 1);
        if (n) {
            memcpy(grown, node->ranges, n * sizeof *grown);
        }
        node->ranges = grown;
    }
    node->ranges[node->range_count++] = (Range){low, high};
}

/* A range as written, and the ASCII letters in it in the other case when the expression folds. */
static void class_add_folding(RegexParser *p, Node *node, uint32_t low, uint32_t high) {
    class_add(p, node, low, high);
    for (int upper = 0; p->fold && upper < 2; upper++) {
        uint32_t from = upper ? 'A' : 'a', a = MAX(low, from), b = MIN(high, from + 25);
        uint32_t shift = upper ? 32u : 0u - 32u;
        if (a <= b) {
            class_add(p, node, a + shift, b + shift);
        }
    }
}

/* \d \w \s and their opposites into NODE. */
static bool class_add_shorthand(RegexParser *p, Node *node, char letter) {
    static const Range digit[] = {{'0', '9'}}, word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                       space[] = {{9, 13}, {32, 32}};
    char lower = (char)(letter | 0x20);
    const Range *ranges = lower == 'd' ? digit : lower == 'w' ? word : lower == 's' ? space : NULL;
    size_t count = lower == 'd' ? ARRAY_LEN(digit) : lower == 'w' ? ARRAY_LEN(word) : ARRAY_LEN(space);
    if (!ranges) {
        return false;
    }
    uint32_t from = 0;
    for (size_t i = 0; i < count; i++) {
        if (letter == lower) {
            class_add(p, node, ranges[i].low, ranges[i].high);
        } else {
            class_add(p, node, from, ranges[i].low - 1);
            from = ranges[i].high + 1;
        }
    }
    if (letter != lower) {
        class_add(p, node, from, 0x10FFFF);
    }
    return true;
}

static bool hex_escape(RegexParser *p, size_t digits, uint32_t *ret) {
    unsigned char bytes[2];
    if (p->rest.len < digits || !hex_decode(str_slice(p->rest, 0, digits), bytes, digits / 2)) {
        return refuse(p, "hexadecimal digits expected");
    }
    *ret = digits == 2 ? bytes[0] : (uint32_t)(bytes[0] << 8 | bytes[1]);
    p->rest = str_skip(p->rest, digits);
    return (*ret > 0 && (*ret < 0xD800 || *ret > 0xDFFF)) || refuse(p, "a character that cannot be in a text");
}

/* Behind the backslash: one character. */
static bool parse_escape(RegexParser *p, uint32_t *ret) {
    static const char controls[] = "t\tn\nr\rf\f";
    char c = peek(p);
    const char *control = c ? strchr("tnrf", c) : NULL;
    if (control) {
        *ret = (unsigned char)controls[(strchr(controls, c) - controls) + 1];
        p->rest = str_skip(p->rest, 1);
        return true;
    }
    if (take(p, "x") || take(p, "u")) {
        return hex_escape(p, c == 'x' ? 2 : 4, ret);
    }
    bool alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (alphanumeric || !utf8_next(&p->rest, ret)) {
        return refuse(p, "an escape that is not supported");
    }
    return true;
}

/* One end of a range in [...], or a shorthand (then *RET_SHORT). */
static bool class_item(RegexParser *p, Node *node, uint32_t *ret, bool *ret_short) {
    *ret_short = false;
    if (!take(p, "\\")) {
        return utf8_next(&p->rest, ret) || refuse(p, "']' expected");
    }
    if (p->rest.len && class_add_shorthand(p, node, peek(p))) {
        p->rest = str_skip(p->rest, 1);
        *ret_short = true;
        return true;
    }
    return parse_escape(p, ret);
}

static bool parse_class(RegexParser *p, Node **ret) {
    Node *node = node_new(p, RE_CLASS);
    node->negated = take(p, "^");
    bool first = true;
    while (first || peek(p) != ']') {
        uint32_t low, high;
        bool shorthand;
        if (peek(p) == '[' || str_starts(p->rest, STR("&&"))) {
            return refuse(p, "classes in classes are not supported");
        }
        if (!class_item(p, node, &low, &shorthand)) {
            return false;
        }
        first = false;
        if (shorthand) {
            continue;
        }
        high = low;
        if (peek(p) == '-' && p->rest.len > 1 && p->rest.ptr[1] != ']') {
            p->rest = str_skip(p->rest, 1);
            if (!class_item(p, node, &high, &shorthand)) {
                return false;
            }
        }
        if (shorthand || high < low) {
            return refuse(p, "a range that runs backwards");
        }
        class_add_folding(p, node, low, high);
    }
    p->rest = str_skip(p->rest, 1);
    *ret = node;
    return true;
}

static bool parse_choice(RegexParser *p, Node **ret);

static bool parse_group(RegexParser *p, Node **ret) {
    if (peek(p) == '?' && !take(p, "?:")) {
        return refuse(p, "this kind of group is not supported");
    }
    if (++p->depth > REGEX_MAX_DEPTH) {
        return refuse(p, "groups nested too deep");
    }
    if (!parse_choice(p, ret)) {
        return false;
    }
    p->depth--;
    return take(p, ")") || refuse(p, "')' expected");
}

static bool parse_char(RegexParser *p, bool escaped, Node **ret) {
    uint32_t c;
    if (!(escaped ? parse_escape(p, &c) : utf8_next(&p->rest, &c) || refuse(p, "not valid UTF-8"))) {
        return false;
    }
    *ret = node_new(p, RE_CHAR);
    (*ret)->code_point = p->fold ? code_point_fold(c) : c;
    return true;
}

static bool parse_backslash(RegexParser *p, Node **ret) {
    Node *node = node_new(p, RE_CLASS);
    if (p->rest.len && class_add_shorthand(p, node, peek(p))) {
        p->rest = str_skip(p->rest, 1);
        *ret = node;
        return true;
    }
    return parse_char(p, true, ret);
}

static bool parse_atom(RegexParser *p, Node **ret) {
    if (p->quoting) {
        return parse_char(p, false, ret);
    }
    if (take(p, "(")) {
        return parse_group(p, ret);
    }
    if (take(p, "[")) {
        return parse_class(p, ret);
    }
    if (take(p, ".")) {
        *ret = node_new(p, RE_ANY);
        return true;
    }
    if (take(p, "\\")) {
        return parse_backslash(p, ret);
    }
    if (p->rest.len && memchr("*+?{^$", peek(p), 6)) {
        return refuse(p, "a quantifier or anchor that does not belong here");
    }
    return parse_char(p, false, ret);
}

static bool parse_int(RegexParser *p, int *ret) {
    int64_t value;
    size_t n = 0;
    while (n < p->rest.len && n < 4 && p->rest.ptr[n] >= '0' && p->rest.ptr[n] <= '9') {
        n++;
    }
    if (!str_to_i64(str_slice(p->rest, 0, n), &value) || value > REGEX_MAX_REPEAT) {
        return refuse(p, "a count from 0 to 255 expected");
    }
    p->rest = str_skip(p->rest, n);
    *ret = (int)value;
    return true;
}

static bool parse_counts(RegexParser *p, int *ret_min, int *ret_max) {
    if (!parse_int(p, ret_min)) {
        return false;
    }
    *ret_max = *ret_min;
    if (take(p, ",")) {
        *ret_max = -1;
        if (peek(p) != '}' && !parse_int(p, ret_max)) {
            return false;
        }
    }
    if (*ret_max >= 0 && *ret_max < *ret_min) {
        return refuse(p, "counts in the wrong order");
    }
    return take(p, "}") || refuse(p, "'}' expected");
}

static bool parse_quantified(RegexParser *p, Node **ret) {
    if (!parse_atom(p, ret) || p->quoting) {
        return !p->err->code;
    }
    int min, max;
    if (take(p, "*")) {
        min = 0, max = -1;
    } else if (take(p, "+")) {
        min = 1, max = -1;
    } else if (take(p, "?")) {
        min = 0, max = 1;
    } else if (take(p, "{")) {
        if (!parse_counts(p, &min, &max)) {
            return false;
        }
    } else {
        return true;
    }
    if (!take(p, "?")) {
        take(p, "+");
    }
    Node *repeat = node_new(p, RE_REPEAT);
    repeat->min = min;
    repeat->max = max;
    node_add(repeat, *ret);
    *ret = repeat;
    return true;
}

/* Swallows what stands for nothing: quotation marks and anchors where they change nothing. */
static bool skip_empty(RegexParser *p, bool at_start) {
    if (!p->quoting && take(p, "\\Q")) {
        p->quoting = true;
        return true;
    }
    if (p->quoting && take(p, "\\E")) {
        p->quoting = false;
        return true;
    }
    if (p->quoting || p->depth) {
        return false;
    }
    if (at_start && take(p, "^")) {
        return true;
    }
    bool last = p->rest.len == 1 || (p->rest.len > 1 && p->rest.ptr[1] == '|');
    return last && take(p, "$");
}

static bool parse_sequence(RegexParser *p, Node **ret) {
    *ret = node_new(p, RE_SEQUENCE);
    while (p->rest.len && (p->quoting || (peek(p) != '|' && peek(p) != ')'))) {
        Node *child = NULL;
        if (skip_empty(p, (*ret)->first == NULL)) {
            continue;
        }
        if (!arena_check(p->arena, p->err) || !parse_quantified(p, &child)) {
            return false;
        }
        node_add(*ret, child);
    }
    return true;
}

static bool parse_choice(RegexParser *p, Node **ret) {
    Node *branch = NULL;
    if (!parse_sequence(p, &branch)) {
        return false;
    }
    *ret = branch;
    if (peek(p) != '|') {
        return true;
    }
    *ret = node_new(p, RE_CHOICE);
    node_add(*ret, branch);
    while (!p->quoting && take(p, "|")) {
        if (!parse_sequence(p, &branch)) {
            return false;
        }
        node_add(*ret, branch);
    }
    return true;
}

static size_t emit(Arena *arena, Regex *regex, Op op) {
    if (regex->count >= REGEX_MAX_NODES) {
        return 0; /* noticed by the caller of compile() */
    }
    if (regex->count == regex->capacity) {
        size_t capacity = MAX(regex->capacity * 2, (size_t)16);
        Op *grown = ARENA_ARRAY(arena, Op, capacity);
        if (regex->count) {
            memcpy(grown, regex->program, regex->count * sizeof op);
        }
        regex->program = grown;
        regex->capacity = capacity;
    }
    regex->program[regex->count] = op;
    return regex->count++;
}

static void compile(Arena *arena, Regex *regex, const Node *node);

static void compile_choice(Arena *arena, Regex *regex, const Node *node) {
    size_t last_jump = SIZE_MAX;
    for (const Node *child = node->first; child; child = child->next) {
        size_t split = SIZE_MAX;
        if (child->next) {
            split = emit(arena, regex, (Op){.kind = OP_SPLIT, .to = regex->count + 1});
        }
        compile(arena, regex, child);
        if (child->next) {
            last_jump = emit(arena, regex, (Op){.kind = OP_JUMP, .to = last_jump}); /* chained until the end is known */
            regex->program[split].other = regex->count;
        }
    }
    while (last_jump != SIZE_MAX && regex->count < REGEX_MAX_NODES) {
        size_t before = regex->program[last_jump].to;
        regex->program[last_jump].to = regex->count;
        last_jump = before;
    }
}

static void compile_repeat(Arena *arena, Regex *regex, const Node *node) {
    for (int i = 0; i < node->min && regex->count < REGEX_MAX_NODES; i++) {
        compile(arena, regex, node->first);
    }
    if (node->max < 0) {
        size_t split = emit(arena, regex, (Op){.kind = OP_SPLIT, .to = regex->count + 1});
        compile(arena, regex, node->first);
        emit(arena, regex, (Op){.kind = OP_JUMP, .to = split});
        regex->program[split].other = regex->count;
    }
    for (int i = node->min; i < node->max && regex->count < REGEX_MAX_NODES; i++) {
        size_t split = emit(arena, regex, (Op){.kind = OP_SPLIT, .to = regex->count + 1});
        compile(arena, regex, node->first);
        regex->program[split].other = regex->count;
    }
}

static void compile(Arena *arena, Regex *regex, const Node *node) {
    switch (node->kind) {
        case RE_CHAR: emit(arena, regex, (Op){.kind = OP_CHAR, .node = node}); break;
        case RE_ANY: emit(arena, regex, (Op){.kind = OP_ANY}); break;
        case RE_CLASS: emit(arena, regex, (Op){.kind = OP_CLASS, .node = node}); break;
        case RE_SEQUENCE:
            for (const Node *child = node->first; child && regex->count < REGEX_MAX_NODES; child = child->next) {
                compile(arena, regex, child);
            }
            break;
        case RE_CHOICE: compile_choice(arena, regex, node); break;
        case RE_REPEAT: compile_repeat(arena, regex, node); break;
    }
}

/* Would printing and running NODE stay within the limit of nodes? Counted before anything is written out. */
static size_t written_out(const Node *node) {
    size_t own = node->kind == RE_SEQUENCE ? 0 : 2, sum = 0;
    for (const Node *child = node->first; child; child = child->next) {
        sum += written_out(child) + own;
    }
    if (node->kind == RE_REPEAT) {
        size_t times = (size_t)(node->max < 0 ? node->min + 1 : node->max);
        sum = sum * times;
    }
    return MIN(sum + own, (size_t)REGEX_MAX_NODES + 1);
}

bool regex_parse(Arena *arena, Str pattern, const Regex **ret, Err *err) {
    Err own = {0};
    RegexParser p = {.arena = arena, .all = pattern, .rest = pattern, .err = &own};
    Regex *regex = ARENA_NEW(arena, Regex);
    p.fold = take(&p, "(?i)");
    regex->fold = p.fold;
    bool ok = pattern.len <= GLOB_MAX_BYTES + 4 || refuse(&p, "a pattern over the limit of 4096 bytes");
    ok = ok && (utf8_valid(pattern) || refuse(&p, "not valid UTF-8")) && parse_choice(&p, &regex->root);
    ok = ok && (p.rest.len == 0 || refuse(&p, "')' without '('"));
    ok = ok && (written_out(regex->root) < REGEX_MAX_NODES - 1 || refuse(&p, "a pattern that repeats too much"));
    ok = ok && arena_check(arena, &own);
    if (!ok) {
        *err = own;
        return false;
    }
    compile(arena, regex, regex->root);
    emit(arena, regex, (Op){.kind = OP_MATCH});
    *ret = regex;
    return true;
}

static bool class_has(const Node *node, uint32_t c) {
    for (size_t i = 0; i < node->range_count; i++) {
        if (c >= node->ranges[i].low && c <= node->ranges[i].high) {
            return !node->negated;
        }
    }
    return node->negated;
}

/* The positions a run is at; MARK tells in which step one was entered last. */
typedef struct Positions {
    const Regex *regex;
    size_t *now, *next, *stack, *mark;
    size_t now_count, next_count, step;
    bool matched;
} Positions;

static void enter(Positions *s, size_t at) {
    size_t depth = 0;
    s->stack[depth++] = at;
    while (depth) {
        at = s->stack[--depth];
        if (s->mark[at] == s->step) {
            continue;
        }
        s->mark[at] = s->step;
        const Op *op = &s->regex->program[at];
        if (op->kind == OP_SPLIT) {
            s->stack[depth++] = op->other;
            s->stack[depth++] = op->to;
        } else if (op->kind == OP_JUMP) {
            s->stack[depth++] = op->to;
        } else if (op->kind == OP_MATCH) {
            s->matched = true;
        } else {
            s->next[s->next_count++] = at;
        }
    }
}

static void advance(Positions *s) {
    size_t *swap = s->now;
    s->now = s->next;
    s->next = swap;
    s->now_count = s->next_count;
    s->next_count = 0;
    s->matched = false;
    s->step++;
}

bool regex_match(Arena *arena, const Regex *regex, Str text) {
    size_t n = regex->count + 1;
    size_t *room = ARENA_ARRAY(arena, size_t, n * 5);
    Positions s = {.regex = regex, .now = room, .next = room + n, .mark = room + 2 * n, .stack = room + 3 * n, .step = 1};
    enter(&s, 0);
    uint32_t c;
    while (text.len && s.next_count) {
        if (!utf8_next(&text, &c)) {
            return false;
        }
        advance(&s);
        for (size_t i = 0; i < s.now_count; i++) {
            const Op *op = &regex->program[s.now[i]];
            if (op->kind == OP_ANY || (op->kind == OP_CLASS && class_has(op->node, c)) ||
                (op->kind == OP_CHAR && op->node->code_point == (regex->fold ? code_point_fold(c) : c))) {
                enter(&s, s.now[i] + 1);
            }
        }
    }
    return text.len == 0 && s.matched;
}

Str regex_prefix(Arena *arena, const Regex *regex) {
    if (regex->root->kind != RE_SEQUENCE) {
        return STR("");
    }
    CLEANUP(buf_free) Buf buf = BUF_INIT(GLOB_MAX_BYTES * 4);
    for (const Node *child = regex->root->first; child && child->kind == RE_CHAR; child = child->next) {
        char bytes[4];
        buf_add_bytes(&buf, bytes, utf8_encode(child->code_point, bytes));
    }
    return arena_str(arena, buf_str(&buf));
}

static void print_code_point(Buf *buf, uint32_t c) { buf_printf(buf, "\\U%08X", (unsigned)c); }

/* Every code point that folds to C. */
static void print_folded(Buf *buf, uint32_t c) {
    buf_add_char(buf, '[');
    print_code_point(buf, c);
    if (c >= 'a' && c <= 'z') {
        print_code_point(buf, c - 32);
    }
    for (size_t i = 0; i < casefold_run_count; i++) {
        const CaseFoldRun *run = &casefold_runs[i];
        uint32_t from = (uint32_t)((int32_t)c - run->delta);
        if (from >= run->first && from <= run->last && (from - run->first) % (uint32_t)run->step == 0) {
            print_code_point(buf, from);
        }
    }
    buf_add_char(buf, ']');
}

static void print_class(Buf *buf, const Node *node) {
    buf_add_cstr(buf, node->negated ? "[^" : "[");
    for (size_t i = 0; i < node->range_count; i++) {
        print_code_point(buf, MAX(node->ranges[i].low, 1u));
        buf_add_char(buf, '-');
        print_code_point(buf, node->ranges[i].high);
    }
    buf_add_char(buf, ']');
}

static void print(Buf *buf, const Node *node, bool fold) {
    switch (node->kind) {
        case RE_CHAR: fold ? print_folded(buf, node->code_point) : print_code_point(buf, node->code_point); break;
        case RE_ANY: buf_add_char(buf, '.'); break;
        case RE_CLASS: print_class(buf, node); break;
        case RE_SEQUENCE:
            for (const Node *child = node->first; child; child = child->next) {
                print(buf, child, fold);
            }
            break;
        case RE_CHOICE:
        case RE_REPEAT:
            buf_add_cstr(buf, "(?:");
            for (const Node *child = node->first; child; child = child->next) {
                print(buf, child, fold);
                buf_add_cstr(buf, child->next ? "|" : ")");
            }
            if (node->kind == RE_REPEAT) {
                node->max < 0 ? buf_printf(buf, "{%d,}", node->min) : buf_printf(buf, "{%d,%d}", node->min, node->max);
            }
            break;
    }
}

Str regex_sql(Arena *arena, const Regex *regex) {
    CLEANUP(buf_free) Buf buf = BUF_INIT(16u << 20);
    buf_add_cstr(&buf, "^(?:");
    print(&buf, regex->root, regex->fold);
    buf_add_cstr(&buf, ")$");
    return arena_str(arena, buf_str(&buf));
}
