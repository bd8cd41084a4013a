/* SPDX-License-Identifier: Apache-2.0 */
/* A step run's log or status as a WebSocket shows it: the same methods as the gRPC streams, with
 * the seed's field names. And what a client may say there. */
#ifndef ARC_COMMAND_FEED_H
#define ARC_COMMAND_FEED_H

#include "base/buf.h"
#include "command/call.h"

/* --- what a client says -------------------------------------------------------------------------
 */

/* What is missing or of another type than text is empty. */
struct arc_feed_request {
    int is_object; /* 0: the message was no JSON object, nothing else is set */
    arc_slice channel, action;
    arc_slice pipeline_id, job_id, step_run_id;
    int64_t from, tail;
    int from_given, tail_given, range_bad; /* bad: no positive whole number */
};
/* Texts are in arena. ARC_ENOMEM alone; everything that is wrong is told by *out. */
arc_status arc__feed_request_read(arc_slice text, struct arc_arena *arena,
                                  struct arc_feed_request *out, arc_err *err);

/* --- what it is told ----------------------------------------------------------------------------
 */

enum arc_feed_kind { ARC_FEED_LOG = 1, ARC_FEED_STATUS };

enum arc_feed_item {
    ARC_FEED_CHUNK = 1, /* log: an array of entries */
    ARC_FEED_HISTORY_DONE,
    ARC_FEED_LINE, /* log: one entry */
    ARC_FEED_SNAPSHOT,
    ARC_FEED_CHANGE
};

struct arc_feed;

struct arc_feed_start {
    enum arc_feed_kind kind;
    struct arc_principal principal;
    arc_slice pipeline_id, job_id, step_run_id;
    int64_t from, tail; /* log; 0: not given */
    /* Something may have changed; may come from inside the functions below: take a note. */
    void (*wake)(void *user);
    void *user;
};
arc_status arc__feed_open(struct arc_command *command, const struct arc_feed_start *start,
                          struct arc_feed **out, arc_err *err);
/* Appends the item's `data` to out (nothing for HISTORY_DONE). *ends: the step has ended with it.
 * ARC_EAGAIN: none now. ARC_EDONE: no more will come. Else why there is none: ARC_ENOTFOUND (the
 * step run), ARC_EDENIED, … */
arc_status arc__feed_next(struct arc_feed *feed, struct arc_buf *out, enum arc_feed_item *item,
                          int *ends, arc_err *err);
/* Log: the line that comes next, for who wants to go on from there later. */
int64_t arc__feed_line(const struct arc_feed *feed);
void arc__feed_close(struct arc_feed *feed); /* NULL is fine */

#endif
