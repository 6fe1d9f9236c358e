/* The tree behind a Filter; for the files filter_*.c only. */
#ifndef PROPOLIS_CATALOG_FILTER_TREE_H
#define PROPOLIS_CATALOG_FILTER_TREE_H

#include "catalog/filter.h"
#include "catalog/glob.h"
#include "catalog/rangekey.h"

typedef enum FilterNodeKind {
    NODE_AND, /* no children: true */
    NODE_OR,  /* no children: false */
    NODE_NOT,
    NODE_COMPARE, /* one literal */
    NODE_IN,      /* any number of literals */
    NODE_LIKE,
    NODE_IS_NULL,
} FilterNodeKind;

typedef enum FilterOp { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE } FilterOp;

typedef enum LiteralKind { LITERAL_STRING, LITERAL_NUMBER, LITERAL_DATE, LITERAL_TIMESTAMP } LiteralKind;

typedef struct Literal {
    LiteralKind kind;
    Str text;
    /* Once bound: */
    Str value; /* canonical, for SQL and for comparing texts */
    Str range; /* rangekey_encode() of it */
} Literal;

typedef enum TableField { FIELD_NAME, FIELD_TYPE, FIELD_OWNER, FIELD_LAST_ACCESS, FIELD_PARAM } TableField;

typedef struct FilterNode FilterNode;
struct FilterNode {
    FilterNodeKind kind;
    FilterNode **children;
    size_t child_count;
    Str key;
    size_t at; /* position in the text, from 1 */
    FilterOp op;
    Literal *literals;
    size_t literal_count;
    /* Once bound: */
    size_t key_index; /* or a TableField */
    RangeKind range;
    bool raw;           /* a typed key compared as text with the default partition's name */
    Wildcard wildcard;  /* NODE_LIKE of a partition key */
    const Regex *regex; /* NODE_LIKE of a table field */
};

struct Filter {
    FilterNode *root;
    bool bound, table;
    FilterPolicy policy;
    const FilterKey *keys;
    StrList key_names;
};

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_OP,
    TOKEN_WORD,   /* a key or keyword */
    TOKEN_QUOTED, /* a key in quotes */
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_DATE,
    TOKEN_TIMESTAMP,
} TokenKind;

typedef struct Token {
    TokenKind kind;
    FilterOp op;
    Str text;  /* quotes and escapes taken off */
    size_t at; /* from 1 */
} Token;

typedef struct Tokens {
    Token *items; /* the last one is TOKEN_END */
    size_t count;
} Tokens;

/* Where two grammars differ. */
typedef struct Dialect {
    bool glue;
    const char *unsupported; /* begins every syntax error */
} Dialect;

bool filter_lex(Arena *arena, Str text, const Dialect *dialect, Tokens *ret, Err *err) WARN_UNUSED;
FilterNode *filter_node_new(Arena *arena, FilterNodeKind kind);
void filter_node_add_literal(Arena *arena, FilterNode *node, Literal literal);

/* Writing SQL. */
typedef struct SqlWriter {
    Arena *arena;
    const Filter *filter;
    const char *row;
    Buf *sql;
    FilterParams *params;
    unsigned default_param; /* number of the default partition's name, 0: not added yet */
} SqlWriter;
unsigned sql_param(SqlWriter *w, FilterParamKind kind, Str value);
unsigned sql_param_list(SqlWriter *w, FilterParamKind kind, const FilterNode *node); /* ranges for BYTES_LIST, else values */
const char *sql_op(FilterOp op);
bool sql_finish(const SqlWriter *w, Err *err) WARN_UNUSED;
FilterTruth truth_of(bool yes);
bool filter_op_holds(FilterOp op, int order);
FilterTruth filter_combine(FilterNodeKind kind, FilterTruth a, FilterTruth b);

#endif
