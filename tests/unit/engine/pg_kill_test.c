/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of kill_test once more, with PostgreSQL: what kills is what is said to the server and
 * heard from it. */
#include "pg_world.h"

#include "trace.h"

#define KILL_CALLS TRACE_WIRE
#define STRIDE 41

/* The server notices that a client has gone when it has done what it was told. */
static void await_others(void)
{
    static const char ask[] = "SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                              " 'arcentra'";
    struct pg_server *server = pg_server_get();
    for (int i = 0; server != NULL && i < 10000 && pg_server_ask(server, ask) > 0; i++)
        continue;
}

#include "kill_test.c"
