#include "server/hms/creation.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "thrift/decode.h"
#include "thrift/encode.h"

#define MEMBER "hive.creation_metadata"
enum { FIELD = 16, MOST = 64 * 1024 * 1024, DEPTH = 64 };

bool hms_creation_keep(Arena *arena, const HmsTable *table, Str *ret_extra, Err *err) {
    Str bytes;
    *ret_extra = STR_NULL;
    if (!table->creationMetadata) {
        return true;
    }
    if (!thrift_encode_raw(THRIFT_BINARY, &hms_structs[HMS_STRUCT_TABLE], FIELD, table, arena, &bytes, err)) {
        return false;
    }
    CLEANUP(buf_free) Buf base64 = BUF_INIT(MOST);
    CLEANUP(buf_free) Buf text = BUF_INIT(MOST);
    buf_add_base64(&base64, bytes, false);
    JsonWriter w = jw_new(&text);
    jw_object_begin(&w);
    jw_put_str(&w, MEMBER, buf_str(&base64));
    jw_object_end(&w);
    *ret_extra = arena_str(arena, buf_str(&text));
    return buf_check(&base64, "The view's creation metadata", err) && buf_check(&text, "The view's creation metadata", err);
}

/* What cannot be read (somebody may have written it by hand) is as good as nothing. */
HmsCreationMetadata *hms_creation_read(Arena *arena, const Table *table) {
    if (str_is_null(table->extra) || str_find(table->extra, STR(MEMBER)) == SIZE_MAX) {
        return NULL;
    }
    CLEANUP(buf_free) Buf bytes = BUF_INIT(MOST);
    json_t *tree;
    Err ignored;
    if (!jr_parse(arena, table->extra, DEPTH, &tree, &ignored)) {
        return NULL;
    }
    Str text = str_from(json_string_value(json_object_get(tree, MEMBER)));
    if (str_is_null(text) || !base64_decode(text, &bytes)) {
        return NULL;
    }
    ThriftLimits limits = {.message_bytes = MOST, .string_bytes = MOST, .container_items = MOST, .depth = THRIFT_DEPTH_MAX};
    HmsCreationMetadata *ret = HMS_NEW(arena, HmsCreationMetadata, HMS_STRUCT_CREATION_METADATA);
    Str kept = arena_str(arena, buf_str(&bytes));
    return thrift_decode(kept, THRIFT_BINARY, &limits, &hms_structs[HMS_STRUCT_CREATION_METADATA], arena, ret, &ignored) ? ret
                                                                                                                         : NULL;
}
