/* SPDX-License-Identifier: Apache-2.0 */
/* A world for expressions out of JSON: {"variables": {…}, "status": "failed", "now": 5, …}. A
 * context that is not there is an empty map; one that is the text "unknown" is not known. */
#ifndef ARC_TEST_WORLD_H
#define ARC_TEST_WORLD_H

#include "core/expr.h"

/* now: nanoseconds; missing: not known. status: success (the default), failed, cancelled, unknown.
 * 1: the JSON is an object. */
int world_read(arc_slice json, struct arc_arena *arena, struct arc_world *world);

#endif
