/* SPDX-License-Identifier: Apache-2.0 */
#include "face.h"

#include <arcentra/plan.h>

#define TWO \
    "namespace: a.b\nvariables: {dir: src}\njobs:\n" \
    "  - name: one\n    matrix: {os: [linux, mac]}\n" \
    "    agentSelector: {matchLabels: {kind: big}}\n" \
    "    steps: [{name: s, run: ls, workingDirectory: '${{ dir }}'}]\n" \
    "  - {name: two, dependsOn: [one], runOnAgent: false, steps: [{name: s, run: ls}]}\n"

static arc_plan *plan_with(const arc_spec *spec, const char *inputs, const char *agents)
{
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    arc_plan *plan = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    options.inputs_json = inputs;
    options.inputs_len = inputs != NULL ? strlen(inputs) : 0;
    options.agents_json = agents;
    options.agents_len = agents != NULL ? strlen(agents) : 0;
    CHECK_OK(arc_plan_build(spec, &options, &plan, &diags, &err));
    CHECK(diags == NULL);
    return plan;
}

static int text_holds(const arc_plan *plan, uint32_t form, const char *what)
{
    char *text = NULL;
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(arc_plan_copy_text(plan, form, &text, &err));
    int held = text != NULL && strstr(text, what) != NULL;
    if (!held)
        printf("# %s\n", text != NULL ? text : "(no text)");
    arc_text_free(text);
    return held;
}

static void a_plan_says_what_a_run_would_hold(void)
{
    arc_spec *spec = parse(TWO);
    arc_plan *plan = plan_with(spec, NULL, NULL);
    (void)arc_spec_unref(spec); /* it borrows nothing */
    if (plan == NULL)
        return;
    CHECK_INT(arc_plan_get_job_count(plan), 3);
    CHECK_INT(arc_plan_get_step_count(plan), 3);
    CHECK_INT(strlen(arc_plan_get_hash(plan)), 64);
    CHECK(text_holds(plan, ARC_PLAN_TREE, "job one[os=linux]"));
    CHECK(text_holds(plan, ARC_PLAN_JSON, "\"key\":\"one[os=mac]\""));
    CHECK(text_holds(plan, ARC_PLAN_DOT, "job_0 -> job_2;"));
    CHECK(text_holds(plan, ARC_PLAN_MERMAID, "job_1 --> job_2"));
    CHECK(!strstr(arc_plan_get_hash(plan), "/"));
    (void)arc_plan_unref(plan);
}

static void a_plan_lives_as_long_as_its_last_holder(void)
{
    arc_spec *spec = parse(TWO);
    arc_plan *plan = plan_with(spec, NULL, NULL);
    if (plan != NULL) {
        arc_plan *second = arc_plan_ref(plan);
        CHECK(arc_plan_unref(plan) == NULL);
        CHECK_INT(arc_plan_get_job_count(second), 3);
        CHECK(arc_plan_unref(second) == NULL);
    }
    CHECK(arc_plan_unref(NULL) == NULL);
    (void)arc_spec_unref(spec);
}

static void agents_are_asked_who_could_take_a_job(void)
{
    arc_spec *spec = parse(TWO);
    arc_plan *plan = plan_with(
        spec, "{}",
        "[{\"id\":\"a1\",\"name\":\"box\",\"labels\":{\"kind\":\"big\"}},{\"id\":\"a2\"}]");
    CHECK(plan != NULL && text_holds(plan, ARC_PLAN_TREE, "agents: box\n"));
    CHECK(plan != NULL && text_holds(plan, ARC_PLAN_TREE, "runs in the host, on no agent"));
    CHECK(plan != NULL && text_holds(plan, ARC_PLAN_JSON, "\"agents\":[\"a1\"]"));
    (void)arc_plan_unref(plan);
    plan = plan_with(spec, NULL, "[{\"id\":\"a2\",\"labels\":{\"kind\":\"small\"}}]");
    CHECK(plan != NULL &&
          text_holds(plan, ARC_PLAN_TREE, "no agent: no agent has the label kind=big"));
    (void)arc_plan_unref(plan);
    plan = plan_with(spec, NULL, "[]");
    CHECK(plan != NULL && text_holds(plan, ARC_PLAN_TREE, "no agent: there are no agents"));
    (void)arc_plan_unref(plan);
    (void)arc_spec_unref(spec);
}

static void check_refused(const arc_spec *spec, const char *inputs, const char *agents,
                          const char *message)
{
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    arc_plan *plan = NULL;
    arc_err err = ARC_ERR_INIT;
    options.inputs_json = inputs;
    options.inputs_len = strlen(inputs);
    options.agents_json = agents;
    options.agents_len = agents != NULL ? strlen(agents) : 0;
    CHECK_STATUS(arc_plan_build(spec, &options, &plan, NULL, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.message), message);
    CHECK(plan == NULL);
}

static void inputs_and_agents_are_read_strictly(void)
{
    arc_spec *spec = parse(TWO);
    check_refused(spec, "{\"varables\":{}}", NULL,
                  "inputs has no `varables`; did you mean `variables`?");
    check_refused(spec, "{\"trigger\":{\"brunch\":\"x\"}}", NULL,
                  "trigger has no `brunch`; did you mean `branch`?");
    check_refused(spec, "{\"git\":{\"zzzzzzz\":1}}", NULL,
                  "git has no `zzzzzzz`; it takes `commit` and the like.");
    check_refused(spec, "{\"trigger\":{\"ref\":[]}}", NULL, "`ref` of trigger must be text.");
    check_refused(spec, "{\"variables\":{\"a\":null}}", NULL,
                  "`variables` of inputs must be an object of texts.");
    check_refused(spec, "[]", NULL, "inputs must be an object.");
    check_refused(spec, "{}", "{}", "agents must be a list of objects.");
    check_refused(spec, "{}", "[{\"name\":\"x\"}]", "Agent 1 has no `id`.");
    check_refused(spec, "{}", "[{\"id\":\"x\",\"label\":{}}]",
                  "an agent has no `label`; did you mean `labels`?");
    (void)arc_spec_unref(spec);
}

static void what_only_the_inputs_show_is_a_finding(void)
{
    static const char inputs[] = "{\"variables\":{\"dir\":\"../..\"}}";
    arc_spec *spec = parse(TWO);
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    arc_plan *plan = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    options.inputs_json = inputs;
    options.inputs_len = strlen(inputs);
    CHECK_STATUS(arc_plan_build(spec, &options, &plan, &diags, &err), ARC_EINVAL);
    CHECK(plan == NULL && arc_diags_get_count(diags) == 1);
    if (arc_diags_get(diags, 0, &view) == ARC_OK) {
        CHECK_TEXT(arc__slice_cstr(view.code), "ARC0210");
        CHECK_TEXT(arc__slice_cstr(view.path), "jobs[0].steps[0].workingDirectory");
        CHECK_INT(view.line, 7);
    }
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
}

static void arguments_of_a_plan_are_checked(void)
{
    arc_spec *spec = parse(TWO);
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    arc_plan *plan = NULL;
    arc_err err = ARC_ERR_INIT;
    char *text = NULL;
    options.flags = 1;
    CHECK_STATUS(arc_plan_build(spec, &options, &plan, NULL, &err), ARC_EINVAL);
    CHECK_STATUS(arc_plan_build(NULL, NULL, &plan, NULL, &err), ARC_EINVAL);
    CHECK_OK(arc_plan_build(spec, NULL, &plan, NULL, &err));
    CHECK_STATUS(arc_plan_copy_text(plan, 0, &text, &err), ARC_EINVAL);
    CHECK_STATUS(arc_plan_copy_text(plan, 5, &text, &err), ARC_EINVAL);
    CHECK(text == NULL);
    (void)arc_plan_unref(plan);
    (void)arc_spec_unref(spec);
}

static const struct test tests[] = {
    {"a plan says what a run would hold", a_plan_says_what_a_run_would_hold},
    {"a plan lives as long as its last holder", a_plan_lives_as_long_as_its_last_holder},
    {"agents are asked who could take each job", agents_are_asked_who_could_take_a_job},
    {"inputs and agents are read strictly, with hints", inputs_and_agents_are_read_strictly},
    {"what only the inputs show is a finding at its place", what_only_the_inputs_show_is_a_finding},
    {"arguments of a plan are checked", arguments_of_a_plan_are_checked},
};
TEST_MAIN(tests)
