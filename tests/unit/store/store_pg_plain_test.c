/* SPDX-License-Identifier: Apache-2.0 */
/* The contract once more, one statement after another: what is left with a libpq that has no
 * pipeline. */
#include "pg_server.h"
#include "store_contract.h"

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store_pg_options options = pg_server_options();
    options.without_pipeline = 1;
    return pg_server_store(mem, &options, err);
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

struct arc_store *contract_again(struct arc_store *store, const struct arc_mem *mem, arc_err *err)
{
    struct arc_store_pg_options options = pg_server_options();
    options.without_pipeline = 1;
    return pg_server_again(store, mem, &options, err);
}

int contract_lasts(void)
{
    return 1;
}

size_t contract_key_bytes(void)
{
    return 1000; /* its indexes take no more than 2.7 kB */
}

static const struct test tests[] = {
    STORE_CONTRACT_CASES{"a store of one has nobody to watch", nobody_else_writes},
};

TEST_MAIN(tests)
