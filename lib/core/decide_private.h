/* SPDX-License-Identifier: Apache-2.0 */
/* What decide.c (going on) and decide_commands.c (what is asked for) share. */
#ifndef ARC_CORE_DECIDE_PRIVATE_H
#define ARC_CORE_DECIDE_PRIVATE_H

#include "core/decide.h"

/* Appends the event, with everything that follows from the state filled in, and folds it. job and
 * step of init are indices or -1. */
arc_status arc__emit(struct arc_decision *d, struct arc_run *run, struct arc_event init,
                     arc_err *err);
/* Ends every pending step of a job with type (skipped or cancelled). */
arc_status arc__end_steps(struct arc_decision *d, struct arc_run *run, uint32_t j,
                          enum arc_event_type type, arc_slice reason, arc_err *err);
arc_status arc__end_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                        enum arc_event_type type, arc_slice reason, uint32_t cause, arc_err *err);
/* The job's attempt is over because its agent is: the job's retry, or failed; then settles. */
arc_status arc__lose_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j,
                             arc_slice reason, arc_err *err);
/* Asks for approval at a gate (1 + index) that has not come up before. */
arc_status arc__gate_ask(struct arc_decision *d, struct arc_run *run, uint32_t gate, arc_err *err);
/* When a gate that waits expires, mono; UINT64_MAX: never. */
uint64_t arc__gates_deadline(const struct arc_run *run);
/* Decides gates whose time is over; the caller settles. */
arc_status arc__gates_tick(struct arc_decision *d, struct arc_run *run, arc_err *err);
/* Takes a placed job on, then settles. */
arc_status arc__go_on(struct arc_decision *d, struct arc_run *run, uint32_t job, arc_err *err);
/* Queues or skips what has become ready by the decision's events so far; ends the run when nothing
 * is open. Cost is in proportion to the jobs that ended and those that wait for them. */
arc_status arc__settle(struct arc_decision *d, struct arc_run *run, arc_err *err);
/* The same, looking at every job of the present stage: time or a pause may have held them. */
arc_status arc__settle_all(struct arc_decision *d, struct arc_run *run, arc_err *err);

/* 1: another cell of its matrix may be under way. */
int arc__has_room(const struct arc_run *run, uint32_t j);
/* When a started job's attempt runs out of time, mono; UINT64_MAX: never. */
uint64_t arc__job_deadline(const struct arc_run *run, uint32_t j);
/* The same of a running step. */
uint64_t arc__step_deadline(const struct arc_run *run, uint32_t j, uint32_t s);
/* When what its job has of time is over for a granted step: the job's timeout; of `finally` a time
 * of its own, once its job was to end. */
uint64_t arc__time_over(const struct arc_rules *rules, const struct arc_run *run, uint32_t j,
                        uint32_t s);

#endif
