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

const char *arc__field_type_words(enum arc_field_type type)
{
    static const char *const words[] = {
        [ARC_TYPE_TEXT] = "text",
        [ARC_TYPE_NAME] = "name",
        [ARC_TYPE_NAMESPACE] = "namespace",
        [ARC_TYPE_VERSION] = "version",
        [ARC_TYPE_IDENT] = "identifier",
        [ARC_TYPE_USES] = "reference",
        [ARC_TYPE_PATH] = "path",
        [ARC_TYPE_DURATION] = "duration",
        [ARC_TYPE_INT] = "whole number",
        [ARC_TYPE_BOOL] = "true or false",
        [ARC_TYPE_WORD] = "one of",
        [ARC_TYPE_WORDS] = "list of",
        [ARC_TYPE_WHEN] = "condition",
        [ARC_TYPE_VARIABLES] = "map of texts",
        [ARC_TYPE_ENV] = "map of environment names to texts",
        [ARC_TYPE_TEXTMAP] = "map of texts",
        [ARC_TYPE_MAP] = "map of anything",
        [ARC_TYPE_MAPS] = "list of maps",
        [ARC_TYPE_TEXTS] = "list of texts",
        [ARC_TYPE_NAMES] = "list of names of jobs",
        [ARC_TYPE_GLOBS] = "text or list of texts",
        [ARC_TYPE_OBJECT] = "",
        [ARC_TYPE_LIST] = "list of ",
        [ARC_TYPE_GROUP] = "text or ",
        [ARC_TYPE_NOTICES] = "one or a list of ",
        [ARC_TYPE_MATRIX] = "",
    };
    return words[type];
}

const struct arc_field_alias *arc__field_aliases(size_t *count)
{
    *count = ARC_COUNT_OF(aliases);
    return aliases;
}

/* The objects alone, for searching: rows stand in their order, and each has some. */
static const uint8_t object_of[] = {
#define FIELD(object, ...) ARC_OBJECT_##object,
#include "spec/fields.def"
};

_Static_assert(ARC_OBJECT_COUNT <= UINT8_MAX, "an object is one byte");

size_t arc__object_fields(enum arc_object object, const struct arc_field **first)
{
    const uint8_t *end = object_of + ARC_FIELD_COUNT;
    const uint8_t *from = memchr(object_of, (int)object, ARC_FIELD_COUNT);
    if (from == NULL)
        from = end;
    const uint8_t *to = memchr(from, (int)object + 1, (size_t)(end - from));
    *first = fields + (from - object_of);
    return (size_t)((to != NULL ? to : end) - from);
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
    /* Most keys differ in the first character, which both spellings share. */
    if (key.len == 0 || key.ptr[0] != name[0])
        return 0;
    if (arc__slice_is(key, name))
        return 1;
    if (memchr(key.ptr, '_', key.len) == NULL)
        return 0;
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
        if (spelled(first[i].key, key))
            return &first[i];
    }
    for (size_t a = 0; a < ARC_COUNT_OF(aliases); a++) {
        if (aliases[a].object == object && spelled(aliases[a].second, key))
            return arc__field_find(object, arc__slice_cstr(aliases[a].key));
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

/* What is noted at a node: for which object its key was looked up, and the field, from 1, or that
 * there is none. 0: it was not looked up. */
#define NO_FIELD 0xffffu
#define NOTED(object, field) ((uint32_t)(object) << 16 | (field))

_Static_assert(ARC_FIELD_COUNT < NO_FIELD, "fields fit into a note");
_Static_assert(ARC_FIELDS_MAX == 32, "a bit for each field of an object");

uint32_t arc__field_note(enum arc_object object, const struct arc_field *field)
{
    return NOTED(object, field != NULL ? (uint32_t)field->id + 1 : NO_FIELD);
}

/* What an alias stands for may be two objects at once: then only one of them was noted. */
static int means(const struct arc_node *node, enum arc_field_id id, enum arc_object object)
{
    if (node->field == NOTED(object, (uint32_t)id + 1))
        return 1;
    return node->field >> 16 != (uint32_t)object && field_is(&fields[id], node->key);
}

const struct arc_node *arc__field_get(const struct arc_node *map, enum arc_field_id id)
{
    if (map == NULL || map->kind != ARC_NODE_MAP)
        return NULL;
    enum arc_object object = fields[id].object;
    if (map->fields >> 32 == (uint64_t)object && (map->fields & arc__field_bit(id)) == 0)
        return NULL;
    for (const struct arc_node *child = map->first; child != NULL; child = child->next) {
        if (child->kind != ARC_NODE_NULL && means(child, id, object))
            return child;
    }
    return NULL;
}

/* --- notes -------------------------------------------------------------------------------- */

static void note_object(struct arc_notes *notes, struct arc_node *map, enum arc_object object);

const struct arc_field *arc__notes_find(struct arc_notes *notes, enum arc_object object,
                                        arc_slice key)
{
    if (key.len == 0)
        return NULL;
    uint32_t look = (uint32_t)key.len * 3 + (unsigned char)key.ptr[0] * 5U +
                    (unsigned char)key.ptr[key.len - 1] * 17U + (uint32_t)object * 29;
    struct arc_note *note = &notes->at[look % ARC_NOTES_MAX];
    if (note->object != object || !arc__slice_same(note->key, key))
        *note = (struct arc_note){key, object, arc__field_find(object, key)};
    return note->field;
}

/* The depth is that of the table, in which no object holds itself. */
static void note_value(struct arc_notes *notes, struct arc_node *node, enum arc_object object)
{
    if (node->kind == ARC_NODE_MAP)
        note_object(notes, node, object);
    for (struct arc_node *c = node->kind == ARC_NODE_LIST ? node->first : NULL; c != NULL;
         c = c->next) {
        if (c->kind == ARC_NODE_MAP)
            note_object(notes, c, object);
    }
}

static void note_object(struct arc_notes *notes, struct arc_node *map, enum arc_object object)
{
    uint32_t bits = 0;
    for (struct arc_node *c = map->first; c != NULL; c = c->next) {
        const struct arc_field *field = arc__notes_find(notes, object, c->key);
        bits |= field != NULL ? arc__field_bit(field->id) : 0;
        c->field = arc__field_note(object, field);
        if (field != NULL && field->of != ARC_OBJECT_NONE && c->kind >= ARC_NODE_LIST)
            note_value(notes, c, field->of);
    }
    map->fields = arc__fields_of(object, bits);
}

void arc__fields_note(struct arc_node *root)
{
    struct arc_notes notes;
    memset(&notes, 0, sizeof(notes));
    note_value(&notes, root, ARC_OBJECT_PIPELINE);
}

const struct arc_field *arc__field_of(enum arc_object object, const struct arc_node *node)
{
    uint32_t noted = node->field & 0xffffu;
    if (node->field >> 16 != (uint32_t)object)
        return arc__field_find(object, node->key);
    return noted != NO_FIELD ? &fields[noted - 1] : NULL;
}

void arc__fields_read(const struct arc_node *map, enum arc_object object, struct arc_fields *out)
{
    memset(out, 0, sizeof(*out));
    if (map == NULL || map->kind != ARC_NODE_MAP)
        return;
    for (const struct arc_node *child = map->first; child != NULL; child = child->next) {
        const struct arc_field *field =
            child->kind != ARC_NODE_NULL ? arc__field_of(object, child) : NULL;
        if (field != NULL && out->at[field->id % ARC_FIELDS_MAX] == NULL)
            out->at[field->id % ARC_FIELDS_MAX] = child;
    }
}

arc_slice arc__field_text(const struct arc_node *map, enum arc_field_id id)
{
    return arc__node_text(arc__field_get(map, id));
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
    if (word.len == 0) /* none is empty */
        return -1;
    arc_slice left = arc__slice_cstr(words), one;
    for (int index = 0; arc__word_next(&left, &one); index++) {
        if (arc__slice_equal(one, word))
            return index;
    }
    return -1;
}
