#include "catalog/constraints.h"

static const char *const KINDS[] = {
    [CONSTRAINT_PRIMARY_KEY] = "primary_key", [CONSTRAINT_FOREIGN_KEY] = "foreign_key", [CONSTRAINT_UNIQUE] = "unique",
    [CONSTRAINT_NOT_NULL] = "not_null",       [CONSTRAINT_DEFAULT] = "default",         [CONSTRAINT_CHECK] = "check",
};

const char *constraint_kind_name(ConstraintKind kind) { return KINDS[kind]; }

bool constraint_kind_by_name(Str name, ConstraintKind *ret) {
    for (int kind = 0; kind < CONSTRAINT_KIND_COUNT; kind++) {
        if (str_eq(name, str_from(KINDS[kind]))) {
            *ret = (ConstraintKind)kind;
            return true;
        }
    }
    return false;
}

/* JDBC's numbers for what happens to the referring row. */
static const char *const RULES[] = {"cascade", "restrict", "set_null", "no_action", "set_default"};

static void put_rule(JsonWriter *w, const char *key, int32_t rule) {
    if (rule >= 0 && (size_t)rule < ARRAY_LEN(RULES)) {
        jw_put_str(w, key, str_from(RULES[rule]));
    } else {
        jw_put_i64(w, key, rule);
    }
}

static void parent_json(JsonWriter *w, const Constraint *c) {
    jw_key(w, STR("references"));
    jw_object_begin(w);
    jw_put_str(w, "catalog", c->parent.catalog);
    jw_put_str(w, "database", c->parent.database);
    jw_put_str(w, "table", c->parent.name);
    jw_put_strs(w, "columns", c->parent_columns);
    jw_put_str(w, "constraint", c->parent_name);
    jw_object_end(w);
    put_rule(w, "update_rule", c->update_rule);
    put_rule(w, "delete_rule", c->delete_rule);
}

void constraint_json(JsonWriter *w, const Constraint *c) {
    jw_object_begin(w);
    jw_put_str(w, "name", c->name);
    jw_put_str(w, "kind", str_from(KINDS[c->kind]));
    jw_put_str(w, "catalog", c->table.catalog);
    jw_put_str(w, "database", c->table.database);
    jw_put_str(w, "table", c->table.name);
    jw_put_strs(w, "columns", c->columns);
    if (c->kind == CONSTRAINT_FOREIGN_KEY) {
        parent_json(w, c);
    }
    jw_put_str(w, "expression", c->expression);
    jw_put_bool(w, "enable", c->enable);
    jw_put_bool(w, "validate", c->validate);
    jw_put_bool(w, "rely", c->rely);
    jw_put_time(w, "created_at", c->created_at);
    jw_object_end(w);
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static bool wrong(const JsonAt *at, Arena *arena, const char *expected, Err *err) {
    return err_set(err, ERR_INVALID_INPUT, "%" STR_FMT " must be %s.", STR_ARG(jr_path(at, arena)), expected);
}

static bool read_text(const JsonAt *object, const char *key, Arena *arena, Str *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_str(&at, arena, ret, err);
}

static bool read_flag(const JsonAt *object, const char *key, Arena *arena, bool *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    return jr_bool(&at, arena, ret, err);
}

static bool read_rule(const JsonAt *object, const char *key, Arena *arena, int32_t *ret, Err *err) {
    JsonAt at = jr_member(object, key);
    if (json_is_integer(at.value)) {
        int64_t number = 0;
        if (!jr_i64(&at, arena, INT32_MIN, INT32_MAX, &number, err)) {
            return false;
        }
        *ret = (int32_t)number;
        return true;
    }
    Str text = STR_NULL;
    if (!jr_str(&at, arena, &text, err)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        if (str_eq(text, str_from(RULES[i]))) {
            *ret = (int32_t)i;
            return true;
        }
    }
    return str_is_null(text) || wrong(&at, arena, "cascade, restrict, set_null, no_action or set_default", err);
}

static bool read_parent(const JsonAt *object, Arena *arena, Constraint *c, Err *err) {
    static const char *const known[] = {"catalog", "database", "table", "columns", "constraint", NULL};
    JsonAt at = jr_member(object, "references");
    if (!at.value) {
        return c->kind != CONSTRAINT_FOREIGN_KEY || jr_required(&at, arena, err);
    }
    JsonAt columns = jr_member(&at, "columns"), table = jr_member(&at, "table");
    return jr_expect_object(&at, arena, err) && jr_only_members(&at, arena, known, err) &&
           read_text(&at, "catalog", arena, &c->parent.catalog, err) &&
           read_text(&at, "database", arena, &c->parent.database, err) && jr_required(&table, arena, err) &&
           jr_str(&table, arena, &c->parent.name, err) && jr_strs(&columns, arena, &c->parent_columns, err) &&
           read_text(&at, "constraint", arena, &c->parent_name, err);
}

bool constraint_from_json(const JsonAt *at, Arena *arena, Constraint *ret, Err *err) {
    static const char *const known[] = {"name",    "kind",       "catalog",     "database",    "table",
                                        "columns", "references", "update_rule", "delete_rule", "expression",
                                        "enable",  "validate",   "rely",        "created_at",  NULL};
    Constraint c = {.created_at = MICROS_NONE};
    JsonAt kind = jr_member(at, "kind"), columns = jr_member(at, "columns");
    Str text = STR_NULL;
    if (!jr_only_members(at, arena, known, err) || !jr_required(&kind, arena, err) || !jr_str(&kind, arena, &text, err)) {
        return false;
    }
    if (!constraint_kind_by_name(text, &c.kind)) {
        return wrong(&kind, arena, "one of primary_key, foreign_key, unique, not_null, default, check", err);
    }
    if (!read_text(at, "name", arena, &c.name, err) || !jr_strs(&columns, arena, &c.columns, err) ||
        !read_parent(at, arena, &c, err) || !read_rule(at, "update_rule", arena, &c.update_rule, err) ||
        !read_rule(at, "delete_rule", arena, &c.delete_rule, err) || !read_text(at, "expression", arena, &c.expression, err) ||
        !read_flag(at, "enable", arena, &c.enable, err) || !read_flag(at, "validate", arena, &c.validate, err) ||
        !read_flag(at, "rely", arena, &c.rely, err)) {
        return false;
    }
    *ret = c;
    return true;
}
