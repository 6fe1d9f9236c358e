#include "cli/files.h"

#include "base/json_reader.h"
#include "cli/profile.h"
#include "cli/yaml.h"

enum { MAX_FILE = 1024 * 1024 * 1024, JSON_DEPTH = 200 };

static void decref_void(void *value) { json_decref(value); }

static bool looks_like_json(Str text) {
    text = str_trim(text);
    return str_starts(text, STR("{")) || str_starts(text, STR("["));
}

/* Several JSON objects one behind the other (ndjson) count as well. */
static bool read_json(Cli *cli, const char *what, Str text, json_t *objects, Err *err) {
    json_t *value;
    if (jr_parse(cli->arena, text, JSON_DEPTH, &value, err)) {
        json_array_append(objects, value);
        return true;
    }
    Str rest = text, line;
    size_t number = 0;
    Err of_line;
    while (str_split(&rest, '\n', &line)) {
        number++;
        if (str_trim(line).len == 0) {
            continue;
        }
        if (!jr_parse(cli->arena, line, JSON_DEPTH, &value, &of_line) || !json_is_object(value)) {
            return json_array_size(objects) ? err_set(err, ERR_INVALID_JSON, "%s: line %zu is not a JSON object.", what, number)
                                            : err_prefix(err, "%s", what);
        }
        json_array_append(objects, value);
    }
    return true;
}

/* Lists, also a page of the API ({"items": [...]} without a kind), become their items. */
static bool add_objects(const char *what, const json_t *value, json_t *to, Err *err) {
    const json_t *items = json_is_array(value) ? value : json_object_get(value, "kind") ? NULL : json_object_get(value, "items");
    if (!json_is_array(items)) {
        json_array_append(to, (json_t *)(uintptr_t)value);
        return json_is_object(value) || err_set(err, ERR_INVALID_INPUT, "%s: each document must be an object with members.", what);
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (!json_is_object(json_array_get(items, i))) {
            return err_set(err, ERR_INVALID_INPUT, "%s: item %zu of a list is not an object.", what, i + 1);
        }
        json_array_append(to, json_array_get(items, i));
    }
    return true;
}

bool cli_file_objects(Cli *cli, const char *path, json_t **ret, Err *err) {
    const char *what = strcmp(path, "-") == 0 ? "standard input" : path;
    json_t *objects = json_array(), *documents = json_array();
    Str text;
    arena_defer(cli->arena, decref_void, objects);
    arena_defer(cli->arena, decref_void, documents);
    if (!cli_file_read(cli->arena, path, MAX_FILE, &text, err)) {
        return false;
    }
    if (looks_like_json(text) ? !read_json(cli, what, text, documents, err)
                              : !cli_yaml_read(cli->arena, what, text, &documents, err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(documents); i++) {
        if (!add_objects(what, json_array_get(documents, i), objects, err)) {
            return false;
        }
    }
    if (json_array_size(objects) == 0) {
        return err_set(err, ERR_INVALID_INPUT, "%s defines nothing.", what);
    }
    *ret = objects;
    return true;
}

bool cli_file_object(Cli *cli, const char *path, json_t **ret, Err *err) {
    json_t *objects;
    if (!cli_file_objects(cli, path, &objects, err)) {
        return false;
    }
    if (json_array_size(objects) != 1) {
        return err_set(err, ERR_INVALID_INPUT, "%s defines %zu objects, but this command takes one; use propolis apply.", path,
                       json_array_size(objects));
    }
    *ret = json_array_get(objects, 0);
    return true;
}

void cli_file_strip_read_only(json_t *object) {
    static const char *const members[] = {"id",         "incarnation", "version",  "created_at", "created_by", "updated_at",
                                          "updated_by", "dropped_at",  "added_in", "altered_in", "bootstrap",  "etag"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_object_del(object, members[i]);
    }
}
