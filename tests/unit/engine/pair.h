/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines on one store, as two processes have it. */
#ifndef ARC_TEST_ENGINE_PAIR_H
#define ARC_TEST_ENGINE_PAIR_H

#include <stdio.h>

#include "world.h"

#define PAIR_STEP (SECONDS(1) / 8)

struct pair {
    struct world w[2];
    /* of pair_begin: */
    struct hand hand;
    struct said pipeline, run;
};

static inline int pair_open(struct pair *p, enum world_store kind)
{
    if (!world_open_beside(&p->w[0], NULL, kind, "first"))
        return 0;
    if (!world_open_beside(&p->w[1], &p->w[0], kind, "second")) {
        world_close(&p->w[0]);
        return 0;
    }
    return 1;
}

static inline void pair_close(struct pair *p)
{
    world_close(&p->w[1]);
    world_close(&p->w[0]);
}

/* Time passes for both: small steps, each of them at work in turn. */
static inline void pair_pass(struct pair *p, int64_t ns)
{
    for (int64_t at = 0; at < ns; at += PAIR_STEP) {
        for (int i = 0; i < 2; i++) {
            if (p->w[i].engine != NULL)
                world_pass(&p->w[i], PAIR_STEP);
            else
                p->w[i].now = p->w[1 - i].now;
        }
    }
}

/* 1: the run has come to this state, within a minute. */
static inline int pair_await(struct pair *p, const char *run, int status)
{
    struct world *w = p->w[0].engine != NULL ? &p->w[0] : &p->w[1];
    for (int i = 0; i < 480; i++) {
        arc__arena_reset(&w->arena);
        if (world_run_col(w, run, ARC_COL_pipeline_run_status) == status)
            return 1;
        pair_pass(p, PAIR_STEP);
    }
    return 0;
}

/* Until the hand has been offered something. */
static inline size_t pair_take(struct pair *p, struct hand *hand)
{
    for (int i = 0; i < 80; i++) {
        size_t count = hand_take(hand, 1);
        if (count > 0)
            return count;
        pair_pass(p, PAIR_STEP);
    }
    return 0;
}

/* What the hand holds ends so. */
static inline void pair_say(struct hand *hand, int status)
{
    struct held held = hand->held[0];
    CHECK_OK(hand_say(hand, &held, status, 0).status);
}

/* The next step that the hand is offered ends well. */
static inline void pair_serve(struct pair *p, struct hand *hand)
{
    if (CHECK_INT(pair_take(p, hand), 1))
        pair_say(hand, ARC_STEP_SUCCESS);
}

/* The one step that the hand was asked to cancel is. */
static inline void pair_give_up(struct hand *hand)
{
    if (CHECK_INT(hand->cancel_count, 1)) {
        struct held held = hand->cancels[0];
        CHECK_OK(hand_say(hand, &held, ARC_STEP_CANCELLED, 0).status);
    }
}

/* The hand's channel ends, and it has another one there. */
static inline void pair_connect(struct pair *p, struct hand *hand, int to)
{
    hand_leave(hand);
    hand->w = &p->w[to];
    hand_connect(hand);
}

/* A line of what the hand holds comes to one of them, wherever the hand is. */
static inline arc_status pair_log(struct world *w, const struct hand *hand, int64_t number)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "line %lld\n", (long long)number);
    const struct arc_log_batch batch = {.agent_id = arc__slice_cstr(hand->id),
                                        .step_run_id = arc__slice_cstr(hand->held[0].id),
                                        .attempt = hand->held[0].attempt,
                                        .fence = hand->held[0].fence,
                                        .stream = ARC_LOG_STDOUT,
                                        .first_line = number,
                                        .text = {text, (size_t)len}};
    return arc__engine_log_append(w->engine, &batch, NULL);
}

/* An agent comes to one of them, a run begins at one, and the agent holds its first step. */
static inline void pair_start(struct pair *p, int agent_at, int run_at, const char *text)
{
    CHECK(hand_join(&p->hand, &p->w[agent_at], "a", "{}", 1));
    world_start_run(&p->w[run_at], text, &p->pipeline, &p->run);
    CHECK_INT(pair_take(p, &p->hand), 1);
}

/* Opened, with an agent at one of them and a run of the first. 1: so it stands; pair_end ends it.
 */
static inline int pair_begin(struct pair *p, enum world_store kind, int agent_at, const char *text)
{
    if (!pair_open(p, kind))
        return 0;
    pair_start(p, agent_at, 0, text);
    return 1;
}

static inline void pair_end(struct pair *p)
{
    world_check_events(p->w[0].engine != NULL ? &p->w[0] : &p->w[1]);
    hand_leave(&p->hand);
    pair_close(p);
}

#endif
