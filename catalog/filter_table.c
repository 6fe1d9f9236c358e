/* Filters over fields of a table: get_table_names_by_filter. */
#include "catalog/filter_tree.h"

typedef struct FieldName {
    Str text;
    TableField field;
} FieldName;

static const FieldName field_names[] = {
    {STR_INIT("hive_filter_field_owner__"), FIELD_OWNER},
    {STR_INIT("hive_filter_field_last_access__"), FIELD_LAST_ACCESS},
    {STR_INIT("hive_filter_field_tableName__"), FIELD_NAME},
    {STR_INIT("hive_filter_field_tableType__"), FIELD_TYPE},
};
#define PARAMS_PREFIX STR("hive_filter_field_params__")

/* Of FIELD_PARAM: the parameter's name. */
static Str param_key(const FilterNode *node) { return str_skip(node->key, PARAMS_PREFIX.len); }

static bool find_field(FilterNode *node, Err *err) {
    if (str_starts_nocase(node->key, PARAMS_PREFIX) && node->key.len > PARAMS_PREFIX.len) {
        node->key_index = FIELD_PARAM;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(field_names); i++) {
        if (str_eq_nocase(node->key, field_names[i].text)) {
            node->key_index = field_names[i].field;
            return true;
        }
    }
    return err_set(err, ERR_INVALID_FILTER,
                   "Invalid key name in filter: '%" STR_FMT "' at character %zu; known are hive_filter_field_owner__, "
                   "hive_filter_field_last_access__, hive_filter_field_tableName__, hive_filter_field_tableType__ and "
                   "hive_filter_field_params__<key>",
                   STR_ARG(str_slice(node->key, 0, 100)), node->at);
}

static bool bind_like(Arena *arena, FilterNode *node, Err *err) {
    if (node->key_index == FIELD_LAST_ACCESS) {
        return err_set(err, ERR_INVALID_FILTER, "hive_filter_field_last_access__ cannot be compared with LIKE");
    }
    return regex_parse(arena, node->literals[0].text, &node->regex, err);
}

static bool bind_compare(Arena *arena, FilterNode *node, Err *err) {
    bool ordered = node->kind == NODE_COMPARE && node->op != OP_EQ && node->op != OP_NE;
    if (ordered && node->key_index == FIELD_PARAM) {
        return err_set(err, ERR_INVALID_FILTER, "a table parameter can be compared with =, <>, != and LIKE only: '%" STR_FMT "'",
                       STR_ARG(str_slice(node->key, 0, 100)));
    }
    for (size_t i = 0; i < node->literal_count; i++) {
        Literal *literal = &node->literals[i];
        int64_t number;
        literal->value = literal->text;
        if (node->key_index != FIELD_LAST_ACCESS) {
            continue;
        }
        if (!str_to_i64(literal->text, &number)) {
            return err_set(err, ERR_INVALID_FILTER,
                           "hive_filter_field_last_access__ is compared with an integer, not '%" STR_FMT "'",
                           STR_ARG(str_slice(literal->text, 0, 100)));
        }
        literal->value = arena_printf(arena, "%" PRId64, number);
    }
    return true;
}

static bool bind_node(Arena *arena, FilterNode *node, Err *err) {
    if (node->kind > NODE_NOT) {
        if (!find_field(node, err)) {
            return false;
        }
        return node->kind == NODE_LIKE ? bind_like(arena, node, err) : bind_compare(arena, node, err);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (!bind_node(arena, node->children[i], err)) {
            return false;
        }
    }
    return arena_check(arena, err);
}

bool filter_bind_table_fields(Arena *arena, Filter *filter, Err *err) {
    filter->bound = filter->table = true;
    return bind_node(arena, filter->root, err);
}

/* The field as text; null: the table has none. */
static Str field_value(Arena *arena, const FilterNode *node, const FilterTableRow *row) {
    switch ((TableField)node->key_index) {
        case FIELD_NAME: return row->name;
        case FIELD_TYPE: return row->type;
        case FIELD_OWNER: return row->owner;
        case FIELD_LAST_ACCESS: return row->has_last_access ? arena_printf(arena, "%" PRId64, row->last_access) : STR_NULL;
        case FIELD_PARAM: return row->params ? params_get(row->params, param_key(node)) : STR_NULL;
    }
    return STR_NULL;
}

static int compare_field(const FilterNode *node, Str value, const Literal *literal) {
    int64_t a, b;
    if (node->key_index == FIELD_LAST_ACCESS && str_to_i64(value, &a) && str_to_i64(literal->value, &b)) {
        return (a > b) - (a < b);
    }
    return str_cmp(value, literal->value);
}

static FilterTruth eval_leaf(Arena *arena, const FilterNode *node, const FilterTableRow *row) {
    Str value = field_value(arena, node, row);
    if (node->kind == NODE_IS_NULL) {
        return truth_of(str_is_null(value));
    }
    if (str_is_null(value)) {
        return FILTER_UNKNOWN;
    }
    if (node->kind == NODE_LIKE) {
        return truth_of(regex_match(arena, node->regex, value));
    }
    for (size_t i = 0; i < node->literal_count; i++) {
        if (filter_op_holds(node->kind == NODE_IN ? OP_EQ : node->op, compare_field(node, value, &node->literals[i]))) {
            return FILTER_TRUE;
        }
    }
    return FILTER_FALSE;
}

static FilterTruth eval_node(Arena *arena, const FilterNode *node, const FilterTableRow *row) {
    if (node->kind == NODE_NOT) {
        FilterTruth truth = eval_node(arena, node->children[0], row);
        return truth == FILTER_UNKNOWN ? truth : truth_of(truth == FILTER_FALSE);
    }
    if (node->kind > NODE_NOT) {
        return eval_leaf(arena, node, row);
    }
    FilterTruth truth = truth_of(node->kind == NODE_AND);
    for (size_t i = 0; i < node->child_count; i++) {
        truth = filter_combine(node->kind, truth, eval_node(arena, node->children[i], row));
    }
    return truth;
}

static bool check_bound(const Filter *filter, Err *err) {
    return (filter->bound && filter->table) || err_set(err, ERR_INTERNAL, "a filter was used before it was bound to table fields");
}

bool filter_eval_table(Arena *arena, const Filter *filter, const FilterTableRow *row, FilterTruth *ret, Err *err) {
    if (!check_bound(filter, err)) {
        return false;
    }
    *ret = eval_node(arena, filter->root, row);
    return arena_check(arena, err);
}

static void emit_field(SqlWriter *w, const FilterNode *node) {
    static const char *const columns[] = {
        [FIELD_NAME] = "name",
        [FIELD_TYPE] = "type",
        [FIELD_OWNER] = "owner",
        [FIELD_LAST_ACCESS] = "last_access",
    };
    if (node->key_index == FIELD_LAST_ACCESS) {
        buf_printf(w->sql, "%slast_access", w->row);
    } else if (node->key_index != FIELD_PARAM) {
        buf_printf(w->sql, "%s%s COLLATE \"C\"", w->row, columns[node->key_index]);
    } else {
        unsigned n = sql_param(w, FILTER_PARAM_TEXT, param_key(node));
        buf_printf(
            w->sql,
            "(SELECT %sparams[i + 1] FROM generate_series(1, cardinality(%sparams), 2) AS i WHERE %sparams[i] = $%u::text LIMIT 1) "
            "COLLATE \"C\"",
            w->row, w->row, w->row, n);
    }
}

static void emit_leaf(SqlWriter *w, const FilterNode *node) {
    const char *cast = node->key_index == FIELD_LAST_ACCESS ? "::bigint" : "";
    emit_field(w, node);
    if (node->kind == NODE_IS_NULL) {
        buf_add_cstr(w->sql, " IS NULL");
    } else if (node->kind == NODE_LIKE) {
        buf_printf(w->sql, " ~ $%u::text", sql_param(w, FILTER_PARAM_TEXT, regex_sql(w->arena, node->regex)));
    } else if (node->kind == NODE_IN) {
        unsigned n = sql_param_list(w, FILTER_PARAM_TEXT_LIST, node);
        buf_printf(w->sql, " = ANY ($%u::text[]%s%s)", n, cast, *cast ? "[]" : "");
    } else {
        unsigned n = sql_param(w, FILTER_PARAM_TEXT, node->literals[0].value);
        buf_printf(w->sql, " %s $%u::text%s", sql_op(node->op), n, cast);
    }
}

static void emit(SqlWriter *w, const FilterNode *node) {
    buf_add_char(w->sql, '(');
    if (node->kind == NODE_NOT) {
        buf_add_cstr(w->sql, "NOT ");
    } else if (node->kind > NODE_NOT) {
        emit_leaf(w, node);
    } else if (node->child_count == 0) {
        buf_add_cstr(w->sql, node->kind == NODE_AND ? "true" : "false");
    }
    for (size_t i = 0; i < node->child_count; i++) {
        buf_add_cstr(w->sql, i == 0 ? "" : node->kind == NODE_AND ? " AND " : " OR ");
        emit(w, node->children[i]);
    }
    buf_add_char(w->sql, ')');
}

bool filter_sql_table(Arena *arena, const Filter *filter, const char *row, Buf *sql, FilterParams *params, Err *err) {
    SqlWriter w = {.arena = arena, .filter = filter, .row = row, .sql = sql, .params = params};
    if (!check_bound(filter, err)) {
        return false;
    }
    emit(&w, filter->root);
    return sql_finish(&w, err);
}
