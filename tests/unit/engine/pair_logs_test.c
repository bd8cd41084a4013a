/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a step whose agent goes from one process to another, over a folder of logs that both of
 * them see: they are stored once, and what a log holds is asked where that is not known. */
#include "pair.h"

#define LINES 50 /* batches of one line */

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";

/* The agent's step has one line at the first process, and the second has the agent since: the first
 * has not heard of that. */
static int moved(struct pair *p)
{
    struct arc_renewal renewal = {0};
    if (!pair_begin(p, WORLD_MEM, 0, one_job))
        return 0;
    CHECK_OK(pair_log(&p->w[0], &p->hand, 1));
    pair_pass(p, SECONDS(6));
    pair_connect(p, &p->hand, 1);
    for (int i = 0; i < 8; i++) {
        world_pass(&p->w[1], SECONDS(1) / 8);
        CHECK_OK(hand_beat(&p->hand, &renewal));
    }
    p->w[0].log_looks = p->w[1].log_looks = 0;
    return CHECK_INT(renewal.renewed_count, 1);
}

/* The log is "line 1" … in order. */
static void log_is(struct pair *p, int64_t count)
{
    struct arc_log_line *lines = NULL;
    size_t got = 0;
    CHECK_OK(arc__engine_log_read(p->w[1].engine, arc__slice_cstr(p->run.id),
                                  arc__slice_cstr(p->hand.held[0].id), 1, 1000, &p->w[1].arena,
                                  &lines, &got, NULL));
    CHECK_INT(got, count);
    for (size_t i = 0; i < got; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "line %zu", i + 1);
        CHECK(arc__slice_is(lines[i].content, text));
    }
}

static void what_a_log_holds_is_asked_once(void)
{
    struct pair p;
    if (!pair_begin(&p, WORLD_MEM, 0, one_job))
        return;
    for (int64_t i = 1; i <= LINES; i++)
        CHECK_OK(pair_log(&p.w[0], &p.hand, i));
    CHECK_INT(p.w[0].log_looks, 0); /* the step is new */
    log_is(&p, LINES);
    pair_end(&p);
    if (!moved(&p))
        return;
    for (int64_t i = 2; i <= LINES; i++)
        CHECK_OK(pair_log(&p.w[1], &p.hand, i));
    CHECK_INT(p.w[1].log_looks, 1);
    log_is(&p, LINES);
    pair_end(&p);
}

/* A batch that was on its way to the process that its agent has left, and has been sent again since
 * to the other one. */
static void lines_that_come_late_to_a_former_home_are_stored_once(void)
{
    struct pair p;
    if (!moved(&p))
        return;
    CHECK_OK(pair_log(&p.w[1], &p.hand, 2));
    CHECK_OK(pair_log(&p.w[0], &p.hand, 2));
    CHECK_OK(pair_log(&p.w[0], &p.hand, 3));
    log_is(&p, 3);
    pair_end(&p);
}

/* And one that came there before it was sent again. */
static void lines_that_a_former_home_had_are_stored_once(void)
{
    struct pair p;
    if (!moved(&p))
        return;
    CHECK_OK(pair_log(&p.w[1], &p.hand, 2));
    CHECK_OK(pair_log(&p.w[0], &p.hand, 3));
    for (int64_t i = 3; i <= LINES; i++)
        CHECK_OK(pair_log(&p.w[1], &p.hand, i));
    CHECK(p.w[1].log_looks <= 2);
    log_is(&p, LINES);
    pair_end(&p);
}

/* The agent does not say how many there are. */
static void the_end_of_a_step_counts_lines_of_both(void)
{
    struct pair p;
    struct arc_query query = {.table = ARC_TABLE_step_run, .order_col = -1};
    struct arc_rows rows = {0};
    if (!moved(&p))
        return;
    CHECK_OK(pair_log(&p.w[1], &p.hand, 2));
    CHECK_OK(pair_log(&p.w[0], &p.hand, 3));
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    if (CHECK_OK(world_rows(&p.w[1], &query, &rows)) && CHECK_INT(rows.count, 1))
        CHECK_INT(((const struct arc_row_step_run *)rows.rows)->log_lines, 3);
    pair_end(&p);
}

/* Whatever is known of the log, somebody has written to it since. */
static void lines_of_a_log_that_never_rests_are_to_be_sent_again(void)
{
    struct pair p;
    if (!moved(&p))
        return;
    p.w[1].log_rivals = 2;
    CHECK_STATUS(pair_log(&p.w[1], &p.hand, 2), ARC_EUNAVAILABLE);
    CHECK_OK(pair_log(&p.w[1], &p.hand, 2));
    p.w[1].log_rivals = 1;
    CHECK_OK(pair_log(&p.w[1], &p.hand, 3));
    log_is(&p, 3);
    pair_end(&p);
}

static const struct test tests[] = {
    {"what a log holds is asked once, however many lines come", what_a_log_holds_is_asked_once},
    {"lines that come late to a former home are stored once",
     lines_that_come_late_to_a_former_home_are_stored_once},
    {"lines that a former home has had meanwhile are stored once",
     lines_that_a_former_home_had_are_stored_once},
    {"the end of a step counts the lines of both processes",
     the_end_of_a_step_counts_lines_of_both},
    {"lines of a log that never rests are to be sent again",
     lines_of_a_log_that_never_rests_are_to_be_sent_again},
};
TEST_MAIN(tests)
