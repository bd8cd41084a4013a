/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/mem.h"

#include "logs_contract.h"

struct arc_log_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_log_store *logs = NULL;
    return arc__logs_mem_open(mem, &logs, err) == ARC_OK ? logs : NULL;
}

void contract_close(struct arc_log_store *logs)
{
    logs->ops->close(logs);
}

static const struct test tests[] = {LOGS_CONTRACT_CASES};

TEST_MAIN(tests)
