/* SPDX-License-Identifier: Apache-2.0 */
/* A run as of one of its events, as messages: the same for who asks a server and for who reads a
 * store without one. */
#ifndef ARC_COMMAND_HISTORY_H
#define ARC_COMMAND_HISTORY_H

#include "command/show.h"
#include "engine/history.h"

/* How many events ListPipelineRunEvents answers with. */
#define ARC_EVENTS_LIMIT 200
#define ARC_EVENTS_LIMIT_MAX 1000

void arc__show_event(Control__V1__RunEvent *out, const struct arc_event *event,
                     struct arc_arena *arena);
/* One that cannot be read is shown as far as it can be, and says so. ARC_ENOMEM, ARC_ELIMIT. */
arc_status arc__show_event_row(Control__V1__RunEvent *out, const struct arc_row_event *row,
                               struct arc_arena *arena, struct arc_arena *scratch, arc_err *err);
/* Everything of the reply but what every reply has. Durations end with the last event. At least one
 * was taken. */
arc_status arc__show_history(Control__V1__ShowPipelineRunResponse *out,
                             const struct arc_history *history, int64_t last_seq,
                             struct arc_arena *arena, arc_err *err);

#endif
