/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/rules.h"

#include <stdio.h>

#define ARC_OBJECT_ANY ARC_OBJECT_NONE

/* clang-format off */
static const struct {
    enum arc_object object;
    const char *key, *hint;
} rows[] = {
#define FOREIGN(object, key, hint) {ARC_OBJECT_##object, key, hint},
#define FOREIGN_NAME(name, member, here)
#include "spec/foreign.def"
};
static const struct {
    const char *name, *member, *here;
} names[] = {
#define FOREIGN(object, key, hint)
#define FOREIGN_NAME(name, member, here) {name, member, here},
#include "spec/foreign.def"
};
/* clang-format on */

/* `runs-on` as `runs_on`, which the table of fields knows how to read. */
static const struct arc_field *unhyphenated(enum arc_object object, arc_slice key)
{
    char snake[ARC_SNAKE_MAX];
    size_t len = arc__slice_to_cstr(key, snake, sizeof(snake));
    if (len < key.len || memchr(snake, '-', len) == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (snake[i] == '-')
            snake[i] = '_';
    }
    return arc__field_find(object, arc__slice(snake, len));
}

static int is_here(enum arc_object row, enum arc_object object)
{
    return row == object ||
           (row == ARC_OBJECT_ANY && (object == ARC_OBJECT_PIPELINE || object == ARC_OBJECT_STAGE ||
                                      object == ARC_OBJECT_JOB || object == ARC_OBJECT_STEP));
}

arc_slice arc__foreign_hint(struct arc_check *check, enum arc_object object, arc_slice key)
{
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        if (is_here(rows[i].object, object) && arc__slice_is(key, rows[i].key))
            return arc__slice_cstr(rows[i].hint);
    }
    const struct arc_field *field = unhyphenated(object, key);
    return field != NULL ? arc__arena_printf(check->arena, "write `%s:`", field->key) : ARC_NONE;
}

/* A map with more keys that nobody knows is no slip, and looking on would take time. */
#define UNKNOWN_MAX 64

/* Whether the hint tells to write that key: "write `steps: …`". */
static int tells(arc_slice hint, const char *key)
{
    char wanted[ARC_SNAKE_MAX + 4];
    int len = snprintf(wanted, sizeof(wanted), "`%s:", key);
    return hint.len > 0 && len > 0 && memmem(hint.ptr, hint.len, wanted, (size_t)len) != NULL;
}

int arc__foreign_means(struct arc_check *check, enum arc_object object, const struct arc_node *map,
                       const char *key)
{
    if (map == NULL || map->kind != ARC_NODE_MAP)
        return 0;
    int unknown = 0;
    for (const struct arc_node *c = map->first; c != NULL && unknown < UNKNOWN_MAX; c = c->next) {
        if (arc__field_of(object, c) != NULL || arc__slice_starts(c->key, ARC_LIT("x-")))
            continue;
        unknown++;
        if (tells(arc__foreign_hint(check, object, c->key), key) ||
            arc__slice_is(arc__field_nearest(object, c->key), key))
            return 1;
    }
    return 0;
}

arc_slice arc__foreign_name(struct arc_check *check, arc_slice name, arc_slice member)
{
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
        const char *wanted = names[i].member;
        if (!arc__slice_is(name, names[i].name))
            continue;
        if (wanted == NULL || arc__slice_is(member, wanted))
            return arc__arena_printf(check->arena, "write `%s`", names[i].here);
        if (wanted[0] == '\0' && member.len > 0)
            return arc__arena_printf(check->arena, "write `%s.%.*s`", names[i].here,
                                     ARC_ARG(member));
    }
    return ARC_NONE;
}
