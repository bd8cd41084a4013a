/* SPDX-License-Identifier: Apache-2.0 */
/* What one turn has decided, on its way into one batch. */
#include "engine/engine_private.h"
#include "engine/event_json.h"
#include "engine/migrate.h"

#define BODY_KEPT (64u * 1024u) /* a larger one was that of a plan, and is given back */

void arc__turn_begin(struct arc_engine *engine)
{
    struct turn *turn = &engine->turn;
    arc__arena_reset(&turn->arena);
    turn->ops = NULL;
    turn->events = NULL;
    turn->lives = NULL;
    turn->op_count = turn->op_capacity = 0;
    turn->event_count = turn->event_capacity = 0;
    turn->live_count = turn->live_capacity = 0;
    turn->dirty = NULL;
    turn->dirty_places = NULL;
    turn->dirty_count = turn->dirty_capacity = turn->dirty_mask = 0;
    turn->first_position = engine->position;
    turn->fence_before = engine->fence;
    turn->committing = turn->committed = turn->presence = turn->notices = 0;
    turn->shift = 0;
    turn->status = turn->spoiled = ARC_OK;
    turn->err = (arc_err)ARC_ERR_INIT;
}

/* Room for one more in an array of the turn's arena. */
static void *more(struct turn *turn, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t fresh = *capacity > 0 ? *capacity * 2 : 64, bytes = 0;
    if (__builtin_mul_overflow(fresh, size, &bytes))
        return NULL;
    void *grown = arc__arena_take(&turn->arena, bytes);
    if (grown == NULL)
        return NULL;
    if (count > 0)
        memcpy(grown, items, count * size);
    *capacity = fresh;
    return grown;
}

arc_slice arc__turn_copy(struct arc_engine *engine, arc_slice text)
{
    return text.len == 0 ? ARC_NONE : arc__arena_copy(&engine->turn.arena, text);
}

static arc_slice *text_of(const struct arc_table_def *def, const void *row, uint32_t i)
{
    return (arc_slice *)(uintptr_t)((const char *)row + def->cols[def->texts[i]].offset);
}

static int is_clean(const struct arc_table_def *def, const void *row, uint32_t i)
{
    return def->cols[def->texts[i]].type != ARC_COL_TEXT || arc__text_clean(*text_of(def, row, i));
}

/* A copy with texts of its own, in one piece. What a row points to may change or go before the
 * store is done with it: the next command of this turn may replace the same cached row. */
static void *own_row(struct arc_arena *arena, const struct arc_table_def *def, const void *row)
{
    size_t size = def->row_size;
    int clean = 1;
    for (uint32_t i = 0; i < def->text_count; i++) {
        size_t len = text_of(def, row, i)->len;
        size += len > 0 ? len + 1 : 0;
        clean &= len == 0 || is_clean(def, row, i);
    }
    char *copy = arc__arena_take(arena, size);
    if (copy == NULL)
        return NULL;
    memcpy(copy, row, def->row_size);
    char *at = copy + def->row_size;
    for (uint32_t i = 0; i < def->text_count; i++) {
        arc_slice *text = text_of(def, copy, i);
        if (text->len == 0)
            continue;
        if (!clean && !is_clean(def, row, i)) { /* no store would take it */
            *text = arc__text_cleaned(*text, arena);
            continue;
        }
        text->ptr = memcpy(at, text->ptr, text->len);
        at += text->len;
        *at++ = '\0';
    }
    return arena->failed ? NULL : copy;
}

arc_status arc__turn_op(struct arc_engine *engine, enum arc_store_verb verb, enum arc_table table,
                        const void *row, int64_t expect_version, arc_err *err)
{
    struct turn *turn = &engine->turn;
    void *copy = own_row(&turn->arena, arc__table_def(table), row);
    struct arc_store_op *ops =
        more(turn, turn->ops, turn->op_count, &turn->op_capacity, sizeof(*turn->ops));
    if (copy == NULL || ops == NULL)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    turn->ops = ops;
    ops[turn->op_count++] = (struct arc_store_op){verb, table, copy, expect_version};
    return ARC_OK;
}

/* --- rows to be written ---------------------------------------------------------------------- */

/* Where the thing stands in dirty_places, or may. */
static uint32_t *dirty_place(const struct turn *turn, const void *thing)
{
    size_t at = (size_t)(((uintptr_t)thing >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (;; at++) {
        uint32_t *place = &turn->dirty_places[at & turn->dirty_mask];
        if (*place == 0 || turn->dirty[*place - 1].thing == thing)
            return place;
    }
}

/* At most half of the places are taken. */
static int spread_dirty(struct turn *turn)
{
    if (turn->dirty_places != NULL && turn->dirty_count * 2 <= turn->dirty_mask)
        return 1;
    size_t places = turn->dirty_places != NULL ? (turn->dirty_mask + 1) * 4 : 128;
    turn->dirty_places = arc__arena_array(&turn->arena, places, sizeof(uint32_t));
    if (turn->dirty_places == NULL)
        return 0;
    turn->dirty_mask = places - 1;
    for (size_t i = 0; i < turn->dirty_count; i++)
        *dirty_place(turn, turn->dirty[i].thing) = (uint32_t)i + 1;
    return 1;
}

arc_status arc__turn_dirty(struct arc_engine *engine, const struct dirty *dirty, arc_err *err)
{
    struct turn *turn = &engine->turn;
    struct dirty *all =
        more(turn, turn->dirty, turn->dirty_count, &turn->dirty_capacity, sizeof(*turn->dirty));
    if (all == NULL || !spread_dirty(turn))
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    turn->dirty = all;
    uint32_t *place = dirty_place(turn, dirty->thing);
    if (*place != 0) {
        all[*place - 1].fresh |= dirty->fresh;
        return ARC_OK;
    }
    all[turn->dirty_count++] = *dirty;
    *place = (uint32_t)turn->dirty_count;
    return ARC_OK;
}

/* --- events ---------------------------------------------------------------------------------- */

static arc_status add_event(struct arc_engine *engine, struct arc_event *event, arc_slice stream,
                            arc_err *err)
{
    struct turn *turn = &engine->turn;
    struct arc_buf *body = &engine->body;
    struct arc_event **events =
        more(turn, turn->events, turn->event_count, &turn->event_capacity, sizeof(*turn->events));
    if (events == NULL)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    turn->events = events;
    event->position = ++engine->position;
    arc__buf_clear(body);
    arc__event_body(event, body);
    arc_status status = arc__buf_check(body, err);
    struct arc_row_event row = {.stream = stream,
                                .seq = event->seq,
                                .position = event->position,
                                .type = arc__slice_cstr(arc__event_type_name(event->type)),
                                .time_ns = event->time_ns};
    if (status == ARC_OK) {
        row.body = arc__buf_slice(body);
        status = arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_event, &row, 0, err);
    }
    if (body->capacity > BODY_KEPT)
        arc__buf_deinit(body);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    events[turn->event_count++] = event;
    return ARC_OK;
}

arc_status arc__turn_event(struct arc_engine *engine, struct arc_event init, arc_slice stream,
                           arc_err *err)
{
    struct arc_event *event = ARC_ARENA_NEW(&engine->turn.arena, struct arc_event);
    if (event == NULL)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    *event = init;
    event->job = event->step = -1;
    event->time_ns = engine->now.wall_ns;
    /* The next command of this turn may replace the row that these texts are of. */
    event->agent_id = arc__turn_copy(engine, init.agent_id);
    event->pipeline_id = arc__turn_copy(engine, init.pipeline_id);
    event->actor = arc__turn_copy(engine, init.actor);
    event->reason = arc__turn_copy(engine, init.reason);
    if (engine->turn.arena.failed)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    return add_event(engine, event, stream, err);
}

/* --- decisions about runs -----------------------------------------------------------------------
 */

static arc_status next_id(void *user, arc_id *out, arc_err *err)
{
    return arc__engine_new_id(user, out, err);
}

static arc_status next_fence(void *user, uint64_t above, uint64_t *out, arc_err *err)
{
    struct arc_engine *engine = user;
    if (engine->fence < above)
        return arc__replicas_renew(engine, err);
    *out = ++engine->fence;
    return ARC_OK;
}

static uint64_t next_random(void *user, uint64_t bound)
{
    uint64_t number = 0;
    (void)arc__engine_random(user, &number, sizeof(number)); /* without entropy: no jitter */
    return bound > 0 ? number % bound : 0;
}

void arc__decision_begin(struct arc_engine *engine, struct arc_decision *d)
{
    struct arc_source source = {engine, next_id, next_fence, next_random};
    arc__decision_init(d, &engine->options.rules, source, engine->now, &engine->turn.arena);
}

arc_status arc__turn_touch(struct arc_engine *engine, struct live *live, arc_err *err)
{
    struct turn *turn = &engine->turn;
    if (live->touched)
        return ARC_OK;
    struct live **lives =
        more(turn, turn->lives, turn->live_count, &turn->live_capacity, sizeof(*turn->lives));
    if (lives == NULL)
        return arc__fail_nomem(err);
    turn->lives = lives;
    lives[turn->live_count++] = live;
    live->touched = 1;
    return ARC_OK;
}

arc_status arc__turn_spoil(struct arc_engine *engine, arc_status status)
{
    if (engine->turn.spoiled == ARC_OK)
        engine->turn.spoiled = status;
    return status;
}

arc_status arc__turn_enter(struct arc_engine *engine, struct live *live, struct arc_decision *d,
                           arc_err *err)
{
    arc__decision_begin(engine, d);
    if (arc__turn_touch(engine, live, err) != ARC_OK)
        return arc__turn_spoil(engine, ARC_ENOMEM);
    return ARC_OK;
}

arc_status arc__turn_leave(struct arc_engine *engine, struct live *live,
                           const struct arc_decision *d, arc_status status, arc_err *err)
{
    if (status == ARC_OK)
        status = arc__turn_decided(engine, live, d, err);
    else if (d->count == 0 && status != ARC_ENOMEM && status != ARC_EINTERNAL)
        return status; /* a refusal */
    if (status == ARC_EINTERNAL)
        arc__live_set_aside(live);
    return status == ARC_OK ? ARC_OK : arc__turn_spoil(engine, status);
}

/* Only where the agent is now is it known that a lease has lapsed: it may have gone elsewhere. */
static void guard_loser(struct live *live, const struct arc_event *event)
{
    const struct placement *placement = event->job >= 0 ? live->placements[event->job] : NULL;
    if (event->cause == ARC_CAUSE_LOST && placement != NULL && arc__agent_is_ours(placement->agent))
        placement->agent->guarded = 1;
}

arc_status arc__turn_decided(struct arc_engine *engine, struct live *live,
                             const struct arc_decision *d, arc_err *err)
{
    if (d->count == 0)
        return arc__live_arm(live, err);
    live->changed = 1;
    for (size_t i = 0; i < d->count; i++) {
        ARC_TRY(add_event(engine, d->events[i], arc__id_slice(&live->run.id), err));
        arc__groups_note(live, d->events[i]);
        guard_loser(live, d->events[i]);
    }
    ARC_TRY(arc__persist_events(engine, live, d, err));
    ARC_TRY(arc__notices_write(engine, live, d, err));
    arc__pipe_note(engine, live, d);
    return arc__live_index_events(live, d, err);
}

/* --- the end of a turn --------------------------------------------------------------- */

static void committed(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct arc_engine *engine = user;
    engine->turn.committed = 1;
    engine->turn.status = status;
    engine->turn.shift = shift;
    if (err != NULL)
        engine->turn.err = *err;
}

static arc_status put_counters(struct arc_engine *engine, arc_err *err)
{
    if (engine->schema == ARC_SCHEMA_DUE && engine->turn.op_count > 0) {
        struct arc_row_counter row = {ARC_LIT(ARC_SCHEMA_COUNTER), arc__schema_newest()};
        ARC_TRY(arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_counter, &row, 0, err));
        engine->schema = row.value; /* a turn that is lost has it read again */
    }
    if (engine->fence != engine->turn.fence_before && !engine->replicas.on) {
        struct arc_row_counter row = {ARC_LIT("fence"), (int64_t)engine->fence};
        ARC_TRY(arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_counter, &row, 0, err));
    }
    return ARC_OK;
}

arc_status arc__turn_commit(struct arc_engine *engine, arc_err *err)
{
    struct turn *turn = &engine->turn;
    for (size_t i = 0; i < turn->dirty_count; i++)
        ARC_TRY(arc__persist_dirty(engine, &turn->dirty[i], err));
    turn->dirty_count = 0;
    for (size_t i = 0; i < turn->live_count; i++) {
        if (turn->lives[i]->changed)
            ARC_TRY(arc__persist_run(engine, turn->lives[i], err));
    }
    ARC_LIST_EACH(&turn->pipes, link)
    {
        ARC_TRY(arc__pipe_store(engine, ARC_CONTAINER(link, struct pipe, by_turn), err));
    }
    ARC_TRY(put_counters(engine, err));
    ARC_TRY(arc__homes_tell(engine, err));
    ARC_TRY(arc__replicas_store(engine, err));
    ARC_TRY(arc__publish_prepare(engine, err));
    if (turn->op_count == 0) {
        turn->committed = 1;
        return ARC_OK;
    }
    struct arc_store_batch batch = {turn->ops, turn->op_count, 1};
    turn->committing = 1;
    arc_status status = engine->store->ops->commit(engine->store, &batch, committed, engine, err);
    if (status != ARC_OK) { /* done will not come */
        committed(engine, status, 0, err);
    }
    return ARC_OK;
}
