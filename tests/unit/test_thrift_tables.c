#include "thrift/hms.h"

#include "unit.h"

static void test_counts(void **state) {
    (void)state;
    assert_int_equal(HMS_METHOD_COUNT, 311);
    assert_int_equal(HMS_STRUCT_COUNT, 340 + 2 * 311);
    assert_int_equal(HMS_ENUM_COUNT, 31);
}

static void test_methods_are_found(void **state) {
    (void)state;
    for (size_t i = 0; i < HMS_METHOD_COUNT; i++) {
        assert_ptr_equal(hms_method_find(str_from(hms_methods[i].name)), &hms_methods[i]);
    }
    assert_null(hms_method_find(STR("get_tabl")));
    assert_null(hms_method_find(STR("get_table2")));
    assert_null(hms_method_find(STR("")));
    const ThriftMethod *m = hms_method_find(STR("get_table"));
    assert_ptr_equal(m, &hms_methods[HMS_METHOD_GET_TABLE]);
    assert_ptr_equal(m->args, &hms_structs[HMS_STRUCT_GET_TABLE_ARGS]);
    assert_ptr_equal(m->reply, &hms_structs[HMS_STRUCT_GET_TABLE_REPLY]);
    assert_string_equal(m->until, "4.0.0");
    assert_true(hms_methods[HMS_METHOD_SHUTDOWN].oneway && !m->oneway);
}

static void check_field(const ThriftStruct *s, const ThriftField *f) {
    if (f->at >= s->bytes || f->has_at >= s->bytes || f->raw_at >= s->bytes || f->stream_at >= s->bytes) {
        fail_msg("%s.%s lies outside", s->name, f->name);
    }
    if (f > s->fields && f[-1].id >= f->id) {
        fail_msg("%s.%s is out of order", s->name, f->name);
    }
    if (f->required > s->required_count || thrift_field(s, f->id) != f) {
        fail_msg("%s.%s cannot be found", s->name, f->name);
    }
}

static void test_fields_are_sound(void **state) {
    (void)state;
    for (const ThriftStruct *s = hms_structs; s < hms_structs + HMS_STRUCT_COUNT; s++) {
        for (size_t i = 0; i < s->field_count; i++) {
            check_field(s, &s->fields[i]);
        }
    }
}

static void test_known_fields(void **state) {
    (void)state;
    const ThriftStruct *table = &hms_structs[HMS_STRUCT_TABLE], *reply = &hms_structs[HMS_STRUCT_GET_TABLE_REPLY];
    assert_int_equal(table->bytes, sizeof(HmsTable));
    assert_int_equal(thrift_field(table, 3)->at, offsetof(HmsTable, owner));
    assert_int_equal(thrift_field(table, 4)->has_at, offsetof(HmsTable, has_createTime));
    assert_ptr_equal(thrift_field(reply, 0)->type->of, table);
    assert_ptr_equal(thrift_field(reply, 2)->type->of, &hms_structs[HMS_STRUCT_NO_SUCH_OBJECT_EXCEPTION]);
    assert_true(thrift_field(reply, 2)->type->of->is_exception && !table->is_exception);
    assert_true(hms_structs[HMS_STRUCT_COLUMN_STATISTICS_DATA].is_union);
    assert_null(thrift_field(table, 999));
    const HmsDropPartitionsRequest *drop = hms_structs[HMS_STRUCT_DROP_PARTITIONS_REQUEST].initial;
    assert_true(drop->ifExists && drop->needResult && !drop->has_ifExists);
}

static void test_what_is_set(void **state) {
    (void)state;
    const ThriftStruct *s = &hms_structs[HMS_STRUCT_STORAGE_DESCRIPTOR];
    HmsStorageDescriptor sd = {.location = STR("")};
    assert_true(thrift_is_set(thrift_field(s, 2), &sd));
    assert_false(thrift_is_set(thrift_field(s, 1), &sd));
    sd.cols_raw = STR("x");
    assert_true(thrift_is_set(thrift_field(s, 1), &sd));
    assert_false(thrift_is_set(thrift_field(s, 5), &sd));
    THRIFT_SET(&sd, compressed, false);
    assert_true(thrift_is_set(thrift_field(s, 5), &sd));
}

static void test_enums(void **state) {
    (void)state;
    assert_int_equal(HMS_GET_TABLES_EXT_REQUEST_FIELDS_ALL, 2147483647);
    assert_string_equal(thrift_enum_name(&hms_enums[HMS_ENUM_PRINCIPAL_TYPE], HMS_PRINCIPAL_TYPE_ROLE), "ROLE");
    assert_null(thrift_enum_name(&hms_enums[HMS_ENUM_PRINCIPAL_TYPE], 77));
    assert_str(HMS_DDL_TIME, "transient_lastDdlTime");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_counts),       UNIT_TEST(test_methods_are_found), UNIT_TEST(test_fields_are_sound),
        UNIT_TEST(test_known_fields), UNIT_TEST(test_what_is_set),       UNIT_TEST(test_enums),
    };
    return UNIT_RUN("thrift_tables", tests);
}
