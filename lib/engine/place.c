/* SPDX-License-Identifier: Apache-2.0 */
/* Which agent takes a waiting job: it matches, it has a free slot and an open channel; among those
 * the least loaded, then the one that has been idle longest, then the first by id. Jobs are served
 * in the order in which they were queued. */
#include "engine/engine_private.h"

int arc__agent_may_take(const struct agent *agent)
{
    return agent->session != NULL && agent->row.approved && agent->row.enabled &&
           (agent->online || agent->heard) && (int64_t)agent->used < agent->row.max_concurrent;
}

/* Load as a fraction without division: used_a / max_a < used_b / max_b. */
static int better(const struct agent *a, const struct agent *b)
{
    uint64_t left = (uint64_t)a->used * (uint64_t)b->row.max_concurrent;
    uint64_t right = (uint64_t)b->used * (uint64_t)a->row.max_concurrent;
    if (left != right)
        return left < right;
    if (a->used == 0 && a->idle_since_mono_ns != b->idle_since_mono_ns)
        return a->idle_since_mono_ns < b->idle_since_mono_ns;
    return arc__slice_compare(a->row.id, b->row.id) < 0;
}

/* "actions/go-build@v1" without its version. */
static arc_slice bare_uses(arc_slice uses)
{
    arc_slice rest;
    return arc__slice_cut(uses, '@', &rest);
}

int arc__place_host_has(const struct arc_engine *engine, arc_slice uses)
{
    return engine->host_port.offers != NULL &&
           engine->host_port.offers(engine->host_port.user, bare_uses(uses));
}

static int host_has_all(const struct arc_engine *engine, const struct arc_plan_job *job)
{
    for (uint32_t s = 0; s < job->step_count; s++) {
        if (!arc__place_host_has(engine, job->steps[s].uses))
            return 0;
    }
    return 1;
}

int arc__place_on_host(const struct arc_engine *engine, const struct arc_plan_job *job)
{
    if (engine->host == NULL || job->place == 1 || engine->host_port.offers == NULL)
        return 0;
    if (job->place == 2)
        return 1;
    return engine->options.rules.host_default && host_has_all(engine, job);
}

static struct agent *choose(struct arc_engine *engine, const struct arc_plan_job *job)
{
    struct agent *best = NULL;
    if (arc__place_on_host(engine, job))
        return arc__agent_may_take(engine->host) ? engine->host : NULL;
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (agent->is_host || !arc__agent_may_take(agent) ||
            !arc__selector_match(&job->selector, &agent->labels))
            continue;
        if (best == NULL || better(agent, best))
            best = agent;
    }
    return best;
}

/* 1: somebody has a slot; else there is no need to look at every job. */
static int any_slot(const struct arc_engine *engine)
{
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        if (arc__agent_may_take(ARC_CONTAINER(link, struct agent, link)))
            return 1;
    }
    return 0;
}

uint32_t arc__place_before(const struct arc_engine *engine, const struct ready *ready)
{
    uint32_t before = 0;
    for (struct arc_link *link = ready->link.prev; link != &engine->ready_list; link = link->prev) {
        const struct ready *other = ARC_CONTAINER(link, struct ready, link);
        before += arc__job_wants_place(&other->live->run, other->job, engine->now) != 0;
    }
    return before;
}

int arc__place_pick(struct arc_engine *engine, struct ready **ready, struct agent **agent,
                    uint64_t *looks)
{
    if (!any_slot(engine))
        return 0;
    ARC_LIST_EACH(&engine->ready_list, link)
    {
        struct ready *next = ARC_CONTAINER(link, struct ready, link);
        if (!arc__job_wants_place(&next->live->run, next->job, engine->now))
            continue;
        *agent = choose(engine, &next->live->run.plan->jobs[next->job]);
        *looks += engine->agents.count;
        *ready = next;
        if (*agent != NULL)
            return 1;
    }
    return 0;
}

arc_status arc__place(struct arc_engine *engine, arc_err *err)
{
    engine->place_due = 0;
    if (arc__list_empty(&engine->ready_list) || !any_slot(engine))
        return ARC_OK;
    ARC_LIST_EACH_SAFE(&engine->ready_list, link)
    {
        struct ready *ready = ARC_CONTAINER(link, struct ready, link);
        struct live *live = ready->live;
        uint32_t job = ready->job;
        struct arc_decision d;
        if (!arc__job_wants_place(&live->run, job, engine->now))
            continue;
        struct agent *agent = choose(engine, &live->run.plan->jobs[job]);
        if (agent == NULL)
            continue;
        ARC_TRY(arc__turn_enter(engine, live, &d, err));
        const struct arc_place_facts place = {agent->row.id, agent->row.name, agent->row.os,
                                              agent->row.arch, agent->labels};
        arc_status status = arc__decide_place(&d, &live->run, job, &place, err);
        ARC_TRY(arc__turn_leave(engine, live, &d, status, err));
        if (engine->turn.op_count > ARC_TURN_OPS_MAX) {
            engine->place_due = 1; /* the rest goes into the next turn's commit */
            break;
        }
    }
    return ARC_OK;
}
