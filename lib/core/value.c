/* SPDX-License-Identifier: Apache-2.0 */
/* Values are walked with a stack of their own: how deep they are is not for us to trust. */
#include "core/value.h"

#include <arcentra/base.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *arc__value_kind_name(enum arc_value_kind kind)
{
    switch (kind) {
    case ARC_VALUE_NULL:
        return "null";
    case ARC_VALUE_BOOL:
        return "a bool";
    case ARC_VALUE_INT:
        return "an int";
    case ARC_VALUE_FLOAT:
        return "a float";
    case ARC_VALUE_TEXT:
        return "text";
    case ARC_VALUE_LIST:
        return "a list";
    case ARC_VALUE_MAP:
        return "a map";
    case ARC_VALUE_DURATION:
        return "a duration";
    case ARC_VALUE_TIME:
        return "a time";
    default:
        return "what is not known yet";
    }
}

const struct arc_value *arc__value_get(const struct arc_value *map, arc_slice key)
{
    uint32_t low = 0, high = map->kind == ARC_VALUE_MAP ? map->count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = arc__slice_compare(map->as.members[middle].key, key);
        if (order == 0)
            return &map->as.members[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- comparing ------------------------------------------------------------------------------ */

static int order_reals(double a, double b)
{
    return a < b ? -1 : a > b;
}

/* Without rounding the integer: 2^53 + 1 is more than 2^53 as a double. */
static int order_mixed(int64_t integer, double real)
{
    if (isnan(real) || real >= 9223372036854775808.0)
        return -1;
    if (real < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)real;
    if (integer != whole)
        return integer < whole ? -1 : 1;
    return order_reals((double)whole, real);
}

int arc__value_compare_numbers(const struct arc_value *a, const struct arc_value *b)
{
    if (a->kind == ARC_VALUE_INT && b->kind == ARC_VALUE_INT)
        return a->as.integer < b->as.integer ? -1 : a->as.integer > b->as.integer;
    if (a->kind == ARC_VALUE_INT)
        return order_mixed(a->as.integer, b->as.real);
    if (b->kind == ARC_VALUE_INT)
        return -order_mixed(b->as.integer, a->as.real);
    return order_reals(a->as.real, b->as.real);
}

static int is_number(const struct arc_value *value)
{
    return value->kind == ARC_VALUE_INT || value->kind == ARC_VALUE_FLOAT;
}

static int is_container(const struct arc_value *value)
{
    return value->kind == ARC_VALUE_LIST || value->kind == ARC_VALUE_MAP;
}

/* But for the children of containers, which agree in kind and count here. */
static int equal_here(const struct arc_value *a, const struct arc_value *b)
{
    if (is_number(a) && is_number(b))
        return arc__value_compare_numbers(a, b) == 0;
    if (a->kind != b->kind)
        return 0;
    switch (a->kind) {
    case ARC_VALUE_NULL:
        return 1;
    case ARC_VALUE_TEXT:
        return arc__slice_equal(arc__value_slice(a), arc__value_slice(b));
    case ARC_VALUE_LIST:
    case ARC_VALUE_MAP:
        return a->count == b->count;
    case ARC_VALUE_UNKNOWN:
        return 0;
    default:
        return a->as.integer == b->as.integer;
    }
}

static const struct arc_value *child(const struct arc_value *of, uint32_t at)
{
    return of->kind == ARC_VALUE_MAP ? &of->as.members[at].value : &of->as.items[at];
}

int arc__value_equal(const struct arc_value *a, const struct arc_value *b)
{
    struct {
        const struct arc_value *a, *b;
        uint32_t at;
    } open[ARC_VALUE_DEPTH_MAX];
    uint32_t depth = 0;
    for (;;) {
        if (!equal_here(a, b))
            return 0;
        if (is_container(a) && a->count > 0) {
            if (depth == ARC_VALUE_DEPTH_MAX)
                return 0;
            open[depth].a = a;
            open[depth].b = b;
            open[depth++].at = 0;
        }
        while (depth > 0 && open[depth - 1].at == open[depth - 1].a->count)
            depth--;
        if (depth == 0)
            return 1;
        uint32_t at = open[depth - 1].at++;
        a = open[depth - 1].a;
        b = open[depth - 1].b;
        if (a->kind == ARC_VALUE_MAP &&
            !arc__slice_equal(a->as.members[at].key, b->as.members[at].key))
            return 0;
        a = child(a, at);
        b = child(b, at);
    }
}

int arc__value_is_known(const struct arc_value *value)
{
    struct {
        const struct arc_value *of;
        uint32_t at;
    } open[ARC_VALUE_DEPTH_MAX];
    uint32_t depth = 0;
    for (;;) {
        if (value->kind == ARC_VALUE_UNKNOWN)
            return 0;
        if (is_container(value) && value->count > 0 && depth < ARC_VALUE_DEPTH_MAX) {
            open[depth].of = value;
            open[depth++].at = 0;
        }
        while (depth > 0 && open[depth - 1].at == open[depth - 1].of->count)
            depth--;
        if (depth == 0)
            return 1;
        value = child(open[depth - 1].of, open[depth - 1].at++);
    }
}

/* --- copying -------------------------------------------------------------------------------- */

/* A container that is being copied: its new children, which are still those of the old one. */
struct copying {
    struct arc_value *items;
    struct arc_member *members; /* or these */
    uint32_t count, at;
};

/* The children of one container, with their keys. 0: memory is out. */
static int copy_children(struct arc_arena *arena, struct arc_value *of, struct copying *children)
{
    *children = (struct copying){.count = of->count};
    if (of->kind == ARC_VALUE_LIST) {
        children->items = arc__arena_array(arena, of->count, sizeof(struct arc_value));
        if (children->items != NULL)
            memcpy(children->items, of->as.items, of->count * sizeof(struct arc_value));
        of->as.items = children->items;
        return children->items != NULL;
    }
    children->members = arc__arena_array(arena, of->count, sizeof(struct arc_member));
    for (uint32_t i = 0; children->members != NULL && i < of->count; i++) {
        const struct arc_member *from = &of->as.members[i];
        children->members[i] = (struct arc_member){arc__arena_copy(arena, from->key), from->value};
        if (children->members[i].key.len != from->key.len)
            return 0;
    }
    of->as.members = children->members;
    return children->members != NULL;
}

struct arc_value arc__value_copy(struct arc_arena *arena, const struct arc_value *value)
{
    struct copying open[ARC_VALUE_DEPTH_MAX];
    struct arc_value copy = *value, *to = &copy;
    uint32_t depth = 0;
    for (;;) {
        if (to->kind == ARC_VALUE_TEXT && to->count > 0) {
            to->as.text = arc__arena_strdup(arena, arc__value_slice(to));
            if (to->as.text == NULL)
                return ARC_VALUE_OF_UNKNOWN;
        } else if (is_container(to) && to->count > 0) {
            if (depth == ARC_VALUE_DEPTH_MAX || !copy_children(arena, to, &open[depth]))
                return ARC_VALUE_OF_UNKNOWN;
            depth++;
        }
        while (depth > 0 && open[depth - 1].at == open[depth - 1].count)
            depth--;
        if (depth == 0)
            return copy;
        struct copying *next = &open[depth - 1];
        to = next->items != NULL ? &next->items[next->at] : &next->members[next->at].value;
        next->at++;
    }
}

/* --- maps ----------------------------------------------------------------------------------- */

#define KIND_BITS 4u

static int by_key(const void *a, const void *b)
{
    const struct arc_member *x = a, *y = b;
    int order = arc__slice_compare(x->key, y->key);
    if (order != 0)
        return order;
    return x->value.kind >> KIND_BITS < y->value.kind >> KIND_BITS ? -1 : 1;
}

void arc__value_sort(struct arc_member *members, uint32_t count)
{
    uint32_t sorted = 1;
    while (sorted < count && arc__slice_compare(members[sorted - 1].key, members[sorted].key) < 0)
        sorted++;
    if (sorted >= count)
        return;
    /* qsort is not stable: the place of each stands in bits that no kind needs. 2^28 members would
     * be 12 GiB. */
    for (uint32_t i = 0; i < count; i++)
        members[i].value.kind |= i << KIND_BITS;
    qsort(members, count, sizeof(*members), by_key);
    for (uint32_t i = 0; i < count; i++)
        members[i].value.kind &= (1U << KIND_BITS) - 1;
}

struct arc_value arc__value_map(struct arc_member *members, uint32_t count)
{
    struct arc_value map = {ARC_VALUE_MAP, 0, {.members = members}};
    arc__value_sort(members, count);
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && arc__slice_equal(members[i].key, members[i + 1].key))
            continue;
        members[map.count++] = members[i];
    }
    return map;
}
