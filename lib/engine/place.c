/* SPDX-License-Identifier: Apache-2.0 */
/* Which agent takes a waiting job: it matches, it has a free slot and an open channel; among those
 * the least loaded, then the one that has been idle longest, then the first by id. lanes.c says in
 * which order the jobs are served. What is looked at is what has changed: agents that have a slot
 * since the last look, and lanes that have a job or an agent since then. */
#include "engine/engine_private.h"

/* --- agents with a free slot --------------------------------------------------------- */

int arc__agent_may_take(const struct agent *agent)
{
    return agent->place == AGENT_HERE && agent->session != NULL && agent->row.approved &&
           agent->row.enabled && (agent->online || agent->heard) &&
           (int64_t)agent->used < agent->row.max_concurrent;
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

/* engine.free is a heap by better: nobody stands below one that is worse. */
static void stand(struct arc_engine *engine, size_t index, struct agent *agent)
{
    engine->free[index] = agent;
    agent->free_place = index + 1;
}

static void sift(struct arc_engine *engine, size_t index, struct agent *agent)
{
    while (index > 0 && better(agent, engine->free[(index - 1) / 2])) {
        stand(engine, index, engine->free[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    for (size_t child = index * 2 + 1; child < engine->free_count; child = index * 2 + 1) {
        child +=
            child + 1 < engine->free_count && better(engine->free[child + 1], engine->free[child]);
        if (!better(engine->free[child], agent))
            break;
        stand(engine, index, engine->free[child]);
        index = child;
    }
    stand(engine, index, agent);
}

static void leave(struct arc_engine *engine, struct agent *agent)
{
    if (agent->free_place == 0)
        return;
    size_t index = agent->free_place - 1;
    struct agent *last = engine->free[--engine->free_count];
    agent->free_place = 0;
    if (last != agent)
        sift(engine, index, last);
}

arc_status arc__free_reserve(struct arc_engine *engine, arc_err *err)
{
    void *items = engine->free;
    ARC_TRY(arc__grow(&engine->mem, &items, &engine->free_capacity, engine->agents.count,
                      sizeof(*engine->free), SIZE_MAX / 16, err));
    engine->free = items;
    return ARC_OK;
}

void arc__agent_shift(struct arc_engine *engine, struct agent *agent)
{
    if (arc__agent_may_take(agent))
        sift(engine, agent->free_place > 0 ? agent->free_place - 1 : engine->free_count++, agent);
    else
        leave(engine, agent);
}

void arc__agent_freed(struct arc_engine *engine, struct agent *agent)
{
    arc__agent_shift(engine, agent);
    if (agent->free_place == 0)
        return;
    if (!arc__list_linked(&agent->fresh))
        arc__list_add_tail(&engine->fresh_agents, &agent->fresh);
    engine->place_due |= !arc__list_empty(&engine->levels);
}

void arc__agent_relabelled(struct arc_engine *engine, struct agent *agent)
{
    agent->cold_seen = 0;
    arc__agent_freed(engine, agent);
}

void arc__agent_withdraw(struct arc_engine *engine, struct agent *agent)
{
    leave(engine, agent);
    arc__list_remove(&agent->fresh);
}

/* --- what a job asks for ------------------------------------------------------------- */

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

static const struct arc_plan_job *plan_of(const struct ready *ready)
{
    return &ready->live->run.plan->jobs[ready->job];
}

int arc__agent_matches(const struct agent *agent, const struct arc_selector *selector)
{
    return !agent->is_host && arc__selector_match(selector, &agent->labels);
}

int arc__can_serve(const struct arc_engine *engine, const struct agent *agent,
                   const struct arc_plan_job *job)
{
    if (arc__place_on_host(engine, job))
        return agent == engine->host;
    return arc__agent_matches(agent, &job->selector);
}

/* The best of engine.free that matches: below one that does nobody is better. */
static struct agent *choose_free(const struct arc_engine *engine,
                                 const struct arc_selector *selector)
{
    struct agent *best = NULL;
    size_t todo[2 * 64]; /* both children of each of the heap's floors */
    size_t count = 0;
    if (engine->free_count > 0)
        todo[count++] = 0;
    while (count > 0) {
        size_t index = todo[--count];
        struct agent *agent = engine->free[index];
        if (best != NULL && !better(agent, best))
            continue;
        if (arc__agent_matches(agent, selector)) {
            best = agent;
            continue;
        }
        for (size_t child = index * 2 + 2; child > index * 2; child--) {
            if (child < engine->free_count)
                todo[count++] = child;
        }
    }
    return best;
}

static struct agent *choose(struct arc_engine *engine, const struct ready *ready)
{
    const struct arc_plan_job *job = plan_of(ready);
    engine->stats.place_looks++;
    if (arc__place_on_host(engine, job))
        return arc__agent_may_take(engine->host) ? engine->host : NULL;
    return choose_free(engine, &job->selector);
}

/* --- placing ------------------------------------------------------------------------- */

/* Whether a job that is next may be placed now. One that may not leaves its lane, so that it holds
 * nobody up; it comes back with arc__live_index_job. This is the place for what bounds jobs beyond
 * their agents. */
static int admitted(const struct arc_engine *engine, const struct ready *ready)
{
    return arc__job_wants_place(&ready->live->run, ready->job, engine->now);
}

static arc_status place_one(struct arc_engine *engine, struct live *live, uint32_t job,
                            struct agent *agent, arc_err *err)
{
    struct arc_decision d;
    const struct arc_place_facts place = {agent->row.id, agent->row.name, agent->row.os,
                                          agent->row.arch, agent->labels};
    ARC_TRY(arc__turn_enter(engine, live, &d, err));
    arc_status status = arc__decide_place(&d, &live->run, job, &place, err);
    agent->guarded = 1;
    return arc__turn_leave(engine, live, &d, status, err);
}

void arc__place_news(struct arc_engine *engine)
{
    while (!arc__list_empty(&engine->fresh_agents)) {
        struct agent *agent = ARC_CONTAINER(engine->fresh_agents.next, struct agent, fresh);
        arc__list_remove(&agent->fresh);
        arc__lanes_warm(engine, agent);
    }
}

struct ready *arc__place_pick(struct arc_engine *engine, struct agent **agent)
{
    while (engine->free_count > 0) {
        struct lane *lane = arc__lane_next(engine);
        if (lane == NULL)
            return NULL;
        struct ready *ready = arc__lane_first(lane);
        *agent = choose(engine, ready);
        if (*agent == NULL) {
            arc__lane_cool(engine, lane);
            continue;
        }
        if (!admitted(engine, ready)) {
            arc__lane_remove(engine, ready);
            continue;
        }
        arc__lane_take(engine, ready);
        return ready;
    }
    return NULL;
}

arc_status arc__place(struct arc_engine *engine, arc_err *err)
{
    struct ready *ready = NULL;
    struct agent *agent = NULL;
    engine->place_due = 0;
    arc__place_news(engine);
    while ((ready = arc__place_pick(engine, &agent)) != NULL) {
        ARC_TRY(place_one(engine, ready->live, ready->job, agent, err));
        if (arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX) {
            engine->place_due = 1; /* the rest goes into the next turn's commit */
            return ARC_OK;
        }
    }
    return ARC_OK;
}
