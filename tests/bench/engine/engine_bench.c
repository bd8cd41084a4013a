/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine costs, through the public functions alone: engine_bench [--quick] [NAME...].
 * docs/BENCHMARKS.md says what the rows are. Pairs follow each other at once, ours first, and the
 * median of their ratios is the score. It judges nothing: it prints what was aimed at beside what
 * was reached, and ends with 1 only where something does not work. */
#include <arcentra/arcentra.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bare.h"
#include "plane.h"

#define PAIRS 5
#define ROWS_A_COMMIT 100

struct bench {
    char folder[32];
    int pairs;
    double seconds;
    const char *const *names;
    int name_count;
};

/* --- steps a second -------------------------------------------------------------------------- */

static int ours(const char *url, unsigned in_flight, double seconds, struct rate *out)
{
    static struct plane plane;
    char *text = definition(1, STEPS, HERE);
    int fine = text != NULL && plane_open(&plane, url, text, NULL) &&
               measure(&plane, in_flight, seconds, out);
    plane_close(&plane);
    free(text);
    return fine;
}

/* The rows of one run, for the bare loop to copy. */
static int make_sample(const struct bench *bench)
{
    char url[80];
    static struct plane plane;
    char *text = definition(1, STEPS, HERE), id[ARC_ID_SIZE];
    snprintf(url, sizeof(url), "sqlite:%s/sample.db", bench->folder);
    int fine = text != NULL && plane_open(&plane, url, text, NULL) && start_run(&plane, id);
    while (fine && !arc_run_state_is_terminal(arc_run_get_status(plane.ctl, id)))
        fine = dispatch(&plane);
    plane_close(&plane);
    free(text);
    return fine;
}

/* Steps a second of the bare loop, and the median of its least commits. */
static int bare_rate(const struct bench *bench, int round, struct rate *out)
{
    char path[64], sample[64];
    double commits[64];
    snprintf(path, sizeof(path), "%s/bare-%d.db", bench->folder, round);
    snprintf(sample, sizeof(sample), "%s/sample.db", bench->folder);
    struct bare *bare = bare_open(sample, path);
    int fine = bare != NULL && bare_life(bare, ROWS_A_COMMIT);
    uint64_t lives = 0;
    double start = now_s(CLOCK_MONOTONIC), took = 0, cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    while (fine && took < bench->seconds) {
        fine = bare_life(bare, ROWS_A_COMMIT);
        lives++;
        took = now_s(CLOCK_MONOTONIC) - start;
    }
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    for (int i = 0; fine && i < 64; i++) {
        double at = now_s(CLOCK_MONOTONIC);
        fine = bare_commit(bare);
        commits[i] = (now_s(CLOCK_MONOTONIC) - at) * 1e6;
    }
    if (fine) {
        out->steps_s = (double)(lives * bare_steps(bare)) / took;
        out->steps_cpu = (double)(lives * bare_steps(bare)) / cpu;
        out->step_us = median(commits, 64);
    }
    bare_close(bare);
    return fine;
}

static void print_ratios(const double *ratios, int count, const char *aim)
{
    for (int i = 0; i < count; i++)
        printf(" %5.2f", ratios[i]);
    printf("   score %5.2f   aim %s\n", median(ratios, count), aim);
    fflush(stdout);
}

static int durable_steps(const struct bench *bench)
{
    static const unsigned in_flight[] = {1, 100, 1000};
    if (!make_sample(bench))
        return 0;
    for (size_t f = 0; f < 3; f++) {
        struct rate mine = {0}, bare = {0};
        double ratios[PAIRS], cpus[PAIRS], latencies[PAIRS];
        for (int i = 0; i < bench->pairs; i++) {
            char url[80];
            snprintf(url, sizeof(url), "sqlite:%s/ours-%zu-%d.db", bench->folder, f, i);
            if (!ours(url, in_flight[f], bench->seconds, &mine) ||
                !bare_rate(bench, (int)f * PAIRS + i, &bare))
                return 0;
            ratios[i] = mine.steps_s / bare.steps_s;
            cpus[i] = mine.steps_cpu / bare.steps_cpu;
            latencies[i] = mine.step_us / bare.step_us;
        }
        printf("SQLite FULL, %4u runs: ours %7.0f steps/s, bare %7.0f, %5.1f events a commit  ",
               in_flight[f], mine.steps_s, bare.steps_s, mine.events_commit);
        print_ratios(ratios, bench->pairs, in_flight[f] == 1 ? "-" : ">= 0.5");
        printf("    by processor time: ours %7.0f steps/s, bare %7.0f  ", mine.steps_cpu,
               bare.steps_cpu);
        print_ratios(cpus, bench->pairs, "-");
        if (in_flight[f] > 1)
            continue;
        printf("SQLite FULL, one run: a step takes %5.0f us, a bare commit %5.0f us  ",
               mine.step_us, bare.step_us);
        print_ratios(latencies, bench->pairs, "<= 3");
    }
    return 1;
}

/* The store in memory beside SQLite, both with so many runs in flight. */
static int memory_beside(const struct bench *bench, unsigned in_flight)
{
    double ratios[PAIRS], cpus[PAIRS];
    struct rate memory = {0}, disk = {0};
    for (int i = 0; i < bench->pairs; i++) {
        char url[80];
        snprintf(url, sizeof(url), "sqlite:%s/beside-%u-%d.db", bench->folder, in_flight, i);
        if (!ours("mem:", in_flight, bench->seconds, &memory) ||
            !ours(url, in_flight, bench->seconds, &disk))
            return 0;
        ratios[i] = memory.steps_s / disk.steps_s;
        cpus[i] = memory.steps_cpu / disk.steps_cpu;
    }
    printf("memory, %4u runs: %7.0f steps/s, SQLite %7.0f  ", in_flight, memory.steps_s,
           disk.steps_s);
    print_ratios(ratios, bench->pairs, ">= 15");
    printf("    by processor time: memory %7.0f steps/s, SQLite %7.0f  ", memory.steps_cpu,
           disk.steps_cpu);
    print_ratios(cpus, bench->pairs, "-");
    return 1;
}

static int memory_steps(const struct bench *bench)
{
    return memory_beside(bench, 1) && memory_beside(bench, 100) && memory_beside(bench, 1000);
}

/* --- the cost of a transition ---------------------------------------------------------------- */

/* Starts so many runs, and no more: what their first steps report is still to be taken. */
static int fill(struct plane *plane, unsigned runs)
{
    char id[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    int fine = 1;
    for (unsigned i = 0; fine && i < runs; i++)
        fine = start_run(plane, id);
    return fine && arc_ctl_dispatch(plane->ctl, runs, &err) == ARC_OK;
}

/* Processor time of an event in us, while what waits is worked off, until there were so many; what
 * waits is put there outside of that time. */
static int cost(unsigned jobs, unsigned runs, uint64_t wanted, double *out)
{
    static struct plane plane;
    char *text = definition(jobs, 1, HERE);
    int fine = text != NULL && plane_open(&plane, "mem:", text, NULL);
    uint64_t events = 0;
    double took = 0;
    while (fine && events < wanted) {
        fine = fill(&plane, runs);
        arc_ctl_stats at = stats_of(&plane);
        uint64_t from = at.events;
        double start = now_s(CLOCK_PROCESS_CPUTIME_ID);
        for (; fine && at.events - from < wanted && at.runs_open > 0; at = stats_of(&plane))
            fine = dispatch(&plane);
        took += now_s(CLOCK_PROCESS_CPUTIME_ID) - start;
        events += at.events - from;
    }
    *out = took * 1e6 / (double)events;
    plane_close(&plane);
    free(text);
    return fine && events > 0;
}

static int beside_small(const struct bench *bench, const char *name, unsigned jobs, unsigned runs)
{
    double ratios[PAIRS], large = 0, little = 0;
    for (int i = 0; i < bench->pairs; i++) {
        if (!cost(jobs, runs, 16000, &large) || !cost(20, 50, 16000, &little))
            return 0;
        ratios[i] = large / little;
    }
    printf("%s: an event costs %5.2f us, in 50 runs of 20 jobs %5.2f us  ", name, large, little);
    print_ratios(ratios, bench->pairs, "<= 2");
    return 1;
}

static int large_run(const struct bench *bench)
{
    return beside_small(bench, "a run of 10,000 jobs", 10000, 1);
}

static int long_queue(const struct bench *bench)
{
    return beside_small(bench, "a queue of 100,000 jobs", 10000, 10);
}

/* --- the first dispatch ---------------------------------------------------------------------- */

static int first_dispatch(const struct bench *bench)
{
    char url[80], id[ARC_ID_SIZE];
    static struct plane plane;
    char *text = definition(1, 1, HERE);
    snprintf(url, sizeof(url), "sqlite:%s/first.db", bench->folder);
    int fine = text != NULL && plane_open(&plane, url, text, NULL) && keep_running(&plane, 1, 3) &&
               dispatch(&plane);
    uint64_t before = stats_of(&plane).commits, started = plane.started;
    plane.held_back = 1;
    fine = fine && start_run(&plane, id);
    while (fine && plane.started == started)
        fine = dispatch(&plane);
    uint64_t commits = stats_of(&plane).commits - before;
    plane_close(&plane);
    free(text);
    if (fine)
        printf("trigger to first dispatch on an idle engine: %llu commits   aim <= 2\n",
               (unsigned long long)commits);
    return fine;
}

/* --- recovery -------------------------------------------------------------------------------- */

#define OPEN_RUNS 10000u

/* Runs of five steps that wait for an agent which does not come. */
static int leave_open(const char *url, char *text)
{
    static struct plane plane;
    char id[ARC_ID_SIZE];
    int fine = plane_open(&plane, url, text, NULL);
    for (unsigned i = 0; fine && i < OPEN_RUNS; i++)
        fine = start_run(&plane, id) && (i % 100 != 99 || dispatch(&plane));
    while (fine && stats_of(&plane).jobs_queued < OPEN_RUNS)
        fine = dispatch(&plane);
    plane_close(&plane);
    return fine;
}

/* Seconds from opening to the first turn in which all of them are known. */
static int take_up(const char *url, char *text, double *took, double *cpu)
{
    static struct plane plane;
    double start = now_s(CLOCK_MONOTONIC), used = now_s(CLOCK_PROCESS_CPUTIME_ID);
    int fine = plane_open(&plane, url, text, NULL);
    while (fine && stats_of(&plane).jobs_queued < OPEN_RUNS)
        fine = dispatch(&plane);
    *took = now_s(CLOCK_MONOTONIC) - start;
    *cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - used;
    plane_close(&plane);
    return fine;
}

static int recovery(const struct bench *bench)
{
    char url[80];
    double tooks[PAIRS], cpus[PAIRS];
    char *text = definition(1, 5, AWAY);
    snprintf(url, sizeof(url), "sqlite:%s/open.db", bench->folder);
    int fine = text != NULL && leave_open(url, text);
    for (int i = 0; fine && i < bench->pairs; i++)
        fine = take_up(url, text, &tooks[i], &cpus[i]);
    free(text);
    if (fine)
        printf("recovery of %u open runs of 5 steps: %.2f s, %.2f of the processor   aim <= 1\n",
               OPEN_RUNS, median(tooks, bench->pairs), median(cpus, bench->pairs));
    return fine;
}

/* --- memory ---------------------------------------------------------------------------------- */

struct counted {
    size_t size;
    size_t pad; /* what follows is aligned as malloc's own */
};

static void *count_alloc(void *user, void *ptr, size_t size)
{
    size_t *live = user;
    struct counted *block = ptr != NULL ? (struct counted *)ptr - 1 : NULL;
    size_t before = block != NULL ? block->size : 0;
    if (size == 0) {
        *live -= before;
        free(block);
        return NULL;
    }
    struct counted *made = realloc(block, sizeof(*made) + size);
    if (made == NULL)
        return NULL;
    made->size = size;
    *live += size - before;
    return made + 1;
}

/* Bytes of an open run whose steps wait. */
static int open_run_bytes(const struct bench *bench, unsigned steps, double *out)
{
    enum { RUNS = 200 };
    size_t live = 0;
    arc_env env = ARC_ENV_INIT;
    static struct plane plane;
    char *text = definition(1, steps, AWAY);
    char id[ARC_ID_SIZE];
    env.user = &live;
    env.alloc = count_alloc;
    char url[80];
    snprintf(url, sizeof(url), "sqlite:%s/bytes-%u.db", bench->folder, steps);
    int fine = text != NULL && plane_open(&plane, url, text, &env);
    size_t before = 0;
    for (int i = 0; fine && i < 2 * RUNS; i++) {
        fine = start_run(&plane, id) && dispatch(&plane);
        if (i == RUNS - 1)
            before = live;
    }
    *out = (double)(live - before) / RUNS;
    plane_close(&plane);
    free(text);
    return fine;
}

static int bytes(const struct bench *bench)
{
    double one = 0, many = 0;
    if (!open_run_bytes(bench, 1, &one) || !open_run_bytes(bench, 101, &many))
        return 0;
    printf("an open run of one step takes %.0f bytes, each step more %.0f bytes\n", one,
           (many - one) / 100);
    return 1;
}

/* --- through an agent ------------------------------------------------------------------------ */

#define AGENT_SLOTS 64
#define ALONE_RUNS 30
#define AT_ONCE 32
#define PEER "tests/bench/engine/restate/peer.js" /* from the build directory */

/* The text of a key of one JSON object, whatever its kind. */
static void pick(const char *json, const char *key, char *out, size_t size)
{
    char quoted[64];
    snprintf(quoted, sizeof(quoted), "\"%s\":", key);
    const char *at = strstr(json, quoted);
    out[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(quoted);
    at += strspn(at, " \"");
    snprintf(out, size, "%.*s", (int)strcspn(at, "\",}"), at);
}

static int agent_next(arc_client *client, arc_call *call, const char **bytes)
{
    arc_err err = ARC_ERR_INIT;
    size_t len = 0;
    for (;;) {
        arc_status status = arc_call_next(call, bytes, &len, &err);
        if (status != ARC_EAGAIN)
            return status == ARC_OK;
        struct pollfd fd = {arc_client_fd(client), POLLIN, 0};
        poll(&fd, 1, arc_client_timeout_ms(client));
        if (arc_client_dispatch(client, &err) != ARC_OK)
            return 0;
    }
}

static int agent_send(arc_client *client, arc_call *call, const char *text)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status;
    while ((status = arc_call_send(call, text, strlen(text), &err)) == ARC_EAGAIN) {
        if (arc_client_dispatch(client, &err) != ARC_OK)
            return 0;
    }
    return status == ARC_OK ? 1 : tell(&err);
}

static int agent_say(arc_client *client, arc_call *call, const char *offer, int status)
{
    char id[64], attempt[16], fence[32], text[512];
    pick(offer, "stepRunId", id, sizeof(id));
    pick(offer, "attempt", attempt, sizeof(attempt));
    pick(offer, "fence", fence, sizeof(fence));
    snprintf(text, sizeof(text),
             "{\"taskStatus\":{\"stepRunId\":\"%s\",\"status\":\"%s\",\"attempt\":%s,"
             "\"fence\":%s}}",
             id, arc_step_state_name(status), attempt, fence);
    return agent_send(client, call, text);
}

/* An agent whose steps do nothing: says of each that it runs and that it has ended. Until killed.
 */
static int agent_live(const char *target, const char *token)
{
    arc_client_options options = ARC_CLIENT_OPTIONS_INIT;
    arc_client *client = NULL;
    arc_call *call = NULL;
    arc_err err = ARC_ERR_INIT;
    const char *reply = NULL;
    char text[512], own[256];
    options.target = target;
    snprintf(text, sizeof(text),
             "{\"registrationToken\":\"%s\",\"agentName\":\"bench\",\"protocolLevel\":1,"
             "\"maxConcurrentStepRuns\":%d,\"incarnation\":\"one\"}",
             token, AGENT_SLOTS);
    if (arc_client_open(&options, &client, &err) != ARC_OK ||
        arc_client_call(client, "agent.v1.AgentService/Register", NULL, &call, &err) != ARC_OK)
        return tell(&err);
    if (!agent_send(client, call, text) || arc_call_half_close(call, &err) != ARC_OK ||
        !agent_next(client, call, &reply))
        return tell(&err);
    pick(reply, "authToken", own, sizeof(own));
    arc_call_close(call);
    if (arc_client_set_token(client, own, &err) != ARC_OK ||
        arc_client_call(client, "agent.v1.AgentService/Connect", NULL, &call, &err) != ARC_OK)
        return tell(&err);
    int fine = agent_send(client, call, "{\"heartbeat\":{\"incarnation\":\"one\"}}");
    while (fine && agent_next(client, call, &reply)) {
        if (strstr(reply, "\"taskDispatch\"") != NULL)
            fine = agent_say(client, call, reply, ARC_STEP_RUNNING) &&
                   agent_say(client, call, reply, ARC_STEP_SUCCESS);
    }
    return 0;
}

/* Runs until they have ended; the time of each in ms. */
static int run_alone(struct plane *plane, double *times)
{
    char id[ARC_ID_SIZE];
    int fine = 1;
    for (int i = -1; fine && i < ALONE_RUNS; i++) { /* the first one warms up */
        double start = now_s(CLOCK_MONOTONIC);
        fine = start_run(plane, id);
        while (fine && !arc_run_state_is_terminal(arc_run_get_status(plane->ctl, id)))
            fine = dispatch(plane);
        if (i >= 0)
            times[i] = (now_s(CLOCK_MONOTONIC) - start) * 1e3;
        fine = fine && arc_run_get_status(plane->ctl, id) == ARC_RUN_SUCCESS;
    }
    return fine;
}

struct agent_rate {
    double alone_ms, alone_cpu; /* of a run that has the machine to itself: median, us a step */
    double steps_s, steps_cpu;  /* of runs side by side; us a step */
    double commits;             /* a step of the former */
};

/* Processor time of this process and the agent, in us. */
static double both_cpu(pid_t agent)
{
    clockid_t clock;
    double own = now_s(CLOCK_PROCESS_CPUTIME_ID);
    return (clock_getcpuclockid(agent, &clock) == 0 ? own + now_s(clock) : own) * 1e6;
}

/* Steps a second of AT_ONCE runs that follow each other. */
static int run_together(struct plane *plane, pid_t agent, double seconds, struct agent_rate *out)
{
    uint64_t ended = 0;
    int fine = 1;
    for (unsigned i = 0; fine && i < AT_ONCE; i++)
        fine = start_run(plane, plane->ids[i]);
    double start = now_s(CLOCK_MONOTONIC), took = 0, cpu = both_cpu(agent);
    while (fine && took < seconds) {
        fine = dispatch(plane);
        for (unsigned i = 0; fine && i < AT_ONCE; i++) {
            if (!arc_run_state_is_terminal(arc_run_get_status(plane->ctl, plane->ids[i])))
                continue;
            ended++;
            fine = start_run(plane, plane->ids[i]);
        }
        took = now_s(CLOCK_MONOTONIC) - start;
    }
    out->steps_s = (double)(ended * STEPS) / took;
    out->steps_cpu = (both_cpu(agent) - cpu) / (double)(ended * STEPS);
    return fine;
}

static int agent_rate(const struct bench *bench, int round, struct agent_rate *out)
{
    static struct plane plane;
    char url[80], target[32], token[ARC_TOKEN_SIZE];
    arc_server_options options = ARC_SERVER_OPTIONS_INIT;
    arc_server *server = NULL;
    arc_err err = ARC_ERR_INIT;
    double times[ALONE_RUNS];
    char *text = definition(1, STEPS, AWAY);
    snprintf(url, sizeof(url), "sqlite:%s/agent-%d.db", bench->folder, round);
    options.listen = "127.0.0.1:0";
    if (text == NULL || !plane_open(&plane, url, text, NULL))
        return 0;
    if (arc_server_open(plane.ctl, &options, &server, &err) != ARC_OK ||
        arc_ctl_token_new(plane.ctl, "bench", 0, token, sizeof(token), &err) != ARC_OK)
        return tell(&err);
    snprintf(target, sizeof(target), "127.0.0.1:%d", arc_server_get_port(server));
    fflush(stdout);
    pid_t agent = fork();
    if (agent == 0)
        _exit(agent_live(target, token) ? 0 : 1);
    double cpu = both_cpu(agent);
    int fine = agent > 0 && run_alone(&plane, times);
    out->alone_cpu = (both_cpu(agent) - cpu) / ((ALONE_RUNS + 1) * STEPS);
    out->commits = (double)stats_of(&plane).commits / ((ALONE_RUNS + 1) * STEPS);
    fine = fine && run_together(&plane, agent, bench->seconds * 4, out);
    if (agent > 0) {
        kill(agent, SIGKILL);
        waitpid(agent, NULL, 0);
    }
    qsort(times, ALONE_RUNS, sizeof(double), by_size);
    out->alone_ms = times[ALONE_RUNS / 2];
    arc_server_close(server);
    plane_close(&plane);
    free(text);
    return fine;
}

/* The same work in Restate. 0: it does not work. */
static int restate_rate(const struct bench *bench, int round, struct agent_rate *out)
{
    char folder[64], seconds[16], runs[16], steps[16], at_once[16];
    int ends[2], status = 0;
    snprintf(folder, sizeof(folder), "%s/restate-%d", bench->folder, round);
    snprintf(seconds, sizeof(seconds), "%.1f", bench->seconds * 4);
    snprintf(runs, sizeof(runs), "%d", ALONE_RUNS);
    snprintf(steps, sizeof(steps), "%d", STEPS);
    snprintf(at_once, sizeof(at_once), "%d", AT_ONCE);
    fflush(stdout);
    if (pipe(ends) != 0)
        return 0;
    pid_t peer = fork();
    if (peer == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp("node", "node", PEER, folder, seconds, runs, steps, at_once, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    int fine = peer > 0 && said != NULL &&
               fscanf(said, "%lf %lf %lf %lf", &out->alone_ms, &out->alone_cpu, &out->steps_s,
                      &out->steps_cpu) == 4;
    if (said != NULL)
        fclose(said);
    return peer > 0 && waitpid(peer, &status, 0) == peer && status == 0 && fine;
}

static int agent_steps(const struct bench *bench)
{
    double alone[PAIRS], alone_cpu[PAIRS], together[PAIRS], together_cpu[PAIRS];
    struct agent_rate mine = {0}, peer = {0};
    int beside = access(PEER, R_OK) == 0;
    int rounds = beside ? bench->pairs : 1;
    for (int i = 0; i < rounds; i++) {
        if (!agent_rate(bench, i, &mine) || (beside && !restate_rate(bench, i, &peer)))
            return 0;
        alone[i] = mine.alone_ms / peer.alone_ms;
        alone_cpu[i] = mine.alone_cpu / peer.alone_cpu;
        together[i] = mine.steps_s / peer.steps_s;
        together_cpu[i] = peer.steps_cpu / mine.steps_cpu;
    }
    printf("through an agent over gRPC: %d steps in %5.1f ms (p50 of %d runs, %.1f commits a "
           "step), %d runs at once %6.0f steps/s\n",
           STEPS, mine.alone_ms, ALONE_RUNS, mine.commits, AT_ONCE, mine.steps_s);
    if (!beside) {
        printf("Restate is skipped: node and npm were not there when this was built\n");
        return 1;
    }
    printf("    Restate: %d steps in %5.1f ms  ", STEPS, peer.alone_ms);
    print_ratios(alone, rounds, "<= 0.33");
    printf("    by processor time: ours %5.0f us a step, Restate %5.0f  ", mine.alone_cpu,
           peer.alone_cpu);
    print_ratios(alone_cpu, rounds, "-");
    printf("    Restate: %d runs at once %6.0f steps/s  ", AT_ONCE, peer.steps_s);
    print_ratios(together, rounds, ">= 3");
    printf("    by processor time: ours %5.0f us a step, Restate %5.0f  ", mine.steps_cpu,
           peer.steps_cpu);
    print_ratios(together_cpu, rounds, "-");
    return 1;
}

/* --- all ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*run)(const struct bench *bench);
} rows[] = {
    {"steps", durable_steps}, {"memory", memory_steps},  {"large", large_run},
    {"queue", long_queue},    {"first", first_dispatch}, {"bytes", bytes},
    {"recover", recovery},    {"agent", agent_steps},
};

static int drop(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static int is_asked(const struct bench *bench, const char *name)
{
    for (int i = 0; i < bench->name_count; i++) {
        if (strcmp(bench->names[i], name) == 0)
            return 1;
    }
    return bench->name_count == 0;
}

int main(int argc, char **argv)
{
    struct bench bench = {.folder = "bench-XXXXXX", .pairs = PAIRS, .seconds = 2};
    int first = 1, failed = 0;
    if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
        bench.seconds = 0.5;
        bench.pairs = 3;
        first = 2;
    }
    bench.names = (const char *const *)argv + first;
    bench.name_count = argc - first;
    if (mkdtemp(bench.folder) == NULL)
        return 1;
    for (size_t i = 0; !failed && i < sizeof(rows) / sizeof(rows[0]); i++)
        failed = is_asked(&bench, rows[i].name) && !rows[i].run(&bench);
    nftw(bench.folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    return failed;
}
