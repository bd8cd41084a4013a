/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/file.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "logs_contract.h"

static char dir[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_dir(void)
{
    CHECK(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static void make_dir(void)
{
    snprintf(dir, sizeof(dir), "/tmp/arc-logs-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
}

struct arc_log_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    /* Two at once, so that the contract also goes through closing and reopening. */
    struct arc_logs_file_options options = ARC_LOGS_FILE_OPTIONS_INIT;
    struct arc_log_store *logs = NULL;
    options.steps_open_max = 2;
    make_dir();
    if (arc__logs_file_open(mem, dir, &options, &logs, err) != ARC_OK)
        remove_dir();
    return logs;
}

void contract_close(struct arc_log_store *logs)
{
    logs->ops->close(logs);
    remove_dir();
}

static const struct test tests[] = {LOGS_CONTRACT_CASES};

TEST_MAIN(tests)
