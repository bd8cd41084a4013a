/* SPDX-License-Identifier: Apache-2.0 */
/* An expression on trial: parsed, checked or evaluated, and what came of it as one line of text, so
 * that a table of two columns is a test. */
#ifndef ARC_TEST_EXPR_TRIAL_H
#define ARC_TEST_EXPR_TRIAL_H

#include "core/expr.h"
#include "shim.h"

struct trial {
    struct arc_arena arena;
    struct arc_world world;
    struct arc_scope scope; /* of a step, everything allowed; variables, jobs and steps declared */
    struct arc_expr_limits limits;
    struct arc_fault fault;
    struct arc_buf out;
    uint32_t findings;
    arc_status status; /* of the last call */
};

/* The world of expr_trial.c, in which every context has something. 0: memory is out. */
int trial_init(struct trial *trial, const struct arc_mem *mem);
void trial_deinit(struct trial *trial);

/* The value as JSON, `unknown`, or a fault: `name 0..5: the message (the hint)`. */
arc_slice trial_eval(struct trial *trial, const char *text);
arc_slice trial_eval_when(struct trial *trial, const char *text);
/* The type, or all findings in their order with `; ` between. */
arc_slice trial_check(struct trial *trial, const char *text);
/* `ok`, or the fault. */
arc_slice trial_parse(struct trial *trial, const char *text);

struct trial_row {
    const char *text, *want;
};
/* Each row's text by `run` is what it wants. */
void trial_rows(arc_slice (*run)(struct trial *trial, const char *text),
                const struct trial_row *rows, size_t count);
#define TRIAL(run, rows) trial_rows((run), (rows), sizeof(rows) / sizeof((rows)[0]))

#endif
