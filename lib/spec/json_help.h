/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with broken JSON, in words of ours: found by looking at the text from the last good
 * token on, because the parser's own words name neither the place nor the slip. */
#ifndef ARC_SPEC_JSON_HELP_H
#define ARC_SPEC_JSON_HELP_H

#include "spec/tree.h"

#define ARC_JSON_HELP_DEPTH 128

struct arc_json_problem {
    size_t at;      /* where the last good token ended */
    int started;    /* there is one */
    uint32_t depth; /* open brackets */
    size_t opener;  /* the innermost of them */
    int in_map;     /* it is a brace */
    int has_key;    /* a value is due */
    int has_items;  /* it holds something already */
};

void arc__json_broken(struct arc_tree *tree, const struct arc_json_problem *problem);

#endif
