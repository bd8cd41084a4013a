/* SPDX-License-Identifier: Apache-2.0 */
/* From a definition to the end of its run, on both stores. */
#include "world.h"

#include <stdio.h>

static const char two_jobs[] = "namespace: demo\n"
                               "jobs:\n"
                               "  - name: build\n"
                               "    steps:\n"
                               "      - {name: get, run: 'true'}\n"
                               "      - {name: make, run: 'true'}\n"
                               "  - name: test\n"
                               "    dependsOn: [build]\n"
                               "    steps: [{name: check, run: 'true'}]\n";

static void live(enum world_store kind)
{
    struct world w;
    struct hand hand;
    char story[2048];
    if (!world_open(&w, kind))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "build-main", NULL));
    CHECK_OK(pipeline.status);
    struct said saved = world_ask(&w, world_save(&w, pipeline.id, two_jobs));
    CHECK_OK(saved.status);
    CHECK_INT(strlen(saved.sha), 64);
    struct said run = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    if (!CHECK_OK(run.status))
        printf("# %s %s %s\n", run.subject, run.message, run.findings);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    if (hand_join(&hand, &w, "a1", "{}", 4)) {
        CHECK_INT(hand.notices, 1);
        CHECK_INT(hand_take(&hand, 1), 1);
        CHECK_TEXT(arc__slice_cstr(hand.held[0].step), "get");
        hand_work(&hand);
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    CHECK_INT(world_run_col(&w, run.id, ARC_COL_pipeline_run_completed_jobs), 2);
    CHECK_INT(world_run_col(&w, run.id, ARC_COL_pipeline_run_running_jobs), 0);
    world_story(&w, run.id, story, sizeof(story));
    CHECK_TEXT(arc__slice_cstr(story),
               "pipeline.triggered job.queued step.queued pipeline.started job.started "
               "step.started step.completed step.queued step.started step.completed job.completed "
               "job.queued step.queued job.started step.started step.completed job.completed "
               "pipeline.completed");
    world_check_events(&w);
    hand_leave(&hand);
    world_close(&w);
}

static void a_run_lives_in_memory(void)
{
    live(WORLD_MEM);
}

static void a_run_lives_in_sqlite(void)
{
    live(WORLD_SQLITE);
}

static void a_run_knows_its_pipeline(void)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: j\n  steps:\n"
                    "  - {name: s, uses: do, args: {id: '${{ pipeline.id }}'}}\n",
                    &pipeline, &run);
    const struct arc_run *live = arc__engine_live_run(w.engine, arc__slice_cstr(run.id));
    char want[sizeof(pipeline.id) + 16];
    (void)snprintf(want, sizeof(want), "{\"id\":\"%s\"}", pipeline.id);
    CHECK(live != NULL);
    if (live != NULL)
        CHECK_TEXT(live->plan->jobs[0].steps[0].args, want);
    world_close(&w);
}

static const struct test tests[] = {
    {"a run goes from its definition to success, in memory", a_run_lives_in_memory},
    {"a run goes from its definition to success, in SQLite", a_run_lives_in_sqlite},
    {"a run knows its pipeline", a_run_knows_its_pipeline},
};
TEST_MAIN(tests)
