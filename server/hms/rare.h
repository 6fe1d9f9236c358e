/* What few clients ask for: schemas of a registry, resource plans, stored procedures... All of them are structs that are
 * made, changed, listed and dropped, so most of their methods are rows of rare.def, and what is particular to one is a check
 * that its row names. Catalog/things.h keeps the structs as their Thrift bytes.
 *
 * A path leads through members: "request.schema.name". A key is made from several, with spaces between: names, which are
 * folded, and numbers. Behind a path "?word" is what an absent one reads as, "!" says that the name is kept as it is, and "*"
 * that it may be absent, where everything is wanted that the names before lead to. */
#ifndef PROPOLIS_SERVER_HMS_RARE_H
#define PROPOLIS_SERVER_HMS_RARE_H

#include "catalog/things.h"
#include "server/hms/hms.h"

enum { RARE_NAMES_MOST = 4, RARE_CHILDREN_MOST = 4 };

typedef struct RareKind RareKind;
struct RareKind {
    ThingKind thing;
    unsigned strukt;        /* HMS_STRUCT_…: what is kept */
    const char *what;       /* begins a sentence */
    const char *key;        /* members of the struct */
    const char *name;       /* the member that lists of names show */
    unsigned shown;         /* names of the key that errors leave out */
    bool in_database;       /* the key begins with a catalog and a database, which have to be there */
    const RareKind *parent; /* what has to be there before; its key is made of so many of the first names */
    unsigned parent_names;
    const RareKind *children[RARE_CHILDREN_MOST]; /* go with it */
};

typedef enum RareOp { RARE_CREATE, RARE_PUT, RARE_ALTER, RARE_GET, RARE_LIST, RARE_NAMES, RARE_DROP } RareOp;

typedef struct Rare Rare;
typedef struct RareMethod {
    RareOp op;
    const RareKind *kind;
    const char *at;         /* where in the arguments the members of the key are */
    const char *key;        /* which ones; NULL: those of the kind */
    const char *thing;      /* where in the arguments the struct is; NULL: AT too, or when altering, what there is */
    const char *keep;       /* members that altering does not change */
    const char *if_missing; /* where in the arguments it says that what is dropped need not be there; "": it never need */
    const char *ret;        /* where in the reply the result goes; NULL: "success" */
    bool (*check)(Rare *rare, Err *err); /* before anything is written, dropped or listed; may change what is written */
} RareMethod;

struct Rare {
    HmsCall *call;
    const RareMethod *method;
    const void *args;
    void *reply;
    Things *things;
    Str names[RARE_NAMES_MOST];
    size_t name_count;
    Str key;
    void *value; /* that is written */
    void *old;   /* that there was */
};

/* What the rows of rare.def do. */
bool rare_do(HmsCall *call, const RareMethod *method, const void *args, void *reply, Err *err) WARN_UNUSED;

/* ---- steps, for checks and for methods with handlers of their own ------------------------------------------------ */

/* The body of a handler: reads, or changes. */
typedef bool (*RareBody)(Rare *rare, Err *err);
bool rare_read(HmsCall *call, const RareKind *kind, RareBody body, const void *args, void *reply, Err *err) WARN_UNUSED;
bool rare_change(HmsCall *call, const RareKind *kind, RareBody body, const void *args, void *reply, Err *err) WARN_UNUSED;

Str rare_key_of(Rare *rare, size_t count, const Str *names); /* folded */
/* NULL: there is none. */
bool rare_find(Rare *rare, const RareKind *kind, Str key, void **ret, Err *err) WARN_UNUSED;
bool rare_need(Rare *rare, const RareKind *kind, Str key, void **ret, Err *err) WARN_UNUSED; /* NoSuchObjectException */
/* ThriftItems of the kind's struct. */
bool rare_list(Rare *rare, const RareKind *kind, Str prefix, ThriftItems *ret, Err *err) WARN_UNUSED;
bool rare_add(Rare *rare, const RareKind *kind, Str key, const void *value, Err *err) WARN_UNUSED; /* AlreadyExistsException */
bool rare_put(Rare *rare, const RareKind *kind, Str key, const void *value, Err *err) WARN_UNUSED;
/* With its children. NoSuchObjectException. */
bool rare_drop(Rare *rare, const RareKind *kind, Str key, Err *err) WARN_UNUSED;
bool rare_given(HmsCall *call, const void *there, const char *what, Err *err) WARN_UNUSED; /* "What cannot be null." */

/* ---- kinds: hms_rare.c ------------------------------------------------------------------------------------------- */

extern const RareKind rare_schema_version, rare_serde;
extern const RareKind rare_plan, rare_pool, rare_trigger, rare_mapping, rare_pool_trigger;
extern const RareKind rare_query, rare_execution;
extern const RareKind rare_runtime_stat, rare_replication;

/* ---- what rare.def names ------------------------------------------------------------------------------------------ */

bool check_new_schema(Rare *rare, Err *err);
bool check_drop_schema(Rare *rare, Err *err);
bool check_map_to_serde(Rare *rare, Err *err);
bool check_schema_state(Rare *rare, Err *err);
bool get_schema_latest_version(HmsCall *call, const void *args, void *reply, Err *err);
bool get_schema_all_versions(HmsCall *call, const void *args, void *reply, Err *err);
bool get_schemas_by_cols(HmsCall *call, const void *args, void *reply, Err *err);

bool check_new_connector(Rare *rare, Err *err);
bool check_drop_connector(Rare *rare, Err *err);

bool check_plan_editable(Rare *rare, Err *err);
bool check_drop_plan(Rare *rare, Err *err);
bool check_drop_trigger(Rare *rare, Err *err);
bool check_list_triggers(Rare *rare, Err *err);
bool check_new_pool(Rare *rare, Err *err);
bool check_drop_pool(Rare *rare, Err *err);
bool create_resource_plan(HmsCall *call, const void *args, void *reply, Err *err);
bool get_resource_plan(HmsCall *call, const void *args, void *reply, Err *err);
bool get_active_resource_plan(HmsCall *call, const void *args, void *reply, Err *err);
bool alter_resource_plan(HmsCall *call, const void *args, void *reply, Err *err);
bool validate_resource_plan(HmsCall *call, const void *args, void *reply, Err *err);
bool alter_wm_pool(HmsCall *call, const void *args, void *reply, Err *err);
bool create_or_update_wm_mapping(HmsCall *call, const void *args, void *reply, Err *err);
bool create_or_drop_wm_trigger_to_pool_mapping(HmsCall *call, const void *args, void *reply, Err *err);

bool scheduled_query_poll(HmsCall *call, const void *args, void *reply, Err *err);
bool scheduled_query_maintenance(HmsCall *call, const void *args, void *reply, Err *err);
bool scheduled_query_progress(HmsCall *call, const void *args, void *reply, Err *err);

bool add_runtime_stats(HmsCall *call, const void *args, void *reply, Err *err);
bool get_runtime_stats(HmsCall *call, const void *args, void *reply, Err *err);
bool add_replication_metrics(HmsCall *call, const void *args, void *reply, Err *err);
bool get_replication_metrics(HmsCall *call, const void *args, void *reply, Err *err);

bool add_token(HmsCall *call, const void *args, void *reply, Err *err);
bool remove_token(HmsCall *call, const void *args, void *reply, Err *err);
bool get_token(HmsCall *call, const void *args, void *reply, Err *err);
bool get_all_token_identifiers(HmsCall *call, const void *args, void *reply, Err *err);
bool add_master_key(HmsCall *call, const void *args, void *reply, Err *err);
bool update_master_key(HmsCall *call, const void *args, void *reply, Err *err);
bool remove_master_key(HmsCall *call, const void *args, void *reply, Err *err);
bool get_master_keys(HmsCall *call, const void *args, void *reply, Err *err);

#endif
