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
    /* the copy */
    int phase;
    struct arc_run run;
    arc_id *history; /* newest first */
    size_t history_count, history_at;
    struct arc_map past; /* job key, LF, step name -> struct past */
};

/* explain.c */
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

/* scratch.c: an engine with copies of the agents and nothing else. It places by the same code, and
 * nothing that it does is seen outside. */
struct scratch {
    struct arc_engine engine;
    struct arc_arena *arena;
    struct arc_session open; /* what agents have that are not there */
    struct agent *newcomer;  /* NULL: none */
};
arc_status arc__scratch_open(struct scratch *scratch, const struct arc_look *look, arc_err *err);
void arc__scratch_close(struct scratch *scratch);
/* The job waits behind those that wait. ready is the caller's until it is picked or unqueued. */
arc_status arc__scratch_queue(struct scratch *scratch, struct ready *ready, arc_err *err);
void arc__scratch_unqueue(struct scratch *scratch, struct ready *ready);
/* The next that gets a place, and which; it leaves the queue and the slot is taken. 0: nobody.
 * *work grows by the looks at agents. */
int arc__scratch_pick(struct scratch *scratch, struct ready **ready, struct agent **agent,
                      uint64_t *work);
void arc__scratch_free(struct scratch *scratch, struct agent *agent, uint32_t slots);
struct agent *arc__scratch_agent(struct scratch *scratch, arc_slice id);
arc_status arc__newcomer(struct arc_look *look, arc_err *err);

/* forecast.c */
arc_status arc__forecast(struct arc_look *look, arc_err *err);
arc_slice arc__past_key(struct arc_arena *arena, arc_slice job, arc_slice step);

#endif
