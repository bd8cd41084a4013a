/* SPDX-License-Identifier: Apache-2.0 */
/* What agents push: log lines and events. */
#include "world.h"

#include <stdio.h>

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
static const char with_retry[] =
    "namespace: demo\njobs:\n"
    "- name: build\n  steps: [{name: make, run: 'true', retry: {maxAttempts: 2}}]\n";

struct writer {
    struct world w;
    struct hand hand;
    struct said run;
    struct held held; /* the step that writes */
};

static int open_writer(struct writer *writer, const char *yaml)
{
    struct said pipeline;
    if (!world_open(&writer->w, WORLD_MEM) || !hand_join(&writer->hand, &writer->w, "a", "{}", 1))
        return 0;
    world_start_run(&writer->w, yaml, &pipeline, &writer->run);
    CHECK_INT(hand_take(&writer->hand, 1), 1);
    writer->held = writer->hand.held[0];
    return 1;
}

static void close_writer(struct writer *writer)
{
    hand_leave(&writer->hand);
    world_close(&writer->w);
}

static arc_status write_bytes(struct writer *writer, int64_t first, arc_slice text)
{
    struct arc_log_batch batch = {.agent_id = arc__slice_cstr(writer->hand.id),
                                  .step_run_id = arc__slice_cstr(writer->held.id),
                                  .attempt = writer->held.attempt,
                                  .fence = writer->held.fence,
                                  .stream = ARC_LOG_STDOUT,
                                  .first_line = first,
                                  .text = text};
    return arc__engine_log_append(writer->w.engine, &batch, NULL);
}

static arc_status write_lines(struct writer *writer, int64_t first, const char *text)
{
    return write_bytes(writer, first, arc__slice_cstr(text));
}

/* The whole log as "1:one 2:two", a gap as "3:-4" (four lines), flags as letters behind. */
static int log_is(struct writer *writer, const char *want)
{
    struct arc_log_line *lines = NULL;
    size_t count = 0, at = 0;
    char text[512] = "";
    CHECK_OK(arc__engine_log_read(writer->w.engine, arc__slice_cstr(writer->run.id),
                                  arc__slice_cstr(writer->held.id), 1, 100, &writer->w.arena,
                                  &lines, &count, NULL));
    for (size_t i = 0; i < count && at < sizeof(text) - 64; i++) {
        const struct arc_log_line *line = &lines[i];
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld:", i > 0 ? " " : "",
                               (long long)line->number);
        if (line->flags & ARC_LOG_FLAG_GAP)
            at +=
                (size_t)snprintf(text + at, sizeof(text) - at, "-%lld", (long long)line->gap_lines);
        else
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%.*s%s%s",
                                   (int)(line->content.len < 20 ? line->content.len : 20),
                                   line->content.ptr, line->flags & ARC_LOG_FLAG_SPLIT ? "+" : "",
                                   line->flags & ARC_LOG_FLAG_REPAIRED ? "!" : "");
    }
    arc__arena_reset(&writer->w.arena);
    return CHECK_TEXT(arc__slice_cstr(text), want);
}

static void count_notice(void *user)
{
    ++*(int *)user;
}

/* --- log lines ----------------------------------------------------------------------------------
 */

static void lines_that_come_again_are_dropped(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_OK(write_lines(&writer, 1, "one\ntwo\n"));
    CHECK_OK(write_lines(&writer, 1, "one\ntwo\n"));
    CHECK_OK(write_lines(&writer, 2, "two\nthree\r\n"));
    CHECK_OK(write_lines(&writer, 4, "four"));
    log_is(&writer, "1:one 2:two 3:three 4:four");
    close_writer(&writer);
}

static void lines_that_are_missing_become_a_gap(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_OK(write_lines(&writer, 1, "one\n"));
    CHECK_OK(write_lines(&writer, 5, "five\nsix\n"));
    CHECK_OK(write_lines(&writer, 2, "two\n")); /* it was counted as lost, and stays so */
    log_is(&writer, "1:one 2:-3 3:five 4:six");
    /* what it says is lost, from an agent that does not number its lines */
    struct arc_log_batch batch = {.agent_id = arc__slice_cstr(writer.hand.id),
                                  .step_run_id = arc__slice_cstr(writer.held.id),
                                  .attempt = writer.held.attempt,
                                  .fence = writer.held.fence,
                                  .stream = ARC_LOG_STDERR,
                                  .dropped_lines = 2,
                                  .text = ARC_LIT("nine\n")};
    CHECK_OK(arc__engine_log_append(writer.w.engine, &batch, NULL));
    log_is(&writer, "1:one 2:-3 3:five 4:six 5:-2 6:nine");
    CHECK_OK(write_lines(&writer, 9, "nine\nten\n"));
    log_is(&writer, "1:one 2:-3 3:five 4:six 5:-2 6:nine 7:ten");
    close_writer(&writer);
}

static arc_status lose_lines(struct writer *writer, int64_t lost)
{
    const struct arc_log_batch batch = {.agent_id = arc__slice_cstr(writer->hand.id),
                                        .step_run_id = arc__slice_cstr(writer->held.id),
                                        .attempt = writer->held.attempt,
                                        .fence = writer->held.fence,
                                        .stream = ARC_LOG_STDOUT,
                                        .dropped_lines = lost,
                                        .text = ARC_LIT("a\nb\n")};
    return arc__engine_log_append(writer->w.engine, &batch, NULL);
}

/* Numbers are the agent's word: they can be anything that fits its message. */
static void numbers_beyond_all_lines_are_refused(void)
{
    static const int64_t beyond[] = {ARC_LOG_NUMBER_MAX + 1, INT64_MAX - 1, INT64_MAX};
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_OK(write_lines(&writer, 1, "one\n"));
    for (size_t i = 0; i < ARC_COUNT_OF(beyond); i++) {
        CHECK_STATUS(write_lines(&writer, beyond[i], "a\nb\n"), ARC_ELIMIT);
        CHECK_STATUS(lose_lines(&writer, beyond[i]), ARC_ELIMIT);
    }
    log_is(&writer, "1:one");
    CHECK_OK(write_lines(&writer, ARC_LOG_NUMBER_MAX, "a\nb\n"));
    CHECK_STATUS(lose_lines(&writer, 1), ARC_ELIMIT);
    struct arc_cmd *cmd = hand_report(&writer.hand, &writer.held, ARC_STEP_SUCCESS, 0);
    cmd->u.report.log_lines = INT64_MAX;
    CHECK_OK(world_ask(&writer.w, cmd).status);
    close_writer(&writer);
}

static void a_restart_knows_which_lines_it_has(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_OK(write_lines(&writer, 1, "one\n"));
    CHECK_OK(write_lines(&writer, 4, "four\n"));
    struct arc_log_batch batch = {.agent_id = arc__slice_cstr(writer.hand.id),
                                  .step_run_id = arc__slice_cstr(writer.held.id),
                                  .attempt = writer.held.attempt,
                                  .fence = writer.held.fence,
                                  .stream = ARC_LOG_STDOUT,
                                  .first_line = 7,
                                  .text = ARC_LIT("")};
    CHECK_OK(arc__engine_log_append(writer.w.engine, &batch, NULL)); /* ends with a gap: 5 and 6 */
    hand_leave(&writer.hand);
    CHECK_OK(world_crash(&writer.w, NULL));
    CHECK_OK(write_lines(&writer, 4, "four\nfive\nsix\nseven\n"));
    log_is(&writer, "1:one 2:-2 3:four 4:-2 5:seven");
    close_writer(&writer);
}

static void only_the_holder_writes(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    struct held held = writer.held;
    writer.held.fence++;
    CHECK_STATUS(write_lines(&writer, 1, "x\n"), ARC_EPRECONDITION);
    writer.held = held;
    writer.held.attempt++;
    CHECK_STATUS(write_lines(&writer, 1, "x\n"), ARC_EPRECONDITION);
    writer.held = held;
    writer.held.attempt = 0;
    writer.held.fence = 0;
    CHECK_STATUS(write_lines(&writer, 1, "x\n"), ARC_EPRECONDITION); /* it knows fences */
    writer.held = held;
    char first = writer.hand.id[25];
    writer.hand.id[25] = first == 'A' ? 'B' : 'A';
    CHECK_STATUS(write_lines(&writer, 1, "x\n"), ARC_EPRECONDITION);
    writer.hand.id[25] = first;
    log_is(&writer, "");
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(writer.w.engine, &stats);
    CHECK_INT(stats.stale_fences, 4);
    close_writer(&writer);
}

static void numbers_go_on_over_attempts(void)
{
    struct writer writer;
    if (!open_writer(&writer, with_retry))
        return;
    CHECK_OK(write_lines(&writer, 1, "one\ntwo\n"));
    CHECK_OK(hand_say(&writer.hand, &writer.held, ARC_STEP_FAILED, 1).status);
    CHECK_INT(hand_take(&writer.hand, 1), 1);
    struct held old = writer.held;
    writer.held = writer.hand.held[0];
    CHECK_TEXT(arc__slice_cstr(writer.held.id), old.id);
    CHECK_OK(write_lines(&writer, 1, "again\n"));
    log_is(&writer, "1:one 2:two 3:again");
    writer.held = old;
    CHECK_STATUS(write_lines(&writer, 3, "late\n"), ARC_EPRECONDITION);
    close_writer(&writer);
}

static void late_lines_are_taken_and_the_tail_is_counted(void)
{
    struct writer writer;
    int notices = 0;
    struct arc_log_watch *watch = NULL;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_OK(arc__log_watch_open(writer.w.engine, arc__slice_cstr(writer.held.id), count_notice,
                                 &notices, &watch, NULL));
    CHECK_OK(write_lines(&writer, 1, "one\n"));
    world_turn(&writer.w);
    CHECK_INT(notices, 1);
    struct arc_cmd *cmd = hand_report(&writer.hand, &writer.held, ARC_STEP_SUCCESS, 0);
    cmd->u.report.log_lines = 4; /* three more than have come */
    CHECK_OK(world_ask(&writer.w, cmd).status);
    CHECK(notices > 1); /* it has ended */
    log_is(&writer, "1:one 2:-3");
    CHECK_INT(world_run_status(&writer.w, writer.run.id), ARC_RUN_SUCCESS);
    CHECK_OK(write_lines(&writer, 5, "five\n")); /* after the end of its run */
    log_is(&writer, "1:one 2:-3 3:five");
    cmd = hand_report(&writer.hand, &writer.held, ARC_STEP_SUCCESS, 0);
    cmd->u.report.log_lines = 4;
    CHECK_OK(world_ask(&writer.w, cmd).status); /* the same again: no second gap */
    log_is(&writer, "1:one 2:-3 3:five");
    struct arc_query query = {.table = ARC_TABLE_step_run, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(&writer.w, &query, &rows));
    CHECK_INT(((const struct arc_row_step_run *)rows.rows)->log_lines, 2);
    world_pass(&writer.w, SECONDS(301));
    CHECK_STATUS(write_lines(&writer, 6, "six\n"), ARC_EPRECONDITION); /* too late at last */
    arc__log_watch_close(watch);
    close_writer(&writer);
}

static void a_report_after_a_restart_knows_the_lines(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_OK(write_lines(&writer, 1, "one\ntwo\nthree\n"));
    hand_leave(&writer.hand);
    CHECK_OK(world_crash(&writer.w, NULL));
    CHECK_OK(hand_say(&writer.hand, &writer.held, ARC_STEP_SUCCESS, 0).status);
    struct arc_query query = {.table = ARC_TABLE_step_run, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(&writer.w, &query, &rows));
    CHECK_INT(((const struct arc_row_step_run *)rows.rows)->log_lines, 3);
    close_writer(&writer);
}

/* A step that has begun in this process has written nothing yet; of one that was there before, only
 * the log store knows. */
static void only_an_old_log_is_looked_at(void)
{
    for (int restart = 0; restart < 2; restart++) {
        struct writer writer;
        if (!open_writer(&writer, one_job))
            return;
        if (restart) {
            hand_leave(&writer.hand);
            CHECK_OK(world_crash(&writer.w, NULL));
        }
        CHECK_OK(hand_say(&writer.hand, &writer.held, ARC_STEP_SUCCESS, 0).status);
        CHECK_INT(writer.w.log_looks, restart);
        close_writer(&writer);
    }
}

static void long_and_broken_lines_are_split_and_repaired(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    size_t len = ARC_LOG_LINE_MAX + 10;
    char *text = arc__alloc(&writer.w.mem, len + 3);
    memset(text, 'a', len);
    memcpy(text + len, "\n", 2);
    CHECK_OK(write_lines(&writer, 1, text));
    arc__free(&writer.w.mem, text);
    CHECK_OK(write_lines(&writer, 2, "b\xff\xfe\n"));
    log_is(&writer, "1:aaaaaaaaaaaaaaaaaaaa+ 2:aaaaaaaaaa 3:b\xef\xbf\xbd\xef\xbf\xbd!");
    CHECK_OK(write_lines(&writer, 1, "aaa\nb\nc\n")); /* its own numbers count whole lines */
    log_is(&writer, "1:aaaaaaaaaaaaaaaaaaaa+ 2:aaaaaaaaaa 3:b\xef\xbf\xbd\xef\xbf\xbd! 4:c");
    close_writer(&writer);
}

static void a_nul_in_a_line_is_repaired(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_OK(write_bytes(&writer, 1, ARC_LIT("a\0b\n\0\n\xff\0c\nd\n")));
    log_is(&writer, "1:a\xef\xbf\xbd"
                    "b! 2:\xef\xbf\xbd! 3:\xef\xbf\xbd\xef\xbf\xbd"
                    "c! 4:d");
    close_writer(&writer);
}

/* --- pushed events ------------------------------------------------------------------------------
 */

struct push {
    uint64_t epoch, first;
    size_t count;
    const char *payload;
    size_t bad; /* index + 1 of one that can never be taken */
};

static struct said push(struct writer *writer, struct push push)
{
    struct arc_cmd *cmd = world_cmd(&writer->w, ARC_CMD_EVENTS_PUSH);
    struct arc_agent_event_input *events =
        arc__arena_array(&cmd->arena, push.count, sizeof(*events));
    for (size_t i = 0; i < push.count; i++) {
        events[i] = (struct arc_agent_event_input){
            .seq = push.first + i,
            .event_id =
                arc__arena_printf(&cmd->arena, "e%llu", (unsigned long long)(push.first + i)),
            .type = ARC_LIT("custom"),
            .payload = world_text(cmd, push.payload != NULL ? push.payload : "{}"),
            .bad = i + 1 == push.bad ? ARC_LIT("no payload") : ARC_NONE};
    }
    cmd->u.events.agent_id = world_text(cmd, writer->hand.id);
    cmd->u.events.epoch = push.epoch;
    cmd->u.events.events = events;
    cmd->u.events.count = push.count;
    return world_ask(&writer->w, cmd);
}

static int64_t stored(struct writer *writer)
{
    return world_count(&writer->w, ARC_TABLE_agent_event, ARC_COL_agent_event_agent_id,
                       writer->hand.id);
}

static void events_are_acknowledged_contiguously(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    struct said said = push(&writer, (struct push){.epoch = 1, .first = 1, .count = 3});
    CHECK_OK(said.status);
    CHECK_INT(said.ack_status, 1);
    CHECK_INT(said.last_accepted, 3);
    CHECK_INT(said.expected, 4);
    said = push(&writer, (struct push){.epoch = 1, .first = 5, .count = 2});
    CHECK_INT(said.ack_status, 4); /* a gap */
    CHECK_INT(said.last_accepted, 3);
    CHECK_INT(said.expected, 4);
    said = push(&writer, (struct push){.epoch = 1, .first = 2, .count = 4}); /* half of it known */
    CHECK_INT(said.ack_status, 1);
    CHECK_INT(said.last_accepted, 5);
    CHECK_INT(stored(&writer), 5);
    hand_leave(&writer.hand);
    CHECK_OK(world_crash(&writer.w, NULL));
    said = push(&writer, (struct push){.epoch = 1, .first = 6, .count = 1});
    CHECK_INT(said.ack_status, 1);
    CHECK_INT(said.last_accepted, 6);
    close_writer(&writer);
}

static void a_bad_event_is_a_tombstone(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    struct said said = push(&writer, (struct push){.epoch = 1, .first = 1, .count = 3, .bad = 2});
    CHECK_INT(said.ack_status, 2);
    CHECK_INT(said.last_accepted, 3);
    CHECK_INT(said.rejected_count, 1);
    CHECK_INT(said.rejected[0], 2);
    said = push(&writer, (struct push){.epoch = 1, .first = 4, .count = 1, .bad = 1});
    CHECK_INT(said.ack_status, 3);
    CHECK_INT(said.last_accepted, 4); /* it does not block */
    CHECK_INT(stored(&writer), 4);
    close_writer(&writer);
}

static void an_epoch_begins_anew(void)
{
    struct writer writer;
    if (!open_writer(&writer, one_job))
        return;
    CHECK_INT(push(&writer, (struct push){.epoch = 5, .first = 1, .count = 2}).last_accepted, 2);
    struct said said = push(&writer, (struct push){.epoch = 4, .first = 3, .count = 1});
    CHECK_INT(said.ack_status, 3); /* over */
    CHECK_INT(said.epoch, 5);
    said = push(&writer, (struct push){.epoch = 6, .first = 1, .count = 1});
    CHECK_INT(said.ack_status, 1);
    CHECK_INT(said.epoch, 6);
    CHECK_INT(said.last_accepted, 1);
    /* an agent that has none: the first event tells whether it began anew */
    said = push(&writer, (struct push){.first = 1, .count = 2});
    CHECK_INT(said.epoch, 6);
    CHECK_INT(said.last_accepted, 2);
    said = push(&writer, (struct push){.first = 1, .count = 1, .payload = "{\"other\":\"1\"}"});
    CHECK_INT(said.epoch, 7);
    CHECK_INT(said.last_accepted, 1);
    CHECK_INT(stored(&writer), 5);
    close_writer(&writer);
}

static const struct test tests[] = {
    {"lines that come again are dropped", lines_that_come_again_are_dropped},
    {"lines that are missing become a gap record", lines_that_are_missing_become_a_gap},
    {"numbers beyond all that lines can have are refused", numbers_beyond_all_lines_are_refused},
    {"a restart knows which lines it has", a_restart_knows_which_lines_it_has},
    {"only the holder of the lease writes", only_the_holder_writes},
    {"line numbers go on over attempts", numbers_go_on_over_attempts},
    {"late lines are taken and a missing tail is counted",
     late_lines_are_taken_and_the_tail_is_counted},
    {"a report after a restart knows how many lines there are",
     a_report_after_a_restart_knows_the_lines},
    {"the log store is asked only about a step of before", only_an_old_log_is_looked_at},
    {"long lines are split and broken ones repaired", long_and_broken_lines_are_split_and_repaired},
    {"a line with a NUL is told whole", a_nul_in_a_line_is_repaired},
    {"pushed events are acknowledged contiguously", events_are_acknowledged_contiguously},
    {"an event that can never be taken is a tombstone", a_bad_event_is_a_tombstone},
    {"a new epoch begins anew", an_epoch_begins_anew},
};
TEST_MAIN(tests)
