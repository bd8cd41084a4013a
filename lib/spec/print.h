/* SPDX-License-Identifier: Apache-2.0 */
/* Trees as text: the canonical form of a definition, and a document laid out anew with its
 * comments.
 *
 *   root --canonical.c--> a tree in schema order --print_yaml.c / print_json.c--> text
 *          \-- comments.c: what stands beside the values, found in the source */
#ifndef ARC_SPEC_PRINT_H
#define ARC_SPEC_PRINT_H

#include "spec/fields.h"
#include "spec/spec.h"

#define ARC_PRINT_COLUMNS 100 /* a flow list or map that is longer stands on lines of its own */

/* One comment of the source: from its # to the end of its line. */
struct arc_comment {
    struct arc_comment *next;
    arc_slice text;
    int blank; /* an empty line stood before it */
};

struct arc_comments {
    struct arc_comment *first, **tail;
};

/* A node with what stands around it in the source. All nodes of a noted tree are these. */
struct arc_noted {
    struct arc_node node;
    struct arc_comments before; /* on lines of their own, above */
    struct arc_comments after;  /* below, when nothing follows that they could belong to */
    arc_slice beside;           /* on its line; ARC_NONE: none */
    arc_slice anchor;           /* &name */
    arc_slice alias;            /* *name, instead of the value */
    arc_slice merge;            /* of a map: the value of its merge key */
    uint8_t blank;              /* an empty line stood above it */
    uint8_t flow;               /* it stood in one line, in brackets */
    uint8_t merged;             /* it came with a merge key, and is no entry of its own */
    uint8_t split;              /* comments stand in it, so it needs lines */
};

/* A document with its comments. */
struct arc_document {
    const struct arc_node *root;
    struct arc_comments head; /* above the first key */
    struct arc_comments tail; /* below everything */
    int gap;                  /* an empty line stood between the head and the first key */
    uint32_t comments;        /* how many there are in all */
    uint32_t first_comment;   /* the offset of the first one */
    arc_slice trouble;        /* why it cannot be laid out anew; ARC_NONE: it can */
    uint32_t trouble_from, trouble_to;
};

/* The canonical form of a definition: keys in camelCase and schema order, what is as good as absent
 * left out. NULL: memory is out. */
const struct arc_node *arc__canonical_tree(const struct arc_node *root, struct arc_arena *arena);
/* Nothing is left out and no value changes: keys get their first spelling and their order. NULL:
 * memory is out. */
#define ARC_ORDER_NOTED 1u /* every node is a struct arc_noted */
#define ARC_ORDER_FRONT 2u /* keys of one's own come first, because they hold anchors */
struct arc_node *arc__ordered_tree(const struct arc_node *root, uint32_t flags,
                                   struct arc_arena *arena);
/* 1: the same values in the same order. */
int arc__trees_equal(const struct arc_node *a, const struct arc_node *b);

/* Finds the comments of a YAML text and gives each to a node of its noted tree. 0: memory is out.
 */
int arc__comments_attach(struct arc_node *noted, arc_slice source, struct arc_arena *arena,
                         struct arc_document *out);

void arc__print_yaml(const struct arc_node *root, struct arc_buf *out);
void arc__print_document(const struct arc_document *document, struct arc_buf *out);
/* With an indentation of two. */
void arc__print_json(const struct arc_node *root, struct arc_buf *out);

#endif
