/* SPDX-License-Identifier: Apache-2.0 */
/* What the two readers share: places in the document, and building the node tree under the limits.
 * A reader says what comes in document order (begin, key, scalar, alias, end); everything that must
 * hold for both formats is decided here: depth, number of values, sizes, duplicate keys, merge
 * keys, NUL. After a call that answers 0 the reader must stop. */
#ifndef ARC_SPEC_TREE_H
#define ARC_SPEC_TREE_H

#include "spec/diag.h"
#include "spec/fields.h"

/* Offsets to lines and columns. A line ends at LF, CR LF or CR; a column counts characters. Made
 * when the first finding asks, and as far as somebody asked; what was reached before costs a look
 * at a few hundred bytes. */
struct arc_places {
    arc_slice text;
    struct arc_place *steps; /* the places of bytes at equal distances */
    size_t known;            /* how many of them were reached, from the first */
    uint32_t start;          /* 3 behind a byte order mark, else 0 */
};

/* NULL: memory is out. text may be invalid UTF-8 behind the places that are asked for. */
struct arc_places *arc__places_new(arc_slice text, struct arc_arena *arena);
struct arc_mark arc__places_mark(struct arc_places *places, const struct arc_span *span);

/* limits with every 0 replaced and every value capped; given may be NULL. */
struct arc_spec_limits arc__limits_resolve(const struct arc_spec_limits *given);

struct arc_tree_frame {
    struct arc_node *node;
    struct arc_node *last;
    struct arc_node *merge; /* the value of a merge key, or NULL */
    struct arc_span merge_mark;
    arc_slice key; /* of the value that comes next */
    struct arc_span key_mark;
    int has_key;
    int unsure;                 /* a key means no field, or one that another key means too */
    enum arc_object object, of; /* whose keys come: here; in the value that comes next */
    uint32_t field;             /* what the key means (arc_node.field) */
    uint32_t fields;            /* bits of those that were there */
};

struct arc_tree {
    struct arc_arena *arena;
    struct arc_sink *sink;
    struct arc_spec_limits limits;
    arc_slice text;                /* the document */
    uint32_t start;                /* 3 behind a byte order mark, else 0 */
    uint32_t file;                 /* its index in the findings */
    int ascii;                     /* each character of it is one byte */
    struct arc_tree_frame *frames; /* limits.depth of them */
    uint32_t depth;
    uint32_t nodes; /* counted so far, aliases expanded */
    struct arc_node *root;
    struct arc_node *spare, *spare_end; /* made, and not handed out yet */
    struct arc_notes *notes;            /* NULL: keys are not looked up */
    int shares;                         /* 1: there are aliases or merges */
};

/* Checks size, UTF-8 and NUL of a file of the findings, and prepares. 0: a finding says why, or
 * memory is out. */
int arc__tree_init(struct arc_tree *tree, uint32_t file, const struct arc_spec_limits *limits,
                   struct arc_arena *arena, struct arc_sink *sink);

/* The innermost open list or map; NULL at the top. */
static inline struct arc_tree_frame *arc__tree_frame(const struct arc_tree *tree)
{
    return tree->depth > 0 ? &tree->frames[tree->depth - 1] : NULL;
}

/* 1 when a key must come next. */
static inline int arc__tree_wants_key(const struct arc_tree *tree)
{
    const struct arc_tree_frame *frame = arc__tree_frame(tree);
    return frame != NULL && frame->node->kind == ARC_NODE_MAP && !frame->has_key;
}

static inline struct arc_span arc__tree_mark(const struct arc_tree *tree, size_t start, size_t end)
{
    return (struct arc_span){(uint32_t)start, (uint32_t)end, tree->file};
}

/* The text of a scalar: borrowed from the document where it stands there, else copied. */
arc_slice arc__tree_text(struct arc_tree *tree, arc_slice text, size_t from, size_t to);

/* 0: a text of so many bytes is too long, and a finding says so. */
int arc__tree_size_ok(struct arc_tree *tree, size_t bytes, const struct arc_span *mark);

/* A node, zeroed. Room for them is made by the dozen. NULL: memory is out. */
int arc__tree_more_nodes(struct arc_tree *tree);
static inline struct arc_node *arc__tree_node(struct arc_tree *tree)
{
    if (tree->spare == tree->spare_end && !arc__tree_more_nodes(tree))
        return NULL;
    *tree->spare = (struct arc_node){0};
    return tree->spare++;
}

/* Where a map or list begins, for findings about it as a whole: its first key or its bracket. */
struct arc_span arc__node_head(const struct arc_node *node);

int arc__tree_begin(struct arc_tree *tree, enum arc_node_kind kind, size_t start, size_t end,
                    struct arc_node **out);
int arc__tree_end(struct arc_tree *tree, size_t end);
int arc__tree_key(struct arc_tree *tree, arc_slice text, size_t start, size_t end, int merge);
/* node: kind, plain, text and the values are set. */
int arc__tree_scalar(struct arc_tree *tree, struct arc_node *node, size_t start, size_t end);
int arc__tree_alias(struct arc_tree *tree, const struct arc_node *target, size_t start, size_t end);
/* 1: the node is being built, so an alias to it would hold itself. */
int arc__tree_is_open(const struct arc_tree *tree, const struct arc_node *node);

/* The first byte from at on that is no digit. */
size_t arc__digits_end(arc_slice text, size_t at);
/* Sets kind, number and real from the form of a plain scalar (YAML 1.2 core schema). 0: a number
 * that cannot be held; kind is INT or FLOAT all the same. */
int arc__core_schema(struct arc_node *node);
/* The same for a JSON number. */
int arc__json_number(struct arc_node *node);

/* --- the two readers: the root, or NULL when a finding says why or memory is out ---------- */
const struct arc_node *arc__yaml_tree(struct arc_tree *tree);
const struct arc_node *arc__json_tree(struct arc_tree *tree);
/* That of a definition, in either form: its keys are looked up. */
const struct arc_node *arc__tree_read(struct arc_tree *tree, enum arc_format format);

#endif
