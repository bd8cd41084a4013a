/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/draw.h"

#include <arcentra/states.h>
#include <stdio.h>
#include <string.h>

#include "common/duration.h"
#include "common/json.h"
#include "common/mem.h"

/* --- words and marks ------------------------------------------------------------------------- */

static const char *colour_of(const char *word)
{
    if (strcmp(word, "success") == 0)
        return TERM_GREEN;
    if (strcmp(word, "failed") == 0 || strcmp(word, "timeout") == 0)
        return TERM_RED;
    if (strcmp(word, "running") == 0)
        return TERM_CYAN;
    if (strcmp(word, "cancelled") == 0 || strcmp(word, "partial") == 0 ||
        strcmp(word, "paused") == 0)
        return TERM_YELLOW;
    return TERM_DIM;
}

static const char *mark_of(const struct term *term, const char *word)
{
    static const struct {
        const char *word, *utf8, *ascii;
    } marks[] = {{"success", "\xE2\x9C\x93", "+"}, {"failed", "\xE2\x9C\x97", "x"},
                 {"timeout", "\xE2\x9C\x97", "x"}, {"running", "\xE2\x97\x8F", "*"},
                 {"queued", "\xE2\x97\x8C", "."},  {"cancelled", "\xE2\x96\xA0", "#"},
                 {"partial", "\xE2\x9C\x97", "x"}, {"skipped", "\xE2\x80\x93", "-"}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strcmp(marks[i].word, word) == 0)
            return term->utf8 ? marks[i].utf8 : marks[i].ascii;
    }
    return term->utf8 ? "\xE2\x97\x8B" : "o";
}

static void put_time(struct text *text, int64_t start_ns, int64_t end_ns, int64_t now_ns)
{
    if (start_ns != 0)
        duration_put(text, (end_ns != 0         ? end_ns
                            : now_ns > start_ns ? now_ns
                                                : start_ns) -
                               start_ns);
}

/* --- lines ----------------------------------------------------------------------------------- */

void draw_log_line(struct view *view, const char *job, const char *step, const char *bytes,
                   size_t len)
{
    struct text prefix = {NULL, 0, 0};
    /* The log of one step alone is shown as it is. */
    if (job[0] != '\0') {
        text_printf(&prefix, "%s/%s |", job, step);
        term_put_colour(&view->term, &view->pending, TERM_DIM, prefix.ptr);
        text_put(&view->pending, " ");
    }
    term_put_safe(&view->term, &view->pending, bytes, len);
    text_put(&view->pending, "\n");
    text_deinit(&prefix);
}

static void put_state(struct view *view, const char *word, int64_t start_ns, int64_t end_ns,
                      const char *reason)
{
    struct text *out = &view->pending;
    term_put_colour(&view->term, out, colour_of(word), word);
    if (start_ns != 0 && end_ns != 0) {
        text_put(out, " in ");
        put_time(out, start_ns, end_ns, end_ns);
    }
    if (reason != NULL && reason[0] != '\0') {
        text_put(out, ": ");
        term_put_safe(&view->term, out, reason, strlen(reason));
    }
    text_put(out, "\n");
}

void draw_step_line(struct view *view, const char *job, const struct view_step *step)
{
    text_printf(&view->pending, "%s/%s: ", job, step->name);
    if (step->attempt > 1)
        text_printf(&view->pending, "(attempt %u) ", step->attempt);
    put_state(view, arc_step_state_name(step->state), step->start_ns, step->end_ns, step->reason);
}

void draw_job_line(struct view *view, const struct view_job *job)
{
    text_printf(&view->pending, "%s: ", job->name);
    put_state(view, arc_job_state_name(job->state), job->start_ns, job->end_ns, job->reason);
}

/* --- the tree -------------------------------------------------------------------------------- */

struct tree {
    struct view *view;
    struct text out;
    unsigned columns, rows, lines;
    int64_t now_ns;
};

/* One line: what stands before its mark, the mark, the name, and what is said behind. */
static void put_line(struct tree *tree, const char *indent, const char *word, const char *name,
                     int64_t start_ns, int64_t end_ns, const char *reason)
{
    const struct term *term = &tree->view->term;
    struct text rest = {NULL, 0, 0};
    if (tree->lines >= tree->rows)
        return;
    text_printf(&rest, " %s ", name);
    put_time(&rest, start_ns, end_ns, tree->now_ns);
    if (reason != NULL && reason[0] != '\0') {
        text_put(&rest, "  ");
        term_put_safe(term, &rest, reason, strlen(reason));
    }
    size_t used = strlen(indent) + 1;
    term_cut(&rest, tree->columns > used + 1 ? tree->columns - used - 1 : 1);
    text_put(&tree->out, indent);
    term_put_colour(term, &tree->out, colour_of(word), mark_of(term, word));
    text_put(&tree->out, rest.ptr);
    text_put(&tree->out, "\033[K\n");
    tree->lines++;
    text_deinit(&rest);
}

static void put_job(struct tree *tree, const struct view_job *job, int with_steps)
{
    put_line(tree, "  ", arc_job_state_name(job->state), job->name, job->start_ns, job->end_ns,
             job->reason);
    for (size_t i = 0; with_steps && i < job->step_count; i++) {
        const struct view_step *step = &job->steps[i];
        put_line(tree, "    ", arc_step_state_name(step->state), step->name, step->start_ns,
                 step->end_ns, step->reason);
    }
}

/* What does not fit is left away: first the steps of jobs that do not run, then the jobs that are
 * over, then whatever comes last. */
static void put_tree(struct tree *tree)
{
    const struct view *view = tree->view;
    size_t all = 1 + view->job_count, hidden = 0;
    for (size_t i = 0; i < view->job_count; i++)
        all += view->jobs[i].step_count;
    int tight = all > tree->rows, very = 1 + view->job_count * 2 > tree->rows;
    put_line(tree, "", arc_run_state_name(view->state), view->title, view->start_ns, view->end_ns,
             view->reason);
    for (size_t i = 0; i < view->job_count; i++) {
        const struct view_job *job = &view->jobs[i];
        int running = job->state == ARC_JOB_RUNNING;
        if (very && !running && tree->lines + 1 >= tree->rows)
            hidden++;
        else if (very && arc_job_state_is_terminal(job->state))
            hidden++;
        else
            put_job(tree, job, running || !tight);
    }
    if (hidden > 0) {
        text_printf(&tree->out, "  and %zu more\033[K\n", hidden);
        tree->lines++;
    }
}

/* One write, so that a terminal never shows half of it. */
static void flush(const struct view *view, const struct text *text)
{
    fwrite(text_get(text), 1, text->len, view->term.out);
    fflush(view->term.out);
}

static void erase(const struct view *view, struct text *out)
{
    if (view->drawn > 0)
        text_printf(out, "\033[%uA\r\033[J", view->drawn);
}

void view_draw(struct view *view, int64_t now_ns)
{
    struct tree tree = {.view = view, .now_ns = now_ns};
    if (view->mode != VIEW_TREE) {
        flush(view, &view->pending);
        text_clear(&view->pending);
        return;
    }
    term_get_size(&view->term, &tree.columns, &tree.rows);
    tree.rows = tree.rows > 3 ? tree.rows - 2 : 1;
    erase(view, &tree.out);
    text_add(&tree.out, view->pending.ptr, view->pending.len);
    text_clear(&view->pending);
    put_tree(&tree);
    flush(view, &tree.out);
    view->drawn = tree.lines;
    view->changed = 0;
    text_deinit(&tree.out);
}

/* --- the table ------------------------------------------------------------------------------- */

void table_add(struct table *table, const char *cell)
{
    text_add(&table->cells, cell, strlen(cell) + 1);
    table->count++;
}

/* Column widths beyond this are for the last column alone. */
#define TABLE_COLUMNS_MAX 12u

void table_print(const struct table *table, const struct term *term, const char *none)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0}, at = 0;
    struct text out = {NULL, 0, 0};
    for (size_t i = 0; i < table->count; i++) {
        const char *cell = table->cells.ptr + at;
        size_t width = term_width(cell), column = i % table->columns;
        if (column < TABLE_COLUMNS_MAX && width > widths[column])
            widths[column] = width;
        at += strlen(cell) + 1;
    }
    at = 0;
    for (size_t i = 0; i < table->count && table->count > table->columns; i++) {
        const char *cell = table->cells.ptr + at;
        size_t column = i % table->columns, width = term_width(cell);
        const char *colour = i < table->columns ? TERM_BOLD : colour_of(cell);
        if (i >= table->columns && strcmp(colour, TERM_DIM) == 0)
            text_put(&out, cell); /* not a state's word */
        else
            term_put_colour(term, &out, colour, cell);
        if (column + 1 == table->columns) {
            while (out.len > 0 && out.ptr[out.len - 1] == ' ')
                out.ptr[--out.len] = '\0';
            text_put(&out, "\n");
        } else
            text_printf(&out, "%*s", (int)(widths[column] - width + 2), "");
        at += strlen(cell) + 1;
    }
    if (table->count <= table->columns)
        text_printf(&out, "%s\n", none);
    fwrite(text_get(&out), 1, out.len, term->out);
    fflush(term->out);
    text_deinit(&out);
}

void table_deinit(struct table *table)
{
    text_deinit(&table->cells);
}

static void add_row(struct table *table, const char *job, const char *step, const char *word,
                    int64_t start_ns, int64_t end_ns, int64_t now_ns, const char *why)
{
    struct text time = {NULL, 0, 0};
    put_time(&time, start_ns, end_ns, now_ns);
    table_add(table, job);
    table_add(table, step);
    table_add(table, word);
    table_add(table, text_get(&time));
    table_add(table, why != NULL ? why : "");
    text_deinit(&time);
}

static void print_table(struct view *view, int64_t now_ns)
{
    struct table table = {{NULL, 0, 0}, 5, 0};
    static const char *const heads[] = {"JOB", "STEP", "RESULT", "TIME", "WHY"};
    for (size_t i = 0; i < 5; i++)
        table_add(&table, heads[i]);
    for (size_t i = 0; i < view->job_count; i++) {
        const struct view_job *job = &view->jobs[i];
        add_row(&table, job->name, "", arc_job_state_name(job->state), job->start_ns, job->end_ns,
                now_ns, job->reason);
        for (size_t k = 0; k < job->step_count; k++) {
            const struct view_step *step = &job->steps[k];
            add_row(&table, "", step->name, arc_step_state_name(step->state), step->start_ns,
                    step->end_ns, now_ns, step->reason);
        }
    }
    fputs("\n", view->term.out);
    table_print(&table, &view->term, "There is no job.");
    table_deinit(&table);
}

static void put_json_end(const struct view *view, struct text *out)
{
    struct json_out json = {out, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "type", "end");
    json_put_text(&json, "runId", view->run_id);
    json_put_text(&json, "status", arc_run_state_name(view->state));
    json_put_text(&json, "reason", view->reason);
    json_put_int(&json, "startTimeNs", view->start_ns);
    json_put_int(&json, "endTimeNs", view->end_ns);
    json_open(&json, "jobs", '[');
    for (size_t i = 0; i < view->job_count; i++) {
        const struct view_job *job = &view->jobs[i];
        json_open(&json, NULL, '{');
        json_put_text(&json, "job", job->name);
        json_put_text(&json, "status", arc_job_state_name(job->state));
        json_put_text(&json, "reason", job->reason);
        json_open(&json, "steps", '[');
        for (size_t k = 0; k < job->step_count; k++) {
            const struct view_step *step = &job->steps[k];
            json_open(&json, NULL, '{');
            json_put_text(&json, "step", step->name);
            json_put_text(&json, "stepRunId", step->id);
            json_put_text(&json, "status", arc_step_state_name(step->state));
            json_put_int(&json, "exitCode", step->exit_code);
            json_put_text(&json, "reason", step->reason);
            json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    text_put(out, "\n");
}

void view_end(struct view *view, int64_t now_ns)
{
    struct text out = {NULL, 0, 0};
    if (view->mode == VIEW_TREE)
        erase(view, &out);
    view->drawn = 0;
    text_add(&out, view->pending.ptr, view->pending.len);
    text_clear(&view->pending);
    if (view->mode == VIEW_JSON)
        put_json_end(view, &out);
    flush(view, &out);
    text_clear(&out);
    if (view->mode != VIEW_JSON) {
        print_table(view, now_ns);
        const char *word = arc_run_state_name(view->state);
        text_printf(&out, "\n%s: ", view->title);
        term_put_colour(&view->term, &out, colour_of(word), word);
        if (view->start_ns != 0) {
            text_put(&out, " in ");
            put_time(&out, view->start_ns, view->end_ns, now_ns);
        }
        if (view->reason != NULL)
            text_printf(&out, ": %s", view->reason);
        text_put(&out, "\n");
        flush(view, &out);
    }
    text_deinit(&out);
}
