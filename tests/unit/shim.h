/* SPDX-License-Identifier: Apache-2.0 */
/* CUnit behind one table a file: each row is a sentence about behaviour and the function that tests
 * it. The program prints TAP; an argument runs only the cases whose sentence holds it. */
#ifndef ARC_TEST_SHIM_H
#define ARC_TEST_SHIM_H

#include <CUnit/CUnit.h>
#include <stddef.h>
#include <stdint.h>

#include <arcentra/base.h>

#include "base/mem.h"
#include "base/slice.h"

struct test {
    const char *sentence;
    void (*run)(void);
};

int test_main(int argc, char **argv, const struct test *tests, size_t count);

#define TEST_MAIN(tests) \
    int main(int argc, char **argv) \
    { \
        return test_main(argc, argv, tests, sizeof(tests) / sizeof((tests)[0])); \
    }

/* Checks that say what they saw; never fatal, so clean-up runs. */
#define CHECK(condition) CU_ASSERT(condition)
#define CHECK_OK(expression) \
    test_check_status(__FILE__, __LINE__, #expression, (expression), ARC_OK)
#define CHECK_STATUS(expression, want) \
    test_check_status(__FILE__, __LINE__, #expression, (expression), (want))
#define CHECK_INT(got, want) \
    test_check_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define CHECK_TEXT(got, want) \
    test_check_text(__FILE__, __LINE__, #got, (got), arc__slice_cstr(want))

/* Each answers 1 when it held. */
int test_check_status(const char *file, int line, const char *what, arc_status got,
                      arc_status want);
int test_check_int(const char *file, int line, const char *what, int64_t got, int64_t want);
int test_check_text(const char *file, int line, const char *what, arc_slice got, arc_slice want);
/* Ends the current case as skipped, with the reason. The case must return right after. */
void test_skip(const char *why);

/* Memory that fails on purpose. fail_at: the how-manieth allocation fails (0: none); sticky: all
 * after it fail too. live counts what has not been freed. */
struct test_mem {
    uint64_t calls, fail_at;
    int sticky;
    int64_t live;
};
struct arc_mem test_mem(struct test_mem *state);

/* Does all of something once with each allocation failing in turn, the first, the second and so on,
 * until life came to its end without that failure; fewer than most times. Checks that nothing stays
 * allocated and that life answers 1, for all was well, when nothing failed. */
void test_torture(int (*life)(struct test_mem *state), int sticky, uint64_t most);

#endif
