/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_client.h"

#include <string.h>

#include "net/grpc_line.h"
#include "net/grpc_retry.h"

#define CONNECT_NS (20 * UINT64_C(1000000000))
#define BACKOFF_MIN_NS (200 * UINT64_C(1000000))
#define BACKOFF_MAX_NS (30 * UINT64_C(1000000000))
#define STALL_NS (30 * UINT64_C(1000000000))

struct arc_net_channel {
    struct arc_grpc_lines shared;
    struct arc_grpc_line *lines[ARC_GRPC_ADDRESSES_MAX];
    size_t line_count, turn; /* turn: of round robin */
    uint32_t balance;
    struct arc_grpc_limits limits;
    struct arc_grpc_counters counters;
    struct arc_grpc_keeper keeper; /* .lobby is the channel's */
    struct arc_grpc_retry_policy retry;
    char *authority, *user_agent, *server_name;
    int32_t state;
    arc_err why; /* of the last failure */
    int asked;   /* idle lines are to connect: a call came, or the host asked */
    int looked;  /* 0: calls came back to the lobby since the last tick */
    int closing;
    uint64_t resend_at; /* when the next call in the lobby may be sent again */
    int32_t (*credentials)(void *user, const struct arc_grpc_request *request,
                           struct arc_grpc_field *out, size_t max);
    void *credentials_user;
    void (*on_state)(void *user, int32_t state, const arc_err *err);
    void *user;
};

static uint64_t now_of(const struct arc_net_channel *channel)
{
    return channel->shared.hub.env.now_ns(channel->shared.hub.env.user);
}

/* --- the state ------------------------------------------------------------------------------- */

/* The best of all lines: READY, CONNECTING, IDLE, BACKOFF. */
static int32_t best_state(const struct arc_net_channel *channel)
{
    static const int8_t ranks[] = {[ARC_GRPC_CHANNEL_BACKOFF] = 1,
                                   [ARC_GRPC_CHANNEL_IDLE] = 2,
                                   [ARC_GRPC_CHANNEL_CONNECTING] = 3,
                                   [ARC_GRPC_CHANNEL_READY] = 4};
    int32_t best = ARC_GRPC_CHANNEL_BACKOFF;
    for (size_t i = 0; i < channel->line_count; i++) {
        int32_t state = channel->lines[i]->state;
        best = ranks[state] > ranks[best] ? state : best;
    }
    return best;
}

static void refresh(struct arc_net_channel *channel, const arc_err *err)
{
    int32_t state = best_state(channel);
    if (channel->state == state)
        return;
    channel->state = state;
    if (channel->on_state != NULL && !channel->closing)
        channel->on_state(channel->user, state, err);
}

static void on_line(void *user, struct arc_grpc_line *line, const arc_err *err)
{
    struct arc_net_channel *channel = user;
    (void)line;
    if (err != NULL)
        channel->why = *err;
    refresh(channel, err);
}

/* --- calls ----------------------------------------------------------------------------------- */

static int on_ended(void *owner, const struct arc_grpc_ending *ending)
{
    struct arc_net_channel *channel = owner;
    if (channel->closing)
        return 0;
    if (!arc__grpc_retry_decide(&channel->retry, &channel->shared.hub.env, ending, now_of(channel)))
        return 0;
    channel->looked = 0;
    return 1;
}

/* Asks for the metadata of one attempt. No value of it is ever part of an error. */
static arc_status ask_credentials(const struct arc_net_channel *channel,
                                  const struct arc_grpc_call *call, struct arc_grpc_field *out,
                                  size_t *count, arc_err *err)
{
    struct arc_grpc_request request;
    size_t bytes = 0;
    *count = 0;
    if (channel->credentials == NULL)
        return ARC_OK;
    arc__grpc_call_describe(call, &request);
    int32_t got =
        channel->credentials(channel->credentials_user, &request, out, ARC_NET_CREDENTIALS_MAX);
    if (got < 0)
        return arc__fail(err, ARC_EUNAUTHENTICATED, "credentials",
                         "There are no credentials for the call.");
    if (got > ARC_NET_CREDENTIALS_MAX)
        return arc__fail(err, ARC_EINVAL, "credentials", "More than %d lines of credentials.",
                         ARC_NET_CREDENTIALS_MAX);
    for (int32_t i = 0; i < got; i++)
        bytes += out[i].name.len + out[i].value.len;
    if (bytes > ARC_GRPC_CREDENTIALS_MAX_BYTES)
        return arc__fail(err, ARC_EINVAL, "credentials", "More than %d bytes of credentials.",
                         ARC_GRPC_CREDENTIALS_MAX_BYTES);
    *count = (size_t)got;
    return ARC_OK;
}

/* The next line in turn that is READY, from *from on, which is moved behind it; NULL: none. */
static struct arc_grpc_line *next_ready(const struct arc_net_channel *channel, size_t *from,
                                        size_t *left)
{
    while (*left > 0) {
        struct arc_grpc_line *line = channel->lines[*from % channel->line_count];
        (*from)++;
        (*left)--;
        if (arc__line_conn(line) != NULL)
            return line;
    }
    return NULL;
}

static int is_ready(const struct arc_net_channel *channel)
{
    size_t from = 0, left = channel->line_count;
    return next_ready(channel, &from, &left) != NULL;
}

/* From the lobby to a connection: to the next in turn, or, where that has all the calls it may,
 * to another. ARC_EAGAIN: there is none now. */
static arc_status hand_over(struct arc_net_channel *channel, struct arc_grpc_call *call,
                            arc_err *err)
{
    struct arc_grpc_field fields[ARC_NET_CREDENTIALS_MAX];
    size_t count = 0, from = channel->turn, left = channel->line_count;
    struct arc_grpc_line *line = next_ready(channel, &from, &left);
    arc_status status = ARC_EAGAIN;
    if (line == NULL)
        return ARC_EAGAIN;
    ARC_TRY(ask_credentials(channel, call, fields, &count, err));
    /* Whoever gives credentials may have done away with the line. */
    for (; line != NULL; line = next_ready(channel, &from, &left)) {
        struct arc_grpc_conn *conn = arc__line_conn(line);
        if (conn == NULL)
            continue;
        status = arc__grpc_call_reopen(call, conn, now_of(channel), fields, count, err);
        if (status == ARC_OK) {
            channel->turn = from % channel->line_count;
            arc__line_use(line);
        }
        if (status != ARC_ELIMIT && status != ARC_EUNAVAILABLE)
            break;
    }
    return status;
}

/* A call in the lobby whose time has come. */
static void settle_call(void *user, struct arc_grpc_call *call)
{
    struct arc_net_channel *channel = user;
    arc_err err = ARC_ERR_INIT;
    switch (hand_over(channel, call, &err)) {
    case ARC_OK:
    case ARC_EAGAIN:
    case ARC_ELIMIT: /* it waits until another one has ended */
    case ARC_EUNAVAILABLE:
    case ARC_ECANCELLED: /* whoever was asked for credentials has ended it */
        return;
    case ARC_EUNAUTHENTICATED:
        arc__grpc_call_give_up(call, ARC_GRPC_WHY_CANCELLED, ARC_GRPC_UNAUTHENTICATED, err.message);
        return;
    case ARC_ENOMEM:
        arc__grpc_call_give_up(call, ARC_GRPC_WHY_NOMEM, ARC_GRPC_RESOURCE_EXHAUSTED, err.message);
        return;
    default:
        arc__grpc_call_give_up(call, ARC_GRPC_WHY_CANCELLED, ARC_GRPC_INTERNAL, err.message);
        return;
    }
}

arc_status arc__net_channel_call(struct arc_net_channel *channel,
                                 const struct arc_grpc_request *request,
                                 const struct arc_grpc_events *events, void *user,
                                 struct arc_grpc_call **out, arc_err *err)
{
    struct arc_grpc_conn *lobby = channel->keeper.lobby;
    struct arc_grpc_call *call = NULL;
    ARC_REQUIRE(request != NULL, err, "request");
    if (channel->state == ARC_GRPC_CHANNEL_BACKOFF && !request->wait_for_ready)
        return arc__fail(err, ARC_EUNAVAILABLE, channel->why.subject, "%s", channel->why.message);
    arc_grpc_conn_set_now(lobby, now_of(channel));
    ARC_TRY(arc_grpc_call_open(lobby, request, events, user, &call, err));
    arc_status status = hand_over(channel, call, err);
    if (status != ARC_OK && status != ARC_EAGAIN && status != ARC_EUNAVAILABLE) {
        arc_grpc_call_drop(call);
        return status;
    }
    /* Connecting is for the tick, so that no event comes before this function has returned. With
     * round robin every call wakes the lines that rest. */
    for (size_t i = 0; i < channel->line_count; i++)
        channel->asked |= channel->lines[i]->state == ARC_GRPC_CHANNEL_IDLE;
    if (status != ARC_OK)
        channel->looked = 0;
    *out = call;
    return ARC_OK;
}

/* --- addresses ------------------------------------------------------------------------------- */

struct places {
    struct arc_grpc_place *items; /* ARC_GRPC_ADDRESSES_MAX of them */
    size_t count;
};

static arc_status add_place(struct places *places, const struct arc_addr *addr, const char *host,
                            arc_err *err)
{
    struct arc_grpc_place place = {.addr = *addr};
    (void)arc__slice_to_cstr(arc__slice_cstr(host), place.host, sizeof(place.host));
    for (size_t i = 0; i < places->count; i++) {
        if (arc__line_same_place(&places->items[i], &place))
            return ARC_OK;
    }
    if (places->count == ARC_GRPC_ADDRESSES_MAX)
        return arc__fail(err, ARC_EINVAL, "targets", "The targets have more than %d addresses.",
                         ARC_GRPC_ADDRESSES_MAX);
    places->items[places->count++] = place;
    return ARC_OK;
}

/* A name that is not known now is left out while there are others. */
static arc_status look_up(const struct arc_net_channel *channel, const char *const *targets,
                          size_t count, struct places *places, arc_err *err)
{
    struct arc_addr_list list;
    arc_status unknown = ARC_OK;
    ARC_REQUIRE(targets != NULL && count > 0 && count <= ARC_GRPC_ADDRESSES_MAX, err, "targets");
    places->items = arc__alloc_array(&channel->shared.hub.env.mem, ARC_GRPC_ADDRESSES_MAX,
                                     sizeof(*places->items));
    if (places->items == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        arc_status status = arc__addr_resolve(targets[i], 0, &list, err);
        if (status == ARC_EUNAVAILABLE) {
            unknown = status;
            continue;
        }
        ARC_TRY(status);
        const char *host = channel->server_name != NULL ? channel->server_name : list.host;
        for (size_t k = 0; k < list.count; k++)
            ARC_TRY(add_place(places, &list.items[k], host, err));
    }
    return places->count > 0 ? ARC_OK : unknown;
}

static struct arc_grpc_line *take_line(struct arc_net_channel *channel,
                                       const struct arc_grpc_place *place)
{
    for (size_t i = 0; i < channel->line_count; i++) {
        struct arc_grpc_line *line = channel->lines[i];
        if (line == NULL || !arc__line_same_place(&line->places[0], place))
            continue;
        channel->lines[i] = NULL;
        return line;
    }
    return NULL;
}

/* One line for each place; those that stay keep theirs. */
static arc_status spread(struct arc_net_channel *channel, const struct places *places, arc_err *err)
{
    struct arc_grpc_line *fresh[ARC_GRPC_ADDRESSES_MAX] = {NULL};
    struct arc_grpc_line *old[ARC_GRPC_ADDRESSES_MAX];
    size_t old_count = channel->line_count;
    int starved = 0;
    memcpy(old, channel->lines, sizeof(old));
    for (size_t i = 0; i < places->count && !starved; i++) {
        fresh[i] = take_line(channel, &places->items[i]);
        if (fresh[i] == NULL)
            fresh[i] = arc__line_new(&channel->shared, &places->items[i], 1);
        starved = fresh[i] == NULL;
    }
    if (starved) { /* everything as it was */
        for (size_t i = 0; i < places->count; i++) {
            int kept = 0;
            for (size_t k = 0; k < old_count; k++)
                kept |= fresh[i] == old[k];
            if (fresh[i] != NULL && !kept)
                arc__line_free(fresh[i]);
        }
        memcpy(channel->lines, old, sizeof(old));
        return arc__fail_nomem(err);
    }
    memcpy(old, channel->lines, sizeof(old)); /* those that nobody took */
    memcpy(channel->lines, fresh, sizeof(fresh));
    channel->line_count = places->count;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != NULL)
            arc__line_free(old[i]);
    }
    return ARC_OK;
}

static arc_status gather(struct arc_net_channel *channel, struct places *places, arc_err *err)
{
    if (channel->line_count == 0) {
        channel->lines[0] = arc__line_new(&channel->shared, places->items, places->count);
        if (channel->lines[0] == NULL)
            return arc__fail_nomem(err);
        channel->line_count = 1;
        return ARC_OK;
    }
    arc__line_set_places(channel->lines[0], places->items, places->count);
    places->items = NULL;
    return ARC_OK;
}

arc_status arc__net_channel_set_targets(struct arc_net_channel *channel, const char *const *targets,
                                        size_t count, arc_err *err)
{
    struct places places = {NULL, 0};
    arc_status status = look_up(channel, targets, count, &places, err);
    if (status == ARC_OK)
        status = channel->balance == ARC_GRPC_ROUND_ROBIN ? spread(channel, &places, err)
                                                          : gather(channel, &places, err);
    arc__free(&channel->shared.hub.env.mem, places.items);
    if (status != ARC_OK)
        return status;
    channel->turn = 0;
    channel->looked = 0;
    refresh(channel, NULL);
    return ARC_OK;
}

arc_status arc__net_channel_reload_tls(struct arc_net_channel *channel, arc_err *err)
{
    return arc__tls_ctx_reload(&channel->shared.tls, err);
}

/* --- life ------------------------------------------------------------------------------------ */

/* Texts that the channel keeps. */
static arc_status keep_texts(struct arc_net_channel *channel,
                             const struct arc_net_channel_options *options, arc_err *err)
{
    const struct arc_mem *mem = &channel->shared.hub.env.mem;
    const char *agent = options->user_agent != NULL ? options->user_agent : "libarcentra";
    const char *authority = options->authority != NULL ? options->authority : options->targets[0];
    const char *name = options->tls != NULL ? options->tls->server_name : NULL;
    ARC_REQUIRE(authority != NULL, err, "options.targets");
    const struct arc_grpc_field texts[] = {
        {ARC_LIT("authority"), arc__slice_cstr(authority)},
        {ARC_LIT("user-agent"), arc__slice_cstr(agent)},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        if (texts[i].value.len == 0 || !arc__grpc_field_valid(&texts[i]))
            return arc__fail(err, ARC_EINVAL, texts[i].name.ptr, "The text may not be sent.");
    }
    channel->authority = arc__strdup(mem, arc__slice_cstr(authority));
    channel->user_agent = arc__strdup(mem, arc__slice_cstr(agent));
    if (name != NULL)
        channel->server_name = arc__strdup(mem, arc__slice_cstr(name));
    if (channel->authority == NULL || channel->user_agent == NULL ||
        (name != NULL && channel->server_name == NULL))
        return arc__fail_nomem(err);
    return ARC_OK;
}

/* Where calls wait: a connection that nothing of a connection's own happens to. */
static arc_status open_lobby(struct arc_net_channel *channel, arc_err *err)
{
    struct arc_grpc_config config = channel->shared.config;
    arc_env env = arc__mem_to_env(&channel->shared.hub.env.mem);
    config.env = &env;
    config.peer = channel->authority;
    ARC_TRY(arc__grpc_conn_new(&config, &channel->shared.hub.pool, now_of(channel),
                               &channel->keeper.lobby, err));
    channel->counters.connections = 0; /* it is none */
    arc__grpc_conn_set_keeper(channel->keeper.lobby, &channel->keeper);
    return ARC_OK;
}

static void set_shared(struct arc_net_channel *channel,
                       const struct arc_net_channel_options *options)
{
    struct arc_grpc_lines *shared = &channel->shared;
    shared->hub.handshake_ns = options->connect_ns != 0 ? options->connect_ns : CONNECT_NS;
    shared->hub.stall_ns = options->stall_ns != 0 ? options->stall_ns : STALL_NS;
    shared->backoff_min_ns =
        options->backoff_min_ns != 0 ? options->backoff_min_ns : BACKOFF_MIN_NS;
    shared->backoff_max_ns =
        options->backoff_max_ns != 0 ? options->backoff_max_ns : BACKOFF_MAX_NS;
    shared->keeper = &channel->keeper;
    shared->user = channel;
    shared->on_state = on_line;
    shared->config = (struct arc_grpc_config){
        .size = sizeof(shared->config),
        .limits = &channel->limits,
        .counters = &channel->counters,
        .authority = channel->authority,
        .user_agent = channel->user_agent,
        .secure = options->tls != NULL,
        .encoding = options->encoding,
        .interceptors = options->interceptors,
        .interceptor_count = options->interceptor_count,
    };
}

static arc_status open_parts(struct arc_net_channel *channel,
                             const struct arc_net_channel_options *options, arc_err *err)
{
    ARC_TRY(arc__grpc_limits_fill(options->limits, 0, &channel->limits, err));
    ARC_TRY(arc__grpc_retry_init(&channel->retry, options->retry, err));
    ARC_TRY(arc__hub_init(&channel->shared.hub, options->env, &channel->limits, err));
    arc__lines_init(&channel->shared);
    ARC_TRY(keep_texts(channel, options, err));
    set_shared(channel, options);
    channel->keeper.keep_bytes = channel->retry.buffer_bytes;
    channel->keeper.ended = on_ended;
    channel->keeper.owner = channel;
    if (options->tls != NULL)
        ARC_TRY(arc__tls_ctx_open(&channel->shared.hub.env.mem, options->tls, 0,
                                  &channel->shared.tls, err));
    ARC_TRY(open_lobby(channel, err));
    return arc__net_channel_set_targets(channel, options->targets, options->target_count, err);
}

arc_status arc__net_channel_open(const struct arc_net_channel_options *options,
                                 struct arc_net_channel **out, arc_err *err)
{
    ARC_REQUIRE(options != NULL && options->size == sizeof(*options), err, "options");
    ARC_REQUIRE(options->env != NULL && options->env->loop != NULL &&
                    options->env->now_ns != NULL && options->env->random != NULL,
                err, "options.env");
    ARC_REQUIRE(options->targets != NULL && options->target_count > 0, err, "options.targets");
    ARC_REQUIRE(options->balance <= ARC_GRPC_ROUND_ROBIN, err, "options.balance");
    if (options->credentials != NULL && options->tls == NULL && !options->credentials_in_clear)
        return arc__fail(err, ARC_EINVAL, "options.credentials",
                         "Credentials are not sent without TLS.");
    struct arc_net_channel *channel = arc__alloc(&options->env->mem, sizeof(*channel));
    if (channel == NULL)
        return arc__fail_nomem(err);
    channel->shared.hub.env = *options->env;
    arc__list_init(&channel->shared.cables);
    arc__list_init(&channel->shared.gone);
    channel->balance = options->balance;
    channel->credentials = options->credentials;
    channel->credentials_user = options->credentials_user;
    channel->on_state = options->on_state;
    channel->user = options->user;
    channel->state = ARC_GRPC_CHANNEL_IDLE;
    channel->why = (arc_err)ARC_ERR_INIT;
    channel->resend_at = ARC_NET_NEVER;
    channel->looked = 1;
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
    channel->closing = 1;
    arc__lines_close(&channel->shared);
    for (size_t i = 0; i < channel->line_count; i++)
        arc__line_free(channel->lines[i]);
    arc__lines_sweep(&channel->shared);
    arc_grpc_conn_free(channel->keeper.lobby);
    arc__tls_ctx_close(channel->shared.tls);
    struct arc_mem mem = channel->shared.hub.env.mem;
    arc__free(&mem, channel->authority);
    arc__free(&mem, channel->user_agent);
    arc__free(&mem, channel->server_name);
    arc__hub_deinit(&channel->shared.hub);
    arc__free(&mem, channel);
}

/* --- time ------------------------------------------------------------------------------------ */

/* Calls in the lobby go where they can. Answers how many have to wait for a connection. */
static size_t settle_calls(struct arc_net_channel *channel)
{
    uint64_t now = now_of(channel);
    struct arc_grpc_conn *lobby = channel->keeper.lobby;
    if (arc_grpc_conn_get_deadline(lobby) <= now)
        arc_grpc_conn_tick(lobby, now);
    channel->looked = 1;
    channel->resend_at = ARC_NET_NEVER;
    if (arc_grpc_conn_get_calls(lobby) == 0)
        return 0;
    return arc__grpc_lobby_each(lobby, now, settle_call, channel, &channel->resend_at);
}

/* Lines that rest, or whose back-off is over, connect where there is somebody to do it for. */
static void wake_lines(struct arc_net_channel *channel, int wanted)
{
    uint64_t now = now_of(channel);
    for (size_t i = 0; i < channel->line_count; i++) {
        struct arc_grpc_line *line = channel->lines[i];
        int over = line->state == ARC_GRPC_CHANNEL_BACKOFF && now >= line->retry_at;
        if (wanted && (over || line->state == ARC_GRPC_CHANNEL_IDLE))
            arc__line_begin(line);
        else if (over)
            arc__line_rest(line);
    }
}

void arc__net_channel_tick(struct arc_net_channel *channel)
{
    arc__lines_sweep(&channel->shared);
    arc__hub_tick(&channel->shared.hub);
    for (size_t i = 0; i < channel->line_count; i++)
        arc__line_tick(channel->lines[i]);
    size_t waiting = settle_calls(channel);
    int asked = channel->asked;
    channel->asked = 0;
    wake_lines(channel, asked || (waiting > 0 && !is_ready(channel)));
    if (waiting > 0 && channel->state == ARC_GRPC_CHANNEL_BACKOFF)
        arc__grpc_lobby_fail(channel->keeper.lobby, now_of(channel), channel->why.message);
}

uint64_t arc__net_channel_next_deadline(const struct arc_net_channel *channel)
{
    uint64_t next = arc__hub_next_deadline(&channel->shared.hub);
    uint64_t lobby = arc_grpc_conn_get_deadline(channel->keeper.lobby);
    if (channel->asked || !channel->looked || !arc__list_empty(&channel->shared.gone))
        return 0;
    next = lobby < next ? lobby : next;
    next = channel->resend_at < next ? channel->resend_at : next;
    for (size_t i = 0; i < channel->line_count; i++) {
        const struct arc_grpc_line *line = channel->lines[i];
        if (line->state == ARC_GRPC_CHANNEL_BACKOFF && line->retry_at < next)
            next = line->retry_at;
    }
    return next;
}

/* --- what the host asks for ------------------------------------------------------------------ */

void arc__net_channel_connect(struct arc_net_channel *channel)
{
    channel->asked = 1;
    for (size_t i = 0; i < channel->line_count; i++)
        channel->lines[i]->retry_at = 0;
}

void arc__net_channel_drain(struct arc_net_channel *channel)
{
    for (size_t i = 0; i < channel->line_count; i++)
        arc__line_drain(channel->lines[i]);
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
    return arc_grpc_conn_get_calls(channel->keeper.lobby) + arc__lines_calls(&channel->shared);
}

const struct arc_grpc_counters *arc__net_channel_get_counters(const struct arc_net_channel *channel)
{
    return &channel->counters;
}
