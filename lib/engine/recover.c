/* SPDX-License-Identifier: Apache-2.0 */
/* Taking up what was unfinished: at open, and after a turn that was not stored. Counters, then
 * credentials, agents, and every run that is not over, folded from its events. There is no other
 * path by which state comes back. */
#include "engine/copy.h"
#include "engine/engine_private.h"
#include "engine/migrate.h"

#define RUNS_MAX_LOADED 1000000u

enum phase { FENCE, POSITION, REPLICAS, TOKENS, AGENTS, RUNS, LIVES, DONE };

/* Epochs that processes may have taken at the same time, the last of which wrote the counter. */
#define EPOCHS_AT_ONCE 64

static void again(struct arc_engine *engine)
{
    arc__load_deinit(&engine->recover_load);
}

/* Several processes have been at work here, and one is now. */
static uint64_t above_epochs(int64_t epoch, uint64_t fence)
{
    uint64_t first = ((uint64_t)epoch + EPOCHS_AT_ONCE) << ARC_EPOCH_BITS;
    return fence > first ? fence : first;
}

/* The fence, and whether this is a store at all. */
static arc_status fence(struct arc_engine *engine, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_counter, .order_col = -1};
    ARC_TRY(arc__load(engine, &engine->recover_load, &query, err));
    const struct arc_row_counter *row = engine->recover_load.rows.rows;
    uint64_t last = 0;
    engine->schema = 0;
    for (size_t i = 0; i < engine->recover_load.rows.count; i++) {
        if (arc__slice_is(row[i].name, "fence") && (uint64_t)row[i].value > last)
            last = (uint64_t)row[i].value;
        if (arc__slice_is(row[i].name, ARC_EPOCH_COUNTER) && !engine->replicas.on)
            last = above_epochs(row[i].value, last);
        if (arc__slice_is(row[i].name, ARC_SCHEMA_COUNTER))
            engine->schema = row[i].value;
        if (arc__slice_is(row[i].name, ARC_COPY_MARK))
            return arc__fail(err, ARC_EPRECONDITION, "store",
                             "The store is a copy of another one that was not finished; go on with "
                             "it by `arcentra store copy --resume`.");
    }
    if (engine->schema > arc__schema_newest())
        return arc__fail(err, ARC_EPRECONDITION, "store",
                         "The store was written by a newer version (schema %lld, not %lld).",
                         (long long)engine->schema, (long long)arc__schema_newest());
    if (!engine->replicas.engaged) /* else they are our epoch's */
        engine->fence = last;
    return ARC_OK;
}

/* A store that is new has the newest schema; rows of an older one lack some columns. */
static void check_schema(struct arc_engine *engine)
{
    if (!engine->options.marks_schema || engine->schema >= arc__schema_newest())
        return;
    if (engine->position == 0)
        engine->schema = ARC_SCHEMA_DUE;
    else if (!engine->opened)
        arc__engine_say(engine, ARC_LOG_WARN,
                        "An earlier version wrote the store, and some columns in the rows of its "
                        "runs are empty: `arcentra store migrate` fills them.");
}

static arc_status position(struct arc_engine *engine, arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_event, .order_col = ARC_COL_event_position, .descending = 1, .limit = 1};
    /* It passes every row, but the index is over positions that are not 0. */
    query.filters[query.filter_count++] =
        (struct arc_filter){.col = ARC_COL_event_position, .op = ARC_FILTER_GT};
    ARC_TRY(arc__load(engine, &engine->recover_load, &query, err));
    const struct arc_row_event *row = engine->recover_load.rows.rows;
    engine->position = engine->recover_load.rows.count > 0 ? row->position : 0;
    check_schema(engine);
    if (engine->published == engine->position)
        return ARC_OK;
    /* The first look, or a commit that was said to have failed and had not: what the ring does not
     * hold is read from the store. */
    engine->published = engine->position;
    engine->ring_first = engine->position + 1;
    ARC_LIST_EACH(&engine->event_watches, link)
    {
        arc__event_watch_due(ARC_CONTAINER(link, struct arc_event_watch, link));
    }
    return ARC_OK;
}

arc_status arc__recover_tokens(struct arc_engine *engine, struct load *load, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_token, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_int(ARC_COL_token_revoked_at_ns, 0);
    ARC_TRY(arc__load(engine, load, &query, err));
    const struct arc_row_token *row = load->rows.rows;
    size_t at = 0;
    void *value = NULL;
    while (arc__map_next(&engine->tokens, &at, NULL, &value))
        ((struct token *)value)->known = 0;
    for (size_t i = 0; i < load->rows.count; i++)
        ARC_TRY(arc__token_add(engine, &row[i], err));
    /* Those of a turn that was lost: nobody was told of them. */
    at = 0;
    arc_slice key;
    while (arc__map_next(&engine->tokens, &at, &key, &value)) {
        if (((struct token *)value)->known || engine->replicas.agents_late)
            continue;
        (void)arc__map_remove(&engine->tokens, key);
        arc__token_drop(engine, value);
    }
    return ARC_OK;
}

static void drop_unknown_agents(struct arc_engine *engine)
{
    ARC_LIST_EACH_SAFE(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (!agent->known && !agent->is_host && arc__list_empty(&agent->placements)) {
            arc__agent_leave(agent);
            arc__agent_drop(engine, agent);
        }
    }
}

/* What another process's agent does is written by that process. One of ours that has changed since
 * the question was asked is newer than the answer. */
static arc_status read_agent(struct arc_engine *engine, const struct arc_row_agent *row,
                             arc_err *err)
{
    struct agent *agent = arc__agent_find(engine, row->id);
    int is_new = agent == NULL;
    if (is_new) {
        ARC_TRY(arc__agent_new(engine, row, &agent, err));
        engine->replicas.newcomers = 1;
    } else if (row->version >= agent->row.version || engine->recovering) {
        arc__agent_followed(engine, agent, row);
        ARC_TRY(arc__agent_set_row(agent, row, err));
    }
    agent->epoch_known = 0;
    agent->known = 1;
    arc__agent_placed(engine, agent, is_new);
    arc__agent_relabelled(engine, agent);
    return ARC_OK;
}

/* What another process gave to agents that were not known here: from now on it is in their hands,
 * and watched by their home. */
static arc_status meet_newcomers(struct arc_engine *engine, arc_err *err)
{
    if (!engine->replicas.newcomers)
        return ARC_OK;
    ARC_LIST_EACH(&engine->live_list, link)
    {
        struct live *live = ARC_CONTAINER(link, struct live, link);
        if (!live->loaded || !live->strangers)
            continue;
        live->strangers = 0;
        arc_status status = arc__live_index(live, err);
        live->strangers |= status != ARC_OK;
        ARC_TRY(status);
    }
    engine->replicas.newcomers = 0;
    return ARC_OK;
}

arc_status arc__recover_agents(struct arc_engine *engine, struct load *load, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_agent, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_int(ARC_COL_agent_unregistered_at_ns, 0);
    ARC_TRY(arc__load(engine, load, &query, err));
    const struct arc_row_agent *row = load->rows.rows;
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        ARC_CONTAINER(link, struct agent, link)->known = 0;
    }
    for (size_t i = 0; i < load->rows.count; i++)
        ARC_TRY(read_agent(engine, &row[i], err));
    if (!engine->replicas.agents_late)
        drop_unknown_agents(engine);
    return meet_newcomers(engine, err);
}

/* Beside others a turn is lost now and then: what it had touched is read again, and nothing else.
 */
static int skips_runs(const struct arc_engine *engine)
{
    return engine->replicas.on && !engine->replicas.full && engine->opened;
}

/* What others did to the runs of one whose place we take was told to that one: those that we have
 * for something else may be old, and over. */
static void doubt_inherited(struct arc_engine *engine)
{
    ARC_LIST_EACH(&engine->replicas.guests, link)
    {
        struct live *live = ARC_CONTAINER(link, struct live, visiting);
        if (live->loaded && arc__is_ours(engine, arc__slice_cstr(live->home)))
            arc__live_doubt(live);
    }
}

static arc_status runs(struct arc_engine *engine, arc_err *err)
{
    static const int64_t unfinished[] = {ARC_RUN_PENDING, ARC_RUN_RUNNING, ARC_RUN_PAUSED};
    if (skips_runs(engine))
        return ARC_OK;
    doubt_inherited(engine);
    struct arc_query query = {.table = ARC_TABLE_pipeline_run,
                              .filter_count = 1,
                              .order_col = ARC_COL_pipeline_run_created_at_ns,
                              .limit = RUNS_MAX_LOADED};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                           .op = ARC_FILTER_IN,
                                           .ints = unfinished,
                                           .int_count = ARC_COUNT_OF(unfinished)};
    ARC_TRY(arc__load(engine, &engine->recover_load, &query, err));
    engine->recover_at = 0;
    return ARC_OK;
}

/* Without its events or its pipeline a run that is not over cannot go on. */
static arc_status lose(struct arc_engine *engine, arc_slice run_id, const arc_err *why,
                       arc_err *err)
{
    int no_events = arc__slice_is(arc__slice_cstr(why->subject), "run");
    return arc__aside_add(engine, run_id,
                          no_events ? ARC_LIT("Its first event is missing.")
                                    : ARC_LIT("Its pipeline is missing."),
                          0, err);
}

static arc_status take_up(struct arc_engine *engine, const struct arc_row_pipeline_run *row,
                          arc_err *err)
{
    struct live *live = NULL;
    arc_err why = ARC_ERR_INIT;
    if (row->held == ARC_HELD_DAMAGED)
        return arc__aside_add(engine, row->id, row->held_why, 1, err);
    if (row->held != 0 || arc__engine_quarantined(engine, row->id) != NULL ||
        !arc__is_ours(engine, row->home))
        return ARC_OK;
    arc_status status = arc__live_recover(engine, row, &live, &why);
    if (status == ARC_ENOTFOUND)
        return lose(engine, row->id, &why, err);
    if (status == ARC_ECONFLICT) /* it has just been set aside */
        return ARC_OK;
    return status == ARC_OK || status == ARC_EAGAIN
               ? status
               : arc__fail(err, status, why.subject, "%s", why.message);
}

/* What we are to the runs in memory may be another thing now. */
static arc_status settle_all(struct arc_engine *engine, arc_err *err)
{
    if (!engine->replicas.on)
        return ARC_OK;
    ARC_LIST_EACH(&engine->live_list, link)
    {
        struct live *live = ARC_CONTAINER(link, struct live, link);
        if (live->loaded)
            ARC_TRY(arc__live_settle(live, err));
    }
    return ARC_OK;
}

/* One damaged run must not keep the others from starting: it is set aside, and said. */
static arc_status lives(struct arc_engine *engine, arc_err *err)
{
    const struct arc_row_pipeline_run *row = engine->recover_load.rows.rows;
    ARC_TRY(arc__homes_read_lost(engine, err));
    while (engine->recover_at < engine->recover_load.rows.count) {
        ARC_TRY(take_up(engine, &row[engine->recover_at], err));
        engine->recover_at++;
    }
    return settle_all(engine, err);
}

/* Cached rows that a lost turn had changed, while runs use them. */
static arc_status refresh_pipes(struct arc_engine *engine, arc_err *err)
{
    ARC_LIST_EACH_SAFE(&engine->pipe_list, link)
    {
        struct pipe *pipe = ARC_CONTAINER(link, struct pipe, link);
        struct pipe *out = NULL;
        if (!pipe->loaded && pipe->users > 0)
            ARC_TRY(arc__pipe_get(engine, arc__id_slice(&pipe->id), &out, err));
    }
    return ARC_OK;
}

static arc_status step(struct arc_engine *engine, arc_err *err)
{
    switch ((enum phase)engine->recover_phase) {
    case FENCE:
        return fence(engine, err);
    case POSITION:
        return position(engine, err);
    case REPLICAS:
        return arc__replicas_read(engine, err);
    case TOKENS:
        return arc__recover_tokens(engine, &engine->recover_load, err);
    case AGENTS:
        return arc__recover_agents(engine, &engine->recover_load, err);
    case RUNS:
        return runs(engine, err);
    case LIVES:
        ARC_TRY(refresh_pipes(engine, err));
        return lives(engine, err);
    default:
        return ARC_OK;
    }
}

/* Once open, a store that is away or memory that is out is no end: it is tried again. */
static arc_status stumble(struct arc_engine *engine, arc_status status, const arc_err *why,
                          arc_err *err)
{
    again(engine);
    if (engine->recover_phase == LIVES)
        engine->recover_phase = RUNS; /* the list went with its load */
    if (!engine->opened || (status != ARC_EUNAVAILABLE && status != ARC_ENOMEM))
        return arc__fail(err, status, why->subject, "%s", why->message);
    engine->retry_mono_ns = engine->now.mono_ns + (uint64_t)ARC_RETRY_NS;
    arc__refuse_waiting(engine, ARC_EUNAVAILABLE, why);
    return ARC_OK;
}

arc_status arc__recover(struct arc_engine *engine, arc_err *err)
{
    while (engine->recover_phase < DONE) {
        arc_err why = ARC_ERR_INIT;
        arc_status status = step(engine, &why);
        if (status == ARC_EAGAIN)
            return ARC_OK; /* the store answers later */
        if (status != ARC_OK)
            return stumble(engine, status, &why, err);
        engine->recover_phase++;
        if (engine->recover_phase != LIVES) /* lives walks what runs has read */
            again(engine);
    }
    engine->recovering = 0;
    engine->opened = 1;
    engine->replicas.full = 0;
    engine->place_due = 1;
    engine->sweep_mono_ns = 0;
    return ARC_OK;
}
