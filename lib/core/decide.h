/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions: what a command does to a run. Pure: the run, the command and the time given decide
 * everything; new ids and fences come from the caller's source. Each decision appends events to the
 * list and folds them into the run at once, so that the next decision of the same turn sees them;
 * if the batch is not stored after all, the run is dropped and loaded anew.
 *
 * Effects are not a list of their own: what an agent must be told (grants, cancels) and when time
 * matters next are read off the folded run (arc__run_deadline, arc_step_state), so they cannot be
 * lost between a commit and a crash. */
#ifndef ARC_CORE_DECIDE_H
#define ARC_CORE_DECIDE_H

#include "core/resolve.h"

struct arc_rules {
    int64_t lease_ttl_ns;
    int64_t stop_grace_ns;
    int64_t stop_settle_ns; /* after the grace */
    int64_t finally_ns;     /* what a step of `finally` has when its job was to end; 0: 5 minutes */
    uint32_t lost_retries_max;
    uint32_t host_default; /* 1: a job that does not say goes to the host's executors */
};

/* Where new ids and fences come from; both may fail, then the decision does. */
struct arc_source {
    void *user;
    arc_status (*id)(void *user, arc_id *out, arc_err *err);
    /* Greater than above, which the same step had last. */
    arc_status (*fence)(void *user, uint64_t above, uint64_t *out, arc_err *err);
    /* 0..bound-1, for jitter */
    uint64_t (*random)(void *user, uint64_t bound);
};

struct arc_verdict; /* private */

struct arc_decision {
    const struct arc_rules *rules;
    struct arc_source source;
    struct arc_now now;
    struct arc_arena *arena;   /* events and their texts; dies with the turn */
    struct arc_event **events; /* in order */
    size_t count, capacity;
    const uint32_t
        *due; /* arc__decide_tick: the jobs that time has changed, with or without event */
    uint32_t due_count;
    /* private: what settle has seen of it */
    size_t settled;              /* events whose consequences have been drawn */
    uint32_t stage;              /* the stage whose jobs have been considered */
    struct arc_verdict *verdict; /* of the stage judged last */
};

void arc__decision_init(struct arc_decision *d, const struct arc_rules *rules,
                        struct arc_source source, struct arc_now now, struct arc_arena *arena);

/* Everything below: ARC_OK (there may be no events: nothing to change), ARC_ECONFLICT and
 * ARC_EPRECONDITION are refusals that changed nothing; ARC_ENOMEM, ARC_EINTERNAL: drop the run. */

struct arc_create {
    arc_id run_id;
    arc_slice pipeline_id, triggered_by;
    struct arc_birth birth; /* without ids: they are made here */
};
arc_status arc__decide_create(struct arc_decision *d, struct arc_run *run,
                              const struct arc_create *create, arc_err *err);

arc_status arc__decide_pause(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                             arc_slice actor, arc_err *err);
arc_status arc__decide_resume(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                              arc_slice actor, arc_err *err);
arc_status arc__decide_stop(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                            arc_slice actor, int force, arc_err *err);

/* The same of one job: what has not begun ends at once, what runs is asked to end, and its
 * `finally` runs, unless force. Asked for already: ARC_OK without an event. The run goes on, and
 * its result is cancelled. ARC_ECONFLICT: it has ended. */
arc_status arc__decide_cancel_job(struct arc_decision *d, struct arc_run *run, uint32_t job,
                                  arc_slice reason, arc_slice actor, int force, arc_err *err);
/* The same of one step of the present attempt; its job goes on with those after it, which are
 * skipped unless their `when` says otherwise. */
arc_status arc__decide_cancel_step(struct arc_decision *d, struct arc_run *run, uint32_t job,
                                   uint32_t step, arc_slice reason, arc_slice actor, int force,
                                   arc_err *err);

/* Changes a step that waits: env wins over the plan's, name by name, over what was set so before
 * altogether; timeout_ns -1: as it was. ARC_ECONFLICT: it is not pending. */
arc_status arc__decide_update_step(struct arc_decision *d, struct arc_run *run, uint32_t job,
                                   uint32_t step, arc_slice env, int64_t timeout_ns,
                                   arc_slice actor, arc_err *err);

/* Slots of concurrency groups. Who else holds one is not for a run to know: the engine keeps the
 * groups (engine/groups.c), and here stands what one of them gives. An admitted run goes on with
 * its first jobs, an admitted job waits for a place. ARC_ECONFLICT: it does not wait for a slot. */
arc_status arc__decide_admit_run(struct arc_decision *d, struct arc_run *run, arc_err *err);
arc_status arc__decide_admit_job(struct arc_decision *d, struct arc_run *run, uint32_t job,
                                 arc_err *err);
/* 1: it waits for one, and could use it now: no gate stands before it, and it is not paused. */
int arc__run_wants_slot(const struct arc_run *run);
int arc__job_wants_slot(const struct arc_run *run, uint32_t job);
/* 1: it is in a group and has had no slot of it so far, whatever else it waits for. */
int arc__run_lacks_slot(const struct arc_run *run);
int arc__job_lacks_slot(const struct arc_run *run, uint32_t job);

/* A queued job that is not placed goes to an agent: its first step is granted. Not placeable any
 * more (paused, stopping, not queued): ARC_ECONFLICT. */
arc_status arc__decide_place(struct arc_decision *d, struct arc_run *run, uint32_t job,
                             const struct arc_place_facts *place, arc_err *err);

/* What somebody says at a gate (1 + index). Only its approvers may, and at a gate of type `auto`
 * only its plugin, unless override: then it is open at once. The same again is ARC_OK without an
 * event; ARC_ECONFLICT: it does not wait, or was decided otherwise; ARC_EDENIED: not one of its
 * approvers. */
struct arc_say {
    uint32_t gate;
    int approve; /* 0: reject */
    int override;
    int plugin; /* 1: what the plugin of an automatic gate says, which is enough */
    arc_slice actor, comment;
    arc_slice channel; /* how it came, a word for the record; may be empty */
};
arc_status arc__decide_gate(struct arc_decision *d, struct arc_run *run, const struct arc_say *say,
                            arc_err *err);
/* Whether it would be taken; *again: it was said before, and nothing is to be done. */
arc_status arc__gate_check(const struct arc_run *run, const struct arc_say *say, int *again,
                           arc_err *err);
/* "pipeline", "stage:NAME", "job:NAME": 1 + the index of the gate; 0: none of that name. A bare
 * NAME is that of a stage or job if only one gate has it. */
uint32_t arc__gate_find(const struct arc_plan *plan, arc_slice name);
arc_slice arc__gate_name(const struct arc_plan *plan, uint32_t gate, struct arc_arena *arena);

/* Why a job that has not ended does not run, one sentence; ARC_NONE: it runs, or there is nothing
 * to say. */
arc_slice arc__job_why(const struct arc_run *run, uint32_t job, struct arc_arena *arena);
/* The same of the run: the gates or the slot that it waits for. */
arc_slice arc__run_why(const struct arc_run *run, struct arc_arena *arena);

/* 1: the holder of the job's present step is to end it. */
int arc__cancel_due(const struct arc_run *run, uint32_t job);
/* How: what it is told. */
struct arc_cancel_terms {
    int64_t grace_ns;
    int force; /* at once, without a grace */
    arc_slice reason;
};
struct arc_cancel_terms arc__cancel_terms(const struct arc_rules *rules, const struct arc_run *run,
                                          uint32_t job);

/* What the holder of a lease says about its step. status: ARC_STEP_RUNNING or a terminal state but
 * skipped. The same report again changes nothing and is ARC_OK. */
struct arc_artifact {
    arc_slice name, path, digest;
    int64_t size, expires_ns; /* expires_ns: wall clock; 0: never */
};
struct arc_report {
    const struct arc_artifact *artifacts; /* what the step has kept */
    uint32_t artifact_count;
    uint32_t job, step;
    int32_t status;
    int32_t attempt; /* 0 with fence 0: an old agent that knows neither */
    uint64_t fence;
    int32_t exit_code;
    int64_t log_lines;
    arc_slice agent_id, error_message, metrics, outputs;
};
arc_status arc__decide_report(struct arc_decision *d, struct arc_run *run,
                              const struct arc_report *report, arc_err *err);

/* The lease of the job's present step ended without a word: lapsed, a new incarnation, the agent
 * does not know it. */
arc_status arc__decide_lost(struct arc_decision *d, struct arc_run *run, uint32_t job,
                            arc_slice reason, arc_err *err);

/* Whatever time has made due by now: lapsed leases, timeouts, retries, the end of a stop. */
arc_status arc__decide_tick(struct arc_decision *d, struct arc_run *run, arc_err *err);

/* When tick has something to do; UINT64_MAX: never by itself. */
uint64_t arc__run_deadline(const struct arc_rules *rules, struct arc_run *run);

/* 1: the job waits for a place now. */
int arc__job_wants_place(const struct arc_run *run, uint32_t job, struct arc_now now);

#endif
