/* SPDX-License-Identifier: Apache-2.0 */
/* The judge is judged: a log made by hand that is right passes, and for every invariant there is
 * one that breaks it and no other. */
#include "shadow.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"
#include "stores.h"

#define RUN "R0"
#define PIPELINE "P0"

static const char definition[] =
    "namespace: n\njobs:\n"
    "- {name: a, queueTimeout: 40s, steps: [{name: x, run: 'true'}, {name: y, run: 'true'}]}\n"
    "- {name: b, dependsOn: [a], steps: [{name: x, run: 'true'}]}\n";

struct fake {
    struct sim *sim;
    struct arc_store_op ops[40];
    size_t count;
    struct arc_row_event events[20];
    struct arc_row_pipeline_run run;
    struct arc_row_job_run jobs[4];
    struct arc_row_step_run steps[8];
    struct arc_row_counter counter;
    struct arc_row_request_key key;
    struct arc_row_agent_event agent_event;
    size_t event_count, job_count, step_count;
    int64_t seq;
    int granted;
    char text[8192];
    size_t used;
};

static arc_slice keep(struct fake *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static arc_slice keep(struct fake *f, const char *format, ...)
{
    char *at = f->text + f->used;
    va_list list;
    va_start(list, format);
    int len = vsnprintf(at, sizeof(f->text) - f->used, format, list);
    va_end(list);
    f->used += (size_t)len + 1;
    return arc__slice(at, (size_t)len);
}

static void open(struct fake *f)
{
    memset(f, 0, sizeof(*f));
    f->sim = calloc(1, sizeof(*f->sim));
    struct sim *sim = f->sim;
    struct arc_mem mem = arc__mem_default();
    arc__arena_init(&sim->arena, &mem, 1024u * 1024);
    sim->shadow = shadow_new(sim);
    sim->agent_count = 2;
    sim->pipeline_count = 1;
    sim->project[0] = 1;
    sim->healing = 1;
    (void)snprintf(sim->pipelines[0], sizeof(sim->pipelines[0]), PIPELINE);
    sim->shadow->plan[0] = defs_plan(definition, &sim->shadow->plans);
    sim->request_count = 1;
    (void)snprintf(sim->requests[0].id, sizeof(sim->requests[0].id), "r1");
    for (uint32_t i = 0; i < 2; i++) {
        (void)snprintf(sim->agents[i].id, sizeof(sim->agents[i].id), "A%u", i);
        sim->agents[i].slots = 1;
        sim->agents[i].alive = 1;
    }
}

static void close(struct fake *f)
{
    shadow_free(f->sim->shadow);
    arc__arena_deinit(&f->sim->arena);
    free(f->sim);
}

static void add(struct fake *f, enum arc_table table, const void *row)
{
    f->ops[f->count++] = (struct arc_store_op){ARC_STORE_PUT, table, row, 0};
}

static void event(struct fake *f, const char *type, arc_slice body)
{
    struct arc_row_event *row = &f->events[f->event_count++];
    *row = (struct arc_row_event){.stream = ARC_LIT(RUN),
                                  .seq = ++f->seq,
                                  .position = f->sim->shadow->position + (int64_t)f->event_count,
                                  .type = keep(f, "arcentra.%s", type),
                                  .body = body};
    add(f, ARC_TABLE_event, row);
}

static void step_event(struct fake *f, const char *type, int previous, int state, int attempt,
                       unsigned fence)
{
    event(f, type,
          keep(f,
               "{\"stepRunId\":\"S0\",\"agentId\":\"A0\",\"job\":0,\"step\":0,\"state\":%d,"
               "\"previous\":%d,\"attempt\":%d,\"fence\":%u}",
               state, previous, attempt, fence));
}

static void run_row(struct fake *f, int state)
{
    f->run = (struct arc_row_pipeline_run){
        .id = ARC_LIT(RUN), .status = state, .total_jobs = 2, .version = f->seq};
    add(f, ARC_TABLE_pipeline_run, &f->run);
}

static void job_row(struct fake *f, int job, int state)
{
    struct arc_row_job_run *row = &f->jobs[f->job_count++];
    *row = (struct arc_row_job_run){.id = keep(f, "J%d", job),
                                    .run_id = ARC_LIT(RUN),
                                    .job_index = job,
                                    .status = state,
                                    .attempt = 1,
                                    .agent_id = f->granted && job == 0 ? ARC_LIT("A0") : ARC_NONE};
    f->run.running_jobs += state == RUNNING;
    add(f, ARC_TABLE_job_run, row);
}

static void step_row(struct fake *f, int number, int job, int step, int state, int attempt)
{
    struct arc_row_step_run *row = &f->steps[f->step_count++];
    *row = (struct arc_row_step_run){.id = keep(f, "S%d", number),
                                     .run_id = ARC_LIT(RUN),
                                     .job_index = job,
                                     .step_index = step,
                                     .status = state,
                                     .attempt = attempt,
                                     .fence = attempt};
    add(f, ARC_TABLE_step_run, row);
}

/* The batch as it stands; the next begins. */
static void commit(struct fake *f)
{
    struct arc_store_batch batch = {f->ops, f->count, 0};
    shadow_commit(f->sim->shadow, &batch, f->sim->now_ns);
    f->count = f->event_count = f->job_count = f->step_count = 0;
}

static void trigger(struct fake *f, const char *request, const char *project)
{
    event(f, "pipeline.triggered",
          keep(f,
               "{\"pipelineId\":\"" PIPELINE "\",\"state\":1,\"birth\":{\"requestId\":\"%s\","
               "\"projectId\":\"%s\",\"number\":1,\"attempt\":1,"
               "\"jobIds\":[\"J0\",\"J1\"],\"stepIds\":[\"S0\",\"S1\",\"S2\"]}}",
               request, project));
    f->key = (struct arc_row_request_key){.request_id = ARC_LIT("r1")};
    add(f, ARC_TABLE_request_key, &f->key);
}

static void queue(struct fake *f, int job)
{
    event(f, "job.queued", keep(f, "{\"job\":%d,\"state\":2,\"previous\":1,\"attempt\":1}", job));
}

/* A run with its first job in the queue. */
static void begin(struct fake *f)
{
    trigger(f, "r1", "p1");
    queue(f, 0);
    run_row(f, RUN_PENDING);
    job_row(f, 0, QUEUED);
    job_row(f, 1, PENDING);
    step_row(f, 0, 0, 0, PENDING, 0);
    step_row(f, 1, 0, 1, PENDING, 0);
    step_row(f, 2, 1, 0, PENDING, 0);
    commit(f);
}

static void grant(struct fake *f, unsigned fence)
{
    step_event(f, "step.queued", PENDING, QUEUED, 1, fence);
    f->counter = (struct arc_row_counter){ARC_LIT("fence"), fence};
    add(f, ARC_TABLE_counter, &f->counter);
    run_row(f, RUN_PENDING);
    f->granted = 1;
    job_row(f, 0, QUEUED);
    step_row(f, 0, 0, 0, QUEUED, 1);
    commit(f);
}

static void start(struct fake *f)
{
    shadow_attempt(f->sim->shadow, "S0", 1, 0)->said |= 1u << RUNNING;
    event(f, "pipeline.started", ARC_LIT("{\"state\":2,\"previous\":1}"));
    event(f, "job.started", ARC_LIT("{\"job\":0,\"state\":3,\"previous\":2,\"attempt\":1}"));
    step_event(f, "step.started", QUEUED, RUNNING, 1, 1);
    run_row(f, RUN_RUNNING);
    job_row(f, 0, RUNNING);
    step_row(f, 0, 0, 0, RUNNING, 1);
    commit(f);
}

/* --- what is right --------------------------------------------------------------------- */

static void a_log_that_is_right_passes(void)
{
    struct fake f;
    open(&f);
    begin(&f);
    grant(&f, 1);
    start(&f);
    if (!CHECK_INT(f.sim->broken, 0))
        printf("# %s\n", f.sim->sentence);
    close(&f);
}

/* --- what is wrong --------------------------------------------------------------------- */

static void started_twice(struct fake *f)
{
    begin(f);
    grant(f, 1);
    start(f);
    step_event(f, "step.started", RUNNING, RUNNING, 1, 1);
    commit(f);
}

static void moved_after_the_end(struct fake *f)
{
    begin(f);
    f->sim->shadow->runs[0].jobs[0].state = SUCCESS;
    event(f, "job.started", ARC_LIT("{\"job\":0,\"state\":3,\"previous\":4,\"attempt\":1}"));
    commit(f);
}

static void without_its_row(struct fake *f)
{
    begin(f);
    step_event(f, "step.queued", PENDING, QUEUED, 1, 1);
    f->counter = (struct arc_row_counter){ARC_LIT("fence"), 1};
    add(f, ARC_TABLE_counter, &f->counter);
    run_row(f, RUN_PENDING);
    commit(f);
}

static void with_a_gap_in_an_agents_events(struct fake *f)
{
    f->agent_event = (struct arc_row_agent_event){.agent_id = ARC_LIT("A0"), .epoch = 1, .seq = 3};
    add(f, ARC_TABLE_agent_event, &f->agent_event);
    commit(f);
}

static void by_nobodys_word(struct fake *f)
{
    begin(f);
    grant(f, 1);
    start(f);
    step_event(f, "step.completed", RUNNING, SUCCESS, 1, 1);
    commit(f);
}

static void take(struct fake *f, uint32_t agent, enum task_state state)
{
    struct agent_sim *robot = &f->sim->agents[agent];
    robot->registered = robot->connected = 1;
    robot->beat_ns = robot->push_ns = UINT64_MAX;
    robot->tasks[robot->task_count++] =
        (struct task){.lease = {"S0", 1, 1}, .state = state, .renewed_ns = f->sim->now_ns};
}

static void on_two_agents(struct fake *f)
{
    begin(f);
    grant(f, 1);
    f->sim->now_ns = (uint64_t)SECONDS(1);
    take(f, 0, TASK_RUNNING);
    take(f, 1, TASK_TAKEN);
    agent_look(f->sim, 1);
}

static void never_granted(struct fake *f)
{
    begin(f);
    f->sim->now_ns = (uint64_t)SECONDS(1);
    take(f, 1, TASK_TAKEN);
    agent_look(f->sim, 1);
}

static void too_late(struct fake *f)
{
    begin(f);
    CHECK_INT(server_open(f->sim), 1);
    f->sim->now_ns = (uint64_t)SECONDS(100);
    shadow_overdue(f->sim->shadow);
    server_close(f->sim);
}

static void with_a_gap_in_a_log(struct fake *f)
{
    const struct arc_log_line line = {
        .number = 1, .agent_line = 2, .attempt = 1, .content = ARC_LIT("line 2 of 1")};
    begin(f);
    logs_appended(f->sim->shadow, ARC_LIT(RUN), ARC_LIT("S0"), &line, 1);
}

static void with_a_slot_that_nobody_waits_for(struct fake *f)
{
    begin(f);
    event(f, "pipeline.admitted", ARC_LIT("{\"state\":1,\"previous\":1}"));
    commit(f);
}

static void in_another_project(struct fake *f)
{
    trigger(f, "r1", "p2");
    commit(f);
}

static void with_a_credential(struct fake *f)
{
    begin(f);
    (void)snprintf(f->sim->agents[1].token, sizeof(f->sim->agents[1].token), "A1:d3adb33f");
    event(f, "pipeline.paused",
          ARC_LIT("{\"state\":6,\"previous\":1,\"reason\":\"by d3adb33f.\"}"));
    commit(f);
}

static void out_of_turn(struct fake *f)
{
    begin(f);
    f->sim->shadow->runs[0].jobs[1].state = QUEUED;
    f->sim->shadow->runs[0].jobs[1].line_ns = -1;
    grant(f, 1);
}

static void before_what_it_waits_for(struct fake *f)
{
    begin(f);
    queue(f, 1);
    commit(f);
}

static void by_nobodys_wish(struct fake *f)
{
    trigger(f, "r7", "p1");
    commit(f);
}

static void with_a_gap_in_a_run(struct fake *f)
{
    begin(f);
    f->seq++;
    event(f, "pipeline.paused", ARC_LIT("{\"state\":6,\"previous\":1}"));
    commit(f);
}

static void without_a_bound(struct fake *f)
{
    for (int i = 0; i <= HEAP_MAX; i++)
        sim_at(f->sim, 1, HAPPEN_WATCHER, 0);
}

static void with_a_gap_in_positions(struct fake *f)
{
    begin(f);
    f->sim->shadow->position++;
    event(f, "pipeline.paused", ARC_LIT("{\"state\":6,\"previous\":1}"));
    f->events[0].position++;
    commit(f);
}

static void by_one_that_was_taken_over(struct fake *f)
{
    struct arc_row_replica row = {.id = ARC_LIT("A"), .version = 1, .epoch = 1};
    f->sim->server_count = 2;
    replicas_row(f->sim->shadow, &row);
    row.version = 2;
    row.heir = ARC_LIT("B");
    replicas_row(f->sim->shadow, &row);
    CHECK_INT(f->sim->broken, 0);
    row.version = 3;
    row.heir = ARC_NONE;
    replicas_row(f->sim->shadow, &row);
}

static void with_a_note_that_stays(struct fake *f)
{
    const struct arc_row_inbox note = {.id = ARC_LIT("N"), .addressee = ARC_LIT("A")};
    const struct arc_row_replica row = {.id = ARC_LIT("A"), .version = 1, .epoch = 1};
    f->sim->server_count = 2;
    replicas_note(f->sim->shadow, &note, 0);
    replicas_row(f->sim->shadow, &row);
    replicas_check(f->sim->shadow);
    CHECK_INT(f->sim->broken, 0);
    f->sim->now_ns += (uint64_t)SECONDS(100);
    replicas_check(f->sim->shadow);
}

static void with_anothers_epoch(struct fake *f)
{
    struct arc_row_replica row = {.id = ARC_LIT("A"), .version = 1, .epoch = 3};
    f->sim->server_count = 2;
    replicas_row(f->sim->shadow, &row);
    row.id = ARC_LIT("B");
    replicas_row(f->sim->shadow, &row);
}

static const struct {
    enum invariant invariant;
    void (*make)(struct fake *f);
} wrong[] = {
    {INV_I1, started_twice},
    {INV_I2, moved_after_the_end},
    {INV_I3, without_its_row},
    {INV_I4, with_a_gap_in_an_agents_events},
    {INV_I5, by_nobodys_word},
    {INV_I6, on_two_agents},
    {INV_I7, too_late},
    {INV_I8, with_a_gap_in_a_log},
    {INV_I9, before_what_it_waits_for},
    {INV_I10, with_a_slot_that_nobody_waits_for},
    {INV_I11, in_another_project},
    {INV_I12, by_nobodys_wish},
    {INV_I13, with_a_credential},
    {INV_I14, with_a_gap_in_a_run},
    {INV_I15, without_a_bound},
    {INV_I15, with_a_note_that_stays},
    {INV_I16, with_a_gap_in_positions},
    {INV_I17, never_granted},
    {INV_I18, out_of_turn},
    {INV_I19, by_one_that_was_taken_over},
    {INV_I19, with_anothers_epoch},
};

static void every_invariant_fires(void)
{
    int shown[INV_COUNT] = {0};
    for (size_t i = 0; i < ARC_COUNT_OF(wrong); i++) {
        struct fake f;
        open(&f);
        wrong[i].make(&f);
        CHECK_INT(f.sim->broken, 1);
        if (!CHECK_INT(f.sim->broke, wrong[i].invariant))
            printf("# %s: %s\n", sim_invariant_names[f.sim->broke], f.sim->sentence);
        shown[wrong[i].invariant] = 1;
        close(&f);
    }
    for (int i = 0; i < INV_COUNT; i++)
        CHECK_INT(shown[i], 1);
}

/* --- lives ------------------------------------------------------------------------------ */

static void a_seed_is_one_life(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    struct sim_plan plan = {.seed = 7};
    CHECK_INT(sim_live(sim, &plan), 1);
    uint64_t hash = sim->hash;
    CHECK_INT(sim_live(sim, &plan), 1);
    CHECK(sim->hash == hash);
    plan.seed = 8;
    CHECK_INT(sim_live(sim, &plan), 1);
    CHECK(sim->hash != hash);
    free(sim);
}

static void lives_in_sqlite_hold_as_well(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sim_plan plan = {.seed = seed, .store = sim_store_sqlite()};
        if (!CHECK_INT(sim_live(sim, &plan), 1))
            printf("# seed %llu: %s\n", (unsigned long long)seed, sim->sentence);
    }
    free(sim);
}

/* Seeds that do not squeeze memory: an arena under a sanitizer asks for it otherwise. */
static const struct {
    uint64_t seed, hash;
} known[] = {
#include "known.inc"
};

static void known_seeds_have_their_hashes(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    for (size_t i = 0; i < ARC_COUNT_OF(known); i++) {
        struct sim_plan plan = {.seed = known[i].seed};
        CHECK_INT(sim_live(sim, &plan), 1);
        if (!CHECK_INT(sim->hash == known[i].hash, 1))
            printf("# seed %llu: %016llx\n", (unsigned long long)plan.seed,
                   (unsigned long long)sim->hash);
    }
    free(sim);
}

#define LIVES 300

static void lives_hold(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct sim_plan plan = {.seed = seed};
        if (!CHECK_INT(sim_live(sim, &plan), 1)) {
            printf("# seed %llu: %s\n", (unsigned long long)seed, sim->sentence);
            break;
        }
    }
    free(sim);
}

static const struct test tests[] = {
    {"a log that is right passes", a_log_that_is_right_passes},
    {"every invariant is broken by a log that breaks it", every_invariant_fires},
    {"a seed is one life, and another is another", a_seed_is_one_life},
    {"known seeds have their hashes, whatever compiled them", known_seeds_have_their_hashes},
    {"lives in SQLite hold as well", lives_in_sqlite_hold_as_well},
    {"some hundred lives hold", lives_hold},
};
TEST_MAIN(tests)
