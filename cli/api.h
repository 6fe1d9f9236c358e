/* Calls of the REST API as the handlers make them: JSON in, JSON out, pages walked. */
#ifndef PROPOLIS_CLI_API_H
#define PROPOLIS_CLI_API_H

#include "cli/names.h"
#include "cli/run.h"

/* The connection, opened at the first use. */
bool api_open(Cli *cli, Err *err) WARN_UNUSED;

typedef struct ApiReply {
    json_t *value; /* NULL: no body */
    Str etag;
    long status;
} ApiReply;

bool api_get(Cli *cli, Str path, json_t **ret, Err *err) WARN_UNUSED;
/* BODY may be NULL; IF_MATCH null: whatever it is. RET may be NULL. */
bool api_send(Cli *cli, const char *method, Str path, const json_t *body, Str if_match, ApiReply *ret, Err *err) WARN_UNUSED;
/* The same with the memory of the answer in ARENA instead of the whole run's. */
bool api_send_in(Cli *cli, Arena *arena, const char *method, Str path, const json_t *body, Str if_match, ApiReply *ret,
                 Err *err) WARN_UNUSED;

/* Each item of a collection, page after page; a plain name comes as {"name": ...}. */
typedef bool (*ApiItem)(Cli *cli, json_t *item, void *arg, Err *err);
bool api_each(Cli *cli, Str path, int64_t limit, ApiItem fn, void *arg, Err *err) WARN_UNUSED;
/* A whole collection on standard output. CATALOG and DATABASE (null: none) are put into items that do not say theirs. */
bool api_list_of(Cli *cli, Str path, const View *view, Str catalog, Str database, Err *err) WARN_UNUSED;
bool api_list(Cli *cli, Str path, const View *view, Err *err) WARN_UNUSED;
/* A collection that comes in one piece. */
bool api_show_items(Cli *cli, Str path, const View *view, Err *err) WARN_UNUSED;
/* --limit as given, INT64_MAX with --all or when neither is there and NORMAL is 0. */
bool api_limit(Cli *cli, int64_t normal, int64_t *ret, Err *err) WARN_UNUSED;

/* 2026-11-21, a full time, or an age (3h); with FUTURE an age counts forward. As ISO 8601. */
bool cli_when_parse(Cli *cli, Str text, bool future, Str *ret, Err *err) WARN_UNUSED;

#endif
