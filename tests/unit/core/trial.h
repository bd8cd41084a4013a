/* SPDX-License-Identifier: Apache-2.0 */
/* One run on trial: a definition, the time, and the decisions that a test asks for. After each of
 * them the events that it gave are folded, one by one and through their stored form, into a second
 * run; that must be the same as the one decided over, and after every event the invariants of
 * `watch.h` must hold. */
#ifndef ARC_TEST_CORE_TRIAL_H
#define ARC_TEST_CORE_TRIAL_H

#include "base/time.h"
#include "core/decide.h"
#include "core/rerun.h"
#include "shim.h"
#include "watch.h"

#define SECONDS(n) ((n)*ARC_NS_PER_S)

struct trial {
    struct test_mem memory;
    struct arc_mem mem;
    struct arc_arena arena; /* the plan and every event */
    struct arc_rules rules;
    struct arc_now now;
    struct arc_run run;    /* decided over */
    struct arc_run shadow; /* folded from what was stored */
    struct watch watch;
    uint64_t ids, fences, random;
    size_t events; /* so far */
    struct arc_decision d;
    struct arc_err err;
    arc_id shadow_id;
    int quiet; /* 1: failures are counted, not said */
    int broken;
};

/* 0, with a failed check: the definition does not make a plan. */
int trial_open(struct trial *t, const char *yaml);
/* The same, and the plan is changed before it is used. */
int trial_open_patched(struct trial *t, const char *yaml, void (*patch)(struct arc_plan *plan));
/* The same with a plan made by hand; it must outlive the trial. */
int trial_open_plan(struct trial *t, const struct arc_plan *plan);
/* A rerun of one that has ended, whose trial must stay open as long. Refused: nothing is open but
 * must be closed. */
arc_status trial_open_rerun(struct trial *t, const struct trial *old, enum arc_rerun mode,
                            const char *from);
void trial_close(struct trial *t);

/* Moves time, ticking at every deadline on the way. */
void trial_pass(struct trial *t, int64_t ns);
arc_status trial_tick(struct trial *t);
arc_status trial_place(struct trial *t, const char *job, const char *agent);
/* Places every job that waits, on `agent`. */
void trial_place_all(struct trial *t, const char *agent);
/* What the holder of the job's present step says. */
arc_status trial_report(struct trial *t, const char *job, int status, int exit_code);
arc_status trial_say(struct trial *t, const struct arc_report *report);
/* start, then end with status */
arc_status trial_run_step(struct trial *t, const char *job, int status);
arc_status trial_lose(struct trial *t, const char *job);
arc_status trial_pause(struct trial *t);
arc_status trial_resume(struct trial *t);
arc_status trial_stop(struct trial *t, int force);
/* A slot of its group, as the engine would give it; job NULL: the run. */
arc_status trial_admit(struct trial *t, const char *job);
arc_status trial_cancel_job(struct trial *t, const char *job, int force);
arc_status trial_cancel_step(struct trial *t, const char *job, uint32_t step, int force);
/* At a gate (1 + index). */
arc_status trial_approve(struct trial *t, uint32_t gate, const char *actor);
arc_status trial_reject(struct trial *t, uint32_t gate, const char *actor, const char *comment);
arc_status trial_gate(struct trial *t, const struct arc_say *said);
/* Checks. */
int trial_job_is(const struct trial *t, const char *job, int status);
int trial_step_is(const struct trial *t, const char *job, uint32_t step, int status);
int trial_run_is(const struct trial *t, int status);
int trial_why_is(struct trial *t, const char *job, const char *why);
/* Renews the lease of every granted step, as heartbeats do. */
void trial_renew(struct trial *t);
/* Passes time with heartbeats, so that no lease lapses. */
void trial_pass_alive(struct trial *t, int64_t ns);

uint32_t trial_index(const struct trial *t, const char *job);
const struct arc_job_state *trial_job(const struct trial *t, const char *job);
const struct arc_step_state *trial_step(const struct trial *t, const char *job, uint32_t step);
/* The same as its report would be made now. */
struct arc_report trial_make_report(const struct trial *t, const char *job, int status);

/* 1: every durable field is equal; else it says which is not. */
int trial_same_runs(const struct arc_run *a, const struct arc_run *b);

#endif
