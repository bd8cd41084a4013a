/* SPDX-License-Identifier: Apache-2.0 */
/* Templates that a definition includes: asked for, read, filled in with their parameters and merged
 * into the document's tree, before anything else looks at it.
 *
 *   include[i] --resolve()--> text --reader--> tree --params.c--> tree with values --┐
 *   the document's own tree ---------------------------------------------------------┴--> one tree
 *
 * What follows sees one definition; each node's span still names the text that it stands in. */
#ifndef ARC_SPEC_INCLUDE_H
#define ARC_SPEC_INCLUDE_H

#include "spec/model.h"

/* Merges what check->spec->root includes, which becomes a tree of its own, without `include`.
 * nodes: what reading the document took of that limit. 0: stop, a finding or the arena says why. */
int arc__include_merge(struct arc_check *check, uint32_t nodes);

/* 1: the document is what others include: it declares parameters and belongs to no namespace. */
int arc__is_template(const struct arc_node *root);
/* Checks such a document as far as it says something by itself. */
void arc__check_template(struct arc_check *check);

/* --- parameters of one template (params.c) ------------------------------------------------ */

enum arc_param_type { ARC_PARAM_STRING, ARC_PARAM_BOOLEAN, ARC_PARAM_NUMBER, ARC_PARAM_ENUM };

struct arc_param {
    const struct arc_node *node; /* the map that declares it */
    const struct arc_node *name; /* a scalar */
    enum arc_param_type type;
    uint32_t order;
    const struct arc_node *value; /* given, or the default; NULL: none */
    int used;
    int broken; /* what is wrong with it has been said */
};

/* Of one template, for one `include` of it. */
struct arc_params {
    struct arc_check *check;
    arc_slice template_;    /* its name in backticks, for messages */
    struct arc_param *list; /* sorted by name */
    uint32_t count;
    uint64_t *bytes; /* what all included texts and expansions took of include_bytes */
    int repeated;    /* the text was read before: what is wrong with it alone has been said */
};

/* Reads the declarations; list may be NULL. 0: memory is out. */
int arc__params_declare(struct arc_params *params, const struct arc_node *list);
/* Takes the values that an include gives. entry: the include, whose path is `path`. */
void arc__params_give(struct arc_params *params, const struct arc_node *entry,
                      const struct arc_path *path);
/* The template with its placeholders replaced, as a copy; its `params` are left as they are. NULL:
 * memory or the budget is out; a finding or the arena says so. */
const struct arc_node *arc__params_expand(struct arc_params *params, const struct arc_node *root);
/* Adds to *bytes. 0: that is too much, and a finding at the span says so. */
int arc__include_count_bytes(struct arc_check *check, uint64_t *bytes, uint64_t more,
                             const struct arc_span *span);

#endif
