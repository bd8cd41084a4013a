/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about runs that change nothing: why something does not run, what an agent that came
 * would be given, and when a run would end. No event, no row, no command.
 *
 * Answered from the runs in memory where that is enough, and else from a copy that is folded from
 * the stored events: then the answer comes when the store has answered. */
#ifndef ARC_ENGINE_EXPLAIN_H
#define ARC_ENGINE_EXPLAIN_H

#include "core/waits.h"
#include "engine/engine.h"

struct arc_look_limits {
#define LIMIT(name, usual, cap, unit, sentence) uint32_t name;
#include "engine/explain_limits.def"
};

/* An agent that is not there. */
struct arc_newcomer {
    struct arc_kvs labels; /* sorted by key */
    arc_slice os, arch;
    uint32_t slots; /* 0: one */
};

#define ARC_LOOK_WHY 1u   /* every reason of the run */
#define ARC_LOOK_AGENT 2u /* what newcomer would be given */
#define ARC_LOOK_END 4u   /* when the run would end; with ARC_LOOK_AGENT: if newcomer were there */

struct arc_look_ask {
    uint32_t what;
    arc_slice run_id; /* empty: only with ARC_LOOK_AGENT, about all that waits */
    struct arc_principal principal;
    struct arc_newcomer newcomer;
    int64_t step_ns; /* the length of a step without a history; 0: ARC_LOOK_STEP_NS */
    struct arc_look_limits limits;
};
#define ARC_LOOK_STEP_NS (INT64_C(60) * 1000000000)

/* Reasons of one thing: count of them from first on, in waits.items. */
struct arc_told {
    arc_slice id, name;
    int32_t status;
    size_t first, count;
};

struct arc_told_job {
    struct arc_told told;
    arc_slice agent_id;
    struct arc_told *steps;
    uint32_t step_count;
};

/* A waiting job, and what the newcomer does about it. */
struct arc_would {
    arc_slice run_id, pipeline_id, job_id, job_name;
    uint32_t place;      /* 1 + its place among those that it is given; 0: it waits still */
    size_t first, count; /* then: why, in waits.items */
};

struct arc_forecast_job {
    int32_t status;
    int64_t queued_ns, started_ns, ended_ns; /* wall; 0: never */
    arc_slice agent_id;
    int critical;
};

struct arc_forecast {
    int ends;         /* 0: it does not, by itself, within the horizon: see cut and stuck */
    int cut;          /* the work or the horizon was over */
    int32_t status;   /* how it stands at the end */
    int64_t end_ns;   /* wall */
    uint32_t steps;   /* that had still to end */
    uint32_t known;   /* of these: with a history */
    uint32_t runs;    /* that the history is of */
    uint32_t assumed; /* ARC_ASSUME_… */
    int64_t step_ns;
    struct arc_forecast_job *jobs; /* as many as the run has */
    uint32_t *path;                /* jobs, the first to start first */
    uint32_t path_count;
    struct arc_waits stuck; /* ends 0: what holds those that never end */
};

struct arc_look_result {
    struct arc_told run;
    arc_slice pipeline_id, project_id;
    struct arc_told_job *jobs;
    uint32_t job_count;
    struct arc_waits waits;
    struct arc_would *would; /* those that it is given first, in order */
    size_t would_count, would_left_out;
    struct arc_forecast forecast;
};

struct arc_look;
typedef void (*arc_look_done)(void *user);

/* Asks. ARC_OK: done (may be NULL) comes once, at once or from a later dispatch. Close it before
 * the engine. ARC_EINVAL, ARC_ENOTFOUND, ARC_EUNAVAILABLE, ARC_ENOMEM. */
arc_status arc__look_open(struct arc_engine *engine, const struct arc_look_ask *ask,
                          arc_look_done done, void *user, struct arc_look **out, arc_err *err);
/* ARC_OK: *out is the answer, until close. ARC_EAGAIN: not yet. ARC_ENOTFOUND (also for a run that
 * principal may not see), ARC_ELIMIT (the run has too many events), ARC_EUNAVAILABLE, ARC_ENOMEM,
 * ARC_ECONFLICT (the end of a run that is set aside), ARC_EINTERNAL (its events are damaged, and it
 * has no row that could be told instead). */
arc_status arc__look_result(const struct arc_look *look, const struct arc_look_result **out,
                            arc_err *err);
void arc__look_close(struct arc_look *look); /* NULL is fine; done does not come any more */

/* A person reads this: every reason, the newcomer's jobs, the forecast. */
void arc__look_print(const struct arc_look *look, struct arc_buf *out);

#endif
