/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/fields.h"

#include <string.h>

#include "base/text.h"

#define REQUIRED ARC_FIELD_FLAG_REQUIRED
#define TEMPLATE ARC_FIELD_FLAG_TEMPLATE
#define KEEP ARC_FIELD_FLAG_KEEP
#define NONEMPTY ARC_FIELD_FLAG_NONEMPTY

/* clang-format off */
static const struct arc_field fields[] = {
#define FIELD(object, id, key, type, of, flags, status, since, standard, words, meaning) \
    {ARC_FIELD_##object##_##id, ARC_OBJECT_##object, key, ARC_TYPE_##type, ARC_OBJECT_##of, \
     flags, ARC_FIELD_##status, since, standard, words, meaning},
#include "spec/fields.def"
};

static const struct arc_object_row objects[] = {
    {"", ""},
#define OBJECT(name, title, subject) {title, subject},
#include "spec/fields.def"
};

static const struct arc_field_alias aliases[] = {
#define ALIAS(object, second, key) {ARC_OBJECT_##object, second, key},
#include "spec/fields.def"
};
/* clang-format on */

_Static_assert(sizeof(fields) / sizeof(fields[0]) == ARC_FIELD_COUNT, "one row for each field");
_Static_assert(sizeof(objects) / sizeof(objects[0]) == ARC_OBJECT_COUNT, "one row for each object");

const struct arc_field *arc__field(enum arc_field_id id)
{
    return &fields[id];
}

const struct arc_object_row *arc__object(enum arc_object object)
{
    return &objects[object];
}

const struct arc_field_alias *arc__field_aliases(size_t *count)
{
    *count = ARC_COUNT_OF(aliases);
    return aliases;
}

size_t arc__object_fields(enum arc_object object, const struct arc_field **first)
{
    size_t from = 0;
    while (from < ARC_FIELD_COUNT && fields[from].object != object)
        from++;
    size_t to = from;
    while (to < ARC_FIELD_COUNT && fields[to].object == object)
        to++;
    *first = fields + from;
    return to - from;
}

void arc__field_snake(const char *key, char out[ARC_SNAKE_MAX])
{
    size_t len = 0;
    for (; *key != '\0' && len + 2 < ARC_SNAKE_MAX; key++) {
        if (*key >= 'A' && *key <= 'Z') {
            out[len++] = '_';
            out[len++] = (char)(*key - 'A' + 'a');
        } else {
            out[len++] = *key;
        }
    }
    out[len] = '\0';
}

/* 1 when `key` is the camelCase `name` or its snake_case. */
static int spelled(const char *name, arc_slice key)
{
    if (arc__slice_is(key, name))
        return 1;
    char snake[ARC_SNAKE_MAX];
    arc__field_snake(name, snake);
    return arc__slice_is(key, snake);
}

static int field_is(const struct arc_field *field, arc_slice key)
{
    if (spelled(field->key, key))
        return 1;
    for (size_t i = 0; i < ARC_COUNT_OF(aliases); i++) {
        if (aliases[i].object == field->object && strcmp(aliases[i].key, field->key) == 0 &&
            spelled(aliases[i].second, key))
            return 1;
    }
    return 0;
}

const struct arc_field *arc__field_find(enum arc_object object, arc_slice key)
{
    const struct arc_field *first;
    size_t count = arc__object_fields(object, &first);
    for (size_t i = 0; i < count; i++) {
        if (field_is(&first[i], key))
            return &first[i];
    }
    return NULL;
}

arc_slice arc__field_nearest(enum arc_object object, arc_slice key)
{
    arc_slice names[64];
    const struct arc_field *first;
    size_t count = arc__object_fields(object, &first), named = 0;
    for (size_t i = 0; i < count && named < ARC_COUNT_OF(names); i++)
        names[named++] = arc__slice_cstr(first[i].key);
    for (size_t i = 0; i < ARC_COUNT_OF(aliases) && named < ARC_COUNT_OF(names); i++) {
        if (aliases[i].object == object)
            names[named++] = arc__slice_cstr(aliases[i].second);
    }
    return arc__nearest(key, names, named);
}

const struct arc_node *arc__field_get(const struct arc_node *map, enum arc_field_id id)
{
    if (map == NULL || map->kind != ARC_NODE_MAP)
        return NULL;
    for (const struct arc_node *child = map->first; child != NULL; child = child->next) {
        if (child->kind != ARC_NODE_NULL && field_is(&fields[id], child->key))
            return child;
    }
    return NULL;
}

arc_slice arc__field_text(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *node = arc__field_get(map, id);
    return node != NULL && node->kind < ARC_NODE_LIST ? node->text : ARC_NONE;
}

int arc__word_next(arc_slice *words, arc_slice *word)
{
    if (words->len == 0)
        return 0;
    *word = arc__slice_cut(*words, ' ', words);
    return 1;
}

int arc__word_index(const char *words, arc_slice word)
{
    arc_slice left = arc__slice_cstr(words), one;
    for (int index = 0; arc__word_next(&left, &one); index++) {
        if (arc__slice_equal(one, word))
            return index;
    }
    return -1;
}
