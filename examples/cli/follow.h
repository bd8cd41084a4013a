/* SPDX-License-Identifier: Apache-2.0 */
/* A run on a server, shown as it goes: its status streams say that something has changed, its lists
 * say what, and each step's log is a stream of its own. A connection that breaks is taken up where
 * it was: no line is missing and none comes twice. */
#ifndef EXAMPLES_CLI_FOLLOW_H
#define EXAMPLES_CLI_FOLLOW_H

#include "cli/remote.h"
#include "cli/view.h"

/* What to show. */
#define FOLLOW_STATES 1 /* the tree or the lines of states, and the table at the end */
#define FOLLOW_LOGS 2   /* what the steps say */
#define FOLLOW_LIVE 4   /* until the run is over; else what is there now */

/* The exit code: of the run with FOLLOW_LIVE, else of the showing. Ctrl-C ends the showing, not the
 * run. */
int follow_run(struct remote *remote, const char *run_id, unsigned what);
/* One step's log. */
int follow_step(struct remote *remote, const char *step_run_id, int live, int64_t tail);
/* Fills a view with the jobs and steps of a run as they stand. 0, or an exit code. */
int follow_refresh(struct remote *remote, const char *run_id, struct view *view);
/* The same from an answer that has all of them: control.v1.ShowPipelineRunResponse. */
void follow_fill(struct view *view, const json_node *reply);

#endif
