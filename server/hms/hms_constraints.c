/* Constraints: primary, foreign and unique keys, not null, default, check. The Metastore has a row for each column, as JDBC has;
 * the model has one object for each constraint. */
#include "catalog/constraints.h"
#include "server/hms/convert_constraints.h"
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

static bool same_table(TableRef a, TableRef b) {
    return name_same(a.catalog, b.catalog) && name_same(a.database, b.database) && name_same(a.name, b.name);
}

/* Takes apart the names of the tables at both ends. */
static bool read_tables(HmsCall *call, Constraint *c, Err *err) {
    TableRef table = c->table, parent = c->parent;
    return hms_table_ref(call, table.catalog, table.database, table.name, &c->table, err) &&
           (c->kind != CONSTRAINT_FOREIGN_KEY ||
            hms_table_ref(call, parent.catalog, parent.database, parent.name, &c->parent, err));
}

static bool add(HmsCall *call, const HmsConstraintRows *rows, Err *err) {
    Constraints constraints, made;
    if (!hms_read_constraints(call, rows, &constraints, err)) {
        return false;
    }
    for (size_t i = 0; i < constraints.count; i++) {
        if (!read_tables(call, &constraints.items[i], err)) {
            return false;
        }
        if (!same_table(constraints.items[i].table, constraints.items[0].table)) {
            return hms_throw(call, HMS_META, err, "The constraints of one request must all be of one table.");
        }
    }
    return constraints.count == 0 || constraint_add(&call->ctx, constraints.items[0].table, &constraints, &made, err);
}

static bool add_primary_key(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddPrimaryKeyRequest *req = ((const HmsAddPrimaryKeyArgs *)args)->req;
    return req ? add(call, &(HmsConstraintRows){.primary = req->primaryKeyCols}, err) : no_request(call, err);
}

static bool add_foreign_key(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddForeignKeyRequest *req = ((const HmsAddForeignKeyArgs *)args)->req;
    return req ? add(call, &(HmsConstraintRows){.foreign = req->foreignKeyCols}, err) : no_request(call, err);
}

static bool add_unique_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddUniqueConstraintRequest *req = ((const HmsAddUniqueConstraintArgs *)args)->req;
    return req ? add(call, &(HmsConstraintRows){.unique = req->uniqueConstraintCols}, err) : no_request(call, err);
}

static bool add_not_null_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddNotNullConstraintRequest *req = ((const HmsAddNotNullConstraintArgs *)args)->req;
    return req ? add(call, &(HmsConstraintRows){.not_null = req->notNullConstraintCols}, err) : no_request(call, err);
}

static bool add_default_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddDefaultConstraintRequest *req = ((const HmsAddDefaultConstraintArgs *)args)->req;
    return req ? add(call, &(HmsConstraintRows){.defaults = req->defaultConstraintCols}, err) : no_request(call, err);
}

static bool add_check_constraint(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAddCheckConstraintRequest *req = ((const HmsAddCheckConstraintArgs *)args)->req;
    return req ? add(call, &(HmsConstraintRows){.checks = req->checkConstraintCols}, err) : no_request(call, err);
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
