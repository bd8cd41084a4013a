/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"

#include <CUnit/CUError.h>
#include <CUnit/TestRun.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skipped; /* the reason of the case that runs now */

static int wanted(const char *sentence, int argc, char **argv)
{
    if (argc < 2)
        return 1;
    for (int i = 1; i < argc; i++) {
        if (strstr(sentence, argv[i]) != NULL)
            return 1;
    }
    return 0;
}

static void print_failures(void)
{
    for (CU_pFailureRecord f = CU_get_failure_list(); f != NULL; f = f->pNext)
        printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
}

/* 1 when the case held. */
static int run_case(CU_pSuite suite, const struct test *test, int number)
{
    CU_pTest handle = CU_add_test(suite, test->sentence, test->run);
    if (handle == NULL) {
        printf("not ok %d - %s\n# %s\n", number, test->sentence, CU_get_error_msg());
        return 0;
    }
    skipped = NULL;
    CU_ErrorCode code = CU_run_test(suite, handle);
    unsigned failures = CU_get_number_of_failures();
    int held = code == CUE_SUCCESS && failures == 0;
    if (!held)
        print_failures();
    printf("%s %d - %s%s%s\n", held ? "ok" : "not ok", number, test->sentence,
           skipped != NULL ? " # SKIP " : "", skipped != NULL ? skipped : "");
    fflush(stdout);
    return held;
}

int test_main(int argc, char **argv, const struct test *tests, size_t count)
{
    int number = 0, failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 99;
    CU_pSuite suite = CU_add_suite("cases", NULL, NULL);
    if (suite == NULL)
        return 99;
    for (size_t i = 0; i < count; i++) {
        if (wanted(tests[i].sentence, argc, argv))
            failed += !run_case(suite, &tests[i], ++number);
    }
    printf("1..%d\n", number);
    CU_cleanup_registry();
    return failed == 0 ? 0 : 1;
}

void test_skip(const char *why)
{
    skipped = why;
}

int test_check_status(const char *file, int line, const char *what, arc_status got, arc_status want)
{
    char text[512];
    snprintf(text, sizeof(text), "%s: %s, not %s", what, arc_status_name(got),
             arc_status_name(want));
    return CU_assertImplementation(got == want, (unsigned)line, text, file, "", CU_FALSE);
}

int test_check_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    char text[512];
    snprintf(text, sizeof(text), "%s: %" PRId64 ", not %" PRId64, what, got, want);
    return CU_assertImplementation(got == want, (unsigned)line, text, file, "", CU_FALSE);
}

int test_check_text(const char *file, int line, const char *what, arc_slice got, arc_slice want)
{
    char text[2048];
    snprintf(text, sizeof(text), "%s: \"%.*s\", not \"%.*s\"", what, ARC_ARG(got), ARC_ARG(want));
    return CU_assertImplementation(arc__slice_equal(got, want), (unsigned)line, text, file, "",
                                   CU_FALSE);
}

static void *counted(void *user, void *ptr, size_t size)
{
    struct test_mem *state = user;
    if (size == 0) {
        state->live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    state->calls++;
    if (state->fail_at != 0 &&
        (state->calls == state->fail_at || (state->sticky && state->calls > state->fail_at)))
        return NULL;
    void *fresh = realloc(ptr, size);
    state->live += ptr == NULL && fresh != NULL;
    return fresh;
}

struct arc_mem test_mem(struct test_mem *state)
{
    return (struct arc_mem){state, counted};
}

void test_torture(int (*life)(struct test_mem *state), int sticky, uint64_t most)
{
    for (uint64_t n = 1; n < most; n++) {
        char what[64];
        struct test_mem state = {.fail_at = n, .sticky = sticky};
        int done = life(&state);
        snprintf(what, sizeof(what), "live after allocation %" PRIu64 " failed", n);
        test_check_int(__FILE__, __LINE__, what, state.live, 0);
        if (state.calls < n) {
            CHECK(done);
            return;
        }
    }
    CU_FAIL("the torture never came to an end");
}
