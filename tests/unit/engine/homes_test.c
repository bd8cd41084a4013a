/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that another process is the home of, as one knows them: late, or as they were. */
#include <stdio.h>

#include "pair.h"

static const char two_steps[] =
    "namespace: demo\njobs:\n"
    "- {name: build, steps: [{name: make, run: 'true'}, {name: test, run: 'true'}]}\n";

/* To the other process; its steps are its own there. */
static void go_to(struct pair *p, struct hand *hand, int to)
{
    struct arc_renewal renewal;
    int here = 0;
    hand_leave(hand);
    hand->w = &p->w[to];
    hand_connect(hand);
    for (int i = 0; i < 80 && !here; i++) {
        pair_pass(p, PAIR_STEP);
        CHECK_OK(hand_beat(hand, &renewal));
        here = renewal.renewed_count == hand->held_count;
    }
    CHECK(here);
}

/* An agent that registers at the other process when the home of the run has just read who there is,
 * and is given a job before the next time. */
static int given_to_a_stranger(struct pair *p, enum world_store kind)
{
    if (!pair_open(p, kind))
        return 0;
    pair_pass(p, SECONDS(1));
    CHECK(hand_join(&p->hand, &p->w[1], "a", "{}", 1));
    world_start_run(&p->w[0], two_steps, &p->pipeline, &p->run);
    CHECK_INT(pair_take(p, &p->hand), 1);
    return 1;
}

/* Then nothing happens to the run. */
static void one_that_is_not_known_yet_loses_no_lease(enum world_store kind)
{
    struct pair p;
    struct arc_renewal renewal;
    if (!given_to_a_stranger(&p, kind))
        return;
    for (int i = 0; i < 12; i++) { /* longer than a lease */
        pair_pass(&p, SECONDS(5));
        CHECK_OK(hand_beat(&p.hand, &renewal));
        CHECK_INT(renewal.renewed_count, 1);
    }
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    pair_serve(&p, &p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    pair_end(&p);
}
ON_BOTH(one_that_is_not_known_yet_loses_no_lease)

/* And it comes to the home of the run, where another one waits. */
static void one_that_was_not_known_yet_keeps_its_slot(enum world_store kind)
{
    struct pair p;
    if (!given_to_a_stranger(&p, kind))
        return;
    CHECK_OK(world_ask(&p.w[0], world_trigger(&p.w[0], p.pipeline.id, "")).status);
    pair_pass(&p, SECONDS(6));
    go_to(&p, &p.hand, 0);
    pair_pass(&p, SECONDS(2));
    CHECK_INT(hand_take(&p.hand, 1), 0);
    pair_end(&p);
}
ON_BOTH(one_that_was_not_known_yet_keeps_its_slot)

static const struct test tests[] = {
    {"an agent that is not known yet loses no lease", one_that_is_not_known_yet_loses_no_lease_mem},
    {"SQLite: one that is not known yet loses no lease",
     one_that_is_not_known_yet_loses_no_lease_sqlite},
    {"an agent that was not known yet keeps its slot",
     one_that_was_not_known_yet_keeps_its_slot_mem},
    {"SQLite: one that was not known yet keeps its slot",
     one_that_was_not_known_yet_keeps_its_slot_sqlite},
};
TEST_MAIN(tests)
