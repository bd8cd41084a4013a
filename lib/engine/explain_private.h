/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of questions share: look.c (a question's life), explain.c (reasons), newcomer and
 * forecast on a scratch engine (scratch.c), forecast.c. */
#ifndef ARC_ENGINE_EXPLAIN_PRIVATE_H
#define ARC_ENGINE_EXPLAIN_PRIVATE_H

#include "engine/engine_private.h"
#include "engine/explain.h"

#define ARC_HISTORY_MAX 16u /* lengths kept of one step: the cap of history_runs */

/* What is known about a step of earlier runs. */
struct past {
    int64_t ns[ARC_HISTORY_MAX];
    uint32_t count;
    arc_slice outputs; /* of the newest */
};

struct arc_look {
    struct arc_engine *engine;
    struct arc_mem mem;
    struct arc_arena arena;    /* the question and its answer */
    struct arc_arena pages[2]; /* rows of this query and the one before */
    struct arc_arena *page;
    struct arc_look_ask ask;
    struct arc_look_limits limits;
    arc_look_done done;
    void *user;
    int pending, asking, came, closed, over;
    arc_status came_status;
    struct arc_rows rows;
    arc_status status;
    arc_err err;
    struct arc_look_result result;
    /* its row: ARC_HELD_…, 0: the engine does not leave it alone; and why */
    int64_t held;
    arc_slice held_why;
    struct arc_row_pipeline_run row; /* what is told of a damaged run; no id: there is none */
    /* the copy */
    int phase;
    struct arc_run run;
    arc_id *history; /* newest first */
    size_t history_count, history_at;
    struct arc_map past; /* job key, LF, step name -> struct past */
};

/* explain.c */
/* Of a run that is quarantined, by its row: its events need not fold. */
arc_status arc__told_aside(struct arc_look *look, const struct arc_row_pipeline_run *row,
                           arc_err *err);
arc_status arc__told_run(struct arc_look *look, const struct arc_run *run, arc_err *err);
/* The agents of an engine, which may be a scratch, and how often one may still be looked at. */
struct others {
    const struct agent **items;
    size_t count;
    uint32_t work;
};
arc_status arc__others_list(const struct arc_engine *engine, struct arc_arena *arena, uint32_t work,
                            struct others *out, arc_err *err);
/* Why a job that wants a place has none. */
void arc__wait_place(const struct arc_engine *engine, const struct arc_run *run, uint32_t job,
                     struct others *others, struct arc_waits *out);

/* 1: that many more looks may be taken. */
static inline int arc__others_spend(struct others *others, size_t looks)
{
    if (others->work < looks)
        return 0;
    others->work -= (uint32_t)looks;
    return 1;
}

/* line.c: where the jobs of one run stand among all that wait. */
struct line {
    struct in_line {
        uint32_t kind;   /* index in kinds: what it asks for */
        uint32_t before; /* once its kind has been counted */
    } * items;           /* in the order of their serving, if there were slots for all */
    size_t count;
    struct kind {
        const struct arc_plan_job *asks;
        int counted, rival; /* of the kind that was counted last */
    } * kinds;
    size_t kind_count;
    int too_long; /* more wait than are looked at */
    uint32_t *at; /* by job of the run: 1 + index in items; NULL: none of them waits */
};
/* The run as it is in memory and stored; NULL: it is not. */
const struct live *arc__line_live(const struct arc_look *look, const struct arc_run *run);
arc_status arc__line_open(const struct arc_look *look, const struct arc_run *run, struct line *line,
                          arc_err *err);
/* How many are served before it, of those who wait for the same agents: there is one that could
 * take both, or there is none for either. 0: not counted, it is not in the line or would be too
 * much work. */
int arc__line_before(struct line *line, const struct arc_engine *engine, uint32_t job,
                     struct others *others, uint32_t *before);

/* scratch.c: an engine with copies of the agents and nothing else. It places by the same code, and
 * nothing that it does is seen outside. */
struct scratch {
    struct arc_engine engine;
    struct arc_arena *arena;
    struct arc_session open; /* what agents have that are not there */
    struct agent *newcomer;  /* NULL: none */
};
/* queued: with the jobs that wait, as they stand; else the queue is empty. After a failure there is
 * nothing to close. */
arc_status arc__scratch_open(struct scratch *scratch, const struct arc_look *look, int queued,
                             arc_err *err);
void arc__scratch_close(struct scratch *scratch);
/* The job waits from now on. ready is the caller's until it is picked or unqueued. */
arc_status arc__scratch_queue(struct scratch *scratch, struct ready *ready, arc_err *err);
void arc__scratch_unqueue(struct scratch *scratch, struct ready *ready);
/* The next that gets a place, and which; it leaves the queue and the slot is taken. NULL: nobody
 * does. *work grows by the looks at agents. */
struct ready *arc__scratch_pick(struct scratch *scratch, struct agent **agent, uint64_t *work);
/* The next whether or not an agent has a slot for it; it leaves the queue. NULL: nobody waits. */
struct ready *arc__scratch_next(struct scratch *scratch, struct lane **lane);
void arc__scratch_free(struct scratch *scratch, struct agent *agent, uint32_t slots);
struct agent *arc__scratch_agent(struct scratch *scratch, arc_slice id);
arc_status arc__newcomer(struct arc_look *look, arc_err *err);

/* forecast.c */
arc_status arc__forecast(struct arc_look *look, arc_err *err);
arc_slice arc__past_key(struct arc_arena *arena, arc_slice job, arc_slice step);

#endif
