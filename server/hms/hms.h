/* hms: the door for Hive Metastore clients.
 *
 * Purpose:   translates between Thrift structs and the use cases of catalog/: shapes, names with catalogs in them, and which
 *            exception a method declares for what went wrong. One file a group of methods (hms_tables.c), each with its
 *            rows; methods.c has all groups. What all doors have in common is not here.
 * Ownership: a session lives as long as its connection; everything of a call is in the arena of the worker that serves it.
 * Threads:   a call is served by one worker; a session is only touched by the call that is served on its connection. */
#ifndef PROPOLIS_SERVER_HMS_HMS_H
#define PROPOLIS_SERVER_HMS_HMS_H

#include "catalog/model.h"
#include "server/server.h"
#include "thrift/hms.h"

typedef struct HmsSession {
    Arena *arena; /* of what follows; NULL: nothing yet */
    Str user;     /* from set_ugi(), or who logged in; null: nobody said */
    StrList groups;
    Params options; /* of fb303, set by setOption() */
    Params conf;    /* what setMetaConf() changed, by the name of the key without "metastore." */
    Str login;      /* what USER logged in with, as an Authorization header: looked at for each call, so that a token may end;
                  * null: nobody logged in, and USER is what a client says */
} HmsSession;

typedef struct HmsCall HmsCall;

/* ARGS and REPLY are the structs of the method (HmsGetTableArgs, HmsGetTableReply). False: err becomes one of the exceptions
 * the method declares. */
typedef bool (*HmsHandler)(HmsCall *call, const void *args, void *reply, Err *err);

enum {
    HMS_READ = 1 << 0,
    HMS_WRITE = 1 << 1,
    HMS_BULK = 1 << 2,    /* runs with the bulk workers */
    HMS_PUBLIC = 1 << 3,  /* needs no login */
    HMS_NOTHING = 1 << 4, /* there never is anything of this kind here; see docs/hms.md */
};

/* What the catalog says as the one exception, this method says as the other. */
typedef struct HmsInstead {
    HmsException of, say;
} HmsInstead;
enum { HMS_INSTEAD_MOST = 4 };

typedef struct HmsRow {
    const char *name;
    HmsHandler handler;
    unsigned flags;
    HmsInstead instead[HMS_INSTEAD_MOST]; /* up to the first of {0, 0} */
} HmsRow;

typedef struct HmsGroup {
    const char *name;
    const HmsRow *rows;
    size_t count;
} HmsGroup;
extern const HmsGroup *const hms_groups[];
extern const size_t hms_group_count;

struct HmsCall {
    Server *server;
    HmsSession *session;
    const ThriftMethod *method;
    const HmsRow *row;
    ThriftProtocol protocol;
    Arena *arena;
    Ctx ctx;
    Caller caller;
    bool has_exception; /* hms_throw() chose one */
    HmsException exception;
};

/* An error for which the call answers with EXCEPTION, whatever its row says. Always false. */
#define hms_throw(call, of_kind, err, ...) \
    ({ \
        (call)->exception = (of_kind); \
        (call)->has_exception = true; \
        err_set((err), hms_code(of_kind), __VA_ARGS__); \
    })
ErrCode hms_code(HmsException exception); /* a code whose exception it is */

/* A struct of TYPE with the defaults of the IDL: HMS_NEW(call->arena, HmsTable, HMS_STRUCT_TABLE). */
#define HMS_NEW(arena, Type, STRUCT) ((Type *)hms_new((arena), &hms_structs[STRUCT]))
void *hms_new(Arena *arena, const ThriftStruct *strukt);

/* "What cannot be null." for a name the method cannot do without: MetaException. */
bool hms_given(HmsCall *call, Str name, const char *what, Err *err) WARN_UNUSED;
/* NAME of an old call ("@cat#db", or plain) taken apart; CATALOG of a request wins when given. A null database stays null. */
bool hms_database_name(HmsCall *call, Str catalog, Str name, Str *ret_catalog, Str *ret_database, Err *err) WARN_UNUSED;
/* The table of a call, all of whose names must be there. */
bool hms_table_ref(HmsCall *call, Str catalog, Str database, Str table, TableRef *ret, Err *err) WARN_UNUSED;
/* The value of an environment context's property; null when there is none. */
Str hms_env(const HmsEnvironmentContext *env, const char *key);
bool hms_env_is_true(const HmsEnvironmentContext *env, const char *key);

Arena *hms_session_arena(HmsSession *session);

/* What setMetaConf() said on this connection, or the default. NAME without "metastore." */
Str hms_meta_conf(const HmsCall *call, const char *name);

#endif
