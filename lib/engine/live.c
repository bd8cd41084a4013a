/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in memory: loading one from its events, and keeping what is looked up about it in line. */
#include "engine/engine_private.h"
#include "engine/event_json.h"
#include "engine/leases.h"

#define EVENTS_OF_RUN_MAX 1000000u
#define GUEST_NS \
    (UINT64_C(60) * 1000000000) /* for late logs, once our agents have no job of it \
                                 */

struct step_ref *arc__step_find(struct arc_engine *engine, arc_slice step_run_id)
{
    return arc__map_get(&engine->steps, step_run_id);
}

/* --- indices ------------------------------------------------------------------------- */

static void drop_ready(struct live *live, uint32_t job)
{
    struct ready *ready = live->ready[job];
    if (ready == NULL)
        return;
    arc__lane_remove(live->engine, ready);
    live->engine->ready_count--;
    arc__free(&live->engine->mem, ready);
    live->ready[job] = NULL;
}

static arc_status add_ready(struct live *live, uint32_t job, arc_err *err)
{
    struct ready *ready = arc__alloc(&live->engine->mem, sizeof(*ready));
    if (ready == NULL)
        return arc__fail_nomem(err);
    ready->live = live;
    ready->job = job;
    live->ready[job] = ready;
    live->engine->ready_count++;
    return ARC_OK;
}

/* Waiting it is known to the engine; it stands in its lane while it may be placed. */
static arc_status queue_job(struct live *live, uint32_t job, arc_err *err)
{
    if (live->ready[job] == NULL)
        ARC_TRY(add_ready(live, job, err));
    struct ready *ready = live->ready[job];
    int wants = arc__job_wants_place(&live->run, job, live->engine->now);
    if (wants && ready->flow == NULL)
        return arc__lane_add(live->engine, ready, err);
    if (!wants)
        arc__lane_remove(live->engine, ready);
    return ARC_OK;
}

static void drop_placement(struct live *live, uint32_t job)
{
    struct placement *placement = live->placements[job];
    if (placement == NULL)
        return;
    if (live->guest && arc__agent_is_ours(placement->agent))
        live->held_until_mono_ns = live->engine->now.mono_ns + GUEST_NS;
    arc__list_remove(&placement->by_agent);
    arc__list_remove(&placement->due);
    placement->agent->used--;
    if (placement->agent->used == 0)
        placement->agent->idle_since_mono_ns = live->engine->now.mono_ns;
    arc__agent_freed(live->engine, placement->agent);
    arc__free(&live->engine->mem, placement);
    live->placements[job] = NULL;
}

static arc_status add_placement(struct live *live, uint32_t job, arc_err *err)
{
    struct agent *agent = arc__agent_find(live->engine, live->run.jobs[job].agent_id);
    if (agent == NULL && arc__host_replica(live->run.jobs[job].agent_id).len > 0)
        return ARC_OK;   /* another process itself */
    if (agent == NULL) { /* gone for good: its lease lapses; or it came elsewhere, just now */
        live->strangers = 1;
        arc__homes_strangers(live->engine);
        return ARC_OK;
    }
    struct placement *placement = arc__alloc(&live->engine->mem, sizeof(*placement));
    if (placement == NULL)
        return arc__fail_nomem(err);
    placement->live = live;
    placement->job = job;
    placement->agent = agent;
    live->placements[job] = placement;
    arc__list_add_tail(&agent->placements, &placement->by_agent);
    agent->used++;
    arc__agent_shift(live->engine, agent);
    return ARC_OK;
}

/* Refs of a new attempt's steps. Those of the attempts before stay: late logs still find them. */
static arc_status index_steps(struct live *live, uint32_t job, arc_err *err)
{
    struct arc_engine *engine = live->engine;
    struct arc_job_state *state = &live->run.jobs[job];
    if (live->indexed[job] == state->steps)
        return ARC_OK;
    for (uint32_t s = 0; s < live->run.plan->jobs[job].step_count; s++) {
        ARC_TRY(arc__grow(&engine->mem, (void **)&live->refs, &live->ref_capacity, live->ref_count,
                          sizeof(*live->refs), SIZE_MAX / 16, err));
        struct step_ref *ref = arc__alloc(&engine->mem, sizeof(*ref));
        if (ref == NULL)
            return arc__fail_nomem(err);
        *ref = (struct step_ref){.live = live,
                                 .job = job,
                                 .step = s,
                                 .state = &state->steps[s],
                                 .info_known = !live->reading}; /* what is new has no log yet */
        arc_status status =
            arc__map_put(&engine->steps, arc__id_slice(&state->steps[s].id), ref, NULL, err);
        if (status != ARC_OK) {
            arc__free(&engine->mem, ref);
            return status;
        }
        live->refs[live->ref_count++] = ref;
    }
    live->indexed[job] = state->steps;
    return ARC_OK;
}

/* Who watches the lease of a job's step. */
enum watcher { WATCHER_NOBODY, WATCHER_US, WATCHER_OTHER };

/* The host of another process that is at work: "host@<replica>". */
static int is_other_host(const struct arc_engine *engine, arc_slice agent_id)
{
    arc_slice home = arc__host_replica(agent_id);
    return home.len > 0 && arc__slice_equal(arc__replicas_heir(engine, home), home) &&
           !arc__is_ours(engine, home);
}

static enum watcher watcher_of(const struct live *live, uint32_t job)
{
    const struct placement *placement = live->placements[job];
    if (placement != NULL)
        return arc__agent_is_ours(placement->agent) ? WATCHER_US : WATCHER_OTHER;
    return is_other_host(live->engine, live->run.jobs[job].agent_id) ? WATCHER_OTHER
                                                                     : WATCHER_NOBODY;
}

/* The step that the job's holder was granted, and has not ended; NULL: none. */
static struct arc_step_state *granted_step(const struct live *live, uint32_t job)
{
    struct arc_job_state *state = &live->run.jobs[job];
    struct arc_step_state *step =
        state->step < live->run.plan->jobs[job].step_count ? &state->steps[state->step] : NULL;
    int granted =
        step != NULL && (step->status == ARC_STEP_QUEUED || step->status == ARC_STEP_RUNNING);
    return granted ? step : NULL;
}

void arc__live_lease(struct live *live, uint32_t job)
{
    struct arc_engine *engine = live->engine;
    struct arc_step_state *step = granted_step(live, job);
    if (step == NULL)
        return;
    if (watcher_of(live, job) == WATCHER_OTHER)
        step->lease_mono_ns = ARC_LEASE_ELSEWHERE;
    else if (live->placements[job] != NULL)
        step->lease_mono_ns = arc__agent_lease_end(engine, live->placements[job]->agent);
    else
        step->lease_mono_ns = engine->now.mono_ns + (uint64_t)engine->options.rules.lease_ttl_ns;
    /* It may lapse before the job was to be looked at again; there is room in the heap for each. */
    (void)arc__heap_arm(&live->run.wakes, &live->run.jobs[job].wake, 0, NULL);
}

/* A grant that somebody else has decided has no lease yet, and whoever watched it may be gone. */
static void watch_lease(struct live *live, uint32_t job)
{
    const struct arc_step_state *step = live->engine->replicas.on ? granted_step(live, job) : NULL;
    if (step != NULL && (step->lease_mono_ns == 0 || step->lease_mono_ns == ARC_LEASE_ELSEWHERE ||
                         watcher_of(live, job) == WATCHER_OTHER))
        arc__live_lease(live, job);
}

int arc__live_held(const struct live *live)
{
    for (uint32_t j = 0; j < live->run.plan->job_count; j++) {
        if (live->placements[j] != NULL && arc__agent_is_ours(live->placements[j]->agent))
            return 1;
    }
    return 0;
}

arc_status arc__live_index_job(struct live *live, uint32_t job, arc_err *err)
{
    struct arc_job_state *state = &live->run.jobs[job];
    struct placement *placement = live->placements[job];
    int open = state->status == ARC_JOB_QUEUED || state->status == ARC_JOB_RUNNING;
    int placed = open && state->agent_id.len > 0;
    int waits = state->status == ARC_JOB_QUEUED && state->agent_id.len == 0 &&
                arc__live_acts(live) && !arc__job_lacks_slot(&live->run, job);
    if (placement != NULL &&
        (!placed || !arc__slice_equal(placement->agent->row.id, state->agent_id)))
        drop_placement(live, job);
    if (placed && live->placements[job] == NULL)
        ARC_TRY(add_placement(live, job, err));
    watch_lease(live, job);
    arc__live_tell(live, job);
    if (waits)
        ARC_TRY(queue_job(live, job, err));
    else
        drop_ready(live, job);
    return index_steps(live, job, err);
}

void arc__live_tell(struct live *live, uint32_t job)
{
    if (live->placements[job] != NULL)
        arc__placement_due(live->placements[job]);
}

arc_status arc__live_arm(struct live *live, arc_err *err)
{
    struct arc_heap *timers = &live->engine->timers;
    uint64_t at = arc__run_over(&live->run)
                      ? live->linger_until_mono_ns
                      : arc__run_deadline(&live->engine->options.rules, &live->run);
    if (at == UINT64_MAX || at == 0 || (live->guest && !arc__live_held(live))) {
        arc__heap_disarm(timers, &live->timer);
        return ARC_OK;
    }
    return arc__heap_arm(timers, &live->timer, at, err);
}

arc_status arc__live_index(struct live *live, arc_err *err)
{
    for (uint32_t j = 0; j < live->run.plan->job_count; j++)
        ARC_TRY(arc__live_index_job(live, j, err));
    return arc__live_arm(live, err);
}

/* 1: it says something about every job: whether it may be placed, what its holder hears. */
static int concerns_all(const struct arc_event *event)
{
    return event->type == ARC_EVENT_PIPELINE_TRIGGERED ||
           event->type == ARC_EVENT_PIPELINE_PAUSED || event->type == ARC_EVENT_PIPELINE_RESUMED ||
           event->type == ARC_EVENT_PIPELINE_STOPPING;
}

arc_status arc__live_index_events(struct live *live, const struct arc_decision *d, arc_err *err)
{
    int all = 0, born = 0;
    for (size_t i = 0; i < d->count; i++) {
        all |= concerns_all(d->events[i]);
        born |= d->events[i]->type == ARC_EVENT_PIPELINE_TRIGGERED;
    }
    if (all)
        ARC_TRY(arc__live_index(live, err));
    for (size_t i = 0; i < d->count && !all; i++) {
        if (d->events[i]->job >= 0)
            ARC_TRY(arc__live_index_job(live, (uint32_t)d->events[i]->job, err));
    }
    if (born && !live->guest)
        ARC_TRY(arc__groups_join(live, 0, err));
    arc__groups_update(live, d);
    return arc__live_arm(live, err);
}

/* --- making and dropping ------------------------------------------------------------- */

static arc_status make_tables(struct live *live, arc_err *err)
{
    uint32_t count = live->run.plan->job_count;
    struct arc_mem *mem = &live->engine->mem;
    live->placements = arc__alloc_array(mem, count, sizeof(struct placement *));
    live->ready = arc__alloc_array(mem, count, sizeof(struct ready *));
    live->indexed = arc__alloc_array(mem, count, sizeof(struct arc_step_state *));
    return live->placements != NULL && live->ready != NULL && live->indexed != NULL
               ? ARC_OK
               : arc__fail_nomem(err);
}

static arc_status live_add(struct arc_engine *engine, const arc_id *id, struct live **out,
                           arc_err *err)
{
    struct live *live = arc__alloc(&engine->mem, sizeof(*live));
    if (live == NULL)
        return arc__fail_nomem(err);
    live->engine = engine;
    live->id = *id;
    arc__run_init(&live->run, &engine->mem);
    arc__load_init(&live->load, &engine->mem);
    arc_status status = arc__map_put(&engine->runs, arc__id_slice(id), live, NULL, err);
    if (status != ARC_OK) {
        arc__free(&engine->mem, live);
        return status;
    }
    arc__list_add_tail(&engine->live_list, &live->link);
    *out = live;
    return ARC_OK;
}

static void count_open(struct live *live, int open)
{
    if (open)
        live->engine->lives_open++;
    else
        live->engine->lives_open--;
}

void arc__live_drop(struct live *live)
{
    struct arc_engine *engine = live->engine;
    if (live->loaded && live->linger_until_mono_ns == 0)
        count_open(live, 0);
    if (live->linger_until_mono_ns != 0)
        engine->lingering--;
    for (uint32_t j = 0; live->loaded && j < live->run.plan->job_count; j++) {
        drop_ready(live, j);
        drop_placement(live, j);
    }
    for (size_t i = 0; i < live->ref_count; i++) {
        (void)arc__map_remove(&engine->steps, arc__id_slice(&live->refs[i]->state->id));
        arc__free(&engine->mem, live->refs[i]);
    }
    arc__groups_detach(live);
    arc__list_remove(&live->beside);
    arc__list_remove(&live->visiting);
    if (live->pipe != NULL)
        arc__pipe_leave(engine, live->pipe);
    arc__heap_disarm(&engine->timers, &live->timer);
    (void)arc__map_remove(&engine->runs, arc__id_slice(&live->id));
    arc__list_remove(&live->link);
    arc__list_remove(&live->linger);
    arc__free(&engine->mem, live->refs);
    arc__free(&engine->mem, live->placements);
    arc__free(&engine->mem, live->ready);
    arc__free(&engine->mem, live->indexed);
    arc__load_deinit(&live->load);
    arc__run_deinit(&live->run);
    arc__free(&engine->mem, live);
}

static void set_guest(struct live *live, int guest)
{
    live->guest = guest;
    if (!guest)
        arc__list_remove(&live->visiting);
    else if (!arc__list_linked(&live->visiting))
        arc__list_add_tail(&live->engine->replicas.guests, &live->visiting);
}

static void set_home(struct live *live, arc_slice home)
{
    (void)arc__slice_to_cstr(home, live->home, sizeof(live->home));
    set_guest(live, !arc__is_ours(live->engine, home));
}

arc_status arc__live_new(struct arc_engine *engine, const arc_id *id, struct pipe *pipe,
                         struct live **out, arc_err *err)
{
    ARC_TRY(live_add(engine, id, out, err));
    (*out)->pipe = pipe;
    arc__pipe_use(engine, pipe);
    if (engine->replicas.on)
        set_home(*out, arc__id_slice(&engine->replicas.self));
    return ARC_OK;
}

/* Called once the run has its plan. */
arc_status arc__live_ready(struct live *live, arc_err *err)
{
    ARC_TRY(make_tables(live, err));
    ARC_TRY(arc__groups_attach(live, err));
    /* Slots are handed out in one place. */
    if (live->groups != NULL && live->home[0] != '\0' && live->engine->replicas.on)
        set_home(live, ARC_LIT(ARC_REPLICA_LEADER));
    live->loaded = 1;
    live->engine->asks_due |= live->run.gates_waiting > 0;
    count_open(live, 1);
    return ARC_OK;
}

/* An ended run stays a while: logs of its last lines may still be on their way. */
void arc__live_linger(struct live *live)
{
    struct arc_engine *engine = live->engine;
    if (live->linger_until_mono_ns != 0)
        return;
    count_open(live, 0);
    arc__retain_note_end(engine);
    engine->lingering++;
    live->linger_until_mono_ns = engine->now.mono_ns + (uint64_t)ARC_LINGER_NS;
    (void)arc__live_arm(live, NULL); /* it is armed or has a place in the heap already */
    arc__list_add_tail(&engine->linger_list, &live->linger);
    if (engine->lingering <= ARC_LINGER_MAX)
        return;
    ARC_LIST_EACH(&engine->linger_list, link)
    {
        struct live *oldest = ARC_CONTAINER(link, struct live, linger);
        if (oldest != live && !oldest->touched) {
            arc__live_drop(oldest);
            return;
        }
    }
}

void arc__live_set_aside(struct live *live)
{
    /* Without memory for it, the next turn finds it again. */
    (void)arc__aside_add(live->engine, arc__id_slice(&live->id),
                         ARC_LIT("What has happened to it fits no decision."), 0, NULL);
}

/* --- loading ------------------------------------------------------------------------- */

/* events: takes them; may be NULL. */
static arc_status fold_rows(struct live *live, const struct arc_rows *rows,
                            struct arc_event **events, arc_err *err)
{
    struct arc_engine *engine = live->engine;
    const struct arc_row_event *row = rows->rows;
    int64_t wall_to_mono = (int64_t)engine->now.mono_ns - engine->now.wall_ns;
    for (size_t i = 0; i < rows->count; i++) {
        struct arc_event *event = NULL;
        if (row[i].seq != live->run.seq + 1)
            return arc__fail(err, ARC_EINTERNAL, "event", "Event %lld is missing.",
                             (long long)live->run.seq + 1);
        /* The first event carries the plan, which the run keeps. */
        struct arc_arena *arena =
            live->run.seq == 0 ? &live->run.arena : arc__load_arena(&live->load);
        ARC_TRY(arc__event_from_row(&row[i], arena, &event, err));
        ARC_TRY(arc__run_fold(&live->run, event, wall_to_mono, err));
        ARC_TRY(arc__groups_attach(live, err));
        arc__groups_note(live, event);
        if (events != NULL)
            events[i] = event;
    }
    return ARC_OK;
}

void arc__live_keep_leases(const struct live *live)
{
    for (uint32_t j = 0; j < live->run.plan->job_count; j++) {
        const struct arc_step_state *step = granted_step(live, j);
        if (step != NULL && step->lease_mono_ns != 0 && step->lease_mono_ns != ARC_LEASE_ELSEWHERE)
            arc__leases_add(live->engine,
                            &(struct kept_lease){step->id, step->attempt, step->lease_mono_ns});
    }
}

/* Leases are not in the events: whoever held one before the restart gets one lease time more. Over
 * a turn that was lost to another process they stay what they were: one conflict may follow the
 * other, and who is gone would hold them for ever. */
static void extend_leases(struct live *live)
{
    struct arc_engine *engine = live->engine;
    uint64_t until = engine->now.mono_ns + (uint64_t)engine->options.rules.lease_ttl_ns;
    for (uint32_t j = 0; j < live->run.plan->job_count; j++) {
        struct arc_job_state *job = &live->run.jobs[j];
        for (uint32_t s = 0; s < live->run.plan->jobs[j].step_count; s++) {
            struct arc_step_state *step = &job->steps[s];
            if (step->status != ARC_STEP_QUEUED && step->status != ARC_STEP_RUNNING)
                continue;
            uint64_t kept = arc__leases_kept(engine, step);
            step->lease_mono_ns = kept != 0 ? kept : until;
        }
    }
}

/* What was granted before may have been offered before. */
void arc__live_presume_told(struct live *live, uint32_t job)
{
    const struct arc_job_state *state = &live->run.jobs[job];
    if (live->placements[job] != NULL && state->step < live->run.plan->jobs[job].step_count)
        live->placements[job]->told_fence = state->steps[state->step].fence;
}

static arc_status finish_load(struct live *live, arc_err *err)
{
    struct arc_engine *engine = live->engine;
    ARC_TRY(arc__pipe_get(engine, live->run.pipeline_id, &live->pipe, err));
    arc__pipe_use(engine, live->pipe);
    ARC_TRY(arc__live_ready(live, err));
    extend_leases(live);
    live->reading = 1;
    arc_status status = arc__live_index(live, err);
    live->reading = 0;
    ARC_TRY(status);
    if (!live->guest)
        ARC_TRY(arc__groups_join(live, !engine->replicas.reading_note, err));
    for (uint32_t j = 0; j < live->run.plan->job_count; j++)
        arc__live_presume_told(live, j);
    arc__load_deinit(&live->load);
    if (arc__run_over(&live->run))
        arc__live_linger(live);
    if (live->doubted_again) {
        live->doubted_again = 0;
        arc__live_doubt(live);
    }
    return ARC_OK;
}

/* --- what others have done ----------------------------------------------------------- */

static arc_status fold_news(struct live *live, const struct arc_rows *rows, arc_err *err)
{
    struct arc_arena *arena = arc__load_arena(&live->load);
    struct arc_event **events = arc__arena_array(arena, rows->count, sizeof(struct arc_event *));
    struct arc_decision d = {.count = rows->count, .events = events};
    if (events == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(fold_rows(live, rows, events, err));
    live->reading = 1; /* they may have logs, too */
    arc_status status = arc__live_index(live, err);
    live->reading = 0;
    ARC_TRY(status);
    if (!live->guest)
        arc__groups_update(live, &d);
    live->shown[0] = 0; /* its row is another one's */
    return ARC_OK;
}

arc_status arc__live_refresh(struct live *live, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 2, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_event_stream, arc__id_slice(&live->id));
    query.filters[1] =
        (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = live->run.seq};
    query.limit = EVENTS_OF_RUN_MAX;
    ARC_TRY(arc__load(live->engine, &live->load, &query, err));
    const struct arc_row_event *first = live->load.rows.rows;
    size_t count = live->load.rows.count, known = 0;
    while (known < count && first[known].seq <= live->run.seq) /* decided here since it was asked */
        known++;
    const struct arc_rows news = {.rows = first + known, .count = count - known};
    arc_status status = news.count > 0 ? fold_news(live, &news, err) : ARC_OK;
    arc__load_deinit(&live->load);
    ARC_TRY(status);
    if (arc__run_over(&live->run))
        arc__live_linger(live);
    if (live->doubted_again) {
        live->doubted_again = 0;
        return ARC_EAGAIN;
    }
    live->stale = 0;
    arc__list_remove(&live->beside);
    return ARC_OK;
}

arc_status arc__live_settle(struct live *live, arc_err *err)
{
    int was = live->guest;
    set_guest(live, !arc__is_ours(live->engine, arc__slice_cstr(live->home)));
    if (arc__run_over(&live->run))
        return ARC_OK;
    for (uint32_t j = 0; j < live->run.plan->job_count; j++)
        watch_lease(live, j);
    if (live->guest == was)
        return arc__live_arm(live, err);
    if (live->guest)
        arc__groups_detach(live);
    ARC_TRY(arc__groups_attach(live, err));
    ARC_TRY(arc__live_index(live, err));
    return live->guest ? ARC_OK : arc__groups_join(live, 1, err);
}

/* Pipelines and agents have streams too. */
static int is_run(const struct arc_rows *rows)
{
    const struct arc_row_event *first = rows->rows;
    return rows->count > 0 &&
           arc__event_type_from_name(first->type) == ARC_EVENT_PIPELINE_TRIGGERED;
}

/* Whether its row holds it, which decides before its events are looked at. */
static arc_status check_row(struct live *live, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    if (live->free)
        return ARC_OK;
    query.filters[0] = arc__eq_text(ARC_COL_pipeline_run_id, arc__id_slice(&live->id));
    ARC_TRY(arc__load(live->engine, &live->load, &query, err));
    const struct arc_row_pipeline_run *row = live->load.rows.rows;
    int64_t held = live->load.rows.count > 0 ? row->held : 0;
    live->row_version = live->load.rows.count > 0 ? row->version : 0;
    if (live->load.rows.count > 0)
        set_home(live, row->home);
    if (held == ARC_HELD_DAMAGED)
        ARC_TRY(arc__aside_add(live->engine, row->id, row->held_why, 1, err));
    arc__load_deinit(&live->load);
    live->free = held == 0;
    if (held == ARC_HELD_PRUNED)
        return arc__fail(err, ARC_ENOTFOUND, "run",
                         "The run is being deleted: it is older than runs are kept.");
    if (held == ARC_HELD_IMPORTED)
        return arc__fail(err, ARC_ECONFLICT, "run",
                         "The run was imported: it is a record, and nothing happens to it here.");
    return arc__aside_refuse(live->engine, arc__id_slice(&live->id), err);
}

static arc_status load_events(struct live *live, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_event_stream, arc__id_slice(&live->id));
    query.limit = EVENTS_OF_RUN_MAX;
    ARC_TRY(arc__load(live->engine, &live->load, &query, err));
    if (!is_run(&live->load.rows))
        return arc__fail(err, ARC_ENOTFOUND, "run", "No run has this id.");
    if (!live->folded)
        ARC_TRY(fold_rows(live, &live->load.rows, NULL, err));
    live->folded = 1;
    /* What was lost at the end leaves no gap. */
    if (live->run.seq < live->row_version)
        return arc__fail(err, ARC_EINTERNAL, "event", "Event %lld is missing.",
                         (long long)live->run.seq + 1);
    return finish_load(live, err);
}

/* Not of the run: the same may go well the next time. */
static int passes_by(arc_status status)
{
    return status == ARC_ENOMEM || status == ARC_EUNAVAILABLE || status == ARC_ENOTFOUND ||
           status == ARC_ECONFLICT;
}

/* row: of a run that is known to be free; NULL: it is asked for. */
static arc_status live_load(struct arc_engine *engine, arc_slice run_id,
                            const struct arc_row_pipeline_run *row, struct live **out, arc_err *err)
{
    struct live *live = arc__map_get(&engine->runs, run_id);
    arc_id id = {{0}};
    arc_err why = ARC_ERR_INIT;
    if (live != NULL && live->loaded) {
        *out = live;
        return live->stale ? ARC_EAGAIN : ARC_OK;
    }
    ARC_TRY(arc__aside_refuse(engine, run_id, err));
    if (live == NULL) {
        if (run_id.len == 0 || run_id.len > ARC_ULID_LEN)
            return arc__fail(err, ARC_ENOTFOUND, "run", "No run has this id.");
        (void)arc__slice_to_cstr(run_id, id.text, sizeof(id.text));
        ARC_TRY(live_add(engine, &id, &live, err));
        live->free = row != NULL;
        live->row_version = row != NULL ? row->version : 0;
        if (row != NULL)
            set_home(live, row->home);
    }
    id = live->id;
    arc_status status = check_row(live, &why);
    if (status == ARC_OK)
        status = load_events(live, &why);
    if (status == ARC_EAGAIN) /* it, or its pipeline, is being read */
        return status;
    if (status == ARC_OK) {
        *out = live;
        return ARC_OK;
    }
    arc__live_drop(live);
    if (!passes_by(status)) {
        ARC_TRY(arc__aside_add(engine, arc__id_slice(&id), arc__slice_cstr(why.message), 0, err));
        return arc__aside_refuse(engine, arc__id_slice(&id), err);
    }
    return arc__fail(err, status, why.subject, "%s", why.message);
}

arc_status arc__live_get(struct arc_engine *engine, arc_slice run_id, struct live **out,
                         arc_err *err)
{
    return live_load(engine, run_id, NULL, out, err);
}

arc_status arc__live_recover(struct arc_engine *engine, const struct arc_row_pipeline_run *row,
                             struct live **out, arc_err *err)
{
    return live_load(engine, row->id, row, out, err);
}

const struct arc_run *arc__engine_live_run(struct arc_engine *engine, arc_slice run_id)
{
    const struct live *live = arc__map_get(&engine->runs, run_id);
    /* What this turn has changed is not durable yet: nobody may see it. A guest may be old. */
    return live != NULL && live->loaded && !live->changed && !live->guest ? &live->run : NULL;
}

arc_slice arc__engine_job_why(struct arc_engine *engine, arc_slice run_id, uint32_t job,
                              struct arc_arena *arena)
{
    const struct live *live = arc__map_get(&engine->runs, run_id);
    if (live == NULL || !live->loaded || live->changed || job >= live->run.plan->job_count)
        return ARC_NONE;
    return arc__why_job(live, job, arena);
}

const struct arc_run *arc__engine_next_run(struct arc_engine *engine, void **at)
{
    struct arc_link *link = *at != NULL ? ((struct arc_link *)*at)->next : engine->live_list.next;
    for (; link != &engine->live_list; link = link->next) {
        const struct live *live = ARC_CONTAINER(link, struct live, link);
        *at = link;
        if (live->loaded && !live->changed && !live->guest && !arc__run_over(&live->run))
            return &live->run;
    }
    return NULL;
}
