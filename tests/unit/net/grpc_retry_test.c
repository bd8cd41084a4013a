/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are sent again: which, when, with what, and what the application may do meanwhile. */
#include "shim.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fleet.h"
#include "net/grpc_retry.h"

static const struct arc_grpc_retry plain = ARC_GRPC_RETRY_INIT;
static const struct arc_net_channel_options with_retry = {.retry = &plain};

static void check_done(const struct seen *seen, int code)
{
    CHECK_INT(seen->code, code);
    CHECK_INT(seen->statuses, 1);
    CHECK_INT(seen->closes, 1);
    CHECK_INT(seen->misuse, 0);
}

static void open_one(struct fleet *fleet, const struct arc_net_channel_options *options)
{
    CHECK_OK(fleet_open(fleet, NULL, 1));
    CHECK_OK(fleet_connect(fleet, options));
}

/* Begins a call, fails it once, and leaves it between its attempts. */
static void begin_between(struct fleet *fleet, struct seen *seen)
{
    fleet->stations[0].fail = fleet->stations[0].early = 1;
    fleet->stations[0].pushback = "60000";
    CHECK_OK(fleet_begin(fleet, 1, seen));
    host_until(&fleet->host, &fleet->stations[0].calls);
    host_settle(&fleet->host);
    CHECK_INT(fleet->stations[0].fail, 0);
    CHECK_INT(seen->statuses, 0);
    CHECK_INT(arc__net_channel_calls(fleet->host.channel), 1);
}

/* --- the policy ------------------------------------------------------------------------------ */

static void sent_again(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    struct station *station = &fleet.stations[0];
    open_one(&fleet, &with_retry);
    station->fail = 3;
    CHECK_OK(fleet_begin(&fleet, 1, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("one"), NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("two"), NULL));
    fleet_say(&seen, "three");
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(seen.first), "0");
    CHECK_INT(station->calls, 4);
    CHECK_TEXT(arc__slice_cstr(station->attempts), "3");
    CHECK_INT(station->messages, 3);
    CHECK_INT(station->sum,
              pair_sum(pair_sum(pair_sum(0, ARC_LIT("one")), ARC_LIT("two")), ARC_LIT("three")));
    CHECK(fleet.host.now_ns > 1000 * PAIR_S && fleet.host.now_ns < 1001 * PAIR_S);
    const struct arc_grpc_counters *counters = arc__net_channel_get_counters(fleet.host.channel);
    CHECK_INT(counters->calls, 1);
    CHECK_INT(counters->messages_out, 3);
    CHECK_INT(counters->connections, 1);
    CHECK_INT(counters->resets_by_peer, 0);
    fleet_close(&fleet);
}

static void only_what_is_idempotent(void)
{
    struct fleet fleet;
    struct seen seen;
    struct arc_grpc_retry one = {.size = sizeof(one), .attempts_max = 1};
    struct arc_net_channel_options options = {.retry = &one};
    open_one(&fleet, &with_retry);
    fleet.stations[0].fail = 1;
    CHECK_OK(fleet_unary(&fleet, 0, &seen));
    check_done(&seen, ARC_GRPC_UNAVAILABLE);
    fleet.stations[0].fail = 1;
    fleet.stations[0].code = ARC_GRPC_INTERNAL;
    CHECK_OK(fleet_unary(&fleet, 1, &seen));
    check_done(&seen, ARC_GRPC_INTERNAL);
    CHECK_INT(fleet.stations[0].calls, 2);
    fleet_close(&fleet);
    for (int kind = 0; kind < 2; kind++) {
        open_one(&fleet, kind == 0 ? NULL : &options);
        fleet.stations[0].fail = 1;
        CHECK_OK(fleet_unary(&fleet, 1, &seen));
        check_done(&seen, ARC_GRPC_UNAVAILABLE);
        CHECK_INT(fleet.stations[0].calls, 1);
        fleet_close(&fleet);
    }
}

static void named_codes_and_attempts(void)
{
    struct fleet fleet;
    struct seen seen;
    struct arc_grpc_retry retry = {.size = sizeof(retry),
                                   .attempts_max = 3,
                                   .codes = 1U << ARC_GRPC_ABORTED | 1U << ARC_GRPC_INTERNAL};
    struct arc_net_channel_options options = {.retry = &retry};
    open_one(&fleet, &options);
    fleet.stations[0].fail = 5;
    fleet.stations[0].code = ARC_GRPC_ABORTED;
    CHECK_OK(fleet_unary(&fleet, 1, &seen));
    check_done(&seen, ARC_GRPC_ABORTED);
    CHECK_TEXT(arc__slice_cstr(seen.text), "try again");
    CHECK_INT(fleet.stations[0].calls, 3);
    fleet_close(&fleet);
    retry.attempts_max = 100; /* five is all there is */
    open_one(&fleet, &options);
    fleet.stations[0].fail = 50;
    fleet.stations[0].code = ARC_GRPC_INTERNAL;
    CHECK_OK(fleet_unary(&fleet, 1, &seen));
    check_done(&seen, ARC_GRPC_INTERNAL);
    CHECK_INT(fleet.stations[0].calls, ARC_GRPC_RETRY_ATTEMPTS_MAX);
    arc__net_channel_close(fleet.host.channel);
    fleet.host.channel = NULL;
    const uint32_t bad[] = {1U << ARC_GRPC_OK, 1U << 17, 1U << 31};
    for (size_t i = 0; i < 3; i++) {
        retry.codes = bad[i];
        CHECK_STATUS(fleet_connect(&fleet, &options), ARC_EINVAL);
    }
    fleet_close(&fleet);
}

static void answered(void)
{
    struct fleet fleet;
    struct seen seen;
    open_one(&fleet, &with_retry);
    fleet.stations[0].fail = 1;
    fleet.stations[0].headers = 1;
    CHECK_OK(fleet_unary(&fleet, 1, &seen));
    check_done(&seen, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(seen.headers, 1);
    CHECK_INT(fleet.stations[0].calls, 1);
    fleet_close(&fleet);
}

static void lost_before_an_answer(void)
{
    struct fleet fleet;
    struct seen seen = {0}, other = {0};
    CHECK_OK(fleet_open(&fleet, NULL, 2));
    CHECK_OK(fleet_connect(&fleet, &with_retry));
    fleet.stations[0].hold = 1;
    CHECK_OK(fleet_begin(&fleet, 1, &seen));
    fleet_say(&seen, "hello");
    CHECK_OK(fleet_begin(&fleet, 0, &other));
    host_until(&fleet.host, &fleet.stations[0].calls);
    host_settle(&fleet.host);
    fleet.host.now_ns += 5 * PAIR_S;
    fleet_stop(&fleet, 0);
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    check_done(&other, ARC_GRPC_UNAVAILABLE);
    CHECK_TEXT(arc__slice_cstr(seen.first), "1");
    CHECK_INT(fleet.stations[1].messages, 1);
    CHECK_TEXT(arc__slice_cstr(fleet.stations[1].attempts), "1");
    fleet_close(&fleet);
}

static void a_failed_connection_is_an_attempt(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    struct arc_grpc_retry retry = {
        .size = sizeof(retry), .backoff_min_ms = 20000, .backoff_max_ms = 20000};
    struct arc_net_channel_options options = {.retry = &retry};
    open_one(&fleet, &options);
    fleet_stop(&fleet, 0);
    CHECK_OK(fleet_begin(&fleet, 1, &seen));
    fleet_say(&seen, "hello");
    host_until(&fleet.host, &fleet.host.states[ARC_GRPC_CHANNEL_BACKOFF]);
    host_turn(&fleet.host, 5);
    CHECK_INT(seen.closes, 0);
    CHECK_OK(fleet_start(&fleet, 0));
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(fleet.stations[0].attempts), "1");
    fleet_close(&fleet);
}

static void too_large_to_keep(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    struct arc_grpc_retry retry = {.size = sizeof(retry), .buffer_bytes = 100};
    struct arc_net_channel_options options = {.retry = &retry};
    char text[97];
    memset(text, 'x', sizeof(text));
    text[96] = '\0';
    /* 95 bytes and the prefix of 5 are kept; with one more the call is committed. */
    for (size_t len = 95; len <= 96; len++) {
        text[len] = '\0';
        open_one(&fleet, &options);
        fleet.stations[0].fail = 1;
        seen = (struct seen){0};
        CHECK_OK(fleet_begin(&fleet, 1, &seen));
        fleet_say(&seen, text);
        host_until(&fleet.host, &seen.closes);
        check_done(&seen, len == 95 ? ARC_GRPC_OK : ARC_GRPC_UNAVAILABLE);
        CHECK_INT(fleet.stations[0].calls, len == 95 ? 2 : 1);
        CHECK_INT(fleet.stations[0].bytes, len);
        fleet_close(&fleet);
        text[len] = 'x';
    }
}

/* Far more than is kept, in pieces, and every byte arrives. */
static void a_stream_beyond_the_buffer(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    static char piece[50000];
    uint32_t sum = 0;
    open_one(&fleet, &with_retry);
    CHECK_OK(fleet_begin(&fleet, 1, &seen));
    for (int i = 0; i < 100;) {
        memset(piece, 'a' + i % 26, sizeof(piece));
        arc_slice message = arc__slice(piece, sizeof(piece));
        arc_status status = arc_grpc_call_send(seen.call, message, NULL);
        if (status == ARC_EAGAIN) {
            int before = seen.writables;
            for (int k = 0; k < 1000 && seen.writables == before; k++)
                host_turn(&fleet.host, 5);
            continue;
        }
        CHECK_OK(status);
        sum = pair_sum(sum, message);
        i++;
    }
    arc_grpc_call_half_close(seen.call);
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(fleet.stations[0].messages, 100);
    CHECK_INT(fleet.stations[0].sum, sum);
    fleet_close(&fleet);
}

/* More may be kept than waits at once in the queue of a call. */
static void a_buffer_beyond_the_queue(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct arc_grpc_retry retry = {.size = sizeof(retry), .buffer_bytes = 10 << 20};
    struct arc_net_channel_options options = {.retry = &retry, .limits = &limits};
    static const char bytes[1000];
    limits.queue_max_bytes = limits.message_send_max_bytes = 2000;
    open_one(&fleet, &options);
    fleet.stations[0].fail = 1;
    CHECK_OK(fleet_begin(&fleet, 1, &seen));
    for (int i = 0; i < 50; i++) {
        CHECK_OK(arc_grpc_call_send(seen.call, arc__slice(bytes, sizeof(bytes)), NULL));
        host_settle(&fleet.host);
    }
    arc_grpc_call_half_close(seen.call);
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(fleet.stations[0].bytes, 50 * sizeof(bytes));
    CHECK_INT(fleet.stations[0].calls, 2);
    fleet_close(&fleet);
}

static void pushback(void)
{
    static const char *const never[] = {"-1", "soon", "", "2147483648", "99999999999999999999"};
    struct fleet fleet;
    struct seen seen;
    open_one(&fleet, &with_retry);
    fleet.stations[0].fail = 1;
    fleet.stations[0].pushback = "7000";
    CHECK_OK(fleet_unary(&fleet, 1, &seen));
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(fleet.host.now_ns, 1007 * PAIR_S);
    CHECK_INT(fleet.stations[0].calls, 2);
    fleet_close(&fleet);
    for (size_t i = 0; i < ARC_COUNT_OF(never); i++) {
        open_one(&fleet, &with_retry);
        fleet.stations[0].fail = 1;
        fleet.stations[0].pushback = never[i];
        CHECK_OK(fleet_unary(&fleet, 1, &seen));
        check_done(&seen, ARC_GRPC_UNAVAILABLE);
        CHECK_INT(fleet.stations[0].calls, 1);
        CHECK_INT(seen.trailers, 0); /* it is no metadata of the application's */
        fleet_close(&fleet);
    }
}

static int32_t count_asks(void *user, const struct arc_grpc_request *request,
                          struct arc_grpc_field *out, size_t max)
{
    int *asked = user;
    (void)max;
    ++*asked;
    CHECK(request->idempotent == 1);
    out[0] = (struct arc_grpc_field){ARC_LIT("authorization"),
                                     *asked == 1 ? ARC_LIT("first") : ARC_LIT("second")};
    return *asked < 3 ? 1 : -1;
}

static void credentials_of_each_attempt(void)
{
    struct fleet fleet;
    struct seen seen;
    int asked = 0;
    struct arc_net_channel_options options = {.retry = &plain,
                                              .credentials = count_asks,
                                              .credentials_user = &asked,
                                              .credentials_in_clear = 1};
    open_one(&fleet, &options);
    fleet.stations[0].fail = 2;
    CHECK_OK(fleet_unary(&fleet, 1, &seen));
    check_done(&seen, ARC_GRPC_UNAUTHENTICATED);
    CHECK_INT(asked, 3);
    CHECK_INT(fleet.stations[0].calls, 2);
    CHECK_TEXT(arc__slice_cstr(fleet.stations[0].token), "second");
    fleet_close(&fleet);
}

static void compressed_again(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    char text[5000];
    struct arc_net_channel_options options = {.retry = &plain, .encoding = ARC_GRPC_GZIP};
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    open_one(&fleet, &options);
    fleet.stations[0].fail = 1;
    CHECK_OK(fleet_begin(&fleet, 1, &seen));
    fleet_say(&seen, text);
    CHECK(seen.call == NULL || arc_grpc_call_get_queued(seen.call) < 200);
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(fleet.stations[0].calls, 2);
    CHECK_INT(fleet.stations[0].packed, 1);
    CHECK_INT(fleet.stations[0].bytes, sizeof(text) - 1);
    fleet_close(&fleet);
}

/* Stands at the door of a channel. */
struct doorman {
    int begun, ended;
    int32_t code;
    uint64_t messages_out;
};

static int32_t door_begin(void *user, arc_grpc_call *call, const arc_grpc_request *request,
                          char *text, size_t text_size)
{
    struct doorman *man = user;
    (void)call;
    (void)request;
    (void)text;
    (void)text_size;
    man->begun++;
    return ARC_GRPC_OK;
}

static void door_end(void *user, const arc_grpc_report *report)
{
    struct doorman *man = user;
    man->ended++;
    man->code = report->code;
    man->messages_out = report->messages_out;
}

static void one_call_for_interceptors(void)
{
    struct fleet fleet;
    struct seen seen;
    struct doorman man = {0};
    const struct arc_grpc_interceptor interceptor = {
        .size = sizeof(interceptor), .user = &man, .begin = door_begin, .end = door_end};
    const struct arc_grpc_interceptor *const list[] = {&interceptor};
    struct arc_net_channel_options options = {
        .retry = &plain, .interceptors = list, .interceptor_count = 1};
    open_one(&fleet, &options);
    fleet.stations[0].fail = 2;
    CHECK_OK(fleet_unary(&fleet, 1, &seen));
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(fleet.stations[0].calls, 3);
    CHECK_INT(man.begun, 1);
    CHECK_INT(man.ended, 1);
    CHECK_INT(man.code, ARC_GRPC_OK);
    CHECK_INT(man.messages_out, 1);
    fleet_close(&fleet);
}

/* --- between attempts ------------------------------------------------------------------------ */

static void deadline_between(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    open_one(&fleet, &with_retry);
    begin_between(&fleet, &seen);
    CHECK_OK(arc_grpc_call_set_deadline(seen.call, fleet.host.now_ns + 9 * PAIR_S, NULL));
    fleet_say(&seen, "hello");
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_DEADLINE_EXCEEDED);
    CHECK_INT(seen.why, ARC_GRPC_WHY_DEADLINE);
    CHECK_INT(fleet.host.now_ns, 1009 * PAIR_S);
    CHECK_INT(fleet.stations[0].calls, 1);
    fleet_close(&fleet);
}

static void deadline_goes_on(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    open_one(&fleet, &with_retry);
    begin_between(&fleet, &seen);
    CHECK_OK(arc_grpc_call_set_deadline(seen.call, 1090 * PAIR_S, NULL));
    fleet.stations[0].hold = 1;
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_DEADLINE_EXCEEDED);
    CHECK_INT(fleet.stations[0].calls, 2);
    CHECK_INT(fleet.stations[0].deadline_ns, 1090 * PAIR_S); /* not that of the first attempt */
    fleet_close(&fleet);
}

static void cancelled_between(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    for (int drop = 0; drop < 2; drop++) {
        open_one(&fleet, &with_retry);
        seen = (struct seen){0};
        begin_between(&fleet, &seen);
        if (drop) {
            arc_grpc_call_drop(seen.call);
            host_settle(&fleet.host);
            CHECK_INT(seen.closes, 0);
        } else {
            arc_grpc_call_cancel(seen.call);
            CHECK_STATUS(arc_grpc_call_send(seen.call, ARC_LIT("x"), NULL), ARC_ECANCELLED);
            CHECK_INT(seen.closes, 0);
            host_settle(&fleet.host);
            check_done(&seen, ARC_GRPC_CANCELLED);
        }
        CHECK_INT(arc__net_channel_calls(fleet.host.channel), 0);
        fleet.host.now_ns += 100 * PAIR_S;
        host_settle(&fleet.host);
        CHECK_INT(fleet.stations[0].calls, 1);
        fleet_close(&fleet);
    }
}

static void said_between(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    open_one(&fleet, &with_retry);
    begin_between(&fleet, &seen);
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("late"), NULL));
    arc_grpc_call_pause(seen.call);
    fleet_say(&seen, "later");
    CHECK_STATUS(arc_grpc_call_send(seen.call, ARC_LIT("x"), NULL), ARC_ECONFLICT);
    CHECK_INT(arc_grpc_call_get_queued(seen.call), 19);
    fleet.host.now_ns += 60 * PAIR_S;
    host_settle(&fleet.host);
    CHECK_INT(fleet.stations[0].calls, 2);
    CHECK_INT(fleet.stations[0].messages, 2);
    CHECK_INT(seen.messages, 0);
    arc_grpc_call_resume(seen.call);
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(seen.messages, 1);
    fleet_close(&fleet);
}

static void closed_between(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    open_one(&fleet, &with_retry);
    begin_between(&fleet, &seen);
    fleet_close(&fleet);
    check_done(&seen, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(seen.why, ARC_GRPC_WHY_LOST);
}

/* --- calls that no server has looked at ------------------------------------------------------ */

/* A server made of bytes. It answers the i-th request that it sees with script[i]. */
enum act { REFUSE, GO_AWAY, HANG_UP, ANSWER };

struct peer {
    struct host *host;
    int listener, fd;
    const enum act *script;
    size_t acts, requests, connections;
    unsigned char in[8192];
    size_t len;
};

static void peer_open(struct peer *peer, struct host *host, const enum act *script, size_t acts)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    *peer = (struct peer){.host = host, .fd = -1, .script = script, .acts = acts};
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(peer->listener, (struct sockaddr *)&at, len) == 0 && listen(peer->listener, 4) == 0);
    CHECK(getsockname(peer->listener, (struct sockaddr *)&at, &len) == 0);
    snprintf(host->address, sizeof(host->address), "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
}

static void peer_close(struct peer *peer)
{
    close(peer->listener);
    if (peer->fd >= 0)
        close(peer->fd);
}

static void put(struct peer *peer, int type, int flags, uint32_t stream, const char *bytes,
                size_t len)
{
    char frame[256] = {0,
                       (char)(len >> 8),
                       (char)len,
                       (char)type,
                       (char)flags,
                       (char)(stream >> 24),
                       (char)(stream >> 16),
                       (char)(stream >> 8),
                       (char)stream};
    memcpy(frame + 9, bytes, len);
    CHECK_INT(send(peer->fd, frame, 9 + len, MSG_NOSIGNAL), 9 + len);
}

static void act(struct peer *peer, uint32_t stream)
{
    /* :status 200, content-type, grpc-status 0, none of them indexed */
    static const char ok[] = "\x88\x00\x0c"
                             "content-type\x10"
                             "application/grpc\x00\x0b"
                             "grpc-status\x01"
                             "0";
    enum act what = peer->requests < peer->acts ? peer->script[peer->requests] : ANSWER;
    peer->requests++;
    if (what == REFUSE)
        put(peer, 3, 0, stream, "\0\0\0\x07", 4);
    else if (what == ANSWER)
        put(peer, 1, 5, stream, ok, sizeof(ok) - 1);
    else if (what == GO_AWAY)
        put(peer, 7, 0, 0, "\0\0\0\0\0\0\0\0", 8);
    if (what == HANG_UP) {
        close(peer->fd);
        peer->fd = -1;
        peer->len = 0;
    }
}

static void peer_read(struct peer *peer)
{
    ssize_t got = recv(peer->fd, peer->in + peer->len, sizeof(peer->in) - peer->len, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        close(peer->fd);
        peer->fd = -1;
        peer->len = 0;
        return;
    }
    peer->len += got > 0 ? (size_t)got : 0;
    while (peer->fd >= 0 && peer->len >= 9) {
        size_t skip = memcmp(peer->in, "PRI", 3) == 0 ? 24 : 0;
        const unsigned char *frame = peer->in;
        size_t size = skip != 0 ? skip : 9 + ((size_t)frame[1] << 8 | frame[2]);
        if (peer->len < size)
            return;
        int type = skip != 0 ? -1 : frame[3];
        uint32_t stream = (uint32_t)frame[7] << 8 | frame[8];
        memmove(peer->in, peer->in + size, peer->len - size);
        peer->len -= size;
        if (type == 1)
            act(peer, stream);
    }
}

static void peer_until(struct peer *peer, const int *done)
{
    for (int i = 0; i < 5000 && *done == 0; i++) {
        host_turn(peer->host, 1);
        if (peer->fd < 0) {
            peer->fd = accept(peer->listener, NULL, NULL);
            if (peer->fd >= 0) {
                peer->connections++;
                put(peer, 4, 0, 0, "", 0);
            }
        }
        if (peer->fd >= 0)
            peer_read(peer);
    }
    CHECK(*done != 0);
}

static void unseen(const enum act *script, size_t acts, int code, size_t requests,
                   size_t connections)
{
    struct host host;
    struct peer peer;
    struct seen seen = {0};
    CHECK_OK(host_open(&host, NULL));
    peer_open(&peer, &host, script, acts);
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_call(&host, host.channel, "/t/Ask", 0, 0, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("hello"), NULL));
    arc_grpc_call_half_close(seen.call);
    peer_until(&peer, &seen.closes);
    check_done(&seen, code);
    CHECK_INT(peer.requests, requests);
    CHECK_INT(peer.connections, connections);
    CHECK_INT(host.now_ns, 1000 * PAIR_S); /* at once */
    host_close(&host);
    peer_close(&peer);
}

static void refused_stream(void)
{
    static const enum act once[] = {REFUSE}, twice[] = {REFUSE, REFUSE};
    unseen(once, 1, ARC_GRPC_OK, 2, 1);
    unseen(twice, 2, ARC_GRPC_UNAVAILABLE, 2, 1);
}

static void sent_away(void)
{
    static const enum act once[] = {GO_AWAY}, mixed[] = {GO_AWAY, REFUSE};
    unseen(once, 1, ARC_GRPC_OK, 2, 2);
    unseen(mixed, 2, ARC_GRPC_UNAVAILABLE, 2, 2);
}

static void seen_and_lost(void)
{
    static const enum act lost[] = {HANG_UP};
    unseen(lost, 1, ARC_GRPC_UNAVAILABLE, 1, 1); /* it may have been looked at */
}

/* --- arithmetic ------------------------------------------------------------------------------ */

static void jitter(void)
{
    struct host host;
    size_t buckets[10] = {0};
    const uint64_t bound = 1000;
    CHECK_OK(host_open(&host, NULL));
    for (int i = 0; i < 10000; i++) {
        uint64_t wait = arc__grpc_retry_jitter(&host.env, bound);
        CHECK(wait <= bound);
        buckets[wait == bound ? 9 : wait / 100]++;
    }
    for (size_t i = 0; i < 10; i++)
        CHECK(buckets[i] > 850 && buckets[i] < 1150);
    CHECK_INT(arc__grpc_retry_jitter(&host.env, 0), 0);
    host_close(&host);
}

static int no_entropy(void *user, void *buf, size_t len)
{
    (void)user;
    (void)buf;
    (void)len;
    return -1;
}

static void bounds_double(void)
{
    struct arc_net_env env = {.random = no_entropy}; /* then a wait is its bound */
    struct arc_grpc_retry options = {
        .size = sizeof(options), .attempts_max = 5, .backoff_min_ms = 100, .backoff_max_ms = 300};
    static const uint64_t waits[] = {100, 200, 300, 300};
    struct arc_grpc_again note = {.idempotent = 1};
    struct arc_grpc_ending ending = {.code = ARC_GRPC_UNAVAILABLE, .may_again = 1, .note = &note};
    struct arc_grpc_retry_policy retry;
    CHECK_OK(arc__grpc_retry_init(&retry, &options, NULL));
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(arc__grpc_retry_decide(&retry, &env, &ending, 5 * PAIR_S));
        CHECK_INT(note.at_ns, 5 * PAIR_S + waits[i] * PAIR_MS);
        CHECK_INT(note.attempts, i + 1);
    }
    CHECK(!arc__grpc_retry_decide(&retry, &env, &ending, 5 * PAIR_S));
    CHECK_INT(note.attempts, 4);
}

static void throttle(void)
{
    struct arc_net_env env = {.random = no_entropy};
    struct arc_grpc_retry_policy retry;
    int again = 0, more = 0;
    CHECK_OK(arc__grpc_retry_init(&retry, &plain, NULL));
    for (int i = 0; i < 20; i++) {
        struct arc_grpc_again note = {.idempotent = 1};
        struct arc_grpc_ending ending = {
            .code = ARC_GRPC_UNAVAILABLE, .may_again = 1, .note = &note};
        again += arc__grpc_retry_decide(&retry, &env, &ending, 0);
    }
    CHECK_INT(again, 4); /* 9, 8, 7 and 6 tokens left; 5 are half */
    CHECK_INT(retry.tokens, 0);
    for (int i = 0; i < 62; i++) {
        struct arc_grpc_again note = {.idempotent = 1};
        struct arc_grpc_ending ending = {.code = ARC_GRPC_OK, .note = &note};
        CHECK(!arc__grpc_retry_decide(&retry, &env, &ending, 0));
    }
    for (int i = 0; i < 5; i++) {
        struct arc_grpc_again note = {.idempotent = 1};
        struct arc_grpc_ending ending = {
            .code = ARC_GRPC_UNAVAILABLE, .may_again = 1, .note = &note};
        more += arc__grpc_retry_decide(&retry, &env, &ending, 0);
    }
    CHECK_INT(more, 1);
    for (int i = 0; i < 1000; i++) {
        struct arc_grpc_again note = {0};
        struct arc_grpc_ending ending = {.code = ARC_GRPC_OK, .note = &note};
        CHECK(!arc__grpc_retry_decide(&retry, &env, &ending, 0));
    }
    CHECK_INT(retry.tokens, ARC_GRPC_RETRY_TOKENS_MAX);
}

/* --- memory ---------------------------------------------------------------------------------- */

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct fleet fleet;
    struct seen seen = {0};
    int done = 0;
    if (fleet_open(&fleet, &mem, 1) == ARC_OK && fleet_connect(&fleet, &with_retry) == ARC_OK) {
        fleet.stations[0].fail = 2;
        if (fleet_begin(&fleet, 1, &seen) == ARC_OK) {
            (void)arc_grpc_call_set_deadline(seen.call, fleet.host.now_ns + 50 * PAIR_S, NULL);
            fleet_say(&seen, "hello");
            host_until(&fleet.host, &seen.closes);
            CHECK_INT(seen.statuses, 1);
        }
        done = seen.code == ARC_GRPC_OK && seen.messages == 1;
    }
    fleet_close(&fleet);
    return done;
}

static void fails_cleanly(void)
{
    test_torture(life, 0, 3000);
}

static const struct test tests[] = {
    {"an idempotent call is sent again after UNAVAILABLE", sent_again},
    {"a call that is not idempotent, or has no policy, is not", only_what_is_idempotent},
    {"codes and attempts are those of the policy, five at most", named_codes_and_attempts},
    {"a call that has answered is never sent again", answered},
    {"a connection lost before an answer sends the call again", lost_before_an_answer},
    {"a connection that cannot be made counts as an attempt", a_failed_connection_is_an_attempt},
    {"what is too large to keep commits the call", too_large_to_keep},
    {"a stream larger than what is kept arrives whole", a_stream_beyond_the_buffer},
    {"more may be kept of a call than its queue holds", a_buffer_beyond_the_queue},
    {"the server may name the pause, or forbid another attempt", pushback},
    {"credentials are asked for each attempt", credentials_of_each_attempt},
    {"a compressed message is sent again as it was", compressed_again},
    {"attempts are one call for interceptors", one_call_for_interceptors},
    {"the deadline ends a call between attempts", deadline_between},
    {"a deadline set between attempts goes with the next", deadline_goes_on},
    {"a call between attempts can be cancelled and dropped", cancelled_between},
    {"what is said between attempts goes with the next", said_between},
    {"closing a channel ends calls between attempts", closed_between},
    {"a refused stream is sent again unseen, once", refused_stream},
    {"a call beyond a GOAWAY is sent again elsewhere, once", sent_away},
    {"a call that may have been seen is not sent again unasked", seen_and_lost},
    {"waits are spread evenly below their bound", jitter},
    {"bounds of waits double up to the largest", bounds_double},
    {"a server that fails everybody is not tried by everybody again", throttle},
    {"every failed allocation of a retry ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
