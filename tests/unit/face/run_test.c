/* SPDX-License-Identifier: Apache-2.0 */
#include "face.h"

#include <arcentra/runlog.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* What an executor of the tests does, told by the step's action. */
struct bench {
    arc_ctl *ctl;
    struct given given;
    int started, cancelled;
    uint64_t held; /* the token of a step that waits for the test */
    char order[512];
    char args[2048]; /* of the last step */
};

static arc_status start(void *user, const arc_step_view *step, arc_err *err)
{
    struct bench *bench = user;
    size_t at = strlen(bench->order);
    bench->started++;
    (void)snprintf(bench->order + at, sizeof(bench->order) - at, "%s/%s ", step->job_name,
                   step->step_name);
    (void)snprintf(bench->args, sizeof(bench->args), "%s", step->args);
    if (strcmp(step->action, "refuse") == 0) {
        err->size = sizeof(*err);
        (void)snprintf(err->message, sizeof(err->message), "not today");
        return ARC_EUNAVAILABLE;
    }
    if (strcmp(step->action, "hold") == 0) {
        bench->held = step->token;
        return ARC_OK;
    }
    arc_status status =
        arc_step_log(bench->ctl, step->token, ARC_STREAM_STDOUT, "one\ntwo\nrest", 12, err);
    if (status != ARC_OK)
        return status;
    int fails = strcmp(step->action, "fail") == 0;
    return arc_step_end(bench->ctl, step->token, fails ? ARC_STEP_FAILED : ARC_STEP_SUCCESS,
                        fails ? 3 : 0, fails ? "it broke" : NULL, err);
}

static void cancel(void *user, uint64_t token, uint32_t grace_ms)
{
    struct bench *bench = user;
    arc_err err = ARC_ERR_INIT;
    (void)grace_ms;
    bench->cancelled++;
    CHECK_OK(arc_step_end(bench->ctl, token, ARC_STEP_CANCELLED, -1, NULL, &err));
}

static void set_up_with(struct bench *bench, arc_ctl_options options)
{
    arc_executor executor = ARC_EXECUTOR_INIT;
    arc_err err = ARC_ERR_INIT;
    memset(bench, 0, sizeof(*bench));
    arc_env env = given_env(&bench->given);
    options.env = &env;
    CHECK_OK(arc_ctl_open(&options, &bench->ctl, &err));
    executor.start = start;
    executor.cancel = cancel;
    executor.user = bench;
    CHECK_OK(arc_ctl_executor(bench->ctl, "do", &executor, &err));
}

static void set_up(struct bench *bench)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    set_up_with(bench, options);
}

static void tear_down(struct bench *bench)
{
    arc_ctl_close(bench->ctl);
    CHECK_INT(bench->given.mem.live, 0);
}

/* Turns until nothing is due now. */
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

static void run(struct bench *bench, const char *text, char *run_id)
{
    start_run(bench->ctl, text, run_id);
    turn(bench);
}

static void jobs_run_in_the_order_of_their_edges(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    set_up(&bench);
    run(&bench,
        "namespace: t\njobs:\n"
        "  - {name: c, dependsOn: [b], steps: [{name: s, uses: do}]}\n"
        "  - {name: a, steps: [{name: s1, uses: do}, {name: s2, uses: do@v2}]}\n"
        "  - {name: b, dependsOn: [a], steps: [{name: s, uses: do}]}\n",
        id);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    CHECK_TEXT(arc__slice_cstr(bench.order), "a/s1 a/s2 b/s c/s ");
    tear_down(&bench);
}

static void a_failed_step_fails_its_run_and_skips_what_waits(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_sub_options options = ARC_SUB_OPTIONS_INIT;
    arc_sub *sub = NULL;
    arc_err err = ARC_ERR_INIT;
    char reason[128] = "";
    int exit_code = 0;
    set_up(&bench);
    CHECK_OK(arc_sub_open(bench.ctl, &options, &sub, &err));
    run(&bench,
        "namespace: t\njobs:\n"
        "  - {name: a, steps: [{name: s, uses: do, action: fail}, {name: s2, uses: do}]}\n"
        "  - {name: b, dependsOn: [a], steps: [{name: s, uses: do}]}\n",
        id);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_FAILED);
    CHECK_TEXT(arc__slice_cstr(bench.order), "a/s ");
    arc_event_view event = ARC_EVENT_VIEW_INIT;
    uint64_t seq = 0;
    while (arc_events_next(sub, &event, &err) == ARC_OK) {
        if (strcmp(event.run_id, id) == 0)
            CHECK_INT(event.seq, ++seq);
        if (strcmp(event.type, "arcentra.job.skipped") == 0)
            (void)snprintf(reason, sizeof(reason), "%s", event.reason);
        if (strcmp(event.type, "arcentra.step.failed") == 0)
            exit_code = event.exit_code;
    }
    CHECK_TEXT(arc__slice_cstr(reason), "Job a ended failed.");
    CHECK_INT(exit_code, 3);
    arc_sub_close(sub);
    tear_down(&bench);
}

static void an_executor_that_refuses_fails_the_step(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    set_up(&bench);
    run(&bench,
        "namespace: t\njobs:\n  - {name: a, steps: [{name: s, uses: do, action: refuse}]}\n", id);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_FAILED);
    tear_down(&bench);
}

static void a_step_that_nobody_can_do_waits(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    set_up(&bench);
    run(&bench, "namespace: t\njobs:\n  - {name: a, steps: [{name: s, uses: other}]}\n", id);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_PENDING);
    arc_ctl_get_stats(bench.ctl, &stats);
    CHECK_INT(stats.jobs_queued, 1);
    CHECK_INT(bench.started, 0);
    tear_down(&bench);
}

static void stopping_a_run_cancels_its_step_and_ends_it(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    set_up(&bench);
    run(&bench,
        "namespace: t\njobs:\n"
        "  - {name: a, steps: [{name: s, uses: do, action: hold}, {name: s2, uses: do}]}\n",
        id);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_RUNNING);
    CHECK_OK(arc_run_stop(bench.ctl, id, "enough", 0, &err));
    turn(&bench);
    CHECK_INT(bench.cancelled, 1);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_CANCELLED);
    CHECK_TEXT(arc__slice_cstr(bench.order), "a/s ");
    CHECK_STATUS(arc_run_stop(bench.ctl, id, "again", 0, &err), ARC_ECONFLICT);
    tear_down(&bench);
}

static void a_gate_is_decided_from_the_host(void)
{
    static const char text[] = "namespace: t\nstages:\n- name: ship\n"
                               "  approval: {required: true, approvers: [ann]}\n"
                               "  jobs: [{name: a, steps: [{name: s, uses: do}]}]\n";
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    arc_gate_options options = ARC_GATE_OPTIONS_INIT;
    set_up(&bench);
    run(&bench, text, id);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_PENDING);
    CHECK_STATUS(arc_run_decide_gate(bench.ctl, id, "job:a", NULL, &err), ARC_ENOTFOUND);
    CHECK_STATUS(arc_run_decide_gate(bench.ctl, "none", "ship", NULL, &err), ARC_ENOTFOUND);
    options.actor = "eve";
    CHECK_STATUS(arc_run_decide_gate(bench.ctl, id, "ship", &options, &err), ARC_EDENIED);
    options.actor = "ann";
    CHECK_OK(arc_run_decide_gate(bench.ctl, id, "stage:ship", &options, &err));
    turn(&bench);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    options.reject = 1;
    CHECK_STATUS(arc_run_decide_gate(bench.ctl, id, "ship", &options, &err), ARC_ECONFLICT);
    run(&bench, text, id);
    options.actor = "eve";
    options.override = 1;
    CHECK_OK(arc_run_decide_gate(bench.ctl, id, "ship", &options, &err));
    turn(&bench);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_FAILED);
    tear_down(&bench);
}

static void the_host_is_asked_for_plugins(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    arc_gate_options options = ARC_GATE_OPTIONS_INIT;
    arc_gate_view view = ARC_GATE_VIEW_INIT;
    set_up(&bench);
    CHECK_STATUS(arc_gate_next(bench.ctl, &view, &err), ARC_EAGAIN);
    run(&bench,
        "namespace: t\nstages:\n- name: ship\n"
        "  approval: {type: auto, plugin: scan, params: {level: high}}\n"
        "  jobs: [{name: a, steps: [{name: s, uses: do}]}]\n",
        id);
    CHECK_OK(arc_gate_next(bench.ctl, &view, &err));
    CHECK_TEXT(arc__slice_cstr(view.run_id), id);
    CHECK_TEXT(arc__slice_cstr(view.gate), "stage:ship");
    CHECK_TEXT(arc__slice_cstr(view.plugin), "scan");
    CHECK_TEXT(arc__slice_cstr(view.params), "{\"level\":\"high\"}");
    CHECK(view.expires_ns > view.requested_ns);
    CHECK_STATUS(arc_gate_next(bench.ctl, &view, &err), ARC_EAGAIN);
    options.actor = "ann";
    CHECK_STATUS(arc_run_decide_gate(bench.ctl, id, "ship", &options, &err), ARC_EDENIED);
    options.plugin = 1;
    CHECK_OK(arc_run_decide_gate(bench.ctl, id, "ship", &options, &err));
    turn(&bench);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    tear_down(&bench);
}

static void the_host_is_told_how_it_ended(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE], notice[64];
    arc_err err = ARC_ERR_INIT;
    arc_notice_view view = ARC_NOTICE_VIEW_INIT;
    set_up(&bench);
    CHECK_STATUS(arc_notice_next(bench.ctl, &view, &err), ARC_EAGAIN);
    run(&bench,
        "namespace: t\nnotify: {onSuccess: {plugin: mail, params: {run: '${{ run.id }}'}}}\n"
        "jobs: [{name: a, steps: [{name: s, uses: do}]}]\n",
        id);
    CHECK_OK(arc_notice_next(bench.ctl, &view, &err));
    CHECK_TEXT(arc__slice_cstr(view.run_id), id);
    CHECK_TEXT(arc__slice_cstr(view.about), "pipeline");
    CHECK_TEXT(arc__slice_cstr(view.result), "success");
    CHECK_TEXT(arc__slice_cstr(view.plugin), "mail");
    CHECK_TEXT(arc__slice_cstr(view.action), "Send");
    CHECK(strstr(view.params, id) != NULL);
    CHECK_TEXT(arc__slice_cstr(view.fault), "");
    (void)snprintf(notice, sizeof(notice), "%s", view.id);
    CHECK_STATUS(arc_notice_next(bench.ctl, &view, &err), ARC_EAGAIN);
    CHECK_OK(arc_notice_done(bench.ctl, notice, &err));
    turn(&bench);
    CHECK_STATUS(arc_notice_next(bench.ctl, &view, &err), ARC_EAGAIN);
    tear_down(&bench);
}

static arc_status seeing_start(void *user, const arc_step_view *step, arc_err *err)
{
    struct bench *bench = user;
    CHECK_TEXT(arc__slice_cstr(step->image), "alpine");
    CHECK_TEXT(arc__slice_cstr(step->target), "{\"type\":\"vm\"}");
    CHECK_TEXT(arc__slice_cstr(step->runtime), "{\"image\":\"alpine\"}");
    bench->started++;
    return arc_step_end(bench->ctl, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

static void an_executor_is_told_where(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    arc_executor executor = ARC_EXECUTOR_INIT;
    set_up(&bench);
    executor.start = seeing_start;
    executor.user = &bench;
    CHECK_OK(arc_ctl_executor(bench.ctl, "*", &executor, &err));
    run(&bench,
        "namespace: t\ntarget: {type: vm}\nruntime: {image: alpine}\njobs:\n"
        "  - {name: a, runOnAgent: false, steps: [{name: s, uses: any/thing@v1}]}\n",
        id);
    CHECK_INT(bench.started, 1);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    tear_down(&bench);
}

static void a_step_that_lasts_longer_than_a_lease_is_not_lost(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    set_up(&bench);
    run(&bench, "namespace: t\njobs:\n  - {name: a, steps: [{name: s, uses: do, action: hold}]}\n",
        id);
    for (int i = 0; i < 20; i++) {
        int wait_ms = arc_ctl_timeout_ms(bench.ctl);
        CHECK(wait_ms > 0 && wait_ms <= 30000);
        pass_ms(&bench.given, (uint64_t)(wait_ms > 0 ? wait_ms : 1));
        turn(&bench);
    }
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_RUNNING);
    CHECK_OK(arc_step_end(bench.ctl, bench.held, ARC_STEP_SUCCESS, 0, NULL, &err));
    turn(&bench);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    CHECK_STATUS(arc_step_end(bench.ctl, bench.held, ARC_STEP_SUCCESS, 0, NULL, &err),
                 ARC_ENOTFOUND);
    tear_down(&bench);
}

static arc_status dispatching_start(void *user, const arc_step_view *step, arc_err *err)
{
    struct bench *bench = user;
    arc_err why = ARC_ERR_INIT;
    CHECK_STATUS(arc_ctl_dispatch(bench->ctl, 0, &why), ARC_ECONFLICT);
    bench->started++;
    return arc_step_end(bench->ctl, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

static void a_callback_may_not_dispatch(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    arc_executor executor = ARC_EXECUTOR_INIT;
    set_up(&bench);
    executor.start = dispatching_start;
    executor.user = &bench;
    CHECK_OK(arc_ctl_executor(bench.ctl, "*", &executor, &err));
    run(&bench, "namespace: t\njobs:\n  - {name: a, steps: [{name: s, uses: any/thing@v1}]}\n", id);
    CHECK_INT(bench.started, 1);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    tear_down(&bench);
}

static void unknown_variables_are_refused_at_the_start(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE] = "";
    arc_err err = ARC_ERR_INIT;
    arc_pair twice[] = {{"x", "1"}, {"x", "2"}};
    arc_run_options options = ARC_RUN_OPTIONS_INIT;
    arc_spec *spec = parse("namespace: t\nvariables: {x: '0'}\njobs:\n"
                           "  - {name: a, steps: [{name: s, uses: do}]}\n");
    set_up(&bench);
    options.variables = twice;
    options.variable_count = 2;
    CHECK_STATUS(arc_run_start(bench.ctl, spec, &options, id, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "variables");
    CHECK_TEXT(arc__slice_cstr(id), "");
    (void)arc_spec_unref(spec);
    tear_down(&bench);
}

#define STARTED \
    "namespace: t\njobs:\n" \
    "  - {name: skipped, when: \"(trigger.payload.files ?? []) contains 'x'\", steps: [{name: s, " \
    "uses: " \
    "do}]}\n" \
    "  - name: a\n    when: trigger.payload.files[0] == 'README.md'\n" \
    "    steps:\n      - name: s\n        uses: do\n        args:\n" \
    "          trigger: ${{ join([trigger.type, trigger.actor, trigger.branch, trigger.ref, " \
    "trigger.tag, trigger.sha, trigger.event], ' ') }}\n" \
    "          git: ${{ join([git.commit, git.branch, git.repo], ' ') }}\n" \
    "          late: ${{ run.number }} ${{ trigger.sha }}\n"

static void start_with(struct bench *bench, const arc_run_options *options, const char *args)
{
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    arc_spec *spec = parse(STARTED);
    bench->order[0] = '\0';
    CHECK_OK(arc_run_start(bench->ctl, spec, options, id, &err));
    (void)arc_spec_unref(spec);
    turn(bench);
    CHECK_TEXT(arc__slice_cstr(bench->args), args);
    CHECK_TEXT(arc__slice_cstr(bench->order), "a/s ");
}

#define LONG_MAX 40000

/* `first`, and `more` so often that an expression becomes longer or dearer than the defaults. */
static const char *lengthen(char *out, const char *first, const char *more, int times)
{
    size_t at = (size_t)snprintf(out, LONG_MAX, "%s", first);
    for (int i = 0; i < times; i++)
        at += (size_t)snprintf(out + at, LONG_MAX - at, "%s", more);
    return out;
}

/* Each stands where only the run can decide. */
static void what_was_accepted_does_not_fail_at_a_limit(void)
{
    static const struct {
        const char *before, *first, *more, *after;
        int times;
    } rows[] = {
        {"when: \"", "needs.a.result == 'success'", " && true", "\"", 1200},
        {"when: \"", "needs.a.result == 'success' && 6001 == 1", " + 1", "\"", 6000},
        {"env: {X: \"${{ ", "needs.a.result", " + ''", " }}\"}", 1800},
        {"args: {x: \"<${{ ", "needs.a.result", " + ''", " }}>\"}", 1800},
        {"args: {x: \"${{ ", "needs.a.result", " + ''", " }}\"}", 1800},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static char expression[LONG_MAX], text[LONG_MAX + 500];
        struct bench bench;
        char id[ARC_ID_SIZE];
        arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
        arc_spec *spec = NULL;
        arc_err err = ARC_ERR_INIT;
        options.expression_bytes = 65000;
        options.expression_units = 30000;
        (void)lengthen(expression, rows[i].first, rows[i].more, rows[i].times);
        (void)snprintf(text, sizeof(text),
                       "namespace: t\njobs:\n- {name: a, steps: [{name: s, uses: do}]}\n"
                       "- name: b\n  dependsOn: [a]\n  steps:\n  - {name: s, uses: do}\n"
                       "  - {name: t, uses: do, %s%s%s}\n",
                       rows[i].before, expression, rows[i].after);
        set_up(&bench);
        CHECK_OK(arc_spec_check(text, strlen(text), &options, &spec, NULL, &err));
        if (spec != NULL)
            CHECK_OK(arc_run_start(bench.ctl, spec, NULL, id, &err));
        (void)arc_spec_unref(spec);
        turn(&bench);
        CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
        CHECK_TEXT(arc__slice_cstr(bench.order), "a/s b/s b/t ");
        tear_down(&bench);
    }
}

static void what_starts_a_run_is_what_its_definition_reads(void)
{
    struct bench bench;
    arc_run_options options = ARC_RUN_OPTIONS_INIT;
    set_up(&bench);
    options.triggered_by = "somebody";
    options.branch = "main";
    options.ref = "refs/heads/main";
    options.tag = "v1.2";
    options.sha = "5eed";
    options.event = "push";
    options.payload = " {\"files\": [\"README.md\"]} ";
    start_with(&bench, &options,
               "{\"git\":\"5eed main \",\"late\":\"1 5eed\","
               "\"trigger\":\"manual somebody main refs/heads/main v1.2 5eed push\"}");
    options.git_commit = "c0de";
    options.git_branch = "next";
    options.git_repo = "https://git.example.com/a.git";
    start_with(&bench, &options,
               "{\"git\":\"c0de next https://git.example.com/a.git\",\"late\":\"1 5eed\","
               "\"trigger\":\"manual somebody main refs/heads/main v1.2 5eed push\"}");
    tear_down(&bench);
}

static void a_run_knows_the_pipeline_that_is_made_for_it(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE], want[ARC_ID_SIZE + 16] = "";
    arc_sub_options options = ARC_SUB_OPTIONS_INIT;
    arc_event_view event = ARC_EVENT_VIEW_INIT;
    arc_sub *sub = NULL;
    arc_err err = ARC_ERR_INIT;
    set_up(&bench);
    CHECK_OK(arc_sub_open(bench.ctl, &options, &sub, &err));
    run(&bench,
        "namespace: t\njobs:\n- name: a\n  when: pipeline.id != ''\n"
        "  steps: [{name: s, uses: do, args: {id: '${{ pipeline.id }}'}}]\n",
        id);
    while (arc_events_next(sub, &event, &err) == ARC_OK) {
        if (strcmp(event.run_id, id) == 0)
            (void)snprintf(want, sizeof(want), "{\"id\":\"%s\"}", event.pipeline_id);
    }
    CHECK(strlen(want) > strlen("{\"id\":\"\"}"));
    CHECK_TEXT(arc__slice_cstr(bench.args), want);
    arc_sub_close(sub);
    tear_down(&bench);
}

static void a_payload_that_is_no_json_starts_nothing(void)
{
    static const char *const wrong[] = {"", "{", "{\"a\": 1} x", "\"\xFF\""};
    struct bench bench;
    char id[ARC_ID_SIZE] = "";
    arc_err err = ARC_ERR_INIT;
    arc_run_options options = ARC_RUN_OPTIONS_INIT;
    arc_spec *spec = parse(STARTED);
    set_up(&bench);
    for (size_t i = 1; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        options.payload = wrong[i];
        CHECK_STATUS(arc_run_start(bench.ctl, spec, &options, id, &err), ARC_EINVAL);
        CHECK_TEXT(arc__slice_cstr(err.subject), "payload");
        CHECK_TEXT(arc__slice_cstr(id), "");
    }
    options.payload = wrong[0]; /* empty is none */
    CHECK_OK(arc_run_start(bench.ctl, spec, &options, id, &err));
    options.payload = NULL;
    options.tag = "\xFF";
    CHECK_STATUS(arc_run_start(bench.ctl, spec, &options, id, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "tag");
    turn(&bench);
    CHECK_INT(bench.started, 0); /* both jobs ask for a file */
    (void)arc_spec_unref(spec);
    tear_down(&bench);
}

/* What a decision is told with is gone when its turn is over; its event stays. */
static void the_events_of_a_gate_keep_their_texts(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE], seen[256] = "";
    arc_sub_options sub_options = ARC_SUB_OPTIONS_INIT;
    arc_gate_options options = ARC_GATE_OPTIONS_INIT;
    arc_event_view event = ARC_EVENT_VIEW_INIT;
    arc_sub *sub = NULL;
    arc_err err = ARC_ERR_INIT;
    size_t at = 0;
    set_up(&bench);
    CHECK_OK(arc_sub_open(bench.ctl, &sub_options, &sub, &err));
    run(&bench,
        "namespace: t\nstages:\n- name: ship\n  approval: {approvers: [ann]}\n"
        "  jobs: [{name: a, steps: [{name: s, uses: do}]}]\n",
        id);
    options.actor = "ann";
    options.comment = "looks fine";
    CHECK_OK(arc_run_decide_gate(bench.ctl, id, "ship", &options, &err));
    turn(&bench);
    while (arc_events_next(sub, &event, &err) == ARC_OK) {
        if (event.gate[0] != '\0')
            at += (size_t)snprintf(seen + at, sizeof(seen) - at, "%s %s %s; ", event.gate,
                                   event.actor, event.comment);
    }
    CHECK_TEXT(arc__slice_cstr(seen), "stage:ship  ; stage:ship ann looks fine; ");
    arc_sub_close(sub);
    tear_down(&bench);
}

/* Between two turns more time may pass than a lease has: the host that comes back renews first, and
 * from then. */
static void a_step_of_the_host_outlives_a_leap_of_time(void)
{
    struct bench bench;
    arc_err err = ARC_ERR_INIT;
    char id[ARC_ID_SIZE];
    set_up(&bench);
    run(&bench, "namespace: t\njobs: [{name: a, steps: [{name: s, uses: do, action: hold}]}]\n",
        id);
    for (int i = 0; i < 3; i++) {
        pass_ms(&bench.given, 31000);
        turn(&bench);
        CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_RUNNING);
    }
    CHECK_OK(arc_step_end(bench.ctl, bench.held, ARC_STEP_SUCCESS, 0, NULL, &err));
    turn(&bench);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    tear_down(&bench);
}

#define KEPT 5

static int has_logs(const char *dir, const char *id)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%.40s/%.40s", dir, id);
    return access(path, F_OK) == 0;
}

static uint64_t deleted_by(struct bench *bench, uint64_t pause_ms)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    pass_ms(&bench->given, pause_ms);
    turn(bench);
    arc_ctl_get_stats(bench->ctl, &stats);
    return stats.runs_deleted;
}

/* One run a batch, and ten milliseconds behind each. */
static void wait_for_deletions(struct bench *bench, uint64_t goal)
{
    uint64_t before = 0, now = 0;
    for (int i = 0; i < 1000 && before == 0; i++)
        before = deleted_by(bench, 1000);
    CHECK(before <= 1);
    for (int i = 0, ago = 2; i < 100 && before < goal; i++, before = now) {
        now = deleted_by(bench, 5);
        CHECK(now <= before + (ago >= 2));
        ago = now > before ? 1 : ago + 1;
    }
    CHECK_INT(before, goal);
    CHECK_INT(deleted_by(bench, 600 * 1000), goal);
}

static void check_events(const char *url, char id[][ARC_ID_SIZE], uint64_t deleted)
{
    arc_runlog_options options = ARC_RUNLOG_OPTIONS_INIT;
    arc_runlog *log = NULL;
    options.store_url = url;
    CHECK_OK(arc_runlog_open(&options, &log, NULL));
    for (uint64_t i = 0; log != NULL && i < KEPT; i++) {
        char *events = NULL;
        CHECK_STATUS(arc_runlog_events(log, id[i], 0, 0, &events, NULL),
                     i < deleted ? ARC_ENOTFOUND : ARC_OK);
        arc_runlog_text_free(log, events);
    }
    arc_runlog_close(log);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static void keep_by(arc_ctl_options options, uint64_t deleted)
{
    struct bench bench;
    char dir[] = "/tmp/arc-retain-XXXXXX", id[KEPT][ARC_ID_SIZE], url[64];
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(url, sizeof(url), "sqlite:%s/s.db", dir);
    options.log_dir = dir;
    options.store_url = url;
    set_up_with(&bench, options);
    for (int i = 0; i < KEPT; i++) {
        run(&bench, "namespace: t\njobs: [{name: a, steps: [{name: s, uses: do}]}]\n", id[i]);
        CHECK(has_logs(dir, id[i]));
        pass_ms(&bench.given, 1000);
    }
    CHECK_INT(deleted_by(&bench, 290 * 1000), 0); /* none was over for five minutes */
    wait_for_deletions(&bench, deleted);
    for (uint64_t i = 0; i < KEPT; i++)
        CHECK_INT(has_logs(dir, id[i]), i >= deleted);
    tear_down(&bench);
    check_events(url, id, deleted);
    CHECK(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static void retention_options_reach_the_engine(void)
{
    arc_ctl_options by_number = ARC_CTL_OPTIONS_INIT, by_age = ARC_CTL_OPTIONS_INIT,
                    by_none = ARC_CTL_OPTIONS_INIT;
    by_number.retention_runs_max = 3;
    by_age.retention_max_age_s = 60;
    keep_by(by_number, 2);
    keep_by(by_age, 4); /* the newest has the newest event of the log */
    keep_by(by_none, 0);
}

static const struct test tests[] = {
    {"the host is asked for the plugins of gates", the_host_is_asked_for_plugins},
    {"an executor is told the image, target and runtime", an_executor_is_told_where},
    {"the host is told how things ended", the_host_is_told_how_it_ended},
    {"a gate is decided from the host", a_gate_is_decided_from_the_host},
    {"the events of a gate keep their texts", the_events_of_a_gate_keep_their_texts},
    {"jobs run in the order of their edges", jobs_run_in_the_order_of_their_edges},
    {"a failed step fails its run and skips what waits",
     a_failed_step_fails_its_run_and_skips_what_waits},
    {"a step of the host outlives a leap of time", a_step_of_the_host_outlives_a_leap_of_time},
    {"an executor that refuses fails the step", an_executor_that_refuses_fails_the_step},
    {"a step that nobody can do waits", a_step_that_nobody_can_do_waits},
    {"stopping a run cancels its step and ends it", stopping_a_run_cancels_its_step_and_ends_it},
    {"a step that lasts longer than a lease is not lost",
     a_step_that_lasts_longer_than_a_lease_is_not_lost},
    {"what was accepted does not fail at a limit when it runs",
     what_was_accepted_does_not_fail_at_a_limit},
    {"what starts a run is what its definition reads",
     what_starts_a_run_is_what_its_definition_reads},
    {"a run knows the pipeline that is made for it", a_run_knows_the_pipeline_that_is_made_for_it},
    {"a payload that is no JSON starts nothing", a_payload_that_is_no_json_starts_nothing},
    {"a callback may not dispatch", a_callback_may_not_dispatch},
    {"a variable that is given twice is refused", unknown_variables_are_refused_at_the_start},
    {"old runs go by the options, one by one, with their logs", retention_options_reach_the_engine},
};
TEST_MAIN(tests)
