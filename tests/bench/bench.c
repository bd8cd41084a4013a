/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS 5
#define LONG_ENOUGH_S 0.2
#define ROUNDS_MAX (UINT64_C(1) << 40)

volatile uint64_t bench_sink;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Units a second; below 0 when the work failed. *seconds is how long it took. */
static double measure(const struct bench *row, uint64_t rounds, double *seconds)
{
    double start = now_s();
    double units = row->run(rounds);
    *seconds = now_s() - start;
    return units < 0 ? -1 : units / *seconds;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int run_row(const struct bench *row)
{
    uint64_t rounds = 1;
    double seconds = 0, rates[REPEATS];
    while (measure(row, rounds, &seconds) >= 0 && seconds < LONG_ENOUGH_S && rounds < ROUNDS_MAX)
        rounds *= seconds < LONG_ENOUGH_S / 10 ? 8 : 2;
    for (int i = 0; i < REPEATS; i++) {
        rates[i] = measure(row, rounds, &seconds);
        if (rates[i] < 0) {
            printf("%-48s failed\n", row->name);
            return 1;
        }
    }
    qsort(rates, REPEATS, sizeof(rates[0]), by_value);
    printf("%-48s %14.1f %s/s  (%.1f to %.1f)\n", row->name, rates[REPEATS / 2], row->unit,
           rates[0], rates[REPEATS - 1]);
    fflush(stdout);
    return 0;
}

static int wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strstr(name, argv[i]) != NULL)
            return 1;
    }
    return argc < 2;
}

int bench_main(int argc, char **argv, const struct bench *rows, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (wanted(rows[i].name, argc, argv))
            failed |= run_row(&rows[i]);
    }
    return failed;
}
