#include "cli/args.h"

#include "base/json_reader.h"

static const Flag FLAGS[FLAG_COUNT] = {
#define FLAG_ROW(ID, name, letter, value, repeats, everywhere, doc) [FLAG_##ID] = {name, letter, value, repeats, everywhere, doc},
#include "cli/flags.def"
#undef FLAG_ROW
};

const Flag *flag_info(FlagId id) { return &FLAGS[id]; }

static bool flag_by_name(Str name, FlagId *ret) {
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (str_eq(name, str_from(FLAGS[i].name))) {
            *ret = (FlagId)i;
            return true;
        }
    }
    return false;
}

static bool flag_by_letter(char letter, FlagId *ret) {
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (letter && FLAGS[i].letter == letter) {
            *ret = (FlagId)i;
            return true;
        }
    }
    return false;
}

static bool unknown_flag(Str name, Err *err) {
    const char *names[FLAG_COUNT + 1];
    for (int i = 0; i < FLAG_COUNT; i++) {
        names[i] = FLAGS[i].name;
    }
    names[FLAG_COUNT] = NULL;
    const char *near = nearest_word(name, names);
    return err_set(err, ERR_INVALID_INPUT, "There is no flag --%" STR_FMT "%s%s%s", STR_ARG(name), near ? "; did you mean --" : ".",
                   near ? near : "", near ? "?" : "");
}

static void list_add(StrList *list, Arena *arena, Str s) {
    if ((list->count & (list->count - 1)) == 0) { /* full at every power of two */
        Str *grown = ARENA_ARRAY(arena, Str, MAX(list->count * 2, (size_t)1));
        if (list->count) {
            memcpy(grown, list->items, list->count * sizeof *grown);
        }
        list->items = grown;
    }
    list->items[list->count++] = s;
}

static bool flag_add(Args *args, Arena *arena, FlagId id, Str value, Err *err) {
    const Flag *flag = &FLAGS[id];
    if (flag->value && !flag->repeats && args->values[id].count) {
        return err_set(err, ERR_INVALID_INPUT, "--%s is given twice.", flag->name);
    }
    args->given |= FLAG_BIT(id);
    list_add(&args->values[id], arena, value);
    return true;
}

/* The value of a flag: behind "=", or the next word. */
static bool flag_value(const Flag *flag, Str attached, int argc, char *const *argv, int *at, Str *ret, Err *err) {
    if (!flag->value) {
        *ret = STR("");
        return str_is_null(attached) || err_set(err, ERR_INVALID_INPUT, "--%s takes no value.", flag->name);
    }
    if (!str_is_null(attached)) {
        *ret = attached;
        return true;
    }
    if (*at + 1 >= argc) {
        return err_set(err, ERR_INVALID_INPUT, "--%s needs a value: --%s %s.", flag->name, flag->name, flag->value);
    }
    *ret = str_from(argv[++*at]);
    return true;
}

static bool parse_long(Args *args, Arena *arena, int argc, char *const *argv, int *at, Err *err) {
    Str name = str_skip(str_from(argv[*at]), 2), attached = STR_NULL, value;
    size_t equals = str_find_char(name, '=');
    if (equals != SIZE_MAX) {
        attached = str_skip(name, equals + 1);
        name = str_slice(name, 0, equals);
    }
    FlagId id;
    if (!flag_by_name(name, &id)) {
        return unknown_flag(name, err);
    }
    return flag_value(&FLAGS[id], attached, argc, argv, at, &value, err) && flag_add(args, arena, id, value, err);
}

/* "-o json", "-ojson", "-qv". */
static bool parse_short(Args *args, Arena *arena, int argc, char *const *argv, int *at, Err *err) {
    Str rest = str_skip(str_from(argv[*at]), 1);
    while (rest.len) {
        FlagId id;
        char letter = rest.ptr[0];
        rest = str_skip(rest, 1);
        if (!flag_by_letter(letter, &id)) {
            return err_set(err, ERR_INVALID_INPUT, "There is no flag -%c.", letter);
        }
        Str attached = STR_NULL, value;
        if (FLAGS[id].value && rest.len) {
            attached = rest;
            rest = STR("");
        }
        if (!flag_value(&FLAGS[id], attached, argc, argv, at, &value, err) || !flag_add(args, arena, id, value, err)) {
            return false;
        }
    }
    return true;
}

bool args_parse(int argc, char *const *argv, Arena *arena, Args *ret, Err *err) {
    Args args = {0};
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        Str word = str_from(argv[i]);
        if (!utf8_valid(word)) {
            return err_set(err, ERR_INVALID_INPUT, "Word %d of the command line is not valid UTF-8.", i + 1);
        }
        if (only_words || word.len < 2 || word.ptr[0] != '-') {
            list_add(&args.words, arena, word);
        } else if (str_eq(word, STR("--"))) {
            only_words = true;
        } else if (!(word.ptr[1] == '-' ? parse_long : parse_short)(&args, arena, argc, argv, &i, err)) {
            return false;
        }
    }
    *ret = args;
    return true;
}

bool args_allow(const Args *args, uint64_t allowed, const char *verb, Err *err) {
    for (int i = 0; i < FLAG_COUNT; i++) {
        if ((args->given & FLAG_BIT(i)) && !FLAGS[i].everywhere && !(allowed & FLAG_BIT(i))) {
            return err_set(err, ERR_INVALID_INPUT, "'%s' does not take --%s.", verb, FLAGS[i].name);
        }
    }
    return true;
}
