/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gates.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "stage:ship" is named by itself, by "ship" and by "all". */
static int is_named(const char *name, const char *gate)
{
    const char *bare = strchr(gate, ':');
    return strcmp(name, "all") == 0 || strcmp(name, gate) == 0 ||
           (bare != NULL && strcmp(name, bare + 1) == 0);
}

static int is_approved(const struct gates *gates, const char *gate)
{
    for (size_t i = 0; i < gates->approved->count; i++) {
        if (is_named(gates->approved->items[i], gate))
            return 1;
    }
    return 0;
}

/* Whoever runs it here owns all of it: no list of approvers stands against that. */
static void decide(struct gates *gates, const char *gate, int reject, const char *comment)
{
    arc_gate_options options = ARC_GATE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    const char *user = getenv("USER");
    options.actor = user != NULL && user[0] != '\0' ? user : "arcentra run";
    options.comment = comment;
    options.reject = (uint32_t)reject;
    options.override = 1;
    if (arc_run_decide_gate(gates->ctl, gates->run_id, gate, &options, &err) != ARC_OK)
        view_say(gates->view, "%s", err.message); /* the run has ended meanwhile */
}

static void ask(struct gates *gates)
{
    if (gates->waiting.len > 0)
        view_say(gates->view, "Approve %s? Type yes or no.", gates->waiting.ptr);
}

void gates_take(struct gates *gates, const char *gate)
{
    if (is_approved(gates, gate)) {
        decide(gates, gate, 0, "--approve");
    } else if (gates->asks) {
        int idle = gates->waiting.len == 0;
        text_add(&gates->waiting, gate, strlen(gate) + 1);
        if (idle)
            ask(gates);
    } else {
        view_say(gates->view,
                 "The run waits for approval of %s, and nobody can be asked here: run "
                 "it with --approve %s.",
                 gate, gate);
        decide(gates, gate, 1, "nobody could be asked");
    }
}

int gates_wait(const struct gates *gates)
{
    return gates->asks && gates->waiting.len > 0;
}

static void drop_first(struct gates *gates)
{
    text_skip(&gates->waiting, strlen(gates->waiting.ptr) + 1);
}

static void answer(struct gates *gates, const char *line)
{
    int yes = line[0] == 'y' || line[0] == 'Y';
    if (!yes && line[0] != 'n' && line[0] != 'N') {
        ask(gates);
        return;
    }
    decide(gates, gates->waiting.ptr, !yes, "");
    drop_first(gates);
    ask(gates);
}

void gates_read(struct gates *gates)
{
    char bytes[256];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (got <= 0) { /* whoever was there has gone */
        gates->asks = 0;
        while (gates->waiting.len > 0) {
            decide(gates, gates->waiting.ptr, 1, "nobody answered");
            drop_first(gates);
        }
        return;
    }
    text_add(&gates->typed, bytes, (size_t)got);
    for (;;) {
        char *end = gates->typed.len > 0 ? memchr(gates->typed.ptr, '\n', gates->typed.len) : NULL;
        if (end == NULL)
            return;
        *end = '\0';
        if (gates->waiting.len > 0)
            answer(gates, gates->typed.ptr);
        text_skip(&gates->typed, (size_t)(end - gates->typed.ptr) + 1);
    }
}

void gates_deinit(struct gates *gates)
{
    text_deinit(&gates->waiting);
    text_deinit(&gates->typed);
}
