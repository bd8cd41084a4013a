/* SPDX-License-Identifier: Apache-2.0 */
/* A live run: the fold of its events, with what decisions need kept ready.
 *
 * arc__run_fold is the only writer of states. Two runs that folded the same events are the same;
 * what is soft (lease deadlines, acknowledgements) is not in the events and starts anew after a
 * restart. Times are kept on both clocks: wall for people, monotonic for deadlines. */
#ifndef ARC_CORE_RUN_H
#define ARC_CORE_RUN_H

#include "base/arena.h"
#include "base/heap.h"
#include <arcentra/states.h>

#include "core/event.h"

struct arc_now {
    uint64_t mono_ns;
    int64_t wall_ns;
};

struct arc_step_state {
    arc_id id;
    int32_t status;
    int32_t attempt;     /* identity of the present or last grant, from 1; 0: never granted */
    uint32_t executions; /* attempts that ended by themselves; what maxAttempts counts */
    int32_t exit_code;
    uint64_t fence;                           /* of the present grant; 0: none */
    int64_t created_ns, started_ns, ended_ns; /* wall; 0: not yet */
    int64_t queued_ns;                        /* of the present or last grant, wall */
    uint64_t queued_mono_ns;
    uint64_t started_mono_ns;
    uint64_t not_before_mono_ns; /* a retry's delay */
    int64_t log_lines;
    arc_slice agent_id;       /* of the present or last grant */
    int32_t stopping, forced; /* asked to end, though its job goes on */
    int64_t stop_grace_ns;
    uint64_t stop_mono_ns;
    arc_slice stop_reason;
    arc_slice reason, error_message, metrics, outputs;
    arc_slice env;      /* set while it waited: a JSON object over the plan's; or empty */
    int64_t timeout_ns; /* the same: 1 + the timeout; 0: the plan's */
    /* soft */
    uint64_t lease_mono_ns;     /* when the lease lapses; or ARC_LEASE_ELSEWHERE */
    int32_t acked;              /* the agent has said that it has it */
    uint64_t cancel_by_mono_ns; /* a cancel was asked for; when it ends by itself. 0: not asked */
};

/* Another process, which the holder is connected to, watches the lease, and the time of the step.
 */
#define ARC_LEASE_ELSEWHERE (UINT64_MAX / 2)

struct arc_job_state {
    arc_id id;
    int32_t status;
    int32_t attempt;     /* from 1 */
    uint32_t lost;       /* placements that ended with the agent lost, started or not */
    uint32_t blockers;   /* deps that have not ended */
    uint32_t step;       /* the present step; step_count when all are over */
    int32_t failed;      /* a step of this attempt failed for good: 0 or its index + 1 */
    int32_t timed_out;   /* the same for a timeout */
    int32_t started_any; /* a step of this attempt has started */
    int32_t cut;         /* the attempt's time was over before its steps were */
    int32_t by_failure;  /* skipped because of a failure: counts as failed for dependents */
    int32_t stopping;    /* asked to end, though the run goes on */
    int32_t forced;      /* and without its `finally` */
    int32_t outrun;      /* cancelled because another cell of its matrix failed */
    int32_t admitted;    /* it has a slot of its concurrency group, until it has ended */
    uint32_t stop_cause; /* ARC_CAUSE_ASKED: somebody asked; 0: failFast */
    int64_t stop_grace_ns;
    uint64_t stop_mono_ns; /* when that was asked */
    arc_slice stop_reason;
    int64_t queued_ns, started_ns, ended_ns;
    uint64_t queued_mono_ns, started_mono_ns;
    uint64_t not_before_mono_ns;
    arc_slice agent_id; /* of the present attempt; empty: not placed */
    arc_slice place;    /* what is known about it, a JSON object; or empty */
    arc_slice reason;
    arc_slice outputs;                /* a JSON object of texts, once it has ended; or empty */
    struct arc_step_state *steps;     /* the present attempt's */
    struct arc_step_state *old_steps; /* those of the attempt before; NULL: none */
    arc_slice old_place;              /* and where that was */
    /* soft */
    struct arc_timer wake; /* in run.wakes: not later than when time has something to do with it */
};

struct arc_gate_state {
    int32_t status;                               /* ARC_GATE_… of <arcentra/states.h> */
    int64_t requested_ns, expires_ns, decided_ns; /* wall; 0: not yet, or never */
    uint64_t expires_mono_ns;
    arc_slice *approved_by; /* as many as the plan asks for */
    uint32_t approvals;
    arc_slice reason; /* why it was refused */
    /* soft */
    int32_t told; /* the host has heard that its plugin is to decide */
};

struct arc_run {
    struct arc_arena arena; /* the plan and every text below; as long as the run is live */
    const struct arc_plan *plan;
    const struct arc_birth *birth;
    arc_id id;
    arc_slice pipeline_id, triggered_by;
    int64_t seq; /* of the last event folded */
    int32_t status;
    int32_t started_any; /* a step has started */
    int32_t admitted;    /* it has a slot of its concurrency group, until it is over */
    int32_t stopping, forced;
    uint32_t stop_cause; /* ARC_CAUSE_TIMEOUT: the run's own timeout; 0: somebody asked */
    int64_t stop_grace_ns;
    uint64_t stop_mono_ns; /* when the stop was asked for */
    arc_slice reason;
    int64_t created_ns, started_ns, ended_ns;
    uint64_t clock_mono_ns;  /* when its own clock began: with its trigger, or its slot */
    uint64_t paused_mono_ns; /* since when; 0: it is not */
    /* That clock stands still while it is paused and while a gate waits; total: since it began. */
    uint64_t still_mono_ns, still_total_ns;
    int64_t last_ns; /* of the last event, wall: what now() is */
    uint32_t jobs_open, jobs_running, jobs_failed, jobs_partial;
    struct arc_gate_state *gates; /* the plan's gate_count */
    uint32_t gates_waiting;
    uint32_t gate_refused;       /* 1 + index of the first that was rejected or expired */
    uint32_t *matrix_busy;       /* cells of each matrix that take one of its rooms */
    uint32_t *stage_open;        /* jobs of each stage that have not ended */
    uint32_t stage;              /* the first stage with open jobs */
    const uint32_t **dependents; /* of each job: who waits for it */
    uint32_t *dependent_count;
    struct arc_job_state *jobs;
    /* soft: the open jobs by the time when each is next to be looked at. An event of a job puts it
     * in front; how long it may wait is found out when it stands there (decide_time.c). So time
     * costs what has changed, not what is open. */
    struct arc_heap wakes;
};

/* mem bounds: one run may take this much. */
#define ARC_RUN_BYTES_MAX (256u * 1024u * 1024u)

/* An empty run; the first event folded must be pipeline.triggered. */
void arc__run_init(struct arc_run *run, const struct arc_mem *mem);
void arc__run_deinit(struct arc_run *run);

/* Applies one event, whose seq must follow. Copies every text it keeps. ARC_ENOMEM leaves a run
 * that may only be dropped; ARC_EINTERNAL (the event does not fit the state) likewise. wall_to_mono
 * = mono - wall of now: turns event times into deadlines, after a restart too. */
arc_status arc__run_fold(struct arc_run *run, const struct arc_event *event, int64_t wall_to_mono,
                         arc_err *err);

static inline int arc__run_over(const struct arc_run *run)
{
    return arc_run_state_is_terminal(run->status);
}

/* How long an attempt of a step may take; 0: for ever. */
int64_t arc__step_timeout_ns(const struct arc_run *run, uint32_t job, uint32_t step);

/* Where a step run id is in the run: 1 and *job, *step; 0: it is not one of the present attempts.
 */
int arc__run_find_step(const struct arc_run *run, arc_slice step_run_id, uint32_t *job,
                       uint32_t *step);

#endif
