/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <arcentra/states.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/logs.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"

/* Changes come in bunches; the lists are read once for one. */
#define REFRESH_NS (150 * NS_PER_MS)
/* And at least so often, should a stream be silent. */
#define REFRESH_IDLE_NS (5 * NS_PER_S)
/* Before a stream that has ended is opened again. */
#define REOPEN_NS NS_PER_S
#define REDRAW_MS 250

/* --- reading the lists ----------------------------------------------------------------------- */

static void put_id(struct text *out, const char *key, const char *id)
{
    struct json_out json = {out, 0};
    text_clear(out);
    json_open(&json, NULL, '{');
    json_put_text(&json, key, id);
    json_close(&json, '}');
}

static int64_t time_of(const json_node *object, const char *ns_key, const char *s_key)
{
    int64_t ns = json_get_int(object, ns_key);
    return ns != 0 ? ns : json_get_int(object, s_key) * NS_PER_S;
}

static void show_run(struct view *view, const json_node *run)
{
    const char *name = json_get_text(run, "pipelineName");
    if (view->title[0] == '\0' && name[0] != '\0') {
        mem_free(view->title);
        view->title = mem_copy(name);
    }
    int64_t start_ns = json_get_int(run, "startTime") * NS_PER_S;
    int is_over = json_get_int(run, "endTime") != 0;
    const struct view_change change = {
        .state = view_find_state(arc_run_state_name, json_get_text(run, "status")),
        .start_ns = start_ns,
        /* The two times are whole seconds, their difference is exact. */
        .end_ns = is_over ? start_ns + json_get_int(run, "duration") * NS_PER_MS : 0,
        .reason = json_get_text(run, "reason")};
    view_change_run(view, &change);
}

static int refresh_run(struct remote *remote, const char *run_id, struct view *view)
{
    struct text request = {NULL, 0, 0};
    put_id(&request, "runId", run_id);
    const json_node *reply =
        remote_call(remote, "pipeline.v1.PipelineService/GetPipelineRun", &request);
    const json_node *run = json_get(reply, "run");
    text_deinit(&request);
    if (reply == NULL)
        return EXIT_FAILED;
    show_run(view, run);
    json_free(reply);
    return 0;
}

static void show_job(struct view *view, const json_node *job)
{
    const struct view_change change = {
        .state = view_find_state(arc_job_state_name, json_get_text(job, "status")),
        .attempt = (uint32_t)json_get_int(job, "attempt"),
        .start_ns = time_of(job, "startedAtNs", "startedAt"),
        .end_ns = time_of(job, "finishedAtNs", "finishedAt"),
        .id = json_get_text(job, "jobId"),
        .reason = json_get_text(job, "reason")};
    view_change_job(view, json_get_text(job, "jobName"), &change);
}

static int refresh_jobs(struct remote *remote, const char *run_id, struct view *view)
{
    struct text request = {NULL, 0, 0};
    put_id(&request, "pipelineRunId", run_id);
    const json_node *reply = remote_call(remote, "control.v1.ControlService/ListJobRuns", &request);
    const json_node *jobs = json_get(reply, "jobRuns");
    text_deinit(&request);
    for (size_t i = 0; i < json_count(jobs); i++)
        show_job(view, json_at(jobs, i));
    json_free(reply);
    return reply != NULL ? 0 : EXIT_FAILED;
}

static void show_step(struct view *view, const json_node *step)
{
    const char *reason = json_get_text(step, "reason"), *id = json_get_text(step, "stepRunId");
    const char *job_name = json_get_text(step, "jobName"), *name = json_get_text(step, "stepName");
    const struct view_step *known = view_step(view_job(view, job_name), name);
    /* A job that was tried again has step runs of each attempt; ids are in the order of time. */
    if (known->id != NULL && strcmp(known->id, id) > 0)
        return;
    const struct view_change change = {
        .state = view_find_state(arc_step_state_name, json_get_text(step, "status")),
        .attempt = (uint32_t)json_get_int(step, "attempt"),
        .exit_code = (int)json_get_int(step, "exitCode"),
        .start_ns = time_of(step, "startedAtNs", "startedAt"),
        .end_ns = time_of(step, "finishedAtNs", "finishedAt"),
        .id = id,
        .reason = reason[0] != '\0' ? reason : json_get_text(step, "errorMessage")};
    view_change_step(view, job_name, name, &change);
}

/* One page of steps into the view; answers how many it had, or -1. */
static int64_t refresh_page(struct remote *remote, const char *run_id, int64_t page,
                            struct view *view, int64_t *total)
{
    struct text request = {NULL, 0, 0};
    struct json_out json = {&request, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "pipelineRunId", run_id);
    json_put_int(&json, "page", page);
    json_put_int(&json, "pageSize", 100);
    json_close(&json, '}');
    const json_node *reply =
        remote_call(remote, "steprun.v1.StepRunService/ListStepRuns", &request);
    const json_node *steps = json_get(reply, "stepRuns");
    int64_t count = reply != NULL ? (int64_t)json_count(steps) : -1;
    for (size_t i = 0; i < json_count(steps); i++)
        show_step(view, json_at(steps, i));
    *total = json_get_int(reply, "total");
    text_deinit(&request);
    json_free(reply);
    return count;
}

void follow_fill(struct view *view, const json_node *reply)
{
    const json_node *jobs = json_get(reply, "jobRuns"), *steps = json_get(reply, "stepRuns");
    show_run(view, json_get(reply, "run"));
    for (size_t i = 0; i < json_count(jobs); i++)
        show_job(view, json_at(jobs, i));
    for (size_t i = 0; i < json_count(steps); i++)
        show_step(view, json_at(steps, i));
}

int follow_refresh(struct remote *remote, const char *run_id, struct view *view)
{
    int64_t seen = 0, total = 1, count = 1;
    /* The run first: when it is over, what is read behind it is the last there is. */
    int failed = refresh_run(remote, run_id, view);
    for (int64_t page = 1; failed == 0 && seen < total && count > 0; page++) {
        count = refresh_page(remote, run_id, page, view, &total);
        seen += count;
        failed = count < 0 ? EXIT_FAILED : 0;
    }
    return failed == 0 ? refresh_jobs(remote, run_id, view) : failed;
}

/* --- following ------------------------------------------------------------------------------- */

struct following {
    struct remote *remote;
    struct view view;
    struct logs logs;
    const char *run_id;
    unsigned what;
    arc_call *streams[2]; /* the run's status, and its steps' */
    int64_t reopen_ns[2];
    int64_t refresh_ns; /* when the lists are due */
    int signals, interrupted;
};

static void open_streams(struct following *following, int64_t now_ns)
{
    static const char *const methods[] = {"stream.v1.StreamService/StreamPipelineStatus",
                                          "stream.v1.StreamService/StreamStepRunStatus"};
    arc_err err = ARC_ERR_INIT;
    for (size_t i = 0; i < 2; i++) {
        if (following->streams[i] != NULL || now_ns < following->reopen_ns[i])
            continue;
        struct text request = {NULL, 0, 0};
        struct json_out json = {&request, 0};
        json_open(&json, NULL, '{');
        if (i == 0) {
            json_open(&json, "pipelineRunIds", '[');
            json_put_text(&json, NULL, following->run_id);
            json_close(&json, ']');
        } else {
            json_put_text(&json, "pipelineRunId", following->run_id);
        }
        json_close(&json, '}');
        following->streams[i] = remote_stream(following->remote, methods[i], &request, &err);
        following->reopen_ns[i] = now_ns + REOPEN_NS;
        text_deinit(&request);
    }
}

/* Reads what the streams have: that they have something is all that counts. */
static void read_streams(struct following *following, int64_t now_ns)
{
    arc_err err = ARC_ERR_INIT;
    const char *bytes;
    size_t len;
    for (size_t i = 0; i < 2; i++) {
        arc_status status = ARC_EAGAIN;
        while (following->streams[i] != NULL &&
               (status = arc_call_next(following->streams[i], &bytes, &len, &err)) == ARC_OK) {
            if (following->refresh_ns > now_ns + REFRESH_NS)
                following->refresh_ns = now_ns + REFRESH_NS;
        }
        if (following->streams[i] == NULL || status == ARC_EAGAIN)
            continue;
        arc_call_close(following->streams[i]);
        following->streams[i] = NULL;
        following->reopen_ns[i] = now_ns + REOPEN_NS;
    }
}

/* Every step that has begun has a log to read. */
static void want_logs(struct following *following)
{
    for (size_t i = 0; i < following->view.job_count; i++) {
        const struct view_job *job = &following->view.jobs[i];
        for (size_t k = 0; k < job->step_count; k++) {
            const struct view_step *step = &job->steps[k];
            if (step->id != NULL && step->state >= ARC_STEP_RUNNING &&
                step->state != ARC_STEP_SKIPPED && step->start_ns != 0)
                logs_want(&following->logs, step->id, job->name, step->name);
        }
    }
}

static int is_away(struct following *following)
{
    return arc_client_get_state(following->remote->client) != ARC_CLIENT_READY;
}

static int refresh(struct following *following, int64_t now_ns)
{
    following->refresh_ns = now_ns + REFRESH_IDLE_NS;
    int failed = follow_refresh(following->remote, following->run_id, &following->view);
    if (following->what & FOLLOW_LOGS)
        want_logs(following);
    return failed;
}

static void read_signals(struct following *following)
{
    struct signalfd_siginfo info;
    while (read(following->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        following->interrupted |= info.ssi_signo != SIGWINCH;
}

static void draw(struct following *following)
{
    struct view *view = &following->view;
    if (following->what & FOLLOW_STATES) {
        view_draw(view, clock_wall_ns());
        return;
    }
    fwrite(text_get(&view->pending), 1, view->pending.len, stdout);
    fflush(stdout);
    text_clear(&view->pending);
}

static int step_ms(const struct following *following, int64_t now_ns)
{
    int64_t until =
        following->refresh_ns < now_ns + REOPEN_NS ? following->refresh_ns : now_ns + REOPEN_NS;
    int64_t ms = until > now_ns ? (until - now_ns) / NS_PER_MS + 1 : 0;
    if (following->view.mode == VIEW_TREE && ms > REDRAW_MS)
        ms = REDRAW_MS;
    return (int)ms;
}

/* Until the run is over and everything it has said was shown. */
static int loop(struct following *following)
{
    int64_t now_ns = clock_boot_ns();
    int failed = refresh(following, now_ns); /* the first must succeed: wrong ids end here */
    while (failed == 0 && !following->interrupted) {
        int over =
            arc_run_state_is_terminal(following->view.state) || !(following->what & FOLLOW_LIVE);
        logs_tick(&following->logs, &following->view, now_ns);
        draw(following);
        if (over && logs_done(&following->logs))
            return 0;
        if (!over)
            open_streams(following, now_ns);
        failed = remote_wait(following->remote, following->signals, step_ms(following, now_ns));
        now_ns = clock_boot_ns();
        read_signals(following);
        read_streams(following, now_ns);
        if (over || now_ns < following->refresh_ns)
            continue;
        if (is_away(following)) /* what cannot be read now is read then */
            following->refresh_ns = now_ns + REFRESH_NS;
        else
            (void)refresh(following, now_ns);
    }
    return failed;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int exit_code_of(const struct following *following)
{
    if (!(following->what & FOLLOW_LIVE) || following->view.state == ARC_RUN_SUCCESS)
        return EXIT_OK;
    return following->view.state == ARC_RUN_CANCELLED ? EXIT_CANCELLED : EXIT_FAILED;
}

int follow_run(struct remote *remote, const char *run_id, unsigned what)
{
    struct following following = {.remote = remote, .run_id = run_id, .what = what};
    view_init(&following.view, stdout, remote->json, "", run_id);
    if (!(what & FOLLOW_STATES) && following.view.mode == VIEW_TREE)
        following.view.mode = VIEW_PLAIN;
    following.view.quiet = !(what & FOLLOW_STATES);
    logs_init(&following.logs, remote, (what & FOLLOW_LIVE) != 0, 0);
    following.signals = open_signals();
    int failed = loop(&following);
    if (failed == 0 && following.interrupted) {
        fprintf(stderr, "\nThe run %s goes on; `arcentra stop` stops it.\n", run_id);
        failed = EXIT_CANCELLED;
    }
    if ((what & FOLLOW_STATES) && following.view.job_count > 0)
        view_end(&following.view, clock_wall_ns());
    failed = failed != 0 ? failed : exit_code_of(&following);
    arc_call_close(following.streams[0]);
    arc_call_close(following.streams[1]);
    logs_deinit(&following.logs);
    close(following.signals);
    view_deinit(&following.view);
    return failed;
}

int follow_step(struct remote *remote, const char *step_run_id, int live, int64_t tail)
{
    struct following following = {.remote = remote, .run_id = "", .what = FOLLOW_LOGS};
    int failed = 0;
    view_init(&following.view, stdout, remote->json, "", "");
    if (following.view.mode == VIEW_TREE)
        following.view.mode = VIEW_PLAIN;
    logs_init(&following.logs, remote, live, tail);
    logs_want(&following.logs, step_run_id, "", "");
    following.signals = open_signals();
    while (failed == 0 && !following.interrupted) {
        logs_tick(&following.logs, &following.view, clock_boot_ns());
        draw(&following);
        if (logs_done(&following.logs))
            break;
        failed = remote_wait(remote, following.signals, (int)(REOPEN_NS / NS_PER_MS));
        read_signals(&following);
    }
    if (failed == 0 && following.interrupted)
        failed = EXIT_CANCELLED;
    if (failed == 0 && following.logs.failed)
        failed = EXIT_FAILED;
    logs_deinit(&following.logs);
    close(following.signals);
    view_deinit(&following.view);
    return failed;
}
