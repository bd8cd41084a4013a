/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: approvals before what they guard. A gate waits, is decided once, and what it refused stays
 * refused. How jobs wait for one is decide.c. */
#include "core/decide.h"

#include "core/decide_private.h"

/* --- names --------------------------------------------------------------------------- */

static const char *guard_word(const struct arc_plan_gate *gate)
{
    return gate->guards == ARC_GATE_STAGE ? "stage" : gate->guards == ARC_GATE_JOB ? "job" : "";
}

/* A gate before a matrix job stands before all of its cells. */
static arc_slice guarded(const struct arc_plan *plan, const struct arc_plan_gate *gate)
{
    if (gate->guards == ARC_GATE_STAGE)
        return plan->stages[gate->index].name;
    if (gate->guards != ARC_GATE_JOB)
        return ARC_LIT("pipeline");
    const struct arc_plan_job *job = &plan->jobs[gate->index];
    uint32_t next = gate->index + 1, own = (uint32_t)(gate - plan->gates) + 1;
    int shared = next < plan->job_count && plan->jobs[next].gate == own;
    return shared ? job->name : job->key;
}

arc_slice arc__gate_name(const struct arc_plan *plan, uint32_t gate, struct arc_arena *arena)
{
    const struct arc_plan_gate *def = &plan->gates[gate - 1];
    if (def->guards == ARC_GATE_PIPELINE)
        return ARC_LIT("pipeline");
    return arc__arena_printf(arena, "%s:%.*s", guard_word(def), ARC_ARG(guarded(plan, def)));
}

static int has_name(const struct arc_plan *plan, const struct arc_plan_gate *gate, arc_slice name)
{
    arc_slice word = arc__slice_cstr(guard_word(gate));
    if (word.len == 0 || !arc__slice_starts(name, word) || name.len <= word.len ||
        name.ptr[word.len] != ':')
        return 0;
    return arc__slice_equal(guarded(plan, gate), arc__slice_from(name, word.len + 1));
}

uint32_t arc__gate_find(const struct arc_plan *plan, arc_slice name)
{
    uint32_t bare = 0, count = 0;
    for (uint32_t i = 0; i < plan->gate_count; i++) {
        int same = arc__slice_equal(guarded(plan, &plan->gates[i]), name);
        if (has_name(plan, &plan->gates[i], name) ||
            (same && plan->gates[i].guards == ARC_GATE_PIPELINE))
            return i + 1;
        bare = same ? i + 1 : bare;
        count += same != 0;
    }
    return count == 1 ? bare : 0;
}

arc_slice arc__gate_shown(const struct arc_plan *plan, uint32_t gate, struct arc_arena *arena)
{
    const struct arc_plan_gate *def = &plan->gates[gate - 1];
    if (def->guards == ARC_GATE_PIPELINE)
        return ARC_LIT("the pipeline");
    return arc__arena_printf(arena, "%s %.*s", guard_word(def), ARC_ARG(guarded(plan, def)));
}

/* --- deciding ------------------------------------------------------------------------ */

static arc_status say(struct arc_decision *d, struct arc_run *run, uint32_t gate,
                      struct arc_event event, arc_err *err)
{
    event.job = event.step = -1;
    event.gate = gate;
    event.gate_name = arc__gate_name(run->plan, gate, d->arena);
    if (d->arena->failed)
        return arc__fail_nomem(err);
    return arc__emit(d, run, event, err);
}

arc_status arc__gate_ask(struct arc_decision *d, struct arc_run *run, uint32_t gate, arc_err *err)
{
    const struct arc_plan_gate *def = &run->plan->gates[gate - 1];
    if (run->gates[gate - 1].status != ARC_GATE_IDLE)
        return ARC_OK;
    struct arc_event event = {
        .type = ARC_EVENT_APPROVAL_REQUESTED,
        .reason = arc__arena_printf(d->arena, "Approval is asked for before %.*s.",
                                    ARC_ARG(arc__gate_shown(run->plan, gate, d->arena))),
        .expires_ns = def->timeout_ns > 0 ? d->now.wall_ns + def->timeout_ns : 0};
    return say(d, run, gate, event, err);
}

static int may_approve(const struct arc_plan_gate *gate, arc_slice actor)
{
    for (uint32_t i = 0; i < gate->approver_count; i++) {
        if (arc__slice_equal(gate->approvers[i], actor))
            return 1;
    }
    return gate->approver_count == 0;
}

/* Whose word counts at a gate: its plugin's, or people's. */
static arc_status check_speaker(const struct arc_plan_gate *gate, const struct arc_say *said,
                                arc_err *err)
{
    if (said->override)
        return ARC_OK;
    if (gate->automatic && !said->plugin)
        return arc__fail(err, ARC_EDENIED, "gate", "The plugin %.*s decides at this gate.",
                         ARC_ARG(gate->plugin));
    if (!gate->automatic && said->plugin)
        return arc__fail(err, ARC_EDENIED, "gate", "People decide at this gate, not a plugin.");
    if (!gate->automatic && !may_approve(gate, said->actor))
        return arc__fail(err, ARC_EDENIED, "gate", "%.*s is not one of the gate's approvers.",
                         ARC_ARG(said->actor));
    return ARC_OK;
}

static int has_approved(const struct arc_gate_state *gate, arc_slice actor)
{
    for (uint32_t i = 0; i < gate->approvals; i++) {
        if (arc__slice_equal(gate->approved_by[i], actor))
            return 1;
    }
    return 0;
}

static const char *status_word(int status)
{
    if (status == ARC_GATE_LEFT)
        return "of what was cancelled";
    return status == ARC_GATE_IDLE ? "not asked for" : arc_gate_state_name(status);
}

/* "Approved by ann: looks good", or without the end */
static arc_slice decided_text(struct arc_decision *d, const struct arc_run *run,
                              const struct arc_say *said)
{
    arc_slice what = arc__gate_shown(run->plan, said->gate, d->arena);
    const char *verb = said->approve ? "Approved" : "Rejected";
    if (said->comment.len == 0)
        return arc__arena_printf(d->arena, "%s before %.*s by %.*s.", verb, ARC_ARG(what),
                                 ARC_ARG(said->actor));
    return arc__arena_printf(d->arena, "%s before %.*s by %.*s: %.*s", verb, ARC_ARG(what),
                             ARC_ARG(said->actor), ARC_ARG(said->comment));
}

arc_status arc__gate_check(const struct arc_run *run, const struct arc_say *said, int *again,
                           arc_err *err)
{
    *again = 0;
    if (said->gate == 0 || said->gate > run->plan->gate_count)
        return arc__fail(err, ARC_ENOTFOUND, "gate", "The run has no such gate.");
    const struct arc_plan_gate *def = &run->plan->gates[said->gate - 1];
    const struct arc_gate_state *gate = &run->gates[said->gate - 1];
    ARC_TRY(check_speaker(def, said, err));
    *again = gate->status == (said->approve ? ARC_GATE_APPROVED : ARC_GATE_REJECTED);
    if (*again)
        return ARC_OK; /* decided so already */
    if (gate->status != ARC_GATE_WAITING || run->stopping || arc__run_over(run))
        return arc__fail(err, ARC_ECONFLICT, "gate", "The gate does not wait: it is %s.",
                         gate->status == ARC_GATE_WAITING ? "of a run that ends"
                                                          : status_word(gate->status));
    *again = said->approve && !said->override && !said->plugin && has_approved(gate, said->actor);
    return ARC_OK;
}

arc_status arc__decide_gate(struct arc_decision *d, struct arc_run *run,
                            const struct arc_say *given, arc_err *err)
{
    struct arc_say own = *given;
    const struct arc_say *said = &own;
    int again = 0;
    ARC_TRY(arc__gate_check(run, said, &again, err));
    if (again)
        return ARC_OK;
    if (said->plugin && said->actor.len == 0)
        own.actor = run->plan->gates[said->gate - 1].plugin;
    struct arc_event event = {.type = said->approve ? ARC_EVENT_APPROVAL_APPROVED
                                                    : ARC_EVENT_APPROVAL_REJECTED,
                              .force = said->approve && (said->override || said->plugin),
                              .actor = said->actor,
                              .comment = said->comment,
                              .channel = said->channel,
                              .reason = decided_text(d, run, said)};
    ARC_TRY(say(d, run, said->gate, event, err));
    return arc__settle(d, run, err);
}

/* --- what time asks ------------------------------------------------------------------ */

uint64_t arc__gates_deadline(const struct arc_run *run)
{
    uint64_t at = UINT64_MAX;
    for (uint32_t i = 0; run->gates_waiting > 0 && !run->stopping && i < run->plan->gate_count;
         i++) {
        const struct arc_gate_state *gate = &run->gates[i];
        if (gate->status == ARC_GATE_WAITING && gate->expires_mono_ns != 0 &&
            gate->expires_mono_ns < at)
            at = gate->expires_mono_ns;
    }
    return at;
}

static arc_status expire(struct arc_decision *d, struct arc_run *run, uint32_t gate, arc_err *err)
{
    int approve = run->plan->gates[gate - 1].approve_on_timeout != 0;
    arc_slice what = arc__gate_shown(run->plan, gate, d->arena);
    struct arc_event event = {
        .type = approve ? ARC_EVENT_APPROVAL_APPROVED : ARC_EVENT_APPROVAL_EXPIRED,
        .force = approve,
        .cause = ARC_CAUSE_TIMEOUT,
        .channel = ARC_LIT("timeout"),
        .reason =
            approve ? arc__arena_printf(d->arena,
                                        "Nobody decided before %.*s in time: its `onTimeout` "
                                        "approves.",
                                        ARC_ARG(what))
                    : arc__arena_printf(d->arena, "Nobody approved %.*s in time.", ARC_ARG(what))};
    return say(d, run, gate, event, err);
}

arc_status arc__gates_tick(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    for (uint32_t i = 0; i < run->plan->gate_count; i++) {
        const struct arc_gate_state *gate = &run->gates[i];
        if (gate->status == ARC_GATE_WAITING && gate->expires_mono_ns != 0 &&
            gate->expires_mono_ns <= d->now.mono_ns)
            ARC_TRY(expire(d, run, i + 1, err));
    }
    return ARC_OK;
}
