/* SPDX-License-Identifier: Apache-2.0 */
/* Hints for values that are not what their place takes; ARC_NONE where nothing better can be said
 * than what the table of findings says. */
#ifndef ARC_SPEC_HINTS_H
#define ARC_SPEC_HINTS_H

#include "spec/model.h"

/* A value that is no map where an object is taken. */
arc_slice arc__hint_object(struct arc_check *check, const struct arc_node *node,
                           enum arc_object object);
/* A map where a list of maps is taken: keys that would be names, or an item without its dash. */
arc_slice arc__hint_list(struct arc_check *check, const struct arc_node *node);
/* A single value where a list of them is taken. */
arc_slice arc__hint_brackets(struct arc_check *check, const struct arc_node *node);
/* What is no single value where a text is taken. */
arc_slice arc__hint_text(const struct arc_node *node, const struct arc_field *field);
/* What is neither true nor false. */
arc_slice arc__hint_bool(const struct arc_node *node);
/* What is no name: the nearest one. */
arc_slice arc__hint_name(struct arc_check *check, arc_slice text);
/* What is no duration: `10 min` is `10m`. */
arc_slice arc__hint_duration(struct arc_check *check, arc_slice text);

#endif
