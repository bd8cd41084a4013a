/* SPDX-License-Identifier: Apache-2.0 */
/* Templates and conditions while planning: what is put in, what is left for the run, and what is
 * said where a value does not fit. */
#include <stdio.h>

#include "help.h"
#include "spec/diag.h"
#include "spec/plan_private.h"

/* The one step of a definition whose job has `job` and whose step has `step` (both end in ", "). */
static const struct arc_plan_step *step_of(struct subject *s, const char *job, const char *step)
{
    const struct arc_kv items[] = {{ARC_LIT("deploy"), ARC_LIT("no")}};
    const struct arc_plan_inputs inputs = {.variables = {items, 1},
                                           .trigger_type = ARC_LIT("manual"),
                                           .branch = ARC_LIT("main"),
                                           .sha = ARC_LIT("abc"),
                                           .payload = ARC_LIT("{\"n\":5,\"tags\":[\"x\"]}")};
    char text[4096];
    snprintf(
        text, sizeof(text),
        "namespace: demo\nname: Demo\nvariables: {deploy: 'yes', word: ''}\nenv: {BASE: /opt}\n"
        "jobs:\n- {name: before, outputs: {x: a, image: b}, steps: [{name: s, run: x}]}\n"
        "- {name: job, dependsOn: [before], %ssteps: [{name: first, run: x}, {name: s, %suses: "
        "p}]}\n",
        job, step);
    s->plan = NULL;
    if (!CHECK_OK(subject_read(s, arc__arena_copy(&s->arena, arc__slice_cstr(text))))) {
        CHECK_TEXT(subject_print(s, 0), "");
        return NULL;
    }
    (void)subject_plan(s, &inputs);
    return s->status == ARC_OK ? &s->plan->jobs[1].steps[1] : NULL;
}

static void check_args(const char *args, const char *want, uint32_t late)
{
    struct subject s;
    char step[1024];
    subject_init(&s);
    snprintf(step, sizeof(step), "args: %s, ", args);
    const struct arc_plan_step *made = step_of(&s, "matrix: {v: [3]}, ", step);
    CHECK(made != NULL);
    if (made != NULL) {
        CHECK_TEXT(made->args, want);
        CHECK_INT(made->late, late);
        CHECK((s.plan->context.len > 0) == (late != 0));
    } else {
        CHECK_TEXT(subject_print(&s, 0), "");
    }
    subject_deinit(&s);
}

static void a_whole_template_keeps_its_type(void)
{
    check_args("{a: '${{ matrix.v }}', b: 'v${{ matrix.v }}'}", "{\"a\":3,\"b\":\"v3\"}", 0);
    check_args("{a: '${{ trigger.payload.tags }}', b: '${{ trigger.payload.none }}'}",
               "{\"a\":[\"x\"],\"b\":null}", 0);
    check_args("{a: '${{ trigger.payload.n + 1 }}', b: ['${{ 1 == 1 }}']}",
               "{\"a\":6,\"b\":[true]}", 0);
    check_args("{a: '${{ env.BASE }}/bin', b: '${{ git.branch }} ${{ git.commit }}'}",
               "{\"a\":\"/opt/bin\",\"b\":\"main abc\"}", 0);
}

static void what_the_run_will_tell_leaves_all_args_as_written(void)
{
    check_args("{a: '${{ variables.deploy }}', b: '${{ steps.first.outputs.x }}'}",
               "{\"a\":\"${{ variables.deploy }}\",\"b\":\"${{ steps.first.outputs.x }}\"}",
               ARC_LATE_ARGS);
    check_args("{a: 'run ${{ run.id }}'}", "{\"a\":\"run ${{ run.id }}\"}", ARC_LATE_ARGS);
    /* What does not depend on it is known. */
    check_args("{a: '${{ false && run.attempt > 1 }}'}", "{\"a\":false}", 0);
}

static void env_entries_are_late_one_by_one(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_plan_step *step =
        step_of(&s, "env: {A: '${{ needs.before.outputs.x }}', B: '${{ env.BASE }}/b', C: c}, ",
                "env: {A: near, C: '${{ env.B }}-${{ run.id }}', D: '${{ env.B }}'}, ");
    if (step != NULL) {
        CHECK_INT(step->env.count, 4);
        CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("A")), "near");
        CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("B")), "/opt/b");
        CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("D")), "/opt/b");
        CHECK_INT(step->late_env.count, 1);
        CHECK_TEXT(arc__kvs_get(&step->late_env, ARC_LIT("C")), "${{ env.B }}-${{ run.id }}");
        const struct arc_plan_step *other = step - 1;
        CHECK_TEXT(arc__kvs_get(&other->env, ARC_LIT("C")), "c");
        CHECK(arc__kvs_get(&other->env, ARC_LIT("A")).ptr == NULL);
        CHECK_TEXT(arc__kvs_get(&other->late_env, ARC_LIT("A")), "${{ needs.before.outputs.x }}");
    }
    CHECK(step != NULL);
    subject_deinit(&s);
}

static void images_and_directories_can_be_late(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_plan_step *step =
        step_of(&s, "runtime: {image: 'app:${{ git.commit }}'}, ",
                "workingDirectory: '${{ steps.first.outputs.dir }}', ");
    if (step != NULL) {
        CHECK_INT(step->late, ARC_LATE_DIRECTORY);
        CHECK_TEXT(step->image, "app:abc");
        CHECK_TEXT(step->working_directory, "${{ steps.first.outputs.dir }}");
        CHECK_TEXT(s.plan->jobs[1].runtime, "{\"image\":\"app:abc\"}");
    }
    CHECK(step != NULL);
    step = step_of(&s, "runtime: {image: '${{ needs.before.outputs.image }}'}, ", "");
    CHECK(step != NULL && step->late == ARC_LATE_IMAGE && s.plan->jobs[1].late == ARC_LATE_RUNTIME);
    subject_deinit(&s);
}

/* --- conditions --------------------------------------------------------------------------- */

static void check_when(const char *when, enum arc_when want, const char *why)
{
    struct subject s;
    char job[1024];
    subject_init(&s);
    snprintf(job, sizeof(job), "when: \"%s\", matrix: {v: [3]}, ", when);
    if (step_of(&s, job, "") != NULL) {
        const struct arc_condition *condition = &s.plan->jobs[1].condition;
        CHECK_INT(condition->when, want);
        CHECK_TEXT(condition->why, why);
        CHECK(want != ARC_WHEN_EXPR || arc__slice_is(condition->text, when));
    } else {
        CHECK_TEXT(subject_print(&s, 0), "");
    }
    subject_deinit(&s);
}

static void a_condition_of_known_values_is_decided_and_says_why(void)
{
    check_when("variables.deploy == 'yes'", ARC_WHEN_NEVER,
               "`variables.deploy == 'yes'` is false: variables.deploy is 'no'");
    check_when("variables.deploy == 'no' && matrix.v > 2", ARC_WHEN_SUCCESS,
               "`variables.deploy == 'no' && matrix.v > 2` is true: variables.deploy is 'no', "
               "matrix.v is 3");
    check_when("trigger.branch matches '^release/'", ARC_WHEN_NEVER,
               "`trigger.branch matches '^release/'` is false: trigger.branch is 'main'");
    check_when("'x' in trigger.payload.tags", ARC_WHEN_SUCCESS,
               "`'x' in trigger.payload.tags` is true: trigger.payload.tags is [\"x\"]");
}

static void status_functions_that_remain_become_words(void)
{
    check_when("always() && variables.deploy == 'no'", ARC_WHEN_ALWAYS,
               "`always() && variables.deploy == 'no'` is true: variables.deploy is 'no'");
    check_when("failure() && variables.deploy == 'no'", ARC_WHEN_FAILURE,
               "`failure() && variables.deploy == 'no'` is `failure()`: variables.deploy is 'no'");
    check_when("failure() && variables.deploy == 'yes'", ARC_WHEN_NEVER,
               "`failure() && variables.deploy == 'yes'` is false: variables.deploy is 'no'");
    check_when("success() || variables.deploy == 'yes'", ARC_WHEN_SUCCESS,
               "`success() || variables.deploy == 'yes'` is `success()`: variables.deploy is 'no'");
    check_when("always()", ARC_WHEN_ALWAYS, "");
    check_when("failure()", ARC_WHEN_FAILURE, "");
    check_when("!success()", ARC_WHEN_EXPR, "");
    check_when("success() || failure()", ARC_WHEN_EXPR, "");
}

static void a_condition_of_the_run_stays_an_expression(void)
{
    check_when("needs.before.result == 'success'", ARC_WHEN_EXPR, "");
    check_when("variables.deploy == 'no' && run.attempt > 1", ARC_WHEN_EXPR, "");
    check_when("variables.deploy == 'yes' && run.attempt > 1", ARC_WHEN_NEVER,
               "`variables.deploy == 'yes' && run.attempt > 1` is false: variables.deploy is 'no'");
}

static void a_value_that_does_not_fit_is_a_finding(void)
{
    struct subject s;
    subject_init(&s);
    CHECK(step_of(&s, "", "args: {n: [{k: '${{ int(variables.deploy) }}'}]}, ") == NULL);
    const struct arc_diag *diag = subject_find(&s, ARC_DIAG_EVALUATION);
    CHECK(diag != NULL);
    if (diag != NULL)
        CHECK_TEXT(diag->path, "jobs[1].steps[1].args.n[0].k");
    CHECK(step_of(&s, "when: int(variables.deploy) > 1, ", "") == NULL);
    diag = subject_find(&s, ARC_DIAG_EVALUATION);
    CHECK(diag != NULL);
    if (diag != NULL)
        CHECK_TEXT(diag->path, "jobs[1].when");
    CHECK(step_of(&s, "concurrency: '${{ variables.word }}', ", "") == NULL);
    diag = subject_find(&s, ARC_DIAG_EMPTY_GROUP);
    CHECK(diag != NULL && arc__slice_is(diag->path, "jobs[1].concurrency"));
    subject_deinit(&s);
}

static void the_name_of_a_group_has_a_bound(void)
{
    struct subject s;
    char text[600];
    for (int len = 512; len <= 513; len++) {
        subject_init(&s);
        (void)snprintf(text, sizeof(text), "concurrency: '%0*d', ", len, 7);
        CHECK_INT(step_of(&s, text, "") != NULL, len <= 512);
        CHECK_INT(subject_find(&s, ARC_DIAG_GROUP_LONG) != NULL, len > 512);
        subject_deinit(&s);
    }
}

/* A step of the machine is a unit: 1, matrix.n and their sum; comparing with 2 is one more. */
static void check_units(const char *where, const char *place, uint32_t units, int fits)
{
    const struct arc_plan_inputs inputs = {0};
    const struct arc_spec_limits limits = {.expression_units = units};
    struct subject s;
    char text[512];
    subject_init(&s);
    snprintf(text, sizeof(text),
             "namespace: demo\njobs:\n- {name: j, matrix: {n: [1]}, steps: [{name: s, uses: p, "
             "%s}]}\n",
             where);
    CHECK_OK(subject_read_limited(&s, arc__slice_cstr(text), &limits));
    arc_status status = subject_plan(&s, &inputs);
    const struct arc_diag *diag = subject_find(&s, ARC_DIAG_EVALUATION);
    if (fits) {
        CHECK_OK(status);
        CHECK(diag == NULL);
    } else {
        CHECK(diag != NULL);
        if (diag != NULL) {
            CHECK_TEXT(diag->path, place);
            CHECK_TEXT(diag->message, "The expression cannot be worked out: evaluating it takes "
                                      "more work than is allowed.");
        }
    }
    subject_deinit(&s);
}

static void an_expression_may_do_the_work_of_its_limit(void)
{
    const char *args = "args: {a: '${{ 1 + matrix.n }}'}", *when = "when: 1 + matrix.n == 2";
    const char *a = "jobs[0].steps[0].args.a", *w = "jobs[0].steps[0].when";
    check_units(args, a, 3, 1);
    check_units(args, a, 2, 0);
    check_units(when, w, 4, 1);
    check_units(when, w, 3, 0);
}

static void a_payload_that_is_no_json_is_refused(void)
{
    struct subject s;
    const struct arc_plan_inputs inputs = {.payload = ARC_LIT("{\"a\":")};
    subject_init(&s);
    CHECK_OK(subject_read(&s, ARC_LIT("namespace: demo\njobs: [{name: a, steps: [{name: b, run: "
                                      "c}]}]\n")));
    CHECK_STATUS(subject_plan(&s, &inputs), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(s.err.subject), "payload");
    subject_deinit(&s);
}

static void a_text_without_memory_names_no_env(void)
{
    struct arc_kv items[] = {{ARC_LIT("a"), ARC_NONE}, {ARC_LIT("b"), ARC_LIT("${{ env.X }}")}};
    CHECK(!arc__plan_names_env(&(struct arc_kvs){items, 1}));
    CHECK(arc__plan_names_env(&(struct arc_kvs){items, 2}));
}

static const struct test tests[] = {
    {"a whole template keeps its type in args", a_whole_template_keeps_its_type},
    {"what the run will tell leaves all args as written",
     what_the_run_will_tell_leaves_all_args_as_written},
    {"entries of env are late one by one", env_entries_are_late_one_by_one},
    {"images and directories can be late", images_and_directories_can_be_late},
    {"a condition of known values is decided and says why",
     a_condition_of_known_values_is_decided_and_says_why},
    {"status functions that remain become words", status_functions_that_remain_become_words},
    {"a condition of the run stays an expression", a_condition_of_the_run_stays_an_expression},
    {"a value that does not fit is a finding at its place", a_value_that_does_not_fit_is_a_finding},
    {"the name of a group has a bound", the_name_of_a_group_has_a_bound},
    {"an expression may do the work of its limit", an_expression_may_do_the_work_of_its_limit},
    {"a payload that is no JSON is refused", a_payload_that_is_no_json_is_refused},
    {"a text without memory names no env", a_text_without_memory_names_no_env},
};
TEST_MAIN(tests)
