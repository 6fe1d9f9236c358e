/* A bound filter against one partition's values: the plain meaning, which the SQL must agree with. */
#include "catalog/filter_tree.h"
#include "catalog/partname.h"

FilterTruth truth_of(bool yes) { return yes ? FILTER_TRUE : FILTER_FALSE; }

bool filter_op_holds(FilterOp op, int order) {
    switch (op) {
        case OP_EQ: return order == 0;
        case OP_NE: return order != 0;
        case OP_LT: return order < 0;
        case OP_LE: return order <= 0;
        case OP_GT: return order > 0;
        case OP_GE: return order >= 0;
    }
    return false;
}

FilterTruth filter_combine(FilterNodeKind kind, FilterTruth a, FilterTruth b) {
    FilterTruth decides = kind == NODE_AND ? FILTER_FALSE : FILTER_TRUE;
    if (a == decides || b == decides) {
        return decides;
    }
    return a == FILTER_UNKNOWN ? a : b;
}

typedef struct Evaluation {
    Arena *arena;
    const Filter *filter;
    StrList values;
    const FilterNode *culprit; /* the first leaf that was UNKNOWN */
} Evaluation;

static Str effective(const Evaluation *e, const FilterNode *node) {
    Str value = node->key_index < e->values.count ? e->values.items[node->key_index] : STR_NULL;
    return partname_effective(value, e->filter->policy.default_partition);
}

/* How the value orders against LITERAL; false when it does not cast. */
static bool order_of(Evaluation *e, const FilterNode *node, Str encoded, const Literal *literal, int *ret) {
    if (node->range == RANGE_STRING || node->raw) {
        *ret = str_cmp(effective(e, node), literal->value);
        return true;
    }
    *ret = str_cmp(encoded, literal->range);
    return !str_is_null(encoded);
}

static FilterTruth eval_compare(Evaluation *e, const FilterNode *node) {
    Str encoded = STR_NULL;
    if (node->range != RANGE_STRING && !node->raw) {
        rangekey_encode(e->arena, node->range, effective(e, node), STR_NULL, &encoded);
    }
    FilterTruth found = FILTER_FALSE;
    for (size_t i = 0; i < node->literal_count; i++) {
        int order;
        if (!order_of(e, node, encoded, &node->literals[i], &order)) {
            return FILTER_UNKNOWN;
        }
        if (filter_op_holds(node->kind == NODE_IN ? OP_EQ : node->op, order)) {
            found = FILTER_TRUE;
        }
    }
    return found;
}

static FilterTruth eval_leaf(Evaluation *e, const FilterNode *node) {
    FilterTruth truth;
    switch (node->kind) {
        case NODE_LIKE: return truth_of(wildcard_match(node->wildcard, effective(e, node), false));
        case NODE_IS_NULL:
            return truth_of(e->filter->policy.null_is_default && str_eq(effective(e, node), e->filter->policy.default_partition));
        default:
            truth = eval_compare(e, node);
            if (truth == FILTER_UNKNOWN && !e->culprit) {
                e->culprit = node;
            }
            return truth;
    }
}

static FilterTruth eval_node(Evaluation *e, const FilterNode *node) {
    if (node->kind == NODE_NOT) {
        FilterTruth truth = eval_node(e, node->children[0]);
        return truth == FILTER_UNKNOWN ? truth : truth_of(truth == FILTER_FALSE);
    }
    if (node->kind > NODE_NOT) {
        return eval_leaf(e, node);
    }
    FilterTruth truth = truth_of(node->kind == NODE_AND);
    for (size_t i = 0; i < node->child_count; i++) {
        truth = filter_combine(node->kind, truth, eval_node(e, node->children[i]));
    }
    return truth;
}

static bool uncastable(const Evaluation *e, Err *err) {
    static const char *const nouns[] = {
        [RANGE_INTEGER] = "an integer",
        [RANGE_DECIMAL] = "a decimal",
        [RANGE_DATE] = "a date",
        [RANGE_TIMESTAMP] = "a timestamp",
    };
    Str value = effective(e, e->culprit);
    return err_set(err, ERR_INVALID_PARTITION_VALUE, "For input string: \"%" STR_FMT "\" is not %s.",
                   STR_ARG(str_slice(value, 0, 200)), nouns[e->culprit->range]);
}

bool filter_eval(Arena *arena, const Filter *filter, StrList values, FilterTruth *ret, Err *err) {
    if (!filter->bound || filter->table) {
        return err_set(err, ERR_INTERNAL, "a filter was evaluated before it was bound to partition keys");
    }
    Evaluation e = {arena, filter, values, NULL};
    FilterTruth truth = eval_node(&e, filter->root);
    if (truth == FILTER_UNKNOWN && filter->policy.uncastable_is_error && e.culprit) {
        return uncastable(&e, err);
    }
    *ret = truth;
    return arena_check(arena, err);
}
