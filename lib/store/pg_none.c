/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the PostgreSQL store where it was left out of the build. */
#include "base/err.h"
#include "store/pg.h"

arc_status arc__store_pg_open(const struct arc_mem *mem, const char *url,
                              const struct arc_store_pg_options *options, struct arc_store **out,
                              arc_err *err)
{
    (void)mem;
    (void)url;
    (void)options;
    (void)out;
    return arc__fail(err, ARC_EUNIMPLEMENTED, "store_url", "%s",
                     "The PostgreSQL store was left out of this build (--without-postgres).");
}
