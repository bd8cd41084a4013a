/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What happened, in order, pulled when you like. A subscription is a cursor on the event log: it
 * loses nothing however slow it is, and its position can be kept over a restart.
 */
#ifndef ARCENTRA_EVENT_H
#define ARCENTRA_EVENT_H

#include <arcentra/ctl.h>

ARC_BEGIN_DECLS

typedef struct arc_sub arc_sub;

/** One event. Borrowed until the next arc_events_next of the same subscription. Since: 0.1. */
typedef struct arc_event_view {
    size_t size;
    uint64_t position; /* in the whole log; keep it to resume */
    uint64_t seq;      /* within its run, pipeline or agent, from 1 */
    int64_t time_ns;   /* wall clock */
    const char *type;  /* "arcentra.step.started" */
    const char *run_id, *pipeline_id, *job_id, *step_run_id, *agent_id; /* "" where none */
    const char *job_name, *step_name;
    const char *state;    /* the word after it: "running"; "" where none */
    const char *previous; /* before it */
    const char *reason;
    int exit_code;
    uint32_t attempt;
    const char *gate; /* of an approval: "pipeline", "stage:NAME" or "job:NAME"; else "" */
    const char *actor, *comment; /* who asked for or decided it, and what they said */
    const char *channel; /* of a decision at a gate, how it came: "api", "host", "timeout", …; "" */
} arc_event_view;
#define ARC_EVENT_VIEW_INIT \
    { \
        sizeof(arc_event_view), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
            NULL, NULL, 0, 0, NULL, NULL, NULL, NULL \
    }

/** What to see. NULL in a field: all. Since: 0.1. */
typedef struct arc_sub_options {
    size_t size;
    const char *run_id;
    const char *pipeline_id;
    uint64_t after; /* position to go on behind; 0: from the first event that is there */
    uint32_t live;  /* 1: from now on, `after` is not read */
    /* Called, from dispatch, when there may be something to pull. May be NULL. */
    void (*ready)(void *user);
    void *user;
} arc_sub_options;
#define ARC_SUB_OPTIONS_INIT \
    { \
        sizeof(arc_sub_options), NULL, NULL, 0, 0, NULL, NULL \
    }

/**
 * Opens a subscription. Owner: the caller, who closes it before ctl. Thread: owner.
 * Errors: ARC_ENOMEM, ARC_ELIMIT, ARC_EINVAL. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_sub_open(arc_ctl *ctl, const arc_sub_options *options,
                                             arc_sub **out, arc_err *err);
/**
 * The next event. Owner: borrowed from sub. Thread: owner.
 * Errors: ARC_EAGAIN (none now), ARC_ENOTFOUND (behind `after` events have been deleted, with runs
 * that were older than runs are kept: said once, read what there is anew; the next call goes on),
 * ARC_EUNAVAILABLE, ARC_EIO, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_events_next(arc_sub *sub, arc_event_view *out, arc_err *err);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_sub_close(arc_sub *sub);

ARC_END_DECLS

#endif
