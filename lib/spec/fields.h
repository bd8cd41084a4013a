/* SPDX-License-Identifier: Apache-2.0 */
/* The field table (spec/fields.def) as data, and finding keys in it. Constant. */
#ifndef ARC_SPEC_FIELDS_H
#define ARC_SPEC_FIELDS_H

#include "spec/spec.h"

enum arc_object {
    ARC_OBJECT_NONE,
#define OBJECT(name, title, subject) ARC_OBJECT_##name,
#include "spec/fields.def"
    ARC_OBJECT_COUNT
};

enum arc_field_id {
#define FIELD(object, id, ...) ARC_FIELD_##object##_##id,
#include "spec/fields.def"
    ARC_FIELD_COUNT
};

enum arc_field_type {
    ARC_TYPE_TEXT = 1,
    ARC_TYPE_NAME,
    ARC_TYPE_NAMESPACE,
    ARC_TYPE_VERSION,
    ARC_TYPE_IDENT,
    ARC_TYPE_USES,
    ARC_TYPE_PATH,
    ARC_TYPE_DURATION,
    ARC_TYPE_INT,
    ARC_TYPE_BOOL,
    ARC_TYPE_WORD,      /* one of `words` */
    ARC_TYPE_WORDS,     /* a list of them */
    ARC_TYPE_WHEN,      /* a condition */
    ARC_TYPE_VARIABLES, /* a map of texts */
    ARC_TYPE_ENV,       /* a map of texts, keys are environment names */
    ARC_TYPE_TEXTMAP,   /* a map of texts */
    ARC_TYPE_MAP,       /* a map of anything */
    ARC_TYPE_MAPS,      /* a list of maps of anything */
    ARC_TYPE_TEXTS,     /* a list of texts */
    ARC_TYPE_NAMES,     /* a list of names of jobs */
    ARC_TYPE_GLOBS,     /* a text or a list of texts */
    ARC_TYPE_OBJECT,    /* an object of the table */
    ARC_TYPE_LIST,      /* a list of them */
    ARC_TYPE_GROUP,     /* a text or an object */
    ARC_TYPE_NOTICES,   /* an object or a list of them */
    ARC_TYPE_MATRIX,    /* an object with further keys: lists of scalars */
};

#define ARC_FIELD_FLAG_REQUIRED 1u
#define ARC_FIELD_FLAG_TEMPLATE 2u
#define ARC_FIELD_FLAG_KEEP 4u
#define ARC_FIELD_FLAG_NONEMPTY 8u

enum arc_field_status { ARC_FIELD_RUNS = 1, ARC_FIELD_LATER };

struct arc_field {
    enum arc_field_id id;
    enum arc_object object;
    const char *key;
    enum arc_field_type type;
    enum arc_object of;
    uint32_t flags;
    enum arc_field_status status;
    const char *since;
    const char *standard; /* what an absent value stands for; "": nothing */
    const char *words;
    const char *meaning;
};

struct arc_object_row {
    const char *title;   /* "Job" */
    const char *subject; /* "A job" */
};

struct arc_field_alias {
    enum arc_object object;
    const char *second, *key;
};

const struct arc_field *arc__field(enum arc_field_id id);
const struct arc_object_row *arc__object(enum arc_object object);
/* "duration", "list of names of jobs"; what its row adds stands behind it. */
const char *arc__field_type_words(enum arc_field_type type);
/* The second names, all objects; *count is how many. */
const struct arc_field_alias *arc__field_aliases(size_t *count);
/* The rows of an object: from *first, as many as returned. */
size_t arc__object_fields(enum arc_object object, const struct arc_field **first);

/* The field of an object that a key means, in any of its spellings; NULL: none. */
const struct arc_field *arc__field_find(enum arc_object object, arc_slice key);
/* The legal key nearest to one that is none, or ARC_NONE. */
arc_slice arc__field_nearest(enum arc_object object, arc_slice key);
/* `dependsOn` as `depends_on`; out is a C string. */
#define ARC_SNAKE_MAX 32
void arc__field_snake(const char *key, char out[ARC_SNAKE_MAX]);

/* Keys are looked up while the tree is read, once, so that arc__field_get need not compare texts.
 * It changes how fast things are found, and nothing else: a tree without it will do. The same keys
 * come again in each job and step: a table has the last answer for keys that look alike. */
#define ARC_NOTES_MAX 256u
struct arc_notes {
    struct arc_note {
        arc_slice key;
        enum arc_object object;
        const struct arc_field *field;
    } at[ARC_NOTES_MAX];
};
/* The field of an object that a key means; NULL: none. */
const struct arc_field *arc__notes_find(struct arc_notes *notes, enum arc_object object,
                                        arc_slice key);
/* What stands in arc_node.field and, for each of the fields, in the lower half of
 * arc_node.fields. */
uint32_t arc__field_note(enum arc_object object, const struct arc_field *field);
static inline uint32_t arc__field_bit(enum arc_field_id id)
{
    return UINT32_C(1) << (uint32_t)id % 32; /* the fields of an object are no more */
}
static inline uint64_t arc__fields_of(enum arc_object object, uint32_t bits)
{
    return (uint64_t)object << 32 | bits;
}
/* Looks up every key of a tree that means a field. */
void arc__fields_note(struct arc_node *root);
/* The field of an object that the key of a node means; NULL: none. */
const struct arc_field *arc__field_of(enum arc_object object, const struct arc_node *node);

/* The value of a field in a map that was written with any spelling; NULL: absent, or null. */
const struct arc_node *arc__field_get(const struct arc_node *map, enum arc_field_id id);
/* All of them, found in one walk: for who reads more than a few. Empty for what is no map. */
#define ARC_FIELDS_MAX 32u
struct arc_fields {
    const struct arc_node *at[ARC_FIELDS_MAX]; /* the fields of an object stand in one row */
};
void arc__fields_read(const struct arc_node *map, enum arc_object object, struct arc_fields *out);
static inline const struct arc_node *arc__fields_at(const struct arc_fields *fields,
                                                    enum arc_field_id id)
{
    return fields->at[(uint32_t)id % ARC_FIELDS_MAX];
}

/* The text of a scalar, or ARC_NONE. */
static inline arc_slice arc__node_text(const struct arc_node *node)
{
    return node != NULL && node->kind < ARC_NODE_LIST ? node->text : ARC_NONE;
}
/* That of a field. */
arc_slice arc__field_text(const struct arc_node *map, enum arc_field_id id);
/* Where `word` stands in the blank-separated `words`, from 0; -1: nowhere. */
int arc__word_index(const char *words, arc_slice word);
/* The next of the blank-separated words; 0: no more. */
int arc__word_next(arc_slice *words, arc_slice *word);

#endif
