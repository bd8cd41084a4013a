/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about agents share. */
#ifndef ARC_COMMAND_AGENT_H
#define ARC_COMMAND_AGENT_H

#include "command/show.h"

/* Highest protocol level that is spoken here. */
#define ARC_AGENT_LEVEL 1

/* Whose call it is: the credential's. ARC_EDENIED when the body names another agent. The host has
 * no credential and names the agent in the body. *out is borrowed from either. */
arc_status arc__agent_who(const struct arc_op *op, const char *named, arc_slice *out, arc_err *err);
/* How often agents are asked to be heard of. */
/* How often agents are asked to be heard of: three times in the life of a lease. */
int64_t arc__agent_heartbeat_ns(const struct arc_op *op);

/* Leases of a heartbeat, in arena. */
arc_status arc__agent_leases(Agent__V1__Lease **leases, size_t count, struct arc_arena *arena,
                             struct arc_lease **out, arc_err *err);
Agent__V1__LeaseRenewal *arc__agent_renewal(const struct arc_renewal *renewal,
                                            struct arc_arena *arena);
void arc__agent_cancel(Agent__V1__TaskCancel *out, const struct arc_cancel_order *order,
                       struct arc_arena *arena);

/* What a report says, whichever message it came in. */
struct arc_agent_report {
    const char *step_run_id, *error_message;
    int32_t status, attempt, exit_code;
    uint64_t fence;
    int64_t log_lines;
    const void *message; /* has the maps metrics and outputs */
};
/* op->tag of the answer is a struct arc_agent_reported. */
struct arc_agent_reported {
    char step_run_id[129];
    int32_t attempt;
    uint64_t fence;
};
arc_status arc__agent_report_submit(struct arc_op *op, arc_slice agent_id,
                                    const struct arc_agent_report *report, arc_op_answer answer,
                                    arc_err *err);

#endif
