/* SPDX-License-Identifier: Apache-2.0 */
/* Lives over the public functions, with each allocation failing in turn: once, or from then on.
 * What was refused is asked again, as a host would. After one failure everything must have come to
 * its end as if nothing had happened; after the last nothing may be held, and nothing may hang.
 * What one life has shown, another begins with, without failures. */
#include "face.h"

#include <stdio.h>

#define TRIES 3
#define TURNS_MAX 400
#define TURNS_WITHOUT_MEMORY_MAX 20
#define PASS_MS_MOST 5000

static const char definition[] =
    "namespace: t\n"
    "notify: {onSuccess: {plugin: mail, action: send, params: {to: ops}}}\n"
    "jobs:\n"
    "- name: build\n"
    "  outputs: {kind: '${{ steps.make.outputs.kind }}'}\n"
    "  matrix: {os: [a, b], maxParallel: 1}\n"
    "  steps: [{name: make, uses: do, env: {OS: '${{ matrix.os }}'}}]\n"
    "- name: ship\n"
    "  dependsOn: [build]\n"
    "  when: success()\n"
    "  approval: {required: true}\n"
    "  steps: [{name: go, uses: do}]\n"
    "  finally: [{name: clean, uses: do}]\n";

static const char held[] = "namespace: t\njobs:\n- {name: a, steps: [{name: s, uses: hold}]}\n";

struct life {
    struct given given;
    arc_env env;
    arc_ctl *ctl;
    arc_sub *sub;
    arc_spec *spec, *spec_held;
    char run[ARC_ID_SIZE], stopped[ARC_ID_SIZE];
    uint64_t holds; /* the token of the step that is held */
    uint64_t seq;   /* of the last event of run */
    int broken, notices;
};

/* --- the host -------------------------------------------------------------------------------- */

static arc_status end_step(struct life *life, uint64_t token, int result)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_ENOMEM;
    for (int i = 0; i < TRIES && status == ARC_ENOMEM; i++)
        status = arc_step_end(life->ctl, token, result, 0, NULL, &err);
    return status;
}

static arc_status do_step(void *user, const arc_step_view *step, arc_err *err)
{
    struct life *life = user;
    arc_status status = ARC_ENOMEM;
    for (int i = 0; i < TRIES && status == ARC_ENOMEM; i++)
        status = arc_step_log(life->ctl, step->token, ARC_STREAM_STDOUT, "one\ntwo\n", 8, err);
    status = ARC_ENOMEM; /* a line less is no reason to fail */
    for (int i = 0; i < TRIES && status == ARC_ENOMEM; i++)
        status = arc_step_output(life->ctl, step->token, "kind", "full", err);
    return status == ARC_OK ? end_step(life, step->token, ARC_STEP_SUCCESS) : status;
}

static arc_status hold_step(void *user, const arc_step_view *step, arc_err *err)
{
    (void)err;
    ((struct life *)user)->holds = step->token;
    return ARC_OK;
}

static void cancel_step(void *user, uint64_t token, uint32_t grace_ms)
{
    (void)grace_ms;
    (void)end_step(user, token, ARC_STEP_CANCELLED);
}

/* --- a turn ---------------------------------------------------------------------------------- */

static void take_events(struct life *life)
{
    arc_err err = ARC_ERR_INIT;
    arc_event_view event = ARC_EVENT_VIEW_INIT;
    while (life->sub != NULL && arc_events_next(life->sub, &event, &err) == ARC_OK) {
        life->broken |= event.seq != life->seq + 1;
        life->seq = event.seq;
    }
}

static void take_notices(struct life *life)
{
    arc_err err = ARC_ERR_INIT;
    arc_notice_view notice = ARC_NOTICE_VIEW_INIT;
    char id[128];
    while (arc_notice_next(life->ctl, &notice, &err) == ARC_OK) {
        (void)snprintf(id, sizeof(id), "%s", notice.id);
        for (int i = 0; i < TRIES; i++) {
            if (arc_notice_done(life->ctl, id, &err) == ARC_OK) {
                life->notices++;
                break;
            }
        }
    }
}

static void turn(struct life *life)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc_ctl_dispatch(life->ctl, 0, &err);
    life->broken |= status != ARC_OK && status != ARC_ENOMEM && status != ARC_EUNAVAILABLE;
    take_events(life);
    take_notices(life);
    int wait_ms = arc_ctl_timeout_ms(life->ctl);
    if (wait_ms > 0) /* in small steps: a gate that waits must not expire meanwhile */
        pass_ms(&life->given, wait_ms < PASS_MS_MOST ? (uint64_t)wait_ms : PASS_MS_MOST);
}

/* Turns until it is so, asking before each. 0: it never came to that. */
static int until(struct life *life, int (*so)(struct life *life))
{
    int most = life->given.mem.sticky ? TURNS_WITHOUT_MEMORY_MAX : TURNS_MAX;
    for (int i = 0; i < most; i++) {
        if (so(life))
            return 1;
        turn(life);
    }
    return so(life);
}

/* --- what it wants --------------------------------------------------------------------------- */

static int has_ctl(struct life *life)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_executor works = ARC_EXECUTOR_INIT, holds = ARC_EXECUTOR_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_ENOMEM;
    life->env = given_env(&life->given);
    options.env = &life->env;
    works.user = holds.user = life;
    works.start = do_step;
    holds.start = hold_step;
    works.cancel = holds.cancel = cancel_step;
    for (int i = 0; i < TRIES && status != ARC_OK; i++)
        status = arc_ctl_open(&options, &life->ctl, &err);
    if (status != ARC_OK)
        return 0;
    status = ARC_ENOMEM;
    for (int i = 0; i < TRIES && status != ARC_OK; i++)
        status = arc_ctl_executor(life->ctl, "do", &works, &err);
    arc_status second = ARC_ENOMEM;
    for (int i = 0; i < TRIES && second != ARC_OK; i++)
        second = arc_ctl_executor(life->ctl, "hold", &holds, &err);
    return status == ARC_OK && second == ARC_OK;
}

/* A run that was asked for is there after the next turn, or is asked for again. */
static int is_there(struct life *life, arc_spec *spec, char *id)
{
    arc_err err = ARC_ERR_INIT;
    if (id[0] != '\0' && arc_run_get_status(life->ctl, id) != 0)
        return 1;
    if (arc_run_start(life->ctl, spec, NULL, id, &err) != ARC_OK)
        id[0] = '\0';
    return 0;
}

static int run_is_there(struct life *life)
{
    return is_there(life, life->spec, life->run);
}

static int held_is_there(struct life *life)
{
    return is_there(life, life->spec_held, life->stopped) && life->holds != 0;
}

/* What is refused is asked again at the next look. */
static int run_is_over(struct life *life)
{
    arc_status said = ARC_OK;
    arc_err err = ARC_ERR_INIT;
    arc_gate_options options = ARC_GATE_OPTIONS_INIT;
    int status = arc_run_get_status(life->ctl, life->run);
    options.actor = "ann";
    if (status == ARC_RUN_RUNNING)
        said = arc_run_decide_gate(life->ctl, life->run, "job:ship", &options, &err);
    life->broken |= said == ARC_EINVAL || said == ARC_EINTERNAL;
    return arc_run_state_is_terminal(status) && life->notices > 0;
}

static int held_is_over(struct life *life)
{
    arc_status said = ARC_OK;
    arc_err err = ARC_ERR_INIT;
    int status = arc_run_get_status(life->ctl, life->stopped);
    if (!arc_run_state_is_terminal(status))
        said = arc_run_stop(life->ctl, life->stopped, "enough", 0, &err);
    life->broken |= said == ARC_EINVAL || said == ARC_EINTERNAL;
    return arc_run_state_is_terminal(status);
}

/* One call of a method, asked again when it was refused. */
static int answers(struct life *life, const char *method, const char *field)
{
    for (int i = 0; i < TRIES; i++) {
        arc_call *call = NULL;
        const char *bytes = "";
        size_t len = 0;
        char request[96];
        arc_err err = ARC_ERR_INIT;
        (void)snprintf(request, sizeof(request), "{\"%s\":\"%s\"}", field, life->run);
        arc_status status = arc_call_open(life->ctl, method, NULL, &call, &err);
        if (status == ARC_OK)
            status = arc_call_send(call, request, strlen(request), &err);
        if (status == ARC_OK)
            status = arc_call_half_close(call, &err);
        for (int k = 0; k < TURNS_MAX && (status == ARC_OK || status == ARC_EAGAIN); k++) {
            status = arc_call_next(call, &bytes, &len, &err);
            if (status != ARC_EAGAIN)
                break;
            turn(life);
        }
        int good = status == ARC_OK && strstr(bytes, "\"success\":true") != NULL;
        arc_call_close(call);
        if (good)
            return 1;
    }
    return 0;
}

static int has_sub(struct life *life)
{
    arc_sub_options options = ARC_SUB_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    options.run_id = life->run;
    for (int i = 0; i < TRIES && life->sub == NULL; i++) {
        if (arc_sub_open(life->ctl, &options, &life->sub, &err) != ARC_OK)
            life->sub = NULL;
    }
    return life->sub != NULL;
}

static void end(struct life *life)
{
    arc_sub_close(life->sub);
    arc_ctl_close(life->ctl);
    life->sub = NULL;
    life->ctl = NULL;
}

/* --- stories: 1: it went as if all memory had been there ------------------------------------- */

static int is_sound(const struct life *life)
{
    return arc_ctl_fault(life->ctl) == NULL && !life->broken;
}

static int events_are_heard(struct life *life)
{
    return life->seq > 20;
}

static int a_run_succeeds(struct life *life)
{
    return has_ctl(life) && until(life, run_is_there) && has_sub(life) &&
           until(life, run_is_over) && until(life, events_are_heard) &&
           arc_run_get_status(life->ctl, life->run) == ARC_RUN_SUCCESS && is_sound(life);
}

static int a_run_is_stopped(struct life *life)
{
    return until(life, held_is_there) && until(life, held_is_over) &&
           arc_run_get_status(life->ctl, life->stopped) == ARC_RUN_CANCELLED && is_sound(life);
}

static int questions_are_answered(struct life *life)
{
    return answers(life, "pipeline.v1.PipelineService/GetPipelineRun", "runId") &&
           answers(life, "control.v1.ControlService/ExplainRun", "pipelineRunId") &&
           answers(life, "control.v1.ControlService/ShowPipelineRun", "pipelineRunId") &&
           is_sound(life);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void arm(struct life *life, uint64_t n, int sticky)
{
    struct test_mem *mem = &life->given.mem;
    mem->fail_at = n > 0 ? mem->calls + n : 0;
    mem->sticky = sticky;
}

/* 1: it is over: the n-th allocation was not reached. */
static int look_back(struct life *life, uint64_t from, uint64_t n, int fine)
{
    int ended = life->given.mem.calls - from < n;
    int expected = ended || !life->given.mem.sticky;
    if (expected && !fine)
        printf("# allocation %llu of %llu\n", (unsigned long long)n,
               (unsigned long long)(life->given.mem.calls - from));
    CHECK(fine || !expected);
    return ended || (expected && !fine);
}

/* A new life for each n; before may be NULL. */
static void torture(struct life fresh, int (*before)(struct life *life),
                    int (*story)(struct life *life), int sticky)
{
    int over = 0;
    for (uint64_t n = 1; !over && n < 1000000; n++) {
        struct life life = fresh;
        CHECK(before == NULL || before(&life));
        uint64_t from = life.given.mem.calls;
        arm(&life, n, sticky);
        int fine = story(&life);
        over = look_back(&life, from, n, fine);
        end(&life);
        CHECK_INT(life.given.mem.live, 0);
        over |= life.given.mem.live != 0;
    }
}

/* One life for all n, of what changes nothing. Where memory had run out it comes back, and all must
 * be well. */
static void torture_questions(struct life fresh, int sticky)
{
    struct life life = fresh;
    int over = !CHECK_INT(a_run_succeeds(&life), 1);
    for (uint64_t n = 1; !over && n < 1000000; n++) {
        uint64_t from = life.given.mem.calls;
        arm(&life, n, sticky);
        int fine = questions_are_answered(&life);
        over = look_back(&life, from, n, fine);
        arm(&life, 0, 0);
        CHECK(!sticky || questions_are_answered(&life));
    }
    end(&life);
    CHECK_INT(life.given.mem.live, 0);
}

static void torture_all(int sticky)
{
    struct life fresh = {.spec = parse(definition), .spec_held = parse(held)};
    if (fresh.spec != NULL && fresh.spec_held != NULL) {
        torture(fresh, NULL, a_run_succeeds, sticky);
        torture(fresh, has_ctl, a_run_is_stopped, sticky);
        torture_questions(fresh, sticky);
    }
    (void)arc_spec_unref(fresh.spec);
    (void)arc_spec_unref(fresh.spec_held);
}

static void one_failed_allocation_changes_no_outcome(void)
{
    torture_all(0);
}

static void memory_that_runs_out_ends_without_leak_or_hang(void)
{
    torture_all(1);
}

static const struct test tests[] = {
    {"one failed allocation changes no outcome", one_failed_allocation_changes_no_outcome},
    {"memory that runs out ends without leak or hang",
     memory_that_runs_out_ends_without_leak_or_hang},
};
TEST_MAIN(tests)
