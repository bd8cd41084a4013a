/* SPDX-License-Identifier: Apache-2.0 */
/* Agents in memory: presence, leases, and the channel through which they are told what to do. */
#include <stdio.h>

#include "base/sha256.h"
#include "engine/engine_private.h"
#include "engine/event_json.h"

#define AGENT_BYTES_MAX (1024u * 1024u)

/* --- records ------------------------------------------------------------------------- */

struct agent *arc__agent_find(struct arc_engine *engine, arc_slice id)
{
    return arc__map_get(&engine->agents, id);
}

arc_status arc__agent_set_row(struct agent *agent, const struct arc_row_agent *row, arc_err *err)
{
    struct arc_arena fresh;
    struct arc_row_agent copy = *row;
    struct arc_kvs labels;
    arc__arena_init(&fresh, &agent->arena.mem, AGENT_BYTES_MAX);
    arc__row_own(ARC_TABLE_agent, &copy, &fresh);
    arc_status status = arc__kvs_from_json(copy.labels, &fresh, &labels, err);
    if (status == ARC_OK && fresh.failed)
        status = arc__fail_nomem(err);
    if (status != ARC_OK) {
        arc__arena_deinit(&fresh);
        return status;
    }
    arc__arena_deinit(&agent->arena);
    agent->arena = fresh;
    agent->row = copy;
    agent->labels = labels;
    return ARC_OK;
}

arc_status arc__agent_new(struct arc_engine *engine, const struct arc_row_agent *row,
                          struct agent **out, arc_err *err)
{
    struct agent *agent = arc__alloc(&engine->mem, sizeof(*agent));
    if (agent == NULL)
        return arc__fail_nomem(err);
    arc__list_init(&agent->placements);
    arc__list_init(&agent->due);
    arc__load_init(&agent->epoch_load, &engine->mem);
    arc__load_init(&agent->jobs_load, &engine->mem);
    arc__arena_init(&agent->arena, &engine->mem, AGENT_BYTES_MAX);
    agent->last_seen_mono_ns = engine->now.mono_ns;
    agent->idle_since_mono_ns = engine->now.mono_ns;
    arc_status status = arc__agent_set_row(agent, row, err);
    if (status == ARC_OK)
        status = arc__free_reserve(engine, err);
    if (status == ARC_OK)
        status = arc__map_put(&engine->agents, row->id, agent, NULL, err);
    if (status != ARC_OK) {
        arc__arena_deinit(&agent->arena);
        arc__free(&engine->mem, agent);
        return status;
    }
    arc__list_add_tail(&engine->agent_list, &agent->link);
    *out = agent;
    return ARC_OK;
}

static void end_session(struct agent *agent)
{
    struct arc_session *session = agent->session;
    if (session == NULL)
        return;
    agent->session = NULL;
    session->agent = NULL;
    arc__list_remove(&session->due);
    arc__agent_shift(session->engine, agent);
    /* Told at once: it has to find that it is over. It may not open another from there. */
    session->notify(session->user);
}

void arc__agent_leave(struct agent *agent)
{
    end_session(agent);
}

int arc__agent_is_ours(const struct agent *agent)
{
    return agent->place != AGENT_AWAY && agent->place != AGENT_COMING;
}

void arc__agent_drop(struct arc_engine *engine, struct agent *agent)
{
    if (agent->session != NULL) {
        agent->session->agent = NULL;
        arc__list_remove(&agent->session->due);
    }
    arc__agent_withdraw(engine, agent);
    (void)arc__map_remove(&engine->agents, agent->row.id);
    arc__list_remove(&agent->link);
    arc__load_deinit(&agent->epoch_load);
    arc__load_deinit(&agent->jobs_load);
    arc__arena_deinit(&agent->arena);
    arc__free(&engine->mem, agent);
}

int arc__agent_status(const struct agent *agent)
{
    if (!agent->online && !agent->is_host)
        return 2; /* offline */
    if (agent->used == 0)
        return 4;                                                      /* idle */
    return agent->used >= (uint64_t)agent->row.max_concurrent ? 3 : 1; /* busy, online */
}

void arc__agent_seen(struct arc_engine *engine, struct agent *agent)
{
    agent->last_seen_mono_ns = engine->now.mono_ns;
    if (!agent->heard) {
        agent->heard = 1;
        arc__agent_freed(engine, agent);
    }
    if (!agent->online)
        engine->sweep_mono_ns = 0;
}

static void view(const struct agent *agent, struct arc_agent_view *out)
{
    *out =
        (struct arc_agent_view){.row = &agent->row,
                                .status = arc__agent_status(agent),
                                .running = agent->used,
                                .last_seen_mono_ns = agent->last_seen_mono_ns - ARC_MONO_SHIFT_NS};
}

arc_status arc__engine_agent(struct arc_engine *engine, arc_slice agent_id,
                             struct arc_agent_view *out, arc_err *err)
{
    const struct agent *agent = arc__agent_find(engine, agent_id);
    if (agent == NULL)
        return arc__homes_unknown(engine, ARC_ENOTFOUND, "agent", "No agent has this id.", err);
    view(agent, out);
    return ARC_OK;
}

int arc__engine_next_agent(struct arc_engine *engine, size_t *at, struct arc_agent_view *out)
{
    size_t index = 0;
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        const struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (agent->is_host || index++ < *at)
            continue;
        view(agent, out);
        (*at)++;
        return 1;
    }
    return 0;
}

/* --- leases -------------------------------------------------------------------------- */

static struct arc_step_state *present_step(const struct live *live, uint32_t job)
{
    struct arc_job_state *state = &live->run.jobs[job];
    return state->step < live->run.plan->jobs[job].step_count ? &state->steps[state->step] : NULL;
}

static int is_granted(const struct arc_step_state *step)
{
    return step != NULL && (step->status == ARC_STEP_QUEUED || step->status == ARC_STEP_RUNNING);
}

int arc__cancel_wanted(const struct live *live, uint32_t job)
{
    return arc__cancel_due(&live->run, job);
}

/* What was refused may have ended meanwhile; the next grant has been refused by nobody. */
static int is_lost(const struct placement *placement)
{
    const struct arc_step_state *step = present_step(placement->live, placement->job);
    return placement->lost[0] != '\0' &&
           (placement->lost_fence == 0 || (step != NULL && step->fence == placement->lost_fence));
}

/* Where the agent holds this step run under this fence; NULL: it does not. */
static struct placement *find_grant(const struct arc_engine *engine, const struct agent *agent,
                                    arc_slice step_run_id, uint64_t fence)
{
    const struct step_ref *ref = arc__map_get(&engine->steps, step_run_id);
    struct placement *placement = ref != NULL ? ref->live->placements[ref->job] : NULL;
    if (placement == NULL || placement->agent != agent)
        return NULL;
    const struct arc_step_state *step = present_step(ref->live, ref->job);
    return step == ref->state && is_granted(step) && step->fence == fence ? placement : NULL;
}

static struct placement *find_lease(const struct arc_engine *engine, const struct agent *agent,
                                    const struct arc_lease *lease)
{
    struct placement *placement = find_grant(engine, agent, lease->step_run_id, lease->fence);
    if (placement == NULL)
        return NULL;
    const struct arc_step_state *step = present_step(placement->live, placement->job);
    return step->attempt == lease->attempt ? placement : NULL;
}

static void fill_cancel(const struct arc_engine *engine, const struct placement *placement,
                        struct arc_cancel_order *out)
{
    const struct arc_step_state *step = present_step(placement->live, placement->job);
    struct arc_cancel_terms terms =
        arc__cancel_terms(&engine->options.rules, &placement->live->run, placement->job);
    *out = (struct arc_cancel_order){.step_run_id = arc__id_slice(&step->id),
                                     .attempt = step->attempt,
                                     .fence = step->fence,
                                     .grace_ns = terms.grace_ns,
                                     .force = terms.force,
                                     .reason = terms.reason};
}

/* fence: of the grant that is lost; 0: whatever it is, the agent has nothing any more. */
static void lose(struct arc_engine *engine, struct placement *placement, uint64_t fence,
                 const char *why)
{
    placement->lost_fence = fence;
    (void)snprintf(placement->lost, sizeof(placement->lost), "%s", why);
    placement->agent->lost_due = 1;
    engine->sweep_mono_ns = 0;
}

uint64_t arc__agent_lease_end(const struct arc_engine *engine, const struct agent *agent)
{
    uint64_t now = engine->now.mono_ns;
    return (agent->shared_mono_ns > now ? agent->shared_mono_ns : now) +
           (uint64_t)engine->options.rules.lease_ttl_ns;
}

static void renew(struct arc_engine *engine, struct placement *placement)
{
    struct arc_step_state *step = present_step(placement->live, placement->job);
    step->lease_mono_ns = arc__agent_lease_end(engine, placement->agent);
}

static uint32_t count_acked(const struct agent *agent)
{
    uint32_t count = 0;
    ARC_LIST_EACH(&agent->placements, link)
    {
        const struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        const struct arc_step_state *step = present_step(placement->live, placement->job);
        count += is_granted(step) && step->acked;
    }
    return count;
}

/* An old agent does not list what it holds: all of it lives on, unless it says twice that it runs
 * fewer steps than it took. Which of them it lost it cannot say. */
static void renew_all(struct arc_engine *engine, struct agent *agent, int32_t running)
{
    int is_short = !agent->is_host && running >= 0 && (uint32_t)running < count_acked(agent);
    agent->short_beats = is_short ? agent->short_beats + 1 : 0;
    if (agent->short_beats >= 2) {
        agent->short_beats = 0;
        arc__agent_lose_all(engine, agent, "The agent runs fewer steps than it holds.");
        return;
    }
    ARC_LIST_EACH(&agent->placements, link)
    {
        struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        if (is_granted(present_step(placement->live, placement->job)))
            renew(engine, placement); /* acknowledged it is not: it may not have heard of it yet */
    }
}

/* 1: whether the lease holds is not known now: its run is being read, or what was decided about it
 * is not durable. It is neither renewed nor lost, and said to be neither: it may have ended, and
 * its holder must not count on it. A run that is read gives one lease time more. */
static int is_unsettled(const struct arc_engine *engine, const struct arc_lease *lease)
{
    struct step_ref *ref = arc__map_get(&engine->steps, lease->step_run_id);
    return ref == NULL ? arc__homes_unsettled(engine) : ref->live->changed || ref->live->stale;
}

void arc__agent_lose_all(struct arc_engine *engine, struct agent *agent, const char *why)
{
    ARC_LIST_EACH(&agent->placements, link)
    {
        lose(engine, ARC_CONTAINER(link, struct placement, by_agent), 0, why);
    }
}

static uint64_t mark_of(arc_slice incarnation)
{
    struct arc_sha256 sha;
    uint8_t digest[ARC_SHA256_LEN];
    uint64_t mark = 0;
    arc__sha256_init(&sha);
    arc__sha256_add(&sha, incarnation);
    arc__sha256_end(&sha, digest);
    memcpy(&mark, digest, sizeof(mark));
    return mark;
}

static int is_past(const struct agent *agent, uint64_t mark)
{
    for (uint32_t i = 0; i < agent->past_count && i < ARC_PAST_MAX; i++) {
        if (agent->past[i] == mark)
            return 1;
    }
    return 0;
}

/* When the process that followed has been silent for long, an older one may have come back: its
 * machine was set back, say. */
int arc__is_late_word(const struct arc_engine *engine, const struct agent *agent,
                      arc_slice incarnation, uint64_t word)
{
    uint64_t patience = (uint64_t)engine->options.heartbeat_ns * ARC_OFFLINE_BEATS;
    if (incarnation.len == 0 || agent->past_count == 0 ||
        arc__slice_equal(agent->row.incarnation, incarnation) ||
        engine->now.mono_ns - agent->last_seen_mono_ns >= patience)
        return 0;
    return is_past(agent, mark_of(incarnation)) || (word > 0 && word < agent->followed);
}

static void remember(struct arc_engine *engine, struct agent *agent, uint64_t mark)
{
    agent->past[agent->past_count++ % ARC_PAST_MAX] = mark;
    agent->followed = ++engine->words;
}

/* What is read after a lost turn may be older than what we have heard: one that was followed is not
 * the next one. */
void arc__agent_followed(struct arc_engine *engine, struct agent *agent,
                         const struct arc_row_agent *row)
{
    if (row->version <= agent->row.version || agent->row.incarnation.len == 0 ||
        row->incarnation.len == 0 || arc__slice_equal(row->incarnation, agent->row.incarnation) ||
        is_past(agent, mark_of(row->incarnation)))
        return;
    remember(engine, agent, mark_of(agent->row.incarnation));
    agent->last_seen_mono_ns = engine->now.mono_ns; /* the next one, at its home */
}

arc_status arc__incarnate(struct arc_engine *engine, struct agent *agent,
                          const struct arc_row_agent *row, arc_err *err)
{
    int was_known = agent->row.incarnation.len > 0;
    int is_new = !arc__slice_equal(agent->row.incarnation, row->incarnation);
    uint64_t mark = is_new && was_known ? mark_of(agent->row.incarnation) : 0;
    /* Where there is no memory for it nothing has changed: what is granted until it says so again
     * is the new process's. */
    ARC_TRY(arc__agent_set_row(agent, row, err));
    if (!is_new || !was_known)
        return ARC_OK;
    remember(engine, agent, mark);
    arc__agent_lose_all(engine, agent, "The agent was started anew; what it ran before is lost.");
    return ARC_OK;
}

static arc_status new_incarnation(struct arc_engine *engine, struct agent *agent,
                                  arc_slice incarnation, arc_err *err)
{
    struct arc_row_agent row = agent->row;
    if (incarnation.len == 0 || arc__slice_equal(row.incarnation, incarnation))
        return ARC_OK;
    row.incarnation = incarnation;
    ARC_TRY(arc__incarnate(engine, agent, &row, err));
    agent->row_due = 1;
    engine->sweep_mono_ns = 0;
    arc__agent_relabelled(engine, agent);
    return ARC_OK;
}

static arc_status list_cancels(struct arc_engine *engine, struct agent *agent,
                               struct arc_arena *arena, struct arc_renewal *out, arc_err *err)
{
    out->cancels = arc__arena_array(arena, agent->used, sizeof(*out->cancels));
    if (out->cancels == NULL)
        return arc__fail_nomem(err);
    ARC_LIST_EACH(&agent->placements, link)
    {
        const struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        if (!placement->live->changed && arc__cancel_wanted(placement->live, placement->job) &&
            out->cancel_count < agent->used)
            fill_cancel(engine, placement, &out->cancels[out->cancel_count++]);
    }
    return ARC_OK;
}

arc_status arc__engine_heartbeat(struct arc_engine *engine, const struct arc_heartbeat *heartbeat,
                                 struct arc_arena *arena, struct arc_renewal *out, arc_err *err)
{
    struct agent *agent = arc__agent_find(engine, heartbeat->agent_id);
    *out = (struct arc_renewal){.ttl_ns = engine->options.rules.lease_ttl_ns,
                                .server_time_ns = engine->now.wall_ns};
    if (agent == NULL)
        return arc__homes_unknown(engine, ARC_ENOTFOUND, "agent",
                                  "The agent is not registered here.", err);
    if (arc__agent_come(engine, agent) != ARC_OK || !arc__is_confident(engine)) {
        agent->last_seen_mono_ns = engine->now.mono_ns;
        return ARC_OK; /* of its leases nothing is known here yet, or any more */
    }
    out->lost = arc__arena_array(arena, heartbeat->lease_count, sizeof(*out->lost));
    if (out->lost == NULL)
        return arc__fail_nomem(err);
    if (arc__is_late_word(engine, agent, heartbeat->incarnation, 0)) {
        for (size_t i = 0; i < heartbeat->lease_count; i++)
            out->lost[out->lost_count++] = heartbeat->leases[i];
        return ARC_OK;
    }
    arc__agent_seen(engine, agent);
    if (heartbeat->max_concurrent > 0 && heartbeat->max_concurrent <= ARC_AGENT_SLOTS_MAX &&
        heartbeat->max_concurrent != agent->row.max_concurrent) {
        agent->row.max_concurrent = heartbeat->max_concurrent;
        arc__agent_freed(engine, agent);
    }
    out->drain = !agent->row.enabled;
    ARC_TRY(new_incarnation(engine, agent, heartbeat->incarnation, err));
    out->renewed = arc__arena_array(arena, heartbeat->lease_count, sizeof(*out->renewed));
    if (out->renewed == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < heartbeat->lease_count; i++) {
        struct placement *placement = find_lease(engine, agent, &heartbeat->leases[i]);
        if (placement != NULL && !is_lost(placement)) {
            renew(engine, placement);
            present_step(placement->live, placement->job)->acked = 1;
            out->renewed[out->renewed_count++] = heartbeat->leases[i];
        } else if (placement != NULL || !is_unsettled(engine, &heartbeat->leases[i])) {
            out->lost[out->lost_count++] = heartbeat->leases[i];
        }
    }
    if (!heartbeat->has_leases)
        renew_all(engine, agent, heartbeat->running_count);
    return list_cancels(engine, agent, arena, out, err);
}

static int asks_to_stop(const struct arc_event *event)
{
    return event->type == ARC_EVENT_PIPELINE_STOPPING || event->type == ARC_EVENT_JOB_STOPPING ||
           event->type == ARC_EVENT_STEP_STOPPING;
}

/* What nobody has heard of can end at once, where a holder would have to be asked. */
arc_status arc__withdraw(struct live *live, struct arc_decision *d, arc_err *err)
{
    int asked = 0;
    for (size_t i = 0; i < d->count && !asked; i++)
        asked = asks_to_stop(d->events[i]);
    if (!asked)
        return ARC_OK;
    struct arc_run *run = &live->run;
    for (uint32_t j = 0; j < run->plan->job_count && !arc__run_over(run); j++) {
        const struct placement *placement = live->placements[j];
        const struct arc_step_state *step = present_step(live, j);
        if (placement == NULL || !arc__agent_is_ours(placement->agent) || step == NULL ||
            step->status != ARC_STEP_QUEUED || step->acked ||
            placement->told_fence == step->fence || !arc__cancel_due(run, j))
            continue;
        struct arc_report report = {.job = j,
                                    .step = run->jobs[j].step,
                                    .status = ARC_STEP_CANCELLED,
                                    .attempt = step->attempt,
                                    .fence = step->fence,
                                    .agent_id = step->agent_id};
        ARC_TRY(arc__decide_report(d, run, &report, err));
    }
    return ARC_OK;
}

/* --- sessions ------------------------------------------------------------------------ */

static void session_due(struct agent *agent)
{
    struct arc_session *session = agent->session;
    if (session != NULL && !arc__list_linked(&session->due))
        arc__list_add_tail(&session->engine->sessions_due, &session->due);
}

void arc__placement_due(struct placement *placement)
{
    if (!arc__list_linked(&placement->due))
        arc__list_add_tail(&placement->agent->due, &placement->due);
    session_due(placement->agent);
}

arc_status arc__session_open(struct arc_engine *engine, arc_slice agent_id,
                             void (*notify)(void *user), void *user, struct arc_session **out,
                             arc_err *err)
{
    struct agent *agent = arc__agent_find(engine, agent_id);
    if (agent == NULL)
        return arc__homes_unknown(engine, ARC_ENOTFOUND, "agent",
                                  "The agent is not registered here.", err);
    struct arc_session *session = arc__alloc(&engine->mem, sizeof(*session));
    if (session == NULL)
        return arc__fail_nomem(err);
    *session =
        (struct arc_session){.engine = engine, .agent = agent, .notify = notify, .user = user};
    end_session(agent);
    agent->session = session;
    arc__agent_seen(engine, agent);
    agent->rests_mono_ns = 0; /* it is here, whatever came before */
    (void)arc__agent_come(engine, agent);
    ARC_LIST_EACH(&agent->placements, link)
    {
        struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        placement->offered_fence = placement->cancel_fence = 0;
        arc__placement_due(placement);
    }
    session_due(agent);
    arc__agent_freed(engine, agent);
    *out = session;
    return ARC_OK;
}

void arc__session_close(struct arc_session *session)
{
    if (session == NULL)
        return;
    arc__list_remove(&session->due);
    if (session->agent != NULL) {
        session->agent->session = NULL;
        arc__agent_shift(session->engine, session->agent);
    }
    arc__free(&session->engine->mem, session);
}

static int offer_cancel(struct arc_engine *engine, struct placement *placement,
                        struct arc_offer *out)
{
    const struct arc_step_state *step = present_step(placement->live, placement->job);
    int forced =
        arc__cancel_terms(&engine->options.rules, &placement->live->run, placement->job).force;
    if (!arc__cancel_wanted(placement->live, placement->job) ||
        (placement->cancel_fence == step->fence && placement->cancel_forced == forced))
        return 0;
    placement->cancel_fence = step->fence;
    placement->cancel_forced = forced;
    out->kind = ARC_OFFER_CANCEL;
    fill_cancel(engine, placement, &out->cancel);
    return 1;
}

static int offer_step(struct arc_engine *engine, struct placement *placement, struct arc_offer *out)
{
    const struct arc_step_state *step = present_step(placement->live, placement->job);
    if (!is_granted(step) || step->acked || is_lost(placement) ||
        arc__cancel_wanted(placement->live, placement->job))
        return 0;
    if (placement->offered_fence == step->fence &&
        engine->now.mono_ns - placement->offered_mono_ns < (uint64_t)ARC_REDELIVER_NS)
        return 0;
    placement->offered_fence = placement->told_fence = step->fence;
    placement->offered_mono_ns = engine->now.mono_ns;
    if (engine->sweep_mono_ns > engine->now.mono_ns + (uint64_t)ARC_REDELIVER_NS)
        engine->sweep_mono_ns = engine->now.mono_ns + (uint64_t)ARC_REDELIVER_NS;
    out->kind = ARC_OFFER_STEP;
    return 1;
}

/* "RUN/JOB-ATTEMPT" */
static arc_slice workspace_of(const struct arc_run *run, const struct arc_job_state *job,
                              struct arc_arena *arena)
{
    const arc_slice ids[] = {arc__id_slice(&run->id), arc__id_slice(&job->id)};
    char text[2 * sizeof(arc_id) + 2 + ARC_I64_LEN], *at = text;
    memcpy(at, ids[0].ptr, ids[0].len);
    at += ids[0].len;
    *at++ = '/';
    memcpy(at, ids[1].ptr, ids[1].len);
    at += ids[1].len;
    *at++ = '-';
    at = arc__put_i64(at, job->attempt);
    return arc__arena_copy(arena, arc__slice(text, (size_t)(at - text)));
}

arc_status arc__session_next(struct arc_session *session, struct arc_arena *arena,
                             struct arc_offer *out, arc_err *err)
{
    struct arc_engine *engine = session->engine;
    if (session->agent == NULL)
        return arc__fail(err, ARC_EDONE, "session", "A newer channel of this agent took over.");
    *out = (struct arc_offer){.kind = ARC_OFFER_NONE};
    if (session->agent->place != AGENT_HERE || !arc__is_confident(engine))
        return ARC_EAGAIN;
    ARC_LIST_EACH_SAFE(&session->agent->due, link)
    {
        struct placement *placement = ARC_CONTAINER(link, struct placement, due);
        const struct arc_run *run = &placement->live->run;
        const struct arc_job_state *job = &run->jobs[placement->job];
        if (placement->live->changed) /* decided but not durable yet: nothing is said */
            continue;
        /* first, so that nothing counts as offered that is not */
        out->workspace = workspace_of(run, job, arena);
        if (out->workspace.ptr == NULL)
            return arc__fail_nomem(err);
        arc__list_remove(&placement->due);
        if (!offer_step(engine, placement, out) && !offer_cancel(engine, placement, out))
            continue;
        out->run = run;
        out->job = placement->job;
        out->step = job->step;
        return ARC_OK;
    }
    return ARC_EAGAIN;
}

arc_status arc__session_ack(struct arc_session *session, arc_slice step_run_id, uint64_t fence,
                            int accepted, arc_slice message, arc_err *err)
{
    if (session->agent == NULL)
        return arc__fail(err, ARC_EDONE, "session", "A newer channel of this agent took over.");
    struct placement *placement = find_grant(session->engine, session->agent, step_run_id, fence);
    if (placement != NULL && accepted) {
        present_step(placement->live, placement->job)->acked = 1;
        return ARC_OK;
    }
    if (placement != NULL) {
        char why[160];
        (void)snprintf(why, sizeof(why), "The agent did not take the step: %.*s",
                       (int)(message.len < 120 ? message.len : 120),
                       message.ptr != NULL ? message.ptr : "");
        lose(session->engine, placement, fence, why);
        return ARC_OK;
    }
    if (arc__homes_unsettled(session->engine) || session->agent->place != AGENT_HERE)
        return arc__fail(err, ARC_EUNAVAILABLE, "engine", "Unfinished runs are being taken up.");
    return arc__fail(err, ARC_EPRECONDITION, "fence", "No grant of this fence is open.");
}

arc_slice arc__engine_host_id(const struct arc_engine *engine)
{
    return arc__slice_cstr(engine->replicas.host_id);
}

void arc__engine_set_host(struct arc_engine *engine, const struct arc_host_port *host)
{
    if (host == NULL) {
        if (engine->host != NULL) {
            engine->host->row.max_concurrent = 0;
            arc__agent_shift(engine, engine->host);
        }
        return;
    }
    engine->host_port = *host;
    if (engine->host == NULL) {
        struct arc_row_agent row = {.id = arc__engine_host_id(engine),
                                    .name = ARC_LIT(ARC_HOST_AGENT),
                                    .approved = 1,
                                    .enabled = 1};
        if (arc__agent_new(engine, &row, &engine->host, NULL) != ARC_OK)
            return; /* the session that face opens next reports it */
        engine->host->is_host = 1;
        engine->host->online = 1;
    }
    engine->host->row.max_concurrent = host->slots;
    arc__agent_freed(engine, engine->host);
    arc__lanes_warm_all(engine); /* what it offers decides where jobs go that do not say */
    engine->place_due = 1;
}

/* --- part of a turn ------------------------------------------------------------------ */

/* The next that this look has not come by. From the first on each time: what is decided of one
 * placement may end others of the same agent. */
static struct placement *next_lost(struct agent *agent)
{
    ARC_LIST_EACH(&agent->placements, link)
    {
        struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        if (placement->looked == agent->looks)
            continue;
        placement->looked = agent->looks;
        if (is_lost(placement))
            return placement;
        placement->lost[0] = '\0';
    }
    return NULL;
}

static arc_status drop_lost(struct arc_engine *engine, struct agent *agent, arc_err *err)
{
    struct placement *placement;
    agent->lost_due = 0;
    agent->looks++;
    while ((placement = next_lost(agent)) != NULL) {
        struct live *live = placement->live;
        struct arc_decision d;
        arc_slice why = arc__turn_copy(engine, arc__slice_cstr(placement->lost));
        ARC_TRY(arc__turn_enter(engine, live, &d, err));
        arc_status status = arc__decide_lost(&d, &live->run, placement->job, why, err);
        status = arc__turn_leave(engine, live, &d, status, err);
        if (status != ARC_OK && engine->turn.spoiled != ARC_OK)
            return status;
    }
    return ARC_OK;
}

static arc_status note_presence(struct arc_engine *engine, struct agent *agent, int online,
                                arc_err *err)
{
    agent->online = online;
    agent->row.online = online;
    engine->turn.presence = 1;
    agent->row.version++;
    agent->row.last_seen_ns =
        engine->now.wall_ns - (int64_t)(engine->now.mono_ns - agent->last_seen_mono_ns);
    agent->row_due = 1;
    arc__agent_freed(engine, agent);
    return arc__turn_event(
        engine,
        (struct arc_event){.type = online ? ARC_EVENT_AGENT_ONLINE : ARC_EVENT_AGENT_OFFLINE,
                           .seq = agent->row.version,
                           .agent_id = agent->row.id},
        agent->row.id, err);
}

/* A grant that was offered and not acknowledged is offered again: the answer may have been lost. */
static int offer_again(struct agent *agent)
{
    int open = 0;
    if (agent->session == NULL)
        return 0;
    ARC_LIST_EACH(&agent->placements, link)
    {
        struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        const struct arc_step_state *step = present_step(placement->live, placement->job);
        if (!is_granted(step) || step->acked)
            continue;
        open = 1;
        arc__placement_due(placement);
    }
    return open;
}

/* Unregistered, and everything about it is durable. */
static int is_gone(const struct agent *agent)
{
    return agent->row.unregistered_at_ns != 0 && !agent->online && !agent->online_stored &&
           !agent->row_due && arc__list_empty(&agent->placements);
}

/* Without an event of this turn, which nobody else may have written, the row's version is what says
 * that the agent has not gone elsewhere. */
static arc_status store_row(struct arc_engine *engine, const struct agent *agent, int has_event,
                            arc_err *err)
{
    int guarded = engine->replicas.on && !has_event;
    return arc__turn_op(engine, guarded ? ARC_STORE_UPDATE : ARC_STORE_PUT, ARC_TABLE_agent,
                        &agent->row, guarded ? agent->row.version : 0, err);
}

arc_status arc__agents_sweep(struct arc_engine *engine, arc_err *err)
{
    uint64_t now = engine->now.mono_ns, next = UINT64_MAX;
    uint64_t patience = (uint64_t)engine->options.heartbeat_ns * ARC_OFFLINE_BEATS;
    if (engine->sweep_mono_ns > now)
        return ARC_OK;
    ARC_LIST_EACH_SAFE(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (is_gone(agent)) {
            end_session(agent);
            arc__agent_drop(engine, agent);
            continue;
        }
        if (agent->place == AGENT_COMING)
            ARC_TRY(arc__agent_arrive(engine, agent, err));
        if (agent->place == AGENT_AWAY && agent->rests_mono_ns > now && agent->rests_mono_ns < next)
            next = agent->rests_mono_ns; /* commands of it may wait for that */
        if (agent->place != AGENT_HERE)
            continue;
        if (agent->lost_due)
            ARC_TRY(drop_lost(engine, agent, err));
        if (offer_again(agent) && now + (uint64_t)ARC_REDELIVER_NS < next)
            next = now + (uint64_t)ARC_REDELIVER_NS;
        if (agent->is_host)
            continue;
        int online = now - agent->last_seen_mono_ns < patience && agent->heard;
        int online_before = agent->online;
        if (online != agent->online)
            ARC_TRY(note_presence(engine, agent, online, err));
        if (online && agent->last_seen_mono_ns + patience < next)
            next = agent->last_seen_mono_ns + patience;
        if (agent->row_due)
            ARC_TRY(store_row(engine, agent, online_before != online, err));
        agent->row_due = 0;
    }
    engine->sweep_mono_ns = next;
    return ARC_OK;
}
