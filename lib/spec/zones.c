/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/model.h"

#include "base/text.h"

/* clang-format off */
static const char *const zones[] = {
#define ZONE(name) name,
#include "spec/zones.def"
};
/* clang-format on */

int arc__zone_known(arc_slice name)
{
    size_t low = 0, high = ARC_COUNT_OF(zones);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = arc__slice_compare(arc__slice_cstr(zones[middle]), name);
        if (order == 0)
            return 1;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* 1: `name` is the zone in other letters, or the last part of it. */
static int is_meant(arc_slice zone, arc_slice name)
{
    if (zone.len > name.len && zone.ptr[zone.len - name.len - 1] == '/')
        zone = arc__slice_from(zone, zone.len - name.len);
    if (zone.len != name.len)
        return 0;
    for (size_t i = 0; i < name.len; i++) { /* a blank is how people write the underscore */
        arc_slice a = arc__slice(zone.ptr + i, 1), b = arc__slice(name.ptr + i, 1);
        if (arc__slice_compare_nocase(a, b) != 0 && !(*a.ptr == '_' && *b.ptr == ' '))
            return 0;
    }
    return 1;
}

arc_slice arc__zone_nearest(arc_slice name)
{
    arc_slice names[ARC_COUNT_OF(zones)];
    for (size_t i = 0; i < ARC_COUNT_OF(zones); i++) {
        names[i] = arc__slice_cstr(zones[i]);
        if (name.len > 3 && is_meant(names[i], name))
            return names[i];
    }
    return arc__nearest(name, names, ARC_COUNT_OF(zones));
}
