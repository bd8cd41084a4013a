/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_line.h"

#include <string.h>

#include "net/grpc_retry.h"

/* A connection that is lost sooner than this counts as a failed attempt: a server that accepts and
 * hangs up must not be called without pause. */
#define SETTLED_NS (1 * UINT64_C(1000000000))

/* A connection, from the attempt to connect to its end. */
struct arc_grpc_cable {
    struct arc_grpc_pipe pipe;
    struct arc_link link; /* lines->cables */
    struct arc_grpc_lines *lines;
    struct arc_grpc_line *line; /* NULL: it leaves */
    struct arc_grpc_conn *wire; /* NULL: the socket is not through */
    size_t place;               /* of line->places, while it has a line */
    uint64_t ready_at;
    int used; /* it has carried a call */
};

static uint64_t now_of(const struct arc_grpc_lines *lines)
{
    return lines->hub.env.now_ns(lines->hub.env.user);
}

static void set_state(struct arc_grpc_line *line, int32_t state, const arc_err *err)
{
    if (line->state == state)
        return;
    line->state = state;
    line->lines->on_state(line->lines->user, line, err);
}

/* --- cables ---------------------------------------------------------------------------------- */

static void on_work(void *owner, struct arc_grpc_conn *conn)
{
    struct arc_grpc_cable *cable = owner;
    (void)conn;
    arc__pipe_touch(&cable->pipe);
}

static void cable_free(struct arc_grpc_cable *cable)
{
    struct arc_grpc_lines *lines = cable->lines;
    if (cable->line == NULL)
        lines->leaving--;
    else
        cable->line->cable = NULL;
    arc__pipe_stop(&cable->pipe);
    /* Out of the list first: the events of its calls may do anything to the channel. */
    arc__list_remove(&cable->link);
    if (cable->wire != NULL)
        arc_grpc_conn_eof(cable->wire, now_of(lines));
    arc_grpc_conn_free(cable->wire);
    arc__free(&lines->hub.env.mem, cable);
}

/* The line goes on without it. */
static void cable_leave(struct arc_grpc_cable *cable)
{
    cable->line->cable = NULL;
    cable->line = NULL;
    cable->lines->leaving++;
    if (cable->wire != NULL) {
        arc_grpc_conn_drain(cable->wire, now_of(cable->lines));
    } else {
        arc_err err = ARC_ERR_INIT;
        (void)arc__fail(&err, ARC_EDONE, cable->pipe.conn.peer_text, "It is not wanted any more.");
        arc__pipe_fail(&cable->pipe, &err);
    }
}

/* Begins to connect to a place. */
static arc_status cable_open(struct arc_grpc_line *line, size_t place, arc_err *err)
{
    struct arc_grpc_lines *lines = line->lines;
    const struct arc_grpc_place *to = &line->places[place];
    if (lines->leaving > ARC_GRPC_LEAVING_MAX)
        return arc__fail(err, ARC_ELIMIT, "connection",
                         "Too many connections are still finishing their calls.");
    struct arc_grpc_cable *cable = arc__alloc(&lines->hub.env.mem, sizeof(*cable));
    if (cable == NULL)
        return arc__fail_nomem(err);
    cable->lines = lines;
    cable->line = line;
    cable->place = place;
    cable->pipe.hub = &lines->hub;
    line->cable = cable;
    arc__list_add_tail(&lines->cables, &cable->link);
    arc_status status = arc__conn_connect(&cable->pipe.conn, &to->addr, lines->tls, to->host, err);
    if (status == ARC_OK)
        status = arc__pipe_start(&cable->pipe, &lines->hub, NULL, err);
    if (status != ARC_OK)
        cable_free(cable);
    return status;
}

/* --- the states ------------------------------------------------------------------------------ */

static void fail(struct arc_grpc_line *line, const arc_err *err)
{
    const struct arc_grpc_lines *lines = line->lines;
    uint64_t bound = line->backoff_ns;
    line->backoff_ns = bound > lines->backoff_max_ns / 2 ? lines->backoff_max_ns : 2 * bound;
    line->retry_at = now_of(lines) + arc__grpc_retry_jitter(&lines->hub.env, bound);
    set_state(line, ARC_GRPC_CHANNEL_BACKOFF, err);
}

/* Tries the addresses from next_place on. err: why the one before failed. */
static void attempt(struct arc_grpc_line *line, arc_err *err)
{
    while (line->next_place < line->place_count) {
        *err = (arc_err)ARC_ERR_INIT;
        if (cable_open(line, line->next_place++, err) == ARC_OK)
            return;
    }
    fail(line, err);
}

void arc__line_begin(struct arc_grpc_line *line)
{
    arc_err err = ARC_ERR_INIT;
    if (line->state != ARC_GRPC_CHANNEL_IDLE && line->state != ARC_GRPC_CHANNEL_BACKOFF)
        return;
    line->next_place = 0;
    set_state(line, ARC_GRPC_CHANNEL_CONNECTING, NULL);
    /* Whoever heard of that may have done away with the line. */
    if (line->state == ARC_GRPC_CHANNEL_CONNECTING && line->cable == NULL)
        attempt(line, &err);
}

void arc__line_rest(struct arc_grpc_line *line)
{
    if (line->state == ARC_GRPC_CHANNEL_BACKOFF)
        set_state(line, ARC_GRPC_CHANNEL_IDLE, NULL);
}

void arc__line_drain(struct arc_grpc_line *line)
{
    if (line->state != ARC_GRPC_CHANNEL_READY)
        return;
    cable_leave(line->cable);
    set_state(line, ARC_GRPC_CHANNEL_IDLE, NULL);
}

static void on_open(void *user, struct arc_grpc_pipe *pipe)
{
    struct arc_grpc_lines *lines = user;
    struct arc_grpc_cable *cable = ARC_CONTAINER(pipe, struct arc_grpc_cable, pipe);
    struct arc_grpc_config config = lines->config;
    arc_env env = arc__mem_to_env(&lines->hub.env.mem);
    arc_err err = ARC_ERR_INIT;
    config.env = &env;
    config.peer = pipe->conn.peer_text;
    config.on_work = on_work;
    config.owner = cable;
    (void)lines->hub.env.random(lines->hub.env.user, &config.seed, sizeof(config.seed));
    if (arc__grpc_conn_new(&config, &lines->hub.pool, now_of(lines), &cable->wire, &err) !=
            ARC_OK ||
        arc__conn_identify(&pipe->conn, cable->wire, &err) != ARC_OK) {
        arc__pipe_fail(pipe, &err);
        return;
    }
    arc__grpc_conn_set_keeper(cable->wire, lines->keeper);
    arc_grpc_conn_connected(cable->wire, now_of(lines));
    pipe->wire = cable->wire;
}

/* Its connection is lost, or sends us away. settled: it was worth connecting. */
static void lost(struct arc_grpc_line *line, int settled, const arc_err *err)
{
    if (settled) {
        line->backoff_ns = line->lines->backoff_min_ns;
        set_state(line, ARC_GRPC_CHANNEL_IDLE, err);
    } else {
        fail(line, err);
    }
}

static void on_over(void *user, struct arc_grpc_pipe *pipe, const arc_err *err)
{
    struct arc_grpc_lines *lines = user;
    struct arc_grpc_cable *cable = ARC_CONTAINER(pipe, struct arc_grpc_cable, pipe);
    struct arc_grpc_line *line = cable->line;
    /* A GOAWAY with nothing left to do ends a connection at once; it has served nevertheless. */
    int served = cable->used && err->status == ARC_EDONE && arc_grpc_conn_is_draining(cable->wire);
    int settled = served || now_of(lines) - cable->ready_at >= SETTLED_NS;
    arc_err why = *err;
    cable_free(cable);
    if (line == NULL || line->cable != NULL)
        return;
    if (line->state == ARC_GRPC_CHANNEL_CONNECTING)
        attempt(line, &why);
    else if (line->state == ARC_GRPC_CHANNEL_READY)
        lost(line, settled, &why);
}

void arc__line_tick(struct arc_grpc_line *line)
{
    struct arc_grpc_cable *cable = line->cable;
    arc_err err = ARC_ERR_INIT;
    if (cable == NULL || cable->wire == NULL || !cable->pipe.open || cable->pipe.over)
        return;
    int connecting = line->state == ARC_GRPC_CHANNEL_CONNECTING;
    if (!arc_grpc_conn_is_draining(cable->wire)) {
        if (connecting && arc_grpc_conn_is_ready(cable->wire)) {
            cable->ready_at = now_of(line->lines);
            set_state(line, ARC_GRPC_CHANNEL_READY, NULL);
        }
        return;
    }
    /* It was told to go. A server that does so before it took a call must be left a pause. */
    int used = cable->used;
    (void)arc__fail(&err, ARC_EUNAVAILABLE, cable->pipe.conn.peer_text,
                    "The server takes no more calls.");
    cable_leave(cable);
    if (connecting)
        attempt(line, &err);
    else
        lost(line, used, used ? NULL : &err);
}

struct arc_grpc_conn *arc__line_conn(const struct arc_grpc_line *line)
{
    const struct arc_grpc_cable *cable = line->cable;
    if (line->state != ARC_GRPC_CHANNEL_READY || cable == NULL || cable->pipe.over ||
        arc_grpc_conn_is_draining(cable->wire))
        return NULL;
    return cable->wire;
}

void arc__line_use(struct arc_grpc_line *line)
{
    if (line->cable != NULL)
        line->cable->used = 1;
}

/* --- life ------------------------------------------------------------------------------------ */

struct arc_grpc_line *arc__line_new(struct arc_grpc_lines *lines,
                                    const struct arc_grpc_place *places, size_t count)
{
    const struct arc_mem *mem = &lines->hub.env.mem;
    struct arc_grpc_line *line = arc__alloc(mem, sizeof(*line));
    struct arc_grpc_place *copy = arc__alloc_array(mem, count, sizeof(*copy));
    if (line == NULL || copy == NULL) {
        arc__free(mem, line);
        arc__free(mem, copy);
        return NULL;
    }
    memcpy(copy, places, count * sizeof(*copy));
    line->lines = lines;
    line->places = copy;
    line->place_count = count;
    line->state = ARC_GRPC_CHANNEL_IDLE;
    line->backoff_ns = lines->backoff_min_ns;
    return line;
}

void arc__line_free(struct arc_grpc_line *line)
{
    if (line->cable != NULL)
        cable_leave(line->cable);
    line->state = 0; /* whatever is going on with it comes to nothing */
    arc__list_add_tail(&line->lines->gone, &line->gone);
}

int arc__line_same_place(const struct arc_grpc_place *a, const struct arc_grpc_place *b)
{
    return arc__addr_same_host(&a->addr, &b->addr) &&
           arc__addr_port(&a->addr) == arc__addr_port(&b->addr) && strcmp(a->host, b->host) == 0;
}

void arc__line_set_places(struct arc_grpc_line *line, struct arc_grpc_place *places, size_t count)
{
    struct arc_grpc_place *old = line->places;
    size_t stays = count;
    if (line->cable != NULL) {
        for (stays = 0; stays < count; stays++) {
            if (arc__line_same_place(&places[stays], &old[line->cable->place]))
                break;
        }
    }
    line->places = places;
    line->place_count = count;
    line->next_place = 0;
    line->backoff_ns = line->lines->backoff_min_ns;
    arc__free(&line->lines->hub.env.mem, old);
    if (stays < count) {
        line->cable->place = stays;
        return; /* what else there is comes after a loss, or when this attempt fails */
    }
    if (line->cable != NULL)
        cable_leave(line->cable);
    set_state(line, ARC_GRPC_CHANNEL_IDLE, NULL);
}

void arc__lines_init(struct arc_grpc_lines *lines)
{
    lines->hub.user = lines;
    lines->hub.on_open = on_open;
    lines->hub.on_over = on_over;
    arc__list_init(&lines->cables);
    arc__list_init(&lines->gone);
}

void arc__lines_sweep(struct arc_grpc_lines *lines)
{
    while (!arc__list_empty(&lines->gone)) {
        struct arc_grpc_line *line = ARC_CONTAINER(lines->gone.next, struct arc_grpc_line, gone);
        arc__list_remove(&line->gone);
        arc__free(&lines->hub.env.mem, line->places);
        arc__free(&lines->hub.env.mem, line);
    }
}

void arc__lines_close(struct arc_grpc_lines *lines)
{
    while (!arc__list_empty(&lines->cables))
        cable_free(ARC_CONTAINER(lines->cables.next, struct arc_grpc_cable, link));
    arc__lines_sweep(lines);
}

size_t arc__lines_calls(const struct arc_grpc_lines *lines)
{
    size_t count = 0;
    ARC_LIST_EACH(&lines->cables, link)
    {
        const struct arc_grpc_cable *cable = ARC_CONTAINER(link, struct arc_grpc_cable, link);
        count += cable->wire != NULL ? arc_grpc_conn_get_calls(cable->wire) : 0;
    }
    return count;
}
