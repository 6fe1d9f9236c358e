/* The server itself: fb303, who calls, configuration. */
#include "config/config.h"
#include "server/hms/door.h"
#include "server/hms/groups.h"

/* Hive's own release whose behaviour clients may expect; Hive 4 clients choose methods by it. */
#define METASTORE_VERSION STR("4.0.1")

ThriftLimits thrift_limits(const Config *config) {
    return (ThriftLimits){
        .message_bytes = (size_t)config->thrift.max_message,
        .string_bytes = (size_t)config->thrift.max_message,
        .container_items = (size_t)config->thrift.max_items,
        .depth = THRIFT_DEPTH_MAX,
    };
}

/* ---- fb303 ------------------------------------------------------------------------------------------------------ */

static bool get_name(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)call, (void)args, (void)err;
    ((HmsGetNameReply *)reply)->success = STR("hivemetastore");
    return true;
}

static bool get_version(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)call, (void)args, (void)err;
    ((HmsGetVersionReply *)reply)->success = METASTORE_VERSION;
    return true;
}

static bool get_status(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    bool stopping = atomic_load_explicit(&call->server->stopping, memory_order_relaxed);
    THRIFT_SET((HmsGetStatusReply *)reply, success, stopping ? HMS_FB_STATUS_STOPPING : HMS_FB_STATUS_ALIVE);
    return true;
}

static bool get_status_details(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)call, (void)args, (void)err;
    ((HmsGetStatusDetailsReply *)reply)->success = STR("");
    return true;
}

static bool alive_since(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    THRIFT_SET((HmsAliveSinceReply *)reply, success, call->server->started_at / 1000000);
    return true;
}

/* Calls of each method since the start, under the name that Hive gives such counters. */
static bool get_counters(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    const MethodTable *methods = &call->server->methods;
    HmsStrToI64Map *out = &((HmsGetCountersReply *)reply)->success;
    out->items = ARENA_ARRAY(call->arena, HmsStrToI64MapPair, methods->count);
    for (size_t i = 0; i < methods->count; i++) {
        out->items[out->count++] = (HmsStrToI64MapPair){str_from(methods->rows[i].name),
                                                        (int64_t)metrics_method(call->server->metrics, &methods->rows[i]).calls};
    }
    return true;
}

static bool get_counter(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)err;
    const MethodTable *methods = &call->server->methods;
    int64_t calls = 0;
    for (size_t i = 0; i < methods->count; i++) {
        if (str_eq(str_from(methods->rows[i].name), ((const HmsGetCounterArgs *)args)->key)) {
            calls = (int64_t)metrics_method(call->server->metrics, &methods->rows[i]).calls;
        }
    }
    THRIFT_SET((HmsGetCounterReply *)reply, success, calls);
    return true;
}

static bool get_cpu_profile(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)call, (void)args, (void)err;
    ((HmsGetCpuProfileReply *)reply)->success = STR("");
    return true;
}

/* Clients say it when they are done with a connection. The server goes on. */
static bool done(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)call, (void)args, (void)reply, (void)err;
    return true;
}

/* ---- who calls -------------------------------------------------------------------------------------------------- */

enum { SESSION_MEMORY = 1024 * 1024, NAME_MOST = 1024, GROUPS_MOST = 1000 };

Arena *hms_session_arena(HmsSession *session) {
    if (!session->arena) {
        session->arena = arena_new_small(SESSION_MEMORY, 512);
    }
    return session->arena;
}

/* Options of fb303: whatever a client sets, for its own connection. */
static bool get_option(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)err;
    Str value = params_get(&call->session->options, ((const HmsGetOptionArgs *)args)->key);
    ((HmsGetOptionReply *)reply)->success = str_is_null(value) ? STR("") : value;
    return true;
}

static bool get_options(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    const Params *options = &call->session->options;
    ((HmsGetOptionsReply *)reply)->success = options->items ? *options : (Params){.items = THRIFT_NO_ITEMS};
    return true;
}

static bool set_option(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsSetOptionArgs *a = args;
    Arena *arena = hms_session_arena(call->session);
    Str value = str_is_null(a->value) ? STR("") : a->value;
    if (str_is_empty(a->key) || a->key.len > NAME_MOST || value.len > NAME_MOST || arena_used(arena) > SESSION_MEMORY / 2) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "An option has a name and a value of at most %d bytes, and a connection only so many of them.", NAME_MOST);
    }
    params_set(&call->session->options, arena, arena_str(arena, a->key), arena_str(arena, value));
    return true;
}

/* Believed only where nobody has to log in. */
static bool set_ugi(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsSetUgiArgs *a = args;
    HmsSetUgiReply *r = reply;
    HmsSession *session = call->session;
    if (!hms_given(call, a->user_name, "User name", err)) {
        return false;
    }
    if (a->user_name.len > NAME_MOST || !utf8_valid(a->user_name) || a->group_names.count > GROUPS_MOST) {
        return hms_throw(call, HMS_META, err, "A user's name has at most %d bytes of UTF-8, and at most %d groups.", NAME_MOST,
                         GROUPS_MOST);
    }
    if (str_is_null(session->login) && !str_eq(session->user, a->user_name)) {
        if (session->arena && arena_used(session->arena) > SESSION_MEMORY / 2) {
            return hms_throw(call, HMS_META, err, "The user of this connection changed too often. Connect again.");
        }
        session->user = arena_str(hms_session_arena(session), a->user_name);
    }
    size_t n = a->group_names.count;
    r->success = (StrList){ARENA_ARRAY(call->arena, Str, n + 1), n + 1};
    for (size_t i = 0; i < n; i++) {
        r->success.items[i] = a->group_names.items[i];
    }
    r->success.items[n] = a->user_name;
    return true;
}

/* ---- configuration ---------------------------------------------------------------------------------------------- */

/* What clients ask a metastore for, and what is true of this one. */
static Str known_value(HmsCall *call, Str name) {
    const Config *config = call->server->catalog.config;
    static const struct {
        const char *name, *value;
    } KNOWN[] = {
        /* Spark fails a query whose filter is refused when this is true, and reads all partitions otherwise. */
        {"hive.metastore.try.direct.sql", "false"},
        {"hive.metastore.dml.events", "true"},
        {"hive.metastore.rawstore.impl", "org.apache.hadoop.hive.metastore.ObjectStore"},
        {"metastore.catalog.default", "hive"},
        {"hive.metastore.notifications.add.thrift.objects", "true"},
    };
    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++) {
        if (str_eq(name, str_from(KNOWN[i].name))) {
            return str_from(KNOWN[i].value);
        }
    }
    return str_eq(name, STR("hive.metastore.warehouse.dir")) ? config->warehouse : STR_NULL;
}

static bool get_config_value(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsGetConfigValueArgs *a = args;
    static const char *const PREFIXES[] = {"hive", "hdfs", "mapred", "metastore"};
    Str value = STR_NULL;
    if (!str_is_null(a->name)) {
        bool allowed = false;
        for (size_t i = 0; i < ARRAY_LEN(PREFIXES); i++) {
            allowed |= str_starts(a->name, str_from(PREFIXES[i]));
        }
        if (!allowed) {
            return hms_throw(call, HMS_CONFIG_VAL_SECURITY, err,
                             "For security reasons, the config key %" STR_FMT " cannot be accessed", STR_ARG(a->name));
        }
        value = known_value(call, a->name);
    }
    value = str_is_null(value) ? a->defaultValue : value;
    ((HmsGetConfigValueReply *)reply)->success = str_is_null(value) ? STR("") : value;
    return true;
}

/* The settings that one connection may change for itself. */
typedef struct MetaConf {
    const char *name, *value; /* name without "metastore." or "hive.metastore." */
} MetaConf;
static const MetaConf META_CONFS[] = {
    {"try.direct.sql", "true"},
    {"try.direct.sql.ddl", "true"},
    {"client.socket.timeout", "600s"},
    {"partition.name.whitelist.pattern", ""},
    {"partition.order.expr", "partition_name asc"},
    {"client.capability.check", "true"},
    {"disallow.incompatible.col.type.changes", "false"},
    {"expression.proxy", ""},
};

static const MetaConf *meta_conf(Str key) {
    Str name = str_starts(key, STR("hive.")) ? str_skip(key, 5) : key;
    if (!str_starts(name, STR("metastore."))) {
        return NULL;
    }
    name = str_skip(name, sizeof "metastore." - 1);
    for (size_t i = 0; i < ARRAY_LEN(META_CONFS); i++) {
        if (str_eq(name, str_from(META_CONFS[i].name))) {
            return &META_CONFS[i];
        }
    }
    return NULL;
}

Str hms_meta_conf(const HmsCall *call, const char *name) {
    Str own = params_get(&call->session->conf, str_from(name));
    for (size_t i = 0; i < ARRAY_LEN(META_CONFS) && str_is_null(own); i++) {
        own = strcmp(META_CONFS[i].name, name) == 0 ? str_from(META_CONFS[i].value) : own;
    }
    return own;
}

static bool get_meta_conf(HmsCall *call, const void *args, void *reply, Err *err) {
    Str key = ((const HmsGetMetaConfArgs *)args)->key;
    const MetaConf *conf = meta_conf(key);
    if (!conf) {
        return hms_throw(call, HMS_META, err, "Invalid configuration key %" STR_FMT, STR_ARG(key));
    }
    ((HmsGetMetaConfReply *)reply)->success = hms_meta_conf(call, conf->name);
    return true;
}

static bool set_meta_conf(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsSetMetaConfArgs *a = args;
    const MetaConf *conf = meta_conf(a->key);
    if (!conf) {
        return hms_throw(call, HMS_META, err, "Invalid configuration key %" STR_FMT, STR_ARG(a->key));
    }
    Str was = hms_meta_conf(call, conf->name), value = str_is_null(a->value) ? STR("") : a->value;
    if (value.len > NAME_MOST) {
        return hms_throw(call, HMS_META, err, "The value of %" STR_FMT " is longer than %d bytes.", STR_ARG(a->key), NAME_MOST);
    }
    if (!str_eq(was, value)) {
        Arena *arena = hms_session_arena(call->session);
        if (arena_used(arena) > SESSION_MEMORY / 2) {
            return hms_throw(call, HMS_META, err, "The settings of this connection changed too often. Connect again.");
        }
        params_set(&call->session->conf, arena, str_from(conf->name), arena_str(arena, value));
    }
    return true;
}

static bool get_metastore_db_uuid(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args, (void)err;
    char *text = arena_alloc(call->arena, 37);
    uuid_text(call->server->instance, text);
    ((HmsGetMetastoreDbUuidReply *)reply)->success = str_from(text);
    return true;
}

static const HmsRow ROWS[] = {
    {"getName", get_name, HMS_READ | HMS_PUBLIC, {{0}}},
    {"getVersion", get_version, HMS_READ | HMS_PUBLIC, {{0}}},
    {"getStatus", get_status, HMS_READ | HMS_PUBLIC, {{0}}},
    {"getStatusDetails", get_status_details, HMS_READ | HMS_PUBLIC, {{0}}},
    {"aliveSince", alive_since, HMS_READ | HMS_PUBLIC, {{0}}},
    {"getCounters", get_counters, HMS_READ, {{0}}},
    {"getCounter", get_counter, HMS_READ, {{0}}},
    {"getOption", get_option, HMS_READ, {{0}}},
    {"getOptions", get_options, HMS_READ, {{0}}},
    {"setOption", set_option, HMS_READ, {{0}}},
    {"getCpuProfile", get_cpu_profile, HMS_READ, {{0}}},
    {"reinitialize", done, HMS_READ, {{0}}},
    {"shutdown", done, HMS_READ | HMS_PUBLIC, {{0}}},
    {"set_ugi", set_ugi, HMS_READ | HMS_PUBLIC, {{0}}},
    {"get_config_value", get_config_value, HMS_READ, {{0}}},
    {"getMetaConf", get_meta_conf, HMS_READ, {{0}}},
    {"setMetaConf", set_meta_conf, HMS_READ, {{0}}},
    {"get_metastore_db_uuid", get_metastore_db_uuid, HMS_READ, {{0}}},
    {"flushCache", done, HMS_READ, {{0}}},
};
const HmsGroup hms_group_service = HMS_GROUP("service", ROWS);
