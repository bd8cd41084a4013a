/* SPDX-License-Identifier: Apache-2.0 */
/* Random lives of the whole engine: a store that is slow, fails and forgets to answer, a server
 * that is killed, agents that die, come back, are started anew, miss what they are told and say
 * things twice. Then everything heals, and it must hold:
 *
 *   every run ends; every request made one run; a watcher saw every event once and in order; what
 *   was answered with ARC_OK is in the log; no (step run, attempt) was in two agents' hands; every
 *   run's events pass the invariants of watch.h, and its row says what its events say; no group had
 *   more holders than slots at any position of the log.
 *
 * A failure prints its seed; with FIRST_SEED set to it, it is the first life that is tried. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/watch.h"
#include "engine/event_json.h"

#define FIRST_SEED 1u
#define LIVES_MEM 200u
#define LIVES_SQLITE 5u
#define AGENTS 3u
#define RUNS 8u
#define HELD_MAX 12u
#define TOLD_MAX 600u

static const char *const definitions[] = {
    "namespace: n\njobs:\n"
    "- name: a\n  retry: {maxAttempts: 4, on: [lost]}\n"
    "  steps: [{name: x, run: 'true'}, {name: y, run: 'true', retry: {maxAttempts: 2, delay: "
    "5s}}]\n"
    "- {name: b, dependsOn: [a], steps: [{name: x, run: 'true', timeout: 60s}]}\n"
    "- {name: c, dependsOn: [a], when: failure(), steps: [{name: x, run: 'true'}]}\n",
    "namespace: n\nstages:\n"
    "- name: one\n  jobs:\n"
    "  - {name: a, steps: [{name: x, run: 'true'}]}\n"
    "  - {name: b, continueOnError: true, steps: [{name: x, run: 'true'}]}\n"
    "  - {name: c, timeout: 90s, steps: [{name: x, run: 'true'}, {name: y, run: 'true'}]}\n"
    "- name: two\n  when: always()\n  jobs:\n"
    "  - {name: d, steps: [{name: x, run: 'true'}]}\n",
    "namespace: n\ntimeout: 300s\njobs:\n"
    "- {name: a, retry: {maxAttempts: 3, delay: 10s}, steps: [{name: x, run: 'true'}]}\n"
    "- {name: b, queueTimeout: 200s, steps: [{name: x, run: 'true'}]}\n",
    /* lane has one slot for runs, pool has two for jobs: see check_slots */
    "namespace: n\nconcurrency: {group: lane}\njobs:\n"
    "- {name: a, steps: [{name: x, run: 'true'}]}\n"
    "- {name: b, concurrency: {group: pool, limit: 2}, retry: {maxAttempts: 3, delay: 5s},\n"
    "   steps: [{name: x, run: 'true'}]}\n",
    "namespace: n\nconcurrency: {group: lane, onFull: cancelRunning}\njobs:\n"
    "- {name: a, dependsOn: [b], concurrency: {group: pool, limit: 2, order: ready},\n"
    "   steps: [{name: x, run: 'true'}]}\n"
    "- {name: b, steps: [{name: x, run: 'true'}]}\n",
    "namespace: n\njobs:\n"
    "- {name: a, matrix: {n: [1, 2, 3]}, retry: {maxAttempts: 4, on: [lost]},\n"
    "   concurrency: {group: pool, limit: 2}, steps: [{name: x, run: 'true'}]}\n"
    "- {name: b, concurrency: {group: pool, limit: 2, onFull: cancelPending},\n"
    "   steps: [{name: x, run: 'true'}]}\n",
};

struct task {
    char id[32];
    int32_t attempt;
    uint64_t fence;
    int started, cancelled;
};

struct robot {
    char id[32], token[128], incarnation[16];
    struct arc_session *session;
    int alive, lives, wants_channel;
    uint64_t back_mono_ns, beat_mono_ns;
    struct task tasks[HELD_MAX];
    size_t count;
};

struct told {
    char id[32];
    int32_t attempt;
    uint32_t robot;
};

struct sim {
    struct world w;
    uint64_t dice;
    int healthy;
    struct robot robots[AGENTS];
    struct arc_event_watch *watch;
    int64_t seen; /* by the watch */
    char pipelines[ARC_COUNT_OF(definitions)][32];
    char runs[RUNS][32];
    size_t run_count;
    struct told hands[TOLD_MAX]; /* who was offered what */
    size_t hand_count;
    struct told ends[TOLD_MAX]; /* terminal reports that were answered with ARC_OK */
    size_t end_count;
};

static uint32_t roll(struct sim *sim, uint32_t sides)
{
    uint64_t z = (sim->dice += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % sides);
}

static void decide_fault(void *user, const struct arc_store_batch *batch,
                         const struct arc_query *query, struct arc_store_fault *fault)
{
    static const arc_status ways[] = {ARC_EUNAVAILABLE, ARC_ELIMIT, ARC_ECONFLICT, ARC_ENOMEM};
    struct sim *sim = user;
    (void)query;
    if (sim->healthy)
        return;
    if (roll(sim, 6) == 0)
        fault->held_rounds = 1 + roll(sim, 3);
    if (roll(sim, 12) != 0)
        return;
    fault->kind = roll(sim, 3) == 0 ? ARC_STORE_FAULT_LOSE : ARC_STORE_FAULT_FAIL;
    fault->status = batch != NULL ? ways[roll(sim, 4)] : ARC_EUNAVAILABLE;
}

static void ignore(void *user)
{
    (void)user;
}

static void look(struct sim *sim);

/* Time goes on a little, with a dispatch at each deadline. */
static void pass(struct sim *sim, int64_t ns)
{
    struct world *w = &sim->w;
    uint64_t until = w->now.mono_ns + (uint64_t)ns;
    for (int i = 0; i < 500; i++) {
        CHECK_OK(arc__engine_dispatch(w->engine, w->now, 100, NULL));
        uint64_t next = arc__engine_deadline(w->engine);
        if (next == UINT64_MAX && arc__engine_health(w->engine, NULL) != ARC_OK)
            next = w->now.mono_ns + 1000000; /* the store has something to say */
        if (w->kind == WORLD_MEM && arc__store_mem_held(w->store) > 0)
            next = w->now.mono_ns + 1000000;
        if (next > until)
            next = until;
        if (next > w->now.mono_ns) {
            w->now.wall_ns += (int64_t)(next - w->now.mono_ns);
            w->now.mono_ns = next;
        } else if (w->now.mono_ns >= until) {
            look(sim);
            return;
        }
    }
    CHECK_TEXT(ARC_LIT("the engine"), "comes to rest");
}

/* Asks, and waits a little: an answer that does not come in time is never known. */
static struct said ask(struct sim *sim, struct arc_cmd *cmd)
{
    struct said said;
    world_submit(&sim->w, cmd, &said);
    for (int i = 0; i < 20 && said.times == 0 && said.status == ARC_OK; i++)
        pass(sim, 50000000);
    if (said.times == 0 && said.status == ARC_OK) {
        arc__cmd_forget(cmd);
        said.status = ARC_EDEADLINE;
    }
    return said;
}

/* --- agents -------------------------------------------------------------------------------------
 */

static void join(struct sim *sim, struct robot *robot)
{
    struct said token = ask(sim, world_token(&sim->w, 1, 0));
    *robot = (struct robot){.alive = 1};
    (void)snprintf(robot->incarnation, sizeof(robot->incarnation), "i1");
    struct arc_cmd *cmd = world_register(&sim->w, token.secret, "robot", "{}");
    cmd->u.agent.max_concurrent = 1 + roll(sim, 3);
    struct said said = ask(sim, cmd);
    CHECK_OK(said.status);
    memcpy(robot->id, said.id, sizeof(robot->id));
    memcpy(robot->token, said.secret, sizeof(robot->token));
}

static struct task *task_of(struct robot *robot, uint64_t fence)
{
    for (size_t i = 0; i < robot->count; i++) {
        if (robot->tasks[i].fence == fence)
            return &robot->tasks[i];
    }
    return NULL;
}

static void drop(struct robot *robot, uint64_t fence)
{
    struct task *task = task_of(robot, fence);
    if (task != NULL)
        *task = robot->tasks[--robot->count];
}

/* Nobody else may ever have been offered the same attempt. */
static void note_hand(struct sim *sim, const struct robot *robot, const struct task *task)
{
    uint32_t index = (uint32_t)(robot - sim->robots);
    for (size_t i = 0; i < sim->hand_count; i++) {
        const struct told *hand = &sim->hands[i];
        if (strcmp(hand->id, task->id) == 0 && hand->attempt == task->attempt)
            CHECK_INT(hand->robot, index);
    }
    if (sim->hand_count == TOLD_MAX)
        return;
    struct told *hand = &sim->hands[sim->hand_count++];
    memcpy(hand->id, task->id, sizeof(hand->id));
    hand->attempt = task->attempt;
    hand->robot = index;
}

static void take_offers(struct sim *sim, struct robot *robot)
{
    struct arc_offer offer;
    struct arc_arena *arena = &sim->w.arena;
    arc_status status = ARC_OK;
    while (robot->count < HELD_MAX &&
           (status = arc__session_next(robot->session, arena, &offer, NULL)) == ARC_OK) {
        if (offer.kind == ARC_OFFER_CANCEL) {
            struct task *task = task_of(robot, offer.cancel.fence);
            struct task unknown = {.attempt = offer.cancel.attempt, .fence = offer.cancel.fence};
            (void)arc__slice_to_cstr(offer.cancel.step_run_id, unknown.id, sizeof(unknown.id));
            if (task == NULL)
                robot->tasks[robot->count++] = unknown; /* to be answered all the same */
            task = task_of(robot, offer.cancel.fence);
            task->cancelled = 1;
            continue;
        }
        const struct arc_step_state *step = &offer.run->jobs[offer.job].steps[offer.step];
        struct task task = {.attempt = step->attempt, .fence = step->fence};
        (void)arc__slice_to_cstr(arc__id_slice(&step->id), task.id, sizeof(task.id));
        note_hand(sim, robot, &task);
        if (!sim->healthy && roll(sim, 8) == 0)
            continue; /* lost on its way */
        if (task_of(robot, task.fence) == NULL)
            robot->tasks[robot->count++] = task;
        if (sim->healthy || roll(sim, 4) != 0)
            (void)arc__session_ack(robot->session, arc__slice_cstr(task.id), task.fence, 1,
                                   ARC_NONE, NULL);
    }
    arc__arena_reset(arena);
    robot->wants_channel |= status == ARC_EDONE;
}

static void beat(struct sim *sim, struct robot *robot)
{
    struct arc_lease leases[HELD_MAX];
    struct arc_renewal renewal;
    for (size_t i = 0; i < robot->count; i++)
        leases[i] = (struct arc_lease){arc__slice_cstr(robot->tasks[i].id), robot->tasks[i].attempt,
                                       robot->tasks[i].fence};
    struct arc_heartbeat said = {.agent_id = arc__slice_cstr(robot->id),
                                 .incarnation = arc__slice_cstr(robot->incarnation),
                                 .leases = leases,
                                 .lease_count = robot->count,
                                 .has_leases = 1};
    robot->beat_mono_ns = sim->w.now.mono_ns + (uint64_t)SECONDS(10);
    CHECK_OK(arc__engine_heartbeat(sim->w.engine, &said, &sim->w.arena, &renewal, NULL));
    for (size_t i = 0; i < renewal.cancel_count; i++) {
        struct task *task = task_of(robot, renewal.cancels[i].fence);
        if (task != NULL)
            task->cancelled = 1;
    }
    for (size_t i = 0; i < renewal.lost_count; i++)
        drop(robot, renewal.lost[i].fence);
    arc__arena_reset(&sim->w.arena);
}

static void report(struct sim *sim, struct robot *robot)
{
    struct task task = robot->tasks[roll(sim, (uint32_t)robot->count)];
    struct hand hand = {.w = &sim->w};
    struct held held = {.attempt = task.attempt, .fence = task.fence};
    int status = task.cancelled ? ARC_STEP_CANCELLED
                 : !task.started && roll(sim, 4) != 0
                     ? ARC_STEP_RUNNING
                     : (roll(sim, 5) == 0 ? ARC_STEP_FAILED : ARC_STEP_SUCCESS);
    memcpy(hand.id, robot->id, sizeof(hand.id));
    memcpy(held.id, task.id, sizeof(held.id));
    struct said said = ask(sim, hand_report(&hand, &held, status, status == ARC_STEP_FAILED));
    if (said.status == ARC_OK && !sim->healthy && roll(sim, 5) == 0) /* and again */
        said = ask(sim, hand_report(&hand, &held, status, status == ARC_STEP_FAILED));
    if (said.status == ARC_OK && status == ARC_STEP_RUNNING) {
        struct task *mine = task_of(robot, task.fence);
        if (mine != NULL)
            mine->started = 1;
    } else if (said.status == ARC_OK) {
        if (sim->end_count < TOLD_MAX) {
            struct told *end = &sim->ends[sim->end_count++];
            memcpy(end->id, task.id, sizeof(end->id));
            end->attempt = task.attempt;
        }
        drop(robot, task.fence);
    } else if (said.status == ARC_EPRECONDITION || said.status == ARC_ECONFLICT) {
        drop(robot, task.fence);
    } else if (said.status != ARC_EDEADLINE) {
        CHECK_STATUS(said.status, ARC_EUNAVAILABLE);
    }
}

static void move(struct sim *sim, struct robot *robot)
{
    if (!robot->alive) {
        if (sim->w.now.mono_ns < robot->back_mono_ns && !sim->healthy)
            return;
        robot->alive = robot->wants_channel = 1;
        if (roll(sim, 2)) { /* started anew: it knows nothing */
            robot->count = 0;
            (void)snprintf(robot->incarnation, sizeof(robot->incarnation), "i%d", ++robot->lives);
        }
    }
    if (!sim->healthy && roll(sim, 40) == 0) {
        robot->alive = 0;
        robot->back_mono_ns = sim->w.now.mono_ns + (uint64_t)SECONDS(1 + roll(sim, 60));
        if (roll(sim, 2)) {
            arc__session_close(robot->session);
            robot->session = NULL;
        }
        return;
    }
    if (robot->session == NULL || robot->wants_channel) {
        arc__session_close(robot->session);
        robot->session = NULL;
        robot->wants_channel = 0;
        CHECK_OK(arc__session_open(sim->w.engine, arc__slice_cstr(robot->id), ignore, NULL,
                                   &robot->session, NULL));
    }
    if (robot->beat_mono_ns <= sim->w.now.mono_ns)
        beat(sim, robot);
    take_offers(sim, robot);
    if (robot->count > 0 && roll(sim, 3) != 0)
        report(sim, robot);
}

/* --- the world ----------------------------------------------------------------------------------
 */

static void open_watch(struct sim *sim)
{
    struct arc_watch_filter filter = {.after = sim->seen};
    CHECK_OK(arc__event_watch_open(sim->w.engine, &filter, ignore, NULL, &sim->watch, NULL));
}

static void look(struct sim *sim)
{
    const struct arc_event *event = NULL;
    while (sim->watch != NULL && arc__event_watch_next(sim->watch, &event, NULL) == ARC_OK) {
        CHECK_INT(event->position, sim->seen + 1);
        sim->seen = event->position;
    }
}

static void crash(struct sim *sim)
{
    int healthy = sim->healthy;
    for (size_t i = 0; i < AGENTS; i++) {
        arc__session_close(sim->robots[i].session);
        sim->robots[i].session = NULL;
    }
    arc__event_watch_close(sim->watch);
    sim->watch = NULL;
    sim->healthy = 1; /* a store that is away at the start is the caller's to see */
    CHECK_OK(world_crash(&sim->w, NULL));
    sim->healthy = healthy;
    open_watch(sim);
}

static void start_run(struct sim *sim)
{
    char request[16];
    uint32_t which = roll(sim, ARC_COUNT_OF(definitions));
    (void)snprintf(request, sizeof(request), "r%zu", sim->run_count);
    for (int i = 0; i < 300; i++) {
        struct said said = ask(sim, world_trigger(&sim->w, sim->pipelines[which], request));
        if (said.status == ARC_OK) {
            memcpy(sim->runs[sim->run_count++], said.id, 32);
            return;
        }
        if (said.status != ARC_EDEADLINE)
            CHECK_STATUS(said.status, ARC_EUNAVAILABLE);
    }
    CHECK_TEXT(ARC_LIT("a trigger"), "gets through at last");
    sim->run_count++;
}

static void control(struct sim *sim)
{
    static const enum arc_cmd_kind kinds[] = {ARC_CMD_RUN_PAUSE, ARC_CMD_RUN_RESUME,
                                              ARC_CMD_RUN_RESUME, ARC_CMD_RUN_STOP};
    if (sim->run_count == 0)
        return;
    enum arc_cmd_kind kind = kinds[roll(sim, 4)];
    if (kind == ARC_CMD_RUN_STOP && roll(sim, 6) != 0)
        return;
    (void)ask(sim, world_control(&sim->w, kind, sim->runs[roll(sim, (uint32_t)sim->run_count)]));
}

static int open_runs(struct sim *sim)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(sim->w.engine, &stats);
    return (int)stats.runs_open;
}

static void heal(struct sim *sim)
{
    sim->healthy = 1;
    pass(sim, SECONDS(2));
    for (size_t i = 0; i < sim->run_count; i++)
        (void)ask(sim, world_control(&sim->w, ARC_CMD_RUN_RESUME, sim->runs[i]));
    for (int i = 0; i < 1500 && open_runs(sim) > 0; i++) {
        for (size_t k = 0; k < AGENTS; k++)
            move(sim, &sim->robots[k]);
        pass(sim, SECONDS(1));
    }
    CHECK_INT(open_runs(sim), 0);
}

/* --- afterwards ---------------------------------------------------------------------------------
 */

static void check_run(struct sim *sim, const char *id, struct watch_step *steps)
{
    struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    struct watch watch;
    struct arc_run run;
    arc_err err = ARC_ERR_INIT;
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_event_stream, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(id)};
    CHECK_OK(world_rows(&sim->w, &query, &rows));
    watch_init(&watch, steps);
    arc__run_init(&run, &sim->w.mem);
    const struct arc_row_event *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        struct arc_event *event = NULL;
        if (!CHECK_OK(arc__event_from_row(&row[i], &run.arena, &event, &err)))
            break;
        watch_event(&watch, event);
        if (!CHECK_OK(arc__run_fold(&run, event, 0, &err)))
            break;
        watch_run(&watch, &run);
        for (size_t k = 0; k < sim->end_count; k++) { /* found: not to be looked for again */
            if (event->step >= 0 && arc__slice_is(event->step_run_id, sim->ends[k].id) &&
                event->attempt == sim->ends[k].attempt &&
                (arc_step_state_is_terminal(event->state) ||
                 event->type == ARC_EVENT_STEP_RETRYING))
                sim->ends[k--] = sim->ends[--sim->end_count];
        }
    }
    CHECK_TEXT(arc__slice_cstr(watch.wrong), "");
    CHECK(arc__run_over(&run));
    CHECK_INT(world_run_status(&sim->w, id), run.status);
    CHECK_INT(world_run_col(&sim->w, id, ARC_COL_pipeline_run_failed_jobs), run.jobs_failed);
    CHECK_INT(world_run_col(&sim->w, id, ARC_COL_pipeline_run_version), run.seq);
    arc__run_deinit(&run);
    arc__arena_reset(&sim->w.arena);
}

/* Who holds a slot, by what the log says. */
struct slots {
    char holders[RUNS * 4][32];
    size_t count, most;
};

static void follow_slots(struct slots *slots, const struct arc_event *event, arc_slice id,
                         enum arc_event_type admitted, int over)
{
    if (event->type == admitted) {
        (void)arc__slice_to_cstr(id, slots->holders[slots->count++ % ARC_COUNT_OF(slots->holders)],
                                 sizeof(slots->holders[0]));
        slots->most = slots->count > slots->most ? slots->count : slots->most;
    }
    for (size_t i = 0; over && i < slots->count; i++) {
        if (arc__slice_is(id, slots->holders[i]))
            memmove(slots->holders[i], slots->holders[--slots->count], sizeof(slots->holders[0]));
    }
}

static void check_slots(struct sim *sim)
{
    struct arc_query query = {.table = ARC_TABLE_event, .order_col = ARC_COL_event_position};
    struct arc_rows rows = {0};
    struct slots lane = {.count = 0}, pool = {.count = 0};
    struct arc_arena arena;
    CHECK_OK(world_rows(&sim->w, &query, &rows));
    arc__arena_init(&arena, &sim->w.mem, 64u * 1024 * 1024);
    const struct arc_row_event *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        struct arc_event *event = NULL;
        if (!CHECK_OK(arc__event_from_row(&row[i], &arena, &event, NULL)))
            break;
        if (event->run_id.len == 0 || event->step >= 0)
            continue;
        if (event->job < 0)
            follow_slots(&lane, event, event->run_id, ARC_EVENT_PIPELINE_ADMITTED,
                         arc_run_state_is_terminal(event->state));
        else
            follow_slots(&pool, event, event->job_id, ARC_EVENT_JOB_ADMITTED,
                         arc_job_state_is_terminal(event->state));
    }
    CHECK(lane.most <= 1 && pool.most <= 2);
    CHECK_INT(lane.count + pool.count, 0);
    arc__arena_deinit(&arena);
    arc__arena_reset(&sim->w.arena);
}

static void check_all(struct sim *sim)
{
    struct watch_step *steps = calloc(WATCH_STEPS_MAX, sizeof(*steps));
    int64_t runs = 0;
    look(sim);
    CHECK_INT(sim->seen, arc__engine_position(sim->w.engine));
    for (size_t i = 0; i < sim->run_count; i++)
        check_run(sim, sim->runs[i], steps);
    CHECK_INT(sim->end_count, 0); /* every acknowledged end was found */
    for (size_t i = 0; i < ARC_COUNT_OF(definitions); i++)
        runs += world_count(&sim->w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_pipeline_id,
                            sim->pipelines[i]);
    CHECK_INT(runs, sim->run_count);
    check_slots(sim);
    CHECK_INT(sim->w.logged, 0);
    world_check_events(&sim->w);
    free(steps);
}

static void set_up(struct sim *sim)
{
    for (size_t i = 0; i < ARC_COUNT_OF(definitions); i++) {
        struct said said = ask(sim, world_create(&sim->w, "p", definitions[i]));
        CHECK_OK(said.status);
        memcpy(sim->pipelines[i], said.id, sizeof(sim->pipelines[i]));
    }
    for (size_t i = 0; i < AGENTS; i++)
        join(sim, &sim->robots[i]);
}

static void one_life(struct sim *sim, enum world_store kind, uint64_t seed)
{
    *sim = (struct sim){.dice = seed, .healthy = 1};
    if (!world_open(&sim->w, kind))
        return;
    sim->w.random = seed;
    if (kind == WORLD_MEM)
        arc__store_mem_set_fault(sim->w.store, decide_fault, sim);
    open_watch(sim);
    set_up(sim);
    sim->healthy = 0;
    for (int i = 0; i < 200; i++) {
        if (i % 25 == 0 && sim->run_count < RUNS)
            start_run(sim);
        for (size_t k = 0; k < AGENTS; k++)
            move(sim, &sim->robots[k]);
        if (roll(sim, 30) == 0)
            control(sim);
        if (roll(sim, 50) == 0)
            crash(sim);
        pass(sim, (int64_t)roll(sim, 4) * ARC_NS_PER_S);
    }
    heal(sim);
    check_all(sim);
    for (size_t i = 0; i < AGENTS; i++)
        arc__session_close(sim->robots[i].session);
    arc__event_watch_close(sim->watch);
    world_close(&sim->w);
}

static void lives(enum world_store kind, uint64_t count)
{
    static struct sim sim;
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) {
        unsigned before = CU_get_number_of_failures();
        one_life(&sim, kind, seed);
        if (CU_get_number_of_failures() != before) {
            printf("# seed %llu\n", (unsigned long long)seed);
            return;
        }
    }
}

static void lives_with_a_store_that_fails(void)
{
    lives(WORLD_MEM, LIVES_MEM);
}

static void lives_in_sqlite(void)
{
    lives(WORLD_SQLITE, LIVES_SQLITE);
}

static const struct test tests[] = {
    {"random lives end well, with a store that fails", lives_with_a_store_that_fails},
    {"random lives end well, in SQLite", lives_in_sqlite},
};
TEST_MAIN(tests)
