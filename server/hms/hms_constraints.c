/* Constraints: primary, foreign and unique keys, not null, default, check. The Metastore has a row for each column, as JDBC has;
 * the model has one object for each constraint. */
#include "catalog/constraints.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* ---- for answers ------------------------------------------------------------------------------------------------ */

/* Goes over the rows of the constraints of one kind. */
typedef struct Walk {
    const Constraints *from;
    ConstraintKind kind;
    size_t next, next_column;
    size_t at; /* which row this is */
    const Constraint *c;
    Str column;
    int32_t seq; /* from 1 */
} Walk;

/* A check of the whole row has no column, but a row. */
static size_t rows_in(const Constraint *c) { return MAX(c->columns.count, (size_t)1); }

static bool walk_next(Walk *w) {
    while (w->next < w->from->count) {
        const Constraint *c = &w->from->items[w->next];
        if (c->kind == w->kind && w->next_column < rows_in(c)) {
            w->at += w->c != NULL;
            w->c = c;
            w->column = w->next_column < c->columns.count ? c->columns.items[w->next_column] : STR_NULL;
            w->seq = (int32_t)++w->next_column;
            return true;
        }
        w->next++;
        w->next_column = 0;
    }
    return false;
}

static size_t count_rows(const Constraints *from, ConstraintKind kind) {
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++) {
        count += from->items[i].kind == kind ? rows_in(&from->items[i]) : 0;
    }
    return count;
}

#define LIST_NEW(arena, from, kind, List, Row) \
    ({ \
        size_t count_ = count_rows((from), (kind)); \
        (List){count_ ? ARENA_ARRAY((arena), Row, count_) : THRIFT_NO_ITEMS, count_}; \
    })
#define ROW_TABLE(w) \
    .catName = (w).c->table.catalog, .table_db = (w).c->table.database, .table_name = (w).c->table.name, .column_name = (w).column
#define ROW_SEQ(w) .key_seq = (w).seq, .has_key_seq = true
#define ROW_FLAGS(w) \
    .enable_cstr = (w).c->enable, .has_enable_cstr = true, .validate_cstr = (w).c->validate, .has_validate_cstr = true, \
    .rely_cstr = (w).c->rely, .has_rely_cstr = true

static HmsSQLPrimaryKeyList primary_keys(Arena *arena, const Constraints *from) {
    HmsSQLPrimaryKeyList list = LIST_NEW(arena, from, CONSTRAINT_PRIMARY_KEY, HmsSQLPrimaryKeyList, HmsSQLPrimaryKey);
    for (Walk w = {.from = from, .kind = CONSTRAINT_PRIMARY_KEY}; walk_next(&w);) {
        list.items[w.at] = (HmsSQLPrimaryKey){ROW_TABLE(w), ROW_SEQ(w), .pk_name = w.c->name, ROW_FLAGS(w)};
    }
    return list;
}

static HmsSQLForeignKeyList foreign_keys(Arena *arena, const Constraints *from) {
    HmsSQLForeignKeyList list = LIST_NEW(arena, from, CONSTRAINT_FOREIGN_KEY, HmsSQLForeignKeyList, HmsSQLForeignKey);
    for (Walk w = {.from = from, .kind = CONSTRAINT_FOREIGN_KEY}; walk_next(&w);) {
        StrList to = w.c->parent_columns;
        list.items[w.at] = (HmsSQLForeignKey){
            .catName = w.c->table.catalog,
            .fktable_db = w.c->table.database,
            .fktable_name = w.c->table.name,
            .fkcolumn_name = w.column,
            .pktable_db = w.c->parent.database,
            .pktable_name = w.c->parent.name,
            .pkcolumn_name = (size_t)w.seq <= to.count ? to.items[w.seq - 1] : STR_NULL,
            ROW_SEQ(w),
            .update_rule = w.c->update_rule,
            .has_update_rule = true,
            .delete_rule = w.c->delete_rule,
            .has_delete_rule = true,
            .fk_name = w.c->name,
            .pk_name = w.c->parent_name,
            ROW_FLAGS(w),
        };
    }
    return list;
}

static HmsSQLUniqueConstraintList unique_constraints(Arena *arena, const Constraints *from) {
    HmsSQLUniqueConstraintList list = LIST_NEW(arena, from, CONSTRAINT_UNIQUE, HmsSQLUniqueConstraintList, HmsSQLUniqueConstraint);
    for (Walk w = {.from = from, .kind = CONSTRAINT_UNIQUE}; walk_next(&w);) {
        list.items[w.at] = (HmsSQLUniqueConstraint){ROW_TABLE(w), ROW_SEQ(w), .uk_name = w.c->name, ROW_FLAGS(w)};
    }
    return list;
}

static HmsSQLNotNullConstraintList not_null_constraints(Arena *arena, const Constraints *from) {
    HmsSQLNotNullConstraintList list = LIST_NEW(arena, from, CONSTRAINT_NOT_NULL, HmsSQLNotNullConstraintList,
                                                HmsSQLNotNullConstraint);
    for (Walk w = {.from = from, .kind = CONSTRAINT_NOT_NULL}; walk_next(&w);) {
        list.items[w.at] = (HmsSQLNotNullConstraint){ROW_TABLE(w), .nn_name = w.c->name, ROW_FLAGS(w)};
    }
    return list;
}

static HmsSQLDefaultConstraintList default_constraints(Arena *arena, const Constraints *from) {
    HmsSQLDefaultConstraintList list = LIST_NEW(arena, from, CONSTRAINT_DEFAULT, HmsSQLDefaultConstraintList,
                                                HmsSQLDefaultConstraint);
    for (Walk w = {.from = from, .kind = CONSTRAINT_DEFAULT}; walk_next(&w);) {
        list.items[w.at] = (HmsSQLDefaultConstraint){ROW_TABLE(w), .default_value = w.c->expression, .dc_name = w.c->name,
                                                     ROW_FLAGS(w)};
    }
    return list;
}

static HmsSQLCheckConstraintList check_constraints(Arena *arena, const Constraints *from) {
    HmsSQLCheckConstraintList list = LIST_NEW(arena, from, CONSTRAINT_CHECK, HmsSQLCheckConstraintList, HmsSQLCheckConstraint);
    for (Walk w = {.from = from, .kind = CONSTRAINT_CHECK}; walk_next(&w);) {
        list.items[w.at] = (HmsSQLCheckConstraint){ROW_TABLE(w), .check_expression = w.c->expression, .dc_name = w.c->name,
                                                   ROW_FLAGS(w)};
    }
    return list;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool no_request(HmsCall *call, Err *err) { return hms_throw(call, HMS_META, err, "The request cannot be null."); }

/* KIND -1: all. A table that is not there has none. */
static bool list_of(HmsCall *call, Str catalog, Str database, Str table, int kind, Constraints *ret, Err *err) {
    ConstraintQuery query = {.kinds = kind < 0 ? 0 : 1U << kind};
    return hms_table_ref(call, catalog, database, table, &query.table, err) && constraint_list(&call->ctx, &query, ret, err);
}

static bool get_primary_keys(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsPrimaryKeysRequest *req = ((const HmsGetPrimaryKeysArgs *)args)->request;
    HmsPrimaryKeysResponse *out = HMS_NEW(call->arena, HmsPrimaryKeysResponse, HMS_STRUCT_PRIMARY_KEYS_RESPONSE);
    Constraints found;
    if (!req) {
        return no_request(call, err);
    }
    if (!list_of(call, req->catName, req->db_name, req->tbl_name, CONSTRAINT_PRIMARY_KEY, &found, err)) {
        return false;
    }
    out->primaryKeys = primary_keys(call->arena, &found);
    ((HmsGetPrimaryKeysReply *)reply)->success = out;
    return true;
}

static bool get_unique_constraints(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsUniqueConstraintsRequest *req = ((const HmsGetUniqueConstraintsArgs *)args)->request;
    HmsUniqueConstraintsResponse *out = HMS_NEW(call->arena, HmsUniqueConstraintsResponse, HMS_STRUCT_UNIQUE_CONSTRAINTS_RESPONSE);
    Constraints found;
    if (!req) {
        return no_request(call, err);
    }
    if (!list_of(call, req->catName, req->db_name, req->tbl_name, CONSTRAINT_UNIQUE, &found, err)) {
        return false;
    }
    out->uniqueConstraints = unique_constraints(call->arena, &found);
    ((HmsGetUniqueConstraintsReply *)reply)->success = out;
    return true;
}

static bool get_not_null_constraints(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsNotNullConstraintsRequest *req = ((const HmsGetNotNullConstraintsArgs *)args)->request;
    HmsNotNullConstraintsResponse *out = HMS_NEW(call->arena, HmsNotNullConstraintsResponse,
                                                 HMS_STRUCT_NOT_NULL_CONSTRAINTS_RESPONSE);
    Constraints found;
    if (!req) {
        return no_request(call, err);
    }
    if (!list_of(call, req->catName, req->db_name, req->tbl_name, CONSTRAINT_NOT_NULL, &found, err)) {
        return false;
    }
    out->notNullConstraints = not_null_constraints(call->arena, &found);
    ((HmsGetNotNullConstraintsReply *)reply)->success = out;
    return true;
}

static bool get_default_constraints(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsDefaultConstraintsRequest *req = ((const HmsGetDefaultConstraintsArgs *)args)->request;
    HmsDefaultConstraintsResponse *out = HMS_NEW(call->arena, HmsDefaultConstraintsResponse,
                                                 HMS_STRUCT_DEFAULT_CONSTRAINTS_RESPONSE);
    Constraints found;
    if (!req) {
        return no_request(call, err);
    }
    if (!list_of(call, req->catName, req->db_name, req->tbl_name, CONSTRAINT_DEFAULT, &found, err)) {
        return false;
    }
    out->defaultConstraints = default_constraints(call->arena, &found);
    ((HmsGetDefaultConstraintsReply *)reply)->success = out;
    return true;
}

static bool get_check_constraints(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsCheckConstraintsRequest *req = ((const HmsGetCheckConstraintsArgs *)args)->request;
    HmsCheckConstraintsResponse *out = HMS_NEW(call->arena, HmsCheckConstraintsResponse, HMS_STRUCT_CHECK_CONSTRAINTS_RESPONSE);
    Constraints found;
    if (!req) {
        return no_request(call, err);
    }
    if (!list_of(call, req->catName, req->db_name, req->tbl_name, CONSTRAINT_CHECK, &found, err)) {
        return false;
    }
    out->checkConstraints = check_constraints(call->arena, &found);
    ((HmsGetCheckConstraintsReply *)reply)->success = out;
    return true;
}

static bool get_all_table_constraints(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAllTableConstraintsRequest *req = ((const HmsGetAllTableConstraintsArgs *)args)->request;
    HmsAllTableConstraintsResponse *out = HMS_NEW(call->arena, HmsAllTableConstraintsResponse,
                                                  HMS_STRUCT_ALL_TABLE_CONSTRAINTS_RESPONSE);
    HmsSQLAllTableConstraints *all = HMS_NEW(call->arena, HmsSQLAllTableConstraints, HMS_STRUCT_SQL_ALL_TABLE_CONSTRAINTS);
    Constraints found;
    if (!req) {
        return no_request(call, err);
    }
    if (!list_of(call, req->catName, req->dbName, req->tblName, -1, &found, err)) {
        return false;
    }
    all->primaryKeys = primary_keys(call->arena, &found);
    all->foreignKeys = foreign_keys(call->arena, &found);
    all->uniqueConstraints = unique_constraints(call->arena, &found);
    all->notNullConstraints = not_null_constraints(call->arena, &found);
    all->defaultConstraints = default_constraints(call->arena, &found);
    all->checkConstraints = check_constraints(call->arena, &found);
    out->allTableConstraints = all;
    ((HmsGetAllTableConstraintsReply *)reply)->success = out;
    return true;
}

/* A table that is not named is any table; one of the two must be. */
static bool end_of(HmsCall *call, Str catalog, Str database, Str table, TableRef *ret, Err *err) {
    return str_is_null(table) || hms_table_ref(call, catalog, database, table, ret, err);
}

static bool get_foreign_keys(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsForeignKeysRequest *req = ((const HmsGetForeignKeysArgs *)args)->request;
    HmsForeignKeysResponse *out = HMS_NEW(call->arena, HmsForeignKeysResponse, HMS_STRUCT_FOREIGN_KEYS_RESPONSE);
    ConstraintQuery query = {.kinds = 1U << CONSTRAINT_FOREIGN_KEY};
    Constraints found;
    if (!req) {
        return no_request(call, err);
    }
    if (str_is_null(req->parent_tbl_name) && str_is_null(req->foreign_tbl_name)) {
        return hms_throw(call, HMS_META, err, "Either the parent or the foreign table must be named.");
    }
    if (!end_of(call, req->catName, req->parent_db_name, req->parent_tbl_name, &query.parent, err) ||
        !end_of(call, req->catName, req->foreign_db_name, req->foreign_tbl_name, &query.table, err) ||
        !constraint_list(&call->ctx, &query, &found, err)) {
        return false;
    }
    out->foreignKeys = foreign_keys(call->arena, &found);
    ((HmsGetForeignKeysReply *)reply)->success = out;
    return true;
}

/* ---- adding ----------------------------------------------------------------------------------------------------- */

/* A row of a request, whatever its kind. */
typedef struct Row {
    Constraint of; /* without columns */
    Str column, parent_column;
    int32_t seq;
    size_t constraint, at; /* which constraint it belongs to, and where it stood */
} Row;
typedef struct RowList {
    Row *items;
    size_t count;
} RowList;

static bool is_key(ConstraintKind kind) {
    return kind == CONSTRAINT_PRIMARY_KEY || kind == CONSTRAINT_FOREIGN_KEY || kind == CONSTRAINT_UNIQUE;
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

/* Rows of a key belong together by its name; without one, a new key begins where the numbers start anew. */
static size_t number_rows(Arena *arena, RowList *rows) {
    StrMap *named = strmap_new(arena, rows->count);
    size_t count = 0, last = SIZE_MAX;
    int32_t seq = 0;
    for (size_t i = 0; i < rows->count && !arena_exceeded(arena); i++) {
        Row *row = &rows->items[i];
        row->at = i;
        Row *before = NULL;
        if (is_key(row->of.kind) && !str_is_empty(row->of.name)) {
            Str name = name_fold(arena, row->of.name);
            before = strmap_get(named, name);
            if (!before) {
                (void)strmap_put(named, name, row);
            }
            row->constraint = before ? before->constraint : count;
        } else {
            bool goes_on = is_key(row->of.kind) && last != SIZE_MAX && row->seq > seq;
            before = goes_on ? &rows->items[last] : NULL;
            row->constraint = before ? before->constraint : count;
            last = i;
            seq = row->seq;
        }
        count += !before;
    }
    return count;
}

static void take_column(Constraint *c, const Row *row) {
    if (!str_is_null(row->column)) {
        c->columns.items[c->columns.count++] = row->column;
    }
    if (!str_is_null(row->parent_column)) {
        c->parent_columns.items[c->parent_columns.count++] = row->parent_column;
    }
}

static bool group_rows(Arena *arena, RowList *rows, Constraints *ret, Err *err) {
    Constraints out = {.count = number_rows(arena, rows)};
    out.items = ARENA_ARRAY(arena, Constraint, out.count);
    Str *columns = ARENA_ARRAY(arena, Str, rows->count), *parents = ARENA_ARRAY(arena, Str, rows->count);
    if (!arena_check(arena, err)) {
        return false;
    }
    qsort(rows->items, rows->count, sizeof *rows->items, compare_rows);
    for (size_t i = 0; i < rows->count; i++) {
        const Row *row = &rows->items[i];
        Constraint *c = &out.items[row->constraint];
        if (i == 0 || rows->items[i - 1].constraint != row->constraint) {
            *c = row->of;
            c->columns.items = columns + i;
            c->parent_columns.items = parents + i;
        }
        take_column(c, row);
    }
    *ret = out;
    return true;
}

static bool same_table(TableRef a, TableRef b) {
    return name_same(a.catalog, b.catalog) && name_same(a.database, b.database) && name_same(a.name, b.name);
}

/* Takes apart the names of the tables of a row. */
static bool read_tables(HmsCall *call, Row *row, Err *err) {
    Constraint *c = &row->of;
    TableRef table = c->table, parent = c->parent;
    if (!hms_table_ref(call, table.catalog, table.database, table.name, &c->table, err)) {
        return false;
    }
    if (c->kind != CONSTRAINT_CHECK && !hms_given(call, row->column, "Column name", err)) {
        return false;
    }
    return c->kind != CONSTRAINT_FOREIGN_KEY || hms_table_ref(call, parent.catalog, parent.database, parent.name, &c->parent, err);
}

static bool add(HmsCall *call, RowList rows, Err *err) {
    Constraints constraints, made;
    for (size_t i = 0; i < rows.count; i++) {
        if (!read_tables(call, &rows.items[i], err)) {
            return false;
        }
        if (!same_table(rows.items[i].of.table, rows.items[0].of.table)) {
            return hms_throw(call, HMS_META, err, "The constraints of one request must all be of one table.");
        }
    }
    return rows.count == 0 || (group_rows(call->arena, &rows, &constraints, err) &&
                               constraint_add(&call->ctx, rows.items[0].of.table, &constraints, &made, err));
}

#define OF_TABLE(r) .table = {(r)->catName, (r)->table_db, (r)->table_name}
#define OF_FLAGS(r) \
    .enable = (r)->has_enable_cstr && (r)->enable_cstr, .validate = (r)->has_validate_cstr && (r)->validate_cstr, \
    .rely = (r)->has_rely_cstr && (r)->rely_cstr

static bool add_primary_key(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddPrimaryKeyRequest *req = ((const HmsAddPrimaryKeyArgs *)args)->req;
    if (!req) {
        return no_request(call, err);
    }
    RowList rows = {ARENA_ARRAY(call->arena, Row, req->primaryKeyCols.count), req->primaryKeyCols.count};
    for (size_t i = 0; i < rows.count; i++) {
        const HmsSQLPrimaryKey *r = &req->primaryKeyCols.items[i];
        rows.items[i] = (Row){.of = {.kind = CONSTRAINT_PRIMARY_KEY, .name = r->pk_name, OF_TABLE(r), OF_FLAGS(r)},
                              .column = r->column_name,
                              .seq = r->key_seq};
    }
    return add(call, rows, err);
}

static bool add_foreign_key(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddForeignKeyRequest *req = ((const HmsAddForeignKeyArgs *)args)->req;
    if (!req) {
        return no_request(call, err);
    }
    RowList rows = {ARENA_ARRAY(call->arena, Row, req->foreignKeyCols.count), req->foreignKeyCols.count};
    for (size_t i = 0; i < rows.count; i++) {
        const HmsSQLForeignKey *r = &req->foreignKeyCols.items[i];
        rows.items[i] = (Row){.of = {.kind = CONSTRAINT_FOREIGN_KEY,
                                     .name = r->fk_name,
                                     .table = {r->catName, r->fktable_db, r->fktable_name},
                                     .parent = {r->catName, r->pktable_db, r->pktable_name},
                                     .update_rule = r->update_rule,
                                     .delete_rule = r->delete_rule,
                                     OF_FLAGS(r)},
                              .column = r->fkcolumn_name,
                              .parent_column = r->pkcolumn_name,
                              .seq = r->key_seq};
    }
    return add(call, rows, err);
}

static bool add_unique_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddUniqueConstraintRequest *req = ((const HmsAddUniqueConstraintArgs *)args)->req;
    if (!req) {
        return no_request(call, err);
    }
    RowList rows = {ARENA_ARRAY(call->arena, Row, req->uniqueConstraintCols.count), req->uniqueConstraintCols.count};
    for (size_t i = 0; i < rows.count; i++) {
        const HmsSQLUniqueConstraint *r = &req->uniqueConstraintCols.items[i];
        rows.items[i] = (Row){.of = {.kind = CONSTRAINT_UNIQUE, .name = r->uk_name, OF_TABLE(r), OF_FLAGS(r)},
                              .column = r->column_name,
                              .seq = r->key_seq};
    }
    return add(call, rows, err);
}

static bool add_not_null_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddNotNullConstraintRequest *req = ((const HmsAddNotNullConstraintArgs *)args)->req;
    if (!req) {
        return no_request(call, err);
    }
    RowList rows = {ARENA_ARRAY(call->arena, Row, req->notNullConstraintCols.count), req->notNullConstraintCols.count};
    for (size_t i = 0; i < rows.count; i++) {
        const HmsSQLNotNullConstraint *r = &req->notNullConstraintCols.items[i];
        rows.items[i] = (Row){.of = {.kind = CONSTRAINT_NOT_NULL, .name = r->nn_name, OF_TABLE(r), OF_FLAGS(r)},
                              .column = r->column_name};
    }
    return add(call, rows, err);
}

static bool add_default_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddDefaultConstraintRequest *req = ((const HmsAddDefaultConstraintArgs *)args)->req;
    if (!req) {
        return no_request(call, err);
    }
    RowList rows = {ARENA_ARRAY(call->arena, Row, req->defaultConstraintCols.count), req->defaultConstraintCols.count};
    for (size_t i = 0; i < rows.count; i++) {
        const HmsSQLDefaultConstraint *r = &req->defaultConstraintCols.items[i];
        rows.items[i] = (Row){
            .of = {.kind = CONSTRAINT_DEFAULT, .name = r->dc_name, .expression = r->default_value, OF_TABLE(r), OF_FLAGS(r)},
            .column = r->column_name};
    }
    return add(call, rows, err);
}

static bool add_check_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddCheckConstraintRequest *req = ((const HmsAddCheckConstraintArgs *)args)->req;
    if (!req) {
        return no_request(call, err);
    }
    RowList rows = {ARENA_ARRAY(call->arena, Row, req->checkConstraintCols.count), req->checkConstraintCols.count};
    for (size_t i = 0; i < rows.count; i++) {
        const HmsSQLCheckConstraint *r = &req->checkConstraintCols.items[i];
        rows.items[i] = (Row){
            .of = {.kind = CONSTRAINT_CHECK, .name = r->dc_name, .expression = r->check_expression, OF_TABLE(r), OF_FLAGS(r)},
            .column = str_is_empty(r->column_name) ? STR_NULL : r->column_name};
    }
    return add(call, rows, err);
}

/* ---- dropping --------------------------------------------------------------------------------------------------- */

static bool drop_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDropConstraintRequest *req = ((const HmsDropConstraintArgs *)args)->req;
    TableRef ref;
    if (!req) {
        return no_request(call, err);
    }
    return hms_table_ref(call, req->catName, req->dbname, req->tablename, &ref, err) &&
           hms_given(call, req->constraintname, "Constraint name", err) &&
           constraint_drop(&call->ctx, ref, req->constraintname, err);
}

static const HmsRow ROWS[] = {
    {"get_primary_keys", get_primary_keys, HMS_READ, {{0}}},
    {"get_foreign_keys", get_foreign_keys, HMS_READ, {{0}}},
    {"get_unique_constraints", get_unique_constraints, HMS_READ, {{0}}},
    {"get_not_null_constraints", get_not_null_constraints, HMS_READ, {{0}}},
    {"get_default_constraints", get_default_constraints, HMS_READ, {{0}}},
    {"get_check_constraints", get_check_constraints, HMS_READ, {{0}}},
    {"get_all_table_constraints", get_all_table_constraints, HMS_READ, {{0}}},
    {"add_primary_key", add_primary_key, HMS_WRITE, {{0}}},
    {"add_foreign_key", add_foreign_key, HMS_WRITE, {{0}}},
    {"add_unique_constraint", add_unique_constraint, HMS_WRITE, {{0}}},
    {"add_not_null_constraint", add_not_null_constraint, HMS_WRITE, {{0}}},
    {"add_default_constraint", add_default_constraint, HMS_WRITE, {{0}}},
    {"add_check_constraint", add_check_constraint, HMS_WRITE, {{0}}},
    {"drop_constraint", drop_constraint, HMS_WRITE, {{0}}},
};
const HmsGroup hms_group_constraints = HMS_GROUP("constraints", ROWS);
