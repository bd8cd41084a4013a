/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http_query.h"

#include <string.h>

#include "base/err.h"
#include "shim.h"

static struct arc_arena arena;

static arc_status read_query(const char *query, struct arc_kvs *out)
{
    arc__arena_reset(&arena);
    *out = (struct arc_kvs){NULL, 0};
    return arc__http_query_read(arc__slice_cstr(query), &arena, out, NULL);
}

static void with_arena(void (*test)(void))
{
    struct arc_mem mem = arc__mem_default();
    arc__arena_init(&arena, &mem, 65536);
    test();
    arc__arena_deinit(&arena);
}

static void pairs(void)
{
    struct arc_kvs kvs;
    CHECK_OK(read_query("page=2&name=a%20b+c&empty=&flag&&z=%26", &kvs));
    CHECK_INT(kvs.count, 5);
    CHECK_TEXT(arc__kvs_get(&kvs, ARC_LIT("name")), "a b c");
    CHECK_TEXT(arc__kvs_get(&kvs, ARC_LIT("page")), "2");
    CHECK_TEXT(arc__kvs_get(&kvs, ARC_LIT("z")), "&");
    CHECK_INT(arc__kvs_get(&kvs, ARC_LIT("flag")).len, 0);
    CHECK_OK(read_query("", &kvs));
    CHECK_INT(kvs.count, 0);
}

static void pairs_come_decoded_and_sorted(void)
{
    with_arena(pairs);
}

static void bad_pairs(void)
{
    struct arc_kvs kvs;
    const char *bad[] = {"a=%zz", "a=%f", "a=%ff", "%00=1", "a=%00", "a=1&a=2", "a=1&%61=2"};
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        CHECK_STATUS(read_query(bad[i], &kvs), ARC_EINVAL);
        CHECK_INT(kvs.count, 0);
    }
    char many[1024] = "";
    for (int i = 0; i < 65; i++) {
        char pair[4] = {(char)('A' + i % 26), (char)('a' + i / 26), '&', '\0'};
        memcpy(many + strlen(many), pair, sizeof(pair));
    }
    CHECK_STATUS(read_query(many, &kvs), ARC_EINVAL);
}

static void what_is_no_pair_is_refused(void)
{
    with_arena(bad_pairs);
}

static void a_bearer_is_found_in_any_case(void)
{
    CHECK_TEXT(arc__http_bearer(ARC_LIT("Bearer abc")), "abc");
    CHECK_TEXT(arc__http_bearer(ARC_LIT("bEARER  abc ")), "abc");
    CHECK_INT(arc__http_bearer(ARC_LIT("Basic abc")).len, 0);
    CHECK_INT(arc__http_bearer(ARC_LIT("Bearer")).len, 0);
    CHECK_INT(arc__http_bearer(ARC_NONE).len, 0);
}

static void media_types_are_read_without_their_parameters(void)
{
    CHECK(arc__http_is_json(ARC_LIT("application/json")));
    CHECK(arc__http_is_json(ARC_LIT("Application/JSON; charset=utf-8")));
    CHECK(arc__http_is_json(ARC_LIT("application/merge-patch+json")));
    CHECK(!arc__http_is_json(ARC_LIT("text/json")));
    CHECK(!arc__http_is_json(ARC_LIT("application/x-www-form-urlencoded")));
    CHECK(!arc__http_is_json(ARC_NONE));
    CHECK(arc__http_wants_text(ARC_LIT("text/plain")));
    CHECK(arc__http_wants_text(ARC_LIT("text/html, text/plain;q=0.5")));
    CHECK(!arc__http_wants_text(ARC_LIT("text/plain, application/json")));
    CHECK(!arc__http_wants_text(ARC_LIT("*/*")));
    CHECK(!arc__http_wants_text(ARC_NONE));
}

static void an_etag_is_found_in_its_list(void)
{
    CHECK(arc__http_etag_matches(ARC_LIT("\"abc\""), ARC_LIT("abc")));
    CHECK(arc__http_etag_matches(ARC_LIT("\"x\", W/\"abc\""), ARC_LIT("abc")));
    CHECK(arc__http_etag_matches(ARC_LIT("*"), ARC_LIT("abc")));
    CHECK(!arc__http_etag_matches(ARC_LIT("abc"), ARC_LIT("abc")));
    CHECK(!arc__http_etag_matches(ARC_LIT("\"abcd\""), ARC_LIT("abc")));
    CHECK(!arc__http_etag_matches(ARC_NONE, ARC_LIT("abc")));
}

static const struct test tests[] = {
    {"the pairs of a query come decoded and sorted", pairs_come_decoded_and_sorted},
    {"what is no query is refused", what_is_no_pair_is_refused},
    {"a bearer is found whatever its case", a_bearer_is_found_in_any_case},
    {"media types are read without their parameters",
     media_types_are_read_without_their_parameters},
    {"an etag is found in its list", an_etag_is_found_in_its_list},
};

TEST_MAIN(tests)
