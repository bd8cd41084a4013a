/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Why something of a run does not run, which waiting jobs an agent that came would be given, and
 * when a run would end. A question changes nothing: no event, no row; what is foreseen is decided
 * by the code that decides, over copies.
 *
 *     arc_run_explain(ctl, run_id, &options, &explain, &err);
 *     while ((status = arc_explain_ready(explain, &err)) == ARC_EAGAIN)
 *         …dispatch…
 *     puts(arc_explain_text(explain));
 *     arc_explain_close(explain);
 *
 * Times are nanoseconds since the Unix epoch; 0: not known, or never.
 */
#ifndef ARCENTRA_EXPLAIN_H
#define ARCENTRA_EXPLAIN_H

#include <arcentra/reasons.h>
#include <arcentra/run.h>

ARC_BEGIN_DECLS

/** A question and, once it is ready, its answer. */
typedef struct arc_explain arc_explain;

/** What is asked besides every reason of the run. Since: 0.1. */
typedef struct arc_explain_options {
    size_t size;
    uint32_t agent;         /* 1: what would an agent with these be given? */
    const arc_pair *labels; /* its labels */
    size_t label_count;
    uint32_t slots;        /* 0: one */
    const char *os, *arch; /* NULL: none */
    uint32_t end;          /* 1: when would the run end? With agent: if that agent came */
    int64_t step_ns;       /* the length of a step without a history; 0: a minute */
} arc_explain_options;
#define ARC_EXPLAIN_OPTIONS_INIT \
    { \
        sizeof(arc_explain_options), 0, NULL, 0, 0, NULL, NULL, 0, 0 \
    }

/**
 * Asks about a run, open or ended. run_id may be NULL when only an agent is asked about: then about
 * all that waits. What is not in memory is read from the store, and so is the history that lengths
 * of steps are taken from.
 * Owner: the caller, who closes it before ctl. options may be NULL and is copied. Thread: owner.
 * Errors: ARC_EINVAL (no run, a label twice, too many slots), ARC_ENOMEM; others by
 * arc_explain_ready. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_run_explain(arc_ctl *ctl, const char *run_id,
                                                const arc_explain_options *options,
                                                arc_explain **out, arc_err *err);
/**
 * ARC_OK: the answer is there. ARC_EAGAIN: ask again after a dispatch.
 * Owner: none. Thread: owner. Errors: ARC_ENOTFOUND (no run of this id), ARC_ELIMIT (it has too
 * many events to be copied), ARC_ECONFLICT (the end of a run that is set aside was asked for),
 * ARC_EUNAVAILABLE, ARC_EINTERNAL (it is damaged, and was not known to be), ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_explain_ready(const arc_explain *explain, arc_err *err);

/** One reason. The texts are "" where there is none. Since: 0.1. */
typedef struct arc_reason_view {
    size_t size;
    int kind;               /* ARC_REASON_… */
    const char *sentence;   /* for people */
    const char *job, *step; /* whose: their names; "": the run's, the job's */
    const char *name, *id;  /* what it is about: a job, a stage, a gate, a label, an agent */
    const char *text;       /* more about it */
    uint32_t count, of;     /* so many of so many */
    uint32_t more;          /* so many more like it are not listed */
    int64_t since_ns, until_ns;
} arc_reason_view;

/** How many reasons the run has, those of its jobs and steps included; 0 before it is ready.
 * Owner: none. Thread: owner. Since: 0.1. */
ARC_API size_t arc_explain_count(const arc_explain *explain);
/**
 * A reason: first the run's, then those of each job and of its steps. view->size says how large it
 * is. Owner: the texts live as long as explain. Thread: owner. Errors: ARC_ENOTFOUND (no such
 * index), ARC_EINVAL. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_explain_reason(const arc_explain *explain, size_t index,
                                                   arc_reason_view *view, arc_err *err);

/** A waiting job, and what the agent that was asked about does with it. Since: 0.1. */
typedef struct arc_would_view {
    size_t size;
    const char *run_id, *pipeline_id, *job_id, *job;
    uint32_t place; /* among the jobs that it is given, from 1; 0: the job waits still, and … */
    const char *sentence; /* … why, the first reason; "" otherwise */
} arc_would_view;

/** How many waiting jobs are answered about; 0 where no agent was asked about.
 * Owner: none. Thread: owner. Since: 0.1. */
ARC_API size_t arc_explain_would_count(const arc_explain *explain);
/**
 * A waiting job: first those that the agent is given, in order. Owner: the texts live as long as
 * explain. Thread: owner. Errors: ARC_ENOTFOUND (no such index), ARC_EINVAL. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_explain_would(const arc_explain *explain, size_t index,
                                                  arc_would_view *view, arc_err *err);

/** When the run would end. Since: 0.1. */
typedef struct arc_forecast_view {
    size_t size;
    uint32_t ends;    /* 1: it does, by itself, as far as is seen */
    uint32_t cut;     /* 1: given up: too much work, or more than 30 days away */
    int status;       /* how it stands then: ARC_RUN_… */
    int64_t end_ns;   /* when */
    uint32_t steps;   /* that have still to end */
    uint32_t known;   /* of these: with a history; the surer the more there are */
    uint32_t runs;    /* that the history is of */
    uint32_t assumed; /* what is taken for granted: ARC_ASSUME_… */
    size_t jobs;      /* of the run */
} arc_forecast_view;

/** A job in a forecast. Since: 0.1. */
typedef struct arc_forecast_job_view {
    size_t size;
    const char *job, *agent_id; /* "new" is the agent that was asked about */
    int status;                 /* at the end: ARC_JOB_… */
    int64_t queued_ns, started_ns, ended_ns;
    uint32_t critical; /* from 1: its place on the critical path; 0: it is not on it */
} arc_forecast_job_view;

/**
 * The forecast. Owner: copied into view. Thread: owner.
 * Errors: ARC_EPRECONDITION (the end was not asked for, or it is not ready), ARC_EINVAL.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_explain_forecast(const arc_explain *explain,
                                                     arc_forecast_view *view, arc_err *err);
/**
 * A job of the forecast, in the order of the plan. Owner: the texts live as long as explain.
 * Thread: owner. Errors: ARC_EPRECONDITION, ARC_ENOTFOUND (no such index), ARC_EINVAL. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_explain_forecast_job(const arc_explain *explain, size_t index,
                                                         arc_forecast_job_view *view, arc_err *err);

/** The whole answer as lines for people; "" before it is ready, or without memory.
 * Owner: explain. Thread: owner. Since: 0.1. */
ARC_API const char *arc_explain_text(arc_explain *explain);
/** Ends the question. NULL is fine. Owner: frees it. Thread: owner. Since: 0.1. */
ARC_API void arc_explain_close(arc_explain *explain);

ARC_END_DECLS

#endif
