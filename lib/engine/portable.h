/* SPDX-License-Identifier: Apache-2.0 */
/* A run as one file of JSON lines, which docs/EVENTLOG.md describes: what it is, the definition
 * that it was made of, every event as it is stored, and a digest over all of that. */
#ifndef ARC_ENGINE_PORTABLE_H
#define ARC_ENGINE_PORTABLE_H

#include "base/ulid.h"
#include "engine/desk.h"

#define ARC_PORTABLE_VERSION 1
#define ARC_PORTABLE_LINE_MAX (64u * 1024u * 1024u)   /* bytes: what our reader of JSON takes */
#define ARC_PORTABLE_BYTES_MAX (256u * 1024u * 1024u) /* of one file that is taken in */

struct arc_export;
/* ARC_ENOTFOUND: no run has this id. desk outlives it. */
arc_status arc__export_new(struct arc_desk *desk, arc_slice run_id, struct arc_export **out,
                           arc_err *err);
void arc__export_free(struct arc_export *ex);
/* The next line with its newline; it lives until the next. ARC_EDONE: that was all.
 * ARC_EPRECONDITION: the run's events do not fold, and what was given so far is no file. */
arc_status arc__export_next(struct arc_export *ex, arc_slice *out, arc_err *err);

struct arc_take_report {
    arc_id run_id;
    int32_t same;   /* 1: it was there already, just so; nothing was written */
    int32_t status; /* of the run, ARC_RUN_… */
    uint64_t events, rows;
};

struct arc_take;
arc_status arc__take_new(struct arc_desk *desk, struct arc_take **out, arc_err *err);
void arc__take_free(struct arc_take *take);
/* A line without its newline. ARC_EINVAL (err->line says which): it is not what the format wants;
 * ARC_ELIMIT, ARC_ENOMEM. Nothing is written before the end. */
arc_status arc__take_line(struct arc_take *take, arc_slice line, arc_err *err);
/* There are no more: all of it is stored in one batch, or nothing. The run is a record from here
 * on (ARC_HELD_IMPORTED). ARC_EINVAL: the file is cut off; ARC_ECONFLICT: another run has this id,
 * or a row of it; ARC_ELIMIT, and the statuses of the store. */
arc_status arc__take_end(struct arc_take *take, struct arc_take_report *out, arc_err *err);

#endif
