/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/ignore.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/outputs.h"
#include "common/shell.h"
#include "common/tree.h"

#define TIMEOUT_GRACE_MS 10000
/* How long the pipes of an ended process may stay open: see the agent's steps. */
#define DRAIN_NS (2 * NS_PER_S)

struct local_step {
    struct local_step *next;
    uint64_t token;
    struct proc proc;
    struct proc_exit exit;
    int ended, cancelled, timed_out;
    int64_t ended_ns, timeout_at_ns, timeout_ns;
    char *job, *name;
    char *outputs; /* the file that the step writes its outputs to */
    struct lines out, err;
};

int local_open(struct local *local, const char *workdir)
{
    unsigned char random[16];
    const char *tmp = getenv("TMPDIR");
    struct text top = {NULL, 0, 0};
    *local = (struct local){.keeper = KEEPER_INIT};
    clock_random(random, sizeof(random));
    int at = snprintf(local->mark, sizeof(local->mark), "ARCENTRA_LOCAL_RUN=");
    for (size_t i = 0; i < sizeof(random); i++, at += 2)
        snprintf(local->mark + at, 3, "%02x", random[i]);
    text_printf(&top, "%s/arcentra-XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (mkdtemp(top.ptr) == NULL) {
        int failed = cli_fail("No workspace can be made at %s: %s.", top.ptr, strerror(errno));
        text_deinit(&top);
        return failed;
    }
    local->top = text_take(&top);
    if (workdir != NULL) {
        local->workdir = realpath(workdir, NULL);
        if (local->workdir == NULL) {
            cli_fail("--workdir %s: %s.", workdir, strerror(errno));
            return EXIT_USAGE;
        }
    }
    proc_adopt_orphans();
    int failed = keeper_start(&local->keeper, local->mark);
    return failed == 0 ? 0 : cli_fail("No keeper can be started: %s.", strerror(failed));
}

/* --- one step -------------------------------------------------------------------------------- */

static const char *mark_value(const struct local *local)
{
    return strchr(local->mark, '=') + 1;
}

/* One step of one run of one arcentra: tokens alone come again in another process. */
static void put_execution(const struct local *local, uint64_t token, struct text *out)
{
    text_printf(out, "%s.%" PRIu64, mark_value(local), token);
}

static void fill_env(const struct local *local, const arc_step_view *view, const char *workspace,
                     const char *outputs, struct proc_env *env)
{
    char number[32];
    proc_env_init(env);
    for (size_t i = 0; i < view->env_count; i++)
        proc_env_put(env, view->env[i].key, view->env[i].value);
    proc_env_put(env, "ARCENTRA_PIPELINE_ID", view->pipeline_id);
    proc_env_put(env, "ARCENTRA_RUN_ID", view->run_id);
    proc_env_put(env, "ARCENTRA_JOB_ID", view->job_id);
    proc_env_put(env, "ARCENTRA_JOB_NAME", view->job_name);
    proc_env_put(env, "ARCENTRA_STEP_RUN_ID", view->step_run_id);
    proc_env_put(env, "ARCENTRA_STEP_NAME", view->step_name);
    snprintf(number, sizeof(number), "%u", view->step_index);
    proc_env_put(env, "ARCENTRA_STEP_INDEX", number);
    snprintf(number, sizeof(number), "%u", view->attempt);
    proc_env_put(env, "ARCENTRA_ATTEMPT", number);
    proc_env_put(env, "ARCENTRA_WORKSPACE", workspace);
    proc_env_put(env, OUTPUTS_VARIABLE, outputs);
    struct text execution = {NULL, 0, 0};
    put_execution(local, view->token, &execution);
    proc_env_put(env, "ARCENTRA_EXECUTION", execution.ptr);
    proc_env_put(env, "ARCENTRA_LOCAL_RUN", mark_value(local));
    text_deinit(&execution);
}

static int spawn(const struct local *local, const arc_step_view *view, struct proc *proc,
                 char **outputs, char *why, size_t why_size)
{
    struct text workspace = {NULL, 0, 0}, cwd = {NULL, 0, 0}, scratch = {NULL, 0, 0};
    struct proc_env env;
    const json_node *args = json_parse(view->args, strlen(view->args), NULL, 0);
    if (local->workdir != NULL)
        text_put(&workspace, local->workdir);
    else
        text_printf(&workspace, "%s/work/%s", local->top, view->workspace);
    text_printf(&cwd, "%s%s%s", workspace.ptr, view->working_directory[0] != '\0' ? "/" : "",
                view->working_directory);
    text_printf(&scratch, "%s/steps/%" PRIu64, local->top, view->token);
    *outputs = outputs_path(scratch.ptr);
    fill_env(local, view, workspace.ptr, *outputs, &env);
    int failed = -1;
    if (!tree_is_inside(view->workspace) || !tree_is_inside(view->working_directory))
        snprintf(why, why_size, "The working directory `%s` leaves the workspace.",
                 view->working_directory);
    else if (tree_make(workspace.ptr) != 0)
        snprintf(why, why_size, "The workspace %s cannot be made.", workspace.ptr);
    else {
        const struct shell shell = {json_get_text(args, "run"),
                                    json_get_text(args, "shell"),
                                    scratch.ptr,
                                    cwd.ptr,
                                    view->working_directory,
                                    &env};
        failed = shell_start(&shell, proc, why, why_size);
    }
    proc_env_deinit(&env);
    json_free(args);
    text_deinit(&workspace);
    text_deinit(&cwd);
    text_deinit(&scratch);
    return failed;
}

static arc_status begin(void *user, const arc_step_view *view, arc_err *err)
{
    struct local *local = user;
    struct proc proc = PROC_INIT;
    char *outputs = NULL;
    if (spawn(local, view, &proc, &outputs, err->message, sizeof(err->message)) != 0) {
        mem_free(outputs);
        snprintf(err->subject, sizeof(err->subject), "%s", view->step_name);
        err->status = ARC_EINVAL;
        return ARC_EINVAL;
    }
    struct local_step *step = mem_new(sizeof(*step));
    *step = (struct local_step){
        .next = local->steps,
        .token = view->token,
        .proc = proc,
        .timeout_ns = view->timeout_ns,
        .timeout_at_ns = view->timeout_ns > 0 ? clock_boot_ns() + view->timeout_ns : INT64_MAX,
        .job = mem_copy(view->job_name),
        .name = mem_copy(view->step_name),
        .outputs = outputs,
    };
    local->steps = step;
    local->count++;
    keeper_add(&local->keeper, proc.pid);
    return ARC_OK;
}

static void cancel(void *user, uint64_t token, uint32_t grace_ms)
{
    struct local *local = user;
    for (struct local_step *step = local->steps; step != NULL; step = step->next) {
        if (step->token != token || step->ended)
            continue;
        step->cancelled = 1;
        proc_stop(&step->proc, clock_boot_ns(), grace_ms);
    }
}

static arc_status refuse(void *user, const arc_step_view *view, arc_err *err)
{
    (void)user;
    snprintf(err->subject, sizeof(err->subject), "%s", view->uses);
    snprintf(err->message, sizeof(err->message),
             "`arcentra run` does not offer `%s`; it offers: %s.", view->uses, SHELL_OFFERED);
    err->status = ARC_EUNIMPLEMENTED;
    return ARC_EUNIMPLEMENTED;
}

arc_status local_offer(struct local *local, arc_ctl *ctl, struct view *view, arc_err *err)
{
    arc_executor shell = ARC_EXECUTOR_INIT, others = ARC_EXECUTOR_INIT;
    local->ctl = ctl;
    local->view = view;
    shell.start = begin;
    shell.cancel = cancel;
    shell.user = local;
    others.start = refuse;
    arc_status status = arc_ctl_executor(ctl, "shell", &shell, err);
    return status == ARC_OK ? arc_ctl_executor(ctl, "*", &others, err) : status;
}

/* --- output ---------------------------------------------------------------------------------- */

struct sink {
    struct local *local;
    struct local_step *step;
    uint32_t stream;
};

static void take_line(void *user, const char *bytes, size_t len, int split)
{
    const struct sink *sink = user;
    struct text line = {NULL, 0, 0};
    (void)split;
    view_log(sink->local->view, sink->step->job, sink->step->name,
             sink->stream == ARC_STREAM_STDERR ? "stderr" : "stdout", 0, bytes, len);
    text_add(&line, bytes, len);
    text_add(&line, "\n", 1);
    /* The engine's own log of the step. A step that it has given up has none; what is said still
     * stands on the screen. */
    ignore(
        arc_step_log(sink->local->ctl, sink->step->token, sink->stream, line.ptr, line.len, NULL));
    text_deinit(&line);
}

static void read_pipe(struct sink *sink, int *fd, struct lines *lines)
{
    char buf[8192];
    for (int round = 0; round < 16; round++) {
        ssize_t got = proc_read(fd, buf, sizeof(buf));
        if (got <= 0)
            return;
        lines_feed(lines, buf, (size_t)got, take_line, sink);
    }
}

static void read_step(struct local *local, struct local_step *step)
{
    struct sink out = {local, step, ARC_STREAM_STDOUT}, err = {local, step, ARC_STREAM_STDERR};
    read_pipe(&out, &step->proc.out_fd, &step->out);
    read_pipe(&err, &step->proc.err_fd, &step->err);
}

/* --- the end --------------------------------------------------------------------------------- */

static int result_of(const struct local_step *step, char *message, size_t size)
{
    struct text time = {NULL, 0, 0};
    int result = ARC_STEP_FAILED;
    message[0] = '\0';
    if (step->timed_out) {
        duration_put(&time, step->timeout_ns);
        snprintf(message, size, "It took longer than its timeout of %s.", text_get(&time));
        result = ARC_STEP_TIMEOUT;
    } else if (step->cancelled) {
        result = ARC_STEP_CANCELLED;
    } else if (step->exit.signal != 0) {
        snprintf(message, size, "Killed by %s.", proc_signal_name(step->exit.signal));
    } else if (step->exit.code != 0) {
        snprintf(message, size, "Exit code %d.", step->exit.code);
    } else {
        result = ARC_STEP_SUCCESS;
    }
    text_deinit(&time);
    return result;
}

static void free_step(struct local_step *step)
{
    proc_close(&step->proc);
    text_deinit(&step->out.part);
    text_deinit(&step->err.part);
    mem_free(step->job);
    mem_free(step->name);
    mem_free(step->outputs);
    mem_free(step);
}

/* A step whose outputs cannot be read has failed: what needs them would go on without. */
static int send_outputs(struct local *local, const struct local_step *step, int result,
                        char *message, size_t size)
{
    struct outputs outputs;
    arc_err err = ARC_ERR_INIT;
    if (result != ARC_STEP_SUCCESS && result != ARC_STEP_FAILED)
        return result;
    int fine = outputs_read(step->outputs, &outputs, err.message, sizeof(err.message));
    for (size_t i = 0; fine && i < outputs.count; i++) {
        arc_status status =
            arc_step_output(local->ctl, step->token, outputs.names[i], outputs.values[i], &err);
        fine = status == ARC_OK || status == ARC_ENOTFOUND; /* given up: nobody asks for it */
    }
    outputs_deinit(&outputs);
    if (!fine && result == ARC_STEP_SUCCESS)
        snprintf(message, size, "%s", err.message);
    return fine ? result : ARC_STEP_FAILED;
}

static void finish(struct local *local, struct local_step *step)
{
    struct sink out = {local, step, ARC_STREAM_STDOUT}, err = {local, step, ARC_STREAM_STDERR};
    char message[512];
    lines_end(&step->out, take_line, &out);
    lines_end(&step->err, take_line, &err);
    int result = result_of(step, message, sizeof(message));
    result = send_outputs(local, step, result, message, sizeof(message));
    /* Not found: the engine has given it up meanwhile, and wants to hear no more. */
    ignore(arc_step_end(local->ctl, step->token, result, step->exit.code,
                        message[0] != '\0' ? message : NULL, NULL));
    free_step(step);
    local->count--;
}

static int64_t tick(struct local *local, struct local_step *step, int64_t now_ns)
{
    read_step(local, step);
    if (step->ended)
        return step->ended_ns + DRAIN_NS;
    if (now_ns >= step->timeout_at_ns) {
        step->timed_out = !step->cancelled;
        step->timeout_at_ns = INT64_MAX;
        proc_stop(&step->proc, now_ns, TIMEOUT_GRACE_MS);
    }
    int64_t next = proc_tick(&step->proc, now_ns);
    return step->timeout_at_ns < next ? step->timeout_at_ns : next;
}

int64_t local_tick(struct local *local, int64_t now_ns)
{
    int64_t next = INT64_MAX;
    for (struct local_step **at = &local->steps; *at != NULL;) {
        struct local_step *step = *at;
        int64_t here = tick(local, step, now_ns);
        int closed = step->proc.out_fd < 0 && step->proc.err_fd < 0;
        if (step->ended && (closed || now_ns >= here)) {
            *at = step->next;
            finish(local, step);
            next = now_ns; /* the engine has something to do */
            continue;
        }
        next = here < next ? here : next;
        at = &step->next;
    }
    return next;
}

size_t local_fill_fds(const struct local *local, struct pollfd *fds, size_t most)
{
    size_t count = 0;
    for (const struct local_step *step = local->steps; step != NULL && count + 2 <= most;
         step = step->next) {
        fds[count++] = (struct pollfd){step->proc.out_fd, POLLIN, 0};
        fds[count++] = (struct pollfd){step->proc.err_fd, POLLIN, 0};
    }
    return count;
}

void local_reap(struct local *local, int64_t now_ns)
{
    struct proc_exit end;
    while (proc_reap(&end)) {
        for (struct local_step *step = local->steps; step != NULL; step = step->next) {
            if (step->ended || step->proc.pid != end.pid)
                continue;
            struct text mark = {NULL, 0, 0};
            keeper_remove(&local->keeper, step->proc.pid);
            step->proc.pid = 0;
            step->exit = end;
            step->ended = 1;
            step->ended_ns = now_ns;
            text_put(&mark, "ARCENTRA_EXECUTION=");
            put_execution(local, step->token, &mark);
            proc_kill_marked(mark.ptr, 0);
            text_deinit(&mark);
            break;
        }
    }
}

void local_close(struct local *local, int keep)
{
    while (local->steps != NULL) {
        struct local_step *step = local->steps;
        local->steps = step->next;
        proc_kill(&step->proc);
        free_step(step);
    }
    if (local->mark[0] != '\0') {
        const pid_t known[] = {local->keeper.pid};
        proc_kill_marked(local->mark, 0);
        /* What has left its group and cleared its environment came to us when its parent ended. */
        proc_kill_strangers(known, sizeof(known) / sizeof(known[0]));
    }
    keeper_stop(&local->keeper);
    if (local->top != NULL && keep)
        fprintf(stderr, "The workspaces stay in %s/work.\n", local->top);
    else if (local->top != NULL)
        tree_remove(local->top);
    mem_free(local->top);
    mem_free(local->workdir);
}
