/* SPDX-License-Identifier: Apache-2.0 */
/* What the host is asked, because nobody else can answer: the gates whose plugin decides. Read off
 * the runs, so that nothing is lost between a commit and a crash; each is told once while its run
 * is in memory, and again after that. */
#include "engine/engine_private.h"

static uint32_t open_ask(const struct arc_run *run)
{
    for (uint32_t i = 0; run->gates_waiting > 0 && i < run->plan->gate_count; i++) {
        if (run->plan->gates[i].automatic && run->gates[i].status == ARC_GATE_WAITING &&
            !run->gates[i].told)
            return i + 1;
    }
    return 0;
}

int arc__engine_next_ask(struct arc_engine *engine, const struct arc_run **run, uint32_t *gate)
{
    int later = 0;
    if (!engine->asks_due)
        return 0;
    ARC_LIST_EACH(&engine->live_list, link)
    {
        struct live *live = ARC_CONTAINER(link, struct live, link);
        if (!live->loaded || arc__run_over(&live->run) || live->run.stopping)
            continue;
        uint32_t found = open_ask(&live->run);
        if (found == 0)
            continue;
        if (live->changed) { /* not durable yet */
            later = 1;
            continue;
        }
        live->run.gates[found - 1].told = 1;
        *run = &live->run;
        *gate = found;
        return 1;
    }
    engine->asks_due = later;
    return 0;
}
