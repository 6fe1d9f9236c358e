/* What reaches the terminal: widths, harmless text, tables, formats, and events out of a stream. */
#include "cli/output.h"
#include "cli/sse.h"
#include "cli/text.h"
#include "tests/unit/unit.h"

static void check_safe(const char *text, const char *safe, size_t width) {
    CLEANUP(buf_free) Buf out = BUF_INIT(1000);
    cli_text_add_safe(&out, str_from(text));
    assert_str(buf_str(&out), safe);
    assert_int_equal(cli_text_width(str_from(text)), width);
}

static void test_safe_text(void **state) {
    (void)state;
    check_safe("plain", "plain", 5);
    check_safe("\x1B[2J", "\\x1b[2J", 7);
    check_safe("a\nb\tc", "a\\nb\\tc", 7);
    check_safe("\xC2\x9B", "\\x9b", 4);         /* CSI as one character */
    check_safe("\xE2\x80\xAEx", "\\u202ex", 7); /* right-to-left override */
    check_safe("\xFFz", "\\xffz", 5);           /* no UTF-8 */
    check_safe("\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9C\xAC", 4);
    check_safe("e\xCC\x81", "e\xCC\x81", 1);
}

static void check_cut(const char *text, size_t width, const char *expected) {
    CLEANUP(buf_free) Buf out = BUF_INIT(1000);
    assert_true(cli_text_add_cut(&out, str_from(text), width) <= width);
    assert_str(buf_str(&out), expected);
}

static void test_cut_text(void **state) {
    (void)state;
    check_cut("12345", 5, "12345");
    check_cut("123456", 5, "1234\xE2\x80\xA6");
    check_cut("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4, "\xE6\x97\xA5\xE2\x80\xA6"); /* two wide ones and the mark are five */
}

static void test_safe_json(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf out = BUF_INIT(1000);
    cli_text_add_safe_json(&out, STR("{\n\"a\": \"\xC2\x9B\xE2\x80\xAE\xF3\xA0\x80\x81\xC3\xA9\"}"));
    assert_str(buf_str(&out), "{\n\"a\": \"\\u009b\\u202e\\udb40\\udc01\xC3\xA9\"}");
}

static const Field FIELDS[] = {{.title = "NAME", .path = "name"},
                               {.title = "SIZE", .path = "s.size", .right = true},
                               {.title = "MORE", .path = "more", .wide = true},
                               {0}};
static const View VIEW = {FIELDS, {"db", "name"}};

/* The listing of two items in a format. */
static Str listing(OutFormat format, bool terminal, size_t width) {
    char *text = NULL;
    size_t size = 0;
    Err err;
    Out out = {
        .format = format, .headers = true, .terminal = terminal, .terminal_width = width, .file = open_memstream(&text, &size)};
    json_t *items = json_loads("[{\"db\":\"d\",\"name\":\"one, \\\"two\\\"\",\"s\":{\"size\":5},\"more\":[\"x\",\"y\"]},"
                               "{\"db\":\"d.e\",\"name\":\"a name that is really long\",\"s\":{\"size\":12345}}]",
                               0, NULL);
    out_begin(&out, &VIEW, unit_arena());
    for (size_t i = 0; i < json_array_size(items); i++) {
        assert_ok(out_item(&out, json_array_get(items, i), &err));
    }
    assert_ok(out_end(&out, &err));
    fclose(out.file);
    json_decref(items);
    Str copy = arena_str(unit_arena(), (Str){text, size});
    free(text);
    return copy;
}

static void test_listings(void **state) {
    (void)state;
    assert_str(listing(OUT_TABLE, false, 0),
               "NAME                         SIZE\none, \"two\"                      5\na name that is really long  12345\n");
    assert_str(listing(OUT_TABLE, true, 20), "NAME            SIZE\none, \"two\"         5\na name that \xE2\x80\xA6  12345\n");
    assert_str(listing(OUT_NAME, false, 0), "d.\"one, \"\"two\"\"\"\n\"d.e\".\"a name that is really long\"\n");
    assert_str(listing(OUT_CSV, false, 0), "NAME,SIZE,MORE\n\"one, \"\"two\"\"\",5,\"x, y\"\na name that is really long,12345,\n");
    json_t *back = json_loadb(listing(OUT_JSON, false, 0).ptr, listing(OUT_JSON, false, 0).len, 0, NULL);
    assert_int_equal(json_array_size(back), 2);
    json_decref(back);
}

static bool note_event(Str id, Str data, void *arg) {
    Buf *seen = arg;
    buf_printf(seen, "[%" STR_FMT ":%" STR_FMT "]", STR_ARG(id), STR_ARG(data));
    return !str_eq(data, STR("stop"));
}

/* The same events whatever the pieces in which the bytes come. */
static void test_events_in_pieces(void **state) {
    (void)state;
    static const char stream[] =
        ": beat\n\nid: 7\nevent: change\ndata: {\"a\":\ndata:1}\n\nid:8\r\ndata: x\r\n\r\ndata: y\n\nretry: 5\n\nid: 9\ndata: cut";
    for (size_t piece = 1; piece < sizeof stream; piece++) {
        CLEANUP(buf_free) Buf seen = BUF_INIT(1000);
        CLEANUP(cli_sse_free) Sse sse = cli_sse_new();
        for (size_t at = 0; at < sizeof stream - 1; at += piece) {
            assert_true(cli_sse_feed(&sse, str_slice((Str){stream, sizeof stream - 1}, at, at + piece), note_event, &seen));
        }
        assert_str(buf_str(&seen), "[7:{\"a\":\n1}][8:x][8:y]");
    }
}

static void test_events_end(void **state) {
    (void)state;
    CLEANUP(buf_free) Buf seen = BUF_INIT(1000);
    CLEANUP(cli_sse_free) Sse sse = cli_sse_new();
    assert_false(cli_sse_feed(&sse, STR("data: stop\n\ndata: more\n\n"), note_event, &seen));
    assert_str(buf_str(&seen), "[:stop]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_safe_text), UNIT_TEST(test_cut_text),         UNIT_TEST(test_safe_json),
        UNIT_TEST(test_listings),  UNIT_TEST(test_events_in_pieces), UNIT_TEST(test_events_end),
    };
    return UNIT_RUN("cli_output", tests);
}
