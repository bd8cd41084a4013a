/* SPDX-License-Identifier: Apache-2.0 */
/* A control plane whose executor ends each step at once, and what is measured on it. */
#ifndef ARC_BENCH_ENGINE_PLANE_H
#define ARC_BENCH_ENGINE_PLANE_H

#include <arcentra/arcentra.h>
#include <time.h>

#define STEPS 40
#define RUNS_MAX 1000

struct plane {
    arc_ctl *ctl;
    arc_spec *spec;
    uint64_t started, ended; /* steps */
    double *times;           /* when each step was started; NULL: nobody asks */
    size_t time_count;
    int held_back;                   /* 1: steps that begin do not end */
    char ids[RUNS_MAX][ARC_ID_SIZE]; /* runs that are kept in flight */
    unsigned in_flight, at;
};

struct rate {
    double steps_s, steps_cpu; /* a second, and a second of processor time */
    double step_us;            /* the median from one start to the next */
    double events_commit;
};

#define HERE "\"uses\": \"nothing\"" /* this process ends it */
#define AWAY HERE ", \"runOnAgent\": true"

double now_s(clockid_t clock);
int by_size(const void *a, const void *b); /* of doubles, for qsort */
double median(const double *values, int count);
/* Says on stderr what went wrong. 0 */
int tell(const arc_err *err);

/* All of these answer 0 when they fail, and say why. plane_close takes what has failed to open. */
int plane_open(struct plane *plane, const char *url, const char *text, const arc_env *env);
int plane_open_as(struct plane *plane, const arc_ctl_options *options, const char *text);
void plane_close(struct plane *plane);
/* Waits until there is something to do, and does it. */
int dispatch(struct plane *plane);
int start_run(struct plane *plane, char *id);
arc_ctl_stats stats_of(struct plane *plane);
/* Keeps that many runs in flight until so many more steps have ended. */
int keep_running(struct plane *plane, unsigned in_flight, uint64_t steps);
/* A throw-away round first, so that pages and statements are warm. */
int measure(struct plane *plane, unsigned in_flight, double seconds, struct rate *out);

/* jobs of `steps` steps each, side by side; how: of a step. The caller frees it. */
char *definition(unsigned jobs, unsigned steps, const char *how);

#endif
