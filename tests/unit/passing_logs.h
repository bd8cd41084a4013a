/* SPDX-License-Identifier: Apache-2.0 */
/* For a log store of a test that stands before another one: what it passes on as it is. */
#ifndef ARC_TEST_PASSING_LOGS_H
#define ARC_TEST_PASSING_LOGS_H

#include "port/log_store.h"

/* The first member of the store of the test. */
struct passing_logs {
    struct arc_log_store logs;
    struct arc_log_store *under;
};

static inline struct arc_log_store *passing_under(struct arc_log_store *logs)
{
    return ((struct passing_logs *)(void *)logs)->under;
}

static inline arc_status passing_append(struct arc_log_store *logs, arc_slice run_id,
                                        arc_slice step_run_id, struct arc_log_line *lines,
                                        size_t count, arc_err *err)
{
    struct arc_log_store *under = passing_under(logs);
    return under->ops->append(under, run_id, step_run_id, lines, count, err);
}

static inline arc_status passing_info(struct arc_log_store *logs, arc_slice run_id,
                                      arc_slice step_run_id, struct arc_log_info *out, arc_err *err)
{
    struct arc_log_store *under = passing_under(logs);
    return under->ops->info(under, run_id, step_run_id, out, err);
}

static inline arc_status passing_read(struct arc_log_store *logs, arc_slice run_id,
                                      arc_slice step_run_id, int64_t from, size_t limit,
                                      size_t max_bytes, struct arc_arena *arena,
                                      struct arc_log_line **lines, size_t *count, arc_err *err)
{
    struct arc_log_store *under = passing_under(logs);
    return under->ops->read(under, run_id, step_run_id, from, limit, max_bytes, arena, lines, count,
                            err);
}

static inline void passing_release(struct arc_log_store *logs, arc_slice run_id,
                                   arc_slice step_run_id)
{
    struct arc_log_store *under = passing_under(logs);
    under->ops->release(under, run_id, step_run_id);
}

static inline arc_status passing_remove_run(struct arc_log_store *logs, arc_slice run_id,
                                            arc_err *err)
{
    struct arc_log_store *under = passing_under(logs);
    return under->ops->remove_run(under, run_id, err);
}

#endif
