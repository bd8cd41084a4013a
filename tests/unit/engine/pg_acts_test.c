/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of acts_test once more, with PostgreSQL where they say SQLite. */
#include "pg_world.h"

#include "acts_test.c"
