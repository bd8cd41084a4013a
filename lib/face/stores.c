/* SPDX-License-Identifier: Apache-2.0 */
/* Which store a URL means. */
#include <string.h>

#include "face/ctl_private.h"
#include "store/mem.h"
#include "store/pg.h"
#include "store/sqlite.h"

int arc__store_url_is_pg(const char *url)
{
    return strncmp(url, "postgres://", 11) == 0 || strncmp(url, "postgresql://", 13) == 0;
}

arc_status arc__store_url_open(const struct arc_mem *mem, const arc_env *env, const char *url,
                               const struct arc_store_wish *wish, struct arc_store **out,
                               arc_err *err)
{
    if (wish->shared && !arc__store_url_is_pg(url))
        return arc__fail(err, ARC_EUNIMPLEMENTED, "store_shared",
                         "Several processes can share a PostgreSQL database, and no other store.");
    if (strncmp(url, "mem:", 4) == 0)
        return arc__store_mem_open(mem, out, err);
    if (strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0') {
        struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
        return arc__store_sqlite_open(mem, url + 7, &options, out, err);
    }
    if (arc__store_url_is_pg(url)) {
        struct arc_store_pg_options options = ARC_STORE_PG_OPTIONS_INIT;
        options.now_ns = env->now_ns;
        options.now_user = env->user;
        options.random = env->random;
        options.random_user = env->user;
        options.must_exist = wish->must_exist;
        options.shared = wish->shared;
        return arc__store_pg_open(mem, url, &options, out, err);
    }
    /* No more than the scheme: there may be a password behind it. */
    size_t shown = strcspn(url, ":/");
    return arc__fail(err, ARC_EINVAL, "store_url",
                     "A store is mem:, sqlite:PATH or postgres://USER@HOST/DATABASE, not "
                     "\"%.*s…\".",
                     shown < 40 ? (int)shown : 40, url);
}
