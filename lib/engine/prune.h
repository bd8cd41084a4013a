/* SPDX-License-Identifier: Apache-2.0 */
/* Which runs are old enough to be deleted, and all that a run consists of, in batches that are
 * small. Nothing is asked of the store and nothing is written here: who drives it answers its
 * questions and stores its batches, an engine between its turns or a tool one after the other.
 *
 * A run goes whole, in one batch where that is small enough. A large one is marked in its first
 * batch (ARC_HELD_PRUNED, and `pruned`), goes in parts, its events last, and is gone on with before
 * any other. `pruned` keeps what the counters of its pipeline owe to it, and its version keeps two
 * from deleting the same run.
 *
 * Left alone: what is not over; what is held, unless asked for; a run with notices that nobody has
 * dealt with; the run with the last event of the log, so that positions only grow; whatever the
 * driver calls busy. */
#ifndef ARC_ENGINE_PRUNE_H
#define ARC_ENGINE_PRUNE_H

#include "base/ulid.h"
#include "engine/desk.h"

#define ARC_PRUNE_KEY_NS (INT64_C(30) * 86400 * 1000000000) /* a requestId is kept so long */

/* 0: no limit. */
struct arc_retention {
    int64_t max_age_ns;    /* since its end */
    uint64_t per_pipeline; /* runs of each pipeline, those that are not over among them */
    uint64_t runs;         /* of all pipelines together */
    int held; /* 1: damaged runs and imported records too, by their age since the trigger */
};

struct arc_prune_report {
    uint64_t runs, jobs, steps, events, artifacts; /* deleted */
    uint64_t request_keys;
    uint64_t noticed; /* left alone: notices wait for the host */
    uint64_t busy;    /* left alone: called so, or with the last event of the log */
};

/* Who drives. query: ARC_EAGAIN: ask again, the rows come later; they stay until release. */
struct arc_prune_io {
    void *user;
    arc_status (*query)(void *user, const struct arc_query *query, struct arc_rows *rows,
                        arc_err *err);
    void (*release)(void *user);
    int (*busy)(void *user, arc_slice run_id);                             /* may be NULL */
    arc_status (*remove_logs)(void *user, arc_slice run_id, arc_err *err); /* may be NULL */
};

struct arc_prune;
arc_status arc__prune_new(const struct arc_mem *mem, const struct arc_prune_io *io,
                          const struct arc_retention *retention, int dry, struct arc_prune **out,
                          arc_err *err);
void arc__prune_free(struct arc_prune *prune);
/* A pass over everything, from its beginning. now: wall clock. */
void arc__prune_begin(struct arc_prune *prune, int64_t now_ns);
/* ARC_OK: some questions were asked; when arc__prune_batch has a batch, arc__prune_stored must come
 * before anything else. A dry pass has none. ARC_EAGAIN: a question waits. ARC_EDONE: the pass is
 * over. Other failures are of a question or of memory; asked again it goes on. */
arc_status arc__prune_next(struct arc_prune *prune, arc_err *err);
const struct arc_store_op *arc__prune_batch(const struct arc_prune *prune, size_t *count);
/* What has become of the batch; 0: nothing of it is there, and the pass begins anew. */
void arc__prune_stored(struct arc_prune *prune, int kept);
const struct arc_prune_report *arc__prune_report(const struct arc_prune *prune);
/* When the oldest run that is left may be old enough: wall clock; 0: no age is asked for, or there
 * is none. After ARC_EDONE of a whole pass. */
int64_t arc__prune_due(const struct arc_prune *prune);

/* --- for tools ------------------------------------------------------------------------------- */

struct arc_log_store;
struct arc_prune_tool;
/* One pass over a store that nobody else has. logs may be NULL: their files stay. All outlive it.
 */
arc_status arc__prune_tool_new(struct arc_desk *desk, struct arc_log_store *logs,
                               const struct arc_retention *retention, int64_t now_ns, int dry,
                               struct arc_prune_tool **out, arc_err *err);
void arc__prune_tool_free(struct arc_prune_tool *tool);
/* A bounded amount of work: one batch at most. ARC_EDONE: the pass is over. What was deleted before
 * a failure stays so. */
arc_status arc__prune_tool_step(struct arc_prune_tool *tool, arc_err *err);
const struct arc_prune_report *arc__prune_tool_report(const struct arc_prune_tool *tool);

#endif
