/* Nouns: what all kinds of objects with a name and an ETag (catalogs, databases, tables, functions, connections) have in
 * common. The flow of a call stands once, in rest_noun.c; a row says how one noun is read, written and stored.
 *
 * Not among them: partitions (they have no id and version of their own, and are answered one or many at a time), users and tokens (a patch is not a merge into what is
 * stored: passwords are never read), tags, statistics and constraints (parts of an object, without a name in the path). */
#ifndef PROPOLIS_SERVER_REST_NOUN_H
#define PROPOLIS_SERVER_REST_NOUN_H

#include "server/rest/rest.h"

typedef struct RestNoun RestNoun;

/* A change on its way through a use case, which may run it more than once. */
typedef struct RestEdit {
    Request *r;
    const RestNoun *noun;
    JsonAt body;
    bool merge; /* the body is a patch */
    Expect expect;
} RestEdit;

typedef struct RestRename {
    Str database, name; /* null: as it is */
    Expect expect;
} RestRename;

/* Objects go through here as void *; each function of a row knows its own type. */
struct RestNoun {
    const char *kind;               /* in errors */
    size_t size, id, version, name; /* of the object, and of members within it: REST_NOUN_OF() */
    size_t path_name;               /* which name of the path is the object's */
    ErrCode missing;                /* what alter() says when there is none */
    bool cased;                     /* names that differ in case are different */
    bool moves;                     /* a rename may name another database */
    void (*json)(JsonWriter *w, const void *object);
    bool (*read)(const JsonAt *at, Arena *arena, void *ret, Err *err);
    void (*keep)(void *after, const void *before);    /* members that a body cannot change */
    void (*chosen)(void *after, const void *before);  /* what create() chooses when it is not given stays at a PUT; or NULL */
    JsonAt (*patch)(Request *r, const JsonAt *patch); /* the patch to merge; NULL: as it came */
    bool (*get)(Request *r, void *ret, Err *err);
    bool (*create)(Request *r, void *object, Err *err);             /* OBJECT: in what is wanted, out what was made */
    bool (*alter)(Request *r, RestEdit *edit, void *ret, Err *err); /* calls rest_edit() from its use case */
    bool (*rename)(Request *r, RestRename *to, void *ret, Err *err);
    bool (*drop)(Request *r, Expect expect, Err *err);
};
#define REST_NOUN_OF(Type) \
    .size = sizeof(Type), .id = offsetof(Type, id), .version = offsetof(Type, version), .name = offsetof(Type, name)

bool rest_edit(RestEdit *edit, void *object, Err *err) WARN_UNUSED;

/* What the handlers of a noun are made of. */
bool rest_noun_items(Request *r, const RestNoun *noun, const void *items, size_t count, bool more); /* a page of a list */
bool rest_noun_answer(Request *r, const RestNoun *noun, const void *object);
bool rest_noun_show(Request *r, const RestNoun *noun, const void *object); /* unless the caller has it already */
bool rest_noun_get(Request *r, const RestNoun *noun, Err *err);
bool rest_noun_create(Request *r, const RestNoun *noun, Err *err);
bool rest_noun_put(Request *r, const RestNoun *noun, Err *err);
bool rest_noun_patch(Request *r, const RestNoun *noun, Err *err);
bool rest_noun_rename(Request *r, const RestNoun *noun, Err *err);
bool rest_noun_drop(Request *r, const RestNoun *noun, Err *err);

#endif
