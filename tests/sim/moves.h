/* SPDX-License-Identifier: Apache-2.0 */
/* What each event may do to a run, when it may come, and what may not be left undone. */
#ifndef ARC_SIM_MOVES_H
#define ARC_SIM_MOVES_H

#include "shadow_event.h"

void move(struct shadow *shadow, const struct stored *event);
/* After a batch: what is ready now must have been decided in it. */
void move_check_eager(struct shadow *shadow, uint32_t r);

#endif
