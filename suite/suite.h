/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the suite share. They see public headers alone, so that a host's compiler has
 * all that they need. */
#ifndef ARC_SUITE_SUITE_H
#define ARC_SUITE_SUITE_H

#include <arcentra/sys/store_suite.h>

#include <string.h>

#include "cases.h"

#define ARC_LIT(text) ((arc_slice){("" text), sizeof(text) - 1})
#define ARC_NONE ((arc_slice){NULL, 0})
#define ARC_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ARC_TRY(expression) \
    do { \
        arc_status arc_try_status = (expression); \
        if (arc_try_status != ARC_OK) \
            return arc_try_status; \
    } while (0)

/* Checks that say what they saw, and answer 1 when it held. */
#define CHECK(condition) arc__suite_check(__FILE__, __LINE__, #condition, (condition))
#define CHECK_OK(expression) CHECK_STATUS(expression, ARC_OK)
#define CHECK_STATUS(expression, want) \
    arc__suite_check_status(__FILE__, __LINE__, #expression, (expression), (want))
#define CHECK_INT(got, want) \
    arc__suite_check_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define CHECK_TEXT(got, want) arc__suite_check_text(__FILE__, __LINE__, #got, (got), text_of(want))

/* NULL gives the empty text. */
static inline arc_slice text_of(const char *text)
{
    arc_slice slice = {text, text != NULL ? strlen(text) : 0};
    return slice;
}

static inline int same_text(arc_slice a, arc_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int arc__suite_check(const char *file, int line, const char *what, int held);
int arc__suite_check_status(const char *file, int line, const char *what, arc_status got,
                            arc_status want);
int arc__suite_check_int(const char *file, int line, const char *what, int64_t got, int64_t want);
int arc__suite_check_text(const char *file, int line, const char *what, arc_slice got,
                          arc_slice want);
void arc__suite_say(const char *format, ...) ARC_PRINTF(1, 2);

/* Memory that fails on purpose. fail_at: the how-manieth allocation fails (0: none); sticky: all
 * after it fail too. live counts what has not been freed. */
struct suite_mem {
    uint64_t calls, fail_at;
    int sticky;
    int64_t live;
};
arc_env arc__suite_env(struct suite_mem *state);

/* Of the suite that runs now. env NULL: the process's own memory. */
arc_store *arc__suite_open(const arc_env *env, arc_err *err);
void arc__suite_close(arc_store *store);
/* NULL: it failed, which has been said; or it need not last. */
arc_store *arc__suite_again(arc_store *store);
int arc__suite_lasts(void);
void arc__suite_skip(void);
size_t arc__suite_key_bytes(void);
int arc__suite_fails_memory(void);
arc_arena *arc__suite_arena(const arc_env *env, size_t max_bytes);

arc_status arc__suite_commit(arc_store *store, const arc_store_op *ops, size_t count, arc_err *err);
/* With follow; shift may be NULL. */
arc_status arc__suite_follow(arc_store *store, const arc_store_op *ops, size_t count,
                             int64_t *shift, arc_err *err);
arc_status arc__suite_query(arc_store *store, const arc_query *query, arc_arena *arena,
                            arc_rows *out, arc_err *err);
arc_status arc__suite_claim(arc_store *store, const arc_claim *claim, arc_arena *arena,
                            arc_rows *out, arc_err *err);
/* Waits for what the store waits for, and dispatches. */
void arc__suite_round(arc_store *store);
/* How many rows a table has; -1: the query failed. */
int64_t arc__suite_count(arc_store *store, uint32_t table);

#define ARC_CASE_DECLARE(name, sentence) void arc__case_##name(void);
STORE_CONTRACT(ARC_CASE_DECLARE)

#endif
