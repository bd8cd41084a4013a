/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

struct sim_store *sim_store_pg(const char **why)
{
    *why = "PostgreSQL was left out of the build";
    return NULL;
}
