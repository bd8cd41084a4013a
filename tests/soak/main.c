/* SPDX-License-Identifier: Apache-2.0 */
/* soak kill|power|flips|calls|pgkill|pgbytes [--seed N] [--lives FROM..TO] */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "soak.h"

static const struct {
    const char *name;
    void (*run)(struct soak *soak);
    uint64_t lives;
} soaks[] = {
    {"kill", soak_kill, 10000},   {"power", soak_power, 20000},  {"flips", soak_flips, 10000},
    {"calls", soak_calls, 10000}, {"pgkill", soak_pgkill, 4000}, {"pgbytes", soak_pgbytes, 4000},
};
#define SOAKS (sizeof(soaks) / sizeof(soaks[0]))

static int usage(void)
{
    fputs("usage: soak kill|power|flips|calls|pgkill|pgbytes [--seed N] [--lives FROM..TO]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct soak soak = {.seed = 1, .from = 1};
    size_t which = 0;
    while (argc > 1 && which < SOAKS && strcmp(soaks[which].name, argv[1]) != 0)
        which++;
    if (argc < 2 || which == SOAKS)
        return usage();
    soak.to = soaks[which].lives;
    for (int i = 2; i < argc; i += 2) {
        int fine = 0;
        if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            fine = sscanf(argv[i + 1], "%" SCNu64, &soak.seed) == 1;
        else if (i + 1 < argc && strcmp(argv[i], "--lives") == 0)
            fine = sscanf(argv[i + 1], "%" SCNu64 "..%" SCNu64, &soak.from, &soak.to) == 2;
        if (!fine || soak.from == 0 || soak.to < soak.from)
            return usage();
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("soak %s: seed %" PRIu64 ", lives %" PRIu64 "..%" PRIu64 "\n", soaks[which].name,
           soak.seed, soak.from, soak.to);
    soaks[which].run(&soak);
    for (size_t i = 0; i < sizeof(soak.figures) / sizeof(soak.figures[0]); i++) {
        if (soak.figures[i].name != NULL)
            printf("  %s: %" PRIu64 "\n", soak.figures[i].name, soak.figures[i].count);
    }
    uint64_t passed = soak.lives > soak.failed ? soak.lives - soak.failed : 0;
    printf("%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", passed, soak.failed,
           soak.skipped);
    return soak.failed != 0;
}
