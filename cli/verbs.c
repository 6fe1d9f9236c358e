#include "cli/verbs.h"

#include "base/json_reader.h"
#include "cli/handlers.h"

#define F(id) FLAG_BIT(FLAG_##id)
#define LIST_FLAGS (F(LIMIT) | F(ALL))
#define MAKE_FLAGS (F(FILE) | F(IF_NOT_EXISTS) | F(DESCRIPTION))
#define APPLY_FLAGS (F(FILE) | F(DRY_RUN) | F(KEEP_GOING))
#define DROP_FLAGS (F(IF_EXISTS) | F(IF_MATCH))
#define APPLY_ROW(noun, what, example) \
    { \
        noun, "apply", "", 0, 0, APPLY_FLAGS, do_apply_files, "Creates or replaces " what " from a file", \
            "Only definitions of this kind are taken; `propolis apply` takes any.", example \
    }
#define FORMATS_TEXT \
    "--format stands for the input format, output format and SerDe class of Hive. The flags make the common tables; -f takes " \
    "every field."

const NounInfo NOUNS[] = {
    {"catalog", "catalogs, the outermost level (\"hive\" is the default one)"},
    {"db", "databases"},
    {"table", "tables and views, with their whole history"},
    {"partition", "partitions of a table"},
    {"function", "functions"},
    {"connection", "connections to other systems"},
    {"stats", "statistics of a table's columns"},
    {"constraint", "constraints of a table"},
    {"tag", "tags of tables, databases and connections"},
    {"user", "users"},
    {"token", "access tokens"},
    {NULL, NULL},
};

static const char *const NO_WORDS[] = {NULL}, *const MIGRATE_WORDS[] = {"--check", "--print", NULL},
                         *const ROTATE_WORDS[] = {"--prepare", NULL}, *const CONFIG_WORDS[] = {"show", "check", NULL};

const StoreCommand STORE_COMMANDS[] = {
    {"serve", "Runs the server", NO_WORDS},
    {"migrate", "Brings the schema of the database up to date, or says what would be done", MIGRATE_WORDS},
    {"backup", "Saves the catalog into a file, also while a server runs", NO_WORDS},
    {"restore", "Brings it back from there", NO_WORDS},
    {"verify", "Checks what the store promises", NO_WORDS},
    {"rotate-key", "Seals secrets under a new key", ROTATE_WORDS},
    {"config", "Shows or checks the options of the server and where each comes from", CONFIG_WORDS},
    {"version", "Shows the version of this program", NO_WORDS},
    {NULL, NULL, NULL},
};

const Verb VERBS[] = {
    {"catalog", "list", "[PATTERN]", 0, 1, LIST_FLAGS, do_list, "Lists the catalogs", NULL, "catalog list"},
    {"catalog", "get", "NAME", 1, 1, 0, do_get, "Shows a catalog", NULL, "catalog get hive\ncatalog get hive -o yaml"},
    {"catalog", "create", "NAME", 1, 1, MAKE_FLAGS | F(LOCATION) | F(PARAM), do_create, "Creates a catalog", NULL,
     "catalog create lab --location file:///data/lab --description 'for experiments'"},
    APPLY_ROW("catalog", "catalogs", "catalog apply -f catalog.yaml"),
    {"catalog", "drop", "NAME...", 1, ARGS_MANY, DROP_FLAGS, do_drop, "Drops empty catalogs", NULL, "catalog drop lab --if-exists"},

    {"db", "list", "[PATTERN]", 0, 1, LIST_FLAGS, do_list, "Lists the databases of a catalog",
     "PATTERN is a glob: * for any characters, | between alternatives.",
     "db list\ndb list 'sales*' -o name\ndb list --catalog lab"},
    {"db", "get", "[CATALOG.]DATABASE", 1, 1, 0, do_get, "Shows a database", NULL, "db get sales\ndb get lab.sales -o json"},
    {"db", "create", "[CATALOG.]DATABASE", 1, 1, MAKE_FLAGS | F(LOCATION) | F(PARAM) | F(OWNER), do_create, "Creates a database",
     NULL, "db create sales --description 'orders and invoices'\ndb create sales --location s3://lake/sales --if-not-exists"},
    APPLY_ROW("db", "databases", "db apply -f sales.yaml"),
    {"db", "drop", "[CATALOG.]DATABASE...", 1, ARGS_MANY, DROP_FLAGS | F(CASCADE) | F(DELETE_DATA), do_drop, "Drops databases",
     "A database that holds anything is refused without --cascade; data stays unless --delete-data is given.",
     "db drop sales\ndb drop old --cascade --delete-data"},
    {"db", "rename", "[CATALOG.]DATABASE NEW", 2, 2, F(IF_MATCH), do_rename, "Renames a database",
     "Tables, functions and data stay where they are.", "db rename sales sales_2025"},

    {"table", "list", "[CATALOG.]DATABASE [PATTERN]", 1, 2, LIST_FLAGS | F(TYPE), do_list, "Lists the tables of a database",
     "PATTERN is a glob: * for any characters, | between alternatives.",
     "table list sales\ntable list sales 'ord*' -o name\ntable list sales --type VIRTUAL_VIEW -o wide"},
    {"table", "get", "[CATALOG.]DATABASE.TABLE", 1, 1, F(VERSION) | F(AS_OF), do_get, "Shows a table, now or as it was", NULL,
     "table get sales.orders\ntable get sales.orders -o yaml\ntable get sales.orders --version 3\ntable get sales.orders --as-of 2d"},
    {"table", "create", "[CATALOG.]DATABASE.TABLE", 1, 1,
     MAKE_FLAGS | F(COLUMN) | F(PARTITION_KEY) | F(LOCATION) | F(FORMAT) | F(PARAM) | F(SERDE_PARAM) | F(TYPE) | F(OWNER),
     do_create, "Creates a table", FORMATS_TEXT,
     "table create sales.orders -c 'id bigint' -c 'note string free text of the clerk' -k 'day date' --format parquet\n"
     "table create sales.raw --type EXTERNAL_TABLE -c 'line string' --format csv --location s3://lake/raw \\\n"
     "    --serde-param separatorChar=';' --param skip.header.line.count=1\n"
     "table create sales.orders -f orders.yaml"},
    APPLY_ROW("table", "tables",
              "table apply -f orders.yaml\ntable get sales.orders -o yaml | propolis table apply -f - --dry-run"),
    {"table", "drop", "[CATALOG.]DATABASE.TABLE...", 1, ARGS_MANY, DROP_FLAGS | F(KEEP_DATA), do_drop, "Drops tables",
     "The data of a managed table is deleted as well unless --keep-data is given. `propolis table undrop` brings the definition back "
     "with its partitions while retention lasts.",
     "table drop sales.orders\ntable drop sales.tmp1 sales.tmp2 --if-exists --keep-data"},
    {"table", "rename", "[CATALOG.]DATABASE.TABLE NEW", 2, 2, F(IF_MATCH), do_rename, "Renames a table, also into another database",
     "NEW is a table name, or DATABASE.TABLE.", "table rename sales.orders orders_2025\ntable rename sales.orders archive.orders"},
    {"table", "history", "[CATALOG.]DATABASE.TABLE", 1, 1, LIST_FLAGS, do_table_history,
     "Lists the versions of a table, newest first",
     "Versions that changed nothing, or only the metadata pointer of an Iceberg table, are shown with --all.",
     "table history sales.orders\ntable history sales.orders --all -n 20 -o json"},
    {"table", "diff", "[CATALOG.]DATABASE.TABLE [FROM [TO]]", 1, 3, 0, do_table_diff, "Shows what changed between two versions",
     "Without numbers: between the last two versions; with one: from that one to the current. Changes that break readers are marked.",
     "table diff sales.orders\ntable diff sales.orders 3\ntable diff sales.orders 3 5 -o json"},
    {"table", "restore", "[CATALOG.]DATABASE.TABLE", 1, 1, F(TO) | F(MOVE_POINTER) | F(IF_MATCH), do_table_restore,
     "Makes an older version the current one", "Restoring writes a new version; nothing is lost.",
     "table restore sales.orders --to 3"},
    {"table", "as-of", "[CATALOG.]DATABASE.TABLE TIME", 2, 2, 0, do_table_as_of, "Shows a table as it was at a time",
     "TIME is 2026-11-21T10:00:00Z, 2026-11-21, or an age: 90s, 15m, 3h, 2d. A name dropped and made again is followed.",
     "table as-of sales.orders 2026-11-01\ntable as-of sales.orders 3h -o yaml"},
    {"table", "undrop", "[CATALOG.]DATABASE.TABLE", 1, 1, F(INCARNATION) | F(NAME) | F(MOVE_POINTER), do_table_undrop,
     "Brings a dropped table back with its partitions", NULL,
     "table undrop sales.orders\ntable undrop sales.orders --incarnation 17 --name orders_old"},
    {"table", "dropped", "[CATALOG.]DATABASE", 1, 1, LIST_FLAGS, do_table_dropped, "Lists dropped tables that can be brought back",
     NULL, "table dropped sales"},

    {"partition", "list", "[CATALOG.]DATABASE.TABLE", 1, 1, LIST_FLAGS | F(FILTER) | F(GRAMMAR), do_partition_list,
     "Lists the partitions of a table", NULL,
     "partition list sales.orders\npartition list sales.orders --filter \"day >= '2026-01-01'\" -o name"},
    {"partition", "count", "[CATALOG.]DATABASE.TABLE", 1, 1, F(FILTER) | F(GRAMMAR), do_partition_count, "Counts partitions", NULL,
     "partition count sales.orders --filter \"day >= '2026-01-01'\""},
    {"partition", "get", "[CATALOG.]DATABASE.TABLE PARTITION", 2, 2, 0, do_partition_get, "Shows a partition", NULL,
     "partition get sales.orders day=2026-11-21"},
    {"partition", "create", "[CATALOG.]DATABASE.TABLE PARTITION...", 2, ARGS_MANY, F(LOCATION) | F(PARAM) | F(IF_NOT_EXISTS),
     do_partition_create, "Adds partitions",
     "PARTITION is key=value/key=value as in its directory (% escapes as there). --location is for a single one.",
     "partition create sales.orders day=2026-11-21\n"
     "partition create sales.orders day=2026-11-21/hour=10 --location s3://lake/x --if-not-exists"},
    APPLY_ROW("partition", "partitions", "partition apply -f partitions.yaml"),
    {"partition", "drop", "[CATALOG.]DATABASE.TABLE [PARTITION...]", 1, ARGS_MANY,
     F(FILTER) | F(GRAMMAR) | F(IF_EXISTS) | F(KEEP_DATA), do_partition_drop, "Drops partitions by name or by filter",
     "The data of a managed table's partitions is deleted as well unless --keep-data is given.",
     "partition drop sales.orders day=2020-01-01\npartition drop sales.orders --filter \"day < '2020-01-01'\""},
    {"partition", "rename", "[CATALOG.]DATABASE.TABLE PARTITION NEW", 3, 3, 0, do_partition_rename,
     "Gives a partition other values", NULL, "partition rename sales.orders day=2026-11-21 day=2026-11-22"},
    {"partition", "history", "[CATALOG.]DATABASE.TABLE PARTITION", 2, 2, LIST_FLAGS, do_partition_history,
     "Shows who added, altered or dropped a partition, and when", NULL, "partition history sales.orders day=2026-11-21"},
    {"partition", "restore", "[CATALOG.]DATABASE.TABLE PARTITION", 2, 2, F(TO), do_partition_restore,
     "Brings a dropped or altered partition back",
     "--to takes a number of `propolis partition history`; without it, the last state.",
     "partition restore sales.orders day=2026-11-21"},

    {"function", "list", "[CATALOG.]DATABASE [PATTERN]", 1, 2, LIST_FLAGS, do_list, "Lists the functions of a database", NULL,
     "function list default"},
    {"function", "get", "[CATALOG.]DATABASE.FUNCTION", 1, 1, 0, do_get, "Shows a function", NULL, "function get default.mask"},
    {"function", "create", "[CATALOG.]DATABASE.FUNCTION", 1, 1, F(FILE) | F(IF_NOT_EXISTS) | F(CLASS) | F(RESOURCE) | F(OWNER),
     do_create, "Creates a function", NULL,
     "function create default.mask --class com.example.Mask --resource jar=s3://lake/jars/mask.jar"},
    APPLY_ROW("function", "functions", "function apply -f functions.yaml"),
    {"function", "drop", "[CATALOG.]DATABASE.FUNCTION...", 1, ARGS_MANY, DROP_FLAGS, do_drop, "Drops functions", NULL,
     "function drop default.mask"},
    {"function", "rename", "[CATALOG.]DATABASE.FUNCTION NEW", 2, 2, F(IF_MATCH), do_rename, "Renames a function", NULL,
     "function rename default.mask mask_old"},

    {"connection", "list", "[PATTERN]", 0, 1, LIST_FLAGS, do_list, "Lists the connections", NULL, "connection list"},
    {"connection", "get", "[CATALOG.]CONNECTION", 1, 1, F(WITH_SECRETS), do_get, "Shows a connection, without its secrets", NULL,
     "connection get warehouse_db"},
    {"connection", "create", "[CATALOG.]CONNECTION", 1, 1, MAKE_FLAGS | F(TYPE) | F(PROPERTY), do_create, "Creates a connection",
     "Secrets come from files: --property PASSWORD=@FILE (or @- for standard input). A secret given as KEY=VALUE is refused.",
     "connection create warehouse_db --type JDBC --property JDBC_CONNECTION_URL=jdbc:postgresql://db/sales \\\n"
     "    --property USERNAME=reader --property PASSWORD=@/run/secrets/db"},
    APPLY_ROW("connection", "connections", "connection apply -f connections.yaml"),
    {"connection", "drop", "[CATALOG.]CONNECTION...", 1, ARGS_MANY, DROP_FLAGS, do_drop, "Drops connections", NULL,
     "connection drop warehouse_db"},
    {"connection", "rename", "[CATALOG.]CONNECTION NEW", 2, 2, F(IF_MATCH), do_rename, "Renames a connection", NULL,
     "connection rename warehouse_db old_db"},
    {"connection", "test", "[CATALOG.]CONNECTION", 1, 1, 0, do_connection_test,
     "Tries a connection; exit code 7 when it does not work", NULL, "connection test warehouse_db"},
    {"connection", "types", "", 0, 0, 0, do_connection_types, "Lists the types of connections and their properties", NULL,
     "connection types -o yaml"},

    {"stats", "get", "[CATALOG.]DATABASE.TABLE", 1, 1, F(COLUMN) | F(ENGINE), do_stats_get, "Shows column statistics", NULL,
     "stats get sales.orders\nstats get sales.orders -c id -c note -o json"},
    {"constraint", "list", "[CATALOG.]DATABASE.TABLE", 1, 1, LIST_FLAGS, do_constraint_list, "Lists the constraints of a table",
     NULL, "constraint list sales.orders"},
    {"constraint", "add", "[CATALOG.]DATABASE.TABLE", 1, 1, F(FILE), do_constraint_add, "Adds a constraint from a file", NULL,
     "constraint add sales.orders -f key.yaml"},
    {"constraint", "drop", "[CATALOG.]DATABASE.TABLE NAME", 2, 2, F(IF_EXISTS), do_constraint_drop, "Drops a constraint", NULL,
     "constraint drop sales.orders pk_orders"},
    {"tag", "get", "NAME", 1, 1, F(KIND), do_tag_get, "Shows the tags of a table, database or connection",
     "A name with a dot is a table, another one a database; --kind db or connection says otherwise.", "tag get sales.orders"},
    {"tag", "set", "NAME KEY=VALUE...", 2, ARGS_MANY, F(KIND), do_tag_set, "Sets tags; KEY= removes one", NULL,
     "tag set sales.orders pii=yes owner=anna\ntag set warehouse_db team= --kind connection"},

    {"user", "list", "", 0, 0, LIST_FLAGS, do_user_list, "Lists the users", NULL, "user list"},
    {"user", "create", "USER", 1, 1, F(ADMIN) | F(PASSWORD_STDIN) | F(NO_PASSWORD), do_user_create, "Creates a user",
     "The password is asked on the terminal, or read from standard input.",
     "user create anna\nuser create robot --no-password\nuser create root --admin --password-stdin < password.txt"},
    {"user", "revoke", "USER...", 1, ARGS_MANY, F(IF_EXISTS), do_user_revoke, "Removes users with all their tokens", NULL,
     "user revoke anna"},
    {"token", "list", "[USER]", 0, 1, LIST_FLAGS, do_token_list,
     "Lists the tokens of a user (your own without USER), never their secret", "Those of others need an administrator.",
     "token list\ntoken list anna"},
    {"token", "create", "[USER]", 0, 1, F(NAME) | F(EXPIRES), do_token_create,
     "Makes a token and prints it, this once, on standard output",
     "For USER, or for yourself without it. For others it needs an administrator. Logged in with a token that ends, --expires must not "
     "be later, unless you are an administrator.",
     "token create --name laptop > ~/.config/propolis/token\ntoken create robot --name nightly --expires 90d"},
    {"token", "revoke", "USER TOKEN-ID...", 2, ARGS_MANY, F(IF_EXISTS), do_token_revoke, "Ends tokens at once", NULL,
     "token revoke robot 7f9c2ba4-e88f-4a27-9ff3-c52d45d4a7b3"},

    {NULL, "search", "WORDS...", 0, ARGS_MANY, LIST_FLAGS | F(KIND) | F(DATABASE) | F(TYPE) | F(HAS_COLUMN) | F(PARAM),
     do_search_run, "Finds objects by name, description, column, parameter", NULL,
     "search customer address\nsearch --has-column email -o name\nsearch orders --kind table --param table_type=ICEBERG"},
    {NULL, "changes", "", 0, 0, LIST_FLAGS | F(FOLLOW) | F(AFTER) | F(KIND) | F(DATABASE) | F(OBJECT) | F(PRINCIPAL),
     do_changes_show, "Shows who changed what, oldest first",
     "Without --after: the last 100. With --follow: goes on with every change as it happens, and reconnects when the server was away.",
     "changes\nchanges --follow\nchanges --after 1200 --database sales --kind table -o ndjson"},
    {NULL, "export", "[NAME...]", 0, ARGS_MANY, F(PARTITIONS) | F(KIND), do_export_objects,
     "Writes definitions as YAML that `propolis apply` takes back",
     "NAME is a database or a table (--kind catalog: a catalog); without one, the whole catalog of --catalog. Tags and "
     "constraints are in it; secrets, statistics and history are not.",
     "export sales > sales.yaml\nexport sales.orders --partitions\nexport | propolis apply -f - --server http://other:8181"},
    {NULL, "apply", "", 0, 0, APPLY_FLAGS, do_apply_files, "Creates or replaces whatever a file defines",
     "The file has one YAML document or JSON object an object, each with `kind`: catalog, database, table, partition, partitions, "
     "function or connection. What is the same already is left alone, and so are tags and constraints "
     "of which a definition says nothing; `tags: {}` and `constraints: []` take them away.",
     "apply -f sales.yaml\napply -f - --dry-run < sales.yaml"},
    {NULL, "whoami", "", 0, 0, 0, do_whoami_show, "Shows who the server takes you for", NULL, "whoami"},
    {NULL, "doctor", "", 0, 0, 0, do_doctor_run, "Checks the server and what it stands on; exit code 7 when something fails", NULL,
     "doctor\ndoctor -o json"},
    {NULL, "completion", "bash|zsh|fish", 1, 1, 0, do_completion_script, "Prints the completion script of a shell", NULL,
     "completion bash > /etc/bash_completion.d/propolis\ncompletion zsh > ~/.zfunc/_propolis\n"
     "completion fish > ~/.config/fish/completions/propolis.fish"},
    {NULL, "help", "[NOUN [VERB]]", 0, 2, F(MARKDOWN), do_help_run, "Shows help", NULL,
     "help\nhelp table create\nhelp --markdown > docs/cli.md"},
    {NULL, "__complete", "", 0, ARGS_MANY, 0, do_completion_words, NULL, NULL, NULL},
    {NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL},
};

static const struct {
    const char *said, *meant;
} SYNONYMS[] = {{"database", "db"}, {"schema", "db"}, {"view", "table"},       {"part", "partition"},
                {"ls", "list"},     {"show", "get"},  {"describe", "get"},     {"delete", "drop"},
                {"rm", "drop"},     {"mv", "rename"}, {"statistics", "stats"}, {"log", "history"}};

static Str without_synonym(Str word) {
    for (size_t i = 0; i < ARRAY_LEN(SYNONYMS); i++) {
        if (str_eq(word, str_from(SYNONYMS[i].said))) {
            return str_from(SYNONYMS[i].meant);
        }
    }
    return word;
}

static const char *exact_noun(Str word) {
    for (const NounInfo *n = NOUNS; n->name; n++) {
        if (str_eq(word, str_from(n->name))) {
            return n->name;
        }
    }
    return NULL;
}

const char *noun_find(Str word) {
    const char *found = exact_noun(without_synonym(word));
    if (!found && str_ends(word, STR("s"))) {
        found = exact_noun(without_synonym(str_slice(word, 0, word.len - 1)));
    }
    return found;
}

static const Verb *exact_verb(const char *noun, Str name) {
    for (const Verb *v = VERBS; v->name; v++) {
        bool same_noun = noun ? v->noun && strcmp(noun, v->noun) == 0 : !v->noun;
        if (same_noun && str_eq(name, str_from(v->name))) {
            return v;
        }
    }
    return NULL;
}

const Verb *verb_find(Str noun, Str name) {
    const char *proper = str_is_null(noun) ? NULL : noun_find(noun);
    if (!str_is_null(noun) && !proper) {
        return NULL;
    }
    const Verb *found = exact_verb(proper, name);
    return found || !proper ? found : exact_verb(proper, without_synonym(name));
}

/* Letters in another order, as in "gte" for get, are farther apart than nearest_word() goes. */
static bool is_shuffled(Str a, Str b) {
    int counts[256] = {0};
    for (size_t i = 0; i < a.len && a.len == b.len; i++) {
        counts[(unsigned char)a.ptr[i]]++;
        counts[(unsigned char)b.ptr[i]]--;
    }
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (counts[i]) {
            return false;
        }
    }
    return a.len == b.len;
}

const char *verb_near(const char *noun, Str name) {
    const char *words[128];
    size_t count = 0;
    for (const Verb *v = VERBS; v->name; v++) {
        bool same_noun = noun ? v->noun && strcmp(noun, v->noun) == 0 : !v->noun && v->summary;
        if (same_noun && count + 1 < ARRAY_LEN(words)) {
            words[count++] = v->name;
        }
    }
    for (const NounInfo *n = NOUNS; !noun && n->name && count + 1 < ARRAY_LEN(words); n++) {
        words[count++] = n->name;
    }
    words[count] = NULL;
    const char *near = nearest_word(name, words);
    for (size_t i = 0; i < count && !near; i++) {
        near = is_shuffled(name, str_from(words[i])) ? words[i] : NULL;
    }
    return near;
}
