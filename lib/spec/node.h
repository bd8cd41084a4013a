/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes inside of JSON that is being written, and what a full arena means. */
#ifndef ARC_SPEC_NODE_H
#define ARC_SPEC_NODE_H

#include "base/json.h"
#include "spec/spec.h"

void arc__node_put(struct arc_json *json, const struct arc_node *node);
/* Of an arena that has failed: ARC_ELIMIT where its ceiling was the reason, else ARC_ENOMEM. */
arc_status arc__arena_status(const struct arc_arena *arena, size_t document_bytes, arc_err *err);
/* The first error among the findings, as the caller's. ARC_EINVAL. */
arc_status arc__diags_raise(const struct arc_diags *diags, arc_err *err);

#endif
