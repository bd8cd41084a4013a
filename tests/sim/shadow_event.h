/* SPDX-License-Identifier: Apache-2.0 */
/* A stored event as the shadow reads it: with a scanner of its own. */
#ifndef ARC_SIM_SHADOW_EVENT_H
#define ARC_SIM_SHADOW_EVENT_H

#include "shadow.h"

struct stored {
    arc_slice type, stream; /* type without "arcentra." */
    arc_slice pipeline_id, step_run_id, agent_id, actor, outputs, step_ids, birth;
    int64_t job, step, state, previous, attempt, exit_code, cause, fence, not_before_ns, force;
    int64_t gate, expires_ns;
    int64_t seq, position, time_ns;
};

/* 0: the body is no JSON object as it should be. */
int stored_read(const struct arc_row_event *row, struct stored *out);
/* The value of a key of an object: quotes are cut off; ARC_NONE: there is none. */
arc_slice stored_get(arc_slice object, const char *key);
/* Walks a list of texts: ARC_NONE at its end. *at = 0 first. */
arc_slice stored_item(arc_slice list, size_t *at);

#endif
