/* SPDX-License-Identifier: Apache-2.0 */
/* Concurrency groups: who holds a slot, who waits for it, who has to go. Every scene is played
 * twice, the second time with a kill at every act: it must go the same way. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP "steps: [{name: s, run: 'true'}]"
#define JOB(terms) "namespace: n\njobs: [{name: a, concurrency: " terms ", " STEP "}]\n"
#define RUN(terms) "namespace: n\nconcurrency: " terms "\njobs: [{name: a, " STEP "}]\n"

struct scene {
    struct world w;
    struct hand hand;
    int kills; /* 1: the server is killed at every act */
    int runs;
    char begun[40][32]; /* step runs that the agent has started */
    int begun_count;
};

static int scene_open(struct scene *s, int kills)
{
    *s = (struct scene){.kills = kills};
    return world_open(&s->w, kills ? WORLD_SQLITE : WORLD_MEM) &&
           hand_join(&s->hand, &s->w, "agent", "{}", 10);
}

static void scene_close(struct scene *s)
{
    CHECK_INT(s->w.logged, 0); /* nothing was found damaged */
    world_check_events(&s->w);
    hand_leave(&s->hand);
    world_close(&s->w);
}

static int has_begun(const struct scene *s, const char *id)
{
    for (int i = 0; i < s->begun_count; i++) {
        if (strcmp(s->begun[i], id) == 0)
            return 1;
    }
    return 0;
}

/* What was offered and not begun is offered again after a kill. */
static void forget_offers(struct scene *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->hand.held_count; i++) {
        if (has_begun(s, s->hand.held[i].id))
            s->hand.held[kept++] = s->hand.held[i];
    }
    s->hand.held_count = kept;
}

static void kill_server(struct scene *s)
{
    arc_err err = ARC_ERR_INIT;
    hand_leave(&s->hand);
    forget_offers(s);
    world_end_engine(&s->w);
    if (CHECK_OK(world_crash(&s->w, &err)))
        hand_connect(&s->hand);
}

/* Between two acts. */
static void act(struct scene *s)
{
    world_turn(&s->w);
    if (!s->kills)
        return;
    kill_server(s);
    world_turn(&s->w);
}

static struct said pipeline(struct scene *s, const char *yaml)
{
    struct said said = world_ask(&s->w, world_create(&s->w, "web", yaml));
    CHECK_OK(said.status);
    act(s);
    return said;
}

/* One more run of a pipeline, a moment after the one before. */
static struct said start(struct scene *s, const struct said *pipe)
{
    char id[24];
    world_pass(&s->w, SECONDS(1));
    (void)snprintf(id, sizeof(id), "r%d", s->runs++);
    struct said said = world_ask(&s->w, world_trigger(&s->w, pipe->id, id));
    if (!CHECK_OK(said.status))
        printf("# %s %s\n", said.message, said.findings);
    act(s);
    return said;
}

/* A column of a row that is found by two others. */
static void look(struct world *w, enum arc_table table, uint32_t by, const char *value,
                 struct arc_rows *rows)
{
    struct arc_query query = {.table = table, .filter_count = 1, .order_col = -1};
    query.filters[0] =
        (struct arc_filter){.col = by, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(value)};
    CHECK_OK(world_rows(w, &query, rows));
}

static const struct arc_row_job_run *job_row(struct scene *s, const char *run, const char *job)
{
    static const struct arc_row_job_run none;
    struct arc_rows rows = {0};
    look(&s->w, ARC_TABLE_job_run, ARC_COL_job_run_run_id, run, &rows);
    const struct arc_row_job_run *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        if (arc__slice_is(row[i].name, job))
            return &row[i];
    }
    CHECK_TEXT(arc__slice_cstr(job), "a job of the run");
    return &none;
}

static const struct arc_row_pipeline_run *run_row(struct scene *s, const char *run)
{
    static const struct arc_row_pipeline_run none;
    struct arc_rows rows = {0};
    look(&s->w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_id, run, &rows);
    return CHECK_INT(rows.count, 1) ? rows.rows : &none;
}

/* 1: the agent has been offered the job of this run. */
static struct held *offered(struct scene *s, const struct said *run)
{
    (void)hand_take(&s->hand, 1);
    for (size_t i = 0; i < s->hand.held_count; i++) {
        if (strcmp(s->hand.held[i].run, run->id) == 0)
            return &s->hand.held[i];
    }
    return NULL;
}

static void begin(struct scene *s, const struct said *run)
{
    struct held *held = offered(s, run);
    if (CHECK_INT(held != NULL, 1)) {
        CHECK_OK(hand_say(&s->hand, held, ARC_STEP_RUNNING, 0).status);
        memcpy(s->begun[s->begun_count++ % 40], held->id, sizeof(held->id));
    }
    act(s);
}

static void end(struct scene *s, const struct said *run, int status)
{
    struct held *held = offered(s, run);
    if (CHECK_INT(held != NULL, 1)) {
        struct held copy = *held;
        CHECK_OK(hand_say(&s->hand, &copy, status, 0).status);
    }
    act(s);
}

static void finish(struct scene *s, const struct said *run)
{
    begin(s, run);
    end(s, run, ARC_STEP_SUCCESS);
    CHECK_INT(world_run_status(&s->w, run->id), ARC_RUN_SUCCESS);
}

static int has(arc_slice text, const char *part)
{
    char copy[1024];
    (void)arc__slice_to_cstr(text, copy, sizeof(copy));
    if (strstr(copy, part) != NULL)
        return 1;
    printf("# \"%s\" lacks \"%s\"\n", copy, part);
    return 0;
}

static struct said control(struct scene *s, enum arc_cmd_kind kind, const struct said *run)
{
    struct said said = world_ask(&s->w, world_control(&s->w, kind, run->id));
    act(s);
    return said;
}

/* --- waiting ------------------------------------------------------------------------- */

static void one_job_at_a_time(int kills)
{
    struct scene s;
    char why[256];
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, JOB("deploy"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe), three = start(&s, &pipe);
    struct said four = start(&s, &pipe);
    CHECK(offered(&s, &one) != NULL);
    CHECK(offered(&s, &two) == NULL && offered(&s, &three) == NULL);
    CHECK_INT(job_row(&s, two.id, "a")->status, ARC_JOB_QUEUED);
    (void)snprintf(why, sizeof(why),
                   "It waits for a slot of the group deploy (limit 1), "
                   "held by job a of run %s; it is next.",
                   one.id);
    CHECK_TEXT(job_row(&s, two.id, "a")->reason, why);
    CHECK(has(job_row(&s, three.id, "a")->reason, "; 1 is before it."));
    CHECK(has(job_row(&s, four.id, "a")->reason, "; 2 are before it."));
    begin(&s, &one);
    CHECK(offered(&s, &two) == NULL);
    end(&s, &one, ARC_STEP_SUCCESS);
    CHECK(offered(&s, &two) != NULL && offered(&s, &three) == NULL);
    CHECK(has(job_row(&s, three.id, "a")->reason, "; it is next."));
    CHECK(has(job_row(&s, three.id, "a")->reason, two.id));
    CHECK(has(job_row(&s, four.id, "a")->reason, "; 1 is before it."));
    begin(&s, &two);
    CHECK_TEXT(job_row(&s, two.id, "a")->reason, "");
    end(&s, &two, ARC_STEP_SUCCESS);
    finish(&s, &three);
    finish(&s, &four);
    scene_close(&s);
}

static void one_run_at_a_time(int kills)
{
    struct scene s;
    char story[512], why[256];
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("deploy"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe), three = start(&s, &pipe);
    world_story(&s.w, two.id, story, sizeof(story));
    CHECK_TEXT(arc__slice_cstr(story), "pipeline.triggered");
    CHECK_INT(run_row(&s, two.id)->status, ARC_RUN_PENDING);
    CHECK_INT(job_row(&s, two.id, "a")->status, ARC_JOB_PENDING);
    (void)snprintf(why, sizeof(why),
                   "It waits for a slot of the group deploy (limit 1), held by run %s of web; it "
                   "is next.",
                   one.id);
    CHECK_TEXT(run_row(&s, two.id)->reason, why);
    CHECK_TEXT(job_row(&s, two.id, "a")->reason, "Its run waits for a slot of the group deploy.");
    CHECK(has(run_row(&s, three.id)->reason, "; 1 is before it."));
    finish(&s, &one);
    CHECK(offered(&s, &two) != NULL && offered(&s, &three) == NULL);
    CHECK_TEXT(run_row(&s, two.id)->reason, "");
    CHECK(has(run_row(&s, three.id)->reason, "; it is next."));
    world_story(&s.w, two.id, story, sizeof(story));
    CHECK_TEXT(arc__slice_cstr(story),
               "pipeline.triggered pipeline.admitted job.queued step.queued");
    finish(&s, &two);
    finish(&s, &three);
    scene_close(&s);
}

/* The freed slot and who takes it are in one batch: a watcher never sees it lie idle. */
static void the_next_is_taken_in_the_same_turn(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("deploy"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe);
    begin(&s, &one);
    struct held held = *offered(&s, &one);
    struct said said = {0};
    arc_ctl_stats before = ARC_CTL_STATS_INIT, after = ARC_CTL_STATS_INIT;
    arc__engine_stats(s.w.engine, &before);
    world_submit(&s.w, hand_report(&s.hand, &held, ARC_STEP_SUCCESS, 0), &said);
    CHECK_OK(arc__engine_dispatch(s.w.engine, s.w.now, 1, NULL));
    arc__engine_stats(s.w.engine, &after);
    hand_drop(&s.hand, &held);
    CHECK_INT(after.commits - before.commits, 1);
    CHECK(offered(&s, &two) != NULL);
    act(&s);
    finish(&s, &two);
    scene_close(&s);
}

static void every_cell_takes_a_slot(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, "namespace: n\njobs: [{name: a, matrix: {n: [1, 2, 3]}, "
                                    "concurrency: {group: lane, limit: 2}, " STEP "}]\n");
    struct said run = start(&s, &pipe);
    CHECK_INT(hand_take(&s.hand, 1), 2);
    CHECK_INT(job_row(&s, run.id, "a[n=3]")->status, ARC_JOB_QUEUED);
    CHECK(has(job_row(&s, run.id, "a[n=3]")->reason, "held by job a[n=1] of run "));
    CHECK(has(job_row(&s, run.id, "a[n=3]")->reason, " and job a[n=2] of run "));
    begin(&s, &run);
    end(&s, &run, ARC_STEP_SUCCESS);
    (void)hand_take(&s.hand, 1);
    CHECK_INT(s.hand.held_count, 2); /* the second and, now, the third */
    CHECK(hand_find(&s.hand, "a[n=3]") != NULL);
    hand_work(&s.hand);
    CHECK_INT(world_run_status(&s.w, run.id), ARC_RUN_SUCCESS);
    scene_close(&s);
}

static void order(int kills, const char *yaml_late, const char *yaml_soon, int late_first)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said late_pipe = pipeline(&s, yaml_late), soon_pipe = pipeline(&s, yaml_soon);
    struct said holder = start(&s, &soon_pipe);
    struct said late = start(&s, &late_pipe), soon = start(&s, &soon_pipe);
    begin(&s, &holder);
    struct held *first = offered(&s, &late); /* its first job, which is in no group */
    if (CHECK_INT(first != NULL, 1)) {
        struct held copy = *first;
        CHECK_OK(hand_say(&s.hand, &copy, ARC_STEP_RUNNING, 0).status);
        CHECK_OK(hand_say(&s.hand, &copy, ARC_STEP_SUCCESS, 0).status);
    }
    act(&s);
    CHECK_INT(job_row(&s, late.id, "a")->status, ARC_JOB_QUEUED);
    CHECK(offered(&s, &late) == NULL && offered(&s, &soon) == NULL);
    end(&s, &holder, ARC_STEP_SUCCESS);
    CHECK_INT(offered(&s, &late) != NULL, late_first);
    CHECK_INT(offered(&s, &soon) != NULL, !late_first);
    hand_work(&s.hand);
    CHECK_INT(world_run_status(&s.w, late.id), ARC_RUN_SUCCESS);
    CHECK_INT(world_run_status(&s.w, soon.id), ARC_RUN_SUCCESS);
    scene_close(&s);
}

#define LATE(terms) \
    "namespace: n\njobs:\n- {name: first, " STEP "}\n" \
    "- {name: a, dependsOn: [first], concurrency: " terms ", " STEP "}\n"

static void the_older_run_comes_first(int kills)
{
    order(kills, LATE("{group: g, order: created}"), JOB("{group: g, order: created}"), 1);
}

static void who_waits_longest_comes_first(int kills)
{
    order(kills, LATE("{group: g, order: ready}"), JOB("{group: g, order: ready}"), 0);
}

/* The older one says otherwise: the newest definition holds for the whole line. */
static void the_newest_order_holds(int kills)
{
    order(kills, LATE("{group: g, order: created}"), JOB("{group: g, order: ready}"), 0);
}

static void the_newest_limit_holds(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("{group: g, limit: 1}"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe);
    CHECK(offered(&s, &two) == NULL);
    CHECK_OK(world_ask(&s.w, world_save(&s.w, pipe.id, RUN("{group: g, limit: 3}"))).status);
    act(&s);
    CHECK(offered(&s, &two) == NULL); /* no run of it yet */
    struct said three = start(&s, &pipe), four = start(&s, &pipe);
    CHECK(offered(&s, &one) != NULL && offered(&s, &two) != NULL && offered(&s, &three) != NULL);
    CHECK(offered(&s, &four) == NULL);
    CHECK_OK(world_ask(&s.w, world_save(&s.w, pipe.id, RUN("{group: g, limit: 2}"))).status);
    struct said five = start(&s, &pipe);
    finish(&s, &one); /* three hold, and two may: nobody is thrown out, nobody comes */
    CHECK(offered(&s, &four) == NULL);
    finish(&s, &two);
    CHECK(offered(&s, &four) != NULL && offered(&s, &five) == NULL);
    finish(&s, &three);
    CHECK(offered(&s, &five) != NULL);
    hand_work(&s.hand);
    scene_close(&s);
}

static void the_smallest_limit_of_a_run_holds(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe =
        pipeline(&s, "namespace: n\njobs:\n- {name: a, concurrency: {group: g, limit: 3}, " STEP
                     "}\n- {name: b, concurrency: {group: g, limit: 2}, " STEP
                     "}\n- {name: c, concurrency: {group: g, limit: 3}, " STEP "}\n");
    struct said run = start(&s, &pipe);
    CHECK_INT(hand_take(&s.hand, 1), 2);
    hand_work(&s.hand);
    CHECK_INT(world_run_status(&s.w, run.id), ARC_RUN_SUCCESS);
    scene_close(&s);
}

static void groups_are_of_a_project_and_a_kind(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct arc_cmd *cmd = world_create(&s.w, "web", JOB("g"));
    cmd->u.pipeline.row.project_id = world_text(cmd, "p2");
    struct said other = world_ask(&s.w, cmd);
    struct said pipe = pipeline(&s, JOB("g")), whole = pipeline(&s, RUN("g"));
    struct said more = pipeline(&s, JOB("h"));
    struct said runs[] = {start(&s, &pipe), start(&s, &other), start(&s, &whole), start(&s, &more)};
    for (size_t i = 0; i < 4; i++)
        CHECK(offered(&s, &runs[i]) != NULL);
    hand_work(&s.hand);
    scene_close(&s);
}

static void pipelines_of_a_project_share_a_group(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, JOB("g")), other = pipeline(&s, JOB("g"));
    struct said one = start(&s, &pipe), two = start(&s, &other);
    CHECK(offered(&s, &one) != NULL && offered(&s, &two) == NULL);
    finish(&s, &one);
    finish(&s, &two);
    scene_close(&s);
}

static void a_slot_is_kept_over_retries(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, "namespace: n\njobs: [{name: a, concurrency: g, "
                                    "retry: {maxAttempts: 2, delay: 20s}, " STEP "}]\n");
    struct said one = start(&s, &pipe), two = start(&s, &pipe);
    begin(&s, &one);
    end(&s, &one, ARC_STEP_FAILED);
    CHECK_INT(job_row(&s, one.id, "a")->attempt, 2);
    CHECK(offered(&s, &two) == NULL);
    world_pass(&s.w, SECONDS(20));
    act(&s);
    CHECK(offered(&s, &two) == NULL);
    finish(&s, &one);
    finish(&s, &two);
    scene_close(&s);
}

/* --- who stops, pauses or approves --------------------------------------------------- */

static void a_waiter_may_be_stopped(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("g")), jobs = pipeline(&s, JOB("h"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe), three = start(&s, &pipe);
    struct said four = start(&s, &jobs), five = start(&s, &jobs);
    CHECK_OK(control(&s, ARC_CMD_RUN_STOP, &two).status);
    CHECK_OK(control(&s, ARC_CMD_RUN_STOP, &five).status);
    CHECK_INT(world_run_status(&s.w, two.id), ARC_RUN_CANCELLED);
    CHECK_INT(world_run_status(&s.w, five.id), ARC_RUN_CANCELLED);
    finish(&s, &four);
    finish(&s, &one);
    CHECK(offered(&s, &two) == NULL);
    finish(&s, &three);
    scene_close(&s);
}

static void a_paused_waiter_is_passed_over(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("g"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe);
    struct said three = start(&s, &pipe), four = start(&s, &pipe);
    CHECK_OK(control(&s, ARC_CMD_RUN_PAUSE, &two).status);
    finish(&s, &one);
    CHECK(offered(&s, &two) == NULL && offered(&s, &three) != NULL);
    CHECK_OK(control(&s, ARC_CMD_RUN_RESUME, &two).status);
    CHECK(offered(&s, &two) == NULL);
    finish(&s, &three);
    CHECK(offered(&s, &two) != NULL && offered(&s, &four) == NULL); /* and has its old place */
    finish(&s, &two);
    finish(&s, &four);
    scene_close(&s);
}

static void a_paused_run_keeps_its_slots(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, "namespace: n\nconcurrency: g\njobs:\n- {name: a, " STEP "}\n"
                                    "- {name: b, dependsOn: [a], " STEP "}\n");
    struct said one = start(&s, &pipe), two = start(&s, &pipe);
    begin(&s, &one);
    CHECK_OK(control(&s, ARC_CMD_RUN_PAUSE, &one).status);
    end(&s, &one, ARC_STEP_SUCCESS); /* nothing of it runs any more */
    CHECK(offered(&s, &one) == NULL && offered(&s, &two) == NULL);
    CHECK_OK(control(&s, ARC_CMD_RUN_RESUME, &one).status);
    CHECK(offered(&s, &two) == NULL);
    finish(&s, &one);
    CHECK(offered(&s, &two) != NULL);
    hand_work(&s.hand);
    scene_close(&s);
}

static struct said approve(struct scene *s, const struct said *run)
{
    struct arc_cmd *cmd = world_control(&s->w, ARC_CMD_RUN_GATE, run->id);
    cmd->u.gate.name = world_text(cmd, "pipeline");
    cmd->u.gate.approve = 1;
    cmd->actor = world_text(cmd, "ann");
    struct said said = world_ask(&s->w, cmd);
    act(s);
    return said;
}

static void approval_comes_before_the_slot(int kills, int ready)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe =
        pipeline(&s, ready ? "namespace: n\nconcurrency: {group: g, order: ready}\n"
                             "approval: {required: true}\njobs: [{name: a, " STEP "}]\n"
                           : "namespace: n\nconcurrency: {group: g}\n"
                             "approval: {required: true}\njobs: [{name: a, " STEP "}]\n");
    struct said one = start(&s, &pipe), two = start(&s, &pipe), three = start(&s, &pipe);
    CHECK_TEXT(run_row(&s, one.id)->reason, "It waits for approval before the pipeline.");
    CHECK_OK(approve(&s, &three).status); /* nobody who is not approved stands before it */
    CHECK(offered(&s, &three) != NULL);
    CHECK_OK(approve(&s, &two).status);
    CHECK_OK(approve(&s, &one).status);
    CHECK(has(run_row(&s, one.id)->reason, "It waits for a slot of the group g (limit 1)"));
    CHECK(has(run_row(&s, one.id)->reason, ready ? "; 1 is before it." : "; it is next."));
    CHECK_TEXT(job_row(&s, one.id, "a")->reason, "Its run waits for a slot of the group g.");
    finish(&s, &three);
    CHECK(offered(&s, ready ? &two : &one) != NULL);
    CHECK(offered(&s, ready ? &one : &two) == NULL);
    hand_work(&s.hand);
    scene_close(&s);
}

static void the_approved_wait_by_their_age(int kills)
{
    approval_comes_before_the_slot(kills, 0);
}

static void the_approved_wait_since_then(int kills)
{
    approval_comes_before_the_slot(kills, 1);
}

/* --- onFull -------------------------------------------------------------------------- */

static void superseded(struct scene *s, const struct said *run, const struct said *by,
                       const char *group)
{
    char why[128];
    (void)snprintf(why, sizeof(why), "It was superseded by %s in the group %s.", by->id, group);
    CHECK_INT(run_row(s, run->id)->status, ARC_RUN_CANCELLED);
    CHECK_TEXT(run_row(s, run->id)->reason, why);
}

/* The agent is asked to end it, and does. */
static void obey(struct scene *s, const struct said *run)
{
    struct held *held = offered(s, run);
    CHECK_INT(s->hand.cancel_count, 1);
    CHECK(s->hand.cancel_count > 0 && strcmp(s->hand.cancels[0].run, run->id) == 0);
    s->hand.cancel_count = 0;
    if (CHECK_INT(held != NULL, 1)) {
        struct held copy = *held;
        CHECK_OK(hand_say(&s->hand, &copy, ARC_STEP_CANCELLED, 0).status);
    }
    act(s);
}

static void a_newcomer_ends_the_oldest_run(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("{group: g, limit: 2, onFull: cancelRunning}"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe);
    begin(&s, &one);
    begin(&s, &two);
    struct said three = start(&s, &pipe);
    CHECK_INT(run_row(&s, three.id)->status, ARC_RUN_PENDING);
    CHECK(offered(&s, &three) == NULL); /* the slot is free when its holder has ended */
    CHECK(has(run_row(&s, three.id)->reason, "; it is next."));
    obey(&s, &one);
    superseded(&s, &one, &three, "g");
    CHECK(offered(&s, &three) != NULL);
    finish(&s, &two);
    finish(&s, &three);
    scene_close(&s);
}

static void the_last_of_many_newcomers_wins(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("{group: g, onFull: cancelRunning}"));
    struct said one = start(&s, &pipe);
    begin(&s, &one);
    struct said two = start(&s, &pipe), three = start(&s, &pipe), four = start(&s, &pipe);
    superseded(&s, &two, &three, "g");
    superseded(&s, &three, &four, "g");
    obey(&s, &one);
    superseded(&s, &one, &two, "g");
    finish(&s, &four);
    scene_close(&s);
}

static void a_newcomer_ends_the_oldest_job(int kills)
{
    struct scene s;
    char why[160];
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(
        &s, "namespace: n\njobs:\n- {name: a, concurrency: {group: g, onFull: cancelRunning}, " STEP
            "}\n- {name: b, dependsOn: [a], when: always(), " STEP "}\n");
    struct said one = start(&s, &pipe);
    begin(&s, &one);
    struct said two = start(&s, &pipe);
    CHECK(offered(&s, &two) == NULL);
    obey(&s, &one);
    CHECK_INT(job_row(&s, one.id, "a")->status, ARC_JOB_CANCELLED);
    arc_slice id = job_row(&s, two.id, "a")->id;
    (void)snprintf(why, sizeof(why), "It was superseded by %.*s (job a of run %s) in the group g.",
                   ARC_ARG(id), two.id);
    CHECK_TEXT(job_row(&s, one.id, "a")->reason, why);
    hand_work(&s.hand); /* the run goes on, and is cancelled for its result */
    CHECK_INT(job_row(&s, one.id, "b")->status, ARC_JOB_SUCCESS);
    CHECK_INT(world_run_status(&s.w, one.id), ARC_RUN_CANCELLED);
    CHECK_INT(world_run_status(&s.w, two.id), ARC_RUN_SUCCESS);
    scene_close(&s);
}

static void a_newcomer_ends_those_who_wait(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said waits = pipeline(&s, RUN("{group: g}"));
    struct said pipe = pipeline(&s, RUN("{group: g, onFull: cancelPending}"));
    struct said one = start(&s, &waits), two = start(&s, &waits), three = start(&s, &waits);
    begin(&s, &one);
    struct said four = start(&s, &pipe);
    superseded(&s, &two, &four, "g");
    superseded(&s, &three, &four, "g");
    CHECK_INT(s.hand.cancel_count, 0);
    struct said five = start(&s, &pipe);
    superseded(&s, &four, &five, "g");
    end(&s, &one, ARC_STEP_SUCCESS);
    CHECK_INT(world_run_status(&s.w, one.id), ARC_RUN_SUCCESS);
    finish(&s, &five);
    scene_close(&s);
}

/* An older run whose job comes to wait after one has, of a younger run, that ends others. */
static void comes_before(struct scene *s, const char *terms, struct said *holder,
                         struct said *older, struct said *younger)
{
    struct said waits = pipeline(s, JOB("{group: g}"));
    struct said late = pipeline(s, "namespace: n\njobs:\n- {name: b, " STEP "}\n- {name: a, "
                                   "dependsOn: [b], concurrency: {group: g}, " STEP "}\n");
    struct said ends = pipeline(s, terms);
    *holder = start(s, &waits);
    begin(s, holder);
    *older = start(s, &late);
    *younger = start(s, &ends);
    begin(s, older);
    end(s, older, ARC_STEP_SUCCESS);
}

static void who_comes_later_is_not_ended(int kills)
{
    struct scene s;
    struct said one, two, three;
    if (!scene_open(&s, kills))
        return;
    comes_before(&s, JOB("{group: g, onFull: cancelPending}"), &one, &two, &three);
    CHECK_INT(job_row(&s, two.id, "a")->status, ARC_JOB_QUEUED);
    end(&s, &one, ARC_STEP_SUCCESS);
    CHECK(offered(&s, &three) == NULL);
    finish(&s, &two);
    finish(&s, &three);
    scene_close(&s);
}

static void who_comes_back_later_is_not_ended(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said waits = pipeline(&s, JOB("{group: g}"));
    struct said ends = pipeline(&s, JOB("{group: g, onFull: cancelPending}"));
    struct said one = start(&s, &waits);
    begin(&s, &one);
    struct said two = start(&s, &waits);
    CHECK_OK(control(&s, ARC_CMD_RUN_PAUSE, &two).status);
    struct said three = start(&s, &ends);
    CHECK_OK(control(&s, ARC_CMD_RUN_RESUME, &two).status); /* to its old place */
    CHECK_INT(job_row(&s, two.id, "a")->status, ARC_JOB_QUEUED);
    end(&s, &one, ARC_STEP_SUCCESS);
    CHECK(offered(&s, &three) == NULL);
    finish(&s, &two);
    finish(&s, &three);
    scene_close(&s);
}

static void who_was_admitted_later_is_not_ended(int kills)
{
    struct scene s;
    struct said one, two, three;
    if (!scene_open(&s, kills))
        return;
    comes_before(&s, JOB("{group: g, onFull: cancelRunning}"), &one, &two, &three);
    end(&s, &one, ARC_STEP_CANCELLED); /* as it was asked to, at every kill anew */
    CHECK_INT(job_row(&s, one.id, "a")->status, ARC_JOB_CANCELLED);
    CHECK(offered(&s, &three) == NULL);
    finish(&s, &two);
    finish(&s, &three);
    scene_close(&s);
}

static void a_newcomer_is_turned_away(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("{group: g, onFull: reject}"));
    struct said jobs = pipeline(&s, JOB("{group: h, limit: 2, onFull: reject}"));
    struct said one = start(&s, &pipe), two = start(&s, &pipe);
    CHECK_INT(one.state, ARC_RUN_PENDING);
    CHECK_INT(two.state, ARC_RUN_CANCELLED); /* whoever asked hears it at once */
    CHECK_INT(run_row(&s, two.id)->status, ARC_RUN_CANCELLED);
    CHECK_TEXT(run_row(&s, two.id)->reason, "Group full: g has one slot, and it is taken.");
    finish(&s, &one);
    struct said three = start(&s, &pipe), four = start(&s, &jobs), five = start(&s, &jobs);
    struct said six = start(&s, &jobs);
    finish(&s, &three);
    CHECK_INT(job_row(&s, six.id, "a")->status, ARC_JOB_CANCELLED);
    CHECK_TEXT(job_row(&s, six.id, "a")->reason, "Group full: h has 2 slots, and all are taken.");
    CHECK_INT(world_run_status(&s.w, six.id), ARC_RUN_CANCELLED);
    CHECK_INT(six.state, ARC_RUN_CANCELLED);
    finish(&s, &four);
    finish(&s, &five);
    scene_close(&s);
}

static void a_rerun_waits_like_any_run(int kills)
{
    struct scene s;
    if (!scene_open(&s, kills))
        return;
    struct said pipe = pipeline(&s, RUN("g"));
    struct said one = start(&s, &pipe);
    begin(&s, &one);
    end(&s, &one, ARC_STEP_FAILED);
    struct said two = start(&s, &pipe);
    struct arc_cmd *cmd = world_control(&s.w, ARC_CMD_RUN_RERUN, one.id);
    cmd->u.rerun.mode = ARC_RERUN_ALL;
    struct said again = world_ask(&s.w, cmd);
    CHECK_OK(again.status);
    act(&s);
    CHECK(has(run_row(&s, again.id)->reason, "; it is next."));
    CHECK(offered(&s, &again) == NULL);
    finish(&s, &two);
    finish(&s, &again);
    scene_close(&s);
}

/* --- memory -------------------------------------------------------------------------- */

static void clean(arc_status status)
{
    if (status != ARC_ENOMEM && status != ARC_EUNAVAILABLE)
        CHECK_OK(status);
}

static struct said try_start(struct scene *s, const struct said *pipe, const char *request)
{
    struct said said = {.status = ARC_ENOMEM};
    struct arc_cmd *cmd = world_trigger(&s->w, pipe->id, request);
    arc_status status =
        cmd != NULL ? arc__engine_submit(s->w.engine, cmd, world_done, &said, NULL) : ARC_ENOMEM;
    for (int i = 0; i < 50 && status == ARC_OK && said.times == 0; i++) {
        (void)arc__engine_dispatch(s->w.engine, s->w.now, 10, NULL);
        s->w.now.mono_ns += 100000000;
        s->w.now.wall_ns += 100000000;
    }
    clean(said.status);
    return said;
}

/* Two runs come, of which the second ends the first, while the n-th allocation fails. */
static int starved(uint64_t n, int sticky, const char *terms)
{
    struct scene s;
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    if (!scene_open(&s, 0))
        return 0;
    struct said pipe = pipeline(&s, terms), one = start(&s, &pipe);
    begin(&s, &one);
    uint64_t last = s.w.memory.calls + n;
    s.w.memory.sticky = sticky;
    s.w.memory.fail_at = last;
    (void)try_start(&s, &pipe, "two");
    (void)try_start(&s, &pipe, "three");
    int reached = s.w.memory.calls >= last;
    s.w.memory.fail_at = 0;
    world_pass(&s.w, SECONDS(2));
    CHECK_OK(arc__engine_health(s.w.engine, NULL));
    struct said four = start(&s, &pipe);
    for (int i = 0; i < 5; i++)
        hand_work(&s.hand);
    CHECK_INT(world_run_status(&s.w, four.id), ARC_RUN_SUCCESS);
    arc__engine_stats(s.w.engine, &stats);
    CHECK_INT(stats.runs_open, 0);
    scene_close(&s);
    return reached;
}

static void starve(int sticky, const char *terms)
{
    uint64_t n = 1;
    unsigned before = CU_get_number_of_failures();
    while (starved(n, sticky, terms) && CU_get_number_of_failures() == before)
        n++;
    if (CU_get_number_of_failures() != before)
        printf("# allocation %llu\n", (unsigned long long)n);
    CHECK(n > 50); /* there is that much to fail, or nothing was tried */
}

static void memory_runs_out_while_runs_supersede_each_other(void)
{
    starve(0, RUN("{group: g, onFull: cancelRunning}"));
    starve(1, RUN("{group: g, onFull: cancelRunning}"));
}

static void memory_runs_out_while_jobs_wait_in_line(void)
{
    starve(0,
           "namespace: n\nconcurrency: {group: g, limit: 3}\njobs: [{name: a, matrix: {n: [1, 2]}, "
           "concurrency: {group: h, order: ready}, " STEP "}]\n");
}

/* --- many ---------------------------------------------------------------------------- */

#define CELLS 1000u
#define MANY_RUNS 10u

/* One run of many jobs, all of one group. */
static char *many_jobs(size_t *size)
{
    static const char head[] = "namespace: n\njobs:\n";
    char *yaml = malloc(*size = CELLS * 96 + sizeof(head));
    size_t at = 0;
    if (yaml == NULL)
        return NULL;
    at += (size_t)snprintf(yaml, *size, "%s", head);
    for (uint32_t i = 0; i < CELLS; i++)
        at +=
            (size_t)snprintf(yaml + at, *size - at, "- {name: j%u, concurrency: g, " STEP "}\n", i);
    return yaml;
}

static void ten_thousand_wait(void)
{
    struct scene s;
    size_t size = 0;
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    if (!scene_open(&s, 0))
        return;
    char *yaml = many_jobs(&size);
    struct said pipe = pipeline(&s, yaml), run = {0}, first = {0};
    free(yaml);
    for (uint32_t i = 0; i < MANY_RUNS; i++) {
        run = start(&s, &pipe);
        first = i == 0 ? run : first;
    }
    arc__engine_stats(s.w.engine, &stats);
    CHECK_INT(stats.jobs_queued, CELLS * MANY_RUNS - 1);
    CHECK(has(job_row(&s, run.id, "j999")->reason, "; 9998 are before it."));
    CHECK(has(job_row(&s, first.id, "j1")->reason, "; it is next."));
    size_t in_use = s.w.memory.calls;
    for (uint32_t i = 0; i < 50; i++) {
        CHECK_INT(hand_take(&s.hand, 1), 1);
        struct held held = s.hand.held[0];
        CHECK_OK(hand_say(&s.hand, &held, ARC_STEP_RUNNING, 0).status);
        CHECK_OK(hand_say(&s.hand, &held, ARC_STEP_SUCCESS, 0).status);
    }
    /* what a step costs does not grow with those who wait: far from an allocation for each */
    CHECK((s.w.memory.calls - in_use) / 50 < 1000);
    CHECK(has(job_row(&s, first.id, "j51")->reason, "; it is next."));
    s.kills = 1;
    act(&s);
    CHECK_INT(hand_take(&s.hand, 1), 1);
    CHECK_TEXT(arc__slice_cstr(s.hand.held[0].job), "j50");
    scene_close(&s);
}

/* More than one batch holds: it goes on in the turns after it, and after a kill among them. A slot
 * that is freed meanwhile is for none of those who are to go. */
static void ten_thousand_are_superseded(int kills)
{
    struct scene s;
    struct said said = {0}, ended = {0};
    size_t size = 0;
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    if (!scene_open(&s, 0))
        return;
    char *yaml = many_jobs(&size);
    struct said pipe = pipeline(&s, yaml), first = {0};
    struct said last = pipeline(&s, JOB("{group: g, onFull: cancelPending}"));
    free(yaml);
    for (uint32_t i = 0; i < MANY_RUNS; i++)
        first = i == 0 ? start(&s, &pipe) : (start(&s, &pipe), first);
    begin(&s, &first);
    struct held held = *offered(&s, &first);
    world_submit(&s.w, world_trigger(&s.w, last.id, "last"), &said);
    CHECK_OK(arc__engine_dispatch(s.w.engine, s.w.now, 1, NULL));
    arc__engine_stats(s.w.engine, &stats);
    CHECK(said.times == 1 && stats.jobs_queued > 100 && stats.jobs_queued < CELLS * MANY_RUNS - 1);
    if (kills)
        kill_server(&s);
    world_submit(&s.w, hand_report(&s.hand, &held, ARC_STEP_SUCCESS, 0), &ended);
    world_turn(&s.w);
    CHECK_OK(ended.status);
    hand_drop(&s.hand, &held);
    CHECK_INT(job_row(&s, first.id, "j1")->status, ARC_JOB_CANCELLED);
    CHECK(has(job_row(&s, first.id, "j999")->reason, "It was superseded by "));
    CHECK_INT(world_run_status(&s.w, first.id), ARC_RUN_CANCELLED);
    CHECK_INT(hand_take(&s.hand, 1), 1);
    finish(&s, &said);
    scene_close(&s);
}

static void superseded_in_several_turns(void)
{
    ten_thousand_are_superseded(0);
}

static void superseded_with_a_kill_among_them(void)
{
    ten_thousand_are_superseded(1);
}

#define SCENES(S) \
    S("one job of a group at a time", one_job_at_a_time) \
    S("one run of a group at a time", one_run_at_a_time) \
    S("the next is taken in the same turn", the_next_is_taken_in_the_same_turn) \
    S("every cell of a matrix takes a slot", every_cell_takes_a_slot) \
    S("with `created` the older run comes first", the_older_run_comes_first) \
    S("with `ready` who waits longest comes first", who_waits_longest_comes_first) \
    S("the newest order holds for the line", the_newest_order_holds) \
    S("the newest limit holds", the_newest_limit_holds) \
    S("of several limits in a run the smallest holds", the_smallest_limit_of_a_run_holds) \
    S("a group is of one project and one kind", groups_are_of_a_project_and_a_kind) \
    S("the pipelines of a project share it", pipelines_of_a_project_share_a_group) \
    S("a job keeps its slot over retries", a_slot_is_kept_over_retries) \
    S("who waits for a slot may be stopped", a_waiter_may_be_stopped) \
    S("a paused waiter is passed over", a_paused_waiter_is_passed_over) \
    S("a paused run keeps its slots", a_paused_run_keeps_its_slots) \
    S("the approved wait by their age", the_approved_wait_by_their_age) \
    S("with `ready` the approved wait since then", the_approved_wait_since_then) \
    S("cancelRunning ends the oldest run", a_newcomer_ends_the_oldest_run) \
    S("the last of many newcomers wins", the_last_of_many_newcomers_wins) \
    S("cancelRunning ends the oldest job", a_newcomer_ends_the_oldest_job) \
    S("cancelPending ends those who wait", a_newcomer_ends_those_who_wait) \
    S("cancelPending spares who comes later", who_comes_later_is_not_ended) \
    S("cancelPending spares who comes back later", who_comes_back_later_is_not_ended) \
    S("cancelRunning spares who is admitted later", who_was_admitted_later_is_not_ended) \
    S("reject turns the newcomer away", a_newcomer_is_turned_away) \
    S("a rerun waits like any run", a_rerun_waits_like_any_run)

#define TWICE(name, scene) \
    static void scene##_alive(void) \
    { \
        scene(0); \
    } \
    static void scene##_killed(void) \
    { \
        scene(1); \
    }
SCENES(TWICE)

#define CASES(name, scene) {name, scene##_alive}, {name ", with kills", scene##_killed},
static const struct test tests[] = {
    SCENES(CASES) /* and of many: */
    {"memory runs out while runs supersede each other",
     memory_runs_out_while_runs_supersede_each_other},
    {"memory runs out while jobs wait in line", memory_runs_out_while_jobs_wait_in_line},
    {"ten thousand wait, and a step costs the same", ten_thousand_wait},
    {"ten thousand are superseded, in several turns", superseded_in_several_turns},
    {"and with a kill among these turns", superseded_with_a_kill_among_them},
};
TEST_MAIN(tests)
