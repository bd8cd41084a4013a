/* SPDX-License-Identifier: Apache-2.0 */
/* The logs of steps on a server, each a stream that is read from where it broke. */
#ifndef EXAMPLES_CLI_LOGS_H
#define EXAMPLES_CLI_LOGS_H

#include "cli/remote.h"
#include "cli/view.h"

/* A connection carries a hundred streams; some are for other things. */
#define LOGS_OPEN_MAX 64u

struct log_stream {
    char *step_run_id, *job, *step;
    arc_call *call;
    int64_t next_line; /* the first that we have not seen; 0: from the beginning */
    int64_t reopen_ns;
    int done;
};

struct logs {
    struct remote *remote;
    int live, failed;
    int64_t tail;
    struct log_stream *streams;
    size_t count, open;
};

void logs_init(struct logs *logs, struct remote *remote, int live, int64_t tail);
/* One more step; nothing when it is had already. */
void logs_want(struct logs *logs, const char *step_run_id, const char *job, const char *step);
/* Opens what is not open and shows what has come. */
void logs_tick(struct logs *logs, struct view *view, int64_t now_ns);
/* 1: every stream has given its last line. */
int logs_done(const struct logs *logs);
void logs_deinit(struct logs *logs);

#endif
