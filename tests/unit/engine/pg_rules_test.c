/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of rules_test once more, with PostgreSQL where they say SQLite. */
#include "pg_world.h"

#include "rules_test.c"
