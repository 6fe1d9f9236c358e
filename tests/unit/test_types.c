#include "catalog/types.h"
#include "tests/unit/unit.h"

static Str canonical(const char *text) {
    Err err;
    const Type *type;
    assert_ok(type_parse(unit_arena(), str_from(text), &type, &err));
    return type_text(unit_arena(), type);
}

static void test_parse(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"INT", "int"},
        {" bigint ", "bigint"},
        {"integer", "int"},
        {"long", "bigint"},
        {"short", "smallint"},
        {"byte", "tinyint"},
        {"bool", "boolean"},
        {"double precision", "double"},
        {"decimal", "decimal(10,0)"},
        {"DECIMAL ( 38 , 18 )", "decimal(38,18)"},
        {"numeric(5)", "decimal(5,0)"},
        {"char(10)", "char(10)"},
        {"varchar(65535)", "varchar(65535)"},
        {"varchar", "varchar"},
        {"timestamp with local time zone", "timestamp with local time zone"},
        {"TIMESTAMP WITH TIME ZONE", "timestamp with time zone"},
        {"timestamplocaltz", "timestamp with local time zone"},
        {"array<int>", "array<int>"},
        {"map<string,array<int>>", "map<string,array<int>>"},
        {"struct<a:int,b:struct<c:string>>", "struct<a:int,b:struct<c:string>>"},
        {"struct<>", "struct<>"},
        {"uniontype<int,string>", "uniontype<int,string>"},
        {"struct<`a b`:int,`x``y`:int>", "struct<a b:int,x`y:int>"},
        {"struct<$a-b.c:int , 1x : string>", "struct<$a-b.c:int,1x:string>"},
        {"struct<a:int comment 'it''s \\'x\\'',b:int>", "struct<a:int,b:int>"},
        {"struct<comment:int>", "struct<comment:int>"},
        {"interval_day_time", "interval_day_time"},
        {"struct<ä:int>", "struct<ä:int>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_str(canonical(cases[i][0]), cases[i][1]);
    }
    Err err;
    const Type *type;
    assert_ok(type_parse(unit_arena(), STR("struct<a:int COMMENT 'it''s \\'x\\''>"), &type, &err));
    assert_str(type->fields[0].comment, "it's 'x'");
    assert_int_equal(type->field_count, 1);
}

static void test_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "type name expected at character 1"},
        {"foo", "type name expected"},
        {"int x", "end of the type expected at character 5"},
        {"array", "'<' expected"},
        {"array<int", "'>' expected at character 10"},
        {"array<int,int>", "an array takes one type"},
        {"map<int>", "a map takes two"},
        {"decimal(39)", "a number from 1 to 38"},
        {"decimal(5,6)", "a number from 0 to 5"},
        {"char(256)", "1 to 255"},
        {"varchar(0)", "1 to 65535"},
        {"struct<a int>", "':' expected"},
        {"struct<:int>", "field name expected"},
        {"struct<`a:int>", "closing back quote"},
        {"timestamp with", "'time zone' expected"},
        {"struct<a:int comment x>", "quoted comment"},
        {"struct<a:int comment 'x>", "closing quote"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Err err;
        const Type *type;
        assert_err_says(type_parse(unit_arena(), str_from(cases[i][0]), &type, &err), ERR_INVALID_TYPE, cases[i][1]);
    }
    assert_int_equal(type_kind(STR("nonsense")), TYPE_UNKNOWN);
    assert_int_equal(type_kind(STR("Varchar(3)")), TYPE_VARCHAR);
}

static void test_depth(void **state) {
    (void)state;
    for (size_t depth = TYPE_MAX_DEPTH - 1; depth <= 10000; depth += depth < TYPE_MAX_DEPTH ? 1 : 9000) {
        CLEANUP(buf_free) Buf text = BUF_INIT(1 << 20);
        for (size_t i = 0; i < depth; i++) {
            buf_add_cstr(&text, "array<");
        }
        buf_add_cstr(&text, "int");
        for (size_t i = 0; i < depth; i++) {
            buf_add_char(&text, '>');
        }
        Err err;
        const Type *type;
        assert_int_equal(type_parse(unit_arena(), buf_str(&text), &type, &err), depth < TYPE_MAX_DEPTH);
    }
}

static void test_first_token(void **state) {
    (void)state;
    static const char *const good[] = {"int",
                                       "decimal(99,99)",
                                       "timestamp with local time zone",
                                       "array<nonsense>",
                                       "struct<",
                                       "varchar",
                                       "integer",
                                       "numeric",
                                       "i64",
                                       "list<x>",
                                       "columns",
                                       "<derived from deserializer>",
                                       "uniontype<>",
                                       "void"};
    static const char *const bad[] = {"", "INT", "Int", "foo", "int1", " int", "long", "interval", "<x>"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(types_check_first_token(str_from(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (types_check_first_token(str_from(bad[i]))) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void test_change(void **state) {
    (void)state;
    static const struct {
        const char *old, *new;
        TypeFormat format;
        TypeChange want;
    } cases[] = {
        {"int", "int", FORMAT_PARQUET, TYPE_CHANGE_NONE},
        {"int", "INTEGER", FORMAT_PARQUET, TYPE_CHANGE_COSMETIC},
        {"struct<a:int>", "struct<A:int>", FORMAT_ORC, TYPE_CHANGE_COSMETIC},
        {"int", "bigint", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"bigint", "int", FORMAT_TEXT, TYPE_CHANGE_BREAKING},
        {"int", "double", FORMAT_PARQUET, TYPE_CHANGE_ENGINE},
        {"int", "double", FORMAT_AVRO, TYPE_CHANGE_SAFE},
        {"float", "double", FORMAT_UNKNOWN, TYPE_CHANGE_SAFE},
        {"double", "float", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
        {"int", "decimal(12,2)", FORMAT_PARQUET, TYPE_CHANGE_ENGINE},
        {"int", "decimal(5,2)", FORMAT_ORC, TYPE_CHANGE_BREAKING},
        {"decimal(10,2)", "decimal(12,3)", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"decimal(10,2)", "decimal(11,4)", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
        {"decimal(10,2)", "decimal(12,3)", FORMAT_AVRO, TYPE_CHANGE_BREAKING},
        {"int", "string", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
        {"int", "string", FORMAT_TEXT, TYPE_CHANGE_SAFE},
        {"string", "int", FORMAT_TEXT, TYPE_CHANGE_ENGINE},
        {"string", "int", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
        {"varchar(5)", "varchar(9)", FORMAT_ORC, TYPE_CHANGE_SAFE},
        {"varchar(9)", "varchar(5)", FORMAT_ORC, TYPE_CHANGE_BREAKING},
        {"string", "binary", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"string", "binary", FORMAT_ORC, TYPE_CHANGE_BREAKING},
        {"date", "timestamp", FORMAT_PARQUET, TYPE_CHANGE_ENGINE},
        {"timestamp", "date", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
        {"int", "array<int>", FORMAT_JSON, TYPE_CHANGE_BREAKING},
        {"array<int>", "array<bigint>", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"map<int,int>", "map<bigint,int>", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
        {"map<string,int>", "map<string,bigint>", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"struct<a:int>", "struct<a:int,b:int>", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"struct<a:int>", "struct<b:int,a:int>", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"struct<a:int>", "struct<b:int,a:int>", FORMAT_TEXT, TYPE_CHANGE_BREAKING},
        {"struct<a:int,b:int>", "struct<b:int,a:int>", FORMAT_PARQUET, TYPE_CHANGE_COSMETIC},
        {"struct<a:int,b:int>", "struct<b:int,a:int>", FORMAT_ORC, TYPE_CHANGE_BREAKING},
        {"struct<a:int,b:int>", "struct<a:int>", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
        {"void", "struct<a:int>", FORMAT_PARQUET, TYPE_CHANGE_SAFE},
        {"weird", "WEIRD", FORMAT_PARQUET, TYPE_CHANGE_COSMETIC},
        {"weird", "int", FORMAT_PARQUET, TYPE_CHANGE_BREAKING},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Str reason;
        TypeChange got = type_change_class(unit_arena(), str_from(cases[i].old), str_from(cases[i].new), cases[i].format, &reason);
        if (got != cases[i].want) {
            fail_msg("%s -> %s: %s, not %s (%.*s)", cases[i].old, cases[i].new, type_change_name(got),
                     type_change_name(cases[i].want), (int)reason.len, reason.ptr);
        }
    }
    Str reason;
    type_change_class(unit_arena(), STR("struct<a:array<struct<b:int>>>"), STR("struct<a:array<struct<b:tinyint>>>"), FORMAT_ORC,
                      &reason);
    assert_str(reason, "a.item.b: a narrower integer loses or refuses values");
    assert_int_equal(type_format_of(STR("org.apache.hadoop.mapred.TextInputFormat"), STR("org.openx.data.jsonserde.JsonSerDe")),
                     FORMAT_JSON);
    assert_int_equal(type_format_of(STR("org.apache.hadoop.hive.ql.io.orc.OrcInputFormat"), STR_NULL), FORMAT_ORC);
    assert_int_equal(type_format_of(STR("org.apache.hadoop.mapred.TextInputFormat"), STR_NULL), FORMAT_TEXT);
    assert_int_equal(type_format_of(STR_NULL, STR_NULL), FORMAT_UNKNOWN);
}

static void test_hive_compatible(void **state) {
    (void)state;
    static const struct {
        const char *old, *new;
        bool ok;
    } cases[] = {
        {"int", "bigint", true},
        {"bigint", "int", false},
        {"bigint", "decimal(5,0)", true},
        {"decimal(5,0)", "decimal(3,0)", true},
        {"decimal(5,0)", "float", true},
        {"int", "string", true},
        {"string", "int", false},
        {"string", "varchar(3)", true},
        {"date", "string", true},
        {"timestamp", "varchar(30)", true},
        {"struct<a:int>", "struct<b:string>", true},
        {"struct<a:int>", "string", false},
        {"void", "map<int,int>", true},
        {"boolean", "int", false},
        {"weird", "weird", true},
        {"weird", "int", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (type_hive_compatible(str_from(cases[i].old), str_from(cases[i].new)) != cases[i].ok) {
            fail_msg("%s -> %s", cases[i].old, cases[i].new);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_parse),       UNIT_TEST(test_refused), UNIT_TEST(test_depth),
        UNIT_TEST(test_first_token), UNIT_TEST(test_change),  UNIT_TEST(test_hive_compatible),
    };
    return UNIT_RUN("types", tests);
}
