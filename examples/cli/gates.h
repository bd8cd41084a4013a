/* SPDX-License-Identifier: Apache-2.0 */
/* The approvals of a local run: given beforehand with --approve, or asked for on the terminal. */
#ifndef EXAMPLES_CLI_GATES_H
#define EXAMPLES_CLI_GATES_H

#include <arcentra/run.h>

#include "cli/view.h"
#include "common/args.h"

struct gates {
    arc_ctl *ctl;
    const char *run_id;
    struct view *view;
    const struct arg_list *approved; /* names, or "all" */
    int asks;                        /* somebody is at the terminal */
    struct text waiting;             /* names of gates, each with its NUL; the first is asked for */
    struct text typed;
};

/* A gate waits: it is decided at once or put into the queue. */
void gates_take(struct gates *gates, const char *gate);
/* 1: an answer is awaited on stdin. */
int gates_wait(const struct gates *gates);
/* Reads what was typed. */
void gates_read(struct gates *gates);
void gates_deinit(struct gates *gates);

#endif
