/* SPDX-License-Identifier: Apache-2.0 */
#include "h2.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define MESSAGE_MAX 600
#define SENT_MAX 5000

/* Limits that a few hundred bytes reach. */
static arc_grpc_limits small_limits(void)
{
    arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.calls_max = 6;
    limits.message_max_bytes = MESSAGE_MAX;
    limits.message_send_max_bytes = SENT_MAX;
    limits.queue_max_bytes = 2000;
    limits.conn_queue_max_bytes = 6000;
    limits.assembly_max_bytes = 1500;
    limits.compress_min_bytes = 16;
    limits.header_list_max_bytes = 1024;
    limits.header_fields_max = 20;
    limits.continuations_max = 2;
    limits.stream_window_first_bytes = 1024;
    limits.stream_window_bytes = 4096;
    limits.conn_window_bytes = 65535;
    limits.reset_burst = 5;
    limits.settings_burst = 3;
    limits.acks_max = 4;
    limits.idle_pings_burst = 2;
    limits.pings_burst = 4;
    limits.empty_frames_max = 3;
    limits.idle_ns = 60 * SECOND;
    limits.age_ns = 90 * SECOND;
    limits.age_grace_ns = 20 * SECOND;
    limits.keepalive_ns = 7 * SECOND;
    limits.keepalive_timeout_ns = 3 * SECOND;
    return limits;
}

/* --- the application ------------------------------------------------------------------------- */

static void send_some(struct h2_call *own, size_t len, uint32_t flags)
{
    static const char text[6000];
    arc_status status =
        flags == 0 ? arc_grpc_call_send(own->call, arc__slice(text, len), NULL)
                   : arc_grpc_call_send_with(own->call, arc__slice(text, len), flags, NULL);
    FUZZ_CHECK(status != ARC_OK || len <= SENT_MAX || !own->h2->small);
}

static void send_until_full(struct h2_call *own)
{
    for (int i = 0; i < 50; i++) {
        if (arc_grpc_call_send(own->call, ARC_LIT("again and again and again"), NULL) != ARC_OK)
            return;
    }
}

static void finish(struct h2_call *own, int32_t code)
{
    const arc_grpc_field fields[] = {
        {ARC_LIT("x-why"), ARC_LIT("because")},
        {ARC_LIT("x-raw-bin"), ARC_LIT("\x00\xff\x10")},
        {ARC_LIT("not allowed"), ARC_LIT("x")},
    };
    size_t count = code == ARC_GRPC_OK ? 0 : code == ARC_GRPC_INTERNAL ? 3 : 2;
    arc_status status =
        arc_grpc_call_finish(own->call, code, ARC_LIT("100% \xc3\xa4\n"), fields, count, NULL);
    FUZZ_CHECK(code != ARC_GRPC_INTERNAL || status != ARC_OK);
    if (status == ARC_OK)
        own->ended = 1;
}

static void drop(struct h2_call *own)
{
    own->alive = 0;
    own->h2->alive--;
    arc_grpc_call_drop(own->call);
}

/* What pumps is refused inside an event. */
static void misuse(struct h2 *h2)
{
    char buf[64];
    if (!h2->inside)
        return;
    FUZZ_CHECK(arc_grpc_conn_recv(h2->conn, h2->now_ns, ARC_LIT("x"), NULL) == ARC_ECONFLICT);
    FUZZ_CHECK(arc_grpc_conn_send(h2->conn, h2->now_ns, buf, sizeof(buf)) == 0);
    arc_grpc_conn_tick(h2->conn, h2->now_ns);
    arc_grpc_conn_eof(h2->conn, h2->now_ns);
    arc_grpc_conn_free(h2->conn);
}

static struct h2_call *any_call(struct h2 *h2, size_t from)
{
    for (size_t i = 0; i < h2->made; i++) {
        struct h2_call *own = &h2->calls[(from + i) % h2->made];
        if (own->alive)
            return own;
    }
    return NULL;
}

static void send_headers(struct h2_call *own)
{
    const arc_grpc_field field = {ARC_LIT("x-first"), ARC_LIT("one")};
    arc_status status = arc_grpc_call_send_headers(own->call, &field, 1, NULL);
    FUZZ_CHECK(status != ARC_EINVAL && status != ARC_EAGAIN);
    status = arc_grpc_call_set_encoding(own->call, ARC_GRPC_GZIP, NULL);
    FUZZ_CHECK(status != ARC_EAGAIN);
}

static void act_on_conn(struct h2 *h2, unsigned what)
{
    switch (what & 3) {
    case 0:
        arc_grpc_conn_drain(h2->conn, h2->now_ns);
        break;
    case 1:
        arc_grpc_conn_terminate(h2->conn, h2->now_ns, what >> 2 & 3);
        break;
    default:
        misuse(h2);
        break;
    }
}

/* Does to a call what the number says. The call may be dead afterwards. */
static void act(struct h2_call *own, unsigned what)
{
    static const char of_server[] = {3, 9, 12}, of_client[] = {10};
    struct h2 *h2 = own->h2;
    const char *others = h2->server ? of_client : of_server;
    if (memchr(others, (char)(what & 15), h2->server ? sizeof(of_client) : sizeof(of_server)))
        return;
    switch (what & 15) {
    case 0:
        send_some(own, what & 0xf0, 0);
        break;
    case 1:
        send_some(own, what * 21, what & 0x20 ? ARC_GRPC_SEND_PACKED : ARC_GRPC_SEND_PLAIN);
        break;
    case 2:
        send_until_full(own);
        break;
    case 3:
        finish(own, what >> 4 & 15);
        break;
    case 4:
        arc_grpc_call_cancel(own->call);
        own->ended = 1;
        break;
    case 5:
        drop(own);
        break;
    case 6:
        arc_grpc_call_pause(own->call);
        own->paused = 1;
        break;
    case 7:
        own->paused = 0;
        arc_grpc_call_resume(own->call);
        break;
    case 8:
        (void)arc_grpc_call_set_deadline(own->call, h2->now_ns + SECOND * (what >> 4), NULL);
        break;
    case 9:
        send_headers(own);
        break;
    case 10:
        arc_grpc_call_half_close(own->call);
        break;
    case 11:
        act_on_conn(h2, what >> 4);
        break;
    case 12:
        finish(own, ARC_GRPC_OK);
        break;
    default:
        break;
    }
}

static void act_inside(struct h2 *h2, struct h2_call *own, unsigned what)
{
    h2->inside++;
    if ((what & 15) == 13) {
        /* Another call than the one that is spoken of. */
        struct h2_call *other = any_call(h2, what >> 4);
        if (other != NULL)
            act(other, what >> 3);
    } else if (own != NULL && own->alive) {
        act(own, what);
    }
    h2->inside--;
}

static struct h2_call *make_call(struct h2 *h2, arc_grpc_call *call)
{
    FUZZ_CHECK(h2->made < H2_CALLS_MAX);
    struct h2_call *own = &h2->calls[h2->made++];
    *own = (struct h2_call){.h2 = h2, .call = call, .alive = 1};
    h2->alive++;
    return own;
}

static void check_event(const struct h2_call *own, const arc_grpc_call *call)
{
    FUZZ_CHECK(own->alive && own->call == call);
    FUZZ_CHECK(!own->ended && own->statuses == 0);
}

static unsigned byte_of(arc_slice text)
{
    return text.len > 0 ? (unsigned char)text.ptr[text.len - 1] : 15;
}

static void on_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    struct h2 *h2 = user;
    size_t bytes = 0;
    struct h2_call *own = make_call(h2, call);
    arc_grpc_call_set_user(call, own);
    FUZZ_CHECK(!h2->over && arc_grpc_call_get_conn(call) == h2->conn);
    FUZZ_CHECK(request->deadline_ns >= h2->now_ns);
    for (size_t i = 0; i < request->count; i++)
        bytes += request->fields[i].name.len + request->fields[i].value.len + 32;
    FUZZ_CHECK(request->count <= 100 && bytes <= (16 << 10));
    act_inside(h2, own, byte_of(request->path));
}

static void on_headers(void *user, arc_grpc_call *call, const arc_grpc_field *fields, size_t count)
{
    struct h2_call *own = user;
    check_event(own, call);
    FUZZ_CHECK(own->headers++ == 0 && own->messages == 0);
    act_inside(own->h2, own, count > 0 ? byte_of(fields[0].value) : 15);
}

static void on_message(void *user, arc_grpc_call *call, arc_slice message)
{
    struct h2_call *own = user;
    check_event(own, call);
    FUZZ_CHECK(!own->paused && !own->half);
    FUZZ_CHECK(!own->h2->small || message.len <= MESSAGE_MAX);
    own->messages++;
    act_inside(own->h2, own, byte_of(message));
}

static void on_half_close(void *user, arc_grpc_call *call)
{
    struct h2_call *own = user;
    check_event(own, call);
    FUZZ_CHECK(!own->paused && !own->half);
    own->half = 1;
    act_inside(own->h2, own, (unsigned)own->messages + 11);
}

static void on_writable(void *user, arc_grpc_call *call)
{
    struct h2_call *own = user;
    check_event(own, call);
    act_inside(own->h2, own, (unsigned)own->messages & 1 ? 2 : 0x34);
}

static void on_status(void *user, arc_grpc_call *call, const arc_grpc_status *status)
{
    struct h2_call *own = user;
    FUZZ_CHECK(own->alive && own->call == call && own->statuses++ == 0);
    FUZZ_CHECK(status->code >= 0 && status->code <= 16);
    FUZZ_CHECK(status->count <= 100);
    if (status->count > 0)
        act_inside(own->h2, NULL, byte_of(status->fields[0].value));
}

static void on_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct h2_call *own = user;
    FUZZ_CHECK(own->alive && own->call == call);
    FUZZ_CHECK(why > ARC_GRPC_WHY_NONE && why <= ARC_GRPC_WHY_NOMEM);
    own->alive = 0;
    own->h2->alive--;
    act_inside(own->h2, NULL, (unsigned)own->messages * 16 + 13);
}

static const arc_grpc_events server_events = {
    sizeof(arc_grpc_events), on_call, NULL, on_message, on_half_close, on_writable, NULL, on_close};
static const arc_grpc_events client_events = {
    sizeof(arc_grpc_events), NULL, on_headers, on_message, NULL, on_writable, on_status, on_close};

static void open_call(struct h2 *h2, const char *path, uint64_t deadline_ns)
{
    const arc_grpc_field fields[] = {{ARC_LIT("x-a"), ARC_LIT("b")},
                                     {ARC_LIT("x-raw-bin"), ARC_LIT("\x00\xff")}};
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    if (h2->made == H2_CALLS_MAX)
        return;
    struct h2_call *own = make_call(h2, NULL);
    request.path = arc__slice_cstr(path);
    request.fields = fields;
    request.count = 2;
    request.deadline_ns = deadline_ns;
    if (arc_grpc_call_open(h2->conn, &request, &client_events, own, &own->call, NULL) == ARC_OK)
        return;
    own->alive = 0;
    h2->alive--;
}

/* --- the transport --------------------------------------------------------------------------- */

static void check(struct h2 *h2)
{
    FUZZ_CHECK(arc_grpc_conn_get_calls(h2->conn) == h2->alive);
    if (!h2->small)
        return;
    FUZZ_CHECK(arc_grpc_conn_get_queued(h2->conn) <= 6000 + (6 + 2) * (SENT_MAX + 5));
    FUZZ_CHECK(arc_grpc_conn_get_held(h2->conn) <= 65535 + 1500 + MESSAGE_MAX);
}

static void deliver(struct h2 *h2, size_t len)
{
    size_t left = h2->input.len - h2->seen;
    len = len > left ? left : len;
    for (size_t done = 0; done < len;) {
        size_t step = fuzz_step != 0 && fuzz_step < len - done ? fuzz_step : len - done;
        char *copy = fuzz_copy(h2->input.bytes + h2->seen, step);
        size_t before = h2->made;
        arc_status status = arc_grpc_conn_recv(h2->conn, h2->now_ns, arc__slice(copy, step), NULL);
        free(copy);
        FUZZ_CHECK(!h2->over || before == h2->made);
        h2->over |= status != ARC_OK;
        FUZZ_CHECK(status == ARC_OK || h2->alive == 0);
        h2->seen += step;
        done += step;
        check(h2);
    }
}

/* Until nothing moves; that must come soon. */
static void settle(struct h2 *h2)
{
    static char buf[16384];
    size_t moved = 1;
    for (int round = 0; moved > 0; round++) {
        FUZZ_CHECK(round < 2000);
        moved = h2->deaf ? 0 : arc_grpc_conn_send(h2->conn, h2->now_ns, buf, sizeof(buf));
        FUZZ_CHECK(moved <= sizeof(buf));
        check(h2);
        if (arc_grpc_conn_get_deadline(h2->conn) <= h2->now_ns) {
            arc_grpc_conn_tick(h2->conn, h2->now_ns);
            moved++;
        }
        check(h2);
    }
    if (!h2->deaf && arc_grpc_conn_is_over(h2->conn))
        FUZZ_CHECK(h2->alive == 0);
}

static void obey(struct h2 *h2, unsigned order)
{
    unsigned arg = order >> 3;
    struct h2_call *own = NULL;
    switch (order & 7) {
    case 0:
        deliver(h2, arg == 0 ? SIZE_MAX : (size_t)arg * arg);
        break;
    case 1:
        deliver(h2, 1 + arg);
        break;
    case 2:
        h2->now_ns += (SECOND / 1000) << (arg > 26 ? 26 : arg);
        arc_grpc_conn_tick(h2->conn, h2->now_ns);
        break;
    case 3:
    case 4:
        own = any_call(h2, arg);
        if (own != NULL)
            act(own, fuzz_order(&h2->input));
        break;
    case 5:
        act_on_conn(h2, arg);
        break;
    case 6:
        h2->deaf = arg & 1;
        break;
    default:
        if (arg == 31)
            arc_grpc_conn_eof(h2->conn, h2->now_ns);
        else if (arg < 8 && !h2->server)
            open_call(h2, "/t/More", arg == 0 ? 0 : h2->now_ns + arg * SECOND);
        break;
    }
}

static int make_conn(struct h2 *h2)
{
    unsigned profile = fuzz_order(&h2->input);
    arc_grpc_limits limits = small_limits();
    arc_grpc_config config = ARC_GRPC_CONFIG_INIT;
    h2->mem = fuzz_mem(&h2->state);
    arc_env env = arc__mem_to_env(&h2->mem);
    if (profile & 2)
        h2->state.fail_at = 1 + 4 * (uint64_t)fuzz_order(&h2->input);
    h2->small = profile & 1;
    h2->now_ns = 1000 * SECOND;
    config.env = &env;
    config.server = h2->server;
    config.limits = h2->small ? &limits : NULL;
    config.events = h2->server ? &server_events : NULL;
    config.user = h2;
    config.counters = &h2->counters;
    config.encoding = profile & 4 ? ARC_GRPC_GZIP : 0;
    arc_status status = arc_grpc_conn_new(&config, h2->now_ns, &h2->conn, NULL);
    FUZZ_CHECK(status == ARC_OK || (status == ARC_ENOMEM && h2->state.fail_at != 0));
    if (status == ARC_OK && !h2->server && !(profile & 8))
        arc_grpc_conn_connected(h2->conn, h2->now_ns);
    return status == ARC_OK;
}

/* The calls that the sessions of the corpus answer. */
static void begin_calls(struct h2 *h2)
{
    static const char *const paths[] = {"/t/Echo", "/t/Chat", "/t/Fail"};
    for (size_t i = 0; i < 3; i++) {
        open_call(h2, paths[i], 0);
        if (i < 2 && h2->calls[i].alive) {
            arc_status status = arc_grpc_call_send(h2->calls[i].call, ARC_LIT("hello"), NULL);
            FUZZ_CHECK(status == ARC_OK || h2->state.fail_at != 0);
        }
        if (i == 0 && h2->calls[i].alive)
            arc_grpc_call_half_close(h2->calls[i].call);
    }
}

void h2_run(int server, const uint8_t *data, size_t size)
{
    static struct h2 state;
    struct h2 *h2 = &state;
    memset(h2, 0, offsetof(struct h2, calls));
    h2->input = fuzz_split(data, size);
    h2->server = server;
    if (make_conn(h2)) {
        if (!server)
            begin_calls(h2);
        while (h2->input.at < h2->input.count) {
            obey(h2, fuzz_order(&h2->input));
            settle(h2);
        }
        deliver(h2, SIZE_MAX);
        settle(h2);
        h2->deaf = 0;
        settle(h2);
        arc_grpc_conn_free(h2->conn);
    }
    FUZZ_CHECK(h2->alive == 0);
    FUZZ_CHECK(h2->state.live == 0);
    FUZZ_CHECK(h2->state.peak < (size_t)(h2->small ? 2 : 48) << 20);
}
