#include "server/rest/rest_noun.h"

/* --- members every noun has -------------------------------------------------------------------------------------- */

static int64_t id_of(const RestNoun *noun, const void *object) {
    int64_t id;
    memcpy(&id, (const char *)object + noun->id, sizeof id);
    return id;
}

static int64_t version_of(const RestNoun *noun, const void *object) {
    int64_t version;
    memcpy(&version, (const char *)object + noun->version, sizeof version);
    return version;
}

static Str name_of(const RestNoun *noun, const void *object) {
    Str name;
    memcpy(&name, (const char *)object + noun->name, sizeof name);
    return name;
}

static void set_name(const RestNoun *noun, void *object, Str name) { memcpy((char *)object + noun->name, &name, sizeof name); }

static void *new_object(const Request *r, const RestNoun *noun) { return arena_zalloc(r->arena, noun->size); }

/* --- answers ----------------------------------------------------------------------------------------------------- */

static bool write_object(Request *r, const RestNoun *noun, const void *object) {
    JsonWriter w = request_json(r);
    noun->json(&w, object);
    return true;
}

bool rest_noun_answer(Request *r, const RestNoun *noun, const void *object) {
    rest_etag(r, id_of(noun, object), version_of(noun, object));
    return write_object(r, noun, object);
}

bool rest_noun_items(Request *r, const RestNoun *noun, const void *items, size_t count, bool more) {
    Str last = count ? name_of(noun, (const char *)items + (count - 1) * noun->size) : STR_NULL;
    return rest_items(r, &(RestItems){items, count, noun->size, noun->json, more, last});
}

bool rest_noun_show(Request *r, const RestNoun *noun, const void *object) {
    return rest_not_modified(r, id_of(noun, object), version_of(noun, object)) || write_object(r, noun, object);
}

bool rest_noun_get(Request *r, const RestNoun *noun, Err *err) {
    void *object = new_object(r, noun);
    return noun->get(r, object, err) && rest_noun_show(r, noun, object);
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static bool create(Request *r, const RestNoun *noun, void *object, Err *err) {
    if (!noun->create(r, object, err)) {
        return false;
    }
    rest_created(r);
    return rest_noun_answer(r, noun, object);
}

bool rest_noun_create(Request *r, const RestNoun *noun, Err *err) {
    JsonAt body;
    void *object = new_object(r, noun);
    if (!rest_body(r, false, &body, err)) {
        return false;
    }
    JsonAt name = jr_member(&body, "name");
    return jr_required(&name, r->arena, err) && noun->read(&body, r->arena, object, err) && create(r, noun, object, err);
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

/* A body may repeat the name that its path gives, but not name another one. */
static bool same_name(Request *r, const RestNoun *noun, const JsonAt *body, Err *err) {
    Str path_name = r->path[noun->path_name], name = path_name;
    if (!noun->cased) {
        return rest_same_name(r, body, path_name, err);
    }
    return rest_member_str(r, body, "name", &name, err) && (str_eq(name, path_name) || rest_other_name(name, path_name, err));
}

static bool merge(RestEdit *edit, const void *before, JsonAt *ret, Err *err) {
    CLEANUP(buf_free) Buf text = BUF_INIT(SIZE_MAX);
    JsonWriter w = jw_new(&text);
    JsonAt patch = edit->noun->patch ? edit->noun->patch(edit->r, &edit->body) : edit->body;
    edit->noun->json(&w, before);
    return rest_merge(edit->r, buf_str(&text), &patch, ret, err);
}

bool rest_edit(RestEdit *edit, void *object, Err *err) {
    const RestNoun *noun = edit->noun;
    JsonAt document = edit->body;
    void *before = new_object(edit->r, noun);
    memcpy(before, object, noun->size);
    if ((edit->merge && !merge(edit, before, &document, err)) || !noun->read(&document, edit->r->arena, object, err)) {
        return false;
    }
    noun->keep(object, before);
    if (!edit->merge && noun->chosen) {
        noun->chosen(object, before);
    }
    return true;
}

static bool alter(RestEdit *edit, void *ret, Err *err) {
    return rest_if_match(edit->r, &edit->expect, err) && edit->noun->alter(edit->r, edit, ret, err);
}

/* What is not there is made, unless If-Match says that it was. */
bool rest_noun_put(Request *r, const RestNoun *noun, Err *err) {
    RestEdit edit = {.r = r, .noun = noun};
    void *object = new_object(r, noun);
    if (!rest_body(r, false, &edit.body, err) || !same_name(r, noun, &edit.body, err) ||
        !noun->read(&edit.body, r->arena, object, err)) {
        return false;
    }
    if (!rest_create_only(r)) {
        void *after = new_object(r, noun);
        if (alter(&edit, after, err)) {
            return rest_noun_answer(r, noun, after);
        }
        if (err->code != noun->missing || !str_is_null(r->http->headers[HTTP_IF_MATCH])) {
            return false;
        }
    }
    set_name(noun, object, r->path[noun->path_name]);
    return create(r, noun, object, err);
}

bool rest_noun_patch(Request *r, const RestNoun *noun, Err *err) {
    RestEdit edit = {.r = r, .noun = noun, .merge = true};
    void *after = new_object(r, noun);
    return rest_body(r, false, &edit.body, err) && same_name(r, noun, &edit.body, err) && alter(&edit, after, err) &&
           rest_noun_answer(r, noun, after);
}

static bool read_new_name(Request *r, const RestNoun *noun, const JsonAt *body, RestRename *ret, Err *err) {
    static const char *const HERE[] = {"name", NULL}, *const ANYWHERE[] = {"database", "name", NULL};
    if (!jr_only_members(body, r->arena, noun->moves ? ANYWHERE : HERE, err) || !rest_if_match(r, &ret->expect, err) ||
        !rest_member_str(r, body, "database", &ret->database, err) || !rest_member_str(r, body, "name", &ret->name, err)) {
        return false;
    }
    if (noun->moves && str_is_null(ret->name) && str_is_null(ret->database)) {
        return err_set(err, ERR_INVALID_INPUT, "name is missing: the new name of the %s (and database, to move it to another one).",
                       noun->kind);
    }
    JsonAt name = jr_member(body, "name");
    return noun->moves || jr_required(&name, r->arena, err);
}

bool rest_noun_rename(Request *r, const RestNoun *noun, Err *err) {
    JsonAt body;
    RestRename to = {.name = STR_NULL};
    void *after = new_object(r, noun);
    return rest_body(r, false, &body, err) && read_new_name(r, noun, &body, &to, err) && noun->rename(r, &to, after, err) &&
           rest_noun_answer(r, noun, after);
}

bool rest_noun_drop(Request *r, const RestNoun *noun, Err *err) {
    Expect expect;
    return rest_if_match(r, &expect, err) && noun->drop(r, expect, err) && rest_no_content(r);
}
