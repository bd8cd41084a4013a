/* SPDX-License-Identifier: Apache-2.0 */
/* A control plane of your own on a store of your own: runs a pipeline, and then shows what the
 * store has kept of all runs so far. */
#include <arcentra/arcentra.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "journal_store.h"

static const char text[] = "{namespace: demo, jobs: ["
                           "{name: build, steps: [{name: make, uses: say}]},"
                           "{name: test, dependsOn: [build], steps: [{name: check, uses: say}]}]}";

static arc_status say(void *user, const arc_step_view *step, arc_err *err)
{
    printf("%s\n", step->job_name);
    return arc_step_end(user, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

static void count_runs(void *user, arc_status status, const arc_rows *rows, const arc_err *err)
{
    *(int64_t *)user = status == ARC_OK ? rows->total : -1;
    if (status != ARC_OK)
        fprintf(stderr, "%s\n", err->message);
}

/* The store is the program's: it may be asked as the library asks it. This one answers at once. */
static int64_t runs_in(arc_store *store)
{
    arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1, .want_total = 1};
    arc_arena *arena = NULL;
    int64_t total = -1;
    query.filters[query.filter_count++] = (arc_filter){
        .col = ARC_COL_pipeline_run_status, .op = ARC_FILTER_EQ, .number = ARC_RUN_SUCCESS};
    if (arc_arena_new(NULL, 1 << 24, &arena, NULL) == ARC_OK &&
        store->ops->query(store, &query, arena, count_runs, &total, NULL) != ARC_OK)
        total = -1;
    arc_arena_free(arena);
    return total;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "runs.journal";
    char run[ARC_ID_SIZE] = "";
    arc_err err = ARC_ERR_INIT;
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    arc_spec *spec = NULL;
    if (journal_store_open(NULL, path, 0, &options.store, &err) != ARC_OK ||
        arc_ctl_open(&options, &ctl, &err) != ARC_OK || /* the store is ctl's from here on */
        arc_ctl_executor(ctl, "say", &(arc_executor){sizeof(arc_executor), say, NULL, ctl}, &err) ||
        arc_spec_parse(text, strlen(text), ARC_FORMAT_IS_YAML, NULL, &spec, NULL, &err) ||
        arc_run_start(ctl, spec, NULL, run, &err) != ARC_OK)
        return fprintf(stderr, "%s: %s\n", err.subject, err.message), 1;
    while (arc_ctl_dispatch(ctl, 0, &err) == ARC_OK &&
           !arc_run_state_is_terminal(arc_run_get_status(ctl, run)))
        poll(&(struct pollfd){arc_ctl_fd(ctl), POLLIN, 0}, 1, arc_ctl_timeout_ms(ctl));
    printf("%s\n", arc_run_state_name(arc_run_get_status(ctl, run)));
    printf("runs that succeeded so far: %lld\n", (long long)runs_in(options.store));
    arc_spec_unref(spec);
    arc_ctl_close(ctl);
    return 0;
}
