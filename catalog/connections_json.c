#include "catalog/connections.h"

static const char *const OWN[] = {"catalog",    "name",          "type",        "description",  "properties",
                                  "status",     "status_reason", "updated_by",  "validated_at", "created_at",
                                  "updated_at", "version",       "incarnation", "has_secrets",  NULL};

void connection_json(JsonWriter *w, const Connection *c) {
    jw_object_begin(w);
    jw_put_str(w, "catalog", c->catalog);
    jw_put_str(w, "name", c->name);
    jw_put_i64(w, "incarnation", c->id);
    jw_put_i64(w, "version", c->version);
    jw_put_str(w, "type", c->type);
    jw_put_str(w, "description", c->description);
    jw_put_params(w, "properties", &c->properties);
    connection_more_json(w, c->more, CONNECTION_NAMES_REST);
    jw_put_bool(w, "has_secrets", c->has_secrets);
    jw_put_str(w, "status", c->status);
    jw_put_str(w, "status_reason", c->status_reason);
    jw_put_time(w, "validated_at", c->validated_at);
    jw_put_str(w, "updated_by", c->updated_by);
    jw_put_time(w, "created_at", c->created_at);
    jw_put_time(w, "updated_at", c->updated_at);
    jw_object_end(w);
}

bool connection_from_json(const JsonAt *at, Arena *arena, Connection *ret, Err *err) {
    Connection c = {.validated_at = MICROS_NONE, .created_at = MICROS_NONE, .updated_at = MICROS_NONE};
    JsonAt name = jr_member(at, "name"), type = jr_member(at, "type"), description = jr_member(at, "description"),
           properties = jr_member(at, "properties");
    json_t *open, *sealed;
    if (!jr_str(&name, arena, &c.name, err) || !jr_required(&type, arena, err) || !jr_str(&type, arena, &c.type, err) ||
        !jr_str(&description, arena, &c.description, err) || !jr_params(&properties, arena, &c.properties, err) ||
        !connection_more_split(at, CONNECTION_NAMES_REST, OWN, arena, &open, &sealed, err)) {
        return false;
    }
    c.more = connection_more_join(open, sealed, arena);
    *ret = c;
    return true;
}
