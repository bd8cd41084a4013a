/* SPDX-License-Identifier: Apache-2.0 */
/* Why something of a run does not run: the core's reasons, and of a job that waits for a place what
 * agents, executors and the queue have to do with it. */
#include "engine/explain.h"

#include "engine/explain_private.h"

/* --- agents -------------------------------------------------------------------------- */

static const struct arc_kvs *labels_of(const void *user, size_t i)
{
    const struct others *others = user;
    return &others->items[i]->labels;
}

arc_status arc__others_list(const struct arc_engine *engine, struct arc_arena *arena, uint32_t work,
                            struct others *out, arc_err *err)
{
    size_t count = 0;
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        count++;
    }
    *out =
        (struct others){.items = arc__arena_array(arena, count, sizeof(*out->items)), .work = work};
    if (out->items == NULL)
        return arc__fail_nomem(err);
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        const struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (!agent->is_host && agent->row.unregistered_at_ns == 0)
            out->items[out->count++] = agent;
    }
    return ARC_OK;
}

static void add_lack(const struct arc_selector *selector, const struct others *others,
                     struct arc_waits *out)
{
    const struct arc_asked asked = {labels_of, others, others->count};
    struct arc_wait wait = {.kind = ARC_REASON_NO_MATCH};
    uint32_t index = 0;
    switch (arc__selector_lack(selector, &asked, &index)) {
    case ARC_LACK_NOTHING:
        return;
    case ARC_LACK_ANYBODY:
        wait.kind = ARC_REASON_NO_AGENT;
        break;
    case ARC_LACK_LABEL:
        wait.kind = ARC_REASON_NO_LABEL;
        wait.id = selector->labels.items[index].key;
        wait.name =
            arc__arena_printf(out->arena, "%.*s=%.*s", ARC_ARG(selector->labels.items[index].key),
                              ARC_ARG(selector->labels.items[index].value));
        break;
    case ARC_LACK_RULE: {
        const struct arc_label_expr *expr = &selector->exprs[index];
        wait.kind = ARC_REASON_NO_RULE;
        wait.id = expr->key;
        wait.name = arc__arena_printf(out->arena, "%.*s %s", ARC_ARG(expr->key),
                                      arc__label_op_words[expr->op]);
        for (uint32_t i = 0; i < expr->value_count; i++)
            wait.name = arc__arena_printf(out->arena, "%.*s%s %.*s", ARC_ARG(wait.name),
                                          i == 0 ? "" : ",", ARC_ARG(expr->values[i]));
        break;
    }
    case ARC_LACK_ALL:
        break;
    }
    arc__waits_add(out, wait);
}

static int64_t last_seen(const struct arc_engine *engine, const struct agent *agent)
{
    if (agent->last_seen_mono_ns == 0)
        return agent->row.last_seen_ns;
    return engine->now.wall_ns - (int64_t)(engine->now.mono_ns - agent->last_seen_mono_ns);
}

/* Why one that could take it does not, the first that holds. */
static int agent_kind(const struct agent *agent)
{
    if (!agent->row.approved)
        return ARC_REASON_UNAPPROVED;
    if (!agent->row.enabled)
        return ARC_REASON_DISABLED;
    if (!agent->online && (!agent->heard || agent->session == NULL))
        return ARC_REASON_OFFLINE;
    if (agent->session == NULL)
        return ARC_REASON_UNCONNECTED;
    return arc__agent_may_take(agent) ? ARC_REASON_NEXT : ARC_REASON_FULL;
}

static void add_agent(const struct arc_engine *engine, const struct agent *agent, uint32_t more,
                      struct arc_waits *out)
{
    struct arc_wait wait = {.kind = agent_kind(agent),
                            .id = agent->row.id,
                            .name = agent->row.name.len > 0 ? agent->row.name : agent->row.id,
                            .more = more};
    if (wait.kind == ARC_REASON_OFFLINE)
        wait.since_ns = last_seen(engine, agent);
    if (wait.kind == ARC_REASON_FULL) {
        wait.count = agent->used;
        wait.of = (uint32_t)agent->row.max_concurrent;
    }
    arc__waits_add(out, wait);
}

/* Those that match, of one kind together: some by name, the rest as a number. */
static void add_agents(const struct arc_engine *engine, const struct arc_selector *selector,
                       const struct others *others, struct arc_waits *out)
{
    uint32_t all[ARC_REASON_COUNT] = {0}, told[ARC_REASON_COUNT] = {0};
    for (size_t i = 0; i < others->count; i++)
        all[agent_kind(others->items[i])] += arc__agent_matches(others->items[i], selector) != 0;
    for (int kind = 1; kind < ARC_REASON_COUNT; kind++) {
        for (size_t i = 0; told[kind] < all[kind] && i < others->count; i++) {
            if (agent_kind(others->items[i]) != kind ||
                !arc__agent_matches(others->items[i], selector))
                continue;
            uint32_t more = ++told[kind] == out->alike ? all[kind] - told[kind] : 0;
            add_agent(engine, others->items[i], more, out);
            if (told[kind] == out->alike)
                break;
        }
    }
}

static void add_host(const struct arc_engine *engine, const struct arc_plan_job *job,
                     struct arc_waits *out)
{
    int lacks = 0;
    for (uint32_t s = 0; s < job->step_count; s++) {
        if (arc__place_host_has(engine, job->steps[s].uses))
            continue;
        arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_NO_EXECUTOR,
                                              .name = job->steps[s].uses,
                                              .id = job->steps[s].uses});
        lacks = 1;
    }
    if (!lacks)
        add_agent(engine, engine->host, 0, out);
}

void arc__wait_place(const struct arc_engine *engine, const struct arc_run *run, uint32_t j,
                     struct others *others, struct arc_waits *out)
{
    const struct arc_plan_job *job = &run->plan->jobs[j];
    if (arc__place_on_host(engine, job)) {
        add_host(engine, job, out);
        return;
    }
    if (!arc__others_spend(others, others->count)) {
        out->left_out++; /* to look at all of them again would be too much work */
        return;
    }
    add_lack(&job->selector, others, out);
    add_agents(engine, &job->selector, others, out);
}

/* --- a run --------------------------------------------------------------------------- */

/* What is told of a run is made from. */
struct telling {
    struct arc_look *look;
    const struct arc_run *run;
    const struct live *live; /* NULL: it is a copy of what is not in memory */
    struct others others;
    struct line line;
    int aside; /* it is not over, and is left alone: nothing else holds it */
};

static void add_position(struct telling *t, uint32_t j, struct arc_waits *out)
{
    uint32_t before = 0;
    out->left_out += t->line.too_long != 0;
    if (t->line.at == NULL || t->line.at[j] == 0)
        return;
    if (!arc__line_before(&t->line, t->look->engine, j, &t->others, &before))
        out->left_out++;
    else if (before > 0)
        arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_QUEUE, .count = before});
}

static void begin_told(struct arc_told *told, const struct arc_waits *waits, arc_slice id,
                       arc_slice name, int32_t status)
{
    *told = (struct arc_told){arc__arena_copy(waits->arena, id),
                              arc__arena_copy(waits->arena, name), status, waits->count, 0};
}

static void end_told(struct arc_told *told, const struct arc_waits *waits)
{
    told->count = waits->count - told->first;
}

static void add_aside(const struct arc_look *look, int32_t job, int32_t step, struct arc_waits *out)
{
    arc__waits_of(out, job, step);
    arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_ASIDE,
                                          .id = look->ask.run_id,
                                          .text = look->held_why});
}

/* All that holds the job itself. */
static void tell_why(struct telling *t, uint32_t j, struct arc_waits *waits)
{
    const struct arc_engine *engine = t->look->engine;
    size_t first = waits->count;
    if (t->aside && !arc_job_state_is_terminal(t->run->jobs[j].status)) {
        add_aside(t->look, (int32_t)j, -1, waits);
        return;
    }
    arc__wait_job(t->run, j, engine->now, waits);
    if (t->live != NULL)
        arc__groups_tell_of(t->live, waits, first);
    if (!arc__job_wants_place(t->run, j, engine->now))
        return;
    arc__wait_place(engine, t->run, j, &t->others, waits);
    add_position(t, j, waits);
}

static void tell_job(struct telling *t, uint32_t j, struct arc_told_job *out)
{
    struct arc_look *look = t->look;
    const struct arc_run *run = t->run;
    struct arc_waits *waits = &look->result.waits;
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    int why = (look->ask.what & ARC_LOOK_WHY) != 0;
    begin_told(&out->told, waits, arc__id_slice(&job->id), plan->key, job->status);
    out->agent_id = arc__arena_copy(waits->arena, job->agent_id);
    if (why)
        tell_why(t, j, waits);
    end_told(&out->told, waits);
    out->steps = arc__arena_array(waits->arena, plan->step_count, sizeof(*out->steps));
    if (out->steps == NULL)
        return; /* the arena remembers */
    out->step_count = plan->step_count;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        begin_told(&out->steps[s], waits, arc__id_slice(&job->steps[s].id), plan->steps[s].name,
                   job->steps[s].status);
        if (why && t->aside && !arc_step_state_is_terminal(job->steps[s].status))
            add_aside(look, (int32_t)j, (int32_t)s, waits);
        else if (why)
            arc__wait_step(run, j, s, look->engine->now, waits);
        end_told(&out->steps[s], waits);
    }
}

arc_status arc__told_aside(struct arc_look *look, const struct arc_row_pipeline_run *row,
                           arc_err *err)
{
    struct arc_look_result *out = &look->result;
    begin_told(&out->run, &out->waits, row->id, row->pipeline_name, (int32_t)row->status);
    out->pipeline_id = arc__arena_copy(&look->arena, row->pipeline_id);
    out->project_id = arc__arena_copy(&look->arena, row->project_id);
    if ((look->ask.what & ARC_LOOK_WHY) != 0)
        add_aside(look, -1, -1, &out->waits);
    end_told(&out->run, &out->waits);
    return look->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

arc_status arc__told_run(struct arc_look *look, const struct arc_run *run, arc_err *err)
{
    struct arc_look_result *out = &look->result;
    struct telling t = {.look = look,
                        .run = run,
                        .live = arc__line_live(look, run),
                        .aside = look->held != 0 && !arc__run_over(run)};
    ARC_TRY(arc__others_list(look->engine, &look->arena, look->limits.work, &t.others, err));
    if ((look->ask.what & ARC_LOOK_WHY) != 0)
        ARC_TRY(arc__line_open(look, run, &t.line, err));
    begin_told(&out->run, &out->waits, arc__id_slice(&run->id), run->plan->name, run->status);
    out->pipeline_id = arc__arena_copy(&look->arena, run->pipeline_id);
    out->project_id = arc__arena_copy(&look->arena, run->birth->project_id);
    if ((look->ask.what & ARC_LOOK_WHY) != 0 && t.aside)
        add_aside(look, -1, -1, &out->waits);
    else if ((look->ask.what & ARC_LOOK_WHY) != 0)
        arc__wait_run(run, look->engine->now, &out->waits);
    if (t.live != NULL)
        arc__groups_tell_of(t.live, &out->waits, out->run.first);
    end_told(&out->run, &out->waits);
    out->jobs = arc__arena_array(&look->arena, run->plan->job_count, sizeof(*out->jobs));
    if (out->jobs == NULL)
        return arc__fail_nomem(err);
    out->job_count = run->plan->job_count;
    for (uint32_t j = 0; j < out->job_count; j++)
        tell_job(&t, j, &out->jobs[j]);
    return look->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}
