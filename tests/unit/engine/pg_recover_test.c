/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of recover_test once more, with PostgreSQL where they say SQLite. */
#include "pg_world.h"

#include "recover_test.c"
