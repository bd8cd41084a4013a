/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that decide share, each seeing those below it:
 *
 *   decide_commands  what operators ask       decide_report  what holders say
 *   decide_time      what is due                     gates   what is said at gates
 *         └────────────┬──────────────┬────────────────┘
 *                   decide            │    what follows for other jobs, the end of the run
 *                      ├── attempt    │    the steps of one job, one after the other
 *                      └── judge ─────┘    whether something runs at all
 */
#ifndef ARC_CORE_DECIDE_PRIVATE_H
#define ARC_CORE_DECIDE_PRIVATE_H

#include "core/decide.h"

/* --- decide.c ------------------------------------------------------------------------ */

/* Appends the event, with everything that follows from the state filled in, and folds it. job and
 * step of init are indices or -1. */
arc_status arc__emit(struct arc_decision *d, struct arc_run *run, struct arc_event init,
                     arc_err *err);
/* Ends every pending step of a job with type (skipped or cancelled). */
arc_status arc__end_steps(struct arc_decision *d, struct arc_run *run, uint32_t j,
                          enum arc_event_type type, arc_slice reason, arc_err *err);
arc_status arc__end_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                        enum arc_event_type type, arc_slice reason, uint32_t cause, arc_err *err);
/* Takes a placed job on, then settles. */
arc_status arc__go_on(struct arc_decision *d, struct arc_run *run, uint32_t job, arc_err *err);
/* Queues or skips what has become ready by the decision's events so far; ends the run when nothing
 * is open. Cost is in proportion to the jobs that ended and those that wait for them. */
arc_status arc__settle(struct arc_decision *d, struct arc_run *run, arc_err *err);
/* The same, looking at every job of the present stage: a pause or a gate may have held them. */
arc_status arc__settle_all(struct arc_decision *d, struct arc_run *run, arc_err *err);
/* The same, with one job that time had held. */
arc_status arc__settle_job(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err);
/* Who wants a job to end, and why: ARC_CAUSE_ASKED, or 0 for failFast. */
struct arc_stop {
    arc_slice reason, actor;
    uint32_t cause;
    int force;
};
/* Ends a job, or asks its holder to. The caller settles. */
arc_status arc__stop_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                         const struct arc_stop *stop, arc_err *err);
/* 1: another cell of its matrix may be under way. */
int arc__has_room(const struct arc_run *run, uint32_t j);

static inline int arc__is_granted(const struct arc_step_state *step)
{
    return step->status == ARC_STEP_QUEUED || step->status == ARC_STEP_RUNNING;
}

/* 1: it runs also when its job's time is over: what cleans up, and what collects. After a stop only
 * the first does. */
static inline int arc__outlasts(const struct arc_plan_step *step)
{
    return step->finally != 0 || step->role == ARC_STEP_ROLE_ARTIFACTS;
}

/* --- judge.c ------------------------------------------------------------------------- */

/* What a condition comes to. */
struct arc_verdict {
    uint32_t stage;
    int runs;
    int waits;      /* for a gate, or for the run's slot */
    int failed;     /* it could not be decided: what it guards fails */
    int by_failure; /* skipped because something failed */
    arc_slice reason;
};
/* Everything that stands before a job. */
arc_status arc__admit(struct arc_decision *d, struct arc_run *run, uint32_t j,
                      struct arc_verdict *out, arc_err *err);
arc_status arc__judge_step(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                           uint32_t s, struct arc_verdict *out, arc_err *err);
/* 1: it failed or ran into its timeout. */
int arc__job_failed(const struct arc_run *run, uint32_t j);
/* 1: a step of this attempt was cancelled, though the run goes on. */
int arc__any_cancelled(const struct arc_run *run, uint32_t j, uint32_t before);
/* "Job a ended failed." */
arc_slice arc__blame_text(struct arc_decision *d, const struct arc_run *run, uint32_t j);

/* --- attempt.c ----------------------------------------------------------------------- */

/* Takes a job as far as it goes by itself: skips steps, grants the next one, or ends the attempt.
 * place: of a job that is not placed yet; NULL: it goes on where it is. The caller settles. */
arc_status arc__attempt_go_on(struct arc_decision *d, struct arc_run *run, uint32_t j,
                              const struct arc_place_facts *place, arc_err *err);
/* The attempt is over because its agent is: the job's retry, or failed; then settles. */
arc_status arc__lose_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j,
                             arc_slice reason, arc_err *err);

/* --- decide_time.c ------------------------------------------------------------------- */

/* When a started job's attempt runs out of time, mono; UINT64_MAX: never. */
uint64_t arc__job_deadline(const struct arc_run *run, uint32_t j);
/* The same of a running step. */
uint64_t arc__step_deadline(const struct arc_run *run, uint32_t j, uint32_t s);
/* When what its job has of time is over for a granted step: the job's timeout; of `finally` a time
 * of its own, once its job was to end. */
uint64_t arc__time_over(const struct arc_rules *rules, const struct arc_run *run, uint32_t j,
                        uint32_t s);
/* 1: the present step was to end because its run or its job was asked to. */
int arc__is_stopped(const struct arc_run *run, uint32_t j);

/* --- decide_commands.c --------------------------------------------------------------- */

/* cause: ARC_CAUSE_TIMEOUT, the run's own; 0: somebody asked. */
arc_status arc__stop_run(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                         arc_slice actor, int force, uint32_t cause, arc_err *err);

/* --- decide_report.c ----------------------------------------------------------------- */

/* The holder did not end its step although it was told to: it ends without it. */
arc_status arc__give_up_on(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err);

/* --- gates.c ------------------------------------------------------------------------- */

/* "the pipeline", "stage deploy" */
arc_slice arc__gate_shown(const struct arc_plan *plan, uint32_t gate, struct arc_arena *arena);
/* Asks for approval at a gate (1 + index) that has not come up before. */
arc_status arc__gate_ask(struct arc_decision *d, struct arc_run *run, uint32_t gate, arc_err *err);
/* When a gate that waits expires, mono; UINT64_MAX: never. */
uint64_t arc__gates_deadline(const struct arc_run *run);
/* Decides gates whose time is over; the caller settles. */
arc_status arc__gates_tick(struct arc_decision *d, struct arc_run *run, arc_err *err);

#endif
