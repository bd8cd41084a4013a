/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of pair_test.c, where each process has a connection of its own. */
#define PG_WORLD_SHARED 1
#include "pg_world.h"

#include "pair_test.c"
