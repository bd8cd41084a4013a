/* SPDX-License-Identifier: Apache-2.0 */
/* A run as of any of its events: stored rows go in, one after the other, and what they make comes
 * out. Nothing is decided and nothing is stored; who reads the rows and how many is the caller's.
 */
#ifndef ARC_ENGINE_HISTORY_H
#define ARC_ENGINE_HISTORY_H

#include "core/run.h"
#include "port/tables.h"

struct arc_history {
    struct arc_run run;           /* the fold of all that was taken */
    const struct arc_event *last; /* the one that was taken last; NULL: none */
    struct arc_arena scratch;     /* it lives here, until the next */
};

void arc__history_init(struct arc_history *history, const struct arc_mem *mem);
void arc__history_deinit(struct arc_history *history);

/* The next event; the row may go when this returns. ARC_EINTERNAL: it is not the next one, it
 * cannot be read, or it does not fit what was before it; ARC_ENOMEM, ARC_ELIMIT. After a failure
 * the history can only be dropped. */
arc_status arc__history_take(struct arc_history *history, const struct arc_row_event *row,
                             arc_err *err);

#endif
