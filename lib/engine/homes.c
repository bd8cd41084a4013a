/* SPDX-License-Identifier: Apache-2.0 */
/* Runs and agents of which other processes are home. What one process changes that another one has
 * in memory it leaves in that one's inbox, in the same commit; the other reads it, folds what is
 * new and takes it out. Nothing rests on its being read soon: who decided on an older state loses
 * its commit, and who refused on one looks again first. */
#include "base/ulid.h"
#include "engine/engine_private.h"
#include "engine/leases.h"

#define NEWS_NS (UINT64_C(1000) * 1000000)       /* between two looks that nobody asked for */
#define WAITING_NS (UINT64_C(250) * 1000000)     /* and at the jobs that wait elsewhere */
#define PATIENCE_NS (INT64_C(300) * 1000000)     /* of theirs: so long they are their home's */
#define AGENTS_NS (UINT64_C(5000) * 1000000)     /* between two looks at agents and tokens */
#define UNKNOWN_NS (UINT64_C(1000) * 1000000)    /* the same, when somebody is not known */
#define LATE_LOGS_NS (UINT64_C(60) * 1000000000) /* of a job that a guest had here */
#define STRAY_MS INT64_C(60000)                  /* a note so old is nobody's */
#define REST_NS (UINT64_C(1000) * 1000000)       /* an agent that has left is where it is so long */
#define NOTES_MAX 1000u
#define WANTED_MAX 1000000u

arc_status arc__homes_open(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    (void)err;
    arc__list_init(&replicas->stale);
    arc__list_init(&replicas->guests);
    arc__load_init(&replicas->inbox_load, &engine->mem);
    arc__load_init(&replicas->newest_load, &engine->mem);
    arc__load_init(&replicas->waiting_load, &engine->mem);
    arc__load_init(&replicas->agents_load, &engine->mem);
    arc__load_init(&replicas->tokens_load, &engine->mem);
    return ARC_OK;
}

void arc__homes_close(struct arc_engine *engine)
{
    struct replicas *replicas = &engine->replicas;
    arc__load_deinit(&replicas->inbox_load);
    arc__load_deinit(&replicas->newest_load);
    arc__load_deinit(&replicas->waiting_load);
    arc__load_deinit(&replicas->agents_load);
    arc__load_deinit(&replicas->tokens_load);
    arc__free(&engine->mem, replicas->wanted);
    arc__leases_close(engine);
    arc__free(&engine->mem, replicas->read);
}

/* --- what is wanted ------------------------------------------------------------------ */

arc_status arc__homes_want(struct arc_engine *engine, const struct wanted *wanted, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    void *items = replicas->wanted;
    for (size_t i = 0; i < replicas->wanted_count; i++) {
        if (strcmp(replicas->wanted[i].id.text, wanted->id.text) != 0)
            continue;
        replicas->wanted[i].taking |= wanted->taking;
        replicas->wanted[i].lost |= wanted->lost;
        return ARC_OK;
    }
    ARC_TRY(arc__grow(&engine->mem, &items, &replicas->wanted_capacity, replicas->wanted_count,
                      sizeof(*replicas->wanted), WANTED_MAX, err));
    replicas->wanted = items;
    replicas->wanted[replicas->wanted_count++] = *wanted;
    return ARC_OK;
}

static arc_status want_text(struct arc_engine *engine, arc_slice run_id, struct wanted wanted,
                            arc_err *err)
{
    if (run_id.len == 0 || run_id.len > ARC_ULID_LEN)
        return ARC_OK;
    (void)arc__slice_to_cstr(run_id, wanted.id.text, sizeof(wanted.id.text));
    return arc__homes_want(engine, &wanted, err);
}

static arc_status take(struct live *live, int taking, arc_err *err)
{
    if (!taking || !live->guest || live->taking || arc__run_over(&live->run))
        return ARC_OK;
    live->taking = 1;
    live->engine->place_due = 1;
    return arc__live_index(live, err);
}

/* One that cannot be read is set aside, pruned or unknown: nobody waits for it here. */
static arc_status read_wanted(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    size_t kept = 0;
    arc_status worst = ARC_OK;
    for (size_t i = 0; i < replicas->wanted_count; i++) {
        struct wanted wanted = replicas->wanted[i];
        struct live *live = NULL;
        arc_err why = ARC_ERR_INIT;
        replicas->reading_note = wanted.by_note;
        arc_status status = worst == ARC_OK
                                ? arc__live_get(engine, arc__id_slice(&wanted.id), &live, &why)
                                : ARC_EAGAIN;
        replicas->reading_note = 0;
        if (status == ARC_OK)
            status = take(live, wanted.taking, &why);
        int failed = status == ARC_ENOMEM || status == ARC_EUNAVAILABLE;
        if (failed)
            worst = arc__fail(err, status, why.subject, "%s", why.message);
        if (failed || status == ARC_EAGAIN)
            replicas->wanted[kept++] = wanted;
        if (status == ARC_OK && live->guest && !live->taking && !arc__live_held(live))
            arc__live_drop(live); /* it is nothing to us */
    }
    replicas->wanted_count = kept;
    return worst;
}

int arc__homes_unsettled(const struct arc_engine *engine)
{
    return engine->recovering || engine->replicas.wanted_count > 0;
}

/* --- runs in memory that may have news ----------------------------------------------- */

void arc__live_doubt(struct live *live)
{
    /* What is being read may have been asked for before there was news. */
    live->doubted_again = live->load.state != 0;
    if (live->stale || !live->loaded)
        return;
    live->stale = 1;
    arc__list_add_tail(&live->engine->replicas.stale, &live->beside);
}

static arc_status refresh(struct arc_engine *engine, arc_err *err)
{
    ARC_LIST_EACH_SAFE(&engine->replicas.stale, link)
    {
        struct live *live = ARC_CONTAINER(link, struct live, beside);
        arc_err why = ARC_ERR_INIT;
        arc_status status = arc__live_refresh(live, &why);
        if (status == ARC_EAGAIN && live->load.state == 0) /* there was news meanwhile */
            status = arc__live_refresh(live, &why);
        if (status == ARC_EAGAIN)
            continue;
        if (status == ARC_ENOMEM || status == ARC_EUNAVAILABLE)
            return arc__fail(err, status, why.subject, "%s", why.message);
        if (status == ARC_OK)
            continue;
        const struct wanted anew = {.id = live->id, .lost = 1}; /* from its first event */
        arc__live_drop(live);
        ARC_TRY(arc__homes_want(engine, &anew, err));
        engine->recovering = 1;
        engine->recover_phase = 0;
    }
    return ARC_OK;
}

/* What recovery waits for: nobody else reads while it lasts. */
arc_status arc__homes_read_lost(struct arc_engine *engine, arc_err *err)
{
    ARC_TRY(refresh(engine, err));
    ARC_TRY(read_wanted(engine, err));
    for (size_t i = 0; i < engine->replicas.wanted_count; i++) {
        if (engine->replicas.wanted[i].lost)
            return ARC_EAGAIN;
    }
    return arc__list_empty(&engine->replicas.stale) ? ARC_OK : ARC_EAGAIN;
}

static arc_status reread_pipes(struct arc_engine *engine, arc_err *err)
{
    if (!engine->replicas.pipes_stale)
        return ARC_OK;
    engine->replicas.pipes_stale = 0;
    ARC_LIST_EACH_SAFE(&engine->pipe_list, link)
    {
        struct pipe *pipe = ARC_CONTAINER(link, struct pipe, link), *out = NULL;
        if (!pipe->stale)
            continue;
        engine->replicas.pipes_stale = 1; /* until a pass finds none */
        pipe->loaded = 0;
        arc_status status = arc__pipe_get(engine, arc__id_slice(&pipe->id), &out, err);
        if (status == ARC_EAGAIN)
            continue;
        if (status == ARC_OK)
            out->stale = 0;
        if (status == ARC_ENOMEM || status == ARC_EUNAVAILABLE)
            return status;
    }
    return ARC_OK;
}

static void doubt_pipe(struct arc_engine *engine, struct pipe *pipe)
{
    if (pipe != NULL && pipe->loaded && !arc__pipe_marked(pipe))
        pipe->stale = engine->replicas.pipes_stale = 1;
}

static int is_of_agent(enum arc_cmd_kind kind)
{
    return kind == ARC_CMD_AGENT_REGISTER || kind == ARC_CMD_AGENT_UNREGISTER ||
           kind == ARC_CMD_EVENTS_PUSH;
}

int arc__homes_doubt(struct arc_engine *engine, struct cmd_box *box)
{
    const struct arc_cmd *cmd = &box->cmd;
    if (!engine->replicas.on || box->doubted)
        return 0;
    struct live *live = arc__map_get(&engine->runs, cmd->run_id);
    if (cmd->kind == ARC_CMD_STEP_REPORT) {
        const struct step_ref *ref = arc__step_find(engine, cmd->u.report.step_run_id);
        live = ref != NULL ? ref->live : NULL;
    }
    struct pipe *pipe = arc__map_get(&engine->pipes, cmd->pipeline_id);
    if (live != NULL && !live->changed) {
        arc__live_doubt(live);
        doubt_pipe(engine, live->pipe);
    }
    doubt_pipe(engine, pipe);
    box->doubted = 1;
    if (is_of_agent(cmd->kind)) {
        box->after_read = engine->replicas.agents_reads + 1;
        engine->replicas.agents_mono_ns = 0;
    }
    for (size_t i = 0; i < ARC_CMD_LOADS; i++)
        arc__load_deinit(&box->loads[i]);
    return 1;
}

/* --- the inbox ----------------------------------------------------------------------- */

arc_status arc__homes_note(struct arc_engine *engine, arc_slice addressee, arc_slice run_id,
                           arc_slice agent_id, arc_err *err)
{
    arc_id id;
    if (!engine->replicas.on || addressee.len == 0)
        return ARC_OK;
    arc_status status = arc__engine_new_id(engine, &id, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    const struct arc_row_inbox row = {arc__id_slice(&id), addressee, run_id, agent_id};
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_inbox, &row, 0, err);
}

/* The agents elsewhere that have jobs of it, each once where they stand together. */
static arc_status tell_holders(struct arc_engine *engine, const struct live *live, arc_err *err)
{
    arc_slice last = ARC_NONE;
    for (uint32_t j = 0; j < live->run.plan->job_count; j++) {
        const struct placement *placement = live->placements[j];
        arc_slice holder = live->run.jobs[j].agent_id;
        if (arc_job_state_is_terminal(live->run.jobs[j].status) || holder.len == 0 ||
            (placement != NULL && placement->agent->place == AGENT_HERE) ||
            arc__slice_equal(holder, last))
            continue;
        arc_slice replica = placement == NULL ? arc__host_replica(holder) : ARC_NONE;
        last = holder;
        ARC_TRY(arc__homes_note(engine, replica.len > 0 ? replica : holder,
                                arc__id_slice(&live->id), ARC_NONE, err));
    }
    return ARC_OK;
}

/* Where an agent has come to another process meanwhile, that one gives its slots: the row has
 * another version then. */
static arc_status guard_agents(struct arc_engine *engine, arc_err *err)
{
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (agent->guarded && !agent->is_host)
            ARC_TRY(arc__turn_op(engine, ARC_STORE_UPDATE, ARC_TABLE_agent, &agent->row,
                                 agent->row.version, err));
        agent->guarded = 0;
    }
    return ARC_OK;
}

arc_status arc__homes_tell(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    if (!replicas->on)
        return ARC_OK;
    for (size_t i = 0; i < engine->turn.live_count; i++) {
        const struct live *live = engine->turn.lives[i];
        if (!live->changed)
            continue;
        if (live->guest)
            ARC_TRY(arc__homes_note(engine, arc__slice_cstr(live->home), arc__id_slice(&live->id),
                                    ARC_NONE, err));
        ARC_TRY(tell_holders(engine, live, err));
    }
    ARC_TRY(guard_agents(engine, err));
    for (size_t i = 0; i < replicas->read_count; i++) {
        const struct arc_row_inbox row = {.id = arc__id_slice(&replicas->read[i])};
        ARC_TRY(arc__turn_op(engine, ARC_STORE_DELETE, ARC_TABLE_inbox, &row, 0, err));
    }
    return ARC_OK;
}

static int is_for_us(const struct arc_engine *engine, arc_slice addressee)
{
    const struct agent *agent = arc__map_get(&engine->agents, addressee);
    if (agent != NULL)
        return agent->place != AGENT_AWAY && agent->place != AGENT_COMING;
    return arc__is_ours(engine, addressee);
}

/* Whoever it was for is gone, and has been replaced by somebody who has read everything. One that
 * is known reads it, sooner or later: how old it is, the clock of another machine says. */
static int is_stray(const struct arc_engine *engine, const struct arc_row_inbox *note)
{
    arc_id oldest;
    int64_t now_ms = engine->now.wall_ns / 1000000;
    arc__ulid_first(now_ms > STRAY_MS ? (uint64_t)(now_ms - STRAY_MS) : 0, &oldest);
    return arc__is_leader(engine) && arc__slice_compare(note->id, arc__id_slice(&oldest)) < 0 &&
           arc__map_get(&engine->agents, note->addressee) == NULL &&
           arc__replicas_heir(engine, note->addressee).len == 0;
}

static arc_status note_read(struct arc_engine *engine, arc_slice id, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    void *items = replicas->read;
    arc_id copy = {{0}};
    (void)arc__slice_to_cstr(id, copy.text, sizeof(copy.text));
    ARC_TRY(arc__grow(&engine->mem, &items, &replicas->read_capacity, replicas->read_count,
                      sizeof(copy), SIZE_MAX / 64, err));
    replicas->read = items;
    replicas->read[replicas->read_count++] = copy;
    return ARC_OK;
}

static arc_status take_note(struct arc_engine *engine, const struct arc_row_inbox *note,
                            arc_err *err)
{
    if (!is_for_us(engine, note->addressee))
        return is_stray(engine, note) ? note_read(engine, note->id, err) : ARC_OK;
    struct live *live = arc__map_get(&engine->runs, note->run_id);
    if (live != NULL)
        arc__live_doubt(live);
    if (live == NULL || !live->loaded)
        ARC_TRY(want_text(engine, note->run_id, (struct wanted){.by_note = 1}, err));
    if (note->agent_id.len > 0)
        engine->replicas.agents_mono_ns = 0;
    return note_read(engine, note->id, err);
}

#define BIT(table) (UINT32_C(1) << ARC_TABLE_##table)

static arc_status read_inbox(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    struct arc_query query = {.table = ARC_TABLE_inbox, .order_col = -1, .limit = NOTES_MAX};
    if (replicas->read_count > 0) { /* they stand there until the next commit */
        replicas->news |= BIT(inbox);
        return ARC_OK;
    }
    ARC_TRY(arc__load(engine, &replicas->inbox_load, &query, err));
    const struct arc_row_inbox *row = replicas->inbox_load.rows.rows;
    arc_status status = ARC_OK;
    for (size_t i = 0; i < replicas->inbox_load.rows.count && status == ARC_OK; i++)
        status = take_note(engine, &row[i], err);
    if (replicas->inbox_load.rows.count == NOTES_MAX) /* there may be more behind these */
        replicas->news |= BIT(inbox);
    arc__load_deinit(&replicas->inbox_load);
    return status;
}

/* Positions of others: those who watch read them from the store. */
static arc_status read_newest(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    struct arc_query query = {.table = ARC_TABLE_event,
                              .order_col = ARC_COL_event_position,
                              .descending = 1,
                              .limit = 1,
                              .filter_count = 1};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_event_position, .op = ARC_FILTER_GT};
    ARC_TRY(arc__load(engine, &replicas->newest_load, &query, err));
    const struct arc_row_event *row = replicas->newest_load.rows.rows;
    if (replicas->newest_load.rows.count > 0 && row->position > engine->position)
        arc__publish_elsewhere(engine, row->position);
    arc__load_deinit(&replicas->newest_load);
    return ARC_OK;
}

static void begin_news(struct arc_engine *engine, uint32_t tables)
{
    struct replicas *replicas = &engine->replicas;
    replicas->news = 0;
    replicas->reading = tables & (BIT(inbox) | BIT(event));
    if (replicas->last > engine->position)
        arc__publish_elsewhere(engine, replicas->last);
    if (replicas->last > 0 && tables != ARC_STORE_ANY) /* the end of the log has been told */
        replicas->reading &= ~BIT(event);
    replicas->last = 0;
    if ((tables & BIT(event)) != 0)
        arc__log_watches_wake(engine);
    engine->notices_due |= (tables & BIT(outbox)) != 0;
}

/* Both together, when the store says that there is something; all of it now and then. */
static arc_status read_news(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    arc_status inbox = ARC_OK, newest = ARC_OK;
    if (replicas->reading == 0 && replicas->news_mono_ns <= engine->now.mono_ns) {
        replicas->news = ARC_STORE_ANY;
        replicas->news_mono_ns = engine->now.mono_ns + NEWS_NS;
    }
    if (replicas->reading == 0 && replicas->news != 0)
        begin_news(engine, replicas->news);
    if ((replicas->reading & BIT(inbox)) != 0)
        inbox = read_inbox(engine, err);
    if ((replicas->reading & BIT(event)) != 0)
        newest = read_newest(engine, err);
    if (inbox != ARC_EAGAIN)
        replicas->reading &= ~BIT(inbox);
    if (newest != ARC_EAGAIN)
        replicas->reading &= ~BIT(event);
    return inbox != ARC_OK ? inbox : newest;
}

/* --- jobs that wait elsewhere -------------------------------------------------------- */

/* A guest may have been here for long, and nobody has told of what its home has stored since. */
static int waits_here(const struct live *live, const struct arc_row_job_run *row)
{
    return row->job_index >= 0 && row->job_index < live->run.plan->job_count &&
           live->run.jobs[row->job_index].attempt == row->attempt &&
           arc__job_wants_place(&live->run, (uint32_t)row->job_index, live->engine->now);
}

static arc_status look_at(struct arc_engine *engine, const struct arc_row_job_run *row,
                          size_t *left, arc_err *err)
{
    struct live *live = arc__map_get(&engine->runs, row->run_id);
    int64_t age_ns =
        engine->now.wall_ns - row->queued_at_ns; /* below 0: by a clock that is ahead */
    if (row->agent_id.len > 0 || (age_ns >= 0 && age_ns < PATIENCE_NS))
        return ARC_OK;
    if (live != NULL && live->loaded && !live->guest)
        return ARC_OK;
    (*left)--;
    if (live != NULL && live->loaded) {
        if (!waits_here(live, row))
            arc__live_doubt(live);
        return take(live, 1, err);
    }
    return want_text(engine, row->run_id, (struct wanted){.taking = 1}, err);
}

static int was_looked_at(const struct replicas *replicas, const struct arc_row_job_run *row)
{
    return row->queued_at_ns == replicas->waited_ns &&
           arc__slice_compare(row->id, arc__id_slice(&replicas->waited)) <= 0;
}

/* So many as there are slots. The next look goes on behind them, and after the last begins again:
 * those that wait for something else than an agent hold up nobody. */
static arc_status look_on(struct arc_engine *engine, const struct arc_rows *rows, size_t limit,
                          arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    const struct arc_row_job_run *row = rows->rows;
    size_t left = engine->free_count, looked = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (was_looked_at(replicas, &row[i]))
            continue;
        if (left == 0)
            return ARC_OK;
        ARC_TRY(look_at(engine, &row[i], &left, err));
        looked++;
        replicas->waited_ns = row[i].queued_at_ns;
        (void)arc__slice_to_cstr(row[i].id, replicas->waited.text, sizeof(replicas->waited.text));
    }
    if (rows->count < limit)
        replicas->waited_ns = 0;
    else if (looked == 0)
        replicas->waited_ns++; /* more of one moment than a look takes in */
    return ARC_OK;
}

/* Who has a free agent and nothing to give it takes from the others. */
static arc_status read_waiting(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    struct arc_query query = {.table = ARC_TABLE_job_run,
                              .order_col = ARC_COL_job_run_queued_at_ns,
                              .filter_count = 2,
                              .limit = 4 * engine->free_count + 16};
    if (replicas->waiting_load.state == 0 &&
        (engine->free_count == 0 || replicas->waiting_mono_ns > engine->now.mono_ns ||
         replicas->peer_count < 3 /* the leader's row, ours and another one */))
        return ARC_OK;
    if (replicas->waiting_load.state == 0)
        replicas->waiting_mono_ns = engine->now.mono_ns + WAITING_NS;
    query.filters[0] = arc__eq_int(ARC_COL_job_run_status, ARC_JOB_QUEUED);
    query.filters[1] = (struct arc_filter){
        .col = ARC_COL_job_run_queued_at_ns, .op = ARC_FILTER_GE, .number = replicas->waited_ns};
    ARC_TRY(arc__load(engine, &replicas->waiting_load, &query, err));
    arc_status status = look_on(engine, &replicas->waiting_load.rows, query.limit, err);
    arc__load_deinit(&replicas->waiting_load);
    return status;
}

/* --- agents -------------------------------------------------------------------------- */

static arc_status read_agents(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    int idle = replicas->agents_load.state == 0 && replicas->tokens_load.state == 0;
    if (idle && replicas->agents_mono_ns > engine->now.mono_ns)
        return ARC_OK;
    if (idle) {
        replicas->agents_mono_ns = engine->now.mono_ns + AGENTS_NS;
        replicas->agents_asked = engine->stats.commits;
    }
    replicas->agents_late = replicas->agents_asked != engine->stats.commits;
    arc_status tokens = arc__recover_tokens(engine, &replicas->tokens_load, err), agents;
    if (tokens == ARC_EAGAIN && replicas->agents_load.state == 2)
        agents = ARC_EAGAIN; /* once, when both are there: whom it finds may be given jobs */
    else
        agents = arc__recover_agents(engine, &replicas->agents_load, err);
    replicas->agents_late = 0;
    if (agents != ARC_OK || tokens != ARC_OK)
        return agents != ARC_OK ? agents : tokens;
    arc__load_deinit(&replicas->agents_load);
    arc__load_deinit(&replicas->tokens_load);
    replicas->agents_reads++;
    replicas->agents_read_mono_ns = engine->now.mono_ns;
    engine->cmds_asleep = 0;
    return ARC_OK;
}

void arc__homes_strangers(struct arc_engine *engine)
{
    struct replicas *replicas = &engine->replicas;
    if (replicas->on && engine->now.mono_ns - replicas->agents_read_mono_ns >= UNKNOWN_NS)
        replicas->agents_mono_ns = 0;
}

arc_status arc__homes_unknown(struct arc_engine *engine, arc_status status, const char *subject,
                              const char *message, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    if (replicas->on && engine->now.mono_ns - replicas->agents_read_mono_ns >= UNKNOWN_NS) {
        replicas->agents_mono_ns = 0;
        return arc__fail(err, ARC_EUNAVAILABLE, subject,
                         "What other processes know is being read: try again.");
    }
    return arc__fail(err, status, subject, "%s", message);
}

static void sooner(uint64_t *at, uint64_t other)
{
    if (other < *at)
        *at = other;
}

/* Two that have something of it, and read for long what it has, would take it from each other all
 * the time: whom it has left waits a little. */
arc_status arc__agent_come(struct arc_engine *engine, struct agent *agent)
{
    if (agent->place == AGENT_HERE)
        return ARC_OK;
    if (agent->place == AGENT_AWAY && engine->now.mono_ns < agent->rests_mono_ns) {
        sooner(&engine->sweep_mono_ns, agent->rests_mono_ns);
    } else if (agent->place == AGENT_AWAY) {
        agent->place = AGENT_COMING;
        engine->sweep_mono_ns = 0;
    }
    return ARC_EAGAIN;
}

arc_status arc__agent_needs_home(struct arc_engine *engine, arc_slice agent_id)
{
    struct agent *agent = arc__agent_find(engine, agent_id);
    return agent != NULL ? arc__agent_come(engine, agent) : ARC_OK;
}

arc_status arc__agent_arrive(struct arc_engine *engine, struct agent *agent, arc_err *err)
{
    arc_slice before = arc__turn_copy(engine, agent->row.home);
    agent->row.home = arc__arena_copy(&agent->arena, arc__id_slice(&engine->replicas.self));
    if (agent->arena.failed)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    agent->row.version++;
    agent->row.online = agent->online = 1;
    agent->row.last_seen_ns = engine->now.wall_ns;
    agent->place = AGENT_WRITING;
    engine->turn.presence = 1;
    ARC_TRY(arc__homes_note(engine, before, ARC_NONE, agent->row.id, err));
    ARC_TRY(arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_agent, &agent->row, 0, err));
    return arc__turn_event(engine,
                           (struct arc_event){.type = ARC_EVENT_AGENT_ONLINE,
                                              .seq = agent->row.version,
                                              .agent_id = agent->row.id},
                           agent->row.id, err);
}

static void lease_jobs(struct agent *agent)
{
    ARC_LIST_EACH(&agent->placements, link)
    {
        const struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        arc__live_lease(placement->live, placement->job);
        (void)arc__live_arm(placement->live, NULL); /* without memory a tick comes late */
    }
}

/* Its jobs are in memory: their leases run from now on, and it is offered what it may not have
 * heard of. Its former home may hear of that late, when it can store nothing, and renew them. */
static void settle_here(struct arc_engine *engine, struct agent *agent)
{
    agent->place = AGENT_HERE;
    agent->shared_mono_ns = engine->now.mono_ns + arc__replicas_lease_ns(engine);
    agent->epoch_known = 0;
    arc__load_deinit(&agent->epoch_load); /* asked for when it was here before */
    ARC_LIST_EACH(&agent->placements, link)
    {
        struct placement *placement = ARC_CONTAINER(link, struct placement, by_agent);
        arc__live_presume_told(placement->live, placement->job);
        placement->offered_fence = placement->cancel_fence = 0;
        arc__placement_due(placement);
    }
    lease_jobs(agent);
    arc__agent_relabelled(engine, agent);
    engine->cmds_asleep = 0;
}

/* What it had when it was last heard of here may be another one's by now: then no row of a job
 * names it any more. */
static void begin_reading(struct agent *agent)
{
    agent->place = AGENT_READING;
    arc__load_deinit(&agent->jobs_load);
    agent->jobs_at = 0;
    ARC_LIST_EACH(&agent->placements, link)
    {
        arc__live_doubt(ARC_CONTAINER(link, struct placement, by_agent)->live);
    }
}

static int has_doubted(const struct agent *agent)
{
    ARC_LIST_EACH(&agent->placements, link)
    {
        if (ARC_CONTAINER(link, struct placement, by_agent)->live->stale)
            return 1;
    }
    return 0;
}

void arc__agent_placed(struct arc_engine *engine, struct agent *agent, int is_new)
{
    int ours = arc__is_ours(engine, agent->row.home);
    if (!engine->replicas.on || agent->is_host)
        return;
    if (ours && (is_new || agent->place == AGENT_AWAY || agent->place == AGENT_COMING ||
                 agent->place == AGENT_WRITING)) {
        begin_reading(agent);
    }
    if (ours || agent->place == AGENT_AWAY || agent->place == AGENT_COMING)
        return;
    agent->rests_mono_ns = is_new ? 0 : engine->now.mono_ns + REST_NS;
    agent->place =
        agent->session != NULL && agent->place == AGENT_WRITING ? AGENT_COMING : AGENT_AWAY;
    agent->online = agent->online_stored = agent->row.online != 0;
    agent->row_due = agent->lost_due = 0;
    if (agent->place == AGENT_AWAY)
        arc__agent_leave(agent);
    arc__agent_shift(engine, agent);
    lease_jobs(agent);
    engine->sweep_mono_ns = 0;
}

/* The runs in which it has jobs, before anything of it is said to be lost. */
static arc_status read_jobs(struct arc_engine *engine, struct agent *agent, arc_err *err)
{
    static const int64_t open[] = {ARC_JOB_QUEUED, ARC_JOB_RUNNING};
    struct arc_query query = {.table = ARC_TABLE_job_run, .filter_count = 2, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_job_run_agent_id, agent->row.id);
    query.filters[1] = (struct arc_filter){.col = ARC_COL_job_run_status,
                                           .op = ARC_FILTER_IN,
                                           .ints = open,
                                           .int_count = ARC_COUNT_OF(open)};
    ARC_TRY(arc__load(engine, &agent->jobs_load, &query, err));
    const struct arc_row_job_run *row = agent->jobs_load.rows.rows;
    for (; agent->jobs_at < agent->jobs_load.rows.count; agent->jobs_at++) {
        struct live *live = NULL;
        arc_err why = ARC_ERR_INIT;
        arc_status status = arc__live_get(engine, row[agent->jobs_at].run_id, &live, &why);
        if (status == ARC_EAGAIN || status == ARC_ENOMEM || status == ARC_EUNAVAILABLE)
            return status;
        if (status == ARC_OK) /* it may have been read for something else, a while ago */
            arc__live_doubt(live);
    }
    for (size_t i = 0; i < agent->jobs_load.rows.count; i++) {
        const struct live *live = arc__map_get(&engine->runs, row[i].run_id);
        if (live != NULL && live->stale)
            return ARC_EAGAIN;
    }
    if (has_doubted(agent))
        return ARC_EAGAIN;
    arc__load_deinit(&agent->jobs_load);
    settle_here(engine, agent);
    return ARC_OK;
}

static arc_status read_all_jobs(struct arc_engine *engine, arc_err *err)
{
    arc_status worst = ARC_OK;
    ARC_LIST_EACH_SAFE(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        arc_status status = agent->place == AGENT_READING ? read_jobs(engine, agent, err) : ARC_OK;
        if (status != ARC_OK && status != ARC_EAGAIN)
            return status;
        worst = status != ARC_OK ? status : worst;
    }
    return worst;
}

/* --- together ------------------------------------------------------------------------ */

/* 1: it may stay in memory, though another process is its home. */
static int stays(const struct arc_engine *engine, const struct live *live)
{
    return !live->guest || !live->loaded || live->stale || arc__live_held(live) ||
           live->held_until_mono_ns > engine->now.mono_ns;
}

static arc_status drop_guests(struct arc_engine *engine, arc_err *err)
{
    ARC_LIST_EACH_SAFE(&engine->replicas.guests, link)
    {
        struct live *live = ARC_CONTAINER(link, struct live, visiting);
        if (!stays(engine, live)) {
            arc__live_drop(live);
        } else if (live->guest && live->taking) {
            live->taking = 0;
            ARC_TRY(arc__live_index(live, err));
        }
    }
    return ARC_OK;
}

arc_status arc__homes_read(struct arc_engine *engine, arc_err *err)
{
    static arc_status (*const steps[])(struct arc_engine *, arc_err *) = {
        arc__replicas_watch, read_news,   read_agents,  refresh,       reread_pipes,
        read_all_jobs,       read_wanted, read_waiting, arc__gone_look};
    if (!engine->replicas.on || engine->retry_mono_ns > engine->now.mono_ns)
        return ARC_OK;
    for (size_t i = 0; i < ARC_COUNT_OF(steps) && !engine->recovering; i++) {
        arc_err why = ARC_ERR_INIT;
        arc_status status = steps[i](engine, &why);
        if (status == ARC_OK || status == ARC_EAGAIN)
            continue;
        if (status != ARC_EUNAVAILABLE && status != ARC_ENOMEM)
            return arc__fail(err, status, why.subject, "%s", why.message);
        engine->retry_mono_ns = engine->now.mono_ns + (uint64_t)ARC_RETRY_NS;
        return ARC_OK;
    }
    return ARC_OK;
}

int arc__homes_due(const struct arc_engine *engine)
{
    return engine->replicas.on && engine->replicas.read_count > 0;
}

void arc__homes_end(struct arc_engine *engine, int kept)
{
    struct replicas *replicas = &engine->replicas;
    if (!replicas->on)
        return;
    replicas->read_count = 0; /* of a turn that is lost they are read again */
    if (!kept) {
        replicas->news = ARC_STORE_ANY;
        return;
    }
    arc__leases_forget(engine); /* what was lost before has been read again */
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        if (agent->place == AGENT_WRITING)
            begin_reading(agent);
    }
    if (drop_guests(engine, NULL) != ARC_OK)
        engine->replicas.news =
            ARC_STORE_ANY; /* what waits here in vain is not taken: the home places it */
}

uint64_t arc__homes_deadline(const struct arc_engine *engine)
{
    const struct replicas *replicas = &engine->replicas;
    uint64_t at = UINT64_MAX;
    if (!replicas->on)
        return at;
    if (replicas->read_count > 0)
        return 0;
    if (replicas->reading == 0)
        sooner(&at, replicas->news != 0 ? 0 : replicas->news_mono_ns);
    if (engine->free_count > 0 && replicas->waiting_load.state == 0 && replicas->peer_count >= 3)
        sooner(&at, replicas->waiting_mono_ns);
    if (replicas->agents_load.state == 0 && replicas->tokens_load.state == 0)
        sooner(&at, replicas->agents_mono_ns);
    if (at < engine->retry_mono_ns)
        at = engine->retry_mono_ns;
    return at;
}
