/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two halves of the walk: values (shape.c) and objects (object.c). */
#ifndef ARC_SPEC_SHAPE_H
#define ARC_SPEC_SHAPE_H

#include "spec/model.h"

/* "what takes expected, not …" at the node. */
void arc__shape_type(struct arc_check *check, const struct arc_node *node,
                     const struct arc_path *path, arc_slice what, const char *expected,
                     arc_slice hint);
/* A value of a field; owner is the map that it stands in. */
void arc__shape_value(struct arc_check *check, const struct arc_node *node,
                      const struct arc_field *field, const struct arc_path *path,
                      const struct arc_node *owner);
/* A map that is an object of the table. path: NULL for the document. */
void arc__shape_object(struct arc_check *check, const struct arc_node *node, enum arc_object object,
                       const struct arc_path *path);

#endif
