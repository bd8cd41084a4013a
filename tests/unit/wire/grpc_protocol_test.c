/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of grpc/grpc doc/PROTOCOL-HTTP2.md, one case for each rule: what a server makes of a
 * request and a client of a response, both written by hand. */
#include "shim.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "frames.h"

/* --- a server that writes down what it was given --------------------------------------------- */

struct noted {
    struct arc_buf text; /* "name=value;" for each line */
    uint64_t deadline_ns;
    int calls, back; /* back: what was given is sent back as headers and trailers */
};

static void note_call(void *user, struct arc_grpc_call *call,
                      const struct arc_grpc_request *request)
{
    struct noted *noted = user;
    noted->calls++;
    noted->deadline_ns = request->deadline_ns;
    for (size_t i = 0; i < request->count; i++) {
        arc__buf_add_slice(&noted->text, request->fields[i].name);
        arc__buf_add_char(&noted->text, '=');
        arc__buf_add_slice(&noted->text, request->fields[i].value);
        arc__buf_add_char(&noted->text, ';');
    }
    if (!noted->back)
        return;
    CHECK_OK(arc_grpc_call_send_headers(call, request->fields, request->count, NULL));
    CHECK_OK(
        arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, request->fields, request->count, NULL));
}

static const struct arc_grpc_events note_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_call = note_call,
};

struct ask {
    struct attack attack;
    struct noted noted;
    struct arc_buf heard, fields;
};

static void ask_open(struct ask *ask)
{
    struct arc_mem mem = arc__mem_default();
    *ask = (struct ask){.attack = {.next = 1, .mem = mem, .heard = &ask->heard}};
    ask->attack.pair.events = &note_events;
    ask->attack.pair.user = &ask->noted;
    arc__buf_init(&ask->attack.out, &mem, 1 << 20);
    arc__buf_init(&ask->heard, &mem, 1 << 20);
    arc__buf_init(&ask->fields, &mem, 1 << 16);
    arc__buf_init(&ask->noted.text, &mem, 1 << 16);
    CHECK_OK(pair_open(&ask->attack.pair, NULL, NULL, NULL));
    preface(&ask->attack.out);
    send_out(&ask->attack);
}

static void ask_close(struct ask *ask)
{
    attack_close(&ask->attack);
    arc__buf_deinit(&ask->heard);
    arc__buf_deinit(&ask->fields);
    arc__buf_deinit(&ask->noted.text);
}

/* The header lists that were heard, as "name=value;"; an empty line between two. */
static void headers_of(arc_slice wire, struct arc_buf *out)
{
    nghttp2_hd_inflater *inflater = NULL;
    struct frame_seen seen;
    size_t at = 0;
    if (nghttp2_hd_inflate_new(&inflater) != 0)
        return;
    while (frame_next(wire, &at, &seen)) {
        const uint8_t *in = (const uint8_t *)seen.payload.ptr;
        size_t left = seen.payload.len;
        nghttp2_nv nv;
        int flags = 0;
        if (seen.type != HEADERS)
            continue;
        for (;;) {
            ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, in, left, 1);
            if (used < 0)
                break;
            in += used;
            left -= (size_t)used;
            if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
                arc__buf_add(out, nv.name, nv.namelen);
                arc__buf_add_char(out, '=');
                arc__buf_add(out, nv.value, nv.valuelen);
                arc__buf_add_char(out, ';');
            }
            if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0 || used == 0)
                break;
        }
        nghttp2_hd_inflate_end_headers(inflater);
        arc__buf_add_char(out, '\n');
    }
    nghttp2_hd_inflate_del(inflater);
}

/* Sends what ask->fields holds as a request and answers the headers that came back. */
static const char *ask_fields(struct ask *ask, int flags)
{
    static char text[4096];
    struct arc_buf out;
    arc__buf_init(&out, &ask->attack.mem, sizeof(text));
    frame(&ask->attack.out, HEADERS, END_HEADERS | flags, 1, arc__buf_slice(&ask->fields));
    send_out(&ask->attack);
    headers_of(arc__buf_slice(&ask->heard), &out);
    (void)arc__slice_to_cstr(arc__buf_slice(&out), text, sizeof(text));
    arc__buf_deinit(&out);
    return text;
}

/* A whole request but for the value of one field; NULL leaves the field out. */
static const char *ask_with(struct ask *ask, const char *name, const char *value)
{
    static const char *const usual[][2] = {
        {":method", "POST"}, {":scheme", "http"}, {":path", "/t/Method"},
        {":authority", "x"}, {"te", "trailers"},  {"content-type", "application/grpc"},
    };
    int known = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(usual); i++) {
        int same = strcmp(usual[i][0], name) == 0;
        known |= same;
        if (!same || value != NULL)
            field(&ask->fields, usual[i][0], same ? value : usual[i][1]);
    }
    if (!known)
        field(&ask->fields, name, value);
    return ask_fields(ask, 0);
}

/* The code of the RST_STREAM that was heard; -1: none. */
static int64_t reset_of(const struct ask *ask)
{
    struct frame_seen seen;
    size_t at = 0;
    while (frame_next(arc__buf_slice(&ask->heard), &at, &seen)) {
        if (seen.type == RST_STREAM)
            return frame_to_u32(seen.payload.ptr);
    }
    return -1;
}

/* --- requests -------------------------------------------------------------------------------- */

static void check_asked(const char *name, const char *value, int calls, const char *answer)
{
    struct ask ask;
    ask_open(&ask);
    const char *text = ask_with(&ask, name, value);
    CHECK_INT(ask.noted.calls, calls);
    if (!CHECK_TEXT(arc__slice_cstr(text), answer))
        printf("# asked with %s: %s\n", name, value != NULL ? value : "(none)");
    ask_close(&ask);
}

static void content_types(void)
{
    static const char *const good[] = {"application/grpc", "application/grpc+proto",
                                       "application/grpc+json", "application/grpc;charset=utf-8",
                                       "Application/GRPC"};
    static const char *const bad[] = {
        NULL, "", "application/json", "application/grpc-web", "application/grpcx", "text/html"};
    for (size_t i = 0; i < ARC_COUNT_OF(good); i++)
        check_asked("content-type", good[i], 1, "");
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++)
        check_asked("content-type", bad[i], 0, ":status=415;\n");
}

static void methods_and_te(void)
{
    check_asked(":method", "POST", 1, "");
    check_asked(":method", "GET", 0, ":status=405;\n");
    check_asked(":method", "PUT", 0, ":status=405;\n");
    check_asked("te", NULL, 1, ""); /* see arc__grpc_call_request */
    struct ask ask;
    ask_open(&ask);
    CHECK_TEXT(arc__slice_cstr(ask_with(&ask, "te", "gzip")), "");
    CHECK_INT(ask.noted.calls, 0);
    CHECK_INT(reset_of(&ask), 1); /* PROTOCOL_ERROR */
    CHECK_OK(ask.attack.status);
    ask_close(&ask);
}

static void paths(void)
{
    const char *refused = ":status=200;content-type=application/grpc;"
                          "grpc-accept-encoding=identity,gzip;grpc-status=12;"
                          "grpc-message=The path is not that of a method.;\n";
    static const char *const broken[] = {NULL, "", "*", "t/Method"};
    check_asked(":path", "/t/Method", 1, "");
    check_asked(":path", "/t", 1, ""); /* for the application to know */
    check_asked(":path", "/", 0, refused);
    check_asked(":path", "/t/caf\xc3\xa9", 0, refused);
    check_asked(":path", "/t/\xff", 0, refused);
    for (size_t i = 0; i < ARC_COUNT_OF(broken); i++) {
        struct ask ask;
        ask_open(&ask);
        CHECK_TEXT(arc__slice_cstr(ask_with(&ask, ":path", broken[i])), "");
        CHECK_INT(ask.noted.calls, 0);
        CHECK_INT(reset_of(&ask), 1);
        ask_close(&ask);
    }
}

static void timeouts(void)
{
    const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {
        {"2H", 7200 * PAIR_S}, {"3M", 180 * PAIR_S}, {"4S", 4 * PAIR_S},
        {"5m", 5 * PAIR_MS},   {"6u", 6000},         {"7n", 7},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct ask ask;
        ask_open(&ask);
        (void)ask_with(&ask, "grpc-timeout", cases[i].text);
        CHECK_INT(ask.noted.deadline_ns, ask.attack.pair.now_ns + cases[i].ns);
        CHECK_INT(arc_grpc_conn_get_deadline(ask.attack.pair.server), ask.noted.deadline_ns);
        ask_close(&ask);
    }
    struct ask ask;
    ask_open(&ask);
    (void)ask_with(&ask, "grpc-timeout", "99999999H");
    CHECK_INT(ask.noted.calls, 1);
    CHECK(ask.noted.deadline_ns > UINT64_C(1) << 62);
    ask_close(&ask);
    const char *refused = ":status=200;content-type=application/grpc;grpc-status=3;"
                          "grpc-message=A timeout is 1 to 8 digits and one of H, M, S, m, u, n.;\n";
    check_asked("grpc-timeout", "", 0, refused);
    check_asked("grpc-timeout", "1", 0, refused);
    check_asked("grpc-timeout", "123456789S", 0, refused);
    check_asked("grpc-timeout", "-1S", 0, refused);
    /* No time at all is a deadline that has passed. */
    check_asked("grpc-timeout", "0S", 1,
                ":status=200;content-type=application/grpc;grpc-status=4;"
                "grpc-message=The deadline of the call has passed.;\n");
}

/* --- metadata -------------------------------------------------------------------------------- */

static void metadata_in_order(void)
{
    struct ask ask;
    ask_open(&ask);
    request_fields(&ask.fields, "/t/Method");
    field(&ask.fields, "x-a", "1");
    field(&ask.fields, "x-b-bin", "AAE=");
    field(&ask.fields, "x-a", "2");
    field(&ask.fields, "x-b-bin", "QUI");
    field(&ask.fields, "x-b-bin", "Qw, REU=");
    field(&ask.fields, "x-a", "3,4");
    field(&ask.fields, "x-empty", "");
    (void)ask_fields(&ask, 0);
    CHECK(arc__slice_equal(arc__buf_slice(&ask.noted.text),
                           ARC_LIT("x-a=1;x-b-bin=\x00\x01;x-a=2;x-b-bin=AB;"
                                   "x-b-bin=CDE;x-a=3,4;x-empty=;")));
    ask_close(&ask);
}

static void odd_lines_are_left_out(void)
{
    struct ask ask;
    ask_open(&ask);
    ask.noted.back = 1; /* whatever is given may be sent */
    request_fields(&ask.fields, "/t/Method");
    field(&ask.fields, "grpc-status", "0");
    field(&ask.fields, "grpc-message", "x");
    field(&ask.fields, "grpc-future", "x");
    field(&ask.fields, "grpc-accept-encoding", "br,gzip");
    field(&ask.fields, "grpc-status-details-bin", "AAE=");
    field(&ask.fields, "x-latin", "caf\xe9");
    field(&ask.fields, "x-utf8", "caf\xc3\xa9");
    field(&ask.fields, "x-tab", "a\tb");
    field(&ask.fields, "x!name", "a");
    field(&ask.fields, "content-length", "0");
    field(&ask.fields, "x-good", "yes");
    const char *text = ask_fields(&ask, END_STREAM);
    CHECK_INT(ask.noted.calls, 1);
    CHECK_TEXT(arc__buf_slice(&ask.noted.text), "x-good=yes;");
    CHECK_TEXT(arc__slice_cstr(text),
               ":status=200;content-type=application/grpc;grpc-accept-encoding=identity,gzip;"
               "x-good=yes;\ngrpc-status=0;x-good=yes;\n");
    ask_close(&ask);
}

static void encodings_are_told(void)
{
    const char *plain = ":status=200;content-type=application/grpc;";
    const char *told = ":status=200;content-type=application/grpc;"
                       "grpc-accept-encoding=identity,gzip;";
    const struct {
        const char *name, *value, *answer;
    } cases[] = {
        {"x-a", "1", plain},
        {"grpc-accept-encoding", "deflate, br", plain},
        {"grpc-accept-encoding", "identity", told},
        {"grpc-accept-encoding", "identity,deflate,gzip", told},
        {"grpc-encoding", "identity", plain},
        {"grpc-encoding", "gzip", told},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct ask ask;
        ask_open(&ask);
        ask.noted.back = 1;
        arc_slice text = arc__slice_cstr(ask_with(&ask, cases[i].name, cases[i].value));
        if (i > 0)
            CHECK_TEXT(arc__slice_cut(text, '\n', &text), cases[i].answer);
        ask_close(&ask);
    }
    const char *refused = ":status=200;content-type=application/grpc;"
                          "grpc-accept-encoding=identity,gzip;grpc-status=12;grpc-message="
                          "The encoding of the messages is none of identity and gzip.;\n";
    check_asked("grpc-encoding", "br", 0, refused);
}

static void a_client_says_what_it_is(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf record, text;
    struct seen seen = {0};
    struct pair pair = {.record = &record, .client_encoding = ARC_GRPC_GZIP};
    arc__buf_init(&record, &mem, 1 << 16);
    arc__buf_init(&text, &mem, 1 << 16);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", pair.now_ns + 5 * PAIR_MS, &seen));
    pair_pump(&pair);
    headers_of(arc__buf_slice(&record), &text);
    CHECK_TEXT(arc__buf_slice(&text),
               ":method=POST;:scheme=http;:path=/t/Hang;:authority=server:1;te=trailers;"
               "content-type=application/grpc;user-agent=libarcentra;grpc-timeout=5000000n;"
               "grpc-encoding=gzip;grpc-accept-encoding=identity,gzip;\n");
    pair_close(&pair);
    arc__buf_deinit(&record);
    arc__buf_deinit(&text);
}

/* --- endings --------------------------------------------------------------------------------- */

static void an_early_answer_stops_the_client(void)
{
    struct ask ask;
    ask_open(&ask);
    ask.noted.back = 1;
    (void)ask_with(&ask, "x-a", "1");
    CHECK_INT(reset_of(&ask), 0); /* NO_ERROR */
    ask_close(&ask);

    ask_open(&ask);
    ask.noted.back = 1;
    request_fields(&ask.fields, "/t/Method");
    (void)ask_fields(&ask, END_STREAM);
    CHECK_INT(reset_of(&ask), -1);
    ask_close(&ask);
}

/* A call of /t/Hang that the server ends so. */
static void finish_hanging(int code, arc_slice message, struct seen *seen)
{
    struct pair pair = {0};
    *seen = (struct seen){0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, seen));
    pair_pump(&pair);
    CHECK_OK(arc_grpc_call_finish(pair.service.hanging, code, message, NULL, 0, NULL));
    pair_pump(&pair);
    CHECK_INT(seen->statuses, 1);
    pair_close(&pair);
}

static void any_text_of_a_status_arrives(void)
{
    static const char *const texts[] = {
        "plain",
        "\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP \xf0\x9f\x98\x88\t\n",
        "100%, %41, %",
        "\x7f\x01",
    };
    struct seen seen;
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        finish_hanging(ARC_GRPC_UNKNOWN, arc__slice_cstr(texts[i]), &seen);
        CHECK_INT(seen.code, ARC_GRPC_UNKNOWN);
        CHECK_TEXT(arc__slice_cstr(seen.text), texts[i]);
    }
    finish_hanging(ARC_GRPC_ABORTED, ARC_LIT("a\xff"), &seen);
    CHECK_TEXT(arc__slice_cstr(seen.text), "a\xef\xbf\xbd"); /* what is no UTF-8 is replaced */
    for (int code = 0; code <= 16; code++) {
        finish_hanging(code, ARC_NONE, &seen);
        CHECK_INT(seen.code, code);
    }
    finish_hanging(17, ARC_NONE, &seen);
    CHECK_INT(seen.code, ARC_GRPC_UNKNOWN);
    finish_hanging(-1, ARC_NONE, &seen);
    CHECK_INT(seen.code, ARC_GRPC_UNKNOWN);
}

/* --- details of a status --------------------------------------------------------------------- */

static void details_go_with_a_status(void)
{
    const struct arc_grpc_field details = {ARC_LIT("grpc-status-details-bin"),
                                           ARC_LIT("\x08\x03\x00\xff")};
    const struct arc_grpc_field both[] = {details, {ARC_LIT("x-a"), ARC_LIT("1")}};
    struct pair pair = {0};
    for (int after_message = 0; after_message < 2; after_message++) {
        struct seen seen = {0};
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
        pair_pump(&pair);
        struct arc_grpc_call *call = pair.service.hanging;
        CHECK_STATUS(arc_grpc_call_send_headers(call, &details, 1, NULL), ARC_EINVAL);
        if (after_message)
            CHECK_OK(arc_grpc_call_send(call, ARC_LIT("x"), NULL));
        CHECK_OK(arc_grpc_call_finish(call, ARC_GRPC_INVALID_ARGUMENT, ARC_LIT("no"),
                                      after_message ? both : &details, 1 + (size_t)after_message,
                                      NULL));
        pair_pump(&pair);
        CHECK_INT(seen.code, ARC_GRPC_INVALID_ARGUMENT);
        CHECK_INT(seen.trailers, 1 + after_message);
        if (after_message)
            CHECK_TEXT(arc__slice_cstr(seen.trailer), "1"); /* the details come last */
        else
            CHECK(memcmp(seen.trailer, "\x08\x03\x00\xff", 5) == 0);
        pair_close(&pair);
        pair = (struct pair){0};
    }
    struct seen seen = {0};
    struct arc_grpc_request request = {
        .size = sizeof(request), .path = ARC_LIT("/t/Hang"), .fields = &details, .count = 1};
    const struct arc_grpc_field other = {ARC_LIT("grpc-status-other-bin"), ARC_LIT("x")};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_STATUS(arc_grpc_call_open(pair.client, &request, &seen_events, &seen, &seen.call, NULL),
                 ARC_EINVAL);
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    CHECK_STATUS(arc_grpc_call_finish(pair.service.hanging, 0, ARC_NONE, &other, 1, NULL),
                 ARC_EINVAL);
    pair_close(&pair);
}

/* --- responses ------------------------------------------------------------------------------- */

/* A client with one call, for which a server answers by hand. */
struct told {
    struct pair pair;
    struct arc_buf out, fields;
    struct seen seen;
};

static void told_open(struct told *told, uint64_t deadline_ns)
{
    static char buf[65536];
    *told = (struct told){.pair = {.now_ns = 1000 * PAIR_S}};
    CHECK_OK(pair_open(&told->pair, NULL, NULL, NULL));
    arc__buf_init(&told->out, &told->pair.mem, 1 << 16);
    arc__buf_init(&told->fields, &told->pair.mem, 1 << 16);
    CHECK_OK(pair_call(&told->pair, "/t/Hang", deadline_ns, &told->seen));
    (void)arc_grpc_conn_send(told->pair.client, told->pair.now_ns, buf, sizeof(buf));
    frame(&told->out, SETTINGS, 0, 0, ARC_NONE);
}

static void told_headers(struct told *told, int flags)
{
    frame(&told->out, HEADERS, END_HEADERS | flags, 1, arc__buf_slice(&told->fields));
    arc__buf_clear(&told->fields);
}

static void told_good_headers(struct told *told)
{
    field(&told->fields, ":status", "200");
    field(&told->fields, "content-type", "application/grpc");
    told_headers(told, 0);
}

static void told_close(struct told *told, int code, const char *text)
{
    CHECK_OK(
        arc_grpc_conn_recv(told->pair.client, told->pair.now_ns, arc__buf_slice(&told->out), NULL));
    CHECK_INT(told->seen.statuses, 1);
    CHECK_INT(told->seen.closes, 1);
    CHECK_INT(told->seen.misuse, 0);
    CHECK_INT(told->seen.code, code);
    CHECK_TEXT(arc__slice_cstr(told->seen.text), text);
    pair_close(&told->pair);
    arc__buf_deinit(&told->out);
    arc__buf_deinit(&told->fields);
}

static void http_statuses_map(void)
{
    const struct {
        const char *http;
        int code;
    } cases[] = {
        {"400", ARC_GRPC_INTERNAL},          {"401", ARC_GRPC_UNAUTHENTICATED},
        {"403", ARC_GRPC_PERMISSION_DENIED}, {"404", ARC_GRPC_UNIMPLEMENTED},
        {"429", ARC_GRPC_UNAVAILABLE},       {"502", ARC_GRPC_UNAVAILABLE},
        {"503", ARC_GRPC_UNAVAILABLE},       {"504", ARC_GRPC_UNAVAILABLE},
        {"200", ARC_GRPC_UNKNOWN},           {"301", ARC_GRPC_UNKNOWN},
        {"418", ARC_GRPC_UNKNOWN},           {"500", ARC_GRPC_UNKNOWN},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        for (int last = 0; last < 2; last++) {
            struct told told;
            char text[64];
            told_open(&told, 0);
            field(&told.fields, ":status", cases[i].http);
            field(&told.fields, "content-type", "text/html");
            told_headers(&told, last ? END_STREAM : 0);
            if (!last)
                frame(&told.out, DATA, END_STREAM, 1, ARC_LIT("<html>"));
            snprintf(text, sizeof(text), "The server answered HTTP %s and no gRPC.", cases[i].http);
            told_close(&told, cases[i].code, text);
            CHECK_INT(told.seen.messages, 0);
        }
    }
}

static void a_status_is_made_where_none_came(void)
{
    struct told told;
    told_open(&told, 0); /* no content type at all */
    field(&told.fields, ":status", "200");
    told_headers(&told, 0);
    told_close(&told, ARC_GRPC_UNKNOWN, "The server answered HTTP 200 and no gRPC.");

    told_open(&told, 0);
    told_good_headers(&told);
    field(&told.fields, "x-a", "1");
    told_headers(&told, END_STREAM);
    told_close(&told, ARC_GRPC_UNKNOWN, "The server ended the call without a status.");

    told_open(&told, 0);
    told_good_headers(&told);
    frame(&told.out, DATA, END_STREAM, 1, ARC_LIT("\x00\x00\x00\x00\x01x"));
    told_close(&told, ARC_GRPC_UNKNOWN, "The server ended the stream without a status.");
    CHECK_INT(told.seen.messages, 1);

    told_open(&told, 0); /* a number that no status has */
    told_good_headers(&told);
    field(&told.fields, "grpc-status", "99");
    field(&told.fields, "grpc-message", "odd");
    told_headers(&told, END_STREAM);
    told_close(&told, ARC_GRPC_UNKNOWN, "odd");
}

static void one_block_is_enough(void)
{
    struct told told;
    told_open(&told, 0);
    field(&told.fields, ":status", "200");
    field(&told.fields, "content-type", "application/grpc+proto");
    field(&told.fields, "grpc-status", "5");
    field(&told.fields, "grpc-message", "%F0%9F%98%88 %zz %");
    field(&told.fields, "x-raw-bin", "AAE");
    field(&told.fields, "grpc-status-details-bin", "QUJD");
    told_headers(&told, END_STREAM);
    told_close(&told, ARC_GRPC_NOT_FOUND, "\xf0\x9f\x98\x88 %zz %");
    CHECK_INT(told.seen.headers, 0);
    CHECK_INT(told.seen.trailers, 2);
}

static void lines_that_cannot_be_read(void)
{
    struct told told;
    told_open(&told, 0);
    told_good_headers(&told);
    field(&told.fields, "grpc-status", "0");
    field(&told.fields, "x-bin", "***");
    field(&told.fields, "grpc-status-details-bin", "***");
    field(&told.fields, "x-a", "1");
    told_headers(&told, END_STREAM);
    told_close(&told, ARC_GRPC_OK, ""); /* the status is worth more */
    CHECK_INT(told.seen.trailers, 1);
    CHECK_TEXT(arc__slice_cstr(told.seen.trailer), "1");

    told_open(&told, 0);
    field(&told.fields, ":status", "200");
    field(&told.fields, "content-type", "application/grpc");
    field(&told.fields, "x-bin", "***");
    told_headers(&told, 0);
    told_close(&told, ARC_GRPC_INTERNAL, "A -bin value of the metadata is no base64.");
}

static void informational_headers_are_no_answer(void)
{
    struct told told;
    told_open(&told, 0);
    field(&told.fields, ":status", "103");
    field(&told.fields, "link", "x");
    told_headers(&told, 0);
    field(&told.fields, ":status", "100");
    told_headers(&told, 0);
    told_good_headers(&told);
    field(&told.fields, "grpc-status", "0");
    told_headers(&told, END_STREAM);
    told_close(&told, ARC_GRPC_OK, "");
    CHECK_INT(told.seen.headers, 1);
}

static void a_goaway_ends_what_comes_after_it(void)
{
    struct told told;
    told_open(&told, 0);
    told_good_headers(&told);
    frame(&told.out, GOAWAY, 0, 0, ARC_LIT("\x00\x00\x00\x01\x00\x00\x00\x00"));
    frame(&told.out, DATA, 0, 1, ARC_LIT("\x00\x00\x00\x00\x01x"));
    field(&told.fields, "grpc-status", "0");
    told_headers(&told, END_STREAM);
    told_close(&told, ARC_GRPC_OK, "");
    CHECK_INT(told.seen.messages, 1);

    told_open(&told, 0);
    frame(&told.out, GOAWAY, 0, 0, ARC_LIT("\x00\x00\x00\x00\x00\x00\x00\x00"));
    told_close(&told, ARC_GRPC_UNAVAILABLE, "The server did not take the call.");
    CHECK_INT(told.seen.unprocessed, 1);
}

static void resets_map(void)
{
    for (uint32_t h2 = 0; h2 <= 14; h2++) {
        struct told told;
        int code = h2 == 7    ? ARC_GRPC_UNAVAILABLE
                   : h2 == 8  ? ARC_GRPC_CANCELLED
                   : h2 == 11 ? ARC_GRPC_RESOURCE_EXHAUSTED
                   : h2 == 12 ? ARC_GRPC_PERMISSION_DENIED
                              : ARC_GRPC_INTERNAL;
        told_open(&told, 0);
        frame_u32(&told.out, RST_STREAM, 1, h2);
        told_close(&told, code,
                   h2 == 7 ? "The server did not take the call." : "The server reset the stream.");
        CHECK_INT(told.seen.unprocessed, h2 == 7);
    }
}

static void a_cancel_that_crosses_the_deadline(void)
{
    struct told told;
    told_open(&told, 1005 * PAIR_S);
    frame_u32(&told.out, RST_STREAM, 1, 8);
    told.pair.now_ns = 1005 * PAIR_S;
    told_close(&told, ARC_GRPC_DEADLINE_EXCEEDED, "The deadline of the call has passed.");
    CHECK_INT(told.seen.why, ARC_GRPC_WHY_DEADLINE);
    CHECK_INT(told.pair.client_counters.deadlines, 1);

    told_open(&told, 1005 * PAIR_S);
    frame_u32(&told.out, RST_STREAM, 1, 8);
    told.pair.now_ns = 1004 * PAIR_S;
    told_close(&told, ARC_GRPC_CANCELLED, "The server reset the stream.");
}

static const struct test tests[] = {
    {"every form of the content type is served, others are 415", content_types},
    {"what is no POST is 405, and te is trailers or absent", methods_and_te},
    {"a path that cannot be a method's is refused", paths},
    {"a timeout in every unit is a deadline", timeouts},
    {"metadata keeps its order, and binary values their bytes", metadata_in_order},
    {"lines that could not be sent back are left out", odd_lines_are_left_out},
    {"encodings are told to clients that speak of them", encodings_are_told},
    {"a client's request says all that the protocol asks for", a_client_says_what_it_is},
    {"an early answer stops the client with NO_ERROR", an_early_answer_stops_the_client},
    {"any text and every code of a status arrives", any_text_of_a_status_arrives},
    {"details go with a status and nowhere else", details_go_with_a_status},
    {"an HTTP status without gRPC's maps to one", http_statuses_map},
    {"a status is made where none came", a_status_is_made_where_none_came},
    {"one block of headers may be the whole answer", one_block_is_enough},
    {"lines of an answer that cannot be read do little harm", lines_that_cannot_be_read},
    {"informational headers are no answer", informational_headers_are_no_answer},
    {"a status after GOAWAY counts, and what came later ends", a_goaway_ends_what_comes_after_it},
    {"a reset maps to the status that the protocol says", resets_map},
    {"a cancel that crosses the deadline is the deadline", a_cancel_that_crosses_the_deadline},
};
TEST_MAIN(tests)
