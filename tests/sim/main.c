/* SPDX-License-Identifier: Apache-2.0 */
/* The program: ranges of seeds over workers, goals, hashes, and what a failing seed shows. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stores.h"

#define JOBS_MAX_WORKERS 64

struct options {
    uint64_t from, to;
    uint32_t jobs;
    int hash, goals, known, quick, compare;
    const char *store;
    uint64_t share;               /* each so-manieth life is lived on the store … */
    struct sim_store *store_also; /* … and those half between on this one, or NULL */
    struct sim_plan plan;
    uint64_t shrink;
};

struct result {
    uint64_t seeds, happened, failed_seed, hash;
    int failed;
    uint64_t goals[GOAL_COUNT];
};

static const char usage[] =
    "usage: sim [OPTIONS]\n"
    "  --seeds FROM..TO  which lives to live (1..1000)\n"
    "  --jobs N          workers (1)\n"
    "  --store mem|sqlite|pg|mix\n"
    "  --share N         each Nth life of the range is on that store, of a mix one on SQLite and\n"
    "                    one on PostgreSQL, where there is one; the others are in memory (1)\n"
    "  --compare         those that are on it are lived in memory as well, and must be the same\n"
    "  --replicas N      several servers on one store, 2 to 4, in memory\n"
    "  --only NAME,...   of the faults that a seed draws these alone; none: not one\n"
    "  --goals           fails when a goal was never met over the range\n"
    "  --quick           does not shrink what fails\n"
    "  --hash            prints the hash of every life\n"
    "  --verbose SEED    tells one life, event by event\n"
    "  --shrink SEED     looks for the smallest version of a life that fails\n"
    "  --known           lives a handful of seeds whose hashes are known\n";

/* Of a seed; NULL: memory. */
static struct sim_store *store_of(const struct options *options, uint64_t seed)
{
    uint64_t at = seed % options->share;
    if (at == options->share / 2 && options->store_also != NULL)
        return options->store_also;
    return at == 0 ? options->plan.store : NULL;
}

/* --- one life ---------------------------------------------------------------------------------
 */

static void show_faults(uint64_t bits)
{
    printf("faults:");
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        if (bits >> i & 1)
            printf(" %s", sim_fault_names[i]);
    }
    printf("\n");
}

static void show_failure(const struct sim *sim)
{
    uint64_t from = sim->traced > TRACE_MAX ? sim->traced - TRACE_MAX : 0;
    for (uint64_t i = from; i < sim->traced; i++) {
        const struct trace_line *line = &sim->trace[i % TRACE_MAX];
        printf("%12.6f %s\n", (double)line->at_ns / 1e9, line->text);
    }
    printf("seed %llu: %s does not hold: %s\n", (unsigned long long)sim->plan.seed,
           sim_invariant_names[sim->broke], sim_invariant_sentences[sim->broke]);
    printf("  %s\n", sim->sentence);
    show_faults(sim_drawn(&sim->plan) & ~sim->plan.off);
}

/* Makes a failing life smaller for as long as the same invariant breaks. */
static struct sim_plan shrink(struct sim *sim, struct sim_plan plan)
{
    plan.verbose = 0;
    (void)sim_live(sim, &plan);
    enum invariant which = sim->broke;
    uint64_t bits = sim_drawn(&plan);
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        struct sim_plan less = plan;
        less.off |= UINT64_C(1) << i;
        if ((bits >> i & 1) && !sim_live(sim, &less) && sim->broke == which)
            plan = less;
    }
    uint32_t *const parts[] = {&plan.agents, &plan.runs, &plan.seconds};
    const uint32_t most[] = {AGENTS_MAX, 8, 400};
    for (size_t i = 0; i < ARC_COUNT_OF(parts); i++) {
        for (uint32_t value = most[i] / 2; value > 0; value /= 2) {
            uint32_t before = *parts[i];
            *parts[i] = value;
            if (sim_live(sim, &plan) || sim->broke != which) {
                *parts[i] = before;
                break;
            }
        }
    }
    return plan;
}

static int show_shrunk(struct sim *sim, const struct options *options, uint64_t seed)
{
    struct sim_plan plan = options->plan;
    plan.seed = seed;
    plan.store = store_of(options, seed);
    if (sim_live(sim, &plan)) {
        printf("seed %llu: every invariant holds\n", (unsigned long long)seed);
        return 0;
    }
    plan = shrink(sim, plan);
    (void)sim_live(sim, &plan);
    show_failure(sim);
    printf("shrunk to at most %u agents, %u runs, %u s of faults (0: as drawn)\n", plan.agents,
           plan.runs, plan.seconds);
    return 1;
}

/* --- a range ----------------------------------------------------------------------------------
 */

/* On its store, where it is one of those that are not in memory. */
static int live_one(struct sim *sim, const struct options *options, const struct sim_plan *plan)
{
    struct sim_plan own = *plan;
    own.store = store_of(options, plan->seed);
    return own.store != NULL && options->compare ? sim_compare(sim, &own) : sim_live(sim, &own);
}

static void live_range(struct sim *sim, const struct options *options, uint32_t worker,
                       struct result *out)
{
    for (uint64_t seed = options->from + worker; seed <= options->to; seed += options->jobs) {
        struct sim_plan plan = options->plan;
        plan.seed = seed;
        if (plan.verbose)
            show_faults(sim_drawn(&plan));
        int fine = live_one(sim, options, &plan);
        uint64_t hash = sim->hash;
        out->seeds++;
        out->happened += sim->happened;
        out->hash ^= dice_mix(hash + seed);
        for (uint32_t i = 0; i < GOAL_COUNT; i++)
            out->goals[i] += sim->goals[i];
        if (options->hash)
            printf("%llu %016llx\n", (unsigned long long)seed, (unsigned long long)hash);
        if (fine && seed % 1000 == 0) {
            fine = live_one(sim, options, &plan) && sim->hash == hash;
            if (!fine)
                printf("seed %llu: two lives of it differ\n", (unsigned long long)seed);
        } else if (!fine) {
            show_failure(sim);
            if (!options->quick) {
                printf("the same, smaller:\n");
                (void)show_shrunk(sim, options, seed);
            }
        }
        (void)fflush(stdout);
        if (!fine) {
            out->failed = 1;
            out->failed_seed = seed;
            return;
        }
    }
}

static void add(struct result *all, const struct result *one)
{
    all->seeds += one->seeds;
    all->happened += one->happened;
    all->hash ^= one->hash;
    if (one->failed && (!all->failed || one->failed_seed < all->failed_seed))
        all->failed_seed = one->failed_seed;
    all->failed |= one->failed;
    for (uint32_t i = 0; i < GOAL_COUNT; i++)
        all->goals[i] += one->goals[i];
}

/* Each worker has a server of its own. */
static int take_store(struct options *options)
{
    const char *why = NULL;
    int mix = strcmp(options->store, "mix") == 0;
    if (mix || strcmp(options->store, "sqlite") == 0)
        options->plan.store = sim_store_sqlite();
    if (!mix && strcmp(options->store, "pg") != 0)
        return 1;
    struct sim_store *pg = sim_store_pg(&why);
    if (pg == NULL)
        printf("sim: %s\n", why);
    if (mix)
        options->store_also = pg;
    else
        options->plan.store = pg;
    return options->plan.store != NULL;
}

static int work(const struct options *given, uint32_t worker, int to)
{
    struct options options = *given;
    struct sim *sim = malloc(sizeof(*sim));
    struct result result = {0};
    if (sim == NULL || !take_store(&options)) {
        free(sim);
        return 1;
    }
    live_range(sim, &options, worker, &result);
    free(sim);
    return write(to, &result, sizeof(result)) != (ssize_t)sizeof(result);
}

/* Every worker writes its result, which is smaller than a pipe holds, and ends. */
static int run_workers(const struct options *options, struct result *all)
{
    int ends[2], failed = 0;
    if (pipe(ends) != 0)
        return 0;
    for (uint32_t i = 0; i < options->jobs; i++) {
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            exit(work(options, i, ends[1]));
        }
        failed |= pid < 0;
    }
    (void)close(ends[1]);
    struct result one;
    while (read(ends[0], &one, sizeof(one)) == (ssize_t)sizeof(one))
        add(all, &one);
    (void)close(ends[0]);
    for (uint32_t i = 0; i < options->jobs; i++) {
        int status = 0;
        failed |= wait(&status) < 0 || status != 0;
    }
    return !failed;
}

/* Of one server those of several are not asked for. */
static int show_goals(const struct options *options, const struct result *all)
{
    int missed = 0;
    uint32_t count = options->plan.replicas > 1 ? GOAL_COUNT : GOAL_ROAMED;
    for (uint32_t i = 0; i < count; i++) {
        printf("%10llu  %s\n", (unsigned long long)all->goals[i], sim_goal_sentences[i]);
        missed |= all->goals[i] == 0;
    }
    return !missed;
}

static int run_range(const struct options *options)
{
    struct result all = {0};
    struct timespec from, to;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    int fine = run_workers(options, &all);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    if (options->goals && !show_goals(options, &all) && !all.failed) {
        printf("a goal was never met\n");
        fine = 0;
    }
    printf(
        "seeds %llu..%llu: %llu lives, %llu events each, %.1f lives a second, hash %016llx, %s\n",
        (unsigned long long)options->from, (unsigned long long)options->to,
        (unsigned long long)all.seeds,
        (unsigned long long)(all.seeds > 0 ? all.happened / all.seeds : 0),
        (double)all.seeds / seconds, (unsigned long long)all.hash,
        all.failed || !fine ? "FAILED" : "every invariant holds");
    if (all.failed)
        printf("the first seed that fails: %llu\n", (unsigned long long)all.failed_seed);
    return all.failed || !fine;
}

/* --- known hashes ----------------------------------------------------------------------------- */

static const struct {
    uint64_t seed, hash;
} known[] = {
#include "known.inc"
};

static int run_known(const struct options *options)
{
    struct sim *sim = malloc(sizeof(*sim));
    int failed = sim == NULL;
    for (size_t i = 0; !failed && i < ARC_COUNT_OF(known); i++) {
        struct sim_plan plan = options->plan;
        plan.seed = known[i].seed;
        (void)sim_live(sim, &plan);
        if (sim->hash == known[i].hash)
            continue;
        printf("seed %llu: hash %016llx, not %016llx\n", (unsigned long long)plan.seed,
               (unsigned long long)sim->hash, (unsigned long long)known[i].hash);
        failed = 1;
    }
    free(sim);
    return failed;
}

/* --- arguments -------------------------------------------------------------------------------- */

static int take_number(const char *text, uint64_t *out, char **end)
{
    *out = strtoull(text, end, 10);
    return *end != text;
}

static int take_range(const char *text, struct options *options)
{
    char *end = NULL;
    if (!take_number(text, &options->from, &end))
        return 0;
    options->to = options->from;
    if (strncmp(end, "..", 2) == 0 && !take_number(end + 2, &options->to, &end))
        return 0;
    return *end == '\0' && options->from <= options->to;
}

/* The names of faults, or none. */
static int take_faults(const char *text, struct options *options)
{
    uint64_t only = 0;
    for (const char *at = text; *at != '\0' && strcmp(text, "none") != 0;) {
        size_t len = strcspn(at, ",");
        uint32_t i = 0;
        while (i < FAULT_COUNT &&
               (strlen(sim_fault_names[i]) != len || strncmp(at, sim_fault_names[i], len) != 0))
            i++;
        if (i == FAULT_COUNT)
            return 0;
        only |= UINT64_C(1) << i;
        at += len + (at[len] == ',');
    }
    options->plan.off = ~only;
    return 1;
}

static int take_option(struct options *options, const char *name, const char *value, int *used)
{
    uint64_t number = 0;
    char *end = NULL;
    *used = 1;
    if (strcmp(name, "--goals") == 0 || strcmp(name, "--hash") == 0 ||
        strcmp(name, "--known") == 0 || strcmp(name, "--quick") == 0 ||
        strcmp(name, "--compare") == 0) {
        *used = 0;
        options->compare |= name[2] == 'c';
        options->goals |= name[2] == 'g';
        options->hash |= name[2] == 'h';
        options->known |= name[2] == 'k';
        options->quick |= name[2] == 'q';
        return 1;
    }
    if (value == NULL)
        return 0;
    if (strcmp(name, "--seeds") == 0)
        return take_range(value, options);
    if (strcmp(name, "--only") == 0)
        return take_faults(value, options);
    if (strcmp(name, "--store") == 0) {
        options->store = value;
        return strcmp(value, "mem") == 0 || strcmp(value, "sqlite") == 0 ||
               strcmp(value, "pg") == 0 || strcmp(value, "mix") == 0;
    }
    if (!take_number(value, &number, &end) || *end != '\0')
        return 0;
    if (strcmp(name, "--share") == 0) {
        options->share = number;
        return number > 0;
    }
    if (strcmp(name, "--replicas") == 0) {
        options->plan.replicas = (uint32_t)number;
        return number > 0 && number <= REPLICAS_MAX;
    }
    if (strcmp(name, "--jobs") == 0) {
        options->jobs = (uint32_t)number;
        return number > 0 && number <= JOBS_MAX_WORKERS;
    }
    if (strcmp(name, "--verbose") == 0) {
        options->plan.verbose = 1;
        options->from = options->to = number;
        return 1;
    }
    options->shrink = number;
    return strcmp(name, "--shrink") == 0;
}

int main(int argc, char **argv)
{
    struct options options = {.from = 1, .to = 1000, .jobs = 1, .share = 1, .store = "mem"};
    for (int i = 1; i < argc; i++) {
        int used = 0;
        if (!take_option(&options, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used)) {
            printf("%s", usage);
            return 2;
        }
        i += used;
    }
    if ((options.known || options.shrink > 0) && !take_store(&options))
        return 2;
    if (options.known)
        return run_known(&options);
    if (options.shrink > 0) {
        struct sim *sim = malloc(sizeof(*sim));
        int failed = sim == NULL || show_shrunk(sim, &options, options.shrink);
        free(sim);
        return failed;
    }
    return run_range(&options);
}
