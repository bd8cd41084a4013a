/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/spool.h"

#include <inttypes.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

/* What a batch costs beside its bytes; also what keeps empty lines from being free. */
#define BATCH_COST 256u

void spool_init(struct spool *spool, size_t bytes_max, uint64_t epoch)
{
    *spool = (struct spool){.bytes_max = bytes_max, .epoch = epoch, .next_seq = 1};
}

static size_t cost_of(const struct spool_batch *batch)
{
    return batch->data.len + BATCH_COST;
}

/* Takes out the batch behind `before` (NULL: the first) and frees it. */
static void remove_behind(struct spool *spool, struct spool_batch *before)
{
    struct spool_batch *batch = before != NULL ? before->next : spool->first;
    if (before != NULL)
        before->next = batch->next;
    else
        spool->first = batch->next;
    if (spool->last == batch)
        spool->last = before;
    spool->bytes -= cost_of(batch);
    batch->log->held--;
    text_deinit(&batch->data);
    mem_free(batch);
}

void spool_deinit(struct spool *spool)
{
    while (spool->first != NULL)
        remove_behind(spool, NULL);
}

/* The batch that the next line of log may join. */
static struct spool_batch *open_batch(struct spool *spool, const struct spool_log *log,
                                      const char *stream, size_t len)
{
    struct spool_batch *last = spool->last;
    if (last == NULL || last->log != log || last->seq != 0 || log->unsaid != 0 ||
        strcmp(last->stream, stream) != 0 || last->data.len + len > SPOOL_BATCH_BYTES)
        return NULL;
    return last;
}

static struct spool_batch *new_batch(struct spool *spool, struct spool_log *log, const char *stream)
{
    struct spool_batch *batch = mem_new(sizeof(*batch));
    *batch = (struct spool_batch){
        .log = log, .stream = stream, .first_line = log->lines, .dropped = log->unsaid};
    log->unsaid = 0;
    log->held++;
    if (spool->last != NULL)
        spool->last->next = batch;
    else
        spool->first = batch;
    spool->last = batch;
    spool->bytes += BATCH_COST;
    return batch;
}

void spool_line(struct spool *spool, struct spool_log *log, const char *stream, const char *bytes,
                size_t len)
{
    log->lines++;
    log->bytes += (int64_t)len + 1;
    struct spool_batch *batch = open_batch(spool, log, stream, len);
    size_t cost = len + 1 + (batch != NULL ? 0 : BATCH_COST);
    if (spool->bytes + cost > spool->bytes_max || log->bytes > SPOOL_STEP_BYTES) {
        log->dropped++;
        log->unsaid++;
        return;
    }
    if (batch == NULL)
        batch = new_batch(spool, log, stream);
    text_add(&batch->data, bytes, len);
    text_add(&batch->data, "\n", 1);
    spool->bytes += len + 1;
}

void spool_rewind(struct spool *spool)
{
    if (spool->holed) {
        spool->epoch++;
        spool->next_seq = 1;
        spool->acked = 0;
        spool->holed = 0;
        for (struct spool_batch *batch = spool->first; batch != NULL; batch = batch->next)
            batch->seq = batch->seq != 0 ? spool->next_seq++ : 0;
    }
    for (struct spool_batch *batch = spool->first; batch != NULL; batch = batch->next)
        batch->sent = 0;
}

struct spool_batch *spool_next(struct spool *spool)
{
    struct spool_batch *batch = spool->first;
    while (batch != NULL && batch->sent)
        batch = batch->next;
    return batch;
}

void spool_sent(struct spool *spool, struct spool_batch *batch)
{
    batch->sent = 1;
    if (batch->seq == 0)
        batch->seq = spool->next_seq++;
}

void spool_ack(struct spool *spool, uint64_t seq)
{
    while (spool->first != NULL && spool->first->seq != 0 && spool->first->seq <= seq)
        remove_behind(spool, NULL);
    if (seq > spool->acked && seq < spool->next_seq)
        spool->acked = seq;
}

void spool_reject(struct spool *spool, uint64_t seq)
{
    struct spool_batch *before = NULL;
    for (struct spool_batch *batch = spool->first; batch != NULL && seq != 0; batch = batch->next) {
        if (batch->seq == seq) {
            remove_behind(spool, before);
            spool->holed = 1;
            return;
        }
        before = batch;
    }
}

void spool_forget(struct spool *spool, struct spool_log *log)
{
    struct spool_batch *before = NULL;
    struct spool_batch *batch = spool->first;
    while (batch != NULL) {
        struct spool_batch *next = batch->next;
        if (batch->log == log) {
            spool->holed |= batch->seq != 0;
            remove_behind(spool, before);
        } else {
            before = batch;
        }
        batch = next;
    }
}

void spool_put_batch(const struct spool_batch *batch, struct text *out)
{
    const struct spool_log *log = batch->log;
    struct json_out json = {out, 0};
    struct text id = {NULL, 0, 0};
    text_printf(&id, "%s.%d.%" PRId64, log->step_run_id, (int)log->attempt, batch->first_line);
    json_open(&json, NULL, '{');
    json_open(&json, "batch", '{');
    json_put_text(&json, "batchId", text_get(&id));
    json_open(&json, "meta", '{');
    json_put_text(&json, "agentId", log->agent_id);
    json_put_text(&json, "pipelineId", log->pipeline_id);
    json_put_text(&json, "stepId", log->step_run_id);
    json_put_uint(&json, "seq", batch->seq);
    json_put_int(&json, "attempt", log->attempt);
    json_put_uint(&json, "fence", log->fence);
    json_close(&json, '}');
    json_put_text(&json, "compression", "none");
    json_put_base64(&json, "data", batch->data.ptr, batch->data.len);
    json_put_uint(&json, "rawSize", batch->data.len);
    json_put_text(&json, "stream", batch->stream);
    json_put_int(&json, "firstLine", batch->first_line);
    json_put_int(&json, "droppedLines", batch->dropped);
    json_close(&json, '}');
    json_close(&json, '}');
    text_deinit(&id);
}
