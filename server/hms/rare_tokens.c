/* Delegation tokens and the keys they are signed with, which Hive's other servers keep here. They are secrets: sealed, for
 * administrators, and nothing of them is in the change log. Most of these methods declare no exception, so what is not there is
 * answered as such. */
#include "server/hms/rare.h"

static const ThingKind TOKENS = {.name = "delegation_token", .sealed = true, .admin = true};
static const ThingKind KEYS = {.name = "master_key", .sealed = true, .admin = true};

typedef struct Secret {
    Str key, text;
    int64_t number;
    bool done; /* added, found or removed */
    ThingList list;
} Secret;

static Secret secret_named(HmsCall *call, Str name, Str text) {
    return (Secret){.key = thing_key(call->arena, 1, &name), .text = text};
}

/* ---- tokens ----------------------------------------------------------------------------------------------------- */

static bool add_token_body(Things *things, void *arg, Err *err) {
    Secret *token = arg;
    int64_t number;
    if (!thing_add(things, &TOKENS, token->key, token->text, &number, err)) {
        return false;
    }
    token->done = number != 0;
    return true;
}

bool add_token(HmsCall *call, const void *args, void *reply, Err *err) {
    const HmsAddTokenArgs *a = args;
    Secret token = secret_named(call, a->token_identifier, a->delegation_token);
    bool given = !str_is_empty(a->token_identifier) && !str_is_empty(a->delegation_token);
    if (given && !things_change(&call->ctx, &TOKENS, ACTION_CREATE, add_token_body, &token, err)) {
        return false;
    }
    THRIFT_SET((HmsAddTokenReply *)reply, success, token.done);
    return true;
}

static bool remove_token_body(Things *things, void *arg, Err *err) {
    Secret *token = arg;
    return thing_remove(things, &TOKENS, token->key, &token->done, err);
}

bool remove_token(HmsCall *call, const void *args, void *reply, Err *err) {
    Str name = ((const HmsRemoveTokenArgs *)args)->token_identifier;
    Secret token = secret_named(call, name, STR_NULL);
    if (!str_is_empty(name) && !things_change(&call->ctx, &TOKENS, ACTION_DROP, remove_token_body, &token, err)) {
        return false;
    }
    THRIFT_SET((HmsRemoveTokenReply *)reply, success, token.done);
    return true;
}

static bool get_token_body(Things *things, void *arg, Err *err) {
    Secret *token = arg;
    Thing thing = {.body = STR_INIT("")};
    bool found;
    if (!thing_find(things, &TOKENS, token->key, &found, &thing, err)) {
        return false;
    }
    token->text = thing.body;
    return true;
}

/* "" when there is none, which Hive's servers take as that. */
bool get_token(HmsCall *call, const void *args, void *reply, Err *err) {
    Str name = ((const HmsGetTokenArgs *)args)->token_identifier;
    Secret token = secret_named(call, name, STR(""));
    if (!str_is_empty(name) && !things_read(&call->ctx, &TOKENS, get_token_body, &token, err)) {
        return false;
    }
    ((HmsGetTokenReply *)reply)->success = token.text;
    return true;
}

static bool list_tokens_body(Things *things, void *arg, Err *err) {
    return thing_list(things, &TOKENS, STR(""), &((Secret *)arg)->list, err);
}

bool get_all_token_identifiers(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    Secret all = {0};
    if (!things_read(&call->ctx, &TOKENS, list_tokens_body, &all, err)) {
        return false;
    }
    StrList *names = &((HmsGetAllTokenIdentifiersReply *)reply)->success;
    *names = (StrList){ARENA_ARRAY(call->arena, Str, all.list.count), all.list.count};
    for (size_t i = 0; i < all.list.count; i++) {
        names->items[i] = thing_key_last(call->arena, all.list.items[i].key);
    }
    return true;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static Secret key_numbered(HmsCall *call, int64_t number, Str text) {
    return secret_named(call, arena_printf(call->arena, "%010lld", (long long)number), text);
}

static bool add_key_body(Things *things, void *arg, Err *err) {
    Secret *key = arg;
    int64_t taken;
    if (!thing_number(things, &key->number, err)) {
        return false;
    }
    Str name = arena_printf(things->ctx->arena, "%010lld", (long long)key->number);
    return thing_add(things, &KEYS, thing_key(things->ctx->arena, 1, &name), key->text, &taken, err);
}

bool add_master_key(HmsCall *call, const void *args, void *reply, Err *err) {
    Secret key = {.text = ((const HmsAddMasterKeyArgs *)args)->key};
    if (!hms_given(call, key.text, "Key", err) || !things_change(&call->ctx, &KEYS, ACTION_CREATE, add_key_body, &key, err)) {
        return false;
    }
    THRIFT_SET((HmsAddMasterKeyReply *)reply, success, (int32_t)key.number);
    return true;
}

static bool update_key_body(Things *things, void *arg, Err *err) {
    Secret *key = arg;
    Thing old;
    return thing_find(things, &KEYS, key->key, &key->done, &old, err) &&
           (!key->done || thing_put(things, &KEYS, key->key, key->text, err));
}

bool update_master_key(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)reply;
    const HmsUpdateMasterKeyArgs *a = args;
    Secret key = key_numbered(call, a->seq_number, a->key);
    if (!hms_given(call, a->key, "Key", err) || !things_change(&call->ctx, &KEYS, ACTION_ALTER, update_key_body, &key, err)) {
        return false;
    }
    return key.done || hms_throw(call, HMS_NO_SUCH_OBJECT, err, "No key found with keyId: %d", (int)a->seq_number);
}

static bool remove_key_body(Things *things, void *arg, Err *err) {
    Secret *key = arg;
    return thing_remove(things, &KEYS, key->key, &key->done, err);
}

bool remove_master_key(HmsCall *call, const void *args, void *reply, Err *err) {
    Secret key = key_numbered(call, ((const HmsRemoveMasterKeyArgs *)args)->key_seq, STR_NULL);
    if (!things_change(&call->ctx, &KEYS, ACTION_DROP, remove_key_body, &key, err)) {
        return false;
    }
    THRIFT_SET((HmsRemoveMasterKeyReply *)reply, success, key.done);
    return true;
}

static bool list_keys_body(Things *things, void *arg, Err *err) {
    return thing_list(things, &KEYS, STR(""), &((Secret *)arg)->list, err);
}

bool get_master_keys(HmsCall *call, const void *args, void *reply, Err *err) {
    (void)args;
    Secret all = {0};
    if (!things_read(&call->ctx, &KEYS, list_keys_body, &all, err)) {
        return false;
    }
    StrList *keys = &((HmsGetMasterKeysReply *)reply)->success;
    *keys = (StrList){ARENA_ARRAY(call->arena, Str, all.list.count), all.list.count};
    for (size_t i = 0; i < all.list.count; i++) {
        keys->items[i] = all.list.items[i].body;
    }
    return true;
}
