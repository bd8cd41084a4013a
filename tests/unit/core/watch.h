/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold after every event of a run, whatever is asked of it, written without anything of
 * what decides: an event log goes in, one by one, and the first thing that is wrong comes out.
 *
 *   a (step run, attempt) starts once; a terminal state, its attempt, exit code and end never
 *   change; states move along the drawn graph alone; a fence is granted once and each is greater
 *   than those before; seq has no gaps; nothing happens to a run that is over; a paused or stopping
 *   run starts nothing but `finally`, and that only where a step had started; the run's counters
 * are the sum over its jobs. */
#ifndef ARC_TEST_CORE_WATCH_H
#define ARC_TEST_CORE_WATCH_H

#include "core/run.h"

#define WATCH_STEPS_MAX 4096
#define WATCH_JOBS_MAX 512

struct watch_step {
    char id[32];
    int state, attempt, started_attempt, ended_attempt, exit_code;
    int64_t ended_ns;
};

struct watch {
    int64_t seq;
    int run_state, stopping;
    const struct arc_plan *plan;
    int stopping_jobs[WATCH_JOBS_MAX];
    uint8_t started[WATCH_JOBS_MAX];
    uint8_t admitted[WATCH_JOBS_MAX]; /* it was given a slot of its group */
    uint64_t fence;
    int job_states[WATCH_JOBS_MAX];
    struct watch_step *steps; /* WATCH_STEPS_MAX */
    uint32_t step_count;
    char wrong[200]; /* the first thing; "": nothing */
};

void watch_init(struct watch *watch, struct watch_step *steps);
/* Before the event is folded. */
void watch_event(struct watch *watch, const struct arc_event *event);
/* After. */
void watch_run(struct watch *watch, const struct arc_run *run);

#endif
