/* The one table of what the command line can do; dispatch, help, completion and docs/cli.md come from it. */
#ifndef PROPOLIS_CLI_VERBS_H
#define PROPOLIS_CLI_VERBS_H

#include "cli/run.h"

typedef bool (*VerbRun)(Cli *cli, Err *err);

typedef struct Verb {
    const char *noun; /* NULL: the verb stands alone, "propolis search" */
    const char *name;
    const char *args; /* for people: "DATABASE [PATTERN]" */
    unsigned min_args, max_args;
    uint64_t flags; /* FLAG_BITs besides those that every verb takes */
    VerbRun run;
    const char *summary;  /* one sentence without a full stop */
    const char *details;  /* paragraphs, or NULL */
    const char *examples; /* lines without the leading "propolis " */
} Verb;

typedef struct NounInfo {
    const char *name, *summary;
} NounInfo;

/* Commands that server/main.c runs before the command line is asked; here for help and completion only. */
typedef struct StoreCommand {
    const char *name, *summary;
    const char *const *words; /* what may follow, NULL-ended */
} StoreCommand;

extern const StoreCommand STORE_COMMANDS[]; /* ends with a NULL name */
extern const Verb VERBS[];                  /* ends with a NULL name */
extern const NounInfo NOUNS[];              /* ends with a NULL name */

enum { ARGS_MANY = 1000000 };

/* NOUN null for verbs that stand alone. Plurals, "database" and a few usual synonyms are understood. */
const Verb *verb_find(Str noun, Str name);
const char *noun_find(Str word);                   /* the noun's proper name, NULL when it is none */
const char *verb_near(const char *noun, Str name); /* did you mean; noun NULL: nouns and lone verbs */

#endif
