/* SPDX-License-Identifier: Apache-2.0 */
/* The server's request reader. Every request is given whole and one byte at a time, and cut at
 * every length: the answer must be the same, and no byte outside may be read. */
#include "server/h1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

/* A request as it was understood: 0 or the refusing status. head points into *kept, which the
 * caller frees. */
static int read_head(const char *text, size_t len, size_t piece, struct h1_head *head, char **kept,
                     size_t *used)
{
    struct h1_scan scan = {0, 0, 0};
    const char *why = "";
    int end = 0;
    *kept = NULL;
    for (size_t have = piece; end == 0; have += piece) {
        size_t now = have < len ? have : len;
        /* A copy of exactly what has come, so that a look beyond it is seen. */
        char *bytes = malloc(now > 0 ? now : 1);
        memcpy(bytes, text, now);
        end = h1_scan(&scan, bytes, now);
        free(bytes);
        if (now == len)
            break;
    }
    *used = end > 0 ? (size_t)end : 0;
    if (end <= 0)
        return -end;
    *kept = malloc((size_t)end);
    memcpy(*kept, text, (size_t)end);
    return h1_parse(*kept, (size_t)end, head, &why);
}

static int status_of(const char *text, size_t len)
{
    struct h1_head head;
    char *kept = NULL;
    size_t used = 0, used_again = 0;
    int whole = read_head(text, len, len, &head, &kept, &used);
    free(kept);
    int slow = read_head(text, len, 1, &head, &kept, &used_again);
    free(kept);
    CHECK_INT(slow, whole);
    CHECK_INT(used_again, used);
    return whole;
}

#define STATUS(text) status_of(text, sizeof(text) - 1)

static void a_request_is_read(void)
{
    static const char text[] = "POST /a/b?c=%20d HTTP/1.1\r\nHost: some.host\r\nX-Other: 1\r\n"
                               "authorization:  Bearer t \t\r\nContent-Length: 17\r\n"
                               "Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\nrest";
    struct h1_head head;
    char *kept = NULL;
    size_t used = 0;
    CHECK_INT(read_head(text, sizeof(text) - 1, 3, &head, &kept, &used), 0);
    CHECK_INT(used, sizeof(text) - 1 - 4);
    CU_ASSERT_STRING_EQUAL(head.method, "POST");
    CU_ASSERT_STRING_EQUAL(head.target, "/a/b?c=%20d");
    CU_ASSERT_STRING_EQUAL(head.host, "some.host");
    CU_ASSERT_STRING_EQUAL(head.authorization, "Bearer t");
    CU_ASSERT_STRING_EQUAL(head.upgrade, "websocket");
    CHECK_INT(head.length, 17);
    CHECK_INT(head.has_length, 1);
    CHECK_INT(head.connection_upgrade, 1);
    CHECK_INT(head.keep_alive, 0);
    CHECK_INT(head.minor, 1);
    CHECK(head.origin == NULL);
    free(kept);
}

static void a_request_that_is_not_whole_asks_for_more(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (size_t len = 0; len < sizeof(text) - 1; len++)
        CHECK_INT(status_of(text, len), 0);
    struct h1_head head;
    char *kept = NULL;
    size_t used = 0;
    for (size_t len = 1; len < sizeof(text) - 1; len++) {
        (void)read_head(text, len, len, &head, &kept, &used);
        CHECK_INT(used, 0);
        free(kept);
    }
}

static void lines_that_two_readers_could_read_differently_are_refused(void)
{
    CHECK_INT(STATUS("GET / HTTP/1.1\nHost: x\n\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\n: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost: x\x7f\r\n\r\n"), 400);
    CHECK_INT(STATUS("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost: x\r\nA: caf\xc3\xa9\r\n\r\n"), 0);
}

static void lengths_that_disagree_are_refused(void)
{
#define POST "POST / HTTP/1.1\r\nHost: x\r\n"
    CHECK_INT(STATUS(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400);
    CHECK_INT(STATUS(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    CHECK_INT(STATUS(POST "Content-Length: -1\r\n\r\n"), 400);
    CHECK_INT(STATUS(POST "Content-Length: 1 1\r\n\r\n"), 400);
    CHECK_INT(STATUS(POST "Content-Length: \r\n\r\n"), 400);
    CHECK_INT(STATUS(POST "Content-Length: 9999999999999999\r\n\r\n"), 400);
    CHECK_INT(STATUS(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"), 400);
    CHECK_INT(STATUS(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 501);
    CHECK_INT(STATUS(POST "Transfer-Encoding: identity\r\n\r\n"), 501);
    CHECK_INT(STATUS(POST "Transfer-Encoding: Chunked\r\n\r\n"), 0);
    CHECK_INT(STATUS("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
#undef POST
}

static void request_lines_are_strict(void)
{
    CHECK_INT(STATUS("GET / HTTP/1.1\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.0\r\n\r\n"), 0);
    CHECK_INT(STATUS("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505);
    CHECK_INT(STATUS("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505);
    CHECK_INT(STATUS("GET / HTTP/1.1x\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / http/1.1\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET /\tx HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET /#x HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET x HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    CHECK_INT(STATUS("G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    CHECK_INT(STATUS("GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n"), 417);
}

static void an_absolute_address_becomes_its_path(void)
{
    static const struct {
        const char *text, *target;
    } rows[] = {
        {"GET http://h/p?q HTTP/1.1\r\nHost: x\r\n\r\n", "/p?q"},
        {"GET HTTPS://h:1/ HTTP/1.1\r\nHost: x\r\n\r\n", "/"},
        {"GET http://h HTTP/1.1\r\nHost: x\r\n\r\n", "/"},
        {"GET http://h?q HTTP/1.1\r\nHost: x\r\n\r\n", "/?q"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct h1_head head;
        char *kept = NULL;
        size_t used = 0;
        CHECK_INT(read_head(rows[i].text, strlen(rows[i].text), 5, &head, &kept, &used), 0);
        CU_ASSERT_STRING_EQUAL(head.target, rows[i].target);
        free(kept);
    }
}

static void heads_have_a_limit(void)
{
    char *text = malloc(40000);
    size_t len = (size_t)snprintf(text, 40000, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
    memset(text + len, 'a', 30000);
    CHECK_INT(status_of(text, len + 30000), 431);
    len = (size_t)snprintf(text, 40000, "GET /");
    memset(text + len, 'a', H1_TARGET_MAX_BYTES);
    len += H1_TARGET_MAX_BYTES;
    len += (size_t)snprintf(text + len, 100, " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_INT(status_of(text, len), 414);
    len = (size_t)snprintf(text, 40000, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 0; i < H1_HEADERS_MAX; i++)
        len += (size_t)snprintf(text + len, 100, "a: b\r\n");
    len += (size_t)snprintf(text + len, 100, "\r\n");
    CHECK_INT(status_of(text, len), 431);
    free(text);
}

/* Decodes text in pieces; the body in out. -1: refused, 0: more is wanted, 1: whole. */
static int decode(const char *text, size_t len, size_t piece, char *out, size_t *out_len,
                  size_t *rest)
{
    struct h1_chunks chunks;
    memset(&chunks, 0, sizeof(chunks));
    *out_len = 0;
    size_t at = 0;
    while (at < len && !chunks.done) {
        size_t now = len - at < piece ? len - at : piece, used = 0;
        char *bytes = malloc(now);
        memcpy(bytes, text + at, now);
        if (h1_chunks_feed(&chunks, bytes, &now, &used) != 0) {
            free(bytes);
            return -1;
        }
        memcpy(out + *out_len, bytes, now);
        *out_len += now;
        at += used;
        free(bytes);
    }
    *rest = len - at;
    return chunks.done;
}

static void a_chunked_body_is_decoded_however_it_is_cut(void)
{
    static const char text[] = "4\r\nWiki\r\n6;a=b\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n"
                               "0\r\nExpires: x\r\n\r\nNEXT";
    char out[100];
    size_t len = 0, rest = 0;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        CHECK_INT(decode(text, sizeof(text) - 1, piece, out, &len, &rest), 1);
        CHECK_INT(rest, 4);
        CHECK_INT(len, 24);
        CHECK(memcmp(out, "Wikipedia in \r\n\r\nchunks.", 24) == 0);
    }
    for (size_t cut = 0; cut < sizeof(text) - 1 - 4; cut++)
        CHECK_INT(decode(text, cut, cut > 0 ? cut : 1, out, &len, &rest), 0);
}

static void broken_chunks_are_refused(void)
{
    static const char *const broken[] = {
        "\r\n",           "x\r\n",   "-1\r\n",          "4\nWiki\r\n", "4\r\nWikiX",
        "4\r\nWiki\n0",   "0\r\n\n", "0\r\nA: b\n\r\n", "4 \r\nWiki",  "fffffffffffff\r\n",
        "0\r\nA: b\r\n\n"};
    char out[100];
    size_t len = 0, rest = 0;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        for (size_t piece = 1; piece < 20; piece += 6)
            CHECK_INT(decode(broken[i], strlen(broken[i]), piece, out, &len, &rest), -1);
}

static const struct test tests[] = {
    {"a request is read", a_request_is_read},
    {"a request that is not whole asks for more", a_request_that_is_not_whole_asks_for_more},
    {"lines that two readers could read differently are refused",
     lines_that_two_readers_could_read_differently_are_refused},
    {"lengths that disagree are refused", lengths_that_disagree_are_refused},
    {"request lines are strict", request_lines_are_strict},
    {"an absolute address becomes its path", an_absolute_address_becomes_its_path},
    {"heads have a limit", heads_have_a_limit},
    {"a chunked body is decoded however it is cut", a_chunked_body_is_decoded_however_it_is_cut},
    {"broken chunks are refused", broken_chunks_are_refused},
};
TEST_MAIN(tests)
