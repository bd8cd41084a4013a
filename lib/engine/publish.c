/* SPDX-License-Identifier: Apache-2.0 */
/* Telling the world, after the commit: a ring of the last events for watches that keep up, the
 * store for those that do not. A slow watch is a cursor that lies far behind; it holds nothing up.
 */
#include "engine/engine_private.h"
#include "engine/event_json.h"

#define WATCH_FETCH 128u
#define WATCH_BYTES_MAX (64u * 1024u * 1024u)

/* --- the ring ------------------------------------------------------------------------ */

/* Records are copied in batches of a turn, each with its texts in one piece; a batch goes when the
 * last of its records does. */
#define BATCH_MAX 32u

struct batch {
    size_t left; /* records that are still there */
};

struct shown {
    struct batch *batch;
    struct arc_event event;
};

#define ALIGNED(size) (((size) + _Alignof(struct shown) - 1) & ~(_Alignof(struct shown) - 1))

/* A record, and its texts with a NUL behind each. */
static size_t shown_size(const struct arc_event *event)
{
    size_t size = sizeof(struct shown) + event->run_id.len + 1;
#define ADD_SIZE(key, field) size += event->field.len + 1;
    ARC_EVENT_TEXTS(ADD_SIZE)
    ARC_EVENT_OBJECTS(ADD_SIZE)
    return ALIGNED(size);
}

static char *own_text(char *at, arc_slice *text)
{
    if (text->len > 0)
        memcpy(at, text->ptr, text->len);
    text->ptr = at;
    at += text->len;
    *at = '\0';
    return at + 1;
}

/* What only the fold reads (the plan, new ids) stays behind. */
static struct arc_event *show(struct shown *shown, struct batch *batch,
                              const struct arc_event *event)
{
    struct arc_event *copy = &shown->event;
    shown->batch = batch;
    *copy = *event;
    copy->birth = NULL;
    copy->step_ids = NULL;
    copy->step_id_count = 0;
    char *at = own_text((char *)(shown + 1), &copy->run_id);
#define OWN_TEXT(key, field) at = own_text(at, &copy->field);
    ARC_EVENT_TEXTS(OWN_TEXT)
    ARC_EVENT_OBJECTS(OWN_TEXT)
    return copy;
}

static void forget(struct arc_engine *engine, struct arc_event *event)
{
    if (event == NULL)
        return;
    struct batch *batch = ARC_CONTAINER(event, struct shown, event)->batch;
    if (--batch->left == 0)
        arc__free(&engine->mem, batch);
}

/* Replaces the records by copies. 0: nothing was. */
static int show_batch(struct arc_engine *engine, struct arc_event **events, size_t count)
{
    size_t size = ALIGNED(sizeof(struct batch));
    for (size_t i = 0; i < count; i++)
        size += shown_size(events[i]);
    struct batch *batch = arc__realloc(&engine->mem, NULL, size);
    if (batch == NULL)
        return 0;
    batch->left = count;
    char *at = (char *)batch + ALIGNED(sizeof(struct batch));
    for (size_t i = 0; i < count; i++) {
        size = shown_size(events[i]);
        events[i] = show((struct shown *)(void *)at, batch, events[i]);
        at += size;
    }
    return 1;
}

/* Copies are made before the commit, so that speaking after it cannot fail. */
arc_status arc__publish_prepare(struct arc_engine *engine, arc_err *err)
{
    struct turn *turn = &engine->turn;
    for (size_t i = 0; i < turn->event_count; i += BATCH_MAX) {
        size_t left = turn->event_count - i;
        if (!show_batch(engine, &turn->events[i], left < BATCH_MAX ? left : BATCH_MAX)) {
            while (i-- > 0)
                forget(engine, turn->events[i]);
            turn->event_count = 0;
            return arc__fail_nomem(err);
        }
    }
    turn->prepared = 1;
    return ARC_OK;
}

void arc__publish_drop(struct arc_engine *engine)
{
    struct turn *turn = &engine->turn;
    for (size_t i = 0; turn->prepared && i < turn->event_count; i++)
        forget(engine, turn->events[i]);
    turn->event_count = 0;
    turn->prepared = 0;
}

static int passes(const struct arc_event_watch *watch, const struct arc_event *event)
{
    return (watch->run_id[0] == '\0' || arc__slice_is(event->run_id, watch->run_id)) &&
           (watch->pipeline_id[0] == '\0' ||
            arc__slice_is(event->pipeline_id, watch->pipeline_id)) &&
           (watch->step_run_id[0] == '\0' || arc__slice_is(event->step_run_id, watch->step_run_id));
}

static struct arc_link *shelf_of(struct arc_link *shelves, arc_slice id)
{
    return &shelves[arc__slice_look(id) & (ARC_WATCH_SHELVES - 1)];
}

void arc__event_watch_due(struct arc_event_watch *watch)
{
    if (!arc__list_linked(&watch->due))
        arc__list_add_tail(&watch->engine->event_watches_due, &watch->due);
}

static void mark_list(const struct arc_link *list, const struct arc_event *event)
{
    ARC_LIST_EACH(list, link)
    {
        struct arc_event_watch *watch = ARC_CONTAINER(link, struct arc_event_watch, beside);
        if (passes(watch, event))
            arc__event_watch_due(watch);
    }
}

static void mark_watches(struct arc_engine *engine, const struct arc_event *event)
{
    mark_list(&engine->wide_watches, event);
    if (event->run_id.len > 0)
        mark_list(shelf_of(engine->run_shelves, event->run_id), event);
    if (event->step >= 0 && arc_step_state_is_terminal(event->state))
        arc__log_watch_wake(engine, event->step_run_id);
}

void arc__publish(struct arc_engine *engine)
{
    struct turn *turn = &engine->turn;
    for (size_t i = 0; i < turn->event_count; i++) {
        struct arc_event *event = turn->events[i];
        struct arc_event **slot = &engine->ring[(uint64_t)event->position % ARC_RING_SIZE];
        forget(engine, *slot);
        *slot = event;
        engine->asks_due |= event->type == ARC_EVENT_APPROVAL_REQUESTED;
        if (event->position - engine->ring_first >= (int64_t)ARC_RING_SIZE)
            engine->ring_first = event->position - (int64_t)ARC_RING_SIZE + 1;
        mark_watches(engine, event);
    }
    engine->stats.events += turn->event_count;
    engine->notices_due |= turn->notices;
    turn->event_count = 0;
    turn->prepared = 0;
    engine->published = engine->position;
}

arc_status arc__publish_open(struct arc_engine *engine, arc_err *err)
{
    engine->ring = arc__alloc_array(&engine->mem, ARC_RING_SIZE, sizeof(struct arc_event *));
    engine->run_shelves =
        arc__alloc_array(&engine->mem, 2 * (size_t)ARC_WATCH_SHELVES, sizeof(struct arc_link));
    if (engine->ring == NULL || engine->run_shelves == NULL)
        return arc__fail_nomem(err);
    engine->log_shelves = engine->run_shelves + ARC_WATCH_SHELVES;
    for (size_t i = 0; i < 2 * (size_t)ARC_WATCH_SHELVES; i++)
        arc__list_init(&engine->run_shelves[i]);
    return ARC_OK;
}

void arc__publish_close(struct arc_engine *engine)
{
    arc__publish_drop(engine);
    for (size_t i = 0; engine->ring != NULL && i < ARC_RING_SIZE; i++)
        forget(engine, engine->ring[i]);
    arc__free(&engine->mem, engine->ring);
    arc__free(&engine->mem, engine->run_shelves);
}

static void drop_ring(struct arc_engine *engine)
{
    engine->ring_first = engine->position + 1;
    ARC_LIST_EACH(&engine->event_watches, link)
    {
        arc__event_watch_due(ARC_CONTAINER(link, struct arc_event_watch, link));
    }
}

/* Between what the ring holds and them there are others': the ring begins anew with ours. */
void arc__publish_shift(struct arc_engine *engine, int64_t shift)
{
    struct turn *turn = &engine->turn;
    for (size_t i = 0; i < turn->event_count; i++)
        turn->events[i]->position += shift;
    if (turn->event_count == 0)
        return;
    drop_ring(engine);
    engine->ring_first = turn->events[0]->position;
}

void arc__log_watches_wake(struct arc_engine *engine)
{
    for (size_t i = 0; i < ARC_WATCH_SHELVES; i++) {
        ARC_LIST_EACH(&engine->log_shelves[i], link)
        {
            struct arc_log_watch *watch = ARC_CONTAINER(link, struct arc_log_watch, beside);
            if (!arc__list_linked(&watch->due))
                arc__list_add_tail(&engine->log_watches_due, &watch->due);
        }
    }
}

void arc__publish_elsewhere(struct arc_engine *engine, int64_t position)
{
    engine->position = engine->published = position;
    drop_ring(engine);
}

int64_t arc__engine_position(const struct arc_engine *engine)
{
    return engine->published;
}

/* --- notices ------------------------------------------------------------------------- */

static void take_woken(struct arc_engine *engine)
{
    engine->watches_woken = 0;
    ARC_LIST_EACH(&engine->event_watches, link)
    {
        struct arc_event_watch *watch = ARC_CONTAINER(link, struct arc_event_watch, link);
        if (watch->woken)
            arc__event_watch_due(watch);
        watch->woken = 0;
    }
}

/* Callbacks may open and close watches and sessions, so after each one the list is looked at anew.
 */
static int notify_one_watch(struct arc_engine *engine)
{
    if (engine->watches_woken)
        take_woken(engine);
    if (!arc__list_empty(&engine->event_watches_due)) {
        struct arc_event_watch *watch =
            ARC_CONTAINER(engine->event_watches_due.next, struct arc_event_watch, due);
        arc__list_remove(&watch->due);
        if (watch->notify != NULL)
            watch->notify(watch->user);
        return 1;
    }
    if (!arc__list_empty(&engine->log_watches_due)) {
        struct arc_log_watch *watch =
            ARC_CONTAINER(engine->log_watches_due.next, struct arc_log_watch, due);
        arc__list_remove(&watch->due);
        watch->notify(watch->user);
        return 1;
    }
    return 0;
}

static int notify_one_session(struct arc_engine *engine)
{
    struct arc_link *first = engine->sessions_due.next;
    if (first == &engine->sessions_due)
        return 0;
    struct arc_session *session = ARC_CONTAINER(first, struct arc_session, due);
    arc__list_remove(&session->due);
    session->notify(session->user);
    return 1;
}

void arc__publish_notify(struct arc_engine *engine)
{
    while (!engine->turn.committing && notify_one_session(engine))
        continue;
    while (notify_one_watch(engine))
        continue;
}

int arc__publish_due(const struct arc_engine *engine)
{
    return engine->watches_woken || !arc__list_empty(&engine->sessions_due) ||
           !arc__list_empty(&engine->event_watches_due) ||
           !arc__list_empty(&engine->log_watches_due);
}

/* --- watching logs ------------------------------------------------------------------- */

void arc__log_watch_wake(struct arc_engine *engine, arc_slice step_run_id)
{
    ARC_LIST_EACH(shelf_of(engine->log_shelves, step_run_id), link)
    {
        struct arc_log_watch *watch = ARC_CONTAINER(link, struct arc_log_watch, beside);
        if (!arc__list_linked(&watch->due) && arc__slice_is(step_run_id, watch->step_run_id))
            arc__list_add_tail(&engine->log_watches_due, &watch->due);
    }
}

arc_status arc__log_watch_open(struct arc_engine *engine, arc_slice step_run_id,
                               void (*notify)(void *user), void *user, struct arc_log_watch **out,
                               arc_err *err)
{
    struct arc_log_watch *watch = arc__alloc(&engine->mem, sizeof(*watch));
    if (watch == NULL)
        return arc__fail_nomem(err);
    watch->engine = engine;
    watch->notify = notify;
    watch->user = user;
    (void)arc__slice_to_cstr(step_run_id, watch->step_run_id, sizeof(watch->step_run_id));
    arc__list_add_tail(shelf_of(engine->log_shelves, arc__slice_cstr(watch->step_run_id)),
                       &watch->beside);
    *out = watch;
    return ARC_OK;
}

void arc__log_watch_close(struct arc_log_watch *watch)
{
    if (watch == NULL)
        return;
    arc__list_remove(&watch->beside);
    arc__list_remove(&watch->due);
    arc__free(&watch->engine->mem, watch);
}

/* --- watching events ----------------------------------------------------------------- */

arc_status arc__event_watch_open(struct arc_engine *engine, const struct arc_watch_filter *filter,
                                 void (*notify)(void *user), void *user,
                                 struct arc_event_watch **out, arc_err *err)
{
    struct arc_event_watch *watch = arc__alloc(&engine->mem, sizeof(*watch));
    if (watch == NULL)
        return arc__fail_nomem(err);
    watch->engine = engine;
    watch->notify = notify;
    watch->user = user;
    watch->cursor = filter->after < 0 ? engine->published : filter->after;
    watch->gaps_upto =
        filter->after <= 0 ? engine->published : 0; /* from the first that is there */
    (void)arc__slice_to_cstr(filter->run_id, watch->run_id, sizeof(watch->run_id));
    (void)arc__slice_to_cstr(filter->pipeline_id, watch->pipeline_id, sizeof(watch->pipeline_id));
    (void)arc__slice_to_cstr(filter->step_run_id, watch->step_run_id, sizeof(watch->step_run_id));
    arc__load_init(&watch->load, &engine->mem);
    watch->load.wake = &watch->woken;
    arc__arena_init(&watch->arena, &engine->mem, WATCH_BYTES_MAX);
    arc__list_add_tail(&engine->event_watches, &watch->link);
    arc__list_add_tail(watch->run_id[0] == '\0'
                           ? &engine->wide_watches
                           : shelf_of(engine->run_shelves, arc__slice_cstr(watch->run_id)),
                       &watch->beside);
    *out = watch;
    return ARC_OK;
}

void arc__event_watch_close(struct arc_event_watch *watch)
{
    if (watch == NULL)
        return;
    arc__list_remove(&watch->link);
    arc__list_remove(&watch->beside);
    arc__list_remove(&watch->due);
    arc__load_deinit(&watch->load);
    arc__arena_deinit(&watch->arena);
    arc__free(&watch->engine->mem, watch);
}

/* The next page of what is older than the ring. */
static arc_status fetch(struct arc_event_watch *watch, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_event,
                              .order_col = ARC_COL_event_position,
                              .limit = WATCH_FETCH,
                              .filter_count = 2};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_event_position, .op = ARC_FILTER_GT, .number = watch->cursor};
    /* What is stored and not yet spoken of is nobody's. */
    query.filters[1] = (struct arc_filter){
        .col = ARC_COL_event_position, .op = ARC_FILTER_LE, .number = watch->load_upto};
    if (watch->run_id[0] != '\0') {
        query.filters[query.filter_count++] =
            arc__eq_text(ARC_COL_event_stream, arc__slice_cstr(watch->run_id));
    }
    return arc__load(watch->engine, &watch->load, &query, err);
}

/* Positions count without gaps, so what is missing was deleted. Who goes on from a position that it
 * has kept is told so, once; who asks for one run alone has no use for it. */
static arc_status tell_gap(struct arc_event_watch *watch, int64_t next, arc_err *err)
{
    if (next <= watch->cursor + 1 || next <= watch->gaps_upto || watch->run_id[0] != '\0')
        return ARC_OK;
    watch->gaps_upto = watch->engine->published;
    return arc__fail(err, ARC_ENOTFOUND, "events",
                     "Events behind position %lld have been deleted with their runs, which were "
                     "older than runs are kept. Read what there is anew; the next event follows.",
                     (long long)watch->cursor);
}

static arc_status next_stored(struct arc_event_watch *watch, const struct arc_event **out,
                              arc_err *err)
{
    if (watch->load.state == 0) {
        watch->load_at = 0;
        watch->load_upto = watch->engine->published;
    }
    ARC_TRY(fetch(watch, err));
    const struct arc_row_event *rows = watch->load.rows.rows;
    while (watch->load_at < watch->load.rows.count) {
        struct arc_event *event = NULL;
        const struct arc_row_event *row = &rows[watch->load_at];
        ARC_TRY(tell_gap(watch, row->position, err));
        arc__arena_reset(&watch->arena);
        ARC_TRY(arc__event_from_row(row, &watch->arena, &event, err)); /* or again, when it can */
        watch->load_at++;
        watch->cursor = row->position;
        if (passes(watch, event)) {
            *out = event;
            return ARC_OK;
        }
    }
    int more = watch->load.rows.count == WATCH_FETCH;
    if (!more)
        ARC_TRY(tell_gap(watch, watch->load_upto + 1, err));
    arc__load_deinit(&watch->load);
    if (!more && watch->cursor < watch->load_upto)
        watch->cursor = watch->load_upto; /* nothing else of ours was there */
    return ARC_EDONE;
}

void arc__event_watch_again(struct arc_event_watch *watch)
{
    const struct arc_row_event *rows = watch->load.rows.rows;
    if (watch->load.state != 0 && watch->load_at > 0)
        watch->cursor = rows[--watch->load_at].position;
    watch->cursor--;
}

arc_status arc__event_watch_next(struct arc_event_watch *watch, const struct arc_event **out,
                                 arc_err *err)
{
    struct arc_engine *engine = watch->engine;
    for (;;) {
        if (watch->load.state != 0 || watch->cursor + 1 < engine->ring_first) {
            arc_status status = next_stored(watch, out, err);
            if (status != ARC_EDONE)
                return status;
            continue;
        }
        if (watch->cursor >= engine->published)
            return ARC_EAGAIN;
        watch->cursor++;
        const struct arc_event *event = engine->ring[(uint64_t)watch->cursor % ARC_RING_SIZE];
        if (event != NULL && event->position == watch->cursor && passes(watch, event)) {
            *out = event;
            return ARC_OK;
        }
    }
}
