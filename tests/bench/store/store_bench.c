/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of the measurements on PostgreSQL, and the bare loop: one measurement a call, a line of
 * numbers each, for store_bench.py. What they mean is said in docs/BENCHMARKS.md.
 *
 *   store_bench store URL IN_FLIGHT STEPS [shared]
 *                                                 rows a second, rows a commit, CPU us a row;
 *                                                 shared: with positions from the commit
 *   store_bench bare CONNINFO IN_FLIGHT STEPS     the same of the bare loop
 *   store_bench engine URL IN_FLIGHT SECONDS      steps a second, us a step, events a commit
 *   store_bench queue URL JOBS IN_FLIGHT SECONDS  jobs a second, us a job, events a commit
 *   store_bench run URL RUNS                      ms of a run, us a step, commits a step
 *   store_bench replica URL IN_FLIGHT SECONDS     says "ready", waits for a line, then: steps,
 * seconds of the processor store_bench schema URL                        makes the tables
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "face/ctl_private.h"
#include "pipeline.h"
#include "plane.h"
#include "record.h"
#include "store/pg.h"

#define WARM_PART 8 /* an eighth of the batches is written before the clock starts */

static double own_cpu(void)
{
    return now_s(CLOCK_PROCESS_CPUTIME_ID);
}

/* --- the same batches, twice ----------------------------------------------------------------- */

struct writer {
    struct arc_store *store;
    struct pipeline *pipeline; /* one of the two */
    int done;
    arc_status status;
};

static uint64_t now_ns(void *user)
{
    struct timespec at;
    (void)user;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void committed(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct writer *writer = user;
    (void)shift;
    writer->done = 1;
    writer->status = status;
    if (err != NULL)
        tell(err);
}

/* As the engine does it: one batch, and nothing before it is durable. */
static int write_batch(struct writer *writer, const struct arc_store_batch *batch)
{
    arc_err err = ARC_ERR_INIT;
    if (writer->pipeline != NULL)
        return pipeline_write(writer->pipeline, batch);
    writer->done = 0;
    if (writer->store->ops->commit(writer->store, batch, committed, writer, &err) != ARC_OK)
        return tell(&err);
    while (!writer->done) {
        struct pollfd fd = {writer->store->ops->fd(writer->store), POLLIN, 0};
        poll(&fd, 1, writer->store->ops->timeout_ms(writer->store));
        if (writer->store->ops->dispatch(writer->store, &err) != ARC_OK)
            return tell(&err);
    }
    return writer->status == ARC_OK;
}

static int write_all(struct writer *writer, const struct record *record)
{
    size_t first = record->count / WARM_PART, rows = 0;
    int fine = 1;
    for (size_t b = 0; fine && b < first; b++)
        fine = write_batch(writer, &record->batches[b]);
    double start = now_s(CLOCK_MONOTONIC), cpu = own_cpu();
    for (size_t b = first; fine && b < record->count; b++) {
        fine = write_batch(writer, &record->batches[b]);
        rows += record->batches[b].count;
    }
    double took = now_s(CLOCK_MONOTONIC) - start;
    cpu = own_cpu() - cpu;
    if (fine)
        printf("%.1f %.1f %.3f\n", (double)rows / took,
               (double)rows / (double)(record->count - first), cpu * 1e6 / (double)rows);
    return fine;
}

static int write_ours(int count, char **args)
{
    struct record record = {.count = 0};
    struct writer writer = {.store = NULL};
    struct arc_mem mem = arc__mem_default();
    struct arc_store_pg_options options = ARC_STORE_PG_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    options.now_ns = now_ns;
    options.shared = count == 4 && strcmp(args[3], "shared") == 0;
    if (count < 3 || arc__store_pg_open(&mem, args[0], &options, &writer.store, &err) != ARC_OK)
        return tell(&err);
    int fine =
        record_make(&record, (unsigned)strtoul(args[1], NULL, 10), strtoull(args[2], NULL, 10)) &&
        write_all(&writer, &record);
    writer.store->ops->close(writer.store);
    record_drop(&record);
    return fine;
}

static int write_bare(int count, char **args)
{
    struct record record = {.count = 0};
    struct writer writer = {.store = NULL};
    if (count != 3)
        return 0;
    int fine =
        record_make(&record, (unsigned)strtoul(args[1], NULL, 10), strtoull(args[2], NULL, 10));
    if (fine)
        writer.pipeline = pipeline_open(args[0], &record);
    fine = writer.pipeline != NULL && write_all(&writer, &record);
    pipeline_close(writer.pipeline);
    record_drop(&record);
    return fine;
}

/* --- the engine ------------------------------------------------------------------------------ */

/* One run is run first, so that tables, statements and connections are there. */
static int open_warm(struct plane *plane, const char *url, unsigned jobs, unsigned steps)
{
    char *text = definition(jobs, steps, HERE), id[ARC_ID_SIZE];
    int fine = text != NULL && plane_open(plane, url, text, NULL) && start_run(plane, id);
    while (fine && !arc_run_state_is_terminal(arc_run_get_status(plane->ctl, id)))
        fine = dispatch(plane);
    free(text);
    return fine;
}

static int engine_steps(int count, char **args)
{
    static struct plane plane;
    struct rate rate = {0};
    int fine = count == 3 && open_warm(&plane, args[0], 1, STEPS) &&
               measure(&plane, (unsigned)strtoul(args[1], NULL, 10), strtod(args[2], NULL), &rate);
    plane_close(&plane);
    if (fine)
        printf("%.1f %.3f %.2f\n", rate.steps_s, 1e6 / rate.steps_cpu, rate.events_commit);
    return fine;
}

/* --- a queue --------------------------------------------------------------------------------- */

struct queue {
    struct plane plane;
    arc_id pipeline;
    uint64_t asked, answered, failed; /* triggers */
};

/* Nothing is refused. */
static void triggered(void *user, const struct arc_answer *answer)
{
    struct queue *queue = user;
    queue->answered++;
    if (answer->status == ARC_OK)
        return;
    queue->failed++;
    tell(answer->err);
}

static void created(void *user, const struct arc_answer *answer)
{
    struct queue *queue = user;
    triggered(user, answer);
    queue->answered = 0;
    if (answer->status == ARC_OK)
        arc__slice_to_cstr(answer->id, queue->pipeline.text, sizeof(queue->pipeline.text));
}

static int submit(struct queue *queue, struct arc_cmd *cmd, arc_cmd_done done)
{
    arc_err err = ARC_ERR_INIT;
    cmd->principal.kind = ARC_PRINCIPAL_HOST;
    return arc__engine_submit(queue->plane.ctl->engine, cmd, done, queue, &err) == ARC_OK
               ? 1
               : tell(&err);
}

/* A pipeline whose runs have so many jobs of one step each. */
static int open_queue(struct queue *queue, const char *url, unsigned jobs)
{
    char *text = definition(jobs, 1, HERE);
    struct plane *plane = &queue->plane;
    int fine = text != NULL && plane_open(plane, url, text, NULL);
    struct arc_cmd *cmd = fine ? arc__cmd_new(plane->ctl->engine, ARC_CMD_PIPELINE_CREATE) : NULL;
    if (cmd != NULL) {
        arc_slice given = arc__arena_copy(&cmd->arena, arc__slice_cstr(text));
        cmd->u.pipeline.row.name = ARC_LIT("queue");
        cmd->u.pipeline.definition.text = cmd->u.pipeline.definition.canonical = given;
        cmd->u.pipeline.definition.format = 1; /* JSON */
        fine = submit(queue, cmd, created);
    }
    while (fine && queue->pipeline.text[0] == '\0')
        fine = queue->failed == 0 && dispatch(plane);
    free(text);
    return fine && cmd != NULL;
}

static uint64_t ended_runs(struct queue *queue)
{
    return queue->answered - stats_of(&queue->plane).runs_open;
}

/* Keeps that many runs in flight. */
static int keep_full(struct queue *queue, uint64_t in_flight)
{
    struct arc_engine *engine = queue->plane.ctl->engine;
    int fine = 1;
    for (uint64_t open = queue->asked - ended_runs(queue); fine && open < in_flight; open++) {
        struct arc_cmd *cmd = arc__cmd_new(engine, ARC_CMD_RUN_TRIGGER);
        if (cmd == NULL)
            return 0;
        cmd->pipeline_id = arc__arena_copy(&cmd->arena, arc__id_slice(&queue->pipeline));
        fine = submit(queue, cmd, triggered);
        queue->asked++;
    }
    return fine && queue->failed == 0;
}

/* One turn and whatever it takes until the store has answered. */
static int queue_turn(struct queue *queue, uint64_t in_flight)
{
    uint64_t commits = stats_of(&queue->plane).commits;
    int fine = keep_full(queue, in_flight);
    while (fine && stats_of(&queue->plane).commits == commits)
        fine = dispatch(&queue->plane);
    return fine && queue->failed == 0;
}

static int measure_queue(struct queue *queue, unsigned jobs, uint64_t in_flight, double seconds)
{
    double took = 0;
    int fine = 1;
    while (fine && ended_runs(queue) < in_flight) /* warm */
        fine = queue_turn(queue, in_flight);
    arc_ctl_stats before = stats_of(&queue->plane);
    uint64_t from = ended_runs(queue);
    double start = now_s(CLOCK_MONOTONIC), cpu = own_cpu();
    while (fine && took < seconds) {
        fine = queue_turn(queue, in_flight);
        took = now_s(CLOCK_MONOTONIC) - start;
    }
    arc_ctl_stats after = stats_of(&queue->plane);
    double ended = (double)((ended_runs(queue) - from) * jobs);
    cpu = own_cpu() - cpu;
    if (fine)
        printf("%.1f %.3f %.2f\n", ended / took, cpu * 1e6 / ended,
               (double)(after.events - before.events) / (double)(after.commits - before.commits));
    return fine;
}

/* Jobs of one step; so many of them are triggered together. */
static int queue(int count, char **args)
{
    static struct queue queue;
    if (count != 4)
        return 0;
    unsigned jobs = (unsigned)strtoul(args[1], NULL, 10);
    uint64_t in_flight = strtoull(args[2], NULL, 10) / jobs;
    int fine = in_flight > 0 && open_queue(&queue, args[0], jobs) &&
               measure_queue(&queue, jobs, in_flight, strtod(args[3], NULL));
    plane_close(&queue.plane);
    return fine;
}

/* --- one run after the other ----------------------------------------------------------------- */

static int one_run(struct plane *plane, double *ms)
{
    char id[ARC_ID_SIZE];
    double start = now_s(CLOCK_MONOTONIC);
    int fine = start_run(plane, id);
    while (fine && !arc_run_state_is_terminal(arc_run_get_status(plane->ctl, id)))
        fine = dispatch(plane);
    *ms = (now_s(CLOCK_MONOTONIC) - start) * 1e3;
    return fine && arc_run_get_status(plane->ctl, id) == ARC_RUN_SUCCESS;
}

/* Runs of 40 steps, one after the other. */
static int runs(int count, char **args)
{
    static struct plane plane;
    size_t wanted = count == 2 ? strtoul(args[1], NULL, 10) : 0;
    double *times = calloc(wanted + 1, sizeof(*times));
    int fine = times != NULL && wanted > 0 && open_warm(&plane, args[0], 1, STEPS);
    uint64_t commits = fine ? stats_of(&plane).commits : 0;
    double cpu = own_cpu();
    for (size_t i = 0; fine && i < wanted; i++)
        fine = one_run(&plane, &times[i]);
    cpu = own_cpu() - cpu;
    if (fine) {
        qsort(times, wanted, sizeof(*times), by_size);
        printf("%.3f %.2f %.3f\n", times[wanted / 2], cpu * 1e6 / (double)(wanted * STEPS),
               (double)(stats_of(&plane).commits - commits) / (double)(wanted * STEPS));
    }
    plane_close(&plane);
    free(times);
    return fine;
}

/* --- one of several processes ---------------------------------------------------------------- */

static int replica(int count, char **args)
{
    static struct plane plane;
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    char *text = definition(1, STEPS, HERE), line[8];
    if (count != 3 || text == NULL)
        return 0;
    options.store_url = args[0];
    options.store_shared = 1;
    unsigned in_flight = (unsigned)strtoul(args[1], NULL, 10);
    double seconds = strtod(args[2], NULL), took = 0;
    int fine = plane_open_as(&plane, &options, text) &&
               keep_running(&plane, in_flight, (uint64_t)in_flight * STEPS / 4);
    puts("ready");
    fflush(stdout);
    fine = fine && fgets(line, sizeof(line), stdin) != NULL;
    uint64_t from = plane.ended;
    double start = now_s(CLOCK_MONOTONIC), cpu = own_cpu();
    for (; fine && took < seconds; took = now_s(CLOCK_MONOTONIC) - start)
        fine = keep_running(&plane, in_flight, in_flight);
    if (fine)
        printf("%.1f %.3f\n", (double)(plane.ended - from) * seconds / took, own_cpu() - cpu);
    plane_close(&plane);
    free(text);
    return fine;
}

static int schema(int count, char **args)
{
    static struct plane plane;
    int fine = count == 1 && open_warm(&plane, args[0], 1, 1);
    plane_close(&plane);
    return fine;
}

static const struct {
    const char *name;
    int (*run)(int count, char **args);
} modes[] = {
    {"store", write_ours}, {"bare", write_bare}, {"engine", engine_steps}, {"queue", queue},
    {"run", runs},         {"replica", replica}, {"schema", schema},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run(argc - 2, argv + 2) ? 0 : 1;
    }
    fprintf(stderr, "store_bench: the modes are named at the top of store_bench.c\n");
    return 2;
}
