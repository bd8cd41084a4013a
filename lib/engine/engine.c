/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "engine/engine_private.h"
#include "engine/leases.h"

struct cmd_box *arc__box(struct arc_cmd *cmd)
{
    return (struct cmd_box *)(void *)cmd;
}

void arc__engine_say(struct arc_engine *engine, int level, const char *text)
{
    if (engine->options.log != NULL)
        engine->options.log(engine->options.log_user, level, "engine", text);
}

/* --- open and close ------------------------------------------------------------------ */

static void init_containers(struct arc_engine *engine)
{
    const struct arc_mem *mem = &engine->mem;
    uint64_t seed[2] = {0, 0};
    /* Ids come from outside, so the order of the maps must not be for them to choose. Without
     * entropy the first id fails anyway. */
    (void)engine->options.random(engine->options.random_user, seed, sizeof(seed));
    arc__map_init(&engine->runs, mem, seed[0], seed[1]);
    arc__map_init(&engine->steps, mem, seed[0], seed[1]);
    arc__map_init(&engine->pipes, mem, seed[0], seed[1]);
    arc__map_init(&engine->agents, mem, seed[0], seed[1]);
    arc__map_init(&engine->tokens, mem, seed[0], seed[1]);
    arc__map_init(&engine->set_aside, mem, seed[0], seed[1]);
    arc__map_init(&engine->lanes, mem, seed[0], seed[1]);
    arc__map_init(&engine->groups, mem, seed[0], seed[1]);
    arc__map_init(&engine->asked, mem, seed[0], seed[1]);
    arc__heap_init(&engine->timers, mem);
    arc__list_init(&engine->cmds);
    arc__list_init(&engine->live_list);
    arc__list_init(&engine->asked_list);
    arc__list_init(&engine->pipe_list);
    arc__list_init(&engine->agent_list);
    arc__list_init(&engine->linger_list);
    arc__list_init(&engine->idle_pipes);
    arc__list_init(&engine->levels);
    arc__list_init(&engine->cold_lanes);
    arc__list_init(&engine->fresh_agents);
    arc__list_init(&engine->sessions_due);
    arc__list_init(&engine->turn.pipes);
    arc__buf_init(&engine->lane_key, mem, ARC_LANE_KEY_MAX);
    arc__list_init(&engine->asides_due);
    arc__buf_init(&engine->body, mem, ARC_EVENT_BODY_MAX);
    arc__list_init(&engine->groups_due);
    arc__list_init(&engine->groups_told);
    arc__list_init(&engine->event_watches);
    arc__list_init(&engine->event_watches_due);
    arc__list_init(&engine->log_watches_due);
    arc__list_init(&engine->wide_watches);
    arc__list_init(&engine->turn.answered);
    arc__arena_init(&engine->turn.arena, mem, ARC_TURN_BYTES_MAX);
    arc__load_init(&engine->recover_load, mem);
    arc__load_init(&engine->notice_load, mem);
    engine->notices_due = 1; /* what was not done before */
}

static struct arc_now shifted(struct arc_now now)
{
    return (struct arc_now){now.mono_ns + ARC_MONO_SHIFT_NS, now.wall_ns};
}

static void set_defaults(struct arc_engine_options *options)
{
    if (options->definition_kept_max == 0)
        options->definition_kept_max = ARC_DEFINITION_KEPT_DEFAULT;
    if (options->leases_kept_max == 0)
        options->leases_kept_max = ARC_LEASES_KEPT_DEFAULT;
    if (options->runs_asked_max == 0)
        options->runs_asked_max = ARC_RUNS_ASKED_DEFAULT;
}

arc_status arc__engine_open(const struct arc_engine_options *options, struct arc_now now,
                            struct arc_engine **out, arc_err *err)
{
    struct arc_engine *engine = arc__alloc(&options->mem, sizeof(*engine));
    if (engine == NULL)
        return arc__fail_nomem(err);
    engine->options = *options;
    set_defaults(&engine->options);
    engine->mem = options->mem;
    engine->now = shifted(now);
    engine->ulid = (struct arc_ulid_gen){.user = options->random_user, .random = options->random};
    engine->stats.size = sizeof(engine->stats);
    init_containers(engine);
    arc__retain_open(engine);
    arc_status status = arc__publish_open(engine, err);
    if (status == ARC_OK)
        status = arc__replicas_open(engine, err);
    if (status == ARC_OK)
        status = arc__homes_open(engine, err);
    engine->recovering = 1;
    engine->ring_first = 1;
    if (status == ARC_OK) {
        engine->store = options->store;
        engine->logs = options->logs;
        arc__replicas_listen(engine);
        status = arc__recover(engine, err);
    }
    if (status != ARC_OK) {
        /* The adapters stay the caller's when opening fails. */
        arc__replicas_unlisten(engine);
        engine->store = NULL;
        engine->logs = NULL;
        arc__engine_close(engine);
        return status;
    }
    *out = engine;
    return ARC_OK;
}

static void close_commands(struct arc_engine *engine, struct arc_link *list)
{
    ARC_LIST_EACH_SAFE(list, link)
    {
        struct arc_cmd *cmd = ARC_CONTAINER(link, struct arc_cmd, link);
        arc__list_remove(link);
        arc__cmd_free(cmd);
    }
    (void)engine;
}

void arc__engine_close(struct arc_engine *engine)
{
    if (engine == NULL)
        return;
    struct arc_mem mem = engine->mem;
    if (engine->store != NULL)
        engine->store->ops->close(engine->store);
    close_commands(engine, &engine->cmds);
    close_commands(engine, &engine->turn.answered);
    ARC_LIST_EACH_SAFE(&engine->live_list, link)
    {
        arc__live_drop(ARC_CONTAINER(link, struct live, link));
    }
    ARC_LIST_EACH_SAFE(&engine->pipe_list, link)
    {
        arc__pipe_drop(engine, ARC_CONTAINER(link, struct pipe, link));
    }
    ARC_LIST_EACH_SAFE(&engine->agent_list, link)
    {
        arc__agent_drop(engine, ARC_CONTAINER(link, struct agent, link));
    }
    size_t at = 0;
    void *value = NULL;
    while (arc__map_next(&engine->tokens, &at, NULL, &value))
        arc__token_drop(engine, value);
    if (engine->logs != NULL)
        engine->logs->ops->close(engine->logs);
    arc__publish_close(engine);
    arc__homes_close(engine);
    arc__replicas_close(engine);
    arc__map_deinit(&engine->runs);
    arc__map_deinit(&engine->steps);
    arc__map_deinit(&engine->pipes);
    arc__map_deinit(&engine->agents);
    arc__map_deinit(&engine->tokens);
    arc__aside_close(engine);
    arc__asked_close(engine);
    arc__retain_close(engine);
    arc__map_deinit(&engine->lanes);
    arc__buf_deinit(&engine->lane_key);
    arc__buf_deinit(&engine->body);
    arc__free(&mem, engine->free);
    arc__map_deinit(&engine->groups);
    arc__heap_deinit(&engine->timers);
    arc__arena_deinit(&engine->turn.arena);
    arc__load_deinit(&engine->recover_load);
    arc__load_deinit(&engine->notice_load);
    arc__free(&mem, engine);
}

/* --- commands -----------------------------------------------------------------------------------
 */

struct arc_cmd *arc__cmd_new(struct arc_engine *engine, enum arc_cmd_kind kind)
{
    struct cmd_box *box = arc__realloc(&engine->mem, NULL, sizeof(*box));
    if (box == NULL)
        return NULL;
    memset(box, 0, offsetof(struct cmd_box, first));
    box->cmd.engine = engine;
    box->cmd.kind = kind;
    box->err = (arc_err)ARC_ERR_INIT;
    arc__arena_init(&box->cmd.arena, &engine->mem, ARC_CMD_BYTES_MAX);
    arc__arena_lend(&box->cmd.arena, box->first, sizeof(box->first));
    for (size_t i = 0; i < ARC_CMD_LOADS; i++)
        arc__load_init(&box->loads[i], &engine->mem);
    return &box->cmd;
}

void arc__cmd_free(struct arc_cmd *cmd)
{
    if (cmd == NULL)
        return;
    struct cmd_box *box = arc__box(cmd);
    struct arc_mem mem = cmd->engine->mem;
    for (size_t i = 0; i < ARC_CMD_LOADS; i++)
        arc__load_deinit(&box->loads[i]);
    arc__arena_deinit(&box->read_arena);
    arc__arena_deinit(&box->plan_arena);
    arc__arena_deinit(&cmd->arena);
    arc__free(&mem, box);
}

arc_status arc__engine_submit(struct arc_engine *engine, struct arc_cmd *cmd, arc_cmd_done done,
                              void *user, arc_err *err)
{
    arc__cmd_clean(cmd);
    if (cmd->arena.failed) {
        arc__cmd_free(cmd);
        return arc__fail_nomem(err);
    }
    if (engine->cmd_count >= ARC_CMDS_MAX) {
        arc__cmd_free(cmd);
        return arc__fail(err, ARC_ELIMIT, "commands", "%u commands wait already.", ARC_CMDS_MAX);
    }
    cmd->done = done;
    cmd->user = user;
    arc__box(cmd)->word = ++engine->words;
    arc__list_add_tail(&engine->cmds, &cmd->link);
    engine->cmd_count++;
    return ARC_OK;
}

void arc__cmd_forget(struct arc_cmd *cmd)
{
    if (cmd != NULL)
        cmd->done = NULL;
}

static arc_status decide(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    switch (box->cmd.kind) {
    case ARC_CMD_PIPELINE_CREATE:
        return arc__do_pipeline_create(engine, box, err);
    case ARC_CMD_PIPELINE_UPDATE:
        return arc__do_pipeline_update(engine, box, err);
    case ARC_CMD_PIPELINE_DELETE:
        return arc__do_pipeline_delete(engine, box, err);
    case ARC_CMD_DEFINITION_SAVE:
        return arc__do_definition_save(engine, box, err);
    case ARC_CMD_RUN_TRIGGER:
        return arc__do_run_trigger(engine, box, err);
    case ARC_CMD_RUN_PAUSE:
    case ARC_CMD_RUN_RESUME:
    case ARC_CMD_RUN_STOP:
    case ARC_CMD_RUN_GATE:
    case ARC_CMD_JOB_CANCEL:
    case ARC_CMD_STEP_CANCEL:
    case ARC_CMD_STEP_UPDATE:
        return arc__do_run_control(engine, box, err);
    case ARC_CMD_NOTICE_DONE:
        return arc__do_notice_done(engine, box, err);
    case ARC_CMD_STEP_DELETE:
        return arc__do_step_delete(engine, box, err);
    case ARC_CMD_RUN_RERUN:
        return arc__do_run_rerun(engine, box, err);
    case ARC_CMD_STEP_REPORT:
        return arc__do_step_report(engine, box, err);
    case ARC_CMD_AGENT_REGISTER:
        return arc__do_agent_register(engine, box, err);
    case ARC_CMD_AGENT_UNREGISTER:
        return arc__do_agent_unregister(engine, box, err);
    case ARC_CMD_TOKEN_CREATE:
        return arc__do_token_create(engine, box, err);
    case ARC_CMD_EVENTS_PUSH:
        return arc__do_events_push(engine, box, err);
    }
    return arc__fail(err, ARC_EINVAL, "command", "There is no such command.");
}

/* --- the turn ------------------------------------------------------------------------------------
 */

/* An answer or a row that there was no memory for may not be spoken or stored in part. */
static arc_status decide_whole(struct arc_engine *engine, struct cmd_box *box)
{
    arc_status status = decide(engine, box, &box->err);
    if (status == ARC_OK && box->cmd.arena.failed)
        status = arc__turn_spoil(engine, arc__fail_nomem(&box->err));
    return status;
}

/* A refusal that rests on what another process may have changed meanwhile. */
static int may_be_old(const struct arc_engine *engine, arc_status status)
{
    return engine->replicas.on && engine->turn.spoiled == ARC_OK &&
           (status == ARC_ECONFLICT || status == ARC_ENOTFOUND || status == ARC_EPRECONDITION ||
            status == ARC_EUNAUTHENTICATED || status == ARC_EDONE);
}

/* 1 and 2 and 3: gather, load, decide. Answers how many commands were decided. */
static uint32_t take_commands(struct arc_engine *engine, uint32_t budget)
{
    uint32_t taken = 0;
    uint32_t most = engine->one_by_one > 0 ? 1 : budget;
    engine->cmds_asleep = 0;
    ARC_LIST_EACH_SAFE(&engine->cmds, link)
    {
        struct cmd_box *box = arc__box(ARC_CONTAINER(link, struct arc_cmd, link));
        if (taken >= most || arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX ||
            engine->turn.spoiled != ARC_OK)
            break;
        box->err = (arc_err)ARC_ERR_INIT;
        box->answer = (struct arc_answer){0};
        arc_status status = box->after_read > engine->replicas.agents_reads
                                ? ARC_EAGAIN
                                : decide_whole(engine, box);
        if (may_be_old(engine, status) && arc__homes_doubt(engine, box))
            status = ARC_EAGAIN;
        if (status == ARC_EAGAIN) { /* sits this turn out */
            engine->cmds_asleep++;
            continue;
        }
        box->answer.status = status;
        box->answer.err = &box->err;
        box->answered = 1;
        arc__list_remove(link);
        engine->cmd_count--;
        arc__list_add_tail(&engine->turn.answered, link);
        engine->stats.commands++;
        taken++;
    }
    return taken;
}

/* A run whose deadline a tick left behind, and to which nothing happened, would keep the host
 * dispatching for ever. Where something did, what it led to may be due as well: after a restart
 * under another wall clock, moments that were apart can have come together. */
static arc_status keep_moving(struct arc_engine *engine, struct live *live, int64_t seq,
                              arc_err *err)
{
    if (live->timer.place == 0 || live->timer.deadline_ns > engine->now.mono_ns ||
        live->run.seq != seq)
        return ARC_OK;
    arc__engine_say(engine, ARC_LOG_ERROR, "A run's deadline did not move; it waits a second.");
    return arc__heap_arm(&engine->timers, &live->timer,
                         engine->now.mono_ns + (uint64_t)ARC_NS_PER_S, err);
}

static arc_status tick_due_runs(struct arc_engine *engine, arc_err *err)
{
    for (uint32_t i = 0; i < ARC_TURN_CMDS_MAX; i++) {
        struct arc_timer *timer = arc__heap_peek(&engine->timers);
        if (timer == NULL || timer->deadline_ns > engine->now.mono_ns)
            return ARC_OK;
        struct live *live = ARC_CONTAINER(timer, struct live, timer);
        if (arc__run_over(&live->run)) {
            arc__live_drop(live); /* its time for late logs is over */
            continue;
        }
        if (arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX)
            return ARC_OK; /* the others in the next turn */
        struct arc_decision d;
        int64_t seq = live->run.seq;
        ARC_TRY(arc__turn_enter(engine, live, &d, err));
        arc_status status = arc__decide_tick(&d, &live->run, err);
        if (status == ARC_OK)
            status = arc__withdraw(live, &d, err);
        ARC_TRY(arc__turn_leave(engine, live, &d, status, err));
        ARC_TRY(keep_moving(engine, live, seq, err));
        for (uint32_t j = 0; j < d.due_count; j++) /* a timeout that agents hear of has no event */
            arc__live_tell(live, d.due[j]);
    }
    return ARC_OK;
}

/* A new run may have come to something else in the turn that made it: its group rejects it, or a
 * newer one supersedes it. Who is answered hears what has been stored. */
static void answer_state(const struct arc_engine *engine, struct cmd_box *box)
{
    const struct live *live = NULL;
    if (box->cmd.kind == ARC_CMD_RUN_TRIGGER || box->cmd.kind == ARC_CMD_RUN_RERUN)
        live = arc__map_get(&engine->runs, box->answer.id);
    if (live != NULL && live->loaded && box->answer.status == ARC_OK)
        box->answer.state = live->run.status;
}

static void answer_all(struct arc_engine *engine, arc_status status, const arc_err *why)
{
    struct arc_link *list = &engine->turn.answered;
    while (!arc__list_empty(list)) {
        struct arc_cmd *cmd = ARC_CONTAINER(list->next, struct arc_cmd, link);
        struct cmd_box *box = arc__box(cmd);
        arc__list_remove(&cmd->link);
        /* A refusal may rest on what the lost turn had decided; a malformed command stays one. */
        if (status != ARC_OK && box->answer.status != ARC_EINVAL)
            box->answer = (struct arc_answer){.status = status, .err = why};
        answer_state(engine, box);
        if (cmd->done != NULL)
            cmd->done(cmd->user, &box->answer);
        arc__cmd_free(cmd);
    }
}

void arc__refuse_waiting(struct arc_engine *engine, arc_status status, const arc_err *why)
{
    ARC_LIST_EACH_SAFE(&engine->cmds, link)
    {
        arc__list_remove(link);
        engine->cmd_count--;
        arc__list_add_tail(&engine->turn.answered, link);
    }
    engine->cmds_asleep = 0;
    answer_all(engine, status, why);
}

static void forget_presence(struct arc_engine *engine)
{
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        agent->online = agent->online_stored;
        arc__agent_freed(engine, agent);
    }
    engine->sweep_mono_ns = 0;
}

static void keep_presence(struct arc_engine *engine)
{
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        agent->online_stored = agent->online;
        if (agent->row.unregistered_at_ns != 0)
            engine->sweep_mono_ns = 0; /* it can go now */
    }
}

/* It is read again, also where nobody asks for it. Without memory for that, all that is open is. */
static void forget_live(struct live *live)
{
    struct arc_engine *engine = live->engine;
    const struct wanted wanted = {.id = live->id, .lost = 1};
    if (engine->replicas.on && live->loaded && arc__homes_want(engine, &wanted, NULL) != ARC_OK)
        engine->replicas.full = 1;
    arc__live_drop(live);
}

/* Nothing was stored: everything the turn touched is dropped and loaded anew when it is needed. */
static void forget_turn(struct arc_engine *engine)
{
    struct turn *turn = &engine->turn;
    for (size_t i = 0; i < turn->live_count; i++) {
        if (turn->lives[i] != NULL)
            forget_live(turn->lives[i]);
    }
    turn->live_count = 0;
    while (!arc__list_empty(&turn->pipes)) {
        struct pipe *pipe = ARC_CONTAINER(turn->pipes.next, struct pipe, by_turn);
        arc__list_remove(&pipe->by_turn);
        pipe->row_due = 0;
        if (pipe->users == 0)
            arc__pipe_drop(engine, pipe);
        else
            pipe->loaded = 0; /* read again before its next use */
    }
    arc__publish_drop(engine);
    forget_presence(engine);
    if (!engine->replicas.on) /* of several nobody asks the store for the last one */
        engine->fence = turn->fence_before;
    engine->position = turn->first_position;
    /* Agents and tokens touched in memory are few; they are read again as a whole. */
    engine->recovering = 1;
    engine->recover_phase = 0;
}

/* Alone on a store, whoever conflicts again and again has met a fault. */
static uint32_t conflicts_max(const struct arc_engine *engine)
{
    return engine->replicas.on ? ARC_CONFLICTS_SHARED_MAX : ARC_CONFLICTS_MAX;
}

/* One stale row must not fail its neighbours: after a conflict each command has a turn of its own.
 */
static void retry_turn(struct arc_engine *engine)
{
    struct arc_link *list = &engine->turn.answered;
    uint32_t count = 0;
    while (!arc__list_empty(list)) {
        struct arc_cmd *cmd = ARC_CONTAINER(list->prev, struct arc_cmd, link);
        struct cmd_box *box = arc__box(cmd);
        arc__list_remove(&cmd->link);
        if (++box->conflicts > conflicts_max(engine)) {
            box->answer = (struct arc_answer){.status = ARC_ECONFLICT, .err = &engine->turn.err};
            if (cmd->done != NULL)
                cmd->done(cmd->user, &box->answer);
            arc__cmd_free(cmd);
            continue;
        }
        for (size_t i = 0; i < ARC_CMD_LOADS; i++)
            arc__load_deinit(&box->loads[i]);
        arc__list_add_head(&engine->cmds, &cmd->link);
        engine->cmd_count++;
        count++;
    }
    engine->one_by_one += (int)count;
}

/* Says once that the store has come to a limit, or to another, and that it has left them. */
static void note_store(struct arc_engine *engine)
{
    arc_err why = ARC_ERR_INIT;
    int limited = engine->store->ops->health(engine->store, &why) == ARC_ELIMIT;
    if (limited && strcmp(why.subject, ARC_STORE_FULL) == 0)
        limited = 2;
    if (limited == engine->store_limited)
        return;
    engine->store_limited = limited;
    arc__engine_say(engine, limited ? ARC_LOG_WARN : ARC_LOG_INFO,
                    limited ? why.message : "The store is within its limits again.");
}

/* Others have stored events since we looked: ours come behind them. */
static void shift_turn(struct arc_engine *engine)
{
    const struct turn *turn = &engine->turn;
    for (size_t i = 0; i < turn->live_count; i++)
        arc__groups_shift(turn->lives[i], turn->first_position, turn->shift);
    engine->position += turn->shift;
    arc__publish_shift(engine, turn->shift);
}

/* 5: speak, or take everything back. */
static arc_status end_turn(struct arc_engine *engine, arc_err *err)
{
    struct turn *turn = &engine->turn;
    arc_status status = turn->status;
    turn->committing = turn->committed = 0;
    if (engine->one_by_one > 0)
        engine->one_by_one--;
    if (turn->op_count > 0)
        engine->cmds_asleep = 0; /* what they wait for may be stored now */
    engine->stats.turns++;
    if (status == ARC_OK) {
        engine->stats.commits += turn->op_count > 0;
        note_store(engine);
        if (turn->shift != 0)
            shift_turn(engine);
        arc__publish(engine);
        arc__asides_end(engine, 1);
        arc__retain_end(engine, 1);
        if (turn->presence)
            keep_presence(engine);
        for (size_t i = 0; i < turn->live_count; i++) {
            turn->lives[i]->touched = turn->lives[i]->changed = 0;
            if (arc__run_over(&turn->lives[i]->run))
                arc__live_linger(turn->lives[i]);
        }
        while (!arc__list_empty(&turn->pipes))
            arc__list_remove(turn->pipes.next);
        answer_all(engine, ARC_OK, NULL);
        arc__replicas_end(engine, ARC_OK);
        arc__homes_end(engine, 1);
        arc__publish_notify(engine);
        return ARC_OK;
    }
    if (status == ARC_ECONFLICT && engine->replicas.on)
        arc__leases_keep(engine);
    forget_turn(engine);
    arc__replicas_end(engine, status);
    arc__homes_end(engine, 0);
    arc__asides_end(engine, 0);
    arc__retain_end(engine, 0);
    if (status == ARC_ECONFLICT) {
        retry_turn(engine);
        return ARC_OK;
    }
    arc_err why = ARC_ERR_INIT;
    engine->retry_mono_ns = engine->now.mono_ns + (uint64_t)ARC_RETRY_NS;
    int is_unknown = strncmp(turn->err.message, "It is not known", 15) == 0;
    (void)arc__fail(&why, ARC_EUNAVAILABLE, "store", "%s%s",
                    is_unknown ? "" : "Nothing was stored: ", turn->err.message);
    answer_all(engine, ARC_EUNAVAILABLE, &why);
    if (turn->spoiled != ARC_OK) /* ours: the run that broke it has been set aside */
        return ARC_OK;
    if (status == ARC_EINTERNAL)
        (void)snprintf(engine->fault, sizeof(engine->fault), "%.150s", turn->err.message);
    if (status == ARC_EIO || status == ARC_EINTERNAL)
        return arc__fail(err, status, "store", "%s", turn->err.message);
    return ARC_OK;
}

/* Slots and places follow from each other: an admitted job wants a place, and one that fails there
 * frees its slot. */
static arc_status hand_out(struct arc_engine *engine, arc_err *err)
{
    ARC_TRY(arc__groups_settle(engine, err));
    while (engine->place_due) {
        ARC_TRY(arc__place(engine, err));
        if (!arc__groups_due(engine) || arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX)
            break;
        ARC_TRY(arc__groups_settle(engine, err));
    }
    return arc__groups_tell(engine, err);
}

static arc_status run_turn(struct arc_engine *engine, uint32_t budget, uint32_t *done, arc_err *err)
{
    struct turn *turn = &engine->turn;
    arc__turn_begin(engine);
    if (engine->replicas.alone_due) { /* nothing else until others can know of us */
        arc_status joined = arc__turn_commit(engine, err);
        if (joined != ARC_OK)
            return joined;
        return turn->committed ? end_turn(engine, err) : ARC_OK;
    }
    arc_status status = tick_due_runs(engine, err);
    if (status == ARC_OK)
        *done = take_commands(engine, budget);
    if (status == ARC_OK)
        status = arc__asides_settle(engine, err);
    if (status == ARC_OK)
        status = arc__agents_sweep(engine, err);
    if (status == ARC_OK)
        status = hand_out(engine, err);
    if (status == ARC_OK)
        status = arc__retain_settle(engine, err);
    if (status == ARC_OK && turn->spoiled != ARC_OK)
        status = arc__fail(err, turn->spoiled, "turn", "The turn could not be completed.");
    if (status == ARC_OK)
        status = arc__turn_commit(engine, err);
    if (status != ARC_OK) { /* memory, or an invariant: nothing of this turn may be seen */
        turn->status = status;
        turn->committed = 1;
        if (err != NULL)
            turn->err = *err;
    }
    if (!turn->committed)
        return ARC_OK; /* the store answers later */
    return end_turn(engine, err);
}

static int work_is_due(const struct arc_engine *engine)
{
    const struct arc_timer *timer = arc__heap_peek(&engine->timers);
    return engine->cmd_count > engine->cmds_asleep || engine->place_due ||
           arc__groups_due(engine) || arc__asides_due(engine) ||
           engine->sweep_mono_ns <= engine->now.mono_ns || arc__replicas_due(engine) ||
           arc__homes_due(engine) || arc__retain_deadline(engine) <= engine->now.mono_ns ||
           (timer != NULL && timer->deadline_ns <= engine->now.mono_ns);
}

static arc_status dispatch(struct arc_engine *engine, uint32_t budget, arc_err *err)
{
    ARC_TRY(engine->store->ops->dispatch(engine->store, err));
    if (engine->turn.committing && engine->turn.committed)
        ARC_TRY(end_turn(engine, err));
    for (uint32_t left = budget; left > 0 && !engine->turn.committing;) {
        uint32_t done = 0;
        if (engine->recovering) {
            if (engine->retry_mono_ns > engine->now.mono_ns)
                break;
            ARC_TRY(arc__recover(engine, err));
            if (engine->recovering)
                break;
        }
        ARC_TRY(arc__homes_read(engine, err));
        if (engine->recovering)
            continue;
        if (!work_is_due(engine))
            break;
        ARC_TRY(run_turn(engine, left < ARC_TURN_CMDS_MAX ? left : ARC_TURN_CMDS_MAX, &done, err));
        left -= done < left ? done : left;
        if (!engine->turn.committing) /* what was doubted is asked for at once */
            ARC_TRY(arc__homes_read(engine, err));
        if (done == 0)
            break;
    }
    arc__publish_notify(engine);
    return ARC_OK;
}

arc_status arc__engine_dispatch(struct arc_engine *engine, struct arc_now now, uint32_t budget,
                                arc_err *err)
{
    if (engine->dispatching)
        return arc__fail(err, ARC_ECONFLICT, "dispatch", "Dispatch was called from a callback.");
    if (engine->fault[0] != '\0')
        return arc__fail(err, ARC_EINTERNAL, "engine", "%s", engine->fault);
    engine->now = shifted(now);
    engine->dispatching = 1;
    arc_status status = dispatch(engine, budget, err);
    engine->dispatching = 0;
    return status;
}

void arc__engine_set_now(struct arc_engine *engine, struct arc_now now)
{
    engine->now = shifted(now);
}

void arc__engine_retry_now(struct arc_engine *engine)
{
    engine->retry_mono_ns = 0;
}

static uint64_t next_deadline(const struct arc_engine *engine)
{
    const struct arc_timer *timer = arc__heap_peek(&engine->timers);
    uint64_t at = engine->sweep_mono_ns;
    if (engine->turn.committing)
        return UINT64_MAX; /* the store's descriptor wakes us */
    if (arc__publish_due(engine))
        return 0;
    if (engine->recovering) {
        if (engine->loads_pending > 0)
            return UINT64_MAX; /* likewise */
        return engine->retry_mono_ns > engine->now.mono_ns ? engine->retry_mono_ns : 0;
    }
    if (engine->cmd_count > engine->cmds_asleep || engine->place_due || arc__groups_due(engine) ||
        arc__asides_due(engine))
        return 0;
    if (timer != NULL && timer->deadline_ns < at)
        at = timer->deadline_ns;
    const uint64_t others[] = {arc__retain_deadline(engine), arc__replicas_deadline(engine),
                               arc__homes_deadline(engine)};
    for (size_t i = 0; i < ARC_COUNT_OF(others); i++)
        at = others[i] < at ? others[i] : at;
    return at;
}

uint64_t arc__engine_deadline(const struct arc_engine *engine)
{
    uint64_t at = next_deadline(engine);
    if (at == UINT64_MAX)
        return at;
    return at > ARC_MONO_SHIFT_NS ? at - ARC_MONO_SHIFT_NS : 0;
}

/* --- small looks ---------------------------------------------------------------------------------
 */

int arc__engine_fd(struct arc_engine *engine)
{
    return engine->store->ops->fd(engine->store);
}

int arc__engine_store_timeout_ms(struct arc_engine *engine)
{
    return engine->store->ops->timeout_ms(engine->store);
}

arc_status arc__engine_health(struct arc_engine *engine, arc_err *err)
{
    if (engine->fault[0] != '\0')
        return arc__fail(err, ARC_EINTERNAL, "engine", "%s", engine->fault);
    if (engine->recovering)
        return arc__fail(err, ARC_EUNAVAILABLE, "engine", "Unfinished runs are being taken up.");
    arc_err why = ARC_ERR_INIT;
    arc_status status = engine->store->ops->health(engine->store, &why);
    if (status == ARC_OK || (status == ARC_ELIMIT && strcmp(why.subject, ARC_STORE_FULL) != 0))
        return ARC_OK; /* what is new can be accepted and stored */
    return arc__fail(err, status, why.subject, "%s", why.message);
}

const char *arc__engine_fault(const struct arc_engine *engine)
{
    return engine->fault[0] != '\0' ? engine->fault : NULL;
}

void arc__engine_stats(const struct arc_engine *engine, arc_ctl_stats *out)
{
    size_t size = out->size < sizeof(*out) ? out->size : sizeof(*out);
    arc_ctl_stats stats = engine->stats;
    stats.size = out->size;
    stats.runs_open = engine->lives_open;
    stats.runs_quarantined = engine->set_aside.count;
    stats.jobs_queued = engine->ready_count + engine->slots_awaited;
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        const struct agent *agent = ARC_CONTAINER(link, struct agent, link);
        stats.steps_running += agent->used;
        stats.agents_online += agent->online && !agent->is_host;
    }
    memcpy(out, &stats, size);
}

const struct arc_mem *arc__engine_mem(const struct arc_engine *engine)
{
    return &engine->mem;
}

struct arc_now arc__engine_now(const struct arc_engine *engine)
{
    return (struct arc_now){engine->now.mono_ns - ARC_MONO_SHIFT_NS, engine->now.wall_ns};
}

const struct arc_rules *arc__engine_rules(const struct arc_engine *engine)
{
    return &engine->options.rules;
}

int64_t arc__engine_heartbeat_ns(const struct arc_engine *engine)
{
    return engine->options.heartbeat_ns;
}

arc_status arc__engine_new_id(struct arc_engine *engine, arc_id *out, arc_err *err)
{
    int64_t ms = engine->now.wall_ns / 1000000;
    return arc__ulid_next(&engine->ulid, ms > 0 ? (uint64_t)ms : 0, out, err);
}

int arc__engine_is_shared(const struct arc_engine *engine)
{
    return engine->replicas.on;
}

int arc__engine_random(struct arc_engine *engine, void *buf, size_t len)
{
    return engine->options.random(engine->options.random_user, buf, len);
}

arc_status arc__engine_query(struct arc_engine *engine, const struct arc_query *query,
                             struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    return engine->store->ops->query(engine->store, query, arena, done, user, err);
}
