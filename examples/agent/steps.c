/* SPDX-License-Identifier: Apache-2.0 */
/* A step from its dispatch to its last byte:
 *
 *     WAITING ── its lease is known to hold ──► RUNNING
 *     RUNNING ── its process has ended ──► DRAINING ── its pipes are empty ──► ENDED ── answered
 * ──► OVER
 *
 * One execution is (step run, attempt, fence): the same offered twice is run once; a newer one of
 * the same step run ends the older at once. */
#include "agent/agent.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"

/* After the last process of a step is gone its pipes can hold no more than a buffer; a descriptor
 * that somebody passed elsewhere must not hold the step. */
#define DRAIN_NS (2 * NS_PER_S)
/* Of one pipe in one turn, so that a flood in one step does not starve the others. */
#define READ_ROUNDS 8
#define TIMEOUT_GRACE_MS 10000

/* --- coming and going ------------------------------------------------------------------------ */

static int is_done(const struct agent *agent, const char *id, int32_t attempt, uint64_t fence)
{
    for (size_t i = 0; i < DONE_MAX; i++) {
        const struct done *done = &agent->done[i];
        if (done->id != NULL && done->fence == fence && done->attempt == attempt &&
            strcmp(done->id, id) == 0)
            return 1;
    }
    return 0;
}

static void remember(struct agent *agent, const struct step *step)
{
    struct done *done = &agent->done[agent->done_next++ % DONE_MAX];
    mem_free(done->id);
    *done = (struct done){mem_copy(step->id), step->attempt, step->fence};
}

static void free_step(struct agent *agent, struct step *step)
{
    remember(agent, step);
    agent->last_over_ns = agent->now_ns;
    report_close(step);
    spool_forget(&agent->spool, &step->log);
    work_done(agent, step);
    proc_close(&step->proc);
    text_deinit(&step->out.part);
    text_deinit(&step->err.part);
    outputs_deinit(&step->outputs);
    char *texts[] = {step->id,        step->pipeline_id, step->run_id,  step->job_id,
                     step->job_name,  step->name,        step->uses,    step->workspace,
                     step->directory, step->stop_reason, step->scratch, step->message,
                     step->offer};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        mem_free(texts[i]);
    mem_free(step);
}

static struct step *make_step(struct agent *agent, const json_node *message, const struct raw *raw,
                              size_t index)
{
    struct step *step = mem_new(sizeof(*step));
    int64_t ttl_ms = json_get_int(message, "leaseTtlMs");
    *step = (struct step){
        .id = mem_copy(json_get_text(message, "stepRunId")),
        .pipeline_id = mem_copy(json_get_text(message, "pipelineId")),
        .run_id = mem_copy(json_get_text(message, "pipelineRunId")),
        .job_id = mem_copy(json_get_text(message, "jobId")),
        .job_name = mem_copy(json_get_text(message, "jobName")),
        .name = mem_copy(json_get_text(message, "stepName")),
        .uses = mem_copy(json_get_text(message, "uses")),
        .workspace = mem_copy(json_get_text(message, "workspace")),
        .directory = mem_copy(json_get_text(message, "workingDirectory")),
        .attempt = (int32_t)json_get_int(message, "attempt"),
        .index = (int32_t)json_get_int(message, "stepIndex"),
        .fence = json_get_uint(message, "fence"),
        .ttl_ns =
            ttl_ms > 0 && ttl_ms < 86400000 ? ttl_ms * NS_PER_MS : agent->session.lease_ttl_ns,
        .renewed_ns = agent->now_ns,
        .phase = STEP_WAITING,
        .offer = mem_copy_bytes(raw->bytes, raw->len),
        .offer_len = raw->len,
        .offer_index = index,
        .proc = PROC_INIT,
        .timeout_at_ns = NEVER,
        .start_wall_ns = clock_wall_ns(),
    };
    if (!duration_parse(json_get_text(message, "timeout"), &step->timeout_ns))
        step->timeout_ns = 0;
    step->log = (struct spool_log){.agent_id = agent->id,
                                   .pipeline_id = step->pipeline_id,
                                   .step_run_id = step->id,
                                   .attempt = step->attempt,
                                   .fence = step->fence};
    step->next = agent->steps;
    agent->steps = step;
    return step;
}

static void end_unbegun(struct agent *agent, struct step *step, int status, const char *message)
{
    step->phase = STEP_ENDED;
    step->status = status;
    step->message = mem_copy(message);
    step->exited_ns = agent->now_ns;
    step->end_wall_ns = clock_wall_ns();
}

void steps_begin(struct agent *agent, struct step *step)
{
    char why[512] = "";
    const json_node *root = json_parse(step->offer, step->offer_len, NULL, 0);
    const json_node *runs = json_get(json_get(root, "taskDispatch"), "stepRuns");
    log_write(&agent->log, ARC_LOG_INFO, "%s/%s begins (%s, attempt %d).", step->job_name,
              step->name, step->id, (int)step->attempt);
    step->start_wall_ns = clock_wall_ns();
    step->timeout_at_ns = step->timeout_ns > 0 ? agent->now_ns + step->timeout_ns : NEVER;
    int begun = work_start(agent, step, json_at(runs, step->offer_index), why, sizeof(why));
    json_free(root);
    mem_free(step->offer);
    step->offer = NULL;
    if (begun) {
        step->phase = STEP_RUNNING;
        step->running.wanted = 1;
        keeper_add(&agent->keeper, step->proc.pid);
        return;
    }
    end_unbegun(agent, step, ARC_STEP_FAILED, why);
    step->exit_code = -1;
    log_write(&agent->log, ARC_LOG_WARN, "%s/%s cannot begin: %s", step->job_name, step->name, why);
}

const char *steps_take(struct agent *agent, const json_node *message, const struct raw *raw,
                       size_t index)
{
    const char *id = json_get_text(message, "stepRunId");
    int32_t attempt = (int32_t)json_get_int(message, "attempt");
    uint64_t fence = json_get_uint(message, "fence");
    if (is_done(agent, id, attempt, fence))
        return NULL;
    for (struct step *step = agent->steps; step != NULL; step = step->next) {
        if (strcmp(step->id, id) != 0)
            continue;
        if (step->fence == fence && step->attempt == attempt)
            return NULL;
        if (fence < step->fence)
            return "A newer execution of this step is here.";
        steps_forget(agent, step, "a newer execution of it was dispatched", 0);
    }
    if (agent->draining && (agent->now_ns >= agent->drain_until_ns ||
                            !work_has(agent, json_get_text(message, "workspace"))))
        return "This agent is stopping and takes no more work.";
    if (steps_running(agent) >= (size_t)agent->config.slots)
        return "All slots of this agent are taken.";
    (void)make_step(agent, message, raw, index);
    agent->session.heartbeat_ns = agent->now_ns; /* whether it holds is asked at once */
    return NULL;
}

/* --- ending ---------------------------------------------------------------------------------- */

void steps_stop(struct agent *agent, struct step *step, enum step_stop why, const char *reason,
                int64_t grace_ms)
{
    if (step->phase == STEP_WAITING && step->stop == STOP_NONE)
        end_unbegun(agent, step, why == STOP_CANCEL ? ARC_STEP_CANCELLED : ARC_STEP_FAILED,
                    why == STOP_CANCEL ? "Cancelled before it began."
                                       : "The agent was stopped before the step began.");
    if (step->phase != STEP_RUNNING)
        return;
    if (step->stop == STOP_NONE) {
        step->stop = why;
        step->stop_reason = mem_copy(reason);
    }
    proc_stop(&step->proc, agent->now_ns, grace_ms);
}

void steps_stop_all(struct agent *agent, int64_t grace_ms)
{
    for (struct step *step = agent->steps; step != NULL; step = step->next)
        steps_stop(agent, step, STOP_DRAIN, "", grace_ms);
}

void steps_forget(struct agent *agent, struct step *step, const char *why, int64_t grace_ms)
{
    if (step->stop == STOP_FORGET || step->phase == STEP_OVER)
        return;
    log_write(&agent->log, ARC_LOG_WARN, "%s/%s (%s, attempt %d) is given up: %s.", step->job_name,
              step->name, step->id, (int)step->attempt, why);
    step->stop = STOP_FORGET;
    spool_forget(&agent->spool, &step->log);
    report_close(step);
    if (step->phase == STEP_RUNNING)
        proc_stop(&step->proc, agent->now_ns, grace_ms);
    else
        step->phase = STEP_OVER;
}

void steps_cancel(struct agent *agent, const json_node *message)
{
    const char *id = json_get_text(message, "stepRunId");
    uint64_t fence = json_get_uint(message, "fence");
    const json_node *grace = json_get(message, "graceMs");
    int64_t grace_ms = grace != NULL ? json_get_int(message, "graceMs") : TIMEOUT_GRACE_MS;
    if (json_get_bool(message, "force"))
        grace_ms = 0;
    for (struct step *step = agent->steps; step != NULL; step = step->next) {
        if (strcmp(step->id, id) != 0 || (fence != 0 && fence != step->fence))
            continue;
        log_write(&agent->log, ARC_LOG_INFO, "%s/%s is to be cancelled: %s", step->job_name,
                  step->name, json_get_text(message, "reason"));
        steps_stop(agent, step, STOP_CANCEL, json_get_text(message, "reason"), grace_ms);
    }
}

static void set_result(struct step *step, int status, char *message)
{
    step->status = status;
    step->message = message;
}

static void decide(struct step *step)
{
    struct text text = {NULL, 0, 0};
    const struct proc_exit *end = &step->exit;
    step->exit_code = end->code;
    switch (step->stop) {
    case STOP_CANCEL:
        text_printf(&text, "Cancelled%s%s", step->stop_reason[0] != '\0' ? ": " : ".",
                    step->stop_reason);
        set_result(step, ARC_STEP_CANCELLED, text_take(&text));
        return;
    case STOP_TIMEOUT:
        text_put(&text, "It took longer than its timeout of ");
        duration_put(&text, step->timeout_ns);
        text_put(&text, ".");
        set_result(step, ARC_STEP_TIMEOUT, text_take(&text));
        return;
    case STOP_DRAIN:
        text_put(&text, "The agent was stopped while the step ran.");
        break;
    case STOP_NONE:
    case STOP_FORGET:
        if (end->signal != 0)
            text_printf(&text, "Killed by %s.", proc_signal_name(end->signal));
        else if (end->code != 0)
            text_printf(&text, "Exit code %d.", end->code);
        break;
    }
    int status = text.len == 0 ? ARC_STEP_SUCCESS : ARC_STEP_FAILED;
    set_result(step, status, text_take(&text));
}

/* --- output ---------------------------------------------------------------------------------- */

struct sink {
    struct agent *agent;
    struct step *step;
    const char *stream;
};

static void take_line(void *user, const char *bytes, size_t len, int split)
{
    const struct sink *sink = user;
    (void)split; /* the parts of a long line are lines of their own from here on */
    if (sink->step->stop != STOP_FORGET)
        spool_line(&sink->agent->spool, &sink->step->log, sink->stream, bytes, len);
}

static void read_pipe(struct sink *sink, int *fd, struct lines *lines)
{
    char buf[8192];
    for (int round = 0; round < READ_ROUNDS * 8; round++) {
        ssize_t got = proc_read(fd, buf, sizeof(buf));
        if (got <= 0)
            return;
        lines_feed(lines, buf, (size_t)got, take_line, sink);
    }
}

void steps_read(struct agent *agent, struct step *step)
{
    struct sink out = {agent, step, "stdout"}, err = {agent, step, "stderr"};
    read_pipe(&out, &step->proc.out_fd, &step->out);
    read_pipe(&err, &step->proc.err_fd, &step->err);
}

/* A step whose outputs cannot be read has failed: what needs them would go on without. */
static void take_outputs(struct step *step)
{
    char why[512];
    if (step->status != ARC_STEP_SUCCESS && step->status != ARC_STEP_FAILED)
        return;
    char *path = outputs_path(step->scratch);
    int fine = outputs_read(path, &step->outputs, why, sizeof(why));
    mem_free(path);
    if (fine || step->status == ARC_STEP_FAILED)
        return;
    mem_free(step->message);
    set_result(step, ARC_STEP_FAILED, mem_copy(why));
}

static void finish(struct agent *agent, struct step *step)
{
    struct sink out = {agent, step, "stdout"}, err = {agent, step, "stderr"};
    lines_end(&step->out, take_line, &out);
    lines_end(&step->err, take_line, &err);
    proc_close(&step->proc);
    if (step->stop == STOP_FORGET) {
        step->phase = STEP_OVER;
        return;
    }
    decide(step);
    take_outputs(step);
    step->phase = STEP_ENDED;
    log_write(&agent->log, step->status == ARC_STEP_SUCCESS ? ARC_LOG_INFO : ARC_LOG_WARN,
              "%s/%s: %s.%s%s", step->job_name, step->name, arc_step_state_name(step->status),
              step->message[0] != '\0' ? " " : "", step->message);
    if (step->log.dropped > 0)
        log_write(&agent->log, ARC_LOG_WARN, "%s/%s: %lld lines of its output were dropped.",
                  step->job_name, step->name, (long long)step->log.dropped);
}

/* --- processes ------------------------------------------------------------------------------- */

/* What has left its group and cleared its environment can be told from a step's own only when no
 * step has a process. One that only drains its pipes has none, and such a stranger may be what
 * holds them open. */
static void clear_strangers(struct agent *agent)
{
    const pid_t known[] = {agent->keeper.pid, agent->remover};
    for (const struct step *step = agent->steps; step != NULL; step = step->next) {
        if (step->phase == STEP_RUNNING)
            return;
    }
    proc_kill_strangers(known, sizeof(known) / sizeof(known[0]));
}

static void process_ended(struct agent *agent, struct step *step, const struct proc_exit *end)
{
    struct text mark = {NULL, 0, 0};
    keeper_remove(&agent->keeper, step->proc.pid);
    step->proc.pid = 0;
    step->proc.kill_ns = 0;
    step->exit = *end;
    step->exited_ns = agent->now_ns;
    step->end_wall_ns = clock_wall_ns();
    step->phase = STEP_DRAINING;
    text_printf(&mark, "ARCENTRA_EXECUTION=%s.%d.%llu", step->id, (int)step->attempt,
                (unsigned long long)step->fence);
    int left = proc_kill_marked(text_get(&mark), 0);
    if (left > 0)
        log_write(&agent->log, ARC_LOG_DEBUG, "%s/%s left processes behind: %d killed.",
                  step->job_name, step->name, left);
    clear_strangers(agent);
    text_deinit(&mark);
}

void steps_reap(struct agent *agent)
{
    struct proc_exit end;
    while (proc_reap(&end)) {
        if (end.pid == agent->remover)
            agent->remover = 0;
        if (end.pid == agent->keeper.pid) {
            agent->keeper.pid = 0;
            log_write(&agent->log, ARC_LOG_WARN,
                      "The keeper is gone: a sudden end of this agent would leave steps running.");
        }
        for (struct step *step = agent->steps; step != NULL; step = step->next) {
            if (step->phase == STEP_RUNNING && step->proc.pid == end.pid) {
                process_ended(agent, step, &end);
                break;
            }
        }
    }
}

/* --- the turn -------------------------------------------------------------------------------- */

static int64_t tick(struct agent *agent, struct step *step)
{
    int64_t next = NEVER;
    if (step->phase == STEP_RUNNING) {
        if (agent->now_ns >= step->timeout_at_ns) {
            steps_stop(agent, step, STOP_TIMEOUT, "", TIMEOUT_GRACE_MS);
            step->timeout_at_ns = NEVER;
        }
        next = proc_tick(&step->proc, agent->now_ns);
        next = step->timeout_at_ns < next ? step->timeout_at_ns : next;
        int64_t fence_at = step->renewed_ns + step->ttl_ns / 10 * 8;
        if (step->stop != STOP_FORGET && fence_at < next)
            next = fence_at;
    }
    if (step->phase == STEP_DRAINING) {
        int64_t until = step->exited_ns + DRAIN_NS;
        if ((step->proc.out_fd < 0 && step->proc.err_fd < 0) || agent->now_ns >= until)
            finish(agent, step);
        else
            next = until;
    }
    if (step->phase != STEP_OVER) {
        int64_t report = report_tick(agent, step);
        next = report < next ? report : next;
    }
    return next;
}

int64_t steps_tick(struct agent *agent)
{
    int64_t next = NEVER;
    for (struct step **at = &agent->steps; *at != NULL;) {
        struct step *step = *at;
        int64_t here = tick(agent, step);
        if (step->phase == STEP_OVER) {
            *at = step->next;
            free_step(agent, step);
            continue;
        }
        next = here < next ? here : next;
        at = &step->next;
    }
    return next;
}

size_t steps_running(const struct agent *agent)
{
    size_t count = 0;
    for (const struct step *step = agent->steps; step != NULL; step = step->next)
        count += step->phase == STEP_WAITING || step->phase == STEP_RUNNING ||
                 step->phase == STEP_DRAINING;
    return count;
}

size_t steps_count(const struct agent *agent)
{
    size_t count = 0;
    for (const struct step *step = agent->steps; step != NULL; step = step->next)
        count++;
    return count;
}

void steps_deinit(struct agent *agent)
{
    while (agent->steps != NULL) {
        struct step *step = agent->steps;
        agent->steps = step->next;
        proc_kill(&step->proc);
        free_step(agent, step);
    }
    for (size_t i = 0; i < DONE_MAX; i++)
        mem_free(agent->done[i].id);
}
