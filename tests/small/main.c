/* SPDX-License-Identifier: Apache-2.0 */
/* The program: searches worlds to their end, and says how many states they have. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "small.h"

static const char usage[] =
    "usage: small [OPTIONS]\n"
    "  --world NAME    this one alone; may be given again\n"
    "  --list          the worlds\n"
    "  --limit N       stops after so many states of a world, and says that it did\n"
    "  --faults N      at most so many faults, instead of what the world says\n"
    "  --asks N        the same for what people ask for\n"
    "  --twice N       looks again into every Nth state that is met again\n"
    "  --plant NAME    with a fault in the agents or the server; --plant list names them\n"
    "  --quiet         no progress\n";

struct options {
    struct search_options search;
    uint32_t chosen; /* bits of worlds */
    int list, quiet;
};

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void show_progress(void *user, const char *world, uint64_t states, uint64_t moves,
                          uint32_t depth, uint64_t waiting)
{
    double *last = user, now = seconds_now();
    if (now - *last < 1)
        return;
    *last = now;
    (void)fprintf(stderr, "\r%-12s %10llu states %12llu moves, %3u deep, %9llu waiting ", world,
                  (unsigned long long)states, (unsigned long long)moves, depth,
                  (unsigned long long)waiting);
}

static int choose_world(struct options *options, const char *name)
{
    for (uint32_t i = 0; i < world_count; i++) {
        if (strcmp(worlds[i].name, name) == 0)
            options->chosen |= 1u << i;
    }
    return options->chosen != 0;
}

static int choose_plant(struct options *options, const char *name)
{
    for (uint32_t i = 0; i < PLANT_COUNT; i++) {
        if (strcmp(plant_names[i], name) == 0) {
            options->search.plant = (enum plant)i;
            return 1;
        }
        if (strcmp(name, "list") == 0)
            printf("%s\n", plant_names[i]);
    }
    return 0;
}

static int take_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    *out = strtoull(text, &end, 10);
    return end != text && *end == '\0';
}

static int take_option(struct options *options, const char *name, const char *value, int *used)
{
    uint64_t number = 0;
    *used = 0;
    if (strcmp(name, "--list") == 0)
        return options->list = 1;
    if (strcmp(name, "--quiet") == 0)
        return options->quiet = 1;
    *used = 1;
    if (value == NULL)
        return 0;
    if (strcmp(name, "--world") == 0)
        return choose_world(options, value);
    if (strcmp(name, "--plant") == 0)
        return choose_plant(options, value);
    if (!take_number(value, &number))
        return 0;
    if (strcmp(name, "--limit") == 0)
        options->search.limit = number;
    else if (strcmp(name, "--faults") == 0)
        options->search.bads = (int)number;
    else if (strcmp(name, "--asks") == 0)
        options->search.asks = (int)number;
    else if (strcmp(name, "--twice") == 0)
        options->search.twice = (uint32_t)number;
    else
        return 0;
    return 1;
}

/* 1: nothing was wrong with it. */
static int search_one(const struct options *options, const struct world_def *def,
                      struct search_result *all)
{
    struct search_result result;
    double from = seconds_now();
    if (!search_world(def, &options->search, &result)) {
        printf("%s: memory is out, or its definition is wrong\n", def->name);
        return 0;
    }
    double took = seconds_now() - from;
    if (!options->quiet)
        (void)fprintf(stderr, "\r%*s\r", 78, "");
    if (result.broken) {
        search_show(def, &options->search, &result);
        printf("%-12s FAILED after %llu states: a shortest way of %u moves\n", def->name,
               (unsigned long long)result.states, result.way_count);
        return 0;
    }
    printf("%-12s %9llu states %10llu moves %8llu ends, %3u deep, calm after %3u, %5.1f s, %4llu "
           "MiB%s\n",
           def->name, (unsigned long long)result.states, (unsigned long long)result.moves,
           (unsigned long long)result.ends, result.depth, result.longest_calm, took,
           (unsigned long long)(result.bytes >> 20), result.whole ? "" : ", CUT OFF by --limit");
    (void)fflush(stdout);
    all->states += result.states;
    all->moves += result.moves;
    all->again += result.again;
    all->probes += result.probes;
    all->bytes = result.bytes > all->bytes ? result.bytes : all->bytes;
    return 1;
}

static int search_all(const struct options *options)
{
    struct search_result all = {0};
    double from = seconds_now();
    int failed = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < world_count && !failed; i++) {
        if (options->chosen != 0 && (options->chosen >> i & 1) == 0)
            continue;
        failed = !search_one(options, &worlds[i], &all);
        count++;
    }
    printf("%u worlds, %llu distinct states, %llu moves, %llu probes", count,
           (unsigned long long)all.states, (unsigned long long)all.moves,
           (unsigned long long)all.probes);
    if (options->search.twice > 0)
        printf(", %llu looked into again", (unsigned long long)all.again);
    printf(", %.0f s, at most %llu MiB: %s\n", seconds_now() - from,
           (unsigned long long)(all.bytes >> 20), failed ? "FAILED" : "every invariant holds");
    return failed;
}

int main(int argc, char **argv)
{
    double last = 0;
    struct options options = {.search = {.bads = -1, .asks = -1}};
    for (int i = 1; i < argc; i++) {
        int used = 0;
        if (!take_option(&options, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used)) {
            printf("%s", usage);
            return 2;
        }
        i += used;
    }
    for (uint32_t i = 0; i < world_count && options.list; i++)
        printf("%-12s %u faults, %u asks: %s\n", worlds[i].name, worlds[i].bads_most,
               worlds[i].asks_most, worlds[i].sentence);
    if (options.list)
        return 0;
    if (!options.quiet && isatty(STDERR_FILENO)) {
        options.search.progress = show_progress;
        options.search.user = &last;
    }
    return search_all(&options);
}
