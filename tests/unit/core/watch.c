/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ARC_PRINTF(2, 3) static void wrong(struct watch *watch, const char *format, ...)
{
    va_list list;
    if (watch->wrong[0] != '\0')
        return;
    va_start(list, format);
    (void)vsnprintf(watch->wrong, sizeof(watch->wrong), format, list);
    va_end(list);
}

void watch_init(struct watch *watch, struct watch_step *steps)
{
    *watch = (struct watch){.steps = steps};
    memset(steps, 0, sizeof(*steps) * WATCH_STEPS_MAX);
}

/* The graphs, drawn by hand: a row for each state, a letter for each that may follow.
 * Steps and jobs: p q r and the ends s(uccess) f c t k(skipped). */
static const char step_letters[] = "-pqrsfctk";
static const char *const step_graph[] = {"p", "qkc", "rfctp", "sfctp", "", "", "", "", ""};
static const char *const job_graph[] = {"p", "qkc", "rsfctp", "sfctp", "", "", "", "", ""};
/* Runs: p r and the ends s f c, paused z, partial h. */
static const char run_letters[] = "-prsfczh";
static const char *const run_graph[] = {"p", "rsfch", "sfch", "", "", "", "rpsfch", ""};

static int may(const char *const *graph, const char *letters, int from, int to, int paused)
{
    return strchr(graph[from], letters[to]) != NULL || (paused && letters[to] == 'z');
}

static struct watch_step *step_of(struct watch *watch, arc_slice id)
{
    for (uint32_t i = watch->step_count; i-- > 0;) {
        if (arc__slice_is(id, watch->steps[i].id))
            return &watch->steps[i];
    }
    if (watch->step_count == WATCH_STEPS_MAX)
        return NULL;
    struct watch_step *step = &watch->steps[watch->step_count++];
    (void)arc__slice_to_cstr(id, step->id, sizeof(step->id));
    step->state = ARC_STEP_PENDING;
    return step;
}

static int step_over(int state)
{
    return state >= ARC_STEP_SUCCESS && state <= ARC_STEP_SKIPPED;
}

static int may_start(const struct watch *watch, const struct arc_event *event)
{
    if (event->job >= WATCH_JOBS_MAX)
        return 1;
    const struct arc_plan_step *step = &watch->plan->jobs[event->job].steps[event->step];
    int stopping = watch->stopping || watch->stopping_jobs[event->job] > 0;
    if (stopping)
        return step->finally && watch->started[event->job];
    return watch->run_state != ARC_RUN_PAUSED;
}

static void step_event(struct watch *watch, const struct arc_event *event)
{
    struct watch_step *step = step_of(watch, event->step_run_id);
    if (step == NULL)
        return;
    if (event->type == ARC_EVENT_ARTIFACT_CREATED) {
        if (event->state != step->state || step->state != ARC_STEP_RUNNING)
            wrong(watch, "%s kept a file in %d", step->id, step->state);
        return;
    }
    if (step->state != event->previous)
        wrong(watch, "%s was in %d, the event says %d", step->id, step->state, event->previous);
    if (event->type == ARC_EVENT_STEP_UPDATED) {
        if (event->state != step->state || step->state != ARC_STEP_PENDING)
            wrong(watch, "%s was changed in %d", step->id, step->state);
        return;
    }
    if (event->type == ARC_EVENT_STEP_STOPPING) {
        if (event->state != step->state || step_over(step->state))
            wrong(watch, "%s was to be stopped in %d", step->id, step->state);
        return;
    }
    if (!may(step_graph, step_letters, step->state, event->state, 0))
        wrong(watch, "%s went from %d to %d", step->id, step->state, event->state);
    if (step_over(step->state))
        wrong(watch, "%s had ended", step->id);
    if (event->type == ARC_EVENT_STEP_QUEUED) {
        if (event->fence <= watch->fence)
            wrong(watch, "fence %llu after %llu", (unsigned long long)event->fence,
                  (unsigned long long)watch->fence);
        watch->fence = event->fence;
        if (event->attempt != step->attempt + 1)
            wrong(watch, "%s: attempt %d after %d", step->id, event->attempt, step->attempt);
        step->attempt = event->attempt;
        if (event->job < WATCH_JOBS_MAX && !watch->admitted[event->job] &&
            watch->plan->jobs[event->job].group.group.len > 0)
            wrong(watch, "%s was granted without a slot of its group", step->id);
        if (!may_start(watch, event))
            wrong(watch, "%s was granted in a run that is paused or being stopped", step->id);
    }
    if (event->type == ARC_EVENT_STEP_STARTED) {
        if (event->job < WATCH_JOBS_MAX)
            watch->started[event->job] = 1;
        if (step->started_attempt >= step->attempt)
            wrong(watch, "%s started twice under attempt %d", step->id, step->attempt);
        step->started_attempt = step->attempt;
    }
    step->state = event->state;
    if (step_over(event->state)) {
        step->ended_ns = event->time_ns;
        step->exit_code = event->exit_code;
        step->ended_attempt = step->attempt;
    }
}

static void job_event(struct watch *watch, const struct arc_event *event)
{
    if (event->job >= WATCH_JOBS_MAX)
        return;
    int *state = &watch->job_states[event->job];
    if (*state == 0)
        *state = ARC_JOB_PENDING;
    if (event->type == ARC_EVENT_JOB_STOPPING) {
        if (*state != event->state || (watch->stopping_jobs[event->job]++ > 0 && !event->force))
            wrong(watch, "job %d was stopped twice or not there", event->job);
        return;
    }
    if (event->type == ARC_EVENT_JOB_ADMITTED) {
        if (*state != ARC_JOB_QUEUED || event->state != *state || watch->admitted[event->job]++ > 0)
            wrong(watch, "job %d was admitted twice or not there", event->job);
        return;
    }
    if (*state != event->previous || !may(job_graph, step_letters, *state, event->state, 0))
        wrong(watch, "job %d went from %d (%d) to %d", event->job, *state, event->previous,
              event->state);
    if (event->type == ARC_EVENT_JOB_QUEUED &&
        (watch->stopping || watch->run_state == ARC_RUN_PAUSED))
        wrong(watch, "job %d was queued in a run that is paused or being stopped", event->job);
    if (event->type == ARC_EVENT_JOB_RETRYING)
        watch->started[event->job] = 0;
    *state = event->state;
}

static void run_event(struct watch *watch, const struct arc_event *event)
{
    int live = watch->run_state == ARC_RUN_PENDING || watch->run_state == ARC_RUN_RUNNING;
    int same =
        event->state == watch->run_state &&
        ((event->type >= ARC_EVENT_APPROVAL_REQUESTED &&
          event->type <= ARC_EVENT_APPROVAL_EXPIRED) ||
         event->type == ARC_EVENT_PIPELINE_STOPPING || event->type == ARC_EVENT_PIPELINE_ADMITTED ||
         (event->type == ARC_EVENT_PIPELINE_STARTED && event->state == ARC_RUN_PAUSED));
    if (!same && !may(run_graph, run_letters, watch->run_state, event->state, live))
        wrong(watch, "the run went from %d to %d", watch->run_state, event->state);
    if (event->type == ARC_EVENT_PIPELINE_STOPPING)
        watch->stopping = 1;
    watch->run_state = event->state;
}

/* The jobs that a rerun keeps begin at their end, their steps were skipped. */
static void watch_birth(struct watch *watch, const struct arc_event *event)
{
    const struct arc_birth *birth = event->birth;
    uint32_t at = 0;
    watch->plan = birth->plan;
    for (uint32_t j = 0; j < birth->plan->job_count && birth->kept != NULL; j++) {
        uint32_t count = birth->plan->jobs[j].step_count;
        if (j < WATCH_JOBS_MAX)
            watch->job_states[j] = birth->kept[j].status;
        for (uint32_t s = 0; s < count && birth->kept[j].status != 0; s++) {
            struct watch_step *step = step_of(watch, arc__id_slice(&birth->step_ids[at + s]));
            if (step == NULL)
                return;
            step->state = ARC_STEP_SKIPPED;
            step->ended_ns = event->time_ns;
        }
        at += count;
    }
}

void watch_event(struct watch *watch, const struct arc_event *event)
{
    if (event->seq != watch->seq + 1)
        wrong(watch, "seq %lld after %lld", (long long)event->seq, (long long)watch->seq);
    watch->seq = event->seq;
    if (event->birth != NULL)
        watch_birth(watch, event);
    if (watch->run_state >= ARC_RUN_SUCCESS && watch->run_state != ARC_RUN_PAUSED)
        wrong(watch, "%s in a run that was over", arc__event_type_name(event->type));
    if (event->step >= 0)
        step_event(watch, event);
    else if (event->job >= 0)
        job_event(watch, event);
    else
        run_event(watch, event);
}

static void watch_steps(struct watch *watch, const struct arc_job_state *job, uint32_t count)
{
    uint32_t granted = 0;
    for (uint32_t s = 0; s < count; s++) {
        const struct arc_step_state *have = &job->steps[s];
        const struct watch_step *step = step_of(watch, arc__slice_cstr(have->id.text));
        if (step == NULL)
            return;
        if (have->status != step->state || have->attempt != step->attempt)
            wrong(watch, "%s is in %d at attempt %d, not in %d at %d", step->id, have->status,
                  have->attempt, step->state, step->attempt);
        if (step_over(step->state) &&
            (have->exit_code != step->exit_code || have->ended_ns != step->ended_ns))
            wrong(watch, "%s: what its end was has changed", step->id);
        granted += have->status == ARC_STEP_QUEUED || have->status == ARC_STEP_RUNNING;
        if (step_over(job->status) && !step_over(have->status))
            wrong(watch, "%s is open and its job is over", step->id);
    }
    if (granted > 1)
        wrong(watch, "job %s has %u steps in hand", job->id.text, granted);
    if (granted > 0 && job->agent_id.len == 0)
        wrong(watch, "job %s is in nobody's hand", job->id.text);
}

void watch_run(struct watch *watch, const struct arc_run *run)
{
    uint32_t open = 0, running = 0, failed = 0;
    if (run->status != watch->run_state)
        wrong(watch, "the run is in %d, not %d", run->status, watch->run_state);
    for (uint32_t j = 0; j < run->plan->job_count && j < WATCH_JOBS_MAX; j++) {
        const struct arc_job_state *job = &run->jobs[j];
        int known = watch->job_states[j] != 0 ? watch->job_states[j] : ARC_JOB_PENDING;
        if (job->status != known)
            wrong(watch, "job %u is in %d, not in %d", j, job->status, known);
        open += job->status < ARC_JOB_SUCCESS;
        running += job->status == ARC_JOB_RUNNING;
        failed += job->status == ARC_JOB_FAILED || job->status == ARC_JOB_TIMEOUT;
        watch_steps(watch, job, run->plan->jobs[j].step_count);
    }
    if (open != run->jobs_open || running != run->jobs_running || failed != run->jobs_failed)
        wrong(watch, "counters %u %u %u, the jobs say %u %u %u", run->jobs_open, run->jobs_running,
              run->jobs_failed, open, running, failed);
}
