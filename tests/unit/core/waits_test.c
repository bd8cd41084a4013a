/* SPDX-License-Identifier: Apache-2.0 */
/* Why something does not run: each kind of reason that the core gives, with what it is about. */
#include "core/waits.h"

#include "trial.h"
#include <stdio.h>
#include <stdlib.h>

#define STEP "steps: [{name: s, run: 'true'}]"

/* Everything that is said about a job (step -1), a step, or the run (job NULL), one line each. */
static arc_slice told(struct trial *t, const char *job, int step)
{
    struct arc_waits waits;
    arc_slice out = ARC_NONE;
    arc__waits_init(&waits, &t->arena, 100, 3);
    if (job == NULL)
        arc__wait_run(&t->run, t->now, &waits);
    else if (step < 0)
        arc__wait_job(&t->run, trial_index(t, job), t->now, &waits);
    else
        arc__wait_step(&t->run, trial_index(t, job), (uint32_t)step, t->now, &waits);
    for (size_t i = 0; i < waits.count; i++)
        out = arc__arena_printf(&t->arena, "%.*s%s%s: %.*s", ARC_ARG(out), i > 0 ? "\n" : "",
                                arc_reason_name(waits.items[i].kind),
                                ARC_ARG(waits.items[i].sentence));
    return out;
}

/* The first reason about a job, or the run. */
static struct arc_wait first(struct trial *t, const char *job)
{
    struct arc_waits waits;
    arc__waits_init(&waits, &t->arena, 100, 3);
    if (job == NULL)
        arc__wait_run(&t->run, t->now, &waits);
    else
        arc__wait_job(&t->run, trial_index(t, job), t->now, &waits);
    return waits.count > 0 ? waits.items[0] : (struct arc_wait){0};
}

#define told_is(t, job, step, want) CHECK_TEXT(told(t, job, step), want)

static void a_job_waits_for_each_that_has_not_ended(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, " STEP "}\n"
                        "- {name: c, dependsOn: [a, b], " STEP "}\n"))
        return;
    told_is(&t, "c", -1, "dependency: It waits for job a.\ndependency: It waits for job b.");
    CHECK_TEXT(first(&t, "c").id, t.run.jobs[0].id.text);
    CHECK_TEXT(first(&t, "c").name, "a");
    CHECK_INT(first(&t, "c").since_ns, t.run.created_ns);
    trial_why_is(&t, "c", "It waits for job a and 1 more.");
    told_is(&t, "c", 0, "job: Its job does not run yet.");
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    told_is(&t, "c", -1, "dependency: It waits for job b.");
    trial_close(&t);
}

static void many_of_a_kind_are_counted_by_the_last(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, " STEP "}\n"
                        "- {name: c, " STEP "}\n- {name: d, " STEP "}\n- {name: e, " STEP "}\n"
                        "- {name: z, dependsOn: [a, b, c, d, e], " STEP "}\n"))
        return;
    told_is(&t, "z", -1,
            "dependency: It waits for job a.\ndependency: It waits for job b.\n"
            "dependency: It waits for job c and 2 more.");
    trial_close(&t);
}

static void a_list_keeps_no_more_than_it_may(void)
{
    struct trial t;
    struct arc_waits waits;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, " STEP "}\n"))
        return;
    arc__waits_init(&waits, &t.arena, 1, 3);
    arc__wait_job(&t.run, 0, t.now, &waits);
    arc__wait_job(&t.run, 1, t.now, &waits);
    CHECK_INT(waits.count, 1);
    CHECK_INT(waits.left_out, 1);
    CHECK_INT(waits.items[0].job, 0);
    trial_close(&t);
}

static void a_later_stage_is_waited_for(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\nstages:\n- {name: one, jobs: [{name: a, " STEP "}]}\n"
                        "- {name: two, jobs: [{name: b, " STEP "}]}\n"))
        return;
    told_is(&t, "b", -1, "stage: It waits for stage one.");
    trial_close(&t);
}

static struct arc_plan_gate gate;

static void gated(struct arc_plan *plan)
{
    plan->gates = &gate;
    plan->gate_count = 1;
    ((struct arc_plan_job *)(uintptr_t)plan->jobs)[1].gate = 1;
}

static void a_gate_says_who_has_answered_and_until_when(void)
{
    struct trial t;
    gate = (struct arc_plan_gate){
        .guards = ARC_GATE_JOB, .index = 1, .count = 2, .timeout_ns = SECONDS(60)};
    if (!trial_open_patched(
            &t, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, " STEP "}\n", gated))
        return;
    CHECK_OK(trial_approve(&t, 1, "ann"));
    told_is(&t, "b", -1, "gate: It waits for approval before job b (1 of 2 given).");
    told_is(&t, NULL, -1,
            "gate: It waits for approval before job b (1 of 2 given).\n"
            "idle: None of its 2 open jobs runs.");
    struct arc_wait wait = first(&t, "b");
    CHECK_TEXT(wait.id, "job:b");
    CHECK_INT(wait.since_ns, t.now.wall_ns);
    CHECK_INT(wait.until_ns, t.now.wall_ns + SECONDS(60));
    trial_close(&t);
}

static void a_pause_holds_what_could_go_on(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, " STEP "}\n"
                        "- {name: b, dependsOn: [a], " STEP "}\n"))
        return;
    CHECK_OK(trial_pause(&t));
    int64_t since = t.now.wall_ns;
    trial_pass(&t, SECONDS(5));
    told_is(&t, "a", -1, "paused: The run is paused.");
    told_is(&t, "b", -1, "dependency: It waits for job a.\npaused: The run is paused.");
    told_is(&t, NULL, -1, "paused: The run is paused.");
    CHECK_INT(first(&t, "a").since_ns, since);
    trial_close(&t);
}

static void a_full_matrix_says_its_bound(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: m\n  matrix: {x: [1, 2], "
                        "maxParallel: 1}\n  " STEP "\n"))
        return;
    told_is(&t, "m[x=2]", -1, "matrix: It waits for another cell: `maxParallel` is 1.");
    CHECK_TEXT(first(&t, "m[x=2]").name, "m");
    CHECK_INT(first(&t, "m[x=2]").count, 1);
    trial_close(&t);
}

static void a_retry_says_until_when_it_is_delayed(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: a\n  retry: {maxAttempts: 2, delay: 30s}\n"
                        "  " STEP "\n"))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    told_is(&t, "a", -1, "retry: It waits for its retry's delay.");
    CHECK_INT(first(&t, "a").until_ns, t.now.wall_ns + SECONDS(30));
    trial_close(&t);
}

static void a_queued_job_waits_for_a_place_and_then_for_its_agent(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: a\n  queueTimeout: 60s\n  steps: [{name: x, "
                        "run: 'true'}, {name: y, run: 'true'}]\n"))
        return;
    told_is(&t, "a", -1, "place: It waits for an agent with a free slot.");
    CHECK_INT(first(&t, "a").until_ns, t.now.wall_ns + SECONDS(60));
    told_is(&t, NULL, -1, "idle: None of its 1 open jobs runs.");
    CHECK_OK(trial_place(&t, "a", "A"));
    told_is(&t, "a", -1, "handed: Agent A has been given it and has not started it.");
    told_is(&t, "a", 0, "handed: Agent A has been given it and has not started it.");
    told_is(&t, "a", 1, "step: It waits for step x.");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    told_is(&t, "a", -1, "");
    told_is(&t, "a", 0, "");
    told_is(&t, NULL, -1, "");
    trial_close(&t);
}

static void what_is_stopped_says_so_and_what_has_ended_how(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, " STEP "}\n"
                        "- {name: c, dependsOn: [b], " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_FAILED));
    told_is(&t, "c", -1, "ended: It has ended: skipped. Job b ended failed.");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    told_is(&t, "a", -1, "stopping: It is being stopped: Cancelled by ann.");
    CHECK_OK(trial_stop(&t, 0));
    CHECK_INT(first(&t, NULL).kind, ARC_REASON_STOPPING);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 0));
    CHECK_INT(first(&t, NULL).kind, ARC_REASON_ENDED);
    CHECK_TEXT(first(&t, NULL).name, "cancelled");
    CHECK_INT(first(&t, NULL).since_ns, t.run.ended_ns);
    trial_close(&t);
}

static void every_kind_has_a_word_of_its_own(void)
{
    for (int a = 1; a < ARC_REASON_COUNT; a++) {
        CHECK(arc_reason_name(a)[0] != '\0');
        for (int b = 1; b < a; b++)
            CHECK(strcmp(arc_reason_name(a), arc_reason_name(b)) != 0);
    }
    CHECK_TEXT(arc__slice_cstr(arc_reason_name(0)), "");
    CHECK_TEXT(arc__slice_cstr(arc_reason_name(ARC_REASON_COUNT)), "");
    CHECK_TEXT(arc__slice_cstr(arc_assumption_text(3)), "");
    CHECK_TEXT(arc__slice_cstr(arc_assumption_text(ARC_ASSUME_RESUMED)), "The run is resumed now.");
}

/* 1: the page has this line's beginning. */
static void slots_are_waited_for(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\nconcurrency: deploy\n"
                        "jobs:\n- {name: a, concurrency: lab, " STEP "}\n"))
        return;
    told_is(&t, NULL, -1,
            "group: It waits for a slot of the group deploy.\nidle: None of its 1 open jobs runs.");
    told_is(&t, "a", -1, "run: Its run waits for a slot of the group deploy.");
    CHECK_OK(trial_admit(&t, NULL));
    told_is(&t, NULL, -1, "idle: None of its 1 open jobs runs.");
    told_is(&t, "a", -1, "group: It waits for a slot of the group lab.");
    CHECK_INT(first(&t, "a").since_ns, t.run.jobs[0].queued_ns);
    CHECK_OK(trial_pause(&t));
    told_is(&t, "a", -1, "paused: The run is paused.");
    CHECK_OK(trial_resume(&t));
    CHECK_OK(trial_admit(&t, "a"));
    told_is(&t, "a", -1, "place: It waits for an agent with a free slot.");
    trial_close(&t);
}

/* As the engine completes it. */
static void a_slot_is_told_with_its_holders_and_the_line(void)
{
    struct trial t;
    struct arc_waits waits;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, concurrency: lab, " STEP "}\n"))
        return;
    arc__waits_init(&waits, &t.arena, 10, 3);
    arc__wait_job(&t.run, 0, t.now, &waits);
    if (CHECK_INT(waits.count, 1)) {
        struct arc_wait *wait = waits.items;
        wait->of = 2;
        arc__waits_retell(&waits, wait);
        CHECK_TEXT(wait->sentence, "It waits for a slot of the group lab (limit 2); it is next.");
        wait->text = ARC_LIT("job b of run R");
        wait->count = 1;
        arc__waits_retell(&waits, wait);
        CHECK_TEXT(wait->sentence, "It waits for a slot of the group lab (limit 2), "
                                   "held by job b of run R; 1 is before it.");
        wait->count = 7;
        arc__waits_retell(&waits, wait);
        CHECK_TEXT(wait->sentence, "It waits for a slot of the group lab (limit 2), "
                                   "held by job b of run R; 7 are before it.");
    }
    trial_close(&t);
}

static int page_has(const char *page, const char *word, const char *text)
{
    char line[400];
    (void)snprintf(line, sizeof(line), "\n| `%s` | %s |", word, text);
    return strstr(page, line) != NULL;
}

static void the_page_names_every_reason_and_assumption(void)
{
    static char page[65536];
    char path[512];
    const char *top = getenv("top_srcdir");
    (void)snprintf(path, sizeof(path), "%s/docs/EXPLAIN.md", top != NULL ? top : ".");
    FILE *file = fopen(path, "rb");
    if (!CHECK_INT(file != NULL, 1))
        return;
    size_t len = fread(page, 1, sizeof(page) - 1, file);
    page[len] = '\0';
    (void)fclose(file);
#define PAGE_HAS(name, number, word, sentence) CHECK(page_has(page, word, sentence));
    ARC_REASONS(PAGE_HAS)
    ARC_ASSUMPTIONS(PAGE_HAS)
#undef PAGE_HAS
}

static const struct test tests[] = {
    {"a job waits for each job that has not ended", a_job_waits_for_each_that_has_not_ended},
    {"many reasons of a kind are counted by the last", many_of_a_kind_are_counted_by_the_last},
    {"a list of reasons keeps no more than it may", a_list_keeps_no_more_than_it_may},
    {"a job of a later stage waits for the stage", a_later_stage_is_waited_for},
    {"a gate says who has answered and until when", a_gate_says_who_has_answered_and_until_when},
    {"a pause is why, since it began", a_pause_holds_what_could_go_on},
    {"a full matrix says its bound", a_full_matrix_says_its_bound},
    {"a delayed retry says until when", a_retry_says_until_when_it_is_delayed},
    {"a queued job waits for a place, then for its agent",
     a_queued_job_waits_for_a_place_and_then_for_its_agent},
    {"what is stopped says so, what has ended says how",
     what_is_stopped_says_so_and_what_has_ended_how},
    {"a run and a job wait for slots of their groups", slots_are_waited_for},
    {"a slot is told with its holders and the line", a_slot_is_told_with_its_holders_and_the_line},
    {"every kind of reason has a word of its own", every_kind_has_a_word_of_its_own},
    {"the page names every reason and every assumption",
     the_page_names_every_reason_and_assumption},
};

int main(int argc, char **argv)
{
    return test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
