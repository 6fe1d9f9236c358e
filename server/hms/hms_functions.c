/* Functions: list, get, create, alter, drop. Hive knows one type of them, JAVA; what other doors call the type is kept. */
#include "catalog/functions.h"
#include "server/hms/convert.h"
#include "server/hms/groups.h"

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

static const ThriftEnum *resource_types(void) { return &hms_enums[HMS_ENUM_RESOURCE_TYPE]; }

/* A resource of a kind that Hive does not know is a file. */
static int32_t resource_type(Str name) {
    const ThriftEnum *known = resource_types();
    for (size_t i = 0; i < known->count; i++) {
        if (str_eq_nocase(name, str_from(known->values[i].name))) {
            return known->values[i].value;
        }
    }
    return HMS_RESOURCE_TYPE_FILE;
}

static HmsResourceUriList put_resources(Arena *arena, const Function *f) {
    HmsResourceUriList list = {.items = THRIFT_NO_ITEMS};
    if (f->resource_uris.count) {
        list.items = ARENA_ARRAY(arena, HmsResourceUri, f->resource_uris.count);
    }
    for (size_t i = 0; i < f->resource_uris.count; i++) {
        HmsResourceUri *out = &list.items[list.count++];
        out->uri = f->resource_uris.items[i];
        THRIFT_SET(out, resourceType, resource_type(f->resource_types.items[i]));
    }
    return list;
}

static void put_function(Arena *arena, const Function *f, HmsFunction *out) {
    int32_t owner_type = HMS_PRINCIPAL_TYPE_USER;
    (void)hms_principal_type(f->owner_type, &owner_type);
    out->catName = f->catalog;
    out->dbName = f->database;
    out->functionName = f->name;
    out->className = f->class_name;
    out->ownerName = f->owner;
    THRIFT_SET(out, ownerType, owner_type);
    THRIFT_SET(out, createTime, hms_seconds(f->created_at));
    THRIFT_SET(out, functionType, HMS_FUNCTION_TYPE_JAVA);
    out->resourceUris = put_resources(arena, f);
}

static HmsFunctionList put_functions(Arena *arena, const Functions *found) {
    HmsFunctionList list = {.items = found->count ? ARENA_ARRAY(arena, HmsFunction, found->count) : THRIFT_NO_ITEMS};
    for (size_t i = 0; i < found->count; i++) {
        put_function(arena, &found->items[i], &list.items[list.count++]);
    }
    return list;
}

static StrList put_names(Arena *arena, const Functions *found) {
    StrList list = {.items = found->count ? ARENA_ARRAY(arena, Str, found->count) : THRIFT_NO_ITEMS};
    for (size_t i = 0; i < found->count; i++) {
        list.items[list.count++] = found->items[i].name;
    }
    return list;
}

/* Everything that Hive's model has, into RET. */
static void read_function(Arena *arena, const HmsFunction *f, Function *ret) {
    size_t count = f->resourceUris.count;
    ret->class_name = f->className;
    ret->owner = f->ownerName;
    ret->owner_type = hms_principal_name(f->ownerType);
    ret->resource_types = (StrList){ARENA_ARRAY(arena, Str, count), count};
    ret->resource_uris = (StrList){ARENA_ARRAY(arena, Str, count), count};
    for (size_t i = 0; i < count; i++) {
        const HmsResourceUri *r = &f->resourceUris.items[i];
        const char *type = r->has_resourceType ? thrift_enum_name(resource_types(), r->resourceType) : NULL;
        ret->resource_types.items[i] = type ? str_from(type) : STR("FILE");
        ret->resource_uris.items[i] = str_is_null(r->uri) ? STR("") : r->uri;
    }
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* What Hive wants of a function before it looks for anything. */
static bool check(HmsCall *call, const HmsFunction *f, Err *err) {
    if (!f) {
        return hms_throw(call, HMS_META, err, "Function cannot be null.");
    }
    if (!hms_given(call, f->functionName, "Function name", err) || !hms_given(call, f->dbName, "Database name in Function", err)) {
        return false;
    }
    if (str_is_null(f->className)) {
        return hms_throw(call, HMS_INVALID_OBJECT, err, "Function class name cannot be null.");
    }
    if (!f->has_ownerType || str_is_null(hms_principal_name(f->ownerType))) {
        return hms_throw(call, HMS_META, err, "Function owner type cannot be null.");
    }
    if (!f->has_functionType || f->functionType != HMS_FUNCTION_TYPE_JAVA) {
        return hms_throw(call, HMS_META, err, "Function type cannot be null.");
    }
    return true;
}

static bool function_ref(HmsCall *call, Str database, Str name, FunctionRef *ret, Err *err) {
    ret->name = name;
    return hms_database_name(call, STR_NULL, database, &ret->catalog, &ret->database, err) &&
           hms_given(call, ret->database, "Database name", err) && hms_given(call, name, "Function name", err);
}

/* Spark knows by the words, whether the function or its database is what is missing. Always false. */
static bool missing(HmsCall *call, FunctionRef ref, Err *err) {
    if (err_info(err->code)->hms != HMS_NO_SUCH_OBJECT) {
        return false;
    }
    return hms_throw(call, HMS_NO_SUCH_OBJECT, err, "Function %" STR_FMT ".%" STR_FMT " does not exist", STR_ARG(ref.database),
                     STR_ARG(ref.name));
}

static bool refuse(HmsCall *call, Str name, Err *err) {
    switch (err->code) {
        case ERR_ALREADY_EXISTS:
            return hms_throw(call, HMS_ALREADY_EXISTS, err, "Function %" STR_FMT " already exists", STR_ARG(name));
        case ERR_INVALID_NAME:
            return hms_throw(call, HMS_INVALID_OBJECT, err, "%" STR_FMT " is not a valid object name", STR_ARG(name));
        default: return false;
    }
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool get_function(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetFunctionArgs *a = args;
    FunctionRef ref;
    Function found;
    if (!function_ref(call, a->dbName, a->funcName, &ref, err)) {
        return false;
    }
    if (!function_get(&call->ctx, ref, &found, err)) {
        return missing(call, ref, err);
    }
    HmsFunction *out = HMS_NEW(call->arena, HmsFunction, HMS_STRUCT_FUNCTION);
    put_function(call->arena, &found, out);
    ((HmsGetFunctionReply *)reply)->success = out;
    return true;
}

/* A database that is not there has no functions. */
static bool list(HmsCall *call, Str catalog, Str database, Str pattern, Functions *ret, Err *err) {
    FunctionQuery query = {.limit = -1};
    if (!hms_database_name(call, catalog, database, &query.catalog, &query.database, err) ||
        !hms_given(call, query.database, "Database name", err) || !glob_parse_hive(call->arena, pattern, &query.glob, err)) {
        return false;
    }
    if (!function_list(&call->ctx, &query, ret, err)) {
        *ret = (Functions){0};
        return err_info(err->code)->hms == HMS_NO_SUCH_OBJECT;
    }
    return true;
}

static bool get_functions(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetFunctionsArgs *a = args;
    Functions found;
    if (!list(call, STR_NULL, a->dbName, a->pattern, &found, err)) {
        return false;
    }
    ((HmsGetFunctionsReply *)reply)->success = put_names(call->arena, &found);
    return true;
}

static bool get_functions_req(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetFunctionsRequest *r = ((const HmsGetFunctionsReqArgs *)args)->request;
    r = r ? r : &(const HmsGetFunctionsRequest){0};
    Functions found;
    if (!list(call, r->catalogName, r->dbName, r->pattern, &found, err)) {
        return false;
    }
    HmsGetFunctionsResponse *out = HMS_NEW(call->arena, HmsGetFunctionsResponse, HMS_STRUCT_GET_FUNCTIONS_RESPONSE);
    if (!r->has_returnNames || r->returnNames) {
        out->function_names = put_names(call->arena, &found);
    } else {
        out->functions = put_functions(call->arena, &found);
    }
    ((HmsGetFunctionsReqReply *)reply)->success = out;
    return true;
}

static bool get_all_functions(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    const FunctionQuery query = {.limit = -1};
    Functions found;
    if (!function_list(&call->ctx, &query, &found, err)) {
        return false;
    }
    HmsGetAllFunctionsResponse *out = HMS_NEW(call->arena, HmsGetAllFunctionsResponse, HMS_STRUCT_GET_ALL_FUNCTIONS_RESPONSE);
    out->functions = put_functions(call->arena, &found);
    ((HmsGetAllFunctionsReply *)reply)->success = out;
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static bool create_function(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsFunction *f = ((const HmsCreateFunctionArgs *)args)->func;
    Function wanted = {.created_at = MICROS_NONE, .updated_at = MICROS_NONE}, made;
    if (!check(call, f, err) || !hms_database_name(call, f->catName, f->dbName, &wanted.catalog, &wanted.database, err) ||
        !hms_given(call, wanted.database, "Database name in Function", err)) {
        return false;
    }
    read_function(call->arena, f, &wanted);
    wanted.name = f->functionName;
    wanted.owner = str_is_null(wanted.owner) ? call->caller.principal : wanted.owner;
    return function_create(&call->ctx, &wanted, &made, err) || refuse(call, wanted.name, err);
}

typedef struct NewFunction {
    const HmsFunction *given;
    Str database;
} NewFunction;

/* All of it is replaced, the names as well; the catalog stays. */
static bool edit_function(Ctx *ctx, Function *f, void *arg, Err *err) {
    (void)err;
    const NewFunction *to = arg;
    read_function(ctx->arena, to->given, f);
    f->database = to->database;
    f->name = to->given->functionName;
    return true;
}

static bool alter_function(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsAlterFunctionArgs *a = args;
    NewFunction to = {.given = a->newFunc};
    FunctionRef ref;
    Str ignored;
    Function changed;
    if (!function_ref(call, a->dbName, a->funcName, &ref, err) || !check(call, a->newFunc, err) ||
        !hms_database_name(call, STR_NULL, a->newFunc->dbName, &ignored, &to.database, err) ||
        !hms_given(call, to.database, "Database name in Function", err)) {
        return false;
    }
    return function_alter(&call->ctx, ref, EXPECT_ANY, edit_function, &to, &changed, err) ||
           (err->code == ERR_FUNCTION_NOT_FOUND ? missing(call, ref, err) : refuse(call, a->newFunc->functionName, err));
}

static bool drop_function(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsDropFunctionArgs *a = args;
    FunctionRef ref;
    return function_ref(call, a->dbName, a->funcName, &ref, err) &&
           (function_drop(&call->ctx, ref, EXPECT_ANY, err) || missing(call, ref, err));
}

static const HmsRow ROWS[] = {
    {"get_function", get_function, HMS_READ, {{0}}},
    {"get_functions", get_functions, HMS_READ, {{0}}},
    {"get_functions_req", get_functions_req, HMS_READ, {{0}}},
    {"get_all_functions", get_all_functions, HMS_READ, {{0}}},
    {"create_function", create_function, HMS_WRITE, {{0}}},
    {"alter_function", alter_function, HMS_WRITE, {{HMS_INVALID_OPERATION, HMS_META}}},
    {"drop_function", drop_function, HMS_WRITE, {{0}}},
};
const HmsGroup hms_group_functions = HMS_GROUP("functions", ROWS);
