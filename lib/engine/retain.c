/* SPDX-License-Identifier: Apache-2.0 */
/* Retention of an engine at work: a pass now and then over what is old, one small batch a turn and
 * a pause behind each, so that whatever else is there to do goes first. Who keeps all runs asks
 * nothing and is not woken. */
#include <stdio.h>

#include "engine/engine_private.h"

#define FIRST_NS (UINT64_C(10) * 1000000000)  /* behind the start, which has better things to do */
#define PASS_NS (UINT64_C(60) * 1000000000)   /* between two passes at least */
#define PAUSE_NS (UINT64_C(10) * 1000000)     /* between two batches */
#define KEYS_NS (UINT64_C(3600) * 1000000000) /* behind a requestId that was kept */

static int keeps_all(const struct arc_engine *engine)
{
    const struct arc_retention *retention = &engine->options.retention;
    return retention->max_age_ns == 0 && retention->per_pipeline == 0 && retention->runs == 0;
}

static void due_in(struct arc_engine *engine, uint64_t ns)
{
    uint64_t at = engine->now.mono_ns + ns;
    if (at < engine->retain.due_mono_ns)
        engine->retain.due_mono_ns = at;
}

void arc__retain_open(struct arc_engine *engine)
{
    arc__load_init(&engine->retain.load, &engine->mem);
    engine->retain.due_mono_ns = UINT64_MAX;
    if (!keeps_all(engine))
        due_in(engine, FIRST_NS);
}

void arc__retain_close(struct arc_engine *engine)
{
    arc__load_deinit(&engine->retain.load);
    arc__prune_free(engine->retain.prune);
}

void arc__retain_note_end(struct arc_engine *engine)
{
    if (!keeps_all(engine) && !engine->retain.passing)
        due_in(engine, PASS_NS);
}

void arc__retain_note_key(struct arc_engine *engine)
{
    if (!engine->retain.passing)
        due_in(engine, KEYS_NS);
}

uint64_t arc__retain_deadline(const struct arc_engine *engine)
{
    const struct retain *retain = &engine->retain;
    if (retain->load.state == 1 || retain->storing) /* the store wakes us */
        return UINT64_MAX;
    return retain->due_mono_ns > engine->retry_mono_ns ? retain->due_mono_ns
                                                       : engine->retry_mono_ns;
}

/* --- what a pass asks of us --------------------------------------------------------------------
 */

static arc_status answer(void *user, const struct arc_query *query, struct arc_rows *rows,
                         arc_err *err)
{
    struct arc_engine *engine = user;
    ARC_TRY(arc__load(engine, &engine->retain.load, query, err));
    *rows = engine->retain.load.rows;
    return ARC_OK;
}

static void release(void *user)
{
    struct arc_engine *engine = user;
    arc__load_deinit(&engine->retain.load);
}

/* Somebody may be about to do something with it. */
static int is_busy(void *user, arc_slice run_id)
{
    const struct arc_engine *engine = user;
    return arc__map_get(&engine->runs, run_id) != NULL;
}

static arc_status remove_logs(void *user, arc_slice run_id, arc_err *err)
{
    struct arc_engine *engine = user;
    return engine->logs->ops->remove_run(engine->logs, run_id, err);
}

/* --- passes --------------------------------------------------------------------------------------
 */

static arc_status begin(struct arc_engine *engine, arc_err *err)
{
    struct retain *retain = &engine->retain;
    const struct arc_prune_io io = {engine, answer, release, is_busy, remove_logs};
    if (retain->prune == NULL)
        ARC_TRY(
            arc__prune_new(&engine->mem, &io, &engine->options.retention, 0, &retain->prune, err));
    arc__prune_begin(retain->prune, engine->now.wall_ns);
    retain->busy = arc__prune_report(retain->prune)->busy;
    retain->passing = 1;
    return ARC_OK;
}

/* When there is something again: a run gets too old, or one that was in use is not any more. */
static void end(struct arc_engine *engine)
{
    struct retain *retain = &engine->retain;
    int64_t due_ns = arc__prune_due(retain->prune), now_ns = engine->now.wall_ns;
    retain->passing = 0;
    retain->due_mono_ns = UINT64_MAX;
    if (due_ns > 0)
        due_in(engine, due_ns - now_ns > (int64_t)PASS_NS ? (uint64_t)(due_ns - now_ns) : PASS_NS);
    if (arc__prune_report(retain->prune)->busy > retain->busy)
        due_in(engine, (uint64_t)ARC_LINGER_NS + PASS_NS);
}

/* It is tried again with the next pass. */
static void give_up(struct arc_engine *engine, const arc_err *why)
{
    char text[300];
    (void)snprintf(text, sizeof(text), "Old runs are not deleted for now: %.200s", why->message);
    arc__engine_say(engine, ARC_LOG_WARN, text);
    arc__load_deinit(&engine->retain.load);
    engine->retain.passing = 0;
    engine->retain.due_mono_ns = UINT64_MAX;
    due_in(engine, PASS_NS);
}

static arc_status store(struct arc_engine *engine, const struct arc_store_op *ops, size_t count,
                        arc_err *err)
{
    for (size_t i = 0; i < count; i++)
        ARC_TRY(arc__turn_op(engine, ops[i].verb, ops[i].table, ops[i].row, ops[i].expect_version,
                             err));
    engine->retain.storing = 1;
    return ARC_OK;
}

arc_status arc__retain_settle(struct arc_engine *engine, arc_err *err)
{
    struct retain *retain = &engine->retain;
    arc_err why = ARC_ERR_INIT;
    size_t count = 0;
    if (!arc__is_leader(engine) && retain->due_mono_ns <= engine->now.mono_ns) {
        retain->due_mono_ns = engine->now.mono_ns + PASS_NS;
        return ARC_OK;
    }
    if (arc__retain_deadline(engine) > engine->now.mono_ns ||
        arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX)
        return ARC_OK;
    arc_status status = retain->passing ? ARC_OK : begin(engine, &why);
    if (status == ARC_OK && arc__prune_batch(retain->prune, &count) != NULL && count == 0)
        status = arc__prune_next(retain->prune, &why);
    if (status == ARC_EAGAIN)
        return ARC_OK;
    if (status == ARC_EDONE) {
        end(engine);
        return ARC_OK;
    }
    if (status != ARC_OK) {
        give_up(engine, &why);
        return ARC_OK;
    }
    retain->due_mono_ns = engine->now.mono_ns + PAUSE_NS;
    const struct arc_store_op *ops = arc__prune_batch(retain->prune, &count);
    return count > 0 ? store(engine, ops, count, err) : ARC_OK;
}

void arc__retain_end(struct arc_engine *engine, int kept)
{
    struct retain *retain = &engine->retain;
    if (!retain->storing)
        return;
    uint64_t before = arc__prune_report(retain->prune)->runs;
    retain->storing = 0;
    arc__prune_stored(retain->prune, kept);
    engine->stats.runs_deleted += arc__prune_report(retain->prune)->runs - before;
}
