/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a server that does not run, as the commands name it. */
#ifndef EXAMPLES_CLI_EVENTLOG_H
#define EXAMPLES_CLI_EVENTLOG_H

#include <arcentra/runlog.h>

#include "cli/cli.h"

#define STORE_DEFAULT "sqlite:arcentra.db"

/* The row of a table of arguments that names it; NULL: it was not given. */
#define STORE_ARG(store) \
    { \
        "store", 0, ARG_TEXT, "ARCENTRA_STORE", "URL", \
            "The store of a server that does not run: sqlite:PATH.", (store), 0, 0 \
    }

/* 0, or says why not and answers EXIT_USAGE. */
int eventlog_open(const char *store, arc_runlog **out);

#endif
