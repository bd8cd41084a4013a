/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/view.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/json.h"
#include "common/mem.h"

#define PROGRESS_NS (NS_PER_S / 2)
#define NAME_COLUMN 40

/* How the lives were, all together. */
struct simulation {
    struct sim_rules rules;
    struct sim_job *jobs;
    const char *path;
    int64_t seeds, first;
    int trace, json;
    struct starts starts;
    struct arg_list variables, dirs, agents, times, outputs;

    uint64_t results[ARC_RUN_STATE_COUNT];  /* lives that ended so; [0]: that did not */
    uint64_t examples[ARC_RUN_STATE_COUNT]; /* the first seed of each */
    char *reasons[ARC_RUN_STATE_COUNT];     /* of that life */
    int64_t *took;                          /* of each life that ended */
    size_t ended;
    uint64_t broken, broken_seed, slowest_seed;
    char *broken_why;
    uint64_t digest, lost;
    uint32_t most_running;
};

/* --- lives ----------------------------------------------------------------------------------- */

static void add_life(struct simulation *sim, const struct sim_life *life)
{
    int result = life->result;
    if (sim->results[result]++ == 0) {
        sim->examples[result] = life->seed;
        sim->reasons[result] = mem_copy(life->reason);
    }
    if (result != 0) {
        if (sim->ended == 0 || life->took_ns > sim->took[sim->ended - 1])
            sim->slowest_seed = life->seed;
        sim->took[sim->ended++] = life->took_ns;
        /* The slowest stays last: the rest is put in order at the end. */
        if (sim->ended > 1 && sim->took[sim->ended - 1] < sim->took[sim->ended - 2]) {
            int64_t swap = sim->took[sim->ended - 1];
            sim->took[sim->ended - 1] = sim->took[sim->ended - 2];
            sim->took[sim->ended - 2] = swap;
        }
    }
    if (life->broken[0] != '\0' && sim->broken++ == 0) {
        sim->broken_seed = life->seed;
        sim->broken_why = mem_copy(life->broken);
    }
    sim->digest = (sim->digest ^ life->digest) * UINT64_C(0x100000001b3);
    sim->lost += life->lost;
    if (life->most_running > sim->most_running)
        sim->most_running = life->most_running;
}

static int live_all(struct simulation *sim)
{
    int64_t said_ns = clock_boot_ns();
    int shows = !sim->trace && isatty(STDERR_FILENO);
    for (int64_t i = 0; i < sim->seeds; i++) {
        struct sim_life life = {.rules = &sim->rules,
                                .jobs = sim->jobs,
                                .trace = sim->trace,
                                .seed = (uint64_t)(sim->first + i)};
        if (sim->trace)
            printf("seed %" PRIu64 "\n", life.seed);
        int failed = sim_live(&life);
        if (failed != 0)
            return failed;
        add_life(sim, &life);
        if (shows && clock_boot_ns() - said_ns > PROGRESS_NS) {
            said_ns = clock_boot_ns();
            fprintf(stderr, "\r%" PRId64 " of %" PRId64 " lives\033[K", i + 1, sim->seeds);
        }
    }
    if (shows)
        fputs("\r\033[K", stderr);
    return 0;
}

/* --- the report ------------------------------------------------------------------------------ */

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int64_t took_at(const struct simulation *sim, unsigned percent)
{
    return sim->ended > 0 ? sim->took[(sim->ended - 1) * percent / 100] : 0;
}

static void print_time(const char *label, int64_t ns)
{
    struct text text = {NULL, 0, 0};
    duration_put(&text, ns);
    printf("%s %s", label, text_get(&text));
    text_deinit(&text);
}

static const char *result_name(int result)
{
    return result == 0 ? "never ended" : arc_run_state_name(result);
}

static void print_results(const struct simulation *sim)
{
    printf("\n%-12s %8s %9s  %s\n", "result", "lives", "", "for example");
    for (int result = ARC_RUN_STATE_COUNT - 1; result >= 0; result--) {
        uint64_t count = sim->results[result];
        if (count == 0)
            continue;
        printf("%-12s %8" PRIu64 " %7.1f %%  seed %" PRIu64, result_name(result), count,
               100.0 * (double)count / (double)sim->seeds, sim->examples[result]);
        if (sim->reasons[result] != NULL && sim->reasons[result][0] != '\0')
            printf(": %s", sim->reasons[result]);
        putchar('\n');
    }
    if (sim->ended == 0)
        return;
    print_time("\ntime        shortest", took_at(sim, 0));
    print_time(", half within", took_at(sim, 50));
    print_time(", 9 of 10 within", took_at(sim, 90));
    print_time(", longest", took_at(sim, 100));
    printf(" (seed %" PRIu64 ")\n", sim->slowest_seed);
    printf("at one time at most %" PRIu32 " steps; %" PRIu64 " times an agent was lost\n",
           sim->most_running, sim->lost);
}

static void print_jobs(const struct simulation *sim)
{
    int width = 3;
    for (size_t i = 0; i < sim->rules.job_count; i++) {
        int len = (int)strlen(sim->rules.jobs[i]);
        width = len > width && len <= NAME_COLUMN ? len : width;
    }
    printf("\n%-*s %8s %8s %8s %8s %9s %9s %8s\n", width, "job", "ran", "success", "failed",
           "timeout", "cancelled", "skipped", "retries");
    for (size_t i = 0; i < sim->rules.job_count; i++) {
        const struct sim_job *job = &sim->jobs[i];
        printf("%-*s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %9" PRIu64 " %9" PRIu64
               " %8" PRIu64,
               width, sim->rules.jobs[i], job->started, job->lives[ARC_JOB_SUCCESS],
               job->lives[ARC_JOB_FAILED], job->lives[ARC_JOB_TIMEOUT],
               job->lives[ARC_JOB_CANCELLED], job->lives[ARC_JOB_SKIPPED], job->retried);
        if (job->started > 0)
            print_time("  takes", job->took_ns / (int64_t)job->started);
        else
            printf("  never ran: %s", job->why_not != NULL ? job->why_not : "the run ended before");
        putchar('\n');
    }
}

static void print_report(const struct simulation *sim)
{
    const struct sim_rules *rules = &sim->rules;
    printf("%s: %" PRId64 " %s from seed %" PRId64 " on.\n", cli_name(sim->path), sim->seeds,
           sim->seeds == 1 ? "life" : "lives", sim->first);
    print_time("Steps take from", rules->least_ns);
    print_time(" to", rules->most_ns);
    printf("; of a hundred %" PRId64 " fail and %" PRId64 " lose their agent.\nAgents: %" PRId64
           " of %" PRId64 " slots with each of",
           rules->fail, rules->lost, rules->agents, rules->slots);
    for (size_t i = 0; i < rules->kind_count; i++)
        printf("%s %s", i > 0 ? "," : "", rules->kinds[i]);
    puts(".");
    print_results(sim);
    print_jobs(sim);
    if (sim->broken > 0)
        printf("\n%" PRIu64 " %s not as promised. Seed %" PRIu64 ": %s\n"
               "See it with --seed %" PRIu64 " --seeds 1 --trace.\n",
               sim->broken, sim->broken == 1 ? "life was" : "lives were", sim->broken_seed,
               sim->broken_why, sim->broken_seed);
}

static void put_job(struct json_out *json, const char *name, const struct sim_job *job)
{
    json_open(json, NULL, '{');
    json_put_text(json, "job", name);
    json_put_uint(json, "ran", job->started);
    for (int state = ARC_JOB_SUCCESS; state < ARC_JOB_STATE_COUNT; state++)
        json_put_uint(json, arc_job_state_name(state), job->lives[state]);
    json_put_uint(json, "retries", job->retried);
    json_put_int(json, "meanNs", job->started > 0 ? job->took_ns / (int64_t)job->started : 0);
    json_put_text(json, "whyNot", job->why_not);
    json_close(json, '}');
}

static void print_json(const struct simulation *sim)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    char digest[24];
    snprintf(digest, sizeof(digest), "%016" PRIx64, sim->digest);
    json_open(&json, NULL, '{');
    json_put_int(&json, "lives", sim->seeds);
    json_put_int(&json, "firstSeed", sim->first);
    json_put_text(&json, "digest", digest);
    json_open(&json, "results", '{');
    for (int result = 1; result < ARC_RUN_STATE_COUNT; result++) {
        if (arc_run_state_is_terminal(result))
            json_put_uint(&json, arc_run_state_name(result), sim->results[result]);
    }
    json_put_uint(&json, "neverEnded", sim->results[0]);
    json_close(&json, '}');
    json_put_uint(&json, "broken", sim->broken);
    if (sim->broken > 0) {
        json_put_uint(&json, "brokenSeed", sim->broken_seed);
        json_put_text(&json, "brokenWhy", sim->broken_why);
    }
    json_put_int(&json, "shortestNs", took_at(sim, 0));
    json_put_int(&json, "medianNs", took_at(sim, 50));
    json_put_int(&json, "p90Ns", took_at(sim, 90));
    json_put_int(&json, "longestNs", took_at(sim, 100));
    json_put_uint(&json, "slowestSeed", sim->slowest_seed);
    json_put_uint(&json, "stepsAtOnce", sim->most_running);
    json_put_uint(&json, "agentsLost", sim->lost);
    json_open(&json, "jobs", '[');
    for (size_t i = 0; i < sim->rules.job_count; i++)
        put_job(&json, sim->rules.jobs[i], &sim->jobs[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    puts(text_get(&text));
    text_deinit(&text);
}

/* --- the command ----------------------------------------------------------------------------- */

/* Durations and outputs that could never be meant are said at once. */
static int check_words(const struct simulation *sim)
{
    if (sim->rules.least_ns > sim->rules.most_ns) {
        cli_fail("--step-min is longer than --step-max.");
        return EXIT_USAGE;
    }
    if (sim->trace && sim->json) {
        cli_fail("--trace prints for people, --json for programs: give one of them.");
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < sim->times.count; i++) {
        int64_t ns;
        const char *value = strrchr(sim->times.items[i], '=');
        if (value == NULL || !duration_parse(value + 1, &ns)) {
            cli_fail("--time %s: write STEP=30s or JOB/STEP=30s.", sim->times.items[i]);
            return EXIT_USAGE;
        }
    }
    for (size_t i = 0; i < sim->outputs.count; i++) {
        const char *dot = strchr(sim->outputs.items[i], '.');
        if (dot == NULL || strchr(dot, '=') == NULL) {
            cli_fail("--output %s: write STEP.NAME=VALUE.", sim->outputs.items[i]);
            return EXIT_USAGE;
        }
    }
    return 0;
}

static int simulate(struct simulation *sim)
{
    arc_run_options run = ARC_RUN_OPTIONS_INIT;
    struct text inputs = {NULL, 0, 0};
    struct pairs pairs = {NULL, 0};
    struct sim_rules *rules = &sim->rules;
    rules->times = &sim->times;
    rules->outputs = &sim->outputs;
    rules->run = &run;
    int failed = check_words(sim);
    if (failed == 0)
        failed = cli_read_spec_in(sim->path, sim->json, &sim->dirs, &rules->spec);
    if (failed == 0)
        failed = cli_read_inputs(NULL, &sim->starts, &sim->variables, &inputs);
    if (failed == 0)
        failed = sim_choose_agents(rules, text_get(&inputs), &sim->agents);
    if (failed == 0)
        failed = cli_read_pairs(&sim->variables, "--var", &pairs);
    if (failed == 0) {
        run.variables = pairs.items;
        run.variable_count = pairs.count;
        cli_take_starts(&sim->starts, "arcentra sim", &run);
        sim->jobs = mem_new(rules->job_count * sizeof(*sim->jobs));
        sim->took = mem_new((size_t)sim->seeds * sizeof(*sim->took));
        failed = live_all(sim);
    }
    if (failed == 0) {
        qsort(sim->took, sim->ended, sizeof(*sim->took), compare_times);
        if (sim->json)
            print_json(sim);
        else
            print_report(sim);
        failed = sim->broken > 0 ? EXIT_FAILED : EXIT_OK;
    }
    cli_free_pairs(&pairs);
    text_deinit(&inputs);
    return failed;
}

static void free_all(struct simulation *sim)
{
    arc_spec_unref(sim->rules.spec);
    for (size_t i = 0; i < sim->rules.job_count && sim->jobs != NULL; i++)
        mem_free(sim->jobs[i].why_not);
    for (int i = 0; i < ARC_RUN_STATE_COUNT; i++)
        mem_free(sim->reasons[i]);
    mem_free(sim->jobs);
    sim_free_agents(&sim->rules);
    mem_free(sim->took);
    mem_free(sim->broken_why);
    text_deinit(&sim->starts.payload);
    arg_list_deinit(&sim->variables);
    arg_list_deinit(&sim->dirs);
    arg_list_deinit(&sim->agents);
    arg_list_deinit(&sim->times);
    arg_list_deinit(&sim->outputs);
}

int cmd_sim(const struct command *command, int argc, char **argv)
{
    struct simulation sim = {.seeds = 1000, .first = 1};
    struct sim_rules *rules = &sim.rules;
    struct arg_list rest = {NULL, 0, NULL};
    int exit_code = 0;
    rules->agents = rules->slots = 2;
    rules->fail = 5;
    rules->lost = rules->reject = 1;
    rules->least_ns = 5 * NS_PER_S;
    rules->most_ns = 120 * NS_PER_S;
    rules->give_up_ns = 7 * 24 * 3600 * NS_PER_S;
    const struct arg table[] = {
        {"seeds", 'n', ARG_NUMBER, NULL, "N", "How many lives (1000).", &sim.seeds, 1, 1000000},
        {"seed", 's', ARG_NUMBER, NULL, "N", "The seed of the first (1).", &sim.first, 0,
         INT64_MAX},
        {"trace", 't', ARG_SWITCH, NULL, NULL, "Print every event, with its made-up time.",
         &sim.trace, 0, 0},
        {"agents", 'a', ARG_NUMBER, NULL, "N", "Agents of each kind (2).", &rules->agents, 1, 1000},
        {"agent", 0, ARG_LIST, NULL, "NAME=VALUE,…",
         "A kind of agent by its labels (what the jobs ask for); may come again.", &sim.agents, 0,
         0},
        {"slots", 'j', ARG_NUMBER, NULL, "N", "Jobs that one agent runs at one time (2).",
         &rules->slots, 1, 1000},
        {"fail", 0, ARG_NUMBER, NULL, "PERCENT", "Steps that fail (5).", &rules->fail, 0, 100},
        {"lost", 0, ARG_NUMBER, NULL, "PERCENT", "Steps that lose their agent (1).", &rules->lost,
         0, 100},
        {"reject", 0, ARG_NUMBER, NULL, "PERCENT", "Gates that are rejected (1).", &rules->reject,
         0, 100},
        {"step-min", 0, ARG_DURATION, NULL, "TIME", "How long a step takes at least (5s).",
         &rules->least_ns, 0, 0},
        {"step-max", 0, ARG_DURATION, NULL, "TIME", "And at most (2m).", &rules->most_ns, 0, 0},
        {"time", 0, ARG_LIST, NULL, "[JOB/]STEP=TIME", "How long one step takes; may come again.",
         &sim.times, 0, 0},
        {"output", 0, ARG_LIST, NULL, "STEP.NAME=VALUE",
         "An output of a step; of several, one by chance.", &sim.outputs, 0, 0},
        {"give-up", 0, ARG_DURATION, NULL, "TIME", "When a run is held to never end (168h).",
         &rules->give_up_ns, 0, 0},
        {"var", 'v', ARG_LIST, NULL, "NAME=VALUE", "A variable over the definition's.",
         &sim.variables, 0, 0},
        CLI_STARTS(&sim.starts),
        {"json", 0, ARG_SWITCH, NULL, NULL, "The report as one JSON object.", &sim.json, 0, 0},
        CLI_INCLUDE_DIR(&sim.dirs),
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 1, 1,
                  &exit_code) == 0) {
        sim.path = rest.items[0];
        exit_code = simulate(&sim);
    }
    free_all(&sim);
    arg_list_deinit(&rest);
    return exit_code;
}
