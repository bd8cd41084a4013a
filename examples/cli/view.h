/* SPDX-License-Identifier: Apache-2.0 */
/* A run as it is shown: what is known of its jobs and steps, and three ways to show how that
 * changes: a live tree on a terminal, plain lines elsewhere, JSON lines for machines. Where the
 * news come from (this process or a server) it does not know. */
#ifndef EXAMPLES_CLI_VIEW_H
#define EXAMPLES_CLI_VIEW_H

#include <stdint.h>

#include "cli/term.h"
#include "common/text.h"

enum view_mode {
    VIEW_PLAIN,
    VIEW_TREE,
    VIEW_JSON,
};

struct view_step {
    char *name, *id, *reason;
    int state; /* ARC_STEP_…, 0: nothing known */
    int exit_code;
    uint32_t attempt;
    int64_t start_ns, end_ns; /* wall clock; 0: not */
};

struct view_job {
    char *name, *reason;
    int state; /* ARC_JOB_… */
    uint32_t attempt;
    int64_t start_ns, end_ns;
    struct view_step *steps;
    size_t step_count;
};

struct view {
    struct term term;
    enum view_mode mode;
    int quiet; /* changes are kept and not shown */
    char *title, *run_id, *reason;
    int state; /* ARC_RUN_… */
    int64_t start_ns, end_ns;
    struct view_job *jobs;
    size_t job_count;
    unsigned drawn;      /* lines of the tree that stand on the terminal now */
    int changed;         /* the tree is to be drawn anew */
    struct text pending; /* log lines to print above it */
};

/* What has changed of a job or a step; zero or NULL: not told. */
struct view_change {
    int state, exit_code;
    uint32_t attempt;
    int64_t start_ns, end_ns;
    const char *id, *reason;
};

void view_init(struct view *view, FILE *out, int json, const char *title, const char *run_id);
/* A view by name; made when it is new, in the order of the first word. The pointers hold until the
 * next one is made. */
struct view_job *view_job(struct view *view, const char *name);
struct view_step *view_step(struct view_job *job, const char *name);

void view_change_run(struct view *view, const struct view_change *change);
void view_change_job(struct view *view, const char *job, const struct view_change *change);
void view_change_step(struct view *view, const char *job, const char *step,
                      const struct view_change *change);
/* One line without its newline. number: 0 where it is not known. */
void view_log(struct view *view, const char *job, const char *step, const char *stream,
              int64_t number, const char *bytes, size_t len);
/* So many lines were lost in the place of this one. */
void view_gap(struct view *view, const char *job, const char *step, int64_t number, int64_t lines);
/* A line of the program's own, above the tree. */
__attribute__((__format__(__printf__, 2, 3))) void view_say(struct view *view, const char *format,
                                                            ...);
/* Draws what has changed. now_ns: wall clock, for what runs. */
void view_draw(struct view *view, int64_t now_ns);
/* Takes the tree away and prints the table of the whole run. */
void view_end(struct view *view, int64_t now_ns);
void view_deinit(struct view *view);

/* A state's number from its word, by the kind's own name function; 0: none has it. */
int view_find_state(const char *(*name_of)(int), const char *word);

#endif
