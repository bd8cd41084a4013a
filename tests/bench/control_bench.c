/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole costs, through the public functions alone: reading a definition, and runs of
 * twenty jobs from trigger to result, with the store in memory and on the disk. Every step ends at
 * once, so that what is measured is the control plane. */
#include <arcentra/arcentra.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define JOBS 20
#define LAYER 5
#define TEXT_BYTES 8192
#define RUNS_AT_ONCE 16
#define MB 1e6

/* Four layers of five jobs; each job waits for one of the layer before it. */
static size_t definition(char *text)
{
    size_t len = (size_t)snprintf(text, TEXT_BYTES, "namespace: bench\njobs:\n");
    for (int job = 0; job < JOBS; job++) {
        len += (size_t)snprintf(text + len, TEXT_BYTES - len, "  - name: job-%d\n", job);
        if (job >= LAYER)
            len += (size_t)snprintf(text + len, TEXT_BYTES - len, "    dependsOn: [job-%d]\n",
                                    job - LAYER);
        len += (size_t)snprintf(text + len, TEXT_BYTES - len,
                                "    env: {NUMBER: \"%d\"}\n"
                                "    steps:\n"
                                "      - {name: only, uses: nothing, timeout: 10m}\n",
                                job);
    }
    return len;
}

static double read_definition(uint64_t rounds)
{
    char text[TEXT_BYTES];
    size_t len = definition(text);
    for (uint64_t i = 0; i < rounds; i++) {
        arc_spec *spec = NULL;
        arc_err err = ARC_ERR_INIT;
        if (arc_spec_parse(text, len, ARC_FORMAT_IS_YAML, NULL, &spec, NULL, &err) != ARC_OK)
            return -1;
        arc_spec_unref(spec);
    }
    return (double)rounds * (double)len / MB;
}

static arc_status nothing(void *ctl, const arc_step_view *step, arc_err *err)
{
    return arc_step_end(ctl, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

/* Starts up to RUNS_AT_ONCE runs and dispatches until they have ended well. */
static int run_some(arc_ctl *ctl, arc_spec *spec, uint64_t count)
{
    char ids[RUNS_AT_ONCE][ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    struct pollfd fd = {arc_ctl_fd(ctl), POLLIN, 0};
    for (uint64_t i = 0; i < count; i++) {
        if (arc_run_start(ctl, spec, NULL, ids[i], &err) != ARC_OK)
            return 0;
    }
    for (uint64_t done = 0; done < count;) {
        int state = arc_run_get_status(ctl, ids[done]);
        if (arc_run_state_is_terminal(state)) {
            if (state != ARC_RUN_SUCCESS)
                return 0;
            done++;
            continue;
        }
        poll(&fd, 1, arc_ctl_timeout_ms(ctl));
        if (arc_ctl_dispatch(ctl, 0, &err) != ARC_OK)
            return 0;
    }
    return 1;
}

/* Jobs that ran; below 0: something failed. */
static double runs(const char *store_url, uint64_t rounds)
{
    char text[TEXT_BYTES];
    size_t len = definition(text);
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_executor executor = ARC_EXECUTOR_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_ctl *ctl = NULL;
    arc_spec *spec = NULL;
    int held = 0;
    options.store_url = store_url;
    if (arc_ctl_open(&options, &ctl, &err) == ARC_OK) {
        executor.start = nothing;
        executor.user = ctl;
        held = arc_ctl_executor(ctl, "nothing", &executor, &err) == ARC_OK &&
               arc_spec_parse(text, len, ARC_FORMAT_IS_YAML, NULL, &spec, NULL, &err) == ARC_OK;
    }
    for (uint64_t left = rounds; held && left > 0;) {
        uint64_t count = left < RUNS_AT_ONCE ? left : RUNS_AT_ONCE;
        held = run_some(ctl, spec, count);
        left -= count;
    }
    if (err.status != ARC_OK)
        fprintf(stderr, "%s: %s\n", err.subject, err.message);
    arc_spec_unref(spec);
    arc_ctl_close(ctl);
    return held ? (double)rounds * JOBS : -1;
}

static double runs_in_memory(uint64_t rounds)
{
    return runs("mem:", rounds);
}

static int drop(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static double runs_on_disk(uint64_t rounds)
{
    char folder[] = "bench-XXXXXX";
    char url[64];
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(url, sizeof(url), "sqlite:%s/arc.db", folder);
    double jobs = runs(url, rounds);
    nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    return jobs;
}

static const struct bench rows[] = {
    {"spec: read and check a definition of 20 jobs", "MB", read_definition},
    {"control: runs of 20 jobs, in memory", "jobs", runs_in_memory},
    {"control: runs of 20 jobs, SQLite with full sync", "jobs", runs_on_disk},
};

BENCH_MAIN(rows)
