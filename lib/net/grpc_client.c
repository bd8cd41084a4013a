/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_client.h"

#include "net/grpc_pipe.h"

#define CONNECT_NS (20 * UINT64_C(1000000000))
#define BACKOFF_MIN_NS (200 * UINT64_C(1000000))
#define BACKOFF_MAX_NS (30 * UINT64_C(1000000000))
#define STALL_NS (30 * UINT64_C(1000000000))
/* A connection that is lost sooner than this counts as a failed attempt: a server that accepts and
 * hangs up must not be called without pause. */
#define SETTLED_NS (1 * UINT64_C(1000000000))
/* Connections that finish their calls after a GOAWAY, beside the one in use. */
#define OLD_MAX 8

/* A connection: its calls may be there before its socket is. */
struct line {
    struct arc_grpc_pipe pipe;
    struct arc_link link; /* channel->lines */
    struct arc_net_channel *channel;
    struct arc_grpc_conn *wire;
    int has_socket;
    uint64_t opened_at;
};

struct arc_net_channel {
    struct arc_pipe_hub hub;
    struct arc_tls_ctx *tls;
    struct arc_addr_list addrs;
    size_t next_addr; /* of this attempt */
    struct arc_grpc_limits limits;
    struct arc_grpc_counters counters;
    char *target, *user_agent, *name;
    uint64_t backoff_min_ns, backoff_max_ns;
    uint64_t backoff_ns; /* bound of the next wait */
    uint64_t retry_at;   /* in BACKOFF */
    int begin_now;       /* a call came while there was no connection */
    int32_t state;
    arc_err why; /* of the last failure */
    void (*on_state)(void *user, int32_t state, const arc_err *err);
    void *user;
    struct arc_link lines;
    size_t line_count;
    struct line *current; /* the one that takes calls; NULL: none yet */
};

static uint64_t now_of(const struct arc_net_channel *channel)
{
    return channel->hub.env.now_ns(channel->hub.env.user);
}

static void set_state(struct arc_net_channel *channel, int32_t state, const arc_err *err)
{
    if (channel->state == state)
        return;
    channel->state = state;
    if (channel->on_state != NULL)
        channel->on_state(channel->user, state, err);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void on_work(void *owner, struct arc_grpc_conn *conn)
{
    struct line *line = owner;
    (void)conn;
    /* Without a socket nothing can be sent; what is due by time, the channel's tick sees. */
    if (line->has_socket)
        arc__pipe_touch(&line->pipe);
}

static arc_status make_line(struct arc_net_channel *channel, arc_err *err)
{
    if (channel->line_count > OLD_MAX)
        return arc__fail(err, ARC_ELIMIT, channel->target,
                         "Too many connections are still finishing their calls.");
    struct line *line = arc__alloc(&channel->hub.env.mem, sizeof(*line));
    if (line == NULL)
        return arc__fail_nomem(err);
    arc_env env = arc__mem_to_env(&channel->hub.env.mem);
    struct arc_grpc_config config = {
        .size = sizeof(config),
        .env = &env,
        .limits = &channel->limits,
        .counters = &channel->counters,
        .peer = channel->target,
        .authority = channel->target,
        .user_agent = channel->user_agent,
        .secure = channel->tls != NULL,
        .on_work = on_work,
        .owner = line,
    };
    line->channel = channel;
    line->pipe.hub = &channel->hub;
    line->pipe.conn.fd = -1;
    arc_status status =
        arc__grpc_conn_new(&config, &channel->hub.pool, now_of(channel), &line->wire, err);
    if (status != ARC_OK) {
        arc__free(&channel->hub.env.mem, line);
        return status;
    }
    arc__list_add_tail(&channel->lines, &line->link);
    channel->line_count++;
    channel->current = line;
    return ARC_OK;
}

static void free_line(struct line *line)
{
    struct arc_net_channel *channel = line->channel;
    if (channel->current == line)
        channel->current = NULL;
    arc__pipe_stop(&line->pipe);
    /* Out of the list first: the events of its calls may open others. */
    arc__list_remove(&line->link);
    channel->line_count--;
    arc_grpc_conn_eof(line->wire, now_of(channel));
    arc_grpc_conn_free(line->wire);
    arc__free(&channel->hub.env.mem, line);
}

/* --- connecting ------------------------------------------------------------------------------ */

/* Full jitter: anything between nothing and the bound, which doubles. */
static uint64_t next_wait(struct arc_net_channel *channel)
{
    uint64_t bound = channel->backoff_ns, random = 0;
    channel->backoff_ns = bound > channel->backoff_max_ns / 2 ? channel->backoff_max_ns : 2 * bound;
    if (channel->hub.env.random(channel->hub.env.user, &random, sizeof(random)) != 0)
        return bound; /* no entropy: the whole wait is the careful one */
    return random % (bound + 1);
}

static void failed(struct arc_net_channel *channel, const arc_err *err)
{
    channel->why = *err;
    channel->begin_now = 0;
    channel->next_addr = 0;
    channel->retry_at = now_of(channel) + next_wait(channel);
    if (channel->current != NULL)
        arc_grpc_conn_not_connected(channel->current->wire, now_of(channel), channel->why.message);
    /* What nobody waits for is not kept. */
    if (channel->current != NULL && arc_grpc_conn_get_calls(channel->current->wire) == 0)
        free_line(channel->current);
    set_state(channel, ARC_GRPC_CHANNEL_BACKOFF, &channel->why);
}

/* Tries the addresses from next_addr on. */
static void attempt(struct arc_net_channel *channel)
{
    struct line *line = channel->current;
    arc_err err = ARC_ERR_INIT;
    set_state(channel, ARC_GRPC_CHANNEL_CONNECTING, NULL);
    while (channel->next_addr < channel->addrs.count) {
        const struct arc_addr *addr = &channel->addrs.items[channel->next_addr++];
        struct arc_grpc_pipe fresh = {.hub = &channel->hub};
        err = (arc_err)ARC_ERR_INIT;
        arc__list_remove(&line->pipe.due);
        line->pipe = fresh;
        if (arc__conn_connect(&line->pipe.conn, addr, channel->tls, channel->name, &err) != ARC_OK)
            continue;
        if (arc__pipe_start(&line->pipe, &channel->hub, line->wire, &err) != ARC_OK) {
            arc__pipe_stop(&line->pipe);
            continue;
        }
        line->has_socket = 1;
        return;
    }
    failed(channel, &err);
}

static arc_status begin(struct arc_net_channel *channel, arc_err *err)
{
    if (channel->current == NULL)
        ARC_TRY(make_line(channel, err));
    channel->begin_now = 0;
    channel->next_addr = 0;
    attempt(channel);
    return ARC_OK;
}

static void on_open(void *user, struct arc_grpc_pipe *pipe)
{
    struct arc_net_channel *channel = user;
    struct line *line = ARC_CONTAINER(pipe, struct line, pipe);
    arc_err err = ARC_ERR_INIT;
    if (arc__conn_identify(&pipe->conn, line->wire, &err) != ARC_OK) {
        pipe->open = 0; /* as an address that does not answer */
        arc__pipe_fail(pipe, &err);
        return;
    }
    line->opened_at = now_of(channel);
    channel->next_addr = 0;
    arc_grpc_conn_connected(line->wire, line->opened_at);
    set_state(channel, ARC_GRPC_CHANNEL_READY, NULL);
}

static void on_over(void *user, struct arc_grpc_pipe *pipe, const arc_err *err)
{
    struct arc_net_channel *channel = user;
    struct line *line = ARC_CONTAINER(pipe, struct line, pipe);
    int current = channel->current == line;
    uint64_t now = now_of(channel);
    line->has_socket = 0;
    if (!pipe->open && current) {
        /* This address does not answer; the calls stay for the next. */
        channel->why = *err;
        if (channel->next_addr < channel->addrs.count)
            attempt(channel);
        else
            failed(channel, err);
        return;
    }
    int settled =
        pipe->open && arc_grpc_conn_is_ready(line->wire) && now - line->opened_at >= SETTLED_NS;
    arc_err why = *err;
    free_line(line);
    if (!current)
        return;
    if (settled) {
        channel->backoff_ns = channel->backoff_min_ns;
        set_state(channel, ARC_GRPC_CHANNEL_IDLE, &why);
    } else {
        failed(channel, &why);
    }
}

/* --- the channel ----------------------------------------------------------------------------- */

static arc_status open_parts(struct arc_net_channel *channel,
                             const struct arc_net_channel_options *options, arc_err *err)
{
    struct arc_mem *mem = &channel->hub.env.mem;
    const char *agent = options->user_agent != NULL ? options->user_agent : "libarcentra";
    ARC_TRY(arc__grpc_limits_fill(options->limits, 0, &channel->limits, err));
    ARC_TRY(arc__hub_init(&channel->hub, options->env, &channel->limits, err));
    channel->hub.user = channel;
    channel->hub.on_open = on_open;
    channel->hub.on_over = on_over;
    channel->hub.handshake_ns = options->connect_ns != 0 ? options->connect_ns : CONNECT_NS;
    channel->hub.stall_ns = options->stall_ns != 0 ? options->stall_ns : STALL_NS;
    if (options->tls != NULL)
        ARC_TRY(arc__tls_ctx_open(mem, options->tls, 0, &channel->tls, err));
    ARC_TRY(arc__addr_resolve(options->targets[0], 0, &channel->addrs, err));
    const char *name = channel->addrs.host;
    if (options->tls != NULL && options->tls->server_name != NULL)
        name = options->tls->server_name;
    channel->target = arc__strdup(mem, arc__slice_cstr(options->targets[0]));
    channel->user_agent = arc__strdup(mem, arc__slice_cstr(agent));
    channel->name = arc__strdup(mem, arc__slice_cstr(name));
    if (channel->target == NULL || channel->user_agent == NULL || channel->name == NULL)
        return arc__fail_nomem(err);
    return ARC_OK;
}

arc_status arc__net_channel_open(const struct arc_net_channel_options *options,
                                 struct arc_net_channel **out, arc_err *err)
{
    ARC_REQUIRE(options != NULL && options->size == sizeof(*options), err, "options");
    ARC_REQUIRE(options->env != NULL && options->env->loop != NULL &&
                    options->env->now_ns != NULL && options->env->random != NULL,
                err, "options.env");
    ARC_REQUIRE(options->targets != NULL && options->target_count > 0, err, "options.targets");
    struct arc_net_channel *channel = arc__alloc(&options->env->mem, sizeof(*channel));
    if (channel == NULL)
        return arc__fail_nomem(err);
    channel->hub.env = *options->env;
    channel->on_state = options->on_state;
    channel->user = options->user;
    channel->state = ARC_GRPC_CHANNEL_IDLE;
    channel->why = (arc_err)ARC_ERR_INIT;
    channel->backoff_min_ns =
        options->backoff_min_ns != 0 ? options->backoff_min_ns : BACKOFF_MIN_NS;
    channel->backoff_max_ns =
        options->backoff_max_ns != 0 ? options->backoff_max_ns : BACKOFF_MAX_NS;
    channel->backoff_ns = channel->backoff_min_ns;
    arc__list_init(&channel->lines);
    arc_status status = open_parts(channel, options, err);
    if (status != ARC_OK) {
        arc__net_channel_close(channel);
        return status;
    }
    *out = channel;
    return ARC_OK;
}

void arc__net_channel_close(struct arc_net_channel *channel)
{
    if (channel == NULL)
        return;
    channel->on_state = NULL;
    while (!arc__list_empty(&channel->lines))
        free_line(ARC_CONTAINER(channel->lines.next, struct line, link));
    arc__tls_ctx_close(channel->tls);
    struct arc_mem mem = channel->hub.env.mem;
    arc__free(&mem, channel->target);
    arc__free(&mem, channel->user_agent);
    arc__free(&mem, channel->name);
    arc__hub_deinit(&channel->hub);
    arc__free(&mem, channel);
}

/* Calls that wait for a socket have deadlines and events as well. */
static uint64_t waiting_deadline(const struct line *line)
{
    if (line->has_socket && line->pipe.open)
        return ARC_NET_NEVER;
    return arc_grpc_conn_is_over(line->wire) ? 0 : arc_grpc_conn_get_deadline(line->wire);
}

static void tick_waiting(struct arc_net_channel *channel)
{
    uint64_t now = now_of(channel);
    struct arc_link *link = channel->lines.next;
    while (link != &channel->lines) {
        struct line *line = ARC_CONTAINER(link, struct line, link);
        link = link->next;
        if (waiting_deadline(line) > now)
            continue;
        arc_grpc_conn_tick(line->wire, now);
        if (arc_grpc_conn_is_over(line->wire)) {
            free_line(line); /* its events may change the list: the rest is for the next tick */
            return;
        }
    }
}

void arc__net_channel_tick(struct arc_net_channel *channel)
{
    tick_waiting(channel);
    arc__hub_tick(&channel->hub);
    /* A connection that was told to go takes no more calls. */
    struct line *line = channel->current;
    if (line != NULL && line->has_socket && line->pipe.open && !line->pipe.over &&
        arc_grpc_conn_is_draining(line->wire)) {
        channel->current = NULL;
        set_state(channel, ARC_GRPC_CHANNEL_IDLE, NULL);
    }
    if (channel->state == ARC_GRPC_CHANNEL_BACKOFF && now_of(channel) >= channel->retry_at) {
        channel->begin_now |=
            channel->current != NULL && arc_grpc_conn_get_calls(channel->current->wire) > 0;
        if (!channel->begin_now)
            set_state(channel, ARC_GRPC_CHANNEL_IDLE, NULL);
    }
    if (channel->begin_now) {
        arc_err err = ARC_ERR_INIT;
        if (channel->current != NULL && channel->current->has_socket)
            channel->begin_now = 0;
        else if (begin(channel, &err) != ARC_OK)
            failed(channel, &err);
    }
}

uint64_t arc__net_channel_next_deadline(const struct arc_net_channel *channel)
{
    uint64_t next = arc__hub_next_deadline(&channel->hub);
    ARC_LIST_EACH(&channel->lines, link)
    {
        uint64_t waiting = waiting_deadline(ARC_CONTAINER(link, struct line, link));
        next = waiting < next ? waiting : next;
    }
    if (channel->begin_now)
        return 0;
    if (channel->state == ARC_GRPC_CHANNEL_BACKOFF && channel->retry_at < next)
        next = channel->retry_at;
    return next;
}

arc_status arc__net_channel_call(struct arc_net_channel *channel,
                                 const struct arc_grpc_request *request,
                                 const struct arc_grpc_events *events, void *user,
                                 struct arc_grpc_call **out, arc_err *err)
{
    if (channel->state == ARC_GRPC_CHANNEL_BACKOFF && !request->wait_for_ready)
        return arc__fail(err, ARC_EUNAVAILABLE, channel->target, "%s", channel->why.message);
    if (channel->current != NULL && arc_grpc_conn_is_draining(channel->current->wire))
        channel->current = NULL; /* it finishes what it has, or the tick removes it */
    if (channel->current == NULL)
        ARC_TRY(make_line(channel, err));
    arc_grpc_conn_set_now(channel->current->wire, now_of(channel));
    ARC_TRY(arc_grpc_call_open(channel->current->wire, request, events, user, out, err));
    /* Connecting is for the tick, so that no event comes before this function has returned. */
    if (!channel->current->has_socket && channel->state != ARC_GRPC_CHANNEL_BACKOFF)
        channel->begin_now = 1;
    return ARC_OK;
}

void arc__net_channel_connect(struct arc_net_channel *channel)
{
    if (channel->state == ARC_GRPC_CHANNEL_BACKOFF)
        channel->retry_at = 0;
    if (channel->state == ARC_GRPC_CHANNEL_IDLE || channel->state == ARC_GRPC_CHANNEL_BACKOFF)
        channel->begin_now = 1;
}

void arc__net_channel_drain(struct arc_net_channel *channel)
{
    ARC_LIST_EACH_SAFE(&channel->lines, link)
    {
        struct line *line = ARC_CONTAINER(link, struct line, link);
        if (line->has_socket)
            arc_grpc_conn_drain(line->wire, now_of(channel));
    }
}

int32_t arc__net_channel_get_state(const struct arc_net_channel *channel)
{
    return channel->state;
}

const char *arc__net_channel_state_name(int32_t state)
{
    switch (state) {
    case ARC_GRPC_CHANNEL_IDLE:
        return "idle";
    case ARC_GRPC_CHANNEL_CONNECTING:
        return "connecting";
    case ARC_GRPC_CHANNEL_READY:
        return "ready";
    case ARC_GRPC_CHANNEL_BACKOFF:
        return "backoff";
    }
    return "unknown";
}

size_t arc__net_channel_calls(const struct arc_net_channel *channel)
{
    size_t count = 0;
    ARC_LIST_EACH(&channel->lines, link)
    count += arc_grpc_conn_get_calls(ARC_CONTAINER(link, struct line, link)->wire);
    return count;
}

const struct arc_grpc_counters *arc__net_channel_get_counters(const struct arc_net_channel *channel)
{
    return &channel->counters;
}

arc_status arc__net_channel_set_targets(struct arc_net_channel *channel, const char *const *targets,
                                        size_t count, arc_err *err)
{
    (void)targets, (void)count;
    return arc__fail(err, ARC_EUNIMPLEMENTED, channel->target, "Not yet.");
}

arc_status arc__net_channel_reload_tls(struct arc_net_channel *channel, arc_err *err)
{
    return arc__tls_ctx_reload(&channel->tls, err);
}
