/* SPDX-License-Identifier: Apache-2.0 */
/* When leases lapse, over a turn that is lost to another process. Its runs are read again, and a
 * lease is in no event: with a whole lease time more each time, one conflict after the other would
 * let an agent that is gone keep its steps for ever. Only for what is read within a second: later,
 * its holder may have asked in vain for more time. */
#ifndef ARC_ENGINE_LEASES_H
#define ARC_ENGINE_LEASES_H

#include "engine/engine_private.h"

struct kept_lease {
    arc_id step;
    int64_t attempt;
    uint64_t until_mono_ns;
};

/* The turn is lost, and what it touched is in memory still. Those beyond options.leases_kept_max
 * are not kept, nor those for which there is no memory. */
void arc__leases_keep(struct arc_engine *engine);
void arc__leases_add(struct arc_engine *engine, const struct kept_lease *lease);
/* Of a step that is read: once. 0: none was kept. */
uint64_t arc__leases_kept(struct arc_engine *engine, const struct arc_step_state *step);
void arc__leases_forget(struct arc_engine *engine);
void arc__leases_close(struct arc_engine *engine);

/* live.c: adds those of a run that are watched here. */
void arc__live_keep_leases(const struct live *live);

#endif
