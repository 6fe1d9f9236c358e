#include "server/hms/convert_constraints.h"

/* A row: a constraint with one column, whose place is SEQ. */
typedef struct Row {
    Constraint all;
    Str column, parent_column;
    int32_t seq;
    size_t constraint, at; /* which one it belongs to, and where it stood */
} Row;

typedef struct Rows {
    Row *items;
    size_t count;
} Rows;

/* Fields that all six kinds have, by the same names. */
#define ROW_OF(of_kind, from, of_name) \
    { \
        .all = {.kind = (of_kind), \
                .name = (of_name), \
                .table = {(from)->catName, (from)->table_db, (from)->table_name}, \
                .enable = (from)->enable_cstr, \
                .validate = (from)->validate_cstr, \
                .rely = (from)->rely_cstr}, \
        .column = (from)->column_name, \
    }

static void add_keys(const HmsConstraintRows *from, Rows *rows) {
    for (size_t i = 0; i < from->primary.count; i++) {
        const HmsSQLPrimaryKey *k = &from->primary.items[i];
        Row row = ROW_OF(CONSTRAINT_PRIMARY_KEY, k, k->pk_name);
        row.seq = k->key_seq;
        rows->items[rows->count++] = row;
    }
    for (size_t i = 0; i < from->unique.count; i++) {
        const HmsSQLUniqueConstraint *k = &from->unique.items[i];
        Row row = ROW_OF(CONSTRAINT_UNIQUE, k, k->uk_name);
        row.seq = k->key_seq;
        rows->items[rows->count++] = row;
    }
    for (size_t i = 0; i < from->foreign.count; i++) {
        const HmsSQLForeignKey *k = &from->foreign.items[i];
        rows->items[rows->count++] = (Row){
            .all = {.kind = CONSTRAINT_FOREIGN_KEY,
                    .name = k->fk_name,
                    .table = {k->catName, k->fktable_db, k->fktable_name},
                    .parent = {k->catName, k->pktable_db, k->pktable_name},
                    .parent_name = k->pk_name,
                    .update_rule = k->update_rule,
                    .delete_rule = k->delete_rule,
                    .enable = k->enable_cstr,
                    .validate = k->validate_cstr,
                    .rely = k->rely_cstr},
            .column = k->fkcolumn_name,
            .parent_column = k->pkcolumn_name,
            .seq = k->key_seq,
        };
    }
}

static void add_singles(const HmsConstraintRows *from, Rows *rows) {
    for (size_t i = 0; i < from->not_null.count; i++) {
        const HmsSQLNotNullConstraint *k = &from->not_null.items[i];
        rows->items[rows->count++] = (Row)ROW_OF(CONSTRAINT_NOT_NULL, k, k->nn_name);
    }
    for (size_t i = 0; i < from->defaults.count; i++) {
        const HmsSQLDefaultConstraint *k = &from->defaults.items[i];
        Row row = ROW_OF(CONSTRAINT_DEFAULT, k, k->dc_name);
        row.all.expression = k->default_value;
        rows->items[rows->count++] = row;
    }
    for (size_t i = 0; i < from->checks.count; i++) {
        const HmsSQLCheckConstraint *k = &from->checks.items[i];
        Row row = ROW_OF(CONSTRAINT_CHECK, k, k->dc_name);
        row.all.expression = k->check_expression;
        rows->items[rows->count++] = row;
    }
}

static bool is_key(ConstraintKind kind) {
    return kind == CONSTRAINT_PRIMARY_KEY || kind == CONSTRAINT_UNIQUE || kind == CONSTRAINT_FOREIGN_KEY;
}

static bool alike(const Row *a, const Row *b) {
    const TableRef *x = &a->all.table, *y = &b->all.table;
    return a->all.kind == b->all.kind && name_same(x->name, y->name) && name_same(x->database, y->database);
}

/* The row before ROW that is of the same constraint; NULL: it is the first. LAST is the one without a name before it. */
static Row *row_before(Arena *arena, StrMap *named, Row *last, Row *row) {
    if (!is_key(row->all.kind)) {
        return NULL;
    }
    if (str_is_empty(row->all.name)) {
        bool goes_on = last && alike(last, row) && (row->all.kind == CONSTRAINT_PRIMARY_KEY || row->seq > last->seq);
        return goes_on ? last : NULL;
    }
    Str name = name_fold(arena, row->all.name);
    Row *before = strmap_get(named, name);
    if (!before || !alike(before, row)) {
        (void)strmap_put(named, name, row);
        return NULL;
    }
    return before;
}

/* Says of each row which constraint it belongs to; how many there are. */
static size_t number_rows(Arena *arena, Rows *rows) {
    StrMap *named = strmap_new(arena, rows->count);
    Row *last = NULL;
    size_t count = 0;
    for (size_t i = 0; i < rows->count && !arena_exceeded(arena); i++) {
        Row *row = &rows->items[i];
        const Row *before = row_before(arena, named, last, row);
        row->at = i;
        row->constraint = before ? before->constraint : count++;
        last = str_is_empty(row->all.name) ? row : last;
    }
    return count;
}

static int compare_rows(const void *a, const void *b) {
    const Row *x = a, *y = b;
    if (x->constraint != y->constraint) {
        return x->constraint < y->constraint ? -1 : 1;
    }
    if (x->seq != y->seq) {
        return x->seq < y->seq ? -1 : 1;
    }
    return x->at < y->at ? -1 : 1;
}

/* ROWS are sorted. */
static void join(const Rows *rows, Str *columns, Str *parent_columns, Constraints *out) {
    for (size_t i = 0; i < rows->count; i++) {
        const Row *row = &rows->items[i];
        Constraint *c = &out->items[row->constraint];
        if (i == 0 || rows->items[i - 1].constraint != row->constraint) {
            *c = row->all;
            c->columns.items = columns + i;
            c->parent_columns.items = parent_columns + i;
        }
        if (!str_is_null(row->column)) {
            c->columns.items[c->columns.count++] = row->column;
        }
        if (!str_is_null(row->parent_column)) {
            c->parent_columns.items[c->parent_columns.count++] = row->parent_column;
        }
    }
}

/* A check of the whole row has no column; all others would lose one unseen. */
static bool expect_columns(HmsCall *call, const Rows *rows, Err *err) {
    for (size_t i = 0; i < rows->count; i++) {
        const Row *row = &rows->items[i];
        if (row->all.kind != CONSTRAINT_CHECK && !hms_given(call, row->column, "Column name", err)) {
            return false;
        }
    }
    return true;
}

bool hms_read_constraints(HmsCall *call, const HmsConstraintRows *from, Constraints *ret, Err *err) {
    size_t most = from->primary.count + from->foreign.count + from->unique.count + from->not_null.count + from->defaults.count +
                  from->checks.count;
    Rows rows = {ARENA_ARRAY(call->arena, Row, most), 0};
    Str *columns = ARENA_ARRAY(call->arena, Str, most), *parent_columns = ARENA_ARRAY(call->arena, Str, most);
    if (!arena_check(call->arena, err)) {
        return false;
    }
    add_keys(from, &rows);
    add_singles(from, &rows);
    if (!expect_columns(call, &rows, err)) {
        return false;
    }
    Constraints out = {.count = number_rows(call->arena, &rows)};
    out.items = ARENA_ARRAY(call->arena, Constraint, out.count);
    if (!arena_check(call->arena, err)) {
        return false;
    }
    if (rows.count) {
        qsort(rows.items, rows.count, sizeof *rows.items, compare_rows);
    }
    join(&rows, columns, parent_columns, &out);
    *ret = out;
    return true;
}
