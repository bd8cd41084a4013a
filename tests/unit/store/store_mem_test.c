/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mem.h"

#include "store_contract.h"

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store *store = NULL;
    return arc__store_mem_open(mem, &store, err) == ARC_OK ? store : NULL;
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

static const struct test tests[] = {STORE_CONTRACT_CASES};

TEST_MAIN(tests)
