/* SPDX-License-Identifier: Apache-2.0 */
/* One text through one reader to the bare tree, and what must hold of every tree. */
#ifndef ARC_TEST_FUZZ_TREE_H
#define ARC_TEST_FUZZ_TREE_H

#include "fuzz.h"
#include "spec/spec.h"

/* orders: the input's; the first may let an allocation fail. */
void fuzz_tree(struct fuzz_input *input, enum arc_format format);

#endif
