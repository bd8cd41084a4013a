/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines in memory: one cached row each, as this turn sees it. */
#include "engine/engine_private.h"
#include "engine/pipe_text.h"

#define PIPES_MAX 1000u /* kept beyond those in use */
#define PIPE_BYTES_MAX (4u * 1024u * 1024u)

arc_status arc__pipe_copy_row(struct pipe *pipe, const struct arc_row_pipeline *row, arc_err *err)
{
    struct arc_arena fresh;
    struct arc_row_pipeline copy = *row;
    arc__arena_init(&fresh, &pipe->arena.mem, PIPE_BYTES_MAX);
    arc__row_own(ARC_TABLE_pipeline, &copy, &fresh);
    if (fresh.failed) {
        arc__arena_deinit(&fresh);
        return arc__fail_nomem(err);
    }
    arc__arena_deinit(&pipe->arena);
    pipe->arena = fresh;
    pipe->row = copy;
    return ARC_OK;
}

void arc__pipe_drop(struct arc_engine *engine, struct pipe *pipe)
{
    (void)arc__map_remove(&engine->pipes, arc__id_slice(&pipe->id));
    arc__list_remove(&pipe->link);
    arc__list_remove(&pipe->by_turn);
    engine->idle_pipe_count -= arc__list_linked(&pipe->idle) ? 1 : 0;
    arc__list_remove(&pipe->idle);
    engine->pipe_count--;
    arc__load_deinit(&pipe->load);
    arc__pipe_forget_text(engine, pipe);
    arc__arena_deinit(&pipe->arena);
    arc__free(&engine->mem, pipe);
}

static void trim(struct arc_engine *engine)
{
    ARC_LIST_EACH_SAFE(&engine->idle_pipes, link)
    {
        struct pipe *pipe = ARC_CONTAINER(link, struct pipe, idle);
        if (engine->idle_pipe_count <= PIPES_MAX)
            return;
        if (!arc__pipe_marked(pipe))
            arc__pipe_drop(engine, pipe);
    }
}

static void stand_idle(struct arc_engine *engine, struct pipe *pipe)
{
    arc__pipe_forget_text(engine, pipe);
    arc__list_add_tail(&engine->idle_pipes, &pipe->idle);
    engine->idle_pipe_count++;
}

void arc__pipe_use(struct arc_engine *engine, struct pipe *pipe)
{
    if (pipe->users++ > 0)
        return;
    arc__list_remove(&pipe->idle);
    engine->idle_pipe_count--;
}

void arc__pipe_leave(struct arc_engine *engine, struct pipe *pipe)
{
    if (--pipe->users == 0)
        stand_idle(engine, pipe);
}

void arc__pipe_mark(struct arc_engine *engine, struct pipe *pipe)
{
    if (!arc__pipe_marked(pipe))
        arc__list_add_tail(&engine->turn.pipes, &pipe->by_turn);
}

arc_status arc__pipe_new(struct arc_engine *engine, const arc_id *id, struct pipe **out,
                         arc_err *err)
{
    trim(engine);
    struct pipe *pipe = arc__alloc(&engine->mem, sizeof(*pipe));
    if (pipe == NULL)
        return arc__fail_nomem(err);
    pipe->id = *id;
    arc__arena_init(&pipe->arena, &engine->mem, PIPE_BYTES_MAX);
    arc__load_init(&pipe->load, &engine->mem);
    arc_status status = arc__map_put(&engine->pipes, arc__id_slice(id), pipe, NULL, err);
    if (status != ARC_OK) {
        arc__free(&engine->mem, pipe);
        return status;
    }
    arc__list_add_tail(&engine->pipe_list, &pipe->link);
    engine->pipe_count++;
    stand_idle(engine, pipe);
    *out = pipe;
    return ARC_OK;
}

arc_status arc__pipe_get(struct arc_engine *engine, arc_slice id, struct pipe **out, arc_err *err)
{
    arc_id key = {{0}};
    struct pipe *pipe = arc__map_get(&engine->pipes, id);
    if (pipe == NULL) {
        if (id.len == 0 || id.len > ARC_ULID_LEN)
            return arc__fail(err, ARC_ENOTFOUND, "pipeline", "No pipeline has this id.");
        (void)arc__slice_to_cstr(id, key.text, sizeof(key.text));
        ARC_TRY(arc__pipe_new(engine, &key, &pipe, err));
    }
    if (!pipe->loaded) {
        struct arc_query query = {.table = ARC_TABLE_pipeline, .filter_count = 1, .order_col = -1};
        query.filters[0] = arc__eq_text(ARC_COL_pipeline_id, id);
        arc_status status = arc__load(engine, &pipe->load, &query, err);
        if (status == ARC_EAGAIN)
            return status;
        if (status == ARC_OK && pipe->load.rows.count == 0)
            status = arc__fail(err, ARC_ENOTFOUND, "pipeline", "No pipeline has this id.");
        if (status == ARC_OK)
            status = arc__pipe_copy_row(pipe, pipe->load.rows.rows, err);
        arc__load_deinit(&pipe->load);
        if (status != ARC_OK) {
            if (pipe->users == 0)
                arc__pipe_drop(engine, pipe);
            return status;
        }
        pipe->loaded = 1;
    }
    if (arc__list_linked(&pipe->idle)) {
        arc__list_remove(&pipe->idle);
        arc__list_add_tail(&engine->idle_pipes, &pipe->idle);
    }
    *out = pipe;
    return ARC_OK;
}

/* --- what runs do to their pipeline -------------------------------------------------- */

static int shown(int run_status)
{
    return run_status == ARC_RUN_PARTIAL ? ARC_RUN_FAILED : run_status;
}

void arc__pipe_note(struct arc_engine *engine, struct live *live, const struct arc_decision *d)
{
    struct pipe *pipe = live->pipe;
    int changed = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct arc_event *event = d->events[i];
        if (event->job >= 0 || event->state == event->previous)
            continue;
        changed = 1;
        if (event->type == ARC_EVENT_PIPELINE_TRIGGERED)
            pipe->row.total_runs++;
        pipe->row.success_runs += event->state == ARC_RUN_SUCCESS;
        pipe->row.failed_runs += event->state == ARC_RUN_FAILED || event->state == ARC_RUN_PARTIAL;
    }
    if (!changed)
        return;
    if (live->run.birth->number == pipe->row.total_runs) /* the newest run */
        pipe->row.status = shown(live->run.status);
    arc__pipe_mark(engine, pipe);
    pipe->row_due = 1;
}

/* Whoever else has written the row since it was read has it: then the turn is lost. */
arc_status arc__pipe_store(struct arc_engine *engine, struct pipe *pipe, arc_err *err)
{
    if (!pipe->row_due)
        return ARC_OK;
    int64_t have = pipe->row.revision++;
    pipe->row_due = 0;
    return arc__turn_op(engine, ARC_STORE_UPDATE, ARC_TABLE_pipeline, &pipe->row, have, err);
}
