/* SPDX-License-Identifier: Apache-2.0 */
#include "plane.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 100000

double now_s(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double median(const double *values, int count)
{
    double sorted[64];
    memcpy(sorted, values, (size_t)count * sizeof(double));
    qsort(sorted, (size_t)count, sizeof(double), by_size);
    return sorted[count / 2];
}

int tell(const arc_err *err)
{
    fprintf(stderr, "bench: %s: %s\n", err->subject, err->message);
    return 0;
}

static arc_status nothing(void *user, const arc_step_view *step, arc_err *err)
{
    struct plane *plane = user;
    plane->started++;
    if (plane->times != NULL && plane->time_count < SAMPLES_MAX)
        plane->times[plane->time_count++] = now_s(CLOCK_MONOTONIC);
    if (plane->held_back)
        return ARC_OK;
    plane->ended++;
    return arc_step_end(plane->ctl, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

int plane_open_as(struct plane *plane, const arc_ctl_options *options, const char *text)
{
    arc_spec_options limits = ARC_SPEC_OPTIONS_INIT;
    arc_executor executor = ARC_EXECUTOR_INIT;
    arc_err err = ARC_ERR_INIT;
    *plane = (struct plane){.ctl = NULL};
    limits.format = ARC_FORMAT_IS_JSON;
    limits.jobs = 100000;
    limits.nodes = 10000000;
    limits.document_bytes = 64u << 20;
    executor.start = nothing;
    executor.user = plane;
    if (arc_ctl_open(options, &plane->ctl, &err) != ARC_OK ||
        arc_spec_check(text, strlen(text), &limits, &plane->spec, NULL, &err) != ARC_OK ||
        arc_ctl_executor(plane->ctl, "nothing", &executor, &err) != ARC_OK)
        return tell(&err);
    return 1;
}

int plane_open(struct plane *plane, const char *url, const char *text, const arc_env *env)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    options.store_url = url;
    options.env = env;
    options.host_slots = RUNS_MAX;
    return plane_open_as(plane, &options, text);
}

void plane_close(struct plane *plane)
{
    arc_spec_unref(plane->spec);
    arc_ctl_close(plane->ctl);
}

int dispatch(struct plane *plane)
{
    arc_err err = ARC_ERR_INIT;
    if (arc_ctl_timeout_ms(plane->ctl) != 0) {
        struct pollfd fd = {arc_ctl_fd(plane->ctl), POLLIN, 0};
        poll(&fd, 1, arc_ctl_timeout_ms(plane->ctl));
    }
    return arc_ctl_dispatch(plane->ctl, 0, &err) == ARC_OK ? 1 : tell(&err);
}

int start_run(struct plane *plane, char *id)
{
    arc_err err = ARC_ERR_INIT;
    return arc_run_start(plane->ctl, plane->spec, NULL, id, &err) == ARC_OK ? 1 : tell(&err);
}

arc_ctl_stats stats_of(struct plane *plane)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc_ctl_get_stats(plane->ctl, &stats);
    return stats;
}

int keep_running(struct plane *plane, unsigned in_flight, uint64_t steps)
{
    enum { LOOKS = 64 }; /* at runs, for each dispatch: looking is to cost little */
    uint64_t from = plane->ended;
    int fine = 1;
    for (; fine && plane->in_flight < in_flight; plane->in_flight++)
        fine = start_run(plane, plane->ids[plane->in_flight]);
    while (fine && plane->ended - from < steps) {
        fine = dispatch(plane);
        for (int i = 0; fine && i < LOOKS; i++, plane->at = (plane->at + 1) % in_flight) {
            int state = arc_run_get_status(plane->ctl, plane->ids[plane->at]);
            if (arc_run_state_is_terminal(state))
                fine = state == ARC_RUN_SUCCESS && start_run(plane, plane->ids[plane->at]);
        }
    }
    return fine;
}

/* --- definitions ----------------------------------------------------------------------------- */

char *definition(unsigned jobs, unsigned steps, const char *how)
{
    size_t size = 256 + (size_t)jobs * (64 + (size_t)steps * 64), at = 0;
    char *text = malloc(size);
    if (text == NULL)
        return NULL;
    at += (size_t)snprintf(text, size, "{\"namespace\": \"bench\", \"jobs\": [");
    for (unsigned j = 0; j < jobs; j++) {
        at += (size_t)snprintf(text + at, size - at, "%s{\"name\": \"job-%u\", \"steps\": [",
                               j > 0 ? ", " : "", j);
        for (unsigned s = 0; s < steps; s++)
            at += (size_t)snprintf(text + at, size - at, "%s{\"name\": \"step-%u\", %s}",
                                   s > 0 ? ", " : "", s, how);
        at += (size_t)snprintf(text + at, size - at, "]}");
    }
    snprintf(text + at, size - at, "]}");
    return text;
}

/* --- steps a second -------------------------------------------------------------------------- */

int measure(struct plane *plane, unsigned in_flight, double seconds, struct rate *out)
{
    uint64_t steps = in_flight * STEPS / 4;
    if (!keep_running(plane, in_flight, steps))
        return 0;
    static double times[SAMPLES_MAX];
    plane->times = in_flight == 1 ? times : NULL;
    plane->time_count = 0;
    arc_ctl_stats before = stats_of(plane);
    uint64_t from = plane->ended;
    double start = now_s(CLOCK_MONOTONIC), took = 0;
    double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    while (took < seconds) {
        if (!keep_running(plane, in_flight, steps))
            return 0;
        took = now_s(CLOCK_MONOTONIC) - start;
    }
    arc_ctl_stats after = stats_of(plane);
    out->steps_s = (double)(plane->ended - from) / took;
    out->steps_cpu = (double)(plane->ended - from) / (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    out->events_commit =
        (double)(after.events - before.events) / (double)(after.commits - before.commits);
    for (size_t i = 1; i < plane->time_count; i++)
        times[i - 1] = times[i] - times[i - 1];
    if (plane->time_count > 2)
        qsort(times, plane->time_count - 1, sizeof(double), by_size);
    out->step_us = plane->time_count > 2 ? times[plane->time_count / 2] * 1e6 : 0;
    plane->times = NULL;
    return 1;
}
