/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"

#include "base/text.h"
#include "wire/grpc_meta.h"

static void timeouts_parse(void)
{
    const struct {
        const char *text;
        uint64_t ns;
    } good[] = {
        {"0n", 0},
        {"1n", 1},
        {"7u", 7000},
        {"250m", 250000000},
        {"1S", UINT64_C(1000000000)},
        {"00000002M", UINT64_C(120000000000)},
        {"1H", UINT64_C(3600000000000)},
        {"99999999H", INT64_MAX},
        {"99999999S", UINT64_C(99999999000000000)},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(good); i++) {
        uint64_t ns = 12345;
        CHECK_OK(arc__grpc_timeout_parse(arc__slice_cstr(good[i].text), &ns, NULL));
        CHECK_INT(ns, good[i].ns);
    }
}

static void bad_timeouts_are_refused(void)
{
    static const char *const bad[] = {"",    "1",  "S",   "123456789S", "-1S", "+1S", "1s",
                                      "1 S", "1h", "1SS", "1.5S",       " 1S", "1S ", "0x1S"};
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        uint64_t ns = 12345;
        CHECK_STATUS(arc__grpc_timeout_parse(arc__slice_cstr(bad[i]), &ns, NULL), ARC_EINVAL);
        CHECK_INT(ns, 12345);
    }
}

static void timeouts_print(void)
{
    const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {
        {0, "0n"},
        {99999999, "99999999n"},
        {100000000, "100000u"},
        {100000001, "100001u"},
        {UINT64_C(30000000000), "30000000u"},
        {UINT64_C(300000000000), "300000m"},
        {UINT64_C(3600000000000000), "3600000S"},
        {INT64_MAX, "2562048H"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        char text[ARC_GRPC_TIMEOUT_SIZE];
        uint64_t back = 0;
        size_t len = arc__grpc_timeout_print(cases[i].ns, text);
        (void)cases[i].text;
        CHECK_INT(len, strlen(text));
        CHECK_OK(arc__grpc_timeout_parse(arc__slice(text, len), &back, NULL));
        CHECK(back >= cases[i].ns);
        if (cases[i].ns < INT64_MAX)
            CHECK_TEXT(arc__slice(text, len), cases[i].text);
    }
}

static void check_message(const char *raw, size_t raw_len, const char *want)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf wire, back;
    arc__buf_init(&wire, &mem, 4096);
    arc__buf_init(&back, &mem, 4096);
    arc__grpc_message_add(&wire, arc__slice(raw, raw_len));
    CHECK_TEXT(arc__buf_slice(&wire), want);
    arc__grpc_message_decode(&back, arc__buf_slice(&wire));
    CHECK(arc__slice_equal(arc__buf_slice(&back), arc__slice(raw, raw_len)));
    arc__buf_deinit(&wire);
    arc__buf_deinit(&back);
}

static void messages_round_trip(void)
{
    check_message("plain text.", 11, "plain text.");
    check_message("100% \n\r\0 done", 13, "100%25 %0A%0D%00 done");
    check_message("h\xc3\xa9!", 4, "h%C3%A9!");
    check_message("\xf0\x9f\x8c\x8d", 4, "%F0%9F%8C%8D");
    check_message("\x7f~", 2, "%7F~");
}

static void long_messages_are_cut_whole(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf raw, wire, back;
    size_t bad_at = 0;
    arc__buf_init(&raw, &mem, 8192);
    arc__buf_init(&wire, &mem, 8192);
    arc__buf_init(&back, &mem, 8192);
    arc__buf_add_char(&raw, 'x');
    for (int i = 0; i < 400; i++)
        arc__buf_add_cstr(&raw, "\xe2\x82\xac");
    arc__grpc_message_add(&wire, arc__buf_slice(&raw));
    CHECK(wire.len <= ARC_GRPC_MESSAGE_MAX_BYTES && wire.len > ARC_GRPC_MESSAGE_MAX_BYTES - 10);
    arc__grpc_message_decode(&back, arc__buf_slice(&wire));
    CHECK(arc__utf8_valid(arc__buf_slice(&back), &bad_at));
    CHECK(arc__slice_starts(arc__buf_slice(&raw), arc__buf_slice(&back)));
    arc__buf_deinit(&raw);
    arc__buf_deinit(&wire);
    arc__buf_deinit(&back);
}

static void bad_escapes_stay(void)
{
    const struct {
        const char *wire, *text;
    } cases[] = {
        {"%", "%"},         {"%4", "%4"},       {"%zz", "%zz"},
        {"a%41%4", "aA%4"}, {"%41%%42", "A%B"}, {"%FF", "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct arc_mem mem = arc__mem_default();
        struct arc_buf out;
        arc__buf_init(&out, &mem, 256);
        arc__grpc_message_decode(&out, arc__slice_cstr(cases[i].wire));
        CHECK_TEXT(arc__buf_slice(&out), cases[i].text);
        arc__buf_deinit(&out);
    }
}

static int valid(const char *name, const char *value)
{
    struct arc_grpc_field field = {arc__slice_cstr(name), arc__slice_cstr(value)};
    return arc__grpc_field_valid(&field);
}

static void metadata_rules(void)
{
    CHECK(valid("authorization", "bearer x"));
    CHECK(valid("x-a_b.c9", ""));
    CHECK(valid("trace-bin", "\x01\xff\n"));
    CHECK(!valid("", "x"));
    CHECK(!valid("Upper", "x"));
    CHECK(!valid("a b", "x"));
    CHECK(!valid(":path", "/x"));
    CHECK(!valid("grpc-status", "0"));
    CHECK(!valid("content-type", "text/plain"));
    CHECK(!valid("te", "trailers"));
    CHECK(!valid("connection", "close"));
    CHECK(!valid("x", "line\nbreak"));
    CHECK(!valid("x", "caf\xc3\xa9"));
    CHECK(!valid("x", " blank"));
    CHECK(!valid("x", "blank "));
}

static void content_types(void)
{
    CHECK(arc__grpc_content_type_valid(ARC_LIT("application/grpc")));
    CHECK(arc__grpc_content_type_valid(ARC_LIT("application/grpc+proto")));
    CHECK(arc__grpc_content_type_valid(ARC_LIT("Application/GRPC;charset=utf-8")));
    CHECK(!arc__grpc_content_type_valid(ARC_LIT("application/grpc-web")));
    CHECK(!arc__grpc_content_type_valid(ARC_LIT("application/grp")));
    CHECK(!arc__grpc_content_type_valid(ARC_LIT("application/json")));
    CHECK(!arc__grpc_content_type_valid(ARC_NONE));
}

static void binary_values(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    arc_slice out = ARC_NONE;
    arc__arena_init(&arena, &mem, 65536);
    CHECK_OK(arc__grpc_binary_decode(ARC_LIT("AAEC/w=="), &arena, &out, NULL));
    CHECK(arc__slice_equal(out, ARC_LIT("\x00\x01\x02\xff")));
    CHECK_OK(arc__grpc_binary_decode(ARC_LIT("AAEC/w"), &arena, &out, NULL));
    CHECK(arc__slice_equal(out, ARC_LIT("\x00\x01\x02\xff")));
    CHECK_OK(arc__grpc_binary_decode(ARC_LIT("YQ==, Yg"), &arena, &out, NULL));
    CHECK_TEXT(out, "ab");
    CHECK_OK(arc__grpc_binary_decode(ARC_NONE, &arena, &out, NULL));
    CHECK_INT(out.len, 0);
    CHECK_STATUS(arc__grpc_binary_decode(ARC_LIT("*"), &arena, &out, NULL), ARC_EINVAL);
    arc__arena_deinit(&arena);
}

static void statuses(void)
{
    CHECK_INT(arc__grpc_status_parse(ARC_LIT("0")), 0);
    CHECK_INT(arc__grpc_status_parse(ARC_LIT("16")), 16);
    CHECK_INT(arc__grpc_status_parse(ARC_LIT("17")), ARC_GRPC_UNKNOWN);
    CHECK_INT(arc__grpc_status_parse(ARC_LIT("")), ARC_GRPC_UNKNOWN);
    CHECK_INT(arc__grpc_status_parse(ARC_LIT("-1")), ARC_GRPC_UNKNOWN);
    CHECK_INT(arc__grpc_status_from_http(404), ARC_GRPC_UNIMPLEMENTED);
    CHECK_INT(arc__grpc_status_from_http(503), ARC_GRPC_UNAVAILABLE);
    CHECK_INT(arc__grpc_status_from_http(200), ARC_GRPC_UNKNOWN);
    CHECK_INT(arc__grpc_status_from_h2(7), ARC_GRPC_UNAVAILABLE);
    CHECK_TEXT(arc__slice_cstr(arc_grpc_status_name(5)), "NOT_FOUND");
    CHECK_TEXT(arc__slice_cstr(arc_grpc_status_name(-4)), "UNKNOWN");
}

static const struct test tests[] = {
    {"a timeout is read to the nanosecond and saturates", timeouts_parse},
    {"a timeout of another form is refused", bad_timeouts_are_refused},
    {"a printed timeout reads back and never comes early", timeouts_print},
    {"a status message survives its escapes", messages_round_trip},
    {"a long status message is cut between characters", long_messages_are_cut_whole},
    {"a bad escape in a status message is text", bad_escapes_stay},
    {"metadata of the protocol's own cannot be sent", metadata_rules},
    {"the content type must be that of gRPC", content_types},
    {"a binary value is read padded, unpadded and in parts", binary_values},
    {"status numbers map as the protocol says", statuses},
};
TEST_MAIN(tests)
