/* SPDX-License-Identifier: Apache-2.0 */
/* Questions by the public functions. */
#include "face.h"

static arc_status hold(void *user, const arc_step_view *step, arc_err *err)
{
    (void)err;
    *(uint64_t *)user = step->token;
    return ARC_OK;
}

struct bench {
    arc_ctl *ctl;
    struct given given;
    uint64_t held;
    char run_id[ARC_ID_SIZE];
};

static void turn(struct bench *bench)
{
    arc_err err = ARC_ERR_INIT;
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(arc_ctl_dispatch(bench->ctl, 0, &err));
        if (arc_ctl_timeout_ms(bench->ctl) != 0)
            return;
    }
    CU_FAIL("it never came to rest");
}

/* Job a runs, b waits for it, c for an agent. */
static void set_up(struct bench *bench)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_executor executor = ARC_EXECUTOR_INIT;
    arc_err err = ARC_ERR_INIT;
    memset(bench, 0, sizeof(*bench));
    arc_env env = given_env(&bench->given);
    options.env = &env;
    CHECK_OK(arc_ctl_open(&options, &bench->ctl, &err));
    executor.start = hold;
    executor.user = &bench->held;
    CHECK_OK(arc_ctl_executor(bench->ctl, "do", &executor, &err));
    arc_spec *spec =
        parse("namespace: t\njobs:\n"
              "  - {name: a, steps: [{name: s, uses: do}]}\n"
              "  - {name: b, dependsOn: [a], steps: [{name: s, uses: do}]}\n"
              "  - {name: c, runOnAgent: true, agentSelector: {matchLabels: {os: linux}}, "
              "steps: [{name: s, uses: do}]}\n");
    if (spec == NULL)
        return;
    CHECK_OK(arc_run_start(bench->ctl, spec, NULL, bench->run_id, &err));
    (void)arc_spec_unref(spec);
    turn(bench);
}

static void tear_down(struct bench *bench)
{
    arc_ctl_close(bench->ctl);
    CHECK_INT(bench->given.mem.live, 0);
}

static void a_run_tells_its_reasons(void)
{
    struct bench bench;
    arc_explain *explain = NULL;
    arc_err err = ARC_ERR_INIT;
    arc_reason_view view = {.size = sizeof(view)};
    int dependency = 0, no_agent = 0;
    set_up(&bench);
    CHECK_OK(arc_run_explain(bench.ctl, bench.run_id, NULL, &explain, &err));
    CHECK_OK(arc_explain_ready(explain, &err));
    for (size_t i = 0; i < arc_explain_count(explain); i++) {
        CHECK_OK(arc_explain_reason(explain, i, &view, &err));
        if (view.kind == ARC_REASON_DEPENDENCY) {
            dependency++;
            CHECK_TEXT(arc__slice_cstr(view.job), "b");
            CHECK_TEXT(arc__slice_cstr(view.name), "a");
            CHECK_TEXT(arc__slice_cstr(view.sentence), "It waits for job a.");
        }
        no_agent += view.kind == ARC_REASON_NO_AGENT && strcmp(view.job, "c") == 0;
    }
    CHECK_INT(dependency, 1);
    CHECK_INT(no_agent, 1);
    CHECK_STATUS(arc_explain_reason(explain, arc_explain_count(explain), &view, &err),
                 ARC_ENOTFOUND);
    CHECK_INT(arc_explain_would_count(explain), 0);
    CHECK(strstr(arc_explain_text(explain), "job b: pending\n  It waits for job a.\n") != NULL);
    arc_forecast_view forecast = {.size = sizeof(forecast)};
    CHECK_STATUS(arc_explain_forecast(explain, &forecast, &err), ARC_EPRECONDITION);
    arc_explain_close(explain);
    tear_down(&bench);
}

static void an_agent_and_the_end_are_foreseen(void)
{
    struct bench bench;
    arc_explain *explain = NULL;
    arc_err err = ARC_ERR_INIT;
    const arc_pair labels[] = {{"os", "linux"}, {"arch", "amd64"}};
    arc_explain_options options = ARC_EXPLAIN_OPTIONS_INIT;
    arc_would_view would = {.size = sizeof(would)};
    arc_forecast_view forecast = {.size = sizeof(forecast)};
    arc_forecast_job_view job = {.size = sizeof(job)};
    set_up(&bench);
    options.agent = options.end = 1;
    options.labels = labels;
    options.label_count = 2;
    options.step_ns = 5000000000;
    CHECK_OK(arc_run_explain(bench.ctl, bench.run_id, &options, &explain, &err));
    CHECK_OK(arc_explain_ready(explain, &err));
    CHECK_INT(arc_explain_would_count(explain), 1);
    CHECK_OK(arc_explain_would(explain, 0, &would, &err));
    CHECK_TEXT(arc__slice_cstr(would.job), "c");
    CHECK_INT(would.place, 1);
    CHECK_OK(arc_explain_forecast(explain, &forecast, &err));
    CHECK_INT(forecast.ends, 1);
    CHECK_INT(forecast.end_ns, bench.given.wall_ns + 10000000000);
    CHECK_INT(forecast.jobs, 3);
    CHECK_OK(arc_explain_forecast_job(explain, 1, &job, &err));
    CHECK_TEXT(arc__slice_cstr(job.job), "b");
    CHECK_INT(job.critical, 2);
    CHECK_OK(arc_explain_forecast_job(explain, 2, &job, &err));
    CHECK_TEXT(arc__slice_cstr(job.agent_id), "new");
    CHECK_STATUS(arc_explain_forecast_job(explain, 3, &job, &err), ARC_ENOTFOUND);
    arc_explain_close(explain);
    tear_down(&bench);
}

static void what_cannot_be_asked_is_refused(void)
{
    struct bench bench;
    arc_explain *explain = NULL;
    arc_err err = ARC_ERR_INIT;
    const arc_pair labels[] = {{"os", "linux"}, {"os", "mac"}};
    arc_explain_options options = ARC_EXPLAIN_OPTIONS_INIT;
    set_up(&bench);
    CHECK_STATUS(arc_run_explain(bench.ctl, NULL, NULL, &explain, &err), ARC_EINVAL);
    options.agent = 1;
    options.labels = labels;
    options.label_count = 2;
    CHECK_STATUS(arc_run_explain(bench.ctl, NULL, &options, &explain, &err), ARC_EINVAL);
    CHECK_OK(arc_run_explain(bench.ctl, "nobody", NULL, &explain, &err));
    CHECK_STATUS(arc_explain_ready(explain, &err), ARC_ENOTFOUND);
    CHECK_INT(arc_explain_count(explain), 0);
    CHECK_TEXT(arc__slice_cstr(arc_explain_text(explain)), "");
    arc_explain_close(explain);
    arc_explain_close(NULL);
    tear_down(&bench);
}

static const struct test tests[] = {
    {"a run tells the reasons of all that does not run", a_run_tells_its_reasons},
    {"an agent that came and the end are foreseen", an_agent_and_the_end_are_foreseen},
    {"a question that cannot be asked is refused", what_cannot_be_asked_is_refused},
};

int main(int argc, char **argv)
{
    return test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
