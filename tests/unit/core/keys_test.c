/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the language that are gone once a run is planned: what they have become there. */
#include "trial.h"

#include <stdio.h>

#define STEP "steps: [{name: s, run: 'true'}]"

static arc_slice env_of(const struct trial *t, const char *job, uint32_t s, const char *name)
{
    const struct arc_plan_job *plan = &t->run.plan->jobs[trial_index(t, job)];
    return arc__kvs_get(&plan->steps[s].env, arc__slice_cstr(name));
}

static void what_is_nearer_wins(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\nenv: {A: pipe, B: pipe, C: pipe, D: pipe}\nstages:\n"
                        "- name: one\n  env: {B: stage, C: stage, D: stage}\n  jobs:\n"
                        "  - name: j\n    env: {C: job, D: job}\n"
                        "    steps: [{name: s, run: x, env: {D: step}}, {name: t, run: x}]\n"
                        "- {name: two, jobs: [{name: k, " STEP "}]}\n"))
        return;
    CHECK_TEXT(env_of(&t, "j", 0, "A"), "pipe");
    CHECK_TEXT(env_of(&t, "j", 0, "B"), "stage");
    CHECK_TEXT(env_of(&t, "j", 0, "C"), "job");
    CHECK_TEXT(env_of(&t, "j", 0, "D"), "step");
    CHECK_TEXT(env_of(&t, "j", 1, "D"), "job"); /* a step's is its own */
    CHECK_TEXT(env_of(&t, "k", 0, "B"), "pipe");
    trial_close(&t);
}

static void a_text_is_a_group_of_one(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, concurrency: deploy, " STEP "}\n"))
        return;
    CHECK_TEXT(t.run.plan->jobs[0].group.group, "deploy");
    CHECK_INT(t.run.plan->jobs[0].group.limit, 1);
    CHECK_INT(t.run.plan->jobs[0].group.on_full, ARC_FULL_WAIT);
    CHECK_STATUS(trial_place(&t, "a", "A"), ARC_ECONFLICT);
    CHECK_OK(trial_admit(&t, "a"));
    CHECK_OK(trial_place(&t, "a", "A"));
    trial_close(&t);
}

static void one_gate_stands_before_all_cells(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: m\n  matrix: {os: [a, b]}\n"
                        "  approval: {timeout: 1h}\n  " STEP "\n"))
        return;
    CHECK_INT(t.run.plan->gate_count, 1);
    trial_job_is(&t, "m[os=a]", ARC_JOB_PENDING);
    trial_job_is(&t, "m[os=b]", ARC_JOB_PENDING);
    CHECK_OK(trial_approve(&t, 1, "ann"));
    trial_job_is(&t, "m[os=a]", ARC_JOB_QUEUED);
    trial_job_is(&t, "m[os=b]", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void steps_are_read_by_their_id(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: j\n  steps:\n"
                        "  - {name: first, id: one, run: x}\n  - {name: second, run: x}\n"
                        "  - name: third\n    run: x\n"
                        "    when: steps.one.status == 'success' && steps.second.status == "
                        "'success'\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    trial_step_is(&t, "j", 2, ARC_STEP_QUEUED);
    trial_close(&t);
}

static void run_is_short_for_the_shell(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: j\n  steps:\n  - {name: a, run: make}\n"
                        "  - {name: b, uses: acme/tool@v2, action: push, args: {n: 1}}\n"))
        return;
    const struct arc_plan_step *steps = t.run.plan->jobs[0].steps;
    CHECK_TEXT(steps[0].uses, "shell");
    CHECK_TEXT(steps[0].args, "{\"run\":\"make\"}");
    CHECK_TEXT(steps[1].uses, "acme/tool@v2");
    CHECK_TEXT(steps[1].action, "push");
    CHECK_TEXT(steps[1].args, "{\"n\":1}");
    trial_close(&t);
}

static void steps_narrow_where_their_job_goes(void)
{
    static const struct arc_kv linux_only[] = {{{"os", 2}, {"linux", 5}}};
    static const struct arc_kv both[] = {{{"gpu", 3}, {"yes", 3}}, {{"os", 2}, {"linux", 5}}};
    static const struct arc_kvs less = {linux_only, 1}, more = {both, 2};
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: j\n"
                        "  agentSelector: {matchLabels: {os: linux}}\n  steps:\n"
                        "  - {name: a, run: x}\n"
                        "  - name: b\n    run: x\n    runOnAgent: true\n    agentSelector:\n"
                        "      matchExpressions: [{key: gpu, operator: Exists}]\n"
                        "- {name: k, " STEP "}\n- {name: l, runOnAgent: false, " STEP "}\n"))
        return;
    CHECK_INT(arc__selector_match(&t.run.plan->jobs[0].selector, &less), 0);
    CHECK_INT(arc__selector_match(&t.run.plan->jobs[0].selector, &more), 1);
    CHECK_INT(t.run.plan->jobs[0].place, 1); /* an agent, for the sake of one step */
    CHECK_INT(t.run.plan->jobs[1].place, 0);
    CHECK_INT(t.run.plan->jobs[2].place, 2);
    trial_close(&t);
}

/* 1: an agent with this one label may take job j. */
static int goes_to(const struct trial *t, const char *key, const char *value)
{
    const struct arc_kv label = {arc__slice_cstr(key), arc__slice_cstr(value)};
    const struct arc_kvs labels = {&label, 1};
    return arc__selector_match(&t->run.plan->jobs[0].selector, &labels);
}

static void an_image_is_asked_of_the_agent(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: j\n  steps:\n"
                        "  - {name: a, run: x, image: 'debian:12'}\n"
                        "  - {name: b, run: x, image: 'debian:12'}\n  - {name: c, run: x}\n"))
        return;
    CHECK_INT(goes_to(&t, "arcentra.image", "any"), 1);
    CHECK_INT(goes_to(&t, "arcentra.image", "debian:12"), 1);
    CHECK_INT(goes_to(&t, "arcentra.image", "alpine"), 0);
    CHECK_INT(goes_to(&t, "image", "any"), 0);
    CHECK_INT(t.run.plan->jobs[0].place, 1);               /* not in the host */
    CHECK_INT(t.run.plan->jobs[0].selector.expr_count, 1); /* the same is asked for once */
    trial_close(&t);
    if (!trial_open(&t, "namespace: n\nruntime: {image: alpine}\njobs:\n- name: j\n  steps:\n"
                        "  - {name: a, run: x}\n"
                        "  - {name: b, run: x, image: 'x:${{ run.number }}'}\n"))
        return;
    CHECK_INT(goes_to(&t, "arcentra.image", "any"), 1);
    CHECK_INT(goes_to(&t, "arcentra.image", "alpine"), 0); /* one of them is not known yet */
    CHECK_TEXT(t.run.plan->jobs[0].steps[0].image, "alpine");
    trial_close(&t);
}

static void a_runtime_is_asked_of_the_agent(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\nruntime: {type: docker}\njobs:\n- {name: j, " STEP "}\n"))
        return;
    CHECK_INT(goes_to(&t, "arcentra.runtime.docker", ""), 1);
    CHECK_INT(goes_to(&t, "arcentra.runtime.podman", "x"), 0);
    CHECK_TEXT(t.run.plan->jobs[0].runtime, "{\"type\":\"docker\"}");
    trial_close(&t);
    if (!trial_open(&t, "namespace: n\njobs:\n- name: j\n  " STEP "\n"
                        "  runtime: {resources: {memoryLimit: 1Gi}}\n"))
        return;
    CHECK_INT(goes_to(&t, "arcentra.runtime", "yes"), 1);
    CHECK_INT(goes_to(&t, "arcentra.runtime.docker", "yes"), 0);
    trial_close(&t);
    if (!trial_open(&t, "namespace: n\nruntime: {type: docker, image: alpine}\njobs:\n"
                        "- {name: j, runOnAgent: false, " STEP "}\n"))
        return;
    CHECK_INT(t.run.plan->jobs[0].place, 2); /* its executor is given it */
    CHECK_INT(t.run.plan->jobs[0].selector.expr_count, 0);
    trial_close(&t);
}

static void target_and_runtime_are_handed_on(void)
{
    struct trial t;
    struct arc_resolved texts;
    arc_err err = ARC_ERR_INIT;
    if (!trial_open(&t, "namespace: n\ntarget: {type: vm}\njobs:\n- name: j\n  " STEP "\n"
                        "  target: {type: k8s, config: {namespace: demo}}\n"
                        "  runtime: {type: docker, image: 'x:${{ run.number }}'}\n"
                        "- {name: k, " STEP "}\n"))
        return;
    CHECK_OK(arc__step_resolve(&t.run, 0, 0, NULL, &t.arena, &texts, &err));
    CHECK_TEXT(texts.target, "{\"type\":\"k8s\",\"config\":{\"namespace\":\"demo\"}}");
    CHECK_TEXT(texts.runtime, "{\"image\":\"x:1\",\"type\":\"docker\"}");
    CHECK_TEXT(texts.image, "x:1");
    CHECK_OK(arc__step_resolve(&t.run, 1, 0, NULL, &t.arena, &texts, &err));
    CHECK_TEXT(texts.target, "{\"type\":\"vm\"}");
    CHECK_TEXT(texts.runtime, "");
    trial_close(&t);
}

static const struct test tests[] = {
    {"an image is asked of the agent", an_image_is_asked_of_the_agent},
    {"a runtime is asked of the agent", a_runtime_is_asked_of_the_agent},
    {"target and runtime are handed to each step", target_and_runtime_are_handed_on},
    {"what is nearer wins in the environment", what_is_nearer_wins},
    {"a text is a concurrency group of one", a_text_is_a_group_of_one},
    {"one gate stands before all cells of a matrix", one_gate_stands_before_all_cells},
    {"steps are read by their id, or their name", steps_are_read_by_their_id},
    {"`run` is short for the shell", run_is_short_for_the_shell},
    {"steps narrow where their job goes", steps_narrow_where_their_job_goes},
};
TEST_MAIN(tests)
