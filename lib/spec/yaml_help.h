/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with broken YAML, in words of ours: the parser's problem and the text around it,
 * turned into the likely slip. */
#ifndef ARC_SPEC_YAML_HELP_H
#define ARC_SPEC_YAML_HELP_H

#include "spec/tree.h"

struct arc_yaml_problem {
    const char *text, *context; /* the parser's words; may be NULL */
    size_t at, context_at;      /* offsets in the document */
};

/* A slip that was recognised in the lines around the problem. */
struct arc_yaml_slip {
    size_t at; /* where it is */
    const char *sentence;
    arc_slice hint;
};

/* 1: found (yaml_slips.c). */
int arc__yaml_slip(struct arc_tree *tree, const struct arc_yaml_problem *problem,
                   struct arc_yaml_slip *slip);
void arc__yaml_broken(struct arc_tree *tree, const struct arc_yaml_problem *problem);
/* `{{` at the start of a value: a map in a map for YAML, a template for people. */
void arc__yaml_braces(struct arc_tree *tree, size_t at);
/* Text after the end of the one value of the document. */
void arc__yaml_trailing(struct arc_tree *tree, const struct arc_span *mark);

#endif
