/* SPDX-License-Identifier: Apache-2.0 */
/* An engine with copies of the agents and nothing else, on which placement is tried out. */
#include "engine/explain_private.h"

/* --- the scratch engine -------------------------------------------------------------- */

static struct agent *add_agent(struct scratch *scratch, const struct agent *from)
{
    struct agent *agent = ARC_ARENA_NEW(scratch->arena, struct agent);
    if (agent == NULL)
        return NULL;
    *agent = *from; /* its texts are those of the real one */
    agent->free_place = 0;
    agent->fresh = (struct arc_link){0};
    arc__list_init(&agent->placements);
    arc__list_add_tail(&scratch->engine.agent_list, &agent->link);
    scratch->engine.agents.count++; /* of the map, which is empty */
    if (agent->is_host)
        scratch->engine.host = agent;
    return agent;
}

static arc_status add_newcomer(struct scratch *scratch, const struct arc_newcomer *newcomer)
{
    struct agent agent = {.row = {.id = ARC_LIT("new"),
                                  .name = ARC_LIT("new"),
                                  .os = newcomer->os,
                                  .arch = newcomer->arch,
                                  .max_concurrent = newcomer->slots > 0 ? newcomer->slots : 1,
                                  .approved = 1,
                                  .enabled = 1},
                          .labels = newcomer->labels,
                          .session = &scratch->open,
                          .online = 1,
                          .heard = 1,
                          .idle_since_mono_ns = scratch->engine.now.mono_ns};
    scratch->newcomer = add_agent(scratch, &agent);
    return scratch->newcomer != NULL ? ARC_OK : ARC_ENOMEM;
}

static arc_status add_agents(struct scratch *scratch, const struct arc_look *look, arc_err *err)
{
    ARC_LIST_EACH(&look->engine->agent_list, link)
    {
        if (add_agent(scratch, ARC_CONTAINER(link, struct agent, link)) == NULL)
            return arc__fail_nomem(err);
    }
    if ((look->ask.what & ARC_LOOK_AGENT) != 0 &&
        add_newcomer(scratch, &look->ask.newcomer) != ARC_OK)
        return arc__fail_nomem(err);
    return arc__free_reserve(&scratch->engine, err);
}

static void begin(struct scratch *scratch, const struct arc_look *look)
{
    const struct arc_engine *engine = look->engine;
    *scratch = (struct scratch){.arena = (struct arc_arena *)(uintptr_t)&look->arena};
    scratch->engine.options = engine->options;
    scratch->engine.mem = engine->mem;
    scratch->engine.now = engine->now;
    scratch->engine.host_port = engine->host_port;
    arc__map_init(&scratch->engine.lanes, &engine->mem, 0, 0);
    arc__buf_init(&scratch->engine.lane_key, &engine->mem, ARC_LANE_KEY_MAX);
    arc__list_init(&scratch->engine.agent_list);
    arc__list_init(&scratch->engine.levels);
    arc__list_init(&scratch->engine.cold_lanes);
    arc__list_init(&scratch->engine.fresh_agents);
}

/* What each has looked at is of the queue that has been copied, or of none. */
static void settle_agents(struct scratch *scratch, int queued)
{
    ARC_LIST_EACH(&scratch->engine.agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (!queued)
            agent->cold_seen = 0;
        arc__agent_freed(&scratch->engine, agent);
    }
}

arc_status arc__scratch_open(struct scratch *scratch, const struct arc_look *look, int queued,
                             arc_err *err)
{
    begin(scratch, look);
    arc_status status = add_agents(scratch, look, err);
    if (status == ARC_OK && queued)
        status = arc__lanes_copy(&scratch->engine, look->engine, scratch->arena, err);
    if (status == ARC_OK)
        settle_agents(scratch, queued);
    else
        arc__scratch_close(scratch);
    return status;
}

void arc__scratch_close(struct scratch *scratch)
{
    struct arc_engine *engine = &scratch->engine;
    arc__lanes_drop(engine);
    arc__map_deinit(&engine->lanes);
    arc__buf_deinit(&engine->lane_key);
    arc__free(&engine->mem, engine->free);
    engine->free = NULL; /* the rest lives in the arena */
}

arc_status arc__scratch_queue(struct scratch *scratch, struct ready *ready, arc_err *err)
{
    return ready->flow == NULL ? arc__lane_add(&scratch->engine, ready, err) : ARC_OK;
}

void arc__scratch_unqueue(struct scratch *scratch, struct ready *ready)
{
    arc__lane_remove(&scratch->engine, ready);
}

struct ready *arc__scratch_pick(struct scratch *scratch, struct agent **agent, uint64_t *work)
{
    struct arc_engine *engine = &scratch->engine;
    uint64_t looks = engine->stats.place_looks;
    arc__place_news(engine);
    struct ready *ready = arc__place_pick(engine, agent);
    *work += engine->stats.place_looks - looks;
    if (ready == NULL)
        return NULL;
    (*agent)->used++;
    arc__agent_shift(engine, *agent);
    return ready;
}

struct ready *arc__scratch_next(struct scratch *scratch, struct lane **lane)
{
    *lane = arc__lane_next(&scratch->engine);
    if (*lane == NULL)
        return NULL;
    struct ready *ready = arc__lane_first(*lane);
    arc__lane_take(&scratch->engine, ready);
    return ready;
}

void arc__scratch_free(struct scratch *scratch, struct agent *agent, uint32_t slots)
{
    agent->used -= slots < agent->used ? slots : agent->used;
    if (agent->used == 0)
        agent->idle_since_mono_ns = scratch->engine.now.mono_ns;
    arc__agent_freed(&scratch->engine, agent);
}

struct agent *arc__scratch_agent(struct scratch *scratch, arc_slice id)
{
    ARC_LIST_EACH(&scratch->engine.agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (arc__slice_equal(agent->row.id, id))
            return agent;
    }
    return NULL;
}

/* --- an agent that is not there ------------------------------------------------------ */

static int shown(const struct arc_look *look, const struct arc_run *run)
{
    const struct arc_principal *who = &look->ask.principal;
    return (look->ask.run_id.len == 0 ||
            arc__slice_equal(look->ask.run_id, arc__id_slice(&run->id))) &&
           (who->project_id[0] == '\0' || arc__slice_is(run->birth->project_id, who->project_id));
}

static struct arc_would *add_would(struct arc_look *look, const struct ready *ready, uint32_t place)
{
    struct arc_look_result *out = &look->result;
    const struct arc_run *run = &ready->live->run;
    if (out->would_count == look->limits.waiting) {
        out->would_left_out++;
        return NULL;
    }
    struct arc_would *would = &out->would[out->would_count++];
    *would = (struct arc_would){
        .run_id = arc__arena_copy(&look->arena, arc__id_slice(&run->id)),
        .pipeline_id = arc__arena_copy(&look->arena, run->pipeline_id),
        .job_id = arc__arena_copy(&look->arena, arc__id_slice(&run->jobs[ready->job].id)),
        .job_name = arc__arena_copy(&look->arena, run->plan->jobs[ready->job].key),
        .place = place,
        .first = out->waits.count};
    return would;
}

/* Those that get no place, in the order in which they would be served. */
static arc_status tell_waiting(struct arc_look *look, struct scratch *scratch, arc_err *err)
{
    struct others others;
    struct lane *lane = NULL;
    struct ready *ready = NULL;
    struct arc_waits *waits = &look->result.waits;
    ARC_TRY(arc__others_list(&scratch->engine, &look->arena, look->limits.work, &others, err));
    arc__lanes_warm_all(&scratch->engine);
    while ((ready = arc__scratch_next(scratch, &lane)) != NULL) {
        const struct arc_run *run = &ready->live->run;
        struct arc_would *would = shown(look, run) ? add_would(look, ready, 0) : NULL;
        if (would == NULL)
            continue;
        arc__waits_of(waits, (int32_t)ready->job, -1);
        arc__wait_place(&scratch->engine, run, ready->job, &others, waits);
        would->count = waits->count - would->first;
    }
    return ARC_OK;
}

/* Those who are there keep what they have; what they could take they have taken before. */
arc_status arc__newcomer(struct arc_look *look, arc_err *err)
{
    struct scratch scratch;
    struct ready *ready = NULL;
    struct agent *agent = NULL;
    uint64_t work = 0;
    uint32_t place = 0;
    struct arc_look_result *out = &look->result;
    out->would = arc__arena_array(&look->arena, look->limits.waiting, sizeof(*out->would));
    if (out->would == NULL)
        return arc__fail_nomem(err);
    if (look->engine->ready_count > look->limits.queue)
        return arc__fail(err, ARC_ELIMIT, "queue", "More than %u jobs wait.", look->limits.queue);
    ARC_TRY(arc__scratch_open(&scratch, look, 1, err));
    while (work < look->limits.work &&
           (ready = arc__scratch_pick(&scratch, &agent, &work)) != NULL) {
        place += agent == scratch.newcomer;
        if (agent == scratch.newcomer && shown(look, &ready->live->run))
            (void)add_would(look, ready, place);
    }
    arc_status status = tell_waiting(look, &scratch, err);
    arc__scratch_close(&scratch);
    return status == ARC_OK && look->arena.failed ? arc__fail_nomem(err) : status;
}
