/* The nouns of the API that are alike: a collection under a parent, a name, the same verbs. */
#ifndef PROPOLIS_CLI_NOUN_H
#define PROPOLIS_CLI_NOUN_H

#include "cli/api.h"

typedef struct Noun {
    const char *word;       /* on the command line */
    const char *kind;       /* in files and in the API */
    const char *collection; /* in paths */
    size_t parts;           /* of its name, below the catalog; 0: a catalog itself */
    const View *view;
    bool (*build)(Cli *cli, json_t *object, Err *err); /* the flags of create, into OBJECT */
} Noun;

typedef struct Ref {
    Str catalog, database, name;
} Ref;

extern const Noun NOUN_CATALOG, NOUN_DATABASE, NOUN_TABLE, NOUN_FUNCTION, NOUN_CONNECTION;
const Noun *noun_by_word(const char *word); /* NULL: none */
const Noun *noun_by_kind(Str kind);         /* also by word */

/* A name of the command line; the catalog is --catalog's when it has none. */
bool ref_parse(Cli *cli, const Noun *noun, Str text, Ref *ret, Err *err) WARN_UNUSED;
bool ref_parent(Cli *cli, const Noun *noun, Str text, Ref *ret, Err *err) WARN_UNUSED; /* where NOUN's things live */
Str ref_path(Cli *cli, const Noun *noun, const Ref *ref);
Str ref_collection(Cli *cli, const Noun *noun, const Ref *ref);
Str ref_text(Cli *cli, const Noun *noun, const Ref *ref); /* for people */

#endif
