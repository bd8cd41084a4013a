/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

/* clang-format off */
#define NAME(name, type) [ARC_EVENT_##name] = (type),
static const char *const type_names[ARC_EVENT_TYPE_COUNT] = {[0] = "", ARC_EVENT_TYPES(NAME)};
/* clang-format on */

const char *arc__event_type_name(enum arc_event_type type)
{
    return type < ARC_EVENT_TYPE_COUNT ? type_names[type] : "";
}

enum arc_event_type arc__event_type_from_name(arc_slice name)
{
    for (int i = 1; i < ARC_EVENT_TYPE_COUNT; i++) {
        if (arc__slice_is(name, type_names[i]))
            return (enum arc_event_type)i;
    }
    return ARC_EVENT_NONE;
}

arc_slice arc__event_object(enum arc_event_type type)
{
    arc_slice rest;
    (void)arc__slice_cut(arc__slice_cstr(arc__event_type_name(type)), '.', &rest);
    return arc__slice_cut(rest, '.', &rest);
}

arc_slice arc__event_lifecycle(enum arc_event_type type)
{
    arc_slice rest;
    (void)arc__slice_cut(arc__slice_cstr(arc__event_type_name(type)), '.', &rest);
    (void)arc__slice_cut(rest, '.', &rest);
    return rest;
}
