/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/leases.h"

#define KEPT_NS (UINT64_C(1) * 1000000000) /* later than that, who could renew is not known */

void arc__leases_add(struct arc_engine *engine, const struct kept_lease *lease)
{
    struct replicas *replicas = &engine->replicas;
    void *items = replicas->kept;
    if (arc__grow(&engine->mem, &items, &replicas->kept_capacity, replicas->kept_count,
                  sizeof(*lease), engine->options.leases_kept_max, NULL) != ARC_OK)
        return;
    replicas->kept = items;
    replicas->kept[replicas->kept_count++] = *lease;
}

/* Those of steps that the turn found lapsed, and those that run on. */
void arc__leases_keep(struct arc_engine *engine)
{
    struct replicas *replicas = &engine->replicas;
    const struct turn *turn = &engine->turn;
    replicas->kept_count = 0;
    replicas->kept_mono_ns = engine->now.mono_ns;
    for (size_t i = 0; i < turn->event_count; i++) {
        const struct arc_event *event = turn->events[i];
        struct kept_lease lapsed = {.attempt = event->attempt,
                                    .until_mono_ns = engine->now.mono_ns};
        if (event->cause != ARC_CAUSE_LOST || event->step_run_id.len == 0)
            continue;
        (void)arc__slice_to_cstr(event->step_run_id, lapsed.step.text, sizeof(lapsed.step.text));
        arc__leases_add(engine, &lapsed);
    }
    for (size_t i = 0; i < turn->live_count; i++) {
        if (turn->lives[i] != NULL && turn->lives[i]->loaded)
            arc__live_keep_leases(turn->lives[i]);
    }
}

uint64_t arc__leases_kept(struct arc_engine *engine, const struct arc_step_state *step)
{
    struct replicas *replicas = &engine->replicas;
    if (engine->now.mono_ns - replicas->kept_mono_ns > KEPT_NS)
        replicas->kept_count = 0;
    for (size_t i = 0; i < replicas->kept_count; i++) {
        if (replicas->kept[i].attempt != step->attempt ||
            strcmp(replicas->kept[i].step.text, step->id.text) != 0)
            continue;
        uint64_t until = replicas->kept[i].until_mono_ns;
        replicas->kept[i] = replicas->kept[--replicas->kept_count];
        return until;
    }
    return 0;
}

void arc__leases_forget(struct arc_engine *engine)
{
    engine->replicas.kept_count = 0;
}

void arc__leases_close(struct arc_engine *engine)
{
    arc__free(&engine->mem, engine->replicas.kept);
}
