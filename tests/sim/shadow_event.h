/* SPDX-License-Identifier: Apache-2.0 */
/* A stored event as the shadow reads it: with a scanner of its own. */
#ifndef ARC_SIM_SHADOW_EVENT_H
#define ARC_SIM_SHADOW_EVENT_H

#include "shadow.h"

struct stored {
    arc_slice type, stream; /* type without "arcentra." */
    arc_slice pipeline_id, step_run_id, agent_id, actor, outputs, step_ids, birth, reason;
    int64_t job, step, state, previous, attempt, exit_code, cause, fence, not_before_ns, force;
    int64_t gate, expires_ns, log_lines;
    int64_t seq, position, time_ns;
};

/* What a run is born with; the texts are of the event. */
struct stored_birth {
    arc_slice request_id, project_id, rerun_of, job_ids, step_ids, kept;
    int64_t number, priority, attempt;
};
void stored_read_birth(arc_slice birth, struct stored_birth *out);
struct stored_kept {
    int64_t status, by_failure;
    arc_slice outputs;
};
/* The next of a list of such objects: 0 at its end. *at = 0 first. */
int stored_next_kept(arc_slice list, size_t *at, struct stored_kept *out);

/* 0: the body is no JSON object as it should be. */
int stored_read(const struct arc_row_event *row, struct stored *out);
/* Walks a list of texts: ARC_NONE at its end. *at = 0 first. */
arc_slice stored_item(arc_slice list, size_t *at);

#endif
