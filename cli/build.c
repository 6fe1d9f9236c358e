#include "cli/build.h"

#include "cli/profile.h"

static void decref_void(void *value) { json_decref(value); }

json_t *build_new_object(Cli *cli) {
    json_t *object = json_object();
    arena_defer(cli->arena, decref_void, object);
    return object;
}

static json_t *text_of(Str s) { return json_stringn(s.ptr, s.len); }

static void set_flag(Cli *cli, FlagId flag, json_t *object, const char *member) {
    Str value = cli_flag(cli, flag);
    if (!str_is_null(value)) {
        json_object_set_new(object, member, text_of(value));
    }
}

/* OBJECT.MEMBER, made when it is not there. */
static json_t *child(json_t *object, const char *member) {
    json_t *found = json_object_get(object, member);
    if (!json_is_object(found)) {
        found = json_object();
        json_object_set_new(object, member, found);
    }
    return found;
}

static bool split_pair(Cli *cli, FlagId flag, Str text, Str *ret_key, Str *ret_value, Err *err) {
    size_t equals = str_find_char(text, '=');
    if (equals == SIZE_MAX || equals == 0) {
        return cli_usage(cli, err, "--%s wants %s, but it is '%" STR_FMT "'.", flag_info(flag)->name, flag_info(flag)->value,
                         STR_ARG(text));
    }
    *ret_key = str_slice(text, 0, equals);
    *ret_value = str_skip(text, equals + 1);
    return true;
}

bool build_params(Cli *cli, FlagId flag, json_t *object, const char *member, Err *err) {
    StrList pairs = cli_flags(cli, flag);
    for (size_t i = 0; i < pairs.count; i++) {
        Str key, value;
        if (!split_pair(cli, flag, pairs.items[i], &key, &value, err)) {
            return false;
        }
        json_object_set_new(child(object, member), arena_cstr(cli->arena, key), text_of(value));
    }
    return true;
}

bool build_catalog(Cli *cli, json_t *object, Err *err) {
    set_flag(cli, FLAG_DESCRIPTION, object, "description");
    set_flag(cli, FLAG_LOCATION, object, "location");
    return build_params(cli, FLAG_PARAM, object, "parameters", err);
}

bool build_database(Cli *cli, json_t *object, Err *err) {
    set_flag(cli, FLAG_OWNER, object, "owner");
    return build_catalog(cli, object, err);
}

static size_t end_of_type(Str s) {
    int depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        depth += (c == '<' || c == '(') - (c == '>' || c == ')');
        if (depth <= 0 && (c == ' ' || c == '\t')) {
            return i;
        }
    }
    return s.len;
}

bool cli_column_parse(Str text, Str *ret_name, Str *ret_type, Str *ret_comment) {
    text = str_trim(text);
    size_t space = MIN(str_find_char(text, ' '), text.len);
    Str rest = str_trim(str_skip(text, space));
    size_t end = end_of_type(rest);
    Str comment = str_trim(str_skip(rest, end));
    *ret_name = str_slice(text, 0, space);
    *ret_type = str_slice(rest, 0, end);
    *ret_comment = comment.len ? comment : STR_NULL;
    return ret_name->len > 0 && ret_type->len > 0;
}

static bool build_columns(Cli *cli, FlagId flag, json_t *object, const char *member, Err *err) {
    StrList texts = cli_flags(cli, flag);
    if (texts.count == 0) {
        return true;
    }
    json_t *list = json_array();
    json_object_set_new(object, member, list);
    for (size_t i = 0; i < texts.count; i++) {
        Str name, type, comment;
        if (!cli_column_parse(texts.items[i], &name, &type, &comment)) {
            return cli_usage(cli, err, "--%s wants \"NAME TYPE [COMMENT]\", but it is '%" STR_FMT "'.", flag_info(flag)->name,
                             STR_ARG(texts.items[i]));
        }
        json_t *column = json_object();
        json_array_append_new(list, column);
        json_object_set_new(column, "name", text_of(name));
        json_object_set_new(column, "type", text_of(type));
        if (!str_is_null(comment)) {
            json_object_set_new(column, "comment", text_of(comment));
        }
    }
    return true;
}

typedef struct FileFormat {
    const char *name, *input, *output, *serde;
} FileFormat;

#define TEXT_INPUT "org.apache.hadoop.mapred.TextInputFormat"
#define TEXT_OUTPUT "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
#define HIVE_IO "org.apache.hadoop.hive.ql.io."
#define LAZY_SERDE "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"

static const FileFormat FILE_FORMATS[] = {
    {"parquet", HIVE_IO "parquet.MapredParquetInputFormat", HIVE_IO "parquet.MapredParquetOutputFormat",
     HIVE_IO "parquet.serde.ParquetHiveSerDe"},
    {"orc", HIVE_IO "orc.OrcInputFormat", HIVE_IO "orc.OrcOutputFormat", HIVE_IO "orc.OrcSerde"},
    {"avro", HIVE_IO "avro.AvroContainerInputFormat", HIVE_IO "avro.AvroContainerOutputFormat",
     "org.apache.hadoop.hive.serde2.avro.AvroSerDe"},
    {"csv", TEXT_INPUT, TEXT_OUTPUT, "org.apache.hadoop.hive.serde2.OpenCSVSerde"},
    {"json", TEXT_INPUT, TEXT_OUTPUT, "org.apache.hive.hcatalog.data.JsonSerDe"},
    {"text", TEXT_INPUT, TEXT_OUTPUT, LAZY_SERDE},
    /* What Iceberg's own Hive catalog writes when no Hive engine support is asked for. */
    {"iceberg", "org.apache.hadoop.mapred.FileInputFormat", "org.apache.hadoop.mapred.FileOutputFormat", LAZY_SERDE},
};

static bool build_iceberg(Cli *cli, json_t *object, Err *err) {
    json_t *parameters = child(object, "parameters");
    if (!json_object_get(parameters, "metadata_location")) {
        return cli_usage(cli, err, "An Iceberg table is found through its metadata file; add --param metadata_location=URI.");
    }
    json_object_set_new(parameters, "table_type", json_string("ICEBERG"));
    json_object_set_new(parameters, "EXTERNAL", json_string("TRUE"));
    if (!json_object_get(object, "type")) {
        json_object_set_new(object, "type", json_string("EXTERNAL_TABLE"));
    }
    return true;
}

static bool build_format(Cli *cli, json_t *object, Err *err) {
    Str wanted = cli_flag(cli, FLAG_FORMAT);
    for (size_t i = 0; i < ARRAY_LEN(FILE_FORMATS); i++) {
        const FileFormat *f = &FILE_FORMATS[i];
        if (str_eq_nocase(wanted, str_from(f->name))) {
            json_t *storage = child(object, "storage");
            json_object_set_new(storage, "input_format", json_string(f->input));
            json_object_set_new(storage, "output_format", json_string(f->output));
            json_object_set_new(child(storage, "serde"), "library", json_string(f->serde));
            return strcmp(f->name, "iceberg") != 0 || build_iceberg(cli, object, err);
        }
    }
    return cli_usage(cli, err,
                     "There is no format '%" STR_FMT "'; there are parquet, orc, avro, csv, json, text and iceberg. Others are "
                     "given with -f FILE.",
                     STR_ARG(wanted));
}

bool build_table(Cli *cli, json_t *object, Err *err) {
    set_flag(cli, FLAG_TYPE, object, "type");
    set_flag(cli, FLAG_OWNER, object, "owner");
    set_flag(cli, FLAG_DESCRIPTION, object, "description");
    if (!build_columns(cli, FLAG_COLUMN, object, "columns", err) ||
        !build_columns(cli, FLAG_PARTITION_KEY, object, "partition_keys", err) ||
        !build_params(cli, FLAG_PARAM, object, "parameters", err)) {
        return false;
    }
    if (cli_has(cli, FLAG_LOCATION) || cli_has(cli, FLAG_COLUMN) || cli_has(cli, FLAG_SERDE_PARAM)) {
        set_flag(cli, FLAG_LOCATION, child(object, "storage"), "location");
    }
    if (cli_has(cli, FLAG_FORMAT) && !build_format(cli, object, err)) {
        return false;
    }
    return !cli_has(cli, FLAG_SERDE_PARAM) ||
           build_params(cli, FLAG_SERDE_PARAM, child(child(object, "storage"), "serde"), "parameters", err);
}

bool build_function(Cli *cli, json_t *object, Err *err) {
    StrList pairs = cli_flags(cli, FLAG_RESOURCE);
    set_flag(cli, FLAG_CLASS, object, "class_name");
    set_flag(cli, FLAG_OWNER, object, "owner");
    set_flag(cli, FLAG_DESCRIPTION, object, "description");
    if (pairs.count == 0) {
        return true;
    }
    json_t *list = json_array();
    json_object_set_new(object, "resources", list);
    for (size_t i = 0; i < pairs.count; i++) {
        Str type, uri;
        if (!split_pair(cli, FLAG_RESOURCE, pairs.items[i], &type, &uri, err)) {
            return false;
        }
        json_t *resource = json_object();
        json_array_append_new(list, resource);
        Str upper = arena_str(cli->arena, type);
        for (size_t c = 0; c < upper.len; c++) {
            char *at = (char *)(uintptr_t)upper.ptr + c;
            *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 32) : *at;
        }
        json_object_set_new(resource, "type", text_of(upper));
        json_object_set_new(resource, "uri", text_of(uri));
    }
    return true;
}

/* What must not be seen in a process list or a shell's history. */
static bool is_secret(Str key, Arena *arena) {
    static const Str words[] = {STR_INIT("password"), STR_INIT("secret"), STR_INIT("token"), STR_INIT("private_key"),
                                STR_INIT("passphrase")};
    Str low = arena_str_lower(arena, key);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_find(low, words[i]) != SIZE_MAX) {
            return !str_ends(low, STR("_id")) && !str_ends(low, STR("_url")) && !str_ends(low, STR("_uri"));
        }
    }
    return false;
}

enum { MAX_PROPERTY = 1024 * 1024 };

static bool property_value(Cli *cli, Str key, Str text, Str *ret, Err *err) {
    if (!str_starts(text, STR("@"))) {
        *ret = text;
        return !is_secret(key, cli->arena) ||
               cli_usage(cli, err,
                         "The property %" STR_FMT " is a secret, and command lines are not secret; write it to a file and give "
                         "--property %" STR_FMT "=@FILE.",
                         STR_ARG(key), STR_ARG(key));
    }
    Str whole;
    if (!cli_file_read(cli->arena, arena_cstr(cli->arena, str_skip(text, 1)), MAX_PROPERTY, &whole, err)) {
        return false;
    }
    whole.len -= str_ends(whole, STR("\n"));
    *ret = whole;
    return true;
}

bool build_connection(Cli *cli, json_t *object, Err *err) {
    StrList pairs = cli_flags(cli, FLAG_PROPERTY);
    set_flag(cli, FLAG_TYPE, object, "type");
    set_flag(cli, FLAG_DESCRIPTION, object, "description");
    for (size_t i = 0; i < pairs.count; i++) {
        Str key, text, value;
        if (!split_pair(cli, FLAG_PROPERTY, pairs.items[i], &key, &text, err) || !property_value(cli, key, text, &value, err)) {
            return false;
        }
        json_object_set_new(child(object, "properties"), arena_cstr(cli->arena, key), text_of(value));
    }
    return true;
}
