/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/spool.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "shim.h"

static struct spool_log make_log(const char *step)
{
    return (struct spool_log){
        .agent_id = "agent", .pipeline_id = "pipe", .step_run_id = step, .attempt = 2, .fence = 9};
}

static void put(struct spool *spool, struct spool_log *log, const char *stream, const char *line)
{
    spool_line(spool, log, stream, line, strlen(line));
}

/* Hands over everything there is; answers how many batches. */
static size_t send_all(struct spool *spool)
{
    struct spool_batch *batch;
    size_t count = 0;
    while ((batch = spool_next(spool)) != NULL) {
        spool_sent(spool, batch);
        count++;
    }
    return count;
}

static void lines_of_one_stream_share_a_batch(void)
{
    struct spool spool;
    struct spool_log log = make_log("s1");
    spool_init(&spool, 1 << 20, 5);
    put(&spool, &log, "stdout", "a");
    put(&spool, &log, "stdout", "b");
    put(&spool, &log, "stderr", "c");
    put(&spool, &log, "stdout", "d");
    struct spool_batch *first = spool_next(&spool);
    CHECK_TEXT(arc__slice_cstr(text_get(&first->data)), "a\nb\n");
    CHECK_INT(first->first_line, 1);
    CHECK_INT(first->next->first_line, 3);
    CHECK_INT(first->next->next->first_line, 4);
    CHECK_INT(log.held, 3);
    CHECK_INT(send_all(&spool), 3);
    put(&spool, &log, "stdout", "e"); /* what was sent is not changed any more */
    CHECK_INT(log.held, 4);
    spool_deinit(&spool);
    CHECK_INT(log.held, 0);
    CHECK_INT(spool.bytes, 0);
}

static void a_batch_is_kept_until_it_is_acknowledged(void)
{
    struct spool spool;
    struct spool_log log = make_log("s1");
    spool_init(&spool, 1 << 20, 5);
    put(&spool, &log, "stdout", "a");
    send_all(&spool);
    put(&spool, &log, "stdout", "b");
    send_all(&spool);
    CHECK(spool_next(&spool) == NULL);
    spool_ack(&spool, 1);
    CHECK_INT(log.held, 1);
    spool_rewind(&spool);
    struct spool_batch *again = spool_next(&spool);
    CHECK(again != NULL && again->seq == 2);
    CHECK_INT(spool.epoch, 5);
    CHECK_INT(send_all(&spool), 1);
    spool_ack(&spool, 2);
    CHECK(spool.first == NULL);
    CHECK_INT(spool.acked, 2);
    CHECK_INT(log.held, 0);
    spool_deinit(&spool);
}

static void memory_is_bounded_and_loss_is_counted(void)
{
    struct spool spool;
    struct spool_log log = make_log("s1");
    char line[1000];
    memset(line, 'x', sizeof(line));
    spool_init(&spool, 64 << 10, 1);
    for (int i = 0; i < 1000; i++) {
        spool_line(&spool, &log, i % 2 == 0 ? "stdout" : "stderr", line, sizeof(line));
        CHECK(spool.bytes <= spool.bytes_max);
    }
    CHECK_INT(log.lines, 1000);
    CHECK(log.dropped > 900 && log.dropped < 1000);
    send_all(&spool);
    spool_ack(&spool, spool.next_seq - 1);
    put(&spool, &log, "stdout", "later");
    struct spool_batch *batch = spool_next(&spool);
    CHECK_INT(batch->first_line, 1001);
    CHECK_INT(batch->dropped, log.dropped);
    CHECK_INT(log.unsaid, 0);
    spool_deinit(&spool);
}

static void a_step_has_a_limit_of_its_own(void)
{
    struct spool spool;
    struct spool_log log = make_log("s1"), other = make_log("s2");
    spool_init(&spool, 1 << 20, 1);
    log.bytes = SPOOL_STEP_BYTES;
    put(&spool, &log, "stdout", "over");
    put(&spool, &other, "stdout", "fine");
    CHECK_INT(log.dropped, 1);
    CHECK_INT(other.dropped, 0);
    spool_deinit(&spool);
}

static void a_hole_begins_a_new_epoch(void)
{
    struct spool spool;
    struct spool_log gone = make_log("s1"), stays = make_log("s2");
    spool_init(&spool, 1 << 20, 5);
    put(&spool, &gone, "stdout", "a");
    put(&spool, &stays, "stdout", "b");
    put(&spool, &gone, "stdout", "c");
    put(&spool, &stays, "stdout", "d");
    send_all(&spool);
    spool_forget(&spool, &gone);
    CHECK_INT(gone.held, 0);
    CHECK_INT(stays.held, 2);
    put(&spool, &stays, "stderr", "e");
    spool_rewind(&spool);
    CHECK_INT(spool.epoch, 6);
    CHECK_INT(spool.acked, 0);
    uint64_t want = 1;
    for (struct spool_batch *batch; (batch = spool_next(&spool)) != NULL; want++) {
        spool_sent(&spool, batch);
        CHECK_INT(batch->seq, want);
    }
    CHECK_INT(want, 4);
    spool_reject(&spool, 2);
    CHECK_INT(stays.held, 2);
    CHECK_INT(spool.holed, 1);
    spool_deinit(&spool);
}

static void what_was_never_sent_can_be_forgotten_without_a_hole(void)
{
    struct spool spool;
    struct spool_log gone = make_log("s1"), stays = make_log("s2");
    spool_init(&spool, 1 << 20, 5);
    put(&spool, &stays, "stdout", "a");
    put(&spool, &gone, "stdout", "b");
    spool_forget(&spool, &gone);
    put(&spool, &stays, "stdout", "c"); /* the end of the list is still its end */
    CHECK_INT(stays.held, 1);
    spool_rewind(&spool);
    CHECK_INT(spool.epoch, 5);
    spool_deinit(&spool);
}

static void a_batch_is_written_as_its_message(void)
{
    struct spool spool;
    struct spool_log log = make_log("s1");
    struct text text = {NULL, 0, 0};
    spool_init(&spool, 1 << 20, 5);
    put(&spool, &log, "stderr", "foo");
    spool_sent(&spool, spool_next(&spool));
    spool_put_batch(spool.first, &text);
    const json_node *root = json_parse(text.ptr, text.len, NULL, 0);
    const json_node *batch = json_get(root, "batch"), *meta = json_get(batch, "meta");
    CHECK_TEXT(arc__slice_cstr(json_get_text(batch, "data")), "Zm9vCg==");
    CHECK_INT(json_get_int(batch, "rawSize"), 4);
    CHECK_INT(json_get_int(batch, "firstLine"), 1);
    CHECK_TEXT(arc__slice_cstr(json_get_text(batch, "stream")), "stderr");
    CHECK_TEXT(arc__slice_cstr(json_get_text(meta, "stepId")), "s1");
    CHECK_INT(json_get_int(meta, "seq"), 1);
    CHECK_INT(json_get_int(meta, "attempt"), 2);
    CHECK_INT(json_get_int(meta, "fence"), 9);
    json_free(root);
    text_deinit(&text);
    spool_deinit(&spool);
}

static const struct test tests[] = {
    {"lines of one stream share a batch until it is sent", lines_of_one_stream_share_a_batch},
    {"a batch is kept until it is acknowledged", a_batch_is_kept_until_it_is_acknowledged},
    {"memory is bounded and every lost line is counted", memory_is_bounded_and_loss_is_counted},
    {"a step has a limit of its own", a_step_has_a_limit_of_its_own},
    {"a hole in the numbers begins a new epoch", a_hole_begins_a_new_epoch},
    {"what was never sent leaves no hole", what_was_never_sent_can_be_forgotten_without_a_hole},
    {"a batch is written as its message", a_batch_is_written_as_its_message},
};
TEST_MAIN(tests)
