/* SPDX-License-Identifier: Apache-2.0 */
#include "soak.h"

void soak_pgkill(struct soak *soak)
{
    soak_skip(soak, "this build has no PostgreSQL");
}

void soak_pgbytes(struct soak *soak)
{
    soak_skip(soak, "this build has no PostgreSQL");
}
