/* SPDX-License-Identifier: Apache-2.0 */
/* When a run would end: a copy of it is driven forward in time that is not, by the decisions of the
 * core and the placement of the engine, on copies of the agents. Steps take as long as they did in
 * earlier runs of the pipeline. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/explain_private.h"

#define NEVER UINT64_MAX
#define TURN_BYTES_MAX (64u * 1024u * 1024u)
#define DAY_NS (INT64_C(24) * 3600 * 1000000000)
#define LEASE_NS (INT64_MAX / 4)

struct sim_job {
    struct arc_timer end; /* of the present step, while it runs */
    struct ready ready;
    struct agent *agent;     /* whose slot it has */
    struct sim_group *group; /* of which it wants a slot; NULL: none */
    struct arc_link line;    /* in group.line while it waits for one */
    uint32_t step;           /* that runs */
    int queued, granted;     /* it waits for a place; its step is to be started */
    int holds;               /* a slot of its group */
};

/* A concurrency group of the run's jobs. */
struct sim_group {
    struct arc_link line;
    uint32_t limit, held;
};

struct sim {
    struct arc_look *look;
    struct arc_run *run; /* the copy, in live */
    struct arc_forecast *out;
    struct scratch scratch;
    struct live live;
    struct pipe pipe;
    struct arc_rules rules;
    struct arc_arena turn; /* the events of one decision */
    struct arc_decision d;
    struct sim_job *jobs;
    struct sim_group *groups;
    uint32_t group_count;
    struct arc_heap ends;
    uint32_t *granted; /* a ring of jobs whose step is to be started, in order */
    uint32_t granted_at, granted_count;
    uint64_t work, ids, fence, until;
    int open;                /* scratch is to be closed */
    uint64_t others_mono_ns; /* when what others hold is free; NEVER: nothing, or it is */
};

/* --- what decisions ask for ---------------------------------------------------------- */

static arc_status next_id(void *user, arc_id *out, arc_err *err)
{
    struct sim *sim = user;
    (void)err;
    (void)snprintf(out->text, sizeof(out->text), "F%025llu", (unsigned long long)++sim->ids);
    return ARC_OK;
}

static arc_status next_fence(void *user, uint64_t above, uint64_t *out, arc_err *err)
{
    struct sim *sim = user;
    (void)above;
    (void)err;
    *out = ++sim->fence;
    return ARC_OK;
}

/* Jitter comes out in the middle. */
static uint64_t middle(void *user, uint64_t bound)
{
    (void)user;
    return bound / 2;
}

static struct arc_decision *decide(struct sim *sim)
{
    const struct arc_source source = {sim, next_id, next_fence, middle};
    arc__arena_reset(&sim->turn);
    arc__decision_init(&sim->d, &sim->rules, source, sim->scratch.engine.now, &sim->turn);
    return &sim->d;
}

/* --- lengths of steps ---------------------------------------------------------------- */

static int by_length(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static struct past *past_of(const struct sim *sim, uint32_t j, uint32_t s)
{
    const struct arc_plan_job *job = &sim->run->plan->jobs[j];
    arc_slice key =
        arc__past_key((struct arc_arena *)(uintptr_t)&sim->turn, job->key, job->steps[s].name);
    return arc__map_get(&sim->look->past, key);
}

/* The middle one of those that were. */
static int64_t length_of(struct sim *sim, uint32_t j, uint32_t s)
{
    struct past *past = past_of(sim, j, s);
    sim->out->steps++;
    if (past == NULL) {
        sim->out->assumed |= ARC_ASSUME_DEFAULT;
        return sim->look->ask.step_ns;
    }
    sim->out->known++;
    qsort(past->ns, past->count, sizeof(past->ns[0]), by_length);
    return past->ns[past->count / 2];
}

/* --- what follows from events -------------------------------------------------------- */

static void free_slot(struct sim *sim, uint32_t j)
{
    if (sim->jobs[j].agent != NULL)
        arc__scratch_free(&sim->scratch, sim->jobs[j].agent, 1);
    sim->jobs[j].agent = NULL;
}

/* Its step is to be started; a job has one at a time, so that the ring is never full. */
static void grant(struct sim *sim, uint32_t j)
{
    if (sim->jobs[j].granted)
        return;
    sim->jobs[j].granted = 1;
    sim->granted[(sim->granted_at + sim->granted_count++) % sim->run->plan->job_count] = j;
}

/* Whether it has a slot of its group, or stands in line for one. */
static void index_slot(struct sim *sim, uint32_t j)
{
    struct sim_job *job = &sim->jobs[j];
    if (job->group == NULL)
        return;
    int holds = sim->run->jobs[j].admitted && !arc_job_state_is_terminal(sim->run->jobs[j].status);
    int wants = arc__job_wants_slot(sim->run, j);
    job->group->held += holds != 0;
    job->group->held -= job->holds != 0;
    job->holds = holds;
    if (wants && !arc__list_linked(&job->line))
        arc__list_add_tail(&job->group->line, &job->line);
    else if (!wants)
        arc__list_remove(&job->line);
}

static arc_status index_job(struct sim *sim, uint32_t j, arc_err *err)
{
    struct sim_job *job = &sim->jobs[j];
    const struct arc_job_state *state = &sim->run->jobs[j];
    int open = state->status == ARC_JOB_QUEUED || state->status == ARC_JOB_RUNNING;
    if (!open || state->agent_id.len == 0)
        free_slot(sim, j);
    index_slot(sim, j);
    if (arc__job_wants_place(sim->run, j, sim->scratch.engine.now))
        ARC_TRY(arc__scratch_queue(&sim->scratch, &job->ready, err));
    else
        arc__scratch_unqueue(&sim->scratch, &job->ready);
    job->queued = state->status == ARC_JOB_QUEUED && state->agent_id.len == 0 &&
                  !arc__job_lacks_slot(sim->run, j);
    if (state->step != job->step || !open || state->steps[state->step].status != ARC_STEP_RUNNING)
        arc__heap_disarm(&sim->ends, &job->end);
    return ARC_OK;
}

static arc_status note(struct sim *sim, arc_status status, arc_err *err)
{
    int all = 0; /* a pause or a slot of the run concerns every job */
    for (size_t i = 0; status == ARC_OK && i < sim->d.count; i++) {
        const struct arc_event *event = sim->d.events[i];
        sim->work++;
        all |= event->job < 0;
        if (event->job < 0)
            continue;
        uint32_t j = (uint32_t)event->job;
        if (event->type == ARC_EVENT_STEP_QUEUED)
            grant(sim, j);
        status = index_job(sim, j, err);
    }
    for (uint32_t j = 0; all && status == ARC_OK && j < sim->run->plan->job_count; j++)
        status = index_job(sim, j, err);
    return status;
}

static arc_status report(struct sim *sim, uint32_t j, int status, arc_slice outputs, arc_err *err)
{
    const struct arc_job_state *job = &sim->run->jobs[j];
    const struct arc_step_state *step = &job->steps[job->step];
    struct arc_report said = {.job = j,
                              .step = job->step,
                              .status = status,
                              .attempt = step->attempt,
                              .fence = step->fence,
                              .agent_id = step->agent_id,
                              .outputs = outputs};
    struct arc_decision *d = decide(sim);
    return note(sim, arc__decide_report(d, sim->run, &said, err), err);
}

/* A step that an agent has been given starts at once. */
static arc_status start(struct sim *sim, uint32_t j, arc_err *err)
{
    struct arc_job_state *job = &sim->run->jobs[j];
    sim->jobs[j].granted = 0;
    if (job->step >= sim->run->plan->jobs[j].step_count)
        return ARC_OK;
    struct arc_step_state *step = &job->steps[job->step];
    uint64_t now = sim->scratch.engine.now.mono_ns, began = now;
    if (step->status == ARC_STEP_RUNNING)
        began = step->started_mono_ns;
    else if (step->status != ARC_STEP_QUEUED)
        return ARC_OK;
    uint64_t at = began + (uint64_t)length_of(sim, j, job->step);
    step->lease_mono_ns = NEVER;
    sim->jobs[j].step = job->step;
    if (step->status == ARC_STEP_QUEUED)
        ARC_TRY(report(sim, j, ARC_STEP_RUNNING, ARC_NONE, err));
    return arc__heap_arm(&sim->ends, &sim->jobs[j].end, at > now ? at : now, err);
}

static arc_status start_next(struct sim *sim, arc_err *err)
{
    uint32_t j = sim->granted[sim->granted_at];
    sim->granted_at = (sim->granted_at + 1) % sim->run->plan->job_count;
    sim->granted_count--;
    return start(sim, j, err);
}

/* --- what is taken for granted ------------------------------------------------------- */

static arc_status open_gates(struct sim *sim, arc_err *err)
{
    for (uint32_t gate = 1; sim->run->gates_waiting > 0 && gate <= sim->run->plan->gate_count;
         gate++) {
        if (sim->run->gates[gate - 1].status != ARC_GATE_WAITING || sim->run->stopping ||
            arc__run_over(sim->run))
            continue;
        const struct arc_say said = {.gate = gate, .approve = 1, .override = 1};
        struct arc_decision *d = decide(sim);
        sim->out->assumed |= ARC_ASSUME_APPROVED;
        ARC_TRY(note(sim, arc__decide_gate(d, sim->run, &said, err), err));
    }
    return ARC_OK;
}

static arc_status unpause(struct sim *sim, arc_err *err)
{
    if (sim->run->status != ARC_RUN_PAUSED || sim->run->stopping)
        return ARC_OK;
    struct arc_decision *d = decide(sim);
    sim->out->assumed |= ARC_ASSUME_RESUMED;
    return note(sim, arc__decide_resume(d, sim->run, ARC_NONE, ARC_NONE, err), err);
}

/* Other runs name the group as well. */
static int is_shared(const struct sim *sim, uint32_t j)
{
    const struct live *live = arc__line_live(sim->look, sim->run);
    const struct slot *slot = NULL;
    if (live != NULL && live->groups != NULL)
        slot = j == ARC_SLOT_OF_RUN ? live->groups->own : live->groups->by_job[j];
    return slot == NULL || slot->group == NULL || slot->group->members.count > 1;
}

/* The run's own jobs wait for each other; for those of other runs nobody does. */
static arc_status admit_one(struct sim *sim, int *any, arc_err *err)
{
    uint32_t j = ARC_SLOT_OF_RUN;
    *any = arc__run_wants_slot(sim->run);
    for (uint32_t g = 0; !*any && g < sim->group_count; g++) {
        const struct sim_group *group = &sim->groups[g];
        *any = group->held < group->limit && !arc__list_empty(&group->line);
        if (*any)
            j = (uint32_t)(ARC_CONTAINER(group->line.next, struct sim_job, line) - sim->jobs);
    }
    if (!*any)
        return ARC_OK;
    if (is_shared(sim, j))
        sim->out->assumed |= ARC_ASSUME_SLOTS;
    struct arc_decision *d = decide(sim);
    return note(sim,
                j == ARC_SLOT_OF_RUN ? arc__decide_admit_run(d, sim->run, err)
                                     : arc__decide_admit_job(d, sim->run, j, err),
                err);
}

/* Who is to end its step does so at once. */
static arc_status obey(struct sim *sim, arc_err *err)
{
    for (uint32_t j = 0; j < sim->run->plan->job_count && !arc__run_over(sim->run); j++) {
        if (sim->jobs[j].end.place != 0 && arc__cancel_due(sim->run, j))
            ARC_TRY(report(sim, j, ARC_STEP_CANCELLED, ARC_NONE, err));
    }
    return ARC_OK;
}

static void free_others(struct sim *sim)
{
    uint32_t own = 0;
    sim->others_mono_ns = NEVER;
    ARC_LIST_EACH(&sim->scratch.engine.agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        own = 0;
        for (uint32_t j = 0; j < sim->run->plan->job_count; j++)
            own += sim->jobs[j].agent == agent;
        if (agent->used > own)
            arc__scratch_free(&sim->scratch, agent, agent->used - own);
    }
}

/* --- driving ------------------------------------------------------------------------- */

static arc_status place_one(struct sim *sim, int *any, arc_err *err)
{
    struct agent *agent = NULL;
    struct ready *ready = arc__scratch_pick(&sim->scratch, &agent, &sim->work);
    *any = ready != NULL;
    if (!*any)
        return ARC_OK;
    const struct arc_place_facts place = {agent->row.id, agent->row.name, agent->row.os,
                                          agent->row.arch, agent->labels};
    sim->jobs[ready->job].agent = agent;
    sim->jobs[ready->job].queued = 0;
    struct arc_decision *d = decide(sim);
    return note(sim, arc__decide_place(d, sim->run, ready->job, &place, err), err);
}

/* Everything that happens now; then nothing more does before time goes on. */
static arc_status settle(struct sim *sim, arc_err *err)
{
    int any = 1;
    while (any && !arc__run_over(sim->run) && sim->work < sim->look->limits.work) {
        sim->work++;
        ARC_TRY(open_gates(sim, err));
        any = sim->granted_count > 0;
        if (any)
            ARC_TRY(start_next(sim, err));
        else
            ARC_TRY(admit_one(sim, &any, err));
        if (!any)
            ARC_TRY(place_one(sim, &any, err));
    }
    return ARC_OK;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The next thing that time brings. 0: nothing does. */
static arc_status advance(struct sim *sim, int *any, arc_err *err)
{
    struct arc_now *now = &sim->scratch.engine.now;
    struct arc_timer *first = arc__heap_peek(&sim->ends);
    uint64_t end = first != NULL ? first->deadline_ns : NEVER;
    uint64_t deadline = arc__run_deadline(&sim->rules, sim->run);
    uint64_t at = earlier(earlier(end, deadline), sim->others_mono_ns);
    *any = at != NEVER && at <= sim->until;
    sim->out->cut |= at != NEVER && at > sim->until;
    if (!*any)
        return ARC_OK;
    if (at > now->mono_ns) {
        now->wall_ns += (int64_t)(at - now->mono_ns);
        now->mono_ns = at;
    }
    if (deadline <= now->mono_ns) {
        struct arc_decision *d = decide(sim);
        ARC_TRY(note(sim, arc__decide_tick(d, sim->run, err), err));
        return obey(sim, err);
    }
    if (sim->others_mono_ns <= now->mono_ns) {
        free_others(sim);
        return ARC_OK;
    }
    uint32_t j = (uint32_t)(ARC_CONTAINER(first, struct sim_job, end) - sim->jobs);
    const struct past *past = past_of(sim, j, sim->jobs[j].step);
    arc_slice outputs = past != NULL ? past->outputs : ARC_NONE;
    arc__heap_disarm(&sim->ends, &sim->jobs[j].end);
    return report(sim, j, ARC_STEP_SUCCESS, outputs, err);
}

static arc_status drive(struct sim *sim, arc_err *err)
{
    int any = 1;
    ARC_TRY(unpause(sim, err));
    ARC_TRY(settle(sim, err));
    ARC_TRY(obey(sim, err));
    while (any && !arc__run_over(sim->run)) {
        if (++sim->work >= sim->look->limits.work) {
            sim->out->cut = 1;
            return ARC_OK;
        }
        ARC_TRY(settle(sim, err));
        if (!arc__run_over(sim->run))
            ARC_TRY(advance(sim, &any, err));
    }
    return ARC_OK;
}

/* --- beginning ----------------------------------------------------------------------- */

/* A slot that its agent counts already is taken over; one that it does not is taken. */
static void take_slot(struct sim *sim, uint32_t j)
{
    const struct live *live = arc__map_get(&sim->look->engine->runs, arc__id_slice(&sim->run->id));
    const struct arc_job_state *state = &sim->run->jobs[j];
    sim->jobs[j].agent = arc__scratch_agent(&sim->scratch, state->agent_id);
    if (sim->jobs[j].agent != NULL &&
        (live == NULL || !live->loaded || live->placements[j] == NULL)) {
        sim->jobs[j].agent->used++;
        arc__agent_shift(&sim->scratch.engine, sim->jobs[j].agent);
    }
}

/* A group that several jobs name has the smallest of their limits. */
static arc_status make_groups(struct sim *sim, arc_err *err)
{
    uint32_t count = sim->run->plan->job_count;
    struct arc_map by_name;
    arc_status status = ARC_OK;
    sim->groups = arc__arena_array(&sim->look->arena, count, sizeof(*sim->groups));
    if (sim->groups == NULL)
        return arc__fail_nomem(err);
    arc__map_init(&by_name, &sim->look->mem, 0, 0);
    for (uint32_t j = 0; status == ARC_OK && j < count; j++) {
        const struct arc_plan_group *terms = &sim->run->plan->jobs[j].group;
        struct sim_group *group =
            terms->group.len > 0 ? arc__map_get(&by_name, terms->group) : NULL;
        if (terms->group.len > 0 && group == NULL) {
            group = &sim->groups[sim->group_count++];
            *group = (struct sim_group){.limit = terms->limit};
            arc__list_init(&group->line);
            status = arc__map_put(&by_name, terms->group, group, NULL, err);
        }
        if (group != NULL && terms->limit < group->limit)
            group->limit = terms->limit;
        sim->jobs[j].group = group;
    }
    arc__map_deinit(&by_name);
    return status;
}

static arc_status take_over(struct sim *sim, uint32_t j, arc_err *err)
{
    struct arc_job_state *state = &sim->run->jobs[j];
    struct sim_job *job = &sim->jobs[j];
    job->ready = (struct ready){.live = &sim->live, .job = j};
    job->step = state->step;
    if (arc_job_state_is_terminal(state->status))
        return ARC_OK;
    if (state->agent_id.len > 0)
        take_slot(sim, j);
    if (state->step < sim->run->plan->jobs[j].step_count) {
        struct arc_step_state *step = &state->steps[state->step];
        step->lease_mono_ns = NEVER;
        if (step->status == ARC_STEP_QUEUED || step->status == ARC_STEP_RUNNING)
            grant(sim, j);
    }
    return index_job(sim, j, err);
}

static void count_others(struct sim *sim)
{
    uint64_t used = 0, own = 0;
    ARC_LIST_EACH(&sim->scratch.engine.agent_list, link)
    {
        used += ARC_CONTAINER(link, struct agent, link)->used;
    }
    for (uint32_t j = 0; j < sim->run->plan->job_count; j++)
        own += sim->jobs[j].agent != NULL;
    sim->others_mono_ns = NEVER;
    if (used > own) {
        sim->others_mono_ns = sim->scratch.engine.now.mono_ns + (uint64_t)sim->look->ask.step_ns;
        sim->out->assumed |= ARC_ASSUME_OTHERS;
    }
    for (uint32_t j = 0; j < sim->run->plan->job_count; j++)
        own += sim->jobs[j].queued != 0;
    if (sim->look->engine->ready_count > own)
        sim->out->assumed |= ARC_ASSUME_ALONE;
}

struct order {
    int64_t queued_ns;
    uint32_t job;
};

static int by_queueing(const void *a, const void *b)
{
    const struct order *left = a, *right = b;
    if (left->queued_ns != right->queued_ns)
        return left->queued_ns < right->queued_ns ? -1 : 1;
    return (left->job > right->job) - (left->job < right->job);
}

/* Those that wait already stand in the order in which they were queued. */
static arc_status begin(struct sim *sim, arc_err *err)
{
    uint32_t count = sim->run->plan->job_count;
    struct order *order = arc__arena_array(&sim->look->arena, count, sizeof(*order));
    sim->jobs = arc__arena_array(&sim->look->arena, count, sizeof(*sim->jobs));
    sim->granted = arc__arena_array(&sim->look->arena, count, sizeof(*sim->granted));
    if (sim->jobs == NULL || sim->granted == NULL || order == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(make_groups(sim, err));
    ARC_TRY(arc__scratch_open(&sim->scratch, sim->look, 0, err));
    sim->open = 1;
    sim->fence = sim->look->engine->fence;
    sim->until = sim->scratch.engine.now.mono_ns +
                 (uint64_t)sim->look->limits.horizon_days * (uint64_t)DAY_NS;
    for (uint32_t j = 0; j < count; j++)
        order[j] = (struct order){sim->run->jobs[j].queued_ns, j};
    qsort(order, count, sizeof(*order), by_queueing);
    for (uint32_t j = 0; j < count; j++)
        ARC_TRY(take_over(sim, order[j].job, err));
    count_others(sim);
    return ARC_OK;
}

/* --- the answer ---------------------------------------------------------------------- */

/* Of two jobs, the one that ended later; UINT32_MAX is none. What had ended before the question was
 * asked holds nobody up any more. */
static uint32_t later(const struct sim *sim, uint32_t a, uint32_t b, int64_t by)
{
    const struct arc_job_state *jobs = sim->run->jobs;
    if (jobs[b].ended_ns == 0 || jobs[b].ended_ns > by ||
        jobs[b].ended_ns <= sim->look->engine->now.wall_ns)
        return a;
    return a == UINT32_MAX || jobs[b].ended_ns > jobs[a].ended_ns ? b : a;
}

/* Whose end let job j begin. */
static uint32_t before(const struct sim *sim, uint32_t j)
{
    const struct arc_run *run = sim->run;
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    uint32_t found = UINT32_MAX;
    for (uint32_t k = 0; job->started_ns > job->queued_ns && k < run->plan->job_count; k++) {
        if (k != j && arc__slice_equal(run->jobs[k].agent_id, job->agent_id))
            found = later(sim, found, k, job->started_ns);
    }
    if (found != UINT32_MAX && run->jobs[found].ended_ns > job->queued_ns)
        return found; /* it had the slot */
    found = UINT32_MAX;
    int64_t by = job->queued_ns != 0 ? job->queued_ns : job->ended_ns;
    for (uint32_t i = 0; i < plan->dep_count; i++)
        found = later(sim, found, plan->deps[i], by);
    const struct arc_plan_stage *stage = &run->plan->stages[plan->stage];
    for (uint32_t k = 0; k < stage->first_job; k++)
        found = later(sim, found, k, by);
    if (found != UINT32_MAX || plan->matrix == 0)
        return found;
    const struct arc_plan_matrix *matrix = &run->plan->matrices[plan->matrix - 1];
    for (uint32_t k = 0; matrix->max_parallel > 0 && k < matrix->job_count; k++) {
        if (matrix->first_job + k != j)
            found = later(sim, found, matrix->first_job + k, by);
    }
    return found;
}

static arc_status find_path(struct sim *sim, arc_err *err)
{
    struct arc_forecast *out = sim->out;
    uint32_t at = UINT32_MAX, max = sim->look->limits.path;
    uint32_t *back = arc__arena_array(&sim->look->arena, max, sizeof(*back));
    out->path = arc__arena_array(&sim->look->arena, max, sizeof(*back));
    if (back == NULL || out->path == NULL)
        return arc__fail_nomem(err);
    for (uint32_t j = 0; j < sim->run->plan->job_count; j++)
        at = later(sim, at, j, INT64_MAX);
    while (at != UINT32_MAX && out->path_count < max && !out->jobs[at].critical) {
        out->jobs[at].critical = 1;
        back[out->path_count++] = at;
        at = before(sim, at);
    }
    for (uint32_t i = 0; i < out->path_count; i++)
        out->path[i] = back[out->path_count - 1 - i];
    return ARC_OK;
}

static void tell_stuck(struct sim *sim)
{
    struct arc_waits *stuck = &sim->out->stuck;
    struct others others;
    if (arc__others_list(&sim->scratch.engine, &sim->look->arena, sim->look->limits.work, &others,
                         NULL) != ARC_OK)
        return; /* the arena remembers */
    for (uint32_t j = 0; j < sim->run->plan->job_count; j++) {
        if (arc_job_state_is_terminal(sim->run->jobs[j].status))
            continue;
        arc__wait_job(sim->run, j, sim->scratch.engine.now, stuck);
        if (arc__job_wants_place(sim->run, j, sim->scratch.engine.now))
            arc__wait_place(&sim->scratch.engine, sim->run, j, &others, stuck);
    }
}

static arc_status tell(struct sim *sim, arc_err *err)
{
    struct arc_forecast *out = sim->out;
    out->status = sim->run->status;
    out->ends = arc__run_over(sim->run);
    out->end_ns = sim->run->ended_ns;
    out->runs = (uint32_t)sim->look->history_count;
    out->step_ns = sim->look->ask.step_ns;
    out->jobs = arc__arena_array(&sim->look->arena, sim->run->plan->job_count, sizeof(*out->jobs));
    if (out->jobs == NULL)
        return arc__fail_nomem(err);
    for (uint32_t j = 0; j < sim->run->plan->job_count; j++) {
        const struct arc_job_state *job = &sim->run->jobs[j];
        out->jobs[j] = (struct arc_forecast_job){
            .status = job->status,
            .queued_ns = job->queued_ns,
            .started_ns = job->started_ns,
            .ended_ns = job->ended_ns,
            .agent_id = arc__arena_copy(&sim->look->arena, job->agent_id)};
    }
    if (!out->ends)
        tell_stuck(sim);
    return find_path(sim, err);
}

arc_status arc__forecast(struct arc_look *look, arc_err *err)
{
    struct sim sim = {.look = look, .run = &sim.live.run, .out = &look->result.forecast};
    look->result.forecast.assumed = ARC_ASSUME_SUCCESS;
    arc__waits_init(&look->result.forecast.stuck, &look->arena, look->limits.reasons,
                    look->limits.alike);
    sim.live.run = look->run; /* moved, and back again */
    sim.live.engine = look->engine;
    sim.live.pipe = &sim.pipe;
    sim.rules = look->engine->options.rules;
    sim.rules.lease_ttl_ns = LEASE_NS;
    arc__arena_init(&sim.turn, &look->mem, TURN_BYTES_MAX);
    arc__heap_init(&sim.ends, &look->mem);
    arc_status status = begin(&sim, err);
    if (status == ARC_OK)
        status = drive(&sim, err);
    if (status == ARC_OK)
        status = tell(&sim, err);
    look->run = sim.live.run;
    if (sim.open)
        arc__scratch_close(&sim.scratch);
    arc__heap_deinit(&sim.ends);
    arc__arena_deinit(&sim.turn);
    return status;
}
