/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The state machines of runs, jobs, steps and gates as data. Everything else that knows a state
 * (names, diagrams, the bindings' enums, the test that walks every pair) is made from these lists.
 *
 *   S(NAME, number, word)     a state; numbers are those of the wire and the database
 *   G(NAME, number, word)     a signal: what may happen to it
 *   M(STATE, SIGNAL, STATE)   a move
 *   I(STATE, SIGNAL)          ignored: nothing changes and it is no error
 *   E(SIGNAL, EVENT, "type")  the event of a run's log that says that it has happened
 *
 * Every pair of a state and a signal that stands in neither M nor I is refused. A terminal state
 * has no M row. State 0 is never valid.
 */
#ifndef ARCENTRA_STATES_H
#define ARCENTRA_STATES_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

/* clang-format off */

#define ARC_RUN_STATES(S)                                                                          \
    S(PENDING, 1, "pending") S(RUNNING, 2, "running") S(SUCCESS, 3, "success")                     \
    S(FAILED, 4, "failed") S(CANCELLED, 5, "cancelled") S(PAUSED, 6, "paused")                     \
    S(PARTIAL, 7, "partial")

#define ARC_RUN_SIGNALS(G)                                                                         \
    G(START, 1, "start") G(SUCCEED, 2, "succeed") G(FAIL, 3, "fail") G(CANCEL, 4, "cancel")        \
    G(END_PARTIAL, 5, "end_partial") G(PAUSE, 6, "pause") G(RESUME, 7, "resume")                   \
    G(RESUME_PENDING, 8, "resume_pending")

/* RESUME_PENDING is the resume of a run in which nothing had started; its event is RESUME's. */
#define ARC_RUN_MOVES(M)                                                                           \
    M(PENDING, START, RUNNING) M(PENDING, SUCCEED, SUCCESS) M(PENDING, FAIL, FAILED)               \
    M(PENDING, CANCEL, CANCELLED) M(PENDING, END_PARTIAL, PARTIAL) M(PENDING, PAUSE, PAUSED)       \
    M(RUNNING, SUCCEED, SUCCESS) M(RUNNING, FAIL, FAILED) M(RUNNING, CANCEL, CANCELLED)            \
    M(RUNNING, END_PARTIAL, PARTIAL) M(RUNNING, PAUSE, PAUSED)                                     \
    M(PAUSED, RESUME, RUNNING) M(PAUSED, RESUME_PENDING, PENDING) M(PAUSED, SUCCEED, SUCCESS)      \
    M(PAUSED, FAIL, FAILED) M(PAUSED, CANCEL, CANCELLED) M(PAUSED, END_PARTIAL, PARTIAL)

#define ARC_RUN_IGNORES(I)                                                                         \
    I(RUNNING, START) I(PAUSED, START)

#define ARC_RUN_EVENTS(E)                                                                          \
    E(START, PIPELINE_STARTED, "arcentra.pipeline.started")                                        \
    E(SUCCEED, PIPELINE_COMPLETED, "arcentra.pipeline.completed")                                  \
    E(FAIL, PIPELINE_FAILED, "arcentra.pipeline.failed")                                           \
    E(CANCEL, PIPELINE_CANCELLED, "arcentra.pipeline.cancelled")                                   \
    E(END_PARTIAL, PIPELINE_PARTIAL, "arcentra.pipeline.partial")                                  \
    E(PAUSE, PIPELINE_PAUSED, "arcentra.pipeline.paused")                                          \
    E(RESUME, PIPELINE_RESUMED, "arcentra.pipeline.resumed")

#define ARC_JOB_STATES(S)                                                                          \
    S(PENDING, 1, "pending") S(QUEUED, 2, "queued") S(RUNNING, 3, "running")                       \
    S(SUCCESS, 4, "success") S(FAILED, 5, "failed") S(CANCELLED, 6, "cancelled")                   \
    S(TIMEOUT, 7, "timeout") S(SKIPPED, 8, "skipped")

#define ARC_JOB_SIGNALS(G)                                                                         \
    G(QUEUE, 1, "queue") G(START, 2, "start") G(SUCCEED, 3, "succeed") G(FAIL, 4, "fail")          \
    G(CANCEL, 5, "cancel") G(EXPIRE, 6, "expire") G(SKIP, 7, "skip") G(RETRY, 8, "retry")

/* A job is queued until the first of its steps starts, whether it has been placed or not. It can
 * end from queued: no step of it had to run, or it was lost too often before one started. */
#define ARC_JOB_MOVES(M)                                                                           \
    M(PENDING, QUEUE, QUEUED) M(PENDING, SKIP, SKIPPED) M(PENDING, CANCEL, CANCELLED)              \
    M(QUEUED, START, RUNNING) M(QUEUED, SUCCEED, SUCCESS) M(QUEUED, FAIL, FAILED)                  \
    M(QUEUED, CANCEL, CANCELLED) M(QUEUED, EXPIRE, TIMEOUT)                                        \
    M(RUNNING, SUCCEED, SUCCESS) M(RUNNING, FAIL, FAILED) M(RUNNING, CANCEL, CANCELLED)            \
    M(RUNNING, EXPIRE, TIMEOUT) M(RUNNING, RETRY, PENDING) M(QUEUED, RETRY, PENDING)

#define ARC_JOB_IGNORES(I)                                                                         \
    I(RUNNING, START)

#define ARC_JOB_EVENTS(E)                                                                          \
    E(QUEUE, JOB_QUEUED, "arcentra.job.queued")                                                    \
    E(START, JOB_STARTED, "arcentra.job.started")                                                  \
    E(SUCCEED, JOB_COMPLETED, "arcentra.job.completed")                                            \
    E(FAIL, JOB_FAILED, "arcentra.job.failed")                                                     \
    E(CANCEL, JOB_CANCELLED, "arcentra.job.cancelled")                                             \
    E(EXPIRE, JOB_TIMEOUT, "arcentra.job.timeout")                                                 \
    E(SKIP, JOB_SKIPPED, "arcentra.job.skipped")                                                   \
    E(RETRY, JOB_RETRYING, "arcentra.job.retrying")

#define ARC_STEP_STATES(S)                                                                         \
    S(PENDING, 1, "pending") S(QUEUED, 2, "queued") S(RUNNING, 3, "running")                       \
    S(SUCCESS, 4, "success") S(FAILED, 5, "failed") S(CANCELLED, 6, "cancelled")                   \
    S(TIMEOUT, 7, "timeout") S(SKIPPED, 8, "skipped")

#define ARC_STEP_SIGNALS(G)                                                                        \
    G(QUEUE, 1, "queue") G(START, 2, "start") G(SUCCEED, 3, "succeed") G(FAIL, 4, "fail")          \
    G(CANCEL, 5, "cancel") G(EXPIRE, 6, "expire") G(SKIP, 7, "skip") G(RETRY, 8, "retry")

/* A step is queued when it has been granted to an agent. RETRY from queued: its agent was lost
 * before it started, so it is granted anew as the next attempt. */
#define ARC_STEP_MOVES(M)                                                                          \
    M(PENDING, QUEUE, QUEUED) M(PENDING, SKIP, SKIPPED) M(PENDING, CANCEL, CANCELLED)              \
    M(QUEUED, START, RUNNING) M(QUEUED, FAIL, FAILED) M(QUEUED, CANCEL, CANCELLED)                 \
    M(QUEUED, EXPIRE, TIMEOUT) M(QUEUED, RETRY, PENDING)                                           \
    M(RUNNING, SUCCEED, SUCCESS) M(RUNNING, FAIL, FAILED) M(RUNNING, CANCEL, CANCELLED)            \
    M(RUNNING, EXPIRE, TIMEOUT) M(RUNNING, RETRY, PENDING)

#define ARC_STEP_IGNORES(I)                                                                        \
    I(RUNNING, START)

#define ARC_STEP_EVENTS(E)                                                                         \
    E(QUEUE, STEP_QUEUED, "arcentra.step.queued")                                                  \
    E(START, STEP_STARTED, "arcentra.step.started")                                                \
    E(SUCCEED, STEP_COMPLETED, "arcentra.step.completed")                                          \
    E(FAIL, STEP_FAILED, "arcentra.step.failed")                                                   \
    E(CANCEL, STEP_CANCELLED, "arcentra.step.cancelled")                                           \
    E(EXPIRE, STEP_TIMEOUT, "arcentra.step.timeout")                                               \
    E(SKIP, STEP_SKIPPED, "arcentra.step.skipped")                                                 \
    E(RETRY, STEP_RETRYING, "arcentra.step.retrying")

#define ARC_GATE_STATES(S)                                                                         \
    S(IDLE, 1, "idle") S(WAITING, 2, "waiting") S(APPROVED, 3, "approved")                         \
    S(REJECTED, 4, "rejected") S(EXPIRED, 5, "expired") S(LEFT, 6, "left")

#define ARC_GATE_SIGNALS(G)                                                                        \
    G(ASK, 1, "ask") G(ASSENT, 2, "assent") G(APPROVE, 3, "approve") G(REJECT, 4, "reject")        \
    G(EXPIRE, 5, "expire") G(LEAVE, 6, "leave")

/* A gate is idle until what it guards comes up. ASSENT is one yes of several that are needed, and
 * APPROVE the last of them, or one that counts for all; both have one event. It is decided once.
 * LEAVE has no event of its own: the last job that it guarded has ended while it waited. */
#define ARC_GATE_MOVES(M)                                                                          \
    M(IDLE, ASK, WAITING) M(WAITING, ASSENT, WAITING) M(WAITING, APPROVE, APPROVED)                \
    M(WAITING, REJECT, REJECTED) M(WAITING, EXPIRE, EXPIRED) M(WAITING, LEAVE, LEFT)

#define ARC_GATE_IGNORES(I)

#define ARC_GATE_EVENTS(E)                                                                         \
    E(ASK, APPROVAL_REQUESTED, "arcentra.pipeline.approval.requested")                             \
    E(APPROVE, APPROVAL_APPROVED, "arcentra.pipeline.approval.approved")                           \
    E(REJECT, APPROVAL_REJECTED, "arcentra.pipeline.approval.rejected")                            \
    E(EXPIRE, APPROVAL_EXPIRED, "arcentra.pipeline.approval.expired")

/* clang-format on */

#define ARC_RUN_STATE_ENUM(name, number, word) ARC_RUN_##name = number,
#define ARC_JOB_STATE_ENUM(name, number, word) ARC_JOB_##name = number,
#define ARC_STEP_STATE_ENUM(name, number, word) ARC_STEP_##name = number,
#define ARC_GATE_STATE_ENUM(name, number, word) ARC_GATE_##name = number,
#define ARC_RUN_SIGNAL_ENUM(name, number, word) ARC_RUN_SIGNAL_##name = number,
#define ARC_JOB_SIGNAL_ENUM(name, number, word) ARC_JOB_SIGNAL_##name = number,
#define ARC_STEP_SIGNAL_ENUM(name, number, word) ARC_STEP_SIGNAL_##name = number,
#define ARC_GATE_SIGNAL_ENUM(name, number, word) ARC_GATE_SIGNAL_##name = number,

/** The states of a run: ARC_RUN_PENDING … */
enum { ARC_RUN_NONE, ARC_RUN_STATES(ARC_RUN_STATE_ENUM) ARC_RUN_STATE_COUNT };
/** The states of a job: ARC_JOB_PENDING … */
enum { ARC_JOB_NONE, ARC_JOB_STATES(ARC_JOB_STATE_ENUM) ARC_JOB_STATE_COUNT };
/** The states of a step: ARC_STEP_PENDING … */
enum { ARC_STEP_NONE, ARC_STEP_STATES(ARC_STEP_STATE_ENUM) ARC_STEP_STATE_COUNT };
/** The states of a gate, an approval before what it guards: ARC_GATE_IDLE … */
enum { ARC_GATE_NONE, ARC_GATE_STATES(ARC_GATE_STATE_ENUM) ARC_GATE_STATE_COUNT };
/** What may happen to a run: ARC_RUN_SIGNAL_START … */
enum { ARC_RUN_SIGNAL_NONE, ARC_RUN_SIGNALS(ARC_RUN_SIGNAL_ENUM) ARC_RUN_SIGNAL_COUNT };
/** What may happen to a job: ARC_JOB_SIGNAL_QUEUE … */
enum { ARC_JOB_SIGNAL_NONE, ARC_JOB_SIGNALS(ARC_JOB_SIGNAL_ENUM) ARC_JOB_SIGNAL_COUNT };
/** What may happen to a step: ARC_STEP_SIGNAL_QUEUE … */
enum { ARC_STEP_SIGNAL_NONE, ARC_STEP_SIGNALS(ARC_STEP_SIGNAL_ENUM) ARC_STEP_SIGNAL_COUNT };
/** What may happen to a gate: ARC_GATE_SIGNAL_ASK … */
enum { ARC_GATE_SIGNAL_NONE, ARC_GATE_SIGNALS(ARC_GATE_SIGNAL_ENUM) ARC_GATE_SIGNAL_COUNT };

/** The word of a state, "" for none. Owner: the library, static. Thread: any. Since: 0.1. */
ARC_API const char *arc_run_state_name(int state);
/** The word of a state, "" for none. Owner: the library, static. Thread: any. Since: 0.1. */
ARC_API const char *arc_job_state_name(int state);
/** The word of a state, "" for none. Owner: the library, static. Thread: any. Since: 0.1. */
ARC_API const char *arc_step_state_name(int state);
/** The word of a state, "" for none. Owner: the library, static. Thread: any. Since: 0.1. */
ARC_API const char *arc_gate_state_name(int state);
/** 1 for a state that never changes again. Owner: none. Thread: any. Since: 0.1. */
ARC_API int arc_run_state_is_terminal(int state);
/** 1 for a state that never changes again. Owner: none. Thread: any. Since: 0.1. */
ARC_API int arc_job_state_is_terminal(int state);
/** 1 for a state that never changes again. Owner: none. Thread: any. Since: 0.1. */
ARC_API int arc_step_state_is_terminal(int state);
/** 1 for a state that never changes again. Owner: none. Thread: any. Since: 0.1. */
ARC_API int arc_gate_state_is_terminal(int state);

ARC_END_DECLS

#endif
