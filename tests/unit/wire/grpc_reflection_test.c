/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.reflection.v1 and v1alpha as a client sees them. */
#include "shim.h"

#include <arcentra/service.h>
#include <stdio.h>

#include "pair.h"
#include "wire/grpc_services.h"
#include "wire/pb.h"

#define V1 "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define V1ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

/* Fields of requests and responses. */
enum { BY_FILE = 3, BY_SYMBOL, BY_EXTENSION, NUMBERS, LIST };
enum { FILES = 4, NUMBERS_FOUND, SERVICES, ERROR };

/* --- sets written by hand: d.proto imports b and c, which import a; d extends .t.A ------------ */

static void put(struct arc_buf *out, uint32_t number, const char *text)
{
    arc__pb_add_bytes(out, number, arc__slice_cstr(text));
}

static void add_file(struct arc_buf *set, const char *name, const char *message,
                     const char *imports[2], size_t padding)
{
    struct arc_buf file = {.mem = set->mem, .max_bytes = 8 << 20};
    struct arc_buf one = {.mem = set->mem, .max_bytes = 1024};
    put(&file, 1, name);
    put(&file, 2, "t");
    for (int i = 0; i < 2; i++) {
        if (imports[i] != NULL)
            put(&file, 3, imports[i]);
    }
    put(&one, 1, message);
    arc__pb_add_bytes(&file, 4, arc__buf_slice(&one));
    for (int i = 0; i < 2 && message[0] == 'D'; i++) {
        arc__buf_clear(&one);
        put(&one, 1, i == 0 ? "x" : "y");
        put(&one, 2, ".t.A");
        arc__pb_add_varint(&one, 3, i == 0 ? 300 : 7);
        arc__pb_add_bytes(&file, 7, arc__buf_slice(&one));
    }
    arc__pb_add_head(&file, 9, padding); /* where source information would be */
    for (size_t i = 0; i < padding; i++)
        arc__buf_add_char(&file, 's');
    arc__pb_add_bytes(set, 1, arc__buf_slice(&file));
    arc__buf_deinit(&file);
    arc__buf_deinit(&one);
}

static struct arc_buf make_set(size_t padding)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf set;
    const char *none[2] = {NULL, NULL}, *a[2] = {"a.proto", NULL}, *missing[2] = {"a.proto", "no"};
    const char *both[2] = {"b.proto", "c.proto"};
    arc__buf_init(&set, &mem, 64 << 20);
    add_file(&set, "d.proto", "D", both, padding);
    add_file(&set, "a.proto", "A", none, padding);
    add_file(&set, "b.proto", "B", a, padding);
    add_file(&set, "c.proto", "C", missing, padding);
    return set;
}

/* --- a server and a client that writes down its answers --------------------------------------- */

struct asked {
    struct arc_grpc_call *call;
    struct arc_buf last; /* the last answer */
    int answers, code, closes;
};

static void asked_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    struct asked *asked = user;
    (void)call;
    asked->answers++;
    arc__buf_clear(&asked->last);
    arc__buf_add_slice(&asked->last, message);
}

static void asked_status(void *user, struct arc_grpc_call *call,
                         const struct arc_grpc_status *status)
{
    struct asked *asked = user;
    (void)call;
    asked->code = status->code;
}

static void asked_close(void *user, struct arc_grpc_call *call, arc_grpc_why why)
{
    struct asked *asked = user;
    (void)call;
    (void)why;
    asked->closes++;
    asked->call = NULL;
}

static const struct arc_grpc_events asked_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_message = asked_message,
    .on_status = asked_status,
    .on_close = asked_close,
};

struct mirror {
    struct pair pair;
    struct arc_mem mem;
    arc_grpc_router *router;
    struct asked asked;
};

static void nothing(void *user, arc_grpc_call *call, arc_slice message)
{
    (void)user;
    (void)message;
    (void)arc_grpc_call_reply(call, ARC_NONE, NULL);
}

static arc_status open_mirror(struct mirror *mirror, struct test_mem *memory, const char *path,
                              size_t padding, const struct arc_grpc_limits *limits)
{
    arc_grpc_method method = ARC_GRPC_METHOD_INIT;
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    struct arc_mem own = arc__mem_default();
    struct arc_buf set = make_set(padding);
    mirror->mem = memory != NULL ? test_mem(memory) : own;
    arc_env env = arc__mem_to_env(&mirror->mem);
    arc__buf_init(&mirror->asked.last, &own, 64 << 20);
    method.unary = nothing;
    mirror->asked.code = -1;
    arc_status status = arc_grpc_router_open(&env, &mirror->router, NULL);
    if (status == ARC_OK)
        status = arc_grpc_router_add(mirror->router, "/t.Shop/Buy", &method, NULL);
    if (status == ARC_OK)
        status = arc_grpc_router_add_reflection(mirror->router, set.ptr, set.len, NULL);
    arc__buf_deinit(&set);
    ARC_TRY(status);
    mirror->pair.events = arc_grpc_router_get_events();
    mirror->pair.user = mirror->router;
    ARC_TRY(pair_open(&mirror->pair, NULL, limits, NULL));
    request.path = arc__slice_cstr(path);
    return arc_grpc_call_open(mirror->pair.client, &request, &asked_events, &mirror->asked,
                              &mirror->asked.call, NULL);
}

static void close_mirror(struct mirror *mirror)
{
    pair_close(&mirror->pair);
    arc_grpc_router_close(mirror->router);
    arc__buf_deinit(&mirror->asked.last);
}

static arc_status send_question(struct mirror *mirror, uint32_t kind, arc_slice text)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf question;
    arc__buf_init(&question, &mem, 1 << 20);
    put(&question, 1, "host.example");
    arc__pb_add_bytes(&question, kind, text);
    arc_status status = arc_grpc_call_send(mirror->asked.call, arc__buf_slice(&question), NULL);
    arc__buf_deinit(&question);
    return status;
}

/* Asks and answers the field number of what came; *out is its content. 0: nothing came. */
static uint32_t ask_bytes(struct mirror *mirror, uint32_t kind, arc_slice text, arc_slice *out)
{
    int before = mirror->asked.answers;
    uint32_t found = 0;
    struct arc_pb_field field;
    *out = ARC_NONE;
    if (mirror->asked.call == NULL || send_question(mirror, kind, text) != ARC_OK)
        return 0;
    pair_pump(&mirror->pair);
    if (mirror->asked.answers != before + 1)
        return 0;
    arc_slice rest = arc__buf_slice(&mirror->asked.last), host = ARC_NONE, question = ARC_NONE;
    arc_slice again = ARC_NONE;
    CHECK(arc__pb_find(rest, 1, &host));
    CHECK_TEXT(host, "host.example");
    CHECK(arc__pb_find(rest, 2, &question) && arc__pb_find(question, kind, &again));
    CHECK(arc__slice_equal(again, text));
    while (arc__pb_next(&rest, &field) > 0) {
        if (field.number > 2) {
            CHECK_INT(found, 0);
            found = field.number;
            *out = field.bytes;
        }
    }
    return found;
}

static uint32_t ask(struct mirror *mirror, uint32_t kind, const char *text, arc_slice *out)
{
    return ask_bytes(mirror, kind, arc__slice_cstr(text), out);
}

/* The first letters of the names of the files in an answer. */
static const char *names_of(arc_slice files, char out[32])
{
    struct arc_pb_field field;
    size_t count = 0;
    while (arc__pb_next(&files, &field) > 0 && count < 31) {
        arc_slice name;
        CHECK(field.number == 1 && arc__pb_find(field.bytes, 1, &name) && name.len > 0);
        out[count++] = name.ptr[0];
    }
    out[count] = '\0';
    return out;
}

/* The code of an error_response. */
static int code_of(arc_slice error)
{
    struct arc_pb_field field;
    int code = 0;
    while (arc__pb_next(&error, &field) > 0)
        code = field.number == 1 ? (int)field.value : code;
    return code;
}

/* --- what it says ---------------------------------------------------------------------------- */

static void services(void)
{
    static const char *const wanted[] = {"grpc.reflection.v1.ServerReflection",
                                         "grpc.reflection.v1alpha.ServerReflection", "t.Known",
                                         "t.Shop"};
    static const char *const paths[] = {V1, V1ALPHA};
    static const size_t steps[] = {0, 1, SIZE_MAX};
    for (size_t i = 0; i < 6; i++) {
        struct mirror mirror = {.pair.step = steps[i / 2]};
        struct arc_pb_field field;
        arc_slice list;
        size_t count = 0;
        CHECK_OK(open_mirror(&mirror, NULL, paths[i % 2], 0, NULL));
        CHECK_OK(arc__grpc_router_know(mirror.router, ARC_LIT("t.Known"), NULL));
        CHECK_INT(ask(&mirror, LIST, "", &list), SERVICES);
        while (arc__pb_next(&list, &field) > 0 && count < ARC_COUNT_OF(wanted)) {
            arc_slice name;
            CHECK(arc__pb_find(field.bytes, 1, &name));
            CHECK_TEXT(name, wanted[count++]);
        }
        CHECK_INT(count, ARC_COUNT_OF(wanted));
        CHECK_INT(list.len, 0);
        arc_grpc_call_half_close(mirror.asked.call);
        pair_pump(&mirror.pair);
        CHECK_INT(mirror.asked.code, ARC_GRPC_OK);
        close_mirror(&mirror);
    }
}

/* The name and the package of the one file that is found; empty when it is another answer. */
static void file_of(struct mirror *mirror, uint32_t how, const char *text, arc_slice out[2])
{
    arc_slice found, file;
    out[0] = out[1] = ARC_NONE;
    CHECK_INT(ask(mirror, how, text, &found), FILES);
    CHECK(arc__pb_find(found, 1, &file));
    CHECK(arc__pb_find(file, 1, &out[0]));
    CHECK(arc__pb_find(file, 2, &out[1]));
}

static void both_versions_have_their_file(void)
{
    static const char *const rows[][2] = {
        {"grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"},
        {"grpc/reflection/v1alpha/reflection.proto", "grpc.reflection.v1alpha"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows) * 2; i++) {
        struct mirror mirror = {0};
        const char *const *row = rows[i / 2];
        char service[64];
        arc_slice file[2];
        snprintf(service, sizeof(service), "%s.ServerReflection", row[1]);
        CHECK_OK(open_mirror(&mirror, NULL, V1, 0, NULL));
        file_of(&mirror, i % 2 ? BY_SYMBOL : BY_FILE, i % 2 ? service : row[0], file);
        CHECK_TEXT(file[0], row[0]);
        CHECK_TEXT(file[1], row[1]);
        close_mirror(&mirror);
    }
}

static void files_once(void)
{
    struct mirror mirror = {0};
    char names[32];
    arc_slice found;
    CHECK_OK(open_mirror(&mirror, NULL, V1, 0, NULL));
    CHECK_INT(ask(&mirror, BY_SYMBOL, "t.B", &found), FILES);
    CHECK_TEXT(arc__slice_cstr(names_of(found, names)), "ba");
    CHECK_INT(ask(&mirror, BY_FILE, "d.proto", &found), FILES);
    CHECK_TEXT(arc__slice_cstr(names_of(found, names)), "dc");
    CHECK_INT(ask(&mirror, BY_FILE, "d.proto", &found), FILES);
    CHECK_TEXT(arc__slice_cstr(names_of(found, names)), "d"); /* what was asked for always comes */
    CHECK_INT(ask(&mirror, BY_SYMBOL, "grpc.reflection.v1.ServerReflection", &found), FILES);
    CHECK_TEXT(arc__slice_cstr(names_of(found, names)), "g");
    close_mirror(&mirror);
}

static void extensions(void)
{
    static const char first[] = "\x0a\x04t.A\x10\xac\x02";
    struct mirror mirror = {0};
    char names[32];
    arc_slice found;
    CHECK_OK(open_mirror(&mirror, NULL, V1ALPHA, 0, NULL));
    CHECK_INT(ask(&mirror, NUMBERS, "t.A", &found), NUMBERS_FOUND);
    CHECK(arc__slice_equal(found, ARC_LIT("\x0a\x03t.A\x10\x07\x10\xac\x02")));
    CHECK_INT(ask(&mirror, NUMBERS, "t.B", &found), NUMBERS_FOUND);
    CHECK(arc__slice_equal(found, ARC_LIT("\x0a\x03t.B")));
    CHECK_INT(ask(&mirror, NUMBERS, "t.x", &found), ERROR);
    CHECK_INT(code_of(found), ARC_GRPC_NOT_FOUND);
    CHECK_INT(ask_bytes(&mirror, BY_EXTENSION, ARC_LIT("\x0a\x03t.A\x10\xac\x02"), &found), FILES);
    CHECK_TEXT(arc__slice_cstr(names_of(found, names)), "dbca");
    CHECK_INT(ask_bytes(&mirror, BY_EXTENSION, ARC_LIT("\x0a\x03t.A\x10\x08"), &found), ERROR);
    CHECK_INT(code_of(found), ARC_GRPC_NOT_FOUND);
    /* Bytes that are no ExtensionRequest. */
    CHECK_INT(ask_bytes(&mirror, BY_EXTENSION, arc__slice(first, 3), &found), 0);
    CHECK_INT(mirror.asked.code, ARC_GRPC_INVALID_ARGUMENT);
    close_mirror(&mirror);
}

static void errors(void)
{
    struct mirror mirror = {0};
    arc_slice found;
    CHECK_OK(open_mirror(&mirror, NULL, V1, 0, NULL));
    CHECK_INT(ask(&mirror, BY_FILE, "e.proto", &found), ERROR);
    CHECK_INT(code_of(found), ARC_GRPC_NOT_FOUND);
    CHECK_INT(ask(&mirror, BY_SYMBOL, "t", &found), ERROR);
    CHECK_INT(code_of(found), ARC_GRPC_NOT_FOUND);
    CHECK_INT(ask(&mirror, 8, "of a later day", &found), ERROR);
    CHECK_INT(code_of(found), ARC_GRPC_INVALID_ARGUMENT);
    CHECK_INT(ask(&mirror, BY_FILE, "a.proto", &found), FILES); /* the stream goes on */
    close_mirror(&mirror);
}

static void malformed(void)
{
    static char big[5000];
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {{"\x0b", 1},
                 {"\x1a\x05x", 3},
                 {"\x22\x02\xff\xfe", 4},
                 {"\x0a\x01\xff", 3},
                 {big, sizeof(big)}};
    memset(big, 'b', sizeof(big));
    big[0] = 0x22;
    big[1] = (char)0x85; /* 4997 */
    big[2] = 0x27;
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct mirror mirror = {0};
        CHECK_OK(open_mirror(&mirror, NULL, V1, 0, NULL));
        CHECK_OK(
            arc_grpc_call_send(mirror.asked.call, arc__slice(cases[i].bytes, cases[i].len), NULL));
        pair_pump(&mirror.pair);
        CHECK_INT(mirror.asked.code, ARC_GRPC_INVALID_ARGUMENT);
        CHECK_INT(mirror.asked.answers, 0);
        close_mirror(&mirror);
    }
}

/* --- back-pressure and limits ---------------------------------------------------------------- */

static void a_client_that_does_not_read(void)
{
    const size_t padding = 100000;
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct mirror mirror = {0};
    limits.queue_max_bytes = 150000;
    CHECK_OK(open_mirror(&mirror, NULL, V1, padding, &limits));
    for (int i = 0; i < 100; i++)
        CHECK_OK(send_question(&mirror, BY_FILE, ARC_LIT("d.proto")));
    arc_grpc_call_half_close(mirror.asked.call);
    pair_pump(&mirror.pair);
    CHECK_INT(mirror.asked.answers, 100);
    CHECK_INT(mirror.asked.code, ARC_GRPC_OK);
    CHECK(mirror.pair.max_queued < 5 * padding); /* the first answer has all four files */
    close_mirror(&mirror);
}

static void an_answer_too_long(void)
{
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct mirror mirror = {0};
    arc_slice found;
    limits.message_send_max_bytes = 1000;
    CHECK_OK(open_mirror(&mirror, NULL, V1, 2000, &limits));
    CHECK_INT(ask(&mirror, BY_FILE, "a.proto", &found), 0);
    CHECK_INT(mirror.asked.code, ARC_GRPC_RESOURCE_EXHAUSTED);
    close_mirror(&mirror);
}

static void more_files_meanwhile(void)
{
    struct arc_mem mem = arc__mem_default();
    struct mirror mirror = {0};
    struct arc_buf set;
    char names[32];
    arc_slice found;
    const char *imports[2] = {"d.proto", "a.proto"};
    CHECK_OK(open_mirror(&mirror, NULL, V1, 0, NULL));
    CHECK_INT(ask(&mirror, BY_FILE, "b.proto", &found), FILES);
    arc__buf_init(&set, &mem, 1 << 20);
    add_file(&set, "e.proto", "E", imports, 0);
    CHECK_OK(arc_grpc_router_add_reflection(mirror.router, set.ptr, set.len, NULL));
    CHECK_STATUS(arc_grpc_router_add_reflection(mirror.router, "x", 1, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_router_add_reflection(mirror.router, NULL, 1, NULL), ARC_EINVAL);
    CHECK_OK(arc_grpc_router_add_reflection(mirror.router, NULL, 0, NULL));
    CHECK_INT(ask(&mirror, BY_SYMBOL, "t.E", &found), FILES);
    CHECK_TEXT(arc__slice_cstr(names_of(found, names)), "edc");
    arc__buf_deinit(&set);
    close_mirror(&mirror);
}

static void fails_cleanly(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        for (uint64_t n = 1; n < 500; n++) {
            struct test_mem memory = {.fail_at = n, .sticky = sticky};
            struct mirror mirror = {0};
            arc_slice found;
            int done = 0;
            if (open_mirror(&mirror, &memory, V1, 0, NULL) == ARC_OK) {
                done = ask(&mirror, BY_FILE, "d.proto", &found) == FILES &&
                       ask(&mirror, LIST, "", &found) == SERVICES;
                CHECK(done || mirror.asked.code == ARC_GRPC_RESOURCE_EXHAUSTED);
            }
            uint64_t calls = memory.calls;
            close_mirror(&mirror);
            CHECK_INT(memory.live, 0);
            if (calls < n) {
                CHECK(done);
                break;
            }
            CHECK(n < 499);
        }
    }
}

static const struct test tests[] = {
    {"both versions list the services, however bytes are cut", services},
    {"each version has a file and a package of its own", both_versions_have_their_file},
    {"a file comes with its imports, each once on a stream", files_once},
    {"extensions are found by their message and number", extensions},
    {"what is not known is an error in the answer", errors},
    {"a malformed question ends the stream", malformed},
    {"a client that does not read is not answered further", a_client_that_does_not_read},
    {"an answer over the limit ends the stream", an_answer_too_long},
    {"sets may be added while streams are open", more_files_meanwhile},
    {"every failed allocation of reflection ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
