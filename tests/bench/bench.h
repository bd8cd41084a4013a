/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring: a row names a measurement, its unit, and a function that does its work so many times
 * and answers how many units that was. Each is run until it takes long enough to be read off the
 * clock, then five times; the median is printed, and the spread, so that a figure from a busy
 * machine can be told. */
#ifndef ARC_BENCH_H
#define ARC_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct bench {
    const char *name;
    const char *unit;               /* "MB", "rows": printed as unit/s */
    double (*run)(uint64_t rounds); /* below 0: it failed */
};

int bench_main(int argc, char **argv, const struct bench *rows, size_t count);

#define BENCH_MAIN(rows) \
    int main(int argc, char **argv) \
    { \
        return bench_main(argc, argv, rows, sizeof(rows) / sizeof((rows)[0])); \
    }

/* Keeps a result alive that nothing else reads. */
extern volatile uint64_t bench_sink;

#endif
