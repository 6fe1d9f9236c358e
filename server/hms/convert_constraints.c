#include "server/hms/convert_constraints.h"

/* A row: a constraint with one column, whose place is SEQ. */
typedef struct Row {
    Constraint all;
    Str column, parent_column;
    int32_t seq;
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

static bool belongs(const Row *first, const Row *row) {
    ConstraintKind kind = first->all.kind;
    bool several = kind == CONSTRAINT_PRIMARY_KEY || kind == CONSTRAINT_UNIQUE || kind == CONSTRAINT_FOREIGN_KEY;
    if (!several || row->all.kind != kind || !name_same(row->all.table.name, first->all.table.name) ||
        !name_same(row->all.name, first->all.name)) {
        return false;
    }
    return kind == CONSTRAINT_PRIMARY_KEY || !str_is_null(row->all.name) || row->seq > 1;
}

static void sort_by_place(Row *rows, size_t count) {
    for (size_t i = 1; i < count; i++) {
        Row row = rows[i];
        size_t at = i;
        for (; at > 0 && rows[at - 1].seq > row.seq; at--) {
            rows[at] = rows[at - 1];
        }
        rows[at] = row;
    }
}

static Constraint join(Arena *arena, Row *rows, size_t count) {
    Constraint c = rows[0].all;
    sort_by_place(rows, count);
    c.columns.items = ARENA_ARRAY(arena, Str, count);
    c.parent_columns.items = ARENA_ARRAY(arena, Str, count);
    for (size_t i = 0; i < count; i++) {
        if (!str_is_null(rows[i].column)) {
            c.columns.items[c.columns.count++] = rows[i].column;
        }
        if (!str_is_null(rows[i].parent_column)) {
            c.parent_columns.items[c.parent_columns.count++] = rows[i].parent_column;
        }
    }
    return c;
}

bool hms_read_constraints(HmsCall *call, const HmsConstraintRows *from, Constraints *ret, Err *err) {
    size_t most = from->primary.count + from->foreign.count + from->unique.count + from->not_null.count + from->defaults.count +
                  from->checks.count;
    Rows rows = {ARENA_ARRAY(call->arena, Row, most), 0};
    Constraints out = {ARENA_ARRAY(call->arena, Constraint, most), 0};
    if (!arena_check(call->arena, err)) {
        return false;
    }
    add_keys(from, &rows);
    add_singles(from, &rows);
    for (size_t i = 0, count; i < rows.count; i += count) {
        for (count = 1; i + count < rows.count && belongs(&rows.items[i], &rows.items[i + count]);) {
            count++;
        }
        out.items[out.count++] = join(call->arena, &rows.items[i], count);
    }
    *ret = out;
    return arena_check(call->arena, err);
}
