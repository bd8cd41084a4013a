/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput: libFuzzer drives
 * it (./dev fuzz), and replay.c feeds it what has been kept in corpus/ (make check-unit).
 * A property that does not hold ends the process: that is what a fuzzer looks for. */
#ifndef ARC_TEST_FUZZ_H
#define ARC_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes that a target hands over at once, where it may choose; 0: as the input says. replay.c sets
 * it to 1 for its second round. */
extern size_t fuzz_step;

#define FUZZ_CHECK(condition) \
    do { \
        if (!(condition)) \
            fuzz_fail(__FILE__, __LINE__, #condition); \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* Memory that is counted. live: blocks not freed; bytes and peak: of them, now and at most.
 * fail_at: the how-manieth allocation fails, and all after it; 0: none. */
struct fuzz_mem {
    int64_t live;
    size_t bytes, peak;
    uint64_t calls, fail_at;
};
struct arc_mem fuzz_mem(struct fuzz_mem *state);

/* A copy of its own, so that ASan sees a read beyond it. free() it. */
char *fuzz_copy(const void *bytes, size_t len);

/* An input is bytes for the decoder, and behind them orders for the harness, the last byte telling
 * how many orders there are (at most 63): so that what mutates the front sees plain bytes of the
 * protocol. */
struct fuzz_input {
    const uint8_t *bytes;
    size_t len;
    const uint8_t *orders;
    size_t count, at;
};
struct fuzz_input fuzz_split(const uint8_t *data, size_t size);
/* The next order; 0 when there is none left. */
unsigned fuzz_order(struct fuzz_input *input);

#endif
