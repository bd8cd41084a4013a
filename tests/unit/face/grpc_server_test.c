/* SPDX-License-Identifier: Apache-2.0 */
/* The public gRPC server on real sockets, with a clock that the test moves: who may come, how long
 * a peer may take for each thing, and how a server leaves. */
#include "face.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "net/addr.h"

#define SECOND_MS 1000u

struct stage {
    struct given given;
    arc_env env;
    arc_grpc_server *server;
    arc_grpc_channel *channel;
    arc_grpc_server_options options;
    char address[64];
    int calls, closed;
    arc_grpc_why last_why;
    char common_name[64]; /* of the peer, in on_call; "-": it has no identity */
    int answers, oks;     /* of the honest client */
};

/* --- a service ------------------------------------------------------------------------------- */

static void on_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    struct stage *stage = user;
    const arc_grpc_identity *peer = arc_grpc_conn_get_identity(arc_grpc_call_get_conn(call));
    (void)request;
    stage->calls++;
    snprintf(stage->common_name, sizeof(stage->common_name), "%.*s",
             peer != NULL ? (int)peer->common_name.len : 1,
             peer != NULL ? peer->common_name.ptr : "-");
}

static void on_message(void *user, arc_grpc_call *call, arc_slice message)
{
    (void)user;
    CHECK_OK(arc_grpc_call_send(call, message, NULL));
}

static void on_half_close(void *user, arc_grpc_call *call)
{
    (void)user;
    CHECK_OK(arc_grpc_call_finish(call, ARC_GRPC_OK, (arc_slice){"", 0}, NULL, 0, NULL));
}

static void on_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct stage *stage = user;
    (void)call;
    stage->closed++;
    stage->last_why = why;
}

static const arc_grpc_events echo = {
    .size = sizeof(echo),
    .on_call = on_call,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_close = on_close,
};

static void on_status(void *user, arc_grpc_call *call, const arc_grpc_status *status)
{
    struct stage *stage = user;
    (void)call;
    stage->answers++;
    stage->oks += status->code == ARC_GRPC_OK;
}

static const arc_grpc_events honest = {.size = sizeof(honest), .on_status = on_status};

/* --- the stage ------------------------------------------------------------------------------- */

static void open_server(struct stage *stage, const arc_tls_options *tls,
                        const arc_grpc_limits *limits)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    arc_err err = ARC_ERR_INIT;
    stage->env = given_env(&stage->given);
    stage->options.size = sizeof(stage->options);
    stage->options.env = &stage->env;
    stage->options.listen = listen;
    stage->options.listen_count = 1;
    stage->options.tls = tls;
    stage->options.limits = limits;
    stage->options.events = &echo;
    stage->options.user = stage;
    CHECK_OK(arc_grpc_server_open(&stage->options, &stage->server, &err));
    snprintf(stage->address, sizeof(stage->address), "127.0.0.1:%d",
             arc_grpc_server_get_port(stage->server, 0));
}

static void open_channel(struct stage *stage, const arc_tls_options *tls)
{
    const char *target = stage->address;
    arc_grpc_channel_options options = ARC_GRPC_CHANNEL_OPTIONS_INIT;
    options.env = &stage->env;
    options.targets = &target;
    options.target_count = 1;
    options.tls = tls;
    CHECK_OK(arc_grpc_channel_open(&options, &stage->channel, NULL));
}

static void close_stage(struct stage *stage)
{
    arc_grpc_channel_close(stage->channel);
    arc_grpc_server_close(stage->server);
    CHECK_INT(stage->given.mem.live, 0);
    CHECK_INT(stage->calls, stage->closed);
}

/* 1: something moved. */
static int turn(struct stage *stage, int wait_ms)
{
    struct pollfd fds[2] = {{.fd = arc_grpc_server_get_fd(stage->server), .events = POLLIN},
                            {.fd = -1, .events = POLLIN}};
    int due = arc_grpc_server_get_timeout_ms(stage->server) == 0;
    if (stage->channel != NULL) {
        fds[1].fd = arc_grpc_channel_get_fd(stage->channel);
        due |= arc_grpc_channel_get_timeout_ms(stage->channel) == 0;
    }
    int ready = poll(fds, 2, due ? 0 : wait_ms);
    CHECK_OK(arc_grpc_server_dispatch(stage->server, NULL));
    if (stage->channel != NULL)
        CHECK_OK(arc_grpc_channel_dispatch(stage->channel, NULL));
    return due || ready > 0;
}

/* Until nothing moves; the clock stands. */
static void settle(struct stage *stage)
{
    for (int i = 0; i < 100000; i++) {
        if (!turn(stage, 20))
            return;
    }
    CU_FAIL("the stage never comes to rest");
}

static void pass(struct stage *stage, uint64_t ms)
{
    pass_ms(&stage->given, ms);
    settle(stage);
}

static arc_grpc_server_stats stats_of(const struct stage *stage)
{
    arc_grpc_server_stats stats = {.size = sizeof(stats)};
    arc_grpc_server_get_stats(stage->server, &stats);
    return stats;
}

/* A call of the honest client; its answer may still be to come. */
static arc_grpc_call *call(struct stage *stage, int half_close)
{
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    arc_grpc_call *made = NULL;
    request.path = (arc_slice){"/t/Echo", 7};
    CHECK_OK(arc_grpc_channel_call(stage->channel, &request, &honest, stage, &made, NULL));
    if (made == NULL)
        return NULL;
    CHECK_OK(arc_grpc_call_send(made, (arc_slice){"hello", 5}, NULL));
    if (half_close)
        arc_grpc_call_half_close(made);
    return made;
}

/* 1: one call went through. */
static int served(struct stage *stage)
{
    int before = stage->oks;
    (void)call(stage, 1);
    for (int i = 0; i < 1000 && stage->oks == before && stage->answers < before + 1; i++)
        (void)turn(stage, 5);
    return stage->oks == before + 1;
}

static int dial(const struct stage *stage)
{
    struct arc_addr_list list;
    CHECK_OK(arc__addr_resolve(stage->address, 0, &list, NULL));
    int fd = socket(list.items[0].sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, &list.items[0].sa.any, list.items[0].len) == 0)
        return fd;
    close(fd);
    return -1;
}

/* 1: the server has hung up. What it said before is read and left. */
static int hung_up(int fd)
{
    char buf[4096];
    ssize_t got;
    do {
        got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
    } while (got > 0);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

/* --- who may come ---------------------------------------------------------------------------- */

static void connections_have_a_limit(void)
{
    struct stage stage = {.options = {.connections_max = 3}};
    int fds[6];
    open_server(&stage, NULL, NULL);
    for (int i = 0; i < 6; i++)
        fds[i] = dial(&stage);
    settle(&stage);
    arc_grpc_server_stats stats = stats_of(&stage);
    CHECK_INT(stats.connections, 3);
    CHECK_INT(stats.accepted, 3);
    CHECK_INT(stats.refused_full, 3);
    int gone = 0;
    for (int i = 0; i < 6; i++) {
        gone += hung_up(fds[i]);
        close(fds[i]);
    }
    CHECK_INT(gone, 3);
    settle(&stage);
    CHECK_INT(stats_of(&stage).connections, 0);
    open_channel(&stage, NULL);
    CHECK(served(&stage)); /* the places are free again */
    close_stage(&stage);
}

static void strangers_of_one_address_have_a_limit(void)
{
    struct stage stage = {.options = {.unproven_per_source_max = 2}};
    int fds[5];
    open_server(&stage, NULL, NULL);
    open_channel(&stage, NULL);
    CHECK(served(&stage)); /* who was answered is no stranger and does not count */
    for (int i = 0; i < 5; i++)
        fds[i] = dial(&stage);
    settle(&stage);
    arc_grpc_server_stats stats = stats_of(&stage);
    CHECK_INT(stats.connections, 3);
    CHECK_INT(stats.refused_source, 3);
    CHECK(served(&stage));
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    close_stage(&stage);
}

static void numbers_fit_what_was_asked_for(void)
{
    struct stage stage = {0};
    arc_grpc_server_stats stats, none;
    open_server(&stage, NULL, NULL);
    open_channel(&stage, NULL);
    CHECK(served(&stage));
    stats = stats_of(&stage);
    CHECK_INT(stats.size, sizeof(stats));
    CHECK_INT(stats.connections, 1);
    CHECK_INT(stats.calls, 0);
    CHECK_INT(stats.wire.calls, 1);
    CHECK_INT(stats.wire.messages_in, 1);
    CHECK_INT(stats.wire.messages_out, 1);
    CHECK_INT(stats.wire.message_bytes_in, 5);
    CHECK(stats.bytes_in > 24 && stats.bytes_out > 5);
    /* A program that knew fewer of them. */
    memset(&none, 0x5a, sizeof(none));
    memset(&stats, 0x5a, sizeof(stats));
    stats.size = offsetof(arc_grpc_server_stats, calls);
    arc_grpc_server_get_stats(stage.server, &stats);
    CHECK_INT(stats.connections, 1);
    CHECK(memcmp(&stats.calls, &none.calls, sizeof(stats) - stats.size) == 0);
    close_stage(&stage);
}

/* --- how long a peer may take ---------------------------------------------------------------- */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
#define PREFACE_LEN (sizeof(preface) - 1)

/* What an honest client would send for one call with a message of 2000 bytes. */
static size_t record_call(char *buf, size_t size)
{
    static const char message[2000] = {0};
    arc_grpc_config config = ARC_GRPC_CONFIG_INIT;
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    arc_grpc_conn *conn = NULL;
    arc_grpc_call *made = NULL;
    config.peer = config.authority = "server";
    request.path = (arc_slice){"/t/Echo", 7};
    CHECK_OK(arc_grpc_conn_new(&config, 0, &conn, NULL));
    CHECK_OK(arc_grpc_call_open(conn, &request, &honest, &(struct stage){0}, &made, NULL));
    CHECK_OK(arc_grpc_call_send(made, (arc_slice){message, sizeof(message)}, NULL));
    size_t len = arc_grpc_conn_send(conn, 0, buf, size);
    arc_grpc_call_drop(made);
    arc_grpc_conn_free(conn);
    return len;
}

/* Sends `first` bytes at once and then one each second. How many seconds it took until the server
 * hung up, or until a call of it had ended; -1: it never did. An honest client is served in every
 * one of these seconds. */
static int drip(struct stage *stage, const char *bytes, size_t first, size_t len, int of_call)
{
    int fd = dial(stage), ended = -1, others = 0;
    size_t at = first;
    CHECK_INT(send(fd, bytes, first, MSG_NOSIGNAL), first);
    settle(stage);
    int calls = stage->calls, closed = stage->closed;
    for (int second = 1; second <= 60 && ended < 0; second++) {
        pass(stage, SECOND_MS);
        if (of_call ? stage->closed - closed > others : hung_up(fd))
            ended = second;
        else if (at < len)
            CHECK_INT(send(fd, bytes + at++, 1, MSG_NOSIGNAL), 1);
        CHECK(served(stage));
        others++;
    }
    CHECK_INT(stage->calls - calls, others);
    close(fd);
    settle(stage);
    return ended;
}

static void who_drips_is_left_at_every_stage(void)
{
    static char recorded[8192];
    size_t whole = record_call(recorded, sizeof(recorded));
    /* A block of headers without its end: no frame after it can be anything but its rest. It is
     * announced with 64 bytes: POST, https, "/", and then empty accept-charset. The other one has
     * two methods, is refused for that, and goes on. */
    static const char headers[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                                  "\0\0\100\1\0\0\0\0\1\203\207\204"
                                  "\217\217\217\217\217\217\217\217\217\217\217\217\217\217\217"
                                  "\217\217\217\217\217\217\217\217\217\217";
    static const char refused[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                                  "\0\0\100\1\0\0\0\0\1\203\202\204"
                                  "\217\217\217\217\217\217\217\217\217\217\217\217\217\217\217"
                                  "\217\217\217\217\217\217\217\217\217\217";
    const struct {
        const char *bytes;
        size_t first, len;
        int of_call, least, most;
    } rows[] = {
        {"", 0, 0, 0, 10, 10},                 /* it connects, that is all */
        {preface, 1, PREFACE_LEN, 0, 10, 10},  /* the preface */
        {preface, 20, PREFACE_LEN, 0, 10, 10}, /* the rest of it */
        {headers, sizeof(headers) - 26, sizeof(headers) - 1, 0, 10, 10},
        {refused, sizeof(refused) - 26, sizeof(refused) - 1, 0, 20, 20},
        {recorded, whole - 1990, whole, 1, 10, 20}, /* the message */
    };
    CHECK(whole > 2000);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct stage stage = {0};
        open_server(&stage, NULL, NULL);
        open_channel(&stage, NULL);
        CHECK(served(&stage));
        int took = drip(&stage, rows[i].bytes, rows[i].first, rows[i].len, rows[i].of_call);
        CHECK(took >= rows[i].least && took <= rows[i].most);
        if (took < rows[i].least || took > rows[i].most)
            fprintf(stderr, "# row %zu took %d s\n", i, took);
        close_stage(&stage);
    }
}

static void who_drips_is_left_under_tls_too(void)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    arc_tls_options server = ARC_TLS_OPTIONS_INIT, client = ARC_TLS_OPTIONS_INIT;
    static const size_t firsts[] = {0, 1, 6, 11};
    server.cert_file = certs.server_cert;
    server.key_file = certs.server_key;
    client.ca_file = certs.ca;
    for (size_t i = 0; i < ARC_COUNT_OF(firsts); i++) {
        struct stage stage = {.options = {.handshake_ms = 3 * SECOND_MS}};
        open_server(&stage, &server, NULL);
        open_channel(&stage, &client);
        CHECK(served(&stage));
        CHECK_INT(drip(&stage, hello, firsts[i], sizeof(hello) - 1, 0), 3);
        CHECK_INT(stats_of(&stage).failed_handshake, 1);
        close_stage(&stage);
    }
}

static void each_bound_can_be_set(void)
{
    arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.handshake_ns = UINT64_C(2000000000);
    struct stage stage = {0};
    open_server(&stage, NULL, &limits);
    open_channel(&stage, NULL);
    CHECK_INT(drip(&stage, preface, 5, PREFACE_LEN, 0), 2);
    CHECK_INT(stats_of(&stage).wire.timeouts_handshake, 1);
    close_stage(&stage);
}

static void who_asks_for_nothing_is_left(void)
{
    arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.idle_ns = UINT64_C(5000000000);
    struct stage stage = {0};
    open_server(&stage, NULL, &limits);
    open_channel(&stage, NULL);
    CHECK(served(&stage));
    pass(&stage, 4 * SECOND_MS);
    CHECK(served(&stage)); /* a call begins the time anew */
    pass(&stage, 4 * SECOND_MS);
    CHECK_INT(stats_of(&stage).connections, 1);
    for (int i = 0; i < 4; i++)
        pass(&stage, SECOND_MS);
    CHECK_INT(stats_of(&stage).connections, 0);
    CHECK_INT(stats_of(&stage).wire.timeouts_idle, 1);
    CHECK(served(&stage)); /* it comes again */
    close_stage(&stage);
}

/* --- how a server leaves --------------------------------------------------------------------- */

static void a_drain_waits_and_then_cuts(void)
{
    struct stage stage = {0};
    open_server(&stage, NULL, NULL);
    open_channel(&stage, NULL);
    arc_grpc_call *first = call(&stage, 0);
    (void)call(&stage, 0);
    settle(&stage);
    CHECK_INT(stats_of(&stage).calls, 2);
    arc_grpc_server_drain(stage.server, 5 * SECOND_MS);
    arc_grpc_server_drain(stage.server, 50 * SECOND_MS); /* only a nearer deadline counts */
    settle(&stage);
    CHECK_INT(dial(&stage), -1);
    CHECK_INT(arc_grpc_server_get_drained(stage.server), 0);
    pass(&stage, 2 * SECOND_MS);
    arc_grpc_call_half_close(first); /* calls that are alive go on */
    settle(&stage);
    CHECK_INT(stage.oks, 1);
    pass(&stage, 2 * SECOND_MS);
    CHECK_INT(arc_grpc_server_get_drained(stage.server), 0);
    CHECK_INT(stage.closed, 1);
    pass(&stage, 1 * SECOND_MS);
    CHECK_INT(arc_grpc_server_get_drained(stage.server), 1);
    CHECK_INT(stage.closed, 2);
    CHECK_INT(stage.last_why, ARC_GRPC_WHY_LOST);
    CHECK_INT(stage.answers, 2);
    close_stage(&stage);
}

static void a_drain_ends_early_when_it_can(void)
{
    struct stage stage = {0};
    open_server(&stage, NULL, NULL);
    open_channel(&stage, NULL);
    CHECK(served(&stage));
    int silent = dial(&stage);
    settle(&stage);
    close(silent);
    arc_grpc_server_drain(stage.server, 3600 * SECOND_MS);
    for (int i = 0; i < 3; i++)
        pass(&stage, SECOND_MS);
    CHECK_INT(arc_grpc_server_get_drained(stage.server), 1);
    close_stage(&stage);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void a_call_knows_who_is_there(void)
{
    arc_tls_options server = ARC_TLS_OPTIONS_INIT, client = ARC_TLS_OPTIONS_INIT;
    struct stage stage = {0};
    arc_err err = ARC_ERR_INIT;
    server.cert_file = certs.server_cert;
    server.key_file = certs.server_key;
    server.ca_file = client.ca_file = certs.ca;
    server.client_cert_optional = 1;
    open_server(&stage, &server, NULL);
    open_channel(&stage, &client);
    CHECK(served(&stage));
    CHECK_TEXT(arc__slice_cstr(stage.common_name), "-");
    arc_grpc_channel_close(stage.channel);
    client.cert_file = certs.client_cert;
    client.key_file = certs.client_key;
    open_channel(&stage, &client);
    CHECK(served(&stage));
    CHECK_TEXT(arc__slice_cstr(stage.common_name), "client");
    CHECK_OK(arc_grpc_server_reload_tls(stage.server, &err));
    CHECK_OK(arc_grpc_channel_reload_tls(stage.channel, &err));
    CHECK(served(&stage));
    close_stage(&stage);

    struct stage plain = {0};
    open_server(&plain, NULL, NULL);
    open_channel(&plain, NULL);
    CHECK_STATUS(arc_grpc_server_reload_tls(plain.server, &err), ARC_ECONFLICT);
    CHECK_STATUS(arc_grpc_channel_reload_tls(plain.channel, &err), ARC_ECONFLICT);
    close_stage(&plain);
}

static void a_wrong_certificate_is_named(void)
{
    arc_tls_options tls = ARC_TLS_OPTIONS_INIT;
    static const char *const listen[] = {"127.0.0.1:0"};
    arc_grpc_server_options options = ARC_GRPC_SERVER_OPTIONS_INIT;
    arc_grpc_server *server = NULL;
    arc_err err = ARC_ERR_INIT;
    tls.cert_file = "/nowhere/cert.pem";
    tls.key_file = certs.server_key;
    options.listen = listen;
    options.listen_count = 1;
    options.events = &echo;
    options.tls = &tls;
    CHECK_STATUS(arc_grpc_server_open(&options, &server, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.message), "The certificate is not usable (/nowhere/cert.pem): "
                                             "No such file or directory.");
    CHECK(server == NULL);
}

static void the_control_plane_takes_them_too(void)
{
    arc_ctl *ctl = NULL;
    arc_server *server = NULL;
    arc_server_options options = ARC_SERVER_OPTIONS_INIT;
    arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(arc_ctl_open(NULL, &ctl, &err));
    options.listen = "127.0.0.1:0";
    options.limits = &limits;
    limits.message_max_bytes = UINT64_C(1) << 40;
    CHECK_STATUS(arc_server_open(ctl, &options, &server, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "message_max_bytes");
    limits.message_max_bytes = 1 << 20;
    CHECK_OK(arc_server_open(ctl, &options, &server, &err));
    CHECK_STATUS(arc_server_reload_tls(server, &err), ARC_ECONFLICT);
    arc_server_close(server);
    /* A program that was built before there were limits. */
    options.size = offsetof(arc_server_options, unproven_per_source_max);
    limits.message_max_bytes = UINT64_C(1) << 40;
    options.tls_cert_file = certs.server_cert;
    options.tls_key_file = certs.server_key;
    CHECK_OK(arc_server_open(ctl, &options, &server, &err));
    CHECK_OK(arc_server_reload_tls(server, &err));
    arc_server_close(server);
    arc_ctl_close(ctl);
}

static const struct test tests[] = {
    {"certificates for these tests are made", certs_are_made},
    {"connections have a limit, and places become free", connections_have_a_limit},
    {"strangers of one address have a limit of their own", strangers_of_one_address_have_a_limit},
    {"a server says what it has done, as far as was asked", numbers_fit_what_was_asked_for},
    {"who drips is left at every stage, others are served", who_drips_is_left_at_every_stage},
    {"and so it is before TLS is through", who_drips_is_left_under_tls_too},
    {"the time for a preface can be set", each_bound_can_be_set},
    {"who asks for nothing for long is left", who_asks_for_nothing_is_left},
    {"a drain waits for calls and cuts at its deadline", a_drain_waits_and_then_cuts},
    {"a drain with nothing left is over at once", a_drain_ends_early_when_it_can},
    {"a call knows the certificate of its client", a_call_knows_who_is_there},
    {"a certificate that is not there is named, with the reason", a_wrong_certificate_is_named},
    {"the control plane's server takes limits and reloads", the_control_plane_takes_them_too},
    {"certificates for these tests are removed", certs_are_removed},
};
TEST_MAIN(tests)
