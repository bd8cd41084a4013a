/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of all steps from when they are read until the server has acknowledged them. Pure: it
 * knows no socket and no clock. What must stay true:
 *   - the memory held is at most bytes_max; a line beyond it is dropped and counted, and the step
 *     that wrote it is not slowed;
 *   - every line has a number, from 1 in each attempt of a step, dropped ones too;
 *   - a batch that was sent once keeps its sequence number and its bytes until it is acknowledged;
 *   - the sequence numbers of an epoch have no hole: where one would come, a new epoch begins.
 */
#ifndef EXAMPLES_AGENT_SPOOL_H
#define EXAMPLES_AGENT_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

/* A batch is closed when it reaches this; with one line more it is still below what a server takes.
 */
#define SPOOL_BATCH_BYTES (64u << 10)
/* What one attempt of a step may write into its log. */
#define SPOOL_STEP_BYTES ((int64_t)256 << 20)

/* The log of one attempt of a step. The owner sets the first fields; all zeros else. */
struct spool_log {
    const char *agent_id, *pipeline_id, *step_run_id; /* borrowed, longer lived */
    int32_t attempt;
    uint64_t fence;
    int64_t lines;   /* numbered so far, dropped ones too */
    int64_t dropped; /* of them lost, in all */
    int64_t bytes;   /* taken so far */
    int64_t unsaid;  /* dropped and not yet told by a batch */
    uint32_t held;   /* batches that are not acknowledged */
};

struct spool_batch {
    struct spool_batch *next;
    struct spool_log *log;
    const char *stream; /* "stdout" or "stderr" */
    uint64_t seq;       /* 0: never sent */
    int sent;           /* on the present stream */
    int64_t first_line, dropped;
    struct text data; /* newline-terminated lines */
};

struct spool {
    struct spool_batch *first, *last;
    size_t bytes, bytes_max;
    uint64_t epoch, next_seq, acked;
    int holed; /* a batch that had a number is gone: the next stream begins a new epoch */
};

void spool_init(struct spool *spool, size_t bytes_max, uint64_t epoch);
void spool_deinit(struct spool *spool);

/* Takes one line without its newline. */
void spool_line(struct spool *spool, struct spool_log *log, const char *stream, const char *bytes,
                size_t len);
/* A stream to the server begins: everything that is held is to be sent on it. */
void spool_rewind(struct spool *spool);
/* The next batch to send, or NULL. Owner: spool. */
struct spool_batch *spool_next(struct spool *spool);
/* It was handed to the stream. */
void spool_sent(struct spool *spool, struct spool_batch *batch);
/* The server has everything of this epoch up to seq. */
void spool_ack(struct spool *spool, uint64_t seq);
/* The server will never take this one. */
void spool_reject(struct spool *spool, uint64_t seq);
/* Nobody wants this log any more. */
void spool_forget(struct spool *spool, struct spool_log *log);
/* The batch as a PushLogsRequest in JSON. */
void spool_put_batch(const struct spool_batch *batch, struct text *out);

#endif
