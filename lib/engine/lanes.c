/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs that wait, in the order in which they are to be served.
 *
 *   level ── one for each priority that waits
 *     └── lane ── the jobs that ask for the same place, so that one look answers for all of them
 *           └── flow ── those of one pipeline, in the order of their queueing
 *                 └── ready ── one job
 *
 * Between levels the priority decides, and a point of it weighs as much as ARC_PRIORITY_POINT_NS of
 * waiting: a low one is late, never starved. Within a level it is start-time fair queueing: a flow
 * has the tag max(its lane's virtual time, its last tag + 1), the least tag is served, and the
 * lane's virtual time is the tag served last; so every pipeline has its turn, however many jobs
 * another one has. A lane's own time is shifted into that of its level when it begins to wait, so
 * that nobody saves up turns.
 *
 * A lane that nobody with a free slot can serve is cold: it keeps its place in the heaps with a key
 * that is never due, and costs nothing until an agent that matches has a slot again. */
#include <stdio.h>

#include "engine/engine_private.h"

#define NEVER UINT64_MAX

struct flow {
    struct arc_timer turn; /* in lane.turns, by tag; NEVER: it has no job */
    struct arc_timer age;  /* in lane.ages, by when its first job was queued */
    struct arc_heap jobs;
    struct arc_link idle; /* in lane.idle while it has no job: its tag may be ahead still */
    struct lane *lane;
    uint64_t tag; /* of its first job, or of the one to come */
    char key[48]; /* in engine.lanes: the lane's serial and the pipeline's id */
};

struct level {
    struct arc_link link; /* in engine.levels, the highest priority first */
    struct arc_heap turns, ages;
    int32_t priority;
    uint64_t now; /* the tag served last, in the level's time */
    uint64_t lanes;
};

struct lane {
    struct arc_timer turn, age; /* in the level's heaps; NEVER while it is cold */
    struct arc_heap turns, ages;
    struct arc_link idle, cold;
    struct level *level;
    uint64_t serial, cold_serial;
    uint64_t now;   /* the tag served last, in its own time */
    uint64_t shift; /* what that is less than the level's time */
    uint64_t jobs;
    uint32_t mark; /* of copies: arc__lane_mark */
    size_t key_len;
    char key[];
};

/* --- keys ---------------------------------------------------------------------------- */

static void key_number(struct arc_buf *key, uint64_t number)
{
    arc__buf_add(key, &number, sizeof(number));
}

static void key_text(struct arc_buf *key, arc_slice text)
{
    key_number(key, text.len);
    arc__buf_add_slice(key, text);
}

static void key_selector(struct arc_buf *key, const struct arc_selector *selector)
{
    key_number(key, selector->labels.count);
    for (uint32_t i = 0; i < selector->labels.count; i++) {
        key_text(key, selector->labels.items[i].key);
        key_text(key, selector->labels.items[i].value);
    }
    for (uint32_t i = 0; i < selector->expr_count; i++) {
        const struct arc_label_expr *expr = &selector->exprs[i];
        key_text(key, expr->key);
        key_number(key, expr->op);
        key_number(key, expr->value_count);
        for (uint32_t v = 0; v < expr->value_count; v++)
            key_text(key, expr->values[v]);
    }
}

/* Everything that decides about its place. What the host offers may change, so where it counts
 * the names of its steps stand for it. */
static arc_status lane_key(struct arc_engine *engine, const struct arc_run *run, uint32_t job,
                           arc_slice *out, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[job];
    struct arc_buf *key = &engine->lane_key;
    arc__buf_clear(key);
    key_number(key, (uint64_t)(int64_t)run->birth->priority);
    key_number(key, plan->place);
    if (plan->place != 2)
        key_selector(key, &plan->selector);
    for (uint32_t s = 0;
         plan->place == 0 && engine->options.rules.host_default && s < plan->step_count; s++)
        key_text(key, plan->steps[s].uses);
    *out = arc__buf_slice(key);
    return arc__buf_check(key, err);
}

/* --- order --------------------------------------------------------------------------- */

/* What has its key already keeps its place among equals. Armed once, it cannot fail. */
static void put(struct arc_heap *heap, struct arc_timer *timer, uint64_t key)
{
    if (timer->deadline_ns != key)
        (void)arc__heap_arm(heap, timer, key, NULL);
}

static void settle_lane(struct lane *lane)
{
    uint64_t tag = arc__heap_peek(&lane->turns)->deadline_ns;
    uint64_t age = arc__heap_peek(&lane->ages)->deadline_ns;
    int hot = tag != NEVER && !arc__list_linked(&lane->cold);
    put(&lane->level->turns, &lane->turn, hot ? tag + lane->shift : NEVER);
    put(&lane->level->ages, &lane->age, hot ? age : NEVER);
}

static void settle_flow(struct flow *flow)
{
    const struct arc_timer *first = arc__heap_peek(&flow->jobs);
    put(&flow->lane->turns, &flow->turn, first != NULL ? flow->tag : NEVER);
    put(&flow->lane->ages, &flow->age, first != NULL ? first->deadline_ns : NEVER);
    settle_lane(flow->lane);
}

/* Takes part from now on: what its level has served meanwhile is not owed to it. */
static void join(struct lane *lane)
{
    uint64_t tag = arc__heap_peek(&lane->turns)->deadline_ns;
    if (tag != NEVER && tag + lane->shift < lane->level->now)
        lane->shift = lane->level->now - tag;
}

/* --- making and dropping ------------------------------------------------------------- */

static struct level *level_find(struct arc_engine *engine, int32_t priority)
{
    struct arc_link *before = engine->levels.next;
    for (; before != &engine->levels; before = before->next) {
        struct level *level = ARC_CONTAINER(before, struct level, link);
        if (level->priority == priority)
            return level;
        if (level->priority < priority)
            break;
    }
    struct level *level = arc__alloc(&engine->mem, sizeof(*level));
    if (level == NULL)
        return NULL;
    level->priority = priority;
    arc__heap_init(&level->turns, &engine->mem);
    arc__heap_init(&level->ages, &engine->mem);
    arc__list_add_tail(before, &level->link);
    return level;
}

static void level_leave(struct arc_engine *engine, struct level *level)
{
    if (level->lanes > 0)
        return;
    arc__list_remove(&level->link);
    arc__heap_deinit(&level->turns);
    arc__heap_deinit(&level->ages);
    arc__free(&engine->mem, level);
}

static void flow_drop(struct arc_engine *engine, struct flow *flow)
{
    (void)arc__map_remove(&engine->lanes, arc__slice_cstr(flow->key));
    arc__heap_disarm(&flow->lane->turns, &flow->turn);
    arc__heap_disarm(&flow->lane->ages, &flow->age);
    arc__list_remove(&flow->idle);
    arc__heap_deinit(&flow->jobs);
    arc__free(&engine->mem, flow);
}

static void lane_drop(struct arc_engine *engine, struct lane *lane)
{
    ARC_LIST_EACH_SAFE(&lane->idle, link)
    {
        flow_drop(engine, ARC_CONTAINER(link, struct flow, idle));
    }
    (void)arc__map_remove(&engine->lanes, arc__slice(lane->key, lane->key_len));
    arc__list_remove(&lane->cold);
    arc__heap_disarm(&lane->level->turns, &lane->turn);
    arc__heap_disarm(&lane->level->ages, &lane->age);
    arc__heap_deinit(&lane->turns);
    arc__heap_deinit(&lane->ages);
    lane->level->lanes--;
    level_leave(engine, lane->level);
    arc__free(&engine->mem, lane);
}

static arc_status lane_new(struct arc_engine *engine, arc_slice key, int32_t priority,
                           struct lane **out, arc_err *err)
{
    struct level *level = level_find(engine, priority);
    struct lane *lane = level != NULL ? arc__alloc(&engine->mem, sizeof(*lane) + key.len) : NULL;
    if (lane == NULL) {
        if (level != NULL)
            level_leave(engine, level);
        return arc__fail_nomem(err);
    }
    arc__heap_init(&lane->turns, &engine->mem);
    arc__heap_init(&lane->ages, &engine->mem);
    arc__list_init(&lane->idle);
    memcpy(lane->key, key.ptr, key.len);
    lane->key_len = key.len;
    lane->serial = ++engine->lane_serial;
    lane->shift = level->now;
    lane->level = level;
    level->lanes++;
    arc_status status = arc__heap_arm(&level->turns, &lane->turn, NEVER, err);
    if (status == ARC_OK)
        status = arc__heap_arm(&level->ages, &lane->age, NEVER, err);
    if (status == ARC_OK)
        status = arc__map_put(&engine->lanes, key, lane, NULL, err);
    if (status != ARC_OK) {
        lane_drop(engine, lane);
        return status;
    }
    *out = lane;
    return ARC_OK;
}

static arc_status flow_new(struct arc_engine *engine, struct lane *lane, const char *key,
                           struct flow **out, arc_err *err)
{
    struct flow *flow = arc__alloc(&engine->mem, sizeof(*flow));
    if (flow == NULL)
        return arc__fail_nomem(err);
    (void)snprintf(flow->key, sizeof(flow->key), "%s", key);
    flow->lane = lane;
    arc__heap_init(&flow->jobs, &engine->mem);
    arc_status status = arc__heap_arm(&lane->turns, &flow->turn, NEVER, err);
    if (status == ARC_OK)
        status = arc__heap_arm(&lane->ages, &flow->age, NEVER, err);
    if (status == ARC_OK)
        status = arc__map_put(&engine->lanes, arc__slice_cstr(flow->key), flow, NULL, err);
    if (status != ARC_OK) {
        flow_drop(engine, flow);
        return status;
    }
    arc__list_add_tail(&lane->idle, &flow->idle);
    *out = flow;
    return ARC_OK;
}

static arc_status flow_get(struct arc_engine *engine, struct lane *lane, const struct pipe *pipe,
                           struct flow **out, arc_err *err)
{
    char key[48];
    (void)snprintf(key, sizeof(key), "%llu %s", (unsigned long long)lane->serial, pipe->id.text);
    *out = arc__map_get(&engine->lanes, arc__slice_cstr(key));
    return *out != NULL ? ARC_OK : flow_new(engine, lane, key, out, err);
}

/* --- jobs ---------------------------------------------------------------------------- */

static arc_status add(struct arc_engine *engine, struct lane *lane, struct ready *ready,
                      arc_err *err)
{
    struct flow *flow = NULL;
    int64_t queued = ready->live->run.jobs[ready->job].queued_ns;
    ARC_TRY(flow_get(engine, lane, ready->live->pipe, &flow, err));
    int fresh = flow->jobs.count == 0;
    ARC_TRY(arc__heap_arm(&flow->jobs, &ready->turn, queued > 0 ? (uint64_t)queued : 0, err));
    if (fresh && flow->tag < lane->now)
        flow->tag = lane->now;
    arc__list_remove(&flow->idle);
    ready->flow = flow;
    lane->jobs++;
    if (!arc__list_linked(&lane->cold))
        engine->place_due = 1;
    settle_flow(flow);
    return ARC_OK;
}

arc_status arc__lane_add(struct arc_engine *engine, struct ready *ready, arc_err *err)
{
    const struct arc_run *run = &ready->live->run;
    arc_slice key;
    ARC_TRY(lane_key(engine, run, ready->job, &key, err));
    struct lane *lane = arc__map_get(&engine->lanes, key);
    if (lane == NULL)
        ARC_TRY(lane_new(engine, key, run->birth->priority, &lane, err));
    arc_status status = add(engine, lane, ready, err);
    if (status != ARC_OK && lane->jobs == 0)
        lane_drop(engine, lane);
    return status;
}

/* Flows that have nothing to wait for, and whose last turn is no news any more. */
static void forget_idle(struct arc_engine *engine, struct lane *lane)
{
    ARC_LIST_EACH_SAFE(&lane->idle, link)
    {
        struct flow *flow = ARC_CONTAINER(link, struct flow, idle);
        if (flow->tag > lane->now)
            return;
        flow_drop(engine, flow);
    }
}

void arc__lane_remove(struct arc_engine *engine, struct ready *ready)
{
    struct flow *flow = ready->flow;
    if (flow == NULL)
        return;
    struct lane *lane = flow->lane;
    ready->flow = NULL;
    arc__heap_disarm(&flow->jobs, &ready->turn);
    if (flow->jobs.count == 0)
        arc__list_add_tail(&lane->idle, &flow->idle);
    settle_flow(flow);
    if (--lane->jobs == 0)
        lane_drop(engine, lane);
    else
        forget_idle(engine, lane);
}

void arc__lane_take(struct arc_engine *engine, struct ready *ready)
{
    struct flow *flow = ready->flow;
    struct lane *lane = flow->lane;
    lane->now = flow->tag;
    if (lane->level->now < flow->tag + lane->shift)
        lane->level->now = flow->tag + lane->shift;
    flow->tag++;
    arc__lane_remove(engine, ready);
}

struct ready *arc__lane_first(const struct lane *lane)
{
    const struct flow *flow = ARC_CONTAINER(arc__heap_peek(&lane->turns), struct flow, turn);
    return ARC_CONTAINER(arc__heap_peek(&flow->jobs), struct ready, turn);
}

/* The level whose oldest job is due first when its priority counts as time. */
struct lane *arc__lane_next(const struct arc_engine *engine)
{
    const struct level *best = NULL;
    int64_t best_at = 0;
    ARC_LIST_EACH(&engine->levels, link)
    {
        const struct level *level = ARC_CONTAINER(link, struct level, link);
        uint64_t oldest = arc__heap_peek(&level->ages)->deadline_ns;
        int64_t at = (int64_t)oldest - level->priority * ARC_PRIORITY_POINT_NS;
        if (oldest == NEVER || (best != NULL && at >= best_at))
            continue;
        best = level;
        best_at = at;
    }
    return best == NULL ? NULL : ARC_CONTAINER(arc__heap_peek(&best->turns), struct lane, turn);
}

/* --- cold lanes ---------------------------------------------------------------------- */

void arc__lane_cool(struct arc_engine *engine, struct lane *lane)
{
    lane->cold_serial = ++engine->cold_serial;
    arc__list_add_tail(&engine->cold_lanes, &lane->cold);
    settle_lane(lane);
}

static void warm(struct lane *lane)
{
    arc__list_remove(&lane->cold);
    join(lane);
    settle_lane(lane);
}

/* Each lane is looked at once by each agent after it has become cold: the list is in the order in
 * which they did. */
void arc__lanes_warm(struct arc_engine *engine, struct agent *agent)
{
    struct arc_link *link = engine->cold_lanes.prev;
    while (link != &engine->cold_lanes) {
        struct lane *lane = ARC_CONTAINER(link, struct lane, cold);
        link = link->prev;
        if (lane->cold_serial <= agent->cold_seen)
            break;
        engine->stats.place_looks++;
        const struct ready *first = arc__lane_first(lane);
        if (arc__can_serve(engine, agent, &first->live->run.plan->jobs[first->job]))
            warm(lane);
    }
    agent->cold_seen = engine->cold_serial;
}

void arc__lanes_warm_all(struct arc_engine *engine)
{
    while (!arc__list_empty(&engine->cold_lanes))
        warm(ARC_CONTAINER(engine->cold_lanes.next, struct lane, cold));
}

/* --- copies -------------------------------------------------------------------------- */

uint32_t *arc__lane_mark(struct lane *lane)
{
    return &lane->mark;
}

/* What has been armed in the order of from's items stands as they do, also among equals. */
static void stand_alike(struct arc_heap *heap, const struct arc_heap *from)
{
    for (size_t i = 0; i < heap->count; i++) {
        heap->items[i]->deadline_ns = from->items[i]->deadline_ns;
        heap->items[i]->tie = from->items[i]->tie;
    }
    heap->armed = from->armed;
}

struct gone {
    struct gone *next;
    struct ready *ready;
};

struct copying {
    struct arc_engine *engine;
    struct arc_arena *arena;
    struct gone *gone; /* what is left out again, once everything stands where it stood */
};

static arc_status copy_job(struct copying *c, struct flow *flow, const struct ready *from,
                           arc_err *err)
{
    struct ready *ready = ARC_ARENA_NEW(c->arena, struct ready);
    if (ready == NULL)
        return arc__fail_nomem(err);
    *ready = (struct ready){.flow = flow, .live = from->live, .job = from->job};
    if (from->live->changed) {
        struct gone *gone = ARC_ARENA_NEW(c->arena, struct gone);
        if (gone == NULL)
            return arc__fail_nomem(err);
        *gone = (struct gone){c->gone, ready};
        c->gone = gone;
    }
    return arc__heap_arm(&flow->jobs, &ready->turn, NEVER, err);
}

static arc_status copy_flows(struct copying *c, struct lane *lane, const struct lane *from,
                             arc_err *err)
{
    for (size_t i = 0; i < from->turns.count; i++) {
        const struct flow *flow = ARC_CONTAINER(from->turns.items[i], struct flow, turn);
        struct flow *copy = NULL;
        ARC_TRY(flow_new(c->engine, lane, flow->key, &copy, err));
        copy->tag = flow->tag;
        put(&lane->ages, &copy->age, flow->age.deadline_ns);
        for (size_t k = 0; k < flow->jobs.count; k++)
            ARC_TRY(copy_job(c, copy, ARC_CONTAINER(flow->jobs.items[k], struct ready, turn), err));
        stand_alike(&copy->jobs, &flow->jobs);
        lane->jobs += copy->jobs.count;
        if (copy->jobs.count > 0)
            arc__list_remove(&copy->idle);
    }
    stand_alike(&lane->turns, &from->turns);
    return ARC_OK;
}

static arc_status copy_lanes(struct copying *c, const struct level *from, arc_err *err)
{
    struct lane *copy = NULL;
    for (size_t i = 0; i < from->turns.count; i++) {
        const struct lane *lane = ARC_CONTAINER(from->turns.items[i], struct lane, turn);
        arc_slice key = arc__slice(lane->key, lane->key_len);
        ARC_TRY(lane_new(c->engine, key, from->priority, &copy, err));
        copy->serial = lane->serial;
        copy->now = lane->now;
        copy->shift = lane->shift;
        put(&copy->level->ages, &copy->age, lane->age.deadline_ns);
        ARC_TRY(copy_flows(c, copy, lane, err));
    }
    if (copy == NULL)
        return ARC_OK;
    stand_alike(&copy->level->turns, &from->turns);
    copy->level->now = from->now;
    return ARC_OK;
}

arc_status arc__lanes_copy(struct arc_engine *engine, const struct arc_engine *from,
                           struct arc_arena *arena, arc_err *err)
{
    struct copying c = {.engine = engine, .arena = arena};
    ARC_LIST_EACH(&from->levels, link)
    {
        ARC_TRY(copy_lanes(&c, ARC_CONTAINER(link, struct level, link), err));
    }
    ARC_LIST_EACH(&from->cold_lanes, link)
    {
        const struct lane *lane = ARC_CONTAINER(link, struct lane, cold);
        struct lane *copy = arc__map_get(&engine->lanes, arc__slice(lane->key, lane->key_len));
        copy->cold_serial = lane->cold_serial;
        arc__list_add_tail(&engine->cold_lanes, &copy->cold);
    }
    engine->lane_serial = from->lane_serial;
    engine->cold_serial = from->cold_serial;
    for (struct gone *gone = c.gone; gone != NULL; gone = gone->next)
        arc__lane_remove(engine, gone->ready);
    return ARC_OK;
}

void arc__lanes_drop(struct arc_engine *engine)
{
    while (!arc__list_empty(&engine->levels)) {
        struct level *level = ARC_CONTAINER(engine->levels.next, struct level, link);
        struct lane *lane = ARC_CONTAINER(arc__heap_peek(&level->turns), struct lane, turn);
        while (lane->turns.count > 0)
            flow_drop(engine, ARC_CONTAINER(arc__heap_peek(&lane->turns), struct flow, turn));
        lane_drop(engine, lane); /* the last one takes its level with it */
    }
}
