/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a run, made of the fold of its events and of nothing else: what the engine writes,
 * what a rebuild writes again, and what a run is shown as at any of its events.
 *
 * Two columns say more than events do, and are named soft: they may differ from what is made here
 * without anything being wrong. `reason` of a run or a job that waits is of the moment (who holds
 * the slot that it waits for), and `version` counts up to any later event that changed nothing
 * else. What no event says at all (`held`, `held_why`, `home`) is soft too.
 */
#ifndef ARC_ENGINE_PROJECT_H
#define ARC_ENGINE_PROJECT_H

#include "core/decide.h"
#include "port/tables.h"

/* Texts are borrowed from the run or live in the arena. ARC_ENOMEM. `held` is not of the events,
 * and `reason` is empty for what only waits: arc__run_why and arc__job_why know it. */
arc_status arc__project_run(const struct arc_run *run, struct arc_arena *arena,
                            struct arc_row_pipeline_run *out, arc_err *err);
arc_status arc__project_job(const struct arc_run *run, uint32_t job, struct arc_arena *arena,
                            struct arc_row_job_run *out, arc_err *err);
/* state: of the present attempt of its job, or of an earlier one, which job_attempt counts. */
arc_status arc__project_step(const struct arc_run *run, uint32_t job, uint32_t step,
                             const struct arc_step_state *state, int32_t job_attempt,
                             struct arc_arena *arena, struct arc_row_step_run *out, arc_err *err);
/* The step run was deleted by an event of a stream of its own, at that time. */
void arc__project_deleted(int64_t time_ns, struct arc_row_step_run *out);
/* Of an event artifact.created, whose texts it borrows. */
arc_status arc__project_artifact(const struct arc_event *event, struct arc_arena *arena,
                                 struct arc_row_step_run_artifact *out, arc_err *err);

/* 1: the column may differ from what is made here: row is the stored one, made the other. */
int arc__project_soft(enum arc_table table, uint32_t col, const void *stored, const void *made);

#endif
