/* SPDX-License-Identifier: Apache-2.0 */
/* The executor of `arcentra run`: shell steps of the engine in this process, as processes of this
 * machine. */
#ifndef EXAMPLES_CLI_LOCAL_H
#define EXAMPLES_CLI_LOCAL_H

#include <arcentra/run.h>
#include <poll.h>

#include "cli/view.h"
#include "common/keeper.h"
#include "common/lines.h"
#include "common/proc.h"

struct local_step;

struct local {
    arc_ctl *ctl;
    struct view *view;
    struct keeper keeper;
    char mark[64]; /* in the environment of every process of ours */
    char *workdir; /* NULL: a workspace for each job */
    char *top;     /* of the workspaces and the scripts; made and removed here */
    struct local_step *steps;
    size_t count;
};

/* Makes its directory and starts its keeper. 0, or says what is wrong and answers an exit code. */
int local_open(struct local *local, const char *workdir);
/* Offers `shell`, and refuses every other name by name. */
arc_status local_offer(struct local *local, arc_ctl *ctl, struct view *view, arc_err *err);
/* The pipes to wait for; answers how many. */
size_t local_fill_fds(const struct local *local, struct pollfd *fds, size_t most);
/* Reads what is there, ends what has ended or is due. Answers when it wants to be called again, on
 * CLOCK_BOOTTIME. */
int64_t local_tick(struct local *local, int64_t now_ns);
/* SIGCHLD. */
void local_reap(struct local *local, int64_t now_ns);
/* Kills what runs. keep: leaves the workspaces. */
void local_close(struct local *local, int keep);

#endif
