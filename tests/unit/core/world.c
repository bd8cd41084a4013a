/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static int is_text(const struct arc_value *value, const char *text)
{
    return value != NULL && value->kind == ARC_VALUE_TEXT &&
           arc__slice_is(arc__value_slice(value), text);
}

int world_read(arc_slice json, struct arc_arena *arena, struct arc_world *world)
{
    struct arc_value all;
    *world = (struct arc_world){.status = ARC_STATUS_SUCCESS, .now_ns = INT64_MIN};
    if (arc__value_from_json(json, 64, arena, &all, NULL) != ARC_OK || all.kind != ARC_VALUE_MAP)
        return 0;
    for (size_t i = 0; i < ARC_CONTEXT_COUNT; i++) {
        const struct arc_value *one =
            arc__value_get(&all, arc__slice_cstr(arc__context((enum arc_context)i)->name));
        world->contexts[i] = one == NULL               ? arc__value_map(NULL, 0)
                             : is_text(one, "unknown") ? ARC_VALUE_OF_UNKNOWN
                                                       : *one;
    }
    const struct arc_value *status = arc__value_get(&all, ARC_LIT("status"));
    const struct arc_value *now = arc__value_get(&all, ARC_LIT("now"));
    if (is_text(status, "unknown"))
        world->unknown = ARC_STATUS_SUCCESS | ARC_STATUS_FAILURE | ARC_STATUS_CANCELLED;
    else if (is_text(status, "failed"))
        world->status = ARC_STATUS_FAILURE;
    else if (is_text(status, "cancelled"))
        world->status = ARC_STATUS_CANCELLED;
    if (now != NULL && now->kind == ARC_VALUE_INT)
        world->now_ns = now->as.integer;
    return 1;
}
