/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "store/check.h"
#include "store/pg_private.h"

#define SQL_BYTES_MAX 65536u
#define BACKOFF_TIMES 32u     /* retry_ms, unless retry_max_ms says otherwise */
#define BACKOFF_DOUBLINGS 31u /* then the limit has long been reached */
#define STALL_SLACK_MS 1000u  /* beyond the server's own deadline */
#define FLUSH_REQUEST_EVERY 32u

static struct arc_pg_store *self_of(struct arc_store *store)
{
    return ARC_CONTAINER(store, struct arc_pg_store, base);
}

uint64_t arc__pg_now(const struct arc_pg_store *self)
{
    return self->options.now_ns(self->options.now_user);
}

static uint64_t after(uint64_t now, uint32_t ms)
{
    return now + (uint64_t)ms * 1000000;
}

static struct arc_pg_call *first_of(const struct arc_link *list)
{
    return ARC_CONTAINER(list->next, struct arc_pg_call, link);
}

/* --- errors ---------------------------------------------------------------------------------- */

/* By SQLSTATE, the first that fits; a shorter one is a class. again: the statement was refused for
 * what else went on, and may go well the next time. */
static const struct {
    const char *state;
    arc_status status;
    int again;
} failures[] = {
    {"40", ARC_EUNAVAILABLE, 1},    /* deadlock, serialization */
    {"53100", ARC_ELIMIT, 0},       /* disk full */
    {"53", ARC_EUNAVAILABLE, 0},    /* memory, connections */
    {"54", ARC_ELIMIT, 0},          /* a limit of the server's */
    {"55P03", ARC_EUNAVAILABLE, 0}, /* a lock */
    {"57", ARC_EUNAVAILABLE, 0},    /* a deadline, a shutdown */
    {"08", ARC_EUNAVAILABLE, 0},    /* the connection */
    {"28", ARC_EUNAVAILABLE, 0},    /* who we are */
    {"3D", ARC_EUNAVAILABLE, 0},    /* no such database */
    {"25", ARC_EUNAVAILABLE, 1},    /* read-only, or a transaction is lost */
    {"26", ARC_EUNAVAILABLE, 1},    /* a prepared statement is not there */
    {"42501", ARC_EUNAVAILABLE, 0}, /* not allowed */
    {"58", ARC_EIO, 0},             /* the server's files */
    {"XX001", ARC_EIO, 0},          /* damaged data */
    {"XX002", ARC_EIO, 0},          /* a damaged index */
    {"", ARC_EINTERNAL, 0},
};

/* 1: what failed has to do with this connection, and another one may be better. */
static int asks_for_another(const char *state)
{
    return strncmp(state, "25", 2) == 0 || strncmp(state, "26", 2) == 0 ||
           strncmp(state, "08", 2) == 0;
}

arc_status arc__pg_fail(const struct arc_pg_store *self, const struct arc_pg_result *result,
                        int *again, arc_err *err)
{
    char text[512];
    size_t i = 0;
    arc__pg_result_message(result, &self->url, text, sizeof(text));
    if (result->state[0] == '\0') /* libpq's own */
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "PostgreSQL: %s.", text);
    while (strncmp(result->state, failures[i].state, strlen(failures[i].state)) != 0)
        i++;
    if (again != NULL)
        *again = failures[i].again;
    return arc__fail(err, failures[i].status, "store", "PostgreSQL: %s (%s).", text, result->state);
}

arc_status arc__pg_fail_session(arc_err *err)
{
    return arc__fail(
        err, ARC_EIO, "store", "%s",
        "The session's row is gone: another control plane has taken the database over.");
}

static arc_status fail_poisoned(const struct arc_pg_store *self, arc_err *err)
{
    return arc__fail(err, ARC_EIO, "store", "The store takes no more writes after a failure: %s",
                     self->poison.message);
}

/* --- what was sent --------------------------------------------------------------------------- */

void arc__pg_note(struct arc_pg_link *link, enum arc_pg_sent_kind kind, struct arc_pg_call *call)
{
    link->ring[(link->first + link->count) % ARC_PG_RING] =
        (struct arc_pg_sent){.kind = (uint8_t)kind, .table = UINT8_MAX, .call = call};
    link->count++;
}

struct arc_pg_sent *arc__pg_last_note(struct arc_pg_link *link)
{
    return &link->ring[(link->first + link->count - 1) % ARC_PG_RING];
}

int arc__pg_room(const struct arc_pg_link *link)
{
    if (!link->wire.pipeline)
        return link->count == 0;
    return !link->wire.unflushed && link->count + 4 <= ARC_PG_RING;
}

int arc__pg_paced(struct arc_pg_link *link, size_t bytes)
{
    link->unlooked += bytes;
    if (++link->unasked >= FLUSH_REQUEST_EVERY) {
        link->unasked = 0;
        if (!arc__pg_send_flush_request(&link->wire))
            return 0;
    }
    if (link->unlooked < ARC_PG_UNFLUSHED)
        return 1;
    link->unlooked = 0;
    return arc__pg_wire_flush(&link->wire);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void end_call(struct arc_pg_store *self, struct arc_pg_call *call, arc_status status,
                     const arc_err *err)
{
    struct arc_rows rows = call->rows;
    arc__list_remove(&call->link);
    self->call_count--;
    if (self->poison.status == ARC_OK && status == ARC_EIO)
        self->poison = *err;
    self->depth++;
    if (call->commit_done != NULL)
        call->commit_done(call->user, status, status == ARC_OK ? call->shift : 0, err);
    else
        call->query_done(call->user, status, status == ARC_OK ? &rows : NULL, err);
    self->depth--;
    arc__pg_plan_drop(&self->mem, &call->plan);
    arc__free(&self->mem, call);
}

/* Answers that still come for the call are nobody's. */
static void disown(struct arc_pg_link *link, const struct arc_pg_call *call)
{
    for (uint32_t i = 0; i < link->count; i++) {
        struct arc_pg_sent *sent = &link->ring[(link->first + i) % ARC_PG_RING];
        if (sent->call == call)
            sent->call = NULL;
    }
}

void arc__pg_end_commit(struct arc_pg_store *self, struct arc_pg_call *call, arc_status status,
                        const arc_err *err)
{
    disown(&self->writer, call);
    end_call(self, call, status, err);
}

void arc__pg_end_query(struct arc_pg_store *self, struct arc_pg_call *call, arc_status status,
                       const arc_err *err)
{
    disown(&self->reader, call);
    end_call(self, call, status, err);
}

/* Ends every call that waits, oldest first; not those that come meanwhile. */
static void end_all(struct arc_pg_store *self, struct arc_link *list, arc_status status,
                    const arc_err *why)
{
    struct arc_link waiting;
    arc__list_init(&waiting);
    while (!arc__list_empty(list)) {
        struct arc_link *link = list->next;
        arc__list_remove(link);
        arc__list_add_tail(&waiting, link);
    }
    while (!arc__list_empty(&waiting)) {
        struct arc_pg_call *call = first_of(&waiting);
        arc_err unknown = ARC_ERR_INIT;
        if (call->may_be_done)
            (void)arc__fail(&unknown, status, "store",
                            "It is not known whether the batch was stored: %s", why->message);
        end_call(self, call, status, call->may_be_done ? &unknown : why);
    }
}

/* --- connections ----------------------------------------------------------------------------- */

static void close_link(struct arc_pg_store *self, struct arc_pg_link *link)
{
    arc__pg_wire_close(&link->wire);
    arc__pg_selects_drop(self, link);
    link->phase = ARC_PG_DOWN;
    link->first = link->count = link->unasked = 0;
    link->unlooked = 0;
    link->is_spoiled = link->stamp_is_prepared = 0;
    memset(link->changes, 0, sizeof(link->changes));
}

/* What was under way counts as a try of each call; one that has failed as often as it may ends. */
static void take_back(struct arc_pg_store *self, struct arc_link *list, const arc_err *why)
{
    ARC_LIST_EACH_SAFE(list, link)
    {
        struct arc_pg_call *call = ARC_CONTAINER(link, struct arc_pg_call, link);
        if (!call->is_sent)
            continue;
        call->is_sent = 0;
        call->stage = 0;
        call->group = 0;
        call->log_is_sent = 0;
        call->again = 0;
        call->status = ARC_OK;
        if (++call->tries < ARC_PG_TRIES_MAX || call->may_be_done)
            continue;
        arc_err err = *why;
        end_call(self, call, ARC_EUNAVAILABLE, &err);
    }
}

/* Some part of the time, any with the same chance. */
static uint64_t part_of(const struct arc_pg_store *self, uint64_t whole_ns)
{
    uint64_t number = 0;
    if (self->options.random == NULL ||
        self->options.random(self->options.random_user, &number, sizeof(number)) != 0)
        return whole_ns;
    return number % (whole_ns + 1);
}

/* The next attempt; the first one after a connection that was good is at once. */
static void back_off(struct arc_pg_store *self, struct arc_pg_link *link, arc_status status)
{
    uint32_t doublings = link->attempts < BACKOFF_DOUBLINGS ? link->attempts : BACKOFF_DOUBLINGS;
    uint64_t wait_ms = (uint64_t)self->options.retry_ms << doublings;
    if (wait_ms > self->options.retry_max_ms)
        wait_ms = self->options.retry_max_ms;
    uint64_t wait_ns = part_of(self, wait_ms * 1000000);
    link->retry_at_ns = status == ARC_ENOMEM ? 0 : arc__pg_now(self) + wait_ns;
    link->attempts++;
}

void arc__pg_lost(struct arc_pg_store *self, struct arc_pg_link *link, const arc_err *why)
{
    int was_ready = link->phase == ARC_PG_READY;
    arc_err kept = *why; /* it may lie in a call */
    close_link(self, link);
    self->why = kept;
    if (link->is_writer) { /* what the other one reads may be of another server soon */
        close_link(self, &self->reader);
        self->reader.retry_at_ns = 0;
    }
    if (was_ready)
        link->retry_at_ns = 0;
    else
        back_off(self, link, kept.status);
    if (link->is_writer)
        take_back(self, &self->commits, &kept);
    take_back(self, &self->queries, &kept);
    int is_final = kept.status == ARC_ENOMEM || kept.status == ARC_EPRECONDITION ||
                   kept.status == ARC_ENOTFOUND || kept.status == ARC_EIO ||
                   kept.status == ARC_EINTERNAL;
    if (was_ready || (self->was_ready && !is_final))
        return;
    if (link->is_writer)
        end_all(self, &self->commits, kept.status, &kept);
    end_all(self, &self->queries, kept.status, &kept);
}

static void start(struct arc_pg_store *self, struct arc_pg_link *link)
{
    arc_err err = ARC_ERR_INIT;
    link->heard_ns = arc__pg_now(self);
    link->phase = ARC_PG_STARTING;
    if (arc__pg_wire_start(&link->wire, &self->url, &err) != ARC_OK)
        arc__pg_lost(self, link, &err);
}

/* Connections that are wanted and not there. */
static void start_due(struct arc_pg_store *self)
{
    uint64_t now = arc__pg_now(self);
    if (self->writer.phase == ARC_PG_DOWN && self->writer.retry_at_ns <= now)
        start(self, &self->writer);
    if (self->writer.phase == ARC_PG_READY && self->reader.phase == ARC_PG_DOWN &&
        self->reader.retry_at_ns <= now)
        start(self, &self->reader);
}

static void became_ready(struct arc_pg_store *self, struct arc_pg_link *link)
{
    link->attempts = 0;
    if (link->is_writer) {
        if (self->options.shared && self->was_ready) /* nobody listened */
            self->heard.tables = ARC_STORE_ANY;
        arc__pg_commit_resolve(self);
    }
    self->was_ready = 1;
}

static void tell_changed(struct arc_pg_store *self)
{
    if (self->writer.phase == ARC_PG_READY)
        arc__pg_wire_hear(&self->writer.wire, &self->heard);
    if (self->heard.tables == 0 || self->changed == NULL)
        return;
    const struct arc_pg_heard heard = self->heard;
    self->heard = (struct arc_pg_heard){0, 0};
    self->depth++;
    self->changed(self->changed_user, heard.tables, heard.last);
    self->depth--;
}

/* 1: the ring's first is a sync that no server answers, because there is no pipeline. */
static int is_own_sync(const struct arc_pg_link *link)
{
    return link->ring[link->first].kind == ARC_PG_SENT_SYNC && !link->wire.pipeline;
}

/* One answer of the ring's first; 0: the ring is empty or nothing has come. */
static int take_answer(struct arc_pg_store *self, struct arc_pg_link *link)
{
    struct arc_pg_result result = {.kind = ARC_PG_SYNCED};
    struct arc_pg_sent sent = link->ring[link->first];
    if (link->count == 0 || (!is_own_sync(link) && !arc__pg_wire_next(&link->wire, &result)))
        return 0;
    link->is_spoiled |= result.kind == ARC_PG_FAILED && asks_for_another(result.state);
    if (result.kind == ARC_PG_END || result.kind == ARC_PG_SYNCED) {
        link->first = (link->first + 1) % ARC_PG_RING;
        link->count--;
    } else if (!link->is_writer) {
        arc__pg_query_answer(self, link, &sent, &result);
    } else if (sent.call != NULL) {
        arc__pg_commit_answer(self, link, &sent, &result);
    }
    arc__pg_result_free(&result);
    if (result.kind == ARC_PG_SYNCED && sent.call != NULL) {
        if (link->is_writer)
            arc__pg_commit_over(self, link, sent.call);
        else
            arc__pg_query_over(self, sent.call);
    }
    return 1;
}

static void lost_wire(struct arc_pg_store *self, struct arc_pg_link *link)
{
    char text[256];
    arc_err err = ARC_ERR_INIT;
    arc__pg_wire_message(&link->wire, &self->url, text, sizeof(text));
    (void)arc__fail(&err, ARC_EUNAVAILABLE, "store", "PostgreSQL: %s.",
                    text[0] != '\0' ? text : "The connection is gone");
    arc__pg_lost(self, link, &err);
}

static void take_answers(struct arc_pg_store *self, struct arc_pg_link *link)
{
    while (link->phase == ARC_PG_READY && !arc__pg_wire_is_bad(&link->wire) &&
           take_answer(self, link))
        continue;
    if (link->phase == ARC_PG_READY && (link->is_spoiled || arc__pg_wire_is_bad(&link->wire)))
        lost_wire(self, link);
}

/* The socket of a link has something to say. */
static void turn_link(struct arc_pg_store *self, struct arc_pg_link *link)
{
    arc_err err = ARC_ERR_INIT;
    if (link->phase == ARC_PG_DOWN)
        return; /* closed since */
    link->heard_ns = arc__pg_now(self);
    arc_status status = arc__pg_wire_turn(&link->wire, &self->url, &err);
    if (link->phase == ARC_PG_READY) /* also what came before the end */
        take_answers(self, link);
    if (link->phase == ARC_PG_STARTING && status == ARC_OK && link->wire.state == ARC_PG_OPEN) {
        link->phase = ARC_PG_SETUP;
        status = arc__pg_setup_begin(self, link, &err);
    } else if (link->phase == ARC_PG_SETUP && status == ARC_OK) {
        status = arc__pg_setup_go_on(self, link, &err);
        if (status == ARC_OK && link->phase == ARC_PG_READY)
            became_ready(self, link);
    }
    if (status != ARC_OK && link->phase != ARC_PG_DOWN)
        arc__pg_lost(self, link, &err);
}

/* --- sending --------------------------------------------------------------------------------- */

/* Before, nothing was to be heard. */
static void begin_sending(struct arc_pg_store *self, struct arc_pg_link *link)
{
    if (link->count == 0)
        link->heard_ns = arc__pg_now(self);
}

static int pump_writer(struct arc_pg_store *self)
{
    struct arc_pg_link *link = &self->writer;
    if (link->phase != ARC_PG_READY || link->is_spoiled || arc__list_empty(&self->commits))
        return 1;
    begin_sending(self, link);
    do { /* what the socket did not take at first it may take now, and then nothing wakes us */
        if (!arc__pg_commit_send(self, link, first_of(&self->commits)) ||
            !arc__pg_wire_flush(&link->wire))
            return 0;
    } while (!arc__pg_commit_is_sent(first_of(&self->commits)) && arc__pg_room(link));
    return 1;
}

/* Sends what there is room for. *more: calls are left. */
static int send_queries(struct arc_pg_store *self, struct arc_pg_link *link, int *more)
{
    *more = 0;
    ARC_LIST_EACH(&self->queries, at)
    {
        struct arc_pg_call *call = ARC_CONTAINER(at, struct arc_pg_call, link);
        if (arc__pg_query_is_sent(call))
            continue;
        if (!arc__pg_query_send(self, link, call))
            return 0;
        *more = !arc__pg_query_is_sent(call);
        if (*more)
            break; /* no room */
    }
    return arc__pg_wire_flush(&link->wire);
}

static int pump_reader(struct arc_pg_store *self)
{
    struct arc_pg_link *link = &self->reader;
    int more = 1;
    if (link->phase != ARC_PG_READY || link->is_spoiled)
        return 1;
    begin_sending(self, link);
    while (more) { /* as above */
        if (!send_queries(self, link, &more))
            return 0;
        more = more && arc__pg_room(link);
    }
    return 1;
}

/* A connection that fails here is looked at in dispatch. */
static void pump(struct arc_pg_store *self)
{
    self->writer.is_spoiled |= !pump_writer(self);
    self->reader.is_spoiled |= !pump_reader(self);
}

/* --- deadlines ------------------------------------------------------------------------------- */

/* When a link that waits for the server gives up; UINT64_MAX: it does not wait. */
static uint64_t link_deadline(const struct arc_pg_store *self, const struct arc_pg_link *link)
{
    const struct arc_store_pg_options *options = &self->options;
    switch (link->phase) {
    case ARC_PG_STARTING:
        return after(link->heard_ns, options->connect_ms);
    case ARC_PG_SETUP:
        return after(link->heard_ns, options->statement_ms + STALL_SLACK_MS);
    case ARC_PG_READY:
        if (link->is_spoiled || (link->count > 0 && is_own_sync(link)))
            return 0;
        return link->count > 0 ? after(link->heard_ns, options->statement_ms + STALL_SLACK_MS)
                               : UINT64_MAX;
    default:
        break;
    }
    int is_wanted = link->is_writer || self->writer.phase == ARC_PG_READY;
    return is_wanted ? link->retry_at_ns : UINT64_MAX;
}

static uint64_t call_deadline(const struct arc_link *list)
{
    return arc__list_empty(list) ? UINT64_MAX : first_of(list)->deadline_ns;
}

static void give_up_link(struct arc_pg_store *self, struct arc_pg_link *link, uint64_t now)
{
    arc_err err = ARC_ERR_INIT;
    if (link->phase == ARC_PG_DOWN || link_deadline(self, link) > now)
        return;
    (void)arc__fail(&err, ARC_EUNAVAILABLE, "store", "%s",
                    "PostgreSQL: The server does not answer.");
    arc__pg_lost(self, link, &err);
}

/* The oldest call has waited long enough. One that is under way takes its connection with it, since
 * a statement cannot be called back without waiting for the server. */
static void give_up_calls(struct arc_pg_store *self, struct arc_link *list,
                          struct arc_pg_link *link, uint64_t now)
{
    while (call_deadline(list) <= now) {
        struct arc_pg_call *call = first_of(list);
        arc_err err = ARC_ERR_INIT;
        const char *why = self->why.status != ARC_OK && link->phase != ARC_PG_READY
                              ? self->why.message
                              : "The call took too long.";
        int is_sent = call->is_sent;
        (void)arc__fail(&err, ARC_EUNAVAILABLE, "store", "%s%s",
                        call->may_be_done ? "It is not known whether the batch was stored: " : "",
                        why);
        end_call(self, call, ARC_EUNAVAILABLE, &err);
        if (is_sent && link->phase == ARC_PG_READY)
            arc__pg_lost(self, link, &err);
    }
}

static void give_up(struct arc_pg_store *self)
{
    uint64_t now = arc__pg_now(self);
    give_up_link(self, &self->writer, now);
    give_up_link(self, &self->reader, now);
    give_up_calls(self, &self->commits, &self->writer, now);
    give_up_calls(self, &self->queries, &self->reader, now);
}

/* --- the port -------------------------------------------------------------------------------- */

static arc_status begin_call(struct arc_pg_store *self, arc_err *err)
{
    if (self->closing)
        return arc__fail(err, ARC_ECANCELLED, "store", "%s", "The store is closed.");
    if (self->call_count >= self->options.calls_max)
        return arc__fail(err, ARC_ELIMIT, "store", "At most %u calls may wait for the database.",
                         self->options.calls_max);
    return ARC_OK;
}

static void add_call(struct arc_pg_store *self, struct arc_link *list, struct arc_pg_call *call)
{
    call->err = (arc_err)ARC_ERR_INIT;
    call->deadline_ns = after(arc__pg_now(self), self->options.call_ms);
    arc__list_add_tail(list, &call->link);
    self->call_count++;
    if (!self->dispatching)
        pump(self);
}

static arc_status pg_commit(struct arc_store *store, const struct arc_store_batch *batch,
                            arc_commit_done done, void *user, arc_err *err)
{
    struct arc_pg_store *self = self_of(store);
    arc_err failure = ARC_ERR_INIT;
    ARC_TRY(arc__store_check_batch(batch, err));
    ARC_TRY(begin_call(self, err));
    if (batch->count == 0 || self->poison.status != ARC_OK) {
        arc_status status = self->poison.status != ARC_OK ? fail_poisoned(self, &failure) : ARC_OK;
        self->depth++;
        done(user, status, 0, status == ARC_OK ? NULL : &failure);
        self->depth--;
        return ARC_OK;
    }
    struct arc_pg_call *call = arc__alloc(&self->mem, sizeof(*call));
    if (call == NULL)
        return arc__fail_nomem(err);
    /* Alone, nobody's events can have come in between. */
    int follow = batch->follow && self->options.shared;
    arc_status status = arc__pg_plan_make(&self->mem, batch, follow, &call->plan, err);
    if (status != ARC_OK) {
        arc__free(&self->mem, call);
        return status;
    }
    if (!self->options.shared) /* who shares it later finds the end of the log anew */
        call->plan.log_last = 0;
    call->commit_done = done;
    call->user = user;
    add_call(self, &self->commits, call);
    return ARC_OK;
}

static arc_status pg_query(struct arc_store *store, const struct arc_query *query,
                           struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct arc_pg_store *self = self_of(store);
    ARC_TRY(arc__store_check_query(query, err));
    ARC_TRY(begin_call(self, err));
    struct arc_pg_call *call = arc__pg_query_new(&self->mem, query);
    if (call == NULL)
        return arc__fail_nomem(err);
    call->arena = arena;
    call->query_done = done;
    call->user = user;
    add_call(self, &self->queries, call);
    return ARC_OK;
}

static arc_status pg_claim(struct arc_store *store, const struct arc_claim *claim,
                           struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct arc_pg_store *self = self_of(store);
    arc_err failure = ARC_ERR_INIT;
    ARC_TRY(arc__store_check_claim(claim, err));
    ARC_TRY(begin_call(self, err));
    if (self->poison.status != ARC_OK) {
        arc_status status = fail_poisoned(self, &failure);
        self->depth++;
        done(user, status, NULL, &failure);
        self->depth--;
        return ARC_OK;
    }
    struct arc_pg_call *call = arc__pg_claim_new(&self->mem, claim);
    if (call == NULL)
        return arc__fail_nomem(err);
    call->arena = arena;
    call->query_done = done;
    call->user = user;
    add_call(self, &self->commits, call);
    return ARC_OK;
}

static int pg_fd(struct arc_store *store)
{
    return self_of(store)->epoll_fd;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int pg_timeout_ms(struct arc_store *store)
{
    struct arc_pg_store *self = self_of(store);
    uint64_t now = arc__pg_now(self);
    uint64_t at = earlier(link_deadline(self, &self->writer), link_deadline(self, &self->reader));
    at = earlier(at, earlier(call_deadline(&self->commits), call_deadline(&self->queries)));
    if (at == UINT64_MAX)
        return -1;
    if (at <= now)
        return 0;
    uint64_t ms = (at - now + 999999) / 1000000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static arc_status pg_dispatch(struct arc_store *store, arc_err *err)
{
    struct arc_pg_store *self = self_of(store);
    struct epoll_event events[2];
    if (self->depth > 0)
        return arc__fail(err, ARC_EINVAL, "store", "%s",
                         "The store may not be dispatched from inside one of its callbacks.");
    self->dispatching = 1;
    start_due(self);
    int count = epoll_wait(self->epoll_fd, events, 2, 0);
    for (int i = 0; i < count; i++)
        turn_link(self,
                  events[i].data.u32 == self->writer.wire.tag ? &self->writer : &self->reader);
    take_answers(self, &self->writer); /* also of a connection that has failed since */
    take_answers(self, &self->reader);
    give_up(self);
    start_due(self);
    tell_changed(self);
    pump(self);
    self->dispatching = 0;
    return ARC_OK;
}

static arc_status pg_health(struct arc_store *store, arc_err *err)
{
    struct arc_pg_store *self = self_of(store);
    if (self->poison.status != ARC_OK)
        return fail_poisoned(self, err);
    if (self->writer.phase == ARC_PG_READY && self->reader.phase == ARC_PG_READY)
        return ARC_OK;
    if (self->why.status != ARC_OK)
        return arc__fail(err, self->why.status, "store", "%s", self->why.message);
    return arc__fail(err, ARC_EUNAVAILABLE, "store", "%s", "The database is being connected to.");
}

static void pg_close(struct arc_store *store)
{
    if (store == NULL)
        return;
    struct arc_pg_store *self = self_of(store);
    arc_err err = ARC_ERR_INIT;
    self->closing = 1;
    close_link(self, &self->reader);
    close_link(self, &self->writer);
    (void)arc__fail(&err, ARC_ECANCELLED, "store", "%s", "The store is closed.");
    end_all(self, &self->commits, ARC_ECANCELLED, &err);
    end_all(self, &self->queries, ARC_ECANCELLED, &err);
    if (self->epoll_fd >= 0)
        (void)close(self->epoll_fd);
    arc__buf_deinit(&self->sql);
    arc__buf_deinit(&self->params.bytes);
    struct arc_mem mem = self->mem;
    arc__pg_url_drop(&mem, &self->url);
    arc__free(&mem, self);
}

static void pg_watch(struct arc_store *store, arc_store_changed changed, void *user)
{
    struct arc_pg_store *self = self_of(store);
    self->changed = changed;
    self->changed_user = user;
    self->heard = (struct arc_pg_heard){0, 0}; /* who begins to watch reads afterwards */
}

#define PG_OPS(watched) \
    { \
        .size = sizeof(struct arc_store_ops), .commit = pg_commit, .query = pg_query, .fd = pg_fd, \
        .timeout_ms = pg_timeout_ms, .dispatch = pg_dispatch, .health = pg_health, \
        .close = pg_close, .watch = watched, .claim = pg_claim \
    }

static const struct arc_store_ops pg_ops = PG_OPS(NULL);
static const struct arc_store_ops pg_shared_ops = PG_OPS(pg_watch);

/* --- opening --------------------------------------------------------------------------------- */

static void or_default(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static void set_options(struct arc_store_pg_options *options,
                        const struct arc_store_pg_options *given)
{
    *options = (struct arc_store_pg_options)ARC_STORE_PG_OPTIONS_INIT;
    memcpy(options, given, given->size < sizeof(*options) ? given->size : sizeof(*options));
    or_default(&options->connect_ms, 5000);
    or_default(&options->statement_ms, 10000);
    or_default(&options->lock_ms, 5000);
    or_default(&options->call_ms, 30000);
    or_default(&options->tcp_user_ms, 15000);
    or_default(&options->retry_ms, 100);
    or_default(&options->calls_max, 100000);
    or_default(&options->retry_max_ms, options->retry_ms < UINT32_MAX / BACKOFF_TIMES
                                           ? options->retry_ms * BACKOFF_TIMES
                                           : UINT32_MAX);
}

static void init_link(struct arc_pg_store *self, struct arc_pg_link *link, uint32_t tag)
{
    link->is_writer = tag == 0;
    link->wire = (struct arc_pg_wire){.epoll_fd = self->epoll_fd, .fd = -1, .tag = tag};
}

arc_status arc__store_pg_open(const struct arc_mem *mem, const char *url,
                              const struct arc_store_pg_options *options, struct arc_store **out,
                              arc_err *err)
{
    ARC_REQUIRE(url != NULL, err, "store_url");
    ARC_REQUIRE(options != NULL && options->now_ns != NULL, err, "options");
    struct arc_pg_store *self = arc__alloc(mem, sizeof(*self));
    if (self == NULL)
        return arc__fail_nomem(err);
    self->mem = *mem;
    set_options(&self->options, options);
    self->base.ops = self->options.shared ? &pg_shared_ops : &pg_ops;
    self->why = self->poison = (arc_err)ARC_ERR_INIT;
    arc__list_init(&self->commits);
    arc__list_init(&self->queries);
    arc__buf_init(&self->sql, mem, SQL_BYTES_MAX);
    arc__buf_init(&self->params.bytes, mem, ARC_PG_ROW_BYTES_MAX);
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    init_link(self, &self->writer, 0);
    init_link(self, &self->reader, 1);
    const struct arc_pg_url_options url_options = {options->hostaddr, self->options.tcp_user_ms};
    arc_status status = ARC_OK;
    if (self->epoll_fd < 0)
        status = arc__fail(err, ARC_EIO, "store", "No descriptor to wait on: errno %d.", errno);
    if (status == ARC_OK)
        status = arc__pg_url_read(mem, url, &url_options, &self->url, err);
    if (status != ARC_OK) {
        pg_close(&self->base);
        return status;
    }
    *out = &self->base;
    return ARC_OK;
}
