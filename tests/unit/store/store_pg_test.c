/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg.h"

#include <stdio.h>

#include "pg_server.h"
#include "store_contract.h"

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    char url[160];
    struct arc_store *store = NULL;
    struct pg_server *server = pg_server_get();
    struct arc_store_pg_options options = pg_server_options();
    if (server == NULL)
        return NULL;
    pg_server_empty(server);
    return arc__store_pg_open(mem, pg_server_url(server, "", url, sizeof(url)), &options, &store,
                              err) == ARC_OK
               ? store
               : NULL;
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

static const struct test tests[] = {STORE_CONTRACT_CASES};

TEST_MAIN(tests)
