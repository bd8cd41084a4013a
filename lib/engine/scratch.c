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

arc_status arc__scratch_open(struct scratch *scratch, const struct arc_look *look, arc_err *err)
{
    const struct arc_engine *engine = look->engine;
    *scratch = (struct scratch){.arena = (struct arc_arena *)(uintptr_t)&look->arena};
    scratch->engine.options = engine->options;
    scratch->engine.mem = engine->mem;
    scratch->engine.now = engine->now;
    scratch->engine.host_port = engine->host_port;
    arc__list_init(&scratch->engine.agent_list);
    arc__list_init(&scratch->engine.ready_list);
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        if (add_agent(scratch, ARC_CONTAINER(link, struct agent, link)) == NULL)
            return arc__fail_nomem(err);
    }
    if ((look->ask.what & ARC_LOOK_AGENT) != 0 &&
        add_newcomer(scratch, &look->ask.newcomer) != ARC_OK)
        return arc__fail_nomem(err);
    return ARC_OK;
}

void arc__scratch_close(struct scratch *scratch)
{
    (void)scratch; /* all of it lives in the arena */
}

arc_status arc__scratch_queue(struct scratch *scratch, struct ready *ready, arc_err *err)
{
    (void)err;
    arc__list_add_tail(&scratch->engine.ready_list, &ready->link);
    return ARC_OK;
}

void arc__scratch_unqueue(struct scratch *scratch, struct ready *ready)
{
    (void)scratch;
    arc__list_remove(&ready->link);
}

int arc__scratch_pick(struct scratch *scratch, struct ready **ready, struct agent **agent,
                      uint64_t *work)
{
    if (!arc__place_pick(&scratch->engine, ready, agent, work))
        return 0;
    arc__list_remove(&(*ready)->link);
    (*agent)->used++;
    return 1;
}

void arc__scratch_free(struct scratch *scratch, struct agent *agent, uint32_t slots)
{
    agent->used -= slots < agent->used ? slots : agent->used;
    if (agent->used == 0)
        agent->idle_since_mono_ns = scratch->engine.now.mono_ns;
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

static arc_status queue_all(struct arc_look *look, struct scratch *scratch, arc_err *err)
{
    struct arc_engine *engine = look->engine;
    ARC_LIST_EACH(&engine->ready_list, link)
    {
        const struct ready *waits = ARC_CONTAINER(link, struct ready, link);
        struct ready *copy = NULL;
        if (waits->live->changed ||
            !arc__job_wants_place(&waits->live->run, waits->job, engine->now))
            continue;
        copy = ARC_ARENA_NEW(&look->arena, struct ready);
        if (copy == NULL)
            return arc__fail_nomem(err);
        *copy = (struct ready){.live = waits->live, .job = waits->job};
        ARC_TRY(arc__scratch_queue(scratch, copy, err));
    }
    return ARC_OK;
}

/* Those who are there keep what they have; what they could take they have taken before. */
arc_status arc__newcomer(struct arc_look *look, arc_err *err)
{
    struct scratch scratch;
    struct ready *ready = NULL;
    struct agent *agent = NULL;
    struct others others = {0};
    uint64_t work = 0;
    uint32_t place = 0;
    struct arc_look_result *out = &look->result;
    out->would = arc__arena_array(&look->arena, look->limits.waiting, sizeof(*out->would));
    if (out->would == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(arc__scratch_open(&scratch, look, err));
    arc_status status = queue_all(look, &scratch, err);
    while (status == ARC_OK && work < look->limits.work &&
           arc__scratch_pick(&scratch, &ready, &agent, &work)) {
        place += agent == scratch.newcomer;
        if (agent == scratch.newcomer && shown(look, &ready->live->run))
            (void)add_would(look, ready, place);
    }
    if (status == ARC_OK)
        status = arc__others_list(&scratch.engine, &look->arena, look->limits.work, &others, err);
    ARC_LIST_EACH(&scratch.engine.ready_list, link)
    {
        const struct ready *waits = ARC_CONTAINER(link, struct ready, link);
        struct arc_would *would = shown(look, &waits->live->run) ? add_would(look, waits, 0) : NULL;
        if (would == NULL)
            continue;
        arc__waits_of(&out->waits, (int32_t)waits->job, -1);
        arc__wait_place(&scratch.engine, &waits->live->run, waits->job, &others, &out->waits);
        would->count = out->waits.count - would->first;
    }
    arc__scratch_close(&scratch);
    return status == ARC_OK && look->arena.failed ? arc__fail_nomem(err) : status;
}
