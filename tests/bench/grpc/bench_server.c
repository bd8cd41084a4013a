/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of the gRPC measurements, through the public functions alone and with every default:
 * limits, metadata, deadlines and statuses are as any program gets them.
 *     bench_server [--count] [CERT KEY]     prints "port N"; ends when its input does
 * --count: memory goes through a hook that counts; a line on the input is answered with one line,
 * "live BYTES", and SIZE:COUNT for each size of block that is alive. */
#include <arcentra/server.h>
#include <arcentra/service.h>
#include <malloc.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.pb-c.h"

#define LOOK_MS 50 /* from one look at the input to the next */
#define ARENA_BYTES (256 * 1024)
#define ALIGN 16
#define REPLY_BYTES 24 /* Summary: two tags and two varints */
#define CLASS_BYTES 16
#define CLASSES 8192

/* --- memory ---------------------------------------------------------------------------------- */

/* What protobuf-c unpacks into: given back all at once, before the next message. */
struct bump {
    size_t used;
    _Alignas(ALIGN) char bytes[ARENA_BYTES];
};

static void *bump_alloc(void *data, size_t size)
{
    struct bump *bump = data;
    size_t rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (rounded < size || rounded > ARENA_BYTES - bump->used)
        return NULL;
    void *out = bump->bytes + bump->used;
    bump->used += rounded;
    return out;
}

static void bump_free(void *data, void *ptr)
{
    (void)data;
    (void)ptr;
}

/* How many blocks of which size are alive, as malloc rounds them; the last class is all beyond. */
struct count {
    size_t live;
    size_t blocks[CLASSES];
};

static size_t *class_of(struct count *count, size_t bytes)
{
    size_t at = bytes / CLASS_BYTES;
    return &count->blocks[at < CLASSES ? at : CLASSES - 1];
}

static void *counted(void *user, void *ptr, size_t size)
{
    struct count *count = user;
    size_t before = malloc_usable_size(ptr);
    void *out = NULL;
    if (size == 0)
        free(ptr);
    else if ((out = realloc(ptr, size)) == NULL)
        return NULL;
    size_t after = malloc_usable_size(out);
    if (ptr != NULL)
        (*class_of(count, before))--;
    if (out != NULL)
        (*class_of(count, after))++;
    count->live += after - before;
    return out;
}

static void print_count(const struct count *count)
{
    printf("live %zu", count->live);
    for (size_t i = 0; i < CLASSES; i++) {
        if (count->blocks[i] != 0)
            printf(" %zu:%zu", i * CLASS_BYTES, count->blocks[i]);
    }
    printf("\n");
    fflush(stdout);
}

/* --- handlers -------------------------------------------------------------------------------- */

struct bench_server {
    struct bump bump;
    ProtobufCAllocator arena;
    arc_grpc_server *server;
};

static arc_slice slice(const void *ptr, size_t len)
{
    return (arc_slice){ptr, len};
}

static void *unpack(struct bench_server *bench, const ProtobufCMessageDescriptor *descriptor,
                    arc_slice message)
{
    bench->bump.used = 0;
    return protobuf_c_message_unpack(descriptor, &bench->arena, message.len,
                                     (const uint8_t *)message.ptr);
}

static void refuse(arc_grpc_call *call, const char *text)
{
    (void)arc_grpc_call_finish(call, ARC_GRPC_INVALID_ARGUMENT, slice(text, strlen(text)), NULL, 0,
                               NULL);
}

/* What is answered to a request: the bytes of the reply, and how often to send them. */
struct answer {
    size_t len;
    uint32_t count;
    uint8_t bytes[REPLY_BYTES];
};

/* 0: the request cannot be read; then the call has been ended. */
static int sum(struct bench_server *bench, arc_grpc_call *call, arc_slice message,
               struct answer *out)
{
    Bench__SumReply reply = BENCH__SUM_REPLY__INIT;
    const Bench__SumRequest *request = unpack(bench, &bench__sum_request__descriptor, message);
    if (request == NULL) {
        refuse(call, "The request cannot be read.");
        return 0;
    }
    reply.sum = (int64_t)((uint64_t)request->a + (uint64_t)request->b);
    out->count = request->count;
    out->len = protobuf_c_message_pack(&reply.base, out->bytes);
    return 1;
}

static void get_sum(void *user, arc_grpc_call *call, arc_slice message)
{
    struct answer answer;
    if (sum(user, call, message, &answer))
        (void)arc_grpc_call_reply(call, slice(answer.bytes, answer.len), NULL);
}

/* One call that streams. */
struct flow {
    struct bench_server *bench;
    uint64_t lines, text_bytes;
    struct answer answer;
};

static void on_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    struct flow *flow = calloc(1, sizeof(*flow));
    (void)request;
    if (flow == NULL) {
        (void)arc_grpc_call_finish(call, ARC_GRPC_RESOURCE_EXHAUSTED, slice("", 0), NULL, 0, NULL);
        return;
    }
    flow->bench = user;
    arc_grpc_call_set_user(call, flow);
}

static void on_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    (void)call;
    (void)why;
    free(user);
}

static void send_replies(void *user, arc_grpc_call *call)
{
    struct flow *flow = user;
    struct answer *answer = &flow->answer;
    for (; answer->count > 0; answer->count--) {
        if (arc_grpc_call_send(call, slice(answer->bytes, answer->len), NULL) != ARC_OK)
            return; /* on_writable or on_close follows */
    }
    (void)arc_grpc_call_finish(call, ARC_GRPC_OK, slice("", 0), NULL, 0, NULL);
}

static void on_stream_request(void *user, arc_grpc_call *call, arc_slice message)
{
    struct flow *flow = user;
    if (sum(flow->bench, call, message, &flow->answer))
        send_replies(flow, call);
}

/* One message at a time is what the client of this method sends; it never fills the queue. */
static void on_idle_request(void *user, arc_grpc_call *call, arc_slice message)
{
    struct flow *flow = user;
    struct answer *answer = &flow->answer;
    if (sum(flow->bench, call, message, answer) &&
        arc_grpc_call_send(call, slice(answer->bytes, answer->len), NULL) != ARC_OK)
        refuse(call, "The reply does not fit.");
}

static void on_idle_end(void *user, arc_grpc_call *call)
{
    (void)user;
    (void)arc_grpc_call_finish(call, ARC_GRPC_OK, slice("", 0), NULL, 0, NULL);
}

/* The peers check the text of strings; protobuf-c leaves it to us. 1: it is UTF-8. */
static int is_text(const char *text, size_t left)
{
    uint64_t word[4];
    for (; left >= sizeof(word); text += sizeof(word), left -= sizeof(word)) {
        memcpy(word, text, sizeof(word));
        if (((word[0] | word[1] | word[2] | word[3]) & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (left > 0) {
        const unsigned char *at = (const unsigned char *)text;
        size_t more = at[0] < 0x80 ? 0 : at[0] < 0xc2 ? 4 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3;
        if (at[0] > 0xf4 || more >= left || (at[0] == 0xe0 && at[1] < 0xa0) ||
            (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
            (at[0] == 0xf4 && at[1] > 0x8f))
            return 0;
        for (size_t i = 1; i <= more; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
        }
        text += more + 1;
        left -= more + 1;
    }
    return 1;
}

/* 0: one of a line's texts is none. */
static int check_texts(const Bench__LogLine *line, size_t *text_len)
{
    const char *const texts[] = {line->run_id, line->step_id, line->level, line->host};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!is_text(texts[i], strlen(texts[i])))
            return 0;
    }
    *text_len = strlen(line->text);
    return is_text(line->text, *text_len);
}

static void on_line(void *user, arc_grpc_call *call, arc_slice message)
{
    struct flow *flow = user;
    const Bench__LogLine *line = unpack(flow->bench, &bench__log_line__descriptor, message);
    size_t text_len;
    if (line == NULL || !check_texts(line, &text_len)) {
        refuse(call, "The line cannot be read.");
        return;
    }
    if (line->seq != flow->lines + 1) {
        refuse(call, "A line is missing or came twice.");
        return;
    }
    flow->lines++;
    flow->text_bytes += text_len;
}

static void on_lines_end(void *user, arc_grpc_call *call)
{
    const struct flow *flow = user;
    Bench__Summary summary = BENCH__SUMMARY__INIT;
    uint8_t reply[REPLY_BYTES];
    summary.lines = flow->lines;
    summary.text_bytes = flow->text_bytes;
    size_t len = protobuf_c_message_pack(&summary.base, reply);
    (void)arc_grpc_call_reply(call, slice(reply, len), NULL);
}

#define EVENTS(message, half_close, writable) \
    { \
        sizeof(arc_grpc_events), on_call, NULL, message, half_close, writable, NULL, on_close \
    }
static const arc_grpc_events stream_events = EVENTS(on_stream_request, NULL, send_replies);
static const arc_grpc_events ingest_events = EVENTS(on_line, on_lines_end, NULL);
static const arc_grpc_events idle_events = EVENTS(on_idle_request, on_idle_end, NULL);

/* --- the program ----------------------------------------------------------------------------- */

static arc_status add_methods(arc_grpc_router *router, struct bench_server *bench, arc_err *err)
{
    const struct {
        const char *path;
        const arc_grpc_events *events;
    } rows[] = {
        {"/bench.SumService/GetSum", NULL},
        {"/bench.SumService/StreamSum", &stream_events},
        {"/bench.IngestService/Ingest", &ingest_events},
        {"/bench.IdleService/Open", &idle_events},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_grpc_method method = ARC_GRPC_METHOD_INIT;
        method.user = bench;
        method.events = rows[i].events;
        method.unary = rows[i].events == NULL ? get_sum : NULL;
        arc_status status = arc_grpc_router_add(router, rows[i].path, &method, err);
        if (status != ARC_OK)
            return status;
    }
    return ARC_OK;
}

static uint64_t now_ms(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until the input ends, which is looked at now and then: the server has the thread to itself, as
 * those of others have. */
static arc_status serve(struct bench_server *bench, const struct count *count, arc_err *err)
{
    struct pollfd input = {0, POLLIN, 0};
    uint64_t looked_ms = now_ms();
    char line[64];
    for (;;) {
        arc_status status = arc_grpc_server_wait(bench->server, LOOK_MS, err);
        if (status != ARC_OK)
            return status;
        if (now_ms() < looked_ms + LOOK_MS)
            continue;
        looked_ms = now_ms();
        if (poll(&input, 1, 0) <= 0)
            continue;
        if (read(0, line, sizeof(line)) <= 0)
            return ARC_OK;
        print_count(count);
    }
}

static arc_status run(struct bench_server *bench, const arc_env *env, const arc_tls_options *tls,
                      arc_err *err)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    arc_grpc_server_options options = ARC_GRPC_SERVER_OPTIONS_INIT;
    arc_grpc_router *router = NULL;
    arc_status status = arc_grpc_router_open(env, &router, err);
    if (status == ARC_OK)
        status = add_methods(router, bench, err);
    options.env = env;
    options.listen = listen;
    options.listen_count = 1;
    options.tls = tls;
    options.events = arc_grpc_router_get_events();
    options.user = router;
    if (status == ARC_OK)
        status = arc_grpc_server_open(&options, &bench->server, err);
    if (status == ARC_OK) {
        printf("port %d\nversion libarcentra %s\n", arc_grpc_server_get_port(bench->server, 0),
               arc_version());
        fflush(stdout);
        status = serve(bench, env->user, err);
    }
    arc_grpc_server_close(bench->server);
    arc_grpc_router_close(router);
    return status;
}

int main(int argc, char **argv)
{
    static struct bench_server bench;
    static struct count count;
    arc_env env = ARC_ENV_INIT;
    arc_tls_options tls = ARC_TLS_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    int counts = argc > 1 && strcmp(argv[1], "--count") == 0;
    argc -= counts;
    argv += counts;
    env.user = &count;
    if (counts)
        env.alloc = counted;
    if (argc > 2) {
        tls.cert_file = argv[1];
        tls.key_file = argv[2];
    }
    bench.arena = (ProtobufCAllocator){bump_alloc, bump_free, &bench.bump};
    if (run(&bench, &env, argc > 2 ? &tls : NULL, &err) != ARC_OK) {
        fprintf(stderr, "bench_server: %s: %s\n", err.subject, err.message);
        return 1;
    }
    return 0;
}
