/* SPDX-License-Identifier: Apache-2.0 */
/* The two forms of a definition that the language began with, from their text to what executors
 * get; and what executors hand back: outputs. */
#include "face.h"

#include <arcentra/plan.h>
#include <stdio.h>

#include "base/arena.h"
#include "spec/spec.h"

struct bench {
    arc_ctl *ctl;
    struct given given;
    uint64_t held;     /* the token of the last step of "hold" */
    const char *value; /* what a step of "set" sets */
    int result;        /* and how it ends */
    size_t len;
    char said[2048]; /* what the executors got, a line a step */
    char env[1024];  /* GOT of the last step, and its args */
    char args[1024];
};

static void say(struct bench *bench, const char *text)
{
    size_t len = strlen(text);
    if (bench->len + len < sizeof(bench->said)) {
        memcpy(bench->said + bench->len, text, len + 1);
        bench->len += len;
    }
}

/* Records the step, and ends it. */
static arc_status see(void *user, const arc_step_view *step, arc_err *err)
{
    struct bench *bench = user;
    char line[1024];
    (void)snprintf(line, sizeof(line), "%s/%s %s %s\n", step->job_name, step->step_name, step->uses,
                   step->args);
    say(bench, line);
    (void)snprintf(bench->args, sizeof(bench->args), "%s", step->args);
    for (size_t i = 0; i < step->env_count; i++) {
        if (strcmp(step->env[i].key, "GOT") == 0)
            (void)snprintf(bench->env, sizeof(bench->env), "%s", step->env[i].value);
    }
    return arc_step_end(bench->ctl, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

static arc_status set(void *user, const arc_step_view *step, arc_err *err)
{
    struct bench *bench = user;
    CHECK_OK(arc_step_output(bench->ctl, step->token, "out", "replaced", err));
    CHECK_OK(arc_step_output(bench->ctl, step->token, "out", bench->value, err));
    return arc_step_end(bench->ctl, step->token, bench->result, 0, NULL, err);
}

static arc_status hold(void *user, const arc_step_view *step, arc_err *err)
{
    (void)err;
    ((struct bench *)user)->held = step->token;
    return ARC_OK;
}

static void set_up(struct bench *bench)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    const struct {
        const char *uses;
        arc_status (*start)(void *user, const arc_step_view *step, arc_err *err);
    } executors[] = {{"actions/git-checkout", see},
                     {"actions/go-build", see},
                     {"see", see},
                     {"set", set},
                     {"hold", hold}};
    memset(bench, 0, sizeof(*bench));
    bench->result = ARC_STEP_SUCCESS;
    arc_env env = given_env(&bench->given);
    options.env = &env;
    CHECK_OK(arc_ctl_open(&options, &bench->ctl, &err));
    for (size_t i = 0; i < sizeof(executors) / sizeof(executors[0]); i++) {
        arc_executor executor = ARC_EXECUTOR_INIT;
        executor.start = executors[i].start;
        executor.user = bench;
        CHECK_OK(arc_ctl_executor(bench->ctl, executors[i].uses, &executor, &err));
    }
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

static void run(struct bench *bench, arc_spec *spec, char *run_id)
{
    arc_run_options options = ARC_RUN_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    options.ref = "refs/heads/main";
    CHECK_OK(arc_run_start(bench->ctl, spec, &options, run_id, &err));
    (void)arc_spec_unref(spec);
    turn(bench);
}

/* --- the two forms ------------------------------------------------------------------------- */

/* Read without a finding. */
static arc_spec *read_seed(const char *name)
{
    char path[1024], text[4096];
    const char *top = getenv("top_srcdir");
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    (void)snprintf(path, sizeof(path), "%s/tests/golden/spec/valid/%s/input.yaml",
                   top != NULL ? top : ".", name);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL);
    size_t len = file != NULL ? fread(text, 1, sizeof(text), file) : 0;
    if (file != NULL)
        (void)fclose(file);
    CHECK_OK(arc_spec_check(text, len, NULL, &spec, &diags, &err));
    CHECK_INT(arc_diags_get_count(diags), 0);
    arc_diags_free(diags);
    return spec;
}

static void check_plan(const arc_spec *spec, uint32_t steps, const char *holds)
{
    static const char inputs[] = "{\"trigger\": {\"ref\": \"refs/heads/main\"}}";
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    arc_plan *plan = NULL;
    char *text = NULL;
    arc_err err = ARC_ERR_INIT;
    options.inputs_json = inputs;
    options.inputs_len = sizeof(inputs) - 1;
    CHECK_OK(arc_plan_build(spec, &options, &plan, NULL, &err));
    CHECK_INT(arc_plan_get_job_count(plan), 1);
    CHECK_INT(arc_plan_get_step_count(plan), steps);
    CHECK_OK(arc_plan_copy_text(plan, ARC_PLAN_JSON, &text, &err));
    CHECK(text != NULL && strstr(text, holds) != NULL);
    arc_text_free(text);
    (void)arc_plan_unref(plan);
}

/* The objects that ended, in order: "step checkout success; … job build success; run success". */
static void collect_ends(arc_sub *sub, char *out, size_t size)
{
    arc_event_view event = ARC_EVENT_VIEW_INIT;
    arc_err err = ARC_ERR_INIT;
    size_t at = 0;
    out[0] = '\0';
    while (arc_events_next(sub, &event, &err) == ARC_OK) {
        if (strcmp(event.state, "success") != 0 && strcmp(event.state, "failed") != 0)
            continue;
        const char *name = event.step_name[0] != '\0' ? event.step_name : event.job_name;
        at += (size_t)snprintf(out + at, at < size ? size - at : 0, "%s %s; ",
                               name[0] != '\0' ? name : "run", event.state);
    }
}

/* Read, planned and run: what the executors got, and how all of it ended. */
static void check_seed(const char *name, uint32_t steps, const char *said, const char *ends)
{
    struct bench bench;
    char id[ARC_ID_SIZE], seen[1024];
    arc_sub_options options = ARC_SUB_OPTIONS_INIT;
    arc_sub *sub = NULL;
    arc_err err = ARC_ERR_INIT;
    set_up(&bench);
    arc_spec *spec = read_seed(name);
    if (spec != NULL) {
        check_plan(spec, steps, "\"go_version\":\"1.25\"");
        CHECK_OK(arc_sub_open(bench.ctl, &options, &sub, &err));
        run(&bench, spec, id);
        CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
        CHECK_TEXT(arc__slice_cstr(bench.said), said);
        collect_ends(sub, seen, sizeof(seen));
        CHECK_TEXT(arc__slice_cstr(seen), ends);
        arc_sub_close(sub);
    }
    tear_down(&bench);
}

static void the_form_with_stages_runs_as_it_is_written(void)
{
    check_seed("seed-stages", 2,
               "build-go/checkout actions/git-checkout@v1 {\"ref\":\"refs/heads/main\"}\n"
               "build-go/compile actions/go-build@v1 {\"go_version\":\"1.25\"}\n",
               "checkout success; compile success; build-go success; run success; ");
}

static void the_form_without_stages_runs_as_it_is_written(void)
{
    check_seed("seed-jobs", 1, "build/compile actions/go-build@v1 {\"go_version\":\"1.25\"}\n",
               "compile success; build success; run success; ");
}

/* --- outputs ------------------------------------------------------------------------------- */

static void check_arrived(const struct bench *bench, const char *value)
{
    struct test_mem memory = {0};
    struct arc_mem mem = test_mem(&memory);
    struct arc_arena arena;
    const struct arc_node *root = NULL;
    arc_err err = ARC_ERR_INIT;
    char framed[1024];
    (void)snprintf(framed, sizeof(framed), "<%s>", value);
    CHECK_TEXT(arc__slice_cstr(bench->env), framed);
    arc__arena_init(&arena, &mem, 1u << 20);
    CHECK_OK(arc__json_read(arc__slice_cstr(bench->args), NULL, &arena, &root, &err));
    const struct arc_node *got = arc__node_get(root, "got");
    CHECK(got != NULL && got->kind == ARC_NODE_TEXT);
    if (got != NULL)
        CHECK_TEXT(got->text, value);
    arc__arena_deinit(&arena);
}

/* Values that would mean something if anybody looked at them again. */
static const char *const values[] = {
    "plain",
    "",
    "${{ secrets.X }}",
    "${{ steps.first.outputs.out }} ${{ trigger.ref }}",
    "${{ broken",
    "$(reboot) `reboot` $HOME ${HOME}",
    "\"quoted\" 'twice' \\n {\"a\": [1]}",
    "two\nlines\r\n\tand a tab",
    "\xC3\xA9 \xE6\xBC\xA2 \xF0\x9F\x98\x80",
    " blanks around ",
    "---\nkey: value\n...",
};
#define VALUE_COUNT (sizeof(values) / sizeof(values[0]))

static void check_outputs(const char *text, int result, int run_result)
{
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        struct bench bench;
        char id[ARC_ID_SIZE];
        set_up(&bench);
        bench.value = values[i];
        bench.result = result;
        run(&bench, parse(text), id);
        CHECK_INT(arc_run_get_status(bench.ctl, id), run_result);
        check_arrived(&bench, values[i]);
        tear_down(&bench);
    }
}

#define SEE(from) \
    "{name: second, uses: see, args: {got: '${{ " from " }}'}, env: {GOT: '<${{ " from " }}>'}}"

static void an_output_arrives_in_a_later_step_byte_for_byte(void)
{
    check_outputs("namespace: t\njobs:\n  - name: a\n    steps:\n"
                  "      - {name: first, uses: set}\n"
                  "      - " SEE("steps.first.outputs.out") "\n",
                  ARC_STEP_SUCCESS, ARC_RUN_SUCCESS);
}

static void an_output_arrives_in_another_job_byte_for_byte(void)
{
    check_outputs("namespace: t\njobs:\n"
                  "  - name: a\n"
                  "    outputs: {out: '${{ steps.it.outputs.out }}'}\n"
                  "    steps: [{name: first, id: it, uses: set}]\n"
                  "  - name: b\n    dependsOn: [a]\n"
                  "    steps: [" SEE("needs.a.outputs.out") "]\n",
                  ARC_STEP_SUCCESS, ARC_RUN_SUCCESS);
}

static void a_failed_step_leaves_its_outputs_for_finally(void)
{
    check_outputs("namespace: t\njobs:\n  - name: a\n    steps: [{name: first, uses: set}]\n"
                  "    finally: [" SEE("steps.first.outputs.out") "]\n",
                  ARC_STEP_FAILED, ARC_RUN_FAILED);
}

static void a_held_step(struct bench *bench, char *id)
{
    set_up(bench);
    run(bench,
        parse(
            "namespace: t\njobs:\n  - name: a\n    steps:\n"
            "      - {name: first, uses: hold}\n"
            "      - {name: second, uses: see, args: {got: '${{ len(steps.first.outputs) }}'}}\n"),
        id);
}

static void an_output_of_a_wrong_name_or_value_is_refused(void)
{
    static const char *const names[] = {"", "1a", "a b", "a.b", "a=b", "\xC3\xA9", NULL};
    static const char *const wrong[] = {"\xFF", "\xC3", "\xED\xA0\x80", NULL};
    struct bench bench;
    char id[ARC_ID_SIZE], name[66];
    arc_err err = ARC_ERR_INIT;
    a_held_step(&bench, id);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_STATUS(arc_step_output(bench.ctl, bench.held, names[i], "x", &err), ARC_EINVAL);
        CHECK_TEXT(arc__slice_cstr(err.subject), "name");
    }
    memset(name, 'n', sizeof(name) - 1);
    name[65] = '\0';
    CHECK_STATUS(arc_step_output(bench.ctl, bench.held, name, "x", &err), ARC_EINVAL);
    name[64] = '\0';
    CHECK_OK(arc_step_output(bench.ctl, bench.held, name, "x", &err));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_STATUS(arc_step_output(bench.ctl, bench.held, "a", wrong[i], &err), ARC_EINVAL);
        CHECK_TEXT(arc__slice_cstr(err.subject), "value");
    }
    CHECK_OK(arc_step_end(bench.ctl, bench.held, ARC_STEP_SUCCESS, 0, NULL, &err));
    turn(&bench);
    CHECK_TEXT(arc__slice_cstr(bench.args), "{\"got\":1}");
    tear_down(&bench);
}

static void the_outputs_of_a_step_have_a_bound_together(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    char *value = calloc(1, ARC_STEP_OUTPUTS_MAX + 1);
    if (value == NULL)
        return;
    a_held_step(&bench, id);
    memset(value, 'v', ARC_STEP_OUTPUTS_MAX);
    CHECK_STATUS(arc_step_output(bench.ctl, bench.held, "a", value, &err), ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.subject), "a");
    value[ARC_STEP_OUTPUTS_MAX - 1] = '\0';
    CHECK_OK(arc_step_output(bench.ctl, bench.held, "a", value, &err));
    CHECK_STATUS(arc_step_output(bench.ctl, bench.held, "b", "", &err), ARC_ELIMIT);
    /* What is replaced does not count any more. */
    CHECK_OK(arc_step_output(bench.ctl, bench.held, "a", "short", &err));
    CHECK_OK(arc_step_output(bench.ctl, bench.held, "b", "", &err));
    CHECK_OK(arc_step_end(bench.ctl, bench.held, ARC_STEP_SUCCESS, 0, NULL, &err));
    turn(&bench);
    CHECK_INT(arc_run_get_status(bench.ctl, id), ARC_RUN_SUCCESS);
    CHECK_TEXT(arc__slice_cstr(bench.args), "{\"got\":2}");
    tear_down(&bench);
    free(value);
}

static void a_step_that_is_over_takes_no_output(void)
{
    struct bench bench;
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    a_held_step(&bench, id);
    CHECK_OK(arc_step_end(bench.ctl, bench.held, ARC_STEP_SUCCESS, 0, NULL, &err));
    CHECK_STATUS(arc_step_output(bench.ctl, bench.held, "late", "x", &err), ARC_ENOTFOUND);
    CHECK_STATUS(arc_step_output(bench.ctl, bench.held + 1000, "a", "x", &err), ARC_ENOTFOUND);
    turn(&bench);
    CHECK_TEXT(arc__slice_cstr(bench.args), "{\"got\":0}");
    tear_down(&bench);
}

static const struct test tests[] = {
    {"the form with stages runs as it is written", the_form_with_stages_runs_as_it_is_written},
    {"the form without stages runs as it is written",
     the_form_without_stages_runs_as_it_is_written},
    {"an output arrives in a later step byte for byte",
     an_output_arrives_in_a_later_step_byte_for_byte},
    {"an output arrives in another job byte for byte",
     an_output_arrives_in_another_job_byte_for_byte},
    {"a failed step leaves its outputs for finally", a_failed_step_leaves_its_outputs_for_finally},
    {"an output of a wrong name or value is refused",
     an_output_of_a_wrong_name_or_value_is_refused},
    {"the outputs of a step have a bound together", the_outputs_of_a_step_have_a_bound_together},
    {"a step that is over takes no output", a_step_that_is_over_takes_no_output},
};
TEST_MAIN(tests)
