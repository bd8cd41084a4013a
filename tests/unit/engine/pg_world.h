/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds on the PostgreSQL server of the test program, in SQLite's place. */
#ifndef ARC_TEST_ENGINE_PG_WORLD_H
#define ARC_TEST_ENGINE_PG_WORLD_H

#include "../store/pg_server.h"
#include "world.h"

#define WORLD_SQLITE WORLD_GIVEN
#ifndef PG_WORLD_SHARED
#define PG_WORLD_SHARED 0
#endif

struct arc_store *world_given_store(const struct arc_mem *mem, int is_new, arc_err *err)
{
    char url[160];
    struct arc_store *store = NULL;
    struct pg_server *server = pg_server_get();
    struct arc_store_pg_options options = pg_server_options();
    options.shared = PG_WORLD_SHARED;
    if (server == NULL) {
        (void)arc__fail(err, ARC_EUNIMPLEMENTED, "store", "There is no PostgreSQL server.");
        return NULL;
    }
    if (is_new)
        pg_server_empty(server);
    (void)arc__store_pg_open(mem, pg_server_url(server, "", url, sizeof(url)), &options, &store,
                             err);
    return store;
}

#endif
