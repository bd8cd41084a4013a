/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view.h"

#include <arcentra/states.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cli/draw.h"
#include "common/json.h"
#include "common/mem.h"

void view_init(struct view *view, FILE *out, int json, const char *title, const char *run_id)
{
    *view = (struct view){.mode = VIEW_PLAIN};
    term_init(&view->term, out);
    view->mode = json ? VIEW_JSON : view->term.live ? VIEW_TREE : VIEW_PLAIN;
    view->title = mem_copy(title);
    view->run_id = mem_copy(run_id);
    view->state = ARC_RUN_PENDING;
    view->changed = 1;
}

struct view_job *view_job(struct view *view, const char *name)
{
    for (size_t i = 0; i < view->job_count; i++) {
        if (strcmp(view->jobs[i].name, name) == 0)
            return &view->jobs[i];
    }
    view->jobs = mem_grow(view->jobs, (view->job_count + 1) * sizeof(view->jobs[0]));
    struct view_job *job = &view->jobs[view->job_count++];
    *job = (struct view_job){.name = mem_copy(name), .state = ARC_JOB_PENDING};
    return job;
}

struct view_step *view_step(struct view_job *job, const char *name)
{
    for (size_t i = 0; i < job->step_count; i++) {
        if (strcmp(job->steps[i].name, name) == 0)
            return &job->steps[i];
    }
    job->steps = mem_grow(job->steps, (job->step_count + 1) * sizeof(job->steps[0]));
    struct view_step *step = &job->steps[job->step_count++];
    *step = (struct view_step){.name = mem_copy(name), .state = ARC_STEP_PENDING};
    return step;
}

int view_find_state(const char *(*name_of)(int), const char *word)
{
    for (int state = 1; state < 16; state++) {
        if (word[0] != '\0' && strcmp(name_of(state), word) == 0)
            return state;
    }
    return 0;
}

/* NULL leaves it, "" takes it away. */
static void set_text(char **text, const char *value)
{
    if (value == NULL)
        return;
    mem_free(*text);
    *text = value[0] != '\0' ? mem_copy(value) : NULL;
}

/* What a change tells of the fields that jobs, steps and runs share. 1: the state is another. */
static int apply(const struct view_change *change, int *state, int64_t *start_ns, int64_t *end_ns,
                 char **reason)
{
    int moved = change->state != 0 && change->state != *state;
    if (moved) {
        *state = change->state;
        set_text(reason, ""); /* what was said of the state before does not hold any more */
    }
    if (change->start_ns != 0)
        *start_ns = change->start_ns;
    if (change->end_ns != 0)
        *end_ns = change->end_ns;
    if (change->reason != NULL && change->reason[0] != '\0')
        set_text(reason, change->reason);
    return moved;
}

static void put_change(struct view *view, const char *kind, const char *job, const char *step,
                       const char *state, const struct view_change *change)
{
    struct json_out json = {&view->pending, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "type", kind);
    json_put_text(&json, "runId", view->run_id);
    if (job != NULL)
        json_put_text(&json, "job", job);
    if (step != NULL)
        json_put_text(&json, "step", step);
    if (change->id != NULL)
        json_put_text(&json, "id", change->id);
    json_put_text(&json, "status", state);
    if (change->attempt > 0)
        json_put_uint(&json, "attempt", change->attempt);
    if (step != NULL && change->end_ns != 0)
        json_put_int(&json, "exitCode", change->exit_code);
    if (change->start_ns != 0)
        json_put_int(&json, "startTimeNs", change->start_ns);
    if (change->end_ns != 0)
        json_put_int(&json, "endTimeNs", change->end_ns);
    if (change->reason != NULL && change->reason[0] != '\0')
        json_put_text(&json, "reason", change->reason);
    json_close(&json, '}');
    text_put(&view->pending, "\n");
}

void view_change_run(struct view *view, const struct view_change *change)
{
    if (!apply(change, &view->state, &view->start_ns, &view->end_ns, &view->reason))
        return;
    view->changed = 1;
    if (view->quiet)
        return;
    if (view->mode == VIEW_JSON)
        put_change(view, "run", NULL, NULL, arc_run_state_name(view->state), change);
}

void view_change_job(struct view *view, const char *name, const struct view_change *change)
{
    struct view_job *job = view_job(view, name);
    job->attempt = change->attempt > 0 ? change->attempt : job->attempt;
    if (!apply(change, &job->state, &job->start_ns, &job->end_ns, &job->reason))
        return;
    view->changed = 1;
    if (view->quiet)
        return;
    if (view->mode == VIEW_JSON)
        put_change(view, "job", name, NULL, arc_job_state_name(job->state), change);
    else if (view->mode == VIEW_PLAIN && arc_job_state_is_terminal(job->state))
        draw_job_line(view, job);
}

void view_change_step(struct view *view, const char *job_name, const char *name,
                      const struct view_change *change)
{
    struct view_step *step = view_step(view_job(view, job_name), name);
    step->attempt = change->attempt > 0 ? change->attempt : step->attempt;
    if (change->id != NULL && change->id[0] != '\0')
        set_text(&step->id, change->id);
    if (change->end_ns != 0)
        step->exit_code = change->exit_code;
    if (!apply(change, &step->state, &step->start_ns, &step->end_ns, &step->reason))
        return;
    if (!arc_step_state_is_terminal(step->state))
        step->end_ns = 0; /* a further attempt */
    view->changed = 1;
    if (view->quiet)
        return;
    if (view->mode == VIEW_JSON)
        put_change(view, "step", job_name, name, arc_step_state_name(step->state), change);
    else if (view->mode == VIEW_PLAIN && step->state >= ARC_STEP_RUNNING &&
             step->state != ARC_STEP_SKIPPED)
        draw_step_line(view, job_name, step);
}

void view_log(struct view *view, const char *job, const char *step, const char *stream,
              int64_t number, const char *bytes, size_t len)
{
    if (view->mode != VIEW_JSON) {
        draw_log_line(view, job, step, bytes, len);
        return;
    }
    struct json_out json = {&view->pending, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "type", "log");
    json_put_text(&json, "runId", view->run_id);
    json_put_text(&json, "job", job);
    json_put_text(&json, "step", step);
    json_put_text(&json, "stream", stream);
    if (number > 0)
        json_put_int(&json, "line", number);
    json_put_bytes(&json, "text", bytes, len);
    json_close(&json, '}');
    text_put(&view->pending, "\n");
}

void view_gap(struct view *view, const char *job, const char *step, int64_t number, int64_t lines)
{
    if (view->mode != VIEW_JSON) {
        struct text text = {NULL, 0, 0};
        text_printf(&text, "(%" PRId64 " lines were lost here)", lines);
        draw_log_line(view, job, step, text.ptr, text.len);
        text_deinit(&text);
        return;
    }
    struct json_out json = {&view->pending, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "type", "gap");
    json_put_text(&json, "runId", view->run_id);
    json_put_text(&json, "job", job);
    json_put_text(&json, "step", step);
    json_put_int(&json, "line", number);
    json_put_int(&json, "lines", lines);
    json_close(&json, '}');
    text_put(&view->pending, "\n");
}

void view_say(struct view *view, const char *format, ...)
{
    struct text text = {NULL, 0, 0};
    va_list args;
    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    if (view->mode == VIEW_JSON) {
        struct json_out json = {&view->pending, 0};
        json_open(&json, NULL, '{');
        json_put_text(&json, "type", "note");
        json_put_text(&json, "text", text_get(&text));
        json_close(&json, '}');
    } else {
        text_put(&view->pending, text_get(&text));
    }
    text_put(&view->pending, "\n");
    text_deinit(&text);
}

void view_deinit(struct view *view)
{
    for (size_t i = 0; i < view->job_count; i++) {
        struct view_job *job = &view->jobs[i];
        for (size_t k = 0; k < job->step_count; k++) {
            mem_free(job->steps[k].name);
            mem_free(job->steps[k].id);
            mem_free(job->steps[k].reason);
        }
        mem_free(job->steps);
        mem_free(job->name);
        mem_free(job->reason);
    }
    mem_free(view->jobs);
    mem_free(view->title);
    mem_free(view->run_id);
    mem_free(view->reason);
    text_deinit(&view->pending);
}
