/* The words of a command line, sorted into flags and the rest. */
#ifndef PROPOLIS_CLI_ARGS_H
#define PROPOLIS_CLI_ARGS_H

#include "base/arena.h"

typedef enum FlagId {
#define FLAG_ROW(ID, name, letter, value, repeats, everywhere, doc) FLAG_##ID,
#include "cli/flags.def"
#undef FLAG_ROW
    FLAG_COUNT
} FlagId;

typedef struct Flag {
    const char *name;
    char letter;
    const char *value; /* NULL: a switch */
    bool repeats, everywhere;
    const char *doc;
} Flag;

_Static_assert(FLAG_COUNT <= 64, "sets of flags are 64-bit masks");
#define FLAG_BIT(id) (UINT64_C(1) << (id))

typedef struct Args {
    uint64_t given;             /* FLAG_BITs */
    StrList values[FLAG_COUNT]; /* a switch has one empty value a time it was given */
    StrList words;
} Args;

const Flag *flag_info(FlagId id);
/* ARGV without the program's name. Flags may stand anywhere; "--" ends them. */
bool args_parse(int argc, char *const *argv, Arena *arena, Args *ret, Err *err) WARN_UNUSED;
/* Refuses flags that the verb does not take. */
bool args_allow(const Args *args, uint64_t allowed, const char *verb, Err *err) WARN_UNUSED;

#endif
