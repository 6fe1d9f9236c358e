#include "server/hms/hms.h"

#include "catalog/names.h"

void *hms_new(Arena *arena, const ThriftStruct *strukt) {
    void *value = arena_zalloc(arena, MAX(strukt->bytes, (uint16_t)1));
    if (strukt->initial) {
        memcpy(value, strukt->initial, strukt->bytes);
    }
    return value;
}

ErrCode hms_code(HmsException exception) {
    static const ErrCode CODES[] = {
        [HMS_META] = ERR_INVALID_ARGUMENT,
        [HMS_NO_SUCH_OBJECT] = ERR_NOT_FOUND,
        [HMS_ALREADY_EXISTS] = ERR_ALREADY_EXISTS,
        [HMS_INVALID_OBJECT] = ERR_INVALID_INPUT,
        [HMS_INVALID_OPERATION] = ERR_INVALID_OPERATION,
        [HMS_INVALID_INPUT] = ERR_INVALID_INPUT,
        [HMS_UNKNOWN_DB] = ERR_DATABASE_NOT_FOUND,
        [HMS_UNKNOWN_TABLE] = ERR_TABLE_NOT_FOUND,
        [HMS_CONFIG_VAL_SECURITY] = ERR_FORBIDDEN,
        [HMS_NO_SUCH_LOCK] = ERR_LOCK_NOT_FOUND,
        [HMS_NO_SUCH_TXN] = ERR_TXN_NOT_FOUND,
        [HMS_TXN_ABORTED] = ERR_TXN_ABORTED,
        [HMS_TXN_OPEN] = ERR_TXN_OPEN,
        [HMS_INVALID_PARTITION] = ERR_INVALID_PARTITION,
    };
    return CODES[exception];
}

bool hms_given(HmsCall *call, Str name, const char *what, Err *err) {
    return !str_is_null(name) || hms_throw(call, HMS_META, err, "%s cannot be null.", what);
}

bool hms_database_name(HmsCall *call, Str catalog, Str name, Str *ret_catalog, Str *ret_database, Err *err) {
    Str in_name, database;
    if (!name_split_hive(name, str_is_empty(catalog) ? DEFAULT_CATALOG : catalog, &in_name, &database, err)) {
        call->exception = HMS_META;
        call->has_exception = true;
        return false;
    }
    *ret_catalog = str_is_empty(catalog) ? in_name : catalog;
    *ret_database = database;
    return true;
}

bool hms_table_ref(HmsCall *call, Str catalog, Str database, Str table, TableRef *ret, Err *err) {
    ret->name = table;
    return hms_database_name(call, catalog, database, &ret->catalog, &ret->database, err) &&
           hms_given(call, ret->database, "Database name", err) && hms_given(call, table, "Table name", err);
}

Str hms_env(const HmsEnvironmentContext *env, const char *key) {
    return env ? params_get(&env->properties, str_from(key)) : STR_NULL;
}

bool hms_env_is_true(const HmsEnvironmentContext *env, const char *key) { return str_eq_nocase(hms_env(env, key), STR("true")); }
