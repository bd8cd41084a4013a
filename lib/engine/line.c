/* SPDX-License-Identifier: Apache-2.0 */
/* Where waiting jobs stand: the queue is copied and served to its end, as if there were slots for
 * all, by the code that serves it. Ahead of a job are those that come before it and that an agent
 * might take instead of it. */
#include "engine/explain_private.h"

const struct live *arc__line_live(const struct arc_look *look, const struct arc_run *run)
{
    const struct live *live = arc__map_get(&look->engine->runs, arc__id_slice(&run->id));
    return live != NULL && live->loaded && !live->changed ? live : NULL;
}

static uint32_t kind_of(struct line *line, struct lane *lane, const struct ready *ready)
{
    uint32_t *mark = arc__lane_mark(lane);
    if (*mark == 0) {
        line->kinds[line->kind_count++] =
            (struct kind){.asks = &ready->live->run.plan->jobs[ready->job]};
        *mark = (uint32_t)line->kind_count;
    }
    return *mark - 1;
}

static void serve_all(struct line *line, struct scratch *scratch, const struct live *live)
{
    struct lane *lane = NULL;
    struct ready *ready = NULL;
    arc__lanes_warm_all(&scratch->engine);
    while ((lane = arc__lane_next(&scratch->engine)) != NULL) {
        uint32_t kind = kind_of(line, lane, arc__lane_first(lane));
        ready = arc__scratch_next(scratch, &lane);
        line->items[line->count++] = (struct in_line){.kind = kind};
        if (ready->live == live)
            line->at[ready->job] = (uint32_t)line->count;
    }
}

static int any_waits(const struct arc_look *look, const struct arc_run *run)
{
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (arc__job_wants_place(run, j, look->engine->now))
            return 1;
    }
    return 0;
}

arc_status arc__line_open(const struct arc_look *look, const struct arc_run *run, struct line *line,
                          arc_err *err)
{
    struct arc_arena *arena = (struct arc_arena *)(uintptr_t)&look->arena;
    const struct live *live = arc__line_live(look, run);
    size_t count = look->engine->ready_count;
    struct scratch scratch;
    *line = (struct line){0};
    if (live == NULL || !any_waits(look, run))
        return ARC_OK;
    line->too_long = count > look->limits.queue;
    if (line->too_long)
        return ARC_OK;
    line->items = arc__arena_array(arena, count, sizeof(*line->items));
    line->kinds = arc__arena_array(arena, count, sizeof(*line->kinds));
    line->at = arc__arena_array(arena, run->plan->job_count, sizeof(*line->at));
    if (line->items == NULL || line->kinds == NULL || line->at == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(arc__scratch_open(&scratch, look, 1, err));
    serve_all(line, &scratch, live);
    arc__scratch_close(&scratch);
    return ARC_OK;
}

/* An agent might take one instead of the other. */
static int rivals(const struct arc_engine *engine, const struct arc_plan_job *a,
                  const struct arc_plan_job *b, const struct others *others)
{
    int for_a = 0, for_b = 0, host = arc__place_on_host(engine, a);
    if (host != arc__place_on_host(engine, b))
        return 0;
    for (size_t i = 0; !host && i < others->count; i++) {
        int takes_a = arc__agent_matches(others->items[i], &a->selector);
        int takes_b = arc__agent_matches(others->items[i], &b->selector);
        if (takes_a && takes_b)
            return 1;
        for_a |= takes_a;
        for_b |= takes_b;
    }
    return host || (!for_a && !for_b);
}

static void count_kind(struct line *line, const struct arc_engine *engine, uint32_t kind,
                       const struct others *others)
{
    uint32_t before = 0;
    struct kind *asked = &line->kinds[kind];
    for (size_t k = 0; k < line->kind_count; k++)
        line->kinds[k].rival = rivals(engine, asked->asks, line->kinds[k].asks, others);
    for (size_t i = 0; i < line->count; i++) {
        if (line->items[i].kind == kind)
            line->items[i].before = before;
        before += line->kinds[line->items[i].kind].rival != 0;
    }
    asked->counted = 1;
}

int arc__line_before(struct line *line, const struct arc_engine *engine, uint32_t job,
                     struct others *others, uint32_t *before)
{
    if (line->at == NULL || line->at[job] == 0)
        return 0;
    const struct in_line *item = &line->items[line->at[job] - 1];
    if (!line->kinds[item->kind].counted) {
        if (!arc__others_spend(others, line->count + line->kind_count * (others->count + 1)))
            return 0;
        count_kind(line, engine, item->kind, others);
    }
    *before = item->before;
    return 1;
}
