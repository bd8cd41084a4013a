/* SPDX-License-Identifier: Apache-2.0 */
/* What a run makes of expressions and templates that only it can decide: conditions, the texts of
 * granted steps, the outputs of jobs. */
#include "trial.h"

#include "base/text.h"
#include "core/resolve.h"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

#define STEP "steps: [{name: s, run: 'true'}]"

static struct arc_plan_job *job_of(struct arc_plan *plan, uint32_t j)
{
    return (struct arc_plan_job *)(uintptr_t)&plan->jobs[j];
}

static struct arc_plan_step *step_of(struct arc_plan *plan, uint32_t j, uint32_t s)
{
    return (struct arc_plan_step *)(uintptr_t)&plan->jobs[j].steps[s];
}

static struct arc_condition expr_when(const char *text)
{
    return (struct arc_condition){.when = ARC_WHEN_EXPR, .text = arc__slice_cstr(text)};
}

static const struct arc_kv one_output[] = {{{"tag", 3}, {"${{ steps.s.outputs.tag }}", 26}}};

/* a hands an output on to b, whose `when` is `text`. */
static const char *text;
static const char two_jobs[] = "namespace: n\njobs:\n- {name: a, " STEP "}\n"
                               "- {name: b, dependsOn: [a], " STEP "}\n";

static void patch_when(struct arc_plan *plan)
{
    job_of(plan, 0)->outputs = (struct arc_kvs){one_output, 1};
    job_of(plan, 1)->condition = expr_when(text);
}

/* Ends a job of one step, which says `outputs`. */
static void end_with(struct trial *t, const char *job, int status, const char *outputs)
{
    trial_place_all(t, "A");
    CHECK_OK(trial_report(t, job, ARC_STEP_RUNNING, 0));
    struct arc_report report = trial_make_report(t, job, status);
    report.outputs = arc__slice_cstr(outputs);
    CHECK_OK(trial_say(t, &report));
}

static int open_when(struct trial *t, const char *when, const char *outputs)
{
    text = when;
    if (!trial_open_patched(t, two_jobs, patch_when))
        return 0;
    end_with(t, "a", ARC_STEP_SUCCESS, outputs);
    return 1;
}

static void a_condition_that_holds_lets_the_job_run(void)
{
    struct trial t;
    if (!open_when(&t, "needs.a.outputs.tag == 'v1' && needs.a.result == 'success'",
                   "{\"tag\":\"v1\"}"))
        return;
    CHECK_TEXT(trial_job(&t, "a")->outputs, "{\"tag\":\"v1\"}");
    job_is(&t, "b", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void a_condition_that_does_not_skips_it(void)
{
    struct trial t;
    if (!open_when(&t, "needs.a.outputs.tag == 'v1' || len(needs.a.result) > 9",
                   "{\"tag\":\"v2\"}"))
        return;
    job_is(&t, "b", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "b")->reason,
               "`needs.a.outputs.tag == 'v1' || len(needs.a.result) > 9` is false: "
               "needs.a.outputs.tag is 'v2', needs.a.result is 'success'.");
    CHECK_INT(trial_job(&t, "b")->by_failure, 0);
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

/* Each a is followed by characters of two bytes, so that one of them lies across any bound. */
static void a_reason_is_one_line_of_text_whatever_it_shows(void)
{
    struct trial t;
    for (int odd = 0; odd < 2; odd++) {
        char outputs[400];
        snprintf(outputs, sizeof(outputs), "{\"tag\":\"%s\\n\\u001b[31m%s\"}", odd ? "a" : "",
                 "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé");
        if (!open_when(&t, "needs.a.outputs.tag == 'v1'", outputs))
            return;
        arc_slice reason = trial_job(&t, "b")->reason;
        CHECK(arc__utf8_valid(reason, NULL));
        CHECK(memchr(reason.ptr, '\n', reason.len) == NULL);
        CHECK(memchr(reason.ptr, 0x1b, reason.len) == NULL);
        trial_close(&t);
    }
}

static void a_condition_that_cannot_be_decided_fails_the_job(void)
{
    struct trial t;
    if (!open_when(&t, "int(needs.a.outputs.tag) > 3", "{\"tag\":\"v2\"}"))
        return;
    job_is(&t, "b", ARC_JOB_FAILED);
    step_is(&t, "b", 0, ARC_STEP_SKIPPED);
    CHECK(arc__slice_starts(trial_job(&t, "b")->reason,
                            ARC_LIT("`int(needs.a.outputs.tag) > 3` cannot be decided: ")));
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void without_a_status_function_success_is_meant(void)
{
    struct trial t;
    text = "needs.a.outputs.tag != 'v1'";
    if (!trial_open_patched(&t, two_jobs, patch_when))
        return;
    end_with(&t, "a", ARC_STEP_FAILED, "");
    job_is(&t, "b", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "b")->reason, "Job a ended failed.");
    CHECK_INT(trial_job(&t, "b")->by_failure, 1);
    trial_close(&t);
    text = "failure() && needs.a.result == 'failed'";
    if (!trial_open_patched(&t, two_jobs, patch_when))
        return;
    end_with(&t, "a", ARC_STEP_FAILED, "");
    job_is(&t, "b", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void patch_stage(struct arc_plan *plan)
{
    struct arc_plan_stage *stages = (struct arc_plan_stage *)(uintptr_t)plan->stages;
    stages[1].condition = expr_when(text);
}

static void a_stage_is_decided_once_for_all_its_jobs(void)
{
    struct trial t;
    text = "run.number == 2";
    if (!trial_open_patched(&t,
                            "namespace: n\nstages:\n- {name: one, jobs: [{name: a, " STEP "}]}\n"
                            "- {name: two, jobs: [{name: b, " STEP
                            "}, {name: c, when: always(), " STEP "}]}\n",
                            patch_stage))
        return;
    end_with(&t, "a", ARC_STEP_SUCCESS, "");
    job_is(&t, "b", ARC_JOB_SKIPPED);
    job_is(&t, "c", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "c")->reason, "`run.number == 2` is false: run.number is 1.");
    trial_close(&t);
}

static const char two_steps[] = "namespace: n\nvariables: {who: world}\njobs:\n- name: j\n"
                                "  steps: [{name: s, run: 'true'}, {name: t, run: 'true'}]\n";

static void patch_step(struct arc_plan *plan)
{
    step_of(plan, 0, 1)->condition = expr_when(text);
}

static void a_step_is_decided_when_its_turn_comes(void)
{
    struct trial t;
    text = "steps.s.exitCode == 0 && steps.s.outputs.go == 'yes' && agent.labels.zone == 'east'";
    if (!trial_open_patched(&t, two_steps, patch_step))
        return;
    end_with(&t, "j", ARC_STEP_SUCCESS, "{\"go\":\"yes\"}");
    step_is(&t, "j", 1, ARC_STEP_QUEUED);
    trial_close(&t);
    text = "job.status == 'success' && steps.s.outputs.go == 'yes'";
    if (!trial_open_patched(&t, two_steps, patch_step))
        return;
    end_with(&t, "j", ARC_STEP_SUCCESS, "");
    step_is(&t, "j", 1, ARC_STEP_SKIPPED);
    CHECK_TEXT(trial_step(&t, "j", 1)->reason,
               "`job.status == 'success' && steps.s.outputs.go == 'yes'` is false: "
               "job.status is 'success', steps.s.outputs.go is null.");
    trial_close(&t);
}

static void a_step_that_cannot_be_decided_fails(void)
{
    struct trial t;
    text = "int(steps.s.outputs.go) > 1";
    if (!trial_open_patched(&t, two_steps, patch_step))
        return;
    end_with(&t, "j", ARC_STEP_SUCCESS, "{\"go\":\"x\"}");
    step_is(&t, "j", 1, ARC_STEP_FAILED);
    job_is(&t, "j", ARC_JOB_FAILED);
    CHECK(arc__slice_starts(trial_step(&t, "j", 1)->error_message,
                            ARC_LIT("`int(steps.s.outputs.go) > 1` cannot be decided: ")));
    trial_close(&t);
}

static void what_was_decided_while_planning_says_why(void)
{
    struct trial t;
    struct arc_condition never = {.when = ARC_WHEN_NEVER,
                                  .why = ARC_LIT("`variables.deploy == 'yes'` is false")};
    if (!trial_open_patched(&t, two_jobs, NULL))
        return;
    job_of((struct arc_plan *)(uintptr_t)t.run.plan, 1)->condition = never;
    end_with(&t, "a", ARC_STEP_SUCCESS, "");
    CHECK_TEXT(trial_job(&t, "b")->reason, "`variables.deploy == 'yes'` is false.");
    trial_close(&t);
}

/* --- the texts of a step ----------------------------------------------------------------- */

static const char late_args[] = "{\"n\":\"${{ 1 + 2 }}\",\"list\":[\"${{ steps.s.outputs.x }}\","
                                "\"x-${{ env.TAG }}-${{ variables.who }}\"],\"plain\":\"a\"}";
static const struct arc_kv late_env[] = {{{"TAG", 3}, {"t-${{ steps.s.outputs.x }}", 26}}};

static void patch_texts(struct arc_plan *plan)
{
    struct arc_plan_step *step = step_of(plan, 0, 1);
    step->args = arc__slice_cstr(text);
    step->late_env = (struct arc_kvs){late_env, 1};
    step->late = ARC_LATE_ARGS | ARC_LATE_DIRECTORY;
    step->working_directory = ARC_LIT("out/${{ steps.s.outputs.dir }}");
}

static void templates_are_expanded_when_the_step_is_granted(void)
{
    struct trial t;
    struct arc_resolved texts, again;
    text = late_args;
    if (!trial_open_patched(&t, two_steps, patch_texts))
        return;
    end_with(&t, "j", ARC_STEP_SUCCESS, "{\"x\":\"${{ 7 }}\",\"dir\":\"d\"}");
    step_is(&t, "j", 1, ARC_STEP_QUEUED);
    CHECK_OK(arc__step_resolve(&t.run, 0, 1, NULL, &t.arena, &texts, &t.err));
    CHECK_TEXT(texts.args, "{\"list\":[\"${{ 7 }}\",\"x-t-${{ 7 }}-world\"],\"n\":3,"
                           "\"plain\":\"a\"}");
    CHECK_TEXT(arc__kvs_get(&texts.env, ARC_LIT("TAG")), "t-${{ 7 }}");
    CHECK_TEXT(texts.working_directory, "out/d");
    CHECK_OK(trial_report(&t, "j", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(5));
    CHECK_OK(arc__step_resolve(&t.run, 0, 1, NULL, &t.arena, &again, &t.err));
    CHECK(arc__slice_equal(texts.args, again.args));
    CHECK_OK(arc__step_resolve(&t.shadow, 0, 1, NULL, &t.arena, &again, &t.err));
    CHECK(arc__slice_equal(texts.args, again.args)); /* out of the stored events too */
    trial_close(&t);
}

static const char layered[] =
    "namespace: n\nenv: {A: low, B: plain}\njobs:\n"
    "- name: a\n  outputs: {v: '${{ steps.s.outputs.v }}'}\n  " STEP "\n"
    "- name: b\n  dependsOn: [a]\n  when: env.A == 'low-1' && env.B == 'plain'\n"
    "  env: {A: '${{ env.A }}-${{ needs.a.outputs.v }}', C: '${{ needs.a.result }}'}\n"
    "  outputs: {o: '${{ env.A }} ${{ env.B }}'}\n"
    "  steps:\n  - name: s\n    run: 'true'\n    when: env.A == '<low-1>' && env.D == 'plain!'\n"
    "    env: {A: '<${{ env.A }}>', B: top, C: '${{ env.C }}', D: '${{ env.B }}${{ env.E }}!'}\n";

static void a_late_environment_sees_the_layers_below(void)
{
    struct trial t;
    struct arc_resolved texts, again;
    if (!trial_open(&t, layered))
        return;
    end_with(&t, "a", ARC_STEP_SUCCESS, "{\"v\":\"1\"}");
    job_is(&t, "b", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    step_is(&t, "b", 0, ARC_STEP_QUEUED);
    CHECK_OK(arc__step_resolve(&t.run, 1, 0, NULL, &t.arena, &texts, &t.err));
    CHECK_INT(texts.env.count, 4);
    CHECK_TEXT(arc__kvs_get(&texts.env, ARC_LIT("A")), "<low-1>");
    CHECK_TEXT(arc__kvs_get(&texts.env, ARC_LIT("B")), "top");
    CHECK_TEXT(arc__kvs_get(&texts.env, ARC_LIT("C")), "success");
    CHECK_TEXT(arc__kvs_get(&texts.env, ARC_LIT("D")), "plain!");
    CHECK_OK(arc__step_resolve(&t.shadow, 1, 0, NULL, &t.arena, &again, &t.err));
    CHECK_INT(again.env.count, 4); /* out of the stored events too */
    CHECK_TEXT(arc__kvs_get(&again.env, ARC_LIT("A")), "<low-1>");
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_SUCCESS));
    CHECK_TEXT(trial_job(&t, "b")->outputs, "{\"o\":\"low-1 plain\"}");
    trial_close(&t);
}

static const struct arc_kv secret_env[] = {
    {{"T", 1}, {"s3-${{ secrets.T }}${{ steps.s.status }}", 40}}};

static void patch_secret(struct arc_plan *plan)
{
    step_of(plan, 0, 1)->condition = expr_when(text);
    step_of(plan, 0, 1)->late_env = (struct arc_kvs){secret_env, 1};
}

/* The secret itself is not known here; what stands around it shows what would have been said. */
static void what_may_be_a_secret_is_not_shown(void)
{
    static const char *const whens[] = {"int(env.T) > 1", "env.T == 'x' && steps.s.exitCode == 0"};
    for (size_t i = 0; i < ARC_COUNT_OF(whens); i++) {
        struct trial t;
        text = whens[i];
        if (!trial_open_patched(&t, two_steps, patch_secret))
            return;
        end_with(&t, "j", ARC_STEP_SUCCESS, "");
        const struct arc_step_state *step = trial_step(&t, "j", 1);
        arc_slice said = i == 0 ? step->error_message : step->reason;
        CHECK(said.len > 0);
        CHECK(memmem(said.ptr, said.len, "s3-", 3) == NULL);
        trial_close(&t);
    }
}

static void a_step_whose_texts_cannot_be_made_fails(void)
{
    struct trial t;
    text = "{\"n\":\"${{ int(steps.s.outputs.x) }}\"}";
    if (!trial_open_patched(&t, two_steps, patch_texts))
        return;
    end_with(&t, "j", ARC_STEP_SUCCESS, "{\"x\":\"seven\",\"dir\":\"d\"}");
    step_is(&t, "j", 1, ARC_STEP_FAILED);
    CHECK(arc__slice_starts(trial_step(&t, "j", 1)->error_message,
                            ARC_LIT("args of step t cannot be expanded: ")));
    CHECK_INT(trial_step(&t, "j", 1)->started_ns, 0);
    job_is(&t, "j", ARC_JOB_FAILED);
    trial_close(&t);
}

static void no_value_leads_out_of_the_workspace(void)
{
    struct trial t;
    text = "{}";
    if (!trial_open_patched(&t, two_steps, patch_texts))
        return;
    end_with(&t, "j", ARC_STEP_SUCCESS, "{\"x\":\"\",\"dir\":\"../../etc\"}");
    step_is(&t, "j", 1, ARC_STEP_FAILED);
    CHECK_TEXT(trial_step(&t, "j", 1)->error_message,
               "workingDirectory of step t leaves the workspace.");
    trial_close(&t);
}

/* --- the outputs of a job ---------------------------------------------------------------- */

static const struct arc_kv bad_output[] = {{{"n", 1}, {"${{ int(steps.s.outputs.n) }}", 29}}};

static void patch_bad_output(struct arc_plan *plan)
{
    job_of(plan, 0)->outputs = (struct arc_kvs){bad_output, 1};
}

static void outputs_that_cannot_be_made_fail_the_job(void)
{
    struct trial t;
    if (!trial_open_patched(&t, two_jobs, patch_bad_output))
        return;
    end_with(&t, "a", ARC_STEP_SUCCESS, "{\"n\":\"x\"}");
    job_is(&t, "a", ARC_JOB_FAILED);
    CHECK(arc__slice_starts(trial_job(&t, "a")->reason,
                            ARC_LIT("outputs.n of job a cannot be expanded: ")));
    trial_close(&t);
    if (!trial_open_patched(&t, two_jobs, patch_bad_output))
        return;
    end_with(&t, "a", ARC_STEP_FAILED, "{\"n\":\"x\"}"); /* the failure has its own reason */
    CHECK_TEXT(trial_job(&t, "a")->reason, "Step s failed with exit code 0.");
    CHECK_TEXT(trial_job(&t, "a")->outputs, "");
    trial_close(&t);
}

static struct arc_plan_matrix matrix = {{"m", 1}, 0, 2, 0, 0};

static void patch_cells(struct arc_plan *plan)
{
    for (uint32_t j = 0; j < 2; j++) {
        job_of(plan, j)->name = ARC_LIT("m");
        job_of(plan, j)->matrix = 1;
        job_of(plan, j)->cell = j == 0 ? ARC_LIT("{\"os\":\"mac\"}") : ARC_LIT("{\"os\":\"tux\"}");
        job_of(plan, j)->outputs = (struct arc_kvs){one_output, 1};
    }
    step_of(plan, 1, 0)->condition = expr_when("matrix.os == 'tux'");
    plan->matrices = &matrix;
    plan->matrix_count = 1;
    job_of(plan, 2)->condition = expr_when(text);
}

static void of_a_matrix_the_worst_result_and_all_outputs_are_seen(void)
{
    struct trial t;
    text = "always() && needs.m.result == 'failed' && needs.m.outputs['m1'].tag == 'x'";
    if (!trial_open_patched(&t,
                            "namespace: n\njobs:\n- {name: m0, " STEP "}\n- {name: m1, " STEP "}\n"
                            "- {name: after, dependsOn: [m0, m1], " STEP "}\n",
                            patch_cells))
        return;
    end_with(&t, "m0", ARC_STEP_FAILED, "");
    step_is(&t, "m1", 0, ARC_STEP_QUEUED);
    end_with(&t, "m1", ARC_STEP_SUCCESS, "{\"tag\":\"x\"}");
    job_is(&t, "after", ARC_JOB_QUEUED);
    trial_close(&t);
}

/* --- without memory ---------------------------------------------------------------------- */

static arc_status any_id(void *user, arc_id *out, arc_err *err)
{
    (void)err;
    out->text[0] = (char)('a' + (++*(int *)user & 15));
    return ARC_OK;
}

static arc_status any_fence(void *user, uint64_t above, uint64_t *out, arc_err *err)
{
    (void)above;
    (void)err;
    *out = (uint64_t)++ * (int *)user;
    return ARC_OK;
}

static struct arc_plan_gate torture_gate = {.guards = ARC_GATE_JOB, .index = 1, .count = 1};

static void patch_torture(struct arc_plan *plan)
{
    text = late_args;
    job_of(plan, 0)->outputs = (struct arc_kvs){one_output, 1};
    plan->gates = &torture_gate;
    plan->gate_count = 1;
    job_of(plan, 1)->gate = 1;
    job_of(plan, 1)->condition = expr_when("needs.a.outputs.tag == 'v1'");
    step_of(plan, 1, 0)->args = ARC_LIT("{\"x\":\"${{ needs.a.outputs.tag }}\"}");
    step_of(plan, 1, 0)->late = ARC_LATE_ARGS;
    step_of(plan, 1, 0)->late_env = (struct arc_kvs){late_env, 1};
    step_of(plan, 1, 1)->condition = expr_when("steps.s.exitCode == 1 && variables.who == 'me'");
}

static struct trial planned;

/* One decision of a run whose memory may fail; the next one begins with an empty arena. */
struct torture {
    struct arc_run run;
    struct arc_decision d;
    struct arc_rules rules;
    struct arc_arena arena;
    int ids;
};

static void next(struct torture *t)
{
    struct arc_source source = {&t->ids, any_id, any_fence, NULL};
    arc__arena_reset(&t->arena);
    arc__decision_init(&t->d, &t->rules, source, planned.now, &t->arena);
}

static arc_status report(struct torture *t, uint32_t job, int status, const char *outputs)
{
    const struct arc_step_state *step = &t->run.jobs[job].steps[t->run.jobs[job].step];
    const struct arc_report said = {.job = job,
                                    .step = t->run.jobs[job].step,
                                    .status = status,
                                    .attempt = step->attempt,
                                    .fence = step->fence,
                                    .agent_id = step->agent_id,
                                    .outputs = arc__slice_cstr(outputs)};
    next(t);
    return arc__decide_report(&t->d, &t->run, &said, NULL);
}

static arc_status place(struct torture *t, uint32_t job)
{
    const struct arc_place_facts facts = {.id = ARC_LIT("A"), .os = ARC_LIT("linux")};
    next(t);
    return arc__decide_place(&t->d, &t->run, job, &facts, NULL);
}

static arc_status whole_run(struct torture *t)
{
    struct arc_create create = {.pipeline_id = ARC_LIT("P"), .birth = {.plan = planned.run.plan}};
    const struct arc_say yes = {.gate = 1, .approve = 1, .actor = ARC_LIT("ann")};
    create.run_id.text[0] = 'R';
    next(t);
    ARC_TRY(arc__decide_create(&t->d, &t->run, &create, NULL));
    ARC_TRY(place(t, 0));
    ARC_TRY(report(t, 0, ARC_STEP_SUCCESS, "{\"tag\":\"v1\",\"x\":\"1\"}"));
    next(t);
    ARC_TRY(arc__decide_gate(&t->d, &t->run, &yes, NULL));
    ARC_TRY(place(t, 1));
    return report(t, 1, ARC_STEP_SUCCESS, "");
}

/* Missing memory is never taken for a template or a condition that is wrong. */
static int life_of_a_run(struct test_mem *state)
{
    struct torture t = {.rules = planned.rules};
    struct arc_mem mem = test_mem(state);
    arc__run_init(&t.run, &mem);
    arc__arena_init(&t.arena, &mem, 64u * 1024 * 1024);
    arc_status status = whole_run(&t);
    int done = status == ARC_OK && t.run.status == ARC_RUN_SUCCESS &&
               t.run.jobs[1].steps[1].status == ARC_STEP_SKIPPED;
    CHECK(status == ARC_ENOMEM || done);
    arc__arena_deinit(&t.arena);
    arc__run_deinit(&t.run);
    return done;
}

static void missing_memory_is_not_a_wrong_expression(void)
{
    if (!trial_open_patched(&planned,
                            "namespace: n\nvariables: {who: you}\njobs:\n- {name: a, " STEP "}\n"
                            "- name: b\n  dependsOn: [a]\n"
                            "  steps: [{name: s, run: 'true'}, {name: t, run: 'true'}]\n",
                            patch_torture))
        return;
    test_torture(life_of_a_run, 0, 2000);
    test_torture(life_of_a_run, 1, 2000);
    trial_close(&planned);
}

static const struct test tests[] = {
    {"a when that holds lets the job run", a_condition_that_holds_lets_the_job_run},
    {"a when that does not hold skips, and says which values it saw",
     a_condition_that_does_not_skips_it},
    {"a reason is one line of text whatever it shows",
     a_reason_is_one_line_of_text_whatever_it_shows},
    {"a when that cannot be decided fails the job",
     a_condition_that_cannot_be_decided_fails_the_job},
    {"a when without a status function means success() as well",
     without_a_status_function_success_is_meant},
    {"the when of a stage decides for all its jobs", a_stage_is_decided_once_for_all_its_jobs},
    {"the when of a step sees the steps before it", a_step_is_decided_when_its_turn_comes},
    {"a step whose when cannot be decided fails", a_step_that_cannot_be_decided_fails},
    {"what the plan decided says why", what_was_decided_while_planning_says_why},
    {"templates are expanded once, the same each time asked",
     templates_are_expanded_when_the_step_is_granted},
    {"an environment that is made late sees the layers below",
     a_late_environment_sees_the_layers_below},
    {"what may be a secret is not shown", what_may_be_a_secret_is_not_shown},
    {"a step whose templates cannot be expanded fails", a_step_whose_texts_cannot_be_made_fails},
    {"no value leads a step out of the workspace", no_value_leads_out_of_the_workspace},
    {"outputs that cannot be expanded fail the job", outputs_that_cannot_be_made_fail_the_job},
    {"of a matrix needs shows the worst result and all outputs",
     of_a_matrix_the_worst_result_and_all_outputs_are_seen},
    {"missing memory is not taken for a wrong expression",
     missing_memory_is_not_a_wrong_expression},
};
TEST_MAIN(tests)
